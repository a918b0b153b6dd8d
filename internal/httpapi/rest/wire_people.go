package rest

import (
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/secret"
	"parley/internal/team"
)

type named struct {
	ID   int64  `json:"id" example:"1"`
	Name string `json:"name" example:"Name"`
}

// group is the short form of a group.
type group struct {
	ID   int64  `json:"id" example:"1"`
	Name string `json:"name" example:"Support"`
}

func wireGroup(g event.Group) group { return group{ID: wireID(g.ID), Name: g.Name} }

func wireGroupOrNull(g *event.Group) *group {
	if g == nil {
		return nil
	}
	w := wireGroup(*g)
	return &w
}

type groupWithMembers struct {
	ID          int64   `json:"id" example:"1"`
	Name        string  `json:"name" example:"Support"`
	OperatorIDs []int64 `json:"operator_ids" nullable:"false" doc:"The members' ids, ascending." example:"[1, 2]"`
}

func wireGroupWithMembers(g *event.Group) groupWithMembers {
	return groupWithMembers{ID: wireID(g.ID), Name: g.Name, OperatorIDs: wireIDs(g.OperatorIDs)}
}

// operatorBrief is an operator where one is mentioned.
type operatorBrief struct {
	ID        int64  `json:"id" example:"1"`
	Name      string `json:"name" doc:"First and last name." example:"Ann Lee"`
	FirstName string `json:"first_name" example:"Ann"`
	LastName  string `json:"last_name" example:"Lee"`
	Alias     string `json:"alias" doc:"What contacts see instead of the name; empty when they see the name." example:""`
	Email     string `json:"email" example:"ann@example.com"`
	ImageURL  string `json:"image_url" doc:"Empty when there is no picture." example:""`
	Status    string `json:"status" enum:"online,away,offline" doc:"The availability that the operator chose, while the Message Center is open somewhere; offline otherwise."`
}

func wireOperatorBrief(o *event.Operator) *operatorBrief {
	if o == nil {
		return nil
	}
	return &operatorBrief{
		ID:        wireID(o.ID),
		Name:      o.Name(),
		FirstName: o.FirstName,
		LastName:  o.LastName,
		Alias:     o.Alias,
		Email:     o.Email,
		ImageURL:  o.ImageURL,
		Status:    o.Status,
	}
}

