package inbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

const (
	conversationColumns = `c.id, c.uuid, c.status, c.channel_type, COALESCE(c.channel_id, 0), c.topic, c.message_count, c.last_message,
  c.operator_read, c.contact_delivered, c.contact_read, c.unread, c.created_at, c.updated_at, c.ended_at, c.flagged, c.tags, c.rating,
  c.hidden_from, COALESCE(c.address_id, 0), COALESCE(ch.name, ''), c.unanswered_due, c.unanswered_message, c.unanswered_at, c.transcript_due,
  COALESCE(c.operator_id, 0), COALESCE(c.group_id, 0), COALESCE(g.name, ''),
  w.id, w.key, w.name, w.session_timeout_seconds, w.unanswered_seconds, w.transcript_hook,
  p.id, p.uuid, p.name, p.email, p.phone, p.external_id, p.claimed_id, p.handle, p.custom, p.additional, p.created_at, p.updated_at, p.erased_at <> 0,
  COALESCE(s.id, 0), COALESCE(s.number, 0), COALESCE(s.first_number, 0), COALESCE(s.started_at, 0), COALESCE(s.ended_at, 0),
  COALESCE(s.end_reason, ''), COALESCE(s.operator_created, 0), COALESCE(s.expires_at, 0), COALESCE(s.visit, ''), COALESCE(s.outcome, ''), COALESCE(s.notes, 0),
  COALESCE(s.offline, FALSE), COALESCE(s.review_due, 0)`
	conversationFrom = ` FROM conversations c JOIN contacts p ON p.id = c.contact_id JOIN widgets w ON w.id = c.widget_id
  LEFT JOIN operator_groups g ON g.id = c.group_id LEFT JOIN sessions s ON s.id = c.session_id
  LEFT JOIN channels ch ON ch.id = c.channel_id`

	sqlGetConversation  = `SELECT ` + conversationColumns + conversationFrom + ` WHERE c.id = $1`
	sqlByUUID           = `SELECT id FROM conversations WHERE uuid = $1`
	sqlLockConversation = `SELECT id FROM conversations WHERE id = $1 FOR UPDATE`
	sqlOpenOfContact    = `SELECT id FROM conversations WHERE contact_id = $1 AND widget_id = $2 AND status <> 'ended' AND channel_type = 'website' ORDER BY id DESC LIMIT 1`
	// The one in which something happened last: it may have been moved to the channel when there was another one already. A contact has
	// few conversations and a channel has many; a plus keeps the engines from beginning with the channel.
	sqlOpenOnChannel = `SELECT id FROM conversations WHERE contact_id = $2 AND +channel_id = $1 AND COALESCE(address_id, 0) = $3 AND status <> 'ended'
ORDER BY +updated_at DESC, id DESC LIMIT 1`
	sqlIDsOnChannel     = `SELECT id FROM conversations WHERE contact_id = $2 AND +channel_id = $1 AND COALESCE(address_id, 0) = $3 ORDER BY id`
	sqlIDsOfContact     = `SELECT id FROM conversations WHERE contact_id = $1 ORDER BY id`
	sqlForeignAddresses = `SELECT EXISTS (SELECT 1 FROM channel_contacts WHERE contact_id = $1 AND (email = '' OR email <> $2))`
	sqlEmailOfAddress   = `SELECT email FROM channel_contacts WHERE id = $1`
	sqlInSession        = `SELECT c.id FROM conversations c JOIN sessions s ON s.id = c.session_id WHERE c.contact_id = $1 AND s.ended_at = 0 AND c.channel_type = 'website' ORDER BY c.id`
	sqlOfContact        = `SELECT ` + conversationColumns + conversationFrom + ` WHERE c.contact_id = $1 AND (c.hidden_from <> 1 OR p.external_id <> '')
ORDER BY c.updated_at DESC, c.id DESC LIMIT $2`

	sqlInsertConversation = `INSERT INTO conversations (uuid, contact_id, widget_id, channel_type, channel_id, group_id, operator_id, status, topic,
  message_count, session_id, last_message, operator_read, contact_delivered, contact_read, unread, created_at, updated_at, ended_at, hidden_from, address_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, NULL, '', 0, 0, 0, 0, $10, $10, 0, $11, $12) RETURNING id`
	sqlUpdateConversation = `UPDATE conversations SET contact_id = $2, group_id = $3, operator_id = $4, status = $5, topic = $6, message_count = $7,
  session_id = $8, last_message = $9, operator_read = $10, contact_delivered = $11, contact_read = $12, unread = $13, updated_at = $14, ended_at = $15,
  flagged = $16, tags = $17, rating = $18, channel_type = $19, channel_id = $20, hidden_from = $21, address_id = $22,
  unanswered_due = $23, unanswered_message = $24, unanswered_at = $25, transcript_due = $26
WHERE id = $1`
	// What a message changes. Columns that are named cost their indexes and references even when they stay as they are.
	sqlUpdateMessages = `UPDATE conversations SET message_count = $2, last_message = $3, operator_read = $4, contact_delivered = $5, contact_read = $6,
  unread = $7, updated_at = $8 WHERE id = $1`
	// And what a message changes that begins to wait for an operator, or ends that.
	sqlUpdateWaiting = `UPDATE conversations SET message_count = $2, last_message = $3, operator_read = $4, contact_delivered = $5, contact_read = $6,
  unread = $7, updated_at = $8, unanswered_due = $9, unanswered_message = $10, unanswered_at = $11 WHERE id = $1`

	sqlInsertTag = `INSERT INTO conversation_tags (tag, conversation_id) VALUES ($1, $2)`
	sqlDeleteTag = `DELETE FROM conversation_tags WHERE tag = $1 AND conversation_id = $2`

	sqlInsertSession = `INSERT INTO sessions (conversation_id, number, first_number, started_at, ended_at, end_reason, operator_created, expires_at, visit, offline)
VALUES ($1, $2, $3, $4, 0, '', $5, $6, $7, $8) RETURNING id`
	sqlUpdateSession = `UPDATE sessions SET ended_at = $2, end_reason = $3, expires_at = $4, visit = $5, outcome = $6, notes = $7 WHERE id = $1`
	sqlSetReview     = `UPDATE sessions SET review_due = $2 WHERE id = $1`
	sqlDropReviews   = `UPDATE sessions SET review_due = 0 WHERE conversation_id = $1 AND id <> $2 AND review_due > 0`
	sqlListSessions  = `SELECT id, number, first_number, started_at, ended_at, end_reason, COALESCE(operator_created, 0), expires_at, visit, outcome, notes, offline
FROM sessions WHERE conversation_id = $1 ORDER BY number DESC LIMIT $2`
	sqlExpired = `SELECT conversation_id FROM sessions WHERE ended_at = 0 AND expires_at > 0 AND expires_at <= $1 ORDER BY expires_at LIMIT $2`

	sqlUnanswered     = `SELECT id FROM conversations WHERE unanswered_due > 0 AND unanswered_due <= $1 ORDER BY unanswered_due, id LIMIT $2`
	sqlTranscriptsDue = `SELECT id FROM conversations WHERE transcript_due > 0 AND transcript_due <= $1 ORDER BY transcript_due, id LIMIT $2`
	sqlReviewsDue     = `SELECT conversation_id FROM sessions WHERE review_due > 0 AND review_due <= $1 ORDER BY review_due, conversation_id LIMIT $2`
	sqlNextDue        = `SELECT COALESCE(MIN(due), 0) FROM (
  SELECT MIN(unanswered_due) AS due FROM conversations WHERE unanswered_due > 0 AND unanswered_due > $1
  UNION ALL SELECT MIN(transcript_due) FROM conversations WHERE transcript_due > 0 AND transcript_due > $1
  UNION ALL SELECT MIN(review_due) FROM sessions WHERE review_due > 0 AND review_due > $1) AS dues`

	// One lock for all routing, held until the transaction ends, so that two commands never fill the same slot. It is always
	// the last lock that a command takes.
	sqlLockRoutingPostgres = `SELECT pg_advisory_xact_lock(7306295282)`
	// The online operator with the fewest conversations in work and a free slot; of equals the one whose latest conversation
	// is the oldest. The conditions on status say again what the index conversations_active_operator is made for.
	sqlRoute = `SELECT o.id FROM operators o
  LEFT JOIN (SELECT operator_id, COUNT(*) AS n, MAX(id) AS latest FROM conversations
    WHERE status <> 'ended' AND status IN ('new', 'open') AND operator_id IS NOT NULL GROUP BY operator_id) AS work ON work.operator_id = o.id
WHERE o.active AND o.status = 'online' AND o.id <> $2 AND COALESCE(work.n, 0) < o.slots
  AND (CAST($1 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM operator_group_members m WHERE m.group_id = $1 AND m.operator_id = o.id))
ORDER BY COALESCE(work.n, 0), COALESCE(work.latest, 0), o.id LIMIT 1`
	// When contact or operator last wrote in a session.
	sqlLastWritten  = `SELECT COALESCE(MAX(sent_at), 0) FROM messages WHERE conversation_id = $1 AND number >= $2 AND type IN ('message', 'media') AND NOT note`
	sqlOfInactive   = `SELECT c.id FROM operators o JOIN conversations c ON c.operator_id = o.id WHERE NOT o.active AND c.status <> 'ended' ORDER BY c.id LIMIT $1`
	sqlReleaseGroup = `UPDATE conversations SET group_id = NULL WHERE group_id = $1 AND status = 'ended'`
	sqlLoads        = `SELECT operator_id, COUNT(*) FROM conversations WHERE status <> 'ended' AND status IN ('new', 'open') AND operator_id IS NOT NULL GROUP BY operator_id`
	sqlCounts       = `SELECT COUNT(*), COALESCE(SUM(CASE WHEN operator_id IS NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN operator_id = $1 THEN 1 ELSE 0 END), 0),
  (SELECT COUNT(*) FROM conversations WHERE unanswered_at > 0)
FROM conversations WHERE status <> 'ended'`
)

