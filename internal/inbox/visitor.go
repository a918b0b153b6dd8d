package inbox

import (
	"context"
	"fmt"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/widget"
)

const (
	// firstRetry is how long a browser that never got its token may ask for one again with the same client id.
	firstRetry = time.Hour
	// minFirstClientID keeps clients that number their messages "1", "2", "3" from getting each other's conversations: without
	// a token the client id is what the browser shows instead, so it has to be random.
	minFirstClientID = 16
)

// ContactPost is a message that a contact's browser sends through a widget.
type ContactPost struct {
	WidgetKey string
	// Widget is the active widget of that key where the caller has read it for this very request; nil has it read here.
	Widget *event.Widget
	// Contact is the authenticated contact, 0 for a browser without a token: then a contact and a token are made.
	Contact id.Contact
	// ClientID is the browser's own id of the message; it makes the post idempotent. The first message, without a contact, is
	// answered again for an hour to whoever shows the same one, so it must be random then: at least 16 characters.
	ClientID string
	Body     string
	// Media is the key of an upload of this browser, "" for none; with a file the body may be empty.
	Media string
	// Conversation is where the message belongs; 0 means the contact's newest conversation on the widget that has not ended,
	// or a new one.
	Conversation id.Conversation
	// Reopen allows writing to an ended conversation.
	Reopen bool
	// Change is what the browser knows of the contact. The external id is ignored: only a signed identity sets it.
	Change contact.Change
	// Claimed is who the page's script says the visitor is, nil for nothing. What Change says comes first.
	Claimed *contact.Claim
	// Invitation is an operator's message that this one answers, nil for none.
	Invitation *Invitation
	Visit      Visit

	typed contact.Change // name and address of the offline form, for a contact of whom they are not known
}

// ContactPosted is the answer to a contact's post.
type ContactPosted struct {
	Contact      *event.Contact
	Conversation *View
	Message      *event.Message
	// Token is the browser's new token, "" when it has one.
	Token     string
	Duplicate bool
}

type contactIDs struct {
	Contact      id.Contact
	Conversation id.Conversation
	Message      id.Message
	At           time.Time
}

// PostFromContact stores a contact's message. It opens a conversation and a session where needed and routes them
// (S-096, S-099, S-100). A repeat with the same client id gets the first answer.
func (d *Desk) PostFromContact(ctx context.Context, p ContactPost) (*ContactPosted, error) {
	if err := p.check(checkText(p.Body, p.Media != "")); err != nil {
		return nil, err
	}
	return d.fromContact(ctx, p, p.digest(), func(ctx context.Context, tx *db.Tx, w *event.Widget, out *ContactPosted) (contactIDs, error) {
		return d.postFromContact(ctx, tx, w, p, out)
	})
}

// check makes p what is stored, or says what is wrong with it. more are faults that were found before.
func (p *ContactPost) check(more ...error) error {
	p.Change.ExternalID, p.Change.ClaimedID = nil, nil
	change, err := p.Change.Check("contact.")
	all := append([]error{checkClientID(p.ClientID, p.Contact == 0)}, append(more, err)...)
	if p.Claimed != nil {
		claimed, err := p.Claimed.Change()
		all = append(all, err)
		change = change.Or(claimed)
	}
	var faults fault.Collect
	for _, err := range all {
		if err == nil {
			continue
		}
		one := *fault.As(err)
		others := one.Others
		one.Others = nil
		faults.Add(&one)
		for _, other := range others {
			faults.Add(other)
		}
	}
	p.Change = change
	return faults.Err()
}

