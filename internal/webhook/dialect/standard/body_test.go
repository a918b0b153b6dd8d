package standard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/id"
	"parley/internal/webhook/dialect"
)

// What the types with a method appendJSON are to encoding/json. The same is said twice here on purpose: with package time's layouts,
// pointers and structs. A new such type needs its line here.

func (s stamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Time(s).UTC().Format("2006-01-02T15:04:05.000000Z07:00"))
}

func (s stampOrNull) MarshalJSON() ([]byte, error) {
	return orNull(stamp(s), time.Time(s).IsZero())
}

func (n idOrNull) MarshalJSON() ([]byte, error) { return orNull(int64(n), n == 0) }

func (s textOrNull) MarshalJSON() ([]byte, error) { return orNull(string(s), s == "") }

func (n countOrNull) MarshalJSON() ([]byte, error) { return orNull(int(n), n == 0) }

func (p peaks) MarshalJSON() ([]byte, error) { return json.Marshal(append([]int{}, p...)) }

func (r ref) MarshalJSON() ([]byte, error) { return json.Marshal(id.Ref(r).String()) }

func (a additional) MarshalJSON() ([]byte, error) {
	var out [3]struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	for i := range min(len(a), 3) {
		out[i].Name, out[i].Value = a[i].Name, a[i].Value
	}
	return json.Marshal(out)
}

func orNull(v any, null bool) ([]byte, error) {
	if null {
		v = nil
	}
	return json.Marshal(v)
}

// options make an address of everything that an address depends on.
var options = dialect.Options{MediaURL: func(m *event.Media, thumb bool, at time.Time) string {
	return fmt.Sprint("https://chat.example/media/", m.Key, "/", m.Name, "?", thumb, "&", at.Unix())
}}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func same(t failer, e *event.Event) {
	t.Helper()
	got, err := Marshal(e, options)
	want, wantErr := json.Marshal(new(sheet).fill(e, &options))
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("rendered with the error %v; encoding/json has %v", err, wantErr)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("rendered otherwise than by encoding/json (-json +rendered):\n%s", cmp.Diff(string(want), string(got)))
	}
}

func TestEverySampleIsRenderedAsByReflection(t *testing.T) {
	for _, s := range eventtest.Named() {
		t.Run(s.Name, func(t *testing.T) { same(t, s.Event) })
	}
}

func TestEveryEventIsRenderedAsByReflection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		same(t, eventtest.Arbitrary(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }))
	})
}

func TestWhatCannotBeRenderedIsAnError(t *testing.T) {
	e := &event.Event{Contact: &event.Contact{Custom: "{"}}
	same(t, e)
	if b, err := Marshal(e, options); err == nil {
		t.Errorf("rendered as %s", b)
	}
}

func TestStamps(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Date(2026, 3, 2, 9, 30, 5, 123456999, time.UTC), time.Date(2026, 12, 31, 23, 59, 59, 9000, time.FixedZone("", -3600)),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)} {
		same(t, &event.Event{At: at})
	}
}

func TestABodyKeepsNothingOfTheOneBefore(t *testing.T) {
	samples := eventtest.Samples()
	var first [][]byte
	for _, e := range samples {
		b, err := Marshal(e, options)
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, b)
	}
	for i := range samples {
		i = len(samples) - 1 - i
		if b, err := Marshal(samples[i], options); err != nil || !bytes.Equal(b, first[i]) {
			t.Errorf("%s was rendered otherwise after others, %v", samples[i].Type, err)
		}
	}
}
