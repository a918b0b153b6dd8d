package inbox

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

func TestS101_EachMessageToTheContactIsToldAndBotsAreMarked(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.reply(t, h.ann, v.Conversation.ID, "one")
		list := h.told(t, event.ConversationStatusChanged, event.MessageSent)
		if e := list[0]; e.StatusBefore != event.StatusNew || e.Conversation.Status != event.StatusOpen {
			t.Errorf("the first reply: %+v", e)
		}
		m := list[1].Message
		if m.Body != "one" || m.Number != 2 || m.Sender != (event.Party{Type: event.ByOperator, ID: int64(h.ann.Operator), Name: "Ann"}) || m.OperatorName != "Ann Lee" || m.OperatorDisplayName != "Ann" {
			t.Errorf("message: %+v", m)
		}
		out := h.reply(t, h.token, v.Conversation.ID, "two")
		e := h.told(t, event.MessageSent)[0]
		if m := e.Message; m.Sender != (event.Party{Type: event.ByBot, Name: "robot"}) || m.OperatorName != "" || e.By.Type != event.BySystem || out.Message.State != event.StateSent {
			t.Errorf("bot: %+v by %+v", m, e.By)
		}
	})
}

func TestPost(t *testing.T) {
	post := func(t *testing.T, h *house, by team.Actor, p Post) func() error {
		return func() error { _, err := h.desk.Post(t.Context(), by, once.Key{}, p); return err }
	}
	each(t, "the first operator who answers an unassigned conversation gets it", func(t *testing.T, h *house) {
		h.offline(t, h.ann)
		v := h.visitor(t)
		out := h.reply(t, h.bob, v.Conversation.ID, "hi")
		e := h.told(t, event.ConversationAssigned, event.ConversationStatusChanged, event.MessageSent)[0]
		if e.OperatorBefore != nil || e.GroupBefore.ID != h.group.ID || e.Conversation.Operator.ID != h.bob.Operator || e.Message != nil || e.Conversation.Group.ID != h.group.ID {
			t.Errorf("event: %+v", e)
		}
		h.reply(t, h.ann, v.Conversation.ID, "me too")
		h.told(t, event.MessageSent)
		if got := h.get(t, v.Conversation.ID); got.Operator.ID != h.bob.Operator || out.Conversation.Status != event.StatusOpen {
			t.Errorf("conversation: %+v", got)
		}
	})
	each(t, "an operator's message marks the thread as read, a bot's does not", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if c := h.reply(t, h.token, v.Conversation.ID, "automatic").Conversation; c.Unread != 1 || c.OperatorRead != 0 || c.Operator.ID != h.ann.Operator {
			t.Errorf("after the bot: %+v", c)
		}
		if c := h.reply(t, h.ann, v.Conversation.ID, "hi").Conversation; c.Unread != 0 || c.OperatorRead != 3 {
			t.Errorf("after Ann: %+v", c)
		}
		if s := h.thread(t, v.Conversation.ID)[0].State; s != event.StateRead {
			t.Errorf("the contact's message is %d", s)
		}
	})
	each(t, "a note is numbered like a message and changes neither status nor operator", func(t *testing.T, h *house) {
		h.offline(t, h.ann)
		v := h.visitor(t)
		out, err := h.desk.Post(t.Context(), h.bob, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "careful", Note: true})
		if err != nil {
			t.Fatal(err)
		}
		h.same(t, out.Conversation)
		e := h.told(t, event.MessageNoted)[0]
		if c := e.Conversation; c.Status != event.StatusNew || c.Operator != nil || c.MessageCount != 2 || !c.LastMessage.Note || !e.Message.Note {
			t.Errorf("event: %+v", c)
		}
		if own := h.own(t, v.Contact.ID, v.Conversation.ID); own.UnreadByContact != 0 || own.Visible.Number != 1 {
			t.Errorf("the contact sees %+v", own.Visible)
		}
	})
	each(t, "a reply to a pending conversation leaves it pending", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.SetStatus(t.Context(), h.ann, once.Key{}, v.Conversation.ID, event.StatusPending))
		if c := h.reply(t, h.ann, v.Conversation.ID, "please send the number").Conversation; c.Status != event.StatusPending {
			t.Errorf("it is %s", c.Status)
		}
	})
	each(t, "a reply keeps the session alive", func(t *testing.T, h *house) {
		v := h.visitor(t)
		time.Sleep(half - time.Second)
		h.reply(t, h.ann, v.Conversation.ID, "hi")
		time.Sleep(half - time.Second)
		if n, err := h.desk.ExpireOnce(t.Context()); n != 0 || err != nil {
			t.Errorf("%d sessions ended, %v", n, err)
		}
	})
	each(t, "a message may quote one of its conversation", func(t *testing.T, h *house) {
		v := h.visitor(t)
		out, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "this", Reference: v.Message.ID})
		if err != nil || out.Message.ReferenceID != v.Message.ID {
			t.Errorf("%+v, %v", out, err)
		}
	})
	each(t, "a quoted message must be of the conversation, and no note if the contact sees it", func(t *testing.T, h *house) {
		v, other := h.visitor(t), h.visitor(t)
		note, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "note", Note: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range []id.Message{other.Message.ID, 4711, -1, note.Message.ID} {
			h.refused(t, fault.MessageReference, "reference", post(t, h, h.ann, Post{Conversation: v.Conversation.ID, Body: "x", Reference: ref}))
		}
		if err := post(t, h, h.ann, Post{Conversation: v.Conversation.ID, Body: "x", Note: true, Reference: note.Message.ID})(); err != nil {
			t.Errorf("a note about a note: %v", err)
		}
	})
	each(t, "an ended conversation refuses messages and takes notes", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		h.refused(t, fault.ConversationEnded, "", post(t, h, h.ann, Post{Conversation: v.Conversation.ID, Body: "x"}))
		h.refused(t, fault.ConversationEnded, "", post(t, h, h.token, Post{Conversation: v.Conversation.ID, Body: "x"}))
		h.events(t)
		if err := post(t, h, h.ann, Post{Conversation: v.Conversation.ID, Body: "x", Note: true})(); err != nil {
			t.Error(err)
		}
		h.told(t, event.MessageNoted)
	})
	each(t, "bad texts, unknown conversations and readers are refused", func(t *testing.T, h *house) {
		v := h.visitor(t)
		for body, code := range map[string]fault.Code{"": fault.MessageEmpty, "a\x00": fault.TextInvalid, "\xff": fault.TextInvalid, strings.Repeat("x", 100<<10): fault.MessageTooLong} {
			h.refused(t, code, "body", post(t, h, h.ann, Post{Conversation: v.Conversation.ID, Body: body}))
		}
		h.refused(t, fault.ConversationNotFound, "", post(t, h, h.ann, Post{Conversation: 4711, Body: "x"}))
		h.refused(t, fault.AuthScope, "", post(t, h, team.Actor{Token: 2, Scope: team.ScopeRead}, Post{Conversation: v.Conversation.ID, Body: "x"}))
	})
	each(t, "a repeat with the same key gets the first message", func(t *testing.T, h *house) {
		v := h.visitor(t)
		key := once.Key{Scope: "s", Value: "k", Request: "r"}
		first, err := h.desk.Post(t.Context(), h.ann, key, Post{Conversation: v.Conversation.ID, Body: "once"})
		if err != nil {
			t.Fatal(err)
		}
		h.unchanged(t, func() error {
			again, err := h.desk.Post(t.Context(), h.ann, key, Post{Conversation: v.Conversation.ID, Body: "once"})
			if err == nil && again.Message.ID != first.Message.ID {
				t.Errorf("got message %d", again.Message.ID)
			}
			return err
		})
		key.Request = "other"
		h.refused(t, fault.KeyReused, "Idempotency-Key", func() error {
			_, err := h.desk.Post(t.Context(), h.ann, key, Post{Conversation: v.Conversation.ID, Body: "other"})
			return err
		})
	})
	each(t, "a refused message does not use up its key", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		key := once.Key{Scope: "s", Value: "k", Request: "r"}
		send := func() error {
			_, err := h.desk.Post(t.Context(), h.ann, key, Post{Conversation: v.Conversation.ID, Body: "x"})
			return err
		}
		h.refused(t, fault.ConversationEnded, "", send)
		h.did(t)(h.desk.Reopen(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		if err := send(); err != nil {
			t.Error(err)
		}
	})
}

