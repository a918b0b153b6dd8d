package visitor

import (
	"cmp"
	"encoding/json"
	"time"

	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
)

type wireWidget struct {
	ID       id.Widget `json:"id"`
	Key      string    `json:"key"`
	Name     string    `json:"name"`
	Lang     string    `json:"lang"`
	Color    string    `json:"color"`
	Position string    `json:"position"`
	Title    string    `json:"title"`
	Subtitle string    `json:"subtitle"`
	Greeting string    `json:"greeting"`
	Theme    string    `json:"theme"`
}

type wireFace struct {
	Name     string `json:"name"`
	ImageURL string `json:"image_url"`
}

type wireConfig struct {
	Widget           wireWidget `json:"widget"`
	Availability     string     `json:"availability"`
	Operators        []wireFace `json:"operators"`
	IdentityRequired bool       `json:"identity_required"`
	// What visitors are asked when a conversation has ended.
	RatingForm  string      `json:"rating_form"`
	AskFeedback bool        `json:"ask_feedback"`
	Survey      *wireSurvey `json:"survey"`
	// MaxUpload is the greatest size of a file in bytes.
	MaxUpload int64 `json:"max_upload"`
	// Where a visitor can go on with their conversation.
	Channels []wireOffer `json:"channels"`
	// Whether visitors can sign in again by mail, and have what was said sent to them.
	SignIn      bool `json:"sign_in"`
	Transcripts bool `json:"transcripts"`
	// Whether a form stands in the place of the chat while nobody is there, and when somebody is again, null while the hours do not say.
	OfflineForm bool       `json:"offline_form"`
	OpensAt     *time.Time `json:"opens_at"`
	// Whether pages are to tell that somebody is there.
	ShowVisitors bool `json:"show_visitors"`
}

type wireSurvey struct {
	Question string   `json:"question"`
	Options  []string `json:"options"`
}

func surveyOf(s *event.SurveyForm) *wireSurvey {
	if s == nil {
		return nil
	}
	return &wireSurvey{s.Question, s.Options}
}

type wireVisit struct {
	URL             string `json:"url"`
	Title           string `json:"title"`
	InitialURL      string `json:"initial_url"`
	Referrer        string `json:"referrer"`
	PageImpressions int    `json:"page_impressions"`
	Visits          int    `json:"visits"`
	Proactive       bool   `json:"proactive"`
}

type wireContactInfo struct {
	Name       *string        `json:"name"`
	Email      *string        `json:"email"`
	Phone      *string        `json:"phone"`
	Additional wireAdditional `json:"additional"`
}

// wireAdditional are the contact's free fields 01 to 03; null leaves one as it is.
type wireAdditional []*wireField

type wireField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// put writes the fields into a change, or refuses more of them than there are.
func (a wireAdditional) put(c *contact.Change, prefix string) error {
	if len(a) > len(c.Additional) {
		return fault.Newf(fault.FieldInvalid, "a contact has %d additional fields", len(c.Additional)).At(prefix + "additional")
	}
	for i, f := range a {
		if f != nil {
			c.Additional[i] = &event.Additional{Name: f.Name, Value: f.Value}
		}
	}
	return nil
}

type wirePost struct {
	ClientID       string           `json:"client_id"`
	Body           string           `json:"body"`
	Media          string           `json:"media"`
	ConversationID *id.Conversation `json:"conversation_id"`
	Reopen         bool             `json:"reopen"`
	Contact        *wireContactInfo `json:"contact"`
	Custom         json.RawMessage  `json:"custom"`
	Identity       *string          `json:"identity"`
	Claimed        *wireClaim       `json:"claimed"`
	Invitation     *wireAnswering   `json:"invitation"`
	Visit          wireVisit        `json:"visit"`
}

// wireClaim is who the page's script says the visitor is, without a signature.
type wireClaim struct {
	ID     string          `json:"id"`
	Traits json.RawMessage `json:"traits"`
}

func (c *wireClaim) claim() *contact.Claim {
	if c == nil {
		return nil
	}
	out := &contact.Claim{ID: c.ID}
	if string(c.Traits) != "null" {
		out.Traits = event.RawJSON(c.Traits)
	}
	return out
}

type wireContact struct {
	ID     id.Contact    `json:"id"`
	UUID   string        `json:"uuid"`
	Name   string        `json:"name"`
	Email  string        `json:"email"`
	Phone  string        `json:"phone"`
	Custom event.RawJSON `json:"custom"`
}

func contactOf(c *event.Contact) wireContact {
	return wireContact{c.ID, c.UUID, c.Name, c.Email, c.Phone, c.Custom}
}

type wireSender struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	ImageURL string `json:"image_url"`
}

type wireEntry struct {
	Name     string    `json:"name"`
	Operator *wireFace `json:"operator"`
	Reason   *string   `json:"reason"`
	// What the contact said, null on other entries. Which goal was reached stays inside the company.
	Rating *wireRating `json:"rating"`
	Survey *wireAnswer `json:"survey"`
	// Where the conversation goes on, null on other entries.
	Channel *wireNamed `json:"channel"`
}

