package userlike

import (
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

// session is a chat_session at the moment of the event; sessionInConversation has the same fields without messages.
type session struct {
	sessionInConversation
	Messages []message `json:"messages"`
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

type sessionCall struct {
	head
	session
}

type messageCall struct {
	head
	session
	Message message `json:"message"`
}

type endCall struct {
	head
	session
	EndReason *string `json:"end_reason"`
}

type channel struct {
	ID   *int64  `json:"id"`
	Type *string `json:"type"`
	Name *string `json:"name"`
}

type conversationCall struct {
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
	Messages          []message               `json:"messages"`
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

type entry struct {
	Name     string  `json:"name"`
	By       *party  `json:"by"`
	Operator *named  `json:"operator"`
	Group    *named  `json:"group"`
	Reason   *string `json:"reason"`
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

func wireSession(c *event.Conversation, s *event.Session, at time.Time) session {
	return session{sessionInConversation: wireSessionAlone(c, s, at), Messages: []message{}}
}

func wireSessionAlone(c *event.Conversation, s *event.Session, at time.Time) sessionInConversation {
	end := at
	if !s.EndedAt.IsZero() {
		end = s.EndedAt
	}
	v := &s.Visit
	widget := named{ID: idOrNull(int64(c.Widget.ID)), Name: textOrNull(c.Widget.Name)}
	w := sessionInConversation{
		ID: int64(s.ID), Conversation: ref{int64(c.ID)}, ConversationID: int64(c.ID), PartID: int64(s.ID), Status: c.Status,
		CreatedAt: wireTime(s.StartedAt), EndedAt: wireTime(s.EndedAt), Duration: duration(end.Sub(s.StartedAt)),
		ChatWidget: widget, UmWidget: widget, Contact: wireContact(&c.Contact),
		ClientName: textOrNull(c.Contact.Name), ClientEmail: textOrNull(c.Contact.Email), ClientUUID: textOrNull(c.Contact.UUID),
		BrowserName: textOrNull(v.Browser), BrowserOS: textOrNull(v.OS), BrowserVersion: textOrNull(v.BrowserVersion),
		URL: textOrNull(v.URL), InitalURL: textOrNull(v.InitialURL), InitialURL: textOrNull(v.InitialURL), Referrer: textOrNull(v.Referrer),
		PageImpressions: v.PageImpressions, Visits: v.Visits, MarkedRead: c.Unread == 0,
		OperatorCreated: wireOperator(s.OperatorCreated), OperatorCurrent: wireOperator(c.Operator),
		Topic: textOrNull(c.Topic), Notes: []string{}, Custom: c.Contact.Custom,
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

// wireMessages is the one message that a start or message event tells of, so that a long session does not grow every call,
// else every message of the event.
func wireMessages(e *event.Event) []message {
	out := []message{}
	if e.Type == event.SessionEnded || e.Type == event.ConversationEnded {
		for i := range e.Messages {
			out = append(out, wireMessage(e.Conversation, &e.Messages[i], e.Messages))
		}
		return out
	}
	if e.Message != nil {
		out = append(out, wireMessage(e.Conversation, e.Message, nil))
	}
	return out
}

func wireConversationCall(h head, e *event.Event) conversationCall {
	c := e.Conversation
	w := conversationCall{
		head: h, ID: int64(c.ID), Status: c.Status, CreatedAt: wireTime(c.CreatedAt), EndedAt: wireTime(c.EndedAt), Contact: wireContact(&c.Contact),
		UmWidget:        named{ID: idOrNull(int64(c.Widget.ID)), Name: textOrNull(c.Widget.Name)},
		Channel:         channel{ID: idOrNull(int64(c.Channel.ID)), Type: textOrNull(c.Channel.Type), Name: textOrNull(c.Channel.Name)},
		OperatorCurrent: wireOperator(c.Operator), Topic: textOrNull(c.Topic), Tags: []string{}, Custom: c.Contact.Custom,
		Sessions: []sessionInConversation{}, Messages: wireMessages(e),
	}
	if c.Operator != nil {
		w.OperatorCurrentID = idOrNull(int64(c.Operator.ID))
	}
	for i := range e.Sessions {
		w.Sessions = append(w.Sessions, wireSessionAlone(c, &e.Sessions[i], e.At))
	}
	return w
}

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
		w.State.ErrorCode = textOrNull("failed")
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
