package channeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/channel"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/secret"
)

// Suite is what the suite has to know of a kind. The functions are for kinds that can be made.
type Suite struct {
	Kind channel.Kind
	// Settings are valid ones, with calls that go to url.
	Settings func(url string) map[string]string
	// Message is what the other side posts: its own id of the message, the contact's e-mail address, and the text.
	Message func(id, email, text string) []byte
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Run runs the suite on both engines.
func Run(t *testing.T, s Suite) {
	info := s.Kind.Info()
	t.Run("metadata", func(t *testing.T) { metadata(t, s.Kind, info) })
	each := func(name string, fn func(t *testing.T, h *House)) {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, New(t, d, s.Kind)) })
		})
	}
	if !info.Creatable {
		each("nobody makes one", func(t *testing.T, h *House) {
			if _, _, err := h.Channels.Create(t.Context(), h.Admin, once.Key{}, channel.Draft{Type: &info.Type, Name: new("X"), Widget: &h.Widget.ID}); !fault.Is(err, fault.ChannelType) {
				t.Errorf("made one: %v", err)
			}
		})
		return
	}
	each("settings survive a round trip", s.roundTrip)
	each("settings are checked by the fields", s.checked)
	if _, ok := s.Kind.(channel.Receiver); ok {
		each("who knocks needs the token", s.tokens)
		each("a message is stored once", s.inbound)
		each("a message has an end", s.limits)
	}
	if _, ok := s.Kind.(channel.Sender); ok {
		each("an outage turns into retries without a second copy", s.outage)
		each("410 stops the channel, and nothing is lost", s.gone)
		each("what waits for a deleted channel fails", s.deleted)
	}
}

func metadata(t *testing.T, kind channel.Kind, info channel.Info) {
	if !nameForm.MatchString(info.Type) || info.Label == "" || info.Description == "" {
		t.Errorf("it is not described: %+v", info)
	}
	seen := map[string]bool{}
	for _, f := range info.Fields {
		if !nameForm.MatchString(f.Name) || seen[f.Name] || f.Label == "" || f.Help == "" {
			t.Errorf("field %q: no name, a second time, or not described", f.Name)
		}
		seen[f.Name] = true
		switch f.Kind {
		case channel.FieldChoice:
			known := func(v string) bool {
				return slices.ContainsFunc(f.Options, func(o channel.Option) bool { return o.Value == v })
			}
			if len(f.Options) < 2 || f.Required && !known(f.Default) {
				t.Errorf("field %q: the default %q is none of %v", f.Name, f.Default, f.Options)
			}
			for _, o := range f.Options {
				if o.Value == "" || o.Label == "" {
					t.Errorf("field %q: option %+v", f.Name, o)
				}
			}
		case channel.FieldText, channel.FieldURL, channel.FieldSecret:
			if len(f.Options) > 0 {
				t.Errorf("field %q has options and is no choice", f.Name)
			}
		default:
			t.Errorf("field %q has the kind %q, which nobody knows", f.Name, f.Kind)
		}
		if f.Generated && f.Kind != channel.FieldSecret || f.Kind == channel.FieldSecret && f.Default != "" {
			t.Errorf("field %q: only secrets are made, and they have no default", f.Name)
		}
	}
	if _, ok := kind.(channel.Receiver); ok {
		if i := slices.IndexFunc(info.Fields, func(f channel.Field) bool { return f.Name == channel.InboundToken }); i < 0 || info.Fields[i].Kind != channel.FieldSecret || !info.Fields[i].Required {
			t.Errorf("it receives, and has no required secret %s", channel.InboundToken)
		}
	}
	names := map[string]bool{}
	for _, d := range info.Documents {
		if !nameForm.MatchString(d.Name) || names[d.Name] || d.Title == "" || !json.Valid(d.Schema) || !json.Valid(d.Sample) {
			t.Errorf("document %q is not complete", d.Name)
		}
		names[d.Name] = true
	}
}

