package inbox

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// Filter narrows a list of conversations; zero fields do not narrow. All of its fields must hold.
type Filter struct {
	// Statuses are those of which a conversation has one.
	Statuses   []string
	Unassigned bool
	Operator   id.Operator
	Group      id.Group
	Widget     id.Widget
	Contact    id.Contact
	// Channel is a channel's type, such as "website", or the id of one in digits.
	Channel string
	// Tags are those that a conversation must have, all of them, as they are written.
	Tags []string
	// Ratings are those of which the contact's latest one of the conversation is one, 0 for none.
	Ratings []int
	// Attention takes only conversations whose alarm has rung for a message that still waits for an operator.
	Attention bool
	// From and To bound when a conversation began: not before From, and before To.
	From, To time.Time
	// Text is searched for in messages and notes, and in the contact's name and e-mail address; see parseQuery. At most MaxSearch
	// characters, else the fault is text.too_long at q. What was written within the last moments may not be found yet.
	Text   string
	Before Cursor
	// Limit is the length of a page.
	Limit int

	begun  time.Time // From, or a guess
	bounds *bounds   // of tests; nil means usual
}

// Cursor is the place in the list after which the next page begins.
type Cursor struct {
	UpdatedAt time.Time
	ID        id.Conversation
}

// Counts are the numbers at the inbox's tabs, of conversations that have not ended. Attention counts those whose alarm rings.
type Counts struct{ Mine, Unassigned, All, Attention int }

// TagCount is a tag and how many conversations have it.
type TagCount struct {
	Tag   string
	Count int
}

const (
	// MaxIDs is how many conversations IDs returns at most.
	MaxIDs = 10000
	// maxTags bounds the list of tags in use.
	maxTags = 1000
)

// bounds say how much of what a list asks for may be read to begin with that, and be put in order afterwards. Where there is more,
// the conversations are read in the list's order, some at a time, and each is looked at, which finds enough of them soon.
type bounds struct{ messages, contacts, tagged, walk int }

// How many messages of a search are read to begin with: where reading the conversations in their order until a page is full takes
// about as long. A message that was found costs about a fifth of a conversation that is looked into.
const (
	minFound  = 2000
	maxFound  = 100000
	lookCosts = 5
)

// within returns the filter's bounds where there are so many conversations.
func (f Filter) within(conversations int64) bounds {
	if f.bounds != nil {
		return *f.bounds
	}
	even := int(math.Sqrt(lookCosts * float64(f.Limit) * float64(conversations)))
	return bounds{messages: min(max(even, minFound), maxFound), contacts: 1000, tagged: 5000, walk: 100}
}

func (f Filter) query() (query, error) {
	if strings.TrimSpace(f.Text) == "" {
		return query{}, nil
	}
	return parseQuery(f.Text)
}

// guessed notes how far back the conversations reach where only an end was asked for; longAgo wants to know.
func (f Filter) guessed(tx *db.Tx) (Filter, error) {
	f.begun = f.From
	if f.To.IsZero() || !f.From.IsZero() {
		return f, nil
	}
	var err error
	if f.begun, err = firstCreated(tx); err != nil {
		return f, fmt.Errorf("first conversation: %w", err)
	}
	return f, nil
}

// both reports whether the filter takes conversations that have ended and others.
func (f Filter) both() bool {
	return len(f.Statuses) == 0 || slices.Contains(f.Statuses, event.StatusEnded) && slices.ContainsFunc(f.Statuses, func(s string) bool { return s != event.StatusEnded })
}

// longAgo reports whether the time asked for is a short one that lies far back: then beginning with it is less to read than the
// latest activity down to it.
func (f Filter) longAgo(now time.Time) bool {
	return !f.begun.IsZero() && !f.To.IsZero() && f.To.Sub(f.begun) < now.Sub(f.To)
}

// apart reports whether the ended conversations are better read apart from the others: they have indexes of their own.
func (f Filter) apart(now time.Time) bool {
	return f.both() && !f.Attention && (f.Operator != 0 || f.Group != 0 || f.Widget != 0 || len(f.Ratings) > 0 && !slices.Contains(f.Ratings, 0) || f.longAgo(now))
}

// page reads a page of a list.
func page(ctx context.Context, tx *db.Tx, f Filter, q query) ([]*state, error) {
	f, err := f.guessed(tx)
	if err != nil {
		return nil, err
	}
	if len(q.terms) == 0 && len(f.Tags) == 0 && !f.Attention && !f.apart(tx.Now()) && !f.longAgo(tx.Now()) {
		return listStates(tx, f)
	}
	hits, err := hits(ctx, tx, f, q, false)
	if err != nil {
		return nil, err
	}
	return statesOf(tx, idsOf(hits))
}

func idsOf(list []hit) []id.Conversation {
	out := make([]id.Conversation, len(list))
	for i, h := range list {
		out[i] = h.ID
	}
	return out
}

// hits reads a page of a list without what is shown of it. With byID it is ordered by id, the greatest first, and only the
// cursor's id counts.
func hits(ctx context.Context, tx *db.Tx, f Filter, q query, byID bool) ([]hit, error) {
	if len(q.terms) == 0 {
		b, err := smallestTag(tx, f)
		if err != nil {
			return nil, err
		}
		return parts(tx, f, b, byID)
	}
	if !q.searchable() {
		return nil, nil
	}
	newest, err := newestConversation(tx)
	if err != nil {
		return nil, fmt.Errorf("newest conversation: %w", err)
	}
	most := f.within(int64(newest))
	contacts, err := matchingContacts(tx, q, most.contacts+1)
	if err != nil {
		return nil, fmt.Errorf("contacts of a search: %w", err)
	}
	found := 0
	if len(contacts) <= most.contacts {
		if found, err = countFound(tx, q, most.messages+1); err != nil {
			return nil, fmt.Errorf("messages of a search: %w", err)
		}
	}
	if len(contacts) <= most.contacts && found <= most.messages {
		return listHits(tx, f, q, begin{text: true, contacts: contacts}, byID)
	}
	return walk(ctx, tx, f, q, byID)
}

