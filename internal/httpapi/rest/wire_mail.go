package rest

import (
	"parley/internal/audit"
	"parley/internal/mail"
	"parley/internal/mail/letter"
)

// mailDKIM is how the mail server's mails are signed.
type mailDKIM struct {
	Domain   string  `json:"domain" doc:"Empty: mails are not signed." example:"shop.example"`
	Selector string  `json:"selector" example:"parley"`
	HasKey   bool    `json:"has_key"`
	Record   *string `json:"record" doc:"The text of the DNS record SELECTOR._domainkey.DOMAIN that publishes the key; null without a key." example:"v=DKIM1; k=ed25519; p=…"`
}

// mailWidgetState is how the mails of a widget do.
type mailWidgetState struct {
	WidgetID int64  `json:"widget_id" example:"1"`
	Name     string `json:"name" example:"Demo shop"`
	State    string `json:"state" enum:"ok,waiting,failing" doc:"waiting: nothing goes out before settings are saved. failing: attempts fail and are made again."`
	Reason   string `json:"reason" example:""`
	Waiting  int    `json:"waiting" doc:"Mails that are not sent yet." example:"0"`
	Failed   int    `json:"failed" doc:"Mails of the last 24 hours that were given up." example:"0"`
}

// mailServer is the installation's mail server. Its secrets are never shown.
type mailServer struct {
	Host        string            `json:"host" doc:"Empty while no mail server is set up." example:"mail.shop.example"`
	Port        int               `json:"port" example:"587"`
	TLS         string            `json:"tls" doc:"starttls (required), tls from the first byte, or none. Empty while no mail server is set up." example:"starttls"`
	Username    string            `json:"username" doc:"Empty for no sign-in." example:"chat"`
	HasPassword bool              `json:"has_password"`
	FromEmail   string            `json:"from_email" example:"chat@shop.example"`
	FromName    string            `json:"from_name" example:"Demo shop"`
	ReplyTo     string            `json:"reply_to" doc:"Empty for the sender." example:""`
	PerMinute   int               `json:"per_minute" doc:"How many mails may go out in a minute; 0 means as many as there are." example:"0"`
	DKIM        mailDKIM          `json:"dkim"`
	State       string            `json:"state" enum:"unset,ok,failing" doc:"unset: there is none, and mails of widgets without a callback wait."`
	Reason      string            `json:"reason" example:""`
	Waiting     int               `json:"waiting" doc:"Mails that are not sent yet, of all widgets without a callback." example:"0"`
	Widgets     []mailWidgetState `json:"widgets" nullable:"false" doc:"How the mails of each widget do."`
}

type mailDKIMPatch struct {
	Domain     *string `json:"domain,omitempty" doc:"Empty for no signature." example:"shop.example"`
	Selector   *string `json:"selector,omitempty" example:"parley"`
	PrivateKey *string `json:"private_key,omitempty" doc:"RSA or Ed25519 in PEM; empty takes it away." example:""`
	Generate   *bool   `json:"generate,omitempty" doc:"True makes a new key, instead of private_key." example:"false"`
}

type mailServerPatch struct {
	Host      *string        `json:"host,omitempty" example:"mail.shop.example"`
	Port      *int           `json:"port,omitempty" doc:"Needed the first time: 587, 465 or 25." example:"587"`
	TLS       *string        `json:"tls,omitempty" enum:"starttls,tls,none" doc:"Needed the first time. none with a sign-in only for a server on this machine."`
	Username  *string        `json:"username,omitempty" doc:"Empty for no sign-in." example:"chat"`
	Password  *string        `json:"password,omitempty" doc:"Empty takes it away." example:"correct horse battery"`
	FromEmail *string        `json:"from_email,omitempty" example:"chat@shop.example"`
	FromName  *string        `json:"from_name,omitempty" example:"Demo shop"`
	ReplyTo   *string        `json:"reply_to,omitempty" example:""`
	PerMinute *int           `json:"per_minute,omitempty" doc:"0 means as many as there are." example:"0"`
	DKIM      *mailDKIMPatch `json:"dkim,omitempty" doc:"What is left out stays as it is."`
}

func (in mailServerPatch) draft() mail.ServerDraft {
	d := mail.ServerDraft{Host: in.Host, Port: in.Port, TLS: in.TLS, Username: in.Username, Password: in.Password, From: in.FromEmail, FromName: in.FromName,
		ReplyTo: in.ReplyTo, PerMinute: in.PerMinute}
	if k := in.DKIM; k != nil {
		d.DKIMDomain, d.DKIMSelector, d.DKIMKey, d.GenerateDKIM = k.Domain, k.Selector, k.PrivateKey, valueOr(k.Generate)
	}
	return d
}

