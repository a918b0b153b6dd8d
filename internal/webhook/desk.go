package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook/dialect"
)

// Kind is the delivery kind whose executor this package provides.
const Kind = "endpoint"

// Options are what a Desk needs; all but Kick and Logger are required.
type Options struct {
	DB       *db.DB
	Feed     *feed.Feed
	HTTP     *outhttp.Client
	Sealer   *secret.Sealer
	Dialects []dialect.Dialect
	// UserAgent is sent with every call ("Parley/1.0").
	UserAgent string
	// PublicURL is the address of this installation without a slash at the end.
	PublicURL string
	// NoReply is the mail address of this installation that nobody reads (S-168); "" leaves it unknown.
	NoReply string
	// MediaURL makes the addresses of files in bodies (dialect.Options.MediaURL); nil makes none. It must give the same for the same.
	MediaURL func(m *event.Media, thumb bool, at time.Time) string
	// Kick is called after commits that the delivery engine should look at at once (Engine.Kick); nil costs seconds.
	Kick   func()
	Logger *slog.Logger
}

// Desk holds the use cases of endpoints. It is safe for concurrent use.
type Desk struct {
	Options
	dialects map[string]dialect.Dialect
	forms    map[string]form // by what is stored with a delivery, without its switches
	cache    atomic.Pointer[roster]
	bodies   bodies
}

// form is one version of a dialect.
type form struct {
	speaks  dialect.Dialect
	version string
}

// roster is all endpoints at one version.
type roster struct {
	version string
	list    []*Endpoint
	byID    map[id.Endpoint]*Endpoint
}

// New makes a Desk.
func New(o Options) *Desk {
	if o.DB == nil || o.Feed == nil || o.HTTP == nil || o.Sealer == nil || len(o.Dialects) == 0 {
		panic("webhook: New needs DB, Feed, HTTP, Sealer and Dialects")
	}
	if o.Kick == nil {
		o.Kick = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Desk{Options: o, dialects: map[string]dialect.Dialect{}, forms: map[string]form{}}
	for _, s := range o.Dialects {
		info := s.Info()
		d.dialects[info.Name] = s
		for _, v := range info.Versions {
			d.forms[formName(info.Name, v)] = form{s, v}
		}
	}
	return d
}

// roster returns the endpoints as tx sees them. Decoding is kept while the version stays the same.
func (d *Desk) roster(tx *db.Tx) (*roster, error) {
	v, err := version(tx)
	if err != nil {
		return nil, fmt.Errorf("version of the endpoints: %w", err)
	}
	if r := d.cache.Load(); r != nil && r.version == v {
		return r, nil
	}
	list, err := readEndpoints(tx, d.Sealer)
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	key, err := hashKey(tx, d.Sealer)
	if err != nil {
		// Endpoints that need it are left out below; the others go on.
		d.Logger.Error("payload policies cannot hash", "error", err)
	}
	r := &roster{version: v, byID: map[id.Endpoint]*Endpoint{}}
	for _, e := range list {
		if e.unfit = e.derive(d.dialects, d.UserAgent, key); e.unfit != nil {
			// One endpoint that this program cannot serve must not fail everybody's commands.
			d.Logger.Error("endpoint cannot be served", "endpoint", e.ID, "error", e.unfit)
		}
		r.byID[e.ID] = e
		if e.speaks == nil {
			continue // what it would be told cannot even be named
		}
		r.list = append(r.list, e)
	}
	d.cache.Store(r)
	return r, nil
}

// Plan is a feed.Planner: it queues one delivery for each endpoint that subscribed to the event, or that gets it because an
// operator asked for it, in the event's transaction.
func (d *Desk) Plan(_ context.Context, tx *db.Tx, e *event.Event) error {
	r, err := d.roster(tx)
	if err != nil {
		return err
	}
	var items []delivery.Item
	for _, ep := range r.list {
		if ep.State == Gone {
			continue
		}
		name, told := ep.speaks.Name(e)
		if !told || !ep.hears(name) && !(e.Requested && ep.requested && !ep.deaf[name]) || !ep.concerns(e) {
			continue
		}
		items = append(items, delivery.Item{Target: ep.target, Event: e.ID, Lane: e.Lane(), Name: name, Form: ep.form()})
	}
	if len(items) == 0 {
		return nil
	}
	_, err = delivery.Enqueue(tx, items...)
	return err
}

// TakesRequested reports whether an active endpoint would get the conversation if it was flagged for the API add-on (S-121); it
// is meant for the inbox.
func (d *Desk) TakesRequested(tx *db.Tx, c *event.Conversation) (bool, error) {
	r, err := d.roster(tx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(r.list, func(ep *Endpoint) bool {
		return ep.requested && ep.State == Active && ep.concerns(&event.Event{Conversation: c})
	}), nil
}

// Dialects describes the dialects that an endpoint can choose.
func (d *Desk) DialectInfos() []dialect.Info {
	var out []dialect.Info
	for _, s := range d.Options.Dialects {
		out = append(out, s.Info())
	}
	return out
}

// CreateEndpoint makes an endpoint and returns it with its signing secret, which is never shown again but to a repeat with
// the same key.
func (d *Desk) CreateEndpoint(ctx context.Context, by team.Actor, key once.Key, draft Draft) (*Endpoint, secret.String, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, secret.String{}, err
	}
	if draft.URL == nil {
		empty := ""
		draft.URL = &empty
	}
	signing := secret.NewSigning()
	var e *Endpoint
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		made, repeated, err := once.Do(tx, key, func() (id.Endpoint, error) {
			e = fresh(signing)
			if err := d.draft(tx, e, draft); err != nil {
				return 0, err
			}
			return e.ID, d.insert(tx, e)
		})
		if err != nil || !repeated {
			return err
		}
		if e, err = getEndpoint(tx, d.Sealer, made); err != nil {
			return notFound(err, made)
		}
		e.Stats, err = delivery.TargetStats(tx, e.target)
		return err
	})
	if err != nil {
		return nil, secret.String{}, fmt.Errorf("create endpoint: %w", err)
	}
	return e, e.secret, nil
}

