package inbox

import (
	"context"
	"strings"
	"testing"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/team"
)

func (h *house) note(t *testing.T, by team.Actor, c id.Conversation, body string) *event.Message {
	t.Helper()
	out, err := h.desk.Post(t.Context(), by, once.Key{}, Post{Conversation: c, Body: body, Note: true})
	if err != nil {
		t.Fatal(err)
	}
	return out.Message
}

// altered takes the answer of an edit or deletion that must succeed.
func (h *house) altered(t *testing.T) func(*Posted, error) *event.Message {
	return func(p *Posted, err error) *event.Message {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		h.same(t, p.Conversation)
		return p.Message
	}
}

func TestEditAndDelete(t *testing.T) {
	admin := team.Actor{Operator: 1 << 30, Name: "Admin", Scope: team.ScopeAdmin}
	each(t, "an edit replaces the text, tells of it and leaves the conversation where it is in the list", func(t *testing.T, h *house) {
		v := h.visitor(t)
		m := h.reply(t, h.ann, v.Conversation.ID, "Helo").Message
		before := h.get(t, v.Conversation.ID)
		h.events(t)
		got := h.altered(t)(h.desk.EditMessage(t.Context(), h.ann, once.Key{}, v.Conversation.ID, m.ID, "Hello"))
		e := h.told(t, event.MessageUpdated)[0]
		after := h.get(t, v.Conversation.ID)
		if got.Body != "Hello" || got.EditedAt.IsZero() || e.Changed != event.ChangedText || e.Message.Body != "Hello" || e.By.ID != int64(h.ann.Operator) {
			t.Errorf("message %+v, event %+v", got, e)
		}
		if after.LastMessage.Body != "Hello" || !after.UpdatedAt.Equal(before.UpdatedAt) || after.MessageCount != before.MessageCount {
			t.Errorf("conversation %+v", after.Conversation)
		}
		h.unchanged(t, func() error {
			_, err := h.desk.EditMessage(t.Context(), h.ann, once.Key{}, v.Conversation.ID, m.ID, "Hello")
			return err
		})
	})
	each(t, "an edit of an older message leaves the list's line alone, and an ended conversation can be edited", func(t *testing.T, h *house) {
		v := h.visitor(t)
		m := h.reply(t, h.ann, v.Conversation.ID, "one").Message
		h.reply(t, h.ann, v.Conversation.ID, "two")
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		h.altered(t)(h.desk.EditMessage(t.Context(), h.ann, once.Key{}, v.Conversation.ID, m.ID, "1"))
		if got := h.get(t, v.Conversation.ID); got.LastMessage.Body != "two" || got.Status != event.StatusEnded {
			t.Errorf("line %+v", got.LastMessage)
		}
	})
	each(t, "a deleted message keeps its place and nothing else, and is deleted once", func(t *testing.T, h *house) {
		v := h.visitor(t)
		m := h.reply(t, h.ann, v.Conversation.ID, "oops https://shop.example/").Message
		h.events(t)
		key := once.Key{Scope: "operator:1", Value: "k"}
		first := h.altered(t)(h.desk.DeleteMessage(t.Context(), h.ann, key, v.Conversation.ID, m.ID))
		if e := h.told(t, event.MessageDeleted)[0]; e.Message.Body != "" || e.Message.DeletedAt.IsZero() || e.Message.Number != 2 {
			t.Errorf("told %+v", e.Message)
		}
		for _, key := range []once.Key{key, {}} {
			h.unchanged(t, func() error {
				again, err := h.desk.DeleteMessage(t.Context(), h.ann, key, v.Conversation.ID, m.ID)
				if err == nil && (!again.Message.DeletedAt.Equal(first.DeletedAt) || again.Message.State != first.State) {
					t.Errorf("again: %+v, first %+v", again.Message, first)
				}
				return err
			})
		}
		if own := h.own(t, v.Contact.ID, v.Conversation.ID); own.MessageCount != 2 || own.UnreadByContact != 0 || own.Visible.DeletedAt.IsZero() {
			t.Errorf("the contact sees %+v", own)
		}
		if got := h.get(t, v.Conversation.ID).LastMessage; got.Number != 1 || got.Body != "Hello" {
			t.Errorf("the list's line is %+v", got)
		}
		h.refused(t, fault.MessageDeleted, "", func() error {
			_, err := h.desk.EditMessage(t.Context(), h.ann, once.Key{}, v.Conversation.ID, m.ID, "back")
			return err
		})
	})
	each(t, "a deleted note is not told at the end of its session", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.note(t, h.ann, v.Conversation.ID, "stays")
		n := h.note(t, h.ann, v.Conversation.ID, "goes")
		h.altered(t)(h.desk.DeleteMessage(t.Context(), h.ann, once.Key{}, v.Conversation.ID, n.ID))
		h.events(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		for _, e := range h.events(t) {
			if len(e.Notes) != 1 || e.Notes[0] != "stays" {
				t.Errorf("%s tells the notes %q", e.Type, e.Notes)
			}
		}
	})
	each(t, "everybody changes what they wrote themselves, an admin what anybody of us wrote, nobody what the contact wrote", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c := v.Conversation.ID
		mine, note, bots := h.reply(t, h.ann, c, "Ann's").Message.ID, h.note(t, h.ann, c, "Ann's note").ID, h.reply(t, h.token, c, "a robot's").Message.ID
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, c))
		contacts, entry := v.Message.ID, h.thread(t, c)[4].ID
		other := team.Actor{Token: 2, Name: h.token.Name, Scope: team.ScopeWrite} // anybody may call a token so
		robot := team.Actor{Token: 3, Name: "a robot", Scope: team.ScopeAdmin}
		for _, row := range []struct {
			name    string
			by      team.Actor
			message id.Message
			want    fault.Code
		}{
			{"her own", h.ann, mine, ""}, {"her own note", h.ann, note, ""}, {"an admin hers", admin, mine, ""}, {"an admin her note", admin, note, ""},
			{"a robot its own", robot, bots, ""}, {"a robot without the admin scope", h.token, bots, fault.MessageNotYours}, {"an admin the robot's", admin, bots, ""},
			{"a colleague's", h.bob, mine, fault.MessageNotYours}, {"a colleague's note", h.bob, note, fault.MessageNotYours}, {"the robot's", h.ann, bots, fault.MessageNotYours},
			{"another robot's", other, bots, fault.MessageNotYours}, {"a robot an operator's", h.token, mine, fault.MessageNotYours},
			{"the contact's", admin, contacts, fault.MessageNotYours}, {"a thread entry", admin, entry, fault.MessageNotYours},
			{"none", admin, 4711, fault.MessageNotFound}, {"with a token that reads", team.Actor{Token: 1, Scope: team.ScopeRead}, mine, fault.AuthScope},
		} {
			for what, do := range map[string]func() error{
				"edit": func() error {
					_, err := h.desk.EditMessage(t.Context(), row.by, once.Key{}, c, row.message, "by "+row.name)
					return err
				},
				"delete": func() error {
					_, err := h.desk.DeleteMessage(t.Context(), row.by, once.Key{}, c, row.message)
					return err
				},
			} {
				if row.want != "" {
					h.refused(t, row.want, "", do)
				} else if err := do(); what == "edit" && err != nil && !fault.Is(err, fault.MessageDeleted) || what == "delete" && err != nil {
					t.Errorf("%s %s: %v", what, row.name, err)
				}
			}
		}
		h.refused(t, fault.ConversationNotFound, "", func() error {
			_, err := h.desk.DeleteMessage(t.Context(), h.ann, once.Key{}, 4711, mine)
			return err
		})
	})
	each(t, "a text must stay one", func(t *testing.T, h *house) {
		v := h.visitor(t)
		m := h.reply(t, h.ann, v.Conversation.ID, "Hi").Message
		for body, code := range map[string]fault.Code{" ": fault.MessageEmpty, "a\x00": fault.TextInvalid, strings.Repeat("x", MaxBody+1): fault.MessageTooLong} {
			h.refused(t, code, "body", func() error {
				_, err := h.desk.EditMessage(t.Context(), h.ann, once.Key{}, v.Conversation.ID, m.ID, body)
				return err
			})
		}
	})
	each(t, "the search finds what a message says now", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c := v.Conversation.ID
		early, gone := h.reply(t, h.ann, c, "the old wording").Message, h.reply(t, h.ann, c, "a confidential word").Message
		h.index(t)
		late, lateGone := h.reply(t, h.ann, c, "not indexed yet").Message, h.reply(t, h.ann, c, "never to be indexed").Message
		h.altered(t)(h.desk.EditMessage(t.Context(), h.ann, once.Key{}, c, early.ID, "the new phrasing"))
		h.altered(t)(h.desk.EditMessage(t.Context(), h.ann, once.Key{}, c, late.ID, "changed before its turn"))
		h.altered(t)(h.desk.DeleteMessage(t.Context(), h.ann, once.Key{}, c, gone.ID))
		h.altered(t)(h.desk.DeleteMessage(t.Context(), h.ann, once.Key{}, c, lateGone.ID))
		if got := h.found(t, "phrasing"); len(got) != 1 {
			t.Error("an edited message has to be found at once")
		}
		if got := h.found(t, "confidential"); len(got) != 0 {
			t.Error("a deleted message has to be gone at once")
		}
		h.index(t)
		for q, n := range map[string]int{"phrasing": 1, "wording": 0, "confidential": 0, "before its turn": 1, "not yet": 0, "never": 0} {
			if got := h.search(t, q); len(got) != n {
				t.Errorf("%q finds %v", q, got)
			}
		}
	})
	each(t, "who is indexing a message while it is edited reads it again", func(t *testing.T, h *house) {
		v := h.visitor(t)
		m := h.reply(t, h.ann, v.Conversation.ID, "the old wording").Message
		var before progress
		err := h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) (err error) {
			before, err = searchProgress(tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h.altered(t)(h.desk.EditMessage(t.Context(), h.ann, once.Key{}, v.Conversation.ID, m.ID, "the new phrasing"))
		err = h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			now, err := searchProgress(tx)
			if now == before {
				t.Error("the progress is what the indexer has seen: it would store what it has read")
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestMessagesWithFiles(t *testing.T) {
	each(t, "an operator sends a file with or without words, and it is everywhere where messages are", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c := v.Conversation.ID
		out, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Media: h.byOperator(t, h.ann, "invoice.txt")})
		if err != nil {
			t.Fatal(err)
		}
		h.same(t, out.Conversation)
		m := out.Message
		if m.Type != event.TypeMedia || m.Body != "" || m.Media == nil || m.Media.Name != "invoice.txt" || m.Media.State != event.MediaStored || m.State != event.StateSent {
			t.Fatalf("message %+v, file %+v", m, m.Media)
		}
		var told *event.Message
		for _, e := range h.events(t) {
			if e.Type == event.MessageSent {
				told = e.Message
			}
		}
		if told == nil || told.Media == nil || told.Media.Key != m.Media.Key {
			t.Errorf("told %+v", told)
		}
		if got := h.get(t, c).LastMessage; got.Body != "invoice.txt" || got.Type != event.TypeMedia {
			t.Errorf("the list's line is %+v", got)
		}
		own := h.own(t, v.Contact.ID, c)
		if own.UnreadByContact != 1 || own.Visible.Media == nil || h.thread(t, c)[1].Media == nil {
			t.Errorf("the contact sees %+v", own)
		}
		if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Body: "with words", Media: h.byOperator(t, h.ann, "terms.txt")}); err != nil {
			t.Fatal(err)
		}
		if got := h.get(t, c).LastMessage; got.Body != "with words" {
			t.Errorf("the list's line is %+v", got)
		}
		h.events(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, c))
		for _, e := range h.events(t) {
			if n := len(e.Messages); n < 3 || e.Messages[1].Media == nil || e.Messages[2].Body != "with words" {
				t.Errorf("%s tells %d messages", e.Type, n)
			}
		}
		h.index(t)
		for _, q := range []string{"invoice", "terms.txt", "with words"} {
			if got := h.search(t, q); len(got) != 1 {
				t.Errorf("%q finds %v", q, got)
			}
		}
	})
	each(t, "a contact's file counts as a message: it is unread, keeps the session open and is sent once", func(t *testing.T, h *house) {
		p := h.post("")
		p.Media = h.upload(t, media.Owner{Kind: media.OwnedByWidget, ID: int64(h.widget.ID)}, "photo.txt")
		out := h.send(t, p)
		if out.Message.Type != event.TypeMedia || out.Message.Media == nil || out.Conversation.Unread != 1 {
			t.Errorf("message %+v of %+v", out.Message, out.Conversation.Conversation)
		}
		if again := h.send(t, p); !again.Duplicate || again.Message.ID != out.Message.ID || again.Message.Media == nil {
			t.Errorf("the repeat gave %+v", again.Message)
		}
		other := p
		other.Media = h.upload(t, media.Owner{Kind: media.OwnedByWidget, ID: int64(h.widget.ID)}, "other.txt")
		h.refused(t, fault.KeyReused, "Idempotency-Key", func() error { _, err := h.desk.PostFromContact(t.Context(), other); return err })
		next := h.post("and one that was uploaded with a token")
		next.Contact, next.Media = out.Contact.ID, h.upload(t, media.Owner{Kind: media.OwnedByContact, ID: int64(out.Contact.ID)}, "second.txt")
		if got := h.send(t, next); got.Conversation.Unread != 2 {
			t.Errorf("%d unread", got.Conversation.Unread)
		}
		if err := h.desk.Read(t.Context(), h.ann, out.Conversation.ID, 1); err != nil {
			t.Fatal(err)
		}
		if got := h.get(t, out.Conversation.ID).Unread; got != 1 {
			t.Errorf("%d unread after reading the first", got)
		}
	})
	each(t, "nobody sends what another brought in, what was sent before, or what is not there", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c := v.Conversation.ID
		bobs, sent := h.byOperator(t, h.bob, "bob.txt"), h.byOperator(t, h.ann, "once.txt")
		if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Media: sent}); err != nil {
			t.Fatal(err)
		}
		visitors := h.upload(t, media.Owner{Kind: media.OwnedByContact, ID: int64(v.Contact.ID)}, "visitor.txt")
		for name, key := range map[string]string{"a colleague's": bobs, "a sent one": sent, "a visitor's": visitors, "none": "nothing"} {
			h.refused(t, fault.MediaNotFound, "media", func() error {
				_, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Body: name, Media: key})
				return err
			})
		}
		for _, key := range []string{bobs, sent, h.upload(t, media.Owner{Kind: media.OwnedByContact, ID: 4711}, "foreign.txt"), h.upload(t, media.Owner{Kind: media.OwnedByWidget, ID: 4711}, "elsewhere.txt")} {
			p := h.post("mine now")
			p.Contact, p.Media = v.Contact.ID, key
			h.refused(t, fault.MediaNotFound, "media", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
		}
	})
	each(t, "a caption can go, a deleted message's file goes with it", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c := v.Conversation.ID
		out, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Body: "caption", Media: h.byOperator(t, h.ann, "plan.txt")})
		if err != nil {
			t.Fatal(err)
		}
		h.index(t)
		if got := h.altered(t)(h.desk.EditMessage(t.Context(), h.ann, once.Key{}, c, out.Message.ID, "")); got.Media == nil || got.Body != "" {
			t.Errorf("message %+v", got)
		}
		if got := h.get(t, c).LastMessage; got.Body != "plan.txt" {
			t.Errorf("the list's line is %+v", got)
		}
		for q, n := range map[string]int{"caption": 0, "plan": 1} {
			if got := h.search(t, q); len(got) != n {
				t.Errorf("%q finds %v", q, got)
			}
		}
		if got := h.altered(t)(h.desk.DeleteMessage(t.Context(), h.ann, once.Key{}, c, out.Message.ID)); got.Media != nil || got.Type != event.TypeMedia {
			t.Errorf("message %+v", got)
		}
		if got := h.search(t, "plan"); len(got) != 0 {
			t.Errorf("the file's name finds %v", got)
		}
		if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Media: h.byOperator(t, h.ann, "map.txt")}); err != nil {
			t.Fatal(err)
		}
		last := h.reply(t, h.ann, c, "the last word").Message.ID
		h.altered(t)(h.desk.DeleteMessage(t.Context(), h.ann, once.Key{}, c, last))
		if got := h.get(t, c).LastMessage; got.Body != "map.txt" {
			t.Errorf("the list's line is %+v", got)
		}
		err = h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			files, err := media.Files(tx, out.Message.Media.ID)
			if len(files) != 0 {
				t.Errorf("the file is there still: %+v", files)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	each(t, "without anybody who keeps files there are none to send", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.desk.Media = nil
		h.refused(t, fault.MediaNotFound, "media", func() error {
			_, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Media: "key"})
			return err
		})
	})
}

