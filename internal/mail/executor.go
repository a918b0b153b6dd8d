package mail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/mail/letter"
	"parley/internal/mail/smtp"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/widget"
)

// Executor sends mails for the delivery engine.
func (d *Desk) Executor() delivery.Executor { return &executor{desk: d} }

type executor struct {
	desk *Desk
	// writing is held by an attempt that has to write its mail first: one at a time, as a long one takes many times its text in memory.
	writing sync.Mutex
}

const (
	// longestTranscript bounds what a mail tells of a conversation, in bytes of its texts. A mail has them twice, so hardly a mail server would
	// take more; and each takes many times as much in memory until it is sent.
	longestTranscript = 10 << 20
	// mostPrepared bounds the bodies that are written ahead of their attempts together; what is more is written when its attempt begins.
	mostPrepared = 32 << 20
)

// Follow implements delivery.Follower: a mail's state follows its delivery.
func (x *executor) Follow() {}

// task is what Prepare finds out for Do.
type task struct {
	mail     *Mail
	settings *Settings
	server   *smtp.Settings
}

// tokenHeader carries the token of the callback (S-005). It is written as the customers' servers have it in their documents.
const tokenHeader = "API-SECURITY-TOKEN"

// Prepare implements delivery.Executor: it looks how mails go out now, drops what is not to go out any more, and writes what was not
// written yet. A mail that cannot be written is given up, so that it holds up no other; each has a transaction of its own, which an error of
// PostgreSQL makes useless.
func (x *executor) Prepare(ctx context.Context, jobs []*delivery.Job) error {
	size := 0
	for _, j := range jobs {
		full := size >= mostPrepared
		err := x.desk.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
			if err := x.desk.look(tx, j); err != nil {
				return fmt.Errorf("look at the mail of delivery %d: %w", j.ID, err)
			}
			if j.Verdict != nil || j.Body != nil || full {
				return nil
			}
			return x.desk.write(tx, j)
		})
		switch {
		case err == nil:
		case passes(ctx, err):
			return err
		default:
			j.Verdict = x.desk.unwritten(j, err)
		}
		size += len(j.Body)
	}
	return nil
}

