package delivery

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	sqlInsertTarget = `INSERT INTO delivery_targets (kind, ref, in_flight_limit, paused, pause_reason, resumed_at, nudge, owner, node, fence,
  expires_at, wake_at, breaker, failures, probe_at, last_status, last_attempt_at, per_second, failing_since, warned, gone)
VALUES ($1, $2, $3, FALSE, '', 0, 0, '', '', 0, 0, 0, 'closed', 0, 0, 0, 0, $4, 0, 0, FALSE) RETURNING id`
	sqlSetLimits = `UPDATE delivery_targets SET in_flight_limit = $2, per_second = $3 WHERE id = $1`
	sqlNudge     = `UPDATE delivery_targets SET nudge = nudge + 1, wake_at = 1 WHERE id = $1`
	sqlGone      = `UPDATE delivery_targets SET gone = TRUE, paused = FALSE, nudge = nudge + 1, wake_at = 1 WHERE id = $1`
	sqlIsGone    = `SELECT gone FROM delivery_targets WHERE id = $1`
	sqlPause     = `UPDATE delivery_targets SET paused = TRUE, pause_reason = $2 WHERE id = $1`
	// Every resume has another resumed_at: that is how results of attempts before it are known.
	sqlResume = `UPDATE delivery_targets SET paused = FALSE, pause_reason = '', resumed_at = CASE WHEN resumed_at < $2 THEN $2 ELSE resumed_at + 1 END,
  nudge = nudge + 1, wake_at = 1, breaker = 'closed', failures = 0, probe_at = 0, failing_since = 0, warned = 0 WHERE id = $1`
	sqlStanding = `SELECT paused, resumed_at FROM delivery_targets WHERE id = $1`
	// What waits for its next attempt need not wait any more.
	sqlHurry = `UPDATE deliveries SET next_at = 0 WHERE target = $1 AND state = 'pending' AND next_at > 0`

	sqlInsertDelivery = `INSERT INTO deliveries (target, event_id, lane, name, form, test, state, attempts, next_at, since, has_body, last_status,
  last_error, replay_of, created_at, finished_at)
VALUES ($1, $2, $3, $4, $5, $6, 'pending', 0, 0, $7, $8, 0, '', $9, $7, 0) RETURNING id`
	sqlInsertBody  = `INSERT INTO delivery_bodies (delivery_id, body) VALUES ($1, $2)`
	sqlReplaceBody = `UPDATE delivery_bodies SET body = $2 WHERE delivery_id = $1`
	sqlDropPending = `UPDATE deliveries SET state = 'dropped', last_error = $2, finished_at = $3
WHERE id IN (SELECT id FROM deliveries WHERE target = $1 AND state = 'pending' AND id <= $4 AND since <= $5 ORDER BY id LIMIT $6)`
	sqlDropLater     = `UPDATE delivery_targets SET drop_to = $2, drop_at = $3, drop_reason = $4 WHERE id = $1`
	sqlToDrop        = `SELECT drop_to, drop_at, drop_reason FROM delivery_targets WHERE id = $1 AND owner = $2 AND fence = $3 FOR UPDATE`
	sqlNewestPending = `SELECT COALESCE(MAX(id), 0) FROM deliveries WHERE target = $1 AND state = 'pending'`
	sqlRest          = `SELECT COUNT(*), COALESCE(MAX(id), 0) FROM deliveries WHERE target = $1 AND state = 'pending'`

	sqlMakeInstance = `INSERT INTO settings (name, value) VALUES ('instance_id', $1) ON CONFLICT (name) DO NOTHING`
	sqlGetInstance  = `SELECT value FROM settings WHERE name = 'instance_id'`

	// A row is deliverable when its event has a number; LEFT JOIN for rows without an event.
	rowColumns   = `d.id, d.target, d.event_id, d.lane, d.name, d.form, d.test, d.attempts, d.next_at, d.since, d.has_body, COALESCE(d.replay_of, 0)`
	sqlLatestSeq = `SELECT COALESCE(MAX(seq), 0) FROM events`
	// Deliveries of new events are asked for by the events' ids: a planner that has to choose where a join begins may begin with
	// everything that is pending.
	sqlTailEvents = `SELECT id FROM events WHERE seq > $1 AND seq <= $2 ORDER BY seq`
	sqlBacklog    = `SELECT ` + rowColumns + `
FROM deliveries d LEFT JOIN events e ON e.id = d.event_id
WHERE d.target = $1 AND d.state = 'pending' AND d.id > $2 AND (d.event_id = 0 OR e.seq IS NOT NULL) ORDER BY d.id LIMIT $3`
	// What belongs to no lane: test calls, single replays, and what was revived alone. The index deliveries_apart has nothing else.
	// The newest are first: that is what somebody waits for, even behind a thousand that were revived.
	sqlApart = `SELECT ` + rowColumns + `
FROM deliveries d LEFT JOIN events e ON e.id = d.event_id
WHERE d.target = $1 AND d.state = 'pending' AND d.lane = '' AND d.id < $2 AND (d.event_id = 0 OR e.seq IS NOT NULL) ORDER BY d.id DESC LIMIT $3`
	sqlLane = `SELECT ` + rowColumns + `
FROM deliveries d JOIN events e ON e.id = d.event_id
WHERE d.lane = $1 AND d.target = $2 AND d.id > $3 AND d.state = 'pending' AND e.seq IS NOT NULL ORDER BY d.id LIMIT $4`

	// The one look into a target's rows costs the same with one and with a million.
	hasPending        = `(SELECT d.id FROM deliveries d WHERE d.target = t.id AND d.state = 'pending' LIMIT 1) IS NOT NULL`
	sqlWaitingTargets = `SELECT t.id FROM delivery_targets t WHERE t.paused = FALSE AND ` + hasPending
	sqlForgotten      = `SELECT t.id FROM delivery_targets t WHERE t.paused = FALSE AND t.wake_at = 0 AND t.expires_at <= $1 AND ` + hasPending
	sqlDueTargets     = `SELECT id FROM delivery_targets WHERE paused = FALSE AND wake_at <> 0 AND wake_at <= $1 AND expires_at <= $1`
	sqlNextTarget     = `SELECT COALESCE(MIN(CASE WHEN expires_at > wake_at THEN expires_at ELSE wake_at END), 0) FROM delivery_targets
WHERE paused = FALSE AND wake_at <> 0 AND owner <> $1`
	sqlOldTargets = `SELECT id FROM delivery_targets WHERE node = $1 AND owner <> $2 AND owner <> ''`
	sqlClaim      = `UPDATE delivery_targets SET owner = $2, node = $3, fence = fence + 1, expires_at = $4, wake_at = 1
WHERE id = $1 AND paused = FALSE AND (expires_at <= $5 OR node = $6)
RETURNING kind, ref, in_flight_limit, per_second, resumed_at, nudge, fence, breaker, failures, probe_at, failing_since, warned, last_status, last_attempt_at,
  drop_to, drop_at`
	// In the order of ids, as results are stored: the lock of many rows is taken before they are changed.
	sqlLockOwned  = `SELECT id FROM delivery_targets WHERE owner = $1 ORDER BY id FOR UPDATE`
	sqlRenew      = `UPDATE delivery_targets SET expires_at = $2 WHERE owner = $1 RETURNING ` + ownedColumns
	sqlOwned      = `SELECT ` + ownedColumns + ` FROM delivery_targets WHERE owner = $1`
	ownedColumns  = `id, fence, in_flight_limit, per_second, paused, resumed_at, nudge, drop_to, drop_at`
	sqlReleaseAll = `UPDATE delivery_targets SET owner = '', expires_at = 0, wake_at = 1 WHERE owner = $1`
	sqlRelease    = `UPDATE delivery_targets SET owner = '', expires_at = 0, wake_at = CASE WHEN nudge = $5 THEN CAST($4 AS BIGINT) ELSE 1 END
WHERE id = $1 AND owner = $2 AND fence = $3`

	// A resume that its owner has not heard of yet has set the target's health; what came before it must not come back.
	sqlFence = `UPDATE delivery_targets SET last_status = $4, last_attempt_at = $5,
  breaker = CASE WHEN resumed_at = $6 THEN $7 ELSE breaker END, failures = CASE WHEN resumed_at = $6 THEN $8 ELSE failures END,
  probe_at = CASE WHEN resumed_at = $6 THEN $9 ELSE probe_at END, failing_since = CASE WHEN resumed_at = $6 THEN $10 ELSE failing_since END,
  warned = CASE WHEN resumed_at = $6 THEN $11 ELSE warned END
WHERE id = $1 AND owner = $2 AND fence = $3`
	sqlFail = `UPDATE deliveries SET state = $2, attempts = $3, next_at = $4, has_body = $5, last_status = $6, last_error = $7, finished_at = $8
WHERE id = $1 AND COALESCE(state, '') = 'pending'`
)

