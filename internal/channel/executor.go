package channel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

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

// Prepare implements delivery.Executor: it looks up the channels as they are now and renders what has no body yet.
func (x *executor) Prepare(ctx context.Context, jobs []*delivery.Job) error {
	return x.desk.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err := x.desk.roster(tx)
		if err != nil {
			return err
		}
		var blank []*delivery.Job
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
			j.Detail = c
			if j.Body == nil {
				blank, wanted = append(blank, j), append(wanted, j.Event)
			}
		}
		events, err := x.desk.Feed.Many(tx, wanted)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		for _, j := range blank {
			if err := x.desk.fill(tx, j, events[j.Event]); err != nil {
				return err
			}
		}
		return nil
	})
}

// fill renders a job's body.
func (d *Desk) fill(tx *db.Tx, j *delivery.Job, e *event.Event) error {
	c := j.Detail.(*Channel)
	giveUp := func(reason string) { j.Verdict = &delivery.Outcome{Verdict: delivery.GiveUp, Reason: reason} }
	if e == nil {
		giveUp("its event is not stored any more")
		return nil
	}
	to, err := currentAddress(tx, c.ID, e.Conversation.Contact.ID)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return fmt.Errorf("address of contact %d on channel %d: %w", e.Conversation.Contact.ID, c.ID, err)
	}
	if to == nil {
		to = &Address{}
	}
	if to.Email == "" {
		to.Email = e.Conversation.Contact.Email
	}
	if to.Email == "" && to.sendersID() == "" {
		giveUp("the contact has no address on this channel")
		return nil
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
	c := j.Detail.(*Channel)
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
		return d.fate(ctx, tx, n.Event, event.StateFailed, "dropped", "not sent: "+n.Reason)
	case delivery.NoticeDead:
		return d.fate(ctx, tx, n.Event, event.StateFailed, "given_up", n.Reason)
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
	return d.Inbox.StateOfMessage(ctx, tx, e.Message.ConversationID, e.Message.ID, state, code, reason)
}
