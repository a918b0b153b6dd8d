package eventtest

import (
	"net/url"
	"strconv"
	"time"

	"parley/internal/event"
	"parley/internal/id"
)

// Sample is an event with a name that is good for a file.
type Sample struct {
	Name  string
	Event *event.Event
}

// Samples returns the sample events, in the order of Named.
func Samples() []*event.Event {
	var out []*event.Event
	for _, s := range Named() {
		out = append(out, s.Event)
	}
	return out
}

// MediaURL returns what makes the addresses of files below an installation's address, in the form that a server's have. Nobody has
// signed them: they are for samples and tests.
func MediaURL(publicURL string) func(m *event.Media, thumb bool, at time.Time) string {
	return func(m *event.Media, thumb bool, at time.Time) string {
		out := publicURL + "/media/" + m.Key + "/" + url.PathEscape(m.Name) + "?e=" + strconv.FormatInt(at.Add(8*24*time.Hour).Truncate(24*time.Hour).Unix(), 10)
		if thumb {
			out += "&v=thumb"
		}
		return out + "&s=c2lnbmVkIGJ5IG5vYm9keQ"
	}
}

var start = time.Date(2026, 3, 2, 9, 30, 5, 123456000, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func support() event.Group { return event.Group{ID: 2, Name: "Support"} }

func ann() *event.Operator {
	return &event.Operator{ID: 3, Username: "ann", FirstName: "Ann", LastName: "Lee", Alias: "Annie", Email: "ann@shop.example",
		ImageURL: "https://chat.example/media/ann.png", Lang: "en", Locale: "en_US", Timezone: "Europe/Berlin", Role: "admin", Active: true, Slots: 5,
		Availability: event.Online, Status: event.Online, Groups: []event.Group{support(), {ID: 4, Name: "Billing"}}, CreatedAt: at(-86400)}
}

// bob has no alias, no group, no picture and no last name.
func bob() *event.Operator {
	return &event.Operator{ID: 5, Username: "bob", FirstName: "Bob", Email: "bob@shop.example", Lang: "de", Locale: "de_DE", Timezone: "UTC", Role: "operator",
		Active: true, Slots: 3, Availability: event.Away, Status: event.Away, CreatedAt: at(-43200)}
}

func jane() event.Contact {
	return event.Contact{ID: 11, UUID: "6f1d7c1e-0d55-4f3a-9a51-2f6f1b8f3c10", Name: "Jane Doe", Email: "jane@customer.example", Phone: "+49 30 1234567",
		ExternalID: "user1234", Custom: `{"basket":{"id":7,"items":["a","b"],"total":12.5},"vip":true,"note":null}`, CreatedAt: at(-3600), UpdatedAt: at(-60),
		Additional: []event.Additional{{Name: "Customer number", Value: "C-1042"}, {}, {Name: "Plan", Value: "Gold"}}}
}

// anonymous is a contact of whom nothing is known.
func anonymous() event.Contact {
	return event.Contact{ID: 12, UUID: "0b9f4f2e-9d0a-4c1b-8a37-5a1f0c7d2e44", Custom: "{}", CreatedAt: at(0), UpdatedAt: at(0)}
}

// visit is a visit of which the place is known.
func visit() event.Visit {
	return event.Visit{URL: "https://shop.example/cart?step=2", Title: "Your cart", InitialURL: "https://shop.example/", Referrer: "https://search.example/?q=shoes",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", Browser: "Chrome",
		BrowserVersion: "140.0", OS: "Linux", Device: "desktop", IP: "203.0.113.7",
		City: "Berlin", Country: "Germany", Lat: ptr(52.52), Lon: ptr(13.405), PageImpressions: 4, Visits: 2}
}

func session() *event.Session {
	return &event.Session{ID: 21, Number: 1, StartedAt: at(0), OperatorCreated: ann(), Visit: visit()}
}

// private is a visit to a widget in privacy mode: neither address nor place.
func private() event.Visit {
	v := visit()
	v.IP, v.City, v.Country, v.Lat, v.Lon, v.Private = "", "", "", nil, nil, true
	return v
}

func conversation(c event.Contact) *event.Conversation {
	group := support()
	return &event.Conversation{ID: 42, UUID: "3f0c9a54-5f43-4f3c-b0b4-0e5b5f2f9d11", Status: event.StatusOpen, Channel: event.Channel{Type: "website", Name: "Website"},
		Widget: event.WidgetRef{ID: 1, Key: "w_demo", Name: "Demo shop"}, Contact: c, Group: &group, Operator: ann(), Topic: "Delivery",
		CreatedAt: at(0), UpdatedAt: at(10), MessageCount: 2, OperatorRead: 1, ContactDelivered: 1, ContactRead: 1, Unread: 1,
		LastMessage: &event.LastMessage{Number: 2, Body: "Hello, can you help me?", SenderType: event.ByContact, Type: event.TypeMessage, SentAt: at(10)}}
}

// fresh is an unassigned conversation right after its first message.
func fresh(c event.Contact) *event.Conversation {
	v := conversation(c)
	v.Status, v.Operator, v.Group, v.Topic = event.StatusNew, nil, nil, ""
	v.MessageCount, v.OperatorRead, v.ContactDelivered, v.ContactRead, v.Unread = 1, 0, 0, 0, 1
	v.LastMessage = &event.LastMessage{Number: 1, Body: "Hi there! How do I install this?", SenderType: event.ByContact, Type: event.TypeMessage, SentAt: at(0)}
	v.UpdatedAt = at(0)
	return v
}

func received(number int, c event.Contact, body string) *event.Message {
	return &event.Message{ID: id.Message(70 + number), ConversationID: 42, SessionID: 21, Number: number, Type: event.TypeMessage,
		Sender: event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}, Body: body, ClientID: "c5d9a1d2-0000-4000-8000-00000000000" + string(rune('0'+number)),
		SentAt: at(number * 10), State: event.StateSent}
}

