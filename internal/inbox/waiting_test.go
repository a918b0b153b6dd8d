package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

// due lets time pass and does what is due then.
func (h *house) due(t *testing.T, after time.Duration) {
	t.Helper()
	time.Sleep(after)
	if _, err := h.desk.DueOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// leave builds a message of the offline form.
func (h *house) leave(message string) OfflinePost {
	p := h.post("")
	return OfflinePost{WidgetKey: p.WidgetKey, ClientID: p.ClientID, Name: "Bob Smith", Email: "bob@smith.com", Message: message}
}

// alarms sets the house's widget up to ring after 100 seconds.
func (h *house) alarms(t *testing.T) {
	t.Helper()
	h.set(t, widget.Change{UnansweredSeconds: new(100)})
	h.events(t)
}

const patience = 100 * time.Second

func TestS126_AMessageThatNobodyAnswersRingsTheAlarm(t *testing.T) {
	each(t, "once, after the widget's time, with the first message that waits", func(t *testing.T, h *house) {
		h.alarms(t)
		v := h.visitor(t)
		time.Sleep(50 * time.Second)
		h.write(t, v.Contact.ID, "anybody?")
		h.events(t)
		h.due(t, 50*time.Second-time.Microsecond)
		h.told(t)
		h.due(t, time.Microsecond)
		e := h.told(t, event.ConversationUnanswered)[0]
		if e.Message.ID != v.Message.ID || e.Message.Body != "Hello" || e.By.Type != event.BySystem || !e.Conversation.UnansweredAt.Equal(e.At) || e.Session == nil {
			t.Errorf("%+v about %+v", e, e.Message)
		}
		if got := h.get(t, v.Conversation.ID); !got.UnansweredAt.Equal(e.At) || !got.UpdatedAt.Before(e.At) {
			t.Errorf("rings since %v, active at %v", got.UnansweredAt, got.UpdatedAt)
		}
		h.unchanged(t, func() error { h.due(t, 24*time.Hour); return nil })
	})
	each(t, "an answer a moment before keeps it quiet; the next message starts it anew", func(t *testing.T, h *house) {
		h.alarms(t)
		v := h.visitor(t)
		time.Sleep(patience - time.Second)
		h.reply(t, h.ann, v.Conversation.ID, "Hi")
		h.events(t)
		h.due(t, time.Hour)
		h.told(t)
		next := h.write(t, v.Contact.ID, "and now?")
		h.events(t)
		h.due(t, patience-time.Second)
		h.told(t)
		h.due(t, time.Second)
		if e := h.told(t, event.ConversationUnanswered)[0]; e.Message.ID != next.Message.ID {
			t.Errorf("about %+v", e.Message)
		}
	})
	each(t, "after it rang a new message starts a new timer, and it rings until an operator answers", func(t *testing.T, h *house) {
		h.alarms(t)
		v := h.visitor(t)
		h.due(t, patience)
		rang := h.told(t, event.ConversationUnanswered)[0].At
		second := h.write(t, v.Contact.ID, "hello??")
		if at := second.Conversation.UnansweredAt; !at.Equal(rang) {
			t.Errorf("rings since %v", at)
		}
		h.events(t)
		h.due(t, patience)
		if e := h.told(t, event.ConversationUnanswered)[0]; e.Message.ID != second.Message.ID {
			t.Errorf("about %+v", e.Message)
		}
		list, err := h.desk.List(t.Context(), Filter{Attention: true, Limit: 10}, h.ann.Operator)
		if err != nil || len(list.Items) != 1 || list.Counts.Attention != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		if out := h.reply(t, h.bob, v.Conversation.ID, "Sorry!"); !out.Conversation.UnansweredAt.IsZero() {
			t.Errorf("rings since %v", out.Conversation.UnansweredAt)
		}
		if list, err = h.desk.List(t.Context(), Filter{Attention: true, Limit: 10}, h.ann.Operator); err != nil || len(list.Items) != 0 || list.Counts.Attention != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	})
	each(t, "notes, bots, hand-overs and the contact's own actions are no answer; an end is", func(t *testing.T, h *house) {
		h.alarms(t)
		v := h.visitor(t)
		if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "note", Note: true}); err != nil {
			t.Fatal(err)
		}
		h.reply(t, h.token, v.Conversation.ID, "I am a bot")
		h.did(t)(h.desk.Forward(t.Context(), h.ann, once.Key{}, v.Conversation.ID, h.bob.Operator, 0, ""))
		h.events(t)
		h.due(t, patience)
		h.told(t, event.ConversationUnanswered)
		if out := h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID)); !out.UnansweredAt.IsZero() {
			t.Errorf("rings since %v", out.UnansweredAt)
		}
		next := h.visitor(t)
		h.did(t)(h.desk.Discard(t.Context(), h.ann, once.Key{}, next.Conversation.ID))
		h.events(t)
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
	})
	each(t, "no alarm without a time, one that the widget no longer wants is dropped, and erased data rings nowhere", func(t *testing.T, h *house) {
		h.visitor(t)
		h.due(t, 48*time.Hour)
		h.told(t)
		h.alarms(t)
		h.visitor(t)
		h.set(t, widget.Change{UnansweredSeconds: new(0)})
		h.events(t)
		h.due(t, time.Hour)
		h.told(t)
		h.alarms(t)
		v := h.visitor(t)
		if err := h.desk.EraseContact(t.Context(), contact.Visitor{Contact: v.Contact.ID}); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		h.due(t, time.Hour)
		h.told(t)
	})
	each(t, "on a channel, too", func(t *testing.T, h *house) {
		h.alarms(t)
		v := h.visitor(t)
		ch := h.channel(t, "Messenger")
		if _, err := h.overChannel(t, ChannelPost{Channel: ch, Widget: h.widget.ID, Contact: v.Contact.ID, Body: "here, too"}); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		h.due(t, patience)
		if list := h.told(t, event.ConversationUnanswered, event.ConversationUnanswered); list[1].Message.Body != "here, too" {
			t.Errorf("about %+v", list[1].Message)
		}
	})
}

