package inbox

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"parley/internal/event"
	"parley/internal/fault"
)

// MaxSearch is the length of a search text in characters.
const MaxSearch = 200

// maxWord is the length of an indexed word in characters; longer ones are cut, in messages and in searches.
const maxWord = 64

// minPrefix is from how many characters on the last word of a search also finds words that begin with it.
const minPrefix = 2

// lone are the scripts that put no space between words. Their characters are words of their own, so that a search finds a word
// wherever it stands: what is searched for is a sequence of them.
var lone = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// words splits a text into what is indexed and compared: runs of letters and digits, without regard to case, accents, vowel marks
// and forms that only look different. Both engines index what this function makes, so that they find the same.
func words(text string) []string {
	var out []string
	var b strings.Builder
	n := 0
	end := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
		n = 0
	}
	for _, r := range folded(text) {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r == 'ـ': // accents, joiners, and what stretches an Arabic word
		case r >= utf8.RuneSelf && unicode.In(r, lone...) && unicode.In(r, unicode.L, unicode.M, unicode.N):
			end()
			out = append(out, string(r))
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.Is(unicode.Mc, r):
			if n++; n <= maxWord {
				b.WriteRune(r)
			}
		default:
			end()
		}
	}
	end()
	return out
}

func folded(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return norm.NFKD.String(cases.Fold().String(strings.ToValidUTF8(text, " ")))
		}
	}
	return strings.ToLower(text)
}

// term is a word or phrase that a text must have.
type term struct {
	words  []string // one after the other
	prefix bool     // the last one is the beginning of a word
}

// query is a search text, understood.
type query struct {
	terms []term
}

// parseQuery reads a search text: words that all must be there, quoted phrases, and the last one as far as it is typed. Nothing
// else has a meaning.
func parseQuery(text string) (query, error) {
	if utf8.RuneCountInString(text) > MaxSearch {
		return query{}, fault.Newf(fault.TextTooLong, "a search can have %d characters", MaxSearch).At("q")
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '“', r == '”', r == '„':
			return '"'
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	var q query
	last, closed := "", false // the last term as typed, and whether it ended with a quote
	for i, part := range strings.Split(text, `"`) {
		list := strings.Fields(part)
		if i%2 == 1 && len(list) > 0 { // inside of quotes
			list = []string{strings.Join(list, " ")}
		}
		for _, as := range list {
			q.terms, last = append(q.terms, term{words: words(as)}), as
		}
		if len(list) > 0 || i%2 == 1 {
			closed = i%2 == 1
		}
	}
	if n := len(q.terms); n > 0 && (!closed || strings.Count(text, `"`)%2 == 1) {
		t := &q.terms[n-1]
		if k := len(t.words); k > 0 {
			w := t.words[k-1]
			r, _ := utf8.DecodeLastRuneInString(last)
			t.prefix = utf8.RuneCountInString(w) >= minPrefix && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r))
		}
	}
	return q, nil
}

// searchable reports whether a text can have what is searched for: signs only are in none.
func (q query) searchable() bool {
	for _, t := range q.terms {
		if len(t.words) == 0 {
			return false
		}
	}
	return len(q.terms) > 0
}

// in reports whether a text's words have all terms. It must find what the engines find.
func (q query) in(list []string) bool {
	for _, t := range q.terms {
		if !t.in(list) {
			return false
		}
	}
	return q.searchable()
}

func (t term) in(list []string) bool {
	last := len(t.words) - 1
	for i := range len(list) - last {
		for k, w := range t.words {
			if got := list[i+k]; got != w && !(t.prefix && k == last && strings.HasPrefix(got, w)) {
				break
			} else if k == last {
				return true
			}
		}
	}
	return false
}

// messageWords are the words of what somebody said: in writing, or with a file, which is found by its name, too. Everything else in a
// thread has none.
func messageWords(kind, body, file string) []string {
	switch kind {
	case event.TypeMessage, event.TypeMedia, event.TypeFeedback:
		return words(body + "\n" + file)
	}
	return nil
}

// contactWords are the words of a contact's name and address.
func contactWords(name, email string) []string { return words(name + "\n" + email) }
