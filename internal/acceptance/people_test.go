package acceptance

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"

	"parley/internal/secret"
)

const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// shop is a website with a widget.
type shop struct {
	*server
	id  int
	key string
}

// shop makes a widget; settings are those of the widget's editor.
func (s *server) shop(settings object) *shop {
	s.Helper()
	in := object{"name": "Shop"}
	for k, v := range settings {
		in[k] = v
	}
	w := s.admin().must("POST", "/api/v1/widgets", in)
	return &shop{s, w.number("id"), w.text("key")}
}

func (s *server) group(name string, members ...int) int {
	s.Helper()
	if members == nil {
		members = []int{}
	}
	return s.admin().must("POST", "/api/v1/groups", object{"name": name, "operator_ids": members}).number("id")
}

// operator is somebody at the Message Center, signed in.
type operator struct {
	*caller
	id    int
	email string
}

// operator adds one and signs them in.
func (s *server) operator(first, last, role string, groups ...int) *operator {
	s.Helper()
	if groups == nil {
		groups = []int{}
	}
	email := strings.ToLower(first) + "@shop.example"
	made := s.admin().must("POST", "/api/v1/operators", object{"email": email, "first_name": first, "last_name": last, "role": role, "group_ids": groups})
	_, token, _ := strings.Cut(made.text("invite_link"), "#")
	return &operator{s.signIn(token), made.number("operator", "id"), email}
}

// signIn is a browser that opened a one-time link.
func (s *server) signIn(link string) *caller {
	s.Helper()
	body, err := json.Marshal(object{"token": link})
	if err != nil {
		s.Fatal(err)
	}
	res, err := http.Post(s.url+"/api/v1/sign-in/link", "application/json", strings.NewReader(string(body)))
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || len(res.Cookies()) != 1 {
		s.Fatalf("sign in: %d", res.StatusCode)
	}
	c := res.Cookies()[0]
	return &caller{s, http.Header{"Cookie": {c.Name + "=" + c.Value}}}
}

// tab opens the Message Center in a browser tab and returns when the server knows it. The function closes it.
func (o *operator) tab() (leave func()) {
	o.Helper()
	line := dial(o.server, "/api/v1/socket", o.header, object{"type": "hello", "after": nil, "presence": true})
	return func() { line.Close(websocket.StatusNormalClosure, "") }
}

// dial opens a socket, says hello and waits to be welcome. It goes on reading, as a browser does, until the line ends.
func dial(s *server, at string, header http.Header, hello object) *websocket.Conn {
	s.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		s.Fatal(err)
	}
	u.Scheme, u.Path = "ws", at
	line, _, err := websocket.Dial(s.Context(), u.String(), &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"parley.v1"}})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { line.CloseNow() })
	write(s, line, hello)
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for {
		_, raw, err := line.Read(ctx)
		if err != nil {
			s.Fatalf("no welcome: %v", err)
		}
		var frame struct{ Type, Detail string }
		if err := json.Unmarshal(raw, &frame); err != nil {
			s.Fatal(err)
		}
		if frame.Type == "welcome" {
			break
		}
		if frame.Type == "error" {
			s.Fatalf("no welcome: %s", raw)
		}
	}
	go func() {
		for {
			if _, _, err := line.Read(context.Background()); err != nil {
				return
			}
		}
	}()
	return line
}

func write(s *server, line *websocket.Conn, frame object) {
	s.Helper()
	raw, err := json.Marshal(frame)
	if err != nil {
		s.Fatal(err)
	}
	if err := line.Write(s.Context(), websocket.MessageText, raw); err != nil {
		s.Fatal(err)
	}
}

// says posts a message, or a note, into a conversation and returns it.
func (c *caller) says(conversation int, body string) object {
	c.Helper()
	return c.must("POST", path("/api/v1/conversations/%d/messages", conversation), object{"body": body})
}

func (c *caller) notes(conversation int, body string) object {
	c.Helper()
	return c.must("POST", path("/api/v1/conversations/%d/messages", conversation), object{"body": body, "note": true})
}

func (c *caller) reads(conversation, number int) {
	c.Helper()
	c.must("POST", path("/api/v1/conversations/%d/read", conversation), object{"number": number})
}

func (c *caller) ends(conversation int) object {
	c.Helper()
	return c.must("POST", path("/api/v1/conversations/%d/end", conversation), nil)
}

func (c *caller) conversation(id int) object {
	c.Helper()
	return c.must("GET", path("/api/v1/conversations/%d", id), nil)
}

// visitor is a browser on the shop's website.
type visitor struct {
	*caller
	shop         *shop
	visit        object
	conversation int // of the last message
}

func (w *shop) visitor() *visitor {
	return &visitor{caller: &caller{w.server, http.Header{"User-Agent": {chrome}}}, shop: w,
		visit: object{"url": "https://shop.example/cart", "title": "Cart", "initial_url": "https://shop.example/", "referrer": "https://search.example/?q=shoes",
			"page_impressions": 4, "visits": 2}}
}

// says sends a message; further keys go into the post as they are.
func (v *visitor) says(body string, with ...object) object {
	v.Helper()
	in := object{"client_id": secret.UUID(), "body": body, "visit": v.visit}
	if v.conversation != 0 {
		in["conversation_id"] = v.conversation
	}
	for _, w := range with {
		for k, value := range w {
			in[k] = value
		}
	}
	out := v.must("POST", "/visitor/v1/widgets/"+v.shop.key+"/messages", in)
	if token := out.text("token"); token != "" {
		v.header.Set("Authorization", "Bearer "+token)
	}
	v.conversation = out.number("conversation", "id")
	return out
}

func (v *visitor) ends() {
	v.Helper()
	v.must("POST", path("/visitor/v1/conversations/%d/end", v.conversation), nil)
}

func (v *visitor) rates(value int) object {
	v.Helper()
	return v.must("POST", path("/visitor/v1/conversations/%d/rating", v.conversation), object{"value": value})
}

func (v *visitor) gives(feedback string) object {
	v.Helper()
	return v.must("POST", path("/visitor/v1/conversations/%d/feedback", v.conversation), object{"text": feedback})
}

func (v *visitor) answers(option string) object {
	v.Helper()
	return v.must("POST", path("/visitor/v1/conversations/%d/survey", v.conversation), object{"option": option})
}

func (v *visitor) reaches(goal string) object {
	v.Helper()
	return v.must("POST", "/visitor/v1/goals", object{"key": goal})
}

// thread is what the contact sees.
func (v *visitor) thread() []any {
	v.Helper()
	return v.must("GET", path("/visitor/v1/conversations/%d/messages?limit=100", v.conversation), nil).list("items")
}
