package acceptance

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The entry “API” of the add-ons is the list of endpoints in the dialect userlike.
func TestS083_AddonsHaveAnEntryAPI(t *testing.T) {
	each(t, func(s *server) {
		ann, bob := s.operator("Ann", "Lee", "admin"), s.operator("Bob", "Ray", "operator")
		var api object
		for _, d := range ann.must("GET", "/api/v1/dialects", nil).list("items") {
			if d := object(d.(map[string]any)); d.text("name") == "userlike" {
				api = d
			}
		}
		// The 16 callbacks, and one that the form of 2014 alone tells.
		events := api.list("events")
		pinned := slices.IndexFunc(events, func(e any) bool { return reflect.DeepEqual(e.(map[string]any)["versions"], []any{"2014"}) })
		if len(events) != 17 || pinned < 0 || object(events[pinned].(map[string]any)).text("name") != "offline_message.receive" || !reflect.DeepEqual(api.list("versions"), []any{"2014", "1"}) || api.text("version") != "1" {
			s.Fatalf("the add-on API: %v", api)
		}
		settings := object{"name": "CRM", "url": "https://crm.example/parley", "dialect": "userlike", "events": []string{"chat_session.rating", "operator.back"},
			"headers": object{"X-Key": "geheim"}, "dialect_version": "2014"}
		id := ann.must("POST", "/api/v1/endpoints", settings).number("endpoint", "id")
		at := path("/api/v1/endpoints/%d", id)
		for _, call := range [][2]string{{"GET", "/api/v1/endpoints"}, {"POST", "/api/v1/endpoints"}, {"GET", at}, {"PATCH", at}, {"DELETE", at}, {"POST", at + "/test"}, {"POST", at + "/pause"},
			{"GET", "/api/v1/deliveries"}} {
			var body any
			switch call[0] {
			case "POST":
				body = settings
				if strings.HasSuffix(call[1], "/test") {
					body = object{}
				}
			case "PATCH":
				body = object{"name": "mine"}
			}
			if p := bob.refused(http.StatusForbidden, call[0], call[1], body); p.text("code") != "auth.denied" {
				s.Errorf("%s %s as an operator: %v", call[0], call[1], p)
			}
		}
		kept := ann.must("GET", "/api/v1/endpoints", nil).list("items")
		if len(kept) != 1 {
			s.Fatalf("%d endpoints, want the one that the admin saved", len(kept))
		}
		one := object(kept[0].(map[string]any))
		if one.text("name") != "CRM" || one.text("url") != "https://crm.example/parley" || one.text("dialect_version") != "2014" ||
			!reflect.DeepEqual(one.list("events"), []any{"chat_session.rating", "operator.back"}) || one.text("headers", "X-Key") != "***" {
			s.Errorf("after saving: %v", one)
		}
	})
}

func TestS084_CallbackURLsAreHTTPOrHTTPS(t *testing.T) {
	each(t, func(s *server) {
		r := s.receiver()
		used := r.http.URL + "/a%20b/callback?x=1&y=%C3%BC&z"
		e := &endpoint{r, s.admin().must("POST", "/api/v1/endpoints", object{"name": "API", "url": used, "dialect": "userlike", "events": []string{}}).number("endpoint", "id")}
		s.shop(nil).visitor().says("Hello")
		for _, c := range e.told("um_widget_config", "chat_session_start", "chat_session_message_received") {
			equal(s, "the address", c.path, "/a%20b/callback?x=1&y=%C3%BC&z")
		}
		secure := s.admin().must("POST", "/api/v1/endpoints", object{"name": "TLS", "url": "https://crm.example/in?a=b", "dialect": "userlike", "events": []string{}})
		equal(s, "the address", secure.text("endpoint", "url"), "https://crm.example/in?a=b")

		bad := map[string]object{
			"ftp":              {"url": "ftp://crm.example/in"},
			"no scheme":        {"url": "crm.example/in"},
			"credentials":      {"url": "https://user:secret@crm.example/in"},
			"control":          {"url": "https://crm.example/in\r\nX: y"},
			"header with CRLF": {"headers": object{"X-Key": "a\r\nHost: evil.example"}},
			"header name":      {"headers": object{"X Key\n": "a"}},
		}
		for what, with := range bad {
			in := object{"name": "API", "url": "https://crm.example/in", "dialect": "userlike", "events": []string{}}
			for k, v := range with {
				in[k] = v
			}
			p := s.admin().refused(http.StatusUnprocessableEntity, "POST", "/api/v1/endpoints", in)
			field := "url"
			if with["headers"] != nil {
				field = "headers"
			}
			if got := p.text("field"); !strings.HasSuffix(got, field) {
				s.Errorf("%s: the problem names %q, want the field %s: %v", what, got, field, p)
			}
		}
		equal(s, "the number of endpoints", len(s.admin().must("GET", "/api/v1/endpoints", nil).list("items")), 2)
	})
}

