package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/mail"
	"parley/internal/mail/letter"
	"parley/internal/team"
	"parley/internal/webhook"
)

// mails adds the operations of mails to contacts.
func (h *handlers) mails(api huma.API) {
	tags := []string{tagMails}
	texts := codes(fault.TextInvalid, fault.TextTooLong, fault.FieldRequired)
	add(h, api, httpapi.Operation{
		ID: "get-mail-server", Method: http.MethodGet, Path: "/mail/server", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Get the mail server", Description: "By which mails go out that no widget's callback takes. Secrets are never shown.",
	}, h.getMailServer)
	add(h, api, httpapi.Operation{
		ID: "update-mail-server", Method: http.MethodPatch, Path: "/mail/server", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Set up or change the mail server", Description: "Fields that are left out stay as they are. Mails that waited go on. A mail server may be at a private address.", Faults: texts,
	}, h.patchMailServer)
	add(h, api, httpapi.Operation{
		ID: "delete-mail-server", Method: http.MethodDelete, Path: "/mail/server", Tags: tags, Scope: team.ScopeAdmin, Status: http.StatusNoContent,
		Summary: "Forget the mail server", Description: "Mails of widgets without a callback wait from then on; none is dropped.",
	}, h.deleteMailServer)
	add(h, api, httpapi.Operation{
		ID: "test-mail-server", Method: http.MethodPost, Path: "/mail/server/test", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Send a test mail", Description: "With the settings as they are saved. The answer is 200 whatever the mail server said.", Faults: codes(fault.MailServerUnset),
	}, h.testMailServer)
	add(h, api, httpapi.Operation{
		ID: "get-widget-mail", Method: http.MethodGet, Path: "/widgets/{id}/mail", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Get a widget's mail settings", Faults: codes(fault.WidgetNotFound),
	}, h.getWidgetMail)
	add(h, api, httpapi.Operation{
		ID: "update-widget-mail", Method: http.MethodPatch, Path: "/widgets/{id}/mail", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Change a widget's mail settings", Description: "Fields that are left out stay as they are. Mails that waited go on, by the way that is set now.",
		Faults: append(codes(fault.WidgetNotFound, fault.MailCallbackURL, fault.TargetRefused), texts...),
	}, h.patchWidgetMail)
	add(h, api, httpapi.Operation{
		ID: "test-widget-mail", Method: http.MethodPost, Path: "/widgets/{id}/mail/test", Tags: tags, Scope: team.ScopeAdmin,
		Summary:     "Test a widget's e-mail callback",
		Description: "Posts an empty body with the token, with the settings as they are saved. The answer is 200 whatever the other side said.",
		Faults:      codes(fault.WidgetNotFound, fault.MailCallbackURL, fault.TargetRefused),
	}, h.testWidgetMail)
	add(h, api, httpapi.Operation{
		ID: "preview-widget-mail", Method: http.MethodPost, Path: "/widgets/{id}/mail/preview", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "See what a widget's mail looks like", Description: "With made-up content. Nothing is sent or saved.", Faults: append(codes(fault.WidgetNotFound), texts...),
	}, h.previewWidgetMail)
	add(h, api, httpapi.Operation{
		ID: "list-mails", Method: http.MethodGet, Path: "/mails", Tags: tags, Scope: team.ScopeRead,
		Summary: "List mails", Description: "Newest first, of the last 90 days. The parameters narrow the list together.", Faults: codes(fault.CursorInvalid),
	}, h.listMails)
	add(h, api, httpapi.Operation{
		ID: "send-transcript", Method: http.MethodPost, Path: "/conversations/{id}/transcript", Tags: []string{tagConversations}, Scope: team.ScopeWrite, Status: http.StatusAccepted,
		Summary: "Send what was said by mail",
		Description: "All of the conversation over its sessions, without notes. The mail is queued with the answer; `list-mails` tells what becomes of it. " +
			"`mail.limited` tells that one was asked for a moment ago.",
		Faults: codes(fault.ConversationNotFound, fault.MailAddress, fault.MailLimited, fault.KeyReused),
	}, h.sendTranscript)

	add(h, api, httpapi.Operation{
		ID: "list-mail-deliveries", Method: http.MethodGet, Path: "/mail/deliveries", Tags: tags, Scope: team.ScopeAdmin,
		Summary:     "List deliveries of mails",
		Description: "Newest first, as `list-deliveries` has them. The body of a mail is shown without what signs in.",
		Faults:      codes(fault.CursorInvalid),
	}, h.listMailDeliveries)
	add(h, api, httpapi.Operation{
		ID: "get-mail-delivery", Method: http.MethodGet, Path: "/mail/deliveries/{id}", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Get a mail's delivery", Description: "With what was sent and every attempt.", Faults: codes(fault.DeliveryNotFound),
	}, h.getMailDelivery)
	add(h, api, httpapi.Operation{
		ID: "replay-mail-delivery", Method: http.MethodPost, Path: "/mail/deliveries/{id}/replay", Tags: tags, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary: "Send a mail again", Description: "The same mail with the same ids, as a new delivery.",
		Faults: codes(fault.DeliveryNotFound, fault.DeliveryPending, fault.KeyReused),
	}, h.replayMailDelivery)
	add(h, api, httpapi.Operation{
		ID: "revive-mail-delivery", Method: http.MethodPost, Path: "/mail/deliveries/{id}/revive", Tags: tags, Scope: team.ScopeAdmin,
		Summary: "Try a failed mail again", Description: "The delivery itself, from the beginning of the schedule.",
		Faults: codes(fault.DeliveryNotFound, fault.DeliveryPending, fault.KeyReused),
	}, h.reviveMailDelivery)

	add(h, api, httpapi.Operation{
		ID: "list-audit", Method: http.MethodGet, Path: "/audit", Tags: []string{tagAudit}, Scope: team.ScopeAdmin,
		Summary: "Read the audit log", Description: "Newest first.", Faults: codes(fault.CursorInvalid),
	}, h.listAudit)
}

