package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/feed"
	"parley/internal/id"
)

// site is a database with a feed, targets and a receiver that plays other people's systems.
type site struct {
	t       testing.TB
	d       *db.DB
	f       *feed.Feed
	targets []Target
	recv    *receiver
}

// call is one attempt as the receiver saw it.
type call struct {
	ref     int64
	lane    id.Conversation
	event   id.Event
	id      string
	body    string
	attempt int
	at      time.Time
}

// receiver is an Executor. behave decides each answer; nil means success.
type receiver struct {
	d       *db.DB
	f       *feed.Feed
	mu      sync.Mutex
	calls   []call
	news    []string
	notices []Notice
	notice  func(ctx context.Context, tx *db.Tx, ref int64, n Notice) error
	behave  func(ctx context.Context, c call) Outcome
	prepare func(jobs []*Job) error
}

func (r *receiver) Prepare(ctx context.Context, jobs []*Job) error {
	if r.prepare != nil {
		if err := r.prepare(jobs); err != nil {
			return err
		}
	}
	return r.d.View(ctx, func(_ context.Context, tx *db.Tx) error {
		for _, j := range jobs {
			if j.Body != nil {
				continue
			}
			e, err := r.f.Get(tx, j.Event)
			if err != nil {
				return err
			}
			j.Body = fmt.Appendf(nil, "%d:%d", e.Conversation.ID, e.ID)
		}
		return nil
	})
}

func (r *receiver) Notice(ctx context.Context, tx *db.Tx, ref int64, n Notice) error {
	if r.notice != nil {
		if err := r.notice(ctx, tx, ref, n); err != nil {
			return err
		}
	}
	tx.OnCommit(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.news = append(r.news, fmt.Sprint(ref, " ", n.Kind, " ", n.Reason))
		r.notices = append(r.notices, n)
	})
	return nil
}

// told are the notices of the given kinds, all without any.
func (r *receiver) told(kinds ...NoticeKind) (list []Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.notices {
		if len(kinds) == 0 || slices.Contains(kinds, n.Kind) {
			list = append(list, n)
		}
	}
	return list
}

func (r *receiver) Do(ctx context.Context, j *Job) Outcome {
	c := call{ref: j.Ref, event: j.Event, id: j.WebhookID, body: string(j.Body), attempt: j.Attempt, at: time.Now()}
	fmt.Sscanf(c.body, "%d:", &c.lane)
	r.mu.Lock()
	r.calls = append(r.calls, c)
	behave := r.behave
	r.mu.Unlock()
	if behave == nil {
		return Outcome{Verdict: Done, Status: 200, URL: "http://receiver.example/"}
	}
	return behave(ctx, c)
}

func (r *receiver) seen() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

func (r *receiver) set(behave func(ctx context.Context, c call) Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behave = behave
}

var ok = Outcome{Verdict: Done, Status: 200}

func failing(context.Context, call) Outcome {
	return Outcome{Verdict: Retry, Status: 500, Reason: "the receiver answered 500"}
}

// hang answers only when it is given up.
func hang(ctx context.Context, _ call) Outcome {
	<-ctx.Done()
	return Outcome{Verdict: Hold}
}

func newSite(t testing.TB, d *db.DB, targets int) *site {
	s := &site{t: t, d: d, f: feed.New(d)}
	s.recv = &receiver{d: d, f: s.f}
	s.update(func(tx *db.Tx) error {
		for i := range targets {
			n, err := NewTarget(tx, "test", int64(i+1), Limits{})
			if err != nil {
				return err
			}
			s.targets = append(s.targets, n)
		}
		return nil
	})
	s.f.Plan(func(_ context.Context, tx *db.Tx, e *event.Event) error {
		for _, n := range s.targets {
			if _, err := Enqueue(tx, Item{Target: n, Event: e.ID, Lane: e.Lane(), Name: string(e.Type)}); err != nil {
				return err
			}
		}
		return nil
	})
	return s
}

func (s *site) update(fn func(tx *db.Tx) error) {
	s.t.Helper()
	if err := s.d.Update(context.Background(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) view(fn func(tx *db.Tx) error) {
	s.t.Helper()
	if err := s.d.View(context.Background(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		s.t.Fatal(err)
	}
}

// happen appends one event for each lane, numbered.
func (s *site) happen(lanes ...int) {
	s.t.Helper()
	s.update(func(tx *db.Tx) error {
		var list []*event.Event
		for _, n := range lanes {
			list = append(list, &event.Event{Type: event.MessageReceived, Conversation: &event.Conversation{ID: id.Conversation(n)}})
		}
		return s.f.Append(context.Background(), tx, list...)
	})
	s.number()
}

func (s *site) number() {
	s.t.Helper()
	for s.d.Engine() == db.Postgres {
		n, err := s.f.NumberOnce(context.Background())
		if err != nil {
			s.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (s *site) options() Options {
	return Options{DB: s.d, Executors: map[string]Executor{"test": s.recv}, Changed: s.f.Changed, Now: time.Now, Node: "a", Rand: func() float64 { return 0.5 },
		Poll: time.Minute}
}

// start runs an engine until the test ends or stop or crash is called.
func (s *site) start(o Options) *Engine {
	s.t.Helper()
	e := New(o)
	go e.Run(context.Background())
	s.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		e.Stop(ctx)
	})
	return e
}

func (s *site) stop(e *Engine) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := e.Stop(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// crash ends an engine as the death of its process would: attempts are cut off, results in memory are lost, leases stay.
func (e *Engine) crash() {
	e.mu.Lock()
	e.stopping = true
	e.acks = nil
	halt := e.halt
	e.mu.Unlock()
	if halt == nil {
		return
	}
	halt()
	<-e.ended
}

// states counts deliveries by state.
func (s *site) states() map[string]int {
	s.t.Helper()
	out := map[string]int{}
	s.view(func(tx *db.Tx) error {
		cursor := ""
		for {
			list, next, err := List(tx, Filter{}, cursor, 200)
			if err != nil {
				return err
			}
			for _, e := range list {
				out[e.State]++
			}
			if cursor = next; next == "" {
				return nil
			}
		}
	})
	return out
}

func (s *site) detail(which id.Delivery) *Detail {
	s.t.Helper()
	var d *Detail
	s.view(func(tx *db.Tx) (err error) {
		d, err = Get(tx, which)
		return err
	})
	return d
}

func (s *site) stats(n Target) Stats {
	s.t.Helper()
	var st Stats
	s.view(func(tx *db.Tx) (err error) {
		st, err = TargetStats(tx, n)
		return err
	})
	return st
}

// wait lets time pass in a bubble.
func wait(d time.Duration) { <-time.After(d) }

// checkOrder fails unless the first arrivals of every lane at every target are in the order of their events and nothing
// arrives again after its successor.
func (s *site) checkOrder() {
	s.t.Helper()
	last := map[string]id.Event{}
	for _, c := range s.recv.seen() {
		key := fmt.Sprint(c.ref, "/", c.lane)
		if c.event < last[key] {
			s.t.Errorf("target %d lane %d: event %d came after %d", c.ref, c.lane, c.event, last[key])
		}
		last[key] = max(last[key], c.event)
	}
}

var errBusy = errors.New("not now")
