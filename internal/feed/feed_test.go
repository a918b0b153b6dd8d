package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/id"
)

func about(c id.Conversation, t event.Type) *event.Event {
	return &event.Event{Type: t, Conversation: &event.Conversation{ID: c, Contact: event.Contact{ID: id.Contact(c) * 10}}}
}

func (f *Feed) add(t *testing.T, events ...*event.Event) {
	t.Helper()
	err := f.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error { return f.Append(ctx, tx, events...) })
	if err != nil {
		t.Fatal(err)
	}
}

func (f *Feed) numbered(t *testing.T) {
	t.Helper()
	if _, err := f.NumberOnce(t.Context()); f.db.Engine() == db.Postgres && err != nil {
		t.Fatal(err)
	}
}

func (f *Feed) read(t *testing.T, after id.Seq, limit int, filter Filter) []*event.Event {
	t.Helper()
	list, _, err := f.ReadAfter(t.Context(), after, limit, filter)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func seqs(list []*event.Event) []id.Seq {
	var out []id.Seq
	for _, e := range list {
		out = append(out, e.Seq)
	}
	return out
}

func TestAppendAndRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := New(d)
		if list, latest, err := f.ReadAfter(t.Context(), 0, 10, Filter{}); len(list) != 0 || latest != 0 || err != nil {
			t.Fatalf("an empty feed has %v, %d, %v", list, latest, err)
		}
		a, b, c := about(1, event.MessageReceived), about(2, event.MessageSent), about(1, event.SessionEnded)
		b.By, b.At = event.Party{Type: event.ByOperator, ID: 3, Name: "Ann"}, time.Unix(5, 0).UTC()
		f.add(t, a, b)
		f.add(t, c, &event.Event{Type: event.ContactUpdated, Contact: &event.Contact{ID: 20}})
		f.numbered(t)
		for name, row := range map[string]struct {
			after  id.Seq
			limit  int
			filter Filter
			want   []id.Seq
		}{
			"all":              {0, 10, Filter{}, []id.Seq{1, 2, 3, 4}},
			"after":            {2, 10, Filter{}, []id.Seq{3, 4}},
			"beyond":           {9, 10, Filter{}, nil},
			"limit":            {0, 2, Filter{}, []id.Seq{1, 2}},
			"type":             {0, 10, Filter{Types: []event.Type{event.SessionEnded}}, []id.Seq{3}},
			"two types":        {1, 10, Filter{Types: []event.Type{event.MessageReceived, event.MessageSent}}, []id.Seq{2}},
			"contact":          {0, 10, Filter{Contact: 10}, []id.Seq{1, 3}},
			"contact itself":   {0, 10, Filter{Contact: 20}, []id.Seq{2, 4}},
			"contact and type": {0, 10, Filter{Contact: 10, Types: []event.Type{event.MessageReceived}}, []id.Seq{1}},
		} {
			if got := seqs(f.read(t, row.after, row.limit, row.filter)); !slices.Equal(got, row.want) {
				t.Errorf("%s: %v, want %v", name, got, row.want)
			}
		}
		list := f.read(t, 0, 10, Filter{})
		if e := list[0]; e.ID != a.ID || e.By.Type != event.BySystem || e.At.IsZero() || !e.At.Equal(a.At) || e.Conversation.ID != 1 {
			t.Errorf("read %+v", e)
		}
		if e := list[1]; e.By != b.By || !e.At.Equal(b.At) {
			t.Errorf("read %+v", e)
		}
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			if e, err := f.Get(tx, c.ID); err != nil || e.Seq != 3 || e.Type != event.SessionEnded {
				t.Errorf("Get: %+v, %v", e, err)
			}
			if n, err := f.Latest(tx); n != 4 || err != nil {
				t.Errorf("Latest: %d, %v", n, err)
			}
			many, err := f.Many(tx, []id.Event{c.ID, 4711, c.ID})
			if err != nil || many[c.ID] == nil || many[c.ID].Seq != 3 || many[4711] != nil {
				t.Errorf("many: %v, %v", many, err)
			}
			if _, err := f.Get(tx, 4711); !errors.Is(err, db.ErrNoRows) {
				t.Errorf("an unknown event: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestEverySampleIsReadAsItWasAppended(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := New(d)
		samples := eventtest.Samples()
		f.add(t, samples...)
		f.numbered(t)
		list := f.read(t, 0, 1000, Filter{})
		if len(list) != len(samples) {
			t.Fatalf("%d of %d", len(list), len(samples))
		}
		for i, e := range list {
			if e.ID != samples[i].ID || e.Type != samples[i].Type || e.Lane() != samples[i].Lane() || e.Seq != id.Seq(i+1) {
				t.Errorf("%d: %s of lane %s", i, e.Type, e.Lane())
			}
		}
	})
}

