package rest

import (
	"testing"

	"parley/internal/inbox"
)

// A line that looks like a command is kept from the contact, in whatever way it is typed; what is meant as a text is sent.
func TestS116_ACommandDoesNotReachTheContact(t *testing.T) {
	b := newBench(t)
	path, posted := b.conversation()
	for _, line := range []string{"$api", "/api", "!end", "$NAME Jane", "$forward\tBob", "\n $x", "/send-to-api please"} {
		b.do("session:operator", "POST", path+"/messages", map[string]any{"body": line}).is(422, "message.is_command", "body")
	}
	for _, line := range []string{"$5 for you", "/usr/bin", "!important", "Type $api"} {
		b.do("session:operator", "POST", path+"/messages", map[string]any{"body": line}).is(201).has("message.body", line)
	}
	b.do("session:operator", "POST", path+"/messages", map[string]any{"body": "$api is a command", "note": true}).is(201).has("message.note", "true")
	b.do("session:operator", "POST", path+"/messages", map[string]any{"body": "/help", "as_text": true}).is(201).has("message.body", "/help")
	b.do("write", "POST", path+"/messages", map[string]any{"body": "/help shows what I can do"}).is(201).has("message.sender.type", "bot")

	// The contact's own view after every command: no line of it, and no thread entry of a flag.
	b.do("admin", "POST", "/endpoints", map[string]any{"name": "Add-on", "url": "http://127.0.0.1:9/", "dialect": "userlike", "events": []string{"operator.online"}}).is(201)
	for _, line := range []string{"$api", "$topic lamp", "$tag vip", "$name Jane", "$info", "$history", "$help", "$note for us", "$field a b", "$additional01 x"} {
		b.do("session:operator", "POST", path+"/commands", map[string]any{"line": line}).is(200)
	}
	thread, err := b.Inbox.MessagesOf(t.Context(), posted.Contact.ID, posted.Conversation.ID, inbox.Range{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range thread.Messages {
		got = append(got, m.Body)
	}
	want := []string{"Hello!", "$5 for you", "/usr/bin", "!important", "Type $api", "/help", "/help shows what I can do"}
	if len(got) != len(want) {
		t.Fatalf("the contact sees %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("the contact sees %q, want %q", got[i], want[i])
		}
	}
}

// S-121: without an add-on the flag, the command and the bulk action say what is missing; with one they work, and the flag can
// be taken back after the add-on is gone.
func TestS117_S118_S121_FlaggingNeedsAnAddonThatIsSetUp(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	b.do("session:operator", "POST", path+"/flag", map[string]any{"flagged": true}).is(409, "addon.missing")
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "$api"}).is(409, "addon.missing")
	b.do("session:operator", "POST", "/conversations/bulk", map[string]any{"action": "send", "conversation_ids": []int{1}}).is(200).
		has("failed", "1", "results.0.ok", "false", "results.0.code", "addon.missing")
	b.do("admin", "POST", "/endpoints", map[string]any{"name": "CRM", "url": "http://127.0.0.1:9/", "dialect": "standard", "events": []string{}}).is(201)
	b.do("session:operator", "POST", path+"/flag", map[string]any{"flagged": true}).is(409, "addon.missing")
	b.do("admin", "POST", "/endpoints", map[string]any{"name": "Add-on", "url": "http://127.0.0.1:9/", "dialect": "userlike", "events": []string{"operator.online"}}).is(201)

	b.do("session:operator", "POST", path+"/flag", map[string]any{"flagged": true}).is(200).has("flagged", "true")
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "$api"}).is(200).has("conversation.flagged", "false")
	for range 2 {
		b.do("session:operator", "POST", "/conversations/bulk", map[string]any{"action": "send", "conversation_ids": []int{1}}, "Idempotency-Key", "again").is(200).
			has("done", "1", "unchanged", "0", "failed", "0", "results.0.changed", "true")
	}
	b.do("session:operator", "POST", "/conversations/bulk", map[string]any{"action": "end", "conversation_ids": []int{1}}, "Idempotency-Key", "again").is(409, "idempotency_key.reused")
	b.do("session:operator", "POST", "/conversations/bulk", map[string]any{"action": "send", "conversation_ids": []int{1}}).is(200).has("done", "0", "unchanged", "1")
	b.do("admin", "DELETE", "/endpoints/2", nil).is(204)
	b.do("session:operator", "POST", path+"/flag", map[string]any{"flagged": false}).is(200).has("flagged", "false")
}

// A line runs once for its key, and its repeat says the same.
func TestACommandLineIsIdempotent(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	var first string
	for range 3 {
		a := b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "$note once"}, "Idempotency-Key", "note").is(200)
		if first == "" {
			first = a.text("message.id")
		} else if got := a.text("message.id"); got != first {
			t.Errorf("the repeat left note %s, the first was %s", got, first)
		}
	}
	b.do("session:operator", "POST", path+"/commands", map[string]any{"line": "$note another"}, "Idempotency-Key", "note").is(409, "idempotency_key.reused")
	b.do("read", "GET", path, nil).is(200).has("message_count", "2")
}
