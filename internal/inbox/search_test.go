package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		" \t\n!?":                          "",
		"Hello, World":                     "hello world",
		"don't re-send v2.0":               "don t re send v2 0",
		"ann@shop.example":                 "ann shop example",
		"Crème Brûlée":                     "creme brulee",
		"Creme\u0301":                      "creme",
		"STRASSE straße":                   "strasse strasse",
		"ﬁne ① Ⅳ ２０２６":                     "fine 1 iv 2026",
		"İstanbul":                         "istanbul",
		"Ελλάς ΕΛΛΑΣ":                      "ελλασ ελλασ",
		"今天天气":                             "今 天 天 气",
		"iPhone手机":                         "iphone 手 机",
		"مَرْحَبًا مـرحـبا":                "مرحبا مرحبا",
		"أهلا إسلام":                       "اهلا اسلام",
		"Йод":                              "иод",
		"soft\u00adhyphen zero\u200bwidth": "softhyphen zerowidth",
		"👍🏽 ok":                            "ok",
		"a\x00b":                           "a b",
		"bad\xffbyte":                      "bad byte",
		"'; DROP TABLE x":                  "drop table x",
		strings.Repeat("x", 70):            strings.Repeat("x", maxWord),
	} {
		if got := strings.Join(words(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSearchText(t *testing.T) {
	show := func(q query) string {
		var out []string
		for _, t := range q.terms {
			s := strings.Join(t.words, " ")
			if t.prefix {
				s += "*"
			}
			out = append(out, s)
		}
		return strings.Join(out, "|")
	}
	for text, want := range map[string]string{
		"refund":               "refund*",
		"refund order":         "refund|order*",
		"refund  order ":       "refund|order*",
		`"my order" refund`:    "my order|refund*",
		`refund "my order"`:    "refund|my order",
		`refund "my ord`:       "refund|my ord*",
		`“my order”`:           "my order",
		`""`:                   "",
		`"`:                    "",
		`a`:                    "a",
		`order.`:               "order",
		`ann@shop.ex`:          "ann shop ex*",
		`天气`:                   "天 气",
		`iphone手`:              "iphone 手",
		`NOT OR AND NEAR(a b)`: "not|or|and|near a|b",
		`words:x ^y -z *`:      "words x|y|z|",
		`a & b | !c <-> d:*`:   "a||b||c||d",
	} {
		q, err := parseQuery(text)
		if got := show(q); err != nil || got != want {
			t.Errorf("%q: %q, want %q, %v", text, got, want, err)
		}
	}
	if _, err := parseQuery(strings.Repeat("ä", MaxSearch)); err != nil {
		t.Error(err)
	}
	if _, err := parseQuery(strings.Repeat("ä", MaxSearch+1)); !fault.Is(err, fault.TextTooLong) {
		t.Error(err)
	}
}

// index brings the search index up to date. On PostgreSQL it waits for the transactions of everybody who uses the server, other tests too.
func (h *house) index(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		got, err := h.desk.IndexOnce(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Left {
			return
		}
	}
	t.Fatal("the index does not come to an end")
}

// search returns what a search finds, in ascending order, by both ways of looking for it.
func (h *house) search(t *testing.T, text string) []id.Conversation {
	t.Helper()
	got := h.found(t, text)
	read, _, err := h.desk.IDs(t.Context(), Filter{Text: text, bounds: &bounds{messages: -1, contacts: -1, walk: 3}})
	slices.Sort(read)
	if err != nil || !slices.Equal(got, read) {
		t.Errorf("search %q: the index finds %v, reading finds %v, %v", text, got, read, err)
	}
	return got
}

// found returns what the index finds, in ascending order.
func (h *house) found(t *testing.T, text string) []id.Conversation {
	t.Helper()
	ids, more, err := h.desk.IDs(t.Context(), Filter{Text: text})
	if err != nil || more {
		t.Fatalf("search %q: more %v, %v", text, more, err)
	}
	slices.Sort(ids)
	return ids
}

func TestSearch(t *testing.T) {
	each(t, "words, beginnings and phrases are found in what people wrote, whatever their case and accents", func(t *testing.T, h *house) {
		texts := []string{
			"My order 1001 is late", "Where is my refund for order 1002?", "Das Café in der Hauptstraße", "今天天气很好，谢谢", "مَرْحَبًا، أين طلبي؟",
			`It said "OR 1=1; DROP TABLE messages" & (x:*)`, "späte Lieferung", "nothing of interest", "a 100% b_c",
		}
		at := map[string]id.Conversation{}
		for _, text := range texts {
			at[text] = h.send(t, h.post(text)).Conversation.ID
		}
		if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: at[texts[7]], Body: "Regular: prefers Übergröße", Note: true}); err != nil {
			t.Fatal(err)
		}
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, at[texts[0]]))
		h.index(t)
		for q, want := range map[string][]int{
			"order": {0, 1}, "ORD": {0, 1}, "order late": {0}, "late order": {0}, "order refund": {1}, `"my order"`: {0}, `"order my"`: nil, `"my ord`: {0},
			"cafe": {2}, "CAFÉ": {2}, "hauptstrasse": {2}, "haupt": {2}, "strasse": nil, "spate": {6}, "SPÄTE lief": {6},
			"天气": {3}, "今天": {3}, "天很": nil, "谢谢": {3}, "مرحبا": {4}, "طلبي": {4}, "اين": {4}, "مر": {4},
			"ubergrosse": {7}, "regular prefers": {7}, "drop table": {5}, `x:*`: {5}, "or 1": {5}, "OR": {0, 1, 5}, "100%": {8}, "b_c": {8}, "%": nil, "_": nil,
			`"`: {0, 1, 2, 3, 4, 5, 6, 7, 8}, `'`: nil, "order NOT late": nil, "order*": {0, 1}, "ended": nil, "😀": nil,
		} {
			var ids []id.Conversation
			for _, i := range want {
				ids = append(ids, at[texts[i]])
			}
			if got := h.search(t, q); !slices.Equal(got, ids) {
				t.Errorf("%q finds %v, want %v", q, got, ids)
			}
		}
	})
	each(t, "a contact's name and address are found, too", func(t *testing.T, h *house) {
		one, two := h.visitor(t), h.visitor(t)
		for c, is := range map[id.Contact]contact.Change{
			one.Contact.ID: {Name: new("Zoé Vandermeer"), Email: new("zoe.v@shop.example")}, two.Contact.ID: {Name: new("100% Bob_by!"), Email: new("bob@shop.example")},
		} {
			if _, err := h.contacts.Update(t.Context(), h.ann, once.Key{}, c, is); err != nil {
				t.Fatal(err)
			}
		}
		h.index(t)
		for q, want := range map[string][]id.Conversation{
			"vander": {one.Conversation.ID}, "zoe vander": {one.Conversation.ID}, "vandermeer ZOÉ": {one.Conversation.ID}, "ZOE.V@": {one.Conversation.ID},
			"shop.exam": {one.Conversation.ID, two.Conversation.ID}, "vandermeer v@shop.example": {one.Conversation.ID}, "100% bo": {two.Conversation.ID}, "bob_": {two.Conversation.ID},
			"meer": nil, "%": nil, "zoe hello": nil,
		} {
			if got := h.search(t, q); !slices.Equal(got, want) {
				t.Errorf("%q finds %v, want %v", q, got, want)
			}
		}
		if _, err := h.contacts.Update(t.Context(), h.ann, once.Key{}, one.Contact.ID, contact.Change{Name: new("Maria"), Email: new("")}); err != nil {
			t.Fatal(err)
		}
		h.index(t)
		for q, n := range map[string]int{"vandermeer": 0, "zoe": 0, "maria": 1} {
			if got := h.search(t, q); len(got) != n {
				t.Errorf("after the change, %q finds %v", q, got)
			}
		}
	})
	each(t, "a message that is deleted is not found any more", func(t *testing.T, h *house) {
		v := h.visitor(t)
		w := h.send(t, ContactPost{WidgetKey: h.widget.Key, Contact: v.Contact.ID, ClientID: "0e8f1f1c-1d1b-4b3e-8000-100000000001", Body: "a secret word"})
		h.index(t)
		if got := h.search(t, "secret"); len(got) != 1 {
			t.Fatalf("found %v", got)
		}
		undo := errors.New("undo")
		err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			if n, err := tx.Exec("DELETE FROM messages WHERE id = $1", int64(w.Message.ID)); err != nil || n != 1 {
				t.Errorf("deleted %d, %v", n, err)
			}
			q, err := parseQuery("secret")
			if err != nil {
				return err
			}
			if n, err := countFound(tx, q, 10); err != nil || n != 0 {
				t.Errorf("found %d afterwards, %v", n, err)
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Error(err)
		}
	})
	each(t, "too long a search is refused", func(t *testing.T, h *house) {
		long := strings.Repeat("x", MaxSearch+1)
		if _, err := h.desk.List(t.Context(), Filter{Text: long, Limit: 1}, h.ann.Operator); !fault.Is(err, fault.TextTooLong) {
			t.Error(err)
		}
		if _, _, err := h.desk.IDs(t.Context(), Filter{Text: long}); !fault.Is(err, fault.TextTooLong) {
			t.Error(err)
		}
		if err := h.desk.Walk(t.Context(), Filter{Text: long}, func([]*View) error { return nil }); !fault.Is(err, fault.TextTooLong) {
			t.Error(err)
		}
		h.visitor(t)
		h.index(t)
		if got := h.search(t, strings.Repeat("x ", MaxSearch/2)); len(got) != 0 {
			t.Error(got)
		}
		if got := h.search(t, strings.Repeat(`"`, MaxSearch)); len(got) != 1 {
			t.Error(got)
		}
	})
}

