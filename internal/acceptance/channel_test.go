package acceptance

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	inboundToken  = "inbound-token-of-the-test"
	outboundToken = "outbound-token-of-the-test"
)

// channel is a custom channel with a receiver of its own at the other side.
type channel struct {
	*receiver
	id    int
	door  string // the path of the inbound URL
	made  object
	given http.Header
}

// channel makes one with a default widget; settings are further fields of it.
func (s *server) channel(w *shop, settings object) *channel {
	s.Helper()
	r := s.receiver()
	in := object{"type": "custom", "name": "Letters", "widget_id": w.id,
		"settings": object{"outbound_url": r.http.URL + "/letters", "version": "1"},
		"secrets":  object{"outbound_token": outboundToken, "inbound_token": inboundToken}}
	for k, v := range settings {
		if inner, ok := v.(object); ok {
			merged := maps.Clone(in[k].(object))
			maps.Copy(merged, inner)
			v = merged
		}
		in[k] = v
	}
	made := s.admin().must("POST", "/api/v1/channels", in)
	door := made.text("channel", "inbound_url")
	if !strings.HasPrefix(door, s.url+"/channels/") {
		s.Fatalf("the inbound URL is %q", door)
	}
	return &channel{r, made.number("channel", "id"), strings.TrimPrefix(door, s.url), made, http.Header{"Api-Security-Token": {inboundToken}}}
}

// sender is a program at the other side.
func (c *channel) sender() *caller { return &caller{c.server, c.given} }

// brings posts a message of a contact.
func (c *channel) brings(in object) object {
	c.Helper()
	return c.sender().must("POST", c.door, in)
}

// message reads a message of a conversation by its number from the end, the last being 1.
func (c *caller) message(conversation, fromEnd int) object {
	c.Helper()
	list := c.must("GET", path("/api/v1/conversations/%d/messages?limit=100", conversation), nil).list("items")
	if len(list) < fromEnd {
		c.Fatalf("conversation %d has %d messages", conversation, len(list))
	}
	return object(list[len(list)-fromEnd].(map[string]any))
}

// messageOf reads a message of a conversation by its id.
func (c *caller) messageOf(conversation, id int) object {
	c.Helper()
	for _, m := range c.must("GET", path("/api/v1/conversations/%d/messages?limit=200", conversation), nil).list("items") {
		if o := object(m.(map[string]any)); o.number("id") == id {
			return o
		}
	}
	c.Fatalf("conversation %d has no message %d", conversation, id)
	return nil
}

// files is somebody's web server.
type files struct {
	url string
	mu  sync.Mutex
	got []string // "METHOD path" of every request
}

func (s *server) files(serve func(w http.ResponseWriter, r *http.Request)) *files {
	f := &files{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.got = append(f.got, r.Method+" "+r.URL.RequestURI())
		f.mu.Unlock()
		serve(w, r)
	}))
	s.Cleanup(h.Close)
	f.url = h.URL
	return f
}

func (f *files) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

func picture(width, height int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			m.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(x ^ y), 255})
		}
	}
	return m
}

func jpegOf(t testing.TB, width, height int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(width, height), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, width, height int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, picture(width, height)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// uploads is a file that an operator or program brings in; it returns the key.
func (c *caller) uploads(name string, content []byte, query string) object {
	c.Helper()
	status, made := c.send("POST", "/api/v1/media?name="+url.QueryEscape(name)+query, string(content))
	if status != http.StatusCreated {
		c.Fatalf("upload %s: %d %v", name, status, made)
	}
	return made
}

// opens reads an address as somebody who is signed in nowhere.
func (s *server) opens(address string) (int, http.Header, []byte) {
	s.Helper()
	res, err := http.Get(address)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res.StatusCode, res.Header, b
}

// media waits until the file of the conversation's last message is in a state, and returns it.
func (c *caller) media(conversation int, state string) object {
	c.Helper()
	var found object
	c.eventually("the file is "+state, func() bool {
		m := c.message(conversation, 1)
		got, _ := m.at("media").(map[string]any)
		found = got
		return found.text("state") == state
	})
	return found
}

func TestS046_ACustomChannelConnectsAnyMessageSystem(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), object{"name": "Letters & parcels"})
		ann := s.operator("Ann", "Lee", "operator")
		got := c.brings(object{"email": "jane@customer.example", "name": "Jane", "body": "Hello from elsewhere"})
		v := ann.conversation(got.number("conversation_id"))
		equal(s, "the channel's name", v.text("channel", "name"), "Letters & parcels")
		equal(s, "the channel's type, which the icon is made of", v.text("channel", "type"), "custom")
		equal(s, "the channel's id", v.number("channel", "id"), c.id)
		equal(s, "the text", ann.message(got.number("conversation_id"), 1).text("body"), "Hello from elsewhere")
		equal(s, "the contact's name", v.text("contact", "name"), "Jane")
	})
}

func TestS047_ContactsAreIdentifiedByAddress(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		first := c.brings(object{"email": "Jane@Customer.Example", "body": "One"})
		again := c.brings(object{"email": " jane@customer.EXAMPLE ", "body": "Two"})
		other := c.brings(object{"email": "joe@customer.example", "body": "Three"})
		equal(s, "the contact of the other letter case", again.number("contact_id"), first.number("contact_id"))
		if other.number("contact_id") == first.number("contact_id") {
			s.Error("another address is the same contact")
		}
		list := s.admin().must("GET", "/api/v1/contacts?email=jane@customer.example", nil).list("items")
		equal(s, "the number of contacts", len(list), 1)
	})
}

