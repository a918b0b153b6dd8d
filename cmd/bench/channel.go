//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	inboundLines    = 64
	inboundContacts = 2000
	uploadSize      = 20 << 20
	cardPages       = 1000
	cardRate        = 250 // posts per second while accepting is compared
)

// runChannel measures a custom channel's door, uploads and link cards against what is promised of them.
func runChannel(bin, database string, load time.Duration) error {
	raiseFiles()
	machine()
	dir, err := os.MkdirTemp("", "parley-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := newReceiver()
	if err != nil {
		return err
	}
	defer r.close()
	limit, err := rawLimit(r.url, 1024, 3*time.Second)
	if err != nil {
		return fmt.Errorf("raw limit: %w", err)
	}
	fmt.Printf(rawLine, limit)
	s, err := start(bin, dir, database)
	if err != nil {
		return err
	}
	defer s.kill()
	c, err := newCustomer(s)
	if err != nil {
		return err
	}
	c.r = r
	out := &report{}
	// In this order, so that what one leaves behind does not hide or slow the next: memory that is free already, messages that wait
	// for the search index.
	if err := c.uploads(out); err != nil {
		return fmt.Errorf("uploads: %w", err)
	}
	d, err := c.newDoor()
	if err != nil {
		return fmt.Errorf("make a channel: %w", err)
	}
	if err := d.cards(out); err != nil {
		return fmt.Errorf("link cards: %w", err)
	}
	if err := d.load(load, out); err != nil {
		return fmt.Errorf("inbound: %w", err)
	}
	if err := s.stop(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return out.verdict()
}

// door is a custom channel's inbound URL, with a connection for each sender.
type door struct {
	c       *customer
	path    string
	header  string
	lines   []*line
	counter atomic.Int64
}

func (c *customer) newDoor() (*door, error) {
	var w struct {
		Items []struct {
			ID int64 `json:"id"`
		} `json:"items"`
	}
	if err := c.do(c.clients[0], "GET", "/api/v1/widgets", c.token, nil, &w); err != nil {
		return nil, err
	}
	const token = "inbound-token-of-the-benchmark"
	var made struct {
		Channel struct {
			InboundURL string `json:"inbound_url"`
		} `json:"channel"`
	}
	err := c.call("POST", "/api/v1/channels", map[string]any{
		"type": "custom", "name": "Bench", "widget_id": w.Items[0].ID,
		"settings": map[string]string{"outbound_url": c.r.url + "/channel", "version": "1"},
		"secrets":  map[string]string{"outbound_token": "outbound-token-of-the-benchmark", "inbound_token": token},
	}, &made)
	if err != nil {
		return nil, err
	}
	d := &door{c: c, path: strings.TrimPrefix(made.Channel.InboundURL, c.s.url), header: "API-SECURITY-TOKEN: " + token}
	for i := range inboundLines {
		l, err := dialLine(i, c.s.addr)
		if err != nil {
			return nil, err
		}
		d.lines = append(d.lines, l)
	}
	return d, nil
}

func (d *door) post(l *line, words string) error {
	n := d.counter.Add(1)
	body := fmt.Appendf(nil, `{"id":"bench-%d","email":"contact%d@customer.example","name":"Contact","body":%s}`, n, rand.IntN(inboundContacts), strconv.Quote(words))
	return l.post(d.c.s.addr, d.path, d.header, body)
}

// load posts as fast as all lines can.
func (d *door) load(load time.Duration, out *report) error {
	words := func() string { return "A message from elsewhere. " + padding }
	if _, _, err := d.storm(load, 0, words); err != nil { // makes the contacts
		return err
	}
	took, elapsed, err := d.storm(load, 0, words)
	if err != nil {
		return err
	}
	out.min("inbound posts, stored, 64 connections", float64(len(took))/elapsed.Seconds(), "/s", 2000)
	out.info("inbound p50", ms(percentile(took, 50)), "ms")
	out.max("inbound p99", ms(percentile(took, 99)), "ms", 50)
	return nil
}

// storm posts over all lines for a time, at most perSecond altogether (0: as fast as it goes), and returns how long each post took.
func (d *door) storm(load time.Duration, perSecond int, words func() string) (took []time.Duration, elapsed time.Duration, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	began := time.Now()
	for i, l := range d.lines {
		wg.Go(func() {
			var mine []time.Duration
			pause := time.Duration(0)
			next := began
			if perSecond > 0 {
				pause = time.Second * time.Duration(len(d.lines)) / time.Duration(perSecond)
				next = began.Add(pause * time.Duration(i) / time.Duration(len(d.lines)))
			}
			for time.Since(began) < load {
				if pause > 0 {
					time.Sleep(time.Until(next))
					next = next.Add(pause)
				}
				at := time.Now()
				if err := d.post(l, words()); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	elapsed = time.Since(began)
	return took, elapsed, errors.Join(errs...)
}

// cards compares how long a post takes without and with a thousand pages that the server reads meanwhile.
func (d *door) cards(out *report) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var read atomic.Int64
	pages := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<!doctype html><title>Page `+r.URL.Path+`</title><meta property="og:description" content="A page of the benchmark."><p>`+strings.Repeat(padding, 100))
	})}
	go pages.Serve(l)
	defer pages.Close()
	const span = cardPages * time.Second / cardRate
	// Pages are read one after the other and not at once: of one server, some forty a second.
	settle := func() {
		for last := int64(-1); read.Load() != last; time.Sleep(time.Second) {
			last = read.Load()
		}
	}
	// In turns, so that neither has the machine at a better time.
	var plain, linked []time.Duration
	page := atomic.Int64{}
	for range 3 {
		a, _, err := d.storm(span, cardRate, func() string { return "Look at this, please. " + padding })
		if err != nil {
			return err
		}
		b, _, err := d.storm(span, cardRate, func() string {
			return "Look at http://" + l.Addr().String() + "/page/" + strconv.FormatInt(page.Add(1), 10) + " please. " + padding
		})
		if err != nil {
			return err
		}
		plain, linked = append(plain, a...), append(linked, b...)
		settle()
	}
	before, after := ms(percentile(plain, 99)), ms(percentile(linked, 99))
	out.info("p99 of a post without links", before, "ms")
	out.info("p99 of a post while pages are read", after, "ms")
	out.max("p99 with link cards, in parts of that without", 100*after/before, "%", 120)
	out.min("pages read for cards", float64(read.Load()), "", cardPages)
	return nil
}

// uploads watches the server's memory while files come in.
func (c *customer) uploads(out *report) error {
	for _, kind := range []struct {
		name string
		head []byte
	}{
		{"clip.mp4", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")},
		{"notes.bin", []byte{0xfe, 0xed, 0xfa, 0xce}},
	} {
		before, err := c.s.settledRSS(2 * time.Second)
		if err != nil {
			return err
		}
		stop, peak := make(chan struct{}), make(chan int64)
		go func() {
			most := int64(0)
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					peak <- most
					return
				case <-tick.C:
					if now, err := c.s.rss(); err == nil {
						most = max(most, now)
					}
				}
			}
		}()
		for i := range 3 {
			if err := c.upload(kind.name, kind.head); err != nil {
				close(stop)
				return fmt.Errorf("upload %d of %s: %w", i+1, kind.name, err)
			}
		}
		close(stop)
		out.info("RSS before", float64(before)/(1<<20), "MiB")
		out.max("RSS more while 20 MB come in ("+kind.name+")", float64(<-peak-before)/(1<<20), "MiB", 16)
	}
	return nil
}

func (c *customer) upload(name string, head []byte) error {
	body := io.MultiReader(bytes.NewReader(head), io.LimitReader(rand.NewChaCha8([32]byte{1}), int64(uploadSize-len(head))))
	r, err := http.NewRequest(http.MethodPost, c.s.url+"/api/v1/media?name="+name, body)
	if err != nil {
		return err
	}
	r.ContentLength = uploadSize
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/octet-stream")
	answer, err := c.clients[0].Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var made struct {
		Size int64 `json:"size"`
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	if err := json.Unmarshal(text, &made); err != nil {
		return err
	}
	if made.Size != uploadSize {
		return fmt.Errorf("%d bytes are stored", made.Size)
	}
	return nil
}
