package channel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/team"
)

// Begin is a conversation that an operator begins. Who it is with is said by one of Contact, Email and Address; Contact and Address
// together are one of the addresses of that contact, and nobody else's.
type Begin struct {
	Channel id.Channel
	Contact id.Contact
	Email   string
	// Address is an address as Addresses has it, or the sender's own id of the contact. Without Contact, one with an @ is an e-mail address.
	Address string
	// Name is the contact's, where it is not known yet.
	Name  string
	Body  string
	Media string // key of an upload, "" for none
}

// Sent names a message of a conversation.
type Sent struct {
	Conversation id.Conversation
	Message      id.Message
}

// Start begins a conversation on a channel, or goes on in the one that the contact has there.
func (d *Desk) Start(ctx context.Context, by team.Actor, key once.Key, b Begin) (Sent, error) {
	var out Sent
	if err := by.MayWrite(); err != nil {
		return out, err
	}
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		out, _, err = once.Do(tx, key, func() (out Sent, err error) {
			r, err := d.roster(tx)
			if err != nil {
				return out, err
			}
			c := r.living(b.Channel)
			if c == nil {
				return out, fault.Newf(fault.ChannelNotFound, "there is no channel %d", b.Channel).At("channel_id")
			}
			if err := c.sends(); err != nil {
				return out, err
			}
			to, err := d.receiver(ctx, tx, c, b)
			if err != nil {
				return out, err
			}
			out.Conversation, out.Message, err = d.Inbox.StartOnChannel(ctx, tx, by,
				inbox.ChannelStart{Channel: c.ref(), Widget: c.Widget, Contact: to.Contact, Address: to.ID, Body: b.Body, Media: b.Media})
			return out, err
		})
		return err
	})
	if err != nil {
		return out, fmt.Errorf("begin a conversation on channel %d: %w", b.Channel, err)
	}
	return out, nil
}

// sends refuses channels that bring nothing out at the moment.
func (c *Channel) sends() error {
	if c.State != Active || c.sender == nil || c.unfit != nil {
		return fault.Newf(fault.ChannelPaused, "the channel %s brings no messages out at the moment", c.Name).At("channel_id")
	}
	return nil
}

// receiver finds where a conversation begins, and sees to it that whom it is with has an address on the channel.
func (d *Desk) receiver(ctx context.Context, tx *db.Tx, c *Channel, b Begin) (*Address, error) {
	a, at, err := d.addressee(ctx, tx, c, b)
	if err != nil {
		return nil, err
	}
	if a.Email != "" || !c.sender.NeedsEmail(c.settings) {
		return a, makeCurrent(tx, a)
	}
	return nil, fault.New(fault.ChannelAddress, "this channel sends to e-mail addresses, and there is none of this contact").At(at)
}

// addressee is receiver, with the name of the field that says where.
func (d *Desk) addressee(ctx context.Context, tx *db.Tx, c *Channel, b Begin) (a *Address, field string, err error) {
	given := 0
	for _, said := range []bool{b.Contact != 0 || b.Address != "", b.Email != ""} {
		if said {
			given++
		}
	}
	if given != 1 {
		return nil, "", fault.New(fault.FieldRequired, "say who it is with: one of contact_id, email and address").At("contact_id")
	}
	if b.Contact != 0 {
		return d.reach(tx, c, b.Contact, strings.TrimSpace(b.Address))
	}
	field, sendersID := "email", ""
	if b.Address != "" {
		field = "address"
		var id bool
		if sendersID, id = strings.CutPrefix(b.Address, byID); !id && strings.Contains(b.Address, "@") {
			b.Email, sendersID = b.Address, ""
		}
	}
	if sendersID != "" {
		if a, err = lockKnown(tx, c.ID, byID+sendersID); err != nil || a != nil {
			return a, field, err
		}
		if c.sender.NeedsEmail(c.settings) { // and nobody is made for it
			return &Address{}, field, nil
		}
	}
	who, err := person(sendersID, b.Email, b.Name)
	if err != nil {
		return nil, field, err
	}
	a, err = d.resolve(ctx, tx, c, who)
	return a, field, err
}

// reach finds a contact's address on the channel: the one that is said, else the current one. Who has none gets the one that their e-mail
// address makes.
func (d *Desk) reach(tx *db.Tx, c *Channel, which id.Contact, address string) (a *Address, field string, err error) {
	field = "contact_id"
	if address != "" {
		field = "address"
	}
	before, err := contact.Get(tx, which)
	if err != nil {
		return nil, field, err
	}
	if before.Email != "" {
		if err := lockNewAddress(tx, c.ID, before.Email, before.Email); err != nil {
			return nil, field, fmt.Errorf("lock a new address: %w", err)
		}
	}
	who, err := contact.Lock(tx, which)
	if err != nil {
		return nil, field, err
	}
	if a, err = ownAddress(tx, c.ID, which, address); err != nil || a != nil {
		return a, field, err
	}
	switch typed, err := contact.NormalEmail(address); {
	case who.Email == "" || who.Email != before.Email:
		return nil, field, fault.Newf(fault.ChannelAddress, "contact %d has neither an address on this channel nor an e-mail address", which).At(field)
	case address != "" && (err != nil || typed != who.Email):
		return nil, field, fault.Newf(fault.ChannelAddress, "contact %d has no such address on this channel", which).At(field)
	}
	a, err = d.typedBy(tx, c, who, who.Email)
	return a, field, err
}

