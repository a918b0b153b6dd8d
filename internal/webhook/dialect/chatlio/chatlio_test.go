package chatlio_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/event/eventtest"
	"parley/internal/id"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/chatlio"
)

func options(switches ...string) dialect.Options {
	return dialect.Options{PublicURL: "https://chat.example", NoReply: "no-reply@chat.example", Switches: switches, MediaURL: eventtest.MediaURL("https://chat.example")}
}

// sample is a fresh copy of the sample event of a name.
func sample(t testing.TB, name string) *event.Event {
	t.Helper()
	for _, s := range eventtest.Named() {
		if s.Name == name {
			return s.Event
		}
	}
	t.Fatalf("no sample %s", name)
	return nil
}

func render(t testing.TB, e *event.Event, o dialect.Options) []byte {
	t.Helper()
	body, err := chatlio.New().Render(e, o)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func decode[T any](t testing.TB, body []byte) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

// order returns the keys of an object in the order in which they stand there.
func order(t testing.TB, body []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		t.Fatalf("not an object: %s", body)
	}
	var out []string
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

func part(t testing.TB, body []byte, key string) json.RawMessage {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		t.Fatal(err)
	}
	return object[key]
}

// null says where in v a null is, "" for nowhere.
func null(v any) string {
	switch v := v.(type) {
	case nil:
		return " "
	case map[string]any:
		for key, one := range v {
			if at := null(one); at != "" {
				return "." + key + at
			}
		}
	case []any:
		for _, one := range v {
			if at := null(one); at != "" {
				return "[]" + at
			}
		}
	}
	return ""
}

func equal[T comparable](t testing.TB, row string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %#v, want %#v", row, got, want)
	}
}

// The keys of the document's samples, in their order.
const (
	commonKeys  = "visitor message conversationUUID channelId slackChannelName slackChannelId"
	offlineKeys = "name email emailPretty message visitor"
	visitorKeys = "email UUID name identUserId identTraits userAgent handle currentPage referrerURL createdAt IPAddress location"
	messageKeys = "text ts sentAt userId username isVisitorMsg"
	// The transcript's are those of the sample without its remark.
	transcriptKeys = "agentEmail agentName archiveUrl extraData channelId channelName conversationUUID endedAt chatRating chatFeedback htmlBody textBody messages" +
		" startedAt visitorEmail replyToEmail visitorName visitorTraits visitor slackTeamID"
)

// S-130, S-142, S-147, S-151: every key, in the order of the samples, and nothing is null.
func TestKeysAreThoseOfTheDocument(t *testing.T) {
	d := chatlio.New()
	seen := map[string]int{}
	for _, s := range eventtest.Named() {
		name, told := d.Name(s.Event)
		if !told {
			continue
		}
		seen[name]++
		for _, switches := range [][]string{nil, {chatlio.RealNames}, {chatlio.TraitsText}, {chatlio.RealNames, chatlio.TraitsText}} {
			body := render(t, s.Event, options(switches...))
			top, visitor := commonKeys, visitorKeys
			switch name {
			case chatlio.OfflineMessage:
				top, visitor = offlineKeys, strings.TrimSuffix(visitorKeys, " location")
			case chatlio.Transcript:
				top = transcriptKeys
				var messages []json.RawMessage
				if err := json.Unmarshal(part(t, body, "messages"), &messages); err != nil || len(messages) == 0 {
					t.Fatalf("%s: messages %q, %v", s.Name, messages, err)
				}
				for _, m := range messages {
					equal(t, s.Name+" message", strings.Join(order(t, m), " "), messageKeys)
				}
			}
			equal(t, s.Name, strings.Join(order(t, body), " "), top)
			equal(t, s.Name+" visitor", strings.Join(order(t, part(t, body, "visitor")), " "), visitor)
			if path := null(decode[any](t, body)); path != "" {
				t.Errorf("%s%s is null: %s", s.Name, path, body)
			}
		}
	}
	for _, e := range d.Info().Events {
		if seen[e.Name] == 0 {
			t.Errorf("no sample of %s", e.Name)
		}
	}
}

