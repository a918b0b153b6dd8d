//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// chatRate is how many chats begin in a second.
const chatRate = 100

// runChats measures how soon a widget's webhook hears of a new chat: visitors write their first messages, each of them one chat, and the
// receiver of new_conversation notes when it comes.
func runChats(bin, database string, load time.Duration) error {
	raiseFiles()
	machine()
	dir, err := os.MkdirTemp("", "parley-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := newChatReceiver()
	if err != nil {
		return err
	}
	defer r.http.Close()
	s, err := start(bin, dir, database)
	if err != nil {
		return err
	}
	defer s.kill()
	c, err := newCustomer(s)
	if err != nil {
		return err
	}
	if err := c.hook(r.url); err != nil {
		return fmt.Errorf("set the webhook: %w", err)
	}
	out := &report{}
	if err := c.chats(r, load, out); err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return out.verdict()
}

// hook makes url the widget's new_conversation webhook.
func (c *customer) hook(url string) error {
	var w struct {
		Items []struct {
			ID int64 `json:"id"`
		} `json:"items"`
	}
	if err := c.do(c.clients[0], http.MethodGet, "/api/v1/widgets", c.token, nil, &w); err != nil {
		return err
	}
	return c.call(http.MethodPut, fmt.Sprintf("/api/v1/widgets/%d/webhooks", w.Items[0].ID), map[string]any{"urls": map[string]string{"new_conversation": url}}, nil)
}

// chats begins a chat every hundredth of a second, whether the ones before are answered or not.
func (c *customer) chats(r *chatReceiver, load time.Duration, out *report) error {
	n := int(load.Seconds() * chatRate)
	took := make([]time.Duration, n)
	errs := make([]error, n)
	tick := time.NewTicker(time.Second / chatRate)
	defer tick.Stop()
	var wg sync.WaitGroup
	began := time.Now()
	for i := range n {
		<-tick.C
		wg.Go(func() {
			words := "Chat " + clientID(int64(i))
			at := time.Now()
			r.expect(words, at)
			errs[i] = c.send(c.clients[i%len(c.clients)], &visitor{}, text(&visitor{}, clientID(int64(i)), words, `,"visit":{"url":"https://shop.example/cart","title":"Cart"}`))
			took[i] = time.Since(at)
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); r.arrived() < n && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Printf("\n%d chats/s for %s, each tells a webhook\n", chatRate, load)
	out.min("chats begun", float64(n)/elapsed.Seconds(), "/s", chatRate*0.97)
	out.info("first message sent → accepted, p50", ms(percentile(took, 50)), "ms")
	out.info("first message sent → accepted, p99", ms(percentile(took, 99)), "ms")
	delays, err := r.check(n)
	out.require("new_conversation", err)
	out.info("first message sent → first attempt at the receiver, p50", ms(percentile(delays, 50)), "ms")
	out.max("first message sent → first attempt at the receiver, p99", ms(percentile(delays, 99)), "ms", 1000)
	out.info("the slowest", ms(percentile(delays, 100)), "ms")
	return nil
}

// chatReceiver is somebody's program behind the webhook new_conversation.
type chatReceiver struct {
	http *http.Server
	url  string

	mu      sync.Mutex
	sent    map[string]time.Time // by the message's words
	chats   map[string]string    // words by the chat's UUID
	delays  []time.Duration
	doubled int
	foreign int // calls that no message caused
}

func newChatReceiver() (*chatReceiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &chatReceiver{url: "http://" + l.Addr().String() + "/new", sent: map[string]time.Time{}, chats: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /new", r.take)
	r.http = &http.Server{Handler: mux}
	go r.http.Serve(l)
	return r, nil
}

func (r *chatReceiver) expect(words string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent[words] = at
}

func (r *chatReceiver) take(w http.ResponseWriter, q *http.Request) {
	now := time.Now()
	var in struct {
		Message          string `json:"message"`
		ConversationUUID string `json:"conversationUUID"`
	}
	b, err := io.ReadAll(q.Body)
	if err == nil {
		err = json.Unmarshal(b, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.sent[in.Message]
	switch {
	case !ok || in.ConversationUUID == "":
		r.foreign++
	case r.chats[in.ConversationUUID] != "":
		r.doubled++
	default:
		r.chats[in.ConversationUUID] = in.Message
		r.delays = append(r.delays, now.Sub(at))
	}
}

func (r *chatReceiver) arrived() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.delays)
}

// check returns how long each chat took, and an error unless each of n came once.
func (r *chatReceiver) check(n int) ([]time.Duration, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.delays) != n || r.doubled > 0 || r.foreign > 0 {
		return r.delays, fmt.Errorf("the receiver heard of %d of %d chats, %d twice, and got %d calls that make no sense", len(r.delays), n, r.doubled, r.foreign)
	}
	return r.delays, nil
}
