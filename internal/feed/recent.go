package feed

import (
	"slices"
	"sync"

	"parley/internal/event"
	"parley/internal/id"
)

// recentSize is how many of the newest events stay in memory. Almost every reader wants exactly those, and decoding a
// stored event costs more than all the rest of reading it.
const recentSize = 1024

// recent holds the newest committed events of this process, on SQLite, where an event has its number before the commit.
// Events in it are shared by all readers and must not be changed. It may lack events that another process committed; then
// after says no and the database is asked.
type recent struct {
	mu     sync.RWMutex
	ring   [recentSize]*event.Event // by seq modulo the size
	newest id.Seq
	byID   map[id.Event]*event.Event
}

func (r *recent) add(events []*event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = make(map[id.Event]*event.Event, recentSize)
	}
	for _, e := range events {
		place := &r.ring[int64(e.Seq)%recentSize]
		if *place != nil {
			delete(r.byID, (*place).ID)
		}
		*place = e
		r.byID[e.ID] = e
		r.newest = max(r.newest, e.Seq)
	}
}

// replace puts another form of an event in its place, where that is still remembered.
func (r *recent) replace(e *event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.byID[e.ID]
	if known == nil {
		return
	}
	kept := *e
	kept.Seq = known.Seq
	r.byID[e.ID] = &kept
	if place := &r.ring[int64(known.Seq)%recentSize]; *place == known {
		*place = &kept
	}
}

func (r *recent) get(eventID id.Event) *event.Event {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byID[eventID]
}

// after returns up to limit events with a seq above after that pass the filter; ok is false when memory does not hold every
// event from there on.
func (r *recent) after(after id.Seq, limit int, f Filter) (events []*event.Event, newest id.Seq, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if after >= r.newest || r.newest-after > recentSize || limit <= 0 {
		return nil, 0, false
	}
	for seq := after + 1; seq <= r.newest; seq++ {
		e := r.ring[int64(seq)%recentSize]
		if e == nil || e.Seq != seq {
			return nil, 0, false
		}
		if len(events) < limit && f.passes(e) {
			events = append(events, e)
		}
	}
	return events, r.newest, true
}

// passes says in memory what readEvents says in SQL.
func (f Filter) passes(e *event.Event) bool {
	if len(f.Types) > 0 && !slices.Contains(f.Types, e.Type) {
		return false
	}
	return f.Contact == 0 || f.Contact == contactOf(e)
}

// contactOf is whom an event concerns, 0 for nobody; it is stored beside the event.
func contactOf(e *event.Event) id.Contact {
	switch {
	case e.Conversation != nil:
		return e.Conversation.Contact.ID
	case e.Contact != nil:
		return e.Contact.ID
	}
	return 0
}
