package stored

import (
	"parley/internal/event"
	"parley/internal/event/jsontext"
)

// Append appends the stored form of an event to b. Texts keep their <, > and &: custom data is stored letter by letter.
func Append(b []byte, e *event.Event) ([]byte, error) {
	w := jsontext.Writer{Buf: b}
	writeEvent(&w, e)
	return w.Buf, w.Err
}

// Read reads what Append wrote. The event's texts are parts of the one that is read.
func Read(text string) (*event.Event, error) {
	e := new(event.Event)
	r := jsontext.NewReader(text)
	readEvent(&r, e)
	if err := r.End(); err != nil {
		return nil, err
	}
	return e, nil
}