// fromContact runs post for a browser, once for its client id.
func (d *Desk) fromContact(ctx context.Context, p ContactPost, digest string,
	post func(context.Context, *db.Tx, *event.Widget, *ContactPosted) (contactIDs, error)) (*ContactPosted, error) {
	var out ContactPosted
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		out = ContactPosted{}
		w := p.Widget
		if w == nil {
			var err error
			if w, err = widget.ByKey(tx, p.WidgetKey); err != nil {
				return err
			}
		}
		key := once.Key{Scope: fmt.Sprintf("contact:%d message", p.Contact), Value: p.ClientID, Request: digest}
		if p.Contact == 0 {
			key.Scope = fmt.Sprintf("widget:%d first message", w.ID)
		}
		ids, repeated, err := once.Do(tx, key, func() (contactIDs, error) { return post(ctx, tx, w, &out) })
		if err == nil && repeated {
			err = repeat(tx, w, p, ids, &out)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// digest tells posts apart that have the same client id.
func (p *ContactPost) digest() string {
	if p.Media == "" {
		return once.Digest([]byte(p.Body))
	}
	return once.Digest([]byte(p.Body), []byte(p.Media))
}

// repeat answers a post that was stored before.
func repeat(tx *db.Tx, w *event.Widget, p ContactPost, ids contactIDs, out *ContactPosted) (err error) {
	out.Duplicate = true
	if out.Contact, err = contact.Get(tx, ids.Contact); err != nil {
		return err
	}
	s, err := read(tx, ids.Conversation)
	if err != nil {
		return err
	}
	if out.Message, err = messageByID(tx, ids.Conversation, ids.Message); err != nil {
		return missing(ids.Conversation, err)
	}
	if p.Contact == 0 {
		// The first answer was lost on the way, so the browser has no token and has done nothing since. Its random client id is
		// what it can show. As soon as somebody has used the token, or the contact turned out to be a known user or the owner of
		// an e-mail address, whom a stranger may have begun as, or an hour has passed, the client id opens nothing any more.
		owned, err := owned(tx, out.Contact)
		if err != nil {
			return err
		}
		if owned || tx.Now().Sub(ids.At) > firstRetry || s.Contact.ID != ids.Contact || s.erased ||
			s.ContactRead > out.Message.Number || s.ContactDelivered > out.Message.Number {
			return fault.New(fault.KeyReused, "this client_id was used before; send the message with a new one").At("client_id")
		}
		if out.Token, err = contact.NewToken(tx, ids.Contact, w.ID, contact.Browser{UserAgent: p.Visit.UserAgent}); err != nil {
			return err
		}
	}
	out.Message.State = s.messageState(out.Message)
	views, err := visible(tx, &s.Contact, s.ID, s)
	if err != nil {
		return err
	}
	out.Conversation = views[0]
	return nil
}

// owned reports whether more than a browser stands for a contact: the site signed it in, or an e-mail address counts as its own.
func owned(tx *db.Tx, c *event.Contact) (bool, error) {
	if c.ExternalID != "" {
		return true, nil
	}
	address, err := contact.SignedEmail(tx, c.ID)
	if err != nil || address != "" {
		return err == nil, err
	}
	return contact.HasProven(tx, c.ID)
}

func (d *Desk) postFromContact(ctx context.Context, tx *db.Tx, w *event.Widget, p ContactPost, out *ContactPosted) (ids contactIDs, err error) {
	c, s, err := d.authorOf(ctx, tx, w, p, out)
	if err != nil {
		return ids, err
	}
	by := event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}
	if s == nil {
		if s, err = addressed(tx, w, p, c); err != nil {
			return ids, err
		}
		if s != nil {
			s.Contact = *c
		}
	}
	created := s == nil
	invited, err := p.Invitation.use(tx)
	if err != nil {
		return ids, err
	}
	if invited != nil && created {
		p.Visit.Proactive = true // the operator began
	}
	s, events, started, err := d.receive(tx, s, website(), w, c, p.Visit, invited)
	if err != nil {
		return ids, err
	}
	if !started {
		s.session.sees(pageURL(p.Visit.URL), oneLine(p.Visit.Title, maxPageTitle))
	}
	var asked []*event.Event
	if invited != nil {
		if asked, err = d.invite(tx, s, invited, created); err != nil {
			return ids, err
		}
	}
	m := &event.Message{Type: event.TypeMessage, Sender: by, Body: p.Body, ClientID: p.ClientID}
	// A browser may have uploaded the file before it had a contact.
	owners := []media.Owner{{Kind: media.OwnedByContact, ID: int64(c.ID)}, {Kind: media.OwnedByWidget, ID: int64(w.ID)}}
	if err := d.attach(tx, m, p.Media, owners...); err != nil {
		return ids, err
	}
	if err := d.say(tx, s, m); err != nil {
		return ids, err
	}
	news := s.received(m, started, tx.Now())
	if started && len(asked) > 0 {
		// The session is told before what was said in it, and after what its conversation became. It is told with the contact's message, so what
		// comes after it shows the conversation with it.
		sent := asked[len(asked)-1]
		sent.Conversation = s.snapshot()
		events = append(append(events, asked[:len(asked)-1]...), news[0])
		asked, news = []*event.Event{sent}, news[1:]
	}
	events = append(append(events, asked...), news...)
	newest := m
	if len(w.Goals) > 0 && w.ID == s.Widget.ID {
		reached, err := reachGoals(tx, s, by, widget.PageGoals(w, pageURL(p.Visit.URL))...)
		if err != nil {
			return ids, err
		}
		for _, e := range reached {
			events, newest = append(events, e), e.Message
		}
	}
	if err := d.store(ctx, tx, s, events); err != nil {
		return ids, err
	}
	// The contact's own message, or the goal that it reached, is the newest that they may see, and who writes has read everything.
	out.Contact, out.Message, out.Conversation = c, m, viewOf(s)
	out.Conversation.Visible = newest
	return contactIDs{c.ID, s.ID, m.ID, tx.Now()}, nil
}

// receive makes a conversation, a new one on the channel where s is nil, ready for what its contact is about to write: it is not ended
// or set aside any more, and its latest session is open. started tells that this session is new. invited is what the contact answers with it, nil
// for nothing.
func (d *Desk) receive(tx *db.Tx, s *state, on venue, w *event.Widget, c *event.Contact, v Visit, invited *Invitation) (_ *state, events []*event.Event, started bool, err error) {
	by := event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}
	var visit event.Visit
	created := s == nil
	if created {
		visit = d.visit(v, w.PrivacyMode)
		if err := contact.GiveHandle(tx, c, visit); err != nil {
			return nil, nil, false, err
		}
		if s, err = open(tx, w, c, on, invited); err != nil {
			return nil, nil, false, err
		}
		events = append(events, s.base(event.ConversationCreated, tx.Now(), by))
	} else if to := s.statusAfterContact(); s.Status == event.StatusEnded {
		e, err := reopen(tx, s, by, to)
		if err != nil {
			return nil, nil, false, err
		}
		events = append(events, e)
	} else {
		changed, err := changeStatus(tx, s, by, to)
		if err != nil {
			return nil, nil, false, err
		}
		events = append(events, changed...)
	}
	if started = !s.session.open(); started {
		if !created {
			if visit, err = d.visitOn(tx, s, w, v); err != nil {
				return nil, nil, false, err
			}
		}
		assigned, err := d.startSession(tx, s, w, visit, false)
		if err != nil {
			return nil, nil, false, err
		}
		events = append(events, assigned...)
	}
	s.session.touch(tx.Now(), s.timeout)
	return s, events, started, nil
}

