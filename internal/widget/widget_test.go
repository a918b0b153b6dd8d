package widget

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
)

func TestOriginAllowed(t *testing.T) {
	const own = "https://chat.example:8443/base"
	for _, row := range []struct {
		domains, origin string
		want            bool
	}{
		{"", "https://anything.example", true},
		{"", "null", true},
		{"shop.example", "https://shop.example", true},
		{"shop.example", "http://shop.example", true},
		{"shop.example", "https://shop.example:8080", true},
		{"shop.example", "HTTPS://Shop.Example", true},
		{"shop.example", "https://www.shop.example", false},
		{"shop.example", "https://myshop.example", false},
		{"shop.example", "https://shop.example.evil.example", false},
		{"shop.example", "https://evil.example", false},
		{"shop.example", "https://evil.example/shop.example", false},
		{"shop.example", "https://shop.example@evil.example", false},
		{"shop.example", "https://evil.example@shop.example", false},
		{"shop.example", "https://shop.example/", false},
		{"shop.example", "https://shop.example?x", false},
		{"shop.example", "https://shop.example#x", false},
		{"shop.example", "shop.example", false},
		{"shop.example", "ftp://shop.example", false},
		{"shop.example", "null", false},
		{"shop.example", "", false},
		{"shop.example", "file://", false},
		{"*.shop.example", "https://www.shop.example", true},
		{"*.shop.example", "https://a.b.shop.example", true},
		{"*.shop.example", "https://shop.example", false},
		{"*.shop.example", "https://.shop.example", false},
		{"*.shop.example", "https://evilshop.example", false},
		{"shop.example:8080", "https://shop.example:8080", true},
		{"shop.example:8080", "https://shop.example", false},
		{"shop.example:443", "https://shop.example", true},
		{"shop.example:443", "http://shop.example", false},
		{"shop.example:80", "http://shop.example", true},
		{"*.shop.example:8080", "https://www.shop.example:8080", true},
		{"*.shop.example:8080", "https://www.shop.example", false},
		{"a.example,shop.example", "https://shop.example", true},
		{"xn--mller-kva.example", "https://xn--mller-kva.example", true},
		{"127.0.0.1:3000", "http://127.0.0.1:3000", true},
		{"shop.example", "https://chat.example:8443", true},
		{"shop.example", "https://chat.example", false},
		{"shop.example", "http://chat.example:8443", false},
	} {
		var domains []string
		if row.domains != "" {
			domains = strings.Split(row.domains, ",")
		}
		if got := OriginAllowed(domains, row.origin, own); got != row.want {
			t.Errorf("domains %q, origin %q: %v", row.domains, row.origin, got)
		}
	}
	if !OriginAllowed([]string{"shop.example"}, "https://chat.example", "https://chat.example:443") || !OriginAllowed([]string{"shop.example"}, "https://chat.example", "https://Chat.example/") {
		t.Error("our own pages are refused for the way their address is written")
	}
	if OriginAllowed([]string{"shop.example"}, "https://x.example", "") {
		t.Error("an empty public URL allows everything")
	}
}

func FuzzOriginAllowed(f *testing.F) {
	f.Add("shop.example", "https://shop.example")
	f.Add("*.shop.example:8080", "http://a.shop.example:8080")
	f.Add("localhost", "http://localhost@evil")
	f.Add("[::1]", "http://[::1]:80")
	f.Fuzz(func(t *testing.T, domain, origin string) {
		d, ok := normalDomain(domain)
		if !ok {
			return
		}
		if again, ok := normalDomain(d); !ok || again != d {
			t.Errorf("%q is stored as %q, which is stored as %q", domain, d, again)
		}
		if !OriginAllowed([]string{d}, origin, "https://chat.invalid") {
			return
		}
		// Whatever was allowed ends, without scheme and port, in the domain as it is written.
		name, _, _ := strings.Cut(strings.TrimPrefix(d, "*."), ":")
		rest := strings.ToLower(origin)
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "https://"), "http://")
		host, _, _ := strings.Cut(rest, ":")
		if rest != "chat.invalid" && host != name && !(strings.HasPrefix(d, "*.") && strings.HasSuffix(host, "."+name)) || strings.ContainsAny(origin, "@/?#\\") && strings.Count(origin, "/") != 2 {
			t.Errorf("domain %q allows %q", d, origin)
		}
	})
}

