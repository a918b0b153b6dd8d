package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/audit"
	"parley/internal/channel"
	"parley/internal/config"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/geo"
	"parley/internal/httpapi"
	"parley/internal/httpapi/rest"
	"parley/internal/httpapi/visitor"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/mail"
	"parley/internal/media"
	"parley/internal/metrics"
	"parley/internal/once"
	"parley/internal/onsite"
	"parley/internal/outhttp"
	"parley/internal/realtime"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect"
	"parley/internal/widget"
)

const (
	// drainFor is how long a stop waits for running requests and for attempts under way.
	drainFor = 20 * time.Second
	// tidyEvery is how often expired keys, sessions and old deliveries are removed.
	tidyEvery = 10 * time.Minute
	tidyBatch = 500
)

// Options are what an App is made of.
type Options struct {
	Config  config.Server // resolved
	Logger  *slog.Logger
	Version string
	// Demo adds the demo's pages.
	Demo bool
	// Thumbnail makes small pictures; nil makes them in this process, which is for tests: a server leaves it to a child.
	Thumbnail media.Thumbnailer
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// App is the whole server, open but not yet serving.
type App struct {
	Options
	*Storage
	unlock   func() error
	contacts *contact.Desk
	widgets  *widget.Desk
	inbox    *inbox.Desk
	out      *outhttp.Client
	hooks    *webhook.Desk
	channels *channel.Desk
	mails    *mail.Desk
	audit    *audit.Log
	onsite   *onsite.Desk
	engine   *delivery.Engine
	standard dialect.Dialect
	media    *media.Desk
	links    *media.Links
	hub      *realtime.Hub
	redis    *realtime.Redis
	metrics  *metrics.Metrics
	edge     *httpapi.Edge
	mux      *http.ServeMux
	ready    atomic.Bool
	stopping chan struct{} // closed when a stop begins; long polls end then
}

// Open opens the storage and makes all parts. Close it, or run it with Serve, which closes it.
func Open(ctx context.Context, o Options) (a *App, err error) {
	a = &App{Options: o, mux: http.NewServeMux(), stopping: make(chan struct{})}
	if a.Storage, err = openStorage(ctx, o.Config.Storage, o.Logger, o.Now); err != nil {
		return nil, err
	}
	// Two owners of one embedded database would send every callback twice.
	dir := o.Config.Data
	busy := fmt.Errorf("another server runs on the data directory %s; stop it or use another --data", dir)
	if a.unlock, err = LockFile(filepath.Join(dir, "server.lock"), busy); err != nil {
		return nil, errors.Join(err, a.Storage.Close())
	}
	if err := a.assemble(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Close closes what Open opened.
func (a *App) Close() error {
	var errs []error
	if a.redis != nil {
		errs = append(errs, a.redis.Close())
	}
	errs = append(errs, a.closeFiles(), a.Storage.Close())
	if a.unlock != nil {
		errs = append(errs, a.unlock())
	}
	return errors.Join(errs...)
}

func (a *App) assemble(ctx context.Context) error {
	public, err := url.Parse(a.Config.PublicURL)
	if err != nil {
		return fmt.Errorf("public URL: %w", err)
	}
	private, err := config.Prefixes(a.Config.AllowPrivateTargets)
	if err != nil {
		return err
	}
	proxies, err := config.Prefixes(a.Config.TrustedProxies)
	if err != nil {
		return err
	}
	var places *geo.File
	if path := a.Config.GeoFile; path != "" {
		if places, err = geo.Open(path); err != nil {
			return fmt.Errorf("--geo-file: %w", err)
		}
		a.Logger.Info("places of visitors come from a file", "path", path, "kind", places.Kind())
	}
	a.contacts = contact.New(a.db, a.feed)
	a.audit = audit.New(a.db)
	a.widgets = widget.New(widget.Options{DB: a.db, Feed: a.feed, Sealer: a.sealer})
	a.out = outhttp.New(outhttp.Options{AllowPrivate: private, UserAgent: a.agent(), Logger: a.Logger})
	if err := a.files(); err != nil {
		return err
	}
	a.inbox = inbox.New(inbox.Options{DB: a.db, Feed: a.feed, Contacts: a.contacts, Widgets: a.widgets, Media: a.media, Place: func(address string) inbox.Place { return inbox.Place(places.At(address)) },
		TakesRequested: func(tx *db.Tx, c *event.Conversation) (bool, error) { return a.hooks.TakesRequested(tx, c) },
		Hooked:         func(tx *db.Tx, c *event.Conversation, hook string) (bool, error) { return a.hooks.HasHook(tx, c, hook) }})
	a.onsite = onsite.New(onsite.Options{DB: a.db, Key: a.inviteKey, Place: a.inbox.Place, Stopping: a.stopping, Logger: a.Logger})
	a.feed.Plan(a.onsite.Plan)
	a.team.OnDeleteGroup(inbox.ReleaseGroup)
	a.feed.OnTrouble(func(err error) { a.Logger.Warn("events wait for their numbers; trying again", "error", err) })
	a.metrics = metrics.New(metrics.Options{DB: a.db, Feed: a.feed, Sockets: func() int { return a.hub.Connections() }})
	if err := a.deliveries(ctx, private); err != nil {
		return err
	}
	if u := a.Config.Redis; !u.IsZero() {
		instance, err := delivery.InstanceID(ctx, a.db)
		if err != nil {
			return err
		}
		if a.redis, err = realtime.NewRedis(u, instance); err != nil {
			return err
		}
	}
	a.hub = a.newHub()
	a.feed.OnAppend(a.hub.Wake)
	if a.edge, err = httpapi.New(httpapi.Options{Team: a.team, PublicURL: public, TrustedProxies: proxies, Logger: a.Logger, Now: a.db.Now, Pepper: a.pepper,
		Observe: a.metrics.Request, OwnLimits: []string{rest.InboundMessages, rest.InboundReceipts}}); err != nil {
		return err
	}
	a.routes()
	return nil
}

func (a *App) newHub() *realtime.Hub {
	guests := visitor.Options{PublicURL: a.Config.PublicURL, Links: a.links, Now: a.db.Now}
	return realtime.New(realtime.Options{
		Feed: a.feed, Logger: a.Logger, Now: a.db.Now, Redis: a.redis,
		OperatorAuth: func(r *http.Request, token string) (realtime.Subject, error) {
			if token != "" {
				by, err := a.edge.AuthenticateToken(r, token)
				return realtime.Subject{Token: by.Token, Name: by.Name, Valid: func(ctx context.Context) error {
					_, err := a.team.AuthenticateToken(ctx, token)
					return err
				}}, err
			}
			if err := a.edge.SameOriginSocket(r); err != nil {
				return realtime.Subject{}, err
			}
			by, err := a.edge.Authenticate(r)
			session, bearer := httpapi.SessionToken(r.Context()), httpapi.BearerToken(r)
			return realtime.Subject{Operator: by.Operator, Token: by.Token, Name: by.Name, Valid: func(ctx context.Context) error {
				if session == "" {
					_, err := a.team.AuthenticateToken(ctx, bearer)
					return err
				}
				_, _, err := a.team.Authenticate(ctx, session)
				return err
			}}, err
		},
		VisitorAuth: func(r *http.Request, token string) (realtime.Subject, error) {
			v, err := a.contacts.Authenticate(r.Context(), token)
			if err != nil {
				return realtime.Subject{}, err
			}
			w, err := a.widgets.Get(r.Context(), v.Widget)
			if err != nil {
				return realtime.Subject{}, err
			}
			if origin := r.Header.Get("Origin"); !guests.OriginAllowed(w, origin) {
				return realtime.Subject{}, fault.Newf(fault.WidgetOrigin, "the widget %s may not be used on %.100s", w.Key, origin)
			}
			c, err := a.contacts.Get(r.Context(), v.Contact)
			if err != nil {
				return realtime.Subject{}, err
			}
			return realtime.Subject{Contact: c.ID, Widget: w.ID, Name: c.DisplayName(), Valid: func(ctx context.Context) error {
				_, err := a.contacts.Authenticate(ctx, token)
				return err
			}}, nil
		},
		ClientIP:  func(r *http.Request) string { return httpapi.ClientKey(r.Context()) },
		EventJSON: a.eventJSON,
		Message:   guests.Message,
		Contact:   visitor.Contact,
		Conversation: func(ctx context.Context, c id.Contact, conversation id.Conversation) (any, error) {
			v, err := a.inbox.GetOf(ctx, c, conversation)
			if err != nil {
				return nil, err
			}
			return guests.Conversation(v), nil
		},
		ContactOf: func(ctx context.Context, conversation id.Conversation) (id.Contact, bool) {
			v, err := a.inbox.Get(ctx, conversation)
			if err != nil {
				a.note("contact of a conversation", err)
				return 0, false
			}
			return v.Contact.ID, v.ShownTo(&v.Contact, v.MessageCount+1)
		},
		Availability: func(ctx context.Context, w id.Widget) (string, error) {
			wi, err := a.widgets.Get(ctx, w)
			if err != nil {
				return "", err
			}
			group, err := a.team.Availability(ctx, wi.GroupID)
			return widget.Available(wi, group, a.db.Now()), err
		},
		TabOpened: func(ctx context.Context, t realtime.Tab) {
			a.note("open tab", a.team.TabOpened(ctx, t.Operator, t.ID))
		},
		TabsTouched: func(ctx context.Context, tabs []realtime.Tab) {
			list := make([]team.Tab, len(tabs))
			for i, t := range tabs {
				list[i] = team.Tab{Operator: t.Operator, ID: t.ID}
			}
			a.note("keep tabs", a.team.TabsTouched(ctx, list))
		},
		TabClosed: func(ctx context.Context, t realtime.Tab) {
			a.note("close tab", a.team.TabClosed(ctx, t.Operator, t.ID))
		},
		Page: func(ctx context.Context, c id.Contact, url, title string) {
			a.note("page of a contact", a.inbox.PageByContact(ctx, c, url, title))
		},
		Delivered: func(ctx context.Context, c id.Contact, conversation id.Conversation, number int) {
			a.note("delivered mark", a.inbox.MarkByContact(ctx, c, conversation, number, 0))
		},
	})
}

// note logs what a background call could not do; faults of the caller's own making are not worth a line.
func (a *App) note(what string, err error) {
	switch {
	case err == nil, errors.Is(err, context.Canceled), fault.IsKind(err, fault.NotFound), fault.IsKind(err, fault.Invalid):
	default:
		a.Logger.Warn(what+" failed", "error", err)
	}
}

// Serve listens and runs everything until ctx ends, then stops gracefully and closes. ready is called when requests are taken.
func (a *App) Serve(ctx context.Context, ready func()) error {
	l, err := net.Listen("tcp", a.Config.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen on %s: %w; choose another address with --listen", a.Config.Listen, err), a.Close())
	}
	return a.ServeOn(ctx, l, ready)
}

// ServeOn is Serve on a given listener.
func (a *App) ServeOn(ctx context.Context, l net.Listener, ready func()) error {
	// The parts outlive the HTTP server: a request that still runs may need them.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var parts sync.WaitGroup
	var failed errorsOf
	run := func(name string, fn func(context.Context) error) {
		parts.Go(func() {
			if err := fn(life); err != nil {
				failed.add(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	run("numbering", a.feed.RunNumbering)
	run("presence", func(ctx context.Context) error { a.team.Run(ctx); return nil })
	run("timers", func(ctx context.Context) error { return a.inbox.RunTimers(ctx, a.Logger) })
	run("search", func(ctx context.Context) error { return a.inbox.RunSearch(ctx, a.Logger) })
	run("media", a.media.Run)
	run("mails", a.mails.Run)
	run("visitors", a.onsite.Run)
	run("erasures", func(ctx context.Context) error { return a.inbox.RunErasures(ctx, a.Logger) })
	run("tidying", a.tidy)
	run("removing files", a.purgeFiles)
	run("deliveries", a.runEngine)

	hubLife, endHub := context.WithCancel(life)
	defer endHub()
	var hub sync.WaitGroup
	hub.Go(func() { failed.add(a.hub.Run(hubLife)) })

	server := httpapi.NewServer(a.edge.Handler(a.mux), a.Logger)
	server.BaseContext = func(net.Listener) context.Context { return life }
	a.ready.Store(true)
	ready()
	a.Logger.Info("ready", "url", a.Config.PublicURL, "listen", l.Addr().String(), "database", string(a.db.Engine()), "version", a.Version)
	stopped := context.AfterFunc(ctx, func() {
		a.ready.Store(false)
		close(a.stopping)
		a.Logger.Info("stopping: finishing what is under way")
		endHub() // sockets are hijacked: the HTTP server does not close them
	})
	defer stopped()
	err := httpapi.Serve(ctx, server, l, drainFor)
	endHub()
	hub.Wait()
	end()
	parts.Wait()
	return errors.Join(err, failed.err(), a.Close())
}

// tidy removes what nobody needs any more, in small steps.
func (a *App) tidy(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for {
			n, err := once.Forget(ctx, a.db, tidyBatch)
			a.note("forget idempotency keys", err)
			if n < tidyBatch {
				break
			}
		}
		for {
			n, err := delivery.Forget(ctx, a.db, a.db.Now().Add(-a.Config.LogKeep), a.Config.LogMax, tidyBatch)
			a.note("forget deliveries", err)
			if n < tidyBatch {
				break
			}
		}
		a.note("forget the chart of deliveries", delivery.ForgetChart(ctx, a.db))
		a.note("forget sessions", a.team.Forget(ctx))
		a.note("trim the logs of channels", a.channels.Forget(ctx))
		a.note("forget mails", a.mails.Forget(ctx))
	}
}

// errorsOf collects errors of several goroutines.
type errorsOf struct {
	mu   sync.Mutex
	list []error
}

func (e *errorsOf) add(err error) {
	if err == nil {
		return
	}
	e.mu.Lock()
	e.list = append(e.list, err)
	e.mu.Unlock()
}

func (e *errorsOf) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return errors.Join(e.list...)
}

// FirstStart makes an admin when there is no operator yet and returns the one-time link, "" on later starts.
func (a *App) FirstStart(ctx context.Context) (string, error) {
	operators, err := a.team.List(ctx)
	if err != nil || len(operators) > 0 {
		return "", err
	}
	token, err := a.AddOperator(ctx, "admin@localhost.localdomain", "Admin", "", team.RoleAdmin)
	if err != nil {
		return "", fmt.Errorf("make the first operator: %w", err)
	}
	return SignInLink(a.Config.PublicURL, token), nil
}
