package inbox

import (
	"errors"
	"fmt"
	"math"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// transcriptPage is how many messages of a transcript are read at once.
const transcriptPage = 500

// TranscriptOf returns what contact and operators see of a conversation, with numbers from first to last, oldest first and with files, as
// part of tx: messages and thread entries over all sessions (S-029). Notes are not among them; of what was deleted the place is. Without all, what
// happened on another channel than the website is left out, see event.Conversation.HiddenFrom.
func (d *Desk) TranscriptOf(tx *db.Tx, conversation id.Conversation, first, last int, all bool) ([]*event.Message, error) {
	return d.TranscriptWithin(tx, conversation, first, last, all, math.MaxInt)
}

// ErrTranscriptTooLong says that a conversation holds more than the caller can take.
var ErrTranscriptTooLong = errors.New("the conversation is too long")

// TranscriptWithin is TranscriptOf for a caller who can take no more than most bytes of texts; where there are more, the error is
// ErrTranscriptTooLong, and little more than that was read. A message counts for at least 1 KiB: what stands around its text takes room, too.
func (d *Desk) TranscriptWithin(tx *db.Tx, conversation id.Conversation, first, last int, all bool, most int) ([]*event.Message, error) {
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
			if most -= max(len(m.Body), 1<<10); most < 0 {
				return nil, ErrTranscriptTooLong
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

// OpensHidden reports, as part of tx, whether what happened in a conversation on another channel than the website (event.Conversation.HiddenFrom)
// may be shown to who has this e-mail address. That somebody proved the address is not enough: anybody can begin on the website as a contact whom a
// channel finds by a typed address, and prove another one. It has to be the address by which the channel reaches the contact, or that of a
// contact with an external id whose address the site or an operator vouched for. A conversation without a hidden part opens to everybody; the fault for
// an unknown one is conversation.not_found.
func (d *Desk) OpensHidden(tx *db.Tx, conversation id.Conversation, address string) (bool, error) {
	s, err := read(tx, conversation)
	if err != nil {
		return false, err
	}
	if s.HiddenFrom == 0 {
		return true, nil
	}
	if address, err = contact.NormalEmail(address); err != nil || address == "" {
		return false, nil
	}
	if s.Contact.ExternalID != "" {
		signed, err := contact.SignedEmail(tx, s.Contact.ID)
		if err != nil || signed == address {
			return err == nil, err
		}
	}
	if s.address == 0 {
		return false, nil
	}
	email, err := emailOfAddress(tx, s.address)
	if err != nil {
		return false, fmt.Errorf("e-mail address of channel address %d: %w", s.address, err)
	}
	return email == address, nil
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