// received is what is told of a contact's message, which may have started the session.
func (s *state) received(m *event.Message, started bool, at time.Time) (events []*event.Event) {
	kinds := []event.Type{event.MessageReceived}
	if started {
		kinds = []event.Type{event.SessionStarted, event.MessageReceived}
	}
	for _, kind := range kinds {
		e := s.base(kind, at, m.Sender)
		e.Message = m
		events = append(events, e)
	}
	return events
}

// authorOf finds or makes the contact who writes. In the common case, a further message in a conversation by somebody who
// tells nothing new about themselves, the conversation's own row has the contact, and s is that conversation.
func (d *Desk) authorOf(ctx context.Context, tx *db.Tx, w *event.Widget, p ContactPost, out *ContactPosted) (c *event.Contact, s *state, err error) {
	if p.Contact == 0 || p.Conversation == 0 || p.Change != (contact.Change{}) {
		c, err = d.author(ctx, tx, w, p, out)
		return c, nil, err
	}
	if s, err = addressed(tx, w, p, &event.Contact{ID: p.Contact}); err != nil {
		return nil, nil, err
	}
	own := s.Contact
	return &own, s, identified(w, &own)
}

// identified refuses anonymous contacts where the widget asks for signed-in users.
func identified(w *event.Widget, c *event.Contact) error {
	if w.IdentityRequired && c.ExternalID == "" {
		return fault.New(fault.IdentityRequired, "this widget takes messages of signed-in users only; call identify first")
	}
	return nil
}

