package standard

import (
	"cmp"
	"fmt"
	"time"

	"parley/internal/event"
	"parley/internal/event/jsontext"
	"parley/internal/id"
	"parley/internal/webhook/dialect"
)

const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

// stamp is a time: in UTC, and always with six digits behind the second.
type stamp time.Time

func (s stamp) appendJSON(w *jsontext.Writer) {
	t := time.Time(s).UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		w.Buf = append(t.AppendFormat(append(w.Buf, '"'), timeLayout), '"')
		return
	}
	hour, minute, second := t.Clock()
	micro := t.Nanosecond() / 1000
	const form = `"0000-00-00T00:00:00.000000Z"`
	at := len(w.Buf)
	w.Text(form)
	b := (*[len(form)]byte)(w.Buf[at:])
	pair := func(i int, n uint) { b[i], b[i+1] = byte('0'+n/10), byte('0'+n%10) }
	pair(1, uint(year)/100)
	pair(3, uint(year)%100)
	pair(6, uint(month))
	pair(9, uint(day))
	pair(12, uint(hour))
	pair(15, uint(minute))
	pair(18, uint(second))
	pair(21, uint(micro)/10000)
	pair(23, uint(micro)/100%100)
	pair(25, uint(micro)%100)
}

// stampOrNull is for times that may not have come yet.
type stampOrNull time.Time

func (s stampOrNull) appendJSON(w *jsontext.Writer) {
	if time.Time(s).IsZero() {
		w.Null()
	} else {
		stamp(s).appendJSON(w)
	}
}

// idOrNull is an id; 0 is null.
type idOrNull int64

func (n idOrNull) appendJSON(w *jsontext.Writer) {
	if n == 0 {
		w.Null()
	} else {
		w.Int(int64(n))
	}
}

// countOrNull is a measure of a file; 0 means that it is not known, and is null.
type countOrNull int

func (n countOrNull) appendJSON(w *jsontext.Writer) { idOrNull(n).appendJSON(w) }

// peaks are the loudness of a voice note over its time. Without any the list is empty.
type peaks []int

func (p peaks) appendJSON(w *jsontext.Writer) {
	w.Text(`[`)
	for i, n := range p {
		if i > 0 {
			w.Text(`,`)
		}
		w.Int(int64(n))
	}
	w.Text(`]`)
}

// textOrNull is a text; the empty one is null.
type textOrNull string

func (s textOrNull) appendJSON(w *jsontext.Writer) {
	if s == "" {
		w.Null()
	} else {
		w.String(string(s))
	}
}

// ref is a message's id of the wire.
type ref id.Ref

func (r ref) appendJSON(w *jsontext.Writer) {
	w.Text(`"`)
	w.Int(int64(r.Conversation))
	w.Text(`.`)
	w.Int(int64(r.Session))
	w.Text(`.`)
	w.Int(int64(r.Message))
	w.Text(`"`)
}

// additional are a contact's free fields: always three, those that are missing with two empty texts.
type additional []event.Additional

func (a additional) appendJSON(w *jsontext.Writer) {
	for i := range 3 {
		var f event.Additional
		if i < len(a) {
			f = a[i]
		}
		w.Text([...]string{`[{"name":`, `},{"name":`, `},{"name":`}[i])
		w.String(f.Name)
		w.Text(`,"value":`)
		w.String(f.Value)
	}
	w.Text(`}]`)
}

type body struct {
	Type      string `json:"type"`
	Timestamp stamp  `json:"timestamp"`
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
	Operator       *operatorFull `json:"operator,omitempty"`
	Widget         *widget       `json:"widget,omitempty"`
	Group          *groupFull    `json:"group,omitempty"`
	OperatorBefore *operator     `json:"operator_before,omitempty"`
	GroupBefore    *group        `json:"group_before,omitempty"`
	StatusPrevious string        `json:"status_previous,omitempty"`
	Endpoint       *endpoint     `json:"endpoint,omitempty"`
	Days           int           `json:"days,omitempty"`
	Delivery       *delivery     `json:"delivery,omitempty"`
	Channel        *toldChannel  `json:"channel,omitempty"`
	Changed        string        `json:"changed,omitempty"`
	Mail           *toldMail     `json:"mail,omitempty"`
	Offline        *offlineForm  `json:"offline,omitempty"`
	Transcript     *transcript   `json:"transcript,omitempty"`
}

