package userlike

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"parley/internal/event"
	"parley/internal/webhook/dialect"
)

// Name is the dialect's name in settings.
const Name = "userlike"

//go:embed schema.json
var schema []byte

// New returns the dialect.
func New() dialect.Dialect { return userlike{} }

type userlike struct{}

// Info implements dialect.Dialect.
func (userlike) Info() dialect.Info {
	return dialect.Info{Name: Name, Version: "1", Versions: []string{"1"}, Title: "API add-on (Userlike)", Success: "200 only", Schema: schema, Events: []dialect.Event{
		{Name: "chat_session.start", Title: "Session started", Description: "A new conversation session is started."},
		{Name: "chat_session.message_received", Title: "Message received", Description: "A contact sends a message in a conversation."},
		{Name: "chat_session.message_sent", Title: "Message sent", Description: "An operator sends a message in a conversation."},
		{Name: "chat_session.end", Title: "Session ended", Description: "A conversation session ends."},
		{Name: "conversation.ended", Title: "Conversation ended", Description: "A conversation's status is set to ended."},
		{Name: "operator.online", Title: "Operator online", Description: "An operator goes online."},
		{Name: "operator.offline", Title: "Operator offline", Description: "An operator goes offline."},
		{Name: "operator.away", Title: "Operator away", Description: "An operator goes away."},
		{Name: "operator.back", Title: "Operator back", Description: "An operator switches from away to online."},
	}}
}

// names returns _type and _event, and false for what this dialect does not tell of.
func names(e *event.Event) (typ, name string, ok bool) {
	switch e.Type {
	case event.SessionStarted:
		return "chat_session", "start", true
	case event.MessageReceived:
		return "chat_session", "message_received", true
	case event.MessageSent:
		return "chat_session", "message_sent", true
	case event.SessionEnded:
		return "chat_session", "end", true
	case event.ConversationEnded:
		return "conversation", "ended", true
	case event.OperatorStatusChanged:
		switch {
		case e.Operator.Status == e.StatusBefore:
			return "", "", false
		case e.Operator.Status == event.Online && e.StatusBefore == event.Away:
			return "operator", "back", true // S-113
		case e.Operator.Status == event.Online, e.Operator.Status == event.Away, e.Operator.Status == event.Offline:
			return "operator", e.Operator.Status, true
		}
	}
	return "", "", false
}

// Name implements dialect.Dialect.
func (userlike) Name(e *event.Event) (string, bool) {
	typ, name, ok := names(e)
	if !ok {
		return "", false
	}
	return typ + "." + name, true
}

// Judge implements dialect.Dialect: 200 and nothing else (S-086, S-087).
func (userlike) Judge(status int) dialect.Verdict {
	if status == http.StatusOK {
		return dialect.Received
	}
	return dialect.Failed
}

// Render implements dialect.Dialect.
func (userlike) Render(e *event.Event, o dialect.Options) ([]byte, error) {
	typ, name, ok := names(e)
	if !ok {
		return nil, fmt.Errorf("render event %d: %s is not told in this dialect", e.ID, e.Type)
	}
	head := head{Type: typ, Event: name}
	var body any
	switch typ {
	case "operator":
		body = wireOperatorCall(head, e, o)
	case "conversation":
		if e.Conversation == nil {
			return nil, fmt.Errorf("render event %d: %s without a conversation", e.ID, e.Type)
		}
		body = wireConversationCall(head, e)
	default:
		if e.Conversation == nil || e.Session == nil {
			return nil, fmt.Errorf("render event %d: %s without conversation or session", e.ID, e.Type)
		}
		s := wireSession(e.Conversation, e.Session, e.At)
		s.Messages = wireMessages(e)
		switch name {
		case "message_received", "message_sent":
			if e.Message == nil {
				return nil, fmt.Errorf("render event %d: %s without a message", e.ID, e.Type)
			}
			body = messageCall{head, s, s.Messages[0]}
		case "end":
			body = endCall{head, s, textOrNull(e.Session.EndReason)}
		default:
			body = sessionCall{head, s}
		}
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("render event %d: %w", e.ID, err)
	}
	return b, nil
}
