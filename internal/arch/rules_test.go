package arch

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// skips lists the tests that may be skipped, as "file:function", with the reason.
var skips = map[string]string{}

// sleepers lists the tests that may sleep for real, as "file:function", with the reason. Everything else waits inside a
// synctest bubble, or for a signal.
var sleepers = map[string]string{}

// jsonPlaces are the files that may name the keys of a JSON object, as patterns of path.Match.
var jsonPlaces = list(`
	internal/httpapi/wire*.go internal/httpapi/problem*.go internal/httpapi/*/wire*.go
	internal/realtime/wire*.go
	internal/webhook/dialect/*.go internal/webhook/dialect/*/*.go
	internal/channel/*/wire*.go internal/mail/letter/callback.go
	internal/config/*.go internal/client/wire*.go internal/feed/codec.go internal/demo/wire*.go
	cmd/bench/*.go examples/*/*/*.go`)

// forbiddenNames of packages say nothing about what is inside.
var forbiddenNames = list("util utils common helper helpers base core manager managers model models type types service services pkg misc lib shared")

type rule struct {
	name  string
	check func(*tree) []string
	// bad breaks the rule exactly once per file; good keeps it.
	bad, good map[string]string
}

func TestHouseRules(t *testing.T) {
	for _, r := range houseRules {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range r.check(repository(t)) {
				t.Error(f)
			}
			for name, text := range r.bad {
				if got := r.check(sample(t, map[string]string{name: text})); len(got) != 1 {
					t.Errorf("the rule is blind: it should find one thing in the sample %s and found %q", name, got)
				}
			}
			for name, text := range r.good {
				for _, f := range r.check(sample(t, map[string]string{name: text})) {
					t.Errorf("the rule is too strict, sample: %s", f)
				}
			}
		})
	}
}

