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
