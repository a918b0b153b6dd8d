package media

import (
	"net/url"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"parley/internal/fault"
)

func TestFirstURLOfAText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                           "",
		"no address":                                 "",
		"www.example.com":                            "",
		"https://example.com":                        "https://example.com/",
		"see https://example.com/a.":                 "https://example.com/a",
		"see https://example.com/a, or not":          "https://example.com/a",
		"really https://example.com/a?!":             "https://example.com/a",
		"https://example.com/a?b=c&d=e;":             "https://example.com/a?b=c&d=e",
		"https://example.com/a.html":                 "https://example.com/a.html",
		"wait… https://example.com/a…":               "https://example.com/a",
		"(https://example.com/a)":                    "https://example.com/a",
		"(see https://example.com/a).":               "https://example.com/a",
		"https://en.wikipedia.org/wiki/Tea_(meal)":   "https://en.wikipedia.org/wiki/Tea_(meal)",
		"(https://en.wikipedia.org/wiki/Tea_(meal))": "https://en.wikipedia.org/wiki/Tea_(meal)",
		"[tea](https://example.com/Tea_(meal)) is":   "https://example.com/Tea_(meal)",
		"[https://a.example](https://b.example)":     "https://a.example/",
		"<https://example.com/a>":                    "https://example.com/a",
		`"https://example.com/a"`:                    "https://example.com/a",
		"“https://example.com/a”":                    "https://example.com/a",
		"«https://example.com/a»":                    "https://example.com/a",
		"'https://example.com/a'":                    "https://example.com/a",
		"**https://example.com/a**":                  "https://example.com/a",
		"_https://example.com/a_":                    "https://example.com/a",
		"https://example.com/a_":                     "https://example.com/a_",
		"`https://example.com/a`":                    "https://example.com/a",
		"HTTPS://EXAMPLE.com/A":                      "https://example.com/A",
		"look:https://example.com/a":                 "https://example.com/a",
		"xhttp://example.com/a":                      "",
		"ftp://example.com/a https://example.com/b":  "https://example.com/b",
		"git+https://example.com/a":                  "",
		"https://user:pw@example.com/ http://b.de":   "http://b.de/",
		"https://user@example.com/":                  "",
		"https://example.com/@ann":                   "https://example.com/@ann",
		"https:// http:// x":                         "",
		"http://http://example.com/":                 "http://example.com/",
		"https://example.com/a#part":                 "https://example.com/a",
		"https://example.com/#":                      "https://example.com/",
		"https://example.com:8443/a":                 "https://example.com:8443/a",
		"https://example.com:99999/a":                "",
		"https://[2001:db8::1]/a":                    "https://[2001:db8::1]/a",
		"https://bücher.example/käse":                "https://xn--bcher-kva.example/k%C3%A4se",
		"https://BÜCHER.example:81/":                 "https://xn--bcher-kva.example:81/",
		"https://раураl.example/":                    "https://xn--l-7sba6dbr.example/",
		"看https://example.com/abc，谢谢":                "https://example.com/abc",
		"（https://example.com/abc）":                  "https://example.com/abc",
		"https://example.com/abc\u202egpj.exe":       "https://example.com/abc",
		"https://example.com/a\u200bb":               "https://example.com/a",
		"https://example.com/a\u00a0b":               "https://example.com/a",
		"https://example.com/a\nb":                   "https://example.com/a",
		"https://exa\\mple.com/a":                    "https://exa/",
		"https://example.com/" + strings.Repeat("a", 2000) + " https://b.de": "https://b.de/",
		"https://example.com/" + strings.Repeat("ä", 400):                    "",
		"javascript://example.com/%0aalert(1)":                               "",
		"https://example.com/%zz https://b.de":                               "https://b.de/",
		"https://example.com/( and":                                          "https://example.com/",
	} {
		if got := FirstURL(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRemoteAddressesAreChecked(t *testing.T) {
	for raw, want := range map[string]string{
		"https://example.com/voice.ogg?a=b#t=1": "https://example.com/voice.ogg?a=b", "http://10.0.0.1/x": "http://10.0.0.1/x", "http://example.com": "http://example.com/",
	} {
		if u, refused := CheckRemoteURL(raw); refused != nil || u.String() != want {
			t.Errorf("%s: %v, %v", raw, u, refused)
		}
	}
	for _, raw := range []string{"", "x", "/a", "//example.com/a", "ftp://example.com/a", "file:///etc/passwd", "data:text/plain,x", "https://user@example.com/", "https://a:b@example.com/",
		"https://example.com/a b", "https://example.com/\r\nX: y", "https://exa\x00mple.com", "https://", "https://example.com/" + strings.Repeat("a", 2000), "https://example.com/#" + strings.Repeat("a", 2000)} {
		if _, refused := CheckRemoteURL(raw); refused == nil || refused.Code != fault.MediaURL || refused.Field != "url" || refused.Detail == "" {
			t.Errorf("%.60q: %v", raw, refused)
		}
	}
}

// sound fails unless an address is one that may be called and written into a page.
func sound(t interface{ Errorf(string, ...any) }, text, got string) {
	if got == "" {
		return
	}
	u, err := url.Parse(got)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(got) > maxAddress {
		t.Errorf("%q gave %q (%v)", text, got, err)
	}
	for _, r := range got {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune("<>\"`{}|\\^", r) {
			t.Errorf("%q gave %q, which holds %q", text, got, r)
		}
	}
	if again, refused := CheckRemoteURL(got); refused != nil || again.String() != got {
		t.Errorf("%q gave %q, which is read as %v (%v)", text, got, again, refused)
	}
	if again := FirstURL(got); again != got && !strings.HasSuffix(strings.TrimRight(got, "([.,;:!?'"), again) && len(again) > len(got) {
		t.Errorf("%q gave %q, in which %q is found", text, got, again)
	}
}

func BenchmarkFirstURL(b *testing.B) {
	for name, text := range map[string]string{
		"no address": strings.Repeat("a message as people write it. ", 10), "an address": strings.Repeat("a message as people write it. ", 10) + "https://example.com/a",
		"a crowd": strings.Repeat("http://a@", 1000), "colons": strings.Repeat("://", 3000), "one long": "http://" + strings.Repeat("(", 9000),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				FirstURL(text)
			}
		})
	}
}

