package rest

import "parley/internal/onsite"

// visitorPage is a page that a visitor has opened.
type visitorPage struct {
	URL   string `json:"url" example:"https://shop.example/pricing"`
	Title string `json:"title" example:"Pricing"`
	At    string `json:"at" format:"date-time" doc:"When it was opened."`
}

// visitorObject is somebody on a site now. Its name in the API's document is Visitor.
type visitorObject struct {
	ID             int64         `json:"id" example:"27"`
	WidgetID       int64         `json:"widget_id" example:"1"`
	ContactID      *int64        `json:"contact_id" doc:"Who it is where they have written before." example:"5"`
	ConversationID *int64        `json:"conversation_id" doc:"An open conversation of theirs on the website; write there instead of inviting." sample:"null"`
	HandleOrName   string        `json:"handle_or_name" doc:"The contact's name or handle, or guest- with the visitor's id." example:"guest-27"`
	URL            string        `json:"url" doc:"The page that is open now." example:"https://shop.example/pricing"`
	Title          string        `json:"title" example:"Pricing"`
	Referrer       string        `json:"referrer" doc:"What led to the first page; empty for unknown." example:"https://search.example/"`
	Trail          []visitorPage `json:"trail" nullable:"false" doc:"The pages of this visit, the open one last; 50 at most."`
	Pages          int           `json:"pages" doc:"How many pages were opened in this visit." example:"3"`
	Visits         int           `json:"visits" doc:"How often the browser came, with this time." example:"2"`
	StartedAt      string        `json:"started_at" format:"date-time"`
	SeenAt         string        `json:"seen_at" format:"date-time" doc:"The page's last sign."`
	Browser        string        `json:"browser" example:"Firefox"`
	OS             string        `json:"os" example:"Linux"`
	Device         string        `json:"device" doc:"desktop, mobile, tablet, bot, or empty for unknown." example:"desktop"`
	City           string        `json:"city" doc:"By the geo file of the installation; empty for unknown." example:"Berlin"`
	Country        string        `json:"country" example:"Germany"`
	IP             string        `json:"ip" doc:"Empty for unknown." example:"203.0.113.7"`
	InvitedAt      *string       `json:"invited_at" format:"date-time" doc:"When the invitation was sent that waits for an answer." sample:"null"`
}

func wireVisitor(v *onsite.Visitor) visitorObject {
	return visitorObject{
		ID: wireID(v.ID), WidgetID: wireID(v.Widget), ContactID: wireIDOrNull(v.Contact), ConversationID: wireIDOrNull(v.Conversation), HandleOrName: v.Name,
		URL: v.Visit.URL, Title: v.Visit.Title, Referrer: v.Visit.Referrer,
		Trail: wireList(v.Trail, func(p onsite.Page) visitorPage { return visitorPage{p.URL, p.Title, wireTime(p.At)} }), Pages: v.Pages(), Visits: v.Visits(),
		StartedAt: wireTime(v.StartedAt), SeenAt: wireTime(v.SeenAt), Browser: v.Visit.Browser, OS: v.Visit.OS, Device: v.Visit.Device,
		City: v.Visit.City, Country: v.Visit.Country, IP: v.Visit.IP, InvitedAt: wireTimeOrNull(v.InvitedAt),
	}
}

type visitorList struct {
	Items []visitorObject `json:"items" nullable:"false" doc:"Who came last is first; 500 at most."`
}

type inviteInput struct {
	Body string `json:"body" doc:"What the visitor reads." example:"Can I help you to choose?"`
}

type inviteAnswer struct {
	InvitationID int64 `json:"invitation_id" example:"9"`
}
