package team

import (
	"errors"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	sqlInsertSession = `INSERT INTO operator_sessions (token_hash, operator_id, user_agent, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $4, $5)`
	sqlGetSession    = `SELECT s.operator_id, s.seen_at, s.expires_at FROM operator_sessions s JOIN operators o ON o.id = s.operator_id
WHERE s.token_hash = $1 AND s.expires_at > $2 AND o.active`
	sqlTouchSession   = `UPDATE operator_sessions SET seen_at = $2, expires_at = $3 WHERE token_hash = $1`
	sqlDeleteSession  = `DELETE FROM operator_sessions WHERE token_hash = $1`
	sqlDeleteSessions = `DELETE FROM operator_sessions WHERE operator_id = $1 AND token_hash <> $2`
	sqlOldSessions    = `DELETE FROM operator_sessions WHERE expires_at <= $1`
	sqlInsertLink     = `INSERT INTO sign_in_links (token_hash, operator_id, created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, 0)`
	sqlUseLink        = `UPDATE sign_in_links SET used_at = $2 WHERE token_hash = $1 AND used_at = 0 AND expires_at > $2 RETURNING operator_id`
	sqlDeleteLinks    = `DELETE FROM sign_in_links WHERE operator_id = $1`
	sqlOldLinks       = `DELETE FROM sign_in_links WHERE expires_at <= $1`
)

func insertSession(tx *db.Tx, hash string, o id.Operator, userAgent string) error {
	if _, err := tx.Exec(sqlInsertSession, hash, int64(o), userAgent, db.Micros(tx.Now()), db.Micros(tx.Now().Add(SessionKeep))); err != nil {
		return fmt.Errorf("insert session of operator %d: %w", o, err)
	}
	return nil
}

type session struct {
	operator      id.Operator
	seen, expires time.Time
}

// findSession returns a session that is not over and whose operator is active; db.ErrNoRows when there is none.
func findSession(tx *db.Tx, hash string) (session, error) {
	var s session
	var seen, expires int64
	err := tx.One(sqlGetSession, []any{hash, db.Micros(tx.Now())}, &s.operator, &seen, &expires)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return s, fmt.Errorf("find session: %w", err)
	}
	s.seen, s.expires = db.Time(seen), db.Time(expires)
	return s, err
}

func touchSession(tx *db.Tx, hash string) error {
	if _, err := tx.Exec(sqlTouchSession, hash, db.Micros(tx.Now()), db.Micros(tx.Now().Add(SessionKeep))); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

func deleteSession(tx *db.Tx, hash string) error {
	if _, err := tx.Exec(sqlDeleteSession, hash); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// deleteSessions ends all sessions of the operator but the one with the hash keep ("" keeps none), and all open links.
func deleteSessions(tx *db.Tx, o id.Operator, keep string) error {
	if _, err := tx.Exec(sqlDeleteSessions, int64(o), keep); err != nil {
		return fmt.Errorf("delete sessions of operator %d: %w", o, err)
	}
	if _, err := tx.Exec(sqlDeleteLinks, int64(o)); err != nil {
		return fmt.Errorf("delete sign-in links of operator %d: %w", o, err)
	}
	return nil
}

func insertLink(tx *db.Tx, hash string, o id.Operator, ttl time.Duration) error {
	if _, err := tx.Exec(sqlInsertLink, hash, int64(o), db.Micros(tx.Now()), db.Micros(tx.Now().Add(ttl))); err != nil {
		return fmt.Errorf("insert sign-in link of operator %d: %w", o, err)
	}
	return nil
}

// useLink marks the link as used and returns whose it is; db.ErrNoRows when it is unknown, used or over.
func useLink(tx *db.Tx, hash string) (o id.Operator, err error) {
	err = tx.One(sqlUseLink, []any{hash, db.Micros(tx.Now())}, &o)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return 0, fmt.Errorf("use sign-in link: %w", err)
	}
	return o, err
}

func forgetOld(tx *db.Tx) error {
	now := db.Micros(tx.Now())
	if _, err := tx.Exec(sqlOldSessions, now); err != nil {
		return fmt.Errorf("forget old sessions: %w", err)
	}
	if _, err := tx.Exec(sqlOldLinks, now); err != nil {
		return fmt.Errorf("forget old sign-in links: %w", err)
	}
	return nil
}
