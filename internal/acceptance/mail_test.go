package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	mailToken  = "s3cr3t-of-the-mails"
	inboundURL = "https://shop.example/help"
)

// post is a widget whose mails leave through the customer's own server.
type post struct {
	*receiver
	shop *shop
}

// custom ticks the box of the widget with a receiver of its own; settings are further ones of the widget's mails.
func (w *shop) custom(settings object) *post {
	w.Helper()
	r := w.receiver()
	in := object{"inbound_url": inboundURL, "custom_email_api": object{"enabled": true, "url": r.http.URL + "/email", "token": mailToken}}
	maps.Copy(in, settings)
	w.mails(in)
	return &post{r, w}
}

// mails saves settings of the widget's mails.
func (w *shop) mails(settings object) object {
	w.Helper()
	return w.admin().must("PATCH", path("/api/v1/widgets/%d/mail", w.id), settings)
}

// jane is a visitor who left an address and began a conversation.
func (w *shop) jane() *visitor {
	w.Helper()
	v := w.visitor()
	v.says("Hello", object{"contact": object{"email": "jane@customer.example"}})
	return v
}

// transcript asks for a transcript as an operator does. Two of a conversation are some seconds apart.
func (c *caller) transcript(conversation int, in object) object {
	c.Helper()
	c.pass(11 * time.Second)
	if in == nil {
		in = object{}
	}
	return c.must("POST", path("/api/v1/conversations/%d/transcript", conversation), in)
}

// asks wants to sign in by mail.
func (v *visitor) asks(email string) (status int, answer string) {
	v.Helper()
	status, raw := v.raw("POST", "/visitor/v1/widgets/"+v.shop.key+"/reauth", object{"email": email})
	return status, string(raw)
}

// signsIn uses a link or a code, and is signed in.
func (v *visitor) signsIn(in object) object {
	v.Helper()
	out := v.must("POST", "/visitor/v1/widgets/"+v.shop.key+"/sign-in", in)
	v.header.Set("Authorization", "Bearer "+out.text("token"))
	return out
}

// context is that of the n-th call.
func (p *post) context(n int) object {
	p.Helper()
	c, ok := p.first(n)[n-1].body.at("context").(map[string]any)
	if !ok {
		p.Fatalf("call %d has no context: %s", n, p.first(n)[n-1].raw)
	}
	return object(c)
}

// entries are the messages of a transcript's context.
func entries(context object) (out []object) {
	for _, m := range context.list("messages") {
		out = append(out, object(m.(map[string]any)))
	}
	return out
}

// entry is the one entry that fits.
func entry(s *server, context object, what string, fits func(m object) bool) object {
	s.Helper()
	var found []object
	for _, m := range entries(context) {
		if fits(m) {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		s.Fatalf("%d entries are %s, want one: %v", len(found), what, context.list("messages"))
	}
	return found[0]
}

// withText is the entry of a text.
func withText(s *server, context object, body string) object {
	s.Helper()
	return entry(s, context, "the text "+body, func(m object) bool { return m.text("body") == body && m.text("type") == "message" })
}

// deliveries are those of all mails, newest first.
func (s *server) deliveries() (out []object) {
	s.Helper()
	for _, d := range s.admin().must("GET", "/api/v1/mail/deliveries?limit=100", nil).list("items") {
		out = append(out, object(d.(map[string]any)))
	}
	return out
}

// queued are all mails, newest first.
func (s *server) queued(query string) (out []object) {
	s.Helper()
	for _, m := range s.admin().must("GET", "/api/v1/mails?"+query, nil).list("items") {
		out = append(out, object(m.(map[string]any)))
	}
	return out
}

// token is what a link of a mail carries behind its "#".
func token(s *server, link string) string {
	s.Helper()
	u, err := url.Parse(link)
	if err != nil {
		s.Fatal(err)
	}
	values, err := url.ParseQuery(u.Fragment)
	if err != nil || values.Get("parley") == "" {
		s.Fatalf("the link %q carries nothing", link)
	}
	return values.Get("parley")
}

func TestS001_AllMailsLeaveThroughTheCustomersServer(t *testing.T) {
	each(t, func(s *server) {
		k := s.sink()
		k.serves()
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		s.admin().transcript(v.conversation, nil)
		p.first(1)
		if status, _ := v.asks("jane@customer.example"); status != http.StatusAccepted {
			s.Errorf("asking to sign in answers %d", status)
		}
		calls := p.first(2)
		equal(s, "the first", calls[0].body.text("email_type"), "transcript")
		equal(s, "the second", calls[1].body.text("email_type"), "reauth")
		equal(s, "all mails", len(s.deliveries()), 2)
		equal(s, "calls", len(p.first(0)), 2)
		equal(s, "mails at our mail server", len(k.first(0)), 0)
		s.eventually("both are sent", func() bool { return len(s.queued("state=sent")) == 2 })
	})
}

func TestS002_OurMailPathIsUsedWithTheBoxOff(t *testing.T) {
	each(t, func(s *server) {
		k := s.sink()
		k.serves()
		p := s.shop(nil).custom(object{"from_name": "Lamps & more"})
		p.shop.mails(object{"custom_email_api": object{"enabled": false}})
		v := p.shop.jane()
		v.must("PATCH", "/visitor/v1/me", object{"name": "Jane"})
		s.admin().transcript(v.conversation, nil)
		k.first(1)
		v.asks("jane@customer.example")
		ids := map[string]bool{}
		for i, m := range k.first(2) {
			equal(s, "the envelope's receiver", m.to, "jane@customer.example")
			equal(s, "the envelope's sender", m.from, "chat@shop.example")
			from, err := m.header.AddressList("From")
			if err != nil || len(from) != 1 || from[0].Address != "chat@shop.example" || from[0].Name != "Lamps & more" {
				s.Errorf("mail %d is from %v %v", i, from, err)
			}
			if m.subject() == "" || m.text == "" || m.html == "" || m.header.Get("Message-Id") == "" || m.header.Get("Date") == "" {
				s.Errorf("mail %d lacks something: %v", i, m)
			}
			ids[m.header.Get("Message-Id")] = true
		}
		equal(s, "message ids", len(ids), 2)
		if !strings.Contains(k.first(2)[0].text, "Hello") || !strings.Contains(k.first(2)[0].html, "Hello") {
			s.Errorf("the transcript does not hold what was said: %q", k.first(2)[0].text)
		}
		equal(s, "all mails", len(s.deliveries()), 2)
		equal(s, "calls", len(p.first(0)), 0)
	})
}

// The page itself is in web/e2e/test/mail.test.mjs.
func TestS003_TheBoxIsOfTheWidget(t *testing.T) {
	each(t, func(s *server) {
		w, other := s.shop(nil), s.shop(object{"name": "Other"})
		w.mails(object{"custom_email_api": object{"enabled": true, "url": "https://shop.example/email", "token": mailToken}})
		saved := s.admin().must("GET", path("/api/v1/widgets/%d/mail", w.id), nil)
		equal(s, "the box", saved.at("custom_email_api", "enabled"), any(true))
		equal(s, "the URL", saved.text("custom_email_api", "url"), "https://shop.example/email")
		equal(s, "the token is there", saved.at("custom_email_api", "has_token"), any(true))
		untouched := s.admin().must("GET", path("/api/v1/widgets/%d/mail", other.id), nil)
		equal(s, "the other widget's box", untouched.at("custom_email_api", "enabled"), any(false))
		equal(s, "the other widget's URL", untouched.text("custom_email_api", "url"), "")
		// Who is no admin cannot look at it, and what cannot be called is refused.
		ann := s.operator("Ann", "Lee", "operator")
		ann.refused(http.StatusForbidden, "GET", path("/api/v1/widgets/%d/mail", w.id), nil)
		ann.refused(http.StatusForbidden, "PATCH", path("/api/v1/widgets/%d/mail", w.id), object{"sign_in": false})
		for bad, status := range map[string]int{"ftp://shop.example/": http.StatusUnprocessableEntity, "/email": http.StatusUnprocessableEntity, "javascript:alert(1)": http.StatusUnprocessableEntity,
			"https://user:secret@shop.example/": http.StatusUnprocessableEntity, "http://169.254.169.254/latest": http.StatusForbidden} {
			p := s.admin().refused(status, "PATCH", path("/api/v1/widgets/%d/mail", w.id), object{"custom_email_api": object{"url": bad}})
			equal(s, "the field of "+bad, p.text("field"), "custom_email_api.url")
		}
	})
}

func TestS004_ItIsAPostAndRedirectsAreNotFollowed(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		elsewhere := s.receiver()
		p.answers(func(w http.ResponseWriter, call int) {
			if call == 1 {
				w.Header().Set("Location", elsewhere.http.URL+"/email")
				w.WriteHeader(http.StatusFound)
			}
		})
		v := p.shop.jane()
		s.admin().transcript(v.conversation, nil)
		p.first(1)
		s.eventually("the attempt has failed", func() bool {
			return strings.Contains(s.queued("")[0].text("reason"), "302")
		})
		equal(s, "its state", s.queued("")[0].text("state"), "queued")
		s.pass(10 * time.Minute)
		for _, call := range p.first(2) {
			equal(s, "the method", call.method, "POST")
			equal(s, "the path", call.path, "/email")
		}
		equal(s, "calls to where it redirects", len(elsewhere.first(0)), 0)
	})
}

