package audit

import (
	"math"

	"parley/internal/db"
)

const (
	sqlInsert = `INSERT INTO audit (at, action, by_whom, subject, detail) VALUES ($1, $2, $3, $4, $5)`
	sqlList   = `SELECT id, at, action, by_whom, subject, detail FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2`
)

func insert(tx *db.Tx, e Entry) error {
	_, err := tx.Exec(sqlInsert, db.Micros(e.At), e.Action, e.By, e.Subject, e.Detail)
	return err
}

func list(tx *db.Tx, before int64, limit int) ([]Entry, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return db.All(tx, sqlList, []any{before, limit}, func(r db.Scanner) (e Entry, err error) {
		var at int64
		err = r.Scan(&e.ID, &at, &e.Action, &e.By, &e.Subject, &e.Detail)
		e.At = db.Time(at)
		return e, err
	})
}