func TestS085_DataIsPostedAsJSON(t *testing.T) {
	each(t, func(s *server) {
		e := s.addonWith(object{"headers": object{"X-Customer": "42"}})
		s.shop(nil).visitor().says("Hello \U0001F600 \u00fc")
		for _, c := range e.told("um_widget_config", "chat_session_start", "chat_session_message_received") {
			equal(s, "the method", c.method, "POST")
			equal(s, "the content type", c.header.Get("Content-Type"), "application/json")
			equal(s, "the configured header", c.header.Get("X-Customer"), "42")
			if c.body == nil {
				s.Errorf("this is no JSON object: %s", c.raw)
			}
			for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
				if c.header.Get(name) == "" {
					s.Errorf("there is no header %s", name)
				}
			}
		}
	})
}

// delivery is the newest delivery of an endpoint as soon as it has been tried often enough.
func (e *endpoint) delivery(attempts int) (d object) {
	e.Helper()
	e.eventually("an attempt is in the log", func() bool {
		list := e.admin().must("GET", path("/api/v1/deliveries?endpoint_id=%d", e.id), nil).list("items")
		if len(list) == 0 {
			return false
		}
		d = e.admin().must("GET", path("/api/v1/deliveries/%d", object(list[0].(map[string]any)).number("id")), nil)
		return len(d.list("attempt_log")) >= attempts
	})
	return d
}

func TestS086_AnAnswer200IsDelivered(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.start")
		s.shop(nil).visitor().says("Hello")
		e.told("chat_session_start")
		d := e.delivery(1)
		if d.text("state") != "delivered" || d.number("last_status") != 200 || d.number("attempts") != 1 || d.text("attempt_log", 0, "outcome") != "delivered" {
			s.Errorf("the log says %v", d)
		}
	})
}

func TestS087_EverythingElseIsAFailure(t *testing.T) {
	each(t, func(s *server) {
		shop := s.shop(nil)
		hang := make(chan struct{})
		endpoints := map[int]*endpoint{}
		for _, status := range []int{204, 301, 404, 500, 0} {
			settings := object{"events": []string{"chat_session.start"}}
			if status == 0 {
				settings["timeout_seconds"] = 1
			}
			e := s.addonWith(settings)
			e.answers(func(w http.ResponseWriter, call int) {
				switch {
				case call > 1: // it recovers
				case status == 0:
					<-hang
				default:
					w.Header().Set("Location", e.http.URL+"/elsewhere")
					w.WriteHeader(status)
				}
			})
			endpoints[status] = e
		}
		s.Cleanup(func() { close(hang) }) // before the receivers are closed
		lenient := s.addonWith(object{"events": []string{"chat_session.start"}, "success": "2xx"})
		lenient.answers(func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusNoContent) })
		shop.visitor().says("Hello")
		for status, e := range endpoints {
			d := e.delivery(1)
			one := object(d.at("attempt_log", 0).(map[string]any))
			if one.text("outcome") != "retry" || one.number("status") != status || (status == 0) == (one.text("error") == "") && status == 0 {
				s.Errorf("an answer %d: the log says %v", status, one)
			}
		}
		// Each is tried again, the same call, and nobody followed the redirect.
		for status, e := range endpoints {
			calls := e.first(2)
			if d := e.delivery(2); d.text("state") != "delivered" || d.number("attempts") != 2 {
				s.Errorf("after an answer %d and then 200: %v", status, d)
			}
			for _, c := range calls {
				equal(s, "the address", c.path, "/callback")
			}
			if string(calls[0].raw) != string(calls[1].raw) || calls[0].header.Get("webhook-id") != calls[1].header.Get("webhook-id") {
				s.Errorf("after an answer %d the repeat is another call", status)
			}
		}
		if d := lenient.delivery(1); d.text("state") != "delivered" || d.number("last_status") != 204 {
			s.Errorf("an endpoint that takes any 2xx: %v", d)
		}
	})
}