func sent(number int, o *event.Operator, body string) *event.Message {
	return &event.Message{ID: id.Message(70 + number), ConversationID: 42, SessionID: 21, Number: number, Type: event.TypeMessage,
		Sender:       event.Party{Type: event.ByOperator, ID: int64(o.ID), Name: o.DisplayName()},
		OperatorName: o.Name(), OperatorDisplayName: o.DisplayName(), ImageURL: o.ImageURL, Body: body, SentAt: at(number * 10), State: event.StateSent}
}

func line(number int, by event.Party, entry event.Entry) *event.Message {
	return &event.Message{ID: id.Message(70 + number), ConversationID: 42, SessionID: 21, Number: number, Type: event.TypeEvent, Sender: by, Entry: &entry,
		SentAt: at(number * 10), State: event.StateSent}
}

func system() event.Party { return event.Party{Type: event.BySystem} }

func byAnn() event.Party {
	return event.Party{Type: event.ByOperator, ID: 3, Name: "Annie"}
}

func byContact(c event.Contact) event.Party {
	return event.Party{Type: event.ByContact, ID: int64(c.ID), Name: c.Name}
}

// thread is a whole session: both sides, a bot, a quote, a forward; its notes are not part of it.
func thread(c event.Contact) []event.Message {
	group := support()
	hello := received(1, c, "Hello, can you help me?\nIt is urgent.")
	answer := sent(2, ann(), "Of course! 😀 What is it?")
	answer.ReferenceID, answer.State = hello.ID, event.StateRead
	bot := received(3, c, "An answer from the bot")
	bot.Sender, bot.ClientID = event.Party{Type: event.ByBot, ID: 9, Name: "Robot"}, ""
	forward := line(4, byAnn(), event.Entry{Name: "forwarded", By: ptr(byAnn()), Operator: &event.Party{Type: event.ByOperator, ID: 5, Name: "Bob"}, Group: &group})
	rtl := received(5, c, "שלום \u202b<b>&\"")
	failed := sent(6, bob(), "Not delivered")
	failed.State = event.StateFailed
	return []event.Message{*hello, *answer, *bot, *forward, *rtl, *failed}
}

// notes are the internal notes of a session, which only some receivers get.
func notes() []string {
	return []string{"Has called twice already.", "Do not tell the customer:\nthe parcel is lost"}
}

// holds makes m a message with a file.
func holds(m *event.Message, f event.Media) *event.Message {
	m.Type, m.Media = event.TypeMedia, &f
	return m
}

func photo() event.Media {
	return event.Media{ID: 31, Key: "mK3vX9b2QyLw7ZtR5cHn1A", Kind: event.MediaImage, State: event.MediaStored, Name: "my scale ½.jpg", ContentType: "image/jpeg",
		Size: 482133, Width: 1600, Height: 1200, Thumb: true}
}

func voice() event.Media {
	return event.Media{ID: 32, Key: "pT8sD4f6GhJk1LzXc2VbNw", Kind: event.MediaVoice, State: event.MediaStored, Name: "voice.webm", ContentType: "audio/webm",
		Size: 40960, DurationMS: 4200, Peaks: []int{0, 12, 55, 100, 70, 31, 8}}
}

func manual() event.Media {
	return event.Media{ID: 33, Key: "aB1cD2eF3gH4iJ5kL6mN7o", Kind: event.MediaPDF, State: event.MediaStored, Name: "manual.pdf", ContentType: "application/pdf", Size: 1048576}
}

// foreign is a file that another server has, before a copy was made.
func foreign() event.Media {
	return event.Media{ID: 34, Key: "zY9xW8vU7tS6rQ5pO4nM3l", Kind: event.MediaFile, State: event.MediaFetching, Name: "receipt.png",
		ContentType: "application/octet-stream"}
}

// card is what the page that a message names says about itself.
func card() *event.LinkCard {
	return &event.LinkCard{URL: "https://shop.example/lamps/7", Title: "Lamp “Seven”", Description: "A lamp for <every> room & mood", Site: "The shop",
		Image: &event.Media{ID: 35, Key: "qW2eR3tY4uI5oP6aS7dF8g", Kind: event.MediaImage, State: event.MediaStored, Name: "seven.webp", ContentType: "image/webp",
			Size: 20480, Width: 640, Height: 480, Thumb: true}}
}

