// Command go is a receiver for Parley's custom e-mail callback: it takes the mails to your contacts and sends them on by your own
// mail server. It uses the standard library only. Its settings are variables of the environment:
//
//	API_SECURITY_TOKEN   the token of the callback, as in the widget's settings; needed
//	LISTEN               where Parley's calls are taken, 127.0.0.1:8000 without it
//	SMTP_HOST            your mail server; without it mails are printed
//	SMTP_PORT            25 without it
//	SMTP_TLS             starttls, tls or none; starttls without it
//	SMTP_USER, SMTP_PASSWORD   when the server wants to know who sends
//	MAIL_FROM            the sender of the mails, needed with SMTP_HOST
//
// Give http://THIS-MACHINE:8000/email to the widget as its callback URL and press Test: it shows "Connected".
package main

import (
	"bytes"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	netmail "net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	largest    = 64 << 20         // bytes of a call that are read; a transcript of thousands of messages is some of them
	remembered = 10_000           // calls that are known, so that a repeated one is not sent twice
	patience   = 12 * time.Second // for the mail server; Parley waits 15 seconds for us
)

func main() {
	if err := run(os.Stdout, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// receiver takes the calls.
type receiver struct {
	token, host, port, tls, user, password, from string
	out                                          io.Writer

	mu    sync.Mutex
	known map[string]state // the calls that came, by their Webhook-Id
	order []string         // of known, the oldest first; those that were sent
}

type state int

const (
	unknown state = iota
	sending
	sent
)

func run(out io.Writer, env func(string) string) error {
	or := func(name, otherwise string) string {
		if v := env(name); v != "" {
			return v
		}
		return otherwise
	}
	r := &receiver{token: env("API_SECURITY_TOKEN"), host: env("SMTP_HOST"), port: or("SMTP_PORT", "25"), tls: or("SMTP_TLS", "starttls"),
		user: env("SMTP_USER"), password: env("SMTP_PASSWORD"), from: env("MAIL_FROM"), out: out, known: map[string]state{}}
	if r.token == "" {
		return errors.New("set API_SECURITY_TOKEN to the token of the callback")
	}
	if _, err := netmail.ParseAddress(r.from); r.host != "" && err != nil {
		return errors.New("set MAIL_FROM to the address that your mails are from")
	}
	l, err := net.Listen("tcp", or("LISTEN", "127.0.0.1:8000"))
	if err != nil {
		return err
	}
	handler := http.NewServeMux()
	handler.Handle("POST /email", r)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	fmt.Fprintf(out, "callback URL: http://%s/email\n", l.Addr())
	return server.Serve(l)
}

// mail is what is read of the call; its "context" has the same things as data, for a helpdesk that makes a mail of its own.
type mail struct {
	HTML     string `json:"html"`
	Receiver string `json:"receiver"`
	Subject  string `json:"subject"`
	Text     string `json:"text"`
	Type     string `json:"email_type"`
}

// ServeHTTP takes one call. Any answer but 2xx lets Parley try again, for three days.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	// In constant time: how long it takes tells nothing of how much of a guess was right.
	if subtle.ConstantTimeCompare([]byte(q.Header.Get("API-SECURITY-TOKEN")), []byte(r.token)) != 1 {
		http.Error(w, "the header API-SECURITY-TOKEN is wrong", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, largest))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if len(body) == 0 {
		io.WriteString(w, "Connected")
		return
	}
	var m mail
	key := q.Header.Get("Webhook-Id")
	if err := json.Unmarshal(body, &m); err != nil || m.Receiver == "" || key == "" {
		http.Error(w, "this is not a mail of Parley", http.StatusBadRequest)
		return
	}
	switch r.begin(key) {
	case sending:
		http.Error(w, "this mail is being sent", http.StatusServiceUnavailable)
		return
	case sent: // Parley did not get our answer and asks again
		io.WriteString(w, "E-mail sent")
		return
	}
	err = r.deliver(&m, key)
	refused := permanent(err)
	r.end(key, err == nil || refused)
	switch {
	case err == nil:
		io.WriteString(w, "E-mail sent")
	case refused: // nothing gets better by a repeat
		fmt.Fprintf(os.Stderr, "%s: the mail server refuses the address: %v\n", key, err)
		io.WriteString(w, "The mail server refuses the address")
	default:
		fmt.Fprintf(os.Stderr, "%s: not sent: %v\n", key, err)
		http.Error(w, "the mail could not be sent", http.StatusBadGateway)
	}
}

// begin tells what is known of a call; one that is unknown is being sent from now on. Calls are kept in memory: if mails must not be
// doubled by a restart of this program either, keep them in your database.
func (r *receiver) begin(key string) state {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.known[key]
	if was == unknown {
		r.known[key] = sending
	}
	return was
}

func (r *receiver) end(key string, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !done {
		delete(r.known, key)
		return
	}
	r.known[key] = sent
	if r.order = append(r.order, key); len(r.order) > remembered {
		delete(r.known, r.order[0])
		r.order = r.order[1:]
	}
}

// refusal is the mail server's word against an address.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func permanent(err error) bool {
	var r refusal
	var code *textproto.Error
	return errors.As(err, &r) && errors.As(err, &code) && code.Code >= 500
}

