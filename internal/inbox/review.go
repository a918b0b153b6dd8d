package inbox

import (
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/event"
)

const (
	// commentWait is how long a rating waits for the comment that the widget asks for, before it is told as a whole review.
	commentWait = 2 * time.Minute
	// ratingWait is how long it waits where none is asked for, or one was told: who changes their mind at once (3, 4, 5) gives one review.
	ratingWait = 10 * time.Second
)

// rated lets the rating of the latest session wait until it is told as a review. After a comment only the first one is told: else nobody would hear
// of it, while the same comment is not told again for another rating.
func rated(tx *db.Tx, s *state, w *event.Widget, first bool) {
	switch commented := s.session.Feedback != ""; {
	case commented && !first:
	case w.AskFeedback && !commented:
		s.session.reviewDue = tx.Now().Add(commentWait)
	default:
		s.session.reviewDue = tx.Now().Add(ratingWait)
	}
}

// reviewed tells that the contact is done with the review of the latest session, of which same tells the last part, and sends the transcript
// that waited for it (S-123, S-127).
func (d *Desk) reviewed(tx *db.Tx, s *state, by event.Party, same *event.Event) ([]*event.Event, error) {
	s.session.reviewDue = time.Time{}
	e := s.base(event.ReviewGiven, tx.Now(), by)
	e.Message, e.Messages, e.Notes = same.Message, same.Messages, same.Notes
	events := []*event.Event{e}
	if s.transcriptDue.IsZero() {
		return events, nil
	}
	transcript, err := d.waiting(tx, s, by)
	if err != nil {
		return nil, err
	}
	if transcript != nil {
		events = append(events, transcript)
	}
	return events, nil
}

// reviewDue tells the rating of the latest session for which no comment has come.
func (d *Desk) reviewDue(tx *db.Tx, s *state, by event.Party) ([]*event.Event, error) {
	var same event.Event
	if err := withSession(tx, s, &same); err != nil {
		return nil, err
	}
	m, err := lastRating(tx, s)
	if err != nil {
		return nil, fmt.Errorf("rating of session %d: %w", s.session.ID, err)
	}
	if m == nil {
		s.session.reviewDue = time.Time{}
		return nil, nil
	}
	same.Message = m
	return d.reviewed(tx, s, by, &same)
}
