package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/internal/fault"
	"parley/internal/limit"
	"parley/internal/secret"
	"parley/internal/team"
)

// Options says what the edge works with. Team and PublicURL are required.
type Options struct {
	Team *team.Desk
	// PublicURL is where browsers reach us: scheme and host. With https, cookies are Secure and HSTS is sent.
	PublicURL *url.URL
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Logger gets one line per request; nil discards.
	Logger *slog.Logger
	// RateEvery and RateBurst limit all requests of one address; zero means one per 10 ms after a burst of 500.
	RateEvery time.Duration
	RateBurst int
	// OwnLimits are the patterns of routes whose handlers limit by themselves who asks too often: the limit by address is not for them.
	OwnLimits []string
	// Pepper is mixed into the digests of idempotent requests, so that the stored digest of a body with a password cannot be
	// tried out offline. It should stay the same over restarts; empty means one made up at start.
	Pepper []byte
	// Observe is told of every answered request: the pattern of its route ("none" where no route matched), the status (0 when it
	// was cut off before there was one, 101 for a socket) and how long it took. It must be quick; nil means nobody counts.
	Observe func(route string, status int, took time.Duration)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Edge is the middleware around everything that we serve.
type Edge struct {
	o      Options
	log    *slog.Logger
	base   string
	secure bool
	rate   *limit.Limiter
	origin *http.CrossOriginProtection
}

// New makes an Edge. It fails when the public URL is not an origin.
func New(o Options) (*Edge, error) {
	if o.Team == nil || o.PublicURL == nil {
		panic("httpapi: Team and PublicURL are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RateEvery == 0 {
		o.RateEvery = 10 * time.Millisecond
	}
	if o.RateBurst == 0 {
		o.RateBurst = 500
	}
	if len(o.Pepper) == 0 {
		o.Pepper = secret.Random(32)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.TrustedProxies = slices.Clone(o.TrustedProxies)
	e := &Edge{o: o, log: o.Logger, base: strings.TrimSuffix(o.PublicURL.String(), "/"), secure: o.PublicURL.Scheme == "https",
		rate:   limit.New(limit.Options{Every: o.RateEvery, Burst: o.RateBurst, Now: o.Now}),
		origin: http.NewCrossOriginProtection()}
	if err := e.origin.AddTrustedOrigin(o.PublicURL.Scheme + "://" + o.PublicURL.Host); err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	useProblems()
	return e, nil
}

// Handler wraps the mux of the whole server: request id, log line, recovery, client address, rate limit, security headers,
// compression, and problem documents for what the mux has no route for.
func (e *Edge) Handler(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := e.o.Now()
		c := &call{id: secret.Token("")[:16], base: e.base, agent: r.UserAgent(),
			client: clientAddr(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), e.o.TrustedProxies)}
		aw := &answerWriter{ResponseWriter: w, gzipOK: accepts(r.Header.Get("Accept-Encoding"), "gzip")}
		r = withCall(r, c)
		h := w.Header()
		h.Set("X-Request-Id", c.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		if e.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		defer func() {
			v := recover()
			if v != nil && v != http.ErrAbortHandler {
				c.err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
				if !aw.sent && !aw.hijackd {
					aw.status = 0
					panicked := c.err
					WriteProblem(aw, r, panicked)
				}
			}
			if v != http.ErrAbortHandler {
				aw.finish()
			}
			took := e.o.Now().Sub(start)
			if e.o.Observe != nil {
				e.o.Observe(route(r), aw.status, took)
			}
			e.line(r, aw, c, took)
			if v == http.ErrAbortHandler {
				panic(v)
			}
		}()
		answers, pattern := mux.Handler(r)
		if !e.limitsItself(r, pattern) {
			if wait, ok := e.rate.Allow(addressKey(c.client)); !ok {
				WriteProblem(aw, r, fault.New(fault.RequestLimited, "too many requests from this address").After(wait))
				return
			}
		}
		if pattern == "" {
			e.noRoute(aw, r, answers)
			return
		}
		mux.ServeHTTP(aw, r)
	})
}

// limitsItself reports whether the request reaches a handler with limits of its own. A path that is not clean reaches none: the mux
// answers it with a redirect, and names the route all the same.
func (e *Edge) limitsItself(r *http.Request, pattern string) bool {
	return slices.Contains(e.o.OwnLimits, pattern) && path.Clean(r.URL.Path) == r.URL.Path
}

// noRoute turns the mux's own answer to an unknown route into a problem document.
func (e *Edge) noRoute(w http.ResponseWriter, r *http.Request, h http.Handler) {
	probe := &answerProbe{header: http.Header{}}
	h.ServeHTTP(probe, r)
	if allow := probe.header.Get("Allow"); probe.status == http.StatusMethodNotAllowed && allow != "" {
		w.Header().Set("Allow", allow)
		WriteProblem(w, r, fault.Newf(fault.RequestMethod, "this address takes %s", allow))
		return
	}
	WriteProblem(w, r, fault.New(fault.RequestNotFound, "there is nothing at this address"))
}

// answerProbe looks at an answer without sending it.
type answerProbe struct {
	header http.Header
	status int
}

func (p *answerProbe) Header() http.Header         { return p.header }
func (p *answerProbe) Write(b []byte) (int, error) { return len(b), nil }
func (p *answerProbe) WriteHeader(status int)      { p.status = status }

// route is the pattern that the request matched. Unlike its path it is one of a few.
func route(r *http.Request) string { return cmp.Or(r.Pattern, "none") }

// line writes the request's one log line.
func (e *Edge) line(r *http.Request, w *answerWriter, c *call, took time.Duration) {
	status, route := w.status, route(r)
	attrs := append([]slog.Attr{
		slog.String("request_id", c.id), slog.String("method", method(r.Method)), slog.String("route", route), slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", w.size),
	}, c.attrs...)
	if c.code != "" {
		attrs = append(attrs, slog.String("code", string(c.code)))
	}
	level := slog.LevelInfo
	switch {
	case status >= 500 && status != http.StatusServiceUnavailable:
		level = slog.LevelError
	case status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case route == "GET /healthz" || route == "GET /readyz" || route == "GET /metrics":
		level = slog.LevelDebug
	}
	// Only what is our own fault is explained; the details of others' mistakes may hold what they sent.
	if c.err != nil && status >= 500 {
		attrs = append(attrs, slog.String("error", c.err.Error()))
	}
	e.log.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

// method keeps foreign words out of the log.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// pageCSP allows our own files and nothing inline, and what a page holds itself: the picture somebody is about to send, the voice
// message somebody has just recorded. See the contract's section on pages.
const pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob: https:; " +
	"media-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Pages adds the headers of our own pages: the strict content security policy and the isolation from other windows.
func Pages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pageCSP)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), payment=(), usb=()")
		next.ServeHTTP(w, r)
	})
}

