package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/team"
)

// hooks adds the operations of a widget's webhooks.
func (h *handlers) hooks(api huma.API) {
	tags := []string{tagWidgets}
	add(h, api, httpapi.Operation{
		ID: "get-widget-webhooks", Method: http.MethodGet, Path: "/widgets/{id}/webhooks", Tags: tags, Scope: team.ScopeAdmin,
		Summary:     "Get a widget's webhooks",
		Description: "Five calls about chats, each with a URL of its own. Each is an endpoint of the dialect “chatlio”, and found among the endpoints with its log.",
		Faults:      codes(fault.WidgetNotFound),
	}, h.getHooks)
	add(h, api, httpapi.Operation{
		ID: "set-widget-webhooks", Method: http.MethodPut, Path: "/widgets/{id}/webhooks", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Set a widget's webhooks",
		Description: "What is left out stays as it is. A URL makes an endpoint, whose signing secret is shown only in this answer; another URL changes it, and an empty one " +
			"deletes it with what is still queued. All of it counts, or nothing.",
		Faults: codes(fault.WidgetNotFound, fault.EndpointURL, fault.TargetRefused, fault.HookMissing, fault.KeyReused),
	}, h.setHooks)
}

type hooksOut struct{ Body widgetHooks }

func (h *handlers) getHooks(ctx context.Context, by team.Actor, in *widgetIn) (*hooksOut, error) {
	list, err := h.Webhooks.Hooks(ctx, by, id.Widget(in.ID))
	if err != nil {
		return nil, err
	}
	return &hooksOut{wireHooks(list)}, nil
}

type hooksSetIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The widget's id." example:"1"`
	Body widgetHooksInput
}

type hooksSetOut struct{ Body widgetHooksSaved }

func (h *handlers) setHooks(ctx context.Context, by team.Actor, in *hooksSetIn) (*hooksSetOut, error) {
	list, secrets, err := h.Webhooks.SetHooks(ctx, by, httpapi.Key(ctx), id.Widget(in.ID), in.Body.draft())
	if err != nil {
		return nil, err
	}
	return &hooksSetOut{wireHooksSaved(list, secrets)}, nil
}
