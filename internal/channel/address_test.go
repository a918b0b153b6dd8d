package channel_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"parley/internal/channel"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
)

// again lets a visitor begin a further conversation on the website.
func (h *house) again(v *inbox.ContactPosted) id.Conversation {
	h.T.Helper()
	p, err := h.Inbox.PostFromContact(h.T.Context(), inbox.ContactPost{WidgetKey: h.Widget.Key, Contact: v.Contact.ID, ClientID: secret.UUID(), Body: "One more thing"})
	h.must(err)
	return p.Conversation.ID
}

// typing is a visitor whose browser said an e-mail address.
func (h *house) typing(email string) *inbox.ContactPosted {
	h.T.Helper()
	v, err := h.Inbox.PostFromContact(h.T.Context(), inbox.ContactPost{WidgetKey: h.Widget.Key, ClientID: secret.UUID(), Body: "Hello", Change: contact.Change{Email: &email}})
	h.must(err)
	return v
}

// sent returns where the calls with these texts went: the e-mail address and the contact's external id.
func (h *house) sent(c id.Channel, n int) map[string]string {
	h.T.Helper()
	h.Wait(n)
	out := map[string]string{}
	for _, call := range h.Settled(c) {
		b := call.JSON(h.T)
		out[fmt.Sprint(b["body"])] = fmt.Sprint(b["email"], " ", b["contact"].(map[string]any)["external_id"])
	}
	return out
}

func TestAnswersGoToTheConversationsAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Widgets = &[]id.Widget{h.Widget.ID} })
		// Somebody types another's address, who then writes from it, and moves a second conversation to an address of their own.
		v := h.visitor()
		_, err := h.Channels.Continue(t.Context(), v.Contact.ID, v.Conversation.ID, c.ID, "victim@x.de")
		h.must(err)
		theirs := c.post(map[string]any{"email": "victim@x.de"})
		second := h.again(v)
		_, err = h.Channels.Continue(t.Context(), v.Contact.ID, second, c.ID, "evil@x.de")
		h.must(err)
		h.Reply(theirs.Conversation, "For the victim")
		h.Reply(second, "For the other")
		got := h.sent(c.ID, 4)
		if got["For the victim"] != "victim@x.de <nil>" || got["For the other"] != "evil@x.de <nil>" {
			t.Errorf("answers went to %v", got)
		}
		if later := c.post(map[string]any{"email": "evil@x.de"}); later.Conversation != second {
			t.Errorf("who wrote from the other address is in conversation %d, want %d", later.Conversation, second)
		}
	})
}

func TestOneContactHasAConversationForEachAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Settings["version"] = "2" })
		one := c.post(map[string]any{"contact_id": "7", "email": "ann@x.de"})
		two := c.post(map[string]any{"contact_id": "8", "email": "ann@x.de"})
		if one.Contact != two.Contact || one.Conversation == two.Conversation {
			t.Fatalf("%+v %+v", one, two)
		}
		if next := c.post(map[string]any{"contact_id": "7"}); next.Conversation != one.Conversation {
			t.Errorf("the next of 7 is in conversation %d, want %d", next.Conversation, one.Conversation)
		}
		// What waits goes where it should, also when its address is taken away from the contact meanwhile.
		_, err := h.Contacts.Update(t.Context(), h.Ann, once.Key{}, one.Contact, contact.Change{ExternalID: new("u-1")})
		h.must(err)
		_, err = h.Channels.Pause(t.Context(), h.Admin, c.ID)
		h.must(err)
		h.Reply(one.Conversation, "To 7")
		h.Reply(two.Conversation, "To 8")
		list, err := h.Channels.Addresses(t.Context(), one.Contact)
		h.must(err)
		fresh, err := h.Channels.Separate(t.Context(), h.Ann, once.Key{}, one.Contact, list[1].ID)
		h.must(err)
		for conversation, want := range map[id.Conversation]id.Contact{one.Conversation: one.Contact, two.Conversation: fresh.ID} {
			if v, err := h.Inbox.Get(t.Context(), conversation); err != nil || v.Contact.ID != want {
				t.Errorf("conversation %d is contact %d's, want %d (%v)", conversation, v.Contact.ID, want, err)
			}
		}
		_, err = h.Channels.Resume(t.Context(), h.Admin, c.ID, true)
		h.must(err)
		if got := h.sent(c.ID, 2); got["To 7"] != "ann@x.de 7" || got["To 8"] != "ann@x.de 8" {
			t.Errorf("answers went to %v", got)
		}
	})
}

