package stored

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	jsonv2text "github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/internal/event"
	"parley/internal/event/eventtest"
)

// reflected is what Append was before there was one.
func reflected(e *event.Event) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// same compares an event with one that was written and read by reflection.
func same(t interface {
	Helper()
	Fatalf(string, ...any)
}, e *event.Event) {
	t.Helper()
	want, wantErr := reflected(e)
	got, err := Append([]byte("1"), e)
	if err != nil || wantErr != nil {
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("written with the error %v; encoding/json has %v", err, wantErr)
		}
		return
	}
	if got = got[1:]; !bytes.Equal(got, want) {
		t.Fatalf("written otherwise than by encoding/json (-json +written):\n%s", cmp.Diff(string(want), string(got)))
	}
	read, err := Read(string(got))
	if err != nil {
		t.Fatalf("what was written is not read: %v\n%s", err, got)
	}
	// Custom data with doubled keys or a half of a surrogate pair is more than json/v2 takes.
	var wanted event.Event
	if err := jsonv2.Unmarshal(got, &wanted, jsonv2text.AllowDuplicateNames(true), jsonv2text.AllowInvalidUTF8(true)); err != nil {
		t.Fatalf("json/v2 does not read %s: %v", got, err)
	}
	if !reflect.DeepEqual(read, &wanted) {
		t.Fatalf("read otherwise than by json/v2 (-json +read):\n%s", cmp.Diff(&wanted, read))
	}
}

func TestEverySampleIsWrittenAndReadAsByReflection(t *testing.T) {
	for _, s := range eventtest.Named() {
		t.Run(s.Name, func(t *testing.T) { same(t, s.Event) })
	}
}

func TestEveryEventIsWrittenAndReadAsByReflection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		same(t, eventtest.Arbitrary(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }))
	})
}

func TestWhatJSONCannotSayIsAnError(t *testing.T) {
	for name, e := range map[string]*event.Event{
		"a far year":            {At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"a day of another zone": {At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 24*3600))},
		"custom data":           {Contact: &event.Contact{Custom: "{"}},
		"no number":             {Session: &event.Session{Visit: event.Visit{Lat: new(math.NaN())}}},
	} {
		t.Run(name, func(t *testing.T) {
			same(t, e)
			if b, err := Append(nil, e); err == nil {
				t.Errorf("written as %s", b)
			}
		})
	}
}

