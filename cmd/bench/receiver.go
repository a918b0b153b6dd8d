//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// receiver is somebody's program that gets the callbacks. It checks order and repeats of every conversation.
type receiver struct {
	http *http.Server
	url  string

	mu       sync.Mutex
	last     map[int64]int // newest message number by conversation
	seen     map[string]bool
	messages int
	doubled  int
	disorder int
	delays   []time.Duration // from the commit's time to the arrival
	arrived  chan struct{}
	raw      atomic.Int64
}

func newReceiver() (*receiver, error) {
	r := &receiver{last: map[int64]int{}, seen: map[string]bool{}, arrived: make(chan struct{}, 1)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /raw", func(w http.ResponseWriter, q *http.Request) {
		io.Copy(io.Discard, q.Body)
		r.raw.Add(1)
	})
	mux.HandleFunc("POST /hook", r.hook)
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

func (r *receiver) hook(w http.ResponseWriter, q *http.Request) {
	now := time.Now()
	b, err := io.ReadAll(q.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	conversation, err1 := strconv.ParseInt(after(b, `"message":{`, `"conversation_id":`), 10, 64)
	number, err2 := strconv.Atoi(after(b, `"message":{`, `"number":`))
	sentAt, err3 := time.Parse(time.RFC3339Nano, after(b, `"message":{`, `"sent_at":`))
	if err := errors.Join(err1, err2, err3); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch id := q.Header.Get("webhook-id"); {
	case r.seen[id]:
		r.doubled++
	case number <= r.last[conversation]:
		r.disorder++
	default:
		r.seen[id] = true
		r.last[conversation] = number
		r.messages++
		r.delays = append(r.delays, now.Sub(sentAt))
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.messages
}

// takeDelays returns the delays since the last call.
func (r *receiver) takeDelays() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.delays
	r.delays = nil
	return d
}

// check fails when anything was doubled or out of order, or when not exactly want messages arrived.
func (r *receiver) check(want int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.doubled > 0 || r.disorder > 0 || r.messages != want {
		return fmt.Errorf("the receiver got %d of %d messages, %d doubled, %d out of order", r.messages, want, r.doubled, r.disorder)
	}
	return nil
}

// rawLimit measures what this machine can post with nothing between.
func (r *receiver) rawLimit(d time.Duration) (float64, error) {
	body := bytes.Repeat([]byte("x"), 1024)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var wg sync.WaitGroup
	stop := time.Now().Add(d)
	var failed atomic.Value
	for range 64 {
		wg.Go(func() {
			for time.Now().Before(stop) {
				res, err := client.Post(r.url+"/raw", "application/json", bytes.NewReader(body))
				if err != nil {
					failed.Store(err)
					return
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	wg.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, err
	}
	return float64(r.raw.Load()) / d.Seconds(), nil
}
