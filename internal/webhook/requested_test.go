package webhook_test

import (
	"context"
	"fmt"
	"testing"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/webhook"
)

// takes asks whether a conversation of the widget and group would be sent to somebody.
func (h *house) takes(widget id.Widget, group id.Group) (ok bool) {
	h.t.Helper()
	c := &event.Conversation{ID: 42, Widget: event.WidgetRef{ID: widget}}
	if group != 0 {
		c.Group = &event.Group{ID: group}
	}
	err := h.d.View(h.t.Context(), func(_ context.Context, tx *db.Tx) (err error) {
		ok, err = h.desk.TakesRequested(tx, c)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return ok
}

func TestS119ARequestedConversationIsSentWhateverIsSubscribedAndOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		one := h.make("/unsubscribed", webhook.Draft{Dialect: ptr("userlike"), Events: &[]string{"operator.online"}})
		two := h.make("/subscribed", webhook.Draft{Dialect: ptr("userlike"), Events: &[]string{"conversation.ended"}})
		other := h.make("/standard", webhook.Draft{Dialect: ptr("standard"), Events: &[]string{"operator.updated"}})
		filtered := h.make("/filtered", webhook.Draft{Dialect: ptr("userlike"), Groups: &[]id.Group{1}})
		h.happen("conversation_status_changed", "conversation_requested_pending", "conversation_requested_reopened")
		for _, e := range []*webhook.Endpoint{one, two, other, filtered} {
			h.settled(e)
		}
		calls := h.wait(0)
		for path, want := range map[string]string{"/unsubscribed": "[conversation.ended conversation.ended]", "/subscribed": "[conversation.ended conversation.ended]",
			"/standard": "[]", "/filtered": "[]"} {
			got := []string{}
			for _, c := range calls {
				if c.path == path {
					got = append(got, c.event(t))
				}
			}
			if fmt.Sprint(got) != want {
				t.Errorf("%s got %s, want %s", path, got, want)
			}
		}
	})
}

func TestS119APausedEndpointGetsARequestedConversationAfterwards(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _ := h.create("userlike", "/in", "operator.online")
		if _, err := h.desk.Pause(t.Context(), h.admin, e.ID); err != nil {
			t.Fatal(err)
		}
		h.happen("conversation_requested_pending")
		if n := len(h.wait(0)); n != 0 {
			t.Fatalf("%d calls", n)
		}
		if _, err := h.desk.Resume(t.Context(), h.admin, e.ID, true); err != nil {
			t.Fatal(err)
		}
		if got := h.settled(e); len(got) != 1 {
			t.Errorf("%d calls", len(got))
		}
	})
}

func TestS121OnlyAnActiveAddonThatHearsOfTheConversationTakesIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		if h.takes(1, 0) {
			t.Error("without any endpoint")
		}
		h.make("/standard", webhook.Draft{Dialect: ptr("standard")})
		if h.takes(1, 0) {
			t.Error("with an endpoint of another dialect")
		}
		e := h.make("/in", webhook.Draft{Dialect: ptr("userlike"), Events: &[]string{"operator.online"}, Groups: &[]id.Group{2}})
		if h.takes(1, 1) || h.takes(1, 0) || !h.takes(1, 2) {
			t.Error("the filters do not count")
		}
		h.update(e, webhook.Draft{Groups: &[]id.Group{}})
		if !h.takes(1, 0) {
			t.Error("with an active one")
		}
		if _, err := h.desk.Pause(t.Context(), h.admin, e.ID); err != nil {
			t.Fatal(err)
		}
		if h.takes(1, 0) {
			t.Error("with a paused one")
		}
	})
}

// What the issue calls bad input: refused at its field, on creation and on change, and nothing is stored.
func TestS084BadURLsAndHeadersLeaveNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _ := h.create("userlike", "/in")
		for _, c := range []struct {
			draft webhook.Draft
			code  fault.Code
			field string
		}{
			{webhook.Draft{URL: ptr("ftp://example.com/x")}, fault.EndpointURL, "url"},
			{webhook.Draft{URL: ptr("FTP://example.com/x")}, fault.EndpointURL, "url"},
			{webhook.Draft{URL: ptr("//example.com/x")}, fault.EndpointURL, "url"},
			{webhook.Draft{URL: ptr("https://user:secret@example.com/")}, fault.EndpointURL, "url"},
			{webhook.Draft{URL: ptr("https://user@example.com/")}, fault.EndpointURL, "url"},
			{webhook.Draft{URL: ptr("https://example.com/\r\nX-Evil: 1")}, fault.EndpointURL, "url"},
			{webhook.Draft{URL: ptr("https://example.com/\x00")}, fault.EndpointURL, "url"},
			{webhook.Draft{URL: ptr("https://example.com/\x7f")}, fault.EndpointURL, "url"},
			{webhook.Draft{Headers: &map[string]string{"X-Key": "a\r\nX-Evil: 1"}}, fault.EndpointHeader, "headers"},
			{webhook.Draft{Headers: &map[string]string{"X-Key": "a\nb"}}, fault.EndpointHeader, "headers"},
			{webhook.Draft{Headers: &map[string]string{"X-Key\r\nX-Evil": "1"}}, fault.EndpointHeader, "headers"},
			{webhook.Draft{Headers: &map[string]string{"X-Key": "\x00"}}, fault.EndpointHeader, "headers"},
			{webhook.Draft{Headers: &map[string]string{"Host": "evil.example"}}, fault.EndpointHeader, "headers"},
		} {
			_, err := h.desk.UpdateEndpoint(t.Context(), h.admin, e.ID, c.draft)
			if f := fault.As(err); f.Code != c.code || f.Field != c.field {
				t.Errorf("update: %v, want %s at %s", err, c.code, c.field)
			}
			c.draft.Name, c.draft.Dialect = ptr("R"), ptr("userlike")
			if c.draft.URL == nil {
				c.draft.URL = ptr(h.url)
			}
			_, _, err = h.desk.CreateEndpoint(t.Context(), h.admin, once.Key{}, c.draft)
			if f := fault.As(err); f.Code != c.code || f.Field != c.field {
				t.Errorf("create: %v, want %s at %s", err, c.code, c.field)
			}
		}
		list, err := h.desk.ListEndpoints(t.Context(), h.admin)
		if err != nil || len(list) != 1 || list[0].URL != h.url+"/in" || len(list[0].Headers) != 0 {
			t.Errorf("stored: %+v, %v", list, err)
		}
	})
}
