package outhttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// talk listens and lets fn hold each connection's conversation; number counts connections from 1.
func talk(t testing.TB, fn func(number int, c net.Conn, in *bufio.Reader)) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				fn(n, c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/hook"}
}

// hear reads one request and returns its body.
func hear(in *bufio.Reader) (string, error) {
	req, err := http.ReadRequest(in)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(req.Body)
	return string(b), err
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func post(t testing.TB, c *Client, u *url.URL, body string) (*Answer, error) {
	t.Helper()
	return c.Do(t.Context(), Request{Method: "POST", URL: u, Body: []byte(body), Timeout: 5 * time.Second})
}

// certified is a certificate for 127.0.0.1 and who vouches for it.
func certified() ([]tls.Certificate, *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Certificates, roots
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 50 {
				want := fmt.Sprintf("%d/%d", w, i)
				if a, err := post(t, c, u, want); err != nil || string(a.Body) != want {
					t.Errorf("%s: %+v, %v", want, a, err)
				}
			}
		})
	}
	all.Wait()
	if n := conns.Load(); n > 8 {
		t.Errorf("400 calls, 8 at a time, took %d connections", n)
	}
	if n := len(c.wide.transport.idle["http "+u.Host]); n == 0 || n > 8 {
		t.Errorf("%d connections are kept", n)
	}
	c.Close()
	if n := len(c.wide.transport.idle); n != 0 {
		t.Errorf("connections to %d hosts are kept after Close", n)
	}
}

// A server may close a kept connection at any moment, also just when the next request is on its way: the call is made again.
func TestClosedConnectionIsReplaced(t *testing.T) {
	for name, after := range map[string]func(net.Conn, *bufio.Reader){
		"closed while idle":           func(net.Conn, *bufio.Reader) {},
		"closed at the next request":  func(_ net.Conn, in *bufio.Reader) { hear(in) },
		"spoken to without a request": func(c net.Conn, _ *bufio.Reader) { io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			left := make(chan bool, 1)
			u := talk(t, func(number int, c net.Conn, in *bufio.Reader) {
				if _, err := hear(in); err != nil {
					return
				}
				io.WriteString(c, ok)
				if number == 1 {
					after(c, in)
					c.Close()
					left <- true
					return
				}
				hear(in)
			})
			c := New(Options{AllowPrivate: loopback})
			defer c.Close()
			if a, err := post(t, c, u, "one"); err != nil || a.Status != 200 {
				t.Fatalf("first: %+v, %v", a, err)
			}
			if !strings.Contains(name, "next") {
				<-left
			}
			if a, err := post(t, c, u, "two"); err != nil || a.Status != 200 || string(a.Body) != "ok" {
				t.Errorf("second: %+v, %v", a, err)
			}
		})
	}
}

// What an answer leaves in the connection must not become the answer to the next call.
func TestConnectionOutOfStepIsNotUsedAgain(t *testing.T) {
	for name, answer := range map[string]string{
		"more than announced": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
		"says so":             "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0":            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"up to the end":       "HTTP/1.1 200 OK\r\n\r\nok",
	} {
		t.Run(name, func(t *testing.T) {
			var conns atomic.Int32
			u := talk(t, func(number int, c net.Conn, in *bufio.Reader) {
				conns.Add(1)
				if _, err := hear(in); err != nil {
					return
				}
				io.WriteString(c, answer)
				if !strings.Contains(name, "end") {
					hear(in)
				}
			})
			c := New(Options{AllowPrivate: loopback})
			defer c.Close()
			for range 3 {
				if a, err := post(t, c, u, "x"); err != nil || a.Status != 200 || string(a.Body) != "ok" {
					t.Errorf("%+v, %v", a, err)
				}
			}
			if n := conns.Load(); n != 3 {
				t.Errorf("3 calls took %d connections", n)
			}
		})
	}
}

func TestAnswersInAllForms(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok": "200 ok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX-Late: 1\r\n\r\n":                           "200 ok",
		"HTTP/1.1 204 No Content\r\n\r\n":                         "204 ",
		"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n":          "410 ",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok":          "unexpected EOF",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n":  "another protocol",
		strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 20):     "1xx",
		"SSH-2.0-OpenSSH_9.9\r\n":                                 "malformed",
		"":                                                        "EOF",
		"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 100<<10):   "head is larger",
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 20000): "head is larger",
	} {
		u := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
			if _, err := hear(in); err == nil {
				io.WriteString(c, answer)
			}
		})
		c := New(Options{AllowPrivate: loopback})
		a, err := post(t, c, u, "x")
		c.Close()
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%d %s", a.Status, a.Body)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%.60q: got %q, want %q", answer, got, want)
		}
	}
}

