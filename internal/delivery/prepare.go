package delivery

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// prepare makes bodies ready, ahead of the attempts, in batches over all targets.
func (e *Engine) prepare(ctx context.Context) {
	pause := time.Duration(0)
	for {
		batch := e.takeTodo()
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-e.ready:
			}
			continue
		}
		err := e.makeReady(ctx, batch)
		e.mu.Lock()
		for _, l := range batch {
			e.preparedLocked(l, err)
		}
		e.dispatchLocked()
		e.mu.Unlock()
		if err == nil {
			pause = 0
			continue
		}
		if ctx.Err() != nil {
			return
		}
		pause = min(max(pause*2, 100*time.Millisecond), 2*time.Second)
		e.log.Warn("deliveries cannot be prepared; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// takeTodo takes lanes whose head is due, a few of each target in turn. All are of one kind.
func (e *Engine) takeTodo() []*lane {
	e.mu.Lock()
	defer e.mu.Unlock()
	var batch []*lane
	kind := ""
	turn := prepareMax / 4
	if len(e.waiting) == 1 {
		turn = prepareMax
	}
	for n := len(e.waiting); n > 0 && len(batch) < prepareMax; n-- {
		t := e.waiting[0]
		e.waiting = e.waiting[1:]
		t.queued = false
		if t.still() || e.stopping {
			continue
		}
		if kind == "" {
			kind = t.kind
		}
		if t.kind == kind {
			for range turn {
				if len(t.todo) == 0 || t.pending >= e.aheadLocked(t) || len(batch) == prepareMax {
					break
				}
				l := t.todo[0]
				t.todo[0] = nil
				t.todo = t.todo[1:]
				t.pending++
				l.state = lanePreparing
				head := l.rows[0]
				origin := head.id
				if head.replayOf != 0 {
					origin = head.replayOf
				}
				l.job = &Job{ID: head.id, Kind: t.kind, Ref: t.ref, Event: head.event, Name: head.name, Form: head.form, Test: head.test, Since: head.since,
					Attempt: head.attempts + 1, WebhookID: WebhookID(e.instance, head.event, origin, t.kind, t.ref), stored: head.hasBody}
				batch = append(batch, l)
			}
		}
		e.offerLocked(t)
	}
	return batch
}

// makeReady fills the jobs' bodies: from the database where they were sent before, else by the executor.
func (e *Engine) makeReady(ctx context.Context, batch []*lane) (err error) {
	defer func() {
		if v := recover(); v != nil {
			e.log.Error("executor panicked", "kind", batch[0].t.kind, "panic", v, "stack", string(debug.Stack()))
			// Which job it was is not known: each of them alone finds out.
			if len(batch) == 1 {
				batch[0].job.Verdict = &Outcome{Verdict: GiveUp, Reason: "the body could not be made: internal error"}
				err = nil
				return
			}
			for i := range batch {
				if err = e.makeReady(ctx, batch[i:i+1]); err != nil {
					return
				}
			}
		}
	}()
	var stored []id.Delivery
	for _, l := range batch {
		if l.job.stored && l.job.Body == nil {
			stored = append(stored, l.job.ID)
		}
	}
	if len(stored) > 0 {
		var bodies map[id.Delivery][]byte
		err := e.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			bodies, err = storedBodies(tx, stored)
			return err
		})
		if err != nil {
			return fmt.Errorf("read stored bodies: %w", err)
		}
		for _, l := range batch {
			if l.job.stored && l.job.Body == nil {
				if l.job.Body = bodies[l.job.ID]; l.job.Body == nil {
					l.job.Verdict = &Outcome{Verdict: GiveUp, Reason: "its body is not stored any more"}
				}
			}
		}
	}
	jobs := make([]*Job, 0, len(batch))
	for _, l := range batch {
		if l.job.Verdict == nil {
			jobs = append(jobs, l.job)
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	return batch[0].t.executor.Prepare(ctx, jobs)
}

// preparedLocked puts a lane where its job goes next.
func (e *Engine) preparedLocked(l *lane, failed error) {
	t := l.t
	if t.lost {
		return
	}
	defer e.settledLocked(t)
	if failed != nil {
		t.pending--
		l.job, l.state = nil, laneTodo
		t.todo = append([]*lane{l}, t.todo...)
		e.offerLocked(t)
		return
	}
	if v := l.job.Verdict; v != nil {
		t.pending--
		now := e.now()
		t.busyAt = now
		e.ackLocked(&result{l: l, t: t, r: l.rows[0], job: l.job, fence: t.fence, verdict: v.Verdict, out: *v, number: l.rows[0].attempts, now: now})
		return
	}
	l.state = lanePrepared
	t.prepared = append(t.prepared, l)
	e.offerLocked(t)
}