func TestWhatWaitsForASeparatedAddressNamesTheNewContact(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		web := h.known("signed Ann", "ann@x.de", "u-1")
		got := c.post(map[string]any{"email": "ann@x.de"})
		_, err := h.Channels.Pause(t.Context(), h.Admin, c.ID)
		h.must(err)
		h.Reply(got.Conversation, "Hi")
		list, err := h.Channels.Addresses(t.Context(), web)
		h.must(err)
		_, err = h.Channels.Separate(t.Context(), h.Ann, once.Key{}, web, list[0].ID)
		h.must(err)
		_, err = h.Channels.Resume(t.Context(), h.Admin, c.ID, true)
		h.must(err)
		if to := h.sent(c.ID, 1)["Hi"]; to != "ann@x.de <nil>" {
			t.Errorf("it went to %s", to)
		}
	})
}

// A name that comes over a channel says whose an address is. Who only typed the address must not learn it.
func TestNamesAreNotToldToWhoTypedTheAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		typed, offline, signed := h.typing("ann@x.de").Contact.ID, h.known("", "bob@x.de", ""), h.typing("").Contact.ID
		_, err := h.Contacts.Update(t.Context(), h.Ann, once.Key{}, signed, contact.Change{ExternalID: new("u-1"), Email: new("cleo@x.de")})
		h.must(err)
		for email, want := range map[string]struct {
			who  id.Contact
			name string
		}{"ann@x.de": {typed, ""}, "bob@x.de": {offline, "Somebody"}, "cleo@x.de": {signed, "Somebody"}} {
			for range 2 {
				if got := c.post(map[string]any{"email": email, "name": "Somebody"}); got.Contact != want.who {
					t.Fatalf("%s is contact %d, want %d", email, got.Contact, want.who)
				}
			}
			if got := h.contact(want.who); got.Name != want.name {
				t.Errorf("%s is called %q, want %q", email, got.Name, want.name)
			}
		}
	})
}

func TestWhatOperatorsAndProgramsWriteIsVouchedFor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		for i, by := range []team.Actor{h.Ann, {Token: 1, Name: "CRM", Scope: team.ScopeWrite}} {
			email := fmt.Sprintf("user%d@x.de", i)
			user := h.known("User", "", "")
			_, err := h.Contacts.Update(t.Context(), by, once.Key{}, user, contact.Change{ExternalID: new(fmt.Sprint("u-", i)), Email: &email})
			h.must(err)
			// What the user types themselves afterwards opens nothing and closes nothing.
			_, err = h.Contacts.UpdateSelf(t.Context(), user, contact.Change{Email: new(fmt.Sprintf("victim%d@x.de", i))})
			h.must(err)
			if got := c.post(map[string]any{"email": email}); got.Contact != user {
				t.Errorf("%s: contact %d, want %d", email, got.Contact, user)
			}
			if got := c.post(map[string]any{"email": fmt.Sprintf("victim%d@x.de", i)}); got.Contact == user {
				t.Errorf("what the user typed leads to them")
			}
		}
	})
}

func TestAConversationBeginsAtTheContactsOwnAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Widgets = &[]id.Widget{h.Widget.ID} })
		owner := c.post(map[string]any{"email": "ann@x.de"}).Contact
		v := h.visitor()
		_, err := h.Channels.Continue(t.Context(), v.Contact.ID, v.Conversation.ID, c.ID, "ann@x.de")
		h.must(err)
		_, err = h.Channels.Continue(t.Context(), v.Contact.ID, h.again(v), c.ID, "other@x.de")
		h.must(err)
		web := h.known("Bob", "bob@x.de", "")
		begin := func(b channel.Begin) (id.Contact, error) {
			b.Channel, b.Body = c.ID, "Hi"
			sent, err := h.Channels.Start(t.Context(), h.Ann, once.Key{}, b)
			if err != nil {
				return 0, err
			}
			got, err := h.Inbox.Get(t.Context(), sent.Conversation)
			h.must(err)
			return got.Contact.ID, nil
		}
		for i, s := range []struct {
			b    channel.Begin
			want id.Contact
		}{
			{channel.Begin{Contact: v.Contact.ID, Address: "ann@x.de"}, v.Contact.ID}, {channel.Begin{Contact: owner, Address: "Ann@x.de"}, owner},
			{channel.Begin{Contact: v.Contact.ID}, v.Contact.ID}, {channel.Begin{Address: "ann@x.de"}, owner}, {channel.Begin{Email: "ann@x.de"}, owner},
			{channel.Begin{Contact: web, Address: "bob@x.de"}, web},
		} {
			if got, err := begin(s.b); err != nil || got != s.want {
				t.Errorf("%d: contact %d, want %d (%v)", i, got, s.want, err)
			}
		}
		made := len(h.events(event.ContactCreated))
		for _, b := range []channel.Begin{{Contact: owner, Address: "other@x.de"}, {Contact: web, Address: "ann@x.de"}, {Address: "4711"}, {Address: "id:ann@x.de"}} {
			if _, err := begin(b); !fault.Is(err, fault.ChannelAddress) || fault.As(err).Field != "address" {
				t.Errorf("%+v: %v", b, err)
			}
		}
		if n := len(h.events(event.ContactCreated)); n != made {
			t.Errorf("%d contacts were made for nothing", n-made)
		}
		h.Settled(c.ID)
		for _, call := range h.Wait(8) {
			if b := call.JSON(t); !slices.Contains([]any{"ann@x.de", "other@x.de", "bob@x.de"}, b["email"]) {
				t.Errorf("%s", call.Body)
			}
		}
	})
}