// Make makes a channel of the suite's kind.
func (s Suite) Make(h *House, change ...func(*channel.Draft)) (*channel.Channel, map[string]secret.String) {
	h.T.Helper()
	d := channel.Draft{Type: new(s.Kind.Info().Type), Name: new("SMS"), Widget: &h.Widget.ID, Settings: s.Settings(h.URL)}
	for _, fn := range change {
		fn(&d)
	}
	c, secrets, err := h.Channels.Create(h.T.Context(), h.Admin, once.Key{}, d)
	h.must(err)
	return c, secrets
}

func (s Suite) roundTrip(t *testing.T, h *House) {
	typed := map[string]string{}
	var generated []string
	for _, f := range s.Kind.Info().Fields {
		if f.Kind == channel.FieldSecret && len(typed) == 0 {
			typed[f.Name] = "typed-by-somebody-1"
		} else if f.Generated {
			generated = append(generated, f.Name)
		}
	}
	made, secrets := s.Make(h, func(d *channel.Draft) { d.Secrets, d.AutoReply, d.Merge = typed, new(true), new(false) })
	for name, v := range typed {
		if secrets[name].Reveal() != v {
			t.Errorf("the typed %s is %q", name, secrets[name].Reveal())
		}
	}
	for _, name := range generated {
		if v := secrets[name].Reveal(); len(v) < 32 {
			t.Errorf("the %s that was made is %q", name, v)
		}
	}
	got, err := h.Channels.Get(t.Context(), h.Admin, made.ID)
	h.must(err)
	for name, want := range s.Settings(h.URL) {
		if got.Settings[name] != want || made.Settings[name] != want {
			t.Errorf("%s is %q, and %q in the answer; want %q", name, got.Settings[name], made.Settings[name], want)
		}
	}
	if got.Name != "SMS" || got.Widget != h.Widget.ID || got.Merge || !got.AutoReply || got.State != channel.Active || got.InboundURL != made.InboundURL {
		t.Errorf("stored: %s, widget %d, merge %v, auto reply %v, %s", got.Name, got.Widget, got.Merge, got.AutoReply, got.State)
	}
	// Secrets are in no answer and in no row.
	var row string
	h.must(h.DB.View(t.Context(), func(_ context.Context, tx *db.Tx) (err error) {
		row, err = storedSettings(tx, made.ID)
		return err
	}))
	list, err := h.Channels.List(t.Context(), h.Ann)
	h.must(err)
	if len(list) != 1 || list[0].InboundURL != "" || len(list[0].Settings) != 0 {
		t.Errorf("an operator sees %d channels, %v %s", len(list), list[0].Settings, list[0].InboundURL)
	}
	whole := row
	for _, c := range append(list, got, made) {
		b, err := json.Marshal(c)
		h.must(err)
		whole += string(b) + fmt.Sprintf("%+v %#v", c.Secrets, c.Settings)
	}
	for name, v := range secrets {
		if strings.Contains(whole, v.Reveal()) {
			t.Errorf("the secret %s is shown", name)
		}
		if !got.Secrets[name].Set {
			t.Errorf("the secret %s is said not to be set", name)
		}
	}
	// What a change leaves out stays.
	after, err := h.Channels.Update(t.Context(), h.Admin, once.Key{}, made.ID, channel.Draft{Name: new("Letters")})
	h.must(err)
	if after.Name != "Letters" || after.InboundURL != made.InboundURL || !maps.Equal(after.Settings, got.Settings) {
		t.Errorf("after a change of the name it is called %s, with %v", after.Name, after.Settings)
	}
	for name, v := range secrets {
		fresh, err := h.Channels.Rotate(t.Context(), h.Admin, once.Key{}, made.ID, name, "", time.Hour)
		h.must(err)
		if fresh.Reveal() == v.Reveal() || len(fresh.Reveal()) < 32 {
			t.Errorf("rotated %s is %q", name, fresh.Reveal())
		}
	}
	h.must(h.Channels.Delete(t.Context(), h.Admin, made.ID))
	if _, err := h.Channels.Get(t.Context(), h.Admin, made.ID); !fault.Is(err, fault.ChannelNotFound) {
		t.Errorf("a deleted channel: %v", err)
	}
}

