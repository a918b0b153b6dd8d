package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/secret"
)

// program is the real program as a child process.
type program struct {
	t        *testing.T
	dir      string
	copies   string // for looks at the database
	database string
	secret   string // --secret-key, where nodes share a database
	addr     string
	log      *journal
	client   *http.Client

	// Of the goroutine that starts and ends it.
	cmd    *exec.Cmd
	exited chan error
	took   time.Duration // from the last launch to ready

	mu sync.Mutex
	up chan struct{} // closed while requests are taken
}

func newProgram(t *testing.T, database string) *program {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := &program{t: t, dir: t.TempDir(), copies: t.TempDir(), database: database, addr: l.Addr().String(), log: &journal{}, client: http.DefaultClient, up: make(chan struct{})}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.cmd.Process.Kill()
		}
	})
	return p
}

// journal keeps what a process says on its error output.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (p *program) command(args ...string) *exec.Cmd {
	args = append(args, "--data", p.dir)
	if p.database != "" {
		args = append(args, "--database", p.database)
	}
	if p.secret != "" {
		args = append(args, "--secret-key", p.secret)
	}
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), serverVariable+"=1")
	return c
}

// launch starts the process and does not wait. The channel says true when it is ready, and is closed when it has ended.
func (p *program) launch() <-chan bool {
	p.t.Helper()
	p.cmd = p.command("serve", "--listen", p.addr, "--allow-private-targets", "127.0.0.0/8", "--log-level", "error")
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ready := make(chan bool, 1)
	cmd, exited := p.cmd, make(chan error, 1)
	p.exited = exited
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "is ready") {
				p.took = time.Since(began)
				ready <- true
			}
		}
		exited <- cmd.Wait()
		close(ready)
	}()
	return ready
}

// start runs the server and returns when it is ready.
func (p *program) start() {
	p.t.Helper()
	if !<-p.launch() {
		p.t.Fatalf("the server ended before it was ready: %s", p.log)
	}
	p.mu.Lock()
	close(p.up)
	p.mu.Unlock()
}

// down says that nobody need try for a while.
func (p *program) down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.up:
		p.up = make(chan struct{})
	default:
	}
}

// serving waits until the server should be there, and returns false when the test is over instead.
func (p *program) serving() bool {
	p.mu.Lock()
	up := p.up
	p.mu.Unlock()
	select {
	case <-up:
		return p.t.Context().Err() == nil
	case <-p.t.Context().Done():
		return false
	}
}

func (p *program) kill() {
	p.down()
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
	res, err := p.client.Do(req)
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

// recorder is somebody's receiver. It notes each event by path and lane in the order of arrival, and finds what must not be.
type recorder struct {
	*httptest.Server
	// lateRepeats are allowed where two servers may have the same thing in flight.
	lateRepeats bool

	mu      sync.Mutex
	life    int                // counts the lives of the server: see newLife
	ids     map[string]string  // webhook id → path and event
	firsts  map[string][]int64 // by path and lane: the events' numbers in the order of their first arrival
	have    map[string]int     // path and event → the life of its last arrival
	repeats map[string]int     // path and event → arrivals but the first
	calls   int64
	changed chan struct{} // closed and replaced at each call
	wrong   []string
	slow    time.Duration // how long it takes for an answer at most
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

type lifeKey struct{}

// newLife is called between the death of a server and its next start: what the dead one sent belongs to the old life, also when
// it is read late. Connections are taken in the order in which they were made, so when one of our own has been answered, all
// of the dead server's have been taken.
func (r *recorder) newLife() error {
	req, err := http.NewRequest(http.MethodGet, r.URL+"/", nil)
	if err != nil {
		return err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.life++
	return nil
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
	r := &recorder{ids: map[string]string{}, firsts: map[string][]int64{}, have: map[string]int{}, repeats: map[string]int{}, changed: make(chan struct{})}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(r.take))
	r.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		r.mu.Lock()
		defer r.mu.Unlock()
		return context.WithValue(ctx, lifeKey{}, r.life)
	}
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) take(_ http.ResponseWriter, q *http.Request) {
	if q.Method == http.MethodGet {
		return
	}
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // its sender died in the middle
	}
	var e wireFeedEvent
	if err := json.Unmarshal(body, &e); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.wrong = append(r.wrong, fmt.Sprintf("a callback is not JSON: %v", err))
		return
	}
	r.note(q.URL.Path, q.Header.Get("webhook-id"), e, q.Context().Value(lifeKey{}).(int))
	r.mu.Lock()
	slow := r.slow
	r.mu.Unlock()
	if slow > 0 {
		<-time.After(rand.N(slow))
	}
}

