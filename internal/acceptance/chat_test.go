package acceptance

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/internal/config"
	"parley/internal/secret"
)

// allHooks are the webhooks of a widget, in the order in which they are listed.
var allHooks = []string{"new_conversation", "offline_message", "transcript", "unanswered", "feedback"}

// hooks are webhooks of a widget, each with an address of its own at one receiver.
type hooks struct {
	*receiver
	shop    *shop
	names   []string
	byID    map[int]string // the hooks by the ids of their endpoints
	secrets object         // shown once, by hook
}

// hooks sets webhooks of the widget, all five when none is named.
func (w *shop) hooks(names ...string) *hooks {
	w.Helper()
	if len(names) == 0 {
		names = allHooks
	}
	h := &hooks{receiver: w.receiver(), shop: w, names: names, byID: map[int]string{}, secrets: object{}}
	urls := object{}
	for _, name := range names {
		urls[name] = h.http.URL + "/" + name
	}
	h.sets(object{"urls": urls})
	return h
}

// sets changes the widget's webhooks, and remembers which endpoints they are.
func (h *hooks) sets(in object) object {
	h.Helper()
	out := h.admin().must("PUT", path("/api/v1/widgets/%d/webhooks", h.shop.id), in)
	for _, one := range out.list("hooks") {
		if one := object(one.(map[string]any)); one.at("endpoint_id") != nil && slices.Contains(h.names, one.text("hook")) {
			h.byID[one.number("endpoint_id")] = one.text("hook")
		}
	}
	if shown, ok := out.at("secrets").(map[string]any); ok {
		maps.Copy(h.secrets, shown)
	}
	return out
}

// hook is whose address a call came to.
func (r received) hook() string { return strings.TrimPrefix(r.path, "/") }

// log are the hooks of everything that the receiver was or will be told, oldest first. A call is in it from the commit of its event on, so what is
// not in it does not come.
func (h *hooks) log() (out []string) {
	h.Helper()
	for _, d := range h.admin().must("GET", "/api/v1/deliveries?limit=100", nil).list("items") {
		d := object(d.(map[string]any))
		if hook := h.byID[d.number("endpoint_id")]; hook != "" {
			equal(h, "the event told to the webhook "+hook, d.text("event_name"), hook)
			out = append(out, hook)
		}
	}
	slices.Reverse(out)
	return out
}

// told waits until the receiver got exactly these calls, in any order, and says what else there is. It returns them in the order in which they
// came. Each hook got its own at its own address.
func (h *hooks) told(want ...string) []received {
	h.Helper()
	want = slices.Sorted(slices.Values(want))
	calls := h.first(len(want))
	got := h.log()
	if slices.Sort(got); !slices.Equal(got, want) {
		h.Fatalf("the widget's webhooks are told of\n%q, want\n%q", got, want)
	}
	got = got[:0]
	for _, c := range calls {
		got = append(got, c.hook())
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		h.Fatalf("the receiver got\n%q, want\n%q", got, want)
	}
	return calls
}

// about are the calls of a hook about one conversation, in the order in which they came. An offline message does not say which it is about.
func about(calls []received, hook string, uuid string) (out []object) {
	for _, c := range calls {
		if c.hook() == hook && c.body.text("conversationUUID") == uuid {
			out = append(out, c.body)
		}
	}
	return out
}

// call is the one call of a hook.
func call(t testing.TB, calls []received, hook string) object {
	t.Helper()
	var found []object
	for _, c := range calls {
		if c.hook() == hook {
			found = append(found, c.body)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d calls are of the webhook %s, want one", len(found), hook)
	}
	return found[0]
}

// uuid is the one of the visitor's conversation, as our API tells it.
func (v *visitor) uuid() string {
	v.Helper()
	return v.admin().conversation(v.conversation).text("uuid")
}

// contact is who the visitor is, as our API tells it.
func (v *visitor) contact() object {
	v.Helper()
	return v.admin().must("GET", path("/api/v1/contacts/%d", v.admin().conversation(v.conversation).number("contact", "id")), nil)
}

// leaves fills in the form for times when nobody is there; further keys go into the post as they are.
func (v *visitor) leaves(name, email, message string, with ...object) object {
	v.Helper()
	out := v.must("POST", v.form(), v.filled(name, email, message, with...))
	if token := out.text("token"); token != "" {
		v.header.Set("Authorization", "Bearer "+token)
	}
	v.conversation = out.number("conversation_id")
	return out
}

func (v *visitor) form() string { return "/visitor/v1/widgets/" + v.shop.key + "/offline-messages" }

func (v *visitor) filled(name, email, message string, with ...object) object {
	in := object{"client_id": secret.UUID(), "name": name, "email": email, "message": message, "visit": v.visit}
	for _, w := range with {
		maps.Copy(in, w)
	}
	return in
}

// at is where the visitor's requests come from, as a reverse proxy tells it.
func (v *visitor) at(addresses string) *visitor {
	v.header.Set("X-Forwarded-For", addresses)
	return v
}

// story plays what makes each of the five calls once: somebody fills in the form, somebody else writes and gets an answer too late, and says
// what they think when the chat is over. The widget's alarm is at a minute, and the transcript goes out at the end.
func (w *shop) story(ann *operator, text string) (writer, guest *visitor) {
	w.Helper()
	guest, writer = w.visitor(), w.visitor()
	guest.leaves("Bob Smith", "bob@smith.example", text)
	writer.says(text)
	w.pass(61 * time.Second)
	w.happened("conversation.unanswered", 1)
	ann.says(writer.conversation, text)
	ann.ends(writer.conversation)
	writer.rates(5)
	writer.gives(text)
	return writer, guest
}

// talkative are the settings of a widget of which all five webhooks are told.
var talkative = object{"unanswered_seconds": 60, "transcript_hook": "end", "session_timeout_seconds": 86400}

func TestS122_FiveWebhooksEachWithItsURL(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(talkative)
		at := path("/api/v1/widgets/%d/webhooks", w.id)
		for i, one := range s.admin().must("GET", at, nil).list("hooks") {
			one := object(one.(map[string]any))
			if one.text("hook") != allHooks[i] || one.text("url") != "" || one.at("endpoint_id") != nil || one.text("title") == "" {
				s.Errorf("webhook %d before it is set: %v", i, one)
			}
		}
		h := w.hooks()
		equal(s, "webhooks with an address", len(h.byID), 5)
		equal(s, "secrets that are shown", len(h.secrets), 5)
		other := s.shop(talkative).hooks("new_conversation", "feedback")
		ann := s.operator("Ann", "Lee", "operator")
		v, _ := w.story(ann, "Hello")
		h.told(allHooks...) // looks that each came to its own address
		other.told()        // of another widget's chats they hear nothing
		// Any may be empty, and what is left out stays.
		out := h.sets(object{"urls": object{"unanswered": "", "feedback": ""}})
		equal(s, "secrets of none that is new", len(out["secrets"].(map[string]any)), 0)
		for i, one := range s.admin().must("GET", at, nil).list("hooks") {
			one := object(one.(map[string]any))
			want := h.http.URL + "/" + allHooks[i]
			if i > 2 {
				want = ""
			}
			equal(s, "the address of "+one.text("hook"), one.text("url"), want)
		}
		before := h.log()
		again := w.visitor()
		again.says("Hello again")
		s.pass(61 * time.Second)
		s.happened("conversation.unanswered", 2)
		ann.ends(again.conversation)
		again.rates(5)
		again.gives("Fine")
		h.first(7)
		got := h.log()
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(append(before, "new_conversation", "transcript")))) {
			s.Errorf("with two of the webhooks empty, they are told of %q", got)
		}
		if v.uuid() == again.uuid() {
			s.Error("two chats are one conversation")
		}
		// Only admins set them, and only addresses that can be called, and all of a change counts or nothing.
		ann.refused(http.StatusForbidden, "GET", at, nil)
		ann.refused(http.StatusForbidden, "PUT", at, object{"urls": object{"feedback": ""}})
		for bad, status := range map[string]int{"ftp://shop.example/": http.StatusUnprocessableEntity, "/feedback": http.StatusUnprocessableEntity,
			"https://user:secret@shop.example/": http.StatusUnprocessableEntity, "http://169.254.169.254/latest": http.StatusForbidden} {
			p := s.admin().refused(status, "PUT", at, object{"urls": object{"transcript": "", "feedback": bad}})
			equal(s, "the field of "+bad, p.text("field"), "urls.feedback")
		}
		equal(s, "the address beside a bad one", s.admin().must("GET", at, nil).text("hooks", 2, "url"), h.http.URL+"/transcript")
	})
}

