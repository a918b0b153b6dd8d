package channel

import (
	"context"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

func TestStatementsPrepare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		list := []string{sqlInsertChannel, sqlSaveChannel, sqlDeleteChannel, sqlStopChannel, sqlChannels, sqlLockChannel, sqlVersion, sqlSetVersion, sqlHasWidget,
			sqlGetAddress, sqlLockAddress, sqlAddressOf, sqlStillMatching, sqlTakesName, sqlCurrentAddress, sqlListAddresses, sqlInsertAddress, sqlAddressEmail, sqlMakeCurrent, sqlSeparateAddress, sqlByEmail,
			sqlClaimMessage, sqlKnownMessage, sqlSetMessage, sqlPutMessage, sqlSentMessage, sqlStandingOf, sqlNote, sqlLog, sqlTrimLog}
		if d.Engine() == db.Postgres {
			list = append(list, sqlLockNewAddressPostgres)
		}
		err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
			for _, q := range list {
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

func TestS062EveryLanguageHasAllTexts(t *testing.T) {
	seen := map[string]string{}
	for lang, want := range map[string]string{"en": "en", "de": "de", "de-AT": "de", "pt_BR": "pt", "FR": "fr", "es": "es", "it": "it", "nl": "nl", "pl": "en", "": "en"} {
		got := in(lang)
		if got != spoken[want] || got.receipt == "" || got.moved == "" {
			t.Errorf("%q speaks %+v, want %s", lang, got, want)
		}
		if other, twice := seen[got.receipt]; twice && other != want {
			t.Errorf("%s and %s have the same text", other, want)
		}
		seen[got.receipt] = want
	}
	if len(spoken) != 7 {
		t.Errorf("%d languages", len(spoken))
	}
}

func TestATokenCountsUntilItsEnd(t *testing.T) {
	at := noon
	k := token{Value: "fresh-token", Previous: "old-token", Until: at.UnixMicro() + 1}
	for _, c := range []struct {
		given string
		after int64
		want  bool
	}{{"fresh-token", 0, true}, {"fresh-token", 5, true}, {"old-token", 0, true}, {"old-token", 1, false}, {"", 0, false}, {"other", 0, false}} {
		if got := k.holds(c.given, at.Add(micros(c.after))); got != c.want {
			t.Errorf("%q after %d µs: %v", c.given, c.after, got)
		}
	}
	if (token{}).holds("", at) {
		t.Error("no token is opened by nothing")
	}
}

var noon = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
