package inbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	sqlSearchProgress = `SELECT done, upto, upto_xact, upto_at FROM search_progress WHERE one = 1`
	sqlLockProgress   = `SELECT done, upto, upto_xact, upto_at FROM search_progress WHERE one = 1 FOR UPDATE`
	sqlBeginProgress  = `INSERT INTO search_progress (one, done, upto, upto_xact, upto_at) VALUES (1, 0, 0, 0, 0) ON CONFLICT (one) DO NOTHING`
	sqlSetProgress    = `UPDATE search_progress SET done = $1, upto = $2, upto_xact = $3, upto_at = $4 WHERE one = 1`
	sqlNewestMessage  = `SELECT COALESCE(MAX(id), 0) FROM messages`
	sqlToIndex        = `SELECT m.id, m.conversation_id, m.type, m.body, COALESCE(f.name, '') FROM messages m LEFT JOIN media f ON f.id = m.media_id
WHERE m.id > $1 AND m.id <= $2 ORDER BY m.id LIMIT $3`
	// Whoever is about to index the message has read it as it was, and finds the progress changed.
	sqlTouchProgress = `UPDATE search_progress SET upto_at = upto_at + 1 WHERE one = 1`

	sqlChangedContacts = `SELECT s.id, s.contact_id, COALESCE(p.name, ''), COALESCE(p.email, ''), p.id IS NULL FROM search_contacts s LEFT JOIN contacts p ON p.id = s.contact_id
ORDER BY s.id LIMIT $1`
	sqlContactsDone = `DELETE FROM search_contacts WHERE id = $1`
	sqlAnyChanged   = `SELECT EXISTS (SELECT 1 FROM search_contacts)`
)

// progress is how far messages are in the search index, as migration 0009 tells.
type progress struct {
	done, upto id.Message
	xact       int64
	at         time.Time
}

func scanProgress(r db.Scanner) (p progress, err error) {
	var at int64
	err = r.Scan(&p.done, &p.upto, &p.xact, &at)
	p.at = db.Time(at)
	return p, err
}

// searchProgress reads the progress; there is none before the first message was indexed.
func searchProgress(tx *db.Tx) (progress, error) {
	p, err := db.First(tx, sqlSearchProgress, nil, scanProgress)
	if errors.Is(err, db.ErrNoRows) {
		return progress{}, nil
	}
	return p, err
}

// lockProgress reads the progress and keeps other nodes from going on with it until tx ends.
func lockProgress(tx *db.Tx) (progress, error) {
	p, err := db.First(tx, sqlLockProgress, nil, scanProgress)
	if !errors.Is(err, db.ErrNoRows) {
		return p, err
	}
	if _, err := tx.Exec(sqlBeginProgress); err != nil {
		return progress{}, err
	}
	return db.First(tx, sqlLockProgress, nil, scanProgress)
}

func setProgress(tx *db.Tx, p progress) error {
	_, err := tx.Exec(sqlSetProgress, int64(p.done), int64(p.upto), p.xact, db.Micros(p.at))
	return err
}

func newestMessage(tx *db.Tx) (m id.Message, err error) {
	err = tx.One(sqlNewestMessage, nil, &m)
	return m, err
}

// indexed is a message as it goes into the index.
type indexed struct {
	id           id.Message
	conversation id.Conversation
	words        []string
}

// indexedContact is a contact as it goes into the index.
type indexedContact struct {
	id    id.Contact
	words []string
}

// changedContacts takes up to limit changes of contacts off their list and returns the contacts as they are, each once.
func changedContacts(tx *db.Tx, limit int) (list []indexedContact, more bool, err error) {
	known := map[id.Contact]bool{}
	changes, err := db.All(tx, sqlChangedContacts, []any{limit}, func(r db.Scanner) (change int64, err error) {
		var c id.Contact
		var name, email string
		var gone bool
		if err := r.Scan(&change, &c, &name, &email, &gone); err != nil {
			return 0, err
		}
		if !known[c] && !gone {
			list = append(list, indexedContact{c, contactWords(name, email)})
		}
		known[c] = true
		return change, nil
	})
	if err != nil {
		return nil, false, err
	}
	for _, change := range changes {
		if _, err := tx.Exec(sqlContactsDone, change); err != nil {
			return nil, false, err
		}
	}
	return list, len(changes) == limit, nil
}

func anyContactChanged(tx *db.Tx) (yes bool, err error) {
	err = tx.One(sqlAnyChanged, nil, &yes)
	return yes, err
}

func indexContacts(tx *db.Tx, list []indexedContact) error {
	if tx.Engine() == db.SQLite {
		return indexContactsSQLite(tx, list)
	}
	return indexContactsPostgres(tx, list)
}

// toIndex reads the messages after one and up to another. What is not searched has no words.
func toIndex(tx *db.Tx, after, upto id.Message, limit int) ([]indexed, error) {
	return db.All(tx, sqlToIndex, []any{int64(after), int64(upto), limit}, func(r db.Scanner) (m indexed, err error) {
		var kind, body, file string
		err = r.Scan(&m.id, &m.conversation, &kind, &body, &file)
		m.words = messageWords(kind, body, file)
		return m, err
	})
}

