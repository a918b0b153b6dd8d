package rest

import (
	"strconv"
	"testing"

	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/onsite"
	"parley/internal/team"
	"parley/internal/widget"
)

// shownWidget makes a widget that shows who is on its site.
func (b *bench) shownWidget() *event.Widget {
	b.Helper()
	w, err := b.Widgets.Create(b.Context(), team.System(), once.Key{}, widget.Change{Name: new("Shown"), ShowVisitors: new(true)})
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// onSite opens a page in a new browser of a contact, 0 for a stranger, and returns its key.
func (b *bench) onSite(w *event.Widget, contact id.Contact) string {
	b.Helper()
	a, err := b.Onsite.Here(b.Context(), onsite.Call{Widget: w, Contact: contact, From: "203.0.113.7",
		Visit: inbox.Visit{URL: "https://shop.example/pricing", Title: "Pricing", Referrer: "https://search.example/", IP: "203.0.113.7", PageImpressions: 3, Visits: 2,
			UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}})
	if err != nil {
		b.Fatal(err)
	}
	return a.Key
}

func (b *bench) everyOperationOfVisitors() {
	b.Helper()
	w := b.shownWidget()
	b.do("read", "GET", "/visitors", nil).is(200).has("items", "0 items")
	b.onSite(w, 0)
	v := b.do("read", "GET", "/visitors?widget_id="+jsonID(w.ID), nil).is(200).
		has("items", "1 items", "items.0.url", "https://shop.example/pricing", "items.0.title", "Pricing", "items.0.referrer", "https://search.example/", "items.0.trail.0.title", "Pricing", "items.0.pages", "3",
			"items.0.visits", "2", "items.0.contact_id", "<nil>", "items.0.conversation_id", "<nil>", "items.0.browser", "Firefox", "items.0.os", "Linux", "items.0.device", "desktop", "items.0.ip", "203.0.113.7",
			"items.0.invited_at", "<nil>").text("items.0.id")
	b.do("session:operator", "POST", "/visitors/"+v+"/invite", map[string]any{"body": "Can I help?"}).is(201).has("invitation_id", "1")
	if b.do("read", "GET", "/visitors", nil).is(200).text("items.0.invited_at") == "<nil>" {
		b.Error("the list does not tell of the invitation")
	}
}

func jsonID[T ~int64](v T) string { return strconv.FormatInt(int64(v), 10) }

func TestVisitors(t *testing.T) {
	b := newBench(t)
	b.do("read", "GET", "/visitors?widget_id=1", nil).is(409, "visitor.list_off")
	b.do("read", "GET", "/visitors?widget_id=99", nil).is(404, "widget.not_found")
	b.do("read", "GET", "/visitors?widget_id=x", nil).is(422, "field.invalid", "widget_id")
	w := b.shownWidget()
	b.onSite(w, 0)
	invite := func(as string, body any, headers ...string) answer {
		t.Helper()
		return b.do(as, "POST", "/visitors/1/invite", body, headers...)
	}
	invite("write", map[string]any{"body": "Hi"}).is(403, "auth.denied")
	invite("session:operator", map[string]any{"body": " "}).is(422, "message.empty", "body")
	invite("session:operator", map[string]any{}).is(422)
	b.do("session:operator", "POST", "/visitors/7/invite", map[string]any{"body": "Hi"}).is(404, "visitor.not_found")
	invite("session:operator", map[string]any{"body": "Hi"}, "Idempotency-Key", "k").is(201).has("invitation_id", "1")
	invite("session:operator", map[string]any{"body": "Hi"}, "Idempotency-Key", "k").is(201).has("invitation_id", "1")
	invite("session:operator", map[string]any{"body": "Ho"}, "Idempotency-Key", "k").is(409, "idempotency_key.reused")
	invite("session:admin", map[string]any{"body": "Hi"}).is(409, "visitor.invited")

	posted := b.visitor(inbox.ContactPost{Body: "Hello"})
	b.onSite(w, posted.Contact.ID)
	b.do("read", "GET", "/visitors", nil).is(200).has("items", "2 items", "items.0.contact_id", jsonID(posted.Contact.ID), "items.0.handle_or_name", posted.Contact.HandleName(), "items.1.handle_or_name", "guest-1")
}
