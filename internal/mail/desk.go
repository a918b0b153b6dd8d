package mail

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/mail/letter"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

// Deliveries is the delivery kind whose executor this package provides. A target's ref is its widget.
const Deliveries = "mail"

const (
	// keepMails is how long a mail that is not waiting stays in the list, keepWays how long after its end a way to sign in is kept, and
	// keepBounces how long an address counts as refused.
	keepMails   = 90 * 24 * time.Hour
	keepWays    = 24 * time.Hour
	keepBounces = 365 * 24 * time.Hour
	// forgetAtOnce is how many rows one step removes.
	forgetAtOnce = 500
)

// Options are what a Desk needs; all but MediaURL, Kick and Logger are required.
type Options struct {
	DB     *db.DB
	Feed   *feed.Feed
	Inbox  *inbox.Desk
	HTTP   *outhttp.Client
	Sealer *secret.Sealer
	// Key makes the secrets of ways to sign in: 32 bytes, the same on all nodes and after a restart.
	Key []byte
	// MediaURL signs the address of a file as of a time; nil means that messages have none.
	MediaURL func(m *event.Media, thumb bool, at time.Time) string
	// PublicURL is the address of this installation without a slash at the end; UserAgent is sent with every call ("Parley/1.0").
	PublicURL string
	UserAgent string
	// Kick is called after commits that the delivery engine should look at at once (Engine.Kick); nil costs seconds.
	Kick   func()
	Logger *slog.Logger
}

// Desk holds the use cases of mails. It is safe for concurrent use.
type Desk struct {
	Options
	cache atomic.Pointer[roster]
	wake  chan struct{} // the worker has something to do
	// stand is the key of what stands in a stored body in place of the secrets of a way to sign in.
	stand []byte

	mu   sync.Mutex
	next time.Time // the mail server's next turn, see turn
	// turns are those that are kept for deliveries; they and next hold for perMinute.
	turns     map[id.Delivery]time.Time
	perMinute int
}

// New makes a Desk.
func New(o Options) *Desk {
	if o.DB == nil || o.Feed == nil || o.Inbox == nil || o.HTTP == nil || o.Sealer == nil || len(o.Key) < 32 {
		panic("mail: New needs DB, Feed, Inbox, HTTP, Sealer and a Key of 32 bytes")
	}
	if o.Kick == nil {
		o.Kick = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := hmac.New(sha256.New, o.Key)
	h.Write([]byte("what stands in stored bodies"))
	return &Desk{Options: o, wake: make(chan struct{}, 1), stand: h.Sum(nil)}
}

// hashOf is what limits count an address by. It is kept when the address itself is forgotten, and tells nobody without the key whose it was.
func (d *Desk) hashOf(address string) string {
	if normal, err := contact.NormalEmail(address); err == nil {
		address = normal
	}
	h := hmac.New(sha256.New, d.Key)
	h.Write([]byte("receiver:" + address))
	return hex.EncodeToString(h.Sum(nil))
}

// offers is what visitors of a widget may do by mail. What cannot work is not offered.
func (r *roster) offers(w *event.Widget) Offers {
	s := r.of(w.ID)
	works := r.way(s) == ""
	return Offers{SignIn: works && s.SignIn && !w.IdentityRequired, Transcript: works && s.TranscriptOffer}
}

// Offers returns what visitors of a widget may do by mail. The fault is widget.not_found for an unknown one.
func (d *Desk) Offers(ctx context.Context, w id.Widget) (o Offers, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		of, err := widget.Get(tx, w)
		if err != nil {
			return err
		}
		r, err := d.roster(tx)
		if err == nil {
			o = r.offers(of)
		}
		return err
	})
	if err != nil {
		return Offers{}, fmt.Errorf("what widget %d offers by mail: %w", w, err)
	}
	return o, nil
}