func TestS005_TheHeaderCarriesTheToken(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		s.admin().transcript(v.conversation, nil)
		equal(s, "the header", p.first(1)[0].header.Get("API-SECURITY-TOKEN"), mailToken)
		p.shop.mails(object{"custom_email_api": object{"token": "another-token-of-the-mails"}})
		s.admin().transcript(v.conversation, nil)
		equal(s, "the header after the change", p.first(2)[1].header.Get("API-SECURITY-TOKEN"), "another-token-of-the-mails")
		s.eventually("both are sent", func() bool { return len(s.queued("state=sent")) == 2 })
		for _, at := range []string{path("/api/v1/widgets/%d/mail", p.shop.id), path("/api/v1/widgets/%d", p.shop.id), "/api/v1/widgets", "/api/v1/mails", "/api/v1/mail/deliveries",
			path("/api/v1/mail/deliveries/%d", s.deliveries()[0].number("id")), "/api/v1/events?after=0&limit=200", "/api/v1/audit"} {
			if status, raw := s.admin().raw("GET", at, nil); status != http.StatusOK || bytes.Contains(raw, []byte(mailToken)) || bytes.Contains(raw, []byte("another-token-of-the-mails")) {
				s.Errorf("%s answers %d with the token in it, or not at all", at, status)
			}
		}
		if strings.Contains(fmt.Sprint(p.shop.mails(object{"custom_email_api": object{"token": mailToken}})), mailToken) {
			s.Error("saving shows the token")
		}
		// The header of the reference alone is enough for old receivers; newer ones can tell repeats.
		if one := p.first(1)[0]; one.header.Get("Webhook-Id") == "" || one.header.Get("Webhook-Timestamp") == "" || !strings.HasPrefix(one.header.Get("User-Agent"), "Parley/") {
			s.Errorf("the headers are %v", one.header)
		}
	})
}

// sixKeys are the keys of the body, sorted.
var sixKeys = []string{"context", "email_type", "html", "receiver", "subject", "text"}

// both makes a transcript and a way to sign in, and returns the two calls.
func (p *post) both(v *visitor) (transcript, reauth received) {
	p.Helper()
	n := len(p.first(0))
	p.admin().transcript(v.conversation, nil)
	transcript = p.first(n + 1)[n]
	v.asks("jane@customer.example")
	return transcript, p.first(n + 2)[n+1]
}

func TestS006_S011_S012_TheBody(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		transcript, reauth := p.both(v)
		for _, call := range []received{transcript, reauth} {
			if call.header.Get("Content-Type") != "application/json" {
				s.Errorf("the content type is %q", call.header.Get("Content-Type"))
			}
			if got := slices.Sorted(maps.Keys(call.body)); !slices.Equal(got, sixKeys) {
				s.Errorf("the keys are %q", got)
			}
			for _, key := range []string{"email_type", "html", "receiver", "subject", "text"} {
				if call.body.text(key) == "" {
					s.Errorf("%s is %v", key, call.body[key])
				}
			}
		}
		equal(s, "the type", transcript.body.text("email_type"), "transcript")
		equal(s, "the other type", reauth.body.text("email_type"), "reauth")
		// What comes is what the server's reference shows.
		for name, call := range map[string]received{"transcript": transcript, "reauth": reauth} {
			live, err := jsonschema.UnmarshalJSON(bytes.NewReader(call.raw))
			if err != nil {
				s.Fatal(err)
			}
			_, schema := s.admin().raw("GET", "/docs/schemas/email/callback_"+name+".json", nil)
			if err := compile(s, schema).Validate(live); err != nil {
				s.Errorf("a live %s does not fit its schema: %v", name, err)
			}
			same(s, name, map[string]any(call.body), map[string]any(s.admin().must("GET", "/docs/samples/email/callback_"+name+".json", nil)))
		}
		keys := func(o any) string {
			return strings.Join(slices.Sorted(maps.Keys(o.(map[string]any))), " ")
		}
		equal(s, "the context of a transcript", keys(transcript.body["context"]), "conversation_url messages")
		equal(s, "the context of a way to sign in", keys(reauth.body["context"]), "reauth_link reauth_token")
		// The context as a text of JSON, for receivers that read the reference's type "String" by the letter.
		p.shop.mails(object{"custom_email_api": object{"context_as_text": true}})
		s.pass(time.Hour)
		transcript, reauth = p.both(v)
		for want, call := range map[string]received{"conversation_url messages": transcript, "reauth_link reauth_token": reauth} {
			var context map[string]any
			if err := json.Unmarshal([]byte(call.body.text("context")), &context); err != nil {
				s.Fatalf("the context is %v: %v", call.body["context"], err)
			}
			equal(s, "the context as a text", keys(context), want)
		}
		// A mail of missed answers is a transcript to receivers: they know two types.
		p.shop.mails(object{"missed_after_seconds": 60})
		s.operator("Ann", "Lee", "operator").says(v.conversation, "Are you still there?")
		s.pass(2 * time.Minute)
		equal(s, "the type of a mail of missed answers", p.first(5)[4].body.text("email_type"), "transcript")
	})
}

// remote is what would load something from elsewhere, run, or tell that the mail was opened.
var remote = regexp.MustCompile(`(?i)<(script|iframe|object|embed|form|link|img|base|svg|video|audio)\b|<[^>]*\son\w+=|(href|src)="javascript:|@import|url\(`)

func TestS007_S010_HTMLAndText(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		s.operator("Ann", "Lee", "operator").says(v.conversation, `<img src=x onerror="alert(1)"> see https://shop.example/lamps?a=1&b=2`)
		v.says("<b>&\n'second' line")
		v.must("PATCH", "/visitor/v1/me", object{"name": "<script>alert(1)</script>"})
		v.says("last")
		s.admin().transcript(v.conversation, nil)
		b := p.first(1)[0].body
		html, text := b.text("html"), b.text("text")
		if !strings.Contains(html, "&lt;b&gt;&amp;") || strings.Contains(html, "<b>&") {
			s.Error("what a contact wrote is not escaped")
		}
		if found := remote.FindString(html); found != "" {
			s.Errorf("the page has %q in it", found)
		}
		if !strings.Contains(html, `href="https://shop.example/lamps?a=1&amp;b=2"`) {
			s.Error("a link in a message is no link")
		}
		for _, said := range []string{"Hello", "<b>&", "'second' line", `<img src=x onerror="alert(1)"> see https://shop.example/lamps?a=1&b=2`, "last"} {
			if !strings.Contains(text, said) {
				s.Errorf("the text does not hold %q:\n%s", said, text)
			}
		}
		if regexp.MustCompile(`(?i)</?(html|body|table|tr|td|p|div|span|br|a|style)\b[^>]*>|&(amp|lt|gt|quot|nbsp|#\d+);`).MatchString(text) {
			s.Errorf("the text has tags in it:\n%s", text)
		}
	})
}

