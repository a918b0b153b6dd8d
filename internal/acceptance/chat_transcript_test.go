package acceptance

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// transcriptKeys are the keys of the call in the order of the document's sample.
var transcriptKeys = []string{"agentEmail", "agentName", "archiveUrl", "extraData", "channelId", "channelName", "conversationUUID", "endedAt", "chatRating", "chatFeedback",
	"htmlBody", "textBody", "messages", "startedAt", "visitorEmail", "replyToEmail", "visitorName", "visitorTraits", "visitor", "slackTeamID"}

// lines are the messages of a transcript.
func lines(transcript object) (out []object) {
	for _, m := range transcript.list("messages") {
		out = append(out, object(m.(map[string]any)))
	}
	return out
}

// texts are what was said in a transcript, oldest first.
func texts(transcript object) (out []string) {
	for _, m := range lines(transcript) {
		out = append(out, m.text("text"))
	}
	return out
}

// keysOf are the keys of an object in the order in which they came.
func keysOf(t testing.TB, raw []byte) (out []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, key.(string))
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// page looks through a piece of HTML: what the reader sees, and all that a page must not have when it is put into somebody else's.
func page(t testing.TB, source string) (text string) {
	t.Helper()
	depth, z := 0, html.NewTokenizer(strings.NewReader(source))
	var b strings.Builder
	for {
		switch z.Next() {
		case html.ErrorToken:
			if depth != 0 {
				t.Errorf("%d elements are left open", depth)
			}
			return b.String()
		case html.TextToken:
			b.Write(z.Text())
		case html.StartTagToken:
			token := z.Token()
			switch token.Data {
			case "br":
				b.WriteByte('\n')
				depth--
			case "div", "p", "span", "strong", "a":
			default:
				t.Errorf("there is an element %s", token)
			}
			depth++
			for _, a := range token.Attr {
				if !slices.Contains([]string{"style", "dir", "href"}, a.Key) || strings.Contains(a.Val, "url(") || a.Key == "href" && !strings.HasPrefix(a.Val, "http") {
					t.Errorf("there is an attribute %s=%q", a.Key, a.Val)
				}
			}
		case html.EndTagToken:
			depth--
		default:
			t.Errorf("there is %s", z.Token())
		}
	}
}

