package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
)

func TestList(t *testing.T) {
	each(t, "pages are complete and without repeats when many conversations have the same time", func(t *testing.T, h *house) {
		var want []id.Conversation
		for i := range 11 {
			want = append(want, h.visitor(t).Conversation.ID)
			if i%4 == 3 {
				time.Sleep(time.Second)
			}
		}
		slices.Reverse(want)
		var got []id.Conversation
		f := Filter{Limit: 2}
		for {
			page, err := h.desk.List(t.Context(), f, h.ann.Operator)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Items) == 0 {
				break
			}
			for _, v := range page.Items {
				got = append(got, v.ID)
			}
			last := page.Items[len(page.Items)-1]
			f.Before = Cursor{last.UpdatedAt, last.ID}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages %v, want %v", got, want)
		}
	})
	each(t, "each filter narrows, and the counts are of what has not ended", func(t *testing.T, h *house) {
		a, b, c := h.visitor(t), h.visitor(t), h.visitor(t)
		h.reply(t, h.ann, a.Conversation.ID, "hi")
		h.did(t)(h.desk.Assign(t.Context(), h.ann, once.Key{}, b.Conversation.ID, 0))
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, c.Conversation.ID))
		h.events(t)
		for name, row := range map[string]struct {
			f    Filter
			want []*ContactPosted
		}{
			"all":           {Filter{}, []*ContactPosted{a, b, c}},
			"new":           {Filter{Statuses: []string{event.StatusNew}}, []*ContactPosted{b}},
			"open or ended": {Filter{Statuses: []string{event.StatusOpen, event.StatusEnded}}, []*ContactPosted{a, c}},
			"mine":          {Filter{Operator: h.ann.Operator, Statuses: []string{event.StatusNew, event.StatusOpen, event.StatusPending}}, []*ContactPosted{a}},
			"unassigned":    {Filter{Unassigned: true}, []*ContactPosted{b}},
			"contact":       {Filter{Contact: c.Contact.ID}, []*ContactPosted{c}},
			"group":         {Filter{Group: h.group.ID}, []*ContactPosted{a, b, c}},
			"widget":        {Filter{Widget: h.widget.ID}, []*ContactPosted{a, b, c}},
			"other widget":  {Filter{Widget: h.widget.ID + 1}, nil},
		} {
			row.f.Limit = 10
			page, err := h.desk.List(t.Context(), row.f, h.ann.Operator)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []id.Conversation
			for _, v := range page.Items {
				got = append(got, v.ID)
			}
			for _, p := range row.want {
				want = append(want, p.Conversation.ID)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
			if page.Counts != (Counts{Mine: 1, Unassigned: 1, All: 2}) || page.Seq != h.mark {
				t.Errorf("%s: counts %+v at %d", name, page.Counts, page.Seq)
			}
		}
		loads, err := h.desk.Loads(t.Context())
		if err != nil || len(loads) != 1 || loads[h.ann.Operator] != 1 {
			t.Errorf("loads %v, %v", loads, err)
		}
	})
	each(t, "a page costs a fixed number of statements", func(t *testing.T, h *house) {
		one := h.visitor(t)
		for range 20 {
			p := h.post("Hello")
			p.Contact, p.Conversation = one.Contact.ID, 0
			h.did(t)(h.desk.EndByContact(t.Context(), one.Contact.ID, h.send(t, p).Conversation.ID))
		}
		list := func() {
			if _, err := h.desk.List(t.Context(), Filter{Limit: 50}, h.ann.Operator); err != nil {
				t.Fatal(err)
			}
		}
		home := func() {
			if _, err := h.desk.HomeOf(t.Context(), one.Contact.ID); err != nil {
				t.Fatal(err)
			}
		}
		if n := statements(t, h.d, list); n > 5 {
			t.Errorf("a list of 21 conversations took %d statements", n)
		}
		if n := statements(t, h.d, home); n > 7 {
			t.Errorf("a contact's list of 21 conversations took %d statements", n)
		}
	})
}

