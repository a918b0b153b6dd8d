package standard

import (
	"strconv"
	"time"

	"parley/internal/event"
)

const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

func wireTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// wireTimeOrNull is for times that may not have come yet.
func wireTimeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := wireTime(t)
	return &s
}

type body struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Seq       int64  `json:"seq"`
	Data      data   `json:"data"`
}

// data holds what the event is about; keys that do not apply are absent.
type data struct {
	By             string        `json:"by,omitempty"`
	Conversation   *conversation `json:"conversation,omitempty"`
	Session        *session      `json:"session,omitempty"`
	Message        *message      `json:"message,omitempty"`
	Contact        *contact      `json:"contact,omitempty"`
	Operator       any           `json:"operator,omitempty"`
	Widget         *widget       `json:"widget,omitempty"`
	Group          *groupFull    `json:"group,omitempty"`
	OperatorBefore *operator     `json:"operator_before,omitempty"`
	GroupBefore    *group        `json:"group_before,omitempty"`
	StatusPrevious string        `json:"status_previous,omitempty"`
	Endpoint       *endpoint     `json:"endpoint,omitempty"`
	Days           int           `json:"days,omitempty"`
	Delivery       *delivery     `json:"delivery,omitempty"`
}

type endpoint struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	State  string `json:"state"`
	Reason string `json:"reason"`
}

type delivery struct {
	ID        int64  `json:"id"`
	EventID   int64  `json:"event_id"`
	EventName string `json:"event_name"`
	Attempts  int    `json:"attempts"`
}

type group struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type groupFull struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	OperatorIDs []int64 `json:"operator_ids"`
}

type operator struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Alias     string `json:"alias"`
	Email     string `json:"email"`
	ImageURL  string `json:"image_url"`
	Status    string `json:"status"`
}

type operatorFull struct {
	operator
	Username     string  `json:"username"`
	Lang         string  `json:"lang"`
	Locale       string  `json:"locale"`
	Timezone     string  `json:"timezone"`
	Role         string  `json:"role"`
	Active       bool    `json:"active"`
	Slots        int     `json:"slots"`
	Availability string  `json:"availability"`
	Groups       []group `json:"groups"`
	// OpenConversations is no part of an event; the list of operators has it.
	OpenConversations *int   `json:"open_conversations"`
	CreatedAt         string `json:"created_at"`
}

type contact struct {
	ID          int64         `json:"id"`
	UUID        string        `json:"uuid"`
	Name        string        `json:"name"`
	DisplayName string        `json:"display_name"`
	Email       string        `json:"email"`
	Phone       string        `json:"phone"`
	ExternalID  string        `json:"external_id"`
	Custom      event.RawJSON `json:"custom"`
	CreatedAt   string        `json:"created_at"`
	UpdatedAt   string        `json:"updated_at"`
}

type visit struct {
	URL             string `json:"url"`
	Title           string `json:"title"`
	InitialURL      string `json:"initial_url"`
	Referrer        string `json:"referrer"`
	UserAgent       string `json:"user_agent"`
	Browser         string `json:"browser"`
	BrowserVersion  string `json:"browser_version"`
	OS              string `json:"os"`
	Device          string `json:"device"`
	IP              string `json:"ip"`
	PageImpressions int    `json:"page_impressions"`
	Visits          int    `json:"visits"`
}