// offlineForm is what was typed into the form, beside the message.
type offlineForm struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// transcript says whose it is, and the words that somebody sent along. The thread is read by the API.
type transcript struct {
	Operator *operator `json:"operator"`
	Extra    []string  `json:"extra"`
}

// toldMail is a mail to a contact. The reason is there in mail.failed only.
type toldMail struct {
	ID     int64  `json:"id"`
	Kind   string `json:"kind"`
	Reason string `json:"reason,omitempty"`
}

// toldChannel is a channel as operational events tell of it.
type toldChannel struct {
	ID     int64  `json:"id"`
	Type   string `json:"type"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
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
	OpenConversations *int  `json:"open_conversations"`
	CreatedAt         stamp `json:"created_at"`
}

type contact struct {
	ID          int64         `json:"id"`
	UUID        string        `json:"uuid"`
	Name        string        `json:"name"`
	DisplayName string        `json:"display_name"`
	Email       string        `json:"email"`
	Phone       string        `json:"phone"`
	ExternalID  string        `json:"external_id"`
	ClaimedID   string        `json:"claimed_id"`
	Handle      string        `json:"handle"`
	Custom      event.RawJSON `json:"custom"`
	Additional  additional    `json:"additional"`
	CreatedAt   stamp         `json:"created_at"`
	UpdatedAt   stamp         `json:"updated_at"`
}

type visit struct {
	URL             string   `json:"url"`
	Title           string   `json:"title"`
	InitialURL      string   `json:"initial_url"`
	Referrer        string   `json:"referrer"`
	UserAgent       string   `json:"user_agent"`
	Browser         string   `json:"browser"`
	BrowserVersion  string   `json:"browser_version"`
	OS              string   `json:"os"`
	Device          string   `json:"device"`
	IP              string   `json:"ip"`
	City            string   `json:"city"`
	Region          string   `json:"region"`
	Country         string   `json:"country"`
	CountryCode     string   `json:"country_code"`
	Lat             *float64 `json:"lat"`
	Lon             *float64 `json:"lon"`
	Proactive       bool     `json:"proactive"`
	Private         bool     `json:"private"`
	PageImpressions int      `json:"page_impressions"`
	Visits          int      `json:"visits"`
}

type rating struct {
	Value int    `json:"value"`
	Form  string `json:"form"`
}

type survey struct {
	Question string `json:"question"`
	Option   string `json:"option"`
}

type goal struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type session struct {
	ID        int64       `json:"id"`
	Number    int         `json:"number"`
	StartedAt stamp       `json:"started_at"`
	EndedAt   stampOrNull `json:"ended_at"`
	EndReason textOrNull  `json:"end_reason"`
	Visit     visit       `json:"visit"`
	Rating    *rating     `json:"rating"`
	Feedback  textOrNull  `json:"feedback"`
	Survey    *survey     `json:"survey"`
	Goal      *goal       `json:"goal"`
	Offline   bool        `json:"offline"`
}

type channel struct {
	ID   idOrNull `json:"id"`
	Type string   `json:"type"`
	Name string   `json:"name"`
}

type widgetRef struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type lastMessage struct {
	Number     int    `json:"number"`
	Body       string `json:"body"`
	SenderType string `json:"sender_type"`
	SentAt     stamp  `json:"sent_at"`
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
	Tags             []string     `json:"tags"`
	Flagged          bool         `json:"flagged"`
	Rating           *int         `json:"rating"`
	CreatedAt        stamp        `json:"created_at"`
	EndedAt          stampOrNull  `json:"ended_at"`
	UpdatedAt        stamp        `json:"updated_at"`
	LastMessage      *lastMessage `json:"last_message"`
	MessageCount     int          `json:"message_count"`
	OperatorRead     int          `json:"operator_read"`
	ContactDelivered int          `json:"contact_delivered"`
	ContactRead      int          `json:"contact_read"`
	Unread           int          `json:"unread"`
	UnansweredAt     stampOrNull  `json:"unanswered_at"`
	Session          *session     `json:"session"`
	Visit            *visit       `json:"visit"`
	Custom           struct{}     `json:"custom"`
}

type sender struct {
	Type string   `json:"type"`
	ID   idOrNull `json:"id"`
	Name string   `json:"name"`
}

type named struct {
	ID   idOrNull `json:"id"`
	Name string   `json:"name"`
}

type entry struct {
	Name     string     `json:"name"`
	By       *sender    `json:"by"`
	Operator *named     `json:"operator"`
	Group    *group     `json:"group"`
	Reason   textOrNull `json:"reason"`
	Rating   *rating    `json:"rating"`
	Survey   *survey    `json:"survey"`
	Goal     *goal      `json:"goal"`
	Channel  *named     `json:"channel"`
}

type media struct {
	ID          int64       `json:"id"`
	Kind        string      `json:"kind"`
	State       string      `json:"state"`
	Name        string      `json:"name"`
	ContentType string      `json:"content_type"`
	Size        int64       `json:"size"`
	Width       countOrNull `json:"width"`
	Height      countOrNull `json:"height"`
	DurationMS  countOrNull `json:"duration_ms"`
	Peaks       peaks       `json:"peaks"`
	URL         textOrNull  `json:"url"`
	ThumbURL    textOrNull  `json:"thumb_url"`
	Error       textOrNull  `json:"error"`
}

type link struct {
	URL         string     `json:"url"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Site        string     `json:"site"`
	ImageURL    textOrNull `json:"image_url"`
}

