package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/standard"
)

func TestTheFeedIsReadInPagesToItsEnd(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	b.do("write", "POST", path+"/messages", map[string]any{"body": "Hi"}).is(201)
	var types []string
	after, last := "0", "0"
	for range 100 {
		page := b.do("read", "GET", "/events?limit=2&after="+after, nil).is(200)
		items := page.json("items").([]any)
		for _, e := range items {
			e := e.(map[string]any)
			n, _ := strconv.Atoi(last)
			if got := e["seq"].(json.Number).String(); got != strconv.Itoa(n+1) {
				t.Fatalf("seq %s follows %s", got, last)
			} else {
				last = got
			}
			types = append(types, e["type"].(string))
		}
		after = page.text("next_after")
		if len(items) == 0 {
			page.has("seq", last, "next_after", last)
			break
		}
	}
	if got := strings.Join(types, " "); !strings.HasSuffix(got, "contact.created conversation.created session.started message.received conversation.status_changed message.sent") {
		t.Errorf("the feed has %s", got)
	}
}

func TestAFilterMovesPastWhatItLeavesOut(t *testing.T) {
	b := newBench(t)
	path, _ := b.conversation()
	b.conversation()
	b.do("write", "POST", path+"/end", nil).is(200)
	latest := b.do("read", "GET", "/events", nil).text("seq")
	page := b.do("read", "GET", "/events?types=message.received&limit=1", nil).is(200).has("items", "1 items", "items.0.data.message.body", "Hello!")
	if page.text("next_after") != page.text("items.0.seq") {
		t.Errorf("a full page goes on after its last event: %s", page.body)
	}
	page = b.do("read", "GET", "/events?types=message.received&limit=1&after="+page.text("next_after"), nil).is(200).has("items", "1 items")
	b.do("read", "GET", "/events?types=message.received&limit=1&after="+page.text("next_after"), nil).is(200).has("items", "0 items", "next_after", latest)
	b.do("read", "GET", "/events?types=message.received,conversation.ended", nil).is(200).has("items", "3 items", "items.2.type", "conversation.ended", "next_after", latest)
}

// How endpoints do is for those who may see endpoints: nobody else finds it in the feed.
func TestOperationalEventsAreForAdmins(t *testing.T) {
	b := newBench(t)
	b.conversation()
	var dead *event.Event
	for _, s := range eventtest.Named() {
		if s.Event.Type == event.DeliveryDead {
			dead = s.Event
		}
	}
	err := b.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error { return b.Feed.Append(ctx, tx, dead) })
	if err != nil {
		t.Fatal(err)
	}
	seq := b.do("admin", "GET", "/events?types=delivery.dead", nil).is(200).has("items", "1 items").text("seq")
	b.do("read", "GET", "/events?types=delivery.dead", nil).is(403)
	if page := b.do("read", "GET", "/events", nil).is(200).has("next_after", seq, "seq", seq); strings.Contains(string(page.body), "delivery.dead") {
		t.Errorf("a reader is told of endpoints: %s", page.body)
	}
}

// poll is a long poll on its way.
func (b *bench) poll(query string) <-chan answer {
	c := make(chan answer, 1)
	go func() { c <- b.do("read", "GET", "/events?"+query, nil) }()
	return c
}

func TestALongPollEndsWithTheFirstEventThatFits(t *testing.T) {
	b := newBench(t)
	latest := b.do("read", "GET", "/events", nil).text("seq")
	got := b.poll("types=message.received&wait=30&after=" + latest)
	name := "Renamed"
	if _, err := b.Team.Update(t.Context(), team.System(), 2, team.OperatorChange{FirstName: &name}); err != nil {
		t.Fatal(err)
	}
	b.visitor(inbox.ContactPost{Body: "Knock, knock"})
	(<-got).is(200).has("items", "1 items", "items.0.data.message.body", "Knock, knock")
}

// TestHowLongALongPollWaits calls the handler itself: its clock must be the bubble's.
func TestHowLongALongPollWaits(t *testing.T) {
	type poll struct {
		*testing.T
		h    *handlers
		stop func()
	}
	for name, c := range map[string]struct {
		wait int
		// meanwhile happens while the poll waits.
		meanwhile func(p poll, hangUp func())
		want      time.Duration
		items     int
	}{
		"not at all":     {wait: 0, want: 0},
		"a second":       {wait: 1, want: time.Second},
		"the time given": {wait: 12, want: 12 * time.Second},
		"the longest":    {wait: 30, want: 30 * time.Second},
		"until an event": {wait: 30, want: 2 * time.Second, items: 1, meanwhile: func(p poll, _ func()) {
			time.Sleep(2 * time.Second)
			if _, err := p.h.Team.CreateGroup(p.Context(), team.System(), "Sales", nil, once.Key{}); err != nil {
				p.Error(err)
			}
		}},
		"until the server stops": {wait: 30, want: 3 * time.Second, meanwhile: func(p poll, _ func()) {
			time.Sleep(3 * time.Second)
			p.stop()
		}},
		"until the caller hangs up": {wait: 30, want: 4 * time.Second, meanwhile: func(_ poll, hangUp func()) {
			time.Sleep(4 * time.Second)
			hangUp()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
				synctest.Test(t, func(t *testing.T) {
					d := open()
					defer d.Close()
					o := optionsOver(t, d)
					stopping := make(chan struct{})
					o.Stopping = stopping
					ctx, hangUp := context.WithCancel(t.Context())
					defer hangUp()
					go o.Feed.RunNumbering(t.Context())
					p := poll{t, &handlers{Options: o}, func() { close(stopping) }}
					start := d.Now()
					done := make(chan struct{})
					go func() {
						defer close(done)
						if c.meanwhile != nil {
							c.meanwhile(p, hangUp)
						}
					}()
					out, err := p.h.listEvents(ctx, team.Actor{}, &eventsIn{Types: []string{"group.updated"}, Limit: 100, Wait: c.wait})
					if err != nil || len(out.Body.Items) != c.items {
						t.Fatalf("got %v %v", out, err)
					}
					if took := d.Now().Sub(start).Truncate(time.Second); took != c.want {
						t.Errorf("it took %v, want %v", took, c.want)
					}
					<-done
				})
			})
		})
	}
}

// TestEveryEventFitsItsSchema holds the standard dialect and the document together: every sample of every event type.
func TestEveryEventFitsItsSchema(t *testing.T) {
	c := theContract(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	schema, err := c.compiler.Compile("https://chat.example/openapi.json#/components/schemas/Event")
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range eventtest.Samples() {
		raw, err := standard.Marshal(e, dialect.Options{MediaURL: eventtest.MediaURL(publicURL)})
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("sample %d, %s: %v\n%s", i, e.Type, err, raw)
		}
	}
	for _, e := range standard.New().Info().Events {
		if c.at("webhooks", e.Name, "post") == nil {
			t.Errorf("the document has no webhook %s", e.Name)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	b := newBench(t)
	a := b.do("", "GET", "/openapi.json", nil).is(http.StatusOK).has("openapi", "3.1.0", "servers.0.url", Prefix)
	if string(a.body) != string(generate(t)) {
		t.Error("the served document is not the committed one")
	}
}
