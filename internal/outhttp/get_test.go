package outhttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/fault"
)

// get fetches a file the way most tests want it and returns what it read.
func get(t *testing.T, c *Client, u *url.URL, d Download) (*Stream, string, error) {
	t.Helper()
	d.URL = u
	if d.Limit == 0 {
		d.Limit = 1000
	}
	if d.Timeout == 0 {
		d.Timeout = 5 * time.Second
	}
	s, err := c.Get(t.Context(), d)
	if err != nil {
		return nil, "", err
	}
	defer s.Close()
	b, err := io.ReadAll(s)
	return s, string(b), err
}

// says answers every call with the same words and closes.
func says(t *testing.T, answer string) *url.URL {
	return talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		if _, err := hear(in); err == nil {
			io.WriteString(c, answer)
		}
	})
}

func TestGetReadsAFile(t *testing.T) {
	var calls atomic.Int32
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Method != "GET" || r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get("Accept") != "image/*" || r.UserAgent() != "Parley/test" ||
			r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" || r.URL.RawQuery != "b=c" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		w.Header().Set("Content-Type", "image/x")
		io.WriteString(w, "picture")
	})
	u.Path, u.RawQuery = "/a", "b=c"
	c := New(Options{AllowPrivate: loopback, UserAgent: "Parley/test"})
	defer c.Close()
	s, body, err := get(t, c, u, Download{Accept: "image/*", Limit: 7})
	if err != nil || s.Status != 200 || body != "picture" || s.Header.Get("Content-Type") != "image/x" || s.URL.String() != u.String() || calls.Load() != 1 {
		t.Errorf("%+v %q %v after %d calls", s, body, err, calls.Load())
	}
}

func TestGetFollowsRedirectsUpToItsLimit(t *testing.T) {
	var calls atomic.Int32
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Header.Get("Referer") != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("headers %v", r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		switch r.URL.Path {
		case "/1":
			http.Redirect(w, r, "2#part", http.StatusFound)
		case "/2":
			http.Redirect(w, r, "/3?x=y", http.StatusMovedPermanently)
		case "/3":
			w.Header().Set("Location", "//"+r.Host+"/4")
			w.WriteHeader(http.StatusPermanentRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusSeeOther)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		default:
			io.WriteString(w, "here")
		}
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	to := func(path string) *url.URL { return &url.URL{Scheme: "http", Host: u.Host, Path: path} }
	s, body, err := get(t, c, to("/1"), Download{Redirects: 3})
	if err != nil || body != "here" || s.URL.Path != "/4" || calls.Load() != 4 {
		t.Errorf("three redirects: %+v %q %v after %d calls", s, body, err, calls.Load())
	}
	if _, _, err := get(t, c, to("/1"), Download{Redirects: 2}); !errors.Is(err, ErrRedirects) {
		t.Errorf("one too many: %v", err)
	}
	if _, _, err := get(t, c, to("/2"), Download{}); !errors.Is(err, ErrRedirects) {
		t.Errorf("none allowed: %v", err)
	}
	calls.Store(0)
	if _, _, err := get(t, c, to("/loop"), Download{Redirects: 3}); !errors.Is(err, ErrRedirects) || calls.Load() != 4 {
		t.Errorf("a loop: %v after %d calls", err, calls.Load())
	}
	if s, _, err := get(t, c, to("/nowhere"), Download{Redirects: 3}); err != nil || s.Status != 302 {
		t.Errorf("a redirect without an address: %+v, %v", s, err)
	}
}

// A redirect is held to what the first address is held to, and to the guard.
func TestGetRefusesWhereARedirectMustNotLead(t *testing.T) {
	var inside atomic.Int32
	private := serve(t, func(http.ResponseWriter, *http.Request) { inside.Add(1) })
	_, port, err := net.SplitHostPort(private.Host)
	if err != nil {
		t.Fatal(err)
	}
	var to atomic.Value
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to.Load().(string))
		w.WriteHeader(302)
	})
	// The page that redirects is reached; its neighbour on the same machine is not public.
	c := New(Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	defer c.Close()
	for _, target := range []string{"http://127.0.0.2:" + port, "http://[::1]:" + port, "http://[::ffff:127.0.0.2]:" + port, "http://169.254.169.254/latest/meta-data/",
		"//10.0.0.1/", "http://2130706434:" + port + "/", "http://0x7f000002/", "http://127.2:" + port, "http://0:" + port} {
		to.Store(target)
		if _, _, err := get(t, c, u, Download{Redirects: 3, Timeout: 3 * time.Second}); err == nil {
			t.Errorf("%s was reached", target)
		} else if strings.Count(target, ".") == 3 && !fault.Is(err, fault.TargetRefused) {
			t.Errorf("%s: %v", target, err)
		}
	}
	for _, target := range []string{"file:///etc/passwd", "gopher://127.0.0.1/", "http://user:pw@127.0.0.1/", "http://user@127.0.0.1/", "http://", "mailto:a@b", "http://127.0.0.1:0/",
		"http://127.0.0.1/" + strings.Repeat("a", 2000), "http://127.0.0.1\\@127.0.0.2/", ":", "http://[::1%25lo]/"} {
		to.Store(target)
		if _, _, err := get(t, c, u, Download{Redirects: 3}); !errors.Is(err, ErrRedirect) {
			t.Errorf("%s: %v", target, err)
		}
	}
	if n := inside.Load(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
}

func TestGetStaysWithinItsRanges(t *testing.T) {
	var inside atomic.Int32
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/secret" {
			inside.Add(1)
		}
		http.Redirect(w, r, "http://127.0.0.2:"+r.URL.Query().Get("port")+"/secret", http.StatusFound)
	})
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = "port=" + port
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	for _, r := range []*Ranges{ranges(t), ranges(t, "127.0.0.1"), ranges(t, "10.0.0.0/8")} {
		if _, _, err := get(t, c, u, Download{Ranges: r, Redirects: 3}); !fault.Is(err, fault.TargetRefused) {
			t.Errorf("within %v: %v", r.Strings(), err)
		}
	}
	if n := inside.Load(); n != 0 {
		t.Errorf("%d calls arrived", n)
	}
}

