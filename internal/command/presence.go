package command

import (
	"fmt"
	"strings"
	"time"

	"parley/internal/event"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/widget"
)

// maxOnline is how many operators $status names.
const maxOnline = 20

// widget returns the widget of the conversation.
func (c *call) widget() (*event.Widget, error) {
	v, err := c.Inbox.Get(c.ctx, c.id)
	if err != nil {
		return nil, err
	}
	c.answer.Conversation = v
	return c.Widgets.Get(c.ctx, v.Widget.ID)
}

func runOnline(c *call) error { return c.presence(event.PresenceAuto) }

func runOffline(c *call) error { return c.presence(event.PresenceOff) }

func runManual(c *call) error {
	w, err := c.widget()
	if err != nil {
		return err
	}
	if w.Presence == event.PresenceManual {
		return c.setPresence(w, event.PresenceAuto)
	}
	return c.setPresence(w, event.PresenceManual)
}

func (c *call) presence(to string) error {
	w, err := c.widget()
	if err != nil {
		return err
	}
	return c.setPresence(w, to)
}

func (c *call) setPresence(w *event.Widget, to string) error {
	w, err := c.Widgets.SetPresence(c.ctx, c.by, c.key, w.ID, to)
	if err != nil {
		return err
	}
	c.say("%s: %s", w.Name, presenceWords(w.Presence))
	now, err := c.now(w)
	if err != nil {
		return err
	}
	c.answer.Lines = append(c.answer.Lines, now)
	return nil
}

func presenceWords(presence string) string {
	switch presence {
	case event.PresenceOff:
		return "offline, whatever its operators do. $online takes that back."
	case event.PresenceManual:
		return "somebody is there within its hours, even if no operator shows as online. $manual-mode takes that back."
	}
	return "somebody is there within its hours while one of its operators is."
}

// now says what visitors of the widget are told at this moment.
func (c *call) now(w *event.Widget) (string, error) {
	operators, err := c.Team.Availability(c.ctx, w.GroupID)
	if err != nil {
		return "", err
	}
	return "Visitors are told: " + widget.Available(w, operators, c.Widgets.DB.Now()) + ".", nil
}

func runStatus(c *call) error {
	w, err := c.widget()
	if err != nil {
		return err
	}
	c.say("%s: %s", w.Name, presenceWords(w.Presence))
	now, err := c.now(w)
	if err != nil {
		return err
	}
	c.answer.Lines = append(c.answer.Lines, now, "Hours: "+hoursWords(w.Hours, c.Widgets.DB.Now()))
	c.say("Offline form: %s", onOff(w.OfflineForm))
	alarm := "off"
	if w.UnansweredSeconds > 0 {
		alarm = fmt.Sprintf("when a message has waited for %s", (time.Duration(w.UnansweredSeconds) * time.Second).String())
	}
	if at := c.answer.Conversation.UnansweredAt; !at.IsZero() {
		alarm += "; this conversation's rang at " + stamp(at)
	}
	c.say("Alarm: %s", alarm)
	// Everybody may know which webhooks there are, as everybody may send to them; their addresses are the admins'.
	hooks, err := c.Webhooks.Hooks(c.ctx, team.System(), w.ID)
	if err != nil {
		return err
	}
	var set []string
	for _, h := range hooks.List {
		if h.URL == "" {
			continue
		}
		if h.State != "" && h.State != webhook.Active {
			set = append(set, h.Title+" ("+h.State+")")
		} else {
			set = append(set, h.Title)
		}
	}
	if len(set) == 0 {
		c.say("Webhooks: none")
	} else {
		c.say("Webhooks: %s", strings.Join(set, ", "))
		c.say("Transcript by itself: %s", transcriptWords(w.TranscriptHook))
		c.say("Operators in webhooks: %s", nameWords(hooks.RealNames))
	}
	return c.online(w)
}

// online lists the operators of the widget who show as online or away.
func (c *call) online(w *event.Widget) error {
	all, err := c.Team.List(c.ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, o := range all {
		if !o.Active || o.Status == event.Offline || w.GroupID != 0 && !member(o, w) {
			continue
		}
		name := o.Name()
		if o.Status == event.Away {
			name += " (away)"
		}
		names = append(names, name)
	}
	switch {
	case len(names) == 0:
		c.say("Online: nobody")
	case len(names) > maxOnline:
		c.say("Online: %s and %d more", strings.Join(names[:maxOnline], ", "), len(names)-maxOnline)
	default:
		c.say("Online: %s", strings.Join(names, ", "))
	}
	return nil
}

func member(o *event.Operator, w *event.Widget) bool {
	for _, g := range o.Groups {
		if g.ID == w.GroupID {
			return true
		}
	}
	return false
}

func hoursWords(h *event.Hours, now time.Time) string {
	if h == nil {
		return "always"
	}
	open, next := widget.OpenAt(h, now)
	switch {
	case open:
		return "open now (" + h.Timezone + ")"
	case next.IsZero():
		return "closed for the next two weeks (" + h.Timezone + ")"
	}
	if zone, err := time.LoadLocation(h.Timezone); err == nil {
		next = next.In(zone)
	}
	return "closed, open again on " + next.Format("2006-01-02 15:04") + " (" + h.Timezone + ")"
}

func transcriptWords(when string) string {
	switch when {
	case event.TranscriptOnEnd:
		return "when a conversation ends"
	case event.TranscriptOnReview:
		return "when the contact has rated, ten minutes after the end at the latest"
	}
	return "never, $send-to-webhook sends it"
}

func nameWords(real bool) string {
	if real {
		return "full names"
	}
	return "first name and initial"
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func runOperatorName(c *call) error {
	var to *bool
	switch strings.ToLower(c.rest) {
	case "":
	case "on":
		to = new(true)
	case "off":
		to = new(false)
	default:
		return c.usage()
	}
	w, err := c.widget()
	if err != nil {
		return err
	}
	now, err := c.Webhooks.SetRealNames(c.ctx, c.by, c.key, w.ID, to)
	if err != nil {
		return err
	}
	c.say("The webhooks of %s tell operators by: %s.", w.Name, nameWords(now))
	return nil
}
