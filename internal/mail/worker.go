package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/widget"
)

const (
	// lookEvery is how often the worker looks for what is due.
	lookEvery = 2 * time.Second
	// atOnce is how much it takes in one look.
	atOnce = 50
	// afterTrouble is when it looks again at what could not be done.
	afterTrouble = 10 * time.Minute
)

// Run does what waits for its time, until ctx ends: mails about missed answers, and ways to sign in that somebody asked for. Several nodes
// may run it.
func (d *Desk) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		more, err := d.Work(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			d.Logger.Warn("mails that are due wait; trying again", "error", err)
		case more:
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-tick.C:
		}
	}
}

// Work does once what Run does again and again, and reports whether there may be more to do. One that fails does not keep the others.
func (d *Desk) Work(ctx context.Context) (more bool, err error) {
	var waiting []asked
	var due []id.Conversation
	var ending []ended
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if waiting, err = listAsked(tx, atOnce); err == nil {
			due, err = dueMissed(tx, atOnce)
		}
		if err == nil {
			ending, err = dueEnds(tx, atOnce)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for mails that are due: %w", err)
	}
	var failed error
	// What fails for a reason of its own waits, so that the next looks do not find the same few again; whoever wants to sign in asks again.
	fails := func(err error, what string, later func(tx *db.Tx) error) {
		if err == nil {
			return
		}
		failed = fmt.Errorf("%s: %w", what, err)
		if passes(ctx, err) {
			return
		}
		if err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error { return later(tx) }); err != nil {
			failed = errors.Join(failed, fmt.Errorf("put off %s: %w", what, err))
		}
	}
	again := func(tx *db.Tx) time.Time { return tx.Now().Add(afterTrouble) }
	for _, a := range waiting {
		fails(d.answerAsked(ctx, a), fmt.Sprintf("a way to sign in at widget %d", a.widget), func(tx *db.Tx) error {
			_, err := takeAsked(tx, a.id)
			return err
		})
	}
	for _, c := range due {
		fails(d.tellMissed(ctx, c), fmt.Sprintf("missed answers of conversation %d", c), func(tx *db.Tx) error { return putOffMissed(tx, c, again(tx)) })
	}
	for _, e := range ending {
		fails(d.endDeliveries(ctx, e), fmt.Sprintf("the end of the deliveries of mail %d", e.mail), func(tx *db.Tx) error { return setEnds(tx, e.mail, again(tx)) })
	}
	return failed == nil && (len(waiting) == atOnce || len(due) == atOnce || len(ending) == atOnce), failed
}

// underWay is longer than an attempt takes that had begun before its mail was dropped.
const underWay = LongestAttempt + time.Minute

// endDeliveries ends what waits to deliver a mail whose contact deleted their data: at a stopped target it would wait for ever, with what it tells.
// It has a transaction of its own because delivery targets are locked before conversations, and erasing holds these. It looks again later, because
// an attempt that was under way leaves in the log what it sent.
func (d *Desk) endDeliveries(ctx context.Context, e ended) error {
	return d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		t, err := findTarget(tx, e.widget)
		if err != nil {
			return err
		}
		if t != nil {
			n, err := delivery.DropEvent(tx, t.id, e.event, erased)
			if err != nil {
				return err
			}
			if n > 0 {
				return setEnds(tx, e.mail, tx.Now().Add(underWay))
			}
		}
		if err := delivery.Erase(tx, e.event); err != nil {
			return err
		}
		return setEnds(tx, e.mail, time.Time{})
	})
}

// Ask puts down that somebody wants to sign in by mail. Known and unknown addresses take the same way: the worker looks who it is, later. The
// faults are field.invalid at email, and reauth.off where the widget has no sign-in by mail.
func (d *Desk) Ask(ctx context.Context, w *event.Widget, address string) error {
	to, err := contact.NormalEmail(address)
	if err != nil || to == "" {
		return fault.New(fault.FieldInvalid, "this is not an e-mail address").At("email")
	}
	err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		if !r.offers(w).SignIn {
			return fault.New(fault.ReauthOff, "there is no sign-in by mail here")
		}
		tx.OnCommit(d.wakeUp)
		return insertAsked(tx, w.ID, to)
	})
	if err != nil {
		return fmt.Errorf("ask for a way to sign in at widget %d: %w", w.ID, err)
	}
	return nil
}

