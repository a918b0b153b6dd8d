package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parley/internal/secret"
)

const (
	// pollFor is how long one question for news waits at the server.
	pollFor = 25 * time.Second
	// pageOf is how many events are read at once.
	pageOf = 100
	// passTimeout bounds one call of the receiver, as endpoints have it by default.
	passTimeout = 15 * time.Second
	// grace is what a call under way still gets when the relay ends: an answer that comes in time saves a repeat.
	grace = 3 * time.Second
	// firstAgain and lastAgain are the pauses after a refused call.
	firstAgain, lastAgain = 500 * time.Millisecond, 30 * time.Second
)

// Relay passes the feed on to a receiver: one event at a time, in order, each until it was taken. It may stop and begin
// anywhere; with a Place that has a file it goes on where it was.
type Relay struct {
	Client *Client
	// To is the receiver's address.
	To string
	// Types are the event types to pass on; none means all.
	Types []string
	// Place is where to go on from. The relay moves it.
	Place *Place
	// UserAgent is sent with every call.
	UserAgent string
	// Passed is told of every call of the receiver; Server of the server going away (with an error) and being back (nil).
	Passed func(Passed)
	Server func(error)
	// Transport is for tests; nil means connections of its own.
	Transport http.RoundTripper
}

// Passed is one call of the receiver.
type Passed struct {
	Event Event
	At    time.Time
	// Status is 0 when there was no answer; then Err says why.
	Status int
	Err    error
	Took   time.Duration
	// Again is the pause before the next try; 0 means that there is none: the event was taken, or the receiver wants no more.
	Again time.Duration
}

// ErrGone means that the receiver answered 410: it wants no more calls at all.
var ErrGone = errors.New("the receiver answered 410, which means that it wants no more calls")

// Run passes events on until ctx ends, which is no error.
func (r *Relay) Run(ctx context.Context) error {
	key, err := secret.SigningKey(r.Place.Secret)
	if err != nil {
		return err
	}
	if u, err := url.Parse(r.To); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is not a URL like http://localhost:3000/hook", r.To)
	}
	transport := r.Transport
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true, IdleConnTimeout: 90 * time.Second}
	}
	out := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer out.CloseIdleConnections()

	away := false
	pauses := backoff{first: firstPause, last: lastPause}
	for ctx.Err() == nil {
		page, err := r.Client.Events(ctx, r.Place.After, r.Types, pageOf, pollFor)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !Transient(err):
			return err
		case err != nil:
			if !away {
				away = true
				r.Server(err)
			}
			pauses.pause(ctx, 0)
			continue
		case away:
			away, pauses.next = false, 0
			r.Server(nil)
		}
		for _, e := range page.Items {
			if taken, err := r.pass(ctx, out, key, e); err != nil || !taken {
				return err
			}
			r.Place.After = e.Seq
			if err := r.Place.Save(); err != nil {
				return err
			}
		}
		// What the filter leaves out need not be looked through again after a restart.
		if page.NextAfter > r.Place.After {
			r.Place.After = page.NextAfter
			if err := r.Place.Save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pass calls the receiver until it takes the event. False without an error: ctx ended before.
func (r *Relay) pass(ctx context.Context, out *http.Client, key []byte, e Event) (bool, error) {
	pauses := backoff{first: firstAgain, last: lastAgain}
	for ctx.Err() == nil {
		p, ask := r.once(ctx, out, key, e)
		if p.Err == nil && p.Status >= 200 && p.Status <= 299 {
			r.Passed(p)
			return true, nil
		}
		if p.Err == nil && p.Status == http.StatusGone {
			r.Passed(p)
			return false, ErrGone
		}
		p.Again = pauses.grow(ask)
		r.Passed(p)
		wait(ctx, p.Again)
	}
	return false, nil
}

// once makes one call. The duration is how long the receiver asked to be left alone.
func (r *Relay) once(ctx context.Context, out *http.Client, key []byte, e Event) (Passed, time.Duration) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), passTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if wait(call, grace) {
			cancel()
		}
	})()
	p := Passed{Event: e, At: time.Now()}
	req, err := http.NewRequestWithContext(call, http.MethodPost, r.To, bytes.NewReader(e.Raw))
	if err != nil {
		p.Err = err
		return p, 0
	}
	// The same id for every try of an event, also by another process: that is how a receiver knows a repeat. Another server, or
	// a new database, has other events under the same numbers, so that the number alone would not do.
	id := "evt_" + strconv.FormatInt(e.Seq, 10) + "_" + secret.Hash(string(e.Raw))[:12]
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", r.UserAgent)
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(p.At.Unix(), 10))
	req.Header.Set("Webhook-Signature", secret.Sign(key, id, p.At, e.Raw))
	res, err := out.Do(req)
	if err != nil {
		p.Took = time.Since(p.At)
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		p.Err = err
		return p, 0
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection serves the next call
	p.Status, p.Took = res.StatusCode, time.Since(p.At)
	if err != nil {
		p.Err = err
	}
	return p, RetryAfter(res.Header.Get("Retry-After"))
}
