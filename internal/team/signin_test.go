package team

import (
	"context"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/once"
	"parley/internal/secret"
)

func TestSignInTellsNobodyWhichHalfIsWrong(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		ann := r.operator("ann@shop.example", RoleAdmin)
		token, o, err := r.SignIn(ctx, " ANN@shop.example", secret.Of(goodPassword), "192.0.2.1", "Browser\x00"+strings.Repeat("ü", 500))
		r.ok(err)
		if o.ID != ann.ID || len(token) < 40 {
			t.Errorf("signed in as %d with %q", o.ID, token)
		}
		_, err = r.Create(ctx, System(), NewOperator{Email: "new@shop.example"}, once.Key{}) // has no password yet
		r.ok(err)
		var texts []string
		for _, c := range [][2]string{{"ann@shop.example", "wrong password"}, {"nobody@shop.example", goodPassword}, {"new@shop.example", ""}, {"new@shop.example", goodPassword},
			{"not an address", goodPassword}, {"a\x00@shop.example", goodPassword}, {"ann@shop.example", strings.Repeat("x", 5000)}} {
			_, _, err := r.SignIn(ctx, c[0], secret.Of(c[1]), "192.0.2.2", "")
			r.refused(err, fault.AuthWrongPassword, "")
			texts = append(texts, fault.As(err).Detail)
		}
		for _, s := range texts {
			if s != texts[0] {
				t.Errorf("answers differ: %q", texts)
			}
		}
	})
}

// Nobody may learn from the time whether an account exists: a hash is made for unknown ones too. Here all hashing slots are
// taken, so whoever hashes must wait.
func TestUnknownAccountsCostAHashToo(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.operator("ann@shop.example", RoleAdmin)
		for range maxHashes {
			r.hasher.slots <- struct{}{}
		}
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Millisecond)
		defer cancel()
		_, _, err := r.SignIn(ctx, "nobody@shop.example", secret.Of(goodPassword), "", "")
		if err == nil || fault.Is(err, fault.AuthWrongPassword) {
			t.Errorf("answered without hashing: %v", err)
		}
	})
}

func TestPasswordHash(t *testing.T) {
	h := newHasher(64)
	a, err := h.hash(t.Context(), secret.Of(goodPassword))
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.hash(t.Context(), secret.Of(goodPassword))
	if err != nil || a == b {
		t.Errorf("two hashes of one password are equal, %v", err)
	}
	if !strings.HasPrefix(a, "$argon2id$v=19$m=64,t=2,p=1$") {
		t.Errorf("hash %s", a)
	}
	for password, want := range map[string]bool{goodPassword: true, goodPassword + " ": false, "": false} {
		if ok, err := h.matches(t.Context(), secret.Of(password), a); err != nil || ok != want {
			t.Errorf("%q: %v %v", password, ok, err)
		}
	}
	if ok, err := h.matches(t.Context(), secret.Of(""), ""); err != nil || ok {
		t.Errorf("no password at all matches: %v %v", ok, err)
	}
	if newHasher(0).memoryKiB != 64*1024 {
		t.Error("the default is not 64 MiB")
	}
	for _, damaged := range []string{"x", "$argon2i$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=4294967295,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=64,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"} {
		if ok, err := h.matches(t.Context(), secret.Of(""), damaged); err == nil || ok {
			t.Errorf("%s was believed", damaged)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=064,t=+2,p=1$AAAA$AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseHash(s)
		if err != nil {
			return
		}
		if p.memoryKiB > 1<<20 || p.passes > 16 || p.threads > 16 || p.threads == 0 {
			t.Fatalf("%q costs %+v", s, p)
		}
		again, err := parseHash(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q does not survive encoding: %v", s, err)
		}
	})
}

func TestTooManyAttemptsHaveToWait(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, _ func() *room) {
		ctx := context.Background()
		r.operator("ann@shop.example", RoleAdmin)
		try := func(email, ip string) error {
			_, _, err := r.SignIn(ctx, email, secret.Of("wrong password"), ip, "")
			return err
		}
		for range accountBurst {
			r.refused(try("ann@shop.example", ""), fault.AuthWrongPassword, "")
		}
		err := try("Ann@shop.example", "")
		r.refused(err, fault.AuthTooMany, "")
		wait := fault.As(err).RetryAfter
		if wait <= 0 || wait > accountEvery {
			t.Errorf("wait %v", wait)
		}
		_, _, err = r.SignIn(ctx, "ann@shop.example", secret.Of(goodPassword), "", "")
		r.refused(err, fault.AuthTooMany, "")
		bubbleSleep(wait)
		r.signIn("ann@shop.example")

		for i := range addressBurst {
			r.refused(try("nobody"+string(rune('a'+i))+"@shop.example", "192.0.2.7"), fault.AuthWrongPassword, "")
		}
		r.refused(try("somebody@shop.example", "192.0.2.7"), fault.AuthTooMany, "")
		_, _, err = r.SignInWithLink(ctx, "pl_guess", "192.0.2.7", "")
		r.refused(err, fault.AuthTooMany, "")
		r.refused(try("somebody@shop.example", "192.0.2.8"), fault.AuthWrongPassword, "")
	})
}

