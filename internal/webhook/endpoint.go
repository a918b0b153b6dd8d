package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/webhook/dialect"
)

// States of an endpoint.
const (
	Active = "active"
	Paused = "paused"
	Gone   = "gone" // the receiver answered that it wants no more calls; Resume starts it again
)

// Limits of an endpoint's settings.
const (
	DefaultTimeout = 15 * time.Second
	MinTimeout     = time.Second
	MaxTimeout     = time.Minute
	MaxInFlight    = 256
	MaxRate        = 10_000
	maxName        = 80
	maxHeaders     = 20
	maxFilter      = 200
	// Overlap is how long the secret before a rotation goes on signing beside the new one.
	Overlap = 24 * time.Hour
)

// What counts as success at an endpoint.
const (
	SuccessDialect = "dialect" // what the dialect says
	SuccessAny     = "2xx"     // any 2xx, and beyond that what the dialect says
)

// Endpoint is where calls go to. It never shows its secrets: headers are masked.
type Endpoint struct {
	ID      id.Endpoint
	Name    string
	URL     string
	Dialect string
	// DialectVersion is the pinned form of the dialect: the one that was chosen, or that was current when the dialect was.
	DialectVersion string
	// Switches are what is turned on of the dialect's switches, sorted.
	Switches []string
	// Hook says which of a widget's webhooks it is; the zero Hook is for every other endpoint.
	Hook Hook
	// Events are the dialect's names of what it hears of; empty means all.
	Events []string
	// Widgets and Groups narrow it to their conversations; empty means all. Events that belong to no conversation always pass.
	Widgets []id.Widget
	Groups  []id.Group
	// Headers are sent with every call, by canonical name.
	Headers       map[string]secret.String
	State         string
	StateReason   string
	HasSecret     bool
	InFlightLimit int
	// RateLimit is how many calls may begin in a second; 0 means no limit.
	RateLimit int
	Timeout   time.Duration
	// PrivateRanges are the private addresses that its calls may reach; nil means all that the installation allows.
	PrivateRanges []string
	// Success is SuccessDialect or SuccessAny.
	Success   string
	Policy    Policy
	CreatedAt time.Time
	UpdatedAt time.Time
	// Stats is filled by List and Get only.
	Stats delivery.Stats

	target          delivery.Target
	secret          secret.String
	previous        secret.String
	previousExpires time.Time
	// Derived when read, for calls.
	link   *url.URL
	speaks dialect.Dialect
	wants  map[string]bool
	// deaf are the names that its pinned version does not tell of, whatever it wants; mostly nil.
	deaf map[string]bool
	// requested says that it gets the conversations that operators flag, whatever it wants.
	requested bool
	ranges    *outhttp.Ranges
	keys      [][]byte
	oldKeys   [][]byte
	header    http.Header
	masked    http.Header
	hashKey   []byte
	// unfit says why this program cannot make its calls, nil when it can.
	unfit error
}

// Draft is what an admin types. In an update nil leaves a field as it is.
type Draft struct {
	Name    *string
	URL     *string
	Dialect *string
	// DialectVersion is one of the dialect's versions, or "" for the current one.
	DialectVersion *string
	// Switches are what shall be on of the dialect's switches. Another dialect begins with all of them off.
	Switches      *[]string
	Events        *[]string
	Widgets       *[]id.Widget
	Groups        *[]id.Group
	Headers       *map[string]string
	InFlightLimit *int
	RateLimit     *int
	Timeout       *time.Duration
	// PrivateRanges points to a nil slice for "all that the installation allows", and to an empty one for "none".
	PrivateRanges *[]string
	Success       *string
	// Policy leaves as it is what it says "" to.
	Policy *Policy
}

// Masked is how a header's value is shown; sent back in an update it keeps the stored value.
const Masked = "***"

// world is what a draft is held against.
type world struct {
	dialects map[string]dialect.Dialect
	door     *outhttp.Client
	// strange are the ids of the draft's filters that do not exist.
	strangeWidgets []id.Widget
	strangeGroups  []id.Group
}

