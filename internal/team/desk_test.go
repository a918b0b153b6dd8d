package team

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
)

// room is a Desk with its database and feed.
type room struct {
	*testing.T
	*Desk
	seen id.Seq
}

func newRoom(t *testing.T, d *db.DB) *room {
	return &room{T: t, Desk: New(Options{DB: d, Feed: feed.New(d), PasswordMemoryKiB: 64})}
}

// each runs fn with a room on every engine.
func each(t *testing.T, fn func(t *testing.T, r *room)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, newRoom(t, d)) })
}

// eachInBubble runs fn with a room and a virtual clock on every engine. open makes another node of the same database.
func eachInBubble(t *testing.T, fn func(t *testing.T, r *room, open func() *room)) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			var all []*db.DB
			node := func() *room {
				d := open()
				all = append(all, d)
				return newRoom(t, d)
			}
			// Inside the bubble, whatever happens: connections that outlive it are a deadlock.
			defer func() {
				for _, d := range all {
					d.Close()
				}
			}()
			fn(t, node(), node)
		})
	})
}

// fresh returns the events since the last call.
func (r *room) fresh() []*event.Event {
	r.Helper()
	for {
		n, err := r.feed.NumberOnce(context.Background())
		if r.db.Engine() != db.Postgres || n == 0 {
			break
		}
		if err != nil {
			r.Fatal(err)
		}
	}
	list, latest, err := r.feed.ReadAfter(context.Background(), r.seen, 1000, feed.Filter{})
	if err != nil {
		r.Fatal(err)
	}
	r.seen = latest
	return list
}

// told returns the fresh events as short texts.
func (r *room) told() []string {
	r.Helper()
	var out []string
	for _, e := range r.fresh() {
		s := string(e.Type)
		switch e.Type {
		case event.OperatorStatusChanged:
			s += " " + e.StatusBefore + " → " + e.Operator.Status + " by " + string(e.By.Type)
		case event.GroupUpdated:
			s += " " + e.Group.Name
		}
		out = append(out, s)
	}
	return out
}

func (r *room) expect(want ...string) {
	r.Helper()
	if diff := cmp.Diff(want, r.told()); diff != "" {
		r.Fatalf("events:\n%s", diff)
	}
}

func (r *room) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *room) refused(err error, code fault.Code, field string) {
	r.Helper()
	if f := fault.As(err); err == nil || f.Code != code || f.Field != field {
		r.Fatalf("got %v, want %s at %q", err, code, field)
	}
}

const goodPassword = "correct horse battery"

// operator creates an operator with a password.
func (r *room) operator(email, role string) *event.Operator {
	r.Helper()
	c, err := r.Create(context.Background(), System(), NewOperator{Email: email, Role: role, Password: secret.Of(goodPassword)}, once.Key{})
	r.ok(err)
	r.fresh()
	return c.Operator
}

func (r *room) signIn(email string) string {
	r.Helper()
	token, _, err := r.SignIn(context.Background(), email, secret.Of(goodPassword), "", "test")
	r.ok(err)
	return token
}

func TestCreatedOperatorHasDefaultsAndASignInLink(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		g, err := r.CreateGroup(ctx, System(), "Support", nil, once.Key{})
		r.ok(err)
		r.fresh()
		c, err := r.Create(ctx, System(), NewOperator{Email: " Ann.Lee@Shop.Example ", FirstName: "Ann", LastName: "Lee", Groups: []id.Group{g.ID}}, once.Key{})
		r.ok(err)
		want := &event.Operator{ID: 1, Username: "ann.lee", FirstName: "Ann", LastName: "Lee", Email: "ann.lee@shop.example", Lang: "en", Locale: "en_US",
			Timezone: "UTC", Role: RoleOperator, Active: true, Slots: 5, Availability: event.Online, Status: event.Offline,
			Groups: []event.Group{{ID: g.ID, Name: "Support"}}, CreatedAt: c.Operator.CreatedAt}
		if diff := cmp.Diff(want, c.Operator); diff != "" {
			t.Error(diff)
		}
		r.expect("group.updated Support", "operator.updated")
		_, o, err := r.SignInWithLink(ctx, c.Link.Reveal(), "", "")
		r.ok(err)
		if o.ID != c.Operator.ID {
			t.Errorf("the link signs in %d", o.ID)
		}
		stored, err := r.Get(ctx, o.ID)
		r.ok(err)
		if diff := cmp.Diff(want, stored); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFaultyOperatorsAreRefusedWithEveryField(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		_, err := r.Create(r.Context(), System(), NewOperator{Email: "nobody", FirstName: "a\x00", Role: "boss", Slots: -1, Lang: "e", Locale: "x", Timezone: "../etc",
			ImageURL: "http://x", Password: secret.Of("short")}, once.Key{})
		f := fault.As(err)
		var fields []string
		for _, o := range append([]*fault.Error{f}, f.Others...) {
			fields = append(fields, o.Field+" "+string(o.Code))
		}
		want := []string{"email field.invalid", "password password.weak", "first_name text.invalid", "image_url field.invalid", "lang field.invalid",
			"locale field.invalid", "timezone field.invalid", "role field.invalid", "slots field.invalid"}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Error(diff)
		}
		_, err = r.Create(r.Context(), System(), NewOperator{Email: "a@b.example", Groups: []id.Group{9}}, once.Key{})
		r.refused(err, fault.GroupNotFound, "group_ids")
		if list, err := r.List(r.Context()); err != nil || len(list) != 0 {
			t.Errorf("a refused operator was stored: %v %v", list, err)
		}
	})
}

