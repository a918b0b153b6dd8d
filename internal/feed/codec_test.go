package feed

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/golden"
)

func TestMain(m *testing.M) { golden.Main(m) }

// The stored form of every sample. A difference means that events in people's databases would be read otherwise than they
// were written: such a change needs a new version byte, not a new golden file.
func TestStoredFormOfEverySampleStaysReadable(t *testing.T) {
	seen := map[event.Type]bool{}
	for _, s := range eventtest.Named() {
		seen[s.Event.Type] = true
		data, err := encode(s.Event)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		golden.Check(t, "stored/"+s.Name+".txt", data)
		got, err := decode(data)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		want := *s.Event
		want.ID, want.Seq = 0, 0
		if d := cmp.Diff(&want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-written +read):\n%s", s.Name, d)
		}
	}
	for _, typ := range event.Types() {
		if !seen[typ] {
			t.Errorf("there is no sample of %s", typ)
		}
	}
}

func TestTextsAndCustomDataAreStoredLetterByLetter(t *testing.T) {
	e := &event.Event{Type: event.ContactUpdated, Contact: &event.Contact{Name: "<b>&\u2028\"\\", Custom: `{"a":"<&>","n":1.50,"big":12345678901234567890}`}}
	data, err := encode(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(data)
	if err != nil || got.Contact.Custom != e.Contact.Custom || got.Contact.Name != e.Contact.Name {
		t.Errorf("read %+v, %v", got.Contact, err)
	}
}

func TestUnknownStoredFormsAreRefused(t *testing.T) {
	for _, data := range []string{"", "2{}", "{}", "1", "1{", `1{"Type":1}`, `1{} {}`} {
		if e, err := decode([]byte(data)); err == nil {
			t.Errorf("%q was read as %+v", data, e)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range eventtest.Samples() {
		data, err := encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`1{"Contact":{"Custom":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decode(data)
		if err != nil {
			return
		}
		once, err := encode(e)
		if err != nil {
			return // times that JSON cannot write
		}
		again, err := decode(once)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		twice, err := encode(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("written %s and then %s", once, twice)
		}
	})
}

// json/v2 refused both when it read events, and one such event would have stopped whoever reads the feed.
func TestCustomDataThatIsAcceptedIsRead(t *testing.T) {
	for _, custom := range []event.RawJSON{`{"a":1,"a":2}`, `{"half":"\ud83d"}`} {
		data, err := encode(&event.Event{Type: event.ContactUpdated, Contact: &event.Contact{Custom: custom}})
		if err != nil {
			t.Fatal(err)
		}
		if e, err := decode(data); err != nil || e.Contact.Custom != custom {
			t.Errorf("%s was read as %+v, %v", custom, e, err)
		}
	}
}