func FuzzChange(f *testing.F) {
	f.Add("Shop", "#4F46E5", "Hello\nyou", "shop.example", 1800)
	f.Add("\x00", "red", "\xff", "https://x/", -1)
	f.Fuzz(func(t *testing.T, name, color, greeting, domain string, seconds int) {
		var w event.Widget
		if (Change{Name: &name, Color: &color, Greeting: &greeting, Domains: &[]string{domain, domain}, SessionTimeoutSeconds: &seconds}).apply(&w) != nil {
			return
		}
		before := w
		if err := (Change{Name: &before.Name, Color: &before.Color, Greeting: &before.Greeting, Domains: &before.Domains, SessionTimeoutSeconds: &seconds}).apply(&w); err != nil {
			t.Errorf("%+v is refused when it is sent back: %v", before, err)
		}
		if d := cmp.Diff(before, w); d != "" || len(w.Domains) != 1 {
			t.Errorf("a widget that is sent back changes:\n%s", d)
		}
	})
}

func TestSnippetIsOneScript(t *testing.T) {
	const want = `<script src="https://chat.example/widget/loader.js" data-widget="w_1" async></script>`
	for _, url := range []string{"https://chat.example", "https://chat.example/"} {
		if got := Snippet(url, "w_1"); got != want {
			t.Errorf("snippet %s", got)
		}
	}
}

type house struct {
	d    *db.DB
	desk *Desk
	feed *feed.Feed
	team *team.Desk
	mark id.Seq
}

func each(t *testing.T, sentence string, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Run(sentence, func(t *testing.T) {
		dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
			synctest.Test(t, func(t *testing.T) {
				d := open()
				defer d.Close()
				sealer, err := secret.NewSealer(make([]byte, 32))
				if err != nil {
					t.Fatal(err)
				}
				f := feed.New(d)
				fn(t, &house{d: d, feed: f, desk: New(Options{DB: d, Feed: f, Sealer: sealer}), team: team.New(team.Options{DB: d, Feed: f})})
			})
		})
	})
}

// told returns the events since the last look, which must be n times widget.updated.
func (h *house) told(t *testing.T, n int) []*event.Event {
	t.Helper()
	if _, err := h.feed.NumberOnce(t.Context()); h.d.Engine() == db.Postgres && err != nil {
		t.Fatal(err)
	}
	list, _, err := h.feed.ReadAfter(t.Context(), h.mark, 100, feed.Filter{Types: []event.Type{event.WidgetUpdated}})
	if err != nil || len(list) != n {
		t.Fatalf("%d events, want %d: %v", len(list), n, err)
	}
	if n > 0 {
		h.mark = list[n-1].Seq
	}
	return list
}

var admin = team.Actor{Operator: 1, Name: "Ann", Scope: team.ScopeAdmin}

func (h *house) make(t *testing.T) *event.Widget {
	t.Helper()
	w, err := h.desk.Create(t.Context(), team.System(), once.Key{}, Change{Name: new("Shop")})
	if err != nil {
		t.Fatal(err)
	}
	h.told(t, 1)
	return w
}

