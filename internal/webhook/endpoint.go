package webhook

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/internal/delivery"
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
	maxHeaders     = 20
	// Overlap is how long the secret before a rotation goes on signing beside the new one.
	Overlap = 24 * time.Hour
)

// Endpoint is where calls go to. It never shows its secrets: headers are masked.
type Endpoint struct {
	ID      id.Endpoint
	Name    string
	URL     string
	Dialect string
	// DialectVersion is the form of the dialect that was current when the endpoint was made or its dialect changed.
	DialectVersion string
	// Events are the dialect's names of what it hears of; empty means all.
	Events []string
	// Headers are sent with every call, by canonical name.
	Headers       map[string]secret.String
	State         string
	StateReason   string
	HasSecret     bool
	InFlightLimit int
	Timeout       time.Duration
	CreatedAt     time.Time
	UpdatedAt     time.Time
	// Stats is filled by List and Get only.
	Stats delivery.Stats

	target          delivery.Target
	secret          secret.String
	previous        secret.String
	previousExpires time.Time
	// Derived when read, for calls.
	link    *url.URL
	speaks  dialect.Dialect
	wants   map[string]bool
	keys    [][]byte
	oldKeys [][]byte
	header  http.Header
	masked  http.Header
}

// Draft is what an admin types. In an update nil leaves a field as it is.
type Draft struct {
	Name          *string
	URL           *string
	Dialect       *string
	Events        *[]string
	Headers       *map[string]string
	InFlightLimit *int
	Timeout       *time.Duration
}

// Masked is how a header's value is shown; sent back in an update it keeps the stored value.
const Masked = "***"

// apply puts the draft's fields into e and checks the result, all faults together.
func (e *Endpoint) apply(d Draft, dialects map[string]dialect.Dialect, host func(*url.URL) *fault.Error) error {
	var c fault.Collect
	if d.Name != nil {
		e.Name = strings.TrimSpace(*d.Name)
	}
	switch n := utf8.RuneCountInString(e.Name); {
	case n == 0:
		c.Add(fault.New(fault.FieldRequired, "the endpoint needs a name").At("name"))
	case n > 80 || !utf8.ValidString(e.Name) || strings.ContainsFunc(e.Name, unicode.IsControl):
		c.Add(fault.New(fault.FieldInvalid, "the name has 1 to 80 characters and no control characters").At("name"))
	}
	if d.URL != nil {
		u, f := outhttp.CheckURL(*d.URL)
		if f == nil {
			f = host(u)
		}
		if f != nil {
			c.Add(f.At("url"))
		}
		e.URL = *d.URL
	}
	if d.Dialect != nil {
		e.Dialect = *d.Dialect
	}
	speaks, ok := dialects[e.Dialect]
	if !ok {
		c.Add(fault.Newf(fault.EndpointDialect, "there is no dialect %.40q", e.Dialect).At("dialect"))
	} else {
		if d.Dialect != nil {
			e.DialectVersion = speaks.Info().Version
		}
		if d.Events != nil {
			e.Events = slices.Clone(*d.Events)
			slices.Sort(e.Events)
			e.Events = slices.Compact(e.Events)
		}
		for _, name := range e.Events {
			if !slices.ContainsFunc(speaks.Info().Events, func(ev dialect.Event) bool { return ev.Name == name }) {
				c.Add(fault.Newf(fault.EndpointEvent, "the dialect %s has no event %.60q", e.Dialect, name).At("events"))
			}
		}
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
	if d.Timeout != nil {
		e.Timeout = *d.Timeout
	}
	if e.Timeout < MinTimeout || e.Timeout > MaxTimeout {
		c.Add(fault.Newf(fault.FieldInvalid, "the time-out is from %d to %d seconds", int(MinTimeout.Seconds()), int(MaxTimeout.Seconds())).At("timeout_seconds"))
	}
	return c.Err()
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

// derive prepares what calls need, once per change of the endpoint.
func (e *Endpoint) derive(dialects map[string]dialect.Dialect, agent string) error {
	u, f := outhttp.CheckURL(e.URL)
	if f != nil {
		return fmt.Errorf("endpoint %d: %w", e.ID, f)
	}
	e.link, e.speaks = u, dialects[e.Dialect]
	if e.speaks == nil {
		return fmt.Errorf("endpoint %d: this program has no dialect %q", e.ID, e.Dialect)
	}
	if len(e.Events) > 0 {
		e.wants = map[string]bool{}
		for _, n := range e.Events {
			e.wants[n] = true
		}
	}
	key, err := secret.SigningKey(e.secret)
	if err != nil {
		return fmt.Errorf("endpoint %d: %w", e.ID, err)
	}
	e.keys, e.HasSecret = [][]byte{key}, true
	if !e.previous.IsZero() {
		old, err := secret.SigningKey(e.previous)
		if err != nil {
			return fmt.Errorf("endpoint %d: previous: %w", e.ID, err)
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

// hears reports whether the endpoint subscribed to the event of this name.
func (e *Endpoint) hears(name string) bool { return e.wants == nil || e.wants[name] }

// form pins the dialect for a delivery.
func (e *Endpoint) form() string { return e.Dialect + "/" + e.DialectVersion }

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
