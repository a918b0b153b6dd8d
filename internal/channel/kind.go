package channel

import (
	"time"

	"parley/internal/event"
	"parley/internal/secret"
)

// Kind is a kind of channel: New() of a folder below this package. It may also be a Receiver and a Sender. All methods are pure and safe
// for concurrent use.
type Kind interface{ Info() Info }

// Receiver reads what the other side posts at a channel's Inbound URL. Bytes are hostile; what it does not know it ignores.
type Receiver interface {
	// Decode reads a message of a contact. Faults are request.malformed for what is not JSON, or name the field.
	Decode(body []byte) (*Inbound, error)
	// DecodeReceipt reads what became of a message of ours.
	DecodeReceipt(body []byte) (*Receipt, error)
}

// Sender makes the calls that bring events to the other side.
type Sender interface {
	// Name is what the kind calls the event of a message to the contact, and false when it does not tell of it.
	Name(e *event.Event, s Settings) (string, bool)
	// NeedsEmail reports whether nobody is reached without an e-mail address.
	NeedsEmail(s Settings) bool
	// Render makes the body. The same input gives the same bytes.
	Render(o *Outbound) ([]byte, error)
	// Call says where calls go, and which headers they have beside those that every call has. All values are secret in the log.
	Call(s Settings) (url string, header map[string]secret.String)
}

// Info describes a kind for settings and documentation.
type Info struct {
	// Type is the stable name in settings ("custom").
	Type        string
	Label       string
	Description string
	// Creatable is false for kinds of which every installation has one that nobody makes.
	Creatable bool
	// Fields are its settings beside those that every channel has. Validation and the settings form are made from them.
	Fields []Field
	// Documents are its payloads for the reference.
	Documents []Document
}

// FieldKind is a kind of Field.
type FieldKind string

// The kinds of fields.
const (
	FieldText   FieldKind = "text"
	FieldURL    FieldKind = "url" // http or https, and a public address unless the installation's owner allowed it
	FieldSecret FieldKind = "secret"
	FieldChoice FieldKind = "choice"
)

// InboundToken is the name of the secret that opens the Inbound URL. Every Receiver has a field of this name.
const InboundToken = "inbound_token"

// OutboundToken is the name of the secret whose bytes sign calls (webhook-signature), where a Sender has it.
const OutboundToken = "outbound_token"

// Field is one setting of a kind.
type Field struct {
	// Name is its key, in lower case with underscores.
	Name     string
	Label    string
	Help     string
	Kind     FieldKind
	Required bool
	// Generated secrets are made when nothing was typed.
	Generated bool
	// Default is what a channel gets that does not say, one of Options for a choice.
	Default string
	Options []Option
}

// Option is one value of a choice.
type Option struct{ Value, Label string }

// Document is a payload as the reference shows it.
type Document struct {
	// Name is that of its file ("outbound_v2"), Title a heading.
	Name, Title string
	// Schema is a JSON Schema (2020-12), Sample a body that fits.
	Schema, Sample []byte
}

// Settings are the values of a kind's fields.
type Settings struct {
	Values  map[string]string
	Secrets map[string]secret.String
}

// Inbound is a message of a contact as it came.
type Inbound struct {
	// ID is the sender's own id of it, "" for none.
	ID string
	// Address is the sender's own id of the contact, "" where the e-mail address is that.
	Address string
	Email   string
	Name    string
	Body    string
	// URL is where its file is, "" for none, and FileName what the sender calls it.
	URL      string
	FileName string
	// SentAt is when the sender says that it was sent, zero when they do not. Messages are in the order in which they come.
	SentAt time.Time
}

// Receipt is what the other side says of a message of ours.
type Receipt struct {
	Message int64
	// State is delivered, read or failed.
	State event.MessageState
	// Error says in words why it failed.
	Error string
}

// Outbound is an event that is rendered for the other side.
type Outbound struct {
	// Event has Conversation and Message.
	Event    *event.Event
	Channel  event.Channel
	Settings Settings
	// Address is the sender's own id of the contact, "" where the e-mail address is that.
	Address string
	Email   string
	// MediaURL is the message's file, "" for none.
	MediaURL string
}
