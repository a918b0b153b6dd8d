package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the name of this module, as go.mod has it.
const module = "parley"

// source is one parsed Go file.
type source struct {
	path string // from the repository's root, with slashes
	dir  string // its folder, the package's path within the module
	test bool   // its name ends in _test.go
	ast  *ast.File
	// imports maps the name that an import has in this file to its path. The name of an import without one is the
	// path's last element, without a version.
	imports map[string]string
}

// tree is all Go code of the repository, or a sample.
type tree struct {
	fset  *token.FileSet
	files []*source
}

func (t *tree) add(name string, text []byte) error {
	file, err := parser.ParseFile(t.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	s := &source{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), ast: file, imports: map[string]string{}}
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		name := path.Base(p)
		if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		s.imports[name] = p
	}
	t.files = append(t.files, s)
	return nil
}

// finding is a broken rule: where, and what.
func (t *tree) finding(at token.Pos, format string, args ...any) string {
	p := t.fset.Position(at)
	return fmt.Sprintf("%s:%d: ", p.Filename, p.Line) + fmt.Sprintf(format, args...)
}

// refersTo reports whether an expression is pkg.Name of the package with this path.
func (s *source) refersTo(e ast.Expr, pkg string, names ...string) (string, bool) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok || s.imports[x.Name] != pkg || !slices.Contains(names, sel.Sel.Name) {
		return "", false
	}
	return sel.Sel.Name, true
}

// sample makes a tree of file names and texts.
func sample(t *testing.T, files map[string]string) *tree {
	t.Helper()
	s := &tree{fset: token.NewFileSet()}
	for name, text := range files {
		if err := s.add(name, []byte(text)); err != nil {
			t.Fatalf("sample: %v", err)
		}
	}
	return s
}

var whole = sync.OnceValues(func() (*tree, error) {
	root, err := root()
	if err != nil {
		return nil, err
	}
	t := &tree{fset: token.NewFileSet()}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			// What `go build ./...` leaves out, and the development tools, which are a module of their own.
			if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "node_modules" || base == "testdata" || base == "tools" || base == "dist") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return t.add(filepath.ToSlash(rel), text)
	})
	return t, err
})

// repository is the parsed repository, read once.
func repository(t *testing.T) *tree {
	t.Helper()
	r, err := whole()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.files) < 10 {
		t.Fatalf("found %d Go files: the walk looks in the wrong place", len(r.files))
	}
	return r
}

// root is the folder with go.mod.
func root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the test's folder")
		}
		dir = up
	}
}
