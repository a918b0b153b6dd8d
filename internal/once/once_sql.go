package once

const (
	sqlClaim = `INSERT INTO idempotency_keys (scope, key, request, answer, created_at) VALUES ($1, $2, $3, '', $4)
ON CONFLICT (scope, key) DO NOTHING`
	sqlInsertAnswer = `INSERT INTO idempotency_keys (scope, key, request, answer, created_at) VALUES ($1, $2, $3, $4, $5)`
	sqlGetAnswer    = `SELECT request, answer FROM idempotency_keys WHERE scope = $1 AND key = $2`
	sqlStoreAnswer  = `UPDATE idempotency_keys SET answer = $3 WHERE scope = $1 AND key = $2`
	sqlForget       = `DELETE FROM idempotency_keys WHERE (scope, key) IN (
  SELECT scope, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)`
)
