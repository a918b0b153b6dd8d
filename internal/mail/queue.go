package mail

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/mail/letter"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

// What visitors can make us send to one address, by transcripts and ways to sign in together. Others could be written to by typing
// their address; operators have no limit but the last.
const (
	wishesPerHour  = 5
	wishesPerDay   = 20
	reauthsPerHour = 3
	// Mails about missed answers to an address that is not proven to be the contact's.
	missedPerHour = 5
	missedPerDay  = 20
	// Transcripts hold what a visitor wrote: how many one contact can send, to how many addresses, and how many of one conversation.
	writesPerHour     = 5
	receiversPerDay   = 3
	writesPerDayOfOne = 5
	// transcriptEvery is how soon an operator can send a conversation's transcript again.
	transcriptEvery = 10 * time.Second
)

// inFlight is how many mails of one widget may be on their way at a time. Mail servers do not like many connections.
const inFlight = 4

// order is a mail to be queued.
type order struct {
	kind, receiver string
	widget         id.Widget
	contact        *event.Contact
	conversation   *event.Conversation // held; nil for a way to sign in
	first, last    int
	by             event.Party
	askedBy        string
}

// queue puts a mail down: its row, its event and its delivery, as part of tx. The conversation, or else the contact, is locked.
func (d *Desk) queue(ctx context.Context, tx *db.Tx, o order) (*Mail, error) {
	m := &Mail{Kind: o.kind, State: Queued, Receiver: o.receiver, Widget: o.widget, Contact: o.contact.ID, AskedBy: o.askedBy, CreatedAt: tx.Now(),
		first: o.first, last: o.last, hash: d.hashOf(o.receiver)}
	if o.conversation != nil {
		m.Conversation = o.conversation.ID
	}
	carries, err := d.carries(tx, o)
	if err != nil {
		return nil, err
	}
	if carries {
		if m.reauth, err = contact.NewReauth(tx, d.Key, contact.Reauth{Contact: m.Contact, Widget: m.Widget, Conversation: m.Conversation, Address: m.Receiver, For: m.Kind}); err != nil {
			return nil, err
		}
	}
	if err := insertMail(tx, m); err != nil {
		return nil, fmt.Errorf("store a mail: %w", err)
	}
	e := &event.Event{Type: event.MailQueued, By: o.by, Mail: &event.Mail{ID: m.ID, Kind: m.Kind}}
	if o.conversation != nil {
		e.Conversation = o.conversation
	} else {
		e.Contact = o.contact
	}
	if err := d.Feed.Append(ctx, tx, e); err != nil {
		return nil, err
	}
	to, err := d.targetOf(tx, m.Widget)
	if err != nil {
		return nil, err
	}
	ids, err := delivery.Enqueue(tx, delivery.Item{Target: to, Event: e.ID, Lane: e.Lane(), Name: letter.EmailType(m.Kind)})
	if err != nil {
		return nil, err
	}
	m.event, m.Delivery = e.ID, ids[0]
	if err := setDelivery(tx, m); err != nil {
		return nil, fmt.Errorf("store the delivery of mail %d: %w", m.ID, err)
	}
	return m, nil
}

// carries reports whether the mail brings a way to sign in with it. A mail that is not about signing in does only where the address opens
// the contact's data: else who types somebody's address would make us send them a key.
func (d *Desk) carries(tx *db.Tx, o order) (bool, error) {
	if o.kind == event.MailReauth {
		return true, nil
	}
	r, err := d.roster(tx)
	if err != nil {
		return false, err
	}
	if s := r.of(o.widget); !s.SignIn || s.InboundURL == "" {
		return false, nil
	}
	w, err := widget.Get(tx, o.widget)
	if err != nil || w.IdentityRequired {
		return false, err
	}
	return contact.Opens(tx, o.contact, o.receiver)
}

