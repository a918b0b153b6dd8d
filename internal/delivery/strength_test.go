package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

const day = 24 * time.Hour

// limits changes a target's limits and tells the engine.
func (s *site) limits(e *Engine, n Target, l Limits) {
	s.t.Helper()
	s.update(func(tx *db.Tx) error { return SetLimits(tx, n, l) })
	e.Kick()
	synctest.Wait()
}

func (s *site) resume(e *Engine, n Target, backlog bool) (dropped int64) {
	s.t.Helper()
	s.update(func(tx *db.Tx) (err error) {
		dropped, err = Resume(tx, n, backlog)
		return err
	})
	e.Kick()
	return dropped
}

func lanes(n int) (list []int) {
	for i := range n {
		list = append(list, i+1)
	}
	return list
}

// starts are the times at which the target's attempts began, after a time.
func (s *site) starts(ref int64, since time.Time) (list []time.Duration) {
	for _, c := range s.recv.seen() {
		if c.ref == ref {
			list = append(list, c.at.Sub(since))
		}
	}
	return list
}

func TestPacedTargetStartsAttemptsAtEqualDistances(t *testing.T) {
	for _, rate := range []int{1, 3, 7, 50, 1000, 10_000} {
		t.Run(fmt.Sprint(rate, " per second"), func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *site) {
				s.update(func(tx *db.Tx) error { return SetLimits(tx, s.targets[0], Limits{InFlight: 256, PerSecond: rate}) })
				n := min(4*rate, 300)
				s.happen(lanes(n)...)
				o := s.options()
				o.Poll = time.Hour
				began := time.Now()
				s.running(o, func(e *Engine) {
					wait(10 * time.Second)
					at := s.starts(1, began)
					if len(at) != n {
						t.Fatalf("%d attempts, want %d", len(at), n)
					}
					for i := range at {
						ideal := time.Duration(i) * time.Second / time.Duration(rate)
						if d := at[i] - ideal; d < -time.Microsecond || d > 2*time.Millisecond {
							t.Fatalf("attempt %d started at %v, its turn is at %v", i, at[i], ideal)
						}
						if i >= rate && at[i]-at[i-rate] < time.Second-2*time.Millisecond {
							t.Fatalf("more than %d attempts in the second before %v", rate, at[i])
						}
					}
				})
			})
		})
	}
}

func TestPacedTargetMakesNoBurstAfterIdleTimeAndFollowsNewLimits(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.running(s.options(), func(e *Engine) {
			s.limits(e, s.targets[0], Limits{PerSecond: 2})
			s.happen(1)
			wait(20 * time.Second)
			began := time.Now()
			s.happen(1, 2, 3, 4, 5)
			wait(1100 * time.Millisecond)
			if n := len(s.recv.seen()); n != 4 {
				t.Errorf("%d attempts within 1.1 s, want 1 and 3", n)
			}
			s.limits(e, s.targets[0], Limits{PerSecond: 100}) // the turn that was 0.4 s away is near now
			wait(50 * time.Millisecond)
			if n := len(s.recv.seen()); n != 6 {
				t.Errorf("%d attempts 50 ms after the limit was raised, want 6", n)
			}
			s.limits(e, s.targets[0], Limits{PerSecond: 1})
			s.happen(1, 2, 3)
			s.limits(e, s.targets[0], Limits{})
			wait(time.Millisecond)
			if n := len(s.recv.seen()); n != 9 {
				t.Errorf("%d attempts after the limit was taken away, want 9 (began %v)", n, began)
			}
			s.checkOrder()
		})
	})
}

func TestPacedTargetHoldsNoPlaceThatOthersCouldUse(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		s.update(func(tx *db.Tx) error { return SetLimits(tx, s.targets[0], Limits{InFlight: 16, PerSecond: 1}) })
		s.happen(lanes(300)...)
		o := s.options()
		o.InFlight, o.Window, o.Poll = 2, 20, time.Hour
		began := time.Now()
		s.running(o, func(e *Engine) {
			wait(100 * time.Millisecond)
			if n := len(s.starts(2, began)); n != 300 {
				t.Errorf("%d attempts at the target without a limit, want 300", n)
			}
			e.mu.Lock()
			if e.inFlight != 0 {
				t.Errorf("%d places are taken by a target that waits for its turn", e.inFlight)
			}
			e.mu.Unlock()
			wait(5 * time.Minute)
			if n := len(s.starts(1, began)); n != 300 {
				t.Errorf("%d attempts at the paced target after 5 minutes, want 300", n)
			}
		})
	})
}

