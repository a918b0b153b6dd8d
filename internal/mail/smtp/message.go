package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// MaxSubject is how many characters of a subject are sent; what is longer is cut.
const MaxSubject = 250

// Message is one mail to one receiver. Names and subject may hold anything: line ends and invisible characters become blanks, and what is
// beyond ASCII is encoded.
type Message struct {
	// ID is the Message-ID without < and >: letters, digits and ._+=-, an @ and a domain. Without an @ it gets the sender's domain. The
	// same mail keeps its ID when it is sent again, so that a receiver's server can tell.
	ID string
	// FromName is shown as the sender; "" takes the settings' name.
	FromName string
	// To is the bare address.
	To      string
	Subject string
	// HTML and Text say the same; with an empty one there is only the other.
	HTML, Text string
	Date       time.Time
}

// compose writes the whole message as it travels: CRLF, no line beyond 998 bytes, signed where the settings say so.
func (m *Message) compose(s *Settings, from, to address) ([]byte, error) {
	id, err := messageID(m.ID, from)
	if err != nil {
		return nil, err
	}
	name := oneLine(m.FromName, MaxName)
	if name == "" {
		name = oneLine(s.FromName, MaxName)
	}
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP), gomail.WithCharset(gomail.CharsetUTF8))
	out.SetGenHeader("From", fromHeader(name, from))
	out.SetAddrHeaderFromMailAddress(gomail.HeaderTo, &mail.Address{Address: to.text})
	if s.ReplyTo != "" {
		reply, err := parseAddress(s.ReplyTo)
		if err != nil {
			return nil, fmt.Errorf("the address for answers: %w", err)
		}
		out.SetAddrHeaderFromMailAddress(gomail.HeaderReplyTo, &mail.Address{Address: reply.text})
	}
	out.SetMessageIDWithValue(id)
	out.SetDateWithValue(m.Date.UTC())
	out.Subject(oneLine(m.Subject, MaxSubject))
	// So that vacation notes and other robots do not answer (RFC 3834, and what Exchange looks at instead).
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	out.SetGenHeader("X-Auto-Response-Suppress", "OOF, AutoReply")

	switch {
	case m.Text == "" && m.HTML == "":
		return nil, errors.New("the mail says nothing")
	case m.Text == "":
		out.SetBodyString(gomail.TypeTextHTML, m.HTML)
	case m.HTML == "":
		out.SetBodyString(gomail.TypeTextPlain, m.Text)
	default:
		out.SetBodyString(gomail.TypeTextPlain, m.Text)
		out.AddAlternativeString(gomail.TypeTextHTML, m.HTML) // the last one is the one to be shown
	}
	var b bytes.Buffer
	if _, err := out.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write the mail: %w", err)
	}
	if !s.signs() {
		return b.Bytes(), nil
	}
	message, err := s.sign(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("sign the mail: %w", err)
	}
	return message, nil
}

// fromHeader is the value of From. A name beyond ASCII is encoded here: as net/mail does it, a backslash in it makes a header that is none.
func fromHeader(name string, from address) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		return mime.BEncoding.Encode("utf-8", name) + " " + from.path()
	}
	return (&mail.Address{Name: name, Address: from.text}).String()
}

// messageID checks an id and gives it a domain where it has none.
func messageID(id string, from address) (string, error) {
	if !strings.Contains(id, "@") {
		id += from.text[strings.LastIndexByte(from.text, '@'):]
	}
	left, domain, _ := strings.Cut(id, "@")
	right, err := domainName(domain)
	good := err == nil && left != "" && len(left)+1+len(right) <= maxAddress
	for part := range strings.SplitSeq(left, ".") {
		good = good && part != "" && !strings.ContainsFunc(part, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("_+=-", r)
		})
	}
	if !good {
		return "", fmt.Errorf("%.80q is not a Message-ID", id)
	}
	return left + "@" + right, nil
}

// oneLine makes text of strangers fit for a header: runs of blanks, line ends and control characters become one blank, marks that turn
// the reading direction go away, and so does what a reader could take for an encoded word. At most limit characters stay.
func oneLine(s string, limit int) string {
	var b strings.Builder
	n, blank := 0, false
	for _, r := range strings.ToValidUTF8(s, "\ufffd") {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			blank = n > 0
			continue
		case turns(r):
			continue
		}
		if blank {
			blank = false
			b.WriteByte(' ')
			n++
		}
		if n >= limit {
			break
		}
		b.WriteRune(r)
		n++
	}
	// "=?" begins an encoded word: as it stands, somebody's name could become any other text in the reader's eyes.
	out := strings.ReplaceAll(b.String(), "=?", "= ?")
	if utf8.RuneCountInString(out) > limit {
		out = string([]rune(out)[:limit])
	}
	return strings.TrimRight(out, " ")
}

// turns reports whether r changes the direction of what stands behind it.
func turns(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
