package contact

import (
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	columns          = `id, uuid, name, email, phone, external_id, custom, created_at, updated_at`
	sqlInsertContact = `INSERT INTO contacts (uuid, name, email, phone, external_id, custom, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING id`
	sqlUpdateContact = `UPDATE contacts SET name = $2, email = $3, phone = $4, external_id = $5, custom = $6, updated_at = $7 WHERE id = $1`
	sqlGetContact    = `SELECT ` + columns + ` FROM contacts WHERE id = $1`
	sqlLockContact   = `SELECT ` + columns + ` FROM contacts WHERE id = $1 FOR UPDATE`
	sqlByExternal    = `SELECT ` + columns + ` FROM contacts WHERE external_id = $1 AND external_id <> ''`
	sqlListContacts  = `SELECT ` + columns + ` FROM contacts
WHERE id < $1 AND ($2 = '' OR email = $2) AND ($3 = '' OR external_id = $3)
  AND ($4 = '' OR LOWER(name) LIKE $4 ESCAPE '!' OR email LIKE $4 ESCAPE '!')
ORDER BY id DESC LIMIT $5`

	sqlInsertToken  = `INSERT INTO contact_tokens (token_hash, contact_id, widget_id, created_at, seen_at, revoked_at) VALUES ($1, $2, $3, $4, $4, 0)`
	sqlGetToken     = `SELECT contact_id, widget_id FROM contact_tokens WHERE token_hash = $1 AND revoked_at = 0`
	sqlRevokeToken  = `UPDATE contact_tokens SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at = 0`
	sqlRevokeTokens = `UPDATE contact_tokens SET revoked_at = $2 WHERE contact_id = $1 AND revoked_at = 0`
)

func insertContact(tx *db.Tx, c *event.Contact) error {
	return tx.One(sqlInsertContact, []any{c.UUID, c.Name, c.Email, c.Phone, c.ExternalID, string(c.Custom), db.Micros(c.CreatedAt)}, &c.ID)
}

func updateContact(tx *db.Tx, c *event.Contact) error {
	_, err := tx.Exec(sqlUpdateContact, int64(c.ID), c.Name, c.Email, c.Phone, c.ExternalID, string(c.Custom), db.Micros(c.UpdatedAt))
	return err
}

func getContact(tx *db.Tx, contact id.Contact) (*event.Contact, error) {
	return db.First(tx, sqlGetContact, []any{int64(contact)}, scanContact)
}

func lockContact(tx *db.Tx, contact id.Contact) (*event.Contact, error) {
	return db.First(tx, sqlLockContact, []any{int64(contact)}, scanContact)
}

func contactByExternal(tx *db.Tx, external string) (*event.Contact, error) {
	return db.First(tx, sqlByExternal, []any{external}, scanContact)
}

func listContacts(tx *db.Tx, before id.Contact, email, external, like string, limit int) ([]*event.Contact, error) {
	return db.All(tx, sqlListContacts, []any{int64(before), email, external, like, limit}, scanContact)
}

func scanContact(r db.Scanner) (*event.Contact, error) {
	var c event.Contact
	var custom string
	var created, updated int64
	if err := r.Scan(&c.ID, &c.UUID, &c.Name, &c.Email, &c.Phone, &c.ExternalID, &custom, &created, &updated); err != nil {
		return nil, err
	}
	c.Custom, c.CreatedAt, c.UpdatedAt = event.RawJSON(custom), db.Time(created), db.Time(updated)
	return &c, nil
}

func insertToken(tx *db.Tx, hash string, contact id.Contact, widget id.Widget) error {
	_, err := tx.Exec(sqlInsertToken, hash, int64(contact), int64(widget), db.Micros(tx.Now()))
	return err
}

func getToken(tx *db.Tx, hash string) (contact id.Contact, widget id.Widget, err error) {
	err = tx.One(sqlGetToken, []any{hash}, &contact, &widget)
	return contact, widget, err
}

func revokeToken(tx *db.Tx, hash string, at time.Time) error {
	_, err := tx.Exec(sqlRevokeToken, hash, db.Micros(at))
	return err
}

func revokeTokens(tx *db.Tx, contact id.Contact, at time.Time) error {
	_, err := tx.Exec(sqlRevokeTokens, int64(contact), db.Micros(at))
	return err
}
