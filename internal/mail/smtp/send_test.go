package smtp

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	server "github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"parley/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachWayToProtectTheConnection(t *testing.T) {
	config, roots := certificate(t, "localhost")
	for _, c := range []struct {
		tls      string
		implicit bool
	}{{StartTLS, false}, {TLS, true}, {NoTLS, false}} {
		s := (&sink{config: config, implicit: c.implicit, user: "shop", password: "pa ss=wörd"}).start(t)
		set := withPassword(settings(s.port), "shop", "pa ss=wörd")
		set.Host, set.TLS = "localhost", c.tls
		if err := set.Check(); err != nil {
			t.Fatal(err)
		}
		answer := must(t, set, letter(), roots)
		if answer.Code != 250 || answer.Text == "" {
			t.Errorf("%s: the answer is %+v", c.tls, answer)
		}
		m, _ := s.one(t)
		if m.tls != (c.tls != NoTLS) || m.user != "shop" || m.from != "shop@parley.test" || m.to != "ann@customer.test" || m.utf8 {
			t.Errorf("%s: the server got %+v", c.tls, m)
		}
	}
}

func TestACertificateOfAnotherNameIsRefused(t *testing.T) {
	config, roots := certificate(t, "mail.elsewhere.test")
	for _, c := range []struct {
		tls      string
		implicit bool
	}{{StartTLS, false}, {TLS, true}} {
		s := (&sink{config: config, implicit: c.implicit, user: "shop", password: "password"}).start(t)
		set := withPassword(settings(s.port), "shop", "password")
		set.TLS = c.tls
		for _, host := range []string{"127.0.0.1", "localhost"} {
			set.Host = host
			_, e := send(t, set, letter(), roots)
			refused(t, e, StageTLS, 0, false, true)
			if !strings.Contains(e.Text, "certificate") {
				t.Errorf("%s, %s: it says %q", c.tls, host, e.Text)
			}
		}
		// Nor is one that nobody trusts.
		set.Host = "mail.elsewhere.test"
		if n := len(s.took()); n != 0 {
			t.Errorf("%s: the server has %d mails", c.tls, n)
		}
	}
	config, _ = certificate(t, "localhost")
	s := (&sink{config: config}).start(t)
	set := settings(s.port)
	set.Host, set.TLS = "localhost", StartTLS
	_, e := send(t, set, letter(), roots)
	refused(t, e, StageTLS, 0, false, true)
}

func TestAServerWithoutTheWantedTLSGetsNothing(t *testing.T) {
	s := (&sink{user: "shop", password: "password"}).start(t)
	set := withPassword(settings(s.port), "shop", "password")
	set.TLS = StartTLS
	_, e := send(t, set, letter(), nil)
	refused(t, e, StageTLS, 0, false, true)

	set.TLS = TLS
	_, e = send(t, set, letter(), nil)
	refused(t, e, StageTLS, 0, false, true)
	if !strings.Contains(e.Text, "STARTTLS") {
		t.Errorf("it says %q", e.Text)
	}

	port := scripted(t, func(l *line) {
		l.hello("STARTTLS")
		l.hear("STARTTLS")
		l.say("454 4.7.0 TLS not available due to a temporary reason")
		l.silent()
	})
	set = settings(port)
	set.TLS = StartTLS
	_, e = send(t, set, letter(), nil)
	refused(t, e, StageTLS, 454, false, true)

	// What was said before the change to TLS does not count after it: somebody on the way may have put it there.
	config, roots := certificate(t, "127.0.0.1")
	port = scripted(t, func(l *line) {
		l.hello("STARTTLS")
		l.hear("STARTTLS")
		io.WriteString(l, "220 ready\r\n250-injected\r\n250 AUTH PLAIN\r\n")
		io.ReadFull(tls.Server(l.Conn, config), make([]byte, 4)) // EHLO, and no answer to it
	})
	set = withPassword(settings(port), "shop", "password")
	set.TLS = StartTLS
	_, e = send(t, set, letter(), roots)
	refused(t, e, StageTLS, 0, false, true)
}

