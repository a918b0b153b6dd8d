package rest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"parley/internal/httpapi"
	"parley/internal/inbox"
	"parley/internal/team"
)

// bodies are small correct ones for the operations that need one.
var bodies = map[string]any{
	"flag-conversation":            map[string]any{"flagged": false},
	"set-conversation-tags":        map[string]any{"tags": []string{"vip"}},
	"set-conversation-topic":       map[string]any{"topic": "Return"},
	"bulk-conversations":           map[string]any{"action": "unsend", "conversation_ids": []int{1}},
	"run-command":                  map[string]any{"line": "$info"},
	"sign-in":                      map[string]any{"email": "ann@shop.example", "password": "wrong"},
	"sign-in-with-link":            map[string]any{"token": "pl_nope"},
	"set-availability":             map[string]any{"availability": "away"},
	"change-password":              map[string]any{"current": "correct horse battery", "new": "another fine password"},
	"post-message":                 map[string]any{"body": "Hello"},
	"edit-message":                 map[string]any{"body": "Hello again"},
	"read-conversation":            map[string]any{"number": 1},
	"assign-conversation":          map[string]any{"operator_id": 1},
	"forward-conversation":         map[string]any{"group_id": 1},
	"set-conversation-status":      map[string]any{"status": "pending"},
	"update-contact":               map[string]any{"name": "Zoe"},
	"create-operator":              map[string]any{"email": "eve@shop.example", "first_name": "Eve", "last_name": ""},
	"update-operator":              map[string]any{"slots": 3},
	"create-group":                 map[string]any{"name": "Sales"},
	"update-group":                 map[string]any{"name": "Sales"},
	"create-widget":                map[string]any{"name": "Second"},
	"set-widget-presence":          map[string]any{"presence": "off"},
	"update-widget":                map[string]any{"title": "Ask us"},
	"create-endpoint":              map[string]any{"name": "CRM", "url": "https://crm.example/", "dialect": "standard", "events": []string{}},
	"set-widget-webhooks":          map[string]any{"urls": map[string]any{}},
	"update-endpoint":              map[string]any{"name": "CRM"},
	"resume-endpoint":              map[string]any{"backlog": false},
	"test-endpoint":                map[string]any{"event": "message.received"},
	"replay-deliveries":            map[string]any{"endpoint_id": 1, "dry_run": true},
	"revive-deliveries":            map[string]any{"endpoint_id": 1, "dry_run": true},
	"create-channel":               map[string]any{"type": "custom", "name": "SMS", "widget_id": 1, "settings": map[string]string{"outbound_url": "https://sms.example/out"}},
	"update-channel":               map[string]any{"name": "SMS"},
	"rotate-channel-secret":        map[string]any{"secret": "inbound_token"},
	"resume-channel":               map[string]any{"backlog": false},
	"test-channel":                 map[string]any{"direction": "out"},
	"start-conversation":           map[string]any{"channel_id": 1, "email": "zoe@example.com", "body": "Hello"},
	"update-mail-server":           map[string]any{"host": "mail.shop.example", "port": 587, "tls": "starttls", "from_email": "chat@shop.example"},
	"test-mail-server":             map[string]any{"to": "me@shop.example"},
	"update-widget-mail":           map[string]any{"inbound_url": "https://shop.example/help"},
	"preview-widget-mail":          map[string]any{"kind": "transcript"},
	"send-conversation-to-webhook": map[string]any{"extra": []string{"billing"}},
	"create-reply":                 map[string]any{"kind": "reply", "shortcut": "hello", "body": "Hi {name}"},
	"update-reply":                 map[string]any{"title": "Greeting"},
	"invite-visitor":               map[string]any{"body": "Can I help?"},
	"create-token":                 map[string]any{"name": "Export", "scope": "read"},
}

func TestEveryOperationAsksWhoAndMay(t *testing.T) {
	b := newBench(t)
	for _, o := range b.contract.operations() {
		if o.scope == "" {
			continue
		}
		t.Run(o.id, func(t *testing.T) {
			b := *b
			b.T = t
			body := bodies[o.id]
			b.do("", o.method, o.at("1"), body).is(401, "auth.required")
			b.do("", o.method, o.at("1"), body, "Authorization", "Bearer pat_unknown").is(401, "auth.invalid")
			b.do("", o.method, o.at("1"), body, "Cookie", httpapi.SessionCookie+"=unknown").is(401, "auth.invalid")
			switch o.scope {
			case team.ScopeWrite:
				b.do("read", o.method, o.at("1"), body).is(403, "auth.scope")
			case team.ScopeAdmin:
				b.do("write", o.method, o.at("1"), body).is(403, "auth.scope")
				b.do("session:operator", o.method, o.at("1"), body).is(403, "auth.denied")
			}
			if o.unsafe() {
				b.do("session:admin", o.method, o.at("1"), body, "Sec-Fetch-Site", "cross-site").is(403, "auth.cross_origin")
				b.do("session:admin", o.method, o.at("1"), body, "Origin", "https://evil.example").is(403, "auth.cross_origin")
			}
		})
	}
	b.do("", "POST", "/sign-in", bodies["sign-in"], "Sec-Fetch-Site", "cross-site").is(403, "auth.cross_origin")
	b.do("", "POST", "/sign-in/link", bodies["sign-in-with-link"], "Sec-Fetch-Site", "cross-site").is(403, "auth.cross_origin")
}

