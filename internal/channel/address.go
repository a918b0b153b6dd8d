package channel

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

// MaxAddress is the length of a sender's own id of a contact, in characters.
const MaxAddress = 200

// What an address begins with that is no e-mail address.
const (
	byID = "id:" // the sender's own id of the contact
	// typed is an e-mail address that a visitor typed and that counts for somebody else, or might: answers go there, and who writes
	// from it is found as if nobody had typed it.
	typed = "typed:"
)

// Address is somebody's place on a channel.
type Address struct {
	ID      int64
	Channel id.Channel
	// ChannelName is filled by Addresses.
	ChannelName string
	// Address is an e-mail address, or the sender's own id of the contact behind "id:".
	Address string
	Contact id.Contact
	// Email is the e-mail address that the sender knows, "" for none.
	Email string
	// Merged tells that the contact was known before, by the same e-mail address; SeparatedAt when somebody took the two apart, zero
	// while nobody did.
	Merged      bool
	CreatedAt   time.Time
	SeparatedAt time.Time

	current bool
	named   bool // the contact has a name; of one reading only
}

// sendersID is the sender's own id of the contact, "" where the e-mail address is that.
func (a *Address) sendersID() string {
	if v, ok := strings.CutPrefix(a.Address, byID); ok {
		return v
	}
	return ""
}

// shown is the address as people know it.
func (a *Address) shown() string {
	if strings.HasPrefix(a.Address, typed) {
		return a.Email
	}
	return a.Address
}

// who is somebody at an address, as the other side or an operator says. Its values are checked.
type who struct {
	address string
	email   string
	name    string
}

// person checks what was said of a contact and makes their address of it. The prefix of names of fields is "".
func person(sendersID, email, name string) (who, error) {
	var f fault.Collect
	given := contact.Change{Name: &name, Email: &email}
	checked, err := given.Check("")
	if err != nil {
		f.Add(fault.As(err))
	}
	if !plain(sendersID) || len([]rune(sendersID)) > MaxAddress {
		f.Add(fault.Newf(fault.FieldInvalid, "a contact's id has at most %d characters and no control characters", MaxAddress).At("contact_id"))
	}
	if sendersID == "" && strings.TrimSpace(email) == "" {
		f.Add(fault.New(fault.FieldRequired, "the contact's e-mail address is missing").At("email"))
	}
	if err := f.Err(); err != nil {
		return who{}, err
	}
	w := who{address: *checked.Email, email: *checked.Email, name: *checked.Name}
	if sendersID != "" {
		w.address = byID + sendersID
	}
	return w, nil
}

// resolve finds or makes the address of somebody and the contact behind it (S-047, S-070), and locks that contact. A contact who is known
// keeps its own data: only a name that is not known yet is taken over.
func (d *Desk) resolve(ctx context.Context, tx *db.Tx, c *Channel, w who) (*Address, error) {
	known, err := lockKnown(tx, c.ID, w.address)
	if err != nil {
		return nil, err
	}
	if known == nil {
		if err := lockNewAddress(tx, c.ID, w.address, w.email); err != nil {
			return nil, fmt.Errorf("lock a new address: %w", err)
		}
		if tx.Engine() == db.Postgres { // somebody may have been faster
			if known, err = lockKnown(tx, c.ID, w.address); err != nil {
				return nil, err
			}
		}
	}
	if known == nil {
		return d.newAddress(ctx, tx, c, w)
	}
	if !known.current {
		if err := makeCurrent(tx, known); err != nil {
			return nil, fmt.Errorf("make address %d the current one: %w", known.ID, err)
		}
	}
	if w.email != "" && w.email != known.Email {
		if err := setAddressEmail(tx, known, w.email); err != nil {
			return nil, fmt.Errorf("e-mail address of address %d: %w", known.ID, err)
		}
		known.Email = w.email
	}
	if w.name != "" && !known.named {
		return known, d.nameContact(ctx, tx, known, w.name)
	}
	return known, nil
}

// lockKnown is knownAddress with the contact behind the address locked. Who takes an address and its contact apart holds that lock, so
// the address is looked at again afterwards. SQLite's one writer needs no lock.
func lockKnown(tx *db.Tx, c id.Channel, address string) (*Address, error) {
	a, err := knownAddress(tx, c, address)
	if err != nil || a == nil || tx.Engine() != db.Postgres {
		return a, err
	}
	for range lookAgain {
		if _, err := contact.Lock(tx, a.Contact); err != nil {
			return nil, err
		}
		now, err := knownAddress(tx, c, address)
		if err != nil || now == nil || now.Contact == a.Contact {
			return now, err
		}
		a = now
	}
	return nil, fmt.Errorf("address %d on channel %d goes from contact to contact", a.ID, c)
}

// lookAgain is how often something is looked up that changes while its lock is waited for.
const lookAgain = 4

