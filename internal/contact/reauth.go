package contact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/secret"
)

// How long a way to sign in by mail works: one that somebody asked for, and one that another mail carries.
const (
	ReauthKeep = time.Hour
	WayInKeep  = 7 * 24 * time.Hour
)

// Reauth is a way to sign in by mail: a link and, where somebody asked for it, a code (S-037). Using either uses up both (S-041).
type Reauth struct {
	ID      int64
	Contact id.Contact
	// Widget is the only one at which it can be used.
	Widget id.Widget
	// Conversation is where the browser goes then, 0 for none.
	Conversation id.Conversation
	// Address is the e-mail address that the mail goes to, in the form of NormalEmail: whoever uses the way has shown that it is theirs.
	Address string
	// For is the kind of mail that carries it. One for event.MailReauth has a code and ends after ReauthKeep; others have a link alone and
	// end after WayInKeep.
	For string

	ExpiresAt time.Time
	// ByCode tells, after UseReauth, that it was the code that somebody showed.
	ByCode bool
	used   bool
}

// Open reports whether the way can be used at a time.
func (r *Reauth) Open(at time.Time) bool { return !r.used && at.Before(r.ExpiresAt) }

// ReauthSecrets makes the secrets of a way to sign in. They are stored nowhere: who has the key makes them again from the id. The code
// has ten letters and digits, as people are shown it.
func ReauthSecrets(key []byte, reauth int64) (link, code string) {
	number := strconv.FormatInt(reauth, 10)
	letters := make([]byte, 0, codeLength+1)
	rest := binary.BigEndian.Uint64(mac(key, "code:"+number))
	for i := range codeLength {
		if i == codeLength/2 {
			letters = append(letters, '-')
		}
		letters = append(letters, codeLetters[rest%32])
		rest /= 32
	}
	return base64.RawURLEncoding.EncodeToString(mac(key, "link:"+number)), string(letters)
}

const (
	// codeLetters are those of Crockford's base 32: none can be taken for another.
	codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeLength  = 10
	linkLength  = 43 // of 32 bytes in base64
)

