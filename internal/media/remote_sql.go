package media

import (
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	sqlRefetch  = `UPDATE media SET state = 'fetching', error = '', due_at = $2 WHERE id = $1 AND state = 'failed'`
	sqlDueFiles = `SELECT id, due_at, source_url, key, name FROM media
WHERE state = 'fetching' AND due_at <= $1 AND (due_at > $2 OR due_at = $2 AND id > $3) ORDER BY due_at, id LIMIT $4`
	// Who sees the due time that it saw before has the file until the new one; the same holds of what is stored at the end.
	sqlClaimFile = `UPDATE media SET due_at = $3 WHERE id = $1 AND state = 'fetching' AND due_at = $2`
	sqlFetched   = `UPDATE media SET state = 'stored', kind = $3, name = $4, content_type = $5, size = $6, width = $7, height = $8, thumb = $9, error = '', due_at = 0
WHERE id = $1 AND state = 'fetching' AND due_at = $2`
	sqlNotFetched = `UPDATE media SET state = 'failed', error = $3, due_at = 0 WHERE id = $1 AND state = 'fetching' AND due_at = $2`
	sqlMessageOf  = `SELECT conversation_id, message_id FROM media WHERE id = $1 AND message_id IS NOT NULL`
)

func refetch(tx *db.Tx, m id.Media) (bool, error) {
	n, err := tx.Exec(sqlRefetch, int64(m), db.Micros(tx.Now()))
	return n > 0, err
}

// dueFiles lists files to fetch in the order in which they are due, after another one.
func dueFiles(tx *db.Tx, after errand, limit int) ([]errand, error) {
	return db.All(tx, sqlDueFiles, []any{db.Micros(tx.Now()), after.due, after.id, limit}, func(r db.Scanner) (e errand, err error) {
		err = r.Scan(&e.id, &e.due, &e.url, &e.key, &e.name)
		return e, err
	})
}

func claimFile(tx *db.Tx, e errand, until int64) (bool, error) {
	n, err := tx.Exec(sqlClaimFile, e.id, e.due, until)
	return n > 0, err
}

func fetched(tx *db.Tx, e errand, m *event.Media, thumb int) (bool, error) {
	n, err := tx.Exec(sqlFetched, e.id, e.due, m.Kind, m.Name, m.ContentType, m.Size, m.Width, m.Height, thumb)
	return n > 0, err
}

func notFetched(tx *db.Tx, e errand, why string) (bool, error) {
	n, err := tx.Exec(sqlNotFetched, e.id, e.due, why)
	return n > 0, err
}

// messageOf returns the message that has a file; db.ErrNoRows when none has.
func messageOf(tx *db.Tx, file int64) (conversation id.Conversation, message id.Message, err error) {
	err = tx.One(sqlMessageOf, []any{file}, &conversation, &message)
	return conversation, message, err
}
