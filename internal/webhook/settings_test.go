package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect/all"
)

// make creates an endpoint of the standard dialect with the settings of the draft.
func (h *house) make(path string, draft webhook.Draft) *webhook.Endpoint {
	h.t.Helper()
	draft.Name, draft.URL = ptr("R"), ptr(h.url+path)
	if draft.Dialect == nil {
		draft.Dialect = ptr("standard")
	}
	e, _, err := h.desk.CreateEndpoint(h.t.Context(), h.admin, once.Key{}, draft)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *house) update(e *webhook.Endpoint, draft webhook.Draft) *webhook.Endpoint {
	h.t.Helper()
	e, err := h.desk.UpdateEndpoint(h.t.Context(), h.admin, e.ID, draft)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// at are the paths and types of the calls, in the order in which they came.
func at(t *testing.T, calls []call, path string) (out []string) {
	for _, c := range calls {
		if c.path == path {
			out = append(out, fmt.Sprint(c.json(t)["type"]))
		}
	}
	return out
}

// do runs fn in a transaction.
func (h *house) do(fn func(ctx context.Context, tx *db.Tx) error) {
	h.t.Helper()
	if err := h.d.Update(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// places makes the widgets 1 and 2 and the groups 1 and 2.
func (h *house) places() {
	h.t.Helper()
	h.do(func(_ context.Context, tx *db.Tx) error {
		for i := 1; i <= 2; i++ {
			if _, err := tx.Exec(`INSERT INTO operator_groups (id, name, created_at) VALUES ($1, $2, 0)`, i, fmt.Sprint("Group ", i)); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO widgets (id, key, name, lang, domains, color, position, title, subtitle, greeting, theme, session_timeout_seconds,
  identity_required, identity_secret, active, created_at, updated_at)
VALUES ($1, $2, '', '', '', '', '', '', '', '', '', 0, FALSE, '', TRUE, 0, 0)`, i, fmt.Sprint("w_", i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestSettingsAreKeptAndNewEndpointsGetTheDefaults(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		type settings struct {
			Version         string
			Widgets, Groups int
			Rate            int
			Ranges          []string
			Success         string
			Policy          webhook.Policy
		}
		of := func(e *webhook.Endpoint) settings {
			return settings{e.DialectVersion, len(e.Widgets), len(e.Groups), e.RateLimit, e.PrivateRanges, e.Success, e.Policy}
		}
		read := func(e *webhook.Endpoint) settings {
			got, err := h.desk.GetEndpoint(t.Context(), h.admin, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(of(e), of(got)); d != "" {
				t.Errorf("what was answered is not what is stored:\n%s", d)
			}
			return of(got)
		}
		kept := webhook.Policy{Name: webhook.Keep, Email: webhook.Keep, IP: webhook.Keep, Text: webhook.Keep}
		plain := h.make("/in", webhook.Draft{})
		if d := cmp.Diff(settings{Version: "1", Success: webhook.SuccessDialect, Policy: kept}, read(plain)); d != "" {
			t.Errorf("defaults (-want +got):\n%s", d)
		}
		full := webhook.Draft{DialectVersion: ptr("1"), Widgets: &[]id.Widget{2, 1, 2}, Groups: &[]id.Group{2}, RateLimit: ptr(10_000),
			PrivateRanges: &[]string{"127.0.0.1", "127.0.0.0/9"}, Success: ptr("2xx"), Policy: &webhook.Policy{Name: webhook.Hash, Text: webhook.Remove}}
		want := settings{"1", 2, 1, 10_000, []string{"127.0.0.0/9", "127.0.0.1/32"}, "2xx",
			webhook.Policy{Name: webhook.Hash, Email: webhook.Keep, IP: webhook.Keep, Text: webhook.Remove}}
		if d := cmp.Diff(want, read(h.make("/in", full))); d != "" {
			t.Errorf("made with all settings (-want +got):\n%s", d)
		}
		changed := h.update(plain, full)
		if d := cmp.Diff(want, read(changed)); d != "" {
			t.Errorf("changed to all settings (-want +got):\n%s", d)
		}
		changed = h.update(changed, webhook.Draft{Name: ptr("Other")}) // nothing else moves
		if d := cmp.Diff(want, read(changed)); d != "" {
			t.Errorf("after another change (-want +got):\n%s", d)
		}
		changed = h.update(changed, webhook.Draft{Widgets: &[]id.Widget{}, Groups: &[]id.Group{}, RateLimit: ptr(0), PrivateRanges: ptr([]string(nil)), Success: ptr("dialect"),
			Policy: &kept})
		if d := cmp.Diff(settings{Version: "1", Success: webhook.SuccessDialect, Policy: kept}, read(changed)); d != "" {
			t.Errorf("back to the defaults (-want +got):\n%s", d)
		}
	})
}

func TestEverySettingIsRefusedAtItsField(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		many := make([]id.Group, 201)
		for i := range many {
			many[i] = id.Group(i + 1)
		}
		e := h.make("/in", webhook.Draft{Groups: &[]id.Group{2}})
		for _, c := range []struct {
			draft webhook.Draft
			code  fault.Code
			field string
		}{
			{webhook.Draft{DialectVersion: ptr("2014")}, fault.EndpointDialect, "dialect_version"},
			{webhook.Draft{Dialect: ptr("userlike"), DialectVersion: ptr("none")}, fault.EndpointDialect, "dialect_version"},
			{webhook.Draft{Widgets: &[]id.Widget{1, 9}}, fault.FieldInvalid, "widgets"},
			{webhook.Draft{Groups: &[]id.Group{2, 9}}, fault.FieldInvalid, "groups"},
			{webhook.Draft{Groups: &many}, fault.FieldInvalid, "groups"},
			{webhook.Draft{RateLimit: ptr(-1)}, fault.FieldInvalid, "rate_limit"},
			{webhook.Draft{RateLimit: ptr(10_001)}, fault.FieldInvalid, "rate_limit"},
			{webhook.Draft{PrivateRanges: &[]string{"all"}}, fault.EndpointRange, "private_ranges"},
			{webhook.Draft{PrivateRanges: &[]string{"10.0.0.0/8"}}, fault.EndpointRange, "private_ranges"},
			{webhook.Draft{PrivateRanges: &[]string{}}, fault.TargetRefused, "private_ranges"},
			{webhook.Draft{URL: ptr("http://127.0.0.2/"), PrivateRanges: &[]string{"127.0.0.1"}}, fault.TargetRefused, "url"},
			{webhook.Draft{Success: ptr("200")}, fault.FieldInvalid, "success"},
			{webhook.Draft{Success: ptr("")}, fault.FieldInvalid, "success"},
			{webhook.Draft{Policy: &webhook.Policy{Name: "drop"}}, fault.FieldInvalid, "policy.name"},
			{webhook.Draft{Policy: &webhook.Policy{Email: "Hash"}}, fault.FieldInvalid, "policy.email"},
			{webhook.Draft{Policy: &webhook.Policy{IP: " "}}, fault.FieldInvalid, "policy.ip"},
			{webhook.Draft{Policy: &webhook.Policy{Text: "none"}}, fault.FieldInvalid, "policy.text"},
		} {
			_, err := h.desk.UpdateEndpoint(t.Context(), h.admin, e.ID, c.draft)
			if f := fault.As(err); f.Code != c.code || f.Field != c.field {
				t.Errorf("update %s: %v", c.field, err)
			}
			c.draft.Name = ptr("R")
			if c.draft.URL == nil {
				c.draft.URL = ptr(h.url)
			}
			if c.draft.Dialect == nil {
				c.draft.Dialect = ptr("standard")
			}
			_, _, err = h.desk.CreateEndpoint(t.Context(), h.admin, once.Key{}, c.draft)
			if f := fault.As(err); f.Code != c.code || f.Field != c.field && c.code != fault.TargetRefused {
				t.Errorf("create %s: %v", c.field, err)
			}
		}
		if list, err := h.desk.ListEndpoints(t.Context(), h.admin); err != nil || len(list) != 1 {
			t.Errorf("%d endpoints, %v", len(list), err)
		}
		// A group that went away keeps nobody from changing something else, even when the whole form is sent back.
		h.do(func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM operator_groups WHERE id = 2`)
			return err
		})
		h.update(e, webhook.Draft{Groups: &[]id.Group{1, 2}, RateLimit: ptr(5)})
	})
}

func TestOnlyConversationsOfTheFilteredWidgetsAndGroupsAreTold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.places()
		filtered := map[string]webhook.Draft{
			"/all": {}, "/widget1": {Widgets: &[]id.Widget{1}}, "/widgets": {Widgets: &[]id.Widget{1, 2}}, "/group1": {Groups: &[]id.Group{1}},
			"/both": {Widgets: &[]id.Widget{2}, Groups: &[]id.Group{2}},
		}
		want := map[string]string{
			// conversations of widget/group, in the order below; the operator's change belongs to none
			"/all": "1/0 1/1 2/1 2/2 1>2 -", "/widget1": "1/0 1/1 1>2 -", "/widgets": "1/0 1/1 2/1 2/2 1>2 -", "/group1": "1/1 2/1 1>2 -", "/both": "2/2 -",
		}
		var list []*webhook.Endpoint
		for path, draft := range filtered {
			list = append(list, h.make(path, draft))
		}
		say := func(topic string, widget id.Widget, group id.Group, before id.Group) {
			e := *eventtest.Named()[slices.IndexFunc(eventtest.Named(), func(s eventtest.Sample) bool { return s.Name == "conversation_assigned_group" })].Event
			e.ID, e.Seq, e.GroupBefore = 0, 0, nil
			e.Conversation.ID, e.Conversation.Topic, e.Conversation.Widget.ID, e.Conversation.Group = 42, topic, widget, nil
			if group != 0 {
				e.Conversation.Group = &event.Group{ID: group}
			}
			if before != 0 {
				e.GroupBefore = &event.Group{ID: before}
			}
			h.do(func(ctx context.Context, tx *db.Tx) error { return h.f.Append(ctx, tx, &e) })
		}
		say("1/0", 1, 0, 0)
		say("1/1", 1, 1, 0)
		say("2/1", 2, 1, 0)
		say("2/2", 2, 2, 0)
		say("1>2", 1, 2, 1) // the first group's last word on it
		h.happen("operator_online")
		for _, e := range list {
			h.settled(e)
		}
		for path, want := range want {
			var got []string
			for _, c := range h.wait(0) {
				if c.path != path {
					continue
				}
				topic := "-"
				if conversation, ok := c.json(t)["data"].(map[string]any)["conversation"].(map[string]any); ok {
					topic = fmt.Sprint(conversation["topic"])
				}
				got = append(got, topic)
			}
			// The operator's event is in a lane of its own.
			slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(fmt.Sprint(a == "-"), fmt.Sprint(b == "-")) })
			if strings.Join(got, " ") != want {
				t.Errorf("%s heard %q, want %q", path, got, want)
			}
		}
	})
}

