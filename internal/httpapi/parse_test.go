package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"parley/internal/fault"
)

func TestClientAddressBehindProxies(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "203.0.113.9:1234", nil, "203.0.113.9"},
		{"untrusted remote may not forward", "203.0.113.9:1234", []string{"1.1.1.1"}, "203.0.113.9"},
		{"one proxy", "10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"invented hops on the left", "10.0.0.1:1", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.1:1", []string{"203.0.113.9, 10.2.3.4"}, "203.0.113.9"},
		{"two lines", "10.0.0.1:1", []string{"1.1.1.1", "203.0.113.9,10.2.3.4"}, "203.0.113.9"},
		{"only proxies", "10.0.0.1:1", []string{"10.9.9.9, 10.2.3.4"}, "10.9.9.9"},
		{"rubbish stops the walk", "10.0.0.1:1", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		{"with port", "10.0.0.1:1", []string{"203.0.113.9:5555"}, "203.0.113.9"},
		{"IPv6 with port", "[::1]:80", []string{"[2001:db8::7]:99"}, "2001:db8::7"},
		{"IPv6 in brackets", "[::1]:80", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"mapped", "[::ffff:10.0.0.1]:80", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"zone", "[::1]:80", []string{"fe80::1%eth0"}, "fe80::1"},
		{"socket", "@", []string{"203.0.113.9"}, "invalid IP"},
		{"no header", "10.0.0.1:1", nil, "10.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := clientAddr(c.remote, c.forwarded, trusted).String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Whatever the header says, the answer is an address without a zone, and from an untrusted connection it is the connection's own.
func FuzzClientAddress(f *testing.F) {
	f.Add("10.0.0.1:1", "203.0.113.9, 10.2.3.4")
	f.Add("[::1]:80", "[2001:db8::7]:99,,")
	f.Add("203.0.113.9:1", "1.1.1.1")
	f.Add("@", "%")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		a := clientAddr(remote, []string{forwarded}, trusted)
		if a.Zone() != "" || a.Is4In6() {
			t.Errorf("%v has several spellings", a)
		}
		if own, ok := parseAddr(remote); !ok && a.IsValid() || ok && !isTrusted(own, trusted) && a != own {
			t.Errorf("connection from %q became %v", remote, a)
		}
		if a.IsValid() {
			if again, ok := parseAddr(a.String()); !ok || again != a {
				t.Errorf("%v does not survive its own text", a)
			}
		}
		addressKey(a)
	})
}

// decodeTarget has one of everything that bodies are made of.
type decodeTarget struct {
	Name   string            `json:"name"`
	Count  *int64            `json:"count"`
	Flag   bool              `json:"flag"`
	List   []decodeItem      `json:"list"`
	Map    map[string]string `json:"map"`
	Raw    json.RawMessage   `json:"raw"`
	Hidden string            `json:"-"`
}

type decodeItem struct {
	Key string `json:"key"`
}

