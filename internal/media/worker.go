package media

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"parley/internal/db"
)

const (
	// lookEvery is how often the worker looks without being woken: for what other nodes put down, and for what was cut off.
	lookEvery = 3 * time.Second
	// gatherTime is how long the worker waits after it was woken, so that what comes in a burst is claimed together.
	gatherTime = 20 * time.Millisecond
	// atOnce is how many files, and how many pages, are fetched at a time; perHost, how many of them from one host.
	atOnce  = 8
	perHost = 2
	// fileLease and cardLease are how long a file or page is its fetcher's; an errand ends leaseRest earlier, so that nobody
	// stores anything for what another has taken over.
	fileLease = 100 * time.Second
	cardLease = 60 * time.Second
	leaseRest = 10 * time.Second
	// lookPage and lookPages bound how many errands are looked at for one that may begin.
	lookPage  = 100
	lookPages = 20
	// tellBatch is how many waiting messages one sweep finds.
	tellBatch = 200
	// forgetEvery is how often cards of pages that say nothing are removed.
	forgetEvery = time.Hour
)

// errand is a file or page to fetch. due is what its row says: the time since when it is due, then the end of the lease.
type errand struct {
	id        int64
	due       int64
	url       string
	key, name string // of a file
}

// errands is one kind of work with its places.
type errands struct {
	what  string
	lease time.Duration
	list  func(tx *db.Tx, after errand, limit int) ([]errand, error)
	claim func(tx *db.Tx, e errand, until int64) (bool, error)
	// run does the errand and returns what stores its result. What fails on the other side is a result; an error means cut off.
	run func(ctx context.Context, e errand) (store func(ctx context.Context, tx *db.Tx) error, err error)
	// after runs when the result is stored; nil is nothing.
	after func(ctx context.Context, e errand) error

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
	return &work{
		kick:  make(chan struct{}, 1),
		files: &errands{what: "file", lease: fileLease, list: dueFiles, claim: claimFile, run: d.fetchFile, hosts: map[string]int{}},
		cards: &errands{what: "link card", lease: cardLease, list: dueCards, claim: claimCard, run: d.fetchCard, after: d.tellOf, hosts: map[string]int{}},
	}
}

// wake lets the worker look at once.
func (w *work) wake() {
	select {
	case w.kick <- struct{}{}:
	default:
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
			if now := d.DB.Now(); now.Sub(forgotten) >= forgetEvery {
				d.note(ctx, "old link cards could not be removed", d.forgetCards(ctx))
				forgotten = now
			}
		}
		for _, q := range []*errands{d.work.files, d.work.cards} {
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
	err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
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
		host := hostOf(e.url)
		until, ok := mine[e.id]
		if !ok {
			q.leave(host)
			continue
		}
		e.due = until
		start(func() {
			// The next one is looked for when the place is free.
			defer d.work.wake()
			defer q.leave(host)
			d.carryOut(ctx, q, e)
		})
	}
	return len(mine), err
}

// choose finds what is due and takes places for it.
func (d *Desk) choose(ctx context.Context, q *errands) ([]errand, error) {
	var chosen []errand
	var last errand
	for range lookPages {
		if q.full() {
			break
		}
		var page []errand
		err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			page, err = q.list(tx, last, lookPage)
			return err
		})
		if err != nil {
			for _, e := range chosen {
				q.leave(hostOf(e.url))
			}
			return nil, fmt.Errorf("look for a %s to fetch: %w", q.what, err)
		}
		for _, e := range page {
			if q.enter(hostOf(e.url)) {
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
// when the lease is over.
func (d *Desk) carryOut(ctx context.Context, q *errands, e errand) {
	within, cancel := context.WithTimeout(ctx, q.lease-leaseRest)
	defer cancel()
	store, err := q.run(within, e)
	last, end := context.WithTimeout(context.WithoutCancel(ctx), leaseRest/2)
	defer end()
	if err != nil {
		store = func(_ context.Context, tx *db.Tx) error {
			_, err := q.claim(tx, e, db.Micros(tx.Now()))
			return err
		}
	}
	for {
		err := d.DB.Update(last, store)
		if err == nil {
			break
		}
		select {
		case <-last.Done():
			d.Logger.Warn("what was fetched could not be stored; it is fetched again", "what", q.what, "id", e.id, "error", err)
			return
		case <-time.After(time.Second):
		}
	}
	if err == nil && q.after != nil {
		d.note(ctx, "messages could not be told of a link card", q.after(ctx, e))
	}
}

// hostOf is the host of an address that was checked.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}
