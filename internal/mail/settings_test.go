package mail_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	ours "parley/internal/mail"
	"parley/internal/mail/letter"
	"parley/internal/once"
	"parley/internal/widget"
)

// S-003, S-005, S-036: what a widget says of mails is kept, checked, and its own.
func TestSettingsOfWidgets(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.settings()
		if s.Callback || s.TranscriptOnEnd || s.TranscriptOffer || !s.SignIn || s.MissedAfter != 0 || s.State != ours.OK || s.DefaultTexts != letter.Defaults("en") || s.Texts != (letter.Texts{}) {
			t.Errorf("usual settings = %+v", s)
		}
		other, err := h.widgets.Create(t.Context(), h.admin, once.Key{}, widget.Change{Name: new("Other")})
		h.must(err)
		h.byCallback(func(d *ours.Draft) {
			d.ContextAsText, d.TranscriptOnEnd, d.TranscriptOffer, d.MissedAfter, d.FromName, d.LogoURL = new(true), new(true), new(true), new(60), new(" Shop "), new("https://x.example/l.png")
			d.Texts = &ours.TextsDraft{Footer: new("Bye")}
		})
		s = h.settings()
		if !s.Callback || s.CallbackURL != h.hook.url || !s.HasToken || s.TokenHint != "" || !s.ContextAsText || !s.TranscriptOnEnd || !s.TranscriptOffer || s.MissedAfter != 60 ||
			s.FromName != "Shop" || s.LogoURL != "https://x.example/l.png" || s.Texts.Footer != "Bye" || s.InboundURL != "https://shop.example/help" {
			t.Errorf("settings = %+v", s)
		}
		if strings.Contains(fmt.Sprintf("%+v", s), "s3cr3t") {
			t.Error("the token is shown")
		}
		if s := h.set(func(d *ours.Draft) { d.Token = new("a-token-of-some-length-9876") }); s.TokenHint != "9876" || s.Texts.Footer != "Bye" {
			t.Errorf("settings = %+v", s)
		}
		if s := h.set(func(d *ours.Draft) { d.Token = new("") }); s.HasToken || s.TokenHint != "" {
			t.Errorf("settings = %+v", s)
		}
		if s, err := h.mails.OfWidget(t.Context(), h.admin, other.ID); err != nil || s.Callback || s.InboundURL != "" {
			t.Errorf("the other widget's = %+v, %v", s, err)
		}
		if _, err := h.mails.OfWidget(t.Context(), h.admin, 4711); !fault.Is(err, fault.WidgetNotFound) {
			t.Errorf("no widget: %v", err)
		}
		for _, fn := range []func() error{
			func() error { _, err := h.mails.OfWidget(t.Context(), h.ann, h.widget.ID); return err },
			func() error { _, err := h.mails.SetOfWidget(t.Context(), h.ann, h.widget.ID, ours.Draft{}); return err },
			func() error { _, err := h.mails.TestCallback(t.Context(), h.ann, h.widget.ID); return err },
			func() error { _, err := h.mails.Preview(t.Context(), h.ann, h.widget.ID, "missed", nil); return err },
			func() error { _, err := h.mails.Server(t.Context(), h.ann); return err },
			func() error { _, err := h.mails.SetServer(t.Context(), h.ann, ours.ServerDraft{}); return err },
			func() error { _, err := h.mails.TestServer(t.Context(), h.ann, "a@x.example"); return err },
			func() error { return h.mails.RemoveServer(t.Context(), h.ann) },
		} {
			if err := fn(); !fault.Is(err, fault.AuthDenied) {
				t.Errorf("an operator: %v", err)
			}
		}
	})
}

func TestSettingsThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, c := range map[string]struct {
			draft ours.Draft
			code  fault.Code
			field string
		}{
			"javascript":            {ours.Draft{InboundURL: new("javascript:alert(1)")}, fault.FieldInvalid, "inbound_url"},
			"relative":              {ours.Draft{InboundURL: new("/help")}, fault.FieldInvalid, "inbound_url"},
			"no scheme":             {ours.Draft{InboundURL: new("//shop.example/help")}, fault.FieldInvalid, "inbound_url"},
			"no host":               {ours.Draft{InboundURL: new("https:///help")}, fault.FieldInvalid, "inbound_url"},
			"only a port":           {ours.Draft{InboundURL: new("https://:80/")}, fault.FieldInvalid, "inbound_url"},
			"credentials":           {ours.Draft{InboundURL: new("https://a:b@shop.example/")}, fault.FieldInvalid, "inbound_url"},
			"opaque":                {ours.Draft{InboundURL: new("https:shop.example")}, fault.FieldInvalid, "inbound_url"},
			"line end":              {ours.Draft{InboundURL: new("https://shop.example/\r\nx")}, fault.FieldInvalid, "inbound_url"},
			"quote":                 {ours.Draft{InboundURL: new(`https://shop.example/"onclick`)}, fault.FieldInvalid, "inbound_url"},
			"long":                  {ours.Draft{InboundURL: new("https://shop.example/" + strings.Repeat("x", 2000))}, fault.TextTooLong, "inbound_url"},
			"logo without TLS":      {ours.Draft{LogoURL: new("http://shop.example/l.png")}, fault.FieldInvalid, "logo_url"},
			"logo as data":          {ours.Draft{LogoURL: new("data:image/png;base64,AAAA")}, fault.FieldInvalid, "logo_url"},
			"callback without URL":  {ours.Draft{Callback: new(true)}, fault.MailCallbackURL, "custom_email_api.url"},
			"callback with ftp":     {ours.Draft{CallbackURL: new("ftp://x.example/")}, fault.MailCallbackURL, "custom_email_api.url"},
			"callback at home":      {ours.Draft{CallbackURL: new("http://192.168.1.1/")}, fault.TargetRefused, "custom_email_api.url"},
			"token with a blank":    {ours.Draft{Token: new("a b")}, fault.FieldInvalid, "custom_email_api.token"},
			"token with a line end": {ours.Draft{Token: new("a\r\nX: y")}, fault.FieldInvalid, "custom_email_api.token"},
			"soon":                  {ours.Draft{MissedAfter: new(59)}, fault.FieldInvalid, "missed_after_seconds"},
			"late":                  {ours.Draft{MissedAfter: new(86401)}, fault.FieldInvalid, "missed_after_seconds"},
			"name of two lines":     {ours.Draft{FromName: new("a\nb")}, fault.FieldInvalid, "from_name"},
			"long name":             {ours.Draft{FromName: new(strings.Repeat("ü", 81))}, fault.FieldInvalid, "from_name"},
			"subject of two lines":  {ours.Draft{Texts: &ours.TextsDraft{MissedSubject: new("a\nb")}}, fault.TextInvalid, "texts.missed_subject"},
			"unknown placeholder":   {ours.Draft{Texts: &ours.TextsDraft{Footer: new("{token}")}}, fault.FieldInvalid, "texts.footer"},
		} {
			_, err := h.mails.SetOfWidget(t.Context(), h.admin, h.widget.ID, c.draft)
			if f := fault.As(err); err == nil || f.Code != c.code || f.Field != c.field {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s := h.settings(); s.InboundURL != "" || s.Callback || s.HasToken {
			t.Errorf("settings = %+v", s)
		}
		_, err := h.mails.SetServer(t.Context(), h.admin, ours.ServerDraft{Host: new("a b"), Port: new(99999)})
		if f := fault.As(err); f.Field != "host" || len(f.Others) == 0 {
			t.Errorf("server: %v", err)
		}
	})
}

