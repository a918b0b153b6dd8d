package reply

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/internal/fault"
)

func TestADraftIsNormalisedOrRefused(t *testing.T) {
	ok, err := Draft{Kind: KindQuestion, Shortcut: " Size_1.Ü ", Title: "  Which size?  ", Body: "\r\nWhich size,\r\n\t{name}?\n", Options: []string{" S ", "M", "ein Großer"}}.check()
	if err != nil {
		t.Fatal(err)
	}
	if ok.Shortcut != "size_1.ü" || ok.Title != "Which size?" || ok.Body != "Which size,\n\t{name}?" || !slices.Equal(ok.Options, []string{"S", "M", "ein Großer"}) {
		t.Errorf("%+v", ok)
	}
	good := Draft{Kind: KindReply, Shortcut: "hi", Body: "Hi {name}"}
	long := func(n int) string { return strings.Repeat("ü", n) }
	for name, c := range map[string]struct {
		change func(*Draft)
		field  string
		code   fault.Code
	}{
		"kind":                    {func(d *Draft) { d.Kind = "macro" }, "kind", fault.FieldInvalid},
		"no shortcut":             {func(d *Draft) { d.Shortcut = " " }, "shortcut", fault.FieldRequired},
		"shortcut with a blank":   {func(d *Draft) { d.Shortcut = "a b" }, "shortcut", fault.FieldInvalid},
		"shortcut with a slash":   {func(d *Draft) { d.Shortcut = "a/b" }, "shortcut", fault.FieldInvalid},
		"shortcut with bytes":     {func(d *Draft) { d.Shortcut = "a\xff" }, "shortcut", fault.FieldInvalid},
		"long shortcut":           {func(d *Draft) { d.Shortcut = long(MaxShortcut + 1) }, "shortcut", fault.FieldInvalid},
		"title of two lines":      {func(d *Draft) { d.Title = "a\nb" }, "title", fault.TextInvalid},
		"long title":              {func(d *Draft) { d.Title = long(MaxTitle + 1) }, "title", fault.TextTooLong},
		"no body":                 {func(d *Draft) { d.Body = " \n" }, "body", fault.FieldRequired},
		"body with NUL":           {func(d *Draft) { d.Body = "a\x00" }, "body", fault.TextInvalid},
		"body with bytes":         {func(d *Draft) { d.Body = "a\xff" }, "body", fault.TextInvalid},
		"long body":               {func(d *Draft) { d.Body = long(MaxBody + 1) }, "body", fault.TextTooLong},
		"long variable":           {func(d *Draft) { d.Body = "{" + long(maxWord) + "}" }, "body", fault.FieldInvalid},
		"unknown variable":        {func(d *Draft) { d.Body = "Hi {Name}" }, "body", fault.FieldInvalid},
		"options of a reply":      {func(d *Draft) { d.Options = []string{"a"} }, "options", fault.FieldInvalid},
		"question without option": {func(d *Draft) { d.Kind = KindQuestion }, "options", fault.FieldInvalid},
		"eleven options":          {func(d *Draft) { d.Kind, d.Options = KindQuestion, strings.Split("abcdefghijk", "") }, "options", fault.FieldInvalid},
		"empty option":            {func(d *Draft) { d.Kind, d.Options = KindQuestion, []string{"a", " "} }, "options[1]", fault.FieldRequired},
		"option twice":            {func(d *Draft) { d.Kind, d.Options = KindQuestion, []string{"a", " a"} }, "options[1]", fault.FieldInvalid},
		"long option":             {func(d *Draft) { d.Kind, d.Options = KindQuestion, []string{long(MaxOption + 1)} }, "options[0]", fault.TextTooLong},
		"option of two lines":     {func(d *Draft) { d.Kind, d.Options = KindQuestion, []string{"a\nb"} }, "options[0]", fault.TextInvalid},
	} {
		d := good
		c.change(&d)
		_, err := d.check()
		if f := fault.As(err); err == nil || f.Code != c.code || f.Field != c.field {
			t.Errorf("%s: %v at %q, want %s at %s", name, err, f.Field, c.code, c.field)
		}
	}
	for _, d := range []Draft{
		{Kind: KindReply, Shortcut: long(MaxShortcut), Title: long(MaxTitle), Body: long(MaxBody)},
		{Kind: KindQuestion, Shortcut: "1", Body: "?", Options: strings.Split("abcdefghij", "")},
		{Kind: KindQuestion, Shortcut: "1", Body: "?", Options: []string{long(MaxOption)}},
		// What is no word in braces is text.
		{Kind: KindReply, Shortcut: "1", Body: `{} {a b} {{name}} {"name": 1} { name } {` + long(maxWord+1) + "} {"},
	} {
		if _, err := d.check(); err != nil {
			t.Errorf("%.60v: %v", d, err)
		}
	}
}

