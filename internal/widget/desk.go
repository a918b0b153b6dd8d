package widget

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
)

// Options are what a Desk needs.
type Options struct {
	DB     *db.DB
	Feed   *feed.Feed
	Sealer *secret.Sealer
}

// Desk has the use cases of widgets. Safe for concurrent use.
type Desk struct{ Options }

// New makes a Desk.
func New(o Options) *Desk { return &Desk{o} }

const sealContext = "widget.identity_secret"

// Create makes a widget with defaults for what the change leaves out; the name is required.
func (d *Desk) Create(ctx context.Context, by team.Actor, key once.Key, ch Change) (*event.Widget, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var out *event.Widget
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		made, _, err := once.Do(tx, key, func() (id.Widget, error) {
			w := &row{Widget: event.Widget{
				Key: keyPrefix + base64.RawURLEncoding.EncodeToString(secret.Random(12)), Lang: "en", Domains: []string{}, Color: defaultColor, Position: "right",
				Title: "Chat with us", Theme: "auto", SessionTimeoutSeconds: DefaultSessionTime,
				RatingForm: event.RateStars, AskFeedback: true, Presence: event.PresenceAuto, UnansweredSeconds: DefaultUnanswered, Active: true,
				CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
			}}
			if ch.Name == nil {
				return 0, fault.New(fault.FieldRequired, "name is missing").At("name")
			}
			if err := ch.apply(&w.Widget); err != nil {
				return 0, err
			}
			if err := knownGroup(tx, w.GroupID); err != nil {
				return 0, err
			}
			if err := insertWidget(tx, w); err != nil {
				return 0, fmt.Errorf("store widget %q: %w", w.Name, err)
			}
			if made, err := numberGoals(tx, w); err != nil {
				return 0, fmt.Errorf("goals of widget %q: %w", w.Name, err)
			} else if made {
				if err := storeGoals(tx, w); err != nil {
					return 0, fmt.Errorf("store goals of widget %q: %w", w.Name, err)
				}
			}
			return w.ID, d.changed(ctx, tx, by, w)
		})
		if err != nil {
			return err
		}
		out, err = Get(tx, made)
		return err
	})
	return out, err
}

// Update changes a widget; widget.updated is appended only when a setting became different (S-114).
func (d *Desk) Update(ctx context.Context, by team.Actor, key once.Key, widget id.Widget, ch Change) (*event.Widget, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	return d.update(ctx, by, key, widget, ch)
}

// SetPresence says what counts as somebody being there (event.PresenceAuto, PresenceOff or PresenceManual). Who may write may say so: operators
// go to lunch without asking an admin.
func (d *Desk) SetPresence(ctx context.Context, by team.Actor, key once.Key, widget id.Widget, presence string) (*event.Widget, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	return d.update(ctx, by, key, widget, Change{Presence: &presence})
}

func (d *Desk) update(ctx context.Context, by team.Actor, key once.Key, widget id.Widget, ch Change) (*event.Widget, error) {
	var out *event.Widget
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := once.Do(tx, key, func() (bool, error) {
			w, err := lockWidget(tx, widget)
			if err != nil {
				return false, missing(widget, err)
			}
			before := w.Widget
			if err := ch.apply(&w.Widget); err != nil {
				return false, err
			}
			if reflect.DeepEqual(before, w.Widget) {
				return true, nil
			}
			if err := knownGroup(tx, w.GroupID); err != nil {
				return false, err
			}
			if _, err := numberGoals(tx, w); err != nil {
				return false, fmt.Errorf("goals of widget %d: %w", widget, err)
			}
			w.UpdatedAt = tx.Now()
			if err := updateWidget(tx, w); err != nil {
				return false, fmt.Errorf("store widget %d: %w", widget, err)
			}
			return true, d.changed(ctx, tx, by, w)
		})
		if err != nil {
			return err
		}
		out, err = Get(tx, widget)
		return err
	})
	return out, err
}

