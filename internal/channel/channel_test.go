package channel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/internal/channel"
	"parley/internal/channel/channeltest"
	"parley/internal/channel/custom"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/secret"
)

// house is a channeltest.House with custom channels.
type house struct{ *channeltest.House }

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, &house{channeltest.New(t, d, custom.New())}) })
}

// place is a channel with its token.
type place struct {
	*channel.Channel
	h     *house
	token string
}

func (h *house) make(change ...func(*channel.Draft)) *place {
	h.T.Helper()
	d := channel.Draft{Type: new(custom.Type), Name: new("SMS"), Widget: &h.Widget.ID, Settings: map[string]string{"outbound_url": h.URL + "/out"}}
	for _, fn := range change {
		fn(&d)
	}
	c, secrets, err := h.Channels.Create(h.T.Context(), h.Admin, once.Key{}, d)
	h.must(err)
	return &place{c, h, secrets[channel.InboundToken].Reveal()}
}

func (h *house) must(err error) {
	h.T.Helper()
	if err != nil {
		h.T.Fatal(err)
	}
}

func (p *place) tryPost(message map[string]any) (*channel.Received, error) {
	b, err := json.Marshal(message)
	p.h.must(err)
	return p.h.Post(p.InboundURL, p.token, b)
}

func (p *place) post(message map[string]any) *channel.Received {
	p.h.T.Helper()
	if message["body"] == nil {
		message["body"] = "Hello"
	}
	got, err := p.tryPost(message)
	p.h.must(err)
	return got
}

func (p *place) receipt(body string) error {
	door, err := p.h.Channels.Open(p.h.T.Context(), channel.Caller{Key: strings.TrimPrefix(p.InboundURL, channeltest.PublicURL+"/channels/"), Token: p.token}, channeltest.Status)
	p.h.must(err)
	_, err = door.Receipt(p.h.T.Context(), []byte(body))
	return err
}

// known makes a contact who was on the website before. The site vouched for the address of one whose name begins with "signed".
func (h *house) known(name, email, external string) id.Contact {
	h.T.Helper()
	var c *event.Contact
	h.must(h.DB.Update(h.T.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
		c, err = h.Contacts.Create(ctx, tx, event.Party{Type: event.ByContact}, contact.Change{Name: &name, Email: &email, ExternalID: &external})
		if err == nil && strings.HasPrefix(name, "signed") {
			err = contact.SignEmail(tx, c.ID, email)
		}
		return err
	}))
	return c.ID
}

func (h *house) contact(which id.Contact) *event.Contact {
	h.T.Helper()
	c, err := h.Contacts.Get(h.T.Context(), which)
	h.must(err)
	return c
}

func (h *house) visitor() *inbox.ContactPosted {
	h.T.Helper()
	v, err := h.Inbox.PostFromContact(h.T.Context(), inbox.ContactPost{WidgetKey: h.Widget.Key, ClientID: secret.UUID(), Body: "Hello from the site"})
	h.must(err)
	return v
}

func (h *house) events(types ...event.Type) []*event.Event {
	h.T.Helper()
	h.Until(func() bool { // all are numbered
		n, err := h.Feed.NumberOnce(h.T.Context())
		return err == nil && n == 0
	})
	list, _, err := h.Feed.ReadAfter(h.T.Context(), 0, 10_000, feed.Filter{Types: types})
	h.must(err)
	return list
}

func TestS047ContactsAreFoundByTheirAddress(t *testing.T) {
	type step struct {
		on      string // channel
		message map[string]any
		who     string // the contact that the message must be of; the first time of a name makes it
	}
	email := func(e string) map[string]any { return map[string]any{"email": e} }
	byID := func(v any, more ...string) map[string]any {
		m := map[string]any{"contact_id": v}
		if len(more) > 0 {
			m["email"] = more[0]
		}
		return m
	}
	for name, c := range map[string]struct {
		before map[string][2]string // known contacts by name: e-mail address, external id
		apart  string               // the channel that does not merge
		steps  []step
	}{
		"a new address makes one contact":                           {steps: []step{{"A", email("ann@x.de"), "n"}, {"A", email("ann@x.de"), "n"}, {"A", email("bob@x.de"), "m"}}},
		"letter case and blanks":                                    {steps: []step{{"A", email("Ann@X.de"), "n"}, {"A", email("  aNN@x.DE "), "n"}}},
		"another channel":                                           {steps: []step{{"A", email("ann@x.de"), "n"}, {"B", email("ANN@x.de"), "n"}}},
		"who was on the website":                                    {before: map[string][2]string{"web": {"ann@x.de", ""}}, steps: []step{{"A", email("Ann@x.de"), "web"}, {"B", email("ann@x.de"), "web"}}},
		"signed in before others":                                   {before: map[string][2]string{"a1": {"ann@x.de", ""}, "signed": {"ann@x.de", "u-1"}, "z9": {"ann@x.de", ""}}, steps: []step{{"A", email("ann@x.de"), "signed"}}},
		"signed in with an address that the site did not vouch for": {before: map[string][2]string{"claims": {"ann@x.de", "u-1"}}, steps: []step{{"A", email("ann@x.de"), "n"}}},
		"no merge": {before: map[string][2]string{"web": {"ann@x.de", ""}}, apart: "A",
			steps: []step{{"A", email("ann@x.de"), "own"}, {"A", email("ann@x.de"), "own"}, {"B", email("ann@x.de"), "web"}}},
		"no merge, nobody known": {apart: "A", steps: []step{{"A", email("ann@x.de"), "own"}, {"B", email("ann@x.de"), "other"}, {"A", email("ann@x.de"), "own"}}},
		"version 2 by id":        {steps: []step{{"A", byID("7"), "n"}, {"A", byID(7), "n"}, {"A", byID("8"), "m"}, {"B", byID("7"), "o"}}},
		"version 2 with an e-mail address": {before: map[string][2]string{"web": {"ann@x.de", ""}},
			steps: []step{{"A", byID("7", "Ann@x.de"), "web"}, {"A", byID("7"), "web"}, {"A", email("ann@x.de"), "web"}}},
		"the id is not the site's":           {before: map[string][2]string{"signed": {"", "7"}}, steps: []step{{"A", byID("7"), "n"}}},
		"an id that looks like an address":   {steps: []step{{"A", email("ann@x.de"), "n"}, {"A", byID("ann@x.de"), "m"}}},
		"an e-mail address that comes later": {before: map[string][2]string{"web": {"ann@x.de", ""}}, steps: []step{{"A", byID("7"), "n"}, {"A", byID("7", "ann@x.de"), "n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				people := map[string]id.Contact{}
				for _, who := range slices.Sorted(maps.Keys(c.before)) {
					people[who] = h.known(who, c.before[who][0], c.before[who][1])
				}
				on := map[string]*place{}
				for _, n := range []string{"A", "B"} {
					on[n] = h.make(func(d *channel.Draft) { d.Name, d.Merge = &n, new(n != c.apart) })
				}
				for i, s := range c.steps {
					got := on[s.on].post(s.message).Contact
					want, met := people[s.who]
					if !met {
						for other, p := range people {
							if p == got {
								t.Errorf("step %d: %s became %s", i, s.who, other)
							}
						}
						people[s.who] = got
					} else if got != want {
						t.Errorf("step %d: contact %d, want %s (%d)", i, got, s.who, want)
					}
				}
				if made := len(h.events(event.ContactCreated)); made != len(people) {
					t.Errorf("%d contacts were made, want %d", made, len(people))
				}
				for who, p := range people {
					if before, ok := c.before[who]; ok {
						if now := h.contact(p); now.Email != before[0] || now.ExternalID != before[1] || now.Name != who {
							t.Errorf("%s became %+v", who, now)
						}
					}
				}
			})
		})
	}
}

