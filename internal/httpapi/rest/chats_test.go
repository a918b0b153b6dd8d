package rest

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/inbox"
)

// everyOperationOfChats goes through what chat webhooks added to conversations.
func (b *bench) everyOperationOfChats() {
	b.Helper()
	p := b.visitor(inbox.ContactPost{Body: "Anybody?"})
	path := "/conversations/" + strconv.FormatInt(int64(p.Conversation.ID), 10)
	b.do("read", "GET", "/conversations/by-uuid?uuid="+strings.ToUpper(p.Conversation.UUID), nil).is(200).has("id", strings.TrimPrefix(path, "/conversations/"), "unanswered_at", "<nil>",
		"session.offline", "false", "contact.handle", p.Contact.Handle)
	b.do("session:operator", "POST", path+"/messages", object{"body": "Which one?", "choices": []string{"The red one", "The blue one"}}).is(201).
		has("message.choices", "2 items", "message.choices.0", "The red one", "message.body", "Which one?")
	b.do("session:operator", "POST", path+"/webhook", object{"extra": []string{"a"}}).is(409, "hook.missing")
	b.do("admin", "PUT", "/widgets/1/webhooks", object{"urls": object{"transcript": "https://crm.example/transcript"}}).is(200)
	b.do("session:operator", "POST", path+"/webhook", object{"extra": []string{"extra", "stuff"}}).is(202)
	b.do("session:operator", "POST", path+"/webhook", object{}).is(202)
	b.do("session:operator", "POST", path+"/discard", nil).is(200).has("status", "ended", "session.end_reason", "operator")
}

func TestChatsAreRefused(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	for _, uuid := range []string{"0198c0de-0000-7000-8000-000000000042", "x", "%00"} {
		b.do("read", "GET", "/conversations/by-uuid?uuid="+uuid, nil).is(404, "conversation.not_found")
	}
	b.do("read", "GET", "/conversations/by-uuid", nil).is(422, "field.required", "uuid")
	b.do("write", "POST", path+"/messages", object{"body": "?", "choices": []string{"a\nb"}}).is(422, "text.invalid", "choices")
	b.do("write", "POST", path+"/messages", object{"body": "?", "choices": []string{strings.Repeat("x", 81)}}).is(422, "text.too_long", "choices")
	b.do("write", "POST", path+"/messages", object{"body": "?", "note": true, "choices": []string{"a"}}).is(422, "field.invalid", "choices")
	b.do("write", "POST", path+"/messages", object{"body": "?", "choices": make([]string, 11)}).is(422, "field.invalid", "choices")
	b.do("read", "POST", path+"/discard", nil).is(403)
	b.do("read", "POST", path+"/webhook", object{}).is(403)
	b.do("write", "POST", path+"/webhook", object{"extra": []string{strings.Repeat("x", 201)}}).is(422, "text.too_long", "extra")
}

func TestTheAttentionListHasWhatWaitsTooLong(t *testing.T) {
	b := newBench(t)
	b.conversation()
	b.visitor(inbox.ContactPost{Body: "Hello?"})
	since := time.Now().Add(-time.Hour)
	err := b.Inbox.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE conversations SET unanswered_at = $1 WHERE id = 2`, db.Micros(since))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do("read", "GET", "/conversations?attention=true", nil).is(200).has("items", "1 items", "items.0.id", "2", "items.0.unanswered_at", wireTime(since), "counts.attention", "1", "counts.all", "2")
	b.do("read", "GET", "/conversations/ids?attention=true", nil).is(200).has("ids", "1 items", "ids.0", "2")
	b.do("read", "GET", "/conversations?attention=false", nil).is(200).has("items", "2 items")
	b.do("session:operator", "POST", "/conversations/2/messages", object{"body": "Sorry!"}).is(201).has("conversation.unanswered_at", "<nil>")
	b.do("read", "GET", "/conversations?attention=true", nil).is(200).has("items", "0 items", "counts.attention", "0")
	b.do("read", "GET", "/conversations?attention=maybe", nil).is(422, "field.invalid", "attention")
}
