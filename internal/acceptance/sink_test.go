package acceptance

import (
	"encoding/base64"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// sunk is one mail as a mail server got it.
type sunk struct {
	from, to   string // of the envelope
	header     netmail.Header
	text, html string
}

// sink is somebody's mail server. It keeps what it takes, and refuses what refuse says.
type sink struct {
	*server
	port int

	mu     sync.Mutex
	mails  []sunk
	news   chan struct{} // closed and made anew with every mail
	refuse func(to string) error
	tries  int // recipients that were named
}

func (s *server) sink() *sink {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	k := &sink{server: s, port: l.Addr().(*net.TCPAddr).Port, news: make(chan struct{})}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &envelope{sink: k}, nil }))
	server.Domain, server.EnableSMTPUTF8, server.ErrorLog = "sink.example", true, log.New(io.Discard, "", 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(l)
	}()
	s.Cleanup(func() {
		server.Close()
		<-done
	})
	return k
}

// refuses sets what the server says to recipients from now on; nil takes everybody.
func (k *sink) refuses(fn func(to string) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refuse = fn
}

// asked is how many recipients were named so far.
func (k *sink) asked() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tries
}

// first waits for n mails and returns all that came.
func (k *sink) first(n int) []sunk {
	k.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		k.mu.Lock()
		mails, news := slices.Clone(k.mails), k.news
		k.mu.Unlock()
		if len(mails) >= n {
			return mails
		}
		select {
		case <-news:
		case <-late.C:
			k.Fatalf("the mail server got %d mails, want %d", len(mails), n)
		}
	}
}

// serves makes it the installation's mail server.
func (k *sink) serves() {
	k.Helper()
	k.admin().must("PATCH", "/api/v1/mail/server", object{"host": "127.0.0.1", "port": k.port, "tls": "none", "from_email": "chat@shop.example", "from_name": "The Shop"})
}

// envelope is one connection to the sink.
type envelope struct {
	sink     *sink
	from, to string
}

func (e *envelope) Reset()        { e.from, e.to = "", "" }
func (e *envelope) Logout() error { return nil }

func (e *envelope) Mail(from string, _ *smtp.MailOptions) error {
	e.from = from
	return nil
}

func (e *envelope) Rcpt(to string, _ *smtp.RcptOptions) error {
	e.sink.mu.Lock()
	refuse := e.sink.refuse
	e.sink.tries++
	e.sink.mu.Unlock()
	if refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	e.to += to // two recipients would be no address
	return nil
}

func (e *envelope) Data(r io.Reader) error {
	m, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}
	one := sunk{from: e.from, to: e.to, header: m.Header}
	if err := one.parts(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body); err != nil {
		return err
	}
	e.sink.mu.Lock()
	defer e.sink.mu.Unlock()
	e.sink.mails = append(e.sink.mails, one)
	close(e.sink.news)
	e.sink.news = make(chan struct{})
	return nil
}

// parts reads the text and the HTML, however deep they lie.
func (m *sunk) parts(contentType, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.parts(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	switch kind {
	case "text/plain":
		m.text = string(raw)
	case "text/html":
		m.html = string(raw)
	}
	return nil
}

// subject is the subject as people read it.
func (m sunk) subject() string {
	s, err := new(mime.WordDecoder).DecodeHeader(m.header.Get("Subject"))
	if err != nil {
		return err.Error()
	}
	return s
}
