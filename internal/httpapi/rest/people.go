package rest

import (
	"context"
	"net/http"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/secret"
	"parley/internal/team"
)

type signInIn struct{ Body signInInput }

// sessionOut is an answer that starts or ends a browser's session.
type sessionOut struct {
	SetCookie http.Cookie `header:"Set-Cookie" doc:"The session cookie parley_session."`
	Body      operatorAnswer
}

func (h *handlers) signIn(ctx context.Context, _ team.Actor, in *signInIn) (*sessionOut, error) {
	token, o, err := h.Team.SignIn(ctx, in.Body.Email, secret.Of(in.Body.Password), httpapi.ClientKey(ctx), httpapi.UserAgent(ctx))
	return h.signedIn(ctx, token, o, err)
}

type signInLinkIn struct{ Body signInLinkInput }

func (h *handlers) signInLink(ctx context.Context, _ team.Actor, in *signInLinkIn) (*sessionOut, error) {
	token, o, err := h.Team.SignInWithLink(ctx, in.Body.Token, httpapi.ClientKey(ctx), httpapi.UserAgent(ctx))
	return h.signedIn(ctx, token, o, err)
}

func (h *handlers) signedIn(ctx context.Context, token string, o *event.Operator, err error) (*sessionOut, error) {
	if err != nil {
		return nil, err
	}
	full, err := h.operatorFull(ctx, o)
	if err != nil {
		return nil, err
	}
	return &sessionOut{SetCookie: h.edge.NewSessionCookie(token), Body: operatorAnswer{full}}, nil
}

type signOutOut struct {
	SetCookie http.Cookie `header:"Set-Cookie" doc:"Makes the browser forget the session."`
}

func (h *handlers) signOut(ctx context.Context, _ team.Actor, _ *struct{}) (*signOutOut, error) {
	token := httpapi.SessionToken(ctx)
	if token == "" {
		return nil, fault.New(fault.AuthDenied, "API tokens have no session; revoke the token instead")
	}
	if err := h.Team.SignOut(ctx, token); err != nil {
		return nil, err
	}
	return &signOutOut{SetCookie: h.edge.EndSessionCookie()}, nil
}

// operatorFull adds the load to an operator.
func (h *handlers) operatorFull(ctx context.Context, o *event.Operator) (operatorFull, error) {
	loads, err := h.Inbox.Loads(ctx)
	if err != nil {
		return operatorFull{}, err
	}
	return wireOperatorFull(o, loads), nil
}

type operatorOut struct{ Body operatorAnswer }

func (h *handlers) wireOperator(ctx context.Context, o *event.Operator, err error) (*operatorOut, error) {
	if err != nil {
		return nil, err
	}
	full, err := h.operatorFull(ctx, o)
	if err != nil {
		return nil, err
	}
	return &operatorOut{operatorAnswer{full}}, nil
}

type meOut struct{ Body meAnswer }

func (h *handlers) me(ctx context.Context, by team.Actor, _ *struct{}) (*meOut, error) {
	if by.Operator == 0 {
		return nil, fault.New(fault.AuthDenied, "an API token is no operator")
	}
	// The seq comes first: what happens between the reads is then told twice rather than never.
	_, seq, err := h.Feed.ReadAfter(ctx, id.MaxSafe, 1, feed.Filter{})
	if err != nil {
		return nil, err
	}
	o, err := h.Team.Get(ctx, by.Operator)
	if err != nil {
		return nil, err
	}
	full, err := h.operatorFull(ctx, o)
	if err != nil {
		return nil, err
	}
	return &meOut{meAnswer{Operator: full, Seq: wireID(seq), PublicURL: h.PublicURL, Version: h.Version, Demo: h.Demo}}, nil
}

type availabilityIn struct{ Body availabilityInput }

func (h *handlers) setAvailability(ctx context.Context, by team.Actor, in *availabilityIn) (*operatorOut, error) {
	o, err := h.Team.SetAvailability(ctx, by, in.Body.Availability)
	return h.wireOperator(ctx, o, err)
}

type passwordIn struct{ Body passwordInput }

func (h *handlers) changePassword(ctx context.Context, by team.Actor, in *passwordIn) (*struct{}, error) {
	return nil, h.Team.ChangePassword(ctx, by, secret.Of(in.Body.Current), secret.Of(in.Body.New), httpapi.SessionToken(ctx))
}

type operatorsOut struct{ Body operatorList }

func (h *handlers) listOperators(ctx context.Context, _ team.Actor, _ *struct{}) (*operatorsOut, error) {
	list, err := h.Team.List(ctx)
	if err != nil {
		return nil, err
	}
	loads, err := h.Inbox.Loads(ctx)
	if err != nil {
		return nil, err
	}
	return &operatorsOut{operatorList{Items: wireList(list, func(o *event.Operator) operatorFull { return wireOperatorFull(o, loads) })}}, nil
}

