package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"parley/internal/channel"
	channels "parley/internal/channel/all"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/feed"
	"parley/internal/httpapi"
	"parley/internal/httpapi/rest"
	"parley/internal/httpapi/visitor"
	"parley/internal/mail"
	"parley/internal/outhttp"
	"parley/internal/reply"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/all"
	"parley/internal/webhook/dialect/standard"
	"parley/web"
)

// deliveries makes the ways out: the endpoints, the channels, mails and the engine.
func (a *App) deliveries(ctx context.Context, private []netip.Prefix) error {
	a.hooks = webhook.New(webhook.Options{
		DB: a.db, Feed: a.feed, HTTP: a.out, Sealer: a.sealer, Dialects: all.Dialects(), UserAgent: a.agent(), PublicURL: a.Config.PublicURL,
		NoReply: a.Config.NoReplyAddress, MediaURL: a.mediaURL, Kick: func() { a.engine.Kick() }, Logger: a.Logger,
	})
	a.feed.Plan(a.hooks.Plan)
	a.channels = channel.New(channel.Options{
		DB: a.db, Feed: a.feed, HTTP: a.out, Sealer: a.sealer, Kinds: channels.Kinds(), Inbox: a.inbox, Contacts: a.contacts, UserAgent: a.agent(),
		PublicURL: a.Config.PublicURL, MediaURL: a.mediaURL, Kick: func() { a.engine.Kick() }, Logger: a.Logger,
	})
	a.feed.Plan(a.channels.Plan)
	a.mails = mail.New(mail.Options{
		DB: a.db, Feed: a.feed, Inbox: a.inbox, Sealer: a.sealer, Key: a.mailKey, MediaURL: a.mediaURL,
		PublicURL: a.Config.PublicURL, UserAgent: a.agent(), Kick: func() { a.engine.Kick() }, Logger: a.Logger,
		// A callback may send the mail before it answers.
		HTTP: outhttp.New(outhttp.Options{AllowPrivate: private, UserAgent: a.agent(), HeaderTimeout: time.Minute, Logger: a.Logger}),
	})
	a.feed.Plan(a.mails.Plan) // last: it appends events of its own
	node, err := nodeName(a.Config.Data)
	if err != nil {
		return err
	}
	a.engine = delivery.New(delivery.Options{
		DB: a.db, Changed: a.feed.Changed, Logger: a.Logger, Node: node, Observe: a.metrics.Attempt, Attempt: mail.LongestAttempt,
		Executors: map[string]delivery.Executor{webhook.Kind: a.hooks.Executor(), channel.Deliveries: a.channels.Executor(), mail.Deliveries: a.mails.Executor()},
	})
	a.standard = standard.New()
	return nil
}

// agent is how we call ourselves to other servers.
func (a *App) agent() string { return "Parley/" + a.Version }

// eventJSON renders an event as the API and the operators' sockets show it: in the standard dialect.
func (a *App) eventJSON(e *event.Event) (json.RawMessage, error) {
	return a.standard.Render(e, dialect.Options{PublicURL: a.Config.PublicURL, MediaURL: func(m *event.Media, thumb bool, _ time.Time) string {
		return a.mediaURL(m, thumb, a.db.Now()) // who reads an old event can open its files
	}})
}

// mediaURL makes the address of a file or of its thumbnail as of a time.
func (a *App) mediaURL(m *event.Media, thumb bool, at time.Time) string {
	if thumb {
		return a.links.Thumb(m, at)
	}
	return a.links.URL(m, at)
}

// runEngine runs deliveries until ctx ends, then lets the attempts under way finish.
func (a *App) runEngine(ctx context.Context) error {
	running := make(chan error, 1)
	// The engine gets a context of its own: the end of ctx starts its stop, and the stop takes time.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	go func() { running <- a.engine.Run(life) }()
	select {
	case err := <-running:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(life, drainFor)
	defer cancel()
	err := a.engine.Stop(stop)
	end()
	return errors.Join(err, <-running)
}

// routes adds everything that is served to the mux.
func (a *App) routes() {
	visitor.Register(a.mux, visitor.Options{
		Inbox: a.inbox, Contacts: a.contacts, Widgets: a.widgets, Team: a.team, PublicURL: a.Config.PublicURL, Media: a.media, Links: a.links,
		Channels: a.channels, Mail: a.mails, Onsite: a.onsite, Ended: a.hub.Ended, Now: a.db.Now,
	})
	a.mux.HandleFunc("GET /visitor/v1/socket", a.hub.Visitors)
	a.mux.HandleFunc("GET /api/v1/socket", a.hub.Operators)
	a.mux.Handle("GET /media/{key}/{name}", httpapi.AtOnce(downloadsAtOnce, a.media.Handler(httpapi.WriteProblem)))
	a.mux.Handle("GET /widget/", httpapi.Static(web.Widget(), httpapi.StaticOptions{Prefix: "/widget/", CrossOrigin: true}))
	a.mux.Handle("GET /app/", httpapi.Pages(httpapi.Static(web.Operator(), httpapi.StaticOptions{Prefix: "/app/", Index: "index.html"})))
	a.mux.Handle("GET /{$}", http.RedirectHandler("/app/", http.StatusFound))
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	a.mux.HandleFunc("GET /readyz", a.showReady)
	a.mux.Handle("GET /metrics", a.edge.RequireToken(a.metrics.Handler()))
	rest.RegisterInbound(a.mux, a.channels)
	rest.Register(a.edge, a.mux, rest.Options{
		Team: a.team, Inbox: a.inbox, Contacts: a.contacts, Widgets: a.widgets, Webhooks: a.hooks, Channels: a.channels, Mails: a.mails, Replies: reply.New(reply.Options{DB: a.db, Inbox: a.inbox}), Audit: a.audit, Onsite: a.onsite, Feed: a.feed, Media: a.media, Links: a.links,
		EventJSON: a.eventJSON, PublicURL: a.Config.PublicURL, Version: a.Version, Demo: a.Demo, Now: a.db.Now, Stopping: a.stopping,
	})
}

// showReady answers whether requests should be sent here: the server runs, is not stopping, and its database answers.
func (a *App) showReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if _, _, err := a.feed.ReadAfter(ctx, 0, 0, feed.Filter{}); err != nil || !a.ready.Load() {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ready\n"))
}
