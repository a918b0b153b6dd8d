package db

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
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
