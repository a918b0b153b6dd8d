package inbox

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

func TestS099_TheFirstMessageStartsASessionAndTheSecondDoesNot(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.post("Hello 👋\nsecond line")
		p.Change = contact.Change{Name: new("Vera")}
		p.Visit = Visit{URL: "https://shop.example/a", Title: "A", Referrer: "https://search.example/", PageImpressions: 3, Visits: 1,
			UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", IP: "192.0.2.7"}
		first := h.send(t, p)
		list := h.told(t, event.ContactCreated, event.ConversationCreated, event.SessionStarted, event.MessageReceived)
		for _, e := range list {
			if e.By.Type != event.ByContact || e.By.ID != int64(first.Contact.ID) || e.By.Name != "Vera" || !e.At.Equal(h.d.Now()) {
				t.Errorf("%s is by %+v at %v", e.Type, e.By, e.At)
			}
		}
		created, started, received := list[1], list[2], list[3]
		if c := created.Conversation; c.MessageCount != 0 || c.Status != event.StatusNew || created.Session != nil || created.Message != nil {
			t.Errorf("created: %+v", created)
		}
		if c := started.Conversation; c.MessageCount != 1 || c.Unread != 1 || c.Operator == nil || c.Operator.ID != h.ann.Operator || c.Group == nil || c.Group.ID != h.group.ID {
			t.Errorf("started: %+v", c)
		}
		want := event.Visit{URL: "https://shop.example/a", Title: "A", InitialURL: "https://shop.example/a", Referrer: "https://search.example/", PageImpressions: 3, Visits: 1,
			UserAgent: p.Visit.UserAgent, IP: "192.0.2.7", Browser: "Chrome", BrowserVersion: "140.0.0.0", OS: "Linux", Device: "desktop"}
		if s := started.Session; s.Number != 1 || s.OperatorCreated == nil || s.OperatorCreated.ID != h.ann.Operator {
			t.Errorf("session: %+v", s)
		} else if d := cmp.Diff(want, s.Visit); d != "" {
			t.Errorf("visit (-want +got):\n%s", d)
		}
		m := received.Message
		if m.Body != p.Body || m.Number != 1 || m.Sender != (event.Party{Type: event.ByContact, ID: int64(first.Contact.ID), Name: "Vera"}) ||
			m.SessionID != started.Session.ID || m.ClientID != p.ClientID || m.State != event.StateSent {
			t.Errorf("message: %+v", m)
		}
		if first.Token == "" || first.Duplicate || first.Conversation.Visible == nil || first.Conversation.Visible.ID != m.ID {
			t.Errorf("answer: %+v", first)
		}
		if v, err := h.contacts.Authenticate(t.Context(), first.Token); err != nil || v.Contact != first.Contact.ID || v.Widget != h.widget.ID {
			t.Errorf("the token is %+v's: %v", v, err)
		}
		second := h.write(t, first.Contact.ID, "and more")
		h.told(t, event.MessageReceived)
		if second.Token != "" || second.Conversation.ID != first.Conversation.ID || second.Message.Number != 2 || second.Message.SessionID != m.SessionID {
			t.Errorf("second: %+v", second)
		}
	})
}

func TestS100_EachMessageOfTheContactIsToldWithItsText(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		v := h.visitor(t)
		for _, text := range []string{"one", "two <b>&\u2028", "  three\n"} {
			h.write(t, v.Contact.ID, text)
			if e := h.told(t, event.MessageReceived)[0]; e.Message.Body != text {
				t.Errorf("told %q, want %q", e.Message.Body, text)
			}
		}
	})
}

