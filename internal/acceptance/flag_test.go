package acceptance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// types runs a line of the composer as a command.
func (o *operator) types(conversation int, line string) object {
	o.Helper()
	return o.must("POST", path("/api/v1/conversations/%d/commands", conversation), object{"line": line})
}

// flags presses the button of the action bar.
func (o *operator) flags(conversation int, flagged bool) object {
	o.Helper()
	return o.must("POST", path("/api/v1/conversations/%d/flag", conversation), object{"flagged": flagged})
}

func (o *operator) sets(conversation int, status string) {
	o.Helper()
	o.must("PUT", path("/api/v1/conversations/%d/status", conversation), object{"status": status})
}

// written is a conversation of a new visitor.
func (w *shop) written(text string) *visitor {
	v := w.visitor()
	v.says(text)
	return v
}

func TestS116_TheCommandAPI(t *testing.T) {
	each(t, func(s *server) {
		s.addon("operator.online") // a flagged conversation is sent whatever the endpoint subscribes to
		ann := s.operator("Ann", "Lee", "operator")
		v := s.shop(nil).written("Hello")
		before := len(v.thread())
		answer := ann.types(v.conversation, "$api")
		if answer.text("command") != "api" || answer.at("conversation", "flagged") != true || answer.at("message") != nil {
			s.Errorf("the answer: %v", answer)
		}
		var lines []string
		for _, l := range answer.list("lines") {
			lines = append(lines, fmt.Sprint(l))
		}
		if !strings.Contains(strings.Join(lines, "\n"), "will be sent") {
			s.Errorf("the system line is %q", lines)
		}
		equal(s, "the flag", ann.conversation(v.conversation).at("flagged"), any(true))
		equal(s, "the number of messages that the contact sees", len(v.thread()), before)
		// Not as a message either, whatever the prefix; other text with a dollar is text.
		for _, text := range []string{"$api", "/api", "!api", "$API please"} {
			p := ann.refused(http.StatusUnprocessableEntity, "POST", path("/api/v1/conversations/%d/messages", v.conversation), object{"body": text})
			equal(s, "the code for "+text, p.text("code"), "message.is_command")
		}
		ann.says(v.conversation, "$apiece, and $5")
		for _, m := range v.thread() {
			if strings.HasPrefix(object(m.(map[string]any)).text("body"), "$api ") || object(m.(map[string]any)).text("body") == "$api" {
				s.Errorf("the contact sees %v", m)
			}
		}
		if p := ann.refused(http.StatusUnprocessableEntity, "POST", path("/api/v1/conversations/%d/commands", v.conversation), object{"line": "$apii"}); p.text("code") != "command.unknown" || p.text("field") != "line" {
			s.Errorf("a command that there is not: %v", p)
		}
		var known []string
		for _, c := range ann.must("GET", "/api/v1/commands", nil).list("items") {
			known = append(known, object(c.(map[string]any)).text("name"))
		}
		for _, name := range []string{"api", "end", "forward", "group", "note", "name", "email", "phone", "additional01", "additional02", "additional03", "field", "topic", "tag", "info", "history", "help"} {
			if !slices.Contains(known, name) {
				s.Errorf("the command %s is missing among %q", name, known)
			}
		}
	})
}

// The API half: the button calls the same thing. The browser half clicks it.
func TestS117_TheActionBarSetsTheSameFlag(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("conversation.ended")
		ann := s.operator("Ann", "Lee", "operator")
		shop := s.shop(nil)
		button, command := shop.written("Hello"), shop.written("Hello")
		equal(s, "the answer's flag", ann.flags(button.conversation, true).at("flagged"), any(true))
		ann.types(command.conversation, "$api")
		for _, v := range []*visitor{button, command} {
			equal(s, "the flag", ann.conversation(v.conversation).at("flagged"), any(true))
		}
		// Each other's flag is taken back.
		ann.flags(command.conversation, false)
		ann.types(button.conversation, "$api")
		for _, v := range []*visitor{button, command} {
			equal(s, "the flag", ann.conversation(v.conversation).at("flagged"), any(false))
		}
		e.told()
	})
}