// lockConversation keeps others from changing the conversation until tx ends. SQLite's one writer needs no lock.
func lockConversation(tx *db.Tx, conversation id.Conversation) error {
	if tx.Engine() == db.SQLite {
		return nil
	}
	var got id.Conversation
	return missing(conversation, tx.One(sqlLockConversation, []any{int64(conversation)}, &got))
}

// lockRouting lets one command at a time look for a free operator until its transaction ends. SQLite's one writer needs no lock.
func lockRouting(tx *db.Tx) error {
	if tx.Engine() == db.SQLite {
		return nil
	}
	_, err := tx.Exec(sqlLockRoutingPostgres)
	return err
}

func missing(conversation id.Conversation, err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Newf(fault.ConversationNotFound, "there is no conversation %d", conversation)
	}
	if err != nil {
		return fmt.Errorf("conversation %d: %w", conversation, err)
	}
	return nil
}

func getState(tx *db.Tx, conversation id.Conversation) (*state, error) {
	s, err := db.First(tx, sqlGetConversation, []any{int64(conversation)}, scanState)
	if err != nil {
		return nil, missing(conversation, err)
	}
	return s, nil
}

// conversationByUUID finds a conversation by its UUID in lower case; what is none finds nothing.
func conversationByUUID(tx *db.Tx, uuid string) (c id.Conversation, err error) {
	if !isUUID(uuid) {
		return 0, fault.New(fault.ConversationNotFound, "there is no such conversation")
	}
	if err = tx.One(sqlByUUID, []any{uuid}, &c); errors.Is(err, db.ErrNoRows) {
		return 0, fault.New(fault.ConversationNotFound, "there is no such conversation")
	}
	if err != nil {
		return 0, fmt.Errorf("conversation by UUID: %w", err)
	}
	return c, nil
}

