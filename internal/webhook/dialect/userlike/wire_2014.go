package userlike

import (
	"cmp"

	"parley/internal/event"
	"parley/internal/webhook/dialect"
)

// message2014 is a message in the older form: what was said, and on which side.
type message2014 struct {
	Message string  `json:"message"`
	Person  *string `json:"person"`
	SentAt  *string `json:"sent_at"`
	Type    string  `json:"type"`
}

// The two sides of a conversation in the older form.
const (
	sideContact  = "co"
	sideOperator = "op"
)

// words2014 are the older form's names where they differ: of a _type, and of the _event of a chat_session.
var words2014 = map[string]string{"chat_session": "chat_meta", "um_widget": "chat_widget", "end": "receive"}

func head2014(h head) head {
	for _, w := range []*string{&h.Type, &h.Event} {
		if older, ok := words2014[*w]; ok {
			*w = older
		}
	}
	return h
}

// wireMessages2014 are the messages that somebody wrote to the other side. The older form has no place for entries of the thread;
// what a contact says in ratings, feedback and surveys stands in fields of the session. Nothing is left to tell of what was deleted.
func wireMessages2014(e *event.Event, o *dialect.Options) []message2014 {
	out := []message2014{}
	for _, m := range told(e) {
		if m.Said() && m.DeletedAt.IsZero() {
			out = append(out, wireMessage2014(m, o.Address(m.Media, false, e.At)))
		}
	}
	return out
}

// wireMessage2014 is a message; a file without a caption is told by its address, or by its name while it has none.
func wireMessage2014(m *event.Message, address string) message2014 {
	said := m.Body
	if said == "" && m.Media != nil {
		said = cmp.Or(address, m.Media.Name)
	}
	w := message2014{Message: said, Person: textOrNull(m.Sender.Name), SentAt: wireTime(m.SentAt), Type: sideOperator}
	switch m.Sender.Type {
	case event.ByContact:
		w.Person, w.Type = textOrNull(contactName(m.Sender)), sideContact
	case event.ByOperator:
		w.Person = textOrNull(m.OperatorDisplayName)
	}
	return w
}

// offlineCall2014 is what a contact left while nobody was there. Only this form has a call of its own for it; in the others the message is one of a
// session that starts.
type offlineCall2014 struct {
	head
	ID              int64         `json:"id"`
	ClientName      *string       `json:"client_name"`
	ClientEmail     *string       `json:"client_email"`
	Message         string        `json:"message"`
	Topic           *string       `json:"topic"`
	URL             *string       `json:"url"`
	ChatWidget      named         `json:"chat_widget"`
	CreatedAt       *string       `json:"created_at"`
	BrowserName     *string       `json:"browser_name"`
	BrowserOS       *string       `json:"browser_os"`
	BrowserVersion  *string       `json:"browser_version"`
	LocCity         *string       `json:"loc_city"`
	LocCountry      *string       `json:"loc_country"`
	LocLat          *float64      `json:"loc_lat"`
	LocLon          *float64      `json:"loc_lon"`
	Custom          event.RawJSON `json:"custom"`
	DataPrivacy     bool          `json:"data_privacy"`
	MarkedRead      bool          `json:"marked_read"`
	PageImpressions int           `json:"page_impressions"`
	Visits          int           `json:"visits"`
	Status          string        `json:"status"`
	ScreenshotOID   *string       `json:"screenshot_oid"`
	ScreenshotURL   *string       `json:"screenshot_url"`
}

// wireOfflineCall2014 has the message's own number as its id. There are no screenshots.
func wireOfflineCall2014(h head, e *event.Event, o *dialect.Options) offlineCall2014 {
	c, v, m := e.Conversation, &e.Session.Visit, e.Message
	return offlineCall2014{
		head: h, ID: int64(m.ID), ClientName: textOrNull(e.Offline.Name), ClientEmail: textOrNull(e.Offline.Email),
		Message: wireMessage2014(m, o.Address(m.Media, false, e.At)).Message, Topic: textOrNull(c.Topic), URL: textOrNull(v.URL),
		ChatWidget: named{ID: idOrNull(int64(c.Widget.ID)), Name: textOrNull(c.Widget.Name)}, CreatedAt: wireTime(m.SentAt),
		BrowserName: textOrNull(v.Browser), BrowserOS: textOrNull(v.OS), BrowserVersion: textOrNull(v.BrowserVersion),
		LocCity: textOrNull(v.City), LocCountry: textOrNull(v.Country), LocLat: v.Lat, LocLon: v.Lon, Custom: c.Contact.Custom,
		DataPrivacy: v.Private, MarkedRead: c.Unread == 0, PageImpressions: v.PageImpressions, Visits: v.Visits, Status: c.Status,
	}
}
