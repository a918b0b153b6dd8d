package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	channels "parley/internal/channel"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/team"
)

// channels adds the operations of channels, and those of conversations and contacts that concern them.
func (h *handlers) channels(api huma.API) {
	tags := []string{tagChannels}
	settings := codes(fault.ChannelURL, fault.TargetRefused, fault.FieldRequired, fault.KeyReused)
	add(h, api, httpapi.Operation{
		ID: "list-channel-types", Method: http.MethodGet, Path: "/channel-types", Tags: tags, Scope: team.ScopeRead,
		Summary: "List types of channels", Description: "With the fields of which a channel's settings consist.",
	}, h.listChannelTypes)
	add(h, api, httpapi.Operation{
		ID: "list-channels", Method: http.MethodGet, Path: "/channels", Tags: tags, Scope: team.ScopeRead,
		Summary: "List channels", Description: "Settings, addresses and hints of tokens are shown to admins.",
	}, h.listChannels)
	add(h, api, httpapi.Operation{
		ID: "create-channel", Method: http.MethodPost, Path: "/channels", Tags: tags, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary: "Add a channel", Description: "It is live with the answer, which is the only one that shows its tokens. Faults of fields are at `settings.…` and `secrets.…`.",
		Faults: append(codes(fault.ChannelType), settings...),
	}, h.createChannel)
	add(h, api, httpapi.Operation{
		ID: "get-channel", Method: http.MethodGet, Path: "/channels/{id}", Tags: tags, Scope: team.ScopeRead,
		Summary: "Get a channel", Faults: codes(fault.ChannelNotFound),
	}, h.getChannel)
	add(h, api, httpapi.Operation{
		ID: "update-channel", Method: http.MethodPatch, Path: "/channels/{id}", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Change a channel", Description: "Fields that are left out stay as they are.", Faults: append(codes(fault.ChannelNotFound), settings...),
	}, h.patchChannel)
	add(h, api, httpapi.Operation{
		ID: "delete-channel", Method: http.MethodDelete, Path: "/channels/{id}", Tags: tags, Scope: team.ScopeAdmin, Status: http.StatusNoContent,
		Summary: "Delete a channel", Description: "Its Inbound URL is nobody's any more, and messages that wait for it fail. Its conversations stay.", Faults: codes(fault.ChannelNotFound),
	}, h.deleteChannel)
	add(h, api, httpapi.Operation{
		ID: "rotate-channel-secret", Method: http.MethodPost, Path: "/channels/{id}/rotate", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Replace a token", Faults: codes(fault.ChannelNotFound, fault.KeyReused),
	}, h.rotateChannel)
	add(h, api, httpapi.Operation{
		ID: "pause-channel", Method: http.MethodPost, Path: "/channels/{id}/pause", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Pause a channel", Description: "The way out: messages to contacts wait. Messages go on coming in.", Faults: codes(fault.ChannelNotFound),
	}, h.pauseChannel)
	add(h, api, httpapi.Operation{
		ID: "resume-channel", Method: http.MethodPost, Path: "/channels/{id}/resume", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Resume a channel", Description: "What waited is sent, oldest first, or has failed with `backlog` false; operators can send each again.", Faults: codes(fault.ChannelNotFound),
	}, h.resumeChannel)
	add(h, api, httpapi.Operation{
		ID: "test-channel", Method: http.MethodPost, Path: "/channels/{id}/test", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Send a test", Faults: codes(fault.ChannelNotFound, fault.ChannelPaused, fault.KeyReused),
	}, h.testChannel)
	add(h, api, httpapi.Operation{
		ID: "get-channel-chart", Method: http.MethodGet, Path: "/channels/{id}/chart", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "How a channel did", Description: "Attempts to bring messages out, their time and the lag in equal steps.", Faults: codes(fault.ChannelNotFound),
	}, h.channelChart)
	add(h, api, httpapi.Operation{
		ID: "list-channel-inbound", Method: http.MethodGet, Path: "/channels/{id}/inbound", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "What came in at a channel", Faults: codes(fault.ChannelNotFound, fault.CursorInvalid),
	}, h.listInbound)

	conversations := []string{tagConversations}
	add(h, api, httpapi.Operation{
		ID: "start-conversation", Method: http.MethodPost, Path: "/conversations", Tags: conversations, Scope: team.ScopeWrite, Status: http.StatusCreated,
		Summary:     "Begin a conversation on a channel",
		Description: "With a contact, an e-mail address or an address of the channel. A conversation that the contact has there goes on.",
		Faults: codes(fault.ChannelNotFound, fault.ChannelPaused, fault.ChannelAddress, fault.ContactNotFound, fault.MessageEmpty, fault.MessageTooLong, fault.TextInvalid,
			fault.MediaNotFound, fault.KeyReused),
	}, h.startConversation)
	add(h, api, httpapi.Operation{
		ID: "retry-message", Method: http.MethodPost, Path: "/conversations/{id}/messages/{message_id}/retry", Tags: conversations, Scope: team.ScopeWrite,
		Summary: "Send a failed message again", Description: "The same message under the same webhook id; one that is under way stays so.",
		Faults: codes(fault.ConversationNotFound, fault.MessageNotFound, fault.MessageDeleted, fault.MessageNotFailed, fault.ChannelNotFound, fault.DeliveryNotFound, fault.KeyReused),
	}, h.retryMessage)
	contacts := []string{tagContacts}
	add(h, api, httpapi.Operation{
		ID: "list-contact-addresses", Method: http.MethodGet, Path: "/contacts/{id}/addresses", Tags: contacts, Scope: team.ScopeRead,
		Summary: "Where a contact is known", Description: "Their addresses on channels.", Faults: codes(fault.ContactNotFound),
	}, h.listAddresses)
	add(h, api, httpapi.Operation{
		ID: "separate-contact-address", Method: http.MethodPost, Path: "/contacts/{id}/addresses/{address_id}/separate", Tags: contacts, Scope: team.ScopeWrite,
		Summary:     "Take an address and its contact apart",
		Description: "A new contact gets the address and the contact's conversations on that channel; later messages from the address go there.",
		Faults:      codes(fault.ContactNotFound, fault.ChannelAddress, fault.KeyReused),
	}, h.separateAddress)
}

