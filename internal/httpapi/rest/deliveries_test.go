package rest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/delivery"
	"parley/internal/inbox"
)

type object = map[string]any

// receiver is an endpoint's other side, which takes everything; calls gets one value for each call.
func (b *bench) receiver() (url string, calls <-chan struct{}) {
	b.Helper()
	c := make(chan struct{}, 1000)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { c <- struct{}{} }))
	b.Cleanup(s.Close)
	return s.URL, c
}

// subscribe makes an endpoint of the standard dialect and returns its path.
func (b *bench) subscribe(url string, more object) string {
	b.Helper()
	body := object{"name": "CRM", "url": url, "dialect": "standard", "events": []string{"message.received", "session.started"}}
	for k, v := range more {
		body[k] = v
	}
	return "/endpoints/" + b.do("admin", "POST", "/endpoints", body).is(201).text("endpoint.id")
}

func TestTheSettingsOfAnEndpointAreKept(t *testing.T) {
	b := newBench(t)
	path := b.subscribe("https://crm.example/", nil)
	b.do("admin", "GET", path, nil).is(200).has("dialect_version", "1", "widgets", "0 items", "groups", "0 items", "rate_limit", "0", "success", "dialect",
		"private_ranges", "<nil>", "policy.name", "keep", "policy.email", "keep", "policy.ip", "keep", "policy.text", "keep")
	for _, c := range []struct {
		change object
		want   []string
	}{
		{object{"widgets": []int{1}, "groups": []int{1}}, []string{"widgets.0", "1", "groups.0", "1"}},
		{object{"widgets": []int{}}, []string{"widgets", "0 items", "groups.0", "1"}},
		{object{"rate_limit": 25, "success": "2xx"}, []string{"rate_limit", "25", "success", "2xx"}},
		{object{"rate_limit": 0}, []string{"rate_limit", "0", "success", "2xx"}},
		{object{"private_ranges": []string{"127.1.0.0/16"}}, []string{"private_ranges.0", "127.1.0.0/16", "rate_limit", "0"}},
		{object{"name": "Renamed"}, []string{"private_ranges.0", "127.1.0.0/16"}},
		{object{"private_ranges": []string{}}, []string{"private_ranges", "0 items"}},
		{object{"private_ranges": nil}, []string{"private_ranges", "<nil>"}},
		{object{"policy": object{"email": "hash", "text": "remove"}}, []string{"policy.name", "keep", "policy.email", "hash", "policy.text", "remove"}},
		{object{"policy": object{"email": "keep"}}, []string{"policy.email", "keep", "policy.text", "remove"}},
		{object{"dialect_version": "1"}, []string{"dialect_version", "1"}},
		{object{"dialect": "userlike", "events": []string{}}, []string{"dialect", "userlike", "policy.text", "remove"}},
	} {
		b.do("admin", "PATCH", path, c.change).is(200).has(c.want...)
		b.do("admin", "GET", path, nil).is(200).has(c.want...)
	}
	whole := b.subscribe("https://crm.example/", object{"dialect_version": "1", "widgets": []int{1}, "groups": []int{1}, "rate_limit": 3, "success": "2xx",
		"private_ranges": []string{"127.0.0.0/8"}, "policy": object{"name": "remove", "ip": "hash"}})
	b.do("admin", "GET", whole, nil).is(200).has("dialect_version", "1", "widgets.0", "1", "groups.0", "1", "rate_limit", "3", "success", "2xx",
		"private_ranges.0", "127.0.0.0/8", "policy.name", "remove", "policy.email", "keep", "policy.ip", "hash")
}

func TestATestCallIsOfTheEventThatWasAskedFor(t *testing.T) {
	b := newBench(t)
	path := b.subscribe("https://crm.example/", nil)
	for _, c := range []struct {
		body any
		want string
	}{
		{nil, "session.started"},
		{object{}, "session.started"},
		{object{"event": "message.received"}, "message.received"},
		{object{"event": "contact.updated"}, "contact.updated"}, // it need not have subscribed to it
	} {
		d := b.do("admin", "POST", path+"/test", c.body).is(200).text("delivery_id")
		b.do("admin", "GET", "/deliveries/"+d, nil).is(200).has("event_name", c.want, "event.type", "test")
	}
	key := []string{"Idempotency-Key", "test-1"}
	once := b.do("admin", "POST", path+"/test", object{"event": "message.received"}, key...).is(200).text("delivery_id")
	b.do("admin", "POST", path+"/test", object{"event": "message.received"}, key...).is(200).has("delivery_id", once)
	b.do("admin", "POST", path+"/test", object{"event": "session.started"}, key...).is(409, "idempotency_key.reused", "Idempotency-Key")
}

