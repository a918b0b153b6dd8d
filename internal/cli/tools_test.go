package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/internal/secret"
)

// site is a running server with a widget and somebody who writes.
type site struct {
	t            *testing.T
	dir, addr    string
	server       *child
	token, key   string
	visitor      string
	conversation int64
}

func newSite(t *testing.T) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := &site{t: t, dir: t.TempDir(), addr: l.Addr().String()}
	out, _ := run(t, 0, "token", "create", "--data", s.dir, "--name", "tools", "--scope", "admin")
	s.token = strings.TrimSpace(out)
	s.serve()
	var widget struct {
		Key string `json:"key"`
	}
	s.must("POST", "/api/v1/widgets", s.token, map[string]any{"name": "Tools"}, &widget)
	s.key = widget.Key
	t.Setenv("PARLEY_SERVER", "http://"+s.addr+"/")
	t.Setenv("PARLEY_TOKEN", s.token)
	return s
}

// serve starts the server, the first time or again.
func (s *site) serve() {
	s.t.Helper()
	s.server = spawn(s.t, "serve", "--data", s.dir, "--listen", s.addr, "--allow-private-targets", "127.0.0.0/8", "--log-level", "error")
	s.server.line("is ready")
}

// must makes a call of the server.
func (s *site) must(method, path, token string, in, out any) {
	s.t.Helper()
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			s.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, "http://"+s.addr+path, &body)
	if err != nil {
		s.t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %d %s, %v", method, path, res.StatusCode, answer, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			s.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// write posts a message of a visitor.
func (s *site) write(body string) {
	s.t.Helper()
	in := map[string]any{"client_id": secret.UUID(), "body": body}
	if s.conversation != 0 {
		in["conversation_id"] = s.conversation
	}
	var out struct {
		Token        *string `json:"token"`
		Conversation struct {
			ID int64 `json:"id"`
		} `json:"conversation"`
	}
	s.must("POST", "/visitor/v1/widgets/"+s.key+"/messages", s.visitor, in, &out)
	if out.Token != nil {
		s.visitor = *out.Token
	}
	s.conversation = out.Conversation.ID
}

// seqs reads the numbers of the whole feed.
func (s *site) seqs() []int64 {
	s.t.Helper()
	var page struct {
		Items []struct {
			Seq int64 `json:"seq"`
		} `json:"items"`
	}
	s.must("GET", "/api/v1/events?limit=200", s.token, nil, &page)
	var out []int64
	for i, e := range page.Items {
		if e.Seq != int64(i+1) || len(page.Items) == 200 {
			s.t.Fatalf("entry %d of the feed has the number %d", i+1, e.Seq)
		}
		out = append(out, e.Seq)
	}
	return out
}

// endpoint makes one for messages and returns its id.
func (s *site) endpoint(name, url string) int64 {
	s.t.Helper()
	var out struct {
		Endpoint struct {
			ID int64 `json:"id"`
		} `json:"endpoint"`
	}
	s.must("POST", "/api/v1/endpoints", s.token, map[string]any{"name": name, "url": url, "dialect": "standard", "events": []string{"message.received"}}, &out)
	return out.Endpoint.ID
}

// run runs a verb in this process.
func run(t *testing.T, want int, args ...string) (out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	if code := Main(args, &o, &e); code != want {
		t.Fatalf("%q: code %d, want %d\n%s%s", args, code, want, o.String(), e.String())
	}
	return o.String(), e.String()
}

func contains(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in:\n%s", w, text)
		}
	}
}

func fits(t *testing.T, table string) {
	t.Helper()
	for line := range strings.Lines(table) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
			t.Errorf("a line has %d columns:\n%s", n, line)
		}
	}
}

// shop is the receiver of somebody who uses parley listen.
type shop struct {
	*httptest.Server
	mu      sync.Mutex
	secret  string
	seqs    []int64 // accepted, in order of arrival
	bodies  map[int64]string
	hold    int64         // the event that is never answered
	held    chan struct{} // closed when it arrived
	release chan struct{}
	changed chan struct{}
}

