package inbox

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

// HookTranscript is the name of a widget's webhook that takes transcripts.
const HookTranscript = "transcript"

// Limits of the words that somebody sends along with a transcript.
const (
	MaxExtra     = 50
	MaxExtraWord = 200 // characters
)

// reviewWait is how long a transcript waits for the contact's review (event.TranscriptOnReview).
const reviewWait = 10 * time.Minute

// SendToWebhook sends the transcript to the widget's webhook at once, before the conversation's end, too, with words that the operator wants
// to go along: at most MaxExtra of MaxExtraWord characters (S-123, S-154). Faults: hook.missing where the widget has no such webhook,
// field.invalid, text.invalid and text.too_long at extra.
func (d *Desk) SendToWebhook(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, extra []string) (*View, error) {
	if len(extra) > MaxExtra {
		return nil, fault.Newf(fault.FieldInvalid, "at most %d words go along with a transcript", MaxExtra).At("extra")
	}
	for _, word := range extra {
		switch {
		case !utf8.ValidString(word) || slices.Contains([]byte(word), 0):
			return nil, fault.New(fault.TextInvalid, "a word holds a NUL character or is not UTF-8").At("extra")
		case utf8.RuneCountInString(word) > MaxExtraWord:
			return nil, fault.Newf(fault.TextTooLong, "a word can have %d characters", MaxExtraWord).At("extra")
		}
	}
	return d.change(ctx, by, key, conversation, func(tx *db.Tx, s *state) ([]*event.Event, error) {
		if err := s.notErased(); err != nil {
			return nil, err
		}
		ok, err := d.hooked(tx, s, HookTranscript)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fault.New(fault.HookMissing, "the widget has no webhook for transcripts: an admin has to set its URL in the widget's settings first")
		}
		e := s.base(event.TranscriptRequested, tx.Now(), by.Party())
		if err := withConversation(tx, s, e); err != nil {
			return nil, err
		}
		return []*event.Event{e}, s.sendTo(tx, e, extra)
	})
}

func (d *Desk) hooked(tx *db.Tx, s *state, hook string) (bool, error) {
	if d.Hooked == nil {
		return false, nil
	}
	ok, err := d.Hooked(tx, s.snapshot(), hook)
	if err != nil {
		return false, fmt.Errorf("webhook %s of widget %d: %w", hook, s.Widget.ID, err)
	}
	return ok, nil
}

// conclude is end, and what the widget wants to happen then: the transcript goes to its webhook, at once or after the contact's review
// (S-123).
func (d *Desk) conclude(tx *db.Tx, s *state, by event.Party, reason string) ([]*event.Event, error) {
	events, err := end(tx, s, by, reason)
	if err != nil || s.transcript == event.TranscriptOff {
		return events, err
	}
	ended := events[len(events)-1]
	if !slices.ContainsFunc(ended.Messages, told) {
		return events, nil
	}
	if ok, err := d.hooked(tx, s, HookTranscript); err != nil || !ok {
		return events, err
	}
	if s.transcript == event.TranscriptOnReview {
		asks, err := s.asks(tx)
		if err != nil {
			return nil, err
		}
		if asks {
			s.transcriptDue = tx.Now().Add(reviewWait)
			return events, nil
		}
	}
	e := s.base(event.TranscriptRequested, tx.Now(), by)
	e.Messages, e.Sessions, e.Notes = ended.Messages, ended.Sessions, ended.Notes
	return append(events, e), s.sendTo(tx, e, nil)
}

// asks reports whether the contact will be asked what they think: where nobody asks, no review is worth waiting for.
func (s *state) asks(tx *db.Tx) (bool, error) {
	if s.Channel.Type != event.ChannelWebsite {
		return false, nil
	}
	w, err := widget.Get(tx, s.Widget.ID)
	if err != nil {
		return false, fmt.Errorf("widget of conversation %d: %w", s.ID, err)
	}
	return w.RatingForm != "" || w.AskFeedback, nil
}

// told reports whether a message says something to somebody.
func told(m event.Message) bool { return m.Said() && m.DeletedAt.IsZero() }

// sendTo completes the event of a transcript, which has the whole conversation: with words, and with whose it is.
func (s *state) sendTo(tx *db.Tx, e *event.Event, extra []string) (err error) {
	e.Extra = extra
	if o := s.ender(e.Messages); o != 0 {
		known := map[id.Operator]*event.Operator{s.operatorID: s.Operator}
		e.Ender, err = operator(tx, known, o)
	}
	return err
}

// ender is the operator whose conversation it was: who ended it, else who answered last, 0 for nobody (S-152).
func (s *state) ender(messages []event.Message) id.Operator {
	if s.Status == event.StatusEnded {
		for _, m := range slices.Backward(messages) {
			if m.Entry == nil || m.Entry.Name != entryEnded {
				continue
			}
			if by := m.Entry.By; by != nil && by.Type == event.ByOperator {
				return id.Operator(by.ID)
			}
			break
		}
	}
	for _, m := range slices.Backward(messages) {
		if m.Said() && m.Sender.Type == event.ByOperator {
			return id.Operator(m.Sender.ID)
		}
	}
	return 0
}

// waiting is the event of a transcript that has waited for the contact's review long enough; nil where the webhook is gone.
func (d *Desk) waiting(tx *db.Tx, s *state, by event.Party) (*event.Event, error) {
	s.transcriptDue = time.Time{}
	if ok, err := d.hooked(tx, s, HookTranscript); err != nil || !ok {
		return nil, err
	}
	e := s.base(event.TranscriptRequested, tx.Now(), by)
	if err := withConversation(tx, s, e); err != nil {
		return nil, err
	}
	return e, s.sendTo(tx, e, nil)
}
