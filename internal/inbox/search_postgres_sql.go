package inbox

import (
	"strconv"
	"strings"

	"parley/internal/db"
)

const (
	sqlIndexWordsPostgres = `INSERT INTO message_words (message_id, conversation_id, words)
SELECT n.id, n.conversation, CAST(n.words AS tsvector) FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS TEXT[])) AS n (id, conversation, words)
WHERE EXISTS (SELECT 1 FROM messages m WHERE m.id = n.id)`
	sqlForgetWordsPostgres  = `DELETE FROM message_words WHERE message_id = $1`
	sqlIndexContactPostgres = `INSERT INTO contact_words (contact_id, words) VALUES ($1, CAST(CAST($2 AS TEXT) AS tsvector))
ON CONFLICT (contact_id) DO UPDATE SET words = excluded.words`
	sqlMatchingContactsPostgres = `SELECT contact_id FROM contact_words WHERE words @@ CAST(CAST($1 AS TEXT) AS tsquery) LIMIT $2`
	sqlCountFoundPostgres       = `SELECT COUNT(*) FROM (SELECT 1 FROM message_words WHERE words @@ CAST(CAST($1 AS TEXT) AS tsquery) LIMIT $2) AS found`

	// A transaction that was running when xact began may still bring messages with small ids.
	sqlSettledPostgres = `SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) >= $1`
	sqlXactPostgres    = `SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)`
)

// PostgreSQL keeps no more of a word's places in one text.
const (
	maxPlacesPostgres = 255
	maxPlacePostgres  = 16383
)

// indexPostgres puts messages into the index.
func indexPostgres(tx *db.Tx, list []indexed) error {
	ids, conversations, texts := make([]int64, len(list)), make([]int64, len(list)), make([]string, len(list))
	for i, m := range list {
		ids[i], conversations[i], texts[i] = int64(m.id), int64(m.conversation), vectorPostgres(m.words)
	}
	_, err := tx.Exec(sqlIndexWordsPostgres, ids, conversations, texts)
	return err
}

// indexContactsPostgres replaces the words of contacts.
func indexContactsPostgres(tx *db.Tx, list []indexedContact) error {
	for _, c := range list {
		if _, err := tx.Exec(sqlIndexContactPostgres, int64(c.id), vectorPostgres(c.words)); err != nil {
			return err
		}
	}
	return nil
}

// vectorPostgres writes words as a tsvector with their places. It is made here and not by the server's parser, which has rules of
// its own for numbers, addresses and hyphens.
func vectorPostgres(words []string) string {
	places := map[string][]string{}
	var order []string
	for i, w := range words {
		p, known := places[w]
		if !known {
			order = append(order, w)
		}
		if len(p) < maxPlacesPostgres {
			places[w] = append(p, strconv.Itoa(min(i+1, maxPlacePostgres)))
		}
	}
	var b strings.Builder
	for _, w := range order {
		b.WriteString("'" + w + "':" + strings.Join(places[w], ",") + " ")
	}
	return b.String()
}

// matchPostgres writes a search as a tsquery. Words are letters and digits only: nothing in them has a meaning there.
func (q query) matchPostgres() string {
	var b strings.Builder
	for i, t := range q.terms {
		if i > 0 {
			b.WriteString(" & ")
		}
		b.WriteString("('" + strings.Join(t.words, "' <-> '") + "'")
		if t.prefix {
			b.WriteString(":*")
		}
		b.WriteString(")")
	}
	return b.String()
}

// withPostgres lists the conversations with messages that match what is bound at the place.
func withPostgres(place string) string {
	return `SELECT DISTINCT conversation_id AS id FROM message_words WHERE words @@ CAST(CAST(` + place + ` AS TEXT) AS tsquery)`
}