var houseRules = []rule{
	{
		name: "a package imports what its row of the table allows", check: imports,
		bad: map[string]string{
			"internal/inbox/a.go":               "package inbox\nimport _ \"parley/internal/webhook\"",
			"internal/secret/a.go":              "package secret\nimport _ \"parley/internal/id\"",
			"internal/feed/a.go":                "package feed\nimport _ \"parley/internal/db/dbtest\"",
			"internal/novelty/a.go":             "package novelty",
			"internal/webhook/dialect/new/a.go": "package new\nimport _ \"parley/internal/db\"",
			"internal/widget/a.go":              "package widget\nimport _ \"modernc.org/sqlite\"",
			"internal/contact/a_test.go":        "package contact\nimport _ \"parley/internal/inbox\"",
			"internal/event/a.go":               "package event\nimport _ \"github.com/google/go-cmp/cmp\"",
			"internal/team/a.go":                "package team\nimport _ \"example.org/unheard/of\"",
		},
		good: map[string]string{
			"internal/inbox/a.go":               "package inbox\nimport (_ \"parley/internal/fault\"; _ \"parley/internal/contact\"; _ \"context\")",
			"internal/inbox/a_test.go":          "package inbox_test\nimport (_ \"parley/internal/inbox\"; _ \"parley/internal/db/dbtest\"; _ \"parley/internal/outhttp\"; _ \"pgregory.net/rapid\")",
			"internal/webhook/dialect/new/a.go": "package new\nimport (_ \"parley/internal/event\"; _ \"parley/internal/webhook/dialect\")",
			"internal/app/a.go":                 "package app\nimport (_ \"parley/internal/channel/email\"; _ \"parley/web\")",
		},
	},
	{
		name: "SQL text stands in _sql files only", check: sqlPlaces,
		bad: map[string]string{
			"internal/inbox/desk.go": "package inbox\nconst q = `SELECT id FROM messages`",
			"internal/inbox/b.go":    "package inbox\nvar q = \" ORDER BY id\"",
			"internal/team/c.go":     "package team\nfunc f() string { return \"UPDATE operators SET name = $1\" }",
		},
		good: map[string]string{
			"internal/inbox/message_sql.go": "package inbox\nconst q = `SELECT id FROM messages`",
			"internal/db/x.go":              "package db\nconst q = `SELECT 1`",
			"internal/inbox/desk.go":        "package inbox\nconst q = `select a reason`\nconst w = \"WITHOUT a doubt, UPDATE it\"",
		},
	},
	{
		name: "functions of _sql files get a transaction, they do not start one", check: sqlFunctions,
		bad: map[string]string{
			"internal/inbox/a_sql.go": "package inbox\nimport \"parley/internal/db\"\nfunc f(d *db.DB) error { return nil }",
		},
		good: map[string]string{
			"internal/inbox/a_sql.go": "package inbox\nimport \"parley/internal/db\"\nfunc f(tx *db.Tx) error { return nil }",
			"internal/inbox/desk.go":  "package inbox\nimport \"parley/internal/db\"\nfunc f(d *db.DB) error { return nil }",
		},
	},
	{
		name: "JSON keys are named at the edge only", check: jsonTags,
		bad: map[string]string{
			"internal/inbox/message.go":     "package inbox\ntype M struct { A int `json:\"a\"` }",
			"internal/httpapi/rest/desk.go": "package rest\ntype m struct { A int `json:\"a\"` }",
			"internal/event/event.go":       "package event\ntype M struct { A int `json:\"a,omitempty\"` }",
			"internal/team/actor.go":        "package team\ntype M struct { A int `json:\",omitempty\"` }",
		},
		good: map[string]string{
			"internal/httpapi/rest/wire_message.go":       "package rest\ntype m struct { A int `json:\"a\"` }",
			"internal/webhook/dialect/standard/render.go": "package standard\ntype m struct { A int `json:\"a\"` }",
			"internal/inbox/message_test.go":              "package inbox\ntype m struct { A int `json:\"a\"` }",
			"internal/event/event.go":                     "package event\ntype M struct { A int `json:\",omitempty\"` }",
			"internal/httpapi/rest/desk.go":               "package rest\ntype m struct { A int `query:\"a\"` }",
		},
	},
	{
		name: "nothing happens in init", check: noInit,
		bad:  map[string]string{"internal/inbox/a.go": "package inbox\nfunc init() {}"},
		good: map[string]string{"internal/inbox/a.go": "package inbox\ntype t struct{}\nfunc (t) init() {}"},
	},
	{
		name: "packages have telling names", check: packageNames,
		bad:  map[string]string{"internal/util/a.go": "package util", "internal/inbox/x/a.go": "package inboxTypes"},
		good: map[string]string{"internal/inbox/a.go": "package inbox"},
	},
	{
		name: "nobody sleeps outside a synctest bubble", check: noSleep,
		bad: map[string]string{
			"internal/inbox/a_test.go": "package inbox\nimport \"time\"\nfunc TestA() { time.Sleep(1) }",
			"internal/inbox/a.go":      "package inbox\nimport \"time\"\nfunc a() { time.Sleep(1) }",
		},
		good: map[string]string{
			"internal/inbox/a_test.go": "package inbox\nimport (\"testing\"; \"testing/synctest\"; \"time\")\nfunc TestA(t *testing.T) { synctest.Test(t, func(t *testing.T) { time.Sleep(1); nap() }) }\nfunc nap() { run(deeper) }\nfunc deeper() { time.Sleep(1) }",
			"internal/inbox/b_test.go": "package inbox\nimport (\"testing\"; \"testing/synctest\"; \"time\")\nfunc bubble(t *testing.T, fn func(*testing.T)) { synctest.Test(t, fn) }\nfunc each(t *testing.T, fn func(*testing.T)) { bubble(t, fn) }\nfunc TestA(t *testing.T) { own := func(fn func(*testing.T)) { each(t, fn) }; own(func(t *testing.T) { time.Sleep(1) }) }",
		},
	},
	{
		name: "only commands end the process", check: noExit,
		bad: map[string]string{
			"internal/app/a.go":        "package app\nimport \"os\"\nfunc a() { os.Exit(1) }",
			"internal/app/b.go":        "package app\nimport \"log\"\nfunc a() { log.Fatalf(\"x\") }",
			"internal/inbox/a_test.go": "package inbox\nimport \"log\"\nfunc a() { log.Panic(\"x\") }",
		},
		good: map[string]string{
			"cmd/parley/main.go":         "package main\nimport \"os\"\nfunc main() { os.Exit(1) }",
			"internal/cli/child_test.go": "package cli\nimport (\"os\"; \"testing\")\nfunc TestMain(m *testing.M) { os.Exit(m.Run()) }",
		},
	},
	{
		name: "loggers are passed, not global", check: noGlobalLogger,
		bad: map[string]string{
			"internal/app/a.go": "package app\nimport \"log/slog\"\nvar logger *slog.Logger",
			"internal/app/b.go": "package app\nimport \"log/slog\"\nvar l = slog.New(slog.DiscardHandler)",
			"internal/app/c.go": "package app\nimport \"log/slog\"\nfunc f() { slog.Info(\"x\") }",
			"internal/app/d.go": "package app\nimport \"log\"\nfunc f() { log.Printf(\"x\") }",
		},
		good: map[string]string{
			"internal/app/a.go": "package app\nimport \"log/slog\"\nfunc f(l *slog.Logger) { l.Info(\"x\") }\nfunc g() *slog.Logger { return slog.New(slog.DiscardHandler) }",
		},
	},
	{
		name: "no test is skipped without a listed reason", check: noSkip,
		bad: map[string]string{
			"internal/app/a_test.go": "package app\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Skip(\"later\") }",
			"internal/app/b_test.go": "package app\nimport \"testing\"\nfunc BenchmarkA(b *testing.B) { b.SkipNow() }",
		},
		good: map[string]string{"internal/app/a_test.go": "package app\nfunc f(s scanner) { s.Skip() }"},
	},
	{
		name: "packages and exported names have a comment", check: documented,
		bad: map[string]string{
			"internal/app/a.go": "package app",
			"internal/app/b.go": "// Package app is documented.\npackage app\nfunc Exported() {}",
			"internal/app/c.go": "// Package app is documented.\npackage app\ntype Exported int",
			"internal/app/d.go": "// Package app is documented.\npackage app\nconst Exported = 1",
			"internal/app/e.go": "// Package app is documented.\npackage app\n// T is.\ntype T int\nfunc (t *T) Exported() {}",
			"internal/app/f.go": "// Something else.\npackage app",
		},
		good: map[string]string{
			"internal/app/a.go": "// Package app is documented.\npackage app\n// The sizes.\nconst (\nSmall = 1\nBig = 2 // really\n)\ntype t int\nfunc (t) Len() int { return 0 }\n// New makes one.\nfunc New() t { return 0 }",
		},
	},
}

