package letter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"parley/internal/event"
	"parley/internal/id"
)

// callback is the body of the e-mail callback (S-006): six keys, no more.
type callback struct {
	HTML      string          `json:"html"`
	Receiver  string          `json:"receiver"`
	Subject   string          `json:"subject"`
	Text      string          `json:"text"`
	EmailType string          `json:"email_type"`
	Context   json.RawMessage `json:"context"` // an object, or a string with its JSON
}

type transcript struct {
	Messages        []message `json:"messages"`
	ConversationURL string    `json:"conversation_url,omitempty"` // absent without an inbound URL (S-035)
}

type reauth struct {
	ReauthLink  string `json:"reauth_link,omitempty"` // absent without an inbound URL (S-039)
	ReauthToken string `json:"reauth_token"`
}

// message is the message object of the wire (S-013): 21 keys, always, in the order of the older product's sample.
type message struct {
	Body                string  `json:"body"`
	Conversation        ref     `json:"conversation"`
	ConversationID      int64   `json:"conversation_id"`
	DisplayName         string  `json:"display_name"`
	Event               *entry  `json:"event"`
	ID                  string  `json:"id"`
	MarkedReadContact   bool    `json:"marked_read_contact"`
	MarkedReadOperator  bool    `json:"marked_read_operator"`
	MsgID               string  `json:"msgid"`
	Name                string  `json:"name"`
	OperatorDisplayName string  `json:"operator_display_name"`
	OperatorID          *int64  `json:"operator_id"`
	OperatorName        string  `json:"operator_name"`
	PartID              int64   `json:"part_id"`
	Reference           *string `json:"reference"`
	Sender              sender  `json:"sender"`
	SentAt              string  `json:"sent_at"`
	SentAtTime          string  `json:"sent_at_time"`
	State               state   `json:"state"`
	Type                string  `json:"type"`
	URL                 *string `json:"url"`
}

type ref struct {
	ID int64 `json:"id"`
}

type sender struct {
	ID   *int64 `json:"id"`
	Type string `json:"type"`
}

type state struct {
	ErrorCode *string `json:"error_code"`
	Message   string  `json:"message"`
	Type      int     `json:"type"`
}

// entry is what a message that is no plain text says. All its keys are always there.
type entry struct {
	Name     string      `json:"name"`
	By       *party      `json:"by"`
	Operator *named      `json:"operator"`
	Group    *named      `json:"group"`
	Reason   *string     `json:"reason"`
	Rating   *ratingWire `json:"rating"`
	Survey   *surveyWire `json:"survey"`
	Goal     *named      `json:"goal"`
	Channel  *named      `json:"channel"`
}

type party struct {
	Type string  `json:"type"`
	ID   *int64  `json:"id"`
	Name *string `json:"name"`
}

type named struct {
	ID   *int64  `json:"id"`
	Name *string `json:"name"`
}

type ratingWire struct {
	Value int     `json:"value"`
	Form  *string `json:"form"`
}

type surveyWire struct {
	Question *string `json:"question"`
	Option   *string `json:"option"`
}

// stateTexts are the words of S-026.
var stateTexts = map[event.MessageState]string{
	event.StateFailed: "Failed", event.StatePending: "Pending", event.StateSent: "Sent", event.StateDelivered: "Delivered", event.StateRead: "Read by user",
}

// Callback returns the body of the e-mail callback for a mail that this letter wrote. contextAsText writes the context as a string that
// holds its JSON. The bodies of the messages are as they were typed; notes and what was deleted are left out. It fails on a letter that
// Write would not write.
func (l *Letter) Callback(m *Mail, contextAsText bool) ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	var about any
	if l.Kind == event.MailReauth {
		about = reauth{ReauthLink: way(l.ReauthLink), ReauthToken: l.ReauthCode}
	} else {
		about = transcript{Messages: l.wireMessages(), ConversationURL: way(l.ConversationURL)}
	}
	context, err := encode(about)
	if err == nil && contextAsText {
		context, err = encode(string(context))
	}
	if err != nil {
		return nil, fmt.Errorf("context of a %s mail: %w", l.Kind, err)
	}
	body, err := encode(callback{HTML: m.HTML, Receiver: l.Receiver, Subject: m.Subject, Text: m.Text, EmailType: EmailType(l.Kind), Context: context})
	if err != nil {
		return nil, fmt.Errorf("body of a %s mail: %w", l.Kind, err)
	}
	return body, nil
}

