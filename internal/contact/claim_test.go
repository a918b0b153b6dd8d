package contact

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

func TestWhatAPageClaims(t *testing.T) {
	for _, row := range []struct {
		id, traits string
		want       Change
	}{
		{"", "", Change{}},
		{" user1234 ", "", Change{ClaimedID: new("user1234")}},
		{"user1234", `{ "custom stuff": "things" }`, Change{ClaimedID: new("user1234"), Custom: new(event.RawJSON(`{"custom stuff":"things"}`))}},
		{"u", ` { } `, Change{ClaimedID: new("u")}},
		{"u", `{"name":" Ann ","email":"ANN@x.example","phone":"+49","big":1e999}`, Change{ClaimedID: new("u"), Name: new("Ann"), Email: new("ann@x.example"), Phone: new("+49"),
			Custom: new(event.RawJSON(`{"name":" Ann ","email":"ANN@x.example","phone":"+49","big":1e999}`))}},
		{"u", `{"name":"","email":" ","phone":null}`, Change{ClaimedID: new("u"), Custom: new(event.RawJSON(`{"name":"","email":" ","phone":null}`))}},
		{"u", `{"name":7,"email":{"a":1},"phone":4930123}`, Change{ClaimedID: new("u"), Custom: new(event.RawJSON(`{"name":7,"email":{"a":1},"phone":4930123}`))}},
	} {
		got, err := Claim{row.id, event.RawJSON(row.traits)}.Change()
		if d := cmp.Diff(row.want, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", row.traits, err, d)
		}
	}
	for _, row := range []struct {
		id, traits, want string
	}{
		{strings.Repeat("x", MaxExternalID+1), "", "claimed.id text.too_long"},
		{"a\nb", "", "claimed.id text.invalid"},
		{"u", `[]`, "claimed.traits custom.invalid"},
		{"u", `{"a":`, "claimed.traits custom.invalid"},
		{"u", `{"name":"` + strings.Repeat("x", MaxName+1) + `"}`, "claimed.traits text.too_long"},
		{"u", `{"name":"a\u0007","email":"nobody"}`, "claimed.traits text.invalid"},
		{"u", `{"email":"nobody"}`, "claimed.traits field.invalid"},
		{"u", strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9), "claimed.traits custom.too_deep"},
		{"\x00", `{"email":"nobody"}`, "claimed.id text.invalid claimed.traits field.invalid"},
	} {
		_, err := Claim{row.id, event.RawJSON(row.traits)}.Change()
		if err == nil {
			t.Errorf("%q, %s is taken", row.id, row.traits)
			continue
		}
		f := fault.As(err)
		got := fmt.Sprint(f.Field, " ", f.Code)
		for _, o := range f.Others {
			got += fmt.Sprint(" ", o.Field, " ", o.Code)
		}
		if got != row.want {
			t.Errorf("%q, %s: %s, want %s", row.id, row.traits, got, row.want)
		}
	}
}

// Whatever a page claims either is refused at a field of the claim or passes the checks of every change.
func FuzzClaim(f *testing.F) {
	f.Add("user1234", `{"custom stuff":"things"}`)
	f.Add(" ", `{"name":"a\u0000","email":"A@B.example","phone":[]}`)
	f.Add("\xff", `{"name":1e999,"name":"b"}`)
	f.Fuzz(func(t *testing.T, id, traits string) {
		ch, err := Claim{id, event.RawJSON(traits)}.Change()
		if err != nil {
			for _, e := range append([]*fault.Error{fault.As(err)}, fault.As(err).Others...) {
				if e.Field != "claimed.id" && e.Field != "claimed.traits" {
					t.Errorf("%v at %q", e, e.Field)
				}
			}
			return
		}
		again, err := ch.Check("")
		if err != nil || !cmp.Equal(ch, again) {
			t.Errorf("%+v becomes %+v, %v", ch, again, err)
		}
		if ch.ExternalID != nil || ch.Additional != (Change{}).Additional {
			t.Errorf("a claim sets %+v", ch)
		}
	})
}

