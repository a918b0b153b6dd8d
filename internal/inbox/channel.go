package inbox

import (
	"context"
	"fmt"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

// ChannelPost is a message of a contact that came in over a channel.
type ChannelPost struct {
	Channel event.Channel
	// Widget is the channel's default widget: it decides group, language and privacy of a new conversation.
	Widget  id.Widget
	Contact id.Contact
	// Address is the contact's address on the channel. Each address has a conversation of its own, and answers go to nobody else.
	Address int64
	// Key makes the post idempotent; the zero key does not.
	Key  once.Key
	Body string
	// MediaURL is where the message's file is, "" for none; it is fetched after the commit. It must have passed media's check.
	MediaURL  string
	MediaName string
	// AutoReply, if not empty, is sent to the contact when the post begins a conversation (in the widget's language; S-062).
	AutoReply func(lang string) string
}

// ChannelPosted is the answer to it.
type ChannelPosted struct {
	Contact      id.Contact
	Conversation id.Conversation
	Message      id.Message
	Duplicate    bool
}

// PostFromChannel stores a contact's message that came over a channel, as part of tx: into the contact's conversation at that address that has
// not ended, or a new one, routed by the widget (S-061).
func (d *Desk) PostFromChannel(ctx context.Context, tx *db.Tx, p ChannelPost) (*ChannelPosted, error) {
	if err := checkText(p.Body, p.MediaURL != ""); err != nil {
		return nil, err
	}
	out, repeated, err := once.Do(tx, p.Key, func() (ChannelPosted, error) { return d.postFromChannel(ctx, tx, p) })
	if err != nil {
		return nil, err
	}
	out.Duplicate = repeated
	return &out, nil
}

func (d *Desk) postFromChannel(ctx context.Context, tx *db.Tx, p ChannelPost) (out ChannelPosted, err error) {
	c, err := contact.Lock(tx, p.Contact)
	if err != nil {
		return out, err
	}
	w, err := widget.Get(tx, p.Widget)
	if err != nil {
		return out, fmt.Errorf("default widget of channel %d: %w", p.Channel.ID, err)
	}
	s, err := onChannel(tx, p.Channel.ID, p.Address, c)
	if err != nil {
		return out, err
	}
	created := s == nil
	s, events, started, err := d.receive(tx, s, venue{p.Channel, p.Address}, w, c, Visit{}, nil)
	if err != nil {
		return out, err
	}
	m := &event.Message{Type: event.TypeMessage, Sender: event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}, Body: p.Body}
	if p.MediaURL != "" {
		if d.Media == nil {
			return out, fault.New(fault.MediaURL, "this server keeps no files").At("url")
		}
		m.Type = event.TypeMedia
		if m.Media, err = d.Media.Remote(tx, media.Owner{Kind: media.OwnedByChannel, ID: int64(p.Channel.ID)}, p.MediaURL, p.MediaName); err != nil {
			return out, err
		}
	}
	if err := d.say(tx, s, m); err != nil {
		return out, err
	}
	events = append(events, s.received(m, started, tx.Now())...)
	if created && p.AutoReply != nil {
		sent, err := d.announce(tx, s, p.AutoReply(w.Lang))
		if err != nil {
			return out, err
		}
		events = append(events, sent...)
	}
	return ChannelPosted{Contact: c.ID, Conversation: s.ID, Message: m.ID}, d.store(ctx, tx, s, events)
}

// onChannel locks the contact's conversation at an address on a channel that has not ended; nil for none.
func onChannel(tx *db.Tx, channel id.Channel, address int64, c *event.Contact) (*state, error) {
	at, err := openOnChannel(tx, channel, address, c.ID)
	if err != nil {
		return nil, fmt.Errorf("conversations of contact %d on channel %d: %w", c.ID, channel, err)
	}
	if at == 0 {
		return nil, nil
	}
	s, err := load(tx, at)
	if err != nil {
		return nil, err
	}
	if s.Contact.ID != c.ID || s.Channel.ID != channel || s.address != address || s.Status == event.StatusEnded {
		return nil, nil // somebody handed it over or ended it between the two looks
	}
	s.Contact = *c
	return s, nil
}

// announce sends the contact a text that nobody typed; "" sends nothing.
func (d *Desk) announce(tx *db.Tx, s *state, text string) ([]*event.Event, error) {
	if text == "" {
		return nil, nil
	}
	m := &event.Message{Type: event.TypeMessage, Sender: event.Party{Type: event.BySystem}, Body: text}
	if err := d.say(tx, s, m); err != nil {
		return nil, err
	}
	e := s.base(event.MessageSent, tx.Now(), m.Sender)
	e.Message = m
	return []*event.Event{e}, nil
}

// ChannelStart is a conversation that an operator begins on a channel.
type ChannelStart struct {
	Channel event.Channel
	Widget  id.Widget
	Contact id.Contact
	Address int64 // the contact's on the channel
	Body    string
	Media   string // key of an upload, "" for none
}

