package delivery_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/outhttp"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect/all"
)

// These benchmarks drive the whole road: stored snapshot, rendering by a real dialect, signature, HTTP to another process on
// this machine, results in the database. Run one with
//
//	go test ./internal/delivery -run '^$' -bench Drain -benchtime 20000x
//
// "µs-cpu/op" is the CPU time of this process (sender, database and, for the ones with load, the writer of events), without
// the receiver's.

const receiverVariable = "PARLEY_BENCH_RECEIVER"

// TestBenchReceiver is the receiving process: it does nothing unless a benchmark started it.
func TestBenchReceiver(t *testing.T) {
	if os.Getenv(receiverVariable) == "" {
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", l.Addr())
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if strings.HasPrefix(r.URL.Path, "/hang") {
			<-r.Context().Done()
		}
	}))
	io.Copy(io.Discard, os.Stdin) // until the benchmark ends
}

func receiverProcess(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchReceiver$")
	cmd.Env = append(os.Environ(), receiverVariable+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	var addr string
	if _, err := fmt.Fscanf(bufio.NewReader(out), "listening %s\n", &addr); err != nil {
		b.Fatal(err)
	}
	return "http://" + addr
}

type rig struct {
	d       *db.DB
	f       *feed.Feed
	desk    *webhook.Desk
	e       *delivery.Engine
	by      team.Actor
	started func(eventID id.Event) // called at each attempt, when set
	body    []byte
}

// timed wraps the executor to see when attempts start.
type timed struct {
	delivery.Executor
	r *rig
}

func (x timed) Do(ctx context.Context, j *delivery.Job) delivery.Outcome {
	if x.r.started != nil {
		x.r.started(j.Event)
	}
	return x.Executor.Do(ctx, j)
}

// Prepare gives every job the same body where the rig has one: then the figure is the engine's, not a dialect's.
func (x timed) Prepare(ctx context.Context, jobs []*delivery.Job) error {
	if x.r.body != nil {
		for _, j := range jobs {
			j.Body = x.r.body
		}
	}
	return x.Executor.Prepare(ctx, jobs)
}

func newRig(b *testing.B) *rig {
	r := &rig{d: dbtest.New(b), by: team.System()}
	r.f = feed.New(r.d)
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	door := outhttp.New(outhttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	r.desk = webhook.New(webhook.Options{DB: r.d, Feed: r.f, HTTP: door, Sealer: sealer, Dialects: all.Dialects(), UserAgent: "Parley/bench",
		Kick: func() { r.e.Kick() }})
	r.e = delivery.New(delivery.Options{DB: r.d, Changed: r.f.Changed, Executors: map[string]delivery.Executor{webhook.Kind: timed{r.desk.Executor(), r}}})
	r.f.Plan(r.desk.Plan)
	return r
}

func (r *rig) endpoint(b *testing.B, url string, limit int) {
	name, speaks := "bench", "standard"
	timeout := 15 * time.Second
	if _, _, err := r.desk.CreateEndpoint(b.Context(), r.by, once.Key{}, webhook.Draft{Name: &name, URL: &url, Dialect: &speaks, InFlightLimit: &limit, Timeout: &timeout}); err != nil {
		b.Fatal(err)
	}
}

func message(lane int) *event.Event {
	for _, e := range eventtest.Samples() {
		if e.Type == event.MessageReceived {
			e.ID, e.Seq = 0, 0
			e.Conversation.ID = id.Conversation(lane + 1)
			return e
		}
	}
	panic("no sample")
}

func (r *rig) fill(b *testing.B, n, lanes int) {
	for done := 0; done < n; {
		err := r.d.Update(b.Context(), func(ctx context.Context, tx *db.Tx) error {
			var list []*event.Event
			for i := range min(500, n-done) {
				list = append(list, message((done+i)%lanes))
			}
			return r.f.Append(ctx, tx, list...)
		})
		if err != nil {
			b.Fatal(err)
		}
		done += min(500, n-done)
	}
}

func (r *rig) pending(b *testing.B) int {
	list, err := r.desk.ListEndpoints(b.Context(), r.by)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, e := range list {
		if !strings.Contains(e.URL, "/hang") {
			n += e.Stats.Pending
		}
	}
	return n
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (r *rig) run(b *testing.B) {
	go r.e.Run(context.Background())
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		r.e.Stop(ctx)
	})
}

// drain runs the engine until nothing is pending and reports the rate.
func (r *rig) drain(b *testing.B, n int) {
	var started atomic.Int64
	done := make(chan struct{})
	r.started = func(id.Event) {
		if started.Add(1) == int64(n) {
			close(done)
		}
	}
	b.ResetTimer()
	used := cpu()
	r.run(b)
	<-done
	for r.pending(b) > 0 { // the last results are on their way
		<-time.After(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64((cpu()-used).Microseconds())/float64(n), "µs-cpu/op")
	b.ReportMetric(0, "ns/op")
}

// The engine alone: 1 KiB bodies that need no rendering, signed.
func BenchmarkDrainOneKiB(b *testing.B) {
	r := newRig(b)
	r.body = []byte(`{"x":"` + strings.Repeat("x", 1016) + `"}`)
	r.endpoint(b, receiverProcess(b)+"/in", 16)
	r.fill(b, b.N, 400)
	r.drain(b, b.N)
}

// The whole road: snapshots read and rendered by the standard dialect, bodies of about 3 KiB.
func BenchmarkDrainOneEndpoint(b *testing.B) {
	r := newRig(b)
	r.endpoint(b, receiverProcess(b)+"/in", 16)
	r.fill(b, b.N, 400)
	r.drain(b, b.N)
}

func BenchmarkDrainTwentyEndpoints(b *testing.B) {
	r := newRig(b)
	url := receiverProcess(b)
	for i := range 20 {
		r.endpoint(b, fmt.Sprint(url, "/", i), 16)
	}
	events := max(b.N/20, 1)
	r.fill(b, events, 200)
	r.drain(b, events*20)
}

// Five of 105 endpoints hang; the rate is that of the other hundred.
func BenchmarkFiveOf105Hang(b *testing.B) {
	for _, hanging := range []int{0, 5} {
		b.Run(fmt.Sprint("hanging=", hanging), func(b *testing.B) {
			r := newRig(b)
			url := receiverProcess(b)
			for i := range 100 {
				r.endpoint(b, fmt.Sprint(url, "/", i), 16)
			}
			for i := range hanging {
				r.endpoint(b, fmt.Sprint(url, "/hang/", i), 16)
			}
			events := max(b.N/100, 1)
			r.fill(b, events, 50)
			var started atomic.Int64
			n := events * 100
			b.ResetTimer()
			r.started = func(id.Event) { started.Add(1) }
			r.run(b)
			for r.pending(b) > 0 {
				<-time.After(10 * time.Millisecond)
			}
			b.StopTimer()
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "deliveries/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// From the return of the commit to the start of the first attempt, at 200 events a second.
func BenchmarkCommitToFirstAttempt(b *testing.B) {
	r := newRig(b)
	r.endpoint(b, receiverProcess(b)+"/in", 16)
	var mu sync.Mutex
	began := map[id.Event]time.Time{}
	committed := map[id.Event]time.Time{}
	r.started = func(e id.Event) {
		mu.Lock()
		defer mu.Unlock()
		began[e] = time.Now()
	}
	r.run(b)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-tick.C
		e := message(i % 50)
		if err := r.d.Update(b.Context(), func(ctx context.Context, tx *db.Tx) error { return r.f.Append(ctx, tx, e) }); err != nil {
			b.Fatal(err)
		}
		now := time.Now()
		mu.Lock()
		committed[e.ID] = now
		mu.Unlock()
	}
	for r.pending(b) > 0 {
		<-time.After(10 * time.Millisecond)
	}
	var waits []time.Duration
	for e, at := range committed {
		waits = append(waits, began[e].Sub(at))
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, "ms-max")
	b.ReportMetric(0, "ns/op")
}
