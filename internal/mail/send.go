package mail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/mail/letter"
	"parley/internal/mail/smtp"
)

// LongestAttempt is how long the delivery engine lets an attempt take (delivery.Options.Attempt): a mail server may need minutes to judge a mail, and
// one whose fate is not known goes again. Calls over HTTP have shorter limits of their own.
const LongestAttempt = 12 * time.Minute

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
