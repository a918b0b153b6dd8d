package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	wire "github.com/wneessen/go-mail/smtp"
)

// limits bound the steps, each within what the context leaves. RFC 5321 4.5.3.2 asks for patience where a server looks into a mail.
type limits struct {
	connect  time.Duration // name and connection
	greeting time.Duration
	command  time.Duration // each command with its answer, and the change to TLS with its greeting
	content  time.Duration // the message on its way
	verdict  time.Duration // the server's word about the whole message
	quit     time.Duration // the good-bye, whose answer nobody needs
}

// maxRead is how many bytes of a server are read for one mail.
const maxRead = 1 << 20

// sender is what tests change: whom to trust (nil: the system's list) and how long to wait.
type sender struct {
	roots  *x509.CertPool
	limits limits
}

// Send hands m to the server. It takes as long as the server does, a few minutes at most, and returns soon after ctx ends. The
// server has the mail, and everything that follows from it, when the error is nil; otherwise the error is an *Error.
//
// Each mail has a connection of its own. The settings should have passed Check.
func Send(ctx context.Context, s *Settings, m *Message) (*Answer, error) {
	out := sender{limits: limits{
		connect: 30 * time.Second, greeting: time.Minute, command: time.Minute, content: 3 * time.Minute, verdict: 5 * time.Minute, quit: 2 * time.Second,
	}}
	answer, err := out.send(ctx, s, m)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// talk is one connection.
type talk struct {
	sender
	ctx      context.Context // of the one mail that it is for
	settings *Settings
	host     string
	conn     net.Conn // what deadlines are set on
	client   *wire.Client
}

func (o sender) send(ctx context.Context, s *Settings, m *Message) (*Answer, *Error) {
	t := &talk{sender: o, ctx: ctx, settings: s}
	from, err := parseAddress(s.From)
	if err != nil {
		return nil, &Error{Stage: StageFrom, Text: fmt.Sprintf("the sender: %v", err), Ours: true}
	}
	to, err := parseAddress(m.To)
	if err != nil {
		return nil, &Error{Stage: StageRcpt, Text: err.Error(), Permanent: true}
	}
	message, err := m.compose(s, from, to)
	if err != nil {
		// Our own mistake or the key's, for this mail and the next: nobody loses a mail for it.
		return nil, &Error{Stage: StageData, Text: t.clean(err.Error()), Ours: true, cause: err}
	}
	if t.host, err = hostName(s.Host); err != nil {
		return nil, &Error{Stage: StageConnect, Text: err.Error(), Ours: true}
	}
	if e := t.dial(); e != nil {
		return nil, e
	}
	defer t.conn.Close()
	defer context.AfterFunc(ctx, func() { t.conn.Close() })()
	for _, step := range []func() *Error{t.greet, t.protect, t.signIn, func() *Error { return t.envelope(from, to, len(message)) }} {
		if e := step(); e != nil {
			return nil, e
		}
	}
	answer, e := t.content(message)
	if e != nil {
		return nil, e
	}
	_ = t.conn.SetDeadline(time.Now().Add(t.limits.quit))
	_ = t.client.Quit() // the mail is theirs already
	return answer, nil
}

// within gives the next step its time. An error of it shows in the step itself.
func (t *talk) within(d time.Duration) {
	_ = t.conn.SetDeadline(time.Now().Add(d))
}

func (t *talk) dial() *Error {
	ctx, cancel := context.WithTimeout(t.ctx, t.limits.connect)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(t.host, strconv.Itoa(t.settings.Port)))
	if err != nil {
		return t.about(StageConnect, err, t.limits.connect)
	}
	t.conn = &bounded{Conn: conn, left: maxRead}
	return nil
}

// greet reads the greeting and introduces us.
func (t *talk) greet() *Error {
	conn := t.conn
	if t.settings.TLS == TLS {
		t.within(t.limits.command)
		secured := tls.Client(conn, t.tls())
		if err := secured.HandshakeContext(t.ctx); err != nil {
			return t.about(StageTLS, err, t.limits.command)
		}
		conn = secured
	}
	t.within(t.limits.greeting)
	client, err := wire.NewClient(conn, t.host)
	if err != nil {
		e := t.about(StageConnect, err, t.limits.greeting)
		if e.Code == 0 && t.settings.TLS != TLS && errors.Is(err, os.ErrDeadlineExceeded) {
			e.Text += `; a server that waits for TLS from the start (usually port 465) needs the setting "TLS"`
		}
		return e
	}
	t.client = client
	t.within(t.limits.command)
	if err := client.Hello(t.name()); err != nil {
		return t.about(StageConnect, err, t.limits.command)
	}
	return nil
}

// name is how we introduce ourselves: by a host name that can be looked up, else by the address that we come from.
func (t *talk) name() string {
	if host, err := os.Hostname(); err == nil && strings.Contains(host, ".") {
		if name, err := domainName(host); err == nil {
			return name
		}
	}
	from, err := netip.ParseAddrPort(t.conn.LocalAddr().String())
	ip := from.Addr().Unmap().WithZone("")
	switch {
	case err != nil:
		return "localhost"
	case ip.Is6():
		return "[IPv6:" + ip.String() + "]"
	}
	return "[" + ip.String() + "]"
}

