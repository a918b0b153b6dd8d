package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/inbox"
	"parley/internal/mail/letter"
	"parley/internal/widget"
)

const (
	// longestTranscript bounds what a mail tells of a conversation, in bytes of its texts. A mail has them twice, so hardly a mail server would
	// take more; and each takes many times as much in memory until it is sent.
	longestTranscript = 10 << 20
	// mostPrepared bounds the bodies that are written ahead of their attempts together; what is more is written when its attempt begins.
	mostPrepared = 32 << 20
)

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
