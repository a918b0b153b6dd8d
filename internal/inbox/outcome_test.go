package inbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

func (h *house) set(t *testing.T, ch widget.Change) {
	t.Helper()
	w, err := h.widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, ch)
	if err != nil {
		t.Fatal(err)
	}
	h.widget = w
	h.events(t)
}

// seen takes the answer of a contact's command that must succeed and be what they read afterwards.
func (h *house) seen(t *testing.T, c id.Contact) func(*View, error) *View {
	return func(v *View, err error) *View {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(h.own(t, c, v.ID), v); d != "" {
			t.Errorf("the answer is not what the contact reads afterwards (-read +answer):\n%s", d)
		}
		return v
	}
}

// textsOf are the texts and types of an event's messages, in order.
func textsOf(e *event.Event) string {
	var out []string
	for _, m := range e.Messages {
		out = append(out, m.Type+" "+m.Body)
	}
	return strings.Join(out, ", ")
}

func (h *house) refusesStrangers(t *testing.T, p *ContactPosted, fn func(c id.Contact, conversation id.Conversation) error) {
	t.Helper()
	stranger := h.visitor(t)
	h.refused(t, fault.ConversationNotFound, "", func() error { return fn(stranger.Contact.ID, p.Conversation.ID) })
	h.refused(t, fault.ConversationNotFound, "", func() error { return fn(p.Contact.ID, 4711) })
}

func TestS106_AContactRatesAndTheValueIsTold(t *testing.T) {
	each(t, "a rating is in the event, the session, the conversation and the thread, and carries the session's messages and notes", func(t *testing.T, h *house) {
		p := h.visitor(t)
		h.reply(t, h.ann, p.Conversation.ID, "Hi")
		if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: p.Conversation.ID, Body: "regular", Note: true}); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		v := h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 5))
		e := h.told(t, event.RatingGiven)[0]
		want := &event.Rating{Value: 5, Form: event.RateStars}
		if d := cmp.Diff(want, e.Session.Rating); d != "" || e.Conversation.Rating != 5 || v.Rating != 5 || !cmp.Equal(v.Session.Rating, want) {
			t.Errorf("session %+v, conversation %+v", e.Session, e.Conversation)
		}
		if m := e.Message; m.Type != event.TypeRating || m.Note || m.Entry.Name != "rating" || !cmp.Equal(m.Entry.Rating, want) || m.Sender.Type != event.ByContact || m.Body != "" {
			t.Errorf("thread entry %+v", m)
		}
		if got := textsOf(e); got != "message Hello, message Hi, rating " || !slices.Equal(e.Notes, []string{"regular"}) || e.By.ID != int64(p.Contact.ID) {
			t.Errorf("messages %q, notes %q", got, e.Notes)
		}
		if last := v.Visible; last.Type != event.TypeRating || last.Entry.Rating.Value != 5 {
			t.Errorf("the contact sees %+v", last)
		}
	})
	each(t, "the same value is no event, another one replaces it and is told again", func(t *testing.T, h *house) {
		p := h.visitor(t)
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 2))
		h.told(t, event.RatingGiven)
		h.unchanged(t, func() error {
			_, err := h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 2)
			return err
		})
		v := h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 4))
		if e := h.told(t, event.RatingGiven)[0]; e.Session.Rating.Value != 4 || v.Rating != 4 || v.Session.Rating.Value != 4 {
			t.Errorf("rating %+v, %+v", e.Session.Rating, v.Session.Rating)
		}
	})
	each(t, "an ended session can be rated, and the next one has its own rating", func(t *testing.T, h *house) {
		p := h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.events(t)
		v := h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 1))
		if e := h.told(t, event.RatingGiven)[0]; v.Status != event.StatusEnded || e.Session.EndedAt.IsZero() || e.Session.Number != 1 {
			t.Errorf("%s, session %+v", v.Status, e.Session)
		}
		again := h.post("once more")
		again.Contact, again.Conversation, again.Reopen = p.Contact.ID, p.Conversation.ID, true
		if out := h.send(t, again); out.Conversation.Session.Rating != nil || out.Conversation.Rating != 1 {
			t.Errorf("%+v of %+v", out.Conversation.Session.Rating, out.Conversation)
		}
		h.events(t)
		v = h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 1))
		if e := h.told(t, event.RatingGiven)[0]; e.Session.Number != 2 || v.Session.Rating.Value != 1 {
			t.Errorf("session %+v", e.Session)
		}
	})
	each(t, "thumbs are 1 or 5, and what the widget does not ask for is refused", func(t *testing.T, h *house) {
		p := h.visitor(t)
		rate := func(value int) func() error {
			return func() error {
				_, err := h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, value)
				return err
			}
		}
		for _, value := range []int{-1, 0, 6, 1 << 40} {
			h.refused(t, fault.FieldInvalid, "value", rate(value))
		}
		h.set(t, widget.Change{RatingForm: new(event.RateThumbs)})
		h.refused(t, fault.FieldInvalid, "value", rate(3))
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 5))
		if e := h.told(t, event.RatingGiven)[0]; *e.Session.Rating != (event.Rating{Value: 5, Form: event.RateThumbs}) {
			t.Errorf("rating %+v", e.Session.Rating)
		}
		h.set(t, widget.Change{RatingForm: new("")})
		h.refused(t, fault.WidgetNotAsked, "", rate(4))
		h.refusesStrangers(t, p, func(c id.Contact, conversation id.Conversation) error {
			_, err := h.desk.Rate(t.Context(), c, conversation, 5)
			return err
		})
	})
}

