package chatlio

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/webhook/dialect"
)

// transcript is the call with a whole chat.
type transcript struct {
	AgentEmail       string    `json:"agentEmail"`
	AgentName        string    `json:"agentName"`
	ArchiveURL       string    `json:"archiveUrl"`
	ExtraData        []string  `json:"extraData"`
	ChannelID        string    `json:"channelId"`
	ChannelName      string    `json:"channelName"`
	ConversationUUID string    `json:"conversationUUID"`
	EndedAt          string    `json:"endedAt"`
	ChatRating       string    `json:"chatRating"`
	ChatFeedback     string    `json:"chatFeedback"`
	HTMLBody         string    `json:"htmlBody"`
	TextBody         string    `json:"textBody"`
	Messages         []message `json:"messages"`
	StartedAt        string    `json:"startedAt"`
	VisitorEmail     string    `json:"visitorEmail"`
	ReplyToEmail     string    `json:"replyToEmail"`
	VisitorName      string    `json:"visitorName"`
	VisitorTraits    any       `json:"visitorTraits"` // visitorTraits, or the JSON of it as a string where the endpoint wants it so
	Visitor          visitor   `json:"visitor"`
	SlackTeamID      string    `json:"slackTeamID"`
}

type message struct {
	Text         string `json:"text"`
	TS           string `json:"ts"`
	SentAt       string `json:"sentAt"`
	UserID       string `json:"userId"`
	Username     string `json:"username"`
	IsVisitorMsg bool   `json:"isVisitorMsg"`
}

// said is a message of a transcript with what its bodies need of it.
type said struct {
	username string
	at       time.Time
	words    string
	// file is the file's address or, while it has none, its name; linked tells which. name is its name.
	file, name string
	linked     bool
}

// text is what somebody said: words, a file's address, or both.
func (s *said) text() string {
	switch {
	case s.file == "":
		return s.words
	case s.words == "":
		return s.file
	}
	return s.words + "\n" + s.file
}

// wireTranscript is the call with the whole chat. What is not said in it, thread entries and notes, and what was taken back, is not told (S-161).
func wireTranscript(e *event.Event, o *dialect.Options) (*transcript, error) {
	c, who, facts := e.Conversation, &e.Conversation.Contact, wireTraits(e)
	t := &transcript{
		ExtraData: append([]string{}, e.Extra...), ChannelID: channelID(c), ChannelName: who.HandleName(), ConversationUUID: c.UUID,
		VisitorEmail: who.Email, ReplyToEmail: cmp.Or(who.Email, o.NoReply), VisitorName: cmp.Or(who.Name, who.HandleName()),
		VisitorTraits: facts, Visitor: placed(e), Messages: []message{},
	}
	if o.On(TraitsText) {
		asText, err := text(facts)
		if err != nil {
			return nil, err
		}
		t.VisitorTraits = string(asText)
	}
	if e.Ender != nil {
		t.AgentEmail, t.AgentName = e.Ender.Email, e.Ender.Name()
	}
	if o.PublicURL != "" {
		t.ArchiveURL = o.PublicURL + "/app/transcripts/" + c.UUID
	}
	ended := c.EndedAt
	if ended.IsZero() {
		ended = e.At // asked for while it goes on
	}
	if ended.Before(c.CreatedAt) {
		ended = c.CreatedAt // the clock was set back meanwhile
	}
	t.StartedAt, t.EndedAt = wireTime(c.CreatedAt), wireTime(ended)
	review := reviewed(e)
	t.ChatRating, t.ChatFeedback = thumb(review.Rating), review.Feedback

	var lines []said
	stamps := map[string]bool{}
	for i := range e.Messages {
		m := &e.Messages[i]
		if !m.Said() || m.Note || !m.DeletedAt.IsZero() {
			continue
		}
		// A stamp is also an id. Messages have different times since there are transcripts, but older ones need not.
		at := m.SentAt
		for stamps[stamp(at)] {
			at = at.Add(time.Microsecond)
		}
		stamps[stamp(at)] = true
		s := said{username: username(e, m, o.On(RealNames)), at: at, words: m.Body, file: file(m, e.At, o)}
		if m.Media != nil {
			s.name, s.linked = m.Media.Name, o.Address(m.Media, false, e.At) != ""
		}
		w := message{Text: s.text(), TS: stamp(at), SentAt: wireTime(at), Username: s.username, IsVisitorMsg: m.Sender.Type == event.ByContact}
		if m.Sender.Type == event.ByOperator && m.Sender.ID != 0 {
			w.UserID = strconv.FormatInt(m.Sender.ID, 10)
		}
		t.Messages, lines = append(t.Messages, w), append(lines, s)
	}
	t.TextBody, t.HTMLBody = textBody(lines), htmlBody(t, lines)
	return t, nil
}

// stamp is "seconds.microseconds" (S-162).
func stamp(t time.Time) string { return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000) }

// reviewed is the latest session of which the contact said what they think: rating and comment belong together.
func reviewed(e *event.Event) *event.Session {
	for i := range slices.Backward(e.Sessions) {
		if s := &e.Sessions[i]; s.Rating != nil || s.Feedback != "" {
			return s
		}
	}
	return e.Session
}