// NewIdentitySecret replaces the widget's identity secret and returns it, the only time that it is shown, but to a repeat with
// the same key, which gets the secret that holds now.
func (d *Desk) NewIdentitySecret(ctx context.Context, by team.Actor, key once.Key, widget id.Widget) (secret.String, error) {
	if err := by.MayAdmin(); err != nil {
		return secret.String{}, err
	}
	var sealed string
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		w, err := lockWidget(tx, widget)
		if err != nil {
			return missing(widget, err)
		}
		_, _, err = once.Do(tx, key, func() (bool, error) {
			w.sealed, w.HasIdentitySecret, w.UpdatedAt = d.Sealer.Seal(sealContext, secret.Token(identitySecretPrefix)), true, tx.Now()
			if err := updateWidget(tx, w); err != nil {
				return false, fmt.Errorf("store widget %d: %w", widget, err)
			}
			return true, d.changed(ctx, tx, by, w)
		})
		sealed = w.sealed
		return err
	})
	if err != nil {
		return secret.String{}, err
	}
	return d.Sealer.Open(sealContext, sealed)
}

func (d *Desk) changed(ctx context.Context, tx *db.Tx, by team.Actor, w *row) error {
	snapshot := w.Widget
	return d.Feed.Append(ctx, tx, &event.Event{Type: event.WidgetUpdated, By: by.Party(), Widget: &snapshot})
}

func knownGroup(tx *db.Tx, group id.Group) error {
	if group == 0 {
		return nil
	}
	if _, err := team.GetGroup(tx, group); err != nil {
		if fault.Is(err, fault.GroupNotFound) {
			return fault.As(err).At("group_id")
		}
		return err
	}
	return nil
}

// IdentitySecret returns the widget's identity secret, empty when it has none. It is for verifying, never for showing.
func (d *Desk) IdentitySecret(ctx context.Context, widget id.Widget) (key secret.String, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		w, err := getWidget(tx, widget)
		if err != nil {
			return missing(widget, err)
		}
		if w.sealed == "" {
			return nil
		}
		key, err = d.Sealer.Open(sealContext, w.sealed)
		if err != nil {
			return fmt.Errorf("identity secret of widget %d: %w", widget, err)
		}
		return nil
	})
	return key, err
}

// List returns all widgets in the order of their making.
func (d *Desk) List(ctx context.Context) (list []*event.Widget, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		rows, err := listWidgets(tx)
		for _, w := range rows {
			list = append(list, &w.Widget)
		}
		return err
	})
	return list, err
}

// Get returns one widget.
func (d *Desk) Get(ctx context.Context, widget id.Widget) (w *event.Widget, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		w, err = Get(tx, widget)
		return err
	})
	return w, err
}

// ByKey returns the active widget with this public key.
func (d *Desk) ByKey(ctx context.Context, key string) (w *event.Widget, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		w, err = ByKey(tx, key)
		return err
	})
	return w, err
}

// Get reads a widget as part of tx.
func Get(tx *db.Tx, widget id.Widget) (*event.Widget, error) {
	w, err := getWidget(tx, widget)
	if err != nil {
		return nil, missing(widget, err)
	}
	return &w.Widget, nil
}

// ByKey reads the active widget with this public key as part of tx.
func ByKey(tx *db.Tx, key string) (*event.Widget, error) {
	w, err := (*row)(nil), db.ErrNoRows
	if keyForm.MatchString(key) { // a database may refuse to look for what is no text
		w, err = widgetByKey(tx, key)
	}
	if errors.Is(err, db.ErrNoRows) {
		return nil, fault.Newf(fault.WidgetNotFound, "there is no widget with the key %.40q", key)
	}
	if err != nil {
		return nil, fmt.Errorf("read widget %.40q: %w", key, err)
	}
	if !w.Active {
		return nil, fault.Newf(fault.WidgetInactive, "the widget %.40q is switched off", key)
	}
	return &w.Widget, nil
}

func missing(widget id.Widget, err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Newf(fault.WidgetNotFound, "there is no widget %d", widget)
	}
	return fmt.Errorf("read widget %d: %w", widget, err)
}
