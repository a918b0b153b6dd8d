package media

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/db"
)

const (
	// lookEvery is how often the worker looks without being woken: for what other nodes put down, and for what was cut off.
	lookEvery = 3 * time.Second
	// gatherTime is how long the worker waits after it was woken, so that what comes in a burst is claimed together.
	gatherTime = 50 * time.Millisecond
	// atOnce is how many files, and how many pages, are fetched at a time; perHost, how many of them from one host.
	atOnce  = 8
	perHost = 2
	// fileLease and cardLease are how long a file or page is its fetcher's; an errand ends leaseRest earlier, so that nobody
	// stores anything for what another has taken over.
	fileLease = 100 * time.Second
	cardLease = 60 * time.Second
	leaseRest = 10 * time.Second
	// lookPage is how many errands are read at a time to choose from.
	lookPage = 2 * atOnce
	// triesMost is how often an errand is begun whose result is never stored, and a message told that cannot be.
	triesMost = 3
	// tellBatch is how many waiting messages one sweep finds, and cardBatch how many cards are given up or removed at a time.
	tellBatch = 200
	cardBatch = 100
	// forgetEvery is how often cards that nobody needs are removed.
	forgetEvery = time.Hour
)

// errand is a file or page to fetch. due is what its row says: the time since when it is due, then the end of the lease.
type errand struct {
	id        int64
	due       int64
	tries     int // how often it was begun before
	url, host string
	key, name string // of a file
}

// crowd are the hosts that have all the calls they may have, "" for none: there cannot be more of them.
type crowd [atOnce / perHost]string

// errands is one kind of work with its places.
type errands struct {
	what  string
	lease time.Duration
	list  func(tx *db.Tx, after errand, crowded crowd, limit int) ([]errand, error)
	claim func(tx *db.Tx, e errand, until int64) (bool, error)
	// back gives a claimed errand back as if it had not been begun.
	back func(tx *db.Tx, e errand) error
	// run does the errand and returns what stores its result. What fails on the other side is a result; an error means cut off.
	run func(ctx context.Context, e errand) (store func(ctx context.Context, tx *db.Tx) error, err error)
	// giveUp settles an errand that cannot be done, and lets its message hear of that or not.
	giveUp func(ctx context.Context, tx *db.Tx, e errand, tell bool) error
	// after runs when the result is stored; nil is nothing.
	after func(ctx context.Context, e errand) error

	kick  chan<- struct{} // the worker's
	asked atomic.Bool     // somebody wants to be looked for

	mu    sync.Mutex
	busy  int
	hosts map[string]int
}

// enter takes a place for a call of a host.
func (q *errands) enter(host string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy >= atOnce || q.hosts[host] >= perHost {
		return false
	}
	q.busy++
	q.hosts[host]++
	return true
}

func (q *errands) leave(host string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
	if q.hosts[host]--; q.hosts[host] == 0 {
		delete(q.hosts, host)
	}
}

// crowded are the hosts that no further call may go to.
func (q *errands) crowded() (out crowd) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for host, calls := range q.hosts {
		if calls >= perHost {
			out[n] = host
			n++
		}
	}
	return out
}

// wake lets the worker look for errands of this kind at once.
func (q *errands) wake() {
	q.asked.Store(true)
	select {
	case q.kick <- struct{}{}:
	default:
	}
}

func (q *errands) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.busy >= atOnce
}

// work is what the worker of a Desk has.
type work struct {
	kick         chan struct{}
	files, cards *errands
}

func (d *Desk) newWork() *work {
	kick := make(chan struct{}, 1)
	noCard := func(_ context.Context, tx *db.Tx, e errand, _ bool) error { return giveUpCard(tx, e) }
	return &work{
		kick: kick,
		files: &errands{what: "file", lease: fileLease, list: dueFiles, claim: claimFile, back: fileBack, run: d.fetchFile, giveUp: d.giveUpFile,
			kick: kick, hosts: map[string]int{}},
		cards: &errands{what: "link card", lease: cardLease, list: dueCards, claim: claimCard, back: cardBack, run: d.fetchCard, giveUp: noCard, after: d.tellOf,
			kick: kick, hosts: map[string]int{}},
	}
}

// Run fetches files and makes link cards until ctx ends; then it gives back what is under way. Several nodes may run it on one
// database: each file and page is fetched by one of them.
func (d *Desk) Run(ctx context.Context) error {
	if d.HTTP == nil {
		return nil
	}
	var under sync.WaitGroup
	defer under.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var forgotten time.Time
	for sweep := true; ; {
		if sweep {
			d.note(ctx, "messages could not be told of their link cards", d.tell(ctx))
			d.note(ctx, "link cards that are late could not be given up", d.giveUpLate(ctx))
			if now := d.DB.Now(); now.Sub(forgotten) >= forgetEvery {
				d.note(ctx, "old link cards could not be removed", d.forgetCards(ctx))
				forgotten = now
			}
		}
		for _, q := range []*errands{d.work.files, d.work.cards} {
			if asked := q.asked.Swap(false); !asked && !sweep {
				continue
			}
			_, err := d.begin(ctx, q, under.Go)
			d.note(ctx, "what is to be fetched could not be looked for", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.work.kick:
			sweep = false
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(gatherTime):
			}
		case <-tick.C:
			sweep = true
		}
	}
}

