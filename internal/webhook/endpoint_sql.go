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
  in_flight_limit, timeout_ms, created_at, updated_at, widget_filter, group_filter, rate_limit, private_ranges, success, policy_name, policy_email, policy_ip,
  policy_text, switches, hook_widget, hook`
	sqlInsertEndpoint = `INSERT INTO endpoints (target, name, url, dialect, dialect_version, events, headers, secret, previous_secret, previous_expires_at,
  state, state_reason, in_flight_limit, timeout_ms, created_at, updated_at, deleted_at)
VALUES (0, '', '', '', '', '', '', '', '', 0, '', '', 0, 0, $1, $1, 0) RETURNING id`
	sqlSaveEndpoint = `UPDATE endpoints SET target = $2, name = $3, url = $4, dialect = $5, dialect_version = $6, events = $7, headers = $8, secret = $9,
  previous_secret = $10, previous_expires_at = $11, state = $12, state_reason = $13, in_flight_limit = $14, timeout_ms = $15, updated_at = $16,
  widget_filter = $17, group_filter = $18, rate_limit = $19, private_ranges = $20, success = $21, policy_name = $22, policy_email = $23, policy_ip = $24,
  policy_text = $25, switches = $26, hook_widget = $27, hook = $28 WHERE id = $1`
	sqlDeleteEndpoint = `UPDATE endpoints SET deleted_at = $2, updated_at = $2, secret = '', previous_secret = '', headers = '' WHERE id = $1`
	sqlEndpoints      = `SELECT ` + endpointColumns + ` FROM endpoints WHERE deleted_at = 0 ORDER BY id`
	sqlLockEndpoint   = `SELECT ` + endpointColumns + ` FROM endpoints WHERE id = $1 AND deleted_at = 0 FOR UPDATE`
	sqlGetEndpoint    = `SELECT ` + endpointColumns + ` FROM endpoints WHERE id = $1 AND deleted_at = 0`
	// The index of them is partial, and counts where its conditions are repeated.
	sqlHooks      = `SELECT ` + endpointColumns + ` FROM endpoints WHERE hook_widget = $1 AND hook_widget > 0 AND deleted_at = 0 ORDER BY id`
	sqlHookIDs    = `SELECT id FROM endpoints WHERE hook_widget = $1 AND hook_widget > 0 AND deleted_at = 0 ORDER BY id`
	sqlWidgetName = `SELECT name FROM widgets WHERE id = $1`
	// The widget's row keeps two changes of its webhooks apart.
	sqlLockWidget = `SELECT name FROM widgets WHERE id = $1 FOR UPDATE`
	sqlVersion    = `SELECT value FROM settings WHERE name = 'endpoints_version'`
	sqlSetVersion = `INSERT INTO settings (name, value) VALUES ('endpoints_version', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	// The key that hashes of payload policies are made with, sealed. It is made once and never changed, else equal values would
	// not stay equal.
	sqlGetHashKey   = `SELECT value FROM settings WHERE name = 'policy_hash_key'`
	sqlSetHashKey   = `INSERT INTO settings (name, value) VALUES ('policy_hash_key', $1) ON CONFLICT (name) DO NOTHING`
	sqlHasWidget    = `SELECT COUNT(*) FROM widgets WHERE id = $1`
	sqlHasGroup     = `SELECT COUNT(*) FROM operator_groups WHERE id = $1`
	sqlStopEndpoint = `UPDATE endpoints SET state = $2, state_reason = $3, updated_at = $4 WHERE id = $1 AND deleted_at = 0`
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
	events, err := listText(e.Events)
	if err != nil {
		return err
	}
	widgets, err := listText(e.Widgets)
	if err != nil {
		return err
	}
	groups, err := listText(e.Groups)
	if err != nil {
		return err
	}
	switches, err := listText(e.Switches)
	if err != nil {
		return err
	}
	ranges, err := json.Marshal(e.PrivateRanges) // null is not the same as []
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
	_, err = tx.Exec(sqlSaveEndpoint, int64(e.ID), int64(e.target), e.Name, e.URL, e.Dialect, e.DialectVersion, events,
		s.Seal(sealContext("headers", e.ID), string(headers)), s.Seal(sealContext("secret", e.ID), e.secret.Reveal()), previous, db.Micros(e.previousExpires),
		e.State, e.StateReason, e.InFlightLimit, e.Timeout.Milliseconds(), db.Micros(tx.Now()),
		widgets, groups, e.RateLimit, string(ranges), e.Success, e.Policy.Name, e.Policy.Email, e.Policy.IP, e.Policy.Text, switches,
		int64(e.Hook.Widget), e.Hook.Name)
	return err
}

