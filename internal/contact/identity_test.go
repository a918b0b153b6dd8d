package contact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"parley/internal/fault"
	"parley/internal/secret"
)

var (
	checkedAt = time.Unix(1_800_000_000, 0)
	signKey   = secret.Of("wis_0123456789abcdef0123456789abcdef")
)

// signed makes a JWT by hand, so that the test does not believe the library about itself.
func signed(header, claims, key string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64([]byte(header)) + "." + b64([]byte(claims))
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return text + "." + b64(m.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

func TestVerifyIdentityTakesOverWhatWasSigned(t *testing.T) {
	who, err := VerifyIdentity(signed(hs256, `{"sub":"user 42","exp":1800000060,"name":" Ann ","email":"Ann@Example.com","phone":null,"custom":{"b":12345678901234567890,"a":[1.50]},"other":{}}`, signKey.Reveal()), signKey, checkedAt)
	if err != nil {
		t.Fatal(err)
	}
	if *who.ExternalID != "user 42" || *who.Name != "Ann" || *who.Email != "ann@example.com" || who.Phone != nil || *who.Custom != `{"a":[1.50],"b":12345678901234567890}` {
		t.Errorf("%s, %s, %s, %v, %s", *who.ExternalID, *who.Name, *who.Email, who.Phone, *who.Custom)
	}
	who, err = VerifyIdentity(signed(hs256, `{"sub":"u","exp":1799999941}`, signKey.Reveal()), signKey, checkedAt)
	if err != nil || who.Name != nil || who.Custom != nil {
		t.Errorf("a clock that is 59 s off: %+v, %v", who, err)
	}
}

func TestVerifyIdentityRefuses(t *testing.T) {
	key := signKey.Reveal()
	good := `{"sub":"u1","exp":1800000060}`
	valid := signed(hs256, good, key)
	parts := strings.Split(valid, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	for name, row := range map[string]struct {
		token string
		code  fault.Code
	}{
		"another key":           {signed(hs256, good, "other"), fault.IdentityInvalid},
		"an empty key":          {signed(hs256, good, ""), fault.IdentityInvalid},
		"no signature":          {parts[0] + "." + parts[1] + ".", fault.IdentityInvalid},
		"alg none":              {b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", fault.IdentityInvalid},
		"alg none but signed":   {signed(`{"alg":"none"}`, good, key), fault.IdentityInvalid},
		"alg nOnE":              {signed(`{"alg":"nOnE"}`, good, key), fault.IdentityInvalid},
		"alg HS512":             {signed(`{"alg":"HS512"}`, good, key), fault.IdentityInvalid},
		"alg RS256":             {signed(`{"alg":"RS256"}`, good, key), fault.IdentityInvalid},
		"no alg":                {signed(`{}`, good, key), fault.IdentityInvalid},
		"changed claims":        {parts[0] + "." + b64([]byte(`{"sub":"admin","exp":1800000060}`)) + "." + parts[2], fault.IdentityInvalid},
		"expired":               {signed(hs256, `{"sub":"u1","exp":1799999939}`, key), fault.IdentityExpired},
		"expired, wrong key":    {signed(hs256, `{"sub":"u1","exp":1799999939}`, "other"), fault.IdentityInvalid},
		"no exp":                {signed(hs256, `{"sub":"u1"}`, key), fault.IdentityInvalid},
		"exp as text":           {signed(hs256, `{"sub":"u1","exp":"1800000060"}`, key), fault.IdentityInvalid},
		"not yet":               {signed(hs256, `{"sub":"u1","exp":1800000900,"nbf":1800000800}`, key), fault.IdentityInvalid},
		"issued in the future":  {signed(hs256, `{"sub":"u1","exp":1800000900,"iat":1800000800}`, key), fault.IdentityInvalid},
		"no sub":                {signed(hs256, `{"exp":1800000060}`, key), fault.IdentityInvalid},
		"an empty sub":          {signed(hs256, `{"sub":"","exp":1800000060}`, key), fault.IdentityInvalid},
		"a blank sub":           {signed(hs256, `{"sub":" \t ","exp":1800000060}`, key), fault.IdentityInvalid},
		"a blank before sub":    {signed(hs256, `{"sub":" u1","exp":1800000060}`, key), fault.IdentityInvalid},
		"a wide blank after it": {signed(hs256, `{"sub":"u1\u2003","exp":1800000060}`, key), fault.IdentityInvalid},
		"sub as number":         {signed(hs256, `{"sub":7,"exp":1800000060}`, key), fault.IdentityInvalid},
		"NUL in sub":            {signed(hs256, `{"sub":"u\u0000","exp":1800000060}`, key), fault.TextInvalid},
		"a long sub":            {signed(hs256, `{"sub":"`+strings.Repeat("x", MaxExternalID+1)+`","exp":1800000060}`, key), fault.TextTooLong},
		"name as number":        {signed(hs256, `{"sub":"u1","exp":1800000060,"name":7}`, key), fault.IdentityInvalid},
		"bad email":             {signed(hs256, `{"sub":"u1","exp":1800000060,"email":"x"}`, key), fault.FieldInvalid},
		"custom as list":        {signed(hs256, `{"sub":"u1","exp":1800000060,"custom":[]}`, key), fault.CustomInvalid},
		"claims as list":        {signed(hs256, `[]`, key), fault.IdentityInvalid},
		"nothing":               {"", fault.IdentityInvalid},
		"rubbish":               {"a.b.c", fault.IdentityInvalid},
		"four parts":            {valid + ".x", fault.IdentityInvalid},
		"blanks around":         {" " + valid, fault.IdentityInvalid},
		"much too long":         {valid + strings.Repeat("x", maxIdentityBytes), fault.IdentityInvalid},
	} {
		who, err := VerifyIdentity(row.token, signKey, checkedAt)
		if !fault.Is(err, row.code) {
			t.Errorf("%s: %+v, %v; want %s", name, who, err, row.code)
		}
		if strings.Contains(fault.As(err).Detail, key) {
			t.Errorf("%s: the key leaks", name)
		}
	}
	if _, err := VerifyIdentity(signed(hs256, good, ""), secret.Of(""), checkedAt); !fault.Is(err, fault.IdentityOff) {
		t.Errorf("a widget without a secret: %v", err)
	}
}

func FuzzVerifyIdentity(f *testing.F) {
	valid := signed(hs256, `{"sub":"u1","exp":1800000060}`, signKey.Reveal())
	f.Add(valid, `{"sub":"u1","exp":1800000060}`)
	f.Add("a.b.c", `{"sub":" ","exp":1e99,"custom":{"a":{}}}`)
	f.Add(signed(`{"alg":"none"}`, `{"sub":"admin","exp":1800000060}`, ""), `{"sub":"u1","exp":-1}`)
	f.Fuzz(func(t *testing.T, token, claims string) {
		// Nobody but the key's owner can make one …
		if who, err := VerifyIdentity(token, signKey, checkedAt); err == nil && !strings.HasPrefix(token, strings.Join(strings.Split(valid, ".")[:2], ".")) {
			t.Errorf("%q is %s", token, *who.ExternalID)
		}
		// … and what the owner signs is taken clean or not at all.
		who, err := VerifyIdentity(signed(hs256, claims, signKey.Reveal()), signKey, checkedAt)
		if err != nil {
			return
		}
		if who.ExternalID == nil || *who.ExternalID == "" || strings.TrimSpace(*who.ExternalID) != *who.ExternalID || !plainLine(*who.ExternalID) {
			t.Errorf("%q is %q", claims, *who.ExternalID)
		}
	})
}
