package inbox

import (
	"fmt"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// transcriptPage is how many messages of a transcript are read at once.
const transcriptPage = 500

// TranscriptOf returns what contact and operators see of a conversation, with numbers from first to last, oldest first and with files, as
// part of tx: messages and thread entries over all sessions (S-029). Notes are not among them, nor what was deleted. Without all, what
// happened on another channel than the website is left out, see event.Conversation.HiddenFrom.
func (d *Desk) TranscriptOf(tx *db.Tx, conversation id.Conversation, first, last int, all bool) ([]*event.Message, error) {
	s, err := read(tx, conversation)
	if err != nil {
		return nil, err
	}
	if !all && s.HiddenFrom > 0 {
		last = min(last, s.HiddenFrom-1)
	}
	var out []*event.Message
	for after := first - 1; after < last; {
		list, err := messagesAfter(tx, conversation, after, last, false, transcriptPage)
		if err != nil {
			return nil, fmt.Errorf("transcript of conversation %d: %w", conversation, err)
		}
		for _, m := range list {
			after = m.Number
			if !m.DeletedAt.IsZero() {
				continue
			}
			m.State = s.messageState(m)
			out = append(out, m)
		}
		if len(list) < transcriptPage {
			break
		}
	}
	return out, nil
}

// Hold locks a conversation until tx ends and returns it as it is; a fault conversation.not_found when there is none. Who appends an event
// about a conversation from outside this package holds it, so that the events of a conversation are in order.
func (d *Desk) Hold(tx *db.Tx, conversation id.Conversation) (*event.Conversation, error) {
	s, err := load(tx, conversation)
	if err != nil {
		return nil, err
	}
	return s.snapshot(), nil
}

// AsItIs returns a conversation as tx sees it, without a lock.
func (d *Desk) AsItIs(tx *db.Tx, conversation id.Conversation) (*event.Conversation, error) {
	s, err := read(tx, conversation)
	if err != nil {
		return nil, err
	}
	return s.snapshot(), nil
}
