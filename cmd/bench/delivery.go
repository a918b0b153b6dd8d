//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/db"
)

// The full sizes; -scale makes them smaller.
const (
	waiting     = 20_000    // deliveries that wait when a measurement begins
	endpoints   = 100       // of S2 and those like it
	hanging     = 5         // endpoints of S3 that never answer
	people1     = 400       // conversations of S1
	people2     = 20        // conversations of S2 and those like it
	pendingRows = 1_000_000 // of the paused endpoint of S5
	posted      = 1_000     // messages a second in S2b
	liveRate    = 10        // messages a second, each to all endpoints, while latency is measured
)

// words are short, since the standard dialect's body is more than 1 KiB with any text; the report says how large it is.
const words = "Hello"

// deliveries is one run of the scenarios.
type deliveries struct {
	bin, database string
	scale         float64
	r             *remote
	limit         float64
	out           report
	s2            figures // what S3 and S5 are compared with
	measured      bool    // s2 is there
}

// figures are what a drain of waiting deliveries came to.
type figures struct {
	rate   float64 // deliveries a second, from the first resume to the last arrival
	waited time.Duration
	live   time.Duration // p99 from commit to arrival at a steady load, afterwards
}

// scenario is a part of the benchmark, by the name that -only takes.
type scenario struct {
	name string
	run  func(*deliveries) error
}

var scenarios = []scenario{
	{"S1", (*deliveries).one}, {"S2", (*deliveries).many}, {"S2b", (*deliveries).manyWhilePosting}, {"S3", (*deliveries).hang}, {"S5", (*deliveries).million},
}

func runDelivery(bin, database, only string, scale float64) error {
	raiseFiles()
	machine()
	var chosen []string
	if only != "" {
		chosen = strings.Split(only, ",")
	}
	for _, name := range chosen {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.name == name }) {
			return fmt.Errorf("there is no scenario %q: S1, S2, S2b, S3, S5", name)
		}
	}
	r, err := newRemote()
	if err != nil {
		return err
	}
	defer r.close()
	d := &deliveries{bin: bin, database: database, scale: scale, r: r}
	if d.limit, err = rawLimit(r.url, 1024, 3*time.Second); err != nil {
		return fmt.Errorf("raw limit: %w", err)
	}
	fmt.Printf(rawLine, d.limit)
	if scale != 1 {
		fmt.Printf("sizes are %g of the full ones: the figures below are not the promised ones\n", scale)
	}
	for _, s := range scenarios {
		if len(chosen) > 0 && !slices.Contains(chosen, s.name) {
			continue
		}
		if err := s.run(d); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return d.out.verdict()
}

func (d *deliveries) size(full int) int { return max(1, int(float64(full)*d.scale)) }

// site is a server on an empty database, with its customer.
type site struct {
	*deliveries
	s    *server
	c    *customer
	next int64
	name string // group of the receiver
	ids  []int64
	drop func() error
}