func sms() event.Channel { return event.Channel{ID: 8, Type: "custom", Name: "SMS"} }

// onSMS is a conversation that takes place on a channel of its own, hidden from the website's browsers.
func onSMS(c event.Contact) *event.Conversation {
	v := conversation(c)
	v.Channel, v.HiddenFrom = sms(), 1
	return v
}

func ptr[T any](v T) *T { return &v }

// Named returns the sample events with their names. Ids and numbers are sequential: event n has id 100+n and seq n.
func Named() []Sample {
	var out []Sample
	add := func(name string, e *event.Event) {
		n := len(out) + 1
		e.ID, e.Seq = id.Event(100+n), id.Seq(n)
		if e.At.IsZero() {
			e.At = at(300 + n)
		}
		out = append(out, Sample{name, e})
	}
	about := func(t event.Type, by event.Party, c *event.Conversation) *event.Event {
		return &event.Event{Type: t, By: by, Conversation: c, Session: session()}
	}

	first := func(t event.Type, c event.Contact) *event.Event {
		e := about(t, byContact(c), fresh(c))
		e.Session.OperatorCreated = nil
		e.Message = received(1, c, "Hi there! How do I install this?")
		e.At = e.Message.SentAt
		return e
	}
	add("conversation_created", first(event.ConversationCreated, jane()))
	add("conversation_created_anonymous", first(event.ConversationCreated, anonymous()))
	add("session_started", first(event.SessionStarted, jane()))
	anon := first(event.SessionStarted, anonymous())
	anon.Session.Visit = event.Visit{} // a browser that tells nothing
	add("session_started_anonymous", anon)
	second := about(event.SessionStarted, byContact(jane()), conversation(jane())) // S-096: the next day in the same conversation
	second.Session.ID, second.Session.Number = 22, 2
	second.Message = received(7, jane(), "Me again")
	second.Message.SessionID = 22
	add("session_started_again", second)

	text := func(name, body string, c event.Contact) {
		e := about(event.MessageReceived, byContact(c), conversation(c))
		e.Message = received(2, c, body)
		e.At = e.Message.SentAt
		add("message_received_"+name, e)
	}
	text("plain", "Hello, can you help me?", jane())
	text("anonymous", "Hello, can you help me?", anonymous())
	text("emoji", "👩‍👩‍👧‍👦 \U0001F1E9\U0001F1EA line one\nline two\ttab", jane())
	text("rtl", "مرحبا \u202eabc\u202c <script>alert(1)</script> & \"quotes\" \\ \u2028", jane())
	named := jane()
	named.Name = ""
	shown := about(event.MessageReceived, event.Party{Type: event.ByContact, ID: 11, Name: "Visitor 11"}, conversation(named))
	shown.Message = received(2, named, "The sender has the name that operators see")
	shown.Message.Sender.Name = "Visitor 11"
	add("message_received_visitor_number", shown)

	out1 := about(event.MessageSent, byAnn(), conversation(jane()))
	out1.Message = sent(2, ann(), "Of course! 😀")
	add("message_sent_alias", out1)
	out2 := about(event.MessageSent, event.Party{Type: event.ByOperator, ID: 5, Name: "Bob"}, conversation(anonymous()))
	out2.Conversation.Operator, out2.Conversation.ContactRead, out2.Conversation.ContactDelivered = bob(), 2, 2
	out2.Message = sent(2, bob(), "As I said")
	out2.Message.ReferenceID, out2.Message.State = 71, event.StateRead
	add("message_sent_reference", out2)
	bot := about(event.MessageSent, event.Party{Type: event.ByBot, ID: 9, Name: "Robot"}, fresh(jane()))
	bot.Message = received(2, jane(), "Somebody will be with you soon.")
	bot.Message.Sender, bot.Message.ClientID = event.Party{Type: event.ByBot, ID: 9, Name: "Robot"}, ""
	add("message_sent_bot", bot)
	note := about(event.MessageNoted, byAnn(), conversation(jane()))
	note.Message = sent(2, ann(), "Do not tell the customer")
	note.Message.Note = true
	add("message_noted", note)

	assigned := about(event.ConversationAssigned, byAnn(), conversation(jane()))
	assigned.OperatorBefore, assigned.GroupBefore = bob(), &event.Group{ID: 4, Name: "Billing"}
	assigned.Message = line(3, byAnn(), event.Entry{Name: "assigned", By: ptr(byAnn()), Operator: &event.Party{Type: event.ByOperator, ID: 3, Name: "Annie"}})
	assigned.Messages, assigned.Notes = append(thread(jane())[:2], *assigned.Message), notes()
	add("conversation_assigned_operator", assigned)
	group := support()
	toGroup := about(event.ConversationAssigned, byAnn(), conversation(jane()))
	toGroup.OperatorBefore, toGroup.Conversation.Operator = ann(), nil
	toGroup.Message = line(3, byAnn(), event.Entry{Name: "forwarded", By: ptr(byAnn()), Group: &group})
	toGroup.Messages = append(thread(jane())[:2], *toGroup.Message)
	add("conversation_assigned_group", toGroup)

	changed := about(event.ConversationStatusChanged, byAnn(), conversation(jane()))
	changed.Conversation.Status, changed.StatusBefore = event.StatusPending, event.StatusOpen
	add("conversation_status_changed", changed)
	updated := about(event.ConversationUpdated, byContact(jane()), conversation(jane()))
	updated.Session.Visit.URL = "https://shop.example/checkout"
	add("conversation_updated", updated)
	reopened := about(event.ConversationReopened, byAnn(), conversation(jane()))
	reopened.StatusBefore = event.StatusEnded
	reopened.Message = line(3, byAnn(), event.Entry{Name: "reopened", By: ptr(byAnn())})
	add("conversation_reopened", reopened)
	for _, by := range []event.Party{byAnn(), byContact(jane())} {
		read := about(event.ConversationRead, by, conversation(jane()))
		read.Conversation.OperatorRead, read.Conversation.Unread = 2, 0
		add("conversation_read_by_"+string(by.Type), read)
	}

	over := func(t event.Type, by event.Party, c event.Contact, reason string) *event.Event {
		e := about(t, by, conversation(c))
		e.Conversation.MessageCount, e.Conversation.ContactRead, e.Conversation.ContactDelivered = 6, 2, 2
		e.Session.EndedAt, e.Session.EndReason = at(3725), reason
		e.Messages, e.Notes = thread(c), notes()
		e.At = at(3725)
		return e
	}
	for _, reason := range []string{event.EndOperator, event.EndContact, event.EndTimeout, event.EndRule, event.EndAPI} {
		by, c := system(), jane()
		switch reason {
		case event.EndOperator:
			by = byAnn()
		case event.EndContact:
			c = anonymous()
			by = byContact(c)
		}
		e := over(event.SessionEnded, by, c, reason)
		if reason == event.EndTimeout {
			e.Message = line(7, system(), event.Entry{Name: "session_ended", By: ptr(system()), Reason: reason})
		}
		add("session_ended_by_"+reason, e)
	}
	unread := over(event.SessionUnread, system(), jane(), event.EndTimeout)
	unread.Conversation.Operator, unread.Conversation.OperatorRead, unread.Conversation.Unread = nil, 0, 3
	add("session_unread", unread)

	ended := over(event.ConversationEnded, byAnn(), jane(), event.EndOperator)
	ended.Conversation.Status, ended.Conversation.EndedAt, ended.StatusBefore = event.StatusEnded, at(3725), event.StatusOpen
	ended.Message = line(7, byAnn(), event.Entry{Name: "ended", By: ptr(byAnn()), Reason: event.EndOperator})
	earlier := *session()
	earlier.ID, earlier.StartedAt, earlier.EndedAt, earlier.EndReason, earlier.OperatorCreated = 20, at(-90000), at(-88000), event.EndTimeout, nil
	earlier.Rating, earlier.Feedback = &event.Rating{Value: 5, Form: event.RateThumbs}, "Quick"
	earlier.Goal = &event.Goal{ID: 13, Name: "Checkout", Match: event.GoalPrefix, Pattern: "https://shop.example/checkout"}
	ended.Conversation.Tags, ended.Conversation.Rating = []string{"delivery", "VIP"}, 5
	ended.Session.Number = 2
	last := *ended.Session
	last.Notes = notes()
	ended.Sessions = []event.Session{earlier, last}
	add("conversation_ended", ended)
	bare := over(event.ConversationEnded, system(), anonymous(), event.EndAPI)
	bare.Conversation.Status, bare.Conversation.EndedAt, bare.Conversation.Operator, bare.Conversation.Group = event.StatusEnded, at(3725), nil, nil
	bare.Conversation.Channel, bare.Conversation.Topic = event.Channel{ID: 8, Type: "custom", Name: "SMS"}, ""
	bare.Messages, bare.Notes = bare.Messages[:1], nil
	bare.Sessions = []event.Session{*bare.Session}
	add("conversation_ended_unassigned", bare)

	status := func(name, before, now string, o *event.Operator) {
		o.Status, o.Availability = now, now
		add("operator_"+name, &event.Event{Type: event.OperatorStatusChanged, By: byAnn(), Operator: o, StatusBefore: before})
	}
	status("online", event.Offline, event.Online, ann())
	status("away", event.Online, event.Away, ann())
	status("back", event.Away, event.Online, ann())
	status("offline", event.Online, event.Offline, ann())
	status("online_bare", event.Offline, event.Online, bob())
	add("operator_updated", &event.Event{Type: event.OperatorUpdated, By: byAnn(), Operator: bob()})
	add("group_updated", &event.Event{Type: event.GroupUpdated, By: byAnn(), Group: &event.Group{ID: 2, Name: "Support", OperatorIDs: []id.Operator{3, 5}}})
	add("group_updated_empty", &event.Event{Type: event.GroupUpdated, By: byAnn(), Group: &event.Group{ID: 4, Name: "Billing"}})
	widget := &event.Widget{ID: 1, Key: "w_demo", Name: "Demo shop", Lang: "en", GroupID: 2, Domains: []string{"shop.example"}, Color: "#4f46e5", Position: "right",
		Title: "Questions?", Subtitle: "We answer soon", Greeting: "Hello 👋", Theme: "auto", SessionTimeoutSeconds: 1800, IdentityRequired: true,
		HasIdentitySecret: true, PrivacyMode: true, RatingForm: event.RateStars, AskFeedback: true,
		Survey: &event.SurveyForm{Question: "How did you hear of us?", Options: []string{"A friend", "Search", "Something else"}},
		Goals: []event.Goal{{ID: 13, Name: "Checkout", Match: event.GoalPrefix, Pattern: "https://shop.example/checkout"},
			{ID: 14, Name: "Newsletter", Match: event.GoalScript, Pattern: "newsletter"}},
		Active: true, CreatedAt: at(-86400), UpdatedAt: at(0)}
	add("widget_updated", &event.Event{Type: event.WidgetUpdated, By: byAnn(), Widget: widget})
	add("widget_updated_bare", &event.Event{Type: event.WidgetUpdated, By: byAnn(), Widget: &event.Widget{ID: 6, Key: "w_2", Name: "Second", Lang: "de",
		Color: "#000000", Position: "left", Theme: "dark", SessionTimeoutSeconds: 60, CreatedAt: at(0), UpdatedAt: at(0)}})
	add("contact_created", &event.Event{Type: event.ContactCreated, By: byContact(anonymous()), Contact: ptr(anonymous())})
	add("contact_updated", &event.Event{Type: event.ContactUpdated, By: byContact(jane()), Contact: ptr(jane())})

	// What contacts say and do beside their messages. The thread's entry of it is the event's message, and the last of the session's.
	said := func(name string, t event.Type, c event.Contact, m *event.Message, of event.Session) *event.Event {
		e := over(t, byContact(c), c, event.EndOperator)
		of.ID, of.Number, of.StartedAt, of.EndedAt, of.EndReason = e.Session.ID, e.Session.Number, e.Session.StartedAt, e.Session.EndedAt, e.Session.EndReason
		of.OperatorCreated, of.Visit = ann(), visit()
		e.Session, e.Message = &of, m
		e.Conversation.MessageCount = m.Number
		if of.Rating != nil {
			e.Conversation.Rating = of.Rating.Value
		}
		e.Messages = append(e.Messages, *m)
		add(name, e)
		return e
	}
	words := func(c event.Contact, typ, body string, en event.Entry) *event.Message {
		en.By = ptr(byContact(c))
		m := line(7, byContact(c), en)
		m.Type, m.Body = typ, body
		return m
	}
	stars, thumb := event.Rating{Value: 4, Form: event.RateStars}, event.Rating{Value: 1, Form: event.RateThumbs}
	said("rating_given", event.RatingGiven, jane(), words(jane(), event.TypeRating, "", event.Entry{Name: "rating", Rating: &stars}), event.Session{Rating: &stars})
	down := said("rating_given_thumb", event.RatingGiven, anonymous(), words(anonymous(), event.TypeRating, "", event.Entry{Name: "rating", Rating: &thumb}),
		event.Session{Rating: &thumb})
	down.Session.Visit = private()
	down.Notes = nil
	said("feedback_given", event.FeedbackGiven, jane(), words(jane(), event.TypeFeedback, "great 👍\nThank you!", event.Entry{Name: "feedback"}),
		event.Session{Rating: &stars, Feedback: "great 👍\nThank you!"})
	answer := event.Survey{Question: "How did you hear of us?", Option: "A friend"}
	survey := said("survey_answered", event.SurveyAnswered, jane(), words(jane(), event.TypeSurvey, "", event.Entry{Name: "survey", Survey: &answer}),
		event.Session{Rating: &stars, Feedback: "great", Survey: &answer})
	survey.Conversation.Status, survey.Conversation.EndedAt = event.StatusEnded, at(3725)
	done := event.Goal{ID: 13, Name: "Checkout", Match: event.GoalPrefix, Pattern: "https://shop.example/checkout"}
	reached := said("goal_reached", event.GoalReached, jane(), words(jane(), event.TypeEvent, "", event.Entry{Name: "goal", Goal: &done}), event.Session{Goal: &done})
	reached.Session.EndedAt, reached.Session.EndReason, reached.Session.Visit.URL = time.Time{}, "", "https://shop.example/checkout/done"

	// A message in privacy mode, and one of a messenger that the page itself had opened.
	hidden := first(event.SessionStarted, jane())
	hidden.Session.Visit = private()
	add("session_started_private", hidden)
	opened := first(event.MessageReceived, anonymous())
	opened.Session.Visit.Proactive, opened.Session.Visit.City, opened.Session.Visit.Country = true, "", ""
	opened.Session.Visit.Lat, opened.Session.Visit.Lon = nil, nil
	add("message_received_proactive", opened)
	nobody := about(event.ConversationAssigned, system(), conversation(jane()))
	nobody.Message = line(3, system(), event.Entry{Name: "assigned", By: ptr(system()), Operator: &event.Party{Type: event.ByOperator, ID: 3, Name: "Annie"}})
	nobody.Messages = append(thread(jane())[:1], *nobody.Message)
	add("conversation_assigned_first", nobody)
	taken := about(event.ConversationAssigned, byAnn(), conversation(jane())) // by answering what nobody had
	taken.Messages = thread(jane())[:1]
	add("conversation_assigned_taken", taken)

	// S-119: an operator had asked for the conversation, and now its status changes. The whole conversation is told.
	requested := func(t event.Type, status, before string) *event.Event {
		e := about(t, byAnn(), conversation(jane()))
		e.Requested, e.StatusBefore, e.Conversation.Status = true, before, status
		e.Conversation.Tags, e.Conversation.MessageCount = []string{"delivery", "VIP"}, 6
		e.Session.Number = 2
		last := *e.Session
		last.Notes = notes()
		e.Sessions, e.Messages, e.Notes = []event.Session{earlier, last}, thread(jane()), notes()
		return e
	}
	add("conversation_requested_pending", requested(event.ConversationStatusChanged, event.StatusPending, event.StatusOpen))
	again := requested(event.ConversationReopened, event.StatusOpen, event.StatusEnded)
	again.Message = line(7, byAnn(), event.Entry{Name: "reopened", By: ptr(byAnn())})
	again.Messages = append(again.Messages, *again.Message)
	add("conversation_requested_reopened", again)

	crm := func(state, reason string) *event.Endpoint {
		return &event.Endpoint{ID: 7, Name: "CRM", URL: "crm.example", State: state, Reason: reason}
	}
	add("endpoint_failing", &event.Event{Type: event.EndpointFailing, By: system(), Endpoint: crm("active", "the receiver answered 500"), Days: 3})
	add("endpoint_paused", &event.Event{Type: event.EndpointPaused, By: system(), Endpoint: crm("paused", "nothing has succeeded for 5 days")})
	add("endpoint_gone", &event.Event{Type: event.EndpointPaused, By: system(), Endpoint: crm("gone", "the receiver answered 410 and wants no more calls")})
	add("delivery_dead", &event.Event{Type: event.DeliveryDead, By: system(), Endpoint: crm("active", "the receiver answered 500"),
		Delivery: &event.Delivery{ID: 9, Event: 101, Name: "message.received", Attempts: 12}})

	// Files, link cards, other channels, and what becomes of a message after it was sent.
	with := func(name string, t event.Type, v *event.Conversation, m *event.Message) *event.Event {
		e := about(t, m.Sender, v)
		e.Message = m
		e.At = m.SentAt
		v.LastMessage = &event.LastMessage{Number: m.Number, Body: m.Body, SenderType: m.Sender.Type, Type: m.Type, Note: m.Note, SentAt: m.SentAt}
		if m.Body == "" && m.Media != nil {
			v.LastMessage.Body = m.Media.Name
		}
		add(name, e)
		return e
	}
	with("message_received_image", event.MessageReceived, conversation(jane()), holds(received(2, jane(), "This is what it shows"), photo()))
	with("message_received_voice", event.MessageReceived, conversation(anonymous()), holds(received(2, anonymous(), ""), voice()))
	with("message_received_fetching", event.MessageReceived, onSMS(jane()), holds(received(2, jane(), ""), foreign()))
	with("message_received_link", event.MessageReceived, conversation(jane()), received(2, jane(), "Is it https://shop.example/lamps/7 ?"))
	pdf := with("message_sent_file", event.MessageSent, onSMS(jane()), holds(sent(2, ann(), ""), manual()))
	pdf.Message.State = event.StatePending
	begun := first(event.ConversationCreated, jane())
	begun.Conversation.Channel, begun.Conversation.HiddenFrom, begun.Session.Visit = sms(), 1, event.Visit{}
	add("conversation_created_channel", begun)

	became := func(name, changed string, v *event.Conversation, by event.Party, m *event.Message) *event.Event {
		e := about(event.MessageUpdated, by, v)
		e.Message, e.Changed = m, changed
		add(name, e)
		return e
	}
	edited := became("message_updated_text", event.ChangedText, conversation(jane()), byAnn(), sent(2, ann(), "Of course! 😀 (Not on Sundays.)"))
	edited.Message.EditedAt = at(320)
	fetched := foreign()
	fetched.Kind, fetched.State, fetched.ContentType, fetched.Size = event.MediaImage, event.MediaStored, "image/png", 65536
	fetched.Width, fetched.Height, fetched.Thumb = 800, 600, true
	became("message_updated_media", event.ChangedMedia, onSMS(jane()), system(), holds(received(2, jane(), ""), fetched))
	lost := foreign()
	lost.State, lost.Error = event.MediaFailed, "the server answered 404"
	became("message_updated_media_failed", event.ChangedMedia, onSMS(jane()), system(), holds(received(2, jane(), "My receipt"), lost))
	linked := received(2, jane(), "Is it https://shop.example/lamps/7 ?")
	linked.Link = card()
	became("message_updated_link", event.ChangedLink, conversation(jane()), system(), linked)
	plain := received(2, jane(), "Is it https://shop.example/lamps/8 ?")
	plain.Link = &event.LinkCard{URL: "https://shop.example/lamps/8", Title: "Lamp “Eight”"}
	became("message_updated_link_bare", event.ChangedLink, conversation(jane()), system(), plain)
	waiting := became("message_updated_state_pending", event.ChangedState, onSMS(jane()), system(), sent(2, ann(), "Of course! 😀"))
	waiting.Message.State, waiting.Message.StateReason = event.StatePending, "trying again: the channel's server answered 503"
	refused := became("message_updated_state_failed", event.ChangedState, onSMS(jane()), system(), sent(2, ann(), "Of course! 😀"))
	refused.Message.State, refused.Message.StateCode, refused.Message.StateReason = event.StateFailed, "given_up", "the channel's server answered 500"
	arrived := became("message_updated_state_read", event.ChangedState, onSMS(jane()), system(), holds(sent(2, ann(), "The manual"), manual()))
	arrived.Message.State = event.StateRead
	gone := about(event.MessageDeleted, byAnn(), conversation(jane()))
	gone.Message = sent(2, ann(), "")
	gone.Message.EditedAt, gone.Message.DeletedAt = at(320), at(330)
	add("message_deleted", gone)
	file := about(event.MessageDeleted, byAnn(), onSMS(jane()))
	file.Message = sent(2, ann(), "")
	file.Message.Type, file.Message.DeletedAt = event.TypeMedia, at(330)
	add("message_deleted_file", file)

	// S-064: a conversation of the website goes on on a channel. Who is not signed in does not see what happens there.
	moved := about(event.ConversationUpdated, byContact(anonymous()), conversation(anonymous()))
	moved.Conversation.Channel, moved.Conversation.HiddenFrom = sms(), 3
	moved.Message = line(3, system(), event.Entry{Name: "channel_changed", By: ptr(byContact(anonymous())), Channel: ptr(sms())})
	add("conversation_moved", moved)

	// A whole session of such a conversation: a photo, a voice note without words, what failed, what was deleted, and the move.
	files := over(event.SessionEnded, byAnn(), jane(), event.EndOperator)
	files.Conversation.Channel, files.Conversation.HiddenFrom, files.Notes = sms(), 4, nil
	back := sent(5, ann(), "")
	back.DeletedAt = at(90)
	notSent := holds(sent(6, bob(), "Not delivered"), manual())
	notSent.State, notSent.StateCode, notSent.StateReason = event.StateFailed, "refused", "the channel's server answered 422: too large"
	files.Messages = []event.Message{
		*holds(received(1, jane(), "This is what it shows"), photo()), *holds(received(2, jane(), ""), voice()), *linked,
		*line(4, system(), event.Entry{Name: "channel_changed", By: ptr(byContact(jane())), Channel: ptr(sms())}), *back, *notSent, *holds(received(7, jane(), ""), lost),
	}
	files.Messages[2].ID, files.Messages[2].Number, files.Messages[2].SentAt = 73, 3, at(30)
	files.Conversation.MessageCount = 7
	add("session_ended_files", files)

	add("channel_failing", &event.Event{Type: event.ChannelFailing, By: system(), Channel: ptr(sms()), Days: 3, Reason: "the channel's server answered 500"})
	add("channel_paused", &event.Event{Type: event.ChannelPaused, By: system(), Channel: ptr(sms()), Reason: "nothing has succeeded for 5 days"})
	add("contact_erased", &event.Event{Type: event.ContactErased, By: byContact(jane()), Contact: ptr(event.Contact{ID: 11, UUID: jane().UUID, Custom: "{}", CreatedAt: at(-3600), UpdatedAt: at(60)})})
	add("mail_queued", &event.Event{Type: event.MailQueued, By: byAnn(), Conversation: conversation(jane()), Mail: &event.Mail{ID: 5, Kind: event.MailTranscript}})
	add("mail_queued_contact", &event.Event{Type: event.MailQueued, By: byContact(jane()), Contact: ptr(jane()), Mail: &event.Mail{ID: 6, Kind: event.MailReauth}})
	add("mail_failed", &event.Event{Type: event.MailFailed, By: system(), Conversation: conversation(jane()), Mail: &event.Mail{ID: 5, Kind: event.MailTranscript},
		Reason: "the mail server refused the address: 550 no such user"})

	// Chats of a visitor whose place is known, and what a company's desk makes of them (S-122).
	chat := func(t event.Type, by event.Party, c event.Contact) *event.Event {
		e := about(t, by, conversation(c))
		e.Session.Visit.Region, e.Session.Visit.CountryCode = "Berlin", "DE"
		return e
	}
	question := chat(event.ConversationUnanswered, system(), guest())
	question.Conversation.Operator, question.Conversation.Status, question.Conversation.UnansweredAt = nil, event.StatusNew, at(130)
	question.Message = received(1, guest(), "Hi, I am having trouble signing up")
	question.At = at(130)
	add("conversation_unanswered", question)
	left := func(name string, c event.Contact, form event.OfflineMessage, body string) {
		e := chat(event.OfflineMessageReceived, byContact(c), c)
		v := fresh(c)
		v.LastMessage.Body = body
		e.Conversation, e.Session.OperatorCreated, e.Session.Offline = v, nil, true
		e.Message, e.Offline = received(1, c, body), &form
		e.At = e.Message.SentAt
		add("offline_message_"+name, e)
	}
	left("received", writer(), event.OfflineMessage{Name: `Bob "Bobby" Smith`, Email: "bob@smith.example"}, "I just want to say I love your service!")
	nameless := writer()
	nameless.Name = ""
	left("nameless", nameless, event.OfflineMessage{Email: "bob@smith.example"}, "Call me <b>back</b>, please.\nThank you")
	begin := first(event.SessionStarted, writer())
	begin.Session.Offline = true
	add("session_started_offline", begin)
	said("review_given", event.ReviewGiven, jane(), words(jane(), event.TypeFeedback, "great 👍\nThank you!", event.Entry{Name: "feedback"}),
		event.Session{Rating: &stars, Feedback: "great 👍\nThank you!"})
	said("review_given_rating", event.ReviewGiven, anonymous(), words(anonymous(), event.TypeRating, "", event.Entry{Name: "rating", Rating: &thumb}),
		event.Session{Rating: &thumb})
	chosen := about(event.MessageSent, byAnn(), conversation(jane()))
	chosen.Message = sent(2, ann(), "What is it about?")
	chosen.Message.Choices = []string{"An order", "An invoice", "Something else"}
	add("message_sent_choices", chosen)

	transcript := func(name string, by event.Party, c event.Contact, messages []event.Message) *event.Event {
		e := over(event.TranscriptRequested, by, c, event.EndOperator)
		e.Conversation.Status, e.Conversation.EndedAt = event.StatusEnded, at(3725)
		e.Session.Visit.Region, e.Session.Visit.CountryCode = "Berlin", "DE"
		e.Messages, e.Sessions = messages, []event.Session{*e.Session}
		e.Conversation.MessageCount = len(messages)
		add("transcript_"+name, e)
		return e
	}
	rated := transcript("requested", byAnn(), guest(), thread(guest()))
	rated.Session.Rating, rated.Session.Feedback = &event.Rating{Value: 5, Form: event.RateThumbs}, "Great support, will use again!"
	rated.Conversation.Rating, rated.Ender = 5, ann()
	rated.Sessions = []event.Session{*rated.Session}
	extra := transcript("extra", byAnn(), jane(), files.Messages)
	extra.Extra, extra.Ender = []string{"extra", "stuff", "here"}, bob()
	extra.Conversation.Status, extra.Conversation.EndedAt = event.StatusOpen, time.Time{} // asked for before the end
	extra.Session.EndedAt, extra.Session.EndReason = time.Time{}, ""
	extra.Sessions = []event.Session{*extra.Session}
	nobodys := transcript("bare", system(), anonymous(), thread(anonymous())[:1])
	nobodys.Session.Visit, nobodys.Notes = private(), nil
	nobodys.Sessions = []event.Session{*nobodys.Session}

	office := *widget
	office.PrivacyMode, office.Presence, office.OfflineForm, office.UnansweredSeconds, office.TranscriptHook, office.ShowVisitors = false, event.PresenceAuto, true, 120, event.TranscriptOnReview, true
	office.Hours = &event.Hours{Timezone: "Europe/Berlin", Openings: []event.Opening{{Day: 1, From: 540, To: 720}, {Day: 1, From: 780, To: 1020}, {Day: 5, From: 540, To: 1440}},
		Holidays: []event.Holiday{{Date: "2026-12-25", Name: "Christmas"}}}
	add("widget_updated_hours", &event.Event{Type: event.WidgetUpdated, By: byAnn(), Widget: &office})
	return out
}

// guest is a visitor without a name whose place is known.
func guest() event.Contact {
	return event.Contact{ID: 133, UUID: "2b959179-d06f-4fec-9c6e-1c98468d1d63", Handle: "berlin-berlin-de-133", Custom: "{}", CreatedAt: at(-9).Add(123456 * time.Microsecond), UpdatedAt: at(0)}
}

// writer left a message; the page's script said who they are.
func writer() event.Contact {
	return event.Contact{ID: 27, UUID: "2d3f4260-2235-403b-8a82-a23d326cc257", Name: `Bob "Bobby" Smith`, Email: "bob@smith.example", ClaimedID: "user1234", Handle: "germany-27",
		Custom: `{"custom stuff":"things"}`, CreatedAt: at(-60), UpdatedAt: at(0)}
}
