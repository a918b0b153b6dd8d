package rest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

// index brings the search index up to date.
func (b *bench) index() {
	b.Helper()
	for range 1000 {
		got, err := b.Inbox.IndexOnce(b.Context(), 1000)
		if err != nil {
			b.Fatal(err)
		}
		if !got.Left {
			return
		}
	}
	b.Fatal("the index does not come to an end")
}

func TestConversationFilters(t *testing.T) {
	b := newBench(t)
	first, posted := b.conversation()
	second := b.visitor(inbox.ContactPost{Body: "Wo ist mein Käse?"})
	b.do("write", "PATCH", "/contacts/"+strconv.FormatInt(int64(posted.Contact.ID), 10), map[string]any{"name": "Zoé Lee"}).is(200)
	b.do("admin", "POST", first+"/end", nil).is(200)
	b.do("write", "PUT", first+"/tags", map[string]any{"tags": []string{"vip", "a,b", "früh"}}).is(200)
	b.do("write", "PUT", "/conversations/2/tags", map[string]any{"tags": []string{"vip"}}).is(200)
	b.do("read", "GET", "/tags", nil).is(200).has("items", "3 items", "items.0.tag", "vip", "items.0.count", "2", "items.1.tag", "a,b", "items.1.count", "1")
	b.index()
	began := second.Conversation.CreatedAt
	for query, want := range map[string]string{
		"":                                     "2",
		"status=all":                           "1 2",
		"status=ended":                         "1",
		"status=ended,new":                     "1 2",
		"channel=website":                      "2",
		"channel=8":                            "",
		"q=kase":                               "2",
		"q=" + url.QueryEscape(`"mein Käse"`):  "2",
		"q=hello":                              "",
		"q=hello&status=all":                   "1",
		"q=zo%C3%A9&status=all":                "1",
		"q=%00%FF%22":                          "2",
		"rating=none&rating=5":                 "2",
		"rating=5":                             "",
		"tag=vip":                              "2",
		"tag=VIP":                              "",
		"tag=vip&tag=a%2Cb&status=all":         "1",
		"tag=fr%C3%BCh&status=all&rating=none": "1",
		"tag=fr%C3%BCh":                        "",
		"group_id=1&view=unassigned":           "2",
		"from=" + url.QueryEscape(began.Format(time.RFC3339Nano)):               "2",
		"to=" + url.QueryEscape(began.Format(time.RFC3339Nano)) + "&status=all": "1",
		"from=2026-01-01T00:00:00%2B01:00&to=2026-01-02T00:00:00Z&status=all":   "",
	} {
		var got []string
		for _, n := range b.do("read", "GET", "/conversations/ids?"+query, nil).is(200).has("more", "false").json("ids").([]any) {
			got = append(got, n.(json.Number).String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q lists %v, want %s", query, got, want)
		}
		if n := b.do("read", "GET", "/conversations?"+query, nil).is(200).text("items"); n != strconv.Itoa(len(strings.Fields(want)))+" items" {
			t.Errorf("%q has a page of %s, want %s", query, n, want)
		}
	}
	for query, want := range map[string][2]string{
		"status=closed":                      {"field.invalid", "status[0]"},
		"rating=6":                           {"field.invalid", "rating[0]"},
		"rating=0":                           {"field.invalid", "rating[0]"},
		"tag=a%00":                           {"field.invalid", "tag[0]"},
		"tag=%FF":                            {"field.invalid", "tag[0]"},
		strings.Repeat("tag=x&", 21):         {"field.invalid", "tag"},
		"from=yesterday":                     {"field.invalid", "from"},
		"channel=fax":                        {"field.invalid", "channel"},
		"channel=0":                          {"field.invalid", "channel"},
		"channel=99999999999999999":          {"field.invalid", "channel"},
		"q=" + strings.Repeat("%C3%A4", 201): {"text.too_long", "q"},
		"view=mine":                          {"field.invalid", "view"},
		"sort=id":                            {"request.unknown_field", "sort"},
	} {
		for _, path := range []string{"/conversations?", "/conversations/ids?", "/conversations/export?"} {
			b.do("read", "GET", path+query, nil).is(422, want[0], want[1])
		}
	}
	b.do("read", "GET", "/conversations/ids?limit=5", nil).is(422, "request.unknown_field", "limit")
	b.do("read", "GET", "/conversations/export?format=xml", nil).is(422, "field.invalid", "format")
}

// An export has every conversation once, in both forms and on both engines, and the answer is not made in one piece.
func TestExportOfManyConversations(t *testing.T) {
	const n = 5000
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := optionsOver(t, d)
		shop := "Shop"
		w, err := o.Widgets.Create(t.Context(), team.System(), once.Key{}, widget.Change{Name: &shop})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			c, err := db.Insert[int64](tx, `INSERT INTO contacts (uuid, name, email, phone, external_id, custom, created_at, updated_at) VALUES ($1, '=cmd()', 'x@y.example', '', '', '{}', 1, 1) RETURNING id`, secret.UUID())
			if err != nil {
				return err
			}
			for i := range n {
				if _, err := tx.Exec(`INSERT INTO conversations (uuid, contact_id, widget_id, channel_type, status, topic, message_count, last_message, operator_read, contact_delivered,
  contact_read, unread, created_at, updated_at, ended_at) VALUES ($1, $2, $3, 'website', 'ended', $4, 3, '', 0, 0, 0, 0, $5, $5, $5)`, secret.UUID(), c, int64(w.ID), "topic, \"quoted\"\n"+strconv.Itoa(i), i+1); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		h := &handlers{Options: o}
		h.Now = time.Now
		run := func(begin func(*bufio.Writer) func([]*inbox.View) error) (*bytes.Buffer, int) {
			pieces := &pieces{ResponseRecorder: httptest.NewRecorder()}
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			h.export(pieces, r, inbox.Filter{Statuses: []string{event.StatusEnded}}, "x", ".x", begin)
			return pieces.Body, pieces.n
		}
		table, written := run(writeTable)
		rows, err := csv.NewReader(table).ReadAll()
		if err != nil || len(rows) != n+1 || written < 10 {
			t.Fatalf("%d lines in %d pieces, %v", len(rows), written, err)
		}
		if !slices.Equal(rows[0], columns) {
			t.Errorf("columns %v", rows[0])
		}
		first := strconv.Itoa(n)
		if want := []string{first, "ended", "website", "Shop", "", "", "'=cmd()", "x@y.example", "topic, \"quoted\"\n" + strconv.Itoa(n-1), "", "", "", "3",
			"1970-01-01T00:00:00.005000Z", "1970-01-01T00:00:00.005000Z", "1970-01-01T00:00:00.005000Z"}; !slices.Equal(rows[1], want) {
			t.Errorf("line %q, want %q", rows[1], want)
		}
		seen := map[string]bool{}
		for _, row := range rows[1:] {
			seen[row[0]] = true
		}
		if len(seen) != n {
			t.Errorf("%d conversations", len(seen))
		}
		list, written := run(writeJSONList)
		var got []conversation
		if err := json.Unmarshal(list.Bytes(), &got); err != nil || len(got) != n || got[0].ID != n || got[n-1].ID != 1 || written < 10 {
			t.Errorf("%d conversations in %d pieces, %v", len(got), written, err)
		}
	})
}

