package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

// channel makes a channel. Only its name is of interest here.
func (h *house) channel(t *testing.T, name string) event.Channel {
	t.Helper()
	c := event.Channel{Type: "custom", Name: name}
	err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) (err error) {
		c.ID, err = db.Insert[id.Channel](tx, `INSERT INTO channels (type, name, target, widget_id, widgets, settings, inbound_key, merge, auto_reply, state, state_reason, created_at, updated_at, deleted_at)
VALUES ('custom', $1, 0, $2, '', '', $3, TRUE, FALSE, 'active', '', 0, 0, 0) RETURNING id`, name, int64(h.widget.ID), "key of "+name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *house) overChannel(t *testing.T, p ChannelPost) (out *ChannelPosted, err error) {
	t.Helper()
	err = h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		out, err = h.desk.PostFromChannel(ctx, tx, p)
		return err
	})
	return out, err
}

func (h *house) startOn(t *testing.T, by team.Actor, p ChannelStart) (c id.Conversation, m id.Message, err error) {
	t.Helper()
	err = h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		c, m, err = h.desk.StartOnChannel(ctx, tx, by, p)
		return err
	})
	return c, m, err
}

func (h *house) move(t *testing.T, c id.Contact, conversation id.Conversation, to event.Channel, notice string) error {
	t.Helper()
	return h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		return h.desk.MoveToChannel(ctx, tx, c, conversation, to, 0, func(string) string { return notice })
	})
}

func (h *house) hand(t *testing.T, channel id.Channel, from, to id.Contact) error {
	t.Helper()
	return h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		a, err := contact.Lock(tx, from)
		if err != nil {
			return err
		}
		b, err := contact.Lock(tx, to)
		if err != nil {
			return err
		}
		return h.desk.HandChannel(ctx, tx, channel, 0, a, b)
	})
}

func (h *house) setState(t *testing.T, c id.Conversation, m id.Message, to event.MessageState, code, reason string) error {
	t.Helper()
	return h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		return h.desk.StateOfMessage(ctx, tx, c, m, to, code, reason)
	})
}