func (s Suite) checked(t *testing.T, h *House) {
	valid := func() channel.Draft {
		return channel.Draft{Type: new(s.Kind.Info().Type), Name: new("SMS"), Widget: &h.Widget.ID, Settings: s.Settings(h.URL), Secrets: map[string]string{}}
	}
	refused := func(what, field string, change func(*channel.Draft)) {
		t.Helper()
		d := valid()
		change(&d)
		_, _, err := h.Channels.Create(t.Context(), h.Admin, once.Key{}, d)
		if f := fault.As(err); err == nil || f.Field != field || f.Kind() != fault.Invalid && f.Kind() != fault.Denied {
			t.Errorf("%s: %v, want a fault at %s", what, err, field)
		}
	}
	for _, f := range s.Kind.Info().Fields {
		at := "settings." + f.Name
		if f.Kind == channel.FieldSecret {
			at = "secrets." + f.Name
			for _, v := range []string{"short", strings.Repeat("x", 201), "with a blank", "line\nbreak", "umlaut-ä-umlaut"} {
				refused(f.Name+" "+v[:5], at, func(d *channel.Draft) { d.Secrets[f.Name] = v })
			}
			continue
		}
		if f.Required {
			refused("no "+f.Name, at, func(d *channel.Draft) { d.Settings[f.Name] = "" })
		}
		for _, v := range map[channel.FieldKind][]string{
			channel.FieldURL:    {"ftp://example.com/", "http://10.0.0.1/", "http://u:p@example.com/", "nonsense", "javascript:alert(1)"},
			channel.FieldChoice: {"none of them"},
			channel.FieldText:   {"line\nbreak", strings.Repeat("x", 2001)},
		}[f.Kind] {
			refused(f.Name+" "+v, at, func(d *channel.Draft) { d.Settings[f.Name] = v })
		}
	}
	refused("a strange setting", "settings.stranger", func(d *channel.Draft) { d.Settings["stranger"] = "x" })
	refused("a strange secret", "secrets.stranger", func(d *channel.Draft) { d.Secrets["stranger"] = "xxxxxxxxxxxx" })
	refused("no name", "name", func(d *channel.Draft) { d.Name = new(" ") })
	refused("a long name", "name", func(d *channel.Draft) { d.Name = new(strings.Repeat("ä", 81)) })
	refused("no widget", "widget_id", func(d *channel.Draft) { d.Widget = nil })
	if list, err := h.Channels.List(t.Context(), h.Admin); err != nil || len(list) != 0 {
		t.Errorf("refused drafts left %d channels (%v)", len(list), err)
	}
	for _, by := range []struct {
		what string
		err  error
	}{
		{"create", func() error { _, _, err := h.Channels.Create(t.Context(), h.Ann, once.Key{}, valid()); return err }()},
		{"delete", h.Channels.Delete(t.Context(), h.Ann, 1)},
	} {
		if !fault.Is(by.err, fault.AuthDenied) {
			t.Errorf("an operator may %s: %v", by.what, by.err)
		}
	}
}

