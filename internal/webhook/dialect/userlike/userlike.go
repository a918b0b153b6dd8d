package userlike

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"parley/internal/event"
	"parley/internal/webhook/dialect"
)

// Name is the dialect's name in settings.
const Name = "userlike"

// The forms that an endpoint can be pinned to.
const (
	current  = "1"
	form2014 = "2014"
)

//go:embed schema.json
var schema []byte

//go:embed schema_2014.json
var schema2014 []byte

// New returns the dialect.
func New() dialect.Dialect { return userlike{} }

type userlike struct{}

// Info implements dialect.Dialect. The events stand in the order of the document that receivers were written for.
func (userlike) Info() dialect.Info {
	return dialect.Info{Name: Name, Version: current, Versions: []string{form2014, current}, Title: "API add-on (Userlike)", Success: "200 only", Requested: true,
		Schema: schema, OlderSchemas: map[string][]byte{form2014: schema2014}, Events: []dialect.Event{
			{Name: "chat_session.start", Title: "Session started", Description: "A new conversation session is started."},
			{Name: "chat_session.message_received", Title: "Message received", Description: "A contact sends a message in a conversation."},
			{Name: "chat_session.message_sent", Title: "Message sent", Description: "An operator sends a message in a conversation."},
			{Name: "chat_session.unread", Title: "Session unread", Description: "A conversation session ends with messages not yet read by an operator."},
			{Name: "chat_session.end", Title: "Session ended", Description: "A conversation session ends."},
			{Name: "conversation.ended", Title: "Conversation ended", Description: "A conversation's status is set to ended. A conversation that an operator sends to the API has this form, too."},
			{Name: "chat_session.forward", Title: "Forwarded", Description: "A conversation is assigned to another operator (group)."},
			{Name: "chat_session.rating", Title: "Rating", Description: "A contact leaves a conversation rating."},
			{Name: "chat_session.feedback", Title: "Feedback", Description: "A contact leaves feedback on a conversation."},
			{Name: "chat_session.survey", Title: "Survey", Description: "A contact answers the survey after a conversation was set to ended."},
			{Name: "chat_session.goal", Title: "Goal", Description: "A goal is reached."},
			{Name: "operator.online", Title: "Operator online", Description: "An operator goes online."},
			{Name: "operator.offline", Title: "Operator offline", Description: "An operator goes offline."},
			{Name: "operator.away", Title: "Operator away", Description: "An operator goes away."},
			{Name: "operator.back", Title: "Operator back", Description: "An operator switches from away to online."},
			{Name: "offline_message.receive", Title: "Offline message", Description: "A contact leaves a message while nobody is there. In the form of 2014 only.",
				Versions: []string{form2014}},
			{Name: "um_widget.config", Title: "Widget changed", Description: "A Widget's configuration is changed."},
		}}
}

// names returns _type and _event, and false for what this dialect does not tell of.
func names(e *event.Event) (typ, name string, ok bool) {
	if e.Requested {
		return "conversation", "ended", true // the form in which a flagged conversation is sent; its status is in the body
	}
	switch e.Type {
	case event.SessionStarted:
		return "chat_session", "start", true
	case event.MessageReceived:
		return "chat_session", "message_received", true
	case event.MessageSent:
		return "chat_session", "message_sent", true
	case event.SessionUnread:
		return "chat_session", "unread", true
	case event.SessionEnded:
		return "chat_session", "end", true
	case event.ConversationEnded:
		return "conversation", "ended", true
	case event.ConversationAssigned:
		return "chat_session", "forward", forwarded(e)
	case event.RatingGiven:
		return "chat_session", "rating", true
	case event.FeedbackGiven:
		return "chat_session", "feedback", true
	case event.SurveyAnswered:
		return "chat_session", "survey", true
	case event.GoalReached:
		return "chat_session", "goal", true
	case event.WidgetUpdated:
		return "um_widget", "config", true
	case event.OfflineMessageReceived:
		return "offline_message", "receive", true // the form of 2014 alone has it
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

// forwarded reports whether a conversation was handed over. One that nobody had is not, where an operator takes it, by answering
// for instance, or where it gets its first operator by routing; it is where somebody gives it to another, which leaves an entry.
func forwarded(e *event.Event) bool {
	c, before := e.Conversation, e.GroupBefore
	if c == nil || e.OperatorBefore != nil || before != nil && (c.Group == nil || c.Group.ID != before.ID) {
		return c != nil
	}
	taken := c.Operator != nil && e.By.Type == event.ByOperator && e.By.ID == int64(c.Operator.ID)
	return e.Message != nil && !taken
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
	h := head{Type: typ, Event: name}
	var body any
	var err error
	switch o.Version {
	case "", current:
		body, err = call(h, e, o, wireMessages)
	case form2014:
		body, err = call(h, e, o, wireMessages2014)
	default:
		err = fmt.Errorf("there is no form %q", o.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("render event %d: %w", e.ID, err)
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("render event %d: %w", e.ID, err)
	}
	return b, nil
}

// call makes the body of the event that h names; messages writes those of an event in the way of the form.
func call[M any](h head, e *event.Event, o dialect.Options, messages func(*event.Event, *dialect.Options) []M) (any, error) {
	as := h
	if o.Version == form2014 {
		as = head2014(h)
	}
	switch h.Type {
	case "operator":
		return wireOperatorCall(as, e, o), nil
	case "um_widget":
		if e.Widget == nil {
			return nil, fmt.Errorf("%s without a widget", e.Type)
		}
		return wireWidgetCall(as, e.Widget, o), nil
	case "offline_message":
		if o.Version != form2014 {
			return nil, fmt.Errorf("the form %s does not tell of %s", cmp.Or(o.Version, current), e.Type)
		}
		if e.Conversation == nil || e.Session == nil || e.Message == nil || e.Offline == nil {
			return nil, fmt.Errorf("%s without conversation, session, message or form", e.Type)
		}
		return wireOfflineCall2014(as, e, &o), nil
	case "conversation":
		if e.Conversation == nil {
			return nil, fmt.Errorf("%s without a conversation", e.Type)
		}
		return wireConversationCall(as, e, messages(e, &o)), nil
	}
	if e.Conversation == nil || e.Session == nil {
		return nil, fmt.Errorf("%s without conversation or session", e.Type)
	}
	s := session[M]{wireSessionAlone(e.Conversation, e.Session, e.Notes, e.At), messages(e, &o)}
	switch h.Event {
	case "message_received", "message_sent":
		if len(s.Messages) == 0 {
			return nil, fmt.Errorf("%s without a message", e.Type)
		}
		return messageCall[M]{as, s, s.Messages[0]}, nil
	case "end":
		return endCall[M]{as, s, textOrNull(e.Session.EndReason)}, nil
	case "forward":
		return forwardCall[M]{as, s, wireOperator(e.OperatorBefore), wireGroup(e.GroupBefore)}, nil
	}
	return sessionCall[M]{as, s}, nil
}
