package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

// Options are what a Desk needs.
type Options struct {
	DB       *db.DB
	Feed     *feed.Feed
	Contacts *contact.Desk
	Widgets  *widget.Desk
	// Media has the files of messages and the cards of links; without it messages have neither.
	Media *media.Desk
	// Place returns where an address is, "" and nil for what is unknown; nil means that all places are. It is called within
	// transactions and asks nobody.
	Place func(address string) Place
	// TakesRequested reports whether somebody is set up to whom the conversation would be sent when it is flagged and its status
	// changes; nil means nobody ever.
	TakesRequested func(*db.Tx, *event.Conversation) (bool, error)
	// Hooked reports whether the conversation's widget has the webhook of that name, HookTranscript for instance; nil means that none has any.
	Hooked func(tx *db.Tx, c *event.Conversation, hook string) (bool, error)
}

// Desk has the commands and reads of the inbox. Safe for concurrent use.
type Desk struct {
	Options
	failed failures
}

// New makes a Desk.
func New(o Options) *Desk { return &Desk{Options: o} }

// load reads the conversation under its lock, with the people that its snapshot names.
func load(tx *db.Tx, conversation id.Conversation) (*state, error) {
	if err := lockConversation(tx, conversation); err != nil {
		return nil, err
	}
	return read(tx, conversation)
}

// people fills in the operators that states name, asking for each once.
func people(tx *db.Tx, known map[id.Operator]*event.Operator, states ...*state) error {
	for _, s := range states {
		var err error
		if s.Operator, err = operator(tx, known, s.operatorID); err != nil {
			return err
		}
		if s.session != nil {
			if s.session.OperatorCreated, err = operator(tx, known, s.createdBy); err != nil {
				return err
			}
		}
	}
	return nil
}

func operator(tx *db.Tx, known map[id.Operator]*event.Operator, o id.Operator) (*event.Operator, error) {
	if o == 0 {
		return nil, nil
	}
	if got, ok := known[o]; ok {
		return got, nil
	}
	got, err := team.GetOperator(tx, o)
	if err != nil {
		return nil, fmt.Errorf("operator %d: %w", o, err)
	}
	known[o] = got
	return got, nil
}

// put stores m as the conversation's next message, sent now, or when m says where it is the first one.
func put(tx *db.Tx, s *state, m *event.Message) error {
	if m.SentAt.IsZero() || s.MessageCount > 0 {
		m.SentAt = s.next(tx.Now())
	}
	if s.session != nil {
		m.SessionID = s.session.ID
	}
	if m.State = stateDerived; s.outbound(m) {
		m.State = event.StatePending
	}
	s.add(m)
	if m.Note && s.session != nil {
		s.session.notes, s.session.dirty = s.session.notes+1, true
	}
	if err := insertMessage(tx, m); err != nil {
		return err
	}
	switch {
	case !m.Said() || m.Note:
	case m.Sender.Type == event.ByContact:
		s.waits(m)
	case m.Sender.Type == event.ByOperator:
		s.answered()
	}
	return nil
}

// say stores what somebody said as the conversation's next message: with the file that m has, taken before, and with the card of the
// first address in its text where one is known. Where it is not, MediaChanged hears of it later.
func (d *Desk) say(tx *db.Tx, s *state, m *event.Message) error {
	if err := put(tx, s, m); err != nil {
		return err
	}
	if m.Media != nil {
		if err := d.Media.Bind(tx, m.Media, s.ID, m.ID); err != nil {
			return err
		}
	}
	if m.Note || d.Media == nil || !namesLink(m.Body) {
		return nil
	}
	card, at, err := d.Media.Card(tx, m.Body, s.ID, m.ID)
	if err != nil {
		return err
	}
	if m.Link = card; card == nil || at == 0 {
		return nil
	}
	if err := setMessageLink(tx, m.ID, at); err != nil {
		return fmt.Errorf("link card of message %d: %w", m.ID, err)
	}
	return nil
}

