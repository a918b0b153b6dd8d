package team

import (
	"errors"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

const (
	sqlInsertToken = `INSERT INTO api_tokens (name, scope, token_hash, prefix, created_by, created_at, last_used_at, revoked_at)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0) RETURNING id`
	sqlFindToken   = `SELECT id, name, scope, last_used_at FROM api_tokens WHERE token_hash = $1 AND revoked_at = 0`
	sqlTouchToken  = `UPDATE api_tokens SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`
	sqlRevokeToken = `UPDATE api_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at = 0`
	sqlListTokens  = `SELECT t.id, t.name, t.scope, t.prefix, t.created_at, t.last_used_at, COALESCE(t.created_by, 0),
  COALESCE(o.first_name, ''), COALESCE(o.last_name, ''), COALESCE(o.username, '')
FROM api_tokens t LEFT JOIN operators o ON o.id = t.created_by WHERE t.revoked_at = 0 ORDER BY t.id`
)

func insertToken(tx *db.Tx, t *Token, hash string) error {
	t.CreatedAt = tx.Now()
	err := tx.One(sqlInsertToken, []any{t.Name, t.Scope, hash, t.Prefix, db.NullID(t.CreatedBy), db.Micros(t.CreatedAt)}, &t.ID)
	if err != nil {
		return fmt.Errorf("insert API token: %w", err)
	}
	return nil
}

// findToken returns a token that was not revoked; db.ErrNoRows when there is none.
func findToken(tx *db.Tx, hash string) (*Token, error) {
	var t Token
	var used int64
	err := tx.One(sqlFindToken, []any{hash}, &t.ID, &t.Name, &t.Scope, &used)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return nil, fmt.Errorf("find API token: %w", err)
	}
	t.LastUsedAt = db.Time(used)
	return &t, err
}

func touchToken(tx *db.Tx, t id.Token) error {
	if _, err := tx.Exec(sqlTouchToken, int64(t), db.Micros(tx.Now())); err != nil {
		return fmt.Errorf("touch API token %d: %w", t, err)
	}
	return nil
}

func revokeToken(tx *db.Tx, t id.Token) error {
	n, err := tx.Exec(sqlRevokeToken, int64(t), db.Micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("revoke API token %d: %w", t, err)
	}
	if n == 0 {
		return fault.Newf(fault.TokenNotFound, "there is no API token %d", t)
	}
	return nil
}

func listTokens(tx *db.Tx) ([]Token, error) {
	list, err := db.All(tx, sqlListTokens, nil, func(r db.Scanner) (t Token, err error) {
		var created, used int64
		var first, last, username string
		err = r.Scan(&t.ID, &t.Name, &t.Scope, &t.Prefix, &created, &used, &t.CreatedBy, &first, &last, &username)
		t.CreatedAt, t.LastUsedAt, t.CreatedByName = db.Time(created), db.Time(used), (&event.Operator{FirstName: first, LastName: last, Username: username}).Name()
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return list, nil
}
