package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheGeneratedFilesAreWhatTheTypesSay(t *testing.T) {
	l := newLoader()
	for _, target := range targets {
		want, err := target.source(l)
		if err != nil {
			t.Fatalf("%s: %v", target.root, err)
		}
		if got, err := os.ReadFile(target.file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is older than the types that it writes: run make generate (%v)", filepath.Clean(target.file), err)
		}
	}
}

func TestWhatGenDoesNotKnowItRefuses(t *testing.T) {
	l := newLoader()
	for name, row := range map[string]struct{ field, want string }{
		"types":           {"M map[string]int", "M: gen does not know the type map[string]int"},
		"small numbers":   {"N uint8", "gen does not know the type uint8"},
		"bytes":           {"B []byte", "gen does not know the type []byte"},
		"durations":       {"D time.Duration", "a duration says no unit"},
		"own ways":        {"A own", "which has its own way to be written"},
		"other modules":   {"A netip.Addr", "gen knows the types of this module and of package time only"},
		"options":         {"S string `json:\",string\"`", `does not know the option "string"`},
		"strange keys":    {"S string `json:\"a b\"`", "knows keys of letters"},
		"the same key":    {"S string `json:\"a\"`; T string `json:\"a\"`", "another field with the key a"},
		"embedded others": {"*time.Time", "knows embedded structs"},
		"nameless":        {"S struct{ A int }", "structs with a name only"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "sample")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			text := "package sample\nimport (\"time\"; \"net/netip\")\nvar _ time.Time; var _ netip.Addr\ntype own int\nfunc (own) MarshalJSON() ([]byte, error) { return nil, nil }\ntype Root struct { " + row.field + " }\n"
			for file, text := range map[string]string{"go.mod": "module parley", "sample.go": text} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b, err := target{folder: dir, root: "Root", file: filepath.Join(dir, "root.go"), read: true}.source(l)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q\n%s", err, row.want, b)
			}
		})
	}
}