// thumb is a rating as up or down, "" for none and for three stars, which are neither (S-157).
func thumb(r *event.Rating) string {
	switch {
	case r == nil || r.Value == 3:
		return ""
	case r.Value > 3:
		return "up"
	}
	return "down"
}

// username is who sent a message, as the transcript calls them (S-165).
func username(e *event.Event, m *event.Message, real bool) string {
	switch m.Sender.Type {
	case event.ByContact:
		c := &e.Conversation.Contact
		return cmp.Or(c.Name, withoutNumber(c.HandleName()))
	case event.ByOperator:
		switch {
		case real:
			return cmp.Or(m.OperatorName, m.Sender.Name)
		case m.OperatorDisplayName != m.OperatorName:
			return m.OperatorDisplayName // an alias
		}
		return initialed(e, m)
	case event.ByBot:
		return cmp.Or(m.Sender.Name, "Bot")
	}
	return cmp.Or(m.Sender.Name, "System")
}

// withoutNumber is a handle such as "united-states-27" without the number at its end.
func withoutNumber(handle string) string {
	at := strings.LastIndexByte(handle, '-')
	if at <= 0 {
		return handle
	}
	if _, err := strconv.ParseUint(handle[at+1:], 10, 64); err != nil {
		return handle
	}
	return handle[:at]
}

// initialed is an operator by first name and the last one's initial: "Some O.". A message says its operator's name in one; which part of it is
// the last name is known of those whom the event tells of, and else a guess that shows no more than an initial.
func initialed(e *event.Event, m *event.Message) string {
	for _, o := range []*event.Operator{e.Ender, e.Conversation.Operator, e.Session.OperatorCreated} {
		if o != nil && int64(o.ID) == m.Sender.ID && o.Name() == m.OperatorName {
			if o.FirstName == "" || o.LastName == "" {
				return m.OperatorName
			}
			return short(o.FirstName, o.LastName)
		}
	}
	words := strings.Fields(m.OperatorName)
	if len(words) < 2 {
		return m.OperatorName
	}
	return short(words[0], words[len(words)-1])
}

func short(first, last string) string {
	initial, _ := utf8.DecodeRuneInString(last)
	return first + " " + string(initial) + "."
}

// timeInBody is a time as people read it.
const timeInBody = "2006-01-02 15:04 UTC"

// textBody has a line for each message. What is typed cannot make another one, which would be a message that nobody sent (S-160).
func textBody(lines []said) string {
	var b strings.Builder
	for i := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		s := &lines[i]
		b.WriteString(strings.TrimRight("["+s.at.UTC().Format(timeInBody)+"] "+oneLine(s.username)+": "+oneLine(s.text()), " "))
	}
	return b.String()
}

// lineBreak reports whether a program may show a new line where the character stands.
func lineBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// oneLine is a text with " / " for the breaks of its lines.
func oneLine(s string) string {
	lines := strings.FieldsFunc(s, lineBreak)
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), " / ")
}

// htmlBody is the transcript as a piece of a page, to be put into somebody else's: few elements, styles on them, nothing to fetch, no
// scripts. It is good without its styles, too, since many systems take them out (S-159).
func htmlBody(t *transcript, lines []said) string {
	var b strings.Builder
	b.WriteString(`<div style="font-family: sans-serif; font-size: 14px; line-height: 1.5; color: #222222"><p style="margin: 0 0 16px"><strong>Chat with `)
	b.WriteString(escaped(t.VisitorName))
	b.WriteString(`</strong>`)
	for _, f := range []struct{ name, value string }{
		{"E-mail", t.VisitorEmail}, {"Place", *t.Visitor.Location}, {"Page", t.Visitor.CurrentPage}, {"Operator", t.AgentName},
		{"Rating", t.ChatRating}, {"Feedback", t.ChatFeedback}, {"Extra data", strings.Join(t.ExtraData, " ")},
	} {
		if f.value != "" {
			b.WriteString("<br>" + f.name + `: <span dir="auto">` + escaped(f.value) + "</span>")
		}
	}
	b.WriteString("</p>")
	for i := range lines {
		s := &lines[i]
		b.WriteString(`<p style="margin: 0"><strong>` + escaped(s.username) + `</strong> <span style="color: #666666">` + s.at.UTC().Format(timeInBody) + "</span></p>")
		b.WriteString(`<div dir="auto" style="margin: 0 0 12px">` + escaped(s.words))
		if s.file != "" {
			if s.words != "" {
				b.WriteString("<br>")
			}
			if s.linked {
				b.WriteString(`<a href="` + escaped(s.file) + `">` + escaped(cmp.Or(s.name, s.file)) + "</a>")
			} else {
				b.WriteString(escaped(s.file))
			}
		}
		b.WriteString("</div>")
	}
	b.WriteString("</div>")
	return b.String()
}

// escaped is a text in HTML, its lines with <br> between them. Characters that no page may have are gone.
func escaped(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case lineBreak(r):
			return '\n'
		case unicode.IsControl(r) && r != '\t':
			return -1
		}
		return r
	}, s)
	return strings.ReplaceAll(html.EscapeString(s), "\n", "<br>")
}