type message struct {
	ID             int64       `json:"id"`
	ConversationID int64       `json:"conversation_id"`
	SessionID      int64       `json:"session_id"`
	Number         int         `json:"number"`
	Ref            ref         `json:"ref"`
	Type           string      `json:"type"`
	Note           bool        `json:"note"`
	Sender         sender      `json:"sender"`
	Body           string      `json:"body"`
	Event          *entry      `json:"event"`
	Reference      idOrNull    `json:"reference"`
	ClientID       textOrNull  `json:"client_id"`
	SentAt         stamp       `json:"sent_at"`
	State          string      `json:"state"`
	StateCode      textOrNull  `json:"state_code"`
	StateReason    textOrNull  `json:"state_reason"`
	Media          *media      `json:"media"`
	Link           *link       `json:"link"`
	Choices        []string    `json:"choices"`
	EditedAt       stampOrNull `json:"edited_at"`
	DeletedAt      stampOrNull `json:"deleted_at"`
}

type surveyForm struct {
	Question string   `json:"question"`
	Options  []string `json:"options"`
}

type goalRule struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Match   string `json:"match"`
	Pattern string `json:"pattern"`
}

type opening struct {
	Day  int    `json:"day"`
	From string `json:"from"`
	To   string `json:"to"`
}

type holiday struct {
	Date string `json:"date"`
	Name string `json:"name"`
}

type hours struct {
	Timezone string    `json:"timezone"`
	Openings []opening `json:"openings"`
	Holidays []holiday `json:"holidays"`
}