// fresh is an endpoint with the defaults.
func fresh(signing secret.String) *Endpoint {
	return &Endpoint{State: Active, InFlightLimit: delivery.DefaultInFlight, Timeout: DefaultTimeout, Success: SuccessDialect, secret: signing,
		Policy: Policy{Keep, Keep, Keep, Keep}}
}

// insert stores a new endpoint, and fills in what only the database knows.
func (d *Desk) insert(tx *db.Tx, e *Endpoint) (err error) {
	if e.ID, err = insertEndpoint(tx); err != nil {
		return err
	}
	if e.target, err = delivery.NewTarget(tx, Kind, int64(e.ID), e.limits()); err != nil {
		return err
	}
	e.CreatedAt, e.UpdatedAt, e.HasSecret = tx.Now(), tx.Now(), true
	e.Stats.Breaker = delivery.Closed
	return d.save(tx, e)
}

// remove deletes an endpoint that is locked, and drops what is queued for it.
func (d *Desk) remove(tx *db.Tx, e *Endpoint) error {
	if err := deleteEndpoint(tx, e.ID); err != nil {
		return err
	}
	if _, err := delivery.Drop(tx, e.target, "the endpoint was deleted"); err != nil {
		return err
	}
	tx.OnCommit(d.Kick)
	return setVersion(tx)
}

// draft puts a draft into e. Only filters that e did not have before must exist: a widget or group may go, and must not
// keep anybody from changing something else.
func (d *Desk) draft(tx *db.Tx, e *Endpoint, draft Draft) (err error) {
	w := world{dialects: d.dialects, door: d.HTTP}
	if draft.Widgets != nil && len(*draft.Widgets) <= maxFilter {
		if w.strangeWidgets, err = strangers(tx, sqlHasWidget, added(e.Widgets, *draft.Widgets)); err != nil {
			return err
		}
	}
	if draft.Groups != nil && len(*draft.Groups) <= maxFilter {
		if w.strangeGroups, err = strangers(tx, sqlHasGroup, added(e.Groups, *draft.Groups)); err != nil {
			return err
		}
	}
	return e.apply(draft, w)
}

func added[T comparable](before, after []T) []T {
	return slices.DeleteFunc(slices.Clone(after), func(i T) bool { return slices.Contains(before, i) })
}

// save stores e and makes the change count from this transaction on.
func (d *Desk) save(tx *db.Tx, e *Endpoint) error {
	e.UpdatedAt = tx.Now()
	if e.Policy.hashes() {
		if err := needHashKey(tx, d.Sealer); err != nil {
			return err
		}
	}
	if err := saveEndpoint(tx, d.Sealer, e); err != nil {
		return err
	}
	tx.OnCommit(d.Kick)
	return setVersion(tx)
}

// change loads and locks an endpoint, lets fn change it once for each key, stores it and returns it with its statistics. What
// fn returns is the answer that a repeat gets.
func (d *Desk) change(ctx context.Context, by team.Actor, key once.Key, endpoint id.Endpoint, what string, fn func(tx *db.Tx, e *Endpoint) (int64, error)) (*Endpoint, int64, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, 0, err
	}
	var e *Endpoint
	var answer int64
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if err = delivery.Lock(tx, Kind, int64(endpoint)); err != nil {
			return err
		}
		if e, err = lockEndpoint(tx, d.Sealer, endpoint); err != nil {
			return notFound(err, endpoint)
		}
		answer, _, err = once.Do(tx, key, func() (int64, error) {
			n, err := fn(tx, e)
			if err != nil {
				return 0, err
			}
			return n, d.save(tx, e)
		})
		if err != nil {
			return err
		}
		e.Stats, err = delivery.TargetStats(tx, e.target)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("%s endpoint %d: %w", what, endpoint, err)
	}
	return e, answer, nil
}

