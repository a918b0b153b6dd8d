package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/limit"
	"parley/internal/once"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
)

// Deliveries is the delivery kind whose executor this package provides.
const Deliveries = "channel"

// Options are what a Desk needs; all but MediaURL, Kick and Logger are required.
type Options struct {
	DB       *db.DB
	Feed     *feed.Feed
	HTTP     *outhttp.Client
	Sealer   *secret.Sealer
	Kinds    []Kind
	Inbox    *inbox.Desk
	Contacts *contact.Desk
	// UserAgent is sent with every call ("Parley/1.0").
	UserAgent string
	// PublicURL is the address of this installation without a slash at the end.
	PublicURL string
	// MediaURL signs the address of a file as of a time; nil means that messages have none.
	MediaURL func(m *event.Media, thumb bool, at time.Time) string
	// Kick is called after commits that the delivery engine should look at at once (Engine.Kick); nil costs seconds.
	Kick   func()
	Logger *slog.Logger
}

// Desk holds the use cases of channels. It is safe for concurrent use.
type Desk struct {
	Options
	kinds map[string]Kind
	cache atomic.Pointer[roster]

	wrong  *limit.Limiter // bad tokens, by address and channel
	noted  *limit.Limiter // lines of the log about them, by channel
	good   *limit.Limiter // posts, by channel
	moves  *limit.Limiter // visitors who go on on a channel, by e-mail address
	logged atomic.Uint64
}

// What comes in at a door: this many wrong tokens of one address, then one in this time, and fewer lines of them in the log; and so
// many posts of a channel's other side, which is a limit for programs that run wild only.
const (
	wrongBurst, wrongEvery = 20, 5 * time.Second
	notedBurst, notedEvery = 100, 10 * time.Second
	goodBurst, goodEvery   = 20_000, time.Second / 10_000
	// An e-mail address that visitors type gets a first message of ours without having asked.
	movesBurst, movesEvery = 3, 20 * time.Minute
)

// roster is all channels at one version.
type roster struct {
	version string
	list    []*Channel // not deleted
	byID    map[id.Channel]*Channel
	byKey   map[string]*Channel
}

// living is the channel of this id, nil where there is none or it was deleted.
func (r *roster) living(c id.Channel) *Channel {
	if ch := r.byID[c]; ch != nil && !ch.deleted {
		return ch
	}
	return nil
}

// New makes a Desk.
func New(o Options) *Desk {
	if o.DB == nil || o.Feed == nil || o.HTTP == nil || o.Sealer == nil || o.Inbox == nil || o.Contacts == nil || len(o.Kinds) == 0 {
		panic("channel: New needs DB, Feed, HTTP, Sealer, Kinds, Inbox and Contacts")
	}
	if o.Kick == nil {
		o.Kick = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	limiter := func(burst int, every time.Duration) *limit.Limiter {
		return limit.New(limit.Options{Every: every, Burst: burst, Keys: 50_000, Now: o.DB.Now})
	}
	d := &Desk{Options: o, kinds: map[string]Kind{}, wrong: limiter(wrongBurst, wrongEvery), noted: limiter(notedBurst, notedEvery),
		good: limiter(goodBurst, goodEvery), moves: limiter(movesBurst, movesEvery)}
	for _, k := range o.Kinds {
		d.kinds[k.Info().Type] = k
	}
	return d
}

// Types describes the kinds of channels.
func (d *Desk) Types() []Info {
	out := make([]Info, len(d.Kinds))
	for i, k := range d.Kinds {
		out[i] = k.Info()
	}
	return out
}

// roster returns the channels as tx sees them. Decoding is kept while the version stays the same.
func (d *Desk) roster(tx *db.Tx) (*roster, error) {
	v, err := version(tx)
	if err != nil {
		return nil, fmt.Errorf("version of the channels: %w", err)
	}
	if r := d.cache.Load(); r != nil && r.version == v {
		return r, nil
	}
	list, err := readChannels(tx, d.Sealer)
	if err != nil {
		return nil, fmt.Errorf("read channels: %w", err)
	}
	r := &roster{version: v, byID: map[id.Channel]*Channel{}, byKey: map[string]*Channel{}}
	for _, c := range list {
		r.byID[c.ID] = c
		if c.deleted {
			continue
		}
		kind := d.kinds[c.Type]
		if kind == nil {
			// One channel that this program cannot serve must not fail everybody's commands.
			c.unfit = fmt.Errorf("this program has no channels of the type %q", c.Type)
			d.Logger.Error("channel cannot be served", "channel", c.ID, "error", c.unfit)
		} else {
			c.derive(kind, d.UserAgent, d.PublicURL, tx.Now())
			r.byKey[c.key] = c
		}
		r.list = append(r.list, c)
	}
	d.cache.Store(r)
	return r, nil
}

// now returns the channels in a transaction of its own.
func (d *Desk) now(ctx context.Context) (r *roster, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err = d.roster(tx)
		return err
	})
	return r, err
}