type session struct {
	ID        int64   `json:"id"`
	Number    int     `json:"number"`
	StartedAt string  `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
	EndReason *string `json:"end_reason"`
	Visit     visit   `json:"visit"`
}

type channel struct {
	ID   *int64 `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

type widgetRef struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type lastMessage struct {
	Number     int    `json:"number"`
	Body       string `json:"body"`
	SenderType string `json:"sender_type"`
	SentAt     string `json:"sent_at"`
	Type       string `json:"type"`
	Note       bool   `json:"note"`
}

type conversation struct {
	ID               int64        `json:"id"`
	UUID             string       `json:"uuid"`
	Status           string       `json:"status"`
	Channel          channel      `json:"channel"`
	Widget           widgetRef    `json:"widget"`
	Contact          contact      `json:"contact"`
	Group            *group       `json:"group"`
	Operator         *operator    `json:"operator"`
	Topic            string       `json:"topic"`
	CreatedAt        string       `json:"created_at"`
	EndedAt          *string      `json:"ended_at"`
	UpdatedAt        string       `json:"updated_at"`
	LastMessage      *lastMessage `json:"last_message"`
	MessageCount     int          `json:"message_count"`
	OperatorRead     int          `json:"operator_read"`
	ContactDelivered int          `json:"contact_delivered"`
	ContactRead      int          `json:"contact_read"`
	Unread           int          `json:"unread"`
	Session          *session     `json:"session"`
	Visit            *visit       `json:"visit"`
	Custom           struct{}     `json:"custom"`
}

type sender struct {
	Type string `json:"type"`
	ID   *int64 `json:"id"`
	Name string `json:"name"`
}

type named struct {
	ID   *int64 `json:"id"`
	Name string `json:"name"`
}

type entry struct {
	Name     string  `json:"name"`
	By       *sender `json:"by"`
	Operator *named  `json:"operator"`
	Group    *group  `json:"group"`
	Reason   *string `json:"reason"`
}

type message struct {
	ID             int64   `json:"id"`
	ConversationID int64   `json:"conversation_id"`
	SessionID      int64   `json:"session_id"`
	Number         int     `json:"number"`
	Ref            string  `json:"ref"`
	Type           string  `json:"type"`
	Note           bool    `json:"note"`
	Sender         sender  `json:"sender"`
	Body           string  `json:"body"`
	Event          *entry  `json:"event"`
	Reference      *int64  `json:"reference"`
	ClientID       *string `json:"client_id"`
	SentAt         string  `json:"sent_at"`
	State          string  `json:"state"`
}

type widget struct {
	ID                    int64    `json:"id"`
	Key                   string   `json:"key"`
	Name                  string   `json:"name"`
	Lang                  string   `json:"lang"`
	GroupID               *int64   `json:"group_id"`
	Domains               []string `json:"domains"`
	Color                 string   `json:"color"`
	Position              string   `json:"position"`
	Title                 string   `json:"title"`
	Subtitle              string   `json:"subtitle"`
	Greeting              string   `json:"greeting"`
	Theme                 string   `json:"theme"`
	SessionTimeoutSeconds int      `json:"session_timeout_seconds"`
	IdentityRequired      bool     `json:"identity_required"`
	HasIdentitySecret     bool     `json:"has_identity_secret"`
	Active                bool     `json:"active"`
	CreatedAt             string   `json:"created_at"`
	UpdatedAt             string   `json:"updated_at"`
}

func wireEvent(e *event.Event) *body {
	d := data{StatusPrevious: e.StatusBefore, OperatorBefore: wireOperator(e.OperatorBefore), GroupBefore: wireGroup(e.GroupBefore)}
	if e.Type == event.ConversationRead {
		d.By = string(e.By.Type)
	}
	if e.Conversation != nil {
		d.Conversation = wireConversation(e.Conversation, e.Session)
	}
	if e.Session != nil {
		d.Session = wireSession(e.Session)
	}
	if e.Message != nil {
		d.Message = wireMessage(e.Message)
	}
	if e.Contact != nil {
		c := wireContact(e.Contact)
		d.Contact = &c
	}
	if e.Operator != nil {
		d.Operator = wireOperatorFull(e.Operator)
	}
	if e.Widget != nil {
		d.Widget = wireWidget(e.Widget)
	}
	if e.Group != nil {
		d.Group = wireGroupFull(e.Group)
	}
	d.Days = e.Days
	if n := e.Endpoint; n != nil {
		d.Endpoint = &endpoint{ID: int64(n.ID), Name: n.Name, URL: n.URL, State: n.State, Reason: n.Reason}
	}
	if n := e.Delivery; n != nil {
		d.Delivery = &delivery{ID: int64(n.ID), EventID: int64(n.Event), EventName: n.Name, Attempts: n.Attempts}
	}
	return &body{Type: string(e.Type), Timestamp: wireTime(e.At), Seq: int64(e.Seq), Data: d}
}

func wireConversation(c *event.Conversation, s *event.Session) *conversation {
	w := &conversation{
		ID: int64(c.ID), UUID: c.UUID, Status: c.Status,
		Channel: channel{ID: idOrNull(int64(c.Channel.ID)), Type: c.Channel.Type, Name: c.Channel.Name},
		Widget:  widgetRef{ID: int64(c.Widget.ID), Name: c.Widget.Name},
		Contact: wireContact(&c.Contact), Group: wireGroup(c.Group), Operator: wireOperator(c.Operator), Topic: c.Topic,
		CreatedAt: wireTime(c.CreatedAt), EndedAt: wireTimeOrNull(c.EndedAt), UpdatedAt: wireTime(c.UpdatedAt),
		MessageCount: c.MessageCount, OperatorRead: c.OperatorRead, ContactDelivered: c.ContactDelivered, ContactRead: c.ContactRead, Unread: c.Unread,
	}
	if l := c.LastMessage; l != nil {
		w.LastMessage = &lastMessage{Number: l.Number, Body: l.Body, SenderType: string(l.SenderType), SentAt: wireTime(l.SentAt), Type: l.Type, Note: l.Note}
	}
	if s != nil {
		w.Session = wireSession(s)
		w.Visit = &w.Session.Visit
	}
	return w
}

func wireSession(s *event.Session) *session {
	return &session{ID: int64(s.ID), Number: s.Number, StartedAt: wireTime(s.StartedAt), EndedAt: wireTimeOrNull(s.EndedAt),
		EndReason: textOrNull(s.EndReason), Visit: wireVisit(&s.Visit)}
}

func wireVisit(v *event.Visit) visit {
	return visit{URL: v.URL, Title: v.Title, InitialURL: v.InitialURL, Referrer: v.Referrer, UserAgent: v.UserAgent, Browser: v.Browser,
		BrowserVersion: v.BrowserVersion, OS: v.OS, Device: v.Device, IP: v.IP, PageImpressions: v.PageImpressions, Visits: v.Visits}
}

func wireMessage(m *event.Message) *message {
	w := &message{
		ID: int64(m.ID), ConversationID: int64(m.ConversationID), SessionID: int64(m.SessionID), Number: m.Number, Ref: m.Ref(),
		Type: m.Type, Note: m.Note, Sender: wireSender(m.Sender), Body: m.Body, Reference: idOrNull(int64(m.ReferenceID)),
		ClientID: textOrNull(m.ClientID), SentAt: wireTime(m.SentAt), State: stateNames[m.State],
	}
	if en := m.Entry; en != nil {
		w.Event = &entry{Name: en.Name, Operator: wireNamed(en.Operator), Group: wireGroup(en.Group), Reason: textOrNull(en.Reason)}
		if en.By != nil {
			by := wireSender(*en.By)
			w.Event.By = &by
		}
	}
	return w
}

var stateNames = map[event.MessageState]string{
	event.StateFailed: "failed", event.StatePending: "pending", event.StateSent: "sent", event.StateDelivered: "delivered", event.StateRead: "read",
}

func wireSender(p event.Party) sender {
	return sender{Type: string(p.Type), ID: idOrNull(p.ID), Name: p.Name}
}

func wireNamed(p *event.Party) *named {
	if p == nil {
		return nil
	}
	return &named{ID: idOrNull(p.ID), Name: p.Name}
}

func wireContact(c *event.Contact) contact {
	display := c.Name
	if display == "" {
		display = "Visitor " + strconv.FormatInt(int64(c.ID), 10)
	}
	return contact{ID: int64(c.ID), UUID: c.UUID, Name: c.Name, DisplayName: display, Email: c.Email, Phone: c.Phone, ExternalID: c.ExternalID,
		Custom: c.Custom, CreatedAt: wireTime(c.CreatedAt), UpdatedAt: wireTime(c.UpdatedAt)}
}

func wireOperator(o *event.Operator) *operator {
	if o == nil {
		return nil
	}
	return &operator{ID: int64(o.ID), Name: o.Name(), FirstName: o.FirstName, LastName: o.LastName, Alias: o.Alias, Email: o.Email,
		ImageURL: o.ImageURL, Status: o.Status}
}

func wireOperatorFull(o *event.Operator) *operatorFull {
	w := &operatorFull{operator: *wireOperator(o), Username: o.Username, Lang: o.Lang, Locale: o.Locale, Timezone: o.Timezone, Role: o.Role,
		Active: o.Active, Slots: o.Slots, Availability: o.Availability, Groups: []group{}, CreatedAt: wireTime(o.CreatedAt)}
	for i := range o.Groups {
		w.Groups = append(w.Groups, *wireGroup(&o.Groups[i]))
	}
	return w
}

func wireGroup(g *event.Group) *group {
	if g == nil {
		return nil
	}
	return &group{ID: int64(g.ID), Name: g.Name}
}

func wireGroupFull(g *event.Group) *groupFull {
	w := &groupFull{ID: int64(g.ID), Name: g.Name, OperatorIDs: []int64{}}
	for _, o := range g.OperatorIDs {
		w.OperatorIDs = append(w.OperatorIDs, int64(o))
	}
	return w
}

func wireWidget(w *event.Widget) *widget {
	domains := w.Domains
	if domains == nil {
		domains = []string{}
	}
	return &widget{ID: int64(w.ID), Key: w.Key, Name: w.Name, Lang: w.Lang, GroupID: idOrNull(int64(w.GroupID)), Domains: domains, Color: w.Color,
		Position: w.Position, Title: w.Title, Subtitle: w.Subtitle, Greeting: w.Greeting, Theme: w.Theme,
		SessionTimeoutSeconds: w.SessionTimeoutSeconds, IdentityRequired: w.IdentityRequired, HasIdentitySecret: w.HasIdentitySecret,
		Active: w.Active, CreatedAt: wireTime(w.CreatedAt), UpdatedAt: wireTime(w.UpdatedAt)}
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