func TestS088_CustomDataArrives(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.start", "chat_session.message_received", "chat_session.message_sent", "chat_session.end", "conversation.ended")
		v := s.shop(nil).visitor()
		custom := object{"basket": map[string]any{"id": 7.0, "items": []any{"a", map[string]any{"n": 1.5}}}, "vip": true, "none": nil, "text": "7"}
		v.says("Hello", object{"custom": custom})
		calls := e.told("chat_session_start", "chat_session_message_received")
		for _, c := range calls {
			if got := c.body.at("custom"); !reflect.DeepEqual(got, map[string]any(custom)) {
				s.Errorf("%s: custom is %v, want %v", c.name(), got, custom)
			}
			if c.body.at("custom", "basket", "id") != 7.0 {
				s.Errorf("%s: custom.basket.id is %v", c.name(), c.body.at("custom", "basket", "id"))
			}
			if !reflect.DeepEqual(c.body.at("contact", "custom"), c.body.at("custom")) {
				s.Errorf("%s: the contact has other data: %v", c.name(), c.body.at("contact", "custom"))
			}
		}
		// Later calls carry the newest data, and what was refused is not stored.
		v.must("PATCH", "/visitor/v1/me", object{"custom": object{"basket": object{"id": 8}}})
		deep := any("x")
		for range 9 {
			deep = object{"a": deep}
		}
		for what, bad := range map[string]any{"nine levels": deep, "more than 32 kB": object{"a": strings.Repeat("x", 33000)}, "a list": []int{1}, "a text": "a"} {
			if status, p := v.send("PATCH", "/visitor/v1/me", object{"custom": bad}); status != http.StatusUnprocessableEntity || !strings.Contains(p.text("field"), "custom") {
				s.Errorf("%s: %d %v", what, status, p)
			}
		}
		s.admin().says(v.conversation, "Hi")
		s.admin().ends(v.conversation)
		calls = e.told("chat_session_start", "chat_session_message_received", "chat_session_message_sent", "chat_session_end", "conversation_ended")
		for _, name := range []string{"chat_session_message_sent", "chat_session_end", "conversation_ended"} {
			if got := the(e, calls, name).at("custom"); !reflect.DeepEqual(got, map[string]any{"basket": map[string]any{"id": 8.0}}) {
				s.Errorf("%s: custom is %v", name, got)
			}
		}
	})
}

func TestS089_CustomIsAlwaysAnObject(t *testing.T) {
	each(t, func(s *server) {
		e, old := s.addon(), s.addonWith(object{"dialect_version": "2014"})
		d := s.aDay()
		for _, calls := range [][]received{e.told(d...), old.first(len(d))} {
			for _, c := range calls {
				if typ := c.body.text("_type"); typ == "operator" || typ == "um_widget" || typ == "chat_widget" {
					continue
				}
				for _, custom := range []any{c.body.at("custom"), c.body.at("contact", "custom")} {
					if !reflect.DeepEqual(custom, map[string]any{}) {
						s.Errorf("%s: custom is %v, want {}", c.name(), custom)
					}
				}
			}
		}
	})
}

// aDay plays everything that can happen in an API add-on's life, so that each of the 16 callbacks comes at least once, and returns
// the names of all calls that this makes.
func (s *server) aDay() (calls []string) {
	s.Helper()
	ann := s.operator("Ann", "Lee", "admin")
	bob := s.operator("Bob", "Ray", "operator")
	group := s.group("Support", ann.id)
	shop := s.shop(object{"name": "Shop", "group_id": group, "session_timeout_seconds": 600, "rating_form": "stars", "ask_feedback": true,
		"survey": object{"question": "How did you hear of us?", "options": []string{"A friend", "Search"}},
		"goals":  []object{{"name": "Newsletter", "match": "script", "pattern": "newsletter"}}})
	calls = append(calls, "um_widget_config")

	v := shop.visitor()
	v.says("Hello") // nobody is there
	calls = append(calls, "chat_session_start", "chat_session_message_received")
	s.pass(601 * time.Second)
	s.happened("session.ended", 1)
	calls = append(calls, "chat_session_unread", "chat_session_end")

	leave := ann.tab()
	calls = append(calls, "operator_online")
	v.says("Me again") // the second session of the same conversation; Ann gets it
	calls = append(calls, "chat_session_start", "chat_session_message_received")
	ann.reads(v.conversation, s.admin().conversation(v.conversation).number("message_count"))
	ann.says(v.conversation, "What can I do for you?")
	calls = append(calls, "chat_session_message_sent")
	ann.is("away")
	ann.is("online")
	calls = append(calls, "operator_away", "operator_back")
	ann.must("POST", path("/api/v1/conversations/%d/forward", v.conversation), object{"operator_id": bob.id})
	calls = append(calls, "chat_session_forward")
	v.reaches("newsletter")
	calls = append(calls, "chat_session_goal")
	ann.ends(v.conversation)
	calls = append(calls, "chat_session_end", "conversation_ended")
	v.rates(5)
	v.gives("great")
	v.answers("Search")
	calls = append(calls, "chat_session_rating", "chat_session_feedback", "chat_session_survey")
	ann.is("offline")
	leave()
	calls = append(calls, "operator_offline")
	return calls
}