func wireMailServer(s *mail.Server, widgets []mail.State) mailServer {
	return mailServer{
		Host:        s.Host,
		Port:        s.Port,
		TLS:         s.TLS,
		Username:    s.Username,
		HasPassword: s.HasPassword,
		FromEmail:   s.From,
		FromName:    s.FromName,
		ReplyTo:     s.ReplyTo,
		PerMinute:   s.PerMinute,
		DKIM:        mailDKIM{Domain: s.DKIMDomain, Selector: s.DKIMSelector, HasKey: s.HasDKIMKey, Record: wireStringOrNull(s.DKIMRecord)},
		State:       s.State,
		Reason:      s.Reason,
		Waiting:     s.Waiting,
		Widgets: wireList(widgets, func(w mail.State) mailWidgetState {
			return mailWidgetState{WidgetID: wireID(w.Widget), Name: w.Name, State: w.State, Reason: w.Reason, Waiting: w.Waiting, Failed: w.Failed}
		}),
	}
}

type mailServerTest struct {
	To string `json:"to" doc:"Who gets the test mail." example:"me@shop.example"`
}

// mailTested is how a test went.
type mailTested struct {
	OK     bool    `json:"ok"`
	Status *int    `json:"status" doc:"What the other side answered, an HTTP status or an SMTP code; null when nobody answered." example:"200"`
	TookMs float64 `json:"took_ms" example:"84.2"`
	Detail string  `json:"detail" doc:"The same in words." example:"200 OK"`
}

func wireTested(t *mail.Tested) mailTested {
	return mailTested{OK: t.OK, Status: wireStatus(t.Status), TookMs: float64(t.Took.Microseconds()) / 1000, Detail: t.Detail}
}

// customEmailAPI is the box of the widget editor by which mails leave through the customer's own server.
type customEmailAPI struct {
	Enabled       bool    `json:"enabled" doc:"Mails of the widget go to url instead of the mail server."`
	URL           string  `json:"url" example:"https://shop.example/email"`
	HasToken      bool    `json:"has_token"`
	TokenHint     *string `json:"token_hint" doc:"The end of the token; null for a short one." example:"x9Qz"`
	ContextAsText bool    `json:"context_as_text" doc:"The key context is a text that holds JSON, instead of an object."`
}

type customEmailAPIPatch struct {
	Enabled       *bool   `json:"enabled,omitempty" example:"true"`
	URL           *string `json:"url,omitempty" example:"https://shop.example/email"`
	Token         *string `json:"token,omitempty" doc:"Sent in the header API-SECURITY-TOKEN. Empty takes it away." example:"correct-horse-battery"`
	ContextAsText *bool   `json:"context_as_text,omitempty" example:"false"`
}

// mailTexts are what a widget's mails say. {name} is the contact's name, {widget} the widget's.
type mailTexts struct {
	TranscriptSubject string `json:"transcript_subject" doc:"Empty, as every text, for the default." example:""`
	TranscriptIntro   string `json:"transcript_intro" example:""`
	MissedSubject     string `json:"missed_subject" example:""`
	MissedIntro       string `json:"missed_intro" example:""`
	ReauthSubject     string `json:"reauth_subject" example:""`
	ReauthIntro       string `json:"reauth_intro" example:""`
	Footer            string `json:"footer" example:""`
}

func wireTexts(t letter.Texts) mailTexts {
	return mailTexts{
		TranscriptSubject: t.TranscriptSubject,
		TranscriptIntro:   t.TranscriptIntro,
		MissedSubject:     t.MissedSubject,
		MissedIntro:       t.MissedIntro,
		ReauthSubject:     t.ReauthSubject,
		ReauthIntro:       t.ReauthIntro,
		Footer:            t.Footer,
	}
}

// mailTextsPatch is mailTexts with what is left out staying as it is.
type mailTextsPatch struct {
	TranscriptSubject *string `json:"transcript_subject,omitempty" doc:"One line of at most 200 characters; the others have at most 2000. Empty brings the default back." example:"Your chat with {widget}"`
	TranscriptIntro   *string `json:"transcript_intro,omitempty" example:""`
	MissedSubject     *string `json:"missed_subject,omitempty" example:""`
	MissedIntro       *string `json:"missed_intro,omitempty" example:""`
	ReauthSubject     *string `json:"reauth_subject,omitempty" example:""`
	ReauthIntro       *string `json:"reauth_intro,omitempty" example:""`
	Footer            *string `json:"footer,omitempty" example:""`
}

