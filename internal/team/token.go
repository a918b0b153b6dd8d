package team

import (
	"strings"
	"time"

	"parley/internal/fault"
	"parley/internal/id"
)

// Token is an API token without its secret.
type Token struct {
	ID    id.Token
	Name  string
	Scope string
	// Prefix is the beginning of the secret, enough to recognise it.
	Prefix    string
	CreatedAt time.Time
	// LastUsedAt is right to about a minute; zero while it was never used.
	LastUsedAt time.Time
	// CreatedBy is the operator who made it, 0 for the system.
	CreatedBy id.Operator
	// CreatedByName is that operator's name, "" for the system.
	CreatedByName string
}

// shownPrefix is how much of a token's secret the list shows.
const shownPrefix = len(tokenPrefix) + 4

func checkToken(name, scope string) (string, error) {
	name = strings.TrimSpace(name)
	var faults fault.Collect
	if name == "" {
		faults.Add(fault.New(fault.FieldRequired, "a token needs a name").At("name"))
	}
	faults.Add(checkLine(name, "name", maxName))
	if scope != ScopeRead && scope != ScopeWrite && scope != ScopeAdmin {
		faults.Add(fault.New(fault.FieldInvalid, "the scope must be read, write or admin").At("scope"))
	}
	return name, faults.Err()
}
