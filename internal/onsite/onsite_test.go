package onsite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

type house struct {
	d       *db.DB
	desk    *Desk
	widgets *widget.Desk
	inbox   *inbox.Desk
	shop    *event.Widget
	ann     team.Actor
}

var places = map[string]inbox.Place{"203.0.113.7": {City: "Berlin", Country: "Germany", CountryCode: "DE"}}

func each(t *testing.T, sentence string, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Run(sentence, func(t *testing.T) {
		dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
			synctest.Test(t, func(t *testing.T) {
				d := open()
				defer d.Close()
				sealer, err := secret.NewSealer(make([]byte, 32))
				if err != nil {
					t.Fatal(err)
				}
				f := feed.New(d)
				h := &house{d: d, desk: newDesk(d), widgets: widget.New(widget.Options{DB: d, Feed: f, Sealer: sealer})}
				h.inbox = inbox.New(inbox.Options{DB: d, Feed: f, Contacts: contact.New(d, f), Widgets: h.widgets})
				f.Plan(h.desk.Plan)
				people := team.New(team.Options{DB: d, Feed: f, PasswordMemoryKiB: 64})
				made, err := people.Create(t.Context(), team.System(), team.NewOperator{Email: "ann@shop.example", FirstName: "Ann", LastName: "Lee", Role: team.RoleOperator}, once.Key{})
				if err != nil {
					t.Fatal(err)
				}
				h.ann = team.Actor{Operator: made.Operator.ID, Name: "Ann Lee", Scope: team.ScopeWrite}
				h.shop = h.make(t, widget.Change{Name: new("Shop"), ShowVisitors: new(true)})
				fn(t, h)
			})
		})
	})
}

func newDesk(d *db.DB) *Desk {
	return New(Options{DB: d, Key: []byte("the same on all nodes"), Place: func(a string) inbox.Place { return places[a] }})
}

