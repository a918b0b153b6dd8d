package smtp

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The stages of sending one mail, for Error.Stage.
const (
	StageConnect = "connect" // name, connection, greeting
	StageTLS     = "tls"
	StageAuth    = "auth"
	StageFrom    = "from" // MAIL FROM
	StageRcpt    = "rcpt" // RCPT TO
	StageData    = "data" // DATA, the message, and the server's last word about it
)

// maxText is how many characters of an answer are kept.
const maxText = 300

// Answer is the server's last word about a mail that it took.
type Answer struct {
	Code int
	// Text is one line of at most 300 characters.
	Text string
}

// Error is why a mail was not handed over, or why we do not know whether it was (Unsure).
//
// With Permanent, trying again cannot help this mail. With Ours, the trouble is the server's or the settings', and other mails have it,
// too. With neither, the server wants this mail later.
type Error struct {
	// Stage is one of the Stage constants.
	Stage string
	// Code is the server's answer (421 to 554), 0 where there was none.
	Code int
	// Text says in words what happened, for an administrator: one line of at most 300 characters, without the password. It may hold the
	// receiver's address, as servers repeat it.
	Text string
	// Permanent is about this address or this message; it is never set together with Ours.
	Permanent bool
	// Address says that a permanent refusal is the server's word about the receiver's address: a bounce. The size or the content of this
	// message, and what was never asked of the server (Code 0), say nothing about the address.
	Address bool
	Ours    bool
	// Unsure says that the server had the whole mail and gave no answer after the final dot: it may have been taken. It is only set with
	// StageData, Code 0 and Ours. Sending it again with the same Message-ID is better than losing it.
	Unsure bool
	cause  error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code != 0 {
		return fmt.Sprintf("mail server (%s): %d %s", e.Stage, e.Code, e.Text)
	}
	return fmt.Sprintf("mail server (%s): %s", e.Stage, e.Text)
}

// Unwrap returns what lies below: an error of the network, of a certificate, or of the context that ended.
func (e *Error) Unwrap() error { return e.cause }

// about puts what happened at a stage into an Error. limit is how long the stage might have taken.
func (t *talk) about(stage string, err error, limit time.Duration) *Error {
	e := &Error{Stage: stage, Ours: true, cause: err}
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		e.Code, e.Text = answer.Code, t.clean(answer.Msg)
		e.Permanent, e.Ours = judge(stage, e.Code, e.Text)
		e.Address = e.Permanent && aboutAddress(stage, e.Code, e.Text)
		return e
	}
	if stopped := context.Cause(t.ctx); stopped != nil {
		e.cause, e.Text = stopped, "stopped before the server answered"
		if errors.Is(stopped, context.DeadlineExceeded) {
			e.Text = "the server did not answer in time"
		}
		return e
	}
	e.Text = t.clean(words(err, limit))
	return e
}

// words says what a connection suffered from, without the addresses that errors of the network name.
func words(err error, limit time.Duration) string {
	if bad, ok := errors.AsType[tls.RecordHeaderError](err); ok && bad.Conn != nil {
		return `the server does not speak TLS from the start on this port; choose "STARTTLS" or another port`
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("the server's certificate is refused: %v", bad.Err)
	}
	if bad, ok := errors.AsType[*net.DNSError](err); ok {
		if bad.IsNotFound {
			return fmt.Sprintf("there is no server of the name %s", bad.Name)
		}
		return fmt.Sprintf("the name %s could not be looked up", bad.Name)
	}
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || ok && op.Timeout():
		return fmt.Sprintf("no answer within %v", limit)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection"
	case ok && op.Op != "remote error": // an alert of TLS says more with its name before it
		return op.Err.Error()
	}
	return err.Error()
}

