package visitor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/internal/channel"
	kinds "parley/internal/channel/all"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/feed"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/mail"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/onsite"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

// site is the visitor's edge behind a real server, with a widget of one shop.
type site struct {
	t        *testing.T
	feed     *feed.Feed
	widgets  *widget.Desk
	inbox    *inbox.Desk
	media    *media.Desk
	channels *channel.Desk
	mail     *mail.Desk
	contacts *contact.Desk
	onsite   *onsite.Desk
	team     *team.Desk
	db       *db.DB
	widget   *event.Widget
	http     *httptest.Server
}

const shop = "https://shop.example"

var mailKey = bytes.Repeat([]byte{7}, 32)

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteOn(t, dbtest.New(t))
}

func newSiteOn(t *testing.T, d *db.DB) *site {
	t.Helper()
	f := feed.New(d)
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	people := team.New(team.Options{DB: d, Feed: f})
	contacts := contact.New(d, f)
	s := &site{t: t, db: d, contacts: contacts, feed: f, widgets: widget.New(widget.Options{DB: d, Feed: f, Sealer: sealer})}
	store, err := media.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	links := media.NewLinks("https://chat.example", []byte("a key"))
	s.media = media.New(media.Options{DB: d, Store: store, Links: links, Dir: t.TempDir()})
	s.inbox = inbox.New(inbox.Options{DB: d, Feed: f, Contacts: contacts, Widgets: s.widgets, Media: s.media})
	if s.widget, err = s.widgets.Create(t.Context(), team.System(), once.Key{}, widget.Change{Name: new("Shop"), Domains: &[]string{"shop.example"},
		Survey: &event.SurveyForm{Question: "Solved?", Options: []string{"Yes", "No"}}, Goals: &[]event.Goal{{Name: "Secret name", Match: event.GoalScript, Pattern: "newsletter"}}}); err != nil {
		t.Fatal(err)
	}
	public, err := url.Parse("https://chat.example")
	if err != nil {
		t.Fatal(err)
	}
	edge, err := httpapi.New(httpapi.Options{Team: people, PublicURL: public})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	door := outhttp.New(outhttp.Options{})
	t.Cleanup(door.Close)
	s.channels = channel.New(channel.Options{DB: d, Feed: f, HTTP: door, Sealer: sealer, Kinds: kinds.Kinds(), Inbox: s.inbox, Contacts: contacts, PublicURL: "https://chat.example"})
	f.Plan(s.channels.Plan)
	s.mail = mail.New(mail.Options{DB: d, Feed: f, Inbox: s.inbox, HTTP: door, Sealer: sealer, Key: mailKey, PublicURL: "https://chat.example"})
	f.Plan(s.mail.Plan)
	s.team = people
	s.onsite = onsite.New(onsite.Options{DB: d, Key: mailKey, Logger: slog.New(slog.DiscardHandler)})
	Register(mux, Options{Onsite: s.onsite, Channels: s.channels, Mail: s.mail, Inbox: s.inbox, Contacts: contacts, Widgets: s.widgets, Team: people, PublicURL: "https://chat.example", Media: s.media, Links: links,
		Now: d.Now})
	s.http = httptest.NewServer(edge.Handler(mux))
	t.Cleanup(s.http.Close)
	return s
}

// do sends one request and returns status and body. A string body is sent as it is.
func (s *site) do(method, path, token, origin string, body any) (int, map[string]any) {
	s.t.Helper()
	text, raw := body.(string)
	if !raw && body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		text = string(b)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.http.URL+path, strings.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("Access-Control-Allow-Origin") != "*" {
		s.t.Errorf("%s %s: the widget's page may not read the answer", method, path)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]any{}
	if len(bytes.TrimSpace(b)) > 0 {
		if err := json.Unmarshal(b, &out); err != nil {
			s.t.Fatalf("%s %s: %s", method, path, b)
		}
	}
	return res.StatusCode, out
}

func (s *site) messages() string { return "/visitor/v1/widgets/" + s.widget.Key + "/messages" }

