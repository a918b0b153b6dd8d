package feed

import (
	"testing"

	"parley/internal/event"
	"parley/internal/event/eventtest"
)

// received is what most of a feed consists of: a contact's message in a conversation of an operator.
func received(b *testing.B) *event.Event {
	for _, s := range eventtest.Named() {
		if s.Name == "message_received_plain" {
			return s.Event
		}
	}
	b.Fatal("there is no such sample")
	return nil
}

func BenchmarkEncode(b *testing.B) {
	e := received(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := encode(received(b))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
