package custom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/channel"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

// inbound is a message as other systems post it, in both versions. Its values are looked at one by one: what one is worth does not
// depend on the others.
type inbound struct {
	ID        json.RawMessage `json:"id"`
	ContactID json.RawMessage `json:"contact_id"`
	Email     json.RawMessage `json:"email"`
	Name      json.RawMessage `json:"name"`
	Body      json.RawMessage `json:"body"`
	Text      json.RawMessage `json:"text"`
	Message   json.RawMessage `json:"message"`
	URL       json.RawMessage `json:"url"`
	FileName  json.RawMessage `json:"file_name"`
	SentAt    json.RawMessage `json:"sent_at"`
}

// Decode implements channel.Receiver.
func (custom) Decode(body []byte) (*channel.Inbound, error) {
	var w inbound
	if err := object(body, &w); err != nil {
		return nil, err
	}
	var c fault.Collect
	in := &channel.Inbound{
		ID: word(w.ID, "id", &c), Address: word(w.ContactID, "contact_id", &c), Email: strings.TrimSpace(text(w.Email, "email", &c)),
		Name: text(w.Name, "name", &c), URL: strings.TrimSpace(text(w.URL, "url", &c)), FileName: text(w.FileName, "file_name", &c),
	}
	in.Body = cmp.Or(text(w.Body, "body", &c), text(w.Text, "text", &c), text(w.Message, "message", &c))
	if at := text(w.SentAt, "sent_at", &c); at != "" {
		var err error
		if in.SentAt, err = time.Parse(time.RFC3339, at); err != nil {
			c.Add(fault.New(fault.FieldInvalid, "sent_at is a time of the form 2026-03-02T10:00:00Z").At("sent_at"))
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return in, nil
}

// receipt is what became of a message, as other systems tell it.
type receipt struct {
	ID    json.RawMessage `json:"id"`
	State json.RawMessage `json:"state"`
	Error json.RawMessage `json:"error"`
}

var receiptStates = map[string]event.MessageState{"delivered": event.StateDelivered, "read": event.StateRead, "failed": event.StateFailed}

// maxError is how much of an error's words is kept, in characters.
const maxError = 300

// DecodeReceipt implements channel.Receiver. The id is the number of the message, or one of the keys id and msgid of the outbound call.
func (custom) DecodeReceipt(body []byte) (*channel.Receipt, error) {
	var w receipt
	if err := object(body, &w); err != nil {
		return nil, err
	}
	var c fault.Collect
	out := &channel.Receipt{}
	ref := word(w.ID, "id", &c)
	n, err := id.Parse(ref)
	if err != nil {
		whole, refErr := id.ParseRef(ref)
		n, err = int64(whole.Message), refErr
	}
	switch {
	case ref == "":
		c.Add(fault.New(fault.FieldRequired, "id is missing: the id of our message").At("id"))
	case err != nil:
		c.Add(fault.New(fault.FieldInvalid, "this is not the id of a message of ours").At("id"))
	}
	out.Message = n
	state := text(w.State, "state", &c)
	known := false
	if out.State, known = receiptStates[state]; !known {
		c.Add(fault.New(fault.FieldInvalid, "state is delivered, read or failed").At("state"))
	}
	if out.State == event.StateFailed {
		out.Error = cmp.Or(line(text(w.Error, "error", &c)), "the other side could not bring it to the contact")
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// line is a text as one line of at most maxError characters.
func line(s string) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "\x00", " ")), " ")
	if r := []rune(s); len(r) > maxError {
		s = string(r[:maxError-1]) + "…"
	}
	return s
}

// object reads a JSON object. Unknown keys are ignored: senders may say more than we need.
func object(body []byte, to any) error {
	if !utf8.Valid(body) {
		return fault.New(fault.RequestMalformed, "the body is not UTF-8")
	}
	if b := bytes.TrimLeft(body, " \n\t\r"); len(b) == 0 || b[0] != '{' {
		return fault.New(fault.RequestMalformed, "the body is not a JSON object")
	}
	if err := json.Unmarshal(body, to); err != nil {
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			return fault.Newf(fault.RequestMalformed, "the body is not valid JSON, at byte %d", se.Offset)
		}
		return fault.New(fault.RequestMalformed, "the body is not a JSON object").Because(err)
	}
	return nil
}

// text is a JSON string, "" for null and for what is missing.
func text(raw json.RawMessage, field string, c *fault.Collect) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		c.Add(fault.Newf(fault.FieldInvalid, "%s is a string", field).At(field))
		return ""
	}
	return s
}

