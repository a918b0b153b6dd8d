package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/secret"
)

// DefaultInFlight is how many attempts to one target are under way at most, unless it says otherwise.
const DefaultInFlight = 16

// Options are what an Engine needs. DB and Executors are required.
type Options struct {
	DB *db.DB
	// Executors deliver, by the kind of target.
	Executors map[string]Executor
	// Changed returns a channel that is closed when the event feed has grown (Feed.Changed). Nil leaves it to Poll and Kick.
	Changed func() <-chan struct{}
	// Node names this process among several on one database; an engine takes over what an earlier one of its node left
	// behind without waiting for the lease to end. "" means "local".
	Node   string
	Logger *slog.Logger
	// Now is the clock; nil means the database's.
	Now func() time.Time

	// Lease is how long a target stays an engine's without renewal (zero: 10 s), RenewEvery how often it renews (zero: 3 s).
	// Clocks of nodes may differ by Lease − 2 × RenewEvery.
	Lease, RenewEvery time.Duration
	// IdleAfter is when a target without work is given up, so that any node can take it next (zero: 30 s).
	IdleAfter time.Duration
	// Poll is how often the engine looks without having been woken (zero: 500 ms on PostgreSQL, 5 s on SQLite).
	Poll time.Duration
	// InFlight bounds the attempts under way to all targets together (zero: 512).
	InFlight int
	// Window bounds the waiting rows in memory per target (zero: 1,000).
	Window int
	// Attempt bounds one attempt whatever the executor says (zero: 2 minutes).
	Attempt time.Duration
	// Schedule are the waits after the first failures; its last entry repeats until a delivery is GiveUp old
	// (nil: 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 6 h; zero: 3 days).
	Schedule []time.Duration
	GiveUp   time.Duration
	// BreakAfter failures in a row, over all lanes, open a target's breaker (zero: 10), for BreakFor at first, doubling up to
	// 10 minutes (zero: 15 s).
	BreakAfter int
	BreakFor   time.Duration
	// WarnAfter are the times without a success after which a failing target's executor is told (nil: 1 and 3 days). After
	// PauseAfter the engine pauses the target (zero: 5 days; negative: never).
	WarnAfter  []time.Duration
	PauseAfter time.Duration
	// Observe hears of every attempt when it is over, before its result is stored. It must be quick. Nil is nobody.
	Observe func(Observation)
	// Rand gives the jitter, 0 to 1; nil is random.
	Rand func() float64
}

// maxBreak bounds how long a breaker stays open before it probes.
const maxBreak = 10 * time.Minute

// maxAfter bounds what a Retry-After is believed.
const maxAfter = 24 * time.Hour

// restAfter is how long a target must not have been tried for its failures to be counted anew: nothing was queued, or no engine
// ran, and nobody knows how it did meanwhile.
const restAfter = 72 * time.Hour

const (
	// laneRows is how many rows of one lane are in memory; the rest is read when they are done.
	laneRows = 32
	// parkedMax bounds the lanes of a target that wait for a retry in memory.
	parkedMax = 10_000
	// sweepEvery is how often targets are looked for that have something pending and that nobody will look at: another node saw
	// that the target had an owner, and the owner left it before it saw the row, and died.
	sweepEvery = time.Minute
	// dropRows is how many are dropped at a time where there are many.
	dropRows = 500
	// tailStep is how many events one read of the feed's end covers.
	tailStep = 256
	// apartMax is how many test calls and single replays go before the rest at once.
	apartMax = 16
	// prepareMax is how many jobs are prepared together.
	prepareMax = 64
	// ackMax is how many results share a transaction.
	ackMax = 256
	// While at least gatherFrom attempts are under way and as many results came together the last time, results gather for
	// gatherTime before they are stored: fewer and larger transactions.
	gatherFrom = 24
	gatherTime = 3 * time.Millisecond
)

