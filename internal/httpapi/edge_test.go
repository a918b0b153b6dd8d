package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"parley/internal/db/dbtest"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/once"
	"parley/internal/team"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// bench is a server with a few operations, an admin with a session, and tokens of each scope.
type bench struct {
	*testing.T
	edge    *Edge
	mux     *http.ServeMux
	api     huma.API
	handler http.Handler
	desk    *team.Desk
	log     *lockedBuffer
	session string
	tokens  map[string]string
	keys    []once.Key
}

type postInput struct {
	ID   int64 `path:"id" minimum:"1"`
	Wait int   `query:"wait" minimum:"0" maximum:"30"`
	Body struct {
		Text    string `json:"text" maxLength:"20"`
		Contact *struct {
			Email string `json:"email"`
		} `json:"contact,omitempty"`
		Tags []struct {
			Name string `json:"name"`
		} `json:"tags,omitempty"`
	}
}

type postOutput struct {
	Body struct {
		By   string `json:"by"`
		Text string `json:"text"`
	}
}

func newBench(t *testing.T, change func(*Options)) *bench {
	d := dbtest.New(t)
	b := &bench{T: t, log: &lockedBuffer{}, mux: http.NewServeMux(), tokens: map[string]string{},
		desk: team.New(team.Options{DB: d, Feed: feed.New(d), PasswordMemoryKiB: 64})}
	made, err := b.desk.Create(t.Context(), team.System(), team.NewOperator{Email: "ann@shop.example", Role: team.RoleAdmin}, once.Key{})
	if err != nil {
		t.Fatal(err)
	}
	if b.session, _, err = b.desk.SignInWithLink(t.Context(), made.Link.Reveal(), "", ""); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{team.ScopeRead, team.ScopeWrite, team.ScopeAdmin} {
		_, s, err := b.desk.CreateToken(t.Context(), team.System(), scope, scope, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		b.tokens[scope] = s.Reveal()
	}
	o := Options{Team: b.desk, PublicURL: &url.URL{Scheme: "https", Host: "chat.example"}, Logger: slog.New(slog.NewJSONHandler(b.log, nil))}
	if change != nil {
		change(&o)
	}
	if b.edge, err = New(o); err != nil {
		t.Fatal(err)
	}
	b.api = b.edge.NewAPI(b.mux, Config{Title: "Test", Version: "1", Prefix: "/api/v1"})
	Register(b.api, Operation{ID: "post", Method: http.MethodPost, Path: "/things/{id}", Scope: team.ScopeWrite, Status: http.StatusCreated,
		Faults: []fault.Code{fault.ConversationEnded}}, func(ctx context.Context, by team.Actor, in *postInput) (*postOutput, error) {
		b.keys = append(b.keys, Key(ctx))
		switch in.Body.Text {
		case "ended":
			return nil, fault.New(fault.ConversationEnded, "conversation 42 has ended").At("text")
		case "limited":
			return nil, fault.New(fault.AuthTooMany, "slowly").After(1500 * time.Millisecond)
		case "broken":
			return nil, errors.New("secret table is on fire")
		case "panic":
			panic("invariant 7 is broken")
		}
		out := &postOutput{}
		out.Body.By, out.Body.Text = by.Name, in.Body.Text
		return out, nil
	})
	Register(b.api, Operation{ID: "read", Method: http.MethodGet, Path: "/things", Scope: team.ScopeRead}, func(_ context.Context, by team.Actor, in *struct {
		Size int `query:"size"`
	}) (*postOutput, error) {
		out := &postOutput{}
		out.Body.By, out.Body.Text = by.Name, strings.Repeat("x", in.Size)
		return out, nil
	})
	Register(b.api, Operation{ID: "settings", Method: http.MethodPut, Path: "/settings", Scope: team.ScopeAdmin}, func(context.Context, team.Actor, *struct{}) (*struct{}, error) {
		return nil, nil
	})
	Register(b.api, Operation{ID: "sign-in", Method: http.MethodPost, Path: "/sign-in", Public: true}, func(ctx context.Context, by team.Actor, in *struct {
		Body struct {
			Email string `json:"email"`
		}
	}) (*struct{}, error) {
		if by != (team.Actor{}) {
			t.Errorf("a public operation has the actor %+v", by)
		}
		return nil, nil
	})
	b.mux.HandleFunc("POST /plain", func(w http.ResponseWriter, r *http.Request) {
		var v struct {
			Name string `json:"name"`
		}
		if err := DecodeStrict(w, r, &v); err != nil {
			WriteProblem(w, r, err)
			return
		}
		WriteJSON(w, r, http.StatusOK, v)
	})
	b.handler = b.edge.Handler(b.mux)
	return b
}

type answer struct {
	*httptest.ResponseRecorder
	problem problem
}

func (b *bench) do(method, path, body string, headers ...string) answer {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), method, "https://chat.example"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	b.handler.ServeHTTP(a, r)
	if a.Header().Get("Content-Type") == problemType {
		d := json.NewDecoder(bytes.NewReader(a.Body.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&a.problem); err != nil {
			b.Fatalf("problem document %s: %v", a.Body, err)
		}
	}
	return a
}

func (b *bench) token(scope string) string { return "Bearer " + b.tokens[scope] }

func (b *bench) cookie() string { return SessionCookie + "=" + b.session }

func TestEveryErrorOfTheAPIIsOurProblemDocument(t *testing.T) {
	b := newBench(t, nil)
	auth := []string{"Authorization", b.token(team.ScopeWrite)}
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, c := range []struct {
		name, path, body string
		headers          []string
		status           int
		code             fault.Code
		field            string
	}{
		{"unknown field", "/api/v1/things/1", `{"text":"a","extra":1}`, auth, 422, fault.RequestUnknownField, "extra"},
		{"unknown field, deep", "/api/v1/things/1", `{"text":"a","contact":{"email":"a","x":1}}`, auth, 422, fault.RequestUnknownField, "contact.x"},
		{"unknown field in a list", "/api/v1/things/1", `{"text":"a","tags":[{"name":"a"},{"name":"b","x":1}]}`, auth, 422, fault.RequestUnknownField, "tags[1].x"},
		{"field in another case", "/api/v1/things/1", `{"text":"a","Text":"b"}`, auth, 422, fault.RequestUnknownField, "Text"},
		{"missing field", "/api/v1/things/1", `{}`, auth, 422, fault.FieldRequired, "text"},
		{"missing field, deep", "/api/v1/things/1", `{"text":"a","contact":{}}`, auth, 422, fault.FieldRequired, "contact.email"},
		{"wrong type", "/api/v1/things/1", `{"text":7}`, auth, 422, fault.FieldInvalid, "text"},
		{"wrong type, deep", "/api/v1/things/1", `{"text":"a","contact":{"email":7}}`, auth, 422, fault.FieldInvalid, "contact.email"},
		{"too long", "/api/v1/things/1", `{"text":"` + strings.Repeat("x", 21) + `"}`, auth, 422, fault.TextTooLong, "text"},
		{"not an object", "/api/v1/things/1", `[]`, auth, 422, fault.FieldInvalid, ""},
		{"no body", "/api/v1/things/1", ``, auth, 400, fault.RequestMalformed, ""},
		{"broken JSON", "/api/v1/things/1", `{"text":`, auth, 400, fault.RequestMalformed, ""},
		{"trailing garbage", "/api/v1/things/1", `{"text":"a"} {}`, auth, 400, fault.RequestMalformed, ""},
		{"doubled key", "/api/v1/things/1", `{"text":"a","text":"b"}`, auth, 400, fault.RequestMalformed, "text"},
		{"too deep", "/api/v1/things/1", deep, auth, 400, fault.RequestMalformed, strings.Repeat("a.", 31) + "a"},
		{"invalid UTF-8", "/api/v1/things/1", "{\"text\":\"\xff\"}", auth, 400, fault.RequestMalformed, ""},
		{"NUL", "/api/v1/things/1", `{"text":"a\u0000b"}`, auth, 422, fault.TextInvalid, "text"},
		{"too large", "/api/v1/things/1", `{"text":"` + strings.Repeat("x", MaxBody) + `"}`, auth, 413, fault.RequestTooLarge, ""},
		{"path parameter", "/api/v1/things/abc", `{"text":"a"}`, auth, 422, fault.FieldInvalid, "id"},
		{"query parameter", "/api/v1/things/1?wait=99", `{"text":"a"}`, auth, 422, fault.FieldInvalid, "wait"},
		{"unknown parameter", "/api/v1/things/1?wiat=9", `{"text":"a"}`, auth, 422, fault.RequestUnknownField, "wiat"},
		{"idempotency key", "/api/v1/things/1", `{"text":"a"}`, append(auth, "Idempotency-Key", "a b"), 422, fault.KeyInvalid, "Idempotency-Key"},
		{"form", "/api/v1/things/1", `text=a`, append(auth, "Content-Type", "application/x-www-form-urlencoded"), 415, fault.RequestMediaType, ""},
		{"fault of the handler", "/api/v1/things/1", `{"text":"ended"}`, auth, 409, fault.ConversationEnded, "text"},
		{"plain error of the handler", "/api/v1/things/1", `{"text":"broken"}`, auth, 500, fault.InternalError, ""},
		{"panic of the handler", "/api/v1/things/1", `{"text":"panic"}`, auth, 500, fault.InternalError, ""},
		{"nobody", "/api/v1/things/1", `{"text":"a"}`, nil, 401, fault.AuthRequired, ""},
		{"unknown token", "/api/v1/things/1", `{"text":"a"}`, []string{"Authorization", "Bearer pat_nope"}, 401, fault.AuthInvalid, ""},
		{"another scheme", "/api/v1/things/1", `{"text":"a"}`, []string{"Authorization", "Basic YTpi"}, 401, fault.AuthInvalid, ""},
		{"scope", "/api/v1/things/1", `{"text":"a"}`, []string{"Authorization", b.token(team.ScopeRead)}, 403, fault.AuthScope, ""},
		{"route", "/api/v1/nothing", `{"text":"a"}`, auth, 404, fault.RequestNotFound, ""},
		{"method", "/api/v1/things", `{"text":"a"}`, auth, 405, fault.RequestMethod, ""},
		{"plain handler, unknown field", "/plain", `{"name":"a","x":1}`, nil, 422, fault.RequestUnknownField, "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := b.do(http.MethodPost, c.path, c.body, c.headers...)
			p := a.problem
			if a.Code != c.status || p.Status != c.status || p.Code != string(c.code) || p.Field != c.field {
				t.Fatalf("got %d %s at %q, want %d %s at %q\n%s", a.Code, p.Code, p.Field, c.status, c.code, c.field, a.Body)
			}
			if p.Type != "https://chat.example/docs/errors#"+p.Code || p.Title != fault.TitleOf(c.code) || p.RequestID == "" || p.RequestID != a.Header().Get("X-Request-Id") {
				t.Errorf("document %+v", p)
			}
			if c.status == 401 && !strings.HasPrefix(a.Header().Get("WWW-Authenticate"), "Bearer") {
				t.Error("401 without WWW-Authenticate")
			}
			if strings.Contains(a.Body.String(), "fire") || strings.Contains(a.Body.String(), "invariant") {
				t.Errorf("the answer shows what is inside: %s", a.Body)
			}
			if p.Errors != nil {
				t.Errorf("a single fault has a list: %s", a.Body)
			}
		})
	}
	if got := b.do(http.MethodPost, "/api/v1/things", "{}", auth...).Header().Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow: %q", got)
	}
	if !strings.Contains(b.log.String(), "secret table is on fire") || !strings.Contains(b.log.String(), "invariant 7") {
		t.Error("the log does not say what went wrong inside")
	}
}