func TestAny2xxCountsWhereTheEndpointSaysSo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.answer = func(c call, w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) }
		e := h.make("/in", webhook.Draft{Dialect: ptr("userlike"), Success: ptr(webhook.SuccessAny)})
		h.happen("message_received_plain")
		if calls := h.settled(e); len(calls) != 1 {
			t.Errorf("%d calls, want 1", len(calls))
		}
		list, _, err := h.desk.ListDeliveries(t.Context(), h.admin, webhook.DeliveryFilter{Endpoint: e.ID}, "", 10)
		if err != nil || len(list) != 1 || list[0].State != delivery.Delivered || list[0].LastStatus != 202 {
			t.Errorf("log %+v, %v", list, err)
		}
	})
}

func TestPrivateRangesAreHeldAgainstTheAddressThatIsCalled(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := h.make("/in", webhook.Draft{PrivateRanges: &[]string{"127.0.0.1"}})
		h.happen("message_received_plain")
		h.settled(e)
		// The same stored endpoint in a program whose owner allows less, and one that may reach nothing private: the executor asks
		// the door again at every call.
		h.do(func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE endpoints SET private_ranges = '[]'`)
			return err
		})
		sealer, err := secret.NewSealer(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		for _, allowed := range [][]netip.Prefix{nil, {netip.MustParsePrefix("127.0.0.0/8")}} {
			door := outhttp.New(outhttp.Options{AllowPrivate: allowed})
			defer door.Close()
			desk := webhook.New(webhook.Options{DB: h.d, Feed: h.f, HTTP: door, Sealer: sealer, Dialects: all.Dialects()})
			job := &delivery.Job{ID: 1, Kind: webhook.Kind, Ref: int64(e.ID), Form: "standard/1", Body: []byte("{}"), WebhookID: "evt_1"}
			if err := desk.Executor().Prepare(t.Context(), []*delivery.Job{job}); err != nil || job.Verdict != nil {
				t.Fatalf("%v, %+v", err, job.Verdict)
			}
			if out := desk.Executor().Do(t.Context(), job); out.Verdict != delivery.Retry || !strings.Contains(out.Reason, "not public") {
				t.Errorf("allowed %v: %+v", allowed, out)
			}
		}
		if n := len(h.wait(0)); n != 1 {
			t.Errorf("%d calls arrived, want 1", n)
		}
	})
}

func TestRateLimitSpreadsTheCalls(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const rate, calls = 20, 6
		e := h.make("/in", webhook.Draft{RateLimit: ptr(rate)})
		began := time.Now()
		for i := range calls { // of one conversation each
			one := *eventtest.Samples()[0]
			c := *one.Conversation
			one.ID, one.Seq, c.ID = 0, 0, id.Conversation(100+i)
			one.Conversation = &c
			h.do(func(ctx context.Context, tx *db.Tx) error { return h.f.Append(ctx, tx, &one) })
		}
		h.settled(e)
		if took, least := time.Since(began), time.Second*(calls-2)/rate; took < least {
			t.Errorf("%d calls took %v, want at least %v at %d a second", calls, took, least, rate)
		}
	})
}

// Whatever is changed while calls are on their way: each conversation's events arrive once and in order, in the form that held
// when they happened.
func TestOrderHoldsAcrossChangesOfTheSettings(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		failed := map[string]int{}
		h.answer = func(c call, w http.ResponseWriter) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if id := c.header.Get("Webhook-Id"); failed[id] < 1 {
				failed[id]++
				w.WriteHeader(500)
			}
		}
		e := h.make("/one", webhook.Draft{})
		say := func(n int) {
			one := *eventtest.Named()[slices.IndexFunc(eventtest.Named(), func(s eventtest.Sample) bool { return s.Name == "message_received_plain" })].Event
			c, m := *one.Conversation, *one.Message
			one.ID, one.Seq, c.ID, m.Body = 0, 0, id.Conversation(40+n%3), fmt.Sprint(n)
			m.ConversationID = c.ID
			one.Conversation, one.Message = &c, &m
			h.do(func(ctx context.Context, tx *db.Tx) error { return h.f.Append(ctx, tx, &one) })
		}
		const rounds, each = 9, 6
		for round := range rounds {
			for i := range each {
				say(round*each + i)
			}
			switch round {
			case 1:
				h.update(e, webhook.Draft{InFlightLimit: ptr(1), RateLimit: ptr(500)})
			case 2:
				h.update(e, webhook.Draft{URL: ptr(h.url + "/two"), PrivateRanges: &[]string{"127.0.0.1"}})
			case 3:
				h.update(e, webhook.Draft{Dialect: ptr("userlike"), Success: ptr(webhook.SuccessAny)})
			case 4:
				if _, err := h.desk.Pause(t.Context(), h.admin, e.ID); err != nil {
					t.Fatal(err)
				}
			case 5:
				if _, err := h.desk.Resume(t.Context(), h.admin, e.ID, true); err != nil {
					t.Fatal(err)
				}
				h.update(e, webhook.Draft{InFlightLimit: ptr(256), RateLimit: ptr(0), PrivateRanges: ptr([]string(nil))})
			case 6:
				if _, err := h.desk.RotateSecret(t.Context(), h.admin, once.Key{}, e.ID); err != nil {
					t.Fatal(err)
				}
				h.update(e, webhook.Draft{Headers: &map[string]string{"X-A": "b"}, Timeout: ptr(5 * time.Second)})
			}
		}
		got := map[int][]int{}
		seen := map[string]bool{}
		for _, c := range h.settled(e) {
			if seen[c.header.Get("Webhook-Id")] {
				continue // the repeat of what was answered 500 does not count, but its place does
			}
			seen[c.header.Get("Webhook-Id")] = true
			v, n := c.json(t), -1
			m, userlike := v["message"].(map[string]any)
			if !userlike {
				m = v["data"].(map[string]any)["message"].(map[string]any)
			}
			fmt.Sscan(fmt.Sprint(m["body"]), &n)
			if want := n >= 4*each; userlike != want {
				t.Errorf("event %d went out in the wrong dialect", n)
			}
			got[n%3] = append(got[n%3], n)
		}
		for lane, list := range got {
			if len(list) != rounds*each/3 || !slices.IsSorted(list) {
				t.Errorf("conversation %d: %v", 40+lane, list)
			}
		}
	})
}

func TestResumeWithoutTheBacklogSendsOnlyWhatHappensLater(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := h.make("/in", webhook.Draft{})
		if _, err := h.desk.Pause(t.Context(), h.admin, e.ID); err != nil {
			t.Fatal(err)
		}
		h.happen("session_started", "message_received_plain")
		if _, err := h.desk.Resume(t.Context(), h.admin, e.ID, false); err != nil {
			t.Fatal(err)
		}
		h.happen("message_sent_alias")
		if got := fmt.Sprint(at(t, h.settled(e), "/in")); got != "[message.sent]" {
			t.Errorf("calls %s", got)
		}
		list, _, err := h.desk.ListDeliveries(t.Context(), h.admin, webhook.DeliveryFilter{Endpoint: e.ID, State: delivery.Dropped}, "", 10)
		if err != nil || len(list) != 2 {
			t.Errorf("the log has %d dropped ones, %v", len(list), err)
		}
	})
}

func TestTestCallOfAChosenEventWhateverIsSubscribed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := h.make("/in", webhook.Draft{Events: &[]string{"operator.updated"}})
		for _, name := range []string{"", "message.received", "delivery.dead"} {
			if _, err := h.desk.Test(t.Context(), h.admin, once.Key{}, e.ID, name); err != nil {
				t.Fatal(err)
			}
		}
		got := at(t, h.settled(e), "/in")
		slices.Sort(got)
		if fmt.Sprint(got) != "[delivery.dead message.received operator.updated]" {
			t.Errorf("calls %s", got)
		}
		_, err := h.desk.Test(t.Context(), h.admin, once.Key{}, e.ID, "chat_session.start")
		if f := fault.As(err); f.Code != fault.EndpointEvent || f.Field != "event" {
			t.Errorf("an event of another dialect: %v", err)
		}
	})
}

func TestPolicyHoldsInCallsAndInTestCalls(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		remove := webhook.Policy{Name: webhook.Remove, Email: webhook.Remove, IP: webhook.Remove, Text: webhook.Remove}
		hash := webhook.Policy{Name: webhook.Hash, Email: webhook.Hash, IP: webhook.Hash, Text: webhook.Hash}
		var list []*webhook.Endpoint
		for _, speaks := range []string{"standard", "userlike"} {
			list = append(list, h.make("/"+speaks+"/remove", webhook.Draft{Dialect: &speaks, Policy: &remove}), h.make("/"+speaks+"/hash", webhook.Draft{Dialect: &speaks, Policy: &hash}))
		}
		script := []string{"session_started", "message_received_plain", "conversation_ended"}
		h.happen(script...)
		for _, e := range list {
			if _, err := h.desk.Test(t.Context(), h.admin, once.Key{}, e.ID, ""); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range list {
			h.settled(e)
		}
		names := map[string]bool{}
		calls := h.wait(0)
		for _, c := range calls {
			for _, told := range []string{"Jane", "Doe", "customer.example", "+49 30", "203.0.113.7", "Hello", "How do I install", "basket", "Topic", "Of course"} {
				if strings.Contains(string(c.body), told) {
					t.Errorf("%s was told %q: %s", c.path, told, c.body)
				}
			}
			if !strings.HasSuffix(c.path, "/hash") {
				continue
			}
			var body struct {
				Contact struct{ Name string }
				Data    struct {
					Conversation struct{ Contact struct{ Name string } }
				}
			}
			if err := json.Unmarshal(c.body, &body); err != nil {
				t.Fatal(err)
			}
			names[body.Contact.Name+body.Data.Conversation.Contact.Name] = true
		}
		if len(calls) != len(list)*(len(script)+1) {
			t.Errorf("%d calls", len(calls))
		}
		if len(names) != 1 || names[""] {
			t.Errorf("one contact has the hashes %v", names)
		}
	})
}

func TestOperationalEventsAreToldToTheOthers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		told := h.make("/told", webhook.Draft{})
		sick := h.make("/sick?token=s3cr3t", webhook.Draft{})
		notice := func(n delivery.Notice) {
			t.Helper()
			h.do(func(ctx context.Context, tx *db.Tx) error {
				return h.desk.Executor().Notice(ctx, tx, int64(sick.ID), n)
			})
		}
		state := func(want, reason string) {
			t.Helper()
			if e, err := h.desk.GetEndpoint(t.Context(), h.admin, sick.ID); err != nil || e.State != want || e.StateReason != reason {
				t.Errorf("the endpoint is %s (%s), want %s (%s), %v", e.State, e.StateReason, want, reason, err)
			}
		}
		h.happen("message_received_plain")
		h.settled(sick)
		entries, _, err := h.desk.ListDeliveries(t.Context(), h.admin, webhook.DeliveryFilter{Endpoint: sick.ID}, "", 1)
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		dead := delivery.Notice{Kind: delivery.NoticeDead, Reason: "it answered 500", Delivery: entries[0].ID, Event: entries[0].Event, Name: entries[0].Name, Attempts: 12}
		notice(delivery.Notice{Kind: delivery.NoticeFailing, Reason: "it answered 500", Days: 1})
		notice(dead)
		state(webhook.Active, "")
		notice(delivery.Notice{Kind: delivery.NoticePaused, Reason: "five days", Days: 5})
		state(webhook.Paused, "five days")
		notice(delivery.Notice{Kind: delivery.NoticeGone, Reason: "too late"}) // it is stopped already
		state(webhook.Paused, "five days")
		if _, err := h.desk.Resume(t.Context(), h.admin, sick.ID, true); err != nil {
			t.Fatal(err)
		}
		notice(delivery.Notice{Kind: delivery.NoticeGone, Reason: "it answered 410"})
		state(webhook.Gone, "it answered 410")
		h.settled(told)
		// A dead test call lost nothing, and a dead operational event raises none.
		events, _, err := h.f.ReadAfter(t.Context(), 0, 100, feedFilter())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Lane() != fmt.Sprint("endpoint:", sick.ID) || e.By.Type != event.BySystem || strings.Contains(fmt.Sprintf("%+v", e.Endpoint), "s3cr3t") {
				t.Errorf("event %+v of %s", e.Endpoint, e.Lane())
			}
			dead.Event = e.ID
			notice(dead)
		}
		dead.Event = 0
		notice(dead)
		h.settled(told)
		var got []string
		for _, c := range h.wait(0) {
			if v := c.json(t); v["type"] != "message.received" {
				d := v["data"].(map[string]any)
				n := d["endpoint"].(map[string]any)
				got = append(got, fmt.Sprint(c.path, " ", v["type"], " ", n["state"], " ", n["reason"], " ", d["days"], " ", d["delivery"]))
				if !strings.HasPrefix(h.url, "http://"+fmt.Sprint(n["url"])) {
					t.Errorf("the URL is told as %v", n["url"])
				}
			}
		}
		want := []string{
			"/told endpoint.failing active it answered 500 1 <nil>",
			fmt.Sprintf("/told delivery.dead active it answered 500 <nil> map[attempts:12 event_id:%d event_name:message.received id:%d]", entries[0].Event, entries[0].ID),
			"/told endpoint.paused paused five days <nil> <nil>",
			"/told endpoint.paused gone it answered 410 <nil> <nil>",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
	})
}

func TestAnEndpointThatWantsNoMoreIsToldToTheOthers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.answer = func(c call, w http.ResponseWriter) {
			if c.path == "/gone" {
				w.WriteHeader(http.StatusGone)
			}
		}
		h.make("/told", webhook.Draft{Events: &[]string{"endpoint.paused"}})
		h.make("/gone", webhook.Draft{})
		h.happen("message_received_plain")
		calls := h.wait(2)
		data, ok := calls[1].json(t)["data"].(map[string]any)
		if !ok || calls[1].path != "/told" || fmt.Sprint(data["endpoint"].(map[string]any)["state"]) != webhook.Gone {
			t.Errorf("%s was told %s", calls[1].path, calls[1].body)
		}
	})
}

// A database that a newer program wrote: its endpoint waits for that program, and loses nothing.
func TestAnEndpointThatThisProgramCannotServeIsPausedAndKeepsItsCalls(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		told, newer := h.make("/told", webhook.Draft{Events: &[]string{"endpoint.paused"}}), h.make("/newer", webhook.Draft{})
		version := func(v string) {
			h.do(func(_ context.Context, tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE endpoints SET dialect_version = $1 WHERE id = $2`, v, int64(newer.ID))
				return err
			})
			h.update(told, webhook.Draft{}) // so that the change is seen
		}
		version("9")
		h.happen("message_received_plain", "message_sent_alias")
		if c := h.wait(1)[0]; c.path != "/told" || !strings.Contains(string(c.body), "has no version") {
			t.Errorf("%s was told %s", c.path, c.body)
		}
		h.happen("message_noted")
		got, err := h.desk.GetEndpoint(t.Context(), h.admin, newer.ID)
		if err != nil || got.State != webhook.Paused || got.Stats.Pending != 3 {
			t.Errorf("%s with %d pending, %v", got.State, got.Stats.Pending, err)
		}
		version("1")
		h.do(func(_ context.Context, tx *db.Tx) error { // what was queued for the version that nobody has
			_, err := tx.Exec(`UPDATE deliveries SET form = 'standard/1'`)
			return err
		})
		if _, err := h.desk.Resume(t.Context(), h.admin, newer.ID, true); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(at(t, h.settled(newer), "/newer")); got != "[message.received message.sent message.noted]" {
			t.Errorf("calls %s", got)
		}
	})
}

