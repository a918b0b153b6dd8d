package letter

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/golden"
)

func TestMain(m *testing.M) { golden.Main(m) }

func write(t testing.TB, l *Letter) *Mail {
	t.Helper()
	m, err := l.Write()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var (
	kinds = []string{event.MailTranscript, event.MailMissed, event.MailReauth}
	langs = []string{"en", "de"}
)

func TestTheSamplesOfEveryKindAndLanguage(t *testing.T) {
	for _, kind := range kinds {
		for _, lang := range langs {
			t.Run(kind+"_"+lang, func(t *testing.T) {
				l := Sample(kind, lang)
				m := write(t, l)
				harmless(t, l, m)
				golden.Check(t, kind+"_"+lang+".html", []byte(m.HTML))
				golden.Check(t, kind+"_"+lang+".txt", []byte("Subject: "+m.Subject+"\n\n"+m.Text))
				if again := write(t, Sample(kind, lang)); *again != *m {
					t.Error("the same letter gives different bytes")
				}
			})
		}
	}
}

// remote are the attributes that make a mail program load something, or do something, by the element that may have them.
var remote = map[string]string{"src": "img", "href": "a"}

// allowed are the elements of a mail.
var allowed = strings.Fields("html head meta title style body table tr td p h1 div span a b i br img")

// harmless checks what holds for every mail: S-007, S-009, S-010, S-044.
func harmless(t testing.TB, l *Letter, m *Mail) {
	t.Helper()
	if m.Subject == "" || strings.ContainsFunc(m.Subject, hidden) || strings.ContainsAny(m.Subject, "\u2028\u2029") || len([]rune(m.Subject)) > maxShownSubject {
		t.Errorf("subject %q", m.Subject)
	}
	if m.Text == "" || strings.ContainsFunc(m.Text, func(r rune) bool { return r != '\n' && r != '\t' && hidden(r) }) {
		t.Errorf("text %q", m.Text)
	}
	links := map[string]bool{}
	for _, e := range elements(t, m.HTML) {
		if !slices.Contains(allowed, e.Name.Local) {
			t.Errorf("the mail has an element %s", e.Name.Local)
		}
		for _, a := range e.Attr {
			name := a.Name.Local
			switch {
			case remote[name] == e.Name.Local && name == "src":
				if percentDecoded(a.Value) != percentDecoded(l.Look.LogoURL) {
					t.Errorf("the mail loads %q", a.Value)
				}
			case remote[name] == e.Name.Local:
				if !regexp.MustCompile(`^(?i)https?://[^/?#@]`).MatchString(a.Value) {
					t.Errorf("the mail has a link to %q", a.Value)
				}
				links[a.Value] = true
			case slices.Contains([]string{"style", "class", "id", "lang", "dir", "role", "charset", "name", "content", "width", "height", "align", "bgcolor", "alt",
				"cellpadding", "cellspacing", "border"}, name):
				if strings.Contains(a.Value, "url(") || strings.Contains(a.Value, "expression") {
					t.Errorf("%s=%q", name, a.Value)
				}
			default:
				t.Errorf("the mail has an attribute %s=%q", name, a.Value)
			}
		}
	}
	style := m.HTML[strings.Index(m.HTML, "<style>"):strings.Index(m.HTML, "</style>")]
	for _, bad := range []string{"@import", "url(", "http", "ZgotmplZ"} {
		if strings.Contains(style, bad) {
			t.Errorf("the style sheet has %s", bad)
		}
	}
	if strings.Contains(m.HTML, "ZgotmplZ") || strings.Contains(m.HTML, "%!") || strings.Contains(m.Text, "%!") {
		t.Error("the template refused a value")
	}
	for link := range links {
		if link != "" && !strings.Contains(percentDecoded(m.Text), percentDecoded(link)) {
			t.Errorf("the text lacks the link %q", link)
		}
	}
}

var percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// percentDecoded evens out which signs of an address are written in percent: the HTML template has its own mind of it.
func percentDecoded(s string) string {
	return percent.ReplaceAllStringFunc(s, func(p string) string {
		var b byte
		for _, c := range p[1:] {
			b = b<<4 | byte(strings.IndexRune("0123456789abcdef", c|0x20))
		}
		return string([]byte{b})
	})
}

// elements parses a mail as XML, which forgives nothing.
func elements(t testing.TB, html string) (out []xml.StartElement) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("the mail is not well-formed: %v\n%s", err, html)
		}
		if e, ok := tok.(xml.StartElement); ok {
			out = append(out, e.Copy())
		}
	}
}

