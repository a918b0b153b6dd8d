package team

import (
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

// Roles of an operator.
const (
	RoleAdmin    = "admin"
	RoleOperator = "operator"
)

// Scopes of an API token; each includes the ones before it.
const (
	ScopeRead  = "read"
	ScopeWrite = "write"
	ScopeAdmin = "admin"
)

// Actor is who asks for something: an operator, an API token, or the system itself. It is passed as an argument; use
// cases below the HTTP edge never look for it in a context.
type Actor struct {
	// Operator is set for an operator, 0 else.
	Operator id.Operator
	// Token is set for an API token, 0 else.
	Token id.Token
	// Name is the operator's display name or the token's name.
	Name string
	// Scope is what the actor may do: ScopeRead, ScopeWrite or ScopeAdmin. An operator has ScopeWrite, an admin ScopeAdmin.
	Scope string
}

// System is the actor of timers and rules.
func System() Actor { return Actor{Scope: ScopeAdmin} }

// Party is how events and thread entries name the actor. API tokens act as the system.
func (a Actor) Party() event.Party {
	if a.Operator != 0 {
		return event.Party{Type: event.ByOperator, ID: int64(a.Operator), Name: a.Name}
	}
	return event.Party{Type: event.BySystem, Name: a.Name}
}

// MayWrite returns a fault unless the actor may change conversations and contacts.
func (a Actor) MayWrite() error {
	if a.Scope == ScopeWrite || a.Scope == ScopeAdmin {
		return nil
	}
	return fault.New(fault.AuthScope, "this token may only read; use one with scope write or admin")
}

// MayAdmin returns a fault unless the actor may change settings.
func (a Actor) MayAdmin() error {
	if a.Scope == ScopeAdmin {
		return nil
	}
	if a.Operator != 0 {
		return fault.New(fault.AuthDenied, "only operators with the role admin may do this")
	}
	return fault.New(fault.AuthScope, "this needs a token with scope admin")
}
