package realtime

import (
	"context"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
)

func (s *stage) tell(events ...*event.Event) {
	s.t.Helper()
	err := s.db.Update(s.t.Context(), func(ctx context.Context, tx *db.Tx) error { return s.feed.Append(ctx, tx, events...) })
	if err != nil {
		s.t.Fatal(err)
	}
}

// ends reads until the line ends and returns its close code.
func (c *client) ends() websocket.StatusCode {
	for {
		if _, err := c.next(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestDeactivatedOperatorIsCutOff(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	gone, stays := s.dial("op:1", ""), s.dial("op:2", "")
	gone.until("welcome")
	stays.until("welcome")
	s.tell(&event.Event{Type: event.OperatorUpdated, Operator: &event.Operator{ID: 1}},
		&event.Event{Type: event.OperatorUpdated, Operator: &event.Operator{ID: 2, Active: true}})
	if code := gone.ends(); code != closeAuth {
		t.Errorf("closed with %d, want %d", code, closeAuth)
	}
	s.append(1, "next")
	for seq := id.Seq(0); seq != 3; {
		seq = stays.until("event").Event.Seq
	}
	gone.close()
	stays.close()
}

func TestRevokedTokenIsCutOffAtTheNextCheck(t *testing.T) {
	var revoked atomic.Bool
	s := newStage(t, dbtest.New(t), func(o *Options) {
		o.OperatorAuth = func(*http.Request, string) (Subject, error) {
			return Subject{Token: 7, Valid: func(context.Context) error {
				if revoked.Load() {
					return fault.New(fault.AuthInvalid, "revoked")
				}
				return fault.New(fault.DatabaseUnavailable, "nobody knows") // no reason to send anyone away
			}}, nil
		}
	})
	c := s.dial("op:1", "")
	c.until("welcome")
	round := func() {
		for range checkBeats * int(heartbeat/time.Second) {
			s.hub.BeatOnce(t.Context())
		}
		for s.hub.checking.Load() { // the check runs beside the heartbeat
			runtime.Gosched()
		}
	}
	round()
	s.append(1, "still there")
	c.until("event")
	revoked.Store(true)
	round()
	if code := c.ends(); code != closeAuth {
		t.Errorf("closed with %d, want %d", code, closeAuth)
	}
	c.close()
}

func TestEndedTokensOfAContactAreCutOffAtOnce(t *testing.T) {
	s := newStage(t, dbtest.New(t), func(o *Options) {
		o.VisitorAuth = func(_ *http.Request, token string) (Subject, error) {
			return Subject{Contact: map[string]id.Contact{"c:1": 1, "c:1 still": 1}[token], Name: "Ann", Valid: func(context.Context) error {
				if token == "c:1" {
					return fault.New(fault.AuthInvalid, "signed out")
				}
				return nil
			}}, nil
		}
	})
	out, in := s.dial("c:1", ""), s.dial("c:1 still", "")
	out.until("welcome")
	in.until("welcome")
	s.hub.Ended(2) // somebody else
	s.hub.Ended(1)
	if code := out.ends(); code != closeAuth {
		t.Errorf("closed with %d, want %d", code, closeAuth)
	}
	s.append(1, "still there")
	in.until("message")
	in.close()
}

func TestSeqFromBeyondTheFeedAsksForASnapshot(t *testing.T) {
	s := newStage(t, dbtest.New(t))
	s.append(1, "one")
	c := s.dial("op:1", `,"after":500`)
	if f, err := c.next(); err != nil || f.Type != "resync" || f.Reason != "too_far" {
		t.Errorf("got %+v, %v", f, err)
	}
	c.close()
}

func TestLinesWithoutAHelloCountToo(t *testing.T) {
	s := newStage(t, dbtest.New(t), func(o *Options) { o.PerAddress = 1 })
	mute, _, err := websocket.Dial(t.Context(), s.http.URL+"/api/v1/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	second := s.dial("op:2", "")
	if f := second.until("error"); f.Code != string(fault.RequestLimited) {
		t.Errorf("got %+v", f)
	}
	second.close()
	mute.CloseNow()
}

// A database that stumbles must not cost a browser an event without its knowing.
func TestConversationThatCannotBeReadMeansResync(t *testing.T) {
	s := newStage(t, dbtest.New(t), func(o *Options) {
		o.Conversation = func(context.Context, id.Contact, id.Conversation) (any, error) {
			return nil, fault.New(fault.DatabaseUnavailable, "not now")
		}
	})
	c := s.dial("c:1", "")
	c.until("availability")
	s.append(1, "lost?")
	if f, err := c.next(); err != nil || f.Type != "resync" {
		t.Errorf("got %+v, %v", f, err)
	}
	c.close()
}

func TestTypingFollowsAConversationToItsNewContact(t *testing.T) {
	var owner atomic.Int64
	owner.Store(2)
	s := newStage(t, dbtest.New(t), func(o *Options) {
		o.ContactOf = func(context.Context, id.Conversation) (id.Contact, bool) { return id.Contact(owner.Load()), true }
	})
	operator, before, after := s.dial("op:1", ""), s.dial("c:2", ""), s.dial("c:3", "")
	operator.until("welcome")
	before.until("availability")
	after.until("availability")
	operator.say(`{"type":"typing","conversation_id":2}`)
	before.until("typing")
	owner.Store(3)
	s.tell(&event.Event{Type: event.ConversationRead, Conversation: &event.Conversation{ID: 2, Contact: event.Contact{ID: 3}}})
	operator.until("event")
	s.clock.Add(int64(2 * typingEvery))
	operator.say(`{"type":"typing","conversation_id":2}`)
	after.until("typing")
	s.append(2, "something of its own")
	if f, err := before.next(); err != nil || f.Type != "message" {
		t.Errorf("the contact who had it before got %+v, %v", f, err)
	}
	for _, c := range []*client{operator, before, after} {
		c.close()
	}
}