// widgetMail is what a widget says of mails.
type widgetMail struct {
	InboundURL         string         `json:"inbound_url" doc:"The page of your site to which links in mails lead; empty: mails have no links." example:"https://shop.example/help"`
	CustomEmailAPI     customEmailAPI `json:"custom_email_api"`
	TranscriptOnEnd    bool           `json:"transcript_on_end" doc:"Contacts with an address get what was said when a conversation ends."`
	TranscriptOffer    bool           `json:"transcript_offer" doc:"Contacts can ask for it in the messenger."`
	SignIn             bool           `json:"sign_in" doc:"Contacts can sign in again by mail."`
	MissedAfterSeconds int            `json:"missed_after_seconds" doc:"After how long a contact who has not read an answer gets it by mail; 0 for never." example:"600"`
	FromName           string         `json:"from_name" doc:"Empty for the mail server's." example:"Demo shop"`
	LogoURL            string         `json:"logo_url" example:"https://shop.example/logo.png"`
	Texts              mailTexts      `json:"texts"`
	DefaultTexts       mailTexts      `json:"default_texts" doc:"What counts for a text that is empty, in the widget's language."`
	State              string         `json:"state" enum:"ok,waiting,failing" doc:"waiting: mails wait until settings are saved. failing: attempts fail and are made again."`
	Reason             string         `json:"reason" example:""`
	Waiting            int            `json:"waiting" doc:"Mails of the widget that are not sent yet." example:"0"`
}

func wireWidgetMail(s *mail.Settings) widgetMail {
	return widgetMail{
		InboundURL: s.InboundURL,
		CustomEmailAPI: customEmailAPI{Enabled: s.Callback, URL: s.CallbackURL, HasToken: s.HasToken, TokenHint: wireStringOrNull(s.TokenHint),
			ContextAsText: s.ContextAsText},
		TranscriptOnEnd:    s.TranscriptOnEnd,
		TranscriptOffer:    s.TranscriptOffer,
		SignIn:             s.SignIn,
		MissedAfterSeconds: s.MissedAfter,
		FromName:           s.FromName,
		LogoURL:            s.LogoURL,
		Texts:              wireTexts(s.Texts),
		DefaultTexts:       wireTexts(s.DefaultTexts),
		State:              s.State,
		Reason:             s.Reason,
		Waiting:            s.Backlog,
	}
}

type widgetMailPatch struct {
	InboundURL         *string              `json:"inbound_url,omitempty" doc:"http or https, at most 2000 characters; empty for none." example:"https://shop.example/help"`
	CustomEmailAPI     *customEmailAPIPatch `json:"custom_email_api,omitempty" doc:"What is left out stays as it is."`
	TranscriptOnEnd    *bool                `json:"transcript_on_end,omitempty" example:"true"`
	TranscriptOffer    *bool                `json:"transcript_offer,omitempty" example:"true"`
	SignIn             *bool                `json:"sign_in,omitempty" example:"true"`
	MissedAfterSeconds *int                 `json:"missed_after_seconds,omitempty" doc:"0, or 60 to 86400." example:"600"`
	FromName           *string              `json:"from_name,omitempty" example:"Demo shop"`
	LogoURL            *string              `json:"logo_url,omitempty" doc:"https; empty for none." example:"https://shop.example/logo.png"`
	Texts              *mailTextsPatch      `json:"texts,omitempty" doc:"What is left out stays as it is."`
}

func (in widgetMailPatch) draft() mail.Draft {
	d := mail.Draft{InboundURL: in.InboundURL, TranscriptOnEnd: in.TranscriptOnEnd, TranscriptOffer: in.TranscriptOffer, SignIn: in.SignIn,
		MissedAfter: in.MissedAfterSeconds, FromName: in.FromName, LogoURL: in.LogoURL}
	if c := in.CustomEmailAPI; c != nil {
		d.Callback, d.CallbackURL, d.Token, d.ContextAsText = c.Enabled, c.URL, c.Token, c.ContextAsText
	}
	if t := in.Texts; t != nil {
		d.Texts = &mail.TextsDraft{TranscriptSubject: t.TranscriptSubject, TranscriptIntro: t.TranscriptIntro, MissedSubject: t.MissedSubject, MissedIntro: t.MissedIntro,
			ReauthSubject: t.ReauthSubject, ReauthIntro: t.ReauthIntro, Footer: t.Footer}
	}
	return d
}

type mailPreviewInput struct {
	Kind  string          `json:"kind" enum:"transcript,missed,reauth"`
	Texts *mailTextsPatch `json:"texts,omitempty" doc:"Count instead of the saved ones; an empty one is shown as its default."`
}

