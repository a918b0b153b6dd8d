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
	desk     *Desk

	group          *event.Group
	widget         *event.Widget
	ann, bob, carl team.Actor
	token          team.Actor // an API token
	mark           id.Seq     // events up to here were looked at
	messages       int        // makes client ids
	noAddon        bool       // nobody takes requested conversations
	stays          bool       // a flag may outlive a change of the status, for nobody was there to take the conversation
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
	h.desk = New(Options{DB: d, Feed: f, Contacts: h.contacts, Widgets: h.widgets,
		TakesRequested: func(*db.Tx, *event.Conversation) (bool, error) { return !h.noAddon, nil }})
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
		Survey: &event.SurveyForm{Question: "Solved?", Options: []string{"Yes", "No"}},
		Goals:  &[]event.Goal{{Name: "Order", Match: event.GoalExact, Pattern: "https://shop.example/thanks"}, {Name: "Newsletter", Match: event.GoalScript, Pattern: "newsletter"}}}); err != nil {
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
		"conversations":     "id || ':' || contact_id || ':' || COALESCE(group_id, 0) || ':' || COALESCE(operator_id, 0) || ':' || status || ':' || message_count || ':' || last_message || ':' || operator_read || ':' || contact_delivered || ':' || contact_read || ':' || unread || ':' || updated_at || ':' || ended_at || ':' || topic || ':' || tags || ':' || CASE WHEN flagged THEN 'flagged' ELSE '' END || ':' || rating",
		"sessions":          "id || ':' || number || ':' || ended_at || ':' || expires_at || ':' || visit || ':' || outcome || ':' || notes",
		"conversation_tags": "conversation_id || ':' || tag",
		"messages":          "id || ':' || number || ':' || body || ':' || COALESCE(sender_id, 0)",
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
			if !last.messages[n] {
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
	messages     map[int]bool
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
				c := r.told[e.Conversation.ID]
				if c == nil {
					c = &toldOf{messages: map[int]bool{}}
					r.told[e.Conversation.ID] = c
				}
				news[e.Conversation.ID] = true
				if c.conversation != nil {
					checkFlag(t, c.conversation, e, h.stays)
				}
				c.conversation, c.session = e.Conversation, e.Session
				if m := e.Message; m != nil {
					if m.Number < c.highest || m.Number > c.conversation.MessageCount {
						t.Errorf("event %d (%s) tells message %d after %d of %d", e.Seq, e.Type, m.Number, c.highest, c.conversation.MessageCount)
					}
					c.highest = m.Number
					c.messages[m.Number] = true
				}
			}
		}
		if r.last >= latest {
			return news
		}
	}
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
		if messages, err = messagesAfter(tx, s.ID, 0, true, 100000); err != nil {
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
	unread := 0
	for i, m := range messages {
		if m.Note {
			notes--
		}
		if m.Number != i+1 {
			t.Fatalf("conversation %d: message %d stands where %d belongs", s.ID, m.Number, i+1)
		}
		if m.Number > s.OperatorRead && m.Type == event.TypeMessage && m.Sender.Type == event.ByContact {
			unread++
		}
		if m.Sender.Type == event.ByContact && m.Sender.ID != int64(s.Contact.ID) {
			t.Errorf("conversation %d of contact %d: message %d is contact %d's", s.ID, s.Contact.ID, m.Number, m.Sender.ID)
		}
	}
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
	ended := s.Status == event.StatusEnded
	if ended == s.EndedAt.IsZero() || ended && s.session.open() {
		t.Errorf("conversation %d is %s, ended at %v, its session open: %v", s.ID, s.Status, s.EndedAt, s.session.open())
	}
}
