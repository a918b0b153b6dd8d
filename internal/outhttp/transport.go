package outhttp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// transport carries calls over kept HTTP/1.1 connections. It writes the request and reads the answer in the caller's own
// goroutine; what goes over the wire is written and read by net/http. The Transport of net/http has two more goroutines for
// each connection and hands every call to them and back, which costs as much as all the rest of a delivery's call.
type transport struct {
	dialer  *net.Dialer // its Control guards every address
	tls     *tls.Config
	connect time.Duration
	header  time.Duration
	keep    int // connections per host

	mu     sync.Mutex
	idle   map[string][]*link // by scheme and address, the latest used at the end
	reaper *time.Timer        // nil while nothing is idle
}

// link is one connection to a host.
type link struct {
	net.Conn          // what is read and written: TCP, or TLS over it
	tcp      net.Conn // below
	in       *bufio.Reader
	left     int64 // how many more bytes may be read
	heard    bool  // something was read in this exchange
	since    time.Time
}

var (
	errHeadSize = fmt.Errorf("the answer's head is larger than %d KiB", headerLimit>>10)
	errConnect  = errors.New("no connection in time")
	errHeader   = errors.New("no answer in time")
)

// writeAhead is how large a request may be to be written before the answer is looked for: the kernel takes that much at once.
const writeAhead = 64 << 10

// maxInformal bounds the 1xx answers before the real one.
const maxInformal = 5

// Close ends the connection without the farewell of TLS, which may have to wait for the other side: answers say their length.
func (l *link) Close() error { return l.tcp.Close() }

// Read reads within what is left.
func (l *link) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errHeadSize
	}
	n, err := l.Conn.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	l.heard = l.heard || n > 0
	return n, err
}

var requests = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// do makes one call, to be complete at until. A kept connection that turns out to be closed before it answered is replaced by a
// new one: a repeat is harmless, every receiver can tell it by the webhook-id.
func (t *transport) do(ctx context.Context, until time.Time, req *http.Request) (*Answer, error) {
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	address, host, err := addressOf(req.URL)
	if err != nil {
		return nil, err
	}
	req.Host = host
	out := requests.Get().(*bytes.Buffer)
	defer func() {
		if out.Cap() <= 2*writeAhead { // a rare large one would be kept for ever
			requests.Put(out)
		}
	}()
	out.Reset()
	if err := req.Write(out); err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	l := t.take(req.URL.Scheme+" "+address, until)
	for {
		kept := l != nil
		if !kept {
			if l, err = t.dial(ctx, until, req.URL, address); err != nil {
				return nil, err
			}
		}
		answer, reusable, err := l.exchange(ctx, until, t.header, req, out.Bytes())
		if reusable {
			t.put(req.URL.Scheme+" "+address, l)
		} else {
			l.Close()
		}
		if err == nil || !kept || l.heard || ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return answer, err
		}
		l = nil
	}
}

// addressOf is where a URL leads, and how the Host header names it: in ASCII, and with a port where the URL has one.
func addressOf(u *url.URL) (address, host string, err error) {
	name, port := u.Hostname(), u.Port()
	host = u.Host
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		if name, err = idna.Lookup.ToASCII(name); err != nil {
			return "", "", fmt.Errorf("host %s: %w", u.Hostname(), err)
		}
		if host = name; port != "" {
			host = net.JoinHostPort(name, port)
		}
	}
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(name, port), host, nil
}

