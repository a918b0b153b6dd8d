package mail

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/mail/letter"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

// Limits of a widget's settings of mails.
const (
	MaxURL      = 2000 // bytes
	MaxToken    = 200  // visible ASCII characters
	MaxFromName = 80   // characters
	// MinMissedAfter and MaxMissedAfter bound the time after which a missed answer goes by mail, in seconds.
	MinMissedAfter = 60
	MaxMissedAfter = 86400
)

// Settings are what a widget says of mails.
type Settings struct {
	Widget id.Widget
	// InboundURL is the page of the customer's website to which links in mails lead (S-036), "" for none.
	InboundURL string
	// Callback says that mails go to CallbackURL instead of the mail server (S-003). TokenHint is the end of a token that is long enough
	// to show some of it.
	Callback    bool
	CallbackURL string
	HasToken    bool
	TokenHint   string
	// ContextAsText writes the callback's context as a text of JSON instead of an object.
	ContextAsText bool
	// TranscriptOnEnd sends contacts with an address what was said when a conversation ends; TranscriptOffer lets them ask for it.
	TranscriptOnEnd bool
	TranscriptOffer bool
	// SignIn lets contacts sign in again by mail.
	SignIn bool
	// MissedAfter is after how many seconds a contact who has not read an answer gets it by mail: 0 for never, else MinMissedAfter to
	// MaxMissedAfter.
	MissedAfter int
	FromName    string // "" for the mail server's
	LogoURL     string // https, "" for none
	// Texts are the widget's own; "" where the default counts, which DefaultTexts has.
	Texts        letter.Texts
	DefaultTexts letter.Texts
	// State is OK, Waiting or Failing; Reason says why, in words. They, Backlog and DefaultTexts are filled in answers only.
	State  string
	Reason string
	// Backlog counts the widget's mails that are not sent yet.
	Backlog int

	token    secret.String
	callback *url.URL // nil where CallbackURL is none
	unfit    error    // why the token cannot be read; sealed is what is stored of it then, and stays until there is another
	sealed   string
}

// Draft is what somebody wants of a widget's settings; nil fields stay as they are.
type Draft struct {
	InboundURL      *string
	Callback        *bool
	CallbackURL     *string
	Token           *string // "" takes it away
	ContextAsText   *bool
	TranscriptOnEnd *bool
	TranscriptOffer *bool
	SignIn          *bool
	MissedAfter     *int
	FromName        *string
	LogoURL         *string
	// Texts replaces the texts that are not nil.
	Texts *TextsDraft
}

// TextsDraft are texts to be changed; nil ones stay, "" brings the default back.
type TextsDraft struct {
	TranscriptSubject, TranscriptIntro *string
	MissedSubject, MissedIntro         *string
	ReauthSubject, ReauthIntro         *string
	Footer                             *string
}

// standing are the settings of a widget that nobody has set.
func standing(w id.Widget) *Settings { return &Settings{Widget: w, SignIn: true} }

// derive fills what follows from the rest.
func (s *Settings) derive() {
	s.HasToken = !s.token.IsZero()
	s.TokenHint = ""
	if v := s.token.Reveal(); len(v) >= 16 {
		s.TokenHint = v[len(v)-4:]
	}
	s.callback = nil
	if s.CallbackURL != "" {
		if u, refused := outhttp.CheckURL(s.CallbackURL); refused == nil {
			s.callback = u
		}
	}
}