func TestS096_AConversationSpansSessions(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.expire(t)
		if list := h.told(t, event.SessionUnread, event.SessionEnded); list[1].Session.Number != 1 {
			t.Errorf("ended %+v", list[1].Session)
		}
		time.Sleep(24 * time.Hour)
		again := h.write(t, v.Contact.ID, "me again")
		list := h.told(t, event.SessionStarted, event.MessageReceived)
		if again.Conversation.ID != v.Conversation.ID || list[0].Session.Number != 2 || list[0].Session.ID == v.Message.SessionID {
			t.Errorf("the second session is %+v of conversation %d", list[0].Session, again.Conversation.ID)
		}
		// S-016: the part of the message's id changes with the session.
		if a, b := v.Message.Ref(), again.Message.Ref(); strings.Split(a, ".")[0] != strings.Split(b, ".")[0] || strings.Split(a, ".")[1] == strings.Split(b, ".")[1] {
			t.Errorf("refs %s and %s", a, b)
		}
	})
}

// expire lets the open sessions run out.
func (h *house) expire(t *testing.T) {
	t.Helper()
	time.Sleep(half + time.Millisecond) // messages of one instant are some microseconds apart
	if _, err := h.desk.ExpireOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPostFromContact(t *testing.T) {
	each(t, "a message without a conversation goes to the newest one that has not ended", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.EndByContact(t.Context(), v.Contact.ID, v.Conversation.ID))
		second := h.write(t, v.Contact.ID, "next")
		third := h.write(t, v.Contact.ID, "same")
		if second.Conversation.ID == v.Conversation.ID || third.Conversation.ID != second.Conversation.ID {
			t.Errorf("conversations %d, %d, %d", v.Conversation.ID, second.Conversation.ID, third.Conversation.ID)
		}
	})
	each(t, "a message to an ended conversation is refused", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		p := h.post("still there?")
		p.Contact, p.Conversation = v.Contact.ID, v.Conversation.ID
		p.Change.Name = new("changed")
		h.refused(t, fault.ConversationEnded, "conversation_id", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
	})
	each(t, "a message with reopen opens an ended conversation again in a new session", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.reply(t, h.ann, v.Conversation.ID, "hi")
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		h.events(t)
		p := h.post("one more thing")
		p.Contact, p.Conversation, p.Reopen = v.Contact.ID, v.Conversation.ID, true
		out := h.send(t, p)
		list := h.told(t, event.ConversationReopened, event.SessionStarted, event.MessageReceived)
		if out.Conversation.Status != event.StatusOpen || !out.Conversation.EndedAt.IsZero() || out.Conversation.Operator.ID != h.ann.Operator {
			t.Errorf("reopened: %+v", out.Conversation)
		}
		if e := list[0]; e.StatusBefore != event.StatusEnded || e.Message == nil || e.Message.Entry.Name != entryReopened || e.Message.Entry.By.Type != event.ByContact {
			t.Errorf("event: %+v", e)
		}
	})
	each(t, "a reopened conversation that nobody had is new", func(t *testing.T, h *house) {
		h.offline(t, h.ann)
		v := h.visitor(t)
		h.did(t)(h.desk.EndByContact(t.Context(), v.Contact.ID, v.Conversation.ID))
		p := h.post("hello?")
		p.Contact, p.Conversation, p.Reopen = v.Contact.ID, v.Conversation.ID, true
		if out := h.send(t, p); out.Conversation.Status != event.StatusNew || out.Conversation.Operator != nil {
			t.Errorf("reopened: %+v", out.Conversation)
		}
	})
	each(t, "a message to a foreign or unknown conversation is not found", func(t *testing.T, h *house) {
		v, other := h.visitor(t), h.visitor(t)
		for _, c := range []id.Conversation{v.Conversation.ID, 4711} {
			p := h.post("let me in")
			p.Contact, p.Conversation, p.Reopen = other.Contact.ID, c, true
			h.refused(t, fault.ConversationNotFound, "conversation_id", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		}
		p := h.post("let me in, without a token")
		p.Conversation = v.Conversation.ID
		h.refused(t, fault.ConversationNotFound, "conversation_id", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
	})
	each(t, "a message of an unknown contact is refused", func(t *testing.T, h *house) {
		p := h.post("who am I?")
		p.Contact = 4711
		h.refused(t, fault.ContactNotFound, "", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
	})
	each(t, "bad texts are refused before anything is stored", func(t *testing.T, h *house) {
		for body, code := range map[string]fault.Code{
			"": fault.MessageEmpty, " \n\t": fault.MessageEmpty, "a\x00b": fault.TextInvalid, "a\xffb": fault.TextInvalid,
			strings.Repeat("x", 100<<10): fault.MessageTooLong, strings.Repeat("ü", MaxBody+1): fault.MessageTooLong,
		} {
			h.refused(t, code, "body", func() error { _, err := h.desk.PostFromContact(t.Context(), h.post(body)); return err })
		}
		h.send(t, h.post(strings.Repeat("ü", MaxBody)))
	})
	each(t, "bad client ids and contact data are refused before anything is stored", func(t *testing.T, h *house) {
		v := h.visitor(t)
		for _, c := range []string{"", "with blank but long enough", strings.Repeat("a", 65), "a\x00aaaaaaaaaaaaaaaaaa", "short"} {
			p := h.post("hello")
			p.ClientID = c
			h.refused(t, fault.FieldInvalid, "client_id", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		}
		p := h.post("hello")
		p.Contact, p.ClientID = v.Contact.ID, "short"
		h.send(t, p)
		p = h.post("hello")
		p.Change.Email = new("nonsense")
		h.refused(t, fault.FieldInvalid, "contact.email", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		p.Change = contact.Change{Custom: new(event.RawJSON(`[1]`))}
		h.refused(t, fault.CustomInvalid, "contact.custom", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
	})
	each(t, "all faults of a message come together", func(t *testing.T, h *house) {
		p := h.post("")
		p.ClientID, p.Change.Email = "", new("nonsense")
		_, err := h.desk.PostFromContact(t.Context(), p)
		if f := fault.As(err); len(f.Others) != 2 {
			t.Errorf("faults: %+v", f)
		}
	})
	each(t, "unknown and inactive widgets take nothing", func(t *testing.T, h *house) {
		v := h.visitor(t)
		p := h.post("hello")
		p.WidgetKey = "w_nothing"
		h.refused(t, fault.WidgetNotFound, "", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		if _, err := h.widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, widget.Change{Active: new(false)}); err != nil {
			t.Fatal(err)
		}
		p = h.post("hello")
		h.refused(t, fault.WidgetInactive, "", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		p.Contact = v.Contact.ID
		h.refused(t, fault.WidgetInactive, "", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
	})
	each(t, "a widget that requires an identity takes messages of signed-in users only", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if _, err := h.widgets.NewIdentitySecret(t.Context(), team.System(), once.Key{}, h.widget.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, widget.Change{IdentityRequired: new(true)}); err != nil {
			t.Fatal(err)
		}
		p := h.post("hello")
		h.refused(t, fault.IdentityRequired, "", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		p.Contact = v.Contact.ID
		h.refused(t, fault.IdentityRequired, "", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		p.Contact = h.identify(t, 0, "user-1").Contact.ID
		h.send(t, p)
	})
	each(t, "what the browser says of the contact is stored with the message, but never an external id", func(t *testing.T, h *house) {
		v := h.visitor(t)
		p := h.post("I am Vera")
		p.Contact = v.Contact.ID
		p.Change = contact.Change{Name: new(" Vera "), Email: new("Vera@Example.com"), ExternalID: new("admin"), Custom: new(event.RawJSON(`{"a": [1, "<x>"]}`))}
		out := h.send(t, p)
		list := h.told(t, event.ContactUpdated, event.MessageReceived)
		c := list[1].Conversation.Contact
		if c.Name != "Vera" || c.Email != "vera@example.com" || c.ExternalID != "" || c.Custom != `{"a":[1,"<x>"]}` || list[1].Message.Sender.Name != "Vera" {
			t.Errorf("contact: %+v", c)
		}
		if d := cmp.Diff(&c, out.Contact); d != "" {
			t.Errorf("answer (-event +answer):\n%s", d)
		}
		h.write(t, v.Contact.ID, "no news")
		h.told(t, event.MessageReceived)
	})
	each(t, "a message takes a pending conversation up again", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.SetStatus(t.Context(), h.ann, once.Key{}, v.Conversation.ID, event.StatusPending))
		h.events(t)
		h.write(t, v.Contact.ID, "news?")
		if list := h.told(t, event.ConversationStatusChanged, event.MessageReceived); list[0].StatusBefore != event.StatusPending || list[0].Conversation.Status != event.StatusOpen {
			t.Errorf("event: %+v", list[0])
		}
	})
	each(t, "who writes has read what stands above", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.reply(t, h.ann, v.Conversation.ID, "hi")
		if own := h.own(t, v.Contact.ID, v.Conversation.ID); own.UnreadByContact != 1 || own.Visible.State != event.StateSent {
			t.Errorf("before: %+v", own)
		}
		out := h.write(t, v.Contact.ID, "thanks")
		if c := out.Conversation; c.ContactRead != 3 || c.ContactDelivered != 3 || c.UnreadByContact != 0 || h.thread(t, c.ID)[1].State != event.StateRead {
			t.Errorf("after: %+v", c)
		}
	})
}

func TestPostFromContactAgain(t *testing.T) {
	each(t, "a repeat with the same client id is answered, not stored", func(t *testing.T, h *house) {
		v := h.visitor(t)
		p := h.post("once")
		p.Contact = v.Contact.ID
		first := h.send(t, p)
		h.reply(t, h.ann, v.Conversation.ID, "twice?")
		h.unchanged(t, func() error {
			again, err := h.desk.PostFromContact(t.Context(), p)
			if err == nil && (!again.Duplicate || again.Message.ID != first.Message.ID || again.Token != "" || again.Message.State != event.StateRead || again.Conversation.UnreadByContact != 1) {
				t.Errorf("again: %+v", again)
			}
			return err
		})
		p.Body = "another text"
		h.refused(t, fault.KeyReused, "Idempotency-Key", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
	})
	each(t, "two contacts may use the same client id", func(t *testing.T, h *house) {
		a, b := h.visitor(t), h.visitor(t)
		p := h.post("same")
		p.Contact = a.Contact.ID
		x := h.send(t, p)
		p.Contact = b.Contact.ID
		if y := h.send(t, p); y.Message.ID == x.Message.ID || y.Conversation.ID != b.Conversation.ID {
			t.Errorf("b's message went to %d", y.Conversation.ID)
		}
	})
	each(t, "a browser that never got its token gets one by sending its first message again", func(t *testing.T, h *house) {
		p := h.post("first")
		first := h.send(t, p)
		h.reply(t, h.ann, first.Conversation.ID, "hi")
		h.events(t)
		time.Sleep(time.Hour)
		again := h.send(t, p)
		h.told(t)
		if !again.Duplicate || again.Contact.ID != first.Contact.ID || again.Message.ID != first.Message.ID || again.Token == first.Token || again.Conversation.UnreadByContact != 1 {
			t.Errorf("again: %+v", again)
		}
		for _, token := range []string{first.Token, again.Token} {
			if v, err := h.contacts.Authenticate(t.Context(), token); err != nil || v.Contact != first.Contact.ID {
				t.Errorf("token of contact %d: %v", v.Contact, err)
			}
		}
	})
	// Everybody who sees the message sees its client id; it must not stay a key to the visitor's conversation.
	closed := func(name string, then func(t *testing.T, h *house, first *ContactPosted)) {
		each(t, "a first message sent again opens nothing "+name, func(t *testing.T, h *house) {
			p := h.post("first")
			first := h.send(t, p)
			h.reply(t, h.ann, first.Conversation.ID, "hi")
			then(t, h, first)
			h.refused(t, fault.KeyReused, "client_id", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		})
	}
	closed("after an hour", func(t *testing.T, h *house, _ *ContactPosted) { time.Sleep(time.Hour + time.Microsecond) })
	closed("when the browser has written since", func(t *testing.T, h *house, v *ContactPosted) { h.write(t, v.Contact.ID, "I am here") })
	closed("when the browser has received an answer", func(t *testing.T, h *house, v *ContactPosted) {
		if err := h.desk.MarkByContact(t.Context(), v.Contact.ID, v.Conversation.ID, 2, 0); err != nil {
			t.Fatal(err)
		}
	})
	closed("when the contact has become a known user", func(t *testing.T, h *house, v *ContactPosted) { h.identify(t, v.Contact.ID, "user-1") })
	closed("when the conversation was handed to a known user", func(t *testing.T, h *house, v *ContactPosted) {
		h.identify(t, 0, "user-1")
		h.identify(t, v.Contact.ID, "user-1")
	})
}

func TestRoutingOfSessions(t *testing.T) {
	each(t, "of the online operators of the group the one with the fewest conversations gets it", func(t *testing.T, h *house) {
		h.online(t, h.bob)
		h.online(t, h.carl) // not in the group
		got := map[id.Operator]int{}
		for range 4 {
			got[h.visitor(t).Conversation.Operator.ID]++
		}
		if got[h.ann.Operator] != 2 || got[h.bob.Operator] != 2 {
			t.Errorf("shares %v", got)
		}
	})
	each(t, "an operator gets no more than their slots", func(t *testing.T, h *house) {
		for i := range 5 {
			v := h.visitor(t)
			if taken := v.Conversation.Operator != nil; taken != (i < 3) {
				t.Errorf("visitor %d: taken %v", i, taken)
			}
			if v.Conversation.Group == nil {
				t.Errorf("visitor %d waits in no group", i)
			}
		}
	})
	each(t, "pending and ended conversations take no slot", func(t *testing.T, h *house) {
		a, b := h.visitor(t), h.visitor(t)
		h.visitor(t)
		h.did(t)(h.desk.SetStatus(t.Context(), h.ann, once.Key{}, a.Conversation.ID, event.StatusPending))
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, b.Conversation.ID))
		for range 2 {
			if h.visitor(t).Conversation.Operator == nil {
				t.Error("Ann has free slots")
			}
		}
		if h.visitor(t).Conversation.Operator != nil {
			t.Error("Ann has no free slot")
		}
	})
	each(t, "a widget without a group is answered by everybody", func(t *testing.T, h *house) {
		h.offline(t, h.ann)
		h.online(t, h.carl)
		if _, err := h.widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, widget.Change{GroupID: new(id.Group(0))}); err != nil {
			t.Fatal(err)
		}
		if c := h.visitor(t).Conversation; c.Group != nil || c.Operator == nil || c.Operator.ID != h.carl.Operator {
			t.Errorf("routed to %+v", c)
		}
	})
	each(t, "a further session stays with an operator who is online", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.online(t, h.bob)
		h.expire(t)
		h.events(t)
		if out := h.write(t, v.Contact.ID, "again"); out.Conversation.Operator.ID != h.ann.Operator {
			t.Errorf("moved to %+v", out.Conversation.Operator)
		}
		h.told(t, event.SessionStarted, event.MessageReceived)
	})
	each(t, "a further session leaves an operator who is not online", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.offline(t, h.ann)
		h.online(t, h.bob)
		h.expire(t)
		h.events(t)
		out := h.write(t, v.Contact.ID, "again")
		list := h.told(t, event.ConversationAssigned, event.SessionStarted, event.MessageReceived)
		if e := list[0]; e.OperatorBefore.ID != h.ann.Operator || e.Conversation.Operator.ID != h.bob.Operator || e.By.Type != event.BySystem || e.Message != nil {
			t.Errorf("event: %+v", e)
		}
		if out.Conversation.Session.OperatorCreated.ID != h.bob.Operator {
			t.Errorf("session: %+v", out.Conversation.Session)
		}
	})
	each(t, "a further session that nobody can take waits unassigned in its group", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.offline(t, h.ann)
		h.expire(t)
		h.events(t)
		out := h.write(t, v.Contact.ID, "again")
		h.told(t, event.ConversationAssigned, event.SessionStarted, event.MessageReceived)
		if c := out.Conversation; c.Operator != nil || c.Group.ID != h.group.ID {
			t.Errorf("conversation: %+v", c)
		}
	})
	each(t, "a further session is routed in the group that the conversation was forwarded to", func(t *testing.T, h *house) {
		g, err := h.team.CreateGroup(t.Context(), team.System(), "Sales", []id.Operator{h.carl.Operator}, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		v := h.visitor(t)
		h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, 0, g.ID, ""))
		h.expire(t)
		h.online(t, h.carl)
		h.online(t, h.bob)
		if out := h.write(t, v.Contact.ID, "again"); out.Conversation.Operator == nil || out.Conversation.Operator.ID != h.carl.Operator || out.Conversation.Group.ID != g.ID {
			t.Errorf("conversation: %+v", out.Conversation)
		}
	})
}