func TestS047ManyMessagesFromANewAddressMakeOneContact(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		places := []*place{h.make(), h.make()}
		var all sync.WaitGroup
		var mu sync.Mutex
		people, conversations := map[id.Contact]bool{}, map[id.Conversation]bool{}
		for i := range 16 {
			all.Go(func() {
				got, err := places[i%2].tryPost(map[string]any{"id": i % 8, "email": "ann@x.de", "body": fmt.Sprint("Message ", i)})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				people[got.Contact], conversations[got.Conversation] = true, true
			})
		}
		all.Wait()
		if len(people) != 1 || len(conversations) != 2 {
			t.Errorf("%d contacts, %d conversations", len(people), len(conversations))
		}
		if n := len(h.events(event.MessageReceived)); n != 8 {
			t.Errorf("%d messages were stored of 8 ids", n)
		}
	})
}

func TestNamesAreTakenOverWhereNoneIsKnown(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		nameless := c.post(map[string]any{"email": "ann@x.de"}).Contact
		c.post(map[string]any{"email": "ann@x.de", "name": " Ann "})
		c.post(map[string]any{"email": "ann@x.de", "name": "Somebody else"})
		if got := h.contact(nameless); got.Name != "Ann" {
			t.Errorf("the contact is called %q", got.Name)
		}
	})
}

func TestS070AddressesAreTakenApart(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		web := h.known("Ann", "ann@x.de", "")
		a, b := h.make(), h.make(func(d *channel.Draft) { d.Name = new("Letters") })
		first := a.post(map[string]any{"email": "ann@x.de"})
		other := b.post(map[string]any{"email": "ann@x.de"})
		list, err := h.Channels.Addresses(t.Context(), web)
		h.must(err)
		if len(list) != 2 || !list[0].Merged || list[0].Address != "ann@x.de" || list[0].ChannelName != "SMS" || list[1].ChannelName != "Letters" || !list[0].SeparatedAt.IsZero() {
			t.Fatalf("addresses: %+v", list)
		}
		fresh, err := h.Channels.Separate(t.Context(), h.Ann, once.Key{}, web, list[0].ID)
		h.must(err)
		if fresh.ID == web || fresh.Email != "ann@x.de" {
			t.Errorf("the new contact: %+v", fresh)
		}
		again, err := h.Channels.Separate(t.Context(), h.Ann, once.Key{}, fresh.ID, list[0].ID)
		h.must(err)
		if again.ID != fresh.ID {
			t.Errorf("a second time: %d", again.ID)
		}
		v, err := h.Inbox.Get(t.Context(), first.Conversation)
		h.must(err)
		if v.Contact.ID != fresh.ID {
			t.Errorf("the conversation is contact %d's", v.Contact.ID)
		}
		if v, err = h.Inbox.Get(t.Context(), other.Conversation); err != nil || v.Contact.ID != web {
			t.Errorf("the other channel's is contact %d's (%v)", v.Contact.ID, err)
		}
		later := a.post(map[string]any{"email": "Ann@x.de"})
		if later.Contact != fresh.ID || later.Conversation != first.Conversation {
			t.Errorf("later: %+v", later)
		}
		if c := h.make().post(map[string]any{"email": "ann@x.de"}); c.Contact != web {
			t.Errorf("a third channel finds contact %d, want %d", c.Contact, web)
		}
		// Answers go out to both, each on its own channel.
		h.Reply(first.Conversation, "To SMS")
		h.Reply(other.Conversation, "To letters")
		for _, call := range h.Wait(2) {
			if call.JSON(t)["email"] != "ann@x.de" {
				t.Errorf("%s", call.Body)
			}
		}
		if _, err := h.Channels.Separate(t.Context(), h.Ann, once.Key{}, web, 99); !fault.Is(err, fault.ChannelAddress) {
			t.Errorf("an unknown address: %v", err)
		}
	})
}

