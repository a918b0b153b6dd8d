package feed

import (
	"testing"

	"parley/internal/event"
)

// Stored before contacts had additional fields, visits a place and sessions a rating: what came later is missing, and unknown.
const earlier = `1{"ID":0,"Seq":0,"Type":"message.received","At":"2026-03-02T09:30:25.123456Z","By":{"Type":"contact","ID":11,"Name":"Jane Doe"},` +
	`"Conversation":{"ID":42,"UUID":"3f0c9a54-5f43-4f3c-b0b4-0e5b5f2f9d11","Status":"open","Channel":{"ID":0,"Type":"website","Name":"Website"},` +
	`"Widget":{"ID":1,"Key":"w_demo","Name":"Demo shop"},"Contact":{"ID":11,"UUID":"6f1d7c1e-0d55-4f3a-9a51-2f6f1b8f3c10","Name":"Jane Doe",` +
	`"Email":"jane@customer.example","Phone":"","ExternalID":"user1234","Custom":{"vip":true},"CreatedAt":"2026-03-02T08:30:05.123456Z",` +
	`"UpdatedAt":"2026-03-02T09:29:05.123456Z"},"Topic":"Delivery","CreatedAt":"2026-03-02T09:30:05.123456Z","UpdatedAt":"2026-03-02T09:30:15.123456Z",` +
	`"EndedAt":"0001-01-01T00:00:00Z","MessageCount":2,"OperatorRead":1,"ContactDelivered":1,"ContactRead":1,"Unread":1},"Session":{"ID":21,"Number":1,` +
	`"StartedAt":"2026-03-02T09:30:05.123456Z","EndedAt":"0001-01-01T00:00:00Z","EndReason":"","Visit":{"URL":"https://shop.example/cart","Title":"Cart",` +
	`"InitialURL":"","Referrer":"","UserAgent":"","Browser":"Chrome","BrowserVersion":"140.0","OS":"Linux","Device":"desktop","IP":"203.0.113.7",` +
	`"PageImpressions":4,"Visits":2}},"Message":{"ID":72,"ConversationID":42,"SessionID":21,"Number":2,"Type":"message","Note":false,` +
	`"Sender":{"Type":"contact","ID":11,"Name":"Jane Doe"},"OperatorName":"","OperatorDisplayName":"","ImageURL":"","Body":"Hello","ReferenceID":0,` +
	`"ClientID":"c5d9a1d2-0000-4000-8000-000000000002","SentAt":"2026-03-02T09:30:25.123456Z","State":2}}`

func TestEventsThatAnEarlierVersionStoredAreRead(t *testing.T) {
	e, err := decode([]byte(earlier))
	if err != nil {
		t.Fatal(err)
	}
	if e.Type != event.MessageReceived || e.Message.Body != "Hello" || e.Conversation.Contact.Custom != `{"vip":true}` || e.Session.Visit.Browser != "Chrome" {
		t.Errorf("read %+v", e)
	}
	v := e.Session.Visit
	if e.Conversation.Contact.Additional != nil || e.Conversation.Tags != nil || e.Conversation.Flagged || e.Conversation.Rating != 0 || e.Session.Rating != nil ||
		e.Session.Feedback != "" || v.City != "" || v.Lat != nil || v.Proactive || v.Private || e.Requested || e.Notes != nil {
		t.Errorf("what came later is %+v of %+v", e.Session, e.Conversation)
	}
}