func TestRead(t *testing.T) {
	each(t, "the mark moves forward only, and unread is what lies beyond", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.write(t, v.Contact.ID, "two")
		h.write(t, v.Contact.ID, "three")
		h.events(t)
		if err := h.desk.Read(t.Context(), h.ann, v.Conversation.ID, 2); err != nil {
			t.Fatal(err)
		}
		e := h.told(t, event.ConversationRead)[0]
		if e.By.Type != event.ByOperator || e.Conversation.OperatorRead != 2 || e.Conversation.Unread != 1 {
			t.Errorf("event: %+v", e)
		}
		m := h.thread(t, v.Conversation.ID)
		if m[1].State != event.StateRead || m[2].State != event.StateSent {
			t.Errorf("states %v and %v", m[1].State, m[2].State)
		}
		h.unchanged(t, func() error { return h.desk.Read(t.Context(), h.ann, v.Conversation.ID, 2) })
		h.unchanged(t, func() error { return h.desk.Read(t.Context(), h.bob, v.Conversation.ID, 1) })
	})
	each(t, "marks beyond the end, of unknown conversations and of readers are refused", func(t *testing.T, h *house) {
		v := h.visitor(t)
		for _, n := range []int{2, 0, -1, 1 << 40} {
			h.refused(t, fault.MessageNumber, "number", func() error { return h.desk.Read(t.Context(), h.ann, v.Conversation.ID, n) })
		}
		h.refused(t, fault.ConversationNotFound, "", func() error { return h.desk.Read(t.Context(), h.ann, 4711, 1) })
		h.refused(t, fault.AuthScope, "", func() error {
			return h.desk.Read(t.Context(), team.Actor{Token: 2, Scope: team.ScopeRead}, v.Conversation.ID, 1)
		})
	})
}