// A receiver that answers before it has read everything has answered, whether it closes then or not.
func TestEarlyAnswerCounts(t *testing.T) {
	for _, size := range []int{1000, 256 << 10, 4 << 20} {
		gone := make(chan bool)
		u := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
			if _, err := http.ReadRequest(in); err == nil {
				io.WriteString(c, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
				<-gone
			}
		})
		c := New(Options{AllowPrivate: loopback})
		if a, err := post(t, c, u, strings.Repeat("x", size)); err != nil || a.Status != 410 {
			t.Errorf("%d bytes: %+v, %v", size, a, err)
		}
		close(gone)
		c.Close()
	}
	// One that reads on is used again.
	var conns atomic.Int32
	u := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		conns.Add(1)
		for {
			if b, err := hear(in); err != nil || len(b) != 300<<10 {
				return
			}
			io.WriteString(c, ok)
		}
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	for range 5 {
		if a, err := post(t, c, u, strings.Repeat("x", 300<<10)); err != nil || a.Status != 200 {
			t.Errorf("%+v, %v", a, err)
		}
	}
}

func TestCallsEndWhenTheirTimeIsUpOrTheyAreGivenUp(t *testing.T) {
	asked := make(chan bool, 10)
	u := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		if _, err := hear(in); err == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nha")
			asked <- true
			hear(in) // until the other side is gone
		}
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	a, err := c.Do(t.Context(), Request{Method: "POST", URL: u, Body: []byte("x"), Timeout: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "within 50ms") || a == nil || a.Status != 200 || string(a.Body) != "ha" {
		t.Errorf("half an answer: %+v, %v", a, err)
	}
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := c.Do(ctx, Request{Method: "POST", URL: u, Body: []byte("x"), Timeout: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if _, err := c.Do(ctx, Request{Method: "POST", URL: u, Body: []byte("x")}); !errors.Is(err, context.Canceled) || len(asked) > 0 {
		t.Errorf("begun after the end: %v", err)
	}

	hang := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		hear(in)
		hear(in)
	})
	short := New(Options{AllowPrivate: loopback, HeaderTimeout: 30 * time.Millisecond, ConnectTimeout: 40 * time.Millisecond})
	defer short.Close()
	if _, err := post(t, short, hang, "x"); err == nil || !strings.Contains(err.Error(), "no answer within 30ms") {
		t.Errorf("no head: %v", err)
	}
	dumb := talk(t, func(_ int, _ net.Conn, in *bufio.Reader) { io.Copy(io.Discard, in) })
	dumb.Scheme = "https"
	if _, err := post(t, short, dumb, "x"); err == nil || !strings.Contains(err.Error(), "no connection") || !strings.Contains(err.Error(), "within 40ms") {
		t.Errorf("TLS that stalls: %v", err)
	}
	if n := len(c.wide.transport.idle) + len(short.wide.transport.idle); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}

func TestCallsOverTLS(t *testing.T) {
	var names sync.Map
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names.Store(r.TLS.ServerName+" "+r.Host+" "+r.Proto, true)
		io.Copy(w, r.Body)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := New(Options{AllowPrivate: loopback, TLS: &tls.Config{RootCAs: roots}})
	defer c.Close()
	for i := range 3 {
		if a, err := post(t, c, &url.URL{Scheme: "https", Host: "127.0.0.1:" + port}, "secret"); err != nil || string(a.Body) != "secret" {
			t.Errorf("call %d: %+v, %v", i, a, err)
		}
	}
	if n := len(c.wide.transport.idle["https 127.0.0.1:"+port]); n != 1 {
		t.Errorf("%d connections are kept, want 1", n)
	}
	if _, found := names.Load(" 127.0.0.1:" + port + " HTTP/1.1"); !found {
		t.Error("the server did not see the call")
	}
	stranger := New(Options{AllowPrivate: loopback})
	defer stranger.Close()
	if _, err := post(t, stranger, &url.URL{Scheme: "https", Host: "127.0.0.1:" + port}, "secret"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of nobody: %v", err)
	}
}

