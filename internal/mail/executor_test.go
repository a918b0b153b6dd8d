package mail_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	ours "parley/internal/mail"
)

// job is a mail's delivery as the engine hands it to the executor the first time.
func (h *house) job(m *ours.Mail) *delivery.Job {
	return &delivery.Job{ID: m.Delivery, Kind: ours.Deliveries, Ref: int64(h.widget.ID), Event: h.delivery(m).Event, Name: "transcript", Attempt: 1, WebhookID: fmt.Sprint("evt_", m.ID)}
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	h.must(h.db.Update(h.t.Context(), func(_ context.Context, tx *db.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	}))
}

// What long transcripts take in memory is bounded: few are written ahead, the others one at a time, and none has more than 10 MB of text.
func TestLongTranscriptsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if h.db.Engine() == db.Postgres { // to fill it takes long, and nothing of this depends on the database
			return
		}
		h.byCallback()
		v := h.talk("kim@x.example")
		text := strings.Repeat("x", 9990)
		for i := range 1000 {
			h.reply(v.Conversation.ID, fmt.Sprintf("%d %s", i, text))
		}
		m := h.transcript(v.Conversation.ID)
		x := h.mails.Executor()
		jobs := []*delivery.Job{h.job(m), h.job(m), h.job(m), h.job(m), h.job(m)}
		h.must(x.Prepare(t.Context(), jobs))
		size := 0
		for _, j := range jobs {
			size += len(j.Body)
		}
		last := jobs[4]
		if len(jobs[0].Body) < 20<<20 || size > 96<<20 || last.Body != nil || last.Verdict != nil {
			t.Fatalf("%d bytes are prepared, %+v", size, last.Verdict)
		}
		if out := x.Do(t.Context(), last); out.Verdict != delivery.Done || string(last.Body) != string(jobs[0].Body) {
			t.Errorf("the last one: %s %s, %d bytes", out.Verdict, out.Reason, len(last.Body))
		}
		// Without the database it is not tried without a body, which would give it up.
		again := &delivery.Job{ID: last.ID, Kind: last.Kind, Ref: last.Ref, Event: last.Event, Detail: last.Detail}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if out := x.Do(gone, again); out.Verdict != delivery.Stop {
			t.Errorf("without the database: %s %s", out.Verdict, out.Reason)
		}

		for i := range 60 {
			h.reply(v.Conversation.ID, fmt.Sprintf("%d %s", i, text))
		}
		pass(15 * time.Second)
		m = h.transcript(v.Conversation.ID)
		pass(time.Minute)
		if m = h.mail(m.ID); m.State != ours.Failed || !strings.Contains(m.Reason, "10 MB") {
			t.Errorf("mail = %+v", m)
		}
	})
}

// A mail that cannot be read holds up no other.
func TestOneOfManyCannotBeWritten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		bad, good := h.transcript(h.talk("lee@x.example").Conversation.ID), h.transcript(h.talk("kim@x.example").Conversation.ID)
		pass(5 * time.Second)
		h.exec(`UPDATE events SET data = '{' WHERE id = $1`, int64(h.delivery(bad).Event))
		h.byCallback()
		pass(time.Minute)
		if b, g := h.mail(bad.ID), h.mail(good.ID); b.State == ours.Queued || g.State != ours.Sent {
			t.Errorf("%+v, %+v", b, g)
		}
	})
}

// A server that takes a mail and does not say so does not get it again and again, and it says nothing of other mails.
func TestMailServerWithoutALastWord(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byServer()
		h.sink.set(func(word, _ string) string { return map[string]string{"DATA": hangUp}[word] })
		m := h.transcript(h.talk("kim@x.example").Conversation.ID)
		h.long(50 * time.Minute)
		if h.sink.count() != 1 || h.mail(m.ID).State != ours.Queued || h.settings().State != ours.OK {
			t.Errorf("%d tries, %+v, %s", h.sink.count(), h.mail(m.ID), h.settings().State)
		}
		h.sink.set(nil)
		h.long(30 * time.Minute)
		if h.sink.count() != 2 || h.mail(m.ID).State != ours.Sent {
			t.Errorf("%d tries, %+v", h.sink.count(), h.mail(m.ID))
		}
	})
}

