package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"time"

	"parley/internal/audit"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
)

const (
	// eraseSpan is how many events are looked through at once, eraseBatch how many are rewritten in one transaction.
	eraseSpan  = 5000
	eraseBatch = 50
	// eraseAgain is when an erasure is gone on with that had to leave something to a delivery that waits, or failed.
	eraseAgain = 10 * time.Minute
	eraseEvery = 15 * time.Second
)

// EraseContact deletes the data of the visitor's contact at their wish: what they and others said in their conversations, files, visits, feedback
// and answers, addresses, and access. Conversations end, messages stay as deleted ones, ratings as numbers, and nobody is named any more. What
// was stored for others, in events and deliveries, goes a minute later (RunErasures), after the deliveries that wait have gone out. The event is
// contact.erased, beside conversation.ended and conversation.updated of each conversation.
//
// Where somebody who only typed an address would delete what its owner wrote elsewhere, the fault is auth.denied: they have to sign in by mail
// first. So it is where the contact has an address on a channel that is not the one that they proved by that: only the team can tell whose it is.
func (d *Desk) EraseContact(ctx context.Context, v contact.Visitor) error {
	return d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		c, err := contact.LockLive(tx, v.Contact)
		if err != nil {
			return err
		}
		if c.ExternalID == "" && v.Mailed {
			signed, err := contact.SignedEmail(tx, c.ID)
			if err != nil {
				return err
			}
			foreign, err := foreignAddresses(tx, c.ID, signed)
			if err != nil {
				return fmt.Errorf("addresses of contact %d: %w", c.ID, err)
			}
			if foreign {
				return fault.New(fault.AuthDenied, "part of this went on at an address that is not the one you signed in with; ask the team to delete it")
			}
		}
		if c.ExternalID == "" && !v.Mailed {
			elsewhere, err := knownElsewhere(tx, c.ID)
			if err != nil {
				return fmt.Errorf("what contact %d said elsewhere: %w", c.ID, err)
			}
			if elsewhere {
				return fault.New(fault.AuthDenied, "part of this went on at an e-mail address; sign in by mail first, to show that it is yours")
			}
		}
		by := event.Party{Type: event.ByContact, ID: int64(c.ID)}
		n, err := d.erase(ctx, tx, c, by)
		if err != nil {
			return err
		}
		before, err := contact.Former(tx, c.ID)
		if err != nil {
			return err
		}
		for _, one := range before {
			if err := d.eraseFormer(ctx, tx, one, by); err != nil {
				return err
			}
		}
		who := "contact:" + strconv.FormatInt(int64(c.ID), 10)
		return audit.Add(tx, audit.Entry{Action: audit.ContactErased, By: who, Subject: who, Detail: fmt.Sprintf("%d conversations", n)})
	})
}

