package inbox

import (
	"context"
	"strings"
	"unicode/utf8"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
)

// MaxOffline is the length of a message of the offline form in characters.
const MaxOffline = 5000

// OfflinePost is what somebody wrote into the form that a widget shows while nobody is there.
type OfflinePost struct {
	WidgetKey string
	// Widget is the active widget of that key where the caller has read it for this very request; nil has it read here.
	Widget *event.Widget
	// Contact is the authenticated contact, 0 for a browser without a token: then a contact and a token are made.
	Contact id.Contact
	// ClientID makes the post idempotent, as in ContactPost.
	ClientID string
	Name     string // at most contact.MaxName characters, "" for none
	Email    string // an e-mail address; it proves nothing
	Message  string // 1 to MaxOffline characters
	Claimed  *contact.Claim
	Visit    Visit
}

// PostOffline stores a message of the offline form as a conversation of its own, whoever is there by now (S-124), and tells it twice: as every
// message, and as offline_message.received with name and address as they were typed (S-148). The contact gets them where it has none. Its first
// session is event.Session.Offline. A repeat with the same client id gets the first answer. Faults are at client_id, name, email, message and
// claimed.…
func (d *Desk) PostOffline(ctx context.Context, p OfflinePost) (*ContactPosted, error) {
	form := event.OfflineMessage{Name: strings.TrimSpace(p.Name), Email: strings.TrimSpace(p.Email)}
	post := ContactPost{WidgetKey: p.WidgetKey, Widget: p.Widget, Contact: p.Contact, ClientID: p.ClientID, Body: p.Message, Claimed: p.Claimed, Visit: p.Visit}
	typed, err := contact.Change{Name: given(form.Name), Email: given(form.Email)}.Check("")
	faults := []error{checkOffline(p.Message), err}
	if form.Email == "" {
		faults = append(faults, fault.New(fault.FieldRequired, "say where an answer goes").At("email"))
	}
	if err := post.check(faults...); err != nil {
		return nil, err
	}
	post.typed = typed
	digest := once.Digest([]byte("offline"), []byte(form.Name), []byte(form.Email), []byte(p.Message))
	return d.fromContact(ctx, post, digest, func(ctx context.Context, tx *db.Tx, w *event.Widget, out *ContactPosted) (contactIDs, error) {
		return d.postOffline(ctx, tx, w, post, form, out)
	})
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func checkOffline(message string) error {
	if err := checkText(message, false); err != nil {
		return fault.As(err).At("message")
	}
	if utf8.RuneCountInString(message) > MaxOffline {
		return fault.Newf(fault.MessageTooLong, "a message of this form can have %d characters", MaxOffline).At("message")
	}
	return nil
}

func (d *Desk) postOffline(ctx context.Context, tx *db.Tx, w *event.Widget, p ContactPost, form event.OfflineMessage, out *ContactPosted) (ids contactIDs, err error) {
	c, err := d.author(ctx, tx, w, p, out)
	if err != nil {
		return ids, err
	}
	visit := d.visit(p.Visit, w.PrivacyMode)
	if err := contact.GiveHandle(tx, c, visit); err != nil {
		return ids, err
	}
	s, err := open(tx, w, c, website(), nil)
	if err != nil {
		return ids, err
	}
	by := event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}
	events := []*event.Event{s.base(event.ConversationCreated, tx.Now(), by)}
	if _, err := d.startSession(tx, s, w, visit, true); err != nil {
		return ids, err
	}
	m := &event.Message{Type: event.TypeMessage, Sender: by, Body: p.Body, ClientID: p.ClientID}
	if err := d.say(tx, s, m); err != nil {
		return ids, err
	}
	events = append(events, s.received(m, true, tx.Now())...)
	left := s.base(event.OfflineMessageReceived, tx.Now(), by)
	left.Message, left.Offline = m, &form
	if err := d.store(ctx, tx, s, append(events, left)); err != nil {
		return ids, err
	}
	out.Contact, out.Message, out.Conversation = c, m, viewOf(s)
	out.Conversation.Visible = m
	return contactIDs{c.ID, s.ID, m.ID, tx.Now()}, nil
}
