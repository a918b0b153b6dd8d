package visitor

import (
	"net/http"
	"time"

	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/limit"
	"parley/internal/onsite"
)

// How often the visitors of one address may leave a message: each makes a conversation and calls to others, and a form invites programs.
const (
	formsBurst = 10
	formsEvery = time.Minute
)

func newForms(now func() time.Time) *limit.Limiter {
	return limit.New(limit.Options{Every: formsEvery, Burst: formsBurst, Keys: 50_000, Now: now})
}

// postOffline takes what was written into the form that a widget shows while nobody is there. It is taken whenever it comes: somebody may
// have come back, or the form been switched off, while it was on its way (S-124).
func (e *edge) postOffline(w http.ResponseWriter, r *http.Request) error {
	var in wireOffline
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	guest, err := e.Inbox.Guest(r.Context(), r.PathValue("key"), httpapi.BearerToken(r))
	if err != nil {
		return err
	}
	if err := e.originOf(r, guest.Widget); err != nil {
		return err
	}
	if wait, ok := e.forms.Allow(httpapi.ClientKey(r.Context())); !ok {
		return fault.New(fault.RequestLimited, "too many messages were left from this address").After(wait)
	}
	out, err := e.Inbox.PostOffline(r.Context(), inbox.OfflinePost{
		WidgetKey: guest.Widget.Key, Widget: guest.Widget, Contact: guest.Visitor.Contact, ClientID: in.ClientID,
		Name: in.Name, Email: in.Email, Message: in.Message, Claimed: in.Claimed.claim(), Visit: visitOf(r, in.Visit),
	})
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusCreated, wireLeft{orNull(out.Token), contactOf(out.Contact), out.Conversation.ID})
}

// here takes a page's word that somebody is on it, and answers with an operator's message once there is one. Only pages of widgets that
// show their visitors call; the others are refused (visitor.list_off), and nothing is kept of them.
func (e *edge) here(w http.ResponseWriter, r *http.Request) error {
	var in wireHere
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	guest, err := e.Inbox.Guest(r.Context(), r.PathValue("key"), httpapi.BearerToken(r))
	if fault.Is(err, fault.AuthInvalid) { // signed out elsewhere, and on the page all the same
		guest, err = e.Inbox.Guest(r.Context(), r.PathValue("key"), "")
	}
	if err != nil {
		return err
	}
	if err := e.originOf(r, guest.Widget); err != nil {
		return err
	}
	if e.Onsite == nil {
		return fault.New(fault.VisitorsOff, "this server does not show who is on its sites")
	}
	seen, err := e.Onsite.Here(r.Context(), onsite.Call{Widget: guest.Widget, Key: in.Key, Contact: guest.Visitor.Contact, Visit: visitOf(r, in.Visit),
		From: httpapi.ClientKey(r.Context()), Left: in.Left})
	if err != nil {
		return err
	}
	out := wireSeen{Key: seen.Key}
	if i := seen.Invitation; i != nil {
		out.Invitation = &wireInvitation{i.ID, i.Secret.Reveal(), i.Body, wireFace{i.Operator.DisplayName(), i.Operator.ImageURL}, i.CreatedAt}
	}
	return respond(w, r, http.StatusOK, out)
}

// answered is the operator's message that a visitor's on this widget answers, nil for none.
func (e *edge) answered(r *http.Request, of id.Widget, in *wireAnswering) (*inbox.Invitation, error) {
	if in == nil || e.Onsite == nil {
		return nil, nil
	}
	return e.Onsite.Accept(r.Context(), of, in.ID, in.Secret)
}
