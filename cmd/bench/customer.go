//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// customer is everybody around the server: visitors, an operator's socket, and the owner of the endpoint.
type customer struct {
	s        *server
	r        *receiver
	token    string
	widget   string
	visitors []*visitor
	clients  []*http.Client // each from an address of its own
	posted   atomic.Int64
}

type visitor struct {
	token        string
	conversation int64
}

// newCustomer makes a token and a widget.
func newCustomer(s *server) (*customer, error) {
	args := []string{"token", "create", "--data", s.dir, "--name", "bench", "--scope", "admin"}
	if s.database != "" {
		args = append(args, "--database", s.database)
	}
	out, err := command(s.bin, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("make a token: %w", err)
	}
	c := &customer{s: s, token: strings.TrimSpace(string(out))}
	for i := range 64 {
		d := dialer(i)
		c.clients = append(c.clients, &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: d.DialContext, MaxIdleConnsPerHost: 4}})
	}
	var w struct {
		Key string `json:"key"`
	}
	if err := c.call("POST", "/api/v1/widgets", map[string]any{"name": "Bench"}, &w); err != nil {
		return nil, err
	}
	c.widget = w.Key
	return c, nil
}

// subscribe makes an endpoint in the standard dialect and returns its id.
func (c *customer) subscribe(url, event string, inFlight int) (int64, error) {
	var made struct {
		Endpoint struct {
			ID int64 `json:"id"`
		} `json:"endpoint"`
	}
	err := c.call("POST", "/api/v1/endpoints", map[string]any{
		"name": "bench", "url": url, "dialect": "standard", "events": []string{event}, "in_flight_limit": inFlight,
	}, &made)
	return made.Endpoint.ID, err
}

// dialer connects from the i-th loopback address.
func dialer(i int) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+i/250), byte(1+i%250))}, Timeout: 10 * time.Second}
}

func (c *customer) call(method, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.do(c.clients[0], method, path, c.token, b, out)
}