func TestS008_TheReceiverIsABareAddress(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		v.must("PATCH", "/visitor/v1/me", object{"name": "Doe, Jane"})
		transcript, reauth := p.both(v)
		equal(s, "the receiver of a transcript", transcript.body.text("receiver"), "jane@customer.example")
		equal(s, "the receiver of a way to sign in", reauth.body.text("receiver"), "jane@customer.example")
		// An operator may name another one; nobody else's address, and nothing that is none.
		s.admin().transcript(v.conversation, object{"receiver": "joe@customer.example"})
		equal(s, "the receiver that an operator named", p.first(3)[2].body.text("receiver"), "joe@customer.example")
		s.pass(time.Minute)
		for _, bad := range []string{"Jane <jane@customer.example>", "jane@customer.example, joe@customer.example", "jane", "jane@customer.example\r\nBcc: x@customer.example", "@customer.example"} {
			s.admin().refused(http.StatusUnprocessableEntity, "POST", path("/api/v1/conversations/%d/transcript", v.conversation), object{"receiver": bad})
		}
		nobody := p.shop.visitor()
		nobody.says("I left no address")
		refused := s.admin().refused(http.StatusUnprocessableEntity, "POST", path("/api/v1/conversations/%d/transcript", nobody.conversation), object{})
		equal(s, "the code without an address", refused.text("code"), "mail.address_missing")
		equal(s, "all mails", len(s.deliveries()), 3)
	})
}

func TestS009_TheSubjectIsOneLine(t *testing.T) {
	each(t, func(s *server) {
		k := s.sink()
		k.serves()
		p := s.shop(nil).custom(object{"texts": object{"transcript_subject": "{name} at {widget}"}})
		c := s.channel(p.shop, nil)
		// A channel brings whatever names the other system has.
		evil := "Jane\r\nBcc: victim@customer.example\r\n\r\nBuy lamps"
		status, got := c.sender().send("POST", c.door, object{"email": "jane@customer.example", "name": evil, "body": "Hello"})
		if status != http.StatusOK {
			s.Logf("the channel refuses the name: %d %v", status, got)
			got = c.brings(object{"email": "jane@customer.example", "name": "Jane", "body": "Hello"})
		}
		v := p.shop.visitor()
		v.says("Hello", object{"contact": object{"email": "joe@customer.example"}})
		v.send("PATCH", "/visitor/v1/me", object{"name": evil})
		for i, conversation := range []int{got.number("conversation_id"), v.conversation} {
			s.admin().transcript(conversation, nil)
			subject := p.first(i + 1)[i].body.text("subject")
			if subject == "" || strings.ContainsAny(subject, "\r\n\x00\u2028\u2029\u0085") || !strings.Contains(subject, "Shop") {
				s.Errorf("the subject is %q", subject)
			}
		}
		p.shop.mails(object{"custom_email_api": object{"enabled": false}})
		s.admin().transcript(got.number("conversation_id"), nil)
		m := k.first(1)[0]
		if m.header.Get("Bcc") != "" || m.to != "jane@customer.example" || strings.ContainsAny(m.subject(), "\r\n") {
			s.Errorf("the mail has the header %v", m.header)
		}
		for _, bad := range []string{"two\r\nlines", "two\nlines", strings.Repeat("a", 201)} {
			p := s.admin().refused(http.StatusUnprocessableEntity, "PATCH", path("/api/v1/widgets/%d/mail", p.shop.id), object{"texts": object{"transcript_subject": bad}})
			equal(s, "the field", p.text("field"), "texts.transcript_subject")
		}
	})
}

// twentyOne are the keys of a message, sorted.
var twentyOne = []string{"body", "conversation", "conversation_id", "display_name", "event", "id", "marked_read_contact", "marked_read_operator", "msgid", "name",
	"operator_display_name", "operator_id", "operator_name", "part_id", "reference", "sender", "sent_at", "sent_at_time", "state", "type", "url"}

func TestS013_S014_S015_S023_S024_S025_TheMessageObject(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		ann := s.operator("Ann", "Lee", "operator")
		v := p.shop.jane()
		texts := []string{"Line one\nline two \U0001F44D\U0001F3FD", "  blanks  ", "\u0645\u0631\u062d\u0628\u0627 \u202eabc", `<b>&"\ 'quoted'`}
		for _, text := range texts {
			v.says(text)
		}
		ann.says(v.conversation, "Hi Jane")
		s.admin().says(v.conversation, "I am a program")
		ann.ends(v.conversation)
		s.admin().transcript(v.conversation, nil)
		context := p.context(1)
		form := regexp.MustCompile(`^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d\.\d{6})Z$`)
		for _, m := range entries(context) {
			if got := slices.Sorted(maps.Keys(m)); !slices.Equal(got, twentyOne) {
				s.Errorf("the keys are %q", got)
			}
			equal(s, "the conversation's id", m.number("conversation_id"), v.conversation)
			equal(s, "the conversation's object", m.at("conversation", "id"), any(float64(v.conversation)))
			at := form.FindStringSubmatch(m.text("sent_at"))
			if at == nil || at[1] != m.text("sent_at_time") {
				s.Errorf("sent_at is %q, sent_at_time %q", m.text("sent_at"), m.text("sent_at_time"))
			}
			if !slices.Contains([]string{"contact", "operator", "bot", "system"}, m.text("sender", "type")) {
				s.Errorf("the sender is %v", m["sender"])
			}
			if got := slices.Sorted(maps.Keys(m.at("state").(map[string]any))); !slices.Equal(got, []string{"error_code", "message", "type"}) {
				s.Errorf("the state has the keys %q", got)
			}
		}
		contact := s.admin().conversation(v.conversation).number("contact", "id")
		for _, text := range texts {
			m := withText(s, context, text)
			equal(s, "the sender of "+text, m.text("sender", "type"), "contact")
			equal(s, "the sender's id", m.number("sender", "id"), contact)
		}
		said := withText(s, context, "Hi Jane")
		equal(s, "the sender of the answer", said.text("sender", "type"), "operator")
		equal(s, "the operator's id", said.number("sender", "id"), ann.id)
		equal(s, "the sender of what a program wrote", withText(s, context, "I am a program").text("sender", "type"), "bot")
		if at, err := time.Parse(time.RFC3339Nano, said.text("sent_at")); err != nil || at.Sub(s.now()).Abs() > time.Hour {
			s.Errorf("sent_at is %q, and it is %v", said.text("sent_at"), s.now())
		}
	})
}

func TestS016_TheIDOfAMessage(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(object{"session_timeout_seconds": 600}).custom(nil)
		v := p.shop.jane()
		s.pass(601 * time.Second)
		s.happened("session.ended", 1)
		v.says("Me again")
		other := p.shop.visitor()
		other.says("Hello", object{"contact": object{"email": "joe@customer.example"}})
		s.admin().transcript(v.conversation, nil)
		s.admin().transcript(other.conversation, nil)
		p.first(2)
		seen := map[string]bool{}
		for n := 1; n <= 2; n++ {
			for _, m := range entries(p.context(n)) {
				equal(s, "msgid", m.text("msgid"), m.text("id"))
				if want := fmt.Sprintf("%d.%d.", m.number("conversation_id"), m.number("part_id")); !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(m.text("id")) || !strings.HasPrefix(m.text("id"), want) {
					s.Errorf("the id is %q, and begins with %s", m.text("id"), want)
				}
				if seen[m.text("id")] {
					s.Errorf("the id %s is there twice", m.text("id"))
				}
				seen[m.text("id")] = true
			}
		}
		all := append(entries(p.context(1)), entries(p.context(2))...)
		part := func(text string, conversation int) int {
			for _, m := range all {
				if m.text("body") == text && m.number("conversation_id") == conversation {
					return m.number("part_id")
				}
			}
			s.Fatalf("%s is not there", text)
			return 0
		}
		if part("Hello", v.conversation) == part("Me again", v.conversation) {
			s.Error("a new session has the same part_id")
		}
	})
}

