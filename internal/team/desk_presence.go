package team

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

// TabOpened notes an open tab of an operator. The first one makes a present operator (S-110); further ones change nothing.
// Faults: operator.not_found, operator.inactive.
func (d *Desk) TabOpened(ctx context.Context, operatorID id.Operator, tabID string) error {
	err := d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		o, err := lockOperator(tx, operatorID)
		if err != nil {
			return err
		}
		if !o.Active {
			return fault.Newf(fault.OperatorInactive, "operator %d is deactivated", operatorID)
		}
		if err := openTab(tx, Tab{operatorID, tabID}); err != nil {
			return err
		}
		_, err = d.settle(ctx, tx, ActorOf(o), o)
		return err
	})
	if err != nil {
		return fmt.Errorf("tab opened: %w", err)
	}
	return nil
}

// TabsTouched notes that tabs are still open; call it about every 25 s for all open tabs of the node at once. A tab that was
// given up meanwhile counts again, and the next Sweep says so.
func (d *Desk) TabsTouched(ctx context.Context, tabs []Tab) error {
	if len(tabs) == 0 {
		return nil
	}
	tabs = slices.Clone(tabs)
	slices.SortFunc(tabs, func(a, b Tab) int { return cmp.Or(cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.ID, b.ID)) })
	err := d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		for _, t := range tabs {
			if err := touchTab(tx, t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tabs touched: %w", err)
	}
	return nil
}

// TabClosed notes that a tab was closed. The operator goes offline by a later Sweep, when the grace time is over and no
// other tab was opened (S-111). Closing an unknown tab is fine.
func (d *Desk) TabClosed(ctx context.Context, operatorID id.Operator, tabID string) error {
	err := d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		tx.OnCommit(d.awaken)
		return closeTab(tx, Tab{operatorID, tabID})
	})
	if err != nil {
		return fmt.Errorf("tab closed: %w", err)
	}
	return nil
}

func (d *Desk) awaken() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// SetAvailability sets what the acting operator wants to be while present: online, away or offline (S-111, S-112, S-113).
// Faults: auth.denied for tokens, field.invalid at availability.
func (d *Desk) SetAvailability(ctx context.Context, by Actor, availability string) (*event.Operator, error) {
	if by.Operator == 0 {
		return nil, fault.New(fault.AuthDenied, "only operators have an availability")
	}
	if err := checkAvailability(availability); err != nil {
		return nil, err
	}
	var o *event.Operator
	err := d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if o, err = lockOperator(tx, by.Operator); err != nil {
			return err
		}
		o.Availability = availability
		if err := setAvailability(tx, o); err != nil {
			return err
		}
		tx.OnCommit(func() { d.cache.dropOperator(by.Operator) })
		o, err = d.settle(ctx, tx, by, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("set availability: %w", err)
	}
	return o, nil
}

// settle makes the stored status of a locked operator what the definition says and appends the event when that changes it.
func (d *Desk) settle(ctx context.Context, tx *db.Tx, by Actor, o *event.Operator) (*event.Operator, error) {
	status, err := statusOf(tx, o, d.grace)
	if err != nil {
		return nil, err
	}
	if status == o.Status {
		return o, nil
	}
	before := o.Status
	o.Status = status
	if err := setAvailability(tx, o); err != nil {
		return nil, err
	}
	tx.OnCommit(func() { d.cache.dropOperator(o.ID) })
	return o, d.feed.Append(ctx, tx, &event.Event{Type: event.OperatorStatusChanged, By: by.Party(), Operator: o, StatusBefore: before})
}

// Swept is what a Sweep did.
type Swept struct {
	// Changed is how many operators got another status.
	Changed int
	// Next is when the next tab runs out unless it is touched; zero when there is none.
	Next time.Time
}

// Sweep compares every operator's status with its tabs and corrects what ran out, or came back. It is one step of Run.
// Several nodes may sweep at once.
func (d *Desk) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	var due []id.Operator
	err := d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		standings, err := allStandings(tx)
		if err != nil {
			return err
		}
		tabs, err := allTabs(tx)
		if err != nil {
			return err
		}
		now := tx.Now()
		for _, o := range standings {
			if o.due(tabs[o.id], now, d.grace) {
				due = append(due, o.id)
			}
			for _, t := range tabs[o.id] {
				if end := t.end(d.grace); end.After(now) && (s.Next.IsZero() || end.Before(s.Next)) {
					s.Next = end
				}
			}
		}
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("sweep presence: %w", err)
	}
	for _, operatorID := range due {
		changed := false
		err := d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
			o, err := lockOperator(tx, operatorID)
			if err != nil {
				return err
			}
			before := o.Status
			o, err = d.settle(ctx, tx, System(), o)
			changed = err == nil && o.Status != before
			return err
		})
		if err != nil {
			return s, fmt.Errorf("sweep presence of operator %d: %w", operatorID, err)
		}
		if changed {
			s.Changed++
		}
	}
	return s, nil
}

const (
	// sweepIdle is how often Run looks even when no tab of this node closes: those of other nodes may.
	sweepIdle = 15 * time.Second
	// sweepPause keeps a crowd of closing tabs from causing a crowd of sweeps.
	sweepPause = time.Second
	// forgetEvery is how often Run deletes what is over.
	forgetEvery = time.Hour
)

// Run sweeps when a tab runs out, and deletes what is over, until ctx ends.
func (d *Desk) Run(ctx context.Context) {
	var forgotten time.Time
	for {
		s, err := d.Sweep(ctx)
		if err == nil && d.db.Now().Sub(forgotten) >= forgetEvery {
			forgotten = d.db.Now()
			if err = d.Forget(ctx); err == nil {
				err = d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error { return forgetTabs(tx, d.grace) })
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.log.Warn("presence not swept", "error", err)
		}
		if !d.pause(ctx, s.Next) {
			return
		}
	}
}

// pause waits until next, a closed tab or sweepIdle, but at least sweepPause. It returns false when ctx ended.
func (d *Desk) pause(ctx context.Context, next time.Time) bool {
	wait := sweepIdle
	if !next.IsZero() {
		// A tab that ends now is not over yet: go a moment beyond.
		wait = min(wait, next.Sub(d.db.Now())+time.Millisecond)
	}
	short := time.NewTimer(min(sweepPause, max(wait, 0)))
	defer short.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-short.C:
	}
	long := time.NewTimer(max(wait-sweepPause, 0))
	defer long.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-long.C:
	case <-d.wake:
	}
	return true
}
