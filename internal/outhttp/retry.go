package outhttp

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter reads the header's two forms, seconds and an HTTP date; 0 when there is none that makes sense.
func RetryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if n, err := strconv.Atoi(value); err == nil {
		if n <= 0 || n > 1<<30 {
			return 0
		}
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(value); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
