package delivery

const (
	sqlEraseDeliveries = `UPDATE deliveries SET has_body = FALSE, last_error = '' WHERE event_id = $1 AND COALESCE(state, '') <> 'pending'`
	sqlEraseBodies     = `DELETE FROM delivery_bodies WHERE delivery_id IN (
  SELECT id FROM deliveries WHERE event_id = $1 AND COALESCE(state, '') <> 'pending' AND has_body = FALSE)`
	sqlEraseAttempts = `UPDATE delivery_attempts SET error = '', response_headers = '{}', response_body = '' WHERE delivery_id IN (
  SELECT id FROM deliveries WHERE event_id = $1 AND COALESCE(state, '') <> 'pending' AND has_body = FALSE)`

	sqlDropEvent = `UPDATE deliveries SET state = 'dropped', has_body = FALSE, next_at = 0, last_error = $3, finished_at = $4
WHERE event_id = $2 AND target = $1 AND COALESCE(state, '') = 'pending'`
	sqlDropBodies = `DELETE FROM delivery_bodies WHERE delivery_id IN (SELECT id FROM deliveries WHERE event_id = $2 AND target = $1 AND has_body = FALSE)`
	sqlLockTarget = `SELECT id FROM delivery_targets WHERE id = $1 FOR UPDATE`
)
