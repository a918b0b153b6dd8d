package mail

import (
	"errors"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	sqlNoteMissed = `INSERT INTO mail_missed (conversation_id, due_at, told) VALUES ($1, $2, 0)
ON CONFLICT (conversation_id) DO UPDATE SET due_at = excluded.due_at WHERE mail_missed.due_at = 0`
	sqlDueMissed    = `SELECT conversation_id FROM mail_missed WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at LIMIT $2`
	sqlMissed       = `SELECT due_at, told FROM mail_missed WHERE conversation_id = $1`
	sqlLeftMessage  = `SELECT s.offline FROM conversations c JOIN sessions s ON s.id = c.session_id WHERE c.id = $1`
	sqlSetMissed    = `UPDATE mail_missed SET due_at = $2, told = $3 WHERE conversation_id = $1`
	sqlPutOffMissed = `UPDATE mail_missed SET due_at = $2 WHERE conversation_id = $1 AND due_at > 0`
	sqlEraseMissed  = `DELETE FROM mail_missed WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = $1)`

	sqlInsertAsked = `INSERT INTO mail_asked (widget_id, address, asked_at) VALUES ($1, $2, $3)`
	sqlAsked       = `SELECT id, widget_id, address FROM mail_asked ORDER BY id LIMIT $1`
	sqlDeleteAsked = `DELETE FROM mail_asked WHERE id = $1`
)

func noteMissed(tx *db.Tx, c id.Conversation, due time.Time) error {
	_, err := tx.Exec(sqlNoteMissed, int64(c), db.Micros(due))
	return err
}

func dueMissed(tx *db.Tx, limit int) ([]id.Conversation, error) {
	return db.All(tx, sqlDueMissed, []any{db.Micros(tx.Now()), limit}, func(r db.Scanner) (c id.Conversation, err error) {
		err = r.Scan(&c)
		return c, err
	})
}

// missed returns when a conversation is looked at, zero for not, and up to which message its contact was told.
func missed(tx *db.Tx, c id.Conversation) (due time.Time, told int, err error) {
	var at int64
	if err = tx.One(sqlMissed, []any{int64(c)}, &at, &told); errors.Is(err, db.ErrNoRows) {
		return time.Time{}, 0, nil
	}
	return db.Time(at), told, err
}

// leftMessage reports whether the latest session of a conversation began with the form of a widget where nobody was.
func leftMessage(tx *db.Tx, c id.Conversation) (yes bool, err error) {
	if err = tx.One(sqlLeftMessage, []any{int64(c)}, &yes); errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("latest session of conversation %d: %w", c, err)
	}
	return yes, nil
}

func setMissed(tx *db.Tx, c id.Conversation, due time.Time, told int) error {
	_, err := tx.Exec(sqlSetMissed, int64(c), db.Micros(due), told)
	return err
}

// putOffMissed looks at a conversation later.
func putOffMissed(tx *db.Tx, c id.Conversation, until time.Time) error {
	_, err := tx.Exec(sqlPutOffMissed, int64(c), db.Micros(until))
	return err
}

func eraseMissed(tx *db.Tx, c id.Contact) error {
	_, err := tx.Exec(sqlEraseMissed, int64(c))
	return err
}

// asked is somebody who wants to sign in by mail.
type asked struct {
	id      int64
	widget  id.Widget
	address string
}

func insertAsked(tx *db.Tx, w id.Widget, address string) error {
	_, err := tx.Exec(sqlInsertAsked, int64(w), address, db.Micros(tx.Now()))
	return err
}

func listAsked(tx *db.Tx, limit int) ([]asked, error) {
	return db.All(tx, sqlAsked, []any{limit}, func(r db.Scanner) (a asked, err error) {
		err = r.Scan(&a.id, &a.widget, &a.address)
		return a, err
	})
}

// takeAsked reports whether it was this transaction that took it.
func takeAsked(tx *db.Tx, which int64) (bool, error) {
	n, err := tx.Exec(sqlDeleteAsked, which)
	return n == 1, err
}
