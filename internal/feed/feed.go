package feed

import (
	"context"
	"fmt"
	"sync"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// Planner queues what an event must cause (deliveries), in the event's own transaction. It must be quick, must not fail
// for reasons of the event's content, and an error fails the whole command.
type Planner func(ctx context.Context, tx *db.Tx, e *event.Event) error

// numberBatch bounds how many events one numbering transaction takes on PostgreSQL.
const numberBatch = 1000

// Feed appends, numbers and reads events.
type Feed struct {
	db *db.DB

	mu       sync.Mutex
	planners []Planner
	waiters  chan struct{} // closed and replaced at each wake-up
	remote   func()        // tells other nodes; may be nil
	trouble  func(error)   // hears why numbering failed; may be nil
	number   chan struct{}
	recent   recent
}

// New makes a Feed over d.
func New(d *db.DB) *Feed {
	return &Feed{db: d, waiters: make(chan struct{}), number: make(chan struct{}, 1)}
}

// Plan adds a planner. Call it before the first Append.
func (f *Feed) Plan(p Planner) { f.planners = append(f.planners, p) }

// OnAppend sets the function that tells other nodes that the feed has grown. Losing a call costs time, not events.
func (f *Feed) OnAppend(fn func()) { f.remote = fn }

// OnTrouble sets the function that hears why RunNumbering could not number. Call it before RunNumbering.
func (f *Feed) OnTrouble(fn func(error)) { f.trouble = fn }

// Append stores events in the order given, as part of tx, and lets the planners queue deliveries. It sets ID and, where the
// event leaves them empty, At and By. Only the domain's commands call it.
func (f *Feed) Append(ctx context.Context, tx *db.Tx, events ...*event.Event) error {
	for _, e := range events {
		if e.At.IsZero() {
			e.At = tx.Now()
		}
		if e.By.Type == "" {
			e.By.Type = event.BySystem
		}
		if err := insertEvent(tx, e); err != nil {
			return fmt.Errorf("append event %s: %w", e.Type, err)
		}
		for _, p := range f.planners {
			if err := p(ctx, tx, e); err != nil {
				return fmt.Errorf("plan event %s: %w", e.Type, err)
			}
		}
	}
	if len(events) > 0 {
		tx.OnCommit(func() { f.committed(events) })
	}
	return nil
}

func (f *Feed) committed(events []*event.Event) {
	if f.db.Engine() == db.Postgres {
		select {
		case f.number <- struct{}{}:
		default:
		}
		return
	}
	f.recent.add(events)
	f.Wake()
	if f.remote != nil {
		f.remote()
	}
}

// Wake lets everyone who waits in Changed look at the feed again. It is called after commits and by other nodes' calls.
func (f *Feed) Wake() {
	f.mu.Lock()
	close(f.waiters)
	f.waiters = make(chan struct{})
	f.mu.Unlock()
}

// Changed returns a channel that is closed at the next wake-up. Take it before reading, wait on it after.
func (f *Feed) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiters
}

// RunNumbering numbers committed events on PostgreSQL until ctx ends; on SQLite it returns at once. Several nodes may run it:
// the row lock of the counter lets one number at a time. What keeps it from numbering goes to OnTrouble; it tries again
// within a second.
func (f *Feed) RunNumbering(ctx context.Context) error {
	if f.db.Engine() != db.Postgres {
		return nil
	}
	// A node that died between commit and numbering leaves events without a number; the tick finds them.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		n, err := f.NumberOnce(ctx)
		if err == nil && n == numberBatch {
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && f.trouble != nil {
			f.trouble(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.number:
		case <-tick.C:
		}
	}
}

// NumberOnce gives the next numbers to committed events that have none, in order of their ids, and returns how many it numbered.
func (f *Feed) NumberOnce(ctx context.Context) (int, error) {
	var n int
	err := f.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		n = 0
		any, err := unnumbered(tx)
		if err != nil || !any {
			return err
		}
		last, err := lockCounter(tx)
		if err != nil {
			return err
		}
		if n, err = numberEvents(tx, last, numberBatch); err != nil {
			return err
		}
		return setCounter(tx, last+id.Seq(n))
	})
	if err != nil {
		return 0, fmt.Errorf("number events: %w", err)
	}
	if n > 0 {
		f.Wake()
		if f.remote != nil {
			f.remote()
		}
	}
	return n, nil
}

// Latest returns the newest seq, 0 for an empty feed, as tx sees it.
func (f *Feed) Latest(tx *db.Tx) (id.Seq, error) { return latestSeq(tx) }

// Filter narrows a read.
type Filter struct {
	Types   []event.Type // none means all
	Contact id.Contact   // 0 means all
}

// Read returns up to limit events with a seq above after, in order.
func (f *Feed) Read(tx *db.Tx, after id.Seq, limit int, filter Filter) ([]*event.Event, error) {
	return readEvents(tx, after, limit, filter)
}

// ReadAfter is Read in a transaction of its own, or from memory where the events are recent; nobody may change them. It also
// returns the newest seq of the same moment.
func (f *Feed) ReadAfter(ctx context.Context, after id.Seq, limit int, filter Filter) (events []*event.Event, latest id.Seq, err error) {
	if events, latest, ok := f.recent.after(after, limit, filter); ok {
		return events, latest, nil
	}
	err = f.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		if latest, err = latestSeq(tx); err != nil {
			return err
		}
		events, err = readEvents(tx, after, limit, filter)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read feed after %d: %w", after, err)
	}
	return events, latest, nil
}

// Get returns one numbered event by id; db.ErrNoRows when there is none. Nobody may change it.
func (f *Feed) Get(tx *db.Tx, eventID id.Event) (*event.Event, error) {
	found, err := f.Many(tx, []id.Event{eventID})
	if err == nil && found[eventID] == nil {
		err = db.ErrNoRows
	}
	return found[eventID], err
}

// Many returns the events of these ids, in one look where they are not recent; ids that are not stored are left out. Nobody may
// change them.
func (f *Feed) Many(tx *db.Tx, ids []id.Event) (map[id.Event]*event.Event, error) {
	found := make(map[id.Event]*event.Event, len(ids))
	var missing []id.Event
	for _, one := range ids {
		if _, known := found[one]; known {
			continue
		}
		e := f.recent.get(one)
		if e == nil {
			missing = append(missing, one)
		}
		found[one] = e
	}
	read, err := eventsByID(tx, missing)
	if err != nil {
		return nil, fmt.Errorf("read %d events: %w", len(missing), err)
	}
	for _, e := range read {
		found[e.ID] = e
	}
	return found, nil
}

// Rewrite replaces what is stored of an event, as part of tx: its id, number, type, lane and time stay. It is for what must not be kept any
// more, and nobody hears of it; who has read the event before keeps what they have.
func (f *Feed) Rewrite(tx *db.Tx, e *event.Event) error {
	if err := rewriteEvent(tx, e); err != nil {
		return fmt.Errorf("rewrite event %d: %w", e.ID, err)
	}
	tx.OnCommit(func() { f.recent.replace(e) })
	return nil
}
