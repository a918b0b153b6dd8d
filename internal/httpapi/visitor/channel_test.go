package visitor

import (
	"fmt"
	"testing"

	"parley/internal/channel"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

func TestS064AConversationGoesOnOnAChannel(t *testing.T) {
	s := newSite(t)
	make := func(name string, widgets ...id.Widget) *channel.Channel {
		c, _, err := s.channels.Create(t.Context(), team.System(), once.Key{}, channel.Draft{Type: new("custom"), Name: &name, Widget: &s.widget.ID, Widgets: &widgets,
			Settings: map[string]string{"outbound_url": "https://sms.example/out"}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	offered, closed := make("SMS", s.widget.ID), make("Letters")
	_, config := s.do("GET", "/visitor/v1/widgets/"+s.widget.Key, "", shop, nil)
	if got := fmt.Sprint(config["channels"]); got != fmt.Sprintf("[map[id:%d name:SMS type:custom]]", offered.ID) {
		t.Errorf("the widget offers %s", got)
	}
	token, conversation := s.write()
	path := fmt.Sprintf("/visitor/v1/conversations/%d/channel", conversation)
	if status, got := s.do("POST", path, "", shop, map[string]any{"channel_id": offered.ID, "email": "zoe@example.com"}); status != 401 {
		t.Errorf("without a token: %d %v", status, got)
	}
	for what, c := range map[string]struct {
		body        map[string]any
		status      int
		code, field string
	}{
		"a channel that is not offered": {map[string]any{"channel_id": closed.ID, "email": "zoe@example.com"}, 409, "channel.not_offered", "channel_id"},
		"no e-mail address":             {map[string]any{"channel_id": offered.ID}, 422, "field.required", "email"},
		"an unknown field":              {map[string]any{"channel_id": offered.ID, "address": "x"}, 422, "request.unknown_field", "address"},
	} {
		status, got := s.do("POST", path, token, shop, c.body)
		if status != c.status || got["code"] != c.code || got["field"] != c.field {
			t.Errorf("%s: %d %v", what, status, got)
		}
	}
	status, got := s.do("POST", path, token, shop, map[string]any{"channel_id": offered.ID, "email": "Zoe@Example.com"})
	if status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	moved := got["conversation"].(map[string]any)
	if fmt.Sprint(moved["id"]) != fmt.Sprint(conversation) || moved["moved"] != true || moved["channel"].(map[string]any)["name"] != "SMS" {
		t.Errorf("moved: %v", moved)
	}
	if status, got := s.do("POST", s.messages(), token, shop, map[string]any{"client_id": "c-2", "body": "Still here?", "conversation_id": conversation}); status != 409 || got["code"] != "conversation.moved" {
		t.Errorf("a browser that writes on: %d %v", status, got)
	}
	// The way to other people's mailboxes is narrow.
	limited := 0
	for range 6 {
		if status, _ := s.do("POST", path, token, shop, map[string]any{"channel_id": offered.ID, "email": "zoe@example.com"}); status == 429 {
			limited++
		}
	}
	if limited == 0 {
		t.Error("moves are not limited")
	}
}