// Create makes a channel and returns it with its secrets, which are never shown again but to a repeat with the same key. It is live
// with the commit (S-065).
func (d *Desk) Create(ctx context.Context, by team.Actor, key once.Key, draft Draft) (*Channel, map[string]secret.String, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, nil, err
	}
	var c *Channel
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		made, repeated, err := once.Do(tx, key, func() (id.Channel, error) {
			var kind Kind
			if draft.Type != nil {
				kind = d.kinds[*draft.Type]
			}
			if kind == nil || !kind.Info().Creatable {
				return 0, fault.New(fault.ChannelType, "there is no such type of channel that can be made").At("type")
			}
			c = &Channel{Type: kind.Info().Type, State: Active, Merge: true, key: secret.Token(""), kind: kind}
			if err := d.draft(tx, c, draft); err != nil {
				return 0, err
			}
			if err := insertChannel(tx, c); err != nil {
				return 0, err
			}
			var err error
			if c.target, err = delivery.NewTarget(tx, Deliveries, int64(c.ID), delivery.Limits{}); err != nil {
				return 0, err
			}
			return c.ID, d.save(tx, c)
		})
		if err != nil {
			return err
		}
		if repeated {
			if c, err = lockChannel(tx, d.Sealer, made); err != nil {
				return notFound(err, made)
			}
		} else {
			c.CreatedAt, c.UpdatedAt = tx.Now(), tx.Now()
		}
		return d.complete(tx, c)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("create channel: %w", err)
	}
	return c, c.secrets(), nil
}

// draft puts a draft into c. Only widgets that c did not have before must exist.
func (d *Desk) draft(tx *db.Tx, c *Channel, draft Draft) error {
	var asked []id.Widget
	if draft.Widget != nil && *draft.Widget != c.Widget {
		asked = append(asked, *draft.Widget)
	}
	if draft.Widgets != nil && len(*draft.Widgets) <= MaxWidgets {
		for _, w := range *draft.Widgets {
			if !slices.Contains(c.Widgets, w) {
				asked = append(asked, w)
			}
		}
	}
	var strange []id.Widget
	for _, w := range asked {
		if has, err := hasWidget(tx, w); err != nil {
			return fmt.Errorf("look for widget %d: %w", w, err)
		} else if !has {
			strange = append(strange, w)
		}
	}
	return c.apply(draft, strange, d.HTTP)
}

// complete fills what is not in the row, for an answer.
func (d *Desk) complete(tx *db.Tx, c *Channel) (err error) {
	if kind := d.kinds[c.Type]; kind != nil {
		c.derive(kind, d.UserAgent, d.PublicURL, tx.Now())
	}
	c.Stats, err = delivery.TargetStats(tx, c.target)
	return err
}

// save stores c and makes the change count from this transaction on.
func (d *Desk) save(tx *db.Tx, c *Channel) error {
	c.UpdatedAt = tx.Now()
	if err := saveChannel(tx, d.Sealer, c); err != nil {
		return err
	}
	return d.changed(tx)
}

// changed makes every node look at the channels anew from this transaction on.
func (d *Desk) changed(tx *db.Tx) error {
	tx.OnCommit(func() {
		d.cache.Store(nil)
		d.Kick()
	})
	return setVersion(tx)
}

func notFound(err error, c id.Channel) error {
	if errors.Is(err, db.ErrNoRows) {
		return unknown(c)
	}
	return err
}

