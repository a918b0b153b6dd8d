package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	// indexBatch is how many messages go into the search index in one transaction while people write: on SQLite whoever writes at
	// that moment waits for it. indexCatchUp is how many it is when nobody does.
	indexBatch   = 50
	indexCatchUp = 250
	// mergeEvery is for how many messages a page of SQLite's index is merged, in a transaction of its own. Each makes about a
	// thirtieth of a page, which is merged some four times.
	mergeEvery = 6
	// indexPause is the least time between two batches while people write, and how long after a message the index is written,
	// so that more of them share a batch.
	indexPause = 125 * time.Millisecond
	// indexLook is how often the indexer looks for messages by itself: a wake-up may be lost.
	indexLook = 5 * time.Second
	// settleTime is how long a transaction may keep the index from going on. It is far more than any of ours takes; one of
	// another program must not stop the search.
	settleTime = time.Minute
)

// RunSearch keeps the search index up with the messages until ctx ends, from wherever it was. Several nodes may run it: every
// message is indexed once. While messages come it takes eight batches a second at most, so that it does not slow their writing;
// what is left, such as the messages of before the first start, it catches up with when nobody writes.
func (d *Desk) RunSearch(ctx context.Context, log *slog.Logger) error {
	var newest id.Message
	batch := indexBatch
	for {
		changed := d.Feed.Changed()
		start := time.Now()
		got, err := d.IndexOnce(ctx, batch)
		pause := indexPause
		batch = indexBatch
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			log.Warn("messages could not be put into the search index; trying again", "error", err)
			pause = indexLook
		case got.Messages+got.Contacts > 0 && got.Left && got.Newest == newest:
			pause = max(time.Since(start), 5*time.Millisecond) // at least as much time for others
			batch = indexCatchUp
		case !got.Left:
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			case <-time.After(indexLook):
			}
		}
		newest = got.Newest
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// Indexing is what a step of the search index did.
type Indexing struct {
	// Messages is how many messages the step was over, searched ones or not.
	Messages int
	// Contacts is how many contacts were indexed anew.
	Contacts int
	// Left tells that there are more.
	Left bool
	// Newest is the newest message at that time.
	Newest id.Message
}

// IndexOnce puts up to limit further messages, and changed contacts, into the search index. Words are made outside of the writing transaction, and
// nothing is done twice when somebody else does the same at the same time.
func (d *Desk) IndexOnce(ctx context.Context, limit int) (Indexing, error) {
	var out Indexing
	var p, next progress
	var list []indexed
	var changed bool // contacts
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		out, list = Indexing{}, nil
		if p, err = searchProgress(tx); err != nil {
			return fmt.Errorf("progress of the search index: %w", err)
		}
		if out.Newest, err = newestMessage(tx); err != nil {
			return fmt.Errorf("newest message: %w", err)
		}
		if changed, err = anyContactChanged(tx); err != nil {
			return fmt.Errorf("changed contacts: %w", err)
		}
		next = p
		upto := p.upto
		if tx.Engine() == db.SQLite {
			upto = out.Newest // what is visible is in the order of the ids
		} else if upto > p.done && tx.Now().Sub(p.at) < settleTime {
			ok, err := settled(tx, p.xact)
			if err != nil {
				return fmt.Errorf("running transactions: %w", err)
			}
			if !ok {
				upto = p.done // not yet
			}
		}
		if upto > p.done {
			if list, err = toIndex(tx, p.done, upto, limit); err != nil {
				return fmt.Errorf("messages for the search index: %w", err)
			}
			next.done = upto
			if len(list) == limit {
				next.done = list[len(list)-1].id
			}
		}
		return nil
	})
	if err != nil {
		return Indexing{}, err
	}
	if !changed && next.done == p.done && (p.upto > p.done || out.Newest <= p.done) {
		out.Left = out.Newest > p.done
		return out, nil
	}
	var moreContacts bool
	indexed := 0
	err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		now, err := lockProgress(tx)
		if err != nil {
			return fmt.Errorf("progress of the search index: %w", err)
		}
		contacts, more, err := changedContacts(tx, limit)
		if err != nil {
			return fmt.Errorf("changed contacts: %w", err)
		}
		out.Contacts, moreContacts = len(contacts), more
		if err := indexContacts(tx, contacts); err != nil {
			return fmt.Errorf("store contacts in the search index: %w", err)
		}
		if now != p {
			indexed = 0 // somebody else did it
			return nil
		}
		indexed = len(list)
		save := next
		if save.done >= save.upto {
			// This transaction's number is greater than that of each that may still bring an id below the newest one.
			save.upto, save.at = max(out.Newest, save.done), tx.Now()
			if save.xact, err = xact(tx); err != nil {
				return fmt.Errorf("number of the transaction: %w", err)
			}
		}
		if err := indexWords(tx, searched(list)); err != nil {
			return fmt.Errorf("store the search index: %w", err)
		}
		return setProgress(tx, save)
	})
	if err != nil {
		return Indexing{}, err
	}
	if indexed > 0 && d.DB.Engine() == db.SQLite {
		err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error { return mergeSQLite(tx, 1+indexed/mergeEvery) })
		if err != nil {
			return Indexing{}, fmt.Errorf("merge the search index: %w", err)
		}
	}
	out.Messages, out.Left = indexed, out.Newest > next.done || moreContacts
	return out, nil
}

// searched leaves out the messages without words.
func searched(list []indexed) []indexed {
	out := make([]indexed, 0, len(list))
	for _, m := range list {
		if len(m.words) > 0 {
			out = append(out, m)
		}
	}
	return out
}
