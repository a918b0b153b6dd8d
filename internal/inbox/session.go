package inbox

import (
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mileusna/useragent"

	"parley/internal/event"
	"parley/internal/id"
)

// session is a part of a conversation with the columns that are not part of its snapshot.
type session struct {
	event.Session
	firstNumber int // number of its first message
	// expiresAt is when the timer looks at it next: never later than its time is over, but up to an eighth of the widget's
	// time earlier, so that not every message has to write it.
	expiresAt time.Time
	goals     []id.Goal // reached, each of them once
	notes     int       // how many internal notes it has
	// discarded says that its conversation was ended so that the contact is not asked what they think (Desk.Discard); going on with it takes that back.
	discarded bool
	// reviewDue is when a rating is told as a whole that a comment may still follow, zero for nothing to tell; reviewStored is what its row has.
	reviewDue, reviewStored time.Time
	dirty                   bool // differs from its row
}

func (s *session) snapshot() *event.Session {
	c := s.Session
	return &c
}

func (s *session) open() bool { return s != nil && s.EndedAt.IsZero() }

// touch moves the expiry: the session ends when neither side has written for the widget's time.
func (s *session) touch(at time.Time, timeout time.Duration) {
	next := at.Add(timeout)
	if moved := next.Sub(s.expiresAt); timeout > 0 && (moved >= timeout/8 || moved < 0) {
		s.expiresAt, s.dirty = next, true
	}
}

// sees notes the page from which the contact writes, and reports whether it is another one.
func (s *session) sees(page, title string) bool {
	if page == "" || page == s.Visit.URL {
		return false
	}
	s.Visit.URL, s.Visit.Title = page, title
	s.Visit.PageImpressions++
	s.dirty = true
	return true
}

func (s *session) end(at time.Time, reason string) {
	s.EndedAt, s.EndReason, s.dirty = at, reason, true
}

const (
	maxURL       = 2048
	maxPageTitle = 300
	maxUserAgent = 512
	maxIP        = 64
)

// Visit is what a browser tells about its page, and what the connection tells about the browser. Nothing in it is trusted.
type Visit struct {
	URL             string
	Title           string
	InitialURL      string
	Referrer        string
	PageImpressions int
	Visits          int
	UserAgent       string
	IP              string
	// Proactive says that the page opened the messenger, not the visitor.
	Proactive bool
}

// Clean is what can be kept and shown of the visit: overlong, unprintable and non-HTTP values become "" instead of errors, since a visitor's
// message must not fail for a strange page.
func (v Visit) Clean() event.Visit {
	ua := oneLine(v.UserAgent, maxUserAgent)
	out := event.Visit{
		URL: pageURL(v.URL), Title: oneLine(v.Title, maxPageTitle), InitialURL: pageURL(v.InitialURL), Referrer: pageURL(v.Referrer),
		UserAgent: ua, IP: oneLine(v.IP, maxIP), PageImpressions: min(max(v.PageImpressions, 0), 1e6), Visits: min(max(v.Visits, 0), 1e6),
		Proactive: v.Proactive,
	}
	if out.InitialURL == "" {
		out.InitialURL = out.URL
	}
	if ua != "" {
		p := useragent.Parse(ua)
		out.Browser, out.BrowserVersion, out.OS = p.Name, p.Version, p.OS
		switch {
		case p.Bot:
			out.Device = "bot"
		case p.Tablet:
			out.Device = "tablet"
		case p.Mobile:
			out.Device = "mobile"
		case p.Desktop:
			out.Device = "desktop"
		}
	}
	return out
}

// Place is where an address is, "" and nil for what is unknown. CountryCode is ISO 3166, in capitals.
type Place struct {
	City, Region, Country, CountryCode string
	Lat, Lon                           *float64
}

// visit is what is kept of a visit: cleaned, and with its place where it is not private.
func (d *Desk) visit(v Visit, private bool) event.Visit {
	out := v.Clean()
	d.locate(&out, private)
	return out
}

// locate puts the place of the visit's address into it. In privacy mode neither the address nor the place is kept.
func (d *Desk) locate(v *event.Visit, private bool) {
	switch {
	case private:
		v.IP, v.Private = "", true
	case d.Place != nil && v.IP != "":
		d.Place(v.IP).Put(v)
	}
}

// Put writes the place into a visit.
func (p Place) Put(v *event.Visit) {
	v.City, v.Region, v.Country, v.CountryCode, v.Lat, v.Lon = p.City, p.Region, p.Country, p.CountryCode, p.Lat, p.Lon
}

// pageURL keeps absolute http and https URLs of up to maxURL bytes without credentials; everything else becomes "".
func pageURL(raw string) string {
	if raw == "" || len(raw) > maxURL || !utf8.ValidString(raw) || strings.ContainsFunc(raw, unicode.IsControl) {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	if u.User == nil {
		return raw
	}
	u.User = nil
	if raw = u.String(); len(raw) > maxURL { // it was written out anew and may have grown
		return ""
	}
	return raw
}

// oneLine makes s valid UTF-8 without control characters, cut to max bytes at a character's border.
func oneLine(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > max {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
