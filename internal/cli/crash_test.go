package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"parley/internal/db/dbtest"
	"parley/internal/secret"
)

// program is the real program as a child process.
type program struct {
	t        *testing.T
	dir      string
	database string
	addr     string
	cmd      *exec.Cmd
	exited   chan error
}

func newProgram(t *testing.T, database string) *program {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return &program{t: t, dir: t.TempDir(), database: database, addr: l.Addr().String()}
}

func (p *program) command(args ...string) *exec.Cmd {
	args = append(args, "--data", p.dir)
	if p.database != "" {
		args = append(args, "--database", p.database)
	}
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), serverVariable+"=1")
	return c
}

// start runs the server and returns when it is ready.
func (p *program) start() {
	p.t.Helper()
	p.cmd = p.command("serve", "--listen", p.addr, "--allow-private-targets", "127.0.0.0/8", "--log-level", "error")
	var said bytes.Buffer
	p.cmd.Stderr = &said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ready := make(chan bool, 1)
	p.exited = make(chan error, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "is ready") {
				ready <- true
			}
		}
		p.exited <- p.cmd.Wait()
		close(ready)
	}()
	if !<-ready {
		p.t.Fatalf("the server ended before it was ready: %s", said.String())
	}
	p.t.Cleanup(func() { p.cmd.Process.Kill() })
}

func (p *program) kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

func (p *program) terminate() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return <-p.exited
}

