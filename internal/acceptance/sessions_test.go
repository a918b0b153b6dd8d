package acceptance

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The rows of a session's fields that the site and the widget decide: opened by the page, and privacy.
func TestS092_ProactiveAndPrivate(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.start")
		open, private := s.shop(nil).visitor(), s.shop(object{"privacy_mode": true}).visitor()
		for _, v := range []*visitor{open, private} {
			v.header.Set("X-Forwarded-For", "203.0.113.7")
		}
		open.visit["proactive"] = true
		open.says("Hello")
		private.says("Hello")
		for _, c := range e.told("chat_session_start", "chat_session_start") {
			hidden := c.body.number("conversation_id") == private.conversation
			equal(s, "data_privacy", c.body.at("data_privacy"), any(hidden))
			equal(s, "was_proactive", c.body.at("was_proactive"), any(!hidden))
		}
		equal(s, "the stored address", s.admin().conversation(open.conversation).text("visit", "ip"), "203.0.113.7")
		equal(s, "the stored address in privacy mode", s.admin().conversation(private.conversation).text("visit", "ip"), "")
	})
}

func TestS099_AFirstMessageStartsASession(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.start")
		v := s.shop(nil).visitor()
		v.says("Hello")
		v.says("Is anybody there?")
		c := the(e, e.told("chat_session_start"), "chat_session_start")
		equal(s, "the opening message", c.text("messages", 0, "body"), "Hello")
	})
}

func TestS100_MessageReceived(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.message_received")
		v := s.shop(nil).visitor()
		texts := []string{"Hello \U0001F600", "line one\nline two", "<b>&\"\\ \u0645\u0631\u062d\u0628\u0627"}
		for _, text := range texts {
			v.says(text)
		}
		for i, c := range e.told("chat_session_message_received", "chat_session_message_received", "chat_session_message_received") {
			equal(s, "the text", c.body.text("message", "body"), texts[i])
			equal(s, "the sender", c.body.text("message", "sender", "type"), "contact")
			if !reflect.DeepEqual(c.body.list("messages"), []any{c.body.at("message")}) {
				s.Errorf("messages are %v, want the one", c.body["messages"])
			}
			if id := c.body.text("message", "id"); !strings.HasPrefix(id, fmt.Sprintf("%d.%d.", v.conversation, c.body.number("part_id"))) || id != c.body.text("message", "msgid") {
				s.Errorf("the message's id is %q", id)
			}
		}
	})
}

func TestS101_MessageSent(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.message_sent")
		ann := s.operator("Ann", "Lee", "operator")
		v := s.shop(nil).visitor()
		v.says("Hello")
		ann.says(v.conversation, "Hi")
		ann.notes(v.conversation, "a note is not sent")
		ann.says(v.conversation, "What is it?")
		s.admin().says(v.conversation, "I am a program")
		calls := e.told("chat_session_message_sent", "chat_session_message_sent", "chat_session_message_sent")
		for i, want := range []struct{ body, sender, name string }{{"Hi", "operator", "Ann Lee"}, {"What is it?", "operator", "Ann Lee"}, {"I am a program", "bot", ""}} {
			c := calls[i].body
			if c.text("message", "body") != want.body || c.text("message", "sender", "type") != want.sender || c.text("message", "operator_name") != want.name {
				s.Errorf("call %d: %v", i, c["message"])
			}
			if (want.sender == "operator") != (c.number("message", "operator_id") == ann.id) {
				s.Errorf("call %d: the operator is %v", i, c.at("message", "operator_id"))
			}
		}
	})
}

func TestS102_Unread(t *testing.T) {
	each(t, func(s *server) {
		e, ends := s.addon("chat_session.unread"), s.addon("chat_session.end")
		shop := s.shop(object{"session_timeout_seconds": 600})
		seen, unseen := shop.visitor(), shop.visitor()
		seen.says("somebody reads this")
		s.admin().reads(seen.conversation, 1)
		unseen.says("somebody reads this")
		s.admin().reads(unseen.conversation, 1)
		unseen.says("and nobody this")
		s.pass(601 * time.Second)
		ends.soon("chat_session_end", "chat_session_end")
		c := the(e, e.told("chat_session_unread"), "chat_session_unread")
		if c.number("conversation_id") != unseen.conversation || c.at("marked_read") != false || c.at("ended_at") == nil {
			s.Errorf("unread: %v", c)
		}
		var marks []any
		for _, m := range c.list("messages") {
			if m := object(m.(map[string]any)); m.text("type") == "message" {
				marks = append(marks, m["marked_read_operator"])
			}
		}
		if !reflect.DeepEqual(marks, []any{true, false}) {
			s.Errorf("the messages are read by operators: %v", marks)
		}
	})
}

