package rest

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/team"
)

// bulkTranscript is the one bulk action that is not the inbox's: it sends mails.
const bulkTranscript = "transcript"

type bulkIn struct{ Body bulkInput }

type bulkOut struct{ Body bulkAnswer }

func (h *handlers) bulkConversations(ctx context.Context, by team.Actor, in *bulkIn) (*bulkOut, error) {
	b, err := in.Body.bulk()
	if err != nil {
		return nil, err
	}
	if b.Action == bulkTranscript {
		list, err := h.bulkTranscripts(ctx, by, httpapi.Key(ctx), b.Conversations)
		if err != nil {
			return nil, err
		}
		return &bulkOut{wireBulk(list)}, nil
	}
	list, err := h.Inbox.Bulk(ctx, by, httpapi.Key(ctx), b)
	if err != nil {
		return nil, err
	}
	return &bulkOut{wireBulk(list)}, nil
}

// bulkTranscripts queues a transcript of each conversation, as inbox.Desk.Bulk does its actions: each by itself, once for the key.
func (h *handlers) bulkTranscripts(ctx context.Context, by team.Actor, key once.Key, conversations []id.Conversation) ([]inbox.BulkResult, error) {
	var out []inbox.BulkResult
	for i, c := range conversations {
		if slices.Contains(conversations[:i], c) {
			continue
		}
		own := key
		if own.Value != "" {
			own.Scope += " " + strconv.FormatInt(int64(c), 10)
		}
		r := inbox.BulkResult{Conversation: c, Changed: true}
		if _, err := h.Mails.SendTranscript(ctx, by, own, c, ""); err != nil {
			r.Changed, r.Err = false, fault.As(err)
			kind := r.Err.Kind()
			itsOwn := kind == fault.NotFound || kind == fault.Conflict || kind == fault.Invalid || r.Err.Code == fault.MailLimited
			if !itsOwn || r.Err.Code == fault.KeyReused {
				return nil, fmt.Errorf("transcript of conversation %d: %w", c, err)
			}
		}
		out = append(out, r)
	}
	return out, nil
}
