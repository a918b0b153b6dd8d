package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/internal/secret"
)

// world is a server with a feed, and a receiver.
type world struct {
	t      *testing.T
	newest int
	// away is until when nobody answers at the server's address.
	away time.Time
	// take decides on a call of the receiver.
	take func(seq string) (*http.Response, error)
	// taken are the ids of the accepted calls, in order.
	taken []string
	calls []Passed
	news  []string
	place Place
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, newest: 5, place: Place{Server: "http://server.example", Secret: secret.NewSigning()}}
	w.take = func(string) (*http.Response, error) { return answer(200, "ok") }
	return w
}

func (w *world) server(r *http.Request) (*http.Response, error) {
	if time.Now().Before(w.away) {
		return nil, errors.New("connection refused")
	}
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	if after > w.newest {
		return answer(422, `{"code":"cursor.invalid","detail":"the newest event is 5"}`)
	}
	var items []string
	for n := after + 1; n <= min(w.newest, after+2); n++ {
		items = append(items, fmt.Sprintf(`{"type":"message.received", "seq":%d,"data":{"text":"<&\u2028>"}}`, n))
	}
	if len(items) == 0 {
		select {
		case <-time.After(25 * time.Second):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	next := max(after, min(w.newest, after+2))
	return answer(200, fmt.Sprintf(`{"items":[%s],"next_after":%d,"seq":%d}`, strings.Join(items, ","), next, w.newest))
}

func (w *world) receiver(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	hook, err := standardwebhooks.NewWebhook(w.place.Secret.Reveal())
	if err != nil {
		w.t.Error(err)
	} else if err := hook.VerifyIgnoringTimestamp(body, r.Header); err != nil {
		w.t.Errorf("the signature does not verify: %v", err)
	}
	id := r.Header.Get("Webhook-Id")
	if digest := id[strings.LastIndex(id, "_")+1:]; len(digest) != 12 || digest != secret.Hash(string(body))[:12] {
		w.t.Errorf("webhook-id %s", id)
	}
	id = id[:strings.LastIndex(id, "_")]
	if want := fmt.Sprintf(`{"type":"message.received", "seq":%s,"data":{"text":"<&\u2028>"}}`, strings.TrimPrefix(id, "evt_")); string(body) != want {
		w.t.Errorf("body %s, want %s", body, want)
	}
	res, err := w.take(id)
	if err == nil && res.StatusCode == 200 {
		w.taken = append(w.taken, id)
	}
	return res, err
}

func (w *world) relay() *Relay {
	return &Relay{
		Client: clientOf(w.t, w.server), To: "http://localhost:3000/hook", Place: &w.place, Transport: handler(w.receiver), UserAgent: "Test/1",
		Passed: func(p Passed) { w.calls = append(w.calls, p) },
		Server: func(err error) { w.news = append(w.news, fmt.Sprint(err != nil)) },
	}
}

// run lets the relay work for a time.
func (w *world) run(d time.Duration) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), d)
	defer cancel()
	return w.relay().Run(ctx)
}

func ids(from, to int) (out []string) {
	for n := from; n <= to; n++ {
		out = append(out, fmt.Sprintf("evt_%d", n))
	}
	return out
}

func TestRelayGoesOnFromItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.place.File = file
		if err := w.run(time.Minute); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.taken, ids(1, 5)) {
			t.Fatalf("taken %q", w.taken)
		}
		next := newWorld(t)
		next.newest = 8
		place, known, err := LoadPlace(file)
		if err != nil || !known || place.After != 5 || place.Secret != w.place.Secret || place.Server != w.place.Server {
			t.Fatalf("place %+v, %v, %v", place, known, err)
		}
		next.place = place
		if err := next.run(time.Minute); err != nil || !slices.Equal(next.taken, ids(6, 8)) {
			t.Errorf("then %q, %v", next.taken, err)
		}
	})
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state file holds a secret: %v, %v", info, err)
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestRelayTriesAgainInOrderWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		w.take = func(id string) (*http.Response, error) {
			switch {
			case id == "evt_2" && time.Since(start) < 20*time.Second:
				return answer(500, "no")
			case id == "evt_4" && len(w.calls) > 0 && w.calls[len(w.calls)-1].Event.Seq == 3:
				return answer(503, "later", "Retry-After", "40")
			}
			return answer(200, "ok")
		}
		if err := w.run(2 * time.Minute); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.taken, ids(1, 5)) {
			t.Errorf("taken %q", w.taken)
		}
		var pauses []time.Duration
		for _, c := range w.calls {
			if c.Again > 0 {
				pauses = append(pauses, c.Again)
			}
		}
		if want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 40 * time.Second}; !slices.Equal(pauses, want) {
			t.Errorf("pauses %v, want %v", pauses, want)
		}
	})
}

func TestRelayOutlivesTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.away = time.Now().Add(time.Minute)
		if err := w.run(2 * time.Minute); err != nil || !slices.Equal(w.taken, ids(1, 5)) || !slices.Equal(w.news, []string{"true", "false"}) {
			t.Errorf("taken %q, news %q, %v", w.taken, w.news, err)
		}
	})
}

func TestRelayStopsWhereTryingIsUseless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.take = func(string) (*http.Response, error) { return answer(410, "") }
		if err := w.run(time.Minute); !errors.Is(err, ErrGone) || w.place.After != 0 {
			t.Errorf("after 410: %v, place %d", err, w.place.After)
		}
		w = newWorld(t)
		w.place.After = 77 // of a database that is not there any more
		if err := w.run(time.Minute); err == nil || !strings.Contains(err.Error(), "newest event") {
			t.Errorf("a place beyond the feed: %v", err)
		}
		w = newWorld(t)
		w.place.Secret = secret.Of("whsec_%%%")
		if err := w.run(time.Minute); err == nil {
			t.Error("a secret that is none was taken")
		}
	})
}

// An answer that comes shortly after the end still counts, so that the event is not repeated; one that does not come does not
// keep the program.
func TestRelayEndsWithTheCallUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		slow := time.Second
		w.take = func(string) (*http.Response, error) {
			time.Sleep(slow)
			return answer(200, "ok")
		}
		if err := w.run(1500 * time.Millisecond); err != nil || w.place.After != 2 {
			t.Errorf("%v, place %d, want 2", err, w.place.After)
		}
		r := w.relay()
		r.Transport = handler(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Run(ctx); err != nil || time.Since(start) != time.Second+grace || w.place.After != 2 {
			t.Errorf("%v after %s, place %d", err, time.Since(start), w.place.After)
		}
	})
}

func TestLoadPlaceRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	if _, known, err := LoadPlace(filepath.Join(dir, "none")); known || err != nil {
		t.Errorf("no file: %v, %v", known, err)
	}
	for _, text := range []string{"", "{}", "x", `{"server":"http://x","after":-1}`} {
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := LoadPlace(file); err == nil {
			t.Errorf("%q was taken for a state file", text)
		}
	}
	p := Place{File: filepath.Join(dir, "no", "dir")}
	if err := p.Save(); err == nil {
		t.Error("a place that cannot be stored was not reported")
	}
}
