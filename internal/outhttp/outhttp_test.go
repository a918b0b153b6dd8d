package outhttp

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/fault"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func serve(t *testing.T, h http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCallCarriesBodyAndHeadersAndReturnsTheAnswer(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method != "POST" || string(b) != `{"a":1}` || r.Header.Get("X-Key") != "v" || r.UserAgent() != "Parley/test" || r.Header.Get("Accept-Encoding") != "" ||
			r.ContentLength != 7 {
			t.Errorf("received %s %q %v", r.Method, b, r.Header)
		}
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(429)
		io.WriteString(w, "slow down")
	})
	c := New(Options{AllowPrivate: loopback, UserAgent: "Parley/test"})
	defer c.Close()
	a, err := c.Do(t.Context(), Request{Method: "POST", URL: u, Header: http.Header{"X-Key": {"v"}}, Body: []byte(`{"a":1}`)})
	if err != nil || a.Status != 429 || a.Header.Get("Retry-After") != "3" || string(a.Body) != "slow down" || a.Truncated {
		t.Errorf("answer %+v, %v", a, err)
	}
}

func TestRedirectIsAnAnswerAndIsNotFollowed(t *testing.T) {
	var calls atomic.Int32
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	a, err := c.Do(t.Context(), Request{Method: "POST", URL: u, Body: []byte("x")})
	if err != nil || a.Status != 302 || calls.Load() != 1 {
		t.Errorf("answer %+v, %v after %d calls", a, err, calls.Load())
	}
}

func TestPrivateTargetsAreRefusedAtConnectTime(t *testing.T) {
	var calls atomic.Int32
	u := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	closed := New(Options{})
	defer closed.Close()
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	// "localhost" is a name: what counts is the address that it resolves to.
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255"} {
		target := &url.URL{Scheme: "http", Host: host + ":" + port, Path: "/"}
		_, err := closed.Do(t.Context(), Request{Method: "POST", URL: target, Timeout: 3 * time.Second})
		if !fault.Is(err, fault.TargetRefused) {
			t.Errorf("%s: %v, want %s", host, err, fault.TargetRefused)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls arrived", calls.Load())
	}
	// The owner's allowance covers its prefix and nothing else.
	c := New(Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	defer c.Close()
	if _, err := c.Do(t.Context(), Request{Method: "POST", URL: u}); err != nil {
		t.Errorf("the allowed address: %v", err)
	}
	other := &url.URL{Scheme: "http", Host: "127.0.0.2:" + port}
	if _, err := c.Do(t.Context(), Request{Method: "POST", URL: other}); !fault.Is(err, fault.TargetRefused) {
		t.Errorf("its neighbour: %v", err)
	}
}

func TestAnswerBodyIsCappedAndTheRestIsNotWaitedFor(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		piece := []byte(strings.Repeat("x", 8192))
		for {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	a, err := c.Do(t.Context(), Request{Method: "GET", URL: u})
	if err != nil || len(a.Body) != BodyLimit || !a.Truncated {
		t.Errorf("%v; %d bytes", err, len(a.Body))
	}
}

func TestSlowAnswersAndHugeHeadsAreCutOff(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // else the server does not notice that the caller is gone
		switch r.URL.Path {
		case "/head":
			w.Header().Set("X-Long", strings.Repeat("x", headerLimit+1000))
		case "/drip":
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			<-r.Context().Done()
		}
	})
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	for _, path := range []string{"/hang", "/drip", "/head"} {
		began := time.Now()
		_, err := c.Do(t.Context(), Request{Method: "POST", URL: &url.URL{Scheme: "http", Host: u.Host, Path: path}, Body: []byte("x"), Timeout: 200 * time.Millisecond})
		if err == nil || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v after %v", path, err, time.Since(began))
		}
	}
}

