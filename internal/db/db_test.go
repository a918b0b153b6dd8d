package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/fault"
)

const (
	sqlPut   = `INSERT INTO settings (name, value) VALUES ($1, $2)`
	sqlCount = `SELECT COUNT(*) FROM settings`
)

func count(t *testing.T, d *db.DB) int {
	t.Helper()
	var n int
	err := d.View(context.Background(), func(_ context.Context, tx *db.Tx) error { return tx.One(sqlCount, nil, &n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestConcurrentUpdatesAreAllStoredAndFailuresTouchNobodyElse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		boom := errors.New("boom")
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				committed := false
				err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
					if _, err := tx.Exec(sqlPut, fmt.Sprint("k", i), "v"); err != nil {
						return err
					}
					tx.OnCommit(func() { committed = true })
					if i%3 == 0 {
						return boom
					}
					return nil
				})
				if want := i%3 != 0; (err == nil) != want || committed != want {
					t.Errorf("update %d: err %v, committed %v", i, err, committed)
				}
				if err != nil && !errors.Is(err, boom) {
					t.Errorf("update %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != 40 {
			t.Errorf("%d rows stored, want 40", n)
		}
	})
}

func TestUniqueViolationIsAConflictAndRollsBackAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		put := func(tx *db.Tx, k string) error { _, err := tx.Exec(sqlPut, k, "v"); return err }
		if err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return put(tx, "a") }); err != nil {
			t.Fatal(err)
		}
		err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			if err := put(tx, "b"); err != nil {
				return err
			}
			return put(tx, "a")
		})
		if !db.IsUnique(err) || !fault.Is(err, fault.DatabaseConflict) {
			t.Errorf("err = %v, want a unique violation", err)
		}
		if n := count(t, d); n != 1 {
			t.Errorf("%d rows, want 1: the failed update left something", n)
		}
	})
}

func TestNestedUpdateAndViewPanic(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		d.View(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			defer func() {
				if recover() == nil {
					t.Error("a nested Update did not panic")
				}
			}()
			return d.Update(ctx, func(context.Context, *db.Tx) error { return nil })
		})
	})
}

func TestPanicInUpdateReachesTheCallerAndStoresNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(sqlPut, "a", "v"); err != nil {
					return err
				}
				panic("broken invariant")
			})
		}()
		if n := count(t, d); n != 0 {
			t.Errorf("%d rows, want 0", n)
		}
		if err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := tx.Exec(sqlPut, "a", "v"); return err }); err != nil {
			t.Errorf("the database is unusable after a panic: %v", err)
		}
	})
}

func TestCloseFinishesWhatIsQueuedAndRefusesTheRest(t *testing.T) {
	d := dbtest.New(t)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				_, err := tx.Exec(sqlPut, fmt.Sprint(i), "")
				return err
			})
			if err != nil && !fault.Is(err, fault.ShuttingDown) {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	d.Close()
	wg.Wait()
	if err := d.Update(t.Context(), func(context.Context, *db.Tx) error { return nil }); !fault.Is(err, fault.ShuttingDown) {
		t.Errorf("update after close: %v", err)
	}
}

