package contact

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

var mailKey = bytes.Repeat([]byte{7}, 32)

// way makes a way to sign in at widget 7 and returns its secrets.
func (h *house) way(t *testing.T, c id.Contact, address, kind string) (reauth int64, link, code string) {
	t.Helper()
	err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) (err error) {
		reauth, err = NewReauth(tx, mailKey, Reauth{Contact: c, Widget: 7, Conversation: 3, Address: address, For: kind})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	link, code = ReauthSecrets(mailKey, reauth)
	return reauth, link, code
}

func (h *house) use(ctx context.Context, given string, widget id.Widget) (r *Reauth, c *event.Contact, err error) {
	err = h.d.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		r, c, err = UseReauth(tx, mailKey, given, widget)
		return err
	})
	return r, c, err
}

func (h *house) tx(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		t.Fatal(err)
	}
}

func (h *house) refusedWay(t *testing.T, what, given string) {
	t.Helper()
	if _, _, err := h.use(t.Context(), given, 7); !fault.Is(err, fault.ReauthInvalid) {
		t.Errorf("%s: %v, want reauth.invalid", what, err)
	}
}

func TestAWayToSignInIsUsedOnce(t *testing.T) {
	each(t, "S-041: the link uses up the code, and is used up itself", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("ann@x.example")})
		reauth, link, code := h.way(t, c.ID, "ann@x.example", event.MailReauth)
		r, got, err := h.use(t.Context(), link, 7)
		if err != nil || r.ID != reauth || r.Contact != c.ID || r.Widget != 7 || r.Conversation != 3 || r.Address != "ann@x.example" || got.ID != c.ID {
			t.Fatalf("%+v, %+v, %v", r, got, err)
		}
		h.refusedWay(t, "the link again", link)
		h.refusedWay(t, "the code after it", code)
	})
	each(t, "S-041: and the other way round, however the code is typed", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("ann@x.example")})
		for _, typed := range []func(string) string{
			func(s string) string { return s },
			func(s string) string { return " " + strings.ToLower(s) + "\n" },
			func(s string) string { return strings.ReplaceAll(s, "-", "") },
			func(s string) string { return strings.Join(strings.Split(s, ""), " ") },
			func(s string) string { return strings.NewReplacer("0", "o", "1", "l").Replace(s) },
			func(s string) string { return strings.NewReplacer("0", "O", "1", "I").Replace(s) },
		} {
			_, link, code := h.way(t, c.ID, "ann@x.example", event.MailReauth)
			if _, _, err := h.use(t.Context(), typed(code), 7); err != nil {
				t.Errorf("%q typed as %q: %v", code, typed(code), err)
			}
			h.refusedWay(t, "the code again", code)
			h.refusedWay(t, "the link after it", link)
		}
	})
	each(t, "S-041: one that was asked for works for an hour, one in another mail for a week and without a code", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("ann@x.example")})
		for kind, keep := range map[string]time.Duration{event.MailReauth: time.Hour, event.MailTranscript: 7 * 24 * time.Hour, event.MailMissed: 7 * 24 * time.Hour} {
			_, early, code := h.way(t, c.ID, "ann@x.example", kind)
			_, late, _ := h.way(t, c.ID, "ann@x.example", kind)
			if kind != event.MailReauth {
				h.refusedWay(t, "a code that nobody got", code)
			}
			time.Sleep(keep - time.Microsecond)
			if _, _, err := h.use(t.Context(), early, 7); err != nil {
				t.Errorf("%s in time: %v", kind, err)
			}
			time.Sleep(time.Microsecond)
			h.refusedWay(t, kind+" too late", late)
		}
	})
	each(t, "what is no secret, another widget's or a foreign key's is refused the same way", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("ann@x.example")})
		reauth, link, code := h.way(t, c.ID, "ann@x.example", event.MailReauth)
		otherLink, otherCode := ReauthSecrets(bytes.Repeat([]byte{8}, 32), reauth)
		for _, given := range []string{"", " ", "x", code[:10], code + "0", strings.Repeat("0", 10), "U" + code[1:], link[:42], link + "x", strings.ToUpper(link), otherLink, otherCode,
			strings.Repeat("-", 1000), "\x00", "ÄÖÜÄÖÜÄÖÜÄ", strings.Repeat("é", 43)} {
			h.refusedWay(t, given, given)
		}
		if _, _, err := h.use(t.Context(), link, 8); !fault.Is(err, fault.ReauthInvalid) {
			t.Errorf("at another widget: %v", err)
		}
		if _, _, err := h.use(t.Context(), link, 7); err != nil {
			t.Errorf("after all that: %v", err)
		}
	})
}

