package rest

import (
	"context"

	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/team"
)

type contactsIn struct {
	Email      string `query:"email" maxLength:"254" doc:"Exactly this address, whatever the letter case."`
	ExternalID string `query:"external_id" maxLength:"200" doc:"Exactly this id."`
	Q          string `query:"q" maxLength:"200" doc:"Part of the name or the e-mail address."`
	Limit      int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Length of a page."`
	Cursor     string `query:"cursor" doc:"next_cursor of the page before."`
}

type contactsOut struct{ Body contactPage }

func (h *handlers) listContacts(ctx context.Context, _ team.Actor, in *contactsIn) (*contactsOut, error) {
	for _, search := range [][2]string{{"email", in.Email}, {"external_id", in.ExternalID}, {"q", in.Q}} {
		if err := storable(search[0], search[1]); err != nil {
			return nil, err
		}
	}
	before, err := decodeIDCursor[id.Contact](contactCursor, in.Cursor)
	if err != nil {
		return nil, err
	}
	list, err := h.Contacts.List(ctx, contact.Search{Email: in.Email, ExternalID: in.ExternalID, Text: in.Q, Before: before, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	list, more := cut(list, in.Limit)
	out := &contactsOut{contactPage{Items: wireList(list, wireContact)}}
	if more {
		out.Body.NextCursor = encodeIDCursor(contactCursor, list[len(list)-1].ID)
	}
	return out, nil
}

type contactIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The contact's id." example:"5"`
}

type contactOut struct{ Body contactDetail }

func (h *handlers) contactOut(ctx context.Context, c *event.Contact, err error) (*contactOut, error) {
	if err != nil {
		return nil, err
	}
	problem, err := h.problemOf(ctx, c)
	if err != nil {
		return nil, err
	}
	return &contactOut{wireContactDetail(wireContact(c), problem)}, nil
}

func (h *handlers) getContact(ctx context.Context, _ team.Actor, in *contactIn) (*contactOut, error) {
	c, err := h.Contacts.Get(ctx, id.Contact(in.ID))
	return h.contactOut(ctx, c, err)
}

type contactPatchIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The contact's id." example:"5"`
	Body contactPatch
}

func (h *handlers) patchContact(ctx context.Context, by team.Actor, in *contactPatchIn) (*contactOut, error) {
	c, err := h.Contacts.Update(ctx, by, httpapi.Key(ctx), id.Contact(in.ID), in.Body.change())
	return h.contactOut(ctx, c, err)
}
