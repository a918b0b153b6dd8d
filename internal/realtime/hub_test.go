package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a hub on a real feed behind a real HTTP server. Operators say "op:ID", contacts "c:ID" as their token;
// conversation n belongs to contact n.
type stage struct {
	t     *testing.T
	db    *db.DB
	feed  *feed.Feed
	hub   *Hub
	http  *httptest.Server
	clock atomic.Int64 // nanoseconds added to the time
	stop  func()

	mu   sync.Mutex
	tabs []string
}

func newStage(t *testing.T, d *db.DB, more ...func(*Options)) *stage {
	s := &stage{t: t, db: d, feed: feed.New(d)}
	auth := func(prefix string) func(*http.Request, string) (Subject, error) {
		return func(_ *http.Request, token string) (Subject, error) {
			n, err := strconv.ParseInt(strings.TrimPrefix(token, prefix), 10, 64)
			if err != nil {
				return Subject{}, fault.New(fault.AuthInvalid, "unknown token")
			}
			if prefix == "op:" {
				return Subject{Operator: id.Operator(n), Name: "Operator " + token}, nil
			}
			return Subject{Contact: id.Contact(n), Widget: 1, Name: "Contact " + token}, nil
		}
	}
	tab := func(what string) func(context.Context, Tab) {
		return func(_ context.Context, t Tab) {
			s.mu.Lock()
			s.tabs = append(s.tabs, fmt.Sprint(what, " ", t.Operator))
			s.mu.Unlock()
		}
	}
	o := Options{
		Feed: s.feed, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(time.Duration(s.clock.Load())) },
		OperatorAuth: auth("op:"), VisitorAuth: auth("c:"), ClientIP: func(*http.Request) string { return "one" },
		EventJSON: func(e *event.Event) (json.RawMessage, error) {
			return json.Marshal(map[string]any{"seq": e.Seq, "type": e.Type})
		},
		Message: func(m *event.Message) any { return map[string]any{"number": m.Number, "body": m.Body} },
		Contact: func(c *event.Contact) any { return map[string]any{"id": c.ID} },
		Conversation: func(_ context.Context, c id.Contact, conversation id.Conversation) (any, error) {
			if int64(c) != int64(conversation) {
				return nil, fault.New(fault.ConversationNotFound, "not theirs")
			}
			return map[string]any{"id": conversation}, nil
		},
		ContactOf:    func(_ context.Context, c id.Conversation) (id.Contact, bool) { return id.Contact(c), true },
		Availability: func(context.Context, id.Widget) (string, error) { return event.Away, nil },
		TabOpened:    tab("open"), TabClosed: tab("close"), TabsTouched: func(context.Context, []Tab) {},
		Page: func(context.Context, id.Contact, string, string) {}, Delivered: func(context.Context, id.Contact, id.Conversation, int) {},
	}
	for _, m := range more {
		m(&o)
	}
	s.hub = New(o)
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/socket", s.hub.Operators)
	mux.HandleFunc("/visitor/v1/socket", s.hub.Visitors)
	s.http = httptest.NewServer(mux)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.hub.Run(ctx) }()
	numbering, endNumbering := context.WithCancel(context.Background())
	numbered := make(chan struct{})
	go func() { defer close(numbered); s.feed.RunNumbering(numbering) }()
	s.stop = sync.OnceFunc(func() { cancel(); <-done; s.http.Close(); endNumbering(); <-numbered })
	t.Cleanup(s.stop)
	return s
}

// append stores a message of contact c's conversation, received unless another type is given.
func (s *stage) append(c int64, body string, types ...event.Type) {
	s.t.Helper()
	kind := event.MessageReceived
	if len(types) > 0 {
		kind = types[0]
	}
	err := s.db.Update(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		return s.feed.Append(ctx, tx, &event.Event{
			Type: kind, Conversation: &event.Conversation{ID: id.Conversation(c), Contact: event.Contact{ID: id.Contact(c)}},
			Message: &event.Message{Number: 1, Body: body, Note: kind == event.MessageNoted},
		})
	})
	if err != nil {
		s.t.Error(err)
	}
}