func TestS107_FeedbackIsToldAlsoAsACallOfItsOwn(t *testing.T) {
	each(t, "after the rating, in its own event", func(t *testing.T, h *house) {
		p := h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 3))
		h.events(t)
		time.Sleep(48 * time.Hour)
		v := h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, "  Ann was\n <b>great</b> "))
		e := h.told(t, event.FeedbackGiven, event.ReviewGiven)[0]
		if e.Session.Feedback != "Ann was\n <b>great</b>" || v.Session.Feedback != e.Session.Feedback || e.Session.Rating.Value != 3 {
			t.Errorf("session %+v", e.Session)
		}
		if m := e.Message; m.Type != event.TypeFeedback || m.Body != e.Session.Feedback || m.Entry.Name != "feedback" || m.Sender.Type != event.ByContact {
			t.Errorf("thread entry %+v", m)
		}
		if got := textsOf(e); !strings.HasPrefix(got, "message Hello, event , rating , feedback Ann") {
			t.Errorf("messages %q", got)
		}
	})
	each(t, "without a rating, replaced by another text and not told twice", func(t *testing.T, h *house) {
		p := h.visitor(t)
		for _, text := range []string{"good", "bad"} {
			h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, text))
			if e := h.told(t, event.FeedbackGiven, event.ReviewGiven)[0]; e.Session.Feedback != text || e.Session.Rating != nil {
				t.Errorf("session %+v", e.Session)
			}
			h.unchanged(t, func() error {
				_, err := h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, text+" ")
				return err
			})
		}
	})
	each(t, "bad texts, strangers and widgets that do not ask are refused", func(t *testing.T, h *house) {
		p := h.visitor(t)
		say := func(text string) func() error {
			return func() error {
				_, err := h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, text)
				return err
			}
		}
		h.refused(t, fault.FieldRequired, "text", say(" \n"))
		h.refused(t, fault.TextInvalid, "text", say("a\x00"))
		h.refused(t, fault.TextInvalid, "text", say("\xff"))
		h.refused(t, fault.TextTooLong, "text", say(strings.Repeat("ü", MaxFeedback+1)))
		h.refusesStrangers(t, p, func(c id.Contact, conversation id.Conversation) error {
			_, err := h.desk.Feedback(t.Context(), c, conversation, "hm")
			return err
		})
		h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, strings.Repeat("ü", MaxFeedback)))
		h.set(t, widget.Change{AskFeedback: new(false)})
		h.refused(t, fault.WidgetNotAsked, "", say("more"))
	})
}