func TestS105_AssigningAndForwardingAreToldWithOldAndNewOwner(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		sales, err := h.team.CreateGroup(t.Context(), team.System(), "Sales", []id.Operator{h.carl.Operator}, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		v := h.visitor(t)
		h.did(t)(h.desk.Assign(t.Context(), h.ann, once.Key{}, v.Conversation.ID, h.bob.Operator))
		e := h.told(t, event.ConversationAssigned)[0]
		if e.OperatorBefore.ID != h.ann.Operator || e.Conversation.Operator.ID != h.bob.Operator || e.GroupBefore.ID != h.group.ID || e.Conversation.Group.ID != h.group.ID {
			t.Errorf("assigned: %+v", e)
		}
		if m := e.Message.Entry; m.Name != entryAssigned || m.Operator.ID != int64(h.bob.Operator) || m.By.ID != int64(h.ann.Operator) || e.Conversation.MessageCount != e.Message.Number {
			t.Errorf("entry: %+v", m)
		}
		if n := len(e.Messages); n != 2 || e.Messages[0].Body != "Hello" || e.Messages[1].Number != e.Message.Number {
			t.Errorf("it carries %d messages", n)
		}
		h.did(t)(h.desk.Forward(t.Context(), h.bob, once.Key{}, v.Conversation.ID, 0, sales.ID, "Carl knows"))
		list := h.told(t, event.ConversationAssigned, event.MessageNoted)
		e = list[0]
		if e.OperatorBefore.ID != h.bob.Operator || e.GroupBefore.ID != h.group.ID || e.Conversation.Group.ID != sales.ID || e.Conversation.Operator != nil {
			t.Errorf("forwarded: %+v", e)
		}
		if m := e.Message.Entry; m.Name != entryForwarded || m.Operator != nil || m.Group.ID != sales.ID {
			t.Errorf("entry: %+v", m)
		}
		if n := list[1].Message; !n.Note || n.Body != "Carl knows" || n.Sender.ID != int64(h.bob.Operator) || n.Number != e.Message.Number+1 {
			t.Errorf("note: %+v", n)
		}
	})
}

