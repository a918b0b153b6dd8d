package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/secret"
)

// handler answers without a network, so that time can be virtual.
type handler func(*http.Request) (*http.Response, error)

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return h(r)
}

func answer(status int, body string, header ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func clientOf(t *testing.T, h handler) *Client {
	t.Helper()
	c, err := New(Options{URL: "http://server.example/", Token: secret.Of("pat_x"), UserAgent: "Test/1", Transport: h})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ url, token, want string }{
		"no scheme":        {"server.example", "x", "is not a URL"},
		"a path":           {"http://server.example/api/v1", "x", "without a path"},
		"other scheme":     {"ftp://server.example", "x", "is not a URL"},
		"no token":         {"http://server.example", "", "PARLEY_TOKEN"},
		"a line in it":     {"http://server.example", "x\ny", "token"},
		"password in it":   {"http://a:b@server.example", "x", "is not a URL"},
		"nothing but http": {"http://", "x", "is not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(Options{URL: c.url, Token: secret.Of(c.token)}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New = %v, want something about %s", err, c.want)
			}
		})
	}
}

func TestProblemsAreShownInWords(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header []string
		body   string
		want   string
	}{
		"one fault":     {422, nil, `{"detail":"there is no event type \"x\"","code":"field.invalid","field":"types","request_id":"r1"}`, `list the endpoints: there is no event type "x" (field.invalid, types)`},
		"several":       {422, nil, `{"title":"T","detail":"2 faults","code":"request.invalid","errors":[{"field":"a","code":"x","detail":"bad"},{"field":"b","code":"x","detail":"worse"}]}`, `list the endpoints: a: bad; b: worse (request.invalid)`},
		"our fault":     {500, nil, `{"title":"Something went wrong","code":"internal","request_id":"r1"}`, `list the endpoints: Something went wrong (internal, request r1)`},
		"not Parley":    {404, nil, "<html>\nnginx", `list the endpoints: http://server.example answered 404 and not as Parley does: "<html>"`},
		"not JSON":      {200, nil, "<html>", `answered 200 and not as Parley does`},
		"moved":         {301, []string{"Location", "https://other.example/api/v1/endpoints"}, "", `https://other.example`},
		"other's JSON":  {400, nil, `{"error":"x"}`, `not as Parley does`},
		"escape codes":  {404, nil, "\x1b[2J", `"\x1b[2J"`},
		"empty refusal": {401, nil, ``, `answered 401`},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			cl := clientOf(t, func(r *http.Request) (*http.Response, error) {
				calls++
				return answer(c.status, c.body, c.header...)
			})
			_, err := cl.Endpoints(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || Transient(err) || calls != 1 {
				t.Errorf("%d calls, error %v, want %s at once", calls, err, c.want)
			}
		})
	}
}

func TestCallsAreRepeatedWhereThatHelps(t *testing.T) {
	reset := func() (*http.Response, error) { return nil, errors.New("connection reset") }
	busy := func() (*http.Response, error) {
		return answer(503, `{"detail":"too many","code":"database.busy"}`, "Retry-After", "20")
	}
	for name, c := range map[string]struct {
		fail  func() (*http.Response, error)
		times int
		calls int
		least time.Duration
		want  string
	}{
		"reset once":      {reset, 1, 2, 0, ""},
		"told to wait":    {busy, 2, 3, 40 * time.Second, ""},
		"a proxy's 502":   {func() (*http.Response, error) { return answer(502, "bad gateway") }, 1, 2, 0, ""},
		"away for longer": {reset, 100, tries, time.Second, "no answer from http://server.example: connection reset"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var keys []string
				calls := 0
				cl := clientOf(t, func(r *http.Request) (*http.Response, error) {
					calls++
					keys = append(keys, r.Header.Get("Idempotency-Key"))
					if calls <= c.times {
						return c.fail()
					}
					return answer(200, `{"items":[],"delivery_id":7}`)
				})
				for method, call := range map[string]func() error{
					"GET":  func() error { _, err := cl.Endpoints(t.Context()); return err },
					"POST": func() error { _, err := cl.Test(t.Context(), 1, "x"); return err },
				} {
					calls, keys = 0, nil
					start := time.Now()
					err := call()
					if calls != c.calls || time.Since(start) < c.least || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
						t.Errorf("%s: %d calls in %s, error %v", method, calls, time.Since(start), err)
					}
					for _, k := range keys {
						if k != keys[0] || (k == "") != (method == "GET") {
							t.Errorf("%s: idempotency keys %q", method, keys)
						}
					}
				}
			})
		})
	}
}

func TestAHangingServerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cl := clientOf(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		_, err := cl.Endpoints(t.Context())
		if err == nil || !Transient(err) || time.Since(start) > tries*callTimeout+time.Minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := cl.Endpoints(ctx); err == nil || time.Since(start) != time.Second {
			t.Errorf("the end of the context was not heeded: %v after %s", err, time.Since(start))
		}
	})
}

func TestRequestsAreWhatTheDocumentSays(t *testing.T) {
	var got string
	var body []byte
	cl := clientOf(t, func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "Bearer pat_x" || r.UserAgent() != "Test/1" {
			t.Errorf("headers %v", r.Header)
		}
		got, body = r.Method+" "+r.URL.RequestURI(), nil
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
		}
		return answer(200, `{"items":[{"id":3,"state":"dead","x":1}],"count":4,"delivery_id":5,"delivery":{"id":6},"next_cursor":"c"}`)
	})
	from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("x", 3600))
	for want, call := range map[string]func() string{
		"GET /api/v1/events?after=7&limit=50&types=a%2Cb&wait=25  ": func() string {
			_, err := cl.Events(t.Context(), 7, []string{"a", "b"}, 50, 25*time.Second)
			return fmt.Sprint(err)
		},
		"GET /api/v1/deliveries?conversation_id=9&cursor=q&endpoint_id=1&event_name=x.y&from=2026-01-02T02%3A04%3A05Z&limit=20&state=dead  ": func() string {
			p, err := cl.Deliveries(t.Context(), Filter{Endpoint: 1, State: "dead", Event: "x.y", Conversation: 9, From: from}, "q", 20)
			if err == nil && (p.Items[0].ID != 3 || string(p.Items[0].Raw) != `{"id":3,"state":"dead","x":1}` || *p.NextCursor != "c") {
				t.Errorf("page %+v", p)
			}
			return fmt.Sprint(err)
		},
		`POST /api/v1/deliveries/replay {"endpoint_id":1,"state":"dead","from":"2026-01-02T02:04:05Z","dry_run":true} `: func() string {
			n, err := cl.ReplayAll(t.Context(), Filter{Endpoint: 1, State: "dead", From: from}, true)
			if n != 4 {
				t.Errorf("count %d", n)
			}
			return fmt.Sprint(err)
		},
		`POST /api/v1/endpoints/2/test {"event":"x.y"} `: func() string {
			n, err := cl.Test(t.Context(), 2, "x.y")
			if n != 5 {
				t.Errorf("delivery %d", n)
			}
			return fmt.Sprint(err)
		},
		`POST /api/v1/deliveries/3/replay  `: func() string {
			d, err := cl.Replay(t.Context(), 3)
			if err == nil && d.ID != 6 {
				t.Errorf("delivery %d", d.ID)
			}
			return fmt.Sprint(err)
		},
	} {
		if err := call(); err != "<nil>" {
			t.Error(err)
		}
		if all := got + " " + string(body) + " "; all != want {
			t.Errorf("sent %q, want %q", all, want)
		}
	}
}
