package delivery

const (
	sqlEraseDeliveries = `UPDATE deliveries SET has_body = FALSE, last_error = '' WHERE event_id = $1 AND COALESCE(state, '') <> 'pending'`
	sqlEraseBodies     = `DELETE FROM delivery_bodies WHERE delivery_id IN (
  SELECT id FROM deliveries WHERE event_id = $1 AND COALESCE(state, '') <> 'pending' AND has_body = FALSE)`
	sqlEraseAttempts = `UPDATE delivery_attempts SET error = '', response_headers = '{}', response_body = '' WHERE delivery_id IN (
  SELECT id FROM deliveries WHERE event_id = $1 AND COALESCE(state, '') <> 'pending' AND has_body = FALSE)`
)