// over are the texts that were given, with the default for those that were given empty; "" where the saved one counts.
func (t mailTextsPatch) over(defaults letter.Texts) *letter.Texts {
	one := func(given *string, otherwise string) string {
		if given != nil && *given == "" {
			return otherwise
		}
		return valueOr(given)
	}
	return &letter.Texts{
		TranscriptSubject: one(t.TranscriptSubject, defaults.TranscriptSubject),
		TranscriptIntro:   one(t.TranscriptIntro, defaults.TranscriptIntro),
		MissedSubject:     one(t.MissedSubject, defaults.MissedSubject),
		MissedIntro:       one(t.MissedIntro, defaults.MissedIntro),
		ReauthSubject:     one(t.ReauthSubject, defaults.ReauthSubject),
		ReauthIntro:       one(t.ReauthIntro, defaults.ReauthIntro),
		Footer:            one(t.Footer, defaults.Footer),
	}
}

type mailPreview struct {
	Subject string `json:"subject" example:"Your chat with Demo shop"`
	HTML    string `json:"html" doc:"A whole page without scripts. Show it in a sandboxed frame." example:"<!doctype html>…"`
	Text    string `json:"text" example:"Hello Ann, …"`
}

// mailObject is a mail to a contact. Its name in the API's document is Mail.
type mailObject struct {
	ID             int64   `json:"id" example:"5"`
	Kind           string  `json:"kind" enum:"transcript,missed,reauth" doc:"A transcript of a conversation, answers that the contact missed, or a way to sign in again."`
	State          string  `json:"state" enum:"queued,sent,failed,dropped" doc:"sent: the mail server or the callback has it. failed: refused for good, or given up. dropped: nobody wants it any more."`
	Reason         string  `json:"reason" doc:"Why it failed, was dropped, or is queued for longer." example:""`
	Receiver       string  `json:"receiver" example:"ann@example.com"`
	WidgetID       int64   `json:"widget_id" example:"1"`
	ConversationID *int64  `json:"conversation_id" doc:"Null for a mail that is about none." example:"42"`
	ContactID      int64   `json:"contact_id" example:"5"`
	AskedBy        string  `json:"asked_by" doc:"Whose wish it was: operator:ID, token:ID, contact:ID, or system for what is sent by itself." example:"operator:1"`
	CreatedAt      string  `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	DoneAt         *string `json:"done_at" format:"date-time" doc:"When it was sent, failed or dropped; null while it is queued."`
	DeliveryID     *int64  `json:"delivery_id" doc:"Its line in the log of deliveries; null when that is not kept any more." example:"9"`
}

func wireMail(m *mail.Mail) mailObject {
	return mailObject{
		ID:             wireID(m.ID),
		Kind:           m.Kind,
		State:          m.State,
		Reason:         m.Reason,
		Receiver:       m.Receiver,
		WidgetID:       wireID(m.Widget),
		ConversationID: wireIDOrNull(m.Conversation),
		ContactID:      wireID(m.Contact),
		AskedBy:        m.AskedBy,
		CreatedAt:      wireTime(m.CreatedAt),
		DoneAt:         wireTimeOrNull(m.DoneAt),
		DeliveryID:     wireIDOrNull(m.Delivery),
	}
}

type mailPage struct {
	Items      []mailObject `json:"items" nullable:"false" doc:"Newest first."`
	NextCursor *string      `json:"next_cursor" doc:"Send it as cursor for the next page; null on the last page."`
}

type transcriptInput struct {
	Receiver *string `json:"receiver,omitempty" doc:"Default: the contact's address." example:"ann@example.com"`
}

// mailProblem is why mails do not reach somebody.
type mailProblem struct {
	Address string `json:"address" example:"ann@example.com"`
	Reason  string `json:"reason" example:"550 5.1.1 no such user"`
	At      string `json:"at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
}

func wireProblem(b *mail.Bounce) *mailProblem {
	if b == nil {
		return nil
	}
	return &mailProblem{Address: b.Address, Reason: b.Reason, At: wireTime(b.At)}
}

// auditEntry is a line of what somebody responsible may have to know later.
type auditEntry struct {
	ID      int64  `json:"id" example:"3"`
	At      string `json:"at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	Action  string `json:"action" doc:"What happened: reauth.locked, contact.erased; more may come." example:"reauth.locked"`
	By      string `json:"by" doc:"Who did it, as a word with an id." example:"address:203.0.113.7"`
	Subject string `json:"subject" doc:"What it was done to, as a word with an id; empty for nothing." example:"widget:1"`
	Detail  string `json:"detail" example:"5 wrong codes"`
}

func wireAuditEntry(e audit.Entry) auditEntry {
	return auditEntry{ID: e.ID, At: wireTime(e.At), Action: e.Action, By: e.By, Subject: e.Subject, Detail: e.Detail}
}

type auditPage struct {
	Items      []auditEntry `json:"items" nullable:"false" doc:"Newest first."`
	NextCursor *string      `json:"next_cursor" doc:"Send it as cursor for the next page; null on the last page."`
}
