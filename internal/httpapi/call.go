package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/once"
	"parley/internal/team"
)

// call is what is known of one request. The outermost middleware makes it; only the request's own goroutine touches it.
type call struct {
	id     string
	base   string // public URL without a slash at the end
	client netip.Addr
	agent  string
	ctx    context.Context

	actor    team.Actor
	operator *event.Operator
	session  string // the session cookie's token, "" for bearer tokens
	key      once.Key

	attrs []slog.Attr
	err   error
	code  fault.Code
}

type callKey struct{}

// callOf returns the call of a request's context. Outside of Handler it is an empty one, so that helpers need no special case.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{ctx: ctx}
}

// gone reports whether the caller hung up.
func (c *call) gone() bool { return c.ctx != nil && c.ctx.Err() != nil }

// RequestID returns the id that the log line, the X-Request-Id header and every problem document carry.
func RequestID(ctx context.Context) string { return callOf(ctx).id }

// ClientIP returns the caller's address, behind trusted proxies the one they tell. It is invalid when there is none (a Unix socket).
func ClientIP(ctx context.Context) netip.Addr { return callOf(ctx).client }

// ClientKey returns the caller's address as a key for limits: IPv6 by its /64, since a caller has all of that.
func ClientKey(ctx context.Context) string { return addressKey(callOf(ctx).client) }

// UserAgent returns the caller's User-Agent header.
func UserAgent(ctx context.Context) string { return callOf(ctx).agent }

// CurrentActor returns who is authenticated; the zero Actor for a public operation.
func CurrentActor(ctx context.Context) team.Actor { return callOf(ctx).actor }

// CurrentOperator returns the signed-in operator as of at most team.CacheFor ago, nil for API tokens. It must not be changed.
func CurrentOperator(ctx context.Context) *event.Operator { return callOf(ctx).operator }

// SessionToken returns the session cookie's token of the authenticated request, "" when a bearer token was used.
func SessionToken(ctx context.Context) string { return callOf(ctx).session }

// Key returns the request's idempotency key, zero when the caller sent none.
func Key(ctx context.Context) once.Key { return callOf(ctx).key }

// Note adds attributes to the request's log line: ids and counts, never texts, tokens or addresses.
func Note(ctx context.Context, attrs ...slog.Attr) {
	c := callOf(ctx)
	c.attrs = append(c.attrs, attrs...)
}

// withCall puts c into the request.
func withCall(r *http.Request, c *call) *http.Request {
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	c.ctx = r.Context()
	return r
}