func newShop(t *testing.T) *shop {
	s := &shop{bodies: map[int64]string{}, changed: make(chan struct{}), release: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var e struct {
			Seq int64 `json:"seq"`
		}
		if err != nil || json.Unmarshal(body, &e) != nil {
			t.Errorf("a call is not JSON: %s, %v", body, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.secret != "" {
			hook, err := standardwebhooks.NewWebhook(s.secret)
			if err == nil {
				err = hook.Verify(body, q.Header)
			}
			if err != nil {
				t.Errorf("event %d: %v", e.Seq, err)
			}
		}
		if want := "evt_" + strconv.FormatInt(e.Seq, 10) + "_"; s.secret != "" && !strings.HasPrefix(q.Header.Get("webhook-id"), want) {
			t.Errorf("webhook-id %q, want %q and more", q.Header.Get("webhook-id"), want)
		}
		if e.Seq == s.hold {
			close(s.held)
			s.mu.Unlock()
			<-s.release
			s.mu.Lock()
			return
		}
		s.seqs = append(s.seqs, e.Seq)
		s.bodies[e.Seq] = string(body)
		close(s.changed)
		s.changed = make(chan struct{})
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// until waits for the acceptance of an event.
func (s *shop) until(t *testing.T, seq int64) {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		s.mu.Lock()
		have, changed := slices.Contains(s.seqs, seq), s.changed
		s.mu.Unlock()
		if have {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("event %d did not come; there were %v", seq, s.seqs)
		}
	}
}

// child is a tool in a process of its own.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	said  bytes.Buffer
}

func spawn(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0], args...), lines: make(chan string, 1000)}
	c.cmd.Env = append(os.Environ(), serverVariable+"=1")
	c.cmd.Stderr = &c.said
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill() })
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
		}
		close(c.lines)
	}()
	return c
}

// line waits for a line that holds the text.
func (c *child) line(text string) string {
	c.t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		select {
		case l, ok := <-c.lines:
			if !ok {
				c.cmd.Wait()
				c.t.Fatalf("it ended before it said %q: %s", text, c.said.String())
			}
			if strings.Contains(l, text) {
				return l
			}
		case <-late.C:
			c.t.Fatalf("it never said %q", text)
		}
	}
}

// end sends the signal and waits for the end; it returns what was printed last.
func (c *child) end(s os.Signal) (last string, err error) {
	c.cmd.Process.Signal(s)
	for l := range c.lines {
		last = l
	}
	return last, c.cmd.Wait()
}

// parley listen gets every event of the feed once and in order, although it and the server are stopped, killed and started
// again. Only the one event that was under way at a kill comes twice.
func TestListenLosesAndRepeatsNothing(t *testing.T) {
	s := newSite(t)
	hook, pushed := newShop(t), newShop(t)
	s.endpoint("compare", pushed.URL)
	for n := range 5 {
		s.write(fmt.Sprintf("first %d <&> \u2028", n))
	}
	newest := func() int64 { return int64(len(s.seqs())) }
	state := filepath.Join(t.TempDir(), "place")
	args := []string{"listen", "--forward-to", hook.URL, "--from-start", "--state", state}

	// The first run ends with Ctrl-C.
	listen := spawn(t, args...)
	signed := listen.line("signed with the secret")
	_, key, _ := strings.Cut(signed, "whsec_")
	hook.mu.Lock()
	hook.secret = "whsec_" + key
	hook.mu.Unlock()
	seen := newest()
	hook.until(t, seen)
	if last, err := listen.end(os.Interrupt); err != nil || last != fmt.Sprintf("Stopped after event %d.", seen) {
		t.Errorf("Ctrl-C: %q, %v, %s", last, err, listen.said.String())
	}

	// The second is killed while the receiver has not answered yet.
	for n := range 5 {
		s.write(fmt.Sprintf("second %d", n))
	}
	hook.mu.Lock()
	hook.hold, hook.held = newest()-1, make(chan struct{})
	held := hook.held
	hook.mu.Unlock()
	listen = spawn(t, args...)
	<-held
	listen.end(syscall.SIGKILL)
	close(hook.release)
	hook.mu.Lock()
	hook.hold = 0
	hook.mu.Unlock()

	// The third outlives a restart of the server.
	listen = spawn(t, args...)
	hook.until(t, newest())
	if _, err := s.server.end(syscall.SIGTERM); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	s.serve()
	s.write("third")
	hook.until(t, newest())
	line := listen.line(" message.received ")
	contains(t, line, "200", " ms")
	if _, err := listen.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}

	hook.mu.Lock()
	defer hook.mu.Unlock()
	want := s.seqs()
	if !slices.Equal(hook.seqs, want) {
		t.Errorf("accepted %v, the feed has %v", hook.seqs, want)
	}
	// What is listened to is what an endpoint of the dialect standard gets, to the byte.
	pushed.until(t, want[len(want)-1])
	pushed.mu.Lock()
	defer pushed.mu.Unlock()
	if len(pushed.bodies) < 11 {
		t.Errorf("%d callbacks to compare", len(pushed.bodies))
	}
	for seq, body := range pushed.bodies {
		if hook.bodies[seq] != body {
			t.Errorf("event %d: listen gave\n%s\nan endpoint got\n%s", seq, hook.bodies[seq], body)
		}
	}
}

