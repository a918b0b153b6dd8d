package feed

import (
	"encoding/json"
	"fmt"

	"parley/internal/event"
)

// The stored form of an event: a version byte and the event as JSON with Go's field names. It is ours alone; a golden file
// of every sample keeps it readable for later versions.
const codecVersion = '1'

func encode(e *event.Event) ([]byte, error) {
	stored := *e
	stored.ID, stored.Seq = 0, 0 // they live in columns of their own
	b, err := json.Marshal(&stored)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return append([]byte{codecVersion}, b...), nil
}

func decode(data []byte) (*event.Event, error) {
	if len(data) == 0 || data[0] != codecVersion {
		return nil, fmt.Errorf("decode event: unknown stored form %.1q", data)
	}
	var e event.Event
	if err := json.Unmarshal(data[1:], &e); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	return &e, nil
}