func TestPaceSurvivesAClockThatIsSetBack(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.update(func(tx *db.Tx) error { return SetLimits(tx, s.targets[0], Limits{PerSecond: 1}) })
		var mu sync.Mutex
		back := time.Duration(0)
		o := s.options()
		o.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(-back)
		}
		s.running(o, func(e *Engine) {
			s.happen(lanes(10)...)
			wait(2500 * time.Millisecond)
			mu.Lock()
			back = 12 * time.Hour
			mu.Unlock()
			wait(12 * time.Second)
			if n := len(s.recv.seen()); n != 10 {
				t.Errorf("%d attempts 12 s after the clock was set back, want 10", n)
			}
		})
	})
}

// A receiver that never answers well, with an event every few hours: a warning after one and three days, the pause after five.
// Who is owner changes in between.
func TestFailingTargetIsWarnedOfTwiceAndPausedAfterFiveDays(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(failing)
		o := s.options()
		o.Poll = time.Hour
		began := time.Now()
		e := s.start(o)
		for i := range 6 * 4 {
			s.happen(1)
			wait(6 * time.Hour)
			switch i {
			case 6:
				s.stop(e)
				o.Node = "b"
				e = s.start(o)
			case 14:
				e.crash()
				e = s.start(o)
			}
		}
		defer s.stop(e)
		told := s.recv.told(NoticeFailing, NoticePaused)
		if len(told) != 3 {
			t.Fatalf("told %+v", told)
		}
		for i, want := range []Notice{{Kind: NoticeFailing, Days: 1}, {Kind: NoticeFailing, Days: 3}, {Kind: NoticePaused, Days: 5}} {
			if n := told[i]; n.Kind != want.Kind || n.Days != want.Days || n.Since.Sub(began) > time.Second || n.Reason == "" {
				t.Errorf("notice %d is %+v, want %+v", i, n, want)
			}
		}
		st := s.stats(s.targets[0])
		last := s.recv.seen()[len(s.recv.seen())-1]
		if !st.Paused || st.FailingSince.Sub(began) > time.Second || last.at.Sub(began) < 5*day || last.at.Sub(began) > 5*day+7*time.Hour {
			t.Errorf("stats %+v, last attempt after %v", st, last.at.Sub(began))
		}
		if dead := s.recv.told(NoticeDead); len(dead) == 0 || len(dead) != st.Dead {
			t.Errorf("%d dead, told of %d", st.Dead, len(dead))
		}
		// Resumed, it is healthy until something fails again.
		s.recv.set(nil)
		s.resume(e, s.targets[0], true)
		if st := s.stats(s.targets[0]); st.Paused || !st.FailingSince.IsZero() {
			t.Errorf("after resume: %+v", st)
		}
		wait(time.Second)
		if st := s.stats(s.targets[0]); st.Pending != 0 {
			t.Errorf("%d still pending a second after the resume", st.Pending)
		}
	})
}

func TestSuccessEndsTheFailingTimeAndWarningsStartAnew(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		o := s.options()
		o.Poll = time.Hour
		s.running(o, func(e *Engine) {
			for range 3 {
				s.recv.set(failing)
				s.happen(1)
				wait(2 * day)
				if st := s.stats(s.targets[0]); st.FailingSince.IsZero() {
					t.Error("it does not count as failing")
				}
				s.recv.set(nil)
				wait(12 * time.Hour)
				if st := s.stats(s.targets[0]); !st.FailingSince.IsZero() || st.Pending != 0 {
					t.Errorf("after a success: %+v", st)
				}
			}
			told := s.recv.told()
			if len(told) != 3 || told[0].Days != 1 || told[1].Days != 1 || told[2].Days != 1 {
				t.Errorf("told %+v, want three times day 1", told)
			}
		})
	})
}

// The machine was off for a week: one failure before and one after are not seven days of failing.
func TestTimeWithoutAttemptsIsNotFailing(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(failing)
		o := s.options()
		e := s.start(o)
		s.happen(1)
		wait(time.Second)
		s.stop(e)
		wait(7 * day)
		e = s.start(o)
		wait(time.Second)
		s.stop(e)
		if told := s.recv.told(NoticePaused, NoticeFailing); len(told) != 0 || len(s.recv.seen()) != 2 {
			t.Errorf("told %+v after %d attempts", told, len(s.recv.seen()))
		}
	})
}

