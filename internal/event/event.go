package event

import (
	"strconv"
	"time"

	"parley/internal/id"
)

// Type names what happened. The dotted names are those of the feed and of the standard dialect.
type Type string

// The event types.
const (
	ConversationCreated       Type = "conversation.created"
	ConversationAssigned      Type = "conversation.assigned" // another operator or group is responsible
	ConversationStatusChanged Type = "conversation.status_changed"
	ConversationEnded         Type = "conversation.ended"
	ConversationReopened      Type = "conversation.reopened"
	ConversationRead          Type = "conversation.read"    // a read or delivered mark moved
	ConversationUpdated       Type = "conversation.updated" // page, topic or contact changed
	SessionStarted            Type = "session.started"
	SessionEnded              Type = "session.ended"
	SessionUnread             Type = "session.unread"   // a session ended with messages that no operator had read
	MessageReceived           Type = "message.received" // from the contact
	MessageSent               Type = "message.sent"     // to the contact
	MessageNoted              Type = "message.noted"    // an internal note; never leaves for the contact
	MessageUpdated            Type = "message.updated"  // its text, its file, its link card or its state became different
	MessageDeleted            Type = "message.deleted"  // an operator took it back; its place in the thread stays
	OperatorStatusChanged     Type = "operator.status_changed"
	OperatorUpdated           Type = "operator.updated"
	GroupUpdated              Type = "group.updated"
	WidgetUpdated             Type = "widget.updated"
	ContactCreated            Type = "contact.created"
	ContactUpdated            Type = "contact.updated"
	ContactErased             Type = "contact.erased"           // their data was deleted because they wanted that; what is left names nobody
	MailQueued                Type = "mail.queued"              // a mail to a contact was put down to be sent
	MailFailed                Type = "mail.failed"              // a mail to a contact was refused for good, or given up
	RatingGiven               Type = "rating.given"             // a contact rated a session
	FeedbackGiven             Type = "feedback.given"           // a contact wrote what they think of a session
	SurveyAnswered            Type = "survey.answered"          // a contact answered the widget's question after the conversation was set to ended
	GoalReached               Type = "goal.reached"             // a contact in a session reached one of the widget's goals
	ReviewGiven               Type = "review.given"             // a contact is done with rating a session: once, with the comment or some time after a rating without one
	ConversationUnanswered    Type = "conversation.unanswered"  // a contact's message waited longer for an operator than its widget wants
	OfflineMessageReceived    Type = "offline_message.received" // from the form that a widget shows while nobody is there
	TranscriptRequested       Type = "transcript.requested"     // the transcript shall go to the widget's webhook: after an end, or because somebody asked
	EndpointFailing           Type = "endpoint.failing"         // no call to it has succeeded for days
	EndpointPaused            Type = "endpoint.paused"          // calls to it were stopped without anybody asking
	DeliveryDead              Type = "delivery.dead"            // a call was given up
	ChannelFailing            Type = "channel.failing"          // nothing has arrived at its other side for days
	ChannelPaused             Type = "channel.paused"           // messages to its other side were stopped without anybody asking
)

// Types lists every event type, in the order of the reference.
func Types() []Type {
	return []Type{
		ConversationCreated, ConversationAssigned, ConversationStatusChanged, ConversationEnded, ConversationReopened, ConversationRead, ConversationUpdated,
		SessionStarted, SessionEnded, SessionUnread, MessageReceived, MessageSent, MessageNoted, MessageUpdated, MessageDeleted,
		OperatorStatusChanged, OperatorUpdated, GroupUpdated, WidgetUpdated, ContactCreated, ContactUpdated, ContactErased, MailQueued, MailFailed,
		RatingGiven, FeedbackGiven, ReviewGiven, SurveyAnswered, GoalReached, ConversationUnanswered, OfflineMessageReceived, TranscriptRequested,
		EndpointFailing, EndpointPaused, DeliveryDead, ChannelFailing, ChannelPaused,
	}
}

// Operational reports whether events of the type are about the way out itself, not about the people who use the product.
func (t Type) Operational() bool {
	switch t {
	case EndpointFailing, EndpointPaused, DeliveryDead, ChannelFailing, ChannelPaused:
		return true
	}
	return false
}

