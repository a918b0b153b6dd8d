package delivery

import (
	"context"
	"fmt"
	"runtime/debug"

	"parley/internal/db"
)

// teller brings news of a target to its executor, in the transaction that stores what it is about.
type teller func(ctx context.Context, tx *db.Tx, t *target, n Notice) error

// tell is the usual one. A panic in the executor is an error: a bug there must not end the engine.
func (e *Engine) tell(ctx context.Context, tx *db.Tx, t *target, n Notice) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("executor panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return t.executor.Notice(ctx, tx, t.ref, n)
}

// silent tells nobody.
func silent(context.Context, *db.Tx, *target, Notice) error { return nil }

// fate is what the executor hears of the delivery itself, "" for nothing.
func (r *result) fate() NoticeKind {
	_, follows := r.t.executor.(Follower)
	switch {
	case r.over:
	case r.verdict == GiveUp:
		return NoticeDead
	case !follows || r.r.event == 0:
	case r.verdict == Done:
		return NoticeDelivered
	case r.verdict == Discard:
		return NoticeDropped
	case r.verdict == Retry && r.number == 1:
		return NoticeRetry
	}
	return ""
}

// publish pauses the target where the result says so and tells the news that are in it. It comes after storeResults, which
// holds the target's row.
func (r *result) publish(ctx context.Context, tx *db.Tx, tell teller) error {
	if kind := r.fate(); kind != "" {
		n := Notice{Kind: kind, Reason: clean(r.out.Reason), Delivery: r.r.id, Event: r.r.event, Name: r.r.name, Attempts: r.number}
		if err := tell(ctx, tx, r.t, n); err != nil {
			return fmt.Errorf("tell that delivery %d is %s: %w", r.r.id, kind, err)
		}
	}
	if r.news == "" {
		return nil
	}
	now, err := standing(tx, r.t.id)
	if err != nil {
		return fmt.Errorf("look at target %d: %w", r.t.id, err)
	}
	r.void = !now.resumed.Equal(r.health.resumed)
	if r.void || now.paused {
		return nil // somebody decided meanwhile, and knew more
	}
	n := Notice{Kind: r.news, Reason: clean(r.out.Reason)}
	if r.news != NoticeGone {
		n.Since, n.Days = r.health.failingSince, r.days
	}
	if r.news == NoticePaused {
		n.Reason = clean(fmt.Sprintf("nothing has arrived for %d days: %s", n.Days, n.Reason))
	}
	if r.pauses() {
		if err := pause(tx, r.t.id, n.Reason); err != nil {
			return fmt.Errorf("pause target %d: %w", r.t.id, err)
		}
	}
	if err := tell(ctx, tx, r.t, n); err != nil {
		return fmt.Errorf("tell that target %d is %s: %w", r.t.id, n.Kind, err)
	}
	return nil
}
