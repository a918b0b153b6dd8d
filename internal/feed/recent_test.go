package feed

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/id"
)

// What readers get from memory is what they would get from the database, for every kind of event and every filter.
func TestMemoryAndDatabaseAgree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := New(d)
		samples := eventtest.Samples()
		for _, e := range samples {
			e.ID, e.Seq = 0, 0
			if err := d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error { return f.Append(ctx, tx, e) }); err != nil {
				t.Fatal(err)
			}
		}
		if d.Engine() == db.Postgres {
			if _, err := f.NumberOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		cold := New(d) // has nothing in memory
		for _, filter := range []Filter{{}, {Types: []event.Type{event.MessageReceived, event.SessionEnded}}, {Contact: contactOf(samples[0])}} {
			for _, after := range []id.Seq{0, 3, id.Seq(len(samples) - 1), id.Seq(len(samples))} {
				warm, warmLatest, err := f.ReadAfter(t.Context(), after, 7, filter)
				if err != nil {
					t.Fatal(err)
				}
				stored, storedLatest, err := cold.ReadAfter(t.Context(), after, 7, filter)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(stored, warm); diff != "" || warmLatest != storedLatest {
					t.Errorf("after %d with %+v: latest %d and %d, difference (-stored +memory):\n%s", after, filter, storedLatest, warmLatest, diff)
				}
			}
		}
	})
}

// Another process may commit in between: then memory has a hole and must not answer.
func TestMemoryWithAHoleAsksTheDatabase(t *testing.T) {
	d := dbtest.New(t)
	f, other := New(d), New(d)
	add := func(f *Feed) {
		err := d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return f.Append(ctx, tx, &event.Event{Type: event.ContactUpdated, Contact: &event.Contact{ID: 1}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	add(f)
	add(other)
	add(f)
	events, latest, err := f.ReadAfter(t.Context(), 0, 10, Filter{})
	if err != nil || len(events) != 3 || latest != 3 {
		t.Fatalf("%d events, latest %d, %v; want 3 and 3", len(events), latest, err)
	}
	for i := range recentSize + 10 {
		if add(f); i%500 == 100 {
			if e, _, err := f.ReadAfter(t.Context(), 0, 5, Filter{}); err != nil || len(e) != 5 || e[0].Seq != 1 {
				t.Fatalf("from the start: %v, %v", e, err)
			}
		}
	}
	if events, _, err := f.ReadAfter(t.Context(), 3, recentSize+20, Filter{}); err != nil || len(events) != recentSize+10 {
		t.Errorf("%d events, %v; want %d", len(events), err, recentSize+10)
	}
}

// What must not be kept any more is rewritten in the database and in memory, in its place, and whoever has read it keeps what they have.
func TestRewrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := New(d)
		var ids []id.Event
		for _, name := range []string{"a", "b", "c"} {
			e := &event.Event{Type: event.ContactUpdated, Contact: &event.Contact{ID: 1, Name: name, Custom: "{}"}}
			if err := d.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error { return f.Append(ctx, tx, e) }); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, e.ID)
		}
		if d.Engine() == db.Postgres {
			if _, err := f.NumberOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		before, _, err := f.ReadAfter(t.Context(), 0, 10, Filter{})
		if err != nil || len(before) != 3 {
			t.Fatal(before, err)
		}
		err = d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			known, err := f.Get(tx, ids[1])
			if err != nil {
				return err
			}
			blank := *known
			blank.Contact = &event.Contact{ID: 1, Custom: "{}"}
			return f.Rewrite(tx, &blank)
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, reader := range map[string]*Feed{"the same process": f, "another": New(d)} {
			got, _, err := reader.ReadAfter(t.Context(), 0, 10, Filter{})
			if err != nil || len(got) != 3 || got[0].Contact.Name != "a" || got[1].Contact.Name != "" || got[2].Contact.Name != "c" ||
				got[1].ID != ids[1] || got[1].Seq != before[1].Seq || !got[1].At.Equal(before[1].At) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			err = d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
				one, err := reader.Get(tx, ids[1])
				if err == nil && one.Contact.Name != "" {
					t.Errorf("%s by id: %+v", name, one.Contact)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		if before[1].Contact.Name != "b" {
			t.Error("what somebody had read was changed under them")
		}
	})
}
