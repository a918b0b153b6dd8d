package smtp

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-msgauth/dkim"

	"parley/internal/secret"
)

func decoded(t testing.TB, header string) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		t.Fatalf("%q: %v", header, err)
	}
	return s
}

// parts takes a multipart/alternative apart: content types and contents.
func parts(t testing.TB, m *mail.Message) (types, bodies []string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the content is %q (%v)", m.Header.Get("Content-Type"), err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return types, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		if e := p.Header.Get("Content-Transfer-Encoding"); e != "quoted-printable" {
			t.Errorf("a part is %q", e)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		types, bodies = append(types, p.Header.Get("Content-Type")), append(bodies, string(b))
	}
}

// lines checks what RFC 5321 and 5322 ask of every line.
func lines(t testing.TB, message string) {
	t.Helper()
	if rest := strings.ReplaceAll(message, "\r\n", ""); strings.ContainsAny(rest, "\r\n") {
		t.Error("a CR or LF stands alone")
	}
	head, _, _ := strings.Cut(message, "\r\n\r\n")
	for i, l := range strings.Split(message, "\r\n") {
		if len(l) > 998 {
			t.Errorf("line %d has %d bytes", i+1, len(l))
		}
	}
	for i, l := range strings.Split(head, "\r\n") {
		if strings.TrimSpace(l) == "" {
			t.Errorf("line %d of the header has only blanks", i+1)
		}
	}
}