// shown is the text of a mail as a reader sees it: without tags and style sheet, with line breaks.
func shown(t testing.TB, html string) string {
	t.Helper()
	var b bytes.Buffer
	d := xml.NewDecoder(strings.NewReader(html[strings.Index(html, "<body"):]))
	d.Strict = false
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			// what follows </body> belongs to the part before
			return b.String()
		}
		switch e := tok.(type) {
		case xml.CharData:
			b.Write(e)
		case xml.StartElement:
			if e.Name.Local == "br" {
				b.WriteByte('\n')
			}
		}
	}
}

func said1(body string) *Letter {
	l := Sample(event.MailTranscript, "en")
	l.Messages = l.Messages[:1]
	l.Messages[0].Body = body
	return l
}

func TestS007WhatPeopleWriteIsText(t *testing.T) {
	for _, body := range []string{
		"<b>&", "<script>alert(1)</script>", "</div></td></table><form action='https://evil.example'><input/></form>", `"><img src=x onerror=alert(1)>`,
		"{{.Title}} {name} {widget}", "a  b   c", "<!-- x -->", "]]>", "&lt;b&gt; &amp;", "javascript:alert(1)", "👩‍👩‍👧‍👦 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 line one\nline two\n\nline four", "שלום עולם", "c:\\path\\x",
	} {
		l := said1(body)
		m := write(t, l)
		harmless(t, l, m)
		if got := shown(t, m.HTML); !strings.Contains(got, body) {
			t.Errorf("the HTML does not show %q:\n%s", body, got)
		}
		if !strings.Contains(m.Text, body) {
			t.Errorf("the text lacks %q", body)
		}
	}
	m := write(t, said1("<b>&"))
	if !strings.Contains(m.HTML, ">&lt;b&gt;&amp;<") {
		t.Error("not escaped")
	}
}

func TestDirectionSignsAndControlCharactersAreTakenOut(t *testing.T) {
	l := said1("a\u202eb\u2066c\u2069d\x00e\x1bf\ufeffg\r\nh\u2028i\rj\xffk")
	l.Messages[0].Sender.Name = "Ann\u202e\r\nBcc: x"
	m := write(t, l)
	harmless(t, l, m)
	want := "abcdefg\nh\ni\nj\ufffdk"
	if !strings.Contains(m.Text, want) || !strings.Contains(shown(t, m.HTML), want) {
		t.Errorf("want %q in\n%q", want, m.Text)
	}
	if !strings.Contains(m.Text, "Ann Bcc: x, 10:00:\n") {
		t.Errorf("the name:\n%s", m.Text)
	}
}

func TestS009SubjectsAreOneLine(t *testing.T) {
	for _, name := range []string{"Ann\r\nBcc: victim@example.com", "Ann\x00\x1b[2J", "\u2028\u2029", "\u202eevil", strings.Repeat("long ", 200), "\xff\xfe", "", "   "} {
		for _, kind := range kinds {
			l := Sample(kind, "en")
			l.Contact.Name, l.Look.Name = name, strings.ReplaceAll(name, "victim@", "")
			l.Texts.TranscriptSubject, l.Texts.MissedSubject, l.Texts.ReauthSubject = "{name} at {widget}", "{name}", "{name}\u2028{widget}"
			m := write(t, l)
			harmless(t, l, m)
			if strings.Contains(m.Subject, "victim@") {
				t.Errorf("subject %q", m.Subject)
			}
		}
	}
}

