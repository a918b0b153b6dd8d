package team

import (
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	sqlOpenTab = `INSERT INTO operator_tabs (id, operator_id, seen_at, closed) VALUES ($1, $2, $3, FALSE)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, closed = FALSE`
	// A touch that comes after the close of the same tab must not bring it back.
	sqlTouchTab = `INSERT INTO operator_tabs (id, operator_id, seen_at, closed)
SELECT CAST($1 AS TEXT), o.id, CAST($3 AS BIGINT), FALSE FROM operators o WHERE o.id = $2 AND o.active
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at WHERE operator_tabs.closed = FALSE AND operator_tabs.seen_at < excluded.seen_at`
	// Closing a tab that was given up already must not start a new grace time.
	sqlCloseTab = `UPDATE operator_tabs SET closed = TRUE, seen_at = CASE WHEN seen_at > $4 THEN CAST($3 AS BIGINT) ELSE 0 END
WHERE id = $1 AND operator_id = $2 AND closed = FALSE`
	sqlTabsOf      = `SELECT operator_id, seen_at, closed FROM operator_tabs WHERE operator_id = $1`
	sqlAllTabs     = `SELECT operator_id, seen_at, closed FROM operator_tabs`
	sqlDropTabs    = `DELETE FROM operator_tabs WHERE operator_id = $1`
	sqlForgetTabs  = `DELETE FROM operator_tabs WHERE (closed = TRUE AND seen_at < $1) OR seen_at < $2`
	sqlAllStatuses = `SELECT id, availability, status, active FROM operators ORDER BY id`
)

func openTab(tx *db.Tx, t Tab) error {
	if _, err := tx.Exec(sqlOpenTab, t.ID, int64(t.Operator), db.Micros(tx.Now())); err != nil {
		return fmt.Errorf("open tab of operator %d: %w", t.Operator, err)
	}
	return nil
}

func touchTab(tx *db.Tx, t Tab) error {
	if _, err := tx.Exec(sqlTouchTab, t.ID, int64(t.Operator), db.Micros(tx.Now())); err != nil {
		return fmt.Errorf("touch tab of operator %d: %w", t.Operator, err)
	}
	return nil
}

func closeTab(tx *db.Tx, t Tab) error {
	if _, err := tx.Exec(sqlCloseTab, t.ID, int64(t.Operator), db.Micros(tx.Now()), db.Micros(tx.Now().Add(-TabAlive))); err != nil {
		return fmt.Errorf("close tab of operator %d: %w", t.Operator, err)
	}
	return nil
}

func tabsOf(tx *db.Tx, operatorID id.Operator) ([]tab, error) {
	list, err := db.All(tx, sqlTabsOf, []any{int64(operatorID)}, scanTab)
	if err != nil {
		return nil, fmt.Errorf("tabs of operator %d: %w", operatorID, err)
	}
	return list, nil
}

func allTabs(tx *db.Tx) (map[id.Operator][]tab, error) {
	list, err := db.All(tx, sqlAllTabs, nil, scanTab)
	if err != nil {
		return nil, fmt.Errorf("list tabs: %w", err)
	}
	out := map[id.Operator][]tab{}
	for _, t := range list {
		out[t.operator] = append(out[t.operator], t)
	}
	return out, nil
}

func scanTab(r db.Scanner) (t tab, err error) {
	var seen int64
	err = r.Scan(&t.operator, &seen, &t.closed)
	t.seen = db.Time(seen)
	return t, err
}

func dropTabs(tx *db.Tx, operatorID id.Operator) error {
	if _, err := tx.Exec(sqlDropTabs, int64(operatorID)); err != nil {
		return fmt.Errorf("drop tabs of operator %d: %w", operatorID, err)
	}
	return nil
}

// forgetTabs deletes rows that stopped counting long ago. The delay lets a late touch still meet the closed row.
func forgetTabs(tx *db.Tx, grace time.Duration) error {
	now := tx.Now()
	if _, err := tx.Exec(sqlForgetTabs, db.Micros(now.Add(-grace-TabAlive)), db.Micros(now.Add(-2*TabAlive-grace))); err != nil {
		return fmt.Errorf("forget old tabs: %w", err)
	}
	return nil
}

// standing is what a sweep compares with the definition.
type standing struct {
	id                   id.Operator
	availability, status string
	active               bool
}

func allStandings(tx *db.Tx) ([]standing, error) {
	list, err := db.All(tx, sqlAllStatuses, nil, func(r db.Scanner) (s standing, err error) {
		err = r.Scan(&s.id, &s.availability, &s.status, &s.active)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list statuses: %w", err)
	}
	return list, nil
}

func (s standing) due(tabs []tab, now time.Time, grace time.Duration) bool {
	return s.status != Status(s.availability, present(tabs, now, grace), s.active)
}

// statusOf is the definition applied to the rows that tx sees.
func statusOf(tx *db.Tx, o *event.Operator, grace time.Duration) (string, error) {
	tabs, err := tabsOf(tx, o.ID)
	if err != nil {
		return "", err
	}
	return Status(o.Availability, present(tabs, tx.Now(), grace), o.Active), nil
}