func TestS017_TheNameOfTheSender(t *testing.T) {
	each(t, func(s *server) {
		for lang, want := range map[string]string{"en": "Contact", "de": "Kontakt"} {
			p := s.shop(object{"lang": lang}).custom(nil)
			v := p.shop.visitor()
			v.says("Hello", object{"contact": object{"email": lang + "@customer.example"}})
			s.admin().transcript(v.conversation, nil)
			m := withText(s, p.context(1), "Hello")
			equal(s, "the name in "+lang, m.text("name"), want)
			equal(s, "the display name in "+lang, m.text("display_name"), want)
			v.must("PATCH", "/visitor/v1/me", object{"name": "Ann"})
			v.says("With a name")
			s.admin().transcript(v.conversation, nil)
			m = withText(s, p.context(2), "With a name")
			equal(s, "the name", m.text("name"), "Ann")
			equal(s, "the display name", m.text("display_name"), "Ann")
		}
	})
}

// entryOf is the entry of a type.
func entryOf(s *server, context object, kind string) object {
	s.Helper()
	return entry(s, context, "of the type "+kind, func(m object) bool { return m.text("type") == kind })
}

func TestS018_S027_S030_S031_S032_S033_EverythingThatHappened(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(object{"rating_form": "stars", "ask_feedback": true,
			"survey": object{"question": "How did you hear of us?", "options": []string{"A friend", "Search"}}}).custom(nil)
		ann, bob := s.operator("Ann", "Lee", "operator"), s.operator("Bob", "Ray", "operator")
		v := p.shop.jane()
		ann.says(v.conversation, "Hi")
		ann.notes(v.conversation, "She is in a hurry")
		ann.must("POST", path("/api/v1/conversations/%d/forward", v.conversation), object{"operator_id": bob.id, "note": "Please have a look"})
		bob.ends(v.conversation)
		v.rates(4)
		v.gives("great")
		v.answers("Search")
		s.admin().transcript(v.conversation, nil)
		b := p.first(1)[0].body
		context := p.context(1)
		for _, m := range entries(context) {
			if (m.text("type") == "message") != (m["event"] == nil) {
				s.Errorf("the event of a %s is %v", m.text("type"), m["event"])
			}
			if !slices.Contains([]string{"message", "event", "survey", "rating", "feedback", "media"}, m.text("type")) {
				s.Errorf("the type is %q", m.text("type"))
			}
		}
		rating := entryOf(s, context, "rating")
		equal(s, "the rating", rating.number("event", "rating", "value"), 4)
		feedback := entryOf(s, context, "feedback")
		equal(s, "the feedback", feedback.text("body"), "great")
		survey := entryOf(s, context, "survey")
		equal(s, "the question", survey.text("event", "survey", "question"), "How did you hear of us?")
		equal(s, "the answer", survey.text("event", "survey", "option"), "Search")
		forward := entry(s, context, "a forward", func(m object) bool { return m.text("event", "name") == "forwarded" })
		equal(s, "who forwarded", forward.text("event", "by", "name"), "Ann Lee")
		equal(s, "to whom", forward.text("event", "operator", "name"), "Bob Ray")
		end := entry(s, context, "the end", func(m object) bool { return m.text("event", "name") == "ended" })
		equal(s, "who ended", end.text("event", "by", "name"), "Bob Ray")
		for _, m := range []object{rating, feedback, survey, forward, end} {
			if m.text("sent_at") == "" {
				s.Errorf("an entry has no time: %v", m)
			}
		}
		for _, form := range []string{"html", "text"} {
			for _, word := range []string{"How did you hear of us?", "Search", "great", "Bob Ray"} {
				if !strings.Contains(b.text(form), word) {
					s.Errorf("the %s does not hold %q", form, word)
				}
			}
		}
		if raw := string(p.first(1)[0].raw); strings.Contains(raw, "in a hurry") || strings.Contains(raw, "have a look") {
			s.Error("a note is in the mail")
		}
	})
}

func TestS019_S020_WhatIsRead(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		ann := s.operator("Ann", "Lee", "operator")
		v := p.shop.jane()
		marks := func(n int, text, key string) any {
			s.admin().transcript(v.conversation, nil)
			p.first(n)
			return withText(s, p.context(n), text)[key]
		}
		equal(s, "read by operators before they look", marks(1, "Hello", "marked_read_operator"), any(false))
		equal(s, "read by the contact, their own", withText(s, p.context(1), "Hello")["marked_read_contact"], any(true))
		ann.reads(v.conversation, s.admin().conversation(v.conversation).number("message_count"))
		equal(s, "read by operators after it", marks(2, "Hello", "marked_read_operator"), any(true))
		ann.says(v.conversation, "Hi")
		equal(s, "read by the contact before they look", marks(3, "Hi", "marked_read_contact"), any(false))
		thread := v.thread()
		v.must("POST", path("/visitor/v1/conversations/%d/read", v.conversation), object{"number": object(thread[len(thread)-1].(map[string]any)).number("number")})
		equal(s, "read by the contact after it", marks(4, "Hi", "marked_read_contact"), any(true))
		m := withText(s, p.context(4), "Hi")
		equal(s, "the state's type", m.number("state", "type"), 4)
		equal(s, "the state", m.text("state", "message"), "Read by user")
		equal(s, "the state's code", m.at("state", "error_code"), any(nil))
	})
}

func TestS021_S022_S026_S028_FieldsOfOneMessage(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		ann := s.operator("Ann", "Lee", "operator")
		s.admin().must("PATCH", path("/api/v1/operators/%d", ann.id), object{"alias": "Annie"})
		v := p.shop.jane()
		question := s.admin().message(v.conversation, 1).number("id")
		ann.must("POST", path("/api/v1/conversations/%d/messages", v.conversation), object{"body": "This one", "reference": question})
		up := ann.uploads("lamp.png", pngOf(s, 30, 20), "")
		ann.must("POST", path("/api/v1/conversations/%d/messages", v.conversation), object{"body": "The lamp", "media": up.text("key")})
		s.admin().transcript(v.conversation, nil)
		b := p.first(1)[0].body
		context := p.context(1)
		asked, answer := withText(s, context, "Hello"), withText(s, context, "This one")
		equal(s, "the operator of a contact's message", asked["operator_id"], any(nil))
		equal(s, "the operator's name of a contact's message", asked["operator_name"], any(""))
		equal(s, "the operator's display name of a contact's message", asked["operator_display_name"], any(""))
		equal(s, "the operator", answer.number("operator_id"), ann.id)
		equal(s, "the operator's name", answer.text("operator_name"), "Ann Lee")
		equal(s, "the operator's display name", answer.text("operator_display_name"), "Annie")
		equal(s, "no quote", asked["reference"], any(nil))
		equal(s, "the quote", answer.text("reference"), asked.text("id"))
		equal(s, "the address of a text", answer["url"], any(nil))
		media := entryOf(s, context, "media")
		link := media.text("url")
		if status, header, got := s.opens(link); !strings.HasPrefix(link, s.url+"/") || status != http.StatusOK || header.Get("Content-Type") != "image/png" || !bytes.Equal(got, pngOf(s, 30, 20)) {
			s.Errorf("the file at %s: %d %v", link, status, header)
		}
		if !strings.Contains(b.text("text"), link) || !strings.Contains(b.text("html"), strings.ReplaceAll(link, "&", "&amp;")) || !strings.Contains(b.text("text"), "lamp.png") {
			s.Error("the file is no link in the mail")
		}
		s.pass(9 * 24 * time.Hour)
		if status, _, _ := s.opens(link); status != http.StatusGone {
			s.Errorf("after nine days the file answers %d", status)
		}
		// What a channel could not bring to the contact.
		c := s.channel(p.shop, nil)
		got := c.brings(object{"email": "joe@customer.example", "body": "Hello from elsewhere"})
		ann.says(got.number("conversation_id"), "Can you read this?")
		id := c.first(1)[0].body.text("id")
		state := func(n int) object {
			s.admin().transcript(got.number("conversation_id"), nil)
			p.first(n)
			return object(withText(s, p.context(n), "Can you read this?")["state"].(map[string]any))
		}
		s.eventually("it is sent", func() bool { return ann.message(got.number("conversation_id"), 1).text("state") == "sent" })
		was := state(2)
		if was.number("type") != 2 || was["error_code"] != nil {
			s.Errorf("the state of what was sent is %v", was)
		}
		c.sender().must("POST", c.door+"/receipts", object{"id": id, "state": "failed", "error": "no such box"})
		is := state(3)
		if is.number("type") == 2 || is.number("type") == 4 || is["error_code"] == nil || is.text("error_code") == "" {
			s.Errorf("the state of what failed is %v", is)
		}
	})
}

