package feed

import (
	"fmt"
	"strconv"
	"strings"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	sqlInsertEventNumbered = `INSERT INTO events (seq, type, lane, conversation_id, contact_id, at, data)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`
	sqlInsertEvent  = `INSERT INTO events (type, lane, conversation_id, contact_id, at, data) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`
	sqlUnnumbered   = `SELECT id FROM events WHERE seq IS NULL ORDER BY id LIMIT 1`
	sqlLockCounter  = `SELECT last FROM feed_counter WHERE one = 1 FOR UPDATE`
	sqlSetCounter   = `UPDATE feed_counter SET last = $1 WHERE one = 1`
	sqlNumberEvents = `UPDATE events SET seq = n.seq FROM (
  SELECT id, $1 + ROW_NUMBER() OVER (ORDER BY id) AS seq FROM (SELECT id FROM events WHERE seq IS NULL ORDER BY id LIMIT $2) AS waiting
) AS n WHERE events.id = n.id`
	sqlLatestSeq    = `SELECT COALESCE(MAX(seq), 0) FROM events`
	sqlRewriteEvent = `UPDATE events SET data = $2 WHERE id = $1`
)

func insertEvent(tx *db.Tx, e *event.Event) error {
	data, err := encode(e)
	if err != nil {
		return err
	}
	var conversation, contact any
	if e.Conversation != nil {
		conversation = int64(e.Conversation.ID)
	}
	if c := contactOf(e); c != 0 {
		contact = int64(c)
	}
	if tx.Engine() == db.Postgres {
		e.ID, err = db.Insert[id.Event](tx, sqlInsertEvent, string(e.Type), e.Lane(), conversation, contact, db.Micros(e.At), data)
		return err
	}
	last, err := latestSeq(tx) // nobody can write between these two statements
	if err != nil {
		return err
	}
	e.Seq = last + 1
	e.ID, err = db.Insert[id.Event](tx, sqlInsertEventNumbered, int64(e.Seq), string(e.Type), e.Lane(), conversation, contact, db.Micros(e.At), data)
	return err
}

func rewriteEvent(tx *db.Tx, e *event.Event) error {
	data, err := encode(e)
	if err != nil {
		return err
	}
	_, err = tx.Exec(sqlRewriteEvent, int64(e.ID), data)
	return err
}

func unnumbered(tx *db.Tx) (bool, error) {
	var first id.Event
	switch err := tx.One(sqlUnnumbered, nil, &first); err {
	case nil:
		return true, nil
	case db.ErrNoRows:
		return false, nil
	default:
		return false, err
	}
}

func lockCounter(tx *db.Tx) (id.Seq, error) {
	var last id.Seq
	err := tx.One(sqlLockCounter, nil, &last)
	return last, err
}

func numberEvents(tx *db.Tx, last id.Seq, limit int) (int, error) {
	n, err := tx.Exec(sqlNumberEvents, int64(last), limit)
	return int(n), err
}

func setCounter(tx *db.Tx, last id.Seq) error {
	_, err := tx.Exec(sqlSetCounter, int64(last))
	return err
}

func latestSeq(tx *db.Tx) (id.Seq, error) {
	var seq id.Seq
	err := tx.One(sqlLatestSeq, nil, &seq)
	return seq, err
}

// byIDChunks are how many events one statement asks for; the last chunk is filled up by repeating its last id, so that few texts exist.
var byIDChunks = [...]int{1, 4, 16}

var sqlEventsByID = func() map[int]string {
	m := map[int]string{}
	for _, n := range byIDChunks {
		var q strings.Builder
		q.WriteString("SELECT id, COALESCE(seq, 0), data FROM events WHERE id IN (")
		for i := range n {
			if i > 0 {
				q.WriteString(", ")
			}
			q.WriteString("$" + strconv.Itoa(i+1))
		}
		m[n] = q.String() + ")"
	}
	return m
}()

func eventsByID(tx *db.Tx, ids []id.Event) (out []*event.Event, err error) {
	for len(ids) > 0 {
		size := byIDChunks[len(byIDChunks)-1]
		for _, n := range byIDChunks {
			if len(ids) <= n {
				size = n
				break
			}
		}
		args := make([]any, size)
		for i := range args {
			args[i] = int64(ids[min(i, len(ids)-1)])
		}
		some, err := db.All(tx, sqlEventsByID[size], args, scanEvent)
		if err != nil {
			return nil, err
		}
		out, ids = append(out, some...), ids[min(size, len(ids)):]
	}
	return out, nil
}

func readEvents(tx *db.Tx, after id.Seq, limit int, f Filter) ([]*event.Event, error) {
	var q strings.Builder
	args := []any{int64(after)}
	q.WriteString(`SELECT id, seq, data FROM events WHERE seq > $1`)
	if f.Contact != 0 {
		args = append(args, int64(f.Contact))
		q.WriteString(" AND contact_id = $" + strconv.Itoa(len(args)))
	}
	for i, t := range f.Types {
		args = append(args, string(t))
		if i == 0 {
			q.WriteString(" AND type IN (")
		} else {
			q.WriteString(", ")
		}
		q.WriteString("$" + strconv.Itoa(len(args)))
	}
	if len(f.Types) > 0 {
		q.WriteString(")")
	}
	args = append(args, limit)
	q.WriteString(" ORDER BY seq LIMIT $" + strconv.Itoa(len(args)))
	return db.All(tx, q.String(), args, scanEvent)
}

func scanEvent(r db.Scanner) (*event.Event, error) {
	var eventID id.Event
	var seq id.Seq
	var data []byte
	if err := r.Scan(&eventID, &seq, &data); err != nil {
		return nil, err
	}
	e, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", eventID, err)
	}
	e.ID, e.Seq = eventID, seq
	return e, nil
}
