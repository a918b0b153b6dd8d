package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/all"
)

// kinds says what every text of a snapshot tells of the contact. A new field has to be given its place here, and in apply.
var kinds = map[string]string{
	"Party.Name": "name", "Contact.Name": "name", "Contact.Email": "email", "Contact.Phone": "email", "Visit.IP": "ip",
	"Message.Body": "text", "LastMessage.Body": "text", "Conversation.Topic": "text", "Contact.Custom": "text",
	"Event.Notes": "text", "Session.Notes": "text", "Conversation.Tags": "text", "Session.Feedback": "text", "Additional.Name": "text", "Additional.Value": "text",
	"Visit.City": "ip", "Visit.Country": "ip", "Media.Key": "text", "Media.Name": "text", "Media.Error": "text", "LinkCard.URL": "text",
	"LinkCard.Title": "text", "LinkCard.Description": "text", "LinkCard.Site": "text", "Message.Choices": "text", "Event.Extra": "text",
	"OfflineMessage.Name": "name", "OfflineMessage.Email": "email", "Visit.Region": "ip", "Visit.CountryCode": "ip", "Contact.Handle": "ip",
	"Contact.ClaimedID": "name",

	// Ids, words of our own vocabulary, what operators, widgets and endpoints are called, and the widget's words that a contact
	// chose or reached, as they do with a click.
	"Event.Type": "", "Event.StatusBefore": "", "Party.Type": "", "Contact.UUID": "", "Contact.ExternalID": "", "Group.Name": "",
	"Operator.Username": "", "Operator.FirstName": "", "Operator.LastName": "", "Operator.Alias": "", "Operator.Email": "", "Operator.ImageURL": "",
	"Operator.Lang": "", "Operator.Locale": "", "Operator.Timezone": "", "Operator.Role": "", "Operator.Availability": "", "Operator.Status": "",
	"Widget.Key": "", "Widget.Name": "", "Widget.Lang": "", "Widget.Domains": "", "Widget.Color": "", "Widget.Position": "", "Widget.Title": "",
	"Widget.Subtitle": "", "Widget.Greeting": "", "Widget.Theme": "", "Channel.Type": "", "Channel.Name": "", "Conversation.UUID": "",
	"Conversation.Status": "", "LastMessage.SenderType": "", "LastMessage.Type": "", "WidgetRef.Key": "", "WidgetRef.Name": "", "Session.EndReason": "",
	"Visit.URL": "", "Visit.Title": "", "Visit.InitialURL": "", "Visit.Referrer": "", "Visit.UserAgent": "", "Visit.Browser": "", "Visit.BrowserVersion": "",
	"Visit.OS": "", "Visit.Device": "", "Message.Type": "", "Message.OperatorName": "", "Message.OperatorDisplayName": "", "Message.ImageURL": "",
	"Message.ClientID": "", "Entry.Name": "", "Entry.Reason": "", "Endpoint.Name": "", "Endpoint.URL": "", "Endpoint.State": "", "Endpoint.Reason": "",
	"Delivery.Name": "", "Widget.RatingForm": "", "SurveyForm.Question": "", "SurveyForm.Options": "", "Survey.Question": "", "Survey.Option": "",
	"Rating.Form": "", "Goal.Name": "", "Goal.Match": "", "Goal.Pattern": "", "Event.Reason": "", "Event.Changed": "", "Mail.Kind": "", "Message.StateCode": "",
	"Message.StateReason": "", "Media.Kind": "", "Media.State": "", "Media.ContentType": "", "Widget.Presence": "", "Widget.TranscriptHook": "",
	"Hours.Timezone": "", "Holiday.Date": "", "Holiday.Name": "",
}

// plainURL is an address with all of a file in it that an address may tell.
func plainURL(m *event.Media, thumb bool, _ time.Time) string {
	return fmt.Sprint("https://chat.example/media/", m.Key, "/", m.Name, "?v=", thumb)
}