// passes reports whether an error is not the mail's: the database is away, or we are stopping.
func passes(ctx context.Context, err error) bool {
	return ctx.Err() != nil || fault.IsKind(err, fault.Unavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// unwritten gives up a mail that cannot be written.
func (d *Desk) unwritten(j *delivery.Job, err error) *delivery.Outcome {
	d.Logger.Error("a mail cannot be written", "delivery", j.ID, "error", err)
	return &delivery.Outcome{Verdict: delivery.GiveUp, Reason: "the mail could not be written: " + err.Error(), Unfit: true}
}

// late writes a mail that was not written ahead, at the beginning of its attempt; the job has a body or a verdict then. Nothing may be tried
// again without a body, as the engine takes it for stored after the first attempt. So where the database is away the widget's mails are
// stopped, which lets them go on at once from what is stored then (see stopped).
func (x *executor) late(ctx context.Context, j *delivery.Job) {
	x.writing.Lock()
	defer x.writing.Unlock()
	err := x.desk.DB.View(ctx, func(_ context.Context, tx *db.Tx) error { return x.desk.write(tx, j) })
	switch {
	case err == nil:
	case passes(ctx, err):
		j.Verdict = &delivery.Outcome{Verdict: delivery.Stop, Reason: "the mail could not be read from the database", Unfit: true}
	default:
		j.Verdict = x.desk.unwritten(j, err)
	}
}

// look decides whether the mail goes out now, and which way.
func (d *Desk) look(tx *db.Tx, j *delivery.Job) error {
	stop := func(v delivery.Verdict, reason string) error {
		j.Verdict = &delivery.Outcome{Verdict: v, Reason: reason, Unfit: true}
		return nil
	}
	m, err := mailOf(tx, j.Event)
	switch {
	case err != nil:
		return err
	case m == nil:
		return stop(delivery.GiveUp, "the mail is not stored any more")
	case m.State == Dropped:
		return stop(delivery.Discard, m.Reason)
	case m.Receiver == "":
		return stop(delivery.Discard, erased)
	}
	r, err := d.roster(tx)
	if err != nil {
		return err
	}
	// A way to sign in that nobody can use any more is worth nothing. Everything else waits as long as it has to.
	if m.Kind == event.MailReauth {
		way, err := contact.GetReauth(tx, m.reauth)
		if err != nil {
			return err
		}
		if way == nil || !way.Open(tx.Now()) {
			return stop(delivery.GiveUp, "the link and the code in it do not count any more")
		}
	}
	s := r.of(m.Widget)
	if reason := r.way(s); reason != "" {
		return stop(delivery.Stop, reason)
	}
	j.Detail = &task{mail: m, settings: s, server: r.server}
	return nil
}

// write makes what is sent of a mail, with other words in the place of the secrets.
func (d *Desk) write(tx *db.Tx, j *delivery.Job) error {
	t := j.Detail.(*task)
	m, s := t.mail, t.settings
	stop := func(v delivery.Verdict, reason string) error {
		j.Verdict = &delivery.Outcome{Verdict: v, Reason: reason, Unfit: true}
		return nil
	}
	w, err := widget.Get(tx, m.Widget)
	if err != nil {
		return err
	}
	l := &letter.Letter{Kind: m.Kind, Lang: w.Lang, Look: lookOf(w, s), Texts: s.Texts, Receiver: m.Receiver, At: m.CreatedAt}
	if l.Contact, l.Conversation, err = d.about(tx, m); err != nil {
		return err
	}
	if m.Conversation != 0 {
		all := m.byOperator()
		if !all {
			if all, err = d.Inbox.OpensHidden(tx, m.Conversation, m.Receiver); err != nil {
				return err
			}
		}
		if l.Messages, err = d.Inbox.TranscriptWithin(tx, m.Conversation, m.first, m.last, all, longestTranscript); err != nil {
			if errors.Is(err, inbox.ErrTranscriptTooLong) {
				return stop(delivery.GiveUp, fmt.Sprintf("the conversation has more than %d MB of text, too much for a mail", longestTranscript>>20))
			}
			return err
		}
		if m.Kind == event.MailMissed {
			l.Messages = onlyAnswers(l.Messages)
		}
		if len(l.Messages) == 0 {
			return stop(delivery.Discard, "there is nothing left that it could tell")
		}
	}
	l.MediaURL = d.mediaURL(tx, m)
	if err := d.waysIn(tx, m, s, l); err != nil {
		return err
	}
	written, err := l.Write()
	if err == nil {
		j.Body, err = l.Callback(written, s.ContextAsText)
	}
	if err != nil {
		return stop(delivery.GiveUp, "the mail could not be written: "+err.Error())
	}
	return nil
}

// about is who and what the mail is about, as of its event.
func (d *Desk) about(tx *db.Tx, m *Mail) (*event.Contact, *event.Conversation, error) {
	e, err := d.Feed.Get(tx, m.event)
	switch {
	case err == nil && e.Conversation != nil:
		return &e.Conversation.Contact, e.Conversation, nil
	case err == nil && e.Contact != nil:
		return e.Contact, nil, nil
	case err != nil && !errors.Is(err, db.ErrNoRows):
		return nil, nil, fmt.Errorf("read event %d: %w", m.event, err)
	}
	if m.Conversation != 0 { // the event is not stored any more
		c, err := d.Inbox.AsItIs(tx, m.Conversation)
		if err != nil {
			return nil, nil, err
		}
		return &c.Contact, c, nil
	}
	c, err := contact.Get(tx, m.Contact)
	return c, nil, err
}

// mediaURL makes the addresses of files. They end: in a mail that waited for long they count from now, not from its event.
func (d *Desk) mediaURL(tx *db.Tx, m *Mail) func(*event.Media) string {
	if d.MediaURL == nil {
		return nil
	}
	at := m.CreatedAt
	if tx.Now().Sub(at) > 24*time.Hour {
		at = tx.Now()
	}
	return func(f *event.Media) string {
		if f.State != event.MediaStored {
			return ""
		}
		return d.MediaURL(f, false, at)
	}
}

// waysIn fills the letter's links and its code. A way to sign in that was used or has ended meanwhile is left out of mails that are about
// something else; their link then opens the conversation for who is signed in.
func (d *Desk) waysIn(tx *db.Tx, m *Mail, s *Settings, l *letter.Letter) error {
	if m.reauth != 0 {
		way, err := contact.GetReauth(tx, m.reauth)
		if err != nil {
			return err
		}
		if way != nil && way.Open(tx.Now()) {
			link, code := contact.ReauthSecrets(d.stand, m.reauth)
			l.Lasts = way.ExpiresAt.Sub(m.CreatedAt)
			if m.Kind == event.MailReauth {
				l.ReauthLink, l.ReauthCode = signInLink(s.InboundURL, link), code
				return nil
			}
			l.ConversationURL = signInLink(s.InboundURL, link)
			return nil
		}
	}
	if m.Conversation != 0 {
		l.ConversationURL = conversationLink(s.InboundURL, m.Conversation)
	}
	return nil
}

// Do implements delivery.Executor: one attempt, by the way that holds now.
func (x *executor) Do(ctx context.Context, j *delivery.Job) delivery.Outcome {
	d := x.desk
	// A prepared job may have waited for long, for example while the other side was down.
	if err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error { return d.look(tx, j) }); err != nil { // what Prepare has seen counts
		d.Logger.Warn("a mail cannot be looked at before it is sent", "delivery", j.ID, "error", err)
	}
	if j.Verdict == nil && j.Body == nil {
		x.late(ctx, j)
	}
	if j.Verdict != nil {
		return *j.Verdict
	}
	t := j.Detail.(*task)
	body := d.reveal(t.mail.reauth, j.Body)
	if t.settings.Callback {
		return d.call(ctx, j, t.settings, body)
	}
	return d.send(ctx, j, t, body)
}

// header is what a callback's call has; the token is in it.
func (d *Desk) header(s *Settings) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {d.UserAgent}}
	if s.HasToken {
		h[tokenHeader] = []string{s.token.Reveal()}
	}
	return h
}

