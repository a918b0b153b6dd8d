package mail

import (
	"time"

	"parley/internal/event"
	"parley/internal/id"
)

// States of a mail.
const (
	Queued  = "queued"  // it waits, or is tried again; Reason says why it takes longer
	Sent    = "sent"    // the other side has taken it
	Failed  = "failed"  // it was refused for good, or given up
	Dropped = "dropped" // it was not sent, because nobody wants it any more
)

// Mail is a mail to a contact.
type Mail struct {
	ID     id.Mail
	Kind   string // event.MailTranscript, event.MailMissed or event.MailReauth
	State  string
	Reason string
	// Receiver is the bare address that it goes to, "" when the contact's data was deleted.
	Receiver     string
	Widget       id.Widget
	Contact      id.Contact
	Conversation id.Conversation // 0 for none
	// AskedBy says whose wish it was: "operator:3", "token:2", "contact:11", or "system" for what is sent by itself.
	AskedBy   string
	CreatedAt time.Time
	DoneAt    time.Time // zero while it is queued
	// Delivery is its delivery, 0 when that is not stored any more.
	Delivery id.Delivery

	event       id.Event
	first, last int    // the numbers of its messages
	reauth      int64  // the way to sign in that it carries, 0 for none
	hash        string // of the receiver; set while it is queued, not read again
}

func knownKind(kind string) bool {
	return kind == event.MailTranscript || kind == event.MailMissed || kind == event.MailReauth
}

// byOperator reports whether somebody of the company asked for it.
func (m *Mail) byOperator() bool { return ofTeam(m.AskedBy) }

// Filter narrows a list of mails; zero fields do not narrow.
type Filter struct {
	Conversation id.Conversation
	Contact      id.Contact
	State        string
	Before       id.Mail // cursor: mails with a smaller id
	Limit        int     // 1 to MaxList; 0 means DefaultList
}

// How many mails a list has.
const (
	DefaultList = 50
	MaxList     = 200
)

// Bounce is an address that a mail server refused for good, and why.
type Bounce struct {
	Address string
	// Code is the SMTP code, 0 where there was none.
	Code   int
	Reason string
	Mail   id.Mail
	At     time.Time
}

// Tested is how a test went.
type Tested struct {
	OK bool
	// Status is the HTTP status or the SMTP code of the other side, 0 without an answer.
	Status int
	Took   time.Duration
	// Detail says it in words.
	Detail string
}

// Offers are what visitors of a widget may do by mail.
type Offers struct {
	// SignIn says that they can sign in again by mail (S-037), Transcript that they can have what was said sent to them.
	SignIn     bool
	Transcript bool
}

// States of a way out.
const (
	Unset   = "unset"   // there is no mail server (of the server alone)
	OK      = "ok"      // mails go out
	Waiting = "waiting" // mails wait until settings are saved (of a widget)
	Failing = "failing" // attempts fail, and are made again
)

// State is how mails of a widget do.
type State struct {
	Widget id.Widget
	Name   string // of the widget
	// State is OK, Waiting or Failing; Reason says why, in words.
	State  string
	Reason string
	// Waiting counts the mails that are not sent yet.
	Waiting int
	// Failed counts the mails of the last 24 hours that were given up.
	Failed int
}
