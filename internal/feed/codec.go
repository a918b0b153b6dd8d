package feed

import (
	"fmt"

	"parley/internal/event"
	"parley/internal/event/stored"
)

// The stored form of an event: a version byte and the event as JSON with Go's field names. It is ours alone; a golden file
// of every sample keeps it readable for later versions.
const codecVersion = '1'

func encode(e *event.Event) ([]byte, error) {
	kept := *e
	kept.ID, kept.Seq = 0, 0       // they live in columns of their own
	room := make([]byte, 0, 3<<10) // enough for most
	b, err := stored.Append(append(room, codecVersion), &kept)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return b, nil
}

func decode(data []byte) (*event.Event, error) {
	if len(data) == 0 || data[0] != codecVersion {
		return nil, fmt.Errorf("decode event: unknown stored form %.1q", data)
	}
	e, err := stored.Read(string(data[1:]))
	if err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	return e, nil
}
