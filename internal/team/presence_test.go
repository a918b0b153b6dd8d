package team

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

func (r *room) sweep() {
	r.Helper()
	_, err := r.Sweep(context.Background())
	r.ok(err)
}

func TestS110_SecondTabIsNoEvent(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, node func() *room) {
		ctx := context.Background()
		ann := r.operator("ann@shop.example", RoleAdmin)
		other := node()
		r.ok(r.TabOpened(ctx, ann.ID, "a"))
		r.expect("operator.status_changed offline → online by operator")
		r.ok(r.TabOpened(ctx, ann.ID, "b"))
		r.ok(other.TabOpened(ctx, ann.ID, "c"))
		r.ok(r.TabClosed(ctx, ann.ID, "a"))
		r.ok(r.TabClosed(ctx, ann.ID, "b"))
		bubbleSleep(time.Minute)
		r.sweep()
		other.sweep()
		r.expect()
	})
}

func TestS111_OfflineAfterTheGraceTime(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, _ func() *room) {
		ctx := context.Background()
		ann := r.operator("ann@shop.example", RoleAdmin)
		r.ok(r.TabOpened(ctx, ann.ID, "a"))
		r.fresh()
		r.ok(r.TabClosed(ctx, ann.ID, "a"))
		bubbleSleep(GraceDefault - time.Millisecond)
		r.sweep()
		r.expect()
		// Coming back within the grace time leaves no trace.
		r.ok(r.TabOpened(ctx, ann.ID, "b"))
		bubbleSleep(time.Second)
		r.sweep()
		r.expect()
		r.ok(r.TabClosed(ctx, ann.ID, "b"))
		r.ok(r.TabClosed(ctx, ann.ID, "b"))
		r.ok(r.TabClosed(ctx, ann.ID, "unknown"))
		bubbleSleep(GraceDefault)
		r.sweep()
		r.sweep()
		r.expect("operator.status_changed online → offline by system")
	})
}

func TestS112_S113_AwayAndBack(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		ann := r.operator("ann@shop.example", RoleAdmin)
		by := ActorOf(ann)
		set := func(availability string) {
			t.Helper()
			o, err := r.SetAvailability(ctx, by, availability)
			r.ok(err)
			if o.Availability != availability {
				t.Errorf("availability %s", o.Availability)
			}
		}
		set(event.Away) // nobody is there: nothing happens yet
		r.expect()
		r.ok(r.TabOpened(ctx, ann.ID, "a"))
		r.expect("operator.status_changed offline → away by operator")
		set(event.Online)
		r.expect("operator.status_changed away → online by operator")
		set(event.Online)
		r.expect()
		set(event.Offline)
		r.expect("operator.status_changed online → offline by operator")
		r.ok(r.TabOpened(ctx, ann.ID, "b"))
		r.expect()
		set(event.Away)
		r.expect("operator.status_changed offline → away by operator")
		_, err := r.SetAvailability(ctx, by, "asleep")
		r.refused(err, fault.FieldInvalid, "availability")
		_, err = r.SetAvailability(ctx, Actor{Token: 1, Scope: ScopeAdmin}, event.Away)
		r.refused(err, fault.AuthDenied, "")
		r.refused(r.TabOpened(ctx, 99, "x"), fault.OperatorNotFound, "")
	})
}

// A node that is killed cannot close its tabs: they run out, whoever sweeps.
func TestTabsOfADeadNodeRunOut(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, node func() *room) {
		ctx := context.Background()
		ann := r.operator("ann@shop.example", RoleAdmin)
		dead := node()
		r.ok(dead.TabOpened(ctx, ann.ID, "a"))
		r.fresh()
		bubbleSleep(50 * time.Second)
		r.ok(dead.TabsTouched(ctx, []Tab{{ann.ID, "a"}, {99, "of nobody"}}))
		bubbleSleep(TabAlive - time.Millisecond)
		r.sweep()
		r.expect()
		bubbleSleep(time.Millisecond)
		r.sweep()
		r.expect("operator.status_changed online → offline by system")
		// It was only asleep: its next touch brings the operator back.
		r.ok(dead.TabsTouched(ctx, []Tab{{ann.ID, "a"}}))
		r.sweep()
		r.expect("operator.status_changed offline → online by system")
		// Closing a tab that ran out long ago starts no grace time.
		bubbleSleep(TabAlive)
		r.sweep()
		r.fresh()
		r.ok(dead.TabClosed(ctx, ann.ID, "a"))
		r.sweep()
		r.expect()
	})
}

func TestLateTouchDoesNotReopenAClosedTab(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, _ func() *room) {
		ctx := context.Background()
		ann := r.operator("ann@shop.example", RoleAdmin)
		r.ok(r.TabOpened(ctx, ann.ID, "a"))
		r.ok(r.TabClosed(ctx, ann.ID, "a"))
		r.fresh()
		r.ok(r.TabsTouched(ctx, []Tab{{ann.ID, "a"}}))
		bubbleSleep(GraceDefault)
		r.ok(r.TabsTouched(ctx, []Tab{{ann.ID, "a"}}))
		r.sweep()
		r.expect("operator.status_changed online → offline by system")
	})
}

