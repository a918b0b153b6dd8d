package rest

import (
	"cmp"

	"parley/internal/event"
	"parley/internal/inbox"
)

// party is who sent or did something.
type party struct {
	Type string `json:"type" enum:"contact,operator,bot,system" example:"contact"`
	ID   *int64 `json:"id" doc:"The contact's or operator's id, null for the others." example:"5"`
	Name string `json:"name" example:"Ann"`
}

// wireParty names an unnamed contact as everywhere else; c is the conversation's contact if it is at hand.
func wireParty(p event.Party, c *event.Contact) party {
	w := party{Type: string(p.Type), Name: p.Name}
	if p.Type == event.ByContact || p.Type == event.ByOperator {
		w.ID = wireIDOrNull(p.ID)
	}
	if p.Type == event.ByContact && p.Name == "" && p.ID != 0 {
		w.Name = displayName(p.ID, c)
	}
	return w
}

// threadEvent is what a line of type event says.
type threadEvent struct {
	Name     string       `json:"name" doc:"ended, reopened, assigned, forwarded, session_ended, channel_changed, rating, feedback, survey, goal; more may come." example:"ended"`
	By       *party       `json:"by" doc:"Who did it; null when nobody did."`
	Operator *named       `json:"operator" doc:"Who got the conversation."`
	Group    *group       `json:"group" doc:"Which group got the conversation."`
	Reason   *string      `json:"reason" enum:"operator,contact,timeout,rule,api" doc:"Why something ended."`
	Rating   *rating      `json:"rating" doc:"How the contact rated." sample:"null"`
	Survey   *surveyReply `json:"survey" doc:"What the contact answered." sample:"null"`
	Goal     *named       `json:"goal" doc:"What the contact reached." sample:"null"`
	Channel  *named       `json:"channel" doc:"Where the conversation goes on (channel_changed)." sample:"null"`
}

// rating is how a contact rated a session.
type rating struct {
	Value int    `json:"value" minimum:"1" maximum:"5" doc:"1 to 5; of two thumbs, up is 5 and down is 1." example:"5"`
	Form  string `json:"form" enum:"stars,thumbs" doc:"How it was asked for."`
}

func wireRating(r *event.Rating) *rating {
	if r == nil {
		return nil
	}
	return &rating{Value: r.Value, Form: r.Form}
}

// surveyReply is what a contact answered to the widget's question.
type surveyReply struct {
	Question string `json:"question" example:"How did you hear of us?"`
	Option   string `json:"option" example:"A friend"`
}

func wireSurveyReply(s *event.Survey) *surveyReply {
	if s == nil {
		return nil
	}
	return &surveyReply{Question: s.Question, Option: s.Option}
}

func wireReached(g *event.Goal) *named {
	if g == nil {
		return nil
	}
	return &named{ID: wireID(g.ID), Name: g.Name}
}

func wireEntry(e *event.Entry, c *event.Contact) *threadEvent {
	if e == nil {
		return nil
	}
	w := &threadEvent{Name: e.Name, Group: wireGroupOrNull(e.Group), Reason: wireStringOrNull(e.Reason), Rating: wireRating(e.Rating),
		Survey: wireSurveyReply(e.Survey), Goal: wireReached(e.Goal)}
	if e.By != nil {
		by := wireParty(*e.By, c)
		w.By = &by
	}
	if e.Operator != nil {
		w.Operator = &named{ID: e.Operator.ID, Name: e.Operator.Name}
	}
	if e.Channel != nil {
		w.Channel = &named{ID: wireID(e.Channel.ID), Name: e.Channel.Name}
	}
	return w
}

// messageMedia is the file of a message.
type messageMedia struct {
	ID          int64   `json:"id" example:"31"`
	Kind        string  `json:"kind" enum:"image,audio,voice,video,pdf,file" doc:"By what the bytes are. A voice note was recorded in the browser."`
	State       string  `json:"state" enum:"stored,fetching,failed" doc:"fetching: a copy is being made of what another server has; failed: that could not be done."`
	Name        string  `json:"name" example:"my scale.jpg"`
	ContentType string  `json:"content_type" doc:"What the bytes are, not what the sender said; application/octet-stream while unknown." example:"image/jpeg"`
	Size        int64   `json:"size" doc:"Bytes; 0 while unknown." example:"482133"`
	Width       *int    `json:"width" doc:"Of the picture as it is looked at." example:"1600"`
	Height      *int    `json:"height" example:"1200"`
	DurationMS  *int    `json:"duration_ms" doc:"As the browser that recorded it said."`
	Peaks       []int   `json:"peaks" nullable:"false" doc:"The loudness of a voice note over its time: at most 64 numbers from 0 to 100." example:"[]"`
	URL         *string `json:"url" doc:"The file's address: signed, good for a week or a little longer, and without a login. Null unless the file is stored." example:"https://chat.example/media/mK3vX9b2QyLw7ZtR5cHn1A/my%20scale.jpg?e=1796515200&s=c2lnbmVk"`
	ThumbURL    *string `json:"thumb_url" doc:"The same of a small picture; null when there is none."`
	Error       *string `json:"error" doc:"Why the state is failed."`
}