func TestReading(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want event.Event
	}{
		"an older version knew fewer fields": {`{"Type":"a"}`, event.Event{Type: "a"}},
		"a newer version knows more": {`{"Weather":{"a":[1,{"b":"\ud800"}],"c":null},"Type":"a","By":{"Shoes":"x","Name":"n"}}`,
			event.Event{Type: "a", By: event.Party{Name: "n"}}},
		"null is zero":              {`{"Type":null,"Seq":null,"At":null,"By":null,"Message":null,"Messages":null,"Requested":null}`, event.Event{}},
		"the whole may be null":     {` null `, event.Event{}},
		"keys in any order":         {`{"By":{"Name":"n","ID":3,"Type":"t"},"Type":"a","ID":5}`, event.Event{ID: 5, Type: "a", By: event.Party{Type: "t", ID: 3, Name: "n"}}},
		"white space":               {" {\r\n\t\"Type\" : \"a\" , \"Days\" :\n7 } \n", event.Event{Type: "a", Days: 7}},
		"keys with escapes":         {`{"\u0054ype":"a","D\u0061ys":7}`, event.Event{Type: "a", Days: 7}},
		"keys in capitals are new":  {`{"TYPE":"a","days":7}`, event.Event{}},
		"every escape":              {`{"Type":"\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00"}`, event.Event{Type: "\"\\/\b\f\n\r\té😀"}},
		"empty lists":               {`{"Messages":[],"Notes":[ ]}`, event.Event{Messages: []event.Message{}, Notes: []string{}}},
		"lists with null":           {`{"Notes":["a",null]}`, event.Event{Notes: []string{"a", ""}}},
		"whole numbers to the end":  {`{"ID":9223372036854775807,"Seq":-9223372036854775808,"Days":-0}`, event.Event{ID: 1<<63 - 1, Seq: -1 << 63}},
		"custom data as it stands":  {`{"Contact":{"Custom": { "a" : 1 } }}`, event.Event{Contact: &event.Contact{Custom: `{ "a" : 1 }`}}},
		"custom data with doubles":  {`{"Contact":{"Custom":{"a":1,"a":2}}}`, event.Event{Contact: &event.Contact{Custom: `{"a":1,"a":2}`}}},
		"custom data with a half":   {`{"Contact":{"Custom":{"a":"\ud83d"}}}`, event.Event{Contact: &event.Contact{Custom: `{"a":"\ud83d"}`}}},
		"times of another zone":     {`{"At":"2026-03-02T10:30:05+00:30"}`, event.Event{At: time.Date(2026, 3, 2, 10, 30, 5, 0, time.FixedZone("", 1800))}},
		"times with a few digits":   {`{"At":"2024-02-29T23:59:59.5Z"}`, event.Event{At: time.Date(2024, 2, 29, 23, 59, 59, 5e8, time.UTC)}},
		"times with too many":       {`{"At":"2024-02-29T23:59:59.1234567891Z"}`, event.Event{At: time.Date(2024, 2, 29, 23, 59, 59, 123456789, time.UTC)}},
		"the last of doubled keys":  {`{"Days":1,"Days":2}`, event.Event{Days: 2}},
		"a byte order as it began":  {`{"ID":1,"Seq":2,"Type":"a","Days":3,"StatusBefore":"late"}`, event.Event{ID: 1, Seq: 2, Type: "a", Days: 3, StatusBefore: "late"}},
		"an object that goes on so": {`{"ID":1 ,"Seq":2}`, event.Event{ID: 1, Seq: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(row.text)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&row.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestWhatIsNoStoredEventIsRefused(t *testing.T) {
	for _, text := range []string{"", " ", "{", "}", "[]", "1", `"a"`, "nul", "nullx", "{} {}", "{},", `{"Type"}`, `{"Type":}`, `{"Type":"a",}`, `{,"Type":"a"}`, `{"Type":"a"`,
		`{"Type":"a" "Days":1}`, `{"Type":1}`, `{"Type":"a}`, `{"Type":"\x"}`, `{"Type":"\u12"}`, `{"Type":"\u12g4"}`, `{"Type":"\ud83d"}`, `{"Type":"\ude00"}`, `{"Type":"\ud83d\u0041"}`,
		"{\"Type\":\"\n\"}", "{\"Type\":\"\xff\"}", "{\"New\":\"\xff\"}", `{"Days":"1"}`, `{"Days":1.0}`, `{"Days":1e2}`, `{"Days":01}`, `{"Days":-}`, `{"Days":+1}`, `{"Days":9223372036854775808}`,
		`{"Requested":1}`, `{"Requested":tru}`, `{"At":1}`, `{"At":""}`, `{"At":"2026-02-30T00:00:00Z"}`, `{"At":"2026-02-28T24:00:00Z"}`, `{"At":"2026-02-28T00:00:00,5Z"}`, `{"At":"2026-02-28T1:00:00Z"}`,
		`{"At":"2026-02-28T00:00:00+24:00"}`, `{"At":"2026-02-28T00:00:00+01:60"}`,
		`{"At":"2026-02-28T00:00:00.Z"}`, `{"By":[]}`, `{"By":,"Days":1}`, `{"By"}`, `{"Messages":{}}`, `{"Messages":[,]}`, `{"Messages":[{},]}`, `{"Messages":[{}`, `{"New":01}`, `{"New":1.}`,
		`{"New":{"a"}}`, `{"New":{"a":1,}}`, `{"New":[1,]}`, `{"New":'a'}`, `{"Contact":{"Custom":}}`, `{"Contact":{"Custom":{]}}`, "\ufeff{}", strings.Repeat(`{"By":`, 3),
		`{"New":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}"} {
		if e, err := Read(text); err == nil {
			t.Errorf("%.80q was read as %+v", text, e)
		}
		if err := jsonv2.Unmarshal([]byte(text), new(event.Event)); err == nil {
			t.Errorf("json/v2 reads %.80q", text)
		}
	}
}

// What json/v2 reads is read, and with the same result. What is read beside that are doubled keys everywhere and halves of
// surrogate pairs in what is skipped or kept as it is.
func FuzzRead(f *testing.F) {
	for _, e := range eventtest.Samples() {
		b, err := Append(nil, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(`{"Contact":{"Custom":null,"Name":"\ud83d\ude00"},"Days":-0,"At":"2026-03-02T10:30:05.5+01:00","Notes":["",null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(text)
		var want event.Event
		wantErr := jsonv2.Unmarshal([]byte(text), &want)
		switch {
		case wantErr == nil && err != nil:
			t.Errorf("not read: %v", err)
		case wantErr == nil && !reflect.DeepEqual(got, &want):
			t.Errorf("-json +read:\n%s", cmp.Diff(&want, got))
		case wantErr != nil && err == nil:
			if err := jsonv2.Unmarshal([]byte(text), &want, jsonv2text.AllowDuplicateNames(true), jsonv2text.AllowInvalidUTF8(true)); err != nil {
				t.Errorf("read, but json/v2 says %v", err)
			}
		}
	})
}