func (p *program) adminToken() string {
	p.t.Helper()
	out, err := p.command("token", "create", "--name", "test", "--scope", "admin").Output()
	if err != nil {
		p.t.Fatalf("make a token: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// call makes one request; an error means that nobody knows whether it was done.
func (p *program) call(method, path, token, key string, in, out any) (int, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	if in == nil {
		b = nil
	}
	req, err := http.NewRequest(method, "http://"+p.addr+path, bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	if res.StatusCode >= 300 {
		return res.StatusCode, fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, body)
	}
	if out == nil {
		return res.StatusCode, nil
	}
	return res.StatusCode, json.Unmarshal(body, out)
}

func (p *program) must(method, path, token string, in, out any) {
	p.t.Helper()
	if _, err := p.call(method, path, token, "", in, out); err != nil {
		p.t.Fatal(err)
	}
}

// recorder is somebody's receiver. It notes each message event by conversation in the order of arrival.
type recorder struct {
	*httptest.Server
	mu      sync.Mutex
	ids     map[string]string  // webhook id → event
	firsts  map[int64][]number // numbers in the order of their first arrival
	have    map[string]bool
	repeats int
	calls   int64
	changed chan struct{} // closed and replaced at each call
}

// wait returns when cond holds, asked under the lock after each call of the receiver, or false after a minute.
func (r *recorder) wait(cond func() bool) bool {
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		r.mu.Lock()
		ok, changed := cond(), r.changed
		r.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-late.C:
			return false
		}
	}
}

type number struct {
	seq int64
	n   int
}

type wireFeedEvent struct {
	Type string `json:"type"`
	Seq  int64  `json:"seq"`
	Data struct {
		Conversation struct {
			ID int64 `json:"id"`
		} `json:"conversation"`
		Message *struct {
			ID       int64  `json:"id"`
			Number   int    `json:"number"`
			ClientID string `json:"client_id"`
			Body     string `json:"body"`
		} `json:"message"`
	} `json:"data"`
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{ids: map[string]string{}, firsts: map[int64][]number{}, have: map[string]bool{}, changed: make(chan struct{})}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var e wireFeedEvent
		if err := json.NewDecoder(q.Body).Decode(&e); err != nil {
			t.Errorf("a callback is not JSON: %v", err)
			return
		}
		key, event := q.Header.Get("webhook-id"), fmt.Sprint(e.Type, " ", e.Seq)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls++
		close(r.changed)
		r.changed = make(chan struct{})
		if was, ok := r.ids[key]; ok && was != event {
			t.Errorf("webhook-id %s stood for %q and now for %q", key, was, event)
		}
		r.ids[key] = event
		if r.have[event] {
			r.repeats++
			return
		}
		r.have[event] = true
		if c := e.Data.Conversation.ID; c != 0 {
			n := 0
			if e.Data.Message != nil {
				n = e.Data.Message.Number
			}
			r.firsts[c] = append(r.firsts[c], number{e.Seq, n})
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// Kill -9 at random moments under load, again and again: what was acknowledged is there, the feed has no gap, and the
// receiver gets every event, each conversation's in order, repeats only for what was under way.
func TestKillLosesAndReordersNothing(t *testing.T) {
	databases := map[string]string{"sqlite": ""}
	if server := os.Getenv(dbtest.PostgresVariable); server != "" {
		databases["postgres"] = dbtest.Schema(t, server)
	} else if os.Getenv("CI") == "true" {
		t.Errorf("%s is not set", dbtest.PostgresVariable)
	}
	for name, database := range databases {
		t.Run(name, func(t *testing.T) { killing(t, database) })
	}
}

func killing(t *testing.T, database string) {
	const kills, writers, inFlight = 6, 6, 8
	p := newProgram(t, database)
	token := p.adminToken()
	p.start()
	hook := newRecorder(t)
	var widget struct {
		Key string `json:"key"`
	}
	p.must("POST", "/api/v1/widgets", token, map[string]any{"name": "Crash"}, &widget)
	p.must("POST", "/api/v1/endpoints", token, map[string]any{
		"name": "crash", "url": hook.URL, "dialect": "standard", "in_flight_limit": inFlight,
		"events": []string{"session.started", "message.received", "message.sent", "session.ended", "conversation.ended"},
	}, nil)

	var acked sync.Map // client id or key → message id
	var stop atomic.Bool
	var writing sync.WaitGroup
	// until repeats a request with its key until somebody says yes, as a browser does.
	until := func(try func() (int, error)) bool {
		for {
			status, err := try()
			if err == nil {
				return true
			}
			if status != 0 && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
				t.Error(err)
				return false
			}
			if stop.Load() && status == 0 && p.down() { // the test failed meanwhile
				return false
			}
		}
	}
	for w := range writers {
		writing.Go(func() {
			visitor, conversation := "", int64(0)
			for n := 0; !stop.Load(); n++ {
				key := secret.UUID()
				var out struct {
					Token        *string `json:"token"`
					Conversation struct {
						ID int64 `json:"id"`
					} `json:"conversation"`
					Message struct {
						ID int64 `json:"id"`
					} `json:"message"`
				}
				in := map[string]any{"client_id": key, "body": fmt.Sprintf("%d of %d", n, w), "reopen": true}
				if conversation != 0 {
					in["conversation_id"] = conversation
				}
				if !until(func() (int, error) {
					return p.call("POST", "/visitor/v1/widgets/"+widget.Key+"/messages", visitor, "", in, &out)
				}) {
					return
				}
				if out.Token != nil {
					visitor = *out.Token
				}
				conversation = out.Conversation.ID
				acked.Store(key, out.Message.ID)
				path := fmt.Sprintf("/api/v1/conversations/%d/", conversation)
				switch {
				case n%5 == 4:
					until(func() (int, error) { return p.call("POST", path+"end", token, key+"e", map[string]any{}, nil) })
				case n%2 == 1:
					var reply struct {
						Message struct {
							ID int64 `json:"id"`
						} `json:"message"`
					}
					if until(func() (int, error) {
						return p.call("POST", path+"messages", token, key+"r", map[string]any{"body": "reply " + key}, &reply)
					}) {
						acked.Store("reply "+key, reply.Message.ID)
					}
				}
			}
		})
	}
	for range kills {
		// A random number of callbacks later, wherever the road is then.
		var target int64
		if !hook.wait(func() bool {
			if target == 0 {
				target = hook.calls + 20 + rand.Int64N(150)
			}
			return hook.calls >= target
		}) {
			t.Fatal("no callbacks came for a minute")
		}
		p.kill()
		p.start()
	}
	stop.Store(true)
	writing.Wait()

	events := p.feed(t, token)
	inFeed := map[string]int64{}
	want := map[string]bool{}
	for i, e := range events {
		if e.Seq != int64(i+1) {
			t.Fatalf("the feed's entry %d has seq %d", i+1, e.Seq)
		}
		switch e.Type {
		case "message.received":
			inFeed[e.Data.Message.ClientID] = e.Data.Message.ID
		case "message.sent":
			inFeed[e.Data.Message.Body] = e.Data.Message.ID
		case "session.started", "session.ended", "conversation.ended":
		default:
			continue
		}
		want[fmt.Sprint(e.Type, " ", e.Seq)] = true
	}
	n := 0
	acked.Range(func(key, message any) bool {
		n++
		if inFeed[key.(string)] != message {
			t.Errorf("message %v was acknowledged as %v, the feed has %v", key, message, inFeed[key.(string)])
		}
		return true
	})
	if len(inFeed) != n {
		t.Errorf("%d messages in the feed, %d acknowledged", len(inFeed), n)
	}
	if !hook.wait(func() bool { return hook.missing(want) == 0 }) {
		t.Errorf("some of %d events never reached the receiver", len(want))
	}
	hook.mu.Lock()
	defer hook.mu.Unlock()
	for c, list := range hook.firsts {
		if !slices.IsSortedFunc(list, func(a, b number) int { return int(a.seq - b.seq) }) {
			t.Errorf("conversation %d arrived out of order: %v", c, list)
		}
	}
	if hook.repeats > kills*inFlight {
		t.Errorf("%d repeats after %d kills with %d under way at most", hook.repeats, kills, inFlight)
	}
	t.Logf("%d messages acknowledged, %d events delivered, %d repeats, %d kills", n, len(want), hook.repeats, kills)
	if err := p.terminate(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

func (p *program) down() bool {
	c, err := net.DialTimeout("tcp", p.addr, time.Second)
	if err != nil {
		return true
	}
	c.Close()
	return false
}

// missing counts the events that have not arrived; r.mu is held.
func (r *recorder) missing(want map[string]bool) int {
	n := 0
	for e := range want {
		if !r.have[e] {
			n++
		}
	}
	return n
}

// feed reads the whole event feed.
func (p *program) feed(t *testing.T, token string) []wireFeedEvent {
	t.Helper()
	var all []wireFeedEvent
	var after int64
	for {
		var page struct {
			Items     []wireFeedEvent `json:"items"`
			NextAfter int64           `json:"next_after"`
			Seq       int64           `json:"seq"`
		}
		p.must("GET", fmt.Sprintf("/api/v1/events?after=%d&limit=200", after), token, nil, &page)
		all = append(all, page.Items...)
		if after = page.NextAfter; after >= page.Seq {
			return all
		}
	}
}

// SIGTERM under load: exit code 0, every acknowledged message is stored, and no callback is repeated.
func TestTerminateFinishesWhatIsUnderWay(t *testing.T) {
	p := newProgram(t, "")
	token := p.adminToken()
	p.start()
	hook := newRecorder(t)
	var widget struct {
		Key string `json:"key"`
	}
	p.must("POST", "/api/v1/widgets", token, map[string]any{"name": "Stop"}, &widget)
	p.must("POST", "/api/v1/endpoints", token, map[string]any{"name": "stop", "url": hook.URL, "dialect": "standard", "events": []string{"message.received"}}, nil)
	var acked atomic.Int64
	var writing sync.WaitGroup
	enough := make(chan struct{})
	var once sync.Once
	for range 4 {
		writing.Go(func() {
			for {
				_, err := p.call("POST", "/visitor/v1/widgets/"+widget.Key+"/messages", "", "", map[string]any{"client_id": secret.UUID(), "body": "hello"}, nil)
				if err != nil {
					if opErr := new(net.OpError); !errors.As(err, &opErr) && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "503") {
						t.Errorf("a request under way ended with %v", err)
					}
					return
				}
				if acked.Add(1) == 100 {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	if err := p.terminate(); err != nil {
		t.Fatalf("the server ended with %v, want exit code 0", err)
	}
	writing.Wait()
	p.start()
	received := map[string]bool{}
	for _, e := range p.feed(t, token) {
		if e.Type == "message.received" {
			received[fmt.Sprint(e.Type, " ", e.Seq)] = true
		}
	}
	if int64(len(received)) < acked.Load() {
		t.Errorf("%d messages were acknowledged, %d are stored", acked.Load(), len(received))
	}
	hook.wait(func() bool { return hook.missing(received) == 0 })
	hook.mu.Lock()
	defer hook.mu.Unlock()
	if len(hook.have) != len(received) || hook.repeats > 0 {
		t.Errorf("the receiver got %d of %d messages and %d repeats", len(hook.have), len(received), hook.repeats)
	}
	if err := p.terminate(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