func TestWhatAMailLooksLike(t *testing.T) {
	s := (&sink{}).start(t)
	set := settings(s.port)
	set.ReplyTo = "help@parley.test"
	m := letter()
	m.Text = "Hello Ännchen 👋\n.\n..two dots\nFrom here\n" + strings.Repeat("long ", 500) + "\nblank at the end \n"
	m.HTML = "<p>Hello Ännchen 👋</p>\n.\n<p>" + strings.Repeat("long", 600) + "</p>\n"
	must(t, set, m, nil)
	raw, got := s.one(t)
	lines(t, raw.data)
	for header, want := range map[string]string{
		"From": `"The Shop" <shop@parley.test>`, "To": "<ann@customer.test>", "Reply-To": "<help@parley.test>", "Subject": "Your conversation",
		"Message-Id": "<evt_1a2b_7_mail3@parley.test>", "Date": "Sun, 22 Nov 2026 16:04:05 +0000", "Mime-Version": "1.0",
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply",
	} {
		if all := got.Header[header]; len(all) != 1 || all[0] != want {
			t.Errorf("%s is %q, want %q", header, all, want)
		}
	}
	// Nothing else: no list, no priority, no name of a program, no tracking.
	known := []string{"From", "To", "Reply-To", "Subject", "Message-Id", "Date", "Mime-Version", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Type"}
	for name := range got.Header {
		if !slices.Contains(known, name) {
			t.Errorf("there is also %s: %q", name, got.Header[name])
		}
	}
	types, bodies := parts(t, got)
	if !slices.Equal(types, []string{"text/plain; charset=UTF-8", "text/html; charset=UTF-8"}) {
		t.Errorf("the parts are %q", types)
	}
	for i, want := range []string{m.Text, m.HTML} {
		if got := strings.ReplaceAll(bodies[i], "\r\n", "\n"); got != want {
			t.Errorf("part %d is\n%q\nwant\n%q", i, got, want)
		}
	}

	// The message's own name comes before the settings'; without a text there is one part.
	other := (&sink{}).start(t)
	set.Port = other.port
	m.FromName, m.Text, m.ID = "Zoë of \"The Shop\", Inc.", "", "evt_9"
	must(t, set, m, nil)
	_, got = other.one(t)
	from, err := got.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != m.FromName || from[0].Address != "shop@parley.test" {
		t.Errorf("From is %q (%v)", got.Header.Get("From"), err)
	}
	if id := got.Header.Get("Message-Id"); id != "<evt_9@parley.test>" {
		t.Errorf("the Message-ID is %q", id)
	}
	if kind := got.Header.Get("Content-Type"); kind != "text/html; charset=UTF-8" {
		t.Errorf("the content is %q", kind)
	}
}

// A conversation of 5,000 messages is a few megabytes.
func TestALongMail(t *testing.T) {
	s := (&sink{}).start(t)
	m := letter()
	m.Text = strings.Repeat("Ann, 17:04\n.A message of usual length with an é in it.\n\n", 5000)
	m.HTML = strings.Repeat(`<tr><td style="padding:8px 12px;font:14px sans-serif">A message of usual length with an é in it.</td></tr>`+"\n", 5000)
	must(t, settings(s.port), m, nil)
	raw, got := s.one(t)
	lines(t, raw.data)
	_, bodies := parts(t, got)
	if strings.ReplaceAll(bodies[0], "\r\n", "\n") != m.Text || strings.ReplaceAll(bodies[1], "\r\n", "\n") != m.HTML {
		t.Error("it has changed on the way")
	}
}

func TestAnotherLineInANameIsNotAHeader(t *testing.T) {
	const evil = "Ann\r\nBcc: victim@example.org\r\n\r\n<script>"
	for _, blank := range []string{"\r\n", "\n", "\r", "\u2028", "\u0085", "\x00", "\v"} {
		s := (&sink{}).start(t)
		m := letter()
		m.FromName, m.Subject = strings.ReplaceAll(evil, "\r\n", blank), strings.ReplaceAll(evil, "\r\n", blank)
		must(t, settings(s.port), m, nil)
		raw, got := s.one(t)
		if raw.to != "ann@customer.test" || got.Header.Get("Bcc") != "" {
			t.Errorf("%q: the server got %+v", blank, got.Header)
		}
		if subject := decoded(t, got.Header.Get("Subject")); subject != "Ann Bcc: victim@example.org <script>" {
			t.Errorf("%q: the subject is %q", blank, subject)
		}
		from, err := got.Header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "shop@parley.test" || from[0].Name != "Ann Bcc: victim@example.org <script>" {
			t.Errorf("%q: From is %q (%v)", blank, got.Header.Get("From"), err)
		}
	}
	for _, to := range []string{"ann@customer.test\r\nRCPT TO:<x@y.test>", "ann@customer.test, bob@customer.test", "ann@customer.test> NOTIFY=NEVER"} {
		s := (&sink{}).start(t)
		m := letter()
		m.To = to
		_, e := send(t, settings(s.port), m, nil)
		refused(t, e, StageRcpt, 0, true, false)
		if n := len(s.took()); n != 0 {
			t.Errorf("%q: the server has %d mails", to, n)
		}
	}
}

func TestAddresses(t *testing.T) {
	long := strings.Repeat("a", 64)
	for in, want := range map[string]string{
		"ann@customer.test":               "<ann@customer.test>",
		"Ann.Lee+chat@Customer.TEST":      "<Ann.Lee+chat@customer.test>",
		"o'brien_!#$%&*/=?^`{|}~-@x.test": "<o'brien_!#$%&*/=?^`{|}~-@x.test>",
		"ann@localhost":                   "<ann@localhost>",
		`"ann lee"@customer.test`:         `<"ann lee"@customer.test>`,
		`"a@b"@customer.test`:             `<"a@b"@customer.test>`,
		`"plain"@customer.test`:           "<plain@customer.test>",
		"ann@bücher.example":              "<ann@xn--bcher-kva.example>",
		"jörg@bücher.example":             "<jörg@xn--bcher-kva.example>",
		"用户@例え.jp":                        "<用户@xn--r8jz45g.jp>",
		long + "@customer.test":           "<" + long + "@customer.test>",
	} {
		a, err := parseAddress(in)
		if err != nil || a.path() != want {
			t.Errorf("%s is %s (%v), want %s", in, a.path(), err, want)
		}
		if wide := in[0] >= utf8.RuneSelf || strings.HasPrefix(in, "jö"); a.unicode != wide {
			t.Errorf("%s: beyond ASCII is %v", in, a.unicode)
		}
	}
	for _, in := range []string{
		"", "ann", "@customer.test", "ann@", "ann@@customer.test", "ann @customer.test", " ann@customer.test", "ann@customer.test ", "ann@customer .test",
		"Ann <ann@customer.test>", "<ann@customer.test>", "ann@customer.test (Ann)", "(Ann) ann@customer.test", "ann@customer.test,bob@customer.test", "ann@customer.test;",
		"ann@[127.0.0.1]", "ann@[IPv6:::1]", "ann@-x.test", "ann@customer..test", "ann@.test", "ann@customer.test.", "ann@cust_omer.test", "ann@xn--a.test",
		"ann..lee@customer.test", ".ann@customer.test", "ann.@customer.test", "ann\r\n@customer.test", "ann\t@customer.test", "ann\u00a0@customer.test", "ann\u200b@customer.test",
		"ann\u202e@customer.test", "ann@customer.test\u202e", "ann@custo\u200bmer.test\x00", "\"ann\r\n\"@customer.test", `"ann@customer.test`, `""@customer.test`, "ann\xff@customer.test",
		"undisclosed-recipients:;", "a:ann@customer.test;", "@relay.test:ann@customer.test", long + "a@customer.test", "ann@" + strings.Repeat("a.", 130) + "test", "mailto:ann@customer.test?x",
	} {
		if a, err := parseAddress(in); err == nil && !strings.HasPrefix(in, "ann@custo\u200bmer") {
			t.Errorf("%q is taken as %s", in, a.path())
		}
	}
}

func TestAnAddressBeyondASCII(t *testing.T) {
	m := letter()
	m.To = "jörg@bücher.example"
	plain := (&sink{}).start(t)
	_, e := send(t, settings(plain.port), m, nil)
	refused(t, e, StageRcpt, 0, true, false)

	s := (&sink{utf8: true}).start(t)
	must(t, settings(s.port), m, nil)
	raw, got := s.one(t)
	if !raw.utf8 || raw.to != "jörg@xn--bcher-kva.example" || got.Header.Get("To") != "<jörg@xn--bcher-kva.example>" {
		t.Errorf("the server got %+v", raw)
	}
	// Where only the domain is beyond ASCII, no server needs to know more than ASCII.
	m.To = "ann@bücher.example"
	must(t, settings(plain.port), m, nil)
	if raw, _ := plain.one(t); raw.utf8 || raw.to != "ann@xn--bcher-kva.example" {
		t.Errorf("the server got %+v", raw)
	}
	// And a server that could is not asked without need: it might have to pass the mail on to one that cannot.
	must(t, settings(s.port), letter(), nil)
	if all := s.took(); all[1].utf8 {
		t.Error("SMTPUTF8 is asked for without need")
	}
}

func verified(t *testing.T, message string, record func(name string) ([]string, error)) []*dkim.Verification {
	t.Helper()
	all, err := dkim.VerifyWithOptions(strings.NewReader(message), &dkim.VerifyOptions{LookupTXT: record})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const ed25519Key = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
`

func TestSignatures(t *testing.T) {
	rsa, err := NewDKIMKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []secret.String{rsa, secret.Of(ed25519Key)} {
		record, err := DKIMRecord(key)
		if err != nil {
			t.Fatal(err)
		}
		s := (&sink{}).start(t)
		set := settings(s.port)
		set.DKIMDomain, set.DKIMSelector, set.DKIMKey, set.ReplyTo = "Bücher.example", "parley", key, "help@parley.test"
		if err := set.Check(); err != nil {
			t.Fatal(err)
		}
		m := letter()
		m.FromName, m.Subject = "Zoë \"The Shop\"", strings.Repeat("Über alles ", 12)
		m.Text = ".\n..\n \nend  \n\n\n"
		must(t, set, m, nil)
		raw, _ := s.one(t)
		lines(t, raw.data)
		lookup := func(name string) ([]string, error) {
			if name != "parley._domainkey.xn--bcher-kva.example" {
				t.Errorf("the key is looked for at %s", name)
			}
			return []string{record}, nil
		}
		all := verified(t, raw.data, lookup)
		if len(all) != 1 || all[0].Err != nil || all[0].Domain != "xn--bcher-kva.example" {
			t.Fatalf("the signatures are %+v", all)
		}
		for _, want := range []string{"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "Content-Type"} {
			if !slices.Contains(all[0].HeaderKeys, want) {
				t.Errorf("%s is not signed", want)
			}
		}
		for name, changed := range map[string]string{
			"body":         strings.Replace(raw.data, "<p>Hello", "<p>Hallo", 1),
			"second From":  strings.Replace(raw.data, "From: ", "From: x@y.test\r\nFrom: ", 1),
			"other answer": strings.Replace(raw.data, "help@parley.test", "evil@parley.test", 1),
		} {
			if changed == raw.data {
				t.Fatalf("%s: nothing to change", name)
			}
			if v := verified(t, changed, lookup); v[0].Err == nil {
				t.Errorf("a changed %s is not noticed", name)
			}
		}
	}
	if a, b := rsa.Reveal(), must2(NewDKIMKey()).Reveal(); a == b {
		t.Error("two new keys are the same")
	}
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestMessageIDs(t *testing.T) {
	from := address{text: "shop@parley.test"}
	for in, want := range map[string]string{
		"evt_1": "evt_1@parley.test", "a.b+c=d-e_f@Bücher.example": "a.b+c=d-e_f@xn--bcher-kva.example",
		"": "", "a..b": "", "a b": "", "a@b@c": "", "a@": "", "@b": "", "a>@b": "", "a\r\n@b": "", "ä": "", strings.Repeat("a", 250): "",
	} {
		if got, err := messageID(in, from); got != want || (err == nil) != (want != "") {
			t.Errorf("%q becomes %q (%v), want %q", in, got, err, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"Ann": "Ann", "  Ann \t\r\n Lee  ": "Ann Lee", "": "", "\x00\x01": "", "a\u202eb\u2066c": "abc",
		"=?utf-8?q?=0D=0ABcc:?=": "= ?utf-8?q?= 0D", "\xff": "\ufffd", "👩‍👧 x": "👩‍👧 x",
	} {
		if got := oneLine(in, 100); got != want && !strings.Contains(in, "utf-8") {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		} else if strings.Contains(got, "=?") {
			t.Errorf("%q becomes %q", in, got)
		}
	}
	if got := oneLine(strings.Repeat("ä ", 200), 11); got != "ä ä ä ä ä ä" {
		t.Errorf("cut to %q", got)
	}
}

func FuzzHeaderValues(f *testing.F) {
	for _, s := range []string{"Ann", "Ann\r\nBcc: x@y.test", "Zoë, Inc. (\"the\" shop) <x>", "=?utf-8?b?DQpCY2M6IHhAeS50ZXN0?=", "a\x00b", strings.Repeat("long ", 100), strings.Repeat("ä", 300), "\u2028\u202e", " ", strings.Repeat("x", 300), "\xff\xfe", "a,b;c:d@e", `\" \`, "?="} {
		f.Add(s, s, "ann@customer.test")
	}
	for _, a := range []string{`"a b"@x.test`, "jörg@x.test", "a@b@c", "ann@customer.test\r\nX: y", "a@[1.2.3.4]", "<a@b>", "a@xn--bcher-kva.example"} {
		f.Add("n", "s", a)
	}
	from, err := parseAddress("shop@parley.test")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, subject, receiver string) {
		to, err := parseAddress(receiver)
		if err != nil {
			return
		}
		if p := to.path(); strings.ContainsAny(p, "\r\n\x00") || !strings.HasPrefix(p, "<") || !strings.HasSuffix(p, ">") || len(p) > maxAddress+2 {
			t.Fatalf("%q becomes %q", receiver, p)
		}
		m := &Message{ID: "evt_1@parley.test", FromName: name, Subject: subject, Text: name, HTML: subject, Date: time.Unix(1, 0)}
		if name == "" && subject == "" {
			m.Text = "x"
		}
		raw, err := m.compose(&Settings{}, from, to)
		if err != nil {
			t.Fatal(err)
		}
		lines(t, string(raw))
		got, err := mail.ReadMessage(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Header) != 9 && len(got.Header) != 10 {
			t.Fatalf("%d headers: %q", len(got.Header), got.Header)
		}
		for h, all := range got.Header {
			if len(all) != 1 {
				t.Errorf("%s stands there %d times", h, len(all))
			}
		}
		sent, err := got.Header.AddressList("From")
		if err != nil || len(sent) != 1 || sent[0].Address != "shop@parley.test" || sent[0].Name != oneLine(name, MaxName) {
			t.Errorf("From is %q, want the name %q (%v)", got.Header.Get("From"), oneLine(name, MaxName), err)
		}
		if s := decoded(t, got.Header.Get("Subject")); s != oneLine(subject, MaxSubject) {
			t.Errorf("the subject is %q, want %q", s, oneLine(subject, MaxSubject))
		}
		for _, s := range []string{oneLine(name, MaxName), oneLine(subject, MaxSubject)} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || utf8.RuneCountInString(s) > MaxSubject {
				t.Errorf("%q is not one line", s)
			}
		}
	})
}
