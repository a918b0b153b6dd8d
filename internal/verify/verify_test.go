package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/internal/secret"
	"parley/internal/webhook/dialect"
)

// receiver is a good one, unless it is told otherwise.
type receiver struct {
	t      *testing.T
	hook   *standardwebhooks.Webhook
	status int // of an accepted call
	// careless receivers check no signature, forgetful ones refuse a repeat, hasty ones read one piece of the body.
	careless, forgetful, hasty bool
	// before is called with each call.
	before func(n int)

	mu    sync.Mutex
	calls int
	seen  map[string]bool
	tore  time.Duration // from the first to the last byte of the slowest body
}

func newReceiver(t *testing.T, s secret.String) *receiver {
	hook, err := standardwebhooks.NewWebhook(s.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return &receiver{t: t, hook: hook, status: 200, seen: map[string]bool{}, before: func(int) {}}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.calls++
	n := r.calls
	r.mu.Unlock()
	r.before(n)
	first := make([]byte, 1)
	if _, err := io.ReadFull(q.Body, first); err != nil {
		r.t.Errorf("empty body: %v", err)
	}
	start := time.Now()
	rest := make([]byte, 1<<20)
	size, err := io.ReadFull(q.Body, rest)
	if r.hasty {
		size /= 2
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		r.t.Error(err)
	}
	body := append(first, rest[:size]...)
	took := time.Since(start)
	if !r.careless {
		if err := r.hook.Verify(body, q.Header); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tore = max(r.tore, took)
	id := q.Header.Get("webhook-id")
	if r.seen[id] && r.forgetful {
		http.Error(w, "duplicate key", http.StatusInternalServerError)
		return
	}
	r.seen[id] = true
	w.WriteHeader(r.status)
}

func options(t *testing.T, name string) Options {
	t.Helper()
	d, ok := Find(name)
	if !ok {
		t.Fatalf("no dialect %s", name)
	}
	return Options{Dialect: d, Secret: secret.NewSigning(), Signatures: Signed(d), Pace: 10 * time.Millisecond, UserAgent: "Test/1"}
}

// try runs all checks against a real server and returns the results that are not ok.
func try(t *testing.T, o Options, h http.Handler) (Summary, []Result, error) {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	o.URL = s.URL
	var bad []Result
	sum, err := Run(t.Context(), o, func(r Result) {
		if r.Verdict != OK {
			bad = append(bad, r)
		}
	})
	return sum, bad, err
}

func names(list []Result) (out []string) {
	for _, r := range list {
		out = append(out, string(r.Verdict)+" "+r.Check)
	}
	return out
}

func TestAGoodReceiverPasses(t *testing.T) {
	for _, d := range Dialects() {
		t.Run(d.Info().Name, func(t *testing.T) {
			o := options(t, d.Info().Name)
			o.Signatures = true
			r := newReceiver(t, o.Secret)
			sum, bad, err := try(t, o, r)
			if err != nil || len(bad) > 0 || sum.OK < 15 || sum.OK != sum.OK+sum.Warnings+sum.Wrong+sum.Skipped {
				t.Errorf("%+v, %q, %v", sum, names(bad), err)
			}
			if r.tore < o.Pace {
				t.Errorf("no body came in pieces: the longest took %s", r.tore)
			}
			samples, err := Samples(d, "")
			if err != nil {
				t.Fatal(err)
			}
			// The samples, one of them as a repeat, in pieces, with two signatures, and two at once.
			if want := len(samples) + 5; len(r.seen) != want {
				t.Errorf("it took %d different calls, want %d", len(r.seen), want)
			}
		})
	}
}

func TestEveryFaultIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		dialect string
		set     func(*receiver, *Options)
		want    []string // at least these
		only    bool     // and nothing else
		says    string
	}{
		"answers 500": {"standard", func(r *receiver, _ *Options) { r.status = 500 },
			[]string{"wrong event conversation.created", "skipped duplicate", "wrong slow body", "wrong two at once"}, false, "it answered 500"},
		"checks nothing": {"standard", func(r *receiver, _ *Options) { r.careless = true },
			[]string{"wrong wrong signature", "wrong no signature", "wrong changed body", "wrong old timestamp"}, true, "anybody who knows the address"},
		"refuses repeats": {"standard", func(r *receiver, _ *Options) { r.forgetful = true },
			[]string{"wrong duplicate"}, true, "it answered 500: duplicate key"},
		"reads one piece": {"standard", func(r *receiver, _ *Options) { r.hasty = true },
			[]string{"wrong slow body"}, false, ""},
		"other success": {"userlike", func(r *receiver, _ *Options) { r.status = 204 },
			[]string{"wrong slow body", "skipped wrong signature", "skipped old timestamp"}, false, "other successes do not count"},
		"wants no more": {"standard", func(r *receiver, _ *Options) { r.status = 410 },
			[]string{"wrong slow body"}, false, "410 means that it wants no more calls"},
		"another secret": {"standard", func(r *receiver, o *Options) { o.Secret = secret.NewSigning() },
			[]string{"wrong slow body"}, false, "--secret"},
		"checks nothing, and need not": {"userlike", func(r *receiver, _ *Options) { r.careless = true },
			[]string{"skipped wrong signature", "skipped no signature", "skipped changed body", "skipped old timestamp"}, true, "asks no receiver to check signatures"},
		"slow": {"standard", func(r *receiver, o *Options) {
			o.Warn, o.Fault = 10*time.Millisecond, 20*time.Millisecond
			r.before = func(n int) {
				if n == 3 {
					<-time.After(30 * time.Millisecond)
				}
			}
		}, []string{"wrong answer times"}, true, "answer within 10ms"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, c.dialect)
			r := newReceiver(t, o.Secret)
			if c.dialect == "userlike" {
				r.careless = true
			}
			c.set(r, &o)
			_, bad, err := try(t, o, r)
			if err != nil {
				t.Fatal(err)
			}
			got, text := names(bad), fmt.Sprintf("%+v", bad)
			for _, w := range c.want {
				// The samples have names of their own; any of them will do.
				if !slices.ContainsFunc(got, func(g string) bool {
					return g == w || strings.Contains(w, " event ") && strings.HasPrefix(g, "wrong event ")
				}) {
					t.Errorf("%q was not found, but %q", w, got)
				}
			}
			if c.only && len(got) != len(c.want) || !strings.Contains(text, c.says) {
				t.Errorf("found %s\nwant %q and the words %q", text, c.want, c.says)
			}
			for _, b := range bad {
				if b.Did == "" || b.Should == "" && b.Verdict != Skipped {
					t.Errorf("%s: it did %q and should %q", b.Check, b.Did, b.Should)
				}
			}
		})
	}
}

