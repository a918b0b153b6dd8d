package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/media/thumb"
	"parley/internal/outhttp"
	"parley/internal/secret"
)

// noise is a PNG that no compression makes smaller.
func noise(t *testing.T, side int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	r := rand.NewChaCha8([32]byte{1})
	if _, err := r.Read(m.Pix); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A card's picture is kept as long as its message, and anybody can have one made.
func TestPicturesOfCardsAreSmall(t *testing.T) {
	h := newFetching(t, dbtest.New(t), func(o *Options) { o.MaxUpload = 10 << 20 })
	body := noise(t, 640)
	h.page("/noise.png", "image/png", body)
	h.card(t, h.url+"/noise.png", 1)
	h.runOnce(t)
	c, _ := h.card(t, h.url+"/noise.png", 2)
	if c == nil || c.Image == nil || c.Image.Size > cardPictureBytes || c.Image.ContentType != "image/jpeg" || c.Image.Width != cardSide {
		t.Fatalf("of %d bytes: %+v", len(body), c.Image)
	}
	if b := h.bytesOf(t, c.Image.Key, c.Image.Size); int64(len(b)) != c.Image.Size {
		t.Errorf("%d bytes are stored, want %d", len(b), c.Image.Size)
	}
}

func TestPictureOfACardIsOnWhiteAndBelievesNothing(t *testing.T) {
	loud := image.NewGray(image.Rect(0, 0, cardSide, cardSide))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range loud.Pix {
		loud.Pix[i] = uint8(r.IntN(2) * 255)
	}
	var much bytes.Buffer
	if err := png.Encode(&much, loud); err != nil {
		t.Fatal(err)
	}
	if out, _, err := smaller(much.Bytes()); err != nil || len(out) > cardPictureBytes {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 100, 40))
	clear.Set(50, 20, color.NRGBA{0, 0, 0, 1})
	var b bytes.Buffer
	if err := png.Encode(&b, clear); err != nil {
		t.Fatal(err)
	}
	out, size, err := smaller(b.Bytes())
	if err != nil || size != image.Pt(100, 40) {
		t.Fatalf("%v, %v", size, err)
	}
	m, err := jpeg.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, bl, _ := m.At(5, 5).RGBA(); min(r, g, bl) < 0xf000 {
		t.Errorf("what was transparent is %x %x %x", r, g, bl)
	}
	for _, made := range [][]byte{nil, []byte("GIF89a"), []byte("\x89PNG\r\n\x1a\n"), picture(t, thumb.Side+1, 1)} {
		if _, _, err := smaller(made); err == nil {
			t.Errorf("%.8q was taken", made)
		}
	}
}

// messages puts messages with cards down as the inbox does, in a conversation of their own.
func (h *fetching) messages(t *testing.T, cards ...id.LinkCard) (out []id.Message) {
	t.Helper()
	h.update(t, func(tx *db.Tx) error {
		insert := func(query string, args ...any) int64 {
			got, err := db.Insert[id.Message](tx, query+" RETURNING id", args...)
			if err != nil {
				t.Fatal(err)
			}
			return int64(got)
		}
		widget := insert(`INSERT INTO widgets (key, name, lang, domains, color, position, title, subtitle, greeting, theme, session_timeout_seconds, identity_required,
  identity_secret, active, created_at, updated_at) VALUES ($1, 'W', 'en', '[]', '', '', '', '', '', '', 0, FALSE, '', TRUE, 0, 0)`, secret.UUID())
		contact := insert(`INSERT INTO contacts (uuid, name, email, phone, external_id, custom, created_at, updated_at) VALUES ($1, '', '', '', '', '{}', 0, 0)`, secret.UUID())
		conversation := insert(`INSERT INTO conversations (uuid, contact_id, widget_id, channel_type, status, topic, message_count, last_message, operator_read,
  contact_delivered, contact_read, unread, created_at, updated_at, ended_at, rating) VALUES ($1, $2, $3, 'website', 'new', '', 0, '', 0, 0, 0, 0, 0, 0, 0, 0)`, secret.UUID(), contact, widget)
		session := insert(`INSERT INTO sessions (conversation_id, number, first_number, started_at, ended_at, end_reason, expires_at, visit) VALUES ($1, 1, 1, 0, 0, '', 0, '')`, conversation)
		for i, c := range cards {
			out = append(out, id.Message(insert(`INSERT INTO messages (conversation_id, number, session_id, type, note, sender_type, sender_name, body, event, client_id, sent_at, link_id)
VALUES ($1, $2, $3, 'message', FALSE, 'contact', '', 'x', '', '', 0, $4)`, conversation, i+1, session, int64(c))))
		}
		return nil
	})
	return out
}

