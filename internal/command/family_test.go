package command

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/reply"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/widget"
)

// save saves a text and returns nothing.
func (h *house) save(kind, shortcut, title, body string, options ...string) {
	h.t.Helper()
	if _, err := h.desk.Replies.Create(h.t.Context(), team.System(), once.Key{}, reply.Draft{Kind: kind, Shortcut: shortcut, Title: title, Body: body, Options: options}); err != nil {
		h.t.Fatal(err)
	}
}

// setHooks gives the widget's webhooks addresses.
func (h *house) setHooks(names ...string) {
	h.t.Helper()
	urls := map[string]string{}
	for _, name := range names {
		urls[name] = "http://127.0.0.1:9/" + name
	}
	if _, _, err := h.desk.Webhooks.SetHooks(h.t.Context(), team.System(), once.Key{}, h.widget.ID, webhook.HooksDraft{URLs: urls}); err != nil {
		h.t.Fatal(err)
	}
}

func TestSavedRepliesAreListedAndSent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.run("$replies", "There is no saved reply yet.")
		h.run("$question-groups", "There is no question group yet.")
		h.save(reply.KindReply, "hello", "Greeting", "Hi {name},\nI am {operator} of {widget}.")
		h.save(reply.KindReply, "bye", "", "Bye")
		h.save(reply.KindReply, "empty", "", "{name}")
		h.save(reply.KindQuestion, "size", "", "Which size, {name}?", "S", "M")
		h.run("$replies", "$reply bye · “Bye”\n$reply empty · “{name}”\n$reply hello · Greeting · “Hi {name}, I am {operator} of {widget}.”")
		h.run("/replies greet", "$reply hello")
		h.run("/replies nothing", "No saved reply holds “nothing”.")
		h.run("!question-groups", "$question-group size · “Which size, {name}?” · S / M")

		h.refused("$reply", fault.CommandArgument, "$replies lists them")
		h.refused("$reply size", fault.CommandArgument, `no reply has the shortcut "size"`)
		h.refused("$qg hello", fault.CommandArgument, `no question has the shortcut "hello"`)
		h.refused("$reply empty", fault.CommandArgument, "no text")
		a := h.run("$r HELLO", "Sent: “Hi, I am Ann Lee of Shop.”", event.ConversationAssigned, event.ConversationStatusChanged, event.MessageSent)
		if a.Message == nil || a.Message.Note || a.Message.Body != "Hi,\nI am Ann Lee of Shop." || a.Message.Sender.Type != event.ByOperator || len(a.Message.Choices) != 0 {
			t.Errorf("%+v", a.Message)
		}
		h.run("$name Jane", "Jane", event.ContactUpdated)
		a = h.run(`/chatlio question-group "size"`, "Sent: “Which size, Jane?”", event.MessageSent)
		if a.Message == nil || a.Message.Body != "Which size, Jane?" || !slices.Equal(a.Message.Choices, []string{"S", "M"}) {
			t.Errorf("%+v", a.Message)
		}
		// A repeat sends nothing.
		key := once.Key{Scope: "line", Value: "once"}
		for range 2 {
			if _, err := h.desk.Run(t.Context(), h.ann, key, h.conv, "$reply bye"); err != nil {
				t.Fatal(err)
			}
		}
		if got := h.events(); !slices.Equal(got, []event.Type{event.MessageSent}) {
			t.Errorf("%v", got)
		}
		for i := range maxListed {
			h.save(reply.KindReply, fmt.Sprintf("zz%02d", i), "", strings.Repeat("long ", 300))
		}
		a = h.run("$replies", "… and 3 more saved replies; words narrow the list, as in $replies return")
		if len(a.Lines) != maxListed+1 || len(a.Lines[maxListed-1]) > 300 {
			t.Errorf("%d lines, %q", len(a.Lines), a.Lines[maxListed-1])
		}
		h.run("$end", "ended", event.SessionEnded, event.ConversationEnded)
		h.refused("$reply bye", fault.ConversationEnded, "ended")
	})
}

func TestS154_WordsOfTheCommandAreTheExtraData(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.refused("/chatlio send-to-webhook extra", fault.HookMissing, "")
		h.setHooks(inbox.HookTranscript)
		h.run("/chatlio send-to-webhook extra stuff here", "with the extra data: extra, stuff, here.", event.TranscriptRequested)
		h.run("$stw", "goes to the webhook.", event.TranscriptRequested)
		h.run(`$send-to-webhook "two words" a,b`, "two words, a,b", event.TranscriptRequested)
		h.refused(`$stw "open`, fault.CommandArgument, "need quotes")
		h.refused("$stw "+strings.Repeat("x", 20000-5), fault.CommandArgument, "")
	})
}

func TestDiscardEndsWithoutATranscript(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.setHooks(inbox.HookTranscript)
		if _, err := h.desk.Widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, widget.Change{TranscriptHook: new(event.TranscriptOnEnd)}); err != nil {
			t.Fatal(err)
		}
		h.events()
		h.refused("$discard now", fault.CommandArgument, "type it as $discard")
		a := h.run("$discard", "No transcript goes out", h.endEvents()...)
		if a.Conversation.Status != event.StatusEnded {
			t.Errorf("it is %s", a.Conversation.Status)
		}
		h.run("/chatlio discard", "unless it went before") // it may have: the conversation had ended
		h.conv = h.write(0)
		h.events()
		h.run("$end", "has ended", append(h.endEvents(), event.TranscriptRequested)...)
	})
}

