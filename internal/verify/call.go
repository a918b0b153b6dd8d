package verify

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"parley/internal/secret"
)

const (
	// answerLimit is how much of an answer is read, as a server does it.
	answerLimit = 64 << 10
	// pieceCount is how many pieces a slow body comes in.
	pieceCount = 8
)

// ids makes webhook ids that no receiver has seen before.
type ids struct {
	run  string
	last *atomic.Int64
}

func newIDs() ids { return ids{hex.EncodeToString(secret.Random(4)), new(atomic.Int64)} }

func (i ids) next() string { return "verify_" + i.run + "_" + strconv.FormatInt(i.last.Add(1), 10) }

// call is one request.
type call struct {
	header http.Header
	body   []byte
	// pace is the pause between the pieces of the body; 0 sends it at once.
	pace time.Duration
}

// call makes a request with any signature.
func (r *run) call(id string, at time.Time, body []byte, signature string) *call {
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {r.UserAgent}}
	maps.Copy(h, r.Header)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("Webhook-Signature", signature)
	return &call{header: h, body: body}
}

// signed makes a request as a server makes it.
func (r *run) signed(id string, at time.Time, body []byte) *call {
	return r.call(id, at, body, secret.Sign(r.key, id, at, body))
}

// answer is what came of a call.
type answer struct {
	status int
	begin  string
	took   time.Duration
	err    error
}

// refused reports that there is nobody to talk to.
func (a answer) refused() bool {
	if _, ok := errors.AsType[*net.DNSError](a.err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](a.err)
	return ok && op.Op == "dial"
}

// reason says why there is no answer.
func (a answer) reason(timeout time.Duration) string {
	if errors.Is(a.err, context.DeadlineExceeded) {
		return fmt.Sprintf("it did not answer within %s", timeout)
	}
	return "there was no answer: " + a.err.Error()
}

// said repeats the answer.
func (a answer) said() string {
	if a.begin == "" {
		return fmt.Sprintf("it answered %d", a.status)
	}
	return fmt.Sprintf("it answered %d: %s", a.status, a.begin)
}

type caller struct {
	url string
	// slow sends what is written at once, where the other one collects it.
	http, slow *http.Client
	timeout    time.Duration
}

func newCaller(o Options) caller {
	client := func(t http.RoundTripper) *http.Client {
		return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Transport != nil {
		return caller{o.URL, client(o.Transport), client(o.Transport), o.Timeout}
	}
	return caller{
		o.URL,
		client(&http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true, ForceAttemptHTTP2: true}),
		client(&http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true, WriteBufferSize: 64}),
		o.Timeout,
	}
}

func (c caller) close() {
	c.http.CloseIdleConnections()
	c.slow.CloseIdleConnections()
}

// do makes the call and measures the time from the end of the request to the end of the answer.
func (c caller) do(ctx context.Context, k *call) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+k.pace*pieceCount)
	defer cancel()
	var body io.Reader = bytes.NewReader(k.body)
	start := time.Now()
	client := c.http
	var slow *slowBody
	if k.pace > 0 {
		slow = &slowBody{ctx: ctx, body: k.body, piece: len(k.body)/pieceCount + 1, pace: k.pace}
		body, client = slow, c.slow
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, body)
	if err != nil {
		return answer{err: err}
	}
	req.ContentLength, req.Header = int64(len(k.body)), k.header
	if host := k.header.Get("Host"); host != "" {
		req.Host = host
	}
	defer func() {
		if slow != nil {
			if sent := slow.sent.Load(); sent != nil {
				start = *sent
			}
		}
		a.took = time.Since(start)
	}()
	res, err := client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return answer{err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	begin, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(text), "\uFFFD")), "\n")
	return answer{status: res.StatusCode, begin: begin, err: err}
}

// slowBody gives a body in pieces with pauses between them.
type slowBody struct {
	ctx   context.Context
	body  []byte
	at    int
	piece int
	pace  time.Duration
	// paused is the piece before which the last pause was.
	paused int
	// sent is when the last piece was handed out. The transport reads in a goroutine of its own.
	sent atomic.Pointer[time.Time]
}

// Read implements io.Reader.
func (s *slowBody) Read(p []byte) (int, error) {
	if s.at == len(s.body) {
		return 0, io.EOF
	}
	n := s.at / s.piece
	if n > s.paused {
		s.paused = n
		t := time.NewTimer(s.pace)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		}
	}
	got := copy(p, s.body[s.at:min((n+1)*s.piece, len(s.body))])
	if s.at += got; s.at == len(s.body) {
		now := time.Now()
		s.sent.Store(&now)
	}
	return got, nil
}