func TestS048_TheSameAddressReachesEarlierConversations(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(nil)
		c := s.channel(w, nil)
		v := w.visitor()
		v.says("Hello from the website", object{"contact": object{"email": "Jane@customer.example"}})
		got := c.brings(object{"email": "jane@customer.example", "body": "Hello from elsewhere"})
		ann := s.operator("Ann", "Lee", "operator")
		website := ann.conversation(v.conversation)
		equal(s, "the contact", got.number("contact_id"), website.number("contact", "id"))
		var seen []int
		for _, one := range ann.must("GET", path("/api/v1/conversations?contact_id=%d", got.number("contact_id")), nil).list("items") {
			seen = append(seen, object(one.(map[string]any)).number("id"))
		}
		if !slices.Contains(seen, v.conversation) || !slices.Contains(seen, got.number("conversation_id")) {
			s.Errorf("the operator sees the conversations %v of the contact", seen)
		}
		// The contact sees their website conversation as before. What comes over the channel is not shown to a browser where anybody may
		// have typed the address.
		home := v.must("GET", "/visitor/v1/me", nil).list("conversations")
		if len(home) != 1 || object(home[0].(map[string]any)).number("id") != v.conversation {
			s.Errorf("the contact's browser sees %v", home)
		}
	})
}

func TestS049_RepliesReturnThroughTheConnectedSystem(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(nil)
		c, other := s.channel(w, nil), s.channel(w, object{"name": "Other"})
		v := w.visitor()
		v.says("Hello from the website", object{"contact": object{"email": "jane@customer.example"}})
		before := len(v.thread())
		got := c.brings(object{"email": "jane@customer.example", "body": "Hello"})
		ann := s.operator("Ann", "Lee", "operator")
		ann.says(got.number("conversation_id"), "Hello Jane")
		equal(s, "the reply", c.first(1)[0].body.text("body"), "Hello Jane")
		equal(s, "what the website shows", len(v.thread()), before)
		log := s.admin().must("GET", path("/api/v1/deliveries?channel_id=%d", other.id), nil).list("items")
		equal(s, "calls to the other channel", len(log), 0)
	})
}

func TestS050_TwoEndpoints(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		res, err := http.Post(s.url+c.door, "application/json", strings.NewReader("{}"))
		if err != nil {
			s.Fatal(err)
		}
		res.Body.Close()
		equal(s, "without the token", res.StatusCode, http.StatusUnauthorized)
		got := c.brings(object{"email": "jane@customer.example", "body": "in"})
		s.operator("Ann", "Lee", "operator").says(got.number("conversation_id"), "out")
		one := c.first(1)[0]
		equal(s, "the method", one.method, "POST")
		equal(s, "the path", one.path, "/letters")
		equal(s, "the content type", one.header.Get("Content-Type"), "application/json")
	})
}

func TestS051_TextSurvivesBothWays(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		texts := []string{strings.Repeat("a\U0001F600\u0645", 1334)[:4002], "line one\nline two\ttab", "\u0645\u0631\u062d\u0628\u0627 \u202eabc", "<b>&\"\\ 'quoted'", " blanks around "}
		conversation := 0
		for i, text := range texts {
			got := c.brings(object{"email": "jane@customer.example", "body": text})
			conversation = got.number("conversation_id")
			equal(s, fmt.Sprint("inbound text ", i), ann.message(conversation, 1).text("body"), text)
		}
		for _, text := range texts {
			ann.says(conversation, text)
		}
		for i, call := range c.first(len(texts)) {
			equal(s, fmt.Sprint("outbound text ", i), call.body.text("body"), texts[i])
		}
	})
}

// ogg is the head of an Ogg file with Opus in it.
var ogg = append([]byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x00\x00\x00\x00\x00\x00\x00\x00\x01\x13OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"), make([]byte, 400)...)

// m4a is the head of an MPEG-4 file with sound.
var m4a = append([]byte("\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00M4A mp42isom\x00\x00\x00\x00"), make([]byte, 400)...)

func TestS052_VoiceMessages(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		f := s.files(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".ogg") {
				w.Write(ogg)
				return
			}
			w.Write(m4a)
		})
		conversation := 0
		for _, name := range []string{"note.ogg", "note.m4a"} {
			conversation = c.brings(object{"email": "jane@customer.example", "url": f.url + "/" + name}).number("conversation_id")
			m := ann.media(conversation, "stored")
			if !strings.HasPrefix(m.text("content_type"), "audio/") || m.text("kind") != "audio" {
				s.Errorf("%s is %v", name, m)
			}
			status, header, _ := s.opens(m.text("url"))
			if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "audio/") || header.Get("Content-Disposition") != "" && strings.HasPrefix(header.Get("Content-Disposition"), "attachment") {
				s.Errorf("%s cannot be played: %d %v", name, status, header)
			}
		}
		up := ann.uploads("voice.ogg", ogg, "&voice=1&duration_ms=1500&peaks=1,50,100")
		equal(s, "the kind of a recording", up.text("kind"), "voice")
		ann.must("POST", path("/api/v1/conversations/%d/messages", conversation), object{"body": "", "media": up.text("key")})
		out := c.first(1)[0].body
		equal(s, "the type", out.text("type"), "media")
		status, header, b := s.opens(out.text("url"))
		if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "audio/") || !bytes.Equal(b, ogg) {
			s.Errorf("the recording comes out as %d %v, %d bytes", status, header, len(b))
		}
	})
}

