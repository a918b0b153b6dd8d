package outhttp

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"parley/internal/fault"
)

// CheckURL reads a URL from the settings: http or https, with a host, without credentials, fragment or control characters,
// at most 2,000 characters. The fault's code is endpoint.url_refused; the caller names the field.
func CheckURL(raw string) (*url.URL, *fault.Error) {
	refuse := func(why string) (*url.URL, *fault.Error) { return nil, fault.New(fault.EndpointURL, why) }
	if raw == "" {
		return refuse("the URL is missing")
	}
	if len(raw) > 2000 {
		return refuse("the URL is longer than 2000 characters")
	}
	for _, r := range raw {
		if r <= ' ' || r == 0x7f || r == '\\' || r == '\uFFFD' {
			return refuse("the URL holds a blank, a backslash or a control character")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refuse("this is not a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return refuse("the URL must begin with http:// or https://")
	case u.Opaque != "" || u.Hostname() == "" || strings.ContainsAny(u.Host, "%"):
		return refuse("the URL has no host name")
	case u.User != nil:
		return refuse("the URL must not hold a user name or password")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return refuse("the URL must not have a fragment (#…)")
	}
	if p := u.Port(); strings.HasSuffix(u.Host, ":") || p != "" && !validPort(p) {
		return refuse("the URL's port is not a number from 1 to 65535")
	}
	return u, nil
}

func validPort(p string) bool {
	n := 0
	for _, c := range p {
		if c < '0' || c > '9' || n > 65535 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n >= 1 && n <= 65535
}

// CheckHost refuses at once what Do would refuse later, as far as it can be known without resolving a name: literal
// addresses and localhost. The fault's code is target.refused.
func (c *Client) CheckHost(u *url.URL, within *Ranges) *fault.Error {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil
	}
	network := "tcp4"
	if ip.Is6() {
		network = "tcp6"
	}
	if c.way(within).guard.Safe(network, netip.AddrPortFrom(ip, 80).String(), nil) != nil {
		return fault.New(fault.TargetRefused, within.refused(u.Hostname(), "is not a public address"))
	}
	return nil
}

// reserved are the headers that we set ourselves or that belong to the connection.
var reserved = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Proxy-Authorization": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Expect": true, "Host": true, "Content-Length": true, "Content-Type": true,
	"Content-Encoding": true, "User-Agent": true, "Accept-Encoding": true,
}

// CheckHeader reads one additional header from the settings: a token as name, a value of visible ASCII, blanks and tabs
// between, at most 4,000 characters, and neither a header that we set nor one of the connection. The fault's code is
// endpoint.header_refused.
func CheckHeader(name, value string) *fault.Error {
	if name == "" || len(name) > 100 {
		return fault.New(fault.EndpointHeader, "a header name must have 1 to 100 characters")
	}
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 {
			continue
		}
		return fault.Newf(fault.EndpointHeader, "the header name %.60q holds a character that is not allowed", name)
	}
	canonical := http.CanonicalHeaderKey(name)
	if reserved[canonical] || strings.HasPrefix(canonical, "Webhook-") {
		return fault.Newf(fault.EndpointHeader, "the header %s is set by Parley or belongs to the connection", canonical)
	}
	if len(value) > 4000 {
		return fault.Newf(fault.EndpointHeader, "the value of %s is longer than 4000 characters", canonical)
	}
	if strings.Trim(value, " \t") != value {
		return fault.Newf(fault.EndpointHeader, "the value of %s begins or ends with a blank", canonical)
	}
	for _, c := range []byte(value) {
		if c != '\t' && (c < ' ' || c > '~') {
			return fault.Newf(fault.EndpointHeader, "the value of %s holds a line break or a character that is not visible ASCII", canonical)
		}
	}
	return nil
}