func TestSeveralFaultsAreReportedTogetherInAFixedOrder(t *testing.T) {
	b := newBench(t, nil)
	want := []problemFault{
		{"a", "request.unknown_field", "this call does not know the field"},
		{"tags", "field.invalid", "expected array"},
		{"text", "field.required", "this field is required"},
		{"z", "request.unknown_field", "this call does not know the field"},
	}
	for range 20 {
		a := b.do(http.MethodPost, "/api/v1/things/1", `{"z":1,"a":1,"tags":"x"}`, "Authorization", b.token(team.ScopeWrite))
		if diff := cmp.Diff(want, a.problem.Errors); diff != "" || a.problem.Field != "a" {
			t.Fatalf("field %q\n%s", a.problem.Field, diff)
		}
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	b := newBench(t, nil)
	a := b.do(http.MethodPost, "/api/v1/things/1", `{"text":"limited"}`, "Authorization", b.token(team.ScopeWrite))
	if a.Code != 429 || a.Header().Get("Retry-After") != "2" || a.problem.Code != "auth.too_many" {
		t.Errorf("%d, Retry-After %q, %s", a.Code, a.Header().Get("Retry-After"), a.problem.Code)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	b := newBench(t, nil)
	plain, err := b.desk.Create(t.Context(), team.System(), team.NewOperator{Email: "bob@shop.example"}, once.Key{})
	if err != nil {
		t.Fatal(err)
	}
	operator, _, err := b.desk.SignInWithLink(t.Context(), plain.Link.Reveal(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		method  string
		path    string
		headers []string
		status  int
		code    fault.Code
	}{
		{"read token reads", "GET", "/api/v1/things", []string{"Authorization", b.token("read")}, 200, ""},
		{"read token changes settings", "PUT", "/api/v1/settings", []string{"Authorization", b.token("read")}, 403, fault.AuthScope},
		{"write token changes settings", "PUT", "/api/v1/settings", []string{"Authorization", b.token("write")}, 403, fault.AuthScope},
		{"admin token changes settings", "PUT", "/api/v1/settings", []string{"Authorization", b.token("admin")}, 204, ""},
		{"admin's session", "PUT", "/api/v1/settings", []string{"Cookie", b.cookie()}, 204, ""},
		{"operator's session", "PUT", "/api/v1/settings", []string{"Cookie", SessionCookie + "=" + operator}, 403, fault.AuthDenied},
		{"unknown session", "PUT", "/api/v1/settings", []string{"Cookie", SessionCookie + "=nope"}, 401, fault.AuthInvalid},
		{"session, other site", "PUT", "/api/v1/settings", []string{"Cookie", b.cookie(), "Sec-Fetch-Site", "cross-site"}, 403, fault.AuthCrossOrigin},
		{"session, sister site", "PUT", "/api/v1/settings", []string{"Cookie", b.cookie(), "Sec-Fetch-Site", "same-site", "Origin", "https://evil.chat.example"}, 403, fault.AuthCrossOrigin},
		{"session, other origin, old browser", "PUT", "/api/v1/settings", []string{"Cookie", b.cookie(), "Origin", "https://evil.example"}, 403, fault.AuthCrossOrigin},
		{"session, our page", "PUT", "/api/v1/settings", []string{"Cookie", b.cookie(), "Sec-Fetch-Site", "same-origin", "Origin", "https://chat.example"}, 204, ""},
		{"session, other site, reading", "GET", "/api/v1/things", []string{"Cookie", b.cookie(), "Sec-Fetch-Site", "cross-site"}, 200, ""},
		{"token, other site", "PUT", "/api/v1/settings", []string{"Authorization", b.token("admin"), "Sec-Fetch-Site", "cross-site"}, 204, ""},
		{"a token beats the cookie", "PUT", "/api/v1/settings", []string{"Authorization", b.token("read"), "Cookie", b.cookie()}, 403, fault.AuthScope},
		{"sign-in, other site", "POST", "/api/v1/sign-in", []string{"Sec-Fetch-Site", "cross-site"}, 403, fault.AuthCrossOrigin},
		{"sign-in", "POST", "/api/v1/sign-in", []string{"Sec-Fetch-Site", "same-origin"}, 204, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := ""
			if c.method == "POST" {
				body = `{"email":"a"}`
			}
			a := b.do(c.method, c.path, body, c.headers...)
			if a.Code != c.status || a.problem.Code != string(c.code) {
				t.Errorf("got %d %s, want %d %s", a.Code, a.problem.Code, c.status, c.code)
			}
		})
	}
}

func TestOnlyTokensPassWhereTokensAreRequired(t *testing.T) {
	b := newBench(t, nil)
	b.mux.Handle("GET /figures", b.edge.RequireToken(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("figures")) })))
	for _, c := range []struct {
		name    string
		headers []string
		status  int
		code    fault.Code
	}{
		{"read token", []string{"Authorization", b.token("read")}, 200, ""},
		{"write token", []string{"Authorization", b.token("write")}, 200, ""},
		{"admin token", []string{"Authorization", b.token("admin")}, 200, ""},
		{"nobody", nil, 401, fault.AuthRequired},
		{"an admin's session", []string{"Cookie", b.cookie()}, 401, fault.AuthRequired},
		{"unknown token", []string{"Authorization", "Bearer pat_nope"}, 401, fault.AuthInvalid},
		{"a session as a token", []string{"Authorization", "Bearer " + b.session}, 401, fault.AuthInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := b.do(http.MethodGet, "/figures", "", c.headers...)
			if a.Code != c.status || a.problem.Code != string(c.code) {
				t.Errorf("got %d %s, want %d %s", a.Code, a.problem.Code, c.status, c.code)
			}
			if shown := strings.Contains(a.Body.String(), "figures"); shown != (c.status == 200) {
				t.Errorf("status %d, and the figures are in the answer: %v", a.Code, shown)
			}
		})
	}
}