// A result of before a resume that is stored after it must not bring the old trouble back.
func TestResultFromBeforeAResumeDoesNotPauseAgain(t *testing.T) {
	for name, out := range map[string]Outcome{"410": {Verdict: Stop, Status: 410, Reason: "gone"}, "the last failure": {Verdict: Retry, Status: 500, Reason: "500"}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *site) {
				answer := make(chan struct{})
				o := s.options()
				o.RenewEvery = 4 * time.Second
				o.PauseAfter = time.Minute
				s.recv.set(failing)
				s.running(o, func(e *Engine) {
					s.happen(1)
					wait(2 * time.Minute) // the fourth attempt comes after 2:35
					s.recv.set(func(context.Context, call) Outcome {
						<-answer
						return out
					})
					wait(time.Minute)
					n := len(s.recv.seen())
					s.update(func(tx *db.Tx) error { _, err := Resume(tx, s.targets[0], true); return err }) // nobody tells the engine
					s.recv.set(nil)
					close(answer)
					synctest.Wait()
					if st := s.stats(s.targets[0]); st.Paused || !st.FailingSince.IsZero() || len(s.recv.told()) != 0 {
						t.Errorf("after %d attempts %+v, told %+v", n, st, s.recv.told())
					}
					wait(20 * time.Minute)
					if got := s.states(); got[Delivered] != 1 {
						t.Errorf("states %v", got)
					}
				})
			})
		})
	}
}

func TestResumeWithoutBacklogDropsWhatWaitedAndSendsWhatComes(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 2)
			wait(time.Second)
			s.update(func(tx *db.Tx) error { return Pause(tx, s.targets[0], "for a while") })
			e.Kick()
			synctest.Wait()
			s.happen(1, 2, 1)
			wait(time.Minute)
			if n := s.resume(e, s.targets[0], false); n != 3 {
				t.Errorf("%d dropped, want 3", n)
			}
			s.happen(1, 2)
			wait(time.Second)
			events := map[id.Event]bool{}
			for _, c := range s.recv.seen() {
				if c.ref == 1 {
					events[c.event] = true
				}
			}
			if fmt.Sprint(events) != "map[1:true 2:true 6:true 7:true]" {
				t.Errorf("the resumed target got %v", events)
			}
			if got := s.states(); got[Dropped] != 3 || got[Delivered] != 4+7 {
				t.Errorf("states %v", got)
			}
			// What was dropped can be replayed: the target is there.
			var n int64
			s.update(func(tx *db.Tx) (err error) {
				n, err = ReplayAll(tx, Filter{Kind: "test", Ref: 1, State: Dropped})
				return err
			})
			e.Kick()
			wait(time.Second)
			if got := s.states(); n != 3 || got[Delivered] != 14 {
				t.Errorf("%d replayed, states %v", n, got)
			}
		})
	})
}

// More than one transaction may hold is dropped in steps by the owner; nothing of it is sent, not even when the owner changes.
func TestHugeBacklogIsDroppedInSteps(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.happen(lanes(250)...)
		s.update(func(tx *db.Tx) error {
			for range 5 {
				if _, err := tx.Exec(`INSERT INTO deliveries (target, event_id, lane, name, form, test, state, attempts, next_at, since, has_body, last_status,
  last_error, replay_of, created_at, finished_at) SELECT target, event_id, lane, name, form, test, state, attempts, next_at, since, has_body, last_status,
  last_error, replay_of, created_at, finished_at FROM deliveries`); err != nil {
					return err
				}
			}
			return Pause(tx, s.targets[0], "so")
		})
		o := s.options()
		e := s.start(o)
		wait(time.Second)
		if n := s.resume(e, s.targets[0], false); n != 8000 {
			t.Errorf("%d dropped, want 8000", n)
		}
		s.happen(1, 2, 3)
		synctest.Wait()
		e.crash()
		s.running(o, func(e *Engine) {
			s.happen(1, 2, 3)
			wait(time.Minute)
			if got := s.states(); got[Dropped] != 8000 || got[Delivered] != 6 || len(s.recv.seen()) != 6 {
				t.Errorf("states %v after %d calls", got, len(s.recv.seen()))
			}
			s.checkOrder()
			var reasons int
			s.view(func(tx *db.Tx) error {
				return tx.One("SELECT COUNT(DISTINCT last_error) FROM deliveries", nil, &reasons)
			})
			if reasons != 2 {
				t.Errorf("%d different reasons, want the one for all that was dropped", reasons)
			}
			wait(time.Minute)
			e.mu.Lock()
			defer e.mu.Unlock()
			if len(e.targets) != 0 {
				t.Error("the target is not given up when nothing is left to drop")
			}
		})
	})
}