// reindex brings the search index up to what a message says now, where it has the message already, and else has whoever is indexing it
// at this moment read it again.
func reindex(tx *db.Tx, m *event.Message) error {
	p, err := lockProgress(tx)
	if err != nil {
		return fmt.Errorf("progress of the search index: %w", err)
	}
	if m.ID > p.done {
		_, err := tx.Exec(sqlTouchProgress)
		return err
	}
	file := ""
	if m.Media != nil {
		file = m.Media.Name
	}
	forget := sqlForgetWordsPostgres
	if tx.Engine() == db.SQLite {
		forget = sqlForgetWordsSQLite
	}
	if _, err := tx.Exec(forget, int64(m.ID)); err != nil {
		return fmt.Errorf("take message %d out of the search index: %w", m.ID, err)
	}
	if err := indexWords(tx, searched([]indexed{{m.ID, m.ConversationID, messageWords(m.Type, m.Body, file)}})); err != nil {
		return fmt.Errorf("put message %d into the search index: %w", m.ID, err)
	}
	return nil
}

// settled reports whether all transactions before xact are over. SQLite has one at a time.
func settled(tx *db.Tx, xact int64) (ok bool, err error) {
	if tx.Engine() == db.SQLite {
		return true, nil
	}
	err = tx.One(sqlSettledPostgres, []any{xact}, &ok)
	return ok, err
}

// xact returns the number of this transaction; 0 on SQLite.
func xact(tx *db.Tx) (n int64, err error) {
	if tx.Engine() == db.SQLite {
		return 0, nil
	}
	err = tx.One(sqlXactPostgres, nil, &n)
	return n, err
}

func indexWords(tx *db.Tx, list []indexed) error {
	if tx.Engine() == db.SQLite {
		return indexSQLite(tx, list)
	}
	return indexPostgres(tx, list)
}

// match writes a search in the language of the engine.
func (q query) match(e db.Engine) string {
	if e == db.SQLite {
		return q.matchSQLite()
	}
	return q.matchPostgres()
}

// countFound counts the messages that have what is searched for, up to a limit.
func countFound(tx *db.Tx, q query, limit int) (n int, err error) {
	text := sqlCountFoundSQLite
	if tx.Engine() == db.Postgres {
		text = sqlCountFoundPostgres
	}
	err = tx.One(text, []any{q.match(tx.Engine()), limit}, &n)
	return n, err
}

// matchingContacts returns contacts whose name or address has what is searched for, up to a limit.
func matchingContacts(tx *db.Tx, q query, limit int) ([]id.Contact, error) {
	text := sqlMatchingContactsSQLite
	if tx.Engine() == db.Postgres {
		text = sqlMatchingContactsPostgres
	}
	return db.All(tx, text, []any{q.match(tx.Engine()), limit}, func(r db.Scanner) (c id.Contact, err error) { return c, r.Scan(&c) })
}

// found is the part of a statement that lists the conversations that a search finds.
func (s *statement) found(e db.Engine, q query, contacts []id.Contact) string {
	text := ""
	if e == db.SQLite {
		text = withSQLite(s.bind(q.matchSQLite()))
	} else {
		text = withPostgres(s.bind(q.matchPostgres()))
	}
	if len(contacts) > 0 {
		text += " UNION SELECT id FROM conversations WHERE contact_id IN (" + bindAll(s, contacts) + ")"
	}
	return text
}

// saying returns in which conversations somebody wrote what q looks for. Texts are looked at as they come, for together they
// may be large.
func saying(tx *db.Tx, q query, conversations []id.Conversation) (map[id.Conversation]bool, error) {
	var s statement
	s.WriteString(`SELECT m.conversation_id, m.type, m.body, COALESCE(f.name, '') FROM messages m LEFT JOIN media f ON f.id = m.media_id
WHERE m.type IN ('message', 'media', 'feedback') AND m.conversation_id IN (` + bindAll(&s, conversations) + ")")
	out := map[id.Conversation]bool{}
	_, err := db.All(tx, s.String(), s.args, func(r db.Scanner) (none struct{}, err error) {
		var c id.Conversation
		var kind, body, file string
		err = r.Scan(&c, &kind, &body, &file)
		out[c] = out[c] || err == nil && q.in(messageWords(kind, body, file))
		return none, err
	})
	return out, err
}

// statement is a statement that is put together, with its arguments.
type statement struct {
	strings.Builder
	args []any
}

// bind adds an argument and returns its place.
func (s *statement) bind(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

// bindAll adds arguments and returns their places, with commas between; NULL for none.
func bindAll[T ~int64](s *statement, list []T) string {
	if len(list) == 0 {
		return "NULL"
	}
	var b strings.Builder
	for i, v := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.bind(int64(v)))
	}
	return b.String()
}
