package delivery

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/db"
	"parley/internal/id"
)

func TestASheetGivesBackWhatItWasGiven(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var list []entry
		for i := range rapid.IntRange(1, 6).Draw(rt, "entries") {
			e := entry{
				delivery: id.Delivery(rapid.Int64Range(1, 1<<40).Draw(rt, "delivery")*8 + int64(i)),
				started:  db.Time(rapid.Int64Range(0, 1<<52).Draw(rt, "started")),
				took:     time.Duration(rapid.Int64Range(0, 1<<40).Draw(rt, "took")) * time.Microsecond,
				status:   rapid.IntRange(0, 999).Draw(rt, "status"),
				url:      rapid.String().Draw(rt, "url"), sent: rapid.String().Draw(rt, "sent"), got: rapid.String().Draw(rt, "got"),
				answer: rapid.SliceOf(rapid.Byte()).Draw(rt, "answer"),
			}
			if rapid.Bool().Draw(rt, "kept") {
				e.body = rapid.SliceOf(rapid.Byte()).Draw(rt, "body")
			}
			list = append(list, e)
		}
		b := writeSheet(list)
		got, err := readSheet(b, nil)
		if err != nil {
			rt.Fatal(err)
		}
		if len(got) != len(list) {
			rt.Fatalf("%d entries of %d", len(got), len(list))
		}
		for i := range list {
			if !sameEntry(&got[i], &list[i]) {
				rt.Fatalf("%+v became %+v", list[i], got[i])
			}
			one, err := readSheet(b, func(d id.Delivery) bool { return d == list[i].delivery })
			if err != nil || len(one) != 1 || !sameEntry(&one[0], &list[i]) {
				rt.Fatalf("alone: %+v, %v", one, err)
			}
		}
		for cut := range len(b) {
			if _, err := readSheet(b[:cut], nil); err == nil && !atAnEnd(list, cut) {
				rt.Fatalf("the first %d of %d bytes are taken for a sheet", cut, len(b))
			}
		}
	})
}

func sameEntry(a, b *entry) bool {
	return a.delivery == b.delivery && a.started.Equal(b.started) && a.took == b.took && a.status == b.status && a.url == b.url && a.sent == b.sent && a.got == b.got &&
		bytes.Equal(a.answer, b.answer) && bytes.Equal(a.body, b.body) && (a.body == nil) == (b.body == nil)
}

// atAnEnd tells that so many bytes hold the first entries whole.
func atAnEnd(list []entry, cut int) bool {
	for n := range list {
		if len(writeSheet(list[:n])) == cut {
			return true
		}
	}
	return false
}

func FuzzReadSheet(f *testing.F) {
	f.Add(writeSheet([]entry{{delivery: 7, status: 200, url: "https://x.example", sent: "{}", got: "{}", body: []byte("hello")}, {delivery: 8}}))
	f.Add([]byte{})
	f.Add([]byte{sheetVersion, 1, 255, 255, 255, 255, 255, 255, 255, 255, 127})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := readSheet(b, nil)
		if err != nil {
			return
		}
		again, err := readSheet(writeSheet(list), nil)
		if err != nil || !slices.EqualFunc(list, again, func(a, b entry) bool { return sameEntry(&a, &b) }) {
			t.Errorf("%+v became %+v, %v", list, again, err)
		}
	})
}

// checkSheets fails unless every sheet counts the deliveries that refer to it, and holds exactly those.
func checkSheets(d *db.DB) error {
	return d.View(context.Background(), func(_ context.Context, tx *db.Tx) error {
		refers := map[int64][]id.Delivery{}
		rows, err := db.All(tx, "SELECT id, sheet FROM deliveries WHERE sheet <> 0 ORDER BY id", nil, scanPlaced)
		if err != nil {
			return err
		}
		for _, p := range rows {
			refers[p.sheet] = append(refers[p.sheet], p.delivery)
		}
		type sheet struct {
			id      int64
			used    int
			entries []byte
		}
		sheets, err := db.All(tx, "SELECT id, used, entries FROM delivery_sheets", nil, func(s db.Scanner) (x sheet, err error) { return x, s.Scan(&x.id, &x.used, &x.entries) })
		if err != nil {
			return err
		}
		if len(sheets) != len(refers) {
			return fmt.Errorf("%d sheets, %d are referred to", len(sheets), len(refers))
		}
		for _, s := range sheets {
			list, err := readSheet(s.entries, nil)
			if err != nil {
				return err
			}
			in := map[id.Delivery]bool{}
			for _, e := range list {
				in[e.delivery] = true
			}
			for _, one := range refers[s.id] {
				if !in[one] {
					return fmt.Errorf("delivery %d is not in sheet %d", one, s.id)
				}
			}
			if len(refers[s.id]) != s.used || s.used > len(list) || s.used == 0 {
				return fmt.Errorf("sheet %d has %d entries, says that %d are used, and %d are", s.id, len(list), s.used, len(refers[s.id]))
			}
		}
		return nil
	})
}