func TestEveryBodyIsReadStrictly(t *testing.T) {
	b := newBench(t)
	huge := `{"x":"` + strings.Repeat("x", httpapi.MaxBody) + `"}`
	for _, o := range b.contract.operations() {
		if !o.body {
			continue
		}
		t.Run(o.id, func(t *testing.T) {
			b := *b
			b.T = t
			as := "session:admin"
			b.do(as, o.method, o.at("1"), `{"x":`).is(400, "request.malformed")
			b.do(as, o.method, o.at("1"), `{} {}`).is(400, "request.malformed")
			b.do(as, o.method, o.at("1"), "{\"x\":\"\xff\"}").is(400, "request.malformed")
			if !o.optionalBody {
				b.do(as, o.method, o.at("1"), "").is(400, "request.malformed")
			}
			b.do(as, o.method, o.at("1"), `[]`).is(422, "field.invalid")
			b.do(as, o.method, o.at("1"), huge).is(413, "request.too_large")
			b.do(as, o.method, o.at("1"), `a=b`, "Content-Type", "application/x-www-form-urlencoded").is(415, "request.unsupported_media_type")
			if got := string(b.do(as, o.method, o.at("1"), `{"no_such_field":1}`).is(422).body); !strings.Contains(got, `"request.unknown_field"`) || !strings.Contains(got, `"no_such_field"`) {
				t.Errorf("an unknown field gives %s", got)
			}
			b.do(as, o.method, o.at("1"), `{"x":"a\u0000b"}`).is(422, "text.invalid", "x")
		})
	}
}

func TestWhatDoesNotExistIsNotFound(t *testing.T) {
	b := newBench(t)
	var checked []string
	for _, o := range b.contract.operations() {
		if !strings.Contains(o.path, "{id}") {
			continue
		}
		checked = append(checked, o.id)
		t.Run(o.id, func(t *testing.T) {
			b := *b
			b.T = t
			for _, id := range []string{"999", "9007199254740991", "9223372036854775807"} {
				code := b.do("session:admin", o.method, o.at(id), bodies[o.id]).is(404).text("code")
				if !strings.HasSuffix(code, ".not_found") {
					t.Errorf("id %s: code %s", id, code)
				}
			}
			for _, id := range []string{"0", "-1", "abc", "1.5", "9223372036854775808", "%00"} {
				b.do("session:admin", o.method, o.at(id), bodies[o.id]).is(422, "field.invalid", "id")
			}
		})
	}
	if len(checked) < 25 {
		t.Errorf("only %v have an id", checked)
	}
	b.do("session:admin", "GET", "/nothing", nil).is(404, "request.not_found")
	b.do("session:admin", "DELETE", "/conversations", nil).is(405, "request.method_not_allowed")
}