// enhanced is the code of RFC 3463 that may begin an answer's text.
var enhanced = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}(\s|$)`)

// relaying is how servers say that they do not know us, where they mean the connection and not the receiver.
var relaying = regexp.MustCompile(`(?i)\brelay(ing)?\b|authenticat|not logged in|log ?in first|client host`)

// relayRefused is what of it counts after DATA, where servers name relays for other reasons, too.
var relayRefused = regexp.MustCompile(`(?i)\brelay(ing)?\b.{0,30}\b(denied|prohibited|refused|not (permitted|allowed|authori[sz]ed))` +
	`|\b(unable|cannot|can't|(not|do not|don't|won't)( (permitted|allowed|authori[sz]ed))?)( to)? relay|authenticat|not logged in|log ?in first|client host`)

// ownSending is how servers say that the account we send by may not send, or not any more today.
var ownSending = regexp.MustCompile(`(?i)\b(sending|sender'?s?|outgoing|outbound|submission) (\w+ ){0,3}(limits?|quota|rate)\b|\bquota exceeded for (the )?sender` +
	`|\b(sending|sender) (\w+ ){0,2}(paused|suspended|disabled|blocked)|unusual sending|\bsend[ -]?as(\b|denied)`)

// ownAccount is the same in words that servers also have for the receiver's account, which theirAccount tells apart.
var (
	ownAccount = regexp.MustCompile(`(?i)\bdaily\b.{0,40}\b(limits?|quota|maximum)\b|\bper (minute|hour|day)\b|\bnot verified\b` +
		`|\baccount\b.{0,60}\b(suspended|disabled|blocked|locked)\b|\bsender (address rejected|verify failed)`)
	theirAccount = regexp.MustCompile(`(?i)\brecipient (address|mailbox|account|quota)|\brecipient's\b|\bmailbox\b|\b(tried|trying) to (reach|contact)\b|\byour message to\b|\breceiv(es|ing)\b`)
	size         = regexp.MustCompile(`(?i)\bsize\b|\btoo (large|big)\b`)
)

// judge says what a refusal means. When in doubt it is about the mail, so that one bad address does not stop all others; what every
// other mail would meet as well must never cost a mail, so it is told apart here.
func judge(stage string, code int, text string) (permanent, ours bool) {
	status := strings.TrimSpace(enhanced.FindString(text))
	is := func(list ...string) bool {
		for _, s := range list {
			if status != "" && status[1:] == s {
				return true
			}
		}
		return false
	}
	tooLarge := code == 552 || code == 523 || is(".3.4", ".2.3")
	theirs := is(".1.1", ".1.2", ".1.3", ".1.4", ".1.6", ".1.10", ".2.1", ".2.4") || theirAccount.MatchString(text)
	own := !is(".2.2", ".2.3", ".3.4") && code != 523 && !size.MatchString(text) &&
		(is(".2.252") || ownSending.MatchString(text) || ownAccount.MatchString(text) && !theirs)
	switch {
	case stage != StageFrom && stage != StageRcpt && stage != StageData:
		return false, true
	case own:
		return false, true // the account that we send by
	case stage == StageFrom: // the sender is the same for every mail, unless its size was named
		return code >= 500 && tooLarge, !tooLarge
	case code == 421 || code == 530 || code == 534 || code == 535 || code == 538 || code == 454 || code == 503:
		return false, true // closing; sign in first; wrong order
	case code == 452 && stage == StageData && !strings.HasPrefix(status, "4.2."):
		return false, true // no space, at the server and not in the mailbox
	case is(".1.7", ".1.8", ".7.8", ".7.9", ".7.11", ".7.14", ".7.20", ".7.21", ".7.22", ".7.23", ".7.26", ".7.27"):
		return false, true // the sender, the sign-in, SPF and DKIM
	case is(".3.1", ".3.2", ".3.5") || code < 500 && is(".3.0"):
		return false, true // the server's own health
	case status == "" || is(".7.0", ".7.1"):
		words := relaying
		if stage == StageData {
			words = relayRefused
		}
		if words.MatchString(text) {
			return false, true
		}
	}
	return code >= 500, false
}

// aboutAddress reports whether a permanent refusal means the receiver's address, and not the size or the content of this message.
func aboutAddress(stage string, code int, text string) bool {
	status := strings.TrimSpace(enhanced.FindString(text))
	switch stage {
	case StageRcpt:
		return code >= 500 && code != 523 && status != "5.3.4" && status != "5.2.3"
	case StageData:
		return strings.HasPrefix(status, "5.1.")
	}
	return false
}

// clean makes an answer one line without what we said in confidence: some servers repeat what they did not understand.
func (t *talk) clean(text string) string {
	if password := t.settings.Password.Reveal(); password != "" {
		user := t.settings.Username
		for _, said := range []string{password, encode(password), encode("\x00" + user + "\x00" + password)} {
			text = strings.ReplaceAll(text, said, "•••")
		}
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || turns(r) }), " ")
	if utf8.RuneCountInString(text) > maxText {
		text = string([]rune(text)[:maxText-1]) + "…"
	}
	return text
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
