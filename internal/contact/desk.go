package contact

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
)

// TokenPrefix marks a visitor's browser token.
const TokenPrefix = "vt_"

// Desk has the use cases of contacts. Safe for concurrent use.
type Desk struct {
	db   *db.DB
	feed *feed.Feed
}

// New makes a Desk.
func New(d *db.DB, f *feed.Feed) *Desk { return &Desk{d, f} }

// Create makes a contact as part of tx and appends contact.created. The change must have passed Check.
func (d *Desk) Create(ctx context.Context, tx *db.Tx, by event.Party, ch Change) (*event.Contact, error) {
	c := &event.Contact{UUID: secret.UUID(), Custom: "{}", CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	ch.apply(c)
	if err := insertContact(tx, c); err != nil {
		return nil, taken(err, c)
	}
	if by.Type == event.ByContact {
		by.ID, by.Name = int64(c.ID), c.Name
	}
	snapshot := *c
	return c, d.feed.Append(ctx, tx, &event.Event{Type: event.ContactCreated, By: by, Contact: &snapshot})
}

// Change alters c as part of tx; contact.updated is appended only when something became different. The change must have
// passed Check, and c must have been read in tx (with Lock where others may write).
func (d *Desk) Change(ctx context.Context, tx *db.Tx, by event.Party, c *event.Contact, ch Change) error {
	if !ch.apply(c) {
		return nil
	}
	c.UpdatedAt = tx.Now()
	if err := updateContact(tx, c); err != nil {
		return taken(err, c)
	}
	snapshot := *c
	return d.feed.Append(ctx, tx, &event.Event{Type: event.ContactUpdated, By: by, Contact: &snapshot})
}

func taken(err error, c *event.Contact) error {
	if db.IsUnique(err) {
		return fault.Newf(fault.ContactExternal, "another contact has the external id %.80q", c.ExternalID).At("external_id").Because(err)
	}
	return fmt.Errorf("store contact %d: %w", c.ID, err)
}

// Get reads a contact as part of tx.
func Get(tx *db.Tx, contact id.Contact) (*event.Contact, error) {
	return found(contact)(getContact(tx, contact))
}

// Lock reads a contact and keeps others from changing it until tx ends.
func Lock(tx *db.Tx, contact id.Contact) (*event.Contact, error) {
	return found(contact)(lockContact(tx, contact))
}

// LockLive is Lock for whoever is about to change the contact or to give somebody access: one whose data was erased is contact.not_found.
func LockLive(tx *db.Tx, contact id.Contact) (*event.Contact, error) {
	return found(contact)(lockLive(tx, contact))
}

func found(contact id.Contact) func(*event.Contact, error) (*event.Contact, error) {
	return func(c *event.Contact, err error) (*event.Contact, error) {
		if errors.Is(err, db.ErrNoRows) {
			return nil, fault.Newf(fault.ContactNotFound, "there is no contact %d", contact)
		}
		if err != nil {
			return nil, fmt.Errorf("read contact %d: %w", contact, err)
		}
		return c, nil
	}
}

// FindExternal returns the contact with this external id, or nil.
func FindExternal(tx *db.Tx, external string) (*event.Contact, error) {
	c, err := contactByExternal(tx, external)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return c, err
}

// SignEmail notes the e-mail address that the site's server vouched for when it signed the contact in, or that an operator or an API token
// wrote, as part of tx. The contact's own address may be another one: anybody can type any address into a messenger, so it alone opens nothing to who signs in.
func SignEmail(tx *db.Tx, contact id.Contact, email string) error {
	if err := signEmail(tx, contact, email); err != nil {
		return fmt.Errorf("note the signed e-mail address of contact %d: %w", contact, err)
	}
	return nil
}

// SignedEmail returns what SignEmail noted, "" for nothing.
func SignedEmail(tx *db.Tx, contact id.Contact) (string, error) {
	email, err := signedEmail(tx, contact)
	if err != nil {
		return "", fmt.Errorf("signed e-mail address of contact %d: %w", contact, err)
	}
	return email, nil
}

// NewToken gives the contact's browser a token, as part of tx. Only its hash is stored.
func NewToken(tx *db.Tx, contact id.Contact, widget id.Widget, b Browser) (string, error) {
	token := secret.Token(TokenPrefix)
	b.UserAgent = cutLine(b.UserAgent, maxUserAgent)
	if err := insertToken(tx, secret.Hash(token), contact, widget, b); err != nil {
		return "", fmt.Errorf("store token of contact %d: %w", contact, err)
	}
	return token, nil
}

// RevokeTokens ends every browser's access to the contact, as part of tx.
func RevokeTokens(tx *db.Tx, contact id.Contact) error { return revokeTokens(tx, contact, tx.Now()) }

// maxTokens is how many browsers of one contact are remembered. A site that identifies its user on every page makes a token
// each time; the oldest ones end.
const maxTokens = 200

// PruneTokens deletes the contact's revoked tokens and all but the newest 200, as part of tx.
func PruneTokens(tx *db.Tx, contact id.Contact) error {
	if err := pruneTokens(tx, contact, maxTokens); err != nil {
		return fmt.Errorf("prune tokens of contact %d: %w", contact, err)
	}
	return nil
}

// Visitor is a browser that showed a valid token.
type Visitor struct {
	Contact id.Contact
	Widget  id.Widget
	// Mailed tells that the browser came by a mail to the contact's address, so that whoever sits at it has proven it.
	Mailed bool

	device string // the token's hash
	seen   time.Time
}

// Authenticate finds the visitor behind a token; the fault is auth.invalid for unknown and revoked ones.
func (d *Desk) Authenticate(ctx context.Context, token string) (v Visitor, err error) {
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		v, err = Authenticate(tx, token)
		return err
	})
	return v, err
}