// is sets what the operator wants to be.
func (o *operator) is(availability string) {
	o.Helper()
	o.must("PUT", "/api/v1/me/availability", object{"availability": availability})
}

// all16 are the names of the document's samples, in its order.
var all16 = []string{
	"chat_session_start", "chat_session_message_received", "chat_session_message_sent", "chat_session_end", "chat_session_unread", "conversation_ended",
	"chat_session_forward", "chat_session_rating", "chat_session_feedback", "chat_session_survey", "chat_session_goal",
	"operator_online", "operator_offline", "operator_away", "operator_back", "um_widget_config",
}

func distinct(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

func TestS090_EveryCallCarriesItsType(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon()
		var types []string
		for _, c := range e.told(s.aDay()...) {
			types = append(types, c.body.text("_type"))
		}
		if got := distinct(types); !slices.Equal(got, []string{"chat_session", "conversation", "operator", "um_widget"}) {
			s.Errorf("the types are %q", got)
		}
	})
}

func TestS091_EveryCallCarriesItsEvent(t *testing.T) {
	each(t, func(s *server) {
		e, old := s.addon(), s.addonWith(object{"dialect_version": "2014"})
		d := s.aDay()
		if got, want := distinct(names(e.told(d...))), distinct(all16); !slices.Equal(got, want) {
			s.Errorf("the calls are %q, want %q", got, want)
		}
		var want []string
		for _, name := range all16 {
			name = strings.Replace(strings.Replace(name, "chat_session", "chat_meta", 1), "um_widget", "chat_widget", 1)
			want = append(want, strings.Replace(name, "chat_meta_end", "chat_meta_receive", 1))
		}
		if got := distinct(names(old.first(len(d)))); !slices.Equal(got, distinct(want)) {
			s.Errorf("in the form of 2014 the calls are %q, want %q", got, distinct(want))
		}
	})
}

func TestS092_ChatSessionDenotesOneSession(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.start", "chat_session.end")
		v := s.shop(object{"name": "Shoes"}).visitor()
		v.header.Set("X-Forwarded-For", "203.0.113.7")
		v.says("Hello", object{"contact": object{"name": "Jane Doe", "email": "Jane@Customer.example", "phone": "+49 30 1",
			"additional": []any{object{"name": "Customer number", "value": "C-1"}, nil, object{"name": "Plan", "value": "Gold"}}}})
		s.admin().notes(v.conversation, "Has called twice")
		s.admin().says(v.conversation, "Hi")
		s.admin().ends(v.conversation)
		calls := e.told("chat_session_start", "chat_session_end")
		c := the(e, calls, "chat_session_start")
		if c.number("id") == 0 || c.number("id") != c.number("part_id") || c.number("conversation_id") != v.conversation || c.number("conversation", "id") != v.conversation {
			s.Errorf("the session's ids: %v, %v, %v, %v", c["id"], c["part_id"], c["conversation_id"], c["conversation"])
		}
		want := object{
			"status": "new", "ended_at": nil, "duration": "00:00:00", "client_name": "Jane Doe", "client_email": "jane@customer.example",
			"client_additional01_name": "Customer number", "client_additional01_value": "C-1", "client_additional02_name": nil, "client_additional02_value": nil,
			"client_additional03_name": "Plan", "client_additional03_value": "Gold",
			"browser_name": "Chrome", "browser_os": "Linux", "browser_version": "140.0.0.0", "loc_city": nil, "loc_country": nil, "loc_lat": nil, "loc_lon": nil,
			"url": "https://shop.example/cart", "inital_url": "https://shop.example/", "initial_url": "https://shop.example/", "referrer": "https://search.example/?q=shoes",
			"page_impressions": 4.0, "visits": 2.0, "was_proactive": false, "data_privacy": false, "marked_read": false,
			"operator_created": nil, "operator_current": nil, "operator_created_id": nil, "operator_current_id": nil,
			"topic": nil, "rate": nil, "feedback_message": nil, "post_survey_option": nil, "notes": []any{},
			"chat_widget_goal": map[string]any{"id": nil, "name": nil},
		}
		for key, v := range want {
			if !reflect.DeepEqual(c[key], v) {
				s.Errorf("%s is %v, want %v", key, c[key], v)
			}
		}
		for _, key := range []string{"chat_widget", "um_widget"} {
			if c.number(key, "id") != v.shop.id || c.text(key, "name") != "Shoes" {
				s.Errorf("%s is %v", key, c[key])
			}
		}
		if len(c.list("messages")) != 1 || c.text("messages", 0, "body") != "Hello" {
			s.Errorf("the opening message: %v", c["messages"])
		}
		end := the(e, calls, "chat_session_end")
		if end.number("id") != c.number("id") || end.at("ended_at") == nil || !reflect.DeepEqual(end.at("notes"), []any{"Has called twice"}) {
			s.Errorf("the end of the session: id %v, ended_at %v, notes %v", end["id"], end["ended_at"], end["notes"])
		}
		for i, want := range []string{"Hello", "Hi"} {
			equal(s, "a message of the session", end.text("messages", i, "body"), want)
		}
		for _, m := range end.list("messages") {
			if object(m.(map[string]any)).text("body") == "Has called twice" {
				s.Error("the note is among the messages")
			}
		}
	})
}