// StartOnChannel begins a conversation with a contact on a channel as part of tx, or goes on in the one that they have at that address, and sends
// the first message. Its operator is who begins it; one that an API token begins has nobody, in the widget's group.
func (d *Desk) StartOnChannel(ctx context.Context, tx *db.Tx, by team.Actor, p ChannelStart) (id.Conversation, id.Message, error) {
	if err := by.MayWrite(); err != nil {
		return 0, 0, err
	}
	if err := checkText(p.Body, p.Media != ""); err != nil {
		return 0, 0, err
	}
	c, err := contact.LockLive(tx, p.Contact)
	if err != nil {
		return 0, 0, err
	}
	s, err := onChannel(tx, p.Channel.ID, p.Address, c)
	if err != nil {
		return 0, 0, err
	}
	if s != nil {
		s, m, err := d.post(ctx, tx, by, Post{Conversation: s.ID, Body: p.Body, Media: p.Media})
		if err != nil {
			return 0, 0, err
		}
		return s.ID, m.ID, nil
	}
	w, err := widget.Get(tx, p.Widget)
	if err != nil {
		return 0, 0, fmt.Errorf("default widget of channel %d: %w", p.Channel.ID, err)
	}
	m, author, err := message(tx, by)
	if err != nil {
		return 0, 0, err
	}
	m.Body = p.Body
	if err := d.attach(tx, m, p.Media, uploader(by)); err != nil {
		return 0, 0, err
	}
	visit := d.visit(Visit{}, w.PrivacyMode)
	if err := contact.GiveHandle(tx, c, visit); err != nil {
		return 0, 0, err
	}
	s = blank(tx, w, c, venue{p.Channel, p.Address})
	s.Status = event.StatusOpen
	var g *event.Group
	if w.GroupID != 0 {
		if g, err = team.GetGroup(tx, w.GroupID); err != nil {
			return 0, 0, fmt.Errorf("group of widget %d: %w", w.ID, err)
		}
	}
	s.assign(author, g)
	if err := insertConversation(tx, s); err != nil {
		return 0, 0, fmt.Errorf("store conversation of contact %d: %w", c.ID, err)
	}
	events := []*event.Event{s.base(event.ConversationCreated, tx.Now(), by.Party())}
	if _, err := d.startSession(tx, s, w, visit, false); err != nil {
		return 0, 0, err
	}
	if err := d.say(tx, s, m); err != nil {
		return 0, 0, err
	}
	for _, kind := range []event.Type{event.SessionStarted, event.MessageSent} {
		e := s.base(kind, tx.Now(), by.Party())
		e.Message = m
		events = append(events, e)
	}
	return s.ID, m.ID, d.store(ctx, tx, s, events)
}

// MoveToChannel lets a contact's conversation of the website go on on a channel, as part of tx (S-064): from now on messages to the contact
// go to the address there. notice is sent to the contact there as the first one. A conversation that is on the channel already stays as it is; one on
// another channel is conversation.moved, an ended one conversation.ended, a foreign one not found.
func (d *Desk) MoveToChannel(ctx context.Context, tx *db.Tx, contact id.Contact, conversation id.Conversation, to event.Channel, address int64, notice func(lang string) string) error {
	s, err := load(tx, conversation)
	if err != nil {
		return err
	}
	switch {
	case s.Contact.ID != contact || s.secret() || s.erased:
		return fault.Newf(fault.ConversationNotFound, "there is no conversation %d", conversation)
	case s.Channel.ID == to.ID:
		return nil
	case s.Channel.Type != event.ChannelWebsite:
		return fault.Newf(fault.ConversationMoved, "conversation %d goes on elsewhere already", conversation)
	}
	if err := s.notEnded(); err != nil {
		return err
	}
	by := event.Party{Type: event.ByContact, ID: int64(contact), Name: s.Contact.Name}
	m := entry(entryChannel, by)
	m.Entry.Channel = &to
	if err := put(tx, s, m); err != nil {
		return err
	}
	s.Channel, s.address, s.HiddenFrom = to, address, m.Number
	moved := s.base(event.ConversationUpdated, tx.Now(), by)
	moved.Message = m
	events := []*event.Event{moved}
	if notice != nil {
		w, err := widget.Get(tx, s.Widget.ID)
		if err != nil {
			return fmt.Errorf("widget of conversation %d: %w", s.ID, err)
		}
		sent, err := d.announce(tx, s, notice(w.Lang))
		if err != nil {
			return err
		}
		events = append(events, sent...)
	}
	return d.store(ctx, tx, s, events)
}

// HandChannel hands a contact's conversations at an address on a channel to another contact, as part of tx. Those at other addresses of
// the contact stay.
func (d *Desk) HandChannel(ctx context.Context, tx *db.Tx, channel id.Channel, address int64, from, to *event.Contact) error {
	ids, err := idsOnChannel(tx, channel, address, from.ID)
	if err != nil {
		return fmt.Errorf("conversations of contact %d on channel %d: %w", from.ID, channel, err)
	}
	for _, conversation := range ids {
		s, err := load(tx, conversation)
		if err != nil {
			return err
		}
		if s.Contact.ID != from.ID || s.Channel.ID != channel || s.address != address {
			continue
		}
		if err := d.hand(ctx, tx, s, to, event.Party{Type: event.BySystem}); err != nil {
			return err
		}
	}
	return nil
}