func TestS029_EveryMessageInOrder(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(object{"session_timeout_seconds": 600}).custom(nil)
		v := p.shop.visitor()
		var want []string
		for session := range 3 {
			for i := range 83 {
				text := fmt.Sprintf("message %d of session %d", i, session)
				want = append(want, text)
				if i == 0 {
					v.says(text, object{"contact": object{"email": "jane@customer.example"}})
					continue
				}
				s.admin().says(v.conversation, text)
			}
			s.admin().notes(v.conversation, "a note of nobody's business")
			s.pass(601 * time.Second)
			s.happened("session.ended", session+1)
		}
		s.admin().says(v.conversation, "the last one")
		want = append(want, "the last one")
		equal(s, "messages", len(want), 250)
		s.admin().transcript(v.conversation, nil)
		var got []string
		parts := map[int]bool{}
		last := ""
		for _, m := range entries(p.context(1)) {
			if m.text("sent_at") < last {
				s.Errorf("%s was sent before the one before it", m.text("id"))
			}
			last = m.text("sent_at")
			if m.text("type") == "message" {
				got = append(got, m.text("body"))
				parts[m.number("part_id")] = true
			}
		}
		if !slices.Equal(got, want) {
			s.Errorf("%d messages came, want %d in this order", len(got), len(want))
		}
		if len(parts) < 3 {
			s.Errorf("they are of %d sessions", len(parts))
		}
		if b := p.first(1)[0]; bytes.Contains(b.raw, []byte("nobody's business")) || !strings.Contains(b.body.text("html"), want[249]) || !strings.Contains(b.body.text("text"), want[100]) {
			s.Error("a note is in the mail, or a message is not")
		}
	})
}

// What the page does with the link is in web/e2e/test/mail.test.mjs.
func TestS034_S036_TheConversationURL(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		s.operator("Ann", "Lee", "operator").says(v.conversation, "Hi Jane")
		s.admin().transcript(v.conversation, nil)
		link := p.context(1).text("conversation_url")
		if !strings.HasPrefix(link, inboundURL+"#") {
			s.Fatalf("the link is %q", link)
		}
		if b := p.first(1)[0].body; !strings.Contains(b.text("text"), link) || !strings.Contains(b.text("html"), link) {
			s.Error("the link is not in the mail")
		}
		fresh := p.shop.visitor()
		out := fresh.signsIn(object{"link": token(s, link)})
		equal(s, "the conversation", out.number("conversation_id"), v.conversation)
		fresh.conversation = v.conversation
		fresh.says("I am back")
		equal(s, "what operators see", s.admin().message(v.conversation, 1).text("body"), "I am back")
		// A browser that only has the other one's address in its contact sees nothing of it.
		stranger := p.shop.visitor()
		stranger.says("Hello", object{"contact": object{"email": "jane@customer.example"}})
		for _, c := range stranger.must("GET", "/visitor/v1/me", nil).list("conversations") {
			if object(c.(map[string]any)).number("id") == v.conversation {
				s.Error("who types an address sees its conversations")
			}
		}
		// Somebody else whom an operator sends it to is not signed in by it.
		s.admin().transcript(v.conversation, object{"receiver": "joe@customer.example"})
		if link := p.context(2).text("conversation_url"); !strings.HasPrefix(link, inboundURL) || strings.Contains(link, "parley=") {
			s.Errorf("somebody else's link is %q", link)
		}
		settings := path("/api/v1/widgets/%d/mail", p.shop.id)
		for _, bad := range []string{"javascript:alert(1)", "/help", "shop.example/help", "data:text/html,x", "ftp://shop.example/", "https://user:secret@shop.example/", "https://", "https://shop.example/" + strings.Repeat("a", 2000)} {
			p := s.admin().refused(http.StatusUnprocessableEntity, "PATCH", settings, object{"inbound_url": bad})
			equal(s, "the field of "+bad[:min(len(bad), 40)], p.text("field"), "inbound_url")
		}
		equal(s, "what is saved", s.admin().must("GET", settings, nil).text("inbound_url"), inboundURL)
		p.shop.mails(object{"inbound_url": "https://shop.example/help?lang=en#chat"})
		s.admin().transcript(v.conversation, nil)
		u, err := url.Parse(p.context(3).text("conversation_url"))
		if err != nil || u.Fragment != "chat" || u.Query().Get("lang") != "en" || u.Query().Get("parley") == "" {
			s.Errorf("the link of a page with a mark is %v %v", u, err)
		}
	})
}

func TestS035_S039_NoLinksWithoutAnInboundURL(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(object{"inbound_url": ""})
		v := p.shop.jane()
		transcript, reauth := p.both(v)
		if _, there := transcript.body["context"].(map[string]any)["conversation_url"]; there {
			s.Errorf("the context is %v", transcript.body["context"])
		}
		if _, there := reauth.body["context"].(map[string]any)["reauth_link"]; there || reauth.body.text("context", "reauth_token") == "" {
			s.Errorf("the context is %v", reauth.body["context"])
		}
		for _, b := range []object{transcript.body, reauth.body} {
			if strings.Contains(b.text("html"), "href=") || strings.Contains(b.text("text"), "http") {
				s.Errorf("the mail has a link: %s", b.text("text"))
			}
		}
		if code := reauth.body.text("context", "reauth_token"); !strings.Contains(reauth.body.text("text"), code) || !strings.Contains(reauth.body.text("html"), code) {
			s.Error("the mail does not show the code")
		}
		other := p.shop.visitor()
		other.signsIn(object{"code": reauth.body.text("context", "reauth_token")})
	})
}

func TestS037_AskingForAWayIn(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		p.shop.jane()
		v := p.shop.visitor()
		unknown, empty := v.asks("nobody@customer.example")
		known, full := v.asks("Jane@Customer.example")
		equal(s, "the status", known, http.StatusAccepted)
		equal(s, "the status for an unknown address", unknown, known)
		equal(s, "the answer for an unknown address", empty, full)
		b := p.first(1)[0].body
		equal(s, "the type", b.text("email_type"), "reauth")
		equal(s, "the receiver", b.text("receiver"), "jane@customer.example")
		if !strings.HasPrefix(b.text("context", "reauth_link"), inboundURL+"#") || b.text("context", "reauth_token") == "" {
			s.Errorf("the context is %v", b["context"])
		}
		equal(s, "all mails", len(s.queued("")), 1) // the unknown one was looked at before
		for _, bad := range []string{"", "jane", "jane@", "Jane <jane@customer.example>", "jane@customer.example\r\nBcc: x@customer.example"} {
			if status, answer := v.asks(bad); status != http.StatusUnprocessableEntity {
				s.Errorf("%q answers %d %s", bad, status, answer)
			}
		}
		// What the widget does not offer is refused, and a flood is stopped.
		config := v.must("GET", "/visitor/v1/widgets/"+p.shop.key, nil)
		equal(s, "what the widget offers", config.at("sign_in"), any(true))
		limited := false
		for i := 0; i < 20 && !limited; i++ {
			status, _ := v.asks("nobody@customer.example")
			limited = status == http.StatusTooManyRequests
		}
		equal(s, "a flood is stopped", limited, true)
		p.shop.mails(object{"sign_in": false})
		s.pass(time.Hour)
		status, answer := v.asks("jane@customer.example")
		if status != http.StatusConflict || !strings.Contains(answer, "reauth.off") {
			s.Errorf("with sign-in off it answers %d %s", status, answer)
		}
		s.eventually("the widget offers it no more", func() bool {
			return v.must("GET", "/visitor/v1/widgets/"+p.shop.key, nil).at("sign_in") == false
		})
	})
}

// way is a fresh way to sign in of Jane's.
func (p *post) way(v *visitor) (link, code string) {
	p.Helper()
	n := len(p.first(0))
	p.pass(30 * time.Minute) // the limits of addresses are not the point
	if status, answer := v.asks("jane@customer.example"); status != http.StatusAccepted {
		p.Fatalf("asking answers %d %s", status, answer)
	}
	c := p.context(n + 1)
	return token(p.server, c.text("reauth_link")), c.text("reauth_token")
}

