package team

import (
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

// TabAlive is how long a tab counts after it was last touched. Tabs are touched about every 25 s, so two touches may be lost.
const TabAlive = 75 * time.Second

// GraceDefault is how long an operator stays present after the last tab was closed (S-111).
const GraceDefault = 10 * time.Second

// Tab is one open browser tab of an operator, by a name that is unique on all nodes.
type Tab struct {
	Operator id.Operator
	ID       string
}

// tab is a row of operator_tabs. For a closed tab seen is the time of closing, if it was alive then.
type tab struct {
	operator id.Operator
	seen     time.Time
	closed   bool
}

// end is when the tab stops counting, if nothing touches it.
func (t tab) end(grace time.Duration) time.Time {
	if t.closed {
		return t.seen.Add(grace)
	}
	return t.seen.Add(TabAlive)
}

// present reports whether any tab counts at now: it is open and was touched within TabAlive, or was closed less than the
// grace time ago.
func present(tabs []tab, now time.Time, grace time.Duration) bool {
	for _, t := range tabs {
		if t.end(grace).After(now) {
			return true
		}
	}
	return false
}

// Status is the definition of an operator's status: the availability that the operator chose while present, offline else.
// A deactivated operator is offline.
func Status(availability string, present, active bool) string {
	if !present || !active {
		return event.Offline
	}
	return availability
}

func checkAvailability(s string) error {
	switch s {
	case event.Online, event.Away, event.Offline:
		return nil
	}
	return fault.New(fault.FieldInvalid, "the availability must be online, away or offline").At("availability")
}
