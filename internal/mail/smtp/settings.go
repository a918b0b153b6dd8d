package smtp

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"parley/internal/fault"
	"parley/internal/secret"
)

// The ways to protect a connection, for Settings.TLS.
const (
	StartTLS = "starttls" // begins readable and turns to TLS, or no mail is sent; usually port 587 or 25
	TLS      = "tls"      // TLS from the first byte; usually port 465
	NoTLS    = "none"     // readable on the way; with a sign-in only to this machine
)

// Limits of the settings.
const (
	MaxName      = 100   // characters of a sender's name
	MaxPerMinute = 10000 // mails
	maxSecret    = 1000  // bytes of a password
)

// Settings are one mail server and how mails look that it gets. Check says whether they can work.
type Settings struct {
	// Host is a name or an IP address, without a port. The server's certificate must be for it.
	Host string
	Port int
	// TLS is StartTLS, TLS or NoTLS.
	TLS string
	// Username and Password are for servers that want a sign-in: both or none.
	Username string
	Password secret.String
	// From is the address that mails are from, also on the envelope, so the server's own reports about failures go there.
	// ReplyTo is where answers go instead; "" for the same.
	From, FromName, ReplyTo string
	// DKIMDomain, DKIMSelector and DKIMKey sign each mail: all three or none. The key is RSA of 1024 to 4096 bits or Ed25519, in PEM.
	DKIMDomain, DKIMSelector string
	DKIMKey                  secret.String
	// PerMinute is how many mails may go within a minute, evenly spaced; 0 means any number. Send does not count: its caller does.
	PerMinute int
}

// Check says what is wrong with the settings: nil, or faults with the codes field.required and field.invalid at host, port, tls,
// username, password, from_email, from_name, reply_to, dkim.domain, dkim.selector, dkim.private_key and per_minute. It asks no server.
func (s *Settings) Check() error {
	var c fault.Collect
	need := func(at, what string) { c.Add(fault.Newf(fault.FieldRequired, "%s is missing", what).At(at)) }
	bad := func(at, format string, args ...any) {
		c.Add(fault.Newf(fault.FieldInvalid, format, args...).At(at))
	}

	switch _, err := hostName(s.Host); {
	case s.Host == "":
		need("host", "the mail server")
	case err != nil:
		bad("host", "the mail server is a name or an IP address, without a port or anything else")
	}
	if s.Port < 1 || s.Port > 65535 {
		bad("port", "the port is a number from 1 to 65535; mail servers listen on 587, 465 or 25")
	}
	switch {
	case s.TLS != StartTLS && s.TLS != TLS && s.TLS != NoTLS:
		bad("tls", "the choices are starttls, tls and none")
	case s.TLS == NoTLS && s.Username != "" && !thisMachine(s.Host):
		bad("tls", "the password would be readable on the way: choose starttls or tls, or a server on this machine")
	}

	switch {
	case s.Username == "" && !s.Password.IsZero():
		need("username", "the user name that belongs to the password")
	case s.Username != "" && (!plain(s.Username) || len(s.Username) > maxAddress):
		bad("username", "a user name is one line of at most %d bytes", maxAddress)
	}
	switch p := s.Password.Reveal(); {
	case s.Username != "" && p == "":
		need("password", "the password")
	case !plain(p) || len(p) > maxSecret:
		bad("password", "a password is one line of at most %d bytes", maxSecret)
	}

	sender := func(at, address string) {
		if a, err := parseAddress(address); err != nil {
			bad(at, "%v", err)
		} else if a.unicode {
			bad(at, "most mail servers refuse mail from an address with letters beyond ASCII before the @")
		}
	}
	if s.From == "" {
		need("from_email", "the address that mails are from")
	} else {
		sender("from_email", s.From)
	}
	if s.ReplyTo != "" {
		sender("reply_to", s.ReplyTo)
	}
	if !plain(s.FromName) || utf8.RuneCountInString(s.FromName) > MaxName {
		bad("from_name", "a name is one line of at most %d characters", MaxName)
	}

	if s.signs() {
		switch _, err := domainName(s.DKIMDomain); {
		case s.DKIMDomain == "":
			need("dkim.domain", "the domain that signs")
		case err != nil:
			bad("dkim.domain", "this is not a domain name")
		}
		switch {
		case s.DKIMSelector == "":
			need("dkim.selector", "the selector, which is the name of the key in the domain")
		case !selector(s.DKIMSelector):
			bad("dkim.selector", "a selector has up to 63 letters, digits and hyphens, and may have several such parts with dots between")
		}
		switch _, err := parseKey(s.DKIMKey); {
		case s.DKIMKey.IsZero():
			need("dkim.private_key", "the private key")
		case err != nil:
			bad("dkim.private_key", "%v", err)
		}
	}
	if s.PerMinute < 0 || s.PerMinute > MaxPerMinute {
		bad("per_minute", "a number of mails from 0 (no limit) to %d", MaxPerMinute)
	}
	return c.Err()
}

// signs reports whether any of the settings of DKIM is set.
func (s *Settings) signs() bool {
	return s.DKIMDomain != "" || s.DKIMSelector != "" || !s.DKIMKey.IsZero()
}

// hostName is the name of a server as it is dialled and as it stands in certificates, or an IP address.
func hostName(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "", fmt.Errorf("%q has a zone", host)
		}
		return ip.String(), nil
	}
	// Names within a private network may have underscores, which domains of mail may not.
	if ascii := strings.ToLower(host); len(ascii) <= 253 && inner.MatchString(ascii) {
		return ascii, nil
	}
	return domainName(host)
}

var inner = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$`)

// domainName is a domain in the letters that DNS knows.
func domainName(domain string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || ascii == "" || len(ascii) > 253 || strings.HasSuffix(ascii, ".") {
		return "", fmt.Errorf("%.80q is not a domain name", domain)
	}
	return ascii, nil
}

// thisMachine reports whether what is said to the host stays on the machine.
func thisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

func selector(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || len(part) > 63 || strings.HasPrefix(part, "-") || strings.HasSuffix(part, "-") {
			return false
		}
		for _, b := range []byte(part) {
			if b != '-' && (b < '0' || b > '9') && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') {
				return false
			}
		}
	}
	return len(s) <= 200
}

// plain reports whether s is one line of text.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' })
}
