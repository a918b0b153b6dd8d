package visitor

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/event"
	"parley/internal/inbox"
	"parley/internal/media"
	"parley/internal/secret"
)

func TestAVisitorSendsAFile(t *testing.T) {
	s := newSite(t)
	token, conversation := s.write()
	upload := func(as string) string {
		t.Helper()
		status, out := s.do("POST", "/visitor/v1/widgets/"+s.widget.Key+"/media?name=a.txt", as, shop, "some notes")
		if status != 201 {
			t.Fatalf("upload: %d %v", status, out)
		}
		return out["key"].(string)
	}
	post := func(as, body, key string) (int, map[string]any) {
		t.Helper()
		return s.do("POST", s.messages(), as, shop, map[string]any{"client_id": secret.UUID(), "body": body, "media": key})
	}
	key := upload(token)
	other, _ := s.write()
	if status, out := post(other, "", key); status != 404 || out["code"] != "media.not_found" || out["field"] != "media" {
		t.Errorf("another visitor's file: %d %v", status, out)
	}
	status, out := post(token, "", key)
	if status != 201 || out["conversation"].(map[string]any)["id"] != float64(conversation) {
		t.Fatalf("post: %d %v", status, out)
	}
	message := out["message"].(map[string]any)
	file := message["media"].(map[string]any)
	if message["type"] != "media" || message["body"] != "" || file["kind"] != "file" || file["name"] != "a.txt" || file["id"] != nil ||
		!strings.HasPrefix(fmt.Sprint(file["url"]), "https://chat.example/media/"+key+"/a.txt?e=") {
		t.Errorf("message %v", message)
	}
	if status, out := post(token, "", key); status != 404 || out["code"] != "media.not_found" {
		t.Errorf("the same file again: %d %v", status, out)
	}
	if status, out := post(token, "", ""); status != 422 || out["code"] != "message.empty" {
		t.Errorf("neither words nor a file: %d %v", status, out)
	}
	// Who has no token yet sends a file as their first message.
	if status, out := post("", "Look", upload("")); status != 201 || out["token"] == nil || out["message"].(map[string]any)["body"] != "Look" {
		t.Errorf("a first message: %d %v", status, out)
	}
	if _, out := s.do("GET", "/visitor/v1/me", token, shop, nil); out["conversations"].([]any)[0].(map[string]any)["last_message"].(map[string]any)["media"] == nil {
		t.Errorf("the list shows no file: %v", out)
	}
}

func aMessage() *event.Message {
	return &event.Message{ID: 3, ConversationID: 2, Number: 3, Type: event.TypeMessage, Sender: event.Party{Type: event.ByOperator, ID: 1, Name: "Ann"}, SentAt: time.Unix(100, 0)}
}

func TestWhatAContactSeesOfAMessage(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 30, 5, 0, time.UTC)
	o := &Options{Links: media.NewLinks("https://chat.example", []byte("k")), Now: func() time.Time { return now }}
	for state, want := range map[event.MessageState]string{
		event.StateFailed: "sent", event.StatePending: "sent", event.StateSent: "sent", event.StateDelivered: "delivered", event.StateRead: "read",
	} {
		m := aMessage()
		m.State, m.StateCode, m.StateReason = state, "given_up", "the channel's server answered 500"
		b, err := json.Marshal(o.Message(m))
		if err != nil || !strings.Contains(string(b), `"state":"`+want+`"`) || strings.Contains(string(b), "500") || strings.Contains(string(b), "given_up") {
			t.Errorf("state %d: %s, %v", state, b, err)
		}
	}
	picture := event.Media{ID: 9, Key: "k", Kind: event.MediaImage, State: event.MediaStored, Name: "a.png", Width: 4, Thumb: true}
	m := aMessage()
	m.Media, m.Link = &picture, &event.LinkCard{URL: "https://a.example", Title: "A", Image: &picture}
	m.EditedAt, m.DeletedAt = now, now
	w := o.messageOf(m)
	if *w.Media.URL != o.Links.URL(&picture, now) || *w.Media.ThumbURL != o.Links.Thumb(&picture, now) || *w.Link.ImageURL != *w.Media.ThumbURL || *w.Media.Width != 4 ||
		w.Media.Height != nil || w.Media.Peaks == nil || !w.EditedAt.Equal(now) || !w.DeletedAt.Equal(now) {
		t.Errorf("%+v, %+v", w, w.Media)
	}
	for _, state := range []string{event.MediaFetching, event.MediaFailed} {
		one := picture
		one.State = state
		if w := o.mediaOf(&one); w.URL != nil || w.ThumbURL != nil {
			t.Errorf("a file that is %s has the address %v", state, w.URL)
		}
	}
	m = aMessage()
	m.Entry = &event.Entry{Name: "channel_changed", By: &event.Party{Type: event.ByOperator, Name: "Ann"}, Channel: &event.Channel{ID: 8, Type: "custom", Name: "SMS"}}
	if w := o.messageOf(m); w.Event.Channel == nil || w.Event.Channel.Name != "SMS" || w.EditedAt != nil || w.Media != nil || w.Link != nil {
		t.Errorf("%+v", w.Event)
	}
}

// Who is not signed in learns that a conversation goes on elsewhere, and nothing of what happens there.
func TestAConversationThatMovedIsVeiled(t *testing.T) {
	o := &Options{Now: time.Now}
	view := func(external string) *inbox.View {
		seen := aMessage()
		se := &event.Session{Rating: &event.Rating{Value: 1}, Feedback: "bad", Survey: &event.Survey{}}
		return &inbox.View{Visible: seen, UnreadByContact: 1, Session: se, Conversation: &event.Conversation{ID: 2, Status: event.StatusEnded, Channel: event.Channel{ID: 8, Type: "custom", Name: "SMS"},
			HiddenFrom: 4, EndedAt: time.Unix(899, 0), MessageCount: 9, OperatorRead: 9, ContactRead: 8, ContactDelivered: 7, Operator: &event.Operator{FirstName: "Ann"}, Contact: event.Contact{ExternalID: external},
			CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(900, 0)}}
	}
	veiled := o.conversationOf(view(""))
	want := veiled
	want.Moved, want.Operator, want.MessageCount, want.OperatorRead, want.ContactRead, want.ContactDelivered = true, nil, 3, 3, 3, 3
	want.UpdatedAt = time.Unix(100, 0)
	want.Status, want.EndedAt, want.Rating, want.Feedback, want.Survey = event.StatusOpen, nil, nil, false, false
	if d := cmp.Diff(want, veiled); d != "" || veiled.Channel != (wireChannel{"custom", "SMS"}) {
		t.Errorf("%s %+v", d, veiled.Channel)
	}
	if w := o.conversationOf(view("user-2")); w.Moved || w.Operator == nil || w.MessageCount != 9 || w.OperatorRead != 9 || !w.UpdatedAt.Equal(time.Unix(900, 0)) || w.EndedAt == nil || w.Rating == nil || !w.Feedback || !w.Survey {
		t.Errorf("who is signed in gets %+v", w)
	}
	nothing := view("")
	nothing.Visible = nil
	if w := o.conversationOf(nothing); !w.UpdatedAt.Equal(time.Unix(1, 0)) || w.LastMessage != nil {
		t.Errorf("with nothing to see: %+v", w)
	}
}
