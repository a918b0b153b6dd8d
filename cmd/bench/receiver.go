//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// receiver is somebody's program that gets the callbacks: of one endpoint, or of many under /hook/GROUP/NUMBER. It checks order
// and repeats of every conversation of every endpoint.
type receiver struct {
	http *http.Server
	url  string

	mu     sync.Mutex
	groups map[string]*group
}

// group is what came to the endpoints of one group.
type group struct {
	last     map[lane]int // newest message number
	seen     map[string]bool
	arrivals []arrival
	taken    int // of the arrivals, those that takeDelays has returned
	bytes    int
	doubled  int
	disorder int
	gaps     int // numbers of a conversation that were left out
}

type lane struct {
	path         string
	conversation int64
}

// arrival is one message that came for the first time.
type arrival struct {
	at    time.Time
	delay time.Duration // since the commit's time
}

// tally is what a receiver tells of a group.
type tally struct {
	Messages, Doubled, Disorder, Gaps int
	Body                              int // mean size in bytes
	// Of the arrivals after the moment that was asked about:
	Since      int
	Last       time.Time
	WaitedP99  time.Duration // from that moment to the arrival
	DelayP50   time.Duration // from the commit to the arrival
	DelayP99   time.Duration
	AllArrived int // whatever came, with repeats
}

func newReceiver() (*receiver, error) {
	r := &receiver{groups: map[string]*group{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /raw", func(w http.ResponseWriter, q *http.Request) { io.Copy(io.Discard, q.Body) })
	mux.HandleFunc("POST /hang", func(w http.ResponseWriter, q *http.Request) {
		io.Copy(io.Discard, q.Body)
		<-q.Context().Done()
	})
	mux.HandleFunc("POST /hook", func(w http.ResponseWriter, q *http.Request) { r.hook(w, q, "") })
	mux.HandleFunc("POST /hook/{group}/{number}", func(w http.ResponseWriter, q *http.Request) { r.hook(w, q, q.PathValue("group")) })
	mux.HandleFunc("GET /tally", r.tell)
	r.http = &http.Server{Handler: mux}
	r.url = "http://" + l.Addr().String()
	go r.http.Serve(l)
	return r, nil
}

func (r *receiver) close() { r.http.Close() }

// after returns the text between start and the next comma or closing brace, looked for from the first place of section on.
// The receiver shares the machine with the server, so it reads only what it checks.
func after(b []byte, section, start string) string {
	i := bytes.Index(b, []byte(section))
	if i < 0 {
		return ""
	}
	b = b[i:]
	if i = bytes.Index(b, []byte(start)); i < 0 {
		return ""
	}
	b = b[i+len(start):]
	if i = bytes.IndexAny(b, ",}"); i < 0 {
		return ""
	}
	return strings.Trim(string(b[:i]), `"`)
}

// of returns a group; r.mu is held.
func (r *receiver) of(name string) *group {
	g := r.groups[name]
	if g == nil {
		g = &group{last: map[lane]int{}, seen: map[string]bool{}}
		r.groups[name] = g
	}
	return g
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (r *receiver) hook(w http.ResponseWriter, q *http.Request, name string) {
	now := time.Now()
	buffer := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(q.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b := buffer.Bytes()
	conversation, err1 := strconv.ParseInt(after(b, `"message":{`, `"conversation_id":`), 10, 64)
	number, err2 := strconv.Atoi(after(b, `"message":{`, `"number":`))
	sentAt, err3 := time.Parse(time.RFC3339Nano, after(b, `"message":{`, `"sent_at":`))
	if err := errors.Join(err1, err2, err3); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.of(name)
	where := lane{q.URL.Path, conversation}
	last := g.last[where]
	switch id := q.Header.Get("webhook-id"); {
	case g.seen[id]:
		g.doubled++
	case number <= last:
		g.disorder++
	default:
		if number > last+1 {
			g.gaps++
		}
		g.seen[id] = true
		g.last[where] = number
		g.bytes += len(b)
		g.arrivals = append(g.arrivals, arrival{now, now.Sub(sentAt)})
	}
}

// tell answers with the tally of a group.
func (r *receiver) tell(w http.ResponseWriter, q *http.Request) {
	since, err := strconv.ParseInt(q.FormValue("since"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, r.tally(q.FormValue("group"), time.UnixMicro(since), q.FormValue("brief") == ""))
}

// tally counts; with full it also looks at the times of all arrivals after since.
func (r *receiver) tally(name string, since time.Time, full bool) tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.of(name)
	t := tally{Messages: len(g.arrivals), Doubled: g.doubled, Disorder: g.disorder, Gaps: g.gaps, AllArrived: len(g.arrivals) + g.doubled + g.disorder}
	if t.Messages > 0 {
		t.Body = g.bytes / t.Messages
		t.Last = g.arrivals[t.Messages-1].at
	}
	if !full {
		return t
	}
	i, _ := slices.BinarySearchFunc(g.arrivals, since, func(a arrival, at time.Time) int { return a.at.Compare(at) })
	var waited, delays []time.Duration
	for _, a := range g.arrivals[i:] {
		waited = append(waited, a.at.Sub(since))
		delays = append(delays, a.delay)
	}
	t.Since = len(delays)
	t.WaitedP99, t.DelayP50, t.DelayP99 = percentile(waited, 99), percentile(delays, 50), percentile(delays, 99)
	return t
}

func (r *receiver) count() int { return r.tally("", time.Time{}, false).Messages }

// takeDelays returns the delays since the last call.
func (r *receiver) takeDelays() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.of("")
	var d []time.Duration
	for _, a := range g.arrivals[g.taken:] {
		d = append(d, a.delay)
	}
	g.taken = len(g.arrivals)
	return d
}

// check fails when anything was doubled or out of order, or when not exactly want messages arrived.
func (r *receiver) check(want int) error { return r.tally("", time.Time{}, false).check(want) }

func (t tally) check(want int) error {
	if t.Doubled > 0 || t.Disorder > 0 || t.Messages != want {
		return fmt.Errorf("the receiver got %d of %d messages, %d doubled, %d out of order", t.Messages, want, t.Doubled, t.Disorder)
	}
	return nil
}

// rawLimit measures how many bodies of a size this machine can post to a receiver in a second with nothing between.
func rawLimit(url string, size int, d time.Duration) (float64, error) {
	body := bytes.Repeat([]byte("x"), size)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	stop := time.Now().Add(d)
	var done atomic.Int64
	var failed atomic.Value
	for range 64 {
		wg.Go(func() {
			for time.Now().Before(stop) {
				res, err := client.Post(url+"/raw", "application/json", bytes.NewReader(body))
				if err != nil {
					failed.Store(err)
					return
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, err
	}
	return float64(done.Load()) / d.Seconds(), nil
}