func TestAssignAndForward(t *testing.T) {
	each(t, "assigning to nobody leaves the conversation unassigned in its group", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if out := h.did(t)(h.desk.Assign(t.Context(), h.ann, once.Key{}, v.Conversation.ID, 0)); out.Operator != nil || out.Group.ID != h.group.ID {
			t.Errorf("%+v", out)
		}
		if e := h.told(t, event.ConversationAssigned)[0].Message.Entry; e.Operator != nil {
			t.Errorf("entry: %+v", e)
		}
		page, err := h.desk.List(t.Context(), Filter{Unassigned: true, Group: h.group.ID, Limit: 10}, h.ann.Operator)
		if err != nil || len(page.Items) != 1 || page.Counts != (Counts{0, 1, 1, 0}) {
			t.Errorf("%+v, %v", page, err)
		}
	})
	each(t, "assigning to who has it changes nothing", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.unchanged(t, func() error {
			_, err := h.desk.Assign(t.Context(), h.ann, once.Key{}, v.Conversation.ID, h.ann.Operator)
			return err
		})
	})
	each(t, "forwarding to a group never gives it back to who has it", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if out := h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, 0, h.group.ID, "")); out.Operator != nil {
			t.Errorf("Ann has it again: %+v", out.Operator)
		}
		h.online(t, h.bob)
		if out := h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, 0, h.group.ID, "")); out.Operator == nil || out.Operator.ID != h.bob.Operator {
			t.Errorf("Bob is free: %+v", out.Operator)
		}
	})
	each(t, "forwarding to an operator keeps the group and leaves the note", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if out := h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, h.carl.Operator, 0, "yours")); out.Operator.ID != h.carl.Operator || out.Group.ID != h.group.ID {
			t.Errorf("%+v", out)
		}
		h.told(t, event.ConversationAssigned, event.MessageNoted)
		// Nothing changes hands, but the note must not be lost.
		h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, h.carl.Operator, 0, "really"))
		h.told(t, event.MessageNoted)
	})
	each(t, "unknown and deactivated receivers, wrong targets and ended conversations are refused", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c := v.Conversation.ID
		if _, err := h.team.Update(t.Context(), team.System(), h.carl.Operator, team.OperatorChange{Active: new(false)}); err != nil {
			t.Fatal(err)
		}
		assign := func(c id.Conversation, o id.Operator) func() error {
			return func() error { _, err := h.desk.Assign(t.Context(), h.ann, once.Key{}, c, o); return err }
		}
		forward := func(o id.Operator, g id.Group, note string) func() error {
			return func() error { _, err := h.desk.Forward(t.Context(), h.ann, once.Key{}, c, o, g, note); return err }
		}
		h.refused(t, fault.OperatorNotFound, "operator_id", assign(c, 4711))
		h.refused(t, fault.OperatorInactive, "operator_id", assign(c, h.carl.Operator))
		h.refused(t, fault.ConversationNotFound, "", assign(4711, h.bob.Operator))
		h.refused(t, fault.OperatorNotFound, "operator_id", forward(4711, 0, "n"))
		h.refused(t, fault.GroupNotFound, "group_id", forward(0, 4711, "n"))
		h.refused(t, fault.FieldInvalid, "operator_id", forward(0, 0, ""))
		h.refused(t, fault.FieldInvalid, "operator_id", forward(h.bob.Operator, h.group.ID, ""))
		h.refused(t, fault.TextInvalid, "note", forward(h.bob.Operator, 0, "\x00"))
		h.refused(t, fault.MessageEmpty, "note", forward(h.bob.Operator, 0, "  "))
		h.refused(t, fault.AuthScope, "", func() error {
			_, err := h.desk.Assign(t.Context(), team.Actor{Token: 2, Scope: team.ScopeRead}, once.Key{}, c, h.bob.Operator)
			return err
		})
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, c))
		h.refused(t, fault.ConversationEnded, "", assign(c, h.bob.Operator))
		h.refused(t, fault.ConversationEnded, "", forward(0, h.group.ID, "n"))
	})
}