// chunks are the sizes of statements with many rows; the last chunk of a batch is filled up by repeating, so that only a
// handful of texts exist and every one stays prepared.
var chunks = [...]int{1, 4, 16}

// chunkFor returns the smallest size that takes n rows, or the largest size.
func chunkFor(n int) int {
	for _, c := range chunks {
		if n <= c {
			return c
		}
	}
	return chunks[len(chunks)-1]
}

// COALESCE keeps the planners of statements that start from ids away from the indexes of what is pending: a planner that
// believes there is little reads all of it, with a backlog that is all of the backlog.
var (
	sqlTail = eachChunk(func(n int) string {
		return `SELECT ` + rowColumns + `, t.owner, t.expires_at, t.paused
FROM deliveries d JOIN delivery_targets t ON t.id = d.target
WHERE COALESCE(d.state, '') = 'pending' AND d.lane <> '' AND d.event_id IN (` + marks(n, 0) + `) ORDER BY d.id`
	})
	sqlDelivered = eachChunk(func(n int) string {
		return `UPDATE deliveries SET state = 'delivered', attempts = attempts + 1, next_at = 0, has_body = TRUE, last_error = '', finished_at = $1, last_status = $2
WHERE COALESCE(state, '') = 'pending' AND id IN (` + marks(n, 2) + `)`
	})
	sqlBodies = eachChunk(func(n int) string {
		return `SELECT delivery_id, body FROM delivery_bodies WHERE delivery_id IN (` + marks(n, 0) + `)`
	})
	sqlInsertBodies = eachChunk(func(n int) string {
		return `INSERT INTO delivery_bodies (delivery_id, body) VALUES ` + tuples(n, 2) + ` ON CONFLICT (delivery_id) DO NOTHING`
	})
	sqlInsertAttempts = eachChunk(func(n int) string {
		return `INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, outcome, status, error, retry_at, request_url, request_headers,
  response_headers, response_body) VALUES ` + tuples(n, 12) + ` ON CONFLICT (delivery_id, number) DO NOTHING`
	})
)

