package standard

import (
	"testing"

	"parley/internal/event/eventtest"
)

// BenchmarkRender makes the body of what most of a feed consists of: a contact's message in a conversation of an operator.
func BenchmarkRender(b *testing.B) {
	for _, s := range eventtest.Named() {
		if s.Name != "message_received_plain" {
			continue
		}
		body, err := Marshal(s.Event, options)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Marshal(s.Event, options); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	b.Fatal("there is no such sample")
}
