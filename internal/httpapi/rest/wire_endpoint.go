package rest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	channels "parley/internal/channel"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/mail"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect"
)

type dialectEvent struct {
	Name        string   `json:"name" example:"message.received"`
	Title       string   `json:"title" example:"Message received"`
	Description string   `json:"description" example:"A contact sent a message."`
	Versions    []string `json:"versions" doc:"The versions of the dialect that tell of it; null means all."`
}

type dialectSwitch struct {
	Name        string `json:"name" example:"traits_text"`
	Title       string `json:"title" example:"Traits as text"`
	Description string `json:"description" example:"In transcripts visitorTraits is a text of JSON, instead of an object."`
}

type dialectObject struct {
	Name     string          `json:"name" example:"standard"`
	Title    string          `json:"title" example:"Standard Webhooks"`
	Version  string          `json:"version" doc:"What a new endpoint gets." example:"1"`
	Versions []string        `json:"versions" nullable:"false" doc:"All that an endpoint can be pinned to, newest last." example:"[\"1\"]"`
	Success  string          `json:"success" doc:"Which answers count as received." example:"any 2xx"`
	Events   []dialectEvent  `json:"events" nullable:"false"`
	Switches []dialectSwitch `json:"switches" nullable:"false" doc:"What an endpoint may turn on about its calls."`
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
	FailingSince  *string `json:"failing_since" format:"date-time" doc:"Since when every attempt has failed; null while it works. After five days the endpoint is paused."`
}

// endpointPolicy says what becomes of personal data in the calls of an endpoint.
type endpointPolicy struct {
	Name  string `json:"name" enum:"keep,hash,remove" doc:"Names of contacts."`
	Email string `json:"email" enum:"keep,hash,remove" doc:"Mail addresses of contacts."`
	IP    string `json:"ip" enum:"keep,hash,remove" doc:"Addresses of visitors, and the places that they tell."`
	Text  string `json:"text" enum:"keep,hash,remove" doc:"What was written: messages, notes, feedback, topics, tags, custom data, additional fields."`
}

// endpoint is another system that gets callbacks.
type endpoint struct {
	ID             int64          `json:"id" example:"1"`
	Name           string         `json:"name" example:"CRM"`
	URL            string         `json:"url" example:"https://crm.example/hooks/parley"`
	Dialect        string         `json:"dialect" example:"standard"`
	DialectVersion string         `json:"dialect_version" doc:"The version of the dialect that its calls are pinned to." example:"1"`
	Events         []string       `json:"events" nullable:"false" doc:"The dialect's own names; none means all." example:"[\"message.received\"]"`
	Widgets        []int64        `json:"widgets" nullable:"false" doc:"Only conversations of these widgets; none means all." example:"[]"`
	Groups         []int64        `json:"groups" nullable:"false" doc:"Only conversations of these groups; none means all." example:"[]"`
	Switches       []string       `json:"switches" nullable:"false" doc:"What is turned on of the dialect's switches." example:"[]"`
	Hook           *endpointHook  `json:"hook" doc:"Which of a widget's webhooks it is; null for every other endpoint. Its dialect, events and widgets cannot be changed."`
	Headers        stringMap      `json:"headers" doc:"Extra headers of every call. Values are shown as ***." example:"{\"X-Key\": \"***\"}"`
	State          string         `json:"state" enum:"active,paused,gone" doc:"gone: the receiver answered that it wants no more calls."`
	StateReason    string         `json:"state_reason" example:""`
	HasSecret      bool           `json:"has_secret"`
	InFlightLimit  int            `json:"in_flight_limit" doc:"How many calls may run at once." example:"16"`
	RateLimit      int            `json:"rate_limit" doc:"How many calls may begin in a second; 0 means as many as there are." example:"0"`
	TimeoutSeconds int            `json:"timeout_seconds" doc:"How long one call may take." example:"15"`
	Success        string         `json:"success" enum:"dialect,2xx" doc:"Which answers count as received: as the dialect says, or every 2xx."`
	PrivateRanges  []string       `json:"private_ranges" doc:"The private address ranges that it may be in; null means all that the server's owner allowed, [] none." example:"[\"10.1.0.0/16\"]"`
	Policy         endpointPolicy `json:"policy"`
	CreatedAt      string         `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UpdatedAt      string         `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	Stats          endpointStats  `json:"stats"`
}

