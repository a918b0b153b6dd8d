package mail

import (
	"context"
	"fmt"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
)

// erased is why mails of a contact are dropped who deleted their data.
const erased = "the contact deleted their data"

// Plan is a feed.Planner: it queues the transcript of a conversation that ended where the widget wants that, notes which answers may be missed,
// and drops what waits for a contact whose data was deleted. Register it after other planners: it appends events of its own.
func (d *Desk) Plan(ctx context.Context, tx *db.Tx, e *event.Event) error {
	switch e.Type {
	case event.ConversationEnded:
		return d.onEnd(ctx, tx, e)
	case event.MessageSent:
		return d.mayBeMissed(tx, e)
	case event.ContactErased:
		if e.Contact == nil {
			return nil
		}
		tx.OnCommit(d.wakeUp) // to end their deliveries
		if err := eraseMails(tx, e.Contact.ID); err != nil {
			return fmt.Errorf("drop the mails of contact %d: %w", e.Contact.ID, err)
		}
		if err := eraseMissed(tx, e.Contact.ID); err != nil {
			return fmt.Errorf("drop the missed answers of contact %d: %w", e.Contact.ID, err)
		}
	}
	return nil
}

// onEnd queues the transcript of a conversation that ended, unless it was discarded. One too many for its address is left out: nobody asked for it.
func (d *Desk) onEnd(ctx context.Context, tx *db.Tx, e *event.Event) error {
	c := e.Conversation
	if c == nil || c.Contact.Email == "" || c.MessageCount == 0 || e.Reason == event.ReasonDiscarded {
		return nil
	}
	r, err := d.roster(tx)
	if err != nil {
		return err
	}
	if !r.of(c.Widget.ID).TranscriptOnEnd {
		return nil
	}
	if c.HiddenFrom == 1 { // nothing of it may go to an address that only somebody typed
		opens, err := d.Inbox.OpensHidden(tx, c.ID, c.Contact.Email)
		if err != nil || !opens {
			return err
		}
	}
	signed, err := contact.SignedEmail(tx, c.Contact.ID)
	if err != nil {
		return err
	}
	err = d.mayWish(tx, c.Contact.Email)
	if err == nil && signed != c.Contact.Email {
		err = d.mayWrite(tx, c)
	}
	switch {
	case fault.Is(err, fault.MailLimited):
		d.Logger.Info("a transcript is not sent: its address has got, or its contact has made, too many mails", "conversation", c.ID)
		return nil
	case err != nil:
		return err
	}
	_, err = d.queue(ctx, tx, order{kind: event.MailTranscript, receiver: c.Contact.Email, widget: c.Widget.ID, contact: &c.Contact, conversation: c,
		first: 1, last: c.MessageCount, by: event.Party{Type: event.BySystem}, askedBy: bySystem})
	return err
}

// offlineAfter is after how many seconds the answer to a message that was left in the form of a widget where nobody was goes by mail, unless it was
// read by then, where the widget sends no other missed answers: the form says that the answer comes by mail.
const offlineAfter = 120

// mayBeMissed notes when the contact gets a mail about an answer, unless they read it by then. The first answer of several decides.
func (d *Desk) mayBeMissed(tx *db.Tx, e *event.Event) error {
	c := e.Conversation
	// Most answers end here, without a look at the database. Once an address is known, the next answer brings the earlier ones along.
	if c == nil || e.Message == nil || c.Channel.ID != 0 || c.Contact.Email == "" || !answers(e.Message) {
		return nil
	}
	r, err := d.roster(tx)
	if err != nil {
		return err
	}
	s := r.of(c.Widget.ID)
	after := s.MissedAfter
	// Where mails have no way at all nobody has asked for these: they would wait for it, and go out months later, when it is set up for others.
	if after == 0 && e.Session != nil && e.Session.Offline && r.way(s) == "" {
		after = offlineAfter
	}
	if after == 0 {
		return nil
	}
	if err := noteMissed(tx, c.ID, tx.Now().Add(time.Duration(after)*time.Second)); err != nil {
		return fmt.Errorf("note an answer that may be missed: %w", err)
	}
	return nil
}

// answers reports whether m is an answer to the contact.
func answers(m *event.Message) bool {
	return m.Said() && !m.Note && m.DeletedAt.IsZero() && (m.Sender.Type == event.ByOperator || m.Sender.Type == event.ByBot)
}
