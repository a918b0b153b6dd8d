package contact

import (
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// Erase blanks a contact's data as part of tx: everything that they or others wrote about them, their browsers, and their ways to sign in. What is
// left is a number, a handle made of it, the random uuid and two times. c must have been read with LockLive; it becomes as it is stored.
func Erase(tx *db.Tx, c *event.Contact) error {
	*c = event.Contact{ID: c.ID, UUID: c.UUID, Handle: nowhere(c.ID), Custom: "{}", CreatedAt: c.CreatedAt, UpdatedAt: tx.Now()}
	if err := updateContact(tx, c); err != nil {
		return fmt.Errorf("erase contact %d: %w", c.ID, err)
	}
	if err := eraseAccess(tx, c.ID); err != nil {
		return fmt.Errorf("erase the access to contact %d: %w", c.ID, err)
	}
	return nil
}

// HandedOver notes that to turned out to be behind the anonymous contact from, and got its conversations, as part of tx.
func HandedOver(tx *db.Tx, from, to id.Contact) error {
	if err := handedOver(tx, from, to); err != nil {
		return fmt.Errorf("note that contact %d is contact %d: %w", from, to, err)
	}
	return nil
}

// Former returns the contacts that a contact turned out to be behind, and those behind which those were, as part of tx. They have not been erased.
func Former(tx *db.Tx, contact id.Contact) ([]id.Contact, error) {
	var out []id.Contact
	known := map[id.Contact]bool{contact: true}
	for next := []id.Contact{contact}; len(next) > 0; {
		list, err := former(tx, next[0])
		if err != nil {
			return nil, fmt.Errorf("who contact %d was before: %w", next[0], err)
		}
		next = next[1:]
		for _, c := range list {
			if !known[c] {
				known[c] = true
				out, next = append(out, c), append(next, c)
			}
		}
	}
	return out, nil
}

// Erasure is a contact whose data was erased while what was stored about it for others is still there.
type Erasure struct {
	Contact id.Contact
	// Done is the event up to which everything is erased.
	Done id.Event
}

// DueErasures returns erasures that have to be gone on with.
func DueErasures(tx *db.Tx, limit int) ([]Erasure, error) {
	list, err := dueErasures(tx, tx.Now(), limit)
	if err != nil {
		return nil, fmt.Errorf("look for erasures: %w", err)
	}
	return list, nil
}

// SetErasure notes how far an erasure is and when it goes on.
func SetErasure(tx *db.Tx, e Erasure, due time.Time) error {
	if err := setErasure(tx, e, due); err != nil {
		return fmt.Errorf("erasure of contact %d: %w", e.Contact, err)
	}
	return nil
}

// PutOffErasure has an erasure wait that is not finished.
func PutOffErasure(tx *db.Tx, contact id.Contact, until time.Time) error {
	if err := putOffErasure(tx, contact, until); err != nil {
		return fmt.Errorf("erasure of contact %d: %w", contact, err)
	}
	return nil
}

// EndErasure notes that nothing is left to do.
func EndErasure(tx *db.Tx, contact id.Contact) error {
	if err := endErasure(tx, contact); err != nil {
		return fmt.Errorf("erasure of contact %d: %w", contact, err)
	}
	return nil
}
