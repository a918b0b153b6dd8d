package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect/all"
)

// house is the whole road from the feed to a recording receiver.
type house struct {
	t      *testing.T
	d      *db.DB
	f      *feed.Feed
	desk   *webhook.Desk
	engine *delivery.Engine
	url    string
	admin  team.Actor

	mu     sync.Mutex
	calls  []call
	answer func(c call, w http.ResponseWriter)
	came   chan struct{}
}

type call struct {
	path   string
	method string
	header http.Header
	body   []byte
}

func (c call) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(c.body, &v); err != nil {
		t.Fatalf("%q: %v", c.body, err)
	}
	return v
}

func (c call) event(t *testing.T) string {
	v := c.json(t)
	return fmt.Sprint(v["_type"], ".", v["_event"])
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := &house{t: t, d: d, f: feed.New(d), admin: team.System(), came: make(chan struct{}, 1000)}
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			c := call{path: r.URL.Path, method: r.Method, header: r.Header.Clone(), body: b}
			h.mu.Lock()
			h.calls = append(h.calls, c)
			answer := h.answer
			h.mu.Unlock()
			h.came <- struct{}{}
			if answer != nil {
				answer(c, w)
			}
		}))
		t.Cleanup(s.Close)
		h.url = s.URL
		sealer, err := secret.NewSealer(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		door := outhttp.New(outhttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
		t.Cleanup(door.Close)
		h.desk = webhook.New(webhook.Options{DB: d, Feed: h.f, HTTP: door, Sealer: sealer, Dialects: append(all.Dialects(), forms{}), UserAgent: "Parley/test",
			PublicURL: "https://chat.example", NoReply: "no-reply@chat.example", Kick: func() { h.engine.Kick() }})
		h.f.Plan(h.desk.Plan)
		h.engine = delivery.New(delivery.Options{DB: d, Changed: h.f.Changed, Schedule: []time.Duration{time.Millisecond},
			Executors: map[string]delivery.Executor{webhook.Kind: h.desk.Executor()}})
		numbering, cancel := context.WithCancel(context.Background())
		go h.engine.Run(context.Background())
		var number sync.WaitGroup
		number.Go(func() { h.f.RunNumbering(numbering) })
		t.Cleanup(func() {
			stop, done := context.WithTimeout(context.Background(), 10*time.Second)
			defer done()
			h.engine.Stop(stop)
			cancel()
			number.Wait()
		})
		fn(t, h)
	})
}

func ptr[T any](v T) *T { return &v }

func (h *house) create(speaks, path string, events ...string) (*webhook.Endpoint, string) {
	h.t.Helper()
	e, key, err := h.desk.CreateEndpoint(h.t.Context(), h.admin, once.Key{}, webhook.Draft{Name: ptr("R"), URL: ptr(h.url + path), Dialect: &speaks, Events: &events})
	if err != nil {
		h.t.Fatal(err)
	}
	return e, key.Reveal()
}

// happen appends the named samples, in one transaction each.
func (h *house) happen(names ...string) {
	h.t.Helper()
	for _, want := range names {
		i := slices.IndexFunc(eventtest.Named(), func(s eventtest.Sample) bool { return s.Name == want })
		if i < 0 {
			h.t.Fatalf("no sample %s", want)
		}
		e := eventtest.Named()[i].Event
		e.ID, e.Seq = 0, 0
		if err := h.d.Update(h.t.Context(), func(ctx context.Context, tx *db.Tx) error { return h.f.Append(ctx, tx, e) }); err != nil {
			h.t.Fatal(err)
		}
	}
}

// wait returns the first n calls when they have come, and fails when there are more by the time everything is delivered.
func (h *house) wait(n int) []call {
	h.t.Helper()
	for {
		h.mu.Lock()
		got := slices.Clone(h.calls)
		h.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-h.came:
		case <-time.After(20 * time.Second):
			h.t.Fatalf("%d calls came, want %d", len(got), n)
		}
	}
}

// settled waits until nothing is pending at the endpoint and returns all calls.
func (h *house) settled(e *webhook.Endpoint) []call {
	h.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		got, err := h.desk.GetEndpoint(h.t.Context(), h.admin, e.ID)
		if err != nil {
			h.t.Fatal(err)
		}
		if got.Stats.Pending == 0 {
			return h.wait(0)
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("still pending: %+v", got.Stats)
		}
	}
}

