package rest

import (
	"context"
	"strconv"
	"strings"

	"parley/internal/command"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/team"
)

type conversationIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
}

type conversationOut struct{ Body conversation }

func wireView(v *inbox.View, err error) (*conversationOut, error) {
	if err != nil {
		return nil, err
	}
	return &conversationOut{wireConversation(v)}, nil
}

type conversationWithSeqOut struct{ Body conversationWithSeq }

func (h *handlers) getConversation(ctx context.Context, _ team.Actor, in *conversationIn) (*conversationWithSeqOut, error) {
	v, err := h.Inbox.Get(ctx, id.Conversation(in.ID))
	return h.withSeq(ctx, v, err)
}

func (h *handlers) withSeq(ctx context.Context, v *inbox.View, err error) (*conversationWithSeqOut, error) {
	if err != nil {
		return nil, err
	}
	problem, err := h.problemOf(ctx, &v.Contact)
	if err != nil {
		return nil, err
	}
	return &conversationWithSeqOut{wireConversationWithSeq(v, problem)}, nil
}

type conversationByUUIDIn struct {
	UUID string `query:"uuid" required:"true" maxLength:"36" doc:"The conversation's UUID." example:"0198c0de-0000-7000-8000-000000000042"`
}

func (h *handlers) getConversationByUUID(ctx context.Context, _ team.Actor, in *conversationByUUIDIn) (*conversationWithSeqOut, error) {
	v, err := h.Inbox.GetByUUID(ctx, strings.ToLower(in.UUID))
	return h.withSeq(ctx, v, err)
}