func eachChunk[T any](text func(n int) T) map[int]T {
	m := map[int]T{}
	for _, n := range chunks {
		m[n] = text(n)
	}
	return m
}

// marks renders n placeholders, numbered from after+1.
func marks(n, after int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(after+i+1))
	}
	return b.String()
}

func tuples(n, width int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("(" + marks(width, i*width) + ")")
	}
	return b.String()
}

func insertTarget(tx *db.Tx, kind string, ref int64, l Limits) (Target, error) {
	return db.Insert[Target](tx, sqlInsertTarget, kind, ref, l.InFlight, l.PerSecond)
}

func setLimits(tx *db.Tx, t Target, l Limits) error {
	_, err := tx.Exec(sqlSetLimits, int64(t), l.InFlight, l.PerSecond)
	return err
}

func nudge(tx *db.Tx, t Target) error {
	_, err := tx.Exec(sqlNudge, int64(t))
	return err
}

// setGone notes that what the target stood for is deleted.
func setGone(tx *db.Tx, t Target) error {
	_, err := tx.Exec(sqlGone, int64(t))
	return err
}

func isGone(tx *db.Tx, t Target) (gone bool, err error) {
	err = tx.One(sqlIsGone, []any{int64(t)}, &gone)
	return gone, err
}

func pause(tx *db.Tx, t Target, reason string) error {
	_, err := tx.Exec(sqlPause, int64(t), clean(reason))
	return err
}

func resume(tx *db.Tx, t Target) error {
	if _, err := tx.Exec(sqlResume, int64(t), db.Micros(tx.Now())); err != nil {
		return err
	}
	_, err := tx.Exec(sqlHurry, int64(t))
	return err
}

