package webhook

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

// MaxReplay is how many deliveries one call of ReplayAll or ReviveAll may take.
const MaxReplay = 10_000

// DeliveryFilter narrows the log; zero values do not.
type DeliveryFilter struct {
	Endpoint id.Endpoint
	// Kind and Ref are for the deliveries of other things than endpoints (delivery.Filter).
	Kind         string
	Ref          int64
	State        string
	Name         string
	Conversation id.Conversation
	Event        id.Event
	// From and To are about when the delivery was queued; To itself is not in it.
	From, To time.Time
}

func (f DeliveryFilter) engine() delivery.Filter {
	if f.Endpoint != 0 {
		f.Kind, f.Ref = Kind, int64(f.Endpoint)
	}
	return delivery.Filter{Kind: f.Kind, Ref: f.Ref, State: f.State, Name: f.Name, Conversation: f.Conversation, Event: f.Event, From: f.From, To: f.To}
}

// ListDeliveries returns a page of the log, newest first, and the cursor of the next page ("" at the end). Limit is 1 to 200.
func (d *Desk) ListDeliveries(ctx context.Context, by team.Actor, f DeliveryFilter, cursor string, limit int) ([]delivery.Entry, string, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, "", err
	}
	var list []delivery.Entry
	var next string
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		list, next, err = delivery.List(tx, f.engine(), cursor, limit)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list deliveries: %w", err)
	}
	return list, next, nil
}

// GetDelivery returns one delivery with its body and attempts.
func (d *Desk) GetDelivery(ctx context.Context, by team.Actor, which id.Delivery) (*delivery.Detail, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var detail *delivery.Detail
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		detail, err = delivery.Get(tx, which)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("get delivery %d: %w", which, err)
	}
	return detail, nil
}

// Replay sends a delivery once more, with the same body and webhook id, and returns the new delivery.
func (d *Desk) Replay(ctx context.Context, by team.Actor, key once.Key, which id.Delivery) (*delivery.Detail, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var detail *delivery.Detail
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		fresh, _, err := once.Do(tx, key, func() (id.Delivery, error) {
			tx.OnCommit(d.Kick)
			return delivery.Replay(tx, which)
		})
		if err != nil {
			return err
		}
		detail, err = delivery.Get(tx, fresh)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("replay delivery %d: %w", which, err)
	}
	return detail, nil
}

// Revive lets a dead delivery be tried again, as if it were new. A repeat with the same key revives nothing.
func (d *Desk) Revive(ctx context.Context, by team.Actor, key once.Key, which id.Delivery) (*delivery.Detail, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var detail *delivery.Detail
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		_, _, err := once.Do(tx, key, func() (id.Delivery, error) {
			tx.OnCommit(d.Kick)
			return which, delivery.Revive(tx, which)
		})
		if err != nil {
			return err
		}
		detail, err = delivery.Get(tx, which)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("revive delivery %d: %w", which, err)
	}
	return detail, nil
}

// ReplayAll sends every finished delivery of an endpoint that the filter lets through once more, oldest first, and returns how
// many; a dry run only counts them. More than MaxReplay are refused.
func (d *Desk) ReplayAll(ctx context.Context, by team.Actor, key once.Key, f DeliveryFilter, dryRun bool) (int64, error) {
	all := f.engine()
	all.Replayable = true
	n, err := d.every(ctx, by, key, f, all, dryRun, delivery.ReplayAll)
	if err != nil {
		return 0, fmt.Errorf("replay deliveries of endpoint %d: %w", f.Endpoint, err)
	}
	return n, nil
}

// ReviveAll lets every dead delivery of an endpoint that the filter lets through be tried again, and returns how many; a dry
// run only counts them. More than MaxReplay are refused.
func (d *Desk) ReviveAll(ctx context.Context, by team.Actor, key once.Key, f DeliveryFilter, dryRun bool) (int64, error) {
	if f.State == "" {
		f.State = delivery.Dead
	}
	if f.State != delivery.Dead {
		return 0, fault.New(fault.FieldInvalid, "only dead deliveries can be revived").At("state")
	}
	n, err := d.every(ctx, by, key, f, f.engine(), dryRun, delivery.ReviveAll)
	if err != nil {
		return 0, fmt.Errorf("revive deliveries of endpoint %d: %w", f.Endpoint, err)
	}
	return n, nil
}

// every counts what the filter lets through and does something to all of it.
func (d *Desk) every(ctx context.Context, by team.Actor, key once.Key, f DeliveryFilter, all delivery.Filter, dryRun bool,
	do func(*db.Tx, delivery.Filter) (int64, error)) (int64, error) {
	if err := by.MayAdmin(); err != nil {
		return 0, err
	}
	if f.Endpoint == 0 {
		return 0, fault.New(fault.FieldRequired, "say which endpoint").At("endpoint_id")
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		return 0, fault.New(fault.FieldInvalid, "the end is not after the beginning").At("to")
	}
	exists := func(tx *db.Tx) error {
		_, err := getEndpoint(tx, d.Sealer, f.Endpoint)
		return notFound(err, f.Endpoint)
	}
	var n int64
	if dryRun {
		err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			if err := exists(tx); err != nil {
				return err
			}
			n, err = delivery.Count(tx, all)
			return err
		})
		return n, err
	}
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		n, _, err = once.Do(tx, key, func() (int64, error) {
			if err := exists(tx); err != nil {
				return 0, err
			}
			// A million rows take 0.7 s to count, and on SQLite everybody else's writes would wait for that.
			if many, err := delivery.Exceeds(tx, all, MaxReplay); err != nil {
				return 0, err
			} else if many {
				return 0, fault.Newf(fault.DeliveryTooMany, "more than %d deliveries match, too many to be sent again at once; narrow the time", MaxReplay)
			}
			tx.OnCommit(d.Kick)
			return do(tx, all)
		})
		return err
	})
	return n, err
}

// Chart returns how an endpoint did from a time on, a point for each step.
func (d *Desk) Chart(ctx context.Context, by team.Actor, endpoint id.Endpoint, from time.Time, step time.Duration) ([]delivery.Point, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var points []delivery.Point
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		e, err := getEndpoint(tx, d.Sealer, endpoint)
		if err != nil {
			return notFound(err, endpoint)
		}
		points, err = delivery.Chart(tx, e.target, from, step)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("chart of endpoint %d: %w", endpoint, err)
	}
	return points, nil
}
