package inbox

import (
	"testing"

	"parley/internal/fault"
	"parley/internal/media"
)

// Somebody attaches a file, signs in, and sends it.
func TestAnUploadStaysWithWhoSignsIn(t *testing.T) {
	each(t, "the user is known already", func(t *testing.T, h *house) {
		h.identify(t, 0, "user-1")
		v := h.visitor(t)
		key := h.upload(t, media.Owner{Kind: media.OwnedByContact, ID: int64(v.Contact.ID)}, "report.txt")
		p := h.post("")
		p.Contact, p.Media = h.identify(t, v.Contact.ID, "user-1").Contact.ID, key
		if p.Contact == v.Contact.ID {
			t.Fatal("the user is the anonymous contact")
		}
		if out := h.send(t, p); out.Message.Media == nil || out.Message.Media.Key != key {
			t.Errorf("%+v", out.Message)
		}
	})
	each(t, "another's upload stays another's", func(t *testing.T, h *house) {
		h.identify(t, 0, "user-1")
		v, other := h.visitor(t), h.visitor(t)
		key := h.upload(t, media.Owner{Kind: media.OwnedByContact, ID: int64(other.Contact.ID)}, "report.txt")
		p := h.post("")
		p.Contact, p.Media = h.identify(t, v.Contact.ID, "user-1").Contact.ID, key
		h.refused(t, fault.MediaNotFound, "media", func() error { _, err := h.desk.PostFromContact(t.Context(), p); return err })
	})
}