func TestANameThatIsAnAdvertisementGreetsNobody(t *testing.T) {
	for name, greets := range map[string]bool{
		"Ann": true, "Dr. J. R. Müller": true, "O'Neil-Smith, jr.": true, "Łukasz 李": true, "Win money: https://evil.example": false, "www.evil.example": false,
		"evil.example is great": false, "boss@corp.example": false, "click evil/win": false,
	} {
		l := Sample(event.MailReauth, "en")
		l.Contact.Name = name
		m := write(t, l)
		if got := strings.Contains(m.Text, "Hello "+name+","); got != greets {
			t.Errorf("%q greeted: %v, want %v\n%s", name, got, greets, m.Text)
		}
		if !greets && !strings.Contains(m.Text, "Hello,\n") {
			t.Errorf("%q:\n%s", name, m.Text)
		}
	}
}

func TestLinks(t *testing.T) {
	for text, want := range map[string]string{
		"see https://a.example/x.":                            "https://a.example/x",
		"(https://a.example/x)":                               "https://a.example/x",
		"https://a.example/wiki/X_(y)":                        "https://a.example/wiki/X_(y)",
		"HTTP://A.example, or":                                "HTTP://A.example",
		"https://a.example/?a=1&b=<c>":                        "https://a.example/?a=1&b=",
		"https://a.example/ü?q=ö":                             "https://a.example/ü?q=ö",
		`"https://a.example"`:                                 "https://a.example",
		"https://user:pw@a.example":                           "",
		"https://paypal.example@evil.example":                 "",
		"https://":                                            "",
		"https:///x":                                          "",
		"javascript://a.example/%0aalert(1)":                  "",
		"ftp://a.example":                                     "",
		"data:text/html,<b>":                                  "",
		"xhttps://a.example":                                  "",
		"https://a.example/" + strings.Repeat("x", 2000):      "",
		"https://a.example:port":                              "",
		"https://a.example/\u202ex":                           "https://a.example/x",
		"two https://a.example and https://b.example/c?d=e#f": "https://a.example https://b.example/c?d=e#f",
	} {
		var got []string
		var whole strings.Builder
		for _, s := range spans(clean(text)) {
			whole.WriteString(s.Text)
			if s.URL != "" {
				got = append(got, s.URL)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q links to %q, want %q", text, got, want)
		}
		if whole.String() != clean(text) {
			t.Errorf("%q became %q", text, whole.String())
		}
		harmless(t, said1(text), write(t, said1(text)))
	}
}

func TestS030ToS033EntriesInWords(t *testing.T) {
	by := func(typ event.PartyType, name string) *event.Party { return &event.Party{Type: typ, ID: 7, Name: name} }
	ann, bot, jane := by(event.ByOperator, "Annie"), by(event.BySystem, "CRM token"), by(event.ByContact, "Jane")
	for _, c := range []struct {
		typ, body string
		entry     event.Entry
		en, de    string
	}{
		{event.TypeEvent, "", event.Entry{Name: "ended", By: ann, Reason: "operator"}, "Annie ended the conversation", "Annie hat die Unterhaltung beendet"},
		{event.TypeEvent, "", event.Entry{Name: "ended", By: jane, Reason: "contact"}, "You ended the conversation", "Sie haben die Unterhaltung beendet"},
		{event.TypeEvent, "", event.Entry{Name: "ended", By: bot, Reason: "api"}, "The conversation was ended", "Die Unterhaltung wurde beendet"},
		{event.TypeEvent, "", event.Entry{Name: "ended", Reason: "timeout"}, "The conversation ended after a while without messages", "Die Unterhaltung endete nach einer Weile ohne Nachrichten"},
		{event.TypeEvent, "", event.Entry{Name: "reopened", By: ann}, "Annie opened the conversation again", "Annie hat die Unterhaltung wieder geöffnet"},
		{event.TypeEvent, "", event.Entry{Name: "session_ended", Reason: "timeout"}, "Paused after a while without messages", "Pause nach einer Weile ohne Nachrichten"},
		{event.TypeEvent, "", event.Entry{Name: "assigned", By: bot, Operator: ann}, "Annie joined the conversation", "Annie ist dabei"},
		{event.TypeEvent, "", event.Entry{Name: "forwarded", By: ann, Operator: by(event.ByOperator, "Bob")}, "Annie forwarded the conversation to Bob", "Annie hat die Unterhaltung an Bob weitergegeben"},
		{event.TypeEvent, "", event.Entry{Name: "forwarded", By: ann, Group: &event.Group{ID: 1, Name: "Secret group"}}, "Annie forwarded the conversation to a colleague", "Annie hat die Unterhaltung weitergegeben"},
		{event.TypeEvent, "", event.Entry{Name: "forwarded", By: bot, Operator: by(event.ByOperator, "Bob")}, "The conversation was forwarded to Bob", "Die Unterhaltung wurde an Bob weitergegeben"},
		{event.TypeEvent, "", event.Entry{Name: "channel_changed", By: jane, Channel: &event.Channel{ID: 1, Name: "SMS"}}, "The conversation goes on in SMS", "Die Unterhaltung geht in SMS weiter"},
		{event.TypeRating, "", event.Entry{Name: "rating", Rating: &event.Rating{Value: 4, Form: event.RateStars}}, "4 of 5 ★★★★☆", "4 von 5 ★★★★☆"},
		{event.TypeRating, "", event.Entry{Name: "rating", Rating: &event.Rating{Value: 5, Form: event.RateThumbs}}, "Good 👍", "Gut 👍"},
		{event.TypeRating, "", event.Entry{Name: "rating", Rating: &event.Rating{Value: 1, Form: event.RateThumbs}}, "Not good 👎", "Nicht gut 👎"},
		{event.TypeFeedback, "great", event.Entry{Name: "feedback"}, "Feedback, 10:00:\ngreat", "Rückmeldung, 10:00:\ngreat"},
		{event.TypeSurvey, "", event.Entry{Name: "survey", Survey: &event.Survey{Question: "How?", Option: "So"}}, "Survey, 10:00:\nHow?\nSo", "Umfrage, 10:00:\nHow?\nSo"},
	} {
		for lang, want := range map[string]string{"en": c.en, "de": c.de} {
			l := Sample(event.MailTranscript, lang)
			m := l.Messages[0]
			m.Type, m.Body, m.Entry, m.Sender = c.typ, c.body, &c.entry, event.Party{Type: event.BySystem}
			l.Messages = l.Messages[:1]
			mail := write(t, l)
			harmless(t, l, mail)
			if !strings.Contains(mail.Text, want) || !strings.Contains(mail.Text, "10:00") {
				t.Errorf("%s, want %q in:\n%s", lang, want, mail.Text)
			}
			page := shown(t, mail.HTML)
			for _, w := range strings.FieldsFunc(want, func(r rune) bool { return strings.ContainsRune("\n:,★☆👍👎", r) }) {
				if !strings.Contains(page, strings.TrimSpace(w)) {
					t.Errorf("%s, want %q in:\n%s", lang, w, page)
				}
			}
			for _, inside := range []string{"CRM token", "Secret group"} {
				if strings.Contains(mail.HTML+mail.Text, inside) {
					t.Errorf("the mail tells %q", inside)
				}
			}
		}
	}
}

func TestGoalsAreForTheCompany(t *testing.T) {
	l := Sample(event.MailTranscript, "en")
	if m := write(t, l); strings.Contains(m.Text, "Goal") {
		t.Error("the contact is told what the company measures")
	}
	l.Receiver = "boss@example.com"
	m := write(t, l)
	if !strings.Contains(m.Text, "* Goal reached: Manual, 10:") || !strings.Contains(m.HTML, "Goal reached: Manual") {
		t.Errorf("no goal:\n%s", m.Text)
	}
	if strings.Contains(m.Text, "Hello Jane Miller") {
		t.Error("somebody else is called by the contact's name")
	}
}

func TestS035NoDeadLinks(t *testing.T) {
	for _, kind := range kinds {
		for _, url := range []string{"", "javascript:alert(1)", "/help", "mailto:a@b.example", "https://user@x.example"} {
			l := Sample(kind, "en")
			l.ConversationURL, l.ReauthLink, l.MediaURL = url, url, func(*event.Media) string { return url }
			for _, m := range l.Messages {
				m.Body = "words"
			}
			m := write(t, l)
			harmless(t, l, m)
			if strings.Contains(m.HTML, "<a ") || strings.Contains(m.Text, "http") || strings.Contains(m.Text, "sign") && kind != event.MailReauth {
				t.Errorf("%s with %q has links:\n%s", kind, url, m.Text)
			}
			if kind == event.MailReauth && (!strings.Contains(m.HTML, ">K7QX3-9M2TD<") || !strings.Contains(m.Text, "Type this code into the chat:\n\n    K7QX3-9M2TD\n")) {
				t.Error("no code")
			}
		}
	}
}

func TestDeletedMessagesAndNotes(t *testing.T) {
	l := Sample(event.MailTranscript, "en")
	l.Messages[0].DeletedAt, l.Messages[0].Body = l.At, "secret of the deleted"
	l.Messages[1].ReferenceID = l.Messages[0].ID
	l.Messages[2].DeletedAt = l.At // with its file
	l.Messages[3].Note, l.Messages[3].Body = true, "secret note"
	m := write(t, l)
	body, err := l.Callback(m, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"secret", l.Messages[2].Media.Key} {
		if bytes.Contains(body, []byte(secret)) {
			t.Errorf("the mail has %q", secret)
		}
	}
	if strings.Count(m.Text, "(This message was deleted)") != 3 || strings.Count(m.HTML, "This message was deleted") != 3 {
		t.Errorf("deleted messages:\n%s", m.Text)
	}
}

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		media event.Media
		want  string
	}{
		{event.Media{Kind: event.MediaImage, State: event.MediaStored, Name: "a.png", Size: 482133}, "[a.png · Picture · 471 kB]\nhttps://x.example/f"},
		{event.Media{Kind: event.MediaVoice, State: event.MediaStored, Name: "voice.webm", Size: 1023, DurationMS: 64999}, "[Voice message · 1:04 · 1023 B]\nhttps://x.example/f"},
		{event.Media{Kind: event.MediaPDF, State: event.MediaStored, Name: "\u202egpj.exe", Size: 1 << 20}, "[gpj.exe · PDF · 1 MB]\nhttps://x.example/f"},
		{event.Media{Kind: event.MediaVideo, State: event.MediaStored, Name: "", Size: 1572864}, "[Video · Video · 1.5 MB]\nhttps://x.example/f"},
		{event.Media{Kind: event.MediaAudio, State: event.MediaFetching, Name: "x.ogg"}, "[x.ogg · Audio · not available yet]\n"},
		{event.Media{Kind: event.MediaFile, State: event.MediaFailed, Name: "x.zip", Size: 5}, "[x.zip · File · could not be fetched]\n"},
	} {
		l := said1("")
		l.MediaURL = func(*event.Media) string { return "https://x.example/f" }
		l.Messages[0].Type, l.Messages[0].Media = event.TypeMedia, &c.media
		m := write(t, l)
		harmless(t, l, m)
		if !strings.Contains(m.Text, c.want) {
			t.Errorf("want %q in:\n%s", c.want, m.Text)
		}
		if strings.Contains(m.HTML, "x.example") != (c.media.State == event.MediaStored) || strings.Contains(m.Text, "stop working") != (c.media.State == event.MediaStored) {
			t.Errorf("links of %v", c.media)
		}
	}
}

