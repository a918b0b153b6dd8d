package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/outhttp"
)

// news is what a Desk told of.
type news struct {
	conversation id.Conversation
	message      id.Message
	what         string
	card         id.LinkCard
}

// fetching is a Desk with somebody else's server that it fetches from.
type fetching struct {
	*Desk
	url     string // of the server
	changed chan news

	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	calls map[string]int
}

// newFetching serves pages by path; the paths of missing ones are 404.
func newFetching(t *testing.T, d *db.DB, change func(*Options)) *fetching {
	t.Helper()
	h := &fetching{changed: make(chan news, 5000), pages: map[string]http.HandlerFunc{}, calls: map[string]int{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.calls[r.URL.Path]++
		page := h.pages[r.URL.Path]
		h.mu.Unlock()
		if r.Method != "GET" || r.Header.Get("Cookie")+r.Header.Get("Referer") != "" || r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("the server was asked with %s %v", r.Method, r.Header)
		}
		if page == nil {
			http.NotFound(w, r)
			return
		}
		page(w, r)
	}))
	t.Cleanup(s.Close)
	h.url = s.URL
	h.Desk = h.node(t, d, change)
	return h
}

// node is another Desk on the same database and server.
func (h *fetching) node(t *testing.T, d *db.DB, change func(*Options)) *Desk {
	t.Helper()
	store, err := OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ranges, refused := outhttp.ParseRanges([]string{"127.0.0.1"})
	if refused != nil {
		t.Fatal(refused)
	}
	client := outhttp.New(outhttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	t.Cleanup(func() { store.Close(); client.Close() })
	o := Options{DB: d, Store: store, Links: NewLinks("https://chat.example", []byte("key")), Dir: t.TempDir(), MaxUpload: 1 << 20, HTTP: client, CardRanges: ranges, Logger: slog.New(slog.DiscardHandler),
		Changed: func(ctx context.Context, tx *db.Tx, conversation id.Conversation, message id.Message, what string, card id.LinkCard) error {
			if !db.InTx(ctx) {
				t.Error("Changed is not called in the transaction")
			}
			tx.OnCommit(func() { h.changed <- news{conversation, message, what, card} })
			return nil
		}}
	if change != nil {
		change(&o)
	}
	return New(o)
}

// page sets what a path serves.
func (h *fetching) page(path, contentType string, body []byte) {
	h.serve(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write(body)
	})
}

func (h *fetching) serve(path string, fn http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pages[path] = fn
}

func (h *fetching) called(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[path]
}

// told returns what was told since the last call.
func (h *fetching) told() (out []news) {
	for {
		select {
		case n := <-h.changed:
			out = append(out, n)
		default:
			return out
		}
	}
}

func (h *fetching) update(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := h.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
		t.Fatal(err)
	}
}

// exec runs a statement of a test, such as one that lets time pass.
func (h *fetching) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	h.update(t, func(tx *db.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
}

// remote puts down a file for message n.
func (h *fetching) remote(t *testing.T, url, name string, n int) *event.Media {
	t.Helper()
	var m *event.Media
	h.update(t, func(tx *db.Tx) (err error) {
		if m, err = h.Remote(tx, Owner{OwnedByChannel, 1}, url, name); err != nil {
			return err
		}
		return h.Bind(tx, m, id.Conversation(n), id.Message(n))
	})
	return m
}

// now returns a file as it is now.
func (h *fetching) now(t *testing.T, m *event.Media) *event.Media {
	t.Helper()
	var out *event.Media
	h.update(t, func(tx *db.Tx) error {
		files, err := Files(tx, m.ID)
		out = files[m.ID]
		return err
	})
	return out
}

func (h *fetching) runOnce(t *testing.T) int {
	t.Helper()
	n, err := h.RunOnce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// bytesOf reads what the store has of a file.
func (h *fetching) bytesOf(t *testing.T, key string, size int64) []byte {
	t.Helper()
	f, err := h.Store.Open(t.Context(), key, size)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// picture is a PNG.
func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			m.Set(x, y, color.RGBA{uint8(x), uint8(y), 99, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pageOf(title, image string) []byte {
	return fmt.Appendf(nil, `<html><head><title>x</title><meta property="og:title" content="%s"><meta property="og:image" content="%s"></head>%s</html>`, title, image, strings.Repeat("<p>", 100))
}