// person makes a contact without a browser.
func (h *house) person(t *testing.T, ch contact.Change) *event.Contact {
	t.Helper()
	var c *event.Contact
	err := h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
		c, err = h.contacts.Create(ctx, tx, event.Party{Type: event.ByContact}, ch)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// says posts over a channel, which must succeed.
func (h *house) says(t *testing.T, on event.Channel, c id.Contact, body string) *ChannelPosted {
	t.Helper()
	out, err := h.overChannel(t, ChannelPost{Channel: on, Widget: h.widget.ID, Contact: c, Body: body})
	if err != nil {
		t.Fatalf("%q over %s: %v", body, on.Name, err)
	}
	return out
}

func TestChannelConversations(t *testing.T) {
	each(t, "a message over a channel begins a conversation there, routed by the channel's widget (S-046, S-061)", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{Name: new("Ann"), Email: new("ann@x.example")})
		h.events(t)
		out := h.says(t, on, ann.ID, "Where is my order?")
		list := h.told(t, event.ConversationCreated, event.SessionStarted, event.MessageReceived)
		v := h.get(t, out.Conversation)
		if v.Channel != on || v.HiddenFrom != 1 || v.Contact.ID != ann.ID || v.Group == nil || v.Group.ID != h.group.ID || v.Operator == nil || v.Operator.ID != h.ann.Operator || v.Unread != 1 || v.Status != event.StatusNew {
			t.Errorf("conversation %+v", v.Conversation)
		}
		m := list[2].Message
		if m.ID != out.Message || m.Sender.ID != int64(ann.ID) || m.State != event.StateSent || out.Contact != ann.ID || out.Duplicate {
			t.Errorf("message %+v, answer %+v", m, out)
		}
		next := h.says(t, on, ann.ID, "Hello?")
		if h.told(t, event.MessageReceived); next.Conversation != out.Conversation {
			t.Errorf("the next one is in conversation %d", next.Conversation)
		}
		other := h.says(t, h.channel(t, "Gateway"), ann.ID, "And here")
		if other.Conversation == out.Conversation {
			t.Error("two channels share a conversation")
		}
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, out.Conversation))
		if again := h.says(t, on, ann.ID, "One more thing"); again.Conversation == out.Conversation || h.get(t, again.Conversation).Channel != on {
			t.Errorf("after the end: %+v", again)
		}
	})
	each(t, "the sender's id makes a message idempotent (S-069)", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		p := ChannelPost{Channel: on, Widget: h.widget.ID, Contact: ann.ID, Body: "once", Key: once.Key{Scope: "channel:1", Value: "m-1"}}
		first, err := h.overChannel(t, p)
		if err != nil {
			t.Fatal(err)
		}
		h.unchanged(t, func() error {
			second, err := h.overChannel(t, p)
			if want := *first; err == nil {
				if want.Duplicate = true; *second != want {
					t.Errorf("the repeat gave %+v, want %+v", second, want)
				}
			}
			return err
		})
	})
	each(t, "an automatic text follows the first message only, in the widget's language, on its way to the contact (S-062)", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		w, err := h.widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, widget.Change{Lang: new("de")})
		if err != nil {
			t.Fatal(err)
		}
		h.events(t)
		p := ChannelPost{Channel: on, Widget: w.ID, Contact: ann.ID, Body: "Hallo", AutoReply: func(lang string) string { return "Antwort: " + lang }}
		out, err := h.overChannel(t, p)
		if err != nil {
			t.Fatal(err)
		}
		list := h.told(t, event.ConversationCreated, event.SessionStarted, event.MessageReceived, event.MessageSent)
		if m := list[3].Message; m.Body != "Antwort: de" || m.Sender.Type != event.BySystem || m.State != event.StatePending || list[3].By.Type != event.BySystem {
			t.Errorf("the automatic text is %+v", m)
		}
		if v := h.get(t, out.Conversation); v.Status != event.StatusNew || v.Unread != 1 {
			t.Errorf("an automatic text answers nobody: %s, %d unread", v.Status, v.Unread)
		}
		if _, err := h.overChannel(t, p); err != nil {
			t.Fatal(err)
		}
		h.told(t, event.MessageReceived)
	})
	each(t, "what goes to the contact is pending, whoever writes it; notes and what the contact writes are not", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		c := h.says(t, on, ann.ID, "Hello").Conversation
		for _, by := range []team.Actor{h.ann, h.token} {
			if out := h.reply(t, by, c, "Hi"); out.Message.State != event.StatePending {
				t.Errorf("by %s: state %d", by.Name, out.Message.State)
			}
		}
		n, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Body: "a note", Note: true})
		if err != nil || n.Message.State != event.StateSent {
			t.Errorf("the note: %+v, %v", n, err)
		}
		var got []event.MessageState
		for _, m := range h.thread(t, c) {
			got = append(got, m.State)
		}
		if want := []event.MessageState{event.StateRead, event.StatePending, event.StatePending, event.StateSent}; !slices.Equal(got, want) {
			t.Errorf("states %v, want %v", got, want)
		}
	})
	each(t, "an operator begins a conversation and has it, and goes on in the one that is there", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		h.events(t)
		p := ChannelStart{Channel: on, Widget: h.widget.ID, Contact: ann.ID, Body: "Your parcel is here"}
		c, m, err := h.startOn(t, h.bob, p)
		if err != nil {
			t.Fatal(err)
		}
		list := h.told(t, event.ConversationCreated, event.SessionStarted, event.MessageSent)
		v := h.get(t, c)
		if v.Operator == nil || v.Operator.ID != h.bob.Operator || v.Group.ID != h.group.ID || v.Status != event.StatusOpen || v.Channel != on || v.HiddenFrom != 1 {
			t.Errorf("conversation %+v", v.Conversation)
		}
		if got := list[2].Message; got.ID != m || got.State != event.StatePending || list[2].Session == nil || got.SessionID == 0 {
			t.Errorf("message %+v", got)
		}
		again, m2, err := h.startOn(t, h.ann, p)
		if err != nil || again != c || m2 == m {
			t.Errorf("once more: conversation %d, message %d, %v", again, m2, err)
		}
		h.told(t, event.MessageSent)
		other, _, err := h.startOn(t, h.token, ChannelStart{Channel: h.channel(t, "Gateway"), Widget: h.widget.ID, Contact: ann.ID, Body: "by a robot"})
		if err != nil || h.get(t, other).Operator != nil || h.get(t, other).Group == nil {
			t.Errorf("a token's: %+v, %v", h.get(t, other), err)
		}
		h.refused(t, fault.ContactNotFound, "", func() error {
			_, _, err := h.startOn(t, h.ann, ChannelStart{Channel: on, Widget: h.widget.ID, Contact: 4711, Body: "x"})
			return err
		})
		h.refused(t, fault.MessageEmpty, "body", func() error {
			_, _, err := h.startOn(t, h.ann, ChannelStart{Channel: on, Widget: h.widget.ID, Contact: ann.ID, Body: " "})
			return err
		})
		h.refused(t, fault.AuthScope, "", func() error {
			_, _, err := h.startOn(t, team.Actor{Token: 1, Scope: team.ScopeRead}, p)
			return err
		})
	})
	each(t, "the privacy of the channel's widget holds (S-063)", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		if _, err := h.widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, widget.Change{PrivacyMode: new(true)}); err != nil {
			t.Fatal(err)
		}
		if v := h.get(t, h.says(t, on, ann.ID, "Hello").Conversation); !v.Session.Visit.Private {
			t.Errorf("visit %+v", v.Session.Visit)
		}
	})
	each(t, "a website's message without a conversation never goes to a channel's, nor does its page", func(t *testing.T, h *house) {
		on, v := h.channel(t, "Messenger"), h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		c := h.says(t, on, v.Contact.ID, "over the channel").Conversation
		if w := h.write(t, v.Contact.ID, "on the website"); w.Conversation.ID == c || w.Conversation.Channel.Type != event.ChannelWebsite {
			t.Errorf("it went to conversation %d", w.Conversation.ID)
		}
		if _, err := h.desk.Identify(t.Context(), h.widget.Key, v.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: new("u1")}}); err != nil {
			t.Fatal(err)
		}
		if err := h.desk.PageByContact(t.Context(), v.Contact.ID, "https://shop.example/cart", "Cart"); err != nil {
			t.Fatal(err)
		}
		if got := h.get(t, c).Session.Visit.URL; got != "" {
			t.Errorf("the channel's session knows the page %q", got)
		}
	})
	each(t, "a list takes the conversations of the website, or of one channel (S-055)", func(t *testing.T, h *house) {
		one, two, v := h.channel(t, "One"), h.channel(t, "Two"), h.visitor(t)
		p := h.person(t, contact.Change{})
		a, b := h.says(t, one, p.ID, "a").Conversation, h.says(t, two, p.ID, "b").Conversation
		for filter, want := range map[string][]id.Conversation{
			"": {v.Conversation.ID, a, b}, event.ChannelWebsite: {v.Conversation.ID}, "custom": {a, b},
			fmt.Sprint(one.ID): {a}, fmt.Sprint(two.ID): {b}, "99": nil, "-1": nil, "fax": nil,
		} {
			ids, _, err := h.desk.IDs(t.Context(), Filter{Channel: filter})
			if slices.Sort(ids); err != nil || !slices.Equal(ids, want) {
				t.Errorf("channel %q: %v, %v, want %v", filter, ids, err, want)
			}
			page, err := h.desk.List(t.Context(), Filter{Channel: filter, Limit: 10}, 0)
			if err != nil || len(page.Items) != len(want) {
				t.Errorf("channel %q: %d in the list, %v", filter, len(page.Items), err)
			}
		}
	})
	each(t, "the channel's conversations are handed to another contact", func(t *testing.T, h *house) {
		on, v, p := h.channel(t, "Messenger"), h.visitor(t), h.person(t, contact.Change{})
		c := h.says(t, on, v.Contact.ID, "over the channel").Conversation
		h.events(t)
		if err := h.hand(t, on.ID, v.Contact.ID, p.ID); err != nil {
			t.Fatal(err)
		}
		h.told(t, event.ConversationUpdated)
		if got := h.get(t, c).Contact.ID; got != p.ID || h.thread(t, c)[0].Sender.ID != int64(p.ID) {
			t.Errorf("it is contact %d's", got)
		}
		if got := h.get(t, v.Conversation.ID).Contact.ID; got != v.Contact.ID {
			t.Errorf("the website's is contact %d's", got)
		}
		if next := h.says(t, on, p.ID, "again"); next.Conversation != c {
			t.Errorf("the next message goes to conversation %d", next.Conversation)
		}
	})
}