func TestListenBeginsWhereItIsTold(t *testing.T) {
	s := newSite(t)
	for n := range 3 {
		s.write(fmt.Sprint(n))
	}
	last := int64(len(s.seqs()))
	hook := newShop(t)
	fresh := secret.NewSigning().Reveal()
	hook.secret = fresh

	// By default: what happens from now on, of the types that are asked for.
	listen := spawn(t, "listen", "--forward-to", hook.URL, "--types", "message.received,session.ended", "--secret", fresh)
	contains(t, listen.line("Events of"), fmt.Sprintf("http://%s after %d go to %s", s.addr, last, hook.URL))
	s.write("now")
	listen.line("message.received")
	if _, err := listen.end(os.Interrupt); err != nil {
		t.Error(err)
	}
	hook.mu.Lock()
	if len(hook.seqs) != 1 || hook.seqs[0] <= last {
		t.Errorf("got %v, want one event after %d", hook.seqs, last)
	}
	hook.mu.Unlock()

	listen = spawn(t, "listen", "--forward-to", hook.URL, "--after", fmt.Sprint(last-1), "--secret", fresh)
	hook.until(t, last)
	if _, err := listen.end(os.Interrupt); err != nil {
		t.Error(err)
	}

	// Where trying again is useless it ends.
	_, said := run(t, 1, "listen", "--forward-to", hook.URL, "--types", "message.eaten")
	contains(t, said, "message.eaten", "types")
	_, said = run(t, 1, "listen", "--forward-to", hook.URL, "--token", "pat_wrong")
	contains(t, said, "auth.invalid")
	_, said = run(t, 1, "listen", "--forward-to", hook.URL, "--after", "1000000")
	contains(t, said, "newest event")
	_, said = run(t, 1, "listen", "--forward-to", "localhost:3000", "--after", "0")
	contains(t, said, "http://localhost:3000/hook")
	_, said = run(t, 1, "listen", "--forward-to", hook.URL, "--secret", "whsec_%")
	contains(t, said, "--secret")
	state := filepath.Join(t.TempDir(), "place")
	if err := os.WriteFile(state, []byte(`{"server":"https://other.example","after":1,"secret":"whsec_YQ=="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, said = run(t, 1, "listen", "--forward-to", hook.URL, "--state", state)
	contains(t, said, "https://other.example")

	// One at a time.
	mine := filepath.Join(t.TempDir(), "mine")
	listen = spawn(t, "listen", "--forward-to", hook.URL, "--state", mine)
	listen.line("Events of")
	_, said = run(t, 1, "listen", "--forward-to", hook.URL, "--state", mine)
	contains(t, said, "another listen uses "+mine)
	if _, err := listen.end(os.Interrupt); err != nil {
		t.Error(err)
	}
}

func TestTrigger(t *testing.T) {
	s := newSite(t)
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { fmt.Fprint(w, "thanks\x1b[2J") }))
	defer good.Close()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { http.Error(w, "no room", http.StatusInsufficientStorage) }))
	defer bad.Close()

	out, _ := run(t, 0, "trigger", "--list")
	contains(t, out, "standard", "userlike", "message.received")
	fits(t, out)
	_, said := run(t, 1, "trigger", "message.received")
	contains(t, said, "no active endpoint hears message.received")
	_, said = run(t, 1, "trigger", "message.eaten")
	contains(t, said, "trigger --list")

	first := s.endpoint("Good", good.URL)
	out, _ = run(t, 0, "trigger", "message.received")
	contains(t, out, "Good", "200", " ms", "thanks\uFFFD[2J")
	second := s.endpoint("Bad", bad.URL)
	out, said = run(t, 1, "trigger", "message.received")
	contains(t, out, "thanks", "507", "no room")
	contains(t, said, "did not take the call")
	// One endpoint can be asked for an event that it does not hear.
	out, _ = run(t, 0, "trigger", "conversation.ended", "--endpoint", fmt.Sprint(first))
	contains(t, out, "200")
	_, said = run(t, 1, "trigger", "message.eaten", "--endpoint", fmt.Sprint(first))
	contains(t, said, "endpoint.event_unknown")
	_, said = run(t, 1, "trigger", "message.received", "--endpoint", "999")
	contains(t, said, "endpoint.not_found")

	s.must("POST", fmt.Sprintf("/api/v1/endpoints/%d/pause", second), s.token, nil, nil)
	out, said = run(t, 0, "trigger", "message.received")
	contains(t, said, "Bad", "is paused")
	if strings.Contains(out, "Bad") {
		t.Errorf("a paused endpoint was called: %s", out)
	}
}

func TestDeliveries(t *testing.T) {
	s := newSite(t)
	var mu sync.Mutex
	calls := map[string]int{}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls[q.Header.Get("webhook-id")]++
		w.Header().Set("X-Shop", "yes")
		fmt.Fprint(w, "stored\n\x1b[31m")
	}))
	defer hook.Close()
	out, _ := run(t, 0, "deliveries", "list")
	contains(t, out, "No delivery matches")

	endpoint := fmt.Sprint(s.endpoint("Log", hook.URL))
	for n := range 3 {
		s.write(fmt.Sprintf("message %d", n))
	}
	delivered := func(n int) string {
		t.Helper()
		var out string
		late := time.NewTimer(time.Minute)
		defer late.Stop()
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		for {
			out, _ = run(t, 0, "deliveries", "list", "--state", "delivered", "--json")
			if strings.Count(out, "\n") >= n {
				return out
			}
			select {
			case <-again.C:
			case <-late.C:
				t.Fatalf("%d were never delivered:\n%s", n, out)
			}
		}
	}
	var ids []string
	for line := range strings.Lines(delivered(3)) {
		var d struct {
			ID    int64  `json:"id"`
			State string `json:"state"`
		}
		if err := json.Unmarshal([]byte(line), &d); err != nil || d.State != "delivered" {
			t.Fatalf("%s: %v", line, err)
		}
		ids = append(ids, fmt.Sprint(d.ID))
	}

	out, _ = run(t, 0, "deliveries", "list", "--endpoint", endpoint, "--event", "message.received", "--conversation", fmt.Sprint(s.conversation), "--from", "1h", "--to", "2100-01-01")
	contains(t, out, "ID", "message.received", "delivered", "200")
	fits(t, out)
	if n := strings.Count(out, "\n"); n != 4 {
		t.Errorf("%d lines, want a title and 3:\n%s", n, out)
	}
	out, _ = run(t, 0, "deliveries", "list", "--limit", "2")
	contains(t, out, "There are more")
	for _, none := range [][]string{{"--state", "dead"}, {"--event", "message.sent"}, {"--conversation", "999999"}, {"--endpoint", "999999"}, {"--to", "1h"}, {"--from", "2100-01-01"}} {
		out, _ = run(t, 0, append([]string{"deliveries", "list"}, none...)...)
		contains(t, out, "No delivery matches")
	}

	out, _ = run(t, 0, "deliveries", "show", ids[0])
	contains(t, out, "Delivery", "message.received", "POST "+hook.URL, "Webhook-Signature: v1,", `"message 2"`, "Attempt 1", "X-Shop: yes", "stored\n    \uFFFD[31m", "delivered")
	out, _ = run(t, 0, "deliveries", "show", ids[0], "--json")
	contains(t, out, `"attempt_log": [`, `"webhook_id"`)
	_, said := run(t, 1, "deliveries", "show", "999999")
	contains(t, said, "delivery.not_found")

	// Nobody is there to be asked.
	out, said = run(t, 1, "deliveries", "replay", ids[0])
	contains(t, out+said, "1 delivery to send once more", "--yes")
	out, _ = run(t, 0, "deliveries", "replay", ids[0], ids[1], "--dry-run")
	contains(t, out, "2 deliveries")
	out, _ = run(t, 0, "deliveries", "replay", "--endpoint", endpoint, "--event", "message.received", "--dry-run")
	contains(t, out, "3 deliveries to send")
	delivered(3)
	mu.Lock()
	for id, n := range calls {
		if n != 1 || len(calls) != 3 {
			t.Errorf("%d calls of %s before any replay", n, id)
		}
	}
	mu.Unlock()

	out, _ = run(t, 0, "deliveries", "replay", ids[0], "--yes")
	contains(t, out, "Delivery "+ids[0]+" goes out again as ")
	delivered(4)
	out, said = run(t, 1, "deliveries", "replay", ids[1], "999999", "--yes")
	contains(t, out, "Delivery "+ids[1])
	contains(t, said, "delivery.not_found")
	delivered(5)
	out, _ = run(t, 0, "deliveries", "replay", "--endpoint", endpoint, "--to", "1h", "--yes")
	contains(t, out, "0 deliveries")
	out, _ = run(t, 0, "deliveries", "replay", "--endpoint", endpoint, "--from", "1h", "--yes")
	contains(t, out, "3 deliveries to send", "3 deliveries queued") // the two replays are of the same events
	out, _ = run(t, 0, "deliveries", "revive", "--endpoint", endpoint)
	contains(t, out, "0 deliveries to try again")
	_, said = run(t, 1, "deliveries", "revive", ids[0], "--yes")
	contains(t, said, "revive delivery "+ids[0], "delivery.")
	delivered(8)
	mu.Lock()
	defer mu.Unlock()
	total := 0
	for _, n := range calls {
		total += n
	}
	if len(calls) != 3 || total != 8 {
		t.Errorf("8 calls with 3 different ids were expected: %v", calls)
	}
}

func TestReplayAsksFirst(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "\n": false, "n\n": false, "": false, "yo\n": false, "y": true} {
		var out bytes.Buffer
		c := &console{out: &out, in: strings.NewReader(answer), asks: true}
		if got := c.confirm("Go on?"); got != want || !strings.HasPrefix(out.String(), "Go on? [y/N] ") {
			t.Errorf("%q: %v, %q", answer, got, out.String())
		}
	}
}

func TestToolsRefuseWrongUse(t *testing.T) {
	t.Setenv("PARLEY_TOKEN", "")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no token":              {[]string{"deliveries", "list"}, 1, "PARLEY_TOKEN"},
		"no receiver":           {[]string{"listen"}, 2, "--forward-to"},
		"two beginnings":        {[]string{"listen", "--forward-to", "http://x", "--after", "1", "--from-start"}, 2, "together"},
		"no event":              {[]string{"trigger"}, 2, "--list"},
		"event and list":        {[]string{"trigger", "x", "--list"}, 2, "--list"},
		"bad time":              {[]string{"deliveries", "list", "--from", "soon"}, 2, "2026-11-22"},
		"bad state":             {[]string{"deliveries", "list", "--state", "lost"}, 2, "state"},
		"no number":             {[]string{"deliveries", "show", "x"}, 2, "id"},
		"nothing to replay":     {[]string{"deliveries", "replay"}, 2, "--endpoint"},
		"no endpoint to replay": {[]string{"deliveries", "replay", "--state", "dead"}, 2, "--endpoint"},
		"nothing to revive":     {[]string{"deliveries", "revive"}, 2, "--endpoint"},
		"both to replay":        {[]string{"deliveries", "replay", "3", "--endpoint", "1"}, 2, "not both"},
		"no limit":              {[]string{"deliveries", "list", "--limit", "0", "--token", "x"}, 1, "--limit"},
		"server with a path":    {[]string{"deliveries", "list", "--server", "http://x/api/v1", "--token", "x"}, 1, "without a path"},
		"unknown dialect":       {[]string{"verify", "http://x", "--dialect", "morse"}, 1, "standard"},
		"unknown version":       {[]string{"verify", "http://x", "--dialect-version", "0"}, 1, "version"},
		"bad header":            {[]string{"verify", "http://x", "--header", "abc"}, 1, "X-Key: abc"},
		"no address":            {[]string{"verify", "localhost"}, 1, "http://localhost:3000/hook"},
	} {
		t.Run(name, func(t *testing.T) {
			out, said := run(t, c.code, c.args...)
			contains(t, out+said, c.want)
		})
	}
}

func TestVerify(t *testing.T) {
	key := secret.NewSigning().Reveal()
	hook, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	check := func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err == nil {
			err = hook.Verify(body, q.Header)
		}
		if err != nil || q.Header.Get("X-Key") != "a:b" {
			w.WriteHeader(401)
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		args    []string
		code    int
		want    []string
	}{
		"a good one": {check, []string{"--secret", key}, 0, []string{"ok       event message.received (emoji)", "ok       duplicate", "ok       old timestamp", "0 wrong"}},
		"answers 500": {func(w http.ResponseWriter, q *http.Request) { http.Error(w, "boom\x1b[2J", 500) }, nil, 1,
			[]string{"wrong    event message.received (emoji)", "it answered 500: boom\uFFFD[2J", "it should answer as received (any 2xx)", "signed with the secret whsec_"}},
		"takes any signature": {func(w http.ResponseWriter, q *http.Request) {}, nil, 1, []string{"wrong    wrong signature", "wrong    old timestamp", "4 wrong"}},
		"no signatures":       {func(w http.ResponseWriter, q *http.Request) {}, []string{"--dialect", "userlike"}, 0, []string{"skipped  wrong signature", "4 skipped"}},
		"slow": {func(w http.ResponseWriter, q *http.Request) {
			<-time.After(5 * time.Millisecond)
			check(w, q)
		}, []string{"--secret", key, "--warn-after", "1ms", "--fault-after", "2ms"}, 1, []string{"wrong    answer times", "answer within 1ms", "1 wrong"}},
		"a little slow": {func(w http.ResponseWriter, q *http.Request) {
			<-time.After(5 * time.Millisecond)
			check(w, q)
		}, []string{"--secret", key, "--warn-after", "1ms"}, 0, []string{"warning  answer times", "0 wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.handler)
			defer s.Close()
			out, _ := run(t, c.code, append([]string{"verify", s.URL, "--header", "X-Key: a:b"}, c.args...)...)
			contains(t, out, c.want...)
			fits(t, out)
		})
	}
	s := httptest.NewServer(nil)
	s.Close()
	_, said := run(t, 1, "verify", s.URL)
	contains(t, said, "nobody answers")
}

func TestMoments(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2h": "2026-11-22T08:00:00Z", "7d": "2026-11-15T10:00:00Z", "1h30m": "2026-11-22T08:30:00Z", "2026-11-20": "2026-11-20T00:00:00Z",
		"2026-11-20 12:30": "2026-11-20T12:30:00Z", "2026-11-20T12:30:00+01:00": "2026-11-20T12:30:00+01:00",
	} {
		if got, err := parseMoment(text, now); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-2h", "-1d", "99999999d", "20-11-2026", "2026-13-01"} {
		if got, err := parseMoment(text, now); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestTablesFit(t *testing.T) {
	var out bytes.Buffer
	printTable(&out, []column{{title: "A", right: true}, {title: "B", most: 5}, {title: "C"}}, [][]string{
		{"1", "short", "x"}, {"1000", "much too long", strings.Repeat("ü", 300)},
	})
	want := "   A  B      C\n   1  short  x\n1000  much…  " + strings.Repeat("ü", 86) + "…\n"
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	fits(t, out.String())
	if got := plain("a\x1b[2J\nb\u202ec\u200b"); got != "a\uFFFD[2J\uFFFDb\uFFFDc\uFFFD" {
		t.Errorf("plain gave %q", got)
	}
}