func TestEveryAnswerIsObservedWithItsRouteOnce(t *testing.T) {
	var got []string
	b := newBench(t, func(o *Options) {
		o.RateEvery, o.RateBurst = time.Hour, 6
		o.Observe = func(route string, status int, took time.Duration) {
			if took < 0 {
				t.Errorf("%s took %v", route, took)
			}
			got = append(got, fmt.Sprint(route, " ", status))
		}
	})
	auth := []string{"Authorization", b.token(team.ScopeWrite)}
	b.mux.HandleFunc("GET /cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	b.do(http.MethodPost, "/api/v1/things/7", `{"text":"a"}`, auth...)
	b.do(http.MethodPost, "/api/v1/things/8", `{"text":"panic"}`, auth...)
	b.do(http.MethodGet, "/api/v1/things", "")
	b.do(http.MethodGet, "/made-up/by/a/caller", "")
	b.do("BREW", "/api/v1/things", "")
	func() {
		defer func() { recover() }()
		b.do(http.MethodGet, "/cut", "")
	}()
	b.do(http.MethodGet, "/api/v1/things", "")
	want := []string{"POST /api/v1/things/{id} 201", "POST /api/v1/things/{id} 500", "GET /api/v1/things 401", "none 404", "none 405", "GET /cut 0", "none 429"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSocketUpgradeFromAnotherSiteIsRefused(t *testing.T) {
	b := newBench(t, nil)
	r := httptest.NewRequest(http.MethodGet, "https://chat.example/api/v1/socket", nil)
	r.Header.Set("Origin", "https://evil.example")
	if err := b.edge.SameOriginSocket(r); !fault.Is(err, fault.AuthCrossOrigin) {
		t.Errorf("foreign origin: %v", err)
	}
	r.Header.Set("Origin", "https://chat.example")
	if err := b.edge.SameOriginSocket(r); err != nil {
		t.Errorf("our origin: %v", err)
	}
}

func TestIdempotencyKeyTellsActorRouteAndRequest(t *testing.T) {
	b := newBench(t, nil)
	post := func(path, body string, headers ...string) once.Key {
		t.Helper()
		if a := b.do(http.MethodPost, path, body, headers...); a.Code != 201 {
			t.Fatalf("%d %s", a.Code, a.Body)
		}
		return b.keys[len(b.keys)-1]
	}
	token := []string{"Authorization", b.token("write"), "Idempotency-Key", "k1"}
	first := post("/api/v1/things/1", `{"text":"a"}`, token...)
	if first.Scope != "token:2 POST /api/v1/things/1" || first.Value != "k1" || first.Request == "" {
		t.Errorf("key %+v", first)
	}
	if again := post("/api/v1/things/1", `{"text":"a"}`, token...); again != first {
		t.Errorf("the same request has another key: %+v", again)
	}
	if other := post("/api/v1/things/1", `{"text":"b"}`, token...); other.Request == first.Request {
		t.Error("another body has the same digest")
	}
	if other := post("/api/v1/things/1?wait=3", `{"text":"a"}`, token...); other.Request == first.Request {
		t.Error("another query has the same digest")
	}
	if cookie := post("/api/v1/things/1", `{"text":"a"}`, "Cookie", b.cookie(), "Idempotency-Key", "k1"); cookie.Scope != "operator:1 POST /api/v1/things/1" {
		t.Errorf("key %+v", cookie)
	}
	if none := post("/api/v1/things/1", `{"text":"a"}`, "Authorization", b.token("write")); none != (once.Key{}) {
		t.Errorf("a key out of nothing: %+v", none)
	}
}

func TestLogLineNamesRouteAndActorAndNothingPrivate(t *testing.T) {
	b := newBench(t, nil)
	b.do(http.MethodPost, "/api/v1/things/77?wait=3", `{"text":"private words"}`, "Authorization", b.token("write"))
	b.do(http.MethodPost, "/api/v1/sign-in?ann@shop.example", `{"email":"ann@shop.example"}`)
	b.do(http.MethodGet, "/secret/path/pat_abc", "")
	lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), b.log)
	}
	var l map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &l); err != nil {
		t.Fatal(err)
	}
	if l["route"] != "POST /api/v1/things/{id}" || l["status"] != 201.0 || l["token"] != 2.0 || l["request_id"] == "" || l["ms"] == nil || l["method"] != "POST" {
		t.Errorf("line %s", lines[0])
	}
	for _, private := range []string{"private", "things/77", "ann@", "pat_", "wait=3", b.session, "secret"} {
		if strings.Contains(b.log.String(), private) {
			t.Errorf("the log holds %q: %s", private, b.log)
		}
	}
}

