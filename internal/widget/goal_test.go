package widget

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
)

func TestS109_WhatPageReachesAGoal(t *testing.T) {
	for _, row := range []struct {
		match, pattern, page string
		want                 bool
	}{
		{event.GoalExact, "https://shop.example/thanks", "https://shop.example/thanks", true},
		{event.GoalExact, "https://shop.example/thanks", "https://shop.example/thanks?order=7#top", true},
		{event.GoalExact, "https://shop.example/thanks", "https://shop.example/thanks/", false},
		{event.GoalExact, "https://shop.example/thanks", "http://shop.example/thanks", false},
		{event.GoalExact, "https://shop.example/thanks", "https://evil.example/?https://shop.example/thanks", false},
		{event.GoalExact, "https://shop.example/thanks?paid=1", "https://shop.example/thanks?paid=1#x", true},
		{event.GoalExact, "https://shop.example/thanks?paid=1", "https://shop.example/thanks?paid=10", false},
		{event.GoalExact, "https://shop.example/#/thanks", "https://shop.example/#/thanks", true},
		{event.GoalExact, "https://shop.example/#/thanks", "https://shop.example/#/thanks2", false},
		{event.GoalExact, "https://Shop.Example", "https://shop.example/", true},
		{event.GoalExact, "https://Shop.Example", "https://shop.example/a", false},
		{event.GoalExact, "/thanks", "https://any.example:8443/thanks?x", true},
		{event.GoalExact, "/thanks", "https://any.example/de/thanks", false},
		{event.GoalExact, "/", "https://any.example", true},
		{event.GoalExact, "/danke schön", "https://any.example/danke%20sch%C3%B6n", true},
		{event.GoalPrefix, "https://shop.example", "https://shop.example.evil/", false},
		{event.GoalPrefix, "https://shop.example/order/", "https://shop.example/order/7", true},
		{event.GoalPrefix, "/order/", "https://shop.example/order/7", true},
		{event.GoalPrefix, "/order/", "https://shop.example/x/order/7", false},
		{event.GoalContains, "paid=1", "https://shop.example/thanks?paid=1", true},
		{event.GoalContains, "PAID=1", "https://shop.example/thanks?paid=1", false},
		{event.GoalContains, "größe", "https://shop.example/gr%C3%B6%C3%9Fe", true},
		{event.GoalScript, "https", "https://shop.example/", false},
		{event.GoalContains, "shop", "", false},
	} {
		pattern := row.pattern
		if row.match == event.GoalExact || row.match == event.GoalPrefix {
			var ok bool
			if pattern, ok = normalPattern(pattern); !ok {
				t.Errorf("pattern %q is refused", row.pattern)
			}
		}
		g := event.Goal{ID: 1, Name: "Goal", Match: row.match, Pattern: pattern}
		if got := len(PageGoals(&event.Widget{Goals: []event.Goal{g}}, row.page)) == 1; got != row.want {
			t.Errorf("%s %q on %q: %v", row.match, row.pattern, row.page, got)
		}
	}
	w := &event.Widget{Goals: []event.Goal{{ID: 1, Match: event.GoalContains, Pattern: "order"}, {ID: 2, Match: event.GoalScript, Pattern: "order"}}}
	if g, ok := ScriptGoal(w, "order"); !ok || g.ID != 2 {
		t.Errorf("script goal: %+v, %v", g, ok)
	}
	if g, ok := ScriptGoal(w, "Order"); ok {
		t.Errorf("another key reaches %+v", g)
	}
}

func FuzzGoal(f *testing.F) {
	f.Add(event.GoalExact, "https://Shop.example", "https://shop.example/")
	f.Add(event.GoalPrefix, "/order\t", "https://shop.example/order")
	f.Add(event.GoalContains, " ü ", "https://shop.example/%C3%BC")
	f.Add(event.GoalScript, "a\nb", "")
	f.Fuzz(func(t *testing.T, match, pattern, page string) {
		var w event.Widget
		ch := Change{Goals: &[]event.Goal{{Name: "Goal", Match: match, Pattern: pattern}}}
		if ch.apply(&w) != nil {
			return
		}
		PageGoals(&w, page)
		w.Goals[0].ID = 1
		stored, err := decodeGoals(encodeGoals(w.Goals))
		if err != nil {
			t.Fatalf("%+v: %v", w.Goals, err)
		}
		if d := cmp.Diff(w.Goals, stored); d != "" {
			t.Errorf("stored otherwise (-checked +stored):\n%s", d)
		}
		again := w
		if err := (Change{Goals: &stored}).apply(&again); err != nil {
			t.Errorf("%+v is refused when it is sent back: %v", stored, err)
		}
		if d := cmp.Diff(w, again); d != "" {
			t.Errorf("a goal that is sent back changes:\n%s", d)
		}
		// A goal that names a site is never reached on another one.
		if scheme, rest, ok := strings.Cut(w.Goals[0].Pattern, "://"); ok && (match == event.GoalExact || match == event.GoalPrefix) && len(PageGoals(&w, page)) > 0 {
			host, _, _ := strings.Cut(rest, "/")
			if host = cutAt(host, "?#"); !strings.HasPrefix(page, scheme+"://"+host) {
				t.Errorf("%q is reached on %q", pattern, page)
			}
		}
	})
}

