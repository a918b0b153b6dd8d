package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

const (
	expireBatch = 100
	expireEvery = 5 * time.Second
	// shortWait is how soon the timers look again at the soonest.
	shortWait = 50 * time.Millisecond
)

// RunTimers rings the alarm for messages that wait too long for an operator, tells reviews and transcripts whose time to wait is over, ends
// sessions whose time is over, and takes conversations from operators who were deactivated, until ctx ends. What is due is in the database: it
// outlives a restart, and several nodes may run it; everything happens once.
func (d *Desk) RunTimers(ctx context.Context, log *slog.Logger) error {
	for {
		wait, more := d.tick(ctx, log)
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// tick does once what is due, and returns how long nothing is, or that there is more. An alarm set meanwhile rings in time: none rings sooner
// than expireEvery after it was set.
func (d *Desk) tick(ctx context.Context, log *slog.Logger) (wait time.Duration, more bool) {
	warn := func(what string, err error) {
		if err != nil && ctx.Err() == nil {
			log.Warn(what, "error", err)
		}
	}
	began := d.DB.Now()
	_, due, err := d.dueOnce(ctx)
	warn("alarms, reviews or transcripts could not be told; trying again", err)
	_, expired, err := d.expireOnce(ctx)
	warn("sessions could not be timed out; trying again", err)
	_, inactive, err := d.releaseInactiveOnce(ctx)
	warn("conversations of deactivated operators could not be released; trying again", err)
	if wait, more = expireEvery, due || expired || inactive; more {
		return wait, more
	}
	var next, now time.Time
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		now = tx.Now()
		next, err = nextDue(tx, began) // what was due before and is not told has failed, and is put aside
		return err
	})
	if warn("the next alarm could not be looked up; trying again", err); err == nil && !next.IsZero() {
		wait = min(max(next.Sub(now), shortWait), expireEvery)
	}
	return wait, false
}

// DueOnce tells of up to 100 messages that nobody has answered in time, of as many ratings to which no comment has come, and sends as many
// transcripts that have waited for a review long enough. It returns how many it told of or dropped. What fails is left alone for a minute, so
// that it does not keep the rest waiting.
func (d *Desk) DueOnce(ctx context.Context) (int, error) {
	n, _, err := d.dueOnce(ctx)
	return n, err
}

// dueOnce is DueOnce, and tells whether there may be more that is due: that it has left alone is not.
func (d *Desk) dueOnce(ctx context.Context) (n int, more bool, err error) {
	var failed []error
	for _, due := range []struct {
		what, statement string
		do              func(*db.Tx, *state) ([]*event.Event, error)
	}{
		{"ring the alarm of", sqlUnanswered, d.ring},
		{"tell the review of", sqlReviewsDue, d.tellReview},
		{"send the transcript of", sqlTranscriptsDue, d.sendWaiting},
	} {
		list := func(tx *db.Tx, limit int) ([]id.Conversation, error) {
			return dueConversations(tx, due.statement, limit)
		}
		told, others, err := d.each(ctx, due.what, list, func(ctx context.Context, tx *db.Tx, s *state) (bool, error) {
			events, err := due.do(tx, s)
			if err != nil {
				return false, err
			}
			if len(events) > 0 {
				return true, d.store(ctx, tx, s, events)
			}
			if s.place() != s.stored || s.session != nil && s.session.reviewDue != s.session.reviewStored {
				return true, save(tx, s)
			}
			return false, nil // another node was quicker
		})
		n, more = n+told, more || others
		if ctx.Err() != nil {
			return n, false, ctx.Err()
		}
		failed = append(failed, err)
	}
	return n, more, errors.Join(failed...)
}

// each does something to up to 100 of the conversations that list finds, each under its lock and in a transaction of its own. It returns to how
// many it did (do says so), and whether there may be more. What fails is left alone for a minute, so that it does not keep the rest waiting.
func (d *Desk) each(ctx context.Context, what string, list func(tx *db.Tx, limit int) ([]id.Conversation, error),
	do func(ctx context.Context, tx *db.Tx, s *state) (bool, error)) (n int, more bool, err error) {
	aside := d.failed.since(what, d.DB.Now())
	var ids []id.Conversation
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		ids, err = list(tx, expireBatch+len(aside))
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("look for conversations to %s: %w", what, err)
	}
	ids = slices.DeleteFunc(ids, func(c id.Conversation) bool { return aside[c] })
	var failed []error
	came := 0 // to an end: done, or put aside
	for _, conversation := range ids {
		done := false
		err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
			done = false
			s, err := load(tx, conversation)
			if err != nil {
				return err
			}
			done, err = do(ctx, tx, s)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return n, false, ctx.Err()
		case err == nil && done:
			n, came = n+1, came+1
		case err != nil:
			d.failed.add(what, conversation, d.DB.Now())
			if came++; !fault.Is(err, fault.ConversationNotFound) {
				failed = append(failed, fmt.Errorf("%s conversation %d: %w", what, conversation, err))
			}
		}
	}
	// Looking again comes to an end, and soon when nothing works.
	return n, len(ids) >= expireBatch && came > 0 && len(aside) < maxAside, errors.Join(failed...)
}

const (
	// asideFor is how long something due is left alone after it failed.
	asideFor = time.Minute
	// maxAside is how many of a kind may be left alone before the timers stop to look for more at once.
	maxAside = 1000
)