// List returns mails, newest first, and whether there are more.
func (d *Desk) List(ctx context.Context, by team.Actor, f Filter) ([]*Mail, bool, error) {
	if f.Limit <= 0 {
		f.Limit = DefaultList
	}
	f.Limit = min(f.Limit, MaxList)
	if f.Before <= 0 {
		f.Before = id.MaxSafe
	}
	limit := f.Limit
	f.Limit++ // one more tells whether there are more
	var list []*Mail
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		list, err = listMails(tx, f)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list mails: %w", err)
	}
	if len(list) > limit {
		return list[:limit], true, nil
	}
	return list, false, nil
}

// BounceOf returns why a mail server refused an address for good, nil where it did not. A mail that is taken later makes up for it.
func (d *Desk) BounceOf(ctx context.Context, address string) (b *Bounce, err error) {
	address, err = contact.NormalEmail(address)
	if err != nil || address == "" {
		return nil, nil
	}
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		b, err = bounceOf(tx, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for what is wrong with an address: %w", err)
	}
	return b, nil
}

// States returns how the mails of each widget do.
func (d *Desk) States(ctx context.Context) ([]State, error) {
	var list []State
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		var err error
		if list, err = widgetsNamed(tx); err != nil {
			return err
		}
		targets, err := allTargets(tx)
		if err != nil {
			return err
		}
		at := make(map[id.Widget]*target, len(targets))
		for _, t := range targets {
			at[t.widget] = t
		}
		for i := range list {
			s := &list[i]
			if s.State, s.Reason, s.Waiting, err = health(tx, at[s.Widget]); err != nil {
				return err
			}
			if s.Failed, err = failedSince(tx, s.Widget, tx.Now().Add(-24*time.Hour)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("how mails do: %w", err)
	}
	return list, nil
}

// health is how the mails of a target do: their state with its reason, and how many wait. nil is a widget that has sent none.
func health(tx *db.Tx, t *target) (state, reason string, waiting int, err error) {
	if t == nil {
		return OK, "", 0, nil
	}
	stats, err := delivery.TargetStats(tx, t.id)
	if err != nil {
		return "", "", 0, err
	}
	switch {
	case t.state == Waiting:
		return Waiting, t.reason, stats.Pending, nil
	case stats.FailingSince.IsZero() || stats.Pending == 0:
		return OK, "", stats.Pending, nil
	}
	list, _, err := delivery.List(tx, delivery.Filter{Kind: Deliveries, Ref: int64(t.widget), State: delivery.Pending}, "", 20)
	if err != nil {
		return "", "", 0, err
	}
	for _, e := range list {
		if e.LastError != "" {
			return Failing, e.LastError, stats.Pending, nil
		}
	}
	return Failing, "", stats.Pending, nil
}

// Forget removes what nobody needs any more, in small steps: old mails that are not waiting, ways to sign in that have ended, and addresses
// that were refused long ago.
func (d *Desk) Forget(ctx context.Context) error {
	for _, step := range []func(tx *db.Tx) (more bool, err error){
		func(tx *db.Tx) (bool, error) { return forgetMails(tx, tx.Now().Add(-keepMails), forgetAtOnce) },
		func(tx *db.Tx) (bool, error) {
			return contact.ForgetReauth(tx, tx.Now().Add(-keepWays), forgetAtOnce)
		},
		func(tx *db.Tx) (bool, error) { return forgetBounces(tx, tx.Now().Add(-keepBounces), forgetAtOnce) },
	} {
		for more := true; more; {
			err := d.DB.UpdateAside(ctx, func(_ context.Context, tx *db.Tx) (err error) {
				more, err = step(tx)
				return err
			})
			if err != nil {
				return fmt.Errorf("forget old mails: %w", err)
			}
		}
	}
	return nil
}

// lookOf is what a widget's mails look like.
func lookOf(w *event.Widget, s *Settings) letter.Look {
	name := s.FromName
	if name == "" {
		name = w.Name
	}
	return letter.Look{Name: name, Color: w.Color, LogoURL: s.LogoURL}
}
