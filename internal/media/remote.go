package media

import (
	"cmp"
	"context"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/secret"
)

// Changed hears in tx that a message's file or link card became different: what is event.ChangedMedia or event.ChangedLink, card the
// card of the second. The message may be gone, and its text may name another address by now (FirstURL).
type Changed func(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, what string, card id.LinkCard) error

// Remote makes a file that will be fetched from an address, as part of tx: its state is fetching. The fault of an address that
// CheckRemoteURL does not take is media.url_refused; name is what the sender calls the file, "" takes what the other server or the
// address says. The file is fetched after the commit, once, and again only when that was cut off by the end of a process.
func (d *Desk) Remote(tx *db.Tx, owner Owner, url, name string) (*event.Media, error) {
	u, refused := CheckRemoteURL(url)
	if refused != nil {
		return nil, refused
	}
	m := &event.Media{Key: secret.Token(""), Kind: event.MediaFile, State: event.MediaFetching, Name: cleanName(cmp.Or(name, nameOf(u))), ContentType: opaqueType}
	if err := insertMedia(tx, m, event.MediaFetching, 0, owner, u.String(), tx.Now()); err != nil {
		return nil, fmt.Errorf("put down a file to fetch: %w", err)
	}
	tx.OnCommit(d.work.files.wake)
	return m, nil
}

// Refetch lets a failed file be fetched again, as part of tx. A file that has not failed stays as it is, and false is returned.
func (d *Desk) Refetch(tx *db.Tx, m id.Media) (bool, error) {
	ok, err := refetch(tx, m)
	if err != nil {
		return false, fmt.Errorf("fetch file %d again: %w", m, err)
	}
	if ok {
		tx.OnCommit(d.work.files.wake)
	}
	return ok, nil
}