func TestSessionsAndDays(t *testing.T) {
	l := Sample(event.MailTranscript, "de")
	l.Messages = l.Messages[:4]
	at := l.Messages[0].SentAt
	l.Messages[1].SentAt, l.Messages[1].SessionID = at.Add(time.Hour), 99
	l.Messages[2].SentAt, l.Messages[2].SessionID = at.Add(16*time.Hour), 99
	l.Messages[3].SentAt, l.Messages[3].SessionID = at.Add(48*time.Hour), 100
	m := write(t, l)
	last := -1
	for _, want := range []string{"[ Montag, 2. März 2026 ]", "[ Fortgesetzt um 11:00 ]", "[ Dienstag, 3. März 2026 ]", "[ Fortgesetzt am Mittwoch, 4. März 2026 ]"} {
		i := strings.Index(m.Text, want)
		if i <= last {
			t.Errorf("%q is at %d, after %d:\n%s", want, i, last, m.Text)
		}
		last = i
	}
	l.At = l.At.In(time.FixedZone("Berlin", 3600))
	if m = write(t, l); !strings.Contains(m.Text, "Uhrzeiten in Berlin.") || !strings.Contains(m.Text, "Jana Müller, 11:00:") {
		t.Errorf("another zone:\n%s", m.Text)
	}
}