func TestMarksOfTheContact(t *testing.T) {
	each(t, "the marks move forward only, and each move is told once", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c, conversation := v.Contact.ID, v.Conversation.ID
		h.reply(t, h.ann, conversation, "one")
		h.reply(t, h.ann, conversation, "two")
		h.events(t)
		mark := func(delivered, read int) error {
			return h.desk.MarkByContact(t.Context(), c, conversation, delivered, read)
		}
		if err := mark(2, 0); err != nil {
			t.Fatal(err)
		}
		if e := h.told(t, event.ConversationRead)[0]; e.By.Type != event.ByContact || e.Conversation.ContactDelivered != 2 || e.Conversation.ContactRead != 1 {
			t.Errorf("event: %+v", e)
		}
		if s := h.thread(t, conversation); s[1].State != event.StateDelivered || s[2].State != event.StateSent {
			t.Errorf("states %v, %v", s[1].State, s[2].State)
		}
		if err := mark(0, 3); err != nil {
			t.Fatal(err)
		}
		if c := h.told(t, event.ConversationRead)[0].Conversation; c.ContactDelivered != 3 || c.ContactRead != 3 {
			t.Errorf("read is delivered too: %+v", c)
		}
		h.unchanged(t, func() error { return mark(2, 1) })
		h.unchanged(t, func() error { return mark(0, 0) })
	})
	each(t, "marks beyond the end, of foreign and of unknown conversations are refused", func(t *testing.T, h *house) {
		v, other := h.visitor(t), h.visitor(t)
		for _, n := range []int{2, -1} {
			h.refused(t, fault.MessageNumber, "number", func() error { return h.desk.MarkByContact(t.Context(), v.Contact.ID, v.Conversation.ID, 0, n) })
			h.refused(t, fault.MessageNumber, "number", func() error { return h.desk.MarkByContact(t.Context(), v.Contact.ID, v.Conversation.ID, n, 0) })
		}
		h.refused(t, fault.ConversationNotFound, "", func() error { return h.desk.MarkByContact(t.Context(), other.Contact.ID, v.Conversation.ID, 1, 1) })
		h.refused(t, fault.ConversationNotFound, "", func() error { return h.desk.MarkByContact(t.Context(), other.Contact.ID, 4711, 1, 1) })
	})
}