// standing is whether the target is paused, and when it was resumed last.
func standing(tx *db.Tx, t Target) (o owned, err error) {
	var resumed int64
	err = tx.One(sqlStanding, []any{int64(t)}, &o.paused, &resumed)
	o.resumed = db.Time(resumed)
	return o, err
}

func insertDelivery(tx *db.Tx, it *Item, replayOf id.Delivery, now time.Time) (id.Delivery, error) {
	return db.Insert[id.Delivery](tx, sqlInsertDelivery, int64(it.Target), int64(it.Event), it.Lane, it.Name, it.Form, it.Test, db.Micros(now), it.Body != nil,
		db.NullID(replayOf))
}

func insertBody(tx *db.Tx, d id.Delivery, body []byte) error {
	_, err := tx.Exec(sqlInsertBody, int64(d), body)
	return err
}

func replaceBody(tx *db.Tx, d id.Delivery, body []byte) error {
	_, err := tx.Exec(sqlReplaceBody, int64(d), body)
	return err
}

func dropPending(tx *db.Tx, t Target, reason string, limit int) (int64, error) {
	return tx.Exec(sqlDropPending, int64(t), clean(reason), db.Micros(tx.Now()), int64(math.MaxInt64), int64(math.MaxInt64), limit)
}

// dropLater notes what the target's owner has to drop, and returns how much it is.
func dropLater(tx *db.Tx, t Target, reason string) (int64, error) {
	var n, newest int64
	if err := tx.One(sqlRest, []any{int64(t)}, &n, &newest); err != nil || n == 0 {
		return 0, err
	}
	_, err := tx.Exec(sqlDropLater, int64(t), newest, db.Micros(tx.Now()), clean(reason))
	return n, err
}

func newestPending(tx *db.Tx, t Target) (d id.Delivery, err error) {
	err = tx.One(sqlNewestPending, []any{int64(t)}, &d)
	return d, err
}

// dropping says which pending rows are being dropped: not what was revived since.
type dropping struct {
	to id.Delivery
	at time.Time
}

func (d dropping) takes(r *row) bool { return r.id <= d.to && !r.since.After(d.at) }

// dropStep drops up to limit rows of what is noted, and returns whether it was all. db.ErrNoRows means that the target is not
// ours any more.
func dropStep(tx *db.Tx, t *target, owner string, limit int) (bool, error) {
	var to, at int64
	var reason string
	if err := tx.One(sqlToDrop, []any{int64(t.id), owner, t.fence}, &to, &at, &reason); err != nil {
		return false, err
	}
	n, err := tx.Exec(sqlDropPending, int64(t.id), reason, db.Micros(tx.Now()), to, at, limit)
	if err != nil || n == int64(limit) {
		return false, err
	}
	_, err = tx.Exec(sqlDropLater, int64(t.id), 0, 0, "")
	return true, err
}

func instanceID(tx *db.Tx, fresh string) (string, error) {
	if _, err := tx.Exec(sqlMakeInstance, fresh); err != nil {
		return "", err
	}
	var name string
	err := tx.One(sqlGetInstance, nil, &name)
	return name, err
}

// row is a pending delivery as the scheduler keeps it: no body, about 200 bytes.
type row struct {
	id       id.Delivery
	target   Target
	event    id.Event
	lane     string
	name     string
	form     string
	test     bool
	attempts int
	nextAt   time.Time
	since    time.Time
	hasBody  bool
	replayOf id.Delivery
	// Of the tail only: whose the target was, in the same snapshot.
	owner   string
	expires time.Time
	paused  bool
}

func scanRow(s db.Scanner) (*row, error) { return scanRowAnd(s) }

func scanTail(s db.Scanner) (*row, error) {
	var owner string
	var expires int64
	var paused bool
	r, err := scanRowAnd(s, &owner, &expires, &paused)
	if err != nil {
		return nil, err
	}
	r.owner, r.expires, r.paused = owner, db.Time(expires), paused
	return r, nil
}

func scanRowAnd(s db.Scanner, more ...any) (*row, error) {
	r := &row{}
	var next, since int64
	dest := append([]any{&r.id, &r.target, &r.event, &r.lane, &r.name, &r.form, &r.test, &r.attempts, &next, &since, &r.hasBody, &r.replayOf}, more...)
	if err := s.Scan(dest...); err != nil {
		return nil, err
	}
	r.nextAt, r.since = db.Time(next), db.Time(since)
	return r, nil
}

