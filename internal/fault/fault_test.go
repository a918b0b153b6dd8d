package fault

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

func TestCatalogueHoldsEveryCodeOnce(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "catalogue.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[Code]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "Code" {
			s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared[Code(s)] = true
		}
		return true
	})
	seen := map[Code]bool{}
	for _, e := range Catalogue() {
		if seen[e.Code] {
			t.Errorf("code %s is in the catalogue twice", e.Code)
		}
		seen[e.Code] = true
		if !declared[e.Code] {
			t.Errorf("code %s is in the catalogue but not declared", e.Code)
		}
		if e.Title == "" || e.Kind == "" {
			t.Errorf("code %s has no title or no kind", e.Code)
		}
	}
	for c := range declared {
		if !seen[c] {
			t.Errorf("code %s is declared but not in the catalogue", c)
		}
	}
}

func TestAsFindsAWrappedFaultAndHidesOthers(t *testing.T) {
	base := New(ConversationEnded, "conversation 42 has ended").At("body")
	if got := As(fmt.Errorf("post: %w", base)); got != base {
		t.Errorf("As lost the fault: %v", got)
	}
	other := As(errors.New("disk on fire"))
	if other.Code != InternalError || other.Detail == "disk on fire" {
		t.Errorf("As let an internal error through: %+v", other)
	}
}

func TestCollectReportsAllFaultsTogether(t *testing.T) {
	var c Collect
	if c.Err() != nil {
		t.Fatal("an empty collection is an error")
	}
	c.Add(New(FieldRequired, "name is missing").At("name"))
	c.Add(nil)
	c.Add(New(FieldInvalid, "lang is unknown").At("lang"))
	e := As(c.Err())
	if e.Field != "name" || len(e.Others) != 1 || e.Others[0].Field != "lang" {
		t.Errorf("collected %+v", e)
	}
}
