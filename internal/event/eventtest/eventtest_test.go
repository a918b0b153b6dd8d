package eventtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/event"
)

func TestEveryEventTypeHasASample(t *testing.T) {
	have := map[event.Type]bool{}
	for _, e := range Samples() {
		have[e.Type] = true
	}
	for _, typ := range event.Types() {
		if !have[typ] {
			t.Errorf("no sample of %s", typ)
		}
	}
}

func TestSamplesAreDeterministicAndNamedOnce(t *testing.T) {
	if d := cmp.Diff(Named(), Named()); d != "" {
		t.Errorf("two calls differ:\n%s", d)
	}
	seen := map[string]bool{}
	for _, s := range Named() {
		if seen[s.Name] {
			t.Errorf("two samples are called %s", s.Name)
		}
		seen[s.Name] = true
	}
}