func TestLinkWorksOnceAndForADay(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, _ func() *room) {
		ctx := context.Background()
		ann := r.operator("ann@shop.example", RoleAdmin)
		link := func(ttl time.Duration) string {
			s, err := r.CreateLink(ctx, System(), ann.ID, ttl, once.Key{})
			r.ok(err)
			return s.Reveal()
		}
		day, hour, used := link(0), link(time.Hour), link(0)
		_, _, err := r.SignInWithLink(ctx, used, "", "")
		r.ok(err)
		_, _, err = r.SignInWithLink(ctx, used, "", "")
		r.refused(err, fault.AuthLinkUsed, "")
		bubbleSleep(time.Hour)
		_, _, err = r.SignInWithLink(ctx, hour, "", "")
		r.refused(err, fault.AuthLinkUsed, "")
		bubbleSleep(23*time.Hour - time.Second)
		_, _, err = r.SignInWithLink(ctx, day, "", "")
		r.ok(err)
		last := link(0)
		bubbleSleep(LinkKeep)
		_, _, err = r.SignInWithLink(ctx, last, "", "")
		r.refused(err, fault.AuthLinkUsed, "")
		_, err = r.CreateLink(ctx, System(), 99, 0, once.Key{})
		r.refused(err, fault.OperatorNotFound, "")
	})
}

func TestSessionSlidesAndEnds(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, node func() *room) {
		ctx := context.Background()
		r.operator("ann@shop.example", RoleAdmin)
		token := r.signIn("ann@shop.example")
		// Used every 13 days it never ends.
		for range 4 {
			bubbleSleep(13 * 24 * time.Hour)
			actor, o, err := r.Authenticate(ctx, token)
			r.ok(err)
			if actor.Operator != o.ID || actor.Scope != ScopeAdmin || actor.Name != "ann" {
				t.Fatalf("actor %+v", actor)
			}
		}
		bubbleSleep(SessionKeep)
		_, _, err := r.Authenticate(ctx, token)
		r.refused(err, fault.AuthInvalid, "")

		// Signing out holds here at once, on another node within CacheFor.
		other := node()
		token = r.signIn("ann@shop.example")
		for _, n := range []*room{r, other} {
			_, _, err = n.Authenticate(ctx, token)
			r.ok(err)
		}
		r.ok(r.SignOut(ctx, token))
		_, _, err = r.Authenticate(ctx, token)
		r.refused(err, fault.AuthInvalid, "")
		bubbleSleep(CacheFor)
		_, _, err = other.Authenticate(ctx, token)
		r.refused(err, fault.AuthInvalid, "")
		r.ok(r.SignOut(ctx, "unknown"))
	})
}

func TestHotPathAsksTheDatabaseOncePerCacheTime(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, _ func() *room) {
		ctx := context.Background()
		r.operator("ann@shop.example", RoleAdmin)
		token := r.signIn("ann@shop.example")
		_, secretToken, err := r.CreateToken(ctx, System(), "ci", ScopeWrite, once.Key{})
		r.ok(err)
		both := func() error {
			if _, _, err := r.Authenticate(ctx, token); err != nil {
				return err
			}
			_, err := r.AuthenticateToken(ctx, secretToken.Reveal())
			return err
		}
		r.ok(both())
		r.db.Close() // whoever asks now fails
		bubbleSleep(CacheFor - time.Second)
		r.ok(both())
		bubbleSleep(time.Second)
		if err := both(); err == nil {
			t.Error("believed for longer than CacheFor")
		}
	})
}

func TestChangesOfAnOperatorAreSeenAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		r.operator("ann@shop.example", RoleAdmin)
		bob := r.operator("bob@shop.example", RoleAdmin)
		token := r.signIn("bob@shop.example")
		scope := func() string {
			a, o, err := r.Authenticate(ctx, token)
			r.ok(err)
			if o.Role == RoleAdmin && a.Scope != ScopeAdmin {
				t.Errorf("%s has scope %s", o.Role, a.Scope)
			}
			return a.Scope + " " + a.Name + " " + o.Status
		}
		if got := scope(); got != "admin bob offline" {
			t.Error(got)
		}
		_, err := r.Update(ctx, System(), bob.ID, OperatorChange{Role: new(RoleOperator), Alias: new("Bobby")})
		r.ok(err)
		r.ok(r.TabOpened(ctx, bob.ID, "t"))
		if got := scope(); got != "write Bobby online" {
			t.Error(got)
		}
	})
}