func TestDecodeStrict(t *testing.T) {
	for _, c := range []struct {
		name, body, kind string
		code             fault.Code
		field            string
	}{
		{"everything", `{"name":"a","count":1,"flag":true,"list":[{"key":"k"}],"map":{"any":"x"},"raw":{"a":[1,{"b":2}]}}`, jsonType, "", ""},
		{"charset", `{"name":"a"}`, "application/json; charset=utf-8", "", ""},
		{"null", `{"count":null,"list":null}`, jsonType, "", ""},
		{"unknown", `{"nam":"a"}`, jsonType, fault.RequestUnknownField, "nam"},
		{"another case", `{"Name":"a"}`, jsonType, fault.RequestUnknownField, "Name"},
		{"hidden", `{"Hidden":"a"}`, jsonType, fault.RequestUnknownField, "Hidden"},
		{"unknown in a list", `{"list":[{"key":"k"},{"kez":"k"}]}`, jsonType, fault.RequestUnknownField, "list[1].kez"},
		{"wrong type", `{"count":"1"}`, jsonType, fault.FieldInvalid, "count"},
		{"fraction", `{"count":1.5}`, jsonType, fault.FieldInvalid, "count"},
		{"too great", `{"count":99999999999999999999}`, jsonType, fault.FieldInvalid, "count"},
		{"wrong type in a list", `{"list":[7]}`, jsonType, fault.FieldInvalid, "list"},
		{"array", `[]`, jsonType, fault.RequestMalformed, ""},
		{"empty", ``, jsonType, fault.RequestMalformed, ""},
		{"blank", ` `, jsonType, fault.RequestMalformed, ""},
		{"cut off", `{"name":"a`, jsonType, fault.RequestMalformed, ""},
		{"trailing value", `{"name":"a"}{}`, jsonType, fault.RequestMalformed, ""},
		{"trailing bracket", `{"name":"a"}]`, jsonType, fault.RequestMalformed, ""},
		{"NUL byte after it", "{\"name\":\"a\"}\x00", jsonType, fault.RequestMalformed, ""},
		{"NUL in a list", `{"list":[{"key":"a"},{"key":"\u0000"}]}`, jsonType, fault.TextInvalid, "list[1].key"},
		{"NUL in a key", `{"map":{"a\u0000b":"x"}}`, jsonType, fault.TextInvalid, "map.ab"},
		{"doubled", `{"name":"a","name":"a"}`, jsonType, fault.RequestMalformed, "name"},
		{"doubled by escape", `{"name":"a","n\u0061me":"a"}`, jsonType, fault.RequestMalformed, "name"},
		{"same key in two objects", `{"list":[{"key":"a"},{"key":"a"}]}`, jsonType, "", ""},
		{"32 levels", `{"raw":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, jsonType, "", ""},
		{"33 levels", `{"raw":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, jsonType, fault.RequestMalformed, "raw" + strings.Repeat("[0]", 31)},
		{"no type", `{}`, "", fault.RequestMediaType, ""},
		{"text", `{}`, "text/plain", fault.RequestMediaType, ""},
		{"greatest", `{"name":"` + strings.Repeat("x", MaxBody-11) + `"}`, jsonType, "", ""},
		{"too large", `{"name":"` + strings.Repeat("x", MaxBody-10) + `"}`, jsonType, fault.RequestTooLarge, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, chunked := range []bool{false, true} {
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
				if chunked {
					r.ContentLength = -1
				}
				if c.kind != "" {
					r.Header.Set("Content-Type", c.kind)
				}
				var v decodeTarget
				err := DecodeStrict(httptest.NewRecorder(), r, &v)
				if c.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				if f := fault.As(err); f.Code != c.code || f.Field != c.field {
					t.Errorf("got %s at %q, want %s at %q", f.Code, f.Field, c.code, c.field)
				}
			}
		})
	}
}

// Nothing that is accepted may be read differently by another decoder, and nothing may panic.
func FuzzDecodeStrict(f *testing.F) {
	for _, s := range []string{`{"name":"a","count":1}`, `{"list":[{"key":"k"}],"map":{"a":"b"}}`, `{"raw":[[[[1]]]]}`, `{"name":"\ud800"}`, `{"a":1,"a":2}`, `[1,2`, "{\"name\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := CheckJSON(b); err != nil {
			if !fault.Is(err, fault.RequestMalformed) && !fault.Is(err, fault.TextInvalid) {
				t.Fatalf("%v is no fault of the request", err)
			}
			return
		}
		if !json.Valid(b) || !utf8.Valid(b) {
			t.Fatalf("accepted %q", b)
		}
		var v decodeTarget
		if err := decode(b, &v); err != nil {
			if f := fault.As(err); f.Code == fault.InternalError || len(f.Field) > 4096 {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		var w decodeTarget
		if err := d.Decode(&w); err != nil || !reflect.DeepEqual(v, w) {
			t.Fatalf("%q: %v, %+v against %+v", b, err, v, w)
		}
		if strings.ContainsRune(v.Name, 0) {
			t.Fatalf("NUL in %q", v.Name)
		}
	})
}

