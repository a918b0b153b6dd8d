package delivery

import (
	"context"
	"time"

	"parley/internal/db"
	"parley/internal/fault"
)

// acknowledge stores results, as many at a time as have gathered while the last batch was being stored: alone at light load,
// in groups under load. It ends with ctx; what is not stored then is tried again by the next engine.
func (e *Engine) acknowledge(ctx context.Context) {
	last := 0
	for {
		e.mu.Lock()
		if last >= gatherFrom && len(e.acks) < ackMax/4 && e.inFlight >= gatherFrom {
			e.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-time.After(gatherTime):
			}
			e.mu.Lock()
		}
		n := min(len(e.acks), ackMax)
		batch := e.acks[:n:n]
		e.acks = e.acks[n:]
		e.acking = n
		e.quietLocked()
		e.mu.Unlock()
		if n == 0 {
			select {
			case <-ctx.Done():
				return
			case <-e.results:
			}
			last = 0
			continue
		}
		last = n
		if e.retry(ctx, "store results", func() error { return e.store(ctx, batch) }) != nil {
			return
		}
	}
}

// store writes a batch and lets its lanes go on. A batch that the database refuses for a reason of its content is written
// one by one, so that one result cannot hold up the others.
func (e *Engine) store(ctx context.Context, batch []*result) error {
	lost, err := e.write(ctx, batch, e.tell)
	if err != nil {
		if ctx.Err() != nil || fault.IsKind(err, fault.Unavailable) {
			return err
		}
		if len(batch) > 1 {
			for i := range batch {
				if err := e.retry(ctx, "store a result", func() error { return e.store(ctx, batch[i:i+1]) }); err != nil {
					return err
				}
			}
			return nil
		}
		// Not storable as it is: keep the verdict, lose the details.
		e.log.Error("result of a delivery cannot be stored in full", "delivery", batch[0].r.id, "error", err)
		r := batch[0]
		r.out.URL, r.out.RequestHeader, r.out.ResponseHeader, r.out.ResponseBody = "", nil, nil, nil
		if lost, err = e.write(ctx, batch, e.tell); err != nil {
			if ctx.Err() != nil || fault.IsKind(err, fault.Unavailable) {
				return err
			}
			e.log.Error("the news of a delivery's result cannot be stored", "delivery", batch[0].r.id, "error", err)
			if lost, err = e.write(ctx, batch, silent); err != nil {
				return err
			}
		}
	}
	e.mu.Lock()
	for t := range lost {
		if !t.lost {
			e.log.Warn("another engine owns the target; results were not stored", "target", t.id, "kind", t.kind, "ref", t.ref)
			e.forgetLocked(t)
		}
	}
	for _, r := range batch {
		e.ackedLocked(r)
	}
	e.dispatchLocked()
	e.mu.Unlock()
	return nil
}

// write stores a batch and tells its news in one transaction.
func (e *Engine) write(ctx context.Context, batch []*result, tell teller) (lost map[*target]bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = e.db.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if lost, err = storeResults(tx, e.owner, batch); err != nil {
			return err
		}
		for _, r := range batch {
			if lost[r.t] {
				continue
			}
			if err := r.publish(ctx, tx, tell); err != nil {
				return err
			}
		}
		return nil
	})
	return lost, err
}
