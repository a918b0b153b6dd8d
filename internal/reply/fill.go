package reply

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Vars are what the variables of a text stand for in one conversation. What is not known is "".
type Vars struct {
	// Name and Email are the contact's.
	Name  string
	Email string
	// Operator is the display name of who sends the text.
	Operator string
	// Widget is the name of the conversation's widget.
	Widget string
}

// Variables are the names of the variables, without their braces.
func Variables() []string { return []string{"name", "email", "operator", "widget"} }

func (v Vars) value(word string) (value string, known bool) {
	switch word {
	case "{name}":
		return v.Name, true
	case "{email}":
		return v.Email, true
	case "{operator}":
		return v.Operator, true
	case "{widget}":
		return v.Widget, true
	}
	return "", false
}

// maxWord is how many characters a variable can have without its braces; what is longer is text.
const maxWord = 40

type part struct {
	text     string
	variable bool // a word in braces, known or not
}

// parts takes a text apart: a word of letters, digits, "-" and "_" in braces is a variable, everything else is text.
func parts(s string) iter.Seq[part] {
	return func(yield func(part) bool) {
		for begin := 0; s != ""; {
			open := strings.IndexByte(s[begin:], '{')
			if open < 0 {
				yield(part{text: s})
				return
			}
			open += begin
			end := open + word(s[open:])
			if end == open {
				begin = open + 1
				continue
			}
			if open > 0 && !yield(part{text: s[:open]}) || !yield(part{text: s[open:end], variable: true}) {
				return
			}
			s, begin = s[end:], 0
		}
	}
}

// word is the length of the variable that s begins with, 0 for none.
func word(s string) int {
	n := 0
	for i, r := range s[1:] {
		if r == '}' && n > 0 {
			return i + len("{}")
		}
		if n++; n > maxWord || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' {
			return 0
		}
	}
	return 0
}

// Fill returns a text with its variables replaced. A {name} without a name takes the ", " or the blank before it away, too, so that
// "Hi {name}," becomes "Hi,"; at the beginning of a line it takes what follows it. What stands in a value is never a variable
// itself: contacts choose their names.
func Fill(r *Reply, v Vars) string {
	var b strings.Builder
	take := false // the next text begins with what an empty name leaves over
	for p := range parts(r.Body) {
		text := p.text
		if p.variable {
			value, known := v.value(text)
			if known && text == "{name}" && value == "" {
				before := strings.TrimSuffix(b.String(), " ")
				if len(before) < b.Len() {
					before = strings.TrimSuffix(before, ",")
				}
				take = before == "" || strings.HasSuffix(before, "\n")
				b.Reset()
				b.WriteString(before)
				continue
			}
			if known {
				text = value
			}
		} else if take {
			text = strings.TrimPrefix(text, ",")
			text = strings.TrimPrefix(text, " ")
			text = upperFirst(text)
		}
		take = false
		b.WriteString(text)
	}
	return b.String()
}

// upperFirst begins a text that has become the beginning of a line with a capital letter.
func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}
