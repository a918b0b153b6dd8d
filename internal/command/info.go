package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/event"
	"parley/internal/inbox"
)

// maxShown is how many characters of a value a line shows.
const maxShown = 200

func runInfo(c *call) error {
	v, err := c.Inbox.Get(c.ctx, c.id)
	if err != nil {
		return err
	}
	c.answer.Conversation = v
	c.answer.Lines = infoLines(v)
	return nil
}

// infoLines says what is known of a conversation's contact. What is unknown has no line.
func infoLines(v *inbox.View) (out []string) {
	add := func(what string, parts ...string) {
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		if len(parts) > 0 {
			out = append(out, what+": "+strings.Join(parts, ", "))
		}
	}
	p := &v.Contact
	add("Contact", p.DisplayName(), fmt.Sprintf("number %d", p.ID))
	add("E-mail", p.Email)
	add("Phone", p.Phone)
	add("Customer id", p.ExternalID)
	for i, f := range p.Additional {
		name := f.Name
		if name == "" {
			name = fmt.Sprintf("Additional %02d", i+1)
		}
		add(name, shown(f.Value))
	}
	for _, f := range fields(p.Custom) {
		add(shown(f.name), shown(f.value))
	}
	add("Topic", v.Topic)
	add("Tags", v.Tags...)
	if v.Session == nil {
		return out
	}
	at := &v.Session.Visit
	system := at.OS
	if at.Device != "" {
		system = strings.TrimSpace(system + " (" + at.Device + ")")
	}
	add("Browser", strings.TrimSpace(at.Browser+" "+at.BrowserVersion), system)
	add("Page", shown(at.Title), shown(at.URL))
	if at.InitialURL != at.URL {
		add("First page", shown(at.InitialURL))
	}
	add("Came from", shown(at.Referrer))
	place := ""
	if at.Lat != nil && at.Lon != nil {
		place = fmt.Sprintf("%.4f %.4f", *at.Lat, *at.Lon)
	}
	add("Place", at.City, at.Country, place)
	add("Address", at.IP)
	if at.Private {
		add("Place and address", "not kept, the widget is in privacy mode")
	}
	if at.Visits > 0 {
		add("Visits", fmt.Sprint(at.Visits))
	}
	if at.PageImpressions > 0 {
		add("Pages", fmt.Sprint(at.PageImpressions))
	}
	if r := v.Session.Rating; r != nil {
		add("Rating", fmt.Sprintf("%d of 5", r.Value))
	}
	add("Feedback", shown(v.Session.Feedback))
	if s := v.Session.Survey; s != nil {
		add("Survey", shown(s.Question+" "+s.Option))
	}
	if g := v.Session.Goal; g != nil {
		add("Goal", g.Name)
	}
	return out
}

func historyLine(v *inbox.View) string {
	parts := []string{fmt.Sprintf("%d", v.ID), stamp(v.UpdatedAt), v.Status}
	if v.Operator != nil {
		parts = append(parts, v.Operator.Name())
	}
	if v.Rating > 0 {
		parts = append(parts, fmt.Sprintf("rated %d", v.Rating))
	}
	if v.Topic != "" {
		parts = append(parts, v.Topic)
	}
	if v.LastMessage != nil && v.LastMessage.Body != "" {
		parts = append(parts, "“"+shown(v.LastMessage.Body)+"”")
	}
	return strings.Join(parts, " · ")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// shown makes one line of at most maxShown characters.
func shown(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= maxShown {
		return s
	}
	return string([]rune(s)[:maxShown-1]) + "…"
}

type field struct{ name, value string }

// fields are the keys of custom data with their values as text: a text as it is, everything else as JSON.
func fields(custom event.RawJSON) (out []field) {
	dec := json.NewDecoder(bytes.NewReader([]byte(custom)))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return out
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return out
		}
		text := string(value)
		var s string
		if json.Unmarshal(value, &s) == nil && text != "null" {
			text = s
		}
		out = append(out, field{fmt.Sprint(name), text})
	}
	return out
}
