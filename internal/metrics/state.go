package metrics

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/feed"
	"parley/internal/id"
)

const (
	// keepFor is how old the state may be that a scrape shows.
	keepFor = 5 * time.Second
	// readFor is how long reading it may take. What did not come in time is left out, and parley_database_up is 0.
	readFor = 4 * time.Second
)

// state shows what the database holds: the delivery queues and the end of the feed. It is a prometheus.Collector.
type state struct {
	db   *db.DB
	feed *feed.Feed

	depth, lag, dead, breaker, paused, seq, up *prometheus.Desc

	// mu is held while reading, so that scrapes wait for one read instead of each starting one.
	mu   sync.Mutex
	at   time.Time // of the last read, zero before
	last snapshot
}

// snapshot is the state of one moment.
type snapshot struct {
	ok      bool
	targets []delivery.TargetHealth
	seq     id.Seq
}

func newState(d *db.DB, f *feed.Feed) *state {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &state{
		db: d, feed: f,
		depth:   desc("parley_delivery_queue_depth", "Deliveries that wait or are being tried.", "kind", "ref"),
		lag:     desc("parley_delivery_lag_seconds", "Age of the oldest pending delivery, 0 without one.", "kind", "ref"),
		dead:    desc("parley_delivery_dead", "Deliveries in the log that were given up.", "kind", "ref"),
		breaker: desc("parley_delivery_breaker", "State of the breaker: 0 closed, 1 half open, 2 open.", "kind", "ref"),
		paused:  desc("parley_delivery_paused", "1 while the target is paused, else 0.", "kind", "ref"),
		seq:     desc("parley_feed_seq", "Number of the newest event."),
		up:      desc("parley_database_up", "1 when the database could be read for this answer, else 0; then the figures of queues and feed are missing."),
	}
}

// Describe implements prometheus.Collector.
func (s *state) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.depth, s.lag, s.dead, s.breaker, s.paused, s.seq, s.up} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(out chan<- prometheus.Metric) {
	now := s.now()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(s.up, number(now.ok))
	if !now.ok {
		return
	}
	gauge(s.seq, float64(now.seq))
	for _, t := range now.targets {
		ref := strconv.FormatInt(t.Ref, 10)
		gauge(s.depth, float64(t.Pending), t.Kind, ref)
		gauge(s.lag, t.Lag.Seconds(), t.Kind, ref)
		gauge(s.dead, float64(t.Dead), t.Kind, ref)
		gauge(s.breaker, breakerNumber(t.Breaker), t.Kind, ref)
		gauge(s.paused, number(t.Paused), t.Kind, ref)
	}
}

// now is the state as of at most keepFor ago. A failure is kept as long, so that a database in trouble is left alone.
func (s *state) now() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.db.Now()
	if age := now.Sub(s.at); !s.at.IsZero() && age >= 0 && age < keepFor {
		return s.last
	}
	s.last = s.read()
	// From the end of the read on: a slow one must not be followed by the next at once.
	s.at = s.db.Now()
	return s.last
}

func (s *state) read() snapshot {
	ctx, cancel := context.WithTimeout(context.Background(), readFor) // a scrape that hangs up leaves the result to the next one
	defer cancel()
	var read snapshot
	err := s.db.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		if read.targets, err = delivery.Health(tx); err != nil {
			return err
		}
		read.seq, err = s.feed.Latest(tx)
		return err
	})
	read.ok = err == nil
	return read
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func breakerNumber(breaker string) float64 {
	switch breaker {
	case delivery.Open:
		return 2
	case delivery.HalfOpen:
		return 1
	}
	return 0
}