func TestS077S078OneCallForEachMessageInOrder(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c, other := h.make(), h.make()
		got := c.post(map[string]any{"email": "ann@x.de", "name": "Ann"})
		other.post(map[string]any{"email": "ann@x.de"})
		web := h.visitor()
		h.Reply(web.Conversation.ID, "Stays on the website")
		for i := range 3 {
			h.Reply(got.Conversation, fmt.Sprint("Message ", i))
			c.post(map[string]any{"email": "ann@x.de"})
			_, err := h.Inbox.Post(t.Context(), h.Ann, once.Key{}, inbox.Post{Conversation: got.Conversation, Body: "A note", Note: true})
			h.must(err)
		}
		h.Wait(3)
		calls := h.Settled(c.ID)
		if len(calls) != 3 {
			t.Fatalf("%d calls", len(calls))
		}
		_, secrets, err := h.Channels.Create(t.Context(), h.Admin, once.Key{}, channel.Draft{Type: new(custom.Type), Name: new("X"), Widget: &h.Widget.ID,
			Settings: map[string]string{"outbound_url": h.URL}, Secrets: map[string]string{"outbound_token": "typed-token"}})
		h.must(err)
		if secrets["outbound_token"].Reveal() != "typed-token" {
			t.Error("the typed token is another")
		}
		token, err := h.Channels.Rotate(t.Context(), h.Admin, once.Key{}, c.ID, "outbound_token", "the-new-outbound-token", 0)
		h.must(err)
		h.Reply(got.Conversation, "Message 3")
		calls = h.Wait(4)
		for i, call := range calls {
			body := call.JSON(t)
			if body["body"] != fmt.Sprint("Message ", i) || body["channel"].(map[string]any)["name"] != "SMS" || body["email"] != "ann@x.de" || call.Path != "/out" {
				t.Errorf("call %d: %s", i, call.Body)
			}
		}
		last := calls[3]
		if got := last.Header.Get("API-SECURITY-TOKEN"); got != token.Reveal() {
			t.Errorf("the token is %q", got)
		}
		verify, err := standardwebhooks.NewWebhookRaw([]byte(token.Reveal()))
		h.must(err)
		if err := verify.VerifyIgnoringTimestamp(last.Body, last.Header); err != nil {
			t.Errorf("the signature: %v", err)
		}
	})
}

func TestVersion2TellsOfEditsAndDeletions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, version := range []string{"1", "2"} {
			c := h.make(func(d *channel.Draft) {
				d.Settings["version"] = version
				d.Settings["outbound_url"] = h.URL + "/v" + version
			})
			got := c.post(map[string]any{"email": "ann" + version + "@x.de"})
			m := h.Reply(got.Conversation, "Frist")
			h.Settled(c.ID)
			_, err := h.Inbox.EditMessage(t.Context(), h.Ann, once.Key{}, got.Conversation, m.ID, "First")
			h.must(err)
			h.Settled(c.ID)
			_, err = h.Inbox.DeleteMessage(t.Context(), h.Ann, once.Key{}, got.Conversation, m.ID)
			h.must(err)
			h.Settled(c.ID)
		}
		told := map[string][]string{}
		for _, call := range h.Wait(4) {
			b := call.JSON(t)
			told[call.Path] = append(told[call.Path], fmt.Sprint(b["body"], " ", b["is_deleted"]))
		}
		if fmt.Sprint(told) != "map[/v1:[Frist <nil>] /v2:[Frist false First false  true]]" {
			t.Errorf("told: %q", told)
		}
	})
}

func TestWhatWasDeletedOrEditedInTimeIsNotSentAsItWas(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, version := range []string{"1", "2"} {
			before := len(h.Wait(0))
			c := h.make(func(d *channel.Draft) { d.Settings["version"] = version })
			got := c.post(map[string]any{"email": "ann" + version + "@x.de"})
			_, err := h.Channels.Pause(t.Context(), h.Admin, c.ID)
			h.must(err)
			gone, edited := h.Reply(got.Conversation, "a secret"), h.Reply(got.Conversation, "Frist")
			for _, text := range []string{"First", "First, then"} {
				_, err = h.Inbox.EditMessage(t.Context(), h.Ann, once.Key{}, got.Conversation, edited.ID, text)
				h.must(err)
			}
			_, err = h.Inbox.EditMessage(t.Context(), h.Ann, once.Key{}, got.Conversation, gone.ID, "still a secret")
			h.must(err)
			_, err = h.Inbox.DeleteMessage(t.Context(), h.Ann, once.Key{}, got.Conversation, gone.ID)
			h.must(err)
			_, err = h.Channels.Resume(t.Context(), h.Admin, c.ID, true)
			h.must(err)
			for _, call := range h.Settled(c.ID)[before:] {
				if b := call.JSON(t); b["body"] != "First, then" || b["is_deleted"] == true {
					t.Errorf("version %s: %s", version, call.Body)
				}
			}
			if n := len(h.Wait(before+1)) - before; version == "1" && n != 1 {
				t.Errorf("%d calls", n)
			}
			if now := h.Message(got.Conversation, gone.ID); now.State != event.StateFailed || now.StateCode != "dropped" {
				t.Errorf("the deleted message: %v %q %q", now.State, now.StateCode, now.StateReason)
			}
			if _, err := h.Channels.Retry(t.Context(), h.Ann, once.Key{}, got.Conversation, gone.ID); !fault.Is(err, fault.MessageDeleted) {
				t.Errorf("sending a deleted message again: %v", err)
			}
		}
	})
}

