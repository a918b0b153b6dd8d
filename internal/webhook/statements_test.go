package webhook

import (
	"context"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

func TestStatementsPrepare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for _, q := range []string{sqlInsertEndpoint, sqlSaveEndpoint, sqlDeleteEndpoint, sqlEndpoints, sqlGetEndpoint, sqlVersion, sqlSetVersion, sqlStopEndpoint, sqlGetHashKey,
				sqlSetHashKey, sqlHasWidget, sqlHasGroup, sqlLockEndpoint, sqlHooks,
				sqlHookIDs, sqlWidgetName, sqlLockWidget} {
				if err := tx.Prepare(q); err != nil {
					t.Errorf("%s\n%v", q, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
