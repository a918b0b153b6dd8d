package webhook_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook"
)

func (h *house) view(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.d.View(h.t.Context(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		h.t.Fatal(err)
	}
}

// exec changes rows behind everybody's back, as another program would, and lets the change be seen.
func (h *house) exec(statement string) {
	h.t.Helper()
	h.do(func(_ context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(statement); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE settings SET value = value || '+' WHERE name = 'endpoints_version'`)
		return err
	})
}

// set changes the webhooks of widget 1.
func (h *house) set(draft webhook.HooksDraft) (*webhook.Hooks, map[string]secret.String) {
	h.t.Helper()
	hooks, secrets, err := h.desk.SetHooks(h.t.Context(), h.admin, once.Key{}, 1, draft)
	if err != nil {
		h.t.Fatal(err)
	}
	return hooks, secrets
}

func (h *house) hooks() *webhook.Hooks {
	h.t.Helper()
	hooks, err := h.desk.Hooks(h.t.Context(), h.admin, 1)
	if err != nil {
		h.t.Fatal(err)
	}
	return hooks
}

// endpoint is the one of a webhook of widget 1, nil for none.
func (h *house) endpoint(hook string) *webhook.Endpoint {
	h.t.Helper()
	for _, s := range h.hooks().List {
		if s.Name == hook && s.Endpoint != 0 {
			e, err := h.desk.GetEndpoint(h.t.Context(), h.admin, s.Endpoint)
			if err != nil {
				h.t.Fatal(err)
			}
			return e
		}
	}
	return nil
}

// of lets a sample happen at a widget.
func (h *house) of(widget id.Widget, name string) {
	h.t.Helper()
	i := slices.IndexFunc(eventtest.Named(), func(s eventtest.Sample) bool { return s.Name == name })
	if i < 0 {
		h.t.Fatalf("no sample %s", name)
	}
	e := *eventtest.Named()[i].Event
	c := *e.Conversation
	e.ID, e.Seq, c.ID, c.Widget.ID = 0, 0, id.Conversation(100+widget), widget
	e.Conversation = &c
	h.do(func(ctx context.Context, tx *db.Tx) error { return h.f.Append(ctx, tx, &e) })
}

var hookNames = []string{"new_conversation", "offline_message", "transcript", "unanswered", "feedback"}

// everywhere gives each of the five webhooks a path of its own.
func (h *house) everywhere() map[string]string {
	urls := map[string]string{}
	for _, name := range hookNames {
		urls[name] = h.url + "/" + name
	}
	return urls
}

func TestS122EachOfTheFiveReachesItsURLAndNoOther(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		before := h.hooks()
		if len(before.List) != 5 || before.RealNames || before.TraitsText {
			t.Errorf("to begin with: %+v", before)
		}
		for i, s := range before.List {
			if s.Name != hookNames[i] || s.Title == "" || s.Description == "" || s.URL != "" || s.Endpoint != 0 || s.State != "" {
				t.Errorf("to begin with: %+v", s)
			}
		}
		hooks, secrets := h.set(webhook.HooksDraft{URLs: h.everywhere()})
		same(t, "secrets", slices.Sorted(maps.Keys(secrets)), "[feedback new_conversation offline_message transcript unanswered]")
		seen := map[string]bool{}
		for i, s := range hooks.List {
			if s.Name != hookNames[i] || s.URL != h.url+"/"+s.Name || s.State != webhook.Active || s.Endpoint == 0 {
				t.Errorf("afterwards: %+v", s)
			}
			if key := secrets[s.Name].Reveal(); !strings.HasPrefix(key, "whsec_") || seen[key] {
				t.Errorf("the secret of %s: %s", s.Name, key)
			}
			seen[secrets[s.Name].Reveal()] = true
			e := h.endpoint(s.Name)
			if e.Name != ": "+s.Title || e.Dialect != "chatlio" || fmt.Sprint(e.Events) != "["+s.Name+"]" || fmt.Sprint(e.Widgets) != "[1]" || e.Hook != (webhook.Hook{Widget: 1, Name: s.Name}) {
				t.Errorf("the endpoint of %s: %+v", s.Name, e)
			}
		}
		h.of(1, "session_started")
		h.of(2, "session_started") // another widget
		h.of(1, "session_started_offline")
		h.of(1, "message_received_plain")
		h.of(1, "offline_message_received")
		h.of(1, "transcript_requested")
		h.of(1, "conversation_unanswered")
		h.of(1, "review_given")
		for _, name := range hookNames {
			h.settled(h.endpoint(name))
		}
		var got []string
		for _, c := range h.wait(0) {
			got = append(got, c.path)
		}
		slices.Sort(got)
		same(t, "called", got, "[/feedback /new_conversation /offline_message /transcript /unanswered]")
		// Any of them may be empty.
		h.set(webhook.HooksDraft{URLs: map[string]string{"feedback": "", "unanswered": "", "transcript": ""}})
		h.of(1, "review_given")
		h.of(1, "session_started")
		h.settled(h.endpoint("new_conversation"))
		if calls := h.wait(0); len(calls) != 6 || calls[5].path != "/new_conversation" {
			t.Errorf("%d calls", len(calls))
		}
		if list, err := h.desk.ListEndpoints(t.Context(), h.admin); err != nil || len(list) != 2 {
			t.Errorf("%d endpoints, %v", len(list), err)
		}
	})
}

func TestS122AURLMakesChangesAndDeletesTheEndpoint(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		_, secrets := h.set(webhook.HooksDraft{URLs: map[string]string{"transcript": h.url + "/one"}})
		first := h.endpoint("transcript")
		if len(secrets) != 1 {
			t.Errorf("%d secrets", len(secrets))
		}
		if _, secrets = h.set(webhook.HooksDraft{URLs: map[string]string{"transcript": h.url + "/one", "feedback": ""}}); len(secrets) != 0 || h.endpoint("transcript").UpdatedAt != first.UpdatedAt {
			t.Error("the same again changes something")
		}
		// What waits goes to the other address, in order.
		if _, err := h.desk.Pause(t.Context(), h.admin, first.ID); err != nil {
			t.Fatal(err)
		}
		h.of(1, "transcript_requested")
		h.of(1, "transcript_extra")
		hooks, secrets := h.set(webhook.HooksDraft{URLs: map[string]string{"transcript": h.url + "/two"}})
		if s := hooks.List[2]; s.Endpoint != first.ID || s.URL != h.url+"/two" || s.State != webhook.Paused || len(secrets) != 0 {
			t.Errorf("with another address: %+v, %d secrets", s, len(secrets))
		}
		if _, err := h.desk.Resume(t.Context(), h.admin, first.ID, true); err != nil {
			t.Fatal(err)
		}
		if calls := h.settled(first); len(calls) != 2 || calls[0].path != "/two" || calls[1].path != "/two" {
			t.Errorf("%d calls", len(calls))
		}
		// Deleted among the endpoints it is empty here; a URL makes a new one, with a new secret.
		if err := h.desk.DeleteEndpoint(t.Context(), h.admin, first.ID); err != nil {
			t.Fatal(err)
		}
		if h.endpoint("transcript") != nil {
			t.Error("the webhook is still there")
		}
		if hooks, secrets = h.set(webhook.HooksDraft{URLs: map[string]string{"transcript": h.url + "/three"}}); hooks.List[2].Endpoint == first.ID || len(secrets) != 1 {
			t.Errorf("made again: %+v", hooks.List[2])
		}
	})
}

func TestAnAddressThatWantedNoMoreIsForgottenWithTheAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		h.answer = func(c call, w http.ResponseWriter) {
			if c.path == "/old" {
				w.WriteHeader(http.StatusGone)
			}
		}
		h.set(webhook.HooksDraft{URLs: map[string]string{"feedback": h.url + "/old"}})
		h.of(1, "review_given")
		for h.hooks().List[4].State != webhook.Gone {
			h.wait(1)
		}
		if h.hooked(1, "feedback") {
			t.Error("a receiver that wants no more counts as one")
		}
		hooks, _ := h.set(webhook.HooksDraft{URLs: map[string]string{"feedback": h.url + "/new"}})
		if s := hooks.List[4].State; s != webhook.Active || !h.hooked(1, "feedback") {
			t.Errorf("with another address it is %s", s)
		}
		calls := h.settled(h.endpoint("feedback"))
		if len(calls) != 2 || calls[1].path != "/new" || string(calls[1].body) != string(calls[0].body) {
			t.Errorf("%d calls", len(calls))
		}
	})
}

// The receiver wanted no more for a while; the admin, who set it right, saves the same address again.
func TestTheSameAddressSavedAgainStartsAWebhookThatWasEnded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		var fine atomic.Bool
		h.answer = func(_ call, w http.ResponseWriter) {
			if !fine.Load() {
				w.WriteHeader(http.StatusGone)
			}
		}
		same := webhook.HooksDraft{URLs: map[string]string{"feedback": h.url + "/feedback"}}
		h.set(same)
		h.of(1, "review_given")
		for h.hooks().List[4].State != webhook.Gone {
			h.wait(1)
		}
		fine.Store(true)
		if hooks, _ := h.set(webhook.HooksDraft{}); hooks.List[4].State != webhook.Gone {
			t.Errorf("without its address it is %s", hooks.List[4].State)
		}
		hooks, secrets := h.set(same)
		if s := hooks.List[4].State; s != webhook.Active || !h.hooked(1, "feedback") || len(secrets) != 0 {
			t.Errorf("saved again it is %s, %d secrets", s, len(secrets))
		}
		if calls := h.settled(h.endpoint("feedback")); len(calls) != 2 || string(calls[1].body) != string(calls[0].body) {
			t.Errorf("%d calls", len(calls))
		}
		// One that somebody paused stays so.
		if _, err := h.desk.Pause(t.Context(), h.admin, h.endpoint("feedback").ID); err != nil {
			t.Fatal(err)
		}
		if hooks, _ = h.set(same); hooks.List[4].State != webhook.Paused {
			t.Errorf("a paused one is %s", hooks.List[4].State)
		}
	})
}

func TestTheNamesOfWebhooksFollowTheWidget(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		h.set(webhook.HooksDraft{URLs: h.everywhere()})
		h.update(h.endpoint("transcript"), webhook.Draft{Name: ptr("Zendesk")})
		h.exec(`UPDATE widgets SET name = 'Renamed' WHERE id = 1`)
		h.set(webhook.HooksDraft{})
		for hook, want := range map[string]string{"new_conversation": "Renamed: New conversation", "transcript": "Zendesk"} {
			if got := h.endpoint(hook).Name; got != want {
				t.Errorf("%s is called %q", hook, got)
			}
		}
		before := h.endpoint("new_conversation").UpdatedAt
		if h.set(webhook.HooksDraft{}); h.endpoint("new_conversation").UpdatedAt != before {
			t.Error("the same name is stored again")
		}
	})
}

func TestARepeatedChangeOfWebhooksIsAnAnswer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		key := once.Key{Scope: "s", Value: "k", Request: "r"}
		draft := webhook.HooksDraft{URLs: h.everywhere(), RealNames: ptr(true)}
		_, secrets, err := h.desk.SetHooks(t.Context(), h.admin, key, 1, draft)
		if err != nil {
			t.Fatal(err)
		}
		h.set(webhook.HooksDraft{URLs: map[string]string{"feedback": ""}, RealNames: ptr(false)})
		h.set(webhook.HooksDraft{URLs: map[string]string{"feedback": h.url + "/another"}})
		hooks, again, err := h.desk.SetHooks(t.Context(), h.admin, key, 1, draft)
		if err != nil || len(again) != 4 || hooks.RealNames || hooks.List[4].URL != h.url+"/another" {
			t.Errorf("the repeat: %d secrets, %+v, %v", len(again), hooks, err)
		}
		for name, s := range again {
			if s.Reveal() != secrets[name].Reveal() {
				t.Errorf("another secret of %s", name)
			}
		}
	})
}

func TestWebhooksAreRefusedAtTheirFieldsAndAllTogether(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		for _, c := range []struct {
			draft webhook.HooksDraft
			want  string
		}{
			{webhook.HooksDraft{URLs: map[string]string{"transcript": "ftp://example.com/", "feedback": h.url}}, "[endpoint.url_refused urls.transcript]"},
			{webhook.HooksDraft{URLs: map[string]string{"transcript": "http://10.0.0.1/", "unanswered": " "}}, "[target.refused urls.transcript endpoint.url_refused urls.unanswered]"},
			{webhook.HooksDraft{URLs: map[string]string{"sms": h.url, "feedback": h.url}}, "[field.invalid urls.sms]"},
			{webhook.HooksDraft{RealNames: ptr(true), TraitsText: ptr(false)}, "[hook.missing real_names]"},
			{webhook.HooksDraft{TraitsText: ptr(true), URLs: map[string]string{"feedback": ""}}, "[hook.missing traits_text]"},
		} {
			_, _, err := h.desk.SetHooks(t.Context(), h.admin, once.Key{}, 1, c.draft)
			var got []string
			if f := fault.As(err); err != nil {
				for _, one := range append([]*fault.Error{f}, f.Others...) {
					got = append(got, string(one.Code), one.Field)
				}
			}
			same(t, fmt.Sprint(c.draft.URLs), got, c.want)
		}
		if list, err := h.desk.ListEndpoints(t.Context(), h.admin); err != nil || len(list) != 0 {
			t.Errorf("%d endpoints were made, %v", len(list), err)
		}
		operator := team.Actor{Operator: 3, Name: "Ann", Scope: team.ScopeWrite}
		for what, try := range map[string]func(by team.Actor, w id.Widget) error{
			"read": func(by team.Actor, w id.Widget) error { _, err := h.desk.Hooks(t.Context(), by, w); return err },
			"set": func(by team.Actor, w id.Widget) error {
				_, _, err := h.desk.SetHooks(t.Context(), by, once.Key{}, w, webhook.HooksDraft{})
				return err
			},
			"names": func(by team.Actor, w id.Widget) error {
				_, err := h.desk.SetRealNames(t.Context(), by, once.Key{}, w, nil)
				return err
			},
		} {
			if err := try(operator, 1); !fault.Is(err, fault.AuthDenied) {
				t.Errorf("%s by an operator: %v", what, err)
			}
			if err := try(h.admin, 9); !fault.Is(err, fault.WidgetNotFound) {
				t.Errorf("%s of no widget: %v", what, err)
			}
		}
	})
}

func TestAWebhookStaysWhatItIs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		h.set(webhook.HooksDraft{URLs: h.everywhere()})
		e := h.endpoint("transcript")
		for field, draft := range map[string]webhook.Draft{
			"dialect": {Dialect: ptr("standard"), Events: &[]string{}}, "events": {Events: &[]string{"feedback"}}, "widgets": {Widgets: &[]id.Widget{1, 2}},
		} {
			_, err := h.desk.UpdateEndpoint(t.Context(), h.admin, e.ID, draft)
			if f := fault.As(err); f.Code != fault.FieldInvalid || f.Field != field {
				t.Errorf("another %s: %v", field, err)
			}
		}
		// A form sends everything back; the rest is the admin's to change.
		e = h.update(e, webhook.Draft{Name: ptr("Zendesk"), Dialect: ptr("chatlio"), Events: &[]string{"transcript"}, Widgets: &[]id.Widget{1}, URL: ptr(h.url + "/zendesk"),
			Switches: &[]string{"traits_text"}, Headers: &map[string]string{"X-Key": "k"}, Policy: &webhook.Policy{Email: webhook.Remove}})
		if hooks := h.hooks(); !hooks.TraitsText || hooks.RealNames || hooks.List[2].URL != h.url+"/zendesk" {
			t.Errorf("the webhooks do not follow: %+v", hooks)
		}
		if _, err := h.desk.Test(t.Context(), h.admin, once.Key{}, e.ID, ""); err != nil {
			t.Fatal(err)
		}
		calls := h.settled(e)
		if len(calls) != 1 || calls[0].path != "/zendesk" || calls[0].header.Get("X-Key") != "k" || calls[0].json(t)["textBody"] == nil {
			t.Errorf("%d calls", len(calls))
		}
		// An endpoint of the dialect that somebody made by hand is none of the five.
		if other := h.make("/other", webhook.Draft{Dialect: ptr("chatlio")}); other.Hook != (webhook.Hook{}) {
			t.Errorf("%+v", other.Hook)
		}
	})
}

func TestS165S176SwitchesAreThoseOfAllWebhooksOfTheWidget(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		hooks, _ := h.set(webhook.HooksDraft{URLs: map[string]string{"feedback": h.url + "/feedback"}, RealNames: ptr(true)})
		if !hooks.RealNames || hooks.TraitsText {
			t.Errorf("%+v", hooks)
		}
		// A webhook that comes later is like the others.
		hooks, _ = h.set(webhook.HooksDraft{URLs: map[string]string{"transcript": h.url + "/transcript"}, TraitsText: ptr(true)})
		if !hooks.RealNames || !hooks.TraitsText {
			t.Errorf("%+v", hooks)
		}
		for _, name := range []string{"feedback", "transcript"} {
			same(t, name, h.endpoint(name).Switches, "[real_names traits_text]")
		}
		h.of(1, "transcript_requested")
		if c := h.settled(h.endpoint("transcript"))[0]; fmt.Sprintf("%T", c.json(t)["visitorTraits"]) != "string" {
			t.Errorf("traits %v", c.json(t)["visitorTraits"])
		}
		h.set(webhook.HooksDraft{TraitsText: ptr(false)})
		h.of(1, "transcript_requested")
		calls := h.settled(h.endpoint("transcript"))
		if c := calls[len(calls)-1]; fmt.Sprintf("%T", c.json(t)["visitorTraits"]) == "string" {
			t.Errorf("traits %v", c.json(t)["visitorTraits"])
		}
		// A form that empties all URLs may send the switch along as it was.
		hooks, _ = h.set(webhook.HooksDraft{URLs: map[string]string{"feedback": "", "transcript": ""}, RealNames: ptr(true), TraitsText: ptr(false)})
		if hooks.RealNames {
			t.Error("a switch without a webhook")
		}
	})
}

func TestRealNamesAreTurnedAndARepeatTurnsNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		turn := func(key string, on *bool) (bool, error) {
			return h.desk.SetRealNames(t.Context(), h.admin, once.Key{Scope: "s", Value: key, Request: "r"}, 1, on)
		}
		if _, err := turn("", nil); !fault.Is(err, fault.HookMissing) {
			t.Errorf("without webhooks: %v", err)
		}
		h.set(webhook.HooksDraft{URLs: h.everywhere()})
		for _, c := range []struct {
			key  string
			on   *bool
			want bool
		}{{"a", nil, true}, {"a", nil, true}, {"b", nil, false}, {"c", ptr(true), true}, {"d", ptr(true), true}, {"e", ptr(false), false}, {"a", nil, true}} {
			if got, err := turn(c.key, c.on); err != nil || got != c.want {
				t.Errorf("%s: %t, %v", c.key, got, err)
			}
		}
		if h.hooks().RealNames {
			t.Error("the last repeat turned it on")
		}
	})
}

func TestS123WhoTakesTranscripts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		h.make("/standard", webhook.Draft{})
		h.set(webhook.HooksDraft{URLs: map[string]string{"feedback": h.url + "/feedback"}})
		if h.hooked(1, "transcript") || !h.hooked(1, "feedback") {
			t.Error("before")
		}
		h.set(webhook.HooksDraft{URLs: map[string]string{"transcript": h.url + "/transcript"}})
		if !h.hooked(1, "transcript") || h.hooked(2, "transcript") {
			t.Error("with a webhook")
		}
		if _, err := h.desk.Pause(t.Context(), h.admin, h.endpoint("transcript").ID); err != nil {
			t.Fatal(err)
		}
		if !h.hooked(1, "transcript") {
			t.Error("with one that is paused: it is told later")
		}
		h.set(webhook.HooksDraft{URLs: map[string]string{"transcript": ""}})
		if h.hooked(1, "transcript") {
			t.Error("afterwards")
		}
		h.make("/by-hand", webhook.Draft{Dialect: ptr("chatlio"), Events: &[]string{"transcript"}, Widgets: &[]id.Widget{2}})
		if h.hooked(1, "transcript") || !h.hooked(2, "transcript") {
			t.Error("with an endpoint that somebody made")
		}
		h.view(func(tx *db.Tx) error {
			ok, err := h.desk.HasHook(tx, &event.Conversation{ID: 42}, "transcript")
			if ok {
				t.Error("without a widget")
			}
			return err
		})
	})
}

// Two admins save the same form at the same time: there is one endpoint for each webhook, and nobody gets an error.
func TestWebhooksThatAreSetAtTheSameTimeAreMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				draft := webhook.HooksDraft{URLs: h.everywhere(), RealNames: ptr(i%2 == 0)}
				if i%4 == 3 {
					draft.URLs = map[string]string{"unanswered": ""}
					draft.RealNames = nil
				}
				if _, _, err := h.desk.SetHooks(t.Context(), h.admin, once.Key{}, 1, draft); err != nil {
					t.Error(err)
				}
				h.of(1, "session_started")
			})
		}
		all.Wait()
		h.set(webhook.HooksDraft{URLs: h.everywhere()})
		list, err := h.desk.ListEndpoints(t.Context(), h.admin)
		if err != nil || len(list) != 5 {
			t.Errorf("%d endpoints, %v", len(list), err)
		}
	})
}

func TestALongNameOfAWidgetFitsIntoTheEndpoints(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		h.exec(`UPDATE widgets SET name = '` + strings.Repeat("Ä ", 50) + `' WHERE id = 1`)
		h.set(webhook.HooksDraft{URLs: h.everywhere()})
		if n := []rune(h.endpoint("new_conversation").Name); len(n) > 80 || !strings.HasSuffix(string(n), "…: New conversation") {
			t.Errorf("%d characters: %s", len(n), string(n))
		}
	})
}
