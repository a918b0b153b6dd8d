package custom

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/internal/channel"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/golden"
)

func TestMain(m *testing.M) { golden.Main(m) }

func compile(t *testing.T, raw []byte) *jsonschema.Schema {
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

func valid(t *testing.T, s *jsonschema.Schema, body []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("the body does not fit its schema: %v\n%s", err, body)
	}
}

func pretty(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func TestTheDocumentsAreWhatTheCodeReadsAndWrites(t *testing.T) {
	for _, d := range New().Info().Documents {
		t.Run(d.Name, func(t *testing.T) {
			valid(t, compile(t, d.Schema), d.Sample)
			golden.Check(t, "sample_"+d.Name+".json", pretty(t, d.Sample))
			switch {
			case strings.HasPrefix(d.Name, "inbound"):
				if _, err := (custom{}).Decode(d.Sample); err != nil {
					t.Error(err)
				}
			case d.Name == "receipt":
				if _, err := (custom{}).DecodeReceipt(d.Sample); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// variants are the shapes of an outbound call.
func variants() map[string]*channel.Outbound {
	edit := func(as string, change func(o *channel.Outbound)) *channel.Outbound {
		o := sample(as)
		change(o)
		return o
	}
	return map[string]*channel.Outbound{
		"plain":    sample(version1),
		"plain_v2": sample(version2),
		"media": edit(version1, func(o *channel.Outbound) {
			m := o.Event.Message
			m.Type, m.Body = event.TypeMedia, ""
			m.Media = &event.Media{ID: 5, Key: "k", Kind: event.MediaImage, State: event.MediaStored, Name: "a.png", ContentType: "image/png", Size: 10}
			o.MediaURL = "https://chat.example/media/k/a.png?e=1772532005&s=x"
		}),
		"text_rtl": edit(version1, func(o *channel.Outbound) { o.Event.Message.Body = "שלום 👋🏽 <b>&amp;</b>\nline\t\"quoted\"" }),
		"bot": edit(version2, func(o *channel.Outbound) {
			m := o.Event.Message
			m.Sender, m.OperatorName, m.OperatorDisplayName = event.Party{Type: event.ByBot, Name: "Bot"}, "", ""
		}),
		"system_nameless": edit(version1, func(o *channel.Outbound) {
			m := o.Event.Message
			m.Sender, m.OperatorName, m.OperatorDisplayName = event.Party{Type: event.BySystem}, "", ""
			o.Event.Conversation.Contact.Name = ""
		}),
		"reference":    edit(version1, func(o *channel.Outbound) { o.Event.Message.ReferenceID = 48078 }),
		"site_contact": edit(version1, func(o *channel.Outbound) { o.Event.Conversation.Contact.ExternalID = "crm-7" }),
		"no_email_v2": edit(version2, func(o *channel.Outbound) {
			o.Email, o.Event.Conversation.Contact.Email = "", ""
		}),
		"edited_v2": edit(version2, func(o *channel.Outbound) {
			o.Event.Type, o.Event.Changed, o.Event.Message.Body = event.MessageUpdated, event.ChangedText, "It comes tomorrow."
			o.Event.Message.State, o.Event.Message.EditedAt = event.StateDelivered, o.Event.At
		}),
		"deleted_v2": edit(version2, func(o *channel.Outbound) {
			o.Event.Type, o.Event.Message.Body, o.Event.Message.DeletedAt = event.MessageDeleted, "", o.Event.At
			o.Event.Message.State = event.StateRead
		}),
	}
}

// keys are the 21 of the older product's sample, in its order, and what the channel adds.
const keys = "body conversation conversation_id display_name event id marked_read_contact marked_read_operator msgid name operator_display_name " +
	"operator_id operator_name part_id reference sender sent_at sent_at_time state type url email contact channel"

func TestS080OutboundBodies(t *testing.T) {
	schemas := map[string]*jsonschema.Schema{version1: compile(t, outboundSchema), version2: compile(t, outboundSchema2)}
	for name, o := range variants() {
		t.Run(name, func(t *testing.T) {
			body, err := (custom{}).Render(o)
			if err != nil {
				t.Fatal(err)
			}
			again, err := (custom{}).Render(o)
			if err != nil || !bytes.Equal(body, again) {
				t.Errorf("rendering twice gives different bytes (%v)", err)
			}
			as := o.Settings.Values[version]
			valid(t, schemas[as], body)
			want := strings.Fields(keys)
			if as == version2 {
				want = append(want, "is_deleted")
			}
			if d := cmp.Diff(want, topKeys(t, body)); d != "" {
				t.Errorf("keys in order (-want +got):\n%s", d)
			}
			golden.Check(t, "outbound_"+name+".json", pretty(t, body))
		})
	}
}

func topKeys(t *testing.T, body []byte) (out []string) {
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

func TestVersion1TellsOfMessagesOnly(t *testing.T) {
	for as, want := range map[string]string{version1: "message.sent", version2: "message.sent message.updated message.deleted"} {
		var got []string
		for _, typ := range event.Types() {
			if name, ok := (custom{}).Name(&event.Event{Type: typ}, channel.Settings{Values: map[string]string{version: as}}); ok {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("version %s tells of %v, want %s", as, got, want)
		}
	}
}

func TestInboundShapes(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want channel.Inbound
	}{
		"version 1":            {`{"email":" Ann@Example.com ","body":"hi"}`, channel.Inbound{Email: "Ann@Example.com", Body: "hi"}},
		"the alias text":       {`{"email":"a@x.de","text":"hi"}`, channel.Inbound{Email: "a@x.de", Body: "hi"}},
		"the alias message":    {`{"email":"a@x.de","message":"hi"}`, channel.Inbound{Email: "a@x.de", Body: "hi"}},
		"body before aliases":  {`{"message":"c","text":"b","body":"a"}`, channel.Inbound{Body: "a"}},
		"an empty body yields": {`{"body":"","text":"b"}`, channel.Inbound{Body: "b"}},
		"a number as id":       {`{"id":12345678901234567890,"body":"a"}`, channel.Inbound{ID: "12345678901234567890", Body: "a"}},
		"the same as a string": {`{"id":"12345678901234567890","body":"a"}`, channel.Inbound{ID: "12345678901234567890", Body: "a"}},
		"version 2":            {`{"contact_id":4711,"email":null,"body":"a"}`, channel.Inbound{Address: "4711", Body: "a"}},
		"all of it": {`{"id":"x","contact_id":"c","email":"a@x.de","name":"Ann","body":"b","url":" https://x.de/a.ogg ","file_name":"a.ogg","sent_at":"2026-03-02T10:00:00+01:00"}`,
			channel.Inbound{ID: "x", Address: "c", Email: "a@x.de", Name: "Ann", Body: "b", URL: "https://x.de/a.ogg", FileName: "a.ogg", SentAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}},
		"unknown keys":  {`{"email":"a@x.de","body":"b","extra":{"deep":[1,2,{"x":null}]},"type":7}`, channel.Inbound{Email: "a@x.de", Body: "b"}},
		"emoji and RTL": {`{"email":"a@x.de","body":"שלום 👋🏽\r\n"}`, channel.Inbound{Email: "a@x.de", Body: "שלום 👋🏽\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := (custom{}).Decode([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if !got.SentAt.IsZero() {
				got.SentAt = got.SentAt.UTC()
			}
			if d := cmp.Diff(&c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestS068MalformedInputIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		``:                        "request.malformed ",
		`   `:                     "request.malformed ",
		`[]`:                      "request.malformed ",
		`"x"`:                     "request.malformed ",
		`{"email":`:               "request.malformed ",
		`{"email":"a"} {}`:        "request.malformed ",
		"{\"body\":\"\xff\"}":     "request.malformed ",
		`{"email":7}`:             "field.invalid email",
		`{"body":{}}`:             "field.invalid body",
		`{"id":1.5}`:              "field.invalid id",
		`{"id":true}`:             "field.invalid id",
		`{"id":[]}`:               "field.invalid id",
		`{"contact_id":{}}`:       "field.invalid contact_id",
		`{"url":1}`:               "field.invalid url",
		`{"sent_at":"yesterday"}`: "field.invalid sent_at",
		strings.Repeat(`{"a":`, 20_000) + `1` + strings.Repeat(`}`, 20_000): "request.malformed ",
	} {
		_, err := (custom{}).Decode([]byte(body))
		f := fault.As(err)
		if got := string(f.Code) + " " + f.Field; err == nil || got != want {
			t.Errorf("%.60s: %v, want %s", body, err, want)
		}
	}
}

func TestReceipts(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for body, want := range map[string]channel.Receipt{
		`{"id":48079,"state":"delivered"}`:                                {Message: 48079, State: event.StateDelivered},
		`{"id":"48079","state":"read","error":"ignored"}`:                 {Message: 48079, State: event.StateRead},
		`{"id":"8982.12509.48079","state":"read"}`:                        {Message: 48079, State: event.StateRead},
		`{"id":48079,"state":"failed"}`:                                   {Message: 48079, State: event.StateFailed, Error: "the other side could not bring it to the contact"},
		`{"id":48079,"state":"failed","error":"no\u0000 such\n number "}`: {Message: 48079, State: event.StateFailed, Error: "no such number"},
		`{"id":48079,"state":"failed","error":"` + long + `"}`:            {Message: 48079, State: event.StateFailed, Error: strings.Repeat("é", maxError-1) + "…"},
	} {
		got, err := (custom{}).DecodeReceipt([]byte(body))
		if err != nil {
			t.Errorf("%.80s: %v", body, err)
			continue
		}
		if d := cmp.Diff(&want, got); d != "" {
			t.Errorf("%.80s: %s", body, d)
		}
	}
	for body, want := range map[string]string{
		`{"state":"read"}`:                        "field.required id",
		`{"id":0,"state":"read"}`:                 "field.invalid id",
		`{"id":-1,"state":"read"}`:                "field.invalid id",
		`{"id":"1.2","state":"read"}`:             "field.invalid id",
		`{"id":1}`:                                "field.invalid state",
		`{"id":1,"state":"pending"}`:              "field.invalid state",
		`{"id":1,"state":4}`:                      "field.invalid state",
		`{"id":1,"state":"failed","error":[]}`:    "field.invalid error",
		`nonsense`:                                "request.malformed ",
		`{"id":99999999999999999,"state":"read"}`: "field.invalid id",
	} {
		_, err := (custom{}).DecodeReceipt([]byte(body))
		f := fault.As(err)
		if got := string(f.Code) + " " + f.Field; err == nil || got != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// seeds are the committed samples, which everybody who changes the decoder starts from.
func seeds(f *testing.F, names ...string) {
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join("testdata", n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

func FuzzInbound(f *testing.F) {
	seeds(f, "sample_inbound.json", "sample_inbound_v2.json")
	f.Add([]byte(`{"id":-7,"text":"\ud800","email":"\u0000"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := (custom{}).Decode(body)
		if err != nil {
			if f := fault.As(err); f.Kind() != fault.Malformed && f.Kind() != fault.Invalid {
				t.Errorf("refused with %v", err)
			}
			return
		}
		for _, s := range []string{in.ID, in.Address, in.Email, in.Name, in.Body, in.URL, in.FileName} {
			if !utf8.ValidString(s) {
				t.Errorf("%q is not UTF-8", s)
			}
		}
		again, err := (custom{}).Decode(body)
		if err != nil || !reflect.DeepEqual(in, again) {
			t.Errorf("reading twice differs: %v", err)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	seeds(f, "sample_receipt.json")
	f.Add([]byte(`{"id":"1.2.3","state":"failed","error":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := (custom{}).DecodeReceipt(body)
		if err != nil {
			if f := fault.As(err); f.Kind() != fault.Malformed && f.Kind() != fault.Invalid {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if r.Message <= 0 || utf8.RuneCountInString(r.Error) > maxError || !utf8.ValidString(r.Error) || strings.ContainsRune(r.Error, 0) {
			t.Errorf("%+v", r)
		}
	})
}