// eraseFormer erases an anonymous contact that turned out to be somebody who is being erased, unless it has something left that did not go along.
func (d *Desk) eraseFormer(ctx context.Context, tx *db.Tx, which id.Contact, by event.Party) error {
	c, err := contact.LockLive(tx, which)
	if fault.Is(err, fault.ContactNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	left, err := idsOfContact(tx, c.ID)
	if err != nil {
		return fmt.Errorf("conversations of contact %d: %w", c.ID, err)
	}
	if len(left) > 0 {
		return nil
	}
	_, err = d.erase(ctx, tx, c, by)
	return err
}

// erase blanks a contact and its conversations and returns how many of these there were.
func (d *Desk) erase(ctx context.Context, tx *db.Tx, c *event.Contact, by event.Party) (int, error) {
	ids, err := idsOfContact(tx, c.ID)
	if err != nil {
		return 0, fmt.Errorf("conversations of contact %d: %w", c.ID, err)
	}
	if err := contact.Erase(tx, c); err != nil {
		return 0, err
	}
	if err := once.Drop(tx, once.Key{Scope: fmt.Sprintf("contact:%d message", c.ID)}); err != nil {
		return 0, err
	}
	for _, conversation := range ids {
		if err := d.eraseConversation(ctx, tx, conversation, c, by); err != nil {
			return 0, err
		}
	}
	if d.Media != nil {
		if err := d.Media.EraseUploads(tx, media.Owner{Kind: media.OwnedByContact, ID: int64(c.ID)}); err != nil {
			return 0, err
		}
	}
	if err := forgetConversations(tx, ids); err != nil {
		return 0, fmt.Errorf("take the messages of contact %d out of the search index: %w", c.ID, err)
	}
	// Commands that have begun before this one may still append what they knew.
	if err := contact.SetErasure(tx, contact.Erasure{Contact: c.ID}, tx.Now().Add(settleTime)); err != nil {
		return 0, err
	}
	snapshot := *c
	return len(ids), d.Feed.Append(ctx, tx, &event.Event{Type: event.ContactErased, By: by, Contact: &snapshot})
}

// eraseConversation blanks a conversation of an erased contact, and ends it.
func (d *Desk) eraseConversation(ctx context.Context, tx *db.Tx, conversation id.Conversation, c *event.Contact, by event.Party) error {
	s, err := load(tx, conversation)
	if err != nil {
		return err
	}
	if s.Contact.ID != c.ID {
		return nil // it was handed over between the two looks
	}
	first, err := firstClientID(tx, s.ID)
	if err != nil {
		return fmt.Errorf("first message of conversation %d: %w", s.ID, err)
	}
	if first != "" { // who shows it would get a token again
		if err := once.Drop(tx, once.Key{Scope: fmt.Sprintf("widget:%d first message", s.Widget.ID), Value: first}); err != nil {
			return err
		}
	}
	if d.Media != nil {
		if err := d.Media.EraseConversation(tx, s.ID); err != nil {
			return err
		}
	}
	if err := eraseMessages(tx, s.ID); err != nil {
		return fmt.Errorf("erase the messages of conversation %d: %w", s.ID, err)
	}
	if err := eraseSessions(tx, s); err != nil {
		return fmt.Errorf("erase the sessions of conversation %d: %w", s.ID, err)
	}
	if s.session != nil {
		s.session.Session, s.session.dirty = blankSession(s.session.Session), true
		s.session.reviewDue = time.Time{}
	}
	s.Conversation, s.address, s.transcriptDue = blankConversation(s.Conversation), 0, time.Time{}
	s.Contact = *c
	if s.Status == event.StatusEnded {
		return d.store(ctx, tx, s, []*event.Event{s.base(event.ConversationUpdated, tx.Now(), by)})
	}
	events, err := end(tx, s, by, event.EndContact)
	if err != nil {
		return err
	}
	return d.store(ctx, tx, s, events)
}

// RunErasures removes what was stored for others about contacts whose data was erased, until ctx ends. Several nodes may run it.
func (d *Desk) RunErasures(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(eraseEvery)
	defer tick.Stop()
	for {
		if _, err := d.EraseOnce(ctx); err != nil && ctx.Err() == nil {
			log.Warn("events of erased contacts could not be rewritten; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// EraseOnce goes on with the erasures that are due, and returns how many it finished. One that fails is left alone for ten minutes, so that a few
// of them do not keep the others waiting.
func (d *Desk) EraseOnce(ctx context.Context) (int, error) {
	var due []contact.Erasure
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		due, err = contact.DueErasures(tx, eraseBatch)
		return err
	})
	if err != nil {
		return 0, err
	}
	finished := 0
	var failed []error
	for _, e := range due {
		done, err := d.eraseEvents(ctx, e)
		if ctx.Err() != nil {
			return finished, ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("erase the events of contact %d: %w", e.Contact, err))
			if err := d.DB.UpdateAside(ctx, func(_ context.Context, tx *db.Tx) error {
				return contact.PutOffErasure(tx, e.Contact, tx.Now().Add(eraseAgain))
			}); err != nil {
				failed = append(failed, err)
			}
		}
		if done {
			finished++
		}
	}
	return finished, errors.Join(failed...)
}

// eraseEvents rewrites the events about an erased contact, and what was sent of them. An event that a pending delivery tells of is left for later,
// and so is one that cannot be rewritten: those after it are not.
func (d *Desk) eraseEvents(ctx context.Context, e contact.Erasure) (finished bool, err error) {
	at, waits := e.Done, false
	var failed []error
	for {
		var newest id.Event
		var list []storedEvent
		err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			if newest, err = newestEvent(tx); err != nil {
				return err
			}
			list, err = eventsAbout(tx, e.Contact, at, at+eraseSpan)
			return err
		})
		if err != nil {
			return false, err
		}
		for len(list) > 0 {
			n := min(len(list), eraseBatch)
			var ready []id.Event
			for _, one := range list[:n] {
				switch {
				case !one.pending:
					ready = append(ready, one.id)
				case !waits:
					waits, e.Done = true, one.id-1
				}
			}
			left, err := d.rewriteAside(ctx, ready)
			if ctx.Err() != nil || fault.IsKind(err, fault.Unavailable) {
				return false, err
			}
			if err != nil {
				failed = append(failed, err)
				if !waits || left-1 < e.Done {
					waits, e.Done = true, left-1
				}
			}
			list = list[n:]
		}
		if at = min(at+eraseSpan, newest); !waits {
			e.Done = at
		}
		more := at < newest
		err = d.DB.UpdateAside(ctx, func(_ context.Context, tx *db.Tx) error {
			if !more && !waits {
				return contact.EndErasure(tx, e.Contact)
			}
			return contact.SetErasure(tx, e, tx.Now().Add(eraseAgain))
		})
		if err != nil || !more {
			err = errors.Join(append(failed, err)...)
			return err == nil && !waits, err
		}
	}
}

