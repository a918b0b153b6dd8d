// Package once makes repeated writes harmless: the key of a write and its answer are stored in the write's own
// transaction, and a repeat gets the stored answer.
//
// A key belongs to a scope (who writes, and where). The same key with another request is a conflict, not an answer.
// Keys are kept for 7 days. It imports db only; a nil-safe value, safe for concurrent use.
package once

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/fault"
)

// Keep is how long an answer is remembered.
const Keep = 7 * 24 * time.Hour

// Key identifies one write. The zero Key means "not idempotent".
type Key struct {
	Scope string // who and where, for example "operator:3 POST /conversations/42/messages"
	Value string // the caller's key
	// Request is a digest of what was asked, so that a key cannot be used twice for different things.
	Request string
}

// Digest makes a Key's Request from the request's bytes.
func Digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Check refuses keys that are not 1 to 128 visible ASCII characters. An empty key means "none" and passes.
func Check(key string) error {
	if len(key) > 128 {
		return fault.New(fault.KeyInvalid, "the idempotency key is longer than 128 characters").At("Idempotency-Key")
	}
	for _, c := range []byte(key) {
		if c < '!' || c > '~' {
			return fault.New(fault.KeyInvalid, "the idempotency key holds a character that is not visible ASCII").At("Idempotency-Key")
		}
	}
	return nil
}

// Do runs fn unless key was used before; then it returns the stored answer and repeated = true. The answer is stored as
// JSON in tx, so it exists exactly if the write does. With two concurrent uses the later one waits or is run again by db.
func Do[T any](tx *db.Tx, key Key, fn func() (T, error)) (answer T, repeated bool, err error) {
	if key.Value == "" {
		answer, err = fn()
		return answer, false, err
	}
	if repeated, err = claim(tx, key, &answer); repeated || err != nil {
		return answer, repeated, err
	}
	if answer, err = fn(); err != nil {
		return answer, false, err
	}
	b, err := json.Marshal(answer)
	if err == nil {
		err = store(tx, key, string(b))
	}
	if err != nil {
		return answer, false, fmt.Errorf("store answer of idempotency key: %w", err)
	}
	return answer, false, nil
}

// claim looks whether the key was used, and reads the answer then. On PostgreSQL it also takes the key, so that a second
// writer waits here for the first one's commit; SQLite has one writer, who needs to write only once, at the end.
func claim(tx *db.Tx, key Key, answer any) (used bool, err error) {
	if tx.Engine() == db.Postgres {
		n, err := tx.Exec(sqlClaim, key.Scope, key.Value, key.Request, db.Micros(tx.Now()))
		if err != nil {
			return false, fmt.Errorf("claim idempotency key: %w", err)
		}
		if n == 1 {
			return false, nil
		}
	}
	var request, stored string
	err = tx.One(sqlGetAnswer, []any{key.Scope, key.Value}, &request, &stored)
	switch {
	case errors.Is(err, db.ErrNoRows) && tx.Engine() == db.SQLite:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read idempotency key: %w", err)
	case request != key.Request:
		return false, fault.New(fault.KeyReused, "this idempotency key was used for a different request; use a new key").At("Idempotency-Key")
	}
	if err := json.Unmarshal([]byte(stored), answer); err != nil {
		return false, fmt.Errorf("stored answer of idempotency key: %w", err)
	}
	return true, nil
}

func store(tx *db.Tx, key Key, answer string) error {
	if tx.Engine() == db.Postgres {
		_, err := tx.Exec(sqlStoreAnswer, key.Scope, key.Value, answer)
		return err
	}
	_, err := tx.Exec(sqlInsertAnswer, key.Scope, key.Value, key.Request, answer, db.Micros(tx.Now()))
	return err
}

// Forget deletes keys older than Keep, at most limit of them, and returns how many.
func Forget(ctx context.Context, d *db.DB, limit int) (int64, error) {
	var n int64
	err := d.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		n, err = tx.Exec(sqlForget, db.Micros(tx.Now().Add(-Keep)), limit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget idempotency keys: %w", err)
	}
	return n, nil
}

// Drop forgets a key as part of tx, or every key of the scope where its Value is "": what it stood for has been erased.
func Drop(tx *db.Tx, key Key) error {
	statement, args := sqlDropKey, []any{key.Scope, key.Value}
	if key.Value == "" {
		statement, args = sqlDropScope, args[:1]
	}
	if _, err := tx.Exec(statement, args...); err != nil {
		return fmt.Errorf("drop idempotency keys: %w", err)
	}
	return nil
}
