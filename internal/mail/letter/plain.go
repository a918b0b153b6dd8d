package letter

import (
	"strings"
	"unicode/utf8"
)

const rule = "----------------------------------------"

// plain is the page as plain text. Its lines are as long as what was said.
func (p *page) plain() string {
	var b strings.Builder
	block := func(parts ...string) {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		for _, s := range parts {
			b.WriteString(s)
		}
		b.WriteString("\n")
	}
	button := func() {
		if p.Button != "" {
			block(p.Label, ":\n", p.Button)
		}
		if p.ButtonNote != "" {
			block(p.ButtonNote)
		}
	}
	block(p.Title, "\n", strings.Repeat("=", min(utf8.RuneCountInString(p.Title), len(rule))))
	for _, s := range p.Intro {
		block(plainSpans(s))
	}
	if !p.Below {
		button()
	}
	if p.Code != "" {
		block(p.CodeIntro, "\n\n    ", p.Code)
	}
	if len(p.Items) > 0 {
		block(rule)
	}
	for i := range p.Items {
		p.Items[i].plain(block)
	}
	if len(p.Items) > 0 {
		block(rule)
	}
	if p.Below {
		button()
	}
	for _, s := range p.Notes {
		block(s)
	}
	for i, s := range p.Small {
		if i == 0 {
			block("-- \n", plainSpans(s)) // how mail programs know a signature
			continue
		}
		block(plainSpans(s))
	}
	return b.String()
}

func (i *item) plain(block func(...string)) {
	switch {
	case i.Divider != "":
		block("[ ", i.Divider, " ]")
	case i.Line != nil:
		block("* ", i.Line.Text, ", ", i.Line.Time)
	case i.Card != nil:
		c := i.Card
		said := plainSpans(c.Body)
		if c.Stars != "" {
			said += " " + c.Stars
		}
		if len(c.Question) > 0 {
			said = plainSpans(c.Question) + "\n" + said
		}
		block(c.Label, ", ", c.Time, ":\n", said)
	case i.Group != nil:
		for n, s := range i.Group.Said {
			head := ""
			if n == 0 {
				head = i.Group.Name + ", " + i.Group.Time + ":\n"
			}
			block(head, s.plain())
		}
	}
}

func (s *said) plain() string {
	if s.Deleted != "" {
		return "(" + s.Deleted + ")"
	}
	var parts []string
	if s.Quote != "" {
		parts = append(parts, "> "+s.Quote)
	}
	if len(s.Body) > 0 {
		parts = append(parts, plainSpans(s.Body))
	}
	if f := s.File; f != nil {
		parts = append(parts, "["+f.Name+" · "+f.Detail+"]")
		if f.URL != "" {
			parts = append(parts, f.URL)
		}
	}
	if s.Edited != "" {
		parts = append(parts, "("+s.Edited+")")
	}
	return strings.Join(parts, "\n")
}

func plainSpans(list []span) string {
	if len(list) == 1 && !list[0].Break {
		return list[0].Text
	}
	var b strings.Builder
	for _, s := range list {
		if s.Break {
			b.WriteByte('\n')
			continue
		}
		b.WriteString(s.Text)
	}
	return b.String()
}