// secretOf is what somebody brought: a link's token or a code, in the form in which it was made. ok is false for what is neither.
func secretOf(given string) (clean string, ok bool) {
	if given = strings.TrimSpace(given); len(given) == linkLength {
		return given, true
	}
	if len(given) > 4*codeLength {
		return "", false
	}
	letters := make([]byte, 0, codeLength+1)
	for _, c := range []byte(strings.ToUpper(given)) {
		switch c {
		case ' ', '-':
			continue
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if strings.IndexByte(codeLetters, c) < 0 || len(letters) > codeLength {
			return "", false
		}
		if len(letters) == codeLength/2 {
			letters = append(letters, '-')
		}
		letters = append(letters, c)
	}
	return string(letters), len(letters) == codeLength+1
}

// storedSecret is what the table has of a secret. A code is short: without the key nobody can try out which one a stolen row stands for.
func storedSecret(key []byte, made string) string {
	return hex.EncodeToString(mac(key, "stored:"+made))
}

func mac(key []byte, text string) []byte {
	if len(key) < 32 {
		panic("contact: the key of ways to sign in has fewer than 32 bytes")
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// NewReauth makes a way to sign in as part of tx, and returns its id. ReauthSecrets has its secrets.
func NewReauth(tx *db.Tx, key []byte, r Reauth) (int64, error) {
	r.ExpiresAt = tx.Now().Add(WayInKeep)
	if r.For == event.MailReauth {
		r.ExpiresAt = tx.Now().Add(ReauthKeep)
	}
	// The secrets follow from the id. Were ids counted, a database that is set back to an older state would give the secrets that one
	// contact has in a mail to another.
	r.ID = int64(binary.BigEndian.Uint64(secret.Random(8))>>11) | 1
	link, code := ReauthSecrets(key, r.ID)
	linkHash, codeHash := storedSecret(key, link), ""
	if r.For == event.MailReauth {
		codeHash = storedSecret(key, code)
	}
	if err := insertReauth(tx, &r, linkHash, codeHash); err != nil {
		return 0, fmt.Errorf("store a way to sign in of contact %d: %w", r.Contact, err)
	}
	return r.ID, nil
}

// GetReauth reads a way to sign in as part of tx; nil when it is gone.
func GetReauth(tx *db.Tx, reauth int64) (*Reauth, error) {
	r, err := reauthByID(tx, reauth)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("way to sign in %d: %w", reauth, err)
	}
	return r, nil
}

// UseReauth uses up the way to sign in that somebody shows the link or the code of, at a widget, as part of tx, and locks its contact. What
// is wrong with it is not told: the fault is reauth.invalid for unknown, used and expired ones, for those of another widget, and for contacts
// that the address does not open (any more).
func UseReauth(tx *db.Tx, key []byte, linkOrCode string, widget id.Widget) (*Reauth, *event.Contact, error) {
	refused := fault.New(fault.ReauthInvalid, "this link or code is wrong, was used before, or is too old; ask for a new mail")
	given, ok := secretOf(linkOrCode)
	if !ok {
		return nil, nil, refused
	}
	r, err := reauthBySecret(tx, storedSecret(key, given))
	if errors.Is(err, db.ErrNoRows) || err == nil && r.Widget != widget {
		return nil, nil, refused
	}
	if err != nil {
		return nil, nil, fmt.Errorf("look for a way to sign in: %w", err)
	}
	// The contact may have turned out to be somebody who was known already.
	if r.Contact, err = current(tx, r.Contact); err != nil {
		return nil, nil, fmt.Errorf("use a way to sign in: %w", err)
	}
	c, err := LockLive(tx, r.Contact)
	if fault.Is(err, fault.ContactNotFound) {
		return nil, nil, refused
	}
	if err != nil {
		return nil, nil, err
	}
	if opens, err := Opens(tx, c, r.Address); err != nil || !opens {
		return nil, nil, orErr(err, refused)
	}
	// Two uses at once wait for each other here: one of them changes the row. Nor does it change when it was used or has ended.
	used, err := useReauth(tx, r.ID)
	if err != nil || !used {
		return nil, nil, orErr(err, refused)
	}
	r.ByCode = len(given) != linkLength
	return r, c, nil
}

// current is who a contact has turned out to be.
func current(tx *db.Tx, contact id.Contact) (id.Contact, error) {
	for range 100 { // somebody may have been handed back
		next, err := handedTo(tx, contact)
		if err != nil || next == 0 {
			return contact, err
		}
		contact = next
	}
	return contact, nil
}

func orErr(err error, refused *fault.Error) error {
	if err != nil {
		return fmt.Errorf("use a way to sign in: %w", err)
	}
	return refused
}

// Opens reports, as part of tx, whether who shows that an e-mail address is theirs may sign in as the contact: it is the address that
// counts as theirs because the site, an operator or a mail has proven it, or one that was typed while none has been proven. Of a contact with
// an external id only a proven one does. A typed address never takes the place of a proven one: else whoever sits at somebody's browser once could
// make the contact theirs for good.
func Opens(tx *db.Tx, c *event.Contact, address string) (bool, error) {
	if address == "" {
		return false, nil
	}
	signed, err := SignedEmail(tx, c.ID)
	if err != nil {
		return false, err
	}
	return signed == address || signed == "" && c.ExternalID == "" && c.Email == address, nil
}

// FindByAddress returns the contact that an e-mail address signs in as: of those whose proven address it is the one that was active last, else
// the newest of those that typed it and that no other address was proven for. nil for nobody. The address must be in the form of NormalEmail.
func FindByAddress(tx *db.Tx, address string) (*event.Contact, error) {
	if address == "" {
		return nil, nil
	}
	c, err := contactByAddress(tx, address)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a contact by e-mail address: %w", err)
	}
	return c, nil
}

// proven reports whether only the owner of the contact's signed address has access to it: the site signs them in, or they came by a mail before.
func proven(tx *db.Tx, contact id.Contact) (bool, error) {
	c, err := Get(tx, contact)
	if err != nil || c.ExternalID != "" {
		return err == nil, err
	}
	return HasProven(tx, contact)
}

// ProveAddress notes that the contact's e-mail address was proven by a mail to it, as part of tx. The first time everything ends that gave
// access to the contact before: a stranger may have typed the address and begun as them. That an operator wrote the address down is no proof.
func ProveAddress(tx *db.Tx, contact id.Contact, address string) error {
	signed, err := SignedEmail(tx, contact)
	if err != nil {
		return err
	}
	if signed == address {
		proven, err := proven(tx, contact)
		if err != nil || proven {
			return err
		}
	}
	if err := SignEmail(tx, contact, address); err != nil {
		return err
	}
	if err := revokeTokens(tx, contact, tx.Now()); err != nil {
		return fmt.Errorf("end the older tokens of contact %d: %w", contact, err)
	}
	if err := endReauth(tx, contact, address); err != nil {
		return fmt.Errorf("end the older ways to sign in of contact %d: %w", contact, err)
	}
	return nil
}
