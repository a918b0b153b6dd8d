package letter

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/internal/event"
	"parley/internal/golden"
)

func compile(t testing.TB, raw []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://schemas.example/x.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://schemas.example/x.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schemas(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	return map[string]*jsonschema.Schema{"transcript": compile(t, transcriptSchema), "reauth": compile(t, reauthSchema)}
}

func valid(t testing.TB, s *jsonschema.Schema, body []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("the body does not fit its schema: %v\n%s", err, body)
	}
}

func call(t testing.TB, l *Letter, contextAsText bool) []byte {
	t.Helper()
	body, err := l.Callback(write(t, l), contextAsText)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// indented is a body over several lines, with the two forms of the mail named only: they have golden files of their own.
func indented(t *testing.T, l *Letter, body []byte) []byte {
	t.Helper()
	m := write(t, l)
	for name, s := range map[string]string{"html": m.HTML, "text": m.Text} {
		b, err := encode(s)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(body, b) {
			t.Fatalf("the body lacks the mail's %s", name)
		}
		body = bytes.Replace(body, b, []byte(`"(the `+name+`)"`), 1)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func keysOf(t testing.TB, body []byte) (out []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, k.(string))
	}
	return out
}

func TestS006CallbackBodies(t *testing.T) {
	forms := schemas(t)
	for _, kind := range kinds {
		for _, lang := range langs {
			t.Run(kind+"_"+lang, func(t *testing.T) {
				l := Sample(kind, lang)
				body := call(t, l, false)
				valid(t, forms[EmailType(kind)], body)
				golden.Check(t, kind+"_"+lang+".json", indented(t, l, body))
				if d := cmp.Diff(strings.Fields("html receiver subject text email_type context"), keysOf(t, body)); d != "" {
					t.Errorf("keys (-want +got):\n%s", d)
				}
				if again := call(t, Sample(kind, lang), false); !bytes.Equal(again, body) {
					t.Error("the same letter gives different bytes")
				}
				receiver, m, emailType, err := ReadCallback(body)
				if want := write(t, l); err != nil || receiver != "jane@example.com" || *m != *want || emailType != EmailType(kind) {
					t.Errorf("read again: %q %v %q %v", receiver, m, emailType, err)
				}
			})
		}
	}
}

func TestTheContextAsText(t *testing.T) {
	forms := schemas(t)
	for _, kind := range kinds {
		l := Sample(kind, "en")
		var object, text map[string]json.RawMessage
		for body, to := range map[*map[string]json.RawMessage]bool{&object: false, &text: true} {
			b := call(t, l, to)
			valid(t, forms[EmailType(kind)], b)
			if err := json.Unmarshal(b, body); err != nil {
				t.Fatal(err)
			}
		}
		var inner string
		if err := json.Unmarshal(text["context"], &inner); err != nil {
			t.Fatal(err)
		}
		if inner != string(object["context"]) {
			t.Errorf("%s: the text holds something else than the object", kind)
		}
		if _, _, _, err := ReadCallback(call(t, l, true)); err != nil {
			t.Error(err)
		}
	}
}

func contextOf(t testing.TB, l *Letter) json.RawMessage {
	t.Helper()
	var w callback
	if err := json.Unmarshal(call(t, l, false), &w); err != nil {
		t.Fatal(err)
	}
	return w.Context
}

func TestS012S035S039KeysOfTheContext(t *testing.T) {
	for _, kind := range kinds {
		for _, url := range []string{"https://shop.example/help#parley=x&y", "", "javascript:alert(1)"} {
			l := Sample(kind, "en")
			l.ConversationURL, l.ReauthLink = url, url
			want := map[string][]string{event.MailReauth: {"reauth_token"}}[EmailType(kind)]
			if want == nil {
				want = []string{"messages"}
			}
			if strings.HasPrefix(url, "https") {
				want = append(want, map[string]string{"reauth": "reauth_link", "transcript": "conversation_url"}[EmailType(kind)])
			}
			got := keysOf(t, contextOf(t, l))
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s with %q: keys %q, want %q", kind, url, got, want)
			}
		}
	}
}

func messagesOf(t testing.TB, l *Letter) []map[string]any {
	t.Helper()
	var w struct{ Messages []map[string]any }
	if err := json.Unmarshal(contextOf(t, l), &w); err != nil {
		t.Fatal(err)
	}
	return w.Messages
}