// S-122 to S-127: which events are told, under which names. An offline message begins a conversation, and is no new one to chat in.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"session_started": "new_conversation", "session_started_anonymous": "new_conversation", "session_started_offline": "",
		"offline_message_received": "offline_message", "transcript_requested": "transcript", "conversation_unanswered": "unanswered",
		"review_given": "feedback", "review_given_rating": "feedback", "message_received_plain": "", "rating_given": "", "feedback_given": "",
		"conversation_ended": "", "conversation_created": "", "session_ended_by_operator": "",
	} {
		e := sample(t, name)
		got, told := chatlio.New().Name(e)
		if got != want || told != (want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, told, want)
		}
		if body, err := chatlio.New().Render(e, options()); (err == nil) != told {
			t.Errorf("%s: %s, %v", name, body, err)
		}
	}
}

// S-131 to S-147 on the payload that three hooks share.
func TestTheCommonPayload(t *testing.T) {
	e := sample(t, "conversation_unanswered")
	e.Conversation.Contact = event.Contact{ID: 27, UUID: "2d3f4260-2235-403b-8a82-a23d326cc257", Name: "Bob Smith", Email: "bob@smith.example", ExternalID: "user1234",
		Handle: "united-states-27", Custom: ` { "custom stuff" : "th<i>ngs" } `, CreatedAt: time.Date(2016, 2, 7, 11, 2, 17, 839766000, time.FixedZone("", -8*3600))}
	e.Session.Visit = event.Visit{URL: "http://yoursite.com/signup", Referrer: "https://search.example/?q=a&b", UserAgent: "Mozilla/5.0 (Macintosh)", IP: "175.24.144.21",
		City: "Los Angeles", Region: "California", Country: "United States"}
	body := render(t, e, options())
	got := decode[aCommon](t, body)
	equal(t, "S-131", got.Visitor.Email, "bob@smith.example")
	equal(t, "S-132", got.Visitor.UUID, "2d3f4260-2235-403b-8a82-a23d326cc257")
	equal(t, "S-133", got.Visitor.Name, "Bob Smith")
	equal(t, "S-134", got.Visitor.IdentUserID, "user1234")
	equal(t, "S-135", got.Visitor.IdentTraits, `{"custom stuff":"th<i>ngs"}`)
	equal(t, "S-136", got.Visitor.UserAgent, "Mozilla/5.0 (Macintosh)")
	equal(t, "S-137", got.Visitor.Handle, "united-states-27")
	equal(t, "S-138", got.Visitor.CurrentPage, "http://yoursite.com/signup")
	equal(t, "S-139", got.Visitor.ReferrerURL, "https://search.example/?q=a&b")
	equal(t, "S-140", got.Visitor.CreatedAt, "2016-02-07T19:02:17.839766+00:00")
	equal(t, "S-141", got.Visitor.IPAddress, "175.24.144.21")
	equal(t, "S-142", got.Visitor.Location, "Los Angeles, California, United States")
	equal(t, "S-143", got.Message, "Hi, I am having trouble signing up")
	equal(t, "S-144", got.ConversationUUID, e.Conversation.UUID)
	equal(t, "S-145", got.ChannelID, "42")
	equal(t, "S-146", got.SlackChannelName+got.SlackChannelID, "")
	// As in the sample, and not in the six characters that some encoders make of it.
	if !bytes.Contains(body, []byte(`th<i>ngs`)) || !bytes.Contains(body, []byte(`?q=a&b`)) {
		t.Errorf("written with escapes: %s", body)
	}

	e.Conversation.Contact = event.Contact{ID: 27, ClaimedID: "claimed", Custom: "{ }", CreatedAt: time.Unix(1469725391, 0)}
	e.Session.Visit = event.Visit{Country: "United States"}
	bare := decode[aCommon](t, render(t, e, options())).Visitor
	equal(t, "S-131, S-133, S-135, S-136, S-138, S-139, S-141", bare.Email+bare.Name+bare.IdentTraits+bare.UserAgent+bare.CurrentPage+bare.ReferrerURL+bare.IPAddress, "")
	equal(t, "S-134 of a page's script", bare.IdentUserID, "claimed")
	equal(t, "S-137 without a place", bare.Handle, "visitor-27")
	equal(t, "S-140 on the second", bare.CreatedAt, "2016-07-28T17:03:11.000000+00:00")
	equal(t, "S-142 of a country", bare.Location, "United States")
	e.Conversation.Contact.ExternalID = "signed"
	equal(t, "S-134 signed", decode[aCommon](t, render(t, e, options())).Visitor.IdentUserID, "signed")
}