// Event is one thing that happened, with everything needed to tell others about it.
type Event struct {
	ID  id.Event
	Seq id.Seq // 0 until numbered
	// Type says which of the pointers below are set.
	Type Type
	At   time.Time
	// By is who caused it; its Type is "system" for timers and rules.
	By Party

	Conversation *Conversation `json:",omitempty"`
	Session      *Session      `json:",omitempty"`
	Message      *Message      `json:",omitempty"`
	// Messages are all messages of the session that contact and operator see, in order (session.unread, session.ended,
	// conversation.assigned, rating.given, feedback.given, review.given, survey.answered, goal.reached), or all of the conversation
	// (conversation.ended, transcript.requested, and every event that is Requested).
	Messages []Message `json:",omitempty"`
	// Notes are the texts of the latest session's internal notes, oldest first, on every event that has Messages.
	Notes []string `json:",omitempty"`
	// Requested says that an operator wants the conversation, which has just got another status, sent to the API add-on,
	// whatever its endpoints subscribe to (S-119). The flag is used up by it.
	Requested bool `json:",omitempty"`
	// Sessions are the sessions of the conversation, oldest first (conversation.ended, transcript.requested, and every event that is Requested).
	Sessions []Session `json:",omitempty"`
	// OperatorBefore and GroupBefore are who was responsible before conversation.assigned.
	OperatorBefore *Operator `json:",omitempty"`
	GroupBefore    *Group    `json:",omitempty"`
	// StatusBefore is the conversation's or operator's status before the event, where it changed.
	StatusBefore string    `json:",omitempty"`
	Operator     *Operator `json:",omitempty"`
	Group        *Group    `json:",omitempty"`
	Widget       *Widget   `json:",omitempty"`
	Contact      *Contact  `json:",omitempty"`
	// Endpoint is whom an operational event is about. Days says for how many nothing has succeeded (endpoint.failing), and
	// Delivery what was given up (delivery.dead).
	Endpoint *Endpoint `json:",omitempty"`
	Days     int       `json:",omitempty"`
	Delivery *Delivery `json:",omitempty"`
	// Channel is whom channel.failing (with Days) and channel.paused are about, and Reason says why, in words. Of conversation.ended it is
	// ReasonDiscarded or empty.
	Channel *Channel `json:",omitempty"`
	Reason  string   `json:",omitempty"`
	// Changed says what message.updated is about: ChangedText, ChangedMedia, ChangedLink or ChangedState.
	Changed string `json:",omitempty"`
	// Mail is what mail.queued and mail.failed (with Reason) are about. They have a conversation where the mail is about one, else a contact.
	Mail *Mail `json:",omitempty"`
	// Offline is what was typed into the form (offline_message.received); the message has the text.
	Offline *OfflineMessage `json:",omitempty"`
	// Extra are the words that somebody sent along (transcript.requested, S-154).
	Extra []string `json:",omitempty"`
	// Ender is the operator whose transcript it is (transcript.requested, S-152): who ended the conversation, else who answered last, nil for nobody.
	Ender *Operator `json:",omitempty"`
}

// OfflineMessage is who somebody who left a message says they are.
type OfflineMessage struct{ Name, Email string }

// ReasonDiscarded is the Reason of a conversation that was ended without what else happens then: its transcript goes nowhere.
const ReasonDiscarded = "discarded"

// Kinds of mail.
const (
	MailTranscript = "transcript" // everything that was said in a conversation
	MailMissed     = "missed"     // answers that came when the contact had left
	MailReauth     = "reauth"     // a way to sign in again
)

// Mail is a mail to a contact. It does not say to which address: those who may know see the contact.
type Mail struct {
	ID   id.Mail
	Kind string
}

// What became different about a message.
const (
	ChangedText  = "text"
	ChangedMedia = "media"
	ChangedLink  = "link"
	ChangedState = "state"
)

// Lane is the key within which order matters: "c42" for a conversation, else "o3", "g1", "w1", "p5", "endpoint:7", "channel:2" for an operator,
// group, widget, contact, endpoint or channel. Deliveries of one lane to one endpoint are strictly in order.
func (e *Event) Lane() string {
	switch {
	case e.Conversation != nil:
		return "c" + strconv.FormatInt(int64(e.Conversation.ID), 10)
	case e.Operator != nil:
		return "o" + strconv.FormatInt(int64(e.Operator.ID), 10)
	case e.Widget != nil:
		return "w" + strconv.FormatInt(int64(e.Widget.ID), 10)
	case e.Group != nil:
		return "g" + strconv.FormatInt(int64(e.Group.ID), 10)
	case e.Contact != nil:
		return "p" + strconv.FormatInt(int64(e.Contact.ID), 10)
	case e.Endpoint != nil:
		return "endpoint:" + strconv.FormatInt(int64(e.Endpoint.ID), 10)
	case e.Channel != nil:
		return "channel:" + strconv.FormatInt(int64(e.Channel.ID), 10)
	}
	return "i"
}