func (c *customer) do(client *http.Client, method, path, token string, body []byte, out any) error {
	req, err := http.NewRequest(method, c.s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

var padding = strings.Repeat("lorem ipsum ", 8)

// bearer is the header of a token.
func bearer(token string) string { return "Authorization: Bearer " + token }

func (c *customer) messages() string { return "/visitor/v1/widgets/" + c.widget + "/messages" }

func message(v *visitor, clientID string) []byte {
	return text(v, clientID, "Message "+clientID+" "+padding, `,"visit":{"url":"https://shop.example/cart"}`)
}

// text is a message with the given words, which need no escaping, and further fields.
func text(v *visitor, clientID, words, more string) []byte {
	conversation := "null"
	if v.conversation != 0 {
		conversation = strconv.FormatInt(v.conversation, 10)
	}
	return []byte(`{"client_id":"` + clientID + `","conversation_id":` + conversation + `,"body":"` + words + `","reopen":true` + more + `}`)
}

// post sends the first message of a visitor, who becomes one with it, or a further one.
func (c *customer) post(client *http.Client, v *visitor, clientID string) error {
	return c.send(client, v, message(v, clientID))
}

func (c *customer) send(client *http.Client, v *visitor, b []byte) error {
	if v.conversation != 0 {
		if err := c.do(client, "POST", c.messages(), v.token, b, nil); err != nil {
			return err
		}
		c.posted.Add(1)
		return nil
	}
	var out struct {
		Token        *string `json:"token"`
		Conversation struct {
			ID int64 `json:"id"`
		} `json:"conversation"`
	}
	if err := c.do(client, "POST", c.messages(), v.token, b, &out); err != nil {
		return err
	}
	if out.Token != nil {
		v.token = *out.Token
	}
	v.conversation = out.Conversation.ID
	c.posted.Add(1)
	return nil
}

var run10 = fmt.Sprintf("%x", rand.Uint64())

func clientID(n int64) string { return fmt.Sprintf("b%s-%d", run10, n) }

// light measures latencies at 50 messages a second.
func (c *customer) light(d time.Duration, out *report) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws://"+c.s.addr+"/api/v1/socket", &websocket.DialOptions{Subprotocols: []string{"parley.v1"}})
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	ws.SetReadLimit(1 << 20)
	if err := ws.Write(ctx, websocket.MessageText, []byte(`{"type":"hello","token":"`+c.token+`","after":null}`)); err != nil {
		return err
	}
	var mu sync.Mutex
	sent := map[string]time.Time{}
	var toSocket, toAnswer []time.Duration
	welcome := make(chan struct{})
	go func() {
		for {
			_, b, err := ws.Read(ctx)
			if err != nil {
				return
			}
			var f struct {
				Type  string `json:"type"`
				Event struct {
					Type string `json:"type"`
					Data struct {
						Message struct {
							ClientID string `json:"client_id"`
						} `json:"message"`
					} `json:"data"`
				} `json:"event"`
			}
			now := time.Now()
			if json.Unmarshal(b, &f) != nil {
				continue
			}
			if f.Type == "welcome" {
				close(welcome)
			}
			if f.Type == "event" && f.Event.Type == "message.received" {
				mu.Lock()
				if at, ok := sent[f.Event.Data.Message.ClientID]; ok {
					toSocket = append(toSocket, now.Sub(at))
				}
				mu.Unlock()
			}
		}
	}()
	<-welcome
	people := make([]*visitor, 50)
	for i := range people {
		people[i] = &visitor{}
		if err := c.post(c.clients[i%64], people[i], clientID(int64(i))); err != nil {
			return err
		}
	}
	c.visitors = append(c.visitors, people...)
	if err := c.drained(10 * time.Second); err != nil {
		return err
	}
	c.r.takeDelays()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var wg sync.WaitGroup
	var failed atomic.Value
	n := int(d / (20 * time.Millisecond))
	for i := range n {
		<-tick.C
		wg.Go(func() {
			id := clientID(int64(1000 + i))
			mu.Lock()
			sent[id] = time.Now()
			mu.Unlock()
			if err := c.post(c.clients[i%50], people[i%50], id); err != nil {
				failed.Store(err)
				return
			}
			mu.Lock()
			toAnswer = append(toAnswer, time.Since(sent[id]))
			mu.Unlock()
		})
	}
	wg.Wait()
	if err, ok := failed.Load().(error); ok {
		return err
	}
	if err := c.drained(10 * time.Second); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	if len(toSocket) < n*99/100 {
		return fmt.Errorf("the operator's socket got %d of %d messages", len(toSocket), n)
	}
	fmt.Printf("\n50 messages/s for %s\n", d)
	out.info("message sent → accepted, p50", ms(percentile(toAnswer, 50)), "ms")
	out.info("message sent → accepted, p99", ms(percentile(toAnswer, 99)), "ms")
	out.max("message sent → operator's socket, p50", ms(percentile(toSocket, 50)), "ms", 5)
	out.max("message sent → operator's socket, p99", ms(percentile(toSocket, 99)), "ms", 20)
	delays := c.r.takeDelays()
	out.info("transaction → first attempt at the receiver, p50", ms(percentile(delays, 50)), "ms")
	out.max("transaction → first attempt at the receiver, p99", ms(percentile(delays, 99)), "ms", 20)
	return nil
}

// drained waits until the receiver has every message that was accepted, and checks them.
func (c *customer) drained(within time.Duration) error {
	deadline := time.Now().Add(within)
	for c.r.count() < int(c.posted.Load()) && time.Now().Before(deadline) {
		time.Sleep(2 * time.Millisecond)
	}
	return c.r.check(int(c.posted.Load()))
}

// heavy measures how many messages are accepted over 64 connections and 500 conversations while an endpoint gets them.
func (c *customer) heavy(d time.Duration, limit float64, out *report) error {
	people := make([]*visitor, 500)
	for i := range people {
		people[i] = &visitor{}
		if err := c.post(c.clients[i%64], people[i], clientID(int64(100_000+i))); err != nil {
			return err
		}
	}
	c.visitors = append(c.visitors, people...)
	if err := c.drained(20 * time.Second); err != nil {
		return err
	}
	c.r.takeDelays()
	before, delivered := c.posted.Load(), c.r.count()
	cpu, err := c.s.cpu()
	if err != nil {
		return err
	}
	own := ownCPU()
	var wg sync.WaitGroup
	var next atomic.Int64
	var failed atomic.Value
	began := time.Now()
	stop := began.Add(d)
	for i := range 64 {
		wg.Go(func() {
			l, err := dialLine(i, c.s.addr)
			if err != nil {
				failed.Store(err)
				return
			}
			defer l.Close()
			// A connection has its own conversations, so that the order of a conversation is the order of its posts.
			for n := 0; time.Now().Before(stop); n++ {
				v := people[(i+64*n)%448]
				if i < 52 && n%8 == 7 {
					v = people[448+i]
				}
				if err := l.post(c.s.addr, c.messages(), bearer(v.token), message(v, clientID(1_000_000+next.Add(1)))); err != nil {
					failed.Store(err)
					return
				}
				c.posted.Add(1)
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if err, ok := failed.Load().(error); ok {
		return err
	}
	accepted := c.posted.Load() - before
	meanwhile := c.r.count() - delivered
	own = ownCPU() - own
	spent, err := c.s.cpu()
	if err != nil {
		return err
	}
	if err := c.drained(60 * time.Second); err != nil {
		return err
	}
	all := time.Since(began)
	rate := float64(accepted) / took.Seconds()
	fmt.Printf("\n64 connections, 500 conversations, one endpoint, %s\n", d)
	out.min("messages accepted, durable", rate, "/s", 2000)
	out.info("ratio to the raw limit", 100*rate/limit, "%")
	out.min("delivered by the end of the load", 100*float64(meanwhile)/float64(accepted), "%", 95)
	out.info("accepted and delivered", float64(accepted)/all.Seconds(), "/s")
	delays := c.r.takeDelays()
	out.info("transaction → receiver under load, p50", ms(percentile(delays, 50)), "ms")
	out.info("transaction → receiver under load, p99", ms(percentile(delays, 99)), "ms")
	out.info("server's processor time for each message with its delivery", float64((spent-cpu).Microseconds())/float64(accepted), "µs")
	out.info("generator's and receiver's processor time for each message", float64(own.Microseconds())/float64(accepted), "µs")
	return nil
}

// idleSockets opens n visitor sockets that say nothing and looks at the server's memory.
func (c *customer) idleSockets(n int, out *report) error {
	before, err := c.s.settledRSS(3 * time.Second)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	conns := make([]*websocket.Conn, n)
	var wg sync.WaitGroup
	var failed atomic.Value
	for w := range 16 {
		wg.Go(func() {
			for i := w; i < n; i += 16 {
				ws, err := idle(ctx, c.s.addr, c.visitors[i%len(c.visitors)].token, i/150)
				if err != nil {
					failed.Store(err)
					return
				}
				conns[i] = ws
			}
		})
	}
	wg.Wait()
	defer func() {
		for _, ws := range conns {
			if ws != nil {
				ws.CloseNow()
			}
		}
	}()
	if err, ok := failed.Load().(error); ok {
		return err
	}
	after, err := c.s.settledRSS(5 * time.Second)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d idle visitor sockets\n", n)
	out.max("memory for each", float64(after-before)/float64(n)/1000, "kB", 30)
	out.info("RSS with all of them", float64(after)/1e6, "MB")
	return nil
}

func idle(ctx context.Context, addr, token string, address int) (*websocket.Conn, error) {
	d := dialer(address)
	client := &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}}
	ws, _, err := websocket.Dial(ctx, "ws://"+addr+"/visitor/v1/socket", &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{"parley.v1"}})
	if err != nil {
		return nil, err
	}
	if err := ws.Write(ctx, websocket.MessageText, []byte(`{"type":"hello","token":"`+token+`","after":null}`)); err != nil {
		return nil, errors.Join(err, ws.CloseNow())
	}
	_, b, err := ws.Read(ctx)
	if err != nil || !bytes.Contains(b, []byte("welcome")) {
		return nil, errors.Join(fmt.Errorf("no welcome: %s", b), err, ws.CloseNow())
	}
	return ws, nil
}

func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(d))
	return s[min(len(s)-1, len(s)*p/100)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
