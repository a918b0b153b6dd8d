package inbox

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
)

var mailKey = bytes.Repeat([]byte{7}, 32)

// way makes a way to sign in by mail as the contact and returns its link and code.
func (h *house) way(t *testing.T, c id.Contact, address string, conversation id.Conversation) (link, code string) {
	t.Helper()
	h.tx(t, func(tx *db.Tx) error {
		reauth, err := contact.NewReauth(tx, mailKey, contact.Reauth{Contact: c, Widget: h.widget.ID, Conversation: conversation, Address: address, For: event.MailReauth})
		link, code = contact.ReauthSecrets(mailKey, reauth)
		return err
	})
	return link, code
}

func (h *house) tx(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		t.Fatal(err)
	}
}

func (h *house) signIn(anonymous id.Contact, given string) (*SignedIn, error) {
	return h.signInAsked(anonymous, given, "")
}

// signInAsked is signIn of a browser that asked for the mail.
func (h *house) signInAsked(anonymous id.Contact, given, asked string) (*SignedIn, error) {
	return h.desk.SignInByMail(context.Background(), h.widget.Key, anonymous, given, asked, mailKey, "Mozilla/5.0 test")
}

// typed is a visitor who gave an address with their first message.
func (h *house) typed(t *testing.T, address string) *ContactPosted {
	t.Helper()
	p := h.post("Hello")
	p.Change.Email = &address
	return h.send(t, p)
}

func (h *house) valid(t *testing.T, token string) bool {
	t.Helper()
	_, err := h.contacts.Authenticate(t.Context(), token)
	if err != nil && !fault.Is(err, fault.AuthInvalid) {
		t.Fatal(err)
	}
	return err == nil
}

