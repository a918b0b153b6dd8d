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
		ContactOf:    func(_ context.Context, c id.Conversation) id.Contact { return id.Contact(c) },
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
	Message struct {
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
