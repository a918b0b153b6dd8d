package inbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/media"
)

const (
	messageColumns = `m.id, m.conversation_id, m.session_id, m.number, m.type, m.note, m.sender_type, COALESCE(m.sender_id, 0), m.sender_name,
  m.body, m.event, COALESCE(m.reference_id, 0), m.client_id, m.sent_at,
  m.state, m.state_code, m.state_reason, COALESCE(m.media_id, 0), COALESCE(m.link_id, 0), m.edited_at, m.deleted_at, m.choices,
  COALESCE(o.first_name, ''), COALESCE(o.last_name, ''), COALESCE(o.username, ''), COALESCE(o.image_url, '')`
	messageFrom = ` FROM messages m LEFT JOIN operators o ON m.sender_type = 'operator' AND o.id = m.sender_id`

	sqlInsertMessage = `INSERT INTO messages (conversation_id, number, session_id, type, note, sender_type, sender_id, sender_name, body, event, reference_id, client_id, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`
	// Most messages have no file, no choices and no state of their own: naming the columns would cost them.
	sqlInsertMessageWith = `INSERT INTO messages (conversation_id, number, session_id, type, note, sender_type, sender_id, sender_name, body, event, reference_id, client_id, sent_at,
  state, media_id, choices)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id`
	sqlSetMessageState = `UPDATE messages SET state = $2, state_code = $3, state_reason = $4 WHERE id = $1`
	sqlSetMessageLink  = `UPDATE messages SET link_id = $2 WHERE id = $1`
	sqlSetMessageText  = `UPDATE messages SET body = $2, edited_at = $3, link_id = $4 WHERE id = $1`
	sqlDeleteMessage   = `UPDATE messages SET body = '', media_id = NULL, link_id = NULL, choices = '', deleted_at = $2 WHERE id = $1`
	// What a list shows of a conversation is the newest words or file, whoever they are for.
	sqlLastSaid = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number < $2 AND (m.body <> '' OR m.media_id IS NOT NULL)
ORDER BY m.number DESC LIMIT 1`

	sqlLastRating = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number >= $2 AND m.session_id = $3 AND m.type = 'rating'
ORDER BY m.number DESC LIMIT 1`

	sqlMessagesBefore = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number < $2 AND (NOT m.note OR $3) ORDER BY m.number DESC LIMIT $4`
	sqlMessagesAfter  = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number > $2 AND (NOT m.note OR $3) AND m.number <= $5 ORDER BY m.number LIMIT $4`
	// The newest first and in pages: the caller stops when it has enough.
	sqlSnapshotMessages = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.number >= $2 AND m.number < $3 AND NOT m.note
  AND (CAST($4 AS BIGINT) = 0 OR m.session_id = $4) ORDER BY m.number DESC LIMIT $5`
	sqlSnapshotNotes = `SELECT m.body FROM messages m WHERE m.conversation_id = $1 AND m.number >= $2 AND m.note AND m.session_id = $3 AND m.body <> '' ORDER BY m.number DESC LIMIT $4`
	sqlMessageByID   = `SELECT ` + messageColumns + messageFrom + ` WHERE m.conversation_id = $1 AND m.id = $2`
	sqlCountBeyond   = `SELECT COUNT(*) FROM messages WHERE conversation_id = $1 AND number > $2 AND sender_type = 'contact' AND type IN ('message', 'media')`
	sqlMoveMessages  = `UPDATE messages SET sender_id = $2 WHERE conversation_id = $1 AND sender_type = 'contact'`

	// What a contact's list of conversations shows: the newest visible message, and how many of the operators' are unread.
	sqlLastVisible = `SELECT ` + messageColumns + ` FROM conversations c JOIN messages m ON m.conversation_id = c.id
  AND m.number = (SELECT n.number FROM messages n WHERE n.conversation_id = c.id AND NOT n.note AND (c.hidden_from = 0 OR n.number < c.hidden_from OR $3) ORDER BY n.number DESC LIMIT 1)
  LEFT JOIN operators o ON m.sender_type = 'operator' AND o.id = m.sender_id WHERE c.contact_id = $1 AND (CAST($2 AS BIGINT) = 0 OR c.id = $2)`
	sqlUnreadByContact = `SELECT c.id, COUNT(*) FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.number > c.contact_read
WHERE c.contact_id = $1 AND (CAST($2 AS BIGINT) = 0 OR c.id = $2) AND m.sender_type IN ('operator', 'bot') AND m.type IN ('message', 'media') AND NOT m.note
  AND m.deleted_at = 0 AND (c.hidden_from = 0 OR m.number < c.hidden_from OR $3) GROUP BY c.id`
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
	statement, args := sqlInsertMessage, []any{int64(m.ConversationID), m.Number, int64(m.SessionID), m.Type, m.Note, string(m.Sender.Type), db.NullID(m.Sender.ID), m.Sender.Name,
		m.Body, entry, db.NullID(m.ReferenceID), m.ClientID, db.Micros(m.SentAt)}
	if m.State == event.StatePending || m.Media != nil || len(m.Choices) > 0 {
		stored, file := stateDerived, id.Media(0)
		if m.State == event.StatePending {
			stored = m.State
		}
		if m.Media != nil {
			file = m.Media.ID
		}
		statement, args = sqlInsertMessageWith, append(args, int64(stored), db.NullID(file), strings.Join(m.Choices, "\n"))
	}
	if m.ID, err = db.Insert[id.Message](tx, statement, args...); err != nil {
		return fmt.Errorf("store message %d of conversation %d: %w", m.Number, m.ConversationID, err)
	}
	return nil
}

// storedMessage is a message as its row has it.
type storedMessage struct {
	event.Message // State is the stored one, see messageState
	file          id.Media
	card          id.LinkCard
}

func scanMessage(r db.Scanner) (*storedMessage, error) {
	var m storedMessage
	var o event.Operator
	var entry, choices string
	var sent, edited, deleted int64
	if err := r.Scan(&m.ID, &m.ConversationID, &m.SessionID, &m.Number, &m.Type, &m.Note, &m.Sender.Type, &m.Sender.ID, &m.Sender.Name,
		&m.Body, &entry, &m.ReferenceID, &m.ClientID, &sent,
		&m.State, &m.StateCode, &m.StateReason, &m.file, &m.card, &edited, &deleted, &choices, &o.FirstName, &o.LastName, &o.Username, &o.ImageURL); err != nil {
		return nil, err
	}
	m.SentAt, m.EditedAt, m.DeletedAt = db.Time(sent), db.Time(edited), db.Time(deleted)
	m.Choices = splitTags(choices) // one per line, too
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

// readMessages reads messages with their files and link cards. Few have any, and who has none should pay nothing for it.
func readMessages(tx *db.Tx, statement string, args ...any) ([]*event.Message, error) {
	list, err := db.All(tx, statement, args, scanMessage)
	if err != nil {
		return nil, err
	}
	var files []id.Media
	var cards []id.LinkCard
	out := make([]*event.Message, len(list))
	for i, m := range list {
		if out[i] = &m.Message; m.file != 0 {
			files = append(files, m.file)
		}
		if m.card != 0 {
			cards = append(cards, m.card)
		}
	}
	if len(files) > 0 {
		known, err := media.Files(tx, files...)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			m.Media = known[m.file]
		}
	}
	if len(cards) > 0 {
		known, err := media.Cards(tx, cards...)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			m.Link = known[m.card]
		}
	}
	return out, nil
}

func messagesBefore(tx *db.Tx, conversation id.Conversation, number int, notes bool, limit int) ([]*event.Message, error) {
	return readMessages(tx, sqlMessagesBefore, int64(conversation), number, notes, limit)
}

func messagesAfter(tx *db.Tx, conversation id.Conversation, number, upto int, notes bool, limit int) ([]*event.Message, error) {
	return readMessages(tx, sqlMessagesAfter, int64(conversation), number, notes, limit, upto)
}

// snapshotMessages reads what contact and operator see with numbers from first to before the second one, of one session or of
// all (0), newest first.
func snapshotMessages(tx *db.Tx, conversation id.Conversation, session id.Session, first, before, limit int) ([]*event.Message, error) {
	return readMessages(tx, sqlSnapshotMessages, int64(conversation), first, before, int64(session), limit)
}

// snapshotNotes reads the texts of the newest internal notes with numbers from first of a session, newest first.
func snapshotNotes(tx *db.Tx, conversation id.Conversation, session id.Session, first, limit int) ([]string, error) {
	return db.All(tx, sqlSnapshotNotes, []any{int64(conversation), first, int64(session), limit}, func(r db.Scanner) (body string, err error) {
		return body, r.Scan(&body)
	})
}

func messageByID(tx *db.Tx, conversation id.Conversation, message id.Message) (*event.Message, error) {
	return firstMessage(tx, sqlMessageByID, int64(conversation), int64(message))
}

// lastSaid returns what was said last before a number, with words or a file; nil for nothing.
func lastSaid(tx *db.Tx, conversation id.Conversation, before int) (*event.Message, error) {
	m, err := firstMessage(tx, sqlLastSaid, int64(conversation), before)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return m, err
}

// lastRating is the entry of the latest session's rating, nil for none.
func lastRating(tx *db.Tx, s *state) (*event.Message, error) {
	m, err := firstMessage(tx, sqlLastRating, int64(s.ID), s.session.firstNumber, int64(s.session.ID))
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		m.State = s.messageState(m)
	}
	return m, err
}

func firstMessage(tx *db.Tx, statement string, args ...any) (*event.Message, error) {
	list, err := readMessages(tx, statement, args...)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, db.ErrNoRows
	}
	return list[0], nil
}

func setMessageState(tx *db.Tx, message id.Message, stored event.MessageState, code, reason string) error {
	_, err := tx.Exec(sqlSetMessageState, int64(message), int64(stored), code, reason)
	return err
}

func setMessageLink(tx *db.Tx, message id.Message, card id.LinkCard) error {
	_, err := tx.Exec(sqlSetMessageLink, int64(message), db.NullID(card))
	return err
}

func setMessageText(tx *db.Tx, message id.Message, body string, edited time.Time, card id.LinkCard) error {
	_, err := tx.Exec(sqlSetMessageText, int64(message), body, db.Micros(edited), db.NullID(card))
	return err
}

func deleteMessage(tx *db.Tx, message id.Message, at time.Time) error {
	_, err := tx.Exec(sqlDeleteMessage, int64(message), db.Micros(at))
	return err
}

// lastVisible returns the newest message that the contact may see of each of their conversations, or of one of them.
func lastVisible(tx *db.Tx, contact *event.Contact, conversation id.Conversation) (map[id.Conversation]*event.Message, error) {
	list, err := readMessages(tx, sqlLastVisible, int64(contact.ID), int64(conversation), contact.ExternalID != "")
	if err != nil {
		return nil, fmt.Errorf("last messages of contact %d: %w", contact.ID, err)
	}
	out := make(map[id.Conversation]*event.Message, len(list))
	for _, m := range list {
		out[m.ConversationID] = m
	}
	return out, nil
}

// unreadByContact counts the messages beyond the contact's read mark in each of their conversations, or in one of them.
func unreadByContact(tx *db.Tx, contact *event.Contact, conversation id.Conversation) (map[id.Conversation]int, error) {
	out := map[id.Conversation]int{}
	_, err := db.All(tx, sqlUnreadByContact, []any{int64(contact.ID), int64(conversation), contact.ExternalID != ""}, func(r db.Scanner) (none struct{}, err error) {
		var c id.Conversation
		var n int
		err = r.Scan(&c, &n)
		out[c] = n
		return none, err
	})
	if err != nil {
		return nil, fmt.Errorf("unread messages of contact %d: %w", contact.ID, err)
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