// S-042.
func TestTestOfTheCallback(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if _, err := h.mails.TestCallback(t.Context(), h.admin, h.widget.ID); !fault.Is(err, fault.MailCallbackURL) {
			t.Errorf("without a URL: %v", err)
		}
		h.byCallback()
		h.hook.set(func(_ int, w http.ResponseWriter) { fmt.Fprint(w, "Connected\n") })
		got, err := h.mails.TestCallback(t.Context(), h.admin, h.widget.ID)
		h.must(err)
		if !got.OK || got.Status != 200 || !strings.Contains(got.Detail, "Connected") {
			t.Errorf("test = %+v", got)
		}
		if c := h.hook.got()[0]; c.Method != http.MethodPost || len(c.Body) != 0 || c.Header.Get("Content-Length") != "0" || c.Header.Get("API-SECURITY-TOKEN") != "s3cr3t" {
			t.Errorf("call = %+v", c)
		}
		h.hook.status(404)
		if got, err = h.mails.TestCallback(t.Context(), h.admin, h.widget.ID); err != nil || got.OK || got.Status != 404 {
			t.Errorf("test = %+v, %v", got, err)
		}
		nobody := "http://127.0.0.1:1/"
		h.set(func(d *ours.Draft) { d.CallbackURL, d.Token = &nobody, new("s3cr3t") })
		if got, err = h.mails.TestCallback(t.Context(), h.admin, h.widget.ID); err != nil || got.OK || got.Status != 0 || got.Detail == "" {
			t.Errorf("test = %+v, %v", got, err)
		}
	})
}

func TestMailServerSettings(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if _, err := h.mails.TestServer(t.Context(), h.admin, "me@x.example"); !fault.Is(err, fault.MailServerUnset) {
			t.Errorf("without a server: %v", err)
		}
		h.byServer(func(d *ours.ServerDraft) {
			d.Username, d.Password, d.DKIMDomain, d.DKIMSelector, d.GenerateDKIM = new("chat"), new("pa$$word"), new("shop.example"), new("parley"), true
		})
		s, err := h.mails.Server(t.Context(), h.admin)
		h.must(err)
		if !s.Set || s.State != ours.OK || !s.HasPassword || !s.HasDKIMKey || !strings.HasPrefix(s.DKIMRecord, "v=DKIM1") || s.From != "chat@shop.example" || s.Username != "chat" {
			t.Errorf("server = %+v", s)
		}
		again, err := h.mails.SetServer(t.Context(), h.admin, ours.ServerDraft{FromName: new("Shop"), Username: new(""), Password: new("")})
		h.must(err)
		if again.HasPassword || again.DKIMRecord != s.DKIMRecord || again.FromName != "Shop" {
			t.Errorf("server = %+v", again)
		}
		for _, bad := range []string{"", "me", "Me <me@x.example>", "a@x.example\r\nRCPT TO:<b@x.example>"} {
			if _, err := h.mails.TestServer(t.Context(), h.admin, bad); !fault.Is(err, fault.FieldInvalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		got, err := h.mails.TestServer(t.Context(), h.admin, "me@x.example")
		if err != nil || !got.OK || got.Status != 250 || len(h.sink.got()) != 1 || h.sink.got()[0].message.Header.Get("DKIM-Signature") == "" {
			t.Errorf("test = %+v, %v", got, err)
		}
		h.sink.set(func(word, _ string) string { return map[string]string{"RCPT": "550 5.1.1 no such user"}[word] })
		if got, err = h.mails.TestServer(t.Context(), h.admin, "me@x.example"); err != nil || got.OK || got.Status != 550 || !strings.Contains(got.Detail, "no such user") {
			t.Errorf("test = %+v, %v", got, err)
		}
		if len(h.all(ours.Filter{})) != 0 {
			t.Error("a test is in the list")
		}
	})
}

