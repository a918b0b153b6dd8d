package onsite

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	visitorColumns = `v.id, v.widget_id, v.secret_hash, v.contact_id, v.from_key, v.started_at, v.seen_at, v.left_at, v.told, v.visit, v.trail`
	sqlByHash      = `SELECT ` + visitorColumns + ` FROM site_visitors v WHERE v.secret_hash = $1 FOR UPDATE`
	sqlLockVisitor = `SELECT ` + visitorColumns + ` FROM site_visitors v WHERE v.id = $1 FOR UPDATE`
	sqlJustLeft    = `SELECT ` + visitorColumns + ` FROM site_visitors v WHERE v.from_key = $1 AND v.left_at > $2 ORDER BY v.left_at DESC LIMIT 10 FOR UPDATE`
	sqlCount       = `SELECT COUNT(*) FROM (SELECT 1 FROM site_visitors WHERE widget_id = $1 AND seen_at > $2 LIMIT $3) AS here`
	sqlInsert      = `INSERT INTO site_visitors (widget_id, secret_hash, contact_id, from_key, started_at, seen_at, left_at, told, visit, trail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`
	sqlSave = `UPDATE site_visitors SET secret_hash = $2, contact_id = $3, seen_at = $4, left_at = $5, told = $6, visit = $7, trail = $8, from_key = $9 WHERE id = $1`
	sqlLeft = `UPDATE site_visitors SET left_at = $3, seen_at = $3 WHERE secret_hash = $1 AND widget_id = $2 AND left_at = 0`
	sqlTold = `UPDATE site_visitors SET told = $2 WHERE id = $1 AND told < $2`
	// Whether a contact is in a conversation on the website.
	inConversation = `FROM conversations k WHERE k.contact_id = v.contact_id AND k.widget_id = v.widget_id AND k.status <> 'ended' AND k.channel_type = 'website'`
	// A visitor who writes without answering is talked to in their conversation.
	sqlWaiting = `SELECT i.id, i.operator_id, i.body, i.created_at, v.told FROM site_invitations i JOIN site_visitors v ON v.id = i.visitor_id
WHERE i.visitor_id = $1 AND i.answered_at = 0 AND i.expires_at > $2 AND NOT EXISTS (SELECT 1 ` + inConversation + `) ORDER BY i.id DESC LIMIT 1`
	sqlUntold = `SELECT v.id FROM site_invitations i JOIN site_visitors v ON v.id = i.visitor_id
WHERE i.answered_at = 0 AND i.expires_at > $1 AND v.told < i.id`
	sqlOpenConversation = `SELECT COALESCE((SELECT MAX(k.id) ` + inConversation + `), 0) FROM site_visitors v WHERE v.id = $1`
	sqlList             = `SELECT ` + visitorColumns + `, COALESCE(c.name, ''), COALESCE(c.handle, ''), COALESCE((SELECT MAX(k.id) ` + inConversation + `), 0),
  COALESCE((SELECT MAX(i.created_at) FROM site_invitations i WHERE i.visitor_id = v.id AND i.answered_at = 0 AND i.expires_at > $4), 0)
FROM site_visitors v LEFT JOIN contacts c ON c.id = v.contact_id
WHERE v.widget_id IN (SELECT w.id FROM widgets w WHERE w.active AND w.show_visitors AND NOT w.privacy_mode AND (CAST($1 AS BIGINT) = 0 OR w.id = $1))
  AND v.seen_at > $2 AND (v.left_at = 0 OR v.left_at > $3)
ORDER BY v.started_at DESC, v.id DESC LIMIT $5`
	sqlInsertInvitation = `INSERT INTO site_invitations (visitor_id, widget_id, operator_id, body, created_at, expires_at, answered_at)
VALUES ($1, $2, $3, $4, $5, $6, 0) RETURNING id`
	sqlGetInvitation = `SELECT operator_id, body, created_at FROM site_invitations WHERE id = $1 AND answered_at = 0 AND expires_at > $2 AND widget_id = $3`
	// From then on the text is the conversation's.
	sqlAnswered = `UPDATE site_invitations SET answered_at = $2, body = '' WHERE id = $1 AND answered_at = 0`
	// An invitation that is still shown finds its visitor when their computer wakes up again; what is known of them goes all the same.
	sqlForget = `UPDATE site_visitors SET contact_id = 0, from_key = '', visit = '{}', trail = '[]' WHERE id IN (SELECT v.id FROM site_visitors v
  WHERE v.seen_at < $1 AND v.from_key <> '' ORDER BY v.seen_at LIMIT $2)`
	sqlPurgeVisitors = `DELETE FROM site_visitors WHERE id IN (SELECT v.id FROM site_visitors v WHERE v.seen_at < $1
  AND NOT EXISTS (SELECT 1 FROM site_invitations i WHERE i.visitor_id = v.id AND i.answered_at = 0 AND i.expires_at > $3) ORDER BY v.seen_at LIMIT $2)`
	sqlEraseInvitations = `DELETE FROM site_invitations WHERE visitor_id IN (SELECT v.id FROM site_visitors v WHERE v.contact_id = $1)`
	sqlEraseVisitors    = `DELETE FROM site_visitors WHERE contact_id = $1`
	sqlPurgeInvitations = `DELETE FROM site_invitations WHERE id IN (SELECT id FROM site_invitations WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`
)