// addressed locks the conversation that the message is for; nil means a new one.
func addressed(tx *db.Tx, w *event.Widget, p ContactPost, c *event.Contact) (*state, error) {
	to := p.Conversation
	if to == 0 {
		var err error
		if to, err = openOfContact(tx, c.ID, w.ID); err != nil {
			return nil, fmt.Errorf("conversations of contact %d: %w", c.ID, err)
		}
		if to == 0 {
			return nil, nil
		}
	}
	s, err := load(tx, to)
	if err != nil {
		return nil, atField(err, fault.ConversationNotFound, "conversation_id")
	}
	if s.Contact.ID != c.ID || s.secret() || s.erased {
		return nil, fault.Newf(fault.ConversationNotFound, "there is no conversation %d", to).At("conversation_id")
	}
	if p.Conversation == 0 && s.Channel.Type != event.ChannelWebsite {
		return nil, nil // it was moved between the two looks
	}
	if err := s.notMoved(); err != nil {
		return nil, fault.As(err).At("conversation_id")
	}
	if s.Status == event.StatusEnded {
		if p.Conversation == 0 {
			return nil, nil // somebody ended it between the two looks
		}
		if !p.Reopen {
			return nil, fault.Newf(fault.ConversationEnded, "conversation %d has ended; send reopen: true to go on with it", to).At("conversation_id")
		}
	}
	return s, nil
}

// author finds or makes the contact who writes and takes over what the browser knows of them.
func (d *Desk) author(ctx context.Context, tx *db.Tx, w *event.Widget, p ContactPost, out *ContactPosted) (*event.Contact, error) {
	if p.Contact == 0 {
		if w.IdentityRequired {
			return nil, fault.New(fault.IdentityRequired, "this widget takes messages of signed-in users only; call identify first")
		}
		c, err := d.Contacts.Create(ctx, tx, event.Party{Type: event.ByContact}, p.typed.Or(p.Change))
		if err != nil {
			return nil, err
		}
		out.Token, err = contact.NewToken(tx, c.ID, w.ID, contact.Browser{UserAgent: p.Visit.UserAgent})
		return c, err
	}
	c, err := contact.LockLive(tx, p.Contact)
	if err != nil {
		return nil, err
	}
	if err := identified(w, c); err != nil {
		return nil, err
	}
	return c, d.Contacts.Change(ctx, tx, event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}, c, unknown(c, p.typed).Or(p.Change))
}

// unknown is the part of a change that says what nobody knew of the contact.
func unknown(c *event.Contact, ch contact.Change) contact.Change {
	if c.Name != "" {
		ch.Name = nil
	}
	if c.Email != "" {
		ch.Email = nil
	}
	return ch
}

// venue is where a conversation takes place: a channel, and the contact's address on it, 0 on the website.
type venue struct {
	event.Channel
	address int64
}

func website() venue {
	return venue{Channel: event.Channel{Type: event.ChannelWebsite, Name: "Website"}}
}

// blank is a new conversation of the contact, for nobody yet. One that does not take place on the website is hidden from browsers of
// contacts who are not signed in.
func blank(tx *db.Tx, w *event.Widget, c *event.Contact, on venue) *state {
	s := &state{Conversation: event.Conversation{
		UUID: secret.UUID(), Status: event.StatusNew, Channel: on.Channel,
		Widget: event.WidgetRef{ID: w.ID, Key: w.Key, Name: w.Name}, Contact: *c, CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
	}, address: on.address, timeout: time.Duration(w.SessionTimeoutSeconds) * time.Second,
		patience: time.Duration(w.UnansweredSeconds) * time.Second, transcript: w.TranscriptHook}
	if on.Type != event.ChannelWebsite {
		s.HiddenFrom = 1
	}
	return s
}

