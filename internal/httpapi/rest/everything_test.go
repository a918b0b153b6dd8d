package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/webhook"
)

// operation is one of the document.
type operation struct {
	id, method, path, scope string
	body, optionalBody      bool // a body of JSON, which may be missing
}

func (o operation) unsafe() bool { return o.method != http.MethodGet }

var parameter = regexp.MustCompile(`\{[a-z_]+\}`)

// at is the operation's path with every parameter replaced: the first id by the given one, others by 1.
func (o operation) at(id string) string {
	return parameter.ReplaceAllString(strings.ReplaceAll(o.path, "{id}", id), "1")
}

func (c *contract) operations() []operation {
	var out []operation
	for path, item := range c.at("paths") {
		for method, op := range item.(map[string]any) {
			op := op.(map[string]any)
			o := operation{id: op["operationId"].(string), method: strings.ToUpper(method), path: path}
			if body, ok := op["requestBody"].(map[string]any); ok {
				o.body, o.optionalBody = body["content"].(map[string]any)["application/json"] != nil, body["required"] != true
			}
			security, _ := op["security"].([]any)
			for _, s := range security {
				if scopes, ok := s.(map[string]any)["token"].([]any); ok {
					o.scope = scopes[0].(string)
				}
			}
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	return out
}

// TestEveryOperationAnswersAsDocumented goes through the whole API once. Each answer is checked against its schema, and at
// the end no operation may be left over.
func TestEveryOperationAnswersAsDocumented(t *testing.T) {
	b := newBench(t)
	b.contract = newContract(t, generate(t))
	calls := make(chan struct{}, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(body), "Another question") {
			w.WriteHeader(http.StatusNotFound)
		}
		calls <- struct{}{}
	}))
	defer receiver.Close()

	// Signing in, and oneself.
	in := b.do("", "POST", "/sign-in", map[string]string{"email": " ANN@shop.example ", "password": "correct horse battery"}).is(200).
		has("operator.name", "Ann Lee", "operator.role", "admin", "operator.open_conversations", "0", "operator.groups.0.name", "Support")
	cookie := in.header.Get("Set-Cookie")
	for _, part := range []string{"parley_session=ps_", "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age="} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q lacks %s", cookie, part)
		}
	}
	link := b.do("admin", "POST", "/operators/2/link", nil).is(200).text("invite_link")
	token, ok := strings.CutPrefix(link, publicURL+"/app/link#")
	if !ok {
		t.Errorf("the link is %s", link)
	}
	fresh := b.do("", "POST", "/sign-in/link", map[string]string{"token": token}).is(200).has("operator.email", "bob@shop.example")
	b.sessions["fresh"] = strings.TrimPrefix(strings.Split(fresh.header.Get("Set-Cookie"), ";")[0], httpapi.SessionCookie+"=")
	b.do("session:fresh", "GET", "/me", nil).is(200).has("operator.id", "2", "public_url", publicURL, "version", "1.2.3", "demo", "false")
	out := b.do("session:fresh", "POST", "/sign-out", nil).is(204)
	if c := out.header.Get("Set-Cookie"); !strings.HasPrefix(c, "parley_session=;") || !strings.Contains(c, "Max-Age=0") {
		t.Errorf("signing out sets the cookie %q", c)
	}
	b.do("session:fresh", "GET", "/me", nil).is(401, "auth.invalid")
	b.do("session:operator", "PUT", "/me/availability", map[string]string{"availability": "away"}).is(200).has("operator.availability", "away", "operator.status", "offline")
	b.do("session:operator", "POST", "/me/password", map[string]string{"current": "correct horse battery", "new": "another fine password"}).is(204)
	b.do("session:operator", "GET", "/me", nil).is(200)

	// A conversation's life.
	path, posted := b.conversation()
	b.do("read", "GET", "/conversations", nil).is(200).has("items.0.id", "1", "items.0.status", "new", "items.0.unread", "1", "next_cursor", "<nil>",
		"items.0.contact.display_name", "Visitor 1", "items.0.widget.name", "Demo shop", "items.0.group.name", "Support", "items.0.operator", "<nil>",
		"items.0.visit.url", "https://shop.example/cart", "items.0.session.ended_at", "<nil>", "counts.all", "1", "counts.unassigned", "1")
	b.do("read", "GET", path, nil).is(200).has("uuid", posted.Conversation.UUID, "last_message.body", "Hello!", "channel.type", "website", "channel.id", "<nil>")
	b.do("session:operator", "POST", path+"/read", map[string]int{"number": 1}).is(204)
	b.do("session:operator", "POST", path+"/messages", map[string]any{"body": "Hi, I am Bob.", "note": false, "reference": int64(posted.Message.ID)}).is(201).
		has("message.number", "2", "message.sender.type", "operator", "message.sender.name", "Bobby", "message.sender.id", "2", "message.reference", "1",
			"message.ref", "1.1.2", "message.state", "sent", "conversation.status", "open", "conversation.operator.alias", "Bobby", "conversation.unread", "0")
	b.do("session:operator", "POST", path+"/messages", map[string]any{"body": "Regular customer.", "note": true}).is(201).has("message.note", "true", "message.number", "3")
	b.do("write", "POST", path+"/messages", map[string]any{"body": "Your order is on its way."}).is(201).
		has("message.sender.type", "bot", "message.sender.id", "<nil>", "message.sender.name", "write token")
	b.do("session:operator", "PATCH", path+"/messages/2", map[string]any{"body": "Hi, I am Bobby."}).is(200).has("message.id", "2", "message.body", "Hi, I am Bobby.",
		"message.deleted_at", "<nil>", "message.media", "<nil>", "conversation.id", "1").json("message.edited_at")
	b.do("read", "GET", "/media/limits", nil).is(200).has("max_upload", "26214400")
	file := b.do("session:operator", "POST", "/media?name=notes.txt", "some notes").is(201).has("kind", "file", "name", "notes.txt", "size", "10").text("key")
	b.do("session:operator", "POST", path+"/messages", map[string]any{"body": "", "media": file}).is(201).
		has("message.type", "media", "message.media.name", "notes.txt", "message.media.state", "stored", "message.media.thumb_url", "<nil>", "message.media.width", "<nil>",
			"message.media.peaks", "0 items", "conversation.last_message.body", "notes.txt", "conversation.last_message.type", "media")
	b.do("session:operator", "DELETE", path+"/messages/3", nil).is(200).has("message.id", "3", "message.body", "", "message.note", "true", "message.edited_at", "<nil>")
	b.do("read", "GET", "/operators", nil).is(200).has("items.1.open_conversations", "1")
	b.do("session:operator", "POST", path+"/assign", map[string]any{"operator_id": nil}).is(200).has("operator", "<nil>")
	b.do("session:operator", "POST", path+"/forward", map[string]any{"operator_id": 1, "note": "Please have a look."}).is(200).
		has("operator.name", "Ann Lee", "last_message.note", "true")
	b.do("session:operator", "POST", path+"/forward", map[string]any{"group_id": 1}).is(200).has("group.id", "1", "operator", "<nil>")
	b.do("session:admin", "PUT", path+"/status", map[string]any{"status": "pending"}).is(200).has("status", "pending")
	b.do("session:admin", "PUT", path+"/tags", map[string]any{"tags": []string{"vip", " Refund ", "VIP"}}).is(200).has("tags", "2 items", "tags.0", "Refund", "tags.1", "vip")
	b.do("session:admin", "PUT", path+"/topic", map[string]any{"topic": "A lamp"}).is(200).has("topic", "A lamp", "flagged", "false", "rating", "<nil>")
	b.do("session:admin", "POST", path+"/flag", map[string]any{"flagged": false}).is(200).has("flagged", "false")
	b.do("session:operator", "POST", "/conversations/bulk", map[string]any{"action": "untag", "conversation_ids": []int{1, 999}, "tags": []string{"refund"}}).is(200).
		has("results", "2 items", "results.0.ok", "true", "results.0.changed", "true", "results.0.code", "<nil>", "results.1.id", "999", "results.1.code", "conversation.not_found",
			"done", "1", "unchanged", "0", "failed", "1")
	b.do("session:operator", "POST", "/conversations/bulk", map[string]any{"action": "assign", "conversation_ids": []int{1}, "operator_id": nil}).is(200).has("done", "0", "unchanged", "1")
	b.do("read", "GET", "/commands", nil).is(200).has("items.0.name", "api", "items.0.aliases.0", "send-to-api", "items.1.args", "", "items.2.argument", "operator")
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "/topic Two lamps"}).is(200).
		has("command", "topic", "lines.0", "Topic: Two lamps", "conversation.topic", "Two lamps", "message", "<nil>")
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "!note By phone."}).is(200).has("message.note", "true", "message.body", "By phone.")
	reply := b.do("session:admin", "POST", "/replies", map[string]any{"kind": "question", "shortcut": "size", "body": "Which size, {name}?", "options": []string{"S", "M"}}).is(201).
		has("kind", "question", "shortcut", "size", "options.0", "S").text("id")
	b.do("session:admin", "PATCH", "/replies/"+reply, map[string]any{"title": "Size"}).is(200).has("title", "Size", "body", "Which size, {name}?")
	b.do("read", "GET", "/replies?q=size", nil).is(200).has("items.0.id", reply)
	b.do("session:operator", "POST", path+"/replies/"+reply+"/preview", nil).is(200).has("options.1", "M").text("body")
	b.do("session:admin", "DELETE", "/replies/"+reply, nil).is(204)
	b.do("session:admin", "POST", path+"/end", nil).is(200).has("status", "ended", "session.end_reason", "operator", "session.rating", "<nil>", "visit.private", "false", "visit.lat", "<nil>")
	b.do("session:admin", "POST", path+"/reopen", nil).is(200).has("status", "open", "ended_at", "<nil>")
	b.do("read", "GET", path+"/sessions", nil).is(200).has("items.0.number", "1", "items.0.end_reason", "operator")
	thread := b.do("read", "GET", path+"/messages", nil).is(200).has("has_more", "false", "items.0.sender.name", "Visitor 1", "items.0.state", "read")
	var names []string
	for _, m := range thread.json("items").([]any) {
		if e, ok := m.(map[string]any)["event"].(map[string]any); ok {
			names = append(names, e["name"].(string))
		}
	}
	if want := []string{"assigned", "forwarded", "forwarded", "ended", "reopened"}; !slices.Equal(names, want) {
		t.Errorf("thread events %v, want %v", names, want)
	}

	b.do("read", "GET", "/conversations/ids?status=all&q=way", nil).is(200).has("ids", "0 items", "more", "false")
	b.do("read", "GET", "/conversations/export?status=all", nil).is(200)
	b.do("read", "GET", "/conversations/export?format=json", nil).is(200).has("0.id", "1")
	b.do("read", "GET", "/tags", nil).is(200)

	// Contacts.
	b.do("write", "PATCH", "/contacts/1", map[string]any{"name": "Zoe", "email": "Zoe@Example.com", "custom": map[string]any{"vip": true}}).is(200).
		has("display_name", "Zoe", "email", "zoe@example.com", "custom.vip", "true")
	b.do("read", "GET", "/contacts/1", nil).is(200).has("name", "Zoe", "additional", "3 items", "additional.2.value", "")
	b.do("write", "PATCH", "/contacts/1", map[string]any{"additional": []any{nil, map[string]any{"name": "Plan", "value": "gold"}}}).is(200).
		has("additional", "3 items", "additional.0.name", "", "additional.1.name", "Plan", "additional.1.value", "gold")
	b.do("read", "GET", "/contacts?q=zO&email=zoe@example.com", nil).is(200).has("items.0.id", "1", "next_cursor", "<nil>")
	// A contact who was unnamed when writing is shown with the name that is known now.
	b.do("read", "GET", path+"/messages?before=2", nil).is(200).has("items.0.sender.name", "Zoe")

	// Settings.
	b.do("admin", "POST", "/operators", map[string]any{"email": "eve@shop.example", "first_name": "Eve", "last_name": "", "role": "operator", "slots": 3, "group_ids": []int{1}}).
		is(201).has("operator.id", "3", "operator.slots", "3", "operator.username", "eve", "operator.groups.0.id", "1")
	b.do("admin", "POST", "/operators", map[string]any{"email": "dan@shop.example", "first_name": "Dan", "last_name": "", "password": "correct horse battery"}).
		is(201).has("invite_link", "<nil>")
	b.do("admin", "PATCH", "/operators/3", map[string]any{"active": false, "group_ids": []int{}}).is(200).has("operator.active", "false", "operator.groups", "0 items")
	b.do("admin", "POST", "/groups", map[string]any{"name": "Sales", "operator_ids": []int{2, 1}}).is(201).has("operator_ids.0", "1", "operator_ids.1", "2")
	b.do("admin", "PATCH", "/groups/2", map[string]any{"name": "Sales team", "operator_ids": []int{2}}).is(200).has("name", "Sales team", "operator_ids", "1 items")
	b.do("read", "GET", "/groups", nil).is(200).has("items.1.name", "Sales team")
	b.do("admin", "DELETE", "/groups/2", nil).is(204)
	b.do("admin", "POST", "/widgets", map[string]any{"name": "Second", "group_id": nil, "domains": []string{"Shop.Example"}, "theme": "dark"}).is(201).
		has("id", "2", "group_id", "<nil>", "domains.0", "shop.example", "theme", "dark", "has_identity_secret", "false", "lang", "en")
	b.do("read", "GET", "/widgets/1", nil).is(200).has("group_id", "1", "key", b.widget.Key,
		"snippet", `<script src="`+publicURL+`/widget/loader.js" data-widget="`+b.widget.Key+`" async></script>`)
	b.do("admin", "PATCH", "/widgets/1", map[string]any{"title": "Ask us"}).is(200).has("title", "Ask us", "group_id", "1")
	b.do("admin", "PATCH", "/widgets/1", map[string]any{"group_id": nil}).is(200).has("group_id", "<nil>")
	b.do("read", "GET", "/widgets/1", nil).is(200).has("rating_form", "stars", "ask_feedback", "true", "privacy_mode", "false", "survey", "<nil>", "goals", "0 items")
	after := map[string]any{"privacy_mode": true, "rating_form": "thumbs", "ask_feedback": false, "survey": map[string]any{"question": "Solved?", "options": []string{"Yes", "No"}},
		"goals": []any{map[string]any{"name": "Order", "match": "prefix", "pattern": "https://Shop.Example/thanks"}, map[string]any{"id": nil, "name": "News", "match": "script", "pattern": "news"}}}
	saved := b.do("admin", "PATCH", "/widgets/1", after).is(200).has("privacy_mode", "true", "rating_form", "thumbs", "ask_feedback", "false", "survey.question", "Solved?", "survey.options.1", "No",
		"goals", "2 items", "goals.0.match", "prefix", "goals.0.pattern", "https://shop.example/thanks", "goals.1.pattern", "news")
	b.do("admin", "PATCH", "/widgets/1", map[string]any{"survey": nil, "rating_form": "", "goals": []any{map[string]any{"id": json.Number(saved.text("goals.1.id")), "name": "Newsletter", "match": "script", "pattern": "news"}}}).is(200).
		has("survey", "<nil>", "rating_form", "", "goals", "1 items", "goals.0.id", saved.text("goals.1.id"), "goals.0.name", "Newsletter")
	b.availability()
	if s := b.do("admin", "POST", "/widgets/1/identity-secret", nil).is(200).text("secret"); !strings.HasPrefix(s, "wis_") {
		t.Errorf("identity secret %s", s)
	}
	b.do("read", "GET", "/widgets", nil).is(200).has("items", "2 items", "items.0.has_identity_secret", "true")
	made := b.do("session:admin", "POST", "/tokens", map[string]any{"name": "Export", "scope": "read"}).is(201).
		has("token.scope", "read", "token.created_by.name", "Ann Lee", "token.last_used_at", "<nil>")
	b.tokens["made"] = made.text("secret")
	b.do("made", "GET", "/widgets", nil).is(200)
	b.do("admin", "GET", "/tokens", nil).is(200).has("items.0.created_by", "<nil>")
	b.do("admin", "DELETE", "/tokens/"+made.text("token.id"), nil).is(204)
	b.do("made", "GET", "/widgets", nil).is(401, "auth.invalid")

	// Callbacks.
	b.do("read", "GET", "/dialects", nil).is(200).has("items.0.name", "chatlio", "items.0.switches", "2 items", "items.0.switches.1.name", "traits_text",
		"items.0.events.0.versions", "<nil>", "items.1.name", "standard", "items.1.version", "1", "items.1.versions.0", "1", "items.1.switches", "0 items", "items.2.success", "200 only")
	endpoint := b.do("admin", "POST", "/endpoints", map[string]any{"name": "CRM", "url": receiver.URL, "dialect": "standard", "events": []string{"message.received"},
		"headers": map[string]string{"X-Key": "hidden"}, "timeout_seconds": 7}).is(201).
		has("endpoint.headers.X-Key", "***", "endpoint.timeout_seconds", "7", "endpoint.in_flight_limit", "16", "endpoint.state", "active", "endpoint.stats.breaker", "closed",
			"endpoint.switches", "0 items", "endpoint.hook", "<nil>")
	if !strings.HasPrefix(endpoint.text("secret"), "whsec_") || strings.Contains(string(endpoint.body), "hidden") {
		t.Errorf("endpoint made: %s", endpoint.body)
	}
	b.do("admin", "PATCH", "/endpoints/1", map[string]any{"name": "CRM 2", "headers": map[string]string{"X-Key": "***"}}).is(200).has("name", "CRM 2", "timeout_seconds", "7")
	b.do("admin", "POST", "/endpoints/1/pause", nil).is(200).has("state", "paused")
	b.do("admin", "POST", "/endpoints/1/test", nil).is(409, "endpoint.paused")
	b.do("admin", "POST", "/endpoints/1/resume", nil).is(200).has("state", "active")
	b.do("admin", "POST", "/endpoints/1/resume", map[string]any{"backlog": true}).is(200).has("state", "active", "stats.failing_since", "<nil>")
	b.do("admin", "GET", "/endpoints/1/chart", nil).is(200).has("step_seconds", "60", "points", "60 items", "points.0.delivered", "0")
	if s := b.do("admin", "POST", "/endpoints/1/rotate-secret", nil).is(200).text("secret"); s == endpoint.text("secret") || !strings.HasPrefix(s, "whsec_") {
		t.Errorf("the new secret is %s", s)
	}
	b.visitor(inbox.ContactPost{Body: "Another question"})
	b.do("admin", "GET", "/endpoints/1", nil).is(200).has("stats.pending", "1", "stats.last_status", "<nil>")
	b.do("admin", "GET", "/endpoints", nil).is(200).has("items", "1 items")
	b.do("admin", "GET", "/deliveries?endpoint_id=1&state=pending&event_name=message.received", nil).is(200).
		has("items", "1 items", "items.0.event.type", "message.received", "items.0.conversation_id", "2", "items.0.attempts", "0", "items.0.delivered_at", "<nil>")
	test := b.do("admin", "POST", "/endpoints/1/test", nil).is(200).text("delivery_id")
	b.do("admin", "GET", "/deliveries/"+test, nil).is(200).has("event.id", "0", "event.type", "test", "state", "pending", "attempt_log", "0 items", "request.url", "")
	b.do("admin", "POST", "/deliveries/"+test+"/replay", nil).is(409, "delivery.pending")
	b.deliver(calls, 2)
	detail := b.do("admin", "GET", "/deliveries/1", nil).is(200).
		has("attempt_log.0.number", "1", "attempt_log.0.outcome", "retry", "attempt_log.0.status", "404", "request.headers.X-Key", "***", "last_status", "404", "state", "pending")
	if !strings.Contains(detail.text("request.body"), "Another question") {
		t.Errorf("the body of the request: %s", detail.body)
	}
	b.do("admin", "GET", "/deliveries/"+test, nil).is(200).has("state", "delivered", "attempt_log.0.outcome", "delivered", "attempt_log.0.retry_at", "<nil>")
	replayed := b.do("admin", "POST", "/deliveries/"+test+"/replay", nil).is(201).has("delivery.replay_of", test, "delivery.state", "pending").text("delivery.id")
	all := map[string]any{"endpoint_id": 1, "dry_run": true}
	b.do("admin", "POST", "/deliveries/replay", all).is(200).has("count", "1", "dry_run", "true")
	b.giveUp(1)
	b.do("admin", "POST", "/deliveries/revive", all).is(200).has("count", "1", "dry_run", "true")
	b.do("admin", "POST", "/deliveries/"+replayed+"/revive", nil).is(200).has("delivery.state", "pending", "delivery.id", replayed)
	b.do("admin", "POST", "/deliveries/"+replayed+"/revive", nil).is(409, "delivery.pending")
	b.do("admin", "DELETE", "/endpoints/1", nil).is(204)
	b.do("admin", "GET", "/deliveries?state=dropped", nil).is(200).has("items.0.endpoint_id", "1")

	b.everyOperationOfChannels()
	b.everyOperationOfMails()
	b.everyOperationOfHooks()
	b.everyOperationOfChats()
	b.everyOperationOfVisitors()

	from, lost := b.lostFile()
	b.do("session:operator", "POST", from+"/messages/"+lost+"/refetch", nil).is(200).has("message.media.state", "fetching", "message.media.error", "<nil>", "message.media.url", "<nil>",
		"conversation.channel.name", "Mail")

	// The feed.
	page := b.do("read", "GET", "/events?limit=200", nil).is(200)
	if items := page.json("items").([]any); page.text("next_after") != page.text("seq") || len(items) < 20 {
		t.Errorf("the feed has %d events, next_after %s, seq %s", len(items), page.text("next_after"), page.text("seq"))
	}

	for _, o := range b.contract.operations() {
		if !b.contract.met[o.id] {
			t.Errorf("no test has seen %s succeed", o.id)
		}
	}
}

