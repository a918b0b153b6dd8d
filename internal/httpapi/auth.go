package httpapi

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"parley/internal/fault"
	"parley/internal/team"
)

// SessionCookie is the name of the cookie that carries an operator's session.
const SessionCookie = "parley_session"

// cookieAge is how long a browser keeps the cookie. The session ends earlier unless it is used; the server decides.
const cookieAge = 400 * 24 * time.Hour

// NewSessionCookie returns the cookie that starts a session in a browser.
func (e *Edge) NewSessionCookie(token string) http.Cookie {
	return http.Cookie{Name: SessionCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: e.secure,
		MaxAge: int(cookieAge / time.Second)}
}

// EndSessionCookie returns the cookie that makes the browser forget the session.
func (e *Edge) EndSessionCookie() http.Cookie {
	return http.Cookie{Name: SessionCookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: e.secure, MaxAge: -1}
}

// BearerToken returns the token of an "Authorization: Bearer …" header, "" when there is none.
func BearerToken(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Authenticate finds out who sends the request, by bearer token or session cookie, and notes it for Actor, Operator and the log
// line. A token is always preferred. Unsafe requests that rely on the cookie must come from our own pages. Faults:
// auth.required, auth.invalid, auth.cross_origin.
func (e *Edge) Authenticate(r *http.Request) (team.Actor, error) {
	c := callOf(r.Context())
	if r.Header.Get("Authorization") != "" {
		token := BearerToken(r)
		if !strings.HasPrefix(token, "pat_") {
			return team.Actor{}, fault.New(fault.AuthInvalid, "the Authorization header holds no API token")
		}
		return e.AuthenticateToken(r, token)
	}
	cookie, err := r.Cookie(SessionCookie)
	if err != nil || cookie.Value == "" {
		return team.Actor{}, fault.New(fault.AuthRequired, "sign in, or send an API token")
	}
	if err := e.SameOrigin(r); err != nil {
		return team.Actor{}, err
	}
	actor, operator, err := e.o.Team.Authenticate(r.Context(), cookie.Value)
	if err != nil {
		return team.Actor{}, err
	}
	c.actor, c.operator, c.session = actor, operator, cookie.Value
	c.attrs = append(c.attrs, slog.Int64("operator", int64(actor.Operator)))
	return actor, nil
}

// AuthenticateToken is Authenticate for an API token that did not come in the header, such as a socket's first frame.
func (e *Edge) AuthenticateToken(r *http.Request, token string) (team.Actor, error) {
	actor, err := e.o.Team.AuthenticateToken(r.Context(), token)
	if err != nil {
		return team.Actor{}, err
	}
	c := callOf(r.Context())
	c.actor = actor
	c.attrs = append(c.attrs, slog.Int64("token", int64(actor.Token)))
	return actor, nil
}

// SameOrigin refuses an unsafe request that another site's page made a browser send: auth.cross_origin.
func (e *Edge) SameOrigin(r *http.Request) error {
	if err := e.origin.Check(r); err != nil {
		return fault.New(fault.AuthCrossOrigin, "this came from another site's page; use an API token for that").Because(err)
	}
	return nil
}

// SameOriginSocket is SameOrigin for a WebSocket upgrade: a GET, which browsers send across origins with cookies.
func (e *Edge) SameOriginSocket(r *http.Request) error {
	unsafe := *r
	unsafe.Method = http.MethodPost
	return e.SameOrigin(&unsafe)
}

// allow checks the actor's scope.
func allow(a team.Actor, scope string) error {
	switch scope {
	case team.ScopeWrite:
		return a.MayWrite()
	case team.ScopeAdmin:
		return a.MayAdmin()
	}
	return nil
}

// RequireToken wraps a plain handler that only programs with an API token, of any scope, may reach. An operator's cookie does
// not count: what stands behind is not for browsers. Faults: auth.required, auth.invalid.
func (e *Edge) RequireToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			WriteProblem(w, r, fault.New(fault.AuthRequired, "send an API token"))
			return
		}
		if _, err := e.Authenticate(r); err != nil {
			WriteProblem(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// RequireActor wraps a plain handler that only authenticated callers with the scope may reach. Actor tells it who.
func (e *Edge) RequireActor(scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := e.Authenticate(r)
		if err == nil {
			err = allow(a, scope)
		}
		if err != nil {
			WriteProblem(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
