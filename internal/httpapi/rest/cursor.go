package rest

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
)

// A cursor is the base64url of a letter for its list, a version and the last item's keys, with dots between. Nobody but
// this file looks inside. A cursor of one list is refused by the others.
const (
	conversationCursor = "c1"
	contactCursor      = "p1"
	deliveryCursor     = "d1"
	inboundCursor      = "i1"
	mailCursor         = "m1"
	auditCursor        = "a1"
)

// maxCursor is more than any cursor has, in bytes.
const maxCursor = 96

func encodeCursor(kind string, keys ...int64) string {
	var b strings.Builder
	b.WriteString(kind)
	for _, k := range keys {
		b.WriteByte('.')
		b.WriteString(strconv.FormatInt(k, 10))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(b.String()))
}

// decodeCursor returns the n keys of a cursor; the fault is cursor.invalid. Only what encodeCursor writes is accepted.
func decodeCursor(cursor, kind string, n int) ([]int64, error) {
	bad := fault.New(fault.CursorInvalid, "the cursor was not made by this list; start without one").At("cursor")
	if len(cursor) > maxCursor {
		return nil, bad
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return nil, bad
	}
	parts := strings.Split(string(text), ".")
	if len(parts) != n+1 || parts[0] != kind {
		return nil, bad
	}
	keys := make([]int64, n)
	for i, p := range parts[1:] {
		if keys[i], err = strconv.ParseInt(p, 10, 64); err != nil || keys[i] <= 0 {
			return nil, bad
		}
	}
	if encodeCursor(kind, keys...) != cursor {
		return nil, bad
	}
	return keys, nil
}

func encodeConversationCursor(v *inbox.View) *string {
	s := encodeCursor(conversationCursor, v.UpdatedAt.UnixMicro(), int64(v.ID))
	return &s
}

// decodeConversationCursor reads the place in a list of conversations; "" is the beginning.
func decodeConversationCursor(cursor string) (inbox.Cursor, error) {
	if cursor == "" {
		return inbox.Cursor{}, nil
	}
	keys, err := decodeCursor(cursor, conversationCursor, 2)
	if err != nil {
		return inbox.Cursor{}, err
	}
	return inbox.Cursor{UpdatedAt: time.UnixMicro(keys[0]).UTC(), ID: id.Conversation(keys[1])}, nil
}

func encodeIDCursor[T ~int64](kind string, last T) *string {
	s := encodeCursor(kind, int64(last))
	return &s
}

// decodeIDCursor reads the place in a list that is ordered by id; "" is 0, the beginning.
func decodeIDCursor[T ~int64](kind, cursor string) (T, error) {
	if cursor == "" {
		return 0, nil
	}
	keys, err := decodeCursor(cursor, kind, 1)
	if err != nil {
		return 0, err
	}
	return T(keys[0]), nil
}

// cut returns at most limit items of a list that was read with one more, and whether there was one more.
func cut[T any](list []T, limit int) ([]T, bool) {
	if len(list) > limit {
		return list[:limit], true
	}
	return list, false
}
