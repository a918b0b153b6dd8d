package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// read is the goroutine that looks at the database: the end of the feed, the backlog of targets, leases. All reads of
// pending rows happen here one after the other, each applied before the next, which is what makes "seen before" decidable.
func (e *Engine) read(ctx context.Context) {
	if e.retry(ctx, "look for waiting deliveries", func() error { return e.begin(ctx) }) != nil {
		return
	}
	pause := time.Duration(0)
	kicked := false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var changed <-chan struct{}
		if e.o.Changed != nil {
			changed = e.o.Changed()
		}
		err := e.round(ctx, kicked)
		kicked = false
		if ctx.Err() != nil {
			return
		}
		wait := e.untilNext()
		if err != nil {
			pause = min(max(pause*2, 100*time.Millisecond), 2*time.Second)
			e.log.Warn("deliveries cannot be read; trying again", "error", err)
			wait, kicked = pause, true
		} else {
			pause = 0
		}
		timer.Reset(wait)
		if err != nil { // nothing else may hurry an engine whose database is away
			changed = nil
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-e.needs:
		case <-e.kick:
			kicked = true
		case <-timer.C:
		}
	}
}

// begin finds what an earlier engine left, and where the feed ends.
func (e *Engine) begin(ctx context.Context) error {
	var waiting, old []Target
	err := e.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if e.tail, err = latestSeq(tx); err != nil {
			return err
		}
		if waiting, err = waitingTargets(tx); err != nil {
			return err
		}
		old, err = oldTargets(tx, e.o.Node, e.owner)
		return err
	})
	if err != nil {
		return err
	}
	return e.claim(ctx, append(old, waiting...), e.o.Node)
}

// round does everything that is due.
func (e *Engine) round(ctx context.Context, kicked bool) error {
	now := e.now()
	if now.Before(e.latest) { // the clock was set back: what was planned by it is too far away
		e.renewed, e.nextPoll, e.swept = time.Time{}, time.Time{}, time.Time{}
	}
	e.latest = now
	if kicked || !now.Before(e.renewed.Add(e.o.RenewEvery)) {
		if err := e.renew(ctx, !now.Before(e.renewed.Add(e.o.RenewEvery))); err != nil {
			return fmt.Errorf("renew leases: %w", err)
		}
	}
	for {
		free, more, err := e.readTail(ctx)
		if err != nil {
			return fmt.Errorf("read the feed's end: %w", err)
		}
		if err := e.claim(ctx, free, ""); err != nil {
			return fmt.Errorf("take over targets: %w", err)
		}
		if !more {
			break
		}
	}
	if kicked || !now.Before(e.nextPoll) {
		if err := e.poll(ctx); err != nil {
			return fmt.Errorf("look for targets: %w", err)
		}
	}
	if err := e.releaseIdle(ctx); err != nil {
		return fmt.Errorf("release targets: %w", err)
	}
	if err := e.dropSome(ctx); err != nil {
		return fmt.Errorf("drop deliveries: %w", err)
	}
	e.wakeDue()
	return e.fill(ctx)
}

// dropSome goes on with what is to be dropped, a step for each target and round, so that nothing else waits for it.
func (e *Engine) dropSome(ctx context.Context) error {
	var list []*target
	e.mu.Lock()
	for _, t := range e.targets {
		if t.drop.to > 0 {
			list = append(list, t)
		}
	}
	e.mu.Unlock()
	for _, t := range list {
		var all bool
		err := e.db.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			all, err = dropStep(tx, t, e.owner, dropRows)
			return err
		})
		if errors.Is(err, db.ErrNoRows) {
			continue // renewing the lease will show it
		}
		if err != nil {
			return err
		}
		if all {
			e.mu.Lock()
			t.drop, t.stale = dropping{}, true
			e.mu.Unlock()
		}
		signal(e.needs)
	}
	return nil
}