// open makes a new conversation of the contact in the widget's group, with who of it is free, or with the operator whose invitation the
// contact answers.
func open(tx *db.Tx, w *event.Widget, c *event.Contact, on venue, invited *Invitation) (*state, error) {
	s := blank(tx, w, c, on)
	var o *event.Operator
	var g *event.Group
	var err error
	if invited != nil {
		o, g, err = invited.host(tx, w)
		s.Status = event.StatusOpen
	}
	if err == nil && o == nil {
		o, g, err = answerer(tx, w.GroupID, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("route widget %d: %w", w.ID, err)
	}
	s.assign(o, g)
	if err := insertConversation(tx, s); err != nil {
		return nil, fmt.Errorf("store conversation of contact %d: %w", c.ID, err)
	}
	return s, nil
}

// visitOn is visit for a session at a widget of a conversation that there is already.
func (d *Desk) visitOn(tx *db.Tx, s *state, w *event.Widget, v Visit) (event.Visit, error) {
	private := w.PrivacyMode
	if w.ID != s.Widget.ID { // somebody goes on elsewhere with what began at a widget that may be private
		first, err := widget.Get(tx, s.Widget.ID)
		if err != nil {
			return event.Visit{}, fmt.Errorf("widget of conversation %d: %w", s.ID, err)
		}
		private = private || first.PrivacyMode
	}
	return d.visit(v, private), nil
}

// startSession opens the next session. Whoever has the conversation keeps it while they are online; else it is routed anew
// within its group, and waits there unassigned when nobody is free.
func (d *Desk) startSession(tx *db.Tx, s *state, w *event.Widget, v event.Visit, offline bool) (assigned []*event.Event, err error) {
	next := &session{Session: event.Session{Number: 1, StartedAt: tx.Now(), Visit: v, Offline: offline}, firstNumber: s.MessageCount + 1}
	if s.session != nil {
		next.Number = s.session.Number + 1
		if !s.session.reviewDue.IsZero() { // who goes on will not comment on what was before
			if assigned, err = d.reviewDue(tx, s, event.Party{Type: event.BySystem}); err != nil {
				return nil, err
			}
		}
		if err := saveSession(tx, s.session); err != nil {
			return nil, fmt.Errorf("store session %d: %w", s.session.ID, err)
		}
		if s.Operator == nil || !s.Operator.Active || s.Operator.Status != event.Online {
			group := s.groupID
			if group == 0 {
				group = w.GroupID
			}
			o, g, err := answerer(tx, group, 0)
			if err != nil {
				return nil, fmt.Errorf("route conversation %d: %w", s.ID, err)
			}
			if moved := reassign(s, tx.Now(), event.Party{Type: event.BySystem}, o, g); len(moved) > 0 {
				if err := withSession(tx, s, moved[0]); err != nil {
					return nil, err
				}
				assigned = append(assigned, moved...)
			}
		}
	}
	next.OperatorCreated = s.Operator
	next.touch(tx.Now(), s.timeout)
	if err := insertSession(tx, s.ID, next, s.operatorID); err != nil {
		return nil, fmt.Errorf("store session of conversation %d: %w", s.ID, err)
	}
	s.session, s.createdBy = next, s.operatorID
	return assigned, nil
}

// changeOwn runs fn on a conversation of the contact; a foreign one is "not found", so that nothing can be guessed. fn returns
// no events when nothing changed.
func (d *Desk) changeOwn(ctx context.Context, tx *db.Tx, c id.Contact, conversation id.Conversation, fn func(s *state, by event.Party) ([]*event.Event, error)) (*state, error) {
	s, err := load(tx, conversation)
	if err != nil {
		return nil, err
	}
	if s.Contact.ID != c || s.secret() || s.erased {
		return nil, fault.Newf(fault.ConversationNotFound, "there is no conversation %d", conversation)
	}
	events, err := fn(s, event.Party{Type: event.ByContact, ID: int64(c), Name: s.Contact.Name})
	if err != nil {
		return nil, err
	}
	return s, d.store(ctx, tx, s, events)
}

// MarkByContact moves the contact's delivered and read marks (0 leaves one alone). Marks beyond the last message are refused.
func (d *Desk) MarkByContact(ctx context.Context, c id.Contact, conversation id.Conversation, delivered, read int) error {
	return d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := d.changeOwn(ctx, tx, c, conversation, func(s *state, by event.Party) ([]*event.Event, error) {
			for _, n := range []int{delivered, read} {
				if n == 0 {
					continue
				}
				if n < 1 || n > s.shown() {
					return nil, fault.Newf(fault.MessageNumber, "conversation %d has messages 1 to %d, not %d", s.ID, s.shown(), n).At("number")
				}
			}
			if !s.readByContact(delivered, read) {
				return nil, nil
			}
			return []*event.Event{s.base(event.ConversationRead, tx.Now(), by)}, nil
		})
		return err
	})
}

