package mail_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
	ours "parley/internal/mail"
	"parley/internal/once"
)

// S-001, S-002: all mails of a widget take the way that the widget says, and no other.
func TestMailsTakeOneWay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byServer()
		h.byCallback()
		v := h.talk("kim@x.example")
		h.reply(v.Conversation.ID, "How do you do?")
		first := h.transcript(v.Conversation.ID)
		pass(5 * time.Second)
		h.must(h.mails.Ask(t.Context(), h.widget, "Kim@X.example "))
		pass(10 * time.Second)
		calls := h.hook.got()
		if len(calls) != 2 || len(h.sink.got()) != 0 {
			t.Fatalf("%d calls and %d mails, want 2 and 0", len(calls), len(h.sink.got()))
		}
		for i, c := range calls {
			kind := []string{"transcript", "reauth"}[i]
			v := c.json(t)
			if c.Method != http.MethodPost || c.Header.Get("Api-Security-Token") != "s3cr3t" || c.Header.Get("Content-Type") != "application/json" ||
				c.Header.Get("Webhook-Id") == "" || c.Header.Get("Webhook-Timestamp") == "" || c.Header.Get("User-Agent") != "Parley/test" {
				t.Errorf("call %d: %s %v", i, c.Method, c.Header)
			}
			if len(v) != 6 || v["email_type"] != kind || v["receiver"] != "kim@x.example" {
				t.Errorf("call %d: %v", i, v)
			}
			for _, k := range []string{"html", "subject", "text"} {
				if s, _ := v[k].(string); s == "" {
					t.Errorf("call %d has no %s", i, k)
				}
			}
		}
		if s := h.mail(first.ID); s.State != ours.Sent || s.DoneAt.IsZero() || s.Reason != "" || s.AskedBy != fmt.Sprint("operator:", h.ann.Operator) || s.Delivery == 0 {
			t.Errorf("mail = %+v", s)
		}

		h.set(func(d *ours.Draft) { d.Callback = new(false) })
		h.transcript(v.Conversation.ID)
		h.must(h.mails.Ask(t.Context(), h.widget, "kim@x.example"))
		pass(5 * time.Second)
		if len(h.hook.got()) != 2 || len(h.sink.got()) != 2 {
			t.Fatalf("%d calls and %d mails, want 2 and 2", len(h.hook.got()), len(h.sink.got()))
		}
		for _, m := range h.sink.got() {
			if m.to != "kim@x.example" || m.message.Header.Get("From") == "" || !strings.HasSuffix(m.message.Header.Get("Message-Id"), "@shop.example>") {
				t.Errorf("%s: %v", m.to, m.message.Header)
			}
		}
		if got := len(h.events(event.MailQueued)); got != 4 {
			t.Errorf("%d events mail.queued, want 4", got)
		}
	})
}

// S-029: everything in order over all sessions, no notes, nothing that was deleted.
func TestTranscriptHasEverythingInOrder(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		v := h.talk("kim@x.example")
		c := v.Conversation.ID
		for i := range 250 {
			h.reply(c, fmt.Sprintf("answer %d of many", i))
			if i%100 == 99 { // another session
				_, err := h.inbox.End(t.Context(), h.ann, once.Key{}, c)
				h.must(err)
				_, err = h.inbox.PostFromContact(t.Context(), inbox.ContactPost{WidgetKey: h.widget.Key, ClientID: fmt.Sprint("again-", i), Body: "me again", Contact: v.Contact.ID, Conversation: c, Reopen: true})
				h.must(err)
			}
		}
		_, err := h.inbox.Post(t.Context(), h.ann, once.Key{}, inbox.Post{Conversation: c, Body: "secret note", Note: true})
		h.must(err)
		gone := h.reply(c, "taken back")
		_, err = h.inbox.DeleteMessage(t.Context(), h.ann, once.Key{}, c, gone.ID)
		h.must(err)
		h.transcript(c)
		h.reply(c, "after the transcript")
		pass(5 * time.Second)
		calls := h.hook.got()
		if len(calls) != 1 {
			t.Fatalf("%d calls", len(calls))
		}
		list := calls[0].context(t)["messages"].([]any)
		said, before, sessions := 0, "", map[any]bool{}
		for _, m := range list {
			m := m.(map[string]any)
			if m["type"] == "message" {
				said++
			}
			if at := m["sent_at"].(string); at < before {
				t.Errorf("%s after %s", at, before)
			} else {
				before = at
			}
			sessions[m["part_id"]] = true
			if b := fmt.Sprint(m["body"]); strings.Contains(b, "secret note") || strings.Contains(b, "taken back") || strings.Contains(b, "after the transcript") {
				t.Errorf("%q is in it", b)
			}
		}
		if said != 253 || len(sessions) != 3 {
			t.Errorf("%d messages in %d sessions, want 253 in 3", said, len(sessions))
		}
		html := calls[0].json(t)["html"].(string)
		if strings.Contains(html, "secret note") || strings.Contains(html, "Hello <b>&") || !strings.Contains(html, "Hello &lt;b&gt;&amp;") || !strings.Contains(html, "answer 249 of many") {
			t.Error("the page is not as it should be")
		}
	})
}

// A conversation of 5,000 messages goes out, by either way. On PostgreSQL, where writing it takes half a minute, it has fewer.
func TestLongTranscript(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		v := h.talk("kim@x.example")
		c := v.Conversation.ID
		n := 5000
		if h.db.Engine() == db.Postgres {
			n = 1200
		}
		for i := range n {
			h.reply(c, fmt.Sprintf("answer %d, with a few words more than one would need", i))
		}
		h.transcript(c)
		pass(20 * time.Second)
		calls := h.hook.got()
		if len(calls) != 1 || len(calls[0].context(t)["messages"].([]any)) < n+1 {
			t.Fatalf("%d calls", len(calls))
		}
		h.byServer()
		h.set(func(d *ours.Draft) { d.Callback = new(false) })
		h.transcript(c)
		pass(20 * time.Second)
		if got := h.sink.got(); len(got) != 1 || !strings.Contains(got[0].body, fmt.Sprintf("answer %d", n-1)) {
			t.Fatalf("%d mails", len(got))
		}
	})
}

