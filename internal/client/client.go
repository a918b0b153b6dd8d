package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/internal/secret"
)

const (
	// callTimeout bounds one call, without the time that a long poll waits on purpose.
	callTimeout = 30 * time.Second
	// answerLimit bounds an answer in bytes: far more than a page of the greatest events.
	answerLimit = 64 << 20
	// tries is how often a call that may be repeated is made.
	tries = 5
	// firstPause is the one after the first failure; it doubles up to lastPause.
	firstPause, lastPause = 200 * time.Millisecond, 10 * time.Second
)

// Options say which server to talk to. URL and Token are required.
type Options struct {
	// URL is the server's address: scheme and host.
	URL       string
	Token     secret.String
	UserAgent string
	// Transport is for tests; nil means connections of its own.
	Transport http.RoundTripper
}

// Client makes calls of the API. It is safe for concurrent use.
type Client struct {
	base  string
	token secret.String
	agent string
	http  *http.Client
}

// New makes a Client; it fails when the address or the token cannot be one.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("the server %q is not a URL like https://chat.example.com (without a path)", o.URL)
	}
	if o.Token.IsZero() {
		return nil, errors.New("an API token is needed: set PARLEY_TOKEN or use --token (parley token create --name tools --scope admin makes one)")
	}
	if strings.ContainsFunc(o.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the API token holds blanks or other characters that no token has")
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second}
	}
	return &Client{base: u.Scheme + "://" + u.Host, token: o.Token, agent: o.UserAgent, http: &http.Client{
		Transport: o.Transport,
		// The token goes to the server that was named and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Server returns the address that the calls go to, in one form however it was written.
func (c *Client) Server() string { return c.base }

// get reads. A call that got no answer, or was told to come later, is made again with growing pauses.
func (c *Client) get(ctx context.Context, path string, query url.Values, wait time.Duration, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.repeat(ctx, func() (time.Duration, error) { return c.call(ctx, http.MethodGet, path, "", nil, wait, out) })
}

// post writes. It carries an idempotency key, so that it may be repeated like a read: what was done is not done twice.
func (c *Client) post(ctx context.Context, path string, in, out any) error {
	key := secret.UUID()
	return c.repeat(ctx, func() (time.Duration, error) { return c.call(ctx, http.MethodPost, path, key, in, 0, out) })
}

func (c *Client) repeat(ctx context.Context, once func() (time.Duration, error)) error {
	pauses := backoff{first: firstPause, last: lastPause}
	for n := 1; ; n++ {
		after, err := once()
		if err == nil || n == tries || ctx.Err() != nil || !Transient(err) {
			return err
		}
		if !pauses.pause(ctx, after) {
			return err
		}
	}
}

// call makes one call. The duration is how long the server asked to be left alone.
func (c *Client) call(ctx context.Context, method, path, key string, in any, wait time.Duration, out any) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout+wait)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, fmt.Errorf("make the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v1"+path, body)
	if err != nil {
		return 0, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	req.Header.Set("Accept", "application/json")
	if c.agent != "" {
		req.Header.Set("User-Agent", c.agent)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		// The library's error begins with the method and the whole URL, which nobody asked for.
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return 0, &broken{c.base, err}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit+1))
	if err != nil {
		return 0, &broken{c.base, err}
	}
	if len(answer) > answerLimit {
		return 0, fmt.Errorf("the answer of %s is longer than %d MiB", c.base, answerLimit>>20)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return RetryAfter(res.Header.Get("Retry-After")), problemOf(c.base, res, answer)
	}
	if out == nil {
		return 0, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return 0, fmt.Errorf("%s answered %d and not as Parley does: %w", c.base, res.StatusCode, err)
	}
	return 0, nil
}

// RetryAfter reads the header's form in seconds, up to a minute; 0 when there is none.
func RetryAfter(value string) time.Duration {
	n, err := strconv.Atoi(value)
	if err != nil || n <= 0 {
		return 0
	}
	return time.Duration(min(n, 60)) * time.Second
}

// backoff makes growing pauses.
type backoff struct{ first, last, next time.Duration }

// grow returns the next pause: at least the given one, else twice the one before.
func (b *backoff) grow(least time.Duration) time.Duration {
	b.next = min(max(b.next*2, b.first), b.last)
	return max(b.next, least)
}

// pause waits for the next pause, a little more or less, so that callers do not come back all at once. False: ctx ended.
func (b *backoff) pause(ctx context.Context, least time.Duration) bool {
	d := b.grow(0)
	return wait(ctx, max(d*3/4+rand.N(d/2), least))
}

// wait returns false when ctx ends before the time is over.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
