package visitor

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/mileusna/useragent"

	"parley/internal/audit"
	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/limit"
)

// How often the visitors of one address may have a mail with a way to sign in sent, and how often a contact may download their data.
const (
	asksBurst  = 5
	asksEvery  = 2 * time.Minute
	dataBurst  = 5
	dataEvery  = 2 * time.Minute
	dataPage   = maxPage // messages that are read at once
	dataAtOnce = 20      // conversations that are read at once
)

func newAsks(now func() time.Time) *limit.Limiter {
	return limit.New(limit.Options{Every: asksEvery, Burst: asksBurst, Keys: 50_000, Now: now})
}

func newDownloads(now func() time.Time) *limit.Limiter {
	return limit.New(limit.Options{Every: dataEvery, Burst: dataBurst, Keys: 50_000, Now: now})
}

// byMail is what visitors of the widget may do by mail.
func (e *edge) byMail(r *http.Request, w *event.Widget) (signIn, transcripts bool, err error) {
	if e.Mail == nil {
		return false, false, nil
	}
	offers, err := e.Mail.Offers(r.Context(), w.ID)
	return offers.SignIn && !w.IdentityRequired, offers.Transcript, err
}

// askReauth takes the wish to sign in by mail. It answers the same for known and unknown addresses, and in the same time: a worker looks whose
// the address is.
func (e *edge) askReauth(w http.ResponseWriter, r *http.Request) error {
	wi, err := e.widget(r)
	if err != nil {
		return err
	}
	var in wireReauth
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	address, err := contact.NormalEmail(in.Email)
	if err != nil || address == "" {
		return fault.New(fault.FieldInvalid, "this is not an e-mail address").At("email")
	}
	if e.Mail == nil || wi.IdentityRequired {
		return fault.New(fault.ReauthOff, "there is no sign-in by mail here")
	}
	if wait, ok := e.asks.Allow(httpapi.ClientKey(r.Context())); !ok {
		return fault.New(fault.RequestLimited, "too many mails were asked for from this address").After(wait)
	}
	if err := e.Mail.Ask(r.Context(), wi, address); err != nil {
		return err
	}
	return respond(w, r, http.StatusAccepted, struct{}{})
}

// signIn takes the link or the code of a mail. Who is wrong too often is locked out for a while, whatever they show then.
func (e *edge) signIn(w http.ResponseWriter, r *http.Request) error {
	wi, err := e.widget(r)
	if err != nil {
		return err
	}
	var in wireSignIn
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	given := in.Link + in.Code
	switch {
	case given == "":
		return fault.New(fault.FieldRequired, "send the link or the code of the mail").At("code")
	case in.Link != "" && in.Code != "":
		return fault.New(fault.FieldInvalid, "send either the link or the code").At("code")
	case e.Mail == nil:
		return fault.New(fault.ReauthOff, "there is no sign-in by mail here")
	}
	var anonymous id.Contact
	if token := httpapi.BearerToken(r); token != "" {
		// A token that is no good any more must not keep somebody out.
		if v, err := e.Contacts.Authenticate(r.Context(), token); err == nil {
			anonymous = v.Contact
		} else if !fault.Is(err, fault.AuthInvalid) {
			return err
		}
	}
	key := httpapi.ClientKey(r.Context()) + " " + strconv.FormatInt(int64(wi.ID), 10)
	if wait, ok := e.attempts.begin(key); !ok {
		return fault.New(fault.ReauthLocked, "too many wrong links or codes from this address; try again later").After(wait)
	}
	wrong := false
	defer func() {
		if e.attempts.end(key, wrong) {
			e.noteLock(r, wi)
		}
	}()
	who, err := e.Inbox.SignInByMail(r.Context(), wi.Key, anonymous, given, in.Address, e.Mail.Key, r.UserAgent())
	if err != nil {
		wrong = fault.Is(err, fault.ReauthInvalid)
		return err
	}
	e.ended(anonymous, who.Contact.ID)
	return respond(w, r, http.StatusOK, wireSignedIn{Token: who.Token, Contact: contactOf(who.Contact), ConversationID: orNull(who.Conversation)})
}

// noteLock tells those who are responsible that somebody may be guessing.
func (e *edge) noteLock(r *http.Request, w *event.Widget) {
	err := audit.New(e.Inbox.DB).Note(context.WithoutCancel(r.Context()), audit.Entry{Action: audit.ReauthLocked, By: "address:" + clientIP(r),
		Subject: "widget:" + strconv.FormatInt(int64(w.ID), 10), Detail: fmt.Sprintf("%d wrong links or codes; locked for %d minutes", wrongMost, int(lockedFor.Minutes()))})
	if err != nil {
		httpapi.Note(r.Context(), slog.Bool("lock_noted", false)) // the lock holds all the same
	}
}