// endpointHook is a place for one of a widget's webhooks.
type endpointHook struct {
	WidgetID int64  `json:"widget_id" example:"1"`
	Hook     string `json:"hook" example:"transcript"`
}

type endpointList struct {
	Items []endpoint `json:"items" nullable:"false"`
}

type endpointCreatedAnswer struct {
	Endpoint endpoint `json:"endpoint"`
	Secret   string   `json:"secret" doc:"The signing secret, shown only here." example:"whsec_…"`
}

type endpointInput struct {
	Name           string               `json:"name" example:"CRM"`
	URL            string               `json:"url" example:"https://crm.example/hooks/parley"`
	Dialect        string               `json:"dialect" doc:"One of GET /dialects." example:"standard"`
	Events         []string             `json:"events" nullable:"false" doc:"The dialect's own names; none means all." example:"[\"message.received\"]"`
	DialectVersion *string              `json:"dialect_version,omitempty" doc:"One of the dialect's versions. Default: its current one." example:"1"`
	Switches       *[]string            `json:"switches,omitempty" nullable:"false" doc:"What is turned on of the dialect's switches. Default: none." example:"[]"`
	Widgets        *[]int64             `json:"widgets,omitempty" nullable:"false" doc:"Only conversations of these widgets; none means all." example:"[]"`
	Groups         *[]int64             `json:"groups,omitempty" nullable:"false" doc:"Only conversations of these groups; none means all." example:"[]"`
	Headers        stringMap            `json:"headers,omitempty" doc:"Extra headers of every call." example:"{\"X-Key\": \"abc\"}"`
	TimeoutSeconds *int                 `json:"timeout_seconds,omitempty" doc:"1 to 60, default 15." example:"15"`
	InFlightLimit  *int                 `json:"in_flight_limit,omitempty" doc:"1 to 256, default 16." example:"16"`
	RateLimit      *int                 `json:"rate_limit,omitempty" doc:"Calls per second, 1 to 10000; 0, the default, means no limit." example:"0"`
	Success        *string              `json:"success,omitempty" enum:"dialect,2xx" doc:"Default: dialect."`
	PrivateRanges  optionalRanges       `json:"private_ranges,omitempty" required:"false" doc:"Each inside a range that the server's owner allowed; null or absent means all of those, [] none."`
	Policy         *endpointPolicyInput `json:"policy,omitempty" doc:"What becomes of personal data. Default: all is kept."`
}

// endpointPolicyInput is endpointPolicy with what is left out staying as it is.
type endpointPolicyInput struct {
	Name  *string `json:"name,omitempty" enum:"keep,hash,remove" doc:"Names of contacts."`
	Email *string `json:"email,omitempty" enum:"keep,hash,remove" doc:"Mail addresses of contacts."`
	IP    *string `json:"ip,omitempty" enum:"keep,hash,remove" doc:"Addresses of visitors, and the places that they tell."`
	Text  *string `json:"text,omitempty" enum:"keep,hash,remove" doc:"What was written: messages, notes, feedback, topics, tags, custom data, additional fields."`
}

// optionalRanges tells an absent list from null.
type optionalRanges struct {
	given bool
	list  []string
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *optionalRanges) UnmarshalJSON(b []byte) error {
	o.given, o.list = true, nil
	return json.Unmarshal(b, &o.list)
}

// Schema implements huma.SchemaProvider.
func (optionalRanges) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Nullable: true, Examples: []any{nil}}
}