// smallestTag returns the tag that few conversations have, if there is one.
func smallestTag(tx *db.Tx, f Filter) (b begin, err error) {
	least := f.within(0).tagged + 1
	for _, tag := range f.Tags {
		n, err := countTagged(tx, tag, least)
		if err != nil {
			return begin{}, fmt.Errorf("conversations with a tag: %w", err)
		}
		if n < least {
			b.tag, least = tag, n
		}
	}
	return b, nil
}

// parts reads a page of a list without a text, the ended conversations apart where that is better.
func parts(tx *db.Tx, f Filter, b begin, byID bool) ([]hit, error) {
	if byID || !b.none() || !f.apart(tx.Now()) {
		return listHits(tx, f, query{}, b, byID)
	}
	ended, others := f, f
	ended.Statuses = []string{event.StatusEnded}
	if others.Statuses = slices.DeleteFunc(slices.Clone(f.Statuses), func(s string) bool { return s == event.StatusEnded }); len(others.Statuses) == 0 {
		others.Statuses = []string{event.StatusNew, event.StatusOpen, event.StatusPending}
	}
	list, err := listHits(tx, others, query{}, b, false)
	if err != nil {
		return nil, err
	}
	more, err := listHits(tx, ended, query{}, b, false)
	if err != nil {
		return nil, err
	}
	list = append(list, more...)
	slices.SortFunc(list, func(a, b hit) int { return cmp.Or(b.UpdatedAt.Compare(a.UpdatedAt), cmp.Compare(b.ID, a.ID)) })
	return list[:min(len(list), f.Limit)], nil
}

// walk finds the conversations of a search that very many messages match: it reads the list in its order and looks into each
// conversation.
func walk(ctx context.Context, tx *db.Tx, f Filter, q query, byID bool) ([]hit, error) {
	b, err := smallestTag(tx, f)
	if err != nil {
		return nil, err
	}
	b.names = true
	step := f
	step.Limit = f.within(0).walk
	var out []hit
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		list, err := parts(tx, step, b, byID)
		if err != nil {
			return nil, err
		}
		said, err := saying(tx, q, idsOf(list))
		if err != nil {
			return nil, fmt.Errorf("messages of a search: %w", err)
		}
		for _, h := range list {
			if !q.in(contactWords(h.name, h.email)) && !said[h.ID] {
				continue
			}
			if out = append(out, h); len(out) == f.Limit {
				return out, nil
			}
		}
		if len(list) < step.Limit {
			return out, nil
		}
		step.Before = list[len(list)-1].Cursor
	}
}

// IDs returns the ids of what List lists, latest activity first and up to MaxIDs, and whether there is more. The filter's place and
// length of a page do not count.
func (d *Desk) IDs(ctx context.Context, f Filter) (ids []id.Conversation, more bool, err error) {
	q, err := f.query()
	if err != nil {
		return nil, false, err
	}
	f.Before, f.Limit = Cursor{}, MaxIDs+1
	err = d.DB.View(ctx, func(ctx context.Context, tx *db.Tx) error {
		f, err := f.guessed(tx)
		if err != nil {
			return err
		}
		list, err := hits(ctx, tx, f, q, false)
		ids = idsOf(list)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list ids of conversations: %w", err)
	}
	if more = len(ids) > MaxIDs; more {
		ids = ids[:MaxIDs]
	}
	return ids, more, nil
}

// How many conversations an export looks for, and reads, in one look at the database.
const (
	exportFind = 1000
	exportRead = 200
)

// Walk calls fn with all conversations that the filter selects, the newest first, a few hundred at a time and at least once. Each
// is as it is when it is read: what changes meanwhile is there once, as before or after. No look at the database is open while fn
// runs. The filter's place and length of a page do not count.
func (d *Desk) Walk(ctx context.Context, f Filter, fn func([]*View) error) error {
	q, err := f.query()
	if err != nil {
		return err
	}
	f.Before, f.Limit = Cursor{}, exportFind
	for first := true; ; first = false {
		var list []hit
		err := d.DB.View(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			list, err = hits(ctx, tx, f, q, true)
			return err
		})
		if err != nil {
			return fmt.Errorf("look for conversations: %w", err)
		}
		if first && len(list) == 0 {
			return fn(nil)
		}
		for ids := range slices.Chunk(idsOf(list), exportRead) {
			views, err := d.views(ctx, ids)
			if err != nil {
				return fmt.Errorf("read conversations: %w", err)
			}
			if err := fn(views); err != nil {
				return err
			}
		}
		if len(list) < f.Limit {
			return nil
		}
		f.Before = list[len(list)-1].Cursor
	}
}

func (d *Desk) views(ctx context.Context, ids []id.Conversation) (views []*View, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		views = nil
		list, err := statesOf(tx, ids)
		if err != nil {
			return err
		}
		if err := people(tx, map[id.Operator]*event.Operator{}, list...); err != nil {
			return err
		}
		for _, s := range list {
			views = append(views, viewOf(s))
		}
		return nil
	})
	return views, err
}

// Tags returns the 1000 tags that most conversations have, the most frequent first.
func (d *Desk) Tags(ctx context.Context) (tags []TagCount, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		tags, err = listTags(tx, maxTags)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	return tags, nil
}