// Engine delivers. Make one with New, start it with Run, end it with Stop.
type Engine struct {
	o        Options
	db       *db.DB
	log      *slog.Logger
	owner    string
	instance string

	kick    chan struct{} // look at everything, also at other processes' changes of targets
	ready   chan struct{} // something to prepare
	needs   chan struct{} // the memory needs the reading goroutine
	results chan struct{} // something to acknowledge
	halt    context.CancelFunc
	ended   chan struct{} // all goroutines of Run are gone
	workers sync.WaitGroup

	// attemptCtx ends when attempts under way are given up.
	attemptCtx context.Context
	abort      context.CancelFunc

	mu       sync.Mutex
	started  bool
	stopping bool
	targets  map[Target]*target
	runnable []*target // targets with a prepared job and a free place, in turn
	waiting  []*target // targets with a lane to prepare, in turn
	inFlight int
	acks     []*result
	acking   int
	reading  bool    // a read of pending rows is under way: finished lanes must be remembered until it was applied
	ghosts   []*lane // those
	refills  []*lane
	idle     chan struct{} // closed when stopping and nothing is in flight or to be acknowledged

	// Of the reading goroutine only.
	tail     id.Seq
	nextPoll time.Time
	swept    time.Time
	renewed  time.Time
	latest   time.Time // the clock at the last round
}

// target is an owned target with its lanes in memory.
type target struct {
	id       Target
	kind     string
	ref      int64
	fence    int64
	nudge    int64
	cap      int // the configured limit
	limit    int // the limit that its behaviour has earned
	resumed  time.Time
	until    time.Time // the lease
	paused   bool
	pausing  bool // a result that pauses it is being stored
	stale    bool // its rows were changed by others: memory is thrown away and read again
	lost     bool // another engine owns it, or it was released; results are not stored
	executor Executor
	pace     pace
	drop     dropping // rows that are not to be sent

	lanes    map[string]*lane
	rows     int // rows in memory
	parked   parkedHeap
	todo     []*lane // lanes whose head is due and not prepared
	prepared []*lane // lanes whose head is prepared
	inFlight int
	pending  int // prepared or being prepared
	unacked  int

	// behind tells that the database has rows after from that are not in memory.
	behind bool
	from   id.Delivery
	// apart tells that test calls and single replays may wait anywhere in these rows; the newest before apartTo are looked for first.
	apart   bool
	apartTo id.Delivery

	failures int
	opens    int // how often the breaker opened without a success between
	breaker  string
	probeAt  time.Time
	busyAt   time.Time
	listed   bool // in runnable
	queued   bool // in waiting

	failingSince time.Time // the first failure after the last success
	warned       int       // how many of WarnAfter were told
	triedAt      time.Time // the end of the last attempt
	status       int       // its answer
}

// still tells that nothing may be prepared or started for the target now.
func (t *target) still() bool { return t.lost || t.paused || t.pausing || t.stale }

// lane is the queue of one lane of a target. At most one of its rows is anywhere between due and acknowledged.
type lane struct {
	key   string
	t     *target
	rows  []*row
	last  id.Delivery // the newest row that was ever put here
	more  bool        // the database has rows of this lane after last
	state laneState
	job   *Job
	due   time.Time // while parked
	asked bool      // in refills
}

type laneState int

const (
	laneIdle      laneState = iota // nothing to do, or its rows are in the database only
	laneTodo                       // the head is due
	lanePreparing                  // its body is being made
	lanePrepared                   // waits for its turn
	laneFlying                     // the attempt is under way
	laneAcking                     // its result is being stored
	laneParked                     // the head waits for its next attempt
)

