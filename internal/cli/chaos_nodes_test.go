package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/secret"
)

// pair is two server processes on one PostgreSQL, with endpoints that both own some of.
type pair struct {
	*house // its program is node a
	b      *program
	name   string // of node a's database sessions
	paths  []string
	db     *db.DB
}

// newPair starts two nodes and eight endpoints: half of them hear what visitors write, half what operators answer. Visitors
// write to node a, operators to node b, so each node takes the half whose events it sees first.
func newPair(t *testing.T) *pair {
	t.Helper()
	server := postgres(t)
	if server == "" {
		return nil
	}
	url := dbtest.Schema(t, server)
	name := fmt.Sprint("parley-test-", time.Now().UnixNano())
	named, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	q := named.Query()
	q.Set("application_name", name)
	named.RawQuery = q.Encode()
	h := &house{program: newProgram(t, named.String()), told: []string{"message.received", "message.sent"}}
	p := &pair{house: h, b: newProgram(t, url), name: name}
	h.secret = "a key that both nodes know"
	p.b.secret = h.secret
	h.token = h.adminToken()
	h.start()
	p.b.start()
	h.hook = newRecorder(t)
	h.hook.lateRepeats = true
	var widget struct {
		Key string `json:"key"`
	}
	h.must("POST", "/api/v1/widgets", h.token, map[string]any{"name": "Nodes"}, &widget)
	h.widget = widget.Key
	for i := range 8 {
		path := fmt.Sprint("/", i)
		p.paths = append(p.paths, path)
		h.must("POST", "/api/v1/endpoints", h.token, map[string]any{"name": path, "url": h.hook.URL + path, "dialect": "standard",
			"in_flight_limit": 8, "events": []string{h.told[i%2]}}, nil)
	}
	if p.db, err = db.Open(t.Context(), db.Options{URL: url, SkipMigrations: true, Readers: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	// Who sees the first event of an endpoint takes it.
	out, ok := h.say(h.program, "", 0, "hello")
	if !ok || !h.hook.wait(func() bool { return h.hook.calls >= 4 }) || !h.reply(p.b, out.Conversation.ID) || !h.hook.wait(func() bool { return h.hook.calls >= 8 }) {
		t.Fatalf("the first callbacks did not come: %s %s", h.log, p.b.log)
	}
	return p
}

// owners counts the endpoints by the node that owns them.
func (p *pair) owners() map[string]int {
	p.t.Helper()
	count := map[string]int{}
	p.read(func(tx *db.Tx) error {
		_, err := db.All(tx, "SELECT owner FROM delivery_targets ORDER BY ref", nil, func(s db.Scanner) (bool, error) {
			var owner string
			err := s.Scan(&owner)
			node, _, _ := strings.Cut(owner, "/")
			count[node]++
			return true, err
		})
		return err
	})
	return count
}

func (p *pair) read(fn func(tx *db.Tx) error) {
	p.t.Helper()
	if err := p.db.View(p.t.Context(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		p.t.Fatal(err)
	}
}

// inFlight are the events, by path, that the owner of their endpoint may have under way.
func (p *pair) inFlight() map[string]bool {
	p.t.Helper()
	out := map[string]bool{}
	p.read(func(tx *db.Tx) error {
		_, err := db.All(tx, `SELECT t.ref, e.type, e.seq FROM deliveries d JOIN events e ON e.id = d.event_id JOIN delivery_targets t ON t.id = d.target
WHERE d.id IN (SELECT MIN(id) FROM deliveries WHERE state = 'pending' GROUP BY target, lane) AND e.seq IS NOT NULL`, nil, func(s db.Scanner) (bool, error) {
			var ref, seq int64
			var kind string
			err := s.Scan(&ref, &kind, &seq)
			out[fmt.Sprintf("%s %s %d", p.paths[ref-1], kind, seq)] = true
			return true, err
		})
		return err
	})
	return out
}

// node is what a program calls itself in the database.
func (p *pair) node(of *program) string {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(of.dir, "node.id"))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// load lets conversations go on at a steady pace until stop. Half of the visitors begin with each node; who gets no answer in
// time asks the other node with the same key, and stays there.
func (p *pair) load() {
	nodes := []*program{p.program, p.b}
	for _, node := range nodes {
		node.client = &http.Client{Timeout: time.Second} // it may be asleep
	}
	for w := range 6 {
		p.writing.Go(func() {
			at, visitor, conversation := w, "", int64(0)
			either := func(try func(*program) (int, error)) bool {
				for ; p.t.Context().Err() == nil; at++ {
					status, err := try(nodes[at%len(nodes)])
					if err == nil {
						return true
					}
					if status != 0 && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
						p.t.Error(err)
						return false
					}
				}
				return false
			}
			pace := time.NewTicker(100 * time.Millisecond)
			defer pace.Stop()
			for n := 0; !p.stop.Load(); n++ {
				<-pace.C
				key := secret.UUID()
				in := map[string]any{"client_id": key, "body": fmt.Sprintf("%d of %d", n, w), "reopen": true}
				if conversation != 0 {
					in["conversation_id"] = conversation
				}
				var out, answer answered
				if !either(func(node *program) (int, error) {
					return node.call("POST", "/visitor/v1/widgets/"+p.widget+"/messages", visitor, "", in, &out)
				}) {
					return
				}
				p.acked.Store(key, out.Message.ID)
				if out.Token != nil {
					visitor = *out.Token
				}
				conversation = out.Conversation.ID
				if n%2 == 0 {
					continue
				}
				if !either(func(node *program) (int, error) {
					return node.call("POST", fmt.Sprintf("/api/v1/conversations/%d/messages", conversation), p.token, key, map[string]any{"body": "reply " + key}, &answer)
				}) {
					return
				}
				p.acked.Store("reply "+key, answer.Message.ID)
			}
		})
	}
}

// takenOver waits until the survivor owns what the other one had, and returns how long that took.
func (p *pair) takenOver(gone, left string) time.Duration {
	p.t.Helper()
	began := time.Now()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for time.Since(began) < time.Minute {
		<-look.C
		if n := p.owners(); n[gone] == 0 && n[left] == len(p.paths) {
			return time.Since(began)
		}
	}
	p.t.Fatalf("a minute later the endpoints belong to %v, want all of them to %s: %s", p.owners(), left, p.b.log)
	return 0
}

// check waits until everything has arrived and looks for what must not be; repeats are what may come again.
func (p *pair) check(via *program, may map[string]bool) {
	p.t.Helper()
	p.stop.Store(true)
	p.writing.Wait()
	via.client = http.DefaultClient // there is no other node to ask
	want := map[string]bool{}
	inFeed := map[string]int64{}
	for _, e := range via.feed(p.token) {
		switch e.Type {
		case "message.received":
			inFeed[e.Data.Message.ClientID] = e.Data.Message.ID
		case "message.sent":
			inFeed[e.Data.Message.Body] = e.Data.Message.ID
		}
		for i, path := range p.paths {
			if e.Type == p.told[i%2] {
				want[arrival(path, e)] = true
			}
		}
	}
	p.acked.Range(func(key, message any) bool {
		if inFeed[key.(string)] != message {
			p.t.Errorf("message %v was acknowledged as %v, the feed has %v", key, message, inFeed[key.(string)])
		}
		return true
	})
	if !p.hook.wait(func() bool { return p.hook.missing(want) == 0 }) {
		p.t.Errorf("some of %d events never reached the receiver: %s", len(want), via.log)
	}
	p.hook.report(p.t)
	p.hook.mu.Lock()
	defer p.hook.mu.Unlock()
	for event, n := range p.hook.repeats {
		if !may[event] || n > 1 {
			p.t.Errorf("%q was repeated %d times; in flight then: %v", event, n, may[event])
		}
	}
	p.t.Logf("%d callbacks, %d repeats", len(want), p.hook.all())
}

// One of two nodes is killed under load: the other takes over its endpoints, and nothing is lost or reordered.
func TestOtherNodeTakesOverTheEndpointsOfAKilledOne(t *testing.T) {
	p := newPair(t)
	if p == nil {
		return
	}
	a, b := p.node(p.program), p.node(p.b)
	if n := p.owners(); n[a] != 4 || n[b] != 4 {
		t.Fatalf("endpoints by node %v, want 4 each", n)
	}
	p.load()
	p.hook.wait(func() bool { return p.hook.calls > 400 })
	p.program.cmd.Process.Kill()
	<-p.program.exited
	may := p.inFlight()
	if err := p.hook.newLife(); err != nil {
		t.Fatal(err)
	}
	t.Logf("all endpoints of the killed node were taken over after %v", p.takenOver(a, b).Round(10*time.Millisecond))
	p.check(p.b, may)
	if err := p.b.terminate(); err != nil {
		t.Errorf("the survivor ended with %v", err)
	}
}

// sleepInTransaction stops node a at the worst moment: it has a transaction open that holds rows of its targets.
func (p *pair) sleepInTransaction() {
	p.t.Helper()
	process := p.program.cmd.Process
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if err := process.Signal(syscall.SIGSTOP); err != nil {
			p.t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond) // for the statement that runs
		held := 0
		p.read(func(tx *db.Tx) error {
			return tx.One(`SELECT COUNT(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid WHERE a.application_name = $1 AND a.state = 'idle in transaction'
AND l.relation = 'delivery_targets'::regclass AND l.mode = 'RowExclusiveLock'`, []any{p.name}, &held)
		})
		if held > 0 {
			return
		}
		if err := process.Signal(syscall.SIGCONT); err != nil {
			p.t.Fatal(err)
		}
		<-time.After(rand.N(10 * time.Millisecond))
	}
	p.t.Fatal("the node was never caught in a transaction")
}

// A node is stopped for longer than its leases, in the middle of a transaction, and then wakes up: meanwhile the other one has
// its endpoints, and the woken one sends nothing of them that was not in flight when it fell asleep.
func TestNodeThatWakesUpLateSendsNothingOfWhatItLost(t *testing.T) {
	p := newPair(t)
	if p == nil {
		return
	}
	a, b := p.node(p.program), p.node(p.b)
	p.hook.answersWithin(40 * time.Millisecond) // so that something is in flight
	p.load()
	p.hook.wait(func() bool { return p.hook.calls > 400 })
	if n := p.owners(); n[a] != 4 || n[b] != 4 {
		t.Fatalf("endpoints by node %v, want 4 each", n)
	}
	p.sleepInTransaction()
	may := p.inFlight()
	t.Logf("all endpoints of the sleeping node were taken over after %v", p.takenOver(a, b).Round(10*time.Millisecond))
	p.hook.mu.Lock()
	came := p.hook.calls
	p.hook.mu.Unlock()
	p.hook.wait(func() bool { return p.hook.calls > came+100 }) // the other one is ahead in their lanes
	if err := p.program.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.hook.mu.Lock()
	came = p.hook.calls
	p.hook.mu.Unlock()
	p.hook.wait(func() bool { return p.hook.calls > came+200 })
	p.check(p.program, may)
	for _, n := range []*program{p.program, p.b} {
		if err := n.terminate(); err != nil {
			t.Errorf("a node ended with %v", err)
		}
	}
}