// failures remembers what the timers of this process could not do lately. The zero value is ready; safe for concurrent use.
type failures struct {
	mu    sync.Mutex
	until map[failure]time.Time
}

type failure struct {
	what         string
	conversation id.Conversation
}

func (f *failures) add(what string, c id.Conversation, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.until == nil {
		f.until = map[failure]time.Time{}
	}
	f.until[failure{what, c}] = now.Add(asideFor)
}

// since returns for which conversations something failed less than asideFor ago, and forgets all that is older.
func (f *failures) since(what string, now time.Time) map[id.Conversation]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out map[id.Conversation]bool
	for one, until := range f.until {
		switch {
		case !until.After(now):
			delete(f.until, one)
		case one.what == what:
			if out == nil {
				out = map[id.Conversation]bool{}
			}
			out[one.conversation] = true
		}
	}
	return out
}

// over reports whether a time that is set has come.
func over(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// ring tells that a message has waited too long (S-126). It is told once; the contact's next message starts the alarm anew.
func (d *Desk) ring(tx *db.Tx, s *state) ([]*event.Event, error) {
	if !over(s.alarm.due, tx.Now()) {
		return nil, nil // somebody answered, or another node was quicker
	}
	message := s.alarm.message
	s.alarm = alarm{}
	if s.patience == 0 {
		return nil, nil // nobody wants to know any more
	}
	m, err := messageByID(tx, s.ID, message)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("message %d: %w", message, err)
	}
	m.State = s.messageState(m)
	s.UnansweredAt = tx.Now()
	e := s.base(event.ConversationUnanswered, tx.Now(), event.Party{Type: event.BySystem})
	e.Message = m
	return []*event.Event{e}, nil
}

func (d *Desk) tellReview(tx *db.Tx, s *state) ([]*event.Event, error) {
	if s.session == nil {
		return nil, nil
	}
	if err := dropReviews(tx, s.ID, s.session.ID); err != nil {
		return nil, err
	}
	if !over(s.session.reviewDue, tx.Now()) {
		return nil, nil
	}
	return d.reviewDue(tx, s, event.Party{Type: event.BySystem})
}

func (d *Desk) sendWaiting(tx *db.Tx, s *state) ([]*event.Event, error) {
	if !over(s.transcriptDue, tx.Now()) {
		return nil, nil
	}
	e, err := d.waiting(tx, s, event.Party{Type: event.BySystem})
	if err != nil || e == nil {
		return nil, err
	}
	return []*event.Event{e}, nil
}

// ExpireOnce ends up to 100 sessions whose time is over and returns how many it ended. The conversation stays as it is:
// only its session ends (S-103, S-104). What fails is left alone for a minute, as in DueOnce.
func (d *Desk) ExpireOnce(ctx context.Context) (int, error) {
	n, _, err := d.expireOnce(ctx)
	return n, err
}

// expireOnce is ExpireOnce, and tells whether there may be more.
func (d *Desk) expireOnce(ctx context.Context) (n int, more bool, err error) {
	list := func(tx *db.Tx, limit int) ([]id.Conversation, error) {
		return expiredConversations(tx, tx.Now(), limit)
	}
	return d.each(ctx, "time out the session of", list, d.expire)
}

// ReleaseInactiveOnce makes up to 100 conversations of deactivated operators unassigned, so that somebody sees that they wait,
// and returns how many it made so. What fails is left alone for a minute, as in DueOnce.
func (d *Desk) ReleaseInactiveOnce(ctx context.Context) (int, error) {
	n, _, err := d.releaseInactiveOnce(ctx)
	return n, err
}

// releaseInactiveOnce is ReleaseInactiveOnce, and tells whether there may be more.
func (d *Desk) releaseInactiveOnce(ctx context.Context) (n int, more bool, err error) {
	return d.each(ctx, "release", conversationsOfInactive, func(ctx context.Context, tx *db.Tx, s *state) (bool, error) {
		if s.Status == event.StatusEnded || s.Operator == nil || s.Operator.Active {
			return false, nil // somebody took it meanwhile
		}
		events := reassign(s, tx.Now(), event.Party{Type: event.BySystem}, nil, s.Group)
		if err := withSession(tx, s, events[0]); err != nil { // it had an operator, so there is one
			return false, err
		}
		return true, d.store(ctx, tx, s, events)
	})
}

// expire ends the session of a conversation whose time is over, or notes when it is over if somebody has written since.
func (d *Desk) expire(ctx context.Context, tx *db.Tx, s *state) (ended bool, err error) {
	if !s.session.open() || s.session.expiresAt.IsZero() || s.session.expiresAt.After(tx.Now()) {
		return false, nil // another node was quicker
	}
	written, err := lastWritten(tx, s.ID, s.session.firstNumber)
	if err != nil {
		return false, err
	}
	if over := written.Add(s.timeout); over.After(tx.Now()) {
		s.session.expiresAt, s.session.dirty = over, true
		return false, save(tx, s)
	}
	by := event.Party{Type: event.BySystem}
	m := entry(entrySessionEnded, event.Party{})
	m.Entry.Reason = event.EndTimeout
	// The entry must not lift an old conversation to the top of the list as if somebody had written.
	updated := s.UpdatedAt
	if err := put(tx, s, m); err != nil {
		return false, err
	}
	s.UpdatedAt = updated
	events, err := endSession(tx, s, by, event.EndTimeout)
	if err != nil {
		return false, err
	}
	events[len(events)-1].Message = m
	return true, d.store(ctx, tx, s, events)
}