func FuzzSurvey(f *testing.F) {
	f.Add("Solved?", "Yes", "No")
	f.Add(" ", "", "a\u2028b")
	f.Fuzz(func(t *testing.T, question, a, b string) {
		var w event.Widget
		if (Change{Survey: &event.SurveyForm{Question: question, Options: []string{a, b}}}).apply(&w) != nil {
			return
		}
		if d := cmp.Diff(w.Survey, decodeSurvey(encodeSurvey(w.Survey))); d != "" {
			t.Errorf("stored otherwise (-checked +stored):\n%s", d)
		}
	})
}

func goals(list ...event.Goal) *[]event.Goal { return &list }

func TestGoalsSurveyAndRatingOfAWidget(t *testing.T) {
	thanks := event.Goal{Name: "Order", Match: event.GoalPrefix, Pattern: "/thanks"}
	news := event.Goal{Name: "Newsletter", Match: event.GoalScript, Pattern: "newsletter"}
	each(t, "goals get ids that stay, and no id twice", func(t *testing.T, h *house) {
		w, err := h.desk.Create(t.Context(), admin, once.Key{}, Change{Name: new("Shop"), Goals: goals(thanks, news)})
		if err != nil {
			t.Fatal(err)
		}
		if e := h.told(t, 1)[0]; !cmp.Equal(e.Widget.Goals, w.Goals) || len(w.Goals) != 2 || w.Goals[0].ID == 0 || w.Goals[0].ID == w.Goals[1].ID {
			t.Fatalf("goals %+v, told %+v", w.Goals, e.Widget.Goals)
		}
		other, err := h.desk.Create(t.Context(), admin, once.Key{}, Change{Name: new("Other"), Goals: goals(thanks)})
		if err != nil {
			t.Fatal(err)
		}
		h.told(t, 1)
		if other.Goals[0].ID == w.Goals[0].ID {
			t.Error("two widgets share a goal's id")
		}
		first, second := w.Goals[0], w.Goals[1]
		renamed := first
		renamed.Name = "Ordered"
		if w, err = h.desk.Update(t.Context(), admin, once.Key{}, w.ID, Change{Goals: goals(renamed, event.Goal{Name: "New", Match: event.GoalContains, Pattern: "paid"})}); err != nil {
			t.Fatal(err)
		}
		if e := h.told(t, 1)[0]; e.Widget.Goals[0] != renamed || e.Widget.Goals[1].ID <= second.ID || len(e.Widget.Goals) != 2 {
			t.Errorf("goals %+v", e.Widget.Goals)
		}
		if w, err = h.desk.Update(t.Context(), admin, once.Key{}, w.ID, Change{Goals: goals(renamed, news)}); err != nil {
			t.Fatal(err)
		}
		if h.told(t, 1); w.Goals[1].ID <= second.ID {
			t.Errorf("the id of a deleted goal is given again: %+v", w.Goals)
		}
		if _, err := h.desk.Update(t.Context(), admin, once.Key{}, w.ID, Change{Goals: goals(event.Goal{ID: other.Goals[0].ID, Name: "x", Match: event.GoalScript, Pattern: "x"})}); !fault.Is(err, fault.FieldInvalid) || fault.As(err).Field != "goals[0].id" {
			t.Error(err)
		}
		if w, err = h.desk.Update(t.Context(), admin, once.Key{}, w.ID, Change{Goals: goals()}); err != nil || w.Goals != nil {
			t.Errorf("%+v, %v", w, err)
		}
		if e := h.told(t, 1)[0]; e.Widget.Goals != nil {
			t.Errorf("goals %+v", e.Widget.Goals)
		}
	})
	each(t, "bad ones are refused with their fields, and nothing is stored", func(t *testing.T, h *house) {
		w := h.make(t)
		long := func(n int) string { return strings.Repeat("x", n+1) }
		_, err := h.desk.Update(t.Context(), admin, once.Key{}, w.ID, Change{
			RatingForm: new("hearts"),
			Survey:     &event.SurveyForm{Question: "a\nb", Options: []string{"Yes", "yes ", "", long(MaxOption), "a\tb"}},
			Goals: goals(
				event.Goal{Match: event.GoalExact}, event.Goal{Name: long(MaxGoalName), Match: event.GoalContains, Pattern: long(MaxPattern)},
				event.Goal{Name: "a", Match: event.GoalPrefix, Pattern: "shop.example"}, event.Goal{Name: "b", Match: event.GoalPrefix, Pattern: "https://user:pw@shop.example/"},
				event.Goal{Name: "c", Match: event.GoalScript, Pattern: "two words"}, event.Goal{Name: "d", Match: "regexp", Pattern: "x"},
				event.Goal{Name: "e", Match: event.GoalScript, Pattern: "key"}, event.Goal{Name: "f", Match: event.GoalScript, Pattern: "key"},
				event.Goal{ID: 99, Name: "g", Match: event.GoalScript, Pattern: "g"}, event.Goal{Name: "h\x00", Match: event.GoalContains, Pattern: "\xff"}),
		})
		f := fault.As(err)
		var fields []string
		for _, e := range append([]*fault.Error{f}, f.Others...) {
			fields = append(fields, e.Field)
		}
		want := "rating_form survey.question survey.options[1] survey.options[2] survey.options[3] survey.options[4] goals[0].name goals[0].pattern goals[1].name goals[1].pattern " +
			"goals[2].pattern goals[3].pattern goals[4].pattern goals[5].match goals[7].pattern goals[8].id goals[9].name goals[9].pattern"
		if got := strings.Join(fields, " "); got != want {
			t.Errorf("fields\n%s, want\n%s", got, want)
		}
		many := make([]event.Goal, MaxGoals+1)
		for i := range many {
			many[i] = event.Goal{Name: "x", Match: event.GoalScript, Pattern: fmt.Sprint("k", i)}
		}
		for field, ch := range map[string]Change{
			"goals":           {Goals: &many},
			"survey.options":  {Survey: &event.SurveyForm{Question: "Why?"}},
			"survey.question": {Survey: &event.SurveyForm{Options: []string{"Yes"}}},
		} {
			if _, err := h.desk.Update(t.Context(), admin, once.Key{}, w.ID, ch); err == nil || fault.As(err).Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		many = many[:MaxGoals]
		out, err := h.desk.Update(t.Context(), admin, once.Key{}, w.ID, Change{Goals: &many})
		if err != nil || len(out.Goals) != MaxGoals {
			t.Fatal(err)
		}
		h.told(t, 1)
	})
}

func TestS114_SettingsAfterAChatCountAsChangesOnce(t *testing.T) {
	each(t, "each counts once, and saving what was read changes nothing", func(t *testing.T, h *house) {
		w := h.make(t)
		if w.RatingForm != event.RateStars || !w.AskFeedback || w.PrivacyMode || w.Survey != nil || w.Goals != nil {
			t.Errorf("a new widget: %+v", w)
		}
		for _, ch := range []Change{
			{PrivacyMode: new(true)}, {RatingForm: new(event.RateThumbs)}, {RatingForm: new("")}, {AskFeedback: new(false)},
			{Survey: &event.SurveyForm{Question: " Solved? ", Options: []string{"Yes", " No"}}}, {Survey: &event.SurveyForm{Question: "Solved?", Options: []string{"No", "Yes"}}},
			{Survey: &event.SurveyForm{}},
			{Goals: goals(event.Goal{Name: "Order", Match: event.GoalExact, Pattern: "HTTPS://Shop.Example"})}, {Goals: goals()},
		} {
			out, err := h.desk.Update(t.Context(), admin, once.Key{}, w.ID, ch)
			if err != nil {
				t.Fatalf("%+v: %v", ch, err)
			}
			if d := cmp.Diff(out, h.told(t, 1)[0].Widget, cmp.Transformer("none", func(s []string) []string { return append([]string{}, s...) })); d != "" {
				t.Errorf("(-answer +event):\n%s", d)
			}
			if read, err := h.desk.ByKey(t.Context(), w.Key); err != nil || !cmp.Equal(read, out) {
				t.Errorf("read %+v, %v", read, err)
			}
			survey := event.SurveyForm{}
			if out.Survey != nil {
				survey = *out.Survey
			}
			for _, again := range []Change{ch, {PrivacyMode: &out.PrivacyMode, RatingForm: &out.RatingForm, AskFeedback: &out.AskFeedback, Survey: &survey, Goals: &out.Goals}} {
				if got, err := h.desk.Update(t.Context(), admin, once.Key{}, w.ID, again); err != nil || !cmp.Equal(got, out) {
					t.Errorf("%+v again: %v", again, err)
				}
				h.told(t, 0)
			}
		}
	})
}

// Every message of a visitor reads its widget by the key.
func BenchmarkWidgetWithGoals(b *testing.B) {
	var list []event.Goal
	for i := range MaxGoals {
		list = append(list, event.Goal{ID: id.Goal(i + 1), Name: fmt.Sprint("Goal ", i), Match: event.GoalPrefix, Pattern: fmt.Sprintf("https://shop.example/thanks/%d", i)})
	}
	text := encodeGoals(list)
	for b.Loop() {
		got, err := decodeGoals(text)
		if err != nil || len(PageGoals(&event.Widget{Goals: got}, "https://shop.example/about")) != 0 {
			b.Fatal(err)
		}
	}
}
