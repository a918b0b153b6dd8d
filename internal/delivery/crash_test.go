package delivery

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
)

// Random events, failures, hangs, clean stops, crashes and restarts, on one or two nodes. Whatever happens: every event
// arrives, the first arrivals of a lane are in order, nothing comes again after its successor, and a repeat without a
// recorded failure happens only to what was under way when an engine died.
func TestPropertyNothingIsLostOrReorderedWhateverDies(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		for seed := *firstSeed; seed < *firstSeed+*rounds; seed++ {
			rng := rand.New(rand.NewPCG(seed, 1))
			steps := make([]int, 5+rng.IntN(35))
			for i := range steps {
				steps[i] = rng.IntN(12)
			}
			window := 2 + rng.IntN(38)
			var problem string
			synctest.Test(t, func(t *testing.T) {
				d := open()
				defer d.Close()
				problem = chaos(t, d, rng, window, steps)
			})
			if problem != "" {
				t.Fatalf("%s\nseed %d (run again with -seed %d -rounds 1), window %d, steps %v", problem, seed, seed, window, steps)
			}
		}
	})
}

var (
	firstSeed = flag.Uint64("seed", 1, "first seed of the chaos test")
	rounds    = flag.Uint64("rounds", 8, "rounds of the chaos test")
)

// chaos plays the steps and returns what went wrong.
func chaos(t *testing.T, d *db.DB, rng *rand.Rand, window int, steps []int) string {
	s := newRound(t, d)
	next := rng.IntN
	mode := 0 // how the receiver behaves
	excused := map[string]int{}
	flying := map[string]int{}
	s.recv.set(func(ctx context.Context, c call) (out Outcome) {
		key := fmt.Sprint(c.ref, "/", c.event)
		s.recv.mu.Lock()
		flying[key]++
		roll, mode := rand.IntN(100), mode
		s.recv.mu.Unlock()
		defer func() {
			s.recv.mu.Lock()
			defer s.recv.mu.Unlock()
			flying[key]--
			if out.Verdict != Done { // failed, or cut off at its deadline or by a death
				excused[key]++
			}
		}()
		switch {
		case mode == 1 && roll < 50:
			return failing(ctx, c)
		case mode == 2 && c.ref == 1:
			return hang(ctx, c)
		case mode == 3 || roll < 20:
			select {
			case <-ctx.Done():
				return Outcome{Verdict: Hold}
			case <-time.After(time.Duration(roll) * 10 * time.Millisecond):
			}
		}
		return ok
	})
	engines := map[string]*Engine{}
	options := func(node string) Options {
		o := s.options()
		o.Node, o.Window, o.InFlight, o.IdleAfter, o.Poll = node, window, 8, 5*time.Second, time.Second
		o.Attempt = 20 * time.Second
		o.Schedule = []time.Duration{time.Second, 3 * time.Second}
		return o
	}
	startNode := func(node string) {
		if engines[node] == nil {
			engines[node] = s.start(options(node))
		}
	}
	// A process that dies may leave anything repeated that was under way: attempts, and results not yet stored.
	dies := func(node string, clean bool) {
		e := engines[node]
		if e == nil {
			return
		}
		delete(engines, node)
		synctest.Wait()
		e.mu.Lock()
		for _, tg := range e.targets {
			for _, l := range tg.lanes {
				if (l.state == laneFlying || l.state == laneAcking) && len(l.rows) > 0 {
					excused[fmt.Sprint(tg.ref, "/", l.rows[0].event)]++
				}
			}
		}
		e.mu.Unlock()
		if clean {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			e.Stop(ctx)
			return
		}
		e.crash()
	}
	startNode("a")
	events := 0
	for _, step := range steps {
		switch step {
		case 0, 1, 2, 3:
			var lanes []int
			for range next(12) + 1 {
				lanes = append(lanes, next(4)+1)
			}
			s.happen(lanes...)
			events += len(lanes)
		case 4:
			wait(time.Duration(next(3000)) * time.Millisecond)
		case 5:
			wait(time.Duration(next(60)) * time.Second)
		case 6:
			s.recv.mu.Lock()
			mode = next(4)
			s.recv.mu.Unlock()
		case 7:
			dies("a", false)
			startNode("a")
		case 8:
			dies("a", next(2) == 0)
		case 9:
			startNode("b")
		case 10:
			dies("b", next(2) == 0)
		case 11:
			startNode("a")
		}
	}
	s.recv.mu.Lock()
	mode = 0
	s.recv.mu.Unlock()
	startNode("a")
	for range 360 { // an hour at most; the breaker may be open for ten minutes
		if wait(10 * time.Second); s.stats(s.targets[0]).Pending+s.stats(s.targets[1]).Pending == 0 {
			break
		}
	}
	dies("a", true)
	dies("b", true)
	if got := s.states(); got[Delivered] != events*len(s.targets) || len(got) > 1 {
		return fmt.Sprintf("states %v, want %d delivered", got, events*len(s.targets))
	}
	last := map[string]id.Event{}
	times := map[string]int{}
	for _, c := range s.recv.seen() {
		lane := fmt.Sprint(c.ref, "/", c.lane)
		if c.event < last[lane] {
			return fmt.Sprintf("target %d lane %d: event %d came after %d", c.ref, c.lane, c.event, last[lane])
		}
		last[lane] = c.event
		times[fmt.Sprint(c.ref, "/", c.event)]++
	}
	for key, n := range times {
		if n > 1+excused[key] {
			return fmt.Sprintf("%s arrived %d times, %d of them excused", key, n, excused[key])
		}
	}
	return ""
}