func TestRefusals(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	ended, _ := b.conversation()
	b.do("admin", "POST", ended+"/end", nil).is(200)
	b.do("admin", "PATCH", "/contacts/2", map[string]any{"external_id": "customer-2"}).is(200)
	b.do("admin", "POST", "/groups", map[string]any{"name": "Sales"}).is(201)
	b.do("admin", "POST", "/operators", map[string]any{"email": "gone@shop.example", "first_name": "G", "last_name": "", "role": "operator"}).is(201)
	b.do("admin", "PATCH", "/operators/3", map[string]any{"active": false}).is(200)
	b.do("admin", "POST", "/endpoints", bodies["create-endpoint"]).is(201)
	long := strings.Repeat("ä", inbox.MaxBody)
	deep := strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9)
	type object = map[string]any
	for _, c := range []struct {
		name, as, method, path string
		body                   any
		status                 int
		code, field            string
	}{
		{"message to an ended conversation", "write", "POST", ended + "/messages", object{"body": "Hi"}, 409, "conversation.ended", ""},
		{"empty message", "write", "POST", path + "/messages", object{"body": " \n"}, 422, "message.empty", "body"},
		{"message of 100 kB", "write", "POST", path + "/messages", object{"body": strings.Repeat("x", 100_000)}, 422, "message.too_long", "body"},
		{"message with one character too many", "write", "POST", path + "/messages", object{"body": long + "ä"}, 422, "message.too_long", "body"},
		{"message with NUL", "write", "POST", path + "/messages", `{"body":"a\u0000b"}`, 422, "text.invalid", "body"},
		{"message without body", "write", "POST", path + "/messages", object{}, 422, "field.required", "body"},
		{"body of a wrong type", "write", "POST", path + "/messages", object{"body": 7}, 422, "field.invalid", "body"},
		{"quote of another conversation", "write", "POST", path + "/messages", object{"body": "Hi", "reference": 2}, 422, "message.reference_unknown", "reference"},
		{"quote of nothing", "write", "POST", path + "/messages", object{"body": "Hi", "reference": 0}, 422, "field.invalid", "reference"},
		{"read beyond the end", "write", "POST", path + "/read", object{"number": 2}, 422, "message.number_unknown", "number"},
		{"read nothing", "write", "POST", path + "/read", object{"number": 0}, 422, "message.number_unknown", "number"},
		{"assign without an operator", "write", "POST", path + "/assign", object{}, 422, "field.required", "operator_id"},
		{"assign to nobody's id", "write", "POST", path + "/assign", object{"operator_id": 0}, 422, "field.invalid", "operator_id"},
		{"assign to an unknown operator", "write", "POST", path + "/assign", object{"operator_id": 99}, 404, "operator.not_found", "operator_id"},
		{"assign to a deactivated operator", "write", "POST", path + "/assign", object{"operator_id": 3}, 409, "operator.inactive", "operator_id"},
		{"assign an ended conversation", "write", "POST", ended + "/assign", object{"operator_id": 1}, 409, "conversation.ended", ""},
		{"forward to nobody", "write", "POST", path + "/forward", object{}, 422, "field.invalid", "operator_id"},
		{"forward to both", "write", "POST", path + "/forward", object{"operator_id": 1, "group_id": 1}, 422, "field.invalid", "operator_id"},
		{"forward to an unknown group", "write", "POST", path + "/forward", object{"group_id": 99}, 404, "group.not_found", "group_id"},
		{"forward with an endless note", "write", "POST", path + "/forward", object{"group_id": 1, "note": long + "ä"}, 422, "message.too_long", "note"},
		{"reopen what is open", "write", "POST", path + "/reopen", nil, 409, "conversation.not_ended", ""},
		{"status of an ended conversation", "write", "PUT", ended + "/status", object{"status": "pending"}, 409, "conversation.status_refused", "status"},
		{"status that has a call of its own", "write", "PUT", path + "/status", object{"status": "ended"}, 422, "field.invalid", "status"},
		{"flag without an add-on", "write", "POST", path + "/flag", object{"flagged": true}, 409, "addon.missing", ""},
		{"flag that is none", "write", "POST", path + "/flag", object{}, 422, "field.required", "flagged"},
		{"too many tags", "write", "PUT", path + "/tags", object{"tags": strings.Split(strings.Repeat("a b c d ", 2)+"e f g h i j k l m n o p q r s t u", " ")}, 422, "field.invalid", "tags"},
		{"empty tag", "write", "PUT", path + "/tags", object{"tags": []string{" "}}, 422, "field.invalid", "tags"},
		{"endless tag", "write", "PUT", path + "/tags", object{"tags": []string{strings.Repeat("x", 41)}}, 422, "text.too_long", "tags"},
		{"tag of two lines", "write", "PUT", path + "/tags", object{"tags": []string{"a\nb"}}, 422, "text.invalid", "tags"},
		{"tag that is null", "write", "PUT", path + "/tags", object{"tags": []any{nil}}, 422, "field.invalid", "tags[0]"},
		{"endless topic", "write", "PUT", path + "/topic", object{"topic": strings.Repeat("x", 121)}, 422, "text.too_long", "topic"},
		{"unknown bulk action", "write", "POST", "/conversations/bulk", object{"action": "dance", "conversation_ids": []int{1}}, 422, "field.invalid", "action"},
		{"bulk without conversations", "write", "POST", "/conversations/bulk", object{"action": "end", "conversation_ids": []int{}}, 422, "field.invalid", "conversation_ids"},
		{"bulk tag without tags", "write", "POST", "/conversations/bulk", object{"action": "tag", "conversation_ids": []int{1}}, 422, "field.required", "tags"},
		{"bulk assign to nobody in particular", "write", "POST", "/conversations/bulk", object{"action": "assign", "conversation_ids": []int{1}}, 422, "field.required", "operator_id"},
		{"bulk assign to nobody's id", "write", "POST", "/conversations/bulk", object{"action": "assign", "conversation_ids": []int{1}, "operator_id": 0}, 422, "field.invalid", "operator_id"},
		{"bulk forward to nobody", "write", "POST", "/conversations/bulk", object{"action": "forward", "conversation_ids": []int{1}}, 422, "field.invalid", "operator_id"},
		{"unknown command", "write", "POST", path + "/commands", object{"line": "$ende"}, 422, "command.unknown", "line"},
		{"command with a wrong argument", "write", "POST", path + "/commands", object{"line": "$email nobody"}, 422, "command.argument", "line"},
		{"command without an add-on", "write", "POST", path + "/commands", object{"line": "$api"}, 409, "addon.missing", ""},
		{"command that is a message", "session:operator", "POST", path + "/messages", object{"body": "$end"}, 422, "message.is_command", "body"},
		{"alias of a command with blanks", "session:operator", "POST", path + "/messages", object{"body": "  /X now"}, 422, "message.is_command", "body"},
		{"free field that is endless", "write", "PATCH", "/contacts/1", object{"additional": []any{nil, object{"name": "a", "value": strings.Repeat("x", 201)}}}, 422, "text.too_long", "additional02.value"},
		{"fourth free field", "write", "PATCH", "/contacts/1", object{"additional": []any{nil, nil, nil, nil}}, 422, "field.invalid", "additional"},
		{"messages before and after", "read", "GET", path + "/messages?before=3&after=1", nil, 422, "field.invalid", "after"},
		{"limit too large", "read", "GET", "/conversations?limit=201", nil, 422, "field.invalid", "limit"},
		{"limit zero", "read", "GET", "/conversations?limit=0", nil, 422, "field.invalid", "limit"},
		{"unknown parameter", "read", "GET", "/conversations?sort=id", nil, 422, "request.unknown_field", "sort"},
		{"unknown status", "read", "GET", "/conversations?status=new,closed", nil, 422, "field.invalid", "status[1]"},
		{"unknown view", "read", "GET", "/conversations?view=theirs", nil, 422, "field.invalid", "view"},
		{"own conversations of a token", "read", "GET", "/conversations?view=mine", nil, 422, "field.invalid", "view"},
		{"view and operator", "session:admin", "GET", "/conversations?view=mine&operator_id=2", nil, 422, "field.invalid", "operator_id"},
		{"foreign cursor", "read", "GET", "/conversations?cursor=" + encodeCursor(contactCursor, 1), nil, 422, "cursor.invalid", "cursor"},
		{"broken cursor", "read", "GET", "/contacts?cursor=x", nil, 422, "cursor.invalid", "cursor"},
		{"broken cursor of deliveries", "admin", "GET", "/deliveries?cursor=7", nil, 422, "cursor.invalid", "cursor"},
		{"search with NUL", "read", "GET", "/contacts?q=%00", nil, 422, "text.invalid", "q"},
		{"search that is not UTF-8", "read", "GET", "/contacts?external_id=%ff", nil, 422, "text.invalid", "external_id"},
		{"deliveries of an event with NUL", "admin", "GET", "/deliveries?event_name=%00", nil, 422, "text.invalid", "event_name"},
		{"endless search", "read", "GET", "/contacts?q=" + strings.Repeat("x", 201), nil, 422, "text.too_long", "q"},
		{"unknown event type", "read", "GET", "/events?types=message.received,message.eaten", nil, 422, "field.invalid", "types"},
		{"beyond the feed", "read", "GET", "/events?after=100000", nil, 422, "cursor.invalid", "after"},
		{"endless wait", "read", "GET", "/events?wait=31", nil, 422, "field.invalid", "wait"},
		{"external id of another", "write", "PATCH", "/contacts/1", object{"external_id": "customer-2"}, 409, "contact.external_id_taken", "external_id"},
		{"contact's address", "write", "PATCH", "/contacts/1", object{"email": "not an address"}, 422, "field.invalid", "email"},
		{"endless name", "write", "PATCH", "/contacts/1", object{"name": strings.Repeat("x", 121)}, 422, "text.too_long", "name"},
		{"custom data that is a list", "write", "PATCH", "/contacts/1", object{"custom": []int{1}}, 422, "field.invalid", "custom"},
		{"custom data too deep", "write", "PATCH", "/contacts/1", `{"custom":` + deep + `}`, 422, "custom.too_deep", "custom"},
		{"custom data too large", "write", "PATCH", "/contacts/1", object{"custom": object{"a": strings.Repeat("x", 40_000)}}, 422, "custom.too_large", "custom"},
		{"token that asks who it is", "read", "GET", "/me", nil, 403, "auth.denied", ""},
		{"token that signs out", "read", "POST", "/sign-out", nil, 403, "auth.denied", ""},
		{"token with an availability", "write", "PUT", "/me/availability", object{"availability": "away"}, 403, "auth.denied", ""},
		{"unknown availability", "session:admin", "PUT", "/me/availability", object{"availability": "busy"}, 422, "field.invalid", "availability"},
		{"wrong password", "", "POST", "/sign-in", object{"email": "ann@shop.example", "password": "wrong"}, 401, "auth.wrong_password", ""},
		{"unknown address", "", "POST", "/sign-in", object{"email": "nobody@shop.example", "password": "wrong"}, 401, "auth.wrong_password", ""},
		{"unknown link", "", "POST", "/sign-in/link", object{"token": "pl_nope"}, 401, "auth.link_used", ""},
		{"weak password", "session:admin", "POST", "/me/password", object{"current": "correct horse battery", "new": "short"}, 422, "password.weak", "new"},
		{"wrong current password", "session:admin", "POST", "/me/password", object{"current": "wrong", "new": "another fine password"}, 401, "auth.wrong_password", "current"},
		{"taken address", "admin", "POST", "/operators", object{"email": "Ann@shop.example", "first_name": "A", "last_name": "B"}, 409, "operator.email_taken", "email"},
		{"operator without slots", "admin", "POST", "/operators", object{"email": "n@shop.example", "first_name": "A", "last_name": "B", "slots": 0}, 422, "field.invalid", "slots"},
		{"operator in an unknown group", "admin", "POST", "/operators", object{"email": "n@shop.example", "first_name": "A", "last_name": "B", "group_ids": []int{99}}, 404, "group.not_found", "group_ids"},
		{"role that is none", "admin", "PATCH", "/operators/2", object{"role": "owner"}, 422, "field.invalid", "role"},
		{"last admin", "admin", "PATCH", "/operators/1", object{"role": "operator"}, 409, "operator.last_admin", "role"},
		{"operator changes another", "session:operator", "PATCH", "/operators/1", object{"first_name": "Anna"}, 403, "auth.denied", ""},
		{"operator gives himself a role", "session:operator", "PATCH", "/operators/2", object{"role": "admin"}, 403, "auth.denied", ""},
		{"link for a deactivated operator", "admin", "POST", "/operators/3/link", nil, 409, "operator.inactive", ""},
		{"taken group name", "admin", "POST", "/groups", object{"name": "Support"}, 409, "group.name_taken", "name"},
		{"group with an unknown operator", "admin", "PATCH", "/groups/1", object{"operator_ids": []int{99}}, 404, "operator.not_found", "operator_ids"},
		{"group of a widget", "admin", "DELETE", "/groups/1", nil, 409, "group.in_use", ""},
		{"widget without a name", "admin", "POST", "/widgets", object{}, 422, "field.required", "name"},
		{"widget with a blank name", "admin", "POST", "/widgets", object{"name": " "}, 422, "field.required", "name"},
		{"widget of an unknown group", "admin", "PATCH", "/widgets/1", object{"group_id": 99}, 404, "group.not_found", "group_id"},
		{"widget's colour", "admin", "PATCH", "/widgets/1", object{"color": "red"}, 422, "field.invalid", "color"},
		{"widget's domain", "admin", "PATCH", "/widgets/1", object{"domains": []string{"https://shop.example/"}}, 422, "field.invalid", "domains"},
		{"widget's rating", "admin", "PATCH", "/widgets/1", object{"rating_form": "hearts"}, 422, "field.invalid", "rating_form"},
		{"survey without options", "admin", "PATCH", "/widgets/1", object{"survey": object{"question": "Why?", "options": []string{}}}, 422, "field.invalid", "survey.options"},
		{"survey with a misspelt field", "admin", "PATCH", "/widgets/1", object{"survey": object{"question": "Why?", "options": []string{"a"}, "answers": 1}}, 422, "request.unknown_field", "survey.answers"},
		{"survey that is a text", "admin", "PATCH", "/widgets/1", object{"survey": "Why?"}, 422, "field.invalid", "survey"},
		{"goal of another widget", "admin", "PATCH", "/widgets/1", object{"goals": []object{{"id": 99, "name": "a", "match": "script", "pattern": "a"}}}, 422, "field.invalid", "goals[0].id"},
		{"goal without an address", "admin", "PATCH", "/widgets/1", object{"goals": []object{{"name": "a", "match": "exact", "pattern": "a"}}}, 422, "field.invalid", "goals[0].pattern"},
		{"goal with a misspelt field", "admin", "PATCH", "/widgets/1", object{"goals": []object{{"name": "a", "match": "exact", "pattern": "/a", "url": "/a"}}}, 422, "request.unknown_field", "goals[0].url"},
		{"identity without a secret", "admin", "PATCH", "/widgets/1", object{"identity_required": true}, 422, "field.invalid", "identity_required"},
		{"token without a name", "admin", "POST", "/tokens", object{"name": " ", "scope": "read"}, 422, "field.required", "name"},
		{"token of an unknown scope", "admin", "POST", "/tokens", object{"name": "x", "scope": "root"}, 422, "field.invalid", "scope"},
		{"endpoint on a private address", "admin", "POST", "/endpoints", object{"name": "x", "url": "http://10.0.0.1/", "dialect": "standard", "events": []string{}}, 403, "target.refused", "url"},
		{"endpoint without http", "admin", "POST", "/endpoints", object{"name": "x", "url": "ftp://crm.example/", "dialect": "standard", "events": []string{}}, 422, "endpoint.url_refused", "url"},
		{"unknown dialect", "admin", "POST", "/endpoints", object{"name": "x", "url": "https://crm.example/", "dialect": "klingon", "events": []string{}}, 422, "endpoint.dialect_unknown", "dialect"},
		{"unknown event", "admin", "POST", "/endpoints", object{"name": "x", "url": "https://crm.example/", "dialect": "standard", "events": []string{"nope"}}, 422, "endpoint.event_unknown", "events"},
		{"forbidden header", "admin", "POST", "/endpoints", object{"name": "x", "url": "https://crm.example/", "dialect": "standard", "events": []string{}, "headers": map[string]string{"Host": "x"}}, 422, "endpoint.header_refused", "headers"},
		{"endless time-out", "admin", "POST", "/endpoints", object{"name": "x", "url": "https://crm.example/", "dialect": "standard", "events": []string{}, "timeout_seconds": 9223372036}, 422, "field.invalid", "timeout_seconds"},
		{"unknown version of a dialect", "admin", "PATCH", "/endpoints/1", object{"dialect_version": "0"}, 422, "endpoint.dialect_unknown", "dialect_version"},
		{"unknown widget of an endpoint", "admin", "PATCH", "/endpoints/1", object{"widgets": []int{99}}, 422, "field.invalid", "widgets"},
		{"unknown group of an endpoint", "admin", "PATCH", "/endpoints/1", object{"groups": []int{1, 99}}, 422, "field.invalid", "groups"},
		{"widget of an endpoint without an id", "admin", "PATCH", "/endpoints/1", object{"widgets": []any{nil}}, 422, "field.invalid", "widgets[0]"},
		{"too many calls a second", "admin", "PATCH", "/endpoints/1", object{"rate_limit": 10001}, 422, "field.invalid", "rate_limit"},
		{"fewer calls than none", "admin", "PATCH", "/endpoints/1", object{"rate_limit": -1}, 422, "field.invalid", "rate_limit"},
		{"unknown success", "admin", "PATCH", "/endpoints/1", object{"success": "any"}, 422, "field.invalid", "success"},
		{"unknown policy", "admin", "PATCH", "/endpoints/1", object{"policy": object{"ip": "blur"}}, 422, "field.invalid", "policy.ip"},
		{"policy on something else", "admin", "PATCH", "/endpoints/1", object{"policy": object{"phone": "hash"}}, 422, "request.unknown_field", "policy.phone"},
		{"private range that is not allowed", "admin", "PATCH", "/endpoints/1", object{"private_ranges": []string{"10.0.0.0/8"}}, 422, "endpoint.range_refused", "private_ranges"},
		{"private range that is none", "admin", "PATCH", "/endpoints/1", object{"private_ranges": []string{"localhost"}}, 422, "endpoint.range_refused", "private_ranges"},
		{"private ranges that are no list", "admin", "PATCH", "/endpoints/1", object{"private_ranges": "127.0.0.0/8"}, 422, "field.invalid", "private_ranges"},
		{"unknown switch of an endpoint", "admin", "PATCH", "/endpoints/1", object{"switches": []string{"traits_text"}}, 422, "field.invalid", "switches"},
		{"webhook without http", "admin", "PUT", "/widgets/1/webhooks", object{"urls": object{"transcript": "ftp://crm.example/"}}, 422, "endpoint.url_refused", "urls.transcript"},
		{"webhook on a private address", "admin", "PUT", "/widgets/1/webhooks", object{"urls": object{"feedback": "http://10.0.0.1/"}}, 403, "target.refused", "urls.feedback"},
		{"webhook that there is not", "admin", "PUT", "/widgets/1/webhooks", object{"urls": object{"sms": "https://crm.example/"}}, 422, "request.unknown_field", "urls.sms"},
		{"webhook that is no text", "admin", "PUT", "/widgets/1/webhooks", object{"urls": object{"feedback": 7}}, 422, "field.invalid", "urls.feedback"},
		{"webhooks that are a list", "admin", "PUT", "/widgets/1/webhooks", object{"urls": []string{"https://crm.example/"}}, 422, "field.invalid", "urls"},
		{"switch of webhooks that there are not", "admin", "PUT", "/widgets/1/webhooks", object{"traits_text": true}, 409, "hook.missing", "traits_text"},
		{"test of an unknown event", "admin", "POST", "/endpoints/1/test", object{"event": "nope"}, 422, "endpoint.event_unknown", "event"},
		{"resume with half a backlog", "admin", "POST", "/endpoints/1/resume", object{"backlog": "half"}, 422, "field.invalid", "backlog"},
		{"chart of a month", "admin", "GET", "/endpoints/1/chart?range=30d", nil, 422, "field.invalid", "range"},
		{"deliveries from no time", "admin", "GET", "/deliveries?from=yesterday", nil, 422, "field.invalid", "from"},
		{"deliveries of a time that ends before it begins", "admin", "GET", "/deliveries?from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z", nil, 422, "field.invalid", "to"},
		{"replay without an endpoint", "admin", "POST", "/deliveries/replay", object{"dry_run": true}, 422, "field.required", "endpoint_id"},
		{"replay of endpoint zero", "admin", "POST", "/deliveries/replay", object{"endpoint_id": 0}, 422, "field.invalid", "endpoint_id"},
		{"replay of an unknown endpoint", "admin", "POST", "/deliveries/replay", object{"endpoint_id": 99, "dry_run": true}, 404, "endpoint.not_found", ""},
		{"replay of an unknown state", "admin", "POST", "/deliveries/replay", object{"endpoint_id": 1, "state": "lost"}, 422, "field.invalid", "state"},
		{"replay from no time", "admin", "POST", "/deliveries/replay", object{"endpoint_id": 1, "from": "yesterday"}, 422, "field.invalid", "from"},
		{"replay of a time that ends before it begins", "admin", "POST", "/deliveries/replay", object{"endpoint_id": 1, "from": "2026-02-02T00:00:00Z", "to": "2026-02-02T00:00:00Z"}, 422, "field.invalid", "to"},
		{"revive without an endpoint", "admin", "POST", "/deliveries/revive", object{}, 422, "field.required", "endpoint_id"},
		{"revive what is not dead", "admin", "POST", "/deliveries/revive", object{"endpoint_id": 1, "state": "delivered"}, 422, "field.invalid", "state"},
		{"revive of an unknown endpoint", "admin", "POST", "/deliveries/revive", object{"endpoint_id": 99}, 404, "endpoint.not_found", ""},
		{"transcript without an address", "write", "POST", path + "/transcript", object{}, 422, "mail.address_missing", ""},
		{"transcript to nobody", "write", "POST", path + "/transcript", object{"receiver": "nobody"}, 422, "field.invalid", "receiver"},
		{"transcript to two", "write", "POST", path + "/transcript", object{"receiver": "a@example.com, b@example.com"}, 422, "field.invalid", "receiver"},
		{"transcript with a header", "write", "POST", path + "/transcript", object{"receiver": "a@example.com\r\nBcc: b@example.com"}, 422, "field.invalid", "receiver"},
		{"test without a mail server", "admin", "POST", "/mail/server/test", object{"to": "me@shop.example"}, 409, "mail.server_unset", ""},
		{"mail server without a host", "admin", "PATCH", "/mail/server", object{"from_email": "chat@shop.example"}, 422, "field.required", "host"},
		{"mail server with a port in its name", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example:25", "port": 587, "tls": "starttls", "from_email": "chat@shop.example"}, 422, "field.invalid", "host"},
		{"mail server at no port", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 0, "tls": "starttls", "from_email": "chat@shop.example"}, 422, "field.invalid", "port"},
		{"mail server with half a TLS", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 587, "tls": "maybe", "from_email": "chat@shop.example"}, 422, "field.invalid", "tls"},
		{"password in the clear", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 587, "tls": "none", "username": "a", "password": "b", "from_email": "chat@shop.example"}, 422, "field.invalid", "tls"},
		{"mail server without a sender", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 587, "tls": "starttls"}, 422, "field.required", "from_email"},
		{"sender with a header", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 587, "tls": "starttls", "from_email": "chat@shop.example", "from_name": "Shop\r\nBcc: x@y.example"}, 422, "field.invalid", "from_name"},
		{"sender that is none", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 587, "tls": "starttls", "from_email": "chat"}, 422, "field.invalid", "from_email"},
		{"DKIM key that is none", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 587, "tls": "starttls", "from_email": "chat@shop.example", "dkim": object{"domain": "shop.example", "selector": "s", "private_key": "x"}}, 422, "field.invalid", "dkim.private_key"},
		{"DKIM without a selector", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 587, "tls": "starttls", "from_email": "chat@shop.example", "dkim": object{"domain": "shop.example", "generate": true}}, 422, "field.required", "dkim.selector"},
		{"DKIM with a misspelt field", "admin", "PATCH", "/mail/server", object{"dkim": object{"key": "x"}}, 422, "request.unknown_field", "dkim.key"},
		{"fewer mails than none", "admin", "PATCH", "/mail/server", object{"host": "mail.shop.example", "port": 587, "tls": "starttls", "from_email": "chat@shop.example", "per_minute": -1}, 422, "field.invalid", "per_minute"},
		{"inbound URL that is a script", "admin", "PATCH", "/widgets/1/mail", object{"inbound_url": "javascript:alert(1)"}, 422, "field.invalid", "inbound_url"},
		{"inbound URL that is relative", "admin", "PATCH", "/widgets/1/mail", object{"inbound_url": "/help"}, 422, "field.invalid", "inbound_url"},
		{"inbound URL with a password", "admin", "PATCH", "/widgets/1/mail", object{"inbound_url": "https://a:b@shop.example/"}, 422, "field.invalid", "inbound_url"},
		{"endless inbound URL", "admin", "PATCH", "/widgets/1/mail", object{"inbound_url": "https://shop.example/" + strings.Repeat("x", 2000)}, 422, "text.too_long", "inbound_url"},
		{"callback without an address", "admin", "PATCH", "/widgets/1/mail", object{"custom_email_api": object{"enabled": true}}, 422, "mail.callback_url_refused", "custom_email_api.url"},
		{"callback without http", "admin", "PATCH", "/widgets/1/mail", object{"custom_email_api": object{"enabled": true, "url": "ftp://shop.example/email"}}, 422, "mail.callback_url_refused", "custom_email_api.url"},
		{"callback on a private address", "admin", "PATCH", "/widgets/1/mail", object{"custom_email_api": object{"enabled": true, "url": "http://10.0.0.1/email"}}, 403, "target.refused", "custom_email_api.url"},
		{"callback with a token of two lines", "admin", "PATCH", "/widgets/1/mail", object{"custom_email_api": object{"token": "correct-horse\nbattery"}}, 422, "field.invalid", "custom_email_api.token"},
		{"callback with a misspelt field", "admin", "PATCH", "/widgets/1/mail", object{"custom_email_api": object{"secret": "x"}}, 422, "request.unknown_field", "custom_email_api.secret"},
		{"answers that are missed at once", "admin", "PATCH", "/widgets/1/mail", object{"missed_after_seconds": 59}, 422, "field.invalid", "missed_after_seconds"},
		{"logo in the clear", "admin", "PATCH", "/widgets/1/mail", object{"logo_url": "http://shop.example/logo.png"}, 422, "field.invalid", "logo_url"},
		{"subject of two lines", "admin", "PATCH", "/widgets/1/mail", object{"texts": object{"transcript_subject": "a\r\nBcc: x@y.example"}}, 422, "text.invalid", "texts.transcript_subject"},
		{"text with a placeholder that is none", "admin", "PATCH", "/widgets/1/mail", object{"texts": object{"footer": "{email}"}}, 422, "field.invalid", "texts.footer"},
		{"endless subject", "admin", "PATCH", "/widgets/1/mail", object{"texts": object{"reauth_subject": strings.Repeat("x", 201)}}, 422, "text.too_long", "texts.reauth_subject"},
		{"endless footer", "admin", "PATCH", "/widgets/1/mail", object{"texts": object{"footer": strings.Repeat("x", 2001)}}, 422, "text.too_long", "texts.footer"},
		{"preview of an endless footer", "admin", "POST", "/widgets/1/mail/preview", object{"kind": "reauth", "texts": object{"footer": strings.Repeat("x", 2001)}}, 422, "text.too_long", "texts.footer"},
		{"preview of no mail", "admin", "POST", "/widgets/1/mail/preview", object{"kind": "birthday"}, 422, "field.invalid", "kind"},
		{"test of a callback that is not set", "admin", "POST", "/widgets/1/mail/test", nil, 422, "mail.callback_url_refused", "custom_email_api.url"},
		{"mails in no state", "read", "GET", "/mails?state=lost", nil, 422, "field.invalid", "state"},
		{"foreign cursor of mails", "read", "GET", "/mails?cursor=" + encodeCursor(contactCursor, 1), nil, 422, "cursor.invalid", "cursor"},
		{"foreign cursor of mails' deliveries", "admin", "GET", "/mail/deliveries?cursor=" + encodeCursor(mailCursor, 1), nil, 422, "cursor.invalid", "cursor"},
		{"foreign cursor of the audit log", "admin", "GET", "/audit?cursor=" + encodeCursor(mailCursor, 1), nil, 422, "cursor.invalid", "cursor"},
		{"idempotency key with a blank", "write", "POST", path + "/messages", object{"body": "Hi"}, 422, "idempotency_key.invalid", "Idempotency-Key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := *b
			b.T = t
			var headers []string
			if c.code == "idempotency_key.invalid" {
				headers = []string{"Idempotency-Key", "a b"}
			}
			before := b.do("read", "GET", "/events", nil).is(200).text("seq")
			a := b.do(c.as, c.method, c.path, c.body, headers...).is(c.status, c.code)
			if c.field != "" {
				a.is(c.status, c.code, c.field)
			}
			if after := b.do("read", "GET", "/events", nil).text("seq"); after != before {
				t.Errorf("the refusal left events: %s before, %s after", before, after)
			}
		})
	}
	// The longest message passes.
	b.do("write", "POST", path+"/messages", map[string]any{"body": long}).is(201)
}

