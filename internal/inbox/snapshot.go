package inbox

import (
	"fmt"
	"slices"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// withSession gives an event the messages and notes of the latest session, as they are now.
func withSession(tx *db.Tx, s *state, e *event.Event) (err error) {
	if s.session == nil {
		return nil
	}
	if e.Messages, err = visibleMessages(tx, s, s.session.ID); err != nil || s.session.notes == 0 {
		return err
	}
	e.Notes, err = notesOf(tx, s, s.session.ID)
	return err
}

// withConversation gives an event all messages, sessions and notes of the conversation, as they are now.
func withConversation(tx *db.Tx, s *state, e *event.Event) (err error) {
	if e.Messages, err = visibleMessages(tx, s, 0); err != nil {
		return err
	}
	list, notes, err := sessionsAndNotes(tx, s, maxSnapshotSessions)
	if err != nil {
		return err
	}
	e.Sessions = list
	if notes > 0 {
		e.Notes, err = notesOf(tx, s, 0)
	}
	return err
}

// request marks the event of a changed status as one that the API add-on gets, with the whole conversation (S-119).
func request(tx *db.Tx, s *state, e *event.Event) error {
	e.Requested = true
	return withConversation(tx, s, e)
}

// One event carries at most this much: the newest messages and sessions of a conversation that outgrew it. Else a visitor
// who writes long texts could make events that nobody can store or send.
const (
	maxSnapshotMessages = 1000
	maxSnapshotBytes    = 1 << 20
	maxSnapshotSessions = 100
	maxSnapshotNotes    = 200
	maxNotesBytes       = 256 << 10
	snapshotPage        = 100 // messages read at once
)

// visibleMessages reads what contact and operator see of a session, or of the whole conversation (session 0), oldest first.
func visibleMessages(tx *db.Tx, s *state, session id.Session) ([]event.Message, error) {
	first, before := 1, s.MessageCount+1
	if session != 0 {
		first = s.session.firstNumber
	}
	out := []event.Message{}
	for bytes := 0; ; {
		list, err := snapshotMessages(tx, s.ID, session, first, before, snapshotPage)
		if err != nil {
			return nil, fmt.Errorf("messages of conversation %d: %w", s.ID, err)
		}
		for _, m := range list {
			if bytes += len(m.Body); bytes > maxSnapshotBytes || len(out) == maxSnapshotMessages {
				slices.Reverse(out)
				return out, nil
			}
			m.State = s.messageState(m)
			out = append(out, *m)
			before = m.Number
		}
		if len(list) < snapshotPage {
			slices.Reverse(out)
			return out, nil
		}
	}
}

// notesOf reads the newest internal notes of a session, or of the whole conversation (session 0), oldest first.
func notesOf(tx *db.Tx, s *state, session id.Session) ([]string, error) {
	first := 1
	if session != 0 {
		first = s.session.firstNumber
	}
	list, err := snapshotNotes(tx, s.ID, session, first, maxSnapshotNotes)
	if err != nil {
		return nil, fmt.Errorf("notes of conversation %d: %w", s.ID, err)
	}
	bytes := 0
	for i, body := range list {
		if bytes += len(body); bytes > maxNotesBytes {
			list = list[:i]
			break
		}
	}
	slices.Reverse(list)
	return list, nil
}

// sessions reads the newest sessions of a conversation, oldest first.
func sessions(tx *db.Tx, s *state, limit int) ([]event.Session, error) {
	list, _, err := sessionsAndNotes(tx, s, limit)
	return list, err
}

// sessionsAndNotes is sessions, with how many internal notes they have together.
func sessionsAndNotes(tx *db.Tx, s *state, limit int) (out []event.Session, notes int, err error) {
	list, err := listSessions(tx, s.ID, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("sessions of conversation %d: %w", s.ID, err)
	}
	slices.Reverse(list)
	known := map[id.Operator]*event.Operator{}
	out = make([]event.Session, len(list))
	for i, se := range list {
		if se.OperatorCreated, err = operator(tx, known, se.createdBy); err != nil {
			return nil, 0, err
		}
		own := &se.session
		if s.session != nil && se.ID == s.session.ID {
			own = s.session // as this transaction leaves it
		}
		out[i] = own.Session
		notes += own.notes
	}
	return out, notes, nil
}