func TestLargeJSONIsCompressedWhenTheCallerCan(t *testing.T) {
	b := newBench(t, nil)
	get := func(size string, headers ...string) answer {
		return b.do(http.MethodGet, "/api/v1/things?size="+size, "", append(headers, "Authorization", b.token("read"))...)
	}
	a := get("5000", "Accept-Encoding", "gzip, br")
	if a.Header().Get("Content-Encoding") != "gzip" || a.Body.Len() > 500 {
		t.Fatalf("encoding %q, %d bytes", a.Header().Get("Content-Encoding"), a.Body.Len())
	}
	z, err := gzip.NewReader(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || !json.Valid(plain) || len(plain) < 5000 {
		t.Errorf("%d bytes, %v", len(plain), err)
	}
	for _, c := range [][]string{{"5000"}, {"10", "Accept-Encoding", "gzip"}, {"5000", "Accept-Encoding", "gzip;q=0"}} {
		if a := get(c[0], c[1:]...); a.Header().Get("Content-Encoding") != "" || !json.Valid(a.Body.Bytes()) {
			t.Errorf("%v: encoding %q", c, a.Header().Get("Content-Encoding"))
		}
	}
}

func TestRateLimitGoesByTheRealAddress(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.RateEvery, o.RateBurst = time.Hour, 2
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // httptest's remote address is 192.0.2.1
	})
	get := func(from string) int { return b.do(http.MethodGet, "/none", "", "X-Forwarded-For", from).Code }
	for i, c := range []struct {
		from string
		want int
	}{
		{"198.51.100.1", 404}, {"9.9.9.9, 198.51.100.1", 404}, {"198.51.100.1", 429}, {"198.51.100.2", 404},
		{"2001:db8::1", 404}, {"2001:db8::2", 404}, {"2001:db8::3", 429}, {"2001:db8:1::3", 404},
	} {
		if got := get(c.from); got != c.want {
			t.Errorf("%d: %s got %d, want %d", i, c.from, got, c.want)
		}
	}
}

