package contact

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

func TestCheckCustom(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, row := range []struct {
		in, out string
		code    fault.Code
	}{
		{`{}`, `{}`, ""},
		{" { \"a\" : [ 1.50, 12345678901234567890, null, \"ü<\" ] }\n", `{"a":[1.50,12345678901234567890,null,"ü<"]}`, ""},
		{deep(MaxCustomDepth), deep(MaxCustomDepth), ""},
		{deep(MaxCustomDepth + 1), "", fault.CustomTooDeep},
		{strings.Repeat("[", 100000), "", fault.CustomTooLarge},
		{`{"a":"` + strings.Repeat("x", MaxCustomBytes-8) + `"}`, `{"a":"` + strings.Repeat("x", MaxCustomBytes-8) + `"}`, ""},
		{`{"a":"` + strings.Repeat("x", MaxCustomBytes-7) + `"}`, "", fault.CustomTooLarge},
		{``, "", fault.CustomInvalid},
		{`null`, "", fault.CustomInvalid},
		{`"x"`, "", fault.CustomInvalid},
		{`[]`, "", fault.CustomInvalid},
		{`{}{}`, "", fault.CustomInvalid},
		{`{} x`, "", fault.CustomInvalid},
		{`{"a":1,}`, "", fault.CustomInvalid},
		{`{"a"}`, "", fault.CustomInvalid},
		{`{'a':1}`, "", fault.CustomInvalid},
		{`{"a":NaN}`, "", fault.CustomInvalid},
		{`{`, "", fault.CustomInvalid},
		{`{"a":"\u0000"}`, "", fault.TextInvalid},
		{`{"a\u0000":1}`, "", fault.TextInvalid},
		{"{\"a\":\"\xff\"}", "", fault.TextInvalid},
		{"{\"a\":\"\x00\"}", "", fault.CustomInvalid},
	} {
		got, err := CheckCustom([]byte(row.in))
		if row.code == "" && (err != nil || string(got) != row.out) || row.code != "" && !fault.Is(err, row.code) {
			t.Errorf("CheckCustom(%.60q) = %.60q, %v; want %s", row.in, got, err, row.code)
		}
	}
}