func TestSignIn(t *testing.T) {
	s := (&sink{user: "shop", password: "right"}).start(t)
	_, e := send(t, withPassword(settings(s.port), "shop", "wrong-password"), letter(), nil)
	refused(t, e, StageAuth, 535, false, true)

	// A server that wants one and got none.
	_, e = send(t, settings(s.port), letter(), nil)
	refused(t, e, StageFrom, 502, false, true)

	// A server that has none to offer.
	open := (&sink{}).start(t)
	_, e = send(t, withPassword(settings(open.port), "shop", "right"), letter(), nil)
	refused(t, e, StageAuth, 0, false, true)
	port := scripted(t, func(l *line) { l.hello("AUTH GSSAPI XOAUTH2"); l.silent() })
	_, e = send(t, withPassword(settings(port), "shop", "right"), letter(), nil)
	refused(t, e, StageAuth, 0, false, true)

	// Not readable to anybody on the way, whatever the settings became.
	elsewhere := withPassword(settings(25), "shop", "right")
	elsewhere.Host = "192.0.2.1"
	talk := &talk{settings: elsewhere, host: elsewhere.Host, ctx: t.Context()}
	refused(t, talk.signIn(), StageAuth, 0, false, true)

	for _, n := range []*sink{s, open} {
		if got := n.took(); len(got) != 0 {
			t.Errorf("a server took %d mails", len(got))
		}
	}
}

func TestSignInByLogin(t *testing.T) {
	said := make(chan string, 2)
	port := scripted(t, func(l *line) {
		l.hello("AUTH LOGIN")
		l.hear("AUTH LOGIN")
		for _, ask := range []string{"Username:", "Password:"} {
			l.say("334 %s", base64.StdEncoding.EncodeToString([]byte(ask)))
			answer, _ := l.r.ReadString('\n')
			b, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(answer))
			said <- string(b)
		}
		l.say("235 2.7.0 good")
		l.hear("MAIL")
	})
	send(t, withPassword(settings(port), "shop", "the password"), letter(), nil)
	if user, password := <-said, <-said; user != "shop" || password != "the password" {
		t.Errorf("it signed in as %q with %q", user, password)
	}
}

// A server may repeat what it did not like; what we tell administrators and the log has no password in it.
func TestAnAnswerDoesNotRepeatThePassword(t *testing.T) {
	const password = "correct horse"
	port := scripted(t, func(l *line) {
		l.hello("AUTH PLAIN")
		s, _ := l.r.ReadString('\n')
		l.say("535 5.7.8 bad: %s (%s, %s)", strings.TrimSpace(s), password, base64.StdEncoding.EncodeToString([]byte(password)))
		l.hear("*")
		l.say("501 5.0.0 aborted")
	})
	_, e := send(t, withPassword(settings(port), "shop", password), letter(), nil)
	refused(t, e, StageAuth, 535, false, true)
	for _, s := range []string{password, base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte("\x00shop\x00" + password))} {
		if strings.Contains(e.Text, s) || strings.Contains(e.Error(), s) {
			t.Errorf("%q is in %q", s, e.Text)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		stage           string
		code            int
		enhanced        server.EnhancedCode
		text            string
		permanent, ours bool
	}{
		{StageRcpt, 550, server.EnhancedCode{5, 1, 1}, "no such user", true, false},
		{StageRcpt, 553, server.EnhancedCode{5, 1, 3}, "bad address", true, false},
		{StageRcpt, 552, server.EnhancedCode{5, 2, 2}, "mailbox full", true, false},
		{StageRcpt, 550, server.EnhancedCode{5, 7, 1}, "the receiver wants no mail of you", true, false},
		{StageRcpt, 450, server.EnhancedCode{4, 2, 0}, "greylisted, come again", false, false},
		{StageRcpt, 451, server.EnhancedCode{4, 7, 1}, "Greylisting in action", false, false},
		{StageRcpt, 452, server.EnhancedCode{4, 2, 2}, "mailbox full", false, false},
		{StageRcpt, 421, server.EnhancedCode{4, 7, 0}, "shutting down", false, true},
		{StageRcpt, 554, server.EnhancedCode{5, 7, 1}, "<ann@customer.test>: Relay access denied", false, true},
		{StageRcpt, 550, server.EnhancedCode{5, 7, 1}, "Unable to relay", false, true},
		{StageRcpt, 530, server.EnhancedCode{5, 7, 0}, "Authentication required", false, true},
		{StageRcpt, 554, server.EnhancedCode{5, 7, 1}, "Service unavailable; Client host [192.0.2.1] blocked using a list", false, true},
		{StageRcpt, 550, server.EnhancedCode{5, 1, 8}, "sender's domain not found", false, true},
		{StageData, 554, server.EnhancedCode{5, 6, 0}, "looks like spam", true, false},
		{StageData, 550, server.EnhancedCode{5, 7, 1}, "your relay is fine, your mail is not", true, false},
		{StageData, 552, server.EnhancedCode{5, 3, 4}, "too large", true, false},
		{StageData, 552, server.EnhancedCode{5, 7, 0}, "a virus", true, false},
		{StageData, 550, server.EnhancedCode{5, 7, 26}, "your domain does not sign", false, true},
		{StageData, 451, server.EnhancedCode{4, 3, 0}, "queue file write error", false, true},
		{StageData, 452, server.EnhancedCode{4, 3, 1}, "no space", false, true},
		{StageData, 451, server.EnhancedCode{4, 7, 1}, "look at it later", false, false},
	} {
		s := &sink{}
		refuse := func() error { return smtpError(c.code, c.enhanced, c.text) }
		if c.stage == StageRcpt {
			s.rcpt = func(string) error { return refuse() }
		} else {
			s.data = refuse
		}
		s.start(t)
		_, e := send(t, settings(s.port), letter(), nil)
		refused(t, e, c.stage, c.code, c.permanent, c.ours)
		if e != nil && !strings.HasSuffix(e.Text, c.text) {
			t.Errorf("its text is %q, want %q", e.Text, c.text)
		}
		if n := len(s.took()); n != 0 {
			t.Errorf("the server has %d mails", n)
		}
	}
}

