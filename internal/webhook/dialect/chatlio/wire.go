package chatlio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"parley/internal/event"
	"parley/internal/webhook/dialect"
)

// The structs have the keys of the document's samples in their order, with their spelling.

// visitor is who writes. Location is nil in the call about an offline message, which has no such key (S-142).
type visitor struct {
	Email       string  `json:"email"`
	UUID        string  `json:"UUID"`
	Name        string  `json:"name"`
	IdentUserID string  `json:"identUserId"`
	IdentTraits string  `json:"identTraits"`
	UserAgent   string  `json:"userAgent"`
	Handle      string  `json:"handle"`
	CurrentPage string  `json:"currentPage"`
	ReferrerURL string  `json:"referrerURL"`
	CreatedAt   string  `json:"createdAt"`
	IPAddress   string  `json:"IPAddress"`
	Location    *string `json:"location,omitempty"`
}

// common is the call of three hooks: new conversation, unanswered, feedback (S-130).
type common struct {
	Visitor          visitor `json:"visitor"`
	Message          string  `json:"message"`
	ConversationUUID string  `json:"conversationUUID"`
	ChannelID        string  `json:"channelId"`
	SlackChannelName string  `json:"slackChannelName"`
	SlackChannelID   string  `json:"slackChannelId"`
}

type offline struct {
	Name        string  `json:"name"`
	Email       string  `json:"email"`
	EmailPretty string  `json:"emailPretty"`
	Message     string  `json:"message"`
	Visitor     visitor `json:"visitor"`
}

// timeLayout has an offset in digits, as in the samples, and always six digits of the second: there are readers that insist on them.
const timeLayout = "2006-01-02T15:04:05.000000-07:00"

func wireTime(t time.Time) string { return t.UTC().Format(timeLayout) }

func wireVisitor(e *event.Event) visitor {
	c, v := &e.Conversation.Contact, &e.Session.Visit
	return visitor{
		Email: c.Email, UUID: c.UUID, Name: c.Name, IdentUserID: cmp.Or(c.ExternalID, c.ClaimedID), IdentTraits: traitsText(c.Custom),
		UserAgent: v.UserAgent, Handle: c.HandleName(), CurrentPage: v.URL, ReferrerURL: v.Referrer, CreatedAt: wireTime(c.CreatedAt), IPAddress: v.IP,
	}
}

// placed is the visitor with the place, as far as it is known.
func placed(e *event.Event) visitor {
	v := wireVisitor(e)
	at := location(&e.Session.Visit)
	v.Location = &at
	return v
}

// location is "City, Region, Country" without what is not known.
func location(v *event.Visit) string {
	known := slices.DeleteFunc([]string{v.City, v.Region, v.Country}, func(s string) bool { return s == "" })
	return strings.Join(known, ", ")
}

// traits are what the site's page said about the user, by name: nil when it said nothing.
func traits(custom event.RawJSON) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if json.Unmarshal([]byte(custom), &out) != nil {
		return nil // not an object
	}
	return out
}

// traitsText are the traits as a text of JSON without blanks, "" for none (S-135).
func traitsText(custom event.RawJSON) string {
	if len(traits(custom)) == 0 {
		return ""
	}
	return compact([]byte(custom))
}

func compact(raw []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func wireCommon(e *event.Event, o *dialect.Options) common {
	c := e.Conversation
	w := common{Visitor: placed(e), ConversationUUID: c.UUID, ChannelID: channelID(c)}
	switch m := e.Message; {
	case e.Type == event.ReviewGiven:
		w.Message = e.Session.Feedback // "" for a rating alone
		if m != nil && m.Type == event.TypeFeedback {
			w.Message = m.Body
		}
	case m != nil && m.Sender.Type == event.ByContact: // S-143: the visitor's words, nobody else's
		w.Message = cmp.Or(m.Body, file(m, e.At, o))
	}
	return w
}

// channelID is where the visitor is talked to: there is one place for each conversation (S-145).
func channelID(c *event.Conversation) string { return strconv.FormatInt(int64(c.ID), 10) }

// file is the address of a message's file, its name while it has none, and "" for a message without a file.
func file(m *event.Message, at time.Time, o *dialect.Options) string {
	if m.Media == nil {
		return ""
	}
	return cmp.Or(o.Address(m.Media, false, at), m.Media.Name)
}

func wireOffline(e *event.Event, o *dialect.Options) offline {
	w := offline{Visitor: wireVisitor(e)}
	if m := e.Message; m != nil {
		w.Message = cmp.Or(m.Body, file(m, e.At, o))
	}
	if f := e.Offline; f != nil {
		w.Name, w.Email, w.EmailPretty = f.Name, f.Email, pretty(f.Name, f.Email)
	}
	return w
}

// quoted keeps a name within its quotes.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// pretty is the address with the name in front, as a mail's head has it but for letters beyond ASCII, which stay as they are: the bare
// address without a name, "" without an address (S-149).
func pretty(name, email string) string {
	if name == "" || email == "" {
		return email
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' ' // it shall stay one line: somebody puts it into a mail's head
		}
		return r
	}, name)
	return `"` + quoted.Replace(name) + `" <` + email + `>`
}

// trait is a name and a text.
type trait struct{ name, value string }

// visitorTraits is an object of texts in a fixed order.
type visitorTraits []trait

// MarshalJSON implements json.Marshaler.
func (v visitorTraits) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, t := range v {
		if i > 0 {
			out = append(out, ',')
		}
		for j, s := range []string{t.name, t.value} {
			b, err := text(s)
			if err != nil {
				return nil, err
			}
			if j > 0 {
				out = append(out, ':')
			}
			out = append(out, b...)
		}
	}
	return append(out, '}'), nil
}

// wireTraits are what is known of the page, and what the page's script said, which wins, in the order of its names (S-169). What is no
// text there is the JSON of it; null is "".
func wireTraits(e *event.Event) visitorTraits {
	c := &e.Conversation.Contact
	out := visitorTraits{
		{"current_page", e.Session.Visit.URL},
		{"time_on_page", strconv.FormatInt(max(int64(e.At.Sub(e.Session.StartedAt)/time.Minute), 0), 10) + "min"},
		{"logged_in", strconv.FormatBool(c.ExternalID != "")},
	}
	said := traits(c.Custom)
	for _, name := range slices.Sorted(maps.Keys(said)) {
		var value string
		if json.Unmarshal(said[name], &value) != nil { // null leaves it empty
			value = compact(said[name])
		}
		if i := slices.IndexFunc(out, func(t trait) bool { return t.name == name }); i >= 0 {
			out[i].value = value
		} else {
			out = append(out, trait{name, value})
		}
	}
	return out
}
