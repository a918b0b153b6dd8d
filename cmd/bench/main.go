//go:build linux

// Command bench measures a real server: it starts the binary as a child, plays visitors, an operator's socket and a
// receiver of callbacks, and compares what it sees with the figures that the project promises. It exits with 1 when a
// figure is missed or when the receiver saw a callback lost, doubled or out of order.
//
//	go run ./cmd/bench -bin bin/parley [-database postgres://…]
//	go run ./cmd/bench delivery -bin bin/parley [-database postgres://…] [-only S1,S3] [-scale 0.1]
//	go run ./cmd/bench channel -bin bin/parley [-database postgres://…]
//	go run ./cmd/bench chats -bin bin/parley [-database postgres://…]
//
// The first measures messages, the second deliveries, with the receiver in a process of its own, the third a custom channel's
// door, uploads and link cards, the fourth how soon a widget's webhook hears of new chats; see docs/benchmarks.md.
// Visitors come from many loopback addresses, so that the server's limits per address stay on.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

func main() {
	if err := bench(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(args []string) error {
	if len(args) > 0 && args[0] == receiveVerb {
		return receive()
	}
	verb := ""
	if len(args) > 0 && (args[0] == "delivery" || args[0] == "channel" || args[0] == "chats") {
		verb, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	bin := flags.String("bin", "bin/parley", "the server's binary")
	database := flags.String("database", "", "PostgreSQL URL; empty for embedded SQLite")
	if verb == "delivery" {
		only := flags.String("only", "", "scenarios to run, separated by commas: S1, S2, S2b, S3, S5; empty for all")
		scale := flags.Float64("scale", 1, "sizes in parts of the full ones, to try the program out; the figures are meant for 1")
		flags.Parse(args)
		return runDelivery(*bin, *database, *only, *scale)
	}
	usual := 10 * time.Second
	if verb == "chats" {
		usual = 30 * time.Second
	}
	load := flags.Duration("load", usual, "how long each load lasts")
	if verb == "channel" {
		flags.Parse(args)
		return runChannel(*bin, *database, *load)
	}
	if verb == "chats" {
		flags.Parse(args)
		return runChats(*bin, *database, *load)
	}
	sockets := flags.Int("sockets", 10000, "idle visitor sockets to open")
	flags.Parse(args)
	return run(*bin, *database, *sockets, *load)
}

func run(bin, database string, sockets int, load time.Duration) error {
	raiseFiles()
	machine()
	dir, err := os.MkdirTemp("", "parley-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := newReceiver()
	if err != nil {
		return err
	}
	defer r.close()
	limit, err := rawLimit(r.url, 1024, 3*time.Second)
	if err != nil {
		return fmt.Errorf("raw limit: %w", err)
	}
	fmt.Printf(rawLine, limit)

	first, err := start(bin, dir, database)
	if err != nil {
		return err
	}
	if err := first.stop(); err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	s, err := start(bin, dir, database)
	if err != nil {
		return err
	}
	defer s.kill()
	out := &report{}
	out.max("start to ready (existing database)", s.startup.Seconds()*1000, "ms", 300)
	idle, err := s.settledRSS(2 * time.Second)
	if err != nil {
		return err
	}
	out.max("RSS at rest", float64(idle)/1e6, "MB", 60)

	c, err := newCustomer(s)
	if err != nil {
		return err
	}
	c.r = r
	if _, err := c.subscribe(r.url+"/hook", "message.received", 64); err != nil {
		return err
	}
	if err := c.light(load, out); err != nil {
		return fmt.Errorf("light load: %w", err)
	}
	if err := c.heavy(load, limit, out); err != nil {
		return fmt.Errorf("heavy load: %w", err)
	}
	if sockets > 0 {
		if err := c.idleSockets(sockets, out); err != nil {
			return fmt.Errorf("idle sockets: %w", err)
		}
	}
	if err := s.stop(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return out.verdict()
}

const rawLine = "raw limit, client to receiver, 64 connections, 1 KiB: %.0f posts/s\n\n"

func machine() {
	fmt.Printf("machine: %d cores, %s/%s, %s\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func raiseFiles() {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) == nil {
		l.Cur = l.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l) // a refusal shows when the sockets are opened
	}
}

// report prints figures beside what is promised.
type report struct{ missed, broken int }

func (r *report) line(name string, value float64, unit, sign string, want float64, ok bool) {
	mark := "ok"
	if !ok {
		mark = "MISSED"
		r.missed++
	}
	fmt.Printf("%-62s %10.1f %-5s %s %-8.6g %s\n", name, value, unit, sign, want, mark)
}

func (r *report) max(name string, value float64, unit string, want float64) {
	r.line(name, value, unit, "≤", want, value <= want)
}

func (r *report) min(name string, value float64, unit string, want float64) {
	r.line(name, value, unit, "≥", want, value >= want)
}

func (r *report) info(name string, value float64, unit string) {
	fmt.Printf("%-62s %10.1f %s\n", name, value, unit)
}

// require counts a fault of the deliveries themselves, which no figure makes good.
func (r *report) require(what string, err error) {
	if err != nil {
		r.broken++
		fmt.Printf("VIOLATION %s: %v\n", what, err)
	}
}

func (r *report) verdict() error {
	switch {
	case r.broken > 0:
		return fmt.Errorf("DELIVERIES WERE LOST, DOUBLED OR OUT OF ORDER in %d checks; %d figures were missed", r.broken, r.missed)
	case r.missed > 0:
		return fmt.Errorf("%d figures were missed", r.missed)
	}
	return nil
}

func command(bin string, args ...string) *exec.Cmd {
	c := exec.Command(bin, args...)
	c.Stderr = os.Stderr
	return c
}