// While there is no way, mails wait, and somebody is told; then they go, in order, and nothing is lost.
func TestMailsWaitForAWay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		v, other := h.talk("kim@x.example"), h.talk("lee@x.example")
		var want []id.Mail
		for range 3 {
			want = append(want, h.transcript(v.Conversation.ID).ID)
			pass(11 * time.Second)
		}
		want = append(want, h.transcript(other.Conversation.ID).ID)
		h.long(4 * 24 * time.Hour)
		if s := h.settings(); s.State != ours.Waiting || !strings.Contains(s.Reason, "no mail server") || s.Backlog != 4 {
			t.Errorf("state = %s %q %d", s.State, s.Reason, s.Backlog)
		}
		states, err := h.mails.States(t.Context())
		h.must(err)
		if len(states) != 1 || states[0].State != ours.Waiting || states[0].Waiting != 4 || states[0].Name != "Shop" {
			t.Errorf("states = %+v", states)
		}
		server, err := h.mails.Server(t.Context(), h.admin)
		h.must(err)
		if server.Set || server.State != ours.Unset || server.Waiting != 4 {
			t.Errorf("server = %+v", server)
		}
		for _, m := range h.all(ours.Filter{State: ours.Queued}) {
			if !strings.Contains(m.Reason, "no mail server") {
				t.Errorf("mail %d waits because %q", m.ID, m.Reason)
			}
		}
		if !strings.Contains(h.log.String(), "mails of a widget wait") || strings.Contains(h.log.String(), "@x.example") {
			t.Errorf("log: %s", h.log)
		}
		if o, err := h.mails.Offers(t.Context(), h.widget.ID); err != nil || o != (ours.Offers{}) {
			t.Errorf("offers = %+v, %v", o, err)
		}
		if err := h.mails.Ask(t.Context(), h.widget, "kim@x.example"); !fault.Is(err, fault.ReauthOff) {
			t.Errorf("asking says %v", err)
		}
		h.byServer()
		pass(5 * time.Second)
		got := h.sink.got()
		if len(got) != 4 {
			t.Fatalf("%d mails, want 4", len(got))
		}
		for _, m := range want {
			if s := h.mail(m); s.State != ours.Sent {
				t.Errorf("mail %d = %+v", m, s)
			}
		}
		if s := h.settings(); s.State != ours.OK || s.Backlog != 0 {
			t.Errorf("state = %s %q %d", s.State, s.Reason, s.Backlog)
		}
		h.must(h.mails.RemoveServer(t.Context(), h.admin))
		h.transcript(v.Conversation.ID)
		pass(time.Minute)
		if n := len(h.sink.got()); n != 4 || h.settings().State != ours.Waiting {
			t.Errorf("%d mails, state %s", n, h.settings().State)
		}
		h.byCallback() // the waiting one takes the new way
		pass(5 * time.Second)
		if n, calls := len(h.sink.got()), len(h.hook.got()); n != 4 || calls != 1 {
			t.Errorf("%d mails and %d calls", n, calls)
		}
	})
}

// A mail that is tried again takes the way that holds then, and says the same.
func TestTheWayChangesWhileAMailIsTried(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.hook.status(500)
		v := h.talk("kim@x.example")
		m := h.transcript(v.Conversation.ID)
		pass(time.Minute)
		if s := h.mail(m.ID); s.State != ours.Queued || !strings.HasPrefix(s.Reason, "trying again: ") {
			t.Errorf("mail = %+v", s)
		}
		h.byServer()
		pass(5 * time.Second)
		calls := len(h.hook.got())
		h.set(func(d *ours.Draft) { d.Callback = new(false) })
		pass(5 * time.Second)
		if got := h.sink.got(); len(got) != 1 || len(h.hook.got()) != calls || got[0].to != "kim@x.example" {
			t.Fatalf("%d mails, %d calls", len(got), len(h.hook.got()))
		}
		if s := h.mail(m.ID); s.State != ours.Sent || s.Reason != "" {
			t.Errorf("mail = %+v", s)
		}
	})
}

// S-045, and a conversation's mails stay in order.
func TestCallbackFailsForHalfAnHour(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.hook.status(500)
		v := h.talk("kim@x.example")
		m := h.transcript(v.Conversation.ID)
		pass(11 * time.Second)
		h.reply(v.Conversation.ID, "one thing more")
		second := h.transcript(v.Conversation.ID)
		h.long(30 * time.Minute)
		if s := h.settings(); s.State != ours.Failing || !strings.Contains(s.Reason, "500") {
			t.Errorf("state = %s %q", s.State, s.Reason)
		}
		failed := h.hook.got()
		for _, c := range failed {
			if string(c.Body) != string(failed[0].Body) || c.Header.Get("Webhook-Id") != failed[0].Header.Get("Webhook-Id") {
				t.Error("an attempt differs from the first, or the second mail was tried before it")
			}
		}
		h.hook.set(nil)
		h.long(3 * time.Hour)
		calls := h.hook.got()[len(failed):]
		if len(failed) < 4 || len(calls) != 2 || string(calls[0].Body) != string(failed[0].Body) || strings.Contains(string(calls[0].Body), "one thing more") ||
			!strings.Contains(string(calls[1].Body), "one thing more") {
			t.Fatalf("%d attempts failed, %d came then", len(failed), len(calls))
		}
		d := h.delivery(m)
		if d.State != delivery.Delivered || len(d.AttemptLog) != len(failed)+1 || d.AttemptLog[0].Status != 500 {
			t.Errorf("log = %s, %d attempts", d.State, len(d.AttemptLog))
		}
		if h.mail(m.ID).State != ours.Sent || h.mail(second.ID).State != ours.Sent {
			t.Error("they are not sent")
		}
		for _, a := range d.AttemptLog {
			shown := map[string][]string(a.RequestHeader)["API-SECURITY-TOKEN"]
			if len(shown) != 1 || shown[0] != "•••" {
				t.Errorf("the log shows %v", a.RequestHeader)
			}
		}
	})
}

func TestCallbackAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer   func(n int, w http.ResponseWriter)
		calls    int // within an hour
		state    string
		widget   string
		attempts int
	}{
		"200 with an error page": {func(_ int, w http.ResponseWriter) { fmt.Fprint(w, "<h1>Internal Server Error</h1>") }, 1, ours.Sent, ours.OK, 1},
		"204":                    {func(_ int, w http.ResponseWriter) { w.WriteHeader(204) }, 1, ours.Sent, ours.OK, 1},
		"302 is not followed and is a failure": {func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(302)
			}
		}, 2, ours.Sent, ours.OK, 2},
		"404":                 {func(_ int, w http.ResponseWriter) { w.WriteHeader(404) }, 6, ours.Queued, ours.Failing, 6},
		"410 stops the mails": {func(_ int, w http.ResponseWriter) { w.WriteHeader(410) }, 1, ours.Queued, ours.Waiting, 1},
		"429 says when": {func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Retry-After", "1800")
				w.WriteHeader(429)
			}
		}, 2, ours.Sent, ours.OK, 2},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				h.byCallback()
				h.hook.set(c.answer)
				m := h.transcript(h.talk("kim@x.example").Conversation.ID)
				h.long(time.Hour)
				if n := len(h.hook.got()); n != c.calls {
					t.Errorf("%d calls, want %d", n, c.calls)
				}
				if s := h.mail(m.ID); s.State != c.state {
					t.Errorf("mail = %+v", s)
				}
				if s := h.settings(); s.State != c.widget {
					t.Errorf("widget = %s %q", s.State, s.Reason)
				}
				if d := h.delivery(m); len(d.AttemptLog) != c.attempts {
					t.Errorf("%d attempts", len(d.AttemptLog))
				}
				h.hook.set(nil)
				if c.widget == ours.Waiting { // saving the settings lets them go on
					h.byCallback()
					pass(5 * time.Second)
					if s := h.mail(m.ID); s.State != ours.Sent {
						t.Errorf("mail = %+v", s)
					}
				}
			})
		})
	}
}

// After the last try the mail has failed, and somebody is told; it can be sent all the same, later.
func TestGivenUp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.hook.status(500)
		m := h.transcript(h.talk("kim@x.example").Conversation.ID)
		h.long(4 * 24 * time.Hour)
		if s := h.mail(m.ID); s.State != ours.Failed || !strings.Contains(s.Reason, "given up after") {
			t.Errorf("mail = %+v", s)
		}
		failed := h.events(event.MailFailed)
		if len(failed) != 1 || failed[0].Mail.ID != m.ID || failed[0].Conversation == nil || failed[0].Reason == "" {
			t.Fatalf("events = %+v", failed)
		}
		h.hook.set(nil)
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return delivery.Revive(tx, m.Delivery) }))
		h.long(time.Hour)
		if s := h.mail(m.ID); s.State != ours.Sent {
			t.Errorf("mail = %+v", s)
		}
		// A replay that goes wrong does not undo that it went out.
		h.hook.status(500)
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := delivery.Replay(tx, m.Delivery); return err }))
		h.long(4 * 24 * time.Hour)
		if s := h.mail(m.ID); s.State != ours.Sent || len(h.events(event.MailFailed)) != 1 {
			t.Errorf("mail = %+v", s)
		}
	})
}

func TestMailServerRefuses(t *testing.T) {
	only := func(word, answer string) func(string, string) string {
		return func(w, _ string) string {
			if w == word {
				return answer
			}
			return ""
		}
	}
	for name, c := range map[string]struct {
		say    func(word, line string) string
		state  string // after an hour
		bounce int    // the code
		tries  int    // connections, at least
	}{
		"unknown address":          {only("RCPT", "550 5.1.1 no such user"), ours.Failed, 550, 1},
		"content refused":          {only("DATA", "554 5.7.1 looks like spam"), ours.Failed, 0, 1},
		"mailbox full for a while": {only("RCPT", "452 4.2.2 mailbox full"), ours.Queued, 0, 5},
		"greylisted":               {only("RCPT", "450 4.7.1 try later"), ours.Queued, 0, 5},
		"sender refused":           {only("MAIL", "550 5.7.1 you may not"), ours.Queued, 0, 5},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				h.byServer()
				h.sink.set(c.say)
				m := h.transcript(h.talk("kim@x.example").Conversation.ID)
				h.long(time.Hour)
				if s := h.mail(m.ID); s.State != c.state || s.Reason == "" {
					t.Errorf("mail = %+v", s)
				}
				b, err := h.mails.BounceOf(t.Context(), "Kim@x.example")
				h.must(err)
				switch {
				case c.bounce == 0 && b != nil:
					t.Errorf("bounce = %+v", b)
				case c.bounce != 0 && (b == nil || b.Code != c.bounce || b.Mail != m.ID || b.Reason == ""):
					t.Errorf("bounce = %+v", b)
				}
				h.sink.mu.Lock()
				tries := h.sink.tries
				h.sink.mu.Unlock()
				if tries < c.tries || c.tries == 1 && tries != 1 {
					t.Errorf("%d tries", tries)
				}
				if failed := h.events(event.MailFailed); len(failed) != map[bool]int{true: 1}[c.state == ours.Failed] {
					t.Errorf("%d events mail.failed", len(failed))
				}
				h.sink.set(nil)
				h.long(3 * time.Hour)
				if c.state == ours.Queued && (h.mail(m.ID).State != ours.Sent || len(h.sink.got()) != 1) {
					t.Errorf("mail = %+v, %d came", h.mail(m.ID), len(h.sink.got()))
				}
				// What is taken later makes up for a refusal.
				h.transcript(m.Conversation)
				pass(time.Minute)
				if b, err := h.mails.BounceOf(t.Context(), "kim@x.example"); err != nil || b != nil {
					t.Errorf("bounce = %+v, %v", b, err)
				}
			})
		})
	}
}

