package inbox

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

// Whatever contacts, operators, tokens and the clock do, in whatever order: the invariants of doc.go hold, a refusal is a
// documented one, and who replays the feed knows what the tables say.
func TestRandomCommandsKeepTheInvariants(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		rapid.Check(undated{t}, func(rt *rapid.T) { newScript(t, h).play(rt) })
	})
}

// undated hides the test's deadline, which does not exist inside a bubble.
type undated struct{ testing.TB }

// script is one random run in a house that earlier runs have used.
type script struct {
	t        *testing.T
	h        *house
	contacts []id.Contact
	convs    []id.Conversation
	run      int
	channel  event.Channel
}

func newScript(t *testing.T, h *house) *script {
	h.messages++
	if h.channels == nil {
		h.channels = []event.Channel{h.channel(t, "Messenger")}
	}
	return &script{t: t, h: h, run: h.messages, channel: h.channels[0]}
}

func (s *script) play(rt *rapid.T) {
	actions := []func(*rapid.T) error{s.write, s.write, s.write, s.post, s.post, s.read, s.mark, s.assign, s.forward, s.end, s.endByContact, s.reopen, s.status, s.page, s.rate, s.feedback, s.survey, s.goal, s.identify,
		s.change, s.presence, s.sleep, s.again, s.flag, s.flag, s.tags, s.topic, s.bulk,
		s.writeFile, s.postFile, s.overChannel, s.overChannel, s.start, s.move, s.state, s.state, s.edit, s.delete, s.separate,
		s.patience, s.due, s.due, s.leave, s.invited, s.discard, s.transcript, s.choices}
	for range rapid.IntRange(4, 16).Draw(rt, "steps") {
		err := rapid.SampledFrom(actions).Draw(rt, "action")(rt)
		switch f := fault.As(err); {
		case err == nil:
		case f.Code == fault.InternalError:
			rt.Fatalf("%v", err)
		case f.Code == fault.MessageNotYours:
		case f.Kind() != fault.Conflict && f.Kind() != fault.NotFound && f.Kind() != fault.Invalid:
			rt.Fatalf("an unexpected refusal: %v", err)
		}
	}
	s.h.check(rt)
}

func (s *script) contact(rt *rapid.T) id.Contact {
	if len(s.contacts) == 0 {
		return 0
	}
	return rapid.SampledFrom(s.contacts).Draw(rt, "contact")
}

func (s *script) conversation(rt *rapid.T) id.Conversation {
	if len(s.convs) == 0 {
		return 1 << 40
	}
	return rapid.SampledFrom(s.convs).Draw(rt, "conversation")
}

func (s *script) actor(rt *rapid.T) team.Actor {
	return rapid.SampledFrom([]team.Actor{s.h.ann, s.h.bob, s.h.carl, s.h.token}).Draw(rt, "actor")
}

func (s *script) write(rt *rapid.T) error {
	p := s.h.post(rapid.StringMatching(`[a-z<>"\\🙂]{1,20}`).Draw(rt, "text"))
	if len(s.contacts) == 3 || rapid.Bool().Draw(rt, "known") {
		p.Contact = s.contact(rt)
	}
	if rapid.Bool().Draw(rt, "aimed") {
		p.Conversation, p.Reopen = s.conversation(rt), rapid.Bool().Draw(rt, "reopen")
	}
	out, err := s.h.desk.PostFromContact(s.t.Context(), p)
	if err != nil {
		return err
	}
	if p.Contact == 0 {
		s.contacts = append(s.contacts, out.Contact.ID)
	}
	if len(s.convs) == 0 || s.convs[len(s.convs)-1] < out.Conversation.ID {
		s.convs = append(s.convs, out.Conversation.ID)
	}
	s.h.same(s.t, out.Conversation)
	return nil
}