func (s Suite) tokens(t *testing.T, h *House) {
	c, secrets := s.Make(h)
	body := s.Message("m-1", "zoe@example.com", "Hello")
	for given, code := range map[string]fault.Code{"": fault.ChannelTokenMissing, "wrong-wrong-wrong": fault.ChannelTokenWrong, secrets[channel.InboundToken].Reveal() + "x": fault.ChannelTokenWrong} {
		if _, err := h.Post(c.InboundURL, given, body); !fault.Is(err, code) {
			t.Errorf("the token %q: %v, want %s", given, err, code)
		}
	}
	if _, err := h.Post(c.InboundURL+"x", secrets[channel.InboundToken].Reveal(), body); !fault.Is(err, fault.ChannelNotFound) {
		t.Errorf("another address: %v", err)
	}
	if p, err := h.Inbox.List(t.Context(), inbox.Filter{Limit: 10}, 0); err != nil || len(p.Items) != 0 {
		t.Errorf("who was refused left conversations (%v)", err)
	}
	log, _, err := h.Channels.Log(t.Context(), h.Admin, c.ID, 0, 50)
	h.must(err)
	if len(log) != 3 || log[0].IP != "203.0.113.7" || log[0].Status < 400 {
		t.Errorf("the log has %d lines: %+v", len(log), log)
	}
	old := secrets[channel.InboundToken].Reveal()
	fresh, err := h.Channels.Rotate(t.Context(), h.Admin, once.Key{}, c.ID, channel.InboundToken, "another-token-typed", time.Hour)
	h.must(err)
	for i, token := range []string{old, fresh.Reveal()} {
		if _, err := h.Post(c.InboundURL, token, s.Message(fmt.Sprint("r-", i), "zoe@example.com", "Hello")); err != nil {
			t.Errorf("during the overlap: %v", err)
		}
	}
	if _, err = h.Channels.Rotate(t.Context(), h.Admin, once.Key{}, c.ID, channel.InboundToken, "a-third-token-typed", 0); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{old, fresh.Reveal()} {
		if _, err := h.Post(c.InboundURL, token, body); !fault.Is(err, fault.ChannelTokenWrong) {
			t.Errorf("without an overlap: %v", err)
		}
	}
}

func (s Suite) inbound(t *testing.T, h *House) {
	c, secrets := s.Make(h)
	token := secrets[channel.InboundToken].Reveal()
	first, err := h.Post(c.InboundURL, token, s.Message("m-1", "zoe@example.com", "Hello"))
	h.must(err)
	again, err := h.Post(c.InboundURL, token, s.Message("m-1", "zoe@example.com", "Hello"))
	h.must(err)
	if first.Duplicate || !again.Duplicate || again.Message != first.Message || again.Conversation != first.Conversation || again.Contact != first.Contact {
		t.Errorf("first %+v, again %+v", first, again)
	}
	second, err := h.Post(c.InboundURL, token, s.Message("m-2", "zoe@example.com", "Are you there?"))
	h.must(err)
	if second.Conversation != first.Conversation || second.Contact != first.Contact || second.Message == first.Message {
		t.Errorf("a further message: %+v after %+v", second, first)
	}
	v, err := h.Inbox.Get(t.Context(), first.Conversation)
	h.must(err)
	if v.Channel.ID != c.ID || v.Channel.Name != "SMS" || v.Group == nil || v.Group.ID != h.Group.ID || v.Unread != 2 {
		t.Errorf("the conversation: %+v", v.Conversation)
	}
	// The same id at another channel is another message.
	other, theirs := s.Make(h, func(d *channel.Draft) { d.Name = new("Second") })
	elsewhere, err := h.Post(other.InboundURL, theirs[channel.InboundToken].Reveal(), s.Message("m-1", "zoe@example.com", "Hello"))
	h.must(err)
	if elsewhere.Duplicate || elsewhere.Message == first.Message || elsewhere.Conversation == first.Conversation || elsewhere.Contact != first.Contact {
		t.Errorf("at another channel: %+v after %+v", elsewhere, first)
	}
}

