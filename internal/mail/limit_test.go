package mail_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/fault"
	"parley/internal/inbox"
	ours "parley/internal/mail"
	"parley/internal/once"
)

func (h *house) erase(v *inbox.ContactPosted) {
	h.t.Helper()
	h.must(h.inbox.EraseContact(h.t.Context(), contact.Visitor{Contact: v.Contact.ID, Widget: h.widget.ID}))
}

func (h *house) ask(v *inbox.ContactPosted) error {
	return h.mails.TranscriptByContact(h.t.Context(), v.Contact.ID, v.Conversation.ID)
}

func (h *house) changeEmail(v *inbox.ContactPosted, email string) {
	h.t.Helper()
	_, err := h.contacts.UpdateSelf(h.t.Context(), v.Contact.ID, contact.Change{Email: &email})
	h.must(err)
}

// Who deletes their data does not get a new count for an address.
func TestLimitsOutliveErasure(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.TranscriptOffer = new(true) })
		for range 5 {
			v := h.talk("kim@x.example")
			h.must(h.ask(v))
			h.erase(v)
		}
		if err := h.ask(h.talk("kim@x.example")); !fault.Is(err, fault.MailLimited) {
			t.Errorf("after five erased contacts: %v", err)
		}
		h.must(h.ask(h.talk("pat@x.example")))
	})
}

// Several who ask at the same time do not get more than one after the other.
func TestLimitsHoldSideBySide(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.TranscriptOffer = new(true) })
		var talks []*inbox.ContactPosted
		for range 12 {
			talks = append(talks, h.talk("kim@x.example"))
		}
		var made atomic.Int32
		var all sync.WaitGroup
		for _, v := range talks {
			all.Go(func() {
				switch err := h.ask(v); {
				case err == nil:
					made.Add(1)
				case !fault.Is(err, fault.MailLimited):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := made.Load(); n != 5 {
			t.Errorf("%d mails, want 5", n)
		}
	})
}

// One visitor cannot send what they wrote to everybody by changing their address.
func TestReceiversOfOneVisitor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.TranscriptOffer, d.TranscriptOnEnd = new(true), new(true) })
		v := h.talk("")
		for i := range 4 {
			h.changeEmail(v, fmt.Sprintf("a%d@x.example", i))
			if err := h.ask(v); fault.Is(err, fault.MailLimited) != (i == 3) || (err != nil) != (i == 3) {
				t.Errorf("address %d: %v", i, err)
			}
		}
		end := func() int {
			t.Helper()
			_, err := h.inbox.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID)
			h.must(err)
			return len(h.all(ours.Filter{}))
		}
		if n := end(); n != 3 {
			t.Errorf("%d mails: the end writes to a fourth address", n)
		}
		h.changeEmail(v, "a0@x.example")
		h.must(h.ask(v)) // known
		h.must(h.ask(v))
		if err := h.ask(v); !fault.Is(err, fault.MailLimited) {
			t.Errorf("a sixth within an hour: %v", err)
		}
		h.long(2 * time.Hour)
		if err := h.ask(v); !fault.Is(err, fault.MailLimited) {
			t.Errorf("a sixth of the conversation within a day: %v", err)
		}
		h.transcript(v.Conversation.ID) // operators may
		h.long(23 * time.Hour)
		h.changeEmail(v, "a9@x.example")
		h.must(h.ask(v))
	})
}

// Many conversations do not help.
func TestTranscriptsOfOneVisitor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.TranscriptOffer = new(true) })
		v, other := h.talk(""), h.talk("")
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec("UPDATE conversations SET contact_id = $1 WHERE id = $2", int64(v.Contact.ID), int64(other.Conversation.ID))
			return err
		}))
		other.Contact = v.Contact
		for i := range 6 {
			h.changeEmail(v, fmt.Sprintf("a%d@x.example", i%3))
			if err := h.ask([]*inbox.ContactPosted{v, other}[i%2]); fault.Is(err, fault.MailLimited) != (i == 5) || (err != nil) != (i == 5) {
				t.Errorf("transcript %d: %v", i, err)
			}
		}
	})
}

// An address that somebody typed gets few mails about missed answers; one that is proven gets all.
func TestMissedAnswersHaveALimit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.MissedAfter = new(60) })
		var last *inbox.ContactPosted
		for range 7 {
			last = h.talk("kim@x.example")
			h.reply(last.Conversation.ID, "first answer")
			pass(2 * time.Minute)
		}
		if n := len(h.hook.got()); n != 5 {
			t.Fatalf("%d mails in an hour, want 5", n)
		}
		proven := h.talk("kim@x.example")
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			return contact.SignEmail(tx, proven.Contact.ID, "kim@x.example")
		}))
		h.reply(proven.Conversation.ID, "answer")
		pass(2 * time.Minute)
		if n := len(h.hook.got()); n != 6 {
			t.Errorf("%d mails, want one more to the proven address", n)
		}
		// What was not told of comes with the next mail.
		h.long(2 * time.Hour)
		h.reply(last.Conversation.ID, "second answer")
		pass(2 * time.Minute)
		calls := h.hook.got()
		if len(calls) != 7 || len(calls[6].context(t)["messages"].([]any)) != 2 {
			t.Errorf("%d mails", len(calls))
		}
	})
}