func TestOneChangeOverAnother(t *testing.T) {
	a := Change{Name: new("Ann"), Custom: new(event.RawJSON(`{"a":1}`)), Additional: [3]*event.Additional{1: {Name: "x"}}}
	b := Change{Name: new("Bob"), Email: new("b@x.example"), ClaimedID: new("b"), Custom: new(event.RawJSON(`{"b":1}`)), Additional: [3]*event.Additional{{Name: "y"}, {Name: "z"}}}
	want := Change{Name: a.Name, Email: b.Email, ClaimedID: b.ClaimedID, Custom: a.Custom, Additional: [3]*event.Additional{b.Additional[0], a.Additional[1]}}
	if d := cmp.Diff(want, a.Or(b)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !cmp.Equal(b.Or(Change{}), b) || !cmp.Equal(Change{}.Or(b), b) {
		t.Error("nothing over something")
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{
		"United States": "united-states", "Costa Mesa": "costa-mesa", "Köln": "koln", "São Paulo": "sao-paulo", "Łódź": "lodz", "Straße": "strasse", "Tromsø": "tromso",
		"Reykjavík": "reykjavik", "Þórshöfn": "thorshofn", "L'Aquila": "laquila", "St. John's": "st-johns", "Baden-Württemberg": "baden-wurttemberg", "  Foo -- Bar ": "foo-bar",
		"東京": "", "": "", "---": "", "İstanbul": "istanbul", "Diyarbakır": "diyarbakir", "Côte d’Ivoire": "cote-divoire", "10th of Ramadan": "10th-of-ramadan", "a\x00b\xff": "a-b",
	} {
		if got := slug(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestS137_TheHandleOfAPlace(t *testing.T) {
	for _, row := range []struct {
		visit event.Visit
		want  string
	}{
		{event.Visit{Country: "United States", CountryCode: "US"}, "united-states-27"},
		{event.Visit{City: "Costa Mesa", Region: "California", Country: "United States", CountryCode: "US"}, "costa-mesa-california-us-27"},
		{event.Visit{City: "Berlin", Country: "Germany", CountryCode: "DE"}, "berlin-de-27"},
		{event.Visit{City: "Berlin"}, "berlin-27"},
		{event.Visit{Region: "California", CountryCode: "US"}, "visitor-27"},
		{event.Visit{City: "東京", Country: "Japan", CountryCode: "JP"}, "japan-27"},
		{event.Visit{City: "Berlin", Country: "Germany", Private: true}, "visitor-27"},
		{event.Visit{}, "visitor-27"},
		{event.Visit{City: "Stuttgart", Region: "Baden-Württemberg and more words", CountryCode: "DE"}, "stuttgart-baden-wurttemberg-and-more-de-27"},
		{event.Visit{City: strings.Repeat("x", 99), Region: "y", CountryCode: "DE"}, strings.Repeat("x", 37) + "-de-27"},
		{event.Visit{Country: "United Kingdom of Great Britain and Northern Ireland"}, "united-kingdom-of-great-britain-and-27"},
		{event.Visit{Country: strings.Repeat("x", 99)}, strings.Repeat("x", 40) + "-27"},
	} {
		if got := handleOf(27, row.visit); got != row.want {
			t.Errorf("%+v: %s, want %s", row.visit, got, row.want)
		}
	}
}

func FuzzHandle(f *testing.F) {
	f.Add("Costa Mesa", "California", "United States", "US")
	f.Add("ﬀ", "½", "\u0301", "\xff")
	f.Add(strings.Repeat("x-", 40), "İ", "K", "ß")
	f.Fuzz(func(t *testing.T, city, region, country, code string) {
		h := handleOf(27, event.Visit{City: city, Region: region, Country: country, CountryCode: code})
		place, ok := strings.CutSuffix(h, "-27")
		if !ok || place == "" || len(place) > maxSlug || strings.Trim(place, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Trim(place, "-") != place || strings.Contains(place, "--") {
			t.Errorf("%q", h)
		}
	})
}

func TestHandles(t *testing.T) {
	give := func(t *testing.T, h *house, c *event.Contact, v event.Visit) {
		t.Helper()
		if err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return GiveHandle(tx, c, v) }); err != nil {
			t.Fatal(err)
		}
	}
	read := func(t *testing.T, h *house, c id.Contact) *event.Contact {
		t.Helper()
		out, err := h.desk.Get(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	us := event.Visit{Country: "United States"}
	each(t, "a contact gets one and keeps it for life, whatever becomes of it", func(t *testing.T, h *house) {
		c := h.make(t, Change{Name: new("Ann"), ClaimedID: new("user1234")})
		stale := *c
		if c.Handle != "" || c.ClaimedID != "user1234" {
			t.Errorf("%+v", c)
		}
		give(t, h, c, us)
		want := fmt.Sprintf("united-states-%d", c.ID)
		if got := read(t, h, c.ID); c.Handle != want || got.Handle != want || got.ClaimedID != "user1234" {
			t.Errorf("%+v, %+v", c, got)
		}
		give(t, h, c, event.Visit{Country: "Germany"})
		if err := h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			old := stale // read before the handle was given
			if err := h.desk.Change(ctx, tx, event.Party{Type: event.BySystem}, &old, Change{Phone: new("1")}); err != nil {
				return err
			}
			old = stale
			if err := GiveHandle(tx, &old, event.Visit{Country: "Germany"}); err != nil || old.Handle != want {
				t.Errorf("a second one: %s, %v", old.Handle, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got := read(t, h, c.ID); got.Handle != want {
			t.Errorf("%s, want %s", got.Handle, want)
		}
	})
	each(t, "an unknown place stays unknown, and a private visit tells none", func(t *testing.T, h *house) {
		for _, v := range []event.Visit{{}, {Country: "Germany", Private: true}} {
			c := h.make(t, Change{})
			give(t, h, c, v)
			give(t, h, c, us)
			if want := fmt.Sprintf("visitor-%d", c.ID); read(t, h, c.ID).Handle != want || c.Handle != want {
				t.Errorf("%s, want %s", c.Handle, want)
			}
		}
	})
	each(t, "erasing takes the place and the claimed id away", func(t *testing.T, h *house) {
		c := h.make(t, Change{ClaimedID: new("user1234")})
		give(t, h, c, us)
		if err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			live, err := LockLive(tx, c.ID)
			if err != nil {
				return err
			}
			*c = *live
			return Erase(tx, c)
		}); err != nil {
			t.Fatal(err)
		}
		got, want := read(t, h, c.ID), fmt.Sprintf("visitor-%d", c.ID)
		if got.Handle != want || c.Handle != want || got.ClaimedID != "" || !cmp.Equal(got, c) {
			t.Errorf("%+v", got)
		}
	})
	each(t, "a visitor's own change may claim an id, which signs nobody out", func(t *testing.T, h *house) {
		c := h.make(t, Change{})
		token := h.token(t, c.ID)
		got, err := h.desk.UpdateSelf(t.Context(), c.ID, Change{ClaimedID: new("user1234"), ExternalID: new("user1234")})
		if err != nil || got.ClaimedID != "user1234" || got.ExternalID != "" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := h.desk.Authenticate(t.Context(), token); err != nil {
			t.Error(err)
		}
		if e := h.told(t, event.ContactCreated, event.ContactUpdated); e[1].Contact.ClaimedID != "user1234" {
			t.Errorf("%+v", e[1].Contact)
		}
		other := h.make(t, Change{ClaimedID: new("user1234")}) // it is no proof, so it need not be unique
		if other.ID == c.ID {
			t.Error("a claim merged two contacts")
		}
	})
}