func TestAStoredBodyIsNotSentAfterAnEditOrDeletion(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Settings["version"] = "2" })
		one, two, same := c.post(map[string]any{"email": "ann@x.de"}), c.post(map[string]any{"email": "bob@x.de"}), c.post(map[string]any{"email": "eve@x.de"})
		var down atomic.Bool
		down.Store(true)
		h.Answer(func(_ int, _ channeltest.Call, w http.ResponseWriter) {
			if down.Load() {
				w.WriteHeader(http.StatusGone) // the channel stops, with the body stored
			}
		})
		send := func(to id.Conversation, text string) *event.Message {
			before := len(h.Wait(0))
			m := h.Reply(to, text)
			h.Wait(before + 1)
			h.Until(func() bool {
				now, err := h.Channels.Get(t.Context(), h.Admin, c.ID)
				h.must(err)
				return now.State == channel.Gone
			})
			return m
		}
		kept := send(same.Conversation, "Unchanged")
		resume := func() {
			_, err := h.Channels.Resume(t.Context(), h.Admin, c.ID, true)
			h.must(err)
		}
		edited, gone := h.Reply(one.Conversation, "Frist"), h.Reply(two.Conversation, "a secret")
		tried := len(h.Wait(0))
		resume() // all are tried, and refused
		h.Until(func() bool {
			now, err := h.Channels.Get(t.Context(), h.Admin, c.ID)
			h.must(err)
			return now.State == channel.Gone && len(h.Wait(0)) > tried
		})
		_, err := h.Inbox.EditMessage(t.Context(), h.Ann, once.Key{}, one.Conversation, edited.ID, "First")
		h.must(err)
		_, err = h.Inbox.DeleteMessage(t.Context(), h.Ann, once.Key{}, two.Conversation, gone.ID)
		h.must(err)
		before := len(h.Wait(0))
		down.Store(false)
		resume()
		bodies := map[any]string{}
		for _, call := range h.Settled(c.ID)[before:] {
			b := call.JSON(t)
			if b["body"] == "Frist" || b["body"] == "a secret" {
				t.Errorf("sent as it was: %s", call.Body)
			}
			bodies[b["body"]] = string(call.Body)
		}
		if bodies["First"] == "" || bodies["Unchanged"] != string(h.Wait(1)[0].Body) {
			t.Errorf("sent: %q", bodies)
		}
		if now := h.Message(same.Conversation, kept.ID); now.State != event.StateSent {
			t.Errorf("the unchanged message is %v", now.State)
		}
	})
}

func TestWhatIsDeletedWhileItIsPreparedIsNotSent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		got := c.post(map[string]any{"email": "ann@x.de"})
		// The engine leaves the channel to this test, which does as it does.
		h.must(h.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE delivery_targets SET paused = TRUE`)
			return err
		}))
		gone, edited := h.Reply(got.Conversation, "a secret"), h.Reply(got.Conversation, "Frist")
		x := h.Channels.Executor()
		var jobs []*delivery.Job
		for _, e := range h.events(event.MessageSent) {
			jobs = append(jobs, &delivery.Job{ID: 1 << 40, Ref: int64(c.ID), Event: e.ID, WebhookID: "evt_x"})
		}
		h.must(x.Prepare(t.Context(), jobs))
		_, err := h.Inbox.DeleteMessage(t.Context(), h.Ann, once.Key{}, got.Conversation, gone.ID)
		h.must(err)
		_, err = h.Inbox.EditMessage(t.Context(), h.Ann, once.Key{}, got.Conversation, edited.ID, "First")
		h.must(err)
		if out := x.Do(t.Context(), jobs[0]); out.Verdict != delivery.Discard || !out.Unfit {
			t.Errorf("the deleted one: %+v", out)
		}
		if out := x.Do(t.Context(), jobs[1]); out.Verdict != delivery.Done || !jobs[1].Renewed {
			t.Errorf("the edited one: %+v", out)
		}
		if calls := h.Wait(1); len(calls) != 1 || calls[0].JSON(t)["body"] != "First" {
			t.Errorf("%d calls, %s", len(calls), calls[0].Body)
		}
		// The next attempts have the body that was stored.
		sent := jobs[1].Body
		again := []*delivery.Job{
			{ID: 1 << 40, Ref: int64(c.ID), Event: jobs[0].Event, Body: []byte("a secret")}, {ID: 1 << 40, Ref: int64(c.ID), Event: jobs[1].Event, Body: []byte("Frist")},
			{ID: 1 << 40, Ref: int64(c.ID), Event: jobs[1].Event, Body: sent},
		}
		h.must(x.Prepare(t.Context(), again))
		if again[0].Verdict == nil || again[0].Verdict.Verdict != delivery.Discard {
			t.Errorf("the deleted one: %+v", again[0].Verdict)
		}
		for i, j := range again[1:] {
			if string(j.Body) != string(sent) || j.Renewed != (i == 0) || j.Verdict != nil {
				t.Errorf("the edited one, %d: %s", i, j.Body)
			}
		}
	})
}

func TestAFailedReceiptAfterTheCall(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		got := c.post(map[string]any{"email": "ann@x.de"})
		now := func(m *event.Message) *event.Message { return h.Message(got.Conversation, m.ID) }
		refused := func(m *event.Message) bool {
			n := now(m)
			return n.State == event.StateFailed && n.StateCode == "refused" && n.StateReason == "no such number"
		}
		receipt := func(m id.Message) error {
			return c.receipt(fmt.Sprintf(`{"id":%d,"state":"failed","error":"no such number"}`, m))
		}
		after := h.Reply(got.Conversation, "One")
		h.Until(func() bool { return now(after).State == event.StateSent })
		h.must(receipt(after.ID))
		if !refused(after) {
			t.Errorf("after the receipt: %+v", now(after))
		}
		// The same call is made once more.
		_, err := h.Channels.Retry(t.Context(), h.Ann, once.Key{}, got.Conversation, after.ID)
		h.must(err)
		h.Until(func() bool { return now(after).State == event.StateSent })
		calls := h.Settled(c.ID)
		if len(calls) != 2 || calls[0].Header.Get("Webhook-Id") != calls[1].Header.Get("Webhook-Id") || string(calls[0].Body) != string(calls[1].Body) {
			t.Errorf("sent again: %+v", calls)
		}
		// A receipt that comes while its message is still being taken.
		told := make(chan error, 1)
		h.Answer(func(int, channeltest.Call, http.ResponseWriter) {
			which, err := h.newest(got.Conversation)
			if err == nil {
				err = receipt(which)
			}
			told <- err
		})
		inside := h.Reply(got.Conversation, "Two")
		h.must(<-told)
		h.Settled(c.ID)
		if !refused(inside) {
			t.Errorf("after its call: %+v", now(inside))
		}
	})
}

// newest is the last message of a conversation.
func (h *house) newest(of id.Conversation) (id.Message, error) {
	t, err := h.Inbox.Messages(h.T.Context(), of, inbox.Range{Limit: 200})
	if err != nil {
		return 0, err
	}
	return t.Messages[len(t.Messages)-1].ID, nil
}

func TestS081AFailedMessageIsSentAgainOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		got := c.post(map[string]any{"contact_id": "7"})
		state := func(m *event.Message) event.MessageState { return h.Message(got.Conversation, m.ID).State }
		at := func(sql string) {
			h.must(h.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE conversations SET address_id = ` + sql)
				return err
			}))
		}
		at(`NULL`)
		m := h.Reply(got.Conversation, "Hi")
		h.Until(func() bool { return state(m) == event.StateFailed })
		if now := h.Message(got.Conversation, m.ID); now.StateCode != "given_up" || !strings.Contains(now.StateReason, "no address") {
			t.Errorf("failed with %q %q", now.StateCode, now.StateReason)
		}
		at(`(SELECT id FROM channel_contacts)`)
		for range 2 {
			number, err := h.Channels.Retry(t.Context(), h.Ann, once.Key{Scope: "x", Value: "k"}, got.Conversation, m.ID)
			h.must(err)
			if number != m.Number {
				t.Errorf("number %d, want %d", number, m.Number)
			}
		}
		h.Wait(1)
		h.Until(func() bool { return state(m) == event.StateSent })
		if calls := h.Settled(c.ID); len(calls) != 1 {
			t.Errorf("%d calls", len(calls))
		}
		if _, err := h.Channels.Retry(t.Context(), h.Ann, once.Key{}, got.Conversation, m.ID); !fault.Is(err, fault.MessageNotFailed) {
			t.Errorf("a message that arrived: %v", err)
		}
		if _, err := h.Channels.Retry(t.Context(), h.Ann, once.Key{}, got.Conversation, 9999); !fault.Is(err, fault.MessageNotFound) {
			t.Errorf("an unknown message: %v", err)
		}
	})
}