// A foreign lock on the file is the embedded stand-in for "the database cannot write": refused with 503, nothing half
// stored, and the next write after the lock is gone succeeds on the same handle.
func TestLockedDatabaseRefusesAndRecovers(t *testing.T) {
	file := t.TempDir() + "/locked.db"
	a, err := db.Open(t.Context(), db.Options{URL: file})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := db.Open(t.Context(), db.Options{URL: file})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	put := func(d *db.DB, k string) error {
		return d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := tx.Exec(sqlPut, k, ""); return err })
	}
	err = b.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(sqlPut, "held", ""); err != nil {
			return err
		}
		if err := put(a, "refused"); !fault.Is(err, fault.DatabaseUnavailable) {
			t.Errorf("write under a foreign lock: %v, want %s", err, fault.DatabaseUnavailable)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(a, "after"); err != nil {
		t.Errorf("write after the lock is gone: %v", err)
	}
	if n := count(t, a); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// A disk that is full for a while: SQLite reports it inside a group; everything of that group is refused, and writing
// goes on by itself when there is room again.
func TestFullDatabaseRefusesAndRecovers(t *testing.T) {
	d := dbtest.New(t)
	run := func(q string) error {
		return d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := tx.Exec(q); return err })
	}
	fill := func() error {
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				errs[i] = d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
					_, err := tx.Exec(`INSERT INTO settings (name, value) VALUES (hex(randomblob(16)), hex(zeroblob(200000)))`)
					return err
				})
			})
		}
		wg.Wait()
		return errors.Join(errs...)
	}
	if err := run(`PRAGMA max_page_count = 300`); err != nil {
		t.Fatal(err)
	}
	for round := range 20 { // the limit belongs to the connection, which a full disk must not cost
		if err := fill(); !fault.Is(err, fault.DatabaseUnavailable) {
			t.Fatalf("round %d of writing to a full database: %v, want %s", round, err, fault.DatabaseUnavailable)
		}
	}
	before := count(t, d)
	if err := run(`PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	if err := fill(); err != nil {
		t.Fatalf("writing after there is room again: %v", err)
	}
	if n := count(t, d); n != before+8 {
		t.Errorf("%d rows, want %d", n, before+8)
	}
}

func TestCloseAnswersWaitingReadersAndMayBeCalledAgain(t *testing.T) {
	d := dbtest.New(t)
	hold, held := make(chan struct{}), make(chan struct{}, 100)
	var readers sync.WaitGroup
	for range 20 { // more than there are connections
		readers.Go(func() {
			err := d.View(context.Background(), func(context.Context, *db.Tx) error {
				held <- struct{}{}
				<-hold
				return nil
			})
			if err != nil && !fault.Is(err, fault.ShuttingDown) {
				t.Error(err)
			}
		})
	}
	for range 4 {
		<-held
	}
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(func() { d.Close() })
	}
	close(hold)
	closing.Wait()
	readers.Wait()
	if err := d.View(t.Context(), func(context.Context, *db.Tx) error { return nil }); err == nil {
		t.Error("a closed database is read")
	}
}

func TestTraceHearsEveryStatement(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var heard []string
		d.Trace(func(query string, args []any) { heard = append(heard, fmt.Sprint(query, args)) })
		err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(sqlPut, "a", "v"); err != nil {
				return err
			}
			var n int
			return tx.One(sqlCount, nil, &n)
		})
		d.Trace(nil)
		count(t, d)
		want := []string{fmt.Sprint(sqlPut, []any{"a", "v"}), fmt.Sprint(sqlCount, []any(nil))}
		if err != nil || fmt.Sprint(heard) != fmt.Sprint(want) {
			t.Errorf("heard %q, %v", heard, err)
		}
	})
}

// Two transactions that lock the same rows in opposite order: PostgreSQL gives one of them up, and it is run again.
func TestUpdatesThatLockEachOtherOutBothSucceed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, k := range []string{"a", "b"} {
			if err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := tx.Exec(sqlPut, k, ""); return err }); err != nil {
				t.Fatal(err)
			}
		}
		const touch = `UPDATE settings SET value = value || $2 WHERE name = $1`
		var met, all sync.WaitGroup
		if d.Engine() == db.Postgres {
			met.Add(2) // SQLite runs them one after the other
		}
		for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
			all.Go(func() {
				meet := sync.OnceFunc(func() {
					if d.Engine() == db.Postgres {
						met.Done()
						met.Wait()
					}
				})
				err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
					if _, err := tx.Exec(touch, order[0], fmt.Sprint(i)); err != nil {
						return err
					}
					meet()
					_, err := tx.Exec(touch, order[1], fmt.Sprint(i))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for _, k := range []string{"a", "b"} {
				var v string
				if err := tx.One(`SELECT value FROM settings WHERE name = $1`, []any{k}, &v); err != nil {
					return err
				}
				if len(v) != 2 {
					t.Errorf("%s = %q: an update was lost or done twice", k, v)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestViewSeesOneSnapshot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			var before, after int
			if err := tx.One(sqlCount, nil, &before); err != nil {
				return err
			}
			if err := d.Update(context.Background(), func(_ context.Context, tx *db.Tx) error { _, err := tx.Exec(sqlPut, "a", ""); return err }); err != nil {
				return err
			}
			if err := tx.One(sqlCount, nil, &after); err != nil {
				return err
			}
			if before != after {
				t.Errorf("saw %d rows and then %d", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestMigrationsGoForwardOnceAndRefuseANewerSchema(t *testing.T) {
	file := t.TempDir() + "/parley.db"
	exec := func(q string) {
		t.Helper()
		d, err := db.Open(t.Context(), db.Options{URL: file})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := tx.Exec(q); return err }); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO settings (name, value) VALUES ('kept', '')`)
	exec(`INSERT INTO settings (name, value) VALUES ('kept too', '')`)
	exec(fmt.Sprintf(`INSERT INTO schema_migrations (version, name, applied_at) VALUES (%d, 'later', 0)`, db.SchemaVersion()+1))
	if d, err := db.Open(t.Context(), db.Options{URL: file}); err == nil {
		d.Close()
		t.Fatal("a database of a newer version was opened")
	}
}