func TestFill(t *testing.T) {
	jane := Vars{Name: "Jane", Email: "jane@x.example", Operator: "Ann", Widget: "Shop"}
	for _, c := range []struct{ body, full, bare string }{
		{"Hi {name},\n{operator} of {widget} wrote to {email}.", "Hi Jane,\nAnn of Shop wrote to jane@x.example.", "Hi,\n of  wrote to ."},
		{"Hello, {name}!", "Hello, Jane!", "Hello!"},
		{"Hello {name} {name}", "Hello Jane Jane", "Hello"},
		{"Hello,{name}!", "Hello,Jane!", "Hello,!"},
		{"{name}, your order is on its way.", "Jane, your order is on its way.", "Your order is on its way."},
		{"Hi.\n{name} ännchen", "Hi.\nJane ännchen", "Hi.\nÄnnchen"},
		{"{name}", "Jane", ""},
		{"{{name}}", "{Jane}", "{}"},
		{"{other} {} {na me} {", "{other} {} {na me} {", "{other} {} {na me} {"},
		{"", "", ""},
	} {
		r := &Reply{Body: c.body}
		if got := Fill(r, jane); got != c.full {
			t.Errorf("%q becomes %q, want %q", c.body, got, c.full)
		}
		if got := Fill(r, Vars{}); got != c.bare {
			t.Errorf("%q becomes %q without values, want %q", c.body, got, c.bare)
		}
	}
	// A contact's name is no text of ours.
	if got := Fill(&Reply{Body: "Hi {name}, {operator}"}, Vars{Name: "{email}{operator}", Email: "a@b.example", Operator: "{name}"}); got != "Hi {email}{operator}, {name}" {
		t.Errorf("%q", got)
	}
}

func TestMatchingPutsTheBestFirst(t *testing.T) {
	all := []*Reply{
		{Shortcut: "bye", Title: "Farewell", Body: "Thank you for your hello"},
		{Shortcut: "hello", Title: "Welcome"},
		{Shortcut: "hello-again", Title: "Welcome back"},
		{Shortcut: "late", Title: "Say HELLO late", Body: "ÄRGER", Options: []string{"Yes please"}},
	}
	for q, want := range map[string]string{
		"": "bye hello hello-again late", "hello": "hello hello-again late bye", "HELLO": "hello hello-again late bye", "hel": "hello hello-again late bye",
		"welcome back": "hello-again", "ärger": "late", "yes": "late", " late   hello ": "late", "nothing": "", "hello nothing": "",
	} {
		var got []string
		for _, r := range matching(all, q) {
			got = append(got, r.Shortcut)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
}

// Whatever is saved and whoever it is for: the parts of a text are the text, a text that is accepted can be filled, and no value is
// looked into.
func FuzzFill(f *testing.F) {
	for _, s := range []string{"Hi {name},", "{name}", "{{name}}", "{", "}{email}", "{name", "{na\xffme}", "a, {name}\n{operator}"} {
		f.Add(s, "Jane {email}")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, body, name string) {
		var whole strings.Builder
		for p := range parts(body) {
			whole.WriteString(p.text)
			if p.text == "" || p.variable && (p.text[0] != '{' || p.text[len(p.text)-1] != '}' || utf8.RuneCountInString(p.text) > maxWord+2) {
				t.Fatalf("%q has the part %q", body, p.text)
			}
		}
		if whole.String() != body {
			t.Fatalf("%q falls into parts of %q", body, whole.String())
		}
		if name == "" {
			return
		}
		const secret = "\U0010FFFDsecret"
		got := Fill(&Reply{Body: body}, Vars{Name: name, Email: secret, Operator: "o", Widget: "w"})
		if n := strings.Count(body, "{email}"); strings.Count(got, secret) != n && !strings.Contains(body+name, secret) {
			t.Fatalf("%q for %q becomes %q", body, name, got)
		}
		if d, err := (Draft{Kind: KindReply, Shortcut: "x", Body: body}).check(); err == nil {
			if !utf8.ValidString(d.Body) || d.Body == "" {
				t.Fatalf("%q is saved as %q", body, d.Body)
			}
			if again, err := (Draft{Kind: KindReply, Shortcut: "x", Body: d.Body}).check(); err != nil || again.Body != d.Body {
				t.Fatalf("%q is saved as %q, and that as %q: %v", body, d.Body, again.Body, err)
			}
			for _, v := range Variables() {
				d.Body = strings.ReplaceAll(d.Body, "{"+v+"}", "")
			}
			if out := fmt.Sprint(Fill(&Reply{Body: d.Body}, Vars{})); out != d.Body && !strings.Contains(d.Body, "{name}") && !strings.Contains(d.Body, "{email}") &&
				!strings.Contains(d.Body, "{operator}") && !strings.Contains(d.Body, "{widget}") {
				t.Fatalf("%q without variables becomes %q", d.Body, out)
			}
		}
	})
}