// One address that is refused for a while does not stop the mails to others.
func TestOneOfManyIsRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byServer()
		h.sink.set(func(word, line string) string {
			if word == "RCPT" && strings.Contains(line, "lee") {
				return "450 4.2.1 later"
			}
			return ""
		})
		var bad []*ours.Mail
		for range 15 { // more than a breaker takes
			bad = append(bad, h.transcript(h.talk("lee@x.example").Conversation.ID))
		}
		pass(time.Minute)
		good := h.transcript(h.talk("kim@x.example").Conversation.ID)
		pass(5 * time.Second)
		if h.mail(good.ID).State != ours.Sent || h.mail(bad[0].ID).State != ours.Queued || h.settings().State != ours.OK {
			t.Errorf("%+v, %+v, %+v", h.mail(good.ID), h.mail(bad[0].ID), h.settings().State)
		}
	})
}

func TestMailsPerMinute(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byServer(func(d *ours.ServerDraft) { d.PerMinute = new(6) })
		for i := range 12 {
			h.transcript(h.talk(fmt.Sprintf("kim%d@x.example", i)).Conversation.ID)
		}
		pass(59 * time.Second)
		if n := len(h.sink.got()); n < 5 || n > 6 {
			t.Errorf("%d mails in the first minute", n)
		}
		h.long(10 * time.Minute)
		if n := len(h.sink.got()); n != 12 {
			t.Errorf("%d mails", n)
		}
	})
}

// S-009: what a contact calls themselves changes nothing but words.
func TestHeadersCannotBeInjected(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) {
			d.Texts = &ours.TextsDraft{TranscriptSubject: new("For {name}"), ReauthSubject: new("{name}")}
			d.FromName = new("Shop, \"the\" <boss@evil.example>")
		})
		v := h.talk("kim@x.example")
		h.must(h.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error { // past all checks
			c, err := contact.Lock(tx, v.Contact.ID)
			if err != nil {
				return err
			}
			name := "Kim\r\nBcc: all@evil.example\r\n\r\n<script>"
			return h.contacts.Change(ctx, tx, event.Party{Type: event.BySystem}, c, contact.Change{Name: &name})
		}))
		h.transcript(v.Conversation.ID)
		h.must(h.mails.Ask(t.Context(), h.widget, "kim@x.example"))
		pass(5 * time.Second)
		calls := h.hook.got()
		if len(calls) != 2 {
			t.Fatalf("%d calls", len(calls))
		}
		for _, c := range calls {
			if s := c.json(t)["subject"].(string); strings.ContainsAny(s, "\r\n") || s == "" {
				t.Errorf("subject = %q", s)
			}
		}
		h.byServer()
		h.set(func(d *ours.Draft) { d.Callback = new(false) })
		pass(11 * time.Second)
		h.transcript(v.Conversation.ID)
		h.must(h.mails.Ask(t.Context(), h.widget, "kim@x.example"))
		pass(5 * time.Second)
		got := h.sink.got()
		if len(got) != 2 {
			t.Fatalf("%d mails", len(got))
		}
		for _, m := range got {
			from, err := m.message.Header.AddressList("From")
			if m.message.Header.Get("Bcc") != "" || m.to != "kim@x.example" || err != nil || len(from) != 1 || from[0].Address != "chat@shop.example" {
				t.Errorf("%s: %v, %v", m.to, m.message.Header, err)
			}
		}
	})
}

func TestTranscriptOnEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		end := func(c id.Conversation) {
			t.Helper()
			_, err := h.inbox.End(t.Context(), h.ann, once.Key{}, c)
			h.must(err)
			pass(5 * time.Second)
		}
		end(h.talk("kim@x.example").Conversation.ID) // not asked for
		h.set(func(d *ours.Draft) { d.TranscriptOnEnd = new(true) })
		end(h.talk("").Conversation.ID) // no address
		_, err := h.inbox.Discard(t.Context(), h.ann, once.Key{}, h.talk("kim@x.example").Conversation.ID)
		h.must(err)
		pass(5 * time.Second)
		if n := len(h.hook.got()); n != 0 {
			t.Fatalf("%d calls", n)
		}
		for i := range 7 {
			end(h.talk("kim@x.example").Conversation.ID)
			if n := len(h.hook.got()); n != min(i+1, 5) {
				t.Errorf("%d calls after %d ends", n, i+1)
			}
		}
		if !strings.Contains(string(h.hook.got()[0].Body), `"name":"ended"`) && !strings.Contains(string(h.hook.got()[0].Body), "ended") {
			t.Error("the end is not in it")
		}
		h.long(time.Hour)
		end(h.talk("kim@x.example").Conversation.ID)
		if n := len(h.hook.got()); n != 6 {
			t.Errorf("%d calls an hour later", n)
		}
		if m := h.all(ours.Filter{Limit: 1})[0]; m.AskedBy != "system" || m.Kind != event.MailTranscript {
			t.Errorf("mail = %+v", m)
		}
	})
}