// Limit wraps a handler with a limiter of its own, by the caller's address.
func Limit(l *limit.Limiter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := l.Allow(ClientKey(r.Context())); !ok {
			WriteProblem(w, r, fault.New(fault.RequestLimited, "too many requests from this address").After(wait))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// AtOnce wraps a handler whose answers may take long: at most this many of them at a time for one address of callers.
func AtOnce(most int, next http.Handler) http.Handler {
	var mu sync.Mutex
	under := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := ClientKey(r.Context())
		mu.Lock()
		full := under[key] >= most
		if !full {
			under[key]++
		}
		mu.Unlock()
		if full {
			WriteProblem(w, r, fault.New(fault.RequestLimited, "too many answers to this address are under way").After(time.Second))
			return
		}
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			if under[key]--; under[key] == 0 {
				delete(under, key)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// NewServer returns an HTTP server with limits for slow and greedy callers. There is no timeout for the whole request: bodies have
// their own deadline, long polls and sockets live longer.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		WriteTimeout:      2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	if logger != nil {
		s.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
	}
	return s
}

// Serve runs the server on l until ctx ends, then lets running requests finish for at most grace.
func Serve(ctx context.Context, s *http.Server, l net.Listener, grace time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := s.Shutdown(stop)
	if err != nil {
		err = errors.Join(err, s.Close())
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
