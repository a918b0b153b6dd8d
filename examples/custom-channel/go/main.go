// Command go is a message system for Parley's custom channel: a server for what operators write, and a console for what the
// contact writes. It uses the standard library only. Start it with the values from the channel's settings:
//
//	go run . -inbound-url URL -inbound-token TOKEN -outbound-token TOKEN -email ann@example.com
//
// Then type. Every line goes to the Message Center as a message of that contact; "/file https://…" sends a file by its address,
// and "/quit" ends. What operators answer is printed. Give http://THIS-MACHINE:9000/ to the channel as its outbound URL.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	largest    = 1 << 20 // bytes of a call that are read
	remembered = 10_000  // messages that are known, so that a repeated call is not shown twice
	tries      = 3
)

func main() {
	if err := run(os.Stdin, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// system is the message system: one contact, and where their messages go.
type system struct {
	inboundURL, inboundToken, outboundToken string
	email, name                             string
	client                                  http.Client
	out                                     io.Writer

	mu    sync.Mutex
	seen  map[string]bool
	order []string // of seen, the oldest first
}

func run(in io.Reader, out io.Writer, args []string) error {
	s := &system{client: http.Client{Timeout: 20 * time.Second}, out: out, seen: map[string]bool{}}
	flags := flag.NewFlagSet("custom-channel", flag.ContinueOnError)
	flags.StringVar(&s.inboundURL, "inbound-url", "", "the channel's inbound URL")
	flags.StringVar(&s.inboundToken, "inbound-token", "", "the channel's inbound auth token")
	flags.StringVar(&s.outboundToken, "outbound-token", "", "the channel's outbound auth token")
	flags.StringVar(&s.email, "email", "", "the contact's address; whoever sends it must have checked it")
	flags.StringVar(&s.name, "name", "", "the contact's name")
	listen := flags.String("listen", "127.0.0.1:9000", "where Parley's calls are taken")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.inboundURL == "" || s.inboundToken == "" || s.outboundToken == "" || s.email == "" {
		return errors.New("give -inbound-url, -inbound-token, -outbound-token and -email; -help lists them")
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", *listen, err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	go server.Serve(l)
	s.print("outbound URL: http://%s/\n", l.Addr())
	s.console(in)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

func (s *system) print(format string, values ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, values...)
}

// message is what is read of Parley's call; there is more in it.
type message struct {
	ID          string `json:"id"`
	Body        string `json:"body"`
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	URL         string `json:"url"`
	IsDeleted   bool   `json:"is_deleted"`
}

// ServeHTTP takes a message of the other side.
func (s *system) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given := r.Header.Get("API-SECURITY-TOKEN")
	switch {
	case r.Method != http.MethodPost:
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	case given == "":
		http.Error(w, "the header API-SECURITY-TOKEN is missing", http.StatusUnauthorized)
		return
	case subtle.ConstantTimeCompare([]byte(given), []byte(s.outboundToken)) != 1:
		http.Error(w, "the token is wrong", http.StatusForbidden)
		return
	}
	var m message
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, largest)).Decode(&m); err != nil || m.ID == "" {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	// Parley repeats a call when it did not get the answer; the message's id stays the same. An edited or deleted message
	// (version 2) has the id of the first call, and what happened tells them apart.
	if s.first(fmt.Sprintf("%s %t %s", m.ID, m.IsDeleted, m.Body)) {
		s.show(m)
	}
}

func (s *system) first(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[key] {
		return false
	}
	s.seen[key] = true
	if s.order = append(s.order, key); len(s.order) > remembered {
		delete(s.seen, s.order[0])
		s.order = s.order[1:]
	}
	return true
}

func (s *system) show(m message) {
	name := m.DisplayName
	if name == "" {
		name = m.Name
	}
	if name == "" {
		name = "Operator"
	}
	if m.IsDeleted {
		s.print("%s took message %s back\n", name, m.ID)
		return
	}
	if m.Body != "" {
		s.print("%s: %s\n", name, m.Body)
	}
	if m.URL != "" {
		s.print("%s sent a file: %s\n", name, m.URL)
	}
}

// console sends what is typed, until the end.
func (s *system) console(in io.Reader) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 256<<10)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		body := map[string]string{}
		switch file, isFile := strings.CutPrefix(line, "/file "); {
		case line == "/quit":
			return
		case line == "":
			continue
		case isFile:
			body["url"] = strings.TrimSpace(file)
		default:
			body["body"] = line
		}
		if err := s.send(body); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// send posts one message of the contact. Its id makes a repeat harmless, so it is tried again when the answer is lost.
func (s *system) send(m map[string]string) error {
	m["id"], m["email"], m["name"] = rand.Text(), s.email, s.name
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	for range tries {
		if err = s.post(body); err == nil || errors.Is(err, errRefused) {
			return err
		}
	}
	return fmt.Errorf("not sent: %w", err)
}

var errRefused = errors.New("refused")

func (s *system) post(body []byte) error {
	r, err := http.NewRequest(http.MethodPost, s.inboundURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("API-SECURITY-TOKEN", s.inboundToken)
	answer, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 2000))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%w with %d: %s", errRefused, answer.StatusCode, text)
	}
	return nil
}