type channelTypesOut struct{ Body channelTypeList }

func (h *handlers) listChannelTypes(context.Context, team.Actor, *struct{}) (*channelTypesOut, error) {
	return &channelTypesOut{channelTypeList{Items: wireList(h.Channels.Types(), wireChannelType)}}, nil
}

type channelsOut struct{ Body channelList }

func (h *handlers) listChannels(ctx context.Context, by team.Actor, _ *struct{}) (*channelsOut, error) {
	list, err := h.Channels.List(ctx, by)
	if err != nil {
		return nil, err
	}
	return &channelsOut{channelList{Items: wireList(list, wireChannelSettings)}}, nil
}

type channelIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The channel's id." example:"1"`
}

type channelOut struct{ Body channelSettings }

func wireChannelOut(c *channels.Channel, err error) (*channelOut, error) {
	if err != nil {
		return nil, err
	}
	return &channelOut{wireChannelSettings(c)}, nil
}

func (h *handlers) getChannel(ctx context.Context, by team.Actor, in *channelIn) (*channelOut, error) {
	return wireChannelOut(h.Channels.Get(ctx, by, id.Channel(in.ID)))
}

type channelCreateIn struct{ Body channelInput }

type channelCreatedOut struct{ Body channelCreatedAnswer }

func (h *handlers) createChannel(ctx context.Context, by team.Actor, in *channelCreateIn) (*channelCreatedOut, error) {
	c, secrets, err := h.Channels.Create(ctx, by, httpapi.Key(ctx), in.Body.draft())
	if err != nil {
		return nil, err
	}
	return &channelCreatedOut{channelCreatedAnswer{Channel: wireChannelSettings(c), Secrets: wireSecrets(secrets)}}, nil
}

type channelPatchIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The channel's id." example:"1"`
	Body channelPatch
}

func (h *handlers) patchChannel(ctx context.Context, by team.Actor, in *channelPatchIn) (*channelOut, error) {
	return wireChannelOut(h.Channels.Update(ctx, by, httpapi.Key(ctx), id.Channel(in.ID), in.Body.draft()))
}

func (h *handlers) deleteChannel(ctx context.Context, by team.Actor, in *channelIn) (*struct{}, error) {
	return nil, h.Channels.Delete(ctx, by, id.Channel(in.ID))
}

type channelRotateIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The channel's id." example:"1"`
	Body channelRotation
}

type channelRotatedOut struct{ Body channelRotated }

func (h *handlers) rotateChannel(ctx context.Context, by team.Actor, in *channelRotateIn) (*channelRotatedOut, error) {
	s, err := h.Channels.Rotate(ctx, by, httpapi.Key(ctx), id.Channel(in.ID), in.Body.Secret, valueOr(in.Body.Value), in.Body.overlap())
	if err != nil {
		return nil, err
	}
	return &channelRotatedOut{channelRotated{Value: s.Reveal()}}, nil
}

func (h *handlers) pauseChannel(ctx context.Context, by team.Actor, in *channelIn) (*channelOut, error) {
	return wireChannelOut(h.Channels.Pause(ctx, by, id.Channel(in.ID)))
}

type channelResumeIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The channel's id." example:"1"`
	Body *resumeInput
}

func (h *handlers) resumeChannel(ctx context.Context, by team.Actor, in *channelResumeIn) (*channelOut, error) {
	backlog := in.Body == nil || in.Body.Backlog == nil || *in.Body.Backlog
	return wireChannelOut(h.Channels.Resume(ctx, by, id.Channel(in.ID), backlog))
}

type channelTestIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The channel's id." example:"1"`
	Body channelTestInput
}

type channelTestedOut struct{ Body channelTested }