func unknown(c id.Channel) error {
	return fault.Newf(fault.ChannelNotFound, "there is no channel %d", c)
}

// change loads and locks a channel, lets fn change it once for each key, stores it and returns it with its statistics.
func (d *Desk) change(ctx context.Context, by team.Actor, key once.Key, which id.Channel, what string, fn func(ctx context.Context, tx *db.Tx, c *Channel) error) (*Channel, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var c *Channel
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if err = delivery.Lock(tx, Deliveries, int64(which)); err != nil {
			return err
		}
		if c, err = lockChannel(tx, d.Sealer, which); err != nil {
			return notFound(err, which)
		}
		if c.kind = d.kinds[c.Type]; c.kind == nil {
			return fault.Newf(fault.ChannelType, "this program has no channels of the type %q", c.Type)
		}
		if _, _, err = once.Do(tx, key, func() (bool, error) {
			if err := fn(ctx, tx, c); err != nil {
				return false, err
			}
			return true, d.save(tx, c)
		}); err != nil {
			return err
		}
		return d.complete(tx, c)
	})
	if err != nil {
		return nil, fmt.Errorf("%s channel %d: %w", what, which, err)
	}
	return c, nil
}

// Update changes what the draft holds; it counts for everything that commits afterwards. Another default widget concerns conversations
// that begin later (S-061). What is queued already goes to the new address.
func (d *Desk) Update(ctx context.Context, by team.Actor, key once.Key, which id.Channel, draft Draft) (*Channel, error) {
	return d.change(ctx, by, key, which, "update", func(_ context.Context, tx *db.Tx, c *Channel) error { return d.draft(tx, c, draft) })
}

// Delete removes a channel: its door is closed, its tokens are forgotten, and what is still queued fails. Its conversations stay.
func (d *Desk) Delete(ctx context.Context, by team.Actor, which id.Channel) error {
	if err := by.MayAdmin(); err != nil {
		return err
	}
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		if err := delivery.Lock(tx, Deliveries, int64(which)); err != nil {
			return err
		}
		c, err := lockChannel(tx, d.Sealer, which)
		if err != nil {
			return notFound(err, which)
		}
		if err := deleteChannel(tx, c.ID); err != nil {
			return err
		}
		if err := delivery.Retire(tx, c.target); err != nil {
			return err
		}
		return d.changed(tx)
	})
	if err != nil {
		return fmt.Errorf("delete channel %d: %w", which, err)
	}
	return nil
}

// List returns all channels with their statistics, oldest first. Who is no admin sees neither settings nor addresses.
func (d *Desk) List(ctx context.Context, by team.Actor) ([]*Channel, error) {
	var list []*Channel
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		list = nil
		for _, c := range r.list {
			one := *c
			if one.Stats, err = delivery.TargetStats(tx, c.target); err != nil {
				return err
			}
			list = append(list, d.seen(by, &one))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list channels: %w", err)
	}
	return list, nil
}

// Get returns one channel with its statistics.
func (d *Desk) Get(ctx context.Context, by team.Actor, which id.Channel) (*Channel, error) {
	var out *Channel
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		c := r.living(which)
		if c == nil {
			return unknown(which)
		}
		one := *c
		if one.Stats, err = delivery.TargetStats(tx, c.target); err != nil {
			return err
		}
		out = d.seen(by, &one)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("get channel %d: %w", which, err)
	}
	return out, nil
}

// seen is the channel as the actor may see it. What it shares with the roster is copied.
func (d *Desk) seen(by team.Actor, c *Channel) *Channel {
	if by.MayAdmin() != nil {
		return c.reduced()
	}
	c.Settings, c.Secrets, c.Widgets = maps.Clone(c.Settings), maps.Clone(c.Secrets), slices.Clone(c.Widgets)
	now := d.DB.Now()
	for name, s := range c.Secrets {
		if !s.PreviousExpires.After(now) {
			s.PreviousExpires = time.Time{}
			c.Secrets[name] = s
		}
	}
	return c
}