type mailServerOut struct{ Body mailServer }

func (h *handlers) mailServerOut(ctx context.Context, s *mail.Server, err error) (*mailServerOut, error) {
	if err != nil {
		return nil, err
	}
	states, err := h.Mails.States(ctx)
	if err != nil {
		return nil, err
	}
	return &mailServerOut{wireMailServer(s, states)}, nil
}

func (h *handlers) getMailServer(ctx context.Context, by team.Actor, _ *struct{}) (*mailServerOut, error) {
	s, err := h.Mails.Server(ctx, by)
	return h.mailServerOut(ctx, s, err)
}

type mailServerIn struct{ Body mailServerPatch }

func (h *handlers) patchMailServer(ctx context.Context, by team.Actor, in *mailServerIn) (*mailServerOut, error) {
	s, err := h.Mails.SetServer(ctx, by, in.Body.draft())
	return h.mailServerOut(ctx, s, err)
}

func (h *handlers) deleteMailServer(ctx context.Context, by team.Actor, _ *struct{}) (*struct{}, error) {
	return nil, h.Mails.RemoveServer(ctx, by)
}

type mailTestIn struct{ Body mailServerTest }

type mailTestedOut struct{ Body mailTested }

func wireTestedOut(t *mail.Tested, err error) (*mailTestedOut, error) {
	if err != nil {
		return nil, err
	}
	return &mailTestedOut{wireTested(t)}, nil
}

func (h *handlers) testMailServer(ctx context.Context, by team.Actor, in *mailTestIn) (*mailTestedOut, error) {
	return wireTestedOut(h.Mails.TestServer(ctx, by, in.Body.To))
}

type widgetMailOut struct{ Body widgetMail }

func wireWidgetMailOut(s *mail.Settings, err error) (*widgetMailOut, error) {
	if err != nil {
		return nil, err
	}
	return &widgetMailOut{wireWidgetMail(s)}, nil
}

func (h *handlers) getWidgetMail(ctx context.Context, by team.Actor, in *widgetIn) (*widgetMailOut, error) {
	return wireWidgetMailOut(h.Mails.OfWidget(ctx, by, id.Widget(in.ID)))
}

type widgetMailIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The widget's id." example:"1"`
	Body widgetMailPatch
}

func (h *handlers) patchWidgetMail(ctx context.Context, by team.Actor, in *widgetMailIn) (*widgetMailOut, error) {
	return wireWidgetMailOut(h.Mails.SetOfWidget(ctx, by, id.Widget(in.ID), in.Body.draft()))
}

func (h *handlers) testWidgetMail(ctx context.Context, by team.Actor, in *widgetIn) (*mailTestedOut, error) {
	return wireTestedOut(h.Mails.TestCallback(ctx, by, id.Widget(in.ID)))
}

type mailPreviewIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The widget's id." example:"1"`
	Body mailPreviewInput
}

type mailPreviewOut struct{ Body mailPreview }

func (h *handlers) previewWidgetMail(ctx context.Context, by team.Actor, in *mailPreviewIn) (*mailPreviewOut, error) {
	var texts *letter.Texts
	if given := in.Body.Texts; given != nil {
		saved, err := h.Mails.OfWidget(ctx, by, id.Widget(in.ID))
		if err != nil {
			return nil, err
		}
		texts = given.over(saved.DefaultTexts)
	}
	m, err := h.Mails.Preview(ctx, by, id.Widget(in.ID), in.Body.Kind, texts)
	if err != nil {
		return nil, err
	}
	return &mailPreviewOut{mailPreview{Subject: m.Subject, HTML: m.HTML, Text: m.Text}}, nil
}

