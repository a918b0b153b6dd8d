package inbox

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

func (h *house) flag(t *testing.T, c id.Conversation) {
	t.Helper()
	if v := h.did(t)(h.desk.Flag(t.Context(), h.ann, once.Key{}, c, true)); !v.Flagged {
		t.Fatal("it is not flagged")
	}
}

func TestS116_AFlagIsSetAndToldAndNobodyElseSeesIt(t *testing.T) {
	each(t, "flagging is an update, without a line in the thread", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.flag(t, v.Conversation.ID)
		e := h.told(t, event.ConversationUpdated)[0]
		if !e.Conversation.Flagged || e.Requested || e.By.ID != int64(h.ann.Operator) || e.Conversation.MessageCount != 1 {
			t.Errorf("event: %+v", e)
		}
		h.unchanged(t, func() error {
			_, err := h.desk.Flag(t.Context(), h.bob, once.Key{}, v.Conversation.ID, true)
			return err
		})
	})
	each(t, "a repeat with its key toggles nothing back", func(t *testing.T, h *house) {
		v := h.visitor(t)
		key := once.Key{Scope: "x", Value: "k"}
		for range 2 {
			if got := h.did(t)(h.desk.ToggleFlag(t.Context(), h.ann, key, v.Conversation.ID)); !got.Flagged {
				t.Error("the flag is gone")
			}
		}
		h.told(t, event.ConversationUpdated)
	})
	each(t, "an unknown conversation and a reader are refused", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.refused(t, fault.ConversationNotFound, "", func() error { _, err := h.desk.Flag(t.Context(), h.ann, once.Key{}, 4711, true); return err })
		h.refused(t, fault.AuthScope, "", func() error {
			_, err := h.desk.Flag(t.Context(), team.Actor{Token: 2, Scope: team.ScopeRead}, once.Key{}, v.Conversation.ID, true)
			return err
		})
	})
}