func TestS103_ASessionEndsOnceWithItsCause(t *testing.T) {
	for reason, end := range map[string]func(t *testing.T, h *house, v *ContactPosted){
		event.EndOperator: func(t *testing.T, h *house, v *ContactPosted) {
			h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		},
		event.EndAPI: func(t *testing.T, h *house, v *ContactPosted) {
			h.did(t)(h.desk.End(t.Context(), h.token, once.Key{}, v.Conversation.ID))
		},
		event.EndRule: func(t *testing.T, h *house, v *ContactPosted) {
			h.did(t)(h.desk.End(t.Context(), team.System(), once.Key{}, v.Conversation.ID))
		},
		event.EndContact: func(t *testing.T, h *house, v *ContactPosted) {
			h.did(t)(h.desk.EndByContact(t.Context(), v.Contact.ID, v.Conversation.ID))
		},
		event.EndTimeout: func(t *testing.T, h *house, v *ContactPosted) { h.expire(t) },
	} {
		each(t, "by "+reason, func(t *testing.T, h *house) {
			v := h.visitor(t)
			h.reply(t, h.ann, v.Conversation.ID, "hi")
			if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "note", Note: true}); err != nil {
				t.Fatal(err)
			}
			h.events(t)
			end(t, h, v)
			// S-104: the end of a session alone does not end the conversation.
			want := []event.Type{event.SessionEnded, event.ConversationEnded}
			if reason == event.EndTimeout {
				want = want[:1]
			}
			list := h.told(t, want...)
			e := list[0]
			if e.Session.EndReason != reason || !e.Session.EndedAt.Equal(h.d.Now()) {
				t.Errorf("session: %+v", e.Session)
			}
			var texts []string
			for _, m := range e.Messages {
				text := m.Body
				if m.Entry != nil {
					text = m.Entry.Name + " " + m.Entry.Reason
				}
				texts = append(texts, text)
			}
			entry := map[bool]string{true: "session_ended timeout", false: "ended " + reason}[reason == event.EndTimeout]
			if got := strings.Join(texts, "|"); got != "Hello|hi|"+entry {
				t.Errorf("messages: %s", got)
			}
			h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
			for _, e := range h.events(t) {
				if e.Type == event.SessionEnded {
					t.Error("the session ended twice")
				}
			}
		})
	}
}