// names answers questions for addresses with one address after the other, and the last one for good.
func names(t *testing.T, answers ...netip.Addr) *net.Resolver {
	var mu sync.Mutex
	var asked int
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			for { // a stream, as over TCP: the length first
				var size [2]byte
				if _, err := io.ReadFull(theirs, size[:]); err != nil {
					return
				}
				q := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(theirs, q); err != nil {
					return
				}
				end := 12
				for q[end] != 0 {
					end += int(q[end]) + 1
				}
				end += 5 // the root, type and class
				isA := binary.BigEndian.Uint16(q[end-4:]) == 1
				a := append([]byte(nil), q[:end]...)
				a[2], a[3] = 0x81, 0x80
				clear(a[6:12])
				if isA {
					mu.Lock()
					ip := answers[min(asked, len(answers)-1)].As4()
					asked++
					mu.Unlock()
					a[7] = 1
					a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
					a = append(a, ip[:]...)
				}
				if _, err := theirs.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
					return
				}
			}
		}()
		return ours, nil
	}}
}

// What counts is the address that is dialled, every time.
func TestGetOfANameThatResolvesDifferentlyTheSecondTime(t *testing.T) {
	var calls atomic.Int32
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path == "/turn" {
			http.Redirect(w, r, "/secret", http.StatusFound)
			return
		}
		io.WriteString(w, "secret")
	})
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	named := &url.URL{Scheme: "http", Host: "files.example:" + port, Path: "/turn"}
	c := New(Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	defer c.Close()
	good, bad := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	c.wide.transport.dialer.Resolver = names(t, good, good)
	if _, body, err := get(t, c, named, Download{Redirects: 3}); err != nil || body != "secret" {
		t.Fatalf("the name stays: %q, %v", body, err)
	}
	calls.Store(0)
	c.wide.transport.dialer.Resolver = names(t, good, bad)
	if _, _, err := get(t, c, named, Download{Redirects: 3}); !fault.Is(err, fault.TargetRefused) || calls.Load() != 1 {
		t.Errorf("the name moves: %v after %d calls", err, calls.Load())
	}
}

func TestGetBoundsTheBody(t *testing.T) {
	endless := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 8192)); err != nil {
				return
			}
		}
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	if _, body, err := get(t, c, endless, Download{Limit: 100_000}); !errors.Is(err, ErrTooLarge) || len(body) != 100_000 {
		t.Errorf("a body without end: %d bytes, %v", len(body), err)
	}
	// What says that it is too large need not be read at all.
	if s, err := c.Get(t.Context(), Download{URL: says(t, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"), Limit: 1000}); err != nil || s.Size != 1001 {
		t.Errorf("announced: %+v, %v", s, err)
	} else {
		s.Close()
	}
	if _, body, err := get(t, c, says(t, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 1000)), Download{Limit: 1000}); err != nil || len(body) != 1000 {
		t.Errorf("up to the limit: %d bytes, %v", len(body), err)
	}
}

func TestGetNoticesLiesAboutTheLength(t *testing.T) {
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	for answer, want := range map[string]error{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello":                                  nil,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell":                                   ErrLength,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and this":                        ErrLength,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n":       nil,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n":                ErrLength,
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello":        ErrEncoded,
		"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello":    nil,
		"HTTP/1.1 200 OK\r\nContent-Encoding: br, gzip\r\nContent-Length: 5\r\n\r\nhello":    ErrEncoded,
		"HTTP/1.1 200 OK\r\n\r\nhello":                                                       nil,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello":             errAny,
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello":                                 errAny,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello":    errAny,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n": errAny,
	} {
		_, body, err := get(t, c, says(t, answer), Download{})
		switch {
		case want == nil && (err != nil || body != "hello"), want == errAny && err == nil, want != nil && want != errAny && !errors.Is(err, want):
			t.Errorf("%q: %q, %v; want %v", answer, body, err, want)
		}
	}
	// A server that keeps the connection open says nothing wrong by that.
	open := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		hear(in)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		hear(in)
	})
	if _, body, err := get(t, c, open, Download{}); err != nil || body != "hello" {
		t.Errorf("kept open: %q, %v", body, err)
	}
}

