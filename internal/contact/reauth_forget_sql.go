package contact

import (
	"fmt"
	"time"

	"parley/internal/db"
)

const sqlForgetReauth = `DELETE FROM contact_reauth WHERE id IN (SELECT id FROM contact_reauth WHERE expires_at < $1 LIMIT $2)`

// ForgetReauth removes up to limit ways to sign in that ended before a time, used or not, as part of tx, and reports whether there may be more.
func ForgetReauth(tx *db.Tx, before time.Time, limit int) (more bool, err error) {
	n, err := tx.Exec(sqlForgetReauth, db.Micros(before), limit)
	if err != nil {
		return false, fmt.Errorf("forget ways to sign in: %w", err)
	}
	return n == int64(limit), nil
}