// ownAddress finds an address of the contact on the channel as Addresses shows it, or as the sender's own id; the current one for "". It
// is nil where there is none.
func ownAddress(tx *db.Tx, c id.Channel, which id.Contact, address string) (*Address, error) {
	if address == "" {
		a, err := currentAddress(tx, c, which)
		if errors.Is(err, db.ErrNoRows) {
			return nil, nil
		}
		return a, err
	}
	list, err := listAddresses(tx, which)
	if err != nil {
		return nil, fmt.Errorf("addresses of contact %d: %w", which, err)
	}
	var found *Address
	for _, a := range list {
		if a.Channel != c {
			continue
		}
		if strings.EqualFold(a.shown(), address) && (a.sendersID() == "" || a.Address == address) {
			return a, nil
		}
		if a.sendersID() == address {
			found = a
		}
	}
	return found, nil
}

// typedBy gives a contact an address that nobody has verified: its own where it is nobody's yet, else one that only answers know. The
// caller has locked the address as a new one, and then the contact.
func (d *Desk) typedBy(tx *db.Tx, c *Channel, who *event.Contact, email string) (*Address, error) {
	a := &Address{Channel: c.ID, Address: email, Contact: who.ID, Email: email}
	known, err := knownAddress(tx, c.ID, email)
	if err != nil {
		return nil, err
	}
	signed, err := contact.SignedEmail(tx, who.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case known != nil && known.Contact == who.ID:
		return known, makeCurrent(tx, known)
	case known != nil, who.ExternalID != "" && signed != email:
		// Somebody else's, or typed by somebody who would read what its owner writes.
		a.Address = typedAddress(who.ID, email)
		if known, err = knownAddress(tx, c.ID, a.Address); err != nil {
			return nil, err
		}
		if known != nil {
			return known, makeCurrent(tx, known)
		}
	}
	return a, insertAddress(tx, a, false)
}

// Continue lets a visitor's conversation go on on a channel that its widget offers, at an e-mail address that they typed (S-064).
// Nobody has verified that address: what is said from now on is hidden from browsers that are not signed in.
func (d *Desk) Continue(ctx context.Context, who id.Contact, conversation id.Conversation, which id.Channel, email string) (*inbox.View, error) {
	address, err := contact.NormalEmail(email)
	if err != nil {
		return nil, fault.New(fault.FieldInvalid, "this is not an e-mail address").At("email")
	}
	if address == "" {
		return nil, fault.New(fault.FieldRequired, "an e-mail address is required").At("email")
	}
	v, err := d.Inbox.GetOf(ctx, who, conversation)
	if err != nil {
		return nil, err
	}
	// A repeat of what was done is no second move.
	if v.Channel.ID != which {
		if wait, ok := d.moves.Allow(address); !ok {
			return nil, fault.New(fault.RequestLimited, "too many conversations went on at this e-mail address; try again later").After(wait)
		}
	}
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		c := r.living(which)
		if c == nil || !c.offered(v.Widget.ID) {
			return fault.New(fault.ChannelNotOffered, "the conversation's widget does not offer this channel").At("channel_id")
		}
		if v.Channel.ID == which {
			return nil
		}
		if err := lockNewAddress(tx, c.ID, address, address); err != nil {
			return fmt.Errorf("lock a new address: %w", err)
		}
		person, err := contact.Lock(tx, who)
		if err != nil {
			return err
		}
		at, err := d.typedBy(tx, c, person, address)
		if err != nil {
			return err
		}
		return d.Inbox.MoveToChannel(ctx, tx, who, conversation, c.ref(), at.ID, movedText)
	})
	if err != nil {
		return nil, fmt.Errorf("continue conversation %d on channel %d: %w", conversation, which, err)
	}
	return d.Inbox.GetOf(ctx, who, conversation)
}

// Retry sends a failed message again: its delivery is revived, or repeated where it was not dead, under the same webhook id. A message
// whose delivery is under way already stays so. It returns the message's number in its conversation.
func (d *Desk) Retry(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, message id.Message) (number int, err error) {
	if err := by.MayWrite(); err != nil {
		return 0, err
	}
	v, err := d.Inbox.Get(ctx, conversation)
	if err != nil {
		return 0, err
	}
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		// The engine stores results with the target locked, and sets states from there.
		if err := delivery.Lock(tx, Deliveries, int64(v.Channel.ID)); err != nil {
			return err
		}
		number, _, err = once.Do(tx, key, func() (int, error) { return d.retry(ctx, tx, v, message) })
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("send message %d of conversation %d again: %w", message, conversation, err)
	}
	return number, nil
}

