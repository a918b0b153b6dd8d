package channeltest

import (
	"parley/internal/db"
	"parley/internal/id"
)

const sqlStoredSettings = `SELECT settings FROM channels WHERE id = $1`

// storedSettings is the column as it lies in the database.
func storedSettings(tx *db.Tx, c id.Channel) (text string, err error) {
	err = tx.One(sqlStoredSettings, []any{int64(c)}, &text)
	return text, err
}