// stringsOf calls fn for each string literal of a file.
func stringsOf(f *source, fn func(at token.Pos, s string)) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if _, ok := n.(*ast.ImportSpec); ok {
			return false
		}
		if field, ok := n.(*ast.Field); ok && field.Tag != nil {
			return field.Type != nil
		}
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				fn(lit.Pos(), s)
			}
		}
		return true
	})
}

var sqlText = regexp.MustCompile(`^\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+(\([^)]*\)\s*)?AS\s*\(|(CREATE|DROP|ALTER)\s+(TABLE|INDEX|UNIQUE)\s|TRUNCATE\s|PRAGMA\s)|(^|\s)(WHERE\s+\w+|ORDER BY \w+|GROUP BY \w+|(INNER|LEFT|CROSS) JOIN \w+|RETURNING \w+)`)

func isSQLFile(f *source) bool { return strings.HasSuffix(f.path, "_sql.go") }

func sqlPlaces(t *tree) (out []string) {
	for _, f := range t.files {
		if f.test || isSQLFile(f) || f.dir == "internal/db" || strings.HasPrefix(f.dir, "internal/db/") {
			continue
		}
		stringsOf(f, func(at token.Pos, s string) {
			if sqlText.MatchString(s) {
				out = append(out, t.finding(at, "SQL text belongs to a *_sql.go file: %.40q", s))
			}
		})
	}
	return out
}

func sqlFunctions(t *tree) (out []string) {
	for _, f := range t.files {
		if !isSQLFile(f) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok {
				return true
			}
			if star, ok := field.Type.(*ast.StarExpr); ok {
				if _, ok := f.refersTo(star.X, module+"/internal/db", "DB"); ok {
					out = append(out, t.finding(field.Pos(), "a function of a *_sql.go file takes *db.Tx, not *db.DB"))
				}
			}
			return true
		})
	}
	return out
}

