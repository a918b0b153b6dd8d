package contact

import (
	"encoding/json"
	"strings"

	"parley/internal/event"
	"parley/internal/fault"
)

// Claim is who a page's script says its user is: an id and traits, without a signature (S-134, S-135). It tells about the contact what the
// visitor could have typed as well; it merges nothing, signs nobody in and proves nothing.
type Claim struct {
	// ID is the site's own id of the user, at most MaxExternalID characters in one line; "" leaves the one that is known.
	ID string
	// Traits is a JSON object within the limits of CheckCustom, "" for none. It becomes the custom data, unless it
	// is empty: a page that tells an id alone takes nothing away. What stands at name, email and
	// phone as a text that is not empty becomes the contact's, too.
	Traits event.RawJSON
}

// Change is what the claim makes of a contact, checked. Its faults are at claimed.id and claimed.traits.
func (c Claim) Change() (Change, error) {
	var faults fault.Collect
	ch, err := Change{ClaimedID: filled(c.ID)}.Check("claimed.")
	if err != nil {
		faults.Add(fault.As(err).At("claimed.id"))
	}
	if c.Traits != "" {
		custom, err := CheckCustom([]byte(c.Traits))
		if err == nil {
			var told Change
			if told, err = traits(custom).Check("claimed.traits."); err == nil {
				ch.Name, ch.Email, ch.Phone = told.Name, told.Email, told.Phone
				if custom != "{}" {
					ch.Custom = &custom
				}
			}
		}
		if err != nil {
			one := *fault.As(err)
			one.Others = nil // all of them are about the same field
			faults.Add(one.At("claimed.traits"))
		}
	}
	return ch, faults.Err()
}

// traits is what traits say about the person. They are a JSON object.
func traits(object event.RawJSON) (ch Change) {
	var list map[string]json.RawMessage // a number among the others may be too large for any type
	if json.Unmarshal([]byte(object), &list) != nil {
		return Change{}
	}
	for name, to := range map[string]**string{"name": &ch.Name, "email": &ch.Email, "phone": &ch.Phone} {
		var text string
		if json.Unmarshal(list[name], &text) == nil {
			*to = filled(text)
		}
	}
	return ch
}

func filled(s string) *string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return &s
}

// Or is the change with what other says where it says nothing itself.
func (ch Change) Or(other Change) Change {
	for _, f := range []struct{ to, from **string }{
		{&ch.Name, &other.Name}, {&ch.Email, &other.Email}, {&ch.Phone, &other.Phone}, {&ch.ExternalID, &other.ExternalID}, {&ch.ClaimedID, &other.ClaimedID},
	} {
		if *f.to == nil {
			*f.to = *f.from
		}
	}
	if ch.Custom == nil {
		ch.Custom = other.Custom
	}
	for i := range ch.Additional {
		if ch.Additional[i] == nil {
			ch.Additional[i] = other.Additional[i]
		}
	}
	return ch
}
