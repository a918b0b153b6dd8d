package inbox

import (
	"context"
	"fmt"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

// Own is a conversation with its sessions, as its contact may have them.
type Own struct {
	*View
	Sessions []event.Session
}

// OwnConversations returns conversations of a contact with ids above after, in the order of their ids, at most limit of them, with their newest
// 1000 sessions. What the contact's browsers do not see of a conversation is not in it; notes never are.
func (d *Desk) OwnConversations(ctx context.Context, c id.Contact, after id.Conversation, limit int) (out []Own, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		out = nil
		who, err := contact.Get(tx, c)
		if err != nil {
			return err
		}
		ids, err := ownAfter(tx, c, after, limit)
		if err != nil {
			return fmt.Errorf("conversations of contact %d: %w", c, err)
		}
		for _, one := range ids {
			s, err := read(tx, one)
			if err != nil {
				return err
			}
			views, err := visible(tx, who, s.ID, s)
			if err != nil {
				return err
			}
			own := Own{View: views[0]}
			if s.shown() == s.MessageCount { // of one that goes on elsewhere nobody can say which session the contact knows of
				if own.Sessions, err = sessions(tx, s, maxListedSessions, false); err != nil {
					return err
				}
			}
			out = append(out, own)
		}
		return nil
	})
	return out, err
}

// OwnMessages returns the messages of a contact's conversation with numbers above after, oldest first, at most limit of them, as the contact sees
// them, and whether there are more. A foreign conversation is not found.
func (d *Desk) OwnMessages(ctx context.Context, c id.Contact, conversation id.Conversation, after, limit int) (list []*event.Message, more bool, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		s, err := getState(tx, conversation)
		if err != nil {
			return err
		}
		if s.Contact.ID != c || s.secret() {
			return fault.Newf(fault.ConversationNotFound, "there is no conversation %d", conversation)
		}
		if list, err = messagesAfter(tx, conversation, after, s.shown(), false, limit+1); err != nil {
			return fmt.Errorf("messages of conversation %d: %w", conversation, err)
		}
		if more = len(list) > limit; more {
			list = list[:limit]
		}
		for _, m := range list {
			m.State = s.messageState(m)
		}
		return nil
	})
	return list, more, err
}
