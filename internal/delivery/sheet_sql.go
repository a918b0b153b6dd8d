package delivery

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"parley/internal/db"
	"parley/internal/id"
)

const (
	sqlInsertSheet = `INSERT INTO delivery_sheets (used, entries) VALUES ($1, $2) RETURNING id`
	sqlSheet       = `SELECT entries FROM delivery_sheets WHERE id = $1`
	sqlLockSheet   = sqlSheet + ` FOR UPDATE`
	sqlWriteSheet  = `UPDATE delivery_sheets SET used = $2, entries = $3 WHERE id = $1`
	sqlEraseSheet  = `UPDATE delivery_sheets SET entries = $2 WHERE id = $1`
	sqlDropSheet   = `DELETE FROM delivery_sheets WHERE id = $1 AND used <= $2`
	sqlLeaveSheet  = `UPDATE delivery_sheets SET used = used - $2 WHERE id = $1`

	sqlSheetOf      = `SELECT sheet FROM deliveries WHERE id = $1`
	sqlEventsSheets = `SELECT id, sheet FROM deliveries WHERE event_id = $1 AND sheet <> 0 AND COALESCE(state, '') <> 'pending' AND has_body = FALSE`
	// Replays of what a sheet holds, made in this transaction.
	sqlReplaysOfSheets = `SELECT d.id, o.id, o.sheet FROM deliveries d JOIN deliveries o ON o.id = d.replay_of
WHERE d.id > $1 AND d.has_body AND d.created_at = $2 AND o.sheet <> 0 ORDER BY o.sheet, d.id`
)

var sqlSheetsOf = eachChunk(func(n int) string {
	return `SELECT id, sheet FROM deliveries WHERE id IN (` + marks(n, 0) + `)`
})

// placed says in which sheet a delivery is; 0 is none.
type placed struct {
	delivery id.Delivery
	sheet    int64
}

func scanPlaced(s db.Scanner) (p placed, err error) { return p, s.Scan(&p.delivery, &p.sheet) }

// storeSheets stores what was delivered at the first attempt. It returns what the database had not as pending any more and keeps nothing
// of: dropped while the attempt was under way.
func storeSheets(tx *db.Tx, list []*result) (left []*result, err error) {
	for len(list) > 0 {
		var entries []entry
		size := 0
		for len(entries) < min(len(list), sheetMax) && size < sheetBytes {
			e := entryOf(list[len(entries)])
			size += len(e.body) + len(e.answer)
			entries = append(entries, e)
		}
		piece := list[:len(entries)]
		list = list[len(entries):]
		sheet, err := db.Insert[int64](tx, sqlInsertSheet, len(piece), writeSheet(entries))
		if err != nil {
			return nil, err
		}
		n, err := markDelivered(tx, piece, sheet)
		if err != nil {
			return nil, err
		}
		if n == int64(len(piece)) {
			continue
		}
		over, err := leaveOut(tx, sheet, piece, entries)
		if err != nil {
			return nil, err
		}
		left = append(left, over...)
	}
	return left, nil
}