// attach gives m the upload with this key, "" for none; one of the owners must have brought it in.
func (d *Desk) attach(tx *db.Tx, m *event.Message, key string, owners ...media.Owner) error {
	if key == "" {
		return nil
	}
	if d.Media == nil {
		return fault.New(fault.MediaNotFound, "there is no such upload").At("media")
	}
	file, err := d.Media.Take(tx, key, owners...)
	if err != nil {
		return err
	}
	m.Type, m.Media = event.TypeMedia, file
	return nil
}

// uploader is whose uploads an actor can send.
func uploader(by team.Actor) media.Owner {
	if by.Operator != 0 {
		return media.Owner{Kind: media.OwnedByOperator, ID: int64(by.Operator)}
	}
	return media.Owner{Kind: media.OwnedByToken, ID: int64(by.Token)}
}

// act is what a command does to a conversation under its lock. It returns no events when nothing changed.
type act func(tx *db.Tx, s *state) ([]*event.Event, error)

// change does something to a conversation, once for each key, and returns the conversation as it is afterwards.
func (d *Desk) change(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, do act) (*View, error) {
	v, _, err := d.changed(ctx, by, key, conversation, do)
	return v, err
}

// changed is change, and tells whether anything became different; a repeat is told what the first one was.
func (d *Desk) changed(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, do act) (v *View, different bool, err error) {
	if err := by.MayWrite(); err != nil {
		return nil, false, err
	}
	var s *state
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		var repeated bool
		different, repeated, err = once.Do(tx, key, func() (bool, error) {
			var err error
			if s, err = load(tx, conversation); err != nil {
				return false, err
			}
			events, err := do(tx, s)
			if err != nil {
				return false, err
			}
			return len(events) > 0, d.store(ctx, tx, s, events)
		})
		if err == nil && repeated {
			s, err = read(tx, conversation)
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return viewOf(s), different, nil
}

// store writes the conversation back and appends what happened to it; without events nothing did.
func (d *Desk) store(ctx context.Context, tx *db.Tx, s *state, events []*event.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := d.request(tx, s, events); err != nil {
		return err
	}
	if err := save(tx, s); err != nil {
		return err
	}
	return d.Feed.Append(ctx, tx, events...)
}

// request completes the requested one among the events of a command: it gets the whole conversation as the command leaves it,
// with the message that changed the status (S-119). When nobody is left who would take it, the flag stays.
func (d *Desk) request(tx *db.Tx, s *state, events []*event.Event) error {
	at := slices.IndexFunc(events, func(e *event.Event) bool { return e.Requested })
	if at < 0 {
		return nil
	}
	e := events[at]
	if d.TakesRequested != nil {
		taken, err := d.TakesRequested(tx, s.snapshot())
		if err != nil {
			return fmt.Errorf("who takes conversation %d: %w", s.ID, err)
		}
		if !taken {
			e.Requested, s.Flagged = false, true
			for _, later := range events[at:] {
				later.Conversation = s.snapshot()
			}
			return nil
		}
	}
	e.Conversation = s.snapshot()
	if s.session != nil {
		e.Session = s.session.snapshot()
	}
	return withConversation(tx, s, e)
}

// Post is a message or note of an operator or an API token.
type Post struct {
	Conversation id.Conversation
	Body         string
	Media        string // key of an upload, "" for none; with a file the body may be empty
	Note         bool
	Reference    id.Message // the quoted message of the same conversation, 0 for none
	// Choices are answers that the contact may give with a click, at most MaxChoices of MaxChoice characters in one line each. On another
	// channel than the website they become numbered lines of the text. A note has none.
	Choices []string
}

// Posted is the answer to a post.
type Posted struct {
	Conversation *View
	Message      *event.Message
}

type postedIDs struct{ Message id.Message }

// Post stores a message to the contact, or an internal note. The first reply opens a new conversation and makes the
// replying operator responsible if nobody is; a pending one stays pending until the contact writes. An ended conversation
// takes notes only (conversation.ended). A message of an API token is a bot's (S-101): it makes nobody responsible and
// leaves the operators' read mark alone.
func (d *Desk) Post(ctx context.Context, by team.Actor, key once.Key, p Post) (*Posted, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	if err := checkText(p.Body, p.Media != ""); err != nil {
		return nil, err
	}
	var err error
	if p.Choices, err = checkChoices(p.Choices, p.Note); err != nil {
		return nil, err
	}
	var s *state
	var m *event.Message
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		ids, repeated, err := once.Do(tx, key, func() (ids postedIDs, err error) {
			if s, m, err = d.post(ctx, tx, by, p); err != nil {
				return ids, err
			}
			return postedIDs{m.ID}, nil
		})
		if err != nil || !repeated {
			return err
		}
		if s, err = read(tx, p.Conversation); err != nil {
			return err
		}
		if m, err = messageByID(tx, p.Conversation, ids.Message); err != nil {
			return missing(p.Conversation, err)
		}
		m.State = s.messageState(m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Posted{viewOf(s), m}, nil
}

func (d *Desk) post(ctx context.Context, tx *db.Tx, by team.Actor, p Post) (*state, *event.Message, error) {
	s, err := load(tx, p.Conversation)
	if err != nil {
		return nil, nil, err
	}
	if !p.Note {
		if err := s.notEnded(); err != nil {
			return nil, nil, err
		}
	}
	if p.Reference != 0 {
		q, err := messageByID(tx, p.Conversation, p.Reference)
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return nil, nil, fmt.Errorf("quoted message %d: %w", p.Reference, err)
		}
		if err != nil || q.Note && !p.Note { // quoting a note would show it to the contact
			return nil, nil, fault.Newf(fault.MessageReference, "conversation %d has no message %d to quote", p.Conversation, p.Reference).At("reference")
		}
	}
	m, author, err := message(tx, by)
	if err != nil {
		return nil, nil, err
	}
	m.Body, m.Note, m.ReferenceID = p.Body, p.Note, p.Reference
	switch {
	case len(p.Choices) == 0:
	case s.Channel.Type == event.ChannelWebsite:
		m.Choices = p.Choices
	default:
		m.Body = strings.TrimPrefix(m.Body+choiceLines(p.Choices), "\n")
		if err := checkText(m.Body, false); err != nil {
			return nil, nil, err
		}
	}
	if err := d.attach(tx, m, p.Media, uploader(by)); err != nil {
		return nil, nil, err
	}
	var events []*event.Event
	if !p.Note {
		if author != nil && s.Operator == nil {
			events = append(events, reassign(s, tx.Now(), by.Party(), author, s.Group)...)
		}
		if s.Status == event.StatusNew {
			changed, err := changeStatus(tx, s, by.Party(), event.StatusOpen)
			if err != nil {
				return nil, nil, err
			}
			events = append(events, changed...)
		}
		if s.session.open() {
			s.session.touch(tx.Now(), s.timeout)
		}
	}
	if err := d.say(tx, s, m); err != nil {
		return nil, nil, err
	}
	kind := event.MessageSent
	if p.Note {
		kind = event.MessageNoted
	}
	e := s.base(kind, tx.Now(), by.Party())
	e.Message = m
	return s, m, d.store(ctx, tx, s, append(events, e))
}

// message starts a message of an actor: an operator's, or a bot's for everybody else, without an author then.
func message(tx *db.Tx, by team.Actor) (*event.Message, *event.Operator, error) {
	if by.Operator == 0 {
		return &event.Message{Type: event.TypeMessage, Sender: event.Party{Type: event.ByBot, Name: by.Name}}, nil, nil
	}
	author, err := team.GetOperator(tx, by.Operator)
	if err != nil {
		return nil, nil, fmt.Errorf("author: %w", err)
	}
	return fromOperator(author), author, nil
}

// Read moves the operators' read mark of a conversation to number. Moving it back or not at all is no error and no event.
func (d *Desk) Read(ctx context.Context, by team.Actor, conversation id.Conversation, number int) error {
	_, err := d.change(ctx, by, once.Key{}, conversation, func(tx *db.Tx, s *state) ([]*event.Event, error) {
		if err := s.known(number); err != nil {
			return nil, err
		}
		if number <= s.OperatorRead {
			return nil, nil
		}
		beyond, err := countBeyond(tx, conversation, number)
		if err != nil {
			return nil, fmt.Errorf("unread messages of conversation %d: %w", conversation, err)
		}
		s.OperatorRead, s.Unread = number, beyond
		return []*event.Event{s.base(event.ConversationRead, tx.Now(), by.Party())}, nil
	})
	return err
}

// Assign makes one operator responsible, or nobody (operator 0). The group stays.
func (d *Desk) Assign(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, to id.Operator) (*View, error) {
	return d.change(ctx, by, key, conversation, assigning(by, to))
}

func assigning(by team.Actor, to id.Operator) act {
	return func(tx *db.Tx, s *state) ([]*event.Event, error) {
		o, err := receiver(tx, to)
		if err != nil {
			return nil, err
		}
		return handOver(tx, s, by, entryAssigned, o, s.Group, "")
	}
}

// Forward hands the conversation to another operator, or to a group: then to whoever of it is free, but not to the one who
// has it now, nor, when nobody has it, to the one who forwards; with nobody free it waits in the group, unassigned. Exactly
// one of the two is given. note, if not empty, is left as an internal note for the receiver.
func (d *Desk) Forward(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, to id.Operator, group id.Group, note string) (*View, error) {
	do, err := forwarding(by, to, group, note)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, by, key, conversation, do)
}