// apply puts a draft into s. The faults name the fields of the API.
func (s *Settings) apply(d Draft, door *outhttp.Client) error {
	var c fault.Collect
	if d.InboundURL != nil {
		s.InboundURL = strings.TrimSpace(*d.InboundURL)
		c.Add(checkPage(s.InboundURL, "inbound_url", "http", "https"))
	}
	if d.LogoURL != nil {
		s.LogoURL = strings.TrimSpace(*d.LogoURL)
		c.Add(checkPage(s.LogoURL, "logo_url", "https"))
	}
	set(&s.Callback, d.Callback)
	if d.CallbackURL != nil {
		before := s.CallbackURL
		s.CallbackURL = strings.TrimSpace(*d.CallbackURL)
		if s.CallbackURL != "" {
			f := checkCallback(s.CallbackURL, door)
			if f == nil && d.Token == nil && (!s.token.IsZero() || s.unfit != nil) && originOf(before) != originOf(s.CallbackURL) {
				f = fault.New(fault.FieldRequired, "give the token again: nobody but the server that it was made for may get it").At("custom_email_api.token")
			}
			c.Add(f)
		}
	}
	if s.Callback && s.CallbackURL == "" {
		c.Add(fault.New(fault.MailCallbackURL, "a callback needs its URL").At("custom_email_api.url"))
	}
	if d.Token != nil {
		if *d.Token != "" && (len(*d.Token) > MaxToken || strings.ContainsFunc(*d.Token, func(r rune) bool { return r <= ' ' || r > '~' })) {
			c.Add(fault.Newf(fault.FieldInvalid, "a token has 1 to %d visible ASCII characters without blanks", MaxToken).At("custom_email_api.token"))
		} else {
			s.token, s.unfit, s.sealed = secret.Of(*d.Token), nil, ""
		}
	}
	set(&s.ContextAsText, d.ContextAsText)
	set(&s.TranscriptOnEnd, d.TranscriptOnEnd)
	set(&s.TranscriptOffer, d.TranscriptOffer)
	set(&s.SignIn, d.SignIn)
	set(&s.MissedAfter, d.MissedAfter)
	if n := s.MissedAfter; n != 0 && (n < MinMissedAfter || n > MaxMissedAfter) {
		c.Add(fault.Newf(fault.FieldInvalid, "the time is 0 for no such mails, or %d to %d seconds", MinMissedAfter, MaxMissedAfter).At("missed_after_seconds"))
	}
	if d.FromName != nil {
		s.FromName = strings.TrimSpace(*d.FromName)
		if !plain(s.FromName) || utf8.RuneCountInString(s.FromName) > MaxFromName {
			c.Add(fault.Newf(fault.FieldInvalid, "the sender's name is one line of at most %d characters", MaxFromName).At("from_name"))
		}
	}
	if d.Texts != nil {
		d.Texts.apply(&s.Texts)
		c.Add(checkTexts(s.Texts))
	}
	s.derive()
	return c.Err()
}

// originOf is which server a URL leads to.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

func (d *TextsDraft) apply(t *letter.Texts) {
	set(&t.TranscriptSubject, d.TranscriptSubject)
	set(&t.TranscriptIntro, d.TranscriptIntro)
	set(&t.MissedSubject, d.MissedSubject)
	set(&t.MissedIntro, d.MissedIntro)
	set(&t.ReauthSubject, d.ReauthSubject)
	set(&t.ReauthIntro, d.ReauthIntro)
	set(&t.Footer, d.Footer)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// checkTexts checks texts as they come in.
func checkTexts(t letter.Texts) *fault.Error {
	if err := t.Check(); err != nil {
		return fault.As(err)
	}
	return nil
}

func plain(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }

// checkPage refuses what cannot stand in a link: it must be absolute, of one of the schemes, and without credentials (S-036). "" is none.
func checkPage(v, field string, schemes ...string) *fault.Error {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	known := false
	for _, s := range schemes {
		known = known || err == nil && strings.EqualFold(u.Scheme, s)
	}
	switch {
	case len(v) > MaxURL:
		return fault.Newf(fault.TextTooLong, "an address has at most %d bytes", MaxURL).At(field)
	case !plain(v) || strings.ContainsAny(v, " \"<>\\^`{|}") || !known || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return fault.Newf(fault.FieldInvalid, "this is not an absolute address that begins with %s://", strings.Join(schemes, ":// or ")).At(field)
	case u.User != nil:
		return fault.New(fault.FieldInvalid, "an address in a mail has no user name and no password").At(field)
	}
	return nil
}

func checkCallback(v string, door *outhttp.Client) *fault.Error {
	const at = "custom_email_api.url"
	u, f := outhttp.CheckURL(v)
	if f != nil {
		return fault.New(fault.MailCallbackURL, f.Detail).At(at)
	}
	if f = door.CheckHost(u, nil); f != nil {
		return f.At(at)
	}
	return nil
}

// OfWidget returns what a widget says of mails. The fault is widget.not_found for an unknown one.
func (d *Desk) OfWidget(ctx context.Context, by team.Actor, w id.Widget) (*Settings, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var out *Settings
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		out, err = d.shown(tx, w)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("mail settings of widget %d: %w", w, err)
	}
	return out, nil
}