// walk calls fn for every text that can be reached from v.
func walk(v reflect.Value, fn func(owner reflect.Value, field string, text reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), fn)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), fn)
		}
	case reflect.Struct:
		if v.Type().PkgPath() == "time" {
			return
		}
		for i := range v.NumField() {
			f, name := v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name
			if f.Kind() == reflect.String || f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.String {
				fn(v, name, f)
				continue
			}
			walk(f, fn)
		}
	}
}

// ofContact tells whether the text of a kind really belongs to a contact: a party may be an operator.
func ofContact(owner reflect.Value) bool {
	p, ok := owner.Interface().(event.Party)
	return !ok || p.Type == event.ByContact
}

// plant writes a secret into every text that a policy is about, and returns what it wrote, by kind.
func plant(e *event.Event, secrets map[string]string) map[string][]string {
	wrote := map[string][]string{}
	walk(reflect.ValueOf(e), func(owner reflect.Value, field string, text reflect.Value) {
		kind := kinds[field]
		if kind == "" || !ofContact(owner) {
			return
		}
		v := secrets[kind] + " " + field
		if text.Kind() == reflect.Slice && text.Len() == 0 {
			return
		}
		wrote[kind] = append(wrote[kind], v)
		if field == "Contact.Custom" {
			b, err := json.Marshal(map[string]any{v: []any{map[string]any{"deep": v}, 1.5, nil}})
			if err != nil {
				panic(err)
			}
			v = string(b)
		}
		if text.Kind() != reflect.Slice {
			text.SetString(v)
			return
		}
		for i := range text.Len() {
			text.Index(i).SetString(v)
		}
	})
	return wrote
}

// texts are all strings of a JSON value, keys too.
func texts(v any, out *[]string) {
	switch v := v.(type) {
	case string:
		*out = append(*out, v)
	case []any:
		for _, one := range v {
			texts(one, out)
		}
	case map[string]any:
		for k, one := range v {
			*out = append(*out, k)
			texts(one, out)
		}
	}
}

func text(t rapid.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryTextOfASnapshotHasItsPlaceInThePolicy(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(reflect.Type)
	look = func(t0 reflect.Type) {
		switch t0.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(t0.Elem())
		case reflect.Struct:
			if seen[t0] || t0.PkgPath() == "time" {
				return
			}
			seen[t0] = true
			for f := range t0.Fields() {
				if f.Type.Kind() == reflect.String || f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.String {
					if _, ok := kinds[t0.Name()+"."+f.Name]; !ok {
						t.Errorf("%s.%s is new: say what kind of data it is, and let the payload policy mask it where that is a contact's", t0.Name(), f.Name)
					}
					continue
				}
				look(f.Type)
			}
		case reflect.Map, reflect.Interface, reflect.Array:
			t.Errorf("%v: the policy does not look into this", t0)
		}
	}
	look(reflect.TypeFor[event.Event]())
}