// What is dropped while it is prepared, or under way, is not tried (again).
func TestDroppedWhileUnderWayIsNotTriedAgain(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.update(func(tx *db.Tx) error { return SetLimits(tx, s.targets[0], Limits{InFlight: 1}) })
		answer := make(chan struct{})
		s.recv.set(func(ctx context.Context, c call) Outcome {
			<-answer
			return failing(ctx, c)
		})
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 2, 3, 1)
			wait(time.Second)
			if n := s.resume(e, s.targets[0], false); n != 4 {
				t.Errorf("%d dropped, want 4", n)
			}
			wait(time.Second)
			close(answer)
			wait(10 * time.Hour)
			if n := len(s.recv.seen()); n != 1 {
				t.Errorf("%d attempts, want the one that was under way", n)
			}
			if got := s.states(); got[Dropped] != 4 || len(got) != 1 {
				t.Errorf("states %v", got)
			}
			s.recv.set(nil)
			s.happen(1, 2, 3)
			wait(time.Second)
			if got := s.states(); got[Delivered] != 3 {
				t.Errorf("what came later: %v", got)
			}
		})
	})
}

func TestResumeDoesNotWaitForRetries(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(failing)
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 1)
			wait(10 * time.Hour)
			s.update(func(tx *db.Tx) error { return Pause(tx, s.targets[0], "repair") })
			e.Kick()
			s.recv.set(nil)
			wait(time.Minute)
			s.resume(e, s.targets[0], true)
			wait(time.Second)
			if got := s.states(); got[Delivered] != 2 {
				t.Errorf("a second after the resume: %v", got)
			}
		})
	})
}

func TestEveryDeadDeliveryIsToldOfWhereItIsStored(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(func(_ context.Context, c call) Outcome {
			if c.event%2 == 0 {
				return Outcome{Verdict: GiveUp, Status: 422, Reason: "not like this"}
			}
			return ok
		})
		refuse := true
		s.recv.notice = func(ctx context.Context, tx *db.Tx, ref int64, n Notice) error {
			if !db.InTx(ctx) {
				t.Error("the context is not the transaction's")
			}
			if n.Delivery == 2 && refuse {
				refuse = false
				return fault.New(fault.DatabaseUnavailable, "not now")
			}
			if n.Delivery == 4 {
				return errors.New("a bug in the executor")
			}
			if n.Delivery == 6 {
				panic("another one")
			}
			return nil
		}
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 1, 2, 2, 3, 3, 4, 4)
			wait(time.Minute)
			if got := s.states(); got[Delivered] != 4 || got[Dead] != 4 {
				t.Errorf("states %v", got)
			}
			told := s.recv.told()
			if len(told) != 2 || len(s.recv.seen()) != 8 {
				t.Fatalf("told %+v after %d calls", told, len(s.recv.seen()))
			}
			for _, n := range told {
				if d := n.Delivery; d != 2 && d != 8 || n.Kind != NoticeDead || n.Event != id.Event(d) || n.Name != string(event.MessageReceived) || n.Attempts != 1 ||
					n.Reason != "not like this" {
					t.Errorf("told %+v", n)
				}
			}
		})
	})
}