func TestPlannersWorkInTheTransactionOfTheEvent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := New(d)
		boom := errors.New("boom")
		var planned []event.Type
		f.Plan(func(_ context.Context, tx *db.Tx, e *event.Event) error {
			if e.ID == 0 {
				t.Error("the planner gets an event without an id")
			}
			planned = append(planned, e.Type)
			_, err := tx.Exec(`INSERT INTO settings (name, value) VALUES ($1, '')`, fmt.Sprint(e.ID))
			return err
		})
		f.Plan(func(_ context.Context, _ *db.Tx, e *event.Event) error {
			if e.Type == event.SessionEnded {
				return boom
			}
			return nil
		})
		f.add(t, about(1, event.MessageReceived), about(1, event.MessageSent))
		if want := []event.Type{event.MessageReceived, event.MessageSent}; !slices.Equal(planned, want) {
			t.Errorf("planned %v", planned)
		}
		err := d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return f.Append(ctx, tx, about(1, event.MessageReceived), about(1, event.SessionEnded))
		})
		if !errors.Is(err, boom) {
			t.Errorf("the planner's error got lost: %v", err)
		}
		f.add(t, about(1, event.MessageReceived))
		f.numbered(t)
		if got := seqs(f.read(t, 0, 10, Filter{})); !slices.Equal(got, []id.Seq{1, 2, 3}) {
			t.Errorf("numbers %v: what failed must leave no gap", got)
		}
		var n int
		err = d.View(t.Context(), func(_ context.Context, tx *db.Tx) error { return tx.One(`SELECT COUNT(*) FROM settings`, nil, &n) })
		if err != nil || n != 3 {
			t.Errorf("%d rows of planners, want 3: %v", n, err)
		}
	})
}

func TestFollowersAreWokenAfterTheCommitOnly(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			f := New(d)
			remote := 0
			f.OnAppend(func() { remote++ })
			woken := func(c <-chan struct{}) bool {
				select {
				case <-c:
					return true
				default:
					return false
				}
			}
			first := f.Changed()
			boom := errors.New("boom")
			err := d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				if err := f.Append(ctx, tx, about(1, event.MessageReceived)); err != nil {
					return err
				}
				if woken(first) {
					t.Error("woken before the commit")
				}
				return boom
			})
			if !errors.Is(err, boom) || woken(first) || remote != 0 {
				t.Errorf("woken by a failure: %v", err)
			}
			f.numbered(t)
			if woken(first) {
				t.Error("woken by numbering nothing")
			}
			f.add(t, about(1, event.MessageReceived))
			f.numbered(t)
			if !woken(first) || remote != 1 {
				t.Errorf("not woken; other nodes were told %d times", remote)
			}
			if woken(f.Changed()) {
				t.Error("the next look is woken by the last event")
			}
			second := f.Changed()
			f.Wake()
			if !woken(second) {
				t.Error("another node's call does not wake")
			}
		})
	})
}