func TestS118_BulkActionSend(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("operator.back")
		ann := s.operator("Ann", "Lee", "operator")
		shop := s.shop(nil)
		var ids []int
		for i := range 50 {
			ids = append(ids, shop.written(fmt.Sprintf("Hello %d", i)).conversation)
		}
		ann.flags(ids[7], true)
		bulk := object{"action": "send", "conversation_ids": append(slices.Clone(ids), 999999)}
		out := ann.must("POST", "/api/v1/conversations/bulk", bulk)
		if out.number("done") != 49 || out.number("unchanged") != 1 || out.number("failed") != 1 || len(out.list("results")) != 51 {
			s.Errorf("done %v, unchanged %v, failed %v, %d results", out["done"], out["unchanged"], out["failed"], len(out.list("results")))
		}
		last := object(out.list("results")[50].(map[string]any))
		if last.at("ok") != false || last.text("code") != "conversation.not_found" || last.number("id") != 999999 {
			s.Errorf("a conversation that there is not: %v", last)
		}
		for _, id := range ids {
			if ann.conversation(id).at("flagged") != true {
				s.Errorf("conversation %d is not flagged", id)
			}
		}
		e.told() // flagged is not sent yet
		if out := ann.must("POST", "/api/v1/conversations/bulk", object{"action": "end", "conversation_ids": ids}); out.number("done") != 50 {
			s.Errorf("ended: %v", out)
		}
		var want []string
		for range ids {
			want = append(want, "conversation_ended")
		}
		var got []int
		for _, c := range e.told(want...) {
			got = append(got, c.body.number("id"))
		}
		slices.Sort(got)
		if !slices.Equal(got, ids) {
			s.Errorf("sent are %v, want %v", got, ids)
		}
		out = ann.must("POST", "/api/v1/conversations/bulk", object{"action": "send", "conversation_ids": ids[:2]})
		if out.number("done") != 2 {
			s.Errorf("flagged again: %v", out)
		}
		if out = ann.must("POST", "/api/v1/conversations/bulk", object{"action": "unsend", "conversation_ids": ids[:2]}); out.number("done") != 2 || ann.conversation(ids[0]).at("flagged") != false {
			s.Errorf("taken back: %v", out)
		}
	})
}

func TestS119_SendingRunsWhenTheStatusChanges(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.rating") // not subscribed to conversation.ended
		both := s.addon("conversation.ended")
		other := s.addonWith(object{"dialect": "standard", "events": []string{"contact.updated"}})
		ann := s.operator("Ann", "Lee", "operator")
		shop := s.shop(nil)

		v := shop.written("Hello")
		ann.says(v.conversation, "Hi") // its status is open now
		ann.notes(v.conversation, "VIP")
		ann.flags(v.conversation, true)
		v.says("still open")
		ann.must("PUT", path("/api/v1/conversations/%d/tags", v.conversation), object{"tags": []string{"VIP"}})
		e.told()
		ann.ends(v.conversation)
		c := the(e, e.told("conversation_ended"), "conversation_ended")
		if c.number("id") != v.conversation || c.text("status") != "ended" || len(c.list("sessions")) != 1 || c.text("messages", 0, "body") != "Hello" || len(c.list("tags")) != 1 {
			s.Errorf("the conversation: %v", c)
		}
		the(both, both.told("conversation_ended"), "conversation_ended") // the subscribed case and the requested one are the same call
		equal(s, "the flag", ann.conversation(v.conversation).at("flagged"), any(false))
		ann.must("POST", path("/api/v1/conversations/%d/reopen", v.conversation), nil)
		ann.ends(v.conversation)
		e.told("conversation_ended") // the flag was used up
		both.told("conversation_ended", "conversation_ended")

		// Whatever the change is and whoever makes it: set aside, the contact writes, reopened, ended by the contact.
		aside := shop.written("Hello")
		ann.flags(aside.conversation, true)
		ann.sets(aside.conversation, "pending")
		ann.flags(aside.conversation, true)
		aside.says("I am back")
		ann.flags(aside.conversation, true)
		aside.ends()
		ann.flags(aside.conversation, true)
		ann.must("POST", path("/api/v1/conversations/%d/reopen", aside.conversation), nil)
		var statuses []string
		for _, c := range e.told("conversation_ended", "conversation_ended", "conversation_ended", "conversation_ended", "conversation_ended")[1:] {
			equal(s, "the conversation", c.body.number("id"), aside.conversation)
			statuses = append(statuses, c.body.text("status"))
		}
		if !slices.Equal(statuses, []string{"pending", "open", "ended", "open"}) {
			s.Errorf("the statuses are %q", statuses)
		}
		other.told()
	})
}