// Lanes of three events each, replayed while other things fail and the window is far too small; then an engine dies in between.
func TestBulkReplayKeepsTheOrderOfEachLane(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		o := s.options()
		o.Window, o.Poll = 8, time.Hour
		e := s.start(o)
		for range 60 {
			s.happen(1, 2, 3)
		}
		wait(10 * time.Second)
		first := s.recv.seen()
		var n, count, all int64
		s.update(func(tx *db.Tx) (err error) {
			if count, err = Count(tx, Filter{Kind: "test", Ref: 1, Replayable: true}); err != nil {
				return err
			}
			for _, most := range []int{179, 180, 181} {
				if many, err := Exceeds(tx, Filter{Kind: "test", Ref: 1, Replayable: true}, most); err != nil || many != (most < 180) {
					t.Errorf("180 exceed %d: %t, %v", most, many, err)
				}
			}
			n, err = ReplayAll(tx, Filter{Kind: "test", Ref: 1})
			return err
		})
		if n != 180 || count != 180 {
			t.Errorf("%d replayed, %d counted, want 180", n, count)
		}
		fails := 0
		s.recv.set(func(ctx context.Context, c call) Outcome {
			wait(10 * time.Millisecond)
			s.recv.mu.Lock()
			defer s.recv.mu.Unlock()
			if fails++; fails%7 == 0 {
				return failing(ctx, c)
			}
			return ok
		})
		e.Kick()
		wait(300 * time.Millisecond)
		s.limits(e, s.targets[0], Limits{InFlight: 2})
		s.happen(1, 2, 3) // a lane's own events go on beside
		wait(300 * time.Millisecond)
		e.crash()
		e = s.start(o)
		s.happen(1, 2, 3)
		wait(3 * time.Hour)
		s.stop(e)
		last := map[string]id.Event{}
		arrived := map[id.Event]int{}
		bodies := map[id.Event]string{}
		for i, c := range s.recv.seen() {
			if c.ref != 1 {
				continue
			}
			if i < len(first) {
				bodies[c.event] = c.body + c.id
				continue
			}
			if c.event > 180 {
				continue
			}
			if c.event < last[fmt.Sprint(c.lane)] {
				t.Fatalf("lane %d: event %d came after %d", c.lane, c.event, last[fmt.Sprint(c.lane)])
			}
			last[fmt.Sprint(c.lane)] = c.event
			if arrived[c.event]++; bodies[c.event] != c.body+c.id {
				t.Errorf("event %d was replayed as %s %s, before it was %s", c.event, c.body, c.id, bodies[c.event])
			}
		}
		if got := s.states(); len(arrived) != 180 || got[Delivered] != 2*186+180 || len(got) != 1 {
			t.Errorf("%d events arrived again, states %v", len(arrived), got)
		}
		// A second replay of everything does not replay the replays.
		s.update(func(tx *db.Tx) (err error) {
			if all, err = Count(tx, Filter{Kind: "test", Ref: 1}); err != nil {
				return err
			}
			n, err = ReplayAll(tx, Filter{Kind: "test", Ref: 1})
			return err
		})
		if n != 186 || all != 186+180 {
			t.Errorf("%d replayed the second time, want 186 (of %d)", n, all)
		}
	})
}

func TestBulkReplayTakesAFewStatements(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d, 1)
		s.happen(lanes(1000)...)
		s.update(func(tx *db.Tx) error {
			_, err := tx.Exec("UPDATE deliveries SET state = 'delivered', finished_at = 1")
			return err
		})
		var statements int
		var n int64
		d.Trace(func(string, []any) { statements++ })
		s.update(func(tx *db.Tx) (err error) {
			statements = 0
			n, err = ReplayAll(tx, Filter{Kind: "test", Ref: 1})
			return err
		})
		d.Trace(nil)
		if n != 1000 || statements > 8 {
			t.Errorf("%d replayed with %d statements", n, statements)
		}
	})
}

func TestReviveAllTriesTheDeadOnceMoreInOrder(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		s.recv.set(func(context.Context, call) Outcome { return Outcome{Verdict: GiveUp, Reason: "no", Unfit: true} })
		s.running(s.options(), func(e *Engine) {
			for range 20 {
				s.happen(1, 2)
			}
			wait(time.Second)
			seen := len(s.recv.seen())
			revive := func(f Filter) (n int64) {
				s.update(func(tx *db.Tx) (err error) {
					n, err = ReviveAll(tx, f)
					return err
				})
				return n
			}
			s.recv.set(func(context.Context, call) Outcome {
				wait(20 * time.Millisecond)
				return ok
			})
			// The later half first, and the rest while it is under way.
			to := revive(Filter{Kind: "test", Ref: 1, Event: 39}) + revive(Filter{Kind: "test", Ref: 1, Conversation: 1}) + revive(Filter{Kind: "test", Ref: 1, State: Delivered})
			e.Kick()
			wait(10 * time.Millisecond)
			rest := revive(Filter{Ref: 1})
			e.Kick()
			wait(10 * time.Second)
			if to != 20 || rest != 20 {
				t.Errorf("%d and %d revived, want 20 and 20", to, rest)
			}
			last := map[id.Conversation]id.Event{}
			for _, c := range s.recv.seen()[seen:] {
				if c.event == 39 {
					continue // revived on its own
				}
				if c.event < last[c.lane] {
					t.Errorf("lane %d: event %d came after %d", c.lane, c.event, last[c.lane])
				}
				last[c.lane] = c.event
			}
			if a, b := s.stats(s.targets[0]), s.stats(s.targets[1]); a.Dead != 0 || a.Pending != 0 || b.Dead != 40 {
				t.Errorf("target 1 %+v, target 2 %+v", a, b)
			}
		})
	})
}