// write sends a first message and returns the token and the conversation's id.
func (s *site) write() (token string, conversation int) {
	s.t.Helper()
	status, out := s.do("POST", s.messages(), "", shop, map[string]any{"client_id": secret.UUID(), "body": "hello"})
	if status != http.StatusCreated {
		s.t.Fatalf("first message: %d %v", status, out)
	}
	return out["token"].(string), int(out["conversation"].(map[string]any)["id"].(float64))
}

func (s *site) events() int {
	s.t.Helper()
	list, _, err := s.feed.ReadAfter(context.Background(), 0, 10000, feed.Filter{})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}

// A visitor's day: message, answer, history, read, end, and nothing after logging out.
func TestVisitorsDay(t *testing.T) {
	s := newSite(t)
	token, conversation := s.write()
	path := fmt.Sprintf("/visitor/v1/conversations/%d/", conversation)
	if status, out := s.do("GET", path+"messages", token, shop, nil); status != 200 || len(out["items"].([]any)) != 1 {
		t.Errorf("history: %d %v", status, out)
	}
	if status, out := s.do("PATCH", "/visitor/v1/me", token, shop, map[string]any{"name": "Ann", "custom": map[string]any{"basket": map[string]any{"id": 7}}}); status != 200 || out["contact"].(map[string]any)["name"] != "Ann" {
		t.Errorf("change: %d %v", status, out)
	}
	if status, _ := s.do("POST", path+"read", token, shop, map[string]any{"number": 1}); status != http.StatusNoContent {
		t.Errorf("read: %d", status)
	}
	if status, out := s.do("POST", path+"end", token, shop, map[string]any{}); status != 200 || out["conversation"].(map[string]any)["status"] != "ended" {
		t.Errorf("end: %d %v", status, out)
	}
	if status, out := s.do("GET", "/visitor/v1/me", token, shop, nil); status != 200 || len(out["conversations"].([]any)) != 1 || out["seq"].(float64) == 0 {
		t.Errorf("home: %d %v", status, out)
	}
	if status, _ := s.do("POST", "/visitor/v1/logout", token, shop, map[string]any{}); status != http.StatusNoContent {
		t.Errorf("logout: %d", status)
	}
	if status, out := s.do("GET", "/visitor/v1/me", token, shop, nil); status != 401 || out["code"] != "auth.invalid" {
		t.Errorf("after logging out: %d %v", status, out)
	}
}

