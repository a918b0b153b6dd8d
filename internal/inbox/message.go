package inbox

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
)

// MaxBody is the length of a message in characters.
const MaxBody = 20000

// maxClientID is the length of a sender's own message id in bytes.
const maxClientID = 64

// CheckBody refuses texts that are empty, too long, not UTF-8 or hold a NUL. The text itself is kept as typed (S-014).
func CheckBody(body string) error { return checkText(body, false) }

// checkText is CheckBody for a message that has a file or not: beside a file there need not be words.
func checkText(body string, file bool) error {
	switch {
	case !utf8.ValidString(body):
		return fault.New(fault.TextInvalid, "the message is not valid UTF-8").At("body")
	case strings.ContainsRune(body, 0):
		return fault.New(fault.TextInvalid, "the message holds a NUL character").At("body")
	case !file && strings.TrimSpace(body) == "":
		return fault.New(fault.MessageEmpty, "the message has no text").At("body")
	case len(body) > 4*MaxBody || utf8.RuneCountInString(body) > MaxBody:
		return fault.Newf(fault.MessageTooLong, "a message can have %d characters", MaxBody).At("body")
	}
	return nil
}

// checkChoices trims the answers that a message offers, or says what is wrong with them.
func checkChoices(list []string, note bool) ([]string, error) {
	switch {
	case len(list) == 0:
		return nil, nil
	case note:
		return nil, fault.New(fault.FieldInvalid, "a note offers no answers: the contact never sees it").At("choices")
	case len(list) > MaxChoices:
		return nil, fault.Newf(fault.FieldInvalid, "a message can offer %d answers", MaxChoices).At("choices")
	}
	out := make([]string, len(list))
	for i, c := range list {
		c, err := line(c, MaxChoice, "choices")
		if err != nil {
			return nil, err
		}
		if c == "" {
			return nil, fault.New(fault.FieldInvalid, "an answer has at least one character").At("choices")
		}
		out[i] = c
	}
	return out, nil
}

// choiceLines are the answers that a message offers, as lines of its text, for channels without buttons.
func choiceLines(list []string) string {
	var b strings.Builder
	for i, c := range list {
		b.WriteString("\n" + strconv.Itoa(i+1) + ". " + c)
	}
	return b.String()
}

// checkClientID refuses ids that are not 1 to 64 letters, digits, dots, dashes or underscores, and the short ones of a
// contact's first message.
func checkClientID(s string, first bool) error {
	ok := s != "" && len(s) <= maxClientID
	for _, c := range []byte(s) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	}
	switch {
	case !ok:
		return fault.Newf(fault.FieldInvalid, "client_id must be 1 to %d letters, digits, dots, dashes or underscores, new for each message", maxClientID).At("client_id")
	case first && len(s) < minFirstClientID:
		return fault.Newf(fault.FieldInvalid, "the first message needs a random client_id of at least %d characters, such as a UUID", minFirstClientID).At("client_id")
	}
	return nil
}

// namesLink reports whether a text may name an address of which there is a card; it is a cheap look before a thorough one.
func namesLink(text string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], "://")
		if i < 0 {
			return false
		}
		before := strings.ToLower(text[max(0, at+i-len("https")) : at+i])
		if strings.HasSuffix(before, "http") || before == "https" {
			return true
		}
		at += i + len("://")
	}
}

// maxLine is the length of a list's line in characters.
const maxLine = 200

// lineOf is the list's line of what was said with m: its words, or the name of its file. nil when there is neither.
func lineOf(m *event.Message) *event.LastMessage {
	line := shorten(m.Body, maxLine)
	if line == "" && m.Media != nil {
		line = shorten(m.Media.Name, maxLine)
	}
	if line == "" {
		return nil
	}
	return &event.LastMessage{Number: m.Number, Body: line, SenderType: m.Sender.Type, Type: m.Type, Note: m.Note, SentAt: m.SentAt}
}

// shorten cuts s to n characters for a list's line, with line breaks as blanks.
func shorten(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:n-1]) + "…"
}

func fromOperator(o *event.Operator) *event.Message {
	return &event.Message{
		Type: event.TypeMessage, Sender: event.Party{Type: event.ByOperator, ID: int64(o.ID), Name: o.DisplayName()},
		OperatorName: o.Name(), OperatorDisplayName: o.DisplayName(), ImageURL: o.ImageURL,
	}
}

// entry makes a thread entry: a message of type "event" from the system.
func entry(name string, by event.Party) *event.Message {
	m := &event.Message{Type: event.TypeEvent, Sender: event.Party{Type: event.BySystem}, Entry: &event.Entry{Name: name}}
	if by.Type != "" {
		m.Entry.By = &by
	}
	return m
}

// The names of thread entries.
const (
	entryEnded        = "ended"
	entryReopened     = "reopened"
	entryForwarded    = "forwarded"
	entryAssigned     = "assigned"
	entrySessionEnded = "session_ended"
	entryChannel      = "channel_changed"
	entryRating       = "rating"
	entryFeedback     = "feedback"
	entrySurvey       = "survey"
	entryGoal         = "goal"
)

func operatorParty(o *event.Operator) *event.Party {
	if o == nil {
		return nil
	}
	return &event.Party{Type: event.ByOperator, ID: int64(o.ID), Name: o.DisplayName()}
}

// Limits of the answers that a message offers.
const (
	MaxChoices = 10
	MaxChoice  = 80 // characters
)
