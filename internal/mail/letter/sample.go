package letter

import (
	_ "embed"
	"net/url"
	"time"

	"parley/internal/event"
	"parley/internal/id"
)

//go:embed schema_transcript.json
var transcriptSchema []byte

//go:embed schema_reauth.json
var reauthSchema []byte

// script is what the people of the samples say, in one language.
type script struct {
	widget, contact, hello, which, answer, parcel, thanks, later, again, found, welcome, feedback, question, option, forwarded string
}

var scripts = map[string]script{
	"en": {
		widget: "Lamp & Light", contact: "Jane Miller",
		hello: "Hi there! How do I install this lamp?\nThe ceiling is made of wood. 🪵", which: "Hello Jane! Which one is it?", answer: "The manual shows it on page 3. You find all parts on https://shop.example/lamps/7?part=kit&lang=en.",
		parcel: "It is this one.", thanks: "Great, thank you! 👍", later: "I ask my colleague who knows this one best.", again: "Me again: one screw is missing.",
		found: "Sorry for that! We send it to you today.", welcome: "It is on its way. Anything else that I can do for you?", feedback: "Quick and friendly help.\nI will come back!",
		question: "How did you find us?", option: "A friend told me", forwarded: "I know this lamp: two screws are enough for wood.",
	},
	"de": {
		widget: "Lampen & Licht", contact: "Jana Müller",
		hello: "Guten Tag! Wie baue ich diese Lampe an?\nDie Decke ist aus Holz. 🪵", which: "Guten Tag Frau Müller! Um welche geht es denn?", answer: "Die Anleitung zeigt es auf Seite 3. Alle Teile finden Sie auf https://shop.example/lampen/7?teil=set&lang=de.",
		parcel: "Es ist diese hier.", thanks: "Prima, vielen Dank! 👍", later: "Ich frage meinen Kollegen, der sie am besten kennt.", again: "Ich bin es noch einmal: Eine Schraube fehlt.",
		found: "Das tut uns leid! Wir schicken sie Ihnen heute noch.", welcome: "Sie ist unterwegs. Kann ich sonst noch etwas für Sie tun?", feedback: "Schnelle und freundliche Hilfe.\nIch komme wieder!",
		question: "Wie haben Sie uns gefunden?", option: "Durch Freunde", forwarded: "Ich kenne diese Lampe: Für Holz reichen zwei Schrauben.",
	},
}

// Sample returns a letter of a kind with made-up people, for previews and the reference. It shows everything that its kind can show.
func Sample(kind, lang string) *Letter {
	lang = in(lang).lang
	s := scripts[lang]
	start := time.Date(2026, 3, 2, 10, 0, 5, 123456000, time.UTC)
	contact := event.Contact{ID: 11, UUID: "0b2f6c9e-4f6e-4c57-9f6a-3d1f5f0c8a11", Name: s.contact, Email: "jane@example.com", Custom: "{}", CreatedAt: start, UpdatedAt: start}
	const inbound = "https://shop.example/help"
	l := &Letter{
		Kind: kind, Lang: lang, Look: Look{Name: s.widget, Color: "#0f766e"}, Receiver: contact.Email, Contact: &contact, At: start.Add(28 * time.Hour),
	}
	if kind == event.MailReauth {
		l.ReauthLink, l.ReauthCode, l.Lasts = inbound+"#parley=Zk3vX9b2QyLw7ZtR5cHn1ApT8sD4f6GhJk1LzXc2VbN", "K7QX3-9M2TD", time.Hour
		return l
	}
	l.Conversation = &event.Conversation{ID: 8982, Status: event.StatusEnded, Channel: event.Channel{Type: event.ChannelWebsite},
		Widget: event.WidgetRef{ID: 1, Key: "w_sample", Name: s.widget}, Contact: contact, CreatedAt: start, UpdatedAt: start, MessageCount: 17, OperatorRead: 17, ContactRead: 4, ContactDelivered: 4}
	l.ConversationURL, l.Lasts = inbound+"#parley=Zk3vX9b2QyLw7ZtR5cHn1ApT8sD4f6GhJk1LzXc2VbN", 7*24*time.Hour
	l.MediaURL = func(f *event.Media) string {
		return "https://chat.example/media/" + f.Key + "/" + url.PathEscape(f.Name) + "?e=1773136805&s=sample"
	}
	l.Messages = s.messages(start)
	if kind == event.MailMissed {
		l.Messages = l.Messages[12:14]
		l.Conversation.Status, l.Conversation.ContactRead = event.StatusOpen, 12
	}
	return l
}

