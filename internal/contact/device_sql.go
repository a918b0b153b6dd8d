package contact

import (
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	sqlDevices = `SELECT token_hash, user_agent, created_at, seen_at, mailed FROM contact_tokens WHERE contact_id = $1 AND revoked_at = 0
ORDER BY seen_at DESC, created_at DESC, token_hash LIMIT $2`
	sqlSignOut      = `UPDATE contact_tokens SET revoked_at = $3 WHERE contact_id = $1 AND revoked_at = 0 AND SUBSTR(token_hash, 1, $4) = $2`
	sqlSeen         = `UPDATE contact_tokens SET seen_at = $2 WHERE token_hash = $1 AND revoked_at = 0 AND seen_at < $2`
	sqlForgetMailed = `UPDATE contact_tokens SET mailed = FALSE WHERE contact_id = $1 AND mailed`
	sqlHasMailed    = `SELECT EXISTS (SELECT 1 FROM contact_tokens WHERE contact_id = $1 AND mailed)`
)

func devices(tx *db.Tx, v Visitor) ([]Device, error) {
	return db.All(tx, sqlDevices, []any{int64(v.Contact), maxTokens}, func(r db.Scanner) (d Device, err error) {
		var hash string
		var created, seen int64
		err = r.Scan(&hash, &d.UserAgent, &created, &seen, &d.Mailed)
		if err == nil {
			d.ID, d.Current = hash[:deviceLength], hash == v.device
		}
		d.CreatedAt, d.SeenAt = db.Time(created), db.Time(seen)
		return d, err
	})
}

func signOut(tx *db.Tx, contact id.Contact, device string, at time.Time) (bool, error) {
	n, err := tx.Exec(sqlSignOut, int64(contact), device, db.Micros(at), deviceLength)
	return n > 0, err
}

func seen(tx *db.Tx, hash string, at time.Time) error {
	_, err := tx.Exec(sqlSeen, hash, db.Micros(at))
	return err
}

func forgetMailed(tx *db.Tx, contact id.Contact) error {
	_, err := tx.Exec(sqlForgetMailed, int64(contact))
	return err
}

func hasMailed(tx *db.Tx, contact id.Contact) (yes bool, err error) {
	err = tx.One(sqlHasMailed, []any{int64(contact)}, &yes)
	return yes, err
}