// S-127, S-143: what the visitor wrote, whichever hook it is.
func TestTheMessageThatCausedIt(t *testing.T) {
	message := func(e *event.Event) string { return decode[aCommon](t, render(t, e, options())).Message }
	equal(t, "new", message(sample(t, "session_started")), "Hi there! How do I install this?")
	equal(t, "feedback", message(sample(t, "review_given")), "great 👍\nThank you!")
	equal(t, "a rating alone", message(sample(t, "review_given_rating")), "")

	photo := sample(t, "message_received_image")
	e := sample(t, "session_started")
	e.Message = photo.Message
	equal(t, "a file with words", message(e), "This is what it shows")
	e.Message.Body = ""
	if got := message(e); !strings.HasPrefix(got, "https://chat.example/media/") {
		t.Errorf("a file: %q", got)
	}
	e.Message.Media.State = event.MediaFetching
	equal(t, "a file that is not there yet", message(e), e.Message.Media.Name)
	e.Message = nil
	equal(t, "no message", message(e), "")
	e.Message = sample(t, "message_sent_alias").Message
	equal(t, "the words of an operator", message(e), "")
}

// S-148 to S-151.
func TestTheOfflinePayload(t *testing.T) {
	e := sample(t, "offline_message_received")
	got := decode[anOfflineMessage](t, render(t, e, options()))
	equal(t, "S-148", got.Name+" "+got.Email, `Bob "Bobby" Smith bob@smith.example`)
	equal(t, "S-149", got.EmailPretty, `"Bob \"Bobby\" Smith" <bob@smith.example>`)
	equal(t, "S-150", got.Message, "I just want to say I love your service!")
	equal(t, "S-151", got.Visitor.UUID+got.Visitor.IdentUserID+got.Visitor.Handle, "2d3f4260-2235-403b-8a82-a23d326cc257user1234germany-27")

	for _, c := range []struct{ name, email, want string }{
		{"Bob Smith", "bob@smith.com", `"Bob Smith" <bob@smith.com>`},
		{"", "bob@smith.com", "bob@smith.com"},
		{`a\b"c`, "x@y.example", `"a\\b\"c" <x@y.example>`},
		{"Bob <evil@x.example>", "bob@smith.com", `"Bob <evil@x.example>" <bob@smith.com>`},
		{"Bob\r\nBcc: x@y.example", "bob@smith.com", `"Bob  Bcc: x@y.example" <bob@smith.com>`},
		{"Zoë 👋", "zoe@smith.com", `"Zoë 👋" <zoe@smith.com>`},
		{"Bob", "", ""},
	} {
		e.Offline = &event.OfflineMessage{Name: c.name, Email: c.email}
		got := decode[anOfflineMessage](t, render(t, e, options()))
		equal(t, "S-149", got.EmailPretty, c.want)
		equal(t, "S-148", got.Name+"|"+got.Email, c.name+"|"+c.email)
	}
}

