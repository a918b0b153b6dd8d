package inbox

import (
	"context"
	"fmt"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/widget"
)

// SignedIn is the answer to SignInByMail.
type SignedIn struct {
	Identified
	// Conversation is where the browser goes, 0 for nowhere in particular.
	Conversation id.Conversation
}

// SignInByMail gives a browser that shows the link or the code of a mail a token of the contact whom the mail went to (S-038, S-040). That uses
// up both. key makes the secrets of ways to sign in. The first time an address is proven, every older access to its contact ends. An anonymous
// contact (0 for none) hands its conversations of the website over, as in Identify; one that another address is known of is somebody else and keeps
// everything. So it does where a link is shown, unless asked, the address that this browser asked for a mail at, is the one that the link went to:
// somebody may have sent the visitor a link of their own, to read what the visitor wrote. asked counts as an address in any spelling; "" is none.
//
// Faults: reauth.invalid, whatever is wrong with the link or code; reauth.off where the widget takes nobody whom its site has not signed in.
func (d *Desk) SignInByMail(ctx context.Context, widgetKey string, anonymous id.Contact, linkOrCode, asked string, key []byte, userAgent string) (*SignedIn, error) {
	var out SignedIn
	err := d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		out = SignedIn{}
		w, err := widget.ByKey(tx, widgetKey)
		if err != nil {
			return err
		}
		if w.IdentityRequired {
			return fault.New(fault.ReauthOff, "this widget takes only visitors whom its site signs in")
		}
		way, c, err := contact.UseReauth(tx, key, linkOrCode, w.ID)
		if err != nil {
			return err
		}
		var old *event.Contact
		if anonymous != 0 && anonymous != c.ID && (way.ByCode || wanted(asked, way.Address)) {
			if old, err = guestOf(tx, anonymous, way.Address); err != nil {
				return err
			}
		}
		if err := contact.ProveAddress(tx, c.ID, way.Address); err != nil {
			return err
		}
		if old != nil {
			if err := contact.RevokeTokens(tx, old.ID); err != nil {
				return fmt.Errorf("revoke tokens of contact %d: %w", old.ID, err)
			}
			if err := d.handConversations(ctx, tx, old, c); err != nil {
				return err
			}
		}
		if way.Conversation != 0 {
			if out.Conversation, err = goesTo(tx, way.Conversation, c.ID); err != nil {
				return err
			}
		}
		if out.Token, err = contact.NewToken(tx, c.ID, w.ID, contact.Browser{UserAgent: userAgent, Mailed: true}); err != nil {
			return err
		}
		out.Contact = c
		return contact.PruneTokens(tx, c.ID)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// wanted reports whether a browser asked for a mail at just this address.
func wanted(asked, address string) bool {
	asked, err := contact.NormalEmail(asked)
	return err == nil && asked != "" && asked == address
}

// guestOf locks the anonymous contact of a browser whose visitor has turned out to be the owner of an address; nil where it is somebody: a user of
// the site, or one who gave another address.
func guestOf(tx *db.Tx, anonymous id.Contact, address string) (*event.Contact, error) {
	old, err := contact.LockLive(tx, anonymous)
	if fault.Is(err, fault.ContactNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	signed, err := contact.SignedEmail(tx, old.ID)
	if err != nil {
		return nil, err
	}
	if old.ExternalID != "" || old.Email != "" && old.Email != address || signed != "" && signed != address {
		return nil, nil
	}
	return old, nil
}

// goesTo is the conversation where it is still the contact's and its browsers know of it, else 0.
func goesTo(tx *db.Tx, conversation id.Conversation, c id.Contact) (id.Conversation, error) {
	s, err := getState(tx, conversation)
	if fault.Is(err, fault.ConversationNotFound) || err == nil && (s.Contact.ID != c || s.secret()) {
		return 0, nil
	}
	return conversation, err
}
