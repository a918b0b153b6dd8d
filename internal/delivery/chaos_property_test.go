package delivery

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/feed"
	"parley/internal/id"
)

// Whatever happens to events, receivers, the engine, the clock and the settings, in whatever order: the attempts of a lane are
// made one after the other and in order, at the end nothing is lost, and what had arrived comes again only when it was in
// flight at the death of an engine, under the same webhook id. A counterexample is made as small as possible.
func TestPropertyOrderAndNoLossThroughChaos(t *testing.T) {
	checks := map[string]string{"sqlite": "30", "postgres": "8"}
	for name, open := range clocked(t) {
		t.Run(name, func(t *testing.T) {
			howOften(t, checks[name])
			rapid.Check(t, func(rt *rapid.T) {
				moves := rapid.SliceOfN(rapid.Custom(drawMove), 4, 45).Draw(rt, "moves")
				seed := rapid.Uint64().Draw(rt, "seed")
				var problem string
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, open, seed)
					defer w.d.Close()
					w.play(moves)
					problem = w.judge()
				})
				if problem != "" {
					rt.Fatal(problem)
				}
			})
		})
	}
}

// howOften says how many times rapid tries, unless the command line does.
func howOften(t *testing.T, n string) {
	t.Helper()
	const name = "rapid.checks"
	f := flag.Lookup(name)
	if f.Value.String() != f.DefValue {
		return
	}
	if err := flag.Set(name, n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set(name, f.DefValue) })
}