func (h *house) make(t *testing.T, ch widget.Change) *event.Widget {
	t.Helper()
	w, err := h.widgets.Create(t.Context(), team.System(), once.Key{}, ch)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

// What is kept of what a page tells, in bytes.
const (
	maxURL       = 2048
	maxTitle     = 300
	maxUserAgent = 512
	maxIP        = 64
)

// call is one of a browser on a page of the shop.
func (h *house) call(key, page, referrer string) Call {
	return Call{Widget: h.shop, Key: key, From: "203.0.113.7",
		Visit: inbox.Visit{URL: "https://shop.example" + page, Title: "Page " + page, Referrer: referrer, UserAgent: firefox, IP: "203.0.113.7", PageImpressions: 1, Visits: 2}}
}

func (h *house) here(t *testing.T, c Call) *Answer {
	t.Helper()
	a, err := h.desk.Here(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// come opens a page in a new browser and returns its key.
func (h *house) come(t *testing.T, page string) string {
	t.Helper()
	before := time.Now()
	a := h.here(t, h.call("", page, ""))
	if a.Key == "" || a.Invitation != nil || time.Since(before) > time.Second {
		t.Fatalf("the first call got %+v after %s", a, time.Since(before))
	}
	return a.Key
}

func (h *house) leave(t *testing.T, key, page string) {
	t.Helper()
	c := h.call(key, page, "")
	c.Left = true
	h.here(t, c)
}

func (h *house) list(t *testing.T, n int) []*Visitor {
	t.Helper()
	list, err := h.desk.List(t.Context(), h.ann, h.shop.ID)
	if err != nil || len(list) != n {
		t.Fatalf("%d visitors, want %d: %v", len(list), n, err)
	}
	return list
}

func (h *house) invite(t *testing.T, v id.Visitor, body string) id.Invitation {
	t.Helper()
	i, err := h.desk.Invite(t.Context(), h.ann, once.Key{}, v, body)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func refused(t *testing.T, err error, code fault.Code) *fault.Error {
	t.Helper()
	if !fault.Is(err, code) {
		t.Fatalf("got %v, want %s", err, code)
	}
	return fault.As(err)
}

func trail(v *Visitor) string {
	var b strings.Builder
	for _, p := range v.Trail {
		b.WriteString(strings.TrimPrefix(p.URL, "https://shop.example") + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestList(t *testing.T) {
	each(t, "who is on a page is listed with the page, the browser and the place", func(t *testing.T, h *house) {
		began := h.d.Now()
		h.come(t, "/pricing")
		v := h.list(t, 1)[0]
		if v.Name != fmt.Sprintf("guest-%d", v.ID) || v.Contact != 0 || v.Conversation != 0 || v.Widget != h.shop.ID || v.StartedAt.Before(began) || !v.InvitedAt.IsZero() {
			t.Errorf("%+v", v)
		}
		if s := v.Visit; s.URL != "https://shop.example/pricing" || s.Title != "Page /pricing" || s.Browser != "Firefox" || s.OS != "Linux" || s.Device != "desktop" || s.City != "Berlin" ||
			s.Country != "Germany" || s.IP != "203.0.113.7" || v.Visits() != 2 || v.Pages() != 1 {
			t.Errorf("%+v", s)
		}
	})
	each(t, "pages make a trail, a new title does not", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		for _, page := range []string{"/a", "/b", "/b", "/a"} {
			h.here(t, h.call(key, page, ""))
		}
		c := h.call(key, "/a", "")
		c.Visit.Title = "Loaded"
		h.here(t, c)
		v := h.list(t, 1)[0]
		if got := trail(v); got != "/ /a /b /a" || v.Trail[3].Title != "Loaded" || v.Visit.URL != "https://shop.example/a" || v.Pages() != 4 || v.Visit.InitialURL != "https://shop.example/" {
			t.Errorf("trail %q of %+v", got, v)
		}
	})
	each(t, "a trail keeps its latest 50 pages, and fewer long ones", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		for i := range 60 {
			h.here(t, h.call(key, fmt.Sprintf("/%d", i), ""))
		}
		if v := h.list(t, 1)[0]; len(v.Trail) != 50 || v.Trail[0].URL != "https://shop.example/10" {
			t.Errorf("%d pages from %s", len(v.Trail), v.Trail[0].URL)
		}
		for i := range 30 {
			h.here(t, h.call(key, fmt.Sprintf("/%d%s", i, strings.Repeat("x", 2000)), ""))
		}
		v := h.list(t, 1)[0]
		if text, err := (&row{Visitor: *v}).trail(); err != nil || len(text) > maxTrailBytes || len(v.Trail) < 5 || !strings.HasPrefix(v.Trail[len(v.Trail)-1].URL, "https://shop.example/29x") {
			t.Errorf("%d pages in %d bytes: %v", len(v.Trail), len(text), err)
		}
	})
	each(t, "who closes the page goes within moments, who vanishes within a minute, and rows go, too", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		h.come(t, "/silent")
		h.leave(t, key, "/")
		h.list(t, 2) // may be on the way to the next page
		time.Sleep(onTheWay)
		h.list(t, 1)
		time.Sleep(goneAfter - onTheWay)
		h.list(t, 0)
		time.Sleep(keepRow)
		if err := h.desk.PurgeOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := h.rows(t, "SELECT COUNT(*) FROM site_visitors"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
	each(t, "a page that calls stays in the list, and one that comes back is there again", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		for range 10 {
			before := time.Now()
			if a := h.here(t, h.call(key, "/", "")); a.Key != key || time.Since(before) < Wait || time.Since(before) > Wait+time.Second {
				t.Fatalf("key kept %v after %s", a.Key == key, time.Since(before))
			}
		}
		first := h.list(t, 1)[0].ID
		h.leave(t, key, "/")
		time.Sleep(keepRow + time.Second)
		h.list(t, 0)
		if a := h.here(t, h.call(key, "/", "")); a.Key != key { // out of the browser's cache: the row is still there
			t.Error("the page got another key")
		}
		if v := h.list(t, 1)[0]; v.ID != first {
			t.Errorf("visitor %d is %d now", first, v.ID)
		}
		time.Sleep(keepRow + time.Second)
		if err := h.desk.PurgeOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := h.here(t, h.call(key, "/", "")); a.Key == key || a.Key == "" { // after a night in a suitcase
			t.Error("a forgotten key lives on")
		}
		h.list(t, 1)
	})
	each(t, "the next page goes on with the visitor, by its referrer", func(t *testing.T, h *house) {
		key := h.come(t, "/a#top")
		first := h.list(t, 1)[0]
		h.leave(t, key, "/a#top")
		time.Sleep(time.Second)
		next := h.here(t, h.call("", "/b", "https://shop.example/a"))
		v := h.list(t, 1)[0]
		if v.ID != first.ID || trail(v) != "/a#top /b" || !v.StartedAt.Equal(first.StartedAt) || next.Key == key || v.Visit.Referrer != "" {
			t.Errorf("%+v", v)
		}
		// Somebody else's browser, another site's page, a page that nobody left, one that was left long ago, another widget.
		h.leave(t, next.Key, "/b")
		other := h.call("", "/c", "https://shop.example/b")
		other.Visit.UserAgent = "Other"
		far := h.call("", "/c", "https://shop.example/b")
		far.From = "203.0.113.8"
		second := h.call("", "/c", "https://shop.example/b")
		second.Widget = h.make(t, widget.Change{Name: new("Second"), ShowVisitors: new(true)})
		for _, c := range []Call{other, far, h.call("", "/c", "https://shop.example/elsewhere"), second} {
			h.here(t, c)
		}
		if got := h.list(t, 4); trail(got[3]) != "/a#top /b" {
			t.Errorf("somebody else went on with %q", trail(got[3]))
		}
		time.Sleep(goneAfter + time.Second)
		h.here(t, h.call("", "/d", "https://shop.example/b"))
		if got := h.list(t, 1)[0]; got.ID == first.ID {
			t.Error("it went on after too long a time")
		}
	})
	each(t, "a page that is loaded again is the same visitor, and two open tabs are two", func(t *testing.T, h *house) {
		key := h.come(t, "/a")
		h.come(t, "/a")
		h.leave(t, key, "/a")
		h.here(t, h.call("", "/a", ""))
		h.list(t, 2)
	})
	each(t, "a contact is named, and goes on by being who they are", func(t *testing.T, h *house) {
		posted := h.post(t, inbox.ContactPost{})
		c := h.call("", "/a", "")
		c.Contact = posted.Contact.ID
		key := h.here(t, c).Key
		v := h.list(t, 1)[0]
		named, err := h.inbox.Get(t.Context(), posted.Conversation.Conversation.ID)
		if err != nil {
			t.Fatal(err)
		}
		if v.Contact != posted.Contact.ID || v.Name != named.Contact.HandleName() || v.Conversation != posted.Conversation.Conversation.ID {
			t.Errorf("%+v", v)
		}
		h.leave(t, key, "/a")
		away := h.call("", "/z", "")
		away.Contact = posted.Contact.ID
		h.here(t, away)
		h.list(t, 1)
		// Signed out: not the same any more, whatever the address.
		h.leave(t, h.here(t, away).Key, "/z")
		time.Sleep(onTheWay)
		h.here(t, h.call("", "/b", "https://shop.example/z"))
		for _, v := range h.list(t, 2) {
			if v.Contact == 0 && trail(v) != "/b" {
				t.Errorf("a stranger went on with %q", trail(v))
			}
		}
	})
	each(t, "what is no address is not kept, and the call goes through", func(t *testing.T, h *house) {
		c := h.call("", "", "")
		c.Visit = inbox.Visit{URL: "javascript:alert(1)", Title: "a\nb\x00\xff" + strings.Repeat("ä", 1000), Referrer: "https://user:pass@x.example/", UserAgent: strings.Repeat("\x1b[31m", 1000), IP: "nonsense",
			PageImpressions: -5, Visits: 1 << 40}
		h.here(t, c)
		v := h.list(t, 1)[0]
		if s := v.Visit; s.URL != "" || s.Referrer != "https://x.example/" || strings.ContainsAny(s.Title, "\n\x00") || len(s.Title) > maxTitle || len(s.UserAgent) > maxUserAgent || s.PageImpressions != 0 || s.Visits != 1e6 ||
			s.City != "" {
			t.Errorf("%+v", s)
		}
	})
}

// rows runs a counting query.
func (h *house) rows(t *testing.T, query string) (n int) {
	t.Helper()
	if err := h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error { return tx.One(query, nil, &n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func (h *house) post(t *testing.T, p inbox.ContactPost) *inbox.ContactPosted {
	t.Helper()
	p.WidgetKey, p.ClientID = h.shop.Key, secret.UUID()
	if p.Body == "" {
		p.Body = "hello"
	}
	out, err := h.inbox.PostFromContact(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVisitorsAreNotShown(t *testing.T) {
	each(t, "where the widget does not, in privacy mode, and by a switched-off widget", func(t *testing.T, h *house) {
		h.come(t, "/")
		for _, ch := range []widget.Change{{ShowVisitors: new(false)}, {ShowVisitors: new(true), PrivacyMode: new(true)}, {PrivacyMode: new(false), Active: new(false)}} {
			w, err := h.widgets.Update(t.Context(), team.System(), once.Key{}, h.shop.ID, ch)
			if err != nil {
				t.Fatal(err)
			}
			h.shop = w
			_, err = h.desk.Here(t.Context(), h.call("", "/", ""))
			refused(t, err, fault.VisitorsOff)
			_, err = h.desk.List(t.Context(), h.ann, w.ID)
			refused(t, err, fault.VisitorsOff)
			all, err := h.desk.List(t.Context(), h.ann, 0)
			if err != nil || len(all) != 0 {
				t.Errorf("%d visitors are shown: %v", len(all), err)
			}
			_, err = h.desk.Invite(t.Context(), h.ann, once.Key{}, 1, "hi")
			refused(t, err, fault.VisitorsOff)
		}
		if n := h.rows(t, "SELECT COUNT(*) FROM site_visitors"); n != 1 {
			t.Errorf("%d rows", n)
		}
		_, err := h.desk.List(t.Context(), h.ann, 99)
		refused(t, err, fault.WidgetNotFound)
	})
}

func TestInvite(t *testing.T) {
	each(t, "an invitation answers the waiting call at once, and no later call is in a hurry", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		v := h.list(t, 1)[0]
		got := make(chan *Answer)
		go func() {
			a, err := h.desk.Here(t.Context(), h.call(key, "/", ""))
			if err != nil {
				t.Error(err)
			}
			got <- a
		}()
		time.Sleep(5 * time.Second)
		before := time.Now()
		i := h.invite(t, v.ID, "Can I help?")
		a := <-got
		if a.Invitation == nil || a.Invitation.ID != i || a.Invitation.Body != "Can I help?" || a.Invitation.Operator.ID != h.ann.Operator || a.Key != key || time.Since(before) > time.Second {
			t.Fatalf("%+v after %s", a, time.Since(before))
		}
		if v := h.list(t, 1)[0]; v.InvitedAt.IsZero() {
			t.Error("the list does not tell")
		}
		before = time.Now()
		again := h.here(t, h.call(key, "/", ""))
		if again.Invitation == nil || again.Invitation.Secret != a.Invitation.Secret || time.Since(before) < Wait {
			t.Errorf("%+v after %s", again, time.Since(before))
		}
		if h.desk.Waiting() != 0 {
			t.Error("calls are left")
		}
	})
	each(t, "an invitation that came between two calls is in the next one, and on the next page", func(t *testing.T, h *house) {
		key := h.come(t, "/a")
		i := h.invite(t, h.list(t, 1)[0].ID, "Hi")
		before := time.Now()
		if a := h.here(t, h.call(key, "/a", "")); a.Invitation == nil || a.Invitation.ID != i || time.Since(before) > time.Second {
			t.Fatalf("%+v after %s", a, time.Since(before))
		}
		h.leave(t, key, "/a")
		if a := h.here(t, h.call("", "/b", "https://shop.example/a")); a.Invitation == nil || a.Invitation.ID != i || time.Since(before) > time.Second {
			t.Fatalf("the next page got %+v", a)
		}
	})
	each(t, "another node's invitation comes within seconds", func(t *testing.T, h *house) {
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.desk.Run(ctx) }()
		key := h.come(t, "/")
		v := h.list(t, 1)[0]
		got := make(chan *Answer)
		go func() {
			a, err := h.desk.Here(t.Context(), h.call(key, "/", ""))
			if err != nil {
				t.Error(err)
			}
			got <- a
		}()
		time.Sleep(5 * time.Second)
		before := time.Now()
		if _, err := newDesk(h.d).Invite(t.Context(), h.ann, once.Key{}, v.ID, "Hi"); err != nil {
			t.Fatal(err)
		}
		if a := <-got; a.Invitation == nil || time.Since(before) > look+time.Second {
			t.Errorf("%+v after %s", a, time.Since(before))
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	each(t, "who comes back while it waits gets it, however long they were away", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		h.come(t, "/silent")
		v := h.list(t, 2)[1]
		i := h.invite(t, v.ID, "Hi")
		time.Sleep(InviteFor - time.Minute)
		if err := h.desk.PurgeOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := h.rows(t, "SELECT COUNT(*) FROM site_visitors"); n != 1 {
			t.Errorf("%d rows are left", n)
		}
		// What is known of them is gone two minutes after they were, as of everybody.
		if n := h.rows(t, "SELECT COUNT(*) FROM site_visitors WHERE visit <> '{}' OR trail <> '[]' OR from_key <> '' OR contact_id <> 0"); n != 0 {
			t.Errorf("%d rows still tell who it was", n)
		}
		if a := h.here(t, h.call(key, "/again", "")); a.Key != key || a.Invitation == nil || a.Invitation.ID != i {
			t.Errorf("%+v", a)
		}
		if v := h.list(t, 1)[0]; v.Visit.IP != "203.0.113.7" || v.Visit.InitialURL != "https://shop.example/again" || len(v.Trail) != 1 {
			t.Errorf("%+v", v)
		}
		h.leave(t, key, "/again")
		if a := h.here(t, h.call("", "/next", "https://shop.example/again")); a.Invitation == nil || a.Invitation.ID != i {
			t.Errorf("on the next page: %+v", a)
		}
		time.Sleep(keepRow + time.Minute)
		if err := h.desk.PurgeOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := h.rows(t, "SELECT COUNT(*) FROM site_visitors"); n != 0 {
			t.Errorf("%d rows are left when it is over", n)
		}
	})
	each(t, "all calls of a visitor that wait get it", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		i := h.invite(t, h.list(t, 1)[0].ID, "Hi")
		v := h.list(t, 1)[0]
		// Another call has taken it between this one's note and its wait.
		if _, err := h.desk.news(t.Context(), v.ID); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		a, err := h.desk.wait(t.Context(), v.ID, key, nil)
		if err != nil || a.Invitation == nil || a.Invitation.ID != i || time.Since(before) > time.Second {
			t.Errorf("%+v, %v after %s", a, err, time.Since(before))
		}
	})
	each(t, "only one waits, and it is sent once", func(t *testing.T, h *house) {
		h.come(t, "/")
		v := h.list(t, 1)[0]
		key := once.Key{Scope: "operator:1 invite", Value: "k", Request: "r"}
		a, err := h.desk.Invite(t.Context(), h.ann, key, v.ID, "Hi")
		b, err2 := h.desk.Invite(t.Context(), h.ann, key, v.ID, "Hi")
		if a != b || err != nil || err2 != nil {
			t.Error(a, b, err, err2)
		}
		_, err = h.desk.Invite(t.Context(), h.ann, once.Key{}, v.ID, "Hi again")
		refused(t, err, fault.VisitorInvited)
	})
	each(t, "the others are refused", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		v := h.list(t, 1)[0]
		for body, code := range map[string]fault.Code{" ": fault.MessageEmpty, "a\x00": fault.TextInvalid, strings.Repeat("x", inbox.MaxBody+1): fault.MessageTooLong} {
			_, err := h.desk.Invite(t.Context(), h.ann, once.Key{}, v.ID, body)
			if f := refused(t, err, code); f.Field != "body" {
				t.Errorf("%s is at %q", code, f.Field)
			}
		}
		_, err := h.desk.Invite(t.Context(), team.Actor{Token: 1, Scope: team.ScopeAdmin}, once.Key{}, v.ID, "Hi")
		refused(t, err, fault.AuthDenied)
		_, err = h.desk.Invite(t.Context(), team.Actor{Token: 1, Scope: team.ScopeRead}, once.Key{}, v.ID, "Hi")
		refused(t, err, fault.AuthScope)
		_, err = h.desk.Invite(t.Context(), h.ann, once.Key{}, v.ID+7, "Hi")
		refused(t, err, fault.VisitorNotFound)

		posted := h.post(t, inbox.ContactPost{})
		c := h.call(key, "/b", "")
		c.Contact = posted.Contact.ID
		h.here(t, c)
		_, err = h.desk.Invite(t.Context(), h.ann, once.Key{}, v.ID, "Hi")
		if f := refused(t, err, fault.ConversationNotEnded); !strings.Contains(f.Detail, fmt.Sprint(posted.Conversation.Conversation.ID)) {
			t.Error(f.Detail)
		}
		h.leave(t, key, "/b")
		time.Sleep(onTheWay)
		_, err = h.desk.Invite(t.Context(), h.ann, once.Key{}, v.ID, "Hi")
		refused(t, err, fault.VisitorNotFound)
	})
	each(t, "it is over after half an hour, and somebody else may be asked again", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		v := h.list(t, 1)[0]
		h.invite(t, v.ID, "Hi")
		for range int(InviteFor / Wait) {
			h.here(t, h.call(key, "/", ""))
		}
		if a := h.here(t, h.call(key, "/", "")); a.Invitation != nil {
			t.Errorf("%+v", a.Invitation)
		}
		if v := h.list(t, 1)[0]; !v.InvitedAt.IsZero() {
			t.Error("the list shows it still")
		}
		h.invite(t, v.ID, "Hi")
	})
	each(t, "who writes without answering is not asked any more", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		h.invite(t, h.list(t, 1)[0].ID, "Hi")
		c := h.call(key, "/", "")
		c.Contact = h.post(t, inbox.ContactPost{}).Contact.ID
		if a := h.here(t, c); a.Invitation != nil {
			t.Errorf("%+v", a.Invitation)
		}
	})
}

func TestAccept(t *testing.T) {
	shown := func(t *testing.T, h *house) *Invitation {
		key := h.come(t, "/")
		h.invite(t, h.list(t, 1)[0].ID, "Can I help?")
		return h.here(t, h.call(key, "/", "")).Invitation
	}
	accept := func(t *testing.T, h *house, i id.Invitation, secret string) *inbox.Invitation {
		t.Helper()
		got, err := h.desk.Accept(t.Context(), h.shop.ID, i, secret)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	each(t, "whoever was shown an invitation answers it once", func(t *testing.T, h *house) {
		i := shown(t, h)
		first, second := accept(t, h, i.ID, i.Secret.Reveal()), accept(t, h, i.ID, i.Secret.Reveal())
		if first == nil || first.Operator != h.ann.Operator || first.Body != "Can I help?" || !first.At.Equal(i.CreatedAt) {
			t.Fatalf("%+v", first)
		}
		use := func(one *inbox.Invitation) error {
			return h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return one.Use(tx) })
		}
		if err := use(first); err != nil {
			t.Fatal(err)
		}
		refused(t, use(second), fault.VisitorInvited)
		if accept(t, h, i.ID, i.Secret.Reveal()) != nil {
			t.Error("it is answered twice")
		}
		if v := h.list(t, 1)[0]; !v.InvitedAt.IsZero() {
			t.Error("it still waits")
		}
		if n := h.rows(t, "SELECT COUNT(*) FROM site_invitations WHERE body <> ''"); n != 0 {
			t.Error("its text is kept beside the conversation's")
		}
	})
	each(t, "who deletes their data is forgotten here, too, and others are not", func(t *testing.T, h *house) {
		posted := h.post(t, inbox.ContactPost{})
		c := h.call("", "/", "")
		c.Contact = posted.Contact.ID
		key := h.here(t, c).Key
		h.come(t, "/other")
		if _, err := h.inbox.EndByContact(t.Context(), posted.Contact.ID, posted.Conversation.ID); err != nil {
			t.Fatal(err)
		}
		for _, v := range h.list(t, 2) {
			h.invite(t, v.ID, "Hi again")
		}
		if err := h.inbox.EraseContact(t.Context(), contact.Visitor{Contact: posted.Contact.ID}); err != nil {
			t.Fatal(err)
		}
		if v := h.list(t, 1)[0]; v.Contact != 0 || trail(v) != "/other" {
			t.Errorf("%+v", v)
		}
		if n := h.rows(t, "SELECT COUNT(*) FROM site_invitations"); n != 1 {
			t.Errorf("%d invitations", n)
		}
		if a := h.here(t, h.call(key, "/", "")); a.Key == key || a.Key == "" || a.Invitation != nil {
			t.Errorf("the page that is still open gets %+v", a)
		}
		h.list(t, 2)
	})
	each(t, "the answer makes a conversation with both messages, and the visitor is in it", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		v := h.list(t, 1)[0]
		h.invite(t, v.ID, "Can I help?")
		i := h.here(t, h.call(key, "/", "")).Invitation
		time.Sleep(time.Minute)
		p := inbox.ContactPost{Body: "Yes, please", Invitation: accept(t, h, i.ID, i.Secret.Reveal())}
		posted := h.post(t, p)
		if c := posted.Conversation; c.Operator == nil || c.Operator.ID != h.ann.Operator || posted.Message.Number < 2 {
			t.Errorf("%+v", c)
		}
		// Another answer that was on the way is stored, too, as any other message.
		p.Contact, p.Body = posted.Contact.ID, "Hello?"
		if again := h.post(t, p); again.Conversation.ID != posted.Conversation.ID || again.Message.Number != posted.Message.Number+1 {
			t.Errorf("%+v", again.Message)
		}
		c := h.call(key, "/", "")
		c.Contact = posted.Contact.ID
		if a := h.here(t, c); a.Invitation != nil {
			t.Errorf("%+v", a.Invitation)
		}
		if v := h.list(t, 1)[0]; v.Conversation != posted.Conversation.ID || v.Contact != posted.Contact.ID || !v.InvitedAt.IsZero() {
			t.Errorf("%+v", v)
		}
	})
	each(t, "nobody else answers it", func(t *testing.T, h *house) {
		i := shown(t, h)
		other := newDesk(h.d)
		other.Key = []byte("another")
		for _, s := range []string{"", "iv_", other.secretOf(i.ID), h.desk.secretOf(i.ID + 1), i.Secret.Reveal() + "x"} {
			if accept(t, h, i.ID, s) != nil {
				t.Errorf("%q is taken", s)
			}
		}
		if accept(t, h, 0, h.desk.secretOf(0)) != nil || accept(t, h, -1, h.desk.secretOf(-1)) != nil || accept(t, h, 99, h.desk.secretOf(99)) != nil {
			t.Error("there is an invitation that nobody sent")
		}
		if got, err := h.desk.Accept(t.Context(), h.make(t, widget.Change{Name: new("Help")}).ID, i.ID, i.Secret.Reveal()); got != nil || err != nil {
			t.Errorf("another widget's answer is taken: %+v, %v", got, err)
		}
	})
	each(t, "who was typing when it was over may still answer, not much later", func(t *testing.T, h *house) {
		i := shown(t, h)
		time.Sleep(2*InviteFor - time.Minute)
		if err := h.desk.PurgeOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if accept(t, h, i.ID, i.Secret.Reveal()) == nil {
			t.Error("it is gone")
		}
		time.Sleep(2 * time.Minute)
		if accept(t, h, i.ID, i.Secret.Reveal()) != nil {
			t.Error("it is still there")
		}
		if err := h.desk.PurgeOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := h.rows(t, "SELECT COUNT(*) FROM site_invitations"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

func TestLimits(t *testing.T) {
	each(t, "an address may call 1,200 times a minute", func(t *testing.T, h *house) {
		for range callBurst {
			if wait, ok := h.desk.calls.Allow("203.0.113.7"); !ok {
				t.Fatal(wait)
			}
		}
		_, err := h.desk.Here(t.Context(), h.call("", "/", ""))
		if f := refused(t, err, fault.RequestLimited); f.RetryAfter < time.Second {
			t.Error(f.RetryAfter)
		}
		left := h.call("sv_x", "/", "")
		left.Left = true
		h.here(t, left)
		time.Sleep(time.Second)
		h.come(t, "/")
	})
	each(t, "and leave as often", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		for range callBurst {
			if wait, ok := h.desk.leaves.Allow("203.0.113.7"); !ok {
				t.Fatal(wait)
			}
		}
		c := h.call(key, "/", "")
		c.Left = true
		_, err := h.desk.Here(t.Context(), c)
		refused(t, err, fault.RequestLimited)
		if n := h.rows(t, "SELECT COUNT(*) FROM site_visitors WHERE left_at = 0"); n != 1 {
			t.Error("it was written down all the same")
		}
		h.here(t, h.call(key, "/a", ""))
	})
	each(t, "an address brings 300 visitors at once, then one a second, and those who are there may stay", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		for range newBurst - 1 {
			if wait, ok := h.desk.comes.Allow("203.0.113.7"); !ok {
				t.Fatal(wait)
			}
		}
		_, err := h.desk.Here(t.Context(), h.call("", "/", ""))
		if f := refused(t, err, fault.RequestLimited); f.RetryAfter != time.Second {
			t.Error(f.RetryAfter)
		}
		_, err = h.desk.Here(t.Context(), h.call("sv_made_up", "/", ""))
		refused(t, err, fault.RequestLimited)
		h.list(t, 1)
		h.leave(t, key, "/")
		if a := h.here(t, h.call("", "/b", "https://shop.example/")); a.Key == "" { // the next page of who was there is nobody new
			t.Error("no key")
		}
		h.list(t, 1)
		time.Sleep(time.Second)
		h.come(t, "/c")
	})
	each(t, "two calls of a visitor wait, the oldest is answered when another one comes", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		began := time.Now()
		took := make([]chan time.Duration, maxWaits+1)
		for n := range took {
			took[n] = make(chan time.Duration, 1)
			go func() {
				if a, err := h.desk.Here(t.Context(), h.call(key, "/", "")); err != nil || a.Key != key || a.Invitation != nil {
					t.Errorf("%d: %+v, %v", n, a, err)
				}
				took[n] <- time.Since(began)
			}()
			time.Sleep(time.Second)
			if want := min(n+1, maxWaits); h.desk.Waiting() != want {
				t.Errorf("%d wait, want %d", h.desk.Waiting(), want)
			}
		}
		for n, ch := range took {
			got, want := <-ch, Wait+time.Duration(n)*time.Second
			if n == 0 {
				want = maxWaits * time.Second
			}
			if got < want || got > want+500*time.Millisecond {
				t.Errorf("call %d was answered after %s, want %s", n, got, want)
			}
		}
		if h.desk.Waiting() != 0 || len(h.desk.waits) != 0 {
			t.Error("calls are left")
		}
	})
	each(t, "20,000 calls wait in a process, more are answered at once", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		for n := range maxWaiting {
			if h.desk.enter(id.Visitor(1000+n)) == nil {
				t.Fatal(n)
			}
		}
		before := time.Now()
		if a := h.here(t, h.call(key, "/", "")); a.Key != key || time.Since(before) > time.Second {
			t.Errorf("%+v after %s", a, time.Since(before))
		}
		if h.desk.Waiting() != maxWaiting {
			t.Error(h.desk.Waiting())
		}
	})
	each(t, "a widget has 10,000 visitors, and those who are there may stay", func(t *testing.T, h *house) {
		key := h.come(t, "/")
		err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for n := range MaxPerWidget - 1 {
				r := &row{hash: fmt.Sprint(n), Visitor: Visitor{Widget: h.shop.ID, StartedAt: tx.Now(), SeenAt: tx.Now()}}
				if err := insert(tx, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.desk.Here(t.Context(), h.call("", "/b", ""))
		refused(t, err, fault.RequestLimited)
		h.here(t, h.call(key, "/b", ""))
		if list, err := h.desk.List(t.Context(), h.ann, 0); err != nil || len(list) != MaxListed {
			t.Error(len(list), err)
		}
		time.Sleep(keepRow + time.Minute)
		if err := h.desk.PurgeOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.come(t, "/c")
	})
}

func TestACallEndsWithItsRequestAndWithTheServer(t *testing.T) {
	each(t, "", func(t *testing.T, h *house) {
		stop := make(chan struct{})
		h.desk.Stopping = stop
		key := h.come(t, "/")
		ctx, end := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, end)
		before := time.Now()
		if _, err := h.desk.Here(ctx, h.call(key, "/", "")); !errors.Is(err, context.Canceled) || time.Since(before) > 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(before))
		}
		time.AfterFunc(time.Second, func() { close(stop) })
		before = time.Now()
		if a, err := h.desk.Here(t.Context(), h.call(key, "/", "")); err != nil || a.Key != key || time.Since(before) > 2*time.Second {
			t.Errorf("%+v, %v after %s", a, err, time.Since(before))
		}
		if h.desk.Waiting() != 0 {
			t.Error("calls are left")
		}
	})
}

func TestStatementsPrepare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for _, q := range []string{sqlByHash, sqlLockVisitor, sqlJustLeft, sqlCount, sqlInsert, sqlSave, sqlLeft, sqlTold, sqlWaiting, sqlUntold, sqlOpenConversation, sqlList,
				sqlInsertInvitation, sqlGetInvitation, sqlAnswered, sqlPurgeVisitors, sqlPurgeInvitations} {
				if err := tx.Prepare(q); err != nil {
					t.Errorf("%s\n%v", q, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzVisit(f *testing.F) {
	f.Add("https://shop.example/a#b", "Title", "https://x.example/", firefox, "203.0.113.7")
	f.Add("//evil", "\x00\xff", "http://u:p@h/", "Googlebot/2.1", "::1")
	d := &Desk{Options: Options{Place: func(a string) inbox.Place { return places[a] }}}
	f.Fuzz(func(t *testing.T, url, title, referrer, agent, ip string) {
		in := inbox.Visit{URL: url, Title: title, InitialURL: referrer, Referrer: referrer, UserAgent: agent, IP: ip}
		v := d.clean(in)
		for _, s := range []string{v.URL, v.InitialURL, v.Referrer} {
			if len(s) > maxURL || s != "" && !strings.HasPrefix(strings.ToLower(s), "http") {
				t.Errorf("kept %q", s)
			}
		}
		if len(v.Title) > maxTitle || len(v.UserAgent) > maxUserAgent || len(v.IP) > maxIP || strings.ContainsAny(v.Title+v.UserAgent+v.IP, "\x00\n\r") {
			t.Errorf("kept %q, %q, %q", v.Title, v.UserAgent, v.IP)
		}
		again := d.clean(inbox.Visit{URL: v.URL, Title: v.Title, InitialURL: v.InitialURL, Referrer: v.Referrer, UserAgent: v.UserAgent, IP: v.IP})
		if again.URL != v.URL || again.Title != v.Title || again.Referrer != v.Referrer || again.UserAgent != v.UserAgent {
			t.Errorf("%+v is cleaned again to %+v", v, again)
		}
		r := &row{Visitor: Visitor{StartedAt: time.Unix(1, 0)}}
		for range 3 {
			r.open(v, time.Unix(2, 0))
		}
		if text, err := r.trail(); err != nil || len(text) > maxTrailBytes || len(r.Trail) != 1 {
			t.Errorf("%d pages: %v", len(r.Trail), err)
		}
	})
}
