package userlike

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"parley/internal/event"
	"parley/internal/webhook/dialect"
)

const timeLayout = "2006-01-02 15:04:05"

func wireTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(timeLayout)
	return &s
}

type head struct {
	Type  string `json:"_type"`
	Event string `json:"_event"`
}

type ref struct {
	ID int64 `json:"id"`
}

type named struct {
	ID   *int64  `json:"id"`
	Name *string `json:"name"`
}

type contact struct {
	ID         int64         `json:"id"`
	Name       *string       `json:"name"`
	Email      *string       `json:"email"`
	ExternalID *string       `json:"external_id"`
	Phone      *string       `json:"phone"`
	Custom     event.RawJSON `json:"custom"`
}

type operatorBrief struct {
	ID            int64   `json:"id"`
	Name          string  `json:"name"`
	FirstName     *string `json:"first_name"`
	LastName      *string `json:"last_name"`
	Email         *string `json:"email"`
	OperatorGroup *named  `json:"operator_group"`
}

// session is a chat_session at the moment of the event; sessionInConversation has the same fields without messages. M is how the
// form writes a message: message, or message2014 in the older one.
type session[M any] struct {
	sessionInConversation
	Messages []M `json:"messages"`
}

type sessionInConversation struct {
	ID                    int64          `json:"id"`
	Conversation          ref            `json:"conversation"`
	ConversationID        int64          `json:"conversation_id"`
	PartID                int64          `json:"part_id"`
	Status                string         `json:"status"`
	CreatedAt             *string        `json:"created_at"`
	EndedAt               *string        `json:"ended_at"`
	Duration              string         `json:"duration"`
	ChatWidget            named          `json:"chat_widget"`
	UmWidget              named          `json:"um_widget"`
	ChatWidgetGoal        named          `json:"chat_widget_goal"`
	Contact               contact        `json:"contact"`
	ClientName            *string        `json:"client_name"`
	ClientEmail           *string        `json:"client_email"`
	ClientUUID            *string        `json:"client_uuid"`
	ClientAdditional01    *string        `json:"client_additional01_name"`
	ClientAdditional01Val *string        `json:"client_additional01_value"`
	ClientAdditional02    *string        `json:"client_additional02_name"`
	ClientAdditional02Val *string        `json:"client_additional02_value"`
	ClientAdditional03    *string        `json:"client_additional03_name"`
	ClientAdditional03Val *string        `json:"client_additional03_value"`
	BrowserName           *string        `json:"browser_name"`
	BrowserOS             *string        `json:"browser_os"`
	BrowserVersion        *string        `json:"browser_version"`
	LocCity               *string        `json:"loc_city"`
	LocCountry            *string        `json:"loc_country"`
	LocLat                *float64       `json:"loc_lat"`
	LocLon                *float64       `json:"loc_lon"`
	URL                   *string        `json:"url"`
	InitalURL             *string        `json:"inital_url"` // spelt so in old samples
	InitialURL            *string        `json:"initial_url"`
	Referrer              *string        `json:"referrer"`
	PageImpressions       int            `json:"page_impressions"`
	Visits                int            `json:"visits"`
	WasProactive          bool           `json:"was_proactive"`
	DataPrivacy           bool           `json:"data_privacy"`
	MarkedRead            bool           `json:"marked_read"`
	OperatorCreated       *operatorBrief `json:"operator_created"`
	OperatorCurrent       *operatorBrief `json:"operator_current"`
	OperatorCreatedID     *int64         `json:"operator_created_id"`
	OperatorCurrentID     *int64         `json:"operator_current_id"`
	Topic                 *string        `json:"topic"`
	Rate                  *int           `json:"rate"`
	FeedbackMessage       *string        `json:"feedback_message"`
	PostSurveyOption      *string        `json:"post_survey_option"`
	Notes                 []string       `json:"notes"`
	Custom                event.RawJSON  `json:"custom"`
}

type sessionCall[M any] struct {
	head
	session[M]
}

type messageCall[M any] struct {
	head
	session[M]
	Message M `json:"message"`
}

type endCall[M any] struct {
	head
	session[M]
	EndReason *string `json:"end_reason"`
}

type forwardCall[M any] struct {
	head
	session[M]
	OperatorPrevious      *operatorBrief `json:"operator_previous"`
	OperatorGroupPrevious *named         `json:"operator_group_previous"`
}

