package media

import (
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"parley/internal/fault"
	"parley/internal/outhttp"
)

const (
	// maxAddress is how long an address of a file or page may be, in bytes.
	maxAddress = 2000
	// maxTries is how many addresses of a text are looked at for the first that is acceptable: it is done for every message.
	maxTries = 10
)

// CheckRemoteURL reads the address of a file that a sender names: http or https, with a host, without a user name, at most 2,000
// characters. A fragment is dropped, nobody sends it. Where the address leads is checked when it is called. The fault's
// code is media.url_refused, its field url.
func CheckRemoteURL(raw string) (*url.URL, *fault.Error) {
	whole, _, _ := strings.Cut(raw, "#")
	if len(raw) > maxAddress {
		whole = raw // it is refused for that
	}
	u, refused := outhttp.CheckURL(whole)
	if refused != nil {
		return nil, fault.New(fault.MediaURL, refused.Detail).At("url")
	}
	return plain(u)
}

// plain writes an address the one way that we keep it: the host in lower case and in ASCII, so that no letter looks like another.
func plain(u *url.URL) (*url.URL, *fault.Error) {
	out := *u
	out.Host = strings.ToLower(out.Host)
	if name := out.Hostname(); strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return nil, fault.New(fault.MediaURL, "the URL's host is no name").At("url")
		}
		out.Host = ascii
		if p := u.Port(); p != "" {
			out.Host += ":" + p
		}
	}
	if out.Path == "" {
		out.Path = "/"
	}
	if len(out.String()) > maxAddress {
		return nil, fault.New(fault.MediaURL, "the URL is longer than 2000 characters").At("url")
	}
	// Dots of other scripts may have become ours.
	again, refused := outhttp.CheckURL(out.String())
	if refused != nil {
		return nil, fault.New(fault.MediaURL, refused.Detail).At("url")
	}
	return again, nil
}

// FirstURL returns the first http or https address that a text names, as CheckRemoteURL writes it, "" for none. The punctuation of the
// sentence around it does not belong to it, nor do brackets, quotes and marks of emphasis that stand around it.
func FirstURL(text string) string {
	at := 0
	for range maxTries {
		i := schemeAt(text, at)
		if i < 0 {
			return ""
		}
		end := addressEnd(text, i)
		if u, refused := CheckRemoteURL(text[i:end]); refused == nil {
			return u.String()
		}
		// Another may stand inside of what was refused.
		at = i + strings.Index(text[i:], "://") + len("://")
	}
	return ""
}

// schemeAt is where the next address begins at or after from, -1 for nowhere.
func schemeAt(text string, from int) int {
	for {
		n := strings.Index(text[from:], "://")
		if n < 0 {
			return -1
		}
		colon := from + n
		for _, scheme := range []string{"http", "https"} {
			i := colon - len(scheme)
			if i < 0 || !strings.EqualFold(text[i:colon], scheme) {
				continue
			}
			before, _ := utf8.DecodeLastRuneInString(text[:i])
			if i == 0 || !wordy(before) {
				return i
			}
		}
		from = colon + len("://")
	}
}

// wordy tells what may stand in a word: httphttp:// is no address. Scripts without blanks between words (Han, Thai, …) are not counted.
func wordy(r rune) bool {
	return r == '+' || r == '.' || r == '-' || unicode.IsDigit(r) || unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic)
}

// addressEnd is where the address ends that begins at i. Of one that is too long it is a place from which that can be seen.
func addressEnd(text string, i int) int {
	round, square := 0, 0
	end := len(text)
scan:
	for j, r := range text[i:] {
		switch {
		case j > maxAddress:
			return i + j
		case r >= utf8.RuneSelf && foreign(r), r < utf8.RuneSelf && !ours[r]:
			end = i + j
			break scan
		case r == '(':
			round++
		case r == '[':
			square++
		case r == ')':
			round--
		case r == ']':
			square--
		}
		if round < 0 || square < 0 { // it closes what was opened before the address
			end = i + j
			break scan
		}
	}
	before := byte(0)
	if i > 0 {
		before = text[i-1]
	}
	for end > i {
		switch c := text[end-1]; {
		case strings.IndexByte(".,;:!?'", c) >= 0, (c == '*' || c == '_' || c == '~') && c == before:
		case c == '(' || c == '[':
		default:
			return end
		}
		end--
	}
	return end
}

// ours are the characters of ASCII that an address may hold.
var ours = func() (out [utf8.RuneSelf]bool) {
	for c := byte('!'); c <= '~'; c++ {
		out[c] = strings.IndexByte("<>\"`{}|\\^", c) < 0
	}
	return out
}()

// foreign tells of a character outside of ASCII that it ends an address: blanks, what cannot be seen, brackets, quotes, punctuation.
func foreign(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("。、，！？；：…·", r) ||
		unicode.In(r, unicode.Cf, unicode.Ps, unicode.Pe, unicode.Pi, unicode.Pf, unicode.Zs, unicode.Zl, unicode.Zp)
}

// nameOf is what a file is called by its address: the last part of the path, "" when there is none.
func nameOf(u *url.URL) string {
	name := path.Base(u.Path)
	if name == "." || name == "/" {
		return ""
	}
	return name
}