// deliver hands the mail to the mail server, or prints it.
func (r *receiver) deliver(m *mail, key string) error {
	if r.host == "" {
		r.mu.Lock()
		defer r.mu.Unlock()
		_, err := fmt.Fprintf(r.out, "%s mail to %s: %s\n%s\n\n", m.Type, m.Receiver, m.Subject, m.Text)
		return err
	}
	raw, err := r.letter(m, key)
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(r.host, r.port), patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if r.tls == "tls" {
		conn = tls.Client(conn, &tls.Config{ServerName: r.host})
	}
	c, err := smtp.NewClient(conn, r.host)
	if err != nil {
		return err
	}
	defer c.Close()
	if r.tls == "starttls" {
		if err := c.StartTLS(&tls.Config{ServerName: r.host}); err != nil {
			return err
		}
	}
	if r.user != "" {
		if err := c.Auth(smtp.PlainAuth("", r.user, r.password, r.host)); err != nil {
			return err
		}
	}
	if err := c.Mail(r.from); err != nil {
		return err
	}
	if err := c.Rcpt(m.Receiver); err != nil {
		return refusal{err}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	c.Quit() // the mail is the server's already, whatever it says now
	return nil
}

// letter makes the mail as it goes to the mail server: text and HTML of the same thing.
func (r *receiver) letter(m *mail, key string) ([]byte, error) {
	to, err := netmail.ParseAddress("<" + m.Receiver + ">")
	if err != nil {
		return nil, fmt.Errorf("the receiver is no address: %w", err)
	}
	if strings.ContainsAny(m.Subject+key, "\r\n") {
		return nil, errors.New("a header would have two lines")
	}
	// A line of a mail has at most 998 bytes.
	subject := strings.ReplaceAll(mime.QEncoding.Encode("utf-8", m.Subject), "?= =?", "?=\r\n =?")
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	_, domain, _ := strings.Cut(r.from, "@")
	for _, h := range [][2]string{{"From", r.from}, {"To", to.String()}, {"Subject", subject},
		{"Date", time.Now().Format(time.RFC1123Z)},
		// The same over all repeats: a mail that went out twice in spite of all is shown once by most programs.
		{"Message-ID", "<" + key + "@" + domain + ">"}, {"Auto-Submitted", "auto-generated"}, {"MIME-Version", "1.0"},
		{"Content-Type", "multipart/alternative; boundary=" + parts.Boundary()}} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	for _, part := range [][2]string{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {part[0] + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := io.WriteString(q, part[1]); err != nil {
			return nil, err
		}
		if err := q.Close(); err != nil {
			return nil, err
		}
	}
	err = parts.Close()
	return b.Bytes(), err
}
