package webhook

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/all"
)

// A retry after a restart must give the same bytes, so the addresses of files are signed as of the event, whenever that is done.
func TestAddressesOfFilesAreThoseOfTheEvent(t *testing.T) {
	d := &Desk{Options: Options{PublicURL: "https://chat.example", MediaURL: func(m *event.Media, thumb bool, at time.Time) string {
		return fmt.Sprint("https://files.example/", m.Key, "?", thumb, "&", at.UnixMicro())
	}}, forms: map[string]form{}}
	for _, s := range all.Dialects() {
		for _, v := range s.Info().Versions {
			d.forms[formName(s.Info().Name, v)] = form{s, v}
		}
	}
	samples := eventtest.Named()
	e := samples[slices.IndexFunc(samples, func(s eventtest.Sample) bool { return s.Name == "message_received_voice" })].Event
	want := fmt.Sprint("https://files.example/", e.Message.Media.Key, "?false&", e.At.UnixMicro())
	for _, pinned := range []string{"standard/1", "userlike/1", "userlike/2014"} {
		body, err := d.render(&Endpoint{}, pinned, e)
		if err != nil {
			t.Fatal(err)
		}
		if plain := strings.ReplaceAll(string(body), `\u0026`, "&"); !strings.Contains(plain, want) || strings.Count(plain, "files.example") != strings.Count(plain, want) {
			t.Errorf("%s: no %s in %s", pinned, want, body)
		}
		if again, err := d.render(&Endpoint{}, pinned, e); err != nil || !bytes.Equal(body, again) {
			t.Errorf("%s: other bytes: %s, %v", pinned, again, err)
		}
		masked, err := d.render(&Endpoint{Policy: Policy{Text: Remove}}, pinned, e)
		if err != nil || strings.Contains(string(masked), "files.example") || strings.Contains(string(masked), e.Message.Media.Name) {
			t.Errorf("%s with texts removed: %s, %v", pinned, masked, err)
		}
	}
	if got := (&dialect.Options{}).Address(e.Message.Media, false, e.At); got != "" {
		t.Errorf("without anybody who makes addresses there is %s", got)
	}
}