func (r *recorder) answersWithin(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slow = d
}

func (r *recorder) note(path, key string, e wireFeedEvent, life int) {
	event := arrival(path, e)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	close(r.changed)
	r.changed = make(chan struct{})
	if was, ok := r.ids[key]; ok && was != event {
		r.wrong = append(r.wrong, fmt.Sprintf("webhook-id %s stood for %q and now for %q", key, was, event))
	}
	_, known := r.ids[key]
	r.ids[key] = event
	last, repeated := r.have[event]
	r.have[event] = life
	lane := fmt.Sprint(path, " ", e.Data.Conversation.ID)
	list := r.firsts[lane]
	if repeated {
		r.repeats[event]++
		if !known {
			r.wrong = append(r.wrong, fmt.Sprintf("%q was repeated under another webhook-id, %s", event, key))
		}
		if last == life && !r.lateRepeats {
			r.wrong = append(r.wrong, fmt.Sprintf("%q came twice in one life of the server", event))
		}
		if len(list) > 0 && e.Seq < list[len(list)-1] && !r.lateRepeats {
			r.wrong = append(r.wrong, fmt.Sprintf("%q was repeated after %d of its conversation", event, list[len(list)-1]))
		}
		return
	}
	if e.Data.Conversation.ID != 0 {
		if len(list) > 0 && e.Seq < list[len(list)-1] {
			r.wrong = append(r.wrong, fmt.Sprintf("conversation %d at %s: %d came after %d", e.Data.Conversation.ID, path, e.Seq, list[len(list)-1]))
		}
		r.firsts[lane] = append(list, e.Seq)
	}
}

func arrival(path string, e wireFeedEvent) string { return fmt.Sprint(path, " ", e.Type, " ", e.Seq) }

// all counts the repeats; r.mu is held.
func (r *recorder) all() int {
	n := 0
	for _, times := range r.repeats {
		n += times
	}
	return n
}

// report fails the test for everything that must not be.
func (r *recorder) report(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, what := range r.wrong {
		if t.Error(what); i == 20 {
			t.Errorf("… and %d more", len(r.wrong)-i-1)
			break
		}
	}
}

// eachDatabase runs fn on SQLite ("") and, where there is one, on PostgreSQL.
func eachDatabase(t *testing.T, fn func(t *testing.T, database string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, "") })
	if server := postgres(t); server != "" {
		t.Run("postgres", func(t *testing.T) { fn(t, dbtest.Schema(t, server)) })
	}
}

// postgres is the URL of the server for tests, "" where there is none and need be none.
func postgres(t *testing.T) string {
	t.Helper()
	server := os.Getenv(dbtest.PostgresVariable)
	if server == "" && os.Getenv("CI") == "true" {
		t.Errorf("%s is not set", dbtest.PostgresVariable)
	}
	return server
}

// Kill -9 at a hundred random moments under load, in bursts and while it starts: what was acknowledged is there, the feed has
// no gap, the receiver gets every event, each conversation's in order, and only what was under way at a kill comes again,
// under the same webhook-id.
func TestKillLosesAndReordersNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		kills := 70
		if database != "" {
			kills = 30
		}
		killing(t, database, kills)
	})
}

// house is a running server with a widget, somebody's receiver, and people who write.
type house struct {
	*program
	token  string
	widget string
	hook   *recorder
	told   []string // the events that the receiver is told of

	acked   sync.Map // client id, or the text of a reply → message id
	stop    atomic.Bool
	writing sync.WaitGroup
}

// answered is what the server says to a visitor's message.
type answered struct {
	Token        *string `json:"token"`
	Conversation struct {
		ID int64 `json:"id"`
	} `json:"conversation"`
	Message struct {
		ID int64 `json:"id"`
	} `json:"message"`
}

