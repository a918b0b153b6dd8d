// Package event is the vocabulary of what happens: the event types and the snapshots they carry, "as of the event".
//
// An Event is a value: it needs no lookup to be rendered, now or a year later. The structs have no JSON names, because they
// are no wire format (omitempty keeps the stored form small); package feed stores them, dialects and the realtime edge map them. A field is added here, never
// renamed or given another meaning, because stored events are read back. Sample values of every type live in eventtest.
package event
