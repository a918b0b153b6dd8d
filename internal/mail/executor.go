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
	"parley/internal/mail/smtp"
	"parley/internal/outhttp"
	"parley/internal/secret"
)

// Executor sends mails for the delivery engine.
func (d *Desk) Executor() delivery.Executor { return &executor{desk: d} }

type executor struct {
	desk *Desk
	// writing is held by an attempt that has to write its mail first: one at a time, as a long one takes many times its text in memory.
	writing sync.Mutex
}

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

// callbackTime bounds a call of a callback. Many of them send the mail before they answer.
const callbackTime = 75 * time.Second

// wantsNoMore is why a widget's mails wait after a 410, with the address that said so; what may be secret in the address is left out.
func wantsNoMore(u *url.URL) string {
	return strings.ToValidUTF8(fmt.Sprintf("the callback %.500s answered 410 and wants no more mails", u.Scheme+"://"+u.Host+u.EscapedPath()), "")
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
