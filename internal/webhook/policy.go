package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"parley/internal/event"
	"parley/internal/fault"
)

// What a Policy does with one kind of data.
const (
	Keep   = "keep"
	Hash   = "hash"   // a stable code instead: equal values stay equal, and nobody outside can tell which they are
	Remove = "remove" // nothing instead, of the same type
)

// Policy says what an endpoint is told about the people behind a conversation. It changes the snapshot before any dialect
// sees it, so it holds in all of them. "" means Keep.
type Policy struct {
	// Name is the contact's name, wherever it stands: also as the field "name" of custom data, and the id that a page claims, which can be
	// anything that names somebody.
	Name string
	// Email is the contact's e-mail address and phone number, also as the fields "email" and "phone" of custom data and as an id from
	// outside that holds an address.
	Email string
	// IP is the address that a contact came from, and the place that it tells, also in the contact's generated name.
	IP string
	// Text is what was written and sent: messages with the answers that they offer, words that go along with a transcript, notes, files and their names, link cards, feedback, the topic, tags, custom data
	// and the contact's free fields. Of a file its kind, type and measures stay; its address goes.
	Text string
}

// set takes the words that p gives and keeps the others.
func (e *Policy) set(p Policy) {
	for _, one := range []struct{ to, from *string }{{&e.Name, &p.Name}, {&e.Email, &p.Email}, {&e.IP, &p.IP}, {&e.Text, &p.Text}} {
		if *one.from != "" {
			*one.to = *one.from
		}
		if *one.to == "" {
			*one.to = Keep
		}
	}
}

func (e *Policy) check(c *fault.Collect) {
	for _, one := range []struct{ field, word string }{{"name", e.Name}, {"email", e.Email}, {"ip", e.IP}, {"text", e.Text}} {
		if one.word != Keep && one.word != Hash && one.word != Remove {
			c.Add(fault.New(fault.FieldInvalid, "the policy is keep, hash or remove").At("policy." + one.field))
		}
	}
}

// hashes reports whether the policy needs a key.
func (e Policy) hashes() bool {
	return e.Name == Hash || e.Email == Hash || e.IP == Hash || e.Text == Hash
}

func does(word string) bool { return word == Hash || word == Remove }

// apply returns ev as the policy lets it be seen; ev itself, which others share, is not touched. The key is what hashes
// are made with.
func (e Policy) apply(ev *event.Event, key []byte) *event.Event {
	if !does(e.Name) && !does(e.Email) && !does(e.IP) && !does(e.Text) {
		return ev
	}
	m := masker{e, key}
	out := *ev
	out.By = m.party(ev.By)
	if ev.Conversation != nil {
		c := *ev.Conversation
		c.Contact = m.contact(c.Contact)
		c.Topic, c.Tags = m.text(c.Topic), m.texts(c.Tags)
		if c.LastMessage != nil {
			last := *c.LastMessage
			last.Body = m.text(last.Body)
			c.LastMessage = &last
		}
		out.Conversation = &c
	}
	if ev.Session != nil {
		s := m.session(*ev.Session)
		out.Session = &s
	}
	if ev.Message != nil {
		one := m.message(*ev.Message)
		out.Message = &one
	}
	if ev.Messages != nil {
		out.Messages = make([]event.Message, len(ev.Messages))
		for i := range ev.Messages {
			out.Messages[i] = m.message(ev.Messages[i])
		}
	}
	out.Notes, out.Extra = m.texts(ev.Notes), m.texts(ev.Extra)
	if ev.Offline != nil {
		out.Offline = &event.OfflineMessage{Name: m.value(m.Name, ev.Offline.Name), Email: m.value(m.Email, ev.Offline.Email)}
	}
	if ev.Sessions != nil {
		out.Sessions = make([]event.Session, len(ev.Sessions))
		for i := range ev.Sessions {
			out.Sessions[i] = m.session(ev.Sessions[i])
		}
	}
	if ev.Contact != nil {
		c := m.contact(*ev.Contact)
		out.Contact = &c
	}
	return &out
}

type masker struct {
	Policy
	key []byte
}

// value masks one text. An empty one stays empty: that nothing is known is no secret.
func (m *masker) value(word, v string) string {
	switch {
	case v == "" || !does(word):
		return v
	case word == Remove:
		return ""
	}
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte(v))
	return "h_" + hex.EncodeToString(h.Sum(nil)[:12])
}

func (m *masker) text(v string) string { return m.value(m.Text, v) }

// texts masks a list; with nothing left in its place, the list is empty.
func (m *masker) texts(list []string) []string {
	if !does(m.Text) || len(list) == 0 {
		return list
	}
	if m.Text == Remove {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = m.text(v)
	}
	return out
}

func (m *masker) party(p event.Party) event.Party {
	// "Visitor 11" says no more than the id beside it, and receivers know it as "no name".
	if p.Type == event.ByContact && !(m.Name == Hash && p.Name == "Visitor "+strconv.FormatInt(p.ID, 10)) {
		p.Name = m.value(m.Name, p.Name)
	}
	return p
}