type endpointPatch struct {
	Name           *string              `json:"name,omitempty"`
	URL            *string              `json:"url,omitempty"`
	Dialect        *string              `json:"dialect,omitempty"`
	Events         *[]string            `json:"events,omitempty" nullable:"false"`
	DialectVersion *string              `json:"dialect_version,omitempty" doc:"What is queued already keeps the version that it was queued in."`
	Switches       *[]string            `json:"switches,omitempty" nullable:"false" doc:"Counts for what happens from now on. Another dialect begins with none."`
	Widgets        *[]int64             `json:"widgets,omitempty" nullable:"false"`
	Groups         *[]int64             `json:"groups,omitempty" nullable:"false"`
	Headers        *stringMap           `json:"headers,omitempty" doc:"Replaces all headers; a value of *** keeps the one that is stored."`
	TimeoutSeconds *int                 `json:"timeout_seconds,omitempty"`
	InFlightLimit  *int                 `json:"in_flight_limit,omitempty"`
	RateLimit      *int                 `json:"rate_limit,omitempty"`
	Success        *string              `json:"success,omitempty" enum:"dialect,2xx"`
	PrivateRanges  optionalRanges       `json:"private_ranges,omitempty" required:"false" doc:"null means all that the server's owner allowed."`
	Policy         *endpointPolicyInput `json:"policy,omitempty" doc:"What is left out stays as it is."`
}

type resumeInput struct {
	Backlog *bool `json:"backlog,omitempty" doc:"Default: true. false drops what is queued instead of sending it." example:"true"`
}

type testInput struct {
	Event *string `json:"event,omitempty" doc:"The dialect's name of the event whose sample is sent. Default: the first that the endpoint hears." example:"message.received"`
}

// chart is how an endpoint did, in equal steps of time.
type chart struct {
	StepSeconds int          `json:"step_seconds" doc:"60 for 1h, 900 for 24h, 7200 for 7d." example:"60"`
	Points      []chartPoint `json:"points" nullable:"false" doc:"Oldest first, without gaps; the last one is still running."`
}

