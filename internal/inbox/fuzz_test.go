package inbox

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"parley/internal/fault"
	"parley/internal/media"
)

func FuzzCheckBody(f *testing.F) {
	for _, s := range []string{"", " ", "hi", "a\x00", "\xff", strings.Repeat("x", MaxBody+1), "\u200b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckBody(s) != nil {
			return
		}
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || strings.TrimSpace(s) == "" || utf8.RuneCountInString(s) > MaxBody {
			t.Errorf("%q was accepted", s)
		}
		line := shorten(s, 200)
		if n := utf8.RuneCountInString(line); n > 200 || n == 0 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("its line is %q", line)
		}
	})
}

func FuzzPageURL(f *testing.F) {
	for _, s := range []string{"https://shop.example/a?b#c", "http://user:pass@shop.example/", "javascript:alert(1)", "//x", "https://", "https://a\x00b", "HTTPS://X", "https://u@" + strings.Repeat("x", maxURL-9)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := pageURL(s)
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(got) > maxURL || !utf8.ValidString(got) {
			t.Errorf("%q became %q", s, got)
		}
		if again := pageURL(got); again != got {
			t.Errorf("%q became %q and then %q", s, got, again)
		}
	})
}

func FuzzOneLine(f *testing.F) {
	f.Add("Shop\nSale\x00", 5)
	f.Add("ünïcödé", 3)
	f.Add("\xff\xfe", 1)
	f.Fuzz(func(t *testing.T, s string, max int) {
		max &= 1023
		got := oneLine(s, max)
		if len(got) > max || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("oneLine(%q, %d) = %q", s, max, got)
		}
		if oneLine(got, max) != got {
			t.Errorf("%q changes again", got)
		}
	})
}

func FuzzVisit(f *testing.F) {
	f.Add("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", "192.0.2.1", -5)
	f.Add("Googlebot/2.1", "::1", 1<<40)
	f.Fuzz(func(t *testing.T, agent, ip string, n int) {
		v := Visit{UserAgent: agent, IP: ip, PageImpressions: n, Visits: n}.Clean()
		if len(v.UserAgent) > maxUserAgent || len(v.IP) > maxIP || v.PageImpressions < 0 || v.Visits > 1e6 || !utf8.ValidString(v.Browser+v.BrowserVersion+v.OS) {
			t.Errorf("visit %+v", v)
		}
	})
}

func FuzzClientID(f *testing.F) {
	f.Add("0e8f1f1c-1d1b-4b3e-8000-000000000001", true)
	f.Add("a b", false)
	f.Fuzz(func(t *testing.T, s string, first bool) {
		if checkClientID(s, first) == nil && (s == "" || len(s) > maxClientID || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })) {
			t.Errorf("%q was accepted", s)
		}
	})
}

func FuzzNamesLink(f *testing.F) {
	for _, s := range []string{"", "http://", "see HTTPS://shop.example/", "ftp://a http://b", "\xff://", "://://http"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		low := strings.ToLower(s)
		if want := strings.Contains(low, "http://") || strings.Contains(low, "https://"); namesLink(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
		if at := media.FirstURL(s); at != "" && !namesLink(s) {
			t.Errorf("%q names %q, and nobody looks for a card", s, at)
		}
	})
}

func FuzzCaption(f *testing.F) {
	for _, s := range []string{"", " ", "a caption", "a\x00", strings.Repeat("x", MaxBody+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if err, strict := checkText(s, true), CheckBody(s); err != nil && strict == nil || err == nil && strict != nil && strings.TrimSpace(s) != "" {
			t.Errorf("%q: %v as a caption, %v alone", s, err, strict)
		}
	})
}

// Whatever answers a message offers: they are refused, or each is one line that is read as it was stored.
func FuzzChoices(f *testing.F) {
	for _, s := range []string{"this|that", " a |", "a\nb", "|", "\x00", "\xff", "\u2028", strings.Repeat("x", 81), strings.Repeat("x|", 11), "🙂|ä"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := checkChoices(strings.Split(s, "|"), false)
		if err != nil {
			if k := fault.As(err).Kind(); k != fault.Invalid || fault.As(err).Field != "choices" {
				t.Errorf("%v", err)
			}
			return
		}
		if got := splitTags(strings.Join(list, "\n")); !slices.Equal(got, list) || len(list) > MaxChoices || strings.Count(choiceLines(list), "\n") != len(list) {
			t.Errorf("%q is read as %q", list, got)
		}
		for _, c := range list {
			if c == "" || !utf8.ValidString(c) || utf8.RuneCountInString(c) > MaxChoice || c != strings.TrimSpace(c) {
				t.Errorf("%q is offered", c)
			}
		}
	})
}
