package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"parley/internal/secret"
)

const (
	keepCalls   = 500
	maxCallBody = 1 << 20 // bytes
	longestPoll = 20 * time.Second
	// hangFor is longer than any delivery's time-out.
	hangFor = 2 * time.Minute
)

type inspector struct {
	secrets map[string]string

	mu       sync.Mutex
	mode     string
	calls    []wireCall
	last     int
	attempts map[string]int // by endpoint and webhook id
	changed  chan struct{}
}

func newInspector(secrets map[string]string) *inspector {
	return &inspector{secrets: secrets, mode: modeOK, attempts: map[string]int{}, changed: make(chan struct{})}
}

// The modes of the receiver.
const (
	modeOK   = "ok"
	modeFail = "fail"
	modeHang = "hang"
	modeGone = "gone"
)

func (in *inspector) hook(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallBody))
	if err != nil {
		http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
		return
	}
	in.mu.Lock()
	mode := in.mode
	in.mu.Unlock()
	status := http.StatusOK
	switch mode {
	case modeFail:
		status = http.StatusInternalServerError
	case modeGone:
		status = http.StatusGone
	case modeHang:
		status = 0
	}
	in.keep(r, body, status, start)
	if mode == modeHang {
		hang := time.NewTimer(hangFor)
		defer hang.Stop()
		select {
		case <-hang.C:
		case <-r.Context().Done():
		}
		return
	}
	w.WriteHeader(status)
	io.WriteString(w, "seen by the inspector\n")
}

func (in *inspector) keep(r *http.Request, body []byte, status int, start time.Time) {
	endpoint := r.PathValue("endpoint")
	headers := map[string]string{"Host": r.Host}
	for name, values := range r.Header {
		headers[name] = strings.Join(values, ", ")
	}
	webhookID := r.Header.Get("webhook-id")
	in.mu.Lock()
	defer in.mu.Unlock()
	in.last++
	in.attempts[endpoint+" "+webhookID]++
	in.calls = append(in.calls, wireCall{
		N: in.last, Endpoint: endpoint, ReceivedAt: start.UTC().Format(time.RFC3339Nano), Method: r.Method, Headers: headers, Body: string(body), Status: status,
		DurationMS: float64(time.Since(start).Microseconds()) / 1000, Attempt: in.attempts[endpoint+" "+webhookID], WebhookID: webhookID,
		Signature: in.verify(endpoint, r.Header, body),
	})
	if len(in.calls) > keepCalls {
		delete(in.attempts, in.calls[0].Endpoint+" "+in.calls[0].WebhookID)
		in.calls = in.calls[1:]
	}
	close(in.changed)
	in.changed = make(chan struct{})
}

// verify says whether one of the call's signatures is right.
func (in *inspector) verify(endpoint string, h http.Header, body []byte) string {
	given := h.Get("webhook-signature")
	if given == "" {
		return "missing"
	}
	key, err := secret.SigningKey(secret.Of(in.secrets[endpoint]))
	if err != nil {
		return "invalid"
	}
	at, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		return "invalid"
	}
	want := secret.Sign(key, h.Get("webhook-id"), time.Unix(at, 0), body)
	for s := range strings.FieldsSeq(given) {
		if secret.Equal(s, want) {
			return "valid"
		}
	}
	return "invalid"
}

// list answers with the calls after ?after=N, waiting for one up to 20 seconds.
func (in *inspector) list(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	if err != nil {
		after = 0
	}
	wait := time.NewTimer(longestPoll)
	defer wait.Stop()
	for {
		in.mu.Lock()
		items := []wireCall{}
		for _, c := range in.calls {
			if c.N > after {
				items = append(items, c)
			}
		}
		next, changed := in.last, in.changed
		in.mu.Unlock()
		if len(items) > 0 || after > next {
			answer(w, wireCalls{items, next})
			return
		}
		select {
		case <-changed:
		case <-wait.C:
			answer(w, wireCalls{items, next})
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (in *inspector) clear(w http.ResponseWriter, _ *http.Request) {
	in.mu.Lock()
	in.calls = nil
	close(in.changed)
	in.changed = make(chan struct{})
	in.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (in *inspector) showMode(w http.ResponseWriter, _ *http.Request) {
	in.mu.Lock()
	m := in.mode
	in.mu.Unlock()
	answer(w, wireMode{m})
}

func (in *inspector) setMode(w http.ResponseWriter, r *http.Request) {
	var m wireMode
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1024)).Decode(&m); err != nil {
		http.Error(w, "send {\"mode\": \"ok\"}", http.StatusBadRequest)
		return
	}
	switch m.Mode {
	case modeOK, modeFail, modeHang, modeGone:
	default:
		http.Error(w, "mode must be ok, fail, hang or gone", http.StatusUnprocessableEntity)
		return
	}
	in.mu.Lock()
	in.mode = m.Mode
	in.mu.Unlock()
	answer(w, m)
}
