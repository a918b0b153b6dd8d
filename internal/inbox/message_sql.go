package inbox

import (
	"encoding/json"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	messageColumns = `m.id, m.conversation_id, m.session_id, m.number, m.type, m.note, m.sender_type, COALESCE(m.sender_id, 0), m.sender_name,
  m.body, m.event, COALESCE(m.reference_id, 0), m.client_id, m.sent_at,
  COALESCE(o.first_name, ''), COALESCE(o.last_name, ''), COALESCE(o.username, ''), COALESCE(o.image_url, '')`
	messageFrom = ` FROM messages m LEFT JOIN operators o ON m.sender_type = 'operator' AND o.id = m.sender_id`

	sqlInsertMessage = `INSERT INTO messages (conversation_id, number, session_id, type, note, sender_type, sender_id, sender_name, body, event, reference_id, client_id, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`
	sqlMessagesBefore = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number < $2 AND (NOT m.note OR $3) ORDER BY m.number DESC LIMIT $4`
	sqlMessagesAfter  = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number > $2 AND (NOT m.note OR $3) ORDER BY m.number LIMIT $4`
	// The newest first and in pages: the caller stops when it has enough.
	sqlSnapshotMessages = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number >= $2 AND m.number < $3 AND NOT m.note
  AND (CAST($4 AS BIGINT) = 0 OR m.session_id = $4) ORDER BY m.number DESC LIMIT $5`
	sqlSnapshotNotes = `SELECT m.body FROM messages m WHERE m.conversation_id = $1 AND m.number >= $2 AND m.note AND m.session_id = $3 ORDER BY m.number DESC LIMIT $4`
	sqlMessageByID   = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.id = $2`
	sqlCountBeyond   = `SELECT COUNT(*) FROM messages WHERE conversation_id = $1 AND number > $2 AND sender_type = 'contact' AND type = 'message'`
	sqlMoveMessages  = `UPDATE messages SET sender_id = $2 WHERE conversation_id = $1 AND sender_type = 'contact'`

	// What a contact's list of conversations shows: the newest visible message, and how many of the operators' are unread.
	sqlLastVisible = `SELECT ` + messageColumns + ` FROM conversations c JOIN messages m ON m.conversation_id = c.id
  AND m.number = (SELECT n.number FROM messages n WHERE n.conversation_id = c.id AND NOT n.note ORDER BY n.number DESC LIMIT 1)
  LEFT JOIN operators o ON m.sender_type = 'operator' AND o.id = m.sender_id WHERE c.contact_id = $1 AND (CAST($2 AS BIGINT) = 0 OR c.id = $2)`
	sqlUnreadByContact = `SELECT c.id, COUNT(*) FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.number > c.contact_read
WHERE c.contact_id = $1 AND (CAST($2 AS BIGINT) = 0 OR c.id = $2) AND m.sender_type IN ('operator', 'bot') AND m.type = 'message' AND NOT m.note GROUP BY c.id`
)

func insertMessage(tx *db.Tx, m *event.Message) error {
	var err error
	entry := ""
	if m.Entry != nil {
		b, err := json.Marshal(m.Entry)
		if err != nil {
			return fmt.Errorf("encode thread entry: %w", err)
		}
		entry = string(b)
	}
	m.ID, err = db.Insert[id.Message](tx, sqlInsertMessage, int64(m.ConversationID), m.Number, int64(m.SessionID), m.Type, m.Note, string(m.Sender.Type), db.NullID(m.Sender.ID), m.Sender.Name,
		m.Body, entry, db.NullID(m.ReferenceID), m.ClientID, db.Micros(m.SentAt))
	if err != nil {
		return fmt.Errorf("store message %d of conversation %d: %w", m.Number, m.ConversationID, err)
	}
	return nil
}

