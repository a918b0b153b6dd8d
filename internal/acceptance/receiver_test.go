package acceptance

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// received is one call as it came in.
type received struct {
	method, path string
	header       http.Header
	raw          []byte
	body         object
}

// name is what the document calls it: chat_session_start. A call that does not say so goes by its path.
func (r received) name() string {
	if r.body.text("_type") == "" {
		return r.path
	}
	return r.body.text("_type") + "_" + r.body.text("_event")
}

// receiver is somebody else's server. It writes down what comes and answers 200, or what answer says.
type receiver struct {
	*server
	http *httptest.Server

	mu     sync.Mutex
	calls  []received
	news   chan struct{} // closed and made anew with every call
	answer func(w http.ResponseWriter, call int)
}

func (s *server) receiver() *receiver {
	r := &receiver{server: s, news: make(chan struct{})}
	r.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		raw, err := io.ReadAll(q.Body)
		if err != nil {
			return // the test sees that a call is missing
		}
		one := received{method: q.Method, path: q.URL.RequestURI(), header: q.Header, raw: raw}
		if json.Unmarshal(raw, &one.body) != nil {
			one.body = nil
		}
		r.mu.Lock()
		r.calls = append(r.calls, one)
		n, answer := len(r.calls), r.answer
		close(r.news)
		r.news = make(chan struct{})
		r.mu.Unlock()
		if answer != nil {
			answer(w, n)
		}
	}))
	s.Cleanup(r.http.Close)
	return r
}

// answers sets what the receiver answers from now on; the function gets the number of the call, from 1.
func (r *receiver) answers(fn func(w http.ResponseWriter, call int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = fn
}

// first waits for n calls and returns all that came.
func (r *receiver) first(n int) []received {
	r.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		r.mu.Lock()
		calls, news := slices.Clone(r.calls), r.news
		r.mu.Unlock()
		if len(calls) >= n {
			return calls
		}
		select {
		case <-news:
		case <-late.C:
			r.Fatalf("the receiver got %d calls, want %d: %q", len(calls), n, names(calls))
		}
	}
}

func names(calls []received) []string {
	out := []string{}
	for _, c := range calls {
		out = append(out, c.name())
	}
	return out
}

// endpoint is an API add-on that calls a receiver.
type endpoint struct {
	*receiver
	id int
}

// addon sets up the API add-on with a receiver of its own; none of the events means all of them.
func (s *server) addon(events ...string) *endpoint {
	s.Helper()
	return s.addonWith(object{"events": events})
}

// addonWith is addon with settings.
func (s *server) addonWith(settings object) *endpoint {
	s.Helper()
	r := s.receiver()
	in := object{"name": "API", "url": r.http.URL + "/callback", "dialect": "userlike", "events": []string{}}
	for k, v := range settings {
		if list, ok := v.([]string); ok && list == nil {
			v = []string{}
		}
		in[k] = v
	}
	made := s.admin().must("POST", "/api/v1/endpoints", in)
	return &endpoint{r, made.number("endpoint", "id")}
}

// log are the names of everything that the endpoint was or will be told, oldest first. A call is in it from the commit of its event on,
// so what is not in it does not come.
func (e *endpoint) log() []string {
	e.Helper()
	page := e.admin().must("GET", path("/api/v1/deliveries?endpoint_id=%d&limit=100", e.id), nil)
	out := []string{}
	for _, d := range page.list("items") {
		out = append(out, strings.ReplaceAll(object(d.(map[string]any)).text("event_name"), ".", "_"))
	}
	slices.Reverse(out)
	return out
}

// told waits until the receiver got exactly these calls, in any order, and says what else there is. It returns them in the order in
// which they came.
func (e *endpoint) told(want ...string) []received {
	e.Helper()
	slices.Sort(want)
	got := e.log()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		e.Fatalf("the endpoint is told of\n%q, want\n%q", got, want)
	}
	calls := e.first(len(want))
	got = names(calls)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		e.Fatalf("the receiver got\n%q, want\n%q", got, want)
	}
	return calls
}

// soon waits for n calls, which something makes that the test cannot wait for, and then is told.
func (e *endpoint) soon(want ...string) []received {
	e.Helper()
	e.first(len(want))
	return e.told(want...)
}

// the returns the one call of a name.
func the(e *endpoint, calls []received, name string) object {
	e.Helper()
	var found []received
	for _, c := range calls {
		if c.name() == name {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		e.Fatalf("%d calls are %s, want one: %q", len(found), name, names(calls))
	}
	return found[0].body
}
