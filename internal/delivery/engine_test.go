package delivery

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/fault"
	"parley/internal/id"
)

// inBubble runs fn with a site on each engine, under a virtual clock.
func inBubble(t *testing.T, targets int, fn func(t *testing.T, s *site)) {
	t.Helper()
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			s := newSite(t, d, targets)
			fn(t, s)
		})
	})
}

// running starts an engine and ends it before the bubble does.
func (s *site) running(o Options, fn func(e *Engine)) {
	e := s.start(o)
	fn(e)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e.Stop(ctx)
}

func TestEveryEventArrivesOnceInOrderAndIsLogged(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, s *site) {
		s.happen(1, 2, 1) // before the engine runs
		s.running(s.options(), func(e *Engine) {
			for i := range 50 {
				s.happen(i%7+1, 1)
			}
			wait(time.Second)
			if n := len(s.recv.seen()); n != 3*103 {
				t.Errorf("%d calls, want %d", n, 3*103)
			}
			s.checkOrder()
			if got := s.states(); got[Delivered] != 3*103 || len(got) != 1 {
				t.Errorf("states = %v", got)
			}
			d := s.detail(1)
			if d.Attempts != 1 || len(d.AttemptLog) != 1 || string(d.Body) != "1:1" || d.LastStatus != 200 || d.AttemptLog[0].Outcome != Done {
				t.Errorf("log = %+v", d)
			}
			for _, c := range s.recv.seen() {
				if same := c.id == d.WebhookID; same != (c.ref == 1 && c.event == 1) {
					t.Errorf("webhook id in the log %q, event %d at target %d had %q", d.WebhookID, c.event, c.ref, c.id)
				}
			}
		})
	})
}

// A receiver that fails for 36 hours: the attempts follow the schedule, the lane waits, then everything arrives in order.
func TestReceiverThatFailsFor36HoursGetsEverythingInOrder(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		began := time.Now()
		s.recv.set(func(ctx context.Context, c call) Outcome {
			if time.Since(began) < 36*time.Hour {
				return failing(ctx, c)
			}
			return ok
		})
		o := s.options()
		o.Poll = time.Hour
		s.running(o, func(e *Engine) {
			s.happen(1, 1, 1)
			wait(50 * time.Hour)
			calls := s.recv.seen()
			var at []time.Duration
			for _, c := range calls[:len(calls)-2] {
				at = append(at, c.at.Sub(began).Round(time.Second))
			}
			h, m := time.Hour, time.Minute
			want := []time.Duration{0, 5 * time.Second, 35 * time.Second, 2*m + 35*time.Second, 12*m + 35*time.Second, 42*m + 35*time.Second}
			for _, step := range []time.Duration{h, 3 * h, 6 * h, 6 * h, 6 * h, 6 * h, 6 * h, 6 * h} {
				want = append(want, want[len(want)-1]+step)
			}
			if fmt.Sprint(at) != fmt.Sprint(want[:len(at)]) || at[len(at)-1] < 36*h {
				t.Errorf("attempts of the first delivery at\n%v, want\n%v", at, want)
			}
			for _, c := range calls {
				if c.id != calls[0].id && c.event == calls[0].event {
					t.Errorf("attempt %d has the id %s, the first %s", c.attempt, c.id, calls[0].id)
				}
			}
			s.checkOrder()
			if got := s.states(); got[Delivered] != 3 {
				t.Errorf("states = %v", got)
			}
		})
	})
}

func TestJitterStaysWithinTenPercent(t *testing.T) {
	for _, r := range []float64{0, 0.25, 0.999999} {
		e := New(Options{DB: dbtest.New(t), Rand: func() float64 { return r }})
		res := &result{r: &row{since: time.Unix(0, 0)}, number: 2, now: time.Unix(100, 0)}
		e.scheduleLocked(&target{}, res)
		wait := res.retryAt.Sub(res.now).Seconds()
		if math.Abs(wait-30) > 3 {
			t.Errorf("with %v the second wait is %v s", r, wait)
		}
	}
}