func (e *edge) transcript(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	conversation, err := conversationID(r)
	if err != nil {
		return err
	}
	if e.Mail == nil {
		return fault.New(fault.MailNotOffered, "transcripts cannot be asked for here")
	}
	if err := e.mayTell(v); err != nil {
		return err
	}
	if err := e.Mail.TranscriptByContact(r.Context(), v.Contact, conversation); err != nil {
		return err
	}
	return respond(w, r, http.StatusAccepted, struct{}{})
}

func (e *edge) devices(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	out, err := e.devicesOf(r, v)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, wireDevices{out})
}

func (e *edge) devicesOf(r *http.Request, v contact.Visitor) ([]wireDevice, error) {
	list, err := e.Contacts.Devices(r.Context(), v)
	if err != nil {
		return nil, err
	}
	out := []wireDevice{}
	for _, d := range list {
		one := wireDevice{ID: d.ID, CreatedAt: d.CreatedAt, SeenAt: d.SeenAt, Current: d.Current, Mailed: d.Mailed}
		if d.UserAgent != "" {
			p := useragent.Parse(d.UserAgent)
			one.Browser, one.OS = p.Name, p.OS
		}
		out = append(out, one)
	}
	return out, nil
}

func (e *edge) signOutDevice(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	if err := e.Contacts.SignOut(r.Context(), v, r.PathValue("id")); err != nil {
		return err
	}
	e.ended(v.Contact)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// data sends everything that the contact may have of their own data, as a file. It is written while it is read: a conversation may be long.
func (e *edge) data(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	if wait, ok := e.downloads.Allow(strconv.FormatInt(int64(v.Contact), 10)); !ok {
		return fault.New(fault.RequestLimited, "the data was downloaded several times just now").After(wait)
	}
	c, err := e.Contacts.Get(r.Context(), v.Contact)
	if err != nil {
		return err
	}
	devices, err := e.devicesOf(r, v)
	if err != nil {
		return err
	}
	head, err := json.MarshalIndent(wireData{ExportedAt: e.Now(), Contact: dataOf(c), Devices: devices}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode data of contact %d: %w", c.ID, err)
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="my-data.json"`)
	out := &growing{w: w}
	out.write(string(head[:len(head)-2]), ",\n  \"conversations\": [")
	e.writeConversations(r, v, out)
	out.write("\n  ]\n}\n")
	if out.err != nil {
		// The answer has begun; all that is left is to cut it off, so that nobody takes it for the whole.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// growing is an answer that is written bit by bit; after the first error nothing more is.
type growing struct {
	w   http.ResponseWriter
	err error
}

func (g *growing) write(parts ...string) {
	for _, p := range parts {
		if g.err == nil {
			_, g.err = g.w.Write([]byte(p))
		}
	}
}

// item writes the next of a list.
func (g *growing) item(first bool, indent string, v any) {
	if g.err != nil {
		return
	}
	b, err := json.MarshalIndent(v, indent, "  ")
	if err != nil {
		g.err = err
		return
	}
	comma := ","
	if first {
		comma = ""
	}
	g.write(comma, "\n", indent, string(b))
}

func (e *edge) writeConversations(r *http.Request, v contact.Visitor, out *growing) {
	after, first := id.Conversation(0), true
	for out.err == nil {
		list, err := e.Inbox.OwnConversations(r.Context(), v.Contact, after, dataAtOnce)
		if err != nil {
			out.err = err
		}
		for _, own := range list {
			after = own.ID
			b, err := json.MarshalIndent(e.ownOf(own), "    ", "  ")
			if err != nil {
				out.err = err
				return
			}
			if !first {
				out.write(",")
			}
			first = false
			out.write("\n    ", string(b[:len(b)-len("\n    }")]), ",\n      \"messages\": [")
			e.writeMessages(r, v, own.ID, out)
			out.write("\n      ]\n    }")
		}
		if len(list) < dataAtOnce {
			return
		}
	}
}

func (e *edge) writeMessages(r *http.Request, v contact.Visitor, conversation id.Conversation, out *growing) {
	after, more := 0, true
	for more && out.err == nil {
		list, next, err := e.Inbox.OwnMessages(r.Context(), v.Contact, conversation, after, dataPage)
		if err != nil {
			out.err = err
			return
		}
		for _, m := range list {
			out.item(after == 0, "        ", e.messageOf(m))
			after = m.Number
		}
		more = next
	}
}

// erase deletes the contact's data at their wish. What was stored for others follows within minutes.
func (e *edge) erase(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	var in wireErase
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	if !in.Confirm {
		return fault.New(fault.FieldInvalid, "say confirm: true; what is deleted does not come back").At("confirm")
	}
	if err := e.Inbox.EraseContact(r.Context(), v); err != nil {
		return err
	}
	e.ended(v.Contact)
	return respond(w, r, http.StatusAccepted, struct{}{})
}