func TestThreadPages(t *testing.T) {
	each(t, "a thread can be read in both directions, in ascending order", func(t *testing.T, h *house) {
		v := h.visitor(t)
		for i := range 9 {
			h.write(t, v.Contact.ID, fmt.Sprint("m", i+2))
		}
		for _, row := range []struct {
			r           Range
			first, last int
			more        bool
		}{
			{Range{Limit: 4}, 7, 10, true},
			{Range{Before: 7, Limit: 4}, 3, 6, true},
			{Range{Before: 3, Limit: 4}, 1, 2, false},
			{Range{After: 2, Limit: 4}, 3, 6, true},
			{Range{After: 6, Limit: 4}, 7, 10, false},
			{Range{Limit: 10}, 1, 10, false},
		} {
			got, err := h.desk.Messages(t.Context(), v.Conversation.ID, row.r)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range got.Messages {
				if m.Number != row.first+i {
					t.Errorf("%+v: message %d is number %d", row.r, i, m.Number)
				}
			}
			if n := len(got.Messages); n != row.last-row.first+1 || got.More != row.more {
				t.Errorf("%+v: %d messages, more %v", row.r, n, got.More)
			}
		}
		if _, err := h.desk.Messages(t.Context(), 4711, Range{Limit: 1}); !fault.Is(err, fault.ConversationNotFound) {
			t.Error(err)
		}
		if _, err := h.desk.Get(t.Context(), 4711); !fault.Is(err, fault.ConversationNotFound) {
			t.Error(err)
		}
		if _, err := h.desk.Sessions(t.Context(), 4711); !fault.Is(err, fault.ConversationNotFound) {
			t.Error(err)
		}
		if c, err := h.desk.ContactOf(t.Context(), v.Conversation.ID); err != nil || c != v.Contact.ID {
			t.Errorf("contact %d, %v", c, err)
		}
	})
}

