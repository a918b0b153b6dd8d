package delivery

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

// BenchmarkStoreResults is what the database's one writer does for a delivery that goes well: results of 64 together, with bodies of 3 KB,
// over 400 conversations.
//
//	go test ./internal/delivery -run '^$' -bench StoreResults -benchtime 20000x
func BenchmarkStoreResults(b *testing.B) {
	s := newSite(b, dbtest.New(b), 1)
	lanes := make([]int, 400)
	for i := range lanes {
		lanes[i] = i + 1
	}
	for n := 0; n < b.N; n += len(lanes) {
		s.happen(lanes...)
	}
	var c claim
	var rows []*row
	s.update(func(tx *db.Tx) (err error) {
		if c, err = claimTarget(tx, s.targets[0], "somebody", "b", "", tx.Now().Add(time.Hour)); err != nil {
			return err
		}
		rows, err = readBacklog(tx, s.targets[0], 0, b.N)
		return err
	})
	at := &target{id: s.targets[0], fence: c.fence}
	out := Outcome{Verdict: Done, Status: 200, URL: "https://receiver.example/hook", RequestHeader: http.Header{"Content-Type": {"application/json"},
		"User-Agent": {"Parley/1"}, "Webhook-Id": {"evt_0123456789ab_4711_endpoint1"}, "Webhook-Timestamp": {"1760000000"}, "Webhook-Signature": {"v1,…"}},
		ResponseHeader: http.Header{"Date": {"Sun, 22 Nov 2026 12:00:00 GMT"}, "Content-Length": {"2"}}, ResponseBody: []byte("ok")}
	body := bytes.Repeat([]byte("lorem ipsum "), 250)
	b.ResetTimer()
	for len(rows) > 0 {
		n := min(64, len(rows))
		batch := make([]*result, n)
		for i, r := range rows[:n] {
			batch[i] = &result{t: at, r: r, job: &Job{ID: r.id, Body: append(fmt.Append(nil, r.id), body...)}, fence: c.fence, verdict: Done, out: out, tried: true, number: 1,
				started: time.Now(), now: time.Now()}
		}
		rows = rows[n:]
		s.update(func(tx *db.Tx) error {
			_, err := storeResults(tx, "somebody", batch)
			return err
		})
	}
}