func TestOneConversationForEachAddress(t *testing.T) {
	each(t, "what comes from an address, begins at it or moves to it meets there, and is handed over with it", func(t *testing.T, h *house) {
		on, v, p := h.channel(t, "Messenger"), h.visitor(t), h.person(t, contact.Change{})
		from := func(address int64) id.Conversation {
			out, err := h.overChannel(t, ChannelPost{Channel: on, Widget: h.widget.ID, Contact: v.Contact.ID, Address: address, Body: "Hello"})
			if err != nil {
				t.Fatal(err)
			}
			return out.Conversation
		}
		one, two := from(1), from(2)
		if one == two || from(1) != one || from(2) != two {
			t.Fatalf("conversations %d and %d", one, two)
		}
		if c, _, err := h.startOn(t, h.ann, ChannelStart{Channel: on, Widget: h.widget.ID, Contact: v.Contact.ID, Address: 1, Body: "Hi"}); err != nil || c != one {
			t.Errorf("an operator writes in %d, %v", c, err)
		}
		err := h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return h.desk.MoveToChannel(ctx, tx, v.Contact.ID, v.Conversation.ID, on, 3, nil)
		})
		if err != nil || from(3) != v.Conversation.ID {
			t.Errorf("the moved one is not the third address's, %v", err)
		}
		err = h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error { return h.desk.HandChannel(ctx, tx, on.ID, 2, v.Contact, p) })
		if err != nil {
			t.Fatal(err)
		}
		for c, want := range map[id.Conversation]id.Contact{one: v.Contact.ID, two: p.ID, v.Conversation.ID: v.Contact.ID} {
			if got := h.get(t, c).Contact.ID; got != want {
				t.Errorf("conversation %d is contact %d's, want %d", c, got, want)
			}
		}
	})
}