func notFound(err error, e id.Endpoint) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Newf(fault.EndpointNotFound, "there is no endpoint %d", e)
	}
	return err
}

// UpdateEndpoint changes what the draft holds; it counts for every event that commits afterwards (S-098). Deliveries that
// are queued already go out in the dialect that was pinned when they were queued, to the new address, in the same order. The
// payload policy counts for every body that is not made yet; what was sent once is repeated as it was.
func (d *Desk) UpdateEndpoint(ctx context.Context, by team.Actor, endpoint id.Endpoint, draft Draft) (*Endpoint, error) {
	e, _, err := d.change(ctx, by, once.Key{}, endpoint, "update", func(tx *db.Tx, e *Endpoint) (int64, error) {
		if err := d.draft(tx, e, draft); err != nil {
			return 0, err
		}
		return 0, delivery.SetLimits(tx, e.target, e.limits())
	})
	return e, err
}

// DeleteEndpoint removes an endpoint; what is still queued for it is dropped. One of a widget's webhooks is empty afterwards.
func (d *Desk) DeleteEndpoint(ctx context.Context, by team.Actor, endpoint id.Endpoint) error {
	if err := by.MayAdmin(); err != nil {
		return err
	}
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		if err := delivery.Lock(tx, Kind, int64(endpoint)); err != nil {
			return err
		}
		e, err := lockEndpoint(tx, d.Sealer, endpoint)
		if err != nil {
			return notFound(err, endpoint)
		}
		return d.remove(tx, e)
	})
	if err != nil {
		return fmt.Errorf("delete endpoint %d: %w", endpoint, err)
	}
	return nil
}

// Pause stops calls to the endpoint; events go on being queued for it.
func (d *Desk) Pause(ctx context.Context, by team.Actor, endpoint id.Endpoint) (*Endpoint, error) {
	e, _, err := d.change(ctx, by, once.Key{}, endpoint, "pause", func(tx *db.Tx, e *Endpoint) (int64, error) {
		e.State, e.StateReason = Paused, "paused by "+by.Name
		return 0, delivery.Pause(tx, e.target, e.StateReason)
	})
	return e, err
}

// Resume lets calls go on, after a pause, after the receiver had answered 410, or after it had failed for too long. Without
// the backlog, what waited meanwhile is dropped; the log keeps it, and it can be replayed.
func (d *Desk) Resume(ctx context.Context, by team.Actor, endpoint id.Endpoint, backlog bool) (*Endpoint, error) {
	e, _, err := d.change(ctx, by, once.Key{}, endpoint, "resume", func(tx *db.Tx, e *Endpoint) (int64, error) {
		e.State, e.StateReason = Active, ""
		return delivery.Resume(tx, e.target, backlog)
	})
	return e, err
}

// RotateSecret makes a new signing secret. For the time of Overlap calls carry two signatures, by the new and the old one.
// A repeat with the same key gets the secret that holds now.
func (d *Desk) RotateSecret(ctx context.Context, by team.Actor, key once.Key, endpoint id.Endpoint) (secret.String, error) {
	e, _, err := d.change(ctx, by, key, endpoint, "rotate secret of", func(tx *db.Tx, e *Endpoint) (int64, error) {
		e.previous, e.previousExpires = e.secret, tx.Now().Add(Overlap)
		e.secret = secret.NewSigning()
		return 0, nil
	})
	if err != nil {
		return secret.String{}, err
	}
	return e.secret, nil
}

// Test queues a call with sample data to the endpoint, whatever it subscribed to, and returns its delivery. The event is one
// of the dialect's names; "" means the first that the endpoint hears of. The call belongs to no event of the feed, is marked as
// a test in the log, and goes the same way as every other.
func (d *Desk) Test(ctx context.Context, by team.Actor, key once.Key, endpoint id.Endpoint, event string) (id.Delivery, error) {
	_, queued, err := d.change(ctx, by, key, endpoint, "test", func(tx *db.Tx, e *Endpoint) (int64, error) {
		if e.State != Active {
			return 0, fault.Newf(fault.EndpointPaused, "the endpoint is %s; resume it first", e.State)
		}
		hash, err := hashKey(tx, d.Sealer)
		if err != nil {
			return 0, err
		}
		if err := e.derive(d.dialects, d.UserAgent, hash); err != nil {
			return 0, fmt.Errorf("it cannot be served: %w", err)
		}
		item, err := d.sample(e, event)
		if err != nil {
			return 0, err
		}
		ids, err := delivery.Enqueue(tx, item)
		if err != nil {
			return 0, err
		}
		return int64(ids[0]), nil
	})
	return id.Delivery(queued), err
}

