package inbox

import (
	"context"
	"errors"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/team"
)

// CodeRefused is the code of a message that failed because the other side of its channel said so.
const CodeRefused = "refused"

// StateOfMessage sets the state of a message to the contact that went over a channel, as part of tx, to what the other side says or an
// operator wants: it only grows, but that failed may become pending or more (S-026), and pending and sent failed. Nothing happens when it
// stays the same, or when the message is gone or went over none.
func (d *Desk) StateOfMessage(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, state event.MessageState, code, reason string) error {
	return d.setState(ctx, tx, conversation, message, state, code, reason, true)
}

// FateOfMessage is StateOfMessage for what became of the calls that bring the message out. They know less than the other side: what it
// has taken does not fail by them, and what it has refused stays so.
func (d *Desk) FateOfMessage(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, state event.MessageState, code, reason string) error {
	return d.setState(ctx, tx, conversation, message, state, code, reason, false)
}

func (d *Desk) setState(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, state event.MessageState, code, reason string,
	byOtherSide bool) error {
	s, m, err := d.loadMessage(tx, conversation, message)
	if err != nil || m == nil {
		return err
	}
	stored := m.State
	if stored == stateDerived || !byOtherSide && stored == event.StateFailed && m.StateCode == CodeRefused {
		return nil
	}
	next := nextState(stored, state, byOtherSide)
	switch next {
	case event.StateFailed:
	case event.StatePending:
		code = ""
	default:
		code, reason = "", ""
	}
	if next == stored && code == m.StateCode && reason == m.StateReason {
		return nil
	}
	if err := setMessageState(tx, m.ID, next, code, reason); err != nil {
		return fmt.Errorf("state of message %d: %w", m.ID, err)
	}
	m.State, m.StateCode, m.StateReason = next, code, reason
	return d.tell(ctx, tx, s, m, event.ChangedState, event.Party{Type: event.BySystem})
}

// MessageAsItIs reads a message as part of tx, with its stored state; nil when it is gone.
func (d *Desk) MessageAsItIs(tx *db.Tx, conversation id.Conversation, message id.Message) (*event.Message, error) {
	m, err := messageByID(tx, conversation, message)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("message %d: %w", message, err)
	}
	return m, nil
}

// MediaChanged is a media.Changed: it tells of a file or link card that became known after its message.
func (d *Desk) MediaChanged(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, what string, card id.LinkCard) error {
	s, m, err := d.loadMessage(tx, conversation, message)
	if err != nil || m == nil {
		return err
	}
	switch what {
	case event.ChangedMedia:
		if m.Media == nil { // it was deleted meanwhile
			return nil
		}
		// The file's name may have become known with it.
		if err := reindex(tx, m); err != nil {
			return err
		}
		if s.LastMessage != nil && s.LastMessage.Number == m.Number {
			s.LastMessage = lineOf(m)
		}
	case event.ChangedLink:
		if m.Link, err = media.CardByID(tx, card); err != nil {
			return err
		}
		if m.Link == nil || m.Note || m.Link.URL != media.FirstURL(m.Body) {
			return nil // there is nothing to show, or the message was edited or deleted meanwhile
		}
		if err := setMessageLink(tx, m.ID, card); err != nil {
			return fmt.Errorf("link card of message %d: %w", m.ID, err)
		}
	default:
		return fmt.Errorf("message %d: nobody tells of a changed %q", message, what)
	}
	return d.tell(ctx, tx, s, m, what, event.Party{Type: event.BySystem})
}

// loadMessage reads a message with its conversation under its lock; no message when one of the two is gone. The message's State is the
// stored one.
func (d *Desk) loadMessage(tx *db.Tx, conversation id.Conversation, message id.Message) (*state, *event.Message, error) {
	s, err := load(tx, conversation)
	if fault.Is(err, fault.ConversationNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := messageByID(tx, conversation, message)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("message %d: %w", message, err)
	}
	return s, m, nil
}

// tell stores the conversation of a message that became different and tells of it. m's State is the stored one; it becomes what readers
// are shown. When the conversation was last active stays as it is.
func (d *Desk) tell(ctx context.Context, tx *db.Tx, s *state, m *event.Message, changed string, by event.Party) error {
	return d.store(ctx, tx, s, []*event.Event{s.messageUpdated(tx, m, changed, by)})
}

func (s *state) messageUpdated(tx *db.Tx, m *event.Message, changed string, by event.Party) *event.Event {
	m.State = s.messageState(m)
	e := s.base(event.MessageUpdated, tx.Now(), by)
	e.Message, e.Changed = m, changed
	return e
}

// EditMessage changes the text of a message to the contact, or of a note, that the operator wrote (an admin: anybody's on our side), and
// tells the contact's side. Of a message with a file it is the caption, which may be empty. The same text changes nothing.
func (d *Desk) EditMessage(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, message id.Message, body string) (*Posted, error) {
	return d.alter(ctx, by, key, conversation, message, func(tx *db.Tx, s *state, m *event.Message) ([]*event.Event, error) {
		if err := writtenBy(m, by); err != nil {
			return nil, err
		}
		if !m.DeletedAt.IsZero() {
			return nil, fault.Newf(fault.MessageDeleted, "message %d was deleted", m.ID)
		}
		if err := checkText(body, m.Media != nil); err != nil {
			return nil, err
		}
		if body == m.Body {
			return nil, nil
		}
		linked := namesLink(m.Body) || namesLink(body)
		m.Body, m.EditedAt, m.Link = body, tx.Now(), nil
		var card id.LinkCard
		if linked && d.Media != nil && !m.Note {
			var err error
			if m.Link, card, err = d.Media.Card(tx, body, s.ID, m.ID); err != nil {
				return nil, err
			}
			if m.Link == nil {
				card = 0
			}
		}
		if err := setMessageText(tx, m.ID, body, m.EditedAt, card); err != nil {
			return nil, fmt.Errorf("edit message %d: %w", m.ID, err)
		}
		if err := reindex(tx, m); err != nil {
			return nil, err
		}
		if err := s.lineAfter(tx, m); err != nil {
			return nil, err
		}
		return []*event.Event{s.messageUpdated(tx, m, event.ChangedText, by.Party())}, nil
	})
}