func TestPagesHaveTheStrictPolicy(t *testing.T) {
	b := newBench(t, nil)
	b.mux.Handle("GET /app/", Pages(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<p>") })))
	h := b.do(http.MethodGet, "/app/x", "").Header()
	if h.Get("Content-Security-Policy") != pageCSP || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") == "" {
		t.Errorf("headers %v", h)
	}
	// Sound and film come from here, pictures also from what the page itself holds; nothing that could run does.
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "img-src 'self' data: blob: https:", "media-src 'self' blob:;"} {
		if !strings.Contains(pageCSP, want) {
			t.Errorf("the policy lacks %q: %s", want, pageCSP)
		}
	}
}

func TestSessionCookieIsForBrowsersOnly(t *testing.T) {
	b := newBench(t, nil)
	c := b.edge.NewSessionCookie("tok")
	if got := c.String(); got != "parley_session=tok; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax" {
		t.Error(got)
	}
	insecure := newBench(t, func(o *Options) { o.PublicURL = &url.URL{Scheme: "http", Host: "localhost:8080"} })
	if c := insecure.edge.NewSessionCookie("tok"); c.Secure {
		t.Error("Secure without https: the browser would drop it")
	}
	if c := b.edge.EndSessionCookie(); c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("%v does not end the session", c)
	}
}