// wireCount is a measure, or null for 0, which means that it is not known.
func wireCount(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func (h *handlers) wireMedia(m *event.Media) *messageMedia {
	if m == nil {
		return nil
	}
	w := &messageMedia{ID: wireID(m.ID), Kind: m.Kind, State: m.State, Name: m.Name, ContentType: m.ContentType, Size: m.Size, Width: wireCount(m.Width),
		Height: wireCount(m.Height), DurationMS: wireCount(m.DurationMS), Peaks: m.Peaks, Error: wireStringOrNull(m.Error)}
	if w.Peaks == nil {
		w.Peaks = []int{}
	}
	if m.State == event.MediaStored {
		now := h.Now()
		w.URL, w.ThumbURL = wireStringOrNull(h.Links.URL(m, now)), wireStringOrNull(h.Links.Thumb(m, now))
	}
	return w
}

// messageLink is a card of the first address that a message names.
type messageLink struct {
	URL         string  `json:"url" example:"https://shop.example/lamps/7"`
	Title       string  `json:"title" example:"Lamp Seven"`
	Description string  `json:"description" example:"A lamp for every room"`
	Site        string  `json:"site" example:"The shop"`
	ImageURL    *string `json:"image_url" doc:"The signed address of our copy of the page's picture."`
}

func (h *handlers) wireLink(c *event.LinkCard) *messageLink {
	if c == nil {
		return nil
	}
	w := &messageLink{URL: c.URL, Title: c.Title, Description: c.Description, Site: c.Site}
	if picture := h.wireMedia(c.Image); picture != nil {
		w.ImageURL = cmp.Or(picture.ThumbURL, picture.URL)
	}
	return w
}

type message struct {
	ID             int64         `json:"id" example:"77"`
	ConversationID int64         `json:"conversation_id" example:"42"`
	SessionID      int64         `json:"session_id" example:"7"`
	Number         int           `json:"number" doc:"1, 2, 3 … within the conversation, without gaps; the thread is ordered by it." example:"3"`
	Ref            string        `json:"ref" doc:"Conversation, session and message id." example:"42.7.77"`
	Type           string        `json:"type" enum:"message,media,event,rating,feedback,survey" doc:"Media is a file, whose caption is the body. An event is a line in the thread like “ended by Ann”. The body of a feedback is its text; what a rating or a survey says is in event."`
	Note           bool          `json:"note" doc:"True for an internal note, which the contact never sees."`
	Sender         party         `json:"sender"`
	Body           string        `json:"body" example:"Hello!"`
	Event          *threadEvent  `json:"event" doc:"Null for messages." sample:"null"`
	Reference      *int64        `json:"reference" doc:"Id of the quoted message."`
	ClientID       *string       `json:"client_id" doc:"The sender's own id of the message."`
	SentAt         string        `json:"sent_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	State          string        `json:"state" enum:"pending,sent,delivered,read,failed" doc:"On a channel: pending until its other side has the message. It only climbs, but that failed becomes pending or more after a retry." example:"sent"`
	StateCode      *string       `json:"state_code" doc:"In a word why the state is failed."`
	StateReason    *string       `json:"state_reason" doc:"In words why the state is failed, or pending for longer."`
	Media          *messageMedia `json:"media" doc:"The file of a message of type media; null when it was deleted." sample:"null"`
	Link           *messageLink  `json:"link" doc:"A card of the first address in the body, null while nothing is known of it." sample:"null"`
	EditedAt       *string       `json:"edited_at" format:"date-time" doc:"When its text was changed last."`
	Choices        []string      `json:"choices" nullable:"false" doc:"Answers that the contact may give with a click." example:"[]"`
	DeletedAt      *string       `json:"deleted_at" format:"date-time" doc:"When it was deleted. Its place in the thread stays; its text, file and card are gone."`
}

// wireMessage maps a message; c is the conversation's contact if it is at hand, for the name of an unnamed one.
func (h *handlers) wireMessage(m *event.Message, c *event.Contact) message {
	return message{
		ID:             wireID(m.ID),
		ConversationID: wireID(m.ConversationID),
		SessionID:      wireID(m.SessionID),
		Number:         m.Number,
		Ref:            m.Ref(),
		Type:           m.Type,
		Note:           m.Note,
		Sender:         wireParty(m.Sender, c),
		Body:           m.Body,
		Event:          wireEntry(m.Entry, c),
		Reference:      wireIDOrNull(m.ReferenceID),
		ClientID:       wireStringOrNull(m.ClientID),
		SentAt:         wireTime(m.SentAt),
		State:          wireState(m.State),
		StateCode:      wireStringOrNull(m.StateCode),
		StateReason:    wireStringOrNull(m.StateReason),
		Media:          h.wireMedia(m.Media),
		Link:           h.wireLink(m.Link),
		EditedAt:       wireTimeOrNull(m.EditedAt),
		Choices:        wireList(m.Choices, func(c string) string { return c }),
		DeletedAt:      wireTimeOrNull(m.DeletedAt),
	}
}

// wirePosted is a message that was stored or changed, with its conversation.
func (h *handlers) wirePosted(p *inbox.Posted) postedAnswer {
	return postedAnswer{Message: h.wireMessage(p.Message, &p.Conversation.Contact), Conversation: wireConversation(p.Conversation)}
}

func wireState(s event.MessageState) string {
	switch s {
	case event.StatePending:
		return "pending"
	case event.StateDelivered:
		return "delivered"
	case event.StateRead:
		return "read"
	case event.StateFailed:
		return "failed"
	}
	return "sent"
}

type visit struct {
	URL             string   `json:"url" example:"https://shop.example/cart"`
	Title           string   `json:"title" example:"Your cart"`
	InitialURL      string   `json:"initial_url" example:"https://shop.example/"`
	Referrer        string   `json:"referrer" example:""`
	UserAgent       string   `json:"user_agent" example:"Mozilla/5.0"`
	Browser         string   `json:"browser" example:"Chrome"`
	BrowserVersion  string   `json:"browser_version" example:"142.0"`
	OS              string   `json:"os" example:"Linux"`
	Device          string   `json:"device" doc:"desktop, mobile, tablet, bot or empty." example:"desktop"`
	IP              string   `json:"ip" example:"203.0.113.7"`
	City            string   `json:"city" doc:"Empty while unknown." example:"Berlin"`
	Region          string   `json:"region" doc:"State, county or the like; empty while unknown." example:"Berlin"`
	Country         string   `json:"country" doc:"Empty while unknown." example:"Germany"`
	CountryCode     string   `json:"country_code" doc:"By ISO 3166, in capitals; empty while unknown." example:"DE"`
	Lat             *float64 `json:"lat" doc:"Degrees north; null while unknown." example:"52.52"`
	Lon             *float64 `json:"lon" doc:"Degrees east; null while unknown." example:"13.405"`
	Proactive       bool     `json:"proactive" doc:"The page opened the messenger, not the visitor."`
	Private         bool     `json:"private" doc:"The widget was in privacy mode: neither address nor place was kept."`
	PageImpressions int      `json:"page_impressions" example:"3"`
	Visits          int      `json:"visits" example:"1"`
}

func wireVisit(v event.Visit) visit {
	return visit{
		URL:             v.URL,
		Title:           v.Title,
		InitialURL:      v.InitialURL,
		Referrer:        v.Referrer,
		UserAgent:       v.UserAgent,
		Browser:         v.Browser,
		BrowserVersion:  v.BrowserVersion,
		OS:              v.OS,
		Device:          v.Device,
		IP:              v.IP,
		City:            v.City,
		Region:          v.Region,
		Country:         v.Country,
		CountryCode:     v.CountryCode,
		Lat:             v.Lat,
		Lon:             v.Lon,
		Proactive:       v.Proactive,
		Private:         v.Private,
		PageImpressions: v.PageImpressions,
		Visits:          v.Visits,
	}
}

type session struct {
	ID        int64        `json:"id" example:"7"`
	Number    int          `json:"number" doc:"1, 2, 3 … within the conversation." example:"1"`
	StartedAt string       `json:"started_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	EndedAt   *string      `json:"ended_at" format:"date-time" doc:"Null while it is open."`
	EndReason *string      `json:"end_reason" enum:"operator,contact,timeout,rule,api" doc:"Null while it is open."`
	Offline   bool         `json:"offline" doc:"It began with the form that a widget shows while nobody is there."`
	Visit     visit        `json:"visit"`
	Rating    *rating      `json:"rating" doc:"The contact's latest rating of it."`
	Feedback  *string      `json:"feedback" doc:"What the contact thinks of it."`
	Survey    *surveyReply `json:"survey" doc:"What the contact answered to the widget's question."`
	Goal      *named       `json:"goal" doc:"The latest of the widget's goals that the contact reached in it."`
}

func wireSession(s event.Session) session {
	return session{
		ID:        wireID(s.ID),
		Number:    s.Number,
		StartedAt: wireTime(s.StartedAt),
		EndedAt:   wireTimeOrNull(s.EndedAt),
		EndReason: wireStringOrNull(s.EndReason),
		Offline:   s.Offline,
		Visit:     wireVisit(s.Visit),
		Rating:    wireRating(s.Rating),
		Feedback:  wireStringOrNull(s.Feedback),
		Survey:    wireSurveyReply(s.Survey),
		Goal:      wireReached(s.Goal),
	}
}

type lastMessage struct {
	Number     int    `json:"number" example:"3"`
	Body       string `json:"body" doc:"One line of at most 200 characters; the file's name where there is no caption." example:"Hello!"`
	SenderType string `json:"sender_type" enum:"contact,operator,bot,system"`
	SentAt     string `json:"sent_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	Type       string `json:"type" enum:"message,media,event,rating,feedback,survey"`
	Note       bool   `json:"note"`
}

func wireLastMessage(m *event.LastMessage) *lastMessage {
	if m == nil {
		return nil
	}
	return &lastMessage{
		Number:     m.Number,
		Body:       m.Body,
		SenderType: string(m.SenderType),
		SentAt:     wireTime(m.SentAt),
		Type:       m.Type,
		Note:       m.Note,
	}
}

type channel struct {
	ID   *int64 `json:"id" doc:"Null for the website."`
	Type string `json:"type" example:"website"`
	Name string `json:"name" example:"Website"`
}

func wireChannel(c event.Channel) channel {
	return channel{ID: wireIDOrNull(c.ID), Type: c.Type, Name: c.Name}
}

// conversation is a conversation as operators see it.
type conversation struct {
	ID               int64          `json:"id" example:"42"`
	UUID             string         `json:"uuid" format:"uuid" example:"0198c0de-0000-7000-8000-000000000042"`
	Status           string         `json:"status" enum:"new,open,pending,ended" doc:"new: nobody has answered; open: in work; pending: set aside until the contact writes; ended."`
	Channel          channel        `json:"channel"`
	Widget           named          `json:"widget"`
	Contact          contactObject  `json:"contact"`
	Group            *group         `json:"group"`
	Operator         *operatorBrief `json:"operator" doc:"Who is responsible; null when nobody is."`
	Topic            string         `json:"topic" example:""`
	Tags             []string       `json:"tags" nullable:"false" doc:"In alphabetical order." example:"[\"vip\"]"`
	Flagged          bool           `json:"flagged" doc:"It will be sent to the API add-on when its status changes."`
	Rating           *int           `json:"rating" minimum:"1" maximum:"5" doc:"The contact's latest rating; null while there is none."`
	CreatedAt        string         `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	EndedAt          *string        `json:"ended_at" format:"date-time"`
	UpdatedAt        string         `json:"updated_at" format:"date-time" doc:"Time of the last activity; lists are ordered by it." example:"2026-11-22T10:00:00.123456Z"`
	UnansweredAt     *string        `json:"unanswered_at" format:"date-time" doc:"Since when a message waits too long for an operator; null while none does."`
	LastMessage      *lastMessage   `json:"last_message"`
	MessageCount     int            `json:"message_count" doc:"The highest message number." example:"3"`
	OperatorRead     int            `json:"operator_read" doc:"Highest message number that an operator has read." example:"2"`
	ContactDelivered int            `json:"contact_delivered" doc:"Highest message number that reached the contact." example:"1"`
	ContactRead      int            `json:"contact_read" doc:"Highest message number that the contact has read." example:"1"`
	Unread           int            `json:"unread" doc:"Messages of the contact with a number above operator_read." example:"1"`
	Session          *session       `json:"session" doc:"The latest session."`
	Visit            *visit         `json:"visit" doc:"The latest session's visit."`
	Custom           jsonObject     `json:"custom" example:"{}"`
}

func wireConversation(v *inbox.View) conversation {
	w := conversation{
		ID:               wireID(v.ID),
		UUID:             v.UUID,
		Status:           v.Status,
		Channel:          wireChannel(v.Channel),
		Widget:           named{ID: wireID(v.Widget.ID), Name: v.Widget.Name},
		Contact:          wireContact(&v.Contact),
		Group:            wireGroupOrNull(v.Group),
		Operator:         wireOperatorBrief(v.Operator),
		Topic:            v.Topic,
		Tags:             wireList(v.Tags, func(t string) string { return t }),
		Flagged:          v.Flagged,
		CreatedAt:        wireTime(v.CreatedAt),
		EndedAt:          wireTimeOrNull(v.EndedAt),
		UpdatedAt:        wireTime(v.UpdatedAt),
		UnansweredAt:     wireTimeOrNull(v.UnansweredAt),
		LastMessage:      wireLastMessage(v.LastMessage),
		MessageCount:     v.MessageCount,
		OperatorRead:     v.OperatorRead,
		ContactDelivered: v.ContactDelivered,
		ContactRead:      v.ContactRead,
		Unread:           v.Unread,
		Custom:           "{}",
	}
	if v.Rating != 0 {
		w.Rating = &v.Rating
	}
	if v.Session != nil {
		s := wireSession(*v.Session)
		w.Session = &s
		w.Visit = &s.Visit
	}
	return w
}

// conversationWithSeq is a conversation and the feed's place at the same moment.
type conversationWithSeq struct {
	ID               int64          `json:"id" example:"42"`
	UUID             string         `json:"uuid" format:"uuid" example:"0198c0de-0000-7000-8000-000000000042"`
	Status           string         `json:"status" enum:"new,open,pending,ended"`
	Channel          channel        `json:"channel"`
	Widget           named          `json:"widget"`
	Contact          contactDetail  `json:"contact"`
	Group            *group         `json:"group"`
	Operator         *operatorBrief `json:"operator" doc:"Who is responsible; null when nobody is."`
	Topic            string         `json:"topic" example:""`
	Tags             []string       `json:"tags" nullable:"false" doc:"In alphabetical order." example:"[\"vip\"]"`
	Flagged          bool           `json:"flagged" doc:"It will be sent to the API add-on when its status changes."`
	Rating           *int           `json:"rating" minimum:"1" maximum:"5" doc:"The contact's latest rating; null while there is none."`
	CreatedAt        string         `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	EndedAt          *string        `json:"ended_at" format:"date-time"`
	UpdatedAt        string         `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UnansweredAt     *string        `json:"unanswered_at" format:"date-time" doc:"Since when a message waits too long for an operator; null while none does."`
	LastMessage      *lastMessage   `json:"last_message"`
	MessageCount     int            `json:"message_count" doc:"The highest message number." example:"3"`
	OperatorRead     int            `json:"operator_read" example:"2"`
	ContactDelivered int            `json:"contact_delivered" example:"1"`
	ContactRead      int            `json:"contact_read" example:"1"`
	Unread           int            `json:"unread" example:"1"`
	Session          *session       `json:"session" doc:"The latest session."`
	Visit            *visit         `json:"visit" doc:"The latest session's visit."`
	Custom           jsonObject     `json:"custom" example:"{}"`
	Seq              int64          `json:"seq" doc:"The newest event at the moment of this snapshot." example:"123"`
}

func wireConversationWithSeq(v *inbox.View, problem *mailProblem) conversationWithSeq {
	c := wireConversation(v)
	return conversationWithSeq{
		ID:               c.ID,
		UUID:             c.UUID,
		Status:           c.Status,
		Channel:          c.Channel,
		Widget:           c.Widget,
		Contact:          wireContactDetail(c.Contact, problem),
		Group:            c.Group,
		Operator:         c.Operator,
		Topic:            c.Topic,
		Tags:             c.Tags,
		Flagged:          c.Flagged,
		Rating:           c.Rating,
		CreatedAt:        c.CreatedAt,
		EndedAt:          c.EndedAt,
		UpdatedAt:        c.UpdatedAt,
		UnansweredAt:     c.UnansweredAt,
		LastMessage:      c.LastMessage,
		MessageCount:     c.MessageCount,
		OperatorRead:     c.OperatorRead,
		ContactDelivered: c.ContactDelivered,
		ContactRead:      c.ContactRead,
		Unread:           c.Unread,
		Session:          c.Session,
		Visit:            c.Visit,
		Custom:           c.Custom,
		Seq:              wireID(v.Seq),
	}
}

type counts struct {
	Mine       int `json:"mine" example:"2"`
	Unassigned int `json:"unassigned" example:"1"`
	All        int `json:"all" example:"9"`
	Attention  int `json:"attention" doc:"In which a message has waited too long for an operator." example:"1"`
}

func wireCounts(c inbox.Counts) counts {
	return counts{Mine: c.Mine, Unassigned: c.Unassigned, All: c.All, Attention: c.Attention}
}

type conversationPage struct {
	Items      []conversation `json:"items" nullable:"false"`
	NextCursor *string        `json:"next_cursor" doc:"Send it as cursor for the next page; null on the last page."`
	Seq        int64          `json:"seq" doc:"The newest event at the moment of this snapshot." example:"123"`
	Counts     counts         `json:"counts" doc:"Conversations that have not ended, whatever the list's filters."`
}

type messagePage struct {
	Items   []message `json:"items" nullable:"false" doc:"Ascending by number."`
	HasMore bool      `json:"has_more" doc:"True when there are more in the direction asked for."`
	Seq     int64     `json:"seq" doc:"The newest event at the moment of this snapshot." example:"123"`
}

type sessionList struct {
	Items []session `json:"items" nullable:"false" doc:"Oldest first."`
}

type postedAnswer struct {
	Message      message      `json:"message"`
	Conversation conversation `json:"conversation"`
}

type postInput struct {
	Body      string   `json:"body" doc:"1 to 20000 characters; with a file it is the caption and may be empty." example:"Hello!"`
	Media     string   `json:"media,omitempty" maxLength:"200" doc:"The key of a file that you uploaded (POST /media) and that no message has yet."`
	Note      bool     `json:"note,omitempty" doc:"True for an internal note, which is possible in ended conversations too."`
	Reference *int64   `json:"reference,omitempty" nullable:"true" doc:"Id of a message of this conversation to quote."`
	Choices   []string `json:"choices,omitempty" maxItems:"10" doc:"Answers that the contact may give with a click, of 1 to 80 characters in one line each. On other channels than the website they become numbered lines of the text; a note has none." example:"[]"`
	AsText    bool     `json:"as_text,omitempty" doc:"True sends a text to the contact that begins with a command of the composer, such as $end."`
}

type editInput struct {
	Body string `json:"body" doc:"The new text, 1 to 20000 characters; of a file the new caption, which may be empty." example:"Hello again!"`
}

type readInput struct {
	Number int `json:"number" doc:"Everything up to this message number has been read." example:"3"`
}

type assignInput struct {
	OperatorID *int64 `json:"operator_id" doc:"Null makes nobody responsible." example:"1"`
}

type forwardInput struct {
	OperatorID *int64 `json:"operator_id,omitempty" nullable:"true" doc:"Give this or group_id." example:"2"`
	GroupID    *int64 `json:"group_id,omitempty" nullable:"true" doc:"Give this or operator_id: the group's best free operator gets it, or nobody yet."`
	Note       string `json:"note,omitempty" doc:"Left as an internal note for the receiver." example:"Please have a look."`
}

type flagInput struct {
	Flagged bool `json:"flagged" doc:"True to have it sent when its status changes, false to take that back."`
}

type toWebhookInput struct {
	Extra []string `json:"extra,omitempty" maxItems:"50" doc:"Words that go along with the transcript, of at most 200 characters each." example:"[\"billing\"]"`
}

type tagsInput struct {
	Tags []string `json:"tags" nullable:"false" doc:"At most 20 tags of 1 to 40 characters. They replace the ones that the conversation has; of those that differ in the case of their letters only the first stays." example:"[\"vip\"]"`
}

type topicInput struct {
	Topic string `json:"topic" doc:"At most 120 characters in one line; empty for none." example:"Return of a lamp"`
}

type statusInput struct {
	Status string `json:"status" enum:"open,pending"`
}