// word is an id: a string, or a whole number as it is written.
func word(raw json.RawMessage, field string, c *fault.Collect) string {
	if len(raw) == 0 || raw[0] == '"' || raw[0] == 'n' {
		return text(raw, field, c)
	}
	for i, b := range raw {
		if (b < '0' || b > '9') && (i > 0 || b != '-') {
			c.Add(fault.Newf(fault.FieldInvalid, "%s is a string or a whole number", field).At(field))
			return ""
		}
	}
	return string(raw)
}

// outbound is a message to the contact: the 21 keys of the message object in the order of the older product's sample, then who and where.
type outbound struct {
	Body                string  `json:"body"`
	Conversation        ref     `json:"conversation"`
	ConversationID      int64   `json:"conversation_id"`
	DisplayName         string  `json:"display_name"`
	Event               *none   `json:"event"`
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
	Email               *string `json:"email"`
	Contact             contact `json:"contact"`
	Channel             named   `json:"channel"`
}

// outbound2 is version 2 of it.
type outbound2 struct {
	outbound
	IsDeleted bool `json:"is_deleted"`
}

// none is what is always null.
type none struct{}

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

type contact struct {
	ID         int64   `json:"id"`
	Name       *string `json:"name"`
	Email      *string `json:"email"`
	ExternalID *string `json:"external_id"`
}

type named struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// stateTexts are the words of S-026.
var stateTexts = map[event.MessageState]string{
	event.StateFailed: "Failed", event.StatePending: "Pending", event.StateSent: "Sent", event.StateDelivered: "Delivered", event.StateRead: "Read by user",
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func idOrNull(v int64) *int64 {
	if v == 0 {
		return nil
	}
	return &v
}

// Render implements channel.Sender.
func (custom) Render(o *channel.Outbound) ([]byte, error) {
	if o.Event.Conversation == nil || o.Event.Message == nil {
		return nil, errors.New("the event has no message")
	}
	return render(o), nil
}

func render(o *channel.Outbound) []byte {
	c, m := o.Event.Conversation, o.Event.Message
	w := outbound{
		Body: m.Body, Conversation: ref{int64(m.ConversationID)}, ConversationID: int64(m.ConversationID),
		DisplayName: m.Sender.Name, Name: m.Sender.Name, ID: m.Ref(), MsgID: m.Ref(),
		MarkedReadContact: m.Number <= c.ContactRead, MarkedReadOperator: true,
		PartID: int64(m.SessionID), Sender: sender{ID: idOrNull(m.Sender.ID), Type: string(m.Sender.Type)},
		SentAt: m.SentAt.UTC().Format("2006-01-02T15:04:05.000000Z"), SentAtTime: m.SentAt.UTC().Format("15:04:05.000000"),
		State: state{Message: stateTexts[m.State], Type: int(m.State)}, Type: m.Type, URL: textOrNull(o.MediaURL),
		Email:   textOrNull(o.Email),
		Contact: contact{ID: int64(c.Contact.ID), Name: textOrNull(c.Contact.Name), Email: textOrNull(cmp.Or(o.Email, c.Contact.Email)), ExternalID: textOrNull(cmp.Or(o.Address, c.Contact.ExternalID))},
		Channel: named{ID: int64(o.Channel.ID), Name: o.Channel.Name},
	}
	if m.State == event.StateFailed {
		w.State.ErrorCode = textOrNull(cmp.Or(m.StateCode, "failed")) // S-026: never null
	}
	if m.Sender.Type == event.ByOperator {
		w.OperatorID = idOrNull(m.Sender.ID)
		w.OperatorName, w.OperatorDisplayName = m.OperatorName, m.OperatorDisplayName
		w.Name, w.DisplayName = m.OperatorName, m.OperatorDisplayName
	}
	if m.ReferenceID != 0 {
		// What is quoted belongs to the same part, as far as the event tells.
		w.Reference = textOrNull((&event.Message{ConversationID: m.ConversationID, SessionID: m.SessionID, ID: m.ReferenceID}).Ref())
	}
	var call any = w
	if o.Settings.Values[version] == version2 {
		call = outbound2{w, o.Event.Type == event.MessageDeleted}
	}
	b, err := json.Marshal(call)
	if err != nil {
		panic("custom: render a message: " + err.Error()) // it is made of what always encodes
	}
	return b
}
