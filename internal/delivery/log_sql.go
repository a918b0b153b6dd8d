package delivery

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	logColumns = `d.id, d.target, t.kind, t.ref, d.event_id, COALESCE(e.seq, 0), COALESCE(e.type, ''), COALESCE(e.conversation_id, 0), d.name, d.form,
  d.test, d.state, d.attempts, d.next_at, d.created_at, d.finished_at, d.last_status, d.last_error, COALESCE(d.replay_of, 0)`
	logTables      = ` FROM deliveries d JOIN delivery_targets t ON t.id = d.target LEFT JOIN events e ON e.id = d.event_id`
	sqlGetDelivery = `SELECT ` + logColumns + logTables + ` WHERE d.id = $1`
	sqlGetBody     = `SELECT body FROM delivery_bodies WHERE delivery_id = $1`
	sqlAttempts    = `SELECT number, started_at, duration_us, outcome, status, error, retry_at, request_url, request_headers, response_headers, response_body
FROM delivery_attempts WHERE delivery_id = $1 ORDER BY number`
	sqlCopyBody = `INSERT INTO delivery_bodies (delivery_id, body) SELECT $1, body FROM delivery_bodies WHERE delivery_id = $2`
	sqlReplay   = `INSERT INTO deliveries (target, event_id, lane, name, form, test, state, attempts, next_at, since, has_body, last_status,
  last_error, replay_of, created_at, finished_at)
SELECT target, event_id, '', name, form, test, 'pending', 0, 0, $2, has_body, 0, '', $3, $2, 0 FROM deliveries WHERE id = $1 RETURNING id, target, has_body`
	sqlRevive = `UPDATE deliveries SET state = 'pending', lane = '', next_at = 0, since = $2, finished_at = 0 WHERE id = $1 AND COALESCE(state, '') = 'dead'`

	// What many have in common. A lane of replays is called after the original lane, so that one follows the other. A lane of
	// revived rows is called after the moment, too: their ids are older than those of rows that were revived before them, and
	// within a lane ids only grow. The name of that has a fixed length.
	bareLane     = `CASE WHEN d.lane LIKE 'replay:%' THEN SUBSTR(d.lane, 8) WHEN d.lane LIKE 'revive:%' THEN SUBSTR(d.lane, 25) ELSE d.lane END`
	bodyTables   = ` LEFT JOIN delivery_bodies b ON b.delivery_id = COALESCE(d.replay_of, d.id)`
	sqlReplayAll = `INSERT INTO deliveries (target, event_id, lane, name, form, test, state, attempts, next_at, since, has_body, last_status,
  last_error, replay_of, created_at, finished_at)
SELECT d.target, d.event_id, CASE WHEN d.lane = '' THEN '' ELSE 'replay:' || ` + bareLane + ` END, d.name, d.form, d.test, 'pending', 0, 0, CAST($1 AS BIGINT),
  b.delivery_id IS NOT NULL, 0, '', COALESCE(d.replay_of, d.id), CAST($1 AS BIGINT), 0` + logTables + bodyTables
	replayOrder   = ` ORDER BY COALESCE(d.replay_of, d.id), d.id`
	sqlCopyBodies = `INSERT INTO delivery_bodies (delivery_id, body)
SELECT d.id, b.body FROM deliveries d JOIN delivery_bodies b ON b.delivery_id = d.replay_of WHERE d.id > $1 AND d.has_body AND d.created_at = $2
ON CONFLICT (delivery_id) DO NOTHING`
	sqlReplayedTargets = `SELECT DISTINCT target FROM deliveries WHERE id > $1 AND replay_of IS NOT NULL`
	reviveEach         = ` AS d SET state = 'pending', next_at = 0, since = $1, finished_at = 0,
  lane = CASE WHEN d.lane = '' THEN '' ELSE CAST($2 AS TEXT) || ` + bareLane + ` END
WHERE COALESCE(d.state, '') = 'dead' AND d.id IN `
	sqlDeadTargets = `SELECT DISTINCT d.target` + logTables

	sqlListDeliveries  = `SELECT ` + logColumns + logTables
	sqlCountDeliveries = `SELECT COUNT(*)` + logTables
	sqlAnyDelivery     = `SELECT 1` + logTables
	sqlNewest          = `SELECT COALESCE(MAX(id), 0) FROM deliveries`
	sqlOldestID        = `SELECT COALESCE(MIN(id), 0) FROM deliveries`
	sqlCreated         = `SELECT id, created_at FROM deliveries WHERE id >= $1 ORDER BY id LIMIT 1`
	sqlLockTargets     = `SELECT t.id FROM delivery_targets t`
	lockInOrder        = ` ORDER BY t.id FOR UPDATE`

	// Counting stops at $1: a million rows are not counted each time somebody looks.
	countPending = `(SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.target = t.id AND d.state = 'pending' LIMIT $1) p)`
	countDead    = `(SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.target = t.id AND d.state = 'dead' LIMIT $1) p)`
	oldest       = `COALESCE((SELECT d.since FROM deliveries d WHERE d.target = t.id AND d.state = 'pending' ORDER BY d.id LIMIT 1), 0)`
	statColumns  = `t.id, t.kind, t.ref, t.breaker, t.paused, ` + countPending + `, ` + countDead + `, ` + oldest
	sqlStats     = `SELECT ` + statColumns + `, t.last_status, t.last_attempt_at, t.probe_at, t.failing_since FROM delivery_targets t WHERE t.id = $2`
	sqlHealth    = `SELECT ` + statColumns + ` FROM delivery_targets t WHERE t.gone = FALSE ORDER BY t.id`
	// The newest of the target's rows in a state, and the one where counting stopped.
	sqlLastPending = `SELECT id FROM deliveries WHERE target = $1 AND state = 'pending' ORDER BY id DESC LIMIT 1`
	sqlNthPending  = `SELECT id FROM deliveries WHERE target = $1 AND state = 'pending' ORDER BY id LIMIT 1 OFFSET $2`
	sqlLastDead    = `SELECT id FROM deliveries WHERE target = $1 AND state = 'dead' ORDER BY id DESC LIMIT 1`
	sqlNthDead     = `SELECT id FROM deliveries WHERE target = $1 AND state = 'dead' ORDER BY id LIMIT 1 OFFSET $2`

	sqlChart = `SELECT minute / $3, SUM(delivered), SUM(failed), SUM(took_us), MAX(max_us), MAX(max_lag_us) FROM delivery_minutes
WHERE target = $1 AND minute >= $2 GROUP BY minute / $3 ORDER BY 1`
	sqlForgetMinutes = `DELETE FROM delivery_minutes WHERE target IN (SELECT id FROM delivery_targets) AND minute < $1`

	sqlUnfinishedAbove = `SELECT COUNT(*) FROM (SELECT 1 FROM delivery_targets t JOIN deliveries d ON d.target = t.id WHERE d.state = 'pending' AND d.id > $1
UNION ALL SELECT 1 FROM delivery_targets t JOIN deliveries d ON d.target = t.id WHERE d.state = 'dead' AND d.id > $1 LIMIT $2) p`
	sqlOldDeliveries = `SELECT id FROM deliveries WHERE (id <= $1 OR id <= $2 AND finished_at < $3) AND id <= $4 AND state IN ('delivered', 'dropped')
ORDER BY id LIMIT $5`
)