func TestSigningInTooOftenIsLimited(t *testing.T) {
	b := newBench(t)
	for range 30 {
		a := b.do("", "POST", "/sign-in", map[string]any{"email": "nobody@shop.example", "password": "wrong"})
		if a.status == http.StatusTooManyRequests {
			if a.is(429, "auth.too_many").header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
		a.is(401, "auth.wrong_password")
	}
	t.Error("30 wrong passwords in a row were tried")
}

func TestARepeatGetsTheFirstAnswer(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	for _, c := range []struct {
		method, path string
		body, other  any
		same         []string // what must not differ
	}{
		{"POST", path + "/messages", map[string]any{"body": "Once"}, map[string]any{"body": "Twice"}, []string{"message.id", "message.number"}},
		{"POST", path + "/forward", map[string]any{"operator_id": 2, "note": "once"}, map[string]any{"group_id": 1}, []string{"operator.id"}},
		{"POST", "/operators", map[string]any{"email": "eve@shop.example", "first_name": "E", "last_name": ""}, map[string]any{"email": "x@shop.example", "first_name": "E", "last_name": ""},
			[]string{"operator.id", "invite_link"}},
		{"POST", "/operators/2/link", nil, nil, []string{"invite_link"}},
		{"POST", "/groups", map[string]any{"name": "Sales"}, map[string]any{"name": "Other"}, []string{"id"}},
		{"POST", "/widgets", map[string]any{"name": "W"}, map[string]any{"name": "V"}, []string{"id", "key"}},
		{"POST", "/tokens", map[string]any{"name": "T", "scope": "read"}, map[string]any{"name": "T", "scope": "write"}, []string{"token.id", "secret"}},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			b := *b
			b.T = t
			key := []string{"Idempotency-Key", "key-1"}
			first := b.do("session:admin", c.method, c.path, c.body, key...)
			seq := b.do("read", "GET", "/events", nil).text("seq")
			second := b.do("session:admin", c.method, c.path, c.body, key...).is(first.status)
			for _, p := range c.same {
				second.has(p, first.text(p))
			}
			if again := b.do("read", "GET", "/events", nil).text("seq"); again != seq {
				t.Errorf("the repeat left events: %s before, %s after", seq, again)
			}
			if c.other != nil {
				b.do("session:admin", c.method, c.path, c.other, key...).is(409, "idempotency_key.reused", "Idempotency-Key")
			}
			// The key is the caller's own: another one may use the same.
			if c.method+c.path == "POST"+path+"/messages" {
				if other := b.do("session:operator", c.method, c.path, c.body, key...).is(201); other.text("message.id") == first.text("message.id") {
					t.Error("two callers share a key")
				}
			}
		})
	}
}