func (s *site) checkSheets() {
	s.t.Helper()
	if err := checkSheets(s.d); err != nil {
		s.t.Error(err)
	}
}

func (s *site) count(table string) (n int) {
	s.t.Helper()
	s.view(func(tx *db.Tx) error { return tx.One("SELECT COUNT(*) FROM "+table, nil, &n) })
	return n
}

// together has the site's first target take all that is pending, in one batch of results, without an engine.
func (s *site) together(out Outcome) {
	s.t.Helper()
	s.update(func(tx *db.Tx) error {
		c, err := claimTarget(tx, s.targets[0], "somebody", "b", "", tx.Now().Add(time.Minute))
		if err != nil {
			return err
		}
		rows, err := readBacklog(tx, s.targets[0], 0, 100)
		if err != nil {
			return err
		}
		at := &target{id: s.targets[0], fence: c.fence}
		var batch []*result
		for _, r := range rows {
			batch = append(batch, &result{t: at, r: r, job: &Job{ID: r.id, Body: fmt.Appendf(nil, "1:%d", r.event)}, fence: c.fence, verdict: Done, out: out, tried: true, number: 1,
				started: tx.Now(), now: tx.Now()})
		}
		lost, err := storeResults(tx, "somebody", batch)
		if err == nil && len(lost) > 0 {
			err = fmt.Errorf("the target is lost")
		}
		if err != nil {
			return err
		}
		return releaseAll(tx, "somebody")
	})
}

// What goes well at once is one row for many, shows the same in the log, and a replay sends the same bytes.
func TestWhatGoesWellAtOnceIsKeptInSheets(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *site) {
		said := http.Header{"X-Said": {"thanks"}}
		s.recv.set(func(_ context.Context, c call) Outcome {
			wait(time.Second)
			return Outcome{Verdict: Done, Status: 202, URL: "https://x.example/in", RequestHeader: http.Header{"A": {"b"}}, ResponseHeader: said, ResponseBody: []byte("fine")}
		})
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 2, 3, 4, 5, 6, 7, 8)
			wait(time.Minute)
			if bodies, attempts, sheets := s.count("delivery_bodies"), s.count("delivery_attempts"), s.count("delivery_sheets"); bodies+attempts != 0 || sheets == 0 {
				t.Errorf("%d bodies, %d attempts, %d sheets", bodies, attempts, sheets)
			}
			s.checkSheets()
			sent := map[string]int{}
			for _, c := range s.recv.seen() {
				sent[c.id+" "+c.body]++
			}
			for n := id.Delivery(1); n <= 16; n++ {
				d := s.detail(n)
				if len(d.AttemptLog) != 1 || d.State != Delivered || d.LastStatus != 202 || sent[d.WebhookID+" "+string(d.Body)] != 1 {
					t.Fatalf("delivery %d: %+v", n, d)
				}
				a := d.AttemptLog[0]
				if a.Number != 1 || a.Outcome != Done || a.Status != 202 || a.Duration != time.Second || a.StartedAt.IsZero() || a.RequestURL != "https://x.example/in" ||
					a.RequestHeader.Get("A") != "b" || !reflect.DeepEqual(a.ResponseHeader, said) || string(a.ResponseBody) != "fine" || a.Error != "" {
					t.Errorf("delivery %d: %+v", n, a)
				}
			}
			// The executor is not asked again what to send.
			s.recv.prepare = func(jobs []*Job) error {
				for _, j := range jobs {
					if j.Body == nil {
						t.Errorf("the body of delivery %d is made again", j.ID)
					}
				}
				return nil
			}
			s.update(func(tx *db.Tx) error {
				if _, err := Replay(tx, 3); err != nil {
					return err
				}
				_, err := ReplayAll(tx, Filter{Ref: 2})
				return err
			})
			e.Kick()
			wait(time.Minute)
			calls := s.recv.seen()
			if len(calls) != 16+1+8 {
				t.Fatalf("%d calls", len(calls))
			}
			for _, c := range calls[16:] {
				if sent[c.id+" "+c.body] != 1 {
					t.Errorf("the replay sent %+v", c)
				}
			}
			s.checkSheets()
			// And a replay of a replay, whose body is in no sheet.
			s.update(func(tx *db.Tx) error {
				_, err := Replay(tx, 17)
				return err
			})
			e.Kick()
			wait(time.Minute)
			if calls := s.recv.seen(); len(calls) != 26 || sent[calls[25].id+" "+calls[25].body] != 1 {
				t.Errorf("%d calls, the last %+v", len(calls), calls[len(calls)-1])
			}
		})
	})
}