func (s script) messages(start time.Time) (out []*event.Message) {
	const annie, bob, jane = 3, 5, 11
	var session id.Session = 12509
	next := start
	put := func(after time.Duration, m event.Message) *event.Message {
		next = next.Add(after)
		n := len(out) + 1
		m.ID, m.ConversationID, m.SessionID, m.Number, m.SentAt = id.Message(48078+n), 8982, session, n, next
		m.State = event.StateSent
		if n <= 4 {
			m.State = event.StateRead
		}
		out = append(out, &m)
		return &m
	}
	contact := func(body string) event.Message {
		return event.Message{Type: event.TypeMessage, Sender: event.Party{Type: event.ByContact, ID: jane, Name: s.contact}, Body: body}
	}
	operator := func(number int64, name, full, body string) event.Message {
		return event.Message{Type: event.TypeMessage, Sender: event.Party{Type: event.ByOperator, ID: number, Name: name}, OperatorName: full, OperatorDisplayName: name, Body: body}
	}
	entry := func(typ string, by event.Party, e event.Entry) event.Message {
		return event.Message{Type: typ, Sender: by, Entry: &e}
	}
	file := func(m event.Message, f event.Media) event.Message {
		m.Type, m.Media = event.TypeMedia, &f
		return m
	}
	janeMiller := event.Party{Type: event.ByContact, ID: jane, Name: s.contact}
	byAnnie := event.Party{Type: event.ByOperator, ID: annie, Name: "Annie"}
	byBob := event.Party{Type: event.ByOperator, ID: bob, Name: "Bob"}
	system := event.Party{Type: event.BySystem}
	group := event.Group{ID: 2, Name: "Support"}

	put(0, contact(s.hello))
	put(40*time.Second, operator(annie, "Annie", "Ann Smith", s.which))
	put(50*time.Second, file(contact(s.parcel), event.Media{ID: 31, Key: "mK3vX9b2QyLw7ZtR5cHn1A", Kind: event.MediaImage, State: event.MediaStored, Name: "lamp ½.jpg", ContentType: "image/jpeg", Size: 482133, Width: 1600, Height: 1200}))
	put(70*time.Second, operator(annie, "Annie", "Ann Smith", s.later))
	put(5*time.Second, entry(event.TypeEvent, system, event.Entry{Name: "forwarded", By: &byAnnie, Operator: &byBob, Group: &group}))
	put(2*time.Minute, operator(bob, "Bob", "Bob Jones", s.forwarded))
	put(20*time.Second, file(operator(bob, "Bob", "Bob Jones", s.answer), event.Media{ID: 32, Key: "aB1cD2eF3gH4iJ5kL6mN7o", Kind: event.MediaPDF, State: event.MediaStored, Name: "manual.pdf", ContentType: "application/pdf", Size: 1258291}))
	thanks := put(60*time.Second, contact(s.thanks))
	thanks.ReferenceID = out[5].ID
	put(time.Second, entry(event.TypeEvent, system, event.Entry{Name: "goal", Goal: &event.Goal{ID: 4, Name: "Manual"}}))
	put(30*time.Minute, entry(event.TypeEvent, system, event.Entry{Name: "session_ended", Reason: event.EndTimeout}))
	session++
	put(26*time.Hour, contact(s.again))
	put(30*time.Second, contact("")).DeletedAt = next
	put(2*time.Minute, operator(annie, "Annie", "Ann Smith", s.found)).EditedAt = next
	put(time.Minute, operator(annie, "Annie", "Ann Smith", s.welcome))
	put(2*time.Minute, file(contact(""), event.Media{ID: 33, Key: "pT8sD4f6GhJk1LzXc2VbNw", Kind: event.MediaVoice, State: event.MediaStored, Name: "voice.webm", ContentType: "audio/webm", Size: 40960, DurationMS: 4200}))
	put(time.Minute, entry(event.TypeEvent, system, event.Entry{Name: "ended", By: &byAnnie, Reason: event.EndOperator}))
	put(time.Minute, entry(event.TypeRating, janeMiller, event.Entry{Name: "rating", Rating: &event.Rating{Value: 4, Form: event.RateStars}}))
	put(20*time.Second, event.Message{Type: event.TypeFeedback, Sender: janeMiller, Body: s.feedback, Entry: &event.Entry{Name: "feedback"}})
	put(20*time.Second, entry(event.TypeSurvey, janeMiller, event.Entry{Name: "survey", Survey: &event.Survey{Question: s.question, Option: s.option}}))
	return out
}

// Document is a payload as the reference shows it.
type Document struct {
	// Name is that of its file ("callback_transcript"), Title a heading.
	Name, Title string
	// Schema is a JSON Schema (2020-12), Sample a body that fits.
	Schema, Sample []byte
}

// Documents are the bodies of the e-mail callback, with samples that the running code writes.
func Documents() ([]Document, error) {
	out := []Document{
		{Name: "callback_transcript", Title: "E-mail callback: transcript", Schema: transcriptSchema},
		{Name: "callback_reauth", Title: "E-mail callback: sign in again", Schema: reauthSchema},
	}
	for i, kind := range []string{event.MailTranscript, event.MailReauth} {
		l := Sample(kind, "en")
		m, err := l.Write()
		if err != nil {
			return nil, err
		}
		if out[i].Sample, err = l.Callback(m, false); err != nil {
			return nil, err
		}
	}
	return out, nil
}
