package mail

import (
	"context"
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/mail/smtp"
)

// roster is all settings of mails at one version.
type roster struct {
	version string
	server  *smtp.Settings // nil for none
	unfit   error          // why the server's settings cannot be read
	widgets map[id.Widget]*Settings
}

// Why mails wait.
const (
	noWay       = "no mail server is set up, and the widget has no callback for mails"
	noServerKey = "the settings of the mail server cannot be read; save them again"

	unreadableToken = "the token of the widget's callback for mails cannot be read; save it again"
)

// of returns a widget's settings; nobody may change them.
func (r *roster) of(w id.Widget) *Settings {
	if s := r.widgets[w]; s != nil {
		return s
	}
	return standing(w)
}

// way returns how mails of a widget go out now: the reason is "" where they do, by the callback or else by the server.
func (r *roster) way(s *Settings) (reason string) {
	switch {
	case s.Callback && s.unfit != nil:
		return unreadableToken
	case s.Callback && s.callback == nil:
		return "the widget's callback for mails has no usable URL"
	case s.Callback:
	case r.unfit != nil:
		return noServerKey
	case r.server == nil:
		return noWay
	}
	return ""
}

// roster returns the settings as tx sees them. Decoding is kept while the version stays the same.
func (d *Desk) roster(tx *db.Tx) (*roster, error) {
	v, err := version(tx)
	if err != nil {
		return nil, fmt.Errorf("version of the mail settings: %w", err)
	}
	if r := d.cache.Load(); r != nil && r.version == v {
		return r, nil
	}
	list, err := readSettings(tx, d.Sealer)
	if err != nil {
		return nil, fmt.Errorf("read mail settings: %w", err)
	}
	r := &roster{version: v, widgets: make(map[id.Widget]*Settings, len(list))}
	for _, s := range list {
		if r.widgets[s.Widget] = s; s.unfit != nil {
			d.Logger.Error("the callback of a widget's mails cannot be used", "widget", s.Widget, "error", s.unfit)
		}
	}
	text, err := sealedServer(tx)
	if err != nil {
		return nil, fmt.Errorf("read the mail server: %w", err)
	}
	if r.server, r.unfit = openServer(d.Sealer, text); r.unfit != nil {
		d.Logger.Error("the mail server cannot be used", "error", r.unfit)
	}
	d.cache.Store(r)
	return r, nil
}

// now returns the settings in a transaction of its own.
func (d *Desk) now(ctx context.Context) (r *roster, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err = d.roster(tx)
		return err
	})
	return r, err
}

// changed makes every node look at the settings anew from this transaction on.
func (d *Desk) changed(tx *db.Tx) error {
	tx.OnCommit(func() {
		d.cache.Store(nil)
		d.Kick()
	})
	return setVersion(tx)
}
