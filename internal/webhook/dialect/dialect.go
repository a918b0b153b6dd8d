package dialect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"parley/internal/event"
)

// Dialect renders events for one family of receivers. All methods are pure and safe for concurrent use.
type Dialect interface {
	// Info describes the dialect.
	Info() Info
	// Name returns what the dialect calls the event, one of Info.Events, and false when it does not tell of it.
	Name(e *event.Event) (string, bool)
	// Render makes the body for an event that has a Name. The same event and options give the same bytes.
	Render(e *event.Event, o Options) ([]byte, error)
	// Judge says what an answer's HTTP status means.
	Judge(status int) Verdict
}

// Info describes a dialect for settings and documentation.
type Info struct {
	// Name is the stable name in settings ("userlike").
	Name string
	// Version is the current form; an endpoint that does not choose gets it when it is made, and keeps it.
	Version string
	// Versions are all forms that can be pinned, the newest last. They differ in bodies only: the names of events and what
	// counts as success are the dialect's.
	Versions []string
	Title    string
	// Success says in words which answers count as received ("200 only").
	Success string
	// Events are all events that an endpoint can subscribe to, in the order of the reference.
	Events []Event
	// Requested says that its endpoints get the conversations that operators flag for the API add-on (event.Event.Requested),
	// whatever they subscribe to (S-119). Name and Render take every such event.
	Requested bool
	// Switches are what an endpoint may turn on about its bodies, in the order of the form; nil where there is nothing to choose.
	Switches []Switch
	// Schema is a JSON Schema (2020-12) of the current form whose $defs has one entry per event name.
	Schema []byte
	// OlderSchemas are those of the other forms, by version. A form without one has the bodies of the current one.
	OlderSchemas map[string][]byte
}

// SchemaOf returns the JSON Schema of a form, "" meaning the current one.
func (i Info) SchemaOf(version string) []byte {
	if s, ok := i.OlderSchemas[version]; ok {
		return s
	}
	return i.Schema
}

// HasSwitch reports whether endpoints of the dialect may turn on the switch of a name.
func (i Info) HasSwitch(name string) bool {
	return slices.ContainsFunc(i.Switches, func(s Switch) bool { return s.Name == name })
}

// Hears reports whether an endpoint that is pinned to a version ("" means the current one) can be told of the event of a name.
func (i Info) Hears(version, name string) bool {
	at := slices.IndexFunc(i.Events, func(e Event) bool { return e.Name == name })
	return at >= 0 && (i.Events[at].Versions == nil || slices.Contains(i.Events[at].Versions, cmp.Or(version, i.Version)))
}

// Event is one event that an endpoint can subscribe to.
type Event struct {
	Name        string
	Title       string
	Description string
	// Versions are the forms that tell of it, nil for all. An endpoint that is pinned to another one is not told.
	Versions []string
}

// Switch is something about bodies that an endpoint may choose. It is off where nobody turns it on.
type Switch struct {
	// Name is the stable name in settings and in the pinned form of a delivery: lower-case letters and "_".
	Name        string
	Title       string
	Description string
}

// Options are what a body may depend on besides the event.
type Options struct {
	// PublicURL is the address of this installation without a slash at the end.
	PublicURL string
	// Version is the pinned form, one of Info.Versions; "" means the current one.
	Version string
	// Switches are the names of what is turned on, of Info.Switches, sorted. See On.
	Switches []string
	// NoReply is the address of this installation that nobody reads, "" for none.
	NoReply string
	// MediaURL makes the expiring address of a stored file, or of its thumbnail, as of a time: "" where there is none. A body names
	// the addresses as of its event, so that it is the same whenever it is made. Nil makes none.
	MediaURL func(m *event.Media, thumb bool, at time.Time) string
}

// On reports whether a switch is turned on.
func (o *Options) On(name string) bool { return slices.Contains(o.Switches, name) }

// Address returns the address of a file or of its thumbnail as of at, "" for one that is not stored, that there is no thumbnail of,
// or that nobody may be told of (its key was taken out).
func (o *Options) Address(m *event.Media, thumb bool, at time.Time) string {
	if o.MediaURL == nil || m == nil || m.Key == "" || m.State != event.MediaStored || thumb && !m.Thumb {
		return ""
	}
	return o.MediaURL(m, thumb, at)
}

// Verdict is what an answer means.
type Verdict string

// The verdicts.
const (
	Received Verdict = "received"
	Failed   Verdict = "failed"
	// Gone means that the receiver wants no more calls at all.
	Gone Verdict = "gone"
)

// EventSchema returns the JSON Schema of one event's body in a form ("" means the current one) as a document of its own. It has the
// definitions that the body needs, and no others.
func EventSchema(info Info, version, name string) ([]byte, error) {
	var doc struct {
		Schema string                     `json:"$schema"`
		Ref    string                     `json:"$ref"`
		Title  string                     `json:"title"`
		Defs   map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(info.SchemaOf(version), &doc); err != nil {
		return nil, fmt.Errorf("schema of dialect %s: %w", info.Name, err)
	}
	if _, ok := doc.Defs[name]; !ok {
		return nil, fmt.Errorf("schema of dialect %s has no event %q", info.Name, name)
	}
	needed := map[string]json.RawMessage{}
	collect(doc.Defs, name, needed)
	doc.Ref, doc.Title, doc.Defs = "#/$defs/"+name, info.Title+": "+name, needed
	return json.MarshalIndent(&doc, "", "  ")
}

var refForm = regexp.MustCompile(`"\$ref":\s*"#/\$defs/([^"]+)"`)

// collect puts the definition of a name, and all that it refers to, into to.
func collect(from map[string]json.RawMessage, name string, to map[string]json.RawMessage) {
	if _, done := to[name]; done || from[name] == nil {
		return
	}
	to[name] = from[name]
	for _, m := range refForm.FindAllSubmatch(from[name], -1) {
		collect(from, string(m[1]), to)
	}
}