// Many mails at a small rate come in order, each asks for its turn a few times at most, and none is lost.
func TestMailsWaitForTheirTurns(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byServer(func(d *ours.ServerDraft) { d.PerMinute = new(1) })
		var all []*ours.Mail
		for i := range 40 {
			all = append(all, h.transcript(h.talk(fmt.Sprintf("kim%d@x.example", i)).Conversation.ID))
			pass(2 * time.Second)
		}
		h.long(50 * time.Minute)
		got := h.sink.got()
		if len(got) != 40 {
			t.Fatalf("%d mails", len(got))
		}
		for i, m := range all {
			if n := len(h.delivery(m).AttemptLog); n > 4 {
				t.Errorf("mail %d had %d attempts", i, n)
			}
		}
		for i, m := range got[8:] { // the first ones may change places while they are waited for
			if want := fmt.Sprintf("kim%d@x.example", i+8); m.to != want {
				t.Errorf("mail %d went to %s", i+8, m.to)
			}
		}
	})
}

// A stop counts only while what it is about is so: a 410 of a server that is not asked any more is none.
func TestAStopThatComesLate(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.hook.status(410)
		m := h.transcript(h.talk("kim@x.example").Conversation.ID)
		pass(10 * time.Second)
		reason := h.settings().Reason
		if h.mail(m.ID).State != ours.Queued || !strings.Contains(reason, h.hook.url) {
			t.Fatalf("%+v, %q", h.mail(m.ID), reason)
		}
		late := func() string {
			t.Helper()
			h.must(h.db.Update(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				return h.mails.Executor().Notice(ctx, tx, int64(h.widget.ID), delivery.Notice{Kind: delivery.NoticeGone, Reason: reason})
			}))
			return h.settings().State
		}
		if s := late(); s != ours.Waiting {
			t.Errorf("the same URL: %s", s)
		}
		h.hook.set(nil)
		h.set(func(d *ours.Draft) { d.CallbackURL = new(h.hook.url + "/new") })
		if s := late(); s != ours.OK {
			t.Errorf("another URL: %s", s)
		}
		pass(5 * time.Second)
		if m := h.mail(m.ID); m.State != ours.Sent {
			t.Errorf("mail = %+v", m)
		}
	})
}

// A token that cannot be read is not thrown away by a change of something else, and nothing goes without it.
func TestUnreadableToken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.exec(`UPDATE widget_mail SET callback_token = 'garbage' WHERE widget_id = $1`, int64(h.widget.ID))
		h.set(func(d *ours.Draft) { d.FromName = new("Shop") })
		m := h.transcript(h.talk("kim@x.example").Conversation.ID)
		tested, err := h.mails.TestCallback(t.Context(), h.admin, h.widget.ID)
		h.must(err)
		pass(10 * time.Second)
		if n := len(h.hook.got()); n != 0 || tested.OK || h.settings().State != ours.Waiting {
			t.Errorf("%d calls, %+v, %+v", n, tested, h.settings())
		}
		if _, err := h.mails.SetOfWidget(t.Context(), h.admin, h.widget.ID, ours.Draft{CallbackURL: new("http://127.0.0.1:1/")}); fault.As(err).Field != "custom_email_api.token" {
			t.Errorf("another server: %v", err)
		}
		h.set(func(d *ours.Draft) { d.Token = new("another") })
		pass(5 * time.Second)
		if calls := h.hook.got(); len(calls) != 1 || calls[0].Header.Get("API-SECURITY-TOKEN") != "another" || h.mail(m.ID).State != ours.Sent {
			t.Errorf("%d calls, %+v", len(calls), h.mail(m.ID))
		}
	})
}