// What servers say about the account that we send by costs no mail, and only what they say about the receiver is a bounce.
func TestWhatRefusalsMean(t *testing.T) {
	const later, ours, mail, bounce = "later", "ours", "mail", "bounce"
	set := settings(25)
	for _, c := range []struct {
		stage string
		code  int
		text  string
		want  string
	}{
		{StageData, 550, "5.4.5 Daily user sending limit exceeded. For more information on Gmail\n5.4.5 sending limits go to https://support.google.com/a/answer/166852", ours},
		{StageRcpt, 550, "5.4.5 Daily user sending limit exceeded.", ours},
		{StageData, 554, "Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: shop@x.example", ours},
		{StageData, 554, "Sending paused for this account. For more information, please check the inbox of the email address", ours},
		{StageData, 554, "Message rejected: Sending is suspended", ours},
		{StageData, 454, "Throttling failure: Daily message quota exceeded.", ours},
		{StageData, 554, "5.2.252 SendAsDenied; shop@x.example not allowed to send as me@x.example; STOREDRV.Submission.Exception:SendAsDeniedException", ours},
		{StageData, 554, "5.2.252 refused", ours},
		{StageData, 554, "5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied", ours},
		{StageData, 550, "5.7.60 SMTP; Client does not have permissions to send as this sender", ours},
		{StageData, 550, "5.1.90 Your message can't be sent because you've reached your daily limit for message recipients", ours},
		{StageData, 554, "account suspended", ours},
		{StageRcpt, 554, "5.7.1 Your account has been temporarily disabled", ours},
		{StageRcpt, 550, "sending quota exceeded", ours},
		{StageRcpt, 552, "sending quota exceeded", ours},
		{StageData, 550, "5.3.0 Outgoing mail limit reached", ours},
		{StageData, 554, "5.3.0 quota exceeded for sender", ours},
		{StageRcpt, 550, "Domain x.example has exceeded the max emails per hour (125/100 (125%)) allowed. Message discarded.", ours},
		{StageData, 550, "5.4.6 Unusual sending activity detected", ours},
		{StageRcpt, 553, "5.7.1 <shop@x.example>: Sender address rejected: not owned by user shop", ours},
		{StageRcpt, 450, "4.7.1 Sending limit reached, try again later", ours},
		{StageFrom, 552, "sending quota exceeded", ours},

		{StageData, 554, "5.7.1 Relay access denied", ours},
		{StageData, 554, "5.7.1 Relaying not permitted", ours},
		{StageData, 550, "5.7.1 Unable to relay", ours},
		{StageData, 550, "we do not relay", ours},
		{StageData, 554, "5.7.0 Authentication required", ours},
		{StageData, 554, "you are not logged in", ours},
		{StageData, 554, "5.7.1 Client host rejected: Access denied", ours},

		{StageRcpt, 550, "5.1.1 <ann@customer.test>: Recipient address rejected: User unknown in virtual mailbox table", bounce},
		{StageRcpt, 550, "No such user here", bounce},
		{StageRcpt, 552, "5.2.2 mailbox full", bounce},
		{StageRcpt, 552, "5.2.2 <ann@customer.test> Quota exceeded (mailbox for user is full)", bounce},
		{StageRcpt, 552, "5.2.2 account over its daily quota", bounce},
		{StageRcpt, 552, "quota exceeded", bounce},
		{StageRcpt, 550, "5.2.1 The email account that you tried to reach is disabled.", bounce},
		{StageRcpt, 554, "5.7.1 <ann@customer.test>: Recipient address rejected: account disabled", bounce},
		{StageRcpt, 554, "delivery error: dd Sorry your message to ann@customer.test cannot be delivered. This account has been disabled", bounce},
		{StageRcpt, 550, "5.1.1 address not verified", bounce},
		{StageRcpt, 550, "5.7.1 the receiver wants no mail of you", bounce},
		{StageData, 550, "5.1.1 user unknown", bounce},
		{StageData, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound", bounce},
		{StageRcpt, 450, "4.2.0 greylisted, come again", later},
		{StageRcpt, 452, "4.2.2 mailbox full", later},
		{StageRcpt, 450, "4.2.1 The user you are trying to contact is receiving mail too quickly, no more than 60 per minute", later},

		{StageRcpt, 552, "5.3.4 message too big", mail},
		{StageRcpt, 552, "5.2.3 message length exceeds administrative limit", mail},
		{StageRcpt, 523, "too long", mail},
		{StageFrom, 552, "5.3.4 too much", mail},
		{StageData, 552, "5.2.2 mailbox full", mail},
		{StageData, 552, "5.3.4 message size exceeds the sending limit", mail},
		{StageData, 552, "message exceeds outgoing size limit", mail},
		{StageData, 554, "content refused", mail},
		{StageData, 550, "5.7.1 spam content", mail},
		{StageData, 554, "5.7.1 refused as spam by the relay mx1.x.example", mail},
	} {
		talk := &talk{settings: set, ctx: t.Context()}
		e := talk.about(c.stage, &textproto.Error{Code: c.code, Msg: c.text}, 0)
		got := later
		switch {
		case e.Permanent && e.Ours || e.Address && !e.Permanent || e.Unsure:
			got = "nonsense"
		case e.Ours:
			got = ours
		case e.Address:
			got = bounce
		case e.Permanent:
			got = mail
		}
		if got != c.want {
			t.Errorf("%s: %d %s\nmeans %q, want %q", c.stage, c.code, c.text, got, c.want)
		}
	}
}

// The sender is the same for all mails, so a refusal of it is nobody's bounce.
func TestTheSenderIsRefused(t *testing.T) {
	for _, c := range []struct {
		answer          string
		code            int
		permanent, ours bool
	}{
		{"550 5.7.1 you may not send as this", 550, false, true},
		{"451 4.3.0 later", 451, false, true},
		{"552 5.3.4 too much", 552, true, false},
	} {
		port := scripted(t, func(l *line) {
			l.hello()
			l.hear("MAIL")
			l.say("%s", c.answer)
			l.silent()
		})
		_, e := send(t, settings(port), letter(), nil)
		refused(t, e, StageFrom, c.code, c.permanent, c.ours)
	}
}

func TestOneOfManyIsRefused(t *testing.T) {
	s := (&sink{rcpt: func(to string) error {
		if strings.HasPrefix(to, "bob@") {
			return smtpError(550, server.EnhancedCode{5, 1, 1}, "no bob here")
		}
		return nil
	}}).start(t)
	for _, to := range []string{"ann@customer.test", "bob@customer.test", "cid@customer.test"} {
		m := letter()
		m.To = to
		_, e := send(t, settings(s.port), m, nil)
		if to == "bob@customer.test" {
			refused(t, e, StageRcpt, 550, true, false)
		} else if e != nil {
			t.Errorf("%s: %v", to, e)
		}
	}
	if all := s.took(); len(all) != 2 || all[0].to != "ann@customer.test" || all[1].to != "cid@customer.test" {
		t.Errorf("the server has %+v", all)
	}
}

// A server that has everything and says nothing may have taken it. That is said, and not waited for beyond the context.
func TestAServerStallsAfterData(t *testing.T) {
	release := make(chan struct{})
	ctx, cancel := context.WithCancelCause(t.Context())
	s := (&sink{data: func() error {
		cancel(context.DeadlineExceeded)
		<-release
		return errHangUp
	}}).start(t)
	defer close(release)
	_, e := sender{limits: patient()}.send(ctx, settings(s.port), letter())
	if e == nil || e.Stage != StageData || !e.Unsure || e.Permanent || !e.Ours || e.Code != 0 {
		t.Fatalf("it ended with %+v", e)
	}
	if !strings.Contains(e.Text, "may have taken it") || !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("it says %q, below is %v", e.Text, e.Unwrap())
	}

	// Its own limit, and a server that hangs up instead of answering, are the same.
	port := scripted(t, func(l *line) {
		l.hello()
		for _, c := range []string{"MAIL", "RCPT"} {
			l.hear(c)
			l.say("250 ok")
		}
		l.hear("DATA")
		l.say("354 go on")
		l.content()
	})
	_, e = send(t, settings(port), letter(), nil)
	if e == nil || !e.Unsure || e.Stage != StageData || !strings.Contains(e.Text, "closed the connection") {
		t.Errorf("it ended with %+v", e)
	}
	short := patient()
	short.verdict = 100 * time.Millisecond
	_, e = sender{limits: short}.send(t.Context(), settings(s.port), letter())
	if e == nil || !e.Unsure || !strings.Contains(e.Text, "no answer within 100ms") {
		t.Errorf("it ended with %+v", e)
	}
}

