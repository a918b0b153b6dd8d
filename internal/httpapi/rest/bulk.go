package rest

import (
	"context"

	"parley/internal/httpapi"
	"parley/internal/team"
)

type bulkIn struct{ Body bulkInput }

type bulkOut struct{ Body bulkAnswer }

func (h *handlers) bulkConversations(ctx context.Context, by team.Actor, in *bulkIn) (*bulkOut, error) {
	b, err := in.Body.bulk()
	if err != nil {
		return nil, err
	}
	list, err := h.Inbox.Bulk(ctx, by, httpapi.Key(ctx), b)
	if err != nil {
		return nil, err
	}
	return &bulkOut{wireBulk(list)}, nil
}
