package inbox

import (
	"parley/internal/db"
	"parley/internal/id"
)

const sqlOwnAfter = `SELECT c.id FROM conversations c JOIN contacts p ON p.id = c.contact_id
WHERE c.contact_id = $1 AND c.id > $2 AND (c.hidden_from <> 1 OR p.external_id <> '') ORDER BY c.id LIMIT $3`

func ownAfter(tx *db.Tx, contact id.Contact, after id.Conversation, limit int) ([]id.Conversation, error) {
	return db.All(tx, sqlOwnAfter, []any{int64(contact), int64(after), limit}, scanConversationID)
}