// readTail reads the next events of the feed and puts their rows into memory. free are targets that nobody owns.
func (e *Engine) readTail(ctx context.Context) (free []Target, more bool, err error) {
	var rows []*row
	var latest id.Seq
	e.setReading(true)
	defer e.setReading(false)
	upto := e.tail
	err = e.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if latest, err = latestSeq(tx); err != nil || latest <= e.tail {
			return err
		}
		upto = min(latest, e.tail+tailStep)
		rows, err = readTail(tx, e.tail, upto)
		return err
	})
	if err != nil || upto == e.tail {
		return nil, false, err
	}
	e.tail = upto
	now := e.now()
	asked := map[Target]bool{}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range rows {
		t := e.targets[r.target]
		if t == nil {
			if !r.paused && !r.expires.After(now) && !asked[r.target] {
				asked[r.target] = true
				free = append(free, r.target)
			}
			continue
		}
		t.busyAt = now
		switch {
		case t.behind:
			t.from = min(t.from, r.id-1)
		case !e.addLocked(t, r):
			t.behind, t.from = true, r.id-1
		}
	}
	return free, upto < latest, nil
}

// setReading brackets a read and its application: lanes that end meanwhile are remembered until it is over.
func (e *Engine) setReading(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reading = on
	if on {
		return
	}
	for _, l := range e.ghosts {
		if len(l.rows) == 0 && !l.more && l.state == laneIdle && l.t.lanes[l.key] == l {
			delete(l.t.lanes, l.key)
		}
	}
	e.ghosts = nil
}

// claim takes over targets that are free, or that an earlier engine of the node left (where that is not "").
func (e *Engine) claim(ctx context.Context, which []Target, left string) error {
	e.mu.Lock()
	which = slices.DeleteFunc(which, func(t Target) bool { return e.targets[t] != nil }) // ours: renewing keeps it
	e.mu.Unlock()
	if len(which) == 0 {
		return nil
	}
	slices.Sort(which) // rows are locked in this order everywhere
	which = slices.Compact(which)
	now := e.now()
	until := now.Add(e.o.Lease)
	got := map[Target]claim{}
	err := e.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		clear(got)
		for _, t := range which {
			c, err := claimTarget(tx, t, e.owner, e.o.Node, left, until)
			if errors.Is(err, db.ErrNoRows) {
				continue // another node was faster, or it is paused
			}
			if err != nil {
				return err
			}
			got[t] = c
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for which, c := range got {
		x := e.o.Executors[c.kind]
		if x == nil {
			e.log.Error("no executor for this kind of target", "kind", c.kind, "ref", c.ref)
			continue // the lease runs out; a node that knows the kind may take it
		}
		if c.breaker == Open && !c.probeAt.After(now) {
			c.breaker = HalfOpen
		}
		t := &target{id: which, kind: c.kind, ref: c.ref, fence: c.fence, nudge: c.nudge, cap: c.limits.InFlight, limit: min(4, c.limits.InFlight),
			pace: pace{perSecond: c.limits.PerSecond}, resumed: c.resumed, until: until, executor: x, lanes: map[string]*lane{}, behind: true, failures: c.failures,
			breaker: c.breaker, probeAt: c.probeAt, failingSince: c.failingSince, warned: c.warned, triedAt: c.triedAt, status: c.status, drop: c.drop,
			from: c.drop.to, busyAt: now}
		t.lookApart()
		e.targets[which] = t
	}
	return nil
}

// renew keeps the leases, and learns what other processes changed at the targets.
func (e *Engine) renew(ctx context.Context, extend bool) error {
	e.mu.Lock()
	none := len(e.targets) == 0
	e.mu.Unlock()
	now := e.now()
	if none {
		e.renewed = now
		return nil
	}
	until := now.Add(e.o.Lease)
	var list []owned
	var err error
	if extend {
		err = e.db.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			list, err = renewTargets(tx, e.owner, until)
			return err
		})
	} else {
		err = e.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			list, err = ownedTargets(tx, e.owner)
			return err
		})
	}
	if err != nil {
		return err
	}
	if extend {
		e.renewed = now
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ours := map[Target]bool{}
	for _, o := range list {
		t := e.targets[o.target]
		if t == nil || t.fence != o.fence {
			continue
		}
		ours[o.target] = true
		if extend {
			t.until = until
		}
		t.cap = o.limits.InFlight
		t.limit = min(t.limit, t.cap)
		t.pace.set(o.limits.PerSecond, now)
		if o.resumed.Equal(t.resumed) {
			t.paused = t.paused || o.paused // only a resume ends a pause; the list may be older than our own
		} else {
			t.resumed, t.paused = o.resumed, o.paused
			t.breaker, t.failures, t.opens, t.probeAt = Closed, 0, 0, time.Time{}
			t.failingSince, t.warned = time.Time{}, 0
		}
		if o.nudge != t.nudge {
			t.nudge, t.drop, t.stale = o.nudge, o.drop, true
		}
		e.offerLocked(t)
	}
	for _, t := range e.targets {
		if !ours[t.id] {
			e.log.Warn("target was taken over by another engine", "target", t.id, "kind", t.kind, "ref", t.ref)
			e.forgetLocked(t)
		}
	}
	e.dispatchLocked()
	return nil
}

