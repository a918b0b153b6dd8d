package outhttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"

	"code.dny.dev/ssrf"

	"parley/internal/db"
	"parley/internal/fault"
)

const (
	// BodyLimit is how much of an answer's body is read and kept, in bytes.
	BodyLimit = 64 << 10
	// headerLimit bounds an answer's head, in bytes.
	headerLimit = 64 << 10
	// keepAlive is the pause between TCP's own probes, idleTimeout how long an unused connection is kept.
	keepAlive   = 30 * time.Second
	idleTimeout = 90 * time.Second
)

// Options says how to reach out.
type Options struct {
	// AllowPrivate are prefixes that may be reached although they are not public.
	AllowPrivate []netip.Prefix
	// UserAgent is sent unless a request brings its own.
	UserAgent string
	// ConnectTimeout bounds resolving, connecting and the TLS handshake (zero: 5 s), HeaderTimeout waiting for the
	// answer's head (zero: 15 s), TotalTimeout the whole call unless the request says otherwise (zero: 20 s).
	ConnectTimeout, HeaderTimeout, TotalTimeout time.Duration
	// MaxIdlePerHost is how many connections are kept per host. It must not be below the number of calls under way to one
	// host, else throughput halves by reconnecting. Zero means 256.
	MaxIdlePerHost int
	// Logger gets refused targets; nil discards.
	Logger *slog.Logger
	// TLS is for tests with their own certificates; nil means the system's roots.
	TLS *tls.Config
}

// Client makes outbound calls.
type Client struct {
	allowed         []netip.Prefix
	agent           string
	connect, header time.Duration
	total           time.Duration
	idle            int
	tls             *tls.Config
	log             *slog.Logger
	wide            *way // calls that may reach everything that is allowed

	mu     sync.Mutex
	narrow map[string]*way // by their ranges
}

// New makes a Client.
func New(o Options) *Client {
	pick := func(d, otherwise time.Duration) time.Duration {
		if d == 0 {
			return otherwise
		}
		return d
	}
	c := &Client{
		allowed: o.AllowPrivate, agent: o.UserAgent, connect: pick(o.ConnectTimeout, 5*time.Second), header: pick(o.HeaderTimeout, 15*time.Second),
		total: pick(o.TotalTimeout, 20*time.Second), idle: o.MaxIdlePerHost, tls: o.TLS, log: o.Logger, narrow: map[string]*way{},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.idle == 0 {
		c.idle = 256
	}
	c.wide = c.newWay(c.allowed)
	return c
}

// Close drops the connections that are not in use.
func (c *Client) Close() {
	c.wide.transport.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropNarrow()
}

// Request is one call.
type Request struct {
	Method string
	// URL comes from CheckURL.
	URL    *url.URL
	Header http.Header
	Body   []byte
	// Timeout bounds the whole call; zero means the client's.
	Timeout time.Duration
	// Ranges narrows which private addresses the call may reach; nil means all that the installation allows.
	Ranges *Ranges
}

// Answer is what came back. Any status is an answer.
type Answer struct {
	Status int
	Header http.Header
	// Body is at most BodyLimit bytes; Truncated tells that there was more.
	Body      []byte
	Truncated bool
}

// Do makes the call. A target that the address guard refuses is a fault target.refused; other errors mean that there was no
// complete answer. It panics inside a database transaction.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	if db.InTx(ctx) {
		panic("outhttp: call inside a database transaction")
	}
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = c.total
	}
	req := &http.Request{
		Method: r.Method, URL: r.URL, Header: r.Header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(r.Body)),
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if c.agent != "" && req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = []string{c.agent}
	}
	if len(r.Body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(r.Body))
	}
	answer, err := c.way(r.Ranges).transport.do(ctx, time.Now().Add(timeout), req)
	if err != nil {
		err = c.explain(r, timeout, err)
	}
	return answer, err
}

func (c *Client) explain(r Request, timeout time.Duration, err error) error {
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		c.log.Warn("outbound call refused: the target's address is not public", "host", r.URL.Host)
		return fault.New(fault.TargetRefused, r.Ranges.refused(r.URL.Hostname(), "leads to an address that is not public")).Because(err)
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, errConnect) && c.connect < timeout:
		return fmt.Errorf("no connection to %s within %s", r.URL.Host, c.connect)
	case errors.Is(err, errHeader):
		return fmt.Errorf("no answer within %s", c.header)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errConnect):
		return fmt.Errorf("no complete answer within %s", timeout)
	}
	return fmt.Errorf("call %s: %w", r.URL.Host, err)
}