func TestTranscriptByContact(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		v := h.talk("kim@x.example")
		ask := func() error { return h.mails.TranscriptByContact(t.Context(), v.Contact.ID, v.Conversation.ID) }
		if err := ask(); !fault.Is(err, fault.MailNotOffered) {
			t.Errorf("not offered: %v", err)
		}
		h.set(func(d *ours.Draft) { d.TranscriptOffer = new(true) })
		if o, err := h.mails.Offers(t.Context(), h.widget.ID); err != nil || !o.Transcript || !o.SignIn {
			t.Errorf("offers = %+v, %v", o, err)
		}
		nobody := h.talk("")
		if err := h.mails.TranscriptByContact(t.Context(), nobody.Contact.ID, nobody.Conversation.ID); !fault.Is(err, fault.MailAddress) {
			t.Errorf("no address: %v", err)
		}
		if err := h.mails.TranscriptByContact(t.Context(), nobody.Contact.ID, v.Conversation.ID); !fault.Is(err, fault.ConversationNotFound) {
			t.Errorf("somebody else's: %v", err)
		}
		for i := range 20 {
			v = h.talk("kim@x.example")
			for range 5 {
				if i < 4 {
					h.must(ask())
				}
			}
			err := ask()
			f, _ := errors.AsType[*fault.Error](err)
			if f == nil || f.Code != fault.MailLimited || f.RetryAfter <= 0 {
				t.Fatalf("round %d: %v", i, err)
			}
			h.long(61 * time.Minute)
		}
		h.transcript(v.Conversation.ID) // operators may
		if n := len(h.hook.got()); n < 20 || n > 20 {
			pass(5 * time.Second)
			if n := len(h.hook.got()); n != 21 {
				t.Errorf("%d calls, want 20 by the contact's wish and one by an operator's", n)
			}
		}
	})
}

func TestTranscriptByOperator(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		v := h.talk("")
		send := func(key once.Key, receiver string) (*ours.Mail, error) {
			return h.mails.SendTranscript(t.Context(), h.ann, key, v.Conversation.ID, receiver)
		}
		if _, err := send(once.Key{}, ""); !fault.Is(err, fault.MailAddress) {
			t.Errorf("no address: %v", err)
		}
		for _, bad := range []string{"kim", "Kim <kim@x.example>", "kim@x.example\r\nBcc: a@b.example", "a@x.example,b@x.example", strings.Repeat("x", 300) + "@x.example"} {
			if _, err := send(once.Key{}, bad); !fault.Is(err, fault.FieldInvalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if _, err := h.mails.SendTranscript(t.Context(), h.ann, once.Key{}, 4711, "kim@x.example"); !fault.Is(err, fault.ConversationNotFound) {
			t.Errorf("no conversation: %v", err)
		}
		same := once.Key{Scope: "test", Value: "1"}
		m, err := send(same, "Boss@Y.example")
		h.must(err)
		again, err := send(same, "Boss@Y.example")
		h.must(err)
		if m.ID != again.ID || m.Receiver != "boss@y.example" || m.Delivery == 0 {
			t.Errorf("%+v, %+v", m, again)
		}
		if _, err := send(once.Key{}, "boss@y.example"); !fault.Is(err, fault.MailLimited) {
			t.Errorf("at once again: %v", err)
		}
		pass(11 * time.Second)
		_, err = send(once.Key{}, "boss@y.example")
		h.must(err)
		pass(5 * time.Second)
		calls := h.hook.got()
		if len(calls) != 2 {
			t.Fatalf("%d calls", len(calls))
		}
		// It is nobody's own mail: it signs nobody in.
		if u := calls[0].context(t)["conversation_url"]; u != fmt.Sprintf("https://shop.example/help#parley-conversation=%d", v.Conversation.ID) {
			t.Errorf("conversation_url = %v", u)
		}
		if by := h.ann; by.Operator == 0 {
			t.Fatal("no operator")
		}
		reader := h.ann
		reader.Scope = "read"
		if _, err := h.mails.SendTranscript(t.Context(), reader, once.Key{}, v.Conversation.ID, "kim@x.example"); !fault.Is(err, fault.AuthScope) {
			t.Errorf("a reader: %v", err)
		}
	})
}