func TestCreate(t *testing.T) {
	each(t, "a new widget has defaults and a key of its own", func(t *testing.T, h *house) {
		a, err := h.desk.Create(t.Context(), admin, once.Key{}, Change{Name: new("  Shop ")})
		if err != nil {
			t.Fatal(err)
		}
		want := &event.Widget{ID: a.ID, Key: a.Key, Name: "Shop", Lang: "en", Domains: []string{}, Color: defaultColor, Position: "right", Title: "Chat with us", Theme: "auto",
			SessionTimeoutSeconds: 1800, RatingForm: event.RateStars, AskFeedback: true, Presence: event.PresenceAuto, UnansweredSeconds: 120, Active: true, CreatedAt: h.d.Now(), UpdatedAt: h.d.Now()}
		if d := cmp.Diff(want, a); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if e := h.told(t, 1)[0]; !cmp.Equal(e.Widget, a, cmp.Transformer("none", func(s []string) []string { return append([]string{}, s...) })) || e.By.Name != "Ann" {
			t.Errorf("event: %+v by %+v", e.Widget, e.By)
		}
		if b := h.make(t); b.Key == a.Key || !strings.HasPrefix(b.Key, "w_") || len(b.Key) != 18 {
			t.Errorf("keys %s and %s", a.Key, b.Key)
		}
		if got, err := h.desk.ByKey(t.Context(), a.Key); err != nil || got.ID != a.ID {
			t.Error(err)
		}
		if list, err := h.desk.List(t.Context()); err != nil || len(list) != 2 || list[0].ID != a.ID {
			t.Error(list, err)
		}
	})
	each(t, "bad settings are refused with all their fields, and nothing is stored", func(t *testing.T, h *house) {
		_, err := h.desk.Create(t.Context(), admin, once.Key{}, Change{
			Name: new(" "), Title: new(strings.Repeat("x", MaxTitle+1)), Greeting: new("a\x00"), Lang: new("xx"), Position: new("top"), Theme: new("pink"), Color: new("red"),
			Domains: &[]string{"https://shop.example/", "shop.example:99999", "müller.example"}, SessionTimeoutSeconds: new(29), IdentityRequired: new(true), Presence: new("on"),
			TranscriptHook: new("always"), UnansweredSeconds: new(9), Hours: &event.Hours{Timezone: "Berlin"}})
		f := fault.As(err)
		var fields []string
		for _, e := range append([]*fault.Error{f}, f.Others...) {
			fields = append(fields, e.Field)
		}
		want := "name title greeting lang position theme presence transcript_hook color session_timeout_seconds unanswered_seconds hours.timezone domains domains domains identity_required"
		if got := strings.Join(fields, " "); got != want {
			t.Errorf("fields %s, want %s", got, want)
		}
		if _, err := h.desk.Create(t.Context(), admin, once.Key{}, Change{}); !fault.Is(err, fault.FieldRequired) {
			t.Error(err)
		}
		if _, err := h.desk.Create(t.Context(), admin, once.Key{}, Change{Name: new("x"), GroupID: new(id.Group(7))}); !fault.Is(err, fault.GroupNotFound) || fault.As(err).Field != "group_id" {
			t.Error(err)
		}
		if _, err := h.desk.Create(t.Context(), team.Actor{Operator: 2, Scope: team.ScopeWrite}, once.Key{}, Change{Name: new("x")}); !fault.Is(err, fault.AuthDenied) {
			t.Error(err)
		}
		h.told(t, 0)
		if list, err := h.desk.List(t.Context()); err != nil || len(list) != 0 {
			t.Error(list, err)
		}
	})
	each(t, "a repeat with the same key gets the first widget", func(t *testing.T, h *house) {
		key := once.Key{Scope: "s", Value: "k", Request: "r"}
		a, err := h.desk.Create(t.Context(), admin, key, Change{Name: new("Shop")})
		if err != nil {
			t.Fatal(err)
		}
		b, err := h.desk.Create(t.Context(), admin, key, Change{Name: new("Shop")})
		if err != nil || b.ID != a.ID {
			t.Errorf("%+v, %v", b, err)
		}
		h.told(t, 1)
	})
}