// held runs do while a transaction holds a contact's lock. When do waits for it, then is run in that transaction.
func (h *house) held(which id.Contact, do func() error, then func(ctx context.Context, tx *db.Tx, pid int64) error) {
	h.T.Helper()
	done := make(chan error, 1)
	h.must(h.DB.Update(h.T.Context(), func(ctx context.Context, tx *db.Tx) error {
		if _, err := contact.Lock(tx, which); err != nil {
			return err
		}
		var pid int64
		if err := tx.One(`SELECT pg_backend_pid()`, nil, &pid); err != nil {
			return err
		}
		go func() { done <- do() }()
		h.Until(func() bool {
			var n int
			if len(done) > 0 {
				h.T.Fatalf("it did not wait for the contact: %v", <-done)
			}
			// Not pg_stat_activity: what a transaction sees of that stays as it was at the first look.
			h.must(tx.One(`SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND CAST($1 AS INT) = ANY (pg_blocking_pids(pid))`, []any{pid}, &n))
			return n > 0
		})
		return then(ctx, tx, pid)
	}))
	h.must(<-done)
}

func eachPostgres(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	each(t, func(t *testing.T, h *house) {
		if h.DB.Engine() == db.Postgres { // SQLite has one writer
			fn(t, h)
		}
	})
}

func TestWhatChangesWhileAMessageWaitsIsSeen(t *testing.T) {
	t.Run("the contact of the e-mail address signs in", func(t *testing.T) {
		eachPostgres(t, func(t *testing.T, h *house) {
			c, eve := h.make(), h.typing("victim@x.de").Contact.ID
			var got *channel.Received
			h.held(eve, func() (err error) {
				got, err = c.tryPost(map[string]any{"email": "victim@x.de", "body": "A secret"})
				return err
			}, func(ctx context.Context, tx *db.Tx, _ int64) error {
				p, err := contact.Lock(tx, eve)
				if err != nil {
					return err
				}
				return h.Contacts.Change(ctx, tx, event.Party{Type: event.ByContact}, p, contact.Change{ExternalID: new("eve")})
			})
			if got.Contact == eve {
				t.Error("the message went to who typed its sender's address")
			}
		})
	})
	t.Run("the address is taken away from the contact", func(t *testing.T) {
		eachPostgres(t, func(t *testing.T, h *house) {
			c, other := h.make(), h.known("Other", "", "")
			before := c.post(map[string]any{"email": "ann@x.de"})
			var got *channel.Received
			h.held(before.Contact, func() (err error) {
				got, err = c.tryPost(map[string]any{"email": "ann@x.de", "body": "Hello?"})
				return err
			}, func(_ context.Context, tx *db.Tx, _ int64) error {
				_, err := tx.Exec(`UPDATE channel_contacts SET contact_id = $1`, int64(other))
				return err
			})
			if got.Contact != other {
				t.Errorf("the message went to contact %d, want %d", got.Contact, other)
			}
		})
	})
}

// Whoever locks a new address and a contact locks the address first.
func TestAddressesAreLockedBeforeContacts(t *testing.T) {
	eachPostgres(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Widgets = &[]id.Widget{h.Widget.ID} })
		v := h.typing("ann@x.de")
		for name, do := range map[string]func() error{
			"go on": func() error {
				_, err := h.Channels.Continue(t.Context(), v.Contact.ID, v.Conversation.ID, c.ID, "ann@x.de")
				return err
			},
			"begin": func() error {
				_, err := h.Channels.Start(t.Context(), h.Ann, once.Key{}, channel.Begin{Channel: c.ID, Contact: v.Contact.ID, Body: "Hi"})
				return err
			},
		} {
			h.held(v.Contact.ID, do, func(_ context.Context, tx *db.Tx, pid int64) error {
				n := 0
				err := tx.One(`SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND CAST($1 AS INT) = ANY (pg_blocking_pids(pid))`, []any{pid}, &n)
				if n == 0 {
					t.Errorf("%s: it waits for the contact without having locked the address", name)
				}
				return err
			})
		}
	})
}