// Every step ends with the context and has a limit of its own.
func TestAServerIsSlow(t *testing.T) {
	config, roots := certificate(t, "127.0.0.1")
	greeting := func(l *limits) *time.Duration { return &l.greeting }
	command := func(l *limits) *time.Duration { return &l.command }
	steps := []struct {
		name   string
		tls    string
		stage  string
		limit  func(l *limits) *time.Duration
		script func(l *line)
	}{
		{"greeting", NoTLS, StageConnect, greeting, func(l *line) { l.silent() }},
		{"greeting before STARTTLS", StartTLS, StageConnect, greeting, func(l *line) { l.silent() }},
		{"handshake", TLS, StageTLS, command, func(l *line) { l.r.ReadByte(); l.silent() }},
		{"greeting in TLS", TLS, StageConnect, greeting, func(l *line) {
			if secured := tls.Server(l.Conn, config); secured.Handshake() == nil {
				l.quiet()
				io.Copy(io.Discard, secured)
			}
		}},
		{"EHLO", NoTLS, StageConnect, command, func(l *line) { l.say("220 hi"); l.hear("EHLO"); l.silent() }},
		{"STARTTLS", StartTLS, StageTLS, nil, func(l *line) { l.hello("STARTTLS"); l.hear("STARTTLS"); l.silent() }},
		{"handshake after STARTTLS", StartTLS, StageTLS, nil, func(l *line) { l.hello("STARTTLS"); l.hear("STARTTLS"); l.say("220 go"); l.r.ReadByte(); l.silent() }},
		{"AUTH", NoTLS, StageAuth, nil, func(l *line) { l.hello("AUTH PLAIN"); l.hear("AUTH"); l.silent() }},
		{"MAIL", NoTLS, StageFrom, nil, func(l *line) { l.hello("AUTH PLAIN"); l.hear("AUTH"); l.say("235 in"); l.hear("MAIL"); l.silent() }},
		{"RCPT", NoTLS, StageRcpt, nil, func(l *line) {
			l.hello("AUTH PLAIN")
			l.hear("AUTH")
			l.say("235 in")
			l.hear("MAIL")
			l.say("250 ok")
			l.hear("RCPT")
			l.silent()
		}},
	}
	for _, c := range steps {
		ends := func(cause error, text string) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			port := scripted(t, func(l *line) {
				l.quiet = func() { cancel(cause) }
				c.script(l)
			})
			set := withPassword(settings(port), "shop", "password")
			set.TLS = c.tls
			_, e := sender{roots: roots, limits: patient()}.send(ctx, set, letter())
			if c.name == "greeting in TLS" && e != nil && e.Stage == StageTLS {
				e.Stage = StageConnect // the server is done with the handshake before we are
			}
			refused(t, e, c.stage, 0, false, true)
			if e != nil && (e.Text != text || !errors.Is(e, cause)) {
				t.Errorf("%s: it says %q", c.name, e.Text)
			}
			_, e = sender{roots: roots, limits: patient()}.send(ctx, set, letter())
			if e == nil || e.Stage != StageConnect || !errors.Is(e, cause) {
				t.Errorf("%s: with a context that has ended it ended with %v", c.name, e)
			}
		}
		ends(context.DeadlineExceeded, "the server did not answer in time")
		ends(context.Canceled, "stopped before the server answered")

		// Its own limit; where other commands share it, a slow machine might meet it there.
		o := sender{roots: roots, limits: patient()}
		if c.limit == nil {
			continue
		}
		*c.limit(&o.limits) = 50 * time.Millisecond
		set := withPassword(settings(scripted(t, c.script)), "shop", "password")
		set.TLS = c.tls
		_, e := o.send(t.Context(), set, letter())
		refused(t, e, c.stage, 0, false, true)
		if e != nil && !strings.Contains(e.Text, "no answer within 50ms") {
			t.Errorf("%s: it says %q", c.name, e.Text)
		}
	}
}

