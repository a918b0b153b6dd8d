package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/reply"
	"parley/internal/team"
)

// replies adds the operations of saved replies and question groups.
func (h *handlers) replies(api huma.API) {
	tags := []string{tagReplies}
	texts := codes(fault.ReplyShortcut, fault.FieldInvalid, fault.FieldRequired, fault.TextInvalid, fault.TextTooLong, fault.KeyReused)
	add(h, api, httpapi.Operation{
		ID: "list-replies", Method: http.MethodGet, Path: "/replies", Tags: tags, Scope: team.ScopeRead,
		Summary: "List saved replies and question groups", Description: "By shortcut, or those that hold the words of `q` in shortcut, title, text or options, the best first. There are at most 500 of a kind.",
		Faults: codes(fault.FieldInvalid),
	}, h.listReplies)
	add(h, api, httpapi.Operation{
		ID: "create-reply", Method: http.MethodPost, Path: "/replies", Tags: tags, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary: "Save a reply or a question", Description: "A variable that is not known is refused.", Faults: texts,
	}, h.createReply)
	add(h, api, httpapi.Operation{
		ID: "update-reply", Method: http.MethodPatch, Path: "/replies/{id}", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Change a saved reply or question", Description: "Fields that are left out stay as they are.", Faults: append(codes(fault.ReplyNotFound), texts...),
	}, h.patchReply)
	add(h, api, httpapi.Operation{
		ID: "delete-reply", Method: http.MethodDelete, Path: "/replies/{id}", Tags: tags, Scope: team.ScopeAdmin, Status: http.StatusNoContent,
		Summary: "Delete a saved reply or question", Description: "What was sent with it stays.", Faults: codes(fault.ReplyNotFound),
	}, h.deleteReply)
	add(h, api, httpapi.Operation{
		ID: "preview-reply", Method: http.MethodPost, Path: "/conversations/{id}/replies/{reply_id}/preview", Tags: tags, Scope: team.ScopeRead,
		Summary:     "Fill a saved reply for a conversation",
		Description: "The text as the caller would send it there. Nothing is sent: post it as a message, a question's options as `choices`.",
		Faults:      codes(fault.ConversationNotFound, fault.ReplyNotFound),
	}, h.previewReply)
}

type repliesIn struct {
	Kind string `query:"kind" enum:"reply,question" doc:"Only these; without it, both."`
	Q    string `query:"q" maxLength:"200" doc:"Words to search for."`
}

type repliesOut struct{ Body savedReplyList }

func (h *handlers) listReplies(ctx context.Context, _ team.Actor, in *repliesIn) (*repliesOut, error) {
	list, err := h.Replies.List(ctx, in.Kind, in.Q)
	if err != nil {
		return nil, err
	}
	return &repliesOut{savedReplyList{Items: wireList(list, wireReply)}}, nil
}

type replyOut struct{ Body savedReply }

func wireReplyOut(r *reply.Reply, err error) (*replyOut, error) {
	if err != nil {
		return nil, err
	}
	return &replyOut{wireReply(r)}, nil
}

type replyCreateIn struct{ Body savedReplyInput }

func (h *handlers) createReply(ctx context.Context, by team.Actor, in *replyCreateIn) (*replyOut, error) {
	return wireReplyOut(h.Replies.Create(ctx, by, httpapi.Key(ctx), in.Body.draft()))
}

type replyIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The id of the saved reply or question." example:"7"`
}

type replyPatchIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The id of the saved reply or question." example:"7"`
	Body savedReplyPatch
}

func (h *handlers) patchReply(ctx context.Context, by team.Actor, in *replyPatchIn) (*replyOut, error) {
	return wireReplyOut(h.Replies.Update(ctx, by, httpapi.Key(ctx), id.Reply(in.ID), in.Body.change()))
}

func (h *handlers) deleteReply(ctx context.Context, by team.Actor, in *replyIn) (*struct{}, error) {
	return nil, h.Replies.Delete(ctx, by, id.Reply(in.ID))
}

type replyPreviewIn struct {
	ID      int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	ReplyID int64 `path:"reply_id" minimum:"1" doc:"The id of the saved reply or question." example:"7"`
}

type replyPreviewOut struct{ Body filledReply }

func (h *handlers) previewReply(ctx context.Context, by team.Actor, in *replyPreviewIn) (*replyPreviewOut, error) {
	body, options, err := h.Replies.For(ctx, by, id.Reply(in.ReplyID), id.Conversation(in.ID))
	if err != nil {
		return nil, err
	}
	return &replyPreviewOut{filledReply{Body: body, Options: wireOptions(options)}}, nil
}
