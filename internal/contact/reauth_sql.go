package contact

import (
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	reauthColumns   = `id, contact_id, widget_id, COALESCE(conversation_id, 0), address, code_hash <> '', expires_at, used_at <> 0`
	sqlInsertReauth = `INSERT INTO contact_reauth (id, contact_id, widget_id, conversation_id, address, link_hash, code_hash, created_at, expires_at, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)`
	sqlReauthByID     = `SELECT ` + reauthColumns + ` FROM contact_reauth WHERE id = $1`
	sqlReauthBySecret = `SELECT ` + reauthColumns + ` FROM contact_reauth WHERE id IN (SELECT id FROM contact_reauth WHERE link_hash = $1 AND link_hash <> ''
  UNION ALL SELECT id FROM contact_reauth WHERE code_hash = $1 AND code_hash <> '')`
	sqlUseReauth = `UPDATE contact_reauth SET used_at = $2 WHERE id = $1 AND used_at = 0 AND expires_at > $2`
	sqlEndReauth = `UPDATE contact_reauth SET expires_at = 0 WHERE contact_id = $1 AND address <> $2`
	// A contact's activity is that of its browsers and of itself.
	sqlByAddress = `SELECT ` + columns + ` FROM contacts c WHERE c.id IN (SELECT id FROM contacts WHERE signed_email = $1 AND signed_email <> ''
  UNION ALL SELECT id FROM contacts WHERE email = $1 AND email <> '' AND signed_email = '' AND external_id = '' AND handed_to = 0)
  AND c.erased_at = 0
ORDER BY CASE WHEN c.signed_email <> '' THEN 0 ELSE 1 END,
  CASE WHEN c.signed_email <> '' THEN (SELECT COALESCE(MAX(v.updated_at), 0) FROM conversations v WHERE v.contact_id = c.id) ELSE 0 END DESC, c.id DESC LIMIT 1`
)

func insertReauth(tx *db.Tx, r *Reauth, linkHash, codeHash string) error {
	_, err := tx.Exec(sqlInsertReauth, r.ID, int64(r.Contact), int64(r.Widget), db.NullID(r.Conversation), r.Address, linkHash, codeHash,
		db.Micros(tx.Now()), db.Micros(r.ExpiresAt))
	return err
}

func reauthByID(tx *db.Tx, reauth int64) (*Reauth, error) {
	return db.First(tx, sqlReauthByID, []any{reauth}, scanReauth)
}

func reauthBySecret(tx *db.Tx, hash string) (*Reauth, error) {
	return db.First(tx, sqlReauthBySecret, []any{hash}, scanReauth)
}

func scanReauth(row db.Scanner) (*Reauth, error) {
	var r Reauth
	var code bool
	var expires int64
	if err := row.Scan(&r.ID, &r.Contact, &r.Widget, &r.Conversation, &r.Address, &code, &expires, &r.used); err != nil {
		return nil, err
	}
	if r.ExpiresAt = db.Time(expires); code {
		r.For = event.MailReauth
	}
	return &r, nil
}

// useReauth reports whether it was this transaction that used it up.
func useReauth(tx *db.Tx, reauth int64) (bool, error) {
	n, err := tx.Exec(sqlUseReauth, reauth, db.Micros(tx.Now()))
	return n == 1, err
}

// endReauth ends the contact's ways to sign in that went to another address.
func endReauth(tx *db.Tx, contact id.Contact, address string) error {
	_, err := tx.Exec(sqlEndReauth, int64(contact), address)
	return err
}

func contactByAddress(tx *db.Tx, address string) (*event.Contact, error) {
	return db.First(tx, sqlByAddress, []any{address}, scanContact)
}
