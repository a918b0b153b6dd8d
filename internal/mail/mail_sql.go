package mail

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/id"
)

const (
	mailColumns = `m.id, COALESCE(m.event_id, 0), m.widget_id, m.contact_id, COALESCE(m.conversation_id, 0), m.kind, m.receiver, m.first, m.last, m.reauth_id,
  m.asked_by, m.state, CASE WHEN m.state = 'queued' AND t.state = 'waiting' THEN t.reason ELSE m.reason END, m.created_at, m.done_at, COALESCE(d.id, 0)`
	mailFrom      = ` FROM mails m LEFT JOIN deliveries d ON d.id = m.delivery_id LEFT JOIN mail_targets t ON t.widget_id = m.widget_id`
	sqlInsertMail = `INSERT INTO mails (delivery_id, widget_id, contact_id, conversation_id, kind, receiver, receiver_hash, first, last, reauth_id, asked_by, state, reason,
  created_at, done_at)
VALUES (0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', '', $11, 0) RETURNING id`
	sqlSetDelivery = `UPDATE mails SET event_id = $2, delivery_id = $3 WHERE id = $1`
	sqlMailByID    = `SELECT ` + mailColumns + mailFrom + ` WHERE m.id = $1`
	sqlMailOf      = `SELECT ` + mailColumns + mailFrom + ` WHERE m.event_id = $1`
	// What has gone out stays sent, whatever becomes of a replay; and what was dropped stays so.
	sqlSetState = `UPDATE mails SET state = $2, reason = $3, done_at = $4 WHERE event_id = $1 AND (state IN ('queued', 'failed') OR state = 'sent' AND $2 = 'sent')`
	sqlSetWait  = `UPDATE mails SET reason = $2 WHERE event_id = $1 AND state = 'queued'`

	// Counts of mails since a time, and the oldest of them. By a visitor's wish is what nobody of the company asked for, but answers that an
	// operator gave.
	ofWishes         = sqlCount + ` AND receiver_hash = $2 AND kind <> 'missed'` + notOfTeam
	ofReauths        = sqlCount + ` AND receiver_hash = $2 AND kind = 'reauth'`
	ofMissed         = sqlCount + ` AND receiver_hash = $2 AND kind = 'missed'`
	ofContact        = sqlCount + ` AND contact_id = $2 AND kind = 'transcript'` + notOfTeam
	ofConversation   = sqlCount + ` AND conversation_id = $2 AND kind = 'transcript'` + notOfTeam
	ofOtherReceivers = `SELECT COUNT(DISTINCT receiver_hash), COALESCE(MIN(created_at), 0) FROM mails
WHERE created_at > $1 AND contact_id = $2 AND receiver_hash <> $3 AND kind = 'transcript'` + notOfTeam
	sqlCount  = `SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM mails WHERE created_at > $1`
	notOfTeam = ` AND asked_by NOT LIKE 'operator:%' AND asked_by NOT LIKE 'token:%'`
	// Two who count at the same time would both find room for one more. SQLite's one writer needs no lock.
	sqlLockCountPostgres = `SELECT pg_advisory_xact_lock(CAST($1 AS BIGINT))`

	sqlLastTranscript = `SELECT COALESCE(MAX(created_at), 0) FROM mails WHERE conversation_id = $1 AND kind = 'transcript' AND (asked_by LIKE 'operator:%' OR asked_by LIKE 'token:%')`

	sqlForgetMails = `DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE created_at < $1 AND state <> 'queued' ORDER BY created_at LIMIT $2)`

	// Of a contact whose data was deleted.
	sqlLockReceivers = `SELECT receiver FROM mails WHERE contact_id = $1 ORDER BY id FOR UPDATE`
	sqlLockReceiver  = `SELECT receiver FROM mails WHERE id = $1 FOR UPDATE`
	// What is known against an address stays where others have it as well.
	sqlEraseBounces = `DELETE FROM mail_bounces WHERE address IN (SELECT m.receiver FROM mails m WHERE m.contact_id = $1
  AND NOT EXISTS (SELECT 1 FROM mails o WHERE o.receiver_hash = m.receiver_hash AND o.contact_id <> $1 AND o.receiver <> ''))`
	sqlEraseMails = `UPDATE mails SET receiver = '', reason = CASE WHEN state = 'queued' THEN $2 ELSE '' END,
  done_at = CASE WHEN state = 'queued' THEN $3 ELSE done_at END, state = CASE WHEN state = 'queued' THEN 'dropped' ELSE state END, ends_at = $3 WHERE contact_id = $1`
	sqlDueEnds = `SELECT id, event_id, widget_id FROM mails WHERE ends_at > 0 AND ends_at <= $1 ORDER BY ends_at LIMIT $2`
	sqlSetEnds = `UPDATE mails SET ends_at = $2 WHERE id = $1`

	sqlBounce    = `SELECT address, code, reason, mail_id, at FROM mail_bounces WHERE address = $1`
	sqlSetBounce = `INSERT INTO mail_bounces (address, code, reason, mail_id, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (address) DO UPDATE SET code = excluded.code, reason = excluded.reason, mail_id = excluded.mail_id, at = excluded.at`
	sqlClearBounce   = `DELETE FROM mail_bounces WHERE address = $1`
	sqlForgetBounces = `DELETE FROM mail_bounces WHERE address IN (SELECT address FROM mail_bounces WHERE at < $1 LIMIT $2)`

	sqlTarget       = `SELECT widget_id, target, state, reason FROM mail_targets WHERE widget_id = $1 AND target <> 0`
	sqlAllTargets   = `SELECT widget_id, target, state, reason FROM mail_targets WHERE target <> 0 ORDER BY target`
	sqlClaimTarget  = `INSERT INTO mail_targets (widget_id, target, state, reason) VALUES ($1, 0, 'ok', '') ON CONFLICT (widget_id) DO NOTHING`
	sqlSetTarget    = `UPDATE mail_targets SET target = $2 WHERE widget_id = $1`
	sqlTargetState  = `UPDATE mail_targets SET state = $2, reason = $3 WHERE widget_id = $1`
	sqlFailedSince  = `SELECT COUNT(*) FROM mails WHERE widget_id = $1 AND done_at > $2 AND state = 'failed'`
	sqlWidgetsNamed = `SELECT w.id, w.name FROM widgets w ORDER BY w.id`
)

