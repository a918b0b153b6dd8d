package rest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	channels "parley/internal/channel"
	"parley/internal/inbox"
)

// door is what the other side of a channel has.
type door struct {
	url, token string
}

// channel makes a channel whose messages go to the URL.
func (b *bench) channel(outbound string) (id string, d door) {
	b.Helper()
	made := b.do("admin", "POST", "/channels", map[string]any{"type": "custom", "name": "SMS", "widget_id": 1, "settings": map[string]string{"outbound_url": outbound}}).is(201)
	url, ok := strings.CutPrefix(made.text("channel.inbound_url"), publicURL)
	if !ok {
		b.Fatalf("the Inbound URL is %s", made.text("channel.inbound_url"))
	}
	return made.text("channel.id"), door{b.server.URL + url, made.text("secrets.inbound_token")}
}

// post posts at a door and returns the status and the answer.
func (b *bench) post(url, token, body string) (int, map[string]any) {
	b.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	if token != "" {
		req.Header.Set("API-SECURITY-TOKEN", token)
	}
	res, err := b.server.Client().Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		b.Fatalf("%d %q: %v", res.StatusCode, raw, err)
	}
	return res.StatusCode, out
}

func (b *bench) everyOperationOfChannels() {
	b.Helper()
	calls := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			b.Error(err)
		}
		calls <- string(body)
	}))
	defer receiver.Close()

	b.do("read", "GET", "/channel-types", nil).is(200).has("items", "2 items", "items.0.type", "custom", "items.0.creatable", "true", "items.0.fields.0.name", "outbound_url",
		"items.0.fields.0.kind", "url", "items.0.fields.3.options.1.value", "2", "items.1.type", "website", "items.1.creatable", "false", "items.1.fields", "0 items")
	id, d := b.channel(receiver.URL)
	path := "/channels/" + id
	b.do("admin", "GET", path, nil).is(200).has("name", "SMS", "widget_id", "1", "widgets", "0 items", "settings.version", "1", "merge", "true", "auto_reply", "false", "state", "active",
		"secrets.inbound_token.set", "true", "secrets.inbound_token.previous_expires_at", "<nil>", "stats.pending", "0")
	b.do("read", "GET", path, nil).is(200).has("inbound_url", "<nil>", "secrets.inbound_token.set", "true", "secrets.inbound_token.hint", "<nil>")
	b.do("read", "GET", "/channels", nil).is(200).has("items", "1 items", "items.0.name", "SMS", "items.0.inbound_url", "<nil>")
	b.do("admin", "PATCH", path, map[string]any{"name": "Letters", "widgets": []int{2, 1}, "auto_reply": true}).is(200).has("name", "Letters", "widgets", "2 items", "auto_reply", "true")

	status, got := b.post(d.url, d.token, `{"id":7,"email":"Max@Example.com","name":"Max","body":"Hello"}`)
	if status != 200 || got["duplicate"] != false {
		b.Fatalf("%d %v", status, got)
	}
	if status, again := b.post(d.url, d.token, `{"id":"7","email":"max@example.com","body":"Hello"}`); status != 200 || again["duplicate"] != true || again["id"] != got["id"] {
		b.Errorf("the same again: %d %v", status, again)
	}
	b.post(d.url, "wrong-wrong", `{}`)
	b.do("admin", "GET", path+"/inbound?limit=1", nil).is(200).has("items.0.status", "403", "items.0.code", "channel.token_wrong", "items.0.message_id", "<nil>")
	next := b.do("admin", "GET", path+"/inbound?limit=1", nil).is(200).text("next_cursor")
	b.do("admin", "GET", path+"/inbound?cursor="+next, nil).is(200).has("items", "2 items", "items.0.status", "200", "items.0.duplicate", "true", "items.1.message_id", fmt.Sprint(got["id"]), "next_cursor", "<nil>")

	conversation, person := fmt.Sprint("/conversations/", got["conversation_id"]), fmt.Sprint("/contacts/", got["contact_id"])
	b.do("read", "GET", conversation, nil).is(200).has("channel.name", "Letters", "contact.email", "max@example.com", "contact.name", "Max")
	b.do("read", "GET", "/conversations?status=all&channel="+id, nil).is(200).has("items", "1 items")
	address := b.do("read", "GET", person+"/addresses", nil).is(200).has("items", "1 items", "items.0.address", "max@example.com", "items.0.channel.name", "Letters", "items.0.merged", "false").text("items.0.id")

	// A message that fails, and is sent again.
	message := b.do("session:operator", "POST", conversation+"/messages", map[string]any{"body": "Hi, I am Bob."}).is(201).has("message.state", "pending").text("message.id")
	given := make(chan struct{}, 100)
	b.engineOf(channels.Deliveries, hopeless{b.Channels.Executor(), given}, func() { // the receipt of the new conversation goes first
		<-given
		<-given
	})
	b.do("session:operator", "POST", conversation+"/messages/"+message+"/retry", nil).is(200).has("message.state", "pending", "message.id", message)
	b.do("session:operator", "POST", conversation+"/messages/"+message+"/retry", nil).is(200).has("message.state", "pending")
	b.engineOf(channels.Deliveries, b.Channels.Executor(), func() { <-calls })
	b.do("session:operator", "POST", conversation+"/messages/"+message+"/retry", nil).is(409, "message.not_failed")
	log := b.do("admin", "GET", "/deliveries?channel_id="+id+"&state=delivered", nil).is(200).has("items", "1 items", "items.0.endpoint_id", "<nil>", "items.0.channel_id", id, "items.0.event_name", "message.sent")
	b.do("admin", "GET", "/deliveries/"+log.text("items.0.id"), nil).is(200).has("channel_id", id, "request.headers.API-SECURITY-TOKEN", "***")
	b.do("admin", "GET", path+"/chart", nil).is(200).has("step_seconds", "60", "points", "60 items")
	if status, got := b.post(d.url+"/receipts", d.token, `{"id":`+message+`,"state":"read"}`); status != 200 || fmt.Sprint(got["id"]) != message {
		b.Errorf("a receipt: %d %v", status, got)
	}
	b.do("read", "GET", conversation+"/messages", nil).is(200).has("items.2.state", "read", "items.1.sender.type", "system", "items.1.state", "failed", "items.1.state_code", "given_up")

	b.do("session:operator", "POST", "/conversations", map[string]any{"channel_id": json.Number(id), "email": "new@example.com", "name": "Eva", "body": "Your order"}).is(201).
		has("message.body", "Your order", "conversation.contact.email", "new@example.com", "conversation.status", "open", "conversation.operator.alias", "Bobby")
	b.do("session:operator", "POST", person+"/addresses/"+address+"/separate", nil).is(200).has("contact.email", "max@example.com")
	b.do("session:operator", "POST", "/contacts/999/addresses/"+address+"/separate", nil).is(404, "contact.not_found")
	if v := b.do("admin", "POST", path+"/rotate", map[string]any{"secret": "inbound_token", "overlap_hours": 24}).is(200).text("value"); v == d.token || len(v) < 32 {
		b.Errorf("the new token is %s", v)
	}
	b.do("admin", "GET", path, nil).is(200)
	b.do("admin", "POST", path+"/rotate", map[string]any{"secret": "nothing"}).is(422, "field.invalid", "secret")
	b.do("admin", "POST", path+"/test", map[string]any{"direction": "out"}).is(200).has("conversation_id", "<nil>")
	b.do("admin", "POST", path+"/test", map[string]any{"direction": "in", "email": "max@example.com"}).is(200).has("delivery_id", "<nil>")
	b.do("admin", "POST", path+"/pause", nil).is(200).has("state", "paused")
	b.do("admin", "POST", path+"/test", map[string]any{"direction": "out"}).is(409, "channel.paused")
	b.do("admin", "POST", path+"/resume", map[string]any{"backlog": false}).is(200).has("state", "active")
	b.do("admin", "DELETE", path, nil).is(204)
	if status, got := b.post(d.url, d.token, `{}`); status != 404 || got["code"] != "channel.not_found" {
		b.Errorf("a deleted channel's door: %d %v", status, got)
	}
}