func newHouse(t *testing.T, database string, endpoint map[string]any) *house {
	t.Helper()
	h := &house{program: newProgram(t, database), told: []string{"session.started", "message.received", "message.sent", "session.ended", "conversation.ended"}}
	h.token = h.adminToken()
	h.start()
	h.hook = newRecorder(t)
	var widget struct {
		Key string `json:"key"`
	}
	h.must("POST", "/api/v1/widgets", h.token, map[string]any{"name": "Crash"}, &widget)
	h.widget = widget.Key
	in := map[string]any{"name": "crash", "url": h.hook.URL + "/hook", "dialect": "standard", "events": h.told}
	maps.Copy(in, endpoint)
	h.must("POST", "/api/v1/endpoints", h.token, in, nil)
	return h
}

// until repeats a request with its key until somebody says yes, as a browser does.
func (h *house) until(try func() (int, error)) bool {
	for h.serving() {
		status, err := try()
		if err == nil {
			return true
		}
		if status != 0 && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
			if h.t.Context().Err() == nil {
				h.t.Error(err)
			}
			return false
		}
		if status != 0 {
			<-time.After(20 * time.Millisecond) // as a browser that was asked to wait, only sooner
		}
	}
	return false
}

// say posts a visitor's message until it is acknowledged.
func (h *house) say(p *program, visitor string, conversation int64, text string) (answered, bool) {
	key := secret.UUID()
	in := map[string]any{"client_id": key, "body": text, "reopen": true}
	if conversation != 0 {
		in["conversation_id"] = conversation
	}
	var out answered
	ok := h.until(func() (int, error) {
		return p.call("POST", "/visitor/v1/widgets/"+h.widget+"/messages", visitor, "", in, &out)
	})
	if ok {
		h.acked.Store(key, out.Message.ID)
	}
	return out, ok
}

// reply posts an operator's message until it is acknowledged.
func (h *house) reply(p *program, conversation int64) bool {
	key := secret.UUID()
	var out answered
	ok := h.until(func() (int, error) {
		return p.call("POST", fmt.Sprintf("/api/v1/conversations/%d/messages", conversation), h.token, key, map[string]any{"body": "reply " + key}, &out)
	})
	if ok {
		h.acked.Store("reply "+key, out.Message.ID)
	}
	return ok
}

// write lets n visitors write, get answers and end their conversations until stop.
func (h *house) write(n int) {
	for w := range n {
		h.writing.Go(func() {
			visitor, conversation := "", int64(0)
			for n := 0; !h.stop.Load(); n++ {
				out, ok := h.say(h.program, visitor, conversation, fmt.Sprintf("%d of %d", n, w))
				if !ok {
					return
				}
				if out.Token != nil {
					visitor = *out.Token
				}
				conversation = out.Conversation.ID
				switch {
				case n%5 == 4:
					key := secret.UUID()
					ok = h.until(func() (int, error) {
						return h.call("POST", fmt.Sprintf("/api/v1/conversations/%d/end", conversation), h.token, key, map[string]any{}, nil)
					})
				case n%2 == 1:
					ok = h.reply(h.program, conversation)
				}
				if !ok {
					return
				}
			}
		})
	}
}

// burst lets n new visitors write at the same moment, and tells of each answer.
func (h *house) burst(n int) <-chan bool {
	acked := make(chan bool, n)
	for range n {
		h.writing.Go(func() {
			_, ok := h.say(h.program, "", 0, "all at once")
			acked <- ok
		})
	}
	return acked
}

