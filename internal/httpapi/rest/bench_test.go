package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/internal/audit"
	channels "parley/internal/channel"
	kinds "parley/internal/channel/all"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/feed"
	"parley/internal/golden"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/mail"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/onsite"
	"parley/internal/outhttp"
	"parley/internal/reply"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/all"
	"parley/internal/webhook/dialect/standard"
	"parley/internal/widget"
)

func TestMain(m *testing.M) { golden.Main(m) }

const publicURL = "https://chat.example"

// bench is a real server over a real database, with an admin, an operator, a widget and tokens of each scope.
type bench struct {
	*testing.T
	Options
	db       *db.DB
	server   *httptest.Server
	contract *contract
	stop     func()
	// sessions and operators by role, tokens by scope.
	sessions  map[string]string
	operators map[string]*event.Operator
	tokens    map[string]string
	widget    *event.Widget
	group     *event.Group
}

func optionsOver(t testing.TB, d *db.DB) Options {
	t.Helper()
	f := feed.New(d)
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Team:     team.New(team.Options{DB: d, Feed: f, PasswordMemoryKiB: 64}),
		Contacts: contact.New(d, f),
		Widgets:  widget.New(widget.Options{DB: d, Feed: f, Sealer: sealer}),
		Feed:     f,
		EventJSON: func(e *event.Event) (json.RawMessage, error) {
			b, err := standard.Marshal(e, dialect.Options{PublicURL: publicURL, MediaURL: eventtest.MediaURL(publicURL)})
			return b, err
		},
		PublicURL: publicURL, Version: "1.2.3", Links: media.NewLinks(publicURL, []byte("a key")),
	}
	files, err := media.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	door := outhttp.New(outhttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	o.Media = media.New(media.Options{DB: d, Store: files, Links: o.Links, Dir: t.TempDir(), HTTP: door,
		Changed: func(ctx context.Context, tx *db.Tx, c id.Conversation, m id.Message, what string, card id.LinkCard) error {
			return o.Inbox.MediaChanged(ctx, tx, c, m, what, card)
		}})
	o.Inbox = inbox.New(inbox.Options{DB: d, Feed: f, Contacts: o.Contacts, Widgets: o.Widgets, Media: o.Media,
		TakesRequested: func(tx *db.Tx, c *event.Conversation) (bool, error) { return o.Webhooks.TakesRequested(tx, c) },
		Hooked: func(tx *db.Tx, c *event.Conversation, hook string) (bool, error) {
			return o.Webhooks.HasHook(tx, c, hook)
		}})
	o.Webhooks = webhook.New(webhook.Options{
		DB: d, Feed: f, Sealer: sealer, Dialects: all.Dialects(), UserAgent: "Parley/test", PublicURL: publicURL,
		HTTP: door,
	})
	f.Plan(o.Webhooks.Plan)
	o.Channels = channels.New(channels.Options{
		DB: d, Feed: f, Sealer: sealer, Kinds: kinds.Kinds(), Inbox: o.Inbox, Contacts: o.Contacts, UserAgent: "Parley/test", PublicURL: publicURL,
		HTTP: door,
	})
	f.Plan(o.Channels.Plan)
	o.Audit = audit.New(d)
	o.Onsite = onsite.New(onsite.Options{DB: d, Key: make([]byte, 32)})
	o.Mails = mail.New(mail.Options{
		DB: d, Feed: f, Sealer: sealer, Inbox: o.Inbox, Key: make([]byte, 32), UserAgent: "Parley/test", PublicURL: publicURL,
		HTTP: door,
	})
	f.Plan(o.Mails.Plan)
	o.Replies = reply.New(reply.Options{DB: d, Inbox: o.Inbox})
	return o
}

