package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/team"
)

// lists adds the operations that read many conversations.
func (h *handlers) lists(api huma.API) {
	tags := []string{tagConversations}
	add(h, api, httpapi.Operation{
		ID: "list-conversations", Method: http.MethodGet, Path: "/conversations", Tags: tags, Scope: team.ScopeRead,
		Summary: "List and search conversations",
		Description: "Latest activity first. The parameters narrow the list together. `seq` and `counts` belong to the same moment as the list: follow the feed from " +
			"`seq` to keep it current.",
		Faults: codes(fault.CursorInvalid, fault.TextTooLong),
	}, h.listConversations)
	add(h, api, httpapi.Operation{
		ID: "list-conversation-ids", Method: http.MethodGet, Path: "/conversations/ids", Tags: tags, Scope: team.ScopeRead,
		Summary:     "List the ids of conversations",
		Description: "The ids of all that the list has on all of its pages, at most 10,000: to do something with them.",
		Faults:      codes(fault.TextTooLong),
	}, h.listConversationIDs)
	add(h, api, httpapi.Operation{
		ID: "export-conversations", Method: http.MethodGet, Path: "/conversations/export", Tags: tags, Scope: team.ScopeRead,
		Summary: "Export conversations",
		Description: "Everything that the list has, as a file: a table (CSV in UTF-8, one line per conversation after a line with the names of the columns) or a JSON array of " +
			"conversations. The newest conversation comes first. A cell of the table that a spreadsheet would take for a formula begins with `'`. " +
			"If the connection breaks off before its proper end, the file is not complete.",
		Faults: codes(fault.TextTooLong),
	}, h.exportConversations)
	add(h, api, httpapi.Operation{
		ID: "list-tags", Method: http.MethodGet, Path: "/tags", Tags: tags, Scope: team.ScopeRead,
		Summary: "List tags", Description: "The tags that conversations have, the most frequent first, at most 1,000.",
	}, h.listTags)
}

// ConversationFilter is what narrows a list of conversations, in every operation that reads one. It is exported because the library passes
// over the fields of embedded types that are not.
type ConversationFilter struct {
	View       string    `query:"view" enum:"mine,unassigned,all" default:"all" doc:"Whose conversations."`
	Status     []string  `query:"status" enum:"new,open,pending,ended,all" doc:"Only these statuses, with commas between; all for every one. Default: all but ended."`
	GroupID    int64     `query:"group_id" minimum:"1"`
	WidgetID   int64     `query:"widget_id" minimum:"1"`
	ContactID  int64     `query:"contact_id" minimum:"1"`
	OperatorID int64     `query:"operator_id" minimum:"1" doc:"Who is responsible. Cannot be combined with the views mine and unassigned."`
	Channel    string    `query:"channel" pattern:"^(website|[1-9][0-9]{0,15})$" doc:"Only conversations of this channel: website, or the id of another." example:"website"`
	Tag        []string  `query:"tag,explode" maxItems:"20" doc:"Only conversations with this tag, as it is written. May be repeated: then they have all of them."`
	Rating     []string  `query:"rating,explode" enum:"1,2,3,4,5,none" maxItems:"6" doc:"Only conversations whose contact rated them so the last time. May be repeated: then they have one of them."`
	Attention  bool      `query:"attention" doc:"True for only those in which a message has waited too long for an operator."`
	From       time.Time `query:"from" doc:"Only conversations that began at this time or later." example:"2026-11-22T00:00:00Z"`
	To         time.Time `query:"to" doc:"Only conversations that began before this time." example:"2026-11-23T00:00:00Z"`
	Q          string    `query:"q" maxLength:"200" doc:"Only conversations in which somebody wrote this, notes included, or whose contact's name or e-mail address has it. All words must be in one message, the last one may be a word's beginning; a phrase stands in quotes. Case and accents do not matter. What was written in the last seconds may be missing." example:"refund"`
}

func (in *ConversationFilter) filter(by team.Actor) (inbox.Filter, error) {
	f := inbox.Filter{
		Statuses: in.Status, Group: id.Group(in.GroupID), Widget: id.Widget(in.WidgetID), Contact: id.Contact(in.ContactID),
		Operator: id.Operator(in.OperatorID), Channel: in.Channel, Tags: in.Tag, Attention: in.Attention, From: in.From, To: in.To, Text: in.Q,
	}
	if len(f.Statuses) == 0 {
		f.Statuses = []string{event.StatusNew, event.StatusOpen, event.StatusPending}
	}
	for _, s := range in.Status {
		if s == "all" {
			f.Statuses = nil
		}
	}
	for _, r := range in.Rating {
		n := 0
		if r != "none" {
			var err error
			if n, err = strconv.Atoi(r); err != nil {
				return f, fault.New(fault.FieldInvalid, "a rating is 1 to 5, or none").At("rating")
			}
		}
		f.Ratings = append(f.Ratings, n)
	}
	for i, tag := range in.Tag {
		if !utf8.ValidString(tag) || strings.ContainsFunc(tag, unicode.IsControl) {
			return f, fault.New(fault.FieldInvalid, "a tag is one line of text").At("tag[" + strconv.Itoa(i) + "]")
		}
	}
	if in.View != "all" && in.OperatorID != 0 {
		return f, fault.New(fault.FieldInvalid, "operator_id goes with the view all only").At("operator_id")
	}
	switch in.View {
	case "mine":
		if by.Operator == 0 {
			return f, fault.New(fault.FieldInvalid, "an API token has no conversations of its own; use operator_id").At("view")
		}
		f.Operator = by.Operator
	case "unassigned":
		f.Unassigned = true
	}
	return f, nil
}

type conversationsIn struct {
	ConversationFilter
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Length of a page."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before."`
}

type conversationsOut struct{ Body conversationPage }

func (h *handlers) listConversations(ctx context.Context, by team.Actor, in *conversationsIn) (*conversationsOut, error) {
	f, err := in.filter(by)
	if err != nil {
		return nil, err
	}
	f.Limit = in.Limit + 1
	if f.Before, err = decodeConversationCursor(in.Cursor); err != nil {
		return nil, err
	}
	p, err := h.Inbox.List(ctx, f, by.Operator)
	if err != nil {
		return nil, err
	}
	items, more := cut(p.Items, in.Limit)
	out := &conversationsOut{conversationPage{Items: wireList(items, wireConversation), Seq: wireID(p.Seq), Counts: wireCounts(p.Counts)}}
	if more {
		out.Body.NextCursor = encodeConversationCursor(items[len(items)-1])
	}
	return out, nil
}

type conversationIDsIn struct{ ConversationFilter }

type conversationIDsOut struct{ Body conversationIDs }

func (h *handlers) listConversationIDs(ctx context.Context, by team.Actor, in *conversationIDsIn) (*conversationIDsOut, error) {
	f, err := in.filter(by)
	if err != nil {
		return nil, err
	}
	ids, more, err := h.Inbox.IDs(ctx, f)
	if err != nil {
		return nil, err
	}
	return &conversationIDsOut{conversationIDs{IDs: wireIDs(ids), More: more}}, nil
}

type tagsOut struct{ Body tagList }

func (h *handlers) listTags(ctx context.Context, _ team.Actor, _ *struct{}) (*tagsOut, error) {
	list, err := h.Inbox.Tags(ctx)
	if err != nil {
		return nil, err
	}
	return &tagsOut{tagList{wireList(list, wireTag)}}, nil
}
