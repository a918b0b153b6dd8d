package contact

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/once"
	"parley/internal/team"
)

func TestSetFieldChangesOneKeyOfTheCustomData(t *testing.T) {
	by := team.Actor{Token: 1, Name: "Ann", Scope: team.ScopeWrite}
	each(t, "everything else stays as it is written, in its order", func(t *testing.T, h *house) {
		custom := event.RawJSON(`{"z":1.50,"a":{"<b>":[12345678901234567890,null]},"plan":"old"}`)
		c := h.make(t, Change{Custom: &custom})
		for _, step := range []struct{ name, value, want string }{
			{"plan", `gold "x" <b>`, `{"z":1.50,"a":{"<b>":[12345678901234567890,null]},"plan":"gold \"x\" <b>"}`},
			{"zip", "01234", `{"z":1.50,"a":{"<b>":[12345678901234567890,null]},"plan":"gold \"x\" <b>","zip":"01234"}`},
			{"a", "", `{"z":1.50,"plan":"gold \"x\" <b>","zip":"01234"}`},
			{"none", "", `{"z":1.50,"plan":"gold \"x\" <b>","zip":"01234"}`},
		} {
			got, err := h.desk.SetField(t.Context(), by, once.Key{}, c.ID, step.name, step.value)
			if err != nil || string(got.Custom) != step.want {
				t.Errorf("%s=%s: %s, %v", step.name, step.value, got.Custom, err)
			}
		}
		h.told(t, event.ContactCreated, event.ContactUpdated, event.ContactUpdated, event.ContactUpdated)
	})
	each(t, "a repeat with its key changes nothing", func(t *testing.T, h *house) {
		c := h.make(t, Change{})
		key := once.Key{Scope: "s", Value: "k"}
		for range 2 {
			if _, err := h.desk.SetField(t.Context(), by, key, c.ID, "a", "1"); err != nil {
				t.Fatal(err)
			}
			if _, err := h.desk.SetField(t.Context(), by, once.Key{}, c.ID, "a", "2"); err != nil {
				t.Fatal(err)
			}
		}
		h.told(t, event.ContactCreated, event.ContactUpdated, event.ContactUpdated)
	})
	each(t, "what does not fit is refused at its field, and nothing is stored", func(t *testing.T, h *house) {
		full := event.RawJSON(`{"a":"` + strings.Repeat("x", MaxCustomBytes-8) + `"}`)
		c := h.make(t, Change{Custom: &full})
		for _, bad := range []struct {
			name, value, field string
			code               fault.Code
		}{
			{"", "x", "field", fault.FieldInvalid},
			{strings.Repeat("k", MaxField+1), "x", "field", fault.FieldInvalid},
			{"k\n", "x", "field", fault.FieldInvalid},
			{"k", "\x00", "value", fault.TextInvalid},
			{"k", strings.Repeat("v", MaxFieldValue+1), "value", fault.TextTooLong},
			{"k", "v", "custom", fault.CustomTooLarge},
		} {
			_, err := h.desk.SetField(t.Context(), by, once.Key{}, c.ID, bad.name, bad.value)
			if f := fault.As(err); f.Code != bad.code || f.Field != bad.field {
				t.Errorf("%q=%.20q: %v", bad.name, bad.value, err)
			}
		}
		if _, err := h.desk.SetField(t.Context(), by, once.Key{}, 4711, "a", "b"); !fault.Is(err, fault.ContactNotFound) {
			t.Errorf("an unknown contact: %v", err)
		}
		if _, err := h.desk.SetField(t.Context(), team.Actor{Token: 1, Scope: team.ScopeRead}, once.Key{}, c.ID, "a", "b"); !fault.Is(err, fault.AuthScope) {
			t.Errorf("a reader: %v", err)
		}
		h.told(t, event.ContactCreated)
	})
}

func TestSetAdditionalKeepsTheNameAndTheOtherFields(t *testing.T) {
	by := team.Actor{Token: 1, Name: "Ann", Scope: team.ScopeWrite}
	each(t, "one after the other", func(t *testing.T, h *house) {
		var ch Change
		ch.Additional[1] = &event.Additional{Name: "Plan", Value: "silver"}
		c := h.make(t, ch)
		if _, err := h.desk.SetAdditional(t.Context(), by, once.Key{}, c.ID, 2, " gold "); err != nil {
			t.Fatal(err)
		}
		got, err := h.desk.SetAdditional(t.Context(), by, once.Key{}, c.ID, 3, "x")
		want := []event.Additional{{}, {Name: "Plan", Value: "gold"}, {Value: "x"}}
		if err != nil || len(got.Additional) != 3 || got.Additional[0] != want[0] || got.Additional[1] != want[1] || got.Additional[2] != want[2] {
			t.Errorf("%+v, %v", got, err)
		}
		h.told(t, event.ContactCreated, event.ContactUpdated, event.ContactUpdated)
	})
	each(t, "what does not fit is refused", func(t *testing.T, h *house) {
		c := h.make(t, Change{})
		for _, n := range []int{0, 4, -1} {
			if _, err := h.desk.SetAdditional(t.Context(), by, once.Key{}, c.ID, n, "x"); !fault.Is(err, fault.FieldInvalid) {
				t.Errorf("field %d: %v", n, err)
			}
		}
		_, err := h.desk.SetAdditional(t.Context(), by, once.Key{}, c.ID, 1, strings.Repeat("x", MaxAdditional+1))
		if f := fault.As(err); f.Code != fault.TextTooLong || f.Field != "additional01.value" {
			t.Errorf("%v", err)
		}
		h.told(t, event.ContactCreated)
	})
}

func FuzzWithField(f *testing.F) {
	f.Add(`{"a":1,"b":{"a":2}}`, "a", "x")
	f.Add(`{}`, "<&>", "\u2028")
	f.Add(`{"a":1,"a":2}`, "a", "")
	f.Add(`{"\u0061":[1.0]}`, "a", "é")
	f.Fuzz(func(t *testing.T, custom, name, value string) {
		checked, err := CheckCustom([]byte(custom))
		if err != nil || checkField(name, value) != nil {
			return
		}
		before, after := map[string]json.RawMessage{}, map[string]json.RawMessage{}
		if json.Unmarshal([]byte(checked), &before) != nil {
			return
		}
		got, err := withField(checked, name, value)
		if err != nil {
			t.Fatalf("%s: %v", checked, err)
		}
		if err := json.Unmarshal([]byte(got), &after); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		var text string
		if raw, ok := after[name]; ok != (value != "") || ok && (json.Unmarshal(raw, &text) != nil || text != value) {
			t.Fatalf("%q=%q in %s gives %s", name, value, checked, got)
		}
		delete(before, name)
		delete(after, name)
		if len(before) != len(after) {
			t.Fatalf("%s became %s", checked, got)
		}
		for k, v := range before {
			if !bytes.Equal(v, after[k]) {
				t.Fatalf("%q is %s, was %s", k, after[k], v)
			}
		}
	})
}