func TestDocumentShowsSecurityProblemsAndStrictBodies(t *testing.T) {
	b := newBench(t, nil)
	raw, err := json.Marshal(b.api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Servers    []struct{ URL string }
		Components struct {
			Schemas         map[string]map[string]any
			SecuritySchemes map[string]map[string]any
		}
		Paths map[string]map[string]struct {
			Description string
			Security    []map[string][]string
			Parameters  []struct{ Name, In string }
			Responses   map[string]struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	post := doc.Paths["/things/{id}"]["post"]
	if diff := cmp.Diff([]map[string][]string{{"session": {}}, {"token": {"write"}}}, post.Security); diff != "" {
		t.Errorf("security of a write: %s", diff)
	}
	if len(doc.Paths["/sign-in"]["post"].Security) != 0 {
		t.Error("a public operation asks for authentication")
	}
	if doc.Components.SecuritySchemes["token"]["scheme"] != "bearer" || doc.Components.SecuritySchemes["session"]["in"] != "cookie" {
		t.Errorf("schemes %v", doc.Components.SecuritySchemes)
	}
	for _, status := range []string{"400", "401", "403", "409", "413", "415", "422", "429", "500"} {
		if post.Responses[status].Content[problemType].Schema["$ref"] != "#/components/schemas/Problem" {
			t.Errorf("answer %s: %v", status, post.Responses[status])
		}
	}
	if !strings.Contains(post.Description, "`conversation.ended`") {
		t.Errorf("description %q does not name the codes", post.Description)
	}
	if doc.Components.Schemas["Problem"]["properties"] == nil {
		t.Errorf("no Problem schema among %v", slices.Sorted(maps.Keys(doc.Components.Schemas)))
	}
	if doc.Components.Schemas["PostInputBody"] != nil && doc.Components.Schemas["PostInputBody"]["additionalProperties"] != false {
		t.Error("bodies allow unknown fields")
	}
	if len(doc.Servers) != 1 || doc.Servers[0].URL != "/api/v1" {
		t.Errorf("servers %v", doc.Servers)
	}
	found := false
	for _, p := range post.Parameters {
		found = found || p.Name == "Idempotency-Key" && p.In == "header"
	}
	if !found {
		t.Errorf("no Idempotency-Key among %v", post.Parameters)
	}
}

func TestOperationNeedsAScopeOrPublic(t *testing.T) {
	for _, op := range []Operation{{ID: "a"}, {ID: "b", Public: true, Scope: "read"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("operation %+v was accepted", op)
				}
			}()
			op.library()
		}()
	}
}

