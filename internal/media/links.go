package media

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"

	"parley/internal/event"
)

// LinkFor is how long the address of a file works at least. It ends with a day (UTC), so that a browser that is told the address
// again finds the file in its cache.
const LinkFor = 7 * 24 * time.Hour

// variantThumb is the variant of an address that means the small picture.
const variantThumb = "thumb"

// Links makes the addresses of files. The zero Links makes none. It is safe for concurrent use.
type Links struct {
	base string
	key  []byte
}

// NewLinks makes addresses below publicURL, which has no slash at the end, signed with key.
func NewLinks(publicURL string, key []byte) *Links { return &Links{publicURL, key} }

// URL returns the absolute address of a file as of at, "" for none. It works for LinkFor or a little longer.
func (l *Links) URL(m *event.Media, at time.Time) string { return l.address(m, at, "") }

// Thumb returns the address of the small picture of a file as of at, "" when there is none.
func (l *Links) Thumb(m *event.Media, at time.Time) string {
	if m == nil || !m.Thumb {
		return ""
	}
	return l.address(m, at, variantThumb)
}

func (l *Links) address(m *event.Media, at time.Time, variant string) string {
	if l == nil || l.key == nil || m == nil {
		return ""
	}
	end := at.Add(LinkFor).Truncate(24 * time.Hour).Add(24 * time.Hour).Unix()
	out := l.base + "/media/" + m.Key + "/" + url.PathEscape(m.Name) + "?e=" + strconv.FormatInt(end, 10)
	if variant != "" {
		out += "&v=" + variant
	}
	return out + "&s=" + l.sign(m.Key, variant, end)
}

// signed reports whether a signature was made for this file, variant and end (Unix seconds).
func (l *Links) signed(key, variant string, end int64, signature string) bool {
	return hmac.Equal([]byte(signature), []byte(l.sign(key, variant, end)))
}

func (l *Links) sign(key, variant string, end int64) string {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte(key + "\n" + variant + "\n" + strconv.FormatInt(end, 10)))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}
