package rest

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/event"
)

// timeForm is how every time is written: RFC 3339, UTC, always six digits of a second.
const timeForm = "2006-01-02T15:04:05.000000Z"

func wireTime(t time.Time) string { return t.UTC().Format(timeForm) }

// wireTimeOrNull is wireTime, or null for the zero time.
func wireTimeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := wireTime(t)
	return &s
}

func wireID[T ~int64](v T) int64 { return int64(v) }

// wireIDOrNull is wireID, or null for 0.
func wireIDOrNull[T ~int64](v T) *int64 {
	if v == 0 {
		return nil
	}
	n := int64(v)
	return &n
}

// wireIDs is never null.
func wireIDs[T ~int64](list []T) []int64 {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

// wireList maps a list; the result is never null.
func wireList[From, To any](list []From, one func(From) To) []To {
	out := make([]To, len(list))
	for i, v := range list {
		out[i] = one(v)
	}
	return out
}

func wireStringOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// jsonObject is a JSON object that is passed on as it was stored.
type jsonObject event.RawJSON

// MarshalJSON implements json.Marshaler; an empty text is an empty object.
func (o jsonObject) MarshalJSON() ([]byte, error) { return event.RawJSON(o).MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (o *jsonObject) UnmarshalJSON(b []byte) error {
	*o = jsonObject(b)
	return nil
}

// Schema implements huma.SchemaProvider.
func (jsonObject) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// stringMap is an object of strings that is never null.
type stringMap map[string]string