// upload brings a file in for a contact, or for an operator.
func (s *script) upload(rt *rapid.T, owner media.Owner) string {
	return s.h.upload(s.t, owner, fmt.Sprintf("file-%s.txt", rapid.StringMatching(`[a-z]{3}`).Draw(rt, "name")))
}

func (s *script) writeFile(rt *rapid.T) error {
	p := s.h.post(rapid.SampledFrom([]string{"", "see here"}).Draw(rt, "caption"))
	if p.Contact = s.contact(rt); p.Contact != 0 {
		p.Media = s.upload(rt, rapid.SampledFrom([]media.Owner{{Kind: media.OwnedByContact, ID: int64(p.Contact)}, {Kind: media.OwnedByWidget, ID: int64(s.h.widget.ID)}}).Draw(rt, "owner"))
	} else {
		p.Media = s.upload(rt, media.Owner{Kind: media.OwnedByWidget, ID: int64(s.h.widget.ID)})
	}
	out, err := s.h.desk.PostFromContact(s.t.Context(), p)
	if err != nil {
		return err
	}
	if p.Contact == 0 && len(s.contacts) < 3 {
		s.contacts = append(s.contacts, out.Contact.ID)
	}
	s.met(out.Conversation.ID)
	s.h.same(s.t, out.Conversation)
	return nil
}

func (s *script) met(c id.Conversation) {
	if !slices.Contains(s.convs, c) {
		s.convs = append(s.convs, c)
		slices.Sort(s.convs)
	}
}

func (s *script) postFile(rt *rapid.T) error {
	by := s.actor(rt)
	out, err := s.h.desk.Post(s.t.Context(), by, once.Key{}, Post{Conversation: s.conversation(rt), Note: rapid.Bool().Draw(rt, "note"), Media: s.upload(rt, uploader(by))})
	if err != nil {
		return err
	}
	return s.answered(out.Conversation, nil)
}

func (s *script) overChannel(rt *rapid.T) error {
	p := ChannelPost{Channel: s.channel, Widget: s.h.widget.ID, Contact: s.contact(rt), Body: "over the channel"}
	if rapid.Bool().Draw(rt, "automatic") {
		p.AutoReply = func(string) string { return "Thank you" }
	}
	out, err := s.h.overChannel(s.t, p)
	if err == nil {
		s.met(out.Conversation)
	}
	return err
}

func (s *script) start(rt *rapid.T) error {
	c, _, err := s.h.startOn(s.t, s.actor(rt), ChannelStart{Channel: s.channel, Widget: s.h.widget.ID, Contact: s.contact(rt), Body: "Hello there"})
	if err == nil {
		s.met(c)
	}
	return err
}

func (s *script) move(rt *rapid.T) error {
	return s.h.move(s.t, s.contact(rt), s.conversation(rt), s.channel, "It goes on here")
}

func (s *script) separate(rt *rapid.T) error {
	return s.h.hand(s.t, s.channel.ID, s.contact(rt), s.contact(rt))
}

// message draws a message of a conversation.
func (s *script) message(rt *rapid.T) (id.Conversation, id.Message) {
	c := s.conversation(rt)
	list, err := s.h.desk.Messages(s.t.Context(), c, Range{Limit: 1000})
	if err != nil || len(list.Messages) == 0 {
		return c, 1 << 40
	}
	return c, rapid.SampledFrom(list.Messages).Draw(rt, "message").ID
}

func (s *script) state(rt *rapid.T) error {
	c, m := s.message(rt)
	return s.h.setState(s.t, c, m, event.MessageState(rapid.IntRange(0, 4).Draw(rt, "state")), "given_up", rapid.SampledFrom([]string{"", "busy"}).Draw(rt, "reason"))
}

func (s *script) edit(rt *rapid.T) error {
	c, m := s.message(rt)
	out, err := s.h.desk.EditMessage(s.t.Context(), s.actor(rt), once.Key{}, c, m, rapid.SampledFrom([]string{"", "edited", "edited again"}).Draw(rt, "text"))
	if err != nil {
		return err
	}
	return s.answered(out.Conversation, nil)
}

