package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
)

// card asks for the card of message n's text, as inbox does.
func (h *fetching) card(t *testing.T, text string, n int) (c *event.LinkCard, number id.LinkCard) {
	t.Helper()
	h.update(t, func(tx *db.Tx) (err error) {
		c, number, err = h.Card(tx, text, id.Conversation(n), id.Message(n))
		return err
	})
	return c, number
}

func (h *fetching) count(t *testing.T, query string) (n int) {
	t.Helper()
	h.update(t, func(tx *db.Tx) error { return tx.One(query, nil, &n) })
	return n
}

// Lets the cards become old, without a claim on any.
const sqlAge = `UPDATE link_cards SET due_at = 1 WHERE state <> 'waiting'`

// S-054: the page is read once for all its messages, after their commits, and its picture is a copy of ours.
func TestS054CardOfAPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		h.page("/tea", "text/html; charset=utf-8", pageOf("Grüner Tee", "/tea.png"))
		h.page("/tea.png", "image/png", picture(t, 1200, 630))
		for n := range 3 {
			if c, number := h.card(t, "look: "+h.url+"/tea#leaf!", n+1); c != nil || number != 0 {
				t.Errorf("something is known before the page was read: %+v", c)
			}
		}
		if h.called("/tea") != 0 {
			t.Error("the page was read before the commit")
		}
		h.runOnce(t)
		told := h.told()
		if len(told) != 3 || told[0] != (news{1, 1, event.ChangedLink, told[0].card}) || told[2] != (news{3, 3, event.ChangedLink, told[0].card}) || told[0].card == 0 {
			t.Fatalf("told %v", told)
		}
		c, number := h.card(t, h.url+"/tea", 4)
		if c == nil || number != told[0].card || c.URL != h.url+"/tea" || c.Title != "Grüner Tee" || c.Site != "127.0.0.1" || c.Image == nil {
			t.Fatalf("%+v", c)
		}
		if m := c.Image; m.State != event.MediaStored || m.Kind != event.MediaImage || m.Width != 320 || m.Height != 168 || m.ContentType != "image/jpeg" || m.Thumb {
			t.Errorf("its picture is %+v", m)
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(h.bytesOf(t, c.Image.Key, c.Image.Size)))
		if err != nil || config.Width != 320 || c.Image.ContentType != "image/"+format {
			t.Errorf("stored as %s %+v, %v", format, config, err)
		}
		h.update(t, func(tx *db.Tx) error {
			again, err := CardByID(tx, number)
			if err != nil || again == nil || again.Title != c.Title {
				t.Errorf("by its id: %+v, %v", again, err)
			}
			return nil
		})
		if n := h.runOnce(t); n != 0 || h.called("/tea") != 1 || h.called("/tea.png") != 1 || len(h.told()) != 0 || h.count(t, `SELECT COUNT(*) FROM link_waits`) != 0 {
			t.Errorf("%d further errands, %d and %d calls", n, h.called("/tea"), h.called("/tea.png"))
		}
		// What the purge takes is not the picture of a card.
		if _, err := h.PurgeOnce(t.Context()); err != nil || h.now(t, c.Image) == nil {
			t.Errorf("the picture is gone (%v)", err)
		}
	})
}

func TestS054CardOfAnImage(t *testing.T) {
	h := newFetching(t, dbtest.New(t), nil)
	h.page("/a/photo.png", "image/png", picture(t, 100, 50))
	h.card(t, h.url+"/a/photo.png", 1)
	h.runOnce(t)
	if len(h.told()) != 1 {
		t.Fatal("nobody was told")
	}
	if c, _ := h.card(t, h.url+"/a/photo.png", 2); c == nil || c.Title != "photo.png" || c.Image == nil || c.Image.Width != 100 || h.called("/a/photo.png") != 1 {
		t.Errorf("%+v", c)
	}
}

