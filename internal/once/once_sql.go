package once

const (
	sqlClaim = `INSERT INTO idempotency_keys (scope, key, request, answer, created_at) VALUES ($1, $2, $3, '', $4)
ON CONFLICT (scope, key) DO NOTHING`
	sqlInsertAnswer = `INSERT INTO idempotency_keys (scope, key, request, answer, created_at) VALUES ($1, $2, $3, $4, $5)`
	sqlGetAnswer    = `SELECT request, answer FROM idempotency_keys WHERE scope = $1 AND key = $2`
	sqlDropKey      = `DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2`
	sqlDropScope    = `DELETE FROM idempotency_keys WHERE scope = $1`
	sqlStoreAnswer  = `UPDATE idempotency_keys SET answer = $3 WHERE scope = $1 AND key = $2`
	// Ids follow the order of time closely enough: the oldest of the table are looked at, and of these only the old ones go.
	sqlForget = `DELETE FROM idempotency_keys WHERE id IN (
  SELECT id FROM (SELECT id, created_at FROM idempotency_keys ORDER BY id LIMIT $2) AS oldest WHERE created_at < $1)`
)