type operatorFull struct {
	ID                int64   `json:"id" example:"1"`
	Name              string  `json:"name" doc:"First and last name." example:"Ann Lee"`
	FirstName         string  `json:"first_name" example:"Ann"`
	LastName          string  `json:"last_name" example:"Lee"`
	Alias             string  `json:"alias" doc:"What contacts see instead of the name; empty when they see the name." example:""`
	Email             string  `json:"email" example:"ann@example.com"`
	ImageURL          string  `json:"image_url" doc:"Empty when there is no picture." example:""`
	Status            string  `json:"status" enum:"online,away,offline" doc:"The availability that the operator chose, while the Message Center is open somewhere; offline otherwise."`
	Username          string  `json:"username" example:"ann"`
	Lang              string  `json:"lang" example:"en"`
	Locale            string  `json:"locale" example:"en_US"`
	Timezone          string  `json:"timezone" example:"UTC"`
	Role              string  `json:"role" enum:"admin,operator"`
	Active            bool    `json:"active" doc:"False for an operator who was deactivated and cannot sign in."`
	Slots             int     `json:"slots" doc:"How many conversations in work routing gives to the operator." example:"5"`
	Availability      string  `json:"availability" enum:"online,away,offline" doc:"What the operator chose to be."`
	Groups            []group `json:"groups" nullable:"false"`
	OpenConversations int     `json:"open_conversations" doc:"Conversations of the operator that are new or open." example:"2"`
	CreatedAt         string  `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
}

func wireOperatorFull(o *event.Operator, loads map[id.Operator]int) operatorFull {
	return operatorFull{
		ID:                wireID(o.ID),
		Name:              o.Name(),
		FirstName:         o.FirstName,
		LastName:          o.LastName,
		Alias:             o.Alias,
		Email:             o.Email,
		ImageURL:          o.ImageURL,
		Status:            o.Status,
		Username:          o.Username,
		Lang:              o.Lang,
		Locale:            o.Locale,
		Timezone:          o.Timezone,
		Role:              o.Role,
		Active:            o.Active,
		Slots:             o.Slots,
		Availability:      o.Availability,
		Groups:            wireList(o.Groups, wireGroup),
		OpenConversations: loads[o.ID],
		CreatedAt:         wireTime(o.CreatedAt),
	}
}

type operatorAnswer struct {
	Operator operatorFull `json:"operator"`
}

type meAnswer struct {
	Operator  operatorFull `json:"operator"`
	Seq       int64        `json:"seq" doc:"The newest event of the feed; follow the socket or GET /events from here." example:"123"`
	PublicURL string       `json:"public_url" example:"https://chat.example.com"`
	Version   string       `json:"version" example:"1.0.0"`
	Demo      bool         `json:"demo" doc:"True when the server runs as a demo."`
}

type operatorCreatedAnswer struct {
	Operator   operatorFull `json:"operator"`
	InviteLink *string      `json:"invite_link" doc:"One-time sign-in link, shown only here; null when a password was given." example:"https://chat.example.com/app/link#pl_…"`
}

type linkAnswer struct {
	InviteLink string `json:"invite_link" doc:"One-time sign-in link, valid for 24 hours." example:"https://chat.example.com/app/link#pl_…"`
}

type operatorList struct {
	Items []operatorFull `json:"items" nullable:"false"`
}

type groupList struct {
	Items []groupWithMembers `json:"items" nullable:"false"`
}

type signInInput struct {
	Email    string `json:"email" example:"ann@example.com"`
	Password string `json:"password" example:"correct horse battery"`
}

type signInLinkInput struct {
	Token string `json:"token" doc:"What stands behind the # of the link." example:"pl_…"`
}

type availabilityInput struct {
	Availability string `json:"availability" enum:"online,away,offline"`
}

type passwordInput struct {
	Current string `json:"current" doc:"Empty when the operator has no password yet."`
	New     string `json:"new" doc:"At least 10 characters."`
}

type operatorInput struct {
	Email     string  `json:"email" example:"ann@example.com"`
	FirstName string  `json:"first_name" example:"Ann"`
	LastName  string  `json:"last_name" example:"Lee"`
	Alias     string  `json:"alias,omitempty" doc:"What contacts see instead of the name."`
	Role      string  `json:"role,omitempty" enum:"admin,operator" doc:"Default: operator."`
	Password  string  `json:"password,omitempty" doc:"At least 10 characters. Without one the answer has a one-time sign-in link."`
	Slots     *int    `json:"slots,omitempty" doc:"1 to 1000, default 5."`
	GroupIDs  []int64 `json:"group_ids,omitempty" nullable:"false"`
	ImageURL  string  `json:"image_url,omitempty" doc:"Must begin with https://."`
	Lang      string  `json:"lang,omitempty" doc:"Default: en."`
	Locale    string  `json:"locale,omitempty" doc:"Default: en_US."`
	Timezone  string  `json:"timezone,omitempty" doc:"Default: UTC."`
}

func (in operatorInput) operator() (team.NewOperator, error) {
	n := team.NewOperator{
		Email:     in.Email,
		FirstName: in.FirstName,
		LastName:  in.LastName,
		Alias:     in.Alias,
		ImageURL:  in.ImageURL,
		Lang:      in.Lang,
		Locale:    in.Locale,
		Timezone:  in.Timezone,
		Role:      in.Role,
		Groups:    idsOf[id.Group](in.GroupIDs),
		Password:  secret.Of(in.Password),
	}
	if in.Slots != nil {
		// 0 would be taken for the default.
		if *in.Slots < 1 {
			return n, fault.New(fault.FieldInvalid, "an operator has at least one slot").At("slots")
		}
		n.Slots = *in.Slots
	}
	return n, nil
}

// idsOf is the inverse of wireIDs.
func idsOf[T ~int64](list []int64) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = T(v)
	}
	return out
}

type operatorPatch struct {
	Email     *string  `json:"email,omitempty"`
	FirstName *string  `json:"first_name,omitempty"`
	LastName  *string  `json:"last_name,omitempty"`
	Alias     *string  `json:"alias,omitempty"`
	Role      *string  `json:"role,omitempty" enum:"admin,operator"`
	Password  *string  `json:"password,omitempty" doc:"Sets another operator's password and ends their sessions."`
	Slots     *int     `json:"slots,omitempty" doc:"1 to 1000."`
	GroupIDs  *[]int64 `json:"group_ids,omitempty" nullable:"false" doc:"Replaces all memberships."`
	Active    *bool    `json:"active,omitempty" doc:"False ends the operator's sessions."`
	ImageURL  *string  `json:"image_url,omitempty" doc:"Empty, or begins with https://."`
	Lang      *string  `json:"lang,omitempty"`
	Locale    *string  `json:"locale,omitempty"`
	Timezone  *string  `json:"timezone,omitempty"`
}

func (in operatorPatch) change() team.OperatorChange {
	c := team.OperatorChange{
		Email:     in.Email,
		FirstName: in.FirstName,
		LastName:  in.LastName,
		Alias:     in.Alias,
		ImageURL:  in.ImageURL,
		Lang:      in.Lang,
		Locale:    in.Locale,
		Timezone:  in.Timezone,
		Role:      in.Role,
		Active:    in.Active,
		Slots:     in.Slots,
	}
	if in.GroupIDs != nil {
		groups := idsOf[id.Group](*in.GroupIDs)
		c.Groups = &groups
	}
	if in.Password != nil {
		password := secret.Of(*in.Password)
		c.Password = &password
	}
	return c
}

type groupInput struct {
	Name        string  `json:"name" example:"Support"`
	OperatorIDs []int64 `json:"operator_ids,omitempty" nullable:"false" example:"[1, 2]"`
}

type groupPatch struct {
	Name        *string  `json:"name,omitempty" example:"Support"`
	OperatorIDs *[]int64 `json:"operator_ids,omitempty" nullable:"false" doc:"Replaces all members." example:"[1, 2]"`
}

// token is an API token without its secret.
type token struct {
	ID         int64   `json:"id" example:"1"`
	Name       string  `json:"name" example:"Nightly export"`
	Scope      string  `json:"scope" enum:"read,write,admin"`
	Prefix     string  `json:"prefix" doc:"How the secret begins." example:"pat_ab12"`
	CreatedAt  string  `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	LastUsedAt *string `json:"last_used_at" format:"date-time" doc:"Right to about a minute; null while never used."`
	CreatedBy  *named  `json:"created_by" doc:"The operator who made it; null for the command line."`
}

func wireToken(t team.Token) token {
	w := token{
		ID:         wireID(t.ID),
		Name:       t.Name,
		Scope:      t.Scope,
		Prefix:     t.Prefix,
		CreatedAt:  wireTime(t.CreatedAt),
		LastUsedAt: wireTimeOrNull(t.LastUsedAt),
	}
	if t.CreatedBy != 0 {
		w.CreatedBy = &named{ID: wireID(t.CreatedBy), Name: t.CreatedByName}
	}
	return w
}

type tokenList struct {
	Items []token `json:"items" nullable:"false"`
}

type tokenInput struct {
	Name  string `json:"name" example:"Nightly export"`
	Scope string `json:"scope" enum:"read,write,admin" doc:"admin includes write, write includes read."`
}

type tokenCreatedAnswer struct {
	Token  token  `json:"token"`
	Secret string `json:"secret" doc:"The token itself, shown only here." example:"pat_…"`
}