// clocked returns what opens a database of each engine under a clock of the test's own.
func clocked(t *testing.T) map[string]func(now func() time.Time) *db.DB {
	t.Helper()
	var file string
	lite := dbtest.New(t)
	err := lite.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
		return tx.One("SELECT file FROM pragma_database_list WHERE name = 'main'", nil, &file)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := lite.Close(); err != nil {
		t.Fatal(err)
	}
	urls := map[string]string{"sqlite": file}
	if server := os.Getenv(dbtest.PostgresVariable); server != "" {
		urls["postgres"] = dbtest.Schema(t, server)
	} else if os.Getenv("CI") == "true" {
		t.Errorf("%s is not set", dbtest.PostgresVariable)
	}
	out := map[string]func(func() time.Time) *db.DB{}
	for name, url := range urls {
		out[name] = func(now func() time.Time) *db.DB {
			d, err := db.Open(context.Background(), db.Options{URL: url, SkipMigrations: true, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	return out
}

// move is one thing that happens.
type move struct {
	What   string
	Target int
	Lanes  []int
	Mood   string
	For    time.Duration
	Limits Limits
	Flag   bool
	Pick   int
}

var moods = []string{"works", "works", "fails", "fails half the time", "hangs", "is slow", "asks to wait", "is gone", "panics", "refuses for good", "is moody"}

func drawMove(rt *rapid.T) move {
	m := move{What: rapid.SampledFrom([]string{"events", "events", "events", "events", "moment", "minute", "mood", "mood", "kill", "kill and start", "stop", "start",
		"start", "clock", "pause", "resume", "limits", "replay", "replay all", "revive", "revive all"}).Draw(rt, "what")}
	switch m.What {
	case "events": // Pick is a mask of targets
		m.Lanes = rapid.SliceOfN(rapid.IntRange(1, 4), 1, 12).Draw(rt, "lanes")
		m.Pick = rapid.IntRange(1, 1<<chaosTargets-1).Draw(rt, "to")
	case "moment":
		m.For = time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms")) * time.Millisecond
	case "minute":
		m.For = time.Duration(rapid.IntRange(0, 90).Draw(rt, "s")) * time.Second
	case "clock":
		m.For = time.Duration(rapid.IntRange(-120, 120).Draw(rt, "min")) * time.Minute
	case "mood":
		m.Target, m.Mood = rapid.IntRange(0, chaosTargets-1).Draw(rt, "of"), rapid.SampledFrom(moods).Draw(rt, "mood")
	case "limits":
		m.Target = rapid.IntRange(0, chaosTargets-1).Draw(rt, "of")
		m.Limits = Limits{InFlight: rapid.IntRange(1, chaosInFlight).Draw(rt, "in flight"), PerSecond: rapid.SampledFrom([]int{0, 0, 1, 20}).Draw(rt, "a second")}
	case "replay", "revive":
		m.Pick = rapid.IntRange(0, 1000).Draw(rt, "which")
	case "pause", "replay all", "revive all":
		m.Target = rapid.IntRange(0, chaosTargets-1).Draw(rt, "of")
	case "resume":
		m.Target, m.Flag = rapid.IntRange(0, chaosTargets-1).Draw(rt, "of"), rapid.IntRange(0, 3).Draw(rt, "backlog") > 0
	}
	return m
}

const (
	chaosTargets  = 3
	chaosInFlight = 8
	// chaosRows bounds what bulk replays make.
	chaosRows = 400
)

// world is a database with targets, their receivers, an engine that dies, and everything that was seen.
type world struct {
	t       *testing.T
	d       *db.DB
	f       *feed.Feed
	seed    uint64
	offset  atomic.Int64 // of the machine's clock
	targets []Target
	mask    int // of targets that hear the next events
	engine  *Engine

	mu    sync.Mutex
	mood  map[int64]string
	notes []note
}

// note is one line of what was seen, in order.
type note struct {
	what kind
	row  id.Delivery
	ref  int64
	hook string // webhook id
	out  Verdict
	rows map[id.Delivery]string // of died: what was pending; of moved: the new lanes
	was  map[id.Delivery]string // of moved: the lanes before
	upTo id.Delivery            // of dropped: the newest row of the target then
}

type kind string

const (
	began   kind = "began"
	ended   kind = "ended"
	died    kind = "died"    // the engine
	moved   kind = "moved"   // rows to other lanes
	dropped kind = "dropped" // what a target had pending
)

func newWorld(t *testing.T, open func(now func() time.Time) *db.DB, seed uint64) *world {
	w := &world{t: t, seed: seed, mood: map[int64]string{}}
	w.d = open(w.now)
	w.f = feed.New(w.d)
	w.update(func(tx *db.Tx) error {
		for _, table := range []string{"deliveries", "delivery_bodies", "delivery_attempts", "delivery_minutes", "delivery_targets"} {
			if _, err := tx.Exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
		w.targets = nil
		for i := range chaosTargets {
			n, err := NewTarget(tx, "test", int64(i+1), Limits{InFlight: 4})
			if err != nil {
				return err
			}
			w.targets = append(w.targets, n)
		}
		return nil
	})
	w.f.Plan(func(_ context.Context, tx *db.Tx, e *event.Event) error {
		for i, n := range w.targets {
			if w.mask&(1<<i) == 0 {
				continue
			}
			if _, err := Enqueue(tx, Item{Target: n, Event: e.ID, Lane: e.Lane(), Name: string(e.Type)}); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

func (w *world) update(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.d.Update(context.Background(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) view(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.d.View(context.Background(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) note(n note) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, n)
}

// Prepare implements Executor.
func (w *world) Prepare(ctx context.Context, jobs []*Job) error {
	return w.d.View(ctx, func(_ context.Context, tx *db.Tx) error {
		for _, j := range jobs {
			if j.Body != nil {
				continue
			}
			e, err := w.f.Get(tx, j.Event)
			if err != nil {
				return err
			}
			j.Body = fmt.Appendf(nil, "%d", e.ID)
		}
		return nil
	})
}

// Notice implements Executor.
func (w *world) Notice(context.Context, *db.Tx, int64, Notice) error { return nil }

// Do implements Executor: the receivers, each in its mood. What an attempt meets depends on nothing but the seed and itself.
func (w *world) Do(ctx context.Context, j *Job) (out Outcome) {
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, j.Ref, j.ID, j.Attempt)
	dice := int(h.Sum64() % 100)
	w.mu.Lock()
	w.notes = append(w.notes, note{what: began, row: j.ID, ref: j.Ref, hook: fmt.Sprint(j.Event, " ", j.WebhookID, " ", string(j.Body))})
	mood := w.mood[j.Ref]
	w.mu.Unlock()
	defer func() {
		verdict := out.Verdict
		if v := recover(); v != nil {
			verdict = Retry
			defer panic(v)
		}
		w.note(note{what: ended, row: j.ID, ref: j.Ref, out: verdict})
	}()
	if mood == "is moody" {
		mood = moods[dice%len(moods)]
	}
	again := Outcome{Verdict: Retry, Status: 500, Reason: "the receiver answered 500"}
	switch mood {
	case "fails":
		return again
	case "fails half the time":
		if dice < 50 {
			return again
		}
	case "hangs":
		<-ctx.Done()
		return Outcome{Verdict: Hold}
	case "asks to wait":
		if j.Attempt < 3 {
			again.After = time.Duration(dice) * 2 * time.Second
			return again
		}
	case "is gone":
		return Outcome{Verdict: Stop, Status: 410, Reason: "gone"}
	case "panics":
		if dice < 50 {
			panic("a bug in the executor")
		}
	case "refuses for good":
		if dice < 30 {
			return Outcome{Verdict: GiveUp, Status: 400, Reason: "not understood"}
		}
	case "is slow":
		select {
		case <-ctx.Done():
			return Outcome{Verdict: Hold}
		case <-time.After(time.Duration(dice) * 30 * time.Millisecond):
		}
	}
	return ok
}

func (w *world) start() {
	if w.engine != nil {
		return
	}
	w.engine = New(Options{DB: w.d, Executors: map[string]Executor{"test": w}, Changed: w.f.Changed, Now: w.now, Node: "a", Rand: func() float64 { return 0.5 },
		Window: 12, InFlight: 12, Attempt: 20 * time.Second, IdleAfter: 5 * time.Second, Poll: time.Second,
		Schedule: []time.Duration{time.Second, 3 * time.Second, 20 * time.Second}, GiveUp: 60 * 24 * time.Hour})
	go w.engine.Run(context.Background())
}

// end ends the engine, by its death or cleanly within five seconds, and notes what had not been written down.
func (w *world) end(clean bool) {
	if w.engine == nil {
		return
	}
	if clean {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		w.engine.Stop(ctx)
		cancel()
	} else {
		synctest.Wait()
		w.engine.crash()
	}
	w.engine = nil
	pending := map[id.Delivery]string{}
	w.view(func(tx *db.Tx) error { return lanesOf(tx, pending, "state = 'pending'") })
	w.note(note{what: died, rows: pending})
}

func lanesOf(tx *db.Tx, into map[id.Delivery]string, where string) error {
	_, err := db.All(tx, "SELECT id, lane FROM deliveries WHERE "+where, nil, func(s db.Scanner) (bool, error) {
		var row id.Delivery
		var lane string
		err := s.Scan(&row, &lane)
		into[row] = lane
		return true, err
	})
	return err
}

// pick returns one of the deliveries in a state, 0 when there is none.
func (w *world) pick(state string, n int) id.Delivery {
	var rows []id.Delivery
	w.view(func(tx *db.Tx) error {
		all := map[id.Delivery]string{}
		err := lanesOf(tx, all, "state = '"+state+"'")
		for row := range all {
			rows = append(rows, row)
		}
		return err
	})
	if len(rows) == 0 {
		return 0
	}
	slices.Sort(rows)
	return rows[n%len(rows)]
}

// revive lets dead deliveries be tried again; their new lanes are noted before anybody can see them.
func (w *world) revive(fn func(tx *db.Tx) error) {
	w.update(func(tx *db.Tx) error {
		dead := map[id.Delivery]string{}
		if err := lanesOf(tx, dead, "state = 'dead'"); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		now := map[id.Delivery]string{}
		if err := lanesOf(tx, now, "state = 'pending'"); err != nil {
			return err
		}
		for row := range now {
			if _, was := dead[row]; !was {
				delete(now, row)
			}
		}
		w.note(note{what: moved, rows: now, was: dead})
		return nil
	})
}

func (w *world) play(moves []move) {
	w.start()
	for _, m := range moves {
		w.make(m)
	}
	// Everybody is well again, and what was given up is tried once more.
	w.mu.Lock()
	clear(w.mood)
	w.mu.Unlock()
	w.start()
	w.update(func(tx *db.Tx) error {
		for _, n := range w.targets {
			if err := SetLimits(tx, n, Limits{InFlight: 4}); err != nil {
				return err
			}
			if _, err := Resume(tx, n, true); err != nil {
				return err
			}
		}
		return nil
	})
	patience := 4 * time.Hour
	for _, m := range moves {
		if m.What == "clock" {
			patience += m.For.Abs() // what was due then is due later now
		}
	}
	for left := 1; left > 0 && patience > 0; patience -= time.Minute {
		w.revive(func(tx *db.Tx) error {
			for i := range w.targets {
				if _, err := ReviveAll(tx, Filter{Kind: "test", Ref: int64(i + 1)}); err != nil {
					return err
				}
			}
			return nil
		})
		w.engine.Kick()
		wait(time.Minute)
		w.view(func(tx *db.Tx) error {
			return tx.One("SELECT COUNT(*) FROM deliveries WHERE state IN ('pending', 'dead')", nil, &left)
		})
	}
	w.end(true)
}

func (w *world) make(m move) {
	switch m.What {
	case "events":
		w.mask = m.Pick
		w.update(func(tx *db.Tx) error {
			var list []*event.Event
			for _, n := range m.Lanes {
				list = append(list, &event.Event{Type: event.MessageReceived, Conversation: &event.Conversation{ID: id.Conversation(n)}})
			}
			return w.f.Append(context.Background(), tx, list...)
		})
		for w.d.Engine() == db.Postgres {
			n, err := w.f.NumberOnce(context.Background())
			if err != nil {
				w.t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
	case "moment", "minute":
		wait(m.For)
	case "clock":
		w.offset.Add(int64(m.For))
	case "mood":
		w.mu.Lock()
		w.mood[int64(m.Target+1)] = m.Mood
		w.mu.Unlock()
	case "kill":
		w.end(false)
	case "kill and start":
		w.end(false)
		w.start()
	case "stop":
		w.end(true)
	case "start":
		w.start()
	case "pause":
		w.update(func(tx *db.Tx) error { return Pause(tx, w.targets[m.Target], "by hand") })
	case "resume":
		w.update(func(tx *db.Tx) error {
			n := w.targets[m.Target]
			if _, err := Resume(tx, n, m.Flag); err != nil || m.Flag {
				return err
			}
			gone := note{what: dropped, ref: int64(m.Target + 1)}
			if err := tx.One("SELECT COALESCE(MAX(id), 0) FROM deliveries WHERE target = $1", []any{int64(n)}, &gone.upTo); err != nil {
				return err
			}
			w.note(gone)
			return nil
		})
	case "limits":
		w.update(func(tx *db.Tx) error { return SetLimits(tx, w.targets[m.Target], m.Limits) })
	case "replay":
		if which := w.pick(Delivered, m.Pick); which != 0 {
			w.update(func(tx *db.Tx) error { _, err := Replay(tx, which); return err })
		}
	case "replay all":
		w.update(func(tx *db.Tx) error {
			total := 0
			if err := tx.One("SELECT COUNT(*) FROM deliveries", nil, &total); err != nil || total > chaosRows {
				return err
			}
			_, err := ReplayAll(tx, Filter{Kind: "test", Ref: int64(m.Target + 1)})
			return err
		})
	case "revive":
		if which := w.pick(Dead, m.Pick); which != 0 {
			w.revive(func(tx *db.Tx) error { return Revive(tx, which) })
		}
	case "revive all":
		w.revive(func(tx *db.Tx) error {
			_, err := ReviveAll(tx, Filter{Kind: "test", Ref: int64(m.Target + 1)})
			return err
		})
	}
	if w.engine != nil && m.What != "clock" {
		w.engine.Kick() // as the program does; nobody tells of a clock
	}
}

// stored is a delivery at the end.
type stored struct {
	ref   int64
	event id.Event
	lane  string
	state string
}

// judge compares what was seen with what must be and returns the first difference.
func (w *world) judge() string {
	rows := map[id.Delivery]*stored{}
	w.view(func(tx *db.Tx) error {
		_, err := db.All(tx, "SELECT d.id, t.ref, d.event_id, d.lane, d.state FROM deliveries d JOIN delivery_targets t ON t.id = d.target", nil, func(s db.Scanner) (bool, error) {
			var row id.Delivery
			var r stored
			err := s.Scan(&row, &r.ref, &r.event, &r.lane, &r.state)
			rows[row] = &r
			return true, err
		})
		return err
	})
	w.mu.Lock()
	defer w.mu.Unlock()

	// The lanes as they were in the beginning: a delivery that is revived moves to another one.
	lanes := map[id.Delivery]string{}
	for row, r := range rows {
		lanes[row] = r.lane
	}
	for _, n := range slices.Backward(w.notes) {
		for row := range n.rows {
			if n.what == moved {
				lanes[row] = n.was[row]
			}
		}
	}

	newest := map[string]id.Delivery{} // by target and lane: the newest delivery that was tried
	busy := map[string]id.Delivery{}   // by target and lane
	under := map[int64]int{}           // by target: attempts under way
	succeeded := map[id.Delivery]int{} // successes without an excuse for another
	arrived := map[id.Delivery]bool{}  // any success
	hooks := map[string]string{}       // by target and event: webhook id and body
	mayDrop := map[int64]id.Delivery{} // by target: the newest row that may have been dropped
	for at, n := range w.notes {
		r := rows[n.row]
		if r == nil && (n.what == began || n.what == ended) {
			return fmt.Sprintf("note %d: delivery %d is not in the database", at, n.row)
		}
		key := fmt.Sprint(n.ref, " ", lanes[n.row])
		switch n.what {
		case began:
			if lanes[n.row] != "" {
				if last := newest[key]; n.row < last {
					return fmt.Sprintf("note %d: target %d, lane %q: delivery %d was tried after %d", at, n.ref, lanes[n.row], n.row, last)
				}
				newest[key] = n.row
				if other, taken := busy[key]; taken {
					return fmt.Sprintf("note %d: target %d, lane %q: delivery %d was tried while %d was under way", at, n.ref, lanes[n.row], n.row, other)
				}
				busy[key] = n.row
			}
			if under[n.ref]++; under[n.ref] > chaosInFlight {
				return fmt.Sprintf("note %d: target %d has %d attempts under way, never more than %d were allowed", at, n.ref, under[n.ref], chaosInFlight)
			}
			if succeeded[n.row] > 0 {
				return fmt.Sprintf("note %d: delivery %d of target %d had arrived and came again, although no engine had died with it", at, n.row, n.ref)
			}
			which := fmt.Sprint(n.ref, " ", r.event)
			if hooks[which] == "" {
				hooks[which] = n.hook
			}
			if hooks[which] != n.hook {
				return fmt.Sprintf("note %d: event %d at target %d was %q (event, webhook id, body) and is now %q", at, r.event, n.ref, hooks[which], n.hook)
			}
		case ended:
			delete(busy, key)
			under[n.ref]--
			if n.out == Done {
				succeeded[n.row]++
				arrived[n.row] = true
			}
		case died:
			for row := range n.rows {
				succeeded[row] = 0
			}
		case moved:
			for row, lane := range n.rows {
				lanes[row] = lane
			}
		case dropped:
			mayDrop[n.ref] = n.upTo
		}
	}
	for row, r := range rows {
		switch {
		case r.state == Delivered && arrived[row]:
		case r.state == Dropped && row <= mayDrop[r.ref]:
		default:
			return fmt.Sprintf("delivery %d of event %d at target %d is %s at the end; it arrived: %v", row, r.event, r.ref, r.state, arrived[row])
		}
	}
	return ""
}
