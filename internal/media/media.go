package media

import (
	"context"
	"errors"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// Owner is who brought a file in; only the owner may send it in a message.
type Owner struct {
	Kind OwnerKind
	ID   int64
}

// OwnerKind is a kind of owner.
type OwnerKind string

// The owners.
const (
	OwnedByOperator OwnerKind = "operator"
	OwnedByToken    OwnerKind = "token"
	OwnedByContact  OwnerKind = "contact"
	OwnedByWidget   OwnerKind = "widget" // a browser that has no contact yet
	OwnedByChannel  OwnerKind = "channel"
	OwnedByLink     OwnerKind = "link" // the picture of a link card
)

// Desk has the use cases of files. It is safe for concurrent use.
type Desk struct{}

// Take returns the upload with this key for a message that owner is about to send, as part of tx. The fault is media.not_found for
// what does not exist, is another's, or was sent before.
func (d *Desk) Take(tx *db.Tx, key string, owner Owner) (*event.Media, error) {
	return nil, errors.New("not yet")
}

// Bind ties a file to the message that it was taken for, as part of tx.
func (d *Desk) Bind(tx *db.Tx, m *event.Media, conversation id.Conversation, message id.Message) error {
	return errors.New("not yet")
}

// Remote makes a file that will be fetched from an address, as part of tx: its state is fetching. The address must have passed
// CheckURL; name is what the sender calls the file, "" takes the address's.
func (d *Desk) Remote(tx *db.Tx, owner Owner, url, name string) (*event.Media, error) {
	return nil, errors.New("not yet")
}

// Refetch lets a failed file be fetched again, as part of tx. A file that has not failed stays as it is, and false is returned.
func (d *Desk) Refetch(tx *db.Tx, m id.Media) (bool, error) { return false, errors.New("not yet") }

// Remove forgets a file of a deleted message as part of tx; its bytes go after the commit.
func (d *Desk) Remove(tx *db.Tx, m id.Media) error { return errors.New("not yet") }

// Card returns the card of the first address in a message's text as part of tx: what is known, and nil with the message put down
// to hear of it where the page has to be read first, or nil when the text names none.
func (d *Desk) Card(tx *db.Tx, text string, conversation id.Conversation, message id.Message) (*event.LinkCard, id.LinkCard, error) {
	return nil, 0, nil
}

// Changed hears in tx that a message's file or link card became different: what is event.ChangedMedia or event.ChangedLink, card the
// card of the second. The message may be gone.
type Changed func(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, what string, card id.LinkCard) error
