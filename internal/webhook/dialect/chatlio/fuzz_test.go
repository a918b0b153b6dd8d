package chatlio_test

import (
	"bytes"
	"encoding/json"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/chatlio"
)

// fatal is a test, or one of rapid's.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// typed decodes a body as a receiver with types does, and reports what it has no place for.
func typed(t fatal, e *event.Event, o dialect.Options) {
	t.Helper()
	name, _ := chatlio.New().Name(e)
	body, err := chatlio.New().Render(e, o)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var into any = new(aCommon)
	switch {
	case name == chatlio.OfflineMessage:
		into = new(anOfflineMessage)
	case name == chatlio.Transcript && o.On(chatlio.TraitsText):
		into = new(aTranscriptOf[string])
	case name == chatlio.Transcript:
		into = new(aTranscript)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || !utf8.Valid(body) || !json.Valid(body) {
		t.Fatalf("%s: %v: %s", name, err, body)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil || null(v) != "" {
		t.Fatalf("%s: null at %q: %s", name, null(v), body)
	}
	if tr, ok := into.(*aTranscript); ok {
		sane(t, tr)
	}
}

var tag = regexp.MustCompile(`<[^>]*>`)
var ours = regexp.MustCompile(`^<(/?(div|p|strong|span|br|a)|(div|p|span)( (style|dir)="[a-z0-9 #:;.,%-]*")+|a href="[^"<>]*")>$`)

// sane holds a transcript to what is true of every one.
func sane(t fatal, tr *aTranscript) {
	t.Helper()
	if lines := strings.Split(tr.TextBody, "\n"); len(tr.Messages) > 0 && len(lines) != len(tr.Messages) || strings.ContainsAny(tr.TextBody, "\r\v\f\u0085\u2028\u2029") {
		t.Fatalf("%d lines for %d messages: %q", len(lines), len(tr.Messages), tr.TextBody)
	}
	for _, found := range tag.FindAllString(tr.HTMLBody, -1) {
		if !ours.MatchString(found) {
			t.Fatalf("the tag %q in %q", found, tr.HTMLBody)
		}
	}
	stamps := map[string]bool{}
	for _, m := range tr.Messages {
		if stamps[m.TS] {
			t.Fatalf("the stamp %s twice", m.TS)
		}
		stamps[m.TS] = true
	}
}

func TestEveryEventIsRenderedForTypedReceivers(t *testing.T) {
	types := []event.Type{event.SessionStarted, event.OfflineMessageReceived, event.TranscriptRequested, event.ConversationUnanswered, event.ReviewGiven}
	rapid.Check(t, func(t *rapid.T) {
		e := eventtest.Arbitrary(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") })
		e.Type = rapid.SampledFrom(types).Draw(t, "type")
		if e.Conversation == nil {
			e.Conversation = new(event.Conversation)
		}
		if e.Session == nil || e.Session.Offline {
			e.Session = new(event.Session)
		}
		for i := range e.Messages { // most are nothing that somebody said, else
			if rapid.Bool().Draw(t, "said") {
				e.Messages[i].Type, e.Messages[i].Note = event.TypeMessage, false
				e.Messages[i].Sender.Type = rapid.SampledFrom([]event.PartyType{event.ByContact, event.ByOperator, event.ByBot, event.BySystem}).Draw(t, "by")
			}
		}
		typed(t, e, options())
		typed(t, e, options(chatlio.RealNames, chatlio.TraitsText))
	})
}

// FuzzTranscript: whatever people type and pages claim, a transcript is JSON for typed receivers, a line for each message, and HTML without other people's
// tags.
func FuzzTranscript(f *testing.F) {
	f.Add("Jane Doe", "Hello\nyou", `{"a":1}`, "photo.png", "https://shop.example/", "Great")
	f.Add("<b>", "</div><script>", `{"<":"&","current_page":null}`, `"><x`, "javascript:alert(1)", "\u2028")
	f.Add("", "\xff\x00\r", `[1]`, "", "\x1b", "")
	f.Add("a\r\nb", "[2026-01-01 00:00 UTC] Annie: no\r\n\v\f\u0085\u2029", `{"time_on_page":{"a":[]}}`, "a\nb", "", "x")
	f.Fuzz(func(t *testing.T, name, body, custom, file, page, feedback string) {
		e := sample(t, "transcript_extra")
		e.Conversation.Contact.Name, e.Conversation.Contact.Handle, e.Conversation.Contact.Custom = name, name, event.RawJSON(custom)
		e.Session.Visit.URL, e.Session.Feedback, e.Extra = page, feedback, []string{body}
		e.Sessions = nil
		e.Messages[0].Body, e.Messages[0].Media.Name = body, file
		e.Messages[2].Body, e.Messages[2].OperatorName, e.Messages[2].Sender.Type = body, name, event.ByOperator
		typed(t, e, options())
		typed(t, e, options(chatlio.RealNames, chatlio.TraitsText))
	})
}

// FuzzEmailPretty: a mail program reads the name and the address out of it that went in.
func FuzzEmailPretty(f *testing.F) {
	f.Add("Bob Smith", "bob@smith.com")
	f.Add(`a\"<b@c>, "d`, "x@y.example")
	f.Add("Bob\r\nBcc: x@y", "bob@smith.com")
	f.Add("Zoë", "zoe@smith.com")
	f.Fuzz(func(t *testing.T, name, email string) {
		e := sample(t, "offline_message_received")
		e.Offline = &event.OfflineMessage{Name: name, Email: email}
		typed(t, e, options())
		pretty := decode[anOfflineMessage](t, render(t, e, options())).EmailPretty
		if name == "" || email == "" || !utf8.ValidString(name) {
			return
		}
		if plain, err := mail.ParseAddress(email); err != nil || plain.Address != email || strings.ContainsAny(email, "\"\\ ") {
			return // the form takes none like it
		}
		for _, r := range name {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
				if strings.ContainsRune(pretty, r) {
					t.Fatalf("%q has the character %U", pretty, r)
				}
				return
			}
		}
		a, err := mail.ParseAddress(pretty)
		if err != nil || a.Name != name || a.Address != email {
			t.Fatalf("%q is read as %v, %v", pretty, a, err)
		}
	})
}
