package delivery

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// A stored header is JSON without NULs, and where everything fits it is what encoding/json makes of it.
func FuzzHeaderText(f *testing.F) {
	f.Add("Content-Type", "application/json", "X-A", `"<é>\`)
	f.Add("", "\x00a", "X", strings.Repeat("x", 3*logLimit))
	f.Add("X-Bad", "\xff\xfe", "Same", "\u2028\t\x7f")
	f.Fuzz(func(t *testing.T, name, a, other, b string) {
		h := http.Header{name: {a, b}, other: {b}}
		text := headerText(h)
		var values map[string][]string
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for k, list := range values {
			if strings.Contains(k+strings.Join(list, ""), "\x00") {
				t.Errorf("a NUL is stored: %q", text)
			}
		}
		want, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) < logLimit/2 && !strings.Contains(name+a+other+b, "\x00") && text != string(want) {
			t.Errorf("got %s, want %s", text, want)
		}
	})
}
