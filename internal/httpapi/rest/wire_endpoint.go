package rest

import (
	"net/http"
	"strings"
	"time"

	"parley/internal/delivery"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect"
)

type dialectEvent struct {
	Name        string `json:"name" example:"message.received"`
	Title       string `json:"title" example:"Message received"`
	Description string `json:"description" example:"A contact sent a message."`
}

type dialectObject struct {
	Name    string         `json:"name" example:"standard"`
	Title   string         `json:"title" example:"Standard Webhooks"`
	Success string         `json:"success" doc:"Which answers count as received." example:"any 2xx"`
	Events  []dialectEvent `json:"events" nullable:"false"`
}

type dialectList struct {
	Items []dialectObject `json:"items" nullable:"false"`
}

type endpointStats struct {
	Pending       int     `json:"pending" doc:"Deliveries that wait or are being tried." example:"0"`
	Dead          int     `json:"dead" doc:"Deliveries that were given up." example:"0"`
	LagSeconds    float64 `json:"lag_seconds" doc:"Age of the oldest pending delivery." example:"0"`
	LastStatus    *int    `json:"last_status" doc:"HTTP status of the last attempt; null before the first, and when nobody answered." example:"200"`
	LastAttemptAt *string `json:"last_attempt_at" format:"date-time"`
	Breaker       string  `json:"breaker" enum:"closed,open,half_open" doc:"open: calls are suspended after many failures in a row."`
}

// endpoint is another system that gets callbacks.
type endpoint struct {
	ID             int64         `json:"id" example:"1"`
	Name           string        `json:"name" example:"CRM"`
	URL            string        `json:"url" example:"https://crm.example/hooks/parley"`
	Dialect        string        `json:"dialect" example:"standard"`
	Events         []string      `json:"events" nullable:"false" doc:"The dialect's own names; none means all." example:"[\"message.received\"]"`
	Headers        stringMap     `json:"headers" doc:"Extra headers of every call. Values are shown as ***." example:"{\"X-Key\": \"***\"}"`
	State          string        `json:"state" enum:"active,paused,gone" doc:"gone: the receiver answered that it wants no more calls."`
	StateReason    string        `json:"state_reason" example:""`
	HasSecret      bool          `json:"has_secret"`
	InFlightLimit  int           `json:"in_flight_limit" doc:"How many calls may run at once." example:"16"`
	TimeoutSeconds int           `json:"timeout_seconds" doc:"How long one call may take." example:"15"`
	CreatedAt      string        `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UpdatedAt      string        `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	Stats          endpointStats `json:"stats"`
}

type endpointList struct {
	Items []endpoint `json:"items" nullable:"false"`
}

type endpointCreatedAnswer struct {
	Endpoint endpoint `json:"endpoint"`
	Secret   string   `json:"secret" doc:"The signing secret, shown only here." example:"whsec_…"`
}

type endpointInput struct {
	Name           string    `json:"name" example:"CRM"`
	URL            string    `json:"url" example:"https://crm.example/hooks/parley"`
	Dialect        string    `json:"dialect" doc:"One of GET /dialects." example:"standard"`
	Events         []string  `json:"events" nullable:"false" doc:"The dialect's own names; none means all." example:"[\"message.received\"]"`
	Headers        stringMap `json:"headers,omitempty" doc:"Extra headers of every call." example:"{\"X-Key\": \"abc\"}"`
	TimeoutSeconds *int      `json:"timeout_seconds,omitempty" doc:"Default 15."`
	InFlightLimit  *int      `json:"in_flight_limit,omitempty" doc:"Default 16."`
}

type endpointPatch struct {
	Name           *string    `json:"name,omitempty"`
	URL            *string    `json:"url,omitempty"`
	Dialect        *string    `json:"dialect,omitempty"`
	Events         *[]string  `json:"events,omitempty" nullable:"false"`
	Headers        *stringMap `json:"headers,omitempty" doc:"Replaces all headers; a value of *** keeps the one that is stored."`
	TimeoutSeconds *int       `json:"timeout_seconds,omitempty"`
	InFlightLimit  *int       `json:"in_flight_limit,omitempty"`
}

type testAnswer struct {
	DeliveryID int64 `json:"delivery_id" example:"9"`
}

type deliveryEvent struct {
	ID   int64  `json:"id" doc:"0 for a test call." example:"124"`
	Seq  int64  `json:"seq" doc:"The event's place in the feed, 0 for a test call." example:"124"`
	Type string `json:"type" doc:"The event's type; “test” for a test call." example:"message.received"`
}