func (s *script) delete(rt *rapid.T) error {
	c, m := s.message(rt)
	out, err := s.h.desk.DeleteMessage(s.t.Context(), s.actor(rt), once.Key{}, c, m)
	if err != nil {
		return err
	}
	return s.answered(out.Conversation, nil)
}

func (s *script) answered(v *View, err error) error {
	if err == nil {
		s.h.same(s.t, v)
	}
	return err
}

func (s *script) post(rt *rapid.T) error {
	out, err := s.h.desk.Post(s.t.Context(), s.actor(rt), once.Key{}, Post{Conversation: s.conversation(rt), Body: "answer", Note: rapid.Bool().Draw(rt, "note")})
	if err != nil {
		return err
	}
	return s.answered(out.Conversation, nil)
}

func (s *script) read(rt *rapid.T) error {
	return s.h.desk.Read(s.t.Context(), s.actor(rt), s.conversation(rt), rapid.IntRange(0, 12).Draw(rt, "number"))
}

func (s *script) mark(rt *rapid.T) error {
	return s.h.desk.MarkByContact(s.t.Context(), s.contact(rt), s.conversation(rt), rapid.IntRange(0, 12).Draw(rt, "delivered"), rapid.IntRange(0, 12).Draw(rt, "read"))
}

func (s *script) assign(rt *rapid.T) error {
	return s.answered(s.h.desk.Assign(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt), s.actor(rt).Operator))
}

func (s *script) forward(rt *rapid.T) error {
	to := s.actor(rt).Operator
	group := id.Group(0)
	if to == 0 {
		group = s.h.group.ID
	}
	return s.answered(s.h.desk.Forward(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt), to, group, rapid.SampledFrom([]string{"", "note"}).Draw(rt, "note")))
}

func (s *script) end(rt *rapid.T) error {
	return s.answered(s.h.desk.End(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt)))
}

func (s *script) endByContact(rt *rapid.T) error {
	return s.answered(s.h.desk.EndByContact(s.t.Context(), s.contact(rt), s.conversation(rt)))
}

func (s *script) reopen(rt *rapid.T) error {
	return s.answered(s.h.desk.Reopen(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt)))
}

func (s *script) status(rt *rapid.T) error {
	return s.answered(s.h.desk.SetStatus(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt), rapid.SampledFrom([]string{event.StatusOpen, event.StatusPending}).Draw(rt, "status")))
}

func (s *script) flag(rt *rapid.T) error {
	if rapid.Bool().Draw(rt, "toggle") {
		return s.answered(s.h.desk.ToggleFlag(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt)))
	}
	return s.answered(s.h.desk.Flag(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt), rapid.Bool().Draw(rt, "flagged")))
}

func (s *script) tags(rt *rapid.T) error {
	tags := rapid.SliceOfN(rapid.SampledFrom([]string{"vip", "VIP", " a b", "Ärger", "ärger", "z", "\n", ""}), 0, 3)
	switch rapid.IntRange(0, 1).Draw(rt, "way") {
	case 0:
		return s.answered(s.h.desk.SetTags(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt), tags.Draw(rt, "tags")))
	}
	return s.answered(s.h.desk.ChangeTags(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt), tags.Draw(rt, "add"), tags.Draw(rt, "remove")))
}

func (s *script) topic(rt *rapid.T) error {
	return s.answered(s.h.desk.SetTopic(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt), rapid.SampledFrom([]string{"", "Return", "Refund"}).Draw(rt, "topic")))
}

