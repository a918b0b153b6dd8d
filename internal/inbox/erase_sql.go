package inbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	sqlKnownElsewhere = `SELECT EXISTS (SELECT 1 FROM conversations WHERE contact_id = $1 AND hidden_from > 0)
  OR EXISTS (SELECT 1 FROM channel_contacts WHERE contact_id = $1)`
	sqlFirstClientID = `SELECT client_id FROM messages WHERE conversation_id = $1 AND sender_type = 'contact' AND number <= 2 ORDER BY number LIMIT 1`
	// What was said is deleted; entries of the thread stay.
	sqlEraseMessages = `UPDATE messages SET body = '', media_id = NULL, link_id = NULL, choices = '', client_id = '', state_reason = '',
  sender_name = CASE WHEN sender_type = 'contact' THEN '' ELSE sender_name END,
  deleted_at = CASE WHEN deleted_at = 0 AND type IN ('message', 'media', 'feedback') THEN CAST($2 AS BIGINT) ELSE deleted_at END
WHERE conversation_id = $1`
	sqlEntries  = `SELECT id, event FROM messages WHERE conversation_id = $1 AND event <> ''`
	sqlSetEntry = `UPDATE messages SET event = $2 WHERE id = $1`

	sqlForgetConversationSQLite   = `DELETE FROM message_words WHERE rowid IN (SELECT id FROM messages WHERE conversation_id = $1)`
	sqlForgetConversationPostgres = `DELETE FROM message_words WHERE message_id IN (SELECT id FROM messages WHERE conversation_id = $1)`

	sqlNewestEvent = `SELECT COALESCE(MAX(id), 0) FROM events`
	sqlEventsAbout = `SELECT e.id, EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND d.state = 'pending') FROM events e
WHERE e.id > $1 AND e.id <= $2 AND (e.contact_id = $3 OR e.conversation_id IN (SELECT c.id FROM conversations c WHERE c.contact_id = $3)) ORDER BY e.id`
)

// knownElsewhere reports whether a contact has conversations or addresses that its browsers have shown nothing for.
func knownElsewhere(tx *db.Tx, contact id.Contact) (yes bool, err error) {
	err = tx.One(sqlKnownElsewhere, []any{int64(contact)}, &yes)
	return yes, err
}

// firstClientID is what a browser called the message that began a conversation, "" for none.
func firstClientID(tx *db.Tx, conversation id.Conversation) (client string, err error) {
	if err = tx.One(sqlFirstClientID, []any{int64(conversation)}, &client); errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return client, err
}

// eraseMessages takes out of a conversation what was said.
func eraseMessages(tx *db.Tx, conversation id.Conversation) error {
	if _, err := tx.Exec(sqlEraseMessages, int64(conversation), db.Micros(tx.Now())); err != nil {
		return err
	}
	type row struct {
		id    int64
		event string
	}
	list, err := db.All(tx, sqlEntries, []any{int64(conversation)}, func(r db.Scanner) (one row, err error) {
		err = r.Scan(&one.id, &one.event)
		return one, err
	})
	if err != nil {
		return err
	}
	for _, one := range list {
		var e event.Entry
		if err := json.Unmarshal([]byte(one.event), &e); err != nil {
			return fmt.Errorf("thread entry of message %d: %w", one.id, err)
		}
		b, err := json.Marshal(blankEntry(&e))
		if err != nil {
			return fmt.Errorf("encode thread entry: %w", err)
		}
		if string(b) == one.event {
			continue
		}
		if _, err := tx.Exec(sqlSetEntry, one.id, string(b)); err != nil {
			return err
		}
	}
	return nil
}

// eraseSessions takes out of a conversation's earlier sessions what is known of visits and what was said about them. The latest one is stored
// with the conversation.
func eraseSessions(tx *db.Tx, s *state) error {
	list, err := listSessions(tx, s.ID, math.MaxInt32)
	if err != nil {
		return err
	}
	for _, one := range list {
		if s.session != nil && one.ID == s.session.ID {
			continue
		}
		one.Session = blankSession(one.Session)
		visit, said, err := one.session.encode()
		if err != nil {
			return err
		}
		if _, err := tx.Exec(sqlUpdateSession, int64(one.ID), db.Micros(one.EndedAt), one.EndReason, db.Micros(one.expiresAt), visit, said, one.notes); err != nil {
			return err
		}
	}
	return nil
}

// forgetConversations takes the messages of conversations out of the search index, and has whoever is indexing them at this moment read them
// again.
func forgetConversations(tx *db.Tx, list []id.Conversation) error {
	if len(list) == 0 {
		return nil
	}
	if _, err := lockProgress(tx); err != nil {
		return err
	}
	if _, err := tx.Exec(sqlTouchProgress); err != nil {
		return err
	}
	forget := sqlForgetConversationPostgres
	if tx.Engine() == db.SQLite {
		forget = sqlForgetConversationSQLite
	}
	for _, conversation := range list {
		if _, err := tx.Exec(forget, int64(conversation)); err != nil {
			return err
		}
	}
	return nil
}

// storedEvent is an event about a contact, and whether a delivery waits to tell of it.
type storedEvent struct {
	id      id.Event
	pending bool
}

func eventsAbout(tx *db.Tx, contact id.Contact, after, upto id.Event) ([]storedEvent, error) {
	return db.All(tx, sqlEventsAbout, []any{int64(after), int64(upto), int64(contact)}, func(r db.Scanner) (e storedEvent, err error) {
		err = r.Scan(&e.id, &e.pending)
		return e, err
	})
}

func newestEvent(tx *db.Tx) (e id.Event, err error) {
	err = tx.One(sqlNewestEvent, nil, &e)
	return e, err
}