type messagesIn struct {
	ID     int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Before int   `query:"before" minimum:"1" doc:"Messages with a smaller number, the nearest ones."`
	After  int   `query:"after" minimum:"1" doc:"Messages with a greater number, the nearest ones. Without before and after: the latest ones."`
	Limit  int   `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type messagesOut struct{ Body messagePage }

func (h *handlers) listMessages(ctx context.Context, _ team.Actor, in *messagesIn) (*messagesOut, error) {
	if in.Before != 0 && in.After != 0 {
		return nil, fault.New(fault.FieldInvalid, "give before or after, not both").At("after")
	}
	t, err := h.Inbox.Messages(ctx, id.Conversation(in.ID), inbox.Range{Before: in.Before, After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	var c *event.Contact
	if anyUnnamed(t.Messages) {
		v, err := h.Inbox.Get(ctx, id.Conversation(in.ID))
		if err != nil {
			return nil, err
		}
		c = &v.Contact
	}
	items := wireList(t.Messages, func(m *event.Message) message { return h.wireMessage(m, c) })
	return &messagesOut{messagePage{Items: items, HasMore: t.More, Seq: wireID(t.Seq)}}, nil
}

// anyUnnamed reports whether a message needs the contact's present name.
func anyUnnamed(list []*event.Message) bool {
	for _, m := range list {
		if m.Sender.Type == event.ByContact && m.Sender.Name == "" {
			return true
		}
		if m.Entry != nil && m.Entry.By != nil && m.Entry.By.Type == event.ByContact && m.Entry.By.Name == "" {
			return true
		}
	}
	return false
}

// displayName is what operators see of a contact who had no name when writing: the name that c has now, or the substitute.
func displayName(contact int64, c *event.Contact) string {
	if c == nil || int64(c.ID) != contact {
		c = &event.Contact{ID: id.Contact(contact)}
	}
	return c.DisplayName()
}

type sessionsOut struct{ Body sessionList }

func (h *handlers) listSessions(ctx context.Context, _ team.Actor, in *conversationIn) (*sessionsOut, error) {
	list, err := h.Inbox.Sessions(ctx, id.Conversation(in.ID))
	if err != nil {
		return nil, err
	}
	return &sessionsOut{sessionList{Items: wireList(list, wireSession)}}, nil
}

type postIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body postInput
}

type postOut struct{ Body postedAnswer }

func (h *handlers) postMessage(ctx context.Context, by team.Actor, in *postIn) (*postOut, error) {
	// A person who types a command means the command; what a program writes is what it means.
	if name, ok := command.Looks(in.Body.Body); ok && by.Operator != 0 && !in.Body.Note && !in.Body.AsText {
		return nil, fault.Newf(fault.MessageIsCommand, "this is the command $%s and was not sent to the contact; run it with /conversations/{id}/commands, or send it with as_text", name).At("body")
	}
	reference, err := optional[id.Message](in.Body.Reference, "reference")
	if err != nil {
		return nil, err
	}
	p := inbox.Post{Conversation: id.Conversation(in.ID), Body: in.Body.Body, Media: in.Body.Media, Note: in.Body.Note, Reference: reference, Choices: in.Body.Choices}
	posted, err := h.Inbox.Post(ctx, by, httpapi.Key(ctx), p)
	if err != nil {
		return nil, err
	}
	return &postOut{h.wirePosted(posted)}, nil
}

// messageIn names a message of a conversation.
type messageIn struct {
	ID        int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	MessageID int64 `path:"message_id" minimum:"1" doc:"The message's id." example:"77"`
}

type editIn struct {
	ID        int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	MessageID int64 `path:"message_id" minimum:"1" doc:"The message's id." example:"77"`
	Body      editInput
}

func (h *handlers) posted(p *inbox.Posted, err error) (*postOut, error) {
	if err != nil {
		return nil, err
	}
	return &postOut{h.wirePosted(p)}, nil
}

func (h *handlers) editMessage(ctx context.Context, by team.Actor, in *editIn) (*postOut, error) {
	return h.posted(h.Inbox.EditMessage(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), id.Message(in.MessageID), in.Body.Body))
}

func (h *handlers) deleteMessage(ctx context.Context, by team.Actor, in *messageIn) (*postOut, error) {
	return h.posted(h.Inbox.DeleteMessage(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), id.Message(in.MessageID)))
}

func (h *handlers) refetchMedia(ctx context.Context, by team.Actor, in *messageIn) (*postOut, error) {
	return h.posted(h.Inbox.RefetchMedia(ctx, by, id.Conversation(in.ID), id.Message(in.MessageID)))
}

type readIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body readInput
}

func (h *handlers) readConversation(ctx context.Context, by team.Actor, in *readIn) (*struct{}, error) {
	return nil, h.Inbox.Read(ctx, by, id.Conversation(in.ID), in.Body.Number)
}

type assignIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body assignInput
}

func (h *handlers) assignConversation(ctx context.Context, by team.Actor, in *assignIn) (*conversationOut, error) {
	to, err := optional[id.Operator](in.Body.OperatorID, "operator_id")
	if err != nil {
		return nil, err
	}
	return wireView(h.Inbox.Assign(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), to))
}

type forwardIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body forwardInput
}

func (h *handlers) forwardConversation(ctx context.Context, by team.Actor, in *forwardIn) (*conversationOut, error) {
	to, err := optional[id.Operator](in.Body.OperatorID, "operator_id")
	if err != nil {
		return nil, err
	}
	group, err := optional[id.Group](in.Body.GroupID, "group_id")
	if err != nil {
		return nil, err
	}
	return wireView(h.Inbox.Forward(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), to, group, in.Body.Note))
}

// optional reads an id that may be null; ids that nothing can have are refused before 0 is taken for “none”.
func optional[T ~int64](v *int64, field string) (T, error) {
	if v == nil {
		return 0, nil
	}
	if *v <= 0 || *v > id.MaxSafe {
		return 0, fault.New(fault.FieldInvalid, strconv.FormatInt(*v, 10)+" is not an id").At(field)
	}
	return T(*v), nil
}

type actIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
}

func (h *handlers) endConversation(ctx context.Context, by team.Actor, in *actIn) (*conversationOut, error) {
	return wireView(h.Inbox.End(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID)))
}

func (h *handlers) discardConversation(ctx context.Context, by team.Actor, in *actIn) (*conversationOut, error) {
	return wireView(h.Inbox.Discard(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID)))
}

type toWebhookIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body toWebhookInput
}

type acceptedOut struct{ Body struct{} }

func (h *handlers) sendToWebhook(ctx context.Context, by team.Actor, in *toWebhookIn) (*acceptedOut, error) {
	if _, err := h.Inbox.SendToWebhook(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), in.Body.Extra); err != nil {
		return nil, err
	}
	return &acceptedOut{}, nil
}

func (h *handlers) reopenConversation(ctx context.Context, by team.Actor, in *actIn) (*conversationOut, error) {
	return wireView(h.Inbox.Reopen(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID)))
}

type flagIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body flagInput
}

func (h *handlers) flagConversation(ctx context.Context, by team.Actor, in *flagIn) (*conversationOut, error) {
	return wireView(h.Inbox.Flag(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), in.Body.Flagged))
}

type tagsIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body tagsInput
}

func (h *handlers) setTags(ctx context.Context, by team.Actor, in *tagsIn) (*conversationOut, error) {
	return wireView(h.Inbox.SetTags(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), in.Body.Tags))
}

type topicIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body topicInput
}

func (h *handlers) setTopic(ctx context.Context, by team.Actor, in *topicIn) (*conversationOut, error) {
	return wireView(h.Inbox.SetTopic(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), in.Body.Topic))
}

type statusIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body statusInput
}

func (h *handlers) setStatus(ctx context.Context, by team.Actor, in *statusIn) (*conversationOut, error) {
	return wireView(h.Inbox.SetStatus(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), in.Body.Status))
}
