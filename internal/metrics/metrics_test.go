package metrics

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/delivery"
	"parley/internal/feed"
)

// figures are the lines of an answer: series as they are written, and their values.
type figures map[string]float64

var (
	sampleForm  = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? (\S+)$`)
	commentForm = regexp.MustCompile(`^# (HELP \w+ .+|TYPE (\w+) (counter|gauge|histogram|summary))$`)
)

// scrape reads the text form line by line and refuses what does not belong there.
func scrape(t *testing.T, m *Metrics) figures {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	out := figures{}
	typed := map[string]bool{}
	for line := range strings.Lines(w.Body.String()) {
		line = strings.TrimSuffix(line, "\n")
		if c := commentForm.FindStringSubmatch(line); c != nil {
			if c[2] != "" {
				if typed[c[2]] {
					t.Errorf("%s is there twice", c[2])
				}
				typed[c[2]] = true
			}
			continue
		}
		s := sampleForm.FindStringSubmatch(line)
		if s == nil {
			t.Fatalf("not a line of the text form: %q", line)
		}
		v, err := strconv.ParseFloat(s[3], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if _, twice := out[s[1]+s[2]]; twice {
			t.Errorf("%s%s is there twice", s[1], s[2])
		}
		out[s[1]+s[2]] = v
	}
	return out
}

func (f figures) has(t *testing.T, want figures) {
	t.Helper()
	for series, v := range want {
		if got, ok := f[series]; !ok || got != v {
			t.Errorf("%s is %v (there: %v), want %v", series, got, ok, v)
		}
	}
}

func (f figures) lacks(t *testing.T, prefixes ...string) {
	t.Helper()
	for series := range f {
		for _, p := range prefixes {
			if strings.HasPrefix(series, p) {
				t.Errorf("%s is there", series)
			}
		}
	}
}

func over(d *db.DB) *Metrics {
	return New(Options{DB: d, Feed: feed.New(d), Sockets: func() int { return 3 }})
}

// change runs fn in a transaction.
func change(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		t.Fatal(err)
	}
}

// enqueue queues n calls for a target.
func enqueue(t *testing.T, d *db.DB, target delivery.Target, n int) {
	t.Helper()
	change(t, d, func(tx *db.Tx) error {
		_, err := delivery.Enqueue(tx, slices.Repeat([]delivery.Item{{Target: target, Name: "x", Body: []byte("{}"), Test: true}}, n)...)
		return err
	})
}

func target(t *testing.T, d *db.DB, ref int64) (made delivery.Target) {
	t.Helper()
	change(t, d, func(tx *db.Tx) (err error) {
		made, err = delivery.NewTarget(tx, "endpoint", ref, delivery.Limits{})
		return err
	})
	return made
}

func TestTheQueuesAreShown(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			busy, idle := target(t, d, 7), target(t, d, 8)
			enqueue(t, d, busy, 2)
			change(t, d, func(tx *db.Tx) error { return delivery.Pause(tx, idle, "a test") })
			time.Sleep(90 * time.Second)
			scrape(t, over(d)).has(t, figures{
				`parley_delivery_queue_depth{kind="endpoint",ref="7"}`: 2,
				`parley_delivery_queue_depth{kind="endpoint",ref="8"}`: 0,
				`parley_delivery_lag_seconds{kind="endpoint",ref="7"}`: 90,
				`parley_delivery_lag_seconds{kind="endpoint",ref="8"}`: 0,
				`parley_delivery_dead{kind="endpoint",ref="7"}`:        0,
				`parley_delivery_breaker{kind="endpoint",ref="7"}`:     0,
				`parley_delivery_paused{kind="endpoint",ref="7"}`:      0,
				`parley_delivery_paused{kind="endpoint",ref="8"}`:      1,
				"parley_database_up": 1, "parley_feed_seq": 0, "parley_sockets": 3,
			})
		})
	})
}

func TestScrapesReadTheDatabaseAtMostEveryFiveSeconds(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			to := target(t, d, 1)
			m := over(d)
			depth := `parley_delivery_queue_depth{kind="endpoint",ref="1"}`
			scrape(t, m).has(t, figures{depth: 0})
			enqueue(t, d, to, 1)
			time.Sleep(keepFor - time.Millisecond)
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { scrape(t, m).has(t, figures{depth: 0}) })
			}
			all.Wait()
			time.Sleep(time.Millisecond)
			scrape(t, m).has(t, figures{depth: 1})
		})
	})
}

func TestWithoutTheDatabaseTheRestIsShown(t *testing.T) {
	d := dbtest.New(t)
	target(t, d, 1)
	m := over(d)
	m.Request("GET /healthz", 200, time.Millisecond)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	f := scrape(t, m)
	f.has(t, figures{"parley_database_up": 0, `parley_http_requests_total{route="GET /healthz",status="2xx"}`: 1})
	f.lacks(t, "parley_delivery_queue_depth", "parley_delivery_lag", "parley_feed_seq")
}