func (t *talk) tls() *tls.Config {
	return &tls.Config{ServerName: t.host, RootCAs: t.roots, MinVersion: tls.VersionTLS12}
}

// protect turns a readable connection to TLS. A server that offers none gets nothing: what takes the offer away on the way could read
// the password and the mail.
func (t *talk) protect() *Error {
	if t.settings.TLS != StartTLS {
		return nil
	}
	if offered, _ := t.client.Extension("STARTTLS"); !offered {
		return &Error{Stage: StageTLS, Text: "the server does not offer STARTTLS on this port", Ours: true}
	}
	t.within(t.limits.command)
	if err := t.client.StartTLS(t.tls()); err != nil {
		return t.about(StageTLS, err, t.limits.command)
	}
	return nil
}

func (t *talk) signIn() *Error {
	s := t.settings
	if s.Username == "" {
		return nil
	}
	if s.TLS == NoTLS && !thisMachine(t.host) {
		return &Error{Stage: StageAuth, Text: "the password would be readable on the way", Ours: true}
	}
	_, offered := t.client.Extension("AUTH")
	way := signInBy(strings.Fields(strings.ToUpper(offered)), s, t.host)
	if way == nil {
		text := "the server offers no sign-in"
		if offered != "" {
			text = "the server offers no sign-in by password that we know: " + t.clean(offered)
		}
		return &Error{Stage: StageAuth, Text: text, Ours: true}
	}
	t.within(t.limits.command)
	if err := t.client.Auth(way); err != nil {
		return t.about(StageAuth, err, t.limits.command)
	}
	return nil
}

// signInBy picks a mechanism. The plain ones come first: the connection is protected, and many servers offer the others for accounts that
// cannot use them.
func signInBy(offered []string, s *Settings, host string) wire.Auth {
	user, password := s.Username, s.Password.Reveal()
	for _, way := range []struct {
		name string
		make func() wire.Auth
	}{
		{"PLAIN", func() wire.Auth { return wire.PlainAuth("", user, password, host, true) }},
		{"LOGIN", func() wire.Auth { return wire.LoginAuth(user, password, host, true) }},
		{"SCRAM-SHA-256", func() wire.Auth { return wire.ScramSHA256Auth(user, password) }},
		{"SCRAM-SHA-1", func() wire.Auth { return wire.ScramSHA1Auth(user, password) }},
		{"CRAM-MD5", func() wire.Auth { return wire.CRAMMD5Auth(user, password) }},
	} {
		if slices.Contains(offered, way.name) {
			return way.make()
		}
	}
	return nil
}

// envelope says from whom, to whom and, where the server has a limit, whether it would be too much.
func (t *talk) envelope(from, to address, size int) *Error {
	if _, most := t.client.Extension("SIZE"); most != "" {
		if n, err := strconv.Atoi(most); err == nil && n > 0 && size > n {
			return &Error{Stage: StageData, Permanent: true, Text: fmt.Sprintf("the mail has %d bytes, and the server takes %d", size, n)}
		}
	}
	if ok, _ := t.client.Extension("SMTPUTF8"); to.unicode && !ok {
		return &Error{Stage: StageRcpt, Permanent: true, Text: "the server takes no address with letters beyond ASCII before the @"}
	}
	// Asked for without need it stops mails at servers that do not know it.
	t.client.SkipSMTPUTF8(!to.unicode)
	t.within(t.limits.command)
	if err := t.client.Mail(from.path()); err != nil {
		return t.about(StageFrom, err, t.limits.command)
	}
	t.within(t.limits.command)
	if err := t.client.Rcpt(to.path()); err != nil {
		return t.about(StageRcpt, err, t.limits.command)
	}
	return nil
}

// content sends the message and waits for what the server says to it.
func (t *talk) content(message []byte) (*Answer, *Error) {
	t.within(t.limits.command)
	w, err := t.client.Data()
	if err != nil {
		return nil, t.about(StageData, err, t.limits.command)
	}
	t.within(t.limits.content)
	if _, err := w.Write(message); err != nil {
		// A server that refuses in the middle says why before it hangs up.
		t.within(t.limits.quit)
		if _, _, said := t.client.Text.ReadResponse(250); said != nil {
			if e := t.about(StageData, said, t.limits.content); e.Code != 0 {
				return nil, e
			}
		}
		return nil, t.about(StageData, err, t.limits.content)
	}
	t.within(t.limits.verdict)
	if err := w.Close(); err != nil {
		e := t.about(StageData, err, t.limits.verdict)
		if e.Code == 0 {
			e.Unsure = true
			e.Text = t.clean("the server had the whole mail and may have taken it, but did not say so: " + e.Text)
		}
		return nil, e
	}
	answer := &Answer{Code: 250}
	if said, ok := w.(*wire.DataCloser); ok {
		answer.Text = t.clean(said.ServerResponse())
	}
	return answer, nil
}

// bounded is a connection of which no more than left bytes are read.
type bounded struct {
	net.Conn
	left int
}

var errTooMuch = errors.New("the server says too much")

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err == io.EOF && n > 0 {
		err = nil
	}
	return n, err
}