func TestCallInsideATransactionPanics(t *testing.T) {
	d := dbtest.New(t)
	c := New(Options{})
	err := d.View(t.Context(), func(ctx context.Context, _ *db.Tx) error {
		defer func() {
			if recover() == nil {
				t.Error("a call inside a transaction did not panic")
			}
		}()
		c.Do(ctx, Request{Method: "POST", URL: &url.URL{Scheme: "http", Host: "example.com"}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{"http://example.com", "https://example.com:8443/a/b?c=d&e=%20", "https://[2001:db8::1]/x", "http://bücher.example/", "HTTPS://EXAMPLE.COM/"} {
		if _, err := CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "ftp://example.com/", "javascript:alert(1)", "//example.com", "/relative", "example.com", "http://", "http:///path", "http:example.com",
		"http://user:pw@example.com/", "http://user@example.com/", "http://example.com/#frag", "http://example.com/#", "http://exa mple.com/", "http://example.com/\r\nX: y",
		"http://example.com\t/", "http://example.com:0/", "http://example.com:70000/", "http://example.com:/", "http://example.com:x/", "http://exa\\mple.com/",
		"http://[fe80::1%25eth0]/", "file:///etc/passwd", "http://" + strings.Repeat("a", 2000)} {
		if _, err := CheckURL(bad); err == nil || err.Code != fault.EndpointURL {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCheckHostRefusesLiteralPrivateAddressesAtOnce(t *testing.T) {
	c := New(Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for host, refused := range map[string]bool{"10.2.3.4": false, "127.0.0.1": true, "localhost": true, "a.localhost.": true, "[::1]": true, "example.com": false,
		"192.168.0.1": true, "93.184.216.34": false, "[::ffff:10.0.0.1]": true} {
		if err := c.CheckHost(&url.URL{Scheme: "http", Host: host}); (err != nil) != refused {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestCheckHeader(t *testing.T) {
	for _, good := range [][2]string{{"API-SECURITY-TOKEN", "s3cr3t"}, {"X-A", ""}, {"Authorization", "Bearer a.b.c"}, {"x_b", "one\ttwo three"}} {
		if err := CheckHeader(good[0], good[1]); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range [][2]string{{"", "x"}, {"X A", "x"}, {"X:A", "x"}, {"X-Ä", "x"}, {"X-A", "a\r\nB: c"}, {"X-A", "a\n"}, {"X-A", "\x00"}, {"X-A", " x"}, {"X-A", "ä"},
		{"host", "x"}, {"Content-Length", "1"}, {"content-type", "x"}, {"Transfer-Encoding", "chunked"}, {"Connection", "close"}, {"webhook-id", "x"},
		{"Webhook-Signature", "x"}, {"user-agent", "x"}, {"te", "x"}, {"Expect", "100-continue"}, {"X-A", strings.Repeat("x", 4001)}} {
		if err := CheckHeader(bad[0], bad[1]); err == nil || err.Code != fault.EndpointHeader {
			t.Errorf("%.40q was accepted", bad)
		}
	}
}

// What CheckURL accepts is what the client dials and what a request line can carry.
func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"http://example.com/", "https://[::1]:80/x?y", "http://a@b/", "http://a\x00b", "http://%41/", "http://a#b", "h\u00adttp://x", "http://a/\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := CheckURL(raw)
		if err != nil {
			if u != nil {
				t.Errorf("%q: refused, and returned", raw)
			}
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
			t.Errorf("%q gave %+v", raw, u)
		}
		if strings.ContainsAny(u.RequestURI()+u.Host, " \r\n\t\x00\\") {
			t.Errorf("%q would write %q to %q", raw, u.RequestURI(), u.Host)
		}
		if again, err := CheckURL(u.String()); err != nil || again.String() != u.String() {
			t.Errorf("%q: its own form %q is refused: %v", raw, u, err)
		}
	})
}

func FuzzCheckHeader(f *testing.F) {
	f.Add("X-A", "b")
	f.Add("host", "x")
	f.Add("X\r\n", "\r\n")
	f.Fuzz(func(t *testing.T, name, value string) {
		if CheckHeader(name, value) != nil {
			return
		}
		h := http.Header{}
		h.Set(name, value)
		var b strings.Builder
		if err := h.Write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.Count(b.String(), "\n") != 1 || strings.Contains(b.String(), "\x00") {
			t.Errorf("%q: %q writes %q", name, value, b.String())
		}
	})
}