func TestS123_TheTranscriptWebhook(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(object{"session_timeout_seconds": 86400})
		ann := s.operator("Ann", "Lee", "operator")
		sets := func(when string) {
			s.admin().must("PATCH", path("/api/v1/widgets/%d", w.id), object{"transcript_hook": when})
		}
		sets("end")
		unhooked := w.written("Nobody listens yet")
		ann.ends(unhooked.conversation)
		p := ann.refused(http.StatusConflict, "POST", path("/api/v1/conversations/%d/webhook", unhooked.conversation), object{"extra": []string{}})
		equal(s, "the code without a webhook", p.text("code"), "hook.missing")

		h := w.hooks("transcript")
		var want []string // the conversations of the calls, in their order
		told := func(what string, more ...*visitor) {
			s.Helper()
			for _, v := range more {
				want = append(want, v.uuid())
			}
			var got []string
			for _, c := range h.told(slices.Repeat([]string{"transcript"}, len(want))...) {
				got = append(got, c.body.text("conversationUUID"))
			}
			slices.Sort(got)
			if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				s.Errorf("%s: the transcripts are of %q, want %q", what, got, want)
			}
		}
		v := w.written("Hello")
		ann.ends(v.conversation)
		told("at the end", v)
		ann.ends(v.conversation)
		v.rates(5)
		v.gives("Great")
		told("ended and rated once more")
		contact := w.written("Hello")
		contact.ends()
		told("ended by the visitor", contact)

		sets("")
		silent := w.written("Hello")
		ann.ends(silent.conversation)
		told("switched off")
		ann.types(silent.conversation, "$send-to-webhook")
		told("by command after the end", silent)
		open := w.written("Hello")
		ann.types(open.conversation, "/chatlio send-to-webhook")
		ann.must("POST", path("/api/v1/conversations/%d/webhook", open.conversation), object{"extra": []string{}})
		told("by command and by click before the end", open, open)
		if m := ann.message(open.conversation, 1); m.text("body") != "Hello" {
			s.Errorf("the command stands in the thread: %v", m)
		}

		sets("review")
		rated, unrated, discarded := w.written("Hello"), w.written("Hello"), w.written("Buy my pills")
		ann.ends(rated.conversation)
		ann.ends(unrated.conversation)
		told("waiting for the review")
		rated.gives("Great")
		told("with the review", rated)
		ann.must("POST", path("/api/v1/conversations/%d/discard", discarded.conversation), nil)
		s.pass(11 * time.Minute)
		told("without a review", unrated) // and nothing of what was discarded
		sets("end")
		spam := w.written("Buy my pills")
		ann.must("POST", path("/api/v1/conversations/%d/discard", spam.conversation), nil)
		told("discarded")
	})
}

func TestS124_TheOfflineMessageWebhook(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(object{"offline_form": true}) // there is not even an operator
		h := w.hooks("new_conversation", "offline_message", "unanswered")
		v := w.visitor()
		config := v.must("GET", "/visitor/v1/widgets/"+w.key, nil)
		if config.text("availability") != "offline" || config["offline_form"] != true {
			s.Errorf("the widget's settings for visitors are %v", config)
		}
		h.answers(func(w http.ResponseWriter, call int) { // the other side is away at first
			if call == 1 {
				w.WriteHeader(http.StatusBadGateway)
			}
		})
		in := v.filled("Bob Smith", "bob@smith.example", "I just want to say I love your service!")
		first := v.must("POST", v.form(), in)
		again := v.must("POST", v.form(), in) // the answer was lost, and the browser sends it once more
		equal(s, "the conversation of the repeat", again.number("conversation_id"), first.number("conversation_id"))
		calls := h.first(2)
		if !bytes.Equal(calls[0].raw, calls[1].raw) || calls[0].header.Get("Webhook-Id") != calls[1].header.Get("Webhook-Id") || calls[1].hook() != "offline_message" {
			s.Error("the retry is another call")
		}
		if got := h.log(); !slices.Equal(got, []string{"offline_message"}) {
			s.Errorf("the webhooks are told of %q", got)
		}
		equal(s, "the text", calls[1].body.text("message"), "I just want to say I love your service!")
		// It waits in the inbox for whoever comes.
		kept := s.admin().conversation(first.number("conversation_id"))
		if kept.text("contact", "email") != "bob@smith.example" || kept.text("status") != "new" {
			s.Errorf("the conversation is %v", kept)
		}
		// It is taken, too, when somebody has come back meanwhile. A second message is another one.
		leave := s.operator("Ann", "Lee", "operator").tab()
		defer leave()
		v.header.Set("Authorization", "Bearer "+first.text("token"))
		second := v.leaves("Bob Smith", "bob@smith.example", "And one more thing")
		if second.number("conversation_id") == first.number("conversation_id") {
			s.Error("the second message is in the first one's conversation")
		}
		h.first(3)
		if got := h.log(); !slices.Equal(got, []string{"offline_message", "offline_message"}) {
			s.Errorf("the webhooks are told of %q", got)
		}
	})
}

func TestS125_TheNewConversationWebhook(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(nil)
		h := w.hooks("new_conversation")
		ann := s.operator("Ann", "Lee", "operator")
		// A busy machine makes one or the other slow; the middle of many is not.
		var took []time.Duration
		const chats = 9
		for i := range chats {
			v := w.visitor()
			v.says(path("Hello %d", i))
			began := time.Now()
			c := h.first(i + 1)[i]
			took = append(took, time.Since(began))
			equal(s, "the chat", c.body.text("conversationUUID"), v.uuid())
			equal(s, "the text", c.body.text("message"), path("Hello %d", i))
			v.says("Is anybody there?")
			ann.says(v.conversation, "I am")
			v.says("Good")
		}
		slices.Sort(took)
		if took[chats/2] > time.Second {
			s.Errorf("the calls came %v after their messages", took)
		}
		h.told(slices.Repeat([]string{"new_conversation"}, chats)...)
	})
}