func (v *visitor) lists(conversation int) bool {
	v.Helper()
	return slices.ContainsFunc(v.must("GET", "/visitor/v1/me", nil).list("conversations"), func(c any) bool {
		return object(c.(map[string]any)).number("id") == conversation
	})
}

// What the page does with the link is in web/e2e/test/mail.test.mjs.
func TestS038_TheLinkSignsIn(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		link, _ := p.way(v)
		other := p.shop.visitor()
		other.says("Written before I signed in")
		anonymous := other.conversation
		out := other.signsIn(object{"link": link, "address": "jane@customer.example"})
		equal(s, "the contact", out.text("contact", "email"), "jane@customer.example")
		if !other.lists(v.conversation) || !other.lists(anonymous) {
			s.Error("the earlier conversations are not listed")
		}
		equal(s, "the contact of what was written before", s.admin().conversation(anonymous).number("contact", "id"), s.admin().conversation(v.conversation).number("contact", "id"))
		// Whoever typed the address before it was proven is signed out: it may have been anybody.
		if status, _ := v.send("GET", "/visitor/v1/me", nil); status != http.StatusUnauthorized {
			s.Errorf("the browser that typed the address answers %d", status)
		}
	})
}

// Typing it is in web/e2e/test/mail.test.mjs.
func TestS040_TheCodeSignsInAndWrongOnesLock(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		_, code := p.way(v)
		at := "/visitor/v1/widgets/" + p.shop.key + "/sign-in"
		fresh := p.shop.visitor()
		out := fresh.signsIn(object{"code": " " + strings.ToLower(strings.ReplaceAll(code, "-", " ")) + " "}) // as people type
		equal(s, "the contact", out.text("contact", "email"), "jane@customer.example")
		equal(s, "the earlier conversation is listed", fresh.lists(v.conversation), true)

		_, code = p.way(fresh)
		guess := p.shop.visitor()
		for i := range 5 {
			status, problem := guess.send("POST", at, object{"code": fmt.Sprintf("AAAAA-AAAA%d", i)})
			if status < 400 || problem.text("code") != "reauth.invalid" && problem.text("code") != "reauth.locked" {
				s.Errorf("guess %d: %d %v", i, status, problem)
			}
		}
		for _, in := range []object{{"code": "AAAAA-AAAAA"}, {"code": code}} {
			problem := guess.refused(http.StatusTooManyRequests, "POST", at, in)
			equal(s, "the code", problem.text("code"), "reauth.locked")
		}
		locked := func() (n int) {
			for _, e := range s.admin().must("GET", "/api/v1/audit", nil).list("items") {
				if o := object(e.(map[string]any)); o.text("action") == "reauth.locked" {
					n++
					if o.text("by") == "" || o.text("at") == "" {
						s.Errorf("the entry is %v", o)
					}
				}
			}
			return n
		}
		equal(s, "entries in the audit log", locked(), 1)
		// Somebody else at another address is not locked out, and the lock ends.
		elsewhere := p.shop.visitor()
		elsewhere.header.Set("X-Forwarded-For", "203.0.113.9")
		elsewhere.signsIn(object{"code": code})
		s.pass(16 * time.Minute)
		_, code = p.way(elsewhere)
		guess.signsIn(object{"code": code})
		s.operator("Ann", "Lee", "operator").refused(http.StatusForbidden, "GET", "/api/v1/audit", nil)
	})
}

func TestS041_TheSecretsAreShortLived(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		at := "/visitor/v1/widgets/" + p.shop.key + "/sign-in"
		refused := func(what string, in object) {
			s.Helper()
			status, problem := p.shop.visitor().send("POST", at, in)
			if status < 400 || status >= 500 || problem.text("code") != "reauth.invalid" || problem.text("detail") == "" {
				s.Errorf("%s: %d %v", what, status, problem)
			}
			s.pass(20 * time.Minute) // wrong ones lock, which is not the point
		}
		link, code := p.way(v)
		v.signsIn(object{"link": link})
		refused("the link a second time", object{"link": link})
		refused("the code after the link", object{"code": code})
		link, code = p.way(v)
		v.signsIn(object{"code": code})
		refused("the code a second time", object{"code": code})
		refused("the link after the code", object{"link": link})
		link, code = p.way(v)
		s.pass(61 * time.Minute)
		refused("the link after an hour", object{"link": link})
		refused("the code after an hour", object{"code": code})
		// What the log keeps of a mail signs nobody in.
		link, code = p.way(v)
		s.eventually("it is sent", func() bool { return s.queued("")[0].text("state") == "sent" })
		status, raw := s.admin().raw("GET", path("/api/v1/mail/deliveries/%d", s.deliveries()[0].number("id")), nil)
		if status != http.StatusOK || bytes.Contains(raw, []byte(link)) || bytes.Contains(raw, []byte(code)) {
			s.Errorf("the log shows the way in: %d", status)
		}
		if _, raw := s.admin().raw("GET", "/api/v1/events?after=0&limit=200", nil); bytes.Contains(raw, []byte(link)) || bytes.Contains(raw, []byte(code)) {
			s.Error("the feed shows the way in")
		}
		v.signsIn(object{"link": link})
		// The link of a transcript is one, too.
		n := len(p.first(0)) // before it is asked for: it may come at once
		s.admin().transcript(v.conversation, nil)
		link = token(s, p.context(n+1).text("conversation_url"))
		v.signsIn(object{"link": link})
		refused("a transcript's link a second time", object{"link": link})
		n = len(p.first(0))
		s.admin().transcript(v.conversation, nil)
		link = token(s, p.context(n+1).text("conversation_url"))
		s.pass(8 * 24 * time.Hour)
		refused("a transcript's link after a week", object{"link": link})
	})
}

// The button is in web/e2e/test/mail.test.mjs.
func TestS042_TheConnectionTest(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		at := path("/api/v1/widgets/%d/mail/test", p.shop.id)
		p.answers(func(w http.ResponseWriter, _ int) { fmt.Fprint(w, "Connected") })
		out := s.admin().must("POST", at, nil)
		if out["ok"] != true || out.number("status") != http.StatusOK || out.at("took_ms") == nil {
			s.Errorf("the test answers %v", out)
		}
		one := p.first(1)[0]
		equal(s, "the method", one.method, "POST")
		equal(s, "the token", one.header.Get("API-SECURITY-TOKEN"), mailToken)
		equal(s, "the length of the body", len(one.raw), 0)
		equal(s, "the content length", one.header.Get("Content-Length"), "0")
		p.answers(func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusNotFound) })
		if out := s.admin().must("POST", at, nil); out["ok"] != false || out.number("status") != http.StatusNotFound || out.text("detail") == "" {
			s.Errorf("a 404: %v", out)
		}
		hang := make(chan struct{})
		var once sync.Once
		release := func() { once.Do(func() { close(hang) }) }
		s.Cleanup(release)
		p.answers(func(http.ResponseWriter, int) { <-hang })
		out = s.admin().must("POST", at, nil)
		if took, _ := out.at("took_ms").(float64); out["ok"] != false || out.at("status") != nil || out.text("detail") == "" || took < 1000 {
			s.Errorf("no answer: %v", out)
		}
		release()
		p.http.CloseClientConnections()
		p.http.Close()
		if out := s.admin().must("POST", at, nil); out["ok"] != false || out.at("status") != nil || out.text("detail") == "" {
			s.Errorf("nobody there: %v", out)
		}
		equal(s, "mails", len(s.deliveries()), 0)
	})
}

// python is an interpreter that has Flask, "" for none. Beside an own one the system's may have the system's packages.
func python() string {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import flask, flask_mail, http.server").Run() == nil {
			return name
		}
	}
	return ""
}