func (d *Desk) retry(ctx context.Context, tx *db.Tx, v *inbox.View, message id.Message) (int, error) {
	m, err := standingOf(tx, v.ID, message)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return 0, fault.Newf(fault.MessageNotFound, "conversation %d has no message %d", v.ID, message)
	case err != nil:
		return 0, err
	case m.deleted:
		return 0, fault.Newf(fault.MessageDeleted, "message %d was deleted", message)
	case m.state != event.StateFailed && m.state != event.StatePending:
		return 0, fault.Newf(fault.MessageNotFailed, "message %d has not failed", message)
	}
	r, err := d.roster(tx)
	if err != nil {
		return 0, err
	}
	c := r.living(v.Channel.ID)
	if c == nil {
		return 0, fault.New(fault.ChannelNotFound, "the message's channel does not exist any more")
	}
	e, err := d.delivered(tx, c, v.ID, message)
	if err != nil {
		return 0, err
	}
	switch e.State {
	case delivery.Pending:
		if m.state == event.StatePending {
			return m.number, nil
		}
	case delivery.Dead:
		err = delivery.Revive(tx, e.ID)
	default:
		_, err = delivery.Replay(tx, e.ID)
	}
	if err != nil {
		return 0, err
	}
	tx.OnCommit(d.Kick)
	return m.number, d.Inbox.StateOfMessage(ctx, tx, v.ID, message, event.StatePending, "", "")
}

// delivered finds the newest delivery that sent a message. Failed ones are few, so they are looked at first.
func (d *Desk) delivered(tx *db.Tx, c *Channel, conversation id.Conversation, message id.Message) (*delivery.Entry, error) {
	for _, state := range []string{delivery.Pending, delivery.Dead, delivery.Dropped, delivery.Delivered} {
		cursor := ""
		for {
			list, next, err := delivery.List(tx, delivery.Filter{Kind: Deliveries, Ref: int64(c.ID), Conversation: conversation, State: state}, cursor, 200)
			if err != nil {
				return nil, err
			}
			ids := make([]id.Event, len(list))
			for i := range list {
				ids[i] = list[i].Event
			}
			events, err := d.Feed.Many(tx, ids)
			if err != nil {
				return nil, fmt.Errorf("read events: %w", err)
			}
			for i := range list {
				if e := events[list[i].Event]; e != nil && e.Type == event.MessageSent && e.Message != nil && e.Message.ID == message {
					return &list[i], nil
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
	}
	return nil, fault.New(fault.DeliveryNotFound, "what was sent is not stored any more; write the message anew")
}

// Tested is what a test made.
type Tested struct {
	Delivery     id.Delivery
	Conversation id.Conversation
	Message      id.Message
}

// The directions of a test.
const (
	TestOut = "out"
	TestIn  = "in"
)

// testEmail is who a test comes from that says nobody.
const testEmail = "channel-test@example.com"

// Test sends a message with sample data out, marked as a test in the log, or lets one come in as if the other side had posted it: that
// one makes a conversation.
func (d *Desk) Test(ctx context.Context, by team.Actor, key once.Key, which id.Channel, direction, email string) (Tested, error) {
	var out Tested
	if err := by.MayAdmin(); err != nil {
		return out, err
	}
	if direction == TestIn {
		out, err := d.testIn(ctx, which, key, email)
		if err != nil {
			return out, fmt.Errorf("test channel %d: %w", which, err)
		}
		return out, nil
	}
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		queued, _, err := once.Do(tx, key, func() (id.Delivery, error) {
			r, err := d.roster(tx)
			if err != nil {
				return 0, err
			}
			c := r.living(which)
			if c == nil {
				return 0, unknown(which)
			}
			if err := c.sends(); err != nil {
				return 0, err
			}
			e := sample(c, tx.Now())
			name, _ := c.sender.Name(e, c.settings)
			if email == "" {
				email = testEmail
			}
			body, err := c.sender.Render(d.outbound(c, e, &Address{Email: email}))
			if err != nil {
				return 0, err
			}
			ids, err := delivery.Enqueue(tx, delivery.Item{Target: c.target, Name: name, Form: c.Type, Body: body, Test: true})
			if err != nil {
				return 0, err
			}
			tx.OnCommit(d.Kick)
			return ids[0], nil
		})
		out.Delivery = queued
		return err
	})
	if err != nil {
		return Tested{}, fmt.Errorf("test channel %d: %w", which, err)
	}
	return out, nil
}

func (d *Desk) testIn(ctx context.Context, which id.Channel, key once.Key, email string) (Tested, error) {
	r, err := d.now(ctx)
	if err != nil {
		return Tested{}, err
	}
	c := r.living(which)
	if c == nil || c.receiver == nil {
		return Tested{}, unknown(which)
	}
	if email == "" {
		email = testEmail
	}
	in := &Inbound{Email: email, Name: "Test", Body: "This is a test of the channel " + c.Name + "."}
	if key.Value != "" {
		in.ID = "test " + once.Digest([]byte(key.Scope), []byte(key.Value))
	}
	got, err := d.receive(ctx, c, in, nil)
	if err != nil {
		return Tested{}, err
	}
	return Tested{Conversation: got.Conversation, Message: got.Message}, nil
}
