package rest

import (
	"strconv"
	"testing"
)

func TestSavedRepliesOverTheAPI(t *testing.T) {
	b := newBench(t)
	path, posted := b.conversation()
	b.do("read", "GET", "/replies", nil).is(200).has("items", "0 items")
	hello := map[string]any{"kind": "reply", "shortcut": "Hello", "title": "Greeting", "body": "Hi {name}, I am {operator} of {widget}."}
	id := b.do("session:admin", "POST", "/replies", hello, "Idempotency-Key", "hello").is(201).
		has("kind", "reply", "shortcut", "hello", "title", "Greeting", "body", "Hi {name}, I am {operator} of {widget}.", "options", "0 items").text("id")
	b.do("session:admin", "POST", "/replies", hello, "Idempotency-Key", "hello").is(201).has("id", id)
	b.do("session:admin", "POST", "/replies", hello).is(409, "reply.shortcut_taken", "shortcut")
	size := b.do("admin", "POST", "/replies", map[string]any{"kind": "question", "shortcut": "hello", "body": "Which size?", "options": []string{"S", "M"}}).is(201).
		has("kind", "question", "title", "", "options", "2 items", "options.1", "M").text("id")

	// What is refused names its field.
	for field, c := range map[string]struct {
		code  string
		value any
	}{
		"shortcut": {"field.invalid", "two words"}, "body": {"field.invalid", "Hi {nobody}"}, "options": {"field.invalid", []string{"a"}}, "title": {"text.too_long", "ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"},
		"kind": {"field.invalid", "macro"},
	} {
		body := map[string]any{"kind": "reply", "shortcut": "x", "body": "x"}
		body[field] = c.value
		b.do("admin", "POST", "/replies", body).is(422, c.code, field)
	}
	b.do("admin", "POST", "/replies", map[string]any{"kind": "question", "shortcut": "x", "body": "x", "options": []string{"a", ""}}).is(422, "field.required", "options[1]")
	b.do("admin", "PATCH", "/replies/"+id, map[string]any{"kind": "question"}).is(422, "request.unknown_field", "kind")

	b.do("session:operator", "GET", "/replies?q=which", nil).is(200).has("items", "1 items", "items.0.id", size)
	b.do("session:operator", "GET", "/replies?kind=reply", nil).is(200).has("items", "1 items", "items.0.id", id)
	b.do("session:operator", "GET", "/replies?kind=macro", nil).is(422)
	b.do("admin", "PATCH", "/replies/"+size, map[string]any{"options": []string{"S", "M", "L"}}).is(200).has("options", "3 items", "shortcut", "hello")

	// Filling sends nothing.
	b.do("session:operator", "POST", path+"/replies/"+id+"/preview", nil).is(200).has("body", "Hi, I am Bobby of Demo shop.", "options", "0 items")
	b.do("session:operator", "PATCH", "/contacts/"+strconv.FormatInt(int64(posted.Contact.ID), 10), map[string]any{"name": "Jane {email}"}).is(200)
	b.do("read", "POST", path+"/replies/"+id+"/preview", nil).is(200).has("body", "Hi Jane {email}, I am read token of Demo shop.")
	b.do("session:operator", "POST", path+"/replies/"+size+"/preview", nil).is(200).has("body", "Which size?", "options.2", "L")
	b.do("session:operator", "POST", path+"/replies/4711/preview", nil).is(404, "reply.not_found")
	b.do("session:operator", "POST", "/conversations/4711/replies/"+id+"/preview", nil).is(404, "conversation.not_found")
	b.do("read", "GET", path, nil).is(200).has("message_count", "1")

	// The command does the same and sends it.
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "/chatlio reply hello"}).is(200).
		has("command", "reply", "message.body", "Hi Jane {email}, I am Bobby of Demo shop.", "message.sender.name", "Bobby", "conversation.message_count", "2")
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "$stw"}).is(409, "hook.missing")
	b.do("session:operator", "POST", path+"/messages", map[string]any{"body": "/chatlio dance"}).is(422, "message.is_command", "body")

	b.do("admin", "DELETE", "/replies/"+id, nil).is(204)
	b.do("admin", "DELETE", "/replies/"+id, nil).is(404, "reply.not_found")
}