func insertMail(tx *db.Tx, m *Mail) (err error) {
	m.ID, err = db.Insert[id.Mail](tx, sqlInsertMail, int64(m.Widget), int64(m.Contact), db.NullID(m.Conversation), m.Kind, m.Receiver, m.hash, m.first, m.last, m.reauth,
		m.AskedBy, db.Micros(m.CreatedAt))
	return err
}

func setDelivery(tx *db.Tx, m *Mail) error {
	_, err := tx.Exec(sqlSetDelivery, int64(m.ID), int64(m.event), int64(m.Delivery))
	return err
}

func scanMail(r db.Scanner) (*Mail, error) {
	var m Mail
	var created, done int64
	err := r.Scan(&m.ID, &m.event, &m.Widget, &m.Contact, &m.Conversation, &m.Kind, &m.Receiver, &m.first, &m.last, &m.reauth, &m.AskedBy, &m.State, &m.Reason,
		&created, &done, &m.Delivery)
	m.CreatedAt, m.DoneAt = db.Time(created), db.Time(done)
	return &m, err
}

func mailByID(tx *db.Tx, which id.Mail) (*Mail, error) {
	return db.First(tx, sqlMailByID, []any{int64(which)}, scanMail)
}

// mailOf is the mail of an event, nil when it is not stored any more.
func mailOf(tx *db.Tx, e id.Event) (*Mail, error) {
	m, err := db.First(tx, sqlMailOf, []any{int64(e)}, scanMail)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return m, err
}

func setState(tx *db.Tx, e id.Event, state, reason string, at time.Time) (changed bool, err error) {
	n, err := tx.Exec(sqlSetState, int64(e), state, reason, db.Micros(at))
	return n > 0, err
}

func setWait(tx *db.Tx, e id.Event, reason string) error {
	_, err := tx.Exec(sqlSetWait, int64(e), reason)
	return err
}

// countMails counts mails since a time, and returns when the oldest of them was made.
func countMails(tx *db.Tx, of string, since time.Time, args []any) (n int, oldest time.Time, err error) {
	var at int64
	err = tx.One(of, append([]any{db.Micros(since)}, args...), &n, &at)
	return n, db.Time(at), err
}

// lockCount keeps others from counting the same until tx ends. It comes after the lock of a conversation or contact, and receivers come before
// contacts.
func lockCount(tx *db.Tx, what string) error {
	if tx.Engine() != db.Postgres {
		return nil
	}
	h := fnv.New64a()
	h.Write([]byte("mails of " + what))
	if _, err := tx.Exec(sqlLockCountPostgres, int64(h.Sum64())); err != nil {
		return fmt.Errorf("lock the count of mails: %w", err)
	}
	return nil
}

// lastTranscript is when somebody of the company last asked for a transcript of a conversation.
func lastTranscript(tx *db.Tx, c id.Conversation) (time.Time, error) {
	var at int64
	err := tx.One(sqlLastTranscript, []any{int64(c)}, &at)
	return db.Time(at), err
}

func listMails(tx *db.Tx, f Filter) ([]*Mail, error) {
	var q strings.Builder
	var args []any
	bind := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	q.WriteString(`SELECT ` + mailColumns + mailFrom + ` WHERE m.id < ` + bind(int64(f.Before)))
	if f.Conversation != 0 {
		q.WriteString(` AND m.conversation_id = ` + bind(int64(f.Conversation)))
	}
	if f.Contact != 0 {
		q.WriteString(` AND m.contact_id = ` + bind(int64(f.Contact)))
	}
	if f.State != "" {
		q.WriteString(` AND m.state = ` + bind(f.State))
	}
	q.WriteString(` ORDER BY m.id DESC LIMIT ` + bind(f.Limit))
	return db.All(tx, q.String(), args, scanMail)
}

