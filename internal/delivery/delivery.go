package delivery

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/secret"
)

// Target is the id of something that deliveries go to. NewTarget makes one.
type Target int64

// States of a delivery.
const (
	Pending   = "pending"
	Delivered = "delivered"
	Dead      = "dead"    // given up; Revive tries again
	Dropped   = "dropped" // not sent: its target was deleted, or resumed without what had gathered
)

// Item is one delivery to be queued.
type Item struct {
	Target Target
	// Event is the event that it tells of. With 0 the item needs a Body and is ordered with nothing.
	Event id.Event
	// Lane is the key within which order matters, usually event.Event.Lane. "" orders it with nothing.
	Lane string
	// Name is how the target calls the event ("chat_session.start"); it is shown in the log.
	Name string
	// Form is handed to the executor as it is, for example the pinned dialect.
	Form string
	// Body is what to send, where it is known already; nil leaves it to the executor's Prepare.
	Body []byte
	Test bool
}

// Limits bound what a target gets.
type Limits struct {
	// InFlight is how many attempts may be under way at a time: 1 to 256; 0 means DefaultInFlight.
	InFlight int
	// PerSecond is how many attempts may start within a second, evenly spaced; 0 means any number.
	PerSecond int
}

func (l Limits) bound() Limits {
	switch {
	case l.InFlight <= 0:
		l.InFlight = DefaultInFlight
	case l.InFlight > 256:
		l.InFlight = 256
	}
	l.PerSecond = max(l.PerSecond, 0)
	return l
}

// NewTarget makes the target that an executor of the given kind knows as ref. The pair (kind, ref) is unique.
func NewTarget(tx *db.Tx, kind string, ref int64, l Limits) (Target, error) {
	t, err := insertTarget(tx, kind, ref, l.bound())
	if err != nil {
		return 0, fmt.Errorf("new delivery target %s %d: %w", kind, ref, err)
	}
	return t, nil
}

// SetLimits changes what the target gets; what is under way goes on. On the node that owns the target it works at once when
// that node is told (Engine.Kick), else within RenewEvery.
func SetLimits(tx *db.Tx, t Target, l Limits) error { return setLimits(tx, t, l.bound()) }

// Rows are locked in one order, on PostgreSQL, so that transactions wait for each other and never in a circle: first targets in
// the order of their ids, then deliveries. A nudge locks its target.

// Enqueue queues items as part of tx, in order. Call it inside the transaction that appended the event: the rows of one
// lane must be inserted in the lane's order, which the domain's row lock gives.
func Enqueue(tx *db.Tx, items ...Item) ([]id.Delivery, error) {
	ids := make([]id.Delivery, 0, len(items))
	var waken []Target
	for i := range items {
		it := &items[i]
		if it.Event == 0 && (it.Body == nil || it.Lane != "") {
			return nil, fmt.Errorf("enqueue for target %d: without an event it needs a body and no lane", it.Target)
		}
		d, err := insertDelivery(tx, it, 0, tx.Now())
		if err != nil {
			return nil, fmt.Errorf("enqueue event %d for target %d: %w", it.Event, it.Target, err)
		}
		if it.Body != nil {
			if err := insertBody(tx, d, it.Body); err != nil {
				return nil, fmt.Errorf("enqueue event %d for target %d: %w", it.Event, it.Target, err)
			}
		}
		if it.Event == 0 {
			waken = append(waken, it.Target)
		}
		ids = append(ids, d)
	}
	return ids, nudgeAll(tx, waken)
}

// nudgeAll tells the targets' owners that something was queued which the end of the feed does not show.
func nudgeAll(tx *db.Tx, targets []Target) error {
	slices.Sort(targets)
	for _, t := range slices.Compact(targets) {
		if err := nudge(tx, t); err != nil {
			return fmt.Errorf("wake target %d: %w", t, err)
		}
	}
	return nil
}

// Lock takes the row of the target that stands for ref until tx ends. The engine stores results with the target locked and
// tells their news from there, so whoever locks rows of their own beside the target locks it first. SQLite's one writer needs
// no lock; an unknown target is no error.
func Lock(tx *db.Tx, kind string, ref int64) error {
	if tx.Engine() == db.SQLite {
		return nil
	}
	if err := lockTargets(tx, Filter{Kind: kind, Ref: ref}); err != nil {
		return fmt.Errorf("lock delivery target %s %d: %w", kind, ref, err)
	}
	return nil
}