// isUUID reports whether s has the form of a UUID in lower case.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

func openOfContact(tx *db.Tx, contact id.Contact, widget id.Widget) (id.Conversation, error) {
	var got id.Conversation
	err := tx.One(sqlOpenOfContact, []any{int64(contact), int64(widget)}, &got)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return got, err
}

// openOnChannel returns the contact's conversation at an address on a channel that has not ended, 0 for none.
func openOnChannel(tx *db.Tx, channel id.Channel, address int64, contact id.Contact) (c id.Conversation, err error) {
	if err = tx.One(sqlOpenOnChannel, []any{int64(channel), int64(contact), address}, &c); errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return c, err
}

// foreignAddresses reports whether the contact has an address on a channel that is not this e-mail address.
func foreignAddresses(tx *db.Tx, contact id.Contact, email string) (yes bool, err error) {
	err = tx.One(sqlForeignAddresses, []any{int64(contact), email}, &yes)
	return yes, err
}

// emailOfAddress is the e-mail address that a channel knows of an address, "" for none.
func emailOfAddress(tx *db.Tx, address int64) (email string, err error) {
	if err = tx.One(sqlEmailOfAddress, []any{address}, &email); errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return email, err
}

func idsOnChannel(tx *db.Tx, channel id.Channel, address int64, contact id.Contact) ([]id.Conversation, error) {
	return db.All(tx, sqlIDsOnChannel, []any{int64(channel), int64(contact), address}, scanConversationID)
}

