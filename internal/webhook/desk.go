package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

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
	// Kick is called after commits that the delivery engine should look at at once (Engine.Kick); nil costs seconds.
	Kick   func()
	Logger *slog.Logger
}

// Desk holds the use cases of endpoints. It is safe for concurrent use.
type Desk struct {
	Options
	dialects map[string]dialect.Dialect
	cache    atomic.Pointer[roster]
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
	d := &Desk{Options: o, dialects: map[string]dialect.Dialect{}}
	for _, s := range o.Dialects {
		d.dialects[s.Info().Name] = s
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
	r := &roster{version: v, byID: map[id.Endpoint]*Endpoint{}}
	for _, e := range list {
		if err := e.derive(d.dialects, d.UserAgent); err != nil {
			// One endpoint that this program cannot serve must not fail everybody's commands.
			d.Logger.Error("endpoint left out", "endpoint", e.ID, "error", err)
			continue
		}
		r.list = append(r.list, e)
		r.byID[e.ID] = e
	}
	d.cache.Store(r)
	return r, nil
}

// Plan is a feed.Planner: it queues one delivery for each endpoint that subscribed to the event, in the event's transaction.
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
		if !told || !ep.hears(name) {
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
	fresh := &Endpoint{State: Active, InFlightLimit: delivery.DefaultInFlight, Timeout: DefaultTimeout, secret: secret.NewSigning()}
	if err := fresh.apply(draft, d.dialects, d.HTTP.CheckHost); err != nil {
		return nil, secret.String{}, err
	}
	var e *Endpoint
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		made, repeated, err := once.Do(tx, key, func() (id.Endpoint, error) {
			e = fresh
			var err error
			if e.ID, err = insertEndpoint(tx); err != nil {
				return 0, err
			}
			if e.target, err = delivery.NewTarget(tx, Kind, int64(e.ID), e.InFlightLimit); err != nil {
				return 0, err
			}
			e.CreatedAt, e.UpdatedAt, e.HasSecret = tx.Now(), tx.Now(), true
			e.Stats.Breaker = delivery.Closed
			return e.ID, d.save(tx, e)
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

// save stores e and makes the change count from this transaction on.
func (d *Desk) save(tx *db.Tx, e *Endpoint) error {
	e.UpdatedAt = tx.Now()
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
// are queued already go out in the dialect that was pinned when they were queued, to the new address.
func (d *Desk) UpdateEndpoint(ctx context.Context, by team.Actor, endpoint id.Endpoint, draft Draft) (*Endpoint, error) {
	e, _, err := d.change(ctx, by, once.Key{}, endpoint, "update", func(tx *db.Tx, e *Endpoint) (int64, error) {
		if err := e.apply(draft, d.dialects, d.HTTP.CheckHost); err != nil {
			return 0, err
		}
		return 0, delivery.SetLimit(tx, e.target, e.InFlightLimit)
	})
	return e, err
}

// DeleteEndpoint removes an endpoint; what is still queued for it is dropped.
func (d *Desk) DeleteEndpoint(ctx context.Context, by team.Actor, endpoint id.Endpoint) error {
	if err := by.MayAdmin(); err != nil {
		return err
	}
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		e, err := lockEndpoint(tx, d.Sealer, endpoint)
		if err != nil {
			return notFound(err, endpoint)
		}
		if err := deleteEndpoint(tx, e.ID); err != nil {
			return err
		}
		if _, err := delivery.Drop(tx, e.target, "the endpoint was deleted"); err != nil {
			return err
		}
		tx.OnCommit(d.Kick)
		return setVersion(tx)
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

// Resume lets calls go on, after a pause or after the receiver had answered 410.
func (d *Desk) Resume(ctx context.Context, by team.Actor, endpoint id.Endpoint) (*Endpoint, error) {
	e, _, err := d.change(ctx, by, once.Key{}, endpoint, "resume", func(tx *db.Tx, e *Endpoint) (int64, error) {
		e.State, e.StateReason = Active, ""
		return 0, delivery.Resume(tx, e.target)
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

// Test queues a call with sample data to the endpoint, whatever it subscribed to, and returns its delivery. The call has
// no event, is marked as a test in the log, and goes the same way as every other.
func (d *Desk) Test(ctx context.Context, by team.Actor, key once.Key, endpoint id.Endpoint) (id.Delivery, error) {
	_, queued, err := d.change(ctx, by, key, endpoint, "test", func(tx *db.Tx, e *Endpoint) (int64, error) {
		if e.State != Active {
			return 0, fault.Newf(fault.EndpointPaused, "the endpoint is %s; resume it first", e.State)
		}
		if err := e.derive(d.dialects, d.UserAgent); err != nil {
			return 0, err
		}
		item, err := d.sample(e)
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

// sample renders the first sample that the endpoint hears of.
func (d *Desk) sample(e *Endpoint) (delivery.Item, error) {
	for _, s := range eventtest.Samples() {
		name, told := e.speaks.Name(s)
		if !told || !e.hears(name) {
			continue
		}
		body, err := e.speaks.Render(s, dialect.Options{PublicURL: d.PublicURL})
		if err != nil {
			return delivery.Item{}, err
		}
		return delivery.Item{Target: e.target, Name: name, Form: e.form(), Body: body, Test: true}, nil
	}
	return delivery.Item{}, fmt.Errorf("endpoint %d: no sample for any of its events", e.ID)
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

// DeliveryFilter narrows the log; zero values do not.
type DeliveryFilter struct {
	Endpoint     id.Endpoint
	State        string
	Name         string
	Conversation id.Conversation
}

// ListDeliveries returns a page of the log, newest first, and the cursor of the next page ("" at the end). Limit is 1 to 200.
func (d *Desk) ListDeliveries(ctx context.Context, by team.Actor, f DeliveryFilter, cursor string, limit int) ([]delivery.Entry, string, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, "", err
	}
	var list []delivery.Entry
	var next string
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		list, next, err = delivery.List(tx, delivery.Filter{Kind: Kind, Ref: int64(f.Endpoint), State: f.State, Name: f.Name, Conversation: f.Conversation}, cursor, limit)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list deliveries: %w", err)
	}
	return list, next, nil
}

// GetDelivery returns one delivery with its body and attempts.
func (d *Desk) GetDelivery(ctx context.Context, by team.Actor, which id.Delivery) (*delivery.Detail, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var detail *delivery.Detail
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		detail, err = delivery.Get(tx, which)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("get delivery %d: %w", which, err)
	}
	return detail, nil
}

// Replay sends a delivery once more, with the same body and webhook id, and returns the new delivery.
func (d *Desk) Replay(ctx context.Context, by team.Actor, key once.Key, which id.Delivery) (*delivery.Detail, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var detail *delivery.Detail
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		fresh, _, err := once.Do(tx, key, func() (id.Delivery, error) {
			tx.OnCommit(d.Kick)
			return delivery.Replay(tx, which)
		})
		if err != nil {
			return err
		}
		detail, err = delivery.Get(tx, fresh)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("replay delivery %d: %w", which, err)
	}
	return detail, nil
}

// Revive lets a dead delivery be tried again, as if it were new.
func (d *Desk) Revive(ctx context.Context, by team.Actor, which id.Delivery) (*delivery.Detail, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var detail *delivery.Detail
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if err := delivery.Revive(tx, which); err != nil {
			return err
		}
		tx.OnCommit(d.Kick)
		detail, err = delivery.Get(tx, which)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("revive delivery %d: %w", which, err)
	}
	return detail, nil
}
