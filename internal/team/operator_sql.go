package team

import (
	"errors"
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

const (
	operatorColumns = `o.id, o.username, o.first_name, o.last_name, o.alias, o.email, o.image_url, o.lang, o.locale, o.timezone,
  o.role, o.active, o.slots, o.availability, o.status, o.created_at`

	sqlInsertOperator = `INSERT INTO operators (email, username, first_name, last_name, alias, image_url, lang, locale, timezone, role, active, slots,
  availability, status, password_hash, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16) RETURNING id`
	sqlUpdateOperator = `UPDATE operators SET email = $2, username = $3, first_name = $4, last_name = $5, alias = $6, image_url = $7, lang = $8,
  locale = $9, timezone = $10, role = $11, active = $12, slots = $13, updated_at = $14 WHERE id = $1`
	sqlSetPassword     = `UPDATE operators SET password_hash = $2, updated_at = $3 WHERE id = $1`
	sqlSetAvailability = `UPDATE operators SET availability = $2, status = $3 WHERE id = $1`
	sqlGetOperator     = `SELECT ` + operatorColumns + ` FROM operators o WHERE o.id = $1`
	sqlLockOperator    = `SELECT id FROM operators WHERE id = $1 FOR UPDATE`
	sqlLockAdmins      = `SELECT id FROM operators WHERE role = 'admin' AND active ORDER BY id FOR UPDATE`
	sqlListOperators   = `SELECT ` + operatorColumns + ` FROM operators o ORDER BY o.id`
	sqlListOnline      = `SELECT ` + operatorColumns + ` FROM operators o WHERE o.active AND o.status = 'online' ORDER BY o.id`
	sqlSignInFacts     = `SELECT id, password_hash, active FROM operators WHERE email = $1`
	sqlPasswordOf      = `SELECT password_hash FROM operators WHERE id = $1`
	sqlStatuses        = `SELECT DISTINCT o.status FROM operators o WHERE o.active`
	sqlStatusesOfGroup = `SELECT DISTINCT o.status FROM operators o JOIN operator_group_members m ON m.operator_id = o.id
WHERE o.active AND m.group_id = $1`
)

func insertOperator(tx *db.Tx, o *event.Operator, passwordHash string) error {
	err := tx.One(sqlInsertOperator, []any{o.Email, o.Username, o.FirstName, o.LastName, o.Alias, o.ImageURL, o.Lang, o.Locale, o.Timezone, o.Role,
		o.Active, o.Slots, o.Availability, o.Status, passwordHash, db.Micros(o.CreatedAt)}, &o.ID)
	return emailFault(err, "insert operator")
}

func updateOperator(tx *db.Tx, o *event.Operator) error {
	_, err := tx.Exec(sqlUpdateOperator, int64(o.ID), o.Email, o.Username, o.FirstName, o.LastName, o.Alias, o.ImageURL, o.Lang, o.Locale, o.Timezone,
		o.Role, o.Active, o.Slots, db.Micros(tx.Now()))
	return emailFault(err, fmt.Sprintf("update operator %d", o.ID))
}

func emailFault(err error, what string) error {
	if db.IsUnique(err) {
		return fault.New(fault.OperatorEmail, "another operator has this e-mail address").At("email").Because(err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func setPassword(tx *db.Tx, o id.Operator, hash string) error {
	if _, err := tx.Exec(sqlSetPassword, int64(o), hash, db.Micros(tx.Now())); err != nil {
		return fmt.Errorf("set password of operator %d: %w", o, err)
	}
	return nil
}

func setAvailability(tx *db.Tx, o *event.Operator) error {
	if _, err := tx.Exec(sqlSetAvailability, int64(o.ID), o.Availability, o.Status); err != nil {
		return fmt.Errorf("set status of operator %d: %w", o.ID, err)
	}
	return nil
}

// lockOperator takes the operator's row until the end of the transaction and reads it with its groups.
func lockOperator(tx *db.Tx, operatorID id.Operator) (*event.Operator, error) {
	var locked id.Operator
	if err := tx.One(sqlLockOperator, []any{int64(operatorID)}, &locked); err != nil {
		return nil, operatorFault(err, operatorID, "lock")
	}
	return GetOperator(tx, operatorID)
}

// lockAdmins takes the rows of all active admins, so that two of them cannot be removed at the same time.
func lockAdmins(tx *db.Tx) ([]id.Operator, error) {
	ids, err := db.All(tx, sqlLockAdmins, nil, scanOperatorID)
	if err != nil {
		return nil, fmt.Errorf("lock admins: %w", err)
	}
	return ids, nil
}

func scanOperatorID(r db.Scanner) (o id.Operator, err error) {
	err = r.Scan(&o)
	return o, err
}

// GetOperator returns an operator with its groups, as tx sees it; fault operator.not_found.
func GetOperator(tx *db.Tx, operatorID id.Operator) (*event.Operator, error) {
	o, err := db.First(tx, sqlGetOperator, []any{int64(operatorID)}, scanOperator)
	if err != nil {
		return nil, operatorFault(err, operatorID, "get")
	}
	if o.Groups, err = groupsOf(tx, operatorID); err != nil {
		return nil, err
	}
	return o, nil
}

func operatorFault(err error, operatorID id.Operator, what string) error {
	if errors.Is(err, db.ErrNoRows) {
		return fault.Newf(fault.OperatorNotFound, "there is no operator %d", operatorID)
	}
	return fmt.Errorf("%s operator %d: %w", what, operatorID, err)
}

// ListOperators returns all operators with their groups, active or not, by id.
func ListOperators(tx *db.Tx) ([]*event.Operator, error) { return operatorList(tx, sqlListOperators) }

// ListOnline returns the operators whose status is online, with their groups, by id.
func ListOnline(tx *db.Tx) ([]*event.Operator, error) { return operatorList(tx, sqlListOnline) }

func operatorList(tx *db.Tx, query string) ([]*event.Operator, error) {
	list, err := db.All(tx, query, nil, scanOperator)
	if err != nil {
		return nil, fmt.Errorf("list operators: %w", err)
	}
	members, err := allMembers(tx)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		o.Groups = members[o.ID]
	}
	return list, nil
}

// Availability is what visitors are told: online when an active operator of the group is online, else away when one is
// away, else offline. Group 0 means all operators.
func Availability(tx *db.Tx, group id.Group) (string, error) {
	query, args := sqlStatuses, []any(nil)
	if group != 0 {
		query, args = sqlStatusesOfGroup, []any{int64(group)}
	}
	statuses, err := db.All(tx, query, args, func(r db.Scanner) (s string, err error) {
		err = r.Scan(&s)
		return s, err
	})
	if err != nil {
		return "", fmt.Errorf("availability of group %d: %w", group, err)
	}
	best := event.Offline
	for _, s := range statuses {
		if s == event.Online || s == event.Away && best == event.Offline {
			best = s
		}
	}
	return best, nil
}

// signInFacts is what a sign-in is decided by. Operator is 0 when nobody has the address.
type signInFacts struct {
	operator id.Operator
	hash     string
	active   bool
}

func findSignIn(tx *db.Tx, email string) (f signInFacts, err error) {
	err = tx.One(sqlSignInFacts, []any{email}, &f.operator, &f.hash, &f.active)
	if errors.Is(err, db.ErrNoRows) {
		return signInFacts{}, nil
	}
	if err != nil {
		return signInFacts{}, fmt.Errorf("look up sign-in: %w", err)
	}
	return f, nil
}

func passwordOf(tx *db.Tx, operatorID id.Operator) (hash string, err error) {
	if err := tx.One(sqlPasswordOf, []any{int64(operatorID)}, &hash); err != nil {
		return "", operatorFault(err, operatorID, "read password of")
	}
	return hash, nil
}

func scanOperator(r db.Scanner) (*event.Operator, error) {
	var o event.Operator
	var created int64
	if err := r.Scan(&o.ID, &o.Username, &o.FirstName, &o.LastName, &o.Alias, &o.Email, &o.ImageURL, &o.Lang, &o.Locale, &o.Timezone,
		&o.Role, &o.Active, &o.Slots, &o.Availability, &o.Status, &created); err != nil {
		return nil, err
	}
	o.CreatedAt = db.Time(created)
	return &o, nil
}