// TestS013MessageObjects holds the message object to the sample of the older product, key by key and in its order.
func TestS013MessageObjects(t *testing.T) {
	var w struct{ Messages []json.RawMessage }
	l := Sample(event.MailTranscript, "en")
	if err := json.Unmarshal(contextOf(t, l), &w); err != nil {
		t.Fatal(err)
	}
	kept := slices.DeleteFunc(slices.Clone(l.Messages), func(m *event.Message) bool { return !m.DeletedAt.IsZero() })
	if len(w.Messages) != len(kept) || len(kept) == len(l.Messages) {
		t.Fatalf("%d messages, want %d of %d: what was deleted is left out", len(w.Messages), len(kept), len(l.Messages))
	}
	want := strings.Fields("body conversation conversation_id display_name event id marked_read_contact marked_read_operator msgid name operator_display_name " +
		"operator_id operator_name part_id reference sender sent_at sent_at_time state type url")
	for _, m := range w.Messages {
		if d := cmp.Diff(want, keysOf(t, m)); d != "" {
			t.Errorf("keys (-want +got):\n%s", d)
		}
	}
}

func TestS014ToS028ValuesOfTheMessageObject(t *testing.T) {
	const typed = "👩‍👩‍👧‍👦 <b>&\u202e \"quoted\"\r\nline two\ttab \u2028"
	l := Sample(event.MailTranscript, "de")
	l.Messages = l.Messages[:4]
	l.Messages[0].Body, l.Messages[0].Sender.Name = typed, "Visitor 11"
	l.Messages[1].State, l.Messages[1].StateCode, l.Messages[1].StateReason = event.StateFailed, "given_up", "the other side is down"
	l.Messages[1].ReferenceID = l.Messages[0].ID
	l.Messages[1].SessionID++
	l.Messages[3].State = event.StateFailed
	l.Messages[3].Sender, l.Messages[3].OperatorName, l.Messages[3].OperatorDisplayName = event.Party{Type: event.BySystem}, "", ""
	l.Conversation.ContactRead, l.Conversation.OperatorRead = 1, 2
	l.Messages[3].ReferenceID = 7
	m := messagesOf(t, l)
	check := func(n int, key string, want any) {
		t.Helper()
		if d := cmp.Diff(want, m[n][key]); d != "" {
			t.Errorf("message %d, %s (-want +got):\n%s", n, key, d)
		}
	}
	check(0, "body", typed)
	check(0, "conversation", map[string]any{"id": 8982.0})
	check(0, "conversation_id", 8982.0)
	check(0, "id", "8982.12509.48079")
	check(0, "msgid", "8982.12509.48079")
	check(0, "part_id", 12509.0)
	check(0, "name", "Kontakt") // S-017
	check(0, "display_name", "Kontakt")
	check(0, "event", nil)
	check(0, "reference", nil)
	check(0, "operator_id", nil)
	check(0, "operator_name", "")
	check(0, "operator_display_name", "")
	check(0, "sender", map[string]any{"id": 11.0, "type": "contact"})
	check(0, "sent_at", "2026-03-02T10:00:05.123456Z")
	check(0, "sent_at_time", "10:00:05.123456")
	check(0, "state", map[string]any{"error_code": nil, "message": "Read by user", "type": 4.0})
	check(0, "type", "message")
	check(0, "url", nil)
	check(0, "marked_read_contact", true)
	check(0, "marked_read_operator", true)
	check(1, "part_id", 12510.0)
	check(1, "reference", "8982.12509.48079") // of the earlier session
	check(1, "name", "Ann Smith")
	check(1, "operator_name", "Ann Smith")
	check(1, "operator_display_name", "Annie")
	check(1, "display_name", "Annie")
	check(1, "operator_id", 3.0)
	check(1, "state", map[string]any{"error_code": "given_up", "message": "the other side is down", "type": 0.0})
	check(1, "marked_read_contact", false)
	check(1, "marked_read_operator", true)
	check(2, "name", "Jana Müller")
	check(2, "type", "media")
	check(2, "url", "https://chat.example/media/mK3vX9b2QyLw7ZtR5cHn1A/lamp%20%C2%BD.jpg?e=1773136805&s=sample")
	check(2, "marked_read_operator", false)
	check(3, "sender", map[string]any{"id": nil, "type": "system"})
	check(3, "state", map[string]any{"error_code": "failed", "message": "Failed", "type": 0.0})
	check(3, "reference", "8982.12509.7")
	valid(t, schemas(t)["transcript"], call(t, l, false))
}