func TestS053_MediaMessages(t *testing.T) {
	samples := func(t testing.TB) map[string][]byte {
		return map[string][]byte{
			"a.png": pngOf(t, 60, 40), "a.jpg": jpegOf(t, 60, 40),
			"a.gif":  []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"),
			"a.webp": []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"),
			"a.pdf":  []byte("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"),
			"a.mp4":  append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), make([]byte, 300)...),
		}
	}
	kinds := map[string]string{"a.png": "image", "a.jpg": "image", "a.gif": "image", "a.webp": "image", "a.pdf": "pdf", "a.mp4": "video"}
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		content := samples(s)
		f := s.files(func(w http.ResponseWriter, r *http.Request) { w.Write(content[strings.TrimPrefix(r.URL.Path, "/")]) })
		conversation := 0
		for i, name := range slices.Sorted(maps.Keys(content)) {
			conversation = c.brings(object{"email": "jane@customer.example", "url": f.url + "/" + name}).number("conversation_id")
			m := ann.media(conversation, "stored")
			equal(s, "the kind of "+name, m.text("kind"), kinds[name])
			up := ann.uploads(name, content[name], "")
			ann.must("POST", path("/api/v1/conversations/%d/messages", conversation), object{"body": "Here it is", "media": up.text("key")})
			out := c.first(i + 1)[i].body
			if status, _, b := s.opens(out.text("url")); status != http.StatusOK || !bytes.Equal(b, content[name]) {
				s.Errorf("%s comes out with %d and %d bytes", name, status, len(b))
			}
		}
	})
}

func TestS054_PreviewOfLinks(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		f := s.files(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/page":
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				fmt.Fprint(w, `<html><head><title>Plain title</title><meta property="og:title" content="A lamp &amp; more"><meta property="og:description" content="It shines."><meta property="og:image" content="/lamp.png"></head>`)
			case "/lamp.png":
				w.Write(pngOf(s, 300, 200))
			default:
				http.NotFound(w, r)
			}
		})
		says := func(text string) (int, object) {
			got := c.brings(object{"email": "jane@customer.example", "body": text})
			return got.number("conversation_id"), got
		}
		conversation, _ := says("Is it this one? " + f.url + "/page.")
		var card object
		// "." ends the sentence, not the address.
		s.eventually("the page has a card", func() bool {
			got, _ := ann.message(conversation, 1).at("link").(map[string]any)
			card = got
			return got != nil
		})
		equal(s, "the title", card.text("title"), "A lamp & more")
		equal(s, "the description", card.text("description"), "It shines.")
		if status, header, _ := s.opens(card.text("image_url")); status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "image/") || !strings.HasPrefix(card.text("image_url"), s.url) {
			s.Errorf("the picture: %d %v %s", status, header, card.text("image_url"))
		}
		says("Or " + f.url + "/lamp.png")
		s.eventually("the picture has a card", func() bool { return ann.message(conversation, 1).text("link", "image_url") != "" })
		says("Or " + f.url + "/gone")
		s.eventually("the page was asked for", func() bool { return slices.Contains(f.requests(), "GET /gone") })
		// A later card shows that the failed one is over.
		says("And " + f.url + "/page?again")
		s.eventually("the next page has a card", func() bool { return ann.message(conversation, 1).at("link") != nil })
		plain := ann.message(conversation, 2)
		if plain.at("link") != nil || plain.text("body") != "Or "+f.url+"/gone" {
			s.Errorf("a page that is gone shows as %v", plain)
		}
	})
}

func TestS055_ChannelsSideBySide(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(nil)
		one, two := s.channel(w, nil), s.channel(w, object{"name": "Two"})
		want := map[string]int{"website": w.written("Website").conversation}
		want[fmt.Sprint(one.id)] = one.brings(object{"email": "jane@customer.example", "body": "One"}).number("conversation_id")
		want[fmt.Sprint(two.id)] = two.brings(object{"email": "jane@customer.example", "body": "Two"}).number("conversation_id")
		for filter, conversation := range want {
			list := s.admin().must("GET", "/api/v1/conversations?channel="+filter, nil).list("items")
			if len(list) != 1 || object(list[0].(map[string]any)).number("id") != conversation {
				s.Errorf("the channel %s lists %v, want conversation %d alone", filter, list, conversation)
			}
		}
	})
}

func TestS056_S057_S065_TheWizardsFields(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(nil)
		admin := s.admin()
		valid := func(with object) object {
			in := object{"type": "custom", "name": "Letters", "widget_id": w.id, "settings": object{"outbound_url": "http://127.0.0.1:1/", "version": "1"}, "secrets": object{}}
			maps.Copy(in, with)
			return in
		}
		for _, bad := range []struct {
			what, field string
			in          object
		}{
			{"no name", "name", object{"name": " "}},
			{"a long name", "name", object{"name": strings.Repeat("n", 81)}},
			{"another scheme", "settings.outbound_url", object{"settings": object{"outbound_url": "ftp://letters.example/", "version": "1"}}},
			{"a private address", "settings.outbound_url", object{"settings": object{"outbound_url": "http://10.1.2.3/", "version": "1"}}},
			{"no address", "settings.outbound_url", object{"settings": object{"version": "1"}}},
			{"no widget", "widget_id", object{"widget_id": 4711}},
		} {
			want := http.StatusUnprocessableEntity
			if bad.what == "a private address" {
				want = http.StatusForbidden // the owner of the installation decides, not the form
			}
			p := admin.refused(want, "POST", "/api/v1/channels", valid(bad.in))
			found := p.text("field") == bad.field
			for _, e := range p.list("errors") {
				found = found || object(e.(map[string]any)).text("field") == bad.field
			}
			if !found {
				s.Errorf("%s: the problem names no field %s: %v", bad.what, bad.field, p)
			}
		}
		equal(s, "the channels made by refused forms", len(custom(admin)), 0)
		long := strings.Repeat("\u00e9", 80)
		made := admin.must("POST", "/api/v1/channels", valid(object{"name": long}))
		list := custom(admin)
		if len(list) != 1 || list[0].text("name") != long {
			s.Errorf("the list is %v", list)
		}
		// Live at once, with tokens that were made for it.
		c := &caller{s, http.Header{"Api-Security-Token": {made.text("secrets", "inbound_token")}}}
		c.must("POST", strings.TrimPrefix(made.text("channel", "inbound_url"), s.url), object{"email": "jane@customer.example", "body": "Hello"})
	})
}