// poll takes over targets that are due and free, and decides when to look again.
func (e *Engine) poll(ctx context.Context) error {
	var due []Target
	var next time.Time
	now := e.now()
	sweep := !now.Before(e.swept.Add(sweepEvery))
	err := e.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if due, err = dueTargets(tx, now); err != nil {
			return err
		}
		if sweep {
			forgotten, err := forgottenTargets(tx, now)
			if err != nil {
				return err
			}
			due = append(due, forgotten...)
		}
		next, err = nextTarget(tx, e.owner)
		return err
	})
	if err != nil {
		return err
	}
	if sweep {
		e.swept = now
	}
	e.nextPoll = now.Add(e.o.Poll)
	if !next.IsZero() && next.After(now) && next.Before(e.nextPoll) {
		e.nextPoll = next
	}
	return e.claim(ctx, due, "")
}

// needLocked is when the target needs the engine next: at once (true), at a time, or not at all (zero).
func (e *Engine) needLocked(t *target) (atOnce bool, at time.Time) {
	// What is prepared but must not go now can be prepared again.
	if t.inFlight+t.unacked+t.pending-len(t.prepared) > 0 {
		return true, time.Time{}
	}
	if t.paused {
		return false, time.Time{} // resuming makes it due
	}
	if t.breaker == Open && t.drop.to == 0 {
		return false, t.probeAt
	}
	if t.pending > 0 || len(t.todo) > 0 || t.behind || t.stale || t.drop.to > 0 || t.rows > 0 {
		return true, time.Time{}
	}
	for _, l := range e.refills {
		if l.t == t {
			return true, time.Time{}
		}
	}
	if len(t.parked) > 0 {
		return false, t.parked[0].due
	}
	return false, time.Time{}
}

// leaveLocked is when the target can be given up, and when it will be due again; not ok while it is needed.
func (e *Engine) leaveLocked(t *target, now time.Time) (leave, wake time.Time, ok bool) {
	atOnce, wake := e.needLocked(t)
	if atOnce {
		return leave, wake, false
	}
	leave = t.busyAt.Add(e.o.IdleAfter)
	if t.paused { // whoever sees it resumed takes it, even if that was a moment ago
		leave, wake = now, db.Time(1)
		return leave, wake, true
	}
	if leave.Before(now) {
		leave = now
	}
	return leave, wake, wake.IsZero() || wake.Sub(leave) >= e.o.IdleAfter
}

// releaseIdle gives up targets that need nothing for a while, so that leases cost only where work is and any node can take
// the next turn.
func (e *Engine) releaseIdle(ctx context.Context) error {
	now := e.now()
	type leaving struct {
		t    *target
		wake time.Time
	}
	var list []leaving
	e.mu.Lock()
	for _, t := range e.targets {
		if leave, wake, ok := e.leaveLocked(t, now); ok && !leave.After(now) {
			list = append(list, leaving{t, wake})
		}
	}
	e.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b leaving) int { return cmp.Compare(a.t.id, b.t.id) })
	err := e.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		for _, l := range list {
			if err := releaseTarget(tx, l.t.id, e.owner, l.t.fence, l.t.nudge, l.wake); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Nothing can have come to them meanwhile: rows are only added by this goroutine.
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range list {
		e.forgetLocked(l.t)
	}
	e.nextPoll = time.Time{} // they may be the next to become due
	return nil
}

func (e *Engine) releaseAll(ctx context.Context) error {
	err := e.db.Update(ctx, func(_ context.Context, tx *db.Tx) error { return releaseAll(tx, e.owner) })
	if err != nil {
		return fmt.Errorf("release targets: %w", err)
	}
	return nil
}

// wakeDue lets lanes go on whose time has come, and breakers probe.
func (e *Engine) wakeDue() {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.targets {
		if t.breaker == Open && !t.probeAt.After(now) {
			t.breaker = HalfOpen
			e.offerLocked(t)
		}
		for len(t.parked) > 0 && !t.parked[0].due.After(now) {
			l := t.parked.pop()
			l.state = laneIdle
			t.rows++
			e.wakeLaneLocked(l)
		}
	}
	e.dispatchLocked()
}