// S-054: the text stays a plain link where nothing can be known, and nobody hears of it.
func TestS054NoCard(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		port := h.url[strings.LastIndex(h.url, ":"):]
		h.page("/blank", "text/html", []byte("<html><body>nothing</body></html>"))
		h.page("/pdf", "application/pdf", []byte("%PDF-1.7"))
		h.page("/svg", "image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`))
		h.page("/bad.png", "image/png", []byte("no picture"))
		h.serve("/error", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(500)
			io.WriteString(w, "<title>Error</title>")
		})
		h.serve("/inside", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2"+port+"/secret", http.StatusFound)
		})
		h.serve("/big.png", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			w.Header().Set("Content-Length", fmt.Sprint(imageBytes+1))
		})
		texts := []string{"/blank", "/pdf", "/svg", "/bad.png", "/error", "/inside", "/big.png", "/missing"}
		for i, path := range texts {
			h.card(t, h.url+path, i+1)
		}
		h.card(t, "http://127.0.0.2"+port+"/tea and more", 20)
		if c, _ := h.card(t, "no address at all, user@example.com www.example.com", 21); c != nil {
			t.Error("a card of nothing")
		}
		if n := h.runOnce(t); n != len(texts)+1 {
			t.Errorf("%d errands", n)
		}
		if told := h.told(); len(told) != 0 {
			t.Errorf("told %v", told)
		}
		for i, path := range texts {
			if c, number := h.card(t, h.url+path, i+1); c != nil || number != 0 {
				t.Errorf("%s: %+v", path, c)
			}
		}
		if n := h.runOnce(t); n != 0 || h.count(t, `SELECT COUNT(*) FROM link_waits`) != 0 || h.count(t, `SELECT COUNT(*) FROM media`) != 0 || h.called("/secret") != 0 {
			t.Error("it was tried again at once, or something was left behind")
		}
		// After a while the page may have something to say.
		h.exec(t, sqlAge)
		h.page("/blank", "text/html", []byte("<title>News</title>"))
		h.card(t, h.url+"/blank", 30)
		h.runOnce(t)
		if told := h.told(); len(told) != 1 || told[0].message != 30 {
			t.Errorf("told %v", told)
		}
	})
}

// Messages pay a few statements for an address, nothing without one, and never wait for a page: the rest is done after the commit.
func TestCardsCostMessagesNextToNothing(t *testing.T) {
	h := newFetching(t, dbtest.New(t), nil)
	h.page("/tea", "text/html", pageOf("Tea", "/tea.png"))
	h.page("/tea.png", "image/png", picture(t, 20, 10))
	statements := 0
	cost := func(text string) int {
		statements = 0
		h.DB.Trace(func(string, []any) { statements++ })
		defer h.DB.Trace(nil)
		h.card(t, text, 1)
		return statements
	}
	if n := cost("just words, and ftp://example.com/ too"); n != 0 {
		t.Errorf("no address: %d statements", n)
	}
	if n := cost(h.url + "/tea"); n > 4 {
		t.Errorf("a new address: %d statements", n)
	}
	if n := cost(h.url + "/tea"); n > 2 {
		t.Errorf("an address that is waited for: %d statements", n)
	}
	h.runOnce(t)
	if n := cost(h.url + "/tea"); n > 3 {
		t.Errorf("a known address: %d statements", n)
	}
}

// Many cards are made a few at a time, each page once.
func TestManyCards(t *testing.T) {
	h := newFetching(t, dbtest.New(t), nil)
	const count = 200
	var mu sync.Mutex
	now, most := 0, 0
	for i := range count {
		h.serve(fmt.Sprint("/", i), func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<title>%d</title>", i)
			mu.Lock()
			now--
			mu.Unlock()
		})
	}
	h.update(t, func(tx *db.Tx) error {
		for i := range count {
			if _, _, err := h.Card(tx, fmt.Sprint(h.url, "/", i), id.Conversation(i/askedMost+1), id.Message(i+1)); err != nil {
				return err
			}
		}
		return nil
	})
	if n := h.runOnce(t); n != count || len(h.told()) != count || most > perHost {
		t.Errorf("%d pages, %d at a time", n, most)
	}
}

func TestOldCardsAreShownAndReadAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		h.page("/tea", "text/html", pageOf("One", "/1.png"))
		h.page("/1.png", "image/png", picture(t, 20, 10))
		h.page("/2.png", "image/png", picture(t, 30, 10))
		h.card(t, h.url+"/tea", 1)
		h.runOnce(t)
		first, _ := h.card(t, h.url+"/tea", 2)
		h.told()

		h.exec(t, sqlAge)
		if c, _ := h.card(t, h.url+"/tea", 3); c == nil || c.Title != "One" {
			t.Errorf("while it is read again: %+v", c)
		}
		if n := h.runOnce(t); n != 1 || h.called("/1.png") != 1 || len(h.told()) != 0 {
			t.Error("the page says the same: nobody is told, and its picture is not fetched again")
		}

		h.page("/tea", "text/html", pageOf("Two", "/2.png"))
		h.exec(t, sqlAge)
		h.card(t, h.url+"/tea", 4)
		h.runOnce(t)
		c, _ := h.card(t, h.url+"/tea", 5)
		if told := h.told(); len(told) != 1 || told[0].message != 4 || c.Title != "Two" || c.Image.Width != 30 {
			t.Errorf("it says something else: %v, %+v", told, c)
		}
		if h.now(t, first.Image) != nil {
			t.Error("the former picture is kept")
		}

		h.page("/2.png", "image/png", []byte("broken"))
		h.page("/tea", "text/html", pageOf("Two", "/3.png"))
		h.exec(t, sqlAge)
		h.card(t, h.url+"/tea", 6)
		h.runOnce(t)
		if c, _ := h.card(t, h.url+"/tea", 7); c == nil || c.Image == nil {
			t.Errorf("a picture that cannot be read took the former one away: %+v", c)
		}

		h.serve("/tea", nil)
		h.exec(t, sqlAge)
		h.card(t, h.url+"/tea", 8)
		h.runOnce(t)
		if c, _ := h.card(t, h.url+"/tea", 9); c == nil || c.Title != "Two" || len(h.told()) != 0 || h.runOnce(t) != 0 {
			t.Errorf("the page is gone: %+v", c)
		}
	})
}

// A message whose text was edited hears of what it names now.
func TestEditedMessageWaitsForItsNewAddress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		for _, p := range []string{"/a", "/b", "/c"} {
			h.page(p, "text/html", []byte("<title>"+p+"</title>"))
		}
		h.card(t, h.url+"/c", 1)
		h.runOnce(t)
		known := h.told()[0].card
		h.card(t, h.url+"/a", 2)
		h.card(t, h.url+"/b", 2)
		h.card(t, h.url+"/a", 3)
		if _, number := h.card(t, h.url+"/c", 3); number != known {
			t.Errorf("card %d, want %d", number, known)
		}
		h.runOnce(t)
		told := h.told()
		if len(told) != 1 || told[0].message != 2 {
			t.Fatalf("told %v", told)
		}
		if _, number := h.card(t, h.url+"/b", 4); number != told[0].card {
			t.Error("it was told of the first address")
		}
	})
}

// A message that was committed after its card was settled is found by the next sweep.
func TestWaitThatCameLateIsHeard(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		h.page("/a", "text/html", []byte("<title>a</title>"))
		h.card(t, h.url+"/a", 1)
		h.card(t, h.url+"/none", 2)
		h.runOnce(t)
		ready := h.told()[0].card
		h.update(t, func(tx *db.Tx) error {
			none, err := cardByURL(tx, h.url+"/none")
			if err != nil || none.state != cardNone {
				t.Errorf("%+v, %v", none, err)
			}
			if err := wait(tx, 9, 9, none.id); err != nil {
				return err
			}
			return wait(tx, 8, 8, ready)
		})
		if err := h.tell(t.Context()); err != nil {
			t.Fatal(err)
		}
		if told := h.told(); len(told) != 1 || told[0].message != 8 || h.count(t, `SELECT COUNT(*) FROM link_waits`) != 0 {
			t.Errorf("told %v", told)
		}
	})
}

