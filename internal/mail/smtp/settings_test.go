package smtp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"parley/internal/fault"
	"parley/internal/secret"
)

// faults are the fields of what Check found, with their codes.
func faults(err error) map[string]fault.Code {
	out := map[string]fault.Code{}
	if err == nil {
		return out
	}
	e := fault.As(err)
	for _, f := range append([]*fault.Error{e}, e.Others...) {
		out[f.Field] = f.Code
	}
	return out
}

func good() *Settings {
	return &Settings{
		Host: "mail.example.org", Port: 587, TLS: StartTLS, Username: "shop", Password: secret.Of("password"), From: "shop@example.org", FromName: "The Shop",
		ReplyTo: "help@example.org", DKIMDomain: "example.org", DKIMSelector: "parley", DKIMKey: secret.Of(ed25519Key), PerMinute: 60,
	}
}

func TestSettings(t *testing.T) {
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	least := &Settings{Host: "localhost", Port: 25, TLS: NoTLS, From: "shop@localhost"}
	if err := least.Check(); err != nil {
		t.Fatal(err)
	}
	key := must2(rsa.GenerateKey(rand.Reader, 2048))
	plainRSA := secret.Of(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))

	required, invalid := fault.FieldRequired, fault.FieldInvalid
	for _, c := range []struct {
		change func(s *Settings)
		field  string
		want   fault.Code
	}{
		{func(s *Settings) { s.Host = "" }, "host", required},
		{func(s *Settings) { s.Host = "mail.example.org:587" }, "host", invalid},
		{func(s *Settings) { s.Host = "smtp://mail.example.org" }, "host", invalid},
		{func(s *Settings) { s.Host = "mail.example.org\r\n" }, "host", invalid},
		{func(s *Settings) { s.Host = "fe80::1%eth0" }, "host", invalid},
		{func(s *Settings) { s.Host = "mail_server" }, "", ""},
		{func(s *Settings) { s.Host = "Mail.Bücher.example" }, "", ""},
		{func(s *Settings) { s.Host = "2001:db8::1" }, "", ""},
		{func(s *Settings) { s.Port = 0 }, "port", invalid},
		{func(s *Settings) { s.Port = 65536 }, "port", invalid},
		{func(s *Settings) { s.TLS = "" }, "tls", invalid},
		{func(s *Settings) { s.TLS = "STARTTLS" }, "tls", invalid},
		{func(s *Settings) { s.TLS = NoTLS }, "tls", invalid},
		{func(s *Settings) { s.TLS, s.Host = NoTLS, "127.0.0.1" }, "", ""},
		{func(s *Settings) { s.TLS, s.Host = NoTLS, "::1" }, "", ""},
		{func(s *Settings) { s.TLS, s.Username, s.Password = NoTLS, "", secret.String{} }, "", ""},
		{func(s *Settings) { s.Username = "" }, "username", required},
		{func(s *Settings) { s.Username = "a\nb" }, "username", invalid},
		{func(s *Settings) { s.Password = secret.String{} }, "password", required},
		{func(s *Settings) { s.Password = secret.Of("a\x00b") }, "password", invalid},
		{func(s *Settings) { s.Password = secret.Of(strings.Repeat("x", 1001)) }, "password", invalid},
		{func(s *Settings) { s.From = "" }, "from_email", required},
		{func(s *Settings) { s.From = "The Shop <shop@example.org>" }, "from_email", invalid},
		{func(s *Settings) { s.From = "jörg@example.org" }, "from_email", invalid},
		{func(s *Settings) { s.From = "shop@bücher.example" }, "", ""},
		{func(s *Settings) { s.FromName = "Shop\r\nBcc: x@y.test" }, "from_name", invalid},
		{func(s *Settings) { s.FromName = strings.Repeat("ä", 101) }, "from_name", invalid},
		{func(s *Settings) { s.ReplyTo = "" }, "", ""},
		{func(s *Settings) { s.ReplyTo = "a@b, c@d" }, "reply_to", invalid},
		{func(s *Settings) { s.DKIMDomain = "" }, "dkim.domain", required},
		{func(s *Settings) { s.DKIMDomain = "exa mple" }, "dkim.domain", invalid},
		{func(s *Settings) { s.DKIMSelector = "" }, "dkim.selector", required},
		{func(s *Settings) { s.DKIMSelector = "a_b" }, "dkim.selector", invalid},
		{func(s *Settings) { s.DKIMSelector = "2026.parley" }, "", ""},
		{func(s *Settings) { s.DKIMKey = secret.String{} }, "dkim.private_key", required},
		{func(s *Settings) { s.DKIMKey = secret.Of("key") }, "dkim.private_key", invalid},
		{func(s *Settings) { s.DKIMKey = secret.Of(ed25519Key + "more") }, "dkim.private_key", invalid},
		{func(s *Settings) { s.DKIMKey = plainRSA }, "", ""},
		{func(s *Settings) { s.DKIMDomain, s.DKIMSelector, s.DKIMKey = "", "", secret.String{} }, "", ""},
		{func(s *Settings) { s.PerMinute = -1 }, "per_minute", invalid},
		{func(s *Settings) { s.PerMinute = 10001 }, "per_minute", invalid},
	} {
		s := good()
		c.change(s)
		want := map[string]fault.Code{}
		if c.field != "" {
			want[c.field] = c.want
		}
		if got := faults(s.Check()); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\nis %v, want %v", *s, got, want)
		}
	}
	// All of them at once.
	if got := faults((&Settings{Password: secret.Of("x"), DKIMSelector: "x", PerMinute: -1}).Check()); len(got) != 8 {
		t.Errorf("nothing set has the faults %v", got)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	small := "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n"
	for _, key := range []string{"", "x", small, strings.ReplaceAll(ed25519Key, "PRIVATE", "PUBLIC"), strings.ReplaceAll(ed25519Key, "PRIVATE", "ENCRYPTED PRIVATE"), ed25519Key[:60]} {
		_, err := DKIMRecord(secret.Of(key))
		if err == nil {
			t.Errorf("%q has a record", key)
		} else if len(key) > 40 && strings.Contains(err.Error(), key[30:40]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

// Whatever is typed, the check ends, names only fields that exist, and never shows a secret; what it lets through can be used.
func FuzzSettings(f *testing.F) {
	g := good()
	f.Add(g.Host, g.Port, g.TLS, g.Username, g.Password.Reveal(), g.From, g.FromName, g.ReplyTo, g.DKIMDomain, g.DKIMSelector, ed25519Key, g.PerMinute)
	f.Add("[::1]", -1, "none", "\r\n", "\x00", "a@b\r\n", "\u2028", "<>", "*", "a..b", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", 1<<40)
	f.Add("xn--", 70000, "tls", "u", "p", `"a b"@c.d`, "", "", "xn--bcher-kva.example", "s", "", 0)
	fields := []string{"host", "port", "tls", "username", "password", "from_email", "from_name", "reply_to", "dkim.domain", "dkim.selector", "dkim.private_key", "per_minute"}
	f.Fuzz(func(t *testing.T, host string, port int, tls, user, password, from, name, reply, domain, selector, key string, perMinute int) {
		s := &Settings{host, port, tls, user, secret.Of(password), from, name, reply, domain, selector, secret.Of(key), perMinute}
		err := s.Check()
		for field, code := range faults(err) {
			if !slices.Contains(fields, field) || code != fault.FieldRequired && code != fault.FieldInvalid {
				t.Errorf("%s at %q", code, field)
			}
		}
		if err != nil {
			if text := fmt.Sprint(err); len(password) > 8 && strings.Contains(text, password) && !strings.Contains("the password is missing", password) {
				t.Errorf("the password is in %q", text)
			}
			return
		}
		sender, err := parseAddress(s.From)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hostName(s.Host); err != nil {
			t.Fatal(err)
		}
		if _, err := letter().compose(s, sender, sender); err != nil {
			t.Fatal(err)
		}
	})
}