func (m *masker) contact(c event.Contact) event.Contact {
	c.Name = m.value(m.Name, c.Name)
	if does(m.IP) && c.Handle != "" {
		// The generated name is the place and the contact's number. What is left is unique, too, and stays the same.
		c.Handle = ""
		c.Handle = c.HandleName()
	}
	c.Email, c.Phone = m.value(m.Email, c.Email), m.value(m.Email, c.Phone)
	claimed := m.Name
	if strings.Contains(c.ClaimedID, "@") {
		claimed = stricter(m.Name, m.Email)
	}
	c.ClaimedID = m.value(claimed, c.ClaimedID)
	if strings.Contains(c.ExternalID, "@") {
		c.ExternalID = m.value(m.Email, c.ExternalID)
	}
	c.Custom = m.custom(c.Custom)
	if does(m.Text) && c.Additional != nil {
		c.Additional = slices.Clone(c.Additional)
		for i, f := range c.Additional {
			c.Additional[i] = event.Additional{Name: m.text(f.Name), Value: m.text(f.Value)}
		}
	}
	if does(m.Text) && c.Custom != "" && c.Custom != "{}" {
		// Keys can tell as much as values, so the object is masked as a whole.
		if m.Text == Hash {
			hash, err := json.Marshal(map[string]string{"hash": m.text(string(c.Custom))})
			if err != nil {
				panic("webhook: mask custom data: " + err.Error()) // a string always encodes
			}
			c.Custom = event.RawJSON(hash)
		} else {
			c.Custom = "{}"
		}
	}
	return c
}

// stricter is the word that tells less.
func stricter(a, b string) string {
	switch {
	case a == Remove || b == Remove:
		return Remove
	case a == Hash || b == Hash:
		return Hash
	}
	return Keep
}

// custom masks what custom data says about the contact's name, address and number at its top level, where pages put it, however the
// field's name is written. The policy of texts is about the rest, and takes all of it at once.
func (m *masker) custom(raw event.RawJSON) event.RawJSON {
	if raw == "" || raw == "{}" || does(m.Text) || !does(m.Name) && !does(m.Email) {
		return raw
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(raw), &fields) != nil {
		return "{}" // no object that could be looked into, so nothing of it is told
	}
	changed := false
	for key, v := range fields {
		word := ""
		switch strings.ToLower(key) {
		case "name":
			word = m.Name
		case "email", "phone":
			word = m.Email
		}
		if !does(word) {
			continue
		}
		changed = true
		if string(v) == "null" {
			continue // the text may still hold the field a second time
		}
		var said string
		if json.Unmarshal(v, &said) != nil {
			said = string(v) // a phone number may be a number
		}
		fields[key] = plain(m.value(word, said))
	}
	if !changed {
		return raw
	}
	return event.RawJSON(plain(fields))
}

// plain encodes what always encodes, without escapes for HTML.
func plain(v any) json.RawMessage {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	if err := w.Encode(v); err != nil {
		panic("webhook: mask custom data: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}

func (m *masker) session(s event.Session) event.Session {
	v := &s.Visit
	v.IP, v.City, v.Country = m.value(m.IP, v.IP), m.value(m.IP, v.City), m.value(m.IP, v.Country)
	v.Region, v.CountryCode = m.value(m.IP, v.Region), m.value(m.IP, v.CountryCode)
	if does(m.IP) {
		v.Lat, v.Lon = nil, nil // a number has no hash that is a number
	}
	s.Feedback, s.Notes = m.text(s.Feedback), m.texts(s.Notes)
	return s
}

// media masks what a file is called and why it could not be fetched, which may name where it came from. Without its key it has no
// address any more.
func (m *masker) media(f *event.Media) *event.Media {
	if f == nil || !does(m.Text) {
		return f
	}
	out := *f
	out.Key, out.Name, out.Error = "", m.text(f.Name), m.text(f.Error)
	return &out
}

func (m *masker) link(c *event.LinkCard) *event.LinkCard {
	switch {
	case c == nil || !does(m.Text):
		return c
	case m.Text == Remove:
		return nil
	}
	return &event.LinkCard{URL: m.text(c.URL), Title: m.text(c.Title), Description: m.text(c.Description), Site: m.text(c.Site)}
}

func (m *masker) message(one event.Message) event.Message {
	one.Sender = m.party(one.Sender)
	one.Body, one.Choices = m.text(one.Body), m.texts(one.Choices)
	one.Media, one.Link = m.media(one.Media), m.link(one.Link)
	if one.Entry != nil {
		entry := *one.Entry
		for _, p := range []**event.Party{&entry.By, &entry.Operator} {
			if *p != nil {
				masked := m.party(**p)
				*p = &masked
			}
		}
		one.Entry = &entry
	}
	return one
}
