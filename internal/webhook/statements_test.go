package webhook

import (
	"context"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

func TestStatementsPrepare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for _, q := range []string{sqlInsertEndpoint, sqlSaveEndpoint, sqlDeleteEndpoint, sqlEndpoints, sqlGetEndpoint, sqlVersion, sqlSetVersion, sqlStopEndpoint, sqlGetHashKey,
				sqlSetHashKey, sqlHasWidget, sqlHasGroup, sqlLockEndpoint} {
				if err := tx.Prepare(q); err != nil {
					t.Errorf("%s\n%v", q, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	f.Add("120")
	f.Add("-1")
	f.Add("99999999999999999999")
	f.Add("Mon, 02 Mar 2026 10:05:00 GMT")
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, now); d < 0 {
			t.Errorf("%q gives %v", s, d)
		}
	})
}

func TestRetryAfterReadsBothForms(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{"": 0, "0": 0, "-5": 0, "120": 2 * time.Minute, "Mon, 02 Mar 2026 10:05:00 GMT": 5 * time.Minute,
		"Mon, 02 Mar 2026 09:00:00 GMT": 0, "soon": 0} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