func TestErasingLeavesTheOthersOfASheet(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.happen(1, 2, 3, 4)
		s.together(Outcome{Verdict: Done, Status: 200, RequestHeader: http.Header{"A": {"b"}}, ResponseHeader: http.Header{"X": {"secret"}}, ResponseBody: []byte("secret")})
		s.running(s.options(), func(e *Engine) {
			if s.count("delivery_sheets") != 1 {
				t.Fatalf("%d sheets: the test shows nothing", s.count("delivery_sheets"))
			}
			event := s.detail(2).Event
			for range 2 {
				s.update(func(tx *db.Tx) error { return Erase(tx, event) })
			}
			for n := id.Delivery(1); n <= 4; n++ {
				d := s.detail(n)
				if len(d.AttemptLog) != 1 {
					t.Fatalf("delivery %d: %+v", n, d)
				}
				a := d.AttemptLog[0]
				if kept := n != 2; (d.Body != nil) != kept || (string(a.ResponseBody) == "secret") != kept || (len(a.ResponseHeader) == 1) != kept || a.RequestHeader.Get("A") != "b" ||
					a.Status != 200 {
					t.Errorf("delivery %d: %q %+v", n, d.Body, a)
				}
			}
			s.checkSheets()
			s.update(func(tx *db.Tx) error { // what is replayed now is made anew
				_, err := ReplayAll(tx, Filter{})
				return err
			})
			e.Kick()
			wait(time.Minute)
			if calls := s.recv.seen(); len(calls) != 4 || s.states()[Pending] != 0 {
				t.Errorf("%d calls, %v", len(calls), s.states())
			}
		})
	})
}

// What was dropped while its attempt was under way has its attempt in the log, and no sheet waits for it for ever.
func TestWhatWasDroppedMeanwhileIsInNoSheet(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.recv.set(func(context.Context, call) Outcome {
			wait(10 * time.Second)
			return ok
		})
		s.running(s.options(), func(e *Engine) {
			s.happen(1, 2, 3)
			wait(time.Second)
			dropped := s.detail(2)
			s.update(func(tx *db.Tx) error {
				_, err := DropEvent(tx, s.targets[0], dropped.Event, "erased")
				return err
			})
			wait(time.Minute)
			d := s.detail(2)
			if d.State != Dropped || len(d.AttemptLog) != 1 || d.AttemptLog[0].Outcome != Done {
				t.Errorf("%s, %+v", d.State, d.AttemptLog)
			}
			if got := s.states(); got[Delivered] != 2 {
				t.Errorf("%v", got)
			}
			s.checkSheets()
			s.update(func(tx *db.Tx) error { return Erase(tx, dropped.Event) })
			if d := s.detail(2); d.Body != nil {
				t.Errorf("its body is %q", d.Body)
			}
		})
	})
}

// A commit that succeeded and was reported as failed is made again.
func TestASheetIsNotStoredTwice(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.happen(1, 2)
		e := s.start(s.options())
		wait(time.Second)
		list := s.recv.seen()
		if len(list) != 2 || s.count("delivery_sheets") == 0 {
			t.Fatalf("%d calls, %d sheets", len(list), s.count("delivery_sheets"))
		}
		e.mu.Lock()
		at := e.targets[s.targets[0]]
		e.mu.Unlock()
		var batch []*result
		for n := id.Delivery(1); n <= 2; n++ {
			d := s.detail(n)
			batch = append(batch, &result{t: at, r: &row{id: n}, job: &Job{ID: n, Body: d.Body}, fence: at.fence, verdict: Done, out: ok, tried: true, number: 1, now: time.Now(), started: time.Now()})
		}
		for range 2 {
			s.update(func(tx *db.Tx) error {
				lost, err := storeResults(tx, e.owner, batch)
				if len(lost) != 0 {
					t.Error("the target is lost")
				}
				return err
			})
		}
		s.stop(e)
		s.checkSheets()
		for n := id.Delivery(1); n <= 2; n++ {
			if d := s.detail(n); len(d.AttemptLog) != 1 || d.Attempts != 1 {
				t.Errorf("%d attempts, %d in the log", d.Attempts, len(d.AttemptLog))
			}
		}
		if n := s.count("delivery_bodies") + s.count("delivery_attempts"); n != 0 {
			t.Errorf("%d rows too many", n)
		}
	})
}

func TestASheetGoesWithItsLastDelivery(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *site) {
		s.happen(1, 2, 3, 4, 5, 6)
		s.together(ok)
		wait(time.Minute)
		for left := 5; left >= 0; left-- {
			n, err := Forget(t.Context(), s.d, time.Now(), 1000, 1)
			if err != nil || n != 1 {
				t.Fatalf("%d forgotten, %v", n, err)
			}
			s.checkSheets()
			if sheets := s.count("delivery_sheets"); (sheets == 1) != (left > 0) {
				t.Errorf("%d sheets with %d deliveries left", sheets, left)
			}
		}
	})
}