// S-152 to S-171.
func TestTheTranscript(t *testing.T) {
	e := sample(t, "transcript_requested")
	got := decode[aTranscript](t, render(t, e, options()))
	equal(t, "S-152", got.AgentEmail+" "+got.AgentName, "ann@shop.example Ann Lee")
	equal(t, "S-153", got.ArchiveURL, "https://chat.example/app/transcripts/"+e.Conversation.UUID)
	equal(t, "S-154", string(part(t, render(t, e, options()), "extraData")), "[]")
	equal(t, "S-155", got.ChannelID+" "+got.ChannelName, "42 berlin-berlin-de-133")
	equal(t, "S-156", got.StartedAt+" "+got.EndedAt, "2026-03-02T09:30:05.123456+00:00 2026-03-02T10:32:10.123456+00:00")
	equal(t, "S-157, S-158", got.ChatRating+" "+got.ChatFeedback, "up Great support, will use again!")
	equal(t, "S-167", got.VisitorEmail+" "+got.VisitorName, " berlin-berlin-de-133")
	equal(t, "S-168", got.ReplyToEmail, "no-reply@chat.example")
	equal(t, "S-169", got.VisitorTraits["current_page"]+" "+got.VisitorTraits["time_on_page"]+" "+got.VisitorTraits["logged_in"], "https://shop.example/cart?step=2 62min false")
	equal(t, "S-170", got.Visitor.Location, "Berlin, Berlin, Germany")
	equal(t, "S-171", got.SlackTeamID, "")

	// thread: a contact, an operator with an alias, a bot, an entry that is not told, the contact again, and another operator.
	var told []string
	for _, m := range got.Messages {
		told = append(told, m.Username+"|"+m.UserID+"|"+m.Text)
	}
	want := []string{"berlin-berlin-de||Hello, can you help me?\nIt is urgent.", "Annie|3|Of course! 😀 What is it?", "Robot||An answer from the bot",
		"berlin-berlin-de||שלום \u202b<b>&\"", "Bob|5|Not delivered"}
	if !slices.Equal(told, want) {
		t.Errorf("S-161, S-164, S-165:\n%q\nwant\n%q", told, want)
	}
	equal(t, "S-166", got.Messages[0].IsVisitorMsg && !got.Messages[1].IsVisitorMsg && !got.Messages[2].IsVisitorMsg, true)
	equal(t, "S-162, S-163", got.Messages[0].TS+" "+got.Messages[0].SentAt, "1772443815.123456 2026-03-02T09:30:15.123456+00:00")

	named := decode[aTranscript](t, render(t, sample(t, "transcript_extra"), options()))
	if !slices.Equal(named.ExtraData, []string{"extra", "stuff", "here"}) {
		t.Errorf("S-154: %q", named.ExtraData)
	}
	equal(t, "S-155 with a name", named.ChannelName, "visitor-11")
	equal(t, "S-152 of the one who asked", named.AgentEmail, "bob@shop.example")
	equal(t, "S-156 before the end", named.EndedAt, "2026-03-02T10:32:10.123456+00:00")
	equal(t, "S-157, S-158 unrated", named.ChatRating+named.ChatFeedback, "")
	equal(t, "S-165 with a name", named.Messages[0].Username, "Jane Doe")
	equal(t, "S-167 with a name", named.VisitorEmail+" "+named.VisitorName, "jane@customer.example Jane Doe")
	equal(t, "S-168 with an address", named.ReplyToEmail, "jane@customer.example")
	if !strings.HasPrefix(named.Messages[0].Text, "This is what it shows\nhttps://chat.example/media/") || !strings.HasPrefix(named.Messages[1].Text, "https://chat.example/media/") ||
		named.Messages[len(named.Messages)-1].Text != "receipt.png" {
		t.Errorf("S-161 files: %+v", named.Messages)
	}
	if len(named.Messages) != 5 { // neither the move nor what was deleted
		t.Errorf("S-161: %d messages: %+v", len(named.Messages), named.Messages)
	}

	nobody := decode[aTranscript](t, render(t, sample(t, "transcript_bare"), options()))
	equal(t, "S-152 of nobody", nobody.AgentEmail+nobody.AgentName, "")
	equal(t, "S-141 in privacy mode", nobody.Visitor.IPAddress+nobody.Visitor.Location, "")
	equal(t, "S-137 without a place", nobody.VisitorName+" "+nobody.Messages[0].Username, "visitor-12 visitor")

	without := decode[aTranscript](t, render(t, sample(t, "transcript_bare"), dialect.Options{}))
	equal(t, "S-153, S-168 of an installation without addresses", without.ArchiveURL+without.ReplyToEmail, "")
}

// S-156: a clock that was set back does not make a chat end before it began.
func TestAChatEndsAfterItBegan(t *testing.T) {
	e := sample(t, "transcript_requested")
	e.Conversation.EndedAt = e.Conversation.CreatedAt.Add(-time.Hour)
	got := decode[aTranscript](t, render(t, e, options()))
	equal(t, "S-156", got.EndedAt, got.StartedAt)
}

// S-157: the last session that was rated counts; three stars are neither up nor down.
func TestRatings(t *testing.T) {
	for _, c := range []struct {
		sessions []event.Session
		want     string
	}{
		{nil, " "},
		{[]event.Session{{}}, " "},
		{[]event.Session{{Rating: &event.Rating{Value: 5, Form: event.RateThumbs}}}, "up "},
		{[]event.Session{{Rating: &event.Rating{Value: 4, Form: event.RateStars}, Feedback: "good"}}, "up good"},
		{[]event.Session{{Rating: &event.Rating{Value: 3, Form: event.RateStars}}}, " "},
		{[]event.Session{{Rating: &event.Rating{Value: 2, Form: event.RateStars}}}, "down "},
		{[]event.Session{{Rating: &event.Rating{Value: 1, Form: event.RateThumbs}, Feedback: "bad"}}, "down bad"},
		{[]event.Session{{Rating: &event.Rating{Value: 1}, Feedback: "bad"}, {}}, "down bad"},
		{[]event.Session{{Rating: &event.Rating{Value: 1}, Feedback: "bad"}, {Rating: &event.Rating{Value: 5}}}, "up "},
		{[]event.Session{{Feedback: "words alone"}}, " words alone"},
	} {
		e := sample(t, "transcript_bare")
		e.Sessions, e.Session = c.sessions, &event.Session{StartedAt: e.At}
		got := decode[aTranscript](t, render(t, e, options()))
		equal(t, "S-157, S-158", got.ChatRating+" "+got.ChatFeedback, c.want)
	}
	// An event that lists no sessions has its own.
	e := sample(t, "transcript_requested")
	e.Sessions = nil
	equal(t, "S-157", decode[aTranscript](t, render(t, e, options())).ChatRating, "up")
}