var (
	sqlForgetDeliveries = eachChunk(func(n int) []string {
		var list []string
		for _, where := range []string{"delivery_attempts WHERE delivery_id", "delivery_bodies WHERE delivery_id", "deliveries WHERE id"} {
			list = append(list, `DELETE FROM `+where+` IN (`+marks(n, 0)+`)`)
		}
		return list
	})
	sqlCountMinutes = eachChunk(func(n int) string {
		return `INSERT INTO delivery_minutes (target, minute, delivered, failed, took_us, max_us, max_lag_us) VALUES ` + tuples(n, 7) + `
ON CONFLICT (target, minute) DO UPDATE SET delivered = delivery_minutes.delivered + excluded.delivered, failed = delivery_minutes.failed + excluded.failed,
  took_us = delivery_minutes.took_us + excluded.took_us,
  max_us = CASE WHEN excluded.max_us > delivery_minutes.max_us THEN excluded.max_us ELSE delivery_minutes.max_us END,
  max_lag_us = CASE WHEN excluded.max_lag_us > delivery_minutes.max_lag_us THEN excluded.max_lag_us ELSE delivery_minutes.max_lag_us END`
	})
)

func scanEntry(s db.Scanner) (Entry, error) {
	var e Entry
	var next, created, finished int64
	err := s.Scan(&e.ID, &e.Target, &e.Kind, &e.Ref, &e.Event, &e.Seq, &e.EventType, &e.Conversation, &e.Name, &e.Form, &e.Test, &e.State, &e.Attempts,
		&next, &created, &finished, &e.LastStatus, &e.LastError, &e.ReplayOf)
	e.NextAt, e.CreatedAt, e.FinishedAt = db.Time(next), db.Time(created), db.Time(finished)
	return e, err
}