// Every way in which a status changes uses the flag up and tells the whole conversation, once.
func TestS119_EveryChangeOfTheStatusSendsAFlaggedConversation(t *testing.T) {
	type way struct {
		name    string
		prepare func(t *testing.T, h *house, v *ContactPosted)
		do      func(t *testing.T, h *house, v *ContactPosted) error
		tells   event.Type
		status  string
	}
	end := func(t *testing.T, h *house, v *ContactPosted) {
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
	}
	pend := func(t *testing.T, h *house, v *ContactPosted) {
		h.did(t)(h.desk.SetStatus(t.Context(), h.ann, once.Key{}, v.Conversation.ID, event.StatusPending))
	}
	ways := []way{
		{"ended by an operator", nil, func(t *testing.T, h *house, v *ContactPosted) error {
			_, err := h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID)
			return err
		}, event.ConversationEnded, event.StatusEnded},
		{"ended by the API", nil, func(t *testing.T, h *house, v *ContactPosted) error {
			_, err := h.desk.End(t.Context(), h.token, once.Key{}, v.Conversation.ID)
			return err
		}, event.ConversationEnded, event.StatusEnded},
		{"ended by the contact", nil, func(t *testing.T, h *house, v *ContactPosted) error {
			_, err := h.desk.EndByContact(t.Context(), v.Contact.ID, v.Conversation.ID)
			return err
		}, event.ConversationEnded, event.StatusEnded},
		{"ended in bulk", nil, func(t *testing.T, h *house, v *ContactPosted) error {
			_, err := h.desk.Bulk(t.Context(), h.ann, once.Key{}, Bulk{Action: BulkEnd, Conversations: []id.Conversation{v.Conversation.ID}})
			return err
		}, event.ConversationEnded, event.StatusEnded},
		{"set aside", nil, func(t *testing.T, h *house, v *ContactPosted) error {
			_, err := h.desk.SetStatus(t.Context(), h.bob, once.Key{}, v.Conversation.ID, event.StatusPending)
			return err
		}, event.ConversationStatusChanged, event.StatusPending},
		{"answered for the first time", nil, func(t *testing.T, h *house, v *ContactPosted) error {
			_, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "Hi"})
			return err
		}, event.ConversationStatusChanged, event.StatusOpen},
		{"written to by the contact while set aside", pend, func(t *testing.T, h *house, v *ContactPosted) error {
			h.write(t, v.Contact.ID, "still there?")
			return nil
		}, event.ConversationStatusChanged, event.StatusOpen},
		{"reopened by an operator", end, func(t *testing.T, h *house, v *ContactPosted) error {
			_, err := h.desk.Reopen(t.Context(), h.ann, once.Key{}, v.Conversation.ID)
			return err
		}, event.ConversationReopened, event.StatusOpen},
		{"reopened by the contact", end, func(t *testing.T, h *house, v *ContactPosted) error {
			p := h.post("again")
			p.Contact, p.Conversation, p.Reopen = v.Contact.ID, v.Conversation.ID, true
			h.send(t, p)
			return nil
		}, event.ConversationReopened, event.StatusOpen},
	}
	for _, w := range ways {
		each(t, w.name, func(t *testing.T, h *house) {
			v := h.visitor(t)
			note := Post{Conversation: v.Conversation.ID, Body: "a note", Note: true}
			if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, note); err != nil {
				t.Fatal(err)
			}
			if w.prepare != nil {
				w.prepare(t, h, v)
			}
			h.flag(t, v.Conversation.ID)
			// What changes no status sends nothing.
			if v := h.get(t, v.Conversation.ID); v.Status != event.StatusEnded {
				h.did(t)(h.desk.Assign(t.Context(), h.ann, once.Key{}, v.ID, h.bob.Operator))
			}
			h.did(t)(h.desk.SetTopic(t.Context(), h.ann, once.Key{}, v.Conversation.ID, "t"))
			for _, e := range h.events(t) {
				if e.Requested {
					t.Fatalf("%s is requested", e.Type)
				}
			}
			if err := w.do(t, h, v); err != nil {
				t.Fatal(err)
			}
			var requested []*event.Event
			for _, e := range h.events(t) {
				if e.Requested {
					requested = append(requested, e)
				}
			}
			if len(requested) != 1 {
				t.Fatalf("%d events are requested", len(requested))
			}
			e := requested[0]
			if e.Type != w.tells || e.Conversation.Status != w.status || e.Conversation.Flagged || e.StatusBefore == w.status {
				t.Errorf("event: %+v", e)
			}
			if len(e.Sessions) == 0 || len(e.Messages) == 0 || e.Messages[0].Body != "Hello" || !slices.Equal(e.Sessions[0].Notes, []string{"a note"}) {
				t.Errorf("it carries the sessions %+v and %d messages", e.Sessions, len(e.Messages))
			}
			if now := h.get(t, v.Conversation.ID); len(e.Sessions) != now.Session.Number || e.Conversation.MessageCount != now.MessageCount {
				t.Errorf("it does not have what changed the status: %d sessions and %d messages", len(e.Sessions), e.Conversation.MessageCount)
			}
			if h.get(t, v.Conversation.ID).Flagged {
				t.Error("the flag is not used up")
			}
		})
	}
	each(t, "nobody is left who takes it", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.flag(t, v.Conversation.ID)
		h.events(t)
		h.noAddon, h.stays = true, true
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		for _, e := range h.events(t) {
			if e.Requested || e.Type == event.ConversationEnded && !e.Conversation.Flagged {
				t.Errorf("%s: requested %v, flagged %v", e.Type, e.Requested, e.Conversation.Flagged)
			}
		}
		if !h.get(t, v.Conversation.ID).Flagged {
			t.Fatal("the flag is gone, and nobody was told anything")
		}
		h.noAddon = false
		h.did(t)(h.desk.Reopen(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		if list := h.events(t); len(list) != 1 || !list[0].Requested || h.get(t, v.Conversation.ID).Flagged {
			t.Errorf("reopened: %+v", list)
		}
	})
	each(t, "a session that times out changes no status", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.flag(t, v.Conversation.ID)
		h.expire(t)
		for _, e := range h.events(t) {
			if e.Requested {
				t.Errorf("%s is requested", e.Type)
			}
		}
		if !h.get(t, v.Conversation.ID).Flagged {
			t.Error("the flag is gone")
		}
	})
}

