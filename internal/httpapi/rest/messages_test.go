package rest

import (
	"strings"
	"testing"
	"time"

	"parley/internal/event"
)

func TestAFileIsSentOnceByWhoUploadedIt(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	upload := func(as string) string { return b.do(as, "POST", "/media?name=a.txt", "some notes").is(201).text("key") }
	post := func(as, body, key string) answer {
		return b.do(as, "POST", path+"/messages", map[string]any{"body": body, "media": key})
	}
	key := upload("session:operator")
	post("session:admin", "", key).is(404, "media.not_found", "media")
	post("write", "", key).is(404, "media.not_found", "media")
	post("session:operator", "", "nothing").is(404, "media.not_found", "media")
	post("session:operator", "", strings.Repeat("x", 201)).is(422, "text.too_long", "media")
	post("session:operator", "", "").is(422, "message.empty", "body")
	sent := post("session:operator", "The notes", key).is(201).has("message.type", "media", "message.body", "The notes", "message.media.kind", "file",
		"message.media.content_type", "text/plain", "conversation.last_message.body", "The notes")
	if address := sent.text("message.media.url"); !strings.HasPrefix(address, publicURL+"/media/"+key+"/a.txt?e=") {
		t.Errorf("its address is %s", address)
	}
	post("session:operator", "", key).is(404, "media.not_found", "media")
	post("write", "", upload("write")).is(201).has("message.sender.type", "bot", "message.type", "media", "message.body", "")
	b.do("read", "GET", path+"/messages", nil).is(200).has("items", "3 items", "items.1.media.name", "a.txt", "items.2.type", "media")
}

// What a message looks like that has everything, by the snapshot alone.
func TestAMessageShowsItsFileCardAndFate(t *testing.T) {
	b := newBench(t)
	h := &handlers{Options: b.Options}
	now := time.Date(2026, 3, 2, 9, 30, 5, 0, time.UTC)
	h.Now = func() time.Time { return now }
	picture := &event.Media{ID: 9, Key: "k", Kind: event.MediaImage, State: event.MediaStored, Name: "a b.png", Width: 4, Height: 3, Thumb: true}
	m := h.wireMessage(&event.Message{ID: 3, Type: event.TypeMedia, Media: picture, Link: &event.LinkCard{URL: "https://a.example", Image: picture}, State: event.StateFailed,
		StateCode: "given_up", StateReason: "why", EditedAt: now, DeletedAt: now}, nil)
	if *m.Media.URL != h.Links.URL(picture, now) || *m.Media.ThumbURL != h.Links.Thumb(picture, now) || *m.Link.ImageURL != h.Links.Thumb(picture, now) {
		t.Errorf("the addresses are %s, %s, %s", *m.Media.URL, *m.Media.ThumbURL, *m.Link.ImageURL)
	}
	if *m.Media.Width != 4 || m.Media.DurationMS != nil || m.Media.Peaks == nil || m.State != "failed" || *m.StateCode != "given_up" || *m.StateReason != "why" ||
		*m.EditedAt != wireTime(now) || *m.DeletedAt != wireTime(now) {
		t.Errorf("%+v, %+v", m, m.Media)
	}
	for _, state := range []string{event.MediaFetching, event.MediaFailed} {
		one := *picture
		one.State, one.Error = state, "not there"
		if w := h.wireMedia(&one); w.URL != nil || w.ThumbURL != nil || *w.Error != "not there" {
			t.Errorf("a file that is %s has the address %v", state, w.URL)
		}
	}
	plain := *picture
	plain.Thumb = false
	if w := h.wireLink(&event.LinkCard{Image: &plain}); *w.ImageURL != h.Links.URL(&plain, now) {
		t.Errorf("a card's picture without a small one is at %s", *w.ImageURL)
	}
}

func TestOperatorsChangeTheirOwnMessages(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	b.do("session:operator", "POST", path+"/messages", map[string]any{"body": "From Bob"}).is(201)          // 2
	b.do("session:admin", "POST", path+"/messages", map[string]any{"body": "From Ann"}).is(201)             // 3
	b.do("session:admin", "POST", path+"/messages", map[string]any{"body": "A note", "note": true}).is(201) // 4
	b.do("session:operator", "PATCH", path+"/messages/3", map[string]any{"body": "x"}).is(403, "message.not_yours")
	b.do("session:operator", "DELETE", path+"/messages/4", nil).is(403, "message.not_yours")
	b.do("session:admin", "PATCH", path+"/messages/1", map[string]any{"body": "x"}).is(403, "message.not_yours") // what a contact wrote is theirs
	b.do("session:admin", "PATCH", path+"/messages/99", map[string]any{"body": "x"}).is(404, "message.not_found")
	b.do("session:admin", "PATCH", path+"/messages/2", map[string]any{"body": " "}).is(422, "message.empty", "body")
	b.do("read", "DELETE", path+"/messages/2", nil).is(403, "auth.scope")
	b.do("session:admin", "POST", path+"/end", nil).is(200)
	b.do("session:admin", "PATCH", path+"/messages/2", map[string]any{"body": "From Bob, corrected"}).is(200).has("message.body", "From Bob, corrected", "message.sender.name", "Bobby")
	b.do("session:operator", "DELETE", path+"/messages/2", nil).is(200).has("message.body", "", "message.number", "2")
	b.do("session:operator", "DELETE", path+"/messages/2", nil).is(200).has("message.body", "")
	b.do("session:operator", "PATCH", path+"/messages/2", map[string]any{"body": "again"}).is(409, "message.deleted")
	b.do("session:operator", "POST", path+"/messages/2/refetch", nil).is(404, "media.not_found")
	events := b.do("read", "GET", "/events?types=message.updated,message.deleted", nil).is(200).has("items", "2 items", "items.0.type", "message.updated", "items.0.data.changed", "text",
		"items.0.data.message.body", "From Bob, corrected", "items.1.type", "message.deleted", "items.1.data.message.body", "")
	if events.text("items.0.data.message.edited_at") == "<nil>" || events.text("items.1.data.message.deleted_at") == "<nil>" {
		t.Errorf("no time: %s", events.body)
	}
}