// The contact's own mail signs in, where that is right.
func TestConversationURL(t *testing.T) {
	for name, c := range map[string]struct {
		contact contact.Change
		signed  string
		draft   func(*ours.Draft)
		want    string // prefix; "" for absent
		token   bool
	}{
		"own address":                     {want: "https://shop.example/help#parley=", token: true},
		"no inbound URL":                  {draft: func(d *ours.Draft) { d.InboundURL = new("") }},
		"inbound URL with fragment":       {draft: func(d *ours.Draft) { d.InboundURL = new("https://shop.example/?a=1#/chat") }, want: "https://shop.example/?a=1&parley=", token: true},
		"sign-in switched off":            {draft: func(d *ours.Draft) { d.SignIn = new(false) }, want: "https://shop.example/help#parley-conversation="},
		"known to the site, address not":  {contact: contact.Change{ExternalID: new("u-1")}, want: "https://shop.example/help#parley-conversation="},
		"known to the site, also by mail": {contact: contact.Change{ExternalID: new("u-1")}, signed: "kim@x.example", want: "https://shop.example/help#parley=", token: true},
		"another address is proven":       {signed: "other@x.example", want: "https://shop.example/help#parley-conversation="},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				h.byCallback()
				if c.draft != nil {
					h.set(c.draft)
				}
				v := h.talk("kim@x.example")
				h.must(h.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					one, err := contact.Lock(tx, v.Contact.ID)
					if err != nil {
						return err
					}
					if err := h.contacts.Change(ctx, tx, event.Party{Type: event.BySystem}, one, c.contact); err != nil || c.signed == "" {
						return err
					}
					return contact.SignEmail(tx, one.ID, c.signed)
				}))
				m := h.transcript(v.Conversation.ID)
				pass(5 * time.Second)
				calls := h.hook.got()
				if len(calls) != 1 {
					t.Fatalf("%d calls", len(calls))
				}
				u, there := calls[0].context(t)["conversation_url"].(string)
				if there != (c.want != "") || !strings.HasPrefix(u, c.want) {
					t.Fatalf("conversation_url = %q, want %q", u, c.want)
				}
				html, text := calls[0].json(t)["html"].(string), calls[0].json(t)["text"].(string)
				if strings.Contains(html, "parley") != there || strings.Contains(text, "parley") != there {
					t.Error("html and text have another link")
				}
				if !c.token {
					if strings.Contains(string(calls[0].Body), "parley=") {
						t.Error("it signs in")
					}
					return
				}
				token := u[len(c.want):]
				token, _, _ = strings.Cut(token, "#")
				if !strings.Contains(html, token) || !strings.Contains(text, token) {
					t.Error("the link is not in html and text")
				}
				if d := h.delivery(m); strings.Contains(string(d.Body), token) {
					t.Error("the secret is stored")
				} else if shown := string(ours.MaskBody(d.Name, d.Body)); strings.Count(shown, "parley=•••") < 3 {
					t.Errorf("the log shows %s", shown)
				}
				h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
					way, who, err := contact.UseReauth(tx, key, token, h.widget.ID)
					if err == nil && (who.ID != v.Contact.ID || way.Conversation != v.Conversation.ID) {
						t.Errorf("it opens %+v", way)
					}
					return err
				}))
			})
		})
	}
}

// S-037, S-039.
func TestAskToSignIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		v := h.talk("kim@x.example")
		h.must(h.mails.Ask(t.Context(), h.widget, "nobody@x.example"))
		for _, bad := range []string{"", "kim", "Kim <kim@x.example>", "kim@x.example\nBcc: x@y.example"} {
			if err := h.mails.Ask(t.Context(), h.widget, bad); !fault.Is(err, fault.FieldInvalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		pass(10 * time.Second)
		if n := len(h.hook.got()); n != 0 {
			t.Fatalf("%d calls for nobody", n)
		}
		for range 5 {
			h.must(h.mails.Ask(t.Context(), h.widget, "kim@x.example"))
			pass(10 * time.Second)
		}
		calls := h.hook.got()
		if len(calls) != 3 {
			t.Fatalf("%d calls in an hour, want 3", len(calls))
		}
		for i, c := range calls {
			ctx := c.context(t)
			link, _ := ctx["reauth_link"].(string)
			code, _ := ctx["reauth_token"].(string)
			if len(ctx) != 2 || !strings.HasPrefix(link, "https://shop.example/help#parley=") || len(code) != 11 {
				t.Fatalf("context = %v", ctx)
			}
			token := strings.TrimPrefix(link, "https://shop.example/help#parley=")
			for _, form := range []string{"html", "text"} {
				if s := c.json(t)[form].(string); !strings.Contains(s, code) || !strings.Contains(s, token) {
					t.Errorf("link or code is not in the %s: %s", form, s)
				}
			}
			m := h.all(ours.Filter{})[2-i]
			if d := h.delivery(m); strings.Contains(string(d.Body), code) || strings.Contains(string(d.Body), token) {
				t.Error("the secrets are stored")
			} else if shown := string(ours.MaskBody(d.Name, d.Body)); strings.Count(shown, "•••") < 6 {
				t.Errorf("the log shows %s", shown)
			} else if d.AttemptLog[0].RequestHeader.Get("Webhook-Signature") != "•••" {
				t.Errorf("the log shows %v", d.AttemptLog[0].RequestHeader)
			}
			if m.AskedBy != fmt.Sprint("contact:", v.Contact.ID) || m.Kind != event.MailReauth || m.Conversation != 0 {
				t.Errorf("mail = %+v", m)
			}
			h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				_, who, err := contact.UseReauth(tx, key, []string{token, code, strings.ToLower(code)}[i], h.widget.ID)
				if err == nil && who.ID != v.Contact.ID {
					t.Errorf("it opens %+v", who)
				}
				return err
			}))
		}
		h.set(func(d *ours.Draft) { d.InboundURL = new("") })
		h.long(time.Hour)
		h.must(h.mails.Ask(t.Context(), h.widget, "kim@x.example"))
		pass(5 * time.Second)
		last := h.hook.got()[3].context(t)
		if len(last) != 1 || last["reauth_token"] == nil {
			t.Errorf("context without an inbound URL = %v", last)
		}
		h.set(func(d *ours.Draft) { d.SignIn = new(false) })
		if err := h.mails.Ask(t.Context(), h.widget, "kim@x.example"); !fault.Is(err, fault.ReauthOff) {
			t.Errorf("switched off: %v", err)
		}
	})
}

// A way to sign in that could not go out in its time is not sent at all; a transcript goes out without the key in it.
func TestWaysInEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.hook.status(503)
		v := h.talk("kim@x.example")
		h.must(h.mails.Ask(t.Context(), h.widget, "kim@x.example"))
		h.long(2 * time.Hour)
		m := h.all(ours.Filter{})[0]
		if m.State != ours.Failed || !strings.Contains(m.Reason, "do not count any more") {
			t.Errorf("mail = %+v", m)
		}
		if failed := h.events(event.MailFailed); len(failed) != 1 || failed[0].Contact == nil || failed[0].Contact.ID != v.Contact.ID {
			t.Errorf("events = %+v", failed)
		}
		h.set(func(d *ours.Draft) { d.Callback = new(false) })
		h.transcript(v.Conversation.ID)
		h.long(8 * 24 * time.Hour)
		h.hook.set(nil)
		before := len(h.hook.got())
		h.byCallback()
		pass(5 * time.Second)
		calls := h.hook.got()[before:]
		if len(calls) != 1 || strings.Contains(string(calls[0].Body), "parley=") || calls[0].context(t)["conversation_url"] == nil {
			t.Fatalf("%d calls", len(calls))
		}
	})
}