func TestS120_AFlagIsTakenBackAndThenNothingIsSent(t *testing.T) {
	each(t, "by switching it off, and by the second toggle", func(t *testing.T, h *house) {
		for _, back := range []func(id.Conversation) (*View, error){
			func(c id.Conversation) (*View, error) { return h.desk.Flag(t.Context(), h.bob, once.Key{}, c, false) },
			func(c id.Conversation) (*View, error) { return h.desk.ToggleFlag(t.Context(), h.bob, once.Key{}, c) },
		} {
			v := h.visitor(t)
			h.flag(t, v.Conversation.ID)
			if got := h.did(t)(back(v.Conversation.ID)); got.Flagged {
				t.Error("still flagged")
			}
			h.told(t, event.ConversationUpdated, event.ConversationUpdated)
			h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
			for _, e := range h.events(t) {
				if e.Requested {
					t.Errorf("%s is requested", e.Type)
				}
			}
		}
	})
}

func TestS121_WithoutAnAddonNothingIsFlagged(t *testing.T) {
	each(t, "the refusal says what is missing, and taking back always works", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.flag(t, v.Conversation.ID)
		h.noAddon = true
		h.did(t)(h.desk.Flag(t.Context(), h.ann, once.Key{}, v.Conversation.ID, false))
		for _, do := range []func() error{
			func() error {
				_, err := h.desk.Flag(t.Context(), h.ann, once.Key{}, v.Conversation.ID, true)
				return err
			},
			func() error {
				_, err := h.desk.ToggleFlag(t.Context(), h.ann, once.Key{}, v.Conversation.ID)
				return err
			},
		} {
			h.refused(t, fault.AddonMissing, "", do)
			if err := do(); !strings.Contains(fault.As(err).Detail, "Add-ons > API") {
				t.Errorf("it does not say where to set it up: %v", err)
			}
		}
		list, err := h.desk.Bulk(t.Context(), h.ann, once.Key{}, Bulk{Action: BulkSend, Conversations: []id.Conversation{v.Conversation.ID}})
		if err != nil || len(list) != 1 || list[0].Changed || list[0].Err == nil || list[0].Err.Code != fault.AddonMissing {
			t.Errorf("in bulk: %+v, %v", list, err)
		}
	})
}