// The other side may be as slow and as large as it likes: what came of the page counts.
func TestPageWithoutEndIsReadInPart(t *testing.T) {
	h := newFetching(t, dbtest.New(t), nil)
	h.serve("/endless", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<title>Endless</title>")
		for {
			if _, err := io.WriteString(w, strings.Repeat("<p>x", 4096)); err != nil {
				return
			}
		}
	})
	h.serve("/late", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for {
			if _, err := io.WriteString(w, strings.Repeat("<p>x", pageBytes/4)+"<title>Late</title>"); err != nil {
				return
			}
		}
	})
	h.card(t, h.url+"/endless", 1)
	h.card(t, h.url+"/late", 2)
	h.runOnce(t)
	if c, _ := h.card(t, h.url+"/endless", 3); c == nil || c.Title != "Endless" {
		t.Errorf("%+v", c)
	}
	if c, _ := h.card(t, h.url+"/late", 4); c != nil {
		t.Errorf("more was read than should be: %+v", c)
	}
}

func TestS054TwoNodesReadEachPageOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		other := h.node(t, d, nil)
		const pages, messages = 10, 60
		for p := range pages {
			h.page(fmt.Sprint("/", p), "text/html", fmt.Appendf(nil, "<title>%d</title>", p))
		}
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() { // messages come in while pages are read
				for i := n; i < messages; i += 4 {
					err := h.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
						_, _, err := h.Card(tx, fmt.Sprint(h.url, "/", i%pages), 1, id.Message(i+1))
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		for _, n := range []*Desk{h.Desk, other} {
			all.Go(func() {
				for range 10 {
					if _, err := n.RunOnce(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		h.runOnce(t)
		heard := map[id.Message]int{}
		for _, n := range h.told() {
			heard[n.message]++
		}
		for p := range pages {
			if n := h.called(fmt.Sprint("/", p)); n != 1 {
				t.Errorf("page %d was read %d times", p, n)
			}
		}
		// Who did not hear of it had the card at once.
		for m, n := range heard {
			if n != 1 {
				t.Errorf("message %d heard %d times", m, n)
			}
		}
		if h.count(t, `SELECT COUNT(*) FROM link_waits`) != 0 {
			t.Error("somebody still waits")
		}
	})
}

// What the owner allowed for callbacks and files is not open to everybody who can write an address into a message.
func TestCardsOfPrivatePagesNeedAnAllowanceOfTheirOwn(t *testing.T) {
	h := newFetching(t, dbtest.New(t), func(o *Options) { o.CardRanges = nil })
	h.page("/tea", "text/html", []byte("<title>Inside</title>"))
	h.card(t, h.url+"/tea", 1)
	h.remote(t, h.url+"/tea", "", 2)
	if n := h.runOnce(t); n != 2 || h.called("/tea") != 1 {
		t.Errorf("%d errands, %d calls, want one for the file", n, h.called("/tea"))
	}
	if c, _ := h.card(t, h.url+"/tea", 3); c != nil {
		t.Errorf("%+v", c)
	}
}

// The picture of a card that another node took over, or that never got its card, goes with the purge.
func TestPictureWithoutACardIsPurged(t *testing.T) {
	h := newFetching(t, dbtest.New(t), nil)
	h.page("/tea", "text/html", pageOf("Tea", "/tea.png"))
	asked, answer := make(chan bool), make(chan bool)
	body := picture(t, 20, 10)
	h.serve("/tea.png", func(w http.ResponseWriter, _ *http.Request) {
		asked <- true
		<-answer
		w.Write(body)
	})
	h.card(t, h.url+"/tea", 1)
	done := make(chan error)
	go func() {
		_, err := h.RunOnce(t.Context())
		done <- err
	}()
	<-asked
	h.exec(t, `UPDATE link_cards SET due_at = due_at + 1`) // somebody else has it now
	close(answer)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := h.count(t, `SELECT COUNT(*) FROM media WHERE state = 'removed'`); n != 1 || len(h.told()) != 0 {
		t.Errorf("%d pictures are removed", n)
	}
}
