package delivery

import (
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
)

// Erase removes what the log keeps of finished deliveries of an event, as part of tx: the bodies that were sent, and what the other side said.
// That they were made, when, and how it went stays. One that is sent again is made anew from the event. Deliveries that are still pending stay
// as they are.
func Erase(tx *db.Tx, event id.Event) error {
	// The rows first: they are locked then, and nobody revives one that loses its body.
	for _, statement := range []string{sqlEraseDeliveries, sqlEraseBodies, sqlEraseAttempts} {
		if _, err := tx.Exec(statement, int64(event)); err != nil {
			return fmt.Errorf("erase deliveries of event %d: %w", event, err)
		}
	}
	return nil
}

// DropEvent gives up what is pending of an event for one target, replays as well, removes the bodies that were to be sent, and returns how many it
// dropped. It also works while the target is paused. It locks the target, so tx must not hold rows that the executor's Notice takes. The target's
// owner may still know of a dropped delivery: it asks the executor's Prepare, which must refuse, and finds it over when it stores that. An attempt
// that is under way goes on, and leaves what it sent in the log: Erase after Options.Attempt removes that.
func DropEvent(tx *db.Tx, t Target, event id.Event, reason string) (int64, error) {
	fail := func(err error) (int64, error) {
		return 0, fmt.Errorf("drop deliveries of event %d for target %d: %w", event, t, err)
	}
	if _, err := db.All(tx, sqlLockTarget, []any{int64(t)}, scanTarget); err != nil {
		return fail(err)
	}
	n, err := tx.Exec(sqlDropEvent, int64(t), int64(event), clean(reason), db.Micros(tx.Now()))
	if err != nil {
		return fail(err)
	}
	if _, err := tx.Exec(sqlDropBodies, int64(t), int64(event)); err != nil {
		return fail(err)
	}
	return n, nil
}