func TestAcceptEncoding(t *testing.T) {
	for header, want := range map[string]bool{
		"gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "": false, "deflate": false, "xgzip": false, "gzip;q=x": false,
	} {
		if got := accepts(header, "gzip"); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestStaticFiles(t *testing.T) {
	b := newBench(t, nil)
	long := strings.Repeat("let a = 1;\n", 500)
	b.mux.Handle("GET /app/", Static(fstest.MapFS{
		"index.html":                  {Data: []byte("<!doctype html>" + strings.Repeat(" ", 500))},
		"assets/main-B3xY91_q.js":     {Data: []byte(long)},
		"assets/main-B3xY91_q.js.br":  {Data: []byte("brotli")},
		"assets/style-DDDDDDDD.css":   {Data: []byte("a{}")},
		"loader.js":                   {Data: []byte(long)},
		"settings-overview.js":        {Data: []byte("1")},
		"logo.png":                    {Data: []byte("png")},
		"sub/messenger-component.mjs": {Data: []byte("1")},
	}, StaticOptions{Prefix: "/app/", Index: "index.html"}))
	b.mux.Handle("GET /widget/", Static(fstest.MapFS{"loader.js": {Data: []byte("1")}}, StaticOptions{Prefix: "/widget/", CrossOrigin: true}))
	const forever = "public, max-age=31536000, immutable"
	for _, c := range []struct {
		path, accept, contentType, cache, encoding string
		status                                     int
	}{
		{"/app/", "", "text/html; charset=utf-8", "no-cache", "", 200},
		{"/app/inbox/42", "gzip", "text/html; charset=utf-8", "no-cache", "gzip", 200},
		{"/app/assets/main-B3xY91_q.js", "gzip, br", "text/javascript; charset=utf-8", forever, "br", 200},
		{"/app/assets/main-B3xY91_q.js", "gzip", "text/javascript; charset=utf-8", forever, "gzip", 200},
		{"/app/assets/main-B3xY91_q.js", "", "text/javascript; charset=utf-8", forever, "", 200},
		{"/app/assets/style-DDDDDDDD.css", "gzip", "text/css; charset=utf-8", forever, "", 200},
		{"/app/loader.js", "gzip", "text/javascript; charset=utf-8", "no-cache", "gzip", 200},
		{"/app/settings-overview.js", "", "text/javascript; charset=utf-8", "no-cache", "", 200},
		{"/app/sub/messenger-component.mjs", "", "text/javascript; charset=utf-8", "no-cache", "", 200},
		{"/app/logo.png", "gzip", "image/png", "no-cache", "", 200},
		{"/app/missing.js", "", problemType, "no-store", "", 404},
		{"/app/assets/main-B3xY91_q.js.br", "", problemType, "no-store", "", 404},
		{"/widget/loader.js", "", "text/javascript; charset=utf-8", "no-cache", "", 200},
		{"/widget/nothing", "", problemType, "no-store", "", 404},
	} {
		a := b.do(http.MethodGet, c.path, "", "Accept-Encoding", c.accept)
		h := a.Header()
		if a.Code != c.status || h.Get("Content-Type") != c.contentType || h.Get("Cache-Control") != c.cache || h.Get("Content-Encoding") != c.encoding {
			t.Errorf("%s (%s): %d %q %q %q", c.path, c.accept, a.Code, h.Get("Content-Type"), h.Get("Cache-Control"), h.Get("Content-Encoding"))
		}
		if c.status != 200 {
			continue
		}
		if cross := h.Get("Access-Control-Allow-Origin"); (cross == "*") != strings.HasPrefix(c.path, "/widget/") {
			t.Errorf("%s: cross origin %q", c.path, cross)
		}
		again := b.do(http.MethodGet, c.path, "", "Accept-Encoding", c.accept, "If-None-Match", h.Get("ETag"))
		if again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s with its ETag: %d", c.path, again.Code)
		}
		other := b.do(http.MethodGet, c.path, "", "Accept-Encoding", c.accept, "If-None-Match", `"other"`)
		if other.Code != 200 {
			t.Errorf("%s with another ETag: %d", c.path, other.Code)
		}
		if head := b.do(http.MethodHead, c.path, "", "Accept-Encoding", c.accept); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != h.Get("Content-Length") {
			t.Errorf("HEAD %s: %d, %d bytes", c.path, head.Code, head.Body.Len())
		}
	}
}