func idsOfContact(tx *db.Tx, contact id.Contact) ([]id.Conversation, error) {
	return db.All(tx, sqlIDsOfContact, []any{int64(contact)}, scanConversationID)
}

// inSession returns the conversations of the contact whose latest session is open.
func inSession(tx *db.Tx, contact id.Contact) ([]id.Conversation, error) {
	return db.All(tx, sqlInSession, []any{int64(contact)}, scanConversationID)
}

func scanConversationID(r db.Scanner) (c id.Conversation, err error) {
	err = r.Scan(&c)
	return c, err
}

func statesOfContact(tx *db.Tx, contact id.Contact, limit int) ([]*state, error) {
	return db.All(tx, sqlOfContact, []any{int64(contact), limit}, scanState)
}

func scanState(r db.Scanner) (*state, error) {
	var s state
	var se session
	var last, groupName, custom, additional, visit, outcome, tags string
	var created, updated, ended, due, rang, transcript, pCreated, pUpdated, seStarted, seEnded, seExpires, seReview, timeout, patience int64
	p := &s.Contact
	if err := r.Scan(&s.ID, &s.UUID, &s.Status, &s.Channel.Type, &s.Channel.ID, &s.Topic, &s.MessageCount, &last,
		&s.OperatorRead, &s.ContactDelivered, &s.ContactRead, &s.Unread, &created, &updated, &ended, &s.Flagged, &tags, &s.Rating,
		&s.HiddenFrom, &s.address, &s.Channel.Name, &due, &s.alarm.message, &rang, &transcript,
		&s.operatorID, &s.groupID, &groupName,
		&s.Widget.ID, &s.Widget.Key, &s.Widget.Name, &timeout, &patience, &s.transcript,
		&p.ID, &p.UUID, &p.Name, &p.Email, &p.Phone, &p.ExternalID, &p.ClaimedID, &p.Handle, &custom, &additional, &pCreated, &pUpdated, &s.erased,
		&se.ID, &se.Number, &se.firstNumber, &seStarted, &seEnded, &se.EndReason, &s.createdBy, &seExpires, &visit, &outcome, &se.notes,
		&se.Offline, &seReview); err != nil {
		return nil, err
	}
	s.CreatedAt, s.UpdatedAt, s.EndedAt = db.Time(created), db.Time(updated), db.Time(ended)
	p.Custom, p.CreatedAt, p.UpdatedAt = event.RawJSON(custom), db.Time(pCreated), db.Time(pUpdated)
	s.alarm.due, s.UnansweredAt, s.transcriptDue = db.Time(due), db.Time(rang), db.Time(transcript)
	s.timeout, s.patience = time.Duration(timeout)*time.Second, time.Duration(patience)*time.Second
	if s.Channel.Type == event.ChannelWebsite {
		s.Channel.Name = "Website"
	}
	if s.groupID != 0 {
		s.Group = &event.Group{ID: s.groupID, Name: groupName}
	}
	var err error
	if p.Additional, err = contact.DecodeAdditional(additional); err != nil {
		return nil, fmt.Errorf("contact %d: %w", p.ID, err)
	}
	s.Tags = splitTags(tags)
	if last != "" {
		s.LastMessage = new(event.LastMessage)
		if err := jsonv2.Unmarshal([]byte(last), s.LastMessage); err != nil {
			return nil, fmt.Errorf("last message of conversation %d: %w", s.ID, err)
		}
	}
	if se.ID != 0 {
		se.StartedAt, se.EndedAt, se.expiresAt = db.Time(seStarted), db.Time(seEnded), db.Time(seExpires)
		se.reviewDue = db.Time(seReview)
		se.reviewStored = se.reviewDue
		if err := se.decode(visit, outcome); err != nil {
			return nil, fmt.Errorf("session %d: %w", se.ID, err)
		}
		s.session = &se
	}
	s.stored = s.place()
	return &s, nil
}

// outcome is what a contact said and did in a session, as it is stored.
type outcome struct {
	Rating   *event.Rating
	Feedback string
	Survey   *event.Survey
	Goal     *event.Goal
	Goals    []id.Goal
	// Discarded is not the contact's doing, but says that they are not asked for the rest.
	Discarded bool
}

func (s *session) decode(visit, said string) error {
	if visit != "" {
		if err := jsonv2.Unmarshal([]byte(visit), &s.Visit); err != nil {
			return fmt.Errorf("visit: %w", err)
		}
	}
	if said != "" {
		var o outcome
		if err := jsonv2.Unmarshal([]byte(said), &o); err != nil {
			return fmt.Errorf("outcome: %w", err)
		}
		s.Rating, s.Feedback, s.Survey, s.Goal, s.goals = o.Rating, o.Feedback, o.Survey, o.Goal, o.Goals
		s.discarded = o.Discarded
	}
	return nil
}

