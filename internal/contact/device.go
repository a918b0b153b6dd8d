package contact

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/internal/db"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/secret"
)

const (
	// maxUserAgent is how much of a browser's User-Agent is kept, in bytes.
	maxUserAgent = 300
	// seenEvery is how often it is noted that a browser is still used.
	seenEvery = time.Hour
	// deviceLength is how much of a token's hash names its browser. The hash is of 256 random bits, so it gives nothing away.
	deviceLength = 16
)

// Browser is what is kept of a browser that gets a token.
type Browser struct {
	UserAgent string
	// Mailed tells that it came by a mail to the contact's address.
	Mailed bool
}

// Device is a browser in which the contact is signed in.
type Device struct {
	ID        string
	UserAgent string // "" where it is unknown
	CreatedAt time.Time
	SeenAt    time.Time // to the hour
	Current   bool      // it is the one that asks
	Mailed    bool
}

// Devices returns the browsers in which the visitor's contact is signed in, the one used last first, 200 at most.
func (d *Desk) Devices(ctx context.Context, v Visitor) (list []Device, err error) {
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		list, err = devices(tx, v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("browsers of contact %d: %w", v.Contact, err)
	}
	return list, nil
}

// SignOut ends the access of one of the contact's browsers, of the visitor's own, too. The fault is device.not_found for what is no browser
// of the contact.
func (d *Desk) SignOut(ctx context.Context, v Visitor, device string) error {
	missing := fault.Newf(fault.DeviceNotFound, "you are not signed in at %.40q", device)
	if len(device) != deviceLength || strings.Trim(device, "0123456789abcdef") != "" {
		return missing
	}
	return d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		known, err := signOut(tx, v.Contact, device, tx.Now())
		if err != nil {
			return fmt.Errorf("sign out a browser of contact %d: %w", v.Contact, err)
		}
		if !known {
			return missing
		}
		return nil
	})
}

// Seen notes that the visitor's browser is used, where an hour or more has passed since that was noted last. It is meant for what browsers
// do when they open the messenger, not for each message.
func (d *Desk) Seen(ctx context.Context, v Visitor) error {
	if v.device == "" || d.db.Now().Sub(v.seen) < seenEvery {
		return nil
	}
	err := d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error { return seen(tx, v.device, tx.Now()) })
	if err != nil {
		return fmt.Errorf("note that a browser of contact %d is used: %w", v.Contact, err)
	}
	return nil
}

// HasProven reports, as part of tx, whether the contact proved an address by a mail in any of its browsers.
func HasProven(tx *db.Tx, contact id.Contact) (bool, error) {
	yes, err := hasMailed(tx, contact)
	if err != nil {
		return false, fmt.Errorf("browsers of contact %d: %w", contact, err)
	}
	return yes, nil
}

// LogOut revokes one token. An unknown token is no error: the aim is reached.
func (d *Desk) LogOut(ctx context.Context, token string) error {
	return d.db.Update(ctx, func(_ context.Context, tx *db.Tx) error { return revokeToken(tx, secret.Hash(token), tx.Now()) })
}

// cutLine makes foreign text storable: valid UTF-8 without control characters, at most n bytes.
func cutLine(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