func TestS084CallbackURLIsHTTPOrHTTPSAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for url, code := range map[string]fault.Code{h.url + "/x?y=1": "", "https://example.com/": "", "ftp://example.com/": fault.EndpointURL,
			"http://u:p@example.com/": fault.EndpointURL, "http://10.0.0.1/": fault.TargetRefused, "": fault.EndpointURL} {
			e, _, err := h.desk.CreateEndpoint(t.Context(), h.admin, once.Key{}, webhook.Draft{Name: ptr("R"), URL: &url, Dialect: ptr("userlike")})
			if code == "" {
				if err != nil || e.URL != url {
					t.Errorf("%s: %v", url, err)
				}
				continue
			}
			if f := fault.As(err); f.Code != code || f.Field != "url" {
				t.Errorf("%s: %v, want %s at url", url, err, code)
			}
		}
	})
}

func TestS083OnlyAdminsSeeOrChangeEndpoints(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _ := h.create("userlike", "/in")
		by := team.Actor{Operator: 3, Name: "Ann", Scope: team.ScopeWrite}
		ctx := t.Context()
		tries := map[string]func() error{
			"create": func() error { _, _, err := h.desk.CreateEndpoint(ctx, by, once.Key{}, webhook.Draft{}); return err },
			"update": func() error { _, err := h.desk.UpdateEndpoint(ctx, by, e.ID, webhook.Draft{}); return err },
			"delete": func() error { return h.desk.DeleteEndpoint(ctx, by, e.ID) },
			"pause":  func() error { _, err := h.desk.Pause(ctx, by, e.ID); return err },
			"resume": func() error { _, err := h.desk.Resume(ctx, by, e.ID, true); return err },
			"rotate": func() error { _, err := h.desk.RotateSecret(ctx, by, once.Key{}, e.ID); return err },
			"test":   func() error { _, err := h.desk.Test(ctx, by, once.Key{}, e.ID, ""); return err },
			"list":   func() error { _, err := h.desk.ListEndpoints(ctx, by); return err },
			"get":    func() error { _, err := h.desk.GetEndpoint(ctx, by, e.ID); return err },
			"log": func() error {
				_, _, err := h.desk.ListDeliveries(ctx, by, webhook.DeliveryFilter{}, "", 10)
				return err
			},
			"detail": func() error { _, err := h.desk.GetDelivery(ctx, by, 1); return err },
			"replay": func() error { _, err := h.desk.Replay(ctx, by, once.Key{}, 1); return err },
			"revive": func() error { _, err := h.desk.Revive(ctx, by, once.Key{}, 1); return err },
			"replay all": func() error {
				_, err := h.desk.ReplayAll(ctx, by, once.Key{}, webhook.DeliveryFilter{Endpoint: e.ID}, true)
				return err
			},
			"revive all": func() error {
				_, err := h.desk.ReviveAll(ctx, by, once.Key{}, webhook.DeliveryFilter{Endpoint: e.ID}, false)
				return err
			},
			"chart": func() error { _, err := h.desk.Chart(ctx, by, e.ID, time.Now(), time.Minute); return err },
		}
		for what, try := range tries {
			if err := try(); !fault.Is(err, fault.AuthDenied) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// S-085, S-086: a signed POST of JSON; the signature is checked by the official library.
func TestS085S086CallIsASignedJSONPost(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		headers := map[string]string{"api-security-token": "s3cr3t"}
		e, key, err := h.desk.CreateEndpoint(t.Context(), h.admin, once.Key{}, webhook.Draft{Name: ptr("R"), URL: ptr(h.url + "/in"), Dialect: ptr("userlike"), Headers: &headers})
		if err != nil {
			t.Fatal(err)
		}
		h.happen("message_received_emoji")
		c := h.wait(1)[0]
		if c.method != "POST" || c.header.Get("Content-Type") != "application/json" || c.header.Get("User-Agent") != "Parley/test" ||
			c.header.Get("API-SECURITY-TOKEN") != "s3cr3t" {
			t.Errorf("call: %s %v", c.method, c.header)
		}
		wh, err := standardwebhooks.NewWebhook(key.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.Verify(c.body, c.header); err != nil {
			t.Errorf("the official library refuses the signature: %v", err)
		}
		h.settled(e)
		list, _, err := h.desk.ListDeliveries(t.Context(), h.admin, webhook.DeliveryFilter{Endpoint: e.ID, State: delivery.Delivered, Conversation: 42}, "", 10)
		if err != nil || len(list) != 1 || list[0].WebhookID != c.header.Get("Webhook-Id") || list[0].EventType != "message.received" {
			t.Fatalf("log: %+v, %v", list, err)
		}
		d, err := h.desk.GetDelivery(t.Context(), h.admin, list[0].ID)
		if err != nil || string(d.Body) != string(c.body) || d.AttemptLog[0].Status != 200 {
			t.Errorf("detail: %+v, %v", d, err)
		}
		if shown := fmt.Sprint(d.AttemptLog[0].RequestHeader); strings.Contains(shown, "s3cr3t") || !strings.Contains(shown, "***") {
			t.Errorf("headers in the log: %s", shown)
		}
		all, err := h.desk.ListEndpoints(t.Context(), h.admin)
		if err != nil || strings.Contains(fmt.Sprintf("%v %+v", all[0].Headers, all[0].HasSecret), "s3cr3t") {
			t.Errorf("the list shows a secret: %+v %v", all[0], err)
		}
	})
}

func TestS087AnythingBut200IsRetriedWithTheSameBytes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		statuses := []int{204, 301, 404, 500, 201, 410}
		n := 0
		h.answer = func(_ call, w http.ResponseWriter) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if n < len(statuses) {
				w.Header().Set("Location", h.url+"/elsewhere")
				w.WriteHeader(statuses[n])
			}
			n++
		}
		e, _ := h.create("userlike", "/in")
		h.happen("message_received_plain")
		calls := h.settled(e)
		if len(calls) != len(statuses)+1 {
			t.Fatalf("%d calls, want %d", len(calls), len(statuses)+1)
		}
		for _, c := range calls {
			if string(c.body) != string(calls[0].body) || c.header.Get("Webhook-Id") != calls[0].header.Get("Webhook-Id") || c.path != "/in" {
				t.Errorf("an attempt differs from the first: %s %s", c.path, c.header.Get("Webhook-Id"))
			}
		}
		list, _, err := h.desk.ListDeliveries(t.Context(), h.admin, webhook.DeliveryFilter{}, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		d, err := h.desk.GetDelivery(t.Context(), h.admin, list[0].ID)
		if err != nil || len(d.AttemptLog) != len(statuses)+1 {
			t.Fatalf("log %+v, %v", d, err)
		}
		for i, s := range statuses {
			if a := d.AttemptLog[i]; a.Status != s || a.Outcome != delivery.Retry {
				t.Errorf("attempt %d: %+v", i+1, a)
			}
		}
	})
}