func TestS118_ABulkActionFlagsManyAndSaysWhatBecameOfEach(t *testing.T) {
	each(t, "fifty are flagged, one by one; what cannot be done is said", func(t *testing.T, h *house) {
		var ids []id.Conversation
		for i := range 50 {
			v := h.visitor(t)
			ids = append(ids, v.Conversation.ID)
			if i == 7 {
				h.flag(t, v.Conversation.ID)
			}
		}
		h.events(t)
		ids = append(ids, 4711, ids[0])
		b := Bulk{Action: BulkSend, Conversations: ids}
		key := once.Key{Scope: "bulk", Value: "k"}
		list, err := h.desk.Bulk(t.Context(), h.ann, key, b)
		if err != nil || len(list) != 51 {
			t.Fatalf("%d results, %v", len(list), err)
		}
		for i, r := range list[:50] {
			if r.Conversation != ids[i] || r.Err != nil || r.Changed != (i != 7) || !h.get(t, ids[i]).Flagged {
				t.Errorf("result %d: %+v", i, r)
			}
		}
		if r := list[50]; r.Conversation != 4711 || r.Changed || r.Err == nil || r.Err.Code != fault.ConversationNotFound {
			t.Errorf("the unknown one: %+v", r)
		}
		if n := len(h.events(t)); n != 49 {
			t.Errorf("%d events", n)
		}
		// The repeat gets the same answers, even where somebody has changed things since.
		h.did(t)(h.desk.Flag(t.Context(), h.ann, once.Key{}, ids[0], false))
		h.unchanged(t, func() error {
			again, err := h.desk.Bulk(t.Context(), h.ann, key, b)
			if !slices.EqualFunc(list, again, func(a, b BulkResult) bool { return a.Conversation == b.Conversation && a.Changed == b.Changed }) {
				t.Errorf("the repeat says %+v", again)
			}
			return err
		})
	})
	each(t, "all actions", func(t *testing.T, h *house) {
		v, w := h.visitor(t), h.visitor(t)
		ids := []id.Conversation{v.Conversation.ID, w.Conversation.ID}
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, ids[1]))
		for _, step := range []struct {
			b    Bulk
			want string // of each: changed, same, or a code
		}{
			{Bulk{Action: BulkAssign, Operator: h.bob.Operator}, "changed conversation.ended"},
			{Bulk{Action: BulkForward, Group: h.group.ID}, "changed conversation.ended"},
			{Bulk{Action: BulkForward, Operator: 4711}, "operator.not_found operator.not_found"},
			{Bulk{Action: BulkTag, Tags: []string{"x", "y"}}, "changed changed"},
			{Bulk{Action: BulkTag, Tags: []string{"X"}}, "same same"},
			{Bulk{Action: BulkUntag, Tags: []string{"Y"}}, "changed changed"},
			{Bulk{Action: BulkReopen}, "same changed"},
			{Bulk{Action: BulkSend}, "changed changed"},
			{Bulk{Action: BulkUnsend}, "changed changed"},
			{Bulk{Action: BulkEnd}, "changed changed"},
			{Bulk{Action: BulkEnd}, "same same"},
		} {
			step.b.Conversations = ids
			list, err := h.desk.Bulk(t.Context(), h.ann, once.Key{}, step.b)
			if err != nil {
				t.Fatalf("%s: %v", step.b.Action, err)
			}
			var got []string
			for _, r := range list {
				word := map[bool]string{true: "changed", false: "same"}[r.Changed]
				if r.Err != nil {
					word = string(r.Err.Code)
				}
				got = append(got, word)
			}
			if strings.Join(got, " ") != step.want {
				t.Errorf("%s: %q, want %q", step.b.Action, got, step.want)
			}
		}
		if got := h.get(t, ids[0]).Tags; !slices.Equal(got, []string{"x"}) {
			t.Errorf("tags %q", got)
		}
	})
	each(t, "what makes no sense is refused as a whole", func(t *testing.T, h *house) {
		c := h.visitor(t).Conversation.ID
		do := func(b Bulk) func() error {
			return func() error { _, err := h.desk.Bulk(t.Context(), h.ann, once.Key{}, b); return err }
		}
		h.refused(t, fault.FieldInvalid, "action", do(Bulk{Action: "dance", Conversations: []id.Conversation{c}}))
		h.refused(t, fault.FieldInvalid, "conversation_ids", do(Bulk{Action: BulkEnd}))
		h.refused(t, fault.FieldInvalid, "conversation_ids", do(Bulk{Action: BulkEnd, Conversations: make([]id.Conversation, MaxBulk+1)}))
		h.refused(t, fault.FieldInvalid, "operator_id", do(Bulk{Action: BulkForward, Conversations: []id.Conversation{c}}))
		h.refused(t, fault.FieldRequired, "tags", do(Bulk{Action: BulkTag, Conversations: []id.Conversation{c}}))
		h.refused(t, fault.AuthScope, "", func() error {
			_, err := h.desk.Bulk(t.Context(), team.Actor{Token: 2, Scope: team.ScopeRead}, once.Key{}, Bulk{Action: BulkEnd, Conversations: []id.Conversation{c}})
			return err
		})
	})
}

