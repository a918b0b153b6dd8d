package contact

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

const (
	columns          = `id, uuid, name, email, phone, external_id, claimed_id, handle, custom, additional, created_at, updated_at`
	sqlInsertContact = `INSERT INTO contacts (uuid, name, email, phone, external_id, claimed_id, custom, additional, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING id`
	sqlUpdateContact = `UPDATE contacts SET name = $2, email = $3, phone = $4, external_id = $5, claimed_id = $6, custom = $7, additional = $8,
  updated_at = $9 WHERE id = $1`
	sqlGetContact  = `SELECT ` + columns + ` FROM contacts WHERE id = $1`
	sqlLockContact = `SELECT ` + columns + ` FROM contacts WHERE id = $1 FOR UPDATE`
	sqlLockLive    = `SELECT ` + columns + ` FROM contacts WHERE id = $1 AND erased_at = 0 FOR UPDATE`
	sqlSignEmail   = `UPDATE contacts SET signed_email = $2 WHERE id = $1 AND signed_email <> $2`
	sqlSignedEmail = `SELECT signed_email FROM contacts WHERE id = $1`
	sqlSetHandle   = `UPDATE contacts SET handle = $2 WHERE id = $1 AND handle = ''`
	sqlHandle      = `SELECT handle FROM contacts WHERE id = $1`
	sqlByExternal  = `SELECT ` + columns + ` FROM contacts WHERE external_id = $1 AND external_id <> ''`

	sqlInsertToken = `INSERT INTO contact_tokens (token_hash, contact_id, widget_id, created_at, seen_at, revoked_at, user_agent, mailed)
VALUES ($1, $2, $3, $4, $4, 0, $5, $6)`
	sqlGetToken    = `SELECT contact_id, widget_id, mailed, seen_at FROM contact_tokens WHERE token_hash = $1 AND revoked_at = 0`
	sqlRevokeToken = `UPDATE contact_tokens SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at = 0`
	sqlPruneTokens = `DELETE FROM contact_tokens WHERE contact_id = $1 AND token_hash NOT IN (
  SELECT token_hash FROM contact_tokens WHERE contact_id = $1 AND revoked_at = 0 ORDER BY created_at DESC, token_hash LIMIT $2)`
	sqlRevokeTokens = `UPDATE contact_tokens SET revoked_at = $2 WHERE contact_id = $1 AND revoked_at = 0`
)

func insertContact(tx *db.Tx, c *event.Contact) error {
	additional, err := encodeAdditional(c.Additional)
	if err != nil {
		return err
	}
	return tx.One(sqlInsertContact, []any{c.UUID, c.Name, c.Email, c.Phone, c.ExternalID, c.ClaimedID, string(c.Custom), additional,
		db.Micros(c.CreatedAt)}, &c.ID)
}

// updateContact stores everything but the handle, which setHandle gives once.
func updateContact(tx *db.Tx, c *event.Contact) error {
	additional, err := encodeAdditional(c.Additional)
	if err != nil {
		return err
	}
	_, err = tx.Exec(sqlUpdateContact, int64(c.ID), c.Name, c.Email, c.Phone, c.ExternalID, c.ClaimedID, string(c.Custom), additional,
		db.Micros(c.UpdatedAt))
	return err
}

func getContact(tx *db.Tx, contact id.Contact) (*event.Contact, error) {
	return db.First(tx, sqlGetContact, []any{int64(contact)}, scanContact)
}

func lockContact(tx *db.Tx, contact id.Contact) (*event.Contact, error) {
	return db.First(tx, sqlLockContact, []any{int64(contact)}, scanContact)
}

func lockLive(tx *db.Tx, contact id.Contact) (*event.Contact, error) {
	return db.First(tx, sqlLockLive, []any{int64(contact)}, scanContact)
}

func contactByExternal(tx *db.Tx, external string) (*event.Contact, error) {
	return db.First(tx, sqlByExternal, []any{external}, scanContact)
}