func TestS018S030ToS033EntriesAreObjects(t *testing.T) {
	byType := map[string]map[string]any{}
	byName := map[string]map[string]any{}
	for _, m := range messagesOf(t, Sample(event.MailTranscript, "en")) {
		if m["event"] == nil {
			if typ := m["type"]; typ != "message" && typ != "media" {
				t.Errorf("a %v without event", typ)
			}
			continue
		}
		e := m["event"].(map[string]any)
		byType[m["type"].(string)], byName[e["name"].(string)] = m, e
	}
	for _, c := range []struct {
		got, want any
	}{
		{byName["rating"]["rating"], map[string]any{"value": 4.0, "form": "stars"}},
		{byName["survey"]["survey"], map[string]any{"question": "How did you find us?", "option": "A friend told me"}},
		{byType["feedback"]["body"], "Quick and friendly help.\nI will come back!"},
		{byName["forwarded"]["operator"], map[string]any{"id": 5.0, "name": "Bob"}},
		{byName["forwarded"]["by"], map[string]any{"id": 3.0, "name": "Annie", "type": "operator"}},
		{byName["forwarded"]["group"], map[string]any{"id": 2.0, "name": "Support"}},
		{byName["ended"]["by"], map[string]any{"id": 3.0, "name": "Annie", "type": "operator"}},
		{byName["ended"]["reason"], "operator"},
		{byName["goal"]["goal"], map[string]any{"id": 4.0, "name": "Manual"}},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

func TestReadCallbackRefusesWhatIsNoMail(t *testing.T) {
	l := Sample(event.MailReauth, "en")
	good := call(t, l, false)
	for name, change := range map[string]func(map[string]any){
		"another type":      func(m map[string]any) { m["email_type"] = "missed" },
		"no receiver":       func(m map[string]any) { m["receiver"] = "" },
		"two receivers":     func(m map[string]any) { m["receiver"] = "a@b.example\nc@d.example" },
		"a subject of two":  func(m map[string]any) { m["subject"] = "a\r\nBcc: x" },
		"no subject":        func(m map[string]any) { m["subject"] = "" },
		"no text":           func(m map[string]any) { m["text"] = "" },
		"no html":           func(m map[string]any) { m["html"] = "" },
		"one key too many":  func(m map[string]any) { m["from"] = "x" },
		"a number as a key": func(m map[string]any) { m["html"] = 1 },
	} {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		bad, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := ReadCallback(bad); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	for _, bad := range []string{"", "null", "{}", "[]", string(good) + "{}", string(good[:len(good)-1])} {
		if _, _, _, err := ReadCallback([]byte(bad)); err == nil {
			t.Errorf("%.20q is read", bad)
		}
	}
}

func TestDocuments(t *testing.T) {
	docs, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		valid(t, compile(t, d.Schema), d.Sample)
		if !strings.HasPrefix(d.Name, "callback_") || d.Title == "" {
			t.Errorf("document %q %q", d.Name, d.Title)
		}
	}
}

func TestTheSchemasRefuseOtherBodies(t *testing.T) {
	forms := schemas(t)
	for kind, form := range forms {
		good := call(t, Sample(kind, "en"), false)
		for _, change := range []func(map[string]any){
			func(m map[string]any) { m["from"] = "a@b.example" },
			func(m map[string]any) { delete(m, "text") },
			func(m map[string]any) { m["email_type"] = "missed" },
			func(m map[string]any) { m["receiver"] = "Ann <a@b.example>" },
			func(m map[string]any) { m["subject"] = "a\nb" },
			func(m map[string]any) { m["context"].(map[string]any)["conversation_url"] = nil },
			func(m map[string]any) { m["context"].(map[string]any)["reauth_link"] = "" },
			func(m map[string]any) {
				if list, ok := m["context"].(map[string]any)["messages"].([]any); ok {
					delete(list[0].(map[string]any), "url")
				} else {
					delete(m["context"].(map[string]any), "reauth_token")
				}
			},
		} {
			var m map[string]any
			if err := json.Unmarshal(good, &m); err != nil {
				t.Fatal(err)
			}
			change(m)
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if form.Validate(doc) == nil {
				t.Errorf("the schema of %s accepts %.300s", kind, b)
			}
		}
	}
}