func (s *script) bulk(rt *rapid.T) error {
	b := Bulk{
		Action:        rapid.SampledFrom([]string{BulkSend, BulkUnsend, BulkEnd, BulkReopen, BulkAssign, BulkForward, BulkTag, BulkUntag, "dance"}).Draw(rt, "bulk"),
		Conversations: append(slices.Clone(s.convs), 1<<40), Operator: s.actor(rt).Operator, Tags: []string{"bulk"},
	}
	list, err := s.h.desk.Bulk(s.t.Context(), s.actor(rt), once.Key{}, b)
	for i, r := range list {
		if missing := i == len(s.convs); missing != (r.Err != nil && r.Err.Code == fault.ConversationNotFound) {
			rt.Errorf("result %d: %+v", i, r)
		}
	}
	return err
}

func (s *script) page(rt *rapid.T) error {
	return s.h.desk.PageByContact(s.t.Context(), s.contact(rt), rapid.SampledFrom([]string{"https://shop.example/a", "https://shop.example/b"}).Draw(rt, "page"), "Title")
}

func (s *script) identify(rt *rapid.T) error {
	sub := fmt.Sprintf("user-%d-%d", s.run, rapid.IntRange(0, 1).Draw(rt, "user"))
	out, err := s.h.desk.Identify(s.t.Context(), s.h.widget.Key, s.contact(rt), contact.Identity{Change: contact.Change{ExternalID: &sub, Name: &sub}})
	if err == nil && len(s.contacts) < 3 {
		s.contacts = append(s.contacts, out.Contact.ID)
	}
	return err
}

func (s *script) change(rt *rapid.T) error {
	_, err := s.h.contacts.Update(s.t.Context(), s.h.ann, once.Key{}, s.contact(rt), contact.Change{Phone: new(rapid.StringMatching(`[0-9]{1,3}`).Draw(rt, "phone"))})
	return err
}

func (s *script) presence(rt *rapid.T) error {
	by := rapid.SampledFrom([]team.Actor{s.h.ann, s.h.bob, s.h.carl}).Draw(rt, "operator")
	if err := s.h.team.TabOpened(s.t.Context(), by.Operator, fmt.Sprint("tab", by.Operator)); err != nil {
		return err
	}
	_, err := s.h.team.SetAvailability(s.t.Context(), by, rapid.SampledFrom([]string{event.Online, event.Away, event.Offline}).Draw(rt, "availability"))
	return err
}

func (s *script) sleep(rt *rapid.T) error {
	time.Sleep(time.Duration(rapid.IntRange(1, 40).Draw(rt, "minutes")) * time.Minute)
	_, err := s.h.desk.ExpireOnce(s.t.Context())
	return err
}

// patience changes what the widget wants: an alarm, a transcript, a comment.
func (s *script) patience(rt *rapid.T) error {
	s.h.hooks = rapid.Bool().Draw(rt, "hooked")
	s.h.set(s.t, widget.Change{UnansweredSeconds: new(rapid.SampledFrom([]int{0, 10, 120}).Draw(rt, "seconds")), AskFeedback: new(rapid.Bool().Draw(rt, "feedback")),
		TranscriptHook: new(rapid.SampledFrom([]string{event.TranscriptOff, event.TranscriptOnEnd, event.TranscriptOnReview}).Draw(rt, "transcript"))})
	return nil
}

func (s *script) due(rt *rapid.T) error {
	time.Sleep(time.Duration(rapid.IntRange(1, 700).Draw(rt, "seconds")) * time.Second)
	_, err := s.h.desk.DueOnce(s.t.Context())
	return err
}

func (s *script) leave(rt *rapid.T) error {
	if len(s.contacts) == 0 {
		return nil
	}
	p := s.h.leave("Please call me")
	p.Contact = s.contact(rt)
	out, err := s.h.desk.PostOffline(s.t.Context(), p)
	if err != nil {
		return err
	}
	s.met(out.Conversation.ID)
	s.h.same(s.t, out.Conversation)
	return nil
}