// The timers find what is due in the database: whoever runs them, and however often they were started anew, everything happens once and in time.
func TestTimersSurviveARestartAndSeveralNodes(t *testing.T) {
	dbtest.EachOpen(t, func(t *testing.T, open func() *db.DB) {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			h := newHouse(t, d)
			h.hooks = true
			h.set(t, widget.Change{UnansweredSeconds: new(100), AskFeedback: new(true), TranscriptHook: new(event.TranscriptOnReview)})
			waits, ended := h.visitor(t), h.visitor(t)
			h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, ended.Conversation.ID))
			h.seen(t, ended.Contact.ID)(h.desk.Rate(t.Context(), ended.Contact.ID, ended.Conversation.ID, 5))
			later := h.visitor(t)
			h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, later.Conversation.ID))
			began := time.Now()
			h.events(t)
			ctx, stop := context.WithCancel(t.Context())
			var nodes sync.WaitGroup
			start := func() {
				nodes.Go(func() {
					if err := h.desk.RunTimers(ctx, slog.New(slog.DiscardHandler)); err != nil {
						t.Error(err)
					}
				})
			}
			start()
			time.Sleep(30 * time.Second)
			stop()
			nodes.Wait()
			ctx, stop = context.WithCancel(t.Context())
			start()
			start()
			start()
			time.Sleep(15 * time.Minute)
			stop()
			nodes.Wait()
			list := h.told(t, event.ConversationUnanswered, event.ReviewGiven, event.TranscriptRequested, event.TranscriptRequested)
			for i, want := range []struct {
				c     id.Conversation
				after time.Duration
			}{{waits.Conversation.ID, patience}, {ended.Conversation.ID, 2 * time.Minute}, {ended.Conversation.ID, 2 * time.Minute}, {later.Conversation.ID, 10 * time.Minute}} {
				if late := list[i].At.Sub(began) - want.after; list[i].Conversation.ID != want.c || late < 0 || late > 100*time.Millisecond {
					t.Errorf("%s of conversation %d comes %v late, want conversation %d", list[i].Type, list[i].Conversation.ID, late, want.c)
				}
			}
			h.feedReader = nil
			h.check(t)
		})
	})
}