func scanRow(s db.Scanner, more ...any) (*row, error) {
	var r row
	var started, seen, left int64
	var visit, trail string
	dest := []any{&r.ID, &r.Widget, &r.hash, &r.Contact, &r.from, &started, &seen, &left, &r.told, &visit, &trail}
	if err := s.Scan(append(dest, more...)...); err != nil {
		return nil, err
	}
	r.StartedAt, r.SeenAt, r.leftAt = db.Time(started), db.Time(seen), db.Time(left)
	if err := errors.Join(json.Unmarshal([]byte(visit), &r.Visit), json.Unmarshal([]byte(trail), &r.Trail)); err != nil {
		return nil, fmt.Errorf("visitor %d: %w", r.ID, err)
	}
	return &r, nil
}

// found turns the lack of a row into nil.
func found(r *row, err error) (*row, error) {
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

func one(tx *db.Tx, query string, args ...any) (*row, error) {
	return found(db.First(tx, query, args, func(s db.Scanner) (*row, error) { return scanRow(s) }))
}

func byHash(tx *db.Tx, hash string) (*row, error) { return one(tx, sqlByHash, hash) }

func lockVisitor(tx *db.Tx, visitor id.Visitor) (*row, error) {
	return one(tx, sqlLockVisitor, int64(visitor))
}

// justLeft returns the visitors with this digest whose page was left after a time, the latest first.
func justLeft(tx *db.Tx, from string, after time.Time) ([]*row, error) {
	return db.All(tx, sqlJustLeft, []any{from, db.Micros(after)}, func(s db.Scanner) (*row, error) { return scanRow(s) })
}

// count returns how many visitors of a widget were seen after a time, limit at most.
func count(tx *db.Tx, widget id.Widget, after time.Time, limit int) (n int, err error) {
	err = tx.One(sqlCount, []any{int64(widget), db.Micros(after), limit}, &n)
	return n, err
}

func (r *row) texts() (visit, trail string, err error) {
	v, err := json.Marshal(r.Visit)
	if err != nil {
		return "", "", err
	}
	trail, err = r.trail()
	return string(v), trail, err
}

func insert(tx *db.Tx, r *row) error {
	visit, trail, err := r.texts()
	if err != nil {
		return err
	}
	r.ID, err = db.Insert[id.Visitor](tx, sqlInsert, int64(r.Widget), r.hash, int64(r.Contact), r.from, db.Micros(r.StartedAt), db.Micros(r.SeenAt), db.Micros(r.leftAt),
		int64(r.told), visit, trail)
	return err
}

func save(tx *db.Tx, r *row) error {
	visit, trail, err := r.texts()
	if err != nil {
		return err
	}
	_, err = tx.Exec(sqlSave, int64(r.ID), r.hash, int64(r.Contact), db.Micros(r.SeenAt), db.Micros(r.leftAt), int64(r.told), visit, trail, r.from)
	return err
}

func left(tx *db.Tx, hash string, widget id.Widget, at time.Time) error {
	_, err := tx.Exec(sqlLeft, hash, int64(widget), db.Micros(at))
	return err
}

func setTold(tx *db.Tx, visitor id.Visitor, invitation id.Invitation) error {
	_, err := tx.Exec(sqlTold, int64(visitor), int64(invitation))
	return err
}

// invitation is a row of site_invitations.
type invitation struct {
	id       id.Invitation
	operator id.Operator
	body     string
	at       time.Time
	told     bool // the visitor's page has got it
}

// waiting returns the invitation that waits for a visitor, nil for none.
func waiting(tx *db.Tx, visitor id.Visitor, now time.Time) (*invitation, error) {
	var i invitation
	var at int64
	var told id.Invitation
	err := tx.One(sqlWaiting, []any{int64(visitor), db.Micros(now)}, &i.id, &i.operator, &i.body, &at, &told)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	i.at, i.told = db.Time(at), told >= i.id
	return &i, err
}

// untold returns the visitors for whom an invitation waits that their pages have not got.
func untold(tx *db.Tx, now time.Time) ([]id.Visitor, error) {
	return db.All(tx, sqlUntold, []any{db.Micros(now)}, func(s db.Scanner) (v id.Visitor, err error) {
		err = s.Scan(&v)
		return v, err
	})
}

// openConversation returns the conversation on the website that the visitor's contact is in, 0 for none.
func openConversation(tx *db.Tx, visitor id.Visitor) (c id.Conversation, err error) {
	err = tx.One(sqlOpenConversation, []any{int64(visitor)}, &c)
	return c, err
}

func list(tx *db.Tx, widget id.Widget, seen, leftAfter, now time.Time) ([]*Visitor, error) {
	return db.All(tx, sqlList, []any{int64(widget), db.Micros(seen), db.Micros(leftAfter), db.Micros(now), MaxListed}, func(s db.Scanner) (*Visitor, error) {
		var c event.Contact
		var conversation id.Conversation
		var invited int64
		r, err := scanRow(s, &c.Name, &c.Handle, &conversation, &invited)
		if err != nil {
			return nil, err
		}
		v := r.Visitor
		c.ID, v.Conversation, v.InvitedAt = v.Contact, conversation, db.Time(invited)
		switch {
		case c.ID == 0:
			v.Name = guestName(v.ID)
		case c.Name != "":
			v.Name = c.Name
		default:
			v.Name = c.HandleName()
		}
		return &v, nil
	})
}

func insertInvitation(tx *db.Tx, r *row, by id.Operator, body string, now time.Time) (id.Invitation, error) {
	return db.Insert[id.Invitation](tx, sqlInsertInvitation, int64(r.ID), int64(r.Widget), int64(by), body, db.Micros(now), db.Micros(now.Add(InviteFor)))
}

// getInvitation returns an unanswered invitation of a widget that was still shown at a time, nil for none.
func getInvitation(tx *db.Tx, widget id.Widget, which id.Invitation, at time.Time) (*invitation, error) {
	i := invitation{id: which}
	var created int64
	err := tx.One(sqlGetInvitation, []any{int64(which), db.Micros(at), int64(widget)}, &i.operator, &i.body, &created)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	i.at = db.Time(created)
	return &i, err
}

// answered marks an invitation as answered and reports whether it was not before.
func answered(tx *db.Tx, which id.Invitation, at time.Time) (bool, error) {
	n, err := tx.Exec(sqlAnswered, int64(which), db.Micros(at))
	return n == 1, err
}

// purge removes up to limit visitors for whom no invitation waits, what is known of as many others, and as many invitations that are of no use
// any more, and reports whether there may be more.
func purge(tx *db.Tx, seenBefore, overBefore, now time.Time, limit int) (more bool, err error) {
	v, err := tx.Exec(sqlPurgeVisitors, db.Micros(seenBefore), limit, db.Micros(now))
	if err != nil {
		return false, err
	}
	f, err := tx.Exec(sqlForget, db.Micros(seenBefore), limit)
	if err != nil {
		return false, err
	}
	i, err := tx.Exec(sqlPurgeInvitations, db.Micros(overBefore), limit)
	return max(v, f, i) == int64(limit), err
}

// erase removes the pages of a contact, and what operators wrote to them there.
func erase(tx *db.Tx, contact id.Contact) error {
	if _, err := tx.Exec(sqlEraseInvitations, int64(contact)); err != nil {
		return err
	}
	_, err := tx.Exec(sqlEraseVisitors, int64(contact))
	return err
}