// forgetMails deletes old mails that are not waiting, and reports whether there may be more.
func forgetMails(tx *db.Tx, before time.Time, limit int) (more bool, err error) {
	n, err := tx.Exec(sqlForgetMails, db.Micros(before), limit)
	return n == int64(limit), err
}

// eraseMails drops what waits for a contact and forgets to whom mails of theirs went. Their deliveries are ended later, see dueEnds.
func eraseMails(tx *db.Tx, c id.Contact) error {
	// Mails are locked before bounces everywhere.
	if _, err := db.All(tx, sqlLockReceivers, []any{int64(c)}, scanReceiver); err != nil {
		return err
	}
	if _, err := tx.Exec(sqlEraseBounces, int64(c)); err != nil {
		return err
	}
	_, err := tx.Exec(sqlEraseMails, int64(c), erased, db.Micros(tx.Now()))
	return err
}

func scanReceiver(r db.Scanner) (receiver string, err error) { return receiver, r.Scan(&receiver) }

// lockReceiver returns to whom a mail goes, "" where that is not stored any more, and keeps it so until tx ends.
func lockReceiver(tx *db.Tx, m id.Mail) (string, error) {
	receiver, err := db.First(tx, sqlLockReceiver, []any{int64(m)}, scanReceiver)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return receiver, err
}

// ended is a mail of a contact whose data was deleted, and whose deliveries are to be ended.
type ended struct {
	mail   id.Mail
	event  id.Event
	widget id.Widget
}

func dueEnds(tx *db.Tx, limit int) ([]ended, error) {
	return db.All(tx, sqlDueEnds, []any{db.Micros(tx.Now()), limit}, func(r db.Scanner) (e ended, err error) {
		err = r.Scan(&e.mail, &e.event, &e.widget)
		return e, err
	})
}

// setEnds says when the deliveries of a mail are looked at again; zero for never.
func setEnds(tx *db.Tx, m id.Mail, at time.Time) error {
	_, err := tx.Exec(sqlSetEnds, int64(m), db.Micros(at))
	return err
}

// bounceOf returns nil where nothing is known against an address.
func bounceOf(tx *db.Tx, address string) (*Bounce, error) {
	b, err := db.First(tx, sqlBounce, []any{address}, func(r db.Scanner) (*Bounce, error) {
		var b Bounce
		var at int64
		err := r.Scan(&b.Address, &b.Code, &b.Reason, &b.Mail, &at)
		b.At = db.Time(at)
		return &b, err
	})
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return b, err
}

func setBounce(tx *db.Tx, b *Bounce) error {
	_, err := tx.Exec(sqlSetBounce, b.Address, b.Code, b.Reason, int64(b.Mail), db.Micros(tx.Now()))
	return err
}

func clearBounce(tx *db.Tx, address string) error {
	_, err := tx.Exec(sqlClearBounce, address)
	return err
}

func forgetBounces(tx *db.Tx, before time.Time, limit int) (more bool, err error) {
	n, err := tx.Exec(sqlForgetBounces, db.Micros(before), limit)
	return n == int64(limit), err
}

// target is a widget's way into the delivery engine.
type target struct {
	widget        id.Widget
	id            delivery.Target
	state, reason string
}

func scanTarget(r db.Scanner) (*target, error) {
	var t target
	return &t, r.Scan(&t.widget, &t.id, &t.state, &t.reason)
}

// findTarget returns nil for a widget that has never sent a mail.
func findTarget(tx *db.Tx, w id.Widget) (*target, error) {
	t, err := db.First(tx, sqlTarget, []any{int64(w)}, scanTarget)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return t, err
}

// allTargets returns them in the order in which they are locked.
func allTargets(tx *db.Tx) ([]*target, error) { return db.All(tx, sqlAllTargets, nil, scanTarget) }

// claimTarget reports whether this transaction is the one that makes the widget's target; another one that wants to waits for it.
func claimTarget(tx *db.Tx, w id.Widget) (bool, error) {
	n, err := tx.Exec(sqlClaimTarget, int64(w))
	return n == 1, err
}

func setTarget(tx *db.Tx, w id.Widget, t delivery.Target) error {
	_, err := tx.Exec(sqlSetTarget, int64(w), int64(t))
	return err
}

func setTargetState(tx *db.Tx, w id.Widget, state, reason string) error {
	_, err := tx.Exec(sqlTargetState, int64(w), state, reason)
	return err
}

func failedSince(tx *db.Tx, w id.Widget, since time.Time) (n int, err error) {
	err = tx.One(sqlFailedSince, []any{int64(w), db.Micros(since)}, &n)
	return n, err
}

// widgetsNamed are all widgets by id and name.
func widgetsNamed(tx *db.Tx) ([]State, error) {
	return db.All(tx, sqlWidgetsNamed, nil, func(r db.Scanner) (s State, err error) {
		err = r.Scan(&s.Widget, &s.Name)
		return s, err
	})
}
