package arch

import (
	"context"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

// statement is a constant of a *_sql.go file that holds a whole SQL statement.
type statement struct {
	name string
	text string
	at   token.Pos
}

var sqlVerb = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)

// statements finds them. A constant may be put together from others, also of other packages.
func statements(t *tree) (out []statement) {
	c := constants{t: t, exprs: map[string]constant{}}
	for _, f := range t.files {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if i < len(v.Values) {
						c.exprs[f.dir+" "+name.Name] = constant{f, v.Values[i], name.Pos()}
					}
				}
			}
		}
	}
	for key, k := range c.exprs {
		if !isSQLFile(k.file) {
			continue
		}
		if s, ok := c.value(k.file, k.expr, 0); ok && sqlVerb.MatchString(s) {
			out = append(out, statement{key, s, k.at})
		}
	}
	slices.SortFunc(out, func(a, b statement) int { return strings.Compare(a.name, b.name) })
	return out
}

type constant struct {
	file *source
	expr ast.Expr
	at   token.Pos
}

type constants struct {
	t     *tree
	exprs map[string]constant // by "folder name"
}

// value evaluates a constant string expression.
func (c constants) value(f *source, e ast.Expr, depth int) (string, bool) {
	if depth > 50 {
		return "", false
	}
	named := func(dir, name string) (string, bool) {
		k, ok := c.exprs[dir+" "+name]
		if !ok {
			return "", false
		}
		return c.value(k.file, k.expr, depth+1)
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.ParenExpr:
		return c.value(f, e.X, depth+1)
	case *ast.BinaryExpr:
		a, ok := c.value(f, e.X, depth+1)
		b, ok2 := c.value(f, e.Y, depth+1)
		return a + b, ok && ok2 && e.Op == token.ADD
	case *ast.Ident:
		return named(f.dir, e.Name)
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		if !ok {
			return "", false
		}
		return named(strings.TrimPrefix(f.imports[x.Name], module+"/"), e.Sel.Name)
	case *ast.CallExpr: // string(constant)
		if fun, ok := e.Fun.(*ast.Ident); ok && fun.Name == "string" && len(e.Args) == 1 {
			return c.value(f, e.Args[0], depth+1)
		}
	}
	return "", false
}

// A statement whose constant's name ends in SQLite or Postgres is for that engine only.
func forEngine(name string, e db.Engine) bool {
	switch {
	case strings.HasSuffix(name, "SQLite"):
		return e == db.SQLite
	case strings.HasSuffix(name, "Postgres"):
		return e == db.Postgres
	}
	return true
}

func TestEveryStatementIsAcceptedByBothEngines(t *testing.T) {
	r := repository(t)
	all := statements(r)
	if len(all) < 5 {
		t.Fatalf("found %d statements: the search is blind", len(all))
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, s := range all {
			if !forEngine(s.name, d.Engine()) {
				continue
			}
			var refused error
			err := d.View(context.Background(), func(_ context.Context, tx *db.Tx) error {
				refused = tx.Prepare(s.text)
				return nil
			})
			if refused != nil {
				t.Error(r.finding(s.at, "%s is refused: %v", s.name, refused))
			} else if err != nil {
				t.Error(r.finding(s.at, "%s: %v", s.name, err))
			}
		}
		t.Logf("%d statements prepared", len(all))
		_ = d.View(context.Background(), func(_ context.Context, tx *db.Tx) error {
			if tx.Prepare(`SELECT no_such_column FROM events`) == nil {
				t.Error("the check is blind: the engine takes a column that does not exist")
			}
			return nil
		}) // its own error is no news: an engine may give up the transaction of a refused statement
	})
}

func TestStatementsAreFoundAndPutTogether(t *testing.T) {
	got := statements(sample(t, map[string]string{
		"internal/a/names.go": "package a\nconst table = \"things\"\nconst SELECTED = `SELECT nothing: not a _sql file`",
		"internal/b/b_sql.go": "package b\nimport \"parley/internal/c\"\nconst (\nsqlTwo = `SELECT ` + columns + ` FROM x WHERE s = '` + string(c.Open) + `'`\ncolumns = `id, name`\n)",
		"internal/c/c.go":     "package c\nconst Open State = \"open\"\ntype State string",
		"internal/a/a_sql.go": "package a\nconst sqlOne = `\n  UPDATE ` + (table) + ` SET a = $1`\nvar notConstant = `DELETE FROM a`",
	}))
	want := map[string]string{
		"internal/a sqlOne": "\n  UPDATE things SET a = $1",
		"internal/b sqlTwo": "SELECT id, name FROM x WHERE s = 'open'",
	}
	if len(got) != len(want) {
		t.Errorf("found %d statements, want %d: %v", len(got), len(want), got)
	}
	for _, s := range got {
		if want[s.name] != s.text {
			t.Errorf("%s = %q, want %q", s.name, s.text, want[s.name])
		}
	}
}