func TestResumingWithoutTheBacklogDropsIt(t *testing.T) {
	b := newBench(t)
	url, calls := b.receiver()
	path := b.subscribe(url, nil)
	b.do("admin", "POST", path+"/pause", nil).is(200)
	b.conversation()
	b.do("admin", "POST", path+"/resume", object{"backlog": false}).is(200).has("state", "active", "stats.pending", "0")
	b.do("admin", "GET", "/deliveries?state=dropped", nil).is(200).has("items", "2 items")

	b.do("admin", "POST", path+"/pause", nil).is(200)
	b.conversation()
	b.do("admin", "POST", path+"/resume", object{}).is(200).has("state", "active", "stats.pending", "2")
	b.deliver(calls, 2)
	b.do("admin", "GET", path, nil).is(200).has("stats.pending", "0", "stats.failing_since", "<nil>")
}

// log counts the deliveries that a query of GET /deliveries finds.
func (b *bench) log(query string) int {
	b.Helper()
	return len(b.do("admin", "GET", "/deliveries?limit=200&"+query, nil).is(200).json("items").([]any))
}

func TestADryRunCountsWhatIsSentAgain(t *testing.T) {
	b := newBench(t)
	url, calls := b.receiver()
	b.subscribe(url, nil)
	b.subscribe(url, object{"events": []string{"message.received"}})
	_, first := b.conversation()
	b.conversation()
	b.visitor(inbox.ContactPost{Body: "And another thing", Contact: first.Contact.ID, Conversation: first.Conversation.ID})
	b.deliver(calls, 8) // session.started twice and message.received thrice, and the latter once more for the second endpoint
	page := b.do("admin", "GET", "/deliveries?endpoint_id=1&limit=200", nil).is(200)
	oldest, middle := page.text("items.4.created_at"), page.text("items.2.created_at")
	event := page.json("items.4.event.id")
	for _, c := range []struct {
		name   string
		filter object
		query  string
		want   int
	}{
		{"all", object{}, "", 5},
		{"delivered ones", object{"state": "delivered"}, "state=delivered", 5},
		{"dead ones", object{"state": "dead"}, "state=dead", 0},
		{"by name", object{"event_name": "message.received"}, "event_name=message.received", 3},
		{"of a conversation", object{"conversation_id": 1}, "conversation_id=1", 3},
		{"of an event", object{"event_id": event}, "event_id=" + page.text("items.4.event.id"), 1},
		{"from the beginning", object{"from": oldest}, "from=" + oldest, 5},
		{"from the middle", object{"from": middle}, "from=" + middle, 3},
		{"up to the middle", object{"to": middle}, "to=" + middle, 2},
		{"between", object{"from": oldest, "to": middle}, "from=" + oldest + "&to=" + middle, 2},
		{"of the future", object{"from": "2126-01-01T00:00:00+01:00"}, "from=2126-01-01T00:00:00%2B01:00", 0},
		{"everything at once", object{"state": "delivered", "event_name": "message.received", "conversation_id": 1, "from": oldest, "to": "2126-01-01T00:00:00Z"},
			"state=delivered&event_name=message.received&conversation_id=1&from=" + oldest, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := *b
			b.T = t
			if got := b.log("endpoint_id=1&" + c.query); got != c.want {
				t.Errorf("the log shows %d, want %d", got, c.want)
			}
			count := object{"endpoint_id": 1, "dry_run": true}
			for k, v := range c.filter {
				count[k] = v
			}
			b.do("admin", "POST", "/deliveries/replay", count).is(200).has("count", strconv.Itoa(c.want), "dry_run", "true")
		})
	}
	if n := b.log(""); n != 8 {
		t.Fatalf("counting left deliveries: %d", n)
	}

	some := object{"endpoint_id": 1, "event_name": "message.received", "conversation_id": 1}
	key := []string{"Idempotency-Key", "again-1"}
	counted := b.do("admin", "POST", "/deliveries/replay", object{"endpoint_id": 1, "event_name": "message.received", "conversation_id": 1, "dry_run": true}).is(200).text("count")
	for range 2 { // the repeat gets the first answer and sends nothing more
		b.do("admin", "POST", "/deliveries/replay", some, key...).is(200).has("count", counted, "dry_run", "false")
	}
	b.do("admin", "POST", "/deliveries/replay", object{"endpoint_id": 1}, key...).is(409, "idempotency_key.reused", "Idempotency-Key")
	fresh := b.do("admin", "GET", "/deliveries?state=pending", nil).is(200).has("items", counted+" items")
	for i := range 2 {
		item := "items." + strconv.Itoa(i)
		was := b.do("admin", "GET", "/deliveries/"+fresh.text(item+".replay_of"), nil).is(200)
		fresh.has(item+".webhook_id", was.text("webhook_id"), item+".endpoint_id", "1", item+".conversation_id", "1", item+".event_name", "message.received")
	}
	// Newest first: the replays follow each other as the originals did.
	if a, b := fresh.text("items.0.event.seq"), fresh.text("items.1.event.seq"); len(a) < len(b) || len(a) == len(b) && a < b {
		t.Errorf("the replay of event %s stands before that of %s", a, b)
	}
	b.deliver(calls, 2)
	if n := b.log("state=delivered"); n != 10 {
		t.Errorf("%d are delivered in the end", n)
	}
	b.do("admin", "POST", "/deliveries/replay", object{"endpoint_id": 1, "state": "pending", "dry_run": true}).is(200).has("count", "0")
}