// What a contact says when it is over: asked for by the widget, stored, and known again after a reload; a goal is told once and
// its name stays inside.
func TestWhatAVisitorSaysAfterwards(t *testing.T) {
	s := newSite(t)
	_, config := s.do("GET", "/visitor/v1/widgets/"+s.widget.Key, "", shop, nil)
	if config["rating_form"] != "stars" || config["ask_feedback"] != true || fmt.Sprint(config["survey"]) != "map[options:[Yes No] question:Solved?]" {
		t.Errorf("config %v", config)
	}
	token, conversation := s.write()
	path := fmt.Sprintf("/visitor/v1/conversations/%d/", conversation)
	goal := func() any {
		status, out := s.do("POST", "/visitor/v1/goals", token, shop, map[string]any{"key": "newsletter"})
		if status != 200 {
			t.Errorf("goal: %d %v", status, out)
		}
		return out["reached"]
	}
	if first, second := goal(), goal(); first != true || second != false {
		t.Errorf("reached: %v, then %v", first, second)
	}
	said := func(want string) {
		t.Helper()
		_, home := s.do("GET", "/visitor/v1/me", token, shop, nil)
		c := home["conversations"].([]any)[0].(map[string]any)
		if got := fmt.Sprint(c["rating"], c["feedback"], c["survey"]); got != want {
			t.Errorf("rating, feedback, survey: %s, want %s", got, want)
		}
	}
	said("<nil> false false")
	s.do("POST", path+"end", token, shop, map[string]any{})
	for _, c := range []struct {
		what, want string
		body       map[string]any
	}{
		{"rating", "4 false false", map[string]any{"value": 4}}, {"rating", "4 false false", map[string]any{"value": 4}}, {"feedback", "4 true false", map[string]any{"text": "Fine"}},
		{"survey", "4 true true", map[string]any{"option": "Yes"}}, {"survey", "4 true true", map[string]any{"option": "Yes"}},
	} {
		status, out := s.do("POST", path+c.what, token, shop, c.body)
		answer, _ := out["conversation"].(map[string]any)
		if got := fmt.Sprint(answer["rating"], answer["feedback"], answer["survey"]); status != 200 || got != c.want || answer["id"] != float64(conversation) {
			t.Errorf("%s: %d %v", c.what, status, out)
		}
		said(c.want)
	}
	if status, out := s.do("POST", path+"survey", token, shop, map[string]any{"option": "No"}); status != 409 || out["code"] != "survey.answered" {
		t.Errorf("another answer: %d %v", status, out)
	}
	_, thread := s.do("GET", path+"messages", token, shop, nil)
	b, err := json.Marshal(thread)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"name":"goal"`, `"rating":{"form":"stars","value":4}`, `"survey":{"option":"Yes","question":"Solved?"}`, `"type":"feedback"`, `"body":"Fine"`} {
		if !strings.Contains(string(b), part) {
			t.Errorf("the thread has no %s: %s", part, b)
		}
	}
	if strings.Contains(string(b), "Secret name") || strings.Count(string(b), `"type":"survey"`) != 1 || strings.Count(string(b), `"type":"rating"`) != 1 {
		t.Errorf("thread %s", b)
	}
	status, out := s.do("POST", s.messages(), token, shop, map[string]any{"client_id": secret.UUID(), "body": "more", "visit": map[string]any{"url": "https://shop.example/", "proactive": true},
		"contact": map[string]any{"additional": []any{map[string]any{"name": "Plan", "value": "gold"}, nil}}})
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, out)
	}
	v, err := s.inbox.Get(t.Context(), id.Conversation(out["conversation"].(map[string]any)["id"].(float64)))
	if err != nil || !v.Session.Visit.Proactive || len(v.Contact.Additional) == 0 || v.Contact.Additional[0] != (event.Additional{Name: "Plan", Value: "gold"}) {
		t.Errorf("%+v, %v", v, err)
	}
}

// Where an operator has discarded a conversation the messenger hears that it asks for nothing.
func TestWhoIsAsked(t *testing.T) {
	s := newSite(t)
	token, conversation := s.write()
	asks := func(when string, want bool) {
		t.Helper()
		status, home := s.do("GET", "/visitor/v1/me", token, shop, nil)
		if status != 200 || home["conversations"].([]any)[0].(map[string]any)["asks"] != want {
			t.Errorf("%s: %d %v", when, status, home)
		}
	}
	asks("open", true)
	if _, err := s.inbox.End(t.Context(), team.System(), once.Key{}, id.Conversation(conversation)); err != nil {
		t.Fatal(err)
	}
	asks("ended", true)
	if _, err := s.inbox.Reopen(t.Context(), team.System(), once.Key{}, id.Conversation(conversation)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.inbox.Discard(t.Context(), team.System(), once.Key{}, id.Conversation(conversation)); err != nil {
		t.Fatal(err)
	}
	asks("discarded", false)
	again := map[string]any{"client_id": secret.UUID(), "body": "wait", "conversation_id": conversation, "reopen": true}
	if status, out := s.do("POST", s.messages(), token, shop, again); status != http.StatusCreated || out["conversation"].(map[string]any)["asks"] != true {
		t.Errorf("it goes on: %d %v", status, out)
	}
}

// Whoever tells without end is stopped before anything is written.
func TestAFloodOfGoalsAndRatingsIsRefused(t *testing.T) {
	s := newSite(t)
	token, conversation := s.write()
	limited, before := 0, s.events()
	for i := range 3 * sayBurst {
		path, body := "/visitor/v1/goals", map[string]any{"key": "newsletter"}
		if i%2 == 0 {
			path, body = fmt.Sprintf("/visitor/v1/conversations/%d/rating", conversation), map[string]any{"value": 1 + i/2%5}
		}
		switch status, out := s.do("POST", path, token, shop, body); {
		case status == 429 && out["code"] == "request.limited":
			limited++
		case status != 200:
			t.Fatalf("%d %v", status, out)
		}
	}
	if n := s.events() - before; limited < sayBurst || n > sayBurst+5 || n < sayBurst/4 {
		t.Errorf("%d of %d were limited, %d events", limited, 3*sayBurst, n)
	}
	if other, c := s.write(); c == 0 {
		t.Error("another visitor is limited too")
	} else if status, _ := s.do("POST", "/visitor/v1/goals", other, shop, map[string]any{"key": "newsletter"}); status != 200 {
		t.Errorf("another visitor's goal: %d", status)
	}
}

// A repeat of the first message, whose answer was lost, is an answer with a working token and no second message.
func TestRepeatOfTheFirstMessageIsAnAnswer(t *testing.T) {
	s := newSite(t)
	in := map[string]any{"client_id": secret.UUID(), "body": "hello"}
	_, first := s.do("POST", s.messages(), "", shop, in)
	before := s.events()
	status, again := s.do("POST", s.messages(), "", shop, in)
	if status != http.StatusCreated || again["duplicate"] != true || again["message"].(map[string]any)["id"] != first["message"].(map[string]any)["id"] {
		t.Errorf("repeat: %d %v", status, again)
	}
	if s.events() != before {
		t.Error("the repeat left events")
	}
	if status, _ := s.do("GET", "/visitor/v1/me", again["token"].(string), shop, nil); status != 200 {
		t.Errorf("the repeat's token: %d", status)
	}
}

// Every refusal has its status, code and field, and leaves nothing behind.
func TestRefusals(t *testing.T) {
	s := newSite(t)
	token, conversation := s.write()
	_, foreign := s.write()
	ended, endedConversation := s.write()
	s.do("POST", fmt.Sprintf("/visitor/v1/conversations/%d/end", endedConversation), ended, shop, map[string]any{})
	off, err := s.widgets.Create(t.Context(), team.System(), once.Key{}, widget.Change{Name: new("Off"), Active: new(false)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.widgets.NewIdentitySecret(t.Context(), team.System(), once.Key{}, s.widget.ID)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		j, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	soon, past := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	identify := "/visitor/v1/widgets/" + s.widget.Key + "/identify"
	read := fmt.Sprintf("/visitor/v1/conversations/%d/read", conversation)
	post := func(change map[string]any) map[string]any {
		in := map[string]any{"client_id": secret.UUID(), "body": "hi"}
		for k, v := range change {
			in[k] = v
		}
		return in
	}
	own := fmt.Sprintf("/visitor/v1/conversations/%d/", conversation)
	other := fmt.Sprintf("/visitor/v1/conversations/%d/", foreign)
	field := map[string]any{"name": "a", "value": "b"}
	deep := strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9)
	before := s.events()
	for name, c := range map[string]struct {
		method, path, token, origin string
		body                        any
		status                      int
		code, field                 string
	}{
		"another site's page":         {"GET", "/visitor/v1/widgets/" + s.widget.Key, "", "https://evil.example", nil, 403, "widget.origin_denied", ""},
		"another site's message":      {"POST", s.messages(), token, "https://evil.example", post(nil), 403, "widget.origin_denied", ""},
		"another site with a token":   {"GET", "/visitor/v1/me", token, "https://evil.example", nil, 403, "widget.origin_denied", ""},
		"unknown widget":              {"GET", "/visitor/v1/widgets/w_nobody", "", shop, nil, 404, "widget.not_found", ""},
		"widget switched off":         {"GET", "/visitor/v1/widgets/" + off.Key, "", shop, nil, 404, "widget.inactive", ""},
		"no token":                    {"GET", "/visitor/v1/me", "", shop, nil, 401, "auth.required", ""},
		"wrong token":                 {"GET", "/visitor/v1/me", "vt_wrong", shop, nil, 401, "auth.invalid", ""},
		"an operator's token":         {"GET", "/visitor/v1/me", "pat_x", shop, nil, 401, "auth.invalid", ""},
		"wrong token with a message":  {"POST", s.messages(), "vt_wrong", shop, post(nil), 401, "auth.invalid", ""},
		"malformed JSON":              {"POST", s.messages(), token, shop, `{"client_id":`, 400, "request.malformed", ""},
		"not an object":               {"POST", s.messages(), token, shop, `[]`, 400, "request.malformed", ""},
		"unknown field":               {"POST", s.messages(), token, shop, post(map[string]any{"admin": true}), 422, "request.unknown_field", "admin"},
		"too large":                   {"POST", s.messages(), token, shop, post(map[string]any{"body": strings.Repeat("x", 300<<10)}), 413, "request.too_large", ""},
		"100 kB of text":              {"POST", s.messages(), token, shop, post(map[string]any{"body": strings.Repeat("x", 100<<10)}), 422, "message.too_long", "body"},
		"only blanks":                 {"POST", s.messages(), token, shop, post(map[string]any{"body": " \n\t"}), 422, "message.empty", "body"},
		"NUL in the text":             {"POST", s.messages(), token, shop, post(map[string]any{"body": "a\x00b"}), 422, "text.invalid", "body"},
		"no client id":                {"POST", s.messages(), token, shop, post(map[string]any{"client_id": ""}), 422, "field.invalid", "client_id"},
		"bad e-mail":                  {"POST", s.messages(), token, shop, post(map[string]any{"contact": map[string]any{"email": "nobody"}}), 422, "field.invalid", "contact.email"},
		"custom data too deep":        {"PATCH", "/visitor/v1/me", token, shop, `{"custom":` + deep + `}`, 422, "custom.too_deep", "custom"},
		"custom data not an object":   {"PATCH", "/visitor/v1/me", token, shop, `{"custom":[1]}`, 422, "custom.invalid", "custom"},
		"a foreign conversation":      {"POST", s.messages(), token, shop, post(map[string]any{"conversation_id": foreign}), 404, "conversation.not_found", "conversation_id"},
		"a foreign history":           {"GET", fmt.Sprintf("/visitor/v1/conversations/%d/messages", foreign), token, shop, nil, 404, "conversation.not_found", ""},
		"a foreign end":               {"POST", fmt.Sprintf("/visitor/v1/conversations/%d/end", foreign), token, shop, map[string]any{}, 404, "conversation.not_found", ""},
		"an ended conversation":       {"POST", s.messages(), ended, shop, post(map[string]any{"conversation_id": endedConversation}), 409, "conversation.ended", "conversation_id"},
		"an id that is none":          {"GET", "/visitor/v1/conversations/0x1/messages", token, shop, nil, 404, "conversation.not_found", ""},
		"a page beyond the limit":     {"GET", fmt.Sprintf("/visitor/v1/conversations/%d/messages?limit=1000", conversation), token, shop, nil, 422, "field.invalid", "limit"},
		"read beyond the end":         {"POST", read, token, shop, map[string]any{"number": 99}, 422, "message.number_unknown", "number"},
		"expired identity":            {"POST", identify, token, shop, map[string]any{"identity": signed(jwt.SigningMethodHS256, []byte(key.Reveal()), jwt.MapClaims{"sub": "u1", "exp": past})}, 401, "identity.expired", "identity"},
		"identity with another key":   {"POST", identify, token, shop, map[string]any{"identity": signed(jwt.SigningMethodHS256, []byte("another"), jwt.MapClaims{"sub": "u1", "exp": soon})}, 401, "identity.invalid", "identity"},
		"unsigned identity":           {"POST", identify, token, shop, map[string]any{"identity": signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"sub": "u1", "exp": soon})}, 401, "identity.invalid", "identity"},
		"identity without an expiry":  {"POST", identify, token, shop, map[string]any{"identity": signed(jwt.SigningMethodHS256, []byte(key.Reveal()), jwt.MapClaims{"sub": "u1"})}, 401, "identity.invalid", "identity"},
		"a rating of nothing":         {"POST", own + "rating", token, shop, map[string]any{}, 422, "field.invalid", "value"},
		"a rating beyond the stars":   {"POST", own + "rating", token, shop, map[string]any{"value": 6}, 422, "field.invalid", "value"},
		"half a star":                 {"POST", own + "rating", token, shop, `{"value":4.5}`, 422, "field.invalid", "value"},
		"a rating in words":           {"POST", own + "rating", token, shop, map[string]any{"value": "5"}, 422, "field.invalid", "value"},
		"a foreign rating":            {"POST", other + "rating", token, shop, map[string]any{"value": 5}, 404, "conversation.not_found", ""},
		"a rating without a token":    {"POST", own + "rating", "", shop, map[string]any{"value": 5}, 401, "auth.required", ""},
		"empty feedback":              {"POST", own + "feedback", token, shop, map[string]any{"text": " "}, 422, "field.required", "text"},
		"long feedback":               {"POST", own + "feedback", token, shop, map[string]any{"text": strings.Repeat("x", 5001)}, 422, "text.too_long", "text"},
		"foreign feedback":            {"POST", other + "feedback", token, shop, map[string]any{"text": "hm"}, 404, "conversation.not_found", ""},
		"a survey before the end":     {"POST", own + "survey", token, shop, map[string]any{"option": "Yes"}, 409, "conversation.not_ended", ""},
		"a foreign survey":            {"POST", other + "survey", token, shop, map[string]any{"option": "Yes"}, 404, "conversation.not_found", ""},
		"an option that is none":      {"POST", fmt.Sprintf("/visitor/v1/conversations/%d/survey", endedConversation), ended, shop, map[string]any{"option": "Perhaps"}, 422, "field.invalid", "option"},
		"an unknown goal":             {"POST", "/visitor/v1/goals", token, shop, map[string]any{"key": "nothing"}, 404, "goal.not_found", "key"},
		"a goal of another site":      {"POST", "/visitor/v1/goals", token, "https://evil.example", map[string]any{"key": "newsletter"}, 403, "widget.origin_denied", ""},
		"four additional fields":      {"PATCH", "/visitor/v1/me", token, shop, map[string]any{"additional": []any{field, field, field, field}}, 422, "field.invalid", "additional"},
		"a long additional field":     {"PATCH", "/visitor/v1/me", token, shop, map[string]any{"additional": []any{nil, map[string]any{"name": "a", "value": strings.Repeat("x", 201)}}}, 422, "text.too_long", "additional02.value"},
		"a bad field at a message":    {"POST", s.messages(), token, shop, post(map[string]any{"contact": map[string]any{"additional": []any{field, field, field, nil}}}), 422, "field.invalid", "contact.additional"},
		"a bad identity at a message": {"POST", s.messages(), "", shop, post(map[string]any{"identity": "x.y.z"}), 401, "identity.invalid", "identity"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out := s.do(c.method, c.path, c.token, c.origin, c.body)
			field, _ := out["field"].(string)
			if status != c.status || out["code"] != c.code || field != c.field {
				t.Errorf("%d %v %q; want %d %s %q\n%v", status, out["code"], field, c.status, c.code, c.field, out)
			}
		})
	}
	if n := s.events(); n != before {
		t.Errorf("refusals left %d events", n-before)
	}
}

// A signed identity makes the anonymous contact that user, and their conversations stay theirs on another device.
func TestIdentityFollowsTheUser(t *testing.T) {
	s := newSite(t)
	key, err := s.widgets.NewIdentitySecret(t.Context(), team.System(), once.Key{}, s.widget.ID)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "u1", "name": "Ann", "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(key.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	identify := "/visitor/v1/widgets/" + s.widget.Key + "/identify"
	first, conversation := s.write()
	status, out := s.do("POST", identify, first, shop, map[string]any{"identity": identity})
	if status != 200 || out["contact"].(map[string]any)["name"] != "Ann" {
		t.Fatalf("identify: %d %v", status, out)
	}
	if status, _ := s.do("GET", "/visitor/v1/me", first, shop, nil); status != 401 {
		t.Errorf("the anonymous token still works: %d", status)
	}
	// Another device, which has written anonymously too: both conversations are Ann's now.
	second, other := s.write()
	_, out = s.do("POST", identify, second, shop, map[string]any{"identity": identity})
	_, home := s.do("GET", "/visitor/v1/me", out["token"].(string), shop, nil)
	got := map[int]bool{}
	for _, c := range home["conversations"].([]any) {
		got[int(c.(map[string]any)["id"].(float64))] = true
	}
	if len(got) != 2 || !got[conversation] || !got[other] {
		t.Errorf("Ann has the conversations %v, want %d and %d", got, conversation, other)
	}
}