// changed tells the desk what became of a file or link card, as media does.
func (h *house) changed(t *testing.T, c id.Conversation, m id.Message, what string, card id.LinkCard, statement string, args ...any) error {
	t.Helper()
	return h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		if statement != "" {
			if _, err := tx.Exec(statement, args...); err != nil {
				return err
			}
		}
		return h.desk.MediaChanged(ctx, tx, c, m, what, card)
	})
}

func TestRemoteFiles(t *testing.T) {
	each(t, "a file that a channel names is fetched after its message, and what becomes of it is told (S-071, S-076)", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		h.events(t)
		out, err := h.overChannel(t, ChannelPost{Channel: on, Widget: h.widget.ID, Contact: ann.ID, MediaURL: "https://files.example/a/photo.jpg"})
		if err != nil {
			t.Fatal(err)
		}
		m := h.told(t, event.ConversationCreated, event.SessionStarted, event.MessageReceived)[2].Message
		if m.Type != event.TypeMedia || m.Media == nil || m.Media.State != event.MediaFetching || h.get(t, out.Conversation).LastMessage.Body != "photo.jpg" || h.get(t, out.Conversation).Unread != 1 {
			t.Errorf("message %+v, file %+v", m, m.Media)
		}
		h.index(t)
		c := out.Conversation
		h.refused(t, fault.MediaNotFailed, "", func() error { _, err := h.desk.RefetchMedia(t.Context(), h.ann, c, m.ID); return err })
		if err := h.changed(t, c, m.ID, event.ChangedMedia, 0, "UPDATE media SET state = 'failed', error = 'the server answered 404' WHERE id = $1", int64(m.Media.ID)); err != nil {
			t.Fatal(err)
		}
		if e := h.told(t, event.MessageUpdated)[0]; e.Changed != event.ChangedMedia || e.Message.Media.State != event.MediaFailed || e.Message.Media.Error == "" {
			t.Errorf("told %+v of %+v", e, e.Message.Media)
		}
		if got := h.altered(t)(h.desk.RefetchMedia(t.Context(), h.bob, c, m.ID)); got.Media.State != event.MediaFetching || got.Media.Error != "" {
			t.Errorf("file %+v", got.Media)
		}
		if e := h.told(t, event.MessageUpdated)[0]; e.Changed != event.ChangedMedia || e.Message.Media.State != event.MediaFetching {
			t.Errorf("told %+v", e.Message.Media)
		}
		if err := h.changed(t, c, m.ID, event.ChangedMedia, 0, "UPDATE media SET state = 'stored', kind = 'image', name = 'holiday.jpg' WHERE id = $1", int64(m.Media.ID)); err != nil {
			t.Fatal(err)
		}
		h.told(t, event.MessageUpdated)
		if got := h.get(t, c).LastMessage.Body; got != "holiday.jpg" {
			t.Errorf("the list's line is %q", got)
		}
		for q, n := range map[string]int{"holiday": 1, "photo": 0} {
			if got := h.search(t, q); len(got) != n {
				t.Errorf("%q finds %v", q, got)
			}
		}
		plain := h.reply(t, h.ann, c, "no file").Message.ID
		h.refused(t, fault.MediaNotFound, "", func() error { _, err := h.desk.RefetchMedia(t.Context(), h.ann, c, plain); return err })
		h.refused(t, fault.MessageNotFound, "", func() error { _, err := h.desk.RefetchMedia(t.Context(), h.ann, c, 4711); return err })
	})
	each(t, "an address that nobody may fetch leaves nothing", func(t *testing.T, h *house) {
		on, ann := h.channel(t, "Messenger"), h.person(t, contact.Change{})
		h.refused(t, fault.MediaURL, "url", func() error {
			_, err := h.overChannel(t, ChannelPost{Channel: on, Widget: h.widget.ID, Contact: ann.ID, MediaURL: "file:///etc/passwd"})
			return err
		})
		h.refused(t, fault.MessageEmpty, "body", func() error {
			_, err := h.overChannel(t, ChannelPost{Channel: on, Widget: h.widget.ID, Contact: ann.ID})
			return err
		})
	})
	each(t, "news of a file or card whose message is gone is no news", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c := v.Conversation.ID
		out, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Media: h.byOperator(t, h.ann, "a.txt")})
		if err != nil {
			t.Fatal(err)
		}
		h.altered(t)(h.desk.DeleteMessage(t.Context(), h.ann, once.Key{}, c, out.Message.ID))
		for _, at := range [][2]int64{{int64(c), int64(out.Message.ID)}, {int64(c), int64(v.Message.ID)}, {int64(c), 4711}, {4711, 1}} {
			for _, what := range []string{event.ChangedMedia, event.ChangedLink} {
				h.unchanged(t, func() error { return h.changed(t, id.Conversation(at[0]), id.Message(at[1]), what, 1, "") })
			}
		}
		if err := h.changed(t, c, v.Message.ID, "weather", 0, ""); err == nil {
			t.Error("nobody tells of a changed weather")
		}
	})
}

