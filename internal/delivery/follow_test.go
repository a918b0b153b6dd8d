package delivery

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/internal/db"
)

// follower is a receiver that hears what becomes of each delivery; gone says that its target does not exist any more.
type follower struct {
	*receiver
	gone bool
}

func (follower) Follow() {}

func (f *follower) Prepare(ctx context.Context, jobs []*Job) error {
	if f.gone {
		for _, j := range jobs {
			j.Verdict = &Outcome{Verdict: Discard, Reason: "it was deleted"}
		}
		return nil
	}
	return f.receiver.Prepare(ctx, jobs)
}

func TestAFollowerHearsOfEveryDelivery(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		f := &follower{receiver: s.recv}
		failures := 3
		s.recv.set(func(ctx context.Context, c call) Outcome {
			if failures--; failures >= 0 {
				return failing(ctx, c)
			}
			return ok
		})
		o := s.options()
		o.Executors = map[string]Executor{"test": f}
		s.running(o, func(*Engine) {
			s.happen(1, 1)
			wait(time.Hour)
			if got := kindsOf(s.recv.told()); got != "[retry 1 delivered 1 delivered 2]" {
				t.Errorf("told: %s", got)
			}
		})
	})
}

// changing is a receiver that finds another text for what was tried before.
type changing struct{ *receiver }

func (c changing) Prepare(ctx context.Context, jobs []*Job) error {
	if err := c.receiver.Prepare(ctx, jobs); err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Attempt > 1 {
			j.Body, j.Renewed = []byte("edited"), true
		}
	}
	return nil
}

func TestTheLogHasTheBodyThatWasSentLast(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		failures := 2
		s.recv.set(func(ctx context.Context, c call) Outcome {
			if failures--; failures >= 0 {
				return failing(ctx, c)
			}
			return ok
		})
		o := s.options()
		o.Executors = map[string]Executor{"test": changing{s.recv}}
		s.running(o, func(*Engine) {
			s.happen(1)
			wait(time.Hour)
			s.update(func(tx *db.Tx) error {
				var body []byte
				if err := tx.One(`SELECT body FROM delivery_bodies`, nil, &body); err != nil {
					return err
				}
				if string(body) != "edited" {
					t.Errorf("the stored body is %q", body)
				}
				return nil
			})
		})
	})
}

func TestWhatWaitsAtARetiredTargetIsDiscardedAndTold(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		f := &follower{receiver: s.recv}
		s.recv.set(failing)
		o := s.options()
		o.Executors = map[string]Executor{"test": f}
		s.running(o, func(e *Engine) {
			s.happen(1, 1, 2)
			wait(time.Minute)
			f.gone = true
			s.update(func(tx *db.Tx) error {
				tx.OnCommit(e.Kick)
				return Retire(tx, s.targets[0])
			})
			wait(time.Minute)
			told := s.recv.told(NoticeDropped)
			slices.SortFunc(told, func(a, b Notice) int { return int(a.Event - b.Event) })
			if got := kindsOf(told); got != "[dropped 1 dropped 2 dropped 3]" {
				t.Errorf("told: %s", got)
			}
			if got := s.states(); got[Dropped] != 3 {
				t.Errorf("states: %v", got)
			}
			if err := s.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				_, err := Replay(tx, told[0].Delivery)
				return err
			}); err == nil {
				t.Error("what belongs to a retired target was replayed")
			}
		})
	})
}

func kindsOf(list []Notice) string {
	var out []string
	for _, n := range list {
		out = append(out, fmt.Sprint(n.Kind, " ", int64(n.Event)))
	}
	return fmt.Sprint(out)
}
