package onsite

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/limit"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

const (
	// Calls of one address: this many at once, and one in this time (1,200 a minute): a page calls three times a
	// minute, and a company's browsers have one address.
	callBurst = 600
	callEvery = 50 * time.Millisecond
	// New visitors of one address: this many at once, then one in this time. A script that forgets its key must not fill the table.
	newBurst = 300
	newEvery = time.Second
	// maxWaits is how many calls of one visitor wait at a time: one, and one that takes its place after the network was away. maxWaiting is
	// how many wait in this process.
	maxWaits   = 2
	maxWaiting = 20_000
	// look is how often invitations are looked for that another node has taken.
	look = 3 * time.Second
	// purgeEvery is how often rows of who has gone are removed, purgeBatch how many at once.
	purgeEvery = 15 * time.Second
	purgeBatch = 500

	keyPrefix        = "sv_"
	invitationPrefix = "iv_"
	// maxKey is the length of a key in bytes; what is longer is none of ours.
	maxKey = 64
)

// Options are what a Desk needs.
type Options struct {
	DB *db.DB
	// Key makes the secrets of invitations; all nodes of an installation have the same.
	Key []byte
	// Place returns where an address is; nil means that all places are unknown. It is called within transactions and asks nobody.
	Place func(address string) inbox.Place
	// Stopping is closed when the server shuts down: calls that wait are then answered at once. Nil means never.
	Stopping <-chan struct{}
	Logger   *slog.Logger
}

// Desk knows who is on the sites. Safe for concurrent use.
type Desk struct {
	Options
	calls, leaves, comes *limit.Limiter // by Call.From

	mu      sync.Mutex
	waits   map[id.Visitor][]*waiter // the oldest first
	waiting int                      // how many there are in waits
}

// waiter is a call that waits.
type waiter struct {
	woken chan struct{} // gets a sign when an invitation may have come
	ended chan struct{} // is closed when the call is to be answered without one
}

// New makes a Desk.
func New(o Options) *Desk {
	limiter := func(every time.Duration, burst int) *limit.Limiter {
		return limit.New(limit.Options{Every: every, Burst: burst, Keys: 100_000, Now: o.DB.Now})
	}
	return &Desk{Options: o, calls: limiter(callEvery, callBurst), leaves: limiter(callEvery, callBurst), comes: limiter(newEvery, newBurst), waits: map[id.Visitor][]*waiter{}}
}

// Shown reports whether operators see who is on the widget's site: where that was switched on and the widget is not in privacy mode.
func Shown(w *event.Widget) bool { return w.Active && w.ShowVisitors && !w.PrivacyMode }

// Here takes a page's call. The page's first call is answered at once, with the page's key; a later one when there is an invitation
// that the page has not got, and after Wait at the latest. Two calls of a visitor wait at most, the oldest is answered when another one
// comes; and where 20,000 wait in this process, an answer comes at once. Where the widget does not show its visitors the fault is
// visitor.list_off, and nothing is kept. request.limited is the fault after 1,200 calls a minute of one Call.From (those with Left count by
// themselves), for more than 60 new visitors a minute of one after its first 300, and for the 10,001st visitor of the widget.
func (d *Desk) Here(ctx context.Context, c Call) (*Answer, error) {
	if !Shown(c.Widget) {
		return nil, off(c.Widget.ID)
	}
	if len(c.Key) > maxKey {
		c.Key = ""
	}
	calls := d.calls
	if c.Left { // by itself, so that who has called too often can still leave
		calls = d.leaves
	}
	if wait, ok := calls.Allow(c.From); !ok {
		return nil, fault.New(fault.RequestLimited, "too many calls from this address").After(wait)
	}
	if c.Left {
		return &Answer{}, d.leave(ctx, c)
	}
	r, key, got, err := d.note(ctx, c)
	if err != nil {
		return nil, err
	}
	if key != c.Key || got != nil && !got.told {
		return d.answer(ctx, key, got)
	}
	return d.wait(ctx, r.ID, key, got)
}

func off(w id.Widget) error {
	return fault.Newf(fault.VisitorsOff, "the widget %d does not show who is on its site", w)
}

func (d *Desk) leave(ctx context.Context, c Call) error {
	if c.Key == "" {
		return nil
	}
	err := d.DB.UpdateAside(ctx, func(_ context.Context, tx *db.Tx) error { return left(tx, secret.Hash(c.Key), c.Widget.ID, tx.Now()) })
	if err != nil {
		return fmt.Errorf("note that a visitor of widget %d left: %w", c.Widget.ID, err)
	}
	return nil
}

