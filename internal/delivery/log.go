package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/fault"
	"parley/internal/id"
)

// Entry is a delivery as the log lists it.
type Entry struct {
	ID           id.Delivery
	Target       Target
	Kind         string
	Ref          int64
	Event        id.Event // 0 for a test call
	Seq          id.Seq
	EventType    string
	Conversation id.Conversation
	Name         string
	Form         string
	Test         bool
	State        string
	Attempts     int
	// NextAt is when it is tried again, zero when at once or not at all.
	NextAt     time.Time
	CreatedAt  time.Time
	FinishedAt time.Time // delivered, dead or dropped; zero while pending
	LastStatus int
	LastError  string
	ReplayOf   id.Delivery
	// WebhookID is what the receiver knows it by.
	WebhookID string
}

// Attempt is one line of a delivery's history.
type Attempt struct {
	Number         int
	StartedAt      time.Time
	Duration       time.Duration
	Outcome        Verdict
	Status         int // 0 without an answer
	Error          string
	RetryAt        time.Time
	RequestURL     string
	RequestHeader  http.Header // values that must not be shown are masked
	ResponseHeader http.Header // at most 4 KiB
	ResponseBody   []byte      // at most 4 KiB
}

// Detail is a delivery with what was sent and every attempt.
type Detail struct {
	Entry
	// Body is nil before the first attempt.
	Body       []byte
	AttemptLog []Attempt
}

// Filter narrows a list; zero values do not.
type Filter struct {
	Kind         string
	Ref          int64
	State        string
	Name         string
	Conversation id.Conversation
	Event        id.Event
	// From and To bound when it was queued: From ≤ CreatedAt < To.
	From, To time.Time
	// Replayable leaves only what ReplayAll takes: finished, of a target that still exists, and of several deliveries of one
	// event that match only the first, so that a replay of everything does not replay replays.
	Replayable bool
}

// List returns a page of deliveries, newest first, and the cursor of the next page ("" at the end). The limit is 1 to 200.
func List(tx *db.Tx, f Filter, cursor string, limit int) ([]Entry, string, error) {
	limit = min(max(limit, 1), 200)
	before := int64(0)
	if cursor != "" {
		var err error
		if before, err = id.Parse(cursor); err != nil {
			return nil, "", fault.New(fault.CursorInvalid, "this cursor was not made by the list of deliveries").At("cursor")
		}
	}
	list, err := listDeliveries(tx, f, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	instance, err := knownInstance(tx)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		list[i].WebhookID = WebhookID(instance, list[i].Event, list[i].origin(), list[i].Kind, list[i].Ref)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = strconv.FormatInt(int64(list[limit-1].ID), 10)
	}
	return list, next, nil
}

// Count returns how many deliveries match. With Replayable it is what ReplayAll would queue.
func Count(tx *db.Tx, f Filter) (int64, error) {
	n, err := countDeliveries(tx, f)
	if err != nil {
		return 0, fmt.Errorf("count deliveries: %w", err)
	}
	return n, nil
}

// Exceeds reports whether more than most deliveries match. Unlike Count it looks at most + 1 rows, so that a write can ask.
func Exceeds(tx *db.Tx, f Filter, most int) (bool, error) {
	n, err := countUpTo(tx, f, most+1)
	if err != nil {
		return false, fmt.Errorf("count deliveries: %w", err)
	}
	return n > most, nil
}

// origin is the delivery that gave a call without an event its webhook id.
func (e *Entry) origin() id.Delivery {
	if e.ReplayOf != 0 {
		return e.ReplayOf
	}
	return e.ID
}

// Get returns one delivery with its attempts; a fault delivery.not_found when there is none.
func Get(tx *db.Tx, which id.Delivery) (*Detail, error) {
	e, err := getDelivery(tx, which)
	if err == db.ErrNoRows {
		return nil, fault.Newf(fault.DeliveryNotFound, "there is no delivery %d", which)
	}
	if err != nil {
		return nil, err
	}
	instance, err := knownInstance(tx)
	if err != nil {
		return nil, err
	}
	e.WebhookID = WebhookID(instance, e.Event, e.origin(), e.Kind, e.Ref)
	d := &Detail{Entry: e}
	if err := tx.One(sqlGetBody, []any{int64(which)}, &d.Body); err != nil && err != db.ErrNoRows {
		return nil, err
	}
	d.AttemptLog, err = attempts(tx, which)
	return d, err
}