func TestS120_TheFlagCanBeSeenAndTakenBack(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon()
		ann := s.operator("Ann", "Lee", "operator")
		v := s.shop(nil).written("Hello")
		flagged := func() any {
			return object(ann.must("GET", "/api/v1/conversations?status=all", nil).list("items")[0].(map[string]any)).at("flagged")
		}
		equal(s, "the flag in the list", flagged(), any(false))
		ann.types(v.conversation, "$api")
		equal(s, "the flag in the list", flagged(), any(true))
		ann.types(v.conversation, "$api")
		equal(s, "the flag in the list after a second $api", flagged(), any(false))
		ann.flags(v.conversation, true)
		ann.flags(v.conversation, false)
		equal(s, "the flag in the list after a second click", flagged(), any(false))
		ann.sets(v.conversation, "pending")
		ann.sets(v.conversation, "open")
		e.told("um_widget_config", "chat_session_start", "chat_session_message_received")
		// Everybody's list follows: each change is an event.
		s.happened("conversation.updated", 4)
	})
}

func TestS121_ItNeedsAConfiguredAddon(t *testing.T) {
	each(t, func(s *server) {
		s.addonWith(object{"dialect": "standard"}) // another kind of endpoint is none
		ann := s.operator("Ann", "Lee", "operator")
		v := s.shop(nil).written("Hello")
		for what, call := range map[string][2]any{
			"the command": {path("/api/v1/conversations/%d/commands", v.conversation), object{"line": "$api"}},
			"the button":  {path("/api/v1/conversations/%d/flag", v.conversation), object{"flagged": true}},
		} {
			p := ann.refused(http.StatusConflict, "POST", call[0].(string), call[1])
			if p.text("code") != "addon.missing" || !strings.Contains(p.text("detail"), "Add-ons") {
				s.Errorf("%s: %v", what, p)
			}
		}
		out := ann.must("POST", "/api/v1/conversations/bulk", object{"action": "send", "conversation_ids": []int{v.conversation}})
		if out.number("failed") != 1 || object(out.list("results")[0].(map[string]any)).text("code") != "addon.missing" {
			s.Errorf("the bulk action: %v", out)
		}
		equal(s, "the flag", ann.conversation(v.conversation).at("flagged"), any(false))
		// A paused one does not count, and taking a flag back always works.
		e := s.addon("conversation.ended")
		ann.flags(v.conversation, true)
		s.admin().must("POST", path("/api/v1/endpoints/%d/pause", e.id), nil)
		ann.flags(v.conversation, false)
		ann.refused(http.StatusConflict, "POST", path("/api/v1/conversations/%d/flag", v.conversation), object{"flagged": true})
		s.pass(time.Second)
		ann.ends(v.conversation)
		s.admin().must("POST", path("/api/v1/endpoints/%d/resume", e.id), nil)
		e.told("conversation_ended") // as subscribed
	})
}