func (s *script) invited(rt *rapid.T) error {
	p := s.h.post("yes, please")
	p.Contact = s.contact(rt)
	p.Invitation = &Invitation{Operator: rapid.SampledFrom([]team.Actor{s.h.ann, s.h.bob, s.h.carl}).Draw(rt, "host").Operator, Body: "Can I help?", At: time.Now().Add(-time.Minute)}
	out, err := s.h.desk.PostFromContact(s.t.Context(), p)
	if err != nil {
		return err
	}
	if p.Contact == 0 && len(s.contacts) < 3 {
		s.contacts = append(s.contacts, out.Contact.ID)
	}
	s.met(out.Conversation.ID)
	s.h.same(s.t, out.Conversation)
	return nil
}

func (s *script) discard(rt *rapid.T) error {
	return s.answered(s.h.desk.Discard(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt)))
}

func (s *script) transcript(rt *rapid.T) error {
	return s.answered(s.h.desk.SendToWebhook(s.t.Context(), s.actor(rt), once.Key{}, s.conversation(rt), []string{"a", "b"}))
}

func (s *script) choices(rt *rapid.T) error {
	out, err := s.h.desk.Post(s.t.Context(), s.actor(rt), once.Key{}, Post{Conversation: s.conversation(rt), Body: "Which one?", Choices: []string{"this", "that"}})
	if err != nil {
		return err
	}
	return s.answered(out.Conversation, nil)
}

// again sends a message twice: the second answer is the first one's, and nothing changes.
func (s *script) again(rt *rapid.T) error {
	p := s.h.post("twice")
	if p.Contact = s.contact(rt); p.Contact == 0 {
		return nil
	}
	first, err := s.h.desk.PostFromContact(s.t.Context(), p)
	if err != nil {
		return err
	}
	second, err := s.h.desk.PostFromContact(s.t.Context(), p)
	if err != nil {
		rt.Fatalf("the repeat was refused: %v", err)
	}
	if !second.Duplicate || second.Message.ID != first.Message.ID || second.Conversation.MessageCount != first.Conversation.MessageCount {
		rt.Fatalf("the repeat gave message %d of %d", second.Message.ID, second.Conversation.MessageCount)
	}
	if n := len(s.convs); n == 0 || s.convs[n-1] < first.Conversation.ID {
		s.convs = append(s.convs, first.Conversation.ID)
	}
	return nil
}

// A flag gives exactly one requested event, at the next change of the status, and nothing else does: by a model that knows
// only what was commanded and which status the conversation had before and after.
func TestS119_AFlagGivesOneRequestAtTheNextChangeOfTheStatus(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		rapid.Check(undated{t}, func(rt *rapid.T) {
			s := newScript(t, h)
			v := h.visitor(t)
			s.contacts, s.convs = append(s.contacts, v.Contact.ID), append(s.convs, v.Conversation.ID)
			flagged, status, want, got := false, v.Conversation.Status, 0, 0
			actions := map[string]func(*rapid.T) error{"flag": s.flag, "write": s.write, "post": s.post, "assign": s.assign, "end": s.end, "endByContact": s.endByContact,
				"reopen": s.reopen, "status": s.status, "tags": s.tags, "topic": s.topic, "sleep": s.sleep, "read": s.read}
			names := slices.Sorted(maps.Keys(actions))
			for range rapid.IntRange(2, 12).Draw(rt, "steps") {
				name := rapid.SampledFrom(names).Draw(rt, "action")
				if err := actions[name](rt); fault.Is(err, fault.InternalError) {
					rt.Fatalf("%v", err)
				}
				now := h.get(t, v.Conversation.ID)
				if now.Status != status && flagged {
					want++
					flagged = false
				}
				if name == "flag" {
					flagged = now.Flagged
				}
				if status = now.Status; now.Flagged != flagged {
					rt.Fatalf("after %s the flag is %v", name, now.Flagged)
				}
				for _, e := range h.events(t) {
					if e.Requested && e.Conversation.ID == v.Conversation.ID {
						got++
					}
				}
				if got != want {
					rt.Fatalf("after %s %d events are requested, want %d", name, got, want)
				}
			}
			h.check(rt)
		})
	})
}