// Replay queues what a delivery sent once more, with the same webhook id and, where it was sent before, the same bytes. A
// replay is ordered with nothing: it neither waits for its conversation's other calls nor holds them up.
func Replay(tx *db.Tx, which id.Delivery) (id.Delivery, error) {
	e, err := livingDelivery(tx, which)
	if err != nil {
		return 0, err
	}
	if e.State == Pending {
		return 0, fault.Newf(fault.DeliveryPending, "delivery %d is still under way", which)
	}
	fresh, err := replay(tx, e.origin(), which)
	if err != nil {
		return 0, err
	}
	return fresh, nudge(tx, e.Target)
}

// livingDelivery reads a delivery whose target still exists.
func livingDelivery(tx *db.Tx, which id.Delivery) (Entry, error) {
	e, err := getDelivery(tx, which)
	if err == db.ErrNoRows {
		return e, fault.Newf(fault.DeliveryNotFound, "there is no delivery %d", which)
	}
	if err != nil {
		return e, err
	}
	gone, err := isGone(tx, e.Target)
	if err == nil && gone {
		err = fault.Newf(fault.DeliveryNotFound, "delivery %d belongs to something that was deleted", which)
	}
	return e, err
}

// ReplayAll replays every finished delivery that matches, oldest first, and returns how many; see Filter.Replayable. Replays of
// one lane stay in order among themselves, and behind those of an earlier call; with the lane's other deliveries they are not
// ordered.
func ReplayAll(tx *db.Tx, f Filter) (int64, error) {
	f.Replayable = true
	// The targets' rows keep two calls apart: ids within a lane must be in the order of commits.
	if err := lockTargets(tx, f); err != nil {
		return 0, fmt.Errorf("replay deliveries: %w", err)
	}
	n, targets, err := replayAll(tx, f)
	if err != nil {
		return 0, fmt.Errorf("replay deliveries: %w", err)
	}
	return n, nudgeAll(tx, targets)
}

// Revive lets a dead delivery be tried again, for as long as a new one, and ordered with nothing: its conversation's later
// calls went on without it.
func Revive(tx *db.Tx, which id.Delivery) error {
	e, err := livingDelivery(tx, which)
	if err != nil {
		return err
	}
	if err := nudge(tx, e.Target); err != nil {
		return err
	}
	ok, err := revive(tx, which)
	if err == nil && !ok {
		err = fault.Newf(fault.DeliveryPending, "delivery %d is not dead", which)
	}
	return err
}

// ReviveAll revives every dead delivery that matches and returns how many. Those of one lane stay in order among themselves.
func ReviveAll(tx *db.Tx, f Filter) (int64, error) {
	if f.State != "" && f.State != Dead {
		return 0, nil
	}
	f.State = Dead
	if err := lockTargets(tx, f); err != nil {
		return 0, fmt.Errorf("revive deliveries: %w", err)
	}
	n, targets, err := reviveAll(tx, f)
	if err != nil {
		return 0, fmt.Errorf("revive deliveries: %w", err)
	}
	return n, nudgeAll(tx, targets)
}

// Stats is how a target is doing.
type Stats struct {
	// Pending and Dead are exact up to 10,000, and good estimates above that.
	Pending int
	Dead    int
	// Lag is how long the oldest pending delivery has been waiting.
	Lag           time.Duration
	LastStatus    int // 0 when the last attempt got no answer, or there was none
	LastAttemptAt time.Time
	Breaker       string
	// ProbeAt is when an open breaker tries again.
	ProbeAt time.Time
	Paused  bool
	// FailingSince is the first failure after the last success; zero when the last attempt succeeded.
	FailingSince time.Time
}

// States of a target's breaker.
const (
	Closed   = "closed"
	Open     = "open"      // nothing is tried until ProbeAt
	HalfOpen = "half_open" // one attempt decides
)