func TestS104_AConversationIsEndedByHandAndAPIWithItsHistory(t *testing.T) {
	each(t, "the event tells all sessions and messages", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.expire(t)
		h.write(t, v.Contact.ID, "second session")
		h.reply(t, h.ann, v.Conversation.ID, "hi")
		h.events(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		list := h.told(t, event.SessionEnded, event.ConversationEnded)
		e := list[1]
		if e.StatusBefore != event.StatusOpen || e.Conversation.Status != event.StatusEnded || !e.Conversation.EndedAt.Equal(h.d.Now()) || e.Message.Entry.Name != entryEnded {
			t.Errorf("event: %+v", e)
		}
		if len(e.Sessions) != 2 || e.Sessions[0].EndReason != event.EndTimeout || e.Sessions[1].EndReason != event.EndOperator {
			t.Errorf("sessions: %+v", e.Sessions)
		}
		if len(e.Messages) != 5 || len(list[0].Messages) != 3 {
			t.Errorf("%d messages of the conversation, %d of the session", len(e.Messages), len(list[0].Messages))
		}
	})
	each(t, "after the session timed out only the conversation ends", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.expire(t)
		h.events(t)
		h.did(t)(h.desk.End(t.Context(), h.token, once.Key{}, v.Conversation.ID))
		h.told(t, event.ConversationEnded)
	})
	each(t, "ending an ended conversation changes nothing", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		h.unchanged(t, func() error { _, err := h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID); return err })
		h.unchanged(t, func() error { _, err := h.desk.EndByContact(t.Context(), v.Contact.ID, v.Conversation.ID); return err })
	})
	each(t, "an unknown conversation and a reader are refused", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.refused(t, fault.ConversationNotFound, "", func() error { _, err := h.desk.End(t.Context(), h.ann, once.Key{}, 4711); return err })
		h.refused(t, fault.AuthScope, "", func() error {
			_, err := h.desk.End(t.Context(), team.Actor{Token: 2, Scope: team.ScopeRead}, once.Key{}, v.Conversation.ID)
			return err
		})
	})
	each(t, "the events of a long conversation carry its newest part", func(t *testing.T, h *house) {
		v := h.visitor(t)
		err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			s, err := load(tx, v.Conversation.ID)
			if err != nil {
				return err
			}
			for range 1300 {
				if err := put(tx, s, &event.Message{Type: event.TypeMessage, Sender: event.Party{Type: event.ByContact, ID: int64(v.Contact.ID)}, Body: "short"}); err != nil {
					return err
				}
			}
			messages, err := visibleMessages(tx, s, s.session.ID)
			if err != nil {
				return err
			}
			if len(messages) != maxSnapshotMessages || messages[len(messages)-1].Number != 1301 || messages[0].Number != 1301-maxSnapshotMessages+1 {
				t.Errorf("%d messages, %d to %d", len(messages), messages[0].Number, messages[len(messages)-1].Number)
			}
			for range 30 {
				if err := put(tx, s, &event.Message{Type: event.TypeMessage, Sender: event.Party{Type: event.ByContact, ID: int64(v.Contact.ID)}, Body: strings.Repeat("€", MaxBody)}); err != nil {
					return err
				}
			}
			if messages, err = visibleMessages(tx, s, 0); err != nil {
				return err
			}
			if n := len(messages); n != maxSnapshotBytes/(3*MaxBody) || messages[n-1].Number != 1331 {
				t.Errorf("%d long messages", n)
			}
			return context.Canceled // keep nothing of it
		})
		if err != context.Canceled {
			t.Error(err)
		}
	})
}

func TestS102_UnreadMessagesAtTheEndOfASessionAreTold(t *testing.T) {
	each(t, "a session that times out with an unread message is told as unread", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.expire(t)
		list := h.told(t, event.SessionUnread, event.SessionEnded)
		if e := list[0]; e.Conversation.ID != v.Conversation.ID || e.Conversation.Unread != 1 || len(e.Messages) != 2 || e.Session.EndReason != event.EndTimeout {
			t.Errorf("event: %+v", e)
		}
	})
	each(t, "when all was read nothing is told", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if err := h.desk.Read(t.Context(), h.bob, v.Conversation.ID, 1); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		h.expire(t)
		h.told(t, event.SessionEnded)
	})
	each(t, "a bot's answer is no reading", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.reply(t, h.token, v.Conversation.ID, "we are closed")
		h.events(t)
		h.expire(t)
		h.told(t, event.SessionUnread, event.SessionEnded)
	})
}