func scanMessage(r db.Scanner) (*event.Message, error) {
	var m event.Message
	var o event.Operator
	var entry string
	var sent int64
	if err := r.Scan(&m.ID, &m.ConversationID, &m.SessionID, &m.Number, &m.Type, &m.Note, &m.Sender.Type, &m.Sender.ID, &m.Sender.Name,
		&m.Body, &entry, &m.ReferenceID, &m.ClientID, &sent, &o.FirstName, &o.LastName, &o.Username, &o.ImageURL); err != nil {
		return nil, err
	}
	m.SentAt = db.Time(sent)
	if m.Sender.Type == event.ByOperator {
		m.OperatorName, m.OperatorDisplayName, m.ImageURL = o.Name(), m.Sender.Name, o.ImageURL
	}
	if entry != "" {
		m.Entry = new(event.Entry)
		if err := json.Unmarshal([]byte(entry), m.Entry); err != nil {
			return nil, fmt.Errorf("thread entry of message %d: %w", m.ID, err)
		}
	}
	return &m, nil
}

func messagesBefore(tx *db.Tx, conversation id.Conversation, number int, notes bool, limit int) ([]*event.Message, error) {
	return db.All(tx, sqlMessagesBefore, []any{int64(conversation), number, notes, limit}, scanMessage)
}

func messagesAfter(tx *db.Tx, conversation id.Conversation, number int, notes bool, limit int) ([]*event.Message, error) {
	return db.All(tx, sqlMessagesAfter, []any{int64(conversation), number, notes, limit}, scanMessage)
}

// snapshotMessages reads what contact and operator see with numbers from first to before the second one, of one session or of
// all (0), newest first.
func snapshotMessages(tx *db.Tx, conversation id.Conversation, session id.Session, first, before, limit int) ([]*event.Message, error) {
	return db.All(tx, sqlSnapshotMessages, []any{int64(conversation), first, before, int64(session), limit}, scanMessage)
}

// snapshotNotes reads the texts of the newest internal notes with numbers from first of a session, newest first.
func snapshotNotes(tx *db.Tx, conversation id.Conversation, session id.Session, first, limit int) ([]string, error) {
	return db.All(tx, sqlSnapshotNotes, []any{int64(conversation), first, int64(session), limit}, func(r db.Scanner) (body string, err error) {
		return body, r.Scan(&body)
	})
}

func messageByID(tx *db.Tx, conversation id.Conversation, message id.Message) (*event.Message, error) {
	return db.First(tx, sqlMessageByID, []any{int64(conversation), int64(message)}, scanMessage)
}

// lastVisible returns the newest message that the contact may see of each of their conversations, or of one of them.
func lastVisible(tx *db.Tx, contact id.Contact, conversation id.Conversation) (map[id.Conversation]*event.Message, error) {
	list, err := db.All(tx, sqlLastVisible, []any{int64(contact), int64(conversation)}, scanMessage)
	if err != nil {
		return nil, fmt.Errorf("last messages of contact %d: %w", contact, err)
	}
	out := make(map[id.Conversation]*event.Message, len(list))
	for _, m := range list {
		out[m.ConversationID] = m
	}
	return out, nil
}

// unreadByContact counts the messages beyond the contact's read mark in each of their conversations, or in one of them.
func unreadByContact(tx *db.Tx, contact id.Contact, conversation id.Conversation) (map[id.Conversation]int, error) {
	out := map[id.Conversation]int{}
	_, err := db.All(tx, sqlUnreadByContact, []any{int64(contact), int64(conversation)}, func(r db.Scanner) (none struct{}, err error) {
		var c id.Conversation
		var n int
		err = r.Scan(&c, &n)
		out[c] = n
		return none, err
	})
	if err != nil {
		return nil, fmt.Errorf("unread messages of contact %d: %w", contact, err)
	}
	return out, nil
}

// moveMessages makes to the author of the contact's messages.
func moveMessages(tx *db.Tx, conversation id.Conversation, to id.Contact) error {
	_, err := tx.Exec(sqlMoveMessages, int64(conversation), int64(to))
	return err
}

func countBeyond(tx *db.Tx, conversation id.Conversation, number int) (n int, err error) {
	err = tx.One(sqlCountBeyond, []any{int64(conversation), number}, &n)
	return n, err
}
