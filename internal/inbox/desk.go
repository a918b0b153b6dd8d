package inbox

import (
	"context"
	"errors"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"

	"parley/internal/contact"
)

const channelWebsite = "website"

// Options are what a Desk needs.
type Options struct {
	DB       *db.DB
	Feed     *feed.Feed
	Contacts *contact.Desk
	Widgets  *widget.Desk
}

// Desk has the commands and reads of the inbox. Safe for concurrent use.
type Desk struct{ Options }

// New makes a Desk.
func New(o Options) *Desk { return &Desk{o} }

// load reads the conversation under its lock, with the people that its snapshot names.
func load(tx *db.Tx, conversation id.Conversation) (*state, error) {
	if err := lockConversation(tx, conversation); err != nil {
		return nil, err
	}
	s, err := getState(tx, conversation)
	if err != nil {
		return nil, err
	}
	return s, people(tx, map[id.Operator]*event.Operator{}, s)
}

// people fills in the operators that states name, asking for each once.
func people(tx *db.Tx, known map[id.Operator]*event.Operator, states ...*state) error {
	for _, s := range states {
		var err error
		if s.Operator, err = operator(tx, known, s.operatorID); err != nil {
			return err
		}
		if s.session != nil {
			if s.session.OperatorCreated, err = operator(tx, known, s.createdBy); err != nil {
				return err
			}
		}
	}
	return nil
}

func operator(tx *db.Tx, known map[id.Operator]*event.Operator, o id.Operator) (*event.Operator, error) {
	if o == 0 {
		return nil, nil
	}
	if got, ok := known[o]; ok {
		return got, nil
	}
	got, err := team.GetOperator(tx, o)
	if err != nil {
		return nil, fmt.Errorf("operator %d: %w", o, err)
	}
	known[o] = got
	return got, nil
}

// put stores m as the conversation's next message.
func put(tx *db.Tx, s *state, m *event.Message) error {
	m.SentAt = tx.Now()
	if s.session != nil {
		m.SessionID = s.session.ID
	}
	s.add(m)
	return insertMessage(tx, m)
}

