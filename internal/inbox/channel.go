package inbox

import (
	"context"
	"errors"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

// ChannelPost is a message of a contact that came in over a channel.
type ChannelPost struct {
	Channel event.Channel
	// Widget is the channel's default widget: it decides group, language and privacy of a new conversation.
	Widget  id.Widget
	Contact id.Contact
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

// PostFromChannel stores a contact's message that came over a channel, as part of tx: into the contact's conversation on that channel that has
// not ended, or a new one, routed by the widget (S-061).
func (d *Desk) PostFromChannel(ctx context.Context, tx *db.Tx, p ChannelPost) (*ChannelPosted, error) {
	return nil, errors.New("not yet")
}

// ChannelStart is a conversation that an operator begins on a channel.
type ChannelStart struct {
	Channel event.Channel
	Widget  id.Widget
	Contact id.Contact
	Body    string
	Media   string // key of an upload, "" for none
}

// StartOnChannel begins a conversation with a contact on a channel as part of tx, or goes on in the one that they have there, and sends
// the first message. Its operator is who begins it.
func (d *Desk) StartOnChannel(ctx context.Context, tx *db.Tx, by team.Actor, p ChannelStart) (id.Conversation, id.Message, error) {
	return 0, 0, errors.New("not yet")
}

// MoveToChannel lets a contact's conversation of the website go on on a channel, as part of tx (S-064): from now on messages to the contact
// go there. notice is sent to the contact there as the first one.
func (d *Desk) MoveToChannel(ctx context.Context, tx *db.Tx, contact id.Contact, conversation id.Conversation, to event.Channel, notice func(lang string) string) error {
	return errors.New("not yet")
}

// HandChannel hands a contact's conversations on a channel to another contact, as part of tx.
func (d *Desk) HandChannel(ctx context.Context, tx *db.Tx, channel id.Channel, from, to *event.Contact) error {
	return errors.New("not yet")
}

// StateOfMessage sets the state of a message to the contact that went over a channel, as part of tx: it only grows, but that failed
// may become pending or more (S-026). Nothing happens when it stays the same, or when the message is gone.
func (d *Desk) StateOfMessage(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, state event.MessageState, code, reason string) error {
	return errors.New("not yet")
}

// EditMessage changes the text of a message that the operator sent (an admin: anybody's), and tells the contact's side.
func (d *Desk) EditMessage(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, message id.Message, body string) (*Posted, error) {
	return nil, errors.New("not yet")
}

// DeleteMessage takes a message back that the operator sent (an admin: anybody's): its text and file are gone, its place in the thread stays.
func (d *Desk) DeleteMessage(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, message id.Message) (*Posted, error) {
	return nil, errors.New("not yet")
}

// RefetchMedia lets the file of a message that could not be fetched be fetched again (S-076).
func (d *Desk) RefetchMedia(ctx context.Context, by team.Actor, conversation id.Conversation, message id.Message) (*Posted, error) {
	return nil, errors.New("not yet")
}

// MediaChanged is a media.Changed: it tells of a file or link card that became known after its message.
func (d *Desk) MediaChanged(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, what string, card id.LinkCard) error {
	return errors.New("not yet")
}