func TestReceiptsRaiseTheState(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		got := c.post(map[string]any{"email": "ann@x.de"})
		_, err := h.Channels.Pause(t.Context(), h.Admin, c.ID)
		h.must(err)
		m := h.Reply(got.Conversation, "Hi")
		h.must(c.receipt(fmt.Sprintf(`{"id":"%s","state":"failed","error":"no such number"}`, m.Ref())))
		if now := h.Message(got.Conversation, m.ID); now.State != event.StateFailed || now.StateCode != "refused" || now.StateReason != "no such number" {
			t.Errorf("after the receipt: %v %q %q", now.State, now.StateCode, now.StateReason)
		}
		_, err = h.Channels.Retry(t.Context(), h.Ann, once.Key{}, got.Conversation, m.ID)
		h.must(err)
		_, err = h.Channels.Resume(t.Context(), h.Admin, c.ID, true)
		h.must(err)
		state := func() event.MessageState { return h.Message(got.Conversation, m.ID).State }
		h.Until(func() bool { return state() == event.StateSent })
		for _, s := range []struct {
			body string
			want event.MessageState
		}{{`{"id":%d,"state":"read"}`, event.StateRead}, {`{"id":%d,"state":"delivered"}`, event.StateRead}} {
			h.must(c.receipt(fmt.Sprintf(s.body, m.ID)))
			if got := state(); got != s.want {
				t.Errorf("%s: %v", s.body, got)
			}
		}
		// Nobody else's message, and none of the contact.
		foreign := h.make().post(map[string]any{"email": "bob@x.de"})
		theirs := h.Reply(foreign.Conversation, "Hi")
		for _, which := range []id.Message{theirs.ID, got.Message, 9999} {
			if err := c.receipt(fmt.Sprintf(`{"id":%d,"state":"read"}`, which)); !fault.Is(err, fault.MessageNotFound) {
				t.Errorf("message %d: %v", which, err)
			}
		}
		h.Wait(2)
		if calls := h.Settled(c.ID); len(calls) != 2 {
			t.Errorf("%d calls", len(calls))
		}
	})
}

func TestWhatWaitedFailsWithoutTheBacklogAndCanBeSentAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		got := c.post(map[string]any{"email": "ann@x.de"})
		_, err := h.Channels.Pause(t.Context(), h.Admin, c.ID)
		h.must(err)
		m := h.Reply(got.Conversation, "Hi")
		h.events(event.MessageSent)
		_, err = h.Channels.Resume(t.Context(), h.Admin, c.ID, false)
		h.must(err)
		h.Until(func() bool { return h.Message(got.Conversation, m.ID).State == event.StateFailed })
		if now := h.Message(got.Conversation, m.ID); now.StateCode != "dropped" || now.StateReason == "" {
			t.Errorf("%q %q", now.StateCode, now.StateReason)
		}
		_, err = h.Channels.Retry(t.Context(), h.Ann, once.Key{}, got.Conversation, m.ID)
		h.must(err)
		h.Wait(1)
		h.Until(func() bool { return h.Message(got.Conversation, m.ID).State == event.StateSent })
		if calls := h.Settled(c.ID); len(calls) != 1 {
			t.Errorf("%d calls", len(calls))
		}
	})
}