// One digest for all answers that were missed, and none for those that were read.
func TestMissedAnswers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.MissedAfter = new(600) })
		v := h.talk("kim@x.example")
		c := v.Conversation.ID
		h.reply(c, "first answer")
		pass(5 * time.Minute)
		h.reply(c, "second answer")
		_, err := h.inbox.Post(t.Context(), h.ann, once.Key{}, inbox.Post{Conversation: c, Body: "a note", Note: true})
		h.must(err)
		pass(4 * time.Minute)
		if n := len(h.hook.got()); n != 0 {
			t.Fatalf("%d calls too early", n)
		}
		pass(90 * time.Second)
		calls := h.hook.got()
		if len(calls) != 1 {
			t.Fatalf("%d calls", len(calls))
		}
		body := calls[0].json(t)
		list := calls[0].context(t)["messages"].([]any)
		if body["email_type"] != "transcript" || len(list) != 2 || list[0].(map[string]any)["body"] != "first answer" || list[1].(map[string]any)["body"] != "second answer" {
			t.Errorf("body = %v", body)
		}
		if !strings.Contains(calls[0].context(t)["conversation_url"].(string), "#parley=") {
			t.Error("there is no way back")
		}
		pass(30 * time.Minute)
		if n := len(h.hook.got()); n != 1 {
			t.Errorf("%d calls: they were told before", n)
		}
		// What was told stays told; only what came later goes out.
		third := h.reply(c, "third answer")
		pass(11 * time.Minute)
		if calls = h.hook.got(); len(calls) != 2 || len(calls[1].context(t)["messages"].([]any)) != 1 {
			t.Fatalf("%d calls", len(calls))
		}
		fourth := h.reply(c, "fourth answer")
		h.must(h.inbox.MarkByContact(t.Context(), v.Contact.ID, c, 0, fourth.Number))
		pass(15 * time.Minute)
		gone := h.reply(c, "fifth answer")
		_, err = h.inbox.DeleteMessage(t.Context(), h.ann, once.Key{}, c, gone.ID)
		h.must(err)
		pass(15 * time.Minute)
		if n := len(h.hook.got()); n != 2 || third.Number == 0 {
			t.Errorf("%d calls about answers that were read or taken back", n)
		}
		// Who has no address gets nothing. Once they have left one, the next answer brings the earlier ones along.
		late := h.talk("")
		h.reply(late.Conversation.ID, "hello")
		pass(15 * time.Minute)
		if n := len(h.hook.got()); n != 2 {
			t.Errorf("%d calls", n)
		}
		_, err = h.contacts.UpdateSelf(t.Context(), late.Contact.ID, contact.Change{Email: new("lou@x.example")})
		h.must(err)
		h.reply(late.Conversation.ID, "are you there?")
		pass(11 * time.Minute)
		if calls = h.hook.got(); len(calls) != 3 || len(calls[2].context(t)["messages"].([]any)) != 2 {
			t.Errorf("%d calls after an address was left", len(calls))
		}
		if m := h.all(ours.Filter{Conversation: c}); len(m) != 2 || m[0].Kind != event.MailMissed {
			t.Errorf("mails = %+v", m)
		}
	})
}

// Who left a message in the form of a widget where nobody was gets the answer by mail, also where the widget sends no other missed answers.
func TestAnswersToTheOfflineFormGoByMail(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		left, err := h.inbox.PostOffline(t.Context(), inbox.OfflinePost{WidgetKey: h.widget.Key, ClientID: strings.Repeat("c", 32), Name: "Bob", Email: "bob@x.example", Message: "Do you open on Sundays?"})
		h.must(err)
		h.reply(left.Conversation.ID, "We do not.")
		chat := h.talk("kim@x.example")
		h.reply(chat.Conversation.ID, "no mail about this")
		pass(time.Minute)
		if n := len(h.hook.got()); n != 0 {
			t.Fatalf("%d calls too early", n)
		}
		pass(10 * time.Minute)
		calls := h.hook.got()
		if len(calls) != 1 || calls[0].json(t)["receiver"] != "bob@x.example" {
			t.Fatalf("calls = %+v", calls)
		}
		if list := calls[0].context(t)["messages"].([]any); len(list) != 1 || list[0].(map[string]any)["body"] != "We do not." {
			t.Errorf("messages = %v", list)
		}
	})
}

// Where no mails go out, the answer to the form does not wait for the day on which they do.
func TestAnswersToTheOfflineFormDoNotWaitForAWay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		left, err := h.inbox.PostOffline(t.Context(), inbox.OfflinePost{WidgetKey: h.widget.Key, ClientID: strings.Repeat("c", 32), Name: "Bob", Email: "bob@x.example", Message: "Do you open on Sundays?"})
		h.must(err)
		h.reply(left.Conversation.ID, "We do not.")
		pass(10 * time.Minute)
		if s := h.set(); s.State != ours.OK || s.Backlog != 0 {
			t.Errorf("%d mails wait, the widget's are %s: %s", s.Backlog, s.State, s.Reason)
		}
		h.byCallback()
		pass(10 * time.Minute)
		if n := len(h.hook.got()); n != 0 {
			t.Errorf("%d calls", n)
		}
		h.reply(left.Conversation.ID, "But on Mondays.") // from now on they do
		pass(10 * time.Minute)
		if calls := h.hook.got(); len(calls) != 1 || len(calls[0].context(t)["messages"].([]any)) != 2 {
			t.Errorf("%d calls, want one with both answers", len(calls))
		}
	})
}

