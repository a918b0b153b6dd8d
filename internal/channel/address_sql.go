package channel

import (
	"hash/fnv"
	"strconv"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	addressColumns = `k.id, k.channel_id, k.address, k.contact_id, k.email, k.current, k.merged, k.created_at, k.separated_at`
	// Whether the contact has a name is asked along with it: a further message of somebody who is known takes this one look.
	sqlGetAddress = `SELECT ` + addressColumns + `, c.name <> '' FROM channel_contacts k JOIN contacts c ON c.id = k.contact_id
WHERE k.channel_id = $1 AND k.address = $2`
	sqlLockAddress    = `SELECT ` + addressColumns + `, FALSE FROM channel_contacts k WHERE k.id = $1 FOR UPDATE`
	sqlAddressOf      = `SELECT ` + addressColumns + `, FALSE FROM conversations v JOIN channel_contacts k ON k.id = v.address_id WHERE v.id = $1 AND k.channel_id = $2`
	sqlCurrentAddress = `SELECT ` + addressColumns + `, FALSE FROM channel_contacts k WHERE k.contact_id = $1 AND k.channel_id = $2 ORDER BY k.current DESC, k.id DESC LIMIT 1`
	sqlListAddresses  = `SELECT ` + addressColumns + `, FALSE FROM channel_contacts k WHERE k.contact_id = $1 ORDER BY k.id`
	sqlInsertAddress  = `INSERT INTO channel_contacts (channel_id, address, contact_id, email, current, alone, merged, created_at, separated_at, separated_by)
VALUES ($1, $2, $3, $4, TRUE, $5, $6, $7, 0, '') RETURNING id`
	sqlAddressEmail    = `UPDATE channel_contacts SET email = $2 WHERE id = $1`
	sqlMakeCurrent     = `UPDATE channel_contacts SET current = (id = $3) WHERE contact_id = $1 AND channel_id = $2`
	sqlSeparateAddress = `UPDATE channel_contacts SET contact_id = $2, current = TRUE, alone = TRUE, separated_at = $3, separated_by = $4 WHERE id = $1`
	sqlEraseAddresses  = `DELETE FROM channel_contacts WHERE contact_id = $1`
	// Who may stand behind an e-mail address. Contacts that were kept or taken apart are nobody's match. Somebody who is signed in, and sees
	// on the website what is said on channels, is found by the address that was vouched for, and not by what they typed.
	sqlMatching = ` FROM contacts c WHERE c.id IN (SELECT id FROM contacts WHERE email = $1 AND email <> '' AND external_id = ''
  UNION ALL SELECT id FROM contacts WHERE signed_email = $1 AND signed_email <> '' AND external_id <> '')
  AND NOT EXISTS (SELECT 1 FROM channel_contacts k WHERE k.contact_id = c.id AND k.alone)`
	// Of several it is somebody who is signed in rather than others, then who is known on a channel, then who was changed last.
	sqlByEmail = `SELECT c.id` + sqlMatching + `
ORDER BY CASE WHEN c.external_id <> '' THEN 0 ELSE 1 END,
  CASE WHEN EXISTS (SELECT 1 FROM channel_contacts k WHERE k.contact_id = c.id) THEN 0 ELSE 1 END, c.updated_at DESC, c.id DESC LIMIT 1`
	sqlStillMatching = `SELECT EXISTS (SELECT 1` + sqlMatching + ` AND c.id = $2)`
	// Whether what the other side of a channel calls the owner of an e-mail address may become the name of a contact: not where browsers
	// that only typed the address would read it.
	sqlTakesName = `SELECT NOT EXISTS (SELECT 1 FROM contact_tokens t WHERE t.contact_id = c.id AND t.revoked_at = 0)
  OR (c.external_id <> '' AND c.signed_email <> '' AND c.signed_email = $2) FROM contacts c WHERE c.id = $1`
	// Two messages from the same new address must not make two contacts. SQLite's one writer needs no lock.
	sqlLockNewAddressPostgres = `SELECT pg_advisory_xact_lock(CAST($1 AS BIGINT))`
)