func TestS103_SessionsEnd(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.end")
		ann := s.operator("Ann", "Lee", "operator")
		shop := s.shop(object{"session_timeout_seconds": 600})
		by := map[int]string{}
		end := func(reason string, how func(v *visitor)) {
			v := shop.visitor()
			v.says("Hello")
			by[v.conversation] = reason
			how(v)
		}
		end("operator", func(v *visitor) { ann.ends(v.conversation) })
		end("contact", func(v *visitor) { v.ends() })
		end("api", func(v *visitor) { s.admin().ends(v.conversation) })
		end("timeout", func(*visitor) { s.pass(601 * time.Second) })
		got := map[int]string{}
		for _, c := range e.soon("chat_session_end", "chat_session_end", "chat_session_end", "chat_session_end") {
			got[c.body.number("conversation_id")] = c.body.text("end_reason")
			if c.body.at("ended_at") == nil || c.body.text("messages", 0, "body") != "Hello" {
				s.Errorf("%s: ended_at %v, messages %v", c.body.text("end_reason"), c.body["ended_at"], c.body["messages"])
			}
			if c.body.text("end_reason") == "timeout" {
				if d := c.body.text("duration"); d < "00:10:00" || d > "00:15:00" {
					s.Errorf("a session of ten minutes took %s", d)
				}
			}
		}
		if !reflect.DeepEqual(got, by) {
			s.Errorf("the ends are %v, want %v", got, by)
		}
	})
}

func TestS104_ConversationEnded(t *testing.T) {
	each(t, func(s *server) {
		e, ends := s.addon("conversation.ended"), s.addon("chat_session.end")
		ann := s.operator("Ann", "Lee", "operator")
		shop := s.shop(object{"session_timeout_seconds": 600})
		fresh := func() *visitor {
			v := shop.visitor()
			v.says("Hello")
			return v
		}
		// The end of a session alone is none.
		only := fresh()
		s.pass(601 * time.Second)
		the(ends, ends.soon("chat_session_end"), "chat_session_end")
		equal(s, "the status after the time-out", s.admin().conversation(only.conversation).text("status"), "new")
		e.told()

		hand, api, bulk, more, contact := fresh(), fresh(), fresh(), fresh(), fresh()
		ann.ends(hand.conversation)
		ann.ends(hand.conversation) // once more changes nothing
		s.admin().ends(api.conversation)
		ann.must("POST", "/api/v1/conversations/bulk", object{"action": "end", "conversation_ids": []int{bulk.conversation, more.conversation, hand.conversation}})
		contact.ends()
		var got []int
		for _, c := range e.told("conversation_ended", "conversation_ended", "conversation_ended", "conversation_ended", "conversation_ended") {
			got = append(got, c.body.number("id"))
			equal(s, "the status", c.body.text("status"), "ended")
		}
		slices.Sort(got)
		if want := []int{hand.conversation, api.conversation, bulk.conversation, more.conversation, contact.conversation}; !slices.Equal(got, want) {
			s.Errorf("ended are %v, want %v", got, want)
		}
	})
}

func TestS105_Forward(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.forward")
		ann, bob := s.operator("Ann", "Lee", "operator"), s.operator("Bob", "Ray", "operator")
		group := s.group("Support", ann.id)
		billing := s.group("Billing")
		v := s.shop(object{"group_id": group}).visitor()
		v.says("Hello")
		ann.says(v.conversation, "Hi") // she takes it, nobody had it: not a forward
		e.told()
		ann.must("POST", path("/api/v1/conversations/%d/forward", v.conversation), object{"operator_id": bob.id, "note": "Please have a look"})
		bob.must("POST", path("/api/v1/conversations/%d/forward", v.conversation), object{"group_id": billing})
		calls := e.told("chat_session_forward", "chat_session_forward")
		one, two := calls[0].body, calls[1].body
		if one.number("operator_previous", "id") != ann.id || one.text("operator_previous", "name") != "Ann Lee" || one.number("operator_current", "id") != bob.id ||
			one.number("operator_current_id") != bob.id || one.number("operator_group_previous", "id") != group {
			s.Errorf("to Bob: from %v of %v to %v", one["operator_previous"], one["operator_group_previous"], one["operator_current"])
		}
		if two.number("operator_previous", "id") != bob.id || two.at("operator_current") != nil || two.at("operator_current_id") != nil || two.text("operator_group_previous", "name") != "Support" {
			s.Errorf("to the group: from %v of %v to %v", two["operator_previous"], two["operator_group_previous"], two["operator_current"])
		}
		last := object(two.list("messages")[len(two.list("messages"))-1].(map[string]any))
		if last.text("event", "name") != "forwarded" || last.text("event", "group", "name") != "Billing" || last.text("event", "by", "name") != "Bob Ray" {
			s.Errorf("the thread's entry: %v", last)
		}
		if !reflect.DeepEqual(two.list("notes"), []any{"Please have a look"}) {
			s.Errorf("the notes are %v", two["notes"])
		}
		if len(one.list("messages")) < 2 || one.text("messages", 0, "body") != "Hello" {
			s.Errorf("the messages of the session: %v", one["messages"])
		}
	})
}