// listens runs a program and returns the address that it prints, without a path.
func (s *server) listens(env []string, name string, args ...string) string {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = s.TempDir()
	out, in, err := os.Pipe()
	if err != nil {
		s.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	in.Close()
	found, read := make(chan string, 1), make(chan struct{})
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	var said bytes.Buffer
	go func() {
		defer close(read)
		part := make([]byte, 4096)
		for sent := false; ; {
			n, err := out.Read(part)
			said.Write(part[:n])
			if at := address.FindString(said.String()); at != "" && !sent && strings.Contains(said.String(), at+"\n") || at != "" && !sent && strings.Contains(said.String(), at+"/") {
				sent = true
				found <- at
			}
			if err != nil {
				return
			}
		}
	}()
	s.Cleanup(func() {
		cmd.Process.Kill()
		<-read
		cmd.Wait()
		out.Close()
		if s.Failed() {
			s.Logf("%s said:\n%s", name, said.String())
		}
	})
	select {
	case at := <-found:
		return at
	case <-time.After(patience):
		s.Fatalf("%s %q does not say where it listens", name, args)
		return ""
	}
}

// TestS043_TheExamples runs the reference's Flask sample as it is, its evident typos repaired, and the three of examples/. The sample sends
// through Gmail; in the test the sink plays it.
func TestS043_TheExamples(t *testing.T) {
	examples, err := filepath.Abs(filepath.Join("..", "..", "examples", "email-callback"))
	if err != nil {
		t.Fatal(err)
	}
	sample, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "receiver")
	if out, err := exec.Command("go", "build", "-o", binary, filepath.Join(examples, "go")).CombinedOutput(); err != nil {
		t.Fatalf("build the Go example: %v\n%s", err, out)
	}
	programs := map[string][]string{"Go": {binary}}
	if python := python(); python != "" {
		programs["Python"] = []string{python, filepath.Join(examples, "python", "receiver.py")}
		programs["Flask"] = []string{python, filepath.Join(examples, "flask", "app.py")}
		programs["the reference's"] = []string{python, filepath.Join(sample, "run_sample.py"), filepath.Join(sample, "sample.py")}
	} else if os.Getenv("CI") == "true" {
		t.Fatal("there is no Python with Flask and Flask-Mail")
	}
	each(t, func(s *server) {
		for name, program := range programs {
			k := s.sink()
			port := fmt.Sprint(k.port)
			url := s.listens([]string{"API_SECURITY_TOKEN=" + mailToken, "LISTEN=127.0.0.1:0", "PORT=0", "PYTHONDONTWRITEBYTECODE=1",
				"SMTP_HOST=127.0.0.1", "SMTP_PORT=" + port, "SMTP_TLS=none", "MAIL_FROM=chat@shop.example",
				"MAIL_SERVER=127.0.0.1", "MAIL_PORT=" + port, "MAIL_USE_SSL=0", "MAIL_USERNAME=chat@shop.example"}, program[0], program[1:]...) + "/email"
			w := s.shop(object{"name": name})
			w.mails(object{"inbound_url": inboundURL, "custom_email_api": object{"enabled": true, "url": url, "token": mailToken}})
			test := path("/api/v1/widgets/%d/mail/test", w.id)
			if out := s.admin().must("POST", test, nil); out["ok"] != true || !strings.Contains(out.text("detail"), "Connected") {
				s.Errorf("%s: the test answers %v", name, out)
			}
			email := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), "'", "")) + "@customer.example"
			v := w.visitor()
			v.says("A lamp für \U0001F600 & <b>me</b>\n.\nend", object{"contact": object{"email": email}})
			made := s.admin().transcript(v.conversation, nil)
			m := k.first(1)[0]
			equal(s, name+": the receiver", m.to, email)
			text := strings.ReplaceAll(m.text, "\r\n", "\n")
			if !strings.Contains(text, "A lamp für \U0001F600 & <b>me</b>") || !strings.Contains(m.html, "&lt;b&gt;me") || m.subject() == "" {
				s.Errorf("%s: the mail is %q %q", name, m.subject(), text)
			}
			s.eventually(name+": the mail is sent", func() bool {
				return s.queued(path("conversation_id=%d", v.conversation))[0].text("state") == "sent"
			})
			d := s.admin().must("GET", path("/api/v1/mail/deliveries/%d", s.deliveries()[0].number("id")), nil)
			if status := d.number("last_status"); status != http.StatusOK || !strings.Contains(fmt.Sprint(d["attempt_log"]), "E-mail sent") {
				s.Errorf("%s: the log says %v", name, d)
			}
			if name == "the reference's" {
				continue // it looks at neither the token nor the id
			}
			// A repeat is not sent twice: the admin replays it, with the same Webhook-Id.
			s.admin().must("POST", path("/api/v1/mail/deliveries/%d/replay", d.number("id")), nil)
			s.eventually(name+": the replay is taken", func() bool {
				list := s.deliveries()
				return len(list) > 0 && list[0].text("state") == "delivered" && !slices.ContainsFunc(list, func(o object) bool { return o.text("state") == "pending" })
			})
			equal(s, name+": mails after the replay of "+fmt.Sprint(made.number("id")), len(k.first(1)), 1)
			w.mails(object{"custom_email_api": object{"token": "not-the-token-of-the-mails"}})
			if out := s.admin().must("POST", test, nil); out["ok"] != false || out.number("status") != http.StatusForbidden {
				s.Errorf("%s: a wrong token: %v", name, out)
			}
		}
	})
}

func TestS044_TheCustomerControlsTheSender(t *testing.T) {
	each(t, func(s *server) {
		s.sink().serves()
		p := s.shop(nil).custom(object{"from_name": "The name of our sender"})
		v := p.shop.jane()
		transcript, reauth := p.both(v)
		for _, call := range []received{transcript, reauth} {
			for _, word := range []string{"chat@shop.example", "return-path", "Return-Path", "reply-to", "reply_to", "Reply-To", `"from"`, `"sender_name"`, s.url} {
				if bytes.Contains(call.raw, []byte(word)) {
					s.Errorf("the body says %s", word)
				}
			}
			if strings.Contains(call.body.text("html"), "<img") || strings.Contains(call.body.text("html"), "url(") {
				s.Error("the mail loads something")
			}
		}
		p.shop.mails(object{"logo_url": "https://shop.example/logo.png"})
		s.admin().transcript(v.conversation, nil)
		if html := p.first(3)[2].body.text("html"); strings.Count(html, "<img") != 1 || !strings.Contains(html, `src="https://shop.example/logo.png"`) {
			s.Error("the widget's logo is not the one picture of the mail")
		}
	})
}

// tries lets time pass, in steps, until done. An attempt counts when it is in the delivery's log: with that its next time is fixed, and
// not before.
func (s *server) tries(step time.Duration, mail object, done func() bool) {
	s.Helper()
	attempts := func() int {
		return len(s.admin().must("GET", path("/api/v1/mail/deliveries/%d", mail.number("delivery_id")), nil).list("attempt_log"))
	}
	for before := 0; !done(); {
		s.eventually("it was tried", func() bool { return attempts() > before || done() })
		before = attempts()
		s.pass(step)
		s.admin().notes(mail.number("conversation_id"), "Still waiting") // what is written anywhere lets the server look at its clock
	}
}

func TestS045_AnUndeliverableCallbackIsNotLost(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(nil)
		v := p.shop.jane()
		down := func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusInternalServerError) }
		p.answers(down)
		began := s.now()
		sent := s.admin().transcript(v.conversation, nil)
		s.tries(10*time.Minute, sent, func() bool { return s.now().Sub(began) > 30*time.Minute })
		mail := s.queued("")[0]
		if mail.text("state") != "queued" || !strings.Contains(mail.text("reason"), "500") {
			s.Errorf("the mail is %v", mail)
		}
		p.answers(nil)
		// A last attempt may still be under way, and fail after the time has passed.
		s.tries(6*time.Hour, sent, func() bool { return s.queued("")[0].text("state") == "sent" })
		all := p.first(3)
		for _, call := range all {
			if call.header.Get("Webhook-Id") != all[0].header.Get("Webhook-Id") || !bytes.Equal(call.raw, all[0].raw) {
				s.Error("a repeat is another call")
			}
		}
		d := s.admin().must("GET", path("/api/v1/mail/deliveries/%d", s.queued("")[0].number("delivery_id")), nil)
		if d.text("state") != "delivered" || len(d.list("attempt_log")) != len(all) {
			s.Errorf("the log has %d attempts, want %d: %v", len(d.list("attempt_log")), len(all), d)
		}
		// Given up after three days: the admin is warned, and can send it again.
		p.answers(down)
		sent = s.admin().transcript(v.conversation, nil)
		s.tries(7*time.Hour, sent, func() bool { return s.queued("")[0].text("state") == "failed" })
		if mail := s.queued("")[0]; !strings.Contains(mail.text("reason"), "500") || mail.at("done_at") == nil {
			s.Errorf("the mail is %v", mail)
		}
		s.happened("mail.failed", 1)
		server := s.admin().must("GET", "/api/v1/mail/server", nil)
		warned := false
		for _, w := range server.list("widgets") {
			warned = warned || object(w.(map[string]any)).number("widget_id") == p.shop.id && object(w.(map[string]any)).number("failed") == 1
		}
		if !warned {
			s.Errorf("the admin is not warned: %v", server)
		}
		p.answers(nil)
		s.admin().must("POST", path("/api/v1/mail/deliveries/%d/revive", sent.number("delivery_id")), nil)
		s.pass(time.Hour) // a probe may have to wait
		s.admin().notes(v.conversation, "Now then")
		s.eventually("it is sent at last", func() bool { return s.queued("")[0].text("state") == "sent" })
	})
}

