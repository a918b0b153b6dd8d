package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/audit"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/team"
)

// word is planted everywhere and must be nowhere afterwards.
const word = "zanzibarquokka"

// where lists the columns of all tables, text or bytes, that hold the word.
func (h *house) where(t *testing.T) (found []string) {
	t.Helper()
	columns := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'message_words%' AND m.name NOT LIKE 'contact_words%'`
	look := `SELECT COUNT(*) FROM "%s" WHERE INSTR(LOWER(CAST("%s" AS TEXT)), '` + word + `') > 0`
	words := []string{`SELECT COUNT(*) FROM message_words WHERE message_words MATCH '` + word + `'`, `SELECT COUNT(*) FROM contact_words WHERE contact_words MATCH '` + word + `'`}
	if h.d.Engine() == db.Postgres {
		columns = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()`
		look = `SELECT COUNT(*) FROM "%s" WHERE encode(convert_to(LOWER(CAST("%s" AS TEXT)), 'UTF8'), 'hex') LIKE '%%' || encode('` + word + `', 'hex') || '%%'`
		words = nil // they are text
	}
	err := h.d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
		list, err := db.All(tx, columns, nil, func(r db.Scanner) (c [2]string, err error) {
			err = r.Scan(&c[0], &c[1])
			return c, err
		})
		if err != nil {
			return err
		}
		if len(list) < 100 {
			t.Fatalf("only %d columns are looked at", len(list))
		}
		for _, c := range list {
			q := fmt.Sprintf(look, c[0], c[1])
			if h.d.Engine() == db.Postgres && (c[1] == "data" && c[0] == "events" || strings.HasSuffix(c[1], "body") && strings.HasPrefix(c[0], "delivery_")) {
				q = fmt.Sprintf(`SELECT COUNT(*) FROM "%s" WHERE LOWER(convert_from("%s", 'UTF8')) LIKE '%%`+word+`%%'`, c[0], c[1])
			}
			var n int
			if err := tx.One(q, nil, &n); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
			if n > 0 {
				found = append(found, c[0]+"."+c[1])
			}
		}
		for _, q := range words {
			var n int
			if err := tx.One(q, nil, &n); err != nil {
				return err
			}
			if n > 0 {
				found = append(found, q)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// deliveries makes everything that happens from now on be delivered, with the whole event in the body and in the answer.
func (h *house) deliveries(t *testing.T) {
	t.Helper()
	var to delivery.Target
	h.tx(t, func(tx *db.Tx) (err error) {
		to, err = delivery.NewTarget(tx, "test", 1, delivery.Limits{})
		return err
	})
	h.feed.Plan(func(_ context.Context, tx *db.Tx, e *event.Event) error {
		list, err := delivery.Enqueue(tx, delivery.Item{Target: to, Event: e.ID, Lane: e.Lane(), Name: "x", Body: []byte("all of " + word)})
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, outcome, status, error, retry_at, request_url, request_headers, response_headers, response_body)
VALUES ($1, 1, 0, 0, 'retry', 500, $2, 0, '', '{}', $3, $4)`, int64(list[0]), "no "+word, `{"X":["`+word+`"]}`, []byte("thanks for "+word))
		return err
	})
}

func (h *house) exec(t *testing.T, q string, args ...any) {
	t.Helper()
	h.tx(t, func(tx *db.Tx) error {
		_, err := tx.Exec(q, args...)
		return err
	})
}

func (h *house) visitorOf(t *testing.T, token string) contact.Visitor {
	t.Helper()
	v, err := h.contacts.Authenticate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sweep runs the worker as long as it takes.
func (h *house) sweep(t *testing.T) {
	t.Helper()
	if h.d.Engine() == db.Postgres {
		for {
			if n, err := h.feed.NumberOnce(t.Context()); err != nil || n == 0 {
				break
			}
		}
	}
	time.Sleep(2 * time.Minute)
	if _, err := h.desk.EraseOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// plant makes a contact of whom every field, message, note, visit, file and answer holds the word, in an open and in an ended conversation, and
// who was somebody else before.
func (h *house) plant(t *testing.T) (who *ContactPosted) {
	t.Helper()
	h.desk.Place = func(string) Place { return Place{City: word, Region: word, Country: word, CountryCode: word} }
	defer func() { h.desk.Place = nil }()
	ctx := t.Context()
	fill := func(p *ContactPost) {
		p.Change = contact.Change{Name: new("Name " + word), Email: new(word + "@x.example"), Phone: new("1" + word), Custom: new(event.RawJSON(`{"a":"` + word + `"}`))}
		for i := range p.Change.Additional {
			p.Change.Additional[i] = &event.Additional{Name: "N" + word, Value: "V" + word}
		}
		p.Visit = Visit{URL: "https://shop.example/" + word, Title: word, InitialURL: "https://shop.example/i" + word, Referrer: "https://" + word + ".example/", UserAgent: "Agent " + word, IP: word}
		p.ClientID = word + "-" + p.ClientID[24:]
	}
	p := h.post("I am " + word + ", see https://" + word + ".example/page")
	fill(&p)
	guest := h.send(t, p)
	h.reply(t, h.ann, guest.Conversation.ID, "dear "+word+" https://b"+word+".example/")
	if _, err := h.desk.Post(ctx, h.ann, once.Key{}, Post{Conversation: guest.Conversation.ID, Body: "note " + word, Note: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.SetTopic(ctx, h.ann, once.Key{}, guest.Conversation.ID, "Topic "+word); err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.SetTags(ctx, h.ann, once.Key{}, guest.Conversation.ID, []string{word}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.Rate(ctx, guest.Contact.ID, guest.Conversation.ID, 4); err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.Feedback(ctx, guest.Contact.ID, guest.Conversation.ID, "great "+word); err != nil {
		t.Fatal(err)
	}
	h.did(t)(h.desk.End(ctx, h.ann, once.Key{}, guest.Conversation.ID))
	if _, err := h.desk.AnswerSurvey(ctx, guest.Contact.ID, guest.Conversation.ID, "Yes"); err != nil {
		t.Fatal(err)
	}
	// The guest turns out to be somebody who was known already.
	p = h.post("first of me, " + word)
	fill(&p)
	who = h.send(t, p)
	_, code := h.way(t, who.Contact.ID, word+"@x.example", who.Conversation.ID)
	in, err := h.signIn(guest.Contact.ID, code)
	if err != nil {
		t.Fatal(err)
	}
	who.Token = in.Token
	h.exec(t, "UPDATE contact_tokens SET user_agent = $2 WHERE contact_id = $1", int64(who.Contact.ID), word)
	mine, theirs := media.Owner{Kind: media.OwnedByContact, ID: int64(who.Contact.ID)}, media.Owner{Kind: media.OwnedByOperator, ID: int64(h.ann.Operator)}
	p = h.post("with a file " + word)
	p.Contact, p.Conversation, p.Media = who.Contact.ID, who.Conversation.ID, h.upload(t, mine, word+".txt")
	h.send(t, p)
	if _, err := h.desk.Post(ctx, h.ann, once.Key{}, Post{Conversation: who.Conversation.ID, Media: h.upload(t, theirs, "for "+word+".txt")}); err != nil {
		t.Fatal(err)
	}
	h.upload(t, mine, "loose "+word+".txt")
	time.Sleep(2 * half) // the session ends, and another one begins
	if _, err := h.desk.ExpireOnce(ctx); err != nil {
		t.Fatal(err)
	}
	p = h.post("again " + word)
	p.Contact, p.Conversation, p.Visit = who.Contact.ID, who.Conversation.ID, Visit{URL: "https://shop.example/2" + word, UserAgent: word, IP: word}
	h.send(t, p)
	if _, err := h.desk.Post(ctx, h.ann, once.Key{}, Post{Conversation: who.Conversation.ID, Body: "Which one?", Choices: []string{"this " + word}}); err != nil {
		t.Fatal(err)
	}
	h.hooks = true
	if _, err := h.desk.SendToWebhook(ctx, h.ann, once.Key{}, who.Conversation.ID, []string{word}); err != nil {
		t.Fatal(err)
	}
	left := h.leave("call " + word)
	left.Contact, left.ClientID, left.Name, left.Email = who.Contact.ID, word+left.ClientID[24:], "Name "+word, word+"@left.example"
	left.Claimed, left.Visit = &contact.Claim{ID: "claimed " + word, Traits: event.RawJSON(`{"trait":"` + word + `"}`)}, p.Visit
	if _, err := h.desk.PostOffline(ctx, left); err != nil {
		t.Fatal(err)
	}
	h.way(t, who.Contact.ID, word+"@x.example", 0)
	h.index(t)
	return who
}

func TestErasedDataIsNowhere(t *testing.T) {
	each(t, "nothing that they or others said about them is in any column, and others keep everything", func(t *testing.T, h *house) {
		h.deliveries(t)
		who := h.plant(t)
		other := h.visitor(t)
		h.exec(t, "UPDATE deliveries SET state = 'delivered', last_error = $1, has_body = TRUE", "no "+word)
		if n := len(h.where(t)); n < 20 {
			t.Fatalf("the word was planted in %d columns only: %v", n, h.where(t))
		}
		if err := h.desk.EraseContact(t.Context(), h.visitorOf(t, who.Token)); err != nil {
			t.Fatal(err)
		}
		h.exec(t, "UPDATE deliveries SET state = 'delivered'")
		h.index(t)
		for _, left := range h.where(t) {
			switch left {
			case "events.data", "deliveries.last_error", "delivery_bodies.body", "delivery_attempts.error", "delivery_attempts.response_headers", "delivery_attempts.response_body":
			default:
				t.Errorf("right after the commit it is in %s", left)
			}
		}
		h.sweep(t)
		bodies := 0 // those of others are as they were
		h.tx(t, func(tx *db.Tx) error {
			return tx.One(`SELECT COUNT(*) FROM delivery_bodies b JOIN deliveries d ON d.id = b.delivery_id JOIN events e ON e.id = d.event_id WHERE e.contact_id = $1`, []any{int64(other.Contact.ID)}, &bodies)
		})
		if bodies == 0 {
			t.Error("bodies about others are gone")
		}
		h.exec(t, "DELETE FROM delivery_bodies WHERE delivery_id IN (SELECT d.id FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.contact_id IS NULL OR e.contact_id = $1)", int64(other.Contact.ID))
		h.exec(t, "UPDATE delivery_attempts SET error = '', response_headers = '', response_body = '' WHERE delivery_id IN (SELECT d.id FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.contact_id IS NULL OR e.contact_id = $1)", int64(other.Contact.ID))
		h.exec(t, "UPDATE deliveries SET last_error = '' WHERE event_id IN (SELECT id FROM events WHERE contact_id IS NULL OR contact_id = $1)", int64(other.Contact.ID))
		if left := h.where(t); len(left) > 0 {
			t.Errorf("it is still in %v", left)
		}
		list, _, err := h.feed.ReadAfter(t.Context(), 0, 1000, feed.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list { // as this process remembers them
			if s := fmt.Sprintf("%+v %+v %+v %+v", e, e.Conversation, e.Message, e.Contact); strings.Contains(s, word) {
				t.Errorf("memory has %s", s)
			}
		}
		var left int
		h.tx(t, func(tx *db.Tx) error { return tx.One("SELECT COUNT(*) FROM contact_erasures", nil, &left) })
		if left != 0 {
			t.Errorf("%d erasures are not finished", left)
		}
		if got := h.get(t, other.Conversation.ID); got.LastMessage == nil || got.LastMessage.Body != "Hello" {
			t.Errorf("another contact's conversation: %+v", got)
		}
	})
}

func TestEraseContact(t *testing.T) {
	each(t, "open conversations end by the contact, ended ones are told of, and then the contact is", func(t *testing.T, h *house) {
		v := h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		second := h.write(t, v.Contact.ID, "another one")
		h.events(t)
		if err := h.desk.EraseContact(t.Context(), h.visitorOf(t, v.Token)); err != nil {
			t.Fatal(err)
		}
		list := h.told(t, event.ConversationUpdated, event.SessionUnread, event.SessionEnded, event.ConversationEnded, event.ContactErased)
		last := list[len(list)-1]
		if last.Contact.ID != v.Contact.ID || last.By.Type != event.ByContact || last.By.ID != int64(v.Contact.ID) {
			t.Errorf("%+v", last)
		}
		if got := h.get(t, second.Conversation.ID); got.Status != event.StatusEnded || got.Session.EndReason != event.EndContact || got.LastMessage != nil {
			t.Errorf("%+v, %+v", got, got.Session)
		}
		for _, m := range h.thread(t, second.Conversation.ID) {
			if m.Said() && (m.Body != "" || m.DeletedAt.IsZero()) {
				t.Errorf("%+v", m)
			}
		}
		log, _, err := audit.New(h.d).List(t.Context(), team.System(), 0, 0)
		if err != nil || len(log) != 1 || log[0].Action != audit.ContactErased || log[0].Subject != fmt.Sprintf("contact:%d", v.Contact.ID) || log[0].Detail != "2 conversations" {
			t.Errorf("%+v, %v", log, err)
		}
		if h.valid(t, v.Token) {
			t.Error("the browser is still signed in")
		}
	})
	each(t, "ratings stay as numbers, and the operator's list goes on to work", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if _, err := h.desk.Rate(t.Context(), v.Contact.ID, v.Conversation.ID, 4); err != nil {
			t.Fatal(err)
		}
		if err := h.desk.EraseContact(t.Context(), h.visitorOf(t, v.Token)); err != nil {
			t.Fatal(err)
		}
		if got := h.get(t, v.Conversation.ID); got.Rating != 4 || got.Session.Rating == nil || got.Session.Rating.Value != 4 {
			t.Errorf("%+v, %+v", got, got.Session.Rating)
		}
	})
	each(t, "nobody writes there again, and nobody gets in again", func(t *testing.T, h *house) {
		p := h.post("hello")
		v := h.send(t, p)
		who := h.visitorOf(t, v.Token)
		if err := h.desk.EraseContact(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		h.refused(t, fault.ContactNotFound, "", func() error { return h.desk.EraseContact(t.Context(), who) })
		again := h.post("me again")
		again.Contact = v.Contact.ID
		h.refused(t, fault.ContactNotFound, "", func() error { _, err := h.desk.PostFromContact(t.Context(), again); return err })
		again.Conversation, again.Reopen = v.Conversation.ID, true
		h.refused(t, fault.ConversationNotFound, "conversation_id", func() error { _, err := h.desk.PostFromContact(t.Context(), again); return err })
		h.refused(t, fault.ConversationNotFound, "", func() error { return h.desk.MarkByContact(t.Context(), v.Contact.ID, v.Conversation.ID, 1, 1) })
		h.refused(t, fault.ConversationEnded, "", func() error {
			_, err := h.desk.Reopen(t.Context(), h.ann, once.Key{}, v.Conversation.ID)
			return err
		})
		h.refused(t, fault.ContactNotFound, "", func() error {
			_, err := h.desk.Identify(t.Context(), h.widget.Key, v.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: new("u1")}})
			return err
		})
		// The first message's client id opened the contact for an hour. Now it begins another one.
		fresh, err := h.desk.PostFromContact(t.Context(), p)
		if err != nil || fresh.Contact.ID == v.Contact.ID || fresh.Conversation.ID == v.Conversation.ID {
			t.Errorf("%+v, %v", fresh, err)
		}
	})
	each(t, "who only typed an address does not delete what its owner wrote elsewhere, who came by mail does", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		ch := h.channel(t, "Bridge")
		h.tx(t, func(tx *db.Tx) error {
			_, err := h.desk.PostFromChannel(t.Context(), tx, ChannelPost{Channel: ch, Widget: h.widget.ID, Contact: v.Contact.ID, Body: "from my own mail"})
			return err
		})
		h.refused(t, fault.AuthDenied, "", func() error { return h.desk.EraseContact(t.Context(), h.visitorOf(t, v.Token)) })
		link, _ := h.way(t, v.Contact.ID, "ann@x.example", 0)
		in, err := h.signIn(0, link)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.desk.EraseContact(t.Context(), h.visitorOf(t, in.Token)); err != nil {
			t.Error(err)
		}
	})
	each(t, "who proved another address than the one that a channel knows deletes nothing, and a channel's address without one neither", func(t *testing.T, h *house) {
		for _, row := range []struct {
			known string
			may   bool
		}{{"victim@x.example", false}, {"", false}, {"eve@x.example", true}} {
			v := h.typed(t, "eve@x.example")
			h.onChannel(t, h.channel(t, "Bridge "+row.known), v.Contact.ID, row.known)
			_, code := h.way(t, v.Contact.ID, "eve@x.example", 0)
			in, err := h.signIn(0, code)
			if err != nil {
				t.Fatal(err)
			}
			erase := func() error { return h.desk.EraseContact(t.Context(), h.visitorOf(t, in.Token)) }
			if !row.may {
				h.refused(t, fault.AuthDenied, "", erase)
			} else if err := erase(); err != nil {
				t.Error(err)
			}
		}
	})
	each(t, "somebody who was a guest before is erased with them, a guest with something left is not", func(t *testing.T, h *house) {
		v := h.typed(t, "ann@x.example")
		guest := h.send(t, h.post("guest"))
		stays := h.send(t, h.post("guest with a channel"))
		ch := h.channel(t, "Bridge")
		h.tx(t, func(tx *db.Tx) error {
			_, err := h.desk.PostFromChannel(t.Context(), tx, ChannelPost{Channel: ch, Widget: h.widget.ID, Contact: stays.Contact.ID, Body: "elsewhere"})
			return err
		})
		for _, one := range []*ContactPosted{guest, stays} {
			if _, err := h.contacts.UpdateSelf(t.Context(), one.Contact.ID, contact.Change{Name: new("Guest")}); err != nil {
				t.Fatal(err)
			}
			_, code := h.way(t, v.Contact.ID, "ann@x.example", 0)
			in, err := h.signIn(one.Contact.ID, code)
			if err != nil {
				t.Fatal(err)
			}
			v.Token = in.Token
		}
		if err := h.desk.EraseContact(t.Context(), h.visitorOf(t, v.Token)); err != nil {
			t.Fatal(err)
		}
		for c, want := range map[id.Contact]string{guest.Contact.ID: "", stays.Contact.ID: "Guest"} {
			if got, err := h.contacts.Get(t.Context(), c); err != nil || got.Name != want {
				t.Errorf("%+v, %v, want the name %q", got, err, want)
			}
		}
	})
	each(t, "what a delivery waits to tell goes out first; then it is erased", func(t *testing.T, h *house) {
		h.deliveries(t)
		v := h.send(t, h.post("I am "+word))
		h.exec(t, "UPDATE deliveries SET state = 'delivered', has_body = TRUE, last_error = ''")
		h.write(t, v.Contact.ID, "more of "+word)
		if err := h.desk.EraseContact(t.Context(), h.visitorOf(t, v.Token)); err != nil {
			t.Fatal(err)
		}
		h.sweep(t)
		var waiting, bodies int
		h.tx(t, func(tx *db.Tx) error {
			if err := tx.One("SELECT COUNT(*) FROM deliveries WHERE state = 'pending'", nil, &waiting); err != nil {
				return err
			}
			return tx.One("SELECT COUNT(*) FROM delivery_bodies", nil, &bodies)
		})
		if waiting == 0 || bodies != waiting {
			t.Errorf("%d deliveries wait, %d have a body", waiting, bodies)
		}
		told := 0
		list, _, err := h.feed.ReadAfter(t.Context(), 0, 100, feed.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Message != nil && strings.Contains(e.Message.Body, word) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%d events still tell what was said, want the one that waits", told)
		}
		h.exec(t, "UPDATE deliveries SET state = 'delivered', has_body = TRUE, last_error = ''")
		time.Sleep(eraseAgain)
		if n, err := h.desk.EraseOnce(t.Context()); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		if left := h.where(t); len(left) > 0 {
			t.Errorf("it is still in %v", left)
		}
	})
}

// An event that cannot be read keeps neither what came after it, nor for long the erasures of others.
func TestErasingGoesOnBesideWhatFails(t *testing.T) {
	each(t, "all but what fails is erased, and that later", func(t *testing.T, h *house) {
		v := h.send(t, h.post("I am "+word))
		broken := h.events(t)[0].ID
		h.write(t, v.Contact.ID, "more of "+word)
		if err := h.desk.EraseContact(t.Context(), h.visitorOf(t, v.Token)); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		data := func(e id.Event) (b []byte) {
			h.tx(t, func(tx *db.Tx) error { return tx.One("SELECT data FROM events WHERE id = $1", []any{int64(e)}, &b) })
			return b
		}
		whole := data(broken)
		h.exec(t, "UPDATE events SET data = $2 WHERE id = $1", int64(broken), []byte("broken"))
		o := h.desk.Options
		o.Feed = feed.New(h.d) // which remembers no event
		desk := New(o)
		time.Sleep(2 * time.Minute)
		if n, err := desk.EraseOnce(t.Context()); err == nil || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := desk.EraseOnce(t.Context()); err != nil || n != 0 {
			t.Errorf("it is tried again at once: %d, %v", n, err)
		}
		var newest id.Event
		h.tx(t, func(tx *db.Tx) (err error) { newest, err = newestEvent(tx); return err })
		for e := broken + 1; e <= newest; e++ {
			if strings.Contains(string(data(e)), word) {
				t.Errorf("event %d still tells what was said", e)
			}
		}
		h.exec(t, "UPDATE events SET data = $2 WHERE id = $1", int64(broken), whole)
		time.Sleep(eraseAgain)
		if n, err := desk.EraseOnce(t.Context()); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		h.index(t)
		if left := h.where(t); len(left) > 0 {
			t.Errorf("it is still in %v", left)
		}
	})
}

// Visitors write, sign in and delete their data at the same time: afterwards erased contacts have nothing, whoever was quicker.
func TestErasingWhileOthersWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for range 5 {
			v := h.typed(t, "ann@x.example")
			who := h.visitorOf(t, v.Token)
			link, _ := h.way(t, v.Contact.ID, "ann@x.example", 0)
			guest := h.send(t, h.post("guest"))
			p := h.post("late " + word)
			p.Contact, p.Conversation, p.Reopen = v.Contact.ID, v.Conversation.ID, true
			var wait sync.WaitGroup
			for _, fn := range []func() error{
				func() error { return h.desk.EraseContact(context.Background(), who) },
				func() error { _, err := h.desk.PostFromContact(context.Background(), p); return err },
				func() error { _, err := h.signInAsked(guest.Contact.ID, link, "ann@x.example"); return err },
				func() error {
					_, err := h.desk.Post(context.Background(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "note " + word, Note: true})
					return err
				},
				func() error {
					_, err := h.contacts.UpdateSelf(context.Background(), v.Contact.ID, contact.Change{Name: new(word)})
					return err
				},
			} {
				wait.Go(func() {
					if err := fn(); err != nil && !fault.IsKind(err, fault.NotFound) && !fault.Is(err, fault.ReauthInvalid) && !fault.IsKind(err, fault.Conflict) {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			var tokens, live int
			h.tx(t, func(tx *db.Tx) error {
				if err := tx.One("SELECT COUNT(*) FROM contact_tokens WHERE contact_id = $1", []any{int64(v.Contact.ID)}, &tokens); err != nil {
					return err
				}
				return tx.One("SELECT COUNT(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.contact_id = $1 AND m.body <> '' AND NOT m.note", []any{int64(v.Contact.ID)}, &live)
			})
			if got, err := h.contacts.Get(t.Context(), v.Contact.ID); err != nil || got.Name != "" || tokens != 0 || live != 0 {
				t.Errorf("%+v with %d tokens and %d messages, %v", got, tokens, live, err)
			}
		}
		h.check(t)
	})
}

func TestRunErasures(t *testing.T) {
	each(t, "the worker finishes by itself, and stops", func(t *testing.T, h *house) {
		v := h.send(t, h.post("I am "+word))
		if err := h.desk.EraseContact(t.Context(), h.visitorOf(t, v.Token)); err != nil {
			t.Fatal(err)
		}
		h.index(t)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := h.desk.RunErasures(ctx, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		}()
		time.Sleep(2 * time.Minute)
		stop()
		<-done
		if left := h.where(t); len(left) > 0 {
			t.Errorf("it is still in %v", left)
		}
	})
}