func TestListAndCountFilterByEventAndTime(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		var at []time.Time
		for range 30 {
			at = append(at, time.Now())
			s.happen(1, 2)
			wait(2 * time.Hour)
		}
		for name, c := range map[string]struct {
			f    Filter
			want int64
		}{
			"everything":    {Filter{}, 120},
			"an event":      {Filter{Event: 7}, 2},
			"its target":    {Filter{Event: 7, Kind: "test", Ref: 2}, 1},
			"from":          {Filter{From: at[10]}, 80},
			"to":            {Filter{To: at[10]}, 40},
			"between":       {Filter{From: at[10], To: at[13], Ref: 1}, 6},
			"nothing":       {Filter{From: at[29].Add(time.Second)}, 0},
			"before":        {Filter{To: at[0]}, 0},
			"a lane's time": {Filter{Conversation: 2, From: at[28]}, 4},
			"not finished":  {Filter{Replayable: true}, 0},
		} {
			var n int64
			var list []Entry
			s.view(func(tx *db.Tx) (err error) {
				if n, err = Count(tx, c.f); err != nil {
					return err
				}
				list, _, err = List(tx, c.f, "", 200)
				return err
			})
			if n != c.want || int64(len(list)) != c.want {
				t.Errorf("%s: %d counted, %d listed, want %d", name, n, len(list), c.want)
			}
		}
	})
}

func TestChartSumsAttemptsByMinute(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		began := time.Now().UTC() // midnight
		s.recv.set(func(ctx context.Context, c call) Outcome {
			wait(time.Duration(c.lane) * 100 * time.Millisecond)
			if c.lane == 3 && c.attempt == 1 {
				return failing(ctx, c)
			}
			return ok
		})
		o := s.options()
		o.Poll = time.Hour
		s.running(o, func(e *Engine) {
			s.happen(1, 2, 3) // 100 ms, 200 ms, and 300 ms twice with a wait of 5 s
			wait(5 * time.Minute)
			s.happen(1, 1)
			wait(time.Minute)
			chart := func(from time.Time, step time.Duration) (list []Point) {
				s.view(func(tx *db.Tx) (err error) {
					list, err = Chart(tx, s.targets[0], from, step)
					return err
				})
				return list
			}
			ms := time.Millisecond
			want := []Point{{At: began, Delivered: 3, Failed: 1, Duration: 225 * ms, MaxDuration: 300 * ms, MaxLag: 5600 * ms}, {At: began.Add(time.Minute)},
				{At: began.Add(2 * time.Minute)}, {At: began.Add(3 * time.Minute)}, {At: began.Add(4 * time.Minute)},
				{At: began.Add(5 * time.Minute), Delivered: 2, Duration: 100 * ms, MaxDuration: 100 * ms, MaxLag: 200 * ms}, {At: began.Add(6 * time.Minute)}}
			if got := chart(began.Add(30*time.Second), time.Minute); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("chart by minutes\n%v, want\n%v", got, want)
			}
			want = []Point{{At: began, Delivered: 5, Failed: 1, Duration: 183333 * time.Microsecond, MaxDuration: 300 * ms, MaxLag: 5600 * ms}}
			if got := chart(began.Add(time.Minute), 2*time.Hour); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("chart by 2 hours\n%v, want\n%v", got, want)
			}
			if got := chart(began.Add(-20*day), time.Hour); len(got) != 8*24+1 || got[len(got)-1].Delivered != 5 {
				t.Errorf("%d points of 8 days, the last %+v", len(got), got[len(got)-1])
			}
			wait(9 * day)
			s.happen(1)
			wait(time.Second)
			if err := ForgetChart(t.Context(), s.d); err != nil {
				t.Fatal(err)
			}
			var left int
			s.view(func(tx *db.Tx) error { return tx.One("SELECT COUNT(*) FROM delivery_minutes", nil, &left) })
			if left != 2 {
				t.Errorf("%d minutes left, want one of each target", left)
			}
		})
	})
}