func TestSignInByMail(t *testing.T) {
	each(t, "S-038: another browser is signed in, and finds the earlier conversation", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		link, _ := h.way(t, v.Contact.ID, "ann@x.example", v.Conversation.ID)
		in, err := h.signIn(0, link)
		if err != nil || in.Contact.ID != v.Contact.ID || in.Conversation != v.Conversation.ID {
			t.Fatalf("%+v, %v", in, err)
		}
		who, err := h.contacts.Authenticate(t.Context(), in.Token)
		if err != nil || who.Contact != v.Contact.ID || who.Widget != h.widget.ID || !who.Mailed {
			t.Errorf("%+v, %v", who, err)
		}
		if h.valid(t, v.Token) {
			t.Error("who typed the address first is still in, and may be a stranger")
		}
		link, _ = h.way(t, v.Contact.ID, "ann@x.example", 0)
		again, err := h.signIn(0, link)
		if err != nil || again.Conversation != 0 || !h.valid(t, in.Token) || !h.valid(t, again.Token) {
			t.Errorf("a third browser: %+v, %v", again, err)
		}
	})
	each(t, "the browser's own conversation goes along, and its files, and nothing of its contact is found any more", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		guest := h.send(t, h.post("I am here, too"))
		_, code := h.way(t, v.Contact.ID, "ann@x.example", v.Conversation.ID)
		in, err := h.signIn(guest.Contact.ID, code)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.get(t, guest.Conversation.ID); got.Contact.ID != v.Contact.ID || h.valid(t, guest.Token) {
			t.Errorf("the guest's conversation is contact %d's, want %d", got.Contact.ID, v.Contact.ID)
		}
		h.write(t, in.Contact.ID, "more")
	})
	each(t, "a link takes the browser's own conversation along only where the browser asked for it", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		for asked, along := range map[string]bool{"": false, "eve@x.example": false, "no address": false, "ann@x.example": true, " ANN@x.example ": true} {
			guest := h.send(t, h.post("not for the one who sent me a link"))
			link, _ := h.way(t, v.Contact.ID, "ann@x.example", v.Conversation.ID)
			in, err := h.signInAsked(guest.Contact.ID, link, asked)
			if err != nil || in.Contact.ID != v.Contact.ID {
				t.Fatalf("%+v, %v", in, err)
			}
			if got := h.get(t, guest.Conversation.ID); (got.Contact.ID == v.Contact.ID) != along || h.valid(t, guest.Token) == along {
				t.Errorf("asked at %q: the conversation is contact %d's, want it to go along: %v", asked, got.Contact.ID, along)
			}
		}
	})
	each(t, "the first message, sent again, opens nothing once its address is somebody's", func(t *testing.T, h *house) {
		p := h.post("Hello")
		p.Change.Email = new("ann@x.example")
		v := h.send(t, p)
		_, code := h.way(t, v.Contact.ID, "ann@x.example", 0)
		if _, err := h.signIn(0, code); err != nil {
			t.Fatal(err)
		}
		again := func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err }
		h.refused(t, fault.KeyReused, "client_id", again)
		h.tx(t, func(tx *db.Tx) error { return contact.SignEmail(tx, v.Contact.ID, "") }) // whatever becomes of the address
		h.refused(t, fault.KeyReused, "client_id", again)
		p.ClientID = "another-0123456789abcdef"
		noted := h.send(t, p)
		if _, err := h.contacts.Update(t.Context(), h.token, once.Key{}, noted.Contact.ID, contact.Change{Email: new("ann@x.example")}); err != nil {
			t.Fatal(err)
		}
		h.refused(t, fault.KeyReused, "client_id", again)
	})
	each(t, "on a shared computer the next one's sign-in at the site takes nothing of a proven contact without its address", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		_, code := h.way(t, v.Contact.ID, "ann@x.example", 0)
		in, err := h.signIn(0, code)
		if err != nil {
			t.Fatal(err)
		}
		left := func(what string, email *string) {
			t.Helper()
			for range 2 { // a new user of the site, and a known one
				bob, err := h.desk.Identify(t.Context(), h.widget.Key, in.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: new("bob " + what), Email: email}})
				if err != nil || bob.Contact.ID == v.Contact.ID || !h.valid(t, in.Token) || h.get(t, v.Conversation.ID).Contact.ID != v.Contact.ID {
					t.Errorf("%s: %+v, %v", what, bob, err)
				}
			}
		}
		left("without an address", nil)
		left("with an empty one", new(""))
		left("with another", new("bob@x.example"))
		h.tx(t, func(tx *db.Tx) error {
			if got, err := contact.SignedEmail(tx, v.Contact.ID); err != nil || got != "ann@x.example" {
				t.Errorf("the proven address is %q, %v", got, err)
			}
			return contact.SignEmail(tx, v.Contact.ID, "")
		})
		left("when the address was taken off", new(""))
	})
	each(t, "a contact that is somebody else keeps everything", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		other := h.typed(t, "bob@x.example")
		proven := h.send(t, h.post("I am Bob"))
		h.tx(t, func(tx *db.Tx) error { return contact.SignEmail(tx, proven.Contact.ID, "bob@x.example") })
		user := h.send(t, h.post("I am a user"))
		if _, err := h.contacts.Update(t.Context(), h.token, once.Key{}, user.Contact.ID, contact.Change{ExternalID: new("u1")}); err != nil {
			t.Fatal(err)
		}
		for _, o := range []*ContactPosted{other, proven, user} {
			_, code := h.way(t, v.Contact.ID, "ann@x.example", 0)
			in, err := h.signIn(o.Contact.ID, code)
			if err != nil || in.Contact.ID != v.Contact.ID {
				t.Fatalf("%+v, %v", in, err)
			}
			if got := h.get(t, o.Conversation.ID); got.Contact.ID != o.Contact.ID {
				t.Errorf("conversation of contact %d went to %d", o.Contact.ID, got.Contact.ID)
			}
		}
		if !h.valid(t, other.Token) || !h.valid(t, proven.Token) {
			t.Error("somebody else was signed out")
		}
	})
	each(t, "the own browser with the own contact is not handed to itself", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		_, code := h.way(t, v.Contact.ID, "ann@x.example", 0)
		if in, err := h.signIn(v.Contact.ID, code); err != nil || in.Contact.ID != v.Contact.ID {
			t.Errorf("%+v, %v", in, err)
		}
	})
	each(t, "an anonymous contact that is gone does not keep anybody out", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		link, _ := h.way(t, v.Contact.ID, "ann@x.example", 0)
		if _, err := h.signIn(4711, link); err != nil {
			t.Error(err)
		}
	})
	each(t, "a conversation that is somebody else's now is not where the browser goes", func(t *testing.T, h *house) {
		v, w := h.typed(t, "ann@x.example"), h.visitor(t)
		for _, conversation := range []id.Conversation{w.Conversation.ID, 4711} {
			link, _ := h.way(t, v.Contact.ID, "ann@x.example", conversation)
			if in, err := h.signIn(0, link); err != nil || in.Conversation != 0 {
				t.Errorf("%+v, %v", in, err)
			}
		}
	})
	each(t, "what is refused changes nothing, and does not use the link up", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		link, _ := h.way(t, v.Contact.ID, "ann@x.example", 0)
		h.refused(t, fault.ReauthInvalid, "", func() error { _, err := h.signIn(0, link[1:]+"x"); return err })
		h.refused(t, fault.WidgetNotFound, "", func() error {
			_, err := h.desk.SignInByMail(t.Context(), "w_no", 0, link, "", mailKey, "")
			return err
		})
		if _, err := h.signIn(0, link); err != nil {
			t.Error(err)
		}
		h.refused(t, fault.ReauthInvalid, "", func() error { _, err := h.signIn(0, link); return err })
	})
	each(t, "a proven address is somebody: signing in at the site as another takes nothing along", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		link, _ := h.way(t, v.Contact.ID, "ann@x.example", 0)
		in, err := h.signIn(0, link)
		if err != nil {
			t.Fatal(err)
		}
		bob, err := h.desk.Identify(t.Context(), h.widget.Key, in.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: new("bob"), Email: new("bob@x.example")}})
		if err != nil || bob.Contact.ID == v.Contact.ID || !h.valid(t, in.Token) || h.get(t, v.Conversation.ID).Contact.ID != v.Contact.ID {
			t.Errorf("as another: %+v, %v", bob, err)
		}
		ann, err := h.desk.Identify(t.Context(), h.widget.Key, in.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: new("ann"), Email: new("ann@x.example")}})
		if err != nil || ann.Contact.ID != v.Contact.ID {
			t.Errorf("as the same: %+v, %v", ann, err)
		}
	})
}