func TestReplayAndReviveByFilter(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		e, other := h.make("/in", webhook.Draft{}), h.make("/other", webhook.Draft{})
		h.happen("message_received_plain", "message_sent_alias", "operator_online")
		h.settled(other)
		before := h.settled(e)
		received := webhook.DeliveryFilter{Endpoint: e.ID, Name: "message.received"}
		if n, err := h.desk.ReplayAll(ctx, h.admin, once.Key{}, received, true); err != nil || n != 1 {
			t.Errorf("dry run: %d, %v", n, err)
		}
		if n := len(h.settled(e)); n != len(before) {
			t.Errorf("a dry run sent %d calls", n-len(before))
		}
		key := once.Key{Scope: "s", Value: "k", Request: "r"}
		for range 2 { // the repeat is an answer
			if n, err := h.desk.ReplayAll(ctx, h.admin, key, received, false); err != nil || n != 1 {
				t.Errorf("replay: %d, %v", n, err)
			}
		}
		calls := h.settled(e)
		if len(calls) != len(before)+1 || calls[len(before)].path != "/in" || calls[len(before)].json(t)["type"] != "message.received" {
			t.Errorf("%d calls after the replay of one", len(calls)-len(before))
		}
		list, _, err := h.desk.ListDeliveries(ctx, h.admin, webhook.DeliveryFilter{Endpoint: e.ID, Name: "operator.status_changed"}, "", 10)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		one := list[0]
		for what, f := range map[string]webhook.DeliveryFilter{
			"event": {Endpoint: e.ID, Event: one.Event}, "conversation": {Endpoint: e.ID, Conversation: 4711},
			"from": {Endpoint: e.ID, Name: one.Name, From: one.CreatedAt}, "to": {Endpoint: e.ID, Name: one.Name, To: one.CreatedAt},
		} {
			want := map[string]int{"event": 1, "from": 1}[what]
			got, _, err := h.desk.ListDeliveries(ctx, h.admin, f, "", 10)
			if err != nil || len(got) != want {
				t.Errorf("listed by %s: %d, %v", what, len(got), err)
			}
			if n, err := h.desk.ReplayAll(ctx, h.admin, once.Key{}, f, true); err != nil || n != int64(want) {
				t.Errorf("counted by %s: %d, %v", what, n, err)
			}
		}
		if n, err := h.desk.ReviveAll(ctx, h.admin, once.Key{}, webhook.DeliveryFilter{Endpoint: e.ID}, true); err != nil || n != 0 {
			t.Errorf("dead ones: %d, %v", n, err)
		}
		h.do(func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE deliveries SET state = 'dead' WHERE id = $1`, int64(one.ID))
			return err
		})
		sent := len(h.settled(e))
		if n, err := h.desk.ReviveAll(ctx, h.admin, once.Key{}, webhook.DeliveryFilter{Endpoint: e.ID, Event: one.Event}, false); err != nil || n != 1 {
			t.Errorf("revive: %d, %v", n, err)
		}
		if n := len(h.settled(e)); n != sent+1 {
			t.Errorf("%d calls after reviving one", n-sent)
		}
		die := func() {
			h.do(func(_ context.Context, tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE deliveries SET state = 'dead' WHERE id = $1`, int64(one.ID))
				return err
			})
		}
		for key, more := range map[string]int{"first": 1, "second": 1} {
			die()
			sent := len(h.settled(e))
			for range 2 {
				if _, err := h.desk.Revive(ctx, h.admin, once.Key{Scope: "test", Value: key}, one.ID); err != nil {
					t.Errorf("revive with key %s: %v", key, err)
				}
				if n := len(h.settled(e)); n != sent+more {
					t.Errorf("%d calls after reviving with key %s", n-sent, key)
				}
				die() // a late repeat of the request must not start it anew
			}
		}
		for _, c := range []struct {
			f     webhook.DeliveryFilter
			code  fault.Code
			field string
		}{
			{webhook.DeliveryFilter{}, fault.FieldRequired, "endpoint_id"}, {webhook.DeliveryFilter{Endpoint: 999}, fault.EndpointNotFound, ""},
			{webhook.DeliveryFilter{Endpoint: e.ID, From: one.CreatedAt, To: one.CreatedAt}, fault.FieldInvalid, "to"},
		} {
			for _, dry := range []bool{true, false} {
				_, err := h.desk.ReplayAll(ctx, h.admin, once.Key{}, c.f, dry)
				if f := fault.As(err); f.Code != c.code || f.Field != c.field {
					t.Errorf("replay %+v: %v", c.f, err)
				}
			}
		}
		_, err = h.desk.ReviveAll(ctx, h.admin, once.Key{}, webhook.DeliveryFilter{Endpoint: e.ID, State: delivery.Delivered}, true)
		if f := fault.As(err); f.Code != fault.FieldInvalid || f.Field != "state" {
			t.Errorf("revive what is not dead: %v", err)
		}
	})
}

func TestAReplayOfTooManyIsRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := h.make("/in", webhook.Draft{})
		h.happen("message_received_plain")
		h.settled(e)
		list, _, err := h.desk.ListDeliveries(t.Context(), h.admin, webhook.DeliveryFilter{Endpoint: e.ID}, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		h.do(func(_ context.Context, tx *db.Tx) error { return copies(tx, list[0], webhook.MaxReplay) })
		f := webhook.DeliveryFilter{Endpoint: e.ID}
		if n, err := h.desk.ReplayAll(t.Context(), h.admin, once.Key{}, f, true); err != nil || n != webhook.MaxReplay+1 {
			t.Errorf("dry run: %d, %v", n, err)
		}
		_, err = h.desk.ReplayAll(t.Context(), h.admin, once.Key{}, f, false)
		if f := fault.As(err); f.Code != fault.DeliveryTooMany || !strings.Contains(f.Detail, "more than 10000") {
			t.Errorf("replay: %v", err)
		}
	})
}

func TestChartTellsHowAnEndpointDid(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := h.make("/in", webhook.Draft{})
		h.happen("message_received_plain", "message_sent_alias")
		h.settled(e)
		points, err := h.desk.Chart(t.Context(), h.admin, e.ID, time.Now().Add(-time.Hour), time.Minute)
		var delivered int64
		for _, p := range points {
			delivered += p.Delivered
		}
		if err != nil || delivered != 2 {
			t.Errorf("%+v, %v", points, err)
		}
		if _, err := h.desk.Chart(t.Context(), h.admin, 999, time.Now(), time.Minute); !fault.Is(err, fault.EndpointNotFound) {
			t.Errorf("of an unknown endpoint: %v", err)
		}
	})
}

