package media

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// States of rows that no message shows; the others are those of package event.
const (
	stateWriting = "writing" // the bytes are on their way into the store
	stateLoose   = "loose"   // an upload that no message has taken yet
	stateRemoved = "removed" // nobody's any more; bytes and row go with the next purge
)

// columns are what scanMedia reads.
const columns = `id, key, state, kind, name, content_type, size, width, height, duration_ms, peaks, thumb, error`

const (
	sqlInsertMedia = `INSERT INTO media (key, state, kind, name, content_type, size, width, height, duration_ms, peaks, thumb, owner, source_url, host, error, due_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', $15, $16) RETURNING id`
	sqlSettle = `UPDATE media SET state = 'loose', due_at = $2 WHERE id = $1 AND state = 'writing'`
	sqlTake   = `SELECT ` + columns + `, owner FROM media WHERE key = $1 AND state = 'loose' FOR UPDATE`
	sqlBind   = `UPDATE media SET state = CASE state WHEN 'loose' THEN 'stored' ELSE state END, conversation_id = $2, message_id = $3,
  due_at = CASE state WHEN 'loose' THEN 0 ELSE due_at END WHERE id = $1 AND message_id IS NULL AND state IN ('loose', 'stored', 'fetching')`
	sqlRemove = `UPDATE media SET state = 'removed', message_id = NULL, due_at = $2 WHERE id = $1 AND state <> 'removed'`
	sqlServe  = `SELECT ` + columns + `, created_at FROM media WHERE key = $1`

	// The words of the states must be those of the index media_purge, so that the engines see that it serves.
	sqlCondemn = `UPDATE media SET state = 'removed', due_at = $3 WHERE id IN (
  SELECT id FROM media WHERE state IN ('loose', 'writing', 'removed') AND due_at <= $1 ORDER BY due_at LIMIT $2)
  AND state IN ('loose', 'writing', 'removed') RETURNING id, key`
	// As above; there are few of them at any time.
	sqlHandOver = `UPDATE media SET owner = $2 WHERE id IN (
  SELECT id FROM media WHERE state IN ('loose', 'writing', 'removed') AND due_at > 0 AND owner = $1) AND state IN ('loose', 'writing')`
	sqlForget = `DELETE FROM media WHERE id = $1 AND state = 'removed'`
)

// insertMedia stores a new row; due is when it must have become something else, else the purge takes it.
func insertMedia(tx *db.Tx, m *event.Media, state string, thumb int64, owner Owner, source string, due time.Time) error {
	peaks, err := encodePeaks(m.Peaks)
	if err != nil {
		return err
	}
	m.ID, err = db.Insert[id.Media](tx, sqlInsertMedia, m.Key, state, m.Kind, m.Name, m.ContentType, m.Size, m.Width, m.Height, m.DurationMS, peaks, thumb,
		owner.String(), source, hostOf(source), db.Micros(due), db.Micros(tx.Now()))
	return err
}

func settle(tx *db.Tx, m id.Media, due time.Time) (bool, error) {
	n, err := tx.Exec(sqlSettle, int64(m), db.Micros(due))
	return n > 0, err
}

// takeable returns the upload with this key that no message has, and whose it is; db.ErrNoRows when there is none.
func takeable(tx *db.Tx, key string) (m *event.Media, owner string, err error) {
	m, err = db.First(tx, sqlTake, []any{key}, func(r db.Scanner) (*event.Media, error) {
		m, _, err := scanMedia(r, &owner)
		return m, err
	})
	return m, owner, err
}

func bind(tx *db.Tx, m id.Media, conversation id.Conversation, message id.Message) (bool, error) {
	n, err := tx.Exec(sqlBind, int64(m), int64(conversation), int64(message))
	return n > 0, err
}

func remove(tx *db.Tx, m id.Media, due time.Time) error {
	_, err := tx.Exec(sqlRemove, int64(m), db.Micros(due))
	return err
}

// servable is a file as the handler needs it.
type servable struct {
	*event.Media
	thumb   int64 // size of the small picture in bytes
	created time.Time
}

func getServable(tx *db.Tx, key string) (s servable, err error) {
	_, err = db.First(tx, sqlServe, []any{key}, func(r db.Scanner) (*event.Media, error) {
		var created int64
		s.Media, s.thumb, err = scanMedia(r, &created)
		s.created = db.Time(created)
		return s.Media, err
	})
	return s, err
}

// condemned is a row whose bytes go.
type condemned struct {
	id  id.Media
	key string
}

// condemn marks rows that are due. They are due again at the time again, should their bytes resist.
func condemn(tx *db.Tx, again time.Time, limit int) ([]condemned, error) {
	return db.All(tx, sqlCondemn, []any{db.Micros(tx.Now()), limit, db.Micros(again)}, func(r db.Scanner) (c condemned, err error) {
		err = r.Scan(&c.id, &c.key)
		return c, err
	})
}

func handOver(tx *db.Tx, from, to Owner) error {
	_, err := tx.Exec(sqlHandOver, from.String(), to.String())
	return err
}

func forget(tx *db.Tx, m id.Media) error {
	_, err := tx.Exec(sqlForget, int64(m))
	return err
}

// Files returns the files with these ids as part of tx; those that are gone are missing.
func Files(tx *db.Tx, ids ...id.Media) (map[id.Media]*event.Media, error) {
	out := make(map[id.Media]*event.Media, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var q strings.Builder
	args := make([]any, len(ids))
	q.WriteString(`SELECT ` + columns + ` FROM media WHERE state <> 'removed' AND id IN (`)
	for i, v := range ids {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString("$" + strconv.Itoa(i+1))
		args[i] = int64(v)
	}
	q.WriteString(")")
	list, err := db.All(tx, q.String(), args, func(r db.Scanner) (*event.Media, error) {
		m, _, err := scanMedia(r)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("read %d files: %w", len(ids), err)
	}
	for _, m := range list {
		out[m.ID] = m
	}
	return out, nil
}

// scanMedia reads columns, and what follows them into more. Uploads that wait for their message are stored files to everybody else.
func scanMedia(r db.Scanner, more ...any) (m *event.Media, thumb int64, err error) {
	m = &event.Media{}
	var peaks string
	if err := r.Scan(append([]any{&m.ID, &m.Key, &m.State, &m.Kind, &m.Name, &m.ContentType, &m.Size, &m.Width, &m.Height, &m.DurationMS, &peaks, &thumb, &m.Error}, more...)...); err != nil {
		return nil, 0, err
	}
	if m.State == stateLoose {
		m.State = event.MediaStored
	}
	m.Thumb = thumb > 0
	m.Peaks, err = decodePeaks(peaks)
	return m, thumb, err
}

func encodePeaks(peaks []int) (string, error) {
	if len(peaks) == 0 {
		return "", nil
	}
	b, err := json.Marshal(peaks)
	if err != nil {
		return "", fmt.Errorf("encode peaks: %w", err)
	}
	return string(b), nil
}

func decodePeaks(text string) (peaks []int, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &peaks); err != nil {
		return nil, fmt.Errorf("peaks: %w", err)
	}
	return peaks, nil
}