// Cards and their pictures go when no message shows them any more.
func TestCardsThatNobodyNeedsAreRemoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		h.page("/x.png", "image/png", picture(t, 20, 10))
		cards := make([]id.LinkCard, 4)
		for i := range cards {
			h.page(fmt.Sprint("/", i), "text/html", pageOf(fmt.Sprint(i), "/x.png"))
			h.card(t, fmt.Sprint(h.url, "/", i), i+1)
			h.runOnce(t)
			_, cards[i] = h.card(t, fmt.Sprint(h.url, "/", i), i+1)
		}
		h.card(t, h.url+"/none", 9)
		h.runOnce(t)
		shown := h.messages(t, cards[0], cards[1])
		forget := func() (left int) {
			t.Helper()
			if err := h.forgetCards(t.Context()); err != nil {
				t.Fatal(err)
			}
			return h.count(t, `SELECT COUNT(*) FROM link_cards`)
		}
		if n := forget(); n != 5 {
			t.Errorf("%d cards are left while all are current", n)
		}
		h.exec(t, sqlAge)
		h.exec(t, `INSERT INTO link_waits (message_id, conversation_id, card_id) VALUES (99, 99, $1)`, int64(cards[2]))
		if n := forget(); n != 3 {
			t.Errorf("%d cards are left, want two that are shown and one that is waited for", n)
		}
		h.exec(t, `UPDATE messages SET link_id = NULL WHERE id = $1`, int64(shown[1])) // as a deleted message
		h.exec(t, `DELETE FROM link_waits`)
		if n := forget(); n != 1 {
			t.Errorf("%d cards are left, want the one that is shown", n)
		}
		if n := h.count(t, `SELECT COUNT(*) FROM media WHERE state = 'removed'`); n != 3 {
			t.Errorf("%d pictures go, want 3", n)
		}
		h.exec(t, `UPDATE media SET due_at = 1 WHERE state = 'removed'`)
		if _, err := h.PurgeOnce(t.Context()); err != nil || h.count(t, `SELECT COUNT(*) FROM media`) != 1 {
			t.Errorf("pictures are left (%v)", err)
		}
	})
}

// More than a batch of them goes, too.
func TestManyCardsThatNobodyNeedsAreRemoved(t *testing.T) {
	h := newFetching(t, dbtest.New(t), nil)
	h.update(t, func(tx *db.Tx) error {
		for i := range 2*cardBatch + 10 {
			if ok, err := addCard(tx, fmt.Sprint("https://example.com/", i), id.Conversation(i+1)); !ok || err != nil {
				return fmt.Errorf("card %d: %w", i, err)
			}
		}
		return nil
	})
	h.exec(t, `UPDATE link_cards SET state = 'none', due_at = 1`)
	if err := h.forgetCards(t.Context()); err != nil || h.count(t, `SELECT COUNT(*) FROM link_cards`) != 0 {
		t.Errorf("some are left (%v)", err)
	}
}

func TestConversationGetsOnlySoManyCards(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		ask := func(conversation id.Conversation, n int) {
			h.update(t, func(tx *db.Tx) error {
				_, _, err := h.Card(tx, fmt.Sprint("https://example.com/", n), conversation, id.Message(n))
				return err
			})
		}
		for n := range askedMost + 5 {
			ask(1, n+1)
		}
		ask(2, 100)
		if cards, waits := h.count(t, `SELECT COUNT(*) FROM link_cards`), h.count(t, `SELECT COUNT(*) FROM link_waits`); cards != askedMost+1 || waits != cards {
			t.Errorf("%d cards and %d messages that wait", cards, waits)
		}
		// What is known is shown all the same, and not asked for again.
		h.exec(t, `UPDATE link_cards SET state = 'ready', title = 'x', due_at = 1`)
		h.exec(t, `DELETE FROM link_waits`)
		h.update(t, func(tx *db.Tx) error {
			c, _, err := h.Card(tx, "https://example.com/1", 1, 200)
			if err == nil && c == nil {
				t.Error("a card that is known is not shown")
			}
			return err
		})
		if n := h.count(t, `SELECT COUNT(*) FROM link_cards WHERE state = 'waiting'`); n != 0 {
			t.Error("it is read again")
		}
		h.exec(t, `UPDATE link_cards SET asked_at = asked_at - $1`, askedIn.Microseconds())
		ask(1, 1)
		ask(1, 300)
		if n := h.count(t, `SELECT COUNT(*) FROM link_cards WHERE state = 'waiting'`); n != 2 {
			t.Errorf("%d wait after a while, want 2", n)
		}
	})
}

