package web

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func read(t *testing.T, files fs.FS, name string) string {
	t.Helper()
	b, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnAppThatWasNotBuiltIsThePlaceholder(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	bare := fstest.MapFS{"placeholder/index.html": file("build me")}
	half := fstest.MapFS{
		"placeholder/index.html": file("build me"),
		"widget/loader.js":       file("only the first half of the build"),
		"operator/index.html":    file("center"),
	}
	whole := fstest.MapFS{
		"placeholder/index.html": file("build me"),
		"widget/messenger.js":    file("messenger"),
		"operator/index.html":    file("center"),
		"demo/shop.html":         file("shop"),
	}
	for _, c := range []struct {
		name      string
		files     fstest.MapFS
		dir       string
		entry     string
		file      string
		want      string
		wantBuilt bool
	}{
		{"nothing built: center", bare, operatorDir, operatorEntry, "index.html", "build me", false},
		{"nothing built: widget", bare, widgetDir, widgetEntry, "index.html", "build me", false},
		{"nothing built: demo", bare, demoDir, demoEntry, "index.html", "build me", false},
		{"nothing built: a page of the demo", bare, demoDir, demoEntry, "inspector.html", "build me", false},
		{"half built: center", half, operatorDir, operatorEntry, "index.html", "center", false},
		{"half built: widget without messenger", half, widgetDir, widgetEntry, "index.html", "build me", false},
		{"all built: center", whole, operatorDir, operatorEntry, "index.html", "center", true},
		{"all built: widget", whole, widgetDir, widgetEntry, "messenger.js", "messenger", true},
		{"all built: demo", whole, demoDir, demoEntry, "shop.html", "shop", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := apps{c.files}
			if got := read(t, a.pick(c.dir, c.entry), c.file); got != c.want {
				t.Errorf("%s holds %q, want %q", c.file, got, c.want)
			}
			if got := a.built(); got != c.wantBuilt {
				t.Errorf("built() = %v, want %v", got, c.wantBuilt)
			}
		})
	}
}

func TestAMissingScriptIsNotAPage(t *testing.T) {
	bare := fstest.MapFS{"placeholder/index.html": &fstest.MapFile{Data: []byte("build me")}}
	if _, err := fs.ReadFile(apps{bare}.pick(widgetDir, widgetEntry), "messenger.js"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("messenger.js of the placeholder: %v", err)
	}
}

func TestThePlaceholderIsCommittedAndSaysHowToBuild(t *testing.T) {
	page := read(t, sub(dist(), placeholder), "index.html")
	if !strings.Contains(page, "make run") {
		t.Error("the placeholder page does not say how to build the apps")
	}
	// Our pages are served with style-src 'self' and script-src 'self'.
	for _, forbidden := range []string{"<style", "style=", "<script>", " onload=", " onclick="} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the placeholder page has %q, which the content security policy refuses", forbidden)
		}
	}
	if !strings.Contains(read(t, sub(dist(), placeholder), "loader.js"), "console.warn") {
		t.Error("the placeholder's loader.js does not say that the messenger is missing")
	}
}

func TestEveryAppHasFilesToServe(t *testing.T) {
	for name, files := range map[string]fs.FS{"widget": Widget(), "operator": Operator(), "demo": Demo()} {
		entries, err := fs.ReadDir(files, ".")
		if err != nil || len(entries) == 0 {
			t.Errorf("%s: %d files, %v", name, len(entries), err)
		}
	}
	if Built() != (apps{dist()}).built() {
		t.Error("Built does not look at the embedded files")
	}
}
