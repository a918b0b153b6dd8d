package onsite

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mileusna/useragent"

	"parley/internal/event"
	"parley/internal/inbox"
)

// What is kept of what a page tells, in bytes; the same as of a session's visit.
const (
	maxURL       = 2048
	maxTitle     = 300
	maxUserAgent = 512
	maxIP        = 64
)

// clean makes of what a page tells, in which nothing is trusted, what can be kept and shown: what is overlong, unprintable or no page's
// address becomes "".
func (d *Desk) clean(v inbox.Visit) event.Visit {
	out := event.Visit{
		URL: pageURL(v.URL), Title: oneLine(v.Title, maxTitle), InitialURL: pageURL(v.InitialURL), Referrer: pageURL(v.Referrer),
		UserAgent: oneLine(v.UserAgent, maxUserAgent), IP: oneLine(v.IP, maxIP),
		PageImpressions: min(max(v.PageImpressions, 0), 1e6), Visits: min(max(v.Visits, 0), 1e6),
	}
	if out.InitialURL == "" {
		out.InitialURL = out.URL
	}
	if out.UserAgent != "" {
		p := useragent.Parse(out.UserAgent)
		out.Browser, out.BrowserVersion, out.OS = p.Name, p.Version, p.OS
		switch {
		case p.Bot:
			out.Device = "bot"
		case p.Tablet:
			out.Device = "tablet"
		case p.Mobile:
			out.Device = "mobile"
		case p.Desktop:
			out.Device = "desktop"
		}
	}
	if d.Place != nil && out.IP != "" {
		p := d.Place(out.IP)
		out.City, out.Region, out.Country, out.CountryCode, out.Lat, out.Lon = p.City, p.Region, p.Country, p.CountryCode, p.Lat, p.Lon
	}
	return out
}

// pageURL keeps absolute http and https addresses without credentials.
func pageURL(raw string) string {
	if raw == "" || len(raw) > maxURL || !utf8.ValidString(raw) || strings.ContainsFunc(raw, unicode.IsControl) {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	if u.User == nil {
		return raw
	}
	u.User = nil
	if raw = u.String(); len(raw) > maxURL {
		return ""
	}
	return raw
}

// withoutFragment is an address as browsers send it in a referrer.
func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}

// oneLine makes s valid UTF-8 without control characters, cut to max bytes at a character's border.
func oneLine(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > max {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