func TestSeveralSweepersTellOnce(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, node func() *room) {
		ctx := context.Background()
		ann := r.operator("ann@shop.example", RoleAdmin)
		r.ok(r.TabOpened(ctx, ann.ID, "a"))
		r.ok(r.TabClosed(ctx, ann.ID, "a"))
		bubbleSleep(GraceDefault)
		r.fresh()
		other := node()
		done := make(chan error, 8)
		for i := range cap(done) {
			n := r
			if i%2 == 0 {
				n = other
			}
			go func() {
				_, err := n.Sweep(ctx)
				done <- err
			}()
		}
		for range cap(done) {
			// A second handle of one SQLite file may meet the first one's lock; the next sweep does its work then.
			if err := <-done; err != nil && !fault.IsKind(err, fault.Unavailable) {
				t.Error(err)
			}
		}
		r.expect("operator.status_changed online → offline by system")
	})
}

func TestRunTellsSoonAfterTheGraceTime(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, _ func() *room) {
		ctx, cancel := context.WithCancel(context.Background())
		ann := r.operator("ann@shop.example", RoleAdmin)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.Desk.Run(ctx)
		}()
		defer func() {
			cancel()
			<-ended
		}()
		bubbleSleep(time.Hour + 3*time.Second)
		r.ok(r.TabOpened(ctx, ann.ID, "a"))
		bubbleSleep(20 * time.Second)
		r.fresh()
		closed := r.db.Now()
		r.ok(r.TabClosed(ctx, ann.ID, "a"))
		bubbleSleep(30 * time.Second)
		list := r.fresh()
		if len(list) != 1 || list[0].Operator.Status != event.Offline {
			t.Fatalf("events %v", list)
		}
		if late := list[0].At.Sub(closed) - GraceDefault; late < 0 || late > 1500*time.Millisecond {
			t.Errorf("told %v after the grace time", late)
		}
	})
}

// model is presence by its definition, without rows: what an onlooker with a clock would say.
type model struct {
	availability string
	tabs         map[string]*modelTab
}

type modelTab struct {
	touched time.Time
	closed  time.Time // zero while open
}

func (m *model) status(now time.Time) string {
	for _, t := range m.tabs {
		if t.closed.IsZero() && now.Sub(t.touched) < TabAlive || !t.closed.IsZero() && now.Sub(t.closed) < GraceDefault {
			return m.availability
		}
	}
	return event.Offline
}

// Whatever tabs, nodes and operators do, the stored status equals the definition after each step that settles, and the events
// tell exactly its changes, each beginning where the one before ended.
func TestPresenceEqualsItsDefinition(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			handle := open()
			defer handle.Close()
			r := newRoom(t, handle)
			nodes := []*room{r, newRoom(t, handle)} // two nodes that share nothing in memory
			n := 0
			rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) { // a *testing.T would be asked for its deadline, which bubbles forbid
				n++
				ctx := context.Background()
				o := r.operator(fmt.Sprintf("o%d@shop.example", n), RoleOperator)
				by := ActorOf(o)
				m := &model{availability: event.Online, tabs: map[string]*modelTab{}}
				told := event.Offline
				for range rapid.IntRange(1, 30).Draw(rt, "steps") {
					node := rapid.SampledFrom(nodes).Draw(rt, "node")
					name := fmt.Sprint(n, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "tab"))
					now, settled := r.db.Now(), true
					tab := m.tabs[name]
					var err error
					switch op := rapid.SampledFrom([]string{"open", "touch", "close", "availability", "sweep", "wait", "wait"}).Draw(rt, "op"); op {
					case "open":
						err = node.TabOpened(ctx, o.ID, name)
						m.tabs[name] = &modelTab{touched: now}
					case "touch":
						err = node.TabsTouched(ctx, []Tab{{o.ID, name}})
						if tab == nil {
							m.tabs[name] = &modelTab{touched: now}
						} else if tab.closed.IsZero() {
							tab.touched = now
						}
						settled = false
					case "close":
						err = node.TabClosed(ctx, o.ID, name)
						if tab != nil && tab.closed.IsZero() {
							tab.closed = now
							if now.Sub(tab.touched) >= TabAlive {
								tab.closed = time.Unix(1, 0)
							}
						}
						settled = false
					case "availability":
						m.availability = rapid.SampledFrom([]string{event.Online, event.Away, event.Offline}).Draw(rt, "availability")
						_, err = node.SetAvailability(ctx, by, m.availability)
					case "sweep":
						_, err = node.Sweep(ctx)
					case "wait":
						bubbleSleep(rapid.SampledFrom([]time.Duration{time.Second, GraceDefault - time.Microsecond, GraceDefault, 25 * time.Second,
							TabAlive - time.Microsecond, TabAlive, 3 * time.Minute}).Draw(rt, "for"))
						settled = false
					}
					if err != nil {
						rt.Fatal(err)
					}
					for _, e := range changesOf(r, o.ID) {
						if e.StatusBefore != told || e.Operator.Status == told {
							rt.Fatalf("told %s, then the event says %s → %s", told, e.StatusBefore, e.Operator.Status)
						}
						told = e.Operator.Status
					}
					stored, err := r.Get(ctx, o.ID)
					if err != nil {
						rt.Fatal(err)
					}
					if stored.Status != told || stored.Availability != m.availability {
						rt.Fatalf("stored %s (%s), told %s", stored.Status, stored.Availability, told)
					}
					if want := m.status(r.db.Now()); settled && stored.Status != want {
						rt.Fatalf("stored %s, by the definition %s", stored.Status, want)
					}
				}
			})
		})
	})
}

// changesOf returns the fresh status events of one operator; others' tabs of earlier rounds may run out meanwhile.
func changesOf(r *room, o id.Operator) (out []*event.Event) {
	for _, e := range r.fresh() {
		if e.Type == event.OperatorStatusChanged && e.Operator.ID == o {
			out = append(out, e)
		}
	}
	return out
}