// targetOf returns the delivery target of a widget's mails; the first mail makes it.
func (d *Desk) targetOf(tx *db.Tx, w id.Widget) (delivery.Target, error) {
	t, err := findTarget(tx, w)
	if err == nil && t == nil {
		var mine bool
		if mine, err = claimTarget(tx, w); err == nil && mine {
			made, err := delivery.NewTarget(tx, Deliveries, int64(w), delivery.Limits{InFlight: inFlight})
			if err != nil {
				return 0, err
			}
			return made, setTarget(tx, w, made)
		}
		if err == nil {
			t, err = findTarget(tx, w)
		}
	}
	if err == nil && t == nil {
		err = errors.New("there is none")
	}
	if err != nil {
		return 0, fmt.Errorf("delivery target of the mails of widget %d: %w", w, err)
	}
	return t.id, nil
}

// resume lets what waits at a widget's target go on; nil has nothing.
func resume(tx *db.Tx, t *target) error {
	if t == nil {
		return nil
	}
	if _, err := delivery.Resume(tx, t.id, true); err != nil {
		return err
	}
	return setTargetState(tx, t.widget, OK, "")
}

// askedBy is how a row says whose wish a mail was.
func askedBy(by team.Actor) string {
	switch {
	case by.Operator != 0:
		return "operator:" + strconv.FormatInt(int64(by.Operator), 10)
	case by.Token != 0:
		return "token:" + strconv.FormatInt(int64(by.Token), 10)
	}
	return bySystem
}

const bySystem = "system"

func askedByContact(c id.Contact) string { return "contact:" + strconv.FormatInt(int64(c), 10) }

// ofTeam reports whether somebody of the company, or a program of theirs, asked.
func ofTeam(askedBy string) bool {
	return strings.HasPrefix(askedBy, "operator:") || strings.HasPrefix(askedBy, "token:")
}

// window is how many mails there may be within a time.
type window struct {
	within time.Duration
	most   int
}

// within returns a fault mail.limited where there are as many mails of a count as one of the windows allows.
func within(tx *db.Tx, of string, args []any, windows ...window) error {
	for _, w := range windows {
		since := tx.Now().Add(-w.within)
		n, oldest, err := countMails(tx, of, since, args)
		if err != nil {
			return fmt.Errorf("count mails: %w", err)
		}
		if n >= w.most {
			return fault.New(fault.MailLimited, "there were too many mails; try again later").After(max(oldest.Sub(since), time.Second))
		}
	}
	return nil
}

// mayWish returns a fault mail.limited when an address has got as many mails by visitors' wishes as it may. Until tx ends nobody else counts
// for the same address.
func (d *Desk) mayWish(tx *db.Tx, address string) error {
	hash := d.hashOf(address)
	if err := lockCount(tx, "receiver "+hash); err != nil {
		return err
	}
	return within(tx, ofWishes, []any{hash}, window{time.Hour, wishesPerHour}, window{24 * time.Hour, wishesPerDay})
}

// mayWrite returns a fault mail.limited when the contact of a conversation made us send as many transcripts, or to as many addresses, as one may.
// It comes after mayWish.
func (d *Desk) mayWrite(tx *db.Tx, c *event.Conversation) error {
	who := int64(c.Contact.ID)
	if err := lockCount(tx, "contact "+strconv.FormatInt(who, 10)); err != nil {
		return err
	}
	if err := within(tx, ofContact, []any{who}, window{time.Hour, writesPerHour}); err != nil {
		return err
	}
	if err := within(tx, ofOtherReceivers, []any{who, d.hashOf(c.Contact.Email)}, window{24 * time.Hour, receiversPerDay}); err != nil {
		return err
	}
	return within(tx, ofConversation, []any{int64(c.ID)}, window{24 * time.Hour, writesPerDayOfOne})
}