// What waits at a stopped target ends when its contact deletes their data, with what was to be sent.
func TestErasureEndsWhatIsStopped(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.hook.status(500)
		v, other := h.talk("kim@x.example"), h.talk("pat@x.example")
		m, kept := h.transcript(v.Conversation.ID), h.transcript(other.Conversation.ID)
		pass(5 * time.Second)
		h.hook.status(410)
		pass(10 * time.Minute)
		if d := h.delivery(m); d.State != delivery.Pending || len(d.Body) == 0 || h.settings().State != ours.Waiting {
			t.Fatalf("delivery = %+v, %s", d.Entry, h.settings().State)
		}
		h.erase(v)
		pass(5 * time.Second)
		if d := h.delivery(m); d.State != delivery.Dropped || len(d.Body) != 0 {
			t.Errorf("delivery = %s with %d bytes", d.State, len(d.Body))
		}
		if d := h.delivery(kept); d.State != delivery.Pending || len(d.Body) == 0 {
			t.Errorf("delivery of somebody else = %s with %d bytes", d.State, len(d.Body))
		}
		pass(2 * time.Minute)
		if n, err := h.inbox.EraseOnce(t.Context()); err != nil || n != 1 {
			t.Errorf("%d erasures finished, %v", n, err)
		}
		before := len(h.hook.got())
		h.hook.status(200)
		h.set(func(d *ours.Draft) { d.Callback = new(true) })
		pass(ours.LongestAttempt + 2*time.Minute)
		if n := len(h.hook.got()); n != before+1 || h.mail(m.ID).State != ours.Dropped || h.mail(kept.ID).State != ours.Sent {
			t.Errorf("%d calls more, %s, %s", n-before, h.mail(m.ID).State, h.mail(kept.ID).State)
		}
		if n := h.one("SELECT COUNT(*) FROM mails WHERE ends_at > 0"); n != 0 {
			t.Errorf("%d mails are still looked at", n)
		}
	})
}

// What an attempt leaves that was under way while the data was deleted goes as well.
func TestErasureLooksTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.hook.status(500)
		v := h.talk("kim@x.example")
		m := h.transcript(v.Conversation.ID)
		pass(5 * time.Second)
		h.erase(v)
		pass(5 * time.Second)
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec("INSERT INTO delivery_bodies (delivery_id, body) VALUES ($1, $2)", int64(m.Delivery), []byte("kim@x.example"))
			return err
		}))
		pass(ours.LongestAttempt + 2*time.Minute)
		if n := h.one("SELECT COUNT(*) FROM delivery_bodies"); n != 0 {
			t.Errorf("%d bodies", n)
		}
	})
}

// What is known against an address is forgotten with the last contact that has it, and does not come back.
func TestBouncesAndErasure(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byServer()
		h.sink.set(func(word, _ string) string { return map[string]string{"RCPT": "550 5.1.1 no such user"}[word] })
		one, two := h.talk("kim@x.example"), h.talk("kim@x.example")
		h.transcript(one.Conversation.ID)
		m := h.transcript(two.Conversation.ID)
		pass(11 * time.Second)
		known := func() bool {
			t.Helper()
			b, err := h.mails.BounceOf(t.Context(), "kim@x.example")
			h.must(err)
			return b != nil
		}
		h.erase(one)
		if !known() {
			t.Error("one contact's erasure took what is known of another's address")
		}
		h.mails.Bounced(t.Context(), &ours.Bounce{Address: "pat@x.example", Code: 550, Mail: m.ID})
		if n := h.one("SELECT COUNT(*) FROM mail_bounces"); n != 2 {
			t.Errorf("%d bounces, want 2", n)
		}
		h.erase(two)
		if known() {
			t.Error("it is kept after the last contact's erasure")
		}
		h.mails.Bounced(t.Context(), &ours.Bounce{Address: "kim@x.example", Code: 550, Mail: m.ID})
		if known() {
			t.Error("a late refusal brings it back")
		}
	})
}

// one reads a number.
func (h *house) one(query string) (n int) {
	h.t.Helper()
	h.must(h.db.View(h.t.Context(), func(_ context.Context, tx *db.Tx) error { return tx.One(query, nil, &n) }))
	return n
}