// PartyType is a kind of participant.
type PartyType string

// The participants.
const (
	ByContact  PartyType = "contact"
	ByOperator PartyType = "operator"
	ByBot      PartyType = "bot"
	BySystem   PartyType = "system" // timers, rules and the API's tokens
)

// Party is a participant by type, id (0 for the system) and the name that the others see.
type Party struct {
	Type PartyType
	ID   int64
	Name string
}

// Contact is a contact as of the event.
type Contact struct {
	ID         id.Contact
	UUID       string
	Name       string
	Email      string
	Phone      string
	ExternalID string
	// ClaimedID is what the page's script calls the user without a signature: good for looking somebody up, no proof of anything.
	ClaimedID string `json:",omitempty"`
	// Handle is the generated name, such as "united-states-27": unique, fixed for life, "" until the first conversation (S-137). See HandleName.
	Handle string `json:",omitempty"`
	// Custom is a JSON object, never empty: at least {}.
	Custom RawJSON
	// Additional are the free fields 01 to 03 of a contact; a missing one is empty.
	Additional []Additional `json:",omitempty"`
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Additional is one of a contact's free fields: what it is called and what it holds.
type Additional struct{ Name, Value string }

// DisplayName is the contact's name, or "Visitor" with the contact's number while the name is unknown.
func (c *Contact) DisplayName() string {
	if c.Name != "" {
		return c.Name
	}
	return "Visitor " + strconv.FormatInt(int64(c.ID), 10)
}

// HandleName is the contact's handle, or the one of a contact whose place nobody knew, while none is given.
func (c *Contact) HandleName() string {
	if c.Handle != "" {
		return c.Handle
	}
	return "visitor-" + strconv.FormatInt(int64(c.ID), 10)
}

// RawJSON is a JSON text that is passed on as it is.
type RawJSON string

// MarshalJSON implements json.Marshaler; an empty text is an empty object.
func (r RawJSON) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("{}"), nil
	}
	return []byte(r), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *RawJSON) UnmarshalJSON(b []byte) error {
	*r = RawJSON(b)
	return nil
}

// Group is a group of operators, by id and name.
type Group struct {
	ID   id.Group
	Name string
	// OperatorIDs is filled in group.updated only.
	OperatorIDs []id.Operator `json:",omitempty"`
}

// Operator statuses, also used as availabilities.
const (
	Online  = "online"
	Away    = "away"
	Offline = "offline"
)

// Operator is an operator as of the event.
type Operator struct {
	ID           id.Operator
	Username     string
	FirstName    string
	LastName     string
	Alias        string // shown to contacts instead of the name when set
	Email        string
	ImageURL     string
	Lang         string
	Locale       string
	Timezone     string
	Role         string
	Active       bool
	Slots        int
	Availability string
	Status       string
	Groups       []Group `json:",omitempty"`
	CreatedAt    time.Time
}

// Name is first and last name, or the e-mail address's local part when both are empty.
func (o *Operator) Name() string {
	switch {
	case o.FirstName != "" && o.LastName != "":
		return o.FirstName + " " + o.LastName
	case o.FirstName != "":
		return o.FirstName
	case o.LastName != "":
		return o.LastName
	}
	return o.Username
}

// DisplayName is the alias if one is set, else the name.
func (o *Operator) DisplayName() string {
	if o.Alias != "" {
		return o.Alias
	}
	return o.Name()
}