func TestPreview(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.set(func(d *ours.Draft) {
			d.Texts, d.InboundURL = &ours.TextsDraft{TranscriptIntro: new("Our own words.")}, new("https://shop.example/")
		})
		for _, kind := range []string{event.MailTranscript, event.MailMissed, event.MailReauth} {
			m, err := h.mails.Preview(t.Context(), h.admin, h.widget.ID, kind, nil)
			h.must(err)
			if m.Subject == "" || !strings.Contains(m.HTML, "Shop") || strings.Contains(m.Text, "Our own words.") != (kind == event.MailTranscript) {
				t.Errorf("%s: %q %s", kind, m.Subject, m.Text)
			}
		}
		m, err := h.mails.Preview(t.Context(), h.admin, h.widget.ID, event.MailTranscript, &letter.Texts{TranscriptIntro: "Other words."})
		if err != nil || !strings.Contains(m.HTML, "Other words.") || strings.Contains(m.HTML, "Our own words.") {
			t.Errorf("%v", err)
		}
		if _, err := h.mails.Preview(t.Context(), h.admin, h.widget.ID, event.MailTranscript, &letter.Texts{TranscriptSubject: "a\nb"}); !fault.Is(err, fault.TextInvalid) {
			t.Errorf("bad text: %v", err)
		}
		if _, err := h.mails.Preview(t.Context(), h.admin, h.widget.ID, "newsletter", nil); !fault.Is(err, fault.FieldInvalid) {
			t.Errorf("bad kind: %v", err)
		}
	})
}

// The context travels as an object or as a text of JSON.
func TestContextAsText(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.ContextAsText = new(true) })
		v := h.talk("kim@x.example")
		m := h.transcript(v.Conversation.ID)
		pass(5 * time.Second)
		calls := h.hook.got()
		if len(calls) != 1 {
			t.Fatalf("%d calls", len(calls))
		}
		text, ok := calls[0].json(t)["context"].(string)
		if !ok || !strings.Contains(text, "#parley=") {
			t.Fatalf("context = %v", calls[0].json(t)["context"])
		}
		_, token, _ := strings.Cut(text, "#parley=")
		if token = token[:43]; strings.Contains(string(h.delivery(m).Body), token) {
			t.Error("the secret is stored")
		}
	})
}

// Many at once, with the engine at work: nothing is lost, and each conversation's mails are in order.
func TestManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback(func(d *ours.Draft) { d.TranscriptOnEnd = new(true) })
		h.hook.set(func(n int, w http.ResponseWriter) {
			if n%7 == 0 {
				w.WriteHeader(500)
			}
		})
		var running sync.WaitGroup
		for i := range 8 {
			running.Go(func() {
				for j := range 5 {
					v := h.talk(fmt.Sprintf("kim-%d-%d@x.example", i, j))
					if _, err := h.inbox.End(context.Background(), h.ann, once.Key{}, v.Conversation.ID); err != nil {
						t.Error(err)
					}
					if _, err := h.mails.SendTranscript(context.Background(), h.ann, once.Key{}, v.Conversation.ID, "boss@x.example"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		running.Wait()
		h.long(10 * time.Hour)
		list := h.all(ours.Filter{Limit: ours.MaxList})
		if len(list) != 80 || slices.ContainsFunc(list, func(m *ours.Mail) bool { return m.State != ours.Sent }) {
			t.Errorf("%d mails", len(list))
		}
		seen := map[string]bool{}
		for _, c := range h.hook.got() {
			seen[c.Header.Get("Webhook-Id")] = true
		}
		if len(seen) != 80 {
			t.Errorf("%d came", len(seen))
		}
	})
}

// Ways to sign in that have ended are forgotten.
func TestForgetWaysIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.byCallback()
		h.talk("kim@x.example")
		h.must(h.mails.Ask(t.Context(), h.widget, "kim@x.example"))
		pass(5 * time.Second)
		h.long(26 * time.Hour)
		h.must(h.mails.Forget(t.Context()))
		h.must(h.db.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			if more, err := contact.ForgetReauth(tx, tx.Now(), 1); err != nil || more {
				t.Errorf("there is something left: %v", err)
			}
			return nil
		}))
	})
}
