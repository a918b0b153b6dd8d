package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/outhttp"
	"parley/internal/secret"
)

// Executor makes the calls for the delivery engine.
func (d *Desk) Executor() delivery.Executor { return &executor{d} }

type executor struct{ desk *Desk }

// Follow implements delivery.Follower: a message's state follows its delivery.
func (x *executor) Follow() {}

// call is what Prepare finds out for Do.
type call struct {
	channel *Channel
	event   *event.Event // nil for a test call, and for one whose event is not stored any more
}

// Codes of messages that failed.
const (
	codeDropped = "dropped"  // the other side has never heard of it
	codeGivenUp = "given_up" // it was tried
)

// Prepare implements delivery.Executor: it looks up the channels as they are now, drops what is not to go out any more, and renders what
// has no body yet or another text than it had.
func (x *executor) Prepare(ctx context.Context, jobs []*delivery.Job) error {
	return x.desk.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err := x.desk.roster(tx)
		if err != nil {
			return err
		}
		var about []*delivery.Job
		var wanted []id.Event
		for _, j := range jobs {
			c := r.living(id.Channel(j.Ref))
			switch {
			case c == nil:
				j.Verdict = &delivery.Outcome{Verdict: delivery.Discard, Reason: "the channel was deleted"}
				continue
			case c.State != Active:
				j.Verdict = &delivery.Outcome{Verdict: delivery.Stop, Reason: c.StateReason}
				continue
			case c.sender == nil || c.unfit != nil: // a newer program may know: nothing is dropped
				reason := "it sends nothing"
				if c.unfit != nil {
					reason = c.unfit.Error()
				}
				j.Verdict = &delivery.Outcome{Verdict: delivery.Stop, Reason: "this program cannot serve the channel: " + reason}
				continue
			}
			if c.drops(j) {
				j.Verdict = &delivery.Outcome{Verdict: delivery.Discard, Reason: "the channel was resumed without what had waited"}
				continue
			}
			j.Detail = &call{channel: c}
			if j.Event != 0 {
				about, wanted = append(about, j), append(wanted, j.Event)
			}
		}
		events, err := x.desk.Feed.Many(tx, wanted)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		for _, j := range about {
			e := events[j.Event]
			j.Detail.(*call).event = e
			switch {
			case e != nil:
				err = x.desk.renew(tx, j, e)
			case j.Body == nil:
				j.Verdict = &delivery.Outcome{Verdict: delivery.GiveUp, Reason: "its event is not stored any more"}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// drops reports whether the job waited when the channel was resumed without what had, and was not sent again by hand since.
func (c *Channel) drops(j *delivery.Job) bool { return j.ID <= c.dropTo && !j.Since.After(c.dropAt) }

// renew brings a job's body in line with its message as it is now: what was deleted meanwhile does not go out, and what was edited goes
// out with its latest text. Of a message that stayed as it was the body stays, too.
func (d *Desk) renew(tx *db.Tx, j *delivery.Job, e *event.Event) error {
	now, err := d.Inbox.MessageAsItIs(tx, e.Message.ConversationID, e.Message.ID)
	if err != nil {
		return err
	}
	drop := func(reason string) error {
		j.Verdict = &delivery.Outcome{Verdict: delivery.Discard, Reason: reason}
		return nil
	}
	switch {
	case now == nil:
		return drop("the message does not exist any more")
	case e.Type != event.MessageDeleted && !now.DeletedAt.IsZero():
		return drop("the message was deleted")
	case e.Type != event.MessageSent && now.State == event.StateFailed && now.StateCode == codeDropped:
		return drop("the message itself never went out")
	case e.Type == event.MessageDeleted || now.EditedAt.IsZero():
		if j.Body != nil {
			return nil
		}
		return d.fill(tx, j, e)
	}
	edited, message, before := *e, *e.Message, j.Body
	message.Body, message.EditedAt, message.Link = now.Body, now.EditedAt, now.Link
	edited.Message = &message
	if err := d.fill(tx, j, &edited); err != nil {
		return err
	}
	j.Renewed = j.Renewed || before != nil && !bytes.Equal(before, j.Body)
	return nil
}

// fill renders a job's body.
func (d *Desk) fill(tx *db.Tx, j *delivery.Job, e *event.Event) error {
	c := j.Detail.(*call).channel
	giveUp := func(reason string) { j.Verdict = &delivery.Outcome{Verdict: delivery.GiveUp, Reason: reason} }
	// It is the conversation's address and no other of the contact: anybody can type addresses into a browser, and one contact may be
	// several people by them.
	to, err := addressOf(tx, c.ID, e.Conversation.ID)
	if errors.Is(err, db.ErrNoRows) {
		giveUp("the contact has no address on this channel")
		return nil
	}
	if err != nil {
		return fmt.Errorf("address of conversation %d on channel %d: %w", e.Conversation.ID, c.ID, err)
	}
	if to.Contact != e.Conversation.Contact.ID { // somebody took the address and the contact apart while the message waited
		now, err := contact.Get(tx, to.Contact)
		if err != nil {
			return err
		}
		own, talk := *e, *e.Conversation
		talk.Contact, own.Conversation = *now, &talk
		e = &own
	}
	if to.Email == "" {
		to.Email = e.Conversation.Contact.Email
	}
	if j.Body, err = c.sender.Render(d.outbound(c, e, to)); err != nil {
		giveUp("the body could not be made: " + err.Error())
	}
	return nil
}

// outbound is what a kind gets to render.
func (d *Desk) outbound(c *Channel, e *event.Event, to *Address) *Outbound {
	o := &Outbound{Event: e, Channel: c.ref(), Settings: c.settings, Address: to.sendersID(), Email: to.Email}
	if m := e.Message.Media; m != nil && m.State == event.MediaStored && d.MediaURL != nil {
		o.MediaURL = d.MediaURL(m, false, e.At) // as of the event, so that a repeat has the same bytes
	}
	return o
}

// Do implements delivery.Executor: one POST.
func (x *executor) Do(ctx context.Context, j *delivery.Job) delivery.Outcome {
	c := j.Detail.(*call).channel
	if v := x.late(ctx, j); v != nil {
		return *v
	}
	at := x.desk.DB.Now()
	stamp := []string{strconv.FormatInt(at.Unix(), 10)}
	header, shown := c.header.Clone(), c.masked.Clone()
	for _, h := range []http.Header{header, shown} {
		h["Webhook-Id"], h["Webhook-Timestamp"] = []string{j.WebhookID}, stamp
	}
	if key := c.settings.Secrets[OutboundToken]; !key.IsZero() {
		signature := []string{secret.Sign([]byte(key.Reveal()), j.WebhookID, at, j.Body)}
		header["Webhook-Signature"], shown["Webhook-Signature"] = signature, signature
	}
	out := delivery.Outcome{URL: c.link.String(), RequestHeader: shown}
	answer, err := x.desk.HTTP.Do(ctx, outhttp.Request{Method: http.MethodPost, URL: c.link, Header: header, Body: j.Body})
	if answer != nil {
		out.Status, out.ResponseHeader, out.ResponseBody = answer.Status, answer.Header, answer.Body
	}
	switch {
	case err != nil:
		out.Verdict, out.Reason = delivery.Retry, err.Error()
		if f, ok := errors.AsType[*fault.Error](err); ok {
			out.Reason = f.Detail
		}
		if ctx.Err() != nil {
			out.Verdict = delivery.Hold
		}
	case answer.Status >= 200 && answer.Status <= 299:
		out.Verdict = delivery.Done
	case answer.Status == http.StatusGone:
		out.Verdict, out.Reason = delivery.Stop, "the other side answered 410 and wants no more messages"
	default:
		out.Verdict, out.Reason = delivery.Retry, fmt.Sprintf("the other side answered %d", answer.Status)
		out.After = outhttp.RetryAfter(answer.Header.Get("Retry-After"), at)
	}
	return out
}

// late looks at the message once more: a prepared job may have waited for long, for example while the other side was down. It returns what
// became of a job that is not to be sent.
func (x *executor) late(ctx context.Context, j *delivery.Job) *delivery.Outcome {
	e := j.Detail.(*call).event
	if e == nil {
		return nil
	}
	err := x.desk.DB.View(ctx, func(_ context.Context, tx *db.Tx) error { return x.desk.renew(tx, j, e) })
	if err != nil { // what Prepare has seen counts
		x.desk.Logger.Warn("a message cannot be looked at before it is sent", "delivery", j.ID, "error", err)
		return nil
	}
	if j.Verdict == nil {
		return nil
	}
	out := *j.Verdict
	out.Unfit = true
	return &out
}

// Notice implements delivery.Executor: it keeps the channel's state in step with the engine and tells the feed, and it keeps a message's
// state in step with its delivery.
func (x *executor) Notice(ctx context.Context, tx *db.Tx, ref int64, n delivery.Notice) error {
	d := x.desk
	switch n.Kind {
	case delivery.NoticeDelivered:
		return d.fate(ctx, tx, n.Event, event.StateSent, "", "")
	case delivery.NoticeRetry:
		return d.fate(ctx, tx, n.Event, event.StatePending, "", "trying again: "+n.Reason)
	case delivery.NoticeDropped:
		code := codeDropped
		if n.Attempts > 0 { // the other side may have it all the same
			code = codeGivenUp
		}
		return d.fate(ctx, tx, n.Event, event.StateFailed, code, "not sent: "+n.Reason)
	case delivery.NoticeDead:
		return d.fate(ctx, tx, n.Event, event.StateFailed, codeGivenUp, n.Reason)
	}
	r, err := d.roster(tx)
	if err != nil {
		return err
	}
	c := r.living(id.Channel(ref))
	if c == nil || c.State != Active {
		return nil // deleted or stopped meanwhile: that says more
	}
	about := c.ref()
	e := &event.Event{Channel: &about, Reason: n.Reason}
	state := Paused
	switch n.Kind {
	case delivery.NoticeFailing:
		e.Type, e.Days = event.ChannelFailing, n.Days
		return d.Feed.Append(ctx, tx, e)
	case delivery.NoticeGone:
		if c.unfit == nil && c.sender != nil { // else it was Prepare that stopped it
			state = Gone
		}
	case delivery.NoticePaused:
	default:
		return fmt.Errorf("channel %d: unknown notice %v", c.ID, n.Kind)
	}
	if err := stopChannel(tx, c.ID, state, n.Reason); err != nil {
		return err
	}
	if err := d.changed(tx); err != nil {
		return err
	}
	e.Type = event.ChannelPaused
	return d.Feed.Append(ctx, tx, e)
}

// fate sets the state of the message whose sending is the event; edits and deletions have none.
func (d *Desk) fate(ctx context.Context, tx *db.Tx, which id.Event, state event.MessageState, code, reason string) error {
	if which == 0 {
		return nil // a test call
	}
	e, err := d.Feed.Get(tx, which)
	if errors.Is(err, db.ErrNoRows) {
		return nil // it is not stored any more
	}
	if err != nil {
		return fmt.Errorf("read event %d: %w", which, err)
	}
	if e.Type != event.MessageSent || e.Message == nil {
		return nil
	}
	return d.Inbox.FateOfMessage(ctx, tx, e.Message.ConversationID, e.Message.ID, state, code, reason)
}