func TestReopenAndStatus(t *testing.T) {
	each(t, "a reopened conversation is open, has no session yet, and can be answered", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		h.events(t)
		out := h.did(t)(h.desk.Reopen(t.Context(), h.bob, once.Key{}, v.Conversation.ID))
		e := h.told(t, event.ConversationReopened)[0]
		if out.Status != event.StatusOpen || out.Session.EndedAt.IsZero() || e.StatusBefore != event.StatusEnded || e.Message.Entry.By.ID != int64(h.bob.Operator) {
			t.Errorf("event: %+v", e)
		}
		h.reply(t, h.ann, v.Conversation.ID, "one more thing")
		h.write(t, v.Contact.ID, "yes?")
		h.told(t, event.MessageSent, event.SessionStarted, event.MessageReceived)
	})
	each(t, "what has not ended cannot be reopened", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.refused(t, fault.ConversationNotEnded, "", func() error { _, err := h.desk.Reopen(t.Context(), h.ann, once.Key{}, v.Conversation.ID); return err })
		h.refused(t, fault.ConversationNotFound, "", func() error { _, err := h.desk.Reopen(t.Context(), h.ann, once.Key{}, 4711); return err })
	})
	each(t, "the status goes to pending and back, each told once", func(t *testing.T, h *house) {
		v := h.visitor(t)
		set := func(status string) error {
			_, err := h.desk.SetStatus(t.Context(), h.ann, once.Key{}, v.Conversation.ID, status)
			return err
		}
		for _, status := range []string{event.StatusPending, event.StatusOpen} {
			if err := set(status); err != nil {
				t.Fatal(err)
			}
			if e := h.told(t, event.ConversationStatusChanged)[0]; e.Conversation.Status != status {
				t.Errorf("event: %+v", e)
			}
			h.unchanged(t, func() error { return set(status) })
		}
		for _, status := range []string{event.StatusNew, event.StatusEnded, "", "closed"} {
			h.refused(t, fault.FieldInvalid, "status", func() error { return set(status) })
		}
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		h.refused(t, fault.ConversationStatus, "status", func() error { return set(event.StatusOpen) })
	})
	each(t, "a repeated key changes nothing, whatever happened since", func(t *testing.T, h *house) {
		v := h.visitor(t)
		key := once.Key{Scope: "s", Value: "k", Request: "r"}
		h.did(t)(h.desk.End(t.Context(), h.ann, key, v.Conversation.ID))
		h.did(t)(h.desk.Reopen(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		h.unchanged(t, func() error {
			out, err := h.desk.End(t.Context(), h.ann, key, v.Conversation.ID)
			if err == nil && out.Status != event.StatusOpen {
				t.Errorf("it is %s", out.Status)
			}
			return err
		})
	})
}

func TestExpiry(t *testing.T) {
	each(t, "a session ends exactly when the widget's time is over", func(t *testing.T, h *house) {
		v := h.visitor(t)
		time.Sleep(half - time.Microsecond)
		if n, err := h.desk.ExpireOnce(t.Context()); n != 0 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		h.told(t)
		time.Sleep(time.Microsecond)
		if n, err := h.desk.ExpireOnce(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		h.told(t, event.SessionUnread, event.SessionEnded)
		h.unchanged(t, func() error { _, err := h.desk.ExpireOnce(t.Context()); return err })
		if c := h.get(t, v.Conversation.ID); c.Status != event.StatusNew {
			t.Errorf("the conversation is %s", c.Status)
		}
	})
	each(t, "the entry of a time-out does not lift the conversation in the list", func(t *testing.T, h *house) {
		v := h.visitor(t)
		before := h.get(t, v.Conversation.ID)
		h.expire(t)
		after := h.get(t, v.Conversation.ID)
		if !after.UpdatedAt.Equal(before.UpdatedAt) || after.LastMessage.Number != 1 || after.MessageCount != 2 {
			t.Errorf("after: %+v", after.Conversation)
		}
		if e := h.told(t, event.SessionUnread, event.SessionEnded)[1]; e.Message.Entry.Reason != event.EndTimeout || e.By.Type != event.BySystem {
			t.Errorf("event: %+v", e)
		}
	})
	each(t, "a changed time-out holds from the next message on", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if _, err := h.widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, widget.Change{SessionTimeoutSeconds: new(60)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if n, err := h.desk.ExpireOnce(t.Context()); n != 0 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		h.write(t, v.Contact.ID, "more")
		time.Sleep(time.Minute)
		if n, err := h.desk.ExpireOnce(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	})
	each(t, "the timers end sessions by themselves, all of a crowd", func(t *testing.T, h *house) {
		const crowd = expireBatch + 20
		var all sync.WaitGroup
		for range crowd {
			p := h.post("Hello")
			all.Go(func() { // at once, to share the commits
				if _, err := h.desk.PostFromContact(t.Context(), p); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.desk.RunTimers(ctx, nil) }()
		time.Sleep(half + expireEvery)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		ended := 0
		for _, e := range h.events(t) {
			if e.Type == event.SessionEnded {
				ended++
				if late := e.At.Sub(e.Session.StartedAt); late < half || late > half+expireEvery {
					t.Errorf("a session ended after %v", late)
				}
			}
		}
		if ended != crowd {
			t.Errorf("%d of %d sessions ended", ended, crowd)
		}
	})
}

func TestReleaseGroup(t *testing.T) {
	each(t, "a group with ended conversations can be deleted, one with others cannot", func(t *testing.T, h *house) {
		h.team.OnDeleteGroup(ReleaseGroup)
		sales, err := h.team.CreateGroup(t.Context(), team.System(), "Sales", nil, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		v := h.visitor(t)
		h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, 0, sales.ID, ""))
		h.refused(t, fault.GroupInUse, "", func() error { return h.team.DeleteGroup(t.Context(), team.System(), sales.ID) })
		h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, 0, h.group.ID, ""))
		h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, 0, sales.ID, ""))
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		if err := h.team.DeleteGroup(t.Context(), team.System(), sales.ID); err != nil {
			t.Fatal(err)
		}
		if c := h.get(t, v.Conversation.ID); c.Group != nil {
			t.Errorf("group %+v", c.Group)
		}
		h.write(t, v.Contact.ID, "next") // and a new event of it
		p := h.post("again")
		p.Contact, p.Conversation, p.Reopen = v.Contact.ID, v.Conversation.ID, true
		h.send(t, p)
	})
}

