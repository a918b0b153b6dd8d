package inbox

import (
	"encoding/json"
	"errors"
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
	sqlMessagesBefore  = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number < $2 AND (NOT m.note OR $3) ORDER BY m.number DESC LIMIT $4`
	sqlMessagesAfter   = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number > $2 AND (NOT m.note OR $3) ORDER BY m.number LIMIT $4`
	sqlSessionMessages = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.session_id = $2 AND NOT m.note ORDER BY m.number`
	sqlMessageByID     = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.id = $2`
	sqlCountBeyond     = `SELECT COUNT(*) FROM messages WHERE conversation_id = $1 AND number > $2 AND sender_type = 'contact' AND type = 'message'`
	sqlUnreadByContact = `SELECT COUNT(*) FROM messages WHERE conversation_id = $1 AND number > $2 AND sender_type IN ('operator', 'bot') AND type = 'message' AND NOT note`
	sqlLastVisible     = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND NOT m.note ORDER BY m.number DESC LIMIT 1`
)

func insertMessage(tx *db.Tx, m *event.Message) error {
	entry := ""
	if m.Entry != nil {
		b, err := json.Marshal(m.Entry)
		if err != nil {
			return fmt.Errorf("encode thread entry: %w", err)
		}
		entry = string(b)
	}
	err := tx.One(sqlInsertMessage, []any{int64(m.ConversationID), m.Number, int64(m.SessionID), m.Type, m.Note, string(m.Sender.Type), db.NullID(m.Sender.ID), m.Sender.Name,
		m.Body, entry, db.NullID(m.ReferenceID), m.ClientID, db.Micros(m.SentAt)}, &m.ID)
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

func sessionMessages(tx *db.Tx, conversation id.Conversation, session id.Session) ([]*event.Message, error) {
	return db.All(tx, sqlSessionMessages, []any{int64(conversation), int64(session)}, scanMessage)
}

func messageByID(tx *db.Tx, conversation id.Conversation, message id.Message) (*event.Message, error) {
	return db.First(tx, sqlMessageByID, []any{int64(conversation), int64(message)}, scanMessage)
}

// lastVisible returns the newest message that the contact may see, nil when there is none.
func lastVisible(tx *db.Tx, conversation id.Conversation) (*event.Message, error) {
	m, err := db.First(tx, sqlLastVisible, []any{int64(conversation)}, scanMessage)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return m, err
}

func countBeyond(tx *db.Tx, conversation id.Conversation, number int) (n int, err error) {
	err = tx.One(sqlCountBeyond, []any{int64(conversation), number}, &n)
	return n, err
}

func unreadByContact(tx *db.Tx, conversation id.Conversation, number int) (n int, err error) {
	err = tx.One(sqlUnreadByContact, []any{int64(conversation), number}, &n)
	return n, err
}
