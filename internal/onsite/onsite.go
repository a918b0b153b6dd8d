package onsite

import (
	"encoding/json"
	"fmt"
	"time"

	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/secret"
)

const (
	// Wait is how long Here waits for an invitation before it answers without one.
	Wait = 20 * time.Second
	// goneAfter is how long after its last call a page counts as left. A page calls again as soon as it has an answer.
	goneAfter = 60 * time.Second
	// onTheWay is how long a visitor whose page was left stays in the list: most are only between two pages.
	onTheWay = 10 * time.Second
	// keepRow is how long a row stays after its last call.
	keepRow = 2 * time.Minute
	// InviteFor is how long an invitation is shown; answering it is possible for as long again, for whoever was still typing.
	InviteFor = 30 * time.Minute
	// MaxPerWidget is how many visitors of one widget are kept at a time.
	MaxPerWidget = 10_000
	// MaxListed is how many visitors List returns.
	MaxListed = 500
	// MaxTrail is how many pages of a visitor are kept, the latest ones.
	MaxTrail = 50
	// maxTrailBytes is how much of a trail is stored.
	maxTrailBytes = 32 << 10
)

// Call is what the widget on a page tells, again and again while the page is open.
type Call struct {
	// Widget is the active widget of the page.
	Widget *event.Widget
	// Key is what the answer to the page's first call gave, "" for that first call itself. A key that is not known any more is taken for "".
	Key string
	// Contact is whose token the browser has, 0 for none.
	Contact id.Contact
	Visit   inbox.Visit
	// From is by what the address is limited and recognised.
	From string
	// Left tells that the page is being left; nobody reads the answer.
	Left bool
}

// Answer is what a page gets.
type Answer struct {
	// Key is to be sent with the page's next call, "" when the page was left.
	Key string
	// Invitation is the operator's message that waits for the visitor; the same one comes in every answer until it was answered or is over.
	Invitation *Invitation
}

// Invitation is an operator's message to somebody who has not written yet.
type Invitation struct {
	ID id.Invitation
	// Secret is what Accept wants to see: whoever has it was shown the invitation.
	Secret    secret.String
	Body      string
	Operator  *event.Operator
	CreatedAt time.Time
}

// Page is one that a visitor has opened.
type Page struct {
	URL, Title string
	At         time.Time
}

// Visitor is somebody on a site now.
type Visitor struct {
	ID     id.Visitor
	Widget id.Widget
	// Contact is who it is where they have written before, 0 else; Conversation is an open one of theirs on the website, 0 for none.
	Contact      id.Contact
	Conversation id.Conversation
	// Name is the contact's name or handle, "guest-" with the visitor's number for somebody who never wrote.
	Name string
	// Visit has the current page, and what is known of the browser and of where it is.
	Visit event.Visit
	// Trail are the pages in the order in which they were opened, the last one is the current one; at most 50.
	Trail     []Page
	StartedAt time.Time
	SeenAt    time.Time
	// InvitedAt is when somebody sent the invitation that waits, zero for none.
	InvitedAt time.Time
}

// Pages is how many pages the visitor has opened in this visit.
func (v *Visitor) Pages() int { return max(len(v.Trail), v.Visit.PageImpressions) }

// Visits is how often the visitor came, with this time; at least 1.
func (v *Visitor) Visits() int { return max(v.Visit.Visits, 1) }

// guestName is what somebody is called who has never written.
func guestName(v id.Visitor) string { return fmt.Sprintf("guest-%d", v) }

// row is a visitor with the columns that are nobody's business.
type row struct {
	Visitor
	hash   string // of the key
	from   string // address and browser, as a digest
	leftAt time.Time
	told   id.Invitation // the invitation that this page has got
}

// open moves the visitor to the page of a call. Only a page with another address is a step; a new title changes the last one.
func (r *row) open(v event.Visit, at time.Time) {
	started := r.Visit
	r.Visit = v
	if started.InitialURL != "" { // the first page and what led there stay
		r.Visit.InitialURL, r.Visit.Referrer = started.InitialURL, started.Referrer
		r.Visit.PageImpressions, r.Visit.Visits = max(v.PageImpressions, started.PageImpressions), max(v.Visits, started.Visits)
	}
	if n := len(r.Trail); n > 0 && r.Trail[n-1].URL == v.URL {
		r.Trail[n-1].Title = v.Title
		return
	}
	r.Trail = append(r.Trail, Page{v.URL, v.Title, at})
	if n := len(r.Trail); n > MaxTrail {
		r.Trail = r.Trail[n-MaxTrail:]
	}
}

// goesOn reports whether a page that calls for the first time, and whose address and browser are those of r, is the next page of r: it
// was opened from r's page, or is that page again, and r was left just now.
func (r *row) goesOn(v event.Visit, contact id.Contact, at time.Time) bool {
	switch {
	case r.leftAt.IsZero() || at.Sub(r.leftAt) > goneAfter:
		return false
	case r.Contact != 0 && r.Contact != contact: // somebody else, or signed out
		return false
	case r.Contact != 0:
		return true
	}
	last := withoutFragment(r.Visit.URL)
	return last != "" && (withoutFragment(v.Referrer) == last || withoutFragment(v.URL) == last)
}

// trail is how the trail is stored. Addresses can be long, and a script can make many of them: the oldest go first.
func (r *row) trail() (string, error) {
	for {
		b, err := json.Marshal(r.Trail)
		if err != nil || len(b) <= maxTrailBytes || len(r.Trail) < 2 {
			return string(b), err
		}
		r.Trail = r.Trail[(len(r.Trail)+1)/2:]
	}
}
