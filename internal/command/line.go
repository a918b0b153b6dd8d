package command

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/fault"
	"parley/internal/inbox"
)

// Prefixes are the characters that a command line can begin with. They all mean the same.
const Prefixes = "$/!"

// split takes the first word of a line apart: the name in lower case without its prefix, and what follows it, without outer
// blanks. It returns false for a text that is no command line.
func split(line string) (name, rest string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || !strings.ContainsRune(Prefixes, rune(line[0])) {
		return "", "", false
	}
	name = line[1:]
	if end := strings.IndexFunc(name, unicode.IsSpace); end >= 0 {
		name, rest = name[:end], strings.TrimSpace(name[end:])
	}
	return strings.ToLower(name), rest, name != ""
}

// ofFamily takes the first word off what follows the family's word.
func ofFamily(rest string) (name, more string) {
	name, more, _ = cutWord(rest)
	return strings.ToLower(name), more
}

// Looks reports whether a text begins with a command, as a whole word, and with which. Such a text was not meant for the contact.
// A word after the second family's that is none of its commands is no text either.
func Looks(text string) (name string, ok bool) {
	name, rest, ok := split(text)
	if !ok {
		return "", false
	}
	// What is stuck to a name makes it no other word: "$note: …" was meant as the command. But "/tag/new" is an address.
	if end := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' }); end >= 0 && name[end] != '/' {
		name = name[:end]
	}
	if name == family {
		name, _ = ofFamily(rest)
		if c := findOfFamily(name); c != nil {
			return c.Name, true
		}
		return family, true
	}
	c := find(name)
	if c == nil {
		return "", false
	}
	return c.Name, true
}

// parse finds the command of a line, or says what is wrong with it.
func parse(line string) (*Command, string, error) {
	if !utf8.ValidString(line) || strings.ContainsRune(line, 0) || utf8.RuneCountInString(line) > inbox.MaxBody {
		return nil, "", fault.Newf(fault.CommandArgument, "a line has at most %d characters of UTF-8, without NUL", inbox.MaxBody).At("line")
	}
	name, rest, ok := split(line)
	if !ok {
		return nil, "", fault.New(fault.CommandUnknown, "a command begins with $, / or ! and its name; $help lists them").At("line")
	}
	lookup := find
	if name == family {
		lookup = findOfFamily
		name, rest = ofFamily(rest)
	}
	if c := lookup(name); c != nil {
		return c, rest, nil
	}
	hint := "$help lists all commands"
	if near := nearest(name); near != "" {
		hint = "did you mean $" + near + "?"
	}
	return nil, "", fault.Newf(fault.CommandUnknown, "there is no command $%.40s; %s", name, hint).At("line")
}

// quotes open and close an argument with blanks. Systems that type the curved ones by themselves mean the same.
const quotes = "\"“”„"

func isQuote(r rune) bool { return strings.ContainsRune(quotes, r) }

// word takes the first word off s: up to a blank or, in quotes, up to the closing one, where \ keeps the next character. It
// returns false for a quote that is never closed.
func word(s string, separator func(rune) bool) (first, rest string, ok bool) {
	s = strings.TrimLeftFunc(s, separator)
	open, size := utf8.DecodeRuneInString(s)
	if s == "" || !isQuote(open) {
		if end := strings.IndexFunc(s, separator); end >= 0 {
			return s[:end], strings.TrimLeftFunc(s[end:], separator), true
		}
		return s, "", true
	}
	var b strings.Builder
	escaped := false
	for i, r := range s[size:] {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case isQuote(r):
			return b.String(), strings.TrimLeftFunc(s[size+i+utf8.RuneLen(r):], separator), true
		default:
			b.WriteRune(r)
		}
	}
	return "", "", false
}

func blankOrComma(r rune) bool { return unicode.IsSpace(r) || r == ',' }

// words splits s into words at separators. It returns false for a quote that is never closed.
func words(s string, separator func(rune) bool) (out []string, ok bool) {
	for s = strings.TrimLeftFunc(s, separator); s != ""; {
		var first string
		if first, s, ok = word(s, separator); !ok {
			return nil, false
		}
		out = append(out, first)
	}
	return out, true
}

// text is the rest of a line as one argument; quotes around all of it are not part of it.
func text(rest string) string {
	if first, more, ok := word(rest, unicode.IsSpace); ok && more == "" {
		return first
	}
	return rest
}

// nearest returns the name or alias that was most likely meant, "" when nothing is near.
func nearest(name string) string {
	best, least := "", 3
	if len(name) > 20 {
		return ""
	}
	for _, c := range registry() {
		for _, known := range slices.Concat([]string{c.Name}, c.Aliases) {
			if d := distance(name, known); d < least && d < len(known) {
				best, least = known, d
			}
		}
	}
	return best
}

// distance counts the letters to insert, remove or replace between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, cost)
		}
	}
	return row[len(b)]
}