func TestReadsOfTheContact(t *testing.T) {
	each(t, "a contact sees their own conversations, newest activity first, without notes", func(t *testing.T, h *house) {
		v := h.visitor(t)
		time.Sleep(time.Second)
		h.did(t)(h.desk.EndByContact(t.Context(), v.Contact.ID, v.Conversation.ID))
		time.Sleep(time.Second)
		second := h.write(t, v.Contact.ID, "next")
		h.visitor(t) // somebody else
		time.Sleep(time.Second)
		h.reply(t, h.ann, second.Conversation.ID, "answer")
		if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: second.Conversation.ID, Body: "secret", Note: true}); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		home, err := h.desk.HomeOf(t.Context(), v.Contact.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(home.Conversations) != 2 || home.Conversations[0].ID != second.Conversation.ID || home.Seq != h.mark || home.Contact.ID != v.Contact.ID {
			t.Fatalf("home: %+v", home)
		}
		first, old := home.Conversations[0], home.Conversations[1]
		if first.Visible.Body != "answer" || first.UnreadByContact != 1 || old.Visible.Entry.Name != entryEnded || old.UnreadByContact != 0 {
			t.Errorf("shown: %+v, %+v", first.Visible, old.Visible)
		}
		for _, w := range home.Conversations {
			if d := cmp.Diff(w, h.own(t, v.Contact.ID, w.ID)); d != "" {
				t.Errorf("one by one they look otherwise:\n%s", d)
			}
		}
		thread, err := h.desk.MessagesOf(t.Context(), v.Contact.ID, second.Conversation.ID, Range{Limit: 10})
		if err != nil || len(thread.Messages) != 2 {
			t.Errorf("thread: %v, %v", thread, err)
		}
	})
	each(t, "foreign conversations are not found", func(t *testing.T, h *house) {
		v, other := h.visitor(t), h.visitor(t)
		for _, fn := range []func() error{
			func() error {
				_, err := h.desk.MessagesOf(t.Context(), other.Contact.ID, v.Conversation.ID, Range{Limit: 1})
				return err
			},
			func() error { _, err := h.desk.GetOf(t.Context(), other.Contact.ID, v.Conversation.ID); return err },
			func() error {
				_, err := h.desk.EndByContact(t.Context(), other.Contact.ID, v.Conversation.ID)
				return err
			},
			func() error { _, err := h.desk.EndByContact(t.Context(), other.Contact.ID, 4711); return err },
		} {
			h.refused(t, fault.ConversationNotFound, "", fn)
		}
	})
}