func TestS152_S153_S154_S155_S156_S157_S158_S159_S160_S161_S162_S163_S164_S165_S166_S167_S168_S169_S170_S171_TheTranscript(t *testing.T) {
	withPlaces(t, func(s *server) {
		w := s.shop(object{"session_timeout_seconds": 86400})
		h := w.hooks("transcript")
		ann, bob, cleo := s.operator("Ann", "Lee", "operator"), s.operator("Bob", "van Ray", "operator"), s.operator("Cleo", "Poe", "operator")
		s.admin().must("PATCH", path("/api/v1/operators/%d", cleo.id), object{"alias": "The Lamp Team"})
		calls := 0
		next := func() received {
			s.Helper()
			calls++
			return h.first(calls)[calls-1]
		}
		sends := func(by *operator, v *visitor, line string) object {
			s.Helper()
			by.types(v.conversation, line)
			c := next().body
			equal(s, "the conversation", c.text("conversationUUID"), v.uuid())
			return c
		}

		// The long one: everything that can stand in a thread, sent to the webhook before and after its end.
		const first, feedback = "Hi! I love your webhooks!\nThey are <b>\"good\"</b> & <script>alert(1)</script> \U0001F600", "Great support, <i>will</i> use again!"
		began := s.now()
		v := w.visitor().at("203.0.113.7")
		v.visit["url"] = "https://shop.example/the-shop"
		v.says(first, object{"claimed": object{"id": "user1234", "traits": object{"plan": "gold", "seats": 3, "vip": true}}})
		s.pass(30*time.Minute + 10*time.Second)
		ann.says(v.conversation, "Great, thanks for letting us know!")
		ann.notes(v.conversation, "He is nice")
		ann.types(v.conversation, "$topic Praise")
		wrong := ann.says(v.conversation, "You are silly").number("message", "id")
		ann.must("DELETE", path("/api/v1/conversations/%d/messages/%d", v.conversation, wrong), nil)
		typo := ann.says(v.conversation, "We do our bset").number("message", "id")
		ann.must("PATCH", path("/api/v1/conversations/%d/messages/%d", v.conversation, typo), object{"body": "We do our best"})
		ann.must("POST", path("/api/v1/conversations/%d/messages", v.conversation), object{"body": "Which one?", "choices": []string{"The blue one", "The green one"}})
		v.says("The blue one")
		ann.must("POST", path("/api/v1/conversations/%d/messages", v.conversation), object{"body": "", "media": ann.uploads("lamp.png", pngOf(s, 30, 20), "").text("key")})
		bob.must("POST", path("/api/v1/conversations/%d/messages", v.conversation), object{"body": "And in green", "media": bob.uploads("green lamp.png", pngOf(s, 40, 20), "").text("key")})
		cleo.says(v.conversation, "Take both")
		s.admin().says(v.conversation, "I am a program")
		early := sends(bob, v, "/chatlio send-to-webhook extra stuff here")
		ann.ends(v.conversation)
		v.rates(5)
		v.gives(feedback)
		bob.must("POST", path("/api/v1/conversations/%d/webhook", v.conversation), object{"extra": []string{}})
		call := next()
		full := call.body
		said := lines(full)
		want := []struct {
			by       *operator
			username string
			contact  bool
			text     string
		}{
			{nil, "los-angeles-california-us", true, first}, {ann, "Ann L.", false, "Great, thanks for letting us know!"}, {ann, "Ann L.", false, "We do our best"},
			{ann, "Ann L.", false, "Which one?"}, {nil, "los-angeles-california-us", true, "The blue one"}, {ann, "Ann L.", false, "http"}, {bob, "Bob R.", false, "And in green\nhttp"},
			{cleo, "The Lamp Team", false, "Take both"}, {nil, "acceptance", false, "I am a program"},
		}
		if len(said) != len(want) || len(lines(early)) != len(want) {
			s.Fatalf("the transcripts say\n%q and\n%q", texts(early), texts(full))
		}
		stored := func(m object) time.Time { // when the API says that it was sent
			for _, one := range s.admin().must("GET", path("/api/v1/conversations/%d/messages?limit=100", v.conversation), nil).list("items") {
				one := object(one.(map[string]any))
				if at, err := time.Parse(time.RFC3339Nano, one.text("sent_at")); err == nil && path("%d.%06d", at.Unix(), at.Nanosecond()/1000) == m.text("ts") {
					return at
				}
			}
			return time.Time{}
		}

		// The short ones: a chat that the visitor ended, with somebody's answer and with nobody's, and others for the ratings.
		jane := w.visitor()
		jane.says("Hello", object{"contact": object{"name": "Jane Doe", "email": "jane@customer.example"}})
		ann.says(jane.conversation, "Hi")
		bob.says(jane.conversation, "Hi from me, too")
		jane.ends()
		janes := sends(ann, jane, "$send-to-webhook")
		lonely := w.written("Anybody?")
		lonely.ends()
		alone := sends(ann, lonely, "$stw")

		s.Run("S152 agentEmail agentName", func(t *testing.T) {
			equal(t, "before the end, who answered last", early.text("agentEmail")+" "+early.text("agentName"), "cleo@shop.example Cleo Poe")
			equal(t, "who ended it", full.text("agentEmail")+" "+full.text("agentName"), "ann@shop.example Ann Lee")
			equal(t, "ended by the visitor, who answered last", janes.text("agentEmail")+" "+janes.text("agentName"), "bob@shop.example Bob van Ray")
			equal(t, "nobody's address", alone["agentEmail"], any(""))
			equal(t, "nobody's name", alone["agentName"], any(""))
		})
		s.Run("S153 archiveUrl", func(t *testing.T) {
			equal(t, "the address", full.text("archiveUrl"), s.url+"/app/transcripts/"+v.uuid())
			status, header, _ := s.opens(full.text("archiveUrl"))
			if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
				t.Errorf("the page answers %d %s", status, header.Get("Content-Type"))
			}
			// The page reads it as an operator may, and as nobody else.
			at := "/api/v1/conversations/by-uuid?uuid=" + v.uuid()
			equal(t, "the conversation", ann.must("GET", at, nil).number("id"), v.conversation)
			(&caller{s, http.Header{}}).refused(http.StatusUnauthorized, "GET", at, nil)
		})
		s.Run("S154 extraData", func(t *testing.T) {
			for _, c := range []struct {
				of   object
				want []any
			}{{early, []any{"extra", "stuff", "here"}}, {full, []any{}}, {janes, []any{}}, {alone, []any{}}, {sends(ann, lonely, `$send-to-webhook VIP, "two  words" 3`), []any{"VIP,", "two  words", "3"}}} {
				if got, ok := c.of["extraData"].([]any); !ok || !reflect.DeepEqual(got, c.want) {
					t.Errorf("extraData is %v, want %v", c.of["extraData"], c.want)
				}
			}
		})
		s.Run("S155 channelId channelName", func(t *testing.T) {
			equal(t, "the id", full.text("channelId"), strconv.Itoa(v.conversation))
			equal(t, "the name", full.text("channelName"), path("los-angeles-california-us-%d", v.contact().number("id")))
			equal(t, "the handle", full.text("visitor", "handle"), full.text("channelName"))
			equal(t, "of one with a name", janes.text("channelName"), janes.text("visitor", "handle"))
		})
		s.Run("S156 startedAt endedAt", func(t *testing.T) {
			kept := s.admin().conversation(v.conversation)
			for field, column := range map[string]string{"startedAt": "created_at", "endedAt": "ended_at"} {
				at, err := time.Parse(time.RFC3339Nano, kept.text(column))
				if got := moment(t, field, full[field]); err != nil || !got.Equal(at) {
					t.Errorf("%s is %v, in the API %v", field, full[field], kept.at(column))
				}
			}
			if d := moment(t, "startedAt", full["startedAt"]).Sub(began); d < -time.Millisecond || d > patience {
				t.Errorf("it started %v after its first message was sent", d)
			}
			for _, c := range []object{early, full, janes, alone} {
				if started, ended := moment(t, "startedAt", c["startedAt"]), moment(t, "endedAt", c["endedAt"]); ended.Before(started) {
					t.Errorf("it ended at %v and started at %v", ended, started)
				}
			}
			if d := moment(t, "endedAt", early["endedAt"]).Sub(moment(t, "startedAt", early["startedAt"])); d < 30*time.Minute {
				t.Errorf("before the end, it lasted %v", d)
			}
		})
		s.Run("S157 chatRating", func(t *testing.T) {
			equal(t, "five stars", full["chatRating"], any("up"))
			equal(t, "before the rating", early["chatRating"], any(""))
			equal(t, "unrated", janes["chatRating"], any(""))
			for stars, want := range map[int]string{1: "down", 2: "down", 3: "", 4: "up"} {
				one := w.written("Hello")
				ann.ends(one.conversation)
				one.rates(stars)
				equal(t, path("%d stars", stars), sends(ann, one, "$stw")["chatRating"], any(want))
			}
		})
		s.Run("S158 chatFeedback", func(t *testing.T) {
			equal(t, "the comment", full["chatFeedback"], any(feedback))
			equal(t, "no comment", janes["chatFeedback"], any(""))
		})
		s.Run("S159 htmlBody", func(t *testing.T) {
			for _, c := range []object{early, full, janes, alone} {
				seen, at := html.UnescapeString(page(t, c.text("htmlBody"))), 0
				for i, m := range lines(c) {
					words, _, _ := strings.Cut(m.text("text"), "http")
					for _, what := range []string{m.text("username"), strings.TrimSpace(words)} {
						found := strings.Index(seen[at:], what)
						if found < 0 {
							t.Fatalf("message %d: %q does not stand in the page behind the one before:\n%s", i, what, seen)
						}
						at += found + len(what)
					}
				}
			}
			body := full.text("htmlBody")
			for _, typed := range []string{"<script", "<b>", "<i>"} {
				if strings.Contains(body, typed) {
					t.Errorf("what was typed is not escaped: %s", body)
				}
			}
			if !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;") || strings.Count(body, "<a href=") != 2 {
				t.Errorf("the page is %s", body)
			}
		})
		s.Run("S160 textBody", func(t *testing.T) {
			line := regexp.MustCompile(`^\[(\d{4}-\d\d-\d\d \d\d:\d\d) UTC\] ([^:]+): (.+)$`)
			for _, c := range []object{early, full, janes, alone} {
				rows := strings.Split(c.text("textBody"), "\n")
				if len(rows) != len(lines(c)) {
					t.Fatalf("%d lines for %d messages:\n%s", len(rows), len(lines(c)), c.text("textBody"))
				}
				for i, m := range lines(c) {
					parts := line.FindStringSubmatch(rows[i])
					if parts == nil {
						t.Fatalf("the line is %q", rows[i])
					}
					equal(t, "the time", parts[1], moment(t, "sentAt", m["sentAt"]).UTC().Format("2006-01-02 15:04"))
					equal(t, "the author", parts[2], m.text("username"))
					equal(t, "the text", parts[3], strings.ReplaceAll(m.text("text"), "\n", " / "))
				}
			}
		})
		s.Run("S161 messages in order", func(t *testing.T) {
			for i, m := range said {
				got, _, file := strings.Cut(m.text("text"), s.url+"/media/")
				if file {
					got += "http"
					status, _, b := s.opens(m.text("text")[strings.Index(m.text("text"), "http"):])
					if status != http.StatusOK || len(b) == 0 {
						t.Errorf("the file of message %d: %d", i, status)
					}
				}
				equal(t, path("text %d", i), got, want[i].text)
				if i > 0 && !moment(t, "sentAt", m["sentAt"]).After(moment(t, "sentAt", said[i-1]["sentAt"])) {
					t.Errorf("message %d is not later than the one before", i)
				}
			}
			for _, hidden := range []string{"He is nice", "Praise", "You are silly", "bset", "send-to-webhook", "The green one"} {
				if strings.Contains(string(call.raw), hidden) {
					t.Errorf("the call holds %q", hidden)
				}
			}
		})
		s.Run("S162 ts", func(t *testing.T) {
			stamps, form := map[string]bool{}, regexp.MustCompile(`^\d{10}\.\d{6}$`)
			for i, m := range said {
				if !form.MatchString(m.text("ts")) || stamps[m.text("ts")] {
					t.Errorf("ts %d is %q, or there twice", i, m.text("ts"))
				}
				stamps[m.text("ts")] = true
				equal(t, "in the other transcript", lines(early)[i].text("ts"), m.text("ts")) // it serves as an id
				if stored(m).IsZero() {
					t.Errorf("no message of the API is sent at %s", m.text("ts"))
				}
			}
		})
		s.Run("S163 sentAt", func(t *testing.T) {
			for i, m := range said {
				if at := moment(t, "sentAt", m["sentAt"]); path("%d.%06d", at.Unix(), at.Nanosecond()/1000) != m.text("ts") || !at.Equal(stored(m)) {
					t.Errorf("message %d: sentAt %v, ts %s, in the API %v", i, m["sentAt"], m.text("ts"), stored(m))
				}
			}
		})
		s.Run("S164 userId", func(t *testing.T) {
			for i, m := range said {
				id := ""
				if want[i].by != nil {
					id = strconv.Itoa(want[i].by.id)
				}
				equal(t, path("userId %d", i), m["userId"], any(id))
			}
		})
		s.Run("S165 username", func(t *testing.T) {
			for i, m := range said {
				equal(t, path("username %d", i), m["username"], any(want[i].username))
			}
			equal(t, "a visitor with a name", lines(janes)[0].text("username"), "Jane Doe")
			equal(t, "a visitor of nowhere", lines(alone)[0].text("username"), "visitor")
			ann.refused(http.StatusForbidden, "POST", path("/api/v1/conversations/%d/commands", v.conversation), object{"line": "$operator-name on"})
			h.sets(object{"real_names": true})
			real := sends(ann, v, "$stw")
			for i, m := range lines(real) {
				name := want[i].username
				if by := want[i].by; by != nil {
					name = map[int]string{ann.id: "Ann Lee", bob.id: "Bob van Ray", cleo.id: "Cleo Poe"}[by.id]
				}
				equal(t, path("real username %d", i), m.text("username"), name)
			}
			h.sets(object{"real_names": false})
			equal(t, "switched back", lines(sends(ann, v, "$stw"))[1].text("username"), "Ann L.")
		})
		s.Run("S166 isVisitorMsg", func(t *testing.T) {
			for i, m := range said {
				equal(t, path("isVisitorMsg %d", i), m["isVisitorMsg"], any(want[i].contact))
			}
		})
		s.Run("S167 visitorEmail visitorName", func(t *testing.T) {
			equal(t, "no address", full["visitorEmail"], any(""))
			equal(t, "the handle", full.text("visitorName"), full.text("visitor", "handle"))
			equal(t, "the address", janes.text("visitorEmail"), "jane@customer.example")
			equal(t, "the name", janes.text("visitorName"), "Jane Doe")
		})
		s.Run("S168 replyToEmail", func(t *testing.T) {
			equal(t, "no address", full.text("replyToEmail"), "nobody@parley.example")
			equal(t, "the address", janes.text("replyToEmail"), "jane@customer.example")
		})
		s.Run("S169 visitorTraits", func(t *testing.T) {
			traits := func(of object) map[string]any {
				m, _ := of["visitorTraits"].(map[string]any)
				return m
			}
			if got := traits(full); !reflect.DeepEqual(got, map[string]any{"current_page": "https://shop.example/the-shop", "time_on_page": "30min", "logged_in": "false", "plan": "gold", "seats": "3", "vip": "true"}) {
				t.Errorf("the traits are %v", got)
			}
			if got := traits(alone); !reflect.DeepEqual(got, map[string]any{"current_page": "https://shop.example/cart", "time_on_page": "0min", "logged_in": "false"}) {
				t.Errorf("the traits of one of whom nothing was said are %v", got)
			}
		})
		s.Run("S170 visitor", func(t *testing.T) {
			chats := w.hooks("new_conversation")
			v.says("Yes?", object{"reopen": true})
			ann.ends(v.conversation)
			last := sends(ann, v, "$stw")
			for _, of := range []object{full, last} {
				if got := slices.Sorted(maps.Keys(of["visitor"].(map[string]any))); !slices.Equal(got, visitorKeys) {
					t.Errorf("the visitor's keys are %q", got)
				}
			}
			equal(t, "the place", full.text("visitor", "location"), "Los Angeles, California, United States")
			equal(t, "the address", full.text("visitor", "IPAddress"), "203.0.113.7")
			equal(t, "the id", full.text("visitor", "identUserId"), "user1234")
			equal(t, "the page", full.text("visitor", "currentPage"), "https://shop.example/the-shop")
			moment(t, "createdAt", full.at("visitor", "createdAt"))
			// It is the one of the other calls.
			if c := chats.told("new_conversation")[0].body; !reflect.DeepEqual(c["visitor"], last["visitor"]) {
				t.Errorf("the visitor is\n%v, and in another call\n%v", last["visitor"], c["visitor"])
			}
		})
		s.Run("S171 slackTeamID", func(t *testing.T) {
			equal(t, "no workspace", full["slackTeamID"], any(""))
			if got := keysOf(t, call.raw); !slices.Equal(got, transcriptKeys) {
				t.Errorf("the keys are %q", got)
			}
		})
	})
}