type widget struct {
	ID                    int64       `json:"id"`
	Key                   string      `json:"key"`
	Name                  string      `json:"name"`
	Lang                  string      `json:"lang"`
	GroupID               idOrNull    `json:"group_id"`
	Domains               []string    `json:"domains"`
	Color                 string      `json:"color"`
	Position              string      `json:"position"`
	Title                 string      `json:"title"`
	Subtitle              string      `json:"subtitle"`
	Greeting              string      `json:"greeting"`
	Theme                 string      `json:"theme"`
	SessionTimeoutSeconds int         `json:"session_timeout_seconds"`
	IdentityRequired      bool        `json:"identity_required"`
	HasIdentitySecret     bool        `json:"has_identity_secret"`
	PrivacyMode           bool        `json:"privacy_mode"`
	RatingForm            string      `json:"rating_form"`
	AskFeedback           bool        `json:"ask_feedback"`
	Survey                *surveyForm `json:"survey"`
	Goals                 []goalRule  `json:"goals"`
	Presence              string      `json:"presence"`
	Hours                 *hours      `json:"hours"`
	OfflineForm           bool        `json:"offline_form"`
	UnansweredSeconds     int         `json:"unanswered_seconds"`
	TranscriptHook        string      `json:"transcript_hook"`
	ShowVisitors          bool        `json:"show_visitors"`
	Active                bool        `json:"active"`
	CreatedAt             stamp       `json:"created_at"`
	UpdatedAt             stamp       `json:"updated_at"`
}

// sheet has room for a body and for the parts that most bodies have, so that they are not made anew for each.
type sheet struct {
	body         body
	conversation conversation
	session      session
	message      message
	group        group
	operator     operator
	lastMessage  lastMessage
}