// What was said in confidence does not come back into the log.
func TestAnswersWithSecrets(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.Token = new(`to"k&en`) })
		h.hook.set(func(n int, w http.ResponseWriter) {
			w.Header().Set("X-Said", `to"k&en`)
			if n > 1 {
				text, _ := h.hook.got()[n-1].json(t)["text"].(string)
				fmt.Fprint(w, text, " ", strings.ReplaceAll(text, "-", ""), " ", strings.ReplaceAll(text, "#parley=", " "))
			}
			fmt.Fprintf(w, ` to"k&en to\"k&en to%%22k%%26en to&#34;k&amp;en %s`, base64.StdEncoding.EncodeToString([]byte(`to"k&en`)))
		})
		tested, err := h.mails.TestCallback(t.Context(), h.admin, h.widget.ID)
		h.must(err)
		if strings.Contains(tested.Detail, `to`) || !strings.Contains(tested.Detail, "•••") {
			t.Errorf("the test says %q", tested.Detail)
		}
		v := h.talk("kim@x.example")
		h.must(h.mails.Ask(t.Context(), h.widget, "kim@x.example"))
		plain := h.transcript(v.Conversation.ID)
		pass(10 * time.Second)
		list := h.all(ours.Filter{})
		if len(list) != 2 {
			t.Fatalf("%d mails", len(list))
		}
		calls := h.hook.got()
		for _, m := range list {
			a := h.delivery(m).AttemptLog[0]
			shown := fmt.Sprint(a.RequestHeader, a.ResponseHeader, a.ResponseBody)
			for _, secret := range []string{`to"k`, `to\"k`, "to%22", "to&#34;", base64.StdEncoding.EncodeToString([]byte(`to"k&en`)), "v1,"} {
				if strings.Contains(shown, secret) {
					t.Errorf("mail %d: the log has %q: %s", m.ID, secret, shown)
				}
			}
			for _, c := range calls[1:] {
				context := c.context(t)
				for _, k := range []string{"reauth_link", "reauth_code", "conversation_url"} {
					said, _ := context[k].(string)
					_, link, has := strings.Cut(said, "#parley=")
					if has {
						said = link
					}
					if said != "" && strings.Contains(shown, said) {
						t.Errorf("mail %d: the log has the %s", m.ID, k)
					}
				}
			}
		}
		if plain.Kind != event.MailTranscript || id.Mail(0) == plain.ID {
			t.Error("no transcript")
		}
	})
}

// Another server does not get the secrets of the one before.
func TestSecretsStayWithTheirServer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		_, err := h.mails.SetOfWidget(t.Context(), h.admin, h.widget.ID, ours.Draft{CallbackURL: new("http://127.0.0.1:1/")})
		if f := fault.As(err); err == nil || f.Code != fault.FieldRequired || f.Field != "custom_email_api.token" {
			t.Errorf("another callback: %v", err)
		}
		h.set(func(d *ours.Draft) { d.CallbackURL = new(h.hook.url + "/other/path") })
		h.set(func(d *ours.Draft) { d.CallbackURL, d.Token = new("http://127.0.0.1:1/"), new("") })

		h.byServer(func(d *ours.ServerDraft) { d.Username, d.Password = new("chat"), new("pa$$word") })
		_, err = h.mails.SetServer(t.Context(), h.admin, ours.ServerDraft{Host: new("localhost")})
		if f := fault.As(err); err == nil || f.Code != fault.FieldRequired || f.Field != "password" {
			t.Errorf("another mail server: %v", err)
		}
		_, err = h.mails.SetServer(t.Context(), h.admin, ours.ServerDraft{Host: new("localhost"), Password: new("pa$$word")})
		h.must(err)
	})
}

// Webhooks may be set to hide addresses; a refusal that repeats one must not bring it there.
func TestRefusalsDoNotNameTheAddressInEvents(t *testing.T) {
	for reason, want := range map[string]string{
		"550 5.1.1 <Jane@Customer.example>: unknown": "550 5.1.1 <the address>: unknown",
		"550 no such user":                           "550 no such user",
	} {
		if got := ours.WithoutAddress(reason, "jane@customer.example"); got != want {
			t.Errorf("%q", got)
		}
	}
}