func TestStandardTakesAny2xxAnd410EndsTheSubscription(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		status := 204
		h.answer = func(_ call, w http.ResponseWriter) {
			h.mu.Lock()
			defer h.mu.Unlock()
			w.WriteHeader(status)
		}
		e, _ := h.create("standard", "/in")
		h.happen("message_received_plain")
		h.settled(e)
		h.mu.Lock()
		status = 410
		h.mu.Unlock()
		h.happen("message_sent_alias")
		for {
			got, err := h.desk.GetEndpoint(t.Context(), h.admin, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got.State == webhook.Gone {
				break
			}
		}
		h.happen("message_noted") // nothing is queued any more
		h.mu.Lock()
		status = 200
		h.mu.Unlock()
		if _, err := h.desk.Resume(t.Context(), h.admin, e.ID, true); err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, c := range h.settled(e) {
			kinds = append(kinds, fmt.Sprint(c.json(t)["type"]))
		}
		if got, want := fmt.Sprint(kinds), "[message.received message.sent message.sent]"; got != want {
			t.Errorf("calls %s, want %s", got, want)
		}
	})
}

func TestS097S098EventsAreSubscribedOneByOneAndUntickingStopsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _ := h.create("userlike", "/in", "chat_session.start", "operator.back", "conversation.ended")
		script := []string{"conversation_created", "session_started", "message_received_plain", "message_sent_alias", "session_ended_by_operator", "conversation_ended",
			"operator_online", "operator_away", "operator_back", "operator_offline", "widget_updated"}
		h.happen(script...)
		kinds := func() (out []string) {
			for _, c := range h.settled(e) {
				out = append(out, c.event(t))
			}
			slices.Sort(out)
			return out
		}
		if got := fmt.Sprint(kinds()); got != "[chat_session.start conversation.ended operator.back]" {
			t.Errorf("calls %s", got)
		}
		if _, err := h.desk.UpdateEndpoint(t.Context(), h.admin, e.ID, webhook.Draft{Events: &[]string{"operator.back"}}); err != nil {
			t.Fatal(err)
		}
		h.happen(script...)
		if got := fmt.Sprint(kinds()); got != "[chat_session.start conversation.ended operator.back operator.back]" {
			t.Errorf("calls after unticking %s", got)
		}
		_, err := h.desk.UpdateEndpoint(t.Context(), h.admin, e.ID, webhook.Draft{Events: &[]string{"message.received"}})
		if f := fault.As(err); f.Code != fault.EndpointEvent || f.Field != "events" {
			t.Errorf("an event of another dialect: %v", err)
		}
	})
}