// A host that answers slowly has two places, whatever the port, and its pages stand in nobody's way.
func TestSlowHostStarvesNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		all := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
		h := newFetching(t, d, func(o *Options) {
			o.HTTP = outhttp.New(outhttp.Options{AllowPrivate: all})
			o.CardRanges, _ = outhttp.ParseRanges([]string{"127.0.0.0/8", "::1/128"})
		})
		var mu sync.Mutex
		now, most := 0, 0
		gate, began := make(chan bool), make(chan bool, 20*lookPage)
		var slow []string
		for range 5 {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				began <- true
				<-gate
				mu.Lock()
				now--
				mu.Unlock()
			}))
			t.Cleanup(s.Close)
			slow = append(slow, s.URL)
		}
		h.page("/tea", "text/html", []byte("<title>Tea</title>"))
		h.update(t, func(tx *db.Tx) error {
			for i := range 10 * lookPage {
				if _, err := addCard(tx, fmt.Sprintf("%s/%d", slow[i%len(slow)], i), id.Conversation(i)); err != nil {
					return err
				}
			}
			return nil
		})
		h.exec(t, `UPDATE link_cards SET due_at = due_at - 1000000`)
		h.card(t, strings.Replace(h.url, "127.0.0.1", "localhost", 1)+"/tea", 1)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		if n := <-h.changed; n.message != 1 {
			t.Errorf("%+v", n)
		}
		for range perHost {
			<-began
		}
		stop()
		close(gate)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		mu.Lock()
		if most != perHost {
			t.Errorf("%d calls at a time to one host on many ports", most)
		}
		mu.Unlock()
		for range perHost {
			h.work.cards.enter("127.0.0.1")
		}
		looks := 0
		d.Trace(func(string, []any) { looks++ })
		chosen, err := h.choose(t.Context(), h.work.cards)
		d.Trace(nil)
		if err != nil || looks != 1 || len(chosen) != 0 {
			t.Errorf("%d looks for what has a place, %v, %v", looks, chosen, err)
		}
	})
}

func TestLateCardsAreGivenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		h.page("/new", "text/html", []byte("<title>New</title>"))
		h.page("/old", "text/html", []byte("<title>Old</title>"))
		h.card(t, h.url+"/old", 1)
		h.runOnce(t)
		h.exec(t, sqlAge)
		h.card(t, h.url+"/old", 2)
		h.card(t, h.url+"/new", 3)
		h.told()
		h.exec(t, `UPDATE link_cards SET due_at = due_at - $1`, (lateAfter - time.Minute).Microseconds())
		if err := h.giveUpLate(t.Context()); err != nil || h.count(t, `SELECT COUNT(*) FROM link_waits`) != 2 {
			t.Errorf("they are not late yet (%v)", err)
		}
		h.exec(t, `UPDATE link_cards SET due_at = due_at - $1`, time.Minute.Microseconds())
		if n := h.runOnce(t); n != 0 || h.called("/new") != 0 || h.called("/old") != 1 || len(h.told()) != 0 || h.count(t, `SELECT COUNT(*) FROM link_waits`) != 0 {
			t.Errorf("%d pages are read", n)
		}
		if c, _ := h.card(t, h.url+"/old", 4); c == nil || c.Title != "Old" {
			t.Errorf("what was known is %+v", c)
		}
		if n := h.count(t, `SELECT COUNT(*) FROM link_cards WHERE state = 'none'`); n != 1 {
			t.Errorf("%d cards of nothing", n)
		}
	})
}