func TestEmailAddressesAreUniqueWhateverTheirCase(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.operator("ann@shop.example", RoleAdmin)
		bob := r.operator("bob@shop.example", RoleOperator)
		_, err := r.Create(r.Context(), System(), NewOperator{Email: "ANN@shop.example"}, once.Key{})
		r.refused(err, fault.OperatorEmail, "email")
		_, err = r.Update(r.Context(), System(), bob.ID, OperatorChange{Email: new("Ann@Shop.example")})
		r.refused(err, fault.OperatorEmail, "email")
		r.expect()
	})
}

func TestRepeatedCreateIsAnAnswerNotASecondRow(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		key := once.Key{Scope: "operator:1 POST /operators", Value: "k", Request: "digest"}
		first, err := r.Create(ctx, System(), NewOperator{Email: "ann@shop.example"}, key)
		r.ok(err)
		again, err := r.Create(ctx, System(), NewOperator{Email: "ann@shop.example"}, key)
		r.ok(err)
		if diff := cmp.Diff(first.Operator, again.Operator); diff != "" || again.Link.Reveal() != first.Link.Reveal() || first.Link.IsZero() {
			t.Errorf("the repeat got something else: %s", diff)
		}
		r.expect("operator.updated")
		key.Request = "another digest"
		_, err = r.Create(ctx, System(), NewOperator{Email: "eve@shop.example"}, key)
		r.refused(err, fault.KeyReused, "Idempotency-Key")

		// On another node or after a restart without the same sealing key the secret cannot be shown, and nothing is doubled.
		key.Request = "digest"
		other := New(Options{DB: r.db, Feed: r.feed})
		_, err = other.Create(ctx, System(), NewOperator{Email: "ann@shop.example"}, key)
		r.refused(err, fault.KeyReused, "Idempotency-Key")

		tokenKey := once.Key{Scope: "operator:1 POST /tokens", Value: "k", Request: "digest"}
		t1, s1, err := r.CreateToken(ctx, System(), "ci", ScopeRead, tokenKey)
		r.ok(err)
		t2, s2, err := r.CreateToken(ctx, System(), "ci", ScopeRead, tokenKey)
		r.ok(err)
		if t1.ID != t2.ID || s1.Reveal() != s2.Reveal() {
			t.Error("the repeat made another token")
		}
		r.ok(r.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
			answers, err := db.All(tx, `SELECT answer FROM idempotency_keys`, nil, func(s db.Scanner) (v string, err error) {
				err = s.Scan(&v)
				return v, err
			})
			for _, a := range answers {
				if strings.Contains(a, s1.Reveal()) || strings.Contains(a, first.Link.Reveal()) {
					t.Error("a secret is stored in clear")
				}
			}
			return err
		}))
	})
}

