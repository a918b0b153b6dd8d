package media

import (
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	sqlEraseFiles = `UPDATE media SET state = 'removed', message_id = NULL, due_at = $2, name = '', source_url = '', host = '', error = '', peaks = ''
WHERE id IN (SELECT media_id FROM messages WHERE conversation_id = $1 AND media_id IS NOT NULL)`
	// As in sqlHandOver.
	sqlEraseUploads = `UPDATE media SET state = 'removed', due_at = $2, name = '', error = '', peaks = '' WHERE id IN (
  SELECT id FROM media WHERE state IN ('loose', 'writing', 'removed') AND due_at > 0 AND owner = $1)`
	sqlEraseWaits = `DELETE FROM link_waits WHERE message_id IN (SELECT id FROM messages WHERE conversation_id = $1)`
	sqlEraseCards = `DELETE FROM link_cards WHERE id IN (SELECT link_id FROM messages WHERE conversation_id = $1 AND link_id IS NOT NULL
  UNION SELECT id FROM link_cards WHERE conversation_id = $1)
  AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.link_id = link_cards.id AND messages.link_id IS NOT NULL AND messages.conversation_id <> $1)
  AND NOT EXISTS (SELECT 1 FROM link_waits WHERE link_waits.card_id = link_cards.id)
RETURNING COALESCE(image_id, 0)`
)

func eraseFiles(tx *db.Tx, conversation id.Conversation, due time.Time) error {
	_, err := tx.Exec(sqlEraseFiles, int64(conversation), db.Micros(due))
	return err
}

func eraseUploads(tx *db.Tx, owner Owner, due time.Time) error {
	_, err := tx.Exec(sqlEraseUploads, owner.String(), db.Micros(due))
	return err
}

// eraseCards returns the pictures of the cards that are gone.
func eraseCards(tx *db.Tx, conversation id.Conversation) ([]id.Media, error) {
	if _, err := tx.Exec(sqlEraseWaits, int64(conversation)); err != nil {
		return nil, err
	}
	return db.All(tx, sqlEraseCards, []any{int64(conversation)}, func(r db.Scanner) (m id.Media, err error) {
		err = r.Scan(&m)
		return m, err
	})
}
