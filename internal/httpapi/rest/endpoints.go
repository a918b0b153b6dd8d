package rest

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	channels "parley/internal/channel"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/once"
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

type endpointResumeIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The endpoint's id." example:"1"`
	Body *resumeInput
}

func (h *handlers) resumeEndpoint(ctx context.Context, by team.Actor, in *endpointResumeIn) (*endpointOut, error) {
	backlog := in.Body == nil || in.Body.Backlog == nil || *in.Body.Backlog
	return wireEndpointOut(h.Webhooks.Resume(ctx, by, id.Endpoint(in.ID), backlog))
}

type endpointTestIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The endpoint's id." example:"1"`
	Body *testInput
}

type testOut struct{ Body testAnswer }

func (h *handlers) testEndpoint(ctx context.Context, by team.Actor, in *endpointTestIn) (*testOut, error) {
	event := ""
	if in.Body != nil {
		event = valueOr(in.Body.Event)
	}
	d, err := h.Webhooks.Test(ctx, by, httpapi.Key(ctx), id.Endpoint(in.ID), event)
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

type chartIn struct {
	ID    int64  `path:"id" minimum:"1" doc:"The endpoint's id." example:"1"`
	Range string `query:"range" enum:"1h,24h,7d" default:"1h" doc:"How far back."`
}

type chartOut struct{ Body chart }

// chartRanges are the ranges with their steps. Every step divides a day, so that steps begin at round times.
var chartRanges = map[string]chartRange{
	"1h":  {time.Minute, 60},
	"24h": {15 * time.Minute, 96},
	"7d":  {2 * time.Hour, 84},
}

func (h *handlers) chart(ctx context.Context, by team.Actor, in *chartIn) (*chartOut, error) {
	r := chartRanges[in.Range]
	from := r.from(h.Now())
	points, err := h.Webhooks.Chart(ctx, by, id.Endpoint(in.ID), from, r.step)
	if err != nil {
		return nil, err
	}
	return &chartOut{wireChart(points, from, r.step, r.points)}, nil
}

type chartRange struct {
	step   time.Duration
	points int
}

// from is when the first step of a chart begins that ends now.
func (r chartRange) from(now time.Time) time.Time {
	return now.Truncate(r.step).Add(-time.Duration(r.points-1) * r.step)
}

type deliveriesIn struct {
	EndpointID     int64     `query:"endpoint_id" minimum:"1"`
	ChannelID      int64     `query:"channel_id" minimum:"1" doc:"Only the calls of this channel."`
	State          string    `query:"state" enum:"pending,delivered,dead,dropped"`
	EventName      string    `query:"event_name" maxLength:"100" doc:"The dialect's name of the event."`
	ConversationID int64     `query:"conversation_id" minimum:"1"`
	EventID        int64     `query:"event_id" minimum:"1" doc:"The id of an event: all that it caused, at every endpoint."`
	From           time.Time `query:"from" doc:"Queued at this time or later (RFC 3339)."`
	To             time.Time `query:"to" doc:"Queued before this time (RFC 3339)."`
	Limit          int       `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Length of a page."`
	Cursor         string    `query:"cursor" doc:"next_cursor of the page before."`
}

// deliveryFilter checks what the desk takes as it is: texts that can be stored, and a range that is one.
func deliveryFilter(f webhook.DeliveryFilter) (webhook.DeliveryFilter, error) {
	if err := storable("event_name", f.Name); err != nil {
		return f, err
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return f, fault.New(fault.FieldInvalid, "the end must be after the beginning").At("to")
	}
	return f, nil
}

type deliveriesOut struct{ Body deliveryPage }

func (h *handlers) listDeliveries(ctx context.Context, by team.Actor, in *deliveriesIn) (*deliveriesOut, error) {
	filter, err := deliveryFilter(webhook.DeliveryFilter{
		Endpoint: id.Endpoint(in.EndpointID), State: in.State, Name: in.EventName, Conversation: id.Conversation(in.ConversationID),
		Event: id.Event(in.EventID), From: in.From, To: in.To,
	})
	if err != nil {
		return nil, err
	}
	if in.ChannelID != 0 {
		if in.EndpointID != 0 {
			return nil, fault.New(fault.FieldInvalid, "give endpoint_id or channel_id, not both").At("channel_id")
		}
		filter.Kind, filter.Ref = channels.Deliveries, in.ChannelID
	}
	return h.deliveries(ctx, by, filter, in.Cursor, in.Limit)
}

// deliveries is a page of the log.
func (h *handlers) deliveries(ctx context.Context, by team.Actor, filter webhook.DeliveryFilter, cursor string, limit int) (*deliveriesOut, error) {
	place := ""
	before, err := decodeIDCursor[id.Delivery](deliveryCursor, cursor)
	if err != nil {
		return nil, err
	}
	if before != 0 {
		place = strconv.FormatInt(int64(before), 10)
	}
	list, next, err := h.Webhooks.ListDeliveries(ctx, by, filter, place, limit)
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

func (h *handlers) reviveDelivery(ctx context.Context, by team.Actor, in *deliveryIn) (*replayOut, error) {
	d, err := h.Webhooks.Revive(ctx, by, httpapi.Key(ctx), id.Delivery(in.ID))
	if err != nil {
		return nil, err
	}
	return &replayOut{replayAnswer{Delivery: wireDelivery(d.Entry)}}, nil
}

type selectionIn struct{ Body deliverySelection }

type selectionOut struct{ Body selectionCount }

func (h *handlers) replayDeliveries(ctx context.Context, by team.Actor, in *selectionIn) (*selectionOut, error) {
	return h.again(ctx, by, in, h.Webhooks.ReplayAll)
}

func (h *handlers) reviveDeliveries(ctx context.Context, by team.Actor, in *selectionIn) (*selectionOut, error) {
	return h.again(ctx, by, in, h.Webhooks.ReviveAll)
}

func (h *handlers) again(ctx context.Context, by team.Actor, in *selectionIn,
	do func(context.Context, team.Actor, once.Key, webhook.DeliveryFilter, bool) (int64, error)) (*selectionOut, error) {
	filter, err := in.Body.filter()
	if err != nil {
		return nil, err
	}
	n, err := do(ctx, by, httpapi.Key(ctx), filter, in.Body.DryRun)
	if err != nil {
		return nil, err
	}
	return &selectionOut{selectionCount{Count: n, DryRun: in.Body.DryRun}}, nil
}

// valueOr is the value, or the zero value for nil.
func valueOr[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// storable refuses a search text that a database could not even look for.
func storable(field, text string) error {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fault.New(fault.TextInvalid, "the text holds a NUL character or is not UTF-8").At(field)
	}
	return nil
}
