package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

// proxy stands between the server and its database, and can be cut.
type proxy struct {
	t    *testing.T
	to   string
	addr string

	mu    sync.Mutex
	l     net.Listener
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	p := &proxy{t: t, to: to, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	p.mend()
	t.Cleanup(p.cut)
	return p
}

// mend takes connections, again under the address of before.
func (p *proxy) mend() {
	p.t.Helper()
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.l, p.addr = l, l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(l, c)
		}
	}()
}

func (p *proxy) pass(l net.Listener, c net.Conn) {
	defer c.Close()
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer far.Close()
	p.mu.Lock()
	if p.l != l { // cut meanwhile
		p.mu.Unlock()
		return
	}
	p.conns[c], p.conns[far] = true, true
	p.mu.Unlock()
	go func() {
		io.Copy(far, c)
		far.Close()
	}()
	io.Copy(c, far)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	delete(p.conns, far)
}

// cut ends every connection, wherever it is, and refuses new ones.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l == nil {
		return
	}
	p.l.Close()
	p.l = nil
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

// refused asks for writes of all kinds while the database is away: each is answered, by a problem that says when to try again.
func (h *house) refused() {
	h.t.Helper()
	// From an address of its own, which has not spent its share of requests.
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	var asking sync.WaitGroup
	for path, body := range map[string]string{
		"/visitor/v1/widgets/" + h.widget + "/messages": `{"client_id":"during-the-outage","body":"hello?"}`,
		"/api/v1/widgets": `{"name":"Made in the dark"}`,
	} {
		asking.Go(func() {
			req, err := http.NewRequest("POST", "http://"+h.addr+path, strings.NewReader(body))
			if err != nil {
				h.t.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/json")
			if strings.HasPrefix(path, "/api/") {
				req.Header.Set("Authorization", "Bearer "+h.token)
			}
			res, err := client.Do(req)
			if err != nil {
				h.t.Errorf("POST %s while the database is away: %v", path, err)
				return
			}
			defer res.Body.Close()
			said, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" ||
				!strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") || !bytes.Contains(said, []byte(`"code"`)) {
				h.t.Errorf("POST %s while the database is away: %d, Retry-After %q, %s %s %v", path, res.StatusCode, res.Header.Get("Retry-After"),
					res.Header.Get("Content-Type"), said, err)
			}
		})
	}
	asking.Wait()
}

// outage lets people write while the database goes away and comes back, and looks at what became of everything. The server is
// not started again, so no callback may come twice.
func (h *house) outage(times int, away func(), back func()) {
	h.t.Helper()
	h.write(6)
	for range times {
		h.more(150)
		away()
		h.refused()
		h.refused()
		back()
		h.more(100)
	}
	h.stop.Store(true)
	h.writing.Wait()
	delivered := h.settle()
	h.hook.mu.Lock()
	defer h.hook.mu.Unlock()
	h.t.Logf("%d events delivered, %d repeats", delivered, h.hook.all())
}

// more waits for n callbacks.
func (h *house) more(n int64) {
	h.t.Helper()
	target := int64(0)
	if !h.hook.wait(func() bool {
		if target == 0 {
			target = h.hook.calls + n
		}
		return h.hook.calls >= target
	}) {
		h.t.Fatalf("no callbacks came for a minute: %s", h.log)
	}
}

// PostgreSQL drops every connection and refuses new ones for a while: writes answer 503, and afterwards everything goes on.
func TestPostgresThatGoesAwayForAWhileLosesNothing(t *testing.T) {
	server := postgres(t)
	if server == "" {
		return
	}
	direct := dbtest.Schema(t, server)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, u.Host)
	u.Host = p.addr
	h := newHouse(t, u.String(), map[string]any{"in_flight_limit": 8})
	h.outage(2, p.cut, p.mend)
}

// PostgreSQL ends the server's sessions again and again, as a restart or an administrator does.
func TestPostgresThatEndsSessionsLosesNothing(t *testing.T) {
	server := postgres(t)
	if server == "" {
		return
	}
	direct := dbtest.Schema(t, server)
	name := fmt.Sprint("parley-test-", time.Now().UnixNano())
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("application_name", name)
	u.RawQuery = q.Encode()
	h := newHouse(t, u.String(), map[string]any{"in_flight_limit": 8})
	d, err := db.Open(t.Context(), db.Options{URL: direct, SkipMigrations: true, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	h.write(6)
	ended := 0
	for range 10 {
		h.more(40)
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			list, err := db.All(tx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", []any{name}, func(s db.Scanner) (bool, error) {
				var done bool
				err := s.Scan(&done)
				return done, err
			})
			ended += len(list)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	h.stop.Store(true)
	h.writing.Wait()
	if ended == 0 {
		t.Error("no session was ended")
	}
	t.Logf("%d events delivered, %d sessions ended", h.settle(), ended)
}

// Another program holds SQLite's write lock for longer than the server waits for it: writes answer 503, and afterwards
// everything goes on.
func TestSQLiteThatIsLockedForAWhileLosesNothing(t *testing.T) {
	h := newHouse(t, "", map[string]any{"in_flight_limit": 8})
	d, err := db.Open(t.Context(), db.Options{URL: filepath.Join(h.dir, "parley.db"), SkipMigrations: true, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var back chan struct{}
	var holding sync.WaitGroup
	away := func() {
		back = make(chan struct{})
		until, locked := back, make(chan struct{})
		holding.Go(func() {
			for { // the server may be faster for a while
				err := d.Update(t.Context(), func(context.Context, *db.Tx) error {
					close(locked)
					<-until
					return nil
				})
				if err == nil || t.Context().Err() != nil {
					return
				}
			}
		})
		<-locked
	}
	h.outage(1, away, func() {
		close(back)
		holding.Wait()
	})
}