// fill makes the body of an event on an empty sheet.
func (s *sheet) fill(e *event.Event, o *dialect.Options) *body {
	s.body.Type, s.body.Timestamp, s.body.Seq = string(e.Type), stamp(e.At), int64(e.Seq)
	d := &s.body.Data
	d.StatusPrevious, d.OperatorBefore, d.GroupBefore = e.StatusBefore, wireOperator(e.OperatorBefore), wireGroup(e.GroupBefore)
	if e.Type == event.ConversationRead {
		d.By = string(e.By.Type)
	}
	if e.Session != nil {
		s.session = wireSession(e.Session)
		d.Session = &s.session
	}
	if e.Conversation != nil {
		d.Conversation = s.wireConversation(e.Conversation)
	}
	if e.Message != nil {
		s.message = wireMessage(e.Message, o, e.At)
		d.Message = &s.message
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
	if c := e.Channel; c != nil {
		d.Channel = &toldChannel{ID: int64(c.ID), Type: c.Type, Name: c.Name, Reason: e.Reason}
	}
	d.Changed = e.Changed
	if m := e.Mail; m != nil {
		d.Mail = &toldMail{ID: int64(m.ID), Kind: m.Kind, Reason: e.Reason}
	}
	if f := e.Offline; f != nil {
		d.Offline = &offlineForm{Name: f.Name, Email: f.Email}
	}
	if e.Type == event.TranscriptRequested {
		d.Transcript = &transcript{Operator: wireOperator(e.Ender), Extra: listOf(e.Extra)}
	}
	return &s.body
}

// wireConversation wants the session to be filled in already.
func (s *sheet) wireConversation(c *event.Conversation) *conversation {
	w := &s.conversation
	*w = conversation{
		ID: int64(c.ID), UUID: c.UUID, Status: c.Status,
		Channel: channel{ID: idOrNull(c.Channel.ID), Type: c.Channel.Type, Name: c.Channel.Name},
		Widget:  widgetRef{ID: int64(c.Widget.ID), Name: c.Widget.Name},
		Contact: wireContact(&c.Contact), Topic: c.Topic, Tags: listOf(c.Tags), Flagged: c.Flagged,
		CreatedAt: stamp(c.CreatedAt), EndedAt: stampOrNull(c.EndedAt), UpdatedAt: stamp(c.UpdatedAt),
		MessageCount: c.MessageCount, OperatorRead: c.OperatorRead, ContactDelivered: c.ContactDelivered, ContactRead: c.ContactRead, Unread: c.Unread,
		UnansweredAt: stampOrNull(c.UnansweredAt),
	}
	if c.Rating != 0 {
		w.Rating = &c.Rating
	}
	if g := c.Group; g != nil {
		s.group = group{ID: int64(g.ID), Name: g.Name}
		w.Group = &s.group
	}
	if c.Operator != nil {
		s.operator = operatorBrief(c.Operator)
		w.Operator = &s.operator
	}
	if l := c.LastMessage; l != nil {
		s.lastMessage = lastMessage{Number: l.Number, Body: l.Body, SenderType: string(l.SenderType), SentAt: stamp(l.SentAt), Type: l.Type, Note: l.Note}
		w.LastMessage = &s.lastMessage
	}
	if s.body.Data.Session != nil {
		w.Session, w.Visit = &s.session, &s.session.Visit
	}
	return w
}

func wireSession(s *event.Session) session {
	return session{ID: int64(s.ID), Number: s.Number, StartedAt: stamp(s.StartedAt), EndedAt: stampOrNull(s.EndedAt),
		EndReason: textOrNull(s.EndReason), Visit: wireVisit(&s.Visit), Rating: wireRating(s.Rating), Feedback: textOrNull(s.Feedback),
		Survey: wireSurvey(s.Survey), Goal: wireGoal(s.Goal), Offline: s.Offline}
}

// listOf is a list that is never null.
func listOf(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

func wireRating(r *event.Rating) *rating {
	if r == nil {
		return nil
	}
	return &rating{Value: r.Value, Form: r.Form}
}

func wireSurvey(s *event.Survey) *survey {
	if s == nil {
		return nil
	}
	return &survey{Question: s.Question, Option: s.Option}
}

func wireGoal(g *event.Goal) *goal {
	if g == nil {
		return nil
	}
	return &goal{ID: int64(g.ID), Name: g.Name}
}

func wireVisit(v *event.Visit) visit {
	return visit{URL: v.URL, Title: v.Title, InitialURL: v.InitialURL, Referrer: v.Referrer, UserAgent: v.UserAgent, Browser: v.Browser,
		BrowserVersion: v.BrowserVersion, OS: v.OS, Device: v.Device, IP: v.IP, City: v.City, Region: v.Region, Country: v.Country, CountryCode: v.CountryCode, Lat: v.Lat, Lon: v.Lon,
		Proactive: v.Proactive, Private: v.Private, PageImpressions: v.PageImpressions, Visits: v.Visits}
}

// wireMessage is a message with the addresses of its files as of at.
func wireMessage(m *event.Message, o *dialect.Options, at time.Time) message {
	w := message{
		ID: int64(m.ID), ConversationID: int64(m.ConversationID), SessionID: int64(m.SessionID), Number: m.Number, Ref: ref{Conversation: m.ConversationID, Session: m.SessionID, Message: m.ID},
		Type: m.Type, Note: m.Note, Sender: wireSender(m.Sender), Body: m.Body, Reference: idOrNull(m.ReferenceID),
		ClientID: textOrNull(m.ClientID), SentAt: stamp(m.SentAt), State: stateNames[m.State], StateCode: textOrNull(m.StateCode),
		StateReason: textOrNull(m.StateReason), EditedAt: stampOrNull(m.EditedAt), DeletedAt: stampOrNull(m.DeletedAt),
		Choices: listOf(m.Choices),
	}
	if f := m.Media; f != nil {
		w.Media = &media{ID: int64(f.ID), Kind: f.Kind, State: f.State, Name: f.Name, ContentType: f.ContentType, Size: f.Size, Width: countOrNull(f.Width),
			Height: countOrNull(f.Height), DurationMS: countOrNull(f.DurationMS), Peaks: f.Peaks, URL: textOrNull(o.Address(f, false, at)),
			ThumbURL: textOrNull(o.Address(f, true, at)), Error: textOrNull(f.Error)}
	}
	if c := m.Link; c != nil {
		w.Link = &link{URL: c.URL, Title: c.Title, Description: c.Description, Site: c.Site, ImageURL: textOrNull(picture(c.Image, o, at))}
	}
	if en := m.Entry; en != nil {
		w.Event = &entry{Name: en.Name, Operator: wireNamed(en.Operator), Group: wireGroup(en.Group), Reason: textOrNull(en.Reason),
			Rating: wireRating(en.Rating), Survey: wireSurvey(en.Survey), Goal: wireGoal(en.Goal)}
		if en.Channel != nil {
			w.Event.Channel = &named{ID: idOrNull(en.Channel.ID), Name: en.Channel.Name}
		}
		if en.By != nil {
			by := wireSender(*en.By)
			w.Event.By = &by
		}
	}
	return w
}

// picture is the address of a card's picture: the small one, where there is one.
func picture(m *event.Media, o *dialect.Options, at time.Time) string {
	if small := o.Address(m, true, at); small != "" {
		return small
	}
	return o.Address(m, false, at)
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
	return contact{ID: int64(c.ID), UUID: c.UUID, Name: c.Name, DisplayName: c.DisplayName(), Email: c.Email, Phone: c.Phone, ExternalID: c.ExternalID,
		ClaimedID: c.ClaimedID, Handle: c.Handle,
		Custom: c.Custom, Additional: c.Additional, CreatedAt: stamp(c.CreatedAt), UpdatedAt: stamp(c.UpdatedAt)}
}

func wireOperator(o *event.Operator) *operator {
	if o == nil {
		return nil
	}
	w := operatorBrief(o)
	return &w
}

func operatorBrief(o *event.Operator) operator {
	return operator{ID: int64(o.ID), Name: o.Name(), FirstName: o.FirstName, LastName: o.LastName, Alias: o.Alias, Email: o.Email,
		ImageURL: o.ImageURL, Status: o.Status}
}

func wireOperatorFull(o *event.Operator) *operatorFull {
	w := &operatorFull{operator: operatorBrief(o), Username: o.Username, Lang: o.Lang, Locale: o.Locale, Timezone: o.Timezone, Role: o.Role,
		Active: o.Active, Slots: o.Slots, Availability: o.Availability, Groups: []group{}, CreatedAt: stamp(o.CreatedAt)}
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
	out := &widget{ID: int64(w.ID), Key: w.Key, Name: w.Name, Lang: w.Lang, GroupID: idOrNull(w.GroupID), Domains: listOf(w.Domains), Color: w.Color,
		Position: w.Position, Title: w.Title, Subtitle: w.Subtitle, Greeting: w.Greeting, Theme: w.Theme,
		SessionTimeoutSeconds: w.SessionTimeoutSeconds, IdentityRequired: w.IdentityRequired, HasIdentitySecret: w.HasIdentitySecret,
		PrivacyMode: w.PrivacyMode, RatingForm: w.RatingForm, AskFeedback: w.AskFeedback, Goals: []goalRule{}, Presence: cmp.Or(w.Presence, event.PresenceAuto),
		Hours: wireHours(w.Hours), OfflineForm: w.OfflineForm, UnansweredSeconds: w.UnansweredSeconds, TranscriptHook: w.TranscriptHook, ShowVisitors: w.ShowVisitors,
		Active: w.Active, CreatedAt: stamp(w.CreatedAt), UpdatedAt: stamp(w.UpdatedAt)}
	if w.Survey != nil {
		out.Survey = &surveyForm{Question: w.Survey.Question, Options: listOf(w.Survey.Options)}
	}
	for _, g := range w.Goals {
		out.Goals = append(out.Goals, goalRule{ID: int64(g.ID), Name: g.Name, Match: g.Match, Pattern: g.Pattern})
	}
	return out
}

func wireHours(h *event.Hours) *hours {
	if h == nil {
		return nil
	}
	out := &hours{Timezone: h.Timezone, Openings: []opening{}, Holidays: []holiday{}}
	for _, o := range h.Openings {
		out.Openings = append(out.Openings, opening{o.Day, clock(o.From), clock(o.To)})
	}
	for _, d := range h.Holidays {
		out.Holidays = append(out.Holidays, holiday{d.Date, d.Name})
	}
	return out
}

// clock is a minute of the day as "09:00"; the end of the day is "24:00".
func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
