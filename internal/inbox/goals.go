package inbox

import (
	"context"
	"fmt"
	"slices"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/widget"
)

// ReachGoal notes that the page's script reported a goal of the widget under its key, in the contact's open sessions on that
// widget (S-109). It reports whether any of them had not reached it before: false without an open session, too.
func (d *Desk) ReachGoal(ctx context.Context, c id.Contact, w *event.Widget, key string) (reached bool, err error) {
	goal, ok := widget.ScriptGoal(w, key)
	if !ok {
		return false, fault.Newf(fault.GoalNotFound, "the widget has no goal with the key %.100q", key).At("key")
	}
	ids, err := d.openSessions(ctx, c)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		reached = false
		for _, conversation := range ids { // in the order of their ids, as everybody locks them
			_, err := d.changeOwn(ctx, tx, c, conversation, func(s *state, by event.Party) ([]*event.Event, error) {
				if s.Widget.ID != w.ID {
					return nil, nil
				}
				events, err := reachGoals(tx, s, by, goal)
				reached = reached || len(events) > 0
				return events, err
			})
			if err != nil && !fault.Is(err, fault.ConversationNotFound) { // it was handed to another contact meanwhile
				return err
			}
		}
		return nil
	})
	return reached && err == nil, err
}

// openSessions returns the contact's conversations with an open session. Pages and goals come far more often than there is a
// session to note them in, and a read costs no lock.
func (d *Desk) openSessions(ctx context.Context, c id.Contact) (ids []id.Conversation, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		ids, err = inSession(tx, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open sessions of contact %d: %w", c, err)
	}
	return ids, nil
}

// reachGoals notes goals in the open session, each of them once, with an entry in the thread and an event.
func reachGoals(tx *db.Tx, s *state, by event.Party, goals ...event.Goal) (events []*event.Event, err error) {
	for _, g := range goals {
		if !s.session.open() || slices.Contains(s.session.goals, g.ID) {
			continue
		}
		s.session.goals = append(s.session.goals, g.ID)
		s.session.Goal, s.session.dirty = &event.Goal{ID: g.ID, Name: g.Name}, true
		m := entry(entryGoal, by)
		m.Entry.Goal = s.session.Goal
		// The entry must not lift the conversation to the top of the list as if somebody had written.
		updated := s.UpdatedAt
		if err := put(tx, s, m); err != nil {
			return nil, err
		}
		s.UpdatedAt = updated
		e := s.base(event.GoalReached, tx.Now(), by)
		e.Message = m
		if err := withSession(tx, s, e); err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}
