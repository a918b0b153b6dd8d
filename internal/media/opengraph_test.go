package media

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var pageURL = &url.URL{Scheme: "https", Host: "shop.example", Path: "/teas/green"}

func TestPagesSayWhatTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, text string
		want              page
	}{
		"Open Graph": {"text/html; charset=utf-8", `<!doctype html><html><head><title>Other</title><meta property="og:title" content="Green &amp; black tea">
<meta property="og:description" content="From &quot;Uji&quot;"><meta property="og:site_name" content="Tea shop"><meta property="og:image" content="/img/1.jpg?a=1&amp;b=2"></head>`,
			page{"Green & black tea", `From "Uji"`, "Tea shop", "https://shop.example/img/1.jpg?a=1&b=2"}},
		"Twitter": {"text/html", `<meta name=twitter:title content=Tea><meta name="twitter:description" content="d"><meta name="twitter:image:src" content="//cdn.example/x.png">`,
			page{"Tea", "d", "", "https://cdn.example/x.png"}},
		"plain HTML": {"text/html", `<TITLE> Green
  tea </TITLE><META NAME="Description" CONTENT="Our teas"><meta name="application-name" content="Shop">`, page{"Green tea", "Our teas", "Shop", ""}},
		"the first one counts":              {"text/html", `<meta property="og:title" content=""><meta property="og:title" content="one"><meta property="og:title" content="two"><title>three</title>`, page{title: "one"}},
		"a drawing's title":                 {"text/html", `<body><svg><title>Arrow</title></svg>`, page{}},
		"a title in a script":               {"text/html", `<script>"<title>no</title>"</script><!-- <title>no</title> --><title>yes</title>`, page{title: "yes"}},
		"base":                              {"text/html", `<base href="https://cdn.example/a/"><base href="https://evil.example/"><meta property="og:image" content="b.png"><title>t</title>`, page{title: "t", image: "https://cdn.example/a/b.png"}},
		"a base of no use":                  {"text/html", `<base href="javascript:alert(1)"><meta property="og:image" content="b.png"><title>t</title>`, page{title: "t"}},
		"no image that we would call":       {"text/html", `<title>t</title><meta property="og:image" content="data:image/png;base64,AAAA"><meta name="twitter:image" content="http://u:p@h.example/x">`, page{title: "t"}},
		"the next image":                    {"text/html", `<meta property="og:image" content="file:///etc/passwd"><meta name="twitter:image" content="t.png"><title>t</title>`, page{title: "t", image: "https://shop.example/teas/t.png"}},
		"Latin-1 by header":                 {"text/html; charset=ISO-8859-1", "<title>K\xe4se f\xfcr 5 \x80</title>", page{title: "Käse für 5 €"}},
		"Latin-1 by page":                   {"text/html", "<meta charset=latin1><title>K\xe4se</title>", page{title: "Käse"}},
		"UTF-8 by page":                     {"text/html", `<meta http-equiv="Content-Type" content="text/html; charset=utf-8"><title>Käse 🧀</title>`, page{title: "Käse 🧀"}},
		"Shift JIS":                         {"text/html; charset=Shift_JIS", "<title>\x93\xfa\x96\x7b</title>", page{title: "日本"}},
		"broken UTF-8":                      {"text/html; charset=utf-8", "<title>a\xff\xfeb</title>", page{title: "ab"}},
		"UTF-16":                            {"text/html; charset=utf-16le", "<\x00t\x00i\x00t\x00l\x00e\x00>\x00h\x00i\x00", page{title: "hi"}},
		"markup in a title":                 {"text/html", `<title><b>bold</b> &lt;script&gt;</title>`, page{title: "<b>bold</b> <script>"}},
		"what turns the text around":        {"text/html", "<meta charset=utf-8><meta property=og:title content='invoice\u202efdp.exe\u2066 a\u0000b\u200bc\u00ad\ufeff'>", page{title: "invoicefdp.exe abc"}},
		"emoji stay whole":                  {"text/html; charset=utf-8", "<title>👩‍🍳 می\u200cخواهم ✌️</title>", page{title: "👩‍🍳 می\u200cخواهم ✌️"}},
		"nothing but blanks":                {"text/html", "<title> \u200d&nbsp;\n</title><meta property=og:title content='&#8203;'>", page{}},
		"a description that says the title": {"text/html", "<title>t</title><meta name=description content=t>", page{title: "t"}},
		"no page":                           {"text/html", "\x00\x01\x02<", page{}},
		"broken tags":                       {"text/html", `<meta property="og:title content="x"><title>t`, page{title: "t"}},
		"half a page":                       {"text/html", `<title>t</title><meta property="og:descr`, page{title: "t"}},
	} {
		if got := readPage(strings.NewReader(c.text), c.contentType, pageURL); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestWhatPagesSayIsBounded(t *testing.T) {
	long := strings.Repeat("ä ", 5000)
	p := readPage(strings.NewReader(`<title>x</title><meta property="og:title" content="`+long+`"><meta name="description" content="`+long+`"><meta property="og:site_name" content="`+long+`">`),
		"text/html; charset=utf-8", pageURL)
	for _, c := range []struct {
		text  string
		limit int
	}{{p.title, 200}, {p.description, 300}, {p.site, 80}} {
		if n := utf8.RuneCountInString(c.text); n > c.limit || n < c.limit-1 || !strings.HasSuffix(c.text, "…") {
			t.Errorf("%d characters, limit %d: %q", n, c.limit, c.text)
		}
	}
	if got := clean(strings.Repeat("a", 200), 200); len(got) != 200 {
		t.Errorf("what just fits was cut: %q", got)
	}
}

// Whatever a page holds, a card shows short lines without anything invisible, and leads to addresses that we would call.
func FuzzReadPage(f *testing.F) {
	for _, s := range []string{`<title>a</title>`, `<meta property=og:image content="//x/y"><base href="http://a/">`, "<meta charset=utf-16><title>\xff\xfe", "<title>\u202e</title>",
		`<meta name="description" content="&#x202e;&#0;&#xd800;">`, "<meta property='og:title' content='" + strings.Repeat("👩‍👩‍👧", 100) + "'>", "<plaintext><title>", "<!--<title>-->"} {
		f.Add("text/html", []byte(s))
	}
	f.Add("text/html; charset=gbk", []byte("<title>\x81\x30\x81\x30</title>"))
	f.Fuzz(func(t *testing.T, contentType string, text []byte) {
		p := readPage(strings.NewReader(string(text)), contentType, pageURL)
		for s, limit := range map[string]int{p.title: maxTitle, p.description: maxDescription, p.site: maxSite} {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit || strings.TrimSpace(s) != s {
				t.Errorf("%q", s)
			}
			for _, r := range s {
				if r != '\u200c' && r != '\u200d' && !unicode.IsGraphic(r) || unicode.IsSpace(r) && r != ' ' {
					t.Errorf("%q holds %U", s, r)
				}
			}
		}
		sound(t, string(text), p.image)
	})
}