// note writes down that somebody is on a page: the row of the call's key, the row of who has just left the page before, or a new one.
// It returns the page's key, a new one where the call's is not known, and the invitation that waits; it counts as told from now on.
func (d *Desk) note(ctx context.Context, c Call) (r *row, key string, got *invitation, err error) {
	visit, counted := d.clean(c.Visit), false
	err = d.DB.UpdateAside(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		key = c.Key
		if r, err = d.who(tx, c, visit); err != nil {
			return err
		}
		now := tx.Now()
		if r == nil || c.Key == "" || r.hash != secret.Hash(c.Key) {
			key = secret.Token(keyPrefix)
		}
		if r == nil {
			if !counted { // a transaction that is tried again counts once
				if wait, ok := d.comes.Allow(c.From); !ok {
					return fault.New(fault.RequestLimited, "too many new visitors from this address").After(wait)
				}
				counted = true
			}
			n, err := count(tx, c.Widget.ID, now.Add(-goneAfter), MaxPerWidget)
			if err != nil {
				return err
			}
			if n >= MaxPerWidget {
				return fault.Newf(fault.RequestLimited, "the widget has %d visitors; no more are shown", n).After(goneAfter)
			}
			r = &row{Visitor: Visitor{Widget: c.Widget.ID, StartedAt: now}}
		}
		if key != c.Key { // another page, which has got nothing yet
			r.hash, r.told = secret.Hash(key), 0
		}
		r.open(visit, now)
		r.Contact, r.SeenAt, r.leftAt, r.from = c.Contact, now, time.Time{}, digest(c)
		if r.ID == 0 {
			got = nil
			return insert(tx, r)
		}
		if err := save(tx, r); err != nil {
			return err
		}
		if got, err = waiting(tx, r.ID, now); err != nil || got == nil || got.told {
			return err
		}
		return setTold(tx, r.ID, got.id)
	})
	if err != nil {
		return nil, "", nil, fmt.Errorf("note a visitor of widget %d: %w", c.Widget.ID, err)
	}
	return r, key, got, nil
}

// who finds the row of a call, nil for none.
func (d *Desk) who(tx *db.Tx, c Call, v event.Visit) (*row, error) {
	if c.Key != "" {
		r, err := byHash(tx, secret.Hash(c.Key))
		if err != nil || r != nil && r.Widget == c.Widget.ID {
			return r, err
		}
	}
	before, err := justLeft(tx, digest(c), tx.Now().Add(-goneAfter))
	if err != nil {
		return nil, err
	}
	for _, r := range before {
		if r.goesOn(v, c.Contact, tx.Now()) {
			return r, nil
		}
	}
	return nil, nil
}

// digest is by what a visitor is recognised on the next page: widget, address and browser.
func digest(c Call) string {
	return once.Digest([]byte(strconv.FormatInt(int64(c.Widget.ID), 10)), []byte(c.From), []byte(c.Visit.UserAgent))
}

// wait answers when there is an invitation that the page has not got, or after Wait. told is one that the page has, nil for none.
func (d *Desk) wait(ctx context.Context, visitor id.Visitor, key string, told *invitation) (*Answer, error) {
	w := d.enter(visitor)
	if w == nil { // too many wait already
		return d.answer(ctx, key, told)
	}
	defer d.leaveOff(visitor, w)
	over := time.NewTimer(Wait)
	defer over.Stop()
	for {
		// After every sign, and once before the first one: an invitation may have come before enter.
		got, err := d.news(ctx, visitor)
		if err != nil {
			return nil, err
		}
		// One that has been told since this call came was told to another call of this visitor; this one's page may be the one that is left.
		if got != nil && (!got.told || told == nil || told.id != got.id) {
			return d.answer(ctx, key, got)
		}
		select {
		case <-w.woken:
			continue
		case <-w.ended:
		case <-over.C:
		case <-d.Stopping:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if told != nil { // it may have been answered elsewhere
			if told, err = d.news(ctx, visitor); err != nil {
				return nil, err
			}
		}
		return d.answer(ctx, key, told)
	}
}

// news returns the invitation that waits for a visitor, nil for none. One that the page has not got counts as told from now on.
func (d *Desk) news(ctx context.Context, visitor id.Visitor) (got *invitation, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		got, err = waiting(tx, visitor, d.DB.Now())
		return err
	})
	if err == nil && got != nil && !got.told {
		err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error { return setTold(tx, visitor, got.id) })
	}
	if err != nil {
		return nil, fmt.Errorf("invitations of visitor %d: %w", visitor, err)
	}
	return got, nil
}