func TestMailsWaitForAWay(t *testing.T) {
	each(t, func(s *server) {
		w := s.shop(nil)
		v := w.jane()
		made := s.admin().transcript(v.conversation, nil)
		equal(s, "the mail", made.text("state"), "queued")
		mail := func() object { return s.queued("")[0] }
		s.eventually("it says why it waits", func() bool { return mail().text("reason") != "" })
		settings := s.admin().must("GET", path("/api/v1/widgets/%d/mail", w.id), nil)
		if settings.text("state") != "waiting" || settings.text("reason") == "" {
			s.Errorf("the widget's mails are %s: %q", settings.text("state"), settings.text("reason"))
		}
		server := s.admin().must("GET", "/api/v1/mail/server", nil)
		if server.text("state") != "unset" || server.number("waiting") != 1 {
			s.Errorf("the server is %s, and %d wait", server.text("state"), server.number("waiting"))
		}
		config := v.must("GET", "/visitor/v1/widgets/"+w.key, nil)
		equal(s, "sign-in is offered without a way", config.at("sign_in"), any(false))
		s.pass(5 * 24 * time.Hour)
		k := s.sink()
		k.serves()
		equal(s, "the receiver", k.first(1)[0].to, "jane@customer.example")
		s.eventually("it is sent", func() bool { return mail().text("state") == "sent" })
		s.eventually("nothing waits", func() bool { return s.admin().must("GET", "/api/v1/mail/server", nil).number("waiting") == 0 })
		equal(s, "the mails", len(k.first(1)), 1)
	})
}

func TestMailServersThatRefuse(t *testing.T) {
	each(t, func(s *server) {
		k := s.sink()
		k.serves()
		w := s.shop(nil)
		v := w.jane()
		// For now: it is tried again. Somebody else's mail does not wait for it.
		k.refuses(func(to string) error {
			if to == "jane@customer.example" {
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "come back later"}
			}
			return nil
		})
		sent := s.admin().transcript(v.conversation, nil)
		s.eventually("the reason is there", func() bool { return strings.Contains(s.queued("")[0].text("reason"), "come back later") })
		equal(s, "its state", s.queued("")[0].text("state"), "queued")
		joe := w.visitor()
		joe.says("Hello", object{"contact": object{"email": "joe@customer.example"}})
		s.admin().transcript(joe.conversation, nil)
		equal(s, "the one who is not refused", k.first(1)[0].to, "joe@customer.example")
		k.refuses(nil)
		s.tries(10*time.Minute, sent, func() bool { return len(k.first(0)) == 2 })
		equal(s, "the other one, later", k.first(2)[1].to, "jane@customer.example")
		// For good: it is not tried again, and the contact shows it.
		k.refuses(func(string) error {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		})
		s.admin().transcript(v.conversation, nil)
		s.eventually("it has failed", func() bool { return s.queued("")[0].text("state") == "failed" })
		asked := k.asked()
		contact := s.admin().conversation(v.conversation).number("contact", "id")
		problem := object(s.admin().must("GET", path("/api/v1/contacts/%d", contact), nil))
		if problem.text("mail_problem", "address") != "jane@customer.example" || !strings.Contains(problem.text("mail_problem", "reason"), "no such user") {
			s.Errorf("the contact is %v", problem)
		}
		s.pass(24 * time.Hour)
		k.refuses(nil)
		s.admin().transcript(joe.conversation, nil)
		k.first(3)
		equal(s, "how often an address was named", k.asked(), asked+1)
		s.happened("mail.failed", 1)
	})
}

func TestMissedAnswersGoByMail(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(object{"missed_after_seconds": 300})
		ann := s.operator("Ann", "Lee", "operator")
		v, there := p.shop.jane(), p.shop.visitor()
		there.says("I stay here", object{"contact": object{"email": "joe@customer.example"}})
		ann.says(v.conversation, "We have it in blue")
		ann.says(v.conversation, "and in green")
		ann.notes(v.conversation, "She wants blue")
		ann.says(there.conversation, "Good")
		thread := there.thread()
		there.must("POST", path("/visitor/v1/conversations/%d/read", there.conversation), object{"number": object(thread[len(thread)-1].(map[string]any)).number("number")})
		s.pass(301 * time.Second)
		b := p.first(1)[0].body
		equal(s, "the receiver", b.text("receiver"), "jane@customer.example")
		equal(s, "the type", b.text("email_type"), "transcript")
		var told []string
		for _, m := range entries(p.context(1)) {
			told = append(told, m.text("body"))
		}
		if !reflect.DeepEqual(told, []string{"We have it in blue", "and in green"}) {
			s.Errorf("the mail tells of %q", told)
		}
		// What was told is not told again; what is new is.
		ann.says(v.conversation, "Are you still interested?")
		s.pass(301 * time.Second)
		p.first(2)
		equal(s, "the second mail", len(entries(p.context(2))), 1)
		equal(s, "all mails", len(s.deliveries()), 2)
		fresh := p.shop.visitor()
		out := fresh.signsIn(object{"link": token(s, p.context(2).text("conversation_url"))})
		equal(s, "the conversation", out.number("conversation_id"), v.conversation)
	})
}

func TestTranscriptsByWish(t *testing.T) {
	each(t, func(s *server) {
		p := s.shop(nil).custom(object{"transcript_on_end": true})
		ann := s.operator("Ann", "Lee", "operator")
		v := p.shop.jane()
		nobody := p.shop.visitor()
		nobody.says("I left no address")
		ann.ends(nobody.conversation)
		ann.ends(v.conversation)
		entry(s, p.context(1), "the end", func(m object) bool { return m.text("event", "name") == "ended" })
		equal(s, "all mails", len(s.deliveries()), 1)
		thread := s.admin().must("GET", path("/api/v1/conversations/%d/messages?limit=100", v.conversation), nil).list("items")
		equal(s, "entries of the transcript on end", len(entries(p.context(1))), len(thread))
		entry(s, p.context(1), "the first words", func(m object) bool { return m.text("body") == "Hello" })
		// By the contact: only where the widget offers it, and a bounded number of them.
		at := path("/visitor/v1/conversations/%d/transcript", v.conversation)
		v.refused(http.StatusConflict, "POST", at, nil)
		p.shop.mails(object{"transcript_on_end": false, "transcript_offer": true})
		nobody.refused(http.StatusNotFound, "POST", at, nil)
		limited := 0
		for range 8 {
			if status, _ := v.send("POST", at, nil); status == http.StatusTooManyRequests {
				limited++
			}
		}
		if mails := len(s.queued("")); limited == 0 || mails > 5 || mails < 2 {
			s.Errorf("of 8 wishes %d were refused, %d mails are queued", limited, mails)
		}
		// By an operator: with a command, and for many at once.
		n := len(s.queued(""))
		s.pass(time.Hour)
		ann.types(v.conversation, "$transcript")
		equal(s, "mails after the command", len(s.queued("")), n+1)
		s.pass(time.Minute)
		ann.must("POST", "/api/v1/conversations/bulk", object{"action": "transcript", "conversation_ids": []int{v.conversation, nobody.conversation}})
		equal(s, "mails after the bulk action", len(s.queued("")), n+2)
	})
}
