package visitor

import (
	"time"

	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/inbox"
)

type wireReauth struct {
	Email string `json:"email"`
}

type wireSignIn struct {
	Link string `json:"link"`
	Code string `json:"code"`
	// Address is where this browser asked for the mail; it decides whether a link takes the guest's conversations along.
	Address string `json:"address"`
}

type wireSignedIn struct {
	Token          string           `json:"token"`
	Contact        wireContact      `json:"contact"`
	ConversationID *id.Conversation `json:"conversation_id"`
}

type wireDevice struct {
	ID        string    `json:"id"`
	Browser   string    `json:"browser"`
	OS        string    `json:"os"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	Current   bool      `json:"current"`
	Mailed    bool      `json:"mailed"`
}

type wireDevices struct {
	Devices []wireDevice `json:"devices"`
}

type wireErase struct {
	Confirm bool `json:"confirm"`
}

// wireData is the beginning of the file that a contact gets with their data; the conversations follow.
type wireData struct {
	ExportedAt time.Time       `json:"exported_at"`
	Contact    wireDataContact `json:"contact"`
	Devices    []wireDevice    `json:"devices"`
}

type wireDataContact struct {
	wireContact
	ExternalID string      `json:"external_id"`
	ClaimedID  string      `json:"claimed_id"`
	Handle     string      `json:"handle"`
	Additional []wireField `json:"additional"`
	CreatedAt  time.Time   `json:"created_at"`
	UpdatedAt  time.Time   `json:"updated_at"`
}

func dataOf(c *event.Contact) wireDataContact {
	out := wireDataContact{wireContact: contactOf(c), ExternalID: c.ExternalID, ClaimedID: c.ClaimedID, Handle: c.Handle, Additional: []wireField{}, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
	for _, f := range c.Additional {
		out.Additional = append(out.Additional, wireField{f.Name, f.Value})
	}
	return out
}

// wireDataConversation is the beginning of a conversation in that file; its messages follow.
type wireDataConversation struct {
	ID        id.Conversation   `json:"id"`
	Status    string            `json:"status"`
	Channel   wireChannel       `json:"channel"`
	Moved     bool              `json:"moved"`
	CreatedAt time.Time         `json:"created_at"`
	EndedAt   *time.Time        `json:"ended_at"`
	Sessions  []wireDataSession `json:"sessions"`
}

type wireDataSession struct {
	Number    int           `json:"number"`
	StartedAt time.Time     `json:"started_at"`
	EndedAt   *time.Time    `json:"ended_at"`
	Offline   bool          `json:"offline"`
	Rating    *wireRating   `json:"rating"`
	Feedback  string        `json:"feedback"`
	Survey    *wireAnswer   `json:"survey"`
	Visit     wireDataVisit `json:"visit"`
}

type wireDataVisit struct {
	URL             string   `json:"url"`
	Title           string   `json:"title"`
	InitialURL      string   `json:"initial_url"`
	Referrer        string   `json:"referrer"`
	UserAgent       string   `json:"user_agent"`
	Browser         string   `json:"browser"`
	OS              string   `json:"os"`
	Device          string   `json:"device"`
	IP              string   `json:"ip"`
	City            string   `json:"city"`
	Region          string   `json:"region"`
	Country         string   `json:"country"`
	Lat             *float64 `json:"lat"`
	Lon             *float64 `json:"lon"`
	PageImpressions int      `json:"page_impressions"`
	Visits          int      `json:"visits"`
}

func (o *Options) ownOf(own inbox.Own) wireDataConversation {
	c := o.conversationOf(own.View)
	out := wireDataConversation{ID: c.ID, Status: c.Status, Channel: c.Channel, Moved: c.Moved, CreatedAt: c.CreatedAt, EndedAt: c.EndedAt, Sessions: []wireDataSession{}}
	for _, s := range own.Sessions {
		v := s.Visit
		one := wireDataSession{Number: s.Number, StartedAt: s.StartedAt, EndedAt: timeOrNull(s.EndedAt), Offline: s.Offline, Feedback: s.Feedback, Visit: wireDataVisit{
			URL: v.URL, Title: v.Title, InitialURL: v.InitialURL, Referrer: v.Referrer, UserAgent: v.UserAgent, Browser: v.Browser, OS: v.OS, Device: v.Device,
			IP: v.IP, City: v.City, Region: v.Region, Country: v.Country, Lat: v.Lat, Lon: v.Lon, PageImpressions: v.PageImpressions, Visits: v.Visits}}
		if s.Rating != nil {
			one.Rating = &wireRating{s.Rating.Value, s.Rating.Form}
		}
		if s.Survey != nil {
			one.Survey = &wireAnswer{s.Survey.Question, s.Survey.Option}
		}
		out.Sessions = append(out.Sessions, one)
	}
	return out
}
