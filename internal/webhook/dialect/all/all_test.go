package all_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/internal/event/eventtest"
	"parley/internal/golden"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/all"
)

func TestMain(m *testing.M) { golden.Main(m) }

func compile(t *testing.T, info dialect.Info, version, name string) *jsonschema.Schema {
	t.Helper()
	raw, err := dialect.EventSchema(info, version, name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	url := "https://schemas.example/" + info.Name + "/" + version + "/" + name + ".json"
	if err := c.AddResource(url, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(url)
	if err != nil {
		t.Fatalf("schema of %s %s: %v", info.Name, name, err)
	}
	return s
}

// The contract of every dialect in every form over every sample: told under a name of its list or explicitly not, the same bytes
// twice, valid UTF-8 JSON, valid for its published schema, and equal to the golden file.
func TestEveryDialectRendersEverySample(t *testing.T) {
	for _, d := range all.Dialects() {
		for _, version := range d.Info().Versions {
			everySample(t, d, version, nil)
		}
	}
}

// The same with all that an endpoint may turn on. One switch at a time is the business of the dialect's own tests.
func TestEveryDialectRendersEverySampleWithItsSwitches(t *testing.T) {
	for _, d := range all.Dialects() {
		var switches []string
		for _, s := range d.Info().Switches {
			switches = append(switches, s.Name)
		}
		if switches != nil {
			slices.Sort(switches)
			everySample(t, d, d.Info().Version, switches)
		}
	}
}

func everySample(t *testing.T, d dialect.Dialect, version string, switches []string) {
	info := d.Info()
	folder := info.Name
	if version != info.Version {
		folder += "-" + version
	}
	folder = strings.Join(append([]string{folder}, switches...), "+")
	options := dialect.Options{PublicURL: "https://chat.example", Version: version, Switches: switches, NoReply: "no-reply@chat.example",
		MediaURL: eventtest.MediaURL("https://chat.example")}
	known, told := map[string]*jsonschema.Schema{}, map[string]bool{}
	for _, e := range info.Events {
		if info.Hears(version, e.Name) {
			known[e.Name] = compile(t, info, version, e.Name)
		}
		if e.Title == "" || e.Description == "" {
			t.Errorf("%s: event %s is not described", info.Name, e.Name)
		}
	}
	var silent []string
	for _, s := range eventtest.Named() {
		t.Run(folder+"/"+s.Name, func(t *testing.T) {
			name, ok := d.Name(s.Event)
			if !ok || !info.Hears(version, name) {
				silent = append(silent, s.Name)
				if body, err := d.Render(s.Event, options); err == nil {
					t.Errorf("not told, but rendered as %s", body)
				}
				return
			}
			schema := known[name]
			if schema == nil {
				t.Fatalf("told as %q, which is not in the list of events", name)
			}
			told[name] = true
			body, err := d.Render(s.Event, options)
			if err != nil {
				t.Fatal(err)
			}
			again, err := d.Render(s.Event, options)
			if err != nil || !bytes.Equal(body, again) {
				t.Errorf("rendering twice gives different bytes (%v)", err)
			}
			if version == info.Version {
				if again, err = d.Render(s.Event, dialect.Options{PublicURL: options.PublicURL, Switches: switches, NoReply: options.NoReply, MediaURL: options.MediaURL}); err != nil || !bytes.Equal(body, again) {
					t.Errorf("without a version it is not the current form: %s (%v)", again, err)
				}
			}
			if !utf8.Valid(body) || !json.Valid(body) {
				t.Errorf("not valid UTF-8 JSON: %s", body)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Errorf("the body does not fit its own schema: %v", err)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, body, "", "  "); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			golden.Check(t, folder+"/"+s.Name+".json", pretty.Bytes())
		})
	}
	golden.Check(t, folder+"/not_told.txt", []byte(strings.Join(silent, "\n")+"\n"))
	for name := range known {
		if !told[name] {
			t.Errorf("%s: no sample of event %s", folder, name)
		}
	}
}

func TestDialectsAreComplete(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var folders, names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "all" {
			folders = append(folders, e.Name())
		}
	}
	for _, d := range all.Dialects() {
		i := d.Info()
		names = append(names, i.Name)
		if i.Title == "" || i.Version == "" || i.Success == "" {
			t.Errorf("%s is not described: %+v", i.Name, i)
		}
		if len(i.Versions) == 0 || i.Versions[len(i.Versions)-1] != i.Version {
			t.Errorf("%s: the current version %q is not the last of %q", i.Name, i.Version, i.Versions)
		}
		for _, e := range i.Events {
			for _, v := range e.Versions {
				if !slices.Contains(i.Versions, v) {
					t.Errorf("%s: %s is told in the version %q, which there is not", i.Name, e.Name, v)
				}
			}
		}
		for _, s := range i.Switches {
			// The pinned form of a delivery has them behind "+".
			if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(s.Name) || s.Title == "" || s.Description == "" || !i.HasSwitch(s.Name) {
				t.Errorf("%s: the switch %+v is not described", i.Name, s)
			}
		}
		if i.HasSwitch("") || i.HasSwitch("other") {
			t.Errorf("%s has a switch that it does not list", i.Name)
		}
	}
	if !slices.Equal(folders, names) {
		t.Errorf("folders %v, listed dialects %v: run go generate", folders, names)
	}
}

// An event that some forms tell of is heard by those who are pinned to one of them.
func TestWhichFormHearsWhat(t *testing.T) {
	for _, d := range all.Dialects() {
		if d.Info().Name != "userlike" {
			continue
		}
		for _, c := range []struct {
			version, name string
			want          bool
		}{
			{"", "chat_session.start", true}, {"1", "chat_session.start", true}, {"2014", "chat_session.start", true},
			{"", "offline_message.receive", false}, {"1", "offline_message.receive", false}, {"2014", "offline_message.receive", true},
			{"", "unknown", false}, {"2014", "", false},
		} {
			if got := d.Info().Hears(c.version, c.name); got != c.want {
				t.Errorf("%q in %q: %v", c.name, c.version, got)
			}
		}
	}
}

func TestOptionsOn(t *testing.T) {
	o := dialect.Options{Switches: []string{"a", "b"}}
	if !o.On("a") || !o.On("b") || o.On("c") || o.On("") || new(dialect.Options).On("a") {
		t.Errorf("what is on: %+v", o)
	}
}

// Reading 6: only the API add-on demands exactly 200, and lets no 410 end the subscription.
func TestJudgement(t *testing.T) {
	want := map[string]string{
		"chatlio":  "200 received, 201 received, 204 received, 299 received, 301 failed, 302 failed, 404 failed, 410 gone, 500 failed",
		"standard": "200 received, 201 received, 204 received, 299 received, 301 failed, 302 failed, 404 failed, 410 gone, 500 failed",
		"userlike": "200 received, 201 failed, 204 failed, 299 failed, 301 failed, 302 failed, 404 failed, 410 failed, 500 failed",
	}
	for _, d := range all.Dialects() {
		var got []string
		for _, status := range []int{200, 201, 204, 299, 301, 302, 404, 410, 500} {
			got = append(got, fmt.Sprint(status, " ", d.Judge(status)))
		}
		if s := strings.Join(got, ", "); s != want[d.Info().Name] {
			t.Errorf("%s: %s\nwant %s", d.Info().Name, s, want[d.Info().Name])
		}
	}
}
