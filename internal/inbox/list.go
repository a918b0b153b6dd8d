package inbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/widget"
)

// View is a conversation as a reader gets it.
type View struct {
	*event.Conversation
	// Session is the latest one, nil before the first.
	Session *event.Session
	// Visible is the newest message that the contact may see, filled for contacts only.
	Visible *event.Message
	// UnreadByContact counts the operators' messages beyond the contact's read mark, filled for contacts only.
	UnreadByContact int
	// Discarded says that the conversation was ended by Discard, and did not go on since: the contact is asked for no rating, comment or answer.
	Discarded bool
	// Seq is the newest event of the snapshot that the view was read from, filled by reads that say so.
	Seq id.Seq
}

func viewOf(s *state) *View {
	v := &View{Conversation: s.snapshot()}
	if s.session != nil {
		v.Session, v.Discarded = s.session.snapshot(), s.session.discarded
	}
	return v
}

// read reads a conversation without its lock, with the people that its snapshot names.
func read(tx *db.Tx, conversation id.Conversation) (*state, error) {
	s, err := getState(tx, conversation)
	if err != nil {
		return nil, err
	}
	return s, people(tx, map[id.Operator]*event.Operator{}, s)
}

// visible makes the views of a contact's conversations, or of one of them (0 means all), with what their list shows. What the contact's
// browsers do not see of a conversation does not count in its view.
func visible(tx *db.Tx, c *event.Contact, conversation id.Conversation, states ...*state) ([]*View, error) {
	last, err := lastVisible(tx, c, conversation)
	if err != nil {
		return nil, err
	}
	unread, err := unreadByContact(tx, c, conversation)
	if err != nil {
		return nil, err
	}
	out := make([]*View, len(states))
	for i, s := range states {
		v := viewOf(s)
		if v.Visible = last[s.ID]; v.Visible != nil {
			v.Visible.State = s.messageState(v.Visible)
		}
		v.UnreadByContact = unread[s.ID]
		s.hide(v)
		out[i] = v
	}
	return out, nil
}

// hide takes out of a view what browsers of the contact do not see: how far the conversation has gone on elsewhere, and when.
func (s *state) hide(v *View) {
	shown := s.shown()
	if shown == s.MessageCount {
		return
	}
	v.MessageCount, v.LastMessage, v.UpdatedAt = shown, nil, v.CreatedAt
	v.Status, v.EndedAt, v.Discarded = event.StatusOpen, time.Time{}, false // as it was when it moved
	if v.Session != nil {
		se := *v.Session
		se.Rating, se.Feedback, se.Survey = nil, "", nil
		v.Session = &se
	}
	v.OperatorRead, v.ContactDelivered, v.ContactRead = min(v.OperatorRead, shown), min(v.ContactDelivered, shown), min(v.ContactRead, shown)
	if v.Visible != nil {
		v.UpdatedAt = v.Visible.SentAt
	}
}

// Page is a page of conversations with the feed's place at the same moment.
type Page struct {
	Items  []*View
	Counts Counts
	Seq    id.Seq
}

