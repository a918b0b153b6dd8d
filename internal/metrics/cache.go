package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
)

// cache keeps one value for each key. Looking up a known key takes no lock; a new key, of which there are few, copies the map.
type cache[K comparable, V any] struct {
	fresh func(K) *V
	mu    sync.Mutex
	known atomic.Pointer[map[K]*V]
}

func newCache[K comparable, V any](fresh func(K) *V) *cache[K, V] {
	c := &cache[K, V]{fresh: fresh}
	c.known.Store(&map[K]*V{})
	return c
}

func (c *cache[K, V]) of(k K) *V {
	if v := (*c.known.Load())[k]; v != nil {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := *c.known.Load()
	if v := old[k]; v != nil {
		return v // somebody was faster
	}
	next := maps.Clone(old)
	next[k] = c.fresh(k)
	c.known.Store(&next)
	return next[k]
}
