package mail

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/contact"
	"parley/internal/delivery"
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

// carriesSecrets reports whether what is sent differs from what is stored.
func carriesSecrets(j *delivery.Job) bool { return j.Detail.(*task).mail.reauth != 0 }

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
