package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook/dialect"
)

// What a widget's webhooks are made of (S-122): each is an endpoint of this dialect that hears one event of it, of that widget alone.
const (
	hookDialect    = "chatlio"
	hookTranscript = "transcript"
	hookRealNames  = "real_names"
	hookTraitsText = "traits_text"
)

// Hook is a place for one of a widget's webhooks. Name is the dialect's name of what it is told.
type Hook struct {
	Widget id.Widget
	Name   string
}

func (h Hook) isZero() bool { return h == Hook{} }

// Hooks are the webhooks of a widget.
type Hooks struct {
	Widget id.Widget
	// List has a state for every webhook that there can be, in the order of the reference.
	List []HookState
	// RealNames and TraitsText are the switches of the transcript webhook, or of the first there is while that has no address. Without
	// any webhook they are off.
	RealNames  bool
	TraitsText bool
}

// HookState is one of a widget's webhooks. URL is "", Endpoint 0 and State "" while it has no address.
type HookState struct {
	Name        string
	Title       string
	Description string
	URL         string
	Endpoint    id.Endpoint
	State       string
}

// HooksDraft is what an admin types about a widget's webhooks.
type HooksDraft struct {
	// URLs are addresses by the webhook's name. One that is missing stays as it is, and "" takes the webhook away with what is queued for it.
	URLs map[string]string
	// RealNames and TraitsText are switched at all webhooks of the widget; nil leaves them as they are.
	RealNames  *bool
	TraitsText *bool
}

// Hooks returns the webhooks of a widget.
func (d *Desk) Hooks(ctx context.Context, by team.Actor, widget id.Widget) (*Hooks, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var h *hooks
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if _, err = widgetName(tx, sqlWidgetName, widget); err != nil {
			return noWidget(err, widget)
		}
		list, err := readHooks(tx, d.Sealer, widget)
		h = newHooks(widget, "", list)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("webhooks of widget %d: %w", widget, err)
	}
	return h.shown(d.hookInfo()), nil
}

// SetHooks changes what the draft holds, all of it or nothing, and returns the webhooks with the signing secrets of those that it
// made, by name; they are never shown again but to a repeat with the same key. Another address is that of the same endpoint: what is
// queued goes there, in order. One that was ended with 410 starts again with any address, also with the one that it has. The names of
// the endpoints follow the widget's. Faults are at urls.<name>, real_names and traits_text.
func (d *Desk) SetHooks(ctx context.Context, by team.Actor, key once.Key, widget id.Widget, draft HooksDraft) (*Hooks, map[string]secret.String, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, nil, err
	}
	var h *hooks
	var made []id.Endpoint
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if h, err = d.lockHooks(tx, widget); err != nil {
			return err
		}
		made, _, err = once.Do(tx, key, func() ([]id.Endpoint, error) { return d.setHooks(tx, h, draft) })
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("set webhooks of widget %d: %w", widget, err)
	}
	secrets := map[string]secret.String{}
	for name, e := range h.by {
		if slices.Contains(made, e.ID) {
			secrets[name] = e.secret
		}
	}
	return h.shown(d.hookInfo()), secrets, nil
}

// SetRealNames says whether the widget's webhooks tell operators by their full names (S-165), nil turning that round, and returns what
// holds now. A widget without webhooks gives the fault hook.missing.
func (d *Desk) SetRealNames(ctx context.Context, by team.Actor, key once.Key, widget id.Widget, on *bool) (bool, error) {
	if err := by.MayAdmin(); err != nil {
		return false, err
	}
	var now bool
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		h, err := d.lockHooks(tx, widget)
		if err != nil {
			return err
		}
		now, _, err = once.Do(tx, key, func() (bool, error) {
			if len(h.by) == 0 {
				return false, fault.New(fault.HookMissing, "the widget has no webhooks whose names could be changed; an admin gives them addresses in the widget's settings")
			}
			want := !h.on(hookRealNames)
			if on != nil {
				want = *on
			}
			_, err := d.setHooks(tx, h, HooksDraft{RealNames: &want})
			return want, err
		})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("names in the webhooks of widget %d: %w", widget, err)
	}
	return now, nil
}

