package team

import (
	"context"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

// statements returns the SQL constants of the package's *_sql.go files by name.
func statements(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*_sql.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, f := range files {
		p, err := parser.ParseFile(set, f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, p)
	}
	// Imports stay unresolved: constants of strings need none.
	conf := types.Config{Error: func(error) {}}
	pkg, _ := conf.Check("team", set, parsed, nil)
	out := map[string]string{}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok && strings.HasPrefix(name, "sql") {
			out[name] = constant.StringVal(c.Val())
		}
	}
	return out
}

func TestEveryStatementIsAcceptedByTheEngine(t *testing.T) {
	all := statements(t)
	if len(all) < 40 {
		t.Fatalf("found only %d statements", len(all))
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, text := range all {
			err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error { return tx.Prepare(text) })
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