// note logs what the worker could not do and will try again.
func (d *Desk) note(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		d.Logger.Warn(what+"; trying again", "error", err)
	}
}

// RunOnce fetches everything that is due and returns how many files and pages that were. It is for tests.
func (d *Desk) RunOnce(ctx context.Context) (int, error) {
	all := 0
	for {
		if err := d.giveUpLate(ctx); err != nil {
			return all, err
		}
		var under sync.WaitGroup
		began := 0
		for _, q := range []*errands{d.work.files, d.work.cards} {
			n, err := d.begin(ctx, q, under.Go)
			if err != nil {
				under.Wait()
				return all, err
			}
			began += n
		}
		under.Wait()
		all += began
		if err := d.tell(ctx); err != nil || began == 0 {
			return all, err
		}
	}
}

// begin starts what is due and has a place, and returns how much that was.
func (d *Desk) begin(ctx context.Context, q *errands, start func(func())) (int, error) {
	chosen, err := d.choose(ctx, q)
	if err != nil || len(chosen) == 0 {
		return 0, err
	}
	var mine map[int64]int64
	err = d.DB.UpdateAside(ctx, func(_ context.Context, tx *db.Tx) error {
		mine = map[int64]int64{}
		until := db.Micros(tx.Now().Add(q.lease))
		for _, e := range chosen {
			ok, err := q.claim(tx, e, until)
			if err != nil {
				return fmt.Errorf("claim %s %d: %w", q.what, e.id, err)
			}
			if ok {
				mine[e.id] = until
			}
		}
		return nil
	})
	if err != nil {
		mine = nil // nothing was stored
	}
	for _, e := range chosen {
		until, ok := mine[e.id]
		if !ok {
			q.leave(e.host)
			continue
		}
		e.due = until
		start(func() {
			// The next one is looked for when the place is free.
			defer q.wake()
			defer q.leave(e.host)
			d.carryOut(ctx, q, e)
		})
	}
	return len(mine), err
}

// choose finds what is due and takes places for it. What has no place because its host is crowded is not even read: a long list of one
// slow host stands in nobody's way.
func (d *Desk) choose(ctx context.Context, q *errands) ([]errand, error) {
	var chosen []errand
	var last errand
	for !q.full() {
		var page []errand
		err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			page, err = q.list(tx, last, q.crowded(), lookPage)
			return err
		})
		if err != nil {
			for _, e := range chosen {
				q.leave(e.host)
			}
			return nil, fmt.Errorf("look for a %s to fetch: %w", q.what, err)
		}
		for _, e := range page {
			if q.enter(e.host) {
				chosen = append(chosen, e)
			}
			last = e
		}
		if len(page) < lookPage {
			break
		}
	}
	return chosen, nil
}

// carryOut does an errand within its lease and stores the result. What was cut off is given back; what could not be stored is done again
// when the lease is over, a few times. What makes its errand panic is given up at once: it must not take the server down, at each start
// again.
func (d *Desk) carryOut(ctx context.Context, q *errands, e errand) {
	within, cancel := context.WithTimeout(ctx, q.lease-leaseRest)
	defer cancel()
	var store func(ctx context.Context, tx *db.Tx) error
	var err error
	begun := e.tries < triesMost
	if begun {
		err = safely(func() (err error) {
			store, err = q.run(within, e)
			return err
		})
	}
	last, end := context.WithTimeout(context.WithoutCancel(ctx), leaseRest/2)
	defer end()
	_, broke := errors.AsType[*panicked](err)
	switch {
	case !begun || broke:
		d.Logger.Error("what was to be fetched is given up", "what", q.what, "id", e.id, "host", e.host, "tries", e.tries, "error", err)
		d.giveUp(last, q, e)
		return
	case err != nil && ctx.Err() != nil:
		store = func(_ context.Context, tx *db.Tx) error { return q.back(tx, e) }
	case err != nil:
		d.Logger.Warn("what was to be fetched could not be; it is tried again", "what", q.what, "id", e.id, "error", err)
		return
	}
	if failed := d.keep(last, store); failed != nil {
		d.Logger.Warn("what was fetched could not be stored; it is fetched again", "what", q.what, "id", e.id, "error", failed)
		return
	}
	if err == nil && q.after != nil {
		d.note(ctx, "messages could not be told of a link card", q.after(ctx, e))
	}
}

// keep stores the result of an errand, in several tries while ctx lasts. A panic is not tried again.
func (d *Desk) keep(ctx context.Context, store func(ctx context.Context, tx *db.Tx) error) error {
	for {
		err := safely(func() error { return d.DB.UpdateAside(ctx, store) })
		if _, broke := errors.AsType[*panicked](err); err == nil || broke {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

// giveUp settles an errand that cannot be done. Where its message cannot hear of that, it is settled all the same.
func (d *Desk) giveUp(ctx context.Context, q *errands, e errand) {
	for _, tell := range []bool{true, false} {
		err := safely(func() error {
			return d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error { return q.giveUp(ctx, tx, e, tell) })
		})
		if err == nil {
			return
		}
		d.Logger.Error("what became of what was to be fetched could not be stored", "what", q.what, "id", e.id, "told", tell, "error", err)
	}
}

// panicked is a panic as an error.
type panicked struct {
	value any
	stack []byte
}

// Error implements error.
func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// safely calls fn and makes an error of its panic.
func safely(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return fn()
}

// hostOf is the host of an address that was checked, without its port: who has the name has all the ports.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}