var errAny = errors.New("any error")

func TestGetEndsWhenItsTimeIsUp(t *testing.T) {
	drip := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		hear(in)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
		}
	})
	head := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		hear(in)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			<-tick.C
			if _, err := fmt.Fprintf(c, "X-%d: y\r\n", i); err != nil {
				return
			}
		}
	})
	hops := serve(t, func(w http.ResponseWriter, r *http.Request) {
		wait := time.NewTimer(60 * time.Millisecond)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done():
		}
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	for name, u := range map[string]*url.URL{"a body that drips": drip, "a head that drips": head, "redirects that dawdle": hops} {
		began := time.Now()
		_, _, err := get(t, c, u, Download{Timeout: 100 * time.Millisecond, Redirects: 100})
		if !errors.Is(err, ErrLate) || time.Since(began) > 3*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(began))
		}
	}
	short := New(Options{AllowPrivate: loopback, HeaderTimeout: 50 * time.Millisecond})
	defer short.Close()
	if _, _, err := get(t, short, head, Download{}); !errors.Is(err, ErrLate) {
		t.Errorf("the time for the head: %v", err)
	}
}

func TestGetBoundsTheHead(t *testing.T) {
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	endless := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		hear(in)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-Long: "+strings.Repeat("y", 1000)+"\r\n"); err != nil {
				return
			}
		}
	})
	if _, _, err := get(t, c, endless, Download{}); !errors.Is(err, errHeadSize) {
		t.Errorf("a head without end: %v", err)
	}
	for answer, want := range map[string]string{
		strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20):   "1xx",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n": "another protocol",
		"SSH-2.0-OpenSSH_9.9\r\n":                                "malformed",
		"":                                                       "EOF",
		"HTTP/1.1 302 Found\r\nLocation: " + strings.Repeat("/", 70<<10) + "\r\n\r\n": "head is larger",
	} {
		if _, _, err := get(t, c, says(t, answer), Download{Redirects: 3}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", answer, err, want)
		}
	}
}

func TestGetIsGivenUp(t *testing.T) {
	asked := make(chan bool, 1)
	u := talk(t, func(_ int, c net.Conn, in *bufio.Reader) {
		hear(in)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nha")
		asked <- true
		hear(in)
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Get(ctx, Download{URL: u, Limit: 100, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	<-asked
	cancel()
	if _, err := io.ReadAll(s); !errors.Is(err, context.Canceled) {
		t.Errorf("while reading: %v", err)
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("the error does not stay: %v", err)
	}
	if _, err := c.Get(ctx, Download{URL: u, Limit: 100}); !errors.Is(err, context.Canceled) || len(asked) > 0 {
		t.Errorf("begun after the end: %v", err)
	}
}

func TestGetOverTLSChecksTheCertificate(t *testing.T) {
	certificates, roots := certified()
	u := talk(t, func(_ int, c net.Conn, _ *bufio.Reader) {
		secure := tls.Server(c, &tls.Config{Certificates: certificates})
		in := bufio.NewReader(secure)
		if _, err := hear(in); err == nil {
			io.WriteString(secure, ok)
			secure.Close()
		}
	})
	u.Scheme = "https"
	c, stranger := New(Options{AllowPrivate: loopback, TLS: &tls.Config{RootCAs: roots}}), New(Options{AllowPrivate: loopback})
	defer c.Close()
	defer stranger.Close()
	if _, body, err := get(t, c, u, Download{}); err != nil || body != "ok" {
		t.Errorf("%q, %v", body, err)
	}
	if _, _, err := get(t, stranger, u, Download{}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of nobody: %v", err)
	}
}

func TestGetInsideATransactionPanics(t *testing.T) {
	d := dbtest.New(t)
	c := New(Options{})
	err := d.View(t.Context(), func(ctx context.Context, _ *db.Tx) error {
		defer func() {
			if recover() == nil {
				t.Error("a call inside a transaction did not panic")
			}
		}()
		c.Get(ctx, Download{URL: &url.URL{Scheme: "http", Host: "example.com"}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Wherever a server sends us, it is an address that CheckURL takes, and never with credentials.
func FuzzRedirected(f *testing.F) {
	for _, s := range []string{"/a", "//b/c", "http://u:p@h/", "?q#f", "https://[::1]:99999/", "http://h\\x", "\x00", "http://%00/", "a b"} {
		f.Add(s)
	}
	from := &url.URL{Scheme: "https", Host: "example.com", Path: "/a/b"}
	f.Fuzz(func(t *testing.T, to string) {
		u, err := redirected(from, to)
		if err != nil {
			return
		}
		if again, refused := CheckURL(u.String()); refused != nil || again.User != nil || again.String() != u.String() {
			t.Errorf("%q leads to %q: %v", to, u, refused)
		}
	})
}
