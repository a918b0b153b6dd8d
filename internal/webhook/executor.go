package webhook

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
	"parley/internal/webhook/dialect"
)

// Executor makes the calls for the delivery engine.
func (d *Desk) Executor() delivery.Executor { return &executor{d} }

type executor struct{ desk *Desk }

// Prepare implements delivery.Executor: it looks up the endpoints as they are now and renders what has no body yet.
func (x *executor) Prepare(ctx context.Context, jobs []*delivery.Job) error {
	return x.desk.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err := x.desk.roster(tx)
		if err != nil {
			return err
		}
		var blank []*delivery.Job
		var wanted []id.Event
		for _, j := range jobs {
			ep := r.byID[id.Endpoint(j.Ref)]
			switch {
			case ep == nil:
				j.Verdict = &delivery.Outcome{Verdict: delivery.Discard, Reason: "the endpoint was deleted"}
				continue
			case ep.State != Active:
				j.Verdict = &delivery.Outcome{Verdict: delivery.Stop, Reason: ep.StateReason}
				continue
			case ep.unfit != nil: // a newer program may know: nothing is dropped
				j.Verdict = &delivery.Outcome{Verdict: delivery.Stop, Reason: "this program cannot serve the endpoint: " + ep.unfit.Error()}
				continue
			}
			j.Detail = ep
			if j.Body != nil {
				continue
			}
			if j.Body = x.desk.bodies.get(bodyKey{j.Event, j.Form, ep.Policy}); j.Body != nil {
				continue
			}
			blank, wanted = append(blank, j), append(wanted, j.Event)
		}
		events, err := x.desk.Feed.Many(tx, wanted)
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		for _, j := range blank {
			ep := j.Detail.(*Endpoint)
			e := events[j.Event]
			if e == nil {
				j.Verdict = &delivery.Outcome{Verdict: delivery.GiveUp, Reason: "its event is not stored any more"}
				continue
			}
			k := bodyKey{j.Event, j.Form, ep.Policy}
			if j.Body = x.desk.bodies.get(k); j.Body != nil {
				continue // made for another endpoint a moment ago
			}
			if j.Body, err = x.desk.render(ep, j.Form, e); err != nil {
				j.Verdict = &delivery.Outcome{Verdict: delivery.GiveUp, Reason: "the body could not be made: " + err.Error()}
				continue
			}
			x.desk.bodies.put(k, j.Body)
		}
		return nil
	})
}

// Do implements delivery.Executor: one signed POST.
func (x *executor) Do(ctx context.Context, j *delivery.Job) delivery.Outcome {
	ep := j.Detail.(*Endpoint)
	at := x.desk.DB.Now()
	header := make(http.Header, len(ep.header)+4)
	for k, v := range ep.header {
		header[k] = v
	}
	signature := ep.signatures(j.WebhookID, at, j.Body)
	stamp := strconv.FormatInt(at.Unix(), 10)
	header["Webhook-Id"], header["Webhook-Timestamp"], header["Webhook-Signature"] = []string{j.WebhookID}, []string{stamp}, []string{signature}
	shown := make(http.Header, len(ep.masked)+3)
	for k, v := range ep.masked {
		shown[k] = v
	}
	shown["Webhook-Id"], shown["Webhook-Timestamp"], shown["Webhook-Signature"] = header["Webhook-Id"], header["Webhook-Timestamp"], header["Webhook-Signature"]

	out := delivery.Outcome{URL: ep.URL, RequestHeader: shown}
	answer, err := x.desk.HTTP.Do(ctx, outhttp.Request{Method: http.MethodPost, URL: ep.link, Header: header, Body: j.Body, Timeout: ep.Timeout, Ranges: ep.ranges})
	if answer != nil {
		out.Status, out.ResponseHeader, out.ResponseBody = answer.Status, answer.Header, answer.Body
	}
	if err != nil {
		out.Verdict, out.Reason = delivery.Retry, err.Error()
		if f, ok := errors.AsType[*fault.Error](err); ok {
			out.Reason = f.Detail
		}
		if ctx.Err() != nil {
			out.Verdict = delivery.Hold
		}
		return out
	}
	switch ep.judge(answer.Status) {
	case dialect.Received:
		out.Verdict = delivery.Done
	case dialect.Gone:
		out.Verdict, out.Reason = delivery.Stop, fmt.Sprintf("the receiver answered %d and wants no more calls", answer.Status)
	default:
		out.Verdict, out.Reason = delivery.Retry, fmt.Sprintf("the receiver answered %d", answer.Status)
		out.After = outhttp.RetryAfter(answer.Header.Get("Retry-After"), at)
	}
	return out
}

// Notice implements delivery.Executor: it keeps the endpoint's state in step with the engine, and tells the feed.
func (x *executor) Notice(ctx context.Context, tx *db.Tx, ref int64, n delivery.Notice) error {
	r, err := x.desk.roster(tx)
	if err != nil {
		return err
	}
	ep := r.byID[id.Endpoint(ref)]
	if ep == nil {
		return nil // deleted meanwhile
	}
	e := &event.Event{Endpoint: &event.Endpoint{ID: ep.ID, Name: ep.Name, State: ep.State, Reason: n.Reason}}
	if ep.link != nil {
		e.Endpoint.URL = ep.link.Host
	}
	if n.Kind == delivery.NoticeDead {
		if silent, err := x.silent(tx, n); err != nil || silent {
			return err
		}
		e.Type, e.Delivery = event.DeliveryDead, &event.Delivery{ID: n.Delivery, Event: n.Event, Name: n.Name, Attempts: n.Attempts}
		return x.desk.Feed.Append(ctx, tx, e)
	}
	if ep.State != Active {
		return nil // stopped by an admin meanwhile: that state says more
	}
	switch n.Kind {
	case delivery.NoticeFailing:
		e.Type, e.Days = event.EndpointFailing, n.Days
		return x.desk.Feed.Append(ctx, tx, e)
	case delivery.NoticeGone:
		e.Endpoint.State = Gone
		if ep.unfit != nil { // it was Prepare that stopped it
			e.Endpoint.State = Paused
		}
	case delivery.NoticePaused:
		e.Endpoint.State = Paused
	default:
		return fmt.Errorf("endpoint %d: unknown notice %v", ep.ID, n.Kind)
	}
	if err := stopEndpoint(tx, ep.ID, e.Endpoint.State, n.Reason); err != nil {
		return err
	}
	if err := setVersion(tx); err != nil {
		return err
	}
	e.Type = event.EndpointPaused
	return x.desk.Feed.Append(ctx, tx, e)
}

// silent reports whether nobody is told of a dead delivery: a test call lost nothing, and endpoints that fail would go on
// telling each other about it.
func (x *executor) silent(tx *db.Tx, n delivery.Notice) (bool, error) {
	if n.Event == 0 {
		return true, nil
	}
	about, err := x.desk.Feed.Get(tx, n.Event)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil // it is not stored any more
	}
	if err != nil {
		return false, fmt.Errorf("read event %d: %w", n.Event, err)
	}
	return about.Type.Operational(), nil
}
