package smtp

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of an address in bytes (RFC 5321 4.5.3.1, and what fits between < and > in a command).
const (
	maxAddress = 254
	maxLocal   = 64
)

// address is a mail address that can stand in a command and in a header.
type address struct {
	// text is the bare address, its domain in ASCII. The part before the @ has no quotes, even where it needs them.
	text string
	// unicode says that the part before the @ has letters beyond ASCII, which only a server with SMTPUTF8 takes.
	unicode bool
}

// path is the address between < and >, quoted where it has to be.
func (a address) path() string { return (&mail.Address{Address: a.text}).String() }

// parseAddress reads a bare address. It refuses what is more than one (names, comments, lists), addresses by IP number, and what has
// blanks or invisible characters outside quotes. The error is a sentence for the person who typed it.
func parseAddress(s string) (address, error) {
	refuse := func(why string) (address, error) { return address{}, errors.New(why) }
	if len(s) > 2*maxAddress {
		return refuse("the mail address is too long")
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && (!unicode.IsGraphic(r) || unicode.IsSpace(r)) }) {
		return refuse("the mail address holds a character that cannot be seen")
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return refuse("a mail address has a name, an @ and a domain")
	}
	local, domain := s[:at], s[at+1:]
	if strings.HasPrefix(domain, "[") {
		return refuse("a mail address with an IP number instead of a domain is not taken")
	}
	parsed, err := mail.ParseAddress(s)
	quoted := strings.HasPrefix(local, `"`) && strings.HasSuffix(local, `"`)
	if err != nil || parsed.Name != "" || !strings.HasSuffix(parsed.Address, "@"+domain) || !quoted && parsed.Address != s {
		return refuse("this is not a mail address")
	}
	local = strings.TrimSuffix(parsed.Address, "@"+domain)
	ascii, err := domainName(domain)
	if err != nil {
		return refuse("the domain of the mail address is not one")
	}
	a := address{text: local + "@" + ascii, unicode: strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII })}
	if local == "" || len(local) > maxLocal || len(a.path())-2 > maxAddress {
		return refuse("the mail address is too long")
	}
	return a, nil
}
