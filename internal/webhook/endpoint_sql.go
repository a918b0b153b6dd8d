package webhook

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/secret"
)

const (
	endpointColumns = `id, target, name, url, dialect, dialect_version, events, headers, secret, previous_secret, previous_expires_at, state, state_reason,
  in_flight_limit, timeout_ms, created_at, updated_at`
	sqlInsertEndpoint = `INSERT INTO endpoints (target, name, url, dialect, dialect_version, events, headers, secret, previous_secret, previous_expires_at,
  state, state_reason, in_flight_limit, timeout_ms, created_at, updated_at, deleted_at)
VALUES (0, '', '', '', '', '', '', '', '', 0, '', '', 0, 0, $1, $1, 0) RETURNING id`
	sqlSaveEndpoint = `UPDATE endpoints SET target = $2, name = $3, url = $4, dialect = $5, dialect_version = $6, events = $7, headers = $8, secret = $9,
  previous_secret = $10, previous_expires_at = $11, state = $12, state_reason = $13, in_flight_limit = $14, timeout_ms = $15, updated_at = $16 WHERE id = $1`
	sqlDeleteEndpoint = `UPDATE endpoints SET deleted_at = $2, updated_at = $2, secret = '', previous_secret = '', headers = '' WHERE id = $1`
	sqlEndpoints      = `SELECT ` + endpointColumns + ` FROM endpoints WHERE deleted_at = 0 ORDER BY id`
	sqlLockEndpoint   = `SELECT ` + endpointColumns + ` FROM endpoints WHERE id = $1 AND deleted_at = 0 FOR UPDATE`
	sqlGetEndpoint    = `SELECT ` + endpointColumns + ` FROM endpoints WHERE id = $1 AND deleted_at = 0`
	sqlVersion        = `SELECT value FROM settings WHERE name = 'endpoints_version'`
	sqlSetVersion     = `INSERT INTO settings (name, value) VALUES ('endpoints_version', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	sqlStopEndpoint   = `UPDATE endpoints SET state = $2, state_reason = $3, updated_at = $4 WHERE id = $1 AND deleted_at = 0`
)

func insertEndpoint(tx *db.Tx) (id.Endpoint, error) {
	var e id.Endpoint
	err := tx.One(sqlInsertEndpoint, []any{db.Micros(tx.Now())}, &e)
	return e, err
}

// sealContext names the column and row that a sealed value belongs to.
func sealContext(column string, e id.Endpoint) string {
	return "endpoint." + column + "." + strconv.FormatInt(int64(e), 10)
}

func saveEndpoint(tx *db.Tx, s *secret.Sealer, e *Endpoint) error {
	events, err := json.Marshal(append([]string{}, e.Events...))
	if err != nil {
		return err
	}
	plain := map[string]string{}
	for name, v := range e.Headers {
		plain[name] = v.Reveal()
	}
	headers, err := json.Marshal(plain)
	if err != nil {
		return err
	}
	previous := ""
	if !e.previous.IsZero() {
		previous = s.Seal(sealContext("previous_secret", e.ID), e.previous.Reveal())
	}
	_, err = tx.Exec(sqlSaveEndpoint, int64(e.ID), int64(e.target), e.Name, e.URL, e.Dialect, e.DialectVersion, string(events),
		s.Seal(sealContext("headers", e.ID), string(headers)), s.Seal(sealContext("secret", e.ID), e.secret.Reveal()), previous, db.Micros(e.previousExpires),
		e.State, e.StateReason, e.InFlightLimit, e.Timeout.Milliseconds(), db.Micros(tx.Now()))
	return err
}

func deleteEndpoint(tx *db.Tx, e id.Endpoint) error {
	_, err := tx.Exec(sqlDeleteEndpoint, int64(e), db.Micros(tx.Now()))
	return err
}

func stopEndpoint(tx *db.Tx, e id.Endpoint, state, reason string) error {
	_, err := tx.Exec(sqlStopEndpoint, int64(e), state, reason, db.Micros(tx.Now()))
	return err
}

// version is the word that changes with every change of any endpoint.
func version(tx *db.Tx) (string, error) {
	var v string
	if err := tx.One(sqlVersion, nil, &v); err != nil && err != db.ErrNoRows {
		return "", err
	}
	return v, nil
}

func setVersion(tx *db.Tx) error {
	_, err := tx.Exec(sqlSetVersion, secret.UUID())
	return err
}

func readEndpoints(tx *db.Tx, s *secret.Sealer) ([]*Endpoint, error) {
	return db.All(tx, sqlEndpoints, nil, scanEndpoint(s))
}

func getEndpoint(tx *db.Tx, s *secret.Sealer, e id.Endpoint) (*Endpoint, error) {
	return db.First(tx, sqlGetEndpoint, []any{int64(e)}, scanEndpoint(s))
}

func lockEndpoint(tx *db.Tx, s *secret.Sealer, e id.Endpoint) (*Endpoint, error) {
	return db.First(tx, sqlLockEndpoint, []any{int64(e)}, scanEndpoint(s))
}

func scanEndpoint(s *secret.Sealer) func(db.Scanner) (*Endpoint, error) {
	return func(row db.Scanner) (*Endpoint, error) {
		e := &Endpoint{}
		var target, expires, timeout, created, updated int64
		var events, headers, current, previous string
		if err := row.Scan(&e.ID, &target, &e.Name, &e.URL, &e.Dialect, &e.DialectVersion, &events, &headers, &current, &previous, &expires, &e.State,
			&e.StateReason, &e.InFlightLimit, &timeout, &created, &updated); err != nil {
			return nil, err
		}
		e.target, e.previousExpires, e.Timeout = delivery.Target(target), db.Time(expires), time.Duration(timeout)*time.Millisecond
		e.CreatedAt, e.UpdatedAt = db.Time(created), db.Time(updated)
		if err := json.Unmarshal([]byte(events), &e.Events); err != nil {
			return nil, fmt.Errorf("endpoint %d: events: %w", e.ID, err)
		}
		plain, err := s.Open(sealContext("headers", e.ID), headers)
		if err != nil {
			return nil, fmt.Errorf("endpoint %d: headers: %w", e.ID, err)
		}
		var values map[string]string
		if err := json.Unmarshal([]byte(plain.Reveal()), &values); err != nil {
			return nil, fmt.Errorf("endpoint %d: headers: %w", e.ID, err)
		}
		e.Headers = map[string]secret.String{}
		for name, v := range values {
			e.Headers[name] = secret.Of(v)
		}
		if e.secret, err = s.Open(sealContext("secret", e.ID), current); err != nil {
			return nil, fmt.Errorf("endpoint %d: secret: %w", e.ID, err)
		}
		if previous != "" {
			if e.previous, err = s.Open(sealContext("previous_secret", e.ID), previous); err != nil {
				return nil, fmt.Errorf("endpoint %d: previous secret: %w", e.ID, err)
			}
		}
		e.HasSecret = !e.secret.IsZero()
		return e, nil
	}
}
