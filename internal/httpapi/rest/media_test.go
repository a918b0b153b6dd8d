package rest

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestUploadsOfOperatorsAndPrograms(t *testing.T) {
	b := newBench(t)
	var drawing bytes.Buffer
	if err := png.Encode(&drawing, image.NewGray(image.Rect(0, 0, 20, 10))); err != nil {
		t.Fatal(err)
	}
	b.do("session:operator", "POST", "/media?name=a/b/drawing.html", drawing.String()).is(201).
		has("kind", "image", "name", "drawing.png", "content_type", "image/png", "width", "20", "height", "10", "duration_ms", "<nil>", "peaks", "0 items")
	b.do("write", "POST", "/media", "words").is(201).has("kind", "file", "name", "file", "width", "<nil>", "thumb_url", "<nil>")
	b.do("write", "POST", "/media?voice=1&duration_ms=1500&peaks=1,50,100", "OggS\x00\x02"+strings.Repeat("\x00", 20)+"\x01\x13OpusHead"+strings.Repeat("\x00", 50)).is(201).
		has("kind", "voice", "duration_ms", "1500", "peaks", "3 items", "peaks.1", "50")

	b.do("read", "POST", "/media", "words").is(403, "auth.scope")
	b.do("", "POST", "/media", "words").is(401, "auth.required")
	b.do("session:operator", "POST", "/media", "words", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site").is(403, "auth.cross_origin")
	b.do("write", "POST", "/media", "").is(422, "media.empty")
	b.do("write", "POST", "/media?peaks=101", "words").is(422, "field.invalid", "peaks")
	b.do("write", "POST", "/media?peaks="+strings.Repeat("1,", 64)+"1", "words").is(422, "field.invalid", "peaks")
	b.do("write", "POST", "/media?duration_ms=-1", "words").is(422, "field.invalid", "duration_ms")
	b.do("write", "POST", "/media?title=x", "words").is(422, "request.unknown_field", "title")
	b.do("write", "POST", "/media?name="+strings.Repeat("a", 1001), "words").is(422, "text.too_long", "name")

	// A body of an unknown length is cut off at the limit; one that says that it is too long is not read at all.
	b.Media.MaxUpload = 10_000
	for _, length := range []int64{10_001, -1} {
		body := io.NopCloser(strings.NewReader(strings.Repeat("x", 10_001)))
		r, err := http.NewRequestWithContext(t.Context(), "POST", b.server.URL+Prefix+"/media", body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.Header.Set("Authorization", "Bearer "+b.tokens["write"])
		res, err := b.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 413 || !strings.Contains(string(text), "media.too_large") {
			t.Errorf("length %d: %d %s, %v", length, res.StatusCode, text, err)
		}
	}
}
