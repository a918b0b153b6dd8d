//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// receiveVerb makes this program be a receiver in a process of its own, until its input ends.
const receiveVerb = "receive-callbacks"

// receive is that process.
func receive() error {
	raiseFiles()
	r, err := newReceiver()
	if err != nil {
		return err
	}
	fmt.Println("listening", r.url)
	_, err = io.Copy(io.Discard, os.Stdin)
	r.close()
	return err
}

// remote is a receiver in another process, as the benchmark sees it.
type remote struct {
	url string
	cmd *exec.Cmd
	in  io.Closer
}

func newRemote() (*remote, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := command(self, receiveVerb)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &remote{cmd: cmd, in: in}
	if _, err := fmt.Fscanf(bufio.NewReader(out), "listening %s\n", &r.url); err != nil {
		r.close()
		return nil, fmt.Errorf("the receiver did not start: %w", err)
	}
	return r, nil
}

func (r *remote) close() {
	r.in.Close()
	r.cmd.Wait()
}

// tally asks what came to a group; full looks at the times of what came after since.
func (r *remote) tally(group string, since time.Time, full bool) (tally, error) {
	url := r.url + "/tally?group=" + group + "&since=" + strconv.FormatInt(since.UnixMicro(), 10)
	if !full {
		url += "&brief=1"
	}
	var t tally
	res, err := http.Get(url)
	if err != nil {
		return t, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return t, fmt.Errorf("the receiver answered %s", res.Status)
	}
	return t, json.NewDecoder(res.Body).Decode(&t)
}

// wait returns when n messages have come to a group, or with an error when none came for a while.
func (r *remote) wait(group string, n int, patience time.Duration) error {
	last, at := -1, time.Now()
	for {
		t, err := r.tally(group, time.Time{}, false)
		if err != nil {
			return err
		}
		if t.Messages >= n {
			return nil
		}
		if t.Messages != last {
			last, at = t.Messages, time.Now()
		}
		if time.Since(at) > patience {
			return fmt.Errorf("nothing came to the receiver for %s: it has %d of %d messages of group %q", patience, t.Messages, n, group)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
