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
		if err := c.CheckHost(&url.URL{Scheme: "http", Host: host}, nil); (err != nil) != refused {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func ranges(t *testing.T, list ...string) *Ranges {
	t.Helper()
	r, err := ParseRanges(list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRangesNarrowWhatACallMayReach(t *testing.T) {
	var calls atomic.Int32
	u := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{AllowPrivate: loopback})
	defer c.Close()
	call := func(host string, r *Ranges) error {
		_, err := c.Do(t.Context(), Request{Method: "POST", URL: &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}, Ranges: r, Timeout: 3 * time.Second})
		return err
	}
	one, none := ranges(t, "127.0.0.1"), ranges(t)
	// The order matters: a connection that a wide call left open must not serve a narrow one.
	for range 2 {
		for _, good := range []*Ranges{nil, one, ranges(t, "10.0.0.0/8", "127.0.0.0/8")} {
			if err := call("127.0.0.1", good); err != nil {
				t.Errorf("within %v: %v", good.Strings(), err)
			}
		}
		for _, bad := range []*Ranges{none, ranges(t, "127.0.0.2/32"), ranges(t, "::1")} {
			for _, host := range []string{"127.0.0.1", "localhost"} {
				if host == "localhost" && len(bad.prefixes) > 0 && bad.prefixes[0].Addr().Is6() {
					continue // it may be ::1
				}
				if err := call(host, bad); !fault.Is(err, fault.TargetRefused) || !strings.Contains(err.Error(), "this endpoint may reach") {
					t.Errorf("%s within %v: %v", host, bad.Strings(), err)
				}
			}
		}
	}
	if n := calls.Load(); n != 6 {
		t.Errorf("%d calls arrived, want 6", n)
	}
	// What was stored when the owner allowed more gives nothing now.
	closed := New(Options{})
	defer closed.Close()
	if _, err := closed.Do(t.Context(), Request{Method: "POST", URL: u, Ranges: one}); !fault.Is(err, fault.TargetRefused) {
		t.Errorf("a withdrawn range: %v", err)
	}
}

func TestRangesAreReadAndHeldAgainstWhatIsAllowed(t *testing.T) {
	r := ranges(t, "10.1.2.3/16", "fd00::1", "10.1.0.0/16", "10.2.0.9")
	if got, want := strings.Join(r.Strings(), " "), "10.1.0.0/16 10.2.0.9/32 fd00::1/128"; got != want {
		t.Errorf("read as %s, want %s", got, want)
	}
	var nothing *Ranges
	if nothing.Strings() != nil || ranges(t).Strings() == nil {
		t.Error("no list and an empty list are not the same")
	}
	for _, bad := range []string{"", "ten", "10.0.0.0/33", "10.0.0", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104", "fe80::1%eth0", "10.0.0.0/8 "} {
		if _, err := ParseRanges([]string{bad}); err == nil || err.Code != fault.EndpointRange {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := ParseRanges(make([]string, maxRanges+1)); err == nil {
		t.Error("a list without end was read")
	}
	c := New(Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}})
	for list, good := range map[string]bool{"10.0.0.0/8": true, "10.1.0.0/16": true, "fd12::/64": true, "10.0.0.0/7": false, "192.168.0.0/16": false, "0.0.0.0/0": false,
		"::/0": false, "8.8.8.8": false} {
		if err := c.CheckRanges(ranges(t, list)); (err == nil) != good {
			t.Errorf("%s: %v", list, err)
		}
	}
	if err := c.CheckRanges(nil); err != nil {
		t.Error(err)
	}
	host := &url.URL{Scheme: "http", Host: "10.1.2.3"}
	if c.CheckHost(host, ranges(t, "10.1.0.0/16")) != nil || c.CheckHost(host, ranges(t, "10.2.0.0/16")) == nil || c.CheckHost(host, ranges(t)) == nil {
		t.Error("a literal address is not held against the narrow list")
	}
}

func TestListsOfRangesDoNotPileUp(t *testing.T) {
	c := New(Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	defer c.Close()
	for i := range 3 * maxNarrow {
		c.way(ranges(t, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String()))
	}
	if n := len(c.narrow); n > maxNarrow {
		t.Errorf("%d ways are kept", n)
	}
}

func FuzzParseRanges(f *testing.F) {
	f.Add("10.0.0.0/8")
	f.Add("::ffff:1.2.3.4/96")
	f.Add("fe80::%1/64")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRanges([]string{s})
		if err != nil {
			return
		}
		again, err := ParseRanges(r.Strings())
		if err != nil || again.key != r.key {
			t.Errorf("%q was read as %v and that as %v (%v)", s, r.Strings(), again, err)
		}
	})
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
