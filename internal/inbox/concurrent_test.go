package inbox

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

// crowd runs fn for 0..n-1 at once on both engines, while the feed is being numbered, and then checks the invariants.
func crowd(t *testing.T, n int, prepare func(h *house), fn func(h *house, i int) error, then func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		prepare(h)
		ctx, stop := context.WithCancel(t.Context())
		var numbering, all sync.WaitGroup
		numbering.Go(func() { h.feed.RunNumbering(ctx) })
		for i := range n {
			all.Go(func() {
				if err := fn(h, i); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		all.Wait()
		stop()
		numbering.Wait()
		h.check(t)
		then(t, h)
	})
}

// The numbers of a conversation have no gap and are told in their order, however many write to it at once; the checks are
// those of house.check.
func TestManyWriteToFewConversations(t *testing.T) {
	var visitors []*ContactPosted
	const writers, each = 12, 8
	crowd(t, writers, func(h *house) {
		visitors = nil
		for range 3 {
			visitors = append(visitors, h.visitor(t))
		}
	}, func(h *house, i int) error {
		v := visitors[i%3]
		for k := range each {
			var err error
			switch i % 4 {
			case 0, 1:
				_, err = h.desk.PostFromContact(t.Context(), ContactPost{WidgetKey: h.widget.Key, Contact: v.Contact.ID, ClientID: fmt.Sprintf("c-%d-%d", i, k), Body: "hi"})
			case 2:
				_, err = h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "hi", Note: k%2 == 0})
			case 3:
				to := h.bob.Operator
				if k%2 == 0 {
					to = h.ann.Operator
				}
				if _, err = h.desk.Assign(t.Context(), h.ann, once.Key{}, v.Conversation.ID, to); err == nil {
					err = h.desk.MarkByContact(t.Context(), v.Contact.ID, v.Conversation.ID, 1, 1)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, func(t *testing.T, h *house) {
		total := 0
		for _, v := range visitors {
			for _, m := range h.thread(t, v.Conversation.ID) {
				if m.Type == event.TypeMessage {
					total++
				}
			}
		}
		if want := 3 + writers*3/4*each; total != want {
			t.Errorf("%d messages, want %d", total, want)
		}
	})
}

func TestManyVisitorsAtOnceNeverExceedTheSlots(t *testing.T) {
	crowd(t, 10, func(h *house) { h.online(t, h.bob) }, func(h *house, i int) error {
		_, err := h.desk.PostFromContact(t.Context(), ContactPost{WidgetKey: h.widget.Key, ClientID: fmt.Sprintf("a-random-client-id-%d", i), Body: "hi"})
		return err
	}, func(t *testing.T, h *house) {
		loads, err := h.desk.Loads(t.Context())
		if err != nil || loads[h.ann.Operator] != 3 || loads[h.bob.Operator] != 3 {
			t.Errorf("loads %v, %v; each has 3 slots", loads, err)
		}
	})
}

func TestOneMessageSentManyTimesAtOnceIsStoredOnce(t *testing.T) {
	var mu sync.Mutex
	got := map[id.Message]int{}
	crowd(t, 8, func(h *house) { clear(got) }, func(h *house, i int) error {
		out, err := h.desk.PostFromContact(t.Context(), ContactPost{WidgetKey: h.widget.Key, ClientID: "the-same-client-id-for-all", Body: "hi"})
		if err == nil {
			mu.Lock()
			got[out.Message.ID]++
			mu.Unlock()
		}
		return err
	}, func(t *testing.T, h *house) {
		if len(got) != 1 || len(h.dump(t)["contacts"]) != 1 || len(h.dump(t)["messages"]) != 1 {
			t.Errorf("answers: %v", got)
		}
	})
}

func TestManyBrowsersOfOneNewUserIdentifyAtOnce(t *testing.T) {
	var anonymous []id.Contact
	crowd(t, 6, func(h *house) {
		anonymous = []id.Contact{0, 0, 0}
		for range 3 {
			anonymous = append(anonymous, h.visitor(t).Contact.ID)
		}
	}, func(h *house, i int) error {
		_, err := h.desk.Identify(t.Context(), h.widget.Key, anonymous[i], contact.Identity{Change: contact.Change{ExternalID: new("u1")}})
		return err
	}, func(t *testing.T, h *house) {
		page, err := h.desk.List(t.Context(), Filter{Limit: 10}, 0)
		if err != nil || len(page.Items) != 3 {
			t.Fatalf("%v, %v", page, err)
		}
		for _, v := range page.Items {
			if v.Contact.ExternalID != "u1" {
				t.Errorf("conversation %d belongs to %+v", v.ID, v.Contact)
			}
		}
	})
}

// A contact who names no conversation must not hear that "it" has ended when an operator ends it at that moment.
func TestAMessageThatMeetsAnEndStartsAConversationOfItsOwn(t *testing.T) {
	const pairs = 20
	var visitors []*ContactPosted
	crowd(t, 2*pairs, func(h *house) {
		visitors = nil
		for range pairs {
			visitors = append(visitors, h.visitor(t))
		}
	}, func(h *house, i int) (err error) {
		v := visitors[i/2]
		if i%2 == 0 {
			_, err = h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID)
			return err
		}
		_, err = h.desk.PostFromContact(t.Context(), ContactPost{WidgetKey: h.widget.Key, Contact: v.Contact.ID, ClientID: "second", Body: "hi"})
		return err
	}, func(*testing.T, *house) {})
}

// Commands that meet: each ends in a documented refusal or succeeds, no two wait for each other, and nothing is half done.
func TestCommandsThatMeetDoNotLockEachOtherOut(t *testing.T) {
	var v, w *ContactPosted
	const ways = 15
	crowd(t, 2*ways, func(h *house) {
		v, w = h.visitor(t), h.visitor(t)
		h.online(t, h.bob)
	}, func(h *house, i int) (err error) {
		ctx, c := t.Context(), []*ContactPosted{v, w}[i/ways]
		switch i % ways {
		case 0:
			_, err = h.desk.End(ctx, h.ann, once.Key{}, c.Conversation.ID)
		case 1, 2, 3:
			_, err = h.desk.PostFromContact(ctx, ContactPost{WidgetKey: h.widget.Key, Contact: c.Contact.ID, ClientID: fmt.Sprint("meet", i), Body: "hi"})
		case 4:
			_, err = h.desk.PostFromContact(ctx, ContactPost{WidgetKey: h.widget.Key, Contact: c.Contact.ID, Conversation: c.Conversation.ID, Reopen: true, ClientID: fmt.Sprint("meet", i), Body: "hi"})
		case 5:
			_, err = h.desk.Forward(ctx, h.ann, once.Key{}, c.Conversation.ID, 0, h.group.ID, "note")
		case 6:
			_, err = h.contacts.Update(ctx, h.ann, once.Key{}, c.Contact.ID, contact.Change{Name: new(fmt.Sprint("N", i))})
		case 7:
			err = h.desk.PageByContact(ctx, c.Contact.ID, fmt.Sprint("https://shop.example/", i), "T")
		case 8:
			_, err = h.team.SetAvailability(ctx, h.bob, event.Away)
		case 9:
			_, err = h.desk.Identify(ctx, h.widget.Key, c.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: new("u1")}})
		case 10:
			_, err = h.desk.EndByContact(ctx, c.Contact.ID, c.Conversation.ID)
		case 11:
			_, err = h.team.ChangeGroup(ctx, team.System(), h.group.ID, team.GroupChange{Operators: &[]id.Operator{h.ann.Operator}})
		case 12:
			_, err = h.desk.ToggleFlag(ctx, h.ann, once.Key{}, c.Conversation.ID)
		case 13:
			_, err = h.desk.ChangeTags(ctx, h.bob, once.Key{}, c.Conversation.ID, []string{"a", fmt.Sprint("t", i)}, []string{"b"})
		case 14:
			_, err = h.desk.Bulk(ctx, h.ann, once.Key{}, Bulk{Action: BulkSend, Conversations: []id.Conversation{w.Conversation.ID, v.Conversation.ID}})
		}
		if fault.IsKind(err, fault.Conflict) || fault.IsKind(err, fault.NotFound) {
			return nil
		}
		return err
	}, func(*testing.T, *house) {})
}