func TestS064_AConversationMovesToAChannel(t *testing.T) {
	each(t, "the same conversation goes on there, and messages to the contact are sent there", func(t *testing.T, h *house) {
		on, v := h.channel(t, "Messenger"), h.visitor(t)
		h.reply(t, h.ann, v.Conversation.ID, "Hi")
		h.events(t)
		if err := h.move(t, v.Contact.ID, v.Conversation.ID, on, "It goes on here"); err != nil {
			t.Fatal(err)
		}
		list := h.told(t, event.ConversationUpdated, event.MessageSent)
		m := list[0].Message
		if m.Entry == nil || m.Entry.Name != "channel_changed" || m.Entry.Channel == nil || *m.Entry.Channel != on || m.Number != 3 || m.Entry.By.ID != int64(v.Contact.ID) {
			t.Errorf("the entry is %+v", m)
		}
		if n := list[1].Message; n.Body != "It goes on here" || n.State != event.StatePending {
			t.Errorf("the notice is %+v", n)
		}
		now := h.get(t, v.Conversation.ID)
		if now.Channel != on || now.HiddenFrom != 3 {
			t.Errorf("it is on %+v, hidden from %d", now.Channel, now.HiddenFrom)
		}
		if h.thread(t, now.ID)[1].State != event.StateSent {
			t.Error("what was said on the website has another state now")
		}
		if out := h.says(t, on, v.Contact.ID, "I am here"); out.Conversation != v.Conversation.ID {
			t.Errorf("the contact writes in conversation %d", out.Conversation)
		}
		h.unchanged(t, func() error { return h.move(t, v.Contact.ID, v.Conversation.ID, on, "again") })
	})
	each(t, "who has another conversation there already goes on in the one that moved", func(t *testing.T, h *house) {
		on, v := h.channel(t, "Messenger"), h.visitor(t)
		time.Sleep(time.Minute)
		other := h.says(t, on, v.Contact.ID, "before the move").Conversation
		time.Sleep(time.Minute)
		if err := h.move(t, v.Contact.ID, v.Conversation.ID, on, "It goes on here"); err != nil {
			t.Fatal(err)
		}
		if got := h.says(t, on, v.Contact.ID, "after the move").Conversation; got != v.Conversation.ID || got > other {
			t.Errorf("it is in conversation %d", got)
		}
	})
	each(t, "the website shows what stood before, and takes no more", func(t *testing.T, h *house) {
		on, v := h.channel(t, "Messenger"), h.visitor(t)
		if err := h.move(t, v.Contact.ID, v.Conversation.ID, on, "It goes on here"); err != nil {
			t.Fatal(err)
		}
		h.says(t, on, v.Contact.ID, "a secret")
		h.reply(t, h.ann, v.Conversation.ID, "an answer")
		own := h.own(t, v.Contact.ID, v.Conversation.ID)
		if own.MessageCount != 1 || own.UnreadByContact != 0 || own.Visible.Number != 1 || own.LastMessage != nil || own.HiddenFrom != 2 || own.Unread != 0 && own.OperatorRead > 1 {
			t.Errorf("the contact sees %+v", own.Conversation)
		}
		p := h.post("and now?")
		p.Contact, p.Conversation = v.Contact.ID, v.Conversation.ID
		h.refused(t, fault.ConversationMoved, "conversation_id", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		h.refused(t, fault.ConversationMoved, "", func() error { _, err := h.desk.EndByContact(t.Context(), v.Contact.ID, v.Conversation.ID); return err })
		h.refused(t, fault.ConversationMoved, "", func() error { _, err := h.desk.Rate(t.Context(), v.Contact.ID, v.Conversation.ID, 5); return err })
		h.refused(t, fault.MessageNumber, "number", func() error { return h.desk.MarkByContact(t.Context(), v.Contact.ID, v.Conversation.ID, 0, 2) })
		h.unchanged(t, func() error { return h.desk.MarkByContact(t.Context(), v.Contact.ID, v.Conversation.ID, 0, 1) })
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		if own := h.own(t, v.Contact.ID, v.Conversation.ID); own.Status != event.StatusOpen || !own.EndedAt.IsZero() {
			t.Errorf("the contact sees that it ended: %s %v", own.Status, own.EndedAt)
		}
		if w := h.write(t, v.Contact.ID, "something new"); w.Conversation.ID == v.Conversation.ID {
			t.Error("a new message of the website went to the moved conversation")
		}
	})
	each(t, "who is signed in sees and writes on", func(t *testing.T, h *house) {
		on, v := h.channel(t, "Messenger"), h.visitor(t)
		if _, err := h.desk.Identify(t.Context(), h.widget.Key, v.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: new("u1")}}); err != nil {
			t.Fatal(err)
		}
		if err := h.move(t, v.Contact.ID, v.Conversation.ID, on, "It goes on here"); err != nil {
			t.Fatal(err)
		}
		h.says(t, on, v.Contact.ID, "from afar")
		if own := h.own(t, v.Contact.ID, v.Conversation.ID); own.MessageCount != 4 || own.Visible.Body != "from afar" {
			t.Errorf("the contact sees %+v", own.Conversation)
		}
		p := h.post("from the website")
		p.Contact, p.Conversation = v.Contact.ID, v.Conversation.ID
		if out := h.send(t, p); out.Message.Number != 5 || out.Message.State != event.StateSent {
			t.Errorf("message %+v", out.Message)
		}
	})
	each(t, "an ended or foreign conversation does not move, nor one that is elsewhere already", func(t *testing.T, h *house) {
		on, v, w := h.channel(t, "Messenger"), h.visitor(t), h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, w.Conversation.ID))
		h.refused(t, fault.ConversationEnded, "", func() error { return h.move(t, w.Contact.ID, w.Conversation.ID, on, "x") })
		h.refused(t, fault.ConversationNotFound, "", func() error { return h.move(t, w.Contact.ID, v.Conversation.ID, on, "x") })
		c := h.says(t, on, v.Contact.ID, "hidden").Conversation
		other := h.channel(t, "Gateway")
		h.refused(t, fault.ConversationNotFound, "", func() error { return h.move(t, v.Contact.ID, c, other, "x") })
		if err := h.move(t, v.Contact.ID, v.Conversation.ID, on, "x"); err != nil {
			t.Fatal(err)
		}
		h.refused(t, fault.ConversationMoved, "", func() error { return h.move(t, v.Contact.ID, v.Conversation.ID, other, "x") })
	})
}

