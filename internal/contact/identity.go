package contact

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/secret"
)

// Identity is who the site's own server says the visitor is.
type Identity struct {
	Change // ExternalID is always set
	// UserAgent is the User-Agent of the browser that brought it; it is not part of what was signed.
	UserAgent string
}

// maxIdentityBytes bounds a signed identity: room for the largest custom data.
const maxIdentityBytes = 64 << 10

// VerifyIdentity checks a JWT that the site's server signed with the widget's identity secret. Only HS256 is accepted;
// sub (the external id) and exp are required; name, email, phone and custom are taken over. now is the time of the check,
// with a minute of tolerance for clocks that differ.
func VerifyIdentity(token string, key secret.String, now time.Time) (Identity, error) {
	if key.IsZero() {
		return Identity{}, fault.New(fault.IdentityOff, "make an identity secret in the widget's settings first")
	}
	if len(token) > maxIdentityBytes {
		return Identity{}, fault.Newf(fault.IdentityInvalid, "a signed identity may have %d bytes", maxIdentityBytes).At("identity")
	}
	claims := jwt.MapClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(time.Minute), jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithJSONNumber())
	_, err := parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(key.Reveal()), nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return Identity{}, fault.New(fault.IdentityExpired, "the signed identity has expired; get a new one from your server").At("identity")
	case err != nil:
		return Identity{}, fault.New(fault.IdentityInvalid, "the identity is not a JWT signed (HS256) with this widget's identity secret, with sub and exp").At("identity").Because(err)
	}
	sub, err := claims.GetSubject()
	if err != nil || strings.TrimSpace(sub) == "" {
		return Identity{}, fault.New(fault.IdentityInvalid, "the signed identity has no sub").At("identity")
	}
	if strings.TrimSpace(sub) != sub {
		// " ann" and "ann" may be two users of the site; cutting the blank would give one of them the other's conversations.
		return Identity{}, fault.New(fault.IdentityInvalid, "the sub of the signed identity has blanks around it").At("identity")
	}
	ch := Change{ExternalID: &sub}
	for name, to := range map[string]**string{"name": &ch.Name, "email": &ch.Email, "phone": &ch.Phone} {
		switch v := claims[name].(type) {
		case nil:
		case string:
			*to = &v
		default:
			return Identity{}, fault.Newf(fault.IdentityInvalid, "the claim %s is not a string", name).At("identity")
		}
	}
	if c, ok := claims["custom"]; ok && c != nil {
		b, err := json.Marshal(c)
		if err != nil {
			return Identity{}, fmt.Errorf("claim custom: %w", err)
		}
		raw := event.RawJSON(b)
		ch.Custom = &raw
	}
	if ch, err = ch.Check("identity."); err != nil {
		return Identity{}, err
	}
	return Identity{Change: ch}, nil
}
