package visitor

import (
	"io"
	"strings"
	"testing"
	"time"

	"parley/internal/fault"
	"parley/internal/limit"
)

func (s *site) files() string { return "/visitor/v1/widgets/" + s.widget.Key + "/media" }

func TestAVisitorUploadsAndSendsAFile(t *testing.T) {
	s := newSite(t)
	status, file := s.do("POST", s.files()+"?name=photo.html", "", shop, "%PDF-1.7 hello")
	if status != 201 || file["kind"] != "pdf" || file["name"] != "photo.pdf" || file["width"] != nil || len(file["peaks"].([]any)) != 0 || !strings.HasPrefix(file["url"].(string), "https://chat.example/media/") {
		t.Fatalf("%d %v", status, file)
	}
	post := map[string]any{"client_id": "a-random-client-id-1", "body": "", "media": file["key"], "visit": map[string]any{"url": shop + "/"}}
	status, sent := s.do("POST", s.messages(), "", shop, post)
	if status != 201 || sent["message"].(map[string]any)["media"].(map[string]any)["name"] != "photo.pdf" {
		t.Fatalf("%d %v", status, sent)
	}
	token := sent["token"].(string)
	// Another visitor of the same widget cannot send it again, nor what somebody uploaded who is known.
	post["client_id"] = "a-random-client-id-2"
	if status, out := s.do("POST", s.messages(), "", shop, post); status != 404 || out["code"] != "media.not_found" {
		t.Errorf("a file is sent twice: %d %v", status, out)
	}
	_, own := s.do("POST", s.files()+"?voice=1&peaks=1,2&duration_ms=900", token, shop, "OggS\x00\x02"+strings.Repeat("\x00", 20)+"\x01\x13OpusHead"+strings.Repeat("\x00", 50))
	if own["kind"] != "voice" || own["duration_ms"] != 900.0 {
		t.Errorf("%v", own)
	}
	post["client_id"], post["media"] = "a-random-client-id-3", own["key"]
	if status, out := s.do("POST", s.messages(), "", shop, post); status != 404 || out["code"] != "media.not_found" {
		t.Errorf("somebody else's file is sent: %d %v", status, out)
	}
	if status, out := s.do("POST", s.messages(), token, shop, post); status != 201 {
		t.Errorf("one's own file: %d %v", status, out)
	}
}

func TestUploadsOfStrangersAreLimited(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		path, token, origin, body string
		status                    int
		code                      string
	}{
		"no such widget":       {"/visitor/v1/widgets/nothing/media", "", shop, "x", 404, "widget.not_found"},
		"another site":         {s.files(), "", "https://evil.example", "x", 403, "widget.origin_denied"},
		"a token that is none": {s.files(), "vt_nothing", shop, "x", 401, "auth.invalid"},
		"nothing":              {s.files(), "", shop, "", 422, "media.empty"},
		"an unknown parameter": {s.files() + "?title=x", "", shop, "x", 422, "request.unknown_field"},
		"voice":                {s.files() + "?voice=perhaps", "", shop, "x", 422, "field.invalid"},
		"a duration":           {s.files() + "?duration_ms=long", "", shop, "x", 422, "field.invalid"},
		"peaks":                {s.files() + "?peaks=1,,2", "", shop, "x", 422, "field.invalid"},
		"many peaks":           {s.files() + "?peaks=" + strings.Repeat("1,", 5000), "", shop, "x", 422, "field.invalid"},
		"a long name":          {s.files() + "?name=" + strings.Repeat("a", 1001), "", shop, "x", 422, "text.too_long"},
	} {
		if status, out := s.do("POST", c.path, c.token, c.origin, c.body); status != c.status || out["code"] != c.code {
			t.Errorf("%s: %d %v, want %d %s", name, status, out, c.status, c.code)
		}
	}
	s.media.MaxUpload = 10
	if status, out := s.do("POST", s.files(), "", shop, "more than ten bytes"); status != 413 || out["code"] != "media.too_large" {
		t.Errorf("a large file: %d %v", status, out)
	}
	for range fileBurst {
		if status, out := s.do("POST", s.files(), "", shop, "x"); status == 429 {
			if out["code"] != "request.limited" {
				t.Errorf("%v", out)
			}
			return
		} else if status != 201 {
			t.Fatalf("%d %v", status, out)
		}
	}
	t.Error("one address may upload without end")
}

func TestMegabytesAreCountedAsTheyCome(t *testing.T) {
	now := time.Unix(1e9, 0)
	l := limit.New(limit.Options{Every: time.Hour, Burst: 3, Now: func() time.Time { return now }})
	first := &metered{r: strings.NewReader(strings.Repeat("x", 2*megabyte)), key: "a", limiter: l}
	if n, err := io.Copy(io.Discard, first); n != 2*megabyte || err != nil && !fault.Is(err, fault.RequestLimited) {
		t.Errorf("%d, %v", n, err)
	}
	second := &metered{r: strings.NewReader(strings.Repeat("x", 2*megabyte)), key: "a", limiter: l}
	if n, err := io.Copy(io.Discard, second); n > megabyte || !fault.Is(err, fault.RequestLimited) {
		t.Errorf("%d, %v", n, err)
	}
	other := &metered{r: strings.NewReader("x"), key: "b", limiter: l}
	if n, err := io.Copy(io.Discard, other); n != 1 || err != nil {
		t.Errorf("another address: %d, %v", n, err)
	}
	now = now.Add(2 * time.Hour)
	if n, err := io.Copy(io.Discard, &metered{r: strings.NewReader("x"), key: "a", limiter: l}); n != 1 || err != nil {
		t.Errorf("later: %d, %v", n, err)
	}
}

// A limit below the size of one file would refuse that file for ever, however long its sender waits.
func TestTheLargestFileFitsIntoTheLimitOfAnAddress(t *testing.T) {
	now := time.Now()
	for _, most := range []int64{1, 25, 200, 2000} {
		l := newUploads(func() time.Time { return now }, most*megabyte)
		file := &metered{r: io.LimitReader(zeros{}, most*megabyte), key: "a", limiter: l.megabytes}
		if n, err := io.Copy(io.Discard, file); n != most*megabyte || err != nil {
			t.Errorf("a file of %d MB: %d bytes, %v", most, n, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