func TestAttemptsAreCountedByOutcome(t *testing.T) {
	m := over(dbtest.New(t))
	for _, o := range []delivery.Observation{
		{Kind: "endpoint", Ref: 1, Verdict: delivery.Done, Took: 20 * time.Millisecond},
		{Kind: "endpoint", Ref: 2, Verdict: delivery.Done, Took: 200 * time.Millisecond},
		{Kind: "endpoint", Ref: 1, Verdict: delivery.Retry, Took: 15 * time.Second},
		{Kind: "mail", Ref: 1, Verdict: delivery.GiveUp, Took: 2 * time.Minute},
	} {
		m.Attempt(o)
	}
	f := scrape(t, m)
	f.has(t, figures{
		`parley_delivery_attempts_total{kind="endpoint",outcome="delivered"}`: 2,
		`parley_delivery_attempts_total{kind="endpoint",outcome="retry"}`:     1,
		`parley_delivery_attempts_total{kind="mail",outcome="dead"}`:          1,
		`parley_delivery_attempt_seconds_count{kind="endpoint"}`:              3,
		`parley_delivery_attempt_seconds_bucket{kind="endpoint",le="0.01"}`:   0,
		`parley_delivery_attempt_seconds_bucket{kind="endpoint",le="0.025"}`:  1,
		`parley_delivery_attempt_seconds_bucket{kind="endpoint",le="0.25"}`:   2,
		`parley_delivery_attempt_seconds_bucket{kind="endpoint",le="15"}`:     3,
		`parley_delivery_attempt_seconds_bucket{kind="mail",le="60"}`:         0,
		`parley_delivery_attempt_seconds_bucket{kind="mail",le="+Inf"}`:       1,
	})
}

func TestRequestsAreCountedByRouteAndClass(t *testing.T) {
	m := over(dbtest.New(t))
	for _, r := range []struct {
		route  string
		status int
	}{{"GET /a/{id}", 200}, {"GET /a/{id}", 204}, {"GET /a/{id}", 404}, {"GET /a/{id}", 499}, {"none", 404}, {"GET /a/{id}", 503}, {"GET /a/{id}", 0}, {"GET /socket", 101}} {
		m.Request(r.route, r.status, time.Second)
	}
	f := scrape(t, m)
	f.has(t, figures{
		`parley_http_requests_total{route="GET /a/{id}",status="2xx"}`:  2,
		`parley_http_requests_total{route="GET /a/{id}",status="4xx"}`:  2,
		`parley_http_requests_total{route="GET /a/{id}",status="5xx"}`:  1,
		`parley_http_requests_total{route="GET /a/{id}",status="none"}`: 1,
		`parley_http_requests_total{route="none",status="4xx"}`:         1,
		`parley_http_requests_total{route="GET /socket",status="1xx"}`:  1,
		`parley_http_request_seconds_count{route="GET /a/{id}"}`:        6,
	})
	f.lacks(t, `parley_http_request_seconds_count{route="GET /socket"`)
}

func TestCountingFromManyGoroutinesLosesNothing(t *testing.T) {
	m := over(dbtest.New(t))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 1000 {
				m.Request("GET /"+strconv.Itoa(i%50), 200, 0)
			}
		})
	}
	all.Wait()
	f := scrape(t, m)
	for i := range 50 {
		f.has(t, figures{fmt.Sprintf(`parley_http_requests_total{route="GET /%d",status="2xx"}`, i): 160})
	}
}

func TestTwoMetricsShareNothing(t *testing.T) {
	d := dbtest.New(t)
	one, other := over(d), over(d)
	one.Request("GET /a", 200, 0)
	scrape(t, one).has(t, figures{`parley_http_requests_total{route="GET /a",status="2xx"}`: 1})
	scrape(t, other).lacks(t, "parley_http_requests_total")
}

// TestThePageNamesEveryMetric holds docs/metrics.md and the code together.
func TestThePageNamesEveryMetric(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	d := dbtest.New(t)
	target(t, d, 1)
	m := over(d)
	m.Attempt(delivery.Observation{Kind: "endpoint", Verdict: delivery.Done})
	m.Request("GET /", 200, 0)
	made := map[string]bool{}
	for series := range scrape(t, m) {
		name, _, _ := strings.Cut(series, "{")
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		if strings.HasPrefix(name, "parley_") {
			made[name] = true
		}
	}
	named := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(parley_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		named[row[1]] = true
		if !made[row[1]] {
			t.Errorf("the page names %s, which is not there", row[1])
		}
	}
	for name := range made {
		if !named[name] {
			t.Errorf("the page does not name %s", name)
		}
	}
	// Alerts speak of metrics that exist.
	for _, name := range regexp.MustCompile(`parley_[a-z_]+`).FindAllString(string(page), -1) {
		if !made[name] {
			t.Errorf("the page speaks of %s, which is not there", name)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	m := over(dbtest.New(b))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Request("POST /api/v1/conversations/{id}/messages", 201, 3*time.Millisecond)
		}
	})
}