// shown is what an admin sees of a widget's settings.
func (d *Desk) shown(tx *db.Tx, w id.Widget) (*Settings, error) {
	of, err := widget.Get(tx, w)
	if err != nil {
		return nil, err
	}
	r, err := d.roster(tx)
	if err != nil {
		return nil, err
	}
	one := *r.of(w)
	one.token = secret.String{} // nobody prints by accident what they do not have
	one.DefaultTexts = letter.Defaults(of.Lang)
	target, err := findTarget(tx, w)
	if err != nil {
		return nil, err
	}
	if one.State, one.Reason, one.Backlog, err = health(tx, target); err != nil {
		return nil, err
	}
	return &one, nil
}

// SetOfWidget changes what a widget says of mails. What waited goes on, and goes out as the settings are now.
func (d *Desk) SetOfWidget(ctx context.Context, by team.Actor, w id.Widget, draft Draft) (*Settings, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var out *Settings
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		if err := delivery.Lock(tx, Deliveries, int64(w)); err != nil {
			return err
		}
		if _, err := widget.Get(tx, w); err != nil {
			return err
		}
		s, err := lockSettings(tx, d.Sealer, w)
		if err != nil {
			return err
		}
		if err := s.apply(draft, d.HTTP); err != nil {
			return err
		}
		if err := saveSettings(tx, d.Sealer, s); err != nil {
			return err
		}
		if err := d.changed(tx); err != nil {
			return err
		}
		target, err := findTarget(tx, w)
		if err != nil {
			return err
		}
		if err := resume(tx, target); err != nil {
			return err
		}
		out, err = d.shown(tx, w)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("change mail settings of widget %d: %w", w, err)
	}
	return out, nil
}

// TestCallback posts an empty body with the token to the widget's callback, with the settings as they are saved (S-042). The fault is
// mail.callback_url_refused where there is no URL; that the other side fails is no error.
func (d *Desk) TestCallback(ctx context.Context, by team.Actor, w id.Widget) (*Tested, error) {
	if _, err := d.OfWidget(ctx, by, w); err != nil { // it exists, and the actor may
		return nil, err
	}
	r, err := d.now(ctx)
	if err != nil {
		return nil, fmt.Errorf("test the callback of widget %d: %w", w, err)
	}
	s := r.of(w)
	if s.callback == nil {
		return nil, fault.New(fault.MailCallbackURL, "save a callback URL before you test it").At("custom_email_api.url")
	}
	if s.unfit != nil { // without the token it would test something else
		return &Tested{Detail: unreadableToken}, nil
	}
	veil := d.veil(s.token.Reveal(), 0)
	start := d.DB.Now()
	answer, err := d.HTTP.Do(ctx, outhttp.Request{Method: http.MethodPost, URL: s.callback, Header: d.header(s), Timeout: callbackTime})
	out := &Tested{Took: d.DB.Now().Sub(start)}
	if err != nil {
		out.Detail = veil.Replace(reasonOf(err))
		return out, nil
	}
	out.Status, out.OK = answer.Status, answer.Status >= 200 && answer.Status <= 299
	out.Detail = fmt.Sprintf("the server answered %d", answer.Status)
	if said := firstLine([]byte(veil.Replace(string(answer.Body)))); said != "" {
		out.Detail += ": " + said
	}
	return out, nil
}

// Preview shows a mail of the widget with made-up content; texts, if not nil, count instead of the saved ones. kind is one of the event
// package's kinds of mail.
func (d *Desk) Preview(ctx context.Context, by team.Actor, w id.Widget, kind string, texts *letter.Texts) (*letter.Mail, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	if !knownKind(kind) {
		return nil, fault.New(fault.FieldInvalid, "the kind of a mail is transcript, missed or reauth").At("kind")
	}
	var s Settings
	var l *letter.Letter
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		of, err := widget.Get(tx, w)
		if err != nil {
			return err
		}
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		s = *r.of(w)
		l = letter.Sample(kind, of.Lang)
		l.Look = lookOf(of, &s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("preview of a mail of widget %d: %w", w, err)
	}
	if texts != nil {
		s.Texts = *texts
	}
	if f := checkTexts(s.Texts); f != nil {
		return nil, f
	}
	l.Texts = s.Texts
	if s.InboundURL == "" {
		l.ConversationURL, l.ReauthLink = "", ""
	}
	m, err := l.Write()
	if err != nil {
		return nil, fmt.Errorf("preview of a mail of widget %d: %w", w, err)
	}
	return m, nil
}