type client struct {
	t  *testing.T
	ws *websocket.Conn
}

type wireFrame struct {
	Type           string `json:"type"`
	Seq            id.Seq `json:"seq"`
	Reason         string `json:"reason"`
	Code           string `json:"code"`
	ConversationID int64  `json:"conversation_id"`
	Availability   string `json:"availability"`
	Event          struct {
		Seq  id.Seq     `json:"seq"`
		Type event.Type `json:"type"`
	} `json:"event"`
	Message *struct {
		Body string `json:"body"`
	} `json:"message"`
	By        wireParty    `json:"by"`
	Operators []wireViewer `json:"operators"`
}

func (s *stage) dial(token string, hello string) *client {
	s.t.Helper()
	path := "/visitor/v1/socket"
	if strings.HasPrefix(token, "op:") {
		path = "/api/v1/socket"
	}
	ws, _, err := websocket.Dial(s.t.Context(), s.http.URL+path, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		s.t.Fatalf("dial: %v", err)
	}
	ws.SetReadLimit(1 << 20)
	c := &client{s.t, ws}
	c.say(`{"type":"hello","token":"` + token + `"` + hello + `}`)
	return c
}

func (c *client) say(text string) {
	c.t.Helper()
	if err := c.ws.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Errorf("write: %v", err)
	}
}

func (c *client) next() (f wireFrame, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, b, err := c.ws.Read(ctx)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(b, &f)
}

// until reads frames until one has the type.
func (c *client) until(kind string) wireFrame {
	c.t.Helper()
	for {
		f, err := c.next()
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", kind, err)
		}
		if f.Type == kind {
			return f
		}
	}
}

func (c *client) close() { c.ws.CloseNow() }

// Whoever reconnects again and again while events pour in gets each of them once, in order.
func TestEveryEventOnceInOrderOverReconnects(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newStage(t, d)
		const writers, each = 4, 60
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range each {
					s.append(int64(1+(w+i)%3), fmt.Sprint(w, "-", i))
				}
			})
		}
		follow := func(token string, want func(id.Seq) bool) func() []id.Seq {
			return func() []id.Seq {
				var got []id.Seq
				var after id.Seq
				r := rand.New(rand.NewPCG(1, uint64(len(token))))
				for after < writers*each {
					c := s.dial(token, fmt.Sprintf(`,"after":%d`, after))
					for reads := 1 + r.IntN(40); reads > 0 && after < writers*each; reads-- {
						f, err := c.next()
						if err != nil {
							t.Errorf("%s: %v", token, err)
							return got
						}
						seq := f.Seq
						if f.Type == "event" {
							seq = f.Event.Seq
						}
						if f.Type == "event" || f.Type == "message" {
							got = append(got, seq)
							after = seq
						}
						if f.Type == "message" && !want(seq) {
							t.Errorf("%s got the foreign event %d", token, seq)
						}
						if last := lastOf(s, token); last > 0 && after >= last {
							after = writers * each
						}
					}
					c.close()
				}
				return got
			}
		}
		var reading sync.WaitGroup
		var operator, visitor []id.Seq
		reading.Go(func() { operator = follow("op:1", func(id.Seq) bool { return true })() })
		writing.Wait()
		all := wholeFeed(t, s)
		mine := map[id.Seq]bool{}
		var wantVisitor []id.Seq
		for _, e := range all {
			if e.Conversation.Contact.ID == 2 {
				mine[e.Seq] = true
				wantVisitor = append(wantVisitor, e.Seq)
			}
		}
		reading.Go(func() { visitor = follow("c:2", func(q id.Seq) bool { return mine[q] })() })
		reading.Wait()
		if len(operator) != writers*each {
			t.Errorf("the operator got %d events, want %d", len(operator), writers*each)
		}
		for i, q := range operator {
			if q != id.Seq(i+1) {
				t.Fatalf("the operator's event %d has seq %d", i+1, q)
			}
		}
		if fmt.Sprint(visitor) != fmt.Sprint(wantVisitor) {
			t.Errorf("the contact got %v, want %v", visitor, wantVisitor)
		}
	})
}

