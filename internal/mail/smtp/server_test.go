package smtp

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	server "github.com/emersion/go-smtp"

	"parley/internal/secret"
)

// patient waits longer than any test may take.
func patient() limits {
	return limits{connect: time.Hour, greeting: time.Hour, command: time.Hour, content: time.Hour, verdict: time.Hour, quit: time.Hour}
}

// got is one mail that a server took.
type got struct {
	from, to string
	data     string
	tls      bool
	user     string
	utf8     bool
}

// sink is a real mail server that keeps what it takes, and what it does differently from one that takes everything.
type sink struct {
	config   *tls.Config
	implicit bool
	user     string
	password string
	max      int64
	utf8     bool
	rcpt     func(to string) error
	data     func() error

	port  int
	mu    sync.Mutex
	mails []got
}

func (s *sink) start(t *testing.T) *sink {
	t.Helper()
	srv := server.NewServer(server.BackendFunc(func(c *server.Conn) (server.Session, error) { return &session{sink: s, conn: c}, nil }))
	srv.Domain = "sink.test"
	srv.TLSConfig = s.config
	srv.AllowInsecureAuth = true
	srv.MaxMessageBytes = s.max
	srv.EnableSMTPUTF8 = s.utf8
	srv.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	plain := l
	if s.implicit {
		l = tls.NewListener(l, s.config)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		plain.Close() // in case it was not served yet
		<-done
	})
	return s
}

func (s *sink) took() []got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]got(nil), s.mails...)
}

// one returns the only mail that the server took.
func (s *sink) one(t *testing.T) (got, *mail.Message) {
	t.Helper()
	all := s.took()
	if len(all) != 1 {
		t.Fatalf("the server has %d mails, want one", len(all))
	}
	m, err := mail.ReadMessage(strings.NewReader(all[0].data))
	if err != nil {
		t.Fatal(err)
	}
	return all[0], m
}

type session struct {
	*sink
	conn *server.Conn
	now  got
}

func (s *session) AuthMechanisms() []string {
	if s.sink.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(identity, user, password string) error {
		if identity != "" || user != s.sink.user || password != s.password {
			return server.ErrAuthFailed
		}
		s.now.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, o *server.MailOptions) error {
	if s.sink.user != "" && s.now.user == "" {
		return server.ErrAuthRequired
	}
	_, secured := s.conn.TLSConnectionState()
	s.now.from, s.now.utf8, s.now.tls = from, o.UTF8, secured
	return nil
}

func (s *session) Rcpt(to string, _ *server.RcptOptions) error {
	if s.rcpt != nil {
		if err := s.rcpt(to); err != nil {
			return err
		}
	}
	s.now.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.data != nil {
		if err := s.data(); err != nil {
			return err
		}
	}
	s.now.data = string(b)
	s.mu.Lock()
	s.mails = append(s.mails, s.now)
	s.mu.Unlock()
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// certificate makes one for the names, and whom to trust so that it counts.
func certificate(t testing.TB, names ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

// scripted is a server that says and does odd things: each connection runs the script.
func scripted(t *testing.T, script func(c *line)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				stop := context.AfterFunc(ctx, func() { conn.Close() })
				defer stop()
				script(&line{Conn: conn, r: bufio.NewReader(conn), quiet: func() {}})
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		wg.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

type line struct {
	net.Conn
	r *bufio.Reader
	// quiet is told that the server will say nothing more.
	quiet func()
}

func (l *line) say(format string, args ...any) { fmt.Fprintf(l, format+"\r\n", args...) }

// hear reads one command and reports whether it begins with want.
func (l *line) hear(want string) bool {
	s, err := l.r.ReadString('\n')
	return err == nil && strings.HasPrefix(s, want)
}

// content reads a message to its end.
func (l *line) content() {
	for {
		if s, err := l.r.ReadString('\n'); err != nil || s == ".\r\n" {
			return
		}
	}
}

// hello is what a server without any extension says until MAIL.
func (l *line) hello(extensions ...string) {
	l.say("220 odd.test ESMTP")
	l.hear("EHLO")
	l.say("250-odd.test")
	for _, e := range extensions {
		l.say("250-%s", e)
	}
	l.say("250 HELP")
}

// silent waits until the test is over or the client has gone.
func (l *line) silent() {
	l.quiet()
	io.Copy(io.Discard, l.r)
}

func settings(port int) *Settings {
	return &Settings{Host: "127.0.0.1", Port: port, TLS: NoTLS, From: "shop@parley.test", FromName: "The Shop"}
}

func letter() *Message {
	return &Message{
		ID: "evt_1a2b_7_mail3@parley.test", To: "ann@customer.test", Subject: "Your conversation",
		Text: "Hello\n", HTML: "<p>Hello</p>\n", Date: time.Date(2026, 11, 22, 17, 4, 5, 0, time.FixedZone("", 3600)),
	}
}

// send is Send with what the test trusts.
func send(t *testing.T, s *Settings, m *Message, roots *x509.CertPool) (*Answer, *Error) {
	t.Helper()
	return sender{roots: roots, limits: patient()}.send(t.Context(), s, m)
}

func must(t *testing.T, s *Settings, m *Message, roots *x509.CertPool) *Answer {
	t.Helper()
	answer, e := send(t, s, m, roots)
	if e != nil {
		t.Fatalf("it was not sent: %v", e)
	}
	return answer
}

// refused checks what kind of refusal it was.
func refused(t *testing.T, e *Error, stage string, code int, permanent, ours bool) {
	t.Helper()
	if e == nil {
		t.Fatalf("it was sent; want a refusal at %s", stage)
	}
	if e.Stage != stage || e.Code != code || e.Permanent != permanent || e.Ours != ours || e.Unsure {
		t.Errorf("refused at %s with code %d, permanent %v, ours %v, unsure %v (%s)\nwant %s, %d, %v, %v", e.Stage, e.Code, e.Permanent, e.Ours, e.Unsure, e.Text, stage, code, permanent, ours)
	}
	if e.Text == "" || strings.ContainsAny(e.Text, "\r\n") {
		t.Errorf("its text is %q", e.Text)
	}
}

func withPassword(s *Settings, user, password string) *Settings {
	s.Username, s.Password = user, secret.Of(password)
	return s
}

func smtpError(code int, enhanced server.EnhancedCode, text string) error {
	return &server.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

var errHangUp = errors.New("hang up")
