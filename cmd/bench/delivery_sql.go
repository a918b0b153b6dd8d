//go:build linux

package main

import (
	"fmt"
	"regexp"

	"parley/internal/db"
)

// Not constants: the byte functions differ between the engines, and these are no statements of the product.
func makeSchema(tx *db.Tx, name string) error {
	_, err := tx.Exec("CREATE SCHEMA " + name)
	return err
}

func dropSchema(tx *db.Tx, name string) error {
	_, err := tx.Exec("DROP SCHEMA " + name + " CASCADE")
	return err
}

const (
	sqlTemplate = `SELECT e.id, e.data, d.target, t.paused FROM deliveries d JOIN events e ON e.id = d.event_id JOIN delivery_targets t ON t.id = d.target
WHERE t.ref = $1 AND t.kind = 'endpoint' AND d.state = 'pending' AND e.type = 'message.received' ORDER BY d.id LIMIT 1`
	sqlLastSeq     = `SELECT COALESCE(MAX(seq), 0) FROM events`
	sqlQueueEvents = `INSERT INTO deliveries (target, event_id, lane, name, form, test, state, attempts, next_at, since, has_body, last_status, last_error,
  created_at, finished_at)
SELECT d.target, e.id, e.lane, d.name, d.form, d.test, 'pending', 0, 0, d.since, d.has_body, 0, '', d.created_at, 0
FROM events e JOIN deliveries d ON d.target = $1 AND d.event_id = $2 WHERE e.seq > $3 AND e.seq <= $4 ORDER BY e.seq`
	sqlSetCounter = `UPDATE feed_counter SET last = $1 WHERE one = 1`
)

// template is a message that was posted for real, from which the backlog's are copied: only the conversation and the number in
// it differ.
type template struct {
	event  int64
	target int64
	lanes  int64
	seq    int64 // the feed's end before the backlog
	text   string
}

// bulkConversation is the first of the conversations that exist in the backlog's events only.
const bulkConversation = 10_000_000

var places = regexp.MustCompile(`("Conversation":\{"ID":)\d+|("ConversationID":)\d+|("SessionID":\d+,"Number":)\d+`)

func readTemplate(tx *db.Tx, endpoint, lanes int64) (template, error) {
	t := template{lanes: lanes}
	var data []byte
	var paused bool
	if err := tx.One(sqlTemplate, []any{endpoint}, &t.event, &data, &t.target, &paused); err != nil {
		return t, fmt.Errorf("read a pending delivery of endpoint %d: %w", endpoint, err)
	}
	if err := tx.One(sqlLastSeq, nil, &t.seq); err != nil {
		return t, err
	}
	found := 0
	t.text = places.ReplaceAllStringFunc(string(data), func(m string) string {
		found++
		m = m[:len(m)-len(regexp.MustCompile(`\d+$`).FindString(m))]
		if found < 3 {
			return m + "@C@"
		}
		return m + "@N@"
	})
	if found != 3 || !paused {
		return t, fmt.Errorf("the stored form of event %d has %d of 3 known places, target paused: %v", t.event, found, paused)
	}
	return t, nil
}

// queueBacklog writes the events and deliveries from (from) up to and without (to).
func queueBacklog(tx *db.Tx, t template, from, to int64) error {
	toBytes := "CAST(%s AS BLOB)"
	if tx.Engine() == db.Postgres {
		toBytes = "convert_to(%s, 'UTF8')"
	}
	conversation := "(CAST($5 AS BIGINT) + n.i % CAST($6 AS BIGINT))"
	data := fmt.Sprintf(toBytes, "replace(replace(CAST($7 AS TEXT), '@C@', CAST("+conversation+" AS TEXT)), '@N@', CAST(n.i / CAST($6 AS BIGINT) + 1 AS TEXT))")
	q := `INSERT INTO events (seq, type, lane, conversation_id, contact_id, at, data)
WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < CAST($2 AS BIGINT))
SELECT CAST($3 AS BIGINT) + n.i + 1, e.type, 'c' || CAST(` + conversation + ` AS TEXT), ` + conversation + `, e.contact_id, e.at, ` + data + `
FROM n JOIN events e ON e.id = $4`
	if _, err := tx.Exec(q, from, to, t.seq, t.event, int64(bulkConversation), t.lanes, t.text); err != nil {
		return fmt.Errorf("events %d to %d of the backlog: %w", from, to, err)
	}
	if _, err := tx.Exec(sqlQueueEvents, t.target, t.event, t.seq+from, t.seq+to); err != nil {
		return fmt.Errorf("deliveries %d to %d of the backlog: %w", from, to, err)
	}
	if tx.Engine() == db.Postgres {
		if _, err := tx.Exec(sqlSetCounter, t.seq+to); err != nil {
			return fmt.Errorf("count the backlog's events: %w", err)
		}
	}
	return nil
}

// analyze lets PostgreSQL know what it would know of rows that came in their time.
func analyze(tx *db.Tx) error {
	if tx.Engine() != db.Postgres {
		return nil
	}
	for _, table := range []string{"events", "deliveries"} {
		if _, err := tx.Exec("ANALYZE " + table); err != nil {
			return err
		}
	}
	return nil
}