func (d *Desk) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// answerAsked queues a way to sign in for whom it was asked for, if that is anybody.
func (d *Desk) answerAsked(ctx context.Context, a asked) error {
	return d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		if mine, err := takeAsked(tx, a.id); err != nil || !mine {
			return err
		}
		w, err := widget.Get(tx, a.widget)
		if fault.IsKind(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		if s := r.of(w.ID); !s.SignIn || w.IdentityRequired { // somebody switched it off meanwhile
			return nil
		}
		found, err := contact.FindByAddress(tx, a.address)
		if err != nil || found == nil {
			return err
		}
		c, err := contact.Lock(tx, found.ID)
		if err != nil {
			return err
		}
		if opens, err := contact.Opens(tx, c, a.address); err != nil || !opens { // it changed between the two looks
			return err
		}
		err = d.mayWish(tx, a.address)
		if err == nil {
			err = within(tx, ofReauths, []any{d.hashOf(a.address)}, window{time.Hour, reauthsPerHour})
		}
		if fault.Is(err, fault.MailLimited) {
			d.Logger.Info("a way to sign in is not sent: its address has got too many mails", "contact", c.ID)
			return nil
		}
		if err != nil {
			return err
		}
		_, err = d.queue(ctx, tx, order{kind: event.MailReauth, receiver: a.address, widget: w.ID, contact: c,
			by: event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}, askedBy: askedByContact(c.ID)})
		return err
	})
}

// tellMissed queues one mail about all answers in a conversation that its contact has not read and was not told of.
func (d *Desk) tellMissed(ctx context.Context, c id.Conversation) error {
	return d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		talk, err := d.Inbox.Hold(tx, c)
		if fault.IsKind(err, fault.NotFound) {
			return setMissed(tx, c, time.Time{}, 0)
		}
		if err != nil {
			return err
		}
		due, told, err := missed(tx, c)
		if err != nil || due.IsZero() || due.After(tx.Now()) { // another node was here
			return err
		}
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		first := max(talk.ContactRead, told) + 1
		sends := r.of(talk.Widget.ID).MissedAfter != 0
		if !sends {
			if sends, err = leftMessage(tx, c); err != nil {
				return err
			}
		}
		if talk.Contact.Email == "" || talk.Channel.ID != 0 || !sends || first > talk.MessageCount {
			return setMissed(tx, c, time.Time{}, told)
		}
		list, err := d.Inbox.TranscriptOf(tx, c, first, talk.MessageCount, false)
		if err != nil {
			return err
		}
		if list = onlyAnswers(list); len(list) == 0 {
			return setMissed(tx, c, time.Time{}, told)
		}
		switch err := d.mayTell(tx, talk); {
		case fault.Is(err, fault.MailLimited): // they are in the next mail, if they are not read by then
			d.Logger.Info("missed answers are not told of: the address has got too many mails", "conversation", c)
			return setMissed(tx, c, time.Time{}, told)
		case err != nil:
			return err
		}
		last := list[len(list)-1].Number
		if err := setMissed(tx, c, time.Time{}, last); err != nil {
			return err
		}
		_, err = d.queue(ctx, tx, order{kind: event.MailMissed, receiver: talk.Contact.Email, widget: talk.Widget.ID, contact: &talk.Contact, conversation: talk,
			first: first, last: last, by: event.Party{Type: event.BySystem}, askedBy: bySystem})
		return err
	})
}

func onlyAnswers(list []*event.Message) []*event.Message {
	out := list[:0]
	for _, m := range list {
		if answers(m) {
			out = append(out, m)
		}
	}
	return out
}
