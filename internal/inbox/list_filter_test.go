package inbox

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/secret"
)

// listed is a conversation as the test made it.
type listed struct {
	id               id.Conversation
	contact          id.Contact
	widget           id.Widget
	group            id.Group
	operator         id.Operator
	status           string
	channel          string
	tags             []string
	rating           int
	created, updated time.Time
	name             string
	texts            []string
}

// somewhere are the times of the conversations that stock makes: some of them are the same.
var somewhere = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// stock stores n random conversations and brings them into the search index.
func stock(t testing.TB, h *house, n int) []*listed {
	t.Helper()
	r := rand.New(rand.NewPCG(4, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	widgets, groups := []id.Widget{h.widget.ID}, []id.Group{0, h.group.ID}
	operators := []id.Operator{0, h.ann.Operator, h.bob.Operator}
	var out []*listed
	err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
		out = nil
		insert := func(query string, args ...any) int64 {
			got, err := db.Insert[id.Message](tx, query+" RETURNING id", args...)
			if err != nil {
				t.Fatal(err)
			}
			return int64(got)
		}
		for range 2 {
			widgets = append(widgets, id.Widget(insert(`INSERT INTO widgets (key, name, lang, domains, color, position, title, subtitle, greeting, theme, session_timeout_seconds, identity_required,
  identity_secret, active, created_at, updated_at) VALUES ($1, 'W', 'en', '[]', '', '', '', '', '', '', 0, FALSE, '', TRUE, 0, 0)`, secret.UUID())))
		}
		for i := range n {
			c := &listed{widget: widgets[r.IntN(3)], group: groups[r.IntN(2)], operator: operators[r.IntN(3)], status: pick("new", "open", "pending", "ended", "ended"),
				channel: pick("website", "website", "email"), name: pick("", "Zoe", "Max Moritz"), created: somewhere.Add(time.Duration(r.IntN(50)) * time.Hour)}
			c.updated = c.created.Add(time.Duration(r.IntN(20)) * time.Hour)
			if r.IntN(3) == 0 {
				c.rating = 1 + r.IntN(5)
			}
			for _, tag := range []string{"rare", "vip", "a,b", "früh"} {
				if r.IntN(5+len(tag)) == 0 {
					c.tags = append(c.tags, tag)
				}
			}
			for range r.IntN(4) {
				c.texts = append(c.texts, pick("refund", "late", "Käse", "order", "zoe")+" "+pick("please", "now", "order", "天气"))
			}
			if i > 0 && r.IntN(4) == 0 {
				c.contact, c.name = out[i-1].contact, out[i-1].name
			} else {
				c.contact = id.Contact(insert(`INSERT INTO contacts (uuid, name, email, phone, external_id, custom, created_at, updated_at) VALUES ($1, $2, '', '', '', '{}', 0, 0)`,
					secret.UUID(), c.name))
			}
			c.id = id.Conversation(insert(`INSERT INTO conversations (uuid, contact_id, widget_id, channel_type, group_id, operator_id, status, topic, message_count, last_message, operator_read,
  contact_delivered, contact_read, unread, created_at, updated_at, ended_at, rating) VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, '', 0, 0, 0, 0, $9, $10, 0, $11)`,
				secret.UUID(), int64(c.contact), int64(c.widget), c.channel, db.NullID(c.group), db.NullID(c.operator), c.status, len(c.texts), db.Micros(c.created), db.Micros(c.updated), c.rating))
			session := insert(`INSERT INTO sessions (conversation_id, number, first_number, started_at, ended_at, end_reason, expires_at, visit) VALUES ($1, 1, 1, 0, 0, '', 0, '')`, int64(c.id))
			for _, tag := range c.tags {
				if _, err := tx.Exec(`INSERT INTO conversation_tags (tag, conversation_id) VALUES ($1, $2)`, tag, int64(c.id)); err != nil {
					return err
				}
			}
			for k, text := range c.texts {
				insert(`INSERT INTO messages (conversation_id, number, session_id, type, note, sender_type, sender_name, body, event, client_id, sent_at)
VALUES ($1, $2, $3, 'message', $4, 'contact', '', $5, '', '', 0)`, int64(c.id), k+1, session, k == 2, text)
			}
			out = append(out, c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		got, err := h.desk.IndexOnce(t.Context(), 500)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Left {
			return out
		}
	}
}

// takes is the filter as it is meant.
func (c *listed) takes(f Filter) bool {
	q, err := f.query()
	return err == nil &&
		(len(f.Statuses) == 0 || slices.Contains(f.Statuses, c.status)) &&
		(!f.Unassigned || c.operator == 0) &&
		(f.Operator == 0 || c.operator == f.Operator) &&
		(f.Group == 0 || c.group == f.Group) &&
		(f.Widget == 0 || c.widget == f.Widget) &&
		(f.Contact == 0 || c.contact == f.Contact) &&
		(f.Channel == "" || c.channel == f.Channel) &&
		!slices.ContainsFunc(f.Tags, func(tag string) bool { return !slices.Contains(c.tags, tag) }) &&
		(len(f.Ratings) == 0 || slices.Contains(f.Ratings, c.rating)) &&
		(f.From.IsZero() || !c.created.Before(f.From)) &&
		(f.To.IsZero() || c.created.Before(f.To)) &&
		(len(q.terms) == 0 || q.in(contactWords(c.name, "")) || slices.ContainsFunc(c.texts, func(text string) bool { return q.in(words(text)) }))
}

// drawFilter makes a filter with few fields or many.
func drawFilter(r *rapid.T, h *house, all []*listed) Filter {
	some := func(name string) bool { return rapid.IntRange(0, 3).Draw(r, name+"?") == 0 }
	subset := func(name string, list ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(list), 0, 3, rapid.ID[string]).Draw(r, name)
	}
	var f Filter
	if rapid.Bool().Draw(r, "statuses?") {
		f.Statuses = subset("statuses", Statuses()...)
	}
	if some("operator") {
		f.Operator = rapid.SampledFrom([]id.Operator{h.ann.Operator, h.bob.Operator}).Draw(r, "operator")
	}
	f.Unassigned = some("unassigned")
	if some("group") {
		f.Group = h.group.ID
	}
	if some("widget") {
		f.Widget = h.widget.ID + id.Widget(rapid.IntRange(0, 3).Draw(r, "widget"))
	}
	if some("contact") {
		f.Contact = rapid.SampledFrom(all).Draw(r, "contact").contact
	}
	if some("channel") {
		f.Channel = rapid.SampledFrom([]string{"website", "email", "other"}).Draw(r, "channel")
	}
	if some("tags") {
		f.Tags = subset("tags", "rare", "vip", "a,b", "früh", "RARE")
	}
	if some("ratings") {
		f.Ratings = rapid.SliceOfN(rapid.IntRange(0, 5), 0, 3).Draw(r, "ratings")
	}
	hour := func(name string) time.Time {
		return somewhere.Add(time.Duration(rapid.IntRange(-5, 60).Draw(r, name)) * time.Hour)
	}
	if some("from") {
		f.From = hour("from")
	}
	if some("to") {
		f.To = hour("to")
	}
	if some("text") {
		f.Text = rapid.SampledFrom([]string{"refund", "ord", "order now", `"late order"`, "kase", "天", "zoe", "moritz", "!", " "}).Draw(r, "text")
	}
	if rapid.Bool().Draw(r, "tight") {
		f.bounds = &bounds{messages: rapid.IntRange(-1, 30).Draw(r, "messages"), contacts: rapid.IntRange(-1, 5).Draw(r, "contacts"), tagged: rapid.IntRange(-1, 20).Draw(r, "tagged"), walk: rapid.IntRange(1, 9).Draw(r, "walk")}
	}
	return f
}

// Every filter selects what it says, in pages, as ids and as an export.
func TestFiltersSelectWhatTheySay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		all := stock(t, h, 150)
		byActivity := slices.SortedFunc(slices.Values(all), func(a, b *listed) int { return cmp.Or(b.updated.Compare(a.updated), cmp.Compare(b.id, a.id)) })
		rapid.Check(t, func(r *rapid.T) {
			f := drawFilter(r, h, all)
			var want []id.Conversation
			for _, c := range byActivity {
				if c.takes(f) {
					want = append(want, c.id)
				}
			}
			var got []id.Conversation
			f.Limit = rapid.IntRange(1, 40).Draw(r, "limit")
			for page := f; ; {
				p, err := h.desk.List(t.Context(), page, h.ann.Operator)
				if err != nil {
					r.Fatal(err)
				}
				for _, v := range p.Items {
					got = append(got, v.ID)
					page.Before = Cursor{v.UpdatedAt, v.ID}
				}
				if len(p.Items) < page.Limit {
					break
				}
			}
			if !slices.Equal(got, want) {
				r.Fatalf("%+v lists %v, want %v", f, got, want)
			}
			ids, more, err := h.desk.IDs(t.Context(), f)
			if err != nil || more || !slices.Equal(ids, want) {
				r.Fatalf("%+v has ids %v, %v, %v, want %v", f, ids, more, err, want)
			}
			var walked []id.Conversation
			err = h.desk.Walk(t.Context(), f, func(list []*View) error {
				for _, v := range list {
					walked = append(walked, v.ID)
				}
				return nil
			})
			slices.SortFunc(want, func(a, b id.Conversation) int { return cmp.Compare(b, a) })
			if err != nil || !slices.Equal(walked, want) {
				r.Fatalf("%+v exports %v, %v, want %v", f, walked, err, want)
			}
		})
	})
}

func TestTagsAreCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		counts := map[string]int{}
		for _, c := range stock(t, h, 80) {
			for _, tag := range c.tags {
				counts[tag]++
			}
		}
		got, err := h.desk.Tags(t.Context())
		if err != nil || len(got) != len(counts) {
			t.Errorf("tags %v, %v, want %v", got, err, counts)
		}
		for i, tag := range got {
			if counts[tag.Tag] != tag.Count || i > 0 && got[i-1].Count < tag.Count {
				t.Errorf("tags %v, want %v", got, counts)
			}
		}
	})
}

// What becomes active while somebody turns pages does not shift the rest, and an export has everything once all the same.
func TestListsStandStillWhilePeopleWrite(t *testing.T) {
	each(t, "pages and exports under writes", func(t *testing.T, h *house) {
		var all []*ContactPosted
		for range 12 {
			all = append(all, h.visitor(t))
			time.Sleep(time.Second)
		}
		var seen []id.Conversation
		f := Filter{Limit: 3, Text: "hello"}
		h.index(t)
		for i := 0; ; i++ {
			p, err := h.desk.List(t.Context(), f, h.ann.Operator)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range p.Items {
				seen = append(seen, v.ID)
				f.Before = Cursor{v.UpdatedAt, v.ID}
			}
			if len(p.Items) < f.Limit {
				break
			}
			time.Sleep(time.Second)
			h.write(t, all[len(all)-1-i].Contact.ID, "again") // one that was on a page already
		}
		want := make([]id.Conversation, len(all))
		for i, v := range all {
			want[len(all)-1-i] = v.Conversation.ID
		}
		if !slices.Equal(seen, want) {
			t.Errorf("pages %v, want %v", seen, want)
		}
		var walked []id.Conversation
		err := h.desk.Walk(t.Context(), Filter{Statuses: []string{event.StatusNew}}, func(list []*View) error {
			for _, v := range list {
				walked = append(walked, v.ID)
			}
			h.write(t, all[0].Contact.ID, fmt.Sprint("in between ", len(walked)))
			return nil
		})
		if err != nil || !slices.Equal(walked, want) {
			t.Errorf("export %v, want %v, %v", walked, want, err)
		}
	})
}
