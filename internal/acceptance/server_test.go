package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/config"
	"parley/internal/db/dbtest"
	"parley/internal/secret"
)

// TestMain lets more tests run side by side than there are processors: most of their time they wait for timers of their servers.
func TestMain(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := parallel.Value.Set("6"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what must come. It is long because a busy machine is no failure.
const patience = 60 * time.Second

// clock is the server's: real time, and as much more as the test wants.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// pass lets time pass on the server.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// server is a whole server on a free port, with an admin's API token.
type server struct {
	*testing.T
	clock
	url   string
	token string
}

// each runs fn against a server on SQLite and, where there is one, on PostgreSQL.
func each(t *testing.T, fn func(s *server)) {
	t.Helper()
	eachWith(t, nil, fn)
}

// eachWith is each with other settings of the server; nil changes none.
func eachWith(t *testing.T, settings func(c *config.Server), fn func(s *server)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(start(t, "", settings))
	})
	if postgres := os.Getenv(dbtest.PostgresVariable); postgres != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			fn(start(t, dbtest.Schema(t, postgres), settings))
		})
	}
}

func start(t *testing.T, database string, settings func(c *config.Server)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := config.Server{Storage: config.Storage{Data: t.TempDir(), Database: secret.Of(database)}, Listen: l.Addr().String(),
		AllowPrivateTargets: []string{"127.0.0.0/8"}, AllowPrivateLinks: []string{"127.0.0.0/8"}, TrustedProxies: []string{"127.0.0.1/32"}}
	if settings != nil {
		settings(&c)
	}
	if err := c.Resolve(); err != nil {
		t.Fatal(err)
	}
	if database == "" {
		dbtest.File(t, filepath.Join(c.Data, "parley.db")) // the program's own start in an empty folder is tested in internal/cli
	}
	s := &server{T: t, url: c.PublicURL}
	a, err := app.Open(t.Context(), app.Options{Config: c, Logger: slog.New(slog.DiscardHandler), Version: "test", Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.CreateToken(t.Context(), "acceptance", "admin")
	if err != nil {
		t.Fatal(err)
	}
	s.token = token.Reveal()
	ctx, stop := context.WithCancel(context.Background())
	ready, served := make(chan struct{}), make(chan error, 1)
	go func() { served <- a.ServeOn(ctx, l, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-served:
		t.Fatalf("the server does not start: %v", err)
	}
	return s
}

// object is a JSON object as it came.
type object map[string]any

// at follows keys, and numbers into lists; it is nil where there is nothing.
func (o object) at(path ...any) any {
	var v any = map[string]any(o)
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (o object) number(path ...any) int {
	n, _ := o.at(path...).(float64)
	return int(n)
}

func (o object) text(path ...any) string {
	v, _ := o.at(path...).(string)
	return v
}

func (o object) list(path ...any) []any {
	v, _ := o.at(path...).([]any)
	return v
}

// caller sends requests as somebody.
type caller struct {
	*server
	header http.Header
}

// admin is a program with an admin's API token.
func (s *server) admin() *caller {
	return &caller{s, http.Header{"Authorization": {"Bearer " + s.token}}}
}

// send sends a request and returns the status and the answer.
func (c *caller) send(method, path string, body any) (int, object) {
	c.Helper()
	status, raw := c.raw(method, path, body)
	var o object
	if len(bytes.TrimSpace(raw)) > 0 {
		if err := json.Unmarshal(raw, &o); err != nil {
			c.Fatalf("%s %s: %d %s: %v", method, path, status, raw, err)
		}
	}
	return status, o
}

func (c *caller) raw(method, path string, body any) (int, []byte) {
	c.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			c.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+path, reader)
	if err != nil {
		c.Fatal(err)
	}
	r.Header = c.header.Clone()
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}
	return res.StatusCode, raw
}

// must is send for what has to succeed.
func (c *caller) must(method, path string, body any) object {
	c.Helper()
	status, o := c.send(method, path, body)
	if status >= 300 {
		c.Fatalf("%s %s: %d %v", method, path, status, o)
	}
	return o
}

// refused is send for what must not succeed; it returns the problem.
func (c *caller) refused(status int, method, path string, body any) object {
	c.Helper()
	got, o := c.send(method, path, body)
	if got != status {
		c.Fatalf("%s %s: %d %v, want %d", method, path, got, o, status)
	}
	return o
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func path(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// happened waits until the feed has n events of a type, and returns them.
func (s *server) happened(kind string, n int) (list []any) {
	s.Helper()
	after := 0
	for end := time.Now().Add(patience); time.Now().Before(end); {
		page := s.admin().must("GET", path("/api/v1/events?after=%d&types=%s&wait=10&limit=200", after, kind), nil)
		after = page.number("next_after")
		if list = append(list, page.list("items")...); len(list) >= n {
			return list
		}
	}
	s.Fatalf("there are %d events %s, want %d", len(list), kind, n)
	return nil
}

// eventually waits for what nothing tells of.
func (s *server) eventually(what string, done func() bool) {
	s.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(patience); !done(); <-again.C {
		if time.Now().After(end) {
			s.Fatalf("it is not so that %s", what)
		}
	}
}