func TestS106_Rating(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.rating")
		v := s.shop(object{"rating_form": "stars"}).visitor()
		v.says("Hello")
		v.rates(5)
		c := the(e, e.told("chat_session_rating"), "chat_session_rating")
		if c.at("rate") != 5.0 || c.at("feedback_message") != nil {
			s.Errorf("rate is %v, feedback_message %v", c["rate"], c["feedback_message"])
		}
		m := object(c.list("messages")[len(c.list("messages"))-1].(map[string]any))
		if m.text("type") != "rating" || m.number("event", "rating", "value") != 5 || m.text("event", "name") != "rating" || m.text("sender", "type") != "contact" {
			s.Errorf("the thread's entry: %v", m)
		}
		v.rates(5) // the same again is nothing new
		v.rates(2)
		if calls := e.told("chat_session_rating", "chat_session_rating"); calls[1].body.at("rate") != 2.0 {
			s.Errorf("after another rating: %v", calls[1].body["rate"])
		}
		equal(s, "the conversation's rating", s.admin().conversation(v.conversation).number("rating"), 2)

		// Thumbs are 1 and 5; what is no rating, and a conversation of somebody else, is refused and not told.
		thumbs := s.shop(object{"rating_form": "thumbs"}).visitor()
		thumbs.says("Hello")
		thumbs.rates(1)
		at := path("/visitor/v1/conversations/%d/rating", thumbs.conversation)
		for _, value := range []any{0, 3, 6, "5", 4.5, nil} {
			if status, p := thumbs.send("POST", at, object{"value": value}); status < 400 || status >= 500 {
				s.Errorf("a rating of %v: %d %v", value, status, p)
			}
		}
		v.refused(http.StatusNotFound, "POST", at, object{"value": 5})
		if calls := e.told("chat_session_rating", "chat_session_rating", "chat_session_rating"); calls[2].body.at("rate") != 1.0 {
			s.Errorf("thumbs: %v", calls[2].body["rate"])
		}
	})
}

func TestS107_Feedback(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.rating", "chat_session.feedback")
		shop := s.shop(nil)
		v := shop.visitor()
		v.says("Hello")
		s.admin().ends(v.conversation)
		v.rates(4)
		e.told("chat_session_rating")
		v.gives("great \U0001F44D\nthank you")
		c := the(e, e.told("chat_session_rating", "chat_session_feedback"), "chat_session_feedback")
		if c.text("feedback_message") != "great \U0001F44D\nthank you" || c.at("rate") != 4.0 || c.text("status") != "ended" {
			s.Errorf("feedback_message %v, rate %v, status %v", c["feedback_message"], c["rate"], c["status"])
		}
		m := object(c.list("messages")[len(c.list("messages"))-1].(map[string]any))
		if m.text("type") != "feedback" || m.text("body") != "great \U0001F44D\nthank you" || m.text("event", "name") != "feedback" {
			s.Errorf("the thread's entry: %v", m)
		}
		other := shop.visitor()
		other.says("Hello")
		at := path("/visitor/v1/conversations/%d/feedback", v.conversation)
		other.refused(http.StatusNotFound, "POST", at, object{"text": "not mine"})
		if p := v.refused(http.StatusUnprocessableEntity, "POST", at, object{"text": strings.Repeat("ä", 5001)}); !strings.HasSuffix(p.text("field"), "text") {
			s.Errorf("a feedback of 5,001 characters: %v", p)
		}
		v.gives(strings.Repeat("ä", 5000))
		e.told("chat_session_rating", "chat_session_feedback", "chat_session_feedback")
	})
}