// S-165: first name and initial, an alias as it is, and full names where they are switched on.
func TestNamesOfOperators(t *testing.T) {
	one := func(o *event.Operator, known bool, switches ...string) string {
		e := sample(t, "transcript_bare")
		e.Messages = []event.Message{{Type: event.TypeMessage, Sender: event.Party{Type: event.ByOperator, ID: int64(o.ID), Name: o.DisplayName()},
			OperatorName: o.Name(), OperatorDisplayName: o.DisplayName(), Body: "Hello", SentAt: e.At}}
		if known {
			e.Ender = o
		}
		return decode[aTranscript](t, render(t, e, options(switches...))).Messages[0].Username
	}
	for _, c := range []struct {
		o                   event.Operator
		short, real, unsure string
	}{
		{event.Operator{ID: 7, FirstName: "Some", LastName: "One"}, "Some O.", "Some One", "Some O."},
		{event.Operator{ID: 7, FirstName: "Some", LastName: "One", Alias: "Sunny"}, "Sunny", "Some One", "Sunny"},
		{event.Operator{ID: 7, FirstName: "Some"}, "Some", "Some", "Some"},
		{event.Operator{ID: 7, LastName: "One"}, "One", "One", "One"},
		{event.Operator{ID: 7, Username: "so"}, "so", "so", "so"},
		{event.Operator{ID: 7, FirstName: "Zoë", LastName: "Ünal"}, "Zoë Ü.", "Zoë Ünal", "Zoë Ü."},
		{event.Operator{ID: 7, FirstName: "Anna Maria", LastName: "van der Berg"}, "Anna Maria v.", "Anna Maria van der Berg", "Anna B."},
	} {
		equal(t, "known", one(&c.o, true), c.short)
		equal(t, "by what the message says", one(&c.o, false), c.unsure)
		equal(t, "real", one(&c.o, true, chatlio.RealNames), c.real)
		equal(t, "real, by what the message says", one(&c.o, false, chatlio.RealNames), c.real)
	}
}

// S-162: two messages of the same microsecond, as older conversations may have them, still have stamps of their own.
func TestStampsAreUnique(t *testing.T) {
	e := sample(t, "transcript_requested")
	for i := range e.Messages {
		e.Messages[i].SentAt = time.Unix(1469725409, 5000)
	}
	got := decode[aTranscript](t, render(t, e, options()))
	for i, want := range []string{"1469725409.000005", "1469725409.000006", "1469725409.000007", "1469725409.000008", "1469725409.000009"} {
		equal(t, "S-162", got.Messages[i].TS, want)
		equal(t, "S-163", got.Messages[i].SentAt, "2016-07-28T17:03:29.00000"+string(want[len(want)-1])+"+00:00")
	}
}

// S-169: traits win over what is known of the page; what is no text is written as JSON.
func TestTraits(t *testing.T) {
	traits := func(custom event.RawJSON, switches ...string) json.RawMessage {
		e := sample(t, "transcript_bare")
		e.Session.StartedAt = e.At.Add(-12*time.Minute - 59*time.Second)
		e.Conversation.Contact.Custom, e.Conversation.Contact.ExternalID = custom, "user1234"
		e.Session.Visit.URL = "https://shop.example/a?b&c"
		return part(t, render(t, e, options(switches...)), "visitorTraits")
	}
	facts := `"current_page":"https://shop.example/a?b&c","time_on_page":"12min","logged_in":"true"`
	for custom, want := range map[event.RawJSON]string{
		"":     "{" + facts + "}",
		"{}":   "{" + facts + "}",
		"[1]":  "{" + facts + "}",
		"{":    "{" + facts + "}",
		"null": "{" + facts + "}",
		`{"plan":"Gold","b":{ "c": [1, null] },"a":12.50,"vip":true,"none":null,"big":12345678901234567890}`: "{" + facts + `,"a":"12.50","b":"{\"c\":[1,null]}","big":"12345678901234567890","none":"","plan":"Gold","vip":"true"}`,
		`{"logged_in":"yes","time_on_page":3}`: `{"current_page":"https://shop.example/a?b&c","time_on_page":"3","logged_in":"yes"}`,
	} {
		equal(t, "S-169", string(traits(custom)), want)
		var text string
		if err := json.Unmarshal(traits(custom, chatlio.TraitsText), &text); err != nil || text != want {
			t.Errorf("S-176: %q, %v, want %q", text, err, want)
		}
	}
}

