package letter

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"parley/internal/event"
	"parley/internal/id"
)

// item is one thing in a mail's thread: exactly one of its fields is set.
type item struct {
	Divider string // a day, or where a later session begins
	Line    *note
	Card    *card
	Group   *group
}

// note is something that happened, in words.
type note struct{ Text, Time string }

// card is what the contact said about the conversation.
type card struct {
	Label, Time string
	Question    []span // a survey's
	Stars       string
	Body        []span
}

// group is what one person said in one go.
type group struct {
	Own        bool // the contact said it
	Name, Time string
	Said       []said
}

// said is a message.
type said struct {
	Quote string // what it answers
	Body  []span
	File  *file
	// Deleted and Edited are words that say so, "" where that did not happen. What was deleted has nothing else.
	Deleted, Edited string
}

// file is a message's file. Detail are its kind and its size, URL is "" where there is none.
type file struct{ Name, Detail, URL string }

const (
	// together is for how long the messages of one person are one group.
	together = 5 * time.Minute
	// maxQuote is how much of a quoted message is shown, in characters.
	maxQuote = 100
)

// thread makes the mail's thread of the messages. files reports whether there is a link to a file.
func (l *Letter) thread(w *words) (out []item, files bool) {
	var (
		day      string
		session  id.Session
		last     *group
		lastFrom event.Party
		lastAt   time.Time
	)
	zone := l.zone()
	named := map[id.Message]*event.Message{}
	for _, m := range l.Messages {
		if m.ReferenceID != 0 {
			named[m.ReferenceID] = nil
		}
	}
	for _, m := range l.Messages {
		if _, ok := named[m.ID]; ok {
			named[m.ID] = m
		}
	}
	for _, m := range l.Messages {
		if m.Note {
			continue
		}
		it, whole := l.item(w, m), false
		if it == nil {
			continue
		}
		at := m.SentAt.In(zone)
		switch today := w.dateOf(at); {
		case session != 0 && m.SessionID != session && today != day:
			out, whole = append(out, item{Divider: fmt.Sprintf(w.againOn, today)}), true
			day = today
		case session != 0 && m.SessionID != session:
			out, whole = append(out, item{Divider: fmt.Sprintf(w.againAt, at.Format("15:04"))}), true
		case today != day:
			out, whole = append(out, item{Divider: today}), true
			day = today
		}
		session = m.SessionID
		if it.Group == nil {
			out, last = append(out, *it), nil
			continue
		}
		s := &it.Group.Said[0]
		if q := named[m.ReferenceID]; m.ReferenceID != 0 && q != nil && q.DeletedAt.IsZero() && s.Deleted == "" {
			s.Quote = l.quote(w, q)
		}
		files = files || s.File != nil && s.File.URL != ""
		if !whole && last != nil && sameVoice(lastFrom, m.Sender) && last.Name == it.Group.Name && m.SentAt.Sub(lastAt) < together {
			last.Said = append(last.Said, *s)
		} else {
			out, last, lastFrom = append(out, *it), it.Group, m.Sender
		}
		lastAt = m.SentAt
	}
	return out, files
}

func sameVoice(a, b event.Party) bool { return a.Type == b.Type && a.ID == b.ID }

// item is a message as the thread shows it, nil for what says nothing to a contact.
func (l *Letter) item(w *words, m *event.Message) *item {
	at := m.SentAt.In(l.zone()).Format("15:04")
	switch m.Type {
	case event.TypeMessage, event.TypeMedia:
		return &item{Group: &group{Own: m.Sender.Type == event.ByContact, Name: l.name(w, m), Time: at, Said: []said{l.said(w, m)}}}
	case event.TypeFeedback:
		return &item{Card: &card{Label: w.feedback, Time: at, Body: spans(clean(m.Body))}}
	case event.TypeRating:
		if m.Entry == nil || m.Entry.Rating == nil {
			return nil
		}
		return &item{Card: rated(w, m.Entry.Rating, at)}
	case event.TypeSurvey:
		if m.Entry == nil || m.Entry.Survey == nil {
			return nil
		}
		s := m.Entry.Survey
		return &item{Card: &card{Label: w.survey, Time: at, Question: spans(clean(s.Question)), Body: spans(clean(s.Option))}}
	}
	if m.Entry == nil {
		return nil
	}
	if text := l.entry(w, m.Entry); text != "" {
		return &item{Line: &note{Text: text, Time: at}}
	}
	return nil
}

// rated is a rating in words; thumbs are 1 and 5.
func rated(w *words, r *event.Rating, at string) *card {
	c := &card{Label: w.rating, Time: at}
	switch {
	case r.Form == event.RateThumbs && r.Value == 5:
		c.Stars, c.Body = "👍", []span{{Text: w.thumbUp}}
	case r.Form == event.RateThumbs && r.Value == 1:
		c.Stars, c.Body = "👎", []span{{Text: w.thumbDown}}
	default:
		n := min(max(r.Value, 0), 5)
		c.Stars, c.Body = strings.Repeat("★", n)+strings.Repeat("☆", 5-n), []span{{Text: fmt.Sprintf(w.ratingOf, r.Value)}}
	}
	return c
}

