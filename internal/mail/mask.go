package mail

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/contact"
	"parley/internal/event"
)

// hidden is what the log shows instead of a secret.
const hidden = "•••"

// reveal puts the secrets of a way to sign in into what is stored of a mail. Nothing that is stored holds them: in their place stand words
// of the same form, made from the way's id with another key.
func (d *Desk) reveal(reauth int64, body []byte) []byte {
	if reauth == 0 {
		return body
	}
	standLink, standCode := contact.ReauthSecrets(d.stand, reauth)
	link, code := contact.ReauthSecrets(d.Key, reauth)
	body = bytes.ReplaceAll(body, []byte(standLink), []byte(link))
	return bytes.ReplaceAll(body, []byte(standCode), []byte(code))
}

// veil hides what was said in confidence where the other side repeats it: the callback's token, and what signs in.
func (d *Desk) veil(token string, reauth int64) *strings.Replacer {
	var pairs []string
	said := func(s string) {
		quoted, _ := json.Marshal(s) // a string
		for _, v := range []string{s, string(quoted[1 : len(quoted)-1]), strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s), url.QueryEscape(s), html.EscapeString(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			pairs = append(pairs, v, hidden)
		}
	}
	if token != "" {
		said(token)
	}
	if reauth != 0 {
		link, code := contact.ReauthSecrets(d.Key, reauth)
		said(link)
		said(code)
		said(strings.ReplaceAll(code, "-", ""))
	}
	return strings.NewReplacer(pairs...)
}

var (
	linkToken = regexp.MustCompile(`(parley=)[A-Za-z0-9_-]{43}`)
	codeWord  = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b`)
)

// MaskBody is the body of a delivery as the log may show it: without what signs in. kind is the delivery's name. The stored bodies hold
// words in the place of the secrets; they are hidden as well, so that nobody takes them for real.
func MaskBody(kind string, body []byte) []byte {
	body = linkToken.ReplaceAll(body, []byte("${1}"+hidden))
	if kind == event.MailReauth {
		body = codeWord.ReplaceAll(body, []byte(hidden))
	}
	return body
}

// firstLine is the beginning of an answer in one line, for people.
func firstLine(body []byte) string {
	const most = 100
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, string(body[:min(len(body), 4*most)]))
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most-1]) + "…"
	}
	return text
}