func TestS108_TheSurveyIsAnsweredAfterTheEndOnce(t *testing.T) {
	each(t, "question and option are told once, the same answer again changes nothing, another is refused", func(t *testing.T, h *house) {
		p := h.visitor(t)
		answer := func(option string) func() error {
			return func() error {
				_, err := h.desk.AnswerSurvey(t.Context(), p.Contact.ID, p.Conversation.ID, option)
				return err
			}
		}
		h.refused(t, fault.ConversationNotEnded, "", answer("Yes"))
		h.did(t)(h.desk.End(t.Context(), h.token, once.Key{}, p.Conversation.ID))
		h.events(t)
		for _, option := range []string{"", "yes", "Maybe", "Yes\x00", strings.Repeat("x", 5000)} {
			h.refused(t, fault.FieldInvalid, "option", answer(option))
		}
		v := h.seen(t, p.Contact.ID)(h.desk.AnswerSurvey(t.Context(), p.Contact.ID, p.Conversation.ID, "Yes"))
		e := h.told(t, event.SurveyAnswered)[0]
		want := &event.Survey{Question: "Solved?", Option: "Yes"}
		if !cmp.Equal(e.Session.Survey, want) || !cmp.Equal(v.Session.Survey, want) || !cmp.Equal(e.Message.Entry.Survey, want) || e.Message.Type != event.TypeSurvey {
			t.Errorf("session %+v, entry %+v", e.Session.Survey, e.Message)
		}
		if got := textsOf(e); got != "message Hello, event , survey " {
			t.Errorf("messages %q", got)
		}
		h.unchanged(t, answer("Yes"))
		h.refused(t, fault.SurveyAnswered, "", answer("No"))
	})
	each(t, "the end of a session alone is not enough, a foreign conversation is not found, and no survey is no question", func(t *testing.T, h *house) {
		p := h.visitor(t)
		time.Sleep(2 * half)
		if n, err := h.desk.ExpireOnce(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		h.events(t)
		answer := func() error {
			_, err := h.desk.AnswerSurvey(t.Context(), p.Contact.ID, p.Conversation.ID, "Yes")
			return err
		}
		h.refused(t, fault.ConversationNotEnded, "", answer)
		h.seen(t, p.Contact.ID)(h.desk.EndByContact(t.Context(), p.Contact.ID, p.Conversation.ID))
		h.events(t)
		h.refusesStrangers(t, p, func(c id.Contact, conversation id.Conversation) error {
			_, err := h.desk.AnswerSurvey(t.Context(), c, conversation, "Yes")
			return err
		})
		h.set(t, widget.Change{Survey: &event.SurveyForm{}})
		h.refused(t, fault.WidgetNotAsked, "", answer)
	})
}

func TestS109_AGoalIsToldOnceWithItsIDAndName(t *testing.T) {
	each(t, "by a page that the browser reports", func(t *testing.T, h *house) {
		p := h.visitor(t)
		before := h.get(t, p.Conversation.ID)
		page := func(url string) {
			t.Helper()
			time.Sleep(time.Minute)
			if err := h.desk.PageByContact(t.Context(), p.Contact.ID, url, "Page"); err != nil {
				t.Fatal(err)
			}
		}
		page("https://shop.example/cart")
		h.told(t, event.ConversationUpdated)
		page("https://shop.example/thanks?order=7")
		e := h.told(t, event.ConversationUpdated, event.GoalReached)[1]
		want := &event.Goal{ID: h.widget.Goals[0].ID, Name: "Order"}
		if !cmp.Equal(e.Session.Goal, want) || !cmp.Equal(e.Message.Entry.Goal, want) || e.Message.Type != event.TypeEvent || e.Message.Entry.Name != "goal" {
			t.Errorf("session %+v, entry %+v", e.Session.Goal, e.Message)
		}
		if got := textsOf(e); got != "message Hello, event " || e.Session.Visit.URL != "https://shop.example/thanks?order=7" {
			t.Errorf("messages %q, page %q", got, e.Session.Visit.URL)
		}
		if now := h.get(t, p.Conversation.ID); !now.UpdatedAt.Equal(before.UpdatedAt) || !cmp.Equal(now.LastMessage, before.LastMessage) {
			t.Error("a goal lifts the conversation in the list")
		}
		page("https://shop.example/cart")
		page("https://shop.example/thanks")
		h.told(t, event.ConversationUpdated, event.ConversationUpdated)
	})
	each(t, "by the page of a first and of a later message", func(t *testing.T, h *house) {
		p := h.post("bought")
		p.Visit.URL = "https://shop.example/thanks"
		first := h.send(t, p)
		list := h.told(t, event.ContactCreated, event.ConversationCreated, event.SessionStarted, event.MessageReceived, event.GoalReached)
		if g := list[4].Session.Goal; g == nil || g.Name != "Order" {
			t.Errorf("goal %+v", g)
		}
		if first.Message.Body != "bought" || first.Conversation.Visible.Entry == nil {
			t.Errorf("message %+v, newest %+v", first.Message, first.Conversation.Visible)
		}
		if again, err := h.desk.PostFromContact(t.Context(), p); err != nil || !again.Duplicate {
			t.Error(again, err)
		}
		p = h.post("and again")
		p.Contact, p.Visit.URL = first.Contact.ID, "https://shop.example/thanks"
		h.send(t, p)
		h.told(t, event.MessageReceived)
		second := h.visitor(t)
		p = h.post("bought too")
		p.Contact, p.Visit.URL = second.Contact.ID, "https://shop.example/thanks"
		h.send(t, p)
		h.told(t, event.MessageReceived, event.GoalReached)
	})
	each(t, "by a script, once for each session, and never without an open one", func(t *testing.T, h *house) {
		p := h.visitor(t)
		reach := func(want bool) {
			t.Helper()
			if got, err := h.desk.ReachGoal(t.Context(), p.Contact.ID, h.widget, "newsletter"); err != nil || got != want {
				t.Errorf("reached: %v, %v", got, err)
			}
		}
		reach(true)
		if e := h.told(t, event.GoalReached)[0]; e.Session.Goal.ID != h.widget.Goals[1].ID || e.Session.Goal.Name != "Newsletter" {
			t.Errorf("goal %+v", e.Session.Goal)
		}
		for range 3 {
			h.unchanged(t, func() error { reach(false); return nil })
		}
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.events(t)
		h.unchanged(t, func() error { reach(false); return nil })
		h.write(t, p.Contact.ID, "next one")
		h.events(t)
		reach(true)
		h.told(t, event.GoalReached)
		for _, key := range []string{"", "Newsletter", "order", "https://shop.example/thanks", "\xff", "x\x00"} {
			h.refused(t, fault.GoalNotFound, "key", func() error {
				_, err := h.desk.ReachGoal(t.Context(), p.Contact.ID, h.widget, key)
				return err
			})
		}
		if got, err := h.desk.ReachGoal(t.Context(), 4711, h.widget, "newsletter"); got || err != nil {
			t.Error(got, err)
		}
	})
	each(t, "a goal of another widget stays there", func(t *testing.T, h *house) {
		other, err := h.widgets.Create(t.Context(), team.System(), once.Key{}, widget.Change{Name: new("Other"), Goals: &[]event.Goal{
			{Name: "Foreign", Match: event.GoalScript, Pattern: "newsletter"}, {Name: "Foreign page", Match: event.GoalContains, Pattern: "thanks"}}})
		if err != nil {
			t.Fatal(err)
		}
		p := h.visitor(t)
		h.events(t)
		if got, err := h.desk.ReachGoal(t.Context(), p.Contact.ID, other, "newsletter"); got || err != nil {
			t.Error(got, err)
		}
		q := h.post("from the other site")
		q.WidgetKey, q.Contact, q.Conversation, q.Visit.URL = other.Key, p.Contact.ID, p.Conversation.ID, "https://other.example/thanks"
		h.send(t, q)
		h.told(t, event.MessageReceived)
	})
}

func TestS088_CustomDataKeepsItsFormAndTheNewestIsTold(t *testing.T) {
	each(t, "types and nesting are kept, and later events carry the newest data", func(t *testing.T, h *house) {
		data := event.RawJSON(`{"basket":{"id":7,"total":12.50,"items":["a",null,true]},"vip":false}`)
		p := h.post("Hello")
		p.Change = contact.Change{Custom: &data}
		out := h.send(t, p)
		for _, e := range h.events(t) {
			if e.Conversation != nil && e.Conversation.Contact.Custom != data {
				t.Errorf("%s: %s", e.Type, e.Conversation.Contact.Custom)
			}
		}
		newer := event.RawJSON(`{"basket":{"id":8}}`)
		if _, err := h.contacts.UpdateSelf(t.Context(), out.Contact.ID, contact.Change{Custom: &newer}); err != nil {
			t.Fatal(err)
		}
		h.told(t, event.ContactUpdated)
		h.reply(t, h.ann, out.Conversation.ID, "Hi")
		newest := event.RawJSON(`{"basket":{"id":9}}`)
		list := h.events(t)
		p = h.post("and now")
		p.Contact, p.Change = out.Contact.ID, contact.Change{Custom: &newest}
		h.send(t, p)
		for i, e := range append(list, h.events(t)...) {
			want := newest
			if i < len(list) {
				want = newer
			}
			if e.Conversation != nil && e.Conversation.Contact.Custom != want {
				t.Errorf("%s: %s, want %s", e.Type, e.Conversation.Contact.Custom, want)
			}
		}
	})
}

func TestS089_WithoutCustomDataThereIsAnEmptyObject(t *testing.T) {
	each(t, "in every event", func(t *testing.T, h *house) {
		p := h.send(t, h.post("Hello"))
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 5))
		for _, e := range h.events(t) {
			if e.Conversation != nil && e.Conversation.Contact.Custom != "{}" || e.Contact != nil && e.Contact.Custom != "{}" {
				t.Errorf("%s: %+v", e.Type, e)
			}
		}
	})
}