// setHandle gives the contact its handle where it has none, and returns the one that it has then.
func setHandle(tx *db.Tx, contact id.Contact, handle string) (string, error) {
	if n, err := tx.Exec(sqlSetHandle, int64(contact), handle); err != nil || n == 1 {
		return handle, err
	}
	err := tx.One(sqlHandle, []any{int64(contact)}, &handle)
	return handle, err
}

func signEmail(tx *db.Tx, contact id.Contact, email string) error {
	_, err := tx.Exec(sqlSignEmail, int64(contact), email)
	return err
}

func signedEmail(tx *db.Tx, contact id.Contact) (email string, err error) {
	err = tx.One(sqlSignedEmail, []any{int64(contact)}, &email)
	return email, err
}

func listContacts(tx *db.Tx, s Search) ([]*event.Contact, error) {
	var q strings.Builder
	var args []any
	bind := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	q.WriteString(`SELECT ` + columns + ` FROM contacts WHERE id < ` + bind(int64(s.Before)))
	if s.Email != "" {
		q.WriteString(" AND email <> '' AND email = " + bind(s.Email)) // as the index has it
	}
	if s.ExternalID != "" {
		q.WriteString(" AND external_id <> '' AND external_id = " + bind(s.ExternalID))
	}
	if s.Text != "" {
		// The engines know the letter case of ASCII only, so other letters are found as they are written or in lower case.
		as, lower := bind(like(s.Text)), bind(like(strings.ToLower(s.Text)))
		q.WriteString(" AND (name LIKE " + as + " ESCAPE '!' OR LOWER(name) LIKE " + lower + " ESCAPE '!' OR email LIKE " + lower + " ESCAPE '!')")
	}
	q.WriteString(" ORDER BY id DESC LIMIT " + bind(s.Limit))
	return db.All(tx, q.String(), args, scanContact)
}

func like(part string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(part) + "%"
}

func scanContact(r db.Scanner) (*event.Contact, error) {
	var c event.Contact
	var custom, additional string
	var created, updated int64
	if err := r.Scan(&c.ID, &c.UUID, &c.Name, &c.Email, &c.Phone, &c.ExternalID, &c.ClaimedID, &c.Handle, &custom, &additional, &created, &updated); err != nil {
		return nil, err
	}
	c.Custom, c.CreatedAt, c.UpdatedAt = event.RawJSON(custom), db.Time(created), db.Time(updated)
	var err error
	c.Additional, err = DecodeAdditional(additional)
	return &c, err
}

// DecodeAdditional reads the free fields from their column; the inbox reads contacts together with their conversations.
func DecodeAdditional(text string) (fields []event.Additional, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return nil, fmt.Errorf("additional fields: %w", err)
	}
	return fields, nil
}

func encodeAdditional(fields []event.Additional) (string, error) {
	if len(fields) == 0 {
		return "", nil
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("encode additional fields: %w", err)
	}
	return string(b), nil
}

func insertToken(tx *db.Tx, hash string, contact id.Contact, widget id.Widget, b Browser) error {
	_, err := tx.Exec(sqlInsertToken, hash, int64(contact), int64(widget), db.Micros(tx.Now()), b.UserAgent, b.Mailed)
	return err
}

func getToken(tx *db.Tx, hash string) (v Visitor, err error) {
	var seen int64
	err = tx.One(sqlGetToken, []any{hash}, &v.Contact, &v.Widget, &v.Mailed, &seen)
	v.device, v.seen = hash, db.Time(seen)
	return v, err
}

func revokeToken(tx *db.Tx, hash string, at time.Time) error {
	_, err := tx.Exec(sqlRevokeToken, hash, db.Micros(at))
	return err
}

func revokeTokens(tx *db.Tx, contact id.Contact, at time.Time) error {
	_, err := tx.Exec(sqlRevokeTokens, int64(contact), db.Micros(at))
	return err
}

func pruneTokens(tx *db.Tx, contact id.Contact, keep int) error {
	_, err := tx.Exec(sqlPruneTokens, int64(contact), keep)
	return err
}