func newEdge(t testing.TB, desk *team.Desk) *httpapi.Edge {
	t.Helper()
	public, err := url.Parse(publicURL)
	if err != nil {
		t.Fatal(err)
	}
	// All operations one after the other are more than the limit by address has for one caller.
	edge, err := httpapi.New(httpapi.Options{Team: desk, PublicURL: public, RateBurst: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	return edge
}

func newBench(t *testing.T) *bench {
	t.Helper()
	d := dbtest.New(t)
	b := &bench{T: t, db: d, Options: optionsOver(t, d), sessions: map[string]string{}, operators: map[string]*event.Operator{}, tokens: map[string]string{}}
	stopping := make(chan struct{})
	b.stop = sync.OnceFunc(func() { close(stopping) })
	b.Stopping = stopping
	edge := newEdge(t, b.Team)
	mux := http.NewServeMux()
	RegisterInbound(mux, b.Channels)
	Register(edge, mux, b.Options)
	b.server = httptest.NewServer(edge.Handler(mux))
	t.Cleanup(func() { b.stop(); b.server.Close() })
	b.contract = theContract(t)

	for _, o := range []team.NewOperator{
		{Email: "ann@shop.example", FirstName: "Ann", LastName: "Lee", Role: team.RoleAdmin, Password: secret.Of("correct horse battery")},
		{Email: "bob@shop.example", FirstName: "Bob", Alias: "Bobby", Role: team.RoleOperator, Password: secret.Of("correct horse battery")},
	} {
		made, err := b.Team.Create(t.Context(), team.System(), o, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		b.operators[o.Role] = made.Operator
		if b.sessions[o.Role], _, err = b.Team.SignIn(t.Context(), o.Email, o.Password, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, scope := range []string{team.ScopeRead, team.ScopeWrite, team.ScopeAdmin} {
		_, s, err := b.Team.CreateToken(t.Context(), team.System(), scope+" token", scope, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		b.tokens[scope] = s.Reveal()
	}
	var err error
	if b.group, err = b.Team.CreateGroup(t.Context(), team.System(), "Support", []id.Operator{1, 2}, once.Key{}); err != nil {
		t.Fatal(err)
	}
	name := "Demo shop"
	if b.widget, err = b.Widgets.Create(t.Context(), team.System(), once.Key{}, widget.Change{Name: &name, GroupID: &b.group.ID}); err != nil {
		t.Fatal(err)
	}
	return b
}

// visitor lets a contact write; conversation 0 opens a new one, or goes on with the open one of contact.
func (b *bench) visitor(p inbox.ContactPost) *inbox.ContactPosted {
	b.Helper()
	if p.ClientID == "" {
		p.ClientID = secret.UUID()
	}
	p.WidgetKey = b.widget.Key
	posted, err := b.Inbox.PostFromContact(b.Context(), p)
	if err != nil {
		b.Fatalf("a contact's message: %v", err)
	}
	return posted
}

// conversation opens a conversation with one message and returns its path.
func (b *bench) conversation() (path string, posted *inbox.ContactPosted) {
	b.Helper()
	posted = b.visitor(inbox.ContactPost{Body: "Hello!", Visit: inbox.Visit{URL: "https://shop.example/cart", Title: "Cart", IP: "203.0.113.7"}})
	return "/conversations/" + strconv.FormatInt(int64(posted.Conversation.ID), 10), posted
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   []byte
	t      *testing.T
}

// json reads the value at a dotted path of the body ("items.0.id"); a missing key fails the test.
func (a answer) json(path string) any {
	a.t.Helper()
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		a.t.Fatalf("not JSON: %s", a.body)
	}
	if path == "" {
		return v
	}
	for p := range strings.SplitSeq(path, ".") {
		switch c := v.(type) {
		case map[string]any:
			next, ok := c[p]
			if !ok {
				a.t.Fatalf("no key %s of %s in %s", p, path, a.body)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i >= len(c) {
				a.t.Fatalf("no item %s of %s in %s", p, path, a.body)
			}
			v = c[i]
		default:
			a.t.Fatalf("nothing at %s of %s in %s", p, path, a.body)
		}
	}
	return v
}

// text is json as it is printed.
func (a answer) text(path string) string {
	a.t.Helper()
	v := a.json(path)
	if l, ok := v.([]any); ok {
		return strconv.Itoa(len(l)) + " items"
	}
	return fmt.Sprint(v)
}

// is checks the status, and for a problem its code and field.
func (a answer) is(status int, codeAndField ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if len(codeAndField) > 0 {
		if got := a.text("code"); got != codeAndField[0] {
			a.t.Fatalf("code %s, want %s: %s", got, codeAndField[0], a.body)
		}
	}
	if len(codeAndField) > 1 {
		if got := a.text("field"); got != codeAndField[1] {
			a.t.Fatalf("field %s, want %s: %s", got, codeAndField[1], a.body)
		}
	}
	return a
}

// has checks values: path, wanted text, path, wanted text …
func (a answer) has(pairs ...string) answer {
	a.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := a.text(pairs[i]); got != pairs[i+1] {
			a.t.Errorf("%s is %q, want %q", pairs[i], got, pairs[i+1])
		}
	}
	return a
}

// do sends a request as somebody and checks the answer against the committed document. As is a token's scope ("read"),
// "session:admin", "session:operator" or "" for nobody. Body is sent as it is when it is a string, else as JSON.
func (b *bench) do(as, method, path string, body any, headers ...string) answer {
	b.Helper()
	var reader io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(v)
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+Prefix+path, reader)
	if err != nil {
		b.Fatal(err)
	}
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if role, ok := strings.CutPrefix(as, "session:"); ok {
		r.AddCookie(&http.Cookie{Name: httpapi.SessionCookie, Value: b.sessions[role]})
	} else if as != "" {
		r.Header.Set("Authorization", "Bearer "+b.tokens[as])
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.server.Client().Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header, t: b.T}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		b.Fatal(err)
	}
	if err := b.contract.check(method, strings.SplitN(path, "?", 2)[0], a); err != nil {
		b.Errorf("%s %s breaks the contract: %v\n%s", method, path, err, a.body)
	}
	return a
}

// contract is the document made ready to check answers.
type contract struct {
	compiler *jsonschema.Compiler
	document map[string]any
	routes   []route
	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
	// met are the operations that gave a successful answer.
	met map[string]bool
}

type route struct {
	path string
	form *regexp.Regexp
}

// theContract reads the document that the code makes once for all tests.
var theContract = func() func(t testing.TB) *contract {
	var mu sync.Mutex
	var c *contract
	return func(t testing.TB) *contract {
		mu.Lock()
		defer mu.Unlock()
		if c == nil {
			c = newContract(t, generate(t))
		}
		return c
	}
}()

// generate makes the document as the server does.
func generate(t testing.TB) []byte {
	t.Helper()
	o := optionsOver(t, dbtest.New(t))
	doc, _ := register(newEdge(t, o.Team), http.NewServeMux(), o)
	return marshalDocument(doc)
}

func newContract(t testing.TB, document []byte) *contract {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{compiler: jsonschema.NewCompiler(), document: v.(map[string]any), compiled: map[string]*jsonschema.Schema{}, met: map[string]bool{}}
	// Callers must expect new keys; our own tests must not.
	for _, s := range c.at("components", "schemas") {
		s := s.(map[string]any)
		if _, said := s["additionalProperties"]; !said && s["properties"] != nil {
			s["additionalProperties"] = false
		}
	}
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("https://chat.example/openapi.json", v); err != nil {
		t.Fatal(err)
	}
	// A path without parameters is meant before one with them, as the mux has it.
	for _, path := range slices.SortedFunc(maps.Keys(c.at("paths")), func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") }) {
		form := regexp.MustCompile(`\\\{[a-z_]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`)
		c.routes = append(c.routes, route{path, regexp.MustCompile("^" + form + "$")})
	}
	return c
}

func (c *contract) at(keys ...string) map[string]any {
	m := c.document
	for _, k := range keys {
		m, _ = m[k].(map[string]any)
	}
	return m
}

func (c *contract) check(method, path string, a answer) error {
	i := slices.IndexFunc(c.routes, func(r route) bool { return r.form.MatchString(path) })
	if i < 0 {
		return nil // no route of the document: the edge's own answer
	}
	op := c.at("paths", c.routes[i].path, strings.ToLower(method))
	if op == nil {
		return nil
	}
	responses := op["responses"].(map[string]any)
	response, ok := responses[strconv.Itoa(a.status)].(map[string]any)
	if !ok {
		return fmt.Errorf("the document does not tell of status %d", a.status)
	}
	if a.status < 400 {
		c.mu.Lock()
		c.met[op["operationId"].(string)] = true
		c.mu.Unlock()
	}
	content, _ := response["content"].(map[string]any)
	if content == nil {
		if len(a.body) > 0 {
			return fmt.Errorf("status %d has a body that the document does not tell of", a.status)
		}
		return nil
	}
	kind := a.header.Get("Content-Type")
	isJSON := strings.HasSuffix(kind, "json")
	if !isJSON {
		kind, _, _ = strings.Cut(kind, ";") // of texts, it tells the encoding
	}
	if content[kind] == nil {
		return fmt.Errorf("the content type %s is not in the document", kind)
	}
	if !isJSON {
		return nil
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1").Replace
	where := "https://chat.example/openapi.json#/paths/" + url.PathEscape(escape(c.routes[i].path)) + "/" + strings.ToLower(method) + "/responses/" +
		strconv.Itoa(a.status) + "/content/" + url.PathEscape(escape(kind)) + "/schema"
	c.mu.Lock()
	defer c.mu.Unlock()
	schema := c.compiled[where]
	if schema == nil {
		var err error
		if schema, err = c.compiler.Compile(where); err != nil {
			return err
		}
		c.compiled[where] = schema
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return schema.Validate(body)
}