func (t *transport) dial(ctx context.Context, until time.Time, u *url.URL, address string) (*link, error) {
	dialCtx, cancel := context.WithTimeoutCause(ctx, min(t.connect, time.Until(until)), errConnect)
	defer cancel()
	tcp, err := t.dialer.DialContext(dialCtx, "tcp", address)
	if err != nil {
		return nil, late(dialCtx, err)
	}
	l := &link{Conn: tcp, tcp: tcp}
	if u.Scheme == "https" {
		config := t.tls.Clone()
		if config == nil {
			config = &tls.Config{}
		}
		config.NextProtos = []string{"http/1.1"}
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		secure := tls.Client(tcp, config)
		if err := secure.HandshakeContext(dialCtx); err != nil {
			tcp.Close()
			return nil, late(dialCtx, err)
		}
		l.Conn = secure
	}
	l.in = bufio.NewReader(l)
	if err := l.SetDeadline(until); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// late says of an error that came because ctx ended, why it ended.
func late(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", context.Cause(ctx), err)
}

// exchange sends a request and reads its answer. The link's deadline is set to until already. reusable means that the link is in
// order for another exchange.
func (l *link) exchange(ctx context.Context, until time.Time, header time.Duration, req *http.Request, out []byte) (answer *Answer, reusable bool, err error) {
	l.heard, l.left = false, headerLimit
	stop := context.AfterFunc(ctx, func() { l.tcp.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() { // the deadline may be moved at any moment
			reusable = false
		}
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	var sent error
	headUntil := time.Now().Add(header)
	bounded := headUntil.Before(until)
	if len(out) <= writeAhead {
		_, sent = l.Write(out)
	} else { // who answers without reading all of it must be heard all the same
		bounded = false
		done := make(chan error, 1)
		go func() {
			_, err := l.Write(out)
			done <- err
		}()
		defer func() {
			select {
			case sent := <-done:
				reusable = reusable && sent == nil
			default:
				reusable = false
				l.tcp.SetDeadline(time.Unix(1, 0))
				<-done
			}
		}()
	}
	if bounded {
		if err := l.readUntil(ctx, headUntil); err != nil {
			return nil, false, err
		}
	}
	res, err := l.head(req)
	if err != nil {
		if sent != nil { // who does not read everything may have answered all the same
			err = sent
		} else if bounded && errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("%w: %w", errHeader, err)
		}
		return nil, false, err
	}
	l.left = math.MaxInt64
	if bounded {
		if err := l.readUntil(ctx, until); err != nil {
			return nil, false, err
		}
	}
	answer = &Answer{Status: res.StatusCode, Header: res.Header}
	if res.Body != http.NoBody {
		answer.Body, err = io.ReadAll(io.LimitReader(res.Body, BodyLimit+1))
	}
	if len(answer.Body) > BodyLimit {
		answer.Body, answer.Truncated = answer.Body[:BodyLimit], true
	}
	if err != nil {
		return answer, false, fmt.Errorf("read the answer: %w", err)
	}
	return answer, sent == nil && !answer.Truncated && !res.Close && l.in.Buffered() == 0, nil
}

// readUntil moves the deadline of reads, unless ctx has ended: then it stays in the past.
func (l *link) readUntil(ctx context.Context, t time.Time) error {
	if err := l.SetReadDeadline(t); err != nil {
		return err
	}
	return ctx.Err()
}

// head reads the answer's head, past those that only announce another.
func (l *link) head(req *http.Request) (*http.Response, error) {
	for range maxInformal + 1 {
		res, err := http.ReadResponse(l.in, req)
		if err != nil {
			if l.left <= 0 { // what was read up to there is a mistake of its own to the reader
				err = errHeadSize
			}
			return nil, err
		}
		switch {
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("the answer wants to speak another protocol")
		case res.StatusCode >= 200:
			return res, nil
		}
	}
	return nil, fmt.Errorf("more than %d answers of the kind 1xx", maxInformal)
}

// ready reports whether nothing came while the link was idle, neither its end nor words that nobody asked for, which would be
// taken for the next answer; then it sets the deadline.
func (l *link) ready(until time.Time) bool {
	if l.SetDeadline(time.Time{}) != nil || !silent(l.tcp) {
		return false
	}
	if l.Conn != l.tcp { // TLS may hold what came together with the last answer; with a deadline in the past it reads no more than that
		var one [1]byte
		if l.SetReadDeadline(time.Unix(1, 0)) != nil {
			return false
		}
		if n, err := l.Conn.Read(one[:]); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
	}
	return l.SetDeadline(until) == nil
}

// take returns an idle connection that is still in order, nil when there is none.
func (t *transport) take(to string, until time.Time) *link {
	for {
		t.mu.Lock()
		list := t.idle[to]
		if len(list) == 0 {
			t.mu.Unlock()
			return nil
		}
		l := list[len(list)-1]
		list[len(list)-1] = nil
		if list = list[:len(list)-1]; len(list) == 0 {
			delete(t.idle, to)
		} else {
			t.idle[to] = list
		}
		t.mu.Unlock()
		if time.Since(l.since) < idleTimeout && l.ready(until) {
			return l
		}
		l.Close()
	}
}

func (t *transport) put(to string, l *link) {
	l.since = time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.idle == nil {
		t.idle = map[string][]*link{}
	}
	list := t.idle[to]
	if len(list) >= t.keep {
		l.Close()
		return
	}
	t.idle[to] = append(list, l)
	if t.reaper == nil {
		t.reaper = time.AfterFunc(idleTimeout, t.reap)
	}
}

// reap closes what was not used for idleTimeout.
func (t *transport) reap() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for to, list := range t.idle {
		old := 0
		for old < len(list) && time.Since(list[old].since) >= idleTimeout {
			list[old].Close()
			old++
		}
		if old == len(list) {
			delete(t.idle, to)
		} else {
			t.idle[to] = append([]*link(nil), list[old:]...)
		}
	}
	if len(t.idle) == 0 {
		t.reaper = nil
	} else if t.reaper != nil {
		t.reaper.Reset(idleTimeout / 2)
	}
}

// close drops the idle connections.
func (t *transport) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, list := range t.idle {
		for _, l := range list {
			l.Close()
		}
	}
	clear(t.idle)
	if t.reaper != nil {
		t.reaper.Stop()
		t.reaper = nil
	}
}
