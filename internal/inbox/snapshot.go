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
	e.Notes, err = notesOf(tx, s, s.session)
	return err
}

// withConversation gives an event all messages, sessions and notes of the conversation, as they are now.
func withConversation(tx *db.Tx, s *state, e *event.Event) (err error) {
	if e.Messages, err = visibleMessages(tx, s, 0); err != nil {
		return err
	}
	if e.Sessions, err = sessions(tx, s, maxSnapshotSessions, true); err != nil {
		return err
	}
	if n := len(e.Sessions); n > 0 {
		e.Notes = e.Sessions[n-1].Notes
	}
	return nil
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
			if bytes += weight(m); bytes > maxSnapshotBytes || len(out) == maxSnapshotMessages {
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

// weight is about how many bytes of what people wrote and named a message has.
func weight(m *event.Message) int {
	n := len(m.Body)
	for _, c := range m.Choices {
		n += len(c)
	}
	if m.Media != nil {
		n += len(m.Media.Name) + 3*len(m.Media.Peaks)
	}
	if m.Link != nil {
		n += len(m.Link.URL) + len(m.Link.Title) + len(m.Link.Description) + len(m.Link.Site)
	}
	return n
}

// notesOf reads the newest internal notes of a session, oldest first.
func notesOf(tx *db.Tx, s *state, se *session) ([]string, error) {
	list, err := snapshotNotes(tx, s.ID, se.ID, se.firstNumber, maxSnapshotNotes)
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

// sessions reads the newest sessions of a conversation, oldest first. With notes, each has its own; all of them together with
// what contacts said about them are bounded as messages are.
func sessions(tx *db.Tx, s *state, limit int, notes bool) ([]event.Session, error) {
	list, err := listSessions(tx, s.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("sessions of conversation %d: %w", s.ID, err)
	}
	known := map[id.Operator]*event.Operator{}
	out := make([]event.Session, 0, len(list))
	bytes := 0
	for _, se := range list {
		if se.OperatorCreated, err = operator(tx, known, se.createdBy); err != nil {
			return nil, err
		}
		own := &se.session
		if s.session != nil && se.ID == s.session.ID {
			own = s.session // as this transaction leaves it
		}
		one := own.Session
		if notes && own.notes > 0 {
			if one.Notes, err = notesOf(tx, s, own); err != nil {
				return nil, err
			}
		}
		for _, body := range one.Notes {
			bytes += len(body)
		}
		if bytes += len(one.Feedback); notes && bytes > maxSnapshotBytes {
			break
		}
		out = append(out, one)
	}
	slices.Reverse(out)
	return out, nil
}
