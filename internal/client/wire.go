package client

import (
	"encoding/json"
	"time"
)

// Event is one entry of the feed. Raw is the object exactly as the server sent it, which is the body of the dialect "standard".
type Event struct {
	Type string          `json:"type"`
	Seq  int64           `json:"seq"`
	Raw  json.RawMessage `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Event) UnmarshalJSON(b []byte) error {
	type plain Event
	if err := json.Unmarshal(b, (*plain)(e)); err != nil {
		return err
	}
	e.Raw = append(json.RawMessage(nil), b...)
	return nil
}

// EventPage is a part of the feed.
type EventPage struct {
	Items []Event `json:"items"`
	// NextAfter is the place to go on from; it also moves past what a filter left out.
	NextAfter int64 `json:"next_after"`
	// Seq is the newest event of the feed.
	Seq int64 `json:"seq"`
}

// Dialect is a way of telling events.
type Dialect struct {
	Name   string         `json:"name"`
	Title  string         `json:"title"`
	Events []DialectEvent `json:"events"`
}

// DialectEvent is an event under the name that its dialect gives it.
type DialectEvent struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Endpoint is a receiver of callbacks, as far as the tools look at it.
type Endpoint struct {
	ID      int64    `json:"id"`
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Dialect string   `json:"dialect"`
	Events  []string `json:"events"`
	State   string   `json:"state"`
}

// Delivery is one event on its way to one endpoint. Request and AttemptLog are filled by Client.Delivery only; Raw is the
// object as the server sent it.
type Delivery struct {
	ID             int64           `json:"id"`
	WebhookID      string          `json:"webhook_id"`
	EndpointID     int64           `json:"endpoint_id"`
	Event          DeliveryEvent   `json:"event"`
	EventName      string          `json:"event_name"`
	ConversationID *int64          `json:"conversation_id"`
	State          string          `json:"state"`
	Attempts       int             `json:"attempts"`
	NextAttemptAt  *time.Time      `json:"next_attempt_at"`
	CreatedAt      time.Time       `json:"created_at"`
	DeliveredAt    *time.Time      `json:"delivered_at"`
	LastStatus     *int            `json:"last_status"`
	LastError      string          `json:"last_error"`
	ReplayOf       *int64          `json:"replay_of"`
	Request        Request         `json:"request"`
	AttemptLog     []Attempt       `json:"attempt_log"`
	Raw            json.RawMessage `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *Delivery) UnmarshalJSON(b []byte) error {
	type plain Delivery
	if err := json.Unmarshal(b, (*plain)(d)); err != nil {
		return err
	}
	d.Raw = append(json.RawMessage(nil), b...)
	return nil
}

// DeliveryEvent is what a delivery tells of.
type DeliveryEvent struct {
	ID   int64  `json:"id"`
	Seq  int64  `json:"seq"`
	Type string `json:"type"`
}

// Request is what is sent to the receiver.
type Request struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// Attempt is one call of the receiver and its answer.
type Attempt struct {
	Number          int               `json:"number"`
	StartedAt       time.Time         `json:"started_at"`
	DurationMs      float64           `json:"duration_ms"`
	Status          *int              `json:"status"`
	Error           string            `json:"error"`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    string            `json:"response_body"`
	Outcome         string            `json:"outcome"`
	RetryAt         *time.Time        `json:"retry_at"`
}

// DeliveryPage is a part of the log, newest first.
type DeliveryPage struct {
	Items      []Delivery `json:"items"`
	NextCursor *string    `json:"next_cursor"`
}

type itemList[T any] struct {
	Items []T `json:"items"`
}

type testInput struct {
	Event string `json:"event,omitempty"`
}

type testAnswer struct {
	DeliveryID int64 `json:"delivery_id"`
}

type replayInput struct {
	EndpointID     int64      `json:"endpoint_id"`
	State          string     `json:"state,omitempty"`
	EventName      string     `json:"event_name,omitempty"`
	ConversationID int64      `json:"conversation_id,omitempty"`
	From           *time.Time `json:"from,omitempty"`
	To             *time.Time `json:"to,omitempty"`
	DryRun         bool       `json:"dry_run"`
}

type countAnswer struct {
	Count int64 `json:"count"`
}

type deliveryAnswer struct {
	Delivery Delivery `json:"delivery"`
}

// wireProblem is the error document of the API (RFC 9457).
type wireProblem struct {
	Title     string         `json:"title"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	Field     string         `json:"field"`
	RequestID string         `json:"request_id"`
	Errors    []problemFault `json:"errors"`
}

type problemFault struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// place is the content of a state file.
type place struct {
	Server string `json:"server"`
	After  int64  `json:"after"`
	Secret string `json:"secret"`
}