func scanAddress(row db.Scanner) (*Address, error) {
	var a Address
	var created, separated int64
	if err := row.Scan(&a.ID, &a.Channel, &a.Address, &a.Contact, &a.Email, &a.current, &a.Merged, &created, &separated, &a.named); err != nil {
		return nil, err
	}
	a.CreatedAt, a.SeparatedAt = db.Time(created), db.Time(separated)
	return &a, nil
}

func getAddress(tx *db.Tx, c id.Channel, address string) (*Address, error) {
	return db.First(tx, sqlGetAddress, []any{int64(c), address}, scanAddress)
}

func lockAddress(tx *db.Tx, which int64) (*Address, error) {
	return db.First(tx, sqlLockAddress, []any{which}, scanAddress)
}

// addressOf is where answers in a conversation go on its channel.
func addressOf(tx *db.Tx, c id.Channel, conversation id.Conversation) (*Address, error) {
	return db.First(tx, sqlAddressOf, []any{int64(conversation), int64(c)}, scanAddress)
}

// currentAddress is where a conversation with a contact begins on a channel when nobody says where.
func currentAddress(tx *db.Tx, c id.Channel, contact id.Contact) (*Address, error) {
	return db.First(tx, sqlCurrentAddress, []any{int64(contact), int64(c)}, scanAddress)
}

func listAddresses(tx *db.Tx, contact id.Contact) ([]*Address, error) {
	return db.All(tx, sqlListAddresses, []any{int64(contact)}, scanAddress)
}

// insertAddress stores an address as its contact's current one on the channel.
func insertAddress(tx *db.Tx, a *Address, alone bool) (err error) {
	if a.ID, err = db.Insert[int64](tx, sqlInsertAddress, int64(a.Channel), a.Address, int64(a.Contact), a.Email, alone, a.Merged, db.Micros(tx.Now())); err != nil {
		return err
	}
	return makeCurrent(tx, a)
}

func makeCurrent(tx *db.Tx, a *Address) error {
	_, err := tx.Exec(sqlMakeCurrent, int64(a.Contact), int64(a.Channel), a.ID)
	return err
}

func setAddressEmail(tx *db.Tx, a *Address, email string) error {
	_, err := tx.Exec(sqlAddressEmail, a.ID, email)
	return err
}

func separateAddress(tx *db.Tx, a *Address, to id.Contact, by string) error {
	_, err := tx.Exec(sqlSeparateAddress, a.ID, int64(to), db.Micros(tx.Now()), by)
	return err
}

func eraseAddresses(tx *db.Tx, contact id.Contact) error {
	_, err := tx.Exec(sqlEraseAddresses, int64(contact))
	return err
}

// contactByEmail returns who stands behind an e-mail address, db.ErrNoRows for nobody.
func contactByEmail(tx *db.Tx, email string) (c id.Contact, err error) {
	err = tx.One(sqlByEmail, []any{email}, &c)
	return c, err
}

// stillMatching reports whether a contact may still stand behind an e-mail address.
func stillMatching(tx *db.Tx, email string, which id.Contact) (yes bool, err error) {
	err = tx.One(sqlStillMatching, []any{email, int64(which)}, &yes)
	return yes, err
}

// takesName reports whether the name of the owner of an e-mail address may become a contact's.
func takesName(tx *db.Tx, which id.Contact, email string) (yes bool, err error) {
	err = tx.One(sqlTakesName, []any{int64(which), email}, &yes)
	return yes, err
}

// lockNewAddress keeps others from making a contact for the same address, or the same e-mail address, until tx ends. It
// comes before the lock of a contact.
func lockNewAddress(tx *db.Tx, c id.Channel, address, email string) error {
	if tx.Engine() != db.Postgres {
		return nil
	}
	keys := []string{strconv.FormatInt(int64(c), 10) + " " + address}
	if email != "" {
		keys = append([]string{email}, keys...)
	}
	for _, k := range keys {
		h := fnv.New64a()
		h.Write([]byte("channel address " + k))
		if _, err := tx.Exec(sqlLockNewAddressPostgres, int64(h.Sum64())); err != nil {
			return err
		}
	}
	return nil
}