type channel struct {
	ID   *int64  `json:"id"`
	Type *string `json:"type"`
	Name *string `json:"name"`
}

type conversationCall[M any] struct {
	head
	ID                int64                   `json:"id"`
	Status            string                  `json:"status"`
	CreatedAt         *string                 `json:"created_at"`
	EndedAt           *string                 `json:"ended_at"`
	Contact           contact                 `json:"contact"`
	UmWidget          named                   `json:"um_widget"`
	Channel           channel                 `json:"channel"`
	OperatorCurrent   *operatorBrief          `json:"operator_current"`
	OperatorCurrentID *int64                  `json:"operator_current_id"`
	Topic             *string                 `json:"topic"`
	Tags              []string                `json:"tags"`
	Custom            event.RawJSON           `json:"custom"`
	Sessions          []sessionInConversation `json:"sessions"`
	Messages          []M                     `json:"messages"`
}

type operatorCall struct {
	head
	ID              int64   `json:"id"`
	Username        string  `json:"username"`
	Name            string  `json:"name"`
	FirstName       *string `json:"first_name"`
	LastName        *string `json:"last_name"`
	Email           *string `json:"email"`
	JID             *string `json:"jid"`
	Lang            *string `json:"lang"`
	Locale          *string `json:"locale"`
	Timezone        *string `json:"timezone"`
	Role            *string `json:"role"`
	RoleName        *string `json:"role_name"`
	IsActive        bool    `json:"is_active"`
	OperatorGroup   *named  `json:"operator_group"`
	OperatorGroupID *int64  `json:"operator_group_id"`
	URLImage        *string `json:"url_image"`
	DashboardURL    *string `json:"dashboard_url"`
	Status          string  `json:"status"`
	StatusPrevious  *string `json:"status_previous"`
}

type goal struct {
	ID      *int64  `json:"id"`
	Name    *string `json:"name"`
	Match   string  `json:"match"`
	Pattern string  `json:"pattern"`
}

// opening is a time of a week's day at which somebody answers. Day 1 is Monday; times are "09:00" and, at the end of a day, "24:00".
type opening struct {
	Day  int    `json:"day"`
	From string `json:"from"`
	To   string `json:"to"`
}

type holiday struct {
	Date string  `json:"date"`
	Name *string `json:"name"`
}

// widgetCall has every setting of the widget's editor under a key of its own, flat. Secrets are no part of a widget's snapshot.
type widgetCall struct {
	head
	ID                      int64     `json:"id"`
	WidgetID                int64     `json:"widget_id"`
	WidgetKey               string    `json:"widget_key"`
	Name                    string    `json:"name"`
	Lang                    *string   `json:"lang"`
	Locale                  *string   `json:"locale"`
	StatusURL               *string   `json:"status_url"`
	TestURL                 *string   `json:"test_url"`
	CustomURL               *string   `json:"custom_url"`
	JavascriptLoaderURL     *string   `json:"javascript_loader_url"`
	JavascriptLoaderSnippet *string   `json:"javascript_loader_snippet"`
	OperatorGroupID         *int64    `json:"operator_group_id"`
	WidgetVersion           *int      `json:"widget_version"`
	WidgetType              *string   `json:"widget_type"`
	WidgetExternalType      *string   `json:"widget_external_type"`
	Active                  bool      `json:"active"`
	Domains                 []string  `json:"domains"`
	Color                   *string   `json:"color"`
	Position                *string   `json:"position"`
	Title                   *string   `json:"title"`
	Subtitle                *string   `json:"subtitle"`
	Greeting                *string   `json:"greeting"`
	Theme                   *string   `json:"theme"`
	SessionTimeoutSeconds   int       `json:"session_timeout_seconds"`
	IdentityRequired        bool      `json:"identity_required"`
	HasIdentitySecret       bool      `json:"has_identity_secret"`
	PrivacyMode             bool      `json:"privacy_mode"`
	RatingForm              *string   `json:"rating_form"`
	AskFeedback             bool      `json:"ask_feedback"`
	SurveyQuestion          *string   `json:"survey_question"`
	SurveyOptions           []string  `json:"survey_options"`
	Goals                   []goal    `json:"goals"`
	Presence                string    `json:"presence"`
	HoursTimezone           *string   `json:"hours_timezone"`
	HoursOpenings           []opening `json:"hours_openings"`
	HoursHolidays           []holiday `json:"hours_holidays"`
	OfflineForm             bool      `json:"offline_form"`
	UnansweredSeconds       int       `json:"unanswered_seconds"`
	TranscriptHook          *string   `json:"transcript_hook"`
	ShowVisitors            bool      `json:"show_visitors"`
	CreatedAt               *string   `json:"created_at"`
	UpdatedAt               *string   `json:"updated_at"`
}

