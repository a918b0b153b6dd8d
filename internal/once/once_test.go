package once_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/fault"
	"parley/internal/once"
)

const (
	sqlPut   = `INSERT INTO settings (name, value) VALUES ($1, 'v')`
	sqlCount = `SELECT COUNT(*) FROM settings`
	sqlKeys  = `SELECT COUNT(*) FROM idempotency_keys`
)

type answer struct {
	ID   int64
	Text string
}

// put writes one row under the key, which fails after the row when boom is set.
func put(ctx context.Context, d *db.DB, key once.Key, row string, boom error) (a answer, repeated bool, err error) {
	err = d.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		a, repeated, err = once.Do(tx, key, func() (answer, error) {
			if _, err := tx.Exec(sqlPut, row); err != nil {
				return answer{}, err
			}
			return answer{1 << 60, row}, boom
		})
		return err
	})
	return a, repeated, err
}

func count(t *testing.T, d *db.DB, query string) (n int) {
	t.Helper()
	err := d.View(context.Background(), func(_ context.Context, tx *db.Tx) error { return tx.One(query, nil, &n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDo(t *testing.T) {
	key := once.Key{Scope: "operator:1 POST /x", Value: "k1", Request: once.Digest([]byte("body"))}
	t.Run("a repeat gets the first answer and writes nothing", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			first, repeated, err := put(t.Context(), d, key, "a", nil)
			if err != nil || repeated {
				t.Fatal(repeated, err)
			}
			again, repeated, err := put(t.Context(), d, key, "b", nil)
			if err != nil || !repeated || again != first {
				t.Errorf("again: %+v, %v, %v", again, repeated, err)
			}
			if n := count(t, d, sqlCount); n != 1 {
				t.Errorf("%d rows", n)
			}
		})
	})
	t.Run("without a key everything is written", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			for _, row := range []string{"a", "b"} {
				if _, repeated, err := put(t.Context(), d, once.Key{Scope: "s"}, row, nil); err != nil || repeated {
					t.Error(repeated, err)
				}
			}
			if count(t, d, sqlCount) != 2 || count(t, d, sqlKeys) != 0 {
				t.Error("rows or keys are wrong")
			}
		})
	})
	t.Run("the same key for another request is refused", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			if _, _, err := put(t.Context(), d, key, "a", nil); err != nil {
				t.Fatal(err)
			}
			other := key
			other.Request = once.Digest([]byte("other"))
			if _, _, err := put(t.Context(), d, other, "b", nil); !fault.Is(err, fault.KeyReused) || fault.As(err).Field != "Idempotency-Key" {
				t.Error(err)
			}
			if count(t, d, sqlCount) != 1 {
				t.Error("it was written")
			}
		})
	})
	t.Run("the same key in another scope is another key", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			other := key
			other.Scope = "operator:2 POST /x"
			for i, k := range []once.Key{key, other} {
				if _, repeated, err := put(t.Context(), d, k, fmt.Sprint(i), nil); err != nil || repeated {
					t.Error(repeated, err)
				}
			}
		})
	})
	t.Run("a write that fails leaves neither row nor key", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			boom := errors.New("boom")
			if _, _, err := put(t.Context(), d, key, "a", boom); !errors.Is(err, boom) {
				t.Fatal(err)
			}
			if count(t, d, sqlCount) != 0 || count(t, d, sqlKeys) != 0 {
				t.Error("something is left")
			}
			if _, repeated, err := put(t.Context(), d, key, "a", nil); err != nil || repeated {
				t.Errorf("the next try: %v, %v", repeated, err)
			}
		})
	})
	t.Run("many uses of one key at the same time write once, and all get that answer", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			var fresh atomic.Int32
			var all sync.WaitGroup
			for range 16 {
				all.Go(func() {
					a, repeated, err := put(t.Context(), d, key, "a", nil)
					if err != nil || a != (answer{1 << 60, "a"}) {
						t.Errorf("%+v, %v", a, err)
					}
					if !repeated {
						fresh.Add(1)
					}
				})
			}
			all.Wait()
			if fresh.Load() != 1 || count(t, d, sqlCount) != 1 {
				t.Errorf("%d were fresh, %d rows", fresh.Load(), count(t, d, sqlCount))
			}
		})
	})
	t.Run("a key is free again when the one who claimed it fails while others wait", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			boom := errors.New("boom")
			var wrote atomic.Int32
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					var fail error
					if i%2 == 0 {
						fail = boom
					}
					_, repeated, err := put(t.Context(), d, key, "a", fail)
					if err != nil && !errors.Is(err, boom) {
						t.Error(err)
					}
					if err == nil && !repeated {
						wrote.Add(1)
					}
				})
			}
			all.Wait()
			if wrote.Load() != 1 || count(t, d, sqlCount) != 1 {
				t.Errorf("%d wrote", wrote.Load())
			}
		})
	})
}

func TestForgetDeletesWhatIsOlderThanAWeekInSteps(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			write := func(n int, prefix string) {
				for i := range n {
					if _, _, err := put(t.Context(), d, once.Key{Scope: "s", Value: fmt.Sprint(prefix, i)}, fmt.Sprint(prefix, i), nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			forget := func(want int64) {
				t.Helper()
				if n, err := once.Forget(t.Context(), d, 3); n != want || err != nil {
					t.Errorf("forgot %d, %v; want %d", n, err, want)
				}
			}
			write(5, "old")
			time.Sleep(once.Keep)
			write(2, "new")
			forget(0)
			time.Sleep(time.Microsecond)
			forget(3)
			forget(2)
			forget(0)
			if _, repeated, err := put(t.Context(), d, once.Key{Scope: "s", Value: "new0"}, "x", nil); !repeated || err != nil {
				t.Errorf("a young key is gone: %v", err)
			}
			if _, repeated, err := put(t.Context(), d, once.Key{Scope: "s", Value: "old0"}, "again", nil); repeated || err != nil {
				t.Errorf("an old key is still there: %v", err)
			}
		})
	})
}

func TestDigestTellsItsPartsApart(t *testing.T) {
	seen := map[string]string{}
	for _, parts := range [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {}, {""}, {"1:a"}, {"a", "1:"}} {
		var b [][]byte
		for _, p := range parts {
			b = append(b, []byte(p))
		}
		d := once.Digest(b...)
		if other, ok := seen[d]; ok {
			t.Errorf("%q and %s have the same digest", parts, other)
		}
		seen[d] = fmt.Sprintf("%q", parts)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"", "a", "0e8f1f1c-1d1b-4b3e-8000-000000000001", "a b", "ü", "\x7f", strings.Repeat("x", 129)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		good := len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
		if err := once.Check(s); (err == nil) != good || err != nil && !fault.Is(err, fault.KeyInvalid) {
			t.Errorf("Check(%q) = %v", s, err)
		}
	})
}
