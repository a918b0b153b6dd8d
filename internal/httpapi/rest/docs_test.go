package rest

import (
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/internal/fault"
	"parley/internal/webhook/dialect/all"
)

func (b *bench) page(path string) (int, http.Header, string) {
	b.Helper()
	res, err := b.server.Client().Get(b.server.URL + path)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

var (
	idForm   = regexp.MustCompile(` id="([^"]+)"`)
	linkForm = regexp.MustCompile(` (?:href|src)="([^"]+)"`)
	dirty    = regexp.MustCompile(`(?i)<script|<style|<[a-z][^>]* (?:style|on[a-z]+)=|javascript:`) // a sample's text may name an attribute
)

// TestTheReferencePagesHoldTogether follows every link of every page.
func TestTheReferencePagesHoldTogether(t *testing.T) {
	b := newBench(t)
	anchors := map[string][]string{}
	links := map[string][]string{}
	for _, p := range []string{"/docs", "/docs/", "/docs/api", "/docs/events", "/docs/webhooks", "/docs/channels", "/docs/mails", "/docs/limits", "/docs/errors"} {
		status, header, body := b.page(p)
		if status != http.StatusOK || header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s: %d %s", p, status, header.Get("Content-Type"))
		}
		if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %s", p, csp)
		}
		if m := dirty.FindString(body); m != "" {
			t.Errorf("%s holds %s, which the policy forbids", p, m)
		}
		for _, m := range idForm.FindAllStringSubmatch(body, -1) {
			if slices.Contains(anchors[p], m[1]) {
				t.Errorf("%s has the id %s twice", p, m[1])
			}
			anchors[p] = append(anchors[p], m[1])
		}
		for _, m := range linkForm.FindAllStringSubmatch(body, -1) {
			links[p] = append(links[p], m[1])
		}
		if strings.Count(body, "<main") != 1 || strings.Count(body, "<h1") != 1 {
			t.Errorf("%s has not one main part and one title", p)
		}
	}
	for p, list := range links {
		for _, l := range list {
			target, anchor, _ := strings.Cut(l, "#")
			if strings.HasPrefix(l, "https://www.standardwebhooks.com") {
				continue
			}
			if target == "" {
				target = p
			}
			if known, ok := anchors[target]; ok {
				if anchor != "" && !slices.Contains(known, anchor) {
					t.Errorf("%s links to %s, which is not there", p, l)
				}
				continue
			}
			if status, _, _ := b.page(target); status != http.StatusOK {
				t.Errorf("%s links to %s: %d", p, l, status)
			}
		}
	}
	for _, e := range fault.Catalogue() {
		if !slices.Contains(anchors["/docs/errors"], string(e.Code)) {
			t.Errorf("the code %s is not explained", e.Code)
		}
	}
	for _, o := range b.contract.operations() {
		if !slices.Contains(anchors["/docs/api"], o.id) {
			t.Errorf("the operation %s is not in the reference", o.id)
		}
	}
	if status, _, _ := b.page("/docs/nothing"); status != http.StatusNotFound {
		t.Errorf("a page that is not there: %d", status)
	}
	if status, header, _ := b.page("/docs/docs.css"); status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/css") {
		t.Errorf("the style sheet: %d %s", status, header.Get("Content-Type"))
	}
}

// TestS115_EachCallbackHasASampleAndItsSchema reads the reference as an integrator does: every callback of every dialect in every form
// has a sample that fits the schema beside it, and the page shows the very sample that the server hands out as a file.
func TestS115_EachCallbackHasASampleAndItsSchema(t *testing.T) {
	b := newBench(t)
	_, _, body := b.page("/docs/webhooks")
	shown := html.UnescapeString(body)
	count := map[string]int{}
	for _, d := range all.Dialects() {
		info := d.Info()
		for _, one := range info.Switches {
			if !strings.Contains(body, "<code>"+one.Name+"</code>") {
				t.Errorf("the page does not tell of the switch %s", one.Name)
			}
		}
		for _, version := range info.Versions {
			folder := info.Name
			if version != info.Version {
				folder += "-" + version
			}
			for _, e := range info.Events {
				name := folder + "/" + e.Name + ".json"
				if !info.Hears(version, e.Name) {
					if status, _, _ := b.page("/docs/samples/" + name); status != http.StatusNotFound || strings.Contains(body, name) {
						t.Errorf("the page shows %s, which there is not: %d", name, status)
					}
					continue
				}
				if !strings.Contains(body, ` id="`+info.Name+"-"+e.Name+`"`) || !strings.Contains(body, `href="/docs/schemas/`+name+`"`) {
					t.Errorf("the page does not show %s", name)
				}
				_, _, schema := b.page("/docs/schemas/" + name)
				status, header, sample := b.page("/docs/samples/" + name)
				if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
					t.Fatalf("the sample of %s: %d %s", name, status, header.Get("Content-Type"))
				}
				if !strings.Contains(shown, strings.TrimSpace(sample)) {
					t.Errorf("the page does not show the sample of %s", name)
				}
				doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
				if err != nil {
					t.Fatal(err)
				}
				c := jsonschema.NewCompiler()
				if err := c.AddResource("https://schemas.example/"+name, doc); err != nil {
					t.Fatal(err)
				}
				compiled, err := c.Compile("https://schemas.example/" + name)
				if err != nil {
					t.Fatal(err)
				}
				value, err := jsonschema.UnmarshalJSON(strings.NewReader(sample))
				if err != nil {
					t.Fatal(err)
				}
				if err := compiled.Validate(value); err != nil {
					t.Errorf("the sample of %s does not fit its schema: %v", name, err)
				}
				count[folder]++
			}
		}
	}
	if count["userlike"] != 16 || count["userlike-2014"] != 17 || count["chatlio"] != 5 {
		t.Errorf("the API add-on has 16 callbacks, 17 in its older form, and there are 5 chat webhooks, but the reference has: %v", count)
	}
}

func TestDescriptionsAreEscaped(t *testing.T) {
	b := &docsBuilder{codes: map[string]bool{"conversation.ended": true}}
	got := string(b.prose("A <b> & **strong** `conversation.ended` of /docs/events.\n\n`<x>`"))
	want := `<p>A &lt;b&gt; &amp; <strong>strong</strong> <a href="/docs/errors#conversation.ended"><code>conversation.ended</code></a> of ` +
		`<a href="/docs/events">/docs/events</a>.</p><p><code>&lt;x&gt;</code></p>`
	if got != want {
		t.Errorf("got %s", got)
	}
}
