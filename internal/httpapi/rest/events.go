package rest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/team"
)

type eventsIn struct {
	After int64    `query:"after" minimum:"0" maximum:"9007199254740991" default:"0" doc:"Events with a greater seq. Begin with the seq of a snapshot, or with 0, and go on with next_after."`
	Types []string `query:"types" doc:"Only these event types, with commas between. Default: all." example:"[\"message.received\",\"message.sent\"]"`
	Limit int      `query:"limit" minimum:"1" maximum:"200" default:"100" doc:"Length of a page."`
	Wait  int      `query:"wait" minimum:"0" maximum:"30" default:"0" doc:"Seconds to wait for the first event (long poll)."`
}

type eventsOut struct{ Body eventPage }

// look is how often a waiting long poll looks at the feed by itself: a wake-up may be lost, an event may not.
const look = 5 * time.Second

func (h *handlers) listEvents(ctx context.Context, by team.Actor, in *eventsIn) (*eventsOut, error) {
	var filter feed.Filter
	for _, t := range in.Types {
		if !slices.Contains(event.Types(), event.Type(t)) {
			return nil, fault.Newf(fault.FieldInvalid, "there is no event type %.60q", t).At("types")
		}
		if event.Type(t).Operational() {
			if err := by.MayAdmin(); err != nil {
				return nil, err
			}
		}
		filter.Types = append(filter.Types, event.Type(t))
	}
	if len(filter.Types) == 0 && by.MayAdmin() != nil {
		// How endpoints do is for those who may see endpoints.
		filter.Types = slices.DeleteFunc(event.Types(), event.Type.Operational)
	}
	after := id.Seq(in.After)
	deadline := time.NewTimer(time.Duration(in.Wait) * time.Second)
	defer deadline.Stop()
	for {
		changed := h.Feed.Changed()
		events, latest, err := h.Feed.ReadAfter(ctx, after, in.Limit, filter)
		if err != nil {
			return nil, err
		}
		if after > latest {
			return nil, fault.Newf(fault.CursorInvalid, "the newest event is %d; read a snapshot again and go on from its seq", latest).At("after")
		}
		page, err := h.eventPage(events, after, latest, in.Limit)
		if err != nil {
			return nil, err
		}
		if len(events) > 0 || in.Wait == 0 || !h.awaitEvent(ctx, changed, deadline.C) {
			return &eventsOut{page}, nil
		}
		// What the filter left out need not be looked through again.
		after = id.Seq(page.NextAfter)
	}
}

// awaitEvent waits for a sign of more; false means to answer with what there is.
func (h *handlers) awaitEvent(ctx context.Context, changed <-chan struct{}, deadline <-chan time.Time) bool {
	again := time.NewTimer(look)
	defer again.Stop()
	select {
	case <-changed:
		return true
	case <-again.C:
		return true
	case <-deadline:
	case <-h.Stopping:
	case <-ctx.Done():
	}
	return false
}

func (h *handlers) eventPage(events []*event.Event, after, latest id.Seq, limit int) (eventPage, error) {
	p := eventPage{Items: make([]eventBody, 0, len(events)), NextAfter: wireID(max(after, latest)), Seq: wireID(latest)}
	for _, e := range events {
		b, err := h.EventJSON(e)
		if err != nil {
			return eventPage{}, fmt.Errorf("event %d: %w", e.ID, err)
		}
		p.Items = append(p.Items, eventBody(b))
	}
	if len(events) == limit {
		// A full page: there may be more between its last event and the newest one.
		p.NextAfter = wireID(events[len(events)-1].Seq)
	}
	return p, nil
}