func TestS093_ConversationDenotesAConversation(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("conversation.ended")
		v := s.shop(object{"session_timeout_seconds": 600}).visitor()
		v.says("Hello")
		s.pass(601 * time.Second)
		s.happened("session.ended", 1)
		v.says("Me again")
		s.admin().must("PUT", path("/api/v1/conversations/%d/tags", v.conversation), object{"tags": []string{"VIP", "delivery"}})
		s.admin().must("PUT", path("/api/v1/conversations/%d/topic", v.conversation), object{"topic": "Delivery"})
		s.admin().ends(v.conversation)
		c := the(e, e.told("conversation_ended"), "conversation_ended")
		if c.number("id") != v.conversation || c.text("status") != "ended" || c.at("ended_at") == nil || c.text("topic") != "Delivery" || c.number("um_widget", "id") != v.shop.id ||
			c.text("channel", "type") != "website" || c.number("contact", "id") == 0 || len(c.list("tags")) != 2 {
			s.Errorf("the conversation: %v", c)
		}
		if len(c.list("sessions")) != 2 || c.number("sessions", 0, "id") >= c.number("sessions", 1, "id") || c.number("sessions", 0, "conversation_id") != v.conversation {
			s.Errorf("its sessions: %v", c["sessions"])
		}
		if o := object(c.list("sessions")[0].(map[string]any)); o["messages"] != nil || o.at("ended_at") == nil {
			s.Errorf("the first session: %v", o)
		}
		equal(s, "the first message", c.text("messages", 0, "body"), "Hello")
		var bodies []string
		for _, m := range c.list("messages") {
			bodies = append(bodies, object(m.(map[string]any)).text("body"))
		}
		if !slices.Contains(bodies, "Me again") {
			s.Errorf("the messages are %q, want those of all sessions", bodies)
		}
	})
}