// Widget is a widget as of the event. Its secrets are not part of any event.
type Widget struct {
	ID                    id.Widget
	Key                   string
	Name                  string
	Lang                  string
	GroupID               id.Group
	Domains               []string `json:",omitempty"`
	Color                 string
	Position              string
	Title                 string
	Subtitle              string
	Greeting              string
	Theme                 string
	SessionTimeoutSeconds int
	IdentityRequired      bool
	HasIdentitySecret     bool
	// PrivacyMode keeps addresses and places of visitors out of what is stored.
	PrivacyMode bool `json:",omitempty"`
	// RatingForm is how contacts rate: RateStars, RateThumbs, or "" for not at all.
	RatingForm string `json:",omitempty"`
	// AskFeedback offers a text field after the conversation.
	AskFeedback bool `json:",omitempty"`
	// Survey is asked after a conversation was set to ended, nil for none.
	Survey *SurveyForm `json:",omitempty"`
	Goals  []Goal      `json:",omitempty"`
	// Presence says what counts as somebody being there: PresenceAuto, PresenceOff or PresenceManual.
	Presence string
	// Hours are when somebody is there at all, nil for always.
	Hours *Hours `json:",omitempty"`
	// OfflineForm shows a form instead of the chat while nobody is there.
	OfflineForm bool `json:",omitempty"`
	// UnansweredSeconds is how long a contact's message may wait for an operator before the alarm, 0 for no alarm.
	UnansweredSeconds int `json:",omitempty"`
	// TranscriptHook says when the transcript goes to the widget's webhook by itself: TranscriptOff, TranscriptOnEnd or TranscriptOnReview.
	TranscriptHook string `json:",omitempty"`
	// ShowVisitors lets operators see who is on the site; not in privacy mode.
	ShowVisitors bool `json:",omitempty"`
	Active       bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// What counts as somebody being there.
const (
	PresenceAuto   = "auto"   // within the hours, while an operator of the group is online
	PresenceOff    = "off"    // nobody is, whatever operators do
	PresenceManual = "manual" // somebody is, whether operators show as online or not; the hours still count
)

// When a transcript goes out by itself.
const (
	TranscriptOff      = ""
	TranscriptOnEnd    = "end"    // when the conversation ends
	TranscriptOnReview = "review" // when the contact has rated it, ten minutes after the end at the latest
)

// Hours are the times at which somebody answers.
type Hours struct {
	// Timezone is an IANA name such as "Europe/Berlin".
	Timezone string
	// Openings are in order; none overlaps another.
	Openings []Opening
	// Holidays are closed all day, in order.
	Holidays []Holiday `json:",omitempty"`
}

// Opening is a time of a week's day. Day is 1 for Monday to 7 for Sunday; From and To are minutes since midnight, To up to 1440.
type Opening struct{ Day, From, To int }

// Holiday is a day on which nobody answers: Date is YYYY-MM-DD.
type Holiday struct{ Date, Name string }

// The forms of a rating.
const (
	RateStars  = "stars"  // 1 to 5
	RateThumbs = "thumbs" // up is 5, down is 1
)

// SurveyForm is a question with the options that a contact can choose from.
type SurveyForm struct {
	Question string
	Options  []string
}

// Goal is something that a visitor may do on a website and that the company wants to know about.
type Goal struct {
	ID   id.Goal
	Name string
	// Match says how Pattern is held against the address of a page: GoalExact, GoalPrefix or GoalContains; GoalScript goals are
	// reported by the page's script under the goal's Pattern as key.
	Match   string `json:",omitempty"`
	Pattern string `json:",omitempty"`
}

// How a goal is recognised.
const (
	GoalExact    = "exact"
	GoalPrefix   = "prefix"
	GoalContains = "contains"
	GoalScript   = "script"
)

// ChannelWebsite is the type of the channel that every installation has. It has no id.
const ChannelWebsite = "website"

// Channel is where a conversation takes place. The website has no id.
type Channel struct {
	ID   id.Channel
	Type string
	Name string
}

// Conversation statuses.
const (
	StatusNew     = "new"     // nobody has answered yet
	StatusOpen    = "open"    // in work
	StatusPending = "pending" // set aside by an operator, until the contact writes
	StatusEnded   = "ended"
)

// Conversation is a conversation as of the event, including its contact, widget and who is responsible.
type Conversation struct {
	ID      id.Conversation
	UUID    string
	Status  string
	Channel Channel
	Widget  WidgetRef
	Contact Contact
	Group   *Group `json:",omitempty"`
	// Operator is who is responsible now, nil when unassigned.
	Operator *Operator `json:",omitempty"`
	Topic    string
	// Tags are in alphabetical order, without doubles.
	Tags []string `json:",omitempty"`
	// Flagged says that the conversation shall be sent to the API add-on when its status changes (S-116, S-119).
	Flagged bool `json:",omitempty"`
	// Rating is the contact's latest rating, 1 to 5, 0 while there is none.
	Rating    int `json:",omitempty"`
	CreatedAt time.Time
	UpdatedAt time.Time
	EndedAt   time.Time // zero while not ended
	// MessageCount is the number of the newest message.
	MessageCount int
	LastMessage  *LastMessage `json:",omitempty"`
	// The marks: highest message number read or delivered.
	OperatorRead     int
	ContactDelivered int
	ContactRead      int
	// Unread counts the contact's messages beyond OperatorRead.
	Unread int
	// HiddenFrom is the number of the first message that happened on another channel than the website, 0 for none. Browsers of
	// contacts who are not signed in see what stands before it only: whoever types an e-mail address into the widget must not
	// read what its owner writes elsewhere.
	HiddenFrom int `json:",omitempty"`
	// UnansweredAt is when the alarm rang for a message that still waits for an operator, zero while none does.
	UnansweredAt time.Time `json:",omitzero"`
}

// ShownTo reports whether a browser of the contact sees the message of this number.
func (c *Conversation) ShownTo(contact *Contact, number int) bool {
	return c.HiddenFrom == 0 || number < c.HiddenFrom || contact.ExternalID != ""
}

// LastMessage is the list's line of a conversation.
type LastMessage struct {
	Number     int
	Body       string // shortened to 200 characters
	SenderType PartyType
	Type       string
	Note       bool
	SentAt     time.Time
}

// WidgetRef is a widget by id, key and name.
type WidgetRef struct {
	ID   id.Widget
	Key  string
	Name string
}

// Reasons why a session ended (wire: end_reason).
const (
	EndOperator = "operator"
	EndContact  = "contact"
	EndTimeout  = "timeout"
	EndRule     = "rule"
	EndAPI      = "api"
)

// Session is one part of a conversation: from the contact's first message to an end.
type Session struct {
	ID        id.Session
	Number    int
	StartedAt time.Time
	EndedAt   time.Time // zero while open
	EndReason string
	// OperatorCreated is who was responsible when it started, nil when nobody.
	OperatorCreated *Operator `json:",omitempty"`
	Visit           Visit
	// Rating, Feedback, Survey and Goal are what the contact said and did, nil or "" while unknown; Goal is the latest one.
	Rating   *Rating `json:",omitempty"`
	Feedback string  `json:",omitempty"`
	Survey   *Survey `json:",omitempty"`
	Goal     *Goal   `json:",omitempty"`
	// Offline says that it began with the form of a widget where nobody was.
	Offline bool `json:",omitempty"`
	// Notes are the texts of its internal notes, oldest first, where an event lists the sessions of a conversation.
	Notes []string `json:",omitempty"`
}

// Rating is a contact's rating of a session: Value is 1 to 5, Form how it was asked for.
type Rating struct {
	Value int
	Form  string
}

// Survey is the question that a contact was asked and the option that they chose.
type Survey struct{ Question, Option string }

// Visit is what is known of the contact's browser and page. Unknown strings are "".
type Visit struct {
	URL            string
	Title          string
	InitialURL     string
	Referrer       string
	UserAgent      string
	Browser        string
	BrowserVersion string
	OS             string
	Device         string // desktop, mobile, tablet, bot or ""
	IP             string
	// City and Country come from the address, by a file that the owner of the installation gives; Lat and Lon are nil when unknown.
	City    string `json:",omitempty"`
	Region  string `json:",omitempty"` // state, county or the like
	Country string `json:",omitempty"`
	// CountryCode is ISO 3166, in capitals.
	CountryCode string   `json:",omitempty"`
	Lat         *float64 `json:",omitempty"`
	Lon         *float64 `json:",omitempty"`
	// Proactive says that the company's page opened the messenger, not the visitor.
	Proactive bool `json:",omitempty"`
	// Private says that the widget was in privacy mode when the session began.
	Private         bool `json:",omitempty"`
	PageImpressions int
	Visits          int
}

// Message types.
const (
	TypeMessage  = "message"
	TypeEvent    = "event"
	TypeRating   = "rating"   // the entry says which
	TypeFeedback = "feedback" // the body says it
	TypeSurvey   = "survey"   // the entry says which option
	TypeMedia    = "media"    // a file, with or without words
)

// Message is a message, note or thread entry.
type Message struct {
	ID             id.Message
	ConversationID id.Conversation
	SessionID      id.Session
	Number         int
	Type           string
	Note           bool
	Sender         Party
	// OperatorName and OperatorDisplayName are "" unless an operator sent it.
	OperatorName        string
	OperatorDisplayName string
	ImageURL            string
	Body                string
	Entry               *Entry `json:",omitempty"`
	ReferenceID         id.Message
	ClientID            string
	SentAt              time.Time
	State               MessageState
	// StateCode says in a word why the state is failed ("given_up"), StateReason in words why it is failed or pending for longer.
	StateCode   string `json:",omitempty"`
	StateReason string `json:",omitempty"`
	// Media is the file of a message of type media.
	Media *Media `json:",omitempty"`
	// Link is a card of the first address that the text names, nil while nothing is known of it.
	Link *LinkCard `json:",omitempty"`
	// Choices are answers that the contact may give with a click.
	Choices []string `json:",omitempty"`
	// EditedAt and DeletedAt are zero unless that happened. A deleted message has neither text nor file any more.
	EditedAt  time.Time `json:",omitzero"`
	DeletedAt time.Time `json:",omitzero"`
}

// Said reports whether somebody said something with the message: words or a file, not a thread entry.
func (m *Message) Said() bool { return m.Type == TypeMessage || m.Type == TypeMedia }

// Kinds of media.
const (
	MediaImage = "image"
	MediaAudio = "audio"
	MediaVoice = "voice" // recorded in the browser, with peaks
	MediaVideo = "video"
	MediaPDF   = "pdf"
	MediaFile  = "file"
)

// States of media.
const (
	MediaStored   = "stored"
	MediaFetching = "fetching" // a copy is being made of what another server has
	MediaFailed   = "failed"   // that could not be done
)

// Media is a file as of the event.
type Media struct {
	ID id.Media
	// Key is what its address is made of; the address counts only with a signature.
	Key   string
	Kind  string
	State string
	// Name has no path separators; ContentType is what the bytes are, not what the sender said.
	Name        string
	ContentType string
	Size        int64 // bytes, 0 while unknown
	// Width and Height are of the picture as it is looked at, 0 while unknown.
	Width  int `json:",omitempty"`
	Height int `json:",omitempty"`
	// DurationMS and Peaks (0 to 100 each, at most 64) are what the browser that recorded a voice note said.
	DurationMS int   `json:",omitempty"`
	Peaks      []int `json:",omitempty"`
	// Thumb says that there is a small picture of it.
	Thumb bool `json:",omitempty"`
	// Error says in words why State is failed.
	Error string `json:",omitempty"`
}

// LinkCard is what the page behind an address says about itself.
type LinkCard struct {
	URL         string
	Title       string
	Description string
	Site        string
	// Image is our copy of the page's picture, nil for none.
	Image *Media `json:",omitempty"`
}

// Ref is the message's id of the wire.
func (m *Message) Ref() string {
	return id.Ref{Conversation: m.ConversationID, Session: m.SessionID, Message: m.ID}.String()
}

// MessageState is the ladder of S-026; numbers are those of the wire.
type MessageState int

// The states. A message only climbs, except that failed may become sent after a retry.
const (
	StateFailed    MessageState = 0
	StatePending   MessageState = 1
	StateSent      MessageState = 2
	StateDelivered MessageState = 3
	StateRead      MessageState = 4
)

// Entry is what a thread entry (type "event") says.
type Entry struct {
	Name     string // ended, reopened, assigned, forwarded, session_ended, channel_changed, rating, feedback, survey, goal
	By       *Party `json:",omitempty"`
	Operator *Party `json:",omitempty"`
	Group    *Group `json:",omitempty"`
	Reason   string
	Rating   *Rating `json:",omitempty"`
	Survey   *Survey `json:",omitempty"`
	Goal     *Goal   `json:",omitempty"`
	// Channel is where the conversation goes on (channel_changed).
	Channel *Channel `json:",omitempty"`
}

// Endpoint is an endpoint as of the event.
type Endpoint struct {
	ID   id.Endpoint
	Name string
	// URL is its host alone: the rest of the address often holds a password.
	URL string
	// State is active, paused or gone, and Reason says why, in words.
	State  string
	Reason string
}

// Delivery is a call that was given up.
type Delivery struct {
	ID    id.Delivery
	Event id.Event
	// Name is how its endpoint's dialect calls the event.
	Name     string
	Attempts int
}
