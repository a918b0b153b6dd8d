package rest

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// eventBody is an event as the standard dialect renders it. Its schema is that of eventObject.
type eventBody json.RawMessage

// MarshalJSON implements json.Marshaler.
func (b eventBody) MarshalJSON() ([]byte, error) { return json.RawMessage(b).MarshalJSON() }

// Schema implements huma.SchemaProvider.
func (eventBody) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[eventObject](), true, "Event")
}

type eventPage struct {
	Items     []eventBody `json:"items" nullable:"false" doc:"In order of seq."`
	NextAfter int64       `json:"next_after" doc:"Send it as after next time. It also moves past events that the filter left out." example:"124"`
	Seq       int64       `json:"seq" doc:"The newest event of the feed." example:"124"`
}

// The following are never filled: they describe what the standard dialect renders.

// eventObject is one thing that happened, as the feed, the sockets and callbacks of the dialect “standard” tell it.
type eventObject struct {
	Type      string    `json:"type" doc:"What happened." example:"message.received"`
	Timestamp string    `json:"timestamp" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	Seq       int64     `json:"seq" doc:"The event's place in the feed: 1, 2, 3 … without gaps." example:"124"`
	Data      eventData `json:"data"`
}

type eventData struct {
	By             string            `json:"by,omitempty" enum:"contact,operator,bot,system" doc:"Whose mark moved (conversation.read)."`
	Conversation   *conversation     `json:"conversation,omitempty" doc:"As it was right after the event."`
	Session        *session          `json:"session,omitempty"`
	Message        *message          `json:"message,omitempty" doc:"The message, or the line that the event put into the thread."`
	Contact        *contactObject    `json:"contact,omitempty" doc:"In contact.created, contact.updated and contact.erased, and in mail.queued and mail.failed where the mail is about no conversation."`
	Operator       *eventOperator    `json:"operator,omitempty" doc:"In operator.status_changed and operator.updated."`
	Widget         *eventWidget      `json:"widget,omitempty" doc:"In widget.updated."`
	Group          *groupWithMembers `json:"group,omitempty" doc:"In group.updated."`
	OperatorBefore *operatorBrief    `json:"operator_before,omitempty" doc:"Who was responsible before conversation.assigned."`
	GroupBefore    *group            `json:"group_before,omitempty" doc:"Which group was responsible before conversation.assigned."`
	StatusPrevious string            `json:"status_previous,omitempty" doc:"The status before the event, where it changed."`
	Endpoint       *eventEndpoint    `json:"endpoint,omitempty" doc:"In endpoint.failing, endpoint.paused and delivery.dead."`
	Days           int               `json:"days,omitempty" doc:"For how many days nothing has succeeded (endpoint.failing, channel.failing)." example:"1"`
	Delivery       *eventDelivery    `json:"delivery,omitempty" doc:"In delivery.dead."`
	Channel        *eventChannel     `json:"channel,omitempty" doc:"In channel.failing and channel.paused."`
	Changed        string            `json:"changed,omitempty" enum:"text,media,link,state" doc:"What became different about the message (message.updated)."`
	Mail           *eventMail        `json:"mail,omitempty" doc:"In mail.queued and mail.failed."`
	Offline        *eventOffline     `json:"offline,omitempty" doc:"In offline_message.received: what was typed into the form, beside the message."`
	Transcript     *eventTranscript  `json:"transcript,omitempty" doc:"In transcript.requested. The thread is read by the API."`
}

// eventMail is a mail to a contact, without its address.
type eventMail struct {
	ID     int64  `json:"id" example:"5"`
	Kind   string `json:"kind" enum:"transcript,missed,reauth"`
	Reason string `json:"reason,omitempty" doc:"In mail.failed." example:"the mail server refused it: 550 no such user"`
}

// eventChannel is a channel as operational events tell of it.
type eventChannel struct {
	ID     int64  `json:"id" example:"8"`
	Type   string `json:"type" example:"custom"`
	Name   string `json:"name" example:"SMS"`
	Reason string `json:"reason" example:"the channel's server answered 500"`
}

// eventEndpoint is an endpoint as operational events tell of it.
type eventEndpoint struct {
	ID     int64  `json:"id" example:"1"`
	Name   string `json:"name" example:"CRM"`
	URL    string `json:"url" doc:"The host only." example:"crm.example"`
	State  string `json:"state" enum:"active,paused,gone"`
	Reason string `json:"reason" example:"the receiver answered 500"`
}

// eventDelivery is a call that was given up.
type eventDelivery struct {
	ID        int64  `json:"id" example:"9"`
	EventID   int64  `json:"event_id" example:"124"`
	EventName string `json:"event_name" example:"message.received"`
	Attempts  int    `json:"attempts" example:"20"`
}

// eventOperator is an operator without the figure that only lists have.
type eventOperator struct {
	ID                int64   `json:"id" example:"1"`
	Name              string  `json:"name" example:"Ann Lee"`
	FirstName         string  `json:"first_name" example:"Ann"`
	LastName          string  `json:"last_name" example:"Lee"`
	Alias             string  `json:"alias" example:""`
	Email             string  `json:"email" example:"ann@example.com"`
	ImageURL          string  `json:"image_url" example:""`
	Status            string  `json:"status" enum:"online,away,offline"`
	Username          string  `json:"username" example:"ann"`
	Lang              string  `json:"lang" example:"en"`
	Locale            string  `json:"locale" example:"en_US"`
	Timezone          string  `json:"timezone" example:"UTC"`
	Role              string  `json:"role" enum:"admin,operator"`
	Active            bool    `json:"active"`
	Slots             int     `json:"slots" example:"5"`
	Availability      string  `json:"availability" enum:"online,away,offline"`
	Groups            []group `json:"groups" nullable:"false"`
	OpenConversations *int    `json:"open_conversations" doc:"Null in events; GET /operators has it."`
	CreatedAt         string  `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
}

