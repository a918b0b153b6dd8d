package standard

import (
	"bytes"
	_ "embed"
	"fmt"
	"sync"

	"parley/internal/event"
	"parley/internal/event/jsontext"
	"parley/internal/webhook/dialect"
)

// Name is the dialect's name in settings.
const Name = "standard"

//go:embed schema.json
var schema []byte

// New returns the dialect.
func New() dialect.Dialect { return standard{} }

type standard struct{}

var described = map[event.Type][2]string{
	event.ConversationCreated:       {"Conversation created", "A contact's first message opened a new conversation."},
	event.ConversationAssigned:      {"Conversation assigned", "Another operator or group is responsible for a conversation."},
	event.ConversationStatusChanged: {"Conversation status changed", "A conversation went from one status to another without ending."},
	event.ConversationEnded:         {"Conversation ended", "A conversation's status was set to ended."},
	event.ConversationReopened:      {"Conversation reopened", "An ended conversation is in work again."},
	event.ConversationRead:          {"Conversation read", "An operator or the contact has read or received more of a conversation."},
	event.ConversationUpdated:       {"Conversation updated", "The contact's page, the topic or the contact's data changed."},
	event.SessionStarted:            {"Session started", "A contact's message opened a new session of a conversation."},
	event.SessionEnded:              {"Session ended", "A session ended by the operator, the contact, a time-out, a rule or the API."},
	event.SessionUnread:             {"Session ended unread", "A session ended with messages that no operator had read."},
	event.MessageReceived:           {"Message received", "A contact sent a message."},
	event.MessageSent:               {"Message sent", "An operator or bot sent a message to a contact."},
	event.MessageNoted:              {"Note added", "An operator wrote an internal note."},
	event.MessageUpdated:            {"Message changed", "The text, the file, the link card or the state of a message became different."},
	event.MessageDeleted:            {"Message deleted", "An operator took a message or a note back; its place in the thread stays."},
	event.OperatorStatusChanged:     {"Operator status changed", "An operator went online, away or offline."},
	event.OperatorUpdated:           {"Operator updated", "An operator was added or changed."},
	event.GroupUpdated:              {"Group updated", "A group of operators was added, changed or removed."},
	event.WidgetUpdated:             {"Widget updated", "A widget was added or its settings were changed."},
	event.ContactCreated:            {"Contact created", "A contact was seen for the first time."},
	event.ContactUpdated:            {"Contact updated", "A contact's data changed."},
	event.ContactErased:             {"Contact erased", "A contact's data was deleted at their wish; delete it where you keep it, too."},
	event.MailQueued:                {"Mail queued", "A mail to a contact was put down to be sent."},
	event.MailFailed:                {"Mail failed", "A mail to a contact was refused for good, or given up."},
	event.RatingGiven:               {"Rating given", "A contact rated a session, or changed the rating."},
	event.FeedbackGiven:             {"Feedback given", "A contact wrote what they think of a session."},
	event.SurveyAnswered:            {"Survey answered", "A contact answered the widget's question after the conversation was set to ended."},
	event.GoalReached:               {"Goal reached", "A contact in a session reached one of the widget's goals."},
	event.ReviewGiven:               {"Review given", "A contact is done with rating a session: told once, with the comment, or some time after a rating without one."},
	event.ConversationUnanswered:    {"Conversation unanswered", "A contact's message has waited for an operator longer than its widget wants."},
	event.OfflineMessageReceived:    {"Offline message received", "A contact left a message in the form that a widget shows while nobody is there."},
	event.TranscriptRequested:       {"Transcript requested", "The transcript of a conversation goes to the widget's webhook: after the end, or because somebody asked for it."},
	event.EndpointFailing:           {"Endpoint failing", "For days no call to another endpoint has succeeded."},
	event.EndpointPaused:            {"Endpoint paused", "Calls to another endpoint were stopped, because it failed for too long or wants no more."},
	event.DeliveryDead:              {"Delivery given up", "A call to another endpoint was given up."},
	event.ChannelFailing:            {"Channel failing", "For days no message has arrived at a channel's other side."},
	event.ChannelPaused:             {"Channel paused", "Messages to a channel's other side were stopped, because it failed for too long or wants no more."},
}

// Info implements dialect.Dialect.
func (standard) Info() dialect.Info {
	info := dialect.Info{Name: Name, Version: "1", Versions: []string{"1"}, Title: "Standard Webhooks", Success: "any 2xx", Schema: schema}
	for _, t := range event.Types() {
		d := described[t]
		info.Events = append(info.Events, dialect.Event{Name: string(t), Title: d[0], Description: d[1]})
	}
	return info
}

// Name implements dialect.Dialect: every event is told under its own name.
func (standard) Name(e *event.Event) (string, bool) {
	_, ok := described[e.Type]
	return string(e.Type), ok
}

// Judge implements dialect.Dialect: any 2xx is success, 410 ends the subscription.
func (standard) Judge(status int) dialect.Verdict {
	switch {
	case status >= 200 && status <= 299:
		return dialect.Received
	case status == 410:
		return dialect.Gone
	}
	return dialect.Failed
}

// Render implements dialect.Dialect.
func (standard) Render(e *event.Event, o dialect.Options) ([]byte, error) { return Marshal(e, o) }

// maxPaper is how large a buffer may be to be kept for the next body.
const maxPaper = 64 << 10

// desk is what a body is made on.
type desk struct {
	sheet   sheet
	options dialect.Options
	paper   []byte
}

var desks = sync.Pool{New: func() any { return new(desk) }}

// Marshal renders an event as the feed, the sockets and this dialect send it.
func Marshal(e *event.Event, o dialect.Options) ([]byte, error) {
	d := desks.Get().(*desk)
	defer desks.Put(d)
	w := jsontext.Writer{Buf: d.paper[:0], HTML: true}
	d.options = o
	writeBody(&w, d.sheet.fill(e, &d.options))
	d.sheet, d.options = sheet{}, dialect.Options{} // keep no event in memory
	if w.Err != nil {
		return nil, fmt.Errorf("render event %d: %w", e.ID, w.Err)
	}
	if cap(w.Buf) <= maxPaper {
		d.paper = w.Buf
	}
	return bytes.Clone(w.Buf), nil
}
