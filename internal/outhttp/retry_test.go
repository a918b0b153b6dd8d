package outhttp

import (
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	f.Add("120")
	f.Add("-1")
	f.Add("99999999999999999999")
	f.Add("Mon, 02 Mar 2026 10:05:00 GMT")
	f.Fuzz(func(t *testing.T, s string) {
		if d := RetryAfter(s, now); d < 0 {
			t.Errorf("%q gives %v", s, d)
		}
	})
}

func TestRetryAfterReadsBothForms(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{"": 0, "0": 0, "-5": 0, "120": 2 * time.Minute, "Mon, 02 Mar 2026 10:05:00 GMT": 5 * time.Minute,
		"Mon, 02 Mar 2026 09:00:00 GMT": 0, "soon": 0} {
		if got := RetryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
