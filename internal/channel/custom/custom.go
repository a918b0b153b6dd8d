// Package custom is the Custom Channel: any message system joins with two JSON endpoints, ours for what its users write and its own for
// what the operators answer. The token of each stands in the header API-SECURITY-TOKEN.
//
// Version 1 knows contacts by e-mail address. Version 2 knows them by a free id, and tells of edits and deletions. Messages of both
// versions come in at the same address.
package custom

import (
	_ "embed"
	"time"

	"parley/internal/channel"
	"parley/internal/event"
	"parley/internal/secret"
)

// Type is the kind's name in settings.
const Type = "custom"

// tokenHeader carries the tokens, both ways.
const tokenHeader = "API-SECURITY-TOKEN"

// The names of the settings, and the versions.
const (
	outboundURL = "outbound_url"
	version     = "version"
	version1    = "1"
	version2    = "2"
)

//go:embed schema_inbound.json
var inboundSchema []byte

//go:embed schema_outbound.json
var outboundSchema []byte

//go:embed schema_outbound_v2.json
var outboundSchema2 []byte

//go:embed schema_receipt.json
var receiptSchema []byte

// New returns the kind.
func New() channel.Kind { return custom{} }

type custom struct{}

// Info implements channel.Kind.
func (c custom) Info() channel.Info {
	return channel.Info{
		Type: Type, Label: "Custom Channel", Creatable: true,
		Description: "Connects any message system with two JSON endpoints: another messenger, an SMS gateway, a mail server.",
		Fields: []channel.Field{
			{Name: outboundURL, Label: "Outbound URL", Kind: channel.FieldURL, Required: true, Help: "Where your system takes the messages that operators send."},
			{Name: channel.OutboundToken, Label: "Outbound auth token", Kind: channel.FieldSecret, Required: true, Generated: true,
				Help: "Sent as API-SECURITY-TOKEN with every call to the Outbound URL; your system compares it. Left empty, one is made."},
			{Name: channel.InboundToken, Label: "Inbound auth token", Kind: channel.FieldSecret, Required: true, Generated: true,
				Help: "Your system sends it as API-SECURITY-TOKEN with every call to the Inbound URL. Left empty, one is made."},
			{Name: version, Label: "Version", Kind: channel.FieldChoice, Required: true, Default: version1,
				Help:    "What is sent to the Outbound URL. Both versions of messages are taken at the Inbound URL.",
				Options: []channel.Option{{Value: version1, Label: "1: contacts by e-mail address"}, {Value: version2, Label: "2: contacts by your own id, with edits and deletions"}}},
		},
		Documents: documents(),
	}
}

// Name implements channel.Sender: version 1 tells of messages only.
func (custom) Name(e *event.Event, s channel.Settings) (string, bool) {
	switch e.Type {
	case event.MessageSent:
	case event.MessageUpdated, event.MessageDeleted:
		if s.Values[version] != version2 {
			return "", false
		}
	default:
		return "", false
	}
	return string(e.Type), true
}

// Call implements channel.Sender.
func (custom) Call(s channel.Settings) (string, map[string]secret.String) {
	return s.Values[outboundURL], map[string]secret.String{tokenHeader: s.Secrets[channel.OutboundToken]}
}

// NeedsEmail implements channel.Sender: version 1 knows contacts by e-mail address.
func (custom) NeedsEmail(s channel.Settings) bool { return s.Values[version] != version2 }

// documents are the payloads for the reference; the outbound samples are rendered by what renders calls.
func documents() []channel.Document {
	return []channel.Document{
		{Name: "inbound", Title: "Inbound message", Schema: inboundSchema, Sample: []byte(inboundSample)},
		{Name: "inbound_v2", Title: "Inbound message, version 2", Schema: inboundSchema, Sample: []byte(inboundSample2)},
		{Name: "receipt", Title: "Receipt", Schema: receiptSchema, Sample: []byte(receiptSample)},
		{Name: "outbound", Title: "Outbound message", Schema: outboundSchema, Sample: render(sample(version1))},
		{Name: "outbound_v2", Title: "Outbound message, version 2", Schema: outboundSchema2, Sample: render(sample(version2))},
	}
}

const (
	inboundSample  = `{"id":"m-1001","email":"ann@example.com","name":"Ann","body":"Where is my order?","url":"https://files.example.com/receipt.jpg","sent_at":"2026-03-02T10:00:00Z"}`
	inboundSample2 = `{"id":1001,"contact_id":"4711","email":"ann@example.com","name":"Ann","body":"Where is my order?"}`
	receiptSample  = `{"id":"8982.12509.48079","state":"delivered"}`
)

// sample is a message of an operator, as Ann gets it.
func sample(as string) *channel.Outbound {
	at := time.Date(2026, 3, 2, 10, 0, 5, 123456000, time.UTC)
	o := &channel.Outbound{
		Channel: event.Channel{ID: 3, Type: Type, Name: "SMS"}, Email: "ann@example.com",
		Settings: channel.Settings{Values: map[string]string{version: as}},
		Event: &event.Event{
			Type: event.MessageSent, At: at, By: event.Party{Type: event.ByOperator, ID: 2, Name: "Joe"},
			Conversation: &event.Conversation{ID: 8982, Status: event.StatusOpen, Channel: event.Channel{ID: 3, Type: Type, Name: "SMS"},
				Contact: event.Contact{ID: 11, Name: "Ann", Email: "ann@example.com", Custom: "{}"}, MessageCount: 2, OperatorRead: 2, ContactRead: 1, ContactDelivered: 1},
			Message: &event.Message{ID: 48079, ConversationID: 8982, SessionID: 12509, Number: 2, Type: event.TypeMessage, Body: "It is on its way.",
				Sender: event.Party{Type: event.ByOperator, ID: 2, Name: "Joe"}, OperatorName: "Joe Doe", OperatorDisplayName: "Joe", SentAt: at, State: event.StatePending},
		},
	}
	if as == version2 {
		o.Address = "4711"
	}
	return o
}