// deadlineRecorder notes the read deadlines that a handler sets.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

func (d *deadlineRecorder) SetReadDeadline(t time.Time) error {
	d.deadlines = append(d.deadlines, t)
	return nil
}

// A caller who never finishes a body must not hold us; but a deadline that stays would cancel a handler that waits.
func TestBodyHasADeadlineThatIsLiftedBeforeTheHandlerRuns(t *testing.T) {
	b := newBench(t, nil)
	w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
	Register(b.api, Operation{ID: "wait", Method: http.MethodPost, Path: "/wait", Public: true}, func(context.Context, team.Actor, *struct {
		Body struct {
			A int `json:"a"`
		}
	}) (*struct{}, error) {
		if n := len(w.deadlines); n < 2 || w.deadlines[0].IsZero() || !w.deadlines[n-1].IsZero() {
			t.Errorf("deadlines when the handler runs: %v", w.deadlines)
		}
		return nil, nil
	})
	r := httptest.NewRequest(http.MethodPost, "/api/v1/wait", strings.NewReader(`{"a":1}`))
	r.Header.Set("Content-Type", "application/json")
	b.handler.ServeHTTP(w, r)
	if w.Code != 204 {
		t.Errorf("status %d", w.Code)
	}
}

func TestProblemOfACallerWhoLeftIsNotOurFault(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := problemOf(&call{ctx: ctx}, context.Canceled)
	if p.Status != statusClientGone {
		t.Errorf("status %d", p.Status)
	}
	if p := problemOf(&call{ctx: t.Context()}, context.Canceled); p.Status != 500 {
		t.Errorf("cancelled inside: status %d", p.Status)
	}
}