// newRound is a site on a database that earlier rounds have used: its targets are fresh, and everything older is gone.
func newRound(t *testing.T, d *db.DB) *site {
	s := newSite(t, d, 0)
	s.update(func(tx *db.Tx) error {
		for _, table := range []string{"deliveries", "delivery_bodies", "delivery_attempts", "delivery_minutes", "delivery_targets"} {
			if _, err := tx.Exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
		for i := range 2 {
			n, err := NewTarget(tx, "test", int64(i+1), Limits{})
			if err != nil {
				return err
			}
			s.targets = append(s.targets, n)
		}
		return nil
	})
	return s
}

// Every statement is accepted by both engines.
func TestStatementsPrepare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		list := []string{sqlInsertTarget, sqlSetLimits, sqlNudge, sqlGone, sqlIsGone, sqlPause, sqlResume, sqlStanding, sqlHurry, sqlInsertDelivery, sqlInsertBody,
			sqlDropPending, sqlDropLater, sqlToDrop, sqlRest, sqlMakeInstance, sqlGetInstance, sqlLatestSeq, sqlTailEvents, sqlBacklog, sqlApart, sqlLane, sqlWaitingTargets, sqlForgotten, sqlDueTargets,
			sqlNextTarget, sqlOldTargets, sqlClaim, sqlLockOwned, sqlRenew, sqlOwned, sqlReleaseAll, sqlRelease, sqlFence, sqlFail, sqlGetDelivery, sqlGetBody,
			sqlAttempts, sqlCopyBody, sqlReplay, sqlRevive, sqlReplayAll + replayOrder, sqlCopyBodies, sqlReplayedTargets,
			"UPDATE deliveries" + reviveEach + "(SELECT d.id" + logTables + ")", sqlDeadTargets, sqlCountDeliveries, sqlAnyDelivery, sqlNewest, sqlOldestID, sqlCreated,
			sqlLockTargets + lockInOrder, sqlStats, sqlHealth, sqlLastPending, sqlNthPending, sqlLastDead, sqlNthDead, sqlChart, sqlForgetMinutes,
			sqlUnfinishedAbove, sqlOldDeliveries}
		for _, n := range chunks {
			list = append(list, sqlTail[n], sqlDelivered[n], sqlBodies[n], sqlInsertBodies[n], sqlInsertAttempts[n], sqlCountMinutes[n])
			list = append(list, sqlForgetDeliveries[n]...)
		}
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for _, q := range list {
				if err := tx.Prepare(q); err != nil {
					t.Errorf("%s\n%v", q, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