// TargetStats returns how a target is doing.
func TargetStats(tx *db.Tx, t Target) (Stats, error) {
	s, err := targetStats(tx, t, countMax)
	if err != nil {
		return Stats{}, fmt.Errorf("statistics of delivery target %d: %w", t, err)
	}
	return s, nil
}

// TargetHealth is the part of a target's Stats that is worth a look every few seconds.
type TargetHealth struct {
	Kind    string
	Ref     int64
	Pending int
	Dead    int
	Lag     time.Duration
	Breaker string
	Paused  bool
}

// Health returns how all targets are doing that were not dropped. It costs little, whatever is pending.
func Health(tx *db.Tx) ([]TargetHealth, error) {
	list, err := targetsHealth(tx)
	if err != nil {
		return nil, fmt.Errorf("health of delivery targets: %w", err)
	}
	return list, nil
}

// Point is what was attempted in one step of a Chart.
type Point struct {
	At                time.Time // the step's begin
	Delivered, Failed int64     // attempts
	// Duration is the mean of the attempts, MaxDuration the longest.
	Duration, MaxDuration time.Duration
	// MaxLag is the longest time from queued to delivered.
	MaxLag time.Duration
}

// ChartKept is how long the minutes behind Chart are kept.
const ChartKept = 8 * 24 * time.Hour

// Chart returns the target's attempts since from, in steps of whole minutes, up to now and without gaps. The first step is the
// one that holds from.
func Chart(tx *db.Tx, t Target, from time.Time, step time.Duration) ([]Point, error) {
	step = max(step.Truncate(time.Minute), time.Minute)
	if oldest := tx.Now().Add(-ChartKept); from.Before(oldest) {
		from = oldest
	}
	from = from.UTC().Truncate(step)
	kept, err := chart(tx, t, from, step)
	if err != nil {
		return nil, fmt.Errorf("chart of delivery target %d: %w", t, err)
	}
	var points []Point
	for at := from; !at.After(tx.Now()); at = at.Add(step) {
		if len(kept) > 0 && kept[0].At.Equal(at) {
			points, kept = append(points, kept[0]), kept[1:]
			continue
		}
		points = append(points, Point{At: at})
	}
	return points, nil
}

// Forget deletes delivered and dropped deliveries that ended before the given time, and the oldest of those that are more than
// keep, with bodies and attempts, at most limit of them. It returns how many; call it again while it returns limit. Dead ones
// stay until someone deals with them.
func Forget(ctx context.Context, d *db.DB, before time.Time, keep, limit int) (int, error) {
	var n int
	err := d.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		n, err = forget(tx, before, keep, limit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget deliveries: %w", err)
	}
	return n, nil
}

// ForgetChart deletes the minutes that Chart does not show any more.
func ForgetChart(ctx context.Context, d *db.DB) error {
	err := d.Update(ctx, func(_ context.Context, tx *db.Tx) error { return forgetMinutes(tx, tx.Now().Add(-ChartKept)) })
	if err != nil {
		return fmt.Errorf("forget minutes of deliveries: %w", err)
	}
	return nil
}

// headerText is how a header is stored: JSON of at most 4 KiB, names in order; what does not fit is left out whole.
func headerText(h http.Header) string {
	names := make([]string, 0, 24)
	size := 0
	for name, values := range h {
		n := len(name) + 8
		for _, v := range values {
			n += len(v) + 3
		}
		if size+n > logLimit {
			continue
		}
		size += n
		names = append(names, name)
	}
	slices.Sort(names)
	b := make([]byte, 0, size+2)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, name)
		b = append(b, ':', '[')
		for k, v := range h[name] {
			if k > 0 {
				b = append(b, ',')
			}
			b = appendText(b, v)
		}
		b = append(b, ']')
	}
	return string(append(b, '}'))
}

// appendText appends s as a JSON string, without NULs.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c > '~' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(strings.ReplaceAll(s, "\x00", ""))
			if err != nil {
				return append(b, `""`...) // strings always marshal
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// logLimit is how much of an answer's header and body the log keeps, in bytes each.
const logLimit = 4 << 10