// apply puts the draft's fields into e and checks the result, all faults together.
func (e *Endpoint) apply(d Draft, w world) error {
	var c fault.Collect
	before := *e
	if d.Name != nil {
		e.Name = strings.TrimSpace(*d.Name)
	}
	switch n := utf8.RuneCountInString(e.Name); {
	case n == 0:
		c.Add(fault.New(fault.FieldRequired, "the endpoint needs a name").At("name"))
	case n > maxName || !utf8.ValidString(e.Name) || strings.ContainsFunc(e.Name, unicode.IsControl):
		c.Add(fault.New(fault.FieldInvalid, "the name has 1 to 80 characters and no control characters").At("name"))
	}
	e.setTarget(d, w.door, &c)
	e.setDialect(d, w.dialects, &c)
	if d.Widgets != nil {
		e.Widgets = distinct(*d.Widgets)
	}
	if d.Groups != nil {
		e.Groups = distinct(*d.Groups)
	}
	for _, n := range w.strangeWidgets {
		c.Add(fault.Newf(fault.FieldInvalid, "there is no widget %d", n).At("widgets"))
	}
	for _, n := range w.strangeGroups {
		c.Add(fault.Newf(fault.FieldInvalid, "there is no group %d", n).At("groups"))
	}
	if len(e.Widgets) > maxFilter {
		c.Add(fault.Newf(fault.FieldInvalid, "at most %d widgets; none means all", maxFilter).At("widgets"))
	}
	if len(e.Groups) > maxFilter {
		c.Add(fault.Newf(fault.FieldInvalid, "at most %d groups; none means all", maxFilter).At("groups"))
	}
	if d.Headers != nil {
		c.Add(e.setHeaders(*d.Headers))
	}
	if d.InFlightLimit != nil {
		e.InFlightLimit = *d.InFlightLimit
	}
	if e.InFlightLimit < 1 || e.InFlightLimit > MaxInFlight {
		c.Add(fault.Newf(fault.FieldInvalid, "the limit of calls under way is from 1 to %d", MaxInFlight).At("in_flight_limit"))
	}
	if d.RateLimit != nil {
		e.RateLimit = *d.RateLimit
	}
	if e.RateLimit < 0 || e.RateLimit > MaxRate {
		c.Add(fault.Newf(fault.FieldInvalid, "the limit of calls per second is from 1 to %d, or 0 for none", MaxRate).At("rate_limit"))
	}
	if d.Timeout != nil {
		e.Timeout = *d.Timeout
	}
	if e.Timeout < MinTimeout || e.Timeout > MaxTimeout {
		c.Add(fault.Newf(fault.FieldInvalid, "the time-out is from %d to %d seconds", int(MinTimeout.Seconds()), int(MaxTimeout.Seconds())).At("timeout_seconds"))
	}
	if d.Success != nil {
		e.Success = *d.Success
	}
	if e.Success != SuccessDialect && e.Success != SuccessAny {
		c.Add(fault.Newf(fault.FieldInvalid, "success is %s or %s", SuccessDialect, SuccessAny).At("success"))
	}
	if d.Policy != nil {
		e.Policy.set(*d.Policy)
	}
	e.Policy.check(&c)
	e.keepHook(&before, &c)
	return c.Err()
}

// keepHook refuses what would make one of a widget's webhooks something else.
func (e *Endpoint) keepHook(before *Endpoint, c *fault.Collect) {
	if before.Hook.isZero() {
		return
	}
	for _, one := range []struct {
		field   string
		changed bool
	}{
		{"dialect", e.Dialect != before.Dialect},
		{"events", !slices.Equal(e.Events, before.Events)},
		{"widgets", !slices.Equal(e.Widgets, before.Widgets)},
	} {
		if one.changed {
			c.Add(fault.New(fault.FieldInvalid, "this endpoint is one of a widget's webhooks, which always have the same dialect, event and widget; make another endpoint").At(one.field))
		}
	}
}