type mailsIn struct {
	ConversationID int64  `query:"conversation_id" minimum:"1"`
	ContactID      int64  `query:"contact_id" minimum:"1"`
	State          string `query:"state" enum:"queued,sent,failed,dropped"`
	Limit          int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Length of a page."`
	Cursor         string `query:"cursor" doc:"next_cursor of the page before."`
}

type mailsOut struct{ Body mailPage }

func (h *handlers) listMails(ctx context.Context, by team.Actor, in *mailsIn) (*mailsOut, error) {
	before, err := decodeIDCursor[id.Mail](mailCursor, in.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := h.Mails.List(ctx, by, mail.Filter{Conversation: id.Conversation(in.ConversationID), Contact: id.Contact(in.ContactID), State: in.State,
		Before: before, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := &mailsOut{mailPage{Items: wireList(list, wireMail)}}
	if more {
		out.Body.NextCursor = encodeIDCursor(mailCursor, list[len(list)-1].ID)
	}
	return out, nil
}

type transcriptIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The conversation's id." example:"42"`
	Body *transcriptInput
}

type mailOut struct{ Body mailObject }

func (h *handlers) sendTranscript(ctx context.Context, by team.Actor, in *transcriptIn) (*mailOut, error) {
	receiver := ""
	if in.Body != nil {
		receiver = valueOr(in.Body.Receiver)
	}
	m, err := h.Mails.SendTranscript(ctx, by, httpapi.Key(ctx), id.Conversation(in.ID), receiver)
	if err != nil {
		return nil, err
	}
	return &mailOut{wireMail(m)}, nil
}

// problemOf is why mails do not reach a contact, nil when nothing is known.
func (h *handlers) problemOf(ctx context.Context, c *event.Contact) (*mailProblem, error) {
	if c.Email == "" {
		return nil, nil
	}
	b, err := h.Mails.BounceOf(ctx, c.Email)
	return wireProblem(b), err
}

type mailDeliveriesIn struct {
	WidgetID       int64  `query:"widget_id" minimum:"1" doc:"Only mails of this widget."`
	State          string `query:"state" enum:"pending,delivered,dead,dropped"`
	ConversationID int64  `query:"conversation_id" minimum:"1"`
	Limit          int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Length of a page."`
	Cursor         string `query:"cursor" doc:"next_cursor of the page before."`
}

func (h *handlers) listMailDeliveries(ctx context.Context, by team.Actor, in *mailDeliveriesIn) (*deliveriesOut, error) {
	return h.deliveries(ctx, by, webhook.DeliveryFilter{Kind: mail.Deliveries, Ref: in.WidgetID, State: in.State, Conversation: id.Conversation(in.ConversationID)},
		in.Cursor, in.Limit)
}

// mailDelivery reads a delivery that is one of a mail.
func (h *handlers) mailDelivery(ctx context.Context, by team.Actor, which int64) (*delivery.Detail, error) {
	d, err := h.Webhooks.GetDelivery(ctx, by, id.Delivery(which))
	if err != nil {
		return nil, err
	}
	if d.Kind != mail.Deliveries {
		return nil, fault.Newf(fault.DeliveryNotFound, "delivery %d is none of a mail", which)
	}
	return d, nil
}

func (h *handlers) getMailDelivery(ctx context.Context, by team.Actor, in *deliveryIn) (*deliveryOut, error) {
	d, err := h.mailDelivery(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	return &deliveryOut{wireDeliveryDetail(d)}, nil
}

func (h *handlers) replayMailDelivery(ctx context.Context, by team.Actor, in *deliveryIn) (*replayOut, error) {
	if _, err := h.mailDelivery(ctx, by, in.ID); err != nil {
		return nil, err
	}
	return h.replayDelivery(ctx, by, in)
}

func (h *handlers) reviveMailDelivery(ctx context.Context, by team.Actor, in *deliveryIn) (*replayOut, error) {
	if _, err := h.mailDelivery(ctx, by, in.ID); err != nil {
		return nil, err
	}
	return h.reviveDelivery(ctx, by, in)
}

type auditIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Length of a page."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before."`
}

type auditOut struct{ Body auditPage }

func (h *handlers) listAudit(ctx context.Context, by team.Actor, in *auditIn) (*auditOut, error) {
	before, err := decodeIDCursor[int64](auditCursor, in.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := h.Audit.List(ctx, by, before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &auditOut{auditPage{Items: wireList(list, wireAuditEntry)}}
	if more {
		out.Body.NextCursor = encodeIDCursor(auditCursor, list[len(list)-1].ID)
	}
	return out, nil
}