func (s *script) rate(rt *rapid.T) error {
	_, err := s.h.desk.Rate(s.t.Context(), s.contact(rt), s.conversation(rt), rapid.IntRange(0, 5).Draw(rt, "value"))
	return err
}

func (s *script) feedback(rt *rapid.T) error {
	_, err := s.h.desk.Feedback(s.t.Context(), s.contact(rt), s.conversation(rt), rapid.SampledFrom([]string{"", "good", "bad"}).Draw(rt, "feedback"))
	return err
}

func (s *script) survey(rt *rapid.T) error {
	_, err := s.h.desk.AnswerSurvey(s.t.Context(), s.contact(rt), s.conversation(rt), rapid.SampledFrom([]string{"Yes", "No", "Perhaps"}).Draw(rt, "option"))
	return err
}

func (s *script) goal(rt *rapid.T) error {
	if rapid.Bool().Draw(rt, "page") {
		return s.h.desk.PageByContact(s.t.Context(), s.contact(rt), "https://shop.example/thanks", "Thanks")
	}
	_, err := s.h.desk.ReachGoal(s.t.Context(), s.contact(rt), s.h.widget, rapid.SampledFrom([]string{"newsletter", "nothing"}).Draw(rt, "key"))
	return err
}

func TestThePlaceOfAVisitor(t *testing.T) {
	at := func(t *testing.T, h *house, address string) event.Visit {
		p := h.post("Hello")
		p.Visit = Visit{URL: "https://shop.example/", IP: address, UserAgent: "x", Proactive: true}
		out, err := h.desk.PostFromContact(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return h.get(t, out.Conversation.ID).Session.Visit
	}
	place := func(address string) Place {
		if address != "81.2.69.142" {
			return Place{}
		}
		return Place{"Köln", "North Rhine-Westphalia", "Germany", "DE", new(50.9333), new(6.95)}
	}
	each(t, "is looked up when a session starts", func(t *testing.T, h *house) {
		if v := at(t, h, "81.2.69.142"); v.City != "" || v.Lat != nil || v.IP != "81.2.69.142" || !v.Proactive || v.Private {
			t.Errorf("without a file: %+v", v)
		}
		h.desk.Place = place
		if v := at(t, h, "81.2.69.142"); v.City != "Köln" || v.Region != "North Rhine-Westphalia" || v.Country != "Germany" || v.CountryCode != "DE" || *v.Lat != 50.9333 || *v.Lon != 6.95 {
			t.Errorf("%+v", v)
		}
		for _, address := range []string{"192.0.2.1", "", "nonsense"} {
			if v := at(t, h, address); v.City != "" || v.Country != "" || v.Lat != nil || v.Lon != nil {
				t.Errorf("%s: %+v", address, v)
			}
		}
	})
	each(t, "is not stored in privacy mode, and neither is the address", func(t *testing.T, h *house) {
		h.desk.Place = place
		h.set(t, widget.Change{PrivacyMode: new(true)})
		v := at(t, h, "81.2.69.142")
		if want := (event.Visit{URL: "https://shop.example/", InitialURL: "https://shop.example/", UserAgent: "x", Browser: v.Browser, Device: v.Device, OS: v.OS, Proactive: true, Private: true}); v != want {
			t.Errorf("%+v, want %+v", v, want)
		}
		for table, rows := range h.dump(t) {
			if strings.Contains(strings.Join(rows, "\n"), "81.2.69") {
				t.Errorf("%s holds the address", table)
			}
		}
		for _, e := range h.events(t) {
			if e.Session != nil && (e.Session.Visit.IP != "" || e.Session.Visit.City != "") {
				t.Errorf("%s tells %+v", e.Type, e.Session.Visit)
			}
		}
		h.set(t, widget.Change{PrivacyMode: new(false)})
		if v := at(t, h, "81.2.69.142"); v.City != "Köln" || v.Private {
			t.Errorf("%+v", v)
		}
	})
}