func TestHealthTellsOfEveryTargetThatExists(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, s *site) {
		var seen []Observation
		var mu sync.Mutex
		o := s.options()
		o.Observe = func(x Observation) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, x)
		}
		s.recv.set(func(ctx context.Context, c call) Outcome {
			if c.ref == 2 {
				return failing(ctx, c)
			}
			wait(time.Second)
			return ok
		})
		s.update(func(tx *db.Tx) error { _, err := Drop(tx, s.targets[2], "deleted"); return err })
		s.targets = s.targets[:2]
		s.running(o, func(e *Engine) {
			s.happen(1, 1)
			wait(10 * time.Second)
			s.update(func(tx *db.Tx) error { return Pause(tx, s.targets[0], "so") })
			var list []TargetHealth
			s.view(func(tx *db.Tx) (err error) {
				list, err = Health(tx)
				return err
			})
			want := []TargetHealth{{Kind: "test", Ref: 1, Breaker: Closed, Paused: true}, {Kind: "test", Ref: 2, Pending: 2, Lag: 10 * time.Second, Breaker: Closed}}
			if fmt.Sprint(list) != fmt.Sprint(want) {
				t.Errorf("health %+v, want %+v", list, want)
			}
			mu.Lock()
			defer mu.Unlock()
			if fmt.Sprint(seen) != "[{test 2 retry 0s} {test 1 delivered 1s} {test 1 delivered 1s} {test 2 retry 0s}]" {
				t.Errorf("observed %v", seen)
			}
		})
	})
}

func TestCountsBeyondTheBoundAreEstimated(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d, 2)
		s.happen(lanes(500)...)
		s.update(func(tx *db.Tx) error {
			_, err := tx.Exec("UPDATE deliveries SET state = 'dead' WHERE id > 500")
			return err
		})
		s.view(func(tx *db.Tx) error {
			for _, n := range s.targets {
				st, err := targetStats(tx, n, 100)
				if err != nil {
					return err
				}
				if st.Pending < 240 || st.Pending > 260 || st.Dead < 240 || st.Dead > 260 {
					t.Errorf("%d pending and %d dead, want about 250 of each", st.Pending, st.Dead)
				}
				if st, err = targetStats(tx, n, 300); err != nil || st.Pending != 250 || st.Dead != 250 {
					t.Errorf("%d pending and %d dead, want 250 of each: %v", st.Pending, st.Dead, err)
				}
			}
			return nil
		})
	})
}

func TestForgetKeepsAtMostSoMany(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(func(ctx context.Context, c call) Outcome {
			switch c.lane {
			case 8:
				return failing(ctx, c)
			case 9:
				return Outcome{Verdict: GiveUp, Reason: "no"}
			}
			return ok
		})
		s.running(s.options(), func(e *Engine) {
			s.happen(8, 9)
			for range 10 {
				s.happen(1, 2)
			}
			s.happen(8, 9, 9)
			wait(time.Second)
			total := 0
			for {
				n, err := Forget(t.Context(), s.d, time.Now().Add(-time.Hour), 7, 5)
				if err != nil {
					t.Fatal(err)
				}
				if total += n; n < 5 {
					break
				}
			}
			got := s.states()
			if total != 13 || got[Delivered] != 7 || got[Dead] != 3 || got[Pending] != 2 {
				t.Errorf("%d forgotten, left %v", total, got)
			}
			if d := s.detail(22); d.State != Delivered {
				t.Errorf("the newest is %s", d.State)
			}
		})
	})
}

// Another node saw that the target had an owner; the owner gave it up before it saw the row, and died.
func TestRowThatNobodyWillLookAtIsFound(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		o := s.options()
		o.Poll = 10 * time.Second
		s.running(o, func(e *Engine) {
			wait(time.Second)
			s.update(func(tx *db.Tx) error {
				_, err := tx.Exec("UPDATE delivery_targets SET expires_at = $1", db.Micros(time.Now().Add(2*time.Second)))
				return err
			})
			s.happen(1)
			wait(2 * time.Minute)
			if got := s.states(); got[Delivered] != 1 {
				t.Errorf("states %v", got)
			}
		})
	})
}