func (d *Desk) answer(ctx context.Context, key string, i *invitation) (*Answer, error) {
	a := &Answer{Key: key}
	if i == nil {
		return a, nil
	}
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		o, err := team.GetOperator(tx, i.operator)
		if err == nil {
			a.Invitation = &Invitation{ID: i.id, Secret: secret.Of(d.secretOf(i.id)), Body: i.body, Operator: o, CreatedAt: i.at}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("operator of invitation %d: %w", i.id, err)
	}
	return a, nil
}

// secretOf is the secret of an invitation. It is made of the id, so that nothing has to be kept that could be read in the database.
func (d *Desk) secretOf(i id.Invitation) string {
	h := hmac.New(sha256.New, d.Key)
	fmt.Fprintf(h, "invitation %d", i)
	return invitationPrefix + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// enter makes a call wait for signs that an invitation of the visitor may have come; leaveOff ends that. It ends the visitor's oldest call where
// maxWaits wait, and returns nil where maxWaiting do.
func (d *Desk) enter(visitor id.Visitor) *waiter {
	d.mu.Lock()
	defer d.mu.Unlock()
	if list := d.waits[visitor]; len(list) >= maxWaits {
		close(list[0].ended)
		d.remove(visitor, list[0])
	}
	if d.waiting >= maxWaiting {
		return nil
	}
	w := &waiter{make(chan struct{}, 1), make(chan struct{})}
	d.waits[visitor] = append(d.waits[visitor], w)
	d.waiting++
	return w
}

// leaveOff ends that a call waits; it may have been ended before.
func (d *Desk) leaveOff(visitor id.Visitor, w *waiter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(visitor, w)
}

// remove takes a call out of those that wait. d.mu is held.
func (d *Desk) remove(visitor id.Visitor, w *waiter) {
	i := slices.Index(d.waits[visitor], w)
	if i < 0 {
		return
	}
	d.waiting--
	if d.waits[visitor] = slices.Delete(d.waits[visitor], i, i+1); len(d.waits[visitor]) == 0 {
		delete(d.waits, visitor)
	}
}

func (d *Desk) wake(visitor id.Visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.waits[visitor] {
		select {
		case w.woken <- struct{}{}:
		default: // it has a sign already
		}
	}
}

// Waiting returns how many calls wait for an invitation in this process.
func (d *Desk) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting
}

// List returns who is on the site of a widget now, or of all widgets where it is 0, newest first, at most MaxListed. For one that does
// not show its visitors the fault is visitor.list_off. Whoever may read may see them.
func (d *Desk) List(ctx context.Context, _ team.Actor, of id.Widget) (visitors []*Visitor, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		if of != 0 {
			w, err := widget.Get(tx, of)
			if err != nil {
				return err
			}
			if !Shown(w) {
				return off(of)
			}
		}
		now := d.DB.Now()
		visitors, err = list(tx, of, now.Add(-goneAfter), now.Add(-onTheWay), now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the visitors of widget %d: %w", of, err)
	}
	return visitors, nil
}

// Invite sends a visitor an operator's message, which the visitor's page shows within moments. Faults: auth.denied for API tokens,
// visitor.not_found, visitor.invited while an invitation waits, visitor.list_off, conversation.not_ended where the visitor is in a
// conversation, and those of a message's text at body.
func (d *Desk) Invite(ctx context.Context, by team.Actor, key once.Key, visitor id.Visitor, body string) (made id.Invitation, err error) {
	if err := by.MayWrite(); err != nil {
		return 0, err
	}
	if by.Operator == 0 {
		return 0, fault.New(fault.AuthDenied, "an invitation comes from an operator, who then has the conversation; an API token is nobody")
	}
	if err := inbox.CheckBody(body); err != nil {
		return 0, err
	}
	err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		made, _, err = once.Do(tx, key, func() (id.Invitation, error) { return d.invite(tx, by.Operator, visitor, body) })
		return err
	})
	if err != nil {
		return 0, err
	}
	return made, nil
}

