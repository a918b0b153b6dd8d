package mail_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/inbox"
	ours "parley/internal/mail"
	"parley/internal/once"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

const publicURL = "https://chat.example"

var key = bytes.Repeat([]byte{7}, 32)

// callback plays a customer's server: it records what it gets and answers as it is told.
type callback struct {
	url string

	mu     sync.Mutex
	calls  []call
	answer func(n int, w http.ResponseWriter)
}

type call struct {
	Method string
	Header http.Header
	Body   []byte
}

// json is the body.
func (c call) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(c.Body, &v); err != nil {
		t.Fatalf("%.200q: %v", c.Body, err)
	}
	return v
}

// context is what the body's context holds.
func (c call) context(t *testing.T) map[string]any {
	t.Helper()
	v, ok := c.json(t)["context"].(map[string]any)
	if !ok {
		t.Fatalf("the context is no object: %.300s", c.Body)
	}
	return v
}

func newCallback(t *testing.T) *callback {
	c := &callback{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.calls = append(c.calls, call{r.Method, r.Header.Clone(), b})
		n, answer := len(c.calls), c.answer
		c.mu.Unlock()
		if answer != nil {
			answer(n, w)
		}
	}))
	t.Cleanup(s.Close)
	c.url = s.URL + "/email"
	return c
}

func (c *callback) set(fn func(n int, w http.ResponseWriter)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = fn
}

func (c *callback) status(code int) {
	c.set(func(_ int, w http.ResponseWriter) { w.WriteHeader(code) })
}

func (c *callback) got() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// sink is a mail server of a few words.
type sink struct {
	port int

	mu    sync.Mutex
	mails []sunk
	tries int
	// say answers a command word (MAIL, RCPT, DATA for the end of the content); "" is the usual answer.
	say func(word, line string) string
}

type sunk struct {
	to      string
	message *mail.Message
	body    string
}

func newSink(t *testing.T) *sink {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{port: l.Addr().(*net.TCPAddr).Port}
	var talks sync.WaitGroup
	talks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			talks.Go(func() { s.talk(c) })
		}
	})
	t.Cleanup(func() { l.Close(); talks.Wait() })
	return s
}

func (s *sink) answer(word, line, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.say != nil {
		if a := s.say(word, line); a != "" {
			return a
		}
	}
	return usual
}

func (s *sink) talk(c net.Conn) {
	defer c.Close()
	s.mu.Lock()
	s.tries++
	s.mu.Unlock()
	in := bufio.NewReader(c)
	fmt.Fprint(c, "220 sink\r\n")
	to := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		word := strings.ToUpper(strings.SplitN(line, " ", 2)[0])
		switch word {
		case "EHLO", "HELO":
			fmt.Fprint(c, "250-sink\r\n250-8BITMIME\r\n250 SIZE 50000000\r\n")
		case "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		case "RCPT":
			to = strings.Trim(line[len("RCPT TO:"):], "<> ")
			fmt.Fprint(c, s.answer(word, line, "250 ok")+"\r\n")
		case "DATA":
			fmt.Fprint(c, "354 go on\r\n")
			var content strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				content.WriteString(strings.TrimPrefix(line, "."))
			}
			a := s.answer(word, content.String(), "250 2.0.0 queued")
			if a == hangUp {
				return
			}
			if strings.HasPrefix(a, "2") {
				m, err := mail.ReadMessage(strings.NewReader(content.String()))
				if err != nil {
					a = "554 " + err.Error()
				} else {
					b, _ := io.ReadAll(m.Body)
					s.mu.Lock()
					s.mails = append(s.mails, sunk{to, m, string(b)})
					s.mu.Unlock()
				}
			}
			fmt.Fprint(c, a+"\r\n")
		default:
			fmt.Fprint(c, s.answer(word, line, "250 ok")+"\r\n")
		}
	}
}

// hangUp as an answer closes the connection without one.
const hangUp = "hang up"

// count is how many connections there were.
func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

func (s *sink) set(say func(word, line string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say = say
}

func (s *sink) got() []sunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// house is an installation with an admin, an operator and a widget, under a virtual clock, and with both ways outside of it.
type house struct {
	t        *testing.T
	db       *db.DB
	feed     *feed.Feed
	contacts *contact.Desk
	widgets  *widget.Desk
	inbox    *inbox.Desk
	mails    *ours.Desk
	engine   *delivery.Engine
	admin    team.Actor
	ann      team.Actor
	widget   *event.Widget
	hook     *callback
	sink     *sink
	log      *strings.Builder
	rest     func() // ends what work has begun
}

// work numbers events and does what is due.
func (h *house) work() {
	life, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.feed.RunNumbering(life) })
	running.Go(func() { h.mails.Run(life) })
	h.rest = func() {
		cancel()
		running.Wait()
	}
}

// long lets so much time go by that looking every few seconds would take too long; deliveries go on.
func (h *house) long(d time.Duration) {
	pass(5 * time.Second)
	h.rest()
	pass(d)
	h.work()
	pass(5 * time.Second)
}

// each runs fn in a house on every engine of a database.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		hook, sink := newCallback(t), newSink(t)
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			h := &house{t: t, db: d, feed: feed.New(d), admin: team.System(), hook: hook, sink: sink, log: &strings.Builder{}}
			defer h.start()()
			fn(t, h)
		})
	})
}

