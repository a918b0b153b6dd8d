package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

const mask = "***"

// String is a secret value. Printing, logging or marshalling it gives *** (or "" when it is empty); Reveal gives the value.
type String struct{ v string }

// Of makes a secret of v.
func Of(v string) String { return String{v} }

// Reveal returns the value. Call it only where the value leaves for its one purpose.
func (s String) Reveal() string { return s.v }

// IsZero reports whether no secret is set.
func (s String) IsZero() bool { return s.v == "" }

// String implements fmt.Stringer without giving the value away.
func (s String) String() string {
	if s.v == "" {
		return ""
	}
	return mask
}

// GoString implements fmt.GoStringer without giving the value away.
func (s String) GoString() string { return "secret.Of(" + strconv.Quote(s.String()) + ")" }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, so JSON and configuration dumps are masked too.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler for configuration and flags.
func (s *String) UnmarshalText(b []byte) error {
	s.v = string(b)
	return nil
}

// Equal compares two strings in constant time for equal lengths.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Token returns prefix followed by 32 random bytes in unpadded base64url: 256 bits, not guessable.
func Token(prefix string) string {
	return prefix + base64.RawURLEncoding.EncodeToString(Random(32))
}

// Random returns n random bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24: it crashes the program instead
	return b
}

// UUID returns a random (version 4) UUID in lower case.
func UUID() string {
	b := Random(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Hash returns the hex SHA-256 of a random token. Tokens have 256 bits of entropy, so no salt and no slow hash are needed.
func Hash(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// Sealer encrypts small settings at rest with AES-256-GCM. The zero value is unusable; make one with NewSealer.
type Sealer struct{ aead cipher.AEAD }

// NewSealer makes a Sealer from a 32-byte key.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("sealing key has %d bytes, want 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return &Sealer{aead}, nil
}

// Seal encrypts plain so that only the same key and the same context open it. The context names the column and row
// (for example "endpoint.secret"), so that a sealed value cannot be moved elsewhere.
func (s *Sealer) Seal(context, plain string) string {
	nonce := Random(s.aead.NonceSize())
	return "s1." + base64.RawStdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(plain), []byte(context)))
}

// ErrSealed is returned by Open for a value that was not sealed with this key and context.
var ErrSealed = errors.New("sealed value does not open: wrong key, wrong place, or damaged")

// Open decrypts what Seal made.
func (s *Sealer) Open(context, sealed string) (String, error) {
	rest, ok := strings.CutPrefix(sealed, "s1.")
	if !ok {
		return String{}, ErrSealed
	}
	b, err := base64.RawStdEncoding.DecodeString(rest)
	if err != nil || len(b) < s.aead.NonceSize() {
		return String{}, ErrSealed
	}
	n := s.aead.NonceSize()
	plain, err := s.aead.Open(nil, b[:n], b[n:], []byte(context))
	if err != nil {
		return String{}, ErrSealed
	}
	return Of(string(plain)), nil
}

// SigningPrefix marks a Standard Webhooks symmetric secret; the rest is base64 of the key.
const SigningPrefix = "whsec_"

// NewSigning returns a fresh signing secret of 24 random bytes in the Standard Webhooks form.
func NewSigning() String {
	return Of(SigningPrefix + base64.StdEncoding.EncodeToString(Random(24)))
}

// SigningKey returns the key bytes of a signing secret. The secret is the Standard Webhooks form, with or without prefix.
func SigningKey(s String) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.v, SigningPrefix))
	if err != nil || len(key) == 0 {
		return nil, errors.New("signing secret is not whsec_ followed by base64")
	}
	return key, nil
}

// Sign returns the webhook-signature value "v1,…" over id.timestamp.body (Standard Webhooks, HMAC-SHA256). The time is sent in whole seconds.
func Sign(key []byte, webhookID string, at time.Time, body []byte) string {
	m := hmac.New(sha256.New, key)
	var head [96]byte
	b := append(head[:0], webhookID...)
	b = append(b, '.')
	b = strconv.AppendInt(b, at.Unix(), 10)
	b = append(b, '.')
	m.Write(b)
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}