func TestConversationsOfADeactivatedOperatorAreReleased(t *testing.T) {
	each(t, "they become unassigned in their group, ended ones keep their operator", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.Assign(t.Context(), h.ann, once.Key{}, v.Conversation.ID, h.bob.Operator))
		ended := h.visitor(t)
		h.did(t)(h.desk.Assign(t.Context(), h.ann, once.Key{}, ended.Conversation.ID, h.bob.Operator))
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, ended.Conversation.ID))
		h.unchanged(t, func() error { _, err := h.desk.ReleaseInactiveOnce(t.Context()); return err })
		if _, err := h.team.Update(t.Context(), team.System(), h.bob.Operator, team.OperatorChange{Active: new(false)}); err != nil {
			t.Fatal(err)
		}
		before := h.get(t, v.Conversation.ID)
		h.events(t)
		if n, err := h.desk.ReleaseInactiveOnce(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if e := h.told(t, event.ConversationAssigned)[0]; e.OperatorBefore.ID != h.bob.Operator || e.By.Type != event.BySystem || len(e.Messages) != 2 {
			t.Errorf("event: %+v", e)
		}
		after := h.get(t, v.Conversation.ID)
		if after.Operator != nil || after.Status != before.Status || !after.UpdatedAt.Equal(before.UpdatedAt) {
			t.Errorf("it is %+v", after.Conversation)
		}
		if c := h.get(t, ended.Conversation.ID); c.Operator == nil {
			t.Error("an ended conversation lost its operator")
		}
		h.unchanged(t, func() error { _, err := h.desk.ReleaseInactiveOnce(t.Context()); return err })
	})
}
