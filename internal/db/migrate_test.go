package db

import (
	"strings"
	"testing"
)

func TestBlocksOfMigrations(t *testing.T) {
	const text = "both\n{{sqlite}}\nlite $$\n{{postgres}}\npg\n  {{end}}\nboth again {{id}}\n"
	for engine, want := range map[Engine]string{SQLite: "both\nlite $$\nboth again {{id}}\n", Postgres: "both\npg\nboth again {{id}}\n"} {
		if got, err := blocks(engine, text); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", engine, got, err, want)
		}
	}
	for _, wrong := range []string{"{{sqlite}}\nx", "x\n{{end}}\n"} {
		if _, err := blocks(SQLite, wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
	for _, engine := range []Engine{SQLite, Postgres} {
		all, err := migrations(engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if strings.Contains(m.text, "{{") {
				t.Errorf("%s on %s has a mark that nobody knows", m.name, engine)
			}
		}
	}
}