// conditions are a WHERE that grows.
type conditions struct {
	list []string
	args []any
}

// add takes a condition with a ? for each value.
func (c *conditions) add(cond string, values ...any) {
	for _, v := range values {
		c.args = append(c.args, v)
		cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(c.args)), 1)
	}
	c.list = append(c.list, cond)
}

func (c *conditions) where() string {
	if len(c.list) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.list, " AND ")
}

// match adds what the filter says of d (deliveries), t (delivery_targets) and e (events).
func (c *conditions) match(tx *db.Tx, f Filter) error {
	if f.Kind != "" {
		c.add("t.kind = ?", f.Kind)
	}
	if f.Ref != 0 {
		c.add("t.ref = ?", f.Ref)
	}
	if f.Conversation != 0 {
		c.add("e.conversation_id = ?", int64(f.Conversation))
	}
	if f.Event != 0 {
		c.add("d.event_id = ?", int64(f.Event))
	}
	c.matchRow(f, "d")
	if err := c.between(tx, f.From, f.To); err != nil {
		return err
	}
	if f.Replayable {
		c.add("t.gone = FALSE")
		first := conditions{args: c.args}
		first.add("o.event_id = d.event_id AND o.target = d.target AND o.id < d.id")
		first.matchRow(f, "o")
		c.args = first.args
		c.add("(d.replay_of IS NULL OR d.event_id <> 0 AND NOT EXISTS (SELECT 1 FROM deliveries o" + first.where() + "))")
	}
	return nil
}

// matchRow adds what the filter says of a delivery's own row.
func (c *conditions) matchRow(f Filter, row string) {
	switch f.State {
	case "":
	case Pending, Dead: // literal, so that the partial indexes serve
		c.add(row + ".state = '" + f.State + "'")
	default:
		c.add(row+".state = ?", f.State)
	}
	if f.Replayable {
		c.add(row + ".state <> 'pending'")
	}
	if f.Name != "" {
		c.add(row+".name = ?", f.Name)
	}
	if !f.From.IsZero() {
		c.add(row+".created_at >= ?", db.Micros(f.From))
	}
	if !f.To.IsZero() {
		c.add(row+".created_at < ?", db.Micros(f.To))
	}
}

// clockSlack is how much older a delivery may say it is than one before it: clocks of nodes differ and are set.
const clockSlack = time.Hour

// between adds the ids of deliveries that can be of that time. There is no index by time, which every message would have to
// pay for; ids are made in time's order, give or take clockSlack.
func (c *conditions) between(tx *db.Tx, from, to time.Time) error {
	if !from.IsZero() {
		first, err := firstSince(tx, from.Add(-clockSlack))
		if err != nil {
			return err
		}
		c.add("d.id >= ?", first)
	}
	if !to.IsZero() {
		first, err := firstSince(tx, to.Add(clockSlack))
		if err != nil {
			return err
		}
		c.add("d.id < ?", first)
	}
	return nil
}

// firstSince finds the first delivery that was made at that time or later, by halving; where there is none it is the next id.
func firstSince(tx *db.Tx, at time.Time) (int64, error) {
	var low, high int64
	if err := tx.One(sqlOldestID, nil, &low); err != nil {
		return 0, err
	}
	if err := tx.One(sqlNewest, nil, &high); err != nil {
		return 0, err
	}
	for high++; low < high; {
		var found, created int64
		middle := low + (high-low)/2
		switch err := tx.One(sqlCreated, []any{middle}, &found, &created); {
		case err == db.ErrNoRows:
			high = middle
		case err != nil:
			return 0, err
		case created >= db.Micros(at):
			high = middle
		default:
			low = found + 1
		}
	}
	return low, nil
}