// What fails is left alone for a while, and everything else is told in time.
func TestTimersGoOnBesideWhatFails(t *testing.T) {
	each(t, "a row that fails neither stops the others nor makes the timers spin", func(t *testing.T, h *house) {
		h.alarms(t)
		broken, good := h.visitor(t), h.visitor(t)
		if n, err := h.desk.DueOnce(t.Context()); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		visit := ""
		edit := func(statement string, args ...any) {
			t.Helper()
			if err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
				if visit == "" {
					if err := tx.One("SELECT visit FROM sessions WHERE conversation_id = $1", []any{int64(broken.Conversation.ID)}, &visit); err != nil {
						return err
					}
				}
				_, err := tx.Exec(statement, args...)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		edit("UPDATE sessions SET visit = 'broken' WHERE conversation_id = $1", int64(broken.Conversation.ID))
		time.Sleep(patience - time.Second)
		later := h.visitor(t)
		h.events(t)
		time.Sleep(time.Second)
		log := slog.New(slog.DiscardHandler)
		wait, more := h.desk.tick(t.Context(), log)
		if wait != expireEvery || more {
			t.Errorf("it waits %v, more %v", wait, more)
		}
		if e := h.told(t, event.ConversationUnanswered)[0]; e.Conversation.ID != good.Conversation.ID {
			t.Errorf("conversation %d", e.Conversation.ID)
		}
		if n, err := h.desk.DueOnce(t.Context()); n != 0 || err != nil {
			t.Errorf("it is tried again at once: %d, %v", n, err)
		}
		time.Sleep(asideFor)
		if n, err := h.desk.DueOnce(t.Context()); n != 0 || err == nil {
			t.Errorf("it is not tried again: %d, %v", n, err)
		}
		// While one fails, the next is still told in time.
		time.Sleep(36 * time.Second)
		if wait, more = h.desk.tick(t.Context(), log); wait != 3*time.Second || more {
			t.Errorf("it waits %v, more %v", wait, more)
		}
		time.Sleep(wait)
		h.desk.tick(t.Context(), log)
		if e := h.told(t, event.ConversationUnanswered)[0]; e.Conversation.ID != later.Conversation.ID {
			t.Errorf("conversation %d", e.Conversation.ID)
		}
		edit("UPDATE sessions SET visit = $2 WHERE conversation_id = $1", int64(broken.Conversation.ID), visit)
		h.due(t, asideFor)
		h.told(t, event.ConversationUnanswered)
	})
	each(t, "a hundred that fail do not keep the next waiting", func(t *testing.T, h *house) {
		h.alarms(t)
		for range expireBatch {
			h.visitor(t)
		}
		if err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec("UPDATE sessions SET visit = 'x' || visit")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		good := h.visitor(t)
		h.events(t)
		time.Sleep(patience)
		for ticks := 1; ; ticks++ {
			_, more := h.desk.tick(t.Context(), slog.New(slog.DiscardHandler))
			if !more {
				break
			}
			if ticks > 2 {
				t.Fatal("it spins")
			}
		}
		if e := h.told(t, event.ConversationUnanswered)[0]; e.Conversation.ID != good.Conversation.ID {
			t.Errorf("conversation %d", e.Conversation.ID)
		}
		if err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec("UPDATE sessions SET visit = SUBSTR(visit, 2) WHERE visit LIKE 'x%'")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(asideFor)
		if n, err := h.desk.DueOnce(t.Context()); n != expireBatch || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// The same of sessions that are over and of conversations that somebody leaves behind: a hundred that fail would stand before the others for ever.
func TestSessionsEndAndConversationsAreReleasedBesideWhatFails(t *testing.T) {
	each(t, "a hundred that fail do not keep the next waiting, nor make the timers spin", func(t *testing.T, h *house) {
		var broken []*ContactPosted
		for range expireBatch {
			broken = append(broken, h.visitor(t))
		}
		time.Sleep(time.Second)
		good := h.visitor(t)
		for _, v := range append(broken, good) {
			h.did(t)(h.desk.Assign(t.Context(), h.ann, once.Key{}, v.Conversation.ID, h.bob.Operator))
		}
		h.exec(t, "UPDATE sessions SET visit = 'x' || visit WHERE conversation_id <> $1", int64(good.Conversation.ID))
		if _, err := h.team.Update(t.Context(), team.System(), h.bob.Operator, team.OperatorChange{Active: new(false)}); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		time.Sleep(half)
		for ticks := 1; ; ticks++ {
			if _, more := h.desk.tick(t.Context(), slog.New(slog.DiscardHandler)); !more {
				break
			}
			if ticks > 2 {
				t.Fatal("it spins")
			}
		}
		for _, e := range h.told(t, event.SessionUnread, event.SessionEnded, event.ConversationAssigned) {
			if e.Conversation.ID != good.Conversation.ID {
				t.Errorf("%s of conversation %d", e.Type, e.Conversation.ID)
			}
		}
		for what, once := range map[string]func(context.Context) (int, error){"sessions": h.desk.ExpireOnce, "conversations": h.desk.ReleaseInactiveOnce} {
			if n, err := once(t.Context()); n != 0 || err != nil {
				t.Errorf("%s are tried again at once: %d, %v", what, n, err)
			}
		}
		h.exec(t, "UPDATE sessions SET visit = SUBSTR(visit, 2) WHERE visit LIKE 'x%'")
		time.Sleep(asideFor)
		for what, once := range map[string]func(context.Context) (int, error){"sessions": h.desk.ExpireOnce, "conversations": h.desk.ReleaseInactiveOnce} {
			if n, err := once(t.Context()); n != expireBatch || err != nil {
				t.Errorf("later: %d %s, %v", n, what, err)
			}
		}
		h.events(t)
	})
	each(t, "one that fails does not hold up a crowd", func(t *testing.T, h *house) {
		h.visitor(t)
		h.exec(t, "UPDATE sessions SET visit = 'x' || visit")
		for range 2 * expireBatch {
			h.visitor(t)
		}
		time.Sleep(half)
		log := slog.New(slog.DiscardHandler)
		for n := 1; n <= 2; n++ {
			if _, more := h.desk.tick(t.Context(), log); !more {
				t.Errorf("look %d stops", n)
			}
		}
		h.desk.tick(t.Context(), log)
		if n := len(h.events(t)); n != 2*2*expireBatch {
			t.Errorf("%d events", n)
		}
		h.exec(t, "UPDATE sessions SET visit = SUBSTR(visit, 2) WHERE visit LIKE 'x%'")
	})
}

func TestWhoIsDiscardedIsNotAsked(t *testing.T) {
	each(t, "until the conversation goes on", func(t *testing.T, h *house) {
		asked := func(c id.Conversation, contact id.Contact, want bool) {
			t.Helper()
			if got := !h.own(t, contact, c).Discarded; got != want {
				t.Errorf("asked is %v", got)
			}
		}
		p := h.visitor(t)
		c, who := p.Conversation.ID, p.Contact.ID
		asked(c, who, true)
		if v := h.did(t)(h.desk.Discard(t.Context(), h.ann, once.Key{}, c)); !v.Discarded {
			t.Error("the answer does not say so")
		}
		asked(c, who, false)
		h.unchanged(t, func() error { _, err := h.desk.End(t.Context(), h.ann, once.Key{}, c); return err })
		asked(c, who, false)
		h.did(t)(h.desk.Reopen(t.Context(), h.ann, once.Key{}, c))
		asked(c, who, true)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, c))
		asked(c, who, true)
		h.did(t)(h.desk.Reopen(t.Context(), h.ann, once.Key{}, c))
		h.did(t)(h.desk.Discard(t.Context(), h.ann, once.Key{}, c))
		again := h.post("wait")
		again.Contact, again.Conversation, again.Reopen = who, c, true
		h.send(t, again)
		asked(c, who, true)
		h.did(t)(h.desk.Discard(t.Context(), h.ann, once.Key{}, c))
		if err := h.desk.EraseContact(t.Context(), contact.Visitor{Contact: who}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestS127_AReviewIsToldOnce(t *testing.T) {
	comments := func(t *testing.T, h *house) *ContactPosted {
		h.set(t, widget.Change{AskFeedback: new(true)})
		p := h.visitor(t)
		h.reply(t, h.ann, p.Conversation.ID, "Hi")
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.events(t)
		return p
	}
	each(t, "a rating and a comment soon after it are one review, with the comment", func(t *testing.T, h *house) {
		p := comments(t, h)
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 4))
		h.told(t, event.RatingGiven)
		time.Sleep(time.Minute)
		h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, "great"))
		e := h.told(t, event.FeedbackGiven, event.ReviewGiven)[1]
		if e.Message.Type != event.TypeFeedback || e.Message.Body != "great" || e.Session.Rating.Value != 4 || e.By.Type != event.ByContact ||
			!strings.HasPrefix(textsOf(e), "message Hello, message Hi, ") {
			t.Errorf("%+v with %q", e.Message, textsOf(e))
		}
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
	})
	each(t, "a rating alone is told when no comment has come for two minutes", func(t *testing.T, h *house) {
		p := comments(t, h)
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 2))
		h.told(t, event.RatingGiven)
		h.due(t, 2*time.Minute-time.Second)
		h.told(t)
		h.due(t, time.Second)
		if e := h.told(t, event.ReviewGiven)[0]; e.Message.Type != event.TypeRating || e.Session.Rating.Value != 2 || len(e.Messages) == 0 || e.By.Type != event.BySystem {
			t.Errorf("%+v about %+v", e, e.Message)
		}
		h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, "late, but not lost"))
		h.told(t, event.FeedbackGiven, event.ReviewGiven)
	})
	each(t, "where no comment is asked for, soon, and once for who changes their mind", func(t *testing.T, h *house) {
		p := comments(t, h)
		h.set(t, widget.Change{AskFeedback: new(false)})
		h.events(t)
		for value := 3; value <= 5; value++ {
			h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, value))
			h.told(t, event.RatingGiven)
			h.due(t, 9*time.Second)
			h.told(t)
		}
		h.due(t, time.Second)
		if e := h.told(t, event.ReviewGiven)[0]; e.Session.Rating.Value != 5 || e.Message.Type != event.TypeRating {
			t.Errorf("%+v about %+v", e.Session, e.Message)
		}
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
	})
	each(t, "a comment is told again for the first rating and for no other, a changed one is", func(t *testing.T, h *house) {
		p := comments(t, h)
		h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, "great"))
		h.told(t, event.FeedbackGiven, event.ReviewGiven)
		for value := 3; value <= 4; value++ { // who changes their mind at once
			h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, value))
			h.told(t, event.RatingGiven)
			h.due(t, 5*time.Second-time.Millisecond)
			h.told(t)
		}
		h.due(t, 2*time.Millisecond)
		if e := h.told(t, event.ReviewGiven)[0]; e.Session.Rating.Value != 4 || e.Session.Feedback != "great" || e.Message.Type != event.TypeRating {
			t.Errorf("%+v about %+v", e.Session, e.Message)
		}
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 5))
		h.told(t, event.RatingGiven)
		h.due(t, time.Hour)
		h.told(t)
		h.set(t, widget.Change{AskFeedback: new(false)})
		h.events(t)
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 1))
		h.told(t, event.RatingGiven)
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
		h.set(t, widget.Change{AskFeedback: new(true)})
		h.events(t)
		h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, "not so great"))
		if e := h.told(t, event.FeedbackGiven, event.ReviewGiven)[1]; e.Message.Body != "not so great" || e.Session.Rating.Value != 1 {
			t.Errorf("%+v about %+v", e.Session, e.Message)
		}
	})
	each(t, "the next session does not wait for it", func(t *testing.T, h *house) {
		p := comments(t, h)
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 3))
		h.events(t)
		again := h.post("one more thing")
		again.Contact, again.Conversation, again.Reopen = p.Contact.ID, p.Conversation.ID, true
		h.send(t, again)
		if e := h.told(t, event.ConversationReopened, event.ReviewGiven, event.SessionStarted, event.MessageReceived)[1]; e.Session.Number != 1 || e.Session.Rating.Value != 3 || e.Message.Type != event.TypeRating {
			t.Errorf("%+v about %+v", e.Session, e.Message)
		}
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
	})
	each(t, "what was erased is not told any more", func(t *testing.T, h *house) {
		p := comments(t, h)
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 3))
		if err := h.desk.EraseContact(t.Context(), contact.Visitor{Contact: p.Contact.ID}); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		h.due(t, time.Hour)
		h.told(t)
	})
}

