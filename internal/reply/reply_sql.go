package reply

import (
	"encoding/json"
	"errors"
	"fmt"

	"parley/internal/db"
	"parley/internal/fault"
	"parley/internal/id"
)

const (
	columns   = `id, kind, shortcut, title, body, options, created_at, updated_at`
	sqlInsert = `INSERT INTO saved_replies (kind, shortcut, title, body, options, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING id`
	sqlUpdate     = `UPDATE saved_replies SET shortcut = $2, title = $3, body = $4, options = $5, updated_at = $6 WHERE id = $1`
	sqlDelete     = `DELETE FROM saved_replies WHERE id = $1`
	sqlGet        = `SELECT ` + columns + ` FROM saved_replies WHERE id = $1`
	sqlLock       = `SELECT ` + columns + ` FROM saved_replies WHERE id = $1 FOR UPDATE`
	sqlByShortcut = `SELECT ` + columns + ` FROM saved_replies WHERE kind = $1 AND shortcut = $2`
	sqlList       = `SELECT ` + columns + ` FROM saved_replies ORDER BY shortcut, kind DESC`
	sqlListKind   = `SELECT ` + columns + ` FROM saved_replies WHERE kind = $1 ORDER BY shortcut`
	sqlCount      = `SELECT COUNT(*) FROM saved_replies WHERE kind = $1`
	// Two who count at the same time would both find room for one more. SQLite's one writer needs no lock.
	sqlLockCountPostgres = `SELECT pg_advisory_xact_lock(7306295307)`
)

// insert stores a new text, unless there are MaxOfKind of its kind.
func insert(tx *db.Tx, r *Reply) error {
	if tx.Engine() == db.Postgres {
		if _, err := tx.Exec(sqlLockCountPostgres); err != nil {
			return fmt.Errorf("lock the count of saved replies: %w", err)
		}
	}
	var n int
	if err := tx.One(sqlCount, []any{r.Kind}, &n); err != nil {
		return fmt.Errorf("count saved replies: %w", err)
	}
	if n >= MaxOfKind {
		return fault.Newf(fault.FieldInvalid, "there can be %d of a kind; delete one that nobody needs", MaxOfKind).At("kind")
	}
	options, err := json.Marshal(r.Options)
	if err != nil {
		return fmt.Errorf("encode options: %w", err)
	}
	err = tx.One(sqlInsert, []any{r.Kind, r.Shortcut, r.Title, r.Body, string(options), db.Micros(r.CreatedAt)}, &r.ID)
	return taken(err, r.Shortcut, "store saved reply")
}

func update(tx *db.Tx, r *Reply) error {
	options, err := json.Marshal(r.Options)
	if err != nil {
		return fmt.Errorf("encode options: %w", err)
	}
	_, err = tx.Exec(sqlUpdate, int64(r.ID), r.Shortcut, r.Title, r.Body, string(options), db.Micros(r.UpdatedAt))
	return taken(err, r.Shortcut, fmt.Sprintf("store saved reply %d", r.ID))
}

func taken(err error, shortcut, what string) error {
	if db.IsUnique(err) {
		return fault.Newf(fault.ReplyShortcut, "another one has the shortcut %s", shortcut).At("shortcut").Because(err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// remove deletes a text and reports whether it was there.
func remove(tx *db.Tx, reply id.Reply) (bool, error) {
	n, err := tx.Exec(sqlDelete, int64(reply))
	if err != nil {
		return false, fmt.Errorf("delete saved reply %d: %w", reply, err)
	}
	return n > 0, nil
}

func get(tx *db.Tx, reply id.Reply) (*Reply, error) { return one(tx, sqlGet, reply) }

func lock(tx *db.Tx, reply id.Reply) (*Reply, error) { return one(tx, sqlLock, reply) }

func one(tx *db.Tx, query string, reply id.Reply) (*Reply, error) {
	r, err := db.First(tx, query, []any{int64(reply)}, scan)
	if errors.Is(err, db.ErrNoRows) {
		return nil, missing(reply)
	}
	if err != nil {
		return nil, fmt.Errorf("read saved reply %d: %w", reply, err)
	}
	return r, nil
}

func missing(reply id.Reply) error {
	return fault.Newf(fault.ReplyNotFound, "there is no saved reply %d", reply)
}

// byShortcut returns nil where no text of the kind has the shortcut.
func byShortcut(tx *db.Tx, kind, shortcut string) (*Reply, error) {
	r, err := db.First(tx, sqlByShortcut, []any{kind, shortcut}, scan)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find saved reply %s: %w", shortcut, err)
	}
	return r, nil
}

// list returns the texts of a kind, or all for "", by shortcut.
func list(tx *db.Tx, kind string) ([]*Reply, error) {
	query, args := sqlList, []any(nil)
	if kind != "" {
		query, args = sqlListKind, []any{kind}
	}
	out, err := db.All(tx, query, args, scan)
	if err != nil {
		return nil, fmt.Errorf("list saved replies: %w", err)
	}
	return out, nil
}

func scan(row db.Scanner) (*Reply, error) {
	r := &Reply{}
	var options string
	var created, updated int64
	if err := row.Scan(&r.ID, &r.Kind, &r.Shortcut, &r.Title, &r.Body, &options, &created, &updated); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(options), &r.Options); err != nil {
		return nil, fmt.Errorf("options of saved reply %d: %w", r.ID, err)
	}
	r.CreatedAt, r.UpdatedAt = db.Time(created), db.Time(updated)
	return r, nil
}
