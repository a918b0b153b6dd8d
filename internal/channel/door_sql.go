package channel

import (
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	sqlClaimMessage = `INSERT INTO channel_messages (channel_id, external_id, message_id, conversation_id, contact_id) VALUES ($1, $2, 0, 0, 0)
ON CONFLICT (channel_id, external_id) DO NOTHING`
	sqlKnownMessage = `SELECT message_id, conversation_id, contact_id FROM channel_messages WHERE channel_id = $1 AND external_id = $2`
	sqlSetMessage   = `UPDATE channel_messages SET message_id = $3, conversation_id = $4, contact_id = $5 WHERE channel_id = $1 AND external_id = $2`
	sqlPutMessage   = `INSERT INTO channel_messages (channel_id, external_id, message_id, conversation_id, contact_id) VALUES ($1, $2, $3, $4, $5)`
	// A message to the contact of a conversation on the channel.
	sqlSentMessage = `SELECT m.conversation_id FROM messages m JOIN conversations c ON c.id = m.conversation_id
WHERE m.id = $1 AND c.channel_id = $2 AND m.sender_type <> 'contact' AND NOT m.note AND m.type IN ('message', 'media') AND m.state >= 0`
	sqlStandingOf = `SELECT state, number, deleted_at <> 0 FROM messages WHERE id = $1 AND conversation_id = $2 AND sender_type <> 'contact' AND NOT note`

	sqlNote = `INSERT INTO channel_inbound (channel_id, at, ip, status, code, detail, message_id, duplicate) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	sqlLog  = `SELECT k.id, k.at, k.ip, k.status, k.code, k.detail, COALESCE(k.message_id, 0), COALESCE(m.conversation_id, 0), k.duplicate
FROM channel_inbound k LEFT JOIN messages m ON m.id = k.message_id WHERE k.channel_id = $1 AND k.id < $2 ORDER BY k.id DESC LIMIT $3`
	sqlTrimLog = `DELETE FROM channel_inbound WHERE channel_id = $1 AND id <= (
  SELECT id FROM channel_inbound WHERE channel_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`
)

// stored is where a message of the other side went.
type stored struct {
	message      id.Message
	conversation id.Conversation
	contact      id.Contact
}

// claimMessage takes a sender's own id on PostgreSQL, so that a second message with it waits here for the first one's commit, and
// returns what was stored under it before. SQLite has one writer, who needs to write only once, at the end.
func claimMessage(tx *db.Tx, c id.Channel, external string) (before stored, used bool, err error) {
	if tx.Engine() == db.Postgres {
		n, err := tx.Exec(sqlClaimMessage, int64(c), external)
		if err != nil || n == 1 {
			return before, false, err
		}
	}
	err = tx.One(sqlKnownMessage, []any{int64(c), external}, &before.message, &before.conversation, &before.contact)
	if err == db.ErrNoRows {
		return before, false, nil
	}
	return before, err == nil, err
}

func putMessage(tx *db.Tx, c id.Channel, external string, s stored) error {
	q := sqlPutMessage
	if tx.Engine() == db.Postgres {
		q = sqlSetMessage
	}
	_, err := tx.Exec(q, int64(c), external, int64(s.message), int64(s.conversation), int64(s.contact))
	return err
}

// sentMessage returns the conversation of a message that went over the channel, db.ErrNoRows for none.
func sentMessage(tx *db.Tx, c id.Channel, m id.Message) (conversation id.Conversation, err error) {
	err = tx.One(sqlSentMessage, []any{int64(m), int64(c)}, &conversation)
	return conversation, err
}

// standing is how a message to the contact is stored.
type standing struct {
	state   event.MessageState
	number  int
	deleted bool
}

// standingOf returns db.ErrNoRows for what is no message to the contact.
func standingOf(tx *db.Tx, conversation id.Conversation, m id.Message) (s standing, err error) {
	err = tx.One(sqlStandingOf, []any{int64(m), int64(conversation)}, &s.state, &s.number, &s.deleted)
	return s, err
}

func note(tx *db.Tx, c id.Channel, k *Knock) error {
	_, err := tx.Exec(sqlNote, int64(c), db.Micros(tx.Now()), k.IP, k.Status, string(k.Code), k.Detail, db.NullID(k.Message), k.Duplicate)
	return err
}

func readLog(tx *db.Tx, c id.Channel, before int64, limit int) ([]*Knock, error) {
	return db.All(tx, sqlLog, []any{int64(c), before, limit}, func(row db.Scanner) (*Knock, error) {
		var k Knock
		var at int64
		if err := row.Scan(&k.ID, &at, &k.IP, &k.Status, &k.Code, &k.Detail, &k.Message, &k.Conversation, &k.Duplicate); err != nil {
			return nil, err
		}
		k.At = db.Time(at)
		return &k, nil
	})
}

// trimLog forgets all but the newest lines of a channel.
func trimLog(tx *db.Tx, c id.Channel, keep int) error {
	_, err := tx.Exec(sqlTrimLog, int64(c), keep)
	return err
}