func TestEveryKindHasAStatus(t *testing.T) {
	for _, e := range fault.Catalogue() {
		if s := StatusOf(fault.New(e.Code, "")); (s == 500) != (e.Kind == fault.Internal) {
			t.Errorf("%s (%s) has status %d", e.Code, e.Kind, s)
		}
	}
}

func TestRoutesWithLimitsOfTheirOwnAreNotLimitedByAddress(t *testing.T) {
	const own = "POST /channels/{key}"
	b := newBench(t, func(o *Options) { o.RateEvery, o.RateBurst, o.OwnLimits = time.Hour, 1, []string{own} })
	b.mux.HandleFunc(own, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if got := b.do(http.MethodGet, "/nothing", "").Code; got != 404 {
		t.Fatalf("the first: %d", got)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"POST", "/channels/x", 204}, {"POST", "/channels/x", 204},
		{"GET", "/channels/x", 429}, {"POST", "/channels/x/y", 429}, {"POST", "/channels/", 429}, {"POST", "/channels/./x", 429}, {"POST", "//channels/x", 429}, {"GET", "/nothing", 429},
	} {
		if got := b.do(c.method, c.path, "").Code; got != c.want {
			t.Errorf("%s %s got %d, want %d", c.method, c.path, got, c.want)
		}
	}
}

func TestOneAddressGetsSoManyAnswersAtOnce(t *testing.T) {
	enter, leave := make(chan struct{}), make(chan struct{})
	h := AtOnce(2, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		enter <- struct{}{}
		<-leave
	}))
	ask := func(from string) int {
		w := httptest.NewRecorder()
		r := withCall(httptest.NewRequest(http.MethodGet, "/media/x", nil), &call{client: netip.MustParseAddr(from)})
		h.ServeHTTP(w, r)
		return w.Code
	}
	var all sync.WaitGroup
	for _, from := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"} {
		all.Go(func() { ask(from) })
		<-enter
	}
	if got := ask("192.0.2.1"); got != http.StatusTooManyRequests {
		t.Errorf("a third one: %d", got)
	}
	close(leave)
	all.Wait()
	all.Go(func() {
		if got := ask("192.0.2.1"); got != http.StatusOK {
			t.Errorf("later: %d", got)
		}
	})
	<-enter
	all.Wait()
}
