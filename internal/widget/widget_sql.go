package widget

import (
	"encoding/json"
	"fmt"
	"strings"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	columns = `id, key, name, lang, COALESCE(group_id, 0), domains, color, position, title, subtitle, greeting, theme,
  session_timeout_seconds, identity_required, identity_secret, active, created_at, updated_at,
  privacy_mode, rating_form, ask_feedback, survey, goals, presence, hours, offline_form, unanswered_seconds, transcript_hook, show_visitors`
	sqlInsertWidget = `INSERT INTO widgets (key, name, lang, group_id, domains, color, position, title, subtitle, greeting, theme,
  session_timeout_seconds, identity_required, identity_secret, active, created_at, updated_at,
  privacy_mode, rating_form, ask_feedback, survey, goals, presence, hours, offline_form, unanswered_seconds, transcript_hook, show_visitors)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, $19, $20, $21,
  $22, $23, $24, $25, $26, $27) RETURNING id`
	sqlUpdateWidget = `UPDATE widgets SET name = $2, lang = $3, group_id = $4, domains = $5, color = $6, position = $7, title = $8,
  subtitle = $9, greeting = $10, theme = $11, session_timeout_seconds = $12, identity_required = $13, identity_secret = $14, active = $15, updated_at = $16,
  privacy_mode = $17, rating_form = $18, ask_feedback = $19, survey = $20, goals = $21,
  presence = $22, hours = $23, offline_form = $24, unanswered_seconds = $25, transcript_hook = $26, show_visitors = $27
WHERE id = $1`
	sqlGetWidget   = `SELECT ` + columns + ` FROM widgets WHERE id = $1`
	sqlLockWidget  = `SELECT ` + columns + ` FROM widgets WHERE id = $1 FOR UPDATE`
	sqlWidgetByKey = `SELECT ` + columns + ` FROM widgets WHERE key = $1`
	sqlListWidgets = `SELECT ` + columns + ` FROM widgets ORDER BY id`
	sqlSetGoals    = `UPDATE widgets SET goals = $2 WHERE id = $1`
	sqlInsertGoal  = `INSERT INTO widget_goals (widget_id) VALUES ($1) RETURNING id`
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
		w.Subtitle, w.Greeting, w.Theme, w.SessionTimeoutSeconds, w.IdentityRequired, w.sealed, w.Active, db.Micros(w.CreatedAt),
		w.PrivacyMode, w.RatingForm, w.AskFeedback, encodeSurvey(w.Survey), encodeGoals(w.Goals),
		w.Presence, encodeHours(w.Hours), w.OfflineForm, w.UnansweredSeconds, w.TranscriptHook, w.ShowVisitors}, &w.ID)
}

func updateWidget(tx *db.Tx, w *row) error {
	domains, err := json.Marshal(w.Domains)
	if err != nil {
		return fmt.Errorf("encode domains: %w", err)
	}
	_, err = tx.Exec(sqlUpdateWidget, int64(w.ID), w.Name, w.Lang, db.NullID(w.GroupID), string(domains), w.Color, w.Position, w.Title,
		w.Subtitle, w.Greeting, w.Theme, w.SessionTimeoutSeconds, w.IdentityRequired, w.sealed, w.Active, db.Micros(w.UpdatedAt),
		w.PrivacyMode, w.RatingForm, w.AskFeedback, encodeSurvey(w.Survey), encodeGoals(w.Goals),
		w.Presence, encodeHours(w.Hours), w.OfflineForm, w.UnansweredSeconds, w.TranscriptHook, w.ShowVisitors)
	return err
}

// numberGoals gives the new goals of a stored widget their ids and reports whether there were any.
func numberGoals(tx *db.Tx, w *row) (bool, error) {
	var goals []event.Goal
	for i, g := range w.Goals {
		if g.ID != 0 {
			continue
		}
		if goals == nil {
			goals = append(goals, w.Goals...) // what others hold of the list stays as it is
		}
		var err error
		if goals[i].ID, err = db.Insert[id.Goal](tx, sqlInsertGoal, int64(w.ID)); err != nil {
			return false, err
		}
	}
	if goals == nil {
		return false, nil
	}
	w.Goals = goals
	return true, nil
}

func storeGoals(tx *db.Tx, w *row) error {
	_, err := tx.Exec(sqlSetGoals, int64(w.ID), encodeGoals(w.Goals))
	return err
}

// Survey and goals are stored as lines, not as JSON: every message of a visitor reads its widget, and 50 goals cost a few
// microseconds and one allocation so. No text in them can hold a line break or a tab (oneLine).

func encodeSurvey(s *event.SurveyForm) string {
	if s == nil {
		return ""
	}
	return s.Question + "\n" + strings.Join(s.Options, "\n")
}

func decodeSurvey(text string) *event.SurveyForm {
	if text == "" {
		return nil
	}
	question, options, _ := strings.Cut(text, "\n")
	return &event.SurveyForm{Question: question, Options: strings.Split(options, "\n")}
}

func encodeGoals(goals []event.Goal) string {
	var b strings.Builder
	for _, g := range goals {
		fmt.Fprintf(&b, "%d\t%s\t%s\t%s\n", g.ID, g.Match, g.Pattern, g.Name)
	}
	return b.String()
}

func decodeGoals(text string) ([]event.Goal, error) {
	if text == "" {
		return nil, nil
	}
	out := make([]event.Goal, 0, strings.Count(text, "\n"))
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		number, line, _ := strings.Cut(line, "\t")
		n, err := id.Parse(number)
		if err != nil {
			return nil, fmt.Errorf("goal %q: %w", number, err)
		}
		match, line, _ := strings.Cut(line, "\t")
		pattern, name, _ := strings.Cut(line, "\t")
		out = append(out, event.Goal{ID: id.Goal(n), Name: name, Match: match, Pattern: pattern})
	}
	return out, nil
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
	var domains, survey, goals, hours string
	var created, updated int64
	if err := r.Scan(&w.ID, &w.Key, &w.Name, &w.Lang, &w.GroupID, &domains, &w.Color, &w.Position, &w.Title, &w.Subtitle, &w.Greeting, &w.Theme,
		&w.SessionTimeoutSeconds, &w.IdentityRequired, &w.sealed, &w.Active, &created, &updated,
		&w.PrivacyMode, &w.RatingForm, &w.AskFeedback, &survey, &goals,
		&w.Presence, &hours, &w.OfflineForm, &w.UnansweredSeconds, &w.TranscriptHook, &w.ShowVisitors); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(domains), &w.Domains); err != nil {
		return nil, fmt.Errorf("domains of widget %d: %w", w.ID, err)
	}
	w.Survey = decodeSurvey(survey)
	var err error
	if w.Goals, err = decodeGoals(goals); err != nil {
		return nil, fmt.Errorf("widget %d: %w", w.ID, err)
	}
	if w.Hours, err = decodeHours(hours); err != nil {
		return nil, fmt.Errorf("hours of widget %d: %w", w.ID, err)
	}
	w.HasIdentitySecret = w.sealed != ""
	w.CreatedAt, w.UpdatedAt = db.Time(created), db.Time(updated)
	return &w, nil
}