// With everything masked, nothing of a contact reaches any dialect's body for any event, and every body still fits its schema.
func TestNothingOfAContactPassesAPolicyThatMasksAll(t *testing.T) {
	schemas := map[string]*jsonschema.Schema{}
	for _, d := range all.Dialects() {
		for _, version := range d.Info().Versions {
			for _, e := range d.Info().Events {
				if !d.Info().Hears(version, e.Name) {
					continue
				}
				raw, err := dialect.EventSchema(d.Info(), version, e.Name)
				if err != nil {
					t.Fatal(err)
				}
				doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
				if err != nil {
					t.Fatal(err)
				}
				form := d.Info().Name + "/" + version + "/" + e.Name
				c, url := jsonschema.NewCompiler(), "https://schemas.example/"+form
				if err := c.AddResource(url, doc); err != nil {
					t.Fatal(err)
				}
				if schemas[form], err = c.Compile(url); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{Hash, Remove})
		p := Policy{word.Draw(t, "name"), word.Draw(t, "email"), word.Draw(t, "ip"), word.Draw(t, "text")}
		key := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "key")
		secrets := map[string]string{}
		for _, kind := range []string{"name", "email", "ip", "text"} {
			secrets[kind] = kind + " " + rapid.StringMatching(`[ -~ä\x{202e}😀]{12,30}`).Draw(t, kind)
		}
		turn := rapid.IntRange(0, 3).Draw(t, "turn") // a quarter of the samples each time is enough
		for i, s := range eventtest.Named() {
			if i%4 != turn {
				continue
			}
			e := s.Event
			wrote := plant(e, secrets)
			before := text(t, e)
			masked := p.apply(e, key)
			if after := text(t, e); after != before {
				t.Fatalf("%s: the shared event was changed:\n%s", s.Name, cmp.Diff(before, after))
			}
			if masked == e || masked.ID != e.ID || masked.Seq != e.Seq || masked.Lane() != e.Lane() {
				t.Fatalf("%s: %+v", s.Name, masked)
			}
			inside := text(t, masked)
			for _, d := range all.Dialects() {
				name, told := d.Name(masked)
				if was, tells := d.Name(e); name != was || told != tells {
					t.Fatalf("%s: the policy changes what %s calls it", s.Name, d.Info().Name)
				}
				if !told {
					continue
				}
				for _, version := range d.Info().Versions {
					if !d.Info().Hears(version, name) {
						continue
					}
					body, err := d.Render(masked, dialect.Options{PublicURL: "https://chat.example", Version: version, MediaURL: plainURL})
					if err != nil {
						t.Fatal(err)
					}
					doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					form := d.Info().Name + "/" + version + "/" + name
					if err := schemas[form].Validate(doc); err != nil {
						t.Fatalf("%s in %s does not fit its schema any more: %v", s.Name, form, err)
					}
					var shown []string
					texts(doc, &shown)
					for _, all := range wrote {
						for _, v := range all {
							if strings.Contains(strings.Join(shown, "\n"), v) || strings.Contains(inside, v) {
								t.Fatalf("sample %d, %s in %s: %q came through", i, s.Name, form, v)
							}
						}
					}
					if v := masked.Session; v != nil && (v.Visit.Lat != nil || v.Visit.Lon != nil) {
						t.Fatalf("%s: the place came through: %v, %v", s.Name, v.Visit.Lat, v.Visit.Lon)
					}
				}
			}
		}
	})
}

// Each word of a policy is about its own kind alone.
func TestAPolicyMasksItsKindAndKeepsTheOthers(t *testing.T) {
	secrets := map[string]string{"name": "a name", "email": "an address", "ip": "an ip", "text": "a text"}
	for _, word := range []string{Hash, Remove} {
		for kind, p := range map[string]Policy{"name": {Name: word}, "email": {Email: word}, "ip": {IP: word}, "text": {Text: word}} {
			for _, s := range eventtest.Named() {
				wrote := plant(s.Event, secrets)
				got := text(t, p.apply(s.Event, []byte("k")))
				for k, values := range wrote {
					for _, v := range values {
						if strings.Contains(got, v) == (k == kind) {
							t.Errorf("%s of %s, sample %s: %q", word, kind, s.Name, v)
						}
					}
				}
			}
		}
	}
}