// lastOf is the newest seq that the token can get once all events are there, 0 before.
func lastOf(s *stage, token string) id.Seq {
	if !strings.HasPrefix(token, "c:") {
		return 0
	}
	n, _ := strconv.ParseInt(token[2:], 10, 64)
	events, _, err := s.feed.ReadAfter(context.Background(), 0, 10000, feed.Filter{Contact: id.Contact(n)})
	if err != nil || len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Seq
}

func wholeFeed(t *testing.T, s *stage) []*event.Event {
	t.Helper()
	for {
		changed := s.feed.Changed()
		events, _, err := s.feed.ReadAfter(t.Context(), 0, 10000, feed.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(events) == 240 {
			return events
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatal("the feed never became whole")
		}
	}
}

func TestContactGetsNeitherNotesNorForeignMessages(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	c := s.dial("c:2", "")
	c.until("availability")
	s.append(2, "a note about you", event.MessageNoted)
	s.append(3, "somebody else's")
	s.append(2, "yours")
	if f, err := c.next(); err != nil || f.Type != "message" || f.Message.Body != "yours" {
		t.Errorf("the contact got %+v, %v", f, err)
	}
	c.close()
}

func TestContactSeesWhatTheySaidInTheirOtherTabs(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	c := s.dial("c:2", "")
	c.until("availability")
	for _, kind := range []event.Type{event.RatingGiven, event.FeedbackGiven, event.SurveyAnswered, event.GoalReached} {
		s.append(3, "somebody else's", kind)
		s.append(2, string(kind), kind)
		if f, err := c.next(); err != nil || f.Type != "conversation" || f.Message.Body != string(kind) {
			t.Errorf("%s: the contact got %+v, %v", kind, f, err)
		}
	}
	c.close()
}

func TestOperationalEventsReachNoSocket(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	c := s.dial("op:1", `,"after":0`)
	c.until("welcome")
	for _, kind := range []event.Type{event.EndpointFailing, event.EndpointPaused, event.DeliveryDead} {
		err := s.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return s.feed.Append(ctx, tx, &event.Event{Type: kind, Endpoint: &event.Endpoint{ID: 7}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.append(1, "after them")
	later := s.dial("op:2", `,"after":0`)
	for _, who := range []*client{c, later} {
		if f := who.until("event"); f.Event.Seq != 4 {
			t.Errorf("the first event is %s %d, want 4", f.Event.Type, f.Event.Seq)
		}
		who.close()
	}
}

func TestSnapshotNewerThanTheHubIsNotRepeated(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	for i := range 5 {
		s.append(1, fmt.Sprint(i))
	}
	c := s.dial("op:1", `,"after":5`)
	c.until("welcome")
	s.append(1, "new")
	if f := c.until("event"); f.Event.Seq != 6 {
		t.Errorf("the first event is %d, want 6", f.Event.Seq)
	}
	c.close()
}

func TestResumeTooFarBackAsksForASnapshot(t *testing.T) {
	s := newStage(t, dbtest.New(t), func(o *Options) { o.Replay = 50 })
	err := s.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		for range 60 {
			if err := s.feed.Append(ctx, tx, &event.Event{Type: event.ContactUpdated, Contact: &event.Contact{ID: 1}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := s.dial("op:1", `,"after":1`)
	if f := c.until("resync"); f.Reason != "too_far" {
		t.Errorf("reason %q", f.Reason)
	}
	if _, err := c.next(); websocket.CloseStatus(err) != closeResync {
		t.Errorf("the line ended with %v, want %d", err, closeResync)
	}
	c.close()
}

func TestSlowBrowserIsCutOffWithResync(t *testing.T) {
	s := newStage(t, dbtest.New(t), func(o *Options) {
		o.EventJSON = func(e *event.Event) (json.RawMessage, error) {
			return json.Marshal(map[string]any{"seq": e.Seq, "pad": strings.Repeat("x", 200_000)})
		}
	})
	slow, quick := s.dial("op:1", ""), s.dial("op:2", "")
	slow.until("welcome")
	quick.until("welcome")
	cut := func() bool {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		for c := range s.hub.team {
			if c.who.Operator == 1 {
				return c.ended()
			}
		}
		return true
	}
	for i := 0; !cut(); i++ {
		if i == 120 { // 24 MB: more than the queue and the buffers of the line hold
			t.Fatal("the slow browser is never cut off")
		}
		s.append(1, "")
		// The quick one reads along, so it must get everything.
		if f := quick.until("event"); f.Type != "event" {
			t.Fatalf("frame %d of the quick browser is %+v", i, f)
		}
	}
	for {
		f, err := slow.next()
		if err != nil {
			t.Fatalf("the slow browser's line ended without resync: %v", err)
		}
		if f.Type == "resync" {
			break
		}
	}
	slow.close()
	quick.close()
}

func TestTypingReachesTheOtherSideOnly(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	operator, colleague, contact, stranger := s.dial("op:1", ""), s.dial("op:2", ""), s.dial("c:2", ""), s.dial("c:3", "")
	for _, c := range []*client{operator, colleague} {
		c.until("welcome")
	}
	for _, c := range []*client{contact, stranger} {
		c.until("availability")
	}
	stranger.say(`{"type":"typing","conversation_id":2}`) // not theirs: must reach nobody
	contact.say(`{"type":"typing","conversation_id":2}`)
	if f := operator.until("typing"); f.ConversationID != 2 || f.By.Type != "contact" || f.By.ID != 2 {
		t.Errorf("the operator saw %+v", f)
	}
	operator.say(`{"type":"typing","conversation_id":2}`)
	if f := contact.until("typing"); f.By.Type != "operator" || f.By.ID != 1 {
		t.Errorf("the contact saw %+v", f)
	}
	colleague.until("typing")
	if f := colleague.until("typing"); f.By.Type != "operator" {
		t.Errorf("the colleague saw %+v", f)
	}
	// The next thing that the stranger gets is not somebody's typing.
	s.append(3, "for the stranger")
	if f, err := stranger.next(); err != nil || f.Type != "message" {
		t.Errorf("the stranger got %+v, %v", f, err)
	}
	for _, c := range []*client{operator, colleague, contact, stranger} {
		c.close()
	}
}

func TestViewingShowsTheOthersUntilTheyLeave(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	a, b := s.dial("op:1", ""), s.dial("op:2", "")
	a.until("welcome")
	b.until("welcome")
	a.say(`{"type":"viewing","conversation_id":7}`)
	if f := a.until("viewing"); len(f.Operators) != 0 {
		t.Errorf("alone, but sees %+v", f.Operators)
	}
	b.say(`{"type":"viewing","conversation_id":7}`)
	for {
		if f := a.until("viewing"); len(f.Operators) == 1 && f.Operators[0].ID == 2 {
			break
		}
	}
	b.close()
	for {
		if f := a.until("viewing"); len(f.Operators) == 0 {
			break
		}
	}
	a.close()
}

func TestSilentLineIsDroppedAndTheTabClosed(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	c := s.dial("op:1", `,"presence":true`)
	c.until("welcome")
	s.clock.Add(int64(2 * silence))
	for range int(heartbeat/time.Second) + 1 {
		s.hub.BeatOnce(t.Context())
	}
	for {
		if _, err := c.next(); err != nil {
			break
		}
	}
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.tabs, ", "); got != "open 1, close 1" {
		t.Errorf("tabs: %s", got)
	}
}

func TestWrongHellosAreRefusedWithTheirCode(t *testing.T) {
	s := newStage(t, dbtest.New(t), func(o *Options) { o.PerAddress = 1 })
	for name, c := range map[string]struct {
		hello string
		code  fault.Code
		close websocket.StatusCode
	}{
		"wrong token":   {`{"type":"hello","token":"op:x"}`, fault.AuthInvalid, closeAuth},
		"no hello":      {`{"type":"typing"}`, fault.RequestMalformed, closeProtocol},
		"broken JSON":   {`{"type":`, fault.RequestMalformed, closeProtocol},
		"negative seq":  {`{"type":"hello","token":"op:1","after":-1}`, fault.RequestMalformed, closeProtocol},
		"numeric token": {`{"type":"hello","token":1}`, fault.RequestMalformed, closeProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			ws, _, err := websocket.Dial(t.Context(), s.http.URL+"/api/v1/socket", nil)
			if err != nil {
				t.Fatal(err)
			}
			cl := &client{t, ws}
			cl.say(c.hello)
			if f := cl.until("error"); f.Code != string(c.code) {
				t.Errorf("code %s, want %s", f.Code, c.code)
			}
			if _, err := cl.next(); websocket.CloseStatus(err) != c.close {
				t.Errorf("closed with %v, want %d", err, c.close)
			}
			cl.close()
		})
	}
	first := s.dial("op:1", "")
	first.until("welcome")
	second := s.dial("op:2", "")
	if f := second.until("error"); f.Code != string(fault.RequestLimited) {
		t.Errorf("the second connection of an address got %+v", f)
	}
	first.close()
	second.close()
}

func TestStopClosesEveryLine(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	c := s.dial("c:1", "")
	c.until("availability")
	stopped := make(chan struct{})
	go func() { s.stop(); close(stopped) }()
	if _, err := c.next(); websocket.CloseStatus(err) != websocket.StatusGoingAway && !errors.Is(err, context.Canceled) {
		t.Errorf("the line ended with %v, want 1001", err)
	}
	<-stopped
	if n := s.hub.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

func TestAvailabilityIsToldAtFirstAndOnceWhenItChanges(t *testing.T) {
	var now atomic.Value
	now.Store(event.Online)
	s := newStage(t, dbtest.New(t), func(o *Options) {
		o.Availability = func(context.Context, id.Widget) (string, error) { return now.Load().(string), nil }
	})
	c := s.dial("c:1", "")
	c.until("welcome")
	operator := func() {
		err := s.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return s.feed.Append(ctx, tx, &event.Event{Type: event.OperatorStatusChanged, Operator: &event.Operator{ID: 1}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if f := c.until("availability"); f.Availability != event.Online {
		t.Errorf("availability at first %q", f.Availability)
	}
	now.Store(event.Away)
	operator()
	if f := c.until("availability"); f.Availability != event.Away {
		t.Errorf("availability %q", f.Availability)
	}
	operator()
	s.append(1, "next")
	if f, err := c.next(); err != nil || f.Type != "message" {
		t.Errorf("after an unchanged availability came %+v, %v", f, err)
	}
	c.close()
}

// A widget's hours begin and end without an event; the hub looks again and again.
func TestAvailabilityThatChangesByItselfIsTold(t *testing.T) {
	var now atomic.Value
	now.Store(event.Online)
	s := newStage(t, dbtest.New(t), func(o *Options) {
		o.Availability = func(context.Context, id.Widget) (string, error) { return now.Load().(string), nil }
	})
	c := s.dial("c:1", "")
	if f := c.until("availability"); f.Availability != event.Online {
		t.Errorf("availability at first %q", f.Availability)
	}
	now.Store(event.Offline)
	s.hub.pushAvailability(t.Context())
	if f := c.until("availability"); f.Availability != event.Offline {
		t.Errorf("availability %q", f.Availability)
	}
	s.hub.pushAvailability(t.Context())
	s.append(1, "next")
	if f, err := c.next(); err != nil || f.Type != "message" {
		t.Errorf("after an unchanged availability came %+v, %v", f, err)
	}
	c.close()
	for s.hub.Connections() > 0 {
		runtime.Gosched()
	}
	now.Store(event.Online)
	s.hub.pushAvailability(t.Context()) // nobody is there to be told
	c = s.dial("c:1", "")
	if f := c.until("availability"); f.Availability != event.Online {
		t.Errorf("a newcomer is told %q, which was long ago", f.Availability)
	}
	c.close()
}

func TestContactSeesWhatBecomesOfAMessage(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	c := s.dial("c:2", "")
	c.until("availability")
	of := func(kind event.Type, changed string, m *event.Message) *event.Event {
		return &event.Event{Type: kind, Changed: changed, Message: m, Conversation: &event.Conversation{ID: 2, Contact: event.Contact{ID: 2}}}
	}
	for _, one := range []struct {
		what  string
		e     *event.Event
		shown bool
	}{
		{"edited", of(event.MessageUpdated, event.ChangedText, &event.Message{Number: 1, Body: "a"}), true},
		{"fetched", of(event.MessageUpdated, event.ChangedMedia, &event.Message{Number: 1, Body: "b"}), true},
		{"a link card", of(event.MessageUpdated, event.ChangedLink, &event.Message{Number: 1, Body: "c"}), true},
		{"on its way over a channel", of(event.MessageUpdated, event.ChangedState, &event.Message{Number: 1, Body: "d"}), false},
		{"deleted", of(event.MessageDeleted, "", &event.Message{Number: 1}), true},
		{"an edited note", of(event.MessageUpdated, event.ChangedText, &event.Message{Number: 1, Body: "e", Note: true}), false},
		{"a deleted note", of(event.MessageDeleted, "", &event.Message{Number: 1, Note: true}), false},
		{"the page that the contact looks at", of(event.ConversationUpdated, "", nil), false},
	} {
		s.tell(one.e)
		s.append(2, "next")
		f, err := c.next()
		if one.shown {
			if err != nil || f.Type != "message_updated" || f.Message == nil || f.Message.Body != one.e.Message.Body {
				t.Errorf("%s: the contact got %+v, %v", one.what, f, err)
			}
			f, err = c.next()
		}
		if err != nil || f.Type != "message" || f.Message.Body != "next" {
			t.Errorf("after %s: the contact got %+v, %v", one.what, f, err)
		}
	}
	c.close()
}

// A browser whose contact is not signed in may be that of anybody who typed the contact's address: it sees nothing of what happens
// on another channel, be it live or when it comes back, and a contact who is signed in sees all of it.
func TestWhatHappensOnAnotherChannelIsHiddenFromWhoIsNotSignedIn(t *testing.T) {
	var known atomic.Bool
	at := func(from, n int, kind event.Type, m *event.Message) *event.Event {
		e := &event.Event{Type: kind, Message: m, Conversation: &event.Conversation{ID: 2, HiddenFrom: from, MessageCount: n, Contact: event.Contact{ID: 2}}}
		if known.Load() {
			e.Conversation.Contact.ExternalID = "user-2"
		}
		return e
	}
	message := func(n int) *event.Message { return &event.Message{Number: n, Body: fmt.Sprint("number ", n)} }
	hidden := func() []*event.Event {
		return []*event.Event{
			at(1, 1, event.ConversationCreated, message(1)), at(1, 1, event.MessageReceived, message(1)), at(1, 1, event.ConversationEnded, nil),
			at(3, 4, event.MessageReceived, message(4)), at(3, 5, event.MessageSent, message(5)), at(3, 5, event.MessageUpdated, message(5)),
			at(3, 5, event.ConversationRead, nil), at(3, 5, event.ConversationAssigned, nil), at(3, 6, event.ConversationEnded, message(6)),
		}
	}
	for _, signedIn := range []bool{false, true} {
		t.Run(fmt.Sprint("signed in ", signedIn), func(t *testing.T) {
			known.Store(signedIn)
			s := newStage(t, dbtest.New(t), func(o *Options) {
				o.ContactOf = func(context.Context, id.Conversation) (id.Contact, bool) { return 2, signedIn }
			})
			live, operator := s.dial("c:2", ""), s.dial("op:1", "")
			live.until("availability")
			operator.until("welcome")
			s.tell(at(0, 2, event.MessageReceived, message(2)))
			s.tell(at(3, 3, event.ConversationUpdated, &event.Message{Number: 3, Type: event.TypeEvent, Entry: &event.Entry{Name: "channel_changed"}, Body: "moved"}))
			for _, e := range hidden() {
				s.tell(e)
			}
			s.tell(at(3, 6, event.MessageDeleted, message(2)))
			for range 3 + len(hidden()) {
				operator.until("event")
			}
			again := s.dial("c:2", `,"after":0`)
			for what, c := range map[string]*client{"live": live, "coming back": again} {
				if what == "coming back" {
					c.until("availability")
				}
				var got []string
				for len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "message_updated number 2") {
					f, err := c.next()
					if err != nil {
						t.Fatal(err)
					}
					if got = append(got, f.Type); f.Message != nil {
						got[len(got)-1] += " " + f.Message.Body
					}
				}
				want := []string{"message number 2", "conversation", "message_updated number 2"}
				if signedIn {
					want = []string{"message number 2", "conversation moved", "conversation number 1", "message number 1", "conversation", "message number 4", "message number 5",
						"message_updated number 5", "conversation", "conversation", "conversation number 6", "message_updated number 2"}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: the contact got %q, want %q", what, got, want)
				}
			}
			// Signs of typing, from both sides.
			operator.say(`{"type":"typing","conversation_id":2}`)
			if signedIn {
				live.until("typing")
				live.say(`{"type":"typing","conversation_id":2}`)
				if f := operator.until("typing"); f.By.Type != "contact" {
					t.Errorf("the operator sees %+v typing", f.By)
				}
			} else {
				live.say(`{"type":"typing","conversation_id":2}`)
				s.tell(at(0, 2, event.MessageUpdated, message(1)))
				for what, c := range map[string]*client{"the contact": live, "the operator": operator} {
					if f, err := c.next(); err != nil || f.Type == "typing" {
						t.Errorf("%s got %+v, %v", what, f, err)
					}
				}
			}
			for _, c := range []*client{live, again, operator} {
				c.close()
			}
		})
	}
}

func TestTypingEndsForAConversationThatMoves(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	operator, browser := s.dial("op:1", ""), s.dial("c:2", "")
	operator.until("welcome")
	browser.until("availability")
	operator.say(`{"type":"typing","conversation_id":2}`)
	browser.until("typing")
	s.tell(&event.Event{Type: event.ConversationUpdated, Message: &event.Message{Number: 3, Entry: &event.Entry{Name: "channel_changed"}},
		Conversation: &event.Conversation{ID: 2, HiddenFrom: 3, MessageCount: 3, Contact: event.Contact{ID: 2}}})
	browser.until("conversation")
	operator.until("event")
	s.clock.Add(int64(2 * typingEvery))
	operator.say(`{"type":"typing","conversation_id":2}`)
	operator.say(`{"type":"viewing","conversation_id":2}`)
	operator.until("viewing") // what was said before is done
	// The contact signs in, and what was known of them does not count any more.
	s.tell(&event.Event{Type: event.ContactUpdated, Contact: &event.Contact{ID: 2, ExternalID: "user-2"}})
	if f, err := browser.next(); err != nil || f.Type != "contact" {
		t.Errorf("the browser got %+v, %v", f, err)
	}
	operator.until("event")
	s.clock.Add(int64(2 * typingEvery))
	operator.say(`{"type":"typing","conversation_id":2}`)
	browser.until("typing")
	for _, c := range []*client{operator, browser} {
		c.close()
	}
}