func FuzzCheckCustom(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":"\u0000"}]}`, `{}{}`, `[[[[`, "{\"\xff\":1}", `{"a":1e999}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := CheckCustom(b)
		if err != nil {
			return
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(got), &v); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") || len(got) > MaxCustomBytes || !utf8.ValidString(string(got)) || v == nil {
			t.Errorf("%q became %q: %v", b, got, err)
		}
		if again, err := CheckCustom([]byte(got)); err != nil || again != got {
			t.Errorf("%q becomes %q, %v", got, again, err)
		}
	})
}

func TestNormalEmail(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "  ": "", " Ann@Example.COM ": "ann@example.com", "a+b@x.example": "a+b@x.example", "ünïcode@exämple.de": "ünïcode@exämple.de",
	} {
		if got, err := NormalEmail(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"ann", "@x.example", "ann@", "Ann <ann@x.example>", "<ann@x.example>", "a b@x.example", "\"a b\"@x.example", "ann@x.example, bob@x.example",
		"ann@x.example (comment)", "ann@x.example\nbcc: all@x.example", "a\x00@x.example", "\xff@x.example", strings.Repeat("a", 250) + "@x.example"} {
		if got, err := NormalEmail(in); err == nil {
			t.Errorf("%q was accepted as %q", in, got)
		}
	}
}

func FuzzNormalEmail(f *testing.F) {
	for _, s := range []string{"ann@example.com", "\"a\"@b", "a@[1.2.3.4]", "İ@x", "a@b,c@d", "Ⱥ@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := NormalEmail(s)
		if err != nil {
			return
		}
		if len(got) > MaxEmail || strings.ContainsAny(got, " <>\",;\r\n\x00") || got != "" && strings.Count(got, "@") != 1 {
			t.Errorf("%q became %q", s, got)
		}
		if again, err := NormalEmail(got); err != nil || again != got {
			t.Errorf("%q becomes %q, %v", got, again, err)
		}
	})
}

func TestChangeNamesAllBadFields(t *testing.T) {
	_, err := Change{Name: new("a\nb"), Phone: new(strings.Repeat("1", MaxPhone+1)), ExternalID: new("\xff"), Email: new("x"), Custom: new(event.RawJSON("[]"))}.Check("contact.")
	f := fault.As(err)
	var got []string
	for _, e := range append([]*fault.Error{f}, f.Others...) {
		got = append(got, e.Field+" "+string(e.Code))
	}
	want := []string{"contact.name text.invalid", "contact.phone text.too_long", "contact.external_id text.invalid", "contact.email field.invalid", "contact.custom custom.invalid"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

type house struct {
	d    *db.DB
	desk *Desk
	feed *feed.Feed
	mark id.Seq
}

var ann = team.Actor{Operator: 3, Name: "Ann", Scope: team.ScopeWrite}

func each(t *testing.T, sentence string, fn func(t *testing.T, h *house)) {
	t.Helper()
	t.Run(sentence, func(t *testing.T) {
		dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
			synctest.Test(t, func(t *testing.T) {
				d := open()
				defer d.Close()
				f := feed.New(d)
				fn(t, &house{d: d, feed: f, desk: New(d, f)})
			})
		})
	})
}

// told returns the events since the last look and fails the test unless they are of these types.
func (h *house) told(t *testing.T, want ...event.Type) []*event.Event {
	t.Helper()
	if h.d.Engine() == db.Postgres {
		if _, err := h.feed.NumberOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := h.feed.ReadAfter(t.Context(), h.mark, 100, feed.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var got []event.Type
	for _, e := range list {
		got = append(got, e.Type)
		h.mark = e.Seq
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("events (-want +got):\n%s", d)
	}
	return list
}

func (h *house) make(t *testing.T, ch Change) *event.Contact {
	t.Helper()
	var c *event.Contact
	err := h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
		c, err = h.desk.Create(ctx, tx, event.Party{Type: event.ByContact}, ch)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *house) token(t *testing.T, c id.Contact) (token string) {
	t.Helper()
	err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) (err error) {
		token, err = NewToken(tx, c, 7, Browser{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestContacts(t *testing.T) {
	each(t, "a new contact is told with what is known", func(t *testing.T, h *house) {
		c := h.make(t, Change{Name: new("Vera")})
		e := h.told(t, event.ContactCreated)[0]
		want := &event.Contact{ID: c.ID, UUID: c.UUID, Name: "Vera", Custom: "{}", CreatedAt: h.d.Now(), UpdatedAt: h.d.Now()}
		if d := cmp.Diff(want, e.Contact); d != "" || e.By != (event.Party{Type: event.ByContact, ID: int64(c.ID), Name: "Vera"}) {
			t.Errorf("by %+v (-want +got):\n%s", e.By, d)
		}
		if got, err := h.desk.Get(t.Context(), c.ID); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
	})
	each(t, "a change is told once, with who made it, and no change is not told", func(t *testing.T, h *house) {
		c := h.make(t, Change{})
		h.told(t, event.ContactCreated)
		time.Sleep(time.Second)
		ch := Change{Name: new(" Vera "), Email: new("V@x.example"), Phone: new("1"), ExternalID: new("u1"), Custom: new(event.RawJSON(`{ "a": "<" }`))}
		out, err := h.desk.Update(t.Context(), ann, once.Key{}, c.ID, ch)
		if err != nil {
			t.Fatal(err)
		}
		e := h.told(t, event.ContactUpdated)[0]
		want := &event.Contact{ID: c.ID, UUID: c.UUID, Name: "Vera", Email: "v@x.example", Phone: "1", ExternalID: "u1", Custom: `{"a":"<"}`, CreatedAt: c.CreatedAt, UpdatedAt: h.d.Now()}
		if d := cmp.Diff(want, e.Contact); d != "" || e.By != ann.Party() || !cmp.Equal(out, want) {
			t.Errorf("by %+v (-want +got):\n%s", e.By, d)
		}
		time.Sleep(time.Second)
		if again, err := h.desk.Update(t.Context(), ann, once.Key{}, c.ID, ch); err != nil || !cmp.Equal(again, want) {
			t.Errorf("%+v, %v", again, err)
		}
		h.told(t)
	})
	each(t, "a contact changes itself but never its external id", func(t *testing.T, h *house) {
		c := h.make(t, Change{Name: new("Vera")})
		h.told(t, event.ContactCreated)
		out, err := h.desk.UpdateSelf(t.Context(), c.ID, Change{Phone: new("2"), ExternalID: new("admin")})
		if err != nil || out.Phone != "2" || out.ExternalID != "" {
			t.Errorf("%+v, %v", out, err)
		}
		if e := h.told(t, event.ContactUpdated)[0]; e.By != (event.Party{Type: event.ByContact, ID: int64(c.ID), Name: "Vera"}) {
			t.Errorf("by %+v", e.By)
		}
	})
	each(t, "an external id belongs to one contact", func(t *testing.T, h *house) {
		h.make(t, Change{ExternalID: new("u1")})
		c := h.make(t, Change{})
		h.told(t, event.ContactCreated, event.ContactCreated)
		if _, err := h.desk.Update(t.Context(), ann, once.Key{}, c.ID, Change{ExternalID: new("u1"), Name: new("x")}); !fault.Is(err, fault.ContactExternal) || fault.As(err).Field != "external_id" {
			t.Error(err)
		}
		h.told(t)
		if got, err := h.desk.Get(t.Context(), c.ID); err != nil || got.Name != "" {
			t.Errorf("half of it is stored: %+v, %v", got, err)
		}
	})
	each(t, "bad data, readers and unknown contacts are refused", func(t *testing.T, h *house) {
		c := h.make(t, Change{})
		h.told(t, event.ContactCreated)
		for _, row := range []struct {
			by   team.Actor
			c    id.Contact
			ch   Change
			code fault.Code
		}{
			{ann, c.ID, Change{Name: new("x"), Email: new("x")}, fault.FieldInvalid},
			{team.Actor{Token: 1, Scope: team.ScopeRead}, c.ID, Change{Name: new("x")}, fault.AuthScope},
			{ann, 4711, Change{Name: new("x")}, fault.ContactNotFound},
		} {
			if _, err := h.desk.Update(t.Context(), row.by, once.Key{}, row.c, row.ch); !fault.Is(err, row.code) {
				t.Errorf("%v, want %s", err, row.code)
			}
		}
		if _, err := h.desk.Get(t.Context(), 4711); !fault.Is(err, fault.ContactNotFound) {
			t.Error(err)
		}
		h.told(t)
	})
	each(t, "a repeat with the same key changes nothing", func(t *testing.T, h *house) {
		c := h.make(t, Change{})
		key := once.Key{Scope: "s", Value: "k", Request: "r"}
		for _, name := range []string{"a", "b"} {
			if out, err := h.desk.Update(t.Context(), ann, key, c.ID, Change{Name: &name}); err != nil || out.Name != "a" {
				t.Errorf("%+v, %v", out, err)
			}
		}
		h.told(t, event.ContactCreated, event.ContactUpdated)
	})
}

func TestList(t *testing.T) {
	each(t, "contacts are found by address, external id and part of name or address", func(t *testing.T, h *house) {
		h.make(t, Change{Name: new("Ann Müller"), Email: new("ann@x.example")})
		h.make(t, Change{Name: new("ÄNNE 100%"), ExternalID: new("u_1")})
		h.make(t, Change{Name: new("bob!"), Email: new("bob@x.example")})
		h.make(t, Change{})
		for name, row := range map[string]struct {
			s    Search
			want []id.Contact
		}{
			"all":              {Search{}, []id.Contact{4, 3, 2, 1}},
			"before":           {Search{Before: 3}, []id.Contact{2, 1}},
			"email":            {Search{Email: " ANN@x.example "}, []id.Contact{1}},
			"external id":      {Search{ExternalID: "u_1"}, []id.Contact{2}},
			"letter case":      {Search{Text: " aNN "}, []id.Contact{1}},
			"umlaut":           {Search{Text: "müller"}, []id.Contact{1}},
			"as it is written": {Search{Text: "ÄNNE"}, []id.Contact{2}},
			"in the address":   {Search{Text: "X.EXAMPLE"}, []id.Contact{3, 1}},
			"a percent sign":   {Search{Text: "%"}, []id.Contact{2}},
			"an underscore":    {Search{Text: "_"}, nil},
			"an exclamation":   {Search{Text: "b!"}, []id.Contact{3}},
			"no text":          {Search{Text: "a\x00"}, nil},
			"no UTF-8":         {Search{Email: "\xff"}, nil},
			"two conditions":   {Search{Text: "ann", Email: "bob@x.example"}, nil},
		} {
			row.s.Limit = 10
			list, err := h.desk.List(t.Context(), row.s)
			if err != nil {
				t.Fatal(err)
			}
			var got []id.Contact
			for _, c := range list {
				got = append(got, c.ID)
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
		if list, err := h.desk.List(t.Context(), Search{Limit: 2}); err != nil || len(list) != 2 {
			t.Error(list, err)
		}
	})
}

func TestTokens(t *testing.T) {
	each(t, "a token is its contact's until it is signed out, and only its hash is stored", func(t *testing.T, h *house) {
		c := h.make(t, Change{})
		a, b := h.token(t, c.ID), h.token(t, c.ID)
		if v, err := h.desk.Authenticate(t.Context(), a); err != nil || v.Contact != c.ID || v.Widget != 7 || v.Mailed {
			t.Errorf("%+v, %v", v, err)
		}
		if err := h.desk.LogOut(t.Context(), a); err != nil {
			t.Error(err)
		}
		if _, err := h.desk.Authenticate(t.Context(), a); !fault.Is(err, fault.AuthInvalid) {
			t.Error(err)
		}
		if _, err := h.desk.Authenticate(t.Context(), b); err != nil {
			t.Error(err)
		}
		if err := h.desk.LogOut(t.Context(), "vt_unknown"); err != nil {
			t.Error(err)
		}
		err := h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			var n int
			if err := tx.One("SELECT COUNT(*) FROM contact_tokens WHERE token_hash = $1 OR token_hash = $2", []any{a, b}, &n); err != nil || n != 0 {
				t.Errorf("%d tokens are stored in plain, %v", n, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	each(t, "another external id signs every browser out, and another change none", func(t *testing.T, h *house) {
		c := h.make(t, Change{Name: new("Vera")})
		for _, row := range []struct {
			ch  Change
			out bool
		}{
			{Change{Name: new("Vera B")}, false}, {Change{ExternalID: new("u1")}, true}, {Change{ExternalID: new("u1"), Email: new("v@x.example")}, false},
			{Change{ExternalID: new("u2")}, true}, {Change{ExternalID: new("")}, true},
		} {
			token := h.token(t, c.ID)
			if _, err := h.desk.Update(t.Context(), ann, once.Key{}, c.ID, row.ch); err != nil {
				t.Fatal(err)
			}
			if _, err := h.desk.Authenticate(t.Context(), token); fault.Is(err, fault.AuthInvalid) != row.out {
				t.Errorf("%+v: %v", row.ch, err)
			}
		}
	})
	each(t, "what is no token is refused", func(t *testing.T, h *house) {
		for _, token := range []string{"", "vt_", "vt_x", "pat_x", strings.Repeat("x", 1<<20), "vt_" + strings.Repeat("x", 1<<20), "vt_\x00"} {
			if _, err := h.desk.Authenticate(t.Context(), token); !fault.Is(err, fault.AuthInvalid) {
				t.Errorf("%.10q: %v", token, err)
			}
		}
	})
	each(t, "revoking and pruning touch this contact's tokens only", func(t *testing.T, h *house) {
		a, b := h.make(t, Change{}), h.make(t, Change{})
		mine, other := h.token(t, a.ID), h.token(t, b.ID)
		err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			if err := RevokeTokens(tx, a.ID); err != nil {
				return err
			}
			return PruneTokens(tx, a.ID)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.desk.Authenticate(t.Context(), mine); !fault.Is(err, fault.AuthInvalid) {
			t.Error(err)
		}
		if _, err := h.desk.Authenticate(t.Context(), other); err != nil {
			t.Error(err)
		}
	})
}