func TestS123_TheTranscriptGoesToTheWebhook(t *testing.T) {
	hooked := func(t *testing.T, h *house, when string) *ContactPosted {
		h.hooks = true
		h.set(t, widget.Change{TranscriptHook: &when, AskFeedback: new(true)})
		p := h.visitor(t)
		h.reply(t, h.bob, p.Conversation.ID, "Hi")
		h.events(t)
		return p
	}
	each(t, "right after the end, with everything and who ended it", func(t *testing.T, h *house) {
		p := hooked(t, h, event.TranscriptOnEnd)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		list := h.told(t, event.SessionEnded, event.ConversationEnded, event.TranscriptRequested)
		e := list[2]
		if d := cmp.Diff(list[1].Messages, e.Messages); d != "" || len(e.Sessions) != 1 || e.Ender == nil || e.Ender.ID != h.ann.Operator || e.Extra != nil {
			t.Errorf("ender %+v, %d sessions, extra %v %s", e.Ender, len(e.Sessions), e.Extra, d)
		}
		h.did(t)(h.desk.Reopen(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.events(t)
		h.own(t, p.Contact.ID, p.Conversation.ID)
		if _, err := h.desk.EndByContact(t.Context(), p.Contact.ID, p.Conversation.ID); err != nil {
			t.Fatal(err)
		}
		if e := h.told(t, event.ConversationEnded, event.TranscriptRequested)[1]; e.Ender == nil || e.Ender.ID != h.bob.Operator || e.By.Type != event.ByContact {
			t.Errorf("the contact ended it, Bob answered last, and the ender is %+v by %+v", e.Ender, e.By)
		}
	})
	each(t, "not without a webhook, not for nothing, not after discard, not for erased data", func(t *testing.T, h *house) {
		p := hooked(t, h, event.TranscriptOnEnd)
		out := h.did(t)(h.desk.Discard(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		if e := h.told(t, event.SessionEnded, event.ConversationEnded)[1]; e.Reason != event.ReasonDiscarded || out.Status != event.StatusEnded || e.Message.Entry.Reason != event.EndOperator {
			t.Errorf("%+v", e)
		}
		h.unchanged(t, func() error {
			_, err := h.desk.Discard(t.Context(), h.ann, once.Key{}, p.Conversation.ID)
			return err
		})
		h.hooks = false
		p = h.visitor(t)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.told(t, event.SessionUnread, event.SessionEnded, event.ConversationEnded)
		h.hooks = true
		p = h.visitor(t)
		if err := h.desk.EraseContact(t.Context(), contact.Visitor{Contact: p.Contact.ID}); err != nil {
			t.Fatal(err)
		}
		if list := h.events(t); slices.ContainsFunc(list, func(e *event.Event) bool { return e.Type == event.TranscriptRequested }) {
			t.Errorf("%d events", len(list))
		}
	})
	each(t, "with the review, when it comes after the end", func(t *testing.T, h *house) {
		p := hooked(t, h, event.TranscriptOnReview)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.told(t, event.SessionEnded, event.ConversationEnded)
		h.seen(t, p.Contact.ID)(h.desk.Rate(t.Context(), p.Contact.ID, p.Conversation.ID, 5))
		h.events(t)
		h.due(t, time.Minute)
		h.told(t)
		h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, "great"))
		e := h.told(t, event.FeedbackGiven, event.ReviewGiven, event.TranscriptRequested)[2]
		if e.Session.Feedback != "great" || e.Session.Rating.Value != 5 || e.Ender.ID != h.ann.Operator || len(e.Sessions) != 1 || e.Sessions[0].Feedback != "great" {
			t.Errorf("%+v, ender %+v", e.Session, e.Ender)
		}
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
	})
	each(t, "never, when the conversation is discarded while it waits", func(t *testing.T, h *house) {
		p := hooked(t, h, event.TranscriptOnReview)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.told(t, event.SessionEnded, event.ConversationEnded)
		h.did(t)(h.desk.Discard(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
		h.seen(t, p.Contact.ID)(h.desk.Feedback(t.Context(), p.Contact.ID, p.Conversation.ID, "great"))
		h.told(t, event.FeedbackGiven, event.ReviewGiven)
	})
	each(t, "at once where nobody asks for a review", func(t *testing.T, h *house) {
		p := hooked(t, h, event.TranscriptOnReview)
		h.set(t, widget.Change{RatingForm: new(""), AskFeedback: new(false)})
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.told(t, event.SessionEnded, event.ConversationEnded, event.TranscriptRequested)
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
	})
	each(t, "ten minutes after the end without one, unless the conversation goes on or the webhook is gone", func(t *testing.T, h *house) {
		p := hooked(t, h, event.TranscriptOnReview)
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.events(t)
		h.due(t, 10*time.Minute-time.Second)
		h.told(t)
		h.due(t, time.Second)
		if e := h.told(t, event.TranscriptRequested)[0]; e.Ender.ID != h.ann.Operator || e.By.Type != event.BySystem || len(e.Messages) != 3 {
			t.Errorf("%+v", e)
		}
		h.did(t)(h.desk.Reopen(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.did(t)(h.desk.Reopen(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.events(t)
		h.unchanged(t, func() error { h.due(t, time.Hour); return nil })
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.events(t)
		h.hooks = false
		h.due(t, time.Hour)
		h.told(t)
	})
	each(t, "by command with words, before and after the end, and not without a webhook", func(t *testing.T, h *house) {
		p := hooked(t, h, event.TranscriptOff)
		words := []string{"extra", "stuff", "here"}
		h.did(t)(h.desk.SendToWebhook(t.Context(), h.ann, once.Key{}, p.Conversation.ID, words))
		if e := h.told(t, event.TranscriptRequested)[0]; !slices.Equal(e.Extra, words) || e.Ender.ID != h.bob.Operator || len(e.Messages) != 2 || e.By.ID != int64(h.ann.Operator) {
			t.Errorf("%+v", e)
		}
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, p.Conversation.ID))
		h.events(t)
		h.did(t)(h.desk.SendToWebhook(t.Context(), h.token, once.Key{}, p.Conversation.ID, nil))
		if e := h.told(t, event.TranscriptRequested)[0]; e.Ender.ID != h.ann.Operator || e.Extra != nil {
			t.Errorf("%+v", e)
		}
		send := func(words ...string) func() error {
			return func() error {
				_, err := h.desk.SendToWebhook(t.Context(), h.ann, once.Key{}, p.Conversation.ID, words)
				return err
			}
		}
		h.refused(t, fault.FieldInvalid, "extra", send(slices.Repeat([]string{"a"}, 51)...))
		h.refused(t, fault.TextTooLong, "extra", send(strings.Repeat("ä", 201)))
		h.refused(t, fault.TextInvalid, "extra", send("a\x00"))
		h.refused(t, fault.TextInvalid, "extra", send("\xff"))
		h.hooks = false
		h.refused(t, fault.HookMissing, "", send("a"))
	})
	each(t, "of a conversation that nobody answered it is nobody's", func(t *testing.T, h *house) {
		h.hooks = true
		h.set(t, widget.Change{TranscriptHook: new(event.TranscriptOnEnd)})
		p := h.visitor(t)
		if _, err := h.desk.EndByContact(t.Context(), p.Contact.ID, p.Conversation.ID); err != nil {
			t.Fatal(err)
		}
		list := h.events(t)
		if e := list[len(list)-1]; e.Type != event.TranscriptRequested || e.Ender != nil {
			t.Errorf("%s, ender %+v", e.Type, e.Ender)
		}
	})
}

func TestS124_TheOfflineFormBecomesAConversation(t *testing.T) {
	each(t, "told with what was typed, once, and without an alarm", func(t *testing.T, h *house) {
		h.alarms(t)
		p := h.leave("  Please call me\n")
		p.Name, p.Email = " Bob \"B\" Smith ", " Bob@Smith.com "
		p.Claimed = &contact.Claim{ID: "user1234", Traits: `{"plan":"gold"}`}
		p.Visit = Visit{URL: "https://shop.example/signup", UserAgent: "Mozilla/5.0"}
		out, err := h.desk.PostOffline(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		h.same(t, out.Conversation)
		if d := cmp.Diff(h.own(t, out.Contact.ID, out.Conversation.ID), out.Conversation); d != "" {
			t.Errorf("the answer is not what the contact reads afterwards (-read +answer):\n%s", d)
		}
		list := h.told(t, event.ContactCreated, event.ConversationCreated, event.SessionStarted, event.MessageReceived, event.OfflineMessageReceived)
		e := list[4]
		if *e.Offline != (event.OfflineMessage{Name: `Bob "B" Smith`, Email: "Bob@Smith.com"}) || e.Message.Body != "  Please call me\n" || !e.Session.Offline || !list[2].Session.Offline {
			t.Errorf("%+v, %+v, %+v", e.Offline, e.Message, e.Session)
		}
		if c := e.Conversation.Contact; c.Name != `Bob "B" Smith` || c.Email != "bob@smith.com" || c.ClaimedID != "user1234" || c.Custom != `{"plan":"gold"}` || c.Handle == "" {
			t.Errorf("%+v", c)
		}
		if out.Token == "" {
			t.Error("no token")
		}
		again, err := h.desk.PostOffline(t.Context(), p)
		if err != nil || !again.Duplicate || again.Message.ID != out.Message.ID || again.Token == "" {
			t.Errorf("%+v, %v", again, err)
		}
		h.told(t)
		h.due(t, 24*time.Hour)
		h.told(t)
		more := h.post("and one more thing")
		more.Contact, more.Conversation = out.Contact.ID, out.Conversation.ID
		goesOn := h.send(t, more)
		h.events(t)
		h.due(t, patience-time.Second)
		h.told(t)
		h.due(t, time.Second)
		if e := h.told(t, event.ConversationUnanswered)[0]; e.Message.ID != goesOn.Message.ID || !e.Session.Offline {
			t.Errorf("about %+v", e.Message)
		}
		h.due(t, 24*time.Hour)
		h.told(t)
		h.expire(t)
		h.write(t, out.Contact.ID, "I am here now")
		h.events(t)
		h.due(t, patience)
		h.told(t, event.ConversationUnanswered)
	})
	each(t, "a new one beside an open one, and who is known stays who they are", func(t *testing.T, h *house) {
		v := h.visitor(t)
		if _, err := h.contacts.Update(t.Context(), team.System(), once.Key{}, v.Contact.ID, contact.Change{Name: new("Jane"), Email: new("jane@example.com")}); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		p := h.leave("It is me")
		p.Contact = v.Contact.ID
		out, err := h.desk.PostOffline(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if out.Conversation.ID == v.Conversation.ID || out.Contact.Name != "Jane" || out.Contact.Email != "jane@example.com" || out.Token != "" {
			t.Errorf("%+v of %+v", out, out.Contact)
		}
		h.told(t, event.ConversationCreated, event.SessionStarted, event.MessageReceived, event.OfflineMessageReceived)
	})
	each(t, "what is wrong is refused where it is wrong", func(t *testing.T, h *house) {
		for _, c := range []struct {
			code  fault.Code
			field string
			edit  func(*OfflinePost)
		}{
			{fault.FieldRequired, "email", func(p *OfflinePost) { p.Email = " " }},
			{fault.FieldInvalid, "email", func(p *OfflinePost) { p.Email = "Bob <bob@smith.com>" }},
			{fault.TextTooLong, "name", func(p *OfflinePost) { p.Name = strings.Repeat("x", 121) }},
			{fault.TextInvalid, "name", func(p *OfflinePost) { p.Name = "a\nb" }},
			{fault.MessageEmpty, "message", func(p *OfflinePost) { p.Message = " \n" }},
			{fault.MessageTooLong, "message", func(p *OfflinePost) { p.Message = strings.Repeat("ä", 5001) }},
			{fault.TextInvalid, "message", func(p *OfflinePost) { p.Message = "\xff" }},
			{fault.FieldInvalid, "client_id", func(p *OfflinePost) { p.ClientID = "1" }},
			{fault.CustomInvalid, "claimed.traits", func(p *OfflinePost) { p.Claimed = &contact.Claim{Traits: "[]"} }},
			{fault.ContactNotFound, "", func(p *OfflinePost) { p.Contact = 1 << 40 }},
		} {
			p := h.leave("Hello")
			c.edit(&p)
			h.refused(t, c.code, c.field, func() error {
				_, err := h.desk.PostOffline(t.Context(), p)
				return err
			})
		}
		all := OfflinePost{WidgetKey: h.widget.Key, ClientID: "1", Name: "a\nb", Email: "x", Claimed: &contact.Claim{ID: "a\nb"}}
		_, err := h.desk.PostOffline(t.Context(), all)
		fields := []string{fault.As(err).Field}
		for _, other := range fault.As(err).Others {
			fields = append(fields, other.Field)
		}
		if want := []string{"client_id", "message", "name", "email", "claimed.id"}; !slices.Equal(fields, want) {
			t.Errorf("faults at %q, want %q", fields, want)
		}
		p := h.leave(strings.Repeat("ä", 5000))
		p.Name = ""
		if out, err := h.desk.PostOffline(t.Context(), p); err != nil || out.Contact.Name != "" {
			t.Error(err)
		}
		// The same client id for something else is refused.
		other := p
		other.Message = "something else"
		h.refused(t, fault.KeyReused, "Idempotency-Key", func() error {
			_, err := h.desk.PostOffline(t.Context(), other)
			return err
		})
	})
}

func TestPostWithChoices(t *testing.T) {
	each(t, "they are kept with the message on the website, and are lines of its text elsewhere", func(t *testing.T, h *house) {
		v := h.visitor(t)
		post := func(c id.Conversation) *Posted {
			out, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: c, Body: "Which one?", Choices: []string{" this ", "that"}})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		out := post(v.Conversation.ID)
		if want := []string{"this", "that"}; !slices.Equal(out.Message.Choices, want) || out.Message.Body != "Which one?" {
			t.Errorf("%+v", out.Message)
		}
		list := h.thread(t, v.Conversation.ID)
		if d := cmp.Diff(out.Message, list[len(list)-1]); d != "" {
			t.Errorf("read (-answer +read):\n%s", d)
		}
		ch := h.channel(t, "Messenger")
		if _, err := h.overChannel(t, ChannelPost{Channel: ch, Widget: h.widget.ID, Contact: v.Contact.ID, Body: "over there"}); err != nil {
			t.Fatal(err)
		}
		if out = post(v.Conversation.ID + 1); out.Message.Choices != nil || out.Message.Body != "Which one?\n1. this\n2. that" {
			t.Errorf("%+v", out.Message)
		}
		if _, err := h.desk.DeleteMessage(t.Context(), h.ann, once.Key{}, v.Conversation.ID, list[len(list)-1].ID); err != nil {
			t.Fatal(err)
		}
		if list = h.thread(t, v.Conversation.ID); list[len(list)-1].Choices != nil {
			t.Errorf("a deleted message offers %q", list[len(list)-1].Choices)
		}
	})
	each(t, "what cannot be offered is refused", func(t *testing.T, h *house) {
		v := h.visitor(t)
		for code, choices := range map[fault.Code][]string{fault.TextTooLong: {strings.Repeat("x", 81)}, fault.TextInvalid: {"a\nb"}, fault.FieldInvalid: {"a", " "}} {
			h.refused(t, code, "choices", func() error {
				_, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "?", Choices: choices})
				return err
			})
		}
		for _, p := range []Post{{Body: "?", Choices: slices.Repeat([]string{"a"}, 11)}, {Body: "?", Note: true, Choices: []string{"a"}}} {
			p.Conversation = v.Conversation.ID
			h.refused(t, fault.FieldInvalid, "choices", func() error {
				_, err := h.desk.Post(t.Context(), h.ann, once.Key{}, p)
				return err
			})
		}
	})
}

func TestInvitationIsAnswered(t *testing.T) {
	invitation := func(h *house, used *int, err error) *Invitation {
		return &Invitation{Operator: h.bob.Operator, Body: "Can I help?", At: time.Now().Add(-time.Minute), Use: func(*db.Tx) error {
			*used++
			return err
		}}
	}
	each(t, "the conversation begins with the operator's message and is theirs", func(t *testing.T, h *house) {
		h.alarms(t)
		used := 0
		p := h.post("Yes, please")
		p.Invitation = invitation(h, &used, nil)
		p.Visit = Visit{URL: "https://shop.example/a"}
		out := h.send(t, p)
		list := h.told(t, event.ContactCreated, event.ConversationCreated, event.SessionStarted, event.MessageSent, event.MessageReceived)
		if m := list[3].Message; m.Number != 1 || m.Body != "Can I help?" || m.Sender.ID != int64(h.bob.Operator) || !m.SentAt.Equal(time.Now().Add(-time.Minute)) || list[3].By.Type != event.ByOperator {
			t.Errorf("%+v by %+v", m, list[3].By)
		}
		for _, e := range list[2:] {
			if e.Conversation.MessageCount != 2 || e.Session == nil {
				t.Errorf("%s shows %d messages and session %+v", e.Type, e.Conversation.MessageCount, e.Session)
			}
		}
		if e := list[2]; e.Message.Number != 2 || e.Message.Body != "Yes, please" || !e.Session.Visit.Proactive || e.By.Type != event.ByContact {
			t.Errorf("%+v, %+v", e.Message, e.Session)
		}
		if v := h.get(t, out.Conversation.ID); v.Status != event.StatusOpen || v.Operator.ID != h.bob.Operator || v.Unread != 1 || v.MessageCount != 2 {
			t.Errorf("%+v", v.Conversation)
		}
		if again := h.send(t, p); !again.Duplicate || used != 1 {
			t.Errorf("used %d times", used)
		}
		h.due(t, patience)
		h.told(t, event.ConversationUnanswered)
	})
	each(t, "in a conversation that nobody answered and whose session is over", func(t *testing.T, h *house) {
		first := h.visitor(t)
		h.due(t, time.Hour)
		if _, err := h.desk.ExpireOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.events(t)
		used := 0
		p := h.post("Yes, please")
		p.Contact, p.Invitation = first.Contact.ID, invitation(h, &used, nil)
		h.send(t, p)
		list := h.events(t)
		var got []string
		for _, e := range list {
			got = append(got, fmt.Sprint(e.Type, " ", e.Conversation.Status, " ", e.Conversation.MessageCount))
		}
		at := slices.IndexFunc(list, func(e *event.Event) bool { return e.Type == event.ConversationStatusChanged })
		start := slices.IndexFunc(list, func(e *event.Event) bool { return e.Type == event.SessionStarted })
		if at < 0 || start < at || list[at].StatusBefore != event.StatusNew || list[len(list)-2].Type != event.MessageSent || list[len(list)-1].Type != event.MessageReceived {
			t.Errorf("it was told as %q", got)
		}
	})
	each(t, "one that is gone leaves an ordinary conversation", func(t *testing.T, h *house) {
		used := 0
		p := h.post("Yes, please")
		p.Invitation = invitation(h, &used, fault.New(fault.VisitorNotFound, "it is too late"))
		out := h.send(t, p)
		h.told(t, event.ContactCreated, event.ConversationCreated, event.SessionStarted, event.MessageReceived)
		if out.Conversation.MessageCount != 1 || out.Conversation.Session.Visit.Proactive {
			t.Errorf("%+v", out.Conversation)
		}
		broken := h.post("Yes, please")
		broken.Invitation = invitation(h, &used, errors.New("the disk is full"))
		h.refused(t, fault.InternalError, "", func() error {
			_, err := h.desk.PostFromContact(t.Context(), broken)
			return err
		})
	})
	each(t, "in an open conversation both messages follow", func(t *testing.T, h *house) {
		v := h.visitor(t)
		used := 0
		p := h.post("Yes, please")
		p.Contact, p.Invitation = v.Contact.ID, invitation(h, &used, nil)
		out := h.send(t, p)
		if out.Conversation.ID != v.Conversation.ID || out.Conversation.Operator.ID != h.ann.Operator || used != 1 {
			t.Errorf("%+v", out.Conversation)
		}
		if list := h.thread(t, v.Conversation.ID); len(list) != 3 || list[1].Body != "Can I help?" || list[2].Body != "Yes, please" {
			t.Errorf("%d messages", len(list))
		}
	})
}

// Every message of a conversation is sent at a time of its own, whatever the clocks say.
func TestS162_TimesOfMessagesAreUniqueAndGrow(t *testing.T) {
	each(t, "in one instant, and when a node's clock is behind", func(t *testing.T, h *house) {
		v := h.visitor(t)
		for i := range 5 {
			h.write(t, v.Contact.ID, fmt.Sprint("message ", i))
			h.reply(t, h.ann, v.Conversation.ID, "yes")
		}
		err := h.d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec("UPDATE conversations SET updated_at = updated_at + 60000000")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		was := h.get(t, v.Conversation.ID).UpdatedAt
		if next := h.write(t, v.Contact.ID, "from another node"); !next.Message.SentAt.Equal(was.Add(time.Microsecond)) {
			t.Errorf("sent at %v, active at %v", next.Message.SentAt, was)
		}
		list := h.thread(t, v.Conversation.ID)
		for i, m := range list[1:] {
			if !m.SentAt.After(list[i].SentAt) {
				t.Errorf("message %d was sent at %v, the one before at %v", m.Number, m.SentAt, list[i].SentAt)
			}
		}
	})
}

func TestS138_TheCurrentPageFollowsEachMessage(t *testing.T) {
	each(t, "the session's page is the one that the contact writes from", func(t *testing.T, h *house) {
		p := h.post("one")
		p.Visit = Visit{URL: "https://shop.example/a", Title: "A", PageImpressions: 1}
		first := h.send(t, p)
		next := h.post("two")
		next.Contact, next.Visit = first.Contact.ID, Visit{URL: "https://shop.example/b#frag", Title: "B"}
		out := h.send(t, next)
		if v := out.Conversation.Session.Visit; v.URL != "https://shop.example/b#frag" || v.Title != "B" || v.InitialURL != "https://shop.example/a" || v.PageImpressions != 2 {
			t.Errorf("%+v", v)
		}
		h.unchanged(t, func() error {
			return h.desk.PageByContact(t.Context(), first.Contact.ID, "https://shop.example/b#frag", "B")
		})
		last := h.post("three")
		last.Contact, last.Visit = first.Contact.ID, Visit{URL: "javascript:alert(1)"}
		if v := h.send(t, last).Conversation.Session.Visit; v.URL != "https://shop.example/b#frag" {
			t.Errorf("%+v", v)
		}
	})
}

func TestS137_TheHandleIsGivenWithTheFirstConversation(t *testing.T) {
	each(t, "by the place of the first visit, for life", func(t *testing.T, h *house) {
		place := Place{City: "Costa Mesa", Region: "California", Country: "United States", CountryCode: "US"}
		h.desk.Place = func(string) Place { return place }
		p := h.post("Hello")
		p.Visit = Visit{IP: "203.0.113.7"}
		v := h.send(t, p)
		want := fmt.Sprintf("costa-mesa-california-us-%d", v.Contact.ID)
		if v.Contact.Handle != want || v.Conversation.Contact.Handle != want || h.get(t, v.Conversation.ID).Contact.Handle != want {
			t.Errorf("%q", v.Contact.Handle)
		}
		place = Place{Country: "France"}
		h.did(t)(h.desk.End(t.Context(), h.ann, once.Key{}, v.Conversation.ID))
		next := h.post("Hello again")
		next.Contact, next.Visit = v.Contact.ID, Visit{IP: "203.0.113.8"}
		if out := h.send(t, next); out.Contact.Handle != want || out.Conversation.ID == v.Conversation.ID {
			t.Errorf("%q", out.Contact.Handle)
		}
		sub := "user"
		user, err := h.desk.Identify(t.Context(), h.widget.Key, h.visitor(t).Contact.ID, contact.Identity{Change: contact.Change{ExternalID: &sub}})
		if err != nil {
			t.Fatal(err)
		}
		// One who is known already, but had no conversation, gets one with those that are handed over.
		other := "other"
		if _, err := h.desk.Identify(t.Context(), h.widget.Key, 0, contact.Identity{Change: contact.Change{ExternalID: &other}}); err != nil {
			t.Fatal(err)
		}
		guest := h.visitor(t)
		known, err := h.desk.Identify(t.Context(), h.widget.Key, guest.Contact.ID, contact.Identity{Change: contact.Change{ExternalID: &other}})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.get(t, guest.Conversation.ID).Contact; got.ID != known.Contact.ID || got.Handle != fmt.Sprintf("visitor-%d", got.ID) || user.Contact.Handle == "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestGetByUUID(t *testing.T) {
	each(t, "finds the conversation, and nothing by what is none", func(t *testing.T, h *house) {
		v := h.visitor(t)
		got, err := h.desk.GetByUUID(t.Context(), v.Conversation.UUID)
		if err != nil || got.ID != v.Conversation.ID || got.Seq != h.get(t, v.Conversation.ID).Seq {
			t.Errorf("%+v, %v", got, err)
		}
		for _, uuid := range []string{"", "x", strings.ToUpper(v.Conversation.UUID), "00000000-0000-4000-8000-000000000000", v.Conversation.UUID + "\x00", strings.Repeat("é", 18)} {
			if _, err := h.desk.GetByUUID(t.Context(), uuid); !fault.Is(err, fault.ConversationNotFound) {
				t.Errorf("%q: %v", uuid, err)
			}
		}
	})
}

// A message in a conversation whose alarm runs or that has none writes nothing about alarms: most messages are of that kind.
func TestAPlainMessageWritesNothingAboutAlarms(t *testing.T) {
	each(t, "the alarm is written when it starts and when it stops", func(t *testing.T, h *house) {
		h.alarms(t)
		v := h.visitor(t)
		var mu sync.Mutex
		var written []string
		h.d.Trace(func(query string, _ []any) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(query, "UPDATE conversations") || strings.HasPrefix(query, "UPDATE sessions") || strings.HasPrefix(query, "UPDATE contacts") {
				written = append(written, query)
			}
		})
		defer h.d.Trace(nil)
		is := func(what string, want ...string) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(written, want) {
				t.Errorf("%s: %q", what, written)
			}
			written = nil
		}
		p := h.post("anybody?")
		p.Contact, p.Conversation = v.Contact.ID, v.Conversation.ID
		if _, err := h.desk.PostFromContact(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		is("while the alarm runs", sqlUpdateMessages)
		for range 2 {
			if _, err := h.desk.Post(t.Context(), h.ann, once.Key{}, Post{Conversation: v.Conversation.ID, Body: "Hi"}); err != nil {
				t.Fatal(err)
			}
		}
		is("the first answer and the second", sqlUpdateConversation, sqlUpdateMessages)
		p = h.post("and now?")
		p.Contact, p.Conversation = v.Contact.ID, v.Conversation.ID
		if _, err := h.desk.PostFromContact(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		is("the next question", sqlUpdateWaiting)
	})
}
