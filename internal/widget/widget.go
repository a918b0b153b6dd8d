package widget

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

// Limits of a widget's settings.
const (
	MaxName              = 80
	MaxTitle             = 80
	MaxSubtitle          = 160
	MaxGreeting          = 500
	MaxDomains           = 50
	MinSessionTimeout    = 30        // seconds
	MaxSessionTimeout    = 7 * 86400 // seconds
	DefaultSessionTime   = 1800      // seconds
	MinUnanswered        = 10        // seconds
	MaxUnanswered        = 86400     // seconds
	DefaultUnanswered    = 120       // seconds, of new widgets
	defaultColor         = "#4f46e5"
	keyPrefix            = "w_"
	identitySecretPrefix = "wis_"
)

// Change is what shall become of a widget; nil leaves a setting as it is.
type Change struct {
	Name                  *string
	Lang                  *string
	GroupID               *id.Group // 0 means no group: every operator answers
	Domains               *[]string
	Color                 *string
	Position              *string
	Title                 *string
	Subtitle              *string
	Greeting              *string
	Theme                 *string
	SessionTimeoutSeconds *int
	IdentityRequired      *bool
	PrivacyMode           *bool
	RatingForm            *string // "" means that nobody is asked
	AskFeedback           *bool
	Survey                *event.SurveyForm // an empty one takes the survey away
	Goals                 *[]event.Goal     // all of them: those without an id are new, missing ones are deleted
	Presence              *string
	Hours                 *event.Hours // empty ones mean always
	OfflineForm           *bool
	UnansweredSeconds     *int // 0 means no alarm
	TranscriptHook        *string
	ShowVisitors          *bool
	Active                *bool
}

