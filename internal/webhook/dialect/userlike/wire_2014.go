package userlike

import (
	"parley/internal/event"
)

// message2014 is a message in the older form: what was said, and on which side.
type message2014 struct {
	Message string  `json:"message"`
	Person  *string `json:"person"`
	SentAt  *string `json:"sent_at"`
	Type    string  `json:"type"`
}

// The two sides of a conversation in the older form.
const (
	sideContact  = "co"
	sideOperator = "op"
)

// words2014 are the older form's names where they differ: of a _type, and of the _event of a chat_session.
var words2014 = map[string]string{"chat_session": "chat_meta", "um_widget": "chat_widget", "end": "receive"}

func head2014(h head) head {
	for _, w := range []*string{&h.Type, &h.Event} {
		if older, ok := words2014[*w]; ok {
			*w = older
		}
	}
	return h
}

// wireMessages2014 are the messages that somebody wrote to the other side. The older form has no place for entries of the thread;
// what a contact says in ratings, feedback and surveys stands in fields of the session.
func wireMessages2014(e *event.Event) []message2014 {
	out := []message2014{}
	for _, m := range told(e) {
		if m.Type == event.TypeMessage {
			out = append(out, wireMessage2014(m))
		}
	}
	return out
}

func wireMessage2014(m *event.Message) message2014 {
	w := message2014{Message: m.Body, Person: textOrNull(m.Sender.Name), SentAt: wireTime(m.SentAt), Type: sideOperator}
	switch m.Sender.Type {
	case event.ByContact:
		w.Person, w.Type = textOrNull(contactName(m.Sender)), sideContact
	case event.ByOperator:
		w.Person = textOrNull(m.OperatorDisplayName)
	}
	return w
}
