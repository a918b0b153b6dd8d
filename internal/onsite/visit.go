package onsite

import (
	"strings"

	"parley/internal/event"
	"parley/internal/inbox"
)

// clean makes of what a page tells, in which nothing is trusted, what can be kept and shown, with the place of its address.
func (d *Desk) clean(v inbox.Visit) event.Visit {
	out := v.Clean()
	if d.Place != nil && out.IP != "" {
		d.Place(out.IP).Put(&out)
	}
	return out
}

// withoutFragment is an address as browsers send it in a referrer.
func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}
