package realtime

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/secret"
)

// redisServer returns the URL of a Redis server, "" when there is none.
func redisServer(t *testing.T) string {
	t.Helper()
	if url := os.Getenv(redisVariable); url != "" {
		return url
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Errorf("%s is not set and there is no redis-server: in CI the nodes are also tested together", redisVariable)
		}
		t.Log("no Redis server: not run")
		return ""
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	return startRedis(t, program, port).url
}

type redisProcess struct {
	url  string
	stop func()
}

// startRedis runs a server of its own, without persistence, until the test ends or stop is called.
func startRedis(t *testing.T, program string, port int) redisProcess {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, ready, drained := bufio.NewScanner(out), make(chan bool, 1), make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "Ready to accept connections") {
				select {
				case ready <- true:
				default:
				}
			}
		}
		close(ready)
	}()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		<-drained
		cmd.Wait() // killed on purpose
	}
	t.Cleanup(stop)
	if !<-ready {
		t.Fatal("redis-server ended before it was ready")
	}
	return redisProcess{fmt.Sprintf("redis://127.0.0.1:%d", port), stop}
}

// nodes returns two hubs of one database that know each other through Redis only.
func nodes(t *testing.T, open func() *db.DB, url string) (a, b *stage) {
	t.Helper()
	node := func() *stage {
		r, err := NewRedis(secret.Of(url), t.Name())
		if err != nil {
			t.Fatal(err)
		}
		s := newStage(t, open(), func(o *Options) { o.Redis = r })
		s.feed.OnAppend(s.hub.Wake)
		stop := s.stop
		s.stop = func() { stop(); r.Close() }
		t.Cleanup(s.stop)
		return s
	}
	return node(), node()
}

func TestNodesWakeEachOtherAndShareTypingAndViewing(t *testing.T) {
	url := redisServer(t)
	if url == "" {
		return
	}
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		a, b := nodes(t, open, url)
		operator, colleague, contact := a.dial("op:1", ""), b.dial("op:2", ""), b.dial("c:2", "")
		operator.until("welcome")
		colleague.until("welcome")
		contact.until("welcome")
		a.append(2, "stored on the other node")
		if f := contact.until("message"); f.Message.Body != "stored on the other node" {
			t.Errorf("got %+v", f)
		}
		colleague.until("event")
		operator.say(`{"type":"typing","conversation_id":2}`)
		if f := contact.until("typing"); f.By.ID != 1 || f.By.Type != "operator" {
			t.Errorf("typing %+v", f)
		}
		operator.say(`{"type":"viewing","conversation_id":2}`)
		colleague.say(`{"type":"viewing","conversation_id":2}`)
		for {
			if f := colleague.until("viewing"); len(f.Operators) == 1 && f.Operators[0].ID == 1 {
				break
			}
		}
		operator.close()
		for {
			if f := colleague.until("viewing"); len(f.Operators) == 0 {
				break
			}
		}
		colleague.close()
		contact.close()
	})
}

// Redis carries nothing that is not in the database: without it everything arrives, a moment later, and when it comes back
// the nodes find each other by themselves.
func TestRedisThatGoesAwayCostsAMoment(t *testing.T) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Error("there is no redis-server: in CI its loss is tested")
		}
		t.Log("no redis-server: not run")
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	server := startRedis(t, program, port)
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		a, b := nodes(t, open, server.url)
		operator, contact := a.dial("op:1", ""), b.dial("c:2", "")
		operator.until("welcome")
		contact.until("welcome")
		server.stop()
		a.append(2, "without Redis")
		if f := contact.until("message"); f.Message.Body != "without Redis" {
			t.Errorf("got %+v", f)
		}
		server = startRedis(t, program, port)
		// Typing is not stored: say it until it gets through again.
		heard := make(chan wireFrame, 1)
		go func() { heard <- contact.until("typing") }()
		for deaf := true; deaf; {
			a.clock.Add(int64(signalWindow)) // the limit of frames is not the subject
			operator.say(`{"type":"typing","conversation_id":2}`)
			if f, err := operator.next(); err != nil {
				t.Fatalf("the operator's line ended: %v after %+v", err, f)
			}
			select {
			case <-heard:
				deaf = false
			default:
				a.append(2, "next round") // gives the operator something to wait for
			}
		}
		operator.close()
		contact.close()
	})
}
