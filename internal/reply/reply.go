package reply

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/internal/fault"
	"parley/internal/id"
)

// The kinds of texts. Each has shortcuts of its own.
const (
	KindReply    = "reply"    // a saved reply
	KindQuestion = "question" // a question group: a text with options that the contact can click
)

// Limits of what is saved.
const (
	MaxShortcut = 40   // characters
	MaxTitle    = 80   // characters
	MaxBody     = 5000 // characters
	MaxOptions  = 10   // options of a question
	MaxOption   = 80   // characters
	MaxOfKind   = 500  // texts of a kind
)

// Reply is a saved reply or a question group.
type Reply struct {
	ID   id.Reply
	Kind string
	// Shortcut is what operators type for it: lower case, unique within the kind.
	Shortcut string
	Title    string
	// Body is the text with its variables.
	Body string
	// Options are what the contact can answer with a click: 1 to MaxOptions for a question, none for a reply.
	Options   []string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Draft is a text to be saved.
type Draft struct {
	Kind     string
	Shortcut string
	Title    string
	Body     string
	Options  []string
}

// Change is what shall become of a saved text; nil leaves a value as it is. The kind stays.
type Change struct {
	Shortcut *string
	Title    *string
	Body     *string
	Options  *[]string
}

func (ch Change) over(r *Reply) Draft {
	d := Draft{Kind: r.Kind, Shortcut: r.Shortcut, Title: r.Title, Body: r.Body, Options: r.Options}
	set(&d.Shortcut, ch.Shortcut)
	set(&d.Title, ch.Title)
	set(&d.Body, ch.Body)
	set(&d.Options, ch.Options)
	return d
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// check normalises a draft (outer blanks, line ends, the shortcut's letter case), or returns faults that name the fields.
func (d Draft) check() (Draft, error) {
	var faults fault.Collect
	faults.Add(checkKind(d.Kind))
	d.Shortcut = normalShortcut(d.Shortcut)
	if d.Shortcut == "" {
		faults.Add(fault.New(fault.FieldRequired, "a shortcut is missing").At("shortcut"))
	} else if !isShortcut(d.Shortcut) {
		faults.Add(fault.Newf(fault.FieldInvalid, "a shortcut has 1 to %d letters, digits, dashes, dots or underscores", MaxShortcut).At("shortcut"))
	}
	d.Title = strings.TrimSpace(d.Title)
	faults.Add(checkLine(d.Title, "title", "the title", MaxTitle))
	d.Body = strings.TrimSpace(strings.ReplaceAll(d.Body, "\r\n", "\n"))
	faults.Add(checkBody(d.Body))
	switch {
	case d.Kind == KindReply && len(d.Options) > 0:
		faults.Add(fault.New(fault.FieldInvalid, "a reply has no options; save it as a question").At("options"))
	case d.Kind == KindQuestion && (len(d.Options) == 0 || len(d.Options) > MaxOptions):
		faults.Add(fault.Newf(fault.FieldInvalid, "a question has 1 to %d options", MaxOptions).At("options"))
	default:
		options := make([]string, len(d.Options))
		seen := make(map[string]bool, len(d.Options))
		for i, o := range d.Options {
			o = strings.TrimSpace(o)
			field := fmt.Sprintf("options[%d]", i)
			switch {
			case o == "":
				faults.Add(fault.New(fault.FieldRequired, "an option is empty").At(field))
			case seen[o]:
				faults.Add(fault.New(fault.FieldInvalid, "two options are the same").At(field))
			default:
				faults.Add(checkLine(o, field, "an option", MaxOption))
			}
			options[i], seen[o] = o, true
		}
		d.Options = options
	}
	return d, faults.Err()
}

func checkKind(kind string) *fault.Error {
	if kind == KindReply || kind == KindQuestion {
		return nil
	}
	return fault.Newf(fault.FieldInvalid, "the kind is %q or %q", KindReply, KindQuestion).At("kind")
}

// normalShortcut is a shortcut as it is stored and searched.
func normalShortcut(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func isShortcut(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= MaxShortcut && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' && r != '.'
	})
}

func checkLine(s, field, what string, most int) *fault.Error {
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return fault.Newf(fault.TextInvalid, "%s holds control characters or is not UTF-8", what).At(field)
	case utf8.RuneCountInString(s) > most:
		return fault.Newf(fault.TextTooLong, "%s can have %d characters", what, most).At(field)
	}
	return nil
}

func checkBody(s string) *fault.Error {
	switch {
	case s == "":
		return fault.New(fault.FieldRequired, "the text is missing").At("body")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return fault.New(fault.TextInvalid, "the text holds control characters or is not UTF-8").At("body")
	case utf8.RuneCountInString(s) > MaxBody:
		return fault.Newf(fault.TextTooLong, "the text can have %d characters", MaxBody).At("body")
	}
	for part := range parts(s) {
		if _, known := (Vars{}).value(part.text); part.variable && !known {
			return fault.Newf(fault.FieldInvalid, "there is no variable %s; there are {%s}", part.text, strings.Join(Variables(), "}, {")).At("body")
		}
	}
	return nil
}