var (
	colorForm  = regexp.MustCompile(`^#[0-9a-f]{6}$`)
	keyForm    = regexp.MustCompile(`^w_[A-Za-z0-9_-]{1,60}$`)
	domainForm = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[0-9]{1,5})?$`)
)

// apply checks the change and puts it into w, or returns faults that name the fields.
func (ch Change) apply(w *event.Widget) error {
	var faults fault.Collect
	text := func(field string, to, from *string, max int, required bool) {
		if from == nil {
			return
		}
		v := strings.TrimSpace(*from)
		switch {
		case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
			faults.Add(fault.Newf(fault.TextInvalid, "%s holds control characters or is not UTF-8", field).At(field))
		case required && v == "":
			faults.Add(fault.Newf(fault.FieldRequired, "%s is missing", field).At(field))
		case utf8.RuneCountInString(v) > max:
			faults.Add(fault.Newf(fault.TextTooLong, "%s is longer than %d characters", field, max).At(field))
		}
		*to = v
	}
	choice := func(field string, to, from *string, of ...string) {
		if from == nil {
			return
		}
		for _, c := range of {
			if *from == c {
				*to = c
				return
			}
		}
		faults.Add(fault.Newf(fault.FieldInvalid, "%s must be one of %s", field, strings.TrimSuffix(strings.Join(of, ", "), ", ")).At(field))
	}
	text("name", &w.Name, ch.Name, MaxName, true)
	text("title", &w.Title, ch.Title, MaxTitle, true)
	text("subtitle", &w.Subtitle, ch.Subtitle, MaxSubtitle, false)
	text("greeting", &w.Greeting, ch.Greeting, MaxGreeting, false)
	choice("lang", &w.Lang, ch.Lang, "en", "de")
	choice("position", &w.Position, ch.Position, "right", "left")
	choice("theme", &w.Theme, ch.Theme, "auto", "light", "dark")
	choice("rating_form", &w.RatingForm, ch.RatingForm, event.RateStars, event.RateThumbs, "")
	choice("presence", &w.Presence, ch.Presence, event.PresenceAuto, event.PresenceOff, event.PresenceManual)
	choice("transcript_hook", &w.TranscriptHook, ch.TranscriptHook, event.TranscriptOnEnd, event.TranscriptOnReview, event.TranscriptOff)
	if ch.Color != nil {
		w.Color = strings.ToLower(strings.TrimSpace(*ch.Color))
		if !colorForm.MatchString(w.Color) {
			faults.Add(fault.New(fault.FieldInvalid, "color must be written like #4f46e5").At("color"))
		}
	}
	if ch.SessionTimeoutSeconds != nil {
		w.SessionTimeoutSeconds = *ch.SessionTimeoutSeconds
		if w.SessionTimeoutSeconds < MinSessionTimeout || w.SessionTimeoutSeconds > MaxSessionTimeout {
			faults.Add(fault.Newf(fault.FieldInvalid, "a session's time-out is %d to %d seconds", MinSessionTimeout, MaxSessionTimeout).At("session_timeout_seconds"))
		}
	}
	if ch.UnansweredSeconds != nil {
		w.UnansweredSeconds = *ch.UnansweredSeconds
		if n := w.UnansweredSeconds; n != 0 && (n < MinUnanswered || n > MaxUnanswered) {
			faults.Add(fault.Newf(fault.FieldInvalid, "a message may wait %d to %d seconds; 0 for no alarm", MinUnanswered, MaxUnanswered).At("unanswered_seconds"))
		}
	}
	if ch.Hours != nil {
		w.Hours = checkHours(&faults, *ch.Hours)
	}
	if ch.OfflineForm != nil {
		w.OfflineForm = *ch.OfflineForm
	}
	if ch.ShowVisitors != nil {
		w.ShowVisitors = *ch.ShowVisitors
	}
	if ch.Domains != nil {
		w.Domains = []string{}
		if len(*ch.Domains) > MaxDomains {
			faults.Add(fault.Newf(fault.FieldInvalid, "a widget can have %d domains", MaxDomains).At("domains"))
		} else {
			for _, raw := range *ch.Domains {
				v, ok := normalDomain(raw)
				if !ok {
					faults.Add(fault.Newf(fault.FieldInvalid, "%.60q is not a domain like shop.example, *.shop.example or localhost:8080; write letters beyond ASCII as xn--…", raw).At("domains"))
					continue
				}
				if !slices.Contains(w.Domains, v) {
					w.Domains = append(w.Domains, v)
				}
			}
		}
	}
	if ch.GroupID != nil {
		w.GroupID = *ch.GroupID
	}
	if ch.PrivacyMode != nil {
		w.PrivacyMode = *ch.PrivacyMode
	}
	if ch.AskFeedback != nil {
		w.AskFeedback = *ch.AskFeedback
	}
	if ch.Survey != nil {
		w.Survey = checkSurvey(&faults, *ch.Survey)
	}
	if ch.Goals != nil {
		w.Goals = checkGoals(&faults, w.Goals, *ch.Goals)
	}
	if ch.IdentityRequired != nil {
		w.IdentityRequired = *ch.IdentityRequired
	}
	if ch.Active != nil {
		w.Active = *ch.Active
	}
	if w.IdentityRequired && !w.HasIdentitySecret {
		faults.Add(fault.New(fault.FieldInvalid, "make an identity secret first: without it nobody could write").At("identity_required"))
	}
	return faults.Err()
}

// OriginAllowed reports whether a page of this origin may carry a widget with these domains. No domains means every site,
// "null" and other opaque origins included. A domain without a port stands for every port and for http and https; one with a
// port for that port alone, also where the origin leaves out the scheme's own. "*." stands for every subdomain, not for the
// domain itself. Our own pages are always allowed: own is the public URL.
func OriginAllowed(domains []string, origin, own string) bool {
	if len(domains) == 0 {
		return true
	}
	at, ok := parseOrigin(origin)
	if !ok {
		return false
	}
	if u, err := url.Parse(own); err == nil {
		if us, ok := parseOrigin(u.Scheme + "://" + u.Host); ok && us == at {
			return true
		}
	}
	for _, d := range domains {
		name, port, withPort := strings.Cut(d, ":")
		if withPort && port != at.port {
			continue
		}
		if rest, ok := strings.CutPrefix(name, "*."); ok {
			if strings.HasSuffix(at.host, "."+rest) && len(at.host) > len(rest)+1 {
				return true
			}
		} else if at.host == name {
			return true
		}
	}
	return false
}

type origin struct{ scheme, host, port string }

// parseOrigin reads scheme://host[:port], http and https only.
func parseOrigin(s string) (origin, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !strings.EqualFold(s, u.Scheme+"://"+u.Host) {
		return origin{}, false
	}
	o := origin{u.Scheme, strings.ToLower(u.Hostname()), u.Port()}
	if o.port == "" {
		o.port = map[string]string{"http": "80", "https": "443"}[o.scheme]
	}
	return o, true
}

// normalDomain returns a domain as it is stored, in lower case. ok is false for what is not a domain like shop.example,
// *.shop.example or localhost:8080. Letters beyond ASCII are refused: browsers send such names as xn--….
func normalDomain(raw string) (d string, ok bool) {
	d = strings.ToLower(strings.TrimSpace(raw))
	if len(d) > 260 || !domainForm.MatchString(d) {
		return "", false
	}
	if _, port, found := strings.Cut(d, ":"); found {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || port[0] == '0' {
			return "", false
		}
	}
	return d, true
}

// Snippet returns the HTML that a site puts into its pages.
func Snippet(publicURL, key string) string {
	return `<script src="` + strings.TrimSuffix(publicURL, "/") + `/widget/loader.js" data-widget="` + key + `" async></script>`
}