func listDeliveries(tx *db.Tx, f Filter, before int64, limit int) ([]Entry, error) {
	var c conditions
	if before != 0 {
		c.add("d.id < ?", before)
	}
	if err := c.match(tx, f); err != nil {
		return nil, err
	}
	args := append(c.args, limit)
	return db.All(tx, sqlListDeliveries+c.where()+" ORDER BY d.id DESC LIMIT $"+strconv.Itoa(len(args)), args, scanEntry)
}

func countDeliveries(tx *db.Tx, f Filter) (int64, error) {
	var c conditions
	if err := c.match(tx, f); err != nil {
		return 0, err
	}
	var n int64
	err := tx.One(sqlCountDeliveries+c.where(), c.args, &n)
	return n, err
}

// countUpTo stops counting at most.
func countUpTo(tx *db.Tx, f Filter, most int) (n int, err error) {
	var c conditions
	if err := c.match(tx, f); err != nil {
		return 0, err
	}
	err = tx.One(`SELECT COUNT(*) FROM (`+sqlAnyDelivery+c.where()+` LIMIT `+strconv.Itoa(most)+`) p`, c.args, &n)
	return n, err
}

// lockTargets takes the rows of the targets that the filter names.
func lockTargets(tx *db.Tx, f Filter) error {
	var c conditions
	c.add("t.gone = FALSE")
	if f.Kind != "" {
		c.add("t.kind = ?", f.Kind)
	}
	if f.Ref != 0 {
		c.add("t.ref = ?", f.Ref)
	}
	_, err := db.All(tx, sqlLockTargets+c.where()+lockInOrder, c.args, scanTarget)
	return err
}

// replayAll copies what matches, and returns how many and the targets.
func replayAll(tx *db.Tx, f Filter) (int64, []Target, error) {
	var newest int64
	if err := tx.One(sqlNewest, nil, &newest); err != nil {
		return 0, nil, err
	}
	c := conditions{args: []any{db.Micros(tx.Now())}}
	if err := c.match(tx, f); err != nil {
		return 0, nil, err
	}
	n, err := tx.Exec(sqlReplayAll+c.where()+replayOrder, c.args...)
	if err != nil || n == 0 {
		return 0, nil, err
	}
	if _, err := tx.Exec(sqlCopyBodies, newest, db.Micros(tx.Now())); err != nil {
		return 0, nil, err
	}
	targets, err := db.All(tx, sqlReplayedTargets, []any{newest}, scanTarget)
	return n, targets, err
}

// reviveAll revives what matches, and returns how many and the targets.
func reviveAll(tx *db.Tx, f Filter) (int64, []Target, error) {
	var c conditions
	c.add("t.gone = FALSE")
	if err := c.match(tx, f); err != nil {
		return 0, nil, err
	}
	targets, err := db.All(tx, sqlDeadTargets+c.where(), c.args, scanTarget)
	if err != nil || len(targets) == 0 {
		return 0, nil, err
	}
	c = conditions{args: []any{db.Micros(tx.Now()), fmt.Sprintf("revive:%016d:", db.Micros(tx.Now()))}}
	c.add("t.gone = FALSE")
	if err := c.match(tx, f); err != nil {
		return 0, nil, err
	}
	n, err := tx.Exec("UPDATE deliveries"+reviveEach+"(SELECT d.id"+logTables+c.where()+")", c.args...)
	return n, targets, err
}

func getDelivery(tx *db.Tx, which id.Delivery) (Entry, error) {
	return db.First(tx, sqlGetDelivery, []any{int64(which)}, scanEntry)
}

// knownInstance is the installation's name, "" before the engine's first start.
func knownInstance(tx *db.Tx) (string, error) {
	var name string
	if err := tx.One(sqlGetInstance, nil, &name); err != nil && err != db.ErrNoRows {
		return "", err
	}
	return name, nil
}