func TestRetryAfterIsHonouredWithinBounds(t *testing.T) {
	for after, want := range map[time.Duration][2]time.Duration{
		90 * time.Second:              {90 * time.Second, 99 * time.Second},
		time.Millisecond:              {time.Second, 1100 * time.Millisecond},
		365 * 24 * time.Hour:          {24 * time.Hour, 27 * time.Hour},
		2*time.Hour + time.Nanosecond: {2 * time.Hour, 133 * time.Minute},
	} {
		inBubble(t, 1, func(t *testing.T, s *site) {
			s.recv.set(func(_ context.Context, c call) Outcome {
				if c.attempt == 1 {
					return Outcome{Verdict: Retry, Status: 503, After: after}
				}
				return ok
			})
			o := s.options()
			o.Poll = time.Hour
			s.running(o, func(e *Engine) {
				s.happen(1)
				wait(30 * time.Hour)
				calls := s.recv.seen()
				if len(calls) != 2 {
					t.Fatalf("%d attempts, want 2", len(calls))
				}
				if gap := calls[1].at.Sub(calls[0].at); gap < want[0] || gap > want[1] {
					t.Errorf("Retry-After %v waited %v, want %v to %v", after, gap, want[0], want[1])
				}
			})
		})
	}
}

func TestDeliveryIsGivenUpAfterThreeDaysAndItsLaneGoesOn(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(func(ctx context.Context, c call) Outcome {
			if c.event == 1 {
				return failing(ctx, c)
			}
			return ok
		})
		o := s.options()
		o.Poll = time.Hour
		s.running(o, func(e *Engine) {
			s.happen(1, 1)
			wait(80 * time.Hour)
			d := s.detail(1)
			last := d.AttemptLog[len(d.AttemptLog)-1]
			if d.State != Dead || last.StartedAt.Sub(d.CreatedAt) < 60*time.Hour || last.StartedAt.Sub(d.CreatedAt) > 72*time.Hour || last.Outcome != GiveUp {
				t.Errorf("the first delivery is %s after %v, last attempt %+v", d.State, last.StartedAt.Sub(d.CreatedAt), last)
			}
			if d := s.detail(2); d.State != Delivered || !d.FinishedAt.After(last.StartedAt.Add(-time.Millisecond)) {
				t.Errorf("the one behind it: %s at %v", d.State, d.FinishedAt)
			}
			if st := s.stats(s.targets[0]); st.Dead != 1 || st.Pending != 0 {
				t.Errorf("stats = %+v", st)
			}
			// Revived, it goes out on its own, with the same id.
			s.recv.set(nil)
			s.update(func(tx *db.Tx) error { return Revive(tx, 1) })
			e.Kick()
			wait(time.Second)
			calls := s.recv.seen()
			if d := s.detail(1); d.State != Delivered || calls[len(calls)-1].id != calls[0].id {
				t.Errorf("revived: %s, last call %+v", d.State, calls[len(calls)-1])
			}
		})
	})
}

func TestStopVerdictPausesTheTargetUntilResume(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(func(context.Context, call) Outcome { return Outcome{Verdict: Stop, Status: 410, Reason: "gone"} })
		s.running(s.options(), func(e *Engine) {
			s.happen(1)
			wait(time.Second)
			s.happen(1, 2)
			wait(time.Hour)
			if n := len(s.recv.seen()); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
			if got := fmt.Sprint(s.recv.news); got != "[1 gone gone]" {
				t.Errorf("the executor was told %s", got)
			}
			if d := s.detail(1); d.State != Pending || d.Attempts != 1 || d.LastStatus != 410 {
				t.Errorf("the delivery is %s after %d attempts", d.State, d.Attempts)
			}
			s.recv.set(nil)
			s.update(func(tx *db.Tx) error { _, err := Resume(tx, s.targets[0], true); return err })
			e.Kick()
			wait(time.Second)
			s.checkOrder()
			if got := s.states(); got[Delivered] != 3 {
				t.Errorf("after resume: %v", got)
			}
		})
	})
}

