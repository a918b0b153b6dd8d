package inbox

import (
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/team"
)

// Invitation is a message that an operator sent to a visitor who had not written yet. Operator is who sent it and At when. Use marks it as
// answered, as part of the transaction that stores both messages; where it returns a fault, the invitation is gone, and the visitor's message is
// stored without it.
type Invitation struct {
	Operator id.Operator
	Body     string
	At       time.Time
	Use      func(tx *db.Tx) error
}

// use marks the invitation as answered and returns it; nil for none, and for one that is gone.
func (i *Invitation) use(tx *db.Tx) (*Invitation, error) {
	if i == nil {
		return nil, nil
	}
	err := checkText(i.Body, false)
	if err == nil && i.Use != nil {
		err = i.Use(tx)
	}
	switch {
	case err == nil:
		return i, nil
	case fault.Is(err, fault.VisitorNotFound), fault.Is(err, fault.VisitorInvited), fault.As(err).Kind() == fault.Invalid:
		return nil, nil
	}
	return nil, fmt.Errorf("use the invitation: %w", err)
}

// host is who has the conversation that begins with the invitation, nil where they are not there any more, in the widget's group.
func (i *Invitation) host(tx *db.Tx, w *event.Widget) (o *event.Operator, g *event.Group, err error) {
	if o, err = team.GetOperator(tx, i.Operator); err != nil {
		return nil, nil, fmt.Errorf("operator %d: %w", i.Operator, err)
	}
	if !o.Active {
		return nil, nil, nil
	}
	if w.GroupID != 0 {
		if g, err = team.GetGroup(tx, w.GroupID); err != nil {
			return nil, nil, fmt.Errorf("group of widget %d: %w", w.ID, err)
		}
	}
	return o, g, nil
}

// invite puts the operator's message into the conversation, before the contact's answer to it: in a new one as of when it was sent, else as of
// now.
func (d *Desk) invite(tx *db.Tx, s *state, i *Invitation, created bool) ([]*event.Event, error) {
	author, err := team.GetOperator(tx, i.Operator)
	if err != nil {
		return nil, fmt.Errorf("operator %d: %w", i.Operator, err)
	}
	m := fromOperator(author)
	m.Body = i.Body
	if created && i.At.Before(tx.Now()) {
		m.SentAt = i.At.UTC().Truncate(time.Microsecond)
	}
	var events []*event.Event
	if s.Operator == nil && author.Active {
		events = reassign(s, tx.Now(), m.Sender, author, s.Group)
	}
	if s.Status == event.StatusNew {
		changed, err := changeStatus(tx, s, m.Sender, event.StatusOpen)
		if err != nil {
			return nil, err
		}
		events = append(events, changed...)
	}
	if err := d.say(tx, s, m); err != nil {
		return nil, err
	}
	e := s.base(event.MessageSent, tx.Now(), m.Sender)
	e.Message = m
	return append(events, e), nil
}