// pieces counts how often an answer is written to.
type pieces struct {
	*httptest.ResponseRecorder
	n int
}

func (p *pieces) Write(b []byte) (int, error) { p.n++; return p.ResponseRecorder.Write(b) }

func TestExportIsHarmlessAndHonest(t *testing.T) {
	b := newBench(t)
	none := b.do("read", "GET", "/conversations/export", nil).is(200)
	if got := string(none.body); got != strings.Join(columns, ",")+"\r\n" {
		t.Errorf("an empty table is %q", got)
	}
	if got := string(b.do("read", "GET", "/conversations/export?format=json", nil).is(200).body); got != "[]\n" {
		t.Errorf("an empty list is %q", got)
	}
	v := b.visitor(inbox.ContactPost{Body: "Hello"})
	name, email := "-1+1", "+x@y.example"
	if _, err := b.Contacts.Update(t.Context(), team.System(), once.Key{}, v.Contact.ID, contact.Change{Name: &name, Email: &email}); err != nil {
		t.Fatal(err)
	}
	got := b.do("read", "GET", "/conversations/export?q=hello", nil).is(200)
	if kind, name := got.header.Get("Content-Type"), got.header.Get("Content-Disposition"); kind != "text/csv; charset=utf-8" || !strings.HasPrefix(name, `attachment; filename="conversations-2`) || !strings.HasSuffix(name, `.csv"`) {
		t.Errorf("%s, %s", kind, name)
	}
	b.index()
	if line := string(b.do("read", "GET", "/conversations/export?q=hello", nil).is(200).body); !strings.Contains(line, ",'-1+1,'+x@y.example,") {
		t.Errorf("table %q", line)
	}
	for cell, want := range map[string]string{"": "", "a": "a", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "ä=": "ä=", "a=1": "a=1"} {
		if got := harmless(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}

	// What breaks after the beginning breaks the connection.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := &handlers{Options: b.Options}
		h.Now = time.Now
		h.export(w, r, inbox.Filter{}, "text/csv", ".csv", func(out *bufio.Writer) func([]*inbox.View) error {
			return func([]*inbox.View) error {
				out.WriteString("the beginning")
				out.Flush()
				return errors.New("the disk is gone")
			}
		})
	}))
	defer server.Close()
	res, err := server.Client().Get(server.URL)
	if err == nil {
		defer res.Body.Close()
		var part []byte
		if part, err = io.ReadAll(res.Body); err == nil {
			t.Errorf("a part looks like the whole: %q", part)
		}
	}
}
