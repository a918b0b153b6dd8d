package outhttp

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"code.dny.dev/ssrf"

	"parley/internal/fault"
)

const (
	// maxRanges bounds a list of private ranges.
	maxRanges = 32
	// maxNarrow bounds how many different lists have connections of their own; beyond it they are made anew.
	maxNarrow = 256
)

// Ranges is a list of private prefixes that calls may reach, narrower than what the installation allows. The nil *Ranges
// narrows nothing.
type Ranges struct {
	prefixes []netip.Prefix
	key      string
}

// ParseRanges reads prefixes and single addresses. The fault's code is endpoint.range_refused; the caller names the field.
func ParseRanges(list []string) (*Ranges, *fault.Error) {
	if len(list) > maxRanges {
		return nil, fault.Newf(fault.EndpointRange, "at most %d private ranges", maxRanges)
	}
	r := &Ranges{}
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(s); err == nil && ip.Zone() == "" {
				p = netip.PrefixFrom(ip, ip.BitLen())
			}
		}
		// A mapped address is dialled as the IPv4 address that it hides.
		if err != nil || !p.IsValid() || p.Addr().Is4In6() {
			return nil, fault.Newf(fault.EndpointRange, "%.60q is neither an address nor a range such as 10.0.0.0/8", s)
		}
		r.prefixes = append(r.prefixes, p.Masked())
	}
	slices.SortFunc(r.prefixes, netip.Prefix.Compare)
	r.prefixes = slices.Compact(r.prefixes)
	r.key = strings.Join(r.Strings(), " ")
	return r, nil
}

// Strings returns the prefixes in their usual form, nil for the nil list.
func (r *Ranges) Strings() []string {
	if r == nil {
		return nil
	}
	out := make([]string, len(r.prefixes))
	for i, p := range r.prefixes {
		out[i] = p.String()
	}
	return out
}

// CheckRanges refuses a list that reaches beyond what the owner of the installation allowed. The fault's code is
// endpoint.range_refused.
func (c *Client) CheckRanges(r *Ranges) *fault.Error {
	if r == nil {
		return nil
	}
	for _, p := range r.prefixes {
		if !c.allows(p) {
			return fault.Newf(fault.EndpointRange, "%s is not within a private range that the owner of this installation allowed", p)
		}
	}
	return nil
}

// allows reports whether the whole of p was allowed by the owner.
func (c *Client) allows(p netip.Prefix) bool {
	return slices.ContainsFunc(c.allowed, func(a netip.Prefix) bool { return a.Bits() <= p.Bits() && a.Contains(p.Addr()) })
}

// way is how calls with one list of ranges leave: the guard that sees every address, and the connections that passed it. A
// connection is never used by a call with another list.
type way struct {
	guard     *ssrf.Guardian
	transport *transport
}

func (c *Client) newWay(prefixes []netip.Prefix) *way {
	var v4, v6 []netip.Prefix
	for _, p := range prefixes {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	w := &way{guard: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))}
	w.transport = &transport{
		dialer: &net.Dialer{KeepAlive: keepAlive, Control: w.guard.Safe}, tls: c.tls, connect: c.connect, header: c.header, keep: c.idle,
	}
	return w
}

// way returns how calls with these ranges leave.
func (c *Client) way(r *Ranges) *way {
	if r == nil {
		return c.wide
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.narrow[r.key]; w != nil {
		return w
	}
	if len(c.narrow) >= maxNarrow {
		c.dropNarrow()
	}
	// The owner may have withdrawn a range since the list was stored.
	w := c.newWay(slices.DeleteFunc(slices.Clone(r.prefixes), func(p netip.Prefix) bool { return !c.allows(p) }))
	c.narrow[r.key] = w
	return w
}

// dropNarrow forgets all narrow ways; c.mu is held.
func (c *Client) dropNarrow() {
	for _, w := range c.narrow {
		w.transport.close()
	}
	clear(c.narrow)
}

// refused says in words why a guard refused a host.
func (r *Ranges) refused(host, does string) string {
	if r == nil {
		return fmt.Sprintf("%s %s; the owner of this installation can allow its range", host, does)
	}
	return fmt.Sprintf("%s %s and not in one of the private ranges that this endpoint may reach", host, does)
}
