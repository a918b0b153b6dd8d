package userlike

import (
	"cmp"

	"parley/internal/event"
	"parley/internal/webhook/dialect"
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
// what a contact says in ratings, feedback and surveys stands in fields of the session. Nothing is left to tell of what was deleted.
func wireMessages2014(e *event.Event, o *dialect.Options) []message2014 {
	out := []message2014{}
	for _, m := range told(e) {
		if m.Said() && m.DeletedAt.IsZero() {
			out = append(out, wireMessage2014(m, o.Address(m.Media, false, e.At)))
		}
	}
	return out
}

// wireMessage2014 is a message; a file without a caption is told by its address, or by its name while it has none.
func wireMessage2014(m *event.Message, address string) message2014 {
	said := m.Body
	if said == "" && m.Media != nil {
		said = cmp.Or(address, m.Media.Name)
	}
	w := message2014{Message: said, Person: textOrNull(m.Sender.Name), SentAt: wireTime(m.SentAt), Type: sideOperator}
	switch m.Sender.Type {
	case event.ByContact:
		w.Person, w.Type = textOrNull(contactName(m.Sender)), sideContact
	case event.ByOperator:
		w.Person = textOrNull(m.OperatorDisplayName)
	}
	return w
}