func (s Suite) limits(t *testing.T, h *House) {
	c, secrets := s.Make(h)
	token := secrets[channel.InboundToken].Reveal()
	for what, text := range map[string]string{"nothing": "", "blanks": " \n\t", "too much": strings.Repeat("ä", inbox.MaxBody+1)} {
		if _, err := h.Post(c.InboundURL, token, s.Message("m-1", "zoe@example.com", text)); !fault.IsKind(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := h.Post(c.InboundURL, token, s.Message(strings.Repeat("x", 1000), "zoe@example.com", "Hello")); !fault.IsKind(err, fault.Invalid) {
		t.Errorf("a long id: %v", err)
	}
	if _, err := h.Post(c.InboundURL, token, []byte("nonsense")); !fault.IsKind(err, fault.Malformed) {
		t.Errorf("nonsense: %v", err)
	}
	long := strings.Repeat("👋🏽", 2000) + "שלום"
	got, err := h.Post(c.InboundURL, token, s.Message("m-2", "zoe@example.com", long))
	h.must(err)
	if m := h.Message(got.Conversation, got.Message); m.Body != long {
		t.Errorf("%d bytes became %d", len(long), len(m.Body))
	}
}

// talk makes a channel and a conversation on it.
func (s Suite) talk(h *House) (*channel.Channel, *channel.Received) {
	h.T.Helper()
	c, secrets := s.Make(h)
	got, err := h.Post(c.InboundURL, secrets[channel.InboundToken].Reveal(), s.Message("m-1", "zoe@example.com", "Hello"))
	h.must(err)
	return c, got
}

func (s Suite) outage(t *testing.T, h *House) {
	c, got := s.talk(h)
	trying := make(chan *event.Message, 1)
	var sent *event.Message
	ready := make(chan struct{})
	h.Answer(func(n int, _ Call, w http.ResponseWriter) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2: // the result of the first attempt is stored before the second begins
			<-ready
			trying <- h.Message(got.Conversation, sent.ID)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	sent = h.Reply(got.Conversation, "Hi, I am Ann.")
	close(ready)
	if sent.State != event.StatePending {
		t.Errorf("a message that was just sent is %v", sent.State)
	}
	h.Wait(3)
	if m := <-trying; m.State != event.StatePending || !strings.HasPrefix(m.StateReason, "trying again: ") {
		t.Errorf("after the first failure: %v %q", m.State, m.StateReason)
	}
	calls := h.Settled(c.ID)
	if len(calls) != 3 {
		t.Errorf("%d calls", len(calls))
	}
	for _, call := range calls {
		if call.Header.Get("Webhook-Id") != calls[0].Header.Get("Webhook-Id") || string(call.Body) != string(calls[0].Body) || call.Header.Get("Webhook-Timestamp") == "" {
			t.Errorf("a retry is another call: %v", call.Header)
		}
	}
	if m := h.Message(got.Conversation, sent.ID); m.State != event.StateSent || m.StateReason != "" || m.StateCode != "" {
		t.Errorf("after the success: %v %q %q", m.State, m.StateCode, m.StateReason)
	}
}

func (s Suite) gone(t *testing.T, h *House) {
	c, got := s.talk(h)
	h.Answer(func(n int, _ Call, w http.ResponseWriter) {
		if n == 1 {
			w.WriteHeader(http.StatusGone)
		}
	})
	first := h.Reply(got.Conversation, "One")
	h.Wait(1)
	h.Until(func() bool {
		now, err := h.Channels.Get(t.Context(), h.Admin, c.ID)
		h.must(err)
		return now.State == channel.Gone
	})
	second := h.Reply(got.Conversation, "Two")
	if m := h.Message(got.Conversation, second.ID); m.State != event.StatePending {
		t.Errorf("a message of a stopped channel is %v", m.State)
	}
	if _, err := h.Channels.Resume(t.Context(), h.Admin, c.ID, true); err != nil {
		t.Fatal(err)
	}
	h.Wait(3)
	calls := h.Settled(c.ID)
	if len(calls) != 3 {
		t.Errorf("%d calls", len(calls))
	}
	for _, m := range []*event.Message{first, second} {
		if now := h.Message(got.Conversation, m.ID); now.State != event.StateSent {
			t.Errorf("message %d is %v", m.ID, now.State)
		}
	}
}

func (s Suite) deleted(t *testing.T, h *House) {
	c, got := s.talk(h)
	if _, err := h.Channels.Pause(t.Context(), h.Admin, c.ID); err != nil {
		t.Fatal(err)
	}
	waiting := h.Reply(got.Conversation, "One")
	h.must(h.Channels.Delete(t.Context(), h.Admin, c.ID))
	late := h.Reply(got.Conversation, "Two")
	for _, m := range []*event.Message{waiting, late} {
		h.Until(func() bool { return h.Message(got.Conversation, m.ID).State == event.StateFailed })
		if now := h.Message(got.Conversation, m.ID); now.StateCode == "" || now.StateReason == "" {
			t.Errorf("message %d failed without a reason", m.ID)
		}
	}
	if calls := h.Wait(0); len(calls) != 0 {
		t.Errorf("%d calls of a deleted channel", len(calls))
	}
}