// Rotate replaces a secret by what was typed, or by a new one where value is "", and returns it. The Inbound token before it goes on
// counting for the time of overlap (S-059). A repeat with the same key gets the secret that holds now.
func (d *Desk) Rotate(ctx context.Context, by team.Actor, key once.Key, which id.Channel, name, value string, overlap time.Duration) (secret.String, error) {
	c, err := d.change(ctx, by, key, which, "rotate secret of", func(_ context.Context, tx *db.Tx, c *Channel) error {
		if !slices.ContainsFunc(c.kind.Info().Fields, func(f Field) bool { return f.Kind == FieldSecret && f.Name == name }) {
			return fault.New(fault.FieldInvalid, "the channel has no such secret").At("secret")
		}
		if overlap < 0 || overlap > MaxOverlap {
			return fault.Newf(fault.FieldInvalid, "the old token can go on counting for 0 to %d hours", int(MaxOverlap.Hours())).At("overlap_hours")
		}
		if value == "" {
			value = secret.Token("")
		} else if f := checkSecret(value); f != nil {
			return f.At("value")
		}
		old := c.sealed.Secrets[name]
		fresh := token{Value: value}
		if overlap > 0 && name == InboundToken && old.Value != value {
			fresh.Previous, fresh.Until = old.Value, tx.Now().Add(overlap).UnixMicro()
		}
		if c.sealed.Secrets == nil {
			c.sealed.Secrets = map[string]token{}
		}
		c.sealed.Secrets[name] = fresh
		return nil
	})
	if err != nil {
		return secret.String{}, err
	}
	return c.secrets()[name], nil
}

// Pause stops calls to the other side; messages go on being queued for it, and coming in.
func (d *Desk) Pause(ctx context.Context, by team.Actor, which id.Channel) (*Channel, error) {
	return d.change(ctx, by, once.Key{}, which, "pause", func(_ context.Context, tx *db.Tx, c *Channel) error {
		c.State, c.StateReason = Paused, "paused by "+by.Name
		return delivery.Pause(tx, c.target, c.StateReason)
	})
}

// Resume lets calls go on, after a pause, after the other side had answered 410, or after it had failed for too long. Without the
// backlog the messages that waited meanwhile fail, a few at a time; an operator can send each again.
func (d *Desk) Resume(ctx context.Context, by team.Actor, which id.Channel, backlog bool) (*Channel, error) {
	return d.change(ctx, by, once.Key{}, which, "resume", func(ctx context.Context, tx *db.Tx, c *Channel) error {
		c.State, c.StateReason = Active, ""
		if !backlog {
			newest, err := delivery.NewestPending(tx, c.target)
			if err != nil {
				return err
			}
			if newest != 0 {
				if err := dropWaiting(tx, c.ID, newest); err != nil {
					return fmt.Errorf("drop what waits: %w", err)
				}
			}
		}
		// The executor is asked about everything that waits, and discards: a message of each has to fail.
		_, err := delivery.Resume(tx, c.target, true)
		return err
	})
}

// Chart returns how the calls of a channel did from a time on, a point for each step.
func (d *Desk) Chart(ctx context.Context, by team.Actor, which id.Channel, from time.Time, step time.Duration) ([]delivery.Point, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var points []delivery.Point
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		c := r.living(which)
		if c == nil {
			return unknown(which)
		}
		points, err = delivery.Chart(tx, c.target, from, step)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("chart of channel %d: %w", which, err)
	}
	return points, nil
}

// Offer is a channel on which visitors of a widget may go on.
type Offer struct {
	ID   id.Channel
	Type string
	Name string
}

// Offers returns the channels on which visitors of the widget may go on with their conversation.
func (d *Desk) Offers(ctx context.Context, w id.Widget) ([]Offer, error) {
	r, err := d.now(ctx)
	if err != nil {
		return nil, fmt.Errorf("channels of widget %d: %w", w, err)
	}
	var out []Offer
	for _, c := range r.list {
		if c.offered(w) {
			out = append(out, Offer{c.ID, c.Type, c.Name})
		}
	}
	return out, nil
}

func (c *Channel) offered(w id.Widget) bool {
	return c.State == Active && c.sender != nil && c.unfit == nil && slices.Contains(c.Widgets, w)
}
