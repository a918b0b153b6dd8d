package letter

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/event"
)

// Look is what a widget looks like.
type Look struct {
	Name string
	// Color is the brand colour, like #4f46e5; anything else counts as the default.
	Color string
	// LogoURL is the address of a picture that stands instead of the name, "" for none. Only https is shown.
	LogoURL string
}

// Letter is a mail before it is written.
type Letter struct {
	// Kind is one of the event package's mail kinds.
	Kind string
	// Lang is the widget's language; others than English and German are written in English.
	Lang  string
	Look  Look
	Texts Texts
	// Receiver is a bare address. The mail says "you" where it is the contact's own.
	Receiver string
	// Conversation is nil for a mail of the kind reauth.
	Conversation *event.Conversation
	// Contact is who the mail is about; nil counts as the conversation's.
	Contact *event.Contact
	// Messages are what the mail tells of, in order: the whole conversation, or the answers that were missed. Notes among them are left out.
	Messages []*event.Message
	// MediaURL returns the address of a file, "" while it has none; nil is the same for all files. Only http and https count.
	MediaURL func(*event.Media) string
	// ConversationURL, ReauthLink and ReauthCode are the ways in; what is "" or leads nowhere in the web is not in the mail.
	ConversationURL, ReauthLink, ReauthCode string
	// Lasts is for how long the way in counts. 0 is an hour for reauth; elsewhere it means that the link signs
	// nobody in, and nothing is said about it.
	Lasts time.Duration
	// At is when the mail is written. Its zone is the one in which the mail shows times.
	At time.Time
}

// Mail is a written mail: a subject of one line, and two forms of the same text.
type Mail struct{ Subject, HTML, Text string }

// maxShownSubject is the length of a subject with the names in it, in characters.
const maxShownSubject = 250

// EmailType is what the callback calls a kind of mail: "transcript" or "reauth" (S-011). A mail about missed answers is a transcript.
func EmailType(kind string) string {
	if kind == event.MailReauth {
		return event.MailReauth
	}
	return event.MailTranscript
}

// Write writes the mail. It fails on a letter that lacks what its kind needs. The same letter gives the same bytes.
func (l *Letter) Write() (*Mail, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	p := l.page()
	html, err := p.html()
	if err != nil {
		return nil, fmt.Errorf("write a %s mail: %w", l.Kind, err)
	}
	return &Mail{Subject: p.Title, HTML: html, Text: p.plain()}, nil
}

func (l *Letter) check() error {
	switch l.Kind {
	case event.MailReauth:
		if l.ReauthCode == "" {
			return errors.New("a mail to sign in by needs a code")
		}
	case event.MailTranscript, event.MailMissed:
		if l.Conversation == nil {
			return fmt.Errorf("a %s mail needs a conversation", l.Kind)
		}
	default:
		return fmt.Errorf("there are no mails of the kind %q", l.Kind)
	}
	return checkReceiver(l.Receiver)
}

func checkReceiver(s string) error {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || !utf8.ValidString(s) || strings.ContainsFunc(s, hidden) || strings.ContainsAny(s, " <>,;\n\t\u2028\u2029") {
		return errors.New("the receiver is not a bare mail address")
	}
	return nil
}

func (l *Letter) contact() *event.Contact {
	switch {
	case l.Contact != nil:
		return l.Contact
	case l.Conversation != nil:
		return &l.Conversation.Contact
	}
	return &event.Contact{}
}

// own reports whether the mail goes to the contact, not to somebody of whom an operator thought.
func (l *Letter) own() bool {
	return l.Kind != event.MailTranscript || strings.EqualFold(l.Receiver, l.contact().Email)
}

func (l *Letter) zone() *time.Location { return l.At.Location() }

// way is a way in, "" where it leads nowhere.
func way(url string) string {
	if !linkable(url) {
		return ""
	}
	return url
}

// page is a mail as its two forms show it.
type page struct {
	palette
	Lang, Title, Name, Logo string
	Intro                   [][]span
	// Button stands above the thread, or below it where Below says so.
	Button, Label string
	Below         bool
	ButtonNote    string
	CodeIntro     string
	Code          string
	Items         []item
	// Notes end what the mail says, Small stands below everything.
	Notes []string
	Small [][]span
}

func (l *Letter) page() *page {
	w := in(l.Lang)
	subject, intro, footer := l.Texts.of(l.Kind, w.texts)
	widget, name := line(l.Look.Name, maxName), ""
	if l.own() {
		name = greetable(l.contact().Name)
	}
	p := &page{
		palette: colors(l.Look.Color), Lang: w.lang, Name: cmp.Or(widget, w.team), Below: l.Kind == event.MailMissed,
		Title: line(fill(subject, name, widget), maxShownSubject), Intro: paragraphs(fill(intro, name, widget)), Small: paragraphs(fill(footer, name, widget)),
	}
	if p.Title == "" { // a subject of {name} alone, and no name
		def, _, _ := Texts{}.of(l.Kind, w.texts)
		p.Title = line(fill(def, name, p.Name), maxShownSubject)
	}
	if logo := way(l.Look.LogoURL); strings.HasPrefix(strings.ToLower(logo), "https:") {
		p.Logo = logo
	}
	if l.Kind == event.MailReauth {
		p.Button, p.Label, p.Code, p.CodeIntro = way(l.ReauthLink), w.signIn, line(l.ReauthCode, 40), w.code
		counts := w.counts
		if p.Button == "" {
			p.CodeIntro, counts = w.codeOnly, w.codeCounts
		}
		p.Notes = []string{fmt.Sprintf(counts, w.lasting(cmp.Or(l.Lasts, time.Hour))), w.ignore}
		return p
	}
	p.Button, p.Label = way(l.ConversationURL), w.open
	if p.Below {
		p.Label, p.Notes = w.answer, []string{w.noReplies}
	}
	if p.Button != "" && l.Lasts > 0 {
		p.ButtonNote = fmt.Sprintf(w.signsIn, w.lasting(l.Lasts))
	}
	var files bool
	p.Items, files = l.thread(w)
	about := ""
	if len(p.Items) > 0 {
		about = fmt.Sprintf(w.zone, l.zoneName())
	}
	if files {
		about = w.files + " " + about
	}
	if about != "" {
		p.Small = append(p.Small, spans(about))
	}
	return p
}

func (l *Letter) zoneName() string {
	if name := l.zone().String(); name != "Local" {
		return name
	}
	name, _ := l.At.Zone()
	return name
}
