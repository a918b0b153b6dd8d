package inbox

import (
	"slices"
	"strings"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

// state is a conversation under its lock: the snapshot that events carry, its open or latest session, and what has to be
// written back. Its methods are the rules; they see no database.
type state struct {
	event.Conversation
	groupID    id.Group
	operatorID id.Operator
	address    int64         // where the contact is reached on the channel; 0 on the website
	session    *session      // latest; nil before the first
	createdBy  id.Operator   // who was responsible when session started
	timeout    time.Duration // of the widget, for the session's expiry
	patience   time.Duration // of the widget: how long a message of the contact may wait for an operator, 0 for ever
	transcript string        // of the widget: when the transcript goes to its webhook by itself
	alarm      alarm
	// transcriptDue is when a transcript that waits for the contact's review goes at the latest, zero for none.
	transcriptDue time.Time
	stored        place // as the database has it
	erased        bool  // its contact's data was erased: it has ended for good
}

// place is where a conversation stands: what changes less often than with each message.
type place struct {
	contact       id.Contact
	group         id.Group
	operator      id.Operator
	session       id.Session
	status, topic string
	ended         time.Time
	flagged       bool
	tags          string // one per line
	rating        int
	channelType   string
	channel       id.Channel
	hiddenFrom    int
	address       int64
	transcriptDue time.Time
	wait          wait
}

// wait is what changes with the messages that wait for an operator.
type wait struct {
	alarm
	rang time.Time
}

// alarm is when it rings, zero for not, and for which message.
type alarm struct {
	due     time.Time
	message id.Message
}

func (s *state) place() place {
	p := place{contact: s.Contact.ID, group: s.groupID, operator: s.operatorID, status: s.Status, topic: s.Topic, ended: s.EndedAt,
		flagged: s.Flagged, tags: strings.Join(s.Tags, "\n"), rating: s.Rating, channelType: s.Channel.Type, channel: s.Channel.ID, hiddenFrom: s.HiddenFrom, address: s.address,
		transcriptDue: s.transcriptDue, wait: wait{s.alarm, s.UnansweredAt}}
	if s.session != nil {
		p.session = s.session.ID
	}
	return p
}

// snapshot is the conversation as events show it. Later changes of s do not reach it: what s points to is replaced, never
// changed.
func (s *state) snapshot() *event.Conversation {
	c := s.Conversation
	return &c
}

// base starts an event about s: conversation, session and contact as they are now.
func (s *state) base(t event.Type, at time.Time, by event.Party) *event.Event {
	e := &event.Event{Type: t, At: at, By: by, Conversation: s.snapshot()}
	if s.session != nil {
		e.Session = s.session.snapshot()
	}
	return e
}

// assign makes operator and group responsible and reports whether anything changed. A nil operator means unassigned.
func (s *state) assign(o *event.Operator, g *event.Group) bool {
	var operatorID id.Operator
	var groupID id.Group
	if o != nil {
		operatorID = o.ID
	}
	if g != nil {
		groupID = g.ID
	}
	if operatorID == s.operatorID && groupID == s.groupID {
		return false
	}
	s.operatorID, s.groupID, s.Operator, s.Group = operatorID, groupID, o, g
	return true
}

// setStatus changes the status and returns the one before and whether it changed. A flag is used up by it: then the event of
// the change is requested (S-119), and store gives it the whole conversation.
func (s *state) setStatus(status string, at time.Time) (before string, changed, requested bool) {
	before = s.Status
	if before == status {
		return before, false, false
	}
	s.Status = status
	if status == event.StatusEnded {
		s.EndedAt = at
		s.answered() // nobody waits any more
	} else {
		s.EndedAt, s.transcriptDue = time.Time{}, time.Time{}
	}
	requested, s.Flagged = s.Flagged, false
	return before, true, requested
}

// statusAfterContact is what a conversation becomes when its contact writes.
func (s *state) statusAfterContact() string {
	switch {
	case s.Status == event.StatusEnded && s.operatorID == 0:
		return event.StatusNew
	case s.Status == event.StatusEnded, s.Status == event.StatusPending:
		return event.StatusOpen
	}
	return s.Status
}

// add numbers m, puts it at the end of the conversation and moves the marks that follow from it.
func (s *state) add(m *event.Message) {
	s.MessageCount++
	m.ConversationID, m.Number = s.ID, s.MessageCount
	s.UpdatedAt = m.SentAt
	if line := lineOf(m); line != nil { // a thread entry has no words of its own; the list goes on with the last that were said
		s.LastMessage = line
	}
	switch {
	case !m.Said():
	case m.Sender.Type == event.ByContact:
		s.Unread++
		// Who writes has seen what stands above.
		s.ContactRead, s.ContactDelivered = m.Number, m.Number
	case m.Sender.Type == event.ByOperator:
		s.OperatorRead, s.Unread = m.Number, 0
	}
	m.State = s.messageState(m)
}

// waits starts the alarm for a message of the contact, which is stored, unless it runs for an earlier one (S-126). Who left a message in the
// offline form does not wait at the screen; who goes on to write after it does.
func (s *state) waits(m *event.Message) {
	if s.patience == 0 || !s.alarm.due.IsZero() {
		return
	}
	if form := s.session.Offline && m.Number == s.session.firstNumber; !form { // such a session begins with what was typed into the form
		s.alarm = alarm{m.SentAt.Add(s.patience), m.ID}
	}
}

// answered stops the alarm, whether it runs or has rung.
func (s *state) answered() { s.alarm, s.UnansweredAt = alarm{}, time.Time{} }

// next is when the conversation's next message is sent: after all that was said before, whatever the clocks of nodes say, so that the time
// names a message of the conversation (S-162).
func (s *state) next(now time.Time) time.Time {
	if s.MessageCount > 0 && !now.After(s.UpdatedAt) {
		return s.UpdatedAt.Add(time.Microsecond)
	}
	return now
}

// stateDerived is the stored state of messages whose state follows from the conversation's marks alone.
const stateDerived event.MessageState = -1

// outbound reports whether m goes to the contact over a channel that tells what becomes of it.
func (s *state) outbound(m *event.Message) bool {
	return s.Channel.Type != event.ChannelWebsite && m.Said() && !m.Note && m.Sender.Type != event.ByContact
}

// nextState is the stored state that a message gets when its channel tells another one: what the other side has (sent or more) only
// grows, and what it has not is pending or failed in turns, until it has it. Only the other side itself can say that a message which it
// has taken went no further.
func nextState(stored, told event.MessageState, byOtherSide bool) event.MessageState {
	switch {
	case stored == event.StateSent && told == event.StateFailed && byOtherSide:
		return told
	case stored >= event.StateSent:
		return max(stored, told)
	}
	return told
}

// messageState is the ladder of S-026 for a message of this conversation, from its stored state, which it is given as m.State. What
// the conversation's marks say counts as soon as the channel's other side has the message.
func (s *state) messageState(m *event.Message) event.MessageState {
	switch m.State {
	case event.StateFailed, event.StatePending:
		return m.State
	}
	return max(m.State, s.derivedState(m))
}

func (s *state) derivedState(m *event.Message) event.MessageState {
	switch {
	case !m.Said() || m.Note:
		return event.StateSent
	case m.Sender.Type == event.ByContact:
		if m.Number <= s.OperatorRead {
			return event.StateRead
		}
	case m.Number <= s.ContactRead:
		return event.StateRead
	case m.Number <= s.ContactDelivered:
		return event.StateDelivered
	}
	return event.StateSent
}

// readByContact moves the contact's marks; a message that was read was delivered too.
func (s *state) readByContact(delivered, read int) bool {
	d, r := max(s.ContactDelivered, delivered, read), max(s.ContactRead, read)
	if d == s.ContactDelivered && r == s.ContactRead {
		return false
	}
	s.ContactDelivered, s.ContactRead = d, r
	return true
}

// known refuses a message number that the conversation does not have.
func (s *state) known(number int) error {
	if number < 1 || number > s.MessageCount {
		return fault.Newf(fault.MessageNumber, "conversation %d has messages 1 to %d, not %d", s.ID, s.MessageCount, number).At("number")
	}
	return nil
}

// shown is how many of the messages browsers of the contact may see: what happened on another channel is hidden from those that are
// not signed in.
func (s *state) shown() int {
	if s.HiddenFrom == 0 || s.ShownTo(&s.Contact, s.HiddenFrom) {
		return s.MessageCount
	}
	return s.HiddenFrom - 1
}

// secret reports whether browsers of the contact do not know of the conversation at all.
func (s *state) secret() bool { return s.HiddenFrom == 1 && !s.ShownTo(&s.Contact, 1) }

// notMoved refuses what a browser wants to do to a conversation that it does not see to its end.
func (s *state) notMoved() error {
	if s.shown() < s.MessageCount {
		return fault.Newf(fault.ConversationMoved, "conversation %d goes on elsewhere; write there, or begin a new one", s.ID)
	}
	return nil
}

func (s *state) notEnded() error {
	if s.Status == event.StatusEnded {
		return fault.Newf(fault.ConversationEnded, "conversation %d has ended; reopen it to write", s.ID)
	}
	return nil
}

// Statuses lists the statuses of a conversation in the order of its life.
func Statuses() []string {
	return []string{event.StatusNew, event.StatusOpen, event.StatusPending, event.StatusEnded}
}

// notErased refuses what would fill a conversation again whose contact's data was erased.
func (s *state) notErased() error {
	if s.erased {
		return fault.Newf(fault.ConversationEnded, "the contact of conversation %d had their data deleted; nobody reads there any more", s.ID)
	}
	return nil
}

// KnownStatus reports whether status is one of Statuses.
func KnownStatus(status string) bool { return slices.Contains(Statuses(), status) }