// custom lists the channels that somebody made.
func custom(c *caller) (out []object) {
	c.Helper()
	for _, one := range c.must("GET", "/api/v1/channels", nil).list("items") {
		if o := object(one.(map[string]any)); o.text("type") == "custom" {
			out = append(out, o)
		}
	}
	return out
}

func TestS058_S078_TheOutboundToken(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		got := c.brings(object{"email": "jane@customer.example", "body": "Hello"})
		ann := s.operator("Ann", "Lee", "operator")
		ann.says(got.number("conversation_id"), "One")
		equal(s, "the token", c.first(1)[0].header.Get("API-SECURITY-TOKEN"), outboundToken)
		_, raw := s.admin().raw("GET", path("/api/v1/channels/%d", c.id), nil)
		if bytes.Contains(raw, []byte(outboundToken)) || bytes.Contains(raw, []byte(inboundToken)) {
			s.Errorf("a token is shown: %s", raw)
		}
		log := s.admin().must("GET", path("/api/v1/deliveries?channel_id=%d", c.id), nil).list("items")
		_, raw = s.admin().raw("GET", path("/api/v1/deliveries/%d", object(log[0].(map[string]any)).number("id")), nil)
		if bytes.Contains(raw, []byte(outboundToken)) {
			s.Errorf("the log shows the token: %s", raw)
		}
		s.admin().must("PATCH", path("/api/v1/channels/%d", c.id), object{"secrets": object{"outbound_token": "another-outbound-token"}})
		ann.says(got.number("conversation_id"), "Two")
		equal(s, "the token after its change", c.first(2)[1].header.Get("API-SECURITY-TOKEN"), "another-outbound-token")
	})
}

func TestS059_RotatingTheInboundToken(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		fresh := s.admin().must("POST", path("/api/v1/channels/%d/rotate", c.id), object{"secret": "inbound_token", "overlap_hours": 2}).text("value")
		says := func(token string) int {
			status, _ := (&caller{s, http.Header{"Api-Security-Token": {token}}}).send("POST", c.door, object{"email": "jane@customer.example", "body": "Hello"})
			return status
		}
		equal(s, "the new one", says(fresh), http.StatusOK)
		equal(s, "the old one within its time", says(inboundToken), http.StatusOK)
		s.pass(2*time.Hour + time.Minute)
		equal(s, "the old one after its time", says(inboundToken), http.StatusForbidden)
		equal(s, "the new one after that", says(fresh), http.StatusOK)
		last := s.admin().must("POST", path("/api/v1/channels/%d/rotate", c.id), object{"secret": "inbound_token", "overlap_hours": 0}).text("value")
		equal(s, "the one before, with no overlap", says(fresh), http.StatusForbidden)
		equal(s, "the last one", says(last), http.StatusOK)
	})
}

func TestS060_TheInboundURL(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(nil)
		one, two := s.channel(w, nil), s.channel(w, nil)
		if one.door == two.door || len(strings.TrimPrefix(one.door, "/channels/")) < 32 {
			s.Errorf("the doors are %q and %q", one.door, two.door)
		}
		equal(s, "the URL in the settings", s.admin().must("GET", path("/api/v1/channels/%d", one.id), nil).text("inbound_url"), s.url+one.door)
		one.sender().refused(http.StatusNotFound, "POST", one.door+"x", object{"email": "jane@customer.example", "body": "Hello"})
	})
}

func TestS061_TheDefaultWidgetDecidesTheOperator(t *testing.T) {
	each(t, func(s *server) {
		ann := s.operator("Ann", "Lee", "operator")
		bob := s.operator("Bob", "Ray", "operator")
		first, second := s.group("First", ann.id), s.group("Second", bob.id)
		ann.tab()
		bob.tab()
		one, two := s.shop(object{"group_id": first}), s.shop(object{"group_id": second})
		c := s.channel(one, nil)
		before := c.brings(object{"email": "jane@customer.example", "body": "Hello"}).number("conversation_id")
		equal(s, "the operator", s.admin().conversation(before).number("operator", "id"), ann.id)
		equal(s, "the group", s.admin().conversation(before).number("group", "id"), first)
		s.admin().must("PATCH", path("/api/v1/channels/%d", c.id), object{"widget_id": two.id})
		after := c.brings(object{"email": "joe@customer.example", "body": "Hello"}).number("conversation_id")
		equal(s, "the operator after the change", s.admin().conversation(after).number("operator", "id"), bob.id)
		equal(s, "the operator of the earlier one", s.admin().conversation(before).number("operator", "id"), ann.id)
	})
}

func TestS062_TheDefaultWidgetDecidesTheLanguage(t *testing.T) {
	each(t, func(s *server) {
		for lang, word := range map[string]string{"de": "Nachricht", "en": "message"} {
			c := s.channel(s.shop(object{"lang": lang}), object{"auto_reply": true})
			c.brings(object{"email": "jane@customer.example", "body": "Hello"})
			out := c.first(1)[0].body
			if !strings.Contains(out.text("body"), word) {
				s.Errorf("the automatic text in %s is %q", lang, out.text("body"))
			}
			c.brings(object{"email": "jane@customer.example", "body": "Hello again"})
			log := s.admin().must("GET", path("/api/v1/deliveries?channel_id=%d", c.id), nil).list("items")
			equal(s, "automatic texts for two messages", len(log), 1)
		}
	})
}