type wireNamed struct {
	Name string `json:"name"`
}

type wireRating struct {
	Value int    `json:"value"`
	Form  string `json:"form"`
}

type wireAnswer struct {
	Question string `json:"question"`
	Option   string `json:"option"`
}

type wireMedia struct {
	Kind        string  `json:"kind"`
	State       string  `json:"state"`
	Name        string  `json:"name"`
	ContentType string  `json:"content_type"`
	Size        int64   `json:"size"`
	Width       *int    `json:"width"`
	Height      *int    `json:"height"`
	DurationMS  *int    `json:"duration_ms"`
	Peaks       []int   `json:"peaks"`
	URL         *string `json:"url"`
	ThumbURL    *string `json:"thumb_url"`
	Error       *string `json:"error"`
}

type wireLink struct {
	URL         string  `json:"url"`
	Title       string  `json:"title"`
	Description string  `json:"description"`
	Site        string  `json:"site"`
	ImageURL    *string `json:"image_url"`
}

type wireMessage struct {
	ID             id.Message      `json:"id"`
	ConversationID id.Conversation `json:"conversation_id"`
	Number         int             `json:"number"`
	Type           string          `json:"type"`
	Sender         wireSender      `json:"sender"`
	Body           string          `json:"body"`
	Event          *wireEntry      `json:"event"`
	ClientID       *string         `json:"client_id"`
	SentAt         time.Time       `json:"sent_at"`
	State          string          `json:"state"`
	Media          *wireMedia      `json:"media"`
	Link           *wireLink       `json:"link"`
	EditedAt       *time.Time      `json:"edited_at"`
	DeletedAt      *time.Time      `json:"deleted_at"`
	// Choices are answers that a click gives.
	Choices []string `json:"choices"`
}

// mediaOf is a file with the addresses that it has now.
func (o *Options) mediaOf(m *event.Media) *wireMedia {
	if m == nil {
		return nil
	}
	out := &wireMedia{Kind: m.Kind, State: m.State, Name: m.Name, ContentType: m.ContentType, Size: m.Size, Width: orNull(m.Width), Height: orNull(m.Height),
		DurationMS: orNull(m.DurationMS), Peaks: m.Peaks, Error: orNull(m.Error)}
	if out.Peaks == nil {
		out.Peaks = []int{}
	}
	if m.State == event.MediaStored {
		now := o.Now()
		out.URL, out.ThumbURL = orNull(o.Links.URL(m, now)), orNull(o.Links.Thumb(m, now))
	}
	return out
}

func (o *Options) linkOf(c *event.LinkCard) *wireLink {
	if c == nil {
		return nil
	}
	out := &wireLink{URL: c.URL, Title: c.Title, Description: c.Description, Site: c.Site}
	if picture := o.mediaOf(c.Image); picture != nil {
		out.ImageURL = cmp.Or(picture.ThumbURL, picture.URL)
	}
	return out
}

// orNull is a value, or null for what is not known.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// messageOf is a message as its contact sees it. Who acted inside the company stays inside, but for the operator's public name.
func (o *Options) messageOf(m *event.Message) wireMessage {
	out := wireMessage{
		ID: m.ID, ConversationID: m.ConversationID, Number: m.Number, Type: m.Type, Body: m.Body, SentAt: m.SentAt,
		Sender: wireSender{string(m.Sender.Type), m.Sender.Name, m.ImageURL}, State: stateName(m.State),
		Media: o.mediaOf(m.Media), Link: o.linkOf(m.Link), EditedAt: timeOrNull(m.EditedAt), DeletedAt: timeOrNull(m.DeletedAt), Choices: []string{},
	}
	if m.DeletedAt.IsZero() {
		out.Choices = append(out.Choices, m.Choices...)
	}
	if m.Sender.Type == event.ByBot {
		out.Sender.Name = "" // an API token's name is the company's own
	}
	if m.ClientID != "" {
		out.ClientID = &m.ClientID
	}
	if m.Entry != nil {
		out.Event = &wireEntry{Name: m.Entry.Name}
		if m.Entry.Operator != nil {
			out.Event.Operator = &wireFace{Name: m.Entry.Operator.Name}
		}
		if m.Entry.Reason != "" {
			out.Event.Reason = &m.Entry.Reason
		}
		if r := m.Entry.Rating; r != nil {
			out.Event.Rating = &wireRating{r.Value, r.Form}
		}
		if s := m.Entry.Survey; s != nil {
			out.Event.Survey = &wireAnswer{s.Question, s.Option}
		}
		if c := m.Entry.Channel; c != nil {
			out.Event.Channel = &wireNamed{c.Name}
		}
	}
	return out
}

// stateName is a state as contacts know it: how a message gets to another channel's other side is the company's own matter.
func stateName(s event.MessageState) string {
	switch s {
	case event.StateDelivered:
		return "delivered"
	case event.StateRead:
		return "read"
	}
	return "sent"
}