func TestPauseStopsAtOnceAndResumeGoesOnInOrder(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.running(s.options(), func(e *Engine) {
			s.happen(1)
			wait(time.Second)
			s.update(func(tx *db.Tx) error { return Pause(tx, s.targets[0], "by an admin") })
			e.Kick()
			synctest.Wait()
			s.happen(1, 2, 1)
			wait(time.Hour)
			if n := len(s.recv.seen()); n != 1 {
				t.Errorf("%d calls while paused, want 1", n)
			}
			s.update(func(tx *db.Tx) error { _, err := Resume(tx, s.targets[0], true); return err })
			e.Kick()
			wait(time.Second)
			s.checkOrder()
			if n := len(s.recv.seen()); n != 4 {
				t.Errorf("%d calls after resume, want 4", n)
			}
		})
	})
}

// A read that began before a result was stored may still show its row; the lane is remembered until the read was applied.
func TestRowThatWasAcknowledgedDuringAReadIsNotTakenAgain(t *testing.T) {
	e := New(Options{DB: dbtest.New(t)})
	tg := &target{id: 1, cap: 4, limit: 4, breaker: Closed, until: e.now().Add(time.Hour), lanes: map[string]*lane{}}
	e.targets[1] = tg
	r := &row{id: 7, target: 1, event: 3, lane: "c1"}
	e.setReading(true)
	e.addLocked(tg, r)
	l := tg.lanes["c1"]
	l.job = &Job{}
	e.ackedLocked(&result{l: l, t: tg, r: r, verdict: Done})
	e.addLocked(tg, &row{id: 7, target: 1, event: 3, lane: "c1"})
	if tg.rows != 0 || len(l.rows) != 0 {
		t.Errorf("%d rows in memory after the acknowledged one was read again", tg.rows)
	}
	e.setReading(false)
	if len(tg.lanes) != 0 {
		t.Error("the finished lane is kept for ever")
	}
}

// A nudge that comes while its target is just being given up must not be lost.
func TestNudgeDuringReleaseMakesTheTargetDue(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d, 1)
		var due []Target
		s.update(func(tx *db.Tx) error {
			c, err := claimTarget(tx, s.targets[0], "a/1", "a", "", tx.Now().Add(time.Minute))
			if err != nil {
				return err
			}
			if err := nudge(tx, s.targets[0]); err != nil {
				return err
			}
			if err := releaseTarget(tx, s.targets[0], "a/1", c.fence, c.nudge, time.Time{}); err != nil {
				return err
			}
			due, err = dueTargets(tx, tx.Now())
			return err
		})
		if len(due) != 1 {
			t.Errorf("%d targets are due, want 1", len(due))
		}
	})
}

func TestBreakerOpensAfterTenFailuresAndOneProbeDecides(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(failing)
		s.running(s.options(), func(e *Engine) {
			var lanes []int
			for n := range 100 {
				lanes = append(lanes, n+1)
			}
			s.happen(lanes...)
			wait(time.Second)
			tried := len(s.recv.seen())
			if st := s.stats(s.targets[0]); tried < 10 || tried > 10+DefaultInFlight || st.Breaker != Open {
				t.Fatalf("%d attempts, breaker %s", tried, st.Breaker)
			}
			wait(13 * time.Second)
			if n := len(s.recv.seen()); n != tried {
				t.Errorf("%d attempts while the breaker is open", n-tried)
			}
			wait(2 * time.Second)
			if n := len(s.recv.seen()); n != tried+1 {
				t.Errorf("%d probes, want 1", n-tried)
			}
			s.recv.set(nil)
			wait(40 * time.Second)
			if st := s.stats(s.targets[0]); st.Breaker != Closed || st.Pending != 0 {
				t.Errorf("after success: %+v", st)
			}
			s.checkOrder()
		})
	})
}

