package widget

import (
	"encoding/json"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	columns = `id, key, name, lang, COALESCE(group_id, 0), domains, color, position, title, subtitle, greeting, theme,
  session_timeout_seconds, identity_required, identity_secret, active, created_at, updated_at`
	sqlInsertWidget = `INSERT INTO widgets (key, name, lang, group_id, domains, color, position, title, subtitle, greeting, theme,
  session_timeout_seconds, identity_required, identity_secret, active, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16) RETURNING id`
	sqlUpdateWidget = `UPDATE widgets SET name = $2, lang = $3, group_id = $4, domains = $5, color = $6, position = $7, title = $8,
  subtitle = $9, greeting = $10, theme = $11, session_timeout_seconds = $12, identity_required = $13, identity_secret = $14, active = $15, updated_at = $16
WHERE id = $1`
	sqlGetWidget   = `SELECT ` + columns + ` FROM widgets WHERE id = $1`
	sqlLockWidget  = `SELECT ` + columns + ` FROM widgets WHERE id = $1 FOR UPDATE`
	sqlWidgetByKey = `SELECT ` + columns + ` FROM widgets WHERE key = $1`
	sqlListWidgets = `SELECT ` + columns + ` FROM widgets ORDER BY id`
)

// row is a widget with its sealed identity secret.
type row struct {
	event.Widget
	sealed string
}

func insertWidget(tx *db.Tx, w *row) error {
	domains, err := json.Marshal(w.Domains)
	if err != nil {
		return fmt.Errorf("encode domains: %w", err)
	}
	return tx.One(sqlInsertWidget, []any{w.Key, w.Name, w.Lang, db.NullID(w.GroupID), string(domains), w.Color, w.Position, w.Title,
		w.Subtitle, w.Greeting, w.Theme, w.SessionTimeoutSeconds, w.IdentityRequired, w.sealed, w.Active, db.Micros(w.CreatedAt)}, &w.ID)
}

func updateWidget(tx *db.Tx, w *row) error {
	domains, err := json.Marshal(w.Domains)
	if err != nil {
		return fmt.Errorf("encode domains: %w", err)
	}
	_, err = tx.Exec(sqlUpdateWidget, int64(w.ID), w.Name, w.Lang, db.NullID(w.GroupID), string(domains), w.Color, w.Position, w.Title,
		w.Subtitle, w.Greeting, w.Theme, w.SessionTimeoutSeconds, w.IdentityRequired, w.sealed, w.Active, db.Micros(w.UpdatedAt))
	return err
}

func getWidget(tx *db.Tx, widget id.Widget) (*row, error) {
	return db.First(tx, sqlGetWidget, []any{int64(widget)}, scanWidget)
}

func lockWidget(tx *db.Tx, widget id.Widget) (*row, error) {
	return db.First(tx, sqlLockWidget, []any{int64(widget)}, scanWidget)
}

func widgetByKey(tx *db.Tx, key string) (*row, error) {
	return db.First(tx, sqlWidgetByKey, []any{key}, scanWidget)
}

func listWidgets(tx *db.Tx) ([]*row, error) { return db.All(tx, sqlListWidgets, nil, scanWidget) }

func scanWidget(r db.Scanner) (*row, error) {
	var w row
	var domains string
	var created, updated int64
	if err := r.Scan(&w.ID, &w.Key, &w.Name, &w.Lang, &w.GroupID, &domains, &w.Color, &w.Position, &w.Title, &w.Subtitle, &w.Greeting, &w.Theme,
		&w.SessionTimeoutSeconds, &w.IdentityRequired, &w.sealed, &w.Active, &created, &updated); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(domains), &w.Domains); err != nil {
		return nil, fmt.Errorf("domains of widget %d: %w", w.ID, err)
	}
	w.HasIdentitySecret = w.sealed != ""
	w.CreatedAt, w.UpdatedAt = db.Time(created), db.Time(updated)
	return &w, nil
}
