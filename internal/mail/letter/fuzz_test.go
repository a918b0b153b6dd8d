package letter

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/event/eventtest"
)

// FuzzWrite puts strange words everywhere where people may write some.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{"Ann\r\nBcc: x@y.example", "<script>alert(1)</script>", "https://a.example/?a=1&b=<c>", "\u202e\u2066evil", "{name}{widget}{{.}}", "a\x00b\xff", "👩‍👩‍👧‍👦",
		"https://x.example/\u2028y", "]]>-->", "\ufffe\uffff", `\u003c" onx="`, "http://[::1]:x", "https://a.example/%zz%", "&#0;&amp", "\n\n\n", " ", ""} {
		f.Add(s, s, s, s)
	}
	forms := schemas(f)
	f.Fuzz(func(t *testing.T, body, name, widget, text string) {
		for _, kind := range kinds {
			l := Sample(kind, "en")
			l.Look = Look{Name: widget, Color: text, LogoURL: text}
			l.Texts = Texts{TranscriptSubject: text, TranscriptIntro: text, MissedSubject: text, MissedIntro: text, ReauthSubject: text, ReauthIntro: text, Footer: text}
			l.Contact.Name = name
			l.ConversationURL, l.ReauthLink = text, text
			for _, m := range l.Messages {
				m.Body, m.Sender.Name, m.OperatorDisplayName = body, name, name
				if m.Media != nil {
					m.Media.Name = name
				}
				if m.Entry != nil && m.Entry.Survey != nil {
					m.Entry.Survey.Question = body
				}
			}
			m := write(t, l)
			harmless(t, l, m)
			if c := clean(body); kind != event.MailReauth && strings.TrimSpace(c) != "" {
				if !strings.Contains(m.Text, c) {
					t.Errorf("the text lacks %q", c)
				}
				if !strings.Contains(shown(t, m.HTML), c) {
					t.Errorf("the HTML lacks %q", c)
				}
			}
			b := call(t, l, false)
			if !json.Valid(b) || !utf8.Valid(b) {
				t.Errorf("not JSON: %q", b)
			}
			valid(t, forms[EmailType(kind)], b)
			receiver, again, _, err := ReadCallback(b)
			if err != nil || receiver != l.Receiver || *again != *m {
				t.Errorf("read again: %v", err)
			}
		}
	})
}

// FuzzArbitraryMessages writes mails of messages of which every field holds anything.
func FuzzArbitraryMessages(f *testing.F) {
	f.Add([]byte("0123456789"))
	f.Add(bytes.Repeat([]byte{1, 5, 9, 2, 7}, 200))
	f.Fuzz(func(t *testing.T, choices []byte) {
		at := 0
		pick := func(n int) int {
			if at++; at > len(choices) {
				return 0
			}
			return int(choices[at-1]) % n
		}
		l := Sample(event.MailTranscript, "de")
		l.Messages = nil
		for range 5 {
			e := eventtest.Arbitrary(pick)
			if e.Message != nil {
				e.Message.Type = []string{"message", "event", "rating", "feedback", "survey", "media", "new"}[pick(7)]
				l.Messages = append(l.Messages, e.Message)
			}
			if e.Conversation != nil {
				l.Conversation = e.Conversation
			}
		}
		harmless(t, l, write(t, l))
		if b := call(t, l, pick(2) == 1); !json.Valid(b) {
			t.Errorf("not JSON: %q", b)
		}
	})
}

func FuzzReadCallback(f *testing.F) {
	for _, kind := range kinds {
		l := Sample(kind, "en")
		f.Add(call(f, l, kind == event.MailMissed))
	}
	f.Add([]byte(`{"html":"a","receiver":"a@b","subject":"s","text":"t","email_type":"reauth","context":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		receiver, m, emailType, err := ReadCallback(body)
		if err != nil {
			return
		}
		if checkReceiver(receiver) != nil || strings.ContainsAny(m.Subject, "\r\n") || m.HTML == "" || m.Text == "" || emailType != "reauth" && emailType != "transcript" {
			t.Errorf("%q is read as %q %v %q", body, receiver, m, emailType)
		}
	})
}

func FuzzSpans(f *testing.F) {
	for _, s := range []string{"see https://a.example/x).", "a\nb\r\nc", "http://http://http://x", "https://ö.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = clean(s)
		if again := clean(s); again != s {
			t.Errorf("clean twice: %q, %q", s, again)
		}
		if got := plainSpans(spans(s)); got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}