// What brings its fetcher down is not fetched at each start of the server again.
func TestPanicGivesAnErrandUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, func(o *Options) {
			o.Thumbnail = func(context.Context, *os.File) (*thumb.Picture, error) { panic("a decoder's bug") }
		})
		h.page("/a.png", "image/png", picture(t, 20, 10))
		m := h.remote(t, h.url+"/a.png", "", 1)
		h.card(t, h.url+"/a.png", 2)
		if n := h.runOnce(t); n != 2 {
			t.Errorf("%d errands", n)
		}
		if got := h.now(t, m); got.State != event.MediaFailed || got.Error != "this server could not take it" {
			t.Errorf("%+v", got)
		}
		if told := h.told(); len(told) != 1 || told[0] != (news{1, 1, event.ChangedMedia, 0}) {
			t.Errorf("told %v", told)
		}
		if n := h.runOnce(t); n != 0 || h.called("/a.png") != 2 || h.count(t, `SELECT COUNT(*) FROM link_cards WHERE state = 'none'`) != 1 || h.count(t, `SELECT COUNT(*) FROM link_waits`) != 0 {
			t.Errorf("%d errands again, %d calls", n, h.called("/a.png"))
		}
		if h.work.files.busy+h.work.cards.busy != 0 {
			t.Error("a place is lost")
		}
	})
}

// A result that its message cannot take is not fetched for ever.
func TestResultThatIsNeverStoredIsGivenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, func(o *Options) {
			o.Changed = func(context.Context, *db.Tx, id.Conversation, id.Message, string, id.LinkCard) error { panic("a bug") }
		})
		h.page("/a", "text/plain", []byte("x"))
		m := h.remote(t, h.url+"/a", "", 1)
		for range triesMost + 3 {
			h.runOnce(t)
			h.exec(t, `UPDATE media SET due_at = 1 WHERE state = 'fetching'`) // the lease is over
		}
		if got := h.now(t, m); got.State != event.MediaFailed || h.called("/a") != triesMost {
			t.Errorf("%+v after %d calls", got, h.called("/a"))
		}
		// By hand it gets as many tries again.
		h.update(t, func(tx *db.Tx) error {
			_, err := h.Refetch(tx, m.ID)
			return err
		})
		if n := h.runOnce(t); n != 1 || h.called("/a") != triesMost+1 {
			t.Errorf("by hand: %d errands, %d calls", n, h.called("/a"))
		}
	})
}

// What was cut off by the end of a process is no try.
func TestWhatIsGivenBackWasNotTried(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		h.page("/a", "text/html", []byte("<title>A</title>"))
		m := h.remote(t, h.url+"/a", "", 1)
		h.card(t, h.url+"/a", 2)
		for range triesMost + 1 {
			ctx, stop := context.WithCancel(t.Context())
			asked := make(chan bool)
			h.serve("/a", func(_ http.ResponseWriter, r *http.Request) {
				asked <- true
				<-r.Context().Done()
			})
			ended := make(chan error, 1)
			go func() { ended <- h.Run(ctx) }()
			<-asked
			<-asked
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		}
		h.page("/a", "text/html", []byte("<title>A</title>"))
		if n := h.runOnce(t); n != 2 || h.now(t, m).State != event.MediaStored || len(h.told()) != 2 {
			t.Errorf("%d errands", n)
		}
	})
}

// A message that cannot be told of its card does not stand before the others, and not for ever.
func TestMessageThatCannotBeToldIsLetGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		asked := 0
		h := newFetching(t, d, nil)
		next := h.Changed
		h.Changed = func(ctx context.Context, tx *db.Tx, c id.Conversation, m id.Message, what string, card id.LinkCard) error {
			switch m {
			case 1:
				asked++
				return errors.New("no")
			case 2:
				asked++
				panic("no")
			}
			return next(ctx, tx, c, m, what, card)
		}
		h.page("/a", "text/html", []byte("<title>A</title>"))
		for n := range 3 {
			h.card(t, h.url+"/a", n+1)
		}
		_, err := h.RunOnce(t.Context()) // tells of the card, and then of all that wait
		if err == nil {
			t.Error("nobody says that messages were not told")
		}
		if told := h.told(); len(told) != 1 || told[0].message != 3 {
			t.Errorf("told %v", told)
		}
		for range triesMost {
			h.RunOnce(t.Context())
		}
		if h.count(t, `SELECT COUNT(*) FROM link_waits`) != 0 || asked != 2*triesMost && d.Engine() == db.SQLite {
			t.Errorf("they were told %d times", asked)
		}
	})
}

