package visitor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/audit"
	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/mail"
	"parley/internal/once"
	"parley/internal/team"
	"parley/internal/widget"
)

// withMail sets a mail server up, which nobody calls here.
func (s *site) withMail() {
	s.t.Helper()
	port := 2525
	if _, err := s.mail.SetServer(s.t.Context(), team.System(), mail.ServerDraft{Host: new("mail.shop.example"), Port: &port, TLS: new("none"), From: new("chat@shop.example")}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.mail.SetOfWidget(s.t.Context(), team.System(), s.widget.ID, mail.Draft{TranscriptOffer: new(true), SignIn: new(true)}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) at(path string) string { return "/visitor/v1/widgets/" + s.widget.Key + "/" + path }

// writeAs sends a first message of somebody who gives an address.
func (s *site) writeAs(email string) (token string, who id.Contact, conversation id.Conversation) {
	s.t.Helper()
	status, out := s.do("POST", s.messages(), "", shop, map[string]any{"client_id": fmt.Sprintf("0123456789abcdef-%d", time.Now().UnixNano()), "body": "hello", "contact": map[string]any{"email": email}})
	if status != http.StatusCreated {
		s.t.Fatalf("first message: %d %v", status, out)
	}
	return out["token"].(string), id.Contact(out["contact"].(map[string]any)["id"].(float64)), id.Conversation(out["conversation"].(map[string]any)["id"].(float64))
}

func (s *site) way(who id.Contact, address string, conversation id.Conversation) (link, code string) {
	s.t.Helper()
	err := s.db.Update(s.t.Context(), func(_ context.Context, tx *db.Tx) error {
		n, err := contact.NewReauth(tx, mailKey, contact.Reauth{Contact: who, Widget: s.widget.ID, Conversation: conversation, Address: address, For: event.MailReauth})
		link, code = contact.ReauthSecrets(mailKey, n)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return link, code
}

func (s *site) count(query string) (n int) {
	s.t.Helper()
	if err := s.db.View(s.t.Context(), func(_ context.Context, tx *db.Tx) error { return tx.One(query, nil, &n) }); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestWhatIsOfferedByMail(t *testing.T) {
	s := newSite(t)
	offered := func() string {
		_, out := s.do("GET", "/visitor/v1/widgets/"+s.widget.Key, "", shop, nil)
		return fmt.Sprint(out["sign_in"], out["transcripts"])
	}
	if got := offered(); got != "false false" {
		t.Errorf("without a way out: %s", got)
	}
	if status, out := s.do("POST", s.at("reauth"), "", shop, map[string]any{"email": "a@x.example"}); status != 409 || out["code"] != "reauth.off" {
		t.Errorf("reauth: %d %v", status, out)
	}
	s.withMail()
	if got := offered(); got != "true true" {
		t.Errorf("with a server: %s", got)
	}
	if _, err := s.widgets.NewIdentitySecret(t.Context(), team.System(), once.Key{}, s.widget.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.widgets.Update(t.Context(), team.System(), once.Key{}, s.widget.ID, widget.Change{IdentityRequired: new(true)}); err != nil {
		t.Fatal(err)
	}
	if got := offered(); !strings.HasPrefix(got, "false") {
		t.Errorf("of a widget for signed-in users: %s", got)
	}
	for path, in := range map[string]any{"reauth": map[string]any{"email": "a@x.example"}, "sign-in": map[string]any{"code": "0000000000"}} {
		if status, out := s.do("POST", s.at(path), "", shop, in); status != 409 || out["code"] != "reauth.off" {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
}

func TestS037AskingIsAnsweredTheSameForEverybody(t *testing.T) {
	s := newSite(t)
	s.withMail()
	s.writeAs("ann@x.example")
	var answers []string
	for _, address := range []string{"ann@x.example", " ANN@x.example ", "nobody@x.example"} {
		status, out := s.do("POST", s.at("reauth"), "", shop, map[string]any{"email": address})
		answers = append(answers, fmt.Sprint(status, out))
	}
	if answers[0] != "202 map[]" || answers[1] != answers[0] || answers[2] != answers[0] {
		t.Errorf("%q", answers)
	}
	if n := s.count("SELECT COUNT(*) FROM mail_asked"); n != 3 {
		t.Errorf("%d wishes are put down", n)
	}
	for _, bad := range []any{map[string]any{}, map[string]any{"email": ""}, map[string]any{"email": "x"}, map[string]any{"email": "a@b\r\nBcc: c@d"}, map[string]any{"email": "A <a@b.example>"}, map[string]any{"email": 7},
		map[string]any{"email": strings.Repeat("x", 300) + "@x.example"}, map[string]any{"email": "a@x.example", "contact": 1}, "", "[]", "{"} {
		if status, _ := s.do("POST", s.at("reauth"), "", shop, bad); status != 400 && status != 422 {
			t.Errorf("%v: %d", bad, status)
		}
	}
	if status, out := s.do("POST", s.at("reauth"), "", "https://evil.example", map[string]any{"email": "ann@x.example"}); status != 403 || out["code"] != "widget.origin_not_allowed" && !strings.HasPrefix(fmt.Sprint(out["code"]), "widget.") {
		t.Errorf("from another site: %d %v", status, out)
	}
	for range 2 {
		if status, out := s.do("POST", s.at("reauth"), "", shop, map[string]any{"email": "c@x.example"}); status != 202 {
			t.Errorf("within the limit: %d %v", status, out)
		}
	}
	if status, out := s.do("POST", s.at("reauth"), "", shop, map[string]any{"email": "c@x.example"}); status != 429 || out["code"] != "request.rate_limited" && !strings.HasPrefix(fmt.Sprint(out["code"]), "request.") {
		t.Errorf("the sixth: %d %v", status, out)
	}
}

func TestS038S040SignIn(t *testing.T) {
	s := newSite(t)
	s.withMail()
	first, who, conversation := s.writeAs("ann@x.example")
	link, code := s.way(who, "ann@x.example", conversation)
	status, out := s.do("POST", s.at("sign-in"), "", shop, map[string]any{"link": link})
	if status != 200 || id.Contact(out["contact"].(map[string]any)["id"].(float64)) != who || id.Conversation(out["conversation_id"].(float64)) != conversation {
		t.Fatalf("%d %v", status, out)
	}
	token := out["token"].(string)
	if status, out := s.do("GET", "/visitor/v1/me", token, shop, nil); status != 200 || len(out["conversations"].([]any)) != 1 {
		t.Errorf("signed in: %d %v", status, out)
	}
	if status, _ := s.do("GET", "/visitor/v1/me", first, shop, nil); status != 401 {
		t.Errorf("who typed the address before it was proven: %d", status)
	}
	status, out = s.do("POST", s.at("sign-in"), "", shop, map[string]any{"code": code})
	if out["code"] != "reauth.invalid" {
		t.Errorf("the code after the link: %d %v", status, out)
	}
	_, code = s.way(who, "ann@x.example", 0)
	// A browser with a conversation of its own, and one with a token that is no good: both come in.
	guest, own := s.write()
	status, out = s.do("POST", s.at("sign-in"), guest, shop, map[string]any{"code": strings.ToLower(code)})
	if status != 200 || out["conversation_id"] != nil {
		t.Fatalf("%d %v", status, out)
	}
	if status, out := s.do("GET", fmt.Sprintf("/visitor/v1/conversations/%d/messages", own), out["token"].(string), shop, nil); status != 200 {
		t.Errorf("the guest's conversation: %d %v", status, out)
	}
	_, code = s.way(who, "ann@x.example", 0)
	if status, out := s.do("POST", s.at("sign-in"), guest, shop, map[string]any{"code": code}); status != 200 {
		t.Errorf("with an old token: %d %v", status, out)
	}
	// A link takes the guest's conversation along where this browser asked for it.
	for address, want := range map[string]int{"": 404, "eve@x.example": 404, "Ann@x.example": 200} {
		guest, own := s.write()
		link, _ := s.way(who, "ann@x.example", 0)
		status, out := s.do("POST", s.at("sign-in"), guest, shop, map[string]any{"link": link, "address": address})
		if status != 200 {
			t.Fatalf("asked at %q: %d %v", address, status, out)
		}
		if status, out := s.do("GET", fmt.Sprintf("/visitor/v1/conversations/%d/messages", own), out["token"].(string), shop, nil); status != want {
			t.Errorf("asked at %q: the guest's conversation: %d %v, want %d", address, status, out, want)
		}
		if status, _ := s.do("GET", "/visitor/v1/me", guest, shop, nil); (status == 200) != (want == 404) {
			t.Errorf("asked at %q: the guest: %d", address, status)
		}
	}
	for _, bad := range []any{map[string]any{}, map[string]any{"link": "", "code": ""}, map[string]any{"link": link, "code": code}, map[string]any{"code": 7}, map[string]any{"token": "x"}, "", "null"} {
		if status, out := s.do("POST", s.at("sign-in"), "", shop, bad); status != 400 && status != 422 {
			t.Errorf("%v: %d %v", bad, status, out)
		}
	}
	link, _ = s.way(who, "ann@x.example", 0)
	if status, _ := s.do("POST", s.at("sign-in"), "", "https://evil.example", map[string]any{"link": link}); status != 403 {
		t.Errorf("from another site: %d", status)
	}
	if status, _ := s.do("POST", "/visitor/v1/widgets/w_no/sign-in", "", shop, map[string]any{"link": link}); status != 404 {
		t.Errorf("at no widget: %d", status)
	}
}

func TestS040WrongCodesLock(t *testing.T) {
	s := newSite(t)
	s.withMail()
	_, who, _ := s.writeAs("ann@x.example")
	_, code := s.way(who, "ann@x.example", 0)
	if status, _ := s.do("POST", s.at("sign-in"), "", shop, map[string]any{"code": code}); status != 200 {
		t.Fatalf("the right code: %d", status)
	}
	for i := range wrongMost {
		if status, out := s.do("POST", s.at("sign-in"), "", shop, map[string]any{"code": fmt.Sprintf("0000%d-00000", i)}); out["code"] != "reauth.invalid" {
			t.Errorf("wrong code %d: %d %v", i, status, out)
		}
	}
	link, code := s.way(who, "ann@x.example", 0)
	for range 3 {
		for _, in := range []any{map[string]any{"code": code}, map[string]any{"link": link}} {
			if status, out := s.do("POST", s.at("sign-in"), "", shop, in); status != 429 || out["code"] != "reauth.locked" {
				t.Errorf("locked: %d %v", status, out)
			}
		}
	}
	list, _, err := audit.New(s.db).List(t.Context(), team.System(), 0, 0)
	if err != nil || len(list) != 1 || list[0].Action != audit.ReauthLocked || list[0].By != "address:127.0.0.1" || list[0].Subject != fmt.Sprintf("widget:%d", s.widget.ID) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAttempts(time.Now)
		try := func(key string, wrong bool) (wait time.Duration, ok, locked bool) {
			if wait, ok = a.begin(key); ok {
				locked = a.end(key, wrong)
			}
			return wait, ok, locked
		}
		for i := 1; i <= wrongMost; i++ {
			if _, ok, locked := try("a", true); !ok || locked != (i == wrongMost) {
				t.Errorf("try %d: %v, locked %v", i, ok, locked)
			}
			if _, ok, _ := try("b", false); !ok {
				t.Error("another key is locked, too")
			}
		}
		if wait, ok, _ := try("a", false); ok || wait != lockedFor {
			t.Errorf("locked: %v, %v", wait, ok)
		}
		time.Sleep(lockedFor)
		for range wrongMost - 1 {
			if _, ok, locked := try("a", true); !ok || locked {
				t.Error("locked again too early")
			}
		}
		if _, ok, _ := try("a", false); !ok {
			t.Error("a right one does not count")
		}
		time.Sleep(lockedFor)
		if _, ok, locked := try("a", true); !ok || locked {
			t.Error("what was long ago counts")
		}
		// Of many at once no more than the rest are tried.
		n := 0
		for range 20 {
			if _, ok := a.begin("c"); ok {
				n++
			}
		}
		if n != wrongMost {
			t.Errorf("%d at once", n)
		}
		locks := 0
		for range n {
			if a.end("c", true) {
				locks++
			}
		}
		if _, ok := a.begin("c"); ok || locks != 1 {
			t.Errorf("%d locks", locks)
		}
		for i := range attemptsKept + 10 {
			a.begin(fmt.Sprint("key ", i))
		}
		if len(a.byKey) != attemptsKept || a.order.Len() != attemptsKept {
			t.Errorf("%d keys are kept", len(a.byKey))
		}
	})
}

func TestDevicesOverHTTP(t *testing.T) {
	s := newSite(t)
	s.withMail()
	_, who, _ := s.writeAs("ann@x.example")
	var tokens []string
	for range 2 {
		link, _ := s.way(who, "ann@x.example", 0)
		_, out := s.do("POST", s.at("sign-in"), "", shop, map[string]any{"link": link})
		tokens = append(tokens, out["token"].(string))
	}
	status, out := s.do("GET", "/visitor/v1/me/devices", tokens[0], shop, nil)
	list, _ := out["devices"].([]any)
	if status != 200 || len(list) != 2 {
		t.Fatalf("%d %v", status, out)
	}
	other := ""
	for _, one := range list {
		d := one.(map[string]any)
		if d["mailed"] != true || d["created_at"] == nil || d["seen_at"] == nil || d["browser"] == nil || d["os"] == nil {
			t.Errorf("%v", d)
		}
		if d["current"] == false {
			other = d["id"].(string)
		}
	}
	stranger, _ := s.write()
	if status, out := s.do("POST", "/visitor/v1/me/devices/"+other+"/sign-out", stranger, shop, map[string]any{}); status != 404 || out["code"] != "device.not_found" {
		t.Errorf("by a stranger: %d %v", status, out)
	}
	if status, _ := s.do("POST", "/visitor/v1/me/devices/"+other+"/sign-out", tokens[0], shop, map[string]any{}); status != 204 {
		t.Errorf("sign out: %d", status)
	}
	if status, _ := s.do("GET", "/visitor/v1/me", tokens[1], shop, nil); status != 401 {
		t.Errorf("signed out: %d", status)
	}
	for _, path := range []string{"me/devices", "me/data"} {
		if status, _ := s.do("GET", "/visitor/v1/"+path, "", shop, nil); status != 401 {
			t.Errorf("%s without a token: %d", path, status)
		}
		if status, _ := s.do("GET", "/visitor/v1/"+path, tokens[0], "https://evil.example", nil); status != 403 {
			t.Errorf("%s from another site: %d", path, status)
		}
	}
}

func TestDataIsAFileWithEverything(t *testing.T) {
	s := newSite(t)
	token, who, conversation := s.writeAs("ann@x.example")
	for i := range 450 {
		if _, err := s.inbox.Post(t.Context(), team.System(), once.Key{}, inbox.Post{Conversation: conversation, Body: fmt.Sprint("answer ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.inbox.Post(t.Context(), team.System(), once.Key{}, inbox.Post{Conversation: conversation, Body: "inner note", Note: true}); err != nil {
		t.Fatal(err)
	}
	s.do("POST", fmt.Sprintf("/visitor/v1/conversations/%d/rating", conversation), token, shop, map[string]any{"value": 4})
	if _, err := s.inbox.EndByContact(t.Context(), who, conversation); err != nil {
		t.Fatal(err)
	}
	s.do("POST", s.messages(), token, shop, map[string]any{"client_id": "another", "body": "second conversation"})
	stranger, _, _ := s.writeAs("ann@x.example")
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.http.URL+"/visitor/v1/me/data", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Origin", shop)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct {
		Contact       map[string]any   `json:"contact"`
		Devices       []map[string]any `json:"devices"`
		Conversations []struct {
			ID       id.Conversation  `json:"id"`
			Messages []map[string]any `json:"messages"`
			Sessions []struct {
				Rating *struct {
					Value int `json:"value"`
				} `json:"rating"`
				Visit map[string]any `json:"visit"`
			} `json:"sessions"`
		} `json:"conversations"`
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("Content-Disposition") != `attachment; filename="my-data.json"` || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", res.Header)
	}
	if out.Contact["email"] != "ann@x.example" || len(out.Devices) != 1 || len(out.Conversations) != 2 {
		t.Fatalf("%v, %d devices, %d conversations", out.Contact, len(out.Devices), len(out.Conversations))
	}
	c := out.Conversations[0]
	if c.ID != conversation || len(c.Messages) != 453 || len(c.Sessions) != 1 || c.Sessions[0].Rating == nil || c.Sessions[0].Rating.Value != 4 || c.Sessions[0].Visit["user_agent"] == nil {
		t.Errorf("%d messages, %d sessions %+v", len(c.Messages), len(c.Sessions), c.Sessions)
	}
	last := 0.0
	for _, m := range c.Messages {
		if n := m["number"].(float64); n <= last || m["body"] == "inner note" {
			t.Errorf("%v after %v", m, last)
		}
		last = m["number"].(float64)
	}
	if status, out := s.do("GET", "/visitor/v1/me/data", stranger, shop, nil); status != 200 || len(out["conversations"].([]any)) != 1 {
		t.Errorf("somebody who typed the same address: %d, %d conversations", status, len(out["conversations"].([]any)))
	}
	for range dataBurst - 1 {
		s.do("GET", "/visitor/v1/me/data", token, shop, nil)
	}
	if status, _ := s.do("GET", "/visitor/v1/me/data", token, shop, nil); status != 429 {
		t.Errorf("too often: %d", status)
	}
}

func TestTranscriptByWish(t *testing.T) {
	s := newSite(t)
	token, conversation := s.write()
	path := fmt.Sprintf("/visitor/v1/conversations/%d/transcript", conversation)
	if status, out := s.do("POST", path, token, shop, map[string]any{}); status != 409 || out["code"] != "mail.not_offered" {
		t.Errorf("without a way out: %d %v", status, out)
	}
	s.withMail()
	if status, out := s.do("POST", path, token, shop, map[string]any{}); status != 422 || out["code"] != "mail.address_missing" {
		t.Errorf("without an address: %d %v", status, out)
	}
	mine, _, own := s.writeAs("ann@x.example")
	if status, out := s.do("POST", fmt.Sprintf("/visitor/v1/conversations/%d/transcript", own), token, shop, map[string]any{}); status != 404 {
		t.Errorf("a foreign one: %d %v", status, out)
	}
	if status, out := s.do("POST", fmt.Sprintf("/visitor/v1/conversations/%d/transcript", own), mine, shop, map[string]any{}); status != 202 || len(out) != 0 {
		t.Errorf("the own: %d %v", status, out)
	}
	if n := s.count("SELECT COUNT(*) FROM mails WHERE receiver = 'ann@x.example'"); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// word is planted everywhere and must be nowhere afterwards.
const word = "zanzibarquokka"

// Everything that a contact leaves behind over the whole server, mails and channels with it, is gone after they deleted their data, on both engines.
func TestErasedDataIsNowhereInTheDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSiteOn(t, d)
		s.withMail()
		if _, err := s.mail.SetOfWidget(t.Context(), team.System(), s.widget.ID, mail.Draft{TranscriptOnEnd: new(true), MissedAfter: new(60)}); err != nil {
			t.Fatal(err)
		}
		address := word + "@x.example"
		status, out := s.do("POST", s.messages(), "", shop, map[string]any{"client_id": word + "-0123456789", "body": "I am " + word + " https://" + word + ".example/",
			"contact": map[string]any{"name": word, "email": address, "phone": word, "additional": []any{map[string]any{"name": word, "value": word}}}, "custom": map[string]any{word: word},
			"visit": map[string]any{"url": "https://shop.example/" + word, "title": word, "referrer": "https://shop.example/r" + word}})
		if status != 201 {
			t.Fatalf("%d %v", status, out)
		}
		who, conversation := id.Contact(out["contact"].(map[string]any)["id"].(float64)), id.Conversation(out["conversation"].(map[string]any)["id"].(float64))
		token := out["token"].(string)
		path := fmt.Sprintf("/visitor/v1/conversations/%d/", conversation)
		if _, err := s.inbox.Post(t.Context(), team.System(), once.Key{}, inbox.Post{Conversation: conversation, Body: "dear " + word}); err != nil {
			t.Fatal(err)
		}
		for at, in := range map[string]any{"feedback": map[string]any{"text": word}, "rating": map[string]any{"value": 5}, "transcript": map[string]any{}} {
			if status, out := s.do("POST", path+at, token, shop, in); status != 200 && status != 202 {
				t.Fatalf("%s: %d %v", at, status, out)
			}
		}
		if status, out := s.do("POST", s.at("reauth"), "", shop, map[string]any{"email": address}); status != 202 {
			t.Fatalf("%d %v", status, out)
		}
		if _, err := s.mail.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO mail_bounces (address, code, reason, mail_id, at) VALUES ($1, 550, $2, 1, 0)`, address, "no "+word)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if status, out := s.do("POST", path+"end", token, shop, map[string]any{}); status != 200 {
			t.Fatalf("end: %d %v", status, out)
		}
		s.do("POST", path+"survey", token, shop, map[string]any{"option": "Yes"})
		link, _ := s.way(who, address, 0)
		if status, out = s.do("POST", s.at("sign-in"), token, shop, map[string]any{"link": link}); status != 200 {
			t.Fatalf("sign in: %d %v", status, out)
		}
		token = out["token"].(string)
		before := holding(t, d)
		for _, must := range []string{"contacts.email", "messages.body", "mails.receiver", "mail_bounces.address", "sessions.visit", "events.data"} {
			if !slices.Contains(before, must) {
				t.Errorf("nothing was planted in %s", must)
			}
		}
		for _, bad := range []any{map[string]any{}, map[string]any{"confirm": false}, map[string]any{"confirm": "yes"}, ""} {
			if status, _ := s.do("POST", "/visitor/v1/me/erase", token, shop, bad); status != 400 && status != 422 {
				t.Errorf("%v: %d", bad, status)
			}
		}
		if status, out := s.do("POST", "/visitor/v1/me/erase", token, shop, map[string]any{"confirm": true}); status != 202 || len(out) != 0 {
			t.Fatalf("erase: %d %v", status, out)
		}
		if status, _ := s.do("GET", "/visitor/v1/me", token, shop, nil); status != 401 {
			t.Errorf("afterwards: %d", status)
		}
		if err := d.Update(t.Context(), func(_ context.Context, tx *db.Tx) error { // as if everything had gone out, and a minute had passed
			for _, q := range []string{`UPDATE deliveries SET state = 'delivered'`, `UPDATE contact_erasures SET due_at = 0`} {
				if _, err := tx.Exec(q); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if d.Engine() == db.Postgres {
			for n := 1; n > 0; {
				var err error
				if n, err = s.feed.NumberOnce(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := s.inbox.EraseOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := holding(t, d); len(left) > 0 {
			t.Errorf("it is still in %v", left)
		}
		if n := s.count("SELECT COUNT(*) FROM mails WHERE state = 'queued'"); n != 0 {
			t.Errorf("%d mails wait for somebody who is gone", n)
		}
		if status, out := s.do("POST", s.at("reauth"), "", shop, map[string]any{"email": address}); status != 202 {
			t.Errorf("asking as before: %d %v", status, out)
		}
	})
}

// holding lists the columns of all tables, text or bytes, that hold the word. The search index of SQLite keeps words of its own; package inbox looks
// at it.
func holding(t *testing.T, d *db.DB) (found []string) {
	t.Helper()
	columns := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'message_words%' AND m.name NOT LIKE 'contact_words%'`
	if d.Engine() == db.Postgres {
		columns = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT IN ('message_words', 'contact_words')`
	}
	err := d.View(t.Context(), func(_ context.Context, tx *db.Tx) error {
		list, err := db.All(tx, columns, nil, func(r db.Scanner) (c [2]string, err error) {
			err = r.Scan(&c[0], &c[1])
			return c, err
		})
		if err != nil {
			return err
		}
		for _, c := range list {
			text := fmt.Sprintf(`CAST("%s" AS TEXT)`, c[1])
			if d.Engine() == db.Postgres && (c == [2]string{"events", "data"} || c[0] == "delivery_bodies" && c[1] == "body" || c[1] == "response_body") {
				text = fmt.Sprintf(`convert_from("%s", 'UTF8')`, c[1])
			}
			var n int
			if err := tx.One(fmt.Sprintf(`SELECT COUNT(*) FROM "%s" WHERE LOWER(%s) LIKE '%%%s%%'`, c[0], text, word), nil, &n); err != nil {
				return fmt.Errorf("%s.%s: %w", c[0], c[1], err)
			}
			if n > 0 {
				found = append(found, c[0]+"."+c[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// One link, shown many times at once over HTTP: one is signed in, and nobody is locked for being slower but right … once.
func TestOneLinkManyRequests(t *testing.T) {
	s := newSite(t)
	s.withMail()
	_, who, _ := s.writeAs("ann@x.example")
	link, _ := s.way(who, "ann@x.example", 0)
	var mu sync.Mutex
	got := map[string]int{}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			status, out := s.do("POST", s.at("sign-in"), "", shop, map[string]any{"link": link})
			mu.Lock()
			got[fmt.Sprint(status, " ", out["code"])]++
			mu.Unlock()
		})
	}
	wait.Wait()
	if got["200 <nil>"] != 1 || len(got) != 2 {
		t.Errorf("%v", got)
	}
}
