package httpapi

import (
	"net/netip"
	"strings"
)

// clientAddr returns the address that the request comes from. remote is the connection's address ("ip:port"); the
// X-Forwarded-For lines count only when it belongs to a trusted proxy. They are read from the right, since everything left of
// the first untrusted address may be invented; what is not an address ends the walk.
func clientAddr(remote string, forwarded []string, trusted []netip.Prefix) netip.Addr {
	addr, ok := parseAddr(remote)
	if !ok || !isTrusted(addr, trusted) {
		return addr
	}
	rest := strings.Join(forwarded, ",")
	for rest != "" {
		var hop string
		if i := strings.LastIndexByte(rest, ','); i >= 0 {
			rest, hop = rest[:i], rest[i+1:]
		} else {
			rest, hop = "", rest
		}
		next, ok := parseAddr(strings.TrimSpace(hop))
		if !ok {
			return addr
		}
		addr = next
		if !isTrusted(addr, trusted) {
			return addr
		}
	}
	return addr
}

// parseAddr reads "1.2.3.4", "1.2.3.4:80", "::1", "[::1]" and "[::1]:80"; zones are dropped and mapped addresses unmapped.
func parseAddr(s string) (netip.Addr, bool) {
	if len(s) > 64 {
		return netip.Addr{}, false
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}, false
		}
		s = inner
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addressKey is the key by which an address is limited.
func addressKey(a netip.Addr) string {
	if !a.IsValid() {
		return "local"
	}
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
