package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

// house is an instance with one group, Ann and Bob in it (Ann online, Bob not), Carl outside of it (offline), and a widget
// that routes to the group and ends sessions after half an hour.
type house struct {
	d        *db.DB
	feed     *feed.Feed
	team     *team.Desk
	contacts *contact.Desk
	widgets  *widget.Desk
	media    *media.Desk
	desk     *Desk

	group          *event.Group
	widget         *event.Widget
	ann, bob, carl team.Actor
	token          team.Actor // an API token
	mark           id.Seq     // events up to here were looked at
	messages       int        // makes client ids
	channels       []event.Channel
	noAddon        bool // nobody takes requested conversations
	hooks          bool // the widget has a webhook for transcripts
	stays          bool // a flag may outlive a change of the status, for nobody was there to take the conversation
	feedReader     *reader
}

const half = 30 * time.Minute

// each runs a sentence on both engines, each time in a house of its own under a virtual clock. After it, whatever it did,
// the invariants hold.
func each(t *testing.T, sentence string, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Run(sentence, func(t *testing.T) {
		t.Parallel()
		bubble(t, fn)
	})
}

func bubble(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			h := newHouse(t, d)
			fn(t, h)
			h.feedReader = nil // from the beginning
			h.check(t)
		})
	})
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	ctx := t.Context()
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	f := feed.New(d)
	h := &house{d: d, feed: f, team: team.New(team.Options{DB: d, Feed: f}), contacts: contact.New(d, f),
		widgets: widget.New(widget.Options{DB: d, Feed: f, Sealer: sealer}), token: team.Actor{Token: 1, Name: "robot", Scope: team.ScopeWrite}}
	store, err := media.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h.media = media.New(media.Options{DB: d, Store: store, Links: media.NewLinks("https://parley.example", []byte("key")),
		Changed: func(ctx context.Context, tx *db.Tx, c id.Conversation, m id.Message, what string, card id.LinkCard) error {
			return h.desk.MediaChanged(ctx, tx, c, m, what, card)
		}})
	h.desk = New(Options{DB: d, Feed: f, Contacts: h.contacts, Widgets: h.widgets, Media: h.media,
		TakesRequested: func(*db.Tx, *event.Conversation) (bool, error) { return !h.noAddon, nil },
		Hooked: func(_ *db.Tx, _ *event.Conversation, hook string) (bool, error) {
			return h.hooks && hook == HookTranscript, nil
		}})
	actor := func(first string) team.Actor {
		c, err := h.team.Create(ctx, team.System(), team.NewOperator{Email: strings.ToLower(first) + "@example.com", FirstName: first, LastName: "Lee", Alias: first, Slots: 3}, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		return team.ActorOf(c.Operator)
	}
	h.ann, h.bob, h.carl = actor("Ann"), actor("Bob"), actor("Carl")
	h.online(t, h.ann)
	if h.group, err = h.team.CreateGroup(ctx, team.System(), "Support", []id.Operator{h.ann.Operator, h.bob.Operator}, once.Key{}); err != nil {
		t.Fatal(err)
	}
	seconds := int(half / time.Second)
	if h.widget, err = h.widgets.Create(ctx, team.System(), once.Key{}, widget.Change{Name: new("Shop"), GroupID: &h.group.ID, SessionTimeoutSeconds: &seconds,
		UnansweredSeconds: new(0),
		Survey:            &event.SurveyForm{Question: "Solved?", Options: []string{"Yes", "No"}},
		Goals:             &[]event.Goal{{Name: "Order", Match: event.GoalExact, Pattern: "https://shop.example/thanks"}, {Name: "Newsletter", Match: event.GoalScript, Pattern: "newsletter"}}}); err != nil {
		t.Fatal(err)
	}
	h.events(t)
	return h
}

func (h *house) online(t *testing.T, a team.Actor) {
	t.Helper()
	if err := h.team.TabOpened(t.Context(), a.Operator, fmt.Sprint("tab", a.Operator)); err != nil {
		t.Fatal(err)
	}
}

func (h *house) offline(t *testing.T, a team.Actor) {
	t.Helper()
	if _, err := h.team.SetAvailability(t.Context(), a, event.Offline); err != nil {
		t.Fatal(err)
	}
}