// EndByContact ends a conversation on the contact's wish. Ending an ended one changes nothing.
func (d *Desk) EndByContact(ctx context.Context, c id.Contact, conversation id.Conversation) (*View, error) {
	var v *View
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		s, err := d.changeOwn(ctx, tx, c, conversation, func(s *state, by event.Party) ([]*event.Event, error) {
			if err := s.notMoved(); err != nil {
				return nil, err
			}
			if s.Status == event.StatusEnded {
				return nil, nil
			}
			return d.conclude(tx, s, by, event.EndContact)
		})
		if err != nil {
			return err
		}
		views, err := visible(tx, &s.Contact, conversation, s)
		if err != nil {
			return err
		}
		v = views[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// PageByContact notes the page that the contact looks at, in the open sessions of their conversations. It neither keeps a
// session alive nor lifts a conversation in the list. Goals that the page reaches are told (S-109). A page that is no http
// address, or the same as before, changes nothing.
func (d *Desk) PageByContact(ctx context.Context, c id.Contact, url, title string) error {
	page := pageURL(url)
	if page == "" {
		return nil
	}
	title = oneLine(title, maxPageTitle)
	ids, err := d.openSessions(ctx, c)
	if err != nil || len(ids) == 0 {
		return err
	}
	return d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, conversation := range ids { // in the order of their ids, as everybody locks them
			_, err := d.changeOwn(ctx, tx, c, conversation, func(s *state, by event.Party) ([]*event.Event, error) {
				if !s.session.open() || page == s.session.Visit.URL {
					return nil, nil
				}
				s.session.Visit.URL, s.session.Visit.Title = page, title
				s.session.Visit.PageImpressions++
				s.session.dirty = true
				updated := s.base(event.ConversationUpdated, tx.Now(), by)
				w, err := widget.Get(tx, s.Widget.ID)
				if err != nil {
					return nil, err
				}
				reached, err := reachGoals(tx, s, by, widget.PageGoals(w, page)...)
				return append([]*event.Event{updated}, reached...), err
			})
			if err != nil && !fault.Is(err, fault.ConversationNotFound) { // it was handed to another contact meanwhile
				return err
			}
		}
		return nil
	})
}

// Identified is the answer to Identify.
type Identified struct {
	Contact *event.Contact
	Token   string
}

// Identify ties a browser to the user that the site's server signed for, and gives it a token of that user. An anonymous
// contact (0 for none) becomes that user, unless a channel knows it by an address that the site did not sign for. Otherwise, and
// when the user is known already, it hands over its conversations of the website. Its old tokens end, so that nobody who had one sees what
// the user writes. A contact that is another user's keeps everything.
func (d *Desk) Identify(ctx context.Context, widgetKey string, anonymous id.Contact, who contact.Identity) (*Identified, error) {
	const tries = 3
	for try := 1; ; try++ {
		out, err := d.identify(ctx, widgetKey, anonymous, who)
		// Another browser of the same new user was quicker; now the user is known.
		if try < tries && fault.Is(err, fault.ContactExternal) {
			continue
		}
		return out, err
	}
}