// DeleteMessage takes a message to the contact, or a note, back that the operator wrote (an admin: anybody's on our side): its text, file
// and link card are gone, its place in the thread stays. Deleting it again changes nothing.
func (d *Desk) DeleteMessage(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, message id.Message) (*Posted, error) {
	return d.alter(ctx, by, key, conversation, message, func(tx *db.Tx, s *state, m *event.Message) ([]*event.Event, error) {
		if err := writtenBy(m, by); err != nil {
			return nil, err
		}
		if !m.DeletedAt.IsZero() {
			return nil, nil
		}
		if m.Media != nil && d.Media != nil {
			if err := d.Media.Remove(tx, m.Media.ID); err != nil {
				return nil, err
			}
		}
		m.Body, m.Media, m.Link, m.Choices, m.DeletedAt = "", nil, nil, nil, tx.Now()
		if err := deleteMessage(tx, m.ID, m.DeletedAt); err != nil {
			return nil, fmt.Errorf("delete message %d: %w", m.ID, err)
		}
		if err := reindex(tx, m); err != nil {
			return nil, err
		}
		if err := s.lineAfter(tx, m); err != nil {
			return nil, err
		}
		m.State = s.messageState(m)
		e := s.base(event.MessageDeleted, tx.Now(), by.Party())
		e.Message = m
		return []*event.Event{e}, nil
	})
}

// RefetchMedia lets the file of a message that could not be fetched be fetched again (S-076). One that has not failed is
// media.not_failed.
func (d *Desk) RefetchMedia(ctx context.Context, by team.Actor, conversation id.Conversation, message id.Message) (*Posted, error) {
	return d.alter(ctx, by, once.Key{}, conversation, message, func(tx *db.Tx, s *state, m *event.Message) ([]*event.Event, error) {
		if m.Media == nil || d.Media == nil {
			return nil, fault.Newf(fault.MediaNotFound, "message %d has no file", m.ID)
		}
		again, err := d.Media.Refetch(tx, m.Media.ID)
		if err != nil {
			return nil, err
		}
		if !again {
			return nil, fault.Newf(fault.MediaNotFailed, "the file of message %d has not failed", m.ID)
		}
		now, err := messageByID(tx, s.ID, m.ID)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", m.ID, err)
		}
		*m = *now
		return []*event.Event{s.messageUpdated(tx, m, event.ChangedMedia, by.Party())}, nil
	})
}

// alter does something to a message of a conversation under its lock, once for each key, and returns both as they are afterwards.
// do is given the message's stored State and leaves it as readers are shown it where it tells an event; without events nothing changes.
func (d *Desk) alter(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, message id.Message,
	do func(tx *db.Tx, s *state, m *event.Message) ([]*event.Event, error)) (*Posted, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	var s *state
	var m *event.Message
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		find := func(read func(*db.Tx, id.Conversation) (*state, error)) (err error) {
			if s, err = read(tx, conversation); err != nil {
				return err
			}
			if m, err = messageByID(tx, conversation, message); errors.Is(err, db.ErrNoRows) {
				return fault.Newf(fault.MessageNotFound, "conversation %d has no message %d", conversation, message)
			}
			return err
		}
		_, repeated, err := once.Do(tx, key, func() (done bool, err error) {
			if err := find(load); err != nil {
				return false, err
			}
			stored := m.State
			events, err := do(tx, s, m)
			if err != nil {
				return false, err
			}
			if len(events) == 0 {
				m.State = stored
				m.State = s.messageState(m)
			}
			return true, d.store(ctx, tx, s, events)
		})
		if err != nil || !repeated {
			return err
		}
		if err := find(read); err != nil {
			return err
		}
		m.State = s.messageState(m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Posted{viewOf(s), m}, nil
}

// writtenBy refuses what an actor may not change: thread entries, what the contact said, and what another operator or any program said,
// unless an admin asks. A message names the token that sent it, and a name is nobody's own: programs need the admin scope for theirs, too.
func writtenBy(m *event.Message, by team.Actor) error {
	own := by.Operator != 0 && m.Sender.Type == event.ByOperator && m.Sender.ID == int64(by.Operator)
	switch {
	case !m.Said():
		return fault.Newf(fault.MessageNotYours, "message %d is an entry of the thread; nobody wrote it", m.ID)
	case m.Sender.Type == event.ByContact:
		return fault.Newf(fault.MessageNotYours, "message %d is the contact's", m.ID)
	case !own && by.Scope != team.ScopeAdmin:
		return fault.Newf(fault.MessageNotYours, "somebody else sent message %d; an admin may change it", m.ID)
	}
	return nil
}

// lineAfter keeps the list's line up with a message that was edited or deleted.
func (s *state) lineAfter(tx *db.Tx, m *event.Message) error {
	if s.LastMessage == nil || s.LastMessage.Number != m.Number {
		return nil
	}
	if s.LastMessage = lineOf(m); s.LastMessage != nil {
		return nil
	}
	before, err := lastSaid(tx, s.ID, m.Number)
	if err != nil {
		return fmt.Errorf("what was said last in conversation %d: %w", s.ID, err)
	}
	if before != nil {
		s.LastMessage = lineOf(before)
	}
	return nil
}