func TestWhatAnOperatorMayChangeOfThemself(t *testing.T) {
	b := newBench(t)
	b.do("session:operator", "PATCH", "/operators/2", map[string]any{"alias": "B.", "timezone": "Europe/Berlin"}).is(200).has("operator.alias", "B.", "operator.timezone", "Europe/Berlin")
	b.do("session:operator", "GET", "/operators", nil).is(200)
	b.do("session:operator", "GET", "/widgets", nil).is(200)
}

func TestPagesAreCompleteAndWithoutRepeats(t *testing.T) {
	b := newBench(t)
	for range 7 {
		b.conversation()
	}
	for _, c := range []struct{ as, path string }{{"read", "/conversations?limit=3"}, {"read", "/contacts?limit=2"}} {
		var seen []string
		cursor := ""
		for {
			path := c.path
			if cursor != "" {
				path += "&cursor=" + cursor
			}
			page := b.do(c.as, "GET", path, nil).is(200)
			for i := range page.json("items").([]any) {
				seen = append(seen, page.text("items."+string(rune('0'+i))+".id"))
			}
			next, more := page.json("next_cursor").(string)
			if !more {
				break
			}
			cursor = next
		}
		if want := []string{"7", "6", "5", "4", "3", "2", "1"}; !slices.Equal(seen, want) {
			t.Errorf("%s: got %v, want %v", c.path, seen, want)
		}
	}
}

func TestTheListOfConversationsIsNarrowed(t *testing.T) {
	b := newBench(t)
	first, _ := b.conversation()
	second, _ := b.conversation()
	b.do("admin", "POST", first+"/assign", map[string]any{"operator_id": 2}).is(200)
	b.do("admin", "POST", second+"/end", nil).is(200)
	for query, want := range map[string]string{
		"": "1 items", "?status=ended": "1 items", "?status=new,ended": "2 items", "?status=pending": "0 items", "?view=unassigned": "0 items",
		"?view=unassigned&status=ended": "1 items", "?operator_id=2": "1 items", "?operator_id=1": "0 items", "?group_id=1": "1 items", "?group_id=9": "0 items",
		"?widget_id=1": "1 items", "?widget_id=9": "0 items", "?contact_id=1": "1 items", "?contact_id=2": "0 items",
	} {
		b.do("session:admin", "GET", "/conversations"+query, nil).is(200).has("items", want, "counts.all", "1", "counts.mine", "0")
	}
	b.do("session:operator", "GET", "/conversations?view=mine", nil).is(200).has("items.0.id", "1", "counts.mine", "1")
}