func TestPresenceOfTheWidget(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		presence := func(want string) {
			t.Helper()
			if w, err := h.desk.Widgets.Get(t.Context(), h.widget.ID); err != nil || w.Presence != want {
				t.Errorf("it is %q, want %q, %v", w.Presence, want, err)
			}
		}
		h.run("$auto", "Shop: somebody is there within its hours while one of its operators is.\nVisitors are told: offline.")
		h.run("/chatlio manual-mode", "even if no operator shows as online", event.WidgetUpdated)
		presence(event.PresenceManual)
		h.run("$manual-mode", "Visitors are told: offline.", event.WidgetUpdated)
		presence(event.PresenceAuto)
		// A line that is sent again does not turn it round again.
		for range 3 {
			if a, err := h.desk.Run(t.Context(), h.ann, once.Key{Scope: "line", Value: "manual"}, h.conv, "$manual-mode"); err != nil || !strings.Contains(a.Lines[1], "online") {
				t.Errorf("%+v, %v", a, err)
			}
		}
		presence(event.PresenceManual)
		h.events()
		if err := h.desk.Team.TabOpened(t.Context(), h.people["Bob"], "tab"); err != nil {
			t.Fatal(err)
		}
		h.events()
		h.run("!off", "Visitors are told: offline.", event.WidgetUpdated)
		presence(event.PresenceOff)
		h.run("$offline", "offline, whatever its operators do")
		h.run("$on", "Visitors are told: online.", event.WidgetUpdated)
		presence(event.PresenceAuto)
		h.refused("$online please", fault.CommandArgument, "type it as $online")
		h.run("$end", "ended", h.endEvents()...)
		h.run("$offline", "offline", event.WidgetUpdated)
	})
}

func TestStatusTellsAndChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, line := range []string{"Shop: somebody is there within its hours", "Visitors are told: offline.", "Hours: always", "Offline form: off", "Webhooks: none", "Online: nobody"} {
			h.run("$status", line)
		}
		hours := &event.Hours{Timezone: "Europe/Berlin", Openings: []event.Opening{{Day: 1, From: 0, To: 1440}}, Holidays: nil}
		change := widget.Change{Hours: hours, OfflineForm: new(true), UnansweredSeconds: new(90), TranscriptHook: new(event.TranscriptOnReview)}
		if _, err := h.desk.Widgets.Update(t.Context(), team.System(), once.Key{}, h.widget.ID, change); err != nil {
			t.Fatal(err)
		}
		h.setHooks("new_conversation", "feedback")
		for _, name := range []string{"Bob", "Anna"} {
			if err := h.desk.Team.TabOpened(t.Context(), h.people[name], "tab"); err != nil {
				t.Fatal(err)
			}
		}
		h.events()
		a := h.run("/chatlio st", "Offline form: on\nAlarm: when a message has waited for 1m30s\nWebhooks: New conversation, Visitor feedback\n"+
			"Transcript by itself: when the contact has rated, ten minutes after the end at the latest\nOperators in webhooks: first name and initial\nOnline: Bob Lee")
		if text := strings.Join(a.Lines, "\n"); strings.Contains(text, "127.0.0.1") || strings.Contains(text, "Anna") {
			t.Errorf("it tells an address, or somebody of another group: %s", text)
		}
	})
}

func TestHoursInWords(t *testing.T) {
	h := &event.Hours{Timezone: "Europe/Berlin", Openings: []event.Opening{{Day: 1, From: 540, To: 1020}}}
	for at, want := range map[string]string{
		"2026-11-23T09:00:00Z": "open now (Europe/Berlin)",
		"2026-11-22T09:00:00Z": "closed, open again on 2026-11-23 09:00 (Europe/Berlin)",
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := hoursWords(h, now); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
	if got := hoursWords(&event.Hours{Timezone: "UTC"}, time.Now()); got != "closed for the next two weeks (UTC)" {
		t.Error(got)
	}
	if got := hoursWords(nil, time.Now()); got != "always" {
		t.Error(got)
	}
}

func TestS165_OperatorNameIsForAdmins(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.refused("$operator-name", fault.AuthDenied, "")
		if a := h.run("$help", "$end"); strings.Contains(strings.Join(a.Lines, "\n"), "operator-name") {
			t.Error("the help tells operators what they may not do")
		}
		h.refused("$help operator-name", fault.CommandArgument, "no command $operator-name")
		h.ann.Scope = team.ScopeAdmin
		h.run("$help operator-name", "$operator-name [on|off]")
		h.refused("$operator-name", fault.HookMissing, "")
		h.setHooks("transcript", "feedback")
		h.run("/chatlio operator-name", "The webhooks of Shop tell operators by: full names.")
		h.run("$status", "Operators in webhooks: full names")
		h.run("$operator-name on", "full names")
		h.run("$operator-name", "first name and initial")
		h.run("$operator-name ON", "full names")
		h.run("$operator-name off", "first name and initial")
		h.refused("$operator-name maybe", fault.CommandArgument, "$operator-name [on|off]")
	})
}