// call posts the mail to the widget's callback (S-004 to S-006).
func (d *Desk) call(ctx context.Context, j *delivery.Job, s *Settings, body []byte) delivery.Outcome {
	at := d.DB.Now()
	header := d.header(s)
	header["Webhook-Id"], header["Webhook-Timestamp"] = []string{j.WebhookID}, []string{strconv.FormatInt(at.Unix(), 10)}
	if s.HasToken {
		header["Webhook-Signature"] = []string{secret.Sign([]byte(s.token.Reveal()), j.WebhookID, at, body)}
	}
	shown := header.Clone()
	if s.HasToken {
		shown[tokenHeader] = []string{hidden}
		shown["Webhook-Signature"] = []string{hidden} // who reads the log could try out tokens, and bodies
	}
	veil := d.veil(s.token.Reveal(), j.Detail.(*task).mail.reauth)
	out := delivery.Outcome{URL: s.callback.String(), RequestHeader: shown}
	answer, err := d.HTTP.Do(ctx, outhttp.Request{Method: http.MethodPost, URL: s.callback, Header: header, Body: body, Timeout: callbackTime})
	if answer != nil {
		out.Status, out.ResponseHeader, out.ResponseBody = answer.Status, http.Header{}, MaskBody(j.Name, []byte(veil.Replace(string(answer.Body))))
		for name, values := range answer.Header {
			for _, v := range values {
				out.ResponseHeader.Add(veil.Replace(name), veil.Replace(v))
			}
		}
	}
	switch {
	case err != nil:
		out.Verdict, out.Reason = delivery.Retry, veil.Replace(reasonOf(err))
		if ctx.Err() != nil {
			out.Verdict = delivery.Hold
		}
	case answer.Status >= 200 && answer.Status <= 299:
		out.Verdict = delivery.Done
	case answer.Status == http.StatusGone:
		out.Verdict, out.Reason = delivery.Stop, wantsNoMore(s.callback)
	default:
		out.Verdict, out.Reason = delivery.Retry, fmt.Sprintf("the callback answered %d", answer.Status)
		out.After = outhttp.RetryAfter(answer.Header.Get("Retry-After"), at)
	}
	return out
}