func attempts(tx *db.Tx, which id.Delivery) ([]Attempt, error) {
	return db.All(tx, sqlAttempts, []any{int64(which)}, func(s db.Scanner) (Attempt, error) {
		var a Attempt
		var started, took, retry int64
		var sent, got string
		if err := s.Scan(&a.Number, &started, &took, &a.Outcome, &a.Status, &a.Error, &retry, &a.RequestURL, &sent, &got, &a.ResponseBody); err != nil {
			return a, err
		}
		a.StartedAt, a.Duration, a.RetryAt = db.Time(started), time.Duration(took)*time.Microsecond, db.Time(retry)
		a.RequestHeader, a.ResponseHeader = http.Header{}, http.Header{}
		if err := json.Unmarshal([]byte(sent), &a.RequestHeader); err != nil {
			return a, fmt.Errorf("attempt %d of delivery %d: %w", a.Number, which, err)
		}
		if err := json.Unmarshal([]byte(got), &a.ResponseHeader); err != nil {
			return a, fmt.Errorf("attempt %d of delivery %d: %w", a.Number, which, err)
		}
		return a, nil
	})
}

// replay copies a delivery; origin is the one that was queued first.
func replay(tx *db.Tx, origin, which id.Delivery) (id.Delivery, error) {
	var fresh id.Delivery
	var t Target
	var hasBody bool
	if err := tx.One(sqlReplay, []any{int64(which), db.Micros(tx.Now()), int64(origin)}, &fresh, &t, &hasBody); err != nil {
		return 0, err
	}
	if hasBody {
		if _, err := tx.Exec(sqlCopyBody, int64(fresh), int64(which)); err != nil {
			return 0, err
		}
	}
	return fresh, nil
}

// revive returns false where the delivery is not dead.
func revive(tx *db.Tx, which id.Delivery) (bool, error) {
	n, err := tx.Exec(sqlRevive, int64(which), db.Micros(tx.Now()))
	return n > 0, err
}

// countMax is where counting stops.
const countMax = 10_000

type standingOf struct {
	id Target
	TargetHealth
}

func scanStanding(now time.Time, more ...any) func(db.Scanner) (standingOf, error) {
	return func(s db.Scanner) (standingOf, error) {
		var h standingOf
		var oldest int64
		err := s.Scan(append([]any{&h.id, &h.Kind, &h.Ref, &h.Breaker, &h.Paused, &h.Pending, &h.Dead, &oldest}, more...)...)
		if oldest != 0 {
			h.Lag = max(now.Sub(db.Time(oldest)), 0)
		}
		return h, err
	}
}

// estimate replaces counts that were stopped: what lies beyond is as dense as what was counted.
func (h *standingOf) estimate(tx *db.Tx, most int) error {
	for _, c := range []struct {
		n         *int
		nth, last string
	}{{&h.Pending, sqlNthPending, sqlLastPending}, {&h.Dead, sqlNthDead, sqlLastDead}} {
		if *c.n < most {
			continue
		}
		var first, nth, last int64
		if err := tx.One(c.nth, []any{int64(h.id), 0}, &first); err != nil {
			return err
		}
		if err := tx.One(c.nth, []any{int64(h.id), most - 1}, &nth); err != nil {
			return err
		}
		if err := tx.One(c.last, []any{int64(h.id)}, &last); err != nil {
			return err
		}
		*c.n += int(float64(last-nth) * float64(most) / float64(nth-first+1))
	}
	return nil
}

func targetStats(tx *db.Tx, t Target, most int) (Stats, error) {
	var s Stats
	var last, probe, failing int64
	h, err := db.First(tx, sqlStats, []any{most, int64(t)}, scanStanding(tx.Now(), &s.LastStatus, &last, &probe, &failing))
	if err != nil {
		return s, err
	}
	if err := h.estimate(tx, most); err != nil {
		return s, err
	}
	s.Pending, s.Dead, s.Lag, s.Breaker, s.Paused = h.Pending, h.Dead, h.Lag, h.Breaker, h.Paused
	s.LastAttemptAt, s.ProbeAt, s.FailingSince = db.Time(last), db.Time(probe), db.Time(failing)
	return s, nil
}