// A contact has one open conversation on a channel, however many messages come in at once while answers go out and change their state.
func TestManyMessagesOverOneChannel(t *testing.T) {
	var on event.Channel
	var c *event.Contact
	const posts = 16
	crowd(t, posts, func(h *house) {
		on, c = h.channel(t, "Messenger"), h.person(t, contact.Change{})
	}, func(h *house, i int) error {
		return h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			out, err := h.desk.PostFromChannel(ctx, tx, ChannelPost{Channel: on, Widget: h.widget.ID, Contact: c.ID, Body: fmt.Sprint("message ", i), Key: once.Key{Scope: "channel", Value: fmt.Sprint(i / 2)}})
			if err != nil || out.Duplicate {
				return err
			}
			_, m, err := h.desk.StartOnChannel(ctx, tx, h.ann, ChannelStart{Channel: on, Widget: h.widget.ID, Contact: c.ID, Body: fmt.Sprint("answer ", i)})
			if err != nil {
				return err
			}
			return h.desk.StateOfMessage(ctx, tx, out.Conversation, m, event.StateSent, "", "")
		})
	}, func(t *testing.T, h *house) {
		home, err := h.desk.List(t.Context(), Filter{Contact: c.ID, Limit: 100}, 0)
		if err != nil || len(home.Items) != 1 {
			t.Fatalf("%d conversations, %v", len(home.Items), err)
		}
		got := map[event.PartyType]int{}
		for _, m := range h.thread(t, home.Items[0].ID) {
			got[m.Sender.Type]++
			if m.State < event.StateSent {
				t.Errorf("message %+v", m)
			}
		}
		if got[event.ByContact] != posts/2 || got[event.ByOperator] != posts/2 {
			t.Errorf("messages by %v", got)
		}
	})
}