func TestLinkCards(t *testing.T) {
	card := func(t *testing.T, h *house, url, title string) (c id.LinkCard) {
		err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) (err error) {
			_, err = tx.Exec(`INSERT INTO link_cards (url, state, title, description, site, due_at, fetched_at) VALUES ($1, 'ready', $2, 'About it', 'Shop', 0, 0)
ON CONFLICT (url) DO UPDATE SET title = excluded.title, description = excluded.description, site = excluded.site`, url, title)
			if err != nil {
				return err
			}
			return tx.One("SELECT id FROM link_cards WHERE url = $1", []any{url}, &c)
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	each(t, "a card that becomes known is shown with its message, while the message names the address (S-054)", func(t *testing.T, h *house) {
		v := h.visitor(t)
		c := v.Conversation.ID
		m := h.reply(t, h.ann, c, "see https://elsewhere.example/page, please").Message
		h.events(t)
		known := card(t, h, "https://elsewhere.example/page", "A page")
		if err := h.changed(t, c, m.ID, event.ChangedLink, known, ""); err != nil {
			t.Fatal(err)
		}
		if e := h.told(t, event.MessageUpdated)[0]; e.Changed != event.ChangedLink || e.Message.Link == nil || e.Message.Link.Title != "A page" {
			t.Errorf("told %+v", e.Message)
		}
		if got := h.thread(t, c)[1].Link; got == nil || got.Site != "Shop" || got.URL != "https://elsewhere.example/page" {
			t.Errorf("card %+v", got)
		}
		for name, other := range map[string]id.LinkCard{"another address's": card(t, h, "https://other.example/", "Other"), "a page without a word": card(t, h, "https://elsewhere.example/page2", ""), "none": 4711} {
			h.unchanged(t, func() error {
				if err := h.changed(t, c, m.ID, event.ChangedLink, other, ""); err != nil {
					t.Error(name)
					return err
				}
				return nil
			})
		}
		if got := h.altered(t)(h.desk.EditMessage(t.Context(), h.ann, once.Key{}, c, m.ID, "no address any more")); got.Link != nil {
			t.Errorf("card %+v", got.Link)
		}
		if h.thread(t, c)[1].Link != nil {
			t.Error("the card outlives the address")
		}
		h.unchanged(t, func() error { return h.changed(t, c, m.ID, event.ChangedLink, known, "") })
	})
}

func TestNamesLink(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "://": false, "see https://shop.example": true, "HTTP://X": true, "ftp://x": false, "ftp://x and http://y": true,
		"http:/x": false, "s://": false, "ps://": false, "ünhttps://": true, "\xffhttp://": true,
	} {
		if got := namesLink(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
