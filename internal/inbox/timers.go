package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

const (
	expireBatch = 100
	expireEvery = 5 * time.Second
)

// RunTimers ends sessions whose time is over and takes conversations from operators who were deactivated, until ctx ends.
// Several nodes may run it: everything happens once.
func (d *Desk) RunTimers(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		n, err := d.ExpireOnce(ctx)
		if err != nil && ctx.Err() == nil {
			log.Warn("sessions could not be timed out; trying again", "error", err)
		}
		m, releaseErr := d.ReleaseInactiveOnce(ctx)
		if releaseErr != nil && ctx.Err() == nil {
			log.Warn("conversations of deactivated operators could not be released; trying again", "error", releaseErr)
		}
		if err == nil && n > 0 || releaseErr == nil && m == expireBatch {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ExpireOnce ends up to 100 sessions whose time is over and returns how many it ended. The conversation stays as it is:
// only its session ends (S-103, S-104).
func (d *Desk) ExpireOnce(ctx context.Context) (int, error) {
	var ids []id.Conversation
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		ids, err = expiredConversations(tx, tx.Now(), expireBatch)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for expired sessions: %w", err)
	}
	var failed []error
	n := 0
	for _, conversation := range ids {
		ended, err := d.expire(ctx, conversation)
		if err != nil && !fault.Is(err, fault.ConversationNotFound) {
			failed = append(failed, fmt.Errorf("time out session of conversation %d: %w", conversation, err))
		}
		if ended {
			n++
		}
	}
	return n, errors.Join(failed...)
}

// ReleaseInactiveOnce makes up to 100 conversations of deactivated operators unassigned, so that somebody sees that they wait,
// and returns how many it looked at.
func (d *Desk) ReleaseInactiveOnce(ctx context.Context) (int, error) {
	var ids []id.Conversation
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		ids, err = conversationsOfInactive(tx, expireBatch)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for conversations of deactivated operators: %w", err)
	}
	var failed []error
	for _, conversation := range ids {
		err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
			s, err := load(tx, conversation)
			if err != nil {
				return err
			}
			if s.Status == event.StatusEnded || s.Operator == nil || s.Operator.Active {
				return nil // somebody took it meanwhile
			}
			events := reassign(s, tx.Now(), event.Party{Type: event.BySystem}, nil, s.Group)
			if err := withSession(tx, s, events[0]); err != nil { // it had an operator, so there is one
				return err
			}
			return d.store(ctx, tx, s, events)
		})
		if err != nil && !fault.Is(err, fault.ConversationNotFound) {
			failed = append(failed, fmt.Errorf("release conversation %d: %w", conversation, err))
		}
	}
	return len(ids), errors.Join(failed...)
}

func (d *Desk) expire(ctx context.Context, conversation id.Conversation) (ended bool, err error) {
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		ended = false
		s, err := load(tx, conversation)
		if err != nil {
			return err
		}
		if !s.session.open() || s.session.expiresAt.IsZero() || s.session.expiresAt.After(tx.Now()) {
			return nil // another node was quicker
		}
		written, err := lastWritten(tx, s.ID, s.session.firstNumber)
		if err != nil {
			return err
		}
		if over := written.Add(s.timeout); over.After(tx.Now()) {
			s.session.expiresAt, s.session.dirty = over, true
			return save(tx, s)
		}
		ended = true
		by := event.Party{Type: event.BySystem}
		m := entry(entrySessionEnded, event.Party{})
		m.Entry.Reason = event.EndTimeout
		// The entry must not lift an old conversation to the top of the list as if somebody had written.
		updated := s.UpdatedAt
		if err := put(tx, s, m); err != nil {
			return err
		}
		s.UpdatedAt = updated
		events, err := endSession(tx, s, by, event.EndTimeout)
		if err != nil {
			return err
		}
		events[len(events)-1].Message = m
		return d.store(ctx, tx, s, events)
	})
	return ended && err == nil, err
}