// deliveryObject is one event on its way to one endpoint. Its name in the API's document is Delivery.
type deliveryObject struct {
	ID             int64         `json:"id" example:"9"`
	WebhookID      string        `json:"webhook_id" doc:"The header webhook-id of every attempt; receivers recognise repeats by it." example:"msg_9"`
	EndpointID     int64         `json:"endpoint_id" example:"1"`
	Event          deliveryEvent `json:"event"`
	EventName      string        `json:"event_name" doc:"The dialect's name of the event." example:"message.received"`
	ConversationID *int64        `json:"conversation_id" example:"42"`
	State          string        `json:"state" enum:"pending,delivered,dead,dropped" doc:"dead: given up; dropped: not sent because the endpoint went away."`
	Attempts       int           `json:"attempts" example:"1"`
	NextAttemptAt  *string       `json:"next_attempt_at" format:"date-time" doc:"Null when none is planned."`
	CreatedAt      string        `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	DeliveredAt    *string       `json:"delivered_at" format:"date-time"`
	LastStatus     *int          `json:"last_status" doc:"HTTP status of the last attempt; null when nobody answered." example:"200"`
	LastError      string        `json:"last_error" example:""`
	ReplayOf       *int64        `json:"replay_of" doc:"The delivery that this one repeats."`
}

type deliveryPage struct {
	Items      []deliveryObject `json:"items" nullable:"false" doc:"Newest first."`
	NextCursor *string          `json:"next_cursor" doc:"Send it as cursor for the next page; null on the last page."`
}

type deliveryRequest struct {
	URL     string    `json:"url" example:"https://crm.example/hooks/parley"`
	Headers stringMap `json:"headers" doc:"Secrets are shown as ***."`
	Body    string    `json:"body" doc:"Exactly what is sent; empty before the first attempt."`
}

type attempt struct {
	Number          int       `json:"number" example:"1"`
	StartedAt       string    `json:"started_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	DurationMs      float64   `json:"duration_ms" example:"12.3"`
	Status          *int      `json:"status" doc:"Null when nobody answered." example:"200"`
	Error           string    `json:"error" example:""`
	ResponseHeaders stringMap `json:"response_headers"`
	ResponseBody    string    `json:"response_body" doc:"The beginning of the answer." example:"ok"`
	Outcome         string    `json:"outcome" enum:"delivered,retry,dead"`
	RetryAt         *string   `json:"retry_at" format:"date-time"`
}

