package inbox

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
)

// Limits of what operators note about a conversation.
const (
	MaxTags  = 20  // of one conversation
	MaxTag   = 40  // characters
	MaxTopic = 120 // characters
)

// Flag notes that the conversation shall be sent to the API add-on when its status changes, or takes that back (S-116, S-120).
// Setting the flag is refused while nobody is set up to whom it would be sent: addon.missing (S-121). The next change of the
// status, by whoever or whatever, uses the flag up and gives a requested event (S-119).
func (d *Desk) Flag(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, flagged bool) (*View, error) {
	return d.change(ctx, by, key, conversation, d.flagging(by, func(bool) bool { return flagged }))
}

// ToggleFlag is Flag to the other side of what it is now.
func (d *Desk) ToggleFlag(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation) (*View, error) {
	return d.change(ctx, by, key, conversation, d.flagging(by, func(now bool) bool { return !now }))
}

func (d *Desk) flagging(by team.Actor, to func(now bool) bool) act {
	return func(tx *db.Tx, s *state) ([]*event.Event, error) {
		flagged := to(s.Flagged)
		if flagged == s.Flagged {
			return nil, nil
		}
		if flagged {
			if err := d.taken(tx, s); err != nil {
				return nil, err
			}
		}
		s.Flagged = flagged
		return s.updated(tx, by), nil
	}
}

// taken refuses a flag that nobody would ever hear of.
func (d *Desk) taken(tx *db.Tx, s *state) error {
	if d.TakesRequested != nil {
		if ok, err := d.TakesRequested(tx, &s.Conversation); ok || err != nil {
			return err
		}
	}
	return fault.New(fault.AddonMissing, "no API add-on takes this conversation: an admin has to set up a callback URL under Add-ons > API first")
}

// updated is the event of a change that has no other.
func (s *state) updated(tx *db.Tx, by team.Actor) []*event.Event {
	return []*event.Event{s.base(event.ConversationUpdated, tx.Now(), by.Party())}
}

// SetTopic says in a line what the conversation is about; "" takes it away.
func (d *Desk) SetTopic(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, topic string) (*View, error) {
	topic, err := line(topic, MaxTopic, "topic")
	if err != nil {
		return nil, err
	}
	return d.change(ctx, by, key, conversation, func(tx *db.Tx, s *state) ([]*event.Event, error) {
		if s.Topic == topic {
			return nil, nil
		}
		s.Topic = topic
		return s.updated(tx, by), nil
	})
}

// SetTags replaces the conversation's tags. They are lines of 1 to 40 characters, at most 20 of them; of those that differ in
// the case of their letters only the first stays.
func (d *Desk) SetTags(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, tags []string) (*View, error) {
	tags, err := normalTags(tags)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, by, key, conversation, tagging(by, func([]string) []string { return tags }))
}

// ChangeTags adds tags and takes others away, and leaves the rest as they are. A tag that is there already, in whatever case of
// its letters, stays as it is written.
func (d *Desk) ChangeTags(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, add, remove []string) (*View, error) {
	do, err := retagging(by, add, remove)
	if err != nil {
		return nil, err
	}
	return d.change(ctx, by, key, conversation, do)
}

func retagging(by team.Actor, add, remove []string) (act, error) {
	add, err := normalTags(add)
	if err != nil {
		return nil, err
	}
	if remove, err = normalTags(remove); err != nil {
		return nil, err
	}
	return tagging(by, func(now []string) []string {
		kept := slices.DeleteFunc(slices.Clone(now), func(t string) bool { return hasTag(remove, t) })
		return withoutDoubles(append(kept, add...))
	}), nil
}

// tagging makes the tags what to says of those that the conversation has.
func tagging(by team.Actor, to func(now []string) []string) act {
	return func(tx *db.Tx, s *state) ([]*event.Event, error) {
		tags := to(s.Tags)
		if slices.Equal(tags, s.Tags) {
			return nil, nil
		}
		if len(tags) > MaxTags {
			return nil, tooManyTags()
		}
		if s.Tags = tags; len(tags) == 0 {
			s.Tags = nil // as a read gives it
		}
		return s.updated(tx, by), nil
	}
}

func tooManyTags() error {
	return fault.Newf(fault.FieldInvalid, "a conversation can have %d tags", MaxTags).At("tags")
}

// normalTags trims tags, drops doubles and puts them in order, or says what is wrong with one.
func normalTags(list []string) ([]string, error) {
	out := make([]string, 0, min(len(list), MaxTags))
	for _, t := range list {
		t, err := line(t, MaxTag, "tags")
		if err != nil {
			return nil, err
		}
		if t == "" {
			return nil, fault.New(fault.FieldInvalid, "a tag has at least one character").At("tags")
		}
		if !hasTag(out, t) {
			if len(out) == MaxTags {
				return nil, tooManyTags()
			}
			out = append(out, t)
		}
	}
	return withoutDoubles(out), nil
}

// withoutDoubles sorts tags as people read them; of equal ones the first stays.
func withoutDoubles(list []string) []string {
	slices.SortStableFunc(list, func(a, b string) int { return strings.Compare(caseless(a), caseless(b)) })
	return slices.CompactFunc(list, strings.EqualFold)
}

// caseless makes equal what differs in the case of its letters, as strings.EqualFold sees it.
func caseless(s string) string {
	return strings.Map(func(r rune) rune {
		first := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			first = min(first, other)
		}
		return first
	}, s)
}

func hasTag(list []string, tag string) bool {
	return slices.ContainsFunc(list, func(t string) bool { return strings.EqualFold(t, tag) })
}

// line trims what somebody typed into one line and refuses what does not fit there.
func line(s string, max int, field string) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }):
		return "", fault.New(fault.TextInvalid, "this is not one line of UTF-8 text").At(field)
	case utf8.RuneCountInString(s) > max:
		return "", fault.Newf(fault.TextTooLong, "this is longer than %d characters", max).At(field)
	}
	return s, nil
}