// What happens to the second is shown in virtual time in internal/inbox.
func TestS126_TheUnansweredWebhook(t *testing.T) {
	each(t, func(s *server) {
		const n = time.Hour
		w := s.shop(object{"unanswered_seconds": int(n.Seconds()), "session_timeout_seconds": 86400})
		h := w.hooks("unanswered")
		ann := s.operator("Ann", "Lee", "operator")
		calls := 0
		rings := func(v *visitor, text string) {
			s.Helper()
			calls++
			got := h.told(slices.Repeat([]string{"unanswered"}, calls)...)[calls-1].body
			equal(s, "the chat", got.text("conversationUUID"), v.uuid())
			equal(s, "the message", got.text("message"), text)
		}
		answered, left, ended := w.written("Who answers?"), w.written("Where are you?"), w.written("Never mind")
		left.says("Hello??") // changes nothing: it is the first that waits
		s.pass(n - 5*time.Minute)
		ann.says(answered.conversation, "I do")
		ann.notes(left.conversation, "A note is no answer")
		ended.ends()
		s.pass(6 * time.Minute)
		rings(left, "Where are you?")
		if got := s.admin().conversation(left.conversation); got.at("unanswered_at") == nil {
			s.Errorf("the conversation does not say that nobody answered: %v", got)
		}
		attention := func() (out []int) {
			for _, c := range ann.must("GET", "/api/v1/conversations?attention=true", nil).list("items") {
				out = append(out, object(c.(map[string]any)).number("id"))
			}
			return out
		}
		if got := attention(); !slices.Equal(got, []int{left.conversation}) {
			s.Errorf("the list of those that need attention holds %v", got)
		}
		// It does not ring again of itself, only for a new message, be it that the contact goes on or that they were answered meanwhile.
		s.pass(3 * n)
		later := w.written("I am new")
		s.pass(n + time.Minute)
		rings(later, "I am new")
		left.says("Still there?")
		s.pass(n + time.Minute)
		rings(left, "Still there?")
		ann.says(left.conversation, "Here I am")
		equal(s, "unanswered_at after an answer", s.admin().conversation(left.conversation).at("unanswered_at"), nil)
		if got := attention(); !slices.Equal(got, []int{later.conversation}) {
			s.Errorf("after the answer the list holds %v", got)
		}
		left.says("And then?")
		s.pass(n + time.Minute)
		rings(left, "And then?")
		// Who left a message in the form does not wait for an answer now. With the alarm off nobody does.
		guest := w.visitor()
		guest.leaves("", "bob@smith.example", "Write to me")
		quiet := s.shop(object{"unanswered_seconds": 0, "session_timeout_seconds": 86400})
		none := quiet.hooks("unanswered")
		quiet.written("Anybody?")
		last := w.written("The last one")
		s.pass(n + time.Minute)
		rings(last, "The last one")
		none.told()
	})
}

func TestS127_TheFeedbackWebhook(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(object{"session_timeout_seconds": 86400})
		h := w.hooks("feedback")
		ann := s.operator("Ann", "Lee", "operator")
		chat := func(of *shop) *visitor {
			v := of.written("Hello")
			ann.ends(v.conversation)
			return v
		}
		calls := 0
		told := func(v *visitor, message string) {
			s.Helper()
			calls++
			got := h.told(slices.Repeat([]string{"feedback"}, calls)...)[calls-1].body
			equal(s, "the chat", got.text("conversationUUID"), v.uuid())
			if got["message"] != message {
				s.Errorf("the message is %v, want %q", got["message"], message)
			}
		}
		both := chat(w)
		both.rates(5)
		if got := h.log(); len(got) != 0 {
			s.Errorf("the rating did not wait for the comment: %q", got)
		}
		both.gives("Great support,\nwill use again! \U0001F600")
		told(both, "Great support,\nwill use again! \U0001F600")
		comment := chat(w)
		comment.gives("Too slow")
		told(comment, "Too slow")
		rating := chat(w)
		rating.rates(1)
		s.pass(3 * time.Minute)
		told(rating, "") // and no second one of the first chat's rating
		stars := s.shop(object{"ask_feedback": false})
		h2 := stars.hooks("feedback")
		alone := chat(stars)
		alone.rates(4)
		equal(s, "the message of a rating without a question", h2.told("feedback")[0].body.text("message"), "")
	})
}

// relay runs a program of examples/chat-webhooks behind webhooks of the widget.
func (h *hooks) relay(script string, target *receiver, env ...string) (url string) {
	h.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "..", "examples", "chat-webhooks"))
	if err != nil {
		h.Fatal(err)
	}
	var secrets []string
	for _, one := range h.secrets {
		secrets = append(secrets, one.(string))
	}
	env = append(env, "LISTEN=127.0.0.1:0", "TARGET="+target.http.URL, "WEBHOOK_SECRET="+strings.Join(secrets, " "), "PYTHONDONTWRITEBYTECODE=1")
	url = h.listens(env, "python3", filepath.Join(folder, script))
	urls := object{}
	for _, hook := range h.byID {
		urls[hook] = url
	}
	h.sets(object{"urls": urls})
	return url
}