var jsonTag = regexp.MustCompile(`(^|\s)json:"([^",]*)`)

func jsonTags(t *tree) (out []string) {
	for _, f := range t.files {
		if f.test || slices.ContainsFunc(jsonPlaces, func(p string) bool { ok, _ := path.Match(p, f.path); return ok }) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			tag, err := strconv.Unquote(field.Tag.Value)
			m := jsonTag.FindStringSubmatch(tag)
			if err != nil || m == nil {
				return true
			}
			// The snapshots of package event name no key; ",omitempty" only keeps the stored form short.
			if f.dir == "internal/event" && m[2] == "" {
				return true
			}
			out = append(out, t.finding(field.Pos(), "a JSON tag belongs to a wire file: %s", field.Tag.Value))
			return true
		})
	}
	return out
}

func noInit(t *tree) (out []string) {
	for _, f := range t.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				out = append(out, t.finding(fn.Pos(), "nothing happens in init; do it where it is needed"))
			}
		}
	}
	return out
}

func packageNames(t *tree) (out []string) {
	for _, f := range t.files {
		name := strings.TrimSuffix(f.ast.Name.Name, "_test")
		if slices.Contains(forbiddenNames, name) || name != strings.ToLower(name) || strings.Contains(name, "_") {
			out = append(out, t.finding(f.ast.Name.Pos(), "package name %s: want one lower-case noun of the trade", name))
		}
	}
	return out
}

// noSleep lets a test sleep that has a bubble in it: by synctest.Test, or by a function of the package that takes a function and
// hands it on to synctest.Test. What such a test names of its package runs in the bubble, too.
func noSleep(t *tree) (out []string) {
	bodies := map[string][]ast.Node{}
	// runners run an argument in a bubble, by "folder name": they take a function and call synctest.Test or another runner.
	runners := map[string]bool{}
	bubble := func(f *source, n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return false
		}
		_, direct := f.refersTo(call.Fun, "testing/synctest", "Test")
		return direct || runners[f.dir+" "+called(call)]
	}
	for again := true; again; {
		again = false
		for _, f := range t.files {
			if !f.test {
				continue
			}
			note := func(name string, typ *ast.FuncType, body *ast.BlockStmt) {
				key := f.dir + " " + name
				takesFunc := slices.ContainsFunc(typ.Params.List, func(p *ast.Field) bool { _, ok := p.Type.(*ast.FuncType); return ok })
				if !takesFunc || runners[key] {
					return
				}
				ast.Inspect(body, func(n ast.Node) bool {
					if bubble(f, n) {
						runners[key], again = true, true
					}
					return true
				})
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					if n.Body != nil {
						note(n.Name.Name, n.Type, n.Body)
					}
				case *ast.AssignStmt: // name := func(…) {…}
					for i, value := range n.Rhs {
						lit, ok := value.(*ast.FuncLit)
						name, named := n.Lhs[min(i, len(n.Lhs)-1)].(*ast.Ident)
						if ok && named {
							note(name.Name, lit.Type, lit.Body)
						}
					}
				}
				return true
			})
		}
	}
	for _, f := range t.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test && fn.Body != nil {
				key := f.dir + " " + fn.Name.Name
				bodies[key] = append(bodies[key], fn.Body)
			}
		}
	}

	inside := map[string]bool{}
	var enter func(dir string, n ast.Node)
	enter = func(dir string, n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			// Called, or handed on by name.
			if name, ok := n.(*ast.Ident); ok {
				key := dir + " " + name.Name
				if len(bodies[key]) > 0 && !inside[key] {
					inside[key] = true
					for _, body := range bodies[key] {
						enter(dir, body)
					}
				}
			}
			return true
		})
	}
	for _, f := range t.files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if f.test && bubble(f, n) {
				enter(f.dir, n)
			}
			return true
		})
	}

	hasBubble := func(f *source, n ast.Node) (found bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			found = found || bubble(f, n)
			return !found
		})
		return found
	}
	for _, f := range t.files {
		if f.dir == "cmd/bench" {
			continue // a load generator keeps a rate
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && (f.test && (inside[f.dir+" "+fn.Name.Name] || hasBubble(f, fn)) || sleepers[f.path+":"+fn.Name.Name] != "") {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if _, ok := f.refersTo(call.Fun, "time", "Sleep"); ok {
						out = append(out, t.finding(call.Pos(), "time.Sleep outside a synctest bubble: wait for a signal, a context or a timer of a bubble"))
					}
				}
				return true
			})
		}
	}
	return out
}