func TestOnlyAdminsManageButEverybodyHasAProfile(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		ann, bob := r.operator("ann@shop.example", RoleAdmin), r.operator("bob@shop.example", RoleOperator)
		asBob, token := ActorOf(bob), Actor{Token: 1, Scope: ScopeWrite}
		for name, call := range map[string]func(by Actor) error{
			"create": func(by Actor) error {
				_, err := r.Create(ctx, by, NewOperator{Email: "x@y.example"}, once.Key{})
				return err
			},
			"update": func(by Actor) error {
				_, err := r.Update(ctx, by, ann.ID, OperatorChange{FirstName: new("X")})
				return err
			},
			"own role": func(by Actor) error {
				_, err := r.Update(ctx, by, bob.ID, OperatorChange{Role: new(RoleAdmin)})
				return err
			},
			"own groups": func(by Actor) error {
				_, err := r.Update(ctx, by, bob.ID, OperatorChange{Groups: &[]id.Group{}})
				return err
			},
			"group":        func(by Actor) error { _, err := r.CreateGroup(ctx, by, "G", nil, once.Key{}); return err },
			"change group": func(by Actor) error { _, err := r.ChangeGroup(ctx, by, 1, GroupChange{}); return err },
			"delete group": func(by Actor) error { return r.DeleteGroup(ctx, by, 1) },
			"token":        func(by Actor) error { _, _, err := r.CreateToken(ctx, by, "t", ScopeRead, once.Key{}); return err },
			"tokens":       func(by Actor) error { _, err := r.Tokens(ctx, by); return err },
			"revoke":       func(by Actor) error { return r.RevokeToken(ctx, by, 1) },
			"link":         func(by Actor) error { _, err := r.CreateLink(ctx, by, ann.ID, 0, once.Key{}); return err },
		} {
			t.Run(name, func(t *testing.T) {
				if err := call(asBob); !fault.Is(err, fault.AuthDenied) {
					t.Errorf("an operator: %v", err)
				}
				if err := call(token); !fault.Is(err, fault.AuthScope) {
					t.Errorf("a token: %v", err)
				}
			})
		}
		o, err := r.Update(ctx, asBob, bob.ID, OperatorChange{FirstName: new(" Bob "), Alias: new("Bobby"), Lang: new("de")})
		r.ok(err)
		if o.FirstName != "Bob" || o.DisplayName() != "Bobby" || o.Lang != "de" {
			t.Errorf("own profile: %+v", o)
		}
		r.expect("operator.updated")
		_, err = r.Update(ctx, ActorOf(ann), ann.ID, OperatorChange{Password: new(secret.Of(goodPassword))})
		r.refused(err, fault.FieldInvalid, "password")
	})
}

func TestUpdateWithoutADifferenceIsNoEvent(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ann := r.operator("ann@shop.example", RoleAdmin)
		g, err := r.CreateGroup(r.Context(), System(), "Support", []id.Operator{ann.ID}, once.Key{})
		r.ok(err)
		r.fresh()
		_, err = r.Update(r.Context(), System(), ann.ID, OperatorChange{Email: new("Ann@shop.example"), Role: new(RoleAdmin), Active: new(true), Groups: &[]id.Group{g.ID}})
		r.ok(err)
		_, err = r.ChangeGroup(r.Context(), System(), g.ID, GroupChange{Name: new(" Support "), Operators: &[]id.Operator{ann.ID, ann.ID}})
		r.ok(err)
		r.expect()
		_, err = r.Update(r.Context(), System(), 99, OperatorChange{})
		r.refused(err, fault.OperatorNotFound, "")
	})
}

func TestLastActiveAdminStays(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		ann, bob := r.operator("ann@shop.example", RoleAdmin), r.operator("bob@shop.example", RoleAdmin)
		cat := r.operator("cat@shop.example", RoleAdmin)
		_, err := r.Update(ctx, System(), cat.ID, OperatorChange{Active: new(false)})
		r.ok(err)
		// Two admins remove each other at the same moment: one of them must stay.
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, target := range []id.Operator{ann.ID, bob.ID} {
			wg.Go(func() { _, errs[i] = r.Update(ctx, System(), target, OperatorChange{Role: new(RoleOperator)}) })
		}
		wg.Wait()
		if failed := slices.IndexFunc(errs, func(err error) bool { return fault.Is(err, fault.OperatorLast) }); failed < 0 || errs[1-failed] != nil {
			t.Fatalf("errors %v: exactly one must be refused", errs)
		}
		list, err := r.List(ctx)
		r.ok(err)
		for _, o := range list {
			if o.Role != RoleAdmin || !o.Active {
				continue
			}
			_, err = r.Update(ctx, System(), o.ID, OperatorChange{Active: new(false)})
			r.refused(err, fault.OperatorLast, "active")
			_, err = r.Update(ctx, System(), o.ID, OperatorChange{Role: new(RoleOperator)})
			r.refused(err, fault.OperatorLast, "role")
			return
		}
		t.Error("no admin is left")
	})
}

func TestDeactivationHoldsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		r.operator("ann@shop.example", RoleAdmin)
		bob := r.operator("bob@shop.example", RoleOperator)
		token := r.signIn("bob@shop.example")
		link, err := r.CreateLink(ctx, System(), bob.ID, 0, once.Key{})
		r.ok(err)
		r.ok(r.TabOpened(ctx, bob.ID, "tab"))
		_, _, err = r.Authenticate(ctx, token)
		r.ok(err)
		r.fresh()
		o, err := r.Update(ctx, System(), bob.ID, OperatorChange{Active: new(false)})
		r.ok(err)
		if o.Active || o.Status != event.Offline {
			t.Errorf("operator %+v", o)
		}
		r.expect("operator.updated", "operator.status_changed online → offline by system")
		_, _, err = r.Authenticate(ctx, token)
		r.refused(err, fault.AuthInvalid, "")
		_, _, err = r.SignIn(ctx, "bob@shop.example", secret.Of(goodPassword), "", "")
		r.refused(err, fault.AuthWrongPassword, "")
		_, _, err = r.SignInWithLink(ctx, link.Reveal(), "", "")
		r.refused(err, fault.AuthLinkUsed, "")
		_, err = r.CreateLink(ctx, System(), bob.ID, 0, once.Key{})
		r.refused(err, fault.OperatorInactive, "")
		r.refused(r.TabOpened(ctx, bob.ID, "tab2"), fault.OperatorInactive, "")
		r.ok(r.TabsTouched(ctx, []Tab{{bob.ID, "tab"}}))
		_, err = r.Sweep(ctx)
		r.ok(err)
		r.expect()
	})
}

func TestGroups(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		ann, bob := r.operator("ann@shop.example", RoleAdmin), r.operator("bob@shop.example", RoleOperator)
		g, err := r.CreateGroup(ctx, ActorOf(ann), " Support ", []id.Operator{bob.ID, ann.ID}, once.Key{Scope: "s", Value: "k"})
		r.ok(err)
		if diff := cmp.Diff(&event.Group{ID: g.ID, Name: "Support", OperatorIDs: []id.Operator{ann.ID, bob.ID}}, g); diff != "" {
			t.Error(diff)
		}
		again, err := r.CreateGroup(ctx, ActorOf(ann), " Support ", []id.Operator{bob.ID, ann.ID}, once.Key{Scope: "s", Value: "k"})
		r.ok(err)
		if diff := cmp.Diff(g, again); diff != "" {
			t.Errorf("repeat: %s", diff)
		}
		r.expect("group.updated Support")
		_, err = r.CreateGroup(ctx, System(), "Support", nil, once.Key{})
		r.refused(err, fault.GroupName, "name")
		_, err = r.CreateGroup(ctx, System(), " ", nil, once.Key{})
		r.refused(err, fault.FieldRequired, "name")
		_, err = r.CreateGroup(ctx, System(), "Sales", []id.Operator{99}, once.Key{})
		r.refused(err, fault.OperatorNotFound, "operator_ids")
		sales, err := r.CreateGroup(ctx, System(), "Sales", nil, once.Key{})
		r.ok(err)
		_, err = r.ChangeGroup(ctx, System(), sales.ID, GroupChange{Name: new("Support")})
		r.refused(err, fault.GroupName, "name")
		g, err = r.ChangeGroup(ctx, System(), g.ID, GroupChange{Name: new("Help"), Operators: &[]id.Operator{bob.ID}})
		r.ok(err)
		if diff := cmp.Diff(&event.Group{ID: g.ID, Name: "Help", OperatorIDs: []id.Operator{bob.ID}}, g); diff != "" {
			t.Error(diff)
		}
		list, err := r.Groups(ctx)
		r.ok(err)
		if diff := cmp.Diff([]*event.Group{g, {ID: sales.ID, Name: "Sales"}}, list); diff != "" {
			t.Error(diff)
		}
		r.ok(r.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO widgets (key, name, lang, group_id, domains, color, position, title, subtitle, greeting, theme, session_timeout_seconds,
identity_required, identity_secret, active, created_at, updated_at) VALUES ('w', '', '', $1, '', '', '', '', '', '', '', 0, FALSE, '', TRUE, 0, 0)`, int64(g.ID))
			return err
		}))
		r.fresh()
		r.refused(r.DeleteGroup(ctx, System(), g.ID), fault.GroupInUse, "")
		r.ok(r.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE widgets SET group_id = NULL`)
			return err
		}))
		r.ok(r.DeleteGroup(ctx, System(), g.ID))
		r.expect("group.updated Help")
		r.refused(r.DeleteGroup(ctx, System(), g.ID), fault.GroupNotFound, "")
		if o, err := r.Get(ctx, bob.ID); err != nil || len(o.Groups) != 0 {
			t.Errorf("bob is still in %v, %v", o.Groups, err)
		}
	})
}