func forwarding(by team.Actor, to id.Operator, group id.Group, note string) (act, error) {
	if (to == 0) == (group == 0) {
		return nil, fault.New(fault.FieldInvalid, "give either operator_id or group_id").At("operator_id")
	}
	if note != "" {
		if err := CheckBody(note); err != nil {
			return nil, fault.As(err).At("note")
		}
	}
	return func(tx *db.Tx, s *state) ([]*event.Event, error) {
		if to != 0 {
			o, err := receiver(tx, to)
			if err != nil {
				return nil, err
			}
			return handOver(tx, s, by, entryForwarded, o, s.Group, note)
		}
		except := s.operatorID
		if except == 0 {
			except = by.Operator // who wanted it could have taken it
		}
		o, g, err := answerer(tx, group, except)
		if err != nil {
			return nil, atField(err, fault.GroupNotFound, "group_id")
		}
		return handOver(tx, s, by, entryForwarded, o, g, note)
	}, nil
}

func handOver(tx *db.Tx, s *state, by team.Actor, name string, o *event.Operator, g *event.Group, note string) ([]*event.Event, error) {
	if err := s.notEnded(); err != nil {
		return nil, err
	}
	events := reassign(s, tx.Now(), by.Party(), o, g)
	if len(events) > 0 {
		m := entry(name, by.Party())
		m.Entry.Operator, m.Entry.Group = operatorParty(o), g
		if err := put(tx, s, m); err != nil {
			return nil, err
		}
		events[0].Conversation, events[0].Message = s.snapshot(), m
		if err := withSession(tx, s, events[0]); err != nil {
			return nil, err
		}
	}
	if note == "" {
		return events, nil
	}
	n, _, err := message(tx, by)
	if err != nil {
		return nil, err
	}
	n.Note, n.Body = true, note
	if err := put(tx, s, n); err != nil {
		return nil, err
	}
	e := s.base(event.MessageNoted, tx.Now(), by.Party())
	e.Message = n
	return append(events, e), nil
}