// direct calls a handler without a network, so that time can be virtual.
type direct struct{ http.Handler }

func (d direct) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	q.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	done := make(chan bool, 1)
	go func() {
		d.ServeHTTP(w, q)
		done <- true
	}()
	select {
	case <-done:
		return w.Result(), nil
	case <-q.Context().Done():
		return nil, q.Context().Err()
	}
}

func TestSlowAnswersAreMeasured(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		want  Verdict
	}{
		{900 * time.Millisecond, OK},
		{2 * time.Second, Warning},
		{6 * time.Second, Wrong},
	} {
		t.Run(c.takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := options(t, "standard")
				r := newReceiver(t, o.Secret)
				r.before = func(n int) {
					if n == 5 {
						time.Sleep(c.takes)
					}
				}
				o.URL, o.Transport, o.Pace = "http://receiver.example", direct{r}, 0
				var last Result
				if _, err := Run(t.Context(), o, func(r Result) { last = r }); err != nil {
					t.Fatal(err)
				}
				if last.Check != "answer times" || last.Verdict != c.want || last.Took != c.takes {
					t.Errorf("%+v, want %s", last, c.want)
				}
			})
		})
	}
}

func TestThePausesOfASlowBodyAreNotTheReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(t, "standard")
		o.URL, o.Transport, o.Pace = "http://receiver.example", direct{newReceiver(t, o.Secret)}, 20*time.Second
		o.Timeout = time.Second
		sum, err := Run(t.Context(), o, func(r Result) {
			if r.Verdict != OK || r.Took > time.Second {
				t.Errorf("%+v", r)
			}
		})
		if err != nil || sum.Wrong > 0 {
			t.Errorf("%+v, %v", sum, err)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	// A port that was just given back: nobody listens.
	s := httptest.NewServer(nil)
	s.Close()
	o := options(t, "standard")
	o.URL = s.URL
	sum, err := Run(t.Context(), o, func(Result) {})
	if !errors.Is(err, ErrSilent) || sum.Wrong != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, o.Secret)
		r.before = func(int) { time.Sleep(time.Hour) }
		o := o
		o.URL, o.Transport = "http://receiver.example", direct{r}
		var last Result
		sum, err := Run(t.Context(), o, func(r Result) { last = r })
		if !errors.Is(err, ErrSilent) || sum.Wrong != 2 || last.Did != "it did not answer within 15s" {
			t.Errorf("%+v, %v, %+v", sum, err, last)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Run(ctx, o, func(Result) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the end of the context: %v", err)
		}
		// Its goroutines wake up in the bubble's time.
		time.Sleep(2 * time.Hour)
	})
}

func TestOptionsThatCannotBe(t *testing.T) {
	good := options(t, "standard")
	good.URL = "http://receiver.example"
	for name, set := range map[string]func(*Options){
		"address": func(o *Options) { o.URL = "localhost:3000" },
		"secret":  func(o *Options) { o.Secret = secret.Of("whsec_%%") },
		"version": func(o *Options) { o.Version = "1066" },
		"switch":  func(o *Options) { o.Switches = []string{"traits_text"} },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			set(&o)
			if sum, err := Run(t.Context(), o, func(Result) {}); err == nil || sum != (Summary{}) {
				t.Errorf("%+v, %v", sum, err)
			}
		})
	}
}

// S-176: a receiver that reads the traits as a text is tried out with the switch for it.
func TestSamplesWithSwitches(t *testing.T) {
	d, ok := Find("chatlio")
	if !ok {
		t.Fatal("no dialect chatlio")
	}
	for _, switches := range [][]string{nil, {"traits_text"}} {
		list, err := Samples(d, "", switches...)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, s := range list {
			if s.Name == "transcript" && bytes.Contains(s.Body, []byte(`"visitorTraits":"{`)) {
				found++
			}
		}
		if (found > 0) != (switches != nil) {
			t.Errorf("%q: %d transcripts have their traits as a text", switches, found)
		}
	}
}

// The samples are those of the dialect, of every version and every event that has one.
func TestSamplesOfEveryVersion(t *testing.T) {
	for _, d := range Dialects() {
		info := d.Info()
		for _, v := range append([]string{""}, info.Versions...) {
			list, err := Samples(d, v)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list {
				if !slices.ContainsFunc(info.Events, func(e dialect.Event) bool { return e.Name == s.Name }) || len(s.Body) == 0 {
					t.Errorf("%s %s: %+v", info.Name, v, s)
				}
			}
		}
	}
}