// rewriteAside is rewrite in a transaction of its own; where that fails, in one for each event. It returns the first that could not be rewritten.
func (d *Desk) rewriteAside(ctx context.Context, ids []id.Event) (left id.Event, err error) {
	some := func(ids []id.Event) error {
		return d.DB.UpdateAside(ctx, func(_ context.Context, tx *db.Tx) error { return d.rewrite(tx, ids) })
	}
	if err := some(ids); err == nil || ctx.Err() != nil || fault.IsKind(err, fault.Unavailable) {
		return 0, err
	}
	var failed []error
	for _, one := range ids {
		err := some([]id.Event{one})
		if ctx.Err() != nil || fault.IsKind(err, fault.Unavailable) {
			return 0, err
		}
		if err != nil {
			if failed = append(failed, fmt.Errorf("event %d: %w", one, err)); left == 0 {
				left = one
			}
		}
	}
	return left, errors.Join(failed...)
}

// rewrite blanks stored events, and forgets what was sent of them.
func (d *Desk) rewrite(tx *db.Tx, ids []id.Event) error {
	for _, one := range ids {
		known, err := d.Feed.Many(tx, []id.Event{one})
		if err != nil {
			return err
		}
		before := known[one]
		if before == nil {
			continue
		}
		if after := blankEvent(before); !reflect.DeepEqual(before, after) {
			if err := d.Feed.Rewrite(tx, after); err != nil {
				return err
			}
		}
		if err := delivery.Erase(tx, one); err != nil {
			return err
		}
	}
	return nil
}

// blankEvent is an event about an erased contact without anything that was said by or about them. e itself, which others share, is not touched.
func blankEvent(e *event.Event) *event.Event {
	out := *e
	out.By = blankParty(e.By)
	if e.Conversation != nil {
		c := blankConversation(*e.Conversation)
		out.Conversation = &c
	}
	if e.Session != nil {
		s := blankSession(*e.Session)
		out.Session = &s
	}
	if e.Message != nil {
		m := blankMessage(*e.Message)
		out.Message = &m
	}
	out.Messages = mapped(e.Messages, blankMessage)
	out.Sessions = mapped(e.Sessions, blankSession)
	out.Notes, out.Extra = nil, nil
	if e.Offline != nil {
		out.Offline = &event.OfflineMessage{}
	}
	if e.Contact != nil {
		c := blankContact(*e.Contact)
		out.Contact = &c
	}
	if e.Mail != nil {
		out.Reason = "" // a mail server's words may hold the address
	}
	return &out
}

func mapped[T any](list []T, fn func(T) T) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = fn(v)
	}
	return out
}

func blankContact(c event.Contact) event.Contact {
	out := event.Contact{ID: c.ID, UUID: c.UUID, Custom: "{}", CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
	if c.Handle != "" {
		out.Handle = out.HandleName() // without the place
	}
	return out
}

func blankConversation(c event.Conversation) event.Conversation {
	c.Contact, c.Topic, c.Tags, c.LastMessage = blankContact(c.Contact), "", nil, nil
	return c
}

// blankSession keeps times, numbers, and of the browser whether it was a phone.
func blankSession(s event.Session) event.Session {
	v := s.Visit
	s.Visit = event.Visit{Device: v.Device, Proactive: v.Proactive, Private: v.Private, PageImpressions: v.PageImpressions, Visits: v.Visits}
	s.Feedback, s.Notes = "", nil
	if s.Survey != nil {
		s.Survey = &event.Survey{}
	}
	return s
}

func blankMessage(m event.Message) event.Message {
	m.Sender, m.Body, m.ClientID, m.StateReason, m.Link, m.Choices = blankParty(m.Sender), "", "", "", nil, nil
	m.Entry = blankEntry(m.Entry)
	if m.Media != nil {
		// Without its key it has no address.
		m.Media = &event.Media{ID: m.Media.ID, Kind: m.Media.Kind, State: m.Media.State, ContentType: m.Media.ContentType, Size: m.Media.Size}
	}
	return m
}

func blankEntry(e *event.Entry) *event.Entry {
	if e == nil {
		return nil
	}
	out := *e
	if e.By != nil {
		by := blankParty(*e.By)
		out.By = &by
	}
	if e.Survey != nil {
		out.Survey = &event.Survey{}
	}
	return &out
}

func blankParty(p event.Party) event.Party {
	if p.Type == event.ByContact {
		p.Name = ""
	}
	return p
}