// open starts a server on a database of its own. close ends both.
func (d *deliveries) open(name string) (*site, error) {
	dir, err := os.MkdirTemp("", "parley-bench")
	if err != nil {
		return nil, err
	}
	st := &site{deliveries: d, name: strings.ToLower(name), drop: func() error { return os.RemoveAll(dir) }}
	database := d.database
	if database != "" {
		if database, err = st.schema(); err != nil {
			return nil, errors.Join(err, st.drop())
		}
	}
	if st.s, err = start(d.bin, dir, database); err != nil {
		return nil, errors.Join(err, st.drop())
	}
	if st.c, err = newCustomer(st.s); err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

func (st *site) close() {
	st.s.kill()
	if err := st.drop(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: what is left of", st.name, "could not be removed:", err)
	}
}

// schema makes an empty one on the PostgreSQL server and returns its URL.
func (st *site) schema() (string, error) {
	u, err := url.Parse(st.database)
	if err != nil {
		return "", fmt.Errorf("-database: %w", err)
	}
	name := "bench_" + strings.ToLower(rand.Text())
	on := func(fn func(*db.Tx, string) error) error {
		return inDatabase(st.database, func(tx *db.Tx) error { return fn(tx, name) })
	}
	if err := on(makeSchema); err != nil {
		return "", fmt.Errorf("make a schema: %w", err)
	}
	before := st.drop
	st.drop = func() error { return errors.Join(on(dropSchema), before()) }
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func inDatabase(url string, fns ...func(*db.Tx) error) error {
	ctx := context.Background()
	d, err := db.Open(ctx, db.Options{URL: url, SkipMigrations: true, Readers: 1})
	if err != nil {
		return err
	}
	for _, fn := range fns {
		if err = d.Update(ctx, func(_ context.Context, tx *db.Tx) error { return fn(tx) }); err != nil {
			break
		}
	}
	return errors.Join(err, d.Close())
}

// hears makes n paused endpoints of the site's group that hear an event.
func (st *site) hears(n int, event string, inFlight int) error {
	for i := range n {
		id, err := st.c.subscribe(fmt.Sprintf("%s/hook/%s/%d", st.r.url, st.name, i), event, inFlight)
		if err != nil {
			return err
		}
		st.ids = append(st.ids, id)
	}
	return st.each(st.ids, "pause")
}

// each does something to endpoints, as quickly as it goes.
func (st *site) each(ids []int64, verb string) error {
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < len(ids); i += 8 {
				errs[i] = st.c.do(st.c.clients[i%64], "POST", fmt.Sprintf("/api/v1/endpoints/%d/%s", ids[i], verb), st.c.token, nil, nil)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// arrive makes n visitors, each with a first message and a conversation.
func (st *site) arrive(n int) error {
	people := make([]*visitor, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := w; i < n; i += 16 {
				people[i] = &visitor{}
				errs[i] = st.c.send(st.c.clients[i%64], people[i], text(people[i], clientID(st.take()), words, ""))
			}
		})
	}
	wg.Wait()
	st.c.visitors = append(st.c.visitors, people...)
	return errors.Join(errs...)
}

// post lets visitors from..to of the site write n messages, over 64 connections.
func (st *site) post(from, to, n int) error {
	people := st.c.visitors[from:to]
	return st.lines(func(i int, l *line) error {
		for m := i; m < n; m += 64 {
			v := people[i%len(people)]
			if rounds := len(people) / 64; rounds > 1 { // a connection has conversations of its own
				v = people[i+64*(m/64%rounds)]
			}
			id := clientID(st.take())
			if err := l.post(st.c.s.addr, st.c.messages(), bearer(v.token), text(v, id, words, "")); err != nil {
				return err
			}
			st.c.posted.Add(1)
		}
		return nil
	})
}

func (st *site) take() int64 { return atomic.AddInt64(&st.next, 1) }

// reply lets an operator's program write n messages into the first conversations.
func (st *site) reply(conversations, n int) error {
	return st.lines(func(i int, l *line) error {
		for m := i; m < n; m += 64 {
			path := fmt.Sprintf("/api/v1/conversations/%d/messages", st.c.visitors[i%conversations].conversation)
			if err := l.post(st.c.s.addr, path, bearer(st.c.token), []byte(`{"body":"`+words+`"}`)); err != nil {
				return err
			}
		}
		return nil
	})
}

// lines runs fn on 64 connections, each from an address of its own.
func (st *site) lines(fn func(i int, l *line) error) error {
	errs := make([]error, 64)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			l, err := dialLine(i, st.c.s.addr)
			if err == nil {
				err = errors.Join(fn(i, l), l.Close())
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// drain resumes the site's endpoints and waits until want messages have arrived.
func (st *site) drain(want int) (figures, time.Time, error) {
	if st.s.database != "" {
		if err := inDatabase(st.s.database, analyze); err != nil {
			return figures{}, time.Now(), fmt.Errorf("analyze: %w", err)
		}
	}
	began := time.Now()
	if err := st.each(st.ids, "resume"); err != nil {
		return figures{}, began, err
	}
	if err := st.r.wait(st.name, want, time.Minute); err != nil {
		st.out.require(st.name, err)
	}
	t, err := st.r.tally(st.name, began, true)
	if err != nil {
		return figures{}, began, err
	}
	if t.Since < want && t.check(want) == nil {
		return figures{}, began, fmt.Errorf("%d of %d messages came before the endpoints were resumed", want-t.Since, want)
	}
	return figures{rate: float64(t.Since) / t.Last.Sub(began).Seconds(), waited: t.WaitedP99}, began, nil
}

// settled looks at everything that came to a group, once nothing more comes.
func (st *site) settled(group string, want int) error {
	if err := st.r.wait(group, want, 30*time.Second); err != nil {
		st.out.require(group, err)
	}
	time.Sleep(200 * time.Millisecond) // a double would follow
	t, err := st.r.tally(group, time.Time{}, false)
	if err != nil {
		return err
	}
	st.out.require("deliveries of "+group, t.check(want))
	return nil
}

// beside measures the raw limit right before and right after what run measures, and takes the mean: a shared machine is twice as fast in one
// minute as in another.
func (d *deliveries) beside(run func() error) error {
	before, err := rawLimit(d.r.url, 1024, 2*time.Second)
	if err != nil {
		return fmt.Errorf("raw limit: %w", err)
	}
	if err := run(); err != nil {
		return err
	}
	after, err := rawLimit(d.r.url, 1024, 2*time.Second)
	if err != nil {
		return fmt.Errorf("raw limit: %w", err)
	}
	d.limit = (before + after) / 2
	return nil
}

// share is a rate as a part of the raw limit.
func (d *deliveries) share(what string, rate, percent float64) {
	d.out.info(what, rate, "/s")
	d.out.info("  raw limit, right before and after", d.limit, "/s")
	d.out.min("  of the raw limit", 100*rate/d.limit, "%", percent)
}

// one is S1: one endpoint, everything waiting.
func (d *deliveries) one() error {
	st, err := d.open("S1")
	if err != nil {
		return err
	}
	defer st.close()
	n, people := d.size(waiting), min(people1, d.size(waiting))
	if err := st.hears(1, "message.received", 256); err != nil {
		return err
	}
	if err := errors.Join(st.arrive(people), st.post(0, people, n-people)); err != nil {
		return err
	}
	if err := st.s.rest(); err != nil {
		return err
	}
	var f figures
	var before, after time.Duration
	err = d.beside(func() (err error) {
		if before, err = st.s.cpu(); err != nil {
			return err
		}
		if f, _, err = st.drain(n); err != nil {
			return err
		}
		after, err = st.s.cpu()
		return err
	})
	if err != nil {
		return err
	}
	t, err := d.r.tally(st.name, time.Time{}, false)
	if err != nil {
		return err
	}
	fmt.Printf("\nS1: one endpoint, %d deliveries waiting in %d conversations\n", n, people)
	d.out.info("body of a delivery, mean", float64(t.Body), "bytes")
	same, err := rawLimit(d.r.url, t.Body, 3*time.Second)
	if err != nil {
		return fmt.Errorf("raw limit: %w", err)
	}
	d.out.info("raw limit with bodies of that size", same, "/s")
	d.share("deliveries", f.rate, 50)
	d.out.max("server's processor time for each delivery", float64((after-before).Microseconds())/float64(n), "µs", 120)
	return st.settled(st.name, n)
}

// crowd makes a site with 100 endpoints and n messages waiting for each of them; hang adds endpoints that never answer.
func (d *deliveries) crowd(name string, hang int) (st *site, n int, err error) {
	if st, err = d.open(name); err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	if err = st.hears(endpoints, "message.received", 16); err != nil {
		return nil, 0, err
	}
	for range hang { // paused first, resumed first
		id, err := st.c.subscribe(st.r.url+"/hang", "message.received", 16)
		if err != nil {
			return nil, 0, err
		}
		st.ids = slices.Insert(st.ids, 0, id)
	}
	if err = st.each(st.ids[:hang], "pause"); err != nil {
		return nil, 0, err
	}
	n = d.size(waiting / endpoints)
	people := min(people2, n)
	if err = st.arrive(people); err != nil {
		return nil, 0, err
	}
	if err = st.post(0, people, n-people); err != nil {
		return nil, 0, err
	}
	return st, n, st.s.rest()
}

// live measures latency while ten messages a second go to all endpoints.
func (st *site) live(already int) (time.Duration, error) {
	seconds := max(2, int(5*st.scale))
	began := time.Now()
	tick := time.NewTicker(time.Second / liveRate)
	defer tick.Stop()
	n := seconds * liveRate
	for i := range n {
		<-tick.C
		v := st.c.visitors[i%len(st.c.visitors)]
		if err := st.c.do(st.c.clients[i%64], "POST", st.c.messages(), v.token, text(v, clientID(st.take()), words, ""), nil); err != nil {
			return 0, err
		}
	}
	if err := st.settled(st.name, (already+n)*endpoints); err != nil {
		return 0, err
	}
	t, err := st.r.tally(st.name, began, true)
	return t.DelayP99, err
}

// many is S2: 100 endpoints.
func (d *deliveries) many() error {
	st, n, err := d.crowd("S2", 0)
	if err != nil {
		return err
	}
	defer st.close()
	var f figures
	err = d.beside(func() (err error) {
		f, _, err = st.drain(n * endpoints)
		return err
	})
	if err != nil {
		return err
	}
	if f.live, err = st.live(n); err != nil {
		return err
	}
	d.s2, d.measured = f, true
	fmt.Printf("\nS2: %d endpoints, %d deliveries waiting\n", endpoints, n*endpoints)
	d.share("deliveries", f.rate, 50)
	d.out.info("resume → arrival, p99", ms(f.waited), "ms")
	d.out.info("transaction → arrival at 1,000 deliveries/s, p99", ms(f.live), "ms")
	return nil
}

// baseline is S2 for a scenario that is compared with it.
func (d *deliveries) baseline() error {
	if d.measured {
		return nil
	}
	if err := d.many(); err != nil {
		return fmt.Errorf("S2 to compare with: %w", err)
	}
	return nil
}

// manyWhilePosting is S2b: as S2, while visitors write. The waiting deliveries are of operators' messages; what visitors write
// meanwhile goes to one more endpoint.
func (d *deliveries) manyWhilePosting() error {
	st, err := d.open("S2b")
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.hears(endpoints, "message.sent", 16); err != nil {
		return err
	}
	if _, err := st.c.subscribe(st.r.url+"/hook/s2b-load/0", "message.received", 64); err != nil {
		return err
	}
	if err := st.arrive(448); err != nil {
		return err
	}
	n := d.size(waiting / endpoints)
	if err := errors.Join(st.reply(people2, n), st.s.rest()); err != nil {
		return err
	}
	var f figures
	var rate, own float64
	err = d.beside(func() error {
		stop := make(chan struct{})
		load := make(chan error, 1)
		began, first := time.Now(), st.c.posted.Load()
		go func() {
			load <- st.lines(func(i int, l *line) error {
				for m := 0; ; m++ {
					due := began.Add(time.Duration(m*64+i) * time.Second / posted)
					select {
					case <-stop:
						return nil
					case <-time.After(time.Until(due)):
					}
					v := st.c.visitors[(i+64*m)%448]
					if err := l.post(st.c.s.addr, st.c.messages(), bearer(v.token), text(v, clientID(st.take()), words, "")); err != nil {
						return err
					}
					st.c.posted.Add(1)
				}
			})
		}()
		time.Sleep(time.Second) // the load is under way
		before, err := d.r.tally("s2b-load", time.Time{}, false)
		if err != nil {
			return err
		}
		var from time.Time
		if f, from, err = st.drain(n * endpoints); err != nil {
			return err
		}
		took := time.Since(from).Seconds()
		after, err := d.r.tally("s2b-load", time.Time{}, false)
		if err != nil {
			return err
		}
		own = float64(after.Messages-before.Messages) / took
		rate = float64(st.c.posted.Load()-first) / time.Since(began).Seconds()
		close(stop)
		if err := <-load; err != nil {
			return fmt.Errorf("post: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("\nS2b: %d endpoints, %d deliveries waiting, while messages are posted\n", endpoints, n*endpoints)
	d.out.min("messages posted meanwhile, durable", rate, "/s", 0.95*posted)
	d.out.info("their own deliveries meanwhile", own, "/s")
	d.share("deliveries that were waiting", f.rate, 25)
	return errors.Join(st.settled(st.name, n*endpoints), st.settled("s2b-load", int(st.c.posted.Load())))
}

// hang is S3: as S2, and five endpoints that never answer get one event in twenty.
func (d *deliveries) hang() error {
	if err := d.baseline(); err != nil {
		return err
	}
	st, n, err := d.crowd("S3", hanging)
	if err != nil {
		return err
	}
	defer st.close()
	var f figures
	err = d.beside(func() (err error) {
		f, _, err = st.drain(n * endpoints)
		return err
	})
	if err != nil {
		return err
	}
	if f.live, err = st.live(n); err != nil {
		return err
	}
	fmt.Printf("\nS3: as S2, and %d endpoints that hang\n", hanging)
	d.out.info("deliveries of the healthy ones", f.rate, "/s")
	d.out.min("  of S2's", 100*f.rate/d.s2.rate, "%", 95)
	d.out.max("resume → arrival, p99", ms(f.waited), "ms", 2*ms(d.s2.waited))
	// Below the promise for a first attempt there is nothing to compare: a few milliseconds are the machine's mood.
	d.out.max("transaction → arrival at 1,000 deliveries/s, p99", ms(f.live), "ms", max(2*ms(d.s2.live), 20))
	return nil
}

// million is S5: a paused endpoint with a million pending deliveries.
func (d *deliveries) million() error {
	if err := d.baseline(); err != nil {
		return err
	}
	st, err := d.open("S5")
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.hears(endpoints, "message.received", 16); err != nil {
		return err
	}
	paused, err := st.c.subscribe(st.r.url+"/hook/s5-paused/0", "message.received", 64)
	if err != nil {
		return err
	}
	if err := st.each([]int64{paused}, "pause"); err != nil {
		return err
	}
	n, rows := d.size(waiting/endpoints), d.size(pendingRows)
	people := min(people2, n)
	if err := st.arrive(people); err != nil {
		return err
	}
	if err := st.s.stop(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	began := time.Now()
	if err := st.backlog(paused, int64(rows)); err != nil {
		return fmt.Errorf("write the backlog: %w", err)
	}
	wrote := time.Since(began)
	s, err := start(st.s.bin, st.s.dir, st.s.database)
	if err != nil {
		return err
	}
	st.s, st.c.s = s, s
	if err := errors.Join(st.post(0, people, n-people), st.s.rest()); err != nil {
		return err
	}
	f, _, err := st.drain(n * endpoints)
	if err != nil {
		return err
	}
	fmt.Printf("\nS5: as S2, and a paused endpoint with %d pending deliveries (written in %s)\n", rows, wrote.Round(time.Second))
	d.out.max("start to ready", s.startup.Seconds()*1000, "ms", 1000)
	d.out.info("deliveries of the others", f.rate, "/s")
	d.out.min("  of S2's", 100*f.rate/d.s2.rate, "%", 95)
	if err := st.settled(st.name, n*endpoints); err != nil {
		return err
	}
	want := min(rows, d.size(waiting))
	began = time.Now()
	if err := st.each([]int64{paused}, "resume"); err != nil {
		return err
	}
	if err := d.r.wait("s5-paused", want, time.Minute); err != nil {
		d.out.require("s5-paused", err)
	}
	t, err := d.r.tally("s5-paused", began, true)
	if err != nil {
		return err
	}
	d.out.info("deliveries of the paused one after it was resumed", float64(t.Since)/t.Last.Sub(began).Seconds(), "/s")
	if t.Doubled > 0 || t.Disorder > 0 || t.Gaps > 0 {
		d.out.require("order of s5-paused", fmt.Errorf("of %d messages %d were doubled, %d out of order, %d left out", t.Messages, t.Doubled, t.Disorder, t.Gaps))
	}
	peak, err := s.peak()
	if err != nil {
		return err
	}
	d.out.max("RSS at its most, from the start on", float64(peak)/1e6, "MB", 200)
	return nil
}

// backlog writes pending deliveries of an endpoint straight into the database, while no server runs.
func (st *site) backlog(endpoint, rows int64) error {
	url := st.s.database
	if url == "" {
		url = st.s.dir + "/parley.db"
	}
	var t template
	steps := []func(*db.Tx) error{func(tx *db.Tx) (err error) {
		t, err = readTemplate(tx, endpoint, max(1, rows/100))
		return err
	}}
	const step = 20_000
	for from := int64(0); from < rows; from += step {
		steps = append(steps, func(tx *db.Tx) error { return queueBacklog(tx, t, from, min(from+step, rows)) })
	}
	return inDatabase(url, append(steps, analyze)...)
}