// The hot queries must find their rows by an index, also when there are many ended conversations.
func TestHotQueriesUseTheirIndexes(t *testing.T) {
	d := dbtest.New(t)
	few := map[string]bool{"routing": true, "an operator's list": true, "the unassigned list": true, "a day long ago": true, "a rare tag": true, "a search": true, "one on a channel": true} // sorting a handful is fine
	active := []string{event.StatusNew, event.StatusOpen, event.StatusPending}
	for name, row := range map[string]struct {
		want string
		run  func(tx *db.Tx) error
	}{
		"the default list": {"c USING INDEX conversations_active_updated", func(tx *db.Tx) error { _, err := listStates(tx, Filter{Statuses: active, Limit: 50}); return err }},
		"a further page of it": {"c USING INDEX conversations_active_updated", func(tx *db.Tx) error {
			_, err := listStates(tx, Filter{Statuses: active, Before: Cursor{time.Unix(9, 0), 9}, Limit: 50})
			return err
		}},
		"the unassigned list": {"c USING INDEX conversations_active_", func(tx *db.Tx) error {
			_, err := listStates(tx, Filter{Statuses: active, Unassigned: true, Limit: 50})
			return err
		}},
		"an operator's list": {"c USING INDEX conversations_active_", func(tx *db.Tx) error {
			_, err := listStates(tx, Filter{Statuses: active, Operator: 1, Limit: 50})
			return err
		}},
		"the ended list": {"c USING INDEX conversations_updated", func(tx *db.Tx) error {
			_, err := listStates(tx, Filter{Statuses: []string{event.StatusEnded}, Limit: 50})
			return err
		}},
		"an operator's ended ones": {"c USING INDEX conversations_ended_operator", func(tx *db.Tx) error {
			_, err := listStates(tx, Filter{Statuses: []string{event.StatusEnded}, Operator: 1, Limit: 50})
			return err
		}},
		"a group's ended ones": {"c USING INDEX conversations_ended_group", func(tx *db.Tx) error {
			_, err := listStates(tx, Filter{Statuses: []string{event.StatusEnded}, Group: 1, Limit: 50})
			return err
		}},
		"a widget's ended ones": {"c USING INDEX conversations_ended_widget", func(tx *db.Tx) error {
			_, err := listStates(tx, Filter{Statuses: []string{event.StatusEnded}, Widget: 1, Limit: 50})
			return err
		}},
		"the badly rated ones": {"INDEX conversations_ended_rating (rating=?)", func(tx *db.Tx) error {
			_, err := listHits(tx, Filter{Statuses: []string{event.StatusEnded}, Ratings: []int{1}, Limit: 50}, query{}, begin{}, false)
			return err
		}},
		"a day long ago": {"INDEX conversations_ended_created", func(tx *db.Tx) error {
			_, err := listHits(tx, Filter{Statuses: []string{event.StatusEnded}, From: time.Unix(1, 0), To: time.Unix(2, 0), begun: time.Unix(1, 0), Limit: 50}, query{}, begin{}, false)
			return err
		}},
		"a rare tag": {"c USING INTEGER PRIMARY KEY", func(tx *db.Tx) error {
			_, err := listHits(tx, Filter{Tags: []string{"x"}, Limit: 50}, query{}, begin{tag: "x"}, false)
			return err
		}},
		"a frequent tag": {"INDEX conversations_updated", func(tx *db.Tx) error {
			_, err := listHits(tx, Filter{Tags: []string{"x"}, Limit: 50}, query{}, begin{}, false)
			return err
		}},
		"a search": {"c USING INTEGER PRIMARY KEY", func(tx *db.Tx) error {
			_, err := listHits(tx, Filter{Limit: 50}, query{[]term{{words: []string{"x"}}}}, begin{text: true}, false)
			return err
		}},
		"an export": {"SCAN c", func(tx *db.Tx) error {
			_, err := listHits(tx, Filter{Statuses: []string{event.StatusEnded}, Limit: 50}, query{}, begin{}, true)
			return err
		}},
		"the counts":            {"USING COVERING INDEX conversations_active_operator", func(tx *db.Tx) error { _, err := counts(tx, 1); return err }},
		"routing":               {"conversations USING COVERING INDEX conversations_active_operator", func(tx *db.Tx) error { _, err := routeTo(tx, 1, 0); return err }},
		"loads":                 {"USING COVERING INDEX conversations_active_operator", func(tx *db.Tx) error { _, err := loads(tx); return err }},
		"session expiry":        {"sessions USING INDEX sessions_expiry", func(tx *db.Tx) error { _, err := expiredConversations(tx, time.Unix(1, 0), 10); return err }},
		"a contact's open one":  {"conversations USING INDEX conversations_contact", func(tx *db.Tx) error { _, err := openOfContact(tx, 1, 1); return err }},
		"one on a channel":      {"conversations USING INDEX conversations_contact", func(tx *db.Tx) error { _, err := openOnChannel(tx, 1, 1, 1); return err }},
		"those on a channel":    {"c USING INDEX conversations_channel", func(tx *db.Tx) error { _, err := listStates(tx, Filter{Channel: "3", Limit: 50}); return err }},
		"a contact's addresses": {"channel_contacts USING INDEX channel_contacts_contact", func(tx *db.Tx) error { _, err := foreignAddresses(tx, 1, "x"); return err }},
		"a page of a thread":    {"m USING INDEX sqlite_autoindex_messages", func(tx *db.Tx) error { _, err := messagesBefore(tx, 1, 100, false, 50); return err }},
		"a contact's last ones": {"m USING INDEX sqlite_autoindex_messages", func(tx *db.Tx) error { _, err := lastVisible(tx, &event.Contact{ID: 1}, 0); return err }},
		"a contact's unread":    {"m USING INDEX sqlite_autoindex_messages", func(tx *db.Tx) error { _, err := unreadByContact(tx, &event.Contact{ID: 1}, 0); return err }},
	} {
		text := explain(t, d, row.run)
		if !strings.Contains(text, row.want) || strings.Contains(text, "TEMP B-TREE FOR ORDER BY") && !few[name] {
			t.Errorf("%s:\n%s\nwant %q", name, text, row.want)
		}
	}
}

// explain returns SQLite's plan of the statements that run makes.
func explain(t *testing.T, d *db.DB, run func(tx *db.Tx) error) string {
	t.Helper()
	var plan []string
	var query string
	var args []any
	d.Trace(func(q string, a []any) { query, args = q, a })
	if err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error { return run(tx) }); err != nil {
		t.Fatal(err)
	}
	d.Trace(nil)
	err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
		var err error
		plan, err = db.All(tx, "EXPLAIN QUERY PLAN "+query, args, func(r db.Scanner) (s string, err error) {
			var id, parent, unused int
			err = r.Scan(&id, &parent, &unused, &s)
			return s, err
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}

// statements counts the statements that fn makes.
func statements(t *testing.T, d *db.DB, fn func()) (n int) {
	t.Helper()
	d.Trace(func(string, []any) { n++ })
	fn()
	d.Trace(nil)
	return n
}

func TestAContactsMessageTakesFewStatements(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		v := h.visitor(t)
		p := h.post("more")
		p.Contact = v.Contact.ID
		n := statements(t, h.d, func() {
			if _, err := h.desk.PostFromContact(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		})
		if n > 13 {
			t.Errorf("a further message took %d statements", n)
		}
		t.Logf("%d statements", n)
	})
}
