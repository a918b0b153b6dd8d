package delivery

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

func scanEntry(s db.Scanner) (Entry, error) {
	var e Entry
	var next, created, finished int64
	err := s.Scan(&e.ID, &e.Target, &e.Kind, &e.Ref, &e.Event, &e.Seq, &e.EventType, &e.Conversation, &e.Name, &e.Form, &e.Test, &e.State, &e.Attempts,
		&next, &created, &finished, &e.LastStatus, &e.LastError, &e.ReplayOf)
	e.NextAt, e.CreatedAt, e.FinishedAt = db.Time(next), db.Time(created), db.Time(finished)
	return e, err
}

func listDeliveries(tx *db.Tx, where []string, args []any, limit int) ([]Entry, error) {
	q := `SELECT ` + logColumns + logTables
	if len(where) > 0 {
		q += " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, limit)
	return db.All(tx, q+" ORDER BY d.id DESC LIMIT $"+strconv.Itoa(len(args)), args, scanEntry)
}

func getDelivery(tx *db.Tx, which id.Delivery) (Entry, error) {
	return db.First(tx, sqlGetDelivery, []any{int64(which)}, scanEntry)
}

// knownInstance is the installation's name, "" before the engine's first start.
func knownInstance(tx *db.Tx) (string, error) {
	var name string
	if err := tx.One(sqlGetInstance, nil, &name); err != nil && err != db.ErrNoRows {
		return "", err
	}
	return name, nil
}

func attempts(tx *db.Tx, which id.Delivery) ([]Attempt, error) {
	return db.All(tx, sqlAttempts, []any{int64(which)}, func(s db.Scanner) (Attempt, error) {
		var a Attempt
		var started, took, retry int64
		var sent, got string
		if err := s.Scan(&a.Number, &started, &took, &a.Outcome, &a.Status, &a.Error, &retry, &a.RequestURL, &sent, &got, &a.ResponseBody); err != nil {
			return a, err
		}
		a.StartedAt, a.Duration, a.RetryAt = db.Time(started), time.Duration(took)*time.Microsecond, db.Time(retry)
		a.RequestHeader, a.ResponseHeader = http.Header{}, http.Header{}
		if err := json.Unmarshal([]byte(sent), &a.RequestHeader); err != nil {
			return a, fmt.Errorf("attempt %d of delivery %d: %w", a.Number, which, err)
		}
		if err := json.Unmarshal([]byte(got), &a.ResponseHeader); err != nil {
			return a, fmt.Errorf("attempt %d of delivery %d: %w", a.Number, which, err)
		}
		return a, nil
	})
}

// replay copies a delivery; origin is the one that was queued first.
func replay(tx *db.Tx, origin, which id.Delivery) (id.Delivery, error) {
	var fresh id.Delivery
	var t Target
	var hasBody bool
	if err := tx.One(sqlReplay, []any{int64(which), db.Micros(tx.Now()), int64(origin)}, &fresh, &t, &hasBody); err != nil {
		return 0, err
	}
	if hasBody {
		if _, err := tx.Exec(sqlCopyBody, int64(fresh), int64(which)); err != nil {
			return 0, err
		}
	}
	return fresh, nil
}

func revive(tx *db.Tx, which id.Delivery) (Target, error) {
	var t Target
	err := tx.One(sqlRevive, []any{int64(which), db.Micros(tx.Now())}, &t)
	return t, err
}

func targetStats(tx *db.Tx, t Target) (Stats, time.Time, error) {
	var s Stats
	var last, probe, oldest int64
	var reason string
	if err := tx.One(sqlTargetState, []any{int64(t)}, &s.Breaker, &s.LastStatus, &last, &s.Paused, &reason, &probe); err != nil {
		return s, time.Time{}, err
	}
	s.LastAttemptAt, s.ProbeAt = db.Time(last), db.Time(probe)
	if err := tx.One(sqlCountPending, []any{int64(t)}, &s.Pending); err != nil {
		return s, time.Time{}, err
	}
	if err := tx.One(sqlCountDead, []any{int64(t)}, &s.Dead); err != nil {
		return s, time.Time{}, err
	}
	if err := tx.One(sqlOldest, []any{int64(t)}, &oldest); err != nil && err != db.ErrNoRows {
		return s, time.Time{}, err
	}
	return s, db.Time(oldest), nil
}

func forget(tx *db.Tx, before time.Time, limit int) (int, error) {
	old, err := db.All(tx, sqlOldDeliveries, []any{db.Micros(before), limit}, func(s db.Scanner) (int64, error) {
		var d int64
		err := s.Scan(&d)
		return d, err
	})
	if err != nil {
		return 0, err
	}
	for _, d := range old {
		for _, q := range []string{sqlDeleteAttempts, sqlDeleteBody, sqlDeleteDelivery} {
			if _, err := tx.Exec(q, d); err != nil {
				return 0, err
			}
		}
	}
	return len(old), nil
}