// Settings change all the time, on both nodes, while things fail.
func TestOrderHoldsWhileSettingsChange(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		var mu sync.Mutex
		n := 0
		s.recv.set(func(ctx context.Context, c call) Outcome {
			mu.Lock()
			n++
			roll := n
			mu.Unlock()
			wait(time.Duration(roll%13) * 10 * time.Millisecond)
			if roll%11 == 0 {
				return failing(ctx, c)
			}
			return ok
		})
		o := s.options()
		o.Window, o.IdleAfter, o.Poll, o.Schedule = 10, 3*time.Second, time.Second, []time.Duration{time.Second}
		a := s.start(o)
		o.Node = "b"
		b := s.start(o)
		for i := range 60 {
			s.happen(i%5+1, i%3+1, 1)
			target := s.targets[i%2]
			s.update(func(tx *db.Tx) (err error) {
				switch i % 8 {
				case 0:
					err = SetLimits(tx, target, Limits{InFlight: i%7 + 1, PerSecond: (i % 5) * 20})
				case 2:
					err = Pause(tx, target, "so")
				case 4, 7:
					_, err = Resume(tx, s.targets[0], true)
				case 5:
					_, err = Resume(tx, s.targets[1], true)
				case 6:
					_, err = Enqueue(tx, Item{Target: target, Name: "test", Body: []byte("0:test"), Test: true})
				}
				return err
			})
			if i%3 == 0 {
				a.Kick()
			}
			if i%4 == 0 {
				b.Kick()
			}
			wait(time.Duration(i%17) * 30 * time.Millisecond)
		}
		for i := range s.targets {
			s.resume(a, s.targets[i], true)
			s.limits(b, s.targets[i], Limits{})
		}
		wait(10 * time.Minute)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		a.Stop(ctx)
		b.Stop(ctx)
		if got := s.states(); got[Delivered] != 60*3*2+7 || len(got) != 1 {
			t.Errorf("states %v", got)
		}
		last := map[string]id.Event{}
		for _, c := range s.recv.seen() {
			key := fmt.Sprint(c.ref, "/", c.lane)
			if c.lane != 0 && c.event < last[key] {
				t.Errorf("target %d lane %d: event %d came after %d", c.ref, c.lane, c.event, last[key])
			}
			last[key] = c.event
		}
	})
}

// On PostgreSQL two transactions that lock the same rows in different orders cost a second until one of them is given up. All
// lock a target before its deliveries.
func TestTargetsAreLockedBeforeTheirDeliveries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d, 2)
		s.happen(1, 2, 3)
		s.update(func(tx *db.Tx) error {
			_, err := tx.Exec("UPDATE deliveries SET state = 'dead', finished_at = 1 WHERE id IN (1, 2)")
			return err
		})
		for name, fn := range map[string]func(tx *db.Tx) error{
			"drop":                   func(tx *db.Tx) error { _, err := Drop(tx, s.targets[1], "deleted"); return err },
			"resume":                 func(tx *db.Tx) error { _, err := Resume(tx, s.targets[0], true); return err },
			"resume without backlog": func(tx *db.Tx) error { _, err := Resume(tx, s.targets[0], false); return err },
			"revive":                 func(tx *db.Tx) error { return Revive(tx, 1) },
			"revive all":             func(tx *db.Tx) error { _, err := ReviveAll(tx, Filter{}); return err },
			"replay all":             func(tx *db.Tx) error { _, err := ReplayAll(tx, Filter{}); return err },
			"store": func(tx *db.Tx) error {
				tg := &target{id: s.targets[0]}
				_, err := storeResults(tx, "", []*result{{t: tg, r: &row{id: 3}, job: &Job{}, verdict: Retry}, {t: tg, r: &row{id: 5}, job: &Job{}, verdict: Done}})
				return err
			},
		} {
			locked, undone := false, errors.New("undone")
			d.Trace(func(query string, _ []any) {
				switch {
				case strings.HasPrefix(query, "UPDATE delivery_targets"), strings.HasPrefix(query, "SELECT t.id FROM delivery_targets") && strings.HasSuffix(query, "FOR UPDATE"):
					locked = true
				case strings.HasPrefix(query, "UPDATE deliveries") && !locked:
					t.Errorf("%s changes deliveries before it has their target:\n%s", name, query)
				}
			})
			err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				if err := fn(tx); err != nil {
					return err
				}
				return undone
			})
			d.Trace(nil)
			if err != undone || !locked {
				t.Errorf("%s: %v, locked %v", name, err, locked)
			}
		}
	})
}