// LongestAttempt is how long the delivery engine lets an attempt take (delivery.Options.Attempt): a mail server may need minutes to judge a mail, and
// one whose fate is not known goes again. Calls over HTTP have shorter limits of their own.
const LongestAttempt = 12 * time.Minute

// callbackTime bounds a call of a callback. Many of them send the mail before they answer.
const callbackTime = 75 * time.Second

// wantsNoMore is why a widget's mails wait after a 410, with the address that said so; what may be secret in the address is left out.
func wantsNoMore(u *url.URL) string {
	return strings.ToValidUTF8(fmt.Sprintf("the callback %.500s answered 410 and wants no more mails", u.Scheme+"://"+u.Host+u.EscapedPath()), "")
}

// send hands the mail to the mail server.
func (d *Desk) send(ctx context.Context, j *delivery.Job, t *task, body []byte) delivery.Outcome {
	s := t.server
	out := delivery.Outcome{URL: "smtp://" + s.Host + ":" + strconv.Itoa(s.Port)}
	receiver, m, _, err := letter.ReadCallback(body)
	if err != nil {
		return delivery.Outcome{Verdict: delivery.GiveUp, Reason: "what is stored of the mail cannot be read: " + err.Error(), Unfit: true}
	}
	if wait, ok := d.turn(ctx, j.ID, s.PerMinute); !ok {
		if ctx.Err() != nil {
			return delivery.Outcome{Verdict: delivery.Hold}
		}
		return delivery.Outcome{Verdict: delivery.Retry, Unfit: true, After: wait, Reason: fmt.Sprintf("no more than %d mails a minute may go out", s.PerMinute)}
	}
	message := &smtp.Message{ID: j.WebhookID + "@" + domainOf(s.From), FromName: t.settings.FromName, To: receiver, Subject: m.Subject, HTML: m.HTML, Text: m.Text, Date: d.DB.Now()}
	out.RequestHeader = http.Header{"Message-Id": {"<" + message.ID + ">"}}
	answer, err := smtp.Send(ctx, s, message)
	if err == nil {
		out.Verdict, out.Status, out.ResponseBody = delivery.Done, answer.Code, []byte(answer.Text)
		return out
	}
	veil := d.veil("", t.mail.reauth)
	out.Verdict, out.Reason = delivery.Retry, veil.Replace(err.Error())
	e, ok := errors.AsType[*smtp.Error](err)
	if !ok {
		return out
	}
	said := veil.Replace(e.Text)
	out.Status, out.ResponseBody = e.Code, []byte(said)
	switch {
	case e.Permanent:
		out.Verdict, out.Unfit = delivery.GiveUp, true
		if e.Address {
			d.bounced(ctx, &Bounce{Address: receiver, Code: e.Code, Reason: said, Mail: t.mail.ID})
		}
	case e.Unsure: // the receiver may have it: not again and again, and it says nothing of other mails
		out.After, out.Unfit = afterUnsure, true
	case !e.Ours:
		out.Unfit = true
	case ctx.Err() != nil:
		out.Verdict = delivery.Hold
	}
	return out
}

// bounced notes that an address was refused for good, unless its contact deleted their data meanwhile. It is noted before the result is
// stored: a crash between the two repeats both.
func (d *Desk) bounced(ctx context.Context, b *Bounce) {
	if err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		receiver, err := lockReceiver(tx, b.Mail)
		if err != nil || receiver == "" {
			return err
		}
		return setBounce(tx, b)
	}); err != nil {
		d.Logger.Warn("that an address was refused could not be noted", "mail", b.Mail, "error", err)
	}
}

// longestTurn is how long an attempt waits for its turn at the mail server; with more it comes back later.
const longestTurn = 30 * time.Second

// afterUnsure is when a mail goes again whose fate is not known.
const afterUnsure = time.Hour