// leaveOut writes a sheet again without what does not refer to it, and returns of that what no other sheet has: a batch that was stored
// although its commit failed is stored again.
func leaveOut(tx *db.Tx, sheet int64, piece []*result, entries []entry) (left []*result, err error) {
	in := map[id.Delivery]int64{}
	err = inChunks(piece, func(p []*result, n int) error {
		args := make([]any, n)
		for i := range args {
			args[i] = int64(p[min(i, len(p)-1)].r.id)
		}
		rows, err := db.All(tx, sqlSheetsOf[n], args, scanPlaced)
		for _, row := range rows {
			in[row.delivery] = row.sheet
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var kept []entry
	for i, r := range piece {
		switch in[r.r.id] {
		case sheet:
			kept = append(kept, entries[i])
		case 0:
			left = append(left, r)
		}
	}
	if len(kept) == 0 {
		_, err = tx.Exec(sqlDropSheet, sheet, len(piece))
	} else {
		_, err = tx.Exec(sqlWriteSheet, sheet, len(kept), writeSheet(kept))
	}
	return left, err
}

// markDelivered marks what is still pending as delivered, in a sheet or in none (0), and returns how many that was.
func markDelivered(tx *db.Tx, list []*result, sheet int64) (int64, error) {
	byStatus := map[int][]*result{}
	for _, r := range list {
		byStatus[r.out.Status] = append(byStatus[r.out.Status], r)
	}
	var marked int64
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		err := inChunks(byStatus[status], func(piece []*result, n int) error {
			args := make([]any, 0, n+3)
			args = append(args, db.Micros(list[0].now), status, sheet)
			for i := range n {
				args = append(args, int64(piece[min(i, len(piece)-1)].r.id))
			}
			k, err := tx.Exec(sqlDelivered[n], args...)
			marked += k
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return marked, nil
}

// sheetOf returns the delivery's entry, nil where it is in no sheet.
func sheetOf(tx *db.Tx, which id.Delivery) (*entry, error) {
	var sheet int64
	if err := tx.One(sqlSheetOf, []any{int64(which)}, &sheet); err != nil || sheet == 0 {
		return nil, err
	}
	list, err := entriesOf(tx, sheet, func(d id.Delivery) bool { return d == which })
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

func entriesOf(tx *db.Tx, sheet int64, want func(id.Delivery) bool) ([]entry, error) {
	var b []byte
	if err := tx.One(sqlSheet, []any{sheet}, &b); err != nil {
		return nil, fmt.Errorf("read sheet %d: %w", sheet, err)
	}
	list, err := readSheet(b, want)
	if err != nil {
		return nil, fmt.Errorf("read sheet %d: %w", sheet, err)
	}
	return list, nil
}

// copySheetBodies gives replays that were made in this transaction, with ids above newest, the bodies that are in sheets.
func copySheetBodies(tx *db.Tx, newest int64) error {
	type copied struct {
		fresh, origin id.Delivery
		sheet         int64
	}
	list, err := db.All(tx, sqlReplaysOfSheets, []any{newest, db.Micros(tx.Now())}, func(s db.Scanner) (c copied, err error) {
		return c, s.Scan(&c.fresh, &c.origin, &c.sheet)
	})
	if err != nil {
		return err
	}
	bodies := map[id.Delivery][]byte{}
	sheet := int64(0)
	for _, c := range list {
		if c.sheet != sheet {
			entries, err := entriesOf(tx, c.sheet, nil)
			if err != nil {
				return err
			}
			clear(bodies)
			for _, e := range entries {
				bodies[e.delivery] = e.body
			}
			sheet = c.sheet
		}
		if body := bodies[c.origin]; body != nil {
			if err := insertBody(tx, c.fresh, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// eraseSheets removes the bodies and answers of an event's deliveries from their sheets.
func eraseSheets(tx *db.Tx, event id.Event) error {
	list, err := db.All(tx, sqlEventsSheets, []any{int64(event)}, scanPlaced)
	if err != nil || len(list) == 0 {
		return err
	}
	gone := map[int64]map[id.Delivery]bool{}
	for _, p := range list {
		if gone[p.sheet] == nil {
			gone[p.sheet] = map[id.Delivery]bool{}
		}
		gone[p.sheet][p.delivery] = true
	}
	for _, sheet := range slices.Sorted(maps.Keys(gone)) { // in one order, so that two cannot wait for each other
		var b []byte
		switch err := tx.One(sqlLockSheet, []any{sheet}, &b); {
		case errors.Is(err, db.ErrNoRows):
			continue
		case err != nil:
			return err
		}
		entries, err := readSheet(b, nil)
		if err != nil {
			return fmt.Errorf("read sheet %d: %w", sheet, err)
		}
		for i := range entries {
			if e := &entries[i]; gone[sheet][e.delivery] {
				e.got, e.answer, e.body = "{}", nil, nil
			}
		}
		if _, err := tx.Exec(sqlEraseSheet, sheet, writeSheet(entries)); err != nil {
			return err
		}
	}
	return nil
}

// leaveSheets notes that deliveries are forgotten; used says how many of each sheet. A sheet that nothing refers to goes.
func leaveSheets(tx *db.Tx, used map[int64]int) error {
	for _, sheet := range slices.Sorted(maps.Keys(used)) {
		n, err := tx.Exec(sqlDropSheet, sheet, used[sheet])
		if err == nil && n == 0 {
			_, err = tx.Exec(sqlLeaveSheet, sheet, used[sheet])
		}
		if err != nil {
			return fmt.Errorf("leave sheet %d: %w", sheet, err)
		}
	}
	return nil
}
