package db

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"parley/internal/fault"
)

// Rows of both engines go into the same places in the same way, and a value that does not fit is an error and not a zero.
func TestScanOfSQLiteRows(t *testing.T) {
	d, err := Open(t.Context(), Options{URL: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	type name string
	type number int32
	type flag bool
	var (
		n    int64
		i    int
		nr   number
		tiny int8
		s    string
		nm   name
		b    bool
		fl   flag
		raw  []byte
		f    float64
	)
	for _, c := range []struct {
		query string
		dest  []any
		wrong string // what the error says; "" when it must fit
	}{
		{"SELECT 7, 7, 7, 7", []any{&n, &i, &nr, &tiny}, ""},
		{"SELECT 'é', 'é', 'é'", []any{&s, &nm, &raw}, ""},
		{"SELECT x'00ff', x'6162'", []any{&raw, &s}, ""},
		{"SELECT 1 = 1, 1 = 1", []any{&b, &fl}, ""},
		{"SELECT one = 1 FROM feed_counter", []any{&b}, ""},
		{"SELECT 1.5, 2", []any{&f, &f}, ""},
		{"SELECT x''", []any{&raw}, ""},
		{"SELECT 300", []any{&tiny}, "cannot hold"},
		{"SELECT 9223372036854775807", []any{&nr}, "cannot hold"},
		{"SELECT NULL", []any{&s}, "cannot hold NULL"},
		{"SELECT NULL", []any{&n}, "cannot hold NULL"},
		{"SELECT 'seven'", []any{&n}, "cannot hold"},
		{"SELECT 7", []any{&s}, "cannot hold"},
		{"SELECT 1, 2", []any{&n}, "2 columns into 1 places"},
		{"SELECT 1", []any{n}, "no place"},
	} {
		err := d.View(t.Context(), func(_ context.Context, tx *Tx) error { return tx.One(c.query, nil, c.dest...) })
		switch {
		case c.wrong == "" && err != nil:
			t.Errorf("%s: %v", c.query, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: got error %v, want %q", c.query, err, c.wrong)
		}
	}
	err = d.View(t.Context(), func(_ context.Context, tx *Tx) error {
		return tx.One("SELECT 300, 'text', 1 = 1, x'0102'", nil, &i, &nm, &fl, &raw)
	})
	if err != nil || i != 300 || nm != "text" || !fl || string(raw) != "\x01\x02" {
		t.Errorf("got %d, %q, %v, %x: %v", i, nm, fl, raw, err)
	}
}

func openTestConn(t *testing.T) *liteConn {
	c, err := openLiteConn("file:"+filepath.Join(t.TempDir(), "test.db"), []string{"journal_mode(WAL)"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// What goes in as an argument comes out as it was, whatever its length and bytes, and again with the same statement.
func TestArgumentsOfSQLiteStatements(t *testing.T) {
	c := openTestConn(t)
	type word string
	one := func(args []any, dest ...any) {
		t.Helper()
		rows, err := c.query("SELECT $2, $1, $1 IS NULL", args)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if !rows.Next() {
			t.Fatalf("%.20q: no row: %v", args, rows.Err())
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatalf("%.20q: %v", args, err)
		}
		if rows.Next() || rows.Err() != nil {
			t.Fatalf("%.20q: more than one row: %v", args, rows.Err())
		}
	}
	var a, b string
	var raw []byte
	var null bool
	for _, text := range []string{"", "a", "é\x00b", strings.Repeat("long ", 20000), "short again"} {
		if one([]any{text, "second"}, &a, &b, &null); a != "second" || b != text || null {
			t.Errorf("text of %d bytes came back with %d, beside %q", len(text), len(b), a)
		}
		if one([]any{word(text), []byte(text)}, &raw, &b, &null); string(raw) != text || b != text || null {
			t.Errorf("bytes: %d came back as %d", len(text), len(raw))
		}
	}
	if one([]any{[]byte{}, "second"}, &a, &raw, &null); null || len(raw) != 0 {
		t.Errorf("an empty byte string became NULL or %x", raw)
	}
	for _, nothing := range []any{nil, []byte(nil)} {
		if one([]any{nothing, "second"}, &a, &raw, &null); !null {
			t.Errorf("%T did not become NULL", nothing)
		}
	}
	var i, j int64
	var f float64
	if one([]any{true, -7}, &i, &j, &null); i != -7 || j != 1 {
		t.Errorf("got %d and %d", i, j)
	}
	if one([]any{int64(math.MaxInt64), 1.25}, &f, &i, &null); f != 1.25 || i != math.MaxInt64 {
		t.Errorf("got %v and %d", f, i)
	}
}

// Mistakes of a caller are errors, and the connection works on after them.
func TestMistakesWithSQLiteStatements(t *testing.T) {
	c := openTestConn(t)
	for _, m := range []struct {
		query string
		args  []any
		want  string
	}{
		{"SELECT $1, $2", []any{1}, "$2 is missing"},
		{"SELECT $1", []any{struct{}{}}, "$1"},
		{"SELECT :name", []any{1}, "not of the form"},
		{"SELECT 1; SELECT 2", nil, "one statement at a time"},
		{"SELECT 1\x00", nil, "NUL"},
		{"-- nothing", nil, "empty"},
		{"SELEC 1", nil, "syntax error"},
		{"SELECT * FROM nowhere", nil, "no such table"},
	} {
		if _, err := c.exec(m.query, m.args); err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%q: got error %v, want %q", m.query, err, m.want)
		}
	}
	const query = "SELECT 1 UNION SELECT 2"
	rows, err := c.query(query, nil)
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	if _, err := c.query(query, nil); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("a statement ran twice at once: %v", err)
	}
	rows.Close()
	if err := rows.Scan(new(int)); err == nil {
		t.Error("scanned a row after the end")
	}
	if err := c.do(query); err != nil {
		t.Error(err)
	}
	if err := c.do("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT UNIQUE)"); err != nil {
		t.Fatal(err)
	}
	for i, b := range []string{"x", "y"} {
		res, err := c.exec("INSERT INTO t (b) VALUES ($1)", []any{b})
		if err != nil {
			t.Fatal(err)
		}
		id, _ := res.LastInsertId()
		n, _ := res.RowsAffected()
		if id != int64(i+1) || n != 1 {
			t.Errorf("insert %d got id %d and %d rows", i, id, n)
		}
	}
	if _, err := c.exec("INSERT INTO t (b) VALUES ($1)", []any{"x"}); !IsUnique(mapLite(err)) {
		t.Errorf("a second x: %v", err)
	}
	c.close()
	c.close()
	if err := c.do("SELECT 1"); !fault.IsKind(mapLite(err), fault.Unavailable) {
		t.Errorf("a closed connection: %v", err)
	}
}

// A connection keeps a bounded number of statements, and gives large arguments back.
func TestMemoryOfSQLiteStatements(t *testing.T) {
	c := openTestConn(t)
	for i := range maxStatements + 50 {
		if err := c.do(fmt.Sprintf("SELECT %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.stmts) > maxStatements {
		t.Errorf("%d statements are kept", len(c.stmts))
	}
	if _, err := c.exec("SELECT $1", []any{strings.Repeat("x", keepMemory+1)}); err != nil {
		t.Fatal(err)
	}
	if s := c.stmts["SELECT $1"]; s.memory != 0 {
		t.Errorf("%d bytes of arguments are kept", s.size)
	}
}

// SQLite may end a transaction by itself, also while it reads. Then nothing of the group is stored, and everybody hears the same.
func TestTransactionThatEndsByItselfStoresNothing(t *testing.T) {
	d, err := Open(t.Context(), Options{URL: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const insert = "INSERT INTO settings (name, value) VALUES ($1, '')"
	put := func(name string) func(*Tx) error {
		return func(tx *Tx) error { _, err := tx.Exec(insert, name); return err }
	}
	end := func(tx *Tx) error {
		tx.lite.do("ROLLBACK") // as the engine does when a page cannot be read
		return errors.New("disk I/O error")
	}
	swallow := func(tx *Tx) error { end(tx); return nil }
	for round, fns := range [][]func(*Tx) error{
		{put("a"), end, put("b")},
		{put("a"), swallow, put("b")},
		{end, put("a")},
		{put("a"), put("a"), end}, // the second fails after writing: all run again, each in a savepoint
	} {
		gate, started := make(chan bool), make(chan bool)
		got := make([]error, len(fns))
		var all sync.WaitGroup
		all.Go(func() {
			d.Update(t.Context(), func(context.Context, *Tx) error { close(started); <-gate; return nil })
		})
		<-started
		for i, fn := range fns {
			all.Go(func() { got[i] = d.Update(t.Context(), func(_ context.Context, tx *Tx) error { return fn(tx) }) })
			for len(d.lite.queue) <= i {
				runtime.Gosched()
			}
		}
		close(gate)
		all.Wait()
		for i, err := range got {
			if !fault.IsKind(err, fault.Unavailable) || IsUnique(err) {
				t.Errorf("round %d, function %d: %v", round, i, err)
			}
		}
		var n int
		err := d.View(t.Context(), func(_ context.Context, tx *Tx) error {
			return tx.One("SELECT COUNT(*) FROM settings WHERE name IN ('a', 'b')", nil, &n)
		})
		if err != nil || n != 0 {
			t.Errorf("round %d: %d rows are stored, %v", round, n, err)
		}
	}
	if err := d.Update(t.Context(), func(_ context.Context, tx *Tx) error { return put("a")(tx) }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