func TestDeadDeliveriesAreCountedRevivedAndSent(t *testing.T) {
	b := newBench(t)
	url, calls := b.receiver()
	path := b.subscribe(url, nil)
	_, first := b.conversation()
	b.conversation()
	b.giveUp(4)
	b.do("admin", "GET", path, nil).is(200).has("stats.dead", "4", "stats.pending", "0")
	b.do("admin", "POST", "/deliveries/revive", object{"endpoint_id": 1, "dry_run": true}).is(200).has("count", "4", "dry_run", "true")
	one := b.do("admin", "GET", "/deliveries?state=dead&conversation_id="+strconv.FormatInt(int64(first.Conversation.ID), 10), nil).is(200).has("items", "2 items").text("items.0.id")
	b.do("admin", "POST", "/deliveries/"+one+"/revive", nil).is(200).has("delivery.id", one, "delivery.state", "pending")
	b.do("admin", "POST", "/deliveries/revive", object{"endpoint_id": 1, "event_name": "session.started", "dry_run": true}).is(200).has("count", "2")
	for range 2 {
		b.do("admin", "POST", "/deliveries/revive", object{"endpoint_id": 1, "state": "dead"}, "Idempotency-Key", "r").is(200).has("count", "3", "dry_run", "false")
	}
	b.deliver(calls, 4)
	b.do("admin", "GET", path, nil).is(200).has("stats.dead", "0", "stats.pending", "0")
	b.do("admin", "POST", "/deliveries/revive", object{"endpoint_id": 1}).is(200).has("count", "0", "dry_run", "false")
	if n := b.log("state=delivered"); n != 4 {
		t.Errorf("%d are delivered", n)
	}
	// What was given up is told in the feed.
	b.do("admin", "GET", "/events?types=delivery.dead", nil).is(200).has("items", "4 items", "items.0.data.endpoint.id", "1", "items.0.data.delivery.attempts", "1")
}

func TestAChartHasEveryStepOfItsRange(t *testing.T) {
	b := newBench(t)
	url, calls := b.receiver()
	path := b.subscribe(url, nil)
	b.conversation()
	b.deliver(calls, 2)
	for asked, want := range map[string]struct {
		step   time.Duration
		points int
	}{"": {time.Minute, 60}, "?range=1h": {time.Minute, 60}, "?range=24h": {15 * time.Minute, 96}, "?range=7d": {2 * time.Hour, 84}} {
		a := b.do("admin", "GET", path+"/chart"+asked, nil).is(200).
			has("step_seconds", strconv.Itoa(int(want.step.Seconds())), "points", strconv.Itoa(want.points)+" items")
		var got chart
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err)
		}
		var last time.Time
		total := int64(0)
		for i, p := range got.Points {
			at, err := time.Parse(time.RFC3339, p.At)
			if err != nil || !at.Equal(at.Truncate(want.step)) || i > 0 && at.Sub(last) != want.step {
				t.Errorf("%s: step %d begins at %v after %v (%v)", asked, i, at, last, err)
			}
			last = at
			total += p.Delivered
			if p.Delivered == 0 && p != (chartPoint{At: p.At}) {
				t.Errorf("%s: nothing happened in %+v", asked, p)
			}
			if p.Delivered > 0 && (p.Failed != 0 || p.MeanMs <= 0 || p.MaxMs < p.MeanMs || p.MaxLagSeconds < 0) {
				t.Errorf("%s: %+v", asked, p)
			}
		}
		if total != 2 {
			t.Errorf("%s: %d were delivered, want 2", asked, total)
		}
		if age := time.Since(last); age < 0 || age > 2*want.step {
			t.Errorf("%s ends with %v", asked, last)
		}
	}
}

func TestChartPointsStandInTheirPlace(t *testing.T) {
	from := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	got := wireChart([]delivery.Point{
		{At: from.Add(-time.Minute), Delivered: 99}, // older than the chart
		{At: from.Add(time.Minute), Delivered: 3, Failed: 1, Duration: 1500 * time.Microsecond, MaxDuration: 2 * time.Second, MaxLag: 2500 * time.Millisecond},
		{At: from.Add(3 * time.Minute), Delivered: 99}, // beyond it
	}, from, time.Minute, 3)
	want := chart{StepSeconds: 60, Points: []chartPoint{
		{At: "2026-11-22T10:00:00.000000Z"},
		{At: "2026-11-22T10:01:00.000000Z", Delivered: 3, Failed: 1, MeanMs: 1.5, MaxMs: 2000, MaxLagSeconds: 2.5},
		{At: "2026-11-22T10:02:00.000000Z"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnOptionalBodyMayBeAbsentEmptyOrPartial(t *testing.T) {
	b := newBench(t)
	path := b.subscribe("https://crm.example/", nil)
	for _, body := range []any{nil, "", "{}", `{"backlog":true}`} {
		b.do("admin", "POST", path+"/resume", body).is(200).has("state", "active")
	}
	b.do("admin", "POST", path+"/resume", strings.Repeat(" ", 3)).is(400, "request.malformed")
}