// lostFile is a message of a channel whose file could not be fetched: the path of its conversation, and its id.
func (b *bench) lostFile() (path, message string) {
	b.Helper()
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	made := b.do("admin", "POST", "/channels", map[string]any{"type": "custom", "name": "Mail", "widget_id": 1,
		"settings": map[string]any{"outbound_url": gone.URL + "/out"}}).is(201)
	var posted *inbox.ChannelPosted
	err := b.db.Update(b.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
		n, err := id.Parse(made.text("channel.id"))
		if err != nil {
			return err
		}
		posted, err = b.Inbox.PostFromChannel(ctx, tx, inbox.ChannelPost{Channel: event.Channel{ID: id.Channel(n), Type: "custom", Name: "Mail"}, Widget: b.widget.ID, Contact: 1,
			MediaURL: gone.URL + "/a.png"})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	path, message = fmt.Sprint("/conversations/", posted.Conversation), fmt.Sprint(posted.Message)
	b.do("session:operator", "POST", path+"/messages/"+message+"/refetch", nil).is(409, "media.not_failed")
	if n, err := b.Media.RunOnce(b.Context()); err != nil || n != 1 {
		b.Fatalf("%d files were fetched, %v", n, err)
	}
	b.do("read", "GET", path+"/messages", nil).is(200).has("items.0.type", "media", "items.0.media.state", "failed", "items.0.media.url", "<nil>")
	return path, message
}

// deliver runs the delivery engine until the receiver has had the given number of calls.
func (b *bench) deliver(calls <-chan struct{}, n int) {
	b.Helper()
	b.engine(b.Webhooks.Executor(), func() {
		for range n {
			<-calls
		}
	})
}

// hopeless is an executor that gives everything up, and tells of each call.
type hopeless struct {
	delivery.Executor
	calls chan<- struct{}
}

func (h hopeless) Do(context.Context, *delivery.Job) delivery.Outcome {
	h.calls <- struct{}{}
	return delivery.Outcome{Verdict: delivery.GiveUp, Reason: "the receiver does not exist any more"}
}

// giveUp runs the delivery engine until it has given up n deliveries.
func (b *bench) giveUp(n int) {
	b.Helper()
	calls := make(chan struct{}, 100)
	b.engine(hopeless{b.Webhooks.Executor(), calls}, func() {
		for range n {
			<-calls
		}
	})
}

// engine runs the delivery engine with an executor until wait returns.
func (b *bench) engine(x delivery.Executor, wait func()) {
	b.Helper()
	b.engineOf(webhook.Kind, x, wait)
}

func (b *bench) engineOf(kind string, x delivery.Executor, wait func()) {
	b.Helper()
	e := delivery.New(delivery.Options{DB: b.db, Executors: map[string]delivery.Executor{kind: x}, Changed: b.Feed.Changed})
	ended := make(chan error, 1)
	go func() { ended <- e.Run(b.Context()) }()
	wait()
	if err := e.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