func TestPageByContact(t *testing.T) {
	each(t, "a new page is noted in the open sessions and lifts nothing", func(t *testing.T, h *house) {
		v := h.visitor(t)
		before := h.get(t, v.Conversation.ID)
		time.Sleep(time.Minute)
		if err := h.desk.PageByContact(t.Context(), v.Contact.ID, "https://shop.example/b", "B"); err != nil {
			t.Fatal(err)
		}
		e := h.told(t, event.ConversationUpdated)[0]
		if w := e.Session.Visit; w.URL != "https://shop.example/b" || w.Title != "B" || w.PageImpressions != 1 || !e.Conversation.UpdatedAt.Equal(before.UpdatedAt) {
			t.Errorf("event: %+v", e)
		}
		h.unchanged(t, func() error { return h.desk.PageByContact(t.Context(), v.Contact.ID, "https://shop.example/b", "B") })
		h.unchanged(t, func() error { return h.desk.PageByContact(t.Context(), v.Contact.ID, "javascript:alert(1)", "B") })
		time.Sleep(half)
		if _, err := h.desk.ExpireOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h.get(t, v.Conversation.ID).Session.EndedAt.IsZero() {
			t.Error("looking at pages kept the session alive")
		}
		h.unchanged(t, func() error { return h.desk.PageByContact(t.Context(), v.Contact.ID, "https://shop.example/c", "C") })
	})
}