func listText[T any](list []T) (string, error) {
	b, err := json.Marshal(append([]T{}, list...))
	return string(b), err
}

// hashKey reads the key of the payload policies, nil when none was needed yet.
func hashKey(tx *db.Tx, s *secret.Sealer) ([]byte, error) {
	var sealed string
	if err := tx.One(sqlGetHashKey, nil, &sealed); err != nil {
		if err == db.ErrNoRows {
			return nil, nil
		}
		return nil, err
	}
	key, err := s.Open("settings.policy_hash_key", sealed)
	if err != nil {
		return nil, fmt.Errorf("key of the payload policies: %w", err)
	}
	return []byte(key.Reveal()), nil
}

// needHashKey makes the key unless there is one.
func needHashKey(tx *db.Tx, s *secret.Sealer) error {
	_, err := tx.Exec(sqlSetHashKey, s.Seal("settings.policy_hash_key", secret.Token("")))
	return err
}

// strangers returns the ids that the statement does not count.
func strangers[T ~int64](tx *db.Tx, q string, ids []T) (out []T, err error) {
	for _, i := range ids {
		var n int
		if err := tx.One(q, []any{int64(i)}, &n); err != nil {
			return nil, err
		}
		if n == 0 {
			out = append(out, i)
		}
	}
	return out, nil
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

func readHooks(tx *db.Tx, s *secret.Sealer, w id.Widget) ([]*Endpoint, error) {
	return db.All(tx, sqlHooks, []any{int64(w)}, scanEndpoint(s))
}

func hookIDs(tx *db.Tx, w id.Widget) ([]id.Endpoint, error) {
	return db.All(tx, sqlHookIDs, []any{int64(w)}, func(row db.Scanner) (e id.Endpoint, err error) {
		err = row.Scan(&e)
		return e, err
	})
}

// widgetName reads what a widget is called, with its row locked where the statement says so; db.ErrNoRows where there is none.
func widgetName(tx *db.Tx, q string, w id.Widget) (name string, err error) {
	err = tx.One(q, []any{int64(w)}, &name)
	return name, err
}

func lockEndpoint(tx *db.Tx, s *secret.Sealer, e id.Endpoint) (*Endpoint, error) {
	return db.First(tx, sqlLockEndpoint, []any{int64(e)}, scanEndpoint(s))
}

func scanEndpoint(s *secret.Sealer) func(db.Scanner) (*Endpoint, error) {
	return func(row db.Scanner) (*Endpoint, error) {
		e := &Endpoint{}
		var target, expires, timeout, created, updated int64
		var events, headers, current, previous, widgets, groups, ranges, switches string
		if err := row.Scan(&e.ID, &target, &e.Name, &e.URL, &e.Dialect, &e.DialectVersion, &events, &headers, &current, &previous, &expires, &e.State,
			&e.StateReason, &e.InFlightLimit, &timeout, &created, &updated, &widgets, &groups, &e.RateLimit, &ranges, &e.Success, &e.Policy.Name,
			&e.Policy.Email, &e.Policy.IP, &e.Policy.Text, &switches, &e.Hook.Widget, &e.Hook.Name); err != nil {
			return nil, err
		}
		e.target, e.previousExpires, e.Timeout = delivery.Target(target), db.Time(expires), time.Duration(timeout)*time.Millisecond
		e.CreatedAt, e.UpdatedAt = db.Time(created), db.Time(updated)
		for _, list := range []struct {
			what, text string
			to         any
		}{{"events", events, &e.Events}, {"widgets", widgets, &e.Widgets}, {"groups", groups, &e.Groups}, {"private ranges", ranges, &e.PrivateRanges},
			{"switches", switches, &e.Switches}} {
			if err := json.Unmarshal([]byte(list.text), list.to); err != nil {
				return nil, fmt.Errorf("endpoint %d: %s: %w", e.ID, list.what, err)
			}
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