// setTarget takes the address and the private ranges, which are held against each other.
func (e *Endpoint) setTarget(d Draft, door *outhttp.Client, c *fault.Collect) {
	if d.URL == nil && d.PrivateRanges == nil {
		return
	}
	if d.PrivateRanges != nil {
		e.PrivateRanges = *d.PrivateRanges
	}
	ranges, bad := parseRanges(e.PrivateRanges)
	if d.PrivateRanges != nil {
		if bad == nil {
			bad = door.CheckRanges(ranges)
		}
		if bad != nil {
			c.Add(bad.At("private_ranges"))
		}
		e.PrivateRanges = ranges.Strings()
	}
	field := "private_ranges"
	if d.URL != nil {
		e.URL, field = *d.URL, "url"
	}
	u, f := outhttp.CheckURL(e.URL)
	if f == nil && bad == nil {
		f = door.CheckHost(u, ranges)
	}
	if f != nil {
		c.Add(f.At(field))
	}
}

func parseRanges(list []string) (*outhttp.Ranges, *fault.Error) {
	if list == nil {
		return nil, nil
	}
	return outhttp.ParseRanges(list)
}

// setDialect takes the dialect, its version and the events. Another dialect begins with its current version.
func (e *Endpoint) setDialect(d Draft, dialects map[string]dialect.Dialect, c *fault.Collect) {
	another := d.Dialect != nil && *d.Dialect != e.Dialect
	if d.Dialect != nil {
		e.Dialect = *d.Dialect
	}
	speaks, ok := dialects[e.Dialect]
	if !ok {
		c.Add(fault.Newf(fault.EndpointDialect, "there is no dialect %.40q", e.Dialect).At("dialect"))
		return
	}
	info := speaks.Info()
	if d.DialectVersion != nil {
		e.DialectVersion = *d.DialectVersion
	}
	if another && d.DialectVersion == nil || e.DialectVersion == "" {
		e.DialectVersion = info.Version
	}
	if !slices.Contains(info.Versions, e.DialectVersion) {
		c.Add(fault.Newf(fault.EndpointDialect, "the dialect %s has no version %.40q", e.Dialect, e.DialectVersion).At("dialect_version"))
	}
	if d.Events != nil {
		e.Events = distinct(*d.Events)
	}
	for _, name := range e.Events {
		switch {
		case !knows(info, name):
			c.Add(fault.Newf(fault.EndpointEvent, "the dialect %s has no event %.60q", e.Dialect, name).At("events"))
		// A subscription that is never told is worse than a refused one.
		case slices.Contains(info.Versions, e.DialectVersion) && !info.Hears(e.DialectVersion, name):
			c.Add(fault.Newf(fault.EndpointEvent, "version %s of the dialect %s does not tell of %s", e.DialectVersion, e.Dialect, name).At("events"))
		}
	}
	if another {
		e.Switches = nil
	}
	if d.Switches != nil {
		e.Switches = distinct(*d.Switches)
	}
	for _, name := range e.Switches {
		if !info.HasSwitch(name) {
			c.Add(fault.Newf(fault.FieldInvalid, "the dialect %s has no switch %.40q", e.Dialect, name).At("switches"))
		}
	}
}

func knows(info dialect.Info, name string) bool {
	return slices.ContainsFunc(info.Events, func(ev dialect.Event) bool { return ev.Name == name })
}