// deliveryDetail is a delivery with what was sent and answered.
type deliveryDetail struct {
	ID             int64           `json:"id" example:"9"`
	WebhookID      string          `json:"webhook_id" example:"msg_9"`
	EndpointID     int64           `json:"endpoint_id" example:"1"`
	Event          deliveryEvent   `json:"event"`
	EventName      string          `json:"event_name" example:"message.received"`
	ConversationID *int64          `json:"conversation_id" example:"42"`
	State          string          `json:"state" enum:"pending,delivered,dead,dropped"`
	Attempts       int             `json:"attempts" example:"1"`
	NextAttemptAt  *string         `json:"next_attempt_at" format:"date-time"`
	CreatedAt      string          `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	DeliveredAt    *string         `json:"delivered_at" format:"date-time"`
	LastStatus     *int            `json:"last_status" example:"200"`
	LastError      string          `json:"last_error" example:""`
	ReplayOf       *int64          `json:"replay_of"`
	Request        deliveryRequest `json:"request"`
	AttemptLog     []attempt       `json:"attempt_log" nullable:"false" doc:"Oldest first."`
}

type replayAnswer struct {
	Delivery deliveryObject `json:"delivery"`
}

func wireDialect(i dialect.Info) dialectObject {
	return dialectObject{
		Name:    i.Name,
		Title:   i.Title,
		Success: i.Success,
		Events: wireList(i.Events, func(e dialect.Event) dialectEvent {
			return dialectEvent{Name: e.Name, Title: e.Title, Description: e.Description}
		}),
	}
}

func wireStatus(status int) *int {
	if status == 0 {
		return nil
	}
	return &status
}

func wireEndpoint(e *webhook.Endpoint) endpoint {
	events := e.Events
	if events == nil {
		events = []string{}
	}
	headers := stringMap{}
	for name := range e.Headers {
		headers[name] = webhook.Masked
	}
	return endpoint{
		ID:             wireID(e.ID),
		Name:           e.Name,
		URL:            e.URL,
		Dialect:        e.Dialect,
		Events:         events,
		Headers:        headers,
		State:          e.State,
		StateReason:    e.StateReason,
		HasSecret:      e.HasSecret,
		InFlightLimit:  e.InFlightLimit,
		TimeoutSeconds: int(e.Timeout / time.Second),
		CreatedAt:      wireTime(e.CreatedAt),
		UpdatedAt:      wireTime(e.UpdatedAt),
		Stats: endpointStats{
			Pending:       e.Stats.Pending,
			Dead:          e.Stats.Dead,
			LagSeconds:    e.Stats.Lag.Seconds(),
			LastStatus:    wireStatus(e.Stats.LastStatus),
			LastAttemptAt: wireTimeOrNull(e.Stats.LastAttemptAt),
			Breaker:       e.Stats.Breaker,
		},
	}
}

func (in endpointInput) draft() webhook.Draft {
	d := webhook.Draft{Name: &in.Name, URL: &in.URL, Dialect: &in.Dialect, Events: &in.Events, InFlightLimit: in.InFlightLimit, Timeout: wireTimeout(in.TimeoutSeconds)}
	if in.Headers != nil {
		headers := map[string]string(in.Headers)
		d.Headers = &headers
	}
	return d
}

func (in endpointPatch) draft() webhook.Draft {
	d := webhook.Draft{Name: in.Name, URL: in.URL, Dialect: in.Dialect, Events: in.Events, InFlightLimit: in.InFlightLimit, Timeout: wireTimeout(in.TimeoutSeconds)}
	if in.Headers != nil {
		headers := map[string]string(*in.Headers)
		d.Headers = &headers
	}
	return d
}

// wireTimeout turns seconds into a time, in bounds that the desk refuses by itself without an overflow before.
func wireTimeout(seconds *int) *time.Duration {
	if seconds == nil {
		return nil
	}
	d := time.Duration(min(max(*seconds, -1), 86400)) * time.Second
	return &d
}

// testEvent stands for the event of a test call, which has none.
const testEvent = "test"

func wireDelivery(e delivery.Entry) deliveryObject {
	w := deliveryObject{
		ID:             wireID(e.ID),
		WebhookID:      e.WebhookID,
		EndpointID:     e.Ref,
		Event:          deliveryEvent{ID: wireID(e.Event), Seq: wireID(e.Seq), Type: e.EventType},
		EventName:      e.Name,
		ConversationID: wireIDOrNull(e.Conversation),
		State:          e.State,
		Attempts:       e.Attempts,
		NextAttemptAt:  wireTimeOrNull(e.NextAt),
		CreatedAt:      wireTime(e.CreatedAt),
		LastStatus:     wireStatus(e.LastStatus),
		LastError:      e.LastError,
		ReplayOf:       wireIDOrNull(e.ReplayOf),
	}
	if e.Event == 0 {
		w.Event.Type = testEvent
	}
	if e.State == delivery.Delivered {
		w.DeliveredAt = wireTimeOrNull(e.FinishedAt)
	}
	return w
}

func wireDeliveryDetail(d *delivery.Detail) deliveryDetail {
	o := wireDelivery(d.Entry)
	w := deliveryDetail{
		ID:             o.ID,
		WebhookID:      o.WebhookID,
		EndpointID:     o.EndpointID,
		Event:          o.Event,
		EventName:      o.EventName,
		ConversationID: o.ConversationID,
		State:          o.State,
		Attempts:       o.Attempts,
		NextAttemptAt:  o.NextAttemptAt,
		CreatedAt:      o.CreatedAt,
		DeliveredAt:    o.DeliveredAt,
		LastStatus:     o.LastStatus,
		LastError:      o.LastError,
		ReplayOf:       o.ReplayOf,
		Request:        deliveryRequest{Headers: stringMap{}, Body: string(d.Body)},
		AttemptLog:     wireList(d.AttemptLog, wireAttempt),
	}
	if n := len(d.AttemptLog); n > 0 {
		w.Request.URL, w.Request.Headers = d.AttemptLog[n-1].RequestURL, wireHeader(d.AttemptLog[n-1].RequestHeader)
	}
	return w
}

func wireAttempt(a delivery.Attempt) attempt {
	return attempt{
		Number:          a.Number,
		StartedAt:       wireTime(a.StartedAt),
		DurationMs:      float64(a.Duration.Microseconds()) / 1000,
		Status:          wireStatus(a.Status),
		Error:           a.Error,
		ResponseHeaders: wireHeader(a.ResponseHeader),
		ResponseBody:    strings.ToValidUTF8(string(a.ResponseBody), "\uFFFD"),
		Outcome:         wireOutcome(a.Outcome),
		RetryAt:         wireTimeOrNull(a.RetryAt),
	}
}

// wireOutcome says what became of the delivery. A receiver that wants no more calls leaves it waiting.
func wireOutcome(v delivery.Verdict) string {
	switch v {
	case delivery.Done:
		return "delivered"
	case delivery.GiveUp, delivery.Discard:
		return "dead"
	}
	return "retry"
}

func wireHeader(h http.Header) stringMap {
	out := make(stringMap, len(h))
	for name, values := range h {
		out[name] = strings.Join(values, ", ")
	}
	return out
}