func TestDeletedGroupIsReleasedByThePackagesAbove(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		g, err := r.CreateGroup(ctx, System(), "Support", nil, once.Key{})
		r.ok(err)
		refuse := errors.New("not now")
		var asked []id.Group
		r.OnDeleteGroup(func(ctx context.Context, _ *db.Tx, g id.Group) error {
			asked = append(asked, g)
			if !db.InTx(ctx) {
				t.Error("not inside the transaction")
			}
			return refuse
		})
		if err := r.DeleteGroup(ctx, System(), g.ID); !errors.Is(err, refuse) {
			t.Errorf("got %v", err)
		}
		refuse = nil
		r.ok(r.DeleteGroup(ctx, System(), g.ID))
		if len(asked) != 2 || asked[0] != g.ID {
			t.Errorf("asked about %v", asked)
		}
	})
}

func TestAvailabilityIsTheBestOfAGroup(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		ann, bob := r.operator("ann@shop.example", RoleAdmin), r.operator("bob@shop.example", RoleOperator)
		g, err := r.CreateGroup(ctx, System(), "Support", []id.Operator{bob.ID}, once.Key{})
		r.ok(err)
		check := func(all, group string) {
			t.Helper()
			a, err := r.Availability(ctx, 0)
			r.ok(err)
			b, err := r.Availability(ctx, g.ID)
			r.ok(err)
			if a != all || b != group {
				t.Errorf("all %s, group %s; want %s, %s", a, b, all, group)
			}
		}
		check(event.Offline, event.Offline)
		r.ok(r.TabOpened(ctx, ann.ID, "a"))
		check(event.Online, event.Offline)
		r.ok(r.TabOpened(ctx, bob.ID, "b"))
		_, err = r.SetAvailability(ctx, ActorOf(bob), event.Away)
		r.ok(err)
		check(event.Online, event.Away)
		var online []*event.Operator
		r.ok(r.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
			online, err = ListOnline(tx)
			return err
		}))
		if len(online) != 1 || online[0].ID != ann.ID {
			t.Errorf("online %v", online)
		}
	})
}

func TestNormalizeEmail(t *testing.T) {
	for in, want := range map[string]string{
		" Ann@Shop.Example ": "ann@shop.example", "a.b+c@x.example": "a.b+c@x.example", "ä@ö.example": "ä@ö.example", "a@localhost": "a@localhost",
	} {
		if got, err := NormalizeEmail(in); err != nil || got != want {
			t.Errorf("%q became %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "a", "a@", "@b", "a b@c.example", "Ann <a@b.example>", "a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.example",
		"a@b\x00.example", strings.Repeat("a", 250) + "@b.example", `"a b"@c.example`, "a@b@c.example"} {
		if got, err := NormalizeEmail(in); err == nil || fault.As(err).Field != "email" {
			t.Errorf("%q became %q, %v", in, got, err)
		}
	}
}

func FuzzNormalizeEmail(f *testing.F) {
	for _, s := range []string{"Ann@Shop.Example", "a@b", "\"x\"@y", "İ@x.example", "a@[127.0.0.1]", "a@b\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := NormalizeEmail(s)
		if err != nil {
			return
		}
		if again, err := NormalizeEmail(got); err != nil || again != got {
			t.Fatalf("%q became %q, which becomes %q, %v", s, got, again, err)
		}
		if len(got) > maxEmail || strings.ContainsAny(got, " \r\n\x00,<>") || strings.Count(got, "@") != 1 {
			t.Fatalf("%q was accepted as %q", s, got)
		}
	})
}

// bubbleSleep moves the virtual clock.
func bubbleSleep(d time.Duration) { time.Sleep(d) }