func TestS094_WidgetDenotesAWidget(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("um_widget.config")
		shop := s.shop(object{"name": "Shoes", "title": "Questions?", "lang": "de", "domains": []string{"shop.example"}})
		c := the(e, e.told("um_widget_config"), "um_widget_config")
		kept := s.admin().must("GET", path("/api/v1/widgets/%d", shop.id), nil)
		want := object{"id": float64(shop.id), "widget_id": float64(shop.id), "widget_key": shop.key, "name": "Shoes", "title": "Questions?", "lang": "de",
			"domains": []any{"shop.example"}, "operator_group_id": nil, "active": true, "javascript_loader_snippet": kept.text("snippet"),
			"javascript_loader_url": s.url + "/widget/loader.js", "test_url": nil, "custom_url": nil}
		for key, v := range want {
			if !reflect.DeepEqual(c[key], v) {
				s.Errorf("%s is %v, want %v", key, c[key], v)
			}
		}
		// Whatever the editor can set is in it, flat. Whether somebody is there now is no setting.
		for key := range kept {
			if key == "open_now" || key == "opens_at" {
				continue
			}
			flat := map[string][]string{"key": {"widget_key"}, "group_id": {"operator_group_id"}, "snippet": {"javascript_loader_snippet"}, "survey": {"survey_question", "survey_options"},
				"hours": {"hours_timezone", "hours_openings", "hours_holidays"}}[key]
			if flat == nil {
				flat = []string{key}
			}
			for _, key := range flat {
				if _, there := c[key]; !there {
					s.Errorf("the setting %s is missing", key)
				}
			}
		}
		if status, body := s.admin().raw("GET", strings.TrimPrefix(c.text("status_url"), s.url), nil); status != http.StatusOK || !strings.Contains(string(body), `"availability"`) {
			s.Errorf("the status URL: %d %s", status, body)
		}
		// A secret of the widget is in no call.
		secret := s.admin().must("POST", path("/api/v1/widgets/%d/identity-secret", shop.id), nil).text("secret")
		s.admin().must("PATCH", path("/api/v1/widgets/%d", shop.id), object{"title": "Now"})
		calls := e.first(len(e.log()))
		for _, call := range calls {
			if strings.Contains(string(call.raw), secret) {
				s.Error("a call tells the identity secret")
			}
		}
	})
}

func TestS095_OperatorDenotesAStateChange(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("operator.online", "operator.away")
		group := s.group("Support")
		bob := s.operator("Bob", "Ray", "operator", group)
		bob.tab()
		bob.is("away")
		c := the(e, e.told("operator_online", "operator_away"), "operator_away")
		want := object{"id": float64(bob.id), "name": "Bob Ray", "first_name": "Bob", "last_name": "Ray", "email": bob.email, "jid": bob.email, "role": "o",
			"role_name": "operator", "is_active": true, "operator_group": map[string]any{"id": float64(group), "name": "Support"}, "operator_group_id": float64(group),
			"status": "away", "status_previous": "online", "dashboard_url": s.url + "/app/", "url_image": nil}
		for key, v := range want {
			if !reflect.DeepEqual(c[key], v) {
				s.Errorf("%s is %v, want %v", key, c[key], v)
			}
		}
	})
}

func TestS096_AConversationMaySpanSessions(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.start", "chat_session.end")
		v := s.shop(nil).visitor()
		v.says("Hello")
		first := v.conversation
		s.pass(24 * time.Hour)
		e.soon("chat_session_start", "chat_session_end")
		v.conversation = 0 // the messenger was opened anew
		v.says("Good morning")
		s.pass(24 * time.Hour)
		calls := e.soon("chat_session_start", "chat_session_end", "chat_session_start", "chat_session_end")
		var got []string
		parts := map[int]int{}
		for _, c := range calls {
			got = append(got, c.body.text("_event"))
			equal(s, "the conversation", c.body.number("conversation_id"), first)
			parts[c.body.number("part_id")]++
		}
		if !slices.Equal(got, []string{"start", "end", "start", "end"}) || len(parts) != 2 {
			s.Errorf("%q of the sessions %v, want two pairs", got, parts)
		}
		if later, earlier := calls[2].body.text("created_at"), calls[0].body.text("created_at"); later <= earlier {
			s.Errorf("the second session began at %s, the first at %s", later, earlier)
		}
	})
}

func TestS097_EventsAreSubscribedOneByOne(t *testing.T) {
	each(t, func(s *server) {
		three := s.addon("chat_session.rating", "operator.back", "conversation.ended")
		one := s.addon("chat_session.goal")
		s.aDay()
		three.told("chat_session_rating", "operator_back", "conversation_ended")
		one.told("chat_session_goal")
		p := s.admin().refused(http.StatusUnprocessableEntity, "PATCH", path("/api/v1/endpoints/%d", one.id), object{"events": []string{"chat_session.nothing"}})
		if !strings.HasSuffix(p.text("field"), "events") {
			s.Errorf("an event that there is not: %v", p)
		}
	})
}

func TestS098_UntickingStopsAtOnce(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.rating", "chat_session.feedback")
		v := s.shop(nil).visitor()
		v.says("Hello")
		v.rates(5)
		s.admin().must("PATCH", path("/api/v1/endpoints/%d", e.id), object{"events": []string{"chat_session.feedback"}})
		v.rates(1)
		v.gives("hm")
		e.told("chat_session_rating", "chat_session_feedback")
	})
}