func TestSearchIndex(t *testing.T) {
	each(t, "several that index at once do everything once, and begin with what was there before", func(t *testing.T, h *house) {
		v := h.visitor(t)
		for i := range 40 {
			h.write(t, v.Contact.ID, fmt.Sprint("number n", i))
		}
		done := make(chan error)
		for range 3 {
			go func() {
				for {
					got, err := h.desk.IndexOnce(t.Context(), 4)
					if err != nil || !got.Left {
						done <- err
						return
					}
				}
			}()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		h.index(t)
		err := h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			q, err := parseQuery("nu")
			if err != nil {
				return err
			}
			n, err := countFound(tx, q, 100)
			if n != 40 {
				t.Errorf("%d messages are indexed, want 40", n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	each(t, "the indexer follows the messages and ends when it is told to", func(t *testing.T, h *house) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- h.desk.RunSearch(ctx, slog.New(slog.DiscardHandler)) }()
		for i := range 3 {
			h.send(t, h.post(fmt.Sprint("question", i)))
			// On PostgreSQL nobody numbers events here, so nothing wakes the indexer; and it waits for what else runs on the server.
			for wait := time.Duration(0); wait < settleTime+2*indexLook && len(h.found(t, fmt.Sprint("question", i))) == 0; wait += time.Second {
				time.Sleep(time.Second)
			}
			if got := h.search(t, fmt.Sprint("question", i)); len(got) != 1 {
				t.Errorf("question %d: found %v", i, got)
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// On PostgreSQL a message can become visible after one with a greater id.
func TestSearchIndexMissesNoLateMessage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if d.Engine() == db.SQLite {
			return // one writer: ids and commits have one order
		}
		h := newHouse(t, d)
		v, w := h.visitor(t), h.visitor(t)
		h.index(t)
		inside, commit, late := make(chan bool), make(chan bool), make(chan error)
		go func() {
			late <- d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				s, err := load(tx, v.Conversation.ID)
				if err != nil {
					return err
				}
				if err := put(tx, s, entry(entryReopened, h.ann.Party())); err != nil {
					return err
				}
				if _, err := tx.Exec("UPDATE messages SET type = 'message', body = 'latecomer' WHERE conversation_id = $1 AND number = $2", int64(s.ID), s.MessageCount); err != nil {
					return err
				}
				close(inside)
				<-commit
				return save(tx, s)
			})
		}()
		<-inside
		h.write(t, w.Contact.ID, "quick")
		for range 5 {
			got, err := h.desk.IndexOnce(t.Context(), 100)
			if err != nil || !got.Left {
				t.Errorf("the indexer does not wait: %+v, %v", got, err)
			}
		}
		close(commit)
		if err := <-late; err != nil {
			t.Fatal(err)
		}
		h.index(t)
		for _, q := range []string{"latecomer", "quick"} {
			if got := h.search(t, q); len(got) != 1 {
				t.Errorf("%q: found %v", q, got)
			}
		}
	})
}

// Whatever is searched for, both engines take it and find what reading the messages finds.
func TestSearchFindsWhatIsThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		alphabet := rapid.SampledFrom([]string{"ab", "abc", "b", "Ä", "a", "天", "气", "ß", "1", "1.5", "'", "\"", "x'y", "AND", "*", ":", "(", "-", "\\", "م", "a\u0301", "&", "!", "%", "_", ".", "0x1F", "1e5"})
		text := rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(alphabet, 1, 6).Draw(t, "parts"), rapid.SampledFrom([]string{" ", ""}).Draw(t, "between"))
		})
		for i := range 60 {
			if body := text.Example(i); CheckBody(body) == nil {
				h.send(t, h.post(body))
			}
		}
		h.index(t)
		rapid.Check(t, func(r *rapid.T) {
			q := text.Draw(r, "search")
			if rapid.IntRange(0, 2).Draw(r, "foreign") == 0 {
				q = string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(r, "bytes")) + q
			}
			h.search(t, q)
		})
	})
}

func FuzzSearchText(f *testing.F) {
	for _, s := range []string{"", "a b", `"a b`, `"a" OR b*`, "天气", "a\x00b", "\xff", "NEAR(a, 2)", "col:a ^b", "'a' <-> 'b':*", "%_!", "“x”"} {
		f.Add(s)
	}
	d := dbtest.New(f)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseQuery(text)
		if err != nil {
			if utf8.RuneCountInString(text) <= MaxSearch {
				t.Fatal(err)
			}
			return
		}
		for _, term := range q.terms {
			for _, w := range term.words {
				if again := words(w); len(again) != 1 || again[0] != w {
					t.Fatalf("the word %q is read again as %q", w, again)
				}
				if strings.ContainsAny(w, `'"\ :&|!()<>*-^+`) {
					t.Fatalf("the word %q has a sign", w)
				}
			}
		}
		if !q.searchable() {
			return
		}
		err = d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := countFound(tx, q, 10)
			return err
		})
		if err != nil {
			t.Fatalf("%q as %q: %v", text, q.matchSQLite(), err)
		}
	})
}