// reassign makes operator and group responsible; no event when they are already. The event has no thread entry: who writes
// one puts it in.
func reassign(s *state, at time.Time, by event.Party, o *event.Operator, g *event.Group) []*event.Event {
	operatorBefore, groupBefore := s.Operator, s.Group
	if !s.assign(o, g) {
		return nil
	}
	e := s.base(event.ConversationAssigned, at, by)
	e.OperatorBefore, e.GroupBefore = operatorBefore, groupBefore
	return []*event.Event{e}
}

// changeStatus sets the status; no event when the conversation has it already.
func changeStatus(tx *db.Tx, s *state, by event.Party, status string) ([]*event.Event, error) {
	before, changed, requested := s.setStatus(status, tx.Now())
	if !changed {
		return nil, nil
	}
	e := s.base(event.ConversationStatusChanged, tx.Now(), by)
	e.StatusBefore, e.Requested = before, requested
	return []*event.Event{e}, nil
}

// receiver reads the operator who shall get a conversation; 0 gives nil.
func receiver(tx *db.Tx, to id.Operator) (*event.Operator, error) {
	if to == 0 {
		return nil, nil
	}
	o, err := team.GetOperator(tx, to)
	if err != nil {
		return nil, atField(err, fault.OperatorNotFound, "operator_id")
	}
	if !o.Active {
		return nil, fault.Newf(fault.OperatorInactive, "operator %d is deactivated and cannot take conversations", to).At("operator_id")
	}
	return o, nil
}

