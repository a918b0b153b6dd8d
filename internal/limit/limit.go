// Package limit keeps one token bucket per key (an address, an e-mail) in a bounded table, so that a crowd of keys costs
// a bounded amount of memory. When the table is full the key that was used longest ago is forgotten, which gives that key a
// full bucket again; choose the capacity well above the number of honest keys.
//
// It imports only the standard library and golang.org/x/time/rate. Everything is safe for concurrent use.
package limit

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options says how often one key may do something.
type Options struct {
	// Every is the time in which one more use becomes allowed. It must be positive.
	Every time.Duration
	// Burst is how many uses a rested key has at once. It must be at least 1.
	Burst int
	// Keys bounds how many keys are remembered; zero means 10,000.
	Keys int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Limiter is a bounded table of token buckets.
type Limiter struct {
	o     Options
	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // front = used last
}

type entry struct {
	key    string
	bucket *rate.Limiter
}

// New makes a Limiter. It panics when Every or Burst is not positive: that is a mistake of the program.
func New(o Options) *Limiter {
	if o.Every <= 0 || o.Burst < 1 {
		panic("limit: Every and Burst must be positive")
	}
	if o.Keys == 0 {
		o.Keys = 10_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Limiter{o: o, byKey: map[string]*list.Element{}, order: list.New()}
}

// Allow takes one use of key. When there is none it returns false and how long to wait, at least one second.
func (l *Limiter) Allow(key string) (wait time.Duration, ok bool) {
	now := l.o.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key)
	r := b.ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return max(d, time.Second), false
	}
	return 0, true
}

// Spent reports, without taking anything, whether key has no use left, and how long until it has one, at least one second.
func (l *Limiter) Spent(key string) (wait time.Duration, spent bool) {
	now := l.o.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.byKey[key]
	if !ok {
		return 0, false
	}
	left := e.Value.(*entry).bucket.TokensAt(now)
	if left >= 1 {
		return 0, false
	}
	return max(time.Duration((1-left)*float64(l.o.Every)), time.Second), true
}

// Len returns how many keys are remembered.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.order.Len()
}

func (l *Limiter) bucket(key string) *rate.Limiter {
	if e, ok := l.byKey[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*entry).bucket
	}
	if l.order.Len() >= l.o.Keys {
		oldest := l.order.Back()
		l.order.Remove(oldest)
		delete(l.byKey, oldest.Value.(*entry).key)
	}
	b := rate.NewLimiter(rate.Every(l.o.Every), l.o.Burst)
	l.byKey[key] = l.order.PushFront(&entry{key, b})
	return b
}
