package realtime

import (
	"os"
	"testing"
	"time"

	"parley/internal/db/dbtest"
	"parley/internal/secret"
)

// redisVariable names the environment variable with the URL of a Redis server for tests.
const redisVariable = "PARLEY_TEST_REDIS"

// Two nodes on one database: what happens on one is known on the other at once, through a real Redis.
func TestSignalsTravelBetweenNodes(t *testing.T) {
	url := os.Getenv(redisVariable)
	if url == "" {
		if os.Getenv("CI") == "true" {
			t.Errorf("%s is not set: in CI this runs against a real Redis", redisVariable)
		}
		t.Logf("%s is not set: signals between nodes are not tested", redisVariable)
		return
	}
	d := dbtest.New(t)
	installation := secret.UUID()
	node := func() *stage {
		r, err := NewRedis(secret.Of(url), installation)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return newStage(t, d, func(o *Options) { o.Redis = r })
	}
	a, b := node(), node()
	a.feed.OnAppend(a.hub.Wake)
	there, here := b.dial("op:2", ""), a.dial("c:2", "")
	there.until("welcome")
	here.until("welcome")

	// A subscription takes a moment; typing may be lost until then, so it is repeated until it arrives.
	typed := make(chan wireFrame, 1)
	go func() {
		for {
			f, err := there.next()
			if err != nil {
				close(typed)
				return
			}
			if f.Type == "typing" {
				typed <- f
				return
			}
		}
	}()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	late := time.After(20 * time.Second)
	for arrived := false; !arrived; {
		select {
		case f, ok := <-typed:
			if !ok || f.By.Type != "contact" || f.ConversationID != 2 {
				t.Fatalf("the other node's operator saw %+v", f)
			}
			arrived = true
		case <-again.C:
			a.clock.Add(int64(2 * typingEvery))
			a.hub.tell(signal{Kind: "typing", Conversation: 2, Contact: 2, By: wireParty{"contact", 2, "Contact"}})
		case <-late:
			t.Fatal("a sign of typing never reached the other node")
		}
	}
	// The wake-up: b looks at the feed because a wrote, well before its own look after two seconds.
	changed := b.feed.Changed()
	a.append(2, "from the other node")
	select {
	case <-changed:
	case <-late:
		t.Fatal("the wake-up never reached the other node")
	}
	there.until("event")
	there.close()
	here.close()
}
