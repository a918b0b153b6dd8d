package team

import (
	"sync"
	"time"

	"parley/internal/event"
	"parley/internal/id"
)

// cacheMax bounds the checked credentials that are remembered; above it the cache starts anew.
const cacheMax = 10_000

// cache remembers checked sessions and tokens for CacheFor.
type cache struct {
	mu     sync.Mutex
	epoch  uint64 // grows with every drop: what was read before a drop is not stored after it
	byHash map[string]cached
}

type cached struct {
	actor    Actor
	operator *event.Operator // nil for tokens
	until    time.Time
}

func newCache() *cache { return &cache{byHash: map[string]cached{}} }

// get returns what is known, and the epoch to hand to put when it is nothing.
func (c *cache) get(hash string, now time.Time) (cached, uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.byHash[hash]
	return v, c.epoch, ok && now.Before(v.until)
}

func (c *cache) put(hash string, v cached, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if len(c.byHash) >= cacheMax {
		clear(c.byHash)
	}
	c.byHash[hash] = v
}

func (c *cache) drop(match func(hash string, v cached) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for h, v := range c.byHash {
		if match(h, v) {
			delete(c.byHash, h)
		}
	}
}

func (c *cache) dropHash(hash string) {
	c.drop(func(h string, _ cached) bool { return h == hash })
}

func (c *cache) dropOperator(o id.Operator) {
	c.drop(func(_ string, v cached) bool { return v.operator != nil && v.operator.ID == o })
}

func (c *cache) dropToken(t id.Token) {
	c.drop(func(_ string, v cached) bool { return v.actor.Token == t && t != 0 })
}
