package media

import (
	"cmp"
	"errors"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	sqlRefetch  = `UPDATE media SET state = 'fetching', error = '', tries = 0, due_at = $2 WHERE id = $1 AND state = 'failed'`
	sqlDueFiles = `SELECT id, due_at, tries, host, source_url, key, name FROM media
WHERE state = 'fetching' AND due_at <= $1 AND (due_at > $2 OR due_at = $2 AND id > $3) AND host NOT IN ($4, $5, $6, $7) ORDER BY due_at, id LIMIT $8`
	// Who sees the due time that it saw before has the file until the new one; the same holds of what is stored at the end.
	sqlClaimFile = `UPDATE media SET due_at = $3, tries = tries + 1 WHERE id = $1 AND state = 'fetching' AND due_at = $2`
	sqlFileBack  = `UPDATE media SET due_at = $3, tries = tries - 1 WHERE id = $1 AND state = 'fetching' AND due_at = $2`
	sqlFetched   = `UPDATE media SET state = 'stored', kind = $3, name = $4, content_type = $5, size = $6, width = $7, height = $8, thumb = $9, error = '', due_at = 0
WHERE id = $1 AND state = 'fetching' AND due_at = $2`
	sqlNotFetched = `UPDATE media SET state = 'failed', error = $3, due_at = 0 WHERE id = $1 AND state = 'fetching' AND due_at = $2`
	sqlMessageOf  = `SELECT conversation_id, message_id FROM media WHERE id = $1 AND message_id IS NOT NULL`
	// Everybody locks the conversation before what belongs to it.
	sqlLockOfFile = `SELECT id FROM conversations WHERE id = (SELECT conversation_id FROM media WHERE id = $1) FOR UPDATE`
	sqlLockOfWait = `SELECT id FROM conversations WHERE id = $1 FOR UPDATE`
)

func refetch(tx *db.Tx, m id.Media) (bool, error) {
	n, err := tx.Exec(sqlRefetch, int64(m), db.Micros(tx.Now()))
	return n > 0, err
}

// dueFiles lists files to fetch in the order in which they are due, after another one, without those of crowded hosts.
func dueFiles(tx *db.Tx, after errand, crowded crowd, limit int) ([]errand, error) {
	return db.All(tx, sqlDueFiles, crowded.args(tx, after, limit), func(r db.Scanner) (e errand, err error) {
		err = r.Scan(&e.id, &e.due, &e.tries, &e.host, &e.url, &e.key, &e.name)
		return e, err
	})
}

// args are the arguments of sqlDueFiles and sqlDueCards.
func (c crowd) args(tx *db.Tx, after errand, limit int) []any {
	args := []any{db.Micros(tx.Now()), after.due, after.id}
	for _, host := range c {
		args = append(args, cmp.Or(host, "/")) // which no host is called
	}
	return append(args, limit)
}

func claimFile(tx *db.Tx, e errand, until int64) (bool, error) {
	n, err := tx.Exec(sqlClaimFile, e.id, e.due, until)
	return n > 0, err
}

// fileBack gives a claimed file back as if nobody had begun.
func fileBack(tx *db.Tx, e errand) error {
	_, err := tx.Exec(sqlFileBack, e.id, e.due, db.Micros(tx.Now()))
	return err
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

// lockOfFile locks the conversation that a file belongs to, where there is one.
func lockOfFile(tx *db.Tx, file int64) error { return lockOne(tx, sqlLockOfFile, file) }

// lockOf locks a conversation that a message waits in, where there still is one.
func lockOf(tx *db.Tx, c id.Conversation) error { return lockOne(tx, sqlLockOfWait, int64(c)) }

func lockOne(tx *db.Tx, query string, arg int64) error {
	var c id.Conversation
	if err := tx.One(query, []any{arg}, &c); err != nil && !errors.Is(err, db.ErrNoRows) {
		return fmt.Errorf("lock the conversation: %w", err)
	}
	return nil
}
