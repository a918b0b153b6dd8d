package media

import (
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
)

// EraseConversation forgets every file of a conversation's messages and the link cards that no other conversation shows, as part of tx, before
// the messages lose them. Bytes go as Remove says; what a file was called and where it came from goes at once.
func (d *Desk) EraseConversation(tx *db.Tx, conversation id.Conversation) error {
	if err := eraseFiles(tx, conversation, tx.Now().Add(removedFor)); err != nil {
		return fmt.Errorf("erase the files of conversation %d: %w", conversation, err)
	}
	images, err := eraseCards(tx, conversation)
	if err != nil {
		return fmt.Errorf("erase the link cards of conversation %d: %w", conversation, err)
	}
	for _, image := range images {
		if image == 0 {
			continue
		}
		if err := d.Remove(tx, image); err != nil {
			return err
		}
	}
	return nil
}

// EraseUploads forgets the uploads of an owner that no message has taken, as part of tx.
func (d *Desk) EraseUploads(tx *db.Tx, owner Owner) error {
	if err := eraseUploads(tx, owner, tx.Now().Add(removedFor)); err != nil {
		return fmt.Errorf("erase the uploads of %s: %w", owner, err)
	}
	return nil
}