type wireChannel struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type wireConversation struct {
	ID               id.Conversation `json:"id"`
	Status           string          `json:"status"`
	CreatedAt        time.Time       `json:"created_at"`
	EndedAt          *time.Time      `json:"ended_at"`
	UpdatedAt        time.Time       `json:"updated_at"`
	Operator         *wireFace       `json:"operator"`
	LastMessage      *wireMessage    `json:"last_message"`
	MessageCount     int             `json:"message_count"`
	Unread           int             `json:"unread"`
	ContactRead      int             `json:"contact_read"`
	OperatorRead     int             `json:"operator_read"`
	ContactDelivered int             `json:"contact_delivered"`
	// What the contact said about the latest session: the value, and whether they wrote and answered.
	Rating   *int `json:"rating"`
	Feedback bool `json:"feedback"`
	Survey   bool `json:"survey"`
	// Asks says that the contact is asked for these once the conversation has ended.
	Asks bool `json:"asks"`
	// Channel is where the conversation takes place now. Moved says that it goes on there without this browser, which sees what was
	// before and cannot write to it any more.
	Channel wireChannel `json:"channel"`
	Moved   bool        `json:"moved"`
}

// conversationOf is a conversation as its contact sees it.
func (o *Options) conversationOf(v *inbox.View) wireConversation {
	out := wireConversation{
		Channel: wireChannel{v.Channel.Type, v.Channel.Name}, ID: v.ID, Status: v.Status, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, MessageCount: v.MessageCount, Unread: v.UnreadByContact,
		ContactRead: v.ContactRead, OperatorRead: v.OperatorRead, ContactDelivered: v.ContactDelivered,
		Asks: !v.Discarded,
	}
	if !v.EndedAt.IsZero() {
		out.EndedAt = &v.EndedAt
	}
	if v.Operator != nil {
		out.Operator = &wireFace{v.Operator.DisplayName(), v.Operator.ImageURL}
	}
	if se := v.Session; se != nil {
		if se.Rating != nil {
			out.Rating = &se.Rating.Value
		}
		out.Feedback, out.Survey = se.Feedback != "", se.Survey != nil
	}
	if v.Visible != nil {
		m := o.messageOf(v.Visible)
		out.LastMessage = &m
	}
	if n := v.HiddenFrom; n != 0 && !v.ShownTo(&v.Contact, n) {
		out.veil(n - 1)
	}
	return out
}

// veil keeps what happened after a message to those who are signed in: anybody could have typed the address that the conversation
// goes on at.
func (w *wireConversation) veil(after int) {
	w.Moved, w.Operator = true, nil
	w.Status, w.EndedAt, w.Rating, w.Feedback, w.Survey = event.StatusOpen, nil, nil, false, false
	w.MessageCount, w.ContactRead, w.OperatorRead = min(w.MessageCount, after), min(w.ContactRead, after), min(w.OperatorRead, after)
	w.ContactDelivered = min(w.ContactDelivered, after)
	if w.UpdatedAt = w.CreatedAt; w.LastMessage != nil {
		w.UpdatedAt = w.LastMessage.SentAt
	}
}

type wirePosted struct {
	Token        *string          `json:"token"`
	Contact      wireContact      `json:"contact"`
	Conversation wireConversation `json:"conversation"`
	Message      wireMessage      `json:"message"`
	Duplicate    bool             `json:"duplicate"`
}

type wireIdentify struct {
	Identity string `json:"identity"`
}

type wireIdentified struct {
	Token   string      `json:"token"`
	Contact wireContact `json:"contact"`
}

type wireHome struct {
	Contact       wireContact        `json:"contact"`
	Conversations []wireConversation `json:"conversations"`
	Seq           id.Seq             `json:"seq"`
}

type wireMe struct {
	Contact wireContact `json:"contact"`
}

type wireChange struct {
	Name       *string         `json:"name"`
	Email      *string         `json:"email"`
	Phone      *string         `json:"phone"`
	Custom     json.RawMessage `json:"custom"`
	Additional wireAdditional  `json:"additional"`
	Claimed    *wireClaim      `json:"claimed"`
}

type wireThread struct {
	Items   []wireMessage `json:"items"`
	HasMore bool          `json:"has_more"`
	Seq     id.Seq        `json:"seq"`
}

type wireRead struct {
	Number int `json:"number"`
}

// wireOwn is the answer to what changes one conversation.
type wireOwn struct {
	Conversation wireConversation `json:"conversation"`
}

type wireRate struct {
	Value int `json:"value"`
}

type wireFeedback struct {
	Text string `json:"text"`
}

type wireOption struct {
	Option string `json:"option"`
}

type wireGoal struct {
	Key string `json:"key"`
}

type wireReached struct {
	Reached bool `json:"reached"`
}

// Message renders a message for the realtime frames of its contact.
func (o *Options) Message(m *event.Message) any { return o.messageOf(m) }

// Contact renders a contact for the realtime frames of that contact.
func Contact(c *event.Contact) any { return contactOf(c) }

// Conversation renders a conversation for the realtime frames of its contact.
func (o *Options) Conversation(v *inbox.View) any { return o.conversationOf(v) }