func TestTheTextsOfAWidget(t *testing.T) {
	l := Sample(event.MailTranscript, "en")
	l.Texts = Texts{TranscriptSubject: "{widget}: your chat, {name}", TranscriptIntro: "<b>Dear {name}</b>,\n\nsee https://shop.example/faq.\nBye", Footer: "Lamp Ltd.\n\nBerlin"}
	l.Look.LogoURL = "https://shop.example/logo.png?a=1&b=2"
	m := write(t, l)
	harmless(t, l, m)
	if m.Subject != "Lamp & Light: your chat, Jane Miller" {
		t.Errorf("subject %q", m.Subject)
	}
	for _, want := range []string{"<b>Dear Jane Miller</b>,\n\nsee https://shop.example/faq.\nBye\n", "-- \nLamp Ltd.\n\nBerlin\n"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("want %q in:\n%s", want, m.Text)
		}
	}
	for _, want := range []string{`src="https://shop.example/logo.png?a=1&amp;b=2"`, "&lt;b&gt;Dear Jane Miller&lt;/b&gt;,</p>", `see <a href="https://shop.example/faq"`} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("want %q in the HTML", want)
		}
	}
	l.Look.LogoURL = "http://shop.example/logo.png"
	if m = write(t, l); strings.Contains(m.HTML, "<img") {
		t.Error("a logo without TLS is shown")
	}
	// A name is put in once.
	l.Contact.Name, l.Look.Name = "{widget}", "{name}"
	if m = write(t, l); m.Subject != "{name}: your chat, {widget}" {
		t.Errorf("subject %q", m.Subject)
	}
}