func TestSecretsAreNotStoredAndDoNotRepeat(t *testing.T) {
	each(t, "the table has neither link nor code, nor anything that could be tried out without the key", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("ann@x.example")})
		_, link, code := h.way(t, c.ID, "ann@x.example", event.MailReauth)
		var a, b string
		h.tx(t, func(tx *db.Tx) error { return tx.One("SELECT link_hash, code_hash FROM contact_reauth", nil, &a, &b) })
		if len(a) != 64 || len(b) != 64 || strings.Contains(a+b, link) || strings.Contains(a+b, code) {
			t.Errorf("%s, %s", a, b)
		}
	})
	seen := map[string]bool{}
	for i := range int64(2000) {
		link, code := ReauthSecrets(mailKey, i)
		if seen[link] || seen[code] || len(link) != linkLength || len(code) != codeLength+1 || code[5] != '-' {
			t.Fatalf("%d: %q, %q", i, link, code)
		}
		seen[link], seen[code] = true, true
		for _, given := range []string{link, code} {
			if got, ok := secretOf(given); !ok || got != given {
				t.Fatalf("%q is read as %q, %v", given, got, ok)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a short key makes secrets")
		}
	}()
	ReauthSecrets([]byte("short"), 1)
}

func TestWhomAnAddressOpens(t *testing.T) {
	find := func(t *testing.T, h *house, address string) (found id.Contact) {
		t.Helper()
		h.tx(t, func(tx *db.Tx) error {
			c, err := FindByAddress(tx, address)
			if c != nil {
				found = c.ID
			}
			return err
		})
		return found
	}
	sign := func(t *testing.T, h *house, c id.Contact, address string) {
		t.Helper()
		h.tx(t, func(tx *db.Tx) error { return SignEmail(tx, c, address) })
	}
	each(t, "a proven address goes before a typed one, and nobody who typed it where another is proven", func(t *testing.T, h *house) {
		if got := find(t, h, "ann@x.example"); got != 0 {
			t.Errorf("nobody is %d", got)
		}
		first := h.make(t, Change{Email: new("ann@x.example")})
		second := h.make(t, Change{Email: new("ann@x.example")})
		if got := find(t, h, "ann@x.example"); got != second.ID {
			t.Errorf("of those that typed it: %d, want the newest, %d", got, second.ID)
		}
		sign(t, h, first.ID, "ann@x.example")
		if got := find(t, h, "ann@x.example"); got != first.ID {
			t.Errorf("%d, want the one who proved it, %d", got, first.ID)
		}
		sign(t, h, first.ID, "other@x.example")
		sign(t, h, second.ID, "eve@x.example")
		if got := find(t, h, "ann@x.example"); got != 0 {
			t.Errorf("two who typed it and proved others: %d", got)
		}
		if find(t, h, "") != 0 {
			t.Error("the empty address is somebody")
		}
	})
	each(t, "a link to a typed address opens nothing as soon as another address is proven, or the contact is a user of the site", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("eve@x.example")})
		_, link, _ := h.way(t, c.ID, "eve@x.example", event.MailReauth)
		sign(t, h, c.ID, "ann@x.example")
		h.refusedWay(t, "the address is another one", link)
		u := h.make(t, Change{Email: new("eve@x.example"), ExternalID: new("u1")})
		_, link, _ = h.way(t, u.ID, "eve@x.example", event.MailReauth)
		h.refusedWay(t, "a user of the site", link)
		if got := find(t, h, "eve@x.example"); got != 0 {
			t.Errorf("a typed address finds %d", got)
		}
		sign(t, h, u.ID, "eve@x.example")
		if got := find(t, h, "eve@x.example"); got != u.ID {
			t.Errorf("a signed address finds %d", got)
		}
		if _, _, err := h.use(t.Context(), link, 7); err != nil {
			t.Errorf("the signed address: %v", err)
		}
	})
	each(t, "a contact that typed another address meanwhile is not opened by the old one", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("ann@x.example")})
		_, link, _ := h.way(t, c.ID, "ann@x.example", event.MailReauth)
		if _, err := h.desk.UpdateSelf(t.Context(), c.ID, Change{Email: new("bob@x.example")}); err != nil {
			t.Fatal(err)
		}
		h.refusedWay(t, "the old address", link)
	})
	each(t, "the first proof ends every older access, the second none", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("ann@x.example")})
		stranger := h.token(t, c.ID)
		_, other, _ := h.way(t, c.ID, "eve@x.example", event.MailReauth)
		_, same, _ := h.way(t, c.ID, "ann@x.example", event.MailTranscript)
		prove := func() { h.tx(t, func(tx *db.Tx) error { return ProveAddress(tx, c.ID, "ann@x.example") }) }
		prove()
		if _, err := h.desk.Authenticate(t.Context(), stranger); !fault.Is(err, fault.AuthInvalid) {
			t.Errorf("who typed the address: %v", err)
		}
		h.refusedWay(t, "a link to another address", other)
		var own string
		h.tx(t, func(tx *db.Tx) (err error) {
			own, err = NewToken(tx, c.ID, 7, Browser{Mailed: true})
			return err
		})
		prove()
		if _, err := h.desk.Authenticate(t.Context(), own); err != nil {
			t.Errorf("an own browser after the second proof: %v", err)
		}
		if _, _, err := h.use(t.Context(), same, 7); err != nil {
			t.Errorf("another link to the same address: %v", err)
		}
	})
	each(t, "what an operator wrote down is no proof: the first mail ends older access all the same; of the site's users it ends none", func(t *testing.T, h *house) {
		for _, external := range []string{"", "u1"} {
			ch := Change{Email: new("ann@x.example")}
			if external != "" {
				ch.ExternalID = &external
			}
			c := h.make(t, ch)
			sign(t, h, c.ID, "ann@x.example")
			stranger := h.token(t, c.ID)
			h.tx(t, func(tx *db.Tx) error { return ProveAddress(tx, c.ID, "ann@x.example") })
			if _, err := h.desk.Authenticate(t.Context(), stranger); fault.Is(err, fault.AuthInvalid) != (external == "") {
				t.Errorf("external id %q: %v", external, err)
			}
		}
	})
	each(t, "an address that an operator writes is not proven by browsers that came by mails to the one before", func(t *testing.T, h *house) {
		c := h.make(t, Change{Email: new("ann@x.example")})
		var stranger string
		h.tx(t, func(tx *db.Tx) (err error) {
			if err := ProveAddress(tx, c.ID, "ann@x.example"); err != nil {
				return err
			}
			stranger, err = NewToken(tx, c.ID, 7, Browser{Mailed: true})
			return err
		})
		if _, err := h.desk.Update(t.Context(), ann, once.Key{}, c.ID, Change{Email: new("bob@x.example")}); err != nil {
			t.Fatal(err)
		}
		h.tx(t, func(tx *db.Tx) error { return ProveAddress(tx, c.ID, "bob@x.example") })
		if _, err := h.desk.Authenticate(t.Context(), stranger); !fault.Is(err, fault.AuthInvalid) {
			t.Errorf("a browser that came by a mail to the address before: %v", err)
		}
	})
	each(t, "a way to an anonymous contact leads to who it turned out to be, where the address opens that", func(t *testing.T, h *house) {
		old, c, u := h.make(t, Change{Email: new("ann@x.example")}), h.make(t, Change{}), h.make(t, Change{ExternalID: new("u1")})
		sign(t, h, c.ID, "ann@x.example")
		_, link, _ := h.way(t, old.ID, "ann@x.example", event.MailTranscript)
		_, second, _ := h.way(t, old.ID, "ann@x.example", event.MailTranscript)
		h.tx(t, func(tx *db.Tx) error { return HandedOver(tx, old.ID, c.ID) })
		if r, got, err := h.use(t.Context(), link, 7); err != nil || got.ID != c.ID || r.Contact != c.ID {
			t.Errorf("%+v, %+v, %v", r, got, err)
		}
		if got := find(t, h, "ann@x.example"); got != c.ID {
			t.Errorf("the address finds %d", got)
		}
		h.tx(t, func(tx *db.Tx) error { return HandedOver(tx, old.ID, u.ID) })
		h.refusedWay(t, "a user that the address says nothing of", second)
	})
}

