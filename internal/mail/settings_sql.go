package mail

import (
	"encoding/json"
	"errors"
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/secret"
)

const (
	settingsColumns = `widget_id, inbound_url, callback, callback_url, callback_token, context_as_text, transcript_on_end, transcript_offer, sign_in, missed_after,
  from_name, logo_url, texts`
	sqlAllSettings  = `SELECT ` + settingsColumns + ` FROM widget_mail`
	sqlLockSettings = `SELECT ` + settingsColumns + ` FROM widget_mail WHERE widget_id = $1 FOR UPDATE`
	sqlSaveSettings = `INSERT INTO widget_mail (` + settingsColumns + `, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (widget_id) DO UPDATE SET inbound_url = excluded.inbound_url, callback = excluded.callback, callback_url = excluded.callback_url,
  callback_token = excluded.callback_token, context_as_text = excluded.context_as_text, transcript_on_end = excluded.transcript_on_end,
  transcript_offer = excluded.transcript_offer, sign_in = excluded.sign_in, missed_after = excluded.missed_after, from_name = excluded.from_name,
  logo_url = excluded.logo_url, texts = excluded.texts, updated_at = excluded.updated_at`

	sqlServer     = `SELECT settings FROM mail_server WHERE one = 1`
	sqlSaveServer = `INSERT INTO mail_server (one, settings, updated_at) VALUES (1, $1, $2)
ON CONFLICT (one) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at`
	sqlRemoveServer = `DELETE FROM mail_server`

	sqlVersion    = `SELECT value FROM settings WHERE name = 'mail_version'`
	sqlSetVersion = `INSERT INTO settings (name, value) VALUES ('mail_version', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)

func tokenContext(w id.Widget) string { return fmt.Sprintf("mail.token.%d", w) }

// scanSettings reads rows of settings.
func scanSettings(with *secret.Sealer) func(db.Scanner) (*Settings, error) {
	return func(r db.Scanner) (*Settings, error) {
		var s Settings
		var token, texts string
		if err := r.Scan(&s.Widget, &s.InboundURL, &s.Callback, &s.CallbackURL, &token, &s.ContextAsText, &s.TranscriptOnEnd, &s.TranscriptOffer, &s.SignIn,
			&s.MissedAfter, &s.FromName, &s.LogoURL, &texts); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(texts), &s.Texts); err != nil {
			return nil, fmt.Errorf("texts of the mails of widget %d: %w", s.Widget, err)
		}
		if token != "" {
			// One widget that cannot be served must not fail everybody's commands.
			if s.token, s.unfit = with.Open(tokenContext(s.Widget), token); s.unfit != nil {
				s.sealed = token
			}
		}
		s.derive()
		return &s, nil
	}
}

func readSettings(tx *db.Tx, with *secret.Sealer) ([]*Settings, error) {
	return db.All(tx, sqlAllSettings, nil, scanSettings(with))
}

// lockSettings reads the settings of a widget to change them; those that nobody has set are the usual ones.
func lockSettings(tx *db.Tx, with *secret.Sealer, w id.Widget) (*Settings, error) {
	s, err := db.First(tx, sqlLockSettings, []any{int64(w)}, scanSettings(with))
	if errors.Is(err, db.ErrNoRows) {
		return standing(w), nil
	}
	return s, err
}

func saveSettings(tx *db.Tx, with *secret.Sealer, s *Settings) error {
	texts, err := json.Marshal(s.Texts)
	if err != nil {
		return fmt.Errorf("encode texts: %w", err)
	}
	token := s.sealed
	if !s.token.IsZero() {
		token = with.Seal(tokenContext(s.Widget), s.token.Reveal())
	}
	_, err = tx.Exec(sqlSaveSettings, int64(s.Widget), s.InboundURL, s.Callback, s.CallbackURL, token, s.ContextAsText, s.TranscriptOnEnd, s.TranscriptOffer, s.SignIn,
		s.MissedAfter, s.FromName, s.LogoURL, string(texts), db.Micros(tx.Now()))
	return err
}

// sealedServer returns the mail server's settings as they are stored, "" for none.
func sealedServer(tx *db.Tx) (text string, err error) {
	if err = tx.One(sqlServer, nil, &text); errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return text, err
}

func saveServer(tx *db.Tx, sealed string) error {
	_, err := tx.Exec(sqlSaveServer, sealed, db.Micros(tx.Now()))
	return err
}

func removeServer(tx *db.Tx) error {
	_, err := tx.Exec(sqlRemoveServer)
	return err
}

// version is the word that changes with every change of any settings of mails.
func version(tx *db.Tx) (string, error) {
	var v string
	if err := tx.One(sqlVersion, nil, &v); err != nil && !errors.Is(err, db.ErrNoRows) {
		return "", err
	}
	return v, nil
}

func setVersion(tx *db.Tx) error {
	_, err := tx.Exec(sqlSetVersion, secret.UUID())
	return err
}
