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

// visitors adds the operations about who is on the sites now.
func (h *handlers) visitors(api huma.API) {
	tags := []string{tagVisitors}
	add(h, api, httpapi.Operation{
		ID: "list-visitors", Method: http.MethodGet, Path: "/visitors", Tags: tags, Scope: team.ScopeRead,
		Summary: "List who is on the sites now",
		Description: "Of one widget, or of all that show their visitors (`show_visitors`); never in privacy mode. Ask again every few seconds: " +
			"there are no events about visitors, and nothing of them is kept for longer than two minutes after they left.",
		Faults: codes(fault.WidgetNotFound, fault.VisitorsOff),
	}, h.listVisitors)
	add(h, api, httpapi.Operation{
		ID: "invite-visitor", Method: http.MethodPost, Path: "/visitors/{id}/invite", Tags: tags, Scope: team.ScopeWrite, Status: http.StatusCreated,
		Summary: "Write to a visitor first",
		Description: "The visitor's page shows the operator's message within moments. When the visitor writes back within 30 minutes, a conversation begins " +
			"with that message, and the operator has it. For operators only; API tokens get `auth.denied`. A visitor who is in a conversation is written to there.",
		Faults: codes(fault.VisitorNotFound, fault.VisitorInvited, fault.VisitorsOff, fault.ConversationNotEnded, fault.MessageEmpty, fault.MessageTooLong, fault.TextInvalid, fault.AuthDenied,
			fault.KeyReused),
	}, h.inviteVisitor)
}

type visitorsIn struct {
	Widget int64 `query:"widget_id" minimum:"1" doc:"Only of this widget."`
}

type visitorsOut struct{ Body visitorList }

func (h *handlers) listVisitors(ctx context.Context, by team.Actor, in *visitorsIn) (*visitorsOut, error) {
	list, err := h.Onsite.List(ctx, by, id.Widget(in.Widget))
	if err != nil {
		return nil, err
	}
	return &visitorsOut{visitorList{Items: wireList(list, wireVisitor)}}, nil
}

type inviteIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The visitor's id." example:"27"`
	Body inviteInput
}

type inviteOut struct{ Body inviteAnswer }

func (h *handlers) inviteVisitor(ctx context.Context, by team.Actor, in *inviteIn) (*inviteOut, error) {
	made, err := h.Onsite.Invite(ctx, by, httpapi.Key(ctx), id.Visitor(in.ID), in.Body.Body)
	if err != nil {
		return nil, err
	}
	return &inviteOut{inviteAnswer{InvitationID: wireID(made)}}, nil
}