func (h *house) identify(t *testing.T, anonymous id.Contact, sub string) *Identified {
	t.Helper()
	out, err := h.desk.Identify(t.Context(), h.widget.Key, anonymous, contact.Identity{Change: contact.Change{ExternalID: &sub, Name: new("User " + sub)}})
	if err != nil {
		t.Fatalf("identify %s: %v", sub, err)
	}
	return out
}

func (h *house) authenticates(t *testing.T, token string) bool {
	t.Helper()
	_, err := h.contacts.Authenticate(t.Context(), token)
	if err != nil && !fault.Is(err, fault.AuthInvalid) {
		t.Fatal(err)
	}
	return err == nil
}

func TestIdentify(t *testing.T) {
	each(t, "an unknown user without a browser's contact becomes a contact", func(t *testing.T, h *house) {
		out := h.identify(t, 0, "u1")
		if list := h.told(t, event.ContactCreated); list[0].Contact.ExternalID != "u1" || list[0].Contact.Name != "User u1" {
			t.Errorf("event: %+v", list[0].Contact)
		}
		if !h.authenticates(t, out.Token) {
			t.Error("the token is not good")
		}
	})
	each(t, "an anonymous contact becomes the user, and its old tokens end", func(t *testing.T, h *house) {
		v := h.visitor(t)
		out := h.identify(t, v.Contact.ID, "u1")
		h.told(t, event.ContactUpdated)
		if out.Contact.ID != v.Contact.ID || h.authenticates(t, v.Token) || !h.authenticates(t, out.Token) {
			t.Errorf("identified: %+v", out.Contact)
		}
	})
	each(t, "an anonymous contact hands its conversations to a user who is known", func(t *testing.T, h *house) {
		known := h.identify(t, 0, "u1")
		v := h.visitor(t)
		out := h.identify(t, v.Contact.ID, "u1")
		e := h.told(t, event.ConversationUpdated)[0]
		if out.Contact.ID != known.Contact.ID || e.Conversation.Contact.ID != known.Contact.ID || e.By.ID != int64(known.Contact.ID) {
			t.Errorf("handed over: %+v", e.Conversation.Contact)
		}
		if m := h.thread(t, v.Conversation.ID)[0]; m.Sender.ID != int64(known.Contact.ID) {
			t.Errorf("message of %+v", m.Sender)
		}
		if h.authenticates(t, v.Token) || !h.authenticates(t, known.Token) {
			t.Error("the anonymous token must end and the user's other browser must go on")
		}
		if out := h.write(t, known.Contact.ID, "here too"); out.Conversation.ID != v.Conversation.ID {
			t.Errorf("went to %d", out.Conversation.ID)
		}
	})
	each(t, "identifying the same user again leaves their other browsers alone", func(t *testing.T, h *house) {
		phone := h.identify(t, 0, "u1")
		desktop := h.identify(t, 0, "u1")
		h.events(t)
		again := h.identify(t, desktop.Contact.ID, "u1")
		h.told(t)
		for name, token := range map[string]string{"phone": phone.Token, "desktop": desktop.Token, "again": again.Token} {
			if !h.authenticates(t, token) {
				t.Errorf("the token of %s ended", name)
			}
		}
	})
	each(t, "a browser that was another user's takes nothing of theirs along", func(t *testing.T, h *house) {
		u1 := h.identify(t, 0, "u1")
		c := h.write(t, u1.Contact.ID, "private")
		u2 := h.identify(t, u1.Contact.ID, "u2")
		if u2.Contact.ID == u1.Contact.ID || !h.authenticates(t, u1.Token) {
			t.Errorf("users %d and %d", u1.Contact.ID, u2.Contact.ID)
		}
		home, err := h.desk.HomeOf(t.Context(), u2.Contact.ID)
		if err != nil || len(home.Conversations) != 0 {
			t.Errorf("u2 sees %v, %v", home, err)
		}
		if h.get(t, c.Conversation.ID).Contact.ID != u1.Contact.ID {
			t.Error("u1's conversation moved")
		}
	})
	each(t, "a contact has at most 200 tokens, the newest ones", func(t *testing.T, h *house) {
		first := h.identify(t, 0, "u1")
		var last *Identified
		for range 201 {
			time.Sleep(time.Second)
			last = h.identify(t, first.Contact.ID, "u1")
		}
		if h.authenticates(t, first.Token) || !h.authenticates(t, last.Token) || len(h.dump(t)["contact_tokens"]) != 200 {
			t.Error("the wrong tokens are left")
		}
	})
	each(t, "an unknown widget or contact is refused", func(t *testing.T, h *house) {
		who := contact.Identity{Change: contact.Change{ExternalID: new("u1")}}
		h.refused(t, fault.WidgetNotFound, "", func() error { _, err := h.desk.Identify(t.Context(), "w_no", 0, who); return err })
		h.refused(t, fault.ContactNotFound, "", func() error { _, err := h.desk.Identify(t.Context(), h.widget.Key, 4711, who); return err })
	})
}