func TestAPendingMessageThatNothingBringsIsSentAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		got := c.post(map[string]any{"email": "ann@x.de"})
		_, err := h.Channels.Pause(t.Context(), h.Admin, c.ID)
		h.must(err)
		m := h.Reply(got.Conversation, "Hi")
		h.events(event.MessageSent)
		number, err := h.Channels.Retry(t.Context(), h.Ann, once.Key{}, got.Conversation, m.ID)
		if h.must(err); number != m.Number {
			t.Errorf("number %d, want %d", number, m.Number)
		}
		h.must(h.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE deliveries SET state = 'dropped' WHERE state = 'pending'`)
			return err
		}))
		_, err = h.Channels.Resume(t.Context(), h.Admin, c.ID, true)
		h.must(err)
		if _, err = h.Channels.Retry(t.Context(), h.Ann, once.Key{}, got.Conversation, m.ID); err != nil {
			t.Fatal(err)
		}
		h.Until(func() bool { return h.Message(got.Conversation, m.ID).State == event.StateSent })
	})
}

func TestEveryMessageThatWaitedFailsWithoutTheBacklog(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		got := c.post(map[string]any{"email": "ann@x.de"})
		_, err := h.Channels.Pause(t.Context(), h.Admin, c.ID)
		h.must(err)
		m := h.Reply(got.Conversation, "Hi")
		h.events(event.MessageSent)
		// Much has come after it.
		h.must(h.DB.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			var target delivery.Target
			if err := tx.One(`SELECT target FROM channels WHERE id = $1`, []any{int64(c.ID)}, &target); err != nil {
				return err
			}
			_, err := delivery.Enqueue(tx, slices.Repeat([]delivery.Item{{Target: target, Name: "x", Form: c.Type, Body: []byte("{}"), Test: true}}, 2100)...)
			return err
		}))
		_, err = h.Channels.Resume(t.Context(), h.Admin, c.ID, false)
		h.must(err)
		late := h.Reply(got.Conversation, "after it")
		h.Until(func() bool { return h.Message(got.Conversation, late.ID).State == event.StateSent })
		if now := h.Message(got.Conversation, m.ID); now.State != event.StateFailed || now.StateCode != "dropped" {
			t.Errorf("%v %q", now.State, now.StateCode)
		}
		if calls := h.Settled(c.ID); len(calls) != 1 || calls[0].JSON(t)["body"] != "after it" {
			t.Errorf("%d calls", len(calls))
		}
	})
}

func TestS062AutomaticTextsAreInTheWidgetsLanguage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.AutoReply = new(true) })
		c.post(map[string]any{"email": "ann@x.de"})
		c.post(map[string]any{"email": "ann@x.de"})
		h.Wait(1)
		calls := h.Settled(c.ID)
		if len(calls) != 1 {
			t.Fatalf("%d receipts", len(calls))
		}
		b := calls[0].JSON(t)
		if !strings.HasPrefix(fmt.Sprint(b["body"]), "Danke") || b["sender"].(map[string]any)["type"] != "system" {
			t.Errorf("%s", calls[0].Body)
		}
	})
}

func TestS061AnotherDefaultWidgetConcernsLaterConversations(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		first := c.post(map[string]any{"email": "ann@x.de"})
		w := h.MakeWidget("Second", "en")
		_, err := h.Channels.Update(t.Context(), h.Admin, once.Key{}, c.ID, channel.Draft{Widget: &w.ID})
		h.must(err)
		later := c.post(map[string]any{"email": "bob@x.de"})
		c.post(map[string]any{"email": "ann@x.de"})
		for conversation, want := range map[id.Conversation]id.Widget{first.Conversation: h.Widget.ID, later.Conversation: w.ID} {
			if v, err := h.Inbox.Get(t.Context(), conversation); err != nil || v.Widget.ID != want {
				t.Errorf("conversation %d is of widget %d, want %d (%v)", conversation, v.Widget.ID, want, err)
			}
		}
	})
}

func TestOperatorsBeginConversations(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Settings["version"] = "2" })
		web := h.known("Ann", "ann@x.de", "")
		silent := h.known("Nobody", "", "")
		theirs := c.post(map[string]any{"contact_id": "7", "name": "Zoe"})
		begin := func(b channel.Begin) (channel.Sent, error) {
			b.Channel, b.Body = c.ID, "Hi"
			return h.Channels.Start(t.Context(), h.Ann, once.Key{}, b)
		}
		for what, s := range map[string]struct {
			b   channel.Begin
			who id.Contact
		}{"a contact": {channel.Begin{Contact: web}, web}, "an address": {channel.Begin{Address: "id:7"}, theirs.Contact}, "the other side's id": {channel.Begin{Address: "7"}, theirs.Contact},
			"a known e-mail address": {channel.Begin{Email: "ANN@x.de"}, web}, "a new one": {channel.Begin{Email: "new@x.de", Name: "Eva"}, 0}} {
			sent, err := begin(s.b)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			v, err := h.Inbox.Get(t.Context(), sent.Conversation)
			h.must(err)
			if s.who != 0 && v.Contact.ID != s.who || v.Channel.ID != c.ID || v.Operator == nil && s.who != theirs.Contact {
				t.Errorf("%s: contact %d, channel %d, operator %v", what, v.Contact.ID, v.Channel.ID, v.Operator)
			}
		}
		for what, s := range map[string]struct {
			b     channel.Begin
			code  fault.Code
			field string
		}{"nobody": {channel.Begin{}, fault.FieldRequired, "contact_id"}, "two": {channel.Begin{Contact: web, Email: "a@x.de"}, fault.FieldRequired, "contact_id"},
			"no address": {channel.Begin{Contact: silent}, fault.ChannelAddress, "contact_id"}, "nonsense": {channel.Begin{Email: "nonsense"}, fault.FieldInvalid, "email"},
			"no contact": {channel.Begin{Contact: 999}, fault.ContactNotFound, ""}} {
			if _, err := begin(s.b); !fault.Is(err, s.code) || fault.As(err).Field != s.field {
				t.Errorf("%s: %v, want %s at %s", what, err, s.code, s.field)
			}
		}
		h.Wait(5)
		if calls := h.Settled(c.ID); len(calls) != 5 {
			t.Errorf("%d calls", len(calls))
		}
		_, err := h.Channels.Pause(t.Context(), h.Admin, c.ID)
		h.must(err)
		if _, err := begin(channel.Begin{Contact: web}); !fault.Is(err, fault.ChannelPaused) {
			t.Errorf("on a paused channel: %v", err)
		}
	})
}

func TestS064AVisitorGoesOnOnAChannel(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Widgets = &[]id.Widget{h.Widget.ID} })
		closed := h.make()
		offers, err := h.Channels.Offers(t.Context(), h.Widget.ID)
		h.must(err)
		if len(offers) != 1 || offers[0].ID != c.ID {
			t.Errorf("offers: %+v", offers)
		}
		v := h.visitor()
		who, where := v.Contact.ID, v.Conversation.ID
		if _, err := h.Channels.Continue(t.Context(), who, where, closed.ID, "ann@x.de"); !fault.Is(err, fault.ChannelNotOffered) {
			t.Errorf("a channel that is not offered: %v", err)
		}
		for _, bad := range []string{"", "nonsense"} {
			if _, err := h.Channels.Continue(t.Context(), who, where, c.ID, bad); fault.As(err).Field != "email" {
				t.Errorf("at %q: %v", bad, err)
			}
		}
		if _, err := h.Channels.Continue(t.Context(), who+100, where, c.ID, "ann@x.de"); !fault.IsKind(err, fault.NotFound) {
			t.Errorf("somebody else's conversation: %v", err)
		}
		for range 2 { // a repeat changes nothing
			moved, err := h.Channels.Continue(t.Context(), who, where, c.ID, "Ann@x.de")
			h.must(err)
			if moved.ID != where || moved.Channel.ID != c.ID {
				t.Errorf("moved: %+v", moved.Conversation)
			}
		}
		calls := h.Wait(1)
		if b := calls[0].JSON(t); !strings.HasPrefix(fmt.Sprint(b["body"]), "Ihr Gespräch") || b["email"] != "ann@x.de" || fmt.Sprint(b["conversation_id"]) != fmt.Sprint(where) {
			t.Errorf("the notice: %s", calls[0].Body)
		}
		back := c.post(map[string]any{"email": "ann@x.de"})
		if back.Conversation != where || back.Contact != who {
			t.Errorf("the answer went to %+v", back)
		}
		if mail := h.contact(who).Email; mail != "" {
			t.Errorf("what was typed became the contact's address %q", mail)
		}
		h.Reply(where, "On the channel")
		h.Wait(2)
		if calls := h.Settled(c.ID); len(calls) != 2 {
			t.Errorf("%d calls", len(calls))
		}
	})
}

// Whoever types somebody's e-mail address must not get at what its owner writes.
func TestATypedAddressTakesNothingOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Widgets = &[]id.Widget{h.Widget.ID} })
		owner := c.post(map[string]any{"email": "ann@x.de"})
		v := h.visitor()
		_, err := h.Channels.Continue(t.Context(), v.Contact.ID, v.Conversation.ID, c.ID, "ann@x.de")
		h.must(err)
		if later := c.post(map[string]any{"email": "ann@x.de"}); later.Contact != owner.Contact || later.Conversation != owner.Conversation {
			t.Errorf("the owner's message went to %+v, want %+v", later, owner)
		}
		h.Reply(v.Conversation.ID, "To who typed")
		h.Wait(2)
		for _, call := range h.Settled(c.ID) {
			if call.JSON(t)["email"] != "ann@x.de" {
				t.Errorf("%s", call.Body)
			}
		}
		list, err := h.Channels.Addresses(t.Context(), v.Contact.ID)
		h.must(err)
		if len(list) != 1 || list[0].Address != "ann@x.de" {
			t.Errorf("addresses: %+v", list[0])
		}
		// Somebody who is signed in would read along: their own address counts, another does not.
		signed := h.visitor()
		h.must(h.DB.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			p, err := contact.Lock(tx, signed.Contact.ID)
			if err != nil {
				return err
			}
			return h.Contacts.Change(ctx, tx, event.Party{Type: event.BySystem}, p, contact.Change{ExternalID: new("u-1")})
		}))
		_, err = h.Channels.Continue(t.Context(), signed.Contact.ID, signed.Conversation.ID, c.ID, "victim@x.de")
		h.must(err)
		if victim := c.post(map[string]any{"email": "victim@x.de"}); victim.Contact == signed.Contact.ID {
			t.Error("the address of a stranger belongs to who typed it")
		}
	})
}

func TestMovesToOneAddressAreFew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make(func(d *channel.Draft) { d.Widgets = &[]id.Widget{h.Widget.ID} })
		var err error
		for range 4 {
			v := h.visitor()
			_, err = h.Channels.Continue(t.Context(), v.Contact.ID, v.Conversation.ID, c.ID, "ann@x.de")
		}
		if !fault.Is(err, fault.RequestLimited) {
			t.Errorf("the fourth: %v", err)
		}
	})
}

func TestTestsGoTheWayOfMessages(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		out, err := h.Channels.Test(t.Context(), h.Admin, once.Key{}, c.ID, channel.TestOut, "me@shop.example")
		h.must(err)
		if out.Delivery == 0 || out.Message != 0 {
			t.Errorf("out: %+v", out)
		}
		if b := h.Wait(1)[0].JSON(t); b["email"] != "me@shop.example" || b["type"] != "message" {
			t.Errorf("%v", b)
		}
		first, err := h.Channels.Test(t.Context(), h.Admin, once.Key{Scope: "x", Value: "1"}, c.ID, channel.TestIn, "")
		h.must(err)
		again, err := h.Channels.Test(t.Context(), h.Admin, once.Key{Scope: "x", Value: "1"}, c.ID, channel.TestIn, "")
		h.must(err)
		if first.Message == 0 || again != first {
			t.Errorf("in: %+v, again %+v", first, again)
		}
		if _, err := h.Channels.Test(t.Context(), h.Ann, once.Key{}, c.ID, channel.TestOut, ""); !fault.Is(err, fault.AuthDenied) {
			t.Errorf("an operator: %v", err)
		}
	})
}

func TestTheEngineStopsAChannelAndTellsTheFeed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		x := h.Channels.Executor()
		tell := func(n delivery.Notice) {
			t.Helper()
			h.must(h.DB.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error { return x.Notice(ctx, tx, int64(c.ID), n) }))
		}
		tell(delivery.Notice{Kind: delivery.NoticeFailing, Days: 3, Reason: "no answer"})
		tell(delivery.Notice{Kind: delivery.NoticePaused, Days: 5, Reason: "nothing has arrived"})
		tell(delivery.Notice{Kind: delivery.NoticePaused, Days: 5, Reason: "a second time says nothing new"})
		now, err := h.Channels.Get(t.Context(), h.Admin, c.ID)
		h.must(err)
		if now.State != channel.Paused || now.StateReason != "nothing has arrived" {
			t.Errorf("%s: %s", now.State, now.StateReason)
		}
		var told []string
		for _, e := range h.events(event.ChannelFailing, event.ChannelPaused) {
			told = append(told, fmt.Sprint(e.Type, " ", e.Channel.Name, " ", e.Days, " ", e.Reason))
		}
		if fmt.Sprint(told) != "[channel.failing SMS 3 no answer channel.paused SMS 0 nothing has arrived]" {
			t.Errorf("told: %q", told)
		}
	})
}

func TestTheLogHasAnEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		h.must(h.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for i := range 1100 {
				if _, err := tx.Exec(`INSERT INTO channel_inbound (channel_id, at, ip, status, code, detail, duplicate) VALUES ($1, $2, '', 200, '', '', FALSE)`, int64(c.ID), i); err != nil {
					return err
				}
			}
			return nil
		}))
		h.must(h.Channels.Forget(t.Context()))
		n, before := 0, int64(0)
		for more := true; more; {
			var list []*channel.Knock
			var err error
			list, more, err = h.Channels.Log(t.Context(), h.Admin, c.ID, before, 200)
			h.must(err)
			n, before = n+len(list), list[len(list)-1].ID
		}
		if n != 1000 {
			t.Errorf("%d lines are kept", n)
		}
	})
}

func TestAWrongTokenIsNotedOnlySoOften(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		key := strings.TrimPrefix(c.InboundURL, channeltest.PublicURL+"/channels/")
		limited := 0
		for i := range 400 {
			_, err := h.Channels.Open(t.Context(), channel.Caller{Key: key, Token: "wrong-wrong", From: fmt.Sprint(i % 10)}, channeltest.Status)
			if fault.Is(err, fault.RequestLimited) {
				limited++
			} else if !fault.Is(err, fault.ChannelTokenWrong) {
				t.Fatal(err)
			}
		}
		list, _, err := h.Channels.Log(t.Context(), h.Admin, c.ID, 0, 200)
		h.must(err)
		if limited < 150 || len(list) > 110 {
			t.Errorf("%d were limited, %d lines", limited, len(list))
		}
		// Others are not kept out by them.
		if _, err := h.Channels.Open(t.Context(), channel.Caller{Key: key, Token: c.token, From: "somebody else"}, channeltest.Status); err != nil {
			t.Error(err)
		}
	})
}

func TestAnHonestSenderIsNotKeptOutByAChangeOfSettings(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		// Others behind the same address have asked for doors that are none, until they may not any more.
		for {
			if _, err := h.Channels.Open(t.Context(), channel.Caller{Key: "none", From: "proxy"}, channeltest.Status); fault.Is(err, fault.RequestLimited) {
				break
			}
		}
		_, err := h.Channels.Update(t.Context(), h.Admin, once.Key{}, c.ID, channel.Draft{Name: new("Another name")})
		h.must(err)
		key := strings.TrimPrefix(c.InboundURL, channeltest.PublicURL+"/channels/")
		if _, err := h.Channels.Open(t.Context(), channel.Caller{Key: key, Token: c.token, From: "proxy"}, channeltest.Status); err != nil {
			t.Error(err)
		}
		if _, err := h.Channels.Open(t.Context(), channel.Caller{Key: "none", From: "proxy"}, channeltest.Status); !fault.Is(err, fault.RequestLimited) {
			t.Errorf("whoever asks for doors that are none: %v", err)
		}
	})
}

func TestARotatedTokenIsRefusedInsideTheTransaction(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		door, err := h.Channels.Open(t.Context(), channel.Caller{Key: strings.TrimPrefix(c.InboundURL, channeltest.PublicURL+"/channels/"), Token: c.token}, channeltest.Status)
		h.must(err)
		_, err = h.Channels.Rotate(t.Context(), h.Admin, once.Key{}, c.ID, channel.InboundToken, "", 0)
		h.must(err)
		if _, err := door.Receive(t.Context(), []byte(`{"email":"ann@x.de","body":"late"}`)); !fault.Is(err, fault.ChannelTokenWrong) {
			t.Errorf("who was let in before: %v", err)
		}
		h.must(h.Channels.Delete(t.Context(), h.Admin, c.ID))
		if _, err := door.Receive(t.Context(), []byte(`{"email":"ann@x.de","body":"late"}`)); !fault.Is(err, fault.ChannelNotFound) {
			t.Errorf("after the deletion: %v", err)
		}
	})
}

func TestARefusedAnswerIsTriedAgainWhenItsSenderAsks(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.make()
		got := c.post(map[string]any{"email": "ann@x.de"})
		h.Answer(func(n int, _ channeltest.Call, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		})
		m := h.Reply(got.Conversation, "Hi")
		h.Wait(2)
		h.Until(func() bool { return h.Message(got.Conversation, m.ID).State == event.StateSent })
	})
}
