package all_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
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
			everySample(t, d, version)
		}
	}
}

func everySample(t *testing.T, d dialect.Dialect, version string) {
	info := d.Info()
	folder := info.Name
	if version != info.Version {
		folder += "-" + version
	}
	options := dialect.Options{PublicURL: "https://chat.example", Version: version, MediaURL: eventtest.MediaURL("https://chat.example")}
	known, told := map[string]*jsonschema.Schema{}, map[string]bool{}
	for _, e := range info.Events {
		known[e.Name] = compile(t, info, version, e.Name)
		if e.Title == "" || e.Description == "" {
			t.Errorf("%s: event %s is not described", info.Name, e.Name)
		}
	}
	var silent []string
	for _, s := range eventtest.Named() {
		t.Run(folder+"/"+s.Name, func(t *testing.T) {
			name, ok := d.Name(s.Event)
			if !ok {
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
				if again, err = d.Render(s.Event, dialect.Options{PublicURL: options.PublicURL, MediaURL: options.MediaURL}); err != nil || !bytes.Equal(body, again) {
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
	}
	if !slices.Equal(folders, names) {
		t.Errorf("folders %v, listed dialects %v: run go generate", folders, names)
	}
}

// Reading 6: only the API add-on demands exactly 200; only our own dialect lets 410 end the subscription.
func TestJudgement(t *testing.T) {
	want := map[string]string{
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