// turn waits until the mail server may get one more mail; ok is false where that takes too long, and wait says how long. Its turn is then
// kept for the delivery, so that mails go in the order in which they asked. The turns of one node are evenly spaced; nodes do not know of
// each other.
func (d *Desk) turn(ctx context.Context, which id.Delivery, perMinute int) (wait time.Duration, ok bool) {
	if perMinute <= 0 {
		return 0, true
	}
	now := time.Now()
	d.mu.Lock()
	if d.perMinute != perMinute || d.next.Before(now) { // nobody waits, or for turns of another length
		d.perMinute, d.next, d.turns = perMinute, now, map[id.Delivery]time.Time{}
	}
	at, kept := d.turns[which]
	if !kept {
		at = d.next
		d.next = at.Add(time.Minute / time.Duration(perMinute))
	}
	if wait = at.Sub(now); wait > longestTurn {
		d.turns[which] = at
		d.mu.Unlock()
		return wait - wait/11, false // the engine adds up to a tenth
	}
	delete(d.turns, which)
	d.mu.Unlock()
	if wait <= 0 {
		return 0, true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return 0, true
	case <-ctx.Done():
		return 0, false
	}
}

// Notice implements delivery.Executor: mails follow their deliveries, and widgets their targets.
func (x *executor) Notice(ctx context.Context, tx *db.Tx, ref int64, n delivery.Notice) error {
	d, w := x.desk, id.Widget(ref)
	switch n.Kind {
	case delivery.NoticeDelivered:
		if _, err := setState(tx, n.Event, Sent, "", tx.Now()); err != nil {
			return fmt.Errorf("state of the mail of event %d: %w", n.Event, err)
		}
		m, err := mailOf(tx, n.Event)
		if err != nil || m == nil {
			return err
		}
		return clearBounce(tx, m.Receiver)
	case delivery.NoticeRetry:
		return setWait(tx, n.Event, "trying again: "+n.Reason)
	case delivery.NoticeDropped:
		_, err := setState(tx, n.Event, Dropped, n.Reason, tx.Now())
		return err
	case delivery.NoticeDead:
		return d.failed(ctx, tx, n)
	case delivery.NoticeGone, delivery.NoticePaused:
		return d.stopped(tx, w, n)
	}
	return nil // that it fails is seen in its state
}

// withoutAddress is a reason for those who may not know to which address a mail goes: servers like to repeat it in their refusals.
func withoutAddress(reason, address string) string {
	if address == "" {
		return reason
	}
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(address)).ReplaceAllLiteralString(reason, "the address")
}

// failed tells that a mail was refused for good or given up.
func (d *Desk) failed(ctx context.Context, tx *db.Tx, n delivery.Notice) error {
	m, err := mailOf(tx, n.Event)
	if err != nil || m == nil {
		return err
	}
	e := &event.Event{Type: event.MailFailed, Mail: &event.Mail{ID: m.ID, Kind: m.Kind}, Reason: withoutAddress(n.Reason, m.Receiver)}
	if m.Conversation != 0 {
		e.Conversation, err = d.Inbox.Hold(tx, m.Conversation)
	} else {
		e.Contact, err = contact.Lock(tx, m.Contact)
	}
	if fault.IsKind(err, fault.NotFound) {
		_, err = setState(tx, n.Event, Failed, n.Reason, tx.Now())
		return err
	}
	if err != nil {
		return err
	}
	changed, err := setState(tx, n.Event, Failed, n.Reason, tx.Now())
	if err != nil || !changed { // an earlier copy of it went out
		return err
	}
	return d.Feed.Append(ctx, tx, e)
}

// stopped notes that a widget's mails wait. Where somebody set up a way while the stop was on its way, they go on at once.
func (d *Desk) stopped(tx *db.Tx, w id.Widget, n delivery.Notice) error {
	t, err := findTarget(tx, w)
	if err != nil || t == nil {
		return err
	}
	r, err := d.roster(tx)
	if err != nil {
		return err
	}
	s := r.of(w)
	refused := s.Callback && s.callback != nil && n.Reason == wantsNoMore(s.callback) // by who is asked now, not by who was asked before
	if n.Kind == delivery.NoticeGone && !refused && r.way(s) == "" {
		tx.OnCommit(d.Kick)
		return resume(tx, t)
	}
	tx.OnCommit(func() { d.Logger.Warn("mails of a widget wait", "widget", w, "reason", n.Reason) })
	return setTargetState(tx, w, Waiting, n.Reason)
}

// reasonOf says in words why a call had no answer.
func reasonOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Detail
	}
	return err.Error()
}