func TestHangingTargetsCostTheOthersNothingAndTheirMemoryIsBounded(t *testing.T) {
	inBubble(t, 6, func(t *testing.T, s *site) {
		s.recv.set(func(ctx context.Context, c call) Outcome {
			if c.ref == 1 {
				return hang(ctx, c)
			}
			return ok
		})
		o := s.options()
		o.Window, o.InFlight, o.Attempt = 20, 40, time.Minute
		s.running(o, func(e *Engine) {
			for range 30 {
				s.happen(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
			}
			wait(time.Second)
			e.mu.Lock()
			rows := e.targets[s.targets[0]].rows
			held := e.targets[s.targets[0]].inFlight
			e.mu.Unlock()
			if rows > 20+laneRows || held > DefaultInFlight {
				t.Errorf("the hanging target has %d rows in memory and %d attempts under way", rows, held)
			}
			for i, n := range s.targets[1:] {
				if st := s.stats(n); st.Pending != 0 {
					t.Errorf("target %d has %d pending", i+2, st.Pending)
				}
			}
			s.recv.set(nil)
			wait(20 * time.Minute)
			if st := s.stats(s.targets[0]); st.Pending != 0 {
				t.Errorf("the target that hung has %d pending after it recovered", st.Pending)
			}
			s.checkOrder()
		})
	})
}

// Who presses "Send test" or replays one delivery does not wait for the backlog.
func TestTestCallAndReplayGoBeforeTheBacklog(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		o := s.options()
		o.Window = 20
		s.happen(1)
		s.running(o, func(*Engine) { wait(time.Second) })
		for i := range 400 {
			s.happen(2 + i%80)
		}
		s.recv.set(func(ctx context.Context, c call) Outcome {
			wait(time.Second)
			return ok
		})
		s.running(o, func(e *Engine) {
			wait(3 * time.Second)
			var again, test, missing id.Delivery
			s.update(func(tx *db.Tx) (err error) {
				if again, err = Replay(tx, 1); err != nil {
					return err
				}
				ids, err := Enqueue(tx, Item{Target: s.targets[0], Name: "test", Body: []byte("0:hello"), Test: true})
				test = ids[0]
				return err
			})
			e.Kick()
			wait(4 * time.Second)
			if a, b := s.detail(again), s.detail(test); a.State != Delivered || b.State != Delivered {
				t.Errorf("after 4 s the replay is %s and the test call %s", a.State, b.State)
			}
			if n := s.states()[Pending]; n < 200 {
				t.Errorf("only %d deliveries wait: the test shows nothing", n)
			}
			// One that fails is tried again in its time, and once.
			s.recv.set(func(ctx context.Context, c call) Outcome {
				if c.body == "0:no" && c.attempt == 1 {
					return failing(ctx, c)
				}
				return ok
			})
			s.update(func(tx *db.Tx) error {
				ids, err := Enqueue(tx, Item{Target: s.targets[0], Name: "test", Body: []byte("0:no"), Test: true})
				missing = ids[0]
				return err
			})
			e.Kick()
			wait(5 * time.Minute)
			if d := s.detail(missing); d.State != Delivered || d.Attempts != 2 {
				t.Errorf("the call that failed once is %s after %d attempts", d.State, d.Attempts)
			}
			s.checkOrder()
			if got := s.states(); got[Pending] != 0 || len(s.recv.seen()) != 1+400+2+2 {
				t.Errorf("%v after %d calls", got, len(s.recv.seen()))
			}
		})
	})
}

// Conversations with long queues keep the memory full, one refill after the other: nobody who waits at a screen waits for that.
func TestTestCallGoesBeforeLanesThatFillTheMemory(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		o := s.options()
		o.Window = 20
		var turn atomic.Int64
		for i := range 640 {
			s.happen(1 + i%16)
		}
		s.recv.set(func(ctx context.Context, c call) Outcome {
			n := turn.Add(1) // never two at the same time: a lane is refilled as soon as its call is over
			wait(time.Second + time.Duration(n%61)*7*time.Millisecond)
			return ok
		})
		s.running(o, func(e *Engine) {
			wait(10 * time.Second)
			var tests []id.Delivery
			s.update(func(tx *db.Tx) (err error) {
				for range 3 * apartMax {
					ids, err := Enqueue(tx, Item{Target: s.targets[0], Name: "test", Body: []byte("0:hello"), Test: true})
					if err != nil {
						return err
					}
					tests = append(tests, ids...)
				}
				return nil
			})
			e.Kick()
			wait(5 * time.Second)
			for _, n := range tests[len(tests)-apartMax:] {
				if d := s.detail(n); d.State != Delivered {
					t.Errorf("after 5 s the test call %d is %s", n, d.State)
				}
			}
			if n := s.states()[Pending]; n < 300 {
				t.Errorf("only %d deliveries wait: the test shows nothing", n)
			}
			wait(2 * time.Minute)
			s.checkOrder()
			if got := s.states(); got[Pending] != 0 || len(s.recv.seen()) != 640+len(tests) {
				t.Errorf("%v after %d calls", got, len(s.recv.seen()))
			}
		})
	})
}