type chartPoint struct {
	At            string  `json:"at" format:"date-time" doc:"When the step begins." example:"2026-11-22T10:00:00.000000Z"`
	Delivered     int64   `json:"delivered" doc:"Attempts that succeeded." example:"12"`
	Failed        int64   `json:"failed" doc:"Attempts that failed." example:"0"`
	MeanMs        float64 `json:"mean_ms" doc:"How long an attempt took." example:"12.3"`
	MaxMs         float64 `json:"max_ms" example:"40.1"`
	MaxLagSeconds float64 `json:"max_lag_seconds" doc:"The longest time between an event and its delivery." example:"0.2"`
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
	EndpointID     *int64        `json:"endpoint_id" doc:"Null for a call of a channel and for a mail." example:"1"`
	ChannelID      *int64        `json:"channel_id" doc:"Of a call of a channel."`
	WidgetID       *int64        `json:"widget_id" doc:"Of a mail: the widget whose mail it is."`
	Event          deliveryEvent `json:"event"`
	EventName      string        `json:"event_name" doc:"The dialect's name of the event; of a mail its e-mail type." example:"message.received"`
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
	Body    string    `json:"body" doc:"Exactly what is sent, but that a mail is shown without what signs in; empty before the first attempt."`
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
	EndpointID     *int64          `json:"endpoint_id" example:"1"`
	ChannelID      *int64          `json:"channel_id"`
	WidgetID       *int64          `json:"widget_id"`
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

// deliverySelection names deliveries of one endpoint; its fields narrow them together.
type deliverySelection struct {
	EndpointID     int64      `json:"endpoint_id" minimum:"1" example:"1"`
	State          *string    `json:"state,omitempty" enum:"pending,delivered,dead,dropped" doc:"A pending delivery is never sent twice: pending finds none, and only dead ones can be revived." example:"dead"`
	EventName      *string    `json:"event_name,omitempty" maxLength:"100" doc:"The dialect's name of the event." example:"message.received"`
	ConversationID *int64     `json:"conversation_id,omitempty" minimum:"1" example:"42"`
	EventID        *int64     `json:"event_id,omitempty" minimum:"1" example:"124"`
	From           *time.Time `json:"from,omitempty" doc:"Queued at this time or later (RFC 3339)." example:"2026-11-22T10:00:00Z"`
	To             *time.Time `json:"to,omitempty" doc:"Queued before this time (RFC 3339)." example:"2026-11-23T10:00:00Z"`
	DryRun         bool       `json:"dry_run,omitempty" doc:"Only counts; nothing is sent." example:"true"`
}

type selectionCount struct {
	Count  int64 `json:"count" doc:"How many deliveries are sent again, or would be." example:"12"`
	DryRun bool  `json:"dry_run" example:"true"`
}

func wireDialect(i dialect.Info) dialectObject {
	return dialectObject{
		Name:     i.Name,
		Title:    i.Title,
		Version:  i.Version,
		Versions: i.Versions,
		Success:  i.Success,
		Events: wireList(i.Events, func(e dialect.Event) dialectEvent {
			return dialectEvent{Name: e.Name, Title: e.Title, Description: e.Description, Versions: e.Versions}
		}),
		Switches: wireList(i.Switches, func(s dialect.Switch) dialectSwitch { return dialectSwitch(s) }),
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
	out := endpoint{
		ID:             wireID(e.ID),
		Name:           e.Name,
		URL:            e.URL,
		Dialect:        e.Dialect,
		DialectVersion: e.DialectVersion,
		Events:         events,
		Widgets:        wireIDs(e.Widgets),
		Groups:         wireIDs(e.Groups),
		Switches:       wireList(e.Switches, func(name string) string { return name }),
		Headers:        headers,
		State:          e.State,
		StateReason:    e.StateReason,
		HasSecret:      e.HasSecret,
		InFlightLimit:  e.InFlightLimit,
		RateLimit:      e.RateLimit,
		TimeoutSeconds: int(e.Timeout / time.Second),
		Success:        e.Success,
		PrivateRanges:  e.PrivateRanges,
		Policy:         endpointPolicy(e.Policy),
		CreatedAt:      wireTime(e.CreatedAt),
		UpdatedAt:      wireTime(e.UpdatedAt),
		Stats:          wireStats(e.Stats),
	}
	if e.Hook != (webhook.Hook{}) {
		out.Hook = &endpointHook{WidgetID: wireID(e.Hook.Widget), Hook: e.Hook.Name}
	}
	return out
}

func wireStats(s delivery.Stats) endpointStats {
	return endpointStats{
		Pending:       s.Pending,
		Dead:          s.Dead,
		LagSeconds:    s.Lag.Seconds(),
		LastStatus:    wireStatus(s.LastStatus),
		LastAttemptAt: wireTimeOrNull(s.LastAttemptAt),
		Breaker:       s.Breaker,
		FailingSince:  wireTimeOrNull(s.FailingSince),
	}
}

func (in endpointInput) draft() webhook.Draft {
	d := webhook.Draft{
		Name:           &in.Name,
		URL:            &in.URL,
		Dialect:        &in.Dialect,
		DialectVersion: in.DialectVersion,
		Events:         &in.Events,
		Switches:       in.Switches,
		Widgets:        ids[id.Widget](in.Widgets),
		Groups:         ids[id.Group](in.Groups),
		InFlightLimit:  in.InFlightLimit,
		RateLimit:      in.RateLimit,
		Timeout:        wireTimeout(in.TimeoutSeconds),
		PrivateRanges:  in.PrivateRanges.ranges(),
		Success:        in.Success,
		Policy:         in.Policy.policy(),
	}
	if in.Headers != nil {
		headers := map[string]string(in.Headers)
		d.Headers = &headers
	}
	return d
}

func (in endpointPatch) draft() webhook.Draft {
	d := webhook.Draft{
		Name:           in.Name,
		URL:            in.URL,
		Dialect:        in.Dialect,
		DialectVersion: in.DialectVersion,
		Events:         in.Events,
		Switches:       in.Switches,
		Widgets:        ids[id.Widget](in.Widgets),
		Groups:         ids[id.Group](in.Groups),
		InFlightLimit:  in.InFlightLimit,
		RateLimit:      in.RateLimit,
		Timeout:        wireTimeout(in.TimeoutSeconds),
		PrivateRanges:  in.PrivateRanges.ranges(),
		Success:        in.Success,
		Policy:         in.Policy.policy(),
	}
	if in.Headers != nil {
		headers := map[string]string(*in.Headers)
		d.Headers = &headers
	}
	return d
}

// ids types a list of ids; nil stays nil.
func ids[T ~int64](list *[]int64) *[]T {
	if list == nil {
		return nil
	}
	out := wireList(*list, func(n int64) T { return T(n) })
	return &out
}

// ranges is nil for an absent list, and points to nil for null.
func (o optionalRanges) ranges() *[]string {
	if !o.given {
		return nil
	}
	return &o.list
}

// policy leaves empty what was not given; the desk keeps that as it is.
func (in *endpointPolicyInput) policy() *webhook.Policy {
	if in == nil {
		return nil
	}
	return &webhook.Policy{Name: valueOr(in.Name), Email: valueOr(in.Email), IP: valueOr(in.IP), Text: valueOr(in.Text)}
}

func (in deliverySelection) filter() (webhook.DeliveryFilter, error) {
	return deliveryFilter(webhook.DeliveryFilter{
		Endpoint:     id.Endpoint(in.EndpointID),
		State:        valueOr(in.State),
		Name:         valueOr(in.EventName),
		Conversation: id.Conversation(valueOr(in.ConversationID)),
		Event:        id.Event(valueOr(in.EventID)),
		From:         valueOr(in.From),
		To:           valueOr(in.To),
	})
}

// wireChart puts what is known of each step in its place; steps of which nothing is known are all zeros.
func wireChart(points []delivery.Point, from time.Time, step time.Duration, n int) chart {
	c := chart{StepSeconds: int(step / time.Second), Points: make([]chartPoint, n)}
	for i := range c.Points {
		c.Points[i].At = wireTime(from.Add(time.Duration(i) * step))
	}
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	for _, p := range points {
		i := int(p.At.Sub(from) / step)
		if p.At.Before(from) || i >= n {
			continue
		}
		c.Points[i] = chartPoint{
			At:            c.Points[i].At,
			Delivered:     p.Delivered,
			Failed:        p.Failed,
			MeanMs:        milliseconds(p.Duration),
			MaxMs:         milliseconds(p.MaxDuration),
			MaxLagSeconds: float64(p.MaxLag.Milliseconds()) / 1000,
		}
	}
	return c
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
	switch e.Kind {
	case channels.Deliveries:
		w.ChannelID = wireIDOrNull(e.Ref)
	case mail.Deliveries:
		w.WidgetID = wireIDOrNull(e.Ref)
	default:
		w.EndpointID = wireIDOrNull(e.Ref)
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
		ChannelID:      o.ChannelID,
		WidgetID:       o.WidgetID,
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
		Request:        deliveryRequest{Headers: stringMap{}, Body: string(shownBody(d))},
		AttemptLog:     wireList(d.AttemptLog, wireAttempt),
	}
	if n := len(d.AttemptLog); n > 0 {
		w.Request.URL, w.Request.Headers = d.AttemptLog[n-1].RequestURL, wireHeader(d.AttemptLog[n-1].RequestHeader)
	}
	return w
}

// shownBody is what was sent, without the secrets of a mail: who reads the log must not sign in as the contact.
func shownBody(d *delivery.Detail) []byte {
	if d.Kind == mail.Deliveries {
		return mail.MaskBody(d.Name, d.Body)
	}
	return d.Body
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