// events returns what was appended since the last call.
func (h *house) events(t *testing.T) []*event.Event {
	t.Helper()
	var out []*event.Event
	for {
		if h.d.Engine() == db.Postgres {
			if _, err := h.feed.NumberOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		list, _, err := h.feed.ReadAfter(t.Context(), h.mark, 500, feed.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return out
		}
		h.mark = list[len(list)-1].Seq
		out = append(out, list...)
	}
}

// told fails the test unless exactly events of these types, in this order, were appended since the last look.
func (h *house) told(t *testing.T, want ...event.Type) []*event.Event {
	t.Helper()
	list := h.events(t)
	var got []event.Type
	for _, e := range list {
		got = append(got, e.Type)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("events %v, want %v", got, want)
	}
	return list
}

// post builds a message of a contact to the house's widget.
func (h *house) post(body string) ContactPost {
	h.messages++
	return ContactPost{WidgetKey: h.widget.Key, ClientID: fmt.Sprintf("0e8f1f1c-1d1b-4b3e-8000-%012d", h.messages), Body: body}
}

func (h *house) send(t *testing.T, p ContactPost) *ContactPosted {
	t.Helper()
	out, err := h.desk.PostFromContact(t.Context(), p)
	if err != nil {
		t.Fatalf("post %q: %v", p.Body, err)
	}
	h.same(t, out.Conversation)
	if got := h.own(t, out.Contact.ID, out.Conversation.ID); !out.Duplicate {
		if d := cmp.Diff(got, out.Conversation); d != "" {
			t.Errorf("the answer is not what the contact reads afterwards (-read +answer):\n%s", d)
		}
	}
	return out
}

// write posts as a contact that is known already.
func (h *house) write(t *testing.T, c id.Contact, body string) *ContactPosted {
	t.Helper()
	p := h.post(body)
	p.Contact = c
	return h.send(t, p)
}

// visitor writes a first message; its events are looked at.
func (h *house) visitor(t *testing.T) *ContactPosted {
	t.Helper()
	out := h.send(t, h.post("Hello"))
	h.events(t)
	return out
}

func (h *house) reply(t *testing.T, by team.Actor, c id.Conversation, body string) *Posted {
	t.Helper()
	out, err := h.desk.Post(t.Context(), by, once.Key{}, Post{Conversation: c, Body: body})
	if err != nil {
		t.Fatalf("reply %q: %v", body, err)
	}
	h.same(t, out.Conversation)
	return out
}

// did takes the answer of a command that must succeed and be the same as a read after it.
func (h *house) did(t *testing.T) func(*View, error) *View {
	return func(v *View, err error) *View {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		h.same(t, v)
		return v
	}
}

func (h *house) get(t *testing.T, c id.Conversation) *View {
	t.Helper()
	v, err := h.desk.Get(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (h *house) own(t *testing.T, c id.Contact, conversation id.Conversation) *View {
	t.Helper()
	v, err := h.desk.GetOf(t.Context(), c, conversation)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (h *house) same(t *testing.T, got *View) {
	t.Helper()
	if d := cmp.Diff(h.get(t, got.ID), got, cmpopts.IgnoreFields(View{}, "Seq", "Visible", "UnreadByContact")); d != "" {
		t.Errorf("the answer is not what a read gives (-read +answer):\n%s", d)
	}
}

func (h *house) thread(t *testing.T, c id.Conversation) []*event.Message {
	t.Helper()
	out, err := h.desk.Messages(t.Context(), c, Range{Limit: 10000})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

// refused fails the test unless fn fails with the code and leaves no trace in any table.
func (h *house) refused(t *testing.T, code fault.Code, field string, fn func() error) {
	t.Helper()
	before := h.dump(t)
	err := fn()
	if f := fault.As(err); err == nil || f.Code != code || f.Field != field {
		t.Errorf("error %v at %q, want %s at %q", err, fault.As(err).Field, code, field)
	}
	if d := cmp.Diff(before, h.dump(t)); d != "" {
		t.Errorf("a refused command left something (-before +after):\n%s", d)
	}
}

// unchanged fails the test if fn fails or changes anything.
func (h *house) unchanged(t *testing.T, fn func() error) {
	t.Helper()
	before := h.dump(t)
	if err := fn(); err != nil {
		t.Errorf("it failed: %v", err)
	}
	if d := cmp.Diff(before, h.dump(t)); d != "" {
		t.Errorf("something changed (-before +after):\n%s", d)
	}
}

// dump is a picture of everything that the commands of this package can change.
func (h *house) dump(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for table, columns := range map[string]string{
		"contacts":          "id || ':' || name || ':' || email || ':' || custom || ':' || external_id || ':' || updated_at",
		"contact_tokens":    "token_hash || ':' || contact_id || ':' || revoked_at",
		"conversations":     "id || ':' || contact_id || ':' || COALESCE(group_id, 0) || ':' || COALESCE(operator_id, 0) || ':' || status || ':' || message_count || ':' || last_message || ':' || operator_read || ':' || contact_delivered || ':' || contact_read || ':' || unread || ':' || updated_at || ':' || ended_at || ':' || topic || ':' || tags || ':' || CASE WHEN flagged THEN 'flagged' ELSE '' END || ':' || rating || ':' || channel_type || ':' || COALESCE(channel_id, 0) || ':' || hidden_from || ':' || unanswered_due || ':' || unanswered_message || ':' || unanswered_at || ':' || transcript_due",
		"sessions":          "id || ':' || number || ':' || ended_at || ':' || expires_at || ':' || visit || ':' || outcome || ':' || notes || ':' || review_due",
		"conversation_tags": "conversation_id || ':' || tag",
		"messages":          "id || ':' || number || ':' || body || ':' || COALESCE(sender_id, 0) || ':' || state || ':' || state_code || ':' || state_reason || ':' || COALESCE(media_id, 0) || ':' || COALESCE(link_id, 0) || ':' || edited_at || ':' || deleted_at || ':' || choices",
		"events":            "id || ':' || type",
		"idempotency_keys":  "scope || ':' || key",
	} {
		err := h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			rows, err := db.All(tx, "SELECT "+columns+" FROM "+table+" ORDER BY 1", nil, func(r db.Scanner) (s string, err error) {
				err = r.Scan(&s)
				return s, err
			})
			out[table] = rows
			return err
		})
		if err != nil {
			t.Fatalf("dump %s: %v", table, err)
		}
	}
	return out
}

// check holds the house against the invariants of doc.go and replays the feed from where the last check ended: what the newest
// events say must be what the rows say, and every message must have been told.
func (h *house) check(t failer) {
	t.Helper()
	ctx := context.Background()
	if h.d.Engine() == db.Postgres {
		for n := 1; n > 0; {
			var err error
			if n, err = h.feed.NumberOnce(ctx); err != nil {
				t.Fatalf("number: %v", err)
			}
		}
	}
	if h.feedReader == nil {
		h.feedReader = &reader{told: map[id.Conversation]*toldOf{}, contacts: map[id.Contact]event.Contact{}, operators: map[id.Operator]event.Operator{}, groups: map[id.Group]event.Group{}}
	}
	news := h.feedReader.replay(t, h)
	var states []*state
	err := h.d.View(ctx, func(_ context.Context, tx *db.Tx) error {
		var n int
		if err := tx.One("SELECT COUNT(*) FROM conversations", nil, &n); err != nil {
			return err
		}
		if n != len(h.feedReader.told) {
			t.Errorf("%d conversations are stored, %d were told of", n, len(h.feedReader.told))
		}
		for c := range news {
			s, err := read(tx, c)
			if err != nil {
				return err
			}
			states = append(states, s)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read conversations: %v", err)
	}
	for _, s := range states {
		h.checkRow(t, s)
		last := h.feedReader.told[s.ID]
		conversation, session := h.feedReader.now(last)
		if d := cmp.Diff(conversation, s.snapshot(), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("conversation %d: the newest event says otherwise (-event +row):\n%s", s.ID, d)
		}
		if d := cmp.Diff(session, s.session.snapshot(), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("session of conversation %d: the newest event says otherwise (-event +row):\n%s", s.ID, d)
		}
		for n := 1; n <= s.MessageCount; n++ {
			if _, told := last.messages[n]; !told {
				t.Errorf("message %d of conversation %d is in no event", n, s.ID)
			}
		}
	}
}

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

type toldOf struct {
	conversation *event.Conversation
	session      *event.Session
	messages     map[int]event.Message // as they were told last
	highest      int
}

// reader follows the feed as a consumer does that knows nothing else.
type reader struct {
	last      id.Seq
	told      map[id.Conversation]*toldOf
	contacts  map[id.Contact]event.Contact
	operators map[id.Operator]event.Operator
	groups    map[id.Group]event.Group
}

// replay reads on and returns the conversations that there is news of.
func (r *reader) replay(t failer, h *house) map[id.Conversation]bool {
	t.Helper()
	news := map[id.Conversation]bool{}
	for {
		list, latest, err := h.feed.ReadAfter(context.Background(), r.last, 500, feed.Filter{})
		if err != nil {
			t.Fatalf("read feed: %v", err)
		}
		for _, e := range list {
			if r.last++; e.Seq != r.last {
				t.Fatalf("event %d has number %d, want %d", e.ID, e.Seq, r.last)
			}
			switch {
			case e.Contact != nil:
				r.contacts[e.Contact.ID] = *e.Contact
			case e.Conversation == nil && e.Operator != nil:
				r.operators[e.Operator.ID] = *e.Operator
			case e.Type == event.GroupUpdated:
				r.groups[e.Group.ID] = *e.Group
			case e.Conversation != nil:
				// The handle is given with a contact's first conversation.
				if who := e.Conversation.Contact; who.Handle != "" {
					known := r.contacts[who.ID]
					if known.Handle != "" && known.Handle != who.Handle && who.Handle != fmt.Sprintf("visitor-%d", who.ID) {
						t.Errorf("event %d (%s): the handle %s of contact %d becomes %s", e.Seq, e.Type, known.Handle, who.ID, who.Handle)
					}
					known.Handle = who.Handle
					r.contacts[who.ID] = known
				}
				c := r.told[e.Conversation.ID]
				if c == nil {
					c = &toldOf{messages: map[int]event.Message{}}
					r.told[e.Conversation.ID] = c
				}
				news[e.Conversation.ID] = true
				if c.conversation != nil {
					checkFlag(t, c.conversation, e, h.stays)
				}
				c.conversation, c.session = e.Conversation, e.Session
				if m := e.Message; m != nil && (e.Type == event.MessageUpdated || e.Type == event.MessageDeleted) {
					r.altered(t, c, e)
				} else if m != nil && (e.Type == event.ReviewGiven || e.Type == event.ConversationUnanswered || e.Type == event.OfflineMessageReceived) {
					if before, told := c.messages[m.Number]; !told || before.ID != m.ID {
						t.Errorf("event %d (%s) is about message %d, which was told as %+v", e.Seq, e.Type, m.Number, before)
					}
				} else if m != nil && e.Type == event.SessionStarted {
					// It is told once more as message.received, after the invitation that it answers.
					if m.Number > c.conversation.MessageCount {
						t.Errorf("event %d (%s) is about message %d of %d", e.Seq, e.Type, m.Number, c.conversation.MessageCount)
					}
				} else if m != nil {
					if m.Number < c.highest || m.Number > c.conversation.MessageCount {
						t.Errorf("event %d (%s) tells message %d after %d of %d", e.Seq, e.Type, m.Number, c.highest, c.conversation.MessageCount)
					}
					c.highest = m.Number
					c.messages[m.Number] = *m
				}
			}
		}
		if r.last >= latest {
			return news
		}
	}
}

// altered holds the news of a message against what was told of it before: a message that was not told is never altered, one that was
// deleted says nothing any more, and its state never falls below what the other side has, unless that refuses it.
func (r *reader) altered(t failer, c *toldOf, e *event.Event) {
	t.Helper()
	m := e.Message
	before, told := c.messages[m.Number]
	if !told || before.ID != m.ID || before.Type != m.Type || before.Note != m.Note || before.Sender.Type != m.Sender.Type {
		t.Errorf("event %d (%s) is about message %d, which was told as %+v", e.Seq, e.Type, m.Number, before)
	}
	if e.Type == event.MessageDeleted != (e.Changed == "") || e.Type == event.MessageDeleted && (m.DeletedAt.IsZero() || m.Body != "" || m.Media != nil || m.Link != nil) {
		t.Errorf("event %d (%s, changed %q) tells %+v", e.Seq, e.Type, e.Changed, m)
	}
	if !before.DeletedAt.IsZero() && e.Changed != event.ChangedState {
		t.Errorf("event %d (%s, changed %q) alters a deleted message", e.Seq, e.Type, e.Changed)
	}
	if before.State >= event.StateSent && m.State < before.State && (m.State != event.StateFailed || m.StateCode != CodeRefused) {
		t.Errorf("event %d (%s): the state of message %d falls from %d to %d", e.Seq, e.Type, m.Number, before.State, m.State)
	}
	c.messages[m.Number] = *m
}

// checkFlag holds an event against the conversation as the event before it told: a flag is used up by the next change of the
// status, that event and no other is requested, and without a change only an operator takes the flag back.
func checkFlag(t failer, before *event.Conversation, e *event.Event, stays bool) {
	t.Helper()
	turned := e.Conversation.Status != before.Status
	named := e.Type == event.ConversationStatusChanged || e.Type == event.ConversationEnded || e.Type == event.ConversationReopened
	if turned != named {
		t.Errorf("event %d (%s): status %s after %s", e.Seq, e.Type, e.Conversation.Status, before.Status)
	}
	if want := turned && before.Flagged && !(stays && e.Conversation.Flagged); e.Requested != want {
		t.Errorf("event %d (%s) is requested: %v, want %v", e.Seq, e.Type, e.Requested, want)
	}
	if e.Conversation.Flagged != before.Flagged && !e.Requested && e.Type != event.ConversationUpdated {
		t.Errorf("event %d (%s) makes the flag %v", e.Seq, e.Type, e.Conversation.Flagged)
	}
	if e.Requested && (e.Conversation.Flagged || len(e.Messages) == 0 || len(e.Sessions) == 0) {
		t.Errorf("event %d (%s) is requested with %d messages and %d sessions, still flagged: %v", e.Seq, e.Type, len(e.Messages), len(e.Sessions), e.Conversation.Flagged)
	}
}

// now is what was told of a conversation, with its people as their own events tell them.
func (r *reader) now(c *toldOf) (*event.Conversation, *event.Session) {
	conversation, session := *c.conversation, *c.session
	conversation.Contact = r.contacts[conversation.Contact.ID]
	person := func(o *event.Operator) *event.Operator {
		if o == nil {
			return nil
		}
		got := r.operators[o.ID]
		got.Groups = nil
		for _, g := range r.groups {
			if slices.Contains(g.OperatorIDs, o.ID) {
				got.Groups = append(got.Groups, event.Group{ID: g.ID, Name: g.Name})
			}
		}
		slices.SortFunc(got.Groups, func(a, b event.Group) int { return int(a.ID - b.ID) })
		return &got
	}
	conversation.Operator, session.OperatorCreated = person(conversation.Operator), person(session.OperatorCreated)
	return &conversation, &session
}

// checkSeen holds what browsers of the contact get against what they may see: never a note, and nothing that happened elsewhere while
// they are not signed in.
func (h *house) checkSeen(t failer, s *state, messages []*event.Message) {
	t.Helper()
	ctx, hidden := context.Background(), s.Contact.ExternalID == "" && s.HiddenFrom != 0
	want, unread := []int{}, 0
	for _, m := range messages {
		if m.Note || hidden && m.Number >= s.HiddenFrom {
			continue
		}
		want = append(want, m.Number)
		if m.Number > s.ContactRead && m.Said() && m.DeletedAt.IsZero() && (m.Sender.Type == event.ByOperator || m.Sender.Type == event.ByBot) {
			unread++
		}
	}
	home, err := h.desk.HomeOf(ctx, s.Contact.ID)
	if err != nil {
		t.Fatalf("home of contact %d: %v", s.Contact.ID, err)
	}
	listed := slices.IndexFunc(home.Conversations, func(v *View) bool { return v.ID == s.ID })
	v, err := h.desk.GetOf(ctx, s.Contact.ID, s.ID)
	if hidden && s.HiddenFrom == 1 {
		if !fault.Is(err, fault.ConversationNotFound) || listed >= 0 {
			t.Errorf("conversation %d is hidden, and contact %d gets it at place %d of the list, %v", s.ID, s.Contact.ID, listed, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("conversation %d of contact %d: %v", s.ID, s.Contact.ID, err)
	}
	if listed >= 0 { // the list is bounded
		if d := cmp.Diff(home.Conversations[listed], v); d != "" {
			t.Errorf("conversation %d is different in the contact's list (-list +alone):\n%s", s.ID, d)
		}
	}
	count := s.MessageCount
	if hidden {
		count = s.HiddenFrom - 1
		if v.UpdatedAt.After(messages[count-1].SentAt) || v.ContactRead > count || v.OperatorRead > count || v.ContactDelivered > count || v.LastMessage != nil {
			t.Errorf("conversation %d shows how it goes on elsewhere: %+v", s.ID, v.Conversation)
		}
	}
	if v.MessageCount != count || v.UnreadByContact != unread || v.Visible == nil || v.Visible.Number != want[len(want)-1] {
		t.Errorf("conversation %d shows %d messages, %d unread and %+v last, want %d, %d and %d", s.ID, v.MessageCount, v.UnreadByContact, v.Visible, count, unread, want[len(want)-1])
	}
	for _, r := range []Range{{Limit: 100000}, {After: 1, Limit: 100000}, {Before: s.MessageCount + 10, Limit: 100000}} {
		thread, err := h.desk.MessagesOf(ctx, s.Contact.ID, s.ID, r)
		if err != nil {
			t.Fatalf("thread of conversation %d: %v", s.ID, err)
		}
		got := []int{}
		for _, m := range thread.Messages {
			got = append(got, m.Number)
		}
		if seen := slices.DeleteFunc(slices.Clone(want), func(n int) bool { return n <= r.After }); !slices.Equal(got, seen) {
			t.Errorf("the contact of conversation %d sees %v of %+v, want %v", s.ID, got, r, seen)
		}
	}
}

// checkWaits holds what waits for an operator, a comment or a review against what was said.
func (h *house) checkWaits(t failer, s *state, messages []*event.Message) {
	t.Helper()
	if runs := !s.alarm.due.IsZero(); runs != (s.alarm.message != 0) {
		t.Errorf("conversation %d: the alarm at %v is about message %d", s.ID, s.alarm.due, s.alarm.message)
	} else if runs {
		at := slices.IndexFunc(messages, func(m *event.Message) bool { return m.ID == s.alarm.message })
		if at < 0 || messages[at].Sender.Type != event.ByContact || s.Status == event.StatusEnded {
			t.Errorf("conversation %d is %s, and its alarm is about message %d", s.ID, s.Status, s.alarm.message)
		} else if slices.ContainsFunc(messages[at:], func(m *event.Message) bool { return m.Said() && !m.Note && m.Sender.Type == event.ByOperator }) {
			t.Errorf("conversation %d: an operator answered message %d, and its alarm runs", s.ID, s.alarm.message)
		}
	}
	if !s.UnansweredAt.IsZero() && (s.Status == event.StatusEnded || slices.ContainsFunc(messages, func(m *event.Message) bool {
		return m.Said() && !m.Note && m.Sender.Type == event.ByOperator && m.SentAt.After(s.UnansweredAt)
	})) {
		t.Errorf("conversation %d is %s and rings since %v", s.ID, s.Status, s.UnansweredAt)
	}
	if !s.transcriptDue.IsZero() && s.Status != event.StatusEnded {
		t.Errorf("conversation %d is %s, and a transcript waits", s.ID, s.Status)
	}
	stray := 0
	err := h.d.View(context.Background(), func(_ context.Context, tx *db.Tx) error {
		return tx.One("SELECT COUNT(*) FROM sessions WHERE conversation_id = $1 AND id <> $2 AND review_due > 0", []any{int64(s.ID), int64(s.session.ID)}, &stray)
	})
	if err != nil || stray != 0 || !s.session.reviewDue.IsZero() && s.session.Rating == nil {
		t.Errorf("conversation %d: %d old sessions wait for a comment, the latest until %v with the rating %v, %v", s.ID, stray, s.session.reviewDue, s.session.Rating, err)
	}
}

func (h *house) checkRow(t failer, s *state) {
	t.Helper()
	var messages []*event.Message
	var list []event.Session
	notes, tags := 0, []string{}
	err := h.d.View(context.Background(), func(_ context.Context, tx *db.Tx) (err error) {
		if tags, err = db.All(tx, "SELECT tag FROM conversation_tags WHERE conversation_id = $1", []any{int64(s.ID)}, func(r db.Scanner) (tag string, err error) {
			return tag, r.Scan(&tag)
		}); err != nil {
			return err
		}
		if err := tx.One("SELECT COALESCE(SUM(notes), 0) FROM sessions WHERE conversation_id = $1", []any{int64(s.ID)}, &notes); err != nil {
			return err
		}
		if messages, err = messagesAfter(tx, s.ID, 0, s.MessageCount, true, 100000); err != nil {
			return err
		}
		list, err = sessions(tx, s, 100000, false)
		return err
	})
	if err != nil {
		t.Fatalf("conversation %d: %v", s.ID, err)
	}
	if slices.Sort(tags); !slices.Equal(tags, slices.Sorted(slices.Values(s.Tags))) {
		t.Errorf("conversation %d has the tags %q, and is found by %q", s.ID, s.Tags, tags)
	}
	unread, line := 0, (*event.LastMessage)(nil)
	var lastSent time.Time
	for i, m := range messages {
		if m.Said() {
			if !m.SentAt.After(lastSent) {
				t.Errorf("conversation %d: message %d was sent at %v, after one of %v", s.ID, m.Number, m.SentAt, lastSent)
			}
			lastSent = m.SentAt
		}
		if said := lineOf(m); said != nil {
			line = said
		}
		if m.Type == event.TypeMedia != (m.Media != nil) && m.DeletedAt.IsZero() || !m.DeletedAt.IsZero() && (m.Body != "" || m.Media != nil || m.Link != nil) {
			t.Errorf("conversation %d: message %d is %+v", s.ID, m.Number, m)
		}
		if s.Channel.Type == event.ChannelWebsite && m.State != stateDerived {
			t.Errorf("conversation %d on the website: message %d has the state %d", s.ID, m.Number, m.State)
		}
		if m.Note {
			notes--
		}
		if m.Number != i+1 {
			t.Fatalf("conversation %d: message %d stands where %d belongs", s.ID, m.Number, i+1)
		}
		if m.Number > s.OperatorRead && m.Said() && m.Sender.Type == event.ByContact {
			unread++
		}
		if m.Sender.Type == event.ByContact && m.Sender.ID != int64(s.Contact.ID) {
			t.Errorf("conversation %d of contact %d: message %d is contact %d's", s.ID, s.Contact.ID, m.Number, m.Sender.ID)
		}
	}
	if d := cmp.Diff(line, s.LastMessage); d != "" {
		t.Errorf("conversation %d: the list's line is not what was said last (-said +line):\n%s", s.ID, d)
	}
	if (s.Channel.Type == event.ChannelWebsite) != (s.HiddenFrom == 0) {
		t.Errorf("conversation %d on %s is hidden from %d", s.ID, s.Channel.Type, s.HiddenFrom)
	}
	h.checkSeen(t, s, messages)
	if notes != 0 {
		t.Errorf("conversation %d: the sessions count %d notes too many", s.ID, notes)
	}
	if s.MessageCount != len(messages) || s.Unread != unread {
		t.Errorf("conversation %d: count %d, unread %d; stored are %d and %d", s.ID, s.MessageCount, s.Unread, len(messages), unread)
	}
	if s.OperatorRead > s.MessageCount || s.ContactRead > s.ContactDelivered || s.ContactDelivered > s.MessageCount {
		t.Errorf("conversation %d: marks %d, %d, %d of %d messages", s.ID, s.OperatorRead, s.ContactDelivered, s.ContactRead, s.MessageCount)
	}
	for i, se := range list {
		if se.Number != i+1 {
			t.Errorf("conversation %d: session %d stands where %d belongs", s.ID, se.Number, i+1)
		}
		if se.EndedAt.IsZero() && i != len(list)-1 {
			t.Errorf("conversation %d: session %d is open but not the latest", s.ID, se.Number)
		}
		if se.EndedAt.IsZero() != (se.EndReason == "") {
			t.Errorf("conversation %d: session %d ended at %v for %q", s.ID, se.Number, se.EndedAt, se.EndReason)
		}
	}
	if s.session == nil || s.session.Number != len(list) {
		t.Errorf("conversation %d does not point to its latest session", s.ID)
	}
	h.checkWaits(t, s, messages)
	ended := s.Status == event.StatusEnded
	if ended == s.EndedAt.IsZero() || ended && s.session.open() {
		t.Errorf("conversation %d is %s, ended at %v, its session open: %v", s.ID, s.Status, s.EndedAt, s.session.open())
	}
}