// Work in the background goes with the commit of somebody in a hurry, and alone when nobody comes along.
func TestWorkAsideSharesTheNextCommit(t *testing.T) {
	put := func(key string) func(context.Context, *db.Tx) error {
		return func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(sqlPut, key, "")
			return err
		}
	}
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.New(t)
		defer d.Close()
		for _, c := range []struct {
			hurry, takes time.Duration // 0: nobody comes along
		}{{0, 25 * time.Millisecond}, {10 * time.Millisecond, 10 * time.Millisecond}} {
			began := time.Now()
			if c.hurry > 0 {
				time.AfterFunc(c.hurry, func() {
					if err := d.Update(t.Context(), put(fmt.Sprint("hurry", c.hurry))); err != nil {
						t.Error(err)
					}
				})
			}
			if err := d.UpdateAside(t.Context(), put(fmt.Sprint("aside", c.hurry))); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != c.takes {
				t.Errorf("with somebody after %v it took %v, want %v", c.hurry, took, c.takes)
			}
		}
		synctest.Wait()
		if n := count(t, d); n != 3 {
			t.Errorf("%d rows stored, want 3", n)
		}
	})
}

// More of it than one commit takes is stored all the same, also by a close, and a failure touches nobody else.
func TestWorkAsideIsStoredOrRefused(t *testing.T) {
	d := dbtest.New(t)
	boom := errors.New("boom")
	var wg sync.WaitGroup
	var stored atomic.Int64
	for i := range 100 {
		wg.Go(func() {
			err := d.UpdateAside(t.Context(), func(_ context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(sqlPut, fmt.Sprint(i), ""); err != nil || i%10 == 0 {
					return errors.Join(err, boom)
				}
				return nil
			})
			switch {
			case err == nil:
				stored.Add(1)
			case i%10 == 0 && errors.Is(err, boom), fault.Is(err, fault.ShuttingDown):
			default:
				t.Errorf("work %d: %v", i, err)
			}
			if i == 50 {
				d.Close()
			}
		})
	}
	wg.Wait()
	if stored.Load() == 0 {
		t.Error("nothing was stored")
	}
	if err := d.UpdateAside(t.Context(), func(context.Context, *db.Tx) error { return nil }); !fault.Is(err, fault.ShuttingDown) {
		t.Errorf("work after close: %v", err)
	}
}