// Drop gives up everything that is pending for the target, for good; whoever deletes what the target stands for calls it. It
// returns how many.
func Drop(tx *db.Tx, t Target, reason string) (int64, error) {
	if err := setGone(tx, t); err != nil {
		return 0, fmt.Errorf("drop deliveries of target %d: %w", t, err)
	}
	n, err := discard(tx, t, reason)
	if err != nil {
		return 0, fmt.Errorf("drop deliveries of target %d: %w", t, err)
	}
	return n, nil
}

// Retire is Drop for targets of a Follower: its executor is asked about everything that is pending and answers Discard, so that it hears
// of each. Nothing of the target can be replayed any more.
func Retire(tx *db.Tx, t Target) error {
	if err := setGone(tx, t); err != nil {
		return fmt.Errorf("retire target %d: %w", t, err)
	}
	if err := resume(tx, t); err != nil { // what waits for a retry or a probe is asked about at once
		return fmt.Errorf("retire target %d: %w", t, err)
	}
	return nil
}

// dropNow is how many deliveries are dropped in one transaction. Nobody else can write meanwhile on SQLite, so what is more than
// that is left to the target's owner, who drops it in small steps and sends nothing of it.
const dropNow = 5000

// discard drops what is pending, or sees to it, and returns how much it is. The target's row is locked.
func discard(tx *db.Tx, t Target, reason string) (int64, error) {
	n, err := dropPending(tx, t, reason, dropNow)
	if err != nil || n < dropNow {
		return n, err
	}
	rest, err := dropLater(tx, t, reason)
	return n + rest, err
}

// Pause stops new attempts to the target until Resume; deliveries go on being queued. On the node that owns the target it
// works at once when that node is told (Engine.Kick), else within RenewEvery.
func Pause(tx *db.Tx, t Target, reason string) error { return pause(tx, t, reason) }

// Resume lets deliveries to the target go on, closes its breaker, and starts the time that a delivery is tried for anew, as
// well as the time after which a failing target is paused. Without backlog everything that is pending is dropped, and only
// what is queued from now on is sent; it returns how many were dropped.
func Resume(tx *db.Tx, t Target, backlog bool) (dropped int64, err error) {
	if err := resume(tx, t); err != nil {
		return 0, fmt.Errorf("resume target %d: %w", t, err)
	}
	if backlog {
		return 0, nil
	}
	if dropped, err = discard(tx, t, "its target was resumed without what had gathered"); err != nil {
		return 0, fmt.Errorf("drop the backlog of target %d: %w", t, err)
	}
	return dropped, nil
}

// NewestPending is the delivery to the target that was queued last of those that wait, 0 when none does.
func NewestPending(tx *db.Tx, t Target) (id.Delivery, error) {
	d, err := newestPending(tx, t)
	if err != nil {
		return 0, fmt.Errorf("newest pending delivery of target %d: %w", t, err)
	}
	return d, nil
}

// WebhookID is the id under which a receiver can recognise a repeat: the same for all attempts and replays of one event
// at one target, over the whole life of the instance.
func WebhookID(instance string, event id.Event, d id.Delivery, kind string, ref int64) string {
	b := make([]byte, 0, 64)
	b = append(b, "evt_"...)
	b = append(b, instance...)
	b = append(b, '_')
	if event == 0 { // a test call belongs to no event
		b = append(b, 't')
		b = strconv.AppendInt(b, int64(d), 10)
	} else {
		b = strconv.AppendInt(b, int64(event), 10)
	}
	b = append(b, '_')
	b = append(b, kind...)
	return string(strconv.AppendInt(b, ref, 10))
}

// InstanceID returns the random name of this installation; the first call makes it.
func InstanceID(ctx context.Context, d *db.DB) (string, error) {
	var name string
	err := d.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		name, err = instanceID(tx, secret.UUID()[24:])
		return err
	})
	if err != nil {
		return "", fmt.Errorf("instance id: %w", err)
	}
	return name, nil
}