// List returns conversations, latest activity first. The counts are those of operator me.
func (d *Desk) List(ctx context.Context, f Filter, me id.Operator) (*Page, error) {
	q, err := f.query()
	if err != nil {
		return nil, err
	}
	var p Page
	err = d.DB.View(ctx, func(ctx context.Context, tx *db.Tx) error {
		p = Page{}
		var err error
		if p.Seq, err = d.Feed.Latest(tx); err != nil {
			return err
		}
		list, err := page(ctx, tx, f, q)
		if err != nil {
			return err
		}
		if err := people(tx, map[id.Operator]*event.Operator{}, list...); err != nil {
			return err
		}
		for _, s := range list {
			p.Items = append(p.Items, viewOf(s))
		}
		p.Counts, err = counts(tx, me)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	return &p, nil
}

// Get returns one conversation with the feed's place at the same moment.
func (d *Desk) Get(ctx context.Context, conversation id.Conversation) (v *View, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		seq, err := d.Feed.Latest(tx)
		if err != nil {
			return err
		}
		s, err := read(tx, conversation)
		if err != nil {
			return err
		}
		v = viewOf(s)
		v.Seq = seq
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// GetByUUID returns the conversation with this UUID, as Get does; conversation.not_found when there is none.
func (d *Desk) GetByUUID(ctx context.Context, uuid string) (v *View, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		seq, err := d.Feed.Latest(tx)
		if err != nil {
			return err
		}
		conversation, err := conversationByUUID(tx, uuid)
		if err != nil {
			return err
		}
		s, err := read(tx, conversation)
		if err != nil {
			return err
		}
		v = viewOf(s)
		v.Seq = seq
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Range asks for a part of a thread: the messages before or after a number, or the latest ones when both are 0.
type Range struct {
	Before, After int
	Limit         int
}

// Thread is a part of a conversation in ascending order.
type Thread struct {
	Messages []*event.Message
	// More tells that there is more in the direction asked for.
	More bool
	Seq  id.Seq
}

// Messages returns a part of a thread with notes, for operators.
func (d *Desk) Messages(ctx context.Context, conversation id.Conversation, r Range) (*Thread, error) {
	return d.thread(ctx, conversation, 0, r)
}

// MessagesOf returns a part of a thread without notes, for the contact whose conversation it is.
func (d *Desk) MessagesOf(ctx context.Context, c id.Contact, conversation id.Conversation, r Range) (*Thread, error) {
	return d.thread(ctx, conversation, c, r)
}

func (d *Desk) thread(ctx context.Context, conversation id.Conversation, c id.Contact, r Range) (*Thread, error) {
	var t Thread
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		t = Thread{}
		var err error
		if t.Seq, err = d.Feed.Latest(tx); err != nil {
			return err
		}
		s, err := getState(tx, conversation)
		if err != nil {
			return err
		}
		if c != 0 && (s.Contact.ID != c || s.secret()) {
			return fault.Newf(fault.ConversationNotFound, "there is no conversation %d", conversation)
		}
		notes, upto := c == 0, s.MessageCount
		if c != 0 {
			upto = s.shown()
		}
		if r.After > 0 {
			t.Messages, err = messagesAfter(tx, conversation, r.After, upto, notes, r.Limit+1)
		} else {
			before := r.Before
			if before == 0 || before > upto {
				before = upto + 1
			}
			t.Messages, err = messagesBefore(tx, conversation, before, notes, r.Limit+1)
		}
		if err != nil {
			return fmt.Errorf("messages of conversation %d: %w", conversation, err)
		}
		if t.More = len(t.Messages) > r.Limit; t.More {
			t.Messages = t.Messages[:r.Limit]
		}
		if r.After == 0 {
			slices.Reverse(t.Messages)
		}
		for _, m := range t.Messages {
			m.State = s.messageState(m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// maxListedSessions bounds the list of a conversation's sessions.
const maxListedSessions = 1000

// Sessions returns the newest 1000 sessions of a conversation, oldest first.
func (d *Desk) Sessions(ctx context.Context, conversation id.Conversation) (list []event.Session, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		s, err := getState(tx, conversation)
		if err != nil {
			return err
		}
		list, err = sessions(tx, s, maxListedSessions, false)
		return err
	})
	return list, err
}

// Loads returns how many conversations in work (new or open) each operator has.
func (d *Desk) Loads(ctx context.Context) (l map[id.Operator]int, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		l, err = loads(tx)
		return err
	})
	return l, err
}

// Home is what a contact's browser shows first.
type Home struct {
	Contact       *event.Contact
	Conversations []*View
	Seq           id.Seq
}

// maxOwnConversations bounds the contact's list of conversations.
const maxOwnConversations = 50

// HomeOf returns a contact's own conversations, latest activity first, with the feed's place at the same moment.
func (d *Desk) HomeOf(ctx context.Context, c id.Contact) (*Home, error) {
	var h Home
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		h = Home{}
		var err error
		if h.Seq, err = d.Feed.Latest(tx); err != nil {
			return err
		}
		if h.Contact, err = contact.Get(tx, c); err != nil {
			return err
		}
		list, err := statesOfContact(tx, c, maxOwnConversations)
		if err != nil {
			return err
		}
		if err := people(tx, map[id.Operator]*event.Operator{}, list...); err != nil {
			return err
		}
		h.Conversations, err = visible(tx, h.Contact, 0, list...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("conversations of contact %d: %w", c, err)
	}
	return &h, nil
}

// GetOf returns one conversation as its contact sees it; a foreign one is not found.
func (d *Desk) GetOf(ctx context.Context, c id.Contact, conversation id.Conversation) (v *View, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		s, err := getState(tx, conversation)
		if err != nil {
			return err
		}
		if s.Contact.ID != c || s.secret() {
			return fault.Newf(fault.ConversationNotFound, "there is no conversation %d", conversation)
		}
		if err := people(tx, map[id.Operator]*event.Operator{}, s); err != nil {
			return err
		}
		views, err := visible(tx, &s.Contact, conversation, s)
		if err != nil {
			return err
		}
		v = views[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// ContactOf returns whose conversation it is.
func (d *Desk) ContactOf(ctx context.Context, conversation id.Conversation) (c id.Contact, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		s, err := getState(tx, conversation)
		if err != nil {
			return err
		}
		c = s.Contact.ID
		return nil
	})
	return c, err
}

// Guest is a browser that talks to a widget: the widget, and who it is when it has shown a token.
type Guest struct {
	Widget  *event.Widget
	Visitor contact.Visitor // zero without a token
}

// Guest finds a widget by its key and, where a token is given, the visitor behind it, in one look.
func (d *Desk) Guest(ctx context.Context, key, token string) (g Guest, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		if g.Widget, err = widget.ByKey(tx, key); err != nil || token == "" {
			return err
		}
		g.Visitor, err = contact.Authenticate(tx, token)
		return err
	})
	return g, err
}