// HasHook reports whether somebody would be told of the event of a name ("transcript") about the conversation: an endpoint of the
// dialect of the chat webhooks, be it one of the widget's five or another one, that did not end its calls. A paused one counts: it is
// told later. It is meant for the inbox.
func (d *Desk) HasHook(tx *db.Tx, c *event.Conversation, hook string) (bool, error) {
	r, err := d.roster(tx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(r.list, func(ep *Endpoint) bool {
		return ep.Dialect == hookDialect && ep.State != Gone && ep.hears(hook) && ep.concerns(&event.Event{Conversation: c})
	}), nil
}

// hookInfo describes the dialect of the webhooks.
func (d *Desk) hookInfo() dialect.Info {
	speaks := d.dialects[hookDialect]
	if speaks == nil {
		panic("webhook: the dialect " + hookDialect + " is missing among those of the Options")
	}
	return speaks.Info()
}

// hooks are the webhooks that a widget has, with their endpoints.
type hooks struct {
	widget id.Widget
	// name is what the widget is called, where that was asked for.
	name string
	by   map[string]*Endpoint
}

func newHooks(widget id.Widget, name string, list []*Endpoint) *hooks {
	h := &hooks{widget, name, map[string]*Endpoint{}}
	for _, e := range list {
		h.by[e.Hook.Name] = e
	}
	return h
}

// on reports whether a switch is on: at the transcript webhook, which is what the switches are about, else at the first there is.
func (h *hooks) on(name string) bool {
	if e := h.leading(); e != nil {
		return slices.Contains(e.Switches, name)
	}
	return false
}

func (h *hooks) leading() *Endpoint {
	if e := h.by[hookTranscript]; e != nil {
		return e
	}
	var first *Endpoint
	for _, e := range h.by {
		if first == nil || e.ID < first.ID {
			first = e
		}
	}
	return first
}

func (h *hooks) shown(info dialect.Info) *Hooks {
	out := &Hooks{Widget: h.widget, RealNames: h.on(hookRealNames), TraitsText: h.on(hookTraitsText)}
	for _, ev := range info.Events {
		one := HookState{Name: ev.Name, Title: ev.Title, Description: ev.Description}
		if e := h.by[ev.Name]; e != nil {
			one.URL, one.Endpoint, one.State = e.URL, e.ID, e.State
		}
		out.List = append(out.List, one)
	}
	return out
}

// lockHooks reads the widget's webhooks for a change. The widget's row keeps two changes apart; then come all targets before any
// endpoint, in one order, as delivery.Lock wants it.
func (d *Desk) lockHooks(tx *db.Tx, widget id.Widget) (*hooks, error) {
	name, err := widgetName(tx, sqlLockWidget, widget)
	if err != nil {
		return nil, noWidget(err, widget)
	}
	ids, err := hookIDs(tx, widget)
	if err != nil {
		return nil, err
	}
	for _, e := range ids {
		if err := delivery.Lock(tx, Kind, int64(e)); err != nil {
			return nil, err
		}
	}
	var list []*Endpoint
	for _, one := range ids {
		e, err := lockEndpoint(tx, d.Sealer, one)
		if errors.Is(err, db.ErrNoRows) {
			continue // somebody deleted the endpoint a moment ago
		}
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return newHooks(widget, name, list), nil
}

func noWidget(err error, w id.Widget) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Newf(fault.WidgetNotFound, "there is no widget %d", w)
	}
	return err
}