// What a page says about somebody is stored beside the name and address that it fills, and goes with them.
func TestCustomNamesAndIDsGoWithTheirKind(t *testing.T) {
	const custom = `{"z":"<b>","name":"Bob","Email":"bob@smith.example","phone":49301234,"plan":{"name":"gold","n":12345678901234567890}}`
	const removed = `{"Email":"","name":"","phone":"","plan":{"name":"gold","n":12345678901234567890},"z":"<b>"}`
	code := func(v string) string { m := masker{Policy{}, []byte("k")}; return m.value(Hash, v) }
	for what, c := range map[string]struct {
		p       Policy
		contact event.Contact
		want    event.Contact
	}{
		"name and email removed": {Policy{Name: Remove, Email: Remove}, event.Contact{ClaimedID: "u1", ExternalID: "u1", Custom: custom}, event.Contact{ExternalID: "u1", Custom: removed}},
		"name removed": {Policy{Name: Remove}, event.Contact{ClaimedID: "bob@smith.example", ExternalID: "bob@smith.example", Custom: `{"name":"Bob","email":"b"}`},
			event.Contact{ExternalID: "bob@smith.example", Custom: `{"email":"b","name":""}`}},
		"email removed": {Policy{Email: Remove}, event.Contact{ClaimedID: "bob@smith.example", ExternalID: "bob@smith.example", Custom: `{"name":"Bob","email":"b"}`},
			event.Contact{Custom: `{"email":"","name":"Bob"}`}},
		"email removed, ids without": {Policy{Email: Remove}, event.Contact{ClaimedID: "u1", ExternalID: "u1", Custom: `{"plan" : 1}`},
			event.Contact{ClaimedID: "u1", ExternalID: "u1", Custom: `{"plan" : 1}`}},
		"email hashed": {Policy{Email: Hash}, event.Contact{Email: "b@x.example", ClaimedID: "b@x.example", Custom: `{"email":"b@x.example","phone":null}`},
			event.Contact{Email: code("b@x.example"), ClaimedID: code("b@x.example"), Custom: event.RawJSON(`{"email":"` + code("b@x.example") + `","phone":null}`)}},
		"one hashed, one removed": {Policy{Name: Remove, Email: Hash}, event.Contact{ClaimedID: "b@x.example"}, event.Contact{}},
		"twice":                   {Policy{Name: Remove}, event.Contact{Custom: `{"name":"Bob","name":null}`}, event.Contact{Custom: `{"name":null}`}},
		"no object":               {Policy{Name: Remove}, event.Contact{Custom: `["Bob"]`}, event.Contact{Custom: "{}"}},
		"all hashed":              {Policy{Name: Hash, Email: Hash, Text: Hash}, event.Contact{Custom: custom}, event.Contact{Custom: event.RawJSON(`{"hash":"` + code(custom) + `"}`)}},
		"text":                    {Policy{Text: Remove}, event.Contact{ClaimedID: "u1", Custom: custom}, event.Contact{ClaimedID: "u1", Custom: "{}"}},
		"ip":                      {Policy{IP: Remove}, event.Contact{ClaimedID: "b@x.example", ExternalID: "b@x.example", Custom: custom}, event.Contact{ClaimedID: "b@x.example", ExternalID: "b@x.example", Custom: custom}},
	} {
		e := &event.Event{Conversation: &event.Conversation{Contact: c.contact}, Contact: &c.contact}
		before := c.contact
		got := c.p.apply(e, []byte("k"))
		if d := cmp.Diff(c.want, got.Conversation.Contact) + cmp.Diff(c.want, *got.Contact) + cmp.Diff(before, c.contact); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
}

func TestAPlaceGoesWithTheAddressThatItWasFoundBy(t *testing.T) {
	at := 52.5
	e := &event.Event{Session: &event.Session{Visit: event.Visit{IP: "203.0.113.7", City: "Berlin", Country: "Germany", Lat: &at, Lon: &at}}}
	for _, word := range []string{Hash, Remove} {
		if v := (Policy{IP: word}).apply(e, []byte("k")).Session.Visit; v.Lat != nil || v.Lon != nil || v.City == "Berlin" || v.IP == "203.0.113.7" {
			t.Errorf("%s: %+v", word, v)
		}
		if v := (Policy{Name: word}).apply(e, []byte("k")).Session.Visit; v != e.Session.Visit {
			t.Errorf("%s of names: %+v", word, v)
		}
	}
}

// A generated name is made of the place, and receivers know contacts by it: without the place it still tells them apart.
func TestAHandleLosesItsPlaceAndStaysUnique(t *testing.T) {
	e := &event.Event{Conversation: &event.Conversation{Contact: event.Contact{ID: 27, Handle: "united-states-27"}}, Contact: &event.Contact{ID: 28}}
	for _, word := range []string{Hash, Remove} {
		got := (Policy{IP: word}).apply(e, []byte("k"))
		if h := got.Conversation.Contact.Handle; h != "visitor-27" || got.Contact.Handle != "" || e.Conversation.Contact.Handle != "united-states-27" {
			t.Errorf("%s: %q, %q", word, h, got.Contact.Handle)
		}
	}
	if got := (Policy{Name: Remove}).apply(e, nil); got.Conversation.Contact.Handle != "united-states-27" {
		t.Errorf("without names: %q", got.Conversation.Contact.Handle)
	}
}

func TestAFileKeepsItsMeasuresAndLosesItsAddress(t *testing.T) {
	file := event.Media{ID: 3, Key: "key", Kind: event.MediaVoice, State: event.MediaFailed, Name: "a name.ogg", ContentType: "audio/ogg", Size: 9, DurationMS: 7,
		Peaks: []int{1, 2}, Thumb: true, Error: "files.example answered 404"}
	card := event.LinkCard{URL: "https://a.example", Title: "Title", Image: &file}
	e := &event.Event{Message: &event.Message{Media: &file, Link: &card, StateReason: "the receiver answered 500"}}
	for _, word := range []string{Hash, Remove} {
		m := (Policy{Text: word}).apply(e, []byte("k")).Message
		want := file
		want.Key, want.Name, want.Error = "", m.Media.Name, m.Media.Error
		if d := cmp.Diff(want, *m.Media); d != "" || m.StateReason != e.Message.StateReason {
			t.Errorf("%s: %s, %q", word, d, m.StateReason)
		}
		if (m.Media.Name == "") != (word == Remove) || (m.Link == nil) != (word == Remove) || m.Link != nil && m.Link.Image != nil {
			t.Errorf("%s: %+v, %+v", word, m.Media, m.Link)
		}
		o := dialect.Options{MediaURL: plainURL}
		if stored := *m.Media; o.Address(&event.Media{Key: "k", State: event.MediaStored}, false, time.Time{}) == "" {
			t.Error("a stored file has no address")
		} else if stored.State = event.MediaStored; o.Address(&stored, false, time.Time{})+o.Address(&stored, true, time.Time{}) != "" {
			t.Errorf("%s: a file that nobody may see has an address", word)
		}
	}
	if m := (Policy{Name: Remove}).apply(e, nil).Message; m.Media != e.Message.Media || m.Link != e.Message.Link {
		t.Error("the policy of names touches files")
	}
}

func TestKeepIsTheSameEvent(t *testing.T) {
	e := eventtest.Samples()[0]
	for _, p := range []Policy{{}, {Keep, Keep, Keep, Keep}} {
		if p.apply(e, nil) != e {
			t.Errorf("%+v makes another event", p)
		}
	}
}

func TestHashesAreComparableAndNeedTheKey(t *testing.T) {
	named := func(name string) *event.Event {
		i := 0
		for eventtest.Named()[i].Name != name {
			i++
		}
		return eventtest.Named()[i].Event
	}
	p := Policy{Name: Hash, Email: Hash, IP: Hash, Text: Hash}
	e := p.apply(named("session_ended_by_operator"), []byte("key"))
	name := e.Conversation.Contact.Name
	if len(name) != 26 || !strings.HasPrefix(name, "h_") || e.Messages[0].Sender.Name != name || e.Messages[1].Sender.Name != "Annie" {
		t.Errorf("names: %q, %q, %q", name, e.Messages[0].Sender.Name, e.Messages[1].Sender.Name)
	}
	again := p.apply(named("message_received_plain"), []byte("key"))
	if again.Message.Sender.Name != name || again.Message.Body != again.Conversation.LastMessage.Body {
		t.Error("equal values have different hashes")
	}
	if p.apply(named("message_received_plain"), []byte("another")).Message.Sender.Name == name {
		t.Error("another installation makes the same hash")
	}
	var custom map[string]string
	if err := json.Unmarshal([]byte(e.Conversation.Contact.Custom), &custom); err != nil || len(custom) != 1 || !strings.HasPrefix(custom["hash"], "h_") {
		t.Errorf("custom data %s, %v", e.Conversation.Contact.Custom, err)
	}
	// What is not known stays unknown.
	who := p.apply(named("message_received_visitor_number"), []byte("key"))
	if who.Conversation.Contact.Name != "" || who.Message.Sender.Name != "Visitor 11" {
		t.Errorf("an unknown name: %q, %q", who.Conversation.Contact.Name, who.Message.Sender.Name)
	}
	nobody := p.apply(named("contact_created"), []byte("key")).Contact
	if fmt.Sprint(nobody.Name, nobody.Email, nobody.Phone, nobody.Custom) != "{}" {
		t.Errorf("an unknown contact: %+v", nobody)
	}
}
