package inbox

import (
	"context"
	"fmt"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

// firstRetry is how long a browser that never got its token may ask for one again with the same client id.
const firstRetry = time.Hour

// ContactPost is a message that a contact's browser sends through a widget.
type ContactPost struct {
	WidgetKey string
	// Contact is the authenticated contact, 0 for a browser without a token: then a contact and a token are made.
	Contact id.Contact
	// ClientID is the browser's own id of the message; it makes the post idempotent.
	ClientID string
	Body     string
	// Conversation is where the message belongs; 0 means the contact's newest conversation on the widget that has not ended,
	// or a new one.
	Conversation id.Conversation
	// Reopen allows writing to an ended conversation.
	Reopen bool
	// Change is what the browser knows of the contact. The external id is ignored: only a signed identity sets it.
	Change contact.Change
	Visit  Visit
}

// ContactPosted is the answer to a contact's post.
type ContactPosted struct {
	Contact      *event.Contact
	Conversation *View
	Message      *event.Message
	// Token is the browser's new token, "" when it has one.
	Token     string
	Duplicate bool
}

type contactIDs struct {
	Contact      id.Contact
	Conversation id.Conversation
	Message      id.Message
	At           time.Time
}

// PostFromContact stores a contact's message. It opens a conversation and a session where needed and routes them
// (S-096, S-099, S-100). A repeat with the same client id gets the first answer.
func (d *Desk) PostFromContact(ctx context.Context, p ContactPost) (*ContactPosted, error) {
	var faults fault.Collect
	for _, err := range []error{checkClientID(p.ClientID), CheckBody(p.Body)} {
		if err != nil {
			faults.Add(fault.As(err))
		}
	}
	p.Change.ExternalID = nil
	change, err := p.Change.Check("contact.")
	if err != nil {
		faults.Add(fault.As(err))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	p.Change = change
	var out ContactPosted
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		out = ContactPosted{}
		w, err := widget.ByKey(tx, p.WidgetKey)
		if err != nil {
			return err
		}
		key := once.Key{Scope: fmt.Sprintf("contact:%d message", p.Contact), Value: p.ClientID, Request: once.Digest([]byte(p.Body))}
		if p.Contact == 0 {
			key.Scope = fmt.Sprintf("widget:%d first message", w.ID)
		}
		var posted *state
		ids, repeated, err := once.Do(tx, key, func() (ids contactIDs, err error) {
			ids, posted, err = d.postFromContact(ctx, tx, w, p, &out)
			return ids, err
		})
		if err != nil {
			return err
		}
		if repeated {
			return d.repeat(tx, w, p, ids, &out)
		}
		last, err := viewVisible(tx, posted)
		if err != nil {
			return err
		}
		out.Conversation = last
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// repeat answers a post that was stored before.
func (d *Desk) repeat(tx *db.Tx, w *event.Widget, p ContactPost, ids contactIDs, out *ContactPosted) (err error) {
	out.Duplicate = true
	if p.Contact == 0 {
		// The first answer was lost on the way, so the browser has no token. Its random client id is what it can show; after
		// an hour a leaked one opens nothing any more.
		if tx.Now().Sub(ids.At) > firstRetry {
			return fault.New(fault.KeyReused, "this client_id was used long ago; send the message with a new one").At("client_id")
		}
		if out.Token, err = contact.NewToken(tx, ids.Contact, w.ID); err != nil {
			return err
		}
	}
	if out.Contact, err = contact.Get(tx, ids.Contact); err != nil {
		return err
	}
	s, err := getState(tx, ids.Conversation)
	if err != nil {
		return err
	}
	if err := people(tx, map[id.Operator]*event.Operator{}, s); err != nil {
		return err
	}
	if out.Message, err = messageByID(tx, ids.Conversation, ids.Message); err != nil {
		return missing(ids.Conversation, err)
	}
	out.Message.State = s.messageState(out.Message)
	out.Conversation, err = viewVisible(tx, s)
	return err
}

func (d *Desk) postFromContact(ctx context.Context, tx *db.Tx, w *event.Widget, p ContactPost, out *ContactPosted) (ids contactIDs, s *state, err error) {
	c, err := d.author(ctx, tx, w, p, out)
	if err != nil {
		return ids, nil, err
	}
	by := event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}
	var events []*event.Event
	if p.Conversation == 0 {
		if p.Conversation, err = openOfContact(tx, c.ID, w.ID); err != nil {
			return ids, nil, fmt.Errorf("conversations of contact %d: %w", c.ID, err)
		}
	}
	if p.Conversation != 0 {
		if s, err = load(tx, p.Conversation); err != nil {
			return ids, nil, err
		}
		if s.Contact.ID != c.ID {
			return ids, nil, fault.Newf(fault.ConversationNotFound, "there is no conversation %d", p.Conversation).At("conversation_id")
		}
		if s.Status == event.StatusEnded && !p.Reopen {
			return ids, nil, fault.Newf(fault.ConversationEnded, "conversation %d has ended; send reopen: true to go on with it", p.Conversation).At("conversation_id")
		}
		s.Contact = *c
		if to := s.statusAfterContact(); s.Status == event.StatusEnded {
			e, err := reopen(tx, s, by, to)
			if err != nil {
				return ids, nil, err
			}
			events = append(events, e)
		} else if before, changed := s.setStatus(to, tx.Now()); changed {
			e := s.base(event.ConversationStatusChanged, tx.Now(), by)
			e.StatusBefore = before
			events = append(events, e)
		}
	} else {
		if s, err = d.open(tx, w, c); err != nil {
			return ids, nil, err
		}
		e := s.base(event.ConversationCreated, tx.Now(), by)
		events = append(events, e)
	}
	started := false
	if !s.session.open() {
		if err := d.startSession(tx, s, w, p.Visit); err != nil {
			return ids, nil, err
		}
		started = true
	}
	s.session.touch(tx.Now(), s.timeout)
	m := &event.Message{Type: event.TypeMessage, Sender: by, Body: p.Body, ClientID: p.ClientID}
	if err := put(tx, s, m); err != nil {
		return ids, nil, err
	}
	if started {
		e := s.base(event.SessionStarted, tx.Now(), by)
		e.Message = m
		events = append(events, e)
	}
	e := s.base(event.MessageReceived, tx.Now(), by)
	e.Message = m
	events = append(events, e)
	if err := save(tx, s); err != nil {
		return ids, nil, err
	}
	if err := d.Feed.Append(ctx, tx, events...); err != nil {
		return ids, nil, err
	}
	out.Contact, out.Message = c, m
	return contactIDs{c.ID, s.ID, m.ID, tx.Now()}, s, nil
}

// author finds or makes the contact who writes and takes over what the browser knows of them.
func (d *Desk) author(ctx context.Context, tx *db.Tx, w *event.Widget, p ContactPost, out *ContactPosted) (*event.Contact, error) {
	if p.Contact == 0 {
		if w.IdentityRequired {
			return nil, fault.New(fault.IdentityRequired, "this widget takes messages of signed-in users only; call identify first")
		}
		c, err := d.Contacts.Create(ctx, tx, event.Party{Type: event.ByContact}, p.Change)
		if err != nil {
			return nil, err
		}
		out.Token, err = contact.NewToken(tx, c.ID, w.ID)
		return c, err
	}
	c, err := contact.Lock(tx, p.Contact)
	if err != nil {
		return nil, err
	}
	if w.IdentityRequired && c.ExternalID == "" {
		return nil, fault.New(fault.IdentityRequired, "this widget takes messages of signed-in users only; call identify first")
	}
	return c, d.Contacts.Change(ctx, tx, event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}, c, p.Change)
}

// open makes a new conversation of the contact, with the widget's group; startSession finds the operator.
func (d *Desk) open(tx *db.Tx, w *event.Widget, c *event.Contact) (*state, error) {
	s := &state{Conversation: event.Conversation{
		UUID: secret.UUID(), Status: event.StatusNew, Channel: event.Channel{Type: channelWebsite, Name: "Website"},
		Widget: event.WidgetRef{ID: w.ID, Key: w.Key, Name: w.Name}, Contact: *c, CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
	}, timeout: time.Duration(w.SessionTimeoutSeconds) * time.Second}
	o, g, err := answerers(tx, w)
	if err != nil {
		return nil, err
	}
	s.assign(o, g)
	if err := insertConversation(tx, s); err != nil {
		return nil, fmt.Errorf("store conversation of contact %d: %w", c.ID, err)
	}
	return s, nil
}

// answerers finds the widget's group and who of it is free.
func answerers(tx *db.Tx, w *event.Widget) (o *event.Operator, g *event.Group, err error) {
	if w.GroupID != 0 {
		if g, err = team.GetGroup(tx, w.GroupID); err != nil {
			return nil, nil, fmt.Errorf("group of widget %d: %w", w.ID, err)
		}
	}
	o, err = route(tx, w.GroupID)
	return o, g, err
}

// startSession opens the next session. Whoever had the conversation keeps it while they are online; else it is routed anew.
func (d *Desk) startSession(tx *db.Tx, s *state, w *event.Widget, v Visit) error {
	if s.session != nil && (s.Operator == nil || s.Operator.Status != event.Online) {
		o, g, err := answerers(tx, w)
		if err != nil {
			return err
		}
		if s.Group != nil {
			g = s.Group
		}
		if o != nil || s.Operator == nil {
			s.assign(o, g)
		}
	}
	next := &session{Session: event.Session{Number: 1, StartedAt: tx.Now(), Visit: v.snapshot(), OperatorCreated: s.Operator}, firstNumber: s.MessageCount + 1}
	if s.session != nil {
		next.Number = s.session.Number + 1
	}
	next.touch(tx.Now(), s.timeout)
	if err := insertSession(tx, s.ID, next, s.operatorID); err != nil {
		return fmt.Errorf("store session of conversation %d: %w", s.ID, err)
	}
	s.session, s.createdBy = next, s.operatorID
	return nil
}

// changeOwn runs fn on a conversation of the contact; a foreign one is "not found", so that nothing can be guessed.
func (d *Desk) changeOwn(ctx context.Context, c id.Contact, conversation id.Conversation, fn func(tx *db.Tx, s *state, by event.Party) ([]*event.Event, error)) (v *View, err error) {
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		s, err := load(tx, conversation)
		if err != nil {
			return err
		}
		if s.Contact.ID != c {
			return fault.Newf(fault.ConversationNotFound, "there is no conversation %d", conversation)
		}
		events, err := fn(tx, s, event.Party{Type: event.ByContact, ID: int64(c), Name: s.Contact.Name})
		if err != nil {
			return err
		}
		if len(events) > 0 {
			if err := save(tx, s); err != nil {
				return err
			}
			if err := d.Feed.Append(ctx, tx, events...); err != nil {
				return err
			}
		}
		v, err = viewVisible(tx, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// MarkByContact moves the contact's delivered and read marks (0 leaves one alone). Marks beyond the last message are refused.
func (d *Desk) MarkByContact(ctx context.Context, c id.Contact, conversation id.Conversation, delivered, read int) error {
	_, err := d.changeOwn(ctx, c, conversation, func(tx *db.Tx, s *state, by event.Party) ([]*event.Event, error) {
		for _, n := range []int{delivered, read} {
			if n == 0 {
				continue
			}
			if err := s.known(n); err != nil {
				return nil, err
			}
		}
		if !s.readByContact(delivered, read) {
			return nil, nil
		}
		return []*event.Event{s.base(event.ConversationRead, tx.Now(), by)}, nil
	})
	return err
}

// EndByContact ends a conversation on the contact's wish. Ending an ended one changes nothing.
func (d *Desk) EndByContact(ctx context.Context, c id.Contact, conversation id.Conversation) (*View, error) {
	return d.changeOwn(ctx, c, conversation, func(tx *db.Tx, s *state, by event.Party) ([]*event.Event, error) {
		if s.Status == event.StatusEnded {
			return nil, nil
		}
		return end(tx, s, by, event.EndContact)
	})
}

// PageByContact notes the page that the contact looks at, in the open sessions of their conversations.
func (d *Desk) PageByContact(ctx context.Context, c id.Contact, url, title string) error {
	var ids []id.Conversation
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		ids, err = idsOfContact(tx, c)
		return err
	})
	if err != nil {
		return fmt.Errorf("conversations of contact %d: %w", c, err)
	}
	for _, conversation := range ids {
		_, err := d.changeOwn(ctx, c, conversation, func(tx *db.Tx, s *state, by event.Party) ([]*event.Event, error) {
			page := pageURL(url)
			if !s.session.open() || page == "" || page == s.session.Visit.URL {
				return nil, nil
			}
			s.session.Visit.URL, s.session.Visit.Title = page, oneLine(title, maxPageTitle)
			s.session.Visit.PageImpressions++
			s.session.dirty = true
			return []*event.Event{s.base(event.ConversationUpdated, tx.Now(), by)}, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Identified is the answer to Identify.
type Identified struct {
	Contact *event.Contact
	Token   string
}

// Identify ties a browser to the user that the site's server signed for. An anonymous contact (0 for none) becomes that
// user, or, when the user is known already, hands over its conversations; its old tokens end.
func (d *Desk) Identify(ctx context.Context, widgetKey string, anonymous id.Contact, who contact.Identity) (*Identified, error) {
	var out Identified
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		w, err := widget.ByKey(tx, widgetKey)
		if err != nil {
			return err
		}
		c, err := contact.FindExternal(tx, *who.ExternalID)
		if err != nil {
			return fmt.Errorf("look for the external id: %w", err)
		}
		var old *event.Contact
		if anonymous != 0 {
			if old, err = contact.Lock(tx, anonymous); err != nil {
				return err
			}
		}
		by := event.Party{Type: event.ByContact}
		switch {
		case c != nil:
			if c, err = contact.Lock(tx, c.ID); err != nil {
				return err
			}
			by.ID, by.Name = int64(c.ID), c.Name
			if err := d.Contacts.Change(ctx, tx, by, c, who.Change); err != nil {
				return err
			}
		case old != nil && old.ExternalID == "":
			c = old
			by.ID, by.Name = int64(c.ID), c.Name
			if err := d.Contacts.Change(ctx, tx, by, c, who.Change); err != nil {
				return err
			}
		default:
			if c, err = d.Contacts.Create(ctx, tx, by, who.Change); err != nil {
				return err
			}
		}
		// Only what was written anonymously moves; a browser that was another user's before keeps nothing of theirs.
		if old != nil && old.ID != c.ID && old.ExternalID == "" {
			if err := d.handConversations(ctx, tx, old, c); err != nil {
				return err
			}
		}
		if old != nil && old.ID != c.ID && old.ExternalID == "" || old != nil && old.ID == c.ID {
			if err := contact.RevokeTokens(tx, old.ID); err != nil {
				return fmt.Errorf("revoke tokens of contact %d: %w", old.ID, err)
			}
		}
		out.Contact = c
		out.Token, err = contact.NewToken(tx, c.ID, w.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (d *Desk) handConversations(ctx context.Context, tx *db.Tx, from, to *event.Contact) error {
	ids, err := idsOfContact(tx, from.ID)
	if err != nil {
		return fmt.Errorf("conversations of contact %d: %w", from.ID, err)
	}
	for _, conversation := range ids {
		s, err := load(tx, conversation)
		if err != nil {
			return err
		}
		s.Contact = *to
		if err := save(tx, s); err != nil {
			return err
		}
		if err := d.Feed.Append(ctx, tx, s.base(event.ConversationUpdated, tx.Now(), event.Party{Type: event.ByContact, ID: int64(to.ID), Name: to.Name})); err != nil {
			return err
		}
	}
	return nil
}