func TestS108_Survey(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.survey")
		shop := s.shop(object{"survey": object{"question": "How did you hear of us?", "options": []string{"A friend", "Search"}}})
		v, other := shop.visitor(), shop.visitor()
		v.says("Hello")
		other.says("Hello")
		at := path("/visitor/v1/conversations/%d/survey", v.conversation)
		if status, p := v.send("POST", at, object{"option": "Search"}); status != http.StatusConflict {
			s.Errorf("before the end: %d %v", status, p)
		}
		s.admin().ends(v.conversation)
		if p := v.refused(http.StatusUnprocessableEntity, "POST", at, object{"option": "A bird"}); !strings.HasSuffix(p.text("field"), "option") {
			s.Errorf("an option that there is not: %v", p)
		}
		other.refused(http.StatusNotFound, "POST", at, object{"option": "Search"})
		e.told()
		v.answers("Search")
		v.answers("Search")
		if status, p := v.send("POST", at, object{"option": "A friend"}); status != http.StatusConflict {
			s.Errorf("a second answer: %d %v", status, p)
		}
		c := the(e, e.told("chat_session_survey"), "chat_session_survey")
		if c.text("post_survey_option") != "Search" || c.number("conversation_id") != v.conversation || c.text("status") != "ended" {
			s.Errorf("post_survey_option is %v", c["post_survey_option"])
		}
		m := object(c.list("messages")[len(c.list("messages"))-1].(map[string]any))
		if m.text("type") != "survey" || m.text("event", "survey", "question") != "How did you hear of us?" || m.text("event", "survey", "option") != "Search" {
			s.Errorf("the thread's entry: %v", m)
		}
	})
}

func TestS109_Goal(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.goal", "um_widget.config")
		shop := s.shop(object{"goals": []object{{"name": "Newsletter", "match": "script", "pattern": "newsletter"},
			{"name": "Checkout", "match": "prefix", "pattern": "https://shop.example/checkout"}}})
		goals := map[string]int{}
		for _, g := range s.admin().must("GET", path("/api/v1/widgets/%d", shop.id), nil).list("goals") {
			goals[object(g.(map[string]any)).text("name")] = object(g.(map[string]any)).number("id")
		}
		v := shop.visitor()
		v.says("Hello")
		equal(s, "reached", v.reaches("newsletter").at("reached"), any(true))
		equal(s, "reached again", v.reaches("newsletter").at("reached"), any(false))
		v.refused(http.StatusNotFound, "POST", "/visitor/v1/goals", object{"key": "nothing"})
		c := the(e, e.told("um_widget_config", "chat_session_goal"), "chat_session_goal")
		if c.number("chat_widget_goal", "id") != goals["Newsletter"] || c.text("chat_widget_goal", "name") != "Newsletter" || goals["Newsletter"] == 0 {
			s.Errorf("chat_widget_goal is %v, the widget's goals are %v", c["chat_widget_goal"], goals)
		}
		m := object(c.list("messages")[len(c.list("messages"))-1].(map[string]any))
		if m.text("event", "name") != "goal" || m.text("event", "goal", "name") != "Newsletter" {
			s.Errorf("the thread's entry: %v", m)
		}
		// By the page: the one that the browser tells of over its socket.
		line := dial(s, "/visitor/v1/socket", http.Header{}, object{"type": "hello", "token": strings.TrimPrefix(v.header.Get("Authorization"), "Bearer "), "after": nil})
		write(s, line, object{"type": "page", "url": "https://shop.example/shoes", "title": "Shoes"})
		write(s, line, object{"type": "page", "url": "https://shop.example/checkout/done", "title": "Done"})
		calls := e.soon("um_widget_config", "chat_session_goal", "chat_session_goal")
		if c := calls[2].body; c.number("chat_widget_goal", "id") != goals["Checkout"] || c.text("url") != "https://shop.example/checkout/done" {
			s.Errorf("by the page: %v at %v", c["chat_widget_goal"], c["url"])
		}
		// Not without a session, and each once in a session.
		s.admin().ends(v.conversation)
		equal(s, "reached without a session", v.reaches("newsletter").at("reached"), any(false))
		again := shop.visitor()
		again.visit["url"] = "https://shop.example/checkout"
		again.says("Hello") // the page of the visit counts, too
		again.says("Is anybody there?")
		e.told("um_widget_config", "chat_session_goal", "chat_session_goal", "chat_session_goal")
		// A flood of them is stopped, and told once.
		limited := false
		for range 300 {
			status, p := again.send("POST", "/visitor/v1/goals", object{"key": "newsletter"})
			if limited = status == http.StatusTooManyRequests; limited {
				equal(s, "the code", p.text("code"), "request.limited")
				break
			}
		}
		equal(s, "a flood is limited", limited, true)
		e.told("um_widget_config", "chat_session_goal", "chat_session_goal", "chat_session_goal", "chat_session_goal")
	})
}
