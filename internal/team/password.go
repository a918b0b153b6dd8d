package team

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"

	"parley/internal/secret"
)

const (
	// passwordMemoryKiB is argon2's memory; at most maxHashes of it are in use at a time.
	passwordMemoryKiB = 64 * 1024
	passwordPasses    = 2
	maxHashes         = 2
	saltBytes         = 16
	keyBytes          = 32
)

// hasher makes and checks argon2id hashes, a few at a time, so that a flood of sign-ins cannot eat the memory.
type hasher struct {
	memoryKiB uint32
	slots     chan struct{}
	dummy     func() string
}

func newHasher(memoryKiB uint32) *hasher {
	if memoryKiB == 0 {
		memoryKiB = passwordMemoryKiB
	}
	h := &hasher{memoryKiB: memoryKiB, slots: make(chan struct{}, maxHashes)}
	h.dummy = sync.OnceValue(func() string {
		p := hashParams{memoryKiB, passwordPasses, 1, secret.Random(saltBytes), secret.Random(keyBytes)}
		return p.String()
	})
	return h
}

// hash returns the encoded argon2id hash of a password.
func (h *hasher) hash(ctx context.Context, password secret.String) (string, error) {
	p := hashParams{memoryKiB: h.memoryKiB, passes: passwordPasses, threads: 1, salt: secret.Random(saltBytes)}
	key, err := h.derive(ctx, password, p, keyBytes)
	if err != nil {
		return "", err
	}
	p.key = key
	return p.String(), nil
}

// matches reports whether password belongs to encoded. With an empty encoded it works as long and says no, so that the time
// does not tell whether an account exists.
func (h *hasher) matches(ctx context.Context, password secret.String, encoded string) (bool, error) {
	known := encoded != ""
	if !known {
		encoded = h.dummy()
	}
	p, err := parseHash(encoded)
	if err != nil {
		return false, err
	}
	if len(password.Reveal()) > maxPassword {
		password, known = secret.String{}, false
	}
	key, err := h.derive(ctx, password, p, uint32(len(p.key)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1 && known, nil
}

func (h *hasher) derive(ctx context.Context, password secret.String, p hashParams, n uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a password check: %w", ctx.Err())
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password.Reveal()), p.salt, p.passes, p.memoryKiB, p.threads, n), nil
}

// hashParams is an encoded hash taken apart.
type hashParams struct {
	memoryKiB, passes uint32
	threads           uint8
	salt, key         []byte
}

// String encodes in the PHC form: $argon2id$v=19$m=65536,t=2,p=1$salt$key.
func (p hashParams) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memoryKiB, p.passes, p.threads, b.EncodeToString(p.salt), b.EncodeToString(p.key))
}

var errHash = errors.New("stored password hash is not one of ours")

// parseHash reads the PHC form. Its costs are bounded, so that a damaged row cannot ask for all memory.
func parseHash(s string) (p hashParams, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return p, errHash
	}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return p, errHash
	}
	var n [3]uint64
	for i, limit := range []struct {
		prefix   string
		min, max uint64
	}{{"m=", 8, 1 << 20}, {"t=", 1, 16}, {"p=", 1, 16}} {
		digits, ok := strings.CutPrefix(costs[i], limit.prefix)
		if !ok {
			return p, errHash
		}
		if n[i], err = strconv.ParseUint(digits, 10, 32); err != nil || n[i] < limit.min || n[i] > limit.max {
			return p, errHash
		}
	}
	p.memoryKiB, p.passes, p.threads = uint32(n[0]), uint32(n[1]), uint8(n[2])
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return p, errHash
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return p, errHash
	}
	return p, nil
}
