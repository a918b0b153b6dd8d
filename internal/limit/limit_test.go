package limit

import (
	"fmt"
	"testing"
	"time"
)

func TestBurstThenOneUsePerInterval(t *testing.T) {
	now := time.Unix(1000, 0)
	l := New(Options{Every: 10 * time.Second, Burst: 3, Now: func() time.Time { return now }})
	for i := range 3 {
		if _, ok := l.Allow("a"); !ok {
			t.Fatalf("use %d of the burst was refused", i+1)
		}
	}
	wait, ok := l.Allow("a")
	if ok || wait != 10*time.Second {
		t.Fatalf("after the burst: %v, %v; want refused for 10 s", wait, ok)
	}
	if _, ok := l.Allow("b"); !ok {
		t.Error("another key was refused too")
	}
	now = now.Add(wait)
	if _, ok := l.Allow("a"); !ok {
		t.Error("refused although the wait is over: a refused use must cost nothing")
	}
	if _, ok := l.Allow("a"); ok {
		t.Error("two uses after one interval")
	}
}

func TestMemoryIsBoundedAndTheOldestKeyGoesFirst(t *testing.T) {
	now := time.Unix(1000, 0)
	l := New(Options{Every: time.Hour, Burst: 1, Keys: 10, Now: func() time.Time { return now }})
	l.Allow("kept")
	for i := range 100 {
		l.Allow(fmt.Sprint(i))
		if _, ok := l.Allow("kept"); ok {
			t.Fatalf("a key in use was forgotten after %d others", i+1)
		}
	}
	if l.Len() != 10 {
		t.Errorf("%d keys remembered, want 10", l.Len())
	}
	if _, ok := l.Allow("0"); !ok {
		t.Error("the key used longest ago was not forgotten")
	}
}

func TestSpentTellsWithoutTaking(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	l := New(Options{Every: 10 * time.Second, Burst: 2, Now: func() time.Time { return now }})
	for range 5 {
		if _, spent := l.Spent("a"); spent {
			t.Fatal("a rested key is spent")
		}
	}
	if l.Len() != 0 {
		t.Error("asking makes keys")
	}
	l.Allow("a")
	l.Allow("a")
	if wait, spent := l.Spent("a"); !spent || wait != 10*time.Second {
		t.Errorf("after all uses: %v, %v", wait, spent)
	}
	now = now.Add(10 * time.Second)
	if _, spent := l.Spent("a"); spent {
		t.Error("after its time a key is still spent")
	}
	if _, ok := l.Allow("a"); !ok {
		t.Error("asking took the use")
	}
}