// Conversations that cannot be read do not stand before others for ever, however many they are.
func TestMissedAnswersThatFailStandInNobodysWay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.MissedAfter = new(60) })
		for i := range 51 { // more than are looked at together
			h.reply(h.talk(fmt.Sprintf("p%d@x.example", i)).Conversation.ID, "an answer")
		}
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec("UPDATE sessions SET visit = 'not JSON'")
			return err
		}))
		pass(time.Second)
		h.reply(h.talk("kim@x.example").Conversation.ID, "an answer")
		pass(2 * time.Minute)
		if calls := h.hook.got(); len(calls) != 1 || calls[0].json(t)["receiver"] != "kim@x.example" {
			t.Fatalf("%d calls", len(calls))
		}
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec("UPDATE sessions SET visit = '{}' WHERE visit = 'not JSON'")
			return err
		}))
		pass(15 * time.Minute)
		if n := len(h.hook.got()); n != 52 {
			t.Errorf("%d calls when they could be read again", n)
		}
	})
}

// What went on elsewhere goes to an address only when it is known to be the contact's, or when an operator wants it.
func TestWhatIsElsewhereStaysThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.TranscriptOffer = new(true) })
		v := h.talk("kim@x.example")
		h.reply(v.Conversation.ID, "on the website")
		h.must(h.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return h.inbox.MoveToChannel(ctx, tx, v.Contact.ID, v.Conversation.ID, event.Channel{ID: 3, Type: "custom", Name: "SMS"}, 1, nil)
		}))
		h.reply(v.Conversation.ID, "by SMS")
		has := func(want bool) {
			t.Helper()
			pass(11 * time.Second)
			calls := h.hook.got()
			last := string(calls[len(calls)-1].Body)
			if !strings.Contains(last, "on the website") || strings.Contains(last, "by SMS") != want {
				t.Errorf("body = %s", last)
			}
		}
		h.must(h.mails.TranscriptByContact(t.Context(), v.Contact.ID, v.Conversation.ID))
		has(false)
		h.transcript(v.Conversation.ID)
		has(true)
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return contact.SignEmail(tx, v.Contact.ID, "kim@x.example") }))
		h.must(h.mails.TranscriptByContact(t.Context(), v.Contact.ID, v.Conversation.ID))
		has(false) // proving an address does not open what a channel has
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec("UPDATE contacts SET external_id = 'u1' WHERE id = $1", int64(v.Contact.ID))
			return err
		}))
		h.must(h.mails.TranscriptByContact(t.Context(), v.Contact.ID, v.Conversation.ID))
		has(true)
	})
}

// Mails to a contact whose data was deleted do not go out, and the list does not say to whom earlier ones went.
func TestErasedContact(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byServer()
		h.sink.set(func(word, _ string) string { return map[string]string{"RCPT": "550 5.1.1 no such user"}[word] })
		v := h.talk("kim@x.example")
		failed := h.transcript(v.Conversation.ID)
		pass(11 * time.Second)
		h.must(h.mails.RemoveServer(t.Context(), h.admin))
		waiting := h.transcript(v.Conversation.ID)
		pass(time.Minute)
		h.must(h.inbox.EraseContact(t.Context(), contact.Visitor{Contact: v.Contact.ID, Widget: h.widget.ID}))
		if m := h.mail(waiting.ID); m.State != ours.Dropped || m.Receiver != "" || m.Reason != "the contact deleted their data" {
			t.Errorf("mail = %+v", m)
		}
		if m := h.mail(failed.ID); m.State != ours.Failed || m.Receiver != "" || m.Reason != "" {
			t.Errorf("mail = %+v", m)
		}
		if b, err := h.mails.BounceOf(t.Context(), "kim@x.example"); err != nil || b != nil {
			t.Errorf("bounce = %+v, %v", b, err)
		}
		h.sink.set(nil)
		h.byServer()
		pass(time.Minute)
		if n := len(h.sink.got()); n != 0 {
			t.Errorf("%d mails", n)
		}
		if d := h.delivery(waiting); d.State != delivery.Dropped {
			t.Errorf("delivery = %s", d.State)
		}
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { _, err := delivery.Replay(tx, failed.Delivery); return err }))
		pass(time.Minute)
		if n := len(h.sink.got()); n != 0 {
			t.Errorf("%d mails by a replay", n)
		}
	})
}

func TestForget(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		v := h.talk("kim@x.example")
		h.transcript(v.Conversation.ID)
		pass(11 * time.Second)
		h.set(func(d *ours.Draft) { d.Callback = new(false) })
		waits := h.transcript(v.Conversation.ID)
		h.long(91 * 24 * time.Hour)
		h.must(h.mails.Forget(t.Context()))
		if list := h.all(ours.Filter{}); len(list) != 1 || list[0].ID != waits.ID {
			t.Errorf("mails = %+v", list)
		}
		if _, err := h.mails.SendTranscript(t.Context(), h.ann, once.Key{}, v.Conversation.ID, ""); err != nil {
			t.Error(err)
		}
		list, more, err := h.mails.List(t.Context(), h.ann, ours.Filter{Limit: 1})
		if err != nil || !more || len(list) != 1 {
			t.Errorf("%d, %v, %v", len(list), more, err)
		}
		list, more, err = h.mails.List(t.Context(), h.ann, ours.Filter{Limit: 1, Before: list[0].ID, Contact: v.Contact.ID, State: ours.Queued})
		if err != nil || more || len(list) != 1 || list[0].ID != waits.ID {
			t.Errorf("%+v, %v, %v", list, more, err)
		}
	})
}