func (h *house) start() (stop func()) {
	t, d := h.t, h.db
	sealer, err := secret.NewSealer(make([]byte, 32))
	h.must(err)
	people := team.New(team.Options{DB: d, Feed: h.feed, PasswordMemoryKiB: 64})
	h.contacts = contact.New(d, h.feed)
	h.widgets = widget.New(widget.Options{DB: d, Feed: h.feed, Sealer: sealer})
	h.inbox = inbox.New(inbox.Options{DB: d, Feed: h.feed, Contacts: h.contacts, Widgets: h.widgets})
	door := outhttp.New(outhttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	var quiet sync.Mutex
	h.mails = ours.New(ours.Options{DB: d, Feed: h.feed, Inbox: h.inbox, HTTP: door, Sealer: sealer, Key: key,
		PublicURL: publicURL, UserAgent: "Parley/test", Kick: func() { h.engine.Kick() }, Logger: slog.New(slog.NewTextHandler(locked{&quiet, h.log}, nil)),
		MediaURL: func(m *event.Media, _ bool, at time.Time) string {
			return publicURL + "/media/" + m.Key + "?at=" + at.UTC().Format(time.RFC3339)
		}})
	h.feed.Plan(h.mails.Plan)
	// Days go by in these tests: nobody looks again and again without a reason.
	h.engine = delivery.New(delivery.Options{DB: d, Changed: h.feed.Changed, Executors: map[string]delivery.Executor{ours.Deliveries: h.mails.Executor()},
		Rand: func() float64 { return 0.5 }, Poll: time.Hour, RenewEvery: time.Hour, Lease: 4 * time.Hour})
	var engine sync.WaitGroup
	engine.Go(func() { h.engine.Run(context.Background()) })
	h.work()
	ann, err := people.Create(t.Context(), h.admin, team.NewOperator{Email: "ann@shop.example", FirstName: "Ann", Role: team.RoleOperator, Password: secret.Of("correct horse battery")}, once.Key{})
	h.must(err)
	h.ann = team.Actor{Operator: ann.Operator.ID, Name: ann.Operator.DisplayName(), Scope: team.ScopeWrite}
	h.widget, err = h.widgets.Create(t.Context(), h.admin, once.Key{}, widget.Change{Name: new("Shop"), Lang: new("en")})
	h.must(err)
	return func() {
		over, done := context.WithTimeout(context.Background(), time.Minute)
		defer done()
		h.engine.Stop(over)
		h.rest()
		engine.Wait()
		door.Close()
	}
}

// locked is a writer that several may use.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// pass lets time go by and waits until all have done what there was to do.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// byCallback lets the widget's mails go to the callback.
func (h *house) byCallback(more ...func(*ours.Draft)) {
	h.t.Helper()
	h.set(append([]func(*ours.Draft){func(d *ours.Draft) {
		d.Callback, d.CallbackURL, d.Token, d.InboundURL = new(true), &h.hook.url, new("s3cr3t"), new("https://shop.example/help")
	}}, more...)...)
}

// byServer sets up the mail server.
func (h *house) byServer(more ...func(*ours.ServerDraft)) {
	h.t.Helper()
	d := ours.ServerDraft{Host: new("127.0.0.1"), Port: &h.sink.port, TLS: new("none"), From: new("chat@shop.example")}
	for _, fn := range more {
		fn(&d)
	}
	_, err := h.mails.SetServer(h.t.Context(), h.admin, d)
	h.must(err)
}

func (h *house) set(change ...func(*ours.Draft)) *ours.Settings {
	h.t.Helper()
	var d ours.Draft
	for _, fn := range change {
		fn(&d)
	}
	s, err := h.mails.SetOfWidget(h.t.Context(), h.admin, h.widget.ID, d)
	h.must(err)
	return s
}

// talk is a conversation of a visitor, who has an address where one is given.
func (h *house) talk(email string) *inbox.ContactPosted {
	h.t.Helper()
	v, err := h.inbox.PostFromContact(h.t.Context(), inbox.ContactPost{WidgetKey: h.widget.Key, ClientID: secret.UUID(), Body: "Hello <b>&"})
	h.must(err)
	if email != "" {
		_, err = h.contacts.UpdateSelf(h.t.Context(), v.Contact.ID, contact.Change{Email: &email})
		h.must(err)
	}
	return v
}

func (h *house) reply(c id.Conversation, body string) *event.Message {
	h.t.Helper()
	p, err := h.inbox.Post(h.t.Context(), h.ann, once.Key{}, inbox.Post{Conversation: c, Body: body})
	h.must(err)
	return p.Message
}

func (h *house) transcript(c id.Conversation, receiver ...string) *ours.Mail {
	h.t.Helper()
	m, err := h.mails.SendTranscript(h.t.Context(), h.ann, once.Key{}, c, strings.Join(receiver, ""))
	h.must(err)
	return m
}

// mail is a mail as it is now.
func (h *house) mail(which id.Mail) *ours.Mail {
	h.t.Helper()
	for _, m := range h.all(ours.Filter{}) {
		if m.ID == which {
			return m
		}
	}
	h.t.Fatalf("there is no mail %d", which)
	return nil
}

func (h *house) all(f ours.Filter) []*ours.Mail {
	h.t.Helper()
	list, _, err := h.mails.List(h.t.Context(), h.ann, f)
	h.must(err)
	return list
}

func (h *house) settings() *ours.Settings {
	h.t.Helper()
	s, err := h.mails.OfWidget(h.t.Context(), h.admin, h.widget.ID)
	h.must(err)
	return s
}

// delivery is what the log has of a mail.
func (h *house) delivery(m *ours.Mail) *delivery.Detail {
	h.t.Helper()
	var out *delivery.Detail
	h.must(h.db.View(h.t.Context(), func(_ context.Context, tx *db.Tx) (err error) {
		out, err = delivery.Get(tx, m.Delivery)
		return err
	}))
	return out
}

func (h *house) events(types ...event.Type) []*event.Event {
	h.t.Helper()
	pass(2 * time.Second)
	list, _, err := h.feed.ReadAfter(h.t.Context(), 0, 10_000, feed.Filter{Types: types})
	h.must(err)
	return list
}
