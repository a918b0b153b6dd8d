package audit

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/fault"
	"parley/internal/team"
)

func TestEntriesAreListedNewestFirstInPages(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			l := New(d)
			for i := range 5 {
				if err := l.Note(t.Context(), Entry{Action: ReauthLocked, By: "address:203.0.113.7", Subject: fmt.Sprint("widget:", i), Detail: "5 wrong codes"}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
			got, more, err := l.List(t.Context(), team.System(), 0, 3)
			if err != nil || !more || len(got) != 3 || got[0].Subject != "widget:4" || got[0].At.IsZero() || !got[0].At.After(got[1].At) || got[0].By != "address:203.0.113.7" ||
				got[0].Action != ReauthLocked || got[0].Detail != "5 wrong codes" {
				t.Fatalf("%+v, %v, %v", got, more, err)
			}
			got, more, err = l.List(t.Context(), team.System(), got[2].ID, 2)
			if err != nil || more || len(got) != 2 || got[1].Subject != "widget:0" {
				t.Fatalf("%+v, %v, %v", got, more, err)
			}
			for _, limit := range []int{0, -1, 100000} {
				if got, more, err := l.List(t.Context(), team.System(), 0, limit); err != nil || more || len(got) != 5 {
					t.Errorf("limit %d: %d, %v, %v", limit, len(got), more, err)
				}
			}
		})
	})
}

func TestOnlyAdminsLook(t *testing.T) {
	l := New(dbtest.New(t))
	for _, by := range []team.Actor{{}, {Operator: 1, Scope: team.ScopeWrite}, {Token: 1, Scope: team.ScopeRead}, {Token: 1, Scope: team.ScopeWrite}} {
		if _, _, err := l.List(t.Context(), by, 0, 0); !fault.IsKind(err, fault.Denied) {
			t.Errorf("%+v: %v", by, err)
		}
	}
}

func TestAnEntryIsPartOfItsTransaction(t *testing.T) {
	d := dbtest.New(t)
	l, no := New(d), errors.New("no")
	err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
		if err := Add(tx, Entry{Action: ContactErased}); err != nil {
			return err
		}
		return no
	})
	if !errors.Is(err, no) {
		t.Fatal(err)
	}
	if got, _, err := l.List(t.Context(), team.System(), 0, 0); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}
