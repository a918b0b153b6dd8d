package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/internal/config"
	"parley/internal/secret"
	"parley/internal/team"
)

// running is a whole server on a free port, with a token of each scope.
type running struct {
	*testing.T
	url    string
	tokens map[string]string
}

func start(t *testing.T) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := config.Server{Storage: config.Storage{Data: t.TempDir()}, Listen: l.Addr().String(), AllowPrivateTargets: []string{"127.0.0.0/8"}}
	if err := c.Resolve(); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{Config: c, Logger: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	s := &running{T: t, url: c.PublicURL, tokens: map[string]string{}}
	for _, scope := range []string{team.ScopeRead, team.ScopeAdmin} {
		token, err := a.CreateToken(t.Context(), scope, scope)
		if err != nil {
			t.Fatal(err)
		}
		s.tokens[scope] = token.Reveal()
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, served := make(chan struct{}), make(chan error, 1)
	go func() { served <- a.ServeOn(ctx, l, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	<-ready
	return s
}

// call sends a request with the token of a scope, none for "", and returns the status and the answer.
func (s *running) call(scope, method, path string, body any) (int, []byte) {
	s.Helper()
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			s.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, reader)
	if err != nil {
		s.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if scope != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[scope])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, answer
}

// made is call for what must succeed with 201 or 200; it returns the value of a key.
func (s *running) made(scope, method, path string, body any, key string) any {
	s.Helper()
	status, answer := s.call(scope, method, path, body)
	if status != http.StatusCreated && status != http.StatusOK {
		s.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	var v map[string]any
	if err := json.Unmarshal(answer, &v); err != nil {
		s.Fatal(err)
	}
	return v[key]
}

// figures are the series of /metrics.
func (s *running) figures() map[string]float64 {
	s.Helper()
	status, answer := s.call(team.ScopeRead, http.MethodGet, "/metrics", nil)
	if status != http.StatusOK {
		s.Fatalf("%d %s", status, answer)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(answer)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			s.Fatalf("the line %q: %v", line, err)
		}
		out[line[:i]] = v
	}
	return out
}

func TestMetricsTellWhatTheServerDid(t *testing.T) {
	s := start(t)
	const messages = 5
	calls := make(chan struct{}, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuses" {
			w.WriteHeader(http.StatusGone)
		}
		calls <- struct{}{}
	}))
	defer receiver.Close()

	widget := s.made(team.ScopeAdmin, http.MethodPost, "/api/v1/widgets", map[string]any{"name": "Shop"}, "key")
	for _, path := range []string{"/takes", "/refuses"} {
		s.made(team.ScopeAdmin, http.MethodPost, "/api/v1/endpoints", map[string]any{"name": path, "url": receiver.URL + path, "dialect": "standard", "events": []string{"message.received"}}, "endpoint")
	}
	for range messages {
		s.made("", http.MethodPost, "/visitor/v1/widgets/"+widget.(string)+"/messages", map[string]any{"client_id": secret.UUID(), "body": "Hello"}, "message")
	}
	for range messages + 1 { // the other endpoint is gone with the first call
		<-calls
	}
	s.settle()

	waiting := s.made(team.ScopeAdmin, http.MethodGet, "/api/v1/endpoints/2", nil, "stats").(map[string]any)["pending"].(float64)
	if waiting < 1 {
		t.Error("nothing waits for the endpoint that refused")
	}
	f := s.figures()
	for f[`parley_delivery_attempts_total{kind="endpoint",outcome="delivered"}`] < messages {
		f = s.figures() // the last attempt is stored, and counted a moment later
	}
	for series, want := range map[string]float64{
		`parley_delivery_queue_depth{kind="endpoint",ref="1"}`:                                     0,
		`parley_delivery_lag_seconds{kind="endpoint",ref="1"}`:                                     0,
		`parley_delivery_dead{kind="endpoint",ref="1"}`:                                            0,
		`parley_delivery_breaker{kind="endpoint",ref="1"}`:                                         0,
		`parley_delivery_paused{kind="endpoint",ref="1"}`:                                          0,
		`parley_delivery_paused{kind="endpoint",ref="2"}`:                                          1,
		`parley_delivery_queue_depth{kind="endpoint",ref="2"}`:                                     waiting,
		`parley_delivery_attempts_total{kind="endpoint",outcome="delivered"}`:                      messages,
		`parley_http_requests_total{route="POST /visitor/v1/widgets/{key}/messages",status="2xx"}`: messages,
		`parley_http_request_seconds_count{route="POST /visitor/v1/widgets/{key}/messages"}`:       messages,
		`parley_http_requests_total{route="POST /api/v1/endpoints",status="2xx"}`:                  2,
		`parley_http_request_seconds_bucket{route="POST /api/v1/endpoints",le="+Inf"}`:             2,
		`parley_delivery_attempt_seconds_bucket{kind="endpoint",le="60"}`:                          f[`parley_delivery_attempt_seconds_count{kind="endpoint"}`],
		"parley_database_up": 1,
		"parley_sockets":     0,
	} {
		if got, there := f[series]; !there || got != want {
			t.Errorf("%s is %v (there: %v), want %v", series, got, there, want)
		}
	}
	if f["parley_feed_seq"] < messages || f[`parley_delivery_attempts_total{kind="endpoint",outcome="stop"}`] < 1 {
		t.Errorf("seq %v, %v attempts were told to stop", f["parley_feed_seq"], f[`parley_delivery_attempts_total{kind="endpoint",outcome="stop"}`])
	}
	for _, series := range []string{"go_goroutines", "process_resident_memory_bytes", "process_open_fds"} {
		if f[series] <= 0 {
			t.Errorf("%s is %v", series, f[series])
		}
	}
	for series := range f {
		if strings.Contains(series, "Shop") || strings.Contains(series, "127.0.0.1") {
			t.Errorf("%s tells too much", series)
		}
	}
}

// settle waits until the first endpoint has no pending delivery: its last answer is in the database then.
func (s *running) settle() {
	s.Helper()
	tick := time.NewTicker(20 * time.Millisecond) // the server limits who asks without a pause
	defer tick.Stop()
	for range tick.C {
		stats := s.made(team.ScopeAdmin, http.MethodGet, "/api/v1/endpoints/1", nil, "stats").(map[string]any)
		gone := s.made(team.ScopeAdmin, http.MethodGet, "/api/v1/endpoints/2", nil, "state")
		if stats["pending"] == 0.0 && gone == "gone" {
			return
		}
	}
}

func TestMetricsWantAToken(t *testing.T) {
	s := start(t)
	s.tokens["made up"] = "pat_nope"
	for scope, want := range map[string]struct {
		status int
		code   string
	}{"": {401, "auth.required"}, "made up": {401, "auth.invalid"}} {
		status, answer := s.call(scope, http.MethodGet, "/metrics", nil)
		var problem map[string]any
		if err := json.Unmarshal(answer, &problem); err != nil || status != want.status || problem["code"] != want.code {
			t.Errorf("%q: %d %s, %v", scope, status, answer, err)
		}
	}
	for _, scope := range []string{team.ScopeRead, team.ScopeAdmin} {
		if status, _ := s.call(scope, http.MethodGet, "/metrics", nil); status != http.StatusOK {
			t.Errorf("%s: %d", scope, status)
		}
	}
	for _, open := range []string{"/healthz", "/readyz"} {
		if status, _ := s.call("", http.MethodGet, open, nil); status != http.StatusOK {
			t.Errorf("%s: %d", open, status)
		}
	}
}
