// Package channeltest is the suite that every kind of channel must pass, and the house in which it runs: the whole road from the other
// side's message to the operators and back, over a real database. Tests only.
package channeltest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/internal/channel"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

// PublicURL is the house's address.
const PublicURL = "https://chat.example"

// House is an installation with an admin, an operator who is online in a group, a widget in German that routes to it, and a recording
// receiver that plays the other side.
type House struct {
	T        *testing.T
	DB       *db.DB
	Feed     *feed.Feed
	Team     *team.Desk
	Contacts *contact.Desk
	Widgets  *widget.Desk
	Inbox    *inbox.Desk
	Channels *channel.Desk
	Engine   *delivery.Engine
	// Admin may do everything; Ann is an operator.
	Admin, Ann team.Actor
	Group      *event.Group
	Widget     *event.Widget
	// URL is the receiver's.
	URL string

	mu     sync.Mutex
	calls  []Call
	answer func(n int, c Call, w http.ResponseWriter)
	came   chan struct{}
}

// Call is one that the receiver got.
type Call struct {
	Path   string
	Header http.Header
	Body   []byte
}

// JSON is the call's body.
func (c Call) JSON(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(c.Body, &v); err != nil {
		t.Fatalf("%q: %v", c.Body, err)
	}
	return v
}

// New makes a house with channels of the kinds.
func New(t *testing.T, d *db.DB, kinds ...channel.Kind) *House {
	t.Helper()
	h := &House{T: t, DB: d, Feed: feed.New(d), Admin: team.System(), came: make(chan struct{}, 10_000)}
	s := httptest.NewServer(http.HandlerFunc(h.receive))
	t.Cleanup(s.Close)
	h.URL = s.URL
	sealer, err := secret.NewSealer(make([]byte, 32))
	h.must(err)
	h.Team = team.New(team.Options{DB: d, Feed: h.Feed, PasswordMemoryKiB: 64})
	h.Contacts = contact.New(d, h.Feed)
	h.Widgets = widget.New(widget.Options{DB: d, Feed: h.Feed, Sealer: sealer})
	h.Inbox = inbox.New(inbox.Options{DB: d, Feed: h.Feed, Contacts: h.Contacts, Widgets: h.Widgets})
	door := outhttp.New(outhttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	t.Cleanup(door.Close)
	h.Channels = channel.New(channel.Options{DB: d, Feed: h.Feed, HTTP: door, Sealer: sealer, Kinds: kinds, Inbox: h.Inbox, Contacts: h.Contacts,
		UserAgent: "Parley/test", PublicURL: PublicURL, Kick: func() { h.Engine.Kick() },
		MediaURL: func(m *event.Media, _ bool, at time.Time) string {
			return PublicURL + "/media/" + m.Key + "?at=" + at.UTC().Format(time.RFC3339)
		}})
	h.Feed.Plan(h.Channels.Plan)
	h.Engine = delivery.New(delivery.Options{DB: d, Changed: h.Feed.Changed, Schedule: []time.Duration{time.Millisecond},
		Executors: map[string]delivery.Executor{channel.Deliveries: h.Channels.Executor()}})
	life, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.Engine.Run(context.Background()) })
	running.Go(func() { h.Feed.RunNumbering(life) })
	t.Cleanup(func() {
		stop, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		h.Engine.Stop(stop)
		cancel()
		running.Wait()
	})
	ann, err := h.Team.Create(t.Context(), h.Admin, team.NewOperator{Email: "ann@shop.example", FirstName: "Ann", Role: team.RoleOperator, Password: secret.Of("correct horse battery")}, once.Key{})
	h.must(err)
	h.Ann = team.Actor{Operator: ann.Operator.ID, Name: ann.Operator.DisplayName(), Scope: team.ScopeWrite}
	h.Group, err = h.Team.CreateGroup(t.Context(), h.Admin, "Support", []id.Operator{ann.Operator.ID}, once.Key{})
	h.must(err)
	h.Widget = h.MakeWidget("Shop", "de")
	return h
}

// MakeWidget makes a widget that routes to the group.
func (h *House) MakeWidget(name, lang string) *event.Widget {
	h.T.Helper()
	w, err := h.Widgets.Create(h.T.Context(), h.Admin, once.Key{}, widget.Change{Name: &name, Lang: &lang, GroupID: &h.Group.ID})
	h.must(err)
	return w
}

func (h *House) must(err error) {
	h.T.Helper()
	if err != nil {
		h.T.Fatal(err)
	}
}

func (h *House) receive(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c := Call{Path: r.URL.Path, Header: r.Header.Clone(), Body: b}
	h.mu.Lock()
	h.calls = append(h.calls, c)
	n, answer := len(h.calls), h.answer
	h.mu.Unlock()
	if answer != nil {
		answer(n, c, w)
	}
	h.came <- struct{}{}
}

// Answer sets how the receiver answers its n-th call from now on; nil means 200.
func (h *House) Answer(fn func(n int, c Call, w http.ResponseWriter)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = fn
}

// Wait returns the calls as soon as there are n.
func (h *House) Wait(n int) []Call {
	h.T.Helper()
	deadline := time.After(30 * time.Second)
	for {
		h.mu.Lock()
		got := slices.Clone(h.calls)
		h.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-h.came:
		case <-deadline:
			h.T.Fatalf("%d calls came, want %d", len(got), n)
		}
	}
}

// Settled waits until nothing is pending at a channel, and returns all calls.
func (h *House) Settled(c id.Channel) []Call {
	h.T.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		got, err := h.Channels.Get(h.T.Context(), h.Admin, c)
		h.must(err)
		if got.Stats.Pending == 0 {
			return h.Wait(0)
		}
		if time.Now().After(deadline) {
			h.T.Fatalf("still pending: %+v", got.Stats)
		}
	}
}

// Status is a fault's number in the log of what came in.
func Status(err error) int {
	switch fault.As(err).Kind() {
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Denied:
		return http.StatusForbidden
	}
	return http.StatusUnprocessableEntity
}

// Post posts a body at a channel's door.
func (h *House) Post(inboundURL, token string, body []byte) (*channel.Received, error) {
	door, err := h.Channels.Open(h.T.Context(), channel.Caller{Key: inboundURL[len(PublicURL+"/channels/"):], Token: token, IP: "203.0.113.7", From: "203.0.113.7"}, Status)
	if err != nil {
		return nil, err
	}
	return door.Receive(h.T.Context(), body)
}

// Reply sends a message of Ann's.
func (h *House) Reply(to id.Conversation, body string) *event.Message {
	h.T.Helper()
	p, err := h.Inbox.Post(h.T.Context(), h.Ann, once.Key{}, inbox.Post{Conversation: to, Body: body})
	h.must(err)
	return p.Message
}

// Message reads a message of a conversation.
func (h *House) Message(in id.Conversation, which id.Message) *event.Message {
	h.T.Helper()
	t, err := h.Inbox.Messages(h.T.Context(), in, inbox.Range{Limit: 200})
	h.must(err)
	for _, m := range t.Messages {
		if m.ID == which {
			return m
		}
	}
	h.T.Fatalf("conversation %d has no message %d", in, which)
	return nil
}

// Until waits until something has become true.
func (h *House) Until(fn func() bool) {
	h.T.Helper()
	for deadline := time.Now().Add(30 * time.Second); !fn(); {
		if time.Now().After(deadline) {
			h.T.Fatal("it does not become true")
		}
	}
}