func (s *session) encode() (visit, said string, err error) {
	v, err := json.Marshal(s.Visit)
	if err != nil {
		return "", "", fmt.Errorf("encode visit: %w", err)
	}
	if s.Rating == nil && s.Feedback == "" && s.Survey == nil && s.Goal == nil && !s.discarded {
		return string(v), "", nil
	}
	o, err := json.Marshal(outcome{s.Rating, s.Feedback, s.Survey, s.Goal, s.goals, s.discarded})
	if err != nil {
		return "", "", fmt.Errorf("encode outcome: %w", err)
	}
	return string(v), string(o), nil
}

// Tags are stored one per line: they cannot hold a line break.
func splitTags(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// storeTags keeps the rows that conversations are found by equal to their tags.
func storeTags(tx *db.Tx, conversation id.Conversation, before, after []string) error {
	for _, t := range before {
		if !slices.Contains(after, t) {
			if _, err := tx.Exec(sqlDeleteTag, t, int64(conversation)); err != nil {
				return fmt.Errorf("remove tag: %w", err)
			}
		}
	}
	for _, t := range after {
		if !slices.Contains(before, t) {
			if _, err := tx.Exec(sqlInsertTag, t, int64(conversation)); err != nil {
				return fmt.Errorf("store tag: %w", err)
			}
		}
	}
	return nil
}

func insertConversation(tx *db.Tx, s *state) (err error) {
	s.ID, err = db.Insert[id.Conversation](tx, sqlInsertConversation, s.UUID, int64(s.Contact.ID), int64(s.Widget.ID), s.Channel.Type, db.NullID(s.Channel.ID),
		db.NullID(s.groupID), db.NullID(s.operatorID), s.Status, s.Topic, db.Micros(s.CreatedAt), s.HiddenFrom, db.NullID(s.address))
	return err
}

// save writes the conversation and its latest session back.
func save(tx *db.Tx, s *state) error {
	if s.session != nil {
		if err := saveSession(tx, s.session); err != nil {
			return fmt.Errorf("store session %d: %w", s.session.ID, err)
		}
	}
	last := ""
	if s.LastMessage != nil {
		b, err := json.Marshal(s.LastMessage)
		if err != nil {
			return fmt.Errorf("encode last message: %w", err)
		}
		last = string(b)
	}
	var err error
	p, messages := s.place(), s.stored
	messages.wait = p.wait
	if p == s.stored {
		_, err = tx.Exec(sqlUpdateMessages, int64(s.ID), s.MessageCount, last, s.OperatorRead, s.ContactDelivered, s.ContactRead, s.Unread, db.Micros(s.UpdatedAt))
	} else if p == messages {
		_, err = tx.Exec(sqlUpdateWaiting, int64(s.ID), s.MessageCount, last, s.OperatorRead, s.ContactDelivered, s.ContactRead, s.Unread, db.Micros(s.UpdatedAt),
			db.Micros(p.wait.due), int64(p.wait.message), db.Micros(p.wait.rang))
		s.stored = p
	} else {
		_, err = tx.Exec(sqlUpdateConversation, int64(s.ID), int64(p.contact), db.NullID(p.group), db.NullID(p.operator), p.status, p.topic, s.MessageCount,
			db.NullID(p.session), last, s.OperatorRead, s.ContactDelivered, s.ContactRead, s.Unread, db.Micros(s.UpdatedAt), db.Micros(p.ended),
			p.flagged, p.tags, p.rating, p.channelType, db.NullID(p.channel), p.hiddenFrom, db.NullID(p.address),
			db.Micros(p.wait.due), int64(p.wait.message), db.Micros(p.wait.rang), db.Micros(p.transcriptDue))
		if err == nil && p.tags != s.stored.tags {
			err = storeTags(tx, s.ID, splitTags(s.stored.tags), s.Tags)
		}
		s.stored = p
	}
	if err != nil {
		return fmt.Errorf("store conversation %d: %w", s.ID, err)
	}
	return nil
}

// saveSession writes a session back where it differs from its row.
func saveSession(tx *db.Tx, se *session) error {
	if se.dirty {
		visit, said, err := se.encode()
		if err != nil {
			return err
		}
		if _, err := tx.Exec(sqlUpdateSession, int64(se.ID), db.Micros(se.EndedAt), se.EndReason, db.Micros(se.expiresAt), visit, said, se.notes); err != nil {
			return err
		}
		se.dirty = false
	}
	if se.reviewDue != se.reviewStored {
		if _, err := tx.Exec(sqlSetReview, int64(se.ID), db.Micros(se.reviewDue)); err != nil {
			return err
		}
		se.reviewStored = se.reviewDue
	}
	return nil
}

// dropReviews forgets what is to be told of other sessions of a conversation than the latest one.
func dropReviews(tx *db.Tx, conversation id.Conversation, latest id.Session) error {
	_, err := tx.Exec(sqlDropReviews, int64(conversation), int64(latest))
	return err
}

func insertSession(tx *db.Tx, conversation id.Conversation, se *session, createdBy id.Operator) error {
	visit, _, err := se.encode()
	if err != nil {
		return err
	}
	se.ID, err = db.Insert[id.Session](tx, sqlInsertSession, int64(conversation), se.Number, se.firstNumber, db.Micros(se.StartedAt), db.NullID(createdBy),
		db.Micros(se.expiresAt), visit, se.Offline)
	return err
}

type storedSession struct {
	session
	createdBy id.Operator
}

// listSessions returns the newest sessions, newest first.
func listSessions(tx *db.Tx, conversation id.Conversation, limit int) ([]*storedSession, error) {
	return db.All(tx, sqlListSessions, []any{int64(conversation), limit}, func(r db.Scanner) (*storedSession, error) {
		var s storedSession
		var started, ended, expires int64
		var visit, said string
		if err := r.Scan(&s.ID, &s.Number, &s.firstNumber, &started, &ended, &s.EndReason, &s.createdBy, &expires, &visit, &said, &s.notes, &s.Offline); err != nil {
			return nil, err
		}
		s.StartedAt, s.EndedAt, s.expiresAt = db.Time(started), db.Time(ended), db.Time(expires)
		return &s, s.decode(visit, said)
	})
}

// dueConversations returns conversations for which the statement's time has come.
func dueConversations(tx *db.Tx, statement string, limit int) ([]id.Conversation, error) {
	return db.All(tx, statement, []any{db.Micros(tx.Now()), limit}, scanConversationID)
}

// nextDue is when the next alarm, review or transcript after a time is due, zero for none.
func nextDue(tx *db.Tx, after time.Time) (time.Time, error) {
	var at int64
	err := tx.One(sqlNextDue, []any{db.Micros(after)}, &at)
	return db.Time(at), err
}

func expiredConversations(tx *db.Tx, at time.Time, limit int) ([]id.Conversation, error) {
	return db.All(tx, sqlExpired, []any{db.Micros(at), limit}, scanConversationID)
}

// lastWritten is when contact or operator last wrote, from a message on.
func lastWritten(tx *db.Tx, conversation id.Conversation, from int) (time.Time, error) {
	var at int64
	err := tx.One(sqlLastWritten, []any{int64(conversation), from}, &at)
	return db.Time(at), err
}

func conversationsOfInactive(tx *db.Tx, limit int) ([]id.Conversation, error) {
	return db.All(tx, sqlOfInactive, []any{limit}, func(r db.Scanner) (c id.Conversation, err error) { return c, r.Scan(&c) })
}

// routeTo finds who of the group (0 means of all) is free, never except; 0 when nobody is.
func routeTo(tx *db.Tx, group id.Group, except id.Operator) (o id.Operator, err error) {
	if err = tx.One(sqlRoute, []any{int64(group), int64(except)}, &o); errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return o, err
}

func releaseGroup(tx *db.Tx, group id.Group) error {
	_, err := tx.Exec(sqlReleaseGroup, int64(group))
	return err
}

func loads(tx *db.Tx) (map[id.Operator]int, error) {
	type load struct {
		operator id.Operator
		n        int
	}
	rows, err := db.All(tx, sqlLoads, nil, func(r db.Scanner) (l load, err error) {
		err = r.Scan(&l.operator, &l.n)
		return l, err
	})
	if err != nil {
		return nil, err
	}
	out := make(map[id.Operator]int, len(rows))
	for _, l := range rows {
		out[l.operator] = l.n
	}
	return out, nil
}

func counts(tx *db.Tx, operator id.Operator) (c Counts, err error) {
	err = tx.One(sqlCounts, []any{int64(operator)}, &c.All, &c.Unassigned, &c.Mine, &c.Attention)
	return c, err
}
