package rest

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/internal/fault"
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
	dirty    = regexp.MustCompile(`(?i)<script|<style| style=| on[a-z]+=|javascript:`)
)

// TestTheReferencePagesHoldTogether follows every link of every page.
func TestTheReferencePagesHoldTogether(t *testing.T) {
	b := newBench(t)
	anchors := map[string][]string{}
	links := map[string][]string{}
	for _, p := range []string{"/docs", "/docs/", "/docs/api", "/docs/events", "/docs/webhooks", "/docs/errors"} {
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

func TestDescriptionsAreEscaped(t *testing.T) {
	b := &docsBuilder{codes: map[string]bool{"conversation.ended": true}}
	got := string(b.prose("A <b> & **strong** `conversation.ended` of /docs/events.\n\n`<x>`"))
	want := `<p>A &lt;b&gt; &amp; <strong>strong</strong> <a href="/docs/errors#conversation.ended"><code>conversation.ended</code></a> of ` +
		`<a href="/docs/events">/docs/events</a>.</p><p><code>&lt;x&gt;</code></p>`
	if got != want {
		t.Errorf("got %s", got)
	}
}