// How soon the first attempts of many chats come is measured by make bench-chats: p99 under a second.
func TestS128_TheUseCases(t *testing.T) {
	each(t, func(s *server) {
		if _, err := exec.LookPath("python3"); err != nil && os.Getenv("CI") != "true" {
			s.Skip("there is no python3; CI has it")
		}
		ann := s.operator("Ann", "Lee", "operator")
		type use struct {
			hooks []string
			env   []string
			path  string
			// play makes what the relay passes on first, then what comes after that, which may be nothing. Both return what the target gets.
			play func(w *shop) object
			then func() object
		}
		chat := func(w *shop, text string) *visitor {
			v := w.visitor()
			v.visit["url"] = "https://shop.example/signup"
			v.says(text)
			return v
		}
		var waits *visitor
		for script, u := range map[string]use{
			"zendesk.py": {hooks: []string{"transcript", "offline_message"}, env: []string{"ZENDESK_AUTH=ann@shop.example/token:geheim"}, path: "/api/v2/tickets.json", play: func(w *shop) object {
				waits = chat(w, "I cannot sign in")
				w.visitor().leaves("Bob Smith", "bob@smith.example", "I just want to say I love your service!")
				return object{"ticket": map[string]any{"subject": "Chat with Bob Smith", "requester": map[string]any{"name": "Bob Smith", "email": "bob@smith.example"}, "tags": []any{},
					"comment": map[string]any{"body": "I just want to say I love your service!"}}}
			}, then: func() object {
				handle := waits.contact().text("handle")
				ann.types(waits.conversation, "$send-to-webhook vip refund")
				return object{"ticket": map[string]any{"subject": "Chat with " + handle, "requester": map[string]any{"name": handle}, "tags": []any{"vip", "refund"}, "external_id": waits.uuid()}}
			}},
			"sms.py": {hooks: []string{"new_conversation"}, env: []string{"SMS_TO=+4930123"}, play: func(w *shop) object {
				return object{"to": "+4930123", "text": chat(w, "Hi").contact().text("handle") + " on https://shop.example/signup: Hi"}
			}},
			"siren.py": {hooks: []string{"new_conversation"}, play: func(w *shop) object {
				return object{"on": true, "seconds": 5.0, "reason": chat(w, "Hi").uuid()}
			}},
			"escalation.py": {hooks: []string{"unanswered"}, play: func(w *shop) object {
				waits = chat(w, "Hello?")
				s.pass(61 * time.Second)
				return object{"level": "team", "text": path("Waiting in %d: Hello?", waits.conversation)}
			}, then: func() object {
				waits.says("Anybody?")
				s.pass(61 * time.Second)
				return object{"level": "lead", "text": path("Waiting in %d: Anybody?", waits.conversation)}
			}},
			"feedback.py": {hooks: []string{"feedback"}, env: []string{"SMS_TO=+4930123"}, play: func(w *shop) object {
				v := chat(w, "Hi")
				ann.ends(v.conversation)
				v.rates(2)
				v.gives("Too slow")
				return object{"to": "+4930123", "text": "Feedback of " + v.contact().text("handle") + ": Too slow"}
			}},
		} {
			s.Run(strings.TrimSuffix(script, ".py"), func(t *testing.T) {
				w := s.shop(object{"name": script, "unanswered_seconds": 60, "session_timeout_seconds": 86400})
				h, target := w.hooks(u.hooks...), s.receiver()
				url := h.relay(script, target, u.env...)
				target.answers(func(w http.ResponseWriter, call int) { // the other side is away at first
					switch {
					case call == 1 && script == "siren.py": // who follows that has lost what was to be sent
						w.Header().Set("Location", target.http.URL+"/elsewhere")
						w.WriteHeader(http.StatusFound)
					case call == 1:
						w.WriteHeader(http.StatusBadGateway)
					}
				})
				first := u.play(w)
				want := []object{first, first}
				calls := target.first(2)
				if u.then != nil {
					want = append(want, u.then())
					calls = target.first(3)
				}
				for i, c := range calls {
					equal(t, "the path", c.path, cmp.Or(u.path, "/"))
					if u.path != "" {
						equal(t, "the key", c.header.Get("Authorization"), "Basic YW5uQHNob3AuZXhhbXBsZS90b2tlbjpnZWhlaW0=")
					}
					if i == 2 && u.path != "" { // the transcript's HTML is the ticket's text
						ticket := c.body.at("ticket").(map[string]any)
						html := object(ticket).text("comment", "html_body")
						if !strings.Contains(html, "I cannot sign in") || !strings.HasPrefix(html, "<div") {
							t.Errorf("the ticket says %q", html)
						}
						delete(ticket, "comment")
					}
					if fmt.Sprint(map[string]any(c.body)) != fmt.Sprint(map[string]any(want[i])) {
						t.Errorf("call %d is\n%v, want\n%v", i, c.body, want[i])
					}
				}
				// A repeat of the same call is taken and not passed on; what is not signed is refused.
				for _, id := range slices.Sorted(maps.Keys(h.byID)) {
					list := s.admin().must("GET", path("/api/v1/deliveries?endpoint_id=%d&limit=100", id), nil).list("items")
					if len(list) == 0 {
						t.Fatalf("the webhook %s was told of nothing", h.byID[id])
					}
					for _, d := range list {
						d := object(d.(map[string]any)).number("id")
						s.eventually("it is delivered", func() bool {
							return s.admin().must("GET", path("/api/v1/deliveries/%d", d), nil).text("state") == "delivered"
						})
						s.admin().must("POST", path("/api/v1/deliveries/%d/replay", d), nil)
					}
					s.eventually("the repeats are delivered", func() bool {
						all := s.admin().must("GET", path("/api/v1/deliveries?endpoint_id=%d&state=delivered&limit=100", id), nil).list("items")
						return len(all) == 2*len(list)
					})
				}
				res, err := http.Post(url, "application/json", strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				equal(t, "the answer to a call that is not signed", res.StatusCode, http.StatusUnauthorized)
				equal(t, "calls that were passed on", len(target.first(0)), len(want))
			})
		}
	})
}

// commonKeys are the keys of three of the calls, and visitorKeys those of the visitor in it, both sorted.
var (
	commonKeys  = []string{"channelId", "conversationUUID", "message", "slackChannelId", "slackChannelName", "visitor"}
	visitorKeys = []string{"IPAddress", "UUID", "createdAt", "currentPage", "email", "handle", "identTraits", "identUserId", "location", "name", "referrerURL", "userAgent"}
	lowerUUID   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	// hookTime is how the calls write times: offset and microseconds, as strptime reads it with %Y-%m-%dT%H:%M:%S.%f%z.
	hookTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d$`)
)

const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"

// known are the places of documentation addresses.
var known = map[string]place{
	"203.0.113.0/24":    {"Los Angeles", "California", "United States", "US"},
	"198.51.100.0/25":   {"", "", "United States", "US"},
	"198.51.100.128/25": {"Zürich", "", "Switzerland", "CH"},
}

// withPlaces starts a server that knows them.
func withPlaces(t *testing.T, fn func(s *server)) {
	t.Helper()
	file := places(t, known)
	eachWith(t, func(c *config.Server) { c.GeoFile, c.NoReplyAddress = file, "nobody@parley.example" }, fn)
}

// moment reads a time of a call, and refuses one that is written in another way.
func moment(t testing.TB, what string, v any) time.Time {
	t.Helper()
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !hookTime.MatchString(text) {
		t.Errorf("%s is %v, want a time with offset and microseconds", what, v)
	}
	return at
}

// direct posts a visitor's message without a proxy between, from another address of this machine than the proxy's.
func (v *visitor) direct(from, body string) {
	v.Helper()
	raw, err := json.Marshal(object{"client_id": secret.UUID(), "body": body, "visit": v.visit})
	if err != nil {
		v.Fatal(err)
	}
	q, err := http.NewRequestWithContext(v.Context(), "POST", v.url+"/visitor/v1/widgets/"+v.shop.key+"/messages", bytes.NewReader(raw))
	if err != nil {
		v.Fatal(err)
	}
	q.Header = v.header.Clone()
	q.Header.Set("Content-Type", "application/json")
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	res, err := client.Do(q)
	if err != nil {
		v.Fatal(err)
	}
	defer res.Body.Close()
	var out object
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusCreated {
		v.Fatalf("post from %s: %d %v %v", from, res.StatusCode, out, err)
	}
	v.conversation = out.number("conversation", "id")
}

// signs is what the shop's own server says who somebody is: a JWT.
func (w *shop) signs(id string, now time.Time) string {
	w.Helper()
	key := w.admin().must("POST", path("/api/v1/widgets/%d/identity-secret", w.id), nil).text("secret")
	claims, err := json.Marshal(object{"sub": id, "exp": now.Add(time.Hour).Unix()})
	if err != nil {
		w.Fatal(err)
	}
	part := base64.RawURLEncoding.EncodeToString
	token := part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part(claims)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(token))
	return token + "." + part(mac.Sum(nil))
}

func TestS130_S131_S132_S133_S134_S135_S136_S137_S138_S139_S140_S141_S142_S143_S144_S145_S146_S147_TheCommonPayload(t *testing.T) {
	withPlaces(t, func(s *server) {
		w := s.shop(object{"unanswered_seconds": 60, "session_timeout_seconds": 86400})
		h := w.hooks("new_conversation", "unanswered", "feedback")
		ann := s.operator("Ann", "Lee", "operator")

		// One of whom much is known, and who goes on to another page of a site that is one program; one of whom nothing is.
		bob := w.visitor().at("203.0.113.7")
		bob.says("Hi, I am having trouble signing up", object{"contact": object{"name": "Bob Smith", "email": "bob@smith.example"},
			"claimed": object{"id": "user1234", "traits": object{"custom stuff": "things"}}})
		bare := w.visitor()
		bare.header.Set("User-Agent", firefox)
		bare.visit = object{"url": "https://shop.example/"}
		bare.says("Hello?")
		bob.visit["url"], bob.visit["title"] = "https://shop.example/signup#step2", "Sign up"
		bob.says("Are you there?")
		s.pass(61 * time.Second)
		h.told("new_conversation", "new_conversation", "unanswered", "unanswered")
		for _, v := range []*visitor{bob, bare} {
			ann.says(v.conversation, "Here I am")
			ann.ends(v.conversation)
			v.gives("Good, and I mean it")
		}
		calls := h.told("new_conversation", "new_conversation", "unanswered", "unanswered", "feedback", "feedback")
		// all are the calls about a visitor's chat: new, unanswered, feedback.
		all := func(v *visitor) (out []object) {
			for _, hook := range []string{"new_conversation", "unanswered", "feedback"} {
				list := about(calls, hook, v.uuid())
				if len(list) != 1 {
					s.Fatalf("%d calls of %s are about one chat", len(list), hook)
				}
				out = append(out, list[0])
			}
			return out
		}
		of, nothing := all(bob), all(bare)
		// in compares a field of the visitor in all calls of both.
		in := func(t *testing.T, field, ofBob, ofBare string) {
			t.Helper()
			for i := range of {
				equal(t, "of whom much is known", of[i].at("visitor", field), any(ofBob))
				equal(t, "of whom nothing is", nothing[i].at("visitor", field), any(ofBare))
			}
		}

		s.Run("S130 the keys", func(t *testing.T) {
			for _, c := range append(slices.Clone(of), nothing...) {
				if got := slices.Sorted(maps.Keys(c)); !slices.Equal(got, commonKeys) {
					t.Errorf("the keys are %q", got)
				}
				if got := slices.Sorted(maps.Keys(c.at("visitor").(map[string]any))); !slices.Equal(got, visitorKeys) {
					t.Errorf("the visitor's keys are %q", got)
				}
			}
		})
		s.Run("S131 email", func(t *testing.T) { in(t, "email", "bob@smith.example", "") })
		s.Run("S132 UUID", func(t *testing.T) {
			one, other := of[0].text("visitor", "UUID"), nothing[0].text("visitor", "UUID")
			if !lowerUUID.MatchString(one) || !lowerUUID.MatchString(other) || one == other {
				t.Errorf("the visitors are %q and %q", one, other)
			}
			in(t, "UUID", one, other)
			equal(t, "in our API", bob.contact().text("uuid"), one)
		})
		s.Run("S133 name", func(t *testing.T) { in(t, "name", "Bob Smith", "") })
		s.Run("S134 identUserId", func(t *testing.T) { in(t, "identUserId", "user1234", "") })
		s.Run("S135 identTraits", func(t *testing.T) { in(t, "identTraits", `{"custom stuff":"things"}`, "") })
		s.Run("S136 userAgent", func(t *testing.T) { in(t, "userAgent", chrome, firefox) })
		s.Run("S137 handle", func(t *testing.T) {
			in(t, "handle", path("los-angeles-california-us-%d", bob.contact().number("id")), path("visitor-%d", bare.contact().number("id")))
			equal(t, "in our API", bob.contact().text("handle"), of[0].text("visitor", "handle"))
		})
		s.Run("S138 currentPage", func(t *testing.T) {
			for i, want := range []string{"https://shop.example/cart", "https://shop.example/signup#step2", "https://shop.example/signup#step2"} {
				equal(t, "the page", of[i].text("visitor", "currentPage"), want)
				equal(t, "the page of one who stays", nothing[i].text("visitor", "currentPage"), "https://shop.example/")
			}
		})
		s.Run("S139 referrerURL", func(t *testing.T) { in(t, "referrerURL", "https://search.example/?q=shoes", "") })
		s.Run("S140 createdAt", func(t *testing.T) {
			for _, v := range []*visitor{bob, bare} {
				seen, err := time.Parse(time.RFC3339Nano, v.contact().text("created_at"))
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range all(v) {
					if at := moment(t, "createdAt", c.at("visitor", "createdAt")); !at.Equal(seen) {
						t.Errorf("createdAt is %v, first seen %v", at, seen)
					}
				}
			}
		})
		s.Run("S141 IPAddress", func(t *testing.T) { in(t, "IPAddress", "203.0.113.7", "127.0.0.1") })
		s.Run("S142 location", func(t *testing.T) { in(t, "location", "Los Angeles, California, United States", "") })
		s.Run("S143 message", func(t *testing.T) {
			for i, want := range []string{"Hi, I am having trouble signing up", "Hi, I am having trouble signing up", "Good, and I mean it"} {
				equal(t, "the text", of[i].text("message"), want)
			}
		})
		s.Run("S144 conversationUUID", func(t *testing.T) {
			for _, v := range []*visitor{bob, bare} {
				uuid := v.uuid()
				if !lowerUUID.MatchString(uuid) || len(all(v)) != 3 { // found by it
					t.Errorf("the conversation is %q", uuid)
				}
				equal(t, "what our API finds by it", s.admin().must("GET", "/api/v1/conversations/by-uuid?uuid="+uuid, nil).number("id"), v.conversation)
			}
		})
		s.Run("S145 channelId", func(t *testing.T) {
			for i := range of {
				equal(t, "the channel", of[i].text("channelId"), strconv.Itoa(bob.conversation))
				equal(t, "the other channel", nothing[i].text("channelId"), strconv.Itoa(bare.conversation))
			}
		})
		s.Run("S146 slackChannelName slackChannelId", func(t *testing.T) {
			for _, c := range append(slices.Clone(of), nothing...) {
				equal(t, "the name", c["slackChannelName"], any(""))
				equal(t, "the id", c["slackChannelId"], any(""))
			}
		})
		s.Run("S147 no null", func(t *testing.T) {
			for _, c := range calls {
				if at := null(map[string]any(c.body)); at != "" || bytes.Contains(c.raw, []byte("null")) {
					t.Errorf("%s is null: %s", at, c.raw)
				}
			}
		})

		// What holds over more than one chat.
		before := len(calls)
		next := func(v *visitor) object {
			t.Helper()
			before++
			c := h.first(before)[before-1]
			equal(s, "the webhook", c.hook(), "new_conversation")
			equal(s, "the chat", c.body.text("conversationUUID"), v.uuid())
			return c.body
		}
		s.Run("S132 S137 S140 S144 the same browser after a reload", func(t *testing.T) {
			reload := w.visitor().at("198.51.100.7") // it is on the way, too
			reload.header.Set("Authorization", bob.header.Get("Authorization"))
			reload.says("It is me again", object{"contact": object{"name": "Robert Smith", "email": "robert@smith.example"}})
			c := next(reload)
			for _, field := range []string{"UUID", "handle", "createdAt", "identUserId"} {
				equal(t, field, c.text("visitor", field), of[0].text("visitor", field))
			}
			equal(t, "the place now", c.text("visitor", "location"), "United States")
			equal(t, "the name now", c.text("visitor", "name"), "Robert Smith")
			if c.text("conversationUUID") == of[0].text("conversationUUID") {
				t.Error("the second chat has the first one's UUID")
			}
		})
		s.Run("S137 S142 how much of the place is known", func(t *testing.T) {
			handles := map[string]bool{of[0].text("visitor", "handle"): true}
			for _, c := range []struct{ from, slug, location string }{
				{"203.0.113.9", "los-angeles-california-us", "Los Angeles, California, United States"},
				{"198.51.100.7", "united-states", "United States"},
				{"198.51.100.9", "united-states", "United States"},
				{"198.51.100.200", "zurich-ch", "Zürich, Switzerland"},
				{"192.0.2.1", "visitor", ""},
			} {
				v := w.visitor().at(c.from)
				v.says("Hello")
				got := next(v)
				equal(t, "the place of "+c.from, got.at("visitor", "location"), any(c.location))
				handle := got.text("visitor", "handle")
				equal(t, "the handle", handle, path("%s-%d", c.slug, v.contact().number("id")))
				if handles[handle] {
					t.Errorf("the handle %s is given twice", handle)
				}
				handles[handle] = true
			}
		})
		s.Run("S134 S135 what a page says, and what is signed", func(t *testing.T) {
			v := w.visitor()
			v.says("Hello", object{"claimed": object{"id": "user77", "traits": object{"name": "Jane", "plan": "gold", "seats": 3, "vip": true, "since": nil}}})
			c := next(v)
			equal(t, "the id", c.text("visitor", "identUserId"), "user77")
			equal(t, "the trait that is a name", c.text("visitor", "name"), "Jane")
			var traits map[string]any
			if err := json.Unmarshal([]byte(c.text("visitor", "identTraits")), &traits); err != nil || traits["plan"] != "gold" || traits["seats"] != 3.0 || traits["vip"] != true {
				t.Errorf("the traits are %q %v", c.text("visitor", "identTraits"), err)
			}
			signed := w.visitor()
			signed.says("Hello", object{"claimed": object{"id": "user77"}, "identity": w.signs("account-9", s.now())})
			equal(t, "the signed id", next(signed).text("visitor", "identUserId"), "account-9")
			p := w.visitor().refused(http.StatusUnprocessableEntity, "POST", "/visitor/v1/widgets/"+w.key+"/messages",
				object{"client_id": secret.UUID(), "body": "Hello", "visit": v.visit, "claimed": object{"id": "a\nb"}})
			equal(t, "the field of a bad id", p.text("field"), "claimed.id")
		})
		s.Run("S141 who can say where they come from", func(t *testing.T) {
			proxied := w.visitor().at("198.51.100.66, 203.0.113.9") // the first is what the visitor's own header said
			proxied.says("Hello")
			equal(t, "behind the proxy", next(proxied).text("visitor", "IPAddress"), "203.0.113.9")
			if runtime.GOOS == "linux" { // where all of 127.0.0.0/8 is this machine
				direct := w.visitor().at("203.0.113.9")
				direct.direct("127.0.0.2", "Hello")
				equal(t, "without the proxy", next(direct).text("visitor", "IPAddress"), "127.0.0.2")
			}
			six := w.visitor().at("2001:db8::7")
			six.says("Hello")
			equal(t, "version 6", next(six).text("visitor", "IPAddress"), "2001:db8::7")
			quiet := s.shop(object{"privacy_mode": true})
			hidden := quiet.hooks("new_conversation")
			v := quiet.visitor().at("203.0.113.9")
			v.says("Hello")
			c := hidden.told("new_conversation")[0].body
			equal(t, "in privacy mode", c.at("visitor", "IPAddress"), any(""))
			equal(t, "the place in privacy mode", c.at("visitor", "location"), any(""))
			equal(t, "the handle in privacy mode", c.text("visitor", "handle"), path("visitor-%d", v.contact().number("id")))
		})
		s.Run("S139 S138 what is no page", func(t *testing.T) {
			v := w.visitor()
			v.visit = object{"url": "https://bob:geheim@shop.example/cart", "referrer": "javascript:alert(1)"}
			v.says("Hello")
			c := next(v)
			equal(t, "the page", c.text("visitor", "currentPage"), "https://shop.example/cart")
			equal(t, "the page before", c.at("visitor", "referrerURL"), any(""))
		})
	})
}

// null says where in a value a null is, "" for nowhere.
func null(v any) string {
	switch v := v.(type) {
	case nil:
		return "."
	case map[string]any:
		for k, inner := range v {
			if at := null(inner); at != "" {
				return "." + k + strings.TrimSuffix(at, ".")
			}
		}
	case []any:
		for i, inner := range v {
			if at := null(inner); at != "" {
				return fmt.Sprintf("[%d]", i) + strings.TrimSuffix(at, ".")
			}
		}
	}
	return ""
}

func TestS147_S148_S149_S150_S151_S142_TheOfflinePayload(t *testing.T) {
	withPlaces(t, func(s *server) {
		w := s.shop(nil)
		h := w.hooks("offline_message")
		calls := 0
		left := func(v *visitor, name, email, message string, with ...object) object {
			s.Helper()
			v.leaves(name, email, message, with...)
			calls++
			return h.first(calls)[calls-1].body
		}
		const words = "I just want to say I love your service!\n\t\"Really\" <b>\\ \U0001F600"
		bob := w.visitor().at("203.0.113.7")
		full := left(bob, "  Bob Smith ", " bob@smith.example\t", words, object{"claimed": object{"id": "user1234", "traits": object{"custom stuff": "things"}}})
		opened := bob.conversation
		bare := left(w.visitor(), "", "jane@customer.example", "Hello")

		s.Run("S147 no null", func(t *testing.T) {
			for _, c := range h.first(2) {
				if at := null(map[string]any(c.body)); at != "" {
					t.Errorf("%s is null: %s", at, c.raw)
				}
			}
		})
		s.Run("S148 name and email as typed and trimmed", func(t *testing.T) {
			equal(t, "the name", full["name"], any("Bob Smith"))
			equal(t, "the address", full["email"], any("bob@smith.example"))
			equal(t, "no name", bare["name"], any(""))
			for _, bad := range []string{"", " ", "bob", "bob@", "@smith.example", "bob smith@smith.example", "a@b.example, c@d.example", "bob@smith.example\r\nBcc: x@y.example"} {
				v := w.visitor().at("203.0.113.99") // who tries too often has to wait
				if p := v.refused(http.StatusUnprocessableEntity, "POST", v.form(), v.filled("Bob", bad, "Hello")); p.text("field") != "email" {
					t.Errorf("the address %q is refused at %q", bad, p.text("field"))
				}
			}
			// What is typed proves nothing: it does not replace what is known, in the call's visitor neither.
			c := left(bob, "Mallory", "mallory@evil.example", "It is me")
			equal(t, "the name typed now", c.text("name"), "Mallory")
			equal(t, "the address typed now", c.text("email"), "mallory@evil.example")
			equal(t, "the name that is known", c.text("visitor", "name"), "Bob Smith")
			equal(t, "the address that is known", c.text("visitor", "email"), "bob@smith.example")
		})
		s.Run("S149 emailPretty", func(t *testing.T) {
			equal(t, "both", full["emailPretty"], any(`"Bob Smith" <bob@smith.example>`))
			equal(t, "no name", bare["emailPretty"], any("jane@customer.example"))
			quoted := left(w.visitor().at("203.0.113.20"), `Bob "Bobby" Smith \o/`, "bobby@smith.example", "Hello")
			equal(t, "with quotes", quoted.text("emailPretty"), `"Bob \"Bobby\" Smith \\o/" <bobby@smith.example>`)
			a, err := mail.ParseAddress(quoted.text("emailPretty"))
			if err != nil || a.Name != `Bob "Bobby" Smith \o/` || a.Address != "bobby@smith.example" {
				t.Errorf("a mail program reads %v %v", a, err)
			}
		})
		s.Run("S150 message", func(t *testing.T) {
			equal(t, "the text", full.text("message"), words)
			long := strings.Repeat("ü", 5000)
			v := w.visitor().at("203.0.113.21")
			equal(t, "the longest", left(v, "", "bob@smith.example", long).text("message"), long)
			for what, in := range map[string]object{
				"message": v.filled("", "bob@smith.example", long+"x"), "name": v.filled(strings.Repeat("n", 121), "bob@smith.example", "Hello"),
			} {
				equal(t, "what is too long", v.refused(http.StatusUnprocessableEntity, "POST", v.form(), in).text("field"), what)
			}
			equal(t, "what is empty", v.refused(http.StatusUnprocessableEntity, "POST", v.form(), v.filled("", "bob@smith.example", " \n")).text("field"), "message")
			// A form invites programs: an address can leave some, then one a minute.
			limited := 0
			for range 12 {
				bot := w.visitor().at("203.0.113.22")
				if status, _ := bot.send("POST", bot.form(), bot.filled("", "bot@smith.example", "Buy")); status == http.StatusTooManyRequests {
					limited++
				} else {
					calls++
				}
			}
			equal(t, "messages of one address that are refused", limited, 2)
			h.first(calls)
		})
		s.Run("S151 S142 visitor", func(t *testing.T) {
			if got := slices.Sorted(maps.Keys(full)); !slices.Equal(got, []string{"email", "emailPretty", "message", "name", "visitor"}) {
				t.Errorf("the keys are %q", got)
			}
			placeless := slices.DeleteFunc(slices.Clone(visitorKeys), func(k string) bool { return k == "location" })
			for _, c := range []object{full, bare} {
				if got := slices.Sorted(maps.Keys(c.at("visitor").(map[string]any))); !slices.Equal(got, placeless) {
					t.Errorf("the visitor's keys are %q", got)
				}
			}
			moment(t, "createdAt", full.at("visitor", "createdAt"))
			contact := s.admin().conversation(bob.conversation).number("contact", "id")
			for field, want := range map[string]string{"email": "bob@smith.example", "name": "Bob Smith", "identUserId": "user1234", "identTraits": `{"custom stuff":"things"}`,
				"userAgent": chrome, "handle": path("los-angeles-california-us-%d", contact), "currentPage": "https://shop.example/cart",
				"referrerURL": "https://search.example/?q=shoes", "IPAddress": "203.0.113.7", "UUID": bob.contact().text("uuid")} {
				equal(t, field, full.text("visitor", field), want)
			}
			// The same browser's chats are the same visitor's.
			chats := w.hooks("new_conversation")
			for _, conversation := range []int{opened, bob.conversation} { // a chat would go on in the newest that is open
				s.admin().ends(conversation)
			}
			bob.conversation = 0
			bob.says("Somebody there?")
			equal(t, "the visitor in a chat", chats.first(1)[0].body.text("visitor", "UUID"), full.text("visitor", "UUID"))
			equal(t, "the handle in a chat", chats.first(1)[0].body.text("visitor", "handle"), full.text("visitor", "handle"))
		})
	})
}

// strictly reads JSON as the strictest of parsers does: one value, UTF-8, no key twice, no number out of range, nothing before or behind it.
func strictly(raw []byte) error {
	if !utf8.Valid(raw) || bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		return fmt.Errorf("not plain UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value func() error
	value = func() error {
		tok, err := d.Token()
		if err != nil {
			return err
		}
		delim, ok := tok.(json.Delim)
		if !ok {
			if text, ok := tok.(string); ok && strings.ContainsRune(text, utf8.RuneError) {
				return fmt.Errorf("half a character in %q", text)
			}
			return nil
		}
		seen := map[any]bool{}
		for d.More() {
			if delim == '{' {
				key, err := d.Token()
				if err != nil {
					return err
				}
				if seen[key] {
					return fmt.Errorf("the key %v twice", key)
				}
				seen[key] = true
			}
			if err := value(); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	if err := value(); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something behind the value")
	}
	return nil
}

// The structs below are those of a receiver that was written in a typed language from the document's samples alone: every field has the type
// that the sample shows (S-176).
type (
	theVisitor struct {
		theOfflineVisitor
		Location string `json:"location"`
	}
	theOfflineVisitor struct {
		Email       string    `json:"email"`
		UUID        string    `json:"UUID"`
		Name        string    `json:"name"`
		IdentUserID string    `json:"identUserId"`
		IdentTraits string    `json:"identTraits"`
		UserAgent   string    `json:"userAgent"`
		Handle      string    `json:"handle"`
		CurrentPage string    `json:"currentPage"`
		ReferrerURL string    `json:"referrerURL"`
		CreatedAt   time.Time `json:"createdAt"`
		IPAddress   string    `json:"IPAddress"`
	}
	theCommon struct {
		Visitor          theVisitor `json:"visitor"`
		Message          string     `json:"message"`
		ConversationUUID string     `json:"conversationUUID"`
		ChannelID        string     `json:"channelId"`
		SlackChannelName string     `json:"slackChannelName"`
		SlackChannelID   string     `json:"slackChannelId"`
	}
	theOfflineMessage struct {
		Name        string            `json:"name"`
		Email       string            `json:"email"`
		EmailPretty string            `json:"emailPretty"`
		Message     string            `json:"message"`
		Visitor     theOfflineVisitor `json:"visitor"`
	}
	theTranscript[Traits any] struct {
		AgentEmail       string       `json:"agentEmail"`
		AgentName        string       `json:"agentName"`
		ArchiveURL       string       `json:"archiveUrl"`
		ExtraData        []string     `json:"extraData"`
		ChannelID        string       `json:"channelId"`
		ChannelName      string       `json:"channelName"`
		ConversationUUID string       `json:"conversationUUID"`
		EndedAt          time.Time    `json:"endedAt"`
		ChatRating       string       `json:"chatRating"`
		ChatFeedback     string       `json:"chatFeedback"`
		HTMLBody         string       `json:"htmlBody"`
		TextBody         string       `json:"textBody"`
		Messages         []theMessage `json:"messages"`
		StartedAt        time.Time    `json:"startedAt"`
		VisitorEmail     string       `json:"visitorEmail"`
		ReplyToEmail     string       `json:"replyToEmail"`
		VisitorName      string       `json:"visitorName"`
		VisitorTraits    Traits       `json:"visitorTraits"`
		Visitor          theVisitor   `json:"visitor"`
		SlackTeamID      string       `json:"slackTeamID"`
	}
	theMessage struct {
		Text         string    `json:"text"`
		TS           string    `json:"ts"`
		SentAt       time.Time `json:"sentAt"`
		UserID       string    `json:"userId"`
		Username     string    `json:"username"`
		IsVisitorMsg bool      `json:"isVisitorMsg"`
	}
	traitTexts = map[string]string
)

// fits decodes a call with the struct, which has to know every key of it.
func fits[T any](t *testing.T, raw []byte) (v T) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Errorf("a typed receiver does not take it: %v\n%s", err, raw)
	}
	return v
}

// refuses looks that a decoder does tell: the same call with another type in one place.
func refuses[T any](t *testing.T, raw []byte, old, replacement string) {
	t.Helper()
	if !bytes.Contains(raw, []byte(old)) {
		t.Fatalf("there is no %s in %s", old, raw)
	}
	var v T
	if err := json.Unmarshal(bytes.Replace(raw, []byte(old), []byte(replacement), 1), &v); err == nil {
		t.Errorf("the receiver takes %s for %s", replacement, old)
	}
}

// hostile is what breaks receivers when it is not written as it must be.
const hostile = "\"quotes\" \\ / // # <script>alert('1')</script> & \t\nline two\r\n\u2028\u2029\u0001\u007f é e\u0301 \u0645\u0631 \u202e \U0001F600 \U0001F468\u200d\U0001F469 null {}[],:"

func TestS173_S176_EveryReceiverTakesEveryCall(t *testing.T) {
	withPlaces(t, func(s *server) {
		ann := s.operator("Ann", "O\"Neil\\", "operator")
		plain, asText := s.shop(talkative), s.shop(talkative)
		h, texts := plain.hooks(), asText.hooks()
		texts.sets(object{"traits_text": true})
		plain.story(ann, hostile)
		traits := object{"plan": hostile, "seats": 3, "vip": true, "none": nil, "list": []int{1}, "in": object{"a": 1.5}, hostile: "key"}
		v := asText.visitor().at("203.0.113.7")
		v.says(hostile, object{"claimed": object{"id": "user1234", "traits": traits}})
		ann.ends(v.conversation)
		signed := plain.visitor().at("203.0.113.7")
		signed.says("Hello", object{"claimed": object{"id": "user1234", "traits": traits}, "contact": object{"name": "\"Bob\" <b>"}})
		ann.ends(signed.conversation)
		calls := h.told(append(slices.Clone(allHooks), "new_conversation", "transcript")...)
		textCalls := texts.told("new_conversation", "transcript")

		s.Run("S173 strict JSON", func(t *testing.T) {
			for _, c := range append(slices.Clone(calls), textCalls...) {
				equal(t, "the content type", c.header.Get("Content-Type"), "application/json")
				equal(t, "the method", c.method, "POST")
				if err := strictly(c.raw); err != nil {
					t.Errorf("%s: %v: %s", c.hook(), err, c.raw)
				}
			}
			for _, c := range calls {
				if c.hook() != "transcript" && c.body.text("visitor", "identUserId") == "" {
					equal(t, "the text of "+c.hook(), c.body.text("message"), hostile)
				}
			}
			// The one sample with a remark in it: the line it stands in is a plain address.
			equal(t, "replyToEmail", call(t, textCalls, "transcript").text("replyToEmail"), "nobody@parley.example")
			// What comes is what the server's reference shows.
			for _, c := range calls {
				live, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.raw))
				if err != nil {
					t.Fatal(err)
				}
				status, schema := s.admin().raw("GET", "/docs/schemas/chatlio/"+c.hook()+".json", nil)
				if status != http.StatusOK {
					t.Fatalf("the schema of %s: %d", c.hook(), status)
				}
				if err := compile(s, schema).Validate(live); err != nil {
					t.Errorf("a live %s does not fit its schema: %v", c.hook(), err)
				}
			}
		})
		s.Run("S176 typed receivers", func(t *testing.T) {
			for _, c := range calls {
				switch c.hook() {
				case "transcript":
					got := fits[theTranscript[traitTexts]](t, c.raw)
					if len(got.Messages) == 0 || got.ExtraData == nil || got.VisitorTraits["time_on_page"] == "" || got.Visitor.CreatedAt.IsZero() {
						t.Errorf("the receiver reads %+v", got)
					}
					refuses[theTranscript[string]](t, c.raw, `"slackTeamID"`, `"slackTeamID"`) // which is what the switch is for
				case "offline_message":
					got := fits[theOfflineMessage](t, c.raw)
					equal(t, "what the receiver reads", got.EmailPretty, `"Bob Smith" <bob@smith.example>`)
				default:
					got := fits[theCommon](t, c.raw)
					if got.ConversationUUID == "" || got.Visitor.UUID == "" || got.Visitor.CreatedAt.IsZero() {
						t.Errorf("the receiver reads %+v", got)
					}
					refuses[theCommon](t, c.raw, `"slackChannelName":""`, `"slackChannelName":0`)
				}
			}
			for _, c := range textCalls {
				if c.hook() != "transcript" {
					fits[theCommon](t, c.raw)
					continue
				}
				got := fits[theTranscript[string]](t, c.raw)
				var inside traitTexts
				if err := json.Unmarshal([]byte(got.VisitorTraits), &inside); err != nil || inside["plan"] != hostile || inside["seats"] != "3" || inside["vip"] != "true" || inside["current_page"] == "" {
					t.Errorf("the traits as a text are %q %v", got.VisitorTraits, err)
				}
				refuses[theTranscript[traitTexts]](t, c.raw, `"slackTeamID"`, `"slackTeamID"`)
			}
			// The document's own samples fit the same receivers, so that the structs are the document's.
			for name, sample := range map[string]func([]byte){
				"common": func(b []byte) { fits[theCommon](t, b) }, "offline": func(b []byte) { fits[theOfflineMessage](t, b) }, "transcript": func(b []byte) { fits[theTranscript[traitTexts]](t, b) },
			} {
				b, err := os.ReadFile(filepath.Join("testdata", "chat_"+name+".json"))
				if err != nil {
					t.Fatal(err)
				}
				sample(b)
			}
		})
	})
}
