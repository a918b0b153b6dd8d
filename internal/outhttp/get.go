package outhttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"parley/internal/db"
)

// What may be wrong with a file that is fetched. They come wrapped.
var (
	ErrTooLarge  = errors.New("the answer is larger than allowed")
	ErrLength    = errors.New("the answer is not as long as it says")
	ErrEncoded   = errors.New("the answer is compressed although that was not asked for")
	ErrRedirects = errors.New("too many redirects")
	ErrRedirect  = errors.New("the answer leads to an address that is not acceptable")
	ErrLate      = errors.New("no complete answer in time")
)

// tailTime is how long we look for more after a body that ended where its length said. We asked for the connection to be closed,
// so an honest server ends it at once.
const tailTime = 200 * time.Millisecond

// Download is a file to be fetched.
type Download struct {
	// URL is absolute, http or https, without credentials, as from CheckURL.
	URL *url.URL
	// Accept is the header of that name, "" for none.
	Accept string
	// Timeout bounds everything, the body and all redirects included; zero means the client's.
	Timeout time.Duration
	// Limit is how many bytes a body may have.
	Limit int64
	// Redirects is how many of them are followed; each leads through the same guard.
	Redirects int
	// Ranges narrows which private addresses may be reached, redirects included; nil means all that the installation allows.
	Ranges *Ranges
}

// Stream is an answer whose body is read as it comes. Close it.
type Stream struct {
	Status int
	Header http.Header
	// URL is where the answer came from, after redirects.
	URL *url.URL
	// Size is how many bytes the body has by the answer's own words, -1 when it does not say. It may be beyond the limit.
	Size int64

	link    *link
	body    io.Reader
	left    int64 // of the limit
	until   time.Time
	timeout time.Duration
	ctx     context.Context
	stop    func() bool
	err     error
}

// Get asks for a file with a GET and returns its answer, whatever the status, when the head is there. Redirects are followed up to the
// limit, without cookies and without saying where from; a redirect without an address is an answer. Every call is made over
// a connection of its own and made once. Besides the errors of this file, a target that the address guard refuses is a fault
// target.refused. It panics inside a database transaction.
func (c *Client) Get(ctx context.Context, d Download) (*Stream, error) {
	if db.InTx(ctx) {
		panic("outhttp: call inside a database transaction")
	}
	timeout := d.Timeout
	if timeout <= 0 {
		timeout = c.total
	}
	until := time.Now().Add(timeout)
	if t, ok := ctx.Deadline(); ok && t.Before(until) {
		until = t
	}
	at := d.URL
	for hop := 0; ; hop++ {
		s, err := c.open(ctx, d, at, until, timeout)
		if err != nil {
			return nil, c.explainGet(Request{URL: at, Ranges: d.Ranges}, timeout, err)
		}
		to := s.Header.Get("Location")
		if !redirects(s.Status) || to == "" {
			return s, nil
		}
		s.Close()
		if hop >= d.Redirects {
			return nil, fmt.Errorf("get %s: %w", d.URL.Host, ErrRedirects)
		}
		if at, err = redirected(at, to); err != nil {
			return nil, fmt.Errorf("get %s: %w", d.URL.Host, err)
		}
	}
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirected is where the answer of a page leads to. It is held to what addresses of the settings are held to.
func redirected(from *url.URL, to string) (*url.URL, error) {
	u, err := from.Parse(to)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", ErrRedirect)
	}
	u.Fragment, u.RawFragment = "", ""
	next, refused := CheckURL(u.String())
	if refused != nil {
		return nil, fmt.Errorf("%w: %s", ErrRedirect, refused.Detail)
	}
	return next, nil
}

// open makes one call and reads the answer's head.
func (c *Client) open(ctx context.Context, d Download, at *url.URL, until time.Time, timeout time.Duration) (s *Stream, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	address, host, err := addressOf(at)
	if err != nil {
		return nil, err
	}
	req := &http.Request{
		Method: http.MethodGet, URL: at, Host: host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Close: true,
		Header: http.Header{"Accept-Encoding": {"identity"}},
	}
	if d.Accept != "" {
		req.Header.Set("Accept", d.Accept)
	}
	if c.agent != "" {
		req.Header.Set("User-Agent", c.agent)
	}
	var out bytes.Buffer
	if err := req.Write(&out); err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	t := c.way(d.Ranges).transport
	l, err := t.dial(ctx, until, at, address)
	if err != nil {
		return nil, err
	}
	l.left = headerLimit
	stop := context.AfterFunc(ctx, func() { l.tcp.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if err != nil {
			stop()
			l.Close()
			if ctx.Err() != nil {
				err = ctx.Err()
			}
		}
	}()
	_, sent := l.Write(out.Bytes())
	headUntil := time.Now().Add(t.header)
	bounded := headUntil.Before(until)
	if bounded {
		if err := l.readUntil(ctx, headUntil); err != nil {
			return nil, err
		}
	}
	res, err := l.head(req)
	switch {
	case err != nil && sent != nil: // who does not read everything may have answered all the same
		return nil, sent
	case err != nil && bounded && errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("%w: %w", errHeader, err)
	case err != nil:
		return nil, err
	}
	l.left = math.MaxInt64
	if bounded {
		if err := l.readUntil(ctx, until); err != nil {
			return nil, err
		}
	}
	s = &Stream{
		Status: res.StatusCode, Header: res.Header, URL: at, link: l, body: res.Body, left: d.Limit, Size: res.ContentLength,
		until: until, timeout: timeout, ctx: ctx, stop: stop,
	}
	if e := strings.ToLower(strings.TrimSpace(strings.Join(res.Header.Values("Content-Encoding"), ","))); s.Status/100 == 2 && e != "" && e != "identity" {
		return nil, ErrEncoded
	}
	return s, nil
}

// Read reads the body. Instead of its end there is ErrTooLarge when more than the limit came, ErrLength when less or more came than
// the answer said, and ErrLate when the time is up.
func (s *Stream) Read(p []byte) (int, error) {
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	n, err := s.body.Read(p[:min(int64(len(p)), s.left+1)])
	if int64(n) > s.left {
		n, err = int(s.left), ErrTooLarge
	}
	s.left -= int64(n)
	if err != nil {
		s.err = s.ended(err)
	}
	return n, s.err
}

// ended is what an error of the body means.
func (s *Stream) ended(err error) error {
	switch {
	case err == io.EOF && s.Size >= 0 && s.talksOn():
		return fmt.Errorf("%w: more came", ErrLength)
	case err == io.EOF, errors.Is(err, ErrTooLarge):
		return err
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: within %s", ErrLate, s.timeout)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it broke off", ErrLength)
	}
	return fmt.Errorf("read the answer of %s: %w", s.URL.Host, err)
}

// talksOn reports whether something came after the body.
func (s *Stream) talksOn() bool {
	if s.link.in.Buffered() > 0 {
		return true
	}
	soon := time.Now().Add(tailTime)
	if s.until.Before(soon) {
		soon = s.until
	}
	if s.link.readUntil(s.ctx, soon) != nil {
		return false
	}
	_, err := s.link.in.ReadByte()
	return err == nil
}

// Close ends the call.
func (s *Stream) Close() error {
	s.stop()
	return s.link.Close()
}

func (c *Client) explainGet(r Request, timeout time.Duration, err error) error {
	switch {
	case errors.Is(err, ErrEncoded):
		return fmt.Errorf("get %s: %w", r.URL.Host, err)
	case errors.Is(err, errHeader), errors.Is(err, errConnect), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrLate, c.explain(r, timeout, err))
	}
	return c.explain(r, timeout, err)
}