// The name that is looked up and the name that the Host header gives are the same one.
func TestAddressesOfURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"http://example.com/": "example.com:80 example.com", "https://example.com/": "example.com:443 example.com",
		"https://[2001:db8::1]/": "[2001:db8::1]:443 [2001:db8::1]", "http://EXAMPLE.com": "EXAMPLE.com:80 EXAMPLE.com",
		"http://bücher.example:8080/": "xn--bcher-kva.example:8080 xn--bcher-kva.example:8080", "https://BÜCHER.example/": "xn--bcher-kva.example:443 xn--bcher-kva.example",
		"http://bu\u0308cher.example/": "xn--bcher-kva.example:80 xn--bcher-kva.example", "http://例え。jp": "xn--r8jz45g.jp:80 xn--r8jz45g.jp",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		address, host, err := addressOf(u)
		if got := address + " " + host; err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", raw, got, err, want)
		}
	}
}

// An answer that came together with the one before must not be taken for the next call's, in whatever layer it waits.
func TestAnswerInAdvanceIsNotTaken(t *testing.T) {
	certificates, roots := certified()
	u := talk(t, func(number int, c net.Conn, _ *bufio.Reader) {
		packets := &packet{Conn: c}
		secure := tls.Server(packets, &tls.Config{Certificates: certificates})
		in := bufio.NewReader(secure)
		for {
			if _, err := hear(in); err != nil {
				return
			}
			packets.held = []byte{}
			io.WriteString(secure, ok)
			if number == 1 {
				io.WriteString(secure, "HTTP/1.1 410 Gone\r\nContent-Length: 5\r\n\r\nstale")
			}
			packets.send()
		}
	})
	u.Scheme = "https"
	c := New(Options{AllowPrivate: loopback, TLS: &tls.Config{RootCAs: roots}})
	defer c.Close()
	for i := range 4 {
		if a, err := post(t, c, u, "x"); err != nil || a.Status != 200 {
			t.Errorf("call %d: %+v, %v", i, a, err)
		}
	}
}

// packet sends what was written since held was set in one piece.
type packet struct {
	net.Conn
	held []byte
}

func (p *packet) Write(b []byte) (int, error) {
	if p.held == nil {
		return p.Conn.Write(b)
	}
	p.held = append(p.held, b...)
	return len(b), nil
}

func (p *packet) send() {
	p.Conn.Write(p.held)
	p.held = nil
}

// A TLS server that stops reading cannot hold a call beyond its time, nor one that has no time at all send anything.
func TestClosingNeverWaits(t *testing.T) {
	certificates, roots := certified()
	u := talk(t, func(_ int, c net.Conn, _ *bufio.Reader) {
		if tls.Server(c, &tls.Config{Certificates: certificates}).Handshake() == nil {
			<-t.Context().Done()
		}
	})
	u.Scheme = "https"
	c := New(Options{AllowPrivate: loopback, TLS: &tls.Config{RootCAs: roots}})
	defer c.Close()
	began := time.Now()
	for range 3 {
		if _, err := c.Do(t.Context(), Request{Method: "POST", URL: u, Body: make([]byte, 8<<20), Timeout: 100 * time.Millisecond}); err == nil {
			t.Error("an answer from somebody who does not listen")
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("3 calls of 100 ms took %v", took)
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	u := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		for {
			if _, err := hear(in); err != nil {
				return
			}
			io.WriteString(c, ok)
		}
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	if _, err := post(t, c, u, "x"); err != nil {
		t.Fatal(err)
	}
	tr := c.wide.transport
	tr.reap()
	if len(tr.idle) != 1 {
		t.Fatal("a young connection was dropped")
	}
	for _, l := range tr.idle["http "+u.Host] {
		l.since = l.since.Add(-2 * idleTimeout)
	}
	tr.reap()
	if len(tr.idle) != 0 || tr.reaper != nil {
		t.Errorf("%d hosts are kept", len(tr.idle))
	}
}

// Whatever a server says, the call ends with an answer of a bounded size or an error.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{ok, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/9.9 xyz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		ours, theirs := net.Pipe()
		go func() {
			go io.Copy(io.Discard, theirs)
			theirs.Write(said)
			theirs.Close()
		}()
		until := time.Now().Add(5 * time.Second)
		l := &link{Conn: ours, tcp: ours}
		l.in = bufio.NewReader(l)
		ours.SetDeadline(until)
		defer ours.Close()
		req, err := http.NewRequest("POST", "http://example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		a, reusable, err := l.exchange(t.Context(), until, time.Minute, req, []byte("POST / HTTP/1.1\r\n\r\n"))
		switch {
		case err == nil && a == nil:
			t.Error("neither answer nor error")
		case a != nil && (len(a.Body) > BodyLimit || a.Status < 200):
			t.Errorf("status %d, %d bytes", a.Status, len(a.Body))
		case err != nil && reusable:
			t.Error("a connection with an error is used again")
		}
	})
}
