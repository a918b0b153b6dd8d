package rest

import (
	"context"

	"parley/internal/command"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/team"
)

type commandsOut struct{ Body commandList }

func (h *handlers) listCommands(_ context.Context, by team.Actor, _ *struct{}) (*commandsOut, error) {
	out := &commandsOut{commandList{Items: []commandObject{}}}
	for _, c := range command.Commands() {
		if c.Permission != command.ForAdmins || by.MayAdmin() == nil {
			out.Body.Items = append(out.Body.Items, wireCommand(c))
		}
	}
	return out, nil
}

type commandIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body commandInput
}

type commandOut struct{ Body commandAnswer }

func (h *handlers) runCommand(ctx context.Context, by team.Actor, in *commandIn) (*commandOut, error) {
	a, err := h.commands.Run(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), in.Body.Line)
	if err != nil {
		return nil, err
	}
	out := &commandOut{commandAnswer{Command: a.Command, Lines: wireList(a.Lines, func(l string) string { return l }), Conversation: wireConversation(a.Conversation)}}
	if a.Message != nil {
		m := h.wireMessage(a.Message, &a.Conversation.Contact)
		out.Body.Message = &m
	}
	return out, nil
}
