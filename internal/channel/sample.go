package channel

import (
	"time"

	"parley/internal/event"
)

// sample is a message to a contact who does not exist, for test calls.
func sample(c *Channel, at time.Time) *event.Event {
	who := event.Contact{ID: 1, Name: "Test", Email: testEmail, Custom: "{}", CreatedAt: at, UpdatedAt: at}
	return &event.Event{
		Type: event.MessageSent, At: at, By: event.Party{Type: event.BySystem},
		Conversation: &event.Conversation{ID: 1, Status: event.StatusOpen, Channel: c.ref(), Contact: who, MessageCount: 1, HiddenFrom: 1},
		Message: &event.Message{ID: 1, ConversationID: 1, SessionID: 1, Number: 1, Type: event.TypeMessage, Sender: event.Party{Type: event.BySystem, Name: "Parley"},
			Body: "This is a test of the channel " + c.Name + ".", SentAt: at, State: event.StatePending},
	}
}