// S-160: one line for each message, whatever was typed.
func TestTheTextOfATranscript(t *testing.T) {
	e := sample(t, "transcript_requested")
	e.Messages[0].Body = "one\r\ntwo\n\nthree\u2028four\rfive\vsix\u0085seven\n"
	got := decode[aTranscript](t, render(t, e, options()))
	lines := strings.Split(got.TextBody, "\n")
	equal(t, "lines", len(lines), len(got.Messages))
	equal(t, "S-160", lines[0], "[2026-03-02 09:30 UTC] berlin-berlin-de: one / two / three / four / five / six / seven")
	equal(t, "S-160", lines[1], "[2026-03-02 09:30 UTC] Annie: Of course! 😀 What is it?")
	equal(t, "S-161", got.Messages[0].Text, "one\r\ntwo\n\nthree\u2028four\rfive\vsix\u0085seven\n")
}

// S-159: what people typed is text, not markup; and nothing is fetched from elsewhere.
func TestTheHTMLOfATranscript(t *testing.T) {
	e := sample(t, "transcript_extra")
	e.Conversation.Contact.Name = `<img src=x onerror=alert(1)>`
	e.Session.Visit.URL = `javascript:alert("1")`
	e.Messages[0].Body = "</p><script>alert(1)</script>\nnext & \"last\""
	e.Messages[0].Media.Name = `"><b>.png`
	e.Session.Feedback = "<i>bad</i>"
	e.Sessions = []event.Session{*e.Session}
	html := decode[aTranscript](t, render(t, e, options())).HTMLBody
	for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(html, -1) {
		if !regexp.MustCompile(`^<(/?(div|p|strong|span|br|a)|(div|p|span)( (style|dir)="[a-z0-9 #:;.,%-]*")+|a href="https://chat\.example/media/[^"<>]*")>$`).MatchString(tag) {
			t.Errorf("S-159: the tag %s in %s", tag, html)
		}
	}
	for _, good := range []string{"&lt;script&gt;alert(1)&lt;/script&gt;<br>next &amp; &#34;last&#34;", "&lt;img src=x onerror=alert(1)&gt;", "&lt;i&gt;bad&lt;/i&gt;", `<a href="https://chat.example/media/`} {
		if !strings.Contains(html, good) {
			t.Errorf("S-159: no %q in %s", good, html)
		}
	}
}

func TestWhatIsMissingIsAnError(t *testing.T) {
	for _, typ := range []event.Type{event.SessionStarted, event.OfflineMessageReceived, event.TranscriptRequested, event.ConversationUnanswered, event.ReviewGiven} {
		if body, err := chatlio.New().Render(&event.Event{Type: typ}, options()); err == nil {
			t.Errorf("%s of nothing: %s", typ, body)
		}
	}
	if body, err := chatlio.New().Render(sample(t, "session_started"), dialect.Options{Version: "2"}); err == nil {
		t.Errorf("a form that there is not: %s", body)
	}
	if _, err := chatlio.New().Render(sample(t, "session_started"), dialect.Options{Version: "1"}); err != nil {
		t.Error(err)
	}
}

// A session of which the event says nothing but that it is offline belongs to the form, not to a chat.
func TestOffline(t *testing.T) {
	if name, told := chatlio.New().Name(&event.Event{Type: event.SessionStarted, Session: &event.Session{Offline: true}}); told {
		t.Errorf("told as %q", name)
	}
	if name, told := chatlio.New().Name(&event.Event{ID: id.Event(1), Type: event.SessionStarted}); !told || name != chatlio.NewConversation {
		t.Errorf("%q, %v", name, told)
	}
}