func TestTagsAndTopic(t *testing.T) {
	each(t, "tags are trimmed, sorted and without doubles, and their rows are equal", func(t *testing.T, h *house) {
		c := h.visitor(t).Conversation.ID
		v := h.did(t)(h.desk.SetTags(t.Context(), h.ann, once.Key{}, c, []string{" vip", "Ärger", "VIP", "ärger", "a b "}))
		if !slices.Equal(v.Tags, []string{"a b", "vip", "Ärger"}) {
			t.Errorf("tags %q", v.Tags)
		}
		e := h.told(t, event.ConversationUpdated)[0]
		if !slices.Equal(e.Conversation.Tags, v.Tags) || e.Messages != nil {
			t.Errorf("event: %+v", e)
		}
		h.check(t)
		h.unchanged(t, func() error {
			_, err := h.desk.SetTags(t.Context(), h.ann, once.Key{}, c, []string{"Ärger", "vip", "a b"})
			return err
		})
		v = h.did(t)(h.desk.ChangeTags(t.Context(), h.ann, once.Key{}, c, []string{"new", "VIP"}, []string{"A B", "none"}))
		if !slices.Equal(v.Tags, []string{"new", "vip", "Ärger"}) {
			t.Errorf("tags %q", v.Tags)
		}
		if v = h.did(t)(h.desk.SetTags(t.Context(), h.ann, once.Key{}, c, nil)); len(v.Tags) != 0 {
			t.Errorf("tags %q", v.Tags)
		}
	})
	each(t, "tags and topics that do not fit are refused", func(t *testing.T, h *house) {
		c := h.visitor(t).Conversation.ID
		many := make([]string, MaxTags+1)
		for i := range many {
			many[i] = fmt.Sprint("t", i)
		}
		set := func(tags ...string) func() error {
			return func() error { _, err := h.desk.SetTags(t.Context(), h.ann, once.Key{}, c, tags); return err }
		}
		h.refused(t, fault.FieldInvalid, "tags", set(many...))
		h.refused(t, fault.FieldInvalid, "tags", set("a", " "))
		h.refused(t, fault.TextTooLong, "tags", set(strings.Repeat("ä", MaxTag+1)))
		h.refused(t, fault.TextInvalid, "tags", set("two\nlines"))
		h.refused(t, fault.TextInvalid, "tags", set("\xff"))
		h.refused(t, fault.TextTooLong, "topic", func() error {
			_, err := h.desk.SetTopic(t.Context(), h.ann, once.Key{}, c, strings.Repeat("ä", MaxTopic+1))
			return err
		})
		h.refused(t, fault.TextInvalid, "topic", func() error { _, err := h.desk.SetTopic(t.Context(), h.ann, once.Key{}, c, "a\x00b"); return err })
		h.did(t)(h.desk.SetTags(t.Context(), h.ann, once.Key{}, c, many[:MaxTags]))
		h.refused(t, fault.FieldInvalid, "tags", func() error {
			_, err := h.desk.ChangeTags(t.Context(), h.ann, once.Key{}, c, []string{"one more"}, nil)
			return err
		})
	})
	each(t, "a topic is set, kept and taken away", func(t *testing.T, h *house) {
		c := h.visitor(t).Conversation.ID
		if v := h.did(t)(h.desk.SetTopic(t.Context(), h.ann, once.Key{}, c, " Return of a lamp ")); v.Topic != "Return of a lamp" {
			t.Errorf("topic %q", v.Topic)
		}
		h.unchanged(t, func() error {
			_, err := h.desk.SetTopic(t.Context(), h.ann, once.Key{}, c, "Return of a lamp")
			return err
		})
		h.did(t)(h.desk.SetTopic(t.Context(), h.ann, once.Key{}, c, ""))
		h.told(t, event.ConversationUpdated, event.ConversationUpdated)
	})
	each(t, "what a contact's free fields say comes with the conversation", func(t *testing.T, h *house) {
		v := h.visitor(t)
		var ch contact.Change
		ch.Additional[1] = &event.Additional{Name: "Plan", Value: "gold"}
		if _, err := h.contacts.Update(t.Context(), h.ann, once.Key{}, v.Contact.ID, ch); err != nil {
			t.Fatal(err)
		}
		if got := h.get(t, v.Conversation.ID).Contact.Additional; len(got) != 2 || got[1] != *ch.Additional[1] {
			t.Errorf("additional %+v", got)
		}
	})
}