// change runs fn on the locked conversation, once for each key, and returns the conversation as it is afterwards.
func (d *Desk) change(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, fn func(ctx context.Context, tx *db.Tx, s *state) ([]*event.Event, error)) (*View, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	var v *View
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := once.Do(tx, key, func() (bool, error) {
			s, err := load(tx, conversation)
			if err != nil {
				return false, err
			}
			events, err := fn(ctx, tx, s)
			if err != nil || len(events) == 0 {
				return true, err
			}
			if err := save(tx, s); err != nil {
				return false, err
			}
			return true, d.Feed.Append(ctx, tx, events...)
		})
		if err != nil {
			return err
		}
		v, err = view(tx, conversation)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Post is a message or note of an operator or an API token.
type Post struct {
	Conversation id.Conversation
	Body         string
	Note         bool
	Reference    id.Message // the quoted message of the same conversation, 0 for none
}

// Posted is the answer to a post.
type Posted struct {
	Conversation *View
	Message      *event.Message
}

type postedIDs struct{ Message id.Message }

// Post stores a message to the contact, or an internal note. The first reply opens a new conversation and makes the
// replier responsible if nobody is. An ended conversation takes notes only (conversation.ended).
func (d *Desk) Post(ctx context.Context, by team.Actor, key once.Key, p Post) (*Posted, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	if err := CheckBody(p.Body); err != nil {
		return nil, err
	}
	var out Posted
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		ids, _, err := once.Do(tx, key, func() (postedIDs, error) {
			m, err := d.post(ctx, tx, by, p)
			if err != nil {
				return postedIDs{}, err
			}
			return postedIDs{m.ID}, nil
		})
		if err != nil {
			return err
		}
		if out.Conversation, err = view(tx, p.Conversation); err != nil {
			return err
		}
		if out.Message, err = messageByID(tx, p.Conversation, ids.Message); err != nil {
			return missing(p.Conversation, err)
		}
		out.Message.State = out.Conversation.state.messageState(out.Message)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (d *Desk) post(ctx context.Context, tx *db.Tx, by team.Actor, p Post) (*event.Message, error) {
	s, err := load(tx, p.Conversation)
	if err != nil {
		return nil, err
	}
	if !p.Note {
		if err := s.notEnded(); err != nil {
			return nil, err
		}
	}
	if p.Reference != 0 {
		if q, err := messageByID(tx, p.Conversation, p.Reference); errors.Is(err, db.ErrNoRows) || err == nil && q.Note && !p.Note {
			return nil, fault.Newf(fault.MessageReference, "conversation %d has no message %d to quote", p.Conversation, p.Reference).At("reference")
		} else if err != nil {
			return nil, err
		}
	}
	m := event.Message{Type: event.TypeMessage, Sender: event.Party{Type: event.ByBot, Name: by.Name}}
	var author *event.Operator
	if by.Operator != 0 {
		if author, err = team.GetOperator(tx, by.Operator); err != nil {
			return nil, err
		}
		m = fromOperator(author)
	}
	m.Body, m.Note, m.ReferenceID = p.Body, p.Note, p.Reference

	var events []*event.Event
	if !p.Note {
		if author != nil && s.operatorID == 0 && s.assign(author, s.Group) {
			e := s.base(event.ConversationAssigned, tx.Now(), by.Party())
			events = append(events, e)
		}
		if s.Status != event.StatusOpen {
			before, _ := s.setStatus(event.StatusOpen, tx.Now())
			e := s.base(event.ConversationStatusChanged, tx.Now(), by.Party())
			e.StatusBefore = before
			events = append(events, e)
		}
		if s.session.open() {
			s.session.touch(tx.Now(), s.timeout)
		}
	}
	if err := put(tx, s, &m); err != nil {
		return nil, err
	}
	if err := save(tx, s); err != nil {
		return nil, err
	}
	kind := event.MessageSent
	if p.Note {
		kind = event.MessageNoted
	}
	e := s.base(kind, tx.Now(), by.Party())
	e.Message = &m
	return &m, d.Feed.Append(ctx, tx, append(events, e)...)
}

// Read moves the operators' read mark of a conversation to number. Moving it back or not at all is no error and no event.
func (d *Desk) Read(ctx context.Context, by team.Actor, conversation id.Conversation, number int) error {
	_, err := d.change(ctx, by, once.Key{}, conversation, func(_ context.Context, tx *db.Tx, s *state) ([]*event.Event, error) {
		if err := s.known(number); err != nil {
			return nil, err
		}
		beyond, err := countBeyond(tx, conversation, number)
		if err != nil {
			return nil, err
		}
		if !s.readByOperator(number, beyond) {
			return nil, nil
		}
		return []*event.Event{s.base(event.ConversationRead, tx.Now(), by.Party())}, nil
	})
	return err
}

// Assign makes one operator responsible, or nobody (operator 0), without a trace for the contact.
func (d *Desk) Assign(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, to id.Operator) (*View, error) {
	return d.change(ctx, by, key, conversation, func(_ context.Context, tx *db.Tx, s *state) ([]*event.Event, error) {
		o, err := receiver(tx, to)
		if err != nil {
			return nil, err
		}
		return d.handOver(tx, s, by, entryAssigned, o, s.Group, "")
	})
}

// Forward hands the conversation to another operator, or to a group, whose best operator gets it if one is free. Exactly
// one of the two is given. note, if not empty, is left as an internal note for the receiver.
func (d *Desk) Forward(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, to id.Operator, group id.Group, note string) (*View, error) {
	if (to == 0) == (group == 0) {
		return nil, fault.New(fault.FieldInvalid, "give either operator_id or group_id").At("operator_id")
	}
	if note != "" {
		if err := CheckBody(note); err != nil {
			return nil, fault.As(err).At("note")
		}
	}
	return d.change(ctx, by, key, conversation, func(_ context.Context, tx *db.Tx, s *state) ([]*event.Event, error) {
		var o *event.Operator
		g := s.Group
		var err error
		if group != 0 {
			if g, err = team.GetGroup(tx, group); err != nil {
				return nil, atField(err, fault.GroupNotFound, "group_id")
			}
			if o, err = route(tx, group); err != nil {
				return nil, err
			}
		} else if o, err = receiver(tx, to); err != nil {
			return nil, err
		}
		return d.handOver(tx, s, by, entryForwarded, o, g, note)
	})
}

func (d *Desk) handOver(tx *db.Tx, s *state, by team.Actor, name string, o *event.Operator, g *event.Group, note string) ([]*event.Event, error) {
	if err := s.notEnded(); err != nil {
		return nil, err
	}
	operatorBefore, groupBefore := s.Operator, s.Group
	if !s.assign(o, g) {
		return nil, nil
	}
	m := entry(name, by.Party())
	m.Entry.Operator, m.Entry.Group = operatorParty(o), g
	if err := put(tx, s, m); err != nil {
		return nil, err
	}
	e := s.base(event.ConversationAssigned, tx.Now(), by.Party())
	e.Message, e.OperatorBefore, e.GroupBefore = m, operatorBefore, groupBefore
	events := []*event.Event{e}
	if note != "" {
		n := event.Message{Type: event.TypeMessage, Note: true, Body: note, Sender: event.Party{Type: event.ByBot, Name: by.Name}}
		if by.Operator != 0 {
			author, err := team.GetOperator(tx, by.Operator)
			if err != nil {
				return nil, err
			}
			n = fromOperator(author)
			n.Note, n.Body = true, note
		}
		if err := put(tx, s, &n); err != nil {
			return nil, err
		}
		e := s.base(event.MessageNoted, tx.Now(), by.Party())
		e.Message = &n
		events = append(events, e)
	}
	return events, nil
}

// receiver reads the operator who shall get a conversation; 0 gives nil.
func receiver(tx *db.Tx, to id.Operator) (*event.Operator, error) {
	if to == 0 {
		return nil, nil
	}
	o, err := team.GetOperator(tx, to)
	if err != nil {
		return nil, atField(err, fault.OperatorNotFound, "operator_id")
	}
	if !o.Active {
		return nil, fault.Newf(fault.OperatorInactive, "operator %d is deactivated and cannot take conversations", to).At("operator_id")
	}
	return o, nil
}

func atField(err error, code fault.Code, field string) error {
	if fault.Is(err, code) {
		return fault.As(err).At(field)
	}
	return err
}

// route finds who gets a conversation of a group (0 means of all): the online operator with the fewest conversations in
// work and a free slot, nil when there is none. The group's lock keeps two commands from filling the same slot.
func route(tx *db.Tx, group id.Group) (*event.Operator, error) {
	if err := lockGroup(tx, group); err != nil {
		return nil, fmt.Errorf("lock group %d: %w", group, err)
	}
	to, err := routeTo(tx, group)
	if err != nil || to == 0 {
		return nil, err
	}
	return team.GetOperator(tx, to)
}

// End ends the conversation and its open session. Ending an ended conversation changes nothing.
func (d *Desk) End(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation) (*View, error) {
	return d.change(ctx, by, key, conversation, func(_ context.Context, tx *db.Tx, s *state) ([]*event.Event, error) {
		if s.Status == event.StatusEnded {
			return nil, nil
		}
		reason := event.EndOperator
		if by.Operator == 0 {
			reason = event.EndAPI
		}
		return end(tx, s, by.Party(), reason)
	})
}

// end puts the entry into the thread, ends the session if one is open, and then the conversation: in the feed the session
// ends first, as receivers of the callbacks expect (unread, end, ended).
func end(tx *db.Tx, s *state, by event.Party, reason string) ([]*event.Event, error) {
	m := entry(entryEnded, by)
	m.Entry.Reason = reason
	if err := put(tx, s, m); err != nil {
		return nil, err
	}
	var events []*event.Event
	if s.session.open() {
		ended, err := endSession(tx, s, by, reason)
		if err != nil {
			return nil, err
		}
		events = ended
	}
	before, _ := s.setStatus(event.StatusEnded, tx.Now())
	e := s.base(event.ConversationEnded, tx.Now(), by)
	e.StatusBefore, e.Message = before, m
	var err error
	if e.Messages, err = visibleMessages(tx, s, 0); err != nil {
		return nil, err
	}
	if e.Sessions, err = sessions(tx, s); err != nil {
		return nil, err
	}
	return append(events, e), nil
}

// endSession ends the open session; the events carry all its messages.
func endSession(tx *db.Tx, s *state, by event.Party, reason string) ([]*event.Event, error) {
	s.session.end(tx.Now(), reason)
	messages, err := visibleMessages(tx, s, s.session.ID)
	if err != nil {
		return nil, err
	}
	var events []*event.Event
	if s.Unread > 0 {
		e := s.base(event.SessionUnread, tx.Now(), by)
		e.Messages = messages
		events = append(events, e)
	}
	e := s.base(event.SessionEnded, tx.Now(), by)
	e.Messages = messages
	return append(events, e), nil
}

// maxSnapshotMessages bounds the messages that one event carries: the newest ones of a conversation that outgrew it.
const maxSnapshotMessages = 2000

// visibleMessages reads what contact and operator see of a session, or of the whole conversation (session 0).
func visibleMessages(tx *db.Tx, s *state, session id.Session) ([]event.Message, error) {
	var list []*event.Message
	var err error
	if session != 0 {
		list, err = sessionMessages(tx, s.ID, session)
	} else {
		list, err = messagesAfter(tx, s.ID, max(0, s.MessageCount-maxSnapshotMessages), false, maxSnapshotMessages)
	}
	if err != nil {
		return nil, fmt.Errorf("messages of conversation %d: %w", s.ID, err)
	}
	out := make([]event.Message, len(list))
	for i, m := range list {
		m.State = s.messageState(m)
		out[i] = *m
	}
	return out, nil
}

func sessions(tx *db.Tx, s *state) ([]event.Session, error) {
	list, err := listSessions(tx, s.ID)
	if err != nil {
		return nil, fmt.Errorf("sessions of conversation %d: %w", s.ID, err)
	}
	known := map[id.Operator]*event.Operator{}
	out := make([]event.Session, len(list))
	for i, se := range list {
		if se.OperatorCreated, err = operator(tx, known, se.createdBy); err != nil {
			return nil, err
		}
		out[i] = se.Session
		if s.session != nil && se.ID == s.session.ID {
			out[i] = s.session.Session // as this transaction leaves it
		}
	}
	return out, nil
}

// Reopen makes an ended conversation open again. It opens no session: the contact's next message does.
func (d *Desk) Reopen(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation) (*View, error) {
	return d.change(ctx, by, key, conversation, func(_ context.Context, tx *db.Tx, s *state) ([]*event.Event, error) {
		if s.Status != event.StatusEnded {
			return nil, fault.Newf(fault.ConversationNotEnded, "conversation %d has not ended", conversation)
		}
		e, err := reopen(tx, s, by.Party(), event.StatusOpen)
		if err != nil {
			return nil, err
		}
		return []*event.Event{e}, nil
	})
}

func reopen(tx *db.Tx, s *state, by event.Party, status string) (*event.Event, error) {
	before, _ := s.setStatus(status, tx.Now())
	m := entry(entryReopened, by)
	if err := put(tx, s, m); err != nil {
		return nil, err
	}
	e := s.base(event.ConversationReopened, tx.Now(), by)
	e.StatusBefore, e.Message = before, m
	return e, nil
}

// SetStatus sets a conversation aside (pending) or takes it up again (open). Ending and reopening have commands of their own.
func (d *Desk) SetStatus(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, status string) (*View, error) {
	if status != event.StatusOpen && status != event.StatusPending {
		return nil, fault.New(fault.FieldInvalid, "status must be open or pending; use end and reopen for the others").At("status")
	}
	return d.change(ctx, by, key, conversation, func(_ context.Context, tx *db.Tx, s *state) ([]*event.Event, error) {
		if s.Status == event.StatusEnded {
			return nil, fault.Newf(fault.ConversationStatus, "conversation %d has ended; reopen it first", conversation).At("status")
		}
		before, changed := s.setStatus(status, tx.Now())
		if !changed {
			return nil, nil
		}
		e := s.base(event.ConversationStatusChanged, tx.Now(), by.Party())
		e.StatusBefore = before
		return []*event.Event{e}, nil
	})
}
