package channel

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/outhttp"
	"parley/internal/secret"
)

// States of a channel. Messages come in whatever the state is.
const (
	Active = "active"
	Paused = "paused"
	Gone   = "gone" // the other side answered that it wants no more calls; Resume starts it again
)

// Masked is how the values of a call's own headers stand in the log.
const Masked = "***"

// Channel is a channel with its settings. It never shows its secrets.
type Channel struct {
	ID   id.Channel
	Type string
	Name string
	// Widget is the default widget: it decides group, language and privacy rules of conversations that begin on the channel.
	Widget id.Widget
	// Widgets are those whose visitors may go on with their conversation on the channel (S-064).
	Widgets []id.Widget
	// Settings are the values of its kind's fields; nil for those who may not see them.
	Settings map[string]string
	// Secrets tells of its tokens what may be told.
	Secrets map[string]SecretInfo
	// InboundURL is where the other side posts, "" for kinds that receive nothing and for those who may not see it.
	InboundURL string
	// Merge lets contacts who write from an e-mail address that is known be the contact of that address (S-047, S-070).
	Merge bool
	// AutoReply sends a receipt when a conversation begins.
	AutoReply   bool
	State       string
	StateReason string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Stats       delivery.Stats

	key     string // of the Inbound URL
	target  delivery.Target
	sealed  sealed
	deleted bool
	// What waits up to this delivery and was queued until this moment is not sent, see Resume.
	dropTo id.Delivery
	dropAt time.Time
	// Derived when read.
	kind     Kind
	receiver Receiver
	sender   Sender
	settings Settings
	link     *url.URL
	header   http.Header
	masked   http.Header
	// unfit says why this program cannot make its calls, nil when it can.
	unfit error
}

// SecretInfo is what may be told of a secret.
type SecretInfo struct {
	Set bool
	// Hint is its end, "" where the secret is short or the reader may not see it.
	Hint string
	// PreviousExpires is until when the one before it counts, zero when none does.
	PreviousExpires time.Time
}

// Draft is what an admin types. In an update nil leaves a field as it is.
type Draft struct {
	Type      *string // ignored in updates
	Name      *string
	Widget    *id.Widget
	Widgets   *[]id.Widget
	Settings  map[string]string
	Secrets   map[string]string
	Merge     *bool
	AutoReply *bool
}

// ref is the channel as events name it.
func (c *Channel) ref() event.Channel { return event.Channel{ID: c.ID, Type: c.Type, Name: c.Name} }

// apply puts the draft's fields into c and checks the result, all faults together. strange are widgets of the draft that do not exist.
func (c *Channel) apply(d Draft, strange []id.Widget, door *outhttp.Client) error {
	var f fault.Collect
	if d.Name != nil {
		c.Name = strings.TrimSpace(*d.Name)
	}
	switch n := utf8.RuneCountInString(c.Name); {
	case n == 0:
		f.Add(fault.New(fault.FieldRequired, "the channel needs a name").At("name"))
	case n > MaxName || !plain(c.Name):
		f.Add(fault.Newf(fault.FieldInvalid, "the name has 1 to %d characters and no control characters", MaxName).At("name"))
	}
	if d.Widget != nil {
		c.Widget = *d.Widget
	}
	switch {
	case c.Widget == 0:
		f.Add(fault.New(fault.FieldRequired, "the channel needs a default widget").At("widget_id"))
	case d.Widget != nil && slices.Contains(strange, c.Widget):
		f.Add(fault.Newf(fault.FieldInvalid, "there is no widget %d", c.Widget).At("widget_id"))
	}
	if d.Widgets != nil {
		c.Widgets = slices.Clone(*d.Widgets)
		slices.Sort(c.Widgets)
		c.Widgets = slices.Compact(c.Widgets)
		for _, w := range c.Widgets {
			if slices.Contains(strange, w) {
				f.Add(fault.Newf(fault.FieldInvalid, "there is no widget %d", w).At("widgets"))
			}
		}
	}
	if len(c.Widgets) > MaxWidgets {
		f.Add(fault.Newf(fault.FieldInvalid, "at most %d additional widgets", MaxWidgets).At("widgets"))
	}
	if d.Merge != nil {
		c.Merge = *d.Merge
	}
	if d.AutoReply != nil {
		c.AutoReply = *d.AutoReply
	}
	c.sealed = c.sealed.with(c.kind.Info().Fields, d.Settings, d.Secrets, door, &f)
	return f.Err()
}

// derive prepares what the channel's work needs, once per change.
func (c *Channel) derive(kind Kind, agent, publicURL string, now time.Time) {
	c.kind, c.settings = kind, c.sealed.settings()
	c.receiver, _ = kind.(Receiver)
	c.sender, _ = kind.(Sender)
	c.Settings = c.sealed.Values
	c.Secrets = map[string]SecretInfo{}
	for name, t := range c.sealed.Secrets {
		info := SecretInfo{Set: t.Value != ""}
		if len(t.Value) >= 16 {
			info.Hint = t.Value[len(t.Value)-4:]
		}
		if t.Previous != "" && now.UnixMicro() < t.Until {
			info.PreviousExpires = time.UnixMicro(t.Until).UTC()
		}
		c.Secrets[name] = info
	}
	if c.receiver != nil {
		c.InboundURL = publicURL + "/channels/" + c.key
	}
	if c.sender == nil {
		return
	}
	raw, own := c.sender.Call(c.settings)
	link, f := outhttp.CheckURL(raw)
	if f != nil {
		c.unfit = f
		return
	}
	c.link = link
	c.header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {agent}}
	c.masked = c.header.Clone()
	for name, v := range own { // spelt as the kind has it: some receivers mind
		c.header[name], c.masked[name] = []string{v.Reveal()}, []string{Masked}
	}
}

// reduced is what everybody who may read sees of it.
func (c *Channel) reduced() *Channel {
	out := *c
	out.Settings, out.InboundURL, out.Secrets = map[string]string{}, "", map[string]SecretInfo{}
	for name, s := range c.Secrets {
		out.Secrets[name] = SecretInfo{Set: s.Set}
	}
	return &out
}

// secrets are the values, to be shown once.
func (c *Channel) secrets() map[string]secret.String { return c.sealed.settings().Secrets }