func distinct[T cmp.Ordered](list []T) []T {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

func (e *Endpoint) setHeaders(given map[string]string) *fault.Error {
	if len(given) > maxHeaders {
		return fault.Newf(fault.EndpointHeader, "at most %d additional headers", maxHeaders).At("headers")
	}
	set := map[string]secret.String{}
	for name, value := range given {
		if f := outhttp.CheckHeader(name, value); f != nil {
			return f.At("headers")
		}
		key := http.CanonicalHeaderKey(name)
		if _, twice := set[key]; twice {
			return fault.Newf(fault.EndpointHeader, "the header %s is given twice", key).At("headers")
		}
		set[key] = secret.Of(value)
		if old, known := e.Headers[key]; known && value == Masked {
			set[key] = old
		}
	}
	e.Headers = set
	return nil
}

// derive prepares what calls need, once per change of the endpoint; what planning needs comes first. The key makes the hashes
// of its policy.
func (e *Endpoint) derive(dialects map[string]dialect.Dialect, agent string, hashKey []byte) error {
	e.speaks = dialects[e.Dialect]
	if e.speaks == nil {
		return fmt.Errorf("this program has no dialect %q", e.Dialect)
	}
	info := e.speaks.Info()
	e.requested = info.Requested
	if len(e.Events) > 0 {
		e.wants = map[string]bool{}
		for _, n := range e.Events {
			e.wants[n] = true
		}
	}
	if !slices.Contains(info.Versions, e.DialectVersion) {
		return fmt.Errorf("this program has no version %q of the dialect %s", e.DialectVersion, e.Dialect)
	}
	for _, ev := range info.Events {
		if !info.Hears(e.DialectVersion, ev.Name) {
			if e.deaf == nil {
				e.deaf = map[string]bool{}
			}
			e.deaf[ev.Name] = true
		}
	}
	for _, name := range e.Switches {
		if !info.HasSwitch(name) {
			return fmt.Errorf("this program has no switch %q of the dialect %s", name, e.Dialect)
		}
	}
	var f *fault.Error
	if e.link, f = outhttp.CheckURL(e.URL); f != nil {
		return f
	}
	if e.ranges, f = parseRanges(e.PrivateRanges); f != nil {
		return f
	}
	if e.Policy.hashes() && len(hashKey) == 0 {
		return errors.New("the key of its payload policy is missing")
	}
	e.hashKey = hashKey
	key, err := secret.SigningKey(e.secret)
	if err != nil {
		return err
	}
	e.keys, e.HasSecret = [][]byte{key}, true
	if !e.previous.IsZero() {
		old, err := secret.SigningKey(e.previous)
		if err != nil {
			return fmt.Errorf("previous secret: %w", err)
		}
		e.oldKeys = [][]byte{old}
	}
	e.header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {agent}}
	e.masked = e.header.Clone()
	for name, v := range e.Headers {
		e.header[name] = []string{v.Reveal()}
		e.masked[name] = []string{Masked}
	}
	return nil
}

// hears reports whether the endpoint subscribed to the event of this name, and its version tells of it.
func (e *Endpoint) hears(name string) bool { return (e.wants == nil || e.wants[name]) && !e.deaf[name] }

// concerns reports whether the event passes the filters. One that takes a conversation out of a group passes as that group's
// last word on it; and nobody is told about itself.
func (e *Endpoint) concerns(ev *event.Event) bool {
	if ev.Endpoint != nil {
		return ev.Endpoint.ID != e.ID
	}
	c := ev.Conversation
	if c == nil {
		return true
	}
	if len(e.Widgets) > 0 && !slices.Contains(e.Widgets, c.Widget.ID) {
		return false
	}
	in := func(g *event.Group) bool { return g != nil && slices.Contains(e.Groups, g.ID) }
	return len(e.Groups) == 0 || in(c.Group) || in(ev.GroupBefore)
}

// judge says what an answer's status means here.
func (e *Endpoint) judge(status int) dialect.Verdict {
	if e.Success == SuccessAny && status >= 200 && status <= 299 {
		return dialect.Received
	}
	return e.speaks.Judge(status)
}

// form pins the dialect, its version and what is switched on for a delivery: "chatlio/1+real_names+traits_text".
func (e *Endpoint) form() string {
	name := formName(e.Dialect, e.DialectVersion)
	if len(e.Switches) == 0 {
		return name
	}
	return name + "+" + strings.Join(e.Switches, "+")
}

func formName(dialect, version string) string { return dialect + "/" + version }

func (e *Endpoint) limits() delivery.Limits {
	return delivery.Limits{InFlight: e.InFlightLimit, PerSecond: e.RateLimit}
}

// signatures are the values for webhook-signature: one, or two while a rotated secret still counts.
func (e *Endpoint) signatures(webhookID string, at time.Time, body []byte) string {
	s := secret.Sign(e.keys[0], webhookID, at, body)
	if at.Before(e.previousExpires) {
		for _, k := range e.oldKeys {
			s += " " + secret.Sign(k, webhookID, at, body)
		}
	}
	return s
}
