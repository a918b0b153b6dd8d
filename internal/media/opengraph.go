package media

import (
	"bytes"
	"cmp"
	"io"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// How many characters of what a page says are kept.
const (
	maxTitle       = 200
	maxDescription = 300
	maxSite        = 80
)

// page is what a page says about itself, as text that is safe to show: no markup, nothing invisible.
type page struct {
	title, description, site string
	// image is an address as CheckRemoteURL writes it, "" for none.
	image string
}

// known are the properties of a page that we read, in the order in which they are believed.
var known = struct{ title, description, site, image []string }{
	title:       []string{"og:title", "twitter:title"},
	description: []string{"og:description", "twitter:description", "description"},
	site:        []string{"og:site_name", "application-name"},
	image:       []string{"og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src"},
}

// readPage reads the head of a page that at is the address of, in the encoding that the header, the page or its bytes name. It never
// fails: what comes after an error is not known.
func readPage(r io.Reader, contentType string, at *url.URL) page {
	if decoded, err := charset.NewReader(r, contentType); err == nil {
		r = decoded
	}
	said := map[string]string{} // the first that the page says of each
	title, base := "", at
	inTitle, inBody := false, false
	z := html.NewTokenizer(r)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return compose(said, title, base)
		case html.TextToken:
			if inTitle && title == "" {
				title = clean(string(bytes.ToValidUTF8(z.Text(), nil)), maxTitle)
			}
		case html.EndTagToken:
			inTitle = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			inTitle = false
			switch string(name) {
			case "title":
				inTitle = !inBody // one in the body belongs to a drawing
			case "body":
				inBody = true
			case "base":
				if href := attributes(z, more)["href"]; href != "" && base == at {
					if u, err := at.Parse(strings.TrimSpace(href)); err == nil {
						base = u
					}
				}
			case "meta":
				a := attributes(z, more)
				for _, key := range []string{a["property"], a["name"]} {
					key = strings.ToLower(strings.TrimSpace(key))
					if _, had := said[key]; !had && wanted(key) && strings.TrimSpace(a["content"]) != "" {
						said[key] = a["content"]
					}
				}
			}
		}
	}
}

func wanted(key string) bool {
	for _, list := range [][]string{known.title, known.description, known.site, known.image} {
		for _, k := range list {
			if k == key {
				return true
			}
		}
	}
	return false
}

// attributes are those of the tag that the tokenizer is at.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	out := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch k := string(key); k {
		case "property", "name", "content", "href":
			if _, had := out[k]; !had {
				out[k] = string(value)
			}
		}
	}
	return out
}

// compose makes a page of what was read.
func compose(said map[string]string, title string, base *url.URL) page {
	first := func(keys []string, limit int) string {
		for _, k := range keys {
			if s := clean(said[k], limit); s != "" {
				return s
			}
		}
		return ""
	}
	p := page{title: cmp.Or(first(known.title, maxTitle), title), description: first(known.description, maxDescription), site: first(known.site, maxSite)}
	for _, k := range known.image {
		if said[k] == "" {
			continue
		}
		if p.image = absolute(base, said[k]); p.image != "" {
			break
		}
	}
	if p.description == p.title {
		p.description = ""
	}
	return p
}

// clean makes a line of at most limit characters out of a stranger's text: blanks are joined, and controls, marks that turn the
// direction of the text around and other invisible characters are gone. What is longer ends in "…".
func clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c' || r == '\u200d': // Persian, Hindi and emoji need them
			return r
		case r == utf8.RuneError, !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if strings.Trim(s, "\u200c\u200d ") == "" {
		return ""
	}
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:limit-1]), " \u200d") + "…"
}