// eventOffline is who somebody who left a message says they are.
type eventOffline struct {
	Name  string `json:"name" example:"Bob Smith"`
	Email string `json:"email" example:"bob@customer.example"`
}

// eventTranscript says whose transcript it is.
type eventTranscript struct {
	Operator *operatorBrief `json:"operator" doc:"Who ended the conversation, else who answered last; null for nobody."`
	Extra    []string       `json:"extra" nullable:"false" doc:"Words that somebody sent along." example:"[\"refund\"]"`
}

// eventWidget is a widget without its snippet.
type eventWidget struct {
	ID                    int64         `json:"id" example:"1"`
	Key                   string        `json:"key" example:"w_Zm9vYmFyYmF6cXV4"`
	Name                  string        `json:"name" example:"Demo shop"`
	Lang                  string        `json:"lang" enum:"en,de"`
	GroupID               *int64        `json:"group_id" example:"1"`
	Domains               []string      `json:"domains" nullable:"false" example:"[\"shop.example\"]"`
	Color                 string        `json:"color" example:"#4f46e5"`
	Position              string        `json:"position" enum:"right,left"`
	Title                 string        `json:"title" example:"Chat with us"`
	Subtitle              string        `json:"subtitle" example:""`
	Greeting              string        `json:"greeting" example:"Hi! How can we help?"`
	Theme                 string        `json:"theme" enum:"auto,light,dark"`
	SessionTimeoutSeconds int           `json:"session_timeout_seconds" example:"1800"`
	IdentityRequired      bool          `json:"identity_required"`
	HasIdentitySecret     bool          `json:"has_identity_secret"`
	PrivacyMode           bool          `json:"privacy_mode"`
	RatingForm            string        `json:"rating_form" doc:"stars, thumbs, or empty for none."`
	AskFeedback           bool          `json:"ask_feedback"`
	Survey                *widgetSurvey `json:"survey"`
	Goals                 []widgetGoal  `json:"goals" nullable:"false"`
	Presence              string        `json:"presence" enum:"auto,off,manual" doc:"What counts as somebody being there."`
	Hours                 *widgetHours  `json:"hours" doc:"When somebody is there at all; null means always."`
	OfflineForm           bool          `json:"offline_form"`
	UnansweredSeconds     int           `json:"unanswered_seconds" doc:"How long a message may wait for an operator before the alarm; 0 means no alarm." example:"120"`
	TranscriptHook        string        `json:"transcript_hook" doc:"When the transcript goes to the webhook by itself: end, review, or empty for never."`
	ShowVisitors          bool          `json:"show_visitors"`
	Active                bool          `json:"active"`
	CreatedAt             string        `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UpdatedAt             string        `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
}