// fill reads rows into memory for targets that are behind and have room, and the rest of lanes that need it.
func (e *Engine) fill(ctx context.Context) error {
	for {
		e.mu.Lock()
		var hungry []*target
		for _, t := range e.targets {
			if t.stale && t.pending == len(t.prepared) {
				e.reloadLocked(t)
			}
			if t.behind && !t.stale && !t.paused && (t.urgent() || t.rows <= e.o.Window/2 && len(t.parked) < parkedMax) {
				hungry = append(hungry, t)
			}
		}
		lanes := e.refills
		e.refills = nil
		e.mu.Unlock()
		if len(hungry) == 0 && len(lanes) == 0 {
			return nil
		}
		for _, t := range hungry {
			if err := e.fillTarget(ctx, t); err != nil {
				e.putBack(lanes)
				return fmt.Errorf("read backlog of target %d: %w", t.id, err)
			}
		}
		for len(lanes) > 0 {
			n := min(len(lanes), 32)
			if err := e.fillLanes(ctx, lanes[:n]); err != nil {
				e.putBack(lanes)
				return fmt.Errorf("read lanes: %w", err)
			}
			lanes = lanes[n:]
		}
	}
}

func (e *Engine) putBack(lanes []*lane) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range lanes {
		if !l.t.lost && l.t.lanes[l.key] == l {
			e.refills = append(e.refills, l)
		}
	}
}

func (e *Engine) fillTarget(ctx context.Context, t *target) error {
	e.mu.Lock()
	from, room := t.from, min(e.o.Window-t.rows, 500)
	look, before := t.apart, t.apartTo
	if len(t.parked) >= parkedMax {
		room = 0
	}
	e.mu.Unlock()
	e.setReading(true)
	defer e.setReading(false)
	var apart, rows []*row
	err := e.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if look {
			if apart, err = readApart(tx, t.id, before, apartMax); err != nil {
				return err
			}
		}
		if room > 0 {
			rows, err = readBacklog(tx, t.id, from, room)
		}
		return err
	})
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.lost {
		return nil
	}
	if look {
		t.apart = len(apart) == apartMax // then there may be more
		for _, r := range apart {
			t.apartTo = r.id
			e.addApartLocked(t, r)
		}
	}
	for _, r := range rows {
		if !e.addLocked(t, r) {
			return nil // no room: goes on here when there is
		}
		t.from = r.id
	}
	if room > 0 && len(rows) < room {
		t.behind = false
	}
	e.dispatchLocked()
	return nil
}

func (e *Engine) fillLanes(ctx context.Context, lanes []*lane) error {
	type wish struct {
		l     *lane
		last  id.Delivery
		limit int
		rows  []*row
	}
	var list []wish
	e.mu.Lock()
	for _, l := range lanes {
		if l.t.lost || l.t.lanes[l.key] != l {
			continue
		}
		list = append(list, wish{l: l, last: max(l.last, l.t.drop.to), limit: min(laneRows, max(1, e.o.Window-l.t.rows))})
	}
	e.mu.Unlock()
	e.setReading(true)
	defer e.setReading(false)
	err := e.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		for i := range list {
			w := &list[i]
			if w.rows, err = readLane(tx, w.l.t.id, w.l.key, w.last, w.limit); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range list {
		l := w.l
		if l.t.lost || l.t.lanes[l.key] != l {
			continue
		}
		l.asked = false
		l.more = len(w.rows) == w.limit
		for _, r := range w.rows {
			l.rows = append(l.rows, r)
			l.last = r.id
			l.t.rows++
		}
		e.wakeLaneLocked(l)
	}
	return nil
}

// untilNext is how long the reading goroutine may wait.
func (e *Engine) untilNext() time.Duration {
	now := e.now()
	next := e.nextPoll
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.targets) > 0 {
		sooner(e.renewed.Add(e.o.RenewEvery))
	}
	for _, t := range e.targets {
		if t.breaker == Open {
			sooner(t.probeAt)
		}
		if len(t.parked) > 0 {
			sooner(t.parked[0].due)
		}
		if leave, _, ok := e.leaveLocked(t, now); ok {
			sooner(leave)
		}
	}
	return max(next.Sub(now), time.Millisecond)
}
