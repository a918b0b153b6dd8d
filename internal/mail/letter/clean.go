package letter

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean is a text without what cannot be seen: no control characters but line breaks and tabs, none of the signs that turn the direction
// of what follows around (a name or a link could be made to look like another), and nothing that is not UTF-8. Every kind of line break
// becomes \n. Emoji and right-to-left scripts stay as they are.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if !strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && r != '\t' && hidden(r) || r == '\u2028' || r == '\u2029' || r == '\u0085'
	}) {
		return s
	}
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n", "\v", "\n", "\f", "\n").Replace(s)
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && hidden(r) {
			return -1
		}
		return r
	}, s)
}

// hidden reports whether r is a control character, a sign of direction that lasts, or none that a text may hold.
func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069': // embeddings, overrides, isolates
		return true
	case r == '\ufeff', r >= '\ufff9' && r <= '\ufffb', r == '\ufffe', r == '\uffff':
		return true
	}
	return false
}

// line is a text as one line of at most n characters.
func line(s string, n int) string {
	s = strings.Join(strings.Fields(clean(s)), " ")
	if utf8.RuneCountInString(s) > n {
		r := []rune(s)
		s = strings.TrimSpace(string(r[:n-1])) + "…"
	}
	return s
}

// maxName is how much of a name a mail shows, in characters.
const maxName = 80

var likeAddress = regexp.MustCompile(`(?i)://|www\.|@|/|[\pL\pN]\.\pL{2,}`)

// greetable is the name by which a mail calls its receiver, "" for one that looks like an address or a site: somebody may have typed
// another person's mail address and an advertisement as the name.
func greetable(name string) string {
	name = line(name, maxName)
	if likeAddress.MatchString(name) {
		return ""
	}
	return name
}

// span is a piece of a text: words, a link, or a line break.
type span struct {
	Text  string
	URL   string
	Break bool
}

var address = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"“”„«»\x00-\x1f]+`)

// maxLink is the length of an address in a text that becomes a link, in bytes.
const maxLink = 2000

// spans cuts a clean text at its line breaks and its links. A link shows its own address, so it cannot pretend to lead elsewhere.
func spans(s string) (out []span) {
	words := func(s string) {
		for i, l := range strings.Split(s, "\n") {
			if i > 0 {
				out = append(out, span{Break: true})
			}
			if l != "" {
				out = append(out, span{Text: l})
			}
		}
	}
	if !strings.Contains(s, "://") { // most texts
		words(s)
		return out
	}
	at := 0
	for _, m := range address.FindAllStringIndex(s, -1) {
		link := trimLink(s[m[0]:m[1]])
		if len(link) > maxLink || !linkable(link) {
			continue
		}
		words(s[at:m[0]])
		out = append(out, span{Text: link, URL: link})
		at = m[0] + len(link)
	}
	words(s[at:])
	return out
}

// trimLink takes off what belongs to the sentence around an address: its punctuation, and a bracket that was opened before it.
func trimLink(s string) string {
	for s != "" {
		r, n := utf8.DecodeLastRuneInString(s)
		switch {
		case strings.ContainsRune(".,;:!?'*_…’", r):
		case r == ')' && strings.Count(s, ")") > strings.Count(s, "("):
		case r == ']' && strings.Count(s, "]") > strings.Count(s, "["):
		case r == '}' && strings.Count(s, "}") > strings.Count(s, "{"):
		default:
			return s
		}
		s = s[:len(s)-n]
	}
	return s
}

// linkable reports whether an address is one of the web, with a host and without credentials, which would hide the host.
func linkable(s string) bool {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return hidden(r) || unicode.IsSpace(r) }) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (strings.EqualFold(u.Scheme, "http") || strings.EqualFold(u.Scheme, "https")) && u.Hostname() != "" && u.User == nil
}

// paragraphs are the paragraphs of a text, which empty lines part.
func paragraphs(s string) (out [][]span) {
	for _, p := range strings.Split(clean(s), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, spans(p))
		}
	}
	return out
}