func targetsHealth(tx *db.Tx) ([]TargetHealth, error) {
	list, err := db.All(tx, sqlHealth, []any{countMax}, scanStanding(tx.Now()))
	if err != nil {
		return nil, err
	}
	out := make([]TargetHealth, len(list))
	for i := range list {
		if err := list[i].estimate(tx, countMax); err != nil {
			return nil, err
		}
		out[i] = list[i].TargetHealth
	}
	return out, nil
}

// minute is what was attempted at a target within one minute.
type minute struct {
	target                                    Target
	number                                    int64 // minutes since 1970
	delivered, failed, took, longest, longLag int64 // times in microseconds
}

// countMinutes adds attempts to their targets' minutes.
func countMinutes(tx *db.Tx, tried []*result) error {
	type key struct {
		t      *target
		number int64
	}
	sums := map[key]*minute{}
	var list []*minute
	for _, r := range tried {
		k := key{r.t, minuteOf(r.now)}
		m := sums[k]
		if m == nil {
			m = &minute{target: r.t.id, number: k.number}
			sums[k], list = m, append(list, m)
		}
		if r.verdict == Done {
			m.delivered++
			m.longLag = max(m.longLag, r.now.Sub(r.r.since).Microseconds())
		} else {
			m.failed++
		}
		m.took += r.took.Microseconds()
		m.longest = max(m.longest, r.took.Microseconds())
	}
	for len(list) > 0 {
		n := 1
		for _, size := range chunks {
			if size <= len(list) {
				n = size
			}
		}
		args := make([]any, 0, 7*n)
		for _, m := range list[:n] {
			args = append(args, int64(m.target), m.number, m.delivered, m.failed, m.took, m.longest, m.longLag)
		}
		if _, err := tx.Exec(sqlCountMinutes[n], args...); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

func chart(tx *db.Tx, t Target, from time.Time, step time.Duration) ([]Point, error) {
	minutes := int64(step / time.Minute)
	return db.All(tx, sqlChart, []any{int64(t), minuteOf(from), minutes}, func(s db.Scanner) (Point, error) {
		var p Point
		var number, took, longest, lag int64
		err := s.Scan(&number, &p.Delivered, &p.Failed, &took, &longest, &lag)
		p.At = time.Unix(number*minutes*60, 0).UTC()
		if n := p.Delivered + p.Failed; n > 0 {
			p.Duration = time.Duration(took/n) * time.Microsecond
		}
		p.MaxDuration, p.MaxLag = time.Duration(longest)*time.Microsecond, time.Duration(lag)*time.Microsecond
		return p, err
	})
}

func forgetMinutes(tx *db.Tx, before time.Time) error {
	_, err := tx.Exec(sqlForgetMinutes, minuteOf(before))
	return err
}

// forget deletes what is too old or too much. Nothing is counted: ids have hardly any gaps, so the newest keep of them hold at
// most keep that are finished; what else is among them, up to a bound, is added.
func forget(tx *db.Tx, before time.Time, keep, limit int) (int, error) {
	var newest, unfinished int64
	if err := tx.One(sqlNewest, nil, &newest); err != nil {
		return 0, err
	}
	surplus := newest - int64(keep)
	if surplus > 0 {
		if err := tx.One(sqlUnfinishedAbove, []any{surplus, countMax}, &unfinished); err != nil {
			return 0, err
		}
		surplus -= unfinished
	}
	aged, err := firstSince(tx, before.Add(clockSlack))
	if err != nil {
		return 0, err
	}
	aged--
	old, err := db.All(tx, sqlOldDeliveries, []any{surplus, aged, db.Micros(before), max(surplus, aged), limit}, func(s db.Scanner) (int64, error) {
		var d int64
		err := s.Scan(&d)
		return d, err
	})
	if err != nil {
		return 0, err
	}
	return len(old), inChunks(old, func(piece []int64, n int) error {
		args := make([]any, n)
		for i := range args {
			args[i] = piece[min(i, len(piece)-1)]
		}
		for _, q := range sqlForgetDeliveries[n] {
			if _, err := tx.Exec(q, args...); err != nil {
				return err
			}
		}
		return nil
	})
}
