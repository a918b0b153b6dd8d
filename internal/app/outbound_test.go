package app

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/channel"
	"parley/internal/channel/custom"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/mail/letter"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/userlike"
)

// Three packages that share no structs write the same message object: receivers of the API add-on, of a custom channel and of
// mails read it with the same code.
func TestAMessageIsTheSameObjectInCallbacksMailsAndOnChannels(t *testing.T) {
	address := eventtest.MediaURL("https://chat.example")
	sender, ok := custom.New().(channel.Sender)
	if !ok {
		t.Fatal("a custom channel sends nothing")
	}
	compared := 0
	compare := func(name string, e *event.Event) {
		body, err := userlike.New().Render(e, dialect.Options{MediaURL: address})
		if err != nil {
			t.Fatal(err)
		}
		var call struct {
			Message json.RawMessage `json:"message"`
		}
		if err := json.Unmarshal(body, &call); err != nil {
			t.Fatal(err)
		}
		out := &channel.Outbound{Event: e, Channel: event.Channel{ID: 8, Type: "custom", Name: "SMS"}}
		if m := e.Message.Media; m != nil {
			out.MediaURL = address(m, false, e.At)
		}
		got, err := sender.Render(out)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSuffix(string(call.Message), "}") + `,"email":`; !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: a callback has\n%s\nand the channel\n%s", name, call.Message, got)
		}
		// In the context of a mail's callback it stands among others.
		m := *e.Message
		l := &letter.Letter{Kind: event.MailTranscript, Lang: "en", Receiver: "jane@customer.example", Conversation: e.Conversation, Messages: []*event.Message{&m}, At: e.At,
			MediaURL: func(f *event.Media) string { return address(f, false, e.At) }}
		written, err := l.Write()
		if err != nil {
			t.Fatal(err)
		}
		mail, err := l.Callback(written, false)
		if err != nil {
			t.Fatal(err)
		}
		var in struct {
			Context struct {
				Messages []any `json:"messages"`
			} `json:"context"`
		}
		var own any
		if err := errors.Join(json.Unmarshal(mail, &in), json.Unmarshal(call.Message, &own)); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]any{own}, in.Context.Messages); d != "" {
			t.Errorf("%s: a callback (-) and a mail (+): %s", name, d)
		}
		compared++
	}
	for _, s := range eventtest.Named() {
		if s.Event.Type != event.MessageSent {
			continue
		}
		compare(s.Name, s.Event)
	}
	if compared < 4 {
		t.Errorf("only %d messages were compared", compared)
	}
}