func TestBacklogFarBeyondTheWindowArrivesInOrder(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		o := s.options()
		o.Window = 8
		for range 40 {
			s.happen(1, 1, 2, 3, 1, 4)
		}
		s.running(o, func(e *Engine) {
			for range 40 {
				s.happen(1, 5, 2)
			}
			wait(10 * time.Second)
			s.checkOrder()
			if got := s.states(); got[Delivered] != 2*360 || len(s.recv.seen()) != 2*360 {
				t.Errorf("states %v after %d calls, want %d", got, len(s.recv.seen()), 2*360)
			}
		})
	})
}

func TestGracefulStopFinishesWhatIsUnderWayAndStartsNothing(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(func(context.Context, call) Outcome {
			wait(3 * time.Second)
			return ok
		})
		e := s.start(s.options())
		s.happen(1, 1, 2, 2)
		wait(time.Second)
		s.stop(e)
		if got := s.states(); got[Delivered] != 2 || got[Pending] != 2 || len(s.recv.seen()) != 2 {
			t.Errorf("after stop: %v, %d calls", got, len(s.recv.seen()))
		}
		s.recv.set(nil)
		o := s.options()
		o.Node = "another"
		s.running(o, func(*Engine) { // the targets are free at once
			wait(time.Second)
			if got := s.states(); got[Delivered] != 4 || len(s.recv.seen()) != 4 {
				t.Errorf("the next engine: %v, %d calls", got, len(s.recv.seen()))
			}
		})
	})
}

func TestStopGivesUpHangingAttemptsAtItsDeadline(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(hang)
		e := s.start(s.options())
		s.happen(1)
		wait(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := e.Stop(ctx); err == nil || time.Since(began) > 6*time.Second {
			t.Errorf("stop: %v after %v", err, time.Since(began))
		}
		if d := s.detail(1); d.State != Pending || d.Attempts != 0 {
			t.Errorf("the delivery is %s after %d attempts", d.State, d.Attempts)
		}
	})
}

func TestOtherNodeTakesOverWithinTenSecondsAndALateOwnerStoresNothing(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.update(func(tx *db.Tx) error { return SetLimits(tx, s.targets[0], Limits{InFlight: 1}) })
		answer := make(chan struct{})
		s.recv.set(func(ctx context.Context, c call) Outcome {
			switch len(s.recv.seen()) {
			case 1:
				<-answer // node a is stuck in the first attempt …
				return Outcome{Verdict: GiveUp, Status: 400, Reason: "late"}
			case 2:
				return failing(ctx, c) // node b will try again
			}
			return ok
		})
		o := s.options()
		o.RenewEvery = time.Hour // … and does not renew
		a := s.start(o)
		s.happen(1, 1, 2)
		synctest.Wait()
		if n := len(s.recv.seen()); n != 1 {
			t.Fatalf("%d calls by node a", n)
		}
		began := time.Now()
		o = s.options()
		o.Node, o.Poll = "b", 500*time.Millisecond
		b := s.start(o)
		for len(s.recv.seen()) == 1 {
			wait(100 * time.Millisecond)
		}
		if took := time.Since(began); took > 10*time.Second+200*time.Millisecond {
			t.Errorf("node b took over after %v", took)
		}
		wait(time.Second)
		close(answer) // node a has the other lane prepared, and may neither store its result nor start anything
		wait(time.Second)
		if d := s.detail(1); d.State != Pending || d.Attempts != 1 {
			t.Errorf("the late owner stored its result: %s after %d attempts", d.State, d.Attempts)
		}
		wait(10 * time.Second)
		d := s.detail(1)
		if d.State != Delivered || len(d.AttemptLog) != 2 || d.AttemptLog[0].Outcome != Retry || d.AttemptLog[1].Outcome != Done {
			t.Errorf("log of the first delivery: %s, %+v", d.State, d.AttemptLog)
		}
		var order []string
		for _, c := range s.recv.seen() {
			order = append(order, fmt.Sprint(c.event, "#", c.attempt))
		}
		if got, want := fmt.Sprint(order), "[1#1 1#1 3#1 1#2 2#1]"; got != want {
			t.Errorf("calls (event#attempt) %s, want %s", got, want)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		a.Stop(ctx)
		b.Stop(ctx)
	})
}

