package channel_test

import (
	"context"
	"testing"

	"parley/internal/contact"
	"parley/internal/db"
)

// Who deleted their data is not known on channels any more: what they write afterwards is a stranger's, and answers that waited go nowhere.
func TestErasedContactsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.make()
		first := p.post(map[string]any{"email": "ann@x.example"})
		other := p.post(map[string]any{"email": "bob@x.example"})
		// A browser comes by a mail only to who has proven the address.
		h.must(h.Inbox.DB.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { return contact.SignEmail(tx, first.Contact, "ann@x.example") }))
		h.must(h.Inbox.EraseContact(t.Context(), contact.Visitor{Contact: first.Contact, Mailed: true}))
		if list, err := h.Channels.Addresses(t.Context(), first.Contact); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		if list, err := h.Channels.Addresses(t.Context(), other.Contact); err != nil || len(list) != 1 {
			t.Errorf("somebody else: %+v, %v", list, err)
		}
		again := p.post(map[string]any{"email": "ann@x.example"})
		if again.Contact == first.Contact || again.Conversation == first.Conversation {
			t.Errorf("%+v after %+v", again, first)
		}
		if got := h.contact(first.Contact); got.Email != "" {
			t.Errorf("%+v", got)
		}
	})
}