// mayTell returns a fault mail.limited when an address that is not proven to be the contact's has got as many mails about missed answers as it may.
func (d *Desk) mayTell(tx *db.Tx, c *event.Conversation) error {
	signed, err := contact.SignedEmail(tx, c.Contact.ID)
	if err != nil || signed == c.Contact.Email {
		return err
	}
	hash := d.hashOf(c.Contact.Email)
	if err := lockCount(tx, "receiver "+hash); err != nil {
		return err
	}
	return within(tx, ofMissed, []any{hash}, window{time.Hour, missedPerHour}, window{24 * time.Hour, missedPerDay})
}

// SendTranscript queues a transcript of a conversation, to receiver or, where that is "", to the contact's address. The faults are
// mail.address_missing where there is none, mail.limited within ten seconds of the one before, and field.invalid at receiver.
func (d *Desk) SendTranscript(ctx context.Context, by team.Actor, key once.Key, c id.Conversation, receiver string) (*Mail, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	to, err := contact.NormalEmail(receiver)
	if err != nil {
		return nil, fault.New(fault.FieldInvalid, "this is not an e-mail address").At("receiver")
	}
	var m *Mail
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		made, repeated, err := once.Do(tx, key, func() (id.Mail, error) {
			talk, err := d.Inbox.Hold(tx, c)
			if err != nil {
				return 0, err
			}
			address := to
			if address == "" {
				address = talk.Contact.Email
			}
			if address == "" {
				return 0, fault.New(fault.MailAddress, "the contact has no e-mail address; ask for one, or say where the transcript shall go").At("receiver")
			}
			before, err := lastTranscript(tx, c)
			if err != nil {
				return 0, fmt.Errorf("look for earlier transcripts: %w", err)
			}
			if wait := before.Add(transcriptEvery).Sub(tx.Now()); wait > 0 && !before.IsZero() {
				return 0, fault.New(fault.MailLimited, "a transcript of this conversation was sent a moment ago").After(wait)
			}
			m, err = d.queue(ctx, tx, order{kind: event.MailTranscript, receiver: address, widget: talk.Widget.ID, contact: &talk.Contact, conversation: talk,
				first: 1, last: talk.MessageCount, by: by.Party(), askedBy: askedBy(by)})
			if err != nil {
				return 0, err
			}
			return m.ID, nil
		})
		if err != nil || !repeated {
			return err
		}
		if m, err = mailByID(tx, made); errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.KeyReused, "the mail of this idempotency key is not stored any more").At("Idempotency-Key")
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("send a transcript of conversation %d: %w", c, err)
	}
	return m, nil
}

// TranscriptByContact queues a transcript by the contact's wish, to the contact's address. The faults are mail.not_offered where the widget
// does not offer it or mails cannot go out, conversation.not_found for what the contact's browsers do not see, mail.address_missing and
// mail.limited.
func (d *Desk) TranscriptByContact(ctx context.Context, who id.Contact, c id.Conversation) error {
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		talk, err := d.Inbox.Hold(tx, c)
		if err != nil {
			return err
		}
		if talk.Contact.ID != who || !talk.ShownTo(&talk.Contact, 1) {
			return fault.Newf(fault.ConversationNotFound, "there is no conversation %d", c)
		}
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		if s := r.of(talk.Widget.ID); !s.TranscriptOffer || r.way(s) != "" {
			return fault.New(fault.MailNotOffered, "transcripts cannot be asked for here")
		}
		if talk.Contact.Email == "" {
			return fault.New(fault.MailAddress, "leave your e-mail address first").At("email")
		}
		if err := d.mayWish(tx, talk.Contact.Email); err != nil {
			return err
		}
		if err := d.mayWrite(tx, talk); err != nil {
			return err
		}
		_, err = d.queue(ctx, tx, order{kind: event.MailTranscript, receiver: talk.Contact.Email, widget: talk.Widget.ID, contact: &talk.Contact, conversation: talk,
			first: 1, last: talk.MessageCount, by: event.Party{Type: event.ByContact, ID: int64(who), Name: talk.Contact.Name}, askedBy: askedByContact(who)})
		return err
	})
	if err != nil {
		return fmt.Errorf("transcript of conversation %d for its contact: %w", c, err)
	}
	return nil
}