// The worker locks in the order in which those do who delete a message or fetch its file again: the conversation first.
func TestWorkerLocksTheConversationFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		h.page("/a", "text/html", []byte("<title>A</title>"))
		h.remote(t, h.url+"/a", "", 1)
		h.remote(t, h.url+"/missing", "", 2)
		h.card(t, h.url+"/a", 3)
		var mu sync.Mutex
		var done []string
		d.Trace(func(query string, _ []any) {
			mu.Lock()
			defer mu.Unlock()
			if slices.Contains([]string{sqlLockOfFile, sqlLockOfWait, sqlFetched, sqlNotFetched, sqlTold}, query) {
				done = append(done, query)
			}
		})
		h.runOnce(t)
		d.Trace(nil)
		locked := 0
		for _, query := range done {
			switch query {
			case sqlLockOfFile, sqlLockOfWait:
				locked++
			default:
				if locked--; locked < 0 {
					t.Errorf("%s comes before its conversation's lock", query)
				}
			}
		}
		if len(done) != 6 || len(h.told()) != 3 {
			t.Errorf("%d statements: %q", len(done), done)
		}
	})
}

// Looking costs one statement that an index serves, and what names no address lets nobody look.
func TestLookingIsCheap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newFetching(t, d, nil)
		woken := func() bool { return len(h.work.kick) != 0 || h.work.files.asked.Load() || h.work.cards.asked.Load() }
		h.card(t, "just words", 1)
		if woken() {
			t.Error("a message without an address wakes the worker")
		}
		h.page("/a", "text/html", []byte("<title>A</title>"))
		h.card(t, h.url+"/a", 2)
		if !h.work.cards.asked.Load() || h.work.files.asked.Load() {
			t.Error("an address makes the worker look for something else")
		}
		h.runOnce(t)
		<-h.work.kick
		h.work.cards.asked.Store(false)
		h.card(t, h.url+"/a", 3)
		if woken() {
			t.Error("a card that is known wakes the worker")
		}
		statements := 0
		d.Trace(func(string, []any) { statements++ })
		for _, q := range []*errands{h.work.files, h.work.cards} {
			if n, err := h.begin(t.Context(), q, func(fn func()) { fn() }); n != 0 || err != nil {
				t.Errorf("%d errands, %v", n, err)
			}
		}
		d.Trace(nil)
		if statements != 2 {
			t.Errorf("%d statements to find nothing", statements)
		}
		h.update(t, func(tx *db.Tx) error {
			for i := range 2000 {
				m := &event.Media{Key: fmt.Sprintf("key-%020d", i), Kind: event.MediaFile, Name: "x", ContentType: "text/plain", Size: 5}
				if err := insertMedia(tx, m, event.MediaStored, 0, ann, "", time.Time{}); err != nil {
					return err
				}
				if _, err := addCard(tx, fmt.Sprint("https://example.com/", i), id.Conversation(i+10)); err != nil {
					return err
				}
			}
			_, err := tx.Exec(`UPDATE link_cards SET state = 'ready'`)
			return err
		})
		h.exec(t, "ANALYZE")
		due := crowd{}
		h.update(t, func(tx *db.Tx) error {
			for _, c := range []struct {
				query, index string
				args         []any
			}{
				{sqlDueFiles, "media_fetching", due.args(tx, errand{}, lookPage)}, {sqlDueCards, "link_cards_waiting", due.args(tx, errand{}, lookPage)},
				{sqlLateCards, "link_cards_waiting", []any{int64(1), 1}}, {sqlAskAgain, "link_cards_asked", []any{int64(1), "x", int64(1), int64(1), int64(1), 20}},
			} {
				if plan := explained(t, tx, c.query, c.args); !strings.Contains(plan, c.index) {
					t.Errorf("%s is served by\n%s", c.query, plan)
				}
			}
			// An empty table is read as it is by PostgreSQL.
			if plan := explained(t, tx, sqlUnneeded, []any{int64(0), int64(1), 1}); d.Engine() == db.SQLite && !strings.Contains(plan, "messages_link") {
				t.Errorf("unneeded cards are found by\n%s", plan)
			}
			return nil
		})
	})
}

func explained(t *testing.T, tx *db.Tx, query string, args []any) string {
	t.Helper()
	explain := "EXPLAIN QUERY PLAN "
	if tx.Engine() == db.Postgres {
		explain = "EXPLAIN "
	}
	plan, err := db.All(tx, explain+query, args, func(r db.Scanner) (line string, err error) {
		if tx.Engine() == db.Postgres {
			err = r.Scan(&line)
		} else {
			var n int64
			err = r.Scan(&n, &n, &n, &line)
		}
		return line, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}