// encode writes JSON without the escapes that only matter inside of HTML: they would make a page half as long again.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// ReadCallback reads what Callback wrote, for a mail that takes the way by a mail server instead. It fails on a body of another shape.
func ReadCallback(body []byte) (receiver string, m *Mail, emailType string, err error) {
	var w callback
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return "", nil, "", fmt.Errorf("read the body of a mail: %w", err)
	}
	if d.More() {
		return "", nil, "", errors.New("the body of a mail is followed by something")
	}
	if w.EmailType != event.MailTranscript && w.EmailType != event.MailReauth {
		return "", nil, "", fmt.Errorf("there are no mails of the type %.20q", w.EmailType)
	}
	if err := checkReceiver(w.Receiver); err != nil {
		return "", nil, "", err
	}
	if w.Subject == "" || line(w.Subject, maxShownSubject) != w.Subject {
		return "", nil, "", errors.New("the subject of a mail is not one line of text")
	}
	if w.HTML == "" || w.Text == "" {
		return "", nil, "", errors.New("a mail is empty")
	}
	return w.Receiver, &Mail{Subject: w.Subject, HTML: w.HTML, Text: w.Text}, w.EmailType, nil
}

func (l *Letter) wireMessages() []message {
	w := in(l.Lang)
	// A quoted message may belong to an earlier session, which its id names. What is not among the messages counts as one of the same.
	sessions := make(map[id.Message]id.Session, len(l.Messages))
	for _, m := range l.Messages {
		sessions[m.ID] = m.SessionID
	}
	out := make([]message, 0, len(l.Messages))
	for _, m := range l.Messages {
		if m.Note || !m.DeletedAt.IsZero() {
			continue
		}
		out = append(out, l.wireMessage(w, m, sessions))
	}
	return out
}

func (l *Letter) wireMessage(words *words, m *event.Message, sessions map[id.Message]id.Session) message {
	byContact := m.Sender.Type == event.ByContact
	whole := m.Ref()
	w := message{
		Body: m.Body, Conversation: ref{int64(m.ConversationID)}, ConversationID: int64(m.ConversationID),
		DisplayName: m.Sender.Name, Name: m.Sender.Name, ID: whole, MsgID: whole,
		MarkedReadContact:  byContact || m.Number <= l.Conversation.ContactRead,
		MarkedReadOperator: !byContact || m.Number <= l.Conversation.OperatorRead,
		PartID:             int64(m.SessionID),
		Sender:             sender{ID: idOrNull(m.Sender.ID), Type: string(m.Sender.Type)},
		SentAt:             m.SentAt.UTC().Format("2006-01-02T15:04:05.000000Z"),
		SentAtTime:         m.SentAt.UTC().Format("15:04:05.000000"),
		State:              state{Message: stateTexts[m.State], Type: int(m.State)},
		Type:               m.Type,
		URL:                textOrNull(l.address(m.Media)),
	}
	if m.State == event.StateFailed {
		w.State.ErrorCode = textOrNull(cmp.Or(m.StateCode, "failed")) // S-026: never null
		w.State.Message = cmp.Or(m.StateReason, w.State.Message)
	}
	switch {
	case byContact:
		w.Name = m.Sender.Name
		if contactName(m.Sender) == "" {
			w.Name = words.contact // S-017
		}
		w.DisplayName = w.Name
	case m.Sender.Type == event.ByOperator:
		w.OperatorID = idOrNull(m.Sender.ID)
		w.OperatorName, w.OperatorDisplayName = m.OperatorName, m.OperatorDisplayName
		w.Name, w.DisplayName = m.OperatorName, m.OperatorDisplayName
	}
	if m.ReferenceID != 0 {
		w.Reference = textOrNull((&event.Message{ConversationID: m.ConversationID, SessionID: cmp.Or(sessions[m.ReferenceID], m.SessionID), ID: m.ReferenceID}).Ref())
	}
	if m.Entry != nil {
		w.Event = wireEntry(m.Entry)
	}
	return w
}

func wireEntry(e *event.Entry) *entry {
	w := &entry{Name: e.Name, Operator: wireNamed(e.Operator), Reason: textOrNull(e.Reason)}
	if e.By != nil {
		w.By = &party{Type: string(e.By.Type), ID: idOrNull(e.By.ID), Name: textOrNull(e.By.Name)}
	}
	if e.Group != nil {
		w.Group = &named{ID: idOrNull(int64(e.Group.ID)), Name: textOrNull(e.Group.Name)}
	}
	if e.Rating != nil {
		w.Rating = &ratingWire{Value: e.Rating.Value, Form: textOrNull(e.Rating.Form)}
	}
	if e.Survey != nil {
		w.Survey = &surveyWire{Question: textOrNull(e.Survey.Question), Option: textOrNull(e.Survey.Option)}
	}
	if e.Goal != nil {
		w.Goal = &named{ID: idOrNull(int64(e.Goal.ID)), Name: textOrNull(e.Goal.Name)}
	}
	if e.Channel != nil {
		w.Channel = &named{ID: idOrNull(int64(e.Channel.ID)), Name: textOrNull(e.Channel.Name)}
	}
	return w
}

func wireNamed(p *event.Party) *named {
	if p == nil {
		return nil
	}
	return &named{ID: idOrNull(p.ID), Name: textOrNull(p.Name)}
}

func idOrNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
