package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect"
)

// forms is a dialect with two versions, one of which tells of more, and with two switches. Its bodies say what they were made of.
type forms struct{}

func (forms) Info() dialect.Info {
	return dialect.Info{Name: "forms", Version: "2", Versions: []string{"1", "2"},
		Events:   []dialect.Event{{Name: "received"}, {Name: "sent", Versions: []string{"1"}}},
		Switches: []dialect.Switch{{Name: "tall"}, {Name: "red"}}}
}

func (forms) Name(e *event.Event) (string, bool) {
	name, ok := map[event.Type]string{event.MessageReceived: "received", event.MessageSent: "sent"}[e.Type]
	return name, ok
}

func (f forms) Render(e *event.Event, o dialect.Options) ([]byte, error) {
	name, _ := f.Name(e)
	return json.Marshal(map[string]string{"is": fmt.Sprint(name, " ", o.Version, " ", o.Switches, " ", o.On("red"), " ", o.NoReply)})
}

func (forms) Judge(status int) dialect.Verdict {
	if status == http.StatusOK {
		return dialect.Received
	}
	return dialect.Failed
}

// said are what the calls to a path were made of.
func said(t *testing.T, calls []call, path string) (out []string) {
	for _, c := range calls {
		if c.path == path {
			out = append(out, fmt.Sprint(c.json(t)["is"]))
		}
	}
	return out
}

func same(t *testing.T, what string, got any, want string) {
	t.Helper()
	if got := fmt.Sprint(got); got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// Switches are pinned when something is queued, as the version is; the address of nobody reaches every body.
func TestSwitchesCountForWhatHappensFromThenOn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := h.make("/in", webhook.Draft{Dialect: ptr("forms"), Switches: &[]string{"tall", "red", "tall"}})
		same(t, "made with", e.Switches, "[red tall]")
		if _, err := h.desk.Pause(t.Context(), h.admin, e.ID); err != nil {
			t.Fatal(err)
		}
		h.happen("message_received_plain")
		e = h.update(e, webhook.Draft{Switches: &[]string{"tall"}})
		h.happen("message_received_plain")
		e = h.update(e, webhook.Draft{Switches: &[]string{}})
		h.happen("message_received_plain")
		e = h.update(e, webhook.Draft{Name: ptr("Other")}) // nothing else moves
		same(t, "switched off", e.Switches, "[]")
		if _, err := h.desk.Resume(t.Context(), h.admin, e.ID, true); err != nil {
			t.Fatal(err)
		}
		const nobody = " no-reply@chat.example"
		same(t, "calls", said(t, h.settled(e), "/in"), "[received 2 [red tall] true"+nobody+" received 2 [tall] false"+nobody+" received 2 [] false"+nobody+"]")
		list, _, err := h.desk.ListDeliveries(t.Context(), h.admin, webhook.DeliveryFilter{Endpoint: e.ID}, "", 10)
		if err != nil || len(list) != 3 {
			t.Fatal(list, err)
		}
		same(t, "pinned", []string{list[2].Form, list[1].Form, list[0].Form}, "[forms/2+red+tall forms/2+tall forms/2]")
	})
}

func TestSwitchesAreThoseOfTheDialect(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := h.make("/in", webhook.Draft{Dialect: ptr("forms"), Switches: &[]string{"red"}})
		for _, draft := range []webhook.Draft{{Switches: &[]string{"red", "blue"}}, {Dialect: ptr("standard"), Switches: &[]string{"red"}}, {Switches: &[]string{""}}} {
			_, err := h.desk.UpdateEndpoint(t.Context(), h.admin, e.ID, draft)
			if f := fault.As(err); f.Code != fault.FieldInvalid || f.Field != "switches" {
				t.Errorf("%v: %v", *draft.Switches, err)
			}
		}
		same(t, "in another dialect", h.update(e, webhook.Draft{Dialect: ptr("standard")}).Switches, "[]")
	})
}

// A program that is older than what stands in the database must not send something else than what was asked for.
func TestADeliveryWithAnUnknownSwitchIsNotSent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := h.make("/in", webhook.Draft{Dialect: ptr("forms")})
		if _, err := h.desk.Pause(t.Context(), h.admin, e.ID); err != nil {
			t.Fatal(err)
		}
		h.happen("message_received_plain")
		h.exec(`UPDATE deliveries SET form = 'forms/2+blue'`)
		if _, err := h.desk.Resume(t.Context(), h.admin, e.ID, true); err != nil {
			t.Fatal(err)
		}
		if n := len(h.settled(e)); n != 0 {
			t.Errorf("%d calls", n)
		}
		// Nor does it serve an endpoint whose switches it does not know: that waits for the newer program.
		h.exec(`UPDATE endpoints SET switches = '["blue"]'`)
		if _, err := h.desk.Test(t.Context(), h.admin, once.Key{}, e.ID, ""); err == nil {
			t.Error("a test call of an endpoint with an unknown switch")
		}
	})
}

func TestAnEventOfOneVersionIsToldInThatVersionOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		older := h.make("/older", webhook.Draft{Dialect: ptr("forms"), DialectVersion: ptr("1")})
		newer := h.make("/newer", webhook.Draft{Dialect: ptr("forms")})
		h.happen("message_received_plain", "message_sent_alias")
		h.settled(older)
		calls := h.settled(newer)
		same(t, "version 1", len(said(t, calls, "/older")), "2")
		same(t, "version 2", len(said(t, calls, "/newer")), "1")
		if _, err := h.desk.Test(ctx, h.admin, once.Key{}, older.ID, "sent"); err != nil {
			t.Error(err)
		}
		_, err := h.desk.Test(ctx, h.admin, once.Key{}, newer.ID, "sent")
		if f := fault.As(err); f.Code != fault.EndpointEvent || f.Field != "event" {
			t.Errorf("test of what the version does not tell: %v", err)
		}
		_, err = h.desk.UpdateEndpoint(ctx, h.admin, newer.ID, webhook.Draft{Events: &[]string{"received", "sent"}})
		if f := fault.As(err); f.Code != fault.EndpointEvent || f.Field != "events" {
			t.Errorf("subscription to what the version does not tell: %v", err)
		}
		h.update(older, webhook.Draft{Events: &[]string{"sent"}})
		_, err = h.desk.UpdateEndpoint(ctx, h.admin, older.ID, webhook.Draft{DialectVersion: ptr("2")})
		if f := fault.As(err); f.Code != fault.EndpointEvent || f.Field != "events" {
			t.Errorf("another version below the subscription: %v", err)
		}
		h.update(older, webhook.Draft{DialectVersion: ptr("2"), Events: &[]string{}})
		for version, tells := range map[string]bool{"1": true, "2": false, "": false} {
			list, err := h.desk.Samples("forms", version)
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(list, func(s webhook.Sample) bool { return s.Event == "sent" }) != tells || len(list) == 0 {
				t.Errorf("%d samples of version %q", len(list), version)
			}
		}
	})
}

// hooked asks whether somebody would be told of the event about a conversation of the widget.
func (h *house) hooked(widget id.Widget, name string) (ok bool) {
	h.t.Helper()
	h.view(func(tx *db.Tx) (err error) {
		ok, err = h.desk.HasHook(tx, &event.Conversation{ID: 42, Widget: event.WidgetRef{ID: widget}}, name)
		return err
	})
	return ok
}