func TestTwoNodesNeverDeliverTheSameTwice(t *testing.T) {
	inBubble(t, 5, func(t *testing.T, s *site) {
		o := s.options()
		o.IdleAfter = 2 * time.Second // targets change hands often
		a := s.start(o)
		o.Node = "b"
		b := s.start(o)
		for i := range 60 {
			s.happen(i%3+1, 4)
			wait(700 * time.Millisecond * time.Duration(i%5))
		}
		wait(time.Minute)
		s.checkOrder()
		if n := len(s.recv.seen()); n != 600 {
			t.Errorf("%d calls, want 600", n)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		a.Stop(ctx)
		b.Stop(ctx)
	})
}

func TestSameNodeTakesItsTargetsBackAtOnceAfterACrash(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		s.recv.set(hang)
		e := s.start(s.options())
		s.happen(1, 1, 2)
		wait(time.Second)
		e.crash()
		first := len(s.recv.seen())
		s.recv.set(nil)
		s.running(s.options(), func(*Engine) {
			wait(100 * time.Millisecond)
			if got := s.states(); got[Delivered] != 6 {
				t.Errorf("0.1 s after the restart: %v", got)
			}
			if n := len(s.recv.seen()); n != first+6 {
				t.Errorf("%d calls after the restart, want 6", n-first)
			}
		})
	})
}

func TestReplayAndTestCallGoTheirOwnWay(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.running(s.options(), func(e *Engine) {
			s.happen(1)
			wait(time.Second)
			s.recv.set(func(ctx context.Context, c call) Outcome {
				if c.event == 2 {
					return failing(ctx, c)
				}
				return ok
			})
			s.happen(1) // its lane is stuck now
			wait(time.Second)
			var again, test id.Delivery
			s.update(func(tx *db.Tx) (err error) {
				if again, err = Replay(tx, 1); err != nil {
					return err
				}
				ids, err := Enqueue(tx, Item{Target: s.targets[0], Name: "test", Body: []byte("0:hello"), Test: true})
				test = ids[0]
				return err
			})
			e.Kick()
			wait(time.Second)
			first, d := s.detail(1), s.detail(again)
			if d.State != Delivered || d.ReplayOf != 1 || d.WebhookID != first.WebhookID || string(d.Body) != string(first.Body) {
				t.Errorf("replay: %+v", d)
			}
			if d := s.detail(test); d.State != Delivered || !d.Test || string(d.Body) != "0:hello" {
				t.Errorf("test call: %+v", d)
			}
			calls := s.recv.seen()
			if calls[0].id != calls[2].id && calls[0].id != calls[3].id {
				t.Errorf("the replay has another webhook id: %+v", calls)
			}
			err := s.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := Replay(tx, 2); return err })
			if !fault.Is(err, fault.DeliveryPending) {
				t.Errorf("replay of a pending delivery: %v", err)
			}
		})
	})
}

func TestBodyThatCannotBeMadeIsDeadWithItsReasonAndTheLaneGoesOn(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		tries := 0
		s.recv.prepare = func(jobs []*Job) error {
			if tries++; tries == 1 {
				return errBusy // the database is away for a moment
			}
			for _, j := range jobs {
				switch j.Event {
				case 1:
					j.Verdict = &Outcome{Verdict: GiveUp, Reason: "no such dialect"}
				case 2:
					panic("broken renderer")
				}
			}
			if len(jobs) > 0 && jobs[0].Verdict != nil {
				jobs[0].Body = []byte("x")
			}
			return nil
		}
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 1, 1)
			wait(10 * time.Second)
			if a, b, c := s.detail(1), s.detail(2), s.detail(3); a.State != Dead || a.LastError != "no such dialect" || a.Attempts != 0 || b.State != Dead || c.State != Delivered {
				t.Errorf("states %s (%s), %s, %s", a.State, a.LastError, b.State, c.State)
			}
		})
	})
}

func TestResultsSurviveADatabaseThatRefusesForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.New(t)
		defer d.Close()
		s := newSite(t, d, 1)
		s.running(s.options(), func(e *Engine) {
			big := strings.Repeat("x", 4000)
			s.recv.set(func(context.Context, call) Outcome {
				return Outcome{Verdict: Done, Status: 200, ResponseBody: []byte(big)}
			})
			s.happen(1)
			wait(time.Second)
			pages := func(n int) {
				s.update(func(tx *db.Tx) error { _, err := tx.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", n)); return err })
			}
			var lanes []int
			for n := range 200 {
				lanes = append(lanes, n%50+1)
			}
			s.recv.set(func(context.Context, call) Outcome {
				wait(time.Second)
				return Outcome{Verdict: Done, Status: 200, ResponseBody: []byte(big)}
			})
			s.happen(lanes...)
			synctest.Wait()
			pages(1) // as small as it is now: nothing more fits
			wait(time.Minute)
			before := len(s.recv.seen())
			if st := s.states(); st[Pending] == 0 {
				t.Fatalf("the database was not full: %v", st)
			}
			wait(time.Minute)
			if n := len(s.recv.seen()); n != before {
				t.Errorf("%d calls although no result could be stored", n-before)
			}
			pages(1_000_000)
			wait(5 * time.Minute)
			s.checkOrder()
			if got := s.states(); got[Delivered] != 201 || len(s.recv.seen()) != 201 {
				t.Errorf("states %v after %d calls: something was lost or sent twice", got, len(s.recv.seen()))
			}
		})
	})
}

func TestIdleTargetsAreGivenUpAndComeBackWhenDue(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		s.running(s.options(), func(e *Engine) {
			s.happen(1)
			wait(5 * time.Minute)
			e.mu.Lock()
			n := len(e.targets)
			e.mu.Unlock()
			if n != 0 {
				t.Errorf("%d idle targets are still owned", n)
			}
			s.happen(1)
			wait(100 * time.Millisecond)
			if got := s.states(); got[Delivered] != 4 {
				t.Errorf("states = %v", got)
			}
		})
	})
}

func TestDroppedTargetGetsNothingMore(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(failing)
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 1, 2)
			wait(time.Second)
			s.update(func(tx *db.Tx) error { _, err := Drop(tx, s.targets[0], "deleted"); return err })
			e.Kick()
			n := len(s.recv.seen())
			wait(time.Hour)
			if got := s.states(); got[Dropped] != 3 || len(s.recv.seen()) != n {
				t.Errorf("states %v, %d more calls", got, len(s.recv.seen())-n)
			}
		})
	})
}

func TestForgetDeletesOldDeliveriesWithBodiesAndAttemptsAndKeepsTheRest(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(func(ctx context.Context, c call) Outcome {
			if c.lane == 9 {
				return failing(ctx, c)
			}
			return ok
		})
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 2, 9)
			wait(time.Hour)
			s.happen(1)
			wait(time.Second)
			total := 0
			for {
				n, err := Forget(t.Context(), s.d, time.Now().Add(-time.Minute), 1000, 1)
				if err != nil {
					t.Fatal(err)
				}
				if total += n; n == 0 {
					break
				}
			}
			if got := s.states(); total != 2 || got[Delivered] != 1 || got[Pending] != 1 {
				t.Errorf("%d forgotten, left %v", total, got)
			}
			var bodies, attempts int
			s.view(func(tx *db.Tx) error {
				if err := tx.One("SELECT COUNT(*) FROM delivery_bodies WHERE delivery_id <= 2", nil, &bodies); err != nil {
					return err
				}
				return tx.One("SELECT COUNT(*) FROM delivery_attempts WHERE delivery_id <= 2", nil, &attempts)
			})
			if bodies+attempts != 0 {
				t.Errorf("%d bodies and %d attempts left behind", bodies, attempts)
			}
		})
	})
}

func TestTargetKeysAreUniqueAndInstanceIDStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		a, err := InstanceID(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		b, err := InstanceID(t.Context(), d)
		if err != nil || a != b || a == "" {
			t.Errorf("instance ids %q, %q, %v", a, b, err)
		}
		make := func() error {
			return d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := NewTarget(tx, "x", 1, Limits{}); return err })
		}
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if err := make(); !db.IsUnique(err) {
			t.Errorf("the same target twice: %v", err)
		}
	})
}
