package inbox

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	sqlCountTagged = `SELECT COUNT(*) FROM (SELECT 1 FROM conversation_tags WHERE tag = $1 LIMIT $2) AS tagged`
	// Ids are given in the order of time.
	sqlFirstCreated = `SELECT created_at FROM conversations ORDER BY id LIMIT 1`
	sqlNewest       = `SELECT COALESCE(MAX(id), 0) FROM conversations`
	sqlListTags     = `SELECT tag, COUNT(*) FROM conversation_tags GROUP BY tag ORDER BY COUNT(*) DESC, tag LIMIT $1`
)

// clocks is how far the clocks of nodes may be apart.
const clocks = 10 * time.Minute

func listTags(tx *db.Tx, limit int) ([]TagCount, error) {
	return db.All(tx, sqlListTags, []any{limit}, func(r db.Scanner) (t TagCount, err error) { return t, r.Scan(&t.Tag, &t.Count) })
}

// firstCreated returns when the first conversation began, give or take what clocks may be apart; zero without one.
func firstCreated(tx *db.Tx) (time.Time, error) {
	var at int64
	err := tx.One(sqlFirstCreated, nil, &at)
	if errors.Is(err, db.ErrNoRows) {
		return time.Time{}, nil
	}
	return db.Time(at), err
}

func newestConversation(tx *db.Tx) (c id.Conversation, err error) {
	err = tx.One(sqlNewest, nil, &c)
	return c, err
}

// countTagged counts the conversations with a tag, up to a limit.
func countTagged(tx *db.Tx, tag string, limit int) (n int, err error) {
	err = tx.One(sqlCountTagged, []any{tag, limit}, &n)
	return n, err
}

// narrow writes the conditions of a filter but those of its text and of the tag that the statement begins with.
func (s *statement) narrow(now time.Time, f Filter, begin string) {
	if len(f.Statuses) > 0 {
		s.WriteString(" AND c.status IN (")
		for i, status := range f.Statuses {
			if i > 0 {
				s.WriteString(", ")
			}
			s.WriteString(s.bind(status))
		}
		s.WriteString(")")
		// Opens the indexes of the conversations that have not ended, or of those that have.
		if !slices.Contains(f.Statuses, event.StatusEnded) {
			s.WriteString(" AND c.status <> 'ended'")
		} else if len(f.Statuses) == 1 {
			s.WriteString(" AND c.status = 'ended'")
		}
	}
	if f.Unassigned {
		s.WriteString(" AND c.operator_id IS NULL")
	}
	if f.Operator != 0 {
		s.WriteString(" AND c.operator_id = " + s.bind(int64(f.Operator)))
	}
	if f.Attention {
		s.WriteString(" AND c.unanswered_at > 0") // opens the index of those few
	}
	if f.Group != 0 {
		s.WriteString(" AND c.group_id = " + s.bind(int64(f.Group)))
	}
	if f.Widget != 0 {
		s.WriteString(" AND c.widget_id = " + s.bind(int64(f.Widget)))
	}
	if f.Contact != 0 {
		s.WriteString(" AND c.contact_id = " + s.bind(int64(f.Contact)))
	}
	if n, err := strconv.ParseInt(f.Channel, 10, 64); err == nil {
		s.WriteString(" AND c.channel_id = " + s.bind(n))
	} else if f.Channel != "" {
		s.WriteString(" AND c.channel_type = " + s.bind(f.Channel))
	}
	for _, tag := range f.Tags {
		if tag != begin {
			s.WriteString(" AND EXISTS (SELECT 1 FROM conversation_tags t WHERE t.conversation_id = c.id AND t.tag = " + s.bind(tag) + ")")
		}
	}
	if len(f.Ratings) > 0 {
		s.WriteString(" AND c.rating IN (")
		for i, n := range f.Ratings {
			if i > 0 {
				s.WriteString(", ")
			}
			s.WriteString(s.bind(n))
		}
		s.WriteString(")")
		if !slices.Contains(f.Ratings, 0) {
			s.WriteString(" AND c.rating > 0") // opens the index of the rated ones
		}
	}
	if !f.From.IsZero() {
		s.WriteString(" AND c.created_at >= " + s.bind(db.Micros(f.From)))
		if !f.longAgo(now) {
			// Nobody is active before they come: the list need not be read far beyond that time, whatever the nodes' clocks say.
			s.WriteString(" AND c.updated_at >= " + s.bind(db.Micros(f.From.Add(-clocks))))
		}
	}
	if !f.To.IsZero() {
		s.WriteString(" AND c.created_at < " + s.bind(db.Micros(f.To)))
	}
}

