package webhook

import (
	"bytes"
	"testing"

	"parley/internal/id"
)

func TestBodiesAreKeptByAllThatTheyDependOnAndBounded(t *testing.T) {
	var b bodies
	k := bodyKey{event: 1, form: "standard/1", policy: Policy{Name: Keep}}
	b.put(k, []byte("one"))
	for _, other := range []bodyKey{{2, k.form, k.policy}, {1, "userlike/1", k.policy}, {1, k.form, Policy{Name: Hash}}} {
		if b.get(other) != nil {
			t.Errorf("%+v has the body of %+v", other, k)
		}
	}
	if string(b.get(k)) != "one" {
		t.Error("the body was not kept")
	}
	b.put(bodyKey{event: 3}, make([]byte, bodiesMax))
	if b.get(bodyKey{event: 3}) != nil {
		t.Error("a body that would push out all others was kept")
	}
	for n := range 100 {
		b.put(bodyKey{event: id.Event(100 + n)}, bytes.Repeat([]byte("x"), bodiesMax/20))
	}
	if b.bytes > bodiesMax || len(b.kept) != len(b.order) || len(b.kept) > 20 || b.get(k) != nil || b.get(bodyKey{event: 199}) == nil {
		t.Errorf("%d bodies, %d bytes", len(b.kept), b.bytes)
	}
}