// entry is a thread entry in words, "" for what contacts are not told: names of groups and of the company's own programs stay inside, and
// so does what the company measures (goals), unless the mail goes to somebody else than the contact.
func (l *Letter) entry(w *words, e *event.Entry) string {
	by := func(nobody, person, own string) string {
		switch {
		case e.By == nil:
			return nobody
		case e.By.Type == event.ByOperator && line(e.By.Name, maxName) != "":
			return fmt.Sprintf(person, line(e.By.Name, maxName))
		case e.By.Type == event.ByContact && l.own():
			return own
		case e.By.Type == event.ByContact:
			return fmt.Sprintf(person, cmp.Or(contactName(*e.By), w.contact))
		}
		return nobody
	}
	to := ""
	if e.Operator != nil {
		to = line(e.Operator.Name, maxName)
	}
	switch e.Name {
	case "ended":
		if e.Reason == event.EndTimeout {
			return w.endedTimeout
		}
		return by(w.ended, w.endedBy, w.endedByYou)
	case "session_ended":
		return w.paused
	case "reopened":
		return by(w.reopened, w.reopenedBy, w.reopenedByYou)
	case "assigned":
		if to != "" {
			return fmt.Sprintf(w.joined, to)
		}
	case "forwarded":
		switch who := by("", "%s", ""); {
		case who != "" && to != "":
			return fmt.Sprintf(w.forwardedByTo, who, to)
		case who != "":
			return fmt.Sprintf(w.forwardedBy, who)
		case to != "":
			return fmt.Sprintf(w.forwardedTo, to)
		}
		return w.forwarded
	case "channel_changed":
		if e.Channel != nil {
			return fmt.Sprintf(w.moved, line(e.Channel.Name, maxName))
		}
	case "goal":
		if e.Goal != nil && !l.own() {
			return fmt.Sprintf(w.goal, line(e.Goal.Name, maxName))
		}
	}
	return ""
}

// name is the name that a message stands under.
func (l *Letter) name(w *words, m *event.Message) string {
	switch m.Sender.Type {
	case event.ByContact:
		if name := contactName(m.Sender); name != "" {
			return name
		}
		if l.own() {
			return w.you
		}
		return w.contact
	case event.ByOperator:
		return cmp.Or(line(m.OperatorDisplayName, maxName), line(m.Sender.Name, maxName), w.team)
	}
	// The name of an API token is the company's own matter.
	return cmp.Or(line(l.Look.Name, maxName), w.team)
}

// contactName is a contact's name, "" while it is not known, whatever operators see instead (S-017).
func contactName(p event.Party) string {
	if p.Name == (&event.Contact{ID: id.Contact(p.ID)}).DisplayName() {
		return ""
	}
	return line(p.Name, maxName)
}

// said is what somebody said.
func (l *Letter) said(w *words, m *event.Message) said {
	if !m.DeletedAt.IsZero() {
		return said{Deleted: w.deleted}
	}
	s := said{Body: spans(clean(m.Body))}
	if !m.EditedAt.IsZero() {
		s.Edited = w.edited
	}
	if m.Media != nil {
		s.File = l.file(w, m.Media)
	}
	return s
}

func (l *Letter) file(w *words, f *event.Media) *file {
	kind := w.kind(f.Kind)
	out := &file{Name: cmp.Or(line(f.Name, 200), kind), URL: l.address(f)}
	details := []string{kind}
	if f.Kind == event.MediaVoice && f.DurationMS > 0 {
		out.Name, details = kind, []string{clock(f.DurationMS)}
	}
	switch {
	case f.State == event.MediaFailed:
		out.URL, details = "", append(details, w.failed)
	case f.State == event.MediaFetching:
		out.URL, details = "", append(details, w.fetching)
	case f.Size > 0:
		details = append(details, w.size(f.Size))
	}
	out.Detail = strings.Join(details, " · ")
	return out
}

// address is where a file is, "" for nowhere.
func (l *Letter) address(f *event.Media) string {
	if f == nil || l.MediaURL == nil {
		return ""
	}
	u := l.MediaURL(f)
	if !linkable(u) {
		return ""
	}
	return u
}

// quote is a line of the message that another one answers.
func (l *Letter) quote(w *words, m *event.Message) string {
	text := line(m.Body, maxQuote)
	if text == "" && m.Media != nil {
		text = line(m.Media.Name, maxQuote)
	}
	if text == "" {
		return ""
	}
	return l.name(w, m) + ": " + text
}
