package channel

import (
	"context"
	"fmt"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
)

// Plan is a feed.Planner: it queues a delivery for each message to a contact that goes over a channel, in the event's transaction, and
// for what becomes of the message where the kind tells of it (S-077). It forgets the addresses of a contact whose data was erased.
func (d *Desk) Plan(_ context.Context, tx *db.Tx, e *event.Event) error {
	if e.Type == event.ContactErased && e.Contact != nil {
		if err := eraseAddresses(tx, e.Contact.ID); err != nil {
			return fmt.Errorf("forget the addresses of contact %d: %w", e.Contact.ID, err)
		}
	}
	if !outbound(e) {
		return nil
	}
	r, err := d.roster(tx)
	if err != nil {
		return err
	}
	c := r.byID[e.Conversation.Channel.ID]
	if c == nil || c.target == 0 {
		return nil
	}
	name, told := string(e.Type), e.Type == event.MessageSent
	if c.sender != nil {
		name, told = c.sender.Name(e, c.settings)
	}
	if !told {
		return nil
	}
	// Of a deleted channel the message is queued, too: its delivery is refused, and so its state tells that it went nowhere.
	_, err = delivery.Enqueue(tx, delivery.Item{Target: c.target, Event: e.ID, Lane: e.Lane(), Name: name, Form: c.Type})
	return err
}

// outbound reports whether the event is about a message to the contact that belongs to a channel. What was said on the website before
// the conversation moved stays there.
func outbound(e *event.Event) bool {
	switch e.Type {
	case event.MessageSent, event.MessageDeleted:
	case event.MessageUpdated:
		if e.Changed != event.ChangedText {
			return false
		}
	default:
		return false
	}
	c, m := e.Conversation, e.Message
	return c != nil && c.Channel.ID != 0 && m != nil && m.Said() && !m.Note && m.Sender.Type != event.ByContact && m.Number >= c.HiddenFrom
}
