//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is the binary under test.
type server struct {
	bin, dir, database string

	cmd     *exec.Cmd
	url     string
	addr    string
	startup time.Duration
}

func start(bin, dir, database string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	args := []string{"serve", "--data", dir, "--listen", addr, "--allow-private-targets", "127.0.0.0/8", "--allow-private-links", "127.0.0.0/8", "--log-level", "warn"}
	if database != "" {
		args = append(args, "--database", database)
	}
	cmd := command(bin, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "is ready") {
			s := &server{bin: bin, dir: dir, database: database, cmd: cmd, url: "http://" + addr, addr: addr, startup: time.Since(began)}
			go func() { // the pipe must not fill up
				for lines.Scan() {
				}
			}()
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("the server ended before it was ready"), cmd.Wait())
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// rss returns the child's resident memory in bytes.
func (s *server) rss() (int64, error) { return s.memory("VmRSS:") }

// peak returns the most that the child's resident memory has ever been, in bytes.
func (s *server) peak() (int64, error) { return s.memory("VmHWM:") }

func (s *server) memory(name string) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			kb, err := strconv.ParseInt(strings.Fields(string(rest))[0], 10, 64)
			return kb * 1024, err
		}
	}
	return 0, fmt.Errorf("no %s in /proc", name)
}

func (s *server) settledRSS(after time.Duration) (int64, error) {
	time.Sleep(after)
	return s.rss()
}

// cpu returns the child's processor time.
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}

// rest waits until the child has nothing to do any more: what was posted is also put into the search index, a while later, and that is no part
// of what a delivery costs.
func (s *server) rest() error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	for range 120 {
		time.Sleep(500 * time.Millisecond)
		after, err := s.cpu()
		if err != nil {
			return err
		}
		if after-before <= 20*time.Millisecond {
			return nil
		}
		before = after
	}
	return errors.New("the server is still busy a minute after the last message")
}

// ownCPU is the processor time of this program, which shares the cores with the server.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
