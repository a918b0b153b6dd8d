package jsontext

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// standard is what encoding/json writes.
func standard(t *rapid.T, v any, html bool) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(html)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// written compares what a Writer wrote behind something else with encoding/json.
func written(t *rapid.T, v any, write func(*Writer)) {
	for _, html := range []bool{false, true} {
		want, wantErr := standard(t, v, html)
		w := Writer{Buf: []byte("before"), HTML: html}
		write(&w)
		if (w.Err == nil) != (wantErr == nil) {
			t.Fatalf("%#v was written with the error %v; encoding/json has %v", v, w.Err, wantErr)
		}
		if got := strings.TrimPrefix(string(w.Buf), "before"); w.Err == nil && got != want {
			t.Fatalf("%#v was written as %s; encoding/json writes %s", v, got, want)
		}
	}
}

// pieces are what makes texts difficult, between others that are not.
var pieces = []string{"a", "eight888", "<", ">", "&", `"`, `\`, "\x00", "\x1f", " ", "\x7f", "\u2028", "\u2029", "é", "😀", "\xff", "\xe2", "\xe2\x80", "\ufffd", "!", "#", "$", "%", "'", "=", "?", ":", ";", "Z", "[", "]", "|", "\x80"}

func drawText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 30).Draw(t, "pieces"), "")
}

func TestWhatIsWrittenIsWhatEncodingJSONWrites(t *testing.T) {
	t.Run("texts", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			s := drawText(t)
			written(t, s, func(w *Writer) { w.String(s) })
		})
	})
	t.Run("every byte in every place", func(t *testing.T) {
		for c := range 256 {
			for place := range 20 {
				text := []byte("01234567890123456789")
				text[place] = byte(c)
				for _, s := range []string{string(text), string(text[:place+1]), string(text[place:])} {
					want, err := json.Marshal(s)
					w := Writer{HTML: true}
					if w.String(s); err != nil || string(w.Buf) != string(want) {
						t.Fatalf("%q was written as %s, want %s", s, w.Buf, want)
					}
				}
			}
		}
	})
	t.Run("numbers", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.Int64().Draw(t, "n")
			written(t, n, func(w *Writer) { w.Int(n) })
			f := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e21, 1e-6, 1e-7, math.NaN(), math.Inf(-1)})).Draw(t, "f")
			written(t, f, func(w *Writer) { w.Float(f) })
		})
	})
	t.Run("times", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			at := time.Unix(rapid.Int64Range(-70e9, 260e9).Draw(t, "seconds"), rapid.SampledFrom([]int64{0, 1, 1000, 123456000, 999999999}).Draw(t, "nanoseconds"))
			at = at.In(time.FixedZone("", rapid.SampledFrom([]int{0, 3600, -5400, 90, 86400}).Draw(t, "zone")))
			written(t, at, func(w *Writer) { w.Time(at) })
		})
	})
	t.Run("texts of JSON", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			tokens := []string{"{", "}", "[", "]", ":", ",", " ", "\n", `"a b"`, `"\u2028\\"`, "\"<&\u2028>\"", `"\""`, "1", "-0.5e3", "01", "true", "null", `"`, `{"a":1}`, `["x" , 2]`, "\xff", "{}", `\`}
			s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(tokens), 1, 8).Draw(t, "tokens"), "")
			written(t, json.RawMessage(s), func(w *Writer) { w.Raw(s) })
		})
	})
	t.Run("yes and no", func(t *testing.T) {
		w := Writer{}
		w.Bool(true)
		w.Text(",")
		w.Bool(false)
		w.Text(",")
		w.Null()
		if string(w.Buf) != "true,false,null" {
			t.Errorf("wrote %s", w.Buf)
		}
	})
}

func TestAnObjectMayBeEmpty(t *testing.T) {
	w := Writer{Buf: []byte("[")}
	w.EndObject(1)
	start := len(w.Buf)
	w.Text(`,"a":1`)
	w.EndObject(start)
	if string(w.Buf) != `[{}{"a":1}` {
		t.Errorf("wrote %s", w.Buf)
	}
}

func TestTextsAreReadAsEncodingJSONReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		escapes := append([]string{`\"`, `\\`, `\/`, `\b`, `\n`, `\u0041`, `\u00E9`, `\ud83d\ude00`, `\uFFFF`}, "a", "eight888", "<", "é", "😀", " ", "\u2028")
		text := `"` + strings.Join(rapid.SliceOfN(rapid.SampledFrom(escapes), 0, 20).Draw(t, "escapes"), "") + `"`
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		r := NewReader(text + text)
		first, second := r.String(), r.String()
		if err := r.End(); err != nil || first != want || second != want {
			t.Fatalf("%s was read as %q and %q, %v", text, first, second, err)
		}
	})
}

func TestAfterAnErrorNothingIsRead(t *testing.T) {
	r := NewReader(`{"a":x,"b":"text"}`)
	if key, ok := r.Object(); key != "a" || !ok {
		t.Fatalf("began with %q, %v", key, ok)
	}
	if n := r.Int64(); n != 0 {
		t.Errorf("read %d", n)
	}
	first := r.End()
	_, more := r.Next()
	if s := r.String(); more || s != "" || r.Bool() || r.Null() || r.Array() || r.Element() || r.Raw() != "" || r.Float64() != 0 || !r.Time().IsZero() || r.Key("") && r.Key("{") {
		t.Error("went on")
	}
	if err := r.End(); err == nil || err != first || err.Error() != "want a whole number at byte 5" {
		t.Errorf("the error is %v", err)
	}
}
