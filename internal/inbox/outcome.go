package inbox

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/widget"
)

// MaxFeedback is the length of a feedback in characters.
const MaxFeedback = 5000

// Rate stores how a contact rates the latest session of one of their conversations, whether it is still open or not: 1 to 5,
// where the widget shows thumbs 1 (down) or 5 (up). Another value replaces the first and is told again, the same one changes
// nothing (S-106). review.given follows after ten seconds without another one, or after two minutes without a comment where the widget asks for
// one; of those after a comment only the first is told, with no second wait for a comment (S-127). A conversation of somebody else is not found.
func (d *Desk) Rate(ctx context.Context, c id.Contact, conversation id.Conversation, value int) (*View, error) {
	if value < 1 || value > 5 {
		return nil, fault.New(fault.FieldInvalid, "value must be a number from 1 to 5").At("value")
	}
	return d.outcome(ctx, c, conversation, func(tx *db.Tx, s *state, w *event.Widget, by event.Party) ([]*event.Event, error) {
		switch w.RatingForm {
		case "":
			return nil, fault.New(fault.WidgetNotAsked, "this widget asks for no rating")
		case event.RateThumbs:
			if value != 1 && value != 5 {
				return nil, fault.New(fault.FieldInvalid, "this widget shows thumbs: value must be 1 or 5").At("value")
			}
		}
		rating := event.Rating{Value: value, Form: w.RatingForm}
		if before := s.session.Rating; before != nil && before.Value == value {
			return nil, nil
		}
		first := s.session.Rating == nil
		s.session.Rating, s.Rating = &rating, value
		events, err := said(tx, s, by, event.RatingGiven, &event.Message{Type: event.TypeRating, Entry: &event.Entry{Name: entryRating, Rating: &rating}})
		if err != nil {
			return nil, err
		}
		rated(tx, s, w, first)
		return events, nil
	})
}

// Feedback stores what a contact thinks of the latest session of one of their conversations: 1 to MaxFeedback characters, with
// or after a rating or without one (S-107). Another text replaces the first and is told again, the same one changes nothing.
func (d *Desk) Feedback(ctx context.Context, c id.Contact, conversation id.Conversation, text string) (*View, error) {
	text = strings.TrimSpace(text)
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return nil, fault.New(fault.TextInvalid, "the text holds a NUL character or is not UTF-8").At("text")
	case text == "":
		return nil, fault.New(fault.FieldRequired, "the text is empty").At("text")
	case len(text) > 4*MaxFeedback || utf8.RuneCountInString(text) > MaxFeedback:
		return nil, fault.Newf(fault.TextTooLong, "a feedback can have %d characters", MaxFeedback).At("text")
	}
	return d.outcome(ctx, c, conversation, func(tx *db.Tx, s *state, w *event.Widget, by event.Party) ([]*event.Event, error) {
		if !w.AskFeedback {
			return nil, fault.New(fault.WidgetNotAsked, "this widget asks for no feedback")
		}
		if s.session.Feedback == text {
			return nil, nil
		}
		s.session.Feedback = text
		events, err := said(tx, s, by, event.FeedbackGiven, &event.Message{Type: event.TypeFeedback, Body: text, Entry: &event.Entry{Name: entryFeedback}})
		if err != nil {
			return nil, err
		}
		more, err := d.reviewed(tx, s, by, events[0])
		return append(events, more...), err
	})
}

// AnswerSurvey stores which option of the widget's survey a contact chose, once for each session and only after the conversation
// was set to ended (S-108). The same option again changes nothing.
func (d *Desk) AnswerSurvey(ctx context.Context, c id.Contact, conversation id.Conversation, option string) (*View, error) {
	return d.outcome(ctx, c, conversation, func(tx *db.Tx, s *state, w *event.Widget, by event.Party) ([]*event.Event, error) {
		if before := s.session.Survey; before != nil {
			if before.Option == option {
				return nil, nil
			}
			return nil, fault.New(fault.SurveyAnswered, "the survey was answered before; an answer holds until the next session")
		}
		if s.Status != event.StatusEnded {
			return nil, fault.Newf(fault.ConversationNotEnded, "conversation %d has not ended; the survey comes after it", conversation)
		}
		if w.Survey == nil {
			return nil, fault.New(fault.WidgetNotAsked, "this widget has no survey")
		}
		if !slices.Contains(w.Survey.Options, option) {
			return nil, fault.Newf(fault.FieldInvalid, "%.100q is none of the survey's options", option).At("option")
		}
		answer := event.Survey{Question: w.Survey.Question, Option: option}
		s.session.Survey = &answer
		return said(tx, s, by, event.SurveyAnswered, &event.Message{Type: event.TypeSurvey, Entry: &event.Entry{Name: entrySurvey, Survey: &answer}})
	})
}

// outcome runs fn on a conversation of the contact that has a session, with its widget, and returns what the contact sees then.
func (d *Desk) outcome(ctx context.Context, c id.Contact, conversation id.Conversation, fn func(tx *db.Tx, s *state, w *event.Widget, by event.Party) ([]*event.Event, error)) (v *View, err error) {
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		s, err := d.changeOwn(ctx, tx, c, conversation, func(s *state, by event.Party) ([]*event.Event, error) {
			if err := s.notMoved(); err != nil {
				return nil, err
			}
			if s.session == nil {
				return nil, fault.Newf(fault.ConversationStatus, "conversation %d has no session yet", conversation)
			}
			w, err := widget.Get(tx, s.Widget.ID)
			if err != nil {
				return nil, err
			}
			return fn(tx, s, w, by)
		})
		if err != nil {
			return err
		}
		views, err := visible(tx, &s.Contact, conversation, s)
		if err != nil {
			return err
		}
		v = views[0]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// said puts what the contact said about the latest session into the thread and tells it, with all of the session.
func said(tx *db.Tx, s *state, by event.Party, kind event.Type, m *event.Message) ([]*event.Event, error) {
	s.session.dirty = true
	m.Sender, m.Entry.By = by, &by
	if err := put(tx, s, m); err != nil {
		return nil, err
	}
	e := s.base(kind, tx.Now(), by)
	e.Message = m
	return []*event.Event{e}, withSession(tx, s, e)
}
