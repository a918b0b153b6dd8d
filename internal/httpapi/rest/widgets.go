package rest

import (
	"context"

	"parley/internal/event"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/team"
)

type widgetsOut struct{ Body widgetList }

func (h *handlers) listWidgets(ctx context.Context, _ team.Actor, _ *struct{}) (*widgetsOut, error) {
	list, err := h.Widgets.List(ctx)
	if err != nil {
		return nil, err
	}
	now := h.Now()
	return &widgetsOut{widgetList{Items: wireList(list, func(w *event.Widget) widgetObject { return wireWidget(w, h.PublicURL, now) })}}, nil
}

type widgetIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The widget's id." example:"1"`
}

type widgetOut struct{ Body widgetObject }

func (h *handlers) wireWidget(w *event.Widget, err error) (*widgetOut, error) {
	if err != nil {
		return nil, err
	}
	return &widgetOut{wireWidget(w, h.PublicURL, h.Now())}, nil
}

func (h *handlers) getWidget(ctx context.Context, _ team.Actor, in *widgetIn) (*widgetOut, error) {
	return h.wireWidget(h.Widgets.Get(ctx, id.Widget(in.ID)))
}

type widgetCreateIn struct {
	Body widgetInput
}

func (h *handlers) createWidget(ctx context.Context, by team.Actor, in *widgetCreateIn) (*widgetOut, error) {
	return h.wireWidget(h.Widgets.Create(ctx, by, httpapi.Key(ctx), in.Body.change()))
}

type widgetPatchIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The widget's id." example:"1"`
	Body widgetPatch
}

func (h *handlers) patchWidget(ctx context.Context, by team.Actor, in *widgetPatchIn) (*widgetOut, error) {
	return h.wireWidget(h.Widgets.Update(ctx, by, httpapi.Key(ctx), id.Widget(in.ID), in.Body.change()))
}

type presenceIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The widget's id." example:"1"`
	Body presenceInput
}

func (h *handlers) setPresence(ctx context.Context, by team.Actor, in *presenceIn) (*widgetOut, error) {
	return h.wireWidget(h.Widgets.SetPresence(ctx, by, httpapi.Key(ctx), id.Widget(in.ID), in.Body.Presence))
}

type secretOut struct{ Body secretAnswer }

func (h *handlers) newIdentitySecret(ctx context.Context, by team.Actor, in *widgetIn) (*secretOut, error) {
	s, err := h.Widgets.NewIdentitySecret(ctx, by, httpapi.Key(ctx), id.Widget(in.ID))
	if err != nil {
		return nil, err
	}
	return &secretOut{secretAnswer{Secret: s.Reveal()}}, nil
}
