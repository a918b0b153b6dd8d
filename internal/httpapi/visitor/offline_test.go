package visitor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

func (s *site) set(ch widget.Change) {
	s.t.Helper()
	if _, err := s.widgets.Update(s.t.Context(), team.System(), once.Key{}, s.widget.ID, ch); err != nil {
		s.t.Fatal(err)
	}
}

// operator makes somebody who is there.
func (s *site) operator() *event.Operator {
	s.t.Helper()
	made, err := s.team.Create(s.t.Context(), team.System(), team.NewOperator{Email: "some.one@shop.example", FirstName: "Some", LastName: "One"}, once.Key{})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err = s.team.SetAvailability(s.t.Context(), team.Actor{Operator: made.Operator.ID, Scope: team.ScopeWrite}, event.Online); err != nil {
		s.t.Fatal(err)
	}
	if err := s.team.TabOpened(s.t.Context(), made.Operator.ID, "tab"); err != nil {
		s.t.Fatal(err)
	}
	return made.Operator
}

func (s *site) told() (out []string) {
	s.t.Helper()
	list, _, err := s.feed.ReadAfter(s.t.Context(), 0, 10000, feed.Filter{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range list {
		if e.Type != event.WidgetUpdated {
			out = append(out, string(e.Type))
		}
	}
	return out
}

func (s *site) contact(c any) *event.Contact {
	s.t.Helper()
	out, err := s.contacts.Get(s.t.Context(), id.Contact(c.(map[string]any)["id"].(float64)))
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func TestWhatTheWidgetSaysOfWhoIsThere(t *testing.T) {
	s := newSite(t)
	s.operator()
	if _, err := s.widgets.NewIdentitySecret(t.Context(), team.System(), once.Key{}, s.widget.ID); err != nil {
		t.Fatal(err)
	}
	tomorrow := s.db.Now().UTC().Add(24 * time.Hour)
	later := &event.Hours{Timezone: "UTC", Openings: []event.Opening{{Day: (int(tomorrow.Weekday())+6)%7 + 1, From: 0, To: 1440}}}
	opens := tomorrow.Truncate(24 * time.Hour).Format(time.RFC3339)
	for _, row := range []struct {
		change widget.Change
		want   string
	}{
		{widget.Change{}, "online 1 faces, form false, opens <nil>, visitors false"},
		{widget.Change{OfflineForm: new(true), ShowVisitors: new(true)}, "online 1 faces, form true, opens <nil>, visitors true"},
		{widget.Change{PrivacyMode: new(true)}, "online 1 faces, form true, opens <nil>, visitors false"},
		{widget.Change{Presence: new(event.PresenceOff)}, "offline 0 faces, form true, opens <nil>, visitors false"},
		{widget.Change{Hours: later}, "offline 0 faces, form true, opens <nil>, visitors false"},
		{widget.Change{Presence: new(event.PresenceAuto)}, "offline 0 faces, form true, opens " + opens + ", visitors false"},
		{widget.Change{Presence: new(event.PresenceManual)}, "offline 0 faces, form true, opens " + opens + ", visitors false"},
		{widget.Change{Hours: &event.Hours{}}, "online 1 faces, form true, opens <nil>, visitors false"},
		{widget.Change{IdentityRequired: new(true)}, "online 1 faces, form false, opens <nil>, visitors false"},
	} {
		s.set(row.change)
		status, c := s.do("GET", "/visitor/v1/widgets/"+s.widget.Key, "", shop, nil)
		got := fmt.Sprintf("%v %d faces, form %v, opens %v, visitors %v", c["availability"], len(c["operators"].([]any)), c["offline_form"], c["opens_at"], c["show_visitors"])
		if status != 200 || got != row.want {
			t.Errorf("%d %s, want %s", status, got, row.want)
		}
	}
}

func TestS148_AMessageThatIsLeft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSiteOn(t, d)
		form := func(more map[string]any) map[string]any {
			out := map[string]any{"client_id": secret.UUID(), "name": " Bob Smith ", "email": " Bob@Smith.example ", "message": "I love your service!", "visit": map[string]any{"url": shop + "/a", "referrer": "https://search.example/"}}
			for k, v := range more {
				out[k] = v
			}
			return out
		}
		first := form(map[string]any{"claimed": map[string]any{"id": "user1234", "traits": map[string]any{"custom stuff": "things"}}})
		status, out := s.do("POST", s.at("offline-messages"), "", shop, first)
		if status != http.StatusCreated || out["conversation_id"].(float64) < 1 {
			t.Fatalf("%d %v", status, out)
		}
		token := out["token"].(string)
		c := s.contact(out["contact"])
		if c.Name != "Bob Smith" || c.Email != "bob@smith.example" || c.ClaimedID != "user1234" || c.ExternalID != "" || c.Custom != `{"custom stuff":"things"}` || c.Handle != fmt.Sprintf("visitor-%d", c.ID) {
			t.Errorf("%+v", c)
		}
		if status, again := s.do("POST", s.at("offline-messages"), "", shop, first); status != http.StatusCreated || again["conversation_id"] != out["conversation_id"] {
			t.Errorf("the same again: %d %v", status, again)
		}
		status, second := s.do("POST", s.at("offline-messages"), token, shop, form(map[string]any{"name": "Somebody Else", "email": "else@x.example", "message": "And more"}))
		if status != http.StatusCreated || second["token"] != nil || second["conversation_id"] == out["conversation_id"] {
			t.Errorf("a second one: %d %v", status, second)
		}
		if c := s.contact(second["contact"]); c.Name != "Bob Smith" || c.Email != "bob@smith.example" {
			t.Errorf("a form changed what is known: %+v", c)
		}
		if d.Engine() == db.Postgres {
			if _, err := s.feed.NumberOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := strings.Join(s.told(), " "), "contact.created conversation.created session.started message.received offline_message.received conversation.created session.started message.received offline_message.received"; got != want {
			t.Errorf("told: %s", got)
		}
		for field, bad := range map[string]map[string]any{
			"email": {"email": "nobody"}, "message": {"message": " "}, "name": {"name": strings.Repeat("x", 121)}, "claimed.traits": {"claimed": map[string]any{"id": "u", "traits": map[string]any{"email": "nobody"}}},
		} {
			if status, out := s.do("POST", s.at("offline-messages"), "", shop, form(bad)); status != 422 || out["field"] != field {
				t.Errorf("%s: %d %v", field, status, out)
			}
		}
		if status, out := s.do("POST", s.at("offline-messages"), "", "https://evil.example", form(nil)); status != 403 || out["code"] != "widget.origin_denied" {
			t.Errorf("from another site: %d %v", status, out)
		}
	})
}

func TestAnAddressLeavesTenMessagesAtOnce(t *testing.T) {
	s := newSite(t)
	for n := range formsBurst + 1 {
		status, out := s.do("POST", s.at("offline-messages"), "", shop, map[string]any{"client_id": secret.UUID(), "email": "bob@smith.example", "message": "Hello"})
		if want := n < formsBurst; (status == http.StatusCreated) != want || !want && (status != 429 || out["code"] != "request.limited") {
			t.Errorf("%d: %d %v", n, status, out)
		}
	}
}

func TestS134_WhatThePageSaysItsUserIs(t *testing.T) {
	s := newSite(t)
	claim := func(id string, traits any) map[string]any { return map[string]any{"id": id, "traits": traits} }
	status, out := s.do("POST", s.messages(), "", shop, map[string]any{"client_id": secret.UUID(), "body": "Hi", "claimed": claim("user1234", map[string]any{"name": "Ann", "plan": "gold"})})
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, out)
	}
	token := out["token"].(string)
	if c := s.contact(out["contact"]); c.ClaimedID != "user1234" || c.Name != "Ann" || c.ExternalID != "" || c.Custom != `{"name":"Ann","plan":"gold"}` {
		t.Errorf("%+v", c)
	}
	status, out = s.do("PATCH", "/visitor/v1/me", token, shop, map[string]any{"name": "Ben", "claimed": claim("user5", nil)})
	if c := s.contact(out["contact"]); status != 200 || c.ClaimedID != "user5" || c.Name != "Ben" || c.Custom != `{"name":"Ann","plan":"gold"}` {
		t.Errorf("%d %+v", status, c)
	}
	status, out = s.do("PATCH", "/visitor/v1/me", token, shop, map[string]any{"claimed": map[string]any{"id": "user6", "traits": map[string]any{"email": "A@x.example"}}})
	if c := s.contact(out["contact"]); status != 200 || c.ClaimedID != "user6" || c.Email != "a@x.example" || c.Custom != `{"email":"A@x.example"}` {
		t.Errorf("%d %+v", status, c)
	}
	for field, bad := range map[string]any{"claimed.id": claim(strings.Repeat("x", 201), nil), "claimed.traits": claim("u", []any{}), "claimed": "user1234", "claimed.secret": map[string]any{"secret": "x"}} {
		for _, path := range []string{s.messages(), "/visitor/v1/me"} {
			method, body := "PATCH", map[string]any{"claimed": bad}
			if path != "/visitor/v1/me" {
				method, body["client_id"], body["body"] = "POST", secret.UUID(), "Hi"
			}
			if status, out := s.do(method, path, token, shop, body); status < 400 || out["field"] != field {
				t.Errorf("%s %s: %d %v", method, field, status, out)
			}
		}
	}
	if status, data := s.do("GET", "/visitor/v1/me/data", token, shop, nil); status != 200 || data["contact"].(map[string]any)["claimed_id"] != "user6" || data["contact"].(map[string]any)["handle"] == "" {
		t.Errorf("%d %v", status, data)
	}
}