// sample renders the first sample of the event, or of any that the endpoint hears of.
func (d *Desk) sample(e *Endpoint, event string) (delivery.Item, error) {
	if event != "" && (!knows(e.speaks.Info(), event) || e.deaf[event]) {
		return delivery.Item{}, fault.Newf(fault.EndpointEvent, "the dialect %s has no event %.60q in version %s", e.Dialect, event, e.DialectVersion).At("event")
	}
	for _, s := range eventtest.Samples() {
		name, told := e.speaks.Name(s)
		if !told || event != "" && name != event || event == "" && !e.hears(name) {
			continue
		}
		body, err := d.render(e, e.form(), s)
		if err != nil {
			return delivery.Item{}, err
		}
		return delivery.Item{Target: e.target, Name: name, Form: e.form(), Body: body, Test: true}, nil
	}
	return delivery.Item{}, fmt.Errorf("endpoint %d: no sample for any of its events", e.ID)
}

// render makes the body of an event for an endpoint, as its policy lets it be seen, in the form that was pinned when the
// delivery was queued.
func (d *Desk) render(e *Endpoint, pinned string, ev *event.Event) ([]byte, error) {
	base, on, _ := strings.Cut(pinned, "+")
	f, ok := d.forms[base]
	if !ok {
		return nil, fmt.Errorf("this program has no dialect %q", base)
	}
	o := d.options(f.version)
	if on != "" {
		o.Switches = strings.Split(on, "+")
		for _, name := range o.Switches {
			if !f.speaks.Info().HasSwitch(name) {
				return nil, fmt.Errorf("this program has no switch %q of the dialect %q", name, base)
			}
		}
	}
	return f.speaks.Render(e.Policy.apply(ev, e.hashKey), o)
}

// options are what every body of this installation may depend on.
func (d *Desk) options(version string) dialect.Options {
	return dialect.Options{PublicURL: d.PublicURL, Version: version, NoReply: d.NoReply, MediaURL: d.MediaURL}
}

// Sample is the body of an example, as a receiver would get it.
type Sample struct {
	// Name tells the samples apart, Event is what the dialect calls the event.
	Name  string
	Event string
	Body  []byte
}

// Samples renders every sample that the dialect tells of, in one of its versions; "" is the current one.
func (d *Desk) Samples(dialectName, version string) ([]Sample, error) {
	speaks := d.dialects[dialectName]
	if speaks == nil {
		return nil, fault.Newf(fault.EndpointDialect, "there is no dialect %.40q", dialectName).At("dialect")
	}
	if version == "" {
		version = speaks.Info().Version
	}
	f, ok := d.forms[formName(dialectName, version)]
	if !ok {
		return nil, fault.Newf(fault.EndpointDialect, "the dialect %s has no version %.40q", dialectName, version).At("dialect_version")
	}
	o := d.options(version)
	o.MediaURL = eventtest.MediaURL(d.PublicURL)
	var out []Sample
	for _, s := range eventtest.Named() {
		name, told := f.speaks.Name(s.Event)
		if !told || !f.speaks.Info().Hears(version, name) {
			continue
		}
		body, err := f.speaks.Render(s.Event, o)
		if err != nil {
			return nil, fmt.Errorf("sample %s: %w", s.Name, err)
		}
		out = append(out, Sample{Name: s.Name, Event: name, Body: body})
	}
	return out, nil
}

// ListEndpoints returns all endpoints with their statistics, oldest first.
func (d *Desk) ListEndpoints(ctx context.Context, by team.Actor) ([]*Endpoint, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var list []*Endpoint
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if list, err = readEndpoints(tx, d.Sealer); err != nil {
			return err
		}
		for _, e := range list {
			if e.Stats, err = delivery.TargetStats(tx, e.target); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	return list, nil
}

// GetEndpoint returns one endpoint with its statistics.
func (d *Desk) GetEndpoint(ctx context.Context, by team.Actor, endpoint id.Endpoint) (*Endpoint, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var e *Endpoint
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if e, err = getEndpoint(tx, d.Sealer, endpoint); err != nil {
			return notFound(err, endpoint)
		}
		e.Stats, err = delivery.TargetStats(tx, e.target)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("get endpoint %d: %w", endpoint, err)
	}
	return e, nil
}
