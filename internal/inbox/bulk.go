package inbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

// MaxBulk is how many conversations one bulk action may name.
const MaxBulk = 100

// What a bulk action can do.
const (
	BulkSend    = "send"   // flag for the API add-on (S-118)
	BulkUnsend  = "unsend" // take the flag back
	BulkEnd     = "end"
	BulkReopen  = "reopen"
	BulkAssign  = "assign"  // to Operator, 0 for nobody
	BulkForward = "forward" // to Operator or Group
	BulkTag     = "tag"
	BulkUntag   = "untag"
)

// Bulk is one action on several conversations.
type Bulk struct {
	Action        string
	Conversations []id.Conversation // doubles count once
	Operator      id.Operator
	Group         id.Group
	Tags          []string
}

// BulkResult is what became of one conversation.
type BulkResult struct {
	Conversation id.Conversation
	// Changed tells whether anything became different.
	Changed bool
	// Err is why nothing could be done, nil when it was.
	Err *fault.Error
}

// Bulk does the same to several conversations, one after the other, each in a transaction of its own: what cannot be done to one
// leaves the others alone. The key holds for each of them, so a repeat after a lost answer does only what was not done yet. An
// error means that it was broken off; repeat it with the same key.
func (d *Desk) Bulk(ctx context.Context, by team.Actor, key once.Key, b Bulk) ([]BulkResult, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	do, err := d.bulk(by, b)
	if err != nil {
		return nil, err
	}
	if len(b.Conversations) == 0 || len(b.Conversations) > MaxBulk {
		return nil, fault.Newf(fault.FieldInvalid, "name 1 to %d conversations", MaxBulk).At("conversation_ids")
	}
	var out []BulkResult
	for i, c := range b.Conversations {
		if slices.Contains(b.Conversations[:i], c) {
			continue
		}
		own := key
		if own.Value != "" {
			own.Scope += " " + strconv.FormatInt(int64(c), 10)
		}
		_, changed, err := d.changed(ctx, by, own, c, do)
		r := BulkResult{Conversation: c, Changed: changed}
		if err != nil {
			r.Err = fault.As(err)
			own := r.Err.Kind() == fault.NotFound || r.Err.Kind() == fault.Conflict || r.Err.Kind() == fault.Invalid
			if !own || r.Err.Code == fault.KeyReused {
				return nil, fmt.Errorf("%s conversation %d: %w", b.Action, c, err)
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func (d *Desk) bulk(by team.Actor, b Bulk) (act, error) {
	switch b.Action {
	case BulkSend:
		return d.flagging(by, func(bool) bool { return true }), nil
	case BulkUnsend:
		return d.flagging(by, func(bool) bool { return false }), nil
	case BulkEnd:
		return d.ending(by, false), nil
	case BulkReopen:
		return func(tx *db.Tx, s *state) ([]*event.Event, error) {
			if s.Status != event.StatusEnded {
				return nil, nil // among many, one that is open already is no failure
			}
			return reopening(by)(tx, s)
		}, nil
	case BulkAssign:
		return assigning(by, b.Operator), nil
	case BulkForward:
		return forwarding(by, b.Operator, b.Group, "")
	case BulkTag, BulkUntag:
		if len(b.Tags) == 0 {
			return nil, fault.New(fault.FieldRequired, "say which tags").At("tags")
		}
		if b.Action == BulkTag {
			return retagging(by, b.Tags, nil)
		}
		return retagging(by, nil, b.Tags)
	}
	return nil, fault.Newf(fault.FieldInvalid, "there is no action %.40q", b.Action).At("action")
}