type sender struct {
	ID   *int64 `json:"id"`
	Type string `json:"type"`
}

type state struct {
	ErrorCode *string `json:"error_code"`
	Message   string  `json:"message"`
	Type      int     `json:"type"`
}

type party struct {
	Type string  `json:"type"`
	ID   *int64  `json:"id"`
	Name *string `json:"name"`
}

type rating struct {
	Value int     `json:"value"`
	Form  *string `json:"form"`
}

type survey struct {
	Question *string `json:"question"`
	Option   *string `json:"option"`
}

type entry struct {
	Name     string  `json:"name"`
	By       *party  `json:"by"`
	Operator *named  `json:"operator"`
	Group    *named  `json:"group"`
	Reason   *string `json:"reason"`
	Rating   *rating `json:"rating"`
	Survey   *survey `json:"survey"`
	Goal     *named  `json:"goal"`
}

// message is the message object of the wire (S-013): 21 keys, always, in the sample's order.
type message struct {
	Body                string  `json:"body"`
	Conversation        ref     `json:"conversation"`
	ConversationID      int64   `json:"conversation_id"`
	DisplayName         string  `json:"display_name"`
	Event               *entry  `json:"event"`
	ID                  string  `json:"id"`
	MarkedReadContact   bool    `json:"marked_read_contact"`
	MarkedReadOperator  bool    `json:"marked_read_operator"`
	MsgID               string  `json:"msgid"`
	Name                string  `json:"name"`
	OperatorDisplayName string  `json:"operator_display_name"`
	OperatorID          *int64  `json:"operator_id"`
	OperatorName        string  `json:"operator_name"`
	PartID              int64   `json:"part_id"`
	Reference           *string `json:"reference"`
	Sender              sender  `json:"sender"`
	SentAt              string  `json:"sent_at"`
	SentAtTime          string  `json:"sent_at_time"`
	State               state   `json:"state"`
	Type                string  `json:"type"`
	URL                 *string `json:"url"`
}

// wireSessionAlone is a session as it was at a time; its notes are told only where the event has them.
func wireSessionAlone(c *event.Conversation, s *event.Session, notes []string, at time.Time) sessionInConversation {
	end := at
	if !s.EndedAt.IsZero() {
		end = s.EndedAt
	}
	v := &s.Visit
	widget := named{ID: idOrNull(int64(c.Widget.ID)), Name: textOrNull(c.Widget.Name)}
	w := sessionInConversation{
		ID: int64(s.ID), Conversation: ref{int64(c.ID)}, ConversationID: int64(c.ID), PartID: int64(s.ID), Status: c.Status,
		CreatedAt: wireTime(s.StartedAt), EndedAt: wireTime(s.EndedAt), Duration: duration(end.Sub(s.StartedAt)),
		ChatWidget: widget, UmWidget: widget, ChatWidgetGoal: wireGoal(s.Goal), Contact: wireContact(&c.Contact),
		ClientName: textOrNull(c.Contact.Name), ClientEmail: textOrNull(c.Contact.Email), ClientUUID: textOrNull(c.Contact.UUID),
		BrowserName: textOrNull(v.Browser), BrowserOS: textOrNull(v.OS), BrowserVersion: textOrNull(v.BrowserVersion),
		URL: textOrNull(v.URL), InitalURL: textOrNull(v.InitialURL), InitialURL: textOrNull(v.InitialURL), Referrer: textOrNull(v.Referrer),
		LocCity: textOrNull(v.City), LocCountry: textOrNull(v.Country), LocLat: v.Lat, LocLon: v.Lon,
		PageImpressions: v.PageImpressions, Visits: v.Visits, WasProactive: v.Proactive, DataPrivacy: v.Private, MarkedRead: c.Unread == 0,
		OperatorCreated: wireOperator(s.OperatorCreated), OperatorCurrent: wireOperator(c.Operator),
		Topic: textOrNull(c.Topic), FeedbackMessage: textOrNull(s.Feedback), Notes: listOf(notes), Custom: c.Contact.Custom,
	}
	w.ClientAdditional01, w.ClientAdditional01Val = additional(&c.Contact, 0)
	w.ClientAdditional02, w.ClientAdditional02Val = additional(&c.Contact, 1)
	w.ClientAdditional03, w.ClientAdditional03Val = additional(&c.Contact, 2)
	if s.Rating != nil {
		w.Rate = &s.Rating.Value
	}
	if s.Survey != nil {
		w.PostSurveyOption = textOrNull(s.Survey.Option)
	}
	if s.OperatorCreated != nil {
		w.OperatorCreatedID = idOrNull(int64(s.OperatorCreated.ID))
	}
	if c.Operator != nil {
		w.OperatorCurrentID = idOrNull(int64(c.Operator.ID))
	}
	return w
}

