package contact

import (
	"errors"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	sqlMarkErased  = `UPDATE contacts SET signed_email = '', erased_at = $2, handle = $3 WHERE id = $1`
	sqlEraseTokens = `DELETE FROM contact_tokens WHERE contact_id = $1`
	sqlEraseReauth = `DELETE FROM contact_reauth WHERE contact_id = $1`
	sqlHandedOver  = `UPDATE contacts SET handed_to = $2 WHERE id = $1`
	sqlHandedTo    = `SELECT handed_to FROM contacts WHERE id = $1`
	sqlFormer      = `SELECT id FROM contacts WHERE handed_to = $1 AND handed_to > 0 AND erased_at = 0 ORDER BY id`
	sqlDueErasures = `SELECT contact_id, done FROM contact_erasures WHERE due_at <= $1 ORDER BY due_at, contact_id LIMIT $2`
	sqlSetErasure  = `INSERT INTO contact_erasures (contact_id, done, due_at) VALUES ($1, $2, $3)
ON CONFLICT (contact_id) DO UPDATE SET done = excluded.done, due_at = excluded.due_at`
	sqlPutOffErasure = `UPDATE contact_erasures SET due_at = $2 WHERE contact_id = $1`
	sqlEndErasure    = `DELETE FROM contact_erasures WHERE contact_id = $1`
)

// eraseAccess takes everything away by which somebody could come back as the contact, and the place in the handle.
func eraseAccess(tx *db.Tx, contact id.Contact) error {
	if _, err := tx.Exec(sqlMarkErased, int64(contact), db.Micros(tx.Now()), nowhere(contact)); err != nil {
		return err
	}
	for _, statement := range []string{sqlEraseTokens, sqlEraseReauth} {
		if _, err := tx.Exec(statement, int64(contact)); err != nil {
			return err
		}
	}
	return nil
}

func handedOver(tx *db.Tx, from, to id.Contact) error {
	_, err := tx.Exec(sqlHandedOver, int64(from), int64(to))
	return err
}

// handedTo is who a contact turned out to be, 0 for nobody.
func handedTo(tx *db.Tx, contact id.Contact) (to id.Contact, err error) {
	if err = tx.One(sqlHandedTo, []any{int64(contact)}, &to); errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return to, err
}

func former(tx *db.Tx, contact id.Contact) ([]id.Contact, error) {
	return db.All(tx, sqlFormer, []any{int64(contact)}, func(r db.Scanner) (c id.Contact, err error) {
		err = r.Scan(&c)
		return c, err
	})
}

func dueErasures(tx *db.Tx, at time.Time, limit int) ([]Erasure, error) {
	return db.All(tx, sqlDueErasures, []any{db.Micros(at), limit}, func(r db.Scanner) (e Erasure, err error) {
		err = r.Scan(&e.Contact, &e.Done)
		return e, err
	})
}

func setErasure(tx *db.Tx, e Erasure, due time.Time) error {
	_, err := tx.Exec(sqlSetErasure, int64(e.Contact), int64(e.Done), db.Micros(due))
	return err
}

func putOffErasure(tx *db.Tx, contact id.Contact, until time.Time) error {
	_, err := tx.Exec(sqlPutOffErasure, int64(contact), db.Micros(until))
	return err
}

func endErasure(tx *db.Tx, contact id.Contact) error {
	_, err := tx.Exec(sqlEndErasure, int64(contact))
	return err
}