func TestS063_TheDefaultWidgetDecidesPrivacy(t *testing.T) {
	each(t, func(s *server) {
		e := s.addon("chat_session.start")
		s.channel(s.shop(object{"privacy_mode": true}), nil).brings(object{"email": "jane@customer.example", "body": "Hello"})
		equal(s, "data_privacy", e.told("chat_session_start")[0].body.at("data_privacy"), any(true))
	})
}

func TestS064_ContinueInAChannel(t *testing.T) {
	each(t, func(s *server) {
		w, elsewhere := s.shop(nil), s.shop(nil)
		c := s.channel(w, object{"widgets": []int{w.id}})
		offered := func(w *shop) []any {
			return w.visitor().must("GET", "/visitor/v1/widgets/"+w.key, nil).list("channels")
		}
		if list := offered(w); len(list) != 1 || object(list[0].(map[string]any)).text("name") != "Letters" {
			s.Errorf("the widget offers %v", list)
		}
		equal(s, "what a widget that is not listed offers", len(offered(elsewhere)), 0)
		v := w.visitor()
		v.says("Hello")
		moved := v.must("POST", path("/visitor/v1/conversations/%d/channel", v.conversation), object{"channel_id": c.id, "email": "jane@customer.example"})
		equal(s, "the mark in the browser", moved.at("conversation", "moved"), any(true))
		ann := s.operator("Ann", "Lee", "operator")
		equal(s, "the conversation's channel", ann.conversation(v.conversation).number("channel", "id"), c.id)
		c.first(1) // the notice
		ann.says(v.conversation, "Here we are")
		calls := c.first(2)
		equal(s, "the reply", calls[1].body.text("body"), "Here we are")
		equal(s, "whom it is for", calls[1].body.text("email"), "jane@customer.example")
		in := c.brings(object{"email": "jane@customer.example", "body": "Got it"})
		equal(s, "the same conversation", in.number("conversation_id"), v.conversation)
		for _, m := range v.thread() {
			if b := object(m.(map[string]any)).text("body"); b == "Got it" || b == "Here we are" {
				s.Errorf("the browser of somebody who typed an address sees %q", b)
			}
		}
		p := v.refused(http.StatusConflict, "POST", "/visitor/v1/widgets/"+w.key+"/messages", object{"client_id": "a-random-client-id-4711", "body": "Me again", "conversation_id": v.conversation})
		equal(s, "the code for the website's next message", p.text("code"), "conversation.moved")
		other := elsewhere.visitor()
		other.says("Hello")
		other.refused(http.StatusConflict, "POST", path("/visitor/v1/conversations/%d/channel", other.conversation), object{"channel_id": c.id, "email": "joe@customer.example"})
	})
}

func TestS066_S067_S068_TheInboundDoor(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		good := object{"email": "jane@customer.example", "body": "Hello"}
		got := c.brings(good)
		equal(s, "the message behind the answer's id", s.admin().message(got.number("conversation_id"), 1).number("id"), got.number("id"))
		before := len(s.happened("message.received", 1))
		for _, bad := range []struct {
			what   string
			header http.Header
			body   any
			status int
			field  string
		}{
			{"no token", http.Header{}, good, http.StatusUnauthorized, ""},
			{"a wrong token", http.Header{"Api-Security-Token": {"wrong"}}, good, http.StatusForbidden, ""},
			{"no JSON", c.given, `{"email":`, http.StatusBadRequest, ""},
			{"another JSON", c.given, `[1]`, http.StatusUnprocessableEntity, ""},
			{"no address", c.given, object{"body": "Hello"}, http.StatusUnprocessableEntity, "email"},
			{"no e-mail address", c.given, object{"email": "jane", "body": "Hello"}, http.StatusUnprocessableEntity, "email"},
			{"no text", c.given, object{"email": "jane@customer.example", "body": "  "}, http.StatusUnprocessableEntity, "body"},
			{"a file of another scheme", c.given, object{"email": "jane@customer.example", "url": "file:///etc/passwd"}, http.StatusUnprocessableEntity, "url"},
			{"too much", c.given, object{"email": "jane@customer.example", "body": strings.Repeat("a", 300<<10)}, http.StatusRequestEntityTooLarge, ""},
		} {
			status, p := (&caller{s, bad.header}).send("POST", c.door, bad.body)
			if status != bad.status && !(bad.what == "another JSON" && status == http.StatusBadRequest) {
				s.Errorf("%s: %d %v, want %d", bad.what, status, p, bad.status)
			}
			if bad.field != "" && p.text("field") != bad.field {
				s.Errorf("%s: the problem names %q: %v", bad.what, p.text("field"), p)
			}
		}
		equal(s, "messages after the refused ones", len(s.happened("message.received", 1)), before)
		var statuses []int
		for _, one := range s.admin().must("GET", path("/api/v1/channels/%d/inbound", c.id), nil).list("items") {
			statuses = append(statuses, object(one.(map[string]any)).number("status"))
		}
		for _, want := range []int{200, 401, 403, 400, 422, 413} {
			if !slices.Contains(statuses, want) {
				s.Errorf("the log of what came in has no %d: %v", want, statuses)
			}
		}
		limited := false
		for range 500 {
			status, _ := (&caller{s, http.Header{"Api-Security-Token": {"wrong"}}}).send("POST", c.door, good)
			if limited = status == http.StatusTooManyRequests; limited {
				break
			}
		}
		if !limited {
			s.Error("nobody stops 500 wrong tokens")
		}
		s.pass(10 * time.Minute)
		c.brings(good) // the address is not kept out for long
	})
}