func TestCheckTexts(t *testing.T) {
	if err := (Texts{}).Check(); err != nil {
		t.Error(err)
	}
	for _, lang := range langs {
		if err := Defaults(lang).Check(); err != nil {
			t.Error(err)
		}
		d := Defaults(lang)
		for _, s := range []string{d.TranscriptSubject, d.TranscriptIntro, d.MissedSubject, d.MissedIntro, d.ReauthSubject, d.ReauthIntro, d.Footer} {
			if s == "" {
				t.Errorf("%s lacks a default", lang)
			}
		}
	}
	if Defaults("de-AT") != Defaults("de") || Defaults("fr") != Defaults("en") || Defaults("") != Defaults("en") {
		t.Error("the language of the defaults")
	}
	ok := Texts{TranscriptSubject: strings.Repeat("ü", MaxSubject), TranscriptIntro: strings.Repeat("ü\r\n", 600), Footer: "{name} {widget} {\"json\":1} {X}"}
	if err := ok.Check(); err != nil {
		t.Error(err)
	}
	bad := Texts{TranscriptSubject: "a\nb", MissedSubject: strings.Repeat("x", MaxSubject+1), ReauthSubject: "\xff", TranscriptIntro: "a\x00", MissedIntro: "{nmae}", ReauthIntro: strings.Repeat("x", MaxText+1), Footer: "\x7f"}
	var got []string
	e := fault.As(bad.Check())
	for _, f := range append([]*fault.Error{e}, e.Others...) {
		got = append(got, f.Field+" "+string(f.Code))
	}
	want := []string{
		"texts.transcript_subject " + string(fault.TextInvalid), "texts.transcript_intro " + string(fault.TextInvalid), "texts.missed_subject " + string(fault.TextTooLong),
		"texts.missed_intro " + string(fault.FieldInvalid), "texts.reauth_subject " + string(fault.TextInvalid), "texts.reauth_intro " + string(fault.TextTooLong), "texts.footer " + string(fault.TextInvalid),
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults %q, want %q", got, want)
	}
}