// before writes the condition of a list's cursor.
func (s *statement) before(c Cursor) {
	if c.ID != 0 {
		at := s.bind(db.Micros(c.UpdatedAt))
		s.WriteString(" AND (c.updated_at < " + at + " OR c.updated_at = " + at + " AND c.id < " + s.bind(int64(c.ID)) + ")")
	}
}

// listStates reads a page of a list in one statement, for filters whose order an index has.
func listStates(tx *db.Tx, f Filter) ([]*state, error) {
	var s statement
	s.WriteString(`SELECT ` + conversationColumns + conversationFrom + ` WHERE 1 = 1`)
	s.narrow(tx.Now(), f, "")
	s.before(f.Before)
	s.WriteString(" ORDER BY c.updated_at DESC, c.id DESC LIMIT " + s.bind(f.Limit))
	return db.All(tx, s.String(), s.args, scanState)
}

// hit is a conversation that a list has, with what its place in the list and a search are made of.
type hit struct {
	Cursor
	name, email string // of its contact, where begin asked for it
}

// begin is the small set that a statement begins with; without a tag and a text there is none.
type begin struct {
	tag      string
	text     bool
	contacts []id.Contact // with text: whose conversations it finds besides
	names    bool         // read the contacts' names, too
}

func (b begin) none() bool { return b.tag == "" && !b.text }

// listHits reads a page of a list without what is shown of it: the latest activity first, or the newest ones by their ids.
func listHits(tx *db.Tx, f Filter, q query, b begin, byID bool) ([]hit, error) {
	var s statement
	switch {
	case b.text:
		s.WriteString("WITH found AS MATERIALIZED (" + s.found(tx.Engine(), q, b.contacts) + ")")
	case b.tag != "":
		s.WriteString("WITH found AS MATERIALIZED (SELECT conversation_id AS id FROM conversation_tags WHERE tag = " + s.bind(b.tag) + ")")
	}
	// The order of the tables is meant.
	if b.names {
		s.WriteString(" SELECT c.id, c.updated_at, p.name, p.email FROM ")
	} else {
		s.WriteString(" SELECT c.id, c.updated_at, '', '' FROM ")
	}
	if !b.none() {
		s.WriteString("found CROSS JOIN ")
	}
	if b.names {
		s.WriteString("conversations c CROSS JOIN contacts p WHERE p.id = c.contact_id")
	} else {
		s.WriteString("conversations c WHERE 1 = 1")
	}
	if !b.none() {
		s.WriteString(" AND c.id = found.id")
	}
	s.narrow(tx.Now(), f, b.tag)
	// A plus keeps an index from giving the order: what was found is few, and what is in the order is many.
	plus := ""
	if !b.none() || f.Attention || !byID && f.longAgo(tx.Now()) {
		plus = "+"
	}
	if byID {
		if f.Before.ID != 0 {
			s.WriteString(" AND c.id < " + s.bind(int64(f.Before.ID)))
		}
		s.WriteString(" ORDER BY " + plus + "c.id DESC LIMIT " + s.bind(f.Limit))
	} else {
		s.before(f.Before)
		s.WriteString(" ORDER BY " + plus + "c.updated_at DESC, c.id DESC LIMIT " + s.bind(f.Limit))
	}
	return db.All(tx, s.String(), s.args, func(r db.Scanner) (h hit, err error) {
		var at int64
		err = r.Scan(&h.ID, &at, &h.name, &h.email)
		h.UpdatedAt = db.Time(at)
		return h, err
	})
}

// statesOf reads conversations in the order of their ids' list. Those that are gone are left out.
func statesOf(tx *db.Tx, ids []id.Conversation) ([]*state, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	place := make(map[id.Conversation]int, len(ids))
	for i, c := range ids {
		place[c] = i
	}
	var s statement
	s.WriteString(`SELECT ` + conversationColumns + conversationFrom + ` WHERE c.id IN (` + bindAll(&s, ids) + ")")
	list, err := db.All(tx, s.String(), s.args, scanState)
	slices.SortFunc(list, func(a, b *state) int { return cmp.Compare(place[a.ID], place[b.ID]) })
	return list, err
}