func latestSeq(tx *db.Tx) (id.Seq, error) {
	var seq id.Seq
	err := tx.One(sqlLatestSeq, nil, &seq)
	return seq, err
}

// readTail returns what is pending for the events in a part of the feed, in the order of the feed.
func readTail(tx *db.Tx, after, upto id.Seq) ([]*row, error) {
	events, err := db.All(tx, sqlTailEvents, []any{int64(after), int64(upto)}, func(s db.Scanner) (e id.Event, err error) { return e, s.Scan(&e) })
	if err != nil {
		return nil, err
	}
	place := make(map[id.Event]int, len(events))
	for i, e := range events {
		place[e] = i
	}
	var all []*row
	err = inChunks(events, func(piece []id.Event, n int) error {
		args := make([]any, n)
		for i := range n {
			args[i] = int64(piece[min(i, len(piece)-1)])
		}
		rows, err := db.All(tx, sqlTail[n], args, scanTail)
		all = append(all, rows...)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *row) int {
		return cmp.Or(cmp.Compare(place[a.event], place[b.event]), cmp.Compare(a.id, b.id))
	})
	return all, nil
}

func readBacklog(tx *db.Tx, t Target, after id.Delivery, limit int) ([]*row, error) {
	return db.All(tx, sqlBacklog, []any{int64(t), int64(after), limit}, scanRow)
}

func readApart(tx *db.Tx, t Target, before id.Delivery, limit int) ([]*row, error) {
	return db.All(tx, sqlApart, []any{int64(t), int64(before), limit}, scanRow)
}

func readLane(tx *db.Tx, t Target, lane string, after id.Delivery, limit int) ([]*row, error) {
	return db.All(tx, sqlLane, []any{lane, int64(t), int64(after), limit}, scanRow)
}

func scanTarget(s db.Scanner) (Target, error) {
	var t Target
	err := s.Scan(&t)
	return t, err
}

// waitingTargets are the targets with anything pending: what an engine looks at once, when it starts.
func waitingTargets(tx *db.Tx) ([]Target, error) {
	return db.All(tx, sqlWaitingTargets, nil, scanTarget)
}

// dueTargets are the targets that nobody owns and that are due.
func dueTargets(tx *db.Tx, now time.Time) ([]Target, error) {
	return db.All(tx, sqlDueTargets, []any{db.Micros(now)}, scanTarget)
}

// oldTargets are those that an earlier engine of this node left behind when it died.
func oldTargets(tx *db.Tx, node, owner string) ([]Target, error) {
	return db.All(tx, sqlOldTargets, []any{node, owner}, scanTarget)
}

// nextTarget is when a target that is not owner's may become due; the zero time when none will.
func nextTarget(tx *db.Tx, owner string) (time.Time, error) {
	var at int64
	err := tx.One(sqlNextTarget, []any{owner}, &at)
	return db.Time(at), err
}

// forgottenTargets have something pending, no owner, and nobody who will look.
func forgottenTargets(tx *db.Tx, now time.Time) ([]Target, error) {
	return db.All(tx, sqlForgotten, []any{db.Micros(now)}, scanTarget)
}

type claim struct {
	kind   string
	ref    int64
	limits Limits
	nudge  int64
	fence  int64
	drop   dropping
	health
}

// claimTarget makes the target owner's if it is free, or if it is another engine's of the node left (where that is not "").
func claimTarget(tx *db.Tx, t Target, owner, node, left string, expires time.Time) (claim, error) {
	if left == "" {
		left = "\x01" // no node is called so
	}
	return db.First(tx, sqlClaim, []any{int64(t), owner, node, db.Micros(expires), db.Micros(tx.Now()), left}, func(s db.Scanner) (claim, error) {
		var c claim
		var resumed, probe, failing, tried, dropAt int64
		err := s.Scan(&c.kind, &c.ref, &c.limits.InFlight, &c.limits.PerSecond, &resumed, &c.nudge, &c.fence, &c.breaker, &c.failures, &probe, &failing,
			&c.warned, &c.status, &tried, &c.drop.to, &dropAt)
		c.drop.at = db.Time(dropAt)
		c.resumed, c.probeAt, c.failingSince, c.triedAt = db.Time(resumed), db.Time(probe), db.Time(failing), db.Time(tried)
		return c, err
	})
}

