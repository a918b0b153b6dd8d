package inbox

import (
	"strings"

	"parley/internal/db"
)

const (
	sqlIndexWordsSQLite       = `INSERT INTO message_words (rowid, words) SELECT $1, $2 WHERE EXISTS (SELECT 1 FROM messages WHERE id = $1)`
	sqlForgetWordsSQLite      = `DELETE FROM message_words WHERE rowid = $1`
	sqlMergeWordsSQLite       = `INSERT INTO message_words (message_words, rank) VALUES ('merge', $1)`
	sqlForgetContactSQLite    = `DELETE FROM contact_words WHERE rowid = $1`
	sqlIndexContactSQLite     = `INSERT INTO contact_words (rowid, words) VALUES ($1, $2)`
	sqlMatchingContactsSQLite = `SELECT rowid FROM contact_words WHERE contact_words MATCH $1 LIMIT $2`
	sqlCountFoundSQLite       = `SELECT COUNT(*) FROM (SELECT rowid FROM message_words WHERE message_words MATCH $1 LIMIT $2)`
)

// indexSQLite puts messages into the index. Their words are divided by blanks, as the index's tokenizer divides them again.
func indexSQLite(tx *db.Tx, list []indexed) error {
	for _, m := range list {
		if _, err := tx.Exec(sqlIndexWordsSQLite, int64(m.id), strings.Join(m.words, " ")); err != nil {
			return err
		}
	}
	return nil
}

// mergeSQLite merges parts of the index, about as many pages as it is told.
func mergeSQLite(tx *db.Tx, pages int) error {
	_, err := tx.Exec(sqlMergeWordsSQLite, pages)
	return err
}

// indexContactsSQLite replaces the words of contacts. One without words is not in the index.
func indexContactsSQLite(tx *db.Tx, list []indexedContact) error {
	for _, c := range list {
		if _, err := tx.Exec(sqlForgetContactSQLite, int64(c.id)); err != nil {
			return err
		}
		if len(c.words) == 0 {
			continue
		}
		if _, err := tx.Exec(sqlIndexContactSQLite, int64(c.id), strings.Join(c.words, " ")); err != nil {
			return err
		}
	}
	return nil
}

// matchSQLite writes a search in the language of FTS5. Words are letters and digits only: nothing in them has a meaning there.
func (q query) matchSQLite() string {
	var b strings.Builder
	for i, t := range q.terms {
		if i > 0 {
			b.WriteString(" AND ")
		}
		b.WriteString(`"` + strings.Join(t.words, " ") + `"`)
		if t.prefix {
			b.WriteString("*")
		}
	}
	return b.String()
}

// withSQLite lists the conversations with messages that match what is bound at the place. The order of the tables is meant: first
// what is found, then whose it is.
func withSQLite(place string) string {
	return `SELECT DISTINCT m.conversation_id AS id FROM message_words CROSS JOIN messages m WHERE m.id = message_words.rowid AND message_words MATCH ` + place
}
