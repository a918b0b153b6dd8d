package visitor

import (
	"container/list"
	"sync"
	"time"
)

// How often somebody at one address may be wrong about a link or code at one widget, and how long they are locked out then (S-040).
const (
	wrongMost    = 5
	lockedFor    = 15 * time.Minute
	attemptsKept = 50_000
)

// attempts counts wrong tries by key. What is under way counts as wrong until it has turned out, so that many at once are not more than one after
// the other. When too many keys are kept, the one that was used longest ago is forgotten.
type attempts struct {
	now   func() time.Time
	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // front: used last
}

type tries struct {
	key            string
	wrong, running int
	last           time.Time // when it was wrong last
	until          time.Time // locked until then
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, byKey: map[string]*list.Element{}, order: list.New()}
}

// begin takes a try. When there is none it returns false and how long to wait. end must follow each that was taken.
func (a *attempts) begin(key string) (wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, now := a.of(key), a.now()
	if wait := t.until.Sub(now); wait > 0 {
		return wait, false
	}
	if now.Sub(t.last) >= lockedFor {
		t.wrong = 0
	}
	if t.wrong+t.running >= wrongMost {
		return time.Second, false
	}
	t.running++
	return 0, true
}

// end says how a try turned out, and reports whether the key has just been locked.
func (a *attempts) end(key string, wrong bool) (locked bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.of(key)
	t.running = max(t.running-1, 0)
	if !wrong {
		return false
	}
	t.wrong, t.last = t.wrong+1, a.now()
	if t.wrong < wrongMost {
		return false
	}
	t.wrong, t.until = 0, t.last.Add(lockedFor)
	return true
}

func (a *attempts) of(key string) *tries {
	if e, ok := a.byKey[key]; ok {
		a.order.MoveToFront(e)
		return e.Value.(*tries)
	}
	if a.order.Len() >= attemptsKept {
		oldest := a.order.Back()
		a.order.Remove(oldest)
		delete(a.byKey, oldest.Value.(*tries).key)
	}
	t := &tries{key: key}
	a.byKey[key] = a.order.PushFront(t)
	return t
}
