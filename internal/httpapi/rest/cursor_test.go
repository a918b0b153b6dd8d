package rest

import (
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
)

func TestACursorComesBackAsItWas(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 123456000, time.UTC)
	v := &inbox.View{Conversation: &event.Conversation{ID: 42, UpdatedAt: at}}
	got, err := decodeConversationCursor(*encodeConversationCursor(v))
	if want := (inbox.Cursor{UpdatedAt: at, ID: 42}); err != nil || got != want {
		t.Errorf("got %v %v, want %v", got, err, want)
	}
	if got, err := decodeIDCursor[id.Contact](contactCursor, *encodeIDCursor(contactCursor, id.Contact(7))); err != nil || got != 7 {
		t.Errorf("got %v %v", got, err)
	}
	if got, err := decodeIDCursor[id.Contact](contactCursor, ""); err != nil || got != 0 {
		t.Errorf("no cursor: got %v %v", got, err)
	}
}

func TestACursorOfAnotherListIsRefused(t *testing.T) {
	for _, c := range []string{
		encodeCursor(deliveryCursor, 7), encodeCursor(contactCursor, 7, 8), encodeCursor(contactCursor), encodeCursor(contactCursor, 0), encodeCursor(contactCursor, -7),
		encodeCursor(contactCursor, 7) + "=", "cDEuNw\n", "p1.7", "cDEuMDc", // "p1.07"
	} {
		if _, err := decodeIDCursor[id.Contact](contactCursor, c); !fault.Is(err, fault.CursorInvalid) {
			t.Errorf("cursor %q: %v", c, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(encodeCursor(conversationCursor, 1795341600123456, 42))
	f.Add(encodeCursor(contactCursor, 7))
	f.Add("YzEuMS4y")
	f.Fuzz(func(t *testing.T, cursor string) {
		for kind, n := range map[string]int{conversationCursor: 2, contactCursor: 1, deliveryCursor: 1} {
			keys, err := decodeCursor(cursor, kind, n)
			if err != nil {
				if !fault.Is(err, fault.CursorInvalid) {
					t.Fatalf("cursor %q: %v", cursor, err)
				}
				continue
			}
			if again := encodeCursor(kind, keys...); again != cursor {
				t.Fatalf("cursor %q was read as %v, which is %q", cursor, keys, again)
			}
		}
	})
}