// Two uses at once, of the same secret or of link and code: one wins, on both engines.
func TestOfTwoUsesAtOnceOneWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := feed.New(d)
		h := &house{d: d, feed: f, desk: New(d, f)}
		c := h.make(t, Change{Email: new("ann@x.example")})
		for round := range 8 {
			_, link, code := h.way(t, c.ID, "ann@x.example", event.MailReauth)
			second := link
			if round%2 == 1 {
				second = code
			}
			var won atomic.Int32
			var wait sync.WaitGroup
			for i := range 6 {
				given := link
				if i%2 == 1 {
					given = second
				}
				wait.Go(func() {
					_, _, err := h.use(context.Background(), given, 7)
					if err == nil {
						won.Add(1)
					} else if !fault.Is(err, fault.ReauthInvalid) {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			if won.Load() != 1 {
				t.Errorf("round %d: %d uses won", round, won.Load())
			}
		}
	})
}

func TestDevices(t *testing.T) {
	each(t, "the list has the contact's browsers, marks the one that asks, and each can be signed out", func(t *testing.T, h *house) {
		c, other := h.make(t, Change{}), h.make(t, Change{})
		browser := func(who id.Contact, b Browser) (token string, v Visitor) {
			h.tx(t, func(tx *db.Tx) (err error) {
				token, err = NewToken(tx, who, 7, b)
				return err
			})
			v, err := h.desk.Authenticate(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			return token, v
		}
		_, foreign := browser(other.ID, Browser{})
		a, va := browser(c.ID, Browser{UserAgent: "Mozilla/5.0\x00\n" + strings.Repeat("é", 400)})
		time.Sleep(time.Minute)
		b, vb := browser(c.ID, Browser{UserAgent: "B", Mailed: true})
		if !vb.Mailed || va.Mailed {
			t.Errorf("%+v, %+v", va, vb)
		}
		list, err := h.desk.Devices(t.Context(), va)
		if err != nil || len(list) != 2 || list[0].UserAgent != "B" || !list[0].Mailed || list[0].Current || !list[1].Current || list[1].Mailed || list[0].ID == list[1].ID {
			t.Fatalf("%+v, %v", list, err)
		}
		if ua := list[1].UserAgent; len(ua) > maxUserAgent || !strings.HasPrefix(ua, "Mozilla/5.0é") {
			t.Errorf("user agent %q", ua)
		}
		theirs, err := h.desk.Devices(t.Context(), foreign)
		if err != nil || len(theirs) != 1 {
			t.Fatalf("%+v, %v", theirs, err)
		}
		for _, no := range []string{theirs[0].ID, "", "x", strings.Repeat("0", 16), strings.Repeat("%", 16), list[0].ID + "0", list[0].ID[:15], strings.ToUpper(list[0].ID) + " "} {
			if err := h.desk.SignOut(t.Context(), va, no); !fault.Is(err, fault.DeviceNotFound) {
				t.Errorf("sign out %q: %v", no, err)
			}
		}
		if err := h.desk.SignOut(t.Context(), va, list[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.desk.Authenticate(t.Context(), b); !fault.Is(err, fault.AuthInvalid) {
			t.Errorf("the browser that was signed out: %v", err)
		}
		if err := h.desk.SignOut(t.Context(), va, list[0].ID); !fault.Is(err, fault.DeviceNotFound) {
			t.Errorf("a second time: %v", err)
		}
		if err := h.desk.SignOut(t.Context(), va, list[1].ID); err != nil {
			t.Errorf("the own browser: %v", err)
		}
		if _, err := h.desk.Authenticate(t.Context(), a); !fault.Is(err, fault.AuthInvalid) {
			t.Errorf("the own browser afterwards: %v", err)
		}
	})
	each(t, "that a browser is used is noted once an hour", func(t *testing.T, h *house) {
		c := h.make(t, Change{})
		token := h.token(t, c.ID)
		writes := 0
		step := func(wait time.Duration, want time.Time) {
			t.Helper()
			time.Sleep(wait)
			v, err := h.desk.Authenticate(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			h.d.Trace(func(q string, _ []any) {
				if strings.HasPrefix(q, "UPDATE") {
					writes++
				}
			})
			if err := h.desk.Seen(t.Context(), v); err != nil {
				t.Error(err)
			}
			h.d.Trace(nil)
			list, err := h.desk.Devices(t.Context(), v)
			if err != nil || !list[0].SeenAt.Equal(want) {
				t.Errorf("seen at %v, want %v, %v", list[0].SeenAt, want, err)
			}
		}
		began := h.d.Now()
		step(0, began)
		step(59*time.Minute, began)
		if writes != 0 {
			t.Errorf("%d writes within the hour", writes)
		}
		time.Sleep(time.Minute)
		now := h.d.Now()
		v, err := h.desk.Authenticate(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.desk.Seen(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		if list, _ := h.desk.Devices(t.Context(), v); list[0].SeenAt.Before(now) {
			t.Errorf("seen at %v after an hour, want %v", list[0].SeenAt, now)
		}
		if err := h.desk.Seen(t.Context(), Visitor{}); err != nil {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestErasedContacts(t *testing.T) {
	each(t, "nothing of them is left, nobody comes back as them, and nobody fills them again", func(t *testing.T, h *house) {
		ch := Change{Name: new("Vera"), Email: new("v@x.example"), Phone: new("123"), ExternalID: new("u1"), Custom: new(event.RawJSON(`{"a":1}`))}
		ch.Additional[0] = &event.Additional{Name: "Plan", Value: "gold"}
		c := h.make(t, ch)
		token := h.token(t, c.ID)
		_, link, _ := h.way(t, c.ID, "v@x.example", event.MailReauth)
		h.tx(t, func(tx *db.Tx) error { return SignEmail(tx, c.ID, "v@x.example") })
		h.tx(t, func(tx *db.Tx) error {
			live, err := LockLive(tx, c.ID)
			if err != nil {
				return err
			}
			return Erase(tx, live)
		})
		got, err := h.desk.Get(t.Context(), c.ID)
		if err != nil || got.Name+got.Email+got.Phone+got.ExternalID != "" || got.Custom != "{}" || got.Additional != nil || got.UUID != c.UUID || !got.CreatedAt.Equal(c.CreatedAt) {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := h.desk.Authenticate(t.Context(), token); !fault.Is(err, fault.AuthInvalid) {
			t.Errorf("token: %v", err)
		}
		h.refusedWay(t, "a link", link)
		late, _, _ := h.way(t, c.ID, "v@x.example", event.MailReauth) // a worker that looked before
		lateLink, _ := ReauthSecrets(mailKey, late)
		h.refusedWay(t, "a link that was made too late", lateLink)
		h.tx(t, func(tx *db.Tx) error {
			if found, err := FindByAddress(tx, "v@x.example"); found != nil || err != nil {
				t.Errorf("%+v, %v", found, err)
			}
			if found, err := FindExternal(tx, "u1"); found != nil || err != nil {
				t.Errorf("%+v, %v", found, err)
			}
			return nil
		})
		by := team.Actor{Token: 1, Scope: team.ScopeWrite}
		for what, err := range map[string]error{
			"operator": second(h.desk.Update(t.Context(), by, once.Key{}, c.ID, Change{Name: new("V")})),
			"itself":   second(h.desk.UpdateSelf(t.Context(), c.ID, Change{Name: new("V")})),
			"field":    second(h.desk.SetField(t.Context(), by, once.Key{}, c.ID, "a", "b")),
		} {
			if !fault.Is(err, fault.ContactNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	each(t, "who they were before is known, however often that was, and not twice", func(t *testing.T, h *house) {
		a, b, c := h.make(t, Change{}).ID, h.make(t, Change{}).ID, h.make(t, Change{}).ID
		h.tx(t, func(tx *db.Tx) error {
			return errors.Join(HandedOver(tx, a, b), HandedOver(tx, b, c), HandedOver(tx, c, a))
		})
		h.tx(t, func(tx *db.Tx) error {
			list, err := Former(tx, c)
			if len(list) != 2 || list[0] != b || list[1] != a {
				t.Errorf("%v", list)
			}
			return err
		})
	})
}

func second[T any](_ T, err error) error { return err }

func FuzzSecretOf(f *testing.F) {
	link, code := ReauthSecrets(mailKey, 1)
	for _, s := range []string{link, code, "", "O0-Il1 ", "ÄÖ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, given string) {
		got, ok := secretOf(given)
		if !ok {
			return
		}
		if again, ok := secretOf(got); !ok || again != got {
			t.Errorf("%q is read as %q, and that as %q, %v", given, got, again, ok)
		}
		if len(got) != linkLength && len(got) != codeLength+1 {
			t.Errorf("%q is read as %q", given, got)
		}
	})
}