// owned is what renewing a lease tells about its target.
type owned struct {
	target  Target
	fence   int64
	limits  Limits
	paused  bool
	resumed time.Time
	nudge   int64
	drop    dropping
}

func scanOwned(s db.Scanner) (owned, error) {
	var o owned
	var resumed, dropAt int64
	err := s.Scan(&o.target, &o.fence, &o.limits.InFlight, &o.limits.PerSecond, &o.paused, &resumed, &o.nudge, &o.drop.to, &dropAt)
	o.resumed, o.drop.at = db.Time(resumed), db.Time(dropAt)
	return o, err
}

func renewTargets(tx *db.Tx, owner string, expires time.Time) ([]owned, error) {
	if tx.Engine() == db.Postgres {
		if _, err := db.All(tx, sqlLockOwned, []any{owner}, scanTarget); err != nil {
			return nil, err
		}
	}
	return db.All(tx, sqlRenew, []any{owner, db.Micros(expires)}, scanOwned)
}

func ownedTargets(tx *db.Tx, owner string) ([]owned, error) {
	return db.All(tx, sqlOwned, []any{owner}, scanOwned)
}

// releaseTarget gives a lease up. wake is when the target is due again; a nudge that its owner has not seen makes it due now.
func releaseTarget(tx *db.Tx, t Target, owner string, fence, seen int64, wake time.Time) error {
	_, err := tx.Exec(sqlRelease, int64(t), owner, fence, db.Micros(wake), seen)
	return err
}