// called is the name of the function or method that a call names, without its package or receiver.
func called(call *ast.CallExpr) string {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}

func noExit(t *tree) (out []string) {
	for _, f := range t.files {
		if f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && takesTestingM(f, fn) {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				_, exit := f.refersTo(e, "os", "Exit")
				_, fatal := f.refersTo(e, "log", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln")
				if exit || fatal {
					out = append(out, t.finding(e.Pos(), "only a command ends the process; return an error"))
				}
				return true
			})
		}
	}
	return out
}

// takesTestingM reports whether a function is a TestMain, or the shared body of several.
func takesTestingM(f *source, fn *ast.FuncDecl) bool {
	return slices.ContainsFunc(fn.Type.Params.List, func(p *ast.Field) bool {
		star, ok := p.Type.(*ast.StarExpr)
		if !ok {
			return false
		}
		_, ok = f.refersTo(star.X, "testing", "M")
		return ok
	})
}

func noGlobalLogger(t *tree) (out []string) {
	for _, f := range t.files {
		if f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			if vars, ok := d.(*ast.GenDecl); ok && vars.Tok == token.VAR {
				var found bool
				ast.Inspect(vars, func(n ast.Node) bool {
					if _, ok := n.(*ast.FuncLit); ok {
						return false
					}
					if e, ok := n.(ast.Expr); ok && !found {
						_, a := f.refersTo(e, "log/slog", "Logger", "New", "Default", "With")
						_, b := f.refersTo(e, "log", "Logger", "New", "Default")
						found = a || b
					}
					return true
				})
				if found {
					out = append(out, t.finding(vars.Pos(), "a logger at package level; pass it in"))
				}
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				_, a := f.refersTo(call.Fun, "log/slog", "Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "With", "Default", "SetDefault")
				_, b := f.refersTo(call.Fun, "log", "Print", "Printf", "Println", "Default", "SetOutput")
				if a || b {
					out = append(out, t.finding(call.Pos(), "the global logger; use the one that was passed in"))
				}
				return true
			})
		}
	}
	return out
}

func noSkip(t *tree) (out []string) {
	for _, f := range t.files {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || skips[f.path+":"+fn.Name.Name] != "" {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name) {
					out = append(out, t.finding(call.Pos(), "a skipped test needs a reason in the list of internal/arch/rules_test.go"))
				}
				return true
			})
		}
	}
	return out
}

func documented(t *tree) (out []string) {
	type pkg struct {
		first      *source
		documented bool
	}
	packages := map[string]*pkg{}
	for _, f := range t.files {
		if f.test || f.ast.Name.Name == "main" {
			continue
		}
		p := packages[f.dir]
		if p == nil {
			p = &pkg{first: f}
			packages[f.dir] = p
		}
		if strings.HasPrefix(f.ast.Doc.Text(), "Package "+f.ast.Name.Name+" ") {
			p.documented = true
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
					out = append(out, t.finding(d.Pos(), "%s has no comment", d.Name.Name))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
							out = append(out, t.finding(s.Pos(), "%s has no comment", s.Name.Name))
						}
					case *ast.ValueSpec:
						for _, n := range s.Names {
							if n.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
								out = append(out, t.finding(n.Pos(), "%s has no comment", n.Name))
							}
						}
					}
				}
			}
		}
	}
	for dir, p := range packages {
		if !p.documented {
			out = append(out, t.finding(p.first.ast.Package, "package %s has no comment that begins with \"Package %s\"", dir, p.first.ast.Name.Name))
		}
	}
	slices.Sort(out)
	return out
}

func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