// setHooks puts the draft into locked webhooks and returns the endpoints that it made.
func (d *Desk) setHooks(tx *db.Tx, h *hooks, draft HooksDraft) ([]id.Endpoint, error) {
	var c fault.Collect
	var made []id.Endpoint
	info := d.hookInfo()
	for _, name := range slices.Sorted(maps.Keys(draft.URLs)) {
		if !knows(info, name) {
			c.Add(fault.Newf(fault.FieldInvalid, "there is no webhook %.40q", name).At("urls." + name))
		}
	}
	had := h.switches()
	for _, ev := range info.Events {
		url, given := draft.URLs[ev.Name]
		if !given {
			continue
		}
		e := h.by[ev.Name]
		var err error
		switch {
		case url == "" && e == nil, e != nil && e.URL == url && e.State != Gone:
		case url == "":
			delete(h.by, ev.Name)
			err = d.remove(tx, e)
		case e == nil:
			if e, err = d.makeHook(tx, h, ev, url, had); err == nil {
				h.by[ev.Name], made = e, append(made, e.ID)
			}
		default:
			err = d.moveHook(tx, e, url)
		}
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind() != fault.Internal && f.Kind() != fault.Unavailable {
			for _, one := range append([]*fault.Error{f}, f.Others...) {
				one = one.At("urls." + ev.Name)
				one.Others = nil
				c.Add(one)
			}
		} else if err != nil {
			return nil, err
		}
	}
	for _, ev := range info.Events {
		if e := h.by[ev.Name]; e != nil {
			if err := d.rename(tx, e, h.name, ev.Title); err != nil {
				return nil, err
			}
		}
	}
	for _, one := range []struct {
		name string
		want *bool
	}{{hookRealNames, draft.RealNames}, {hookTraitsText, draft.TraitsText}} {
		if one.want == nil {
			continue
		}
		if len(h.by) == 0 && *one.want && !slices.Contains(had, one.name) {
			c.Add(fault.New(fault.HookMissing, "this belongs to the widget's webhooks; give one of them an address").At(one.name))
		}
		for _, e := range h.by {
			if err := d.turn(tx, e, one.name, *one.want); err != nil {
				return nil, err
			}
		}
	}
	return made, c.Err()
}

// switches are those of the leading webhook, which a new one starts with.
func (h *hooks) switches() []string {
	if e := h.leading(); e != nil {
		return slices.Clone(e.Switches)
	}
	return nil
}

// makeHook makes the endpoint of a webhook.
func (d *Desk) makeHook(tx *db.Tx, h *hooks, ev dialect.Event, url string, switches []string) (*Endpoint, error) {
	e := fresh(secret.NewSigning())
	speaks, name := hookDialect, hookName(h.name, ev.Title)
	if err := d.draft(tx, e, Draft{Name: &name, URL: &url, Dialect: &speaks, Events: &[]string{ev.Name}, Widgets: &[]id.Widget{h.widget}, Switches: &switches}); err != nil {
		return nil, err
	}
	e.Hook = Hook{h.widget, ev.Name}
	return e, d.insert(tx, e)
}

// hookName names the endpoint of a webhook, with no more of the widget's name than an endpoint's can hold.
func hookName(widget, title string) string {
	room := maxName - utf8.RuneCountInString(": "+title)
	if runes := []rune(widget); len(runes) > room {
		widget = strings.TrimSpace(string(runes[:room-1])) + "…"
	}
	return widget + ": " + title
}

// rename lets the endpoint's name follow the widget's. One that an admin gave it, which does not end as ours do, stays.
func (d *Desk) rename(tx *db.Tx, e *Endpoint, widget, title string) error {
	name := hookName(widget, title)
	if e.Name == name || !strings.HasSuffix(e.Name, ": "+title) {
		return nil
	}
	e.Name = name
	return d.save(tx, e)
}

// moveHook gives a webhook an address. That the old one wanted no more calls says nothing about the new one, and an admin who saves the
// same again wants it to be called again.
func (d *Desk) moveHook(tx *db.Tx, e *Endpoint, url string) error {
	if err := d.draft(tx, e, Draft{URL: &url}); err != nil {
		return err
	}
	if e.State == Gone {
		e.State, e.StateReason = Active, ""
		if _, err := delivery.Resume(tx, e.target, true); err != nil {
			return err
		}
	}
	return d.save(tx, e)
}

// turn turns one switch of a webhook on or off.
func (d *Desk) turn(tx *db.Tx, e *Endpoint, name string, on bool) error {
	if on == slices.Contains(e.Switches, name) {
		return nil
	}
	if on {
		e.Switches = distinct(append(slices.Clone(e.Switches), name))
	} else {
		e.Switches = slices.DeleteFunc(slices.Clone(e.Switches), func(s string) bool { return s == name })
	}
	return d.save(tx, e)
}