func TestS069_InboundIsIdempotent(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		in := object{"id": "letter-1", "email": "jane@customer.example", "body": "Hello"}
		first, again := c.brings(in), c.brings(in)
		equal(s, "the id", again.number("id"), first.number("id"))
		equal(s, "the first is a duplicate", first.at("duplicate"), any(false))
		equal(s, "the second is a duplicate", again.at("duplicate"), any(true))
		equal(s, "the number of messages", s.admin().conversation(first.number("conversation_id")).number("message_count"), 1)
		other := s.channel(s.shop(nil), nil).brings(in)
		if other.at("duplicate") != false {
			s.Error("another channel's message with the same id is taken for the same one")
		}
	})
}

func TestS070_AChannelThatDoesNotMerge(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(nil)
		v := w.visitor()
		v.says("Hello", object{"contact": object{"email": "jane@customer.example"}})
		website := s.admin().conversation(v.conversation).number("contact", "id")
		c := s.channel(w, object{"merge": false})
		got := c.brings(object{"email": "jane@customer.example", "body": "Hello"})
		if got.number("contact_id") == website {
			s.Error("the channel merges")
		}
		equal(s, "the same contact next time", c.brings(object{"email": "JANE@customer.example", "body": "Hello"}).number("contact_id"), got.number("contact_id"))
		// Where a channel merges, that can be undone.
		m := s.channel(w, nil)
		merged := m.brings(object{"email": "jane@customer.example", "body": "Hello"})
		list := s.admin().must("GET", path("/api/v1/contacts/%d/addresses", merged.number("contact_id")), nil).list("items")
		if len(list) == 0 {
			s.Fatal("the contact has no addresses")
		}
		at := slices.IndexFunc(list, func(one any) bool { return object(one.(map[string]any)).number("channel", "id") == m.id })
		address := object(list[at].(map[string]any))
		equal(s, "the record of the merge", address.at("merged"), any(true))
		apart := s.admin().must("POST", path("/api/v1/contacts/%d/addresses/%d/separate", merged.number("contact_id"), address.number("id")), nil)
		equal(s, "the contact of the channel's conversation", s.admin().conversation(merged.number("conversation_id")).number("contact", "id"), apart.number("contact", "id"))
		equal(s, "the contact of the next message", m.brings(object{"email": "jane@customer.example", "body": "Again"}).number("contact_id"), apart.number("contact", "id"))
		equal(s, "the contact of the website's conversation", s.admin().conversation(v.conversation).number("contact", "id"), website)
	})
}

func TestS071_S072_S073_S074_InboundMedia(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		photo := jpegOf(s, 1200, 800)
		var gone bool
		f := s.files(func(w http.ResponseWriter, r *http.Request) {
			if gone {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/html") // a lie
			w.Write(photo)
		})
		ann := s.operator("Ann", "Lee", "operator")
		got := c.brings(object{"email": "jane@customer.example", "body": "My lamp", "url": f.url + "/photos/lamp.jpg?size=big"})
		conversation := got.number("conversation_id")
		m := ann.media(conversation, "stored")
		one := ann.message(conversation, 1)
		equal(s, "the type", one.text("type"), "media")
		equal(s, "the words", one.text("body"), "My lamp")
		equal(s, "the kind", m.text("kind"), "image")
		equal(s, "the name", m.text("name"), "lamp.jpg")
		equal(s, "the width", m.number("width"), 1200)
		if got := f.requests(); !reflect.DeepEqual(got, []string{"GET /photos/lamp.jpg?size=big"}) {
			s.Errorf("the other server saw %q", got)
		}
		gone = true
		s.pass(8 * 24 * time.Hour) // a week later
		m = ann.media(conversation, "stored")
		if status, _, b := s.opens(m.text("url")); status != http.StatusOK || !bytes.Equal(b, photo) {
			s.Errorf("the copy: %d, %d bytes", status, len(b))
		}
		status, header, b := s.opens(m.text("thumb_url"))
		small, _, err := image.Decode(bytes.NewReader(b))
		if status != http.StatusOK || err != nil || small.Bounds().Dx() > 640 || !strings.HasPrefix(header.Get("Content-Type"), "image/") {
			s.Errorf("the small picture: %d %v %v", status, header, err)
		}
	})
}

func TestS072_WhatIsNotFetched(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		hops := 0
		f := s.files(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/private":
				http.Redirect(w, r, "http://10.0.0.1/secret", http.StatusFound)
			case "/metadata":
				http.Redirect(w, r, "http://169.254.169.254/latest/", http.StatusFound)
			case "/scheme":
				http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
			case "/loop":
				hops++
				http.Redirect(w, r, "/loop", http.StatusFound)
			case "/liar":
				w.Header().Set("Content-Length", "10")
				conn, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
					conn.Close()
				}
			case "/huge":
				w.Header().Set("Content-Length", "9000000000")
				w.WriteHeader(http.StatusOK)
			case "/endless":
				for {
					if _, err := w.Write(make([]byte, 1<<20)); err != nil {
						return
					}
				}
			}
		})
		for _, at := range []string{"/private", "/metadata", "/scheme", "/loop", "/liar", "/huge", "/endless"} {
			got := c.brings(object{"email": "jane@customer.example", "body": "See " + at, "url": f.url + at})
			m := ann.media(got.number("conversation_id"), "failed")
			if m.text("error") == "" || m.at("url") != nil {
				s.Errorf("%s: %v", at, m)
			}
			equal(s, "the words with "+at, ann.message(got.number("conversation_id"), 1).text("body"), "See "+at)
		}
		if hops > 4 {
			s.Errorf("a loop of redirects was followed %d times", hops)
		}
	})
}