func TestChangedPasswordEndsTheOtherSessions(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		ctx := r.Context()
		ann := r.operator("ann@shop.example", RoleAdmin)
		mine, other := r.signIn("ann@shop.example"), r.signIn("ann@shop.example")
		for _, s := range []string{mine, other} {
			_, _, err := r.Authenticate(ctx, s)
			r.ok(err)
		}
		by := ActorOf(ann)
		fresh := secret.Of("another good password")
		r.refused(r.ChangePassword(ctx, by, secret.Of("wrong password"), fresh, mine), fault.AuthWrongPassword, "current")
		r.refused(r.ChangePassword(ctx, by, secret.Of(""), fresh, mine), fault.AuthWrongPassword, "current")
		r.refused(r.ChangePassword(ctx, by, secret.Of(goodPassword), secret.Of("too short"), mine), fault.PasswordWeak, "new")
		r.refused(r.ChangePassword(ctx, Actor{Token: 1, Scope: ScopeAdmin}, secret.Of(""), fresh, ""), fault.AuthDenied, "")
		r.ok(r.ChangePassword(ctx, by, secret.Of(goodPassword), fresh, mine))
		_, _, err := r.Authenticate(ctx, mine)
		r.ok(err)
		_, _, err = r.Authenticate(ctx, other)
		r.refused(err, fault.AuthInvalid, "")
		_, _, err = r.SignIn(ctx, "ann@shop.example", secret.Of(goodPassword), "", "")
		r.refused(err, fault.AuthWrongPassword, "")
		_, _, err = r.SignIn(ctx, "ann@shop.example", fresh, "", "")
		r.ok(err)

		// An admin sets somebody else's password: all of that one's sessions end.
		bob := r.operator("bob@shop.example", RoleOperator)
		token := r.signIn("bob@shop.example")
		_, _, err = r.Authenticate(ctx, token)
		r.ok(err)
		_, err = r.Update(ctx, by, bob.ID, OperatorChange{Password: new(fresh)})
		r.ok(err)
		_, _, err = r.Authenticate(ctx, token)
		r.refused(err, fault.AuthInvalid, "")
		_, _, err = r.SignIn(ctx, "bob@shop.example", fresh, "", "")
		r.ok(err)

		// Whoever came by a link has no password yet and needs none to set one.
		cat, err := r.Create(ctx, System(), NewOperator{Email: "cat@shop.example"}, once.Key{})
		r.ok(err)
		r.ok(r.ChangePassword(ctx, ActorOf(cat.Operator), secret.Of(""), fresh, ""))
		_, _, err = r.SignIn(ctx, "cat@shop.example", fresh, "", "")
		r.ok(err)
	})
}

func TestTokens(t *testing.T) {
	eachInBubble(t, func(t *testing.T, r *room, _ func() *room) {
		ctx := context.Background()
		ann := r.operator("ann@shop.example", RoleAdmin)
		made, plain, err := r.CreateToken(ctx, ActorOf(ann), " ci ", ScopeWrite, once.Key{})
		r.ok(err)
		if !strings.HasPrefix(plain.Reveal(), "pat_") || made.Prefix != plain.Reveal()[:8] || made.Name != "ci" || made.CreatedBy != ann.ID || made.CreatedByName != "ann" {
			t.Errorf("token %+v", made)
		}
		actor, err := r.AuthenticateToken(ctx, plain.Reveal())
		r.ok(err)
		if actor != (Actor{Token: made.ID, Name: "ci", Scope: ScopeWrite}) {
			t.Errorf("actor %+v", actor)
		}
		if p := actor.Party(); p.Type != event.BySystem || p.Name != "ci" {
			t.Errorf("party %+v", p)
		}
		used := func() time.Time {
			list, err := r.Tokens(ctx, System())
			r.ok(err)
			if len(list) != 1 {
				t.Fatalf("tokens %v", list)
			}
			return list[0].LastUsedAt
		}
		first := used()
		if first.IsZero() {
			t.Error("a use is not noted")
		}
		bubbleSleep(CacheFor)
		_, err = r.AuthenticateToken(ctx, plain.Reveal())
		r.ok(err)
		if !used().Equal(first) {
			t.Error("a use is noted more often than each minute")
		}
		bubbleSleep(CacheFor)
		_, err = r.AuthenticateToken(ctx, plain.Reveal())
		r.ok(err)
		if got := used().Sub(first); got != time.Minute {
			t.Errorf("the next note came after %v", got)
		}
		r.ok(r.RevokeToken(ctx, System(), made.ID))
		_, err = r.AuthenticateToken(ctx, plain.Reveal())
		r.refused(err, fault.AuthInvalid, "")
		r.refused(r.RevokeToken(ctx, System(), made.ID), fault.TokenNotFound, "")
		_, err = r.AuthenticateToken(ctx, "pat_guess")
		r.refused(err, fault.AuthInvalid, "")
		_, _, err = r.CreateToken(ctx, System(), "", "everything", once.Key{})
		r.refused(err, fault.FieldRequired, "name")
		if others := fault.As(err).Others; len(others) != 1 || others[0].Field != "scope" {
			t.Errorf("others %v", others)
		}
	})
}

// What was read before a revocation must not enter the cache after it.
func TestCacheForgetsWhatWasReadBeforeADrop(t *testing.T) {
	c := newCache()
	now := time.Unix(1000, 0)
	_, epoch, _ := c.get("h", now)
	c.dropHash("h")
	c.put("h", cached{until: now.Add(time.Minute)}, epoch)
	if _, _, ok := c.get("h", now); ok {
		t.Error("a stale answer was kept")
	}
}