// New makes an Engine; it does nothing until Run.
func New(o Options) *Engine {
	if o.DB == nil {
		panic("delivery: New needs a DB")
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	number := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	def(&o.Lease, 10*time.Second)
	def(&o.RenewEvery, 3*time.Second)
	def(&o.IdleAfter, 30*time.Second)
	def(&o.Attempt, 2*time.Minute)
	def(&o.GiveUp, 72*time.Hour)
	def(&o.BreakFor, 15*time.Second)
	def(&o.PauseAfter, 5*24*time.Hour)
	if o.WarnAfter == nil {
		o.WarnAfter = []time.Duration{24 * time.Hour, 72 * time.Hour}
	}
	number(&o.InFlight, 512)
	number(&o.Window, 1000)
	number(&o.BreakAfter, 10)
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
		if o.DB.Engine() == db.Postgres {
			o.Poll = 500 * time.Millisecond
		}
	}
	if o.Schedule == nil {
		o.Schedule = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour}
	}
	if o.Node == "" {
		o.Node = "local"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = o.DB.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	e := &Engine{
		o: o, db: o.DB, log: o.Logger, owner: o.Node + "/" + secret.UUID(),
		kick: make(chan struct{}, 1), ready: make(chan struct{}, 1), needs: make(chan struct{}, 1), results: make(chan struct{}, 1),
		ended: make(chan struct{}), idle: make(chan struct{}), targets: map[Target]*target{},
	}
	e.attemptCtx, e.abort = context.WithCancel(context.Background())
	return e
}

// Kick makes the engine look at the feed and at its targets now. It never blocks. Losing a kick costs at most RenewEvery.
func (e *Engine) Kick() { signal(e.kick) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (e *Engine) now() time.Time { return e.o.Now() }

// Run delivers until ctx ends or Stop is called. An end of ctx gives up what is under way: use Stop for a clean end. It
// returns an error only if it cannot start.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	if e.started || e.stopping {
		e.mu.Unlock()
		return errors.New("delivery: this engine was started or stopped before")
	}
	e.started = true
	ctx, e.halt = context.WithCancel(ctx)
	e.mu.Unlock()
	defer close(e.ended)
	defer e.abort()
	defer e.halt()
	if err := e.retry(ctx, "read the installation's name", func() (err error) {
		e.instance, err = InstanceID(ctx, e.db)
		return err
	}); err != nil {
		return nil // ctx ended first
	}
	var parts sync.WaitGroup
	parts.Go(func() { e.guard("acknowledge", func() { e.acknowledge(ctx) }) })
	parts.Go(func() { e.guard("prepare", func() { e.prepare(ctx) }) })
	e.guard("read", func() { e.read(ctx) })
	e.halt() // one part that fails ends all
	parts.Wait()
	e.mu.Lock()
	e.stopping = true
	e.mu.Unlock()
	e.abort()
	e.workers.Wait()
	return nil
}

// guard lets a bug in one part end the engine instead of the process.
func (e *Engine) guard(part string, fn func()) {
	defer func() {
		if v := recover(); v != nil {
			e.log.Error("delivery engine broken", "part", part, "panic", v, "stack", string(debug.Stack()))
			e.halt()
		}
	}()
	fn()
}