// Many browsers show the link and the code of one mail at once, each with a guest of its own: one is signed in, and one guest's conversation goes along.
func TestOfManySignInsWithOneMailOneWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		v := h.typed(t, "ann@x.example")
		for range 5 {
			link, code := h.way(t, v.Contact.ID, "ann@x.example", v.Conversation.ID)
			var guests []*ContactPosted
			for range 6 {
				guests = append(guests, h.send(t, h.post("guest")))
			}
			var won atomic.Int32
			var wait sync.WaitGroup
			for i, g := range guests {
				given := link
				if i%2 == 1 {
					given = code
				}
				wait.Go(func() {
					_, err := h.signInAsked(g.Contact.ID, given, "ann@x.example")
					if err == nil {
						won.Add(1)
					} else if !fault.Is(err, fault.ReauthInvalid) {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			handed := 0
			for _, g := range guests {
				if h.get(t, g.Conversation.ID).Contact.ID == v.Contact.ID {
					handed++
				}
			}
			if won.Load() != 1 || handed != 1 {
				t.Errorf("%d won, %d conversations went along", won.Load(), handed)
			}
		}
		h.check(t)
	})
}

// Two guests sign in as each other's contacts at once: nobody waits for ever, and every conversation is somebody's.
func TestSignInsInACircle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for range 4 {
			a, b := h.typed(t, "ann@x.example"), h.typed(t, "ann@x.example")
			la, _ := h.way(t, a.Contact.ID, "ann@x.example", 0)
			lb, _ := h.way(t, b.Contact.ID, "ann@x.example", 0)
			var wait sync.WaitGroup
			for _, one := range []struct {
				guest id.Contact
				link  string
			}{{b.Contact.ID, la}, {a.Contact.ID, lb}} {
				wait.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
					defer cancel()
					if _, err := h.desk.SignInByMail(ctx, h.widget.Key, one.guest, one.link, "ann@x.example", mailKey, ""); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
		}
		h.check(t)
	})
}