// match locks a contact who may stand behind an e-mail address; 0 for nobody. While the lock was waited for, the contact may have become
// a user whom the address says nothing of: then it is nobody's match any more.
func match(tx *db.Tx, email string) (id.Contact, error) {
	for range lookAgain {
		found, err := contactByEmail(tx, email)
		if errors.Is(err, db.ErrNoRows) {
			return 0, nil
		}
		if err != nil || tx.Engine() != db.Postgres {
			return found, err
		}
		if _, err := contact.Lock(tx, found); err != nil {
			return 0, err
		}
		if still, err := stillMatching(tx, email, found); err != nil || still {
			return found, err
		}
	}
	return 0, nil
}

// knownAddress is getAddress, nil for none.
func knownAddress(tx *db.Tx, c id.Channel, address string) (*Address, error) {
	a, err := getAddress(tx, c, address)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for an address on channel %d: %w", c, err)
	}
	return a, nil
}

func (d *Desk) newAddress(ctx context.Context, tx *db.Tx, c *Channel, w who) (*Address, error) {
	a := &Address{Channel: c.ID, Address: w.address, Email: w.email}
	if c.Merge && w.email != "" {
		found, err := match(tx, w.email)
		if err != nil {
			return nil, fmt.Errorf("look for a contact by e-mail address: %w", err)
		}
		a.Contact, a.Merged = found, found != 0
	}
	if a.Merged {
		if err := d.nameContact(ctx, tx, a, w.name); err != nil {
			return nil, err
		}
	} else {
		made, err := d.Contacts.Create(ctx, tx, event.Party{Type: event.ByContact}, contact.Change{Name: &w.name, Email: &w.email})
		if err != nil {
			return nil, err
		}
		a.Contact = made.ID
	}
	if err := insertAddress(tx, a, !c.Merge); err != nil {
		return nil, fmt.Errorf("store an address of contact %d on channel %d: %w", a.Contact, c.ID, err)
	}
	return a, nil
}

// nameContact gives the contact behind an address the name that was said, unless it has one, or is a browser that only typed the address
// and would learn whose it is.
func (d *Desk) nameContact(ctx context.Context, tx *db.Tx, a *Address, name string) error {
	if name == "" {
		return nil
	}
	c, err := contact.Lock(tx, a.Contact)
	if err != nil || c.Name != "" {
		return err
	}
	if takes, err := takesName(tx, c.ID, a.Email); err != nil || !takes {
		return err
	}
	return d.Contacts.Change(ctx, tx, event.Party{Type: event.ByContact, ID: int64(c.ID), Name: name}, c, contact.Change{Name: &name})
}

// Addresses returns where a contact is known on channels, oldest first.
func (d *Desk) Addresses(ctx context.Context, which id.Contact) ([]*Address, error) {
	var list []*Address
	err := d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		if _, err := contact.Get(tx, which); err != nil {
			return err
		}
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		if list, err = listAddresses(tx, which); err != nil {
			return err
		}
		for _, a := range list {
			if c := r.byID[a.Channel]; c != nil {
				a.ChannelName = c.Name
			}
			a.Address = a.shown()
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("addresses of contact %d: %w", which, err)
	}
	return list, nil
}

// Separate takes an address and the contact that it was merged with apart: a new contact gets the address and what was said on the
// channel at that address, and later messages from it go there. The contact keeps everything else. It returns the new contact; a second time the same.
func (d *Desk) Separate(ctx context.Context, by team.Actor, key once.Key, from id.Contact, address int64) (*event.Contact, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	var to *event.Contact
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		made, repeated, err := once.Do(tx, key, func() (id.Contact, error) {
			before, err := contact.Lock(tx, from) // before its addresses, as everybody does
			if err != nil {
				return 0, err
			}
			a, err := lockAddress(tx, address)
			if errors.Is(err, db.ErrNoRows) || err == nil && a.Contact != from {
				return 0, fault.Newf(fault.ChannelAddress, "contact %d has no address %d", from, address)
			}
			if err != nil {
				return 0, err
			}
			if !a.SeparatedAt.IsZero() {
				return a.Contact, nil
			}
			ch := contact.Change{Email: &a.Email}
			if before.ExternalID == "" {
				ch.Name = &before.Name
			}
			if to, err = d.Contacts.Create(ctx, tx, by.Party(), ch); err != nil {
				return 0, err
			}
			if err := separateAddress(tx, a, to.ID, by.Name); err != nil {
				return 0, err
			}
			return to.ID, d.Inbox.HandChannel(ctx, tx, a.Channel, a.ID, before, to)
		})
		if err == nil && (repeated || to == nil || to.ID != made) {
			to, err = contact.Get(tx, made)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("separate address %d from contact %d: %w", address, from, err)
	}
	return to, nil
}

// typedAddress is how an e-mail address that a visitor typed stands in the table when it must not be found by it.
func typedAddress(c id.Contact, email string) string {
	return typed + strconv.FormatInt(int64(c), 10) + ":" + email
}
