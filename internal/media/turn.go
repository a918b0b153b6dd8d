package media

import (
	"context"
	"errors"
	"sync"
	"time"
)

// turnWait is how long a file waits until its picture may be made smaller: as long as two others may take, and a little.
const turnWait = 7 * time.Second

// errBusy is what a file gets that waited in vain.
var errBusy = errors.New("too many pictures come in at once")

// side is who brings pictures in. Each side has a place of its own, so that none keeps another waiting.
type side int

const (
	outside      side = iota // what is fetched: files of channels, pictures of pages
	fromTeam                 // operators and tokens of the API
	fromVisitors             // anybody
	sides
)

func sideOf(k OwnerKind) side {
	switch k {
	case OwnedByOperator, OwnedByToken:
		return fromTeam
	case OwnedByContact, OwnedByWidget:
		return fromVisitors
	}
	return outside
}

// turns say whose picture is made smaller when. Of those who are told apart by a key one at a time waits for the place of its side, so
// that somebody with many pictures is one in the row with everybody else; and of large pictures one is in work at a time, whoever
// brings it, so that the memory they take together is bounded.
type turns struct {
	places [sides]chan struct{}
	large  chan struct{}

	mu   sync.Mutex
	keys map[turnKey]*turn
}

type turnKey struct {
	side side
	key  string
}

// turn is what those with the same key share.
type turn struct {
	busy chan struct{}
	use  int // who has it or waits for it
}

func newTurns() *turns {
	t := &turns{large: make(chan struct{}, 1), keys: map[turnKey]*turn{}}
	for i := range t.places {
		t.places[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for a turn. Call what it returns to end it. The error is errBusy, or that of ctx.
func (t *turns) take(ctx context.Context, s side, key string, large bool) (end func(), err error) {
	wait := time.NewTimer(turnWait)
	defer wait.Stop()
	var ends []func()
	end = func() {
		for i := len(ends) - 1; i >= 0; i-- {
			ends[i]()
		}
	}
	enter := func(place chan struct{}) error {
		select {
		case place <- struct{}{}:
			ends = append(ends, func() { <-place })
			return nil
		case <-wait.C:
			return errBusy
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	own, forget := t.share(turnKey{s, key})
	ends = append(ends, forget)
	places := []chan struct{}{own, t.places[s]}
	if large {
		places = append(places, t.large)
	}
	for _, place := range places {
		if err := enter(place); err != nil {
			end()
			return nil, err
		}
	}
	return end, nil
}

// share returns the place of a key, which exists while somebody uses it.
func (t *turns) share(k turnKey) (place chan struct{}, forget func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.keys[k]
	if one == nil {
		one = &turn{busy: make(chan struct{}, 1)}
		t.keys[k] = one
	}
	one.use++
	return one.busy, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.use--; one.use == 0 {
			delete(t.keys, k)
		}
	}
}