func TestS067S068TheDoorRefuses(t *testing.T) {
	b := newBench(t)
	id, d := b.channel("https://sms.example/out")
	valid := `{"email":"max@example.com","body":"Hello"}`
	for _, c := range []struct {
		what, token, body string
		status            int
		code, field       string
	}{
		{"no token", "", valid, 401, "channel.token_missing", ""},
		{"a wrong token", "wrong-wrong-wrong", valid, 403, "channel.token_wrong", ""},
		{"a wrong token with nonsense", "wrong-wrong-wrong", `{"`, 403, "channel.token_wrong", ""},
		{"bad JSON", d.token, `{"email":`, 400, "request.malformed", ""},
		{"no body", d.token, ``, 400, "request.malformed", ""},
		{"no e-mail address", d.token, `{"body":"Hello"}`, 422, "field.required", "email"},
		{"no address at all", d.token, `{"email":"nobody","body":"Hello"}`, 422, "field.invalid", "email"},
		{"no text", d.token, `{"email":"max@example.com"}`, 422, "message.empty", "body"},
		{"a long text", d.token, `{"email":"max@example.com","body":"` + strings.Repeat("x", inbox.MaxBody+1) + `"}`, 422, "message.too_long", "body"},
		{"a wrong address of a file", d.token, `{"email":"max@example.com","url":"file:///etc/passwd"}`, 422, "media.url_refused", "url"},
		{"a NUL", d.token, `{"email":"max@example.com","body":"a\u0000b"}`, 422, "text.invalid", "body"},
		{"a long name", d.token, `{"email":"max@example.com","body":"a","name":"` + strings.Repeat("x", 200) + `"}`, 422, "text.too_long", "name"},
		{"too large", d.token, `{"email":"max@example.com","body":"a","x":"` + strings.Repeat("x", channels.MaxInbound) + `"}`, 413, "request.too_large", ""},
	} {
		status, got := b.post(d.url, c.token, c.body)
		field, _ := got["field"].(string)
		if status != c.status || got["code"] != c.code || field != c.field {
			t.Errorf("%s: %d %v, want %d %s at %q", c.what, status, got, c.status, c.code, c.field)
		}
	}
	if status, got := b.post(d.url+"x", d.token, valid); status != 404 || got["code"] != "channel.not_found" {
		t.Errorf("another key: %d %v", status, got)
	}
	b.do("read", "GET", "/conversations?status=all", nil).is(200).has("items", "0 items")
	b.do("admin", "GET", "/channels/"+id+"/inbound?limit=200", nil).is(200).has("items", "13 items")
	// Guessing ends: then even the right token of this caller has to wait.
	for range 30 {
		b.post(d.url, "wrong-wrong-wrong", valid)
	}
	if status, got := b.post(d.url, d.token, valid); status != 429 || got["code"] != "request.limited" {
		t.Errorf("after many wrong tokens: %d %v", status, got)
	}
	b.do("admin", "GET", "/channels/"+id+"/inbound?limit=200", nil).is(200)
}
