package rest

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/team"
	"parley/internal/webhook"
)

type dialectsOut struct{ Body dialectList }

func (h *handlers) listDialects(context.Context, team.Actor, *struct{}) (*dialectsOut, error) {
	return &dialectsOut{dialectList{Items: wireList(h.Webhooks.DialectInfos(), wireDialect)}}, nil
}

type endpointsOut struct{ Body endpointList }

func (h *handlers) listEndpoints(ctx context.Context, by team.Actor, _ *struct{}) (*endpointsOut, error) {
	list, err := h.Webhooks.ListEndpoints(ctx, by)
	if err != nil {
		return nil, err
	}
	return &endpointsOut{endpointList{Items: wireList(list, wireEndpoint)}}, nil
}

type endpointIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The endpoint's id." example:"1"`
}

type endpointOut struct{ Body endpoint }

func wireEndpointOut(e *webhook.Endpoint, err error) (*endpointOut, error) {
	if err != nil {
		return nil, err
	}
	return &endpointOut{wireEndpoint(e)}, nil
}

func (h *handlers) getEndpoint(ctx context.Context, by team.Actor, in *endpointIn) (*endpointOut, error) {
	return wireEndpointOut(h.Webhooks.GetEndpoint(ctx, by, id.Endpoint(in.ID)))
}

type endpointCreateIn struct{ Body endpointInput }

type endpointCreatedOut struct{ Body endpointCreatedAnswer }

func (h *handlers) createEndpoint(ctx context.Context, by team.Actor, in *endpointCreateIn) (*endpointCreatedOut, error) {
	e, signing, err := h.Webhooks.CreateEndpoint(ctx, by, httpapi.Key(ctx), in.Body.draft())
	if err != nil {
		return nil, err
	}
	return &endpointCreatedOut{endpointCreatedAnswer{Endpoint: wireEndpoint(e), Secret: signing.Reveal()}}, nil
}

type endpointPatchIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The endpoint's id." example:"1"`
	Body endpointPatch
}

func (h *handlers) patchEndpoint(ctx context.Context, by team.Actor, in *endpointPatchIn) (*endpointOut, error) {
	return wireEndpointOut(h.Webhooks.UpdateEndpoint(ctx, by, id.Endpoint(in.ID), in.Body.draft()))
}

func (h *handlers) deleteEndpoint(ctx context.Context, by team.Actor, in *endpointIn) (*struct{}, error) {
	return nil, h.Webhooks.DeleteEndpoint(ctx, by, id.Endpoint(in.ID))
}

func (h *handlers) pauseEndpoint(ctx context.Context, by team.Actor, in *endpointIn) (*endpointOut, error) {
	return wireEndpointOut(h.Webhooks.Pause(ctx, by, id.Endpoint(in.ID)))
}

func (h *handlers) resumeEndpoint(ctx context.Context, by team.Actor, in *endpointIn) (*endpointOut, error) {
	return wireEndpointOut(h.Webhooks.Resume(ctx, by, id.Endpoint(in.ID)))
}

type testOut struct{ Body testAnswer }

func (h *handlers) testEndpoint(ctx context.Context, by team.Actor, in *endpointIn) (*testOut, error) {
	d, err := h.Webhooks.Test(ctx, by, httpapi.Key(ctx), id.Endpoint(in.ID))
	if err != nil {
		return nil, err
	}
	return &testOut{testAnswer{DeliveryID: wireID(d)}}, nil
}

func (h *handlers) rotateSecret(ctx context.Context, by team.Actor, in *endpointIn) (*secretOut, error) {
	s, err := h.Webhooks.RotateSecret(ctx, by, httpapi.Key(ctx), id.Endpoint(in.ID))
	if err != nil {
		return nil, err
	}
	return &secretOut{secretAnswer{Secret: s.Reveal()}}, nil
}

type deliveriesIn struct {
	EndpointID     int64  `query:"endpoint_id" minimum:"1"`
	State          string `query:"state" enum:"pending,delivered,dead,dropped"`
	Event          string `query:"event" maxLength:"100" doc:"The dialect's name of the event."`
	ConversationID int64  `query:"conversation_id" minimum:"1"`
	Limit          int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Length of a page."`
	Cursor         string `query:"cursor" doc:"next_cursor of the page before."`
}

type deliveriesOut struct{ Body deliveryPage }

func (h *handlers) listDeliveries(ctx context.Context, by team.Actor, in *deliveriesIn) (*deliveriesOut, error) {
	if err := storable("event", in.Event); err != nil {
		return nil, err
	}
	place := ""
	before, err := decodeIDCursor[id.Delivery](deliveryCursor, in.Cursor)
	if err != nil {
		return nil, err
	}
	if before != 0 {
		place = strconv.FormatInt(int64(before), 10)
	}
	list, next, err := h.Webhooks.ListDeliveries(ctx, by, webhook.DeliveryFilter{
		Endpoint: id.Endpoint(in.EndpointID), State: in.State, Name: in.Event, Conversation: id.Conversation(in.ConversationID),
	}, place, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &deliveriesOut{deliveryPage{Items: wireList(list, wireDelivery)}}
	if next != "" {
		out.Body.NextCursor = encodeIDCursor(deliveryCursor, list[len(list)-1].ID)
	}
	return out, nil
}

type deliveryIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The delivery's id." example:"9"`
}

type deliveryOut struct{ Body deliveryDetail }

func (h *handlers) getDelivery(ctx context.Context, by team.Actor, in *deliveryIn) (*deliveryOut, error) {
	d, err := h.Webhooks.GetDelivery(ctx, by, id.Delivery(in.ID))
	if err != nil {
		return nil, err
	}
	return &deliveryOut{wireDeliveryDetail(d)}, nil
}

type replayOut struct{ Body replayAnswer }

func (h *handlers) replayDelivery(ctx context.Context, by team.Actor, in *deliveryIn) (*replayOut, error) {
	d, err := h.Webhooks.Replay(ctx, by, httpapi.Key(ctx), id.Delivery(in.ID))
	if err != nil {
		return nil, err
	}
	return &replayOut{replayAnswer{Delivery: wireDelivery(d.Entry)}}, nil
}

// storable refuses a search text that a database could not even look for.
func storable(field, text string) error {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fault.New(fault.TextInvalid, "the text holds a NUL character or is not UTF-8").At(field)
	}
	return nil
}