func TestS114_SavingAChangedWidgetIsToldOnceAndAnUnchangedOneIsNot(t *testing.T) {
	each(t, "each setting counts as a change once", func(t *testing.T, h *house) {
		w := h.make(t)
		g, err := h.team.CreateGroup(t.Context(), team.System(), "Support", nil, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.desk.NewIdentitySecret(t.Context(), admin, once.Key{}, w.ID); err != nil {
			t.Fatal(err)
		}
		if e := h.told(t, 1)[0]; !e.Widget.HasIdentitySecret {
			t.Errorf("event: %+v", e.Widget)
		}
		for name, ch := range map[string]Change{
			"name": {Name: new("Other")}, "lang": {Lang: new("de")}, "group": {GroupID: &g.ID}, "domains": {Domains: &[]string{"Shop.Example", "shop.example"}}, "color": {Color: new("#ABCDEF")},
			"position": {Position: new("left")}, "title": {Title: new("Hi")}, "subtitle": {Subtitle: new("there")}, "greeting": {Greeting: new("Hello\nyou")}, "theme": {Theme: new("dark")},
			"time-out": {SessionTimeoutSeconds: new(60)}, "identity": {IdentityRequired: new(true)}, "presence": {Presence: new(event.PresenceManual)},
			"hours":        {Hours: &event.Hours{Timezone: "Europe/Berlin", Openings: []event.Opening{{Day: 5, From: 540, To: 1020}, {Day: 1, From: 0, To: 1440}}, Holidays: []event.Holiday{{Date: "2026-12-25", Name: " Christmas "}, {Date: "2026-01-01"}}}},
			"offline form": {OfflineForm: new(true)}, "alarm": {UnansweredSeconds: new(0)}, "transcript": {TranscriptHook: new(event.TranscriptOnReview)}, "visitors": {ShowVisitors: new(true)},
			"active": {Active: new(false)},
		} {
			out, err := h.desk.Update(t.Context(), admin, once.Key{}, w.ID, ch)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if d := cmp.Diff(out, h.told(t, 1)[0].Widget, cmp.Transformer("none", func(s []string) []string { return append([]string{}, s...) })); d != "" {
				t.Errorf("%s (-answer +event):\n%s", name, d)
			}
			if again, err := h.desk.Update(t.Context(), admin, once.Key{}, w.ID, ch); err != nil || !cmp.Equal(again, out) {
				t.Errorf("%s again: %v", name, err)
			}
			h.told(t, 0)
		}
		got, err := h.desk.Get(t.Context(), w.ID)
		if err != nil || strings.Join(got.Domains, " ") != "shop.example" {
			t.Errorf("%+v, %v", got, err)
		}
		want := &event.Hours{Timezone: "Europe/Berlin", Openings: []event.Opening{{Day: 1, From: 0, To: 1440}, {Day: 5, From: 540, To: 1020}}, Holidays: []event.Holiday{{Date: "2026-01-01"}, {Date: "2026-12-25", Name: "Christmas"}}}
		if d := cmp.Diff(want, got.Hours); d != "" || got.Presence != event.PresenceManual || !got.OfflineForm || got.UnansweredSeconds != 0 || got.TranscriptHook != event.TranscriptOnReview || !got.ShowVisitors {
			t.Errorf("%+v\n%s", got, d)
		}
		if got, err = h.desk.Update(t.Context(), admin, once.Key{}, w.ID, Change{Hours: &event.Hours{}}); err != nil || got.Hours != nil {
			t.Errorf("hours that were taken away: %+v, %v", got, err)
		}
		h.told(t, 1)
		if _, err := h.desk.ByKey(t.Context(), w.Key); !fault.Is(err, fault.WidgetInactive) {
			t.Error(err)
		}
	})
	each(t, "unknown widgets and keys are not found, and settings need an admin", func(t *testing.T, h *house) {
		w := h.make(t)
		if _, err := h.desk.Update(t.Context(), admin, once.Key{}, 4711, Change{}); !fault.Is(err, fault.WidgetNotFound) {
			t.Error(err)
		}
		if _, err := h.desk.NewIdentitySecret(t.Context(), admin, once.Key{}, 4711); !fault.Is(err, fault.WidgetNotFound) {
			t.Error(err)
		}
		if _, err := h.desk.Get(t.Context(), 4711); !fault.Is(err, fault.WidgetNotFound) {
			t.Error(err)
		}
		for _, key := range []string{"", "w_", "w_nothing", "w_x\x00", "w_\xff", strings.Repeat("w_", 1000)} {
			if _, err := h.desk.ByKey(t.Context(), key); !fault.Is(err, fault.WidgetNotFound) {
				t.Errorf("key %.20q: %v", key, err)
			}
		}
		reader := team.Actor{Token: 1, Scope: team.ScopeWrite}
		if _, err := h.desk.Update(t.Context(), reader, once.Key{}, w.ID, Change{Name: new("x")}); !fault.Is(err, fault.AuthScope) {
			t.Error(err)
		}
		if _, err := h.desk.NewIdentitySecret(t.Context(), reader, once.Key{}, w.ID); !fault.Is(err, fault.AuthScope) {
			t.Error(err)
		}
		h.told(t, 0)
	})
	each(t, "the identity secret is sealed, and a new one replaces it", func(t *testing.T, h *house) {
		w := h.make(t)
		if key, err := h.desk.IdentitySecret(t.Context(), w.ID); err != nil || !key.IsZero() {
			t.Errorf("%v, %v", key, err)
		}
		a, err := h.desk.NewIdentitySecret(t.Context(), admin, once.Key{}, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		b, err := h.desk.NewIdentitySecret(t.Context(), admin, once.Key{}, w.ID)
		if err != nil {
			t.Fatal(err)
		}
		if key, err := h.desk.IdentitySecret(t.Context(), w.ID); err != nil || key.Reveal() != b.Reveal() || a.Reveal() == b.Reveal() {
			t.Errorf("the secret is not the newest: %v", err)
		}
		err = h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			var stored string
			if err := tx.One("SELECT identity_secret FROM widgets", nil, &stored); err != nil {
				return err
			}
			if strings.Contains(stored, b.Reveal()) {
				t.Error("the secret is stored in plain")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