// duration renders HH:MM:SS; hours grow beyond two digits.
func duration(d time.Duration) string {
	s := max(int64(d/time.Second), 0)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// additional is the name and the value of a contact's free field.
func additional(c *event.Contact, i int) (name, value *string) {
	if i >= len(c.Additional) {
		return nil, nil
	}
	return textOrNull(c.Additional[i].Name), textOrNull(c.Additional[i].Value)
}

// listOf is a list that is never null.
func listOf(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

func wireGoal(g *event.Goal) named {
	if g == nil {
		return named{}
	}
	return named{ID: idOrNull(int64(g.ID)), Name: textOrNull(g.Name)}
}

// told are the messages that a call tells of: the one of a start or message event, so that a long session does not grow every
// call, else all that the event has.
func told(e *event.Event) []*event.Message {
	var out []*event.Message
	switch e.Type {
	case event.SessionStarted, event.MessageReceived, event.MessageSent:
		if e.Message != nil {
			out = append(out, e.Message)
		}
	default:
		for i := range e.Messages {
			out = append(out, &e.Messages[i])
		}
	}
	return out
}

func wireMessages(e *event.Event, o *dialect.Options) []message {
	out := []message{}
	for _, m := range told(e) {
		w := wireMessage(e.Conversation, m, e.Messages)
		w.URL = textOrNull(o.Address(m.Media, false, e.At))
		out = append(out, w)
	}
	return out
}

func wireConversationCall[M any](h head, e *event.Event, messages []M) conversationCall[M] {
	c := e.Conversation
	w := conversationCall[M]{
		head: h, ID: int64(c.ID), Status: c.Status, CreatedAt: wireTime(c.CreatedAt), EndedAt: wireTime(c.EndedAt), Contact: wireContact(&c.Contact),
		UmWidget:        named{ID: idOrNull(int64(c.Widget.ID)), Name: textOrNull(c.Widget.Name)},
		Channel:         channel{ID: idOrNull(int64(c.Channel.ID)), Type: textOrNull(c.Channel.Type), Name: textOrNull(c.Channel.Name)},
		OperatorCurrent: wireOperator(c.Operator), Topic: textOrNull(c.Topic), Tags: listOf(c.Tags), Custom: c.Contact.Custom,
		Sessions: []sessionInConversation{}, Messages: messages,
	}
	if c.Operator != nil {
		w.OperatorCurrentID = idOrNull(int64(c.Operator.ID))
	}
	for i := range e.Sessions {
		w.Sessions = append(w.Sessions, wireSessionAlone(c, &e.Sessions[i], e.Sessions[i].Notes, e.At))
	}
	return w
}

// The widget is the messenger on a website. A receiver's check for the kind of widget finds the older product's word for it.
var (
	widgetVersion      = 1
	widgetType         = "messenger"
	widgetExternalType = "web"
)

func wireWidgetCall(h head, w *event.Widget, o dialect.Options) widgetCall {
	call := widgetCall{
		head: h, ID: int64(w.ID), WidgetID: int64(w.ID), WidgetKey: w.Key, Name: w.Name, Lang: textOrNull(w.Lang), Locale: textOrNull(w.Lang),
		OperatorGroupID: idOrNull(int64(w.GroupID)), WidgetVersion: &widgetVersion, WidgetType: &widgetType, WidgetExternalType: &widgetExternalType,
		Active: w.Active, Domains: listOf(w.Domains), Color: textOrNull(w.Color), Position: textOrNull(w.Position), Title: textOrNull(w.Title),
		Subtitle: textOrNull(w.Subtitle), Greeting: textOrNull(w.Greeting), Theme: textOrNull(w.Theme), SessionTimeoutSeconds: w.SessionTimeoutSeconds,
		IdentityRequired: w.IdentityRequired, HasIdentitySecret: w.HasIdentitySecret, PrivacyMode: w.PrivacyMode, RatingForm: textOrNull(w.RatingForm),
		AskFeedback: w.AskFeedback, SurveyOptions: []string{}, Goals: []goal{}, Presence: cmp.Or(w.Presence, event.PresenceAuto),
		HoursOpenings: []opening{}, HoursHolidays: []holiday{}, OfflineForm: w.OfflineForm, UnansweredSeconds: w.UnansweredSeconds,
		TranscriptHook: textOrNull(w.TranscriptHook), ShowVisitors: w.ShowVisitors, CreatedAt: wireTime(w.CreatedAt), UpdatedAt: wireTime(w.UpdatedAt),
	}
	if w.Survey != nil {
		call.SurveyQuestion, call.SurveyOptions = textOrNull(w.Survey.Question), listOf(w.Survey.Options)
	}
	for _, g := range w.Goals {
		call.Goals = append(call.Goals, goal{ID: idOrNull(int64(g.ID)), Name: textOrNull(g.Name), Match: g.Match, Pattern: g.Pattern})
	}
	if h := w.Hours; h != nil {
		call.HoursTimezone = textOrNull(h.Timezone)
		for _, at := range h.Openings {
			call.HoursOpenings = append(call.HoursOpenings, opening{at.Day, clock(at.From), clock(at.To)})
		}
		for _, d := range h.Holidays {
			call.HoursHolidays = append(call.HoursHolidays, holiday{d.Date, textOrNull(d.Name)})
		}
	}
	if o.PublicURL != "" {
		loader := o.PublicURL + "/widget/loader.js"
		call.JavascriptLoaderURL = &loader
		call.JavascriptLoaderSnippet = textOrNull(`<script src="` + loader + `" data-widget="` + w.Key + `" async></script>`)
		call.StatusURL = textOrNull(o.PublicURL + "/visitor/v1/widgets/" + w.Key)
	}
	return call
}

// clock is a minute of the day as "09:00".
func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

func wireOperatorCall(h head, e *event.Event, o dialect.Options) operatorCall {
	op := e.Operator
	w := operatorCall{
		head: h, ID: int64(op.ID), Username: op.Username, Name: op.Name(), FirstName: textOrNull(op.FirstName), LastName: textOrNull(op.LastName),
		Email: textOrNull(op.Email), JID: textOrNull(op.Email), Lang: textOrNull(op.Lang), Locale: textOrNull(op.Locale), Timezone: textOrNull(op.Timezone),
		RoleName: textOrNull(op.Role), IsActive: op.Active, OperatorGroup: firstGroup(op), URLImage: textOrNull(op.ImageURL),
		Status: op.Status, StatusPrevious: textOrNull(e.StatusBefore),
	}
	if op.Role != "" {
		w.Role = textOrNull(op.Role[:1])
	}
	if w.OperatorGroup != nil {
		w.OperatorGroupID = w.OperatorGroup.ID
	}
	if o.PublicURL != "" {
		w.DashboardURL = textOrNull(o.PublicURL + "/app/")
	}
	return w
}

func firstGroup(o *event.Operator) *named {
	if len(o.Groups) == 0 {
		return nil
	}
	return wireGroup(&o.Groups[0])
}

func wireGroup(g *event.Group) *named {
	if g == nil {
		return nil
	}
	return &named{ID: idOrNull(int64(g.ID)), Name: textOrNull(g.Name)}
}

func wireOperator(o *event.Operator) *operatorBrief {
	if o == nil {
		return nil
	}
	return &operatorBrief{ID: int64(o.ID), Name: o.Name(), FirstName: textOrNull(o.FirstName), LastName: textOrNull(o.LastName),
		Email: textOrNull(o.Email), OperatorGroup: firstGroup(o)}
}

func wireContact(c *event.Contact) contact {
	return contact{ID: int64(c.ID), Name: textOrNull(c.Name), Email: textOrNull(c.Email), ExternalID: textOrNull(c.ExternalID),
		Phone: textOrNull(c.Phone), Custom: c.Custom}
}

// stateTexts are the words of S-026.
var stateTexts = map[event.MessageState]string{
	event.StateFailed: "Failed", event.StatePending: "Pending", event.StateSent: "Sent", event.StateDelivered: "Delivered", event.StateRead: "Read by user",
}

func wireMessage(c *event.Conversation, m *event.Message, among []event.Message) message {
	byContact := m.Sender.Type == event.ByContact
	w := message{
		Body: m.Body, Conversation: ref{int64(m.ConversationID)}, ConversationID: int64(m.ConversationID),
		DisplayName: m.Sender.Name, Name: m.Sender.Name, ID: m.Ref(), MsgID: m.Ref(),
		MarkedReadContact:  byContact || m.Number <= c.ContactRead,
		MarkedReadOperator: !byContact || m.Number <= c.OperatorRead,
		PartID:             int64(m.SessionID),
		Sender:             sender{ID: idOrNull(m.Sender.ID), Type: string(m.Sender.Type)},
		SentAt:             m.SentAt.UTC().Format("2006-01-02T15:04:05.000000Z"),
		SentAtTime:         m.SentAt.UTC().Format("15:04:05.000000"),
		State:              state{Message: stateTexts[m.State], Type: int(m.State)},
		Type:               m.Type,
	}
	if m.State == event.StateFailed {
		w.State.ErrorCode = textOrNull(cmp.Or(m.StateCode, "failed")) // S-026: never null
		w.State.Message = cmp.Or(m.StateReason, w.State.Message)
	}
	switch {
	case byContact:
		w.Name = contactName(m.Sender)
		w.DisplayName = w.Name
	case m.Sender.Type == event.ByOperator:
		w.OperatorID = idOrNull(m.Sender.ID)
		w.OperatorName, w.OperatorDisplayName = m.OperatorName, m.OperatorDisplayName
		w.Name, w.DisplayName = m.OperatorName, m.OperatorDisplayName
	}
	if m.ReferenceID != 0 {
		w.Reference = reference(m, among)
	}
	if en := m.Entry; en != nil {
		w.Event = &entry{Name: en.Name, By: wireParty(en.By), Operator: wireNamed(en.Operator), Group: wireGroup(en.Group), Reason: textOrNull(en.Reason)}
		if en.Rating != nil {
			w.Event.Rating = &rating{Value: en.Rating.Value, Form: textOrNull(en.Rating.Form)}
		}
		if en.Survey != nil {
			w.Event.Survey = &survey{Question: textOrNull(en.Survey.Question), Option: textOrNull(en.Survey.Option)}
		}
		if en.Goal != nil {
			reached := wireGoal(en.Goal)
			w.Event.Goal = &reached
		}
	}
	return w
}

// contactName is "Contact" for a contact whose name is not known (S-017), whatever operators see instead.
func contactName(p event.Party) string {
	if p.Name == "" || p.Name == "Visitor "+strconv.FormatInt(p.ID, 10) {
		return "Contact"
	}
	return p.Name
}

// reference is the quoted message's id (S-022). Its session is known where it is part of the same call; else the quoting
// message's own stands in, which holds whenever the quote stays within a session.
func reference(m *event.Message, among []event.Message) *string {
	quoted := event.Message{ConversationID: m.ConversationID, SessionID: m.SessionID, ID: m.ReferenceID}
	for i := range among {
		if among[i].ID == m.ReferenceID {
			quoted.SessionID = among[i].SessionID
		}
	}
	s := quoted.Ref()
	return &s
}

func wireParty(p *event.Party) *party {
	if p == nil {
		return nil
	}
	return &party{Type: string(p.Type), ID: idOrNull(p.ID), Name: textOrNull(p.Name)}
}

func wireNamed(p *event.Party) *named {
	if p == nil {
		return nil
	}
	return &named{ID: idOrNull(p.ID), Name: textOrNull(p.Name)}
}

func idOrNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func textOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
