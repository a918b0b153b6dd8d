package smtp

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/emersion/go-msgauth/dkim"

	"parley/internal/secret"
)

// The sizes of an RSA key in bits: below, verifiers refuse (RFC 8301); above, its record does not fit into DNS answers.
const (
	minKey = 1024
	maxKey = 4096
	newKey = 2048
)

// signed are the headers that a signature holds fast. Those that must stand alone are named twice, so that a second one, added on the
// way, breaks the signature.
var signed = []string{"From", "From", "To", "To", "Subject", "Subject", "Date", "Date", "Message-ID", "Message-ID", "Reply-To", "Reply-To",
	"MIME-Version", "Content-Type", "Content-Type", "Auto-Submitted"}

// NewDKIMKey makes a private key for Settings.DKIMKey: RSA of 2048 bits, which every verifier knows.
func NewDKIMKey() (private secret.String, err error) {
	key, err := rsa.GenerateKey(rand.Reader, newKey)
	if err != nil {
		return secret.String{}, fmt.Errorf("new key for DKIM: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return secret.String{}, fmt.Errorf("new key for DKIM: %w", err)
	}
	return secret.Of(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), nil
}

// DKIMRecord is the text for the TXT record at selector._domainkey.domain that belongs to the key. It is longer than the 255 bytes of
// one DNS string for RSA; whoever writes it into a zone by hand splits it there.
func DKIMRecord(key secret.String) (string, error) {
	signer, err := parseKey(key)
	if err != nil {
		return "", err
	}
	if public, ok := signer.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	}
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return "", fmt.Errorf("record of the key for DKIM: %w", err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
}

// parseKey reads a private key. Its errors are sentences for the person who typed it and hold nothing of it.
func parseKey(key secret.String) (crypto.Signer, error) {
	block, rest := pem.Decode([]byte(key.Reveal()))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New(`a private key is one block of text from "-----BEGIN" to "-----END"`)
	}
	var parsed any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("this key is locked with a password; give it without one")
	default:
		return nil, errors.New("this is not a private key")
	}
	if err != nil {
		return nil, errors.New("this private key cannot be read")
	}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		if n := key.N.BitLen(); n < minKey || n > maxKey {
			return nil, fmt.Errorf("an RSA key for DKIM has %d to %d bits, not %d", minKey, maxKey, n)
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("a key for DKIM is RSA or Ed25519")
}

// sign puts a signature before the message.
func (s *Settings) sign(message []byte) ([]byte, error) {
	key, err := parseKey(s.DKIMKey)
	if err != nil {
		return nil, err
	}
	domain, err := domainName(s.DKIMDomain)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(len(message) + 1024)
	if err := dkim.Sign(&out, bytes.NewReader(message), &dkim.SignOptions{
		Domain: domain, Selector: s.DKIMSelector, Signer: key, HeaderKeys: signed,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