func atField(err error, code fault.Code, field string) error {
	if fault.Is(err, code) {
		return fault.As(err).At(field)
	}
	return err
}

// answerer finds who gets a conversation of a group (0 means of all operators, then the group is nil): the online operator
// with the fewest conversations in work and a free slot, nil when there is none. except never gets it.
func answerer(tx *db.Tx, group id.Group, except id.Operator) (o *event.Operator, g *event.Group, err error) {
	if group != 0 {
		if g, err = team.GetGroup(tx, group); err != nil {
			return nil, nil, err
		}
	}
	if err := lockRouting(tx); err != nil {
		return nil, nil, fmt.Errorf("lock routing: %w", err)
	}
	to, err := routeTo(tx, group, except)
	if err != nil {
		return nil, nil, fmt.Errorf("look for a free operator of group %d: %w", group, err)
	}
	o, err = receiver(tx, to)
	return o, g, err
}

// ReleaseGroup takes the ended conversations out of a group that is about to be deleted, as part of tx; it is meant for
// team's OnDeleteGroup. Those that have not ended stay and keep the group from being deleted. There is no event of each: the
// group's own says that it is gone.
func ReleaseGroup(_ context.Context, tx *db.Tx, group id.Group) error {
	if err := releaseGroup(tx, group); err != nil {
		return fmt.Errorf("release ended conversations of group %d: %w", group, err)
	}
	return nil
}

// End ends the conversation and its open session. Ending an ended conversation changes nothing.
func (d *Desk) End(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation) (*View, error) {
	return d.change(ctx, by, key, conversation, d.ending(by, false))
}

// Discard is End without what else happens then: no transcript goes out, neither by mail nor to a webhook, and the contact is not asked what they
// think (View.Discarded). conversation.ended is told as ever, with the reason event.ReasonDiscarded. Of a conversation that has ended, a transcript
// that waits for the contact's review goes nowhere any more.
func (d *Desk) Discard(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation) (*View, error) {
	return d.change(ctx, by, key, conversation, d.ending(by, true))
}

func (d *Desk) ending(by team.Actor, discard bool) act {
	return func(tx *db.Tx, s *state) ([]*event.Event, error) {
		if s.Status == event.StatusEnded {
			if !discard || s.transcriptDue.IsZero() {
				return nil, nil
			}
			s.transcriptDue = time.Time{} // nobody was told that it waits, so there is nothing to tell
			return nil, save(tx, s)
		}
		reason := event.EndRule
		switch {
		case by.Operator != 0:
			reason = event.EndOperator
		case by.Token != 0:
			reason = event.EndAPI
		}
		if !discard {
			return d.conclude(tx, s, by.Party(), reason)
		}
		events, err := end(tx, s, by.Party(), reason)
		if err != nil {
			return nil, err
		}
		events[len(events)-1].Reason = event.ReasonDiscarded
		if s.session != nil {
			s.session.discarded, s.session.dirty = true, true
		}
		return events, nil
	}
}