func (d *Desk) invite(tx *db.Tx, by id.Operator, visitor id.Visitor, body string) (id.Invitation, error) {
	now := tx.Now()
	r, err := lockVisitor(tx, visitor)
	if err != nil {
		return 0, fmt.Errorf("read visitor %d: %w", visitor, err)
	}
	if r == nil || now.Sub(r.SeenAt) >= goneAfter || !r.leftAt.IsZero() && now.Sub(r.leftAt) >= onTheWay {
		return 0, fault.Newf(fault.VisitorNotFound, "the visitor %d is not on the site any more", visitor)
	}
	w, err := widget.Get(tx, r.Widget)
	if err != nil {
		return 0, err
	}
	if !Shown(w) {
		return 0, off(w.ID)
	}
	if c, err := openConversation(tx, visitor); err != nil {
		return 0, fmt.Errorf("conversation of visitor %d: %w", visitor, err)
	} else if c != 0 {
		return 0, fault.Newf(fault.ConversationNotEnded, "the visitor is in conversation %d; write there", c)
	}
	i, err := waiting(tx, visitor, now)
	if err != nil {
		return 0, fmt.Errorf("invitations of visitor %d: %w", visitor, err)
	}
	if i != nil {
		return 0, fault.New(fault.VisitorInvited, "an invitation waits for the visitor's answer already")
	}
	made, err := insertInvitation(tx, r, by, body, now)
	if err != nil {
		return 0, fmt.Errorf("store invitation of visitor %d: %w", visitor, err)
	}
	tx.OnCommit(func() { d.wake(visitor) })
	return made, nil
}

// Accept returns what a visitor of a widget answers who shows an invitation's secret, nil where there is nothing to answer: it was answered
// before, is over, is another widget's, or the secret is another one's. A visitor's message must not fail for an invitation, so these are no faults. Use of the result
// is to be called in the transaction that stores the answer; its fault is visitor.invited where somebody was quicker.
func (d *Desk) Accept(ctx context.Context, of id.Widget, which id.Invitation, shown string) (*inbox.Invitation, error) {
	if which < 1 || !secret.Equal(shown, d.secretOf(which)) {
		return nil, nil
	}
	var i *invitation
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		i, err = getInvitation(tx, of, which, d.DB.Now().Add(-InviteFor))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read invitation %d: %w", which, err)
	}
	if i == nil {
		return nil, nil
	}
	return &inbox.Invitation{Operator: i.operator, Body: i.body, At: i.at, Use: func(tx *db.Tx) error {
		first, err := answered(tx, which, tx.Now())
		if err != nil {
			return fmt.Errorf("mark invitation %d as answered: %w", which, err)
		}
		if !first {
			return fault.New(fault.VisitorInvited, "the invitation was answered before")
		}
		return nil
	}}, nil
}

// Plan is a feed.Planner: it forgets the pages of a contact whose data was deleted. A page that is still open is a new visitor's from its next
// call on.
func (d *Desk) Plan(_ context.Context, tx *db.Tx, e *event.Event) error {
	if e.Type != event.ContactErased || e.Contact == nil {
		return nil
	}
	if err := erase(tx, e.Contact.ID); err != nil {
		return fmt.Errorf("forget the pages of contact %d: %w", e.Contact.ID, err)
	}
	return nil
}

// Run removes rows of who has gone and wakes pages for whose visitors another node has taken an invitation, until ctx ends. Several
// nodes may run it.
func (d *Desk) Run(ctx context.Context) error {
	looks, purges := time.NewTicker(look), time.NewTicker(purgeEvery)
	defer looks.Stop()
	defer purges.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-looks.C:
			err = d.lookOnce(ctx)
		case <-purges.C:
			err = d.PurgeOnce(ctx)
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			d.Logger.Warn("visitors on sites: trying again", "error", err)
		}
	}
}

// lookOnce wakes the calls for whose visitors an invitation waits, where there are any calls.
func (d *Desk) lookOnce(ctx context.Context) error {
	if d.Waiting() == 0 {
		return nil
	}
	var visitors []id.Visitor
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		visitors, err = untold(tx, d.DB.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("look for invitations: %w", err)
	}
	for _, v := range visitors {
		d.wake(v)
	}
	return nil
}

// PurgeOnce removes the rows of who has gone, and invitations that nobody can answer any more. Of somebody for whom an invitation waits, only that
// and the key by which their page would come back stay.
func (d *Desk) PurgeOnce(ctx context.Context) error {
	for more := true; more; {
		err := d.DB.UpdateAside(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			more, err = purge(tx, tx.Now().Add(-keepRow), tx.Now().Add(-InviteFor), tx.Now(), purgeBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("remove visitors who have gone: %w", err)
		}
	}
	return nil
}