func TestS075_UnknownTypesAndWhatMustNotRun(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		content := map[string][]byte{
			"drawing.svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
			"page.html":   []byte(`<!doctype html><script>alert(1)</script>`),
			"photo.png":   []byte(`<html><script>alert(1)</script></html>`),
			"data.xyz":    {1, 2, 3, 4, 5, 6, 7, 8},
		}
		f := s.files(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			w.Write(content[strings.TrimPrefix(r.URL.Path, "/")])
		})
		for _, name := range slices.Sorted(maps.Keys(content)) {
			m := ann.media(c.brings(object{"email": "jane@customer.example", "url": f.url + "/" + name}).number("conversation_id"), "stored")
			equal(s, "the kind of "+name, m.text("kind"), "file")
			equal(s, "the size of "+name, m.number("size"), len(content[name]))
			_, header, _ := s.opens(m.text("url"))
			if !strings.HasPrefix(header.Get("Content-Disposition"), "attachment") || header.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(header.Get("Content-Security-Policy"), "sandbox") || header.Get("Content-Type") != "application/octet-stream" {
				s.Errorf("%s is served with %v", name, header)
			}
		}
	})
}

func TestS076_AFailedFetchCanBeTriedAgain(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		var mu sync.Mutex
		there := false
		f := s.files(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if !there {
				http.NotFound(w, r)
				return
			}
			w.Write(pngOf(s, 20, 20))
		})
		got := c.brings(object{"email": "jane@customer.example", "url": f.url + "/late.png"})
		conversation := got.number("conversation_id")
		m := ann.media(conversation, "failed")
		if !strings.Contains(m.text("error"), "404") {
			s.Errorf("the reason is %q", m.text("error"))
		}
		mu.Lock()
		there = true
		mu.Unlock()
		ann.must("POST", path("/api/v1/conversations/%d/messages/%d/refetch", conversation, got.number("id")), nil)
		equal(s, "the kind", ann.media(conversation, "stored").text("kind"), "image")
	})
}

func TestS077_S080_OneCallForEachMessage(t *testing.T) {
	keys := []string{"body", "conversation", "conversation_id", "display_name", "event", "id", "marked_read_contact", "marked_read_operator", "msgid", "name",
		"operator_display_name", "operator_id", "operator_name", "part_id", "reference", "sender", "sent_at", "sent_at_time", "state", "type", "url",
		"channel", "contact", "email"}
	slices.Sort(keys)
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		got := c.brings(object{"email": "Jane@customer.example", "name": "Jane", "body": "Hello"})
		conversation := got.number("conversation_id")
		ann.says(conversation, "One")
		ann.notes(conversation, "A note")
		ann.says(conversation, "Two")
		c.brings(object{"email": "jane@customer.example", "body": "More"})
		ann.says(conversation, "Three")
		calls := c.first(3)
		for i, want := range []string{"One", "Two", "Three"} {
			b := calls[i].body
			equal(s, "the text", b.text("body"), want)
			if got := slices.Sorted(maps.Keys(b)); !slices.Equal(got, keys) {
				s.Errorf("the keys are %q, want %q", got, keys)
			}
			equal(s, "the address", b.text("email"), "jane@customer.example")
			equal(s, "the contact's name", b.text("contact", "name"), "Jane")
			equal(s, "the contact's id", b.number("contact", "id"), got.number("contact_id"))
			equal(s, "the channel's id", b.number("channel", "id"), c.id)
			equal(s, "the conversation", b.number("conversation_id"), conversation)
			equal(s, "the conversation's object", b.number("conversation", "id"), conversation)
			equal(s, "the sender", b.text("sender", "type"), "operator")
			equal(s, "the operator", b.number("operator_id"), ann.id)
		}
		equal(s, "all calls", len(s.admin().must("GET", path("/api/v1/deliveries?channel_id=%d", c.id), nil).list("items")), 3)
	})
}

func TestS079_OutboundMedia(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		got := c.brings(object{"email": "jane@customer.example", "body": "Hello"})
		photo := jpegOf(s, 80, 60)
		up := ann.uploads("../lamp\u202egpj.html", photo, "")
		if strings.ContainsAny(up.text("name"), "/\\\u202e") || strings.HasSuffix(up.text("name"), ".html") {
			s.Errorf("the file is called %q", up.text("name"))
		}
		ann.must("POST", path("/api/v1/conversations/%d/messages", got.number("conversation_id")), object{"body": "The lamp", "media": up.text("key")})
		out := c.first(1)[0].body
		equal(s, "the type", out.text("type"), "media")
		equal(s, "the words", out.text("body"), "The lamp")
		status, header, b := s.opens(out.text("url"))
		if status != http.StatusOK || header.Get("Content-Type") != "image/jpeg" || !bytes.Equal(b, photo) {
			s.Errorf("the file: %d %v", status, header)
		}
		tampered := strings.Replace(out.text("url"), "e=", "e=9", 1)
		if status, _, _ := s.opens(tampered); status != http.StatusNotFound {
			s.Errorf("a changed address answers %d", status)
		}
		s.pass(9 * 24 * time.Hour)
		if status, _, _ := s.opens(out.text("url")); status != http.StatusGone {
			s.Errorf("after nine days the address answers %d", status)
		}
		// Nobody sends a file twice, or another's.
		p := ann.refused(http.StatusNotFound, "POST", path("/api/v1/conversations/%d/messages", got.number("conversation_id")), object{"body": "", "media": up.text("key")})
		equal(s, "the code for a file that was sent", p.text("code"), "media.not_found")
	})
}