func TestHiddenFromBrowsers(t *testing.T) {
	each(t, "who only typed an address sees nothing of what its owner writes over a channel", func(t *testing.T, h *house) {
		on, v := h.channel(t, "Messenger"), h.visitor(t)
		c := h.says(t, on, v.Contact.ID, "a secret").Conversation
		h.reply(t, h.ann, c, "an answer")
		home, err := h.desk.HomeOf(t.Context(), v.Contact.ID)
		if err != nil || len(home.Conversations) != 1 || home.Conversations[0].ID != v.Conversation.ID {
			t.Errorf("home %+v, %v", home, err)
		}
		p := h.post("let me in")
		p.Contact, p.Conversation, p.Reopen = v.Contact.ID, c, true
		h.refused(t, fault.ConversationNotFound, "conversation_id", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		for name, try := range map[string]func() error{
			"read": func() error { _, err := h.desk.GetOf(t.Context(), v.Contact.ID, c); return err },
			"messages": func() error {
				_, err := h.desk.MessagesOf(t.Context(), v.Contact.ID, c, Range{Limit: 10})
				return err
			},
			"mark": func() error { return h.desk.MarkByContact(t.Context(), v.Contact.ID, c, 1, 1) },
			"end":  func() error { _, err := h.desk.EndByContact(t.Context(), v.Contact.ID, c); return err },
			"rate": func() error { _, err := h.desk.Rate(t.Context(), v.Contact.ID, c, 5); return err },
			"say":  func() error { _, err := h.desk.Feedback(t.Context(), v.Contact.ID, c, "x"); return err },
		} {
			if err := try(); !fault.Is(err, fault.ConversationNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	each(t, "signing in opens it to who owns the address, and to nobody else", func(t *testing.T, h *house) {
		on := h.channel(t, "Messenger")
		// known is what a channel stores of an address when it meets it.
		known := func(c id.Contact, email string) {
			err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				_, err := tx.Exec(`INSERT INTO channel_contacts (channel_id, address, contact_id, email, current, alone, merged, created_at, separated_at, separated_by) VALUES ($1, $2, $3, $4, TRUE, FALSE, TRUE, 0, 0, '')`,
					int64(on.ID), fmt.Sprint(email, c), int64(c), email)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		sees := func(c id.Contact, conversation id.Conversation) bool {
			home, err := h.desk.HomeOf(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			return slices.ContainsFunc(home.Conversations, func(v *View) bool { return v.ID == conversation })
		}
		for i, row := range []struct {
			name, address string
			signed        *string
			want          bool
		}{
			{"the owner", "ann@x.example", new("ann@x.example"), true},
			{"somebody else", "ann@x.example", new("eve@x.example"), false},
			{"somebody without an address", "ann@x.example", nil, false},
			{"somebody whose address is as empty as the channel's", "", new(""), false},
		} {
			v := h.visitor(t)
			c := h.says(t, on, v.Contact.ID, "a secret").Conversation
			moved := h.write(t, v.Contact.ID, "moves").Conversation.ID
			known(v.Contact.ID, row.address)
			if err := h.move(t, v.Contact.ID, moved, on, "x"); err != nil {
				t.Fatal(err)
			}
			site := h.write(t, v.Contact.ID, "on the website").Conversation.ID
			who := contact.Identity{Change: contact.Change{ExternalID: new(fmt.Sprint("user", i)), Email: row.signed}}
			out, err := h.desk.Identify(t.Context(), h.widget.Key, v.Contact.ID, who)
			if err != nil {
				t.Fatal(err)
			}
			if got := sees(out.Contact.ID, c); got != row.want || sees(out.Contact.ID, moved) != row.want || !sees(out.Contact.ID, site) {
				t.Errorf("%s: sees the hidden one: %v, want %v", row.name, got, row.want)
			}
			// Another browser of the user, with conversations on the channel under its anonymous contact.
			w := h.visitor(t)
			hidden := h.says(t, on, w.Contact.ID, "another secret").Conversation
			known(w.Contact.ID, row.address)
			if out, err = h.desk.Identify(t.Context(), h.widget.Key, w.Contact.ID, who); err != nil {
				t.Fatal(err)
			}
			if sees(out.Contact.ID, hidden) || !sees(out.Contact.ID, w.Conversation.ID) {
				t.Errorf("%s: the user got what was hidden from the anonymous contact", row.name)
			}
		}
	})
}

func TestSignedEmailIsWhatTheSiteVouchedFor(t *testing.T) {
	each(t, "what a browser types changes nothing about it", func(t *testing.T, h *house) {
		for _, row := range []struct {
			user  string
			email *string
			want  string
		}{{"ann", new("ann@x.example"), "ann@x.example"}, {"eve", nil, ""}} {
			out, err := h.desk.Identify(t.Context(), h.widget.Key, 0, contact.Identity{Change: contact.Change{ExternalID: &row.user, Email: row.email}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.contacts.UpdateSelf(t.Context(), out.Contact.ID, contact.Change{Email: new("victim@x.example")}); err != nil {
				t.Fatal(err)
			}
			err = h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
				got, err := contact.SignedEmail(tx, out.Contact.ID)
				if got != row.want {
					t.Errorf("%s: %q, want %q", row.user, got, row.want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWhatAnOperatorNotedOfAVisitorIsNotSignedWhenTheySignIn(t *testing.T) {
	each(t, "only the site's word counts", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if _, err := h.contacts.Update(t.Context(), h.ann, once.Key{}, v.Contact.ID, contact.Change{Email: new("victim@x.example")}); err != nil {
			t.Fatal(err)
		}
		signed := func(want string) {
			t.Helper()
			err := h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
				got, err := contact.SignedEmail(tx, v.Contact.ID)
				if got != want {
					t.Errorf("%q, want %q", got, want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		signed("victim@x.example")
		out, err := h.desk.Identify(t.Context(), h.widget.Key, v.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: new("eve")}})
		if err != nil || out.Contact.ID != v.Contact.ID {
			t.Fatalf("%+v, %v", out, err)
		}
		signed("")
	})
}

func TestS026_StateOverAChannel(t *testing.T) {
	for _, row := range []struct {
		from, told, want event.MessageState
	}{
		{0, 0, 0}, {0, 1, 1}, {0, 2, 2}, {0, 4, 4}, {1, 0, 0}, {1, 1, 1}, {1, 2, 2}, {1, 3, 3},
		{2, 0, 0}, {2, 1, 2}, {2, 2, 2}, {2, 3, 3}, {3, 2, 3}, {3, 0, 3}, {4, 3, 4}, {4, 0, 4},
	} {
		if got := nextState(row.from, row.told, true); got != row.want {
			t.Errorf("%d told %d gives %d, want %d", row.from, row.told, got, row.want)
		}
		want := row.want
		if row.from == event.StateSent && row.told == event.StateFailed {
			want = row.from // a call of ours that failed takes nothing back
		}
		if got := nextState(row.from, row.told, false); got != want {
			t.Errorf("%d by a delivery told %d gives %d, want %d", row.from, row.told, got, want)
		}
	}
	each(t, "each change is told once, with its reason while there is one", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		c := h.says(t, on, ann.ID, "Hello").Conversation
		m := h.reply(t, h.ann, c, "Hi").Message
		before := h.get(t, c)
		h.events(t)
		for i, step := range []struct {
			state                event.MessageState
			code, reason         string
			told                 bool
			want                 event.MessageState
			wantCode, wantReason string
		}{
			{1, "", "trying again: busy", true, 1, "", "trying again: busy"},
			{1, "ignored", "trying again: busy", false, 1, "", "trying again: busy"},
			{0, "given_up", "nobody answered", true, 0, "given_up", "nobody answered"},
			{1, "", "", true, 1, "", ""},
			{2, "x", "y", true, 2, "", ""},
			{0, CodeRefused, "no such number", true, 0, CodeRefused, "no such number"},
			{1, "", "", true, 1, "", ""},
			{2, "", "", true, 2, "", ""},
			{4, "", "", true, 4, "", ""},
			{3, "", "", false, 4, "", ""},
			{0, CodeRefused, "too late", false, 4, "", ""},
		} {
			if err := h.setState(t, c, m.ID, step.state, step.code, step.reason); err != nil {
				t.Fatal(err)
			}
			list := h.events(t)
			if step.told != (len(list) == 1) {
				t.Fatalf("step %d: %d events", i, len(list))
			}
			now := h.thread(t, c)[1]
			if now.State != step.want || now.StateCode != step.wantCode || now.StateReason != step.wantReason {
				t.Errorf("step %d: %d %q %q", i, now.State, now.StateCode, now.StateReason)
			}
			for _, e := range list {
				if e.Type != event.MessageUpdated || e.Changed != event.ChangedState || e.By.Type != event.BySystem || cmp.Diff(e.Message, now) != "" {
					t.Errorf("step %d told %+v of %+v", i, e, e.Message)
				}
			}
		}
		if after := h.get(t, c); !after.UpdatedAt.Equal(before.UpdatedAt) {
			t.Error("a state lifts the conversation in the list")
		}
	})
	each(t, "what became of the calls neither lifts what the other side refused nor lowers what it has taken", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		c := h.says(t, on, ann.ID, "Hello").Conversation
		refused, sent := h.reply(t, h.ann, c, "One").Message, h.reply(t, h.ann, c, "Two").Message
		if err := h.setState(t, c, refused.ID, event.StateFailed, CodeRefused, "no such number"); err != nil {
			t.Fatal(err)
		}
		if err := h.setState(t, c, sent.ID, event.StateSent, "", ""); err != nil {
			t.Fatal(err)
		}
		fate := func(m id.Message, to event.MessageState) error {
			return h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				return h.desk.FateOfMessage(ctx, tx, c, m, to, "given_up", "nobody answered")
			})
		}
		for _, to := range []event.MessageState{event.StateFailed, event.StatePending, event.StateSent} {
			h.unchanged(t, func() error { return fate(refused.ID, to) })
		}
		h.unchanged(t, func() error { return fate(sent.ID, event.StateFailed) })
		// Sent again by hand, or told otherwise by the other side, it goes on.
		if err := h.setState(t, c, refused.ID, event.StatePending, "", ""); err != nil {
			t.Fatal(err)
		}
		if err := fate(refused.ID, event.StateSent); err != nil {
			t.Fatal(err)
		}
		if now := h.thread(t, c)[1]; now.State != event.StateSent || now.StateCode != "" {
			t.Errorf("%d %q", now.State, now.StateCode)
		}
	})
	each(t, "what the contact has read counts when the other side has it", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		c := h.says(t, on, ann.ID, "Hello").Conversation
		m := h.reply(t, h.ann, c, "Hi").Message
		h.says(t, on, ann.ID, "I wrote after it")
		if got := h.thread(t, c)[1].State; got != event.StatePending {
			t.Errorf("pending became %d", got)
		}
		if err := h.setState(t, c, m.ID, event.StateSent, "", ""); err != nil {
			t.Fatal(err)
		}
		if got := h.thread(t, c)[1].State; got != event.StateRead {
			t.Errorf("state %d", got)
		}
	})
	each(t, "a message that is gone or went over no channel is left alone", func(t *testing.T, h *house) {
		v := h.visitor(t)
		m := h.reply(t, h.ann, v.Conversation.ID, "Hi").Message
		for _, at := range [][2]int64{{int64(v.Conversation.ID), int64(m.ID)}, {int64(v.Conversation.ID), 4711}, {4711, 1}} {
			h.unchanged(t, func() error { return h.setState(t, id.Conversation(at[0]), id.Message(at[1]), 0, "x", "y") })
		}
	})
}

// upload brings in a text file and returns its key.
func (h *house) upload(t *testing.T, owner media.Owner, name string) string {
	t.Helper()
	m, err := h.media.Upload(t.Context(), owner, media.Upload{Name: name}, strings.NewReader("bytes of "+name))
	if err != nil {
		t.Fatalf("upload %s: %v", name, err)
	}
	return m.Key
}

func (h *house) byOperator(t *testing.T, by team.Actor, name string) string {
	t.Helper()
	return h.upload(t, uploader(by), name)
}

// onChannel has a contact write at an address on a channel by which the channel knows an e-mail address.
func (h *house) onChannel(t *testing.T, on event.Channel, c id.Contact, email string) id.Conversation {
	t.Helper()
	var address int64
	h.tx(t, func(tx *db.Tx) (err error) {
		address, err = db.Insert[int64](tx, `INSERT INTO channel_contacts (channel_id, address, contact_id, email, current, alone, merged, created_at, separated_at, separated_by)
VALUES ($1, $2, $3, $4, TRUE, FALSE, FALSE, 0, 0, '') RETURNING id`, int64(on.ID), fmt.Sprint("address of ", c), int64(c), email)
		return err
	})
	out, err := h.overChannel(t, ChannelPost{Channel: on, Widget: h.widget.ID, Contact: c, Address: address, Body: "over the channel"})
	if err != nil {
		t.Fatal(err)
	}
	return out.Conversation
}

func TestOpensHidden(t *testing.T) {
	each(t, "what happened on a channel opens to the channel's address and to the signed one of a user, not to one that a visitor proved", func(t *testing.T, h *house) {
		on := h.channel(t, "Bridge")
		opens := func(what string, c id.Conversation, address string, want bool) {
			t.Helper()
			h.tx(t, func(tx *db.Tx) error {
				got, err := h.desk.OpensHidden(tx, c, address)
				if got != want {
					t.Errorf("%s: %q opens it: %v, want %v", what, address, got, want)
				}
				return err
			})
		}
		sign := func(c id.Contact, address string) {
			t.Helper()
			h.tx(t, func(tx *db.Tx) error { return contact.SignEmail(tx, c, address) })
		}
		v := h.typed(t, "eve@x.example")
		c := h.onChannel(t, on, v.Contact.ID, "ann@x.example")
		sign(v.Contact.ID, "eve@x.example")
		opens("the site's conversation", v.Conversation.ID, "eve@x.example", true)
		opens("a proven address", c, "eve@x.example", false)
		opens("the channel's address", c, "ann@x.example", true)
		opens("in another spelling", c, " Ann@X.example", true)
		opens("none", c, "", false)
		opens("no address", c, "ann", false)
		nameless := h.typed(t, "eve@x.example")
		c = h.onChannel(t, on, nameless.Contact.ID, "")
		opens("a channel without addresses", c, "", false)
		opens("a channel without addresses", c, "eve@x.example", false)
		user := h.person(t, contact.Change{ExternalID: new("u1"), Email: new("typed@x.example")})
		sign(user.ID, "eve@x.example")
		c = h.onChannel(t, on, user.ID, "ann@x.example")
		opens("a user's signed address", c, "eve@x.example", true)
		opens("what the user typed", c, "typed@x.example", false)
		h.tx(t, func(tx *db.Tx) error {
			if _, err := h.desk.OpensHidden(tx, 4711, "ann@x.example"); !fault.Is(err, fault.ConversationNotFound) {
				t.Errorf("no conversation: %v", err)
			}
			return nil
		})
	})
}
