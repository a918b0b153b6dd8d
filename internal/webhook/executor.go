package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

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
		events := map[id.Event]*event.Event{} // an event often goes to several endpoints at once
		for _, j := range jobs {
			ep := r.byID[id.Endpoint(j.Ref)]
			switch {
			case ep == nil:
				j.Verdict = &delivery.Outcome{Verdict: delivery.Discard, Reason: "the endpoint was deleted"}
				continue
			case ep.State != Active:
				j.Verdict = &delivery.Outcome{Verdict: delivery.Stop, Reason: ep.StateReason}
				continue
			}
			j.Detail = ep
			if j.Body != nil {
				continue
			}
			e := events[j.Event]
			if e == nil {
				if e, err = x.desk.Feed.Get(tx, j.Event); err != nil {
					if errors.Is(err, db.ErrNoRows) {
						j.Verdict = &delivery.Outcome{Verdict: delivery.GiveUp, Reason: "its event is not stored any more"}
						continue
					}
					return fmt.Errorf("read event %d: %w", j.Event, err)
				}
				events[j.Event] = e
			}
			if j.Body, err = x.render(j, e); err != nil {
				j.Verdict = &delivery.Outcome{Verdict: delivery.GiveUp, Reason: "the body could not be made: " + err.Error()}
			}
		}
		return nil
	})
}

// render uses the dialect that was pinned when the delivery was queued.
func (x *executor) render(j *delivery.Job, e *event.Event) ([]byte, error) {
	name, _, _ := strings.Cut(j.Form, "/")
	speaks := x.desk.dialects[name]
	if speaks == nil {
		return nil, fmt.Errorf("this program has no dialect %q", name)
	}
	return speaks.Render(e, dialect.Options{PublicURL: x.desk.PublicURL})
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
	answer, err := x.desk.HTTP.Do(ctx, outhttp.Request{Method: http.MethodPost, URL: ep.link, Header: header, Body: j.Body, Timeout: ep.Timeout})
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
	switch ep.speaks.Judge(answer.Status) {
	case dialect.Received:
		out.Verdict = delivery.Done
	case dialect.Gone:
		out.Verdict, out.Reason = delivery.Stop, fmt.Sprintf("the receiver answered %d and wants no more calls", answer.Status)
	default:
		out.Verdict, out.Reason = delivery.Retry, fmt.Sprintf("the receiver answered %d", answer.Status)
		out.After = retryAfter(answer.Header.Get("Retry-After"), at)
	}
	return out
}

// Stopped implements delivery.Executor: an endpoint that answered 410 is gone until an admin resumes it.
func (x *executor) Stopped(tx *db.Tx, ref int64, reason string) error {
	r, err := x.desk.roster(tx)
	if err != nil {
		return err
	}
	if ep := r.byID[id.Endpoint(ref)]; ep == nil || ep.State != Active {
		return nil // stopped by an admin meanwhile: that state says more
	}
	if err := stopEndpoint(tx, id.Endpoint(ref), Gone, reason); err != nil {
		return err
	}
	return setVersion(tx)
}

// retryAfter reads the header's two forms, seconds and an HTTP date; 0 when there is none that makes sense.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if n, err := strconv.Atoi(value); err == nil {
		if n <= 0 || n > 1<<30 {
			return 0
		}
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(value); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
