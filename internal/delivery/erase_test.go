package delivery

import (
	"context"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
)

// What was sent of an event goes, of finished deliveries alone; other events keep theirs.
func TestErase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var ids []id.Delivery
		err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			to, err := NewTarget(tx, "test", 1, Limits{})
			if err != nil {
				return err
			}
			for i, state := range []string{Delivered, Dead, Dropped, Pending, Delivered} {
				event := id.Event(7)
				if i == 4 {
					event = 8
				}
				made, err := Enqueue(tx, Item{Target: to, Event: event, Lane: "c1", Name: "x", Body: []byte("secret")})
				if err != nil {
					return err
				}
				ids = append(ids, made...)
				if _, err := tx.Exec(`UPDATE deliveries SET state = $2, attempts = 1, last_status = 500, last_error = 'secret' WHERE id = $1`, int64(made[0]), state); err != nil {
					return err
				}
				if _, err := tx.Exec(`INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, outcome, status, error, retry_at, request_url, request_headers, response_headers, response_body)
VALUES ($1, 1, 5, 6, 'retry', 500, 'secret', 0, 'https://x.example', '{"A":["b"]}', '{"X":["secret"]}', $2)`, int64(made[0]), []byte("secret")); err != nil {
					return err
				}
			}
			return Erase(tx, 7)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for i, one := range ids {
				var bodies, has int
				var last string
				if err := tx.One(`SELECT (SELECT COUNT(*) FROM delivery_bodies WHERE delivery_id = $1), CASE WHEN has_body THEN 1 ELSE 0 END, last_error FROM deliveries WHERE id = $1`,
					[]any{int64(one)}, &bodies, &has, &last); err != nil {
					return err
				}
				tries, err := attempts(tx, one)
				if err != nil {
					return err
				}
				kept := i >= 3
				if (bodies == 1) != kept || (has == 1) != kept || (last == "secret") != kept || len(tries) != 1 || (string(tries[0].ResponseBody) == "secret") != kept ||
					(tries[0].Error == "secret") != kept || (len(tries[0].ResponseHeader) == 1) != kept || tries[0].Status != 500 || tries[0].RequestHeader.Get("A") != "b" {
					t.Errorf("delivery %d: %d bodies, %d, %q, %+v", i, bodies, has, last, tries)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What is pending of an event for one target is dropped with its bodies; other targets and events keep theirs.
func TestDropEvent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			one, err := NewTarget(tx, "test", 1, Limits{})
			if err != nil {
				return err
			}
			two, err := NewTarget(tx, "test", 2, Limits{})
			if err != nil {
				return err
			}
			if err := Pause(tx, one, "stopped"); err != nil {
				return err
			}
			ids, err := Enqueue(tx, Item{Target: one, Event: 7, Lane: "c1", Body: []byte("secret")}, Item{Target: one, Event: 7, Body: []byte("secret")},
				Item{Target: one, Event: 7, Body: []byte("secret")}, Item{Target: one, Event: 8, Body: []byte("secret")}, Item{Target: two, Event: 7, Body: []byte("secret")})
			if err != nil {
				return err
			}
			if _, err := tx.Exec(`UPDATE deliveries SET state = 'delivered' WHERE id = $1`, int64(ids[2])); err != nil {
				return err
			}
			n, err := DropEvent(tx, one, 7, "erased")
			if err != nil || n != 2 {
				t.Errorf("%d dropped, %v", n, err)
			}
			for i, want := range []string{Dropped, Dropped, Delivered, Pending, Pending} {
				var state, reason string
				var bodies int
				if err := tx.One(`SELECT state, last_error, (SELECT COUNT(*) FROM delivery_bodies WHERE delivery_id = $1) FROM deliveries WHERE id = $1`,
					[]any{int64(ids[i])}, &state, &reason, &bodies); err != nil {
					return err
				}
				if state != want || (bodies == 1) != (i >= 2) || (reason == "erased") != (i < 2) {
					t.Errorf("delivery %d: %s, %q, %d bodies", i, state, reason, bodies)
				}
			}
			if n, err = DropEvent(tx, one, 7, "erased"); err != nil || n != 0 {
				t.Errorf("%d dropped again, %v", n, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
