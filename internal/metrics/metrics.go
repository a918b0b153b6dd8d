package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/feed"
)

// Options are what a Metrics looks at. All are required.
type Options struct {
	DB   *db.DB
	Feed *feed.Feed
	// Sockets tells how many sockets are open.
	Sockets func() int
}

// Metrics are the figures of one process.
type Metrics struct {
	registry *prometheus.Registry
	attempts *cache[attemptKey, attemptSeries]
	requests *cache[requestKey, requestSeries]
}

// attemptKey has few values: the kinds are those of the executors, the verdicts a fixed list.
type attemptKey struct {
	kind    string
	outcome delivery.Verdict
}

type attemptSeries struct {
	total   prometheus.Counter
	seconds prometheus.Observer
}

// requestKey has few values: routes are the patterns that the program registered, classes are six.
type requestKey struct {
	route string
	class int
}

type requestSeries struct {
	total   prometheus.Counter
	seconds prometheus.Observer
}

// Upper bounds of the histograms, in seconds. An attempt may take a minute; the longest long poll takes 30 seconds.
var (
	attemptBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60}
	requestBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
)

// New makes the figures of a process, all at zero.
func New(o Options) *Metrics {
	if o.DB == nil || o.Feed == nil || o.Sockets == nil {
		panic("metrics: New needs DB, Feed and Sockets")
	}
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "parley_delivery_attempts_total", Help: "Attempts to deliver that this process made, by what came of them.",
	}, []string{"kind", "outcome"})
	attemptSeconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "parley_delivery_attempt_seconds", Help: "How long attempts to deliver took.", Buckets: attemptBuckets,
	}, []string{"kind"})
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "parley_http_requests_total", Help: "Requests that this process answered, by route and class of the status.",
	}, []string{"route", "status"})
	requestSeconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "parley_http_request_seconds", Help: "How long answers took, long polls included and sockets left out.", Buckets: requestBuckets,
	}, []string{"route"})
	sockets := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "parley_sockets", Help: "Open sockets of this process, of operators and of visitors.",
	}, func() float64 { return float64(o.Sockets()) })

	m := &Metrics{
		registry: prometheus.NewRegistry(),
		attempts: newCache(func(k attemptKey) *attemptSeries {
			return &attemptSeries{attempts.WithLabelValues(k.kind, string(k.outcome)), attemptSeconds.WithLabelValues(k.kind)}
		}),
		requests: newCache(func(k requestKey) *requestSeries {
			s := &requestSeries{total: requests.WithLabelValues(k.route, className(k.class))}
			if k.class != 1 { // a socket's time is how long somebody had a page open
				s.seconds = requestSeconds.WithLabelValues(k.route)
			}
			return s
		}),
	}
	m.registry.MustRegister(attempts, attemptSeconds, requests, requestSeconds, sockets, newState(o.DB, o.Feed),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Attempt counts an attempt; it is a delivery.Options.Observe.
func (m *Metrics) Attempt(o delivery.Observation) {
	s := m.attempts.of(attemptKey{o.Kind, o.Verdict})
	s.total.Inc()
	s.seconds.Observe(o.Took.Seconds())
}

// Request counts an answered request; it is an httpapi.Options.Observe. Route is the pattern of the route, never a path.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	s := m.requests.of(requestKey{route, class})
	s.total.Inc()
	if s.seconds != nil {
		s.seconds.Observe(took.Seconds())
	}
}

// className is "2xx" and the like; "none" is a request that was cut off before it had an answer.
func className(class int) string {
	if class == 0 {
		return "none"
	}
	return strconv.Itoa(class) + "xx"
}

// Handler shows all figures. It asks nobody for a token.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError})
}
