package smtp

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// postfix is the mail server that most of the world's others are, with everything that it keeps in a folder of its own.
type postfix struct {
	dir       string
	port, tls int // with STARTTLS, and with TLS from the start
	roots     *x509.CertPool
	log       <-chan string
}

const postfixMain = `
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = /dev/stdout
myhostname = mta.customer.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
# Nobody is trusted, nothing goes out.
mynetworks =
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
virtual_mailbox_domains = customer.test
virtual_mailbox_maps = texthash:%[1]s/mailboxes
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_limit = 0
virtual_uid_maps = static:%[2]s
virtual_gid_maps = static:%[3]s
smtputf8_enable = yes
message_size_limit = 3000000
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = %[1]s/etc/tls.pem
smtpd_tls_loglevel = 1
`

const postfixMaster = `
127.0.0.1:%d inet n - n - - smtpd
127.0.0.1:%d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix runs one until the test ends; nil where there is none or it may not be run.
func startPostfix(t *testing.T) *postfix {
	t.Helper()
	program := ""
	for _, name := range []string{"postfix", "/usr/sbin/postfix"} {
		if p, err := exec.LookPath(name); err == nil {
			program = p
			break
		}
	}
	if os.Getuid() != 0 {
		t.Log("not run: only root can start Postfix")
		return nil
	}
	owner, err := user.Lookup("postfix")
	if program == "" || err != nil {
		if os.Getenv("CI") == "true" {
			t.Errorf("there is no Postfix (program %q, user: %v): in CI it also gets our mails", program, err)
		}
		t.Log("not run: there is no Postfix")
		return nil
	}
	dir, err := os.MkdirTemp("", "parley-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config, roots := certificate(t, "localhost")
	p := &postfix{dir: dir, roots: roots, port: freePort(t), tls: freePort(t)}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	for _, sub := range []string{"", "etc", "queue", "data", "mail"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range []string{"data", "mail"} {
		if err := os.Chown(filepath.Join(dir, sub), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("etc/main.cf", fmt.Sprintf(postfixMain, dir, owner.Uid, owner.Gid))
	write("etc/master.cf", fmt.Sprintf(postfixMaster, p.port, p.tls))
	write("mailboxes", "ann@customer.test ann/\njörg@customer.test jo/\n")
	key, err := x509.MarshalPKCS8PrivateKey(config.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write("etc/tls.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: config.Certificates[0].Certificate[0]})))

	// It ends when its input does, so also where the test is killed.
	cmd := exec.Command("sh", "-c", `"$1" -c "$2/etc" start-fg </dev/null & read -r line; kill "$(sed 1q "$2/queue/pid/master.pid")"; wait`, "sh", program, dir)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	log := make(chan string, 10000)
	p.log = log
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(log)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			log <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		input.Close()
		cmd.Wait()
		<-read
		out.Close()
		for l := range log {
			if t.Failed() {
				t.Log(l)
			}
		}
	})
	p.waitFor(t, `daemon started`)
	return p
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// waitFor reads the log up to a line.
func (p *postfix) waitFor(t *testing.T, pattern string) {
	t.Helper()
	late := time.After(time.Minute)
	for want := regexp.MustCompile(pattern); ; {
		select {
		case l, ok := <-p.log:
			t.Log(l)
			if !ok {
				t.Fatalf("Postfix ended before it said %s", pattern)
			}
			if want.MatchString(l) {
				return
			}
		case <-late:
			t.Fatalf("Postfix did not say %s", pattern)
		}
	}
}

// delivered returns the only mail of a mailbox, as it was stored, and empties the mailbox.
func (p *postfix) delivered(t *testing.T, mailbox string) string {
	t.Helper()
	p.waitFor(t, `postfix/virtual\[\d+\]: .* status=sent`)
	files, err := filepath.Glob(filepath.Join(p.dir, "mail", mailbox, "new", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the mailbox has %d mails (%v)", len(files), err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPostfixTakesOurMails(t *testing.T) {
	p := startPostfix(t)
	if p == nil {
		return
	}
	key, err := NewDKIMKey()
	if err != nil {
		t.Fatal(err)
	}
	record, err := DKIMRecord(key)
	if err != nil {
		t.Fatal(err)
	}
	set := settings(p.port)
	set.Host, set.TLS, set.ReplyTo = "localhost", StartTLS, "help@parley.test"
	set.DKIMDomain, set.DKIMSelector, set.DKIMKey = "parley.test", "p2026", key

	m := letter()
	m.FromName, m.Subject = "Zoë of \"The Shop\"\r\nBcc: x@y.test", "Ihr Gespräch 👋 "+strings.Repeat("und noch mehr davon ", 8)
	m.Text = ".\n..\nFrom the start of a line\n" + strings.Repeat("A long conversation. ", 5000) + "\n"
	m.HTML = "<p>.</p>\n.\n<p>" + strings.Repeat("long", 5000) + "</p>\n"
	for _, way := range []string{StartTLS, TLS} {
		set.TLS, set.Port = way, map[string]int{StartTLS: p.port, TLS: p.tls}[way]
		if answer := must(t, set, m, p.roots); !strings.Contains(answer.Text, "queued as") {
			t.Errorf("%s: the answer is %+v", way, answer)
		}
		stored := p.delivered(t, "ann")
		got, err := mail.ReadMessage(strings.NewReader(stored))
		if err != nil {
			t.Fatal(err)
		}
		for header, want := range map[string]string{
			"Return-Path": "<shop@parley.test>", "Delivered-To": "ann@customer.test", "To": "<ann@customer.test>", "Reply-To": "<help@parley.test>",
			"Message-Id": "<" + m.ID + ">", "Bcc": "", "Auto-Submitted": "auto-generated", "Date": "Sun, 22 Nov 2026 16:04:05 +0000",
		} {
			if v := got.Header.Get(header); v != want {
				t.Errorf("%s: %s is %q, want %q", way, header, v, want)
			}
		}
		if !strings.Contains(got.Header.Get("Received"), "with ESMTPS") {
			t.Errorf("%s: it was received as %q", way, got.Header.Get("Received"))
		}
		from, err := got.Header.AddressList("From")
		if err != nil || from[0].Name != `Zoë of "The Shop" Bcc: x@y.test` || decoded(t, got.Header.Get("Subject")) != strings.TrimSpace(m.Subject) {
			t.Errorf("%s: it is from %q (%v) with the subject %q", way, from, err, got.Header.Get("Subject"))
		}
		if _, bodies := parts(t, got); strings.ReplaceAll(bodies[0], "\r\n", "\n") != m.Text || strings.ReplaceAll(bodies[1], "\r\n", "\n") != m.HTML {
			t.Errorf("%s: it has changed on the way", way)
		}
		// Postfix stores line ends as the machine has them; the signature is about those that travelled.
		all := verified(t, strings.ReplaceAll(stored, "\n", "\r\n"), func(string) ([]string, error) { return []string{record}, nil })
		if len(all) != 1 || all[0].Err != nil {
			t.Errorf("%s: the signature: %+v", way, all[0].Err)
		}
	}
	set.TLS, set.Port = StartTLS, p.port

	m = letter()
	m.To = "jörg@customer.test"
	must(t, set, m, p.roots)
	if stored := p.delivered(t, "jo"); !strings.Contains(stored, "jörg@customer.test") {
		t.Errorf("stored is %q", stored)
	}

	m.To = "nobody@customer.test"
	_, e := send(t, set, m, p.roots)
	refused(t, e, StageRcpt, 550, true, false)
	// It does not relay for us: that is no bounce of the address.
	m.To = "ann@elsewhere.test"
	_, e = send(t, set, m, p.roots)
	refused(t, e, StageRcpt, 554, false, true)

	m = letter()
	m.Text = strings.Repeat("A line of a very long conversation.\n", 100_000)
	_, e = send(t, set, m, p.roots)
	refused(t, e, StageData, 0, true, false)

	// Another name than the certificate's, and no TLS where it is asked for from the start.
	set.Host = "127.0.0.1"
	_, e = send(t, set, letter(), p.roots)
	refused(t, e, StageTLS, 0, false, true)
	set.Host, set.TLS = "localhost", TLS
	_, e = send(t, set, letter(), p.roots)
	refused(t, e, StageTLS, 0, false, true)
	set.TLS = StartTLS
	_, e = send(t, withPassword(set, "shop", "password"), letter(), p.roots)
	refused(t, e, StageAuth, 0, false, true)

	if files, _ := filepath.Glob(filepath.Join(p.dir, "mail", "*", "new", "*")); len(files) != 0 {
		t.Errorf("there are also the mails %q", files)
	}
}