func TestChoicesOfAMessage(t *testing.T) {
	o := &Options{Now: time.Now}
	m := event.Message{Type: event.TypeMessage, Choices: []string{"Yes", "No"}}
	for want, m := range map[string]event.Message{`["Yes","No"]`: m, `[]`: {Type: event.TypeMessage, Choices: m.Choices, DeletedAt: time.Now()}} {
		b, err := json.Marshal(o.messageOf(&m).Choices)
		if err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
	}
	if b, err := json.Marshal(o.messageOf(&event.Message{})); err != nil || !strings.Contains(string(b), `"choices":[]`) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestWhoIsOnTheSite(t *testing.T) {
	s := newSite(t)
	o := s.operator()
	by := team.Actor{Operator: o.ID, Name: "Some", Scope: team.ScopeWrite}
	call := func(token, key string, left bool) (int, map[string]any) {
		return s.do("POST", s.at("here"), token, shop, map[string]any{"key": key, "left": left, "visit": map[string]any{"url": shop + "/cart", "title": "Cart"}})
	}
	if status, out := call("", "", false); status != 409 || out["code"] != "visitor.list_off" {
		t.Errorf("a widget that does not show visitors: %d %v", status, out)
	}
	s.set(widget.Change{ShowVisitors: new(true)})
	if status, out := s.do("POST", s.at("here"), "", "https://evil.example", map[string]any{}); status != 403 {
		t.Errorf("from another site: %d %v", status, out)
	}
	status, out := call("vt_nothing", "", false)
	if status != 200 || out["key"] == "" || out["invitation"] != nil {
		t.Fatalf("%d %v", status, out)
	}
	key := out["key"].(string)
	list, err := s.onsite.List(t.Context(), by, s.widget.ID)
	if err != nil || len(list) != 1 || list[0].Visit.URL != shop+"/cart" || list[0].Visit.IP != "127.0.0.1" || list[0].Contact != 0 {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := s.onsite.Invite(t.Context(), by, once.Key{}, list[0].ID, "Can I help?"); err != nil {
		t.Fatal(err)
	}
	status, out = call("", key, false)
	invitation, ok := out["invitation"].(map[string]any)
	if status != 200 || !ok || invitation["body"] != "Can I help?" || invitation["operator"].(map[string]any)["name"] != o.DisplayName() || invitation["created_at"] == nil {
		t.Fatalf("%d %v", status, out)
	}
	answer := map[string]any{"id": invitation["id"], "secret": invitation["secret"]}
	status, posted := s.do("POST", s.messages(), "", shop, map[string]any{"client_id": secret.UUID(), "body": "Yes please", "invitation": answer})
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, posted)
	}
	conversation := id.Conversation(posted["conversation"].(map[string]any)["id"].(float64))
	thread, err := s.inbox.MessagesOf(t.Context(), id.Contact(posted["contact"].(map[string]any)["id"].(float64)), conversation, inbox.Range{Limit: 50})
	if err != nil || len(thread.Messages) != 2 || thread.Messages[0].Body != "Can I help?" || thread.Messages[0].Sender.Type != event.ByOperator || thread.Messages[1].Body != "Yes please" {
		t.Fatalf("%+v, %v", thread, err)
	}
	for name, again := range map[string]map[string]any{"used up": answer, "a wrong secret": {"id": invitation["id"], "secret": "x"}, "none": {"id": 4711, "secret": ""}} {
		if status, out := s.do("POST", s.messages(), "", shop, map[string]any{"client_id": secret.UUID(), "body": "Hello", "invitation": again}); status != http.StatusCreated {
			t.Errorf("%s: a message fails for its invitation: %d %v", name, status, out)
		}
	}
	if status, out := call("", key, true); status != 200 || out["invitation"] != nil {
		t.Errorf("%d %v", status, out)
	}
}
