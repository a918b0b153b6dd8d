package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"parley/internal/audit"
	"parley/internal/delivery"
	"parley/internal/mail"
)

// letterbox is the customer's own server, which takes mails by callback.
type letterbox struct {
	*httptest.Server
	calls chan string // bodies
	token chan string // what stood in the header
}

func (b *bench) letterbox() *letterbox {
	l := &letterbox{calls: make(chan string, 100), token: make(chan string, 100)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			b.Error(err)
		}
		io.WriteString(w, "E-mail sent")
		l.token <- r.Header.Get("API-SECURITY-TOKEN")
		l.calls <- string(body)
	}))
	b.Cleanup(l.Close)
	return l
}

// letters sets the widget's mails up to go to the letterbox.
func (b *bench) letters(l *letterbox, more map[string]any) {
	b.Helper()
	body := map[string]any{"custom_email_api": map[string]any{"enabled": true, "url": l.URL + "/email", "token": "s3cr3t-s3cr3t-x9Qz"}}
	for k, v := range more {
		body[k] = v
	}
	b.do("admin", "PATCH", "/widgets/1/mail", body).is(200)
}

// nobodyListens is a port of this machine at which nobody listens.
func nobodyListens(t *testing.T) int {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	var port int
	if _, err := fmt.Sscanf(s.URL, "http://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	return port
}

// reachable gives the contact of a conversation an address.
func (b *bench) reachable(path string) (contact string) {
	b.Helper()
	contact = b.do("read", "GET", path, nil).is(200).text("contact.id")
	b.do("write", "PATCH", "/contacts/"+contact, map[string]any{"name": "Zoe", "email": "zoe@example.com"}).is(200)
	return contact
}

func (b *bench) everyOperationOfMails() {
	b.Helper()
	l := b.letterbox()
	b.do("admin", "GET", "/mail/server", nil).is(200).has("state", "unset", "host", "", "has_password", "false", "dkim.record", "<nil>", "waiting", "0", "widgets", "2 items", "widgets.1.name", "Second", "widgets.1.state", "ok", "widgets.1.failed", "0")
	b.do("admin", "POST", "/mail/server/test", map[string]any{"to": "me@shop.example"}).is(409, "mail.server_unset")
	server := b.do("admin", "PATCH", "/mail/server", map[string]any{"host": "127.0.0.1", "port": nobodyListens(b.T), "tls": "none", "username": "chat", "password": "correct horse",
		"from_email": "chat@shop.example", "from_name": "Shop", "per_minute": 60, "dkim": map[string]any{"domain": "shop.example", "selector": "parley", "generate": true}}).is(200).
		has("host", "127.0.0.1", "tls", "none", "username", "chat", "has_password", "true", "from_email", "chat@shop.example", "from_name", "Shop", "reply_to", "", "per_minute", "60",
			"dkim.domain", "shop.example", "dkim.selector", "parley", "dkim.has_key", "true", "state", "ok")
	if record := server.text("dkim.record"); !strings.HasPrefix(record, "v=DKIM1;") || strings.Contains(string(server.body), "correct horse") || strings.Contains(string(server.body), "PRIVATE") {
		b.Errorf("the server: %s", server.body)
	}
	b.do("admin", "PATCH", "/mail/server", map[string]any{"from_name": "Demo shop"}).is(200).has("from_name", "Demo shop", "username", "chat", "has_password", "true", "dkim.has_key", "true",
		"dkim.record", server.text("dkim.record"))
	if tested := b.do("admin", "POST", "/mail/server/test", map[string]any{"to": "me@shop.example"}).is(200).has("ok", "false", "status", "<nil>"); tested.text("detail") == "" {
		b.Errorf("a test without an answer says %s", tested.body)
	}
	b.do("admin", "DELETE", "/mail/server", nil).is(204)
	b.do("admin", "GET", "/mail/server", nil).is(200).has("state", "unset", "host", "", "has_password", "false", "dkim.has_key", "false")

	// The widget's settings.
	b.do("admin", "GET", "/widgets/1/mail", nil).is(200).has("inbound_url", "", "custom_email_api.enabled", "false", "custom_email_api.url", "", "custom_email_api.has_token", "false",
		"custom_email_api.token_hint", "<nil>", "custom_email_api.context_as_text", "false", "transcript_on_end", "false", "transcript_offer", "false", "sign_in", "true",
		"missed_after_seconds", "0", "from_name", "", "logo_url", "", "texts.footer", "")
	b.letters(l, map[string]any{"inbound_url": "https://shop.example/help", "missed_after_seconds": 600, "texts": map[string]any{"transcript_subject": "What we said, {name}", "footer": "Bye"}})
	set := b.do("admin", "GET", "/widgets/1/mail", nil).is(200).has("custom_email_api.enabled", "true", "custom_email_api.url", l.URL+"/email", "custom_email_api.has_token", "true",
		"custom_email_api.token_hint", "x9Qz", "inbound_url", "https://shop.example/help", "missed_after_seconds", "600", "texts.transcript_subject", "What we said, {name}", "texts.footer", "Bye",
		"state", "ok", "reason", "")
	if strings.Contains(string(set.body), "s3cr3t") || set.text("default_texts.transcript_subject") == "" {
		b.Errorf("the widget's settings: %s", set.body)
	}
	b.do("admin", "PATCH", "/widgets/1/mail", map[string]any{"texts": map[string]any{"footer": ""}, "missed_after_seconds": 0}).is(200).
		has("texts.footer", "", "texts.transcript_subject", "What we said, {name}", "custom_email_api.has_token", "true", "missed_after_seconds", "0")
	b.do("admin", "GET", "/widgets/2/mail", nil).is(200).has("custom_email_api.enabled", "false", "inbound_url", "")
	b.do("admin", "POST", "/widgets/1/mail/test", nil).is(200).has("ok", "true", "status", "200")
	if body, token := <-l.calls, <-l.token; body != "" || token != "s3cr3t-s3cr3t-x9Qz" {
		b.Errorf("the test was %q with the token %q", body, token)
	}
	for _, kind := range []string{"transcript", "missed", "reauth"} {
		seen := b.do("admin", "POST", "/widgets/1/mail/preview", map[string]any{"kind": kind, "texts": map[string]any{kind + "_intro": "Just <tried>."}}).is(200)
		if seen.text("subject") == "" || !strings.Contains(seen.text("html"), "Just &lt;tried&gt;.") || !strings.Contains(seen.text("text"), "Just <tried>.") {
			b.Errorf("the preview of %s: %s", kind, seen.body)
		}
	}

	// A transcript.
	path, _ := b.conversation()
	number := strings.TrimPrefix(path, "/conversations/")
	b.do("session:operator", "POST", path+"/transcript", nil).is(422, "mail.address_missing")
	contact := b.reachable(path)
	sent := b.do("session:operator", "POST", path+"/transcript", nil, "Idempotency-Key", "t").is(202).has("kind", "transcript", "state", "queued", "receiver", "zoe@example.com", "widget_id", "1",
		"conversation_id", number, "contact_id", contact, "asked_by", "operator:2", "done_at", "<nil>")
	b.do("session:operator", "POST", path+"/transcript", nil, "Idempotency-Key", "t").is(202).has("id", sent.text("id"))
	b.do("session:operator", "POST", path+"/transcript", map[string]any{"receiver": "else@example.com"}, "Idempotency-Key", "t").is(409, "idempotency_key.reused")
	b.do("session:operator", "POST", path+"/transcript", nil).is(429, "mail.limited")
	b.do("read", "GET", "/mails?conversation_id="+number+"&contact_id="+contact+"&state=queued", nil).is(200).has("items", "1 items", "items.0.id", sent.text("id"), "next_cursor", "<nil>")
	b.do("admin", "GET", "/mail/deliveries?state=pending", nil).is(200).has("items", "1 items", "items.0.endpoint_id", "<nil>", "items.0.channel_id", "<nil>", "items.0.widget_id", "1",
		"items.0.event.type", "mail.queued", "items.0.event_name", "transcript", "items.0.conversation_id", number)
	b.engineOf(mail.Deliveries, b.Mails.Executor(), func() { <-l.calls })
	<-l.token
	done := b.do("read", "GET", "/mails?conversation_id="+number, nil).is(200).has("items.0.state", "sent", "items.0.reason", "")
	if done.text("items.0.done_at") == "<nil>" {
		b.Errorf("a sent mail: %s", done.body)
	}
	delivery := done.text("items.0.delivery_id")
	detail := b.do("admin", "GET", "/mail/deliveries/"+delivery, nil).is(200).has("state", "delivered", "widget_id", "1", "endpoint_id", "<nil>", "attempt_log.0.status", "200", "attempt_log.0.response_body", "E-mail sent")
	if shown := detail.text("request.headers.API-SECURITY-TOKEN"); shown == "" || strings.Contains(string(detail.body), "s3cr3t") || !strings.Contains(detail.text("request.body"), "Hello!") {
		b.Errorf("the log does not show the mail: %s", detail.body)
	}
	again := b.do("admin", "POST", "/mail/deliveries/"+delivery+"/replay", nil).is(201).has("delivery.replay_of", delivery, "delivery.state", "pending").text("delivery.id")
	given := make(chan struct{}, 100)
	b.engineOf(mail.Deliveries, hopeless{b.Mails.Executor(), given}, func() { <-given })
	b.do("admin", "POST", "/mail/deliveries/"+again+"/revive", nil).is(200).has("delivery.id", again, "delivery.state", "pending")
	b.engineOf(mail.Deliveries, b.Mails.Executor(), func() { <-l.calls })
	<-l.token

	b.do("admin", "GET", "/mail/server", nil).is(200).has("widgets.0.widget_id", "1", "widgets.0.state", "ok", "widgets.0.waiting", "0")
	b.do("read", "GET", "/contacts/"+contact, nil).is(200).has("mail_problem", "<nil>")
	b.do("read", "GET", path, nil).is(200).has("contact.mail_problem", "<nil>")

	// What has to be known later.
	for i := range 3 {
		if err := b.Audit.Note(b.Context(), audit.Entry{Action: "reauth.locked", By: "address:203.0.113.7", Subject: "widget:1", Detail: fmt.Sprint("time ", i)}); err != nil {
			b.Fatal(err)
		}
	}
	first := b.do("admin", "GET", "/audit?limit=2", nil).is(200).has("items", "2 items", "items.0.action", "reauth.locked", "items.0.by", "address:203.0.113.7", "items.0.subject", "widget:1", "items.0.detail", "time 2")
	b.do("admin", "GET", "/audit?cursor="+first.text("next_cursor"), nil).is(200).has("items.0.detail", "time 0", "next_cursor", "<nil>")
	b.do("admin", "PATCH", "/widgets/1/mail", map[string]any{"custom_email_api": map[string]any{"enabled": false, "token": ""}}).is(200).has("custom_email_api.has_token", "false")
}

// S-005: what an admin typed as a secret comes out of no answer.
func TestMailSecretsAreNeverReturned(t *testing.T) {
	b := newBench(t)
	l := b.letterbox()
	b.letters(l, nil)
	b.do("admin", "PATCH", "/mail/server", map[string]any{"host": "localhost", "port": 25, "tls": "none", "username": "chat", "password": "p4ssw0rd-of-the-house", "from_email": "chat@shop.example"}).is(200)
	for _, o := range b.contract.operations() {
		if o.method != http.MethodGet || o.id == "list-events" {
			continue
		}
		if a := b.do("admin", "GET", o.at("1"), nil); strings.Contains(string(a.body), "s3cr3t-s3cr3t") || strings.Contains(string(a.body), "p4ssw0rd") {
			t.Errorf("%s shows a secret: %s", o.id, a.body)
		}
	}
	if a := b.do("admin", "POST", "/widgets/1/mail/test", nil).is(200); strings.Contains(string(a.body), "s3cr3t-s3cr3t") {
		t.Errorf("the test shows the token: %s", a.body)
	}
}

// Whoever reads the log must not be able to sign in as the contact.
func TestTheLogShowsAMailWithoutWhatSignsIn(t *testing.T) {
	b := newBench(t)
	l := b.letterbox()
	b.letters(l, map[string]any{"inbound_url": "https://shop.example/help"})
	path, _ := b.conversation()
	b.reachable(path)
	if err := b.Mails.Ask(t.Context(), b.widget, "zoe@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Mails.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.engineOf(mail.Deliveries, b.Mails.Executor(), func() { <-l.token })
	var told struct {
		Context struct {
			Link string `json:"reauth_link"`
			Code string `json:"reauth_token"`
		} `json:"context"`
	}
	if err := json.Unmarshal([]byte(<-l.calls), &told); err != nil || told.Context.Code == "" || told.Context.Link == "" {
		t.Fatalf("the mail has %+v, %v", told, err)
	}
	_, token, ok := strings.Cut(told.Context.Link, "parley=")
	if !ok {
		t.Fatalf("the link is %s", told.Context.Link)
	}
	which := b.do("admin", "GET", "/mail/deliveries", nil).is(200).has("items", "1 items", "items.0.event_name", "reauth").text("items.0.id")
	for _, at := range []string{"/mail/deliveries/", "/deliveries/"} {
		a := b.do("admin", "GET", at+which, nil).is(200).has("state", "delivered", "widget_id", "1")
		if text := string(a.body); strings.Contains(text, token) || strings.Contains(text, told.Context.Code) || strings.Contains(text, strings.ReplaceAll(told.Context.Code, "-", "")) {
			t.Errorf("%s shows what signs in: %s", at, text)
		}
		if body := a.text("request.body"); !strings.Contains(body, "reauth_token") || !strings.Contains(body, "•••") || !json.Valid([]byte(body)) {
			t.Errorf("%s shows %s", at, body)
		}
	}
}

func TestTheLogOfMailsHasMailsOnly(t *testing.T) {
	b := newBench(t)
	url, calls := b.receiver()
	b.subscribe(url, nil)
	path, _ := b.conversation()
	b.deliver(calls, 2)
	b.reachable(path)
	b.do("session:operator", "POST", path+"/transcript", nil).is(202)
	call := b.do("admin", "GET", "/deliveries?endpoint_id=1", nil).is(200).text("items.0.id")
	for _, what := range []string{"", "/replay", "/revive"} {
		method := "POST"
		if what == "" {
			method = "GET"
		}
		b.do("admin", method, "/mail/deliveries/"+call+what, nil).is(404, "delivery.not_found")
	}
	b.do("admin", "GET", "/mail/deliveries?limit=1", nil).is(200).has("items", "1 items", "items.0.widget_id", "1", "next_cursor", "<nil>")
	b.do("admin", "GET", "/mail/deliveries?widget_id=7", nil).is(200).has("items", "0 items")
	b.do("admin", "GET", "/mail/deliveries?state=delivered", nil).is(200).has("items", "0 items")
}

// refusing is a mail server that knows nobody, in the few words that it takes.
func refusing(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "220 hello\r\n")
			for lines := bufio.NewScanner(c); lines.Scan(); {
				word, _, _ := strings.Cut(lines.Text(), " ")
				switch strings.ToUpper(word) {
				case "RCPT":
					fmt.Fprint(c, "550 5.1.1 no such user here\r\n")
				case "QUIT":
					fmt.Fprint(c, "221 bye\r\n")
				default:
					fmt.Fprint(c, "250 fine\r\n")
				}
			}
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// told is an executor that tells of each call after it.
type told struct {
	delivery.Executor
	calls chan<- struct{}
}

func (x told) Do(ctx context.Context, j *delivery.Job) delivery.Outcome {
	defer func() { x.calls <- struct{}{} }()
	return x.Executor.Do(ctx, j)
}

func TestARefusedAddressShowsAtTheContact(t *testing.T) {
	b := newBench(t)
	b.do("admin", "PATCH", "/mail/server", map[string]any{"host": "127.0.0.1", "port": refusing(t), "tls": "none", "from_email": "chat@shop.example"}).is(200)
	b.do("admin", "POST", "/mail/server/test", map[string]any{"to": "zoe@example.com"}).is(200).has("ok", "false", "status", "550")
	path, _ := b.conversation()
	contact := b.reachable(path)
	b.do("session:operator", "POST", path+"/transcript", nil).is(202)
	calls := make(chan struct{}, 10)
	b.engineOf(mail.Deliveries, told{b.Mails.Executor(), calls}, func() { <-calls })
	failed := b.do("read", "GET", "/mails?state=failed", nil).is(200).has("items", "1 items")
	if !strings.Contains(failed.text("items.0.reason"), "no such user here") || failed.text("items.0.done_at") == "<nil>" {
		t.Errorf("the mail: %s", failed.body)
	}
	for _, at := range []string{"/contacts/" + contact, path} {
		prefix := ""
		if at == path {
			prefix = "contact."
		}
		a := b.do("read", "GET", at, nil).is(200).has(prefix+"mail_problem.address", "zoe@example.com")
		if !strings.Contains(a.text(prefix+"mail_problem.reason"), "no such user here") || a.text(prefix+"mail_problem.at") == "" {
			t.Errorf("%s: %s", at, a.body)
		}
	}
	b.do("admin", "GET", "/mail/deliveries", nil).is(200).has("items.0.state", "dead", "items.0.last_status", "550")
	b.do("read", "GET", "/events?types=mail.failed", nil).is(200).has("items", "1 items", "items.0.data.mail.kind", "transcript")
	b.do("write", "PATCH", "/contacts/"+contact, map[string]any{"email": "zoe@shop.example"}).is(200).has("mail_problem", "<nil>")
	b.do("read", "GET", path, nil).is(200).has("contact.mail_problem", "<nil>")
}

func TestBulkTranscripts(t *testing.T) {
	b := newBench(t)
	var ids []int
	for i := range 3 {
		path, posted := b.conversation()
		ids = append(ids, int(posted.Conversation.ID))
		if i > 0 {
			b.reachable(path)
		}
	}
	body := map[string]any{"action": "transcript", "conversation_ids": append(slices.Clone(ids), 999, ids[1])}
	for range 2 { // a repeat of the call sends nothing more
		b.do("session:operator", "POST", "/conversations/bulk", body, "Idempotency-Key", "b").is(200).has("results", "4 items", "results.0.code", "mail.address_missing", "results.0.ok", "false",
			"results.1.ok", "true", "results.1.changed", "true", "results.2.ok", "true", "results.3.code", "conversation.not_found", "done", "2", "unchanged", "0", "failed", "2")
		b.do("read", "GET", "/mails", nil).is(200).has("items", "2 items")
	}
	b.do("session:operator", "POST", "/conversations/bulk", body).is(200).has("results.1.code", "mail.limited", "done", "0", "failed", "4")
	b.do("read", "POST", "/conversations/bulk", body).is(403, "auth.scope")
	page := b.do("read", "GET", "/mails?limit=1", nil).is(200).has("items", "1 items", "items.0.conversation_id", fmt.Sprint(ids[2]))
	b.do("read", "GET", "/mails?limit=1&cursor="+page.text("next_cursor"), nil).is(200).has("items", "1 items", "items.0.conversation_id", fmt.Sprint(ids[1]), "next_cursor", "<nil>")
}

func TestTranscriptIsACommand(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "$transcript"}).is(422, "command.argument", "line")
	b.reachable(path)
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "/transcript nobody"}).is(422, "command.argument", "line")
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "!transcript boss@shop.example"}, "Idempotency-Key", "c").is(200).has("command", "transcript", "message", "<nil>")
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "!transcript boss@shop.example"}, "Idempotency-Key", "c").is(200)
	b.do("read", "GET", "/mails", nil).is(200).has("items", "1 items", "items.0.receiver", "boss@shop.example")
	b.do("session:operator", "POST", path+"/messages", map[string]any{"body": "$transcript"}).is(422, "message.is_command", "body")
}