func FuzzFirstURL(f *testing.F) {
	for _, s := range []string{"see (https://example.com/a_(b)).", "[x](http://a/b)", "https://user@h/", "HTTP://É.example/\u202e", "http://[::1]:80/x", "https://a/%zz http://b",
		"http://http://http://", "https://a/" + "((((((", "http://。/", "看http://例え。jp/。", "http://a\xff/", "http://%41%ff/", "https://xn--a.example/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { sound(t, text, FirstURL(text)) })
}

// An address is found in whatever sentence it stands, and nothing of the sentence is taken with it.
func TestFirstURLProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.SampledFrom([]string{"http://", "https://", "HTTPS://"}).Draw(t, "scheme") +
			rapid.StringMatching(`[a-z]{1,10}(\.[a-z0-9]{1,8}){0,3}(:[1-9][0-9]{0,3})?`).Draw(t, "host") +
			rapid.StringMatching(`(/[A-Za-z0-9%2B_=-]{1,8}){0,3}(/[a-z]{1,5}_\([a-z]{1,5}\))?(\?[a-z]=[a-z0-9,.]{0,5}[a-z0-9])?`).Draw(t, "path")
		want, refused := CheckRemoteURL(address)
		if refused != nil {
			return // not an address
		}
		wordless := func(s string) string { return strings.ReplaceAll(s, "://", " ") }
		before := wordless(rapid.String().Draw(t, "before")) + rapid.SampledFrom([]string{" ", "(", "[", "<", "\"", "“", "「", "\n", "**", "](", ": ", "看"}).Draw(t, "opens")
		after := rapid.SampledFrom([]string{"", " ", ".", ",", ")", ").", "]", ">", "\"", "”", "」", "！", "\n", "…", "?!", ") "}).Draw(t, "closes")
		if after != "" && !strings.ContainsAny(after, ".,?") {
			if rest := rapid.String().Draw(t, "after"); strings.IndexFunc(rest, unicode.IsSpace) == 0 || strings.ContainsAny(after, " >\"\n") {
				after += wordless(rest)
			}
		}
		if strings.HasSuffix(address, "/") && after == "" {
			after = " "
		}
		if got := FirstURL(before + address + after); got != want.String() {
			t.Fatalf("%q: %q, want %q", before+address+after, got, want)
		}
	})
}