// A rolled-back change of an endpoint must not stay in memory, and a change by another node counts at once.
func TestEndpointChangesCountAtOnceOnEveryNodeAndOnlyWhenCommitted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _ := h.create("userlike", "/in")
		sealer, err := secret.NewSealer(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		other := webhook.New(webhook.Options{DB: h.d, Feed: h.f, HTTP: outhttp.New(outhttp.Options{}), Sealer: sealer, Dialects: all.Dialects()})
		h.happen("message_received_plain")
		h.wait(1)
		if err := other.DeleteEndpoint(t.Context(), h.admin, e.ID); err != nil {
			t.Fatal(err)
		}
		h.happen("message_received_plain")
		list, _, err := h.desk.ListDeliveries(t.Context(), h.admin, webhook.DeliveryFilter{}, "", 10)
		if err != nil || len(list) != 1 {
			t.Errorf("%d deliveries were queued, want 1 (%v)", len(list), err)
		}
		if _, err := h.desk.GetEndpoint(t.Context(), h.admin, e.ID); !fault.Is(err, fault.EndpointNotFound) {
			t.Errorf("the deleted endpoint: %v", err)
		}
	})
}

func TestS099S100FirstMessageGivesOneStartAndOneMessageReceived(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _ := h.create("userlike", "/in")
		first := eventtest.Named()[slices.IndexFunc(eventtest.Named(), func(s eventtest.Sample) bool { return s.Name == "session_started" })].Event
		start, message := *first, *first
		start.ID, start.Seq, message.ID, message.Seq = 0, 0, 0, 0
		message.Type = event.MessageReceived
		if err := h.d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error { return h.f.Append(ctx, tx, &start, &message) }); err != nil {
			t.Fatal(err)
		}
		calls := h.settled(e)
		if len(calls) != 2 || calls[0].event(t) != "chat_session.start" || calls[1].event(t) != "chat_session.message_received" {
			t.Fatalf("%d calls: %v", len(calls), calls)
		}
		text := first.Message.Body
		opening := calls[0].json(t)["messages"].([]any)[0].(map[string]any)
		single := calls[1].json(t)["message"].(map[string]any)
		if opening["body"] != text || single["body"] != text || opening["id"] != single["id"] {
			t.Errorf("opening message %v, message %v", opening, single)
		}
	})
}

func TestRotatedSecretSignsBesideTheOldOne(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, old := h.create("standard", "/in")
		fresh, err := h.desk.RotateSecret(t.Context(), h.admin, once.Key{}, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		h.happen("message_received_plain")
		c := h.wait(1)[0]
		if n := len(strings.Fields(c.header.Get("Webhook-Signature"))); n != 2 {
			t.Errorf("%d signatures: %s", n, c.header.Get("Webhook-Signature"))
		}
		for _, key := range []string{old, fresh.Reveal()} {
			wh, err := standardwebhooks.NewWebhook(key)
			if err != nil {
				t.Fatal(err)
			}
			if err := wh.Verify(c.body, c.header); err != nil {
				t.Errorf("one of the secrets does not verify: %v", err)
			}
		}
	})
}

func TestPausedEndpointKeepsItsCallsAndSendsThemInOrderAfterResume(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _ := h.create("userlike", "/in")
		if _, err := h.desk.Pause(t.Context(), h.admin, e.ID); err != nil {
			t.Fatal(err)
		}
		h.happen("session_started", "message_received_plain", "message_sent_alias", "session_ended_by_contact")
		if _, err := h.desk.Test(t.Context(), h.admin, once.Key{}, e.ID, ""); !fault.Is(err, fault.EndpointPaused) {
			t.Errorf("test call to a paused endpoint: %v", err)
		}
		got, err := h.desk.GetEndpoint(t.Context(), h.admin, e.ID)
		if err != nil || got.Stats.Pending != 4 || len(h.wait(0)) != 0 {
			t.Errorf("while paused: %+v, %d calls", got.Stats, len(h.wait(0)))
		}
		if _, err := h.desk.Resume(t.Context(), h.admin, e.ID, true); err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, c := range h.settled(e) {
			kinds = append(kinds, c.event(t))
		}
		if got := fmt.Sprint(kinds); got != "[chat_session.start chat_session.message_received chat_session.message_sent chat_session.end]" {
			t.Errorf("calls %s", got)
		}
	})
}