func (d *Desk) identify(ctx context.Context, widgetKey string, anonymous id.Contact, who contact.Identity) (*Identified, error) {
	var out Identified
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		w, err := widget.ByKey(tx, widgetKey)
		if err != nil {
			return err
		}
		var old *event.Contact // the browser's anonymous contact
		if anonymous != 0 {
			if old, err = contact.LockLive(tx, anonymous); err != nil {
				return err
			}
			somebody, err := known(tx, old, who.Email)
			if err != nil {
				return err
			}
			if somebody {
				old = nil
			}
		}
		c, err := contact.FindExternal(tx, *who.ExternalID)
		if err != nil {
			return fmt.Errorf("look for the external id: %w", err)
		}
		by := event.Party{Type: event.ByContact}
		mayBe := false // whether the anonymous contact may become the user
		if c == nil && old != nil {
			if mayBe, err = claimable(tx, old.ID, who.Email); err != nil {
				return err
			}
		}
		switch {
		case c != nil:
			if c, err = contact.LockLive(tx, c.ID); err != nil {
				return err
			}
		case mayBe:
			c = old
		default:
			if c, err = d.Contacts.Create(ctx, tx, by, who.Change); err != nil {
				return err
			}
		}
		by.ID, by.Name = int64(c.ID), c.Name
		if err := d.Contacts.Change(ctx, tx, by, c, who.Change); err != nil {
			return err
		}
		if who.Email != nil || mayBe {
			// What an operator noted of the anonymous contact may be what a stranger told them; it does not make the user that address's owner.
			signed := ""
			if who.Email != nil {
				signed = *who.Email
			}
			if err := contact.SignEmail(tx, c.ID, signed); err != nil {
				return err
			}
		}
		if old != nil {
			if err := contact.RevokeTokens(tx, old.ID); err != nil {
				return fmt.Errorf("revoke tokens of contact %d: %w", old.ID, err)
			}
			if old.ID != c.ID {
				if err := d.handConversations(ctx, tx, old, c); err != nil {
					return err
				}
			}
		}
		if out.Token, err = contact.NewToken(tx, c.ID, w.ID, contact.Browser{UserAgent: who.UserAgent}); err != nil {
			return err
		}
		out.Contact = c
		return contact.PruneTokens(tx, c.ID)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// known reports whether a browser's contact is somebody already, who keeps everything: a user of the site, or who proved an e-mail address by a
// mail, unless the site signed just this address. Without any address the user may be the next one at the same computer.
func known(tx *db.Tx, c *event.Contact, signed *string) (bool, error) {
	if c.ExternalID != "" {
		return true, nil
	}
	proven, err := contact.HasProven(tx, c.ID)
	if err != nil || !proven {
		return false, err
	}
	address, err := contact.SignedEmail(tx, c.ID)
	return address == "" || signed == nil || *signed != address, err
}

// claimable reports whether an anonymous contact may become the user that a site's server signed for. Somebody whom a channel knows may
// only as the owner of the same e-mail address: the browser has typed the address, and a channel's messages went by it.
func claimable(tx *db.Tx, anonymous id.Contact, signed *string) (bool, error) {
	email := ""
	if signed != nil {
		email = *signed
	}
	foreign, err := foreignAddresses(tx, anonymous, email)
	if err != nil {
		return false, fmt.Errorf("addresses of contact %d: %w", anonymous, err)
	}
	return !foreign, nil
}

// handConversations gives the conversations of an anonymous contact to the user who turned out to be behind it. Those on channels stay:
// the browser has shown nothing that makes them the user's.
func (d *Desk) handConversations(ctx context.Context, tx *db.Tx, from, to *event.Contact) error {
	ids, err := idsOfContact(tx, from.ID)
	if err != nil {
		return fmt.Errorf("conversations of contact %d: %w", from.ID, err)
	}
	by := event.Party{Type: event.ByContact, ID: int64(to.ID), Name: to.Name}
	stays := false
	for _, conversation := range ids {
		s, err := load(tx, conversation)
		if err != nil {
			return err
		}
		if s.Channel.Type != event.ChannelWebsite {
			stays = true
			continue
		}
		if err := d.hand(ctx, tx, s, to, by); err != nil {
			return err
		}
	}
	if !stays {
		if err := contact.HandedOver(tx, from.ID, to.ID); err != nil {
			return err
		}
	}
	if d.Media == nil {
		return nil
	}
	// A file that is attached but not sent yet goes along: the browser's next message is the user's. Files are locked after conversations.
	return d.Media.HandOver(tx, media.Owner{Kind: media.OwnedByContact, ID: int64(from.ID)}, media.Owner{Kind: media.OwnedByContact, ID: int64(to.ID)})
}

// hand makes a conversation another contact's.
func (d *Desk) hand(ctx context.Context, tx *db.Tx, s *state, to *event.Contact, by event.Party) error {
	if to.Handle == "" && s.session != nil { // it is their first one
		if err := contact.GiveHandle(tx, to, s.session.Visit); err != nil {
			return err
		}
	}
	s.Contact = *to
	if err := moveMessages(tx, s.ID, to.ID); err != nil {
		return fmt.Errorf("hand over messages of conversation %d: %w", s.ID, err)
	}
	return d.store(ctx, tx, s, []*event.Event{s.base(event.ConversationUpdated, tx.Now(), by)})
}