func TestHowLongAWayInCounts(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "eine Stunde", time.Hour: "eine Stunde", time.Hour - time.Millisecond: "eine Stunde", 30 * time.Minute: "30 Minuten", 90 * time.Minute: "90 Minuten", 2 * time.Hour: "2 Stunden",
		24*time.Hour + time.Microsecond: "einen Tag", 25 * time.Hour: "25 Stunden", 7*24*time.Hour - time.Second: "7 Tage", 60 * time.Hour: "2 Tage",
	} {
		l := Sample(event.MailReauth, "de")
		l.Lasts = d
		if m := write(t, l); !strings.Contains(m.Text, "Link und Code gelten "+want+" und") {
			t.Errorf("%v, want %q:\n%s", d, want, m.Text)
		}
	}
}

func TestBadLetters(t *testing.T) {
	for name, l := range map[string]*Letter{
		"no kind":         {Receiver: "a@b.example"},
		"no conversation": {Kind: event.MailTranscript, Receiver: "a@b.example"},
		"no code":         {Kind: event.MailReauth, Receiver: "a@b.example"},
		"no receiver":     {Kind: event.MailReauth, ReauthCode: "X"},
	} {
		if _, err := l.Write(); err == nil {
			t.Errorf("%s is written", name)
		}
		if _, err := l.Callback(&Mail{}, false); err == nil {
			t.Errorf("%s has a callback", name)
		}
	}
	for _, to := range []string{"a", "@b", "a@", "Ann <a@b.example>", "a@b.example\r\nBcc: c@d.example", "a@b.example,c@d.example", "a@b.example c", "\xff@b.example", "a@b.example\u202e"} {
		l := Sample(event.MailReauth, "en")
		l.Receiver = to
		if _, err := l.Write(); err == nil {
			t.Errorf("a mail to %q is written", to)
		}
	}
	// The least that each kind needs.
	for _, l := range []*Letter{
		{Kind: event.MailReauth, ReauthCode: "X", Receiver: "ü+x'y@bücher.example"},
		{Kind: event.MailTranscript, Conversation: &event.Conversation{}, Receiver: "a@b"},
		{Kind: event.MailMissed, Conversation: &event.Conversation{}, Receiver: "a@b", Messages: []*event.Message{{}, {Type: event.TypeEvent}, {Type: event.TypeRating}, {Type: event.TypeSurvey}}},
	} {
		m := write(t, l)
		harmless(t, l, m)
		if strings.Contains(m.HTML+m.Text+m.Subject, "{") && !strings.Contains(m.HTML, "{ color-scheme") {
			t.Error("a placeholder is left")
		}
	}
}

// S-029: a long conversation is written quickly, and holds everything.
func TestS029FiveThousandMessages(t *testing.T) {
	l := long(5000)
	start := time.Now()
	m := write(t, l)
	body, err := l.Callback(m, false)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("5,000 messages: %v, %d bytes of HTML, %d of text, %d of JSON", took, len(m.HTML), len(m.Text), len(body))
	if took > 30*time.Second { // a tenth of a second on an idle machine; this finds what grows with the square
		t.Errorf("it took %v", took)
	}
	for _, s := range []string{m.HTML, m.Text} {
		at := 0
		for n := range 5000 {
			i := strings.Index(s[at:], wordOf(n))
			if i < 0 {
				t.Fatalf("message %d is not in its place", n)
			}
			at += i
		}
	}
}

func wordOf(n int) string { return "number-" + strings.Repeat("i", n%7) + string(rune('a'+n%26)) }

func long(n int) *Letter {
	l := Sample(event.MailTranscript, "en")
	sample := l.Messages
	l.Messages = nil
	for i := range n {
		m := *sample[i%2]
		m.ID, m.Number, m.SentAt = m.ID+1e6, i+1, sample[0].SentAt.Add(time.Duration(i)*time.Minute)
		m.Body = "This is message " + wordOf(i) + " of a long talk, with https://shop.example/lamps in it.\nAnd a second line & more."
		l.Messages = append(l.Messages, &m)
	}
	return l
}

func BenchmarkWriteFiveThousandMessages(b *testing.B) {
	l := long(5000)
	b.ReportAllocs()
	for b.Loop() {
		m, err := l.Write()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := l.Callback(m, false); err != nil {
			b.Fatal(err)
		}
	}
}
