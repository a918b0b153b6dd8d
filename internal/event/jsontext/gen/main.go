// Command gen writes the code that writes and reads JSON for the types below, field by field. What a field's key is and when it is
// left out stands in the types alone, in the tags of encoding/json: after a change to them run make generate.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

//go:generate go run .

// target is one generated file.
type target struct {
	folder, root string // the folder of the root type and its name
	file         string // written, in the package that its folder is named after
	read         bool   // make functions that read, too
}

var targets = []target{
	{folder: "../..", root: "Event", file: "../../stored/event.go", read: true},
	{folder: "../../../webhook/dialect/standard", root: "body", file: "../../../webhook/dialect/standard/body.go"},
}

func main() {
	l := newLoader()
	for _, t := range targets {
		b, err := t.source(l)
		if err == nil {
			err = os.WriteFile(t.file, b, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "gen: %s: %v\n", filepath.Base(t.file), err)
			os.Exit(1)
		}
	}
}

// loader reads packages of this module from their folders. Of others it knows the types of time that may be a field's; whatever
// else is missing does not matter, and neither do function bodies: reading the standard library would take seconds.
type loader struct {
	files    *token.FileSet
	packages map[string]*types.Package
}

func newLoader() *loader {
	l := &loader{token.NewFileSet(), map[string]*types.Package{}}
	clock := types.NewPackage("time", "time")
	for name, underlying := range map[string]types.Type{"Time": types.NewStruct(nil, nil), "Duration": types.Typ[types.Int64]} {
		obj := types.NewTypeName(token.NoPos, clock, name, nil)
		types.NewNamed(obj, underlying, nil)
		clock.Scope().Insert(obj)
	}
	clock.MarkComplete()
	l.packages["time"] = clock
	return l
}

// root returns a target's root type. Its package is read without the generated file, which may be stale.
func (l *loader) root(t target) (*types.Named, error) {
	pkg, err := l.load(t.folder, t.file)
	if err != nil {
		return nil, err
	}
	if obj, ok := pkg.Scope().Lookup(t.root).(*types.TypeName); ok {
		if named, ok := obj.Type().(*types.Named); ok {
			return named, nil
		}
	}
	return nil, fmt.Errorf("there is no type %s in %s", t.root, t.folder)
}

// Import implements types.Importer.
func (l *loader) Import(path string) (*types.Package, error) {
	if p := l.packages[path]; p != nil {
		return p, nil
	}
	if inside, ok := strings.CutPrefix(path, module+"/"); ok {
		root, err := moduleRoot(".")
		if err != nil {
			return nil, err
		}
		p, err := l.load(filepath.Join(root, filepath.FromSlash(inside)), "")
		l.packages[path] = p
		return p, err
	}
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	l.packages[path] = p
	return p, nil
}

// load reads the package of a folder without one of its files.
func (l *loader) load(folder, without string) (*types.Package, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	var parsed []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || filepath.Clean(name) == filepath.Clean(without) {
			continue
		}
		f, err := parser.ParseFile(l.files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, f)
	}
	root, err := moduleRoot(folder)
	if err != nil {
		return nil, err
	}
	full, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	inside, err := filepath.Rel(root, full)
	if err != nil {
		return nil, err
	}
	check := types.Config{Importer: l, IgnoreFuncBodies: true, Error: func(error) {}}
	pkg, _ := check.Check(module+"/"+filepath.ToSlash(inside), l.files, parsed, nil)
	return pkg, nil
}

const module = "parley"

// moduleRoot is the nearest folder above that holds a go.mod.
func moduleRoot(folder string) (string, error) {
	root, err := filepath.Abs(folder)
	for err == nil {
		if _, missing := os.Stat(filepath.Join(root, "go.mod")); missing == nil {
			return root, nil
		}
		if root == filepath.Dir(root) {
			return "", fmt.Errorf("%s is in no module", folder)
		}
		root = filepath.Dir(root)
	}
	return "", err
}