// end puts the entry into the thread, ends the session if one is open, and then the conversation: in the feed the session
// ends first, as receivers of the callbacks expect (unread, end, ended).
func end(tx *db.Tx, s *state, by event.Party, reason string) ([]*event.Event, error) {
	m := entry(entryEnded, by)
	m.Entry.Reason = reason
	if err := put(tx, s, m); err != nil {
		return nil, err
	}
	var events []*event.Event
	if s.session.open() {
		ended, err := endSession(tx, s, by, reason)
		if err != nil {
			return nil, err
		}
		events = ended
	}
	before, _, requested := s.setStatus(event.StatusEnded, tx.Now())
	e := s.base(event.ConversationEnded, tx.Now(), by)
	e.StatusBefore, e.Message, e.Requested = before, m, requested
	if err := withConversation(tx, s, e); err != nil {
		return nil, err
	}
	return append(events, e), nil
}

// endSession ends the open session; the events carry all its messages.
func endSession(tx *db.Tx, s *state, by event.Party, reason string) ([]*event.Event, error) {
	s.session.end(tx.Now(), reason)
	ended := s.base(event.SessionEnded, tx.Now(), by)
	if err := withSession(tx, s, ended); err != nil {
		return nil, err
	}
	if s.Unread == 0 {
		return []*event.Event{ended}, nil
	}
	unread := s.base(event.SessionUnread, tx.Now(), by)
	unread.Messages, unread.Notes = ended.Messages, ended.Notes
	return []*event.Event{unread, ended}, nil
}

// Reopen makes an ended conversation open again. It opens no session: the contact's next message does.
func (d *Desk) Reopen(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation) (*View, error) {
	return d.change(ctx, by, key, conversation, reopening(by))
}

func reopening(by team.Actor) act {
	return func(tx *db.Tx, s *state) ([]*event.Event, error) {
		if err := s.notErased(); err != nil {
			return nil, err
		}
		if s.Status != event.StatusEnded {
			return nil, fault.Newf(fault.ConversationNotEnded, "conversation %d has not ended", s.ID)
		}
		e, err := reopen(tx, s, by.Party(), event.StatusOpen)
		if err != nil {
			return nil, err
		}
		return []*event.Event{e}, nil
	}
}

func reopen(tx *db.Tx, s *state, by event.Party, status string) (*event.Event, error) {
	before, _, requested := s.setStatus(status, tx.Now())
	if s.session != nil && s.session.discarded {
		s.session.discarded, s.session.dirty = false, true
	}
	m := entry(entryReopened, by)
	if err := put(tx, s, m); err != nil {
		return nil, err
	}
	e := s.base(event.ConversationReopened, tx.Now(), by)
	e.StatusBefore, e.Message, e.Requested = before, m, requested
	return e, nil
}

// SetStatus sets a conversation aside (pending) or takes it up again (open). Ending and reopening have commands of their own.
func (d *Desk) SetStatus(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, status string) (*View, error) {
	if status != event.StatusOpen && status != event.StatusPending {
		return nil, fault.New(fault.FieldInvalid, "status must be open or pending; use end and reopen for the others").At("status")
	}
	return d.change(ctx, by, key, conversation, func(tx *db.Tx, s *state) ([]*event.Event, error) {
		if s.Status == event.StatusEnded {
			return nil, fault.Newf(fault.ConversationStatus, "conversation %d has ended; reopen it first", conversation).At("status")
		}
		return changeStatus(tx, s, by.Party(), status)
	})
}