func TestS081_OutboundFailureIsShown(t *testing.T) {
	each(t, func(s *server) {
		c := s.channel(s.shop(nil), nil)
		ann := s.operator("Ann", "Lee", "operator")
		got := c.brings(object{"email": "jane@customer.example", "body": "Hello"})
		conversation := got.number("conversation_id")
		c.answers(func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusInternalServerError) })
		ann.says(conversation, "Can you read this?")
		s.eventually("the thread shows that it is tried again", func() bool {
			m := ann.message(conversation, 1)
			return m.text("state") == "pending" && strings.Contains(m.text("state_reason"), "500")
		})
		c.answers(nil)
		s.pass(10 * time.Minute)
		s.eventually("the message is sent", func() bool { return ann.message(conversation, 1).text("state") == "sent" })
		ids := map[string]bool{}
		for _, call := range c.first(2) {
			ids[call.header.Get("Webhook-Id")+" "+call.body.text("id")] = true
		}
		equal(s, "different messages at the receiver", len(ids), 1)
		// Given up after three days, then tried again by the operator.
		c.answers(func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusInternalServerError) })
		sent := ann.message(conversation, 1).number("id")
		id := ann.says(conversation, "And this?").number("message", "id")
		state := func() string { return ann.messageOf(conversation, id).text("state") }
		for state() != "failed" {
			n := len(c.first(0))
			s.pass(7 * time.Hour)
			ann.notes(conversation, "Still waiting") // what is written anywhere lets the server look at its clock
			s.eventually("the message is tried again", func() bool { return len(c.first(0)) > n || state() == "failed" })
		}
		if m := ann.messageOf(conversation, id); m.text("state_reason") == "" || m.text("state_code") == "" {
			s.Errorf("a failed message gives no reason: %v", m)
		}
		p := ann.refused(http.StatusConflict, "POST", path("/api/v1/conversations/%d/messages/%d/retry", conversation, sent), nil)
		equal(s, "the code for a message that was sent", p.text("code"), "message.not_failed")
		c.answers(nil)
		ann.must("POST", path("/api/v1/conversations/%d/messages/%d/retry", conversation, id), nil)
		s.pass(time.Hour) // a probe may have to wait
		ann.notes(conversation, "Now then")
		s.eventually("the message is sent at last", func() bool { return state() == "sent" })
		last := ""
		for _, d := range s.admin().must("GET", path("/api/v1/deliveries?channel_id=%d", c.id), nil).list("items") {
			last += object(d.(map[string]any)).text("state") + " "
		}
		equal(s, "the deliveries", last, "delivered delivered ")
	})
}

// console is a program of examples/ that runs, with what it printed.
type console struct {
	*server
	in    io.WriteCloser
	lines chan string
}

func (s *server) runs(dir string, name string, args ...string) *console {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		s.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	c := &console{s, in, make(chan string, 100)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.lines <- lines.Text()
		}
	}()
	s.Cleanup(func() {
		in.Close()
		<-read
		cmd.Wait()
	})
	return c
}

func (c *console) prints() string {
	c.Helper()
	select {
	case line := <-c.lines:
		return line
	case <-time.After(patience):
		c.Fatal("the program prints nothing")
		return ""
	}
}

func (c *console) types(line string) {
	c.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.Fatal(err)
	}
}

func TestS082_TheExamples(t *testing.T) {
	examples, err := filepath.Abs(filepath.Join("..", "..", "examples", "custom-channel"))
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "channel")
	if out, err := exec.Command("go", "build", "-o", binary, filepath.Join(examples, "go")).CombinedOutput(); err != nil {
		t.Fatalf("build the Go example: %v\n%s", err, out)
	}
	each(t, func(s *server) {
		if _, err := exec.LookPath("python3"); err != nil && os.Getenv("CI") != "true" {
			s.Skip("there is no python3; CI has it")
		}
		ann := s.operator("Ann", "Lee", "operator")
		for name, command := range map[string][]string{"Python": {"python3", filepath.Join(examples, "python", "channel.py")}, "Go": {binary}} {
			c := s.channel(s.shop(nil), object{"name": name})
			email := strings.ToLower(name) + "@customer.example"
			p := s.runs(s.TempDir(), command[0], append(command[1:], "--listen", "127.0.0.1:0", "--inbound-url", s.url+c.door, "--inbound-token", inboundToken,
				"--outbound-token", outboundToken, "--email", email, "--name", "Jane")...)
			at, ok := strings.CutPrefix(p.prints(), "outbound URL: ")
			if !ok {
				s.Fatalf("%s: it does not say where it listens", name)
			}
			s.admin().must("PATCH", path("/api/v1/channels/%d", c.id), object{"settings": object{"outbound_url": at, "version": "2"}})
			p.types("hi")
			var conversation int
			s.eventually("the message of the "+name+" example is there", func() bool {
				list := s.admin().must("GET", path("/api/v1/conversations?channel=%d", c.id), nil).list("items")
				if len(list) == 1 {
					conversation = object(list[0].(map[string]any)).number("id")
				}
				return conversation != 0
			})
			equal(s, "the text", ann.message(conversation, 1).text("body"), "hi")
			said := ann.says(conversation, "Hello Jane")
			equal(s, "what the "+name+" example prints", p.prints(), "Ann Lee: Hello Jane")
			up := ann.uploads("lamp.png", pngOf(s, 10, 10), "")
			ann.must("POST", path("/api/v1/conversations/%d/messages", conversation), object{"body": "", "media": up.text("key")})
			if line := p.prints(); !strings.HasPrefix(line, "Ann Lee sent a file: "+s.url+"/media/") {
				s.Errorf("the %s example prints %q", name, line)
			}
			ann.must("DELETE", path("/api/v1/conversations/%d/messages/%d", conversation, said.number("message", "id")), nil)
			if line := p.prints(); !strings.HasSuffix(line, "back") {
				s.Errorf("the %s example prints %q", name, line)
			}
			f := s.files(func(w http.ResponseWriter, _ *http.Request) { w.Write(pngOf(s, 20, 20)) })
			p.types("/file " + f.url + "/lamp.png")
			s.eventually("the file of the "+name+" example is there", func() bool { return ann.message(conversation, 1).text("media", "state") == "stored" })
			p.types("/quit")
		}
	})
}
