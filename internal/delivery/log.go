package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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
}

// List returns a page of deliveries, newest first, and the cursor of the next page ("" at the end). The limit is 1 to 200.
func List(tx *db.Tx, f Filter, cursor string, limit int) ([]Entry, string, error) {
	limit = min(max(limit, 1), 200)
	var where []string
	var args []any
	add := func(cond string, v any) {
		args = append(args, v)
		where = append(where, strings.Replace(cond, "?", "$"+strconv.Itoa(len(args)), 1))
	}
	if cursor != "" {
		before, err := id.Parse(cursor)
		if err != nil {
			return nil, "", fault.New(fault.CursorInvalid, "this cursor was not made by the list of deliveries").At("cursor")
		}
		add("d.id < ?", before)
	}
	if f.Kind != "" {
		add("t.kind = ?", f.Kind)
	}
	if f.Ref != 0 {
		add("t.ref = ?", f.Ref)
	}
	switch f.State {
	case "":
	case Pending, Dead: // literal, so that the partial indexes serve
		where = append(where, "d.state = '"+f.State+"'")
	default:
		add("d.state = ?", f.State)
	}
	if f.Name != "" {
		add("d.name = ?", f.Name)
	}
	if f.Conversation != 0 {
		add("e.conversation_id = ?", int64(f.Conversation))
	}
	list, err := listDeliveries(tx, where, args, limit+1)
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
	e, err := getDelivery(tx, which)
	if err == db.ErrNoRows {
		return 0, fault.Newf(fault.DeliveryNotFound, "there is no delivery %d", which)
	}
	if err != nil {
		return 0, err
	}
	switch e.State {
	case Pending:
		return 0, fault.Newf(fault.DeliveryPending, "delivery %d is still under way", which)
	case Dropped:
		return 0, fault.Newf(fault.DeliveryNotFound, "delivery %d belongs to something that was deleted", which)
	}
	fresh, err := replay(tx, e.origin(), which)
	if err != nil {
		return 0, err
	}
	return fresh, nudge(tx, e.Target)
}

// Revive lets a dead delivery be tried again, from the beginning of the schedule and ordered with nothing: its
// conversation's later calls went on without it.
func Revive(tx *db.Tx, which id.Delivery) error {
	t, err := revive(tx, which)
	if err == db.ErrNoRows {
		if _, err := getDelivery(tx, which); err == db.ErrNoRows {
			return fault.Newf(fault.DeliveryNotFound, "there is no delivery %d", which)
		}
		return fault.Newf(fault.DeliveryPending, "delivery %d is not dead", which)
	}
	if err != nil {
		return err
	}
	return nudge(tx, t)
}

// Stats is how a target is doing.
type Stats struct {
	Pending int
	Dead    int
	// Lag is the age of the oldest pending delivery.
	Lag           time.Duration
	LastStatus    int // 0 when the last attempt got no answer, or there was none
	LastAttemptAt time.Time
	Breaker       string
	// ProbeAt is when an open breaker tries again.
	ProbeAt time.Time
	Paused  bool
}

// States of a target's breaker.
const (
	Closed   = "closed"
	Open     = "open"      // nothing is tried until ProbeAt
	HalfOpen = "half_open" // one attempt decides
)

// TargetStats returns how a target is doing.
func TargetStats(tx *db.Tx, t Target) (Stats, error) {
	s, oldest, err := targetStats(tx, t)
	if err != nil {
		return Stats{}, fmt.Errorf("statistics of delivery target %d: %w", t, err)
	}
	if !oldest.IsZero() {
		s.Lag = max(tx.Now().Sub(oldest), 0)
	}
	return s, nil
}

// Forget deletes delivered and dropped deliveries that ended before the given time, with bodies and attempts, at most limit
// of them, and returns how many. Call it again while it returns limit. Dead ones stay until someone deals with them.
func Forget(ctx context.Context, d *db.DB, before time.Time, limit int) (int, error) {
	var n int
	err := d.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		n, err = forget(tx, before, limit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget deliveries: %w", err)
	}
	return n, nil
}

// headerText is how a header is stored: JSON of at most 4 KiB; what does not fit is left out whole.
func headerText(h http.Header) string {
	if len(h) == 0 {
		return "{}"
	}
	size := 0
	kept := make(map[string][]string, len(h))
	for name, values := range h {
		n := len(name) + 8
		for _, v := range values {
			n += len(v) + 3
		}
		if size+n > logLimit {
			continue
		}
		size += n
		kept[name] = values
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return "{}" // strings always marshal
	}
	return strings.ReplaceAll(string(b), `\u0000`, "")
}

// logLimit is how much of an answer's header and body the log keeps, in bytes each.
const logLimit = 4 << 10