func killing(t *testing.T, database string, kills int) {
	h := newHouse(t, database, map[string]any{"in_flight_limit": 8})
	h.write(6)
	killed, starting, bursts := 0, 0, 0
	may := map[string]int{} // how often an event may come again: it was the first of its lane at so many kills
	kill := func() {
		t.Helper()
		h.kill()
		killed++
		for _, e := range h.heads() {
			may[e]++
		}
		if err := h.hook.newLife(); err != nil {
			t.Fatal(err)
		}
	}
	// On a machine that is slow or busy, or with the race detector, a fifth has to do when the time is up.
	for late := time.Now().Add(60 * time.Second); killed < kills && (killed < kills/5 || time.Now().Before(late)); {
		if t.Failed() {
			return
		}
		switch rand.IntN(4) {
		case 0: // while it starts
			starting++
			took := h.took
			kill()
			h.launch()
			<-time.After(rand.N(took + took/2))
		case 1: // in a burst
			bursts++
			acked := h.burst(40)
			for range rand.IntN(40) {
				<-acked
			}
			<-time.After(rand.N(3 * time.Millisecond))
		default: // a random number of callbacks later, wherever the road is then
			target := int64(0)
			if !h.hook.wait(func() bool {
				if target == 0 {
					target = h.hook.calls + 5 + rand.Int64N(70)
				}
				return h.hook.calls >= target
			}) {
				t.Fatalf("no callbacks came for a minute: %s", h.log)
			}
			<-time.After(rand.N(3 * time.Millisecond))
		}
		kill()
		h.start()
	}
	h.stop.Store(true)
	h.writing.Wait()
	delivered := h.settle()
	h.hook.mu.Lock()
	for event, n := range h.hook.repeats {
		if n > may[event] {
			t.Errorf("%q was repeated %d times, and was in flight at %d kills at most", event, n, may[event])
		}
	}
	repeats := h.hook.all()
	h.hook.mu.Unlock()
	t.Logf("%d events delivered, %d repeats, %d kills (%d while starting, %d in a burst)", delivered, repeats, killed, starting, bursts)
}

// settle waits until everything has arrived, ends the server, and compares what was acknowledged, the feed, the receiver and
// the database. It returns how many events the receiver got.
func (h *house) settle() int {
	t := h.t
	t.Helper()
	inFeed := map[string]int64{}
	want := map[string]bool{}
	for i, e := range h.feed(h.token) {
		if e.Seq != int64(i+1) {
			t.Fatalf("the feed's entry %d has seq %d", i+1, e.Seq)
		}
		switch e.Type {
		case "message.received":
			inFeed[e.Data.Message.ClientID] = e.Data.Message.ID
		case "message.sent":
			inFeed[e.Data.Message.Body] = e.Data.Message.ID
		}
		if slices.Contains(h.told, e.Type) {
			want[arrival("/hook", e)] = true
		}
	}
	n := 0
	h.acked.Range(func(key, message any) bool {
		n++
		if inFeed[key.(string)] != message {
			t.Errorf("message %v was acknowledged as %v, the feed has %v", key, message, inFeed[key.(string)])
		}
		return true
	})
	if len(inFeed) != n {
		t.Errorf("%d messages in the feed, %d acknowledged", len(inFeed), n)
	}
	if !h.hook.wait(func() bool { return h.hook.missing(want) == 0 }) {
		t.Errorf("some of %d events never reached the receiver: %s", len(want), h.log)
	}
	if err := h.terminate(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	h.hook.report(t)
	h.hook.mu.Lock()
	defer h.hook.mu.Unlock()
	if len(h.hook.have) != len(want) {
		t.Errorf("the receiver got %d events, the feed has %d", len(h.hook.have), len(want))
	}
	stored := map[string]string{}
	h.look(func(tx *db.Tx) error {
		_, err := db.All(tx, "SELECT e.type, e.seq, d.state FROM deliveries d JOIN events e ON e.id = d.event_id", nil, func(s db.Scanner) (bool, error) {
			var kind, state string
			var seq int64
			err := s.Scan(&kind, &seq, &state)
			stored[fmt.Sprint("/hook ", kind, " ", seq)] = state
			return true, err
		})
		return err
	})
	for event := range want {
		if stored[event] != "delivered" {
			t.Errorf("the database calls %q %q", event, stored[event])
		}
	}
	if len(stored) != len(want) {
		t.Errorf("the database has %d deliveries, the feed %d events that make one", len(stored), len(want))
	}
	return len(want)
}

// heads are the events that stand first in their lanes, looked at while no server runs: what may have been in flight.
func (h *house) heads() []string {
	h.t.Helper()
	var list []string
	h.look(func(tx *db.Tx) (err error) {
		list, err = heads(tx, "/hook")
		return err
	})
	return list
}

func heads(tx *db.Tx, path string) ([]string, error) {
	return db.All(tx, `SELECT e.type, e.seq FROM deliveries d JOIN events e ON e.id = d.event_id
WHERE d.id IN (SELECT MIN(id) FROM deliveries WHERE state = 'pending' GROUP BY target, lane) AND e.seq IS NOT NULL`, nil, func(s db.Scanner) (string, error) {
		var kind string
		var seq int64
		err := s.Scan(&kind, &seq)
		return fmt.Sprint(path, " ", kind, " ", seq), err
	})
}

// look reads the database beside the server. Of SQLite it reads a copy, so that the server alone repairs what it left.
func (p *program) look(fn func(tx *db.Tx) error) {
	p.t.Helper()
	url := p.database
	if url == "" {
		url = filepath.Join(p.copies, "copy.db")
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(url + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				p.t.Fatal(err)
			}
			if suffix == "-shm" {
				continue
			}
			b, err := os.ReadFile(filepath.Join(p.dir, "parley.db"+suffix))
			if err == nil {
				err = os.WriteFile(url+suffix, b, 0o600)
			}
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				p.t.Fatal(err)
			}
		}
	}
	d, err := db.Open(p.t.Context(), db.Options{URL: url, SkipMigrations: true, Readers: 2})
	if err != nil {
		p.t.Fatal(err)
	}
	defer d.Close()
	if err := d.View(p.t.Context(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		p.t.Fatal(err)
	}
}

