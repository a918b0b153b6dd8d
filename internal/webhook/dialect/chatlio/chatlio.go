package chatlio

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"parley/internal/event"
	"parley/internal/webhook/dialect"
)

// Name is the dialect's name in settings.
const Name = "chatlio"

// The names of the five events.
const (
	NewConversation = "new_conversation"
	OfflineMessage  = "offline_message"
	Transcript      = "transcript"
	Unanswered      = "unanswered"
	Feedback        = "feedback"
)

// The switches.
const (
	// RealNames tells operators by their full names in transcripts, instead of first name and initial or alias (S-165).
	RealNames = "real_names"
	// TraitsText makes a transcript's visitorTraits a text of JSON, for receivers that read it as one (S-176).
	TraitsText = "traits_text"
)

const current = "1"

//go:embed schema.json
var schema []byte

// New returns the dialect.
func New() dialect.Dialect { return chatlio{} }

type chatlio struct{}

// Info implements dialect.Dialect.
func (chatlio) Info() dialect.Info {
	return dialect.Info{Name: Name, Version: current, Versions: []string{current}, Title: "Chat webhooks (Chatlio)", Success: "any 2xx", Schema: schema,
		Events: []dialect.Event{
			{Name: NewConversation, Title: "New conversation", Description: "A visitor's first message started a chat."},
			{Name: OfflineMessage, Title: "Offline message", Description: "A visitor left a message while nobody was there."},
			{Name: Transcript, Title: "Chat transcript", Description: "The transcript of a chat: automatically after its end, or when an operator sends it."},
			{Name: Unanswered, Title: "Unanswered message", Description: "A visitor's message got no answer in time."},
			{Name: Feedback, Title: "Visitor feedback", Description: "A visitor rated a chat or left feedback after it."},
		},
		Switches: []dialect.Switch{
			{Name: RealNames, Title: "Real names", Description: "Transcripts tell operators by their full names, instead of first name and initial."},
			{Name: TraitsText, Title: "Traits as text", Description: "In transcripts visitorTraits is a text of JSON, instead of an object."},
		}}
}

// Name implements dialect.Dialect.
func (chatlio) Name(e *event.Event) (string, bool) {
	switch e.Type {
	case event.SessionStarted:
		if e.Session == nil || !e.Session.Offline { // the form's own call tells of it
			return NewConversation, true
		}
	case event.OfflineMessageReceived:
		return OfflineMessage, true
	case event.TranscriptRequested:
		return Transcript, true
	case event.ConversationUnanswered:
		return Unanswered, true
	case event.ReviewGiven:
		return Feedback, true
	}
	return "", false
}

// Judge implements dialect.Dialect: any 2xx is success, 410 ends the subscription.
func (chatlio) Judge(status int) dialect.Verdict {
	switch {
	case status >= 200 && status <= 299:
		return dialect.Received
	case status == http.StatusGone:
		return dialect.Gone
	}
	return dialect.Failed
}

// Render implements dialect.Dialect.
func (d chatlio) Render(e *event.Event, o dialect.Options) ([]byte, error) {
	name, ok := d.Name(e)
	if !ok {
		return nil, fmt.Errorf("render event %d: %s is not told in this dialect", e.ID, e.Type)
	}
	if o.Version != "" && o.Version != current {
		return nil, fmt.Errorf("render event %d: there is no form %q", e.ID, o.Version)
	}
	if e.Conversation == nil || e.Session == nil {
		return nil, fmt.Errorf("render event %d: %s without conversation or session", e.ID, e.Type)
	}
	var body any
	var err error
	switch name {
	case OfflineMessage:
		body = wireOffline(e, &o)
	case Transcript:
		body, err = wireTranscript(e, &o)
	default:
		body = wireCommon(e, &o)
	}
	if err != nil {
		return nil, fmt.Errorf("render event %d: %w", e.ID, err)
	}
	b, err := text(body)
	if err != nil {
		return nil, fmt.Errorf("render event %d: %w", e.ID, err)
	}
	return b, nil
}

// text is v as JSON with "<", ">" and "&" as they are, which is how the document's samples have them.
func text(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