// retry runs fn until it succeeds or ctx ends, with growing pauses: the database may be away for a while.
func (e *Engine) retry(ctx context.Context, what string, fn func() error) error {
	pause := 100 * time.Millisecond
	for {
		err := fn()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		e.log.Warn("delivery engine waits for the database", "what", what, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(pause*2, 2*time.Second)
	}
}

// Stop ends the engine cleanly: nothing new is tried, attempts under way may finish until ctx ends, their results are
// stored, and the targets are free for other nodes at once. What did not finish in time is tried again by the next engine.
func (e *Engine) Stop(ctx context.Context) error {
	e.mu.Lock()
	started := e.started
	if !e.stopping {
		e.stopping = true
		e.quietLocked()
	}
	e.mu.Unlock()
	if !started {
		return nil
	}
	var err error
	select {
	case <-e.idle:
	case <-e.ended:
	case <-ctx.Done():
		err = fmt.Errorf("stop deliveries: attempts or their results were still under way: %w", ctx.Err())
	}
	e.halt()
	<-e.ended
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if e2 := e.releaseAll(release); e2 != nil && err == nil {
		err = e2
	}
	return err
}

// quietLocked closes idle when the engine is stopping and nothing is left to finish.
func (e *Engine) quietLocked() {
	if !e.stopping || e.inFlight > 0 || len(e.acks) > 0 || e.acking > 0 {
		return
	}
	select {
	case <-e.idle:
	default:
		close(e.idle)
	}
}

// --- lanes ---------------------------------------------------------------------------------------------------------------

// addLocked puts a pending row into its lane. It returns false when there is no room; the caller remembers that.
func (e *Engine) addLocked(t *target, r *row) bool {
	if t.drop.takes(r) {
		return true
	}
	key := r.lane
	if key == "" {
		key = "#" + strconv.FormatInt(int64(r.id), 10)
	}
	l := t.lanes[key]
	if l == nil {
		if t.rows >= e.o.Window || len(t.parked) >= parkedMax {
			return false
		}
		l = &lane{key: key, t: t}
		t.lanes[key] = l
	}
	if r.id <= l.last {
		return true // seen before
	}
	if l.more {
		return true // comes with the lane's next refill
	}
	if len(l.rows) >= laneRows || l.state == laneParked {
		l.more = true
		return true
	}
	if t.rows >= e.o.Window {
		return false
	}
	l.rows = append(l.rows, r)
	l.last = r.id
	t.rows++
	if l.state == laneIdle {
		e.wakeLaneLocked(l)
	}
	return true
}

// addApartLocked puts a row that belongs to no lane in front of what the target waits for: somebody looks at a screen and waits for
// it. It takes no heed of the window, so callers add few.
func (e *Engine) addApartLocked(t *target, r *row) {
	key := "#" + strconv.FormatInt(int64(r.id), 10)
	if t.lanes[key] != nil || t.drop.takes(r) {
		return
	}
	l := &lane{key: key, t: t, rows: []*row{r}, last: r.id}
	t.lanes[key] = l
	t.rows++
	e.wakeLaneLocked(l)
	if n := len(t.todo); n > 1 && t.todo[n-1] == l {
		t.todo = slices.Insert(t.todo[:n-1], 0, l)
	}
}

// wakeLaneLocked decides what happens to an idle lane: its head becomes due or waits, the lane is refilled, or it ends.
func (e *Engine) wakeLaneLocked(l *lane) {
	t := l.t
	if len(l.rows) == 0 {
		l.state = laneIdle
		if l.more {
			if !l.asked {
				l.asked = true
				e.refills = append(e.refills, l)
				signal(e.needs)
			}
			return
		}
		if e.reading { // the read may show a row that was acknowledged since: last tells
			e.ghosts = append(e.ghosts, l)
			return
		}
		delete(t.lanes, l.key)
		return
	}
	head := l.rows[0]
	if head.nextAt.After(e.now()) {
		l.state, l.due = laneParked, head.nextAt
		t.parked.push(l)
		t.rows -= len(l.rows) // the window is for what can go now
		if len(l.rows) > 1 {  // what waits behind is read again when its turn comes
			l.rows, l.last, l.more = l.rows[:1:1], head.id, true
		}
		signal(e.needs) // it keeps the time
		return
	}
	l.state = laneTodo
	t.todo = append(t.todo, l)
	e.offerLocked(t)
}

// offerLocked puts the target into the queues that it belongs in now.
func (e *Engine) offerLocked(t *target) {
	if t.still() || e.stopping {
		return
	}
	// Not before half of what may be prepared is used up: one look at the database for many jobs costs a fraction of many looks.
	if ahead := e.aheadLocked(t); !t.queued && len(t.todo) > 0 && t.pending < ahead && t.pending <= ahead/2 {
		t.queued = true
		e.waiting = append(e.waiting, t)
		signal(e.ready)
	}
	if !t.listed && len(t.prepared) > 0 && t.inFlight < e.placesLocked(t) && e.paceLocked(t) {
		t.listed = true
		e.runnable = append(e.runnable, t)
	}
}

// aheadLocked is how many jobs may be prepared before their turn.
func (e *Engine) aheadLocked(t *target) int {
	if t.breaker != Closed {
		return e.placesLocked(t)
	}
	return 2 * t.limit
}

// placesLocked is how many attempts the target may have under way now.
func (e *Engine) placesLocked(t *target) int {
	switch t.breaker {
	case Open:
		return 0
	case HalfOpen:
		return 1
	}
	return min(t.limit, t.cap)
}

// dispatchLocked starts workers for what is prepared.
func (e *Engine) dispatchLocked() {
	for e.inFlight < e.o.InFlight {
		l := e.nextLocked()
		if l == nil {
			return
		}
		e.workers.Add(1)
		go e.work(l)
	}
}

// nextLocked takes the next job, from the targets in turn.
func (e *Engine) nextLocked() *lane {
	now := e.now()
	for len(e.runnable) > 0 {
		t := e.runnable[0]
		e.runnable = e.runnable[1:]
		t.listed = false
		if e.stopping || t.still() || len(t.prepared) == 0 || t.inFlight >= e.placesLocked(t) {
			continue
		}
		if !now.Before(t.until) {
			continue // the lease could not be renewed: somebody else may own the target by now
		}
		if !e.paceLocked(t) {
			continue
		}
		t.pace.take(now)
		l := t.prepared[0]
		t.prepared[0] = nil
		t.prepared = t.prepared[1:]
		t.pending--
		t.inFlight++
		e.inFlight++
		l.state = laneFlying
		e.offerLocked(t)
		return l
	}
	return nil
}

// work makes attempts until there is nothing to do.
func (e *Engine) work(l *lane) {
	defer e.workers.Done()
	for l != nil {
		roomy()
		job := l.job
		started := e.now()
		out := e.attempt(l.t.executor, job)
		took := e.now().Sub(started)
		kind, ref := l.t.kind, l.t.ref
		e.mu.Lock()
		verdict := e.finishLocked(l, out, started, took)
		l = nil
		if e.inFlight < e.o.InFlight {
			l = e.nextLocked()
		}
		if len(e.runnable) > 0 {
			e.dispatchLocked()
		}
		e.mu.Unlock()
		if e.o.Observe != nil && verdict != Hold {
			e.o.Observe(Observation{Kind: kind, Ref: ref, Verdict: verdict, Took: took})
		}
	}
}

// roomy makes the goroutine's stack large enough for an attempt while it is nearly empty. Else it grows in the middle of the
// call, where everything on it has to be copied: a twentieth of a delivery's cost.
//
//go:noinline
func roomy() {
	var room [12 << 10]byte
	touch(&room)
}

//go:noinline
func touch(room *[12 << 10]byte) { room[0] = 1 }

// attempt calls the executor; a panic in it is a failed attempt.
func (e *Engine) attempt(x Executor, job *Job) (out Outcome) {
	defer func() {
		if v := recover(); v != nil {
			e.log.Error("executor panicked", "kind", job.Kind, "delivery", job.ID, "panic", v, "stack", string(debug.Stack()))
			out = Outcome{Verdict: Retry, Reason: "internal error", Unfit: true}
		}
	}()
	ctx, cancel := context.WithTimeout(e.attemptCtx, e.o.Attempt)
	defer cancel()
	out = x.Do(ctx, job)
	if out.Verdict == Hold && e.attemptCtx.Err() == nil {
		out.Verdict = Retry // only the end of the engine may leave an attempt out of the log
		if out.Reason == "" {
			out.Reason = "the attempt was given up"
		}
	}
	return out
}

// result is an attempt or verdict that waits to be stored.
type result struct {
	l       *lane
	t       *target
	r       *row
	job     *Job
	fence   int64
	verdict Verdict
	out     Outcome
	tried   bool // false: a verdict without an attempt
	number  int
	started time.Time
	took    time.Duration
	retryAt time.Time
	now     time.Time
	health  health
	// news is what the executor hears of the target: failing, paused or gone; "" is nothing. days belong to it.
	news NoticeKind
	days int

	// What storing it showed.
	over bool // the delivery was not pending any more: dropped
	void bool // the target was resumed since: it is not paused
}

// pauses tells that storing the result pauses the target.
func (r *result) pauses() bool { return r.news == NoticeGone || r.news == NoticePaused }

// health is what the target's row keeps of how it does.
type health struct {
	breaker      string
	failures     int
	probeAt      time.Time
	failingSince time.Time
	warned       int
	status       int
	triedAt      time.Time
	resumed      time.Time // all but the last attempt counts only while the target was not resumed since
}

func (t *target) health() health {
	return health{breaker: t.breaker, failures: t.failures, probeAt: t.probeAt, failingSince: t.failingSince, warned: t.warned, status: t.status,
		triedAt: t.triedAt, resumed: t.resumed}
}

// finishLocked takes what came of an attempt and returns the verdict.
func (e *Engine) finishLocked(l *lane, out Outcome, started time.Time, took time.Duration) Verdict {
	t := l.t
	t.inFlight--
	e.inFlight--
	now := e.now()
	t.busyAt = now
	if out.Verdict == Hold || len(l.rows) == 0 {
		l.state = laneIdle // the engine ends; the row stays pending for the next one
		e.quietLocked()
		return Hold
	}
	head := l.rows[0]
	res := &result{l: l, t: t, r: head, job: l.job, fence: t.fence, verdict: out.Verdict, out: out, tried: true, number: head.attempts + 1,
		started: started, took: took, now: now}
	if out.Verdict == Retry {
		e.scheduleLocked(t, res)
	}
	e.judgeLocked(t, res)
	t.triedAt, t.status = now, out.Status
	e.ackLocked(res)
	return res.verdict
}

// ackLocked hands a result to the goroutine that stores it.
func (e *Engine) ackLocked(res *result) {
	t := res.t
	if res.verdict == Stop {
		res.news = NoticeGone
	}
	if res.pauses() {
		t.pausing = true
	}
	res.health = t.health()
	res.l.state = laneAcking
	t.unacked++
	e.acks = append(e.acks, res)
	signal(e.results)
	e.offerLocked(t)
}

// scheduleLocked decides when a failed attempt is made again, or that it is given up.
func (e *Engine) scheduleLocked(t *target, res *result) {
	wait := e.o.Schedule[min(res.number, len(e.o.Schedule))-1]
	wait += time.Duration((e.o.Rand()*2 - 1) * 0.1 * float64(wait))
	if res.out.After > 0 {
		wait = min(max(res.out.After, time.Second), maxAfter)
		wait += time.Duration(e.o.Rand() * 0.1 * float64(wait)) // never earlier than asked for
	}
	since := res.r.since
	if t.resumed.After(since) {
		since = t.resumed
	}
	res.retryAt = res.now.Add(wait)
	if res.retryAt.Sub(since) > e.o.GiveUp {
		res.verdict, res.retryAt = GiveUp, time.Time{}
		res.out.Reason = fmt.Sprintf("given up after %d attempts: %s", res.number, res.out.Reason)
	}
}

// judgeLocked adapts how many attempts the target may have under way, its breaker, and how long it has been failing.
func (e *Engine) judgeLocked(t *target, res *result) {
	if res.out.Unfit {
		return
	}
	if res.out.Verdict == Done {
		t.failures, t.opens = 0, 0
		t.failingSince, t.warned = time.Time{}, 0
		if t.breaker != Closed {
			e.log.Info("target works again", "kind", t.kind, "ref", t.ref)
			t.breaker, t.probeAt = Closed, time.Time{}
		}
		if t.limit < t.cap {
			t.limit++
		}
		return
	}
	t.failures++
	t.limit = max(1, t.limit/2)
	if t.failures >= e.o.BreakAfter && (t.breaker == HalfOpen || t.breaker == Closed) {
		wait := e.o.BreakFor << min(t.opens, 10)
		t.opens++
		t.breaker, t.probeAt = Open, res.now.Add(min(wait, maxBreak))
		e.log.Warn("target fails; nothing is tried for a while", "kind", t.kind, "ref", t.ref, "failures", t.failures, "probe_at", t.probeAt)
		signal(e.needs)
	}
	e.warnLocked(t, res)
}

// warnLocked keeps since when nothing has succeeded, and decides when that is news.
func (e *Engine) warnLocked(t *target, res *result) {
	if t.failingSince.IsZero() || res.now.Sub(t.triedAt) >= restAfter {
		t.failingSince, t.warned = res.now, 0
	}
	if t.pausing || res.verdict == Stop {
		return
	}
	lasts := res.now.Sub(t.failingSince)
	if e.o.PauseAfter > 0 && lasts >= e.o.PauseAfter {
		res.news, res.days = NoticePaused, wholeDays(e.o.PauseAfter)
		e.log.Warn("target has failed for too long; it is paused", "kind", t.kind, "ref", t.ref, "since", t.failingSince)
		return
	}
	for t.warned < len(e.o.WarnAfter) && lasts >= e.o.WarnAfter[t.warned] {
		res.news, res.days = NoticeFailing, wholeDays(e.o.WarnAfter[t.warned])
		t.warned++
	}
}

func wholeDays(d time.Duration) int { return int(d / (24 * time.Hour)) }

// ackedLocked goes on with a lane after its result was stored.
func (e *Engine) ackedLocked(res *result) {
	l, t := res.l, res.t
	t.unacked--
	if res.pauses() {
		t.pausing = false
		if res.void {
			signal(e.kick) // learn of the resume
		} else {
			t.paused = true
		}
	}
	if t.lost || len(l.rows) == 0 || l.rows[0] != res.r {
		return
	}
	l.job = nil
	switch {
	case res.over || t.drop.takes(res.r):
		e.shiftLocked(l)
	case res.verdict == Retry:
		res.r.attempts, res.r.nextAt, res.r.hasBody = res.number, res.retryAt, true
	case res.verdict == Stop:
		if res.tried {
			res.r.attempts, res.r.hasBody = res.number, true
		}
	default:
		e.shiftLocked(l)
	}
	l.state = laneIdle
	e.wakeLaneLocked(l)
	e.offerLocked(t)
}

// shiftLocked takes a lane's head away: it is done.
func (e *Engine) shiftLocked(l *lane) {
	t := l.t
	l.rows[0] = nil
	l.rows = l.rows[1:]
	t.rows--
	if t.behind && t.rows <= e.o.Window/2 {
		signal(e.needs)
	}
}

// forgetLocked drops a target's memory; attempts under way end without their results being stored.
func (e *Engine) forgetLocked(t *target) {
	t.lost = true
	t.pace.stop()
	if e.targets[t.id] == t {
		delete(e.targets, t.id)
	}
	t.todo, t.prepared, t.parked = nil, nil, nil
	e.refills = slices.DeleteFunc(e.refills, func(l *lane) bool { return l.t == t })
}

// reloadLocked throws away what is in memory of a stale target and lets its rows be read again. Attempts under way and results
// being stored stay as they are. Nothing of it is being prepared.
func (e *Engine) reloadLocked(t *target) {
	for key, l := range t.lanes {
		switch l.state {
		case laneFlying, laneAcking:
			t.rows -= len(l.rows) - 1
			l.rows, l.last, l.more = l.rows[:1:1], l.rows[0].id, l.key[0] != '#'
		case laneParked:
			delete(t.lanes, key)
		default:
			t.rows -= len(l.rows)
			delete(t.lanes, key)
		}
	}
	t.pending -= len(t.prepared)
	t.todo, t.prepared, t.parked = nil, nil, nil
	e.refills = slices.DeleteFunc(e.refills, func(l *lane) bool { return l.t == t })
	t.stale, t.behind, t.from = false, true, t.drop.to
	t.lookApart()
}

// lookApart has the target's test calls and single replays looked for, the newest first.
func (t *target) lookApart() { t.apart, t.apartTo = true, math.MaxInt64 }

// urgent tells that nobody has looked since lookApart. That is done even when there is no room: lanes that are refilled can keep the memory
// full for as long as they have rows.
func (t *target) urgent() bool { return t.apart && t.apartTo == math.MaxInt64 }

// settledLocked tells the reading goroutine when a stale target can be read again.
func (e *Engine) settledLocked(t *target) {
	if t.stale && t.pending == len(t.prepared) {
		signal(e.needs)
	}
}