// missing counts the events that have not arrived; r.mu is held.
func (r *recorder) missing(want map[string]bool) int {
	n := 0
	for e := range want {
		if _, ok := r.have[e]; !ok {
			n++
		}
	}
	return n
}

// feed reads the whole event feed.
func (p *program) feed(token string) []wireFeedEvent {
	p.t.Helper()
	var all []wireFeedEvent
	var after int64
	for {
		var page struct {
			Items     []wireFeedEvent `json:"items"`
			NextAfter int64           `json:"next_after"`
			Seq       int64           `json:"seq"`
		}
		for {
			status, err := p.call("GET", fmt.Sprintf("/api/v1/events?after=%d&limit=200", after), token, "", nil, &page)
			if err == nil {
				break
			}
			if status != http.StatusTooManyRequests { // the address has spent its share
				p.t.Fatal(err)
			}
			<-time.After(100 * time.Millisecond)
		}
		all = append(all, page.Items...)
		if after = page.NextAfter; after >= page.Seq {
			return all
		}
	}
}

// SIGTERM under load, with a receiver that takes its time: exit code 0, every acknowledged message is stored, what is in flight
// is finished, and no callback is repeated or lost.
func TestTerminateFinishesWhatIsUnderWay(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		h := newHouse(t, database, map[string]any{"in_flight_limit": 32})
		h.hook.answersWithin(50 * time.Millisecond)
		var acked atomic.Int64
		enough := make(chan struct{})
		var once sync.Once
		for range 4 {
			h.writing.Go(func() {
				for {
					key := secret.UUID()
					var out answered
					_, err := h.call("POST", "/visitor/v1/widgets/"+h.widget+"/messages", "", "", map[string]any{"client_id": key, "body": "hello"}, &out)
					if err != nil {
						if opErr := new(net.OpError); !errors.As(err, &opErr) && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "503") {
							t.Errorf("a request under way ended with %v", err)
						}
						return
					}
					h.acked.Store(key, out.Message.ID)
					if acked.Add(1) == 100 {
						once.Do(func() { close(enough) })
					}
				}
			})
		}
		select {
		case <-enough:
		case <-time.After(time.Minute):
			t.Fatalf("100 messages were not acknowledged in a minute: %s", h.log)
		}
		if err := h.terminate(); err != nil {
			t.Fatalf("the server ended with %v, want exit code 0", err)
		}
		h.writing.Wait()
		h.hook.mu.Lock()
		came := h.hook.calls
		h.hook.mu.Unlock()
		if err := h.hook.newLife(); err != nil {
			t.Fatal(err)
		}
		h.down()
		h.start()
		delivered := h.settle()
		h.hook.mu.Lock()
		defer h.hook.mu.Unlock()
		if n := h.hook.all(); n > 0 {
			t.Errorf("%d callbacks were repeated after a clean stop", n)
		}
		t.Logf("%d events, %d delivered before the stop", delivered, came)
	})
}