// clean makes a text from outside storable on both engines: valid UTF-8 without NUL, at most 1,000 bytes.
func clean(s string) string {
	if len(s) > 1000 {
		s = s[:1000]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

func releaseAll(tx *db.Tx, owner string) error {
	_, err := tx.Exec(sqlReleaseAll, owner)
	return err
}

// storedBodies reads what was sent before.
func storedBodies(tx *db.Tx, ids []id.Delivery) (map[id.Delivery][]byte, error) {
	out := map[id.Delivery][]byte{}
	err := inChunks(ids, func(piece []id.Delivery, n int) error {
		args := make([]any, n)
		for i := range args {
			args[i] = int64(piece[min(i, len(piece)-1)])
		}
		_, err := db.All(tx, sqlBodies[n], args, func(s db.Scanner) (struct{}, error) {
			var d id.Delivery
			var body []byte
			err := s.Scan(&d, &body)
			out[d] = body
			return struct{}{}, err
		})
		return err
	})
	return out, err
}

// inChunks calls fn with pieces of list that fit the prepared statements; n is the statement's size.
func inChunks[T any](list []T, fn func(piece []T, n int) error) error {
	for len(list) > 0 {
		n := chunkFor(len(list))
		if len(list) < n && n > 4 && len(list) >= 4 {
			n = 4 // a few small statements beat one that is mostly repetition
		}
		k := min(n, len(list))
		if err := fn(list[:k], n); err != nil {
			return err
		}
		list = list[k:]
	}
	return nil
}

// storeResults writes a batch of results. It returns the targets that are not ours any more; their results are not stored.
func storeResults(tx *db.Tx, owner string, batch []*result) (lost map[*target]bool, err error) {
	// One statement per target proves that the lease is still ours, keeps it from being taken until the commit, and
	// stores the target's health. In the order of ids, so that two nodes cannot wait for each other.
	newest := map[*target]*result{}
	var targets []*target
	for _, r := range batch {
		if newest[r.t] == nil {
			targets = append(targets, r.t)
		}
		newest[r.t] = r
	}
	slices.SortFunc(targets, func(a, b *target) int { return cmp.Compare(a.id, b.id) })
	lost = map[*target]bool{}
	for _, t := range targets {
		r := newest[t]
		h := &r.health
		n, err := tx.Exec(sqlFence, int64(t.id), owner, r.fence, h.status, db.Micros(h.triedAt), db.Micros(h.resumed), h.breaker, h.failures,
			db.Micros(h.probeAt), db.Micros(h.failingSince), h.warned)
		if err != nil {
			return nil, fmt.Errorf("check the lease of target %d: %w", t.id, err)
		}
		if n == 0 {
			lost[t] = true
		}
	}
	done := map[int][]int64{} // delivered, by status
	var tried, bodies []*result
	for _, r := range batch {
		if lost[r.t] {
			continue
		}
		if r.tried {
			tried = append(tried, r)
		}
		switch {
		case r.job.Body == nil:
		case r.job.Renewed && r.r.hasBody:
			if err := replaceBody(tx, r.r.id, r.job.Body); err != nil {
				return nil, fmt.Errorf("store the new body of delivery %d: %w", r.r.id, err)
			}
		case !r.r.hasBody:
			bodies = append(bodies, r)
		}
		if r.verdict == Done {
			done[r.out.Status] = append(done[r.out.Status], int64(r.r.id))
			continue
		}
		stored, err := storeFailure(tx, r)
		if err != nil {
			return nil, fmt.Errorf("store the result of delivery %d: %w", r.r.id, err)
		}
		r.over = !stored
	}
	for status, ids := range done {
		err := inChunks(ids, func(piece []int64, n int) error {
			args := make([]any, 0, n+2)
			args = append(args, db.Micros(batch[0].now), status)
			for i := range n {
				args = append(args, piece[min(i, len(piece)-1)])
			}
			_, err := tx.Exec(sqlDelivered[n], args...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("store delivered: %w", err)
		}
	}
	if err := inChunks(bodies, func(piece []*result, n int) error { return insertBodies(tx, piece, n) }); err != nil {
		return nil, fmt.Errorf("store bodies: %w", err)
	}
	if err := inChunks(tried, func(piece []*result, n int) error { return insertAttempts(tx, piece, n) }); err != nil {
		return nil, fmt.Errorf("store attempts: %w", err)
	}
	if err := countMinutes(tx, tried); err != nil {
		return nil, fmt.Errorf("count attempts: %w", err)
	}
	return lost, nil
}

// storeFailure stores what was not delivered. It returns false where the delivery is not pending any more.
func storeFailure(tx *db.Tx, r *result) (bool, error) {
	state, finished, attempts := Pending, int64(0), r.r.attempts
	switch r.verdict {
	case GiveUp:
		state, finished = Dead, db.Micros(r.now)
	case Discard:
		state, finished = Dropped, db.Micros(r.now)
	}
	if r.tried {
		attempts = r.number
	}
	n, err := tx.Exec(sqlFail, int64(r.r.id), state, attempts, db.Micros(r.retryAt), r.r.hasBody || r.job.Body != nil, r.out.Status, clean(r.out.Reason), finished)
	return n > 0, err
}

// insertBodies and insertAttempts take statements of one row as often as it takes when a piece does not fill a larger one.
func insertBodies(tx *db.Tx, piece []*result, n int) error {
	if len(piece) < n {
		return oneByOne(piece, func(p []*result) error { return insertBodies(tx, p, 1) })
	}
	args := make([]any, 0, 2*n)
	for _, r := range piece {
		args = append(args, int64(r.r.id), r.job.Body)
	}
	_, err := tx.Exec(sqlInsertBodies[n], args...)
	return err
}

func insertAttempts(tx *db.Tx, piece []*result, n int) error {
	if len(piece) < n {
		return oneByOne(piece, func(p []*result) error { return insertAttempts(tx, p, 1) })
	}
	args := make([]any, 0, 12*n)
	for _, r := range piece {
		body := r.out.ResponseBody
		if len(body) > logLimit {
			body = body[:logLimit]
		}
		if body == nil {
			body = []byte{}
		}
		reason := ""
		if r.verdict != Done {
			reason = clean(r.out.Reason)
		}
		args = append(args, int64(r.r.id), r.number, db.Micros(r.started), r.took.Microseconds(), string(r.verdict), r.out.Status, reason,
			db.Micros(r.retryAt), clean(r.out.URL), headerText(r.out.RequestHeader), headerText(r.out.ResponseHeader), body)
	}
	_, err := tx.Exec(sqlInsertAttempts[n], args...)
	return err
}

func oneByOne(piece []*result, fn func([]*result) error) error {
	for i := range piece {
		if err := fn(piece[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}