// A reader that follows the feed while many write, on PostgreSQL with several numbering loops of several nodes: it gets
// every number once, in order, and the events of a conversation in the order of their commits.
func TestAReaderSkipsNothingWhileManyWrite(t *testing.T) {
	const writers, each = 8, 25
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		nodes := []*Feed{New(d), New(d)}
		if d.Engine() == db.Postgres {
			nodes = append(nodes, New(open()))
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var numbering, writing sync.WaitGroup
		for _, f := range nodes {
			f.OnTrouble(func(err error) { t.Error(err) })
			numbering.Go(func() {
				if err := f.RunNumbering(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		var locks [3]sync.Mutex // stand for the conversations' row locks
		steps := make([]int, 3)
		for i := range writers {
			writing.Go(func() {
				f, c := nodes[i%2], i%3
				for k := range each {
					locks[c].Lock()
					fail := k%5 == 4
					e := about(id.Conversation(c+1), event.MessageReceived)
					e.Conversation.MessageCount = steps[c] + 1
					err := d.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
						if err := f.Append(ctx, tx, e); err != nil || !fail {
							return err
						}
						return errors.New("changed my mind")
					})
					if (err != nil) != fail {
						t.Error(err)
					}
					if !fail {
						steps[c]++
					}
					locks[c].Unlock()
				}
			})
		}
		const want = writers * each / 5 * 4
		last := map[id.Conversation]int{}
		deadline := time.After(30 * time.Second)
		reader := nodes[len(nodes)-1]
		for at := id.Seq(0); at < want; {
			changed := reader.Changed()
			list, latest, err := reader.ReadAfter(ctx, at, 7, Filter{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				if at++; e.Seq != at || e.Seq > latest {
					t.Fatalf("got number %d, want %d of %d", e.Seq, at, latest)
				}
				c := e.Conversation
				if c.MessageCount != last[c.ID]+1 {
					t.Fatalf("conversation %d: step %d follows %d", c.ID, c.MessageCount, last[c.ID])
				}
				last[c.ID]++
			}
			if len(list) > 0 {
				continue
			}
			select {
			case <-changed:
			case <-time.After(20 * time.Millisecond): // the wake-up went to the other node
			case <-deadline:
				t.Fatalf("stuck at %d of %d", at, want)
			}
		}
		writing.Wait()
		stop()
		numbering.Wait()
	})
}

func TestNumberingTakesACrowdInBatchesAndFindsWhatADeadNodeLeft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if d.Engine() != db.Postgres {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if err := New(d).RunNumbering(ctx); err != nil {
				t.Errorf("SQLite numbers in the commit: %v", err)
			}
			return
		}
		dead := New(d) // nobody numbers for it
		var events []*event.Event
		for range numberBatch + 5 {
			events = append(events, about(1, event.MessageReceived))
		}
		dead.add(t, events...)
		if n := len(dead.read(t, 0, 10, Filter{})); n != 0 {
			t.Errorf("%d events without a number were read", n)
		}
		f := New(d)
		for _, want := range []int{numberBatch, 5, 0} {
			if n, err := f.NumberOnce(t.Context()); n != want || err != nil {
				t.Errorf("numbered %d, %v; want %d", n, err, want)
			}
		}
		list := f.read(t, 0, 2*numberBatch, Filter{})
		for i, e := range list {
			if e.Seq != id.Seq(i+1) || e.ID != events[i].ID {
				t.Fatalf("event %d has number %d, place %d", e.ID, e.Seq, i)
			}
		}
	})
}

func TestNumberingThatFailsIsToldAndGoesOn(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			if d.Engine() != db.Postgres {
				return // numbers in the commit
			}
			f := New(d)
			var troubles atomic.Int64
			f.OnTrouble(func(error) { troubles.Add(1) })
			exec := func(q string) {
				err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := tx.Exec(q); return err })
				if err != nil {
					t.Fatal(err)
				}
			}
			exec(`ALTER TABLE feed_counter RENAME TO gone`)
			f.add(t, about(1, event.MessageReceived))
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { f.RunNumbering(ctx); close(done) }()
			time.Sleep(3 * time.Second)
			if n := troubles.Load(); n < 2 {
				t.Errorf("%d troubles were told", n)
			}
			exec(`ALTER TABLE gone RENAME TO feed_counter`)
			changed := f.Changed()
			time.Sleep(2 * time.Second)
			select {
			case <-changed:
			default:
				t.Error("it does not go on")
			}
			stop()
			<-done
			if got := seqs(f.read(t, 0, 10, Filter{})); !slices.Equal(got, []id.Seq{1}) {
				t.Errorf("numbers %v", got)
			}
		})
	})
}