type operatorCreateIn struct{ Body operatorInput }

type operatorCreatedOut struct{ Body operatorCreatedAnswer }

func (h *handlers) createOperator(ctx context.Context, by team.Actor, in *operatorCreateIn) (*operatorCreatedOut, error) {
	n, err := in.Body.operator()
	if err != nil {
		return nil, err
	}
	created, err := h.Team.Create(ctx, by, n, httpapi.Key(ctx))
	if err != nil {
		return nil, err
	}
	full, err := h.operatorFull(ctx, created.Operator)
	if err != nil {
		return nil, err
	}
	out := &operatorCreatedOut{operatorCreatedAnswer{Operator: full}}
	if !created.Link.IsZero() {
		out.Body.InviteLink = wireStringOrNull(h.link(created.Link))
	}
	return out, nil
}

// link is the address of the page that signs in with a one-time token.
func (h *handlers) link(token secret.String) string {
	return h.PublicURL + "/app/link#" + token.Reveal()
}

type operatorIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The operator's id." example:"1"`
}

type operatorPatchIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The operator's id." example:"1"`
	Body operatorPatch
}

func (h *handlers) patchOperator(ctx context.Context, by team.Actor, in *operatorPatchIn) (*operatorOut, error) {
	o, err := h.Team.Update(ctx, by, id.Operator(in.ID), in.Body.change())
	return h.wireOperator(ctx, o, err)
}

type linkOut struct{ Body linkAnswer }

func (h *handlers) createLink(ctx context.Context, by team.Actor, in *operatorIn) (*linkOut, error) {
	token, err := h.Team.CreateLink(ctx, by, id.Operator(in.ID), 0, httpapi.Key(ctx))
	if err != nil {
		return nil, err
	}
	return &linkOut{linkAnswer{InviteLink: h.link(token)}}, nil
}

type groupsOut struct{ Body groupList }

func (h *handlers) listGroups(ctx context.Context, _ team.Actor, _ *struct{}) (*groupsOut, error) {
	list, err := h.Team.Groups(ctx)
	if err != nil {
		return nil, err
	}
	return &groupsOut{groupList{Items: wireList(list, wireGroupWithMembers)}}, nil
}

type groupOut struct{ Body groupWithMembers }

func wireGroupOut(g *event.Group, err error) (*groupOut, error) {
	if err != nil {
		return nil, err
	}
	return &groupOut{wireGroupWithMembers(g)}, nil
}

type groupCreateIn struct{ Body groupInput }

func (h *handlers) createGroup(ctx context.Context, by team.Actor, in *groupCreateIn) (*groupOut, error) {
	return wireGroupOut(h.Team.CreateGroup(ctx, by, in.Body.Name, idsOf[id.Operator](in.Body.OperatorIDs), httpapi.Key(ctx)))
}

type groupIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The group's id." example:"1"`
}

type groupPatchIn struct {
	ID   int64 `path:"id" minimum:"1" doc:"The group's id." example:"1"`
	Body groupPatch
}

func (h *handlers) patchGroup(ctx context.Context, by team.Actor, in *groupPatchIn) (*groupOut, error) {
	c := team.GroupChange{Name: in.Body.Name}
	if in.Body.OperatorIDs != nil {
		ids := idsOf[id.Operator](*in.Body.OperatorIDs)
		c.Operators = &ids
	}
	return wireGroupOut(h.Team.ChangeGroup(ctx, by, id.Group(in.ID), c))
}

func (h *handlers) deleteGroup(ctx context.Context, by team.Actor, in *groupIn) (*struct{}, error) {
	return nil, h.Team.DeleteGroup(ctx, by, id.Group(in.ID))
}

type tokensOut struct{ Body tokenList }

func (h *handlers) listTokens(ctx context.Context, by team.Actor, _ *struct{}) (*tokensOut, error) {
	list, err := h.Team.Tokens(ctx, by)
	if err != nil {
		return nil, err
	}
	return &tokensOut{tokenList{Items: wireList(list, wireToken)}}, nil
}

type tokenCreateIn struct{ Body tokenInput }

type tokenCreatedOut struct{ Body tokenCreatedAnswer }

func (h *handlers) createToken(ctx context.Context, by team.Actor, in *tokenCreateIn) (*tokenCreatedOut, error) {
	t, plain, err := h.Team.CreateToken(ctx, by, in.Body.Name, in.Body.Scope, httpapi.Key(ctx))
	if err != nil {
		return nil, err
	}
	return &tokenCreatedOut{tokenCreatedAnswer{Token: wireToken(t), Secret: plain.Reveal()}}, nil
}

type tokenIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The token's id." example:"1"`
}

func (h *handlers) deleteToken(ctx context.Context, by team.Actor, in *tokenIn) (*struct{}, error) {
	return nil, h.Team.RevokeToken(ctx, by, id.Token(in.ID))
}