// Authenticate is Desk.Authenticate as part of tx.
func Authenticate(tx *db.Tx, token string) (v Visitor, err error) {
	if !strings.HasPrefix(token, TokenPrefix) || len(token) > 100 {
		return v, fault.New(fault.AuthInvalid, "this is not a visitor's token")
	}
	v, err = getToken(tx, secret.Hash(token))
	if errors.Is(err, db.ErrNoRows) {
		return Visitor{}, fault.New(fault.AuthInvalid, "the visitor's token is unknown or was signed out")
	}
	if err != nil {
		return Visitor{}, fmt.Errorf("check visitor token: %w", err)
	}
	return v, nil
}

// Get returns one contact.
func (d *Desk) Get(ctx context.Context, contact id.Contact) (c *event.Contact, err error) {
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		c, err = Get(tx, contact)
		return err
	})
	return c, err
}

// Search narrows a list of contacts; empty fields do not narrow.
type Search struct {
	Email      string
	ExternalID string
	Text       string     // part of name or e-mail address, any letter case
	Before     id.Contact // cursor: contacts with a smaller id
	Limit      int
}

// List returns contacts, newest first. What no contact can hold, such as control characters, finds none.
func (d *Desk) List(ctx context.Context, s Search) (list []*event.Contact, err error) {
	if !plainLine(s.Email) || !plainLine(s.ExternalID) || !plainLine(s.Text) {
		return nil, nil
	}
	if s.Before == 0 {
		s.Before = id.MaxSafe
	}
	s.Email, s.Text = strings.ToLower(strings.TrimSpace(s.Email)), strings.TrimSpace(s.Text)
	err = d.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		list, err = listContacts(tx, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list contacts: %w", err)
	}
	return list, nil
}

// Update changes a contact on behalf of an operator or a token. Another external id signs the contact's browsers out.
func (d *Desk) Update(ctx context.Context, by team.Actor, key once.Key, contact id.Contact, ch Change) (c *event.Contact, err error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	return d.update(ctx, by.Party(), key, contact, ch)
}

// UpdateSelf changes a contact on behalf of its own browser. The external id cannot be claimed this way, only by a signed identity.
func (d *Desk) UpdateSelf(ctx context.Context, contact id.Contact, ch Change) (*event.Contact, error) {
	ch.ExternalID = nil
	return d.update(ctx, event.Party{Type: event.ByContact, ID: int64(contact)}, once.Key{}, contact, ch)
}

func (d *Desk) update(ctx context.Context, by event.Party, key once.Key, contact id.Contact, ch Change) (*event.Contact, error) {
	ch, err := ch.Check("")
	if err != nil {
		return nil, err
	}
	return d.edit(ctx, by, key, contact, func(*event.Contact) (Change, error) { return ch, nil })
}

// edit changes the locked contact as to says, once for each key. The change must have passed Check.
func (d *Desk) edit(ctx context.Context, by event.Party, key once.Key, contact id.Contact, to func(*event.Contact) (Change, error)) (c *event.Contact, err error) {
	err = d.db.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, repeated, err := once.Do(tx, key, func() (done bool, err error) {
			if c, err = LockLive(tx, contact); err != nil {
				return false, err
			}
			if by.Type == event.ByContact {
				by.Name = c.Name
			}
			ch, err := to(c)
			if err != nil {
				return false, err
			}
			before := c.ExternalID
			if err := d.Change(ctx, tx, by, c, ch); err != nil {
				return false, err
			}
			if ch.Email != nil && by.Type != event.ByContact { // operators and the site's own programs vouch for what they write
				signed, err := SignedEmail(tx, c.ID)
				if err != nil {
					return false, err
				}
				if signed != *ch.Email { // browsers that came by mails to the address before prove nothing for this one
					if err := forgetMailed(tx, c.ID); err != nil {
						return false, fmt.Errorf("browsers of contact %d: %w", c.ID, err)
					}
				}
				if err := SignEmail(tx, c.ID, *ch.Email); err != nil {
					return false, err
				}
			}
			if c.ExternalID == before {
				return true, nil
			}
			// Browsers of a contact with an external id count as signed in. Those that are open now never were: they come back with an identity.
			return true, RevokeTokens(tx, c.ID)
		})
		if err == nil && repeated {
			c, err = Get(tx, contact)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// SetAdditional sets the value of free field 1 to 3 and leaves its name and the other fields as they are.
func (d *Desk) SetAdditional(ctx context.Context, by team.Actor, key once.Key, contact id.Contact, field int, value string) (*event.Contact, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	if field < 1 || field > len(Change{}.Additional) {
		return nil, fault.Newf(fault.FieldInvalid, "a contact has the free fields 01 to %02d", len(Change{}.Additional)).At("additional")
	}
	var ch Change
	ch.Additional[field-1] = &event.Additional{Value: value}
	ch, err := ch.Check("")
	if err != nil {
		return nil, err
	}
	return d.edit(ctx, by.Party(), key, contact, func(c *event.Contact) (Change, error) {
		out, f := ch, *ch.Additional[field-1]
		if field <= len(c.Additional) {
			f.Name = c.Additional[field-1].Name
		}
		out.Additional[field-1] = &f
		return out, nil
	})
}

// SetField sets one key of the custom data to a text and leaves the others as they are; "" takes the key away.
func (d *Desk) SetField(ctx context.Context, by team.Actor, key once.Key, contact id.Contact, name, value string) (*event.Contact, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	if err := checkField(name, value); err != nil {
		return nil, err
	}
	return d.edit(ctx, by.Party(), key, contact, func(c *event.Contact) (Change, error) {
		custom, err := withField(c.Custom, name, value)
		if err != nil {
			return Change{}, err
		}
		return Change{Custom: &custom}.Check("")
	})
}
