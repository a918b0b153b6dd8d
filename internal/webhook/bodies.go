package webhook

import (
	"sync"

	"parley/internal/id"
)

// bodiesMax is how many bytes of rendered bodies are kept.
const bodiesMax = 4 << 20

// bodies keeps what was rendered lately: an event that goes to a hundred endpoints in the same form has one body. The oldest
// goes first. It is safe for concurrent use; nobody may change a body.
type bodies struct {
	mu    sync.Mutex
	kept  map[bodyKey][]byte
	order []bodyKey
	bytes int
}

// bodyKey is everything that a body depends on. The key that policies hash with never changes in an installation.
type bodyKey struct {
	event  id.Event
	form   string
	policy Policy
}

func (b *bodies) get(k bodyKey) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept[k]
}

func (b *bodies) put(k bodyKey, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept == nil {
		b.kept = map[bodyKey][]byte{}
	}
	if _, known := b.kept[k]; known || len(body) > bodiesMax/16 {
		return
	}
	b.kept[k] = body
	b.order = append(b.order, k)
	for b.bytes += len(body); b.bytes > bodiesMax; b.order = b.order[1:] {
		b.bytes -= len(b.kept[b.order[0]])
		delete(b.kept, b.order[0])
	}
}