func TestNotesAreToldWithWhatIsToldOfASession(t *testing.T) {
	each(t, "in the order in which they were written, of their session", func(t *testing.T, h *house) {
		v := h.visitor(t)
		note := func(body string) {
			if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: body, Note: true}); err != nil {
				t.Fatal(err)
			}
		}
		note("one")
		note("two")
		h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, h.bob.Operator, 0, "three"))
		h.write(t, v.Contact.ID, "anybody?")
		list := h.events(t)
		for _, e := range list {
			if want := map[bool][]string{true: {"one", "two"}}[e.Type == event.ConversationAssigned]; !slices.Equal(e.Notes, want) {
				t.Errorf("%s has the notes %q", e.Type, e.Notes)
			}
			if (e.Messages != nil) != (e.Type == event.ConversationAssigned) {
				t.Errorf("%s has %d messages", e.Type, len(e.Messages))
			}
		}
		h.expire(t)
		for _, e := range h.told(t, event.SessionUnread, event.SessionEnded) {
			if !slices.Equal(e.Notes, []string{"one", "two", "three"}) || len(e.Messages) == 0 {
				t.Errorf("%s has the notes %q", e.Type, e.Notes)
			}
		}
		h.write(t, v.Contact.ID, "next session")
		note("four")
		h.events(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		ended := h.told(t, event.SessionEnded, event.ConversationEnded)
		if !slices.Equal(ended[0].Notes, []string{"four"}) || !slices.Equal(ended[1].Notes, []string{"four"}) {
			t.Errorf("notes %q and %q", ended[0].Notes, ended[1].Notes)
		}
		if list := ended[1].Sessions; len(list) != 2 || !slices.Equal(list[0].Notes, []string{"one", "two", "three"}) || !slices.Equal(list[1].Notes, []string{"four"}) {
			t.Errorf("sessions with their notes: %+v", list)
		}
	})
	each(t, "without notes nobody asks for them", func(t *testing.T, h *house) {
		v := h.visitor(t)
		asked := 0
		h.d.Trace(func(text string, _ []any) {
			if strings.Contains(text, "SELECT m.body FROM messages") {
				asked++
			}
		})
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		h.d.Trace(nil)
		if asked != 0 {
			t.Errorf("%d queries", asked)
		}
	})
	each(t, "very many are cut to the newest", func(t *testing.T, h *house) {
		v := h.visitor(t)
		for i := range 6 {
			if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: fmt.Sprint(i, strings.Repeat("€", MaxBody-1)), Note: true}); err != nil {
				t.Fatal(err)
			}
		}
		h.events(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		for _, e := range h.events(t) {
			if n := len(e.Notes); n != maxNotesBytes/(3*MaxBody) || e.Notes[n-1][0] != '5' {
				t.Errorf("%s has %d notes", e.Type, n)
			}
		}
	})
}

func FuzzTags(f *testing.F) {
	for _, s := range []string{"a,b", "VIP,vip", " x , y", "ſ,s,S", "\xff", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tags, err := normalTags(strings.Split(s, ","))
		if err != nil {
			if f := fault.As(err); f.Field != "tags" || f.Code == fault.InternalError {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(tags) > MaxTags {
			t.Fatalf("%d tags", len(tags))
		}
		again, err := normalTags(tags)
		if err != nil || !slices.Equal(again, tags) {
			t.Fatalf("%q becomes %q, %v", tags, again, err)
		}
		for i, a := range tags {
			for _, b := range tags[:i] {
				if strings.EqualFold(a, b) {
					t.Fatalf("%q and %q are the same", a, b)
				}
			}
		}
		if got := splitTags(strings.Join(tags, "\n")); !slices.Equal(got, tags) && len(tags) > 0 {
			t.Fatalf("%q is stored as %q", tags, got)
		}
	})
}

// Adding and removing give what a set with folded letters would hold.
func TestChangingTagsIsChangingASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "A", "b", "B", "ß", "ẞ", "c"}), 0, 4)
		now, err := normalTags(word.Draw(t, "now"))
		if err != nil {
			t.Fatal(err)
		}
		add, remove := word.Draw(t, "add"), word.Draw(t, "remove")
		do, err := retagging(team.Actor{}, add, remove)
		if err != nil {
			t.Fatal(err)
		}
		s := &state{Conversation: event.Conversation{Tags: now}}
		want := map[string]bool{}
		for _, x := range now {
			want[caseless(x)] = true
		}
		for _, x := range remove {
			delete(want, caseless(x))
		}
		for _, x := range add {
			want[caseless(x)] = true
		}
		if _, err := do(new(db.Tx), s); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, x := range s.Tags {
			got[caseless(x)] = true
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(s.Tags) {
			t.Fatalf("%q, want %v", s.Tags, want)
		}
	})
}

// What an installation has from before sessions counted their notes is counted by the migration.
func TestOlderNotesAreCountedOnce(t *testing.T) {
	each(t, "as many as there are", func(t *testing.T, h *house) {
		raw, err := os.ReadFile("../db/migrations/0008_api_addon.sql")
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(string(raw), "\nUPDATE sessions")
		text, _, _ = strings.Cut(text, ";")
		v := h.visitor(t)
		for range 3 {
			if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "note", Note: true}); err != nil {
				t.Fatal(err)
			}
		}
		h.visitor(t)
		err = h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			if _, err := tx.Exec("UPDATE sessions SET notes = 0"); err != nil {
				return err
			}
			n, err := tx.Exec("UPDATE sessions" + text)
			if n != 1 {
				t.Errorf("%d sessions were counted", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h.events(t) // h.check holds the counts against the rows
	})
}