func TestSamplesAreWhatATestCallSends(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		samples, err := h.desk.Samples("standard", "")
		if err != nil || len(samples) != len(eventtest.Named()) {
			t.Fatalf("%d samples, %v", len(samples), err)
		}
		e := h.make("/in", webhook.Draft{})
		if _, err := h.desk.Test(t.Context(), h.admin, once.Key{}, e.ID, ""); err != nil {
			t.Fatal(err)
		}
		if c := h.wait(1)[0]; string(c.body) != string(samples[0].Body) || samples[0].Event != "conversation.created" || samples[0].Name != "conversation_created" {
			t.Errorf("sample %s %s: %s, sent %s", samples[0].Name, samples[0].Event, samples[0].Body, c.body)
		}
		if pinned, err := h.desk.Samples("userlike", "1"); err != nil || len(pinned) == 0 {
			t.Errorf("%d samples, %v", len(pinned), err)
		}
		for _, c := range [][3]string{{"nope", "", "dialect"}, {"standard", "0", "dialect_version"}} {
			_, err := h.desk.Samples(c[0], c[1])
			if f := fault.As(err); f.Code != fault.EndpointDialect || f.Field != c[2] {
				t.Errorf("%v: %v", c, err)
			}
		}
	})
}

func feedFilter() feed.Filter {
	return feed.Filter{Types: []event.Type{event.EndpointFailing, event.EndpointPaused, event.DeliveryDead}}
}

// copies puts n more rows like one into the log.
func copies(tx *db.Tx, one delivery.Entry, n int) error {
	items := make([]delivery.Item, n)
	for i := range items {
		items[i] = delivery.Item{Target: one.Target, Event: one.Event, Lane: "c42", Name: one.Name, Form: one.Form}
	}
	if _, err := delivery.Enqueue(tx, items...); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE deliveries SET state = 'delivered' WHERE state = 'pending'`)
	return err
}