func TestTestCallAndReplayCarryTheSameShape(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, key := h.create("userlike", "/in", "operator.away")
		queued, err := h.desk.Test(t.Context(), h.admin, once.Key{}, e.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		c := h.wait(1)[0]
		h.settled(e)
		wh, err := standardwebhooks.NewWebhook(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.Verify(c.body, c.header); err != nil || c.event(t) != "operator.away" {
			t.Errorf("test call %s: %v", c.event(t), err)
		}
		again, err := h.desk.Replay(t.Context(), h.admin, once.Key{}, queued)
		if err != nil {
			t.Fatal(err)
		}
		second := h.wait(2)[1]
		if !again.Test || again.ReplayOf != queued || string(second.body) != string(c.body) || second.header.Get("Webhook-Id") != c.header.Get("Webhook-Id") {
			t.Errorf("replay %+v: %s", again, second.header.Get("Webhook-Id"))
		}
	})
}

func TestUpdateKeepsMaskedHeadersAndRefusesWrongFieldsTogether(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e, _, err := h.desk.CreateEndpoint(t.Context(), h.admin, once.Key{}, webhook.Draft{Name: ptr("R"), URL: ptr(h.url), Dialect: ptr("userlike"),
			Headers: &map[string]string{"X-A": "one", "X-B": "two"}})
		if err != nil {
			t.Fatal(err)
		}
		e, err = h.desk.UpdateEndpoint(t.Context(), h.admin, e.ID, webhook.Draft{Headers: &map[string]string{"x-a": webhook.Masked, "X-C": "three"}})
		if err != nil || e.Headers["X-A"].Reveal() != "one" || e.Headers["X-C"].Reveal() != "three" || len(e.Headers) != 2 {
			t.Errorf("headers %v, %v", e.Headers, err)
		}
		_, err = h.desk.UpdateEndpoint(t.Context(), h.admin, e.ID, webhook.Draft{Name: ptr(" "), URL: ptr("ftp://x"), Headers: &map[string]string{"Host": "x"}, Timeout: ptr(time.Hour)})
		var fields []string
		f := fault.As(err)
		for _, one := range append([]*fault.Error{f}, f.Others...) {
			fields = append(fields, one.Field)
		}
		if got := fmt.Sprint(fields); got != "[name url headers timeout_seconds]" {
			t.Errorf("faults at %s: %v", got, err)
		}
		if _, err := h.desk.UpdateEndpoint(t.Context(), h.admin, id.Endpoint(999), webhook.Draft{}); !fault.Is(err, fault.EndpointNotFound) {
			t.Errorf("unknown endpoint: %v", err)
		}
	})
}

func TestARepeatedWriteIsAnAnswerNotASecondOne(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		key := func(of string) once.Key { return once.Key{Scope: of, Value: "k", Request: "r"} }
		draft := webhook.Draft{Name: ptr("R"), URL: ptr(h.url), Dialect: ptr("standard")}
		a, secretA, err := h.desk.CreateEndpoint(ctx, h.admin, key("create"), draft)
		if err != nil {
			t.Fatal(err)
		}
		b, secretB, err := h.desk.CreateEndpoint(ctx, h.admin, key("create"), draft)
		if err != nil || b.ID != a.ID || secretB.Reveal() != secretA.Reveal() {
			t.Errorf("created again: %d and %d, %v", a.ID, b.ID, err)
		}
		rotate := func() string {
			s, err := h.desk.RotateSecret(ctx, h.admin, key("rotate"), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			return s.Reveal()
		}
		if once, again := rotate(), rotate(); once != again || once == secretA.Reveal() {
			t.Error("the secret was rotated twice, or not at all")
		}
		test := func() id.Delivery {
			d, err := h.desk.Test(ctx, h.admin, key("test"), a.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		first := test()
		if again := test(); again != first {
			t.Errorf("tested twice: deliveries %d and %d", first, again)
		}
	})
}