// Job is one attempt that is about to be made.
type Job struct {
	ID    id.Delivery
	Kind  string
	Ref   int64
	Event id.Event
	Name  string
	Form  string
	Test  bool
	// Since is when it was queued, or revived.
	Since time.Time
	// Attempt is 1 for the first.
	Attempt int
	// WebhookID is the same over all attempts and replays.
	WebhookID string
	// Body is what to send. It is nil in Prepare when nothing was stored yet; Prepare fills it, and it never changes again, but by an
	// executor that sets Renewed.
	Body []byte
	// Renewed is set by Prepare or Do where Body was replaced, because what it tells of has changed since it was made.
	Renewed bool
	// Detail belongs to the executor: what Prepare found out for Do.
	Detail any
	// Verdict is set by Prepare where there is nothing to attempt: the body cannot be made (GiveUp), the target is gone
	// (Discard) or stopped (Stop).
	Verdict *Outcome

	stored bool // the body is in the database
}

// Executor knows how to deliver to one kind of target.
type Executor interface {
	// Prepare makes ready up to 64 jobs, before their attempts: it fills Body where that is nil, and Detail. It may read
	// the database and must not use the network. An error means that none is ready and that it is asked again soon.
	Prepare(ctx context.Context, jobs []*Job) error
	// Notice hears what becomes of a target and its deliveries, in the transaction that stores it. Like every function of a
	// transaction it may be called again for the same news when the transaction is run again.
	Notice(ctx context.Context, tx *db.Tx, ref int64, n Notice) error
	// Do makes one attempt, outside any transaction, and says how it went. It returns soon after ctx ends.
	Do(ctx context.Context, job *Job) Outcome
}

// Follower is an Executor whose Notice also hears what becomes of each delivery: NoticeDelivered, NoticeDropped, and NoticeRetry after
// the first attempt of one that failed. Test calls are not told of.
type Follower interface {
	Executor
	// Follow does nothing; it marks the executor.
	Follow()
}

// NoticeKind says what a Notice is about.
type NoticeKind string

// The kinds of news about a target.
const (
	NoticeFailing NoticeKind = "failing" // nothing has succeeded for Days: 1 or 3; told once each
	NoticePaused  NoticeKind = "paused"  // nothing has succeeded for Days: the engine has paused the target
	NoticeGone    NoticeKind = "gone"    // a Stop verdict: the engine has paused the target
	NoticeDead    NoticeKind = "dead"    // a delivery was given up

	NoticeDelivered NoticeKind = "delivered" // a delivery has arrived (of a Follower)
	NoticeRetry     NoticeKind = "retry"     // the first attempt of a delivery failed, and others will follow (of a Follower)
	NoticeDropped   NoticeKind = "dropped"   // the executor discarded a delivery (of a Follower)
)

// Notice is news about a target.
type Notice struct {
	Kind NoticeKind
	// Reason says in words what is wrong.
	Reason string
	// Since is when the failures began, Days how many whole days ago (NoticeFailing, NoticePaused).
	Since time.Time
	Days  int
	// Of NoticeDead, NoticeDelivered, NoticeRetry and NoticeDropped: the delivery, its event (0 for a test call), what the target calls it, and how often it was tried.
	Delivery id.Delivery
	Event    id.Event
	Name     string
	Attempts int
}

// Observation is an attempt for those who count them.
type Observation struct {
	Kind string
	Ref  int64
	// Verdict is what came of it; GiveUp also where a failure was the last that its delivery had.
	Verdict Verdict
	Took    time.Duration
}

// Verdict says what an attempt means for its delivery.
type Verdict string

// The verdicts.
const (
	Done    Verdict = "delivered"
	Retry   Verdict = "retry"   // not now: try again after Outcome.After, or by the schedule when that is 0
	GiveUp  Verdict = "dead"    // trying again cannot help
	Stop    Verdict = "stop"    // the target wants no more: it is paused, the delivery stays pending
	Discard Verdict = "dropped" // the target does not exist any more
	Hold    Verdict = "hold"    // no attempt was made (shutdown); nothing is recorded
)

// Outcome is what came of an attempt, with what the log keeps of it.
type Outcome struct {
	Verdict Verdict
	// Reason says in words why it was not Done.
	Reason string
	After  time.Duration

	// Status is the answer's HTTP status, 0 without an answer.
	Status int
	// URL and RequestHeader are what was sent; the executor masks what must not be shown.
	URL           string
	RequestHeader http.Header
	// ResponseHeader and ResponseBody are what came back; the log keeps 4 KiB of each.
	ResponseHeader http.Header
	ResponseBody   []byte
	// Unfit marks a result that says nothing about the target's health; the breaker does not count it.
	Unfit bool
}
