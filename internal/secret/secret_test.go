package secret

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestStringNeverShowsItsValue(t *testing.T) {
	s := Of("hunter2")
	j, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), string(j), s.LogValue().String()} {
		if strings.Contains(out, "hunter2") {
			t.Errorf("the secret leaked: %s", out)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("Reveal does not give the value")
	}
}

func TestSealedValueOpensOnlyWithItsKeyAndContext(t *testing.T) {
	a, err := NewSealer(Random(32))
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSealer(Random(32))
	if err != nil {
		t.Fatal(err)
	}
	sealed := a.Seal("endpoint.secret", "whsec_x")
	if got, err := a.Open("endpoint.secret", sealed); err != nil || got.Reveal() != "whsec_x" {
		t.Errorf("Open = %v, %v", got, err)
	}
	if _, err := a.Open("widget.secret", sealed); err == nil {
		t.Error("a sealed value opened in another place")
	}
	if _, err := b.Open("endpoint.secret", sealed); err == nil {
		t.Error("a sealed value opened with another key")
	}
}

// The signature is checked by the official library of the specification, not by our own reading of it.
func TestSignatureIsVerifiedByTheOfficialLibrary(t *testing.T) {
	s := NewSigning()
	key, err := SigningKey(s)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"message.received"}`)
	now := time.Now()
	h := http.Header{}
	h.Set("webhook-id", "evt_1")
	h.Set("webhook-timestamp", fmt.Sprint(now.Unix()))
	h.Set("webhook-signature", Sign(key, "evt_1", now, body))
	wh, err := standardwebhooks.NewWebhook(s.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := wh.Verify(body, h); err != nil {
		t.Errorf("the official library refuses our signature: %v", err)
	}
	h.Set("webhook-signature", Sign(key, "evt_2", now, body))
	if wh.Verify(body, h) == nil {
		t.Error("a signature over another id was accepted")
	}
}

func FuzzOpen(f *testing.F) {
	s, err := NewSealer(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("s1.AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, sealed string) {
		if _, err := s.Open("x", sealed); err == nil {
			t.Errorf("%q opened without being sealed", sealed)
		}
	})
}
