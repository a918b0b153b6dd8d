package id

import "testing"

func FuzzParseRef(f *testing.F) {
	f.Add("8982.12509.48079")
	f.Add("1.2")
	f.Add("01.2.3")
	f.Add("-1.2.3")
	f.Add("99999999999999999999.1.1")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s)
		if err != nil {
			return
		}
		if r.String() != s {
			t.Errorf("ParseRef(%q) renders as %q", s, r.String())
		}
		if r.Conversation <= 0 || r.Session <= 0 || r.Message <= 0 || r.Message > MaxSafe {
			t.Errorf("ParseRef(%q) = %+v is out of range", s, r)
		}
	})
}