// A slow greeting is not a dead server.
func TestAServerGreetsSlowly(t *testing.T) {
	now := make(chan struct{})
	time.AfterFunc(150*time.Millisecond, func() { close(now) })
	s := (&sink{}).start(t)
	port := scripted(t, func(l *line) {
		<-now
		up, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err != nil {
			return
		}
		defer up.Close()
		go func() { io.Copy(up, l.r); up.Close() }()
		io.Copy(l, up)
	})
	must(t, settings(port), letter(), nil)
	s.one(t)
}

func TestAServerHangsUp(t *testing.T) {
	full := letter()
	full.Text = strings.Repeat("A line of a long conversation.\n", 200_000)
	data := func(l *line) {
		l.Conn.(*net.TCPConn).SetReadBuffer(4096) // so that the mail does not fit into what is on its way
		l.hello()
		for _, c := range []string{"MAIL", "RCPT"} {
			l.hear(c)
			l.say("250 ok")
		}
		l.hear("DATA")
		l.say("354 go on")
	}
	for _, c := range []struct {
		name      string
		m         *Message
		script    func(l *line)
		stage     string
		code      int
		permanent bool
		ours      bool
	}{
		{"before the greeting", letter(), func(l *line) {}, StageConnect, 0, false, true},
		{"instead of a greeting", letter(), func(l *line) { l.say("554 5.7.1 go away") }, StageConnect, 554, false, true},
		{"busy", letter(), func(l *line) { l.say("421 4.3.2 too many connections") }, StageConnect, 421, false, true},
		{"something else than a mail server", letter(), func(l *line) { l.say("HTTP/1.1 400 Bad Request\r\n\r\n") }, StageConnect, 0, false, true},
		{"after EHLO", letter(), func(l *line) { l.say("220 hi"); l.hear("EHLO") }, StageConnect, 0, false, true},
		{"after MAIL", letter(), func(l *line) { l.hello(); l.hear("MAIL") }, StageFrom, 0, false, true},
		{"at DATA", letter(), func(l *line) {
			l.hello()
			for _, c := range []string{"MAIL", "RCPT"} {
				l.hear(c)
				l.say("250 ok")
			}
			l.hear("DATA")
		}, StageData, 0, false, true},
		{"in the middle of the mail", full, func(l *line) { data(l); io.CopyN(io.Discard, l.r, 1000); l.Conn.(*net.TCPConn).SetLinger(0) }, StageData, 0, false, true},
		{"in the middle of the mail, with a word", full, func(l *line) {
			data(l)
			io.CopyN(io.Discard, l.r, 1000)
			l.say("552 5.3.4 that is too much")
		}, StageData, 552, true, false},
	} {
		port := scripted(t, c.script)
		_, e := send(t, settings(port), c.m, nil)
		refused(t, e, c.stage, c.code, c.permanent, c.ours)
		if t.Failed() {
			t.Fatal(c.name)
		}
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	_, e := send(t, settings(port), letter(), nil)
	refused(t, e, StageConnect, 0, false, true)
}

// A server that drops TLS, or talks without end, costs one mail's time and no memory.
func TestAServerMisbehavesInTLS(t *testing.T) {
	config, roots := certificate(t, "127.0.0.1")
	port := scripted(t, func(l *line) {
		l.hello("STARTTLS")
		l.hear("STARTTLS")
		l.say("220 go")
		secured := tls.Server(l.Conn, config)
		io.ReadFull(secured, make([]byte, 4)) // EHLO
		l.say("250 readable again")           // in the middle of TLS
		l.silent()
	})
	set := settings(port)
	set.TLS = StartTLS
	_, e := send(t, set, letter(), roots)
	refused(t, e, StageTLS, 0, false, true)

	endless := scripted(t, func(l *line) {
		io.WriteString(l, "220")
		for {
			if _, err := io.WriteString(l, "-"+strings.Repeat("x", 4000)); err != nil {
				return
			}
		}
	})
	_, e = send(t, settings(endless), letter(), nil)
	refused(t, e, StageConnect, 0, false, true)
	if !errors.Is(e, errTooMuch) {
		t.Errorf("it ended with %v", e)
	}
}

func TestAMailTooLargeForTheServerIsNotSent(t *testing.T) {
	s := (&sink{max: 2000}).start(t)
	m := letter()
	m.Text = strings.Repeat("A line.\n", 500)
	_, e := send(t, settings(s.port), m, nil)
	refused(t, e, StageData, 0, true, false)
	if e != nil && e.Address {
		t.Error("a large mail says something about the address")
	}
	must(t, settings(s.port), letter(), nil)
	s.one(t)
}

func TestAServerThatKnowsOnlyHELO(t *testing.T) {
	port := scripted(t, func(l *line) {
		l.say("220 old.test")
		l.hear("EHLO")
		l.say("502 what?")
		for {
			s, err := l.r.ReadString('\n')
			switch {
			case err != nil:
				return
			case strings.HasPrefix(s, "DATA"):
				l.say("354 go on")
				l.content()
				l.say("250 taken")
			case strings.HasPrefix(s, "QUIT"):
				l.say("221 bye")
				return
			default:
				l.say("250 ok")
			}
		}
	})
	if answer := must(t, settings(port), letter(), nil); answer.Text != "taken" {
		t.Errorf("the answer is %+v", answer)
	}
}

// Once the server has the mail, nothing that follows makes it unsent.
func TestAGoodByeWithoutAnAnswer(t *testing.T) {
	port := scripted(t, func(l *line) {
		l.hello()
		for _, c := range []string{"MAIL", "RCPT"} {
			l.hear(c)
			l.say("250 ok")
		}
		l.hear("DATA")
		l.say("354 go on")
		l.content()
		l.say("250 2.0.0 queued\tas  1")
	})
	if answer := must(t, settings(port), letter(), nil); answer.Text != "2.0.0 queued as 1" {
		t.Errorf("the answer is %+v", answer)
	}
}

func TestSendItself(t *testing.T) {
	s := (&sink{}).start(t)
	if answer, err := Send(t.Context(), settings(s.port), letter()); err != nil || answer.Code != 250 {
		t.Fatalf("%+v, %v", answer, err)
	}
	m := letter()
	m.To = "nobody"
	_, err := Send(t.Context(), settings(s.port), m)
	if e, ok := errors.AsType[*Error](err); !ok || !e.Permanent {
		t.Errorf("%v", err)
	}
	s.one(t)
}

// What stands in settings that were never checked is an error and not a crash.
func TestBrokenSettings(t *testing.T) {
	s := (&sink{}).start(t)
	for name, change := range map[string]func(*Settings){
		"sender":   func(s *Settings) { s.From = "x" },
		"answers":  func(s *Settings) { s.ReplyTo = "x\r\n" },
		"host":     func(s *Settings) { s.Host = "a b" },
		"key":      func(s *Settings) { s.DKIMKey = secret.Of("x") },
		"selector": func(s *Settings) { s.DKIMSelector = "x" },
	} {
		set := settings(s.port)
		change(set)
		if _, e := send(t, set, letter(), nil); e == nil || !e.Ours || e.Permanent {
			t.Errorf("%s: %v", name, e)
		}
	}
	for name, change := range map[string]func(*Message){
		"id":   func(m *Message) { m.ID = "a b" },
		"body": func(m *Message) { m.Text, m.HTML = "", "" },
	} {
		m := letter()
		change(m)
		if _, e := send(t, settings(s.port), m, nil); e == nil || e.Permanent {
			t.Errorf("%s: %v", name, e)
		}
	}
	if n := len(s.took()); n != 0 {
		t.Errorf("the server has %d mails", n)
	}
}

var _ server.AuthSession = (*session)(nil)