func (h *handlers) testChannel(ctx context.Context, by team.Actor, in *channelTestIn) (*channelTestedOut, error) {
	t, err := h.Channels.Test(ctx, by, httpapi.Key(ctx), id.Channel(in.ID), in.Body.Direction, valueOr(in.Body.Email))
	if err != nil {
		return nil, err
	}
	return &channelTestedOut{channelTested{DeliveryID: wireIDOrNull(t.Delivery), ConversationID: wireIDOrNull(t.Conversation), MessageID: wireIDOrNull(t.Message)}}, nil
}

type channelChartIn struct {
	ID    int64  `path:"id" minimum:"1" doc:"The channel's id." example:"1"`
	Range string `query:"range" enum:"1h,24h,7d" default:"1h" doc:"How far back."`
}

func (h *handlers) channelChart(ctx context.Context, by team.Actor, in *channelChartIn) (*chartOut, error) {
	r := chartRanges[in.Range]
	from := r.from(h.Now())
	points, err := h.Channels.Chart(ctx, by, id.Channel(in.ID), from, r.step)
	if err != nil {
		return nil, err
	}
	return &chartOut{wireChart(points, from, r.step, r.points)}, nil
}

type inboundIn struct {
	ID     int64  `path:"id" minimum:"1" doc:"The channel's id." example:"1"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Length of a page."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before."`
}

type inboundOut struct{ Body channelKnockPage }

func (h *handlers) listInbound(ctx context.Context, by team.Actor, in *inboundIn) (*inboundOut, error) {
	before, err := decodeIDCursor[int64](inboundCursor, in.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := h.Channels.Log(ctx, by, id.Channel(in.ID), before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &inboundOut{channelKnockPage{Items: wireList(list, wireKnock)}}
	if more {
		out.Body.NextCursor = encodeIDCursor(inboundCursor, list[len(list)-1].ID)
	}
	return out, nil
}

type startIn struct{ Body startInput }

func (h *handlers) startConversation(ctx context.Context, by team.Actor, in *startIn) (*postOut, error) {
	b := channels.Begin{Channel: id.Channel(in.Body.ChannelID), Contact: id.Contact(valueOr(in.Body.ContactID)), Email: valueOr(in.Body.Email), Address: valueOr(in.Body.Address),
		Name: valueOr(in.Body.Name), Body: in.Body.Body, Media: valueOr(in.Body.Media)}
	sent, err := h.Channels.Start(ctx, by, httpapi.Key(ctx), b)
	if err != nil {
		return nil, err
	}
	return h.posted(h.messageOf(ctx, sent.Conversation, sent.Message))
}

// messageOf finds a message that was sent just now.
func (h *handlers) messageOf(ctx context.Context, conversation id.Conversation, which id.Message) (*inbox.Posted, error) {
	v, err := h.Inbox.Get(ctx, conversation)
	if err != nil {
		return nil, err
	}
	r := inbox.Range{Limit: 50}
	for {
		t, err := h.Inbox.Messages(ctx, conversation, r)
		if err != nil {
			return nil, err
		}
		for _, m := range t.Messages {
			if m.ID == which {
				return &inbox.Posted{Conversation: v, Message: m}, nil
			}
		}
		if !t.More || len(t.Messages) == 0 {
			return nil, fault.Newf(fault.MessageNotFound, "conversation %d has no message %d", conversation, which)
		}
		r.Before = t.Messages[0].Number
	}
}

func (h *handlers) retryMessage(ctx context.Context, by team.Actor, in *messageIn) (*postOut, error) {
	conversation := id.Conversation(in.ID)
	number, err := h.Channels.Retry(ctx, by, httpapi.Key(ctx), conversation, id.Message(in.MessageID))
	if err != nil {
		return nil, err
	}
	v, err := h.Inbox.Get(ctx, conversation)
	if err != nil {
		return nil, err
	}
	t, err := h.Inbox.Messages(ctx, conversation, inbox.Range{Before: number + 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(t.Messages) == 0 {
		return nil, fault.Newf(fault.MessageNotFound, "conversation %d has no message %d", conversation, in.MessageID)
	}
	return h.posted(&inbox.Posted{Conversation: v, Message: t.Messages[0]}, nil)
}

type addressesOut struct{ Body addressList }

func (h *handlers) listAddresses(ctx context.Context, _ team.Actor, in *contactIn) (*addressesOut, error) {
	list, err := h.Channels.Addresses(ctx, id.Contact(in.ID))
	if err != nil {
		return nil, err
	}
	return &addressesOut{addressList{Items: wireList(list, wireAddress)}}, nil
}

type separateIn struct {
	ID        int64 `path:"id" minimum:"1" doc:"The contact's id." example:"11"`
	AddressID int64 `path:"address_id" minimum:"1" doc:"The address's id." example:"1"`
}

type separatedOut struct{ Body separatedAnswer }

func (h *handlers) separateAddress(ctx context.Context, by team.Actor, in *separateIn) (*separatedOut, error) {
	c, err := h.Channels.Separate(ctx, by, httpapi.Key(ctx), id.Contact(in.ID), in.AddressID)
	if err != nil {
		return nil, err
	}
	return &separatedOut{separatedAnswer{Contact: wireContact(c)}}, nil
}
