package command

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/mail"
	"parley/internal/once"
	"parley/internal/outhttp"
	"parley/internal/reply"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/webhook/dialect"
	"parley/internal/webhook/dialect/chatlio"
	"parley/internal/widget"
)

// house is an instance with the operators Ann Lee, Anna Kay and Bob Lee, the groups Support (all) and Sales Team (nobody), and
// one conversation.
type house struct {
	t       *testing.T
	desk    *Desk
	feed    *feed.Feed
	d       *db.DB
	widget  *event.Widget
	noAddon bool
	ann     team.Actor
	people  map[string]id.Operator
	groups  map[string]id.Group
	conv    id.Conversation
	contact id.Contact
	mark    id.Seq
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, newHouse(t, d)) })
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, d: d, feed: feed.New(d), people: map[string]id.Operator{}, groups: map[string]id.Group{}}
	contacts, operators := contact.New(d, h.feed), team.New(team.Options{DB: d, Feed: h.feed})
	widgets := widget.New(widget.Options{DB: d, Feed: h.feed, Sealer: sealer})
	hooks := webhook.New(webhook.Options{DB: d, Feed: h.feed, Sealer: sealer, HTTP: outhttp.New(outhttp.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
		Dialects: []dialect.Dialect{chatlio.New()}, UserAgent: "Parley/test", PublicURL: "https://chat.example"})
	box := inbox.New(inbox.Options{DB: d, Feed: h.feed, Contacts: contacts, Widgets: widgets, Hooked: hooks.HasHook,
		TakesRequested: func(*db.Tx, *event.Conversation) (bool, error) { return !h.noAddon, nil }})
	mails := mail.New(mail.Options{DB: d, Feed: h.feed, Inbox: box, Sealer: sealer, Key: make([]byte, 32), HTTP: outhttp.New(outhttp.Options{}),
		PublicURL: "https://chat.example", UserAgent: "Parley/test"})
	h.feed.Plan(mails.Plan)
	h.desk = New(Options{Inbox: box, Contacts: contacts, Team: operators, Mails: mails, Widgets: widgets, Webhooks: hooks,
		Replies: reply.New(reply.Options{DB: d, Inbox: box})})
	for _, name := range []string{"Ann Lee", "Anna Kay", "Bob Lee", "Gone Girl"} {
		first, last, _ := strings.Cut(name, " ")
		c, err := operators.Create(t.Context(), team.System(), team.NewOperator{Email: strings.ToLower(first) + "@example.com", FirstName: first, LastName: last, Slots: 3}, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		h.people[first] = c.Operator.ID
		if first == "Ann" {
			h.ann = team.ActorOf(c.Operator)
		}
	}
	if _, err := operators.Update(t.Context(), team.System(), h.people["Gone"], team.OperatorChange{Active: new(false)}); err != nil {
		t.Fatal(err)
	}
	for name, members := range map[string][]id.Operator{"Support": {h.people["Ann"], h.people["Bob"]}, "Sales Team": nil} {
		g, err := operators.CreateGroup(t.Context(), team.System(), name, members, once.Key{})
		if err != nil {
			t.Fatal(err)
		}
		h.groups[name] = g.ID
	}
	support := h.groups["Support"]
	if h.widget, err = widgets.Create(t.Context(), team.System(), once.Key{}, widget.Change{Name: new("Shop"), GroupID: &support}); err != nil {
		t.Fatal(err)
	}
	h.conv = h.write(0)
	h.events()
	return h
}

// write posts a message of the contact, or of a new one, into a conversation of its own.
func (h *house) write(c id.Contact) id.Conversation {
	h.t.Helper()
	out, err := h.desk.Inbox.PostFromContact(h.t.Context(), inbox.ContactPost{WidgetKey: h.widget.Key, Contact: c, ClientID: secret.UUID(), Body: "Hello",
		Visit: inbox.Visit{URL: "https://shop.example/cart", Title: "Cart", Referrer: "https://search.example/", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
			IP: "203.0.113.7", Visits: 2, PageImpressions: 3}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.contact = out.Contact.ID
	return out.Conversation.ID
}

func (h *house) events() (out []event.Type) {
	h.t.Helper()
	for h.d.Engine() == db.Postgres {
		if n, err := h.feed.NumberOnce(h.t.Context()); err != nil {
			h.t.Fatal(err)
		} else if n == 0 {
			break
		}
	}
	list, latest, err := h.feed.ReadAfter(h.t.Context(), h.mark, 1000, feed.Filter{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.mark = latest
	for _, e := range list {
		out = append(out, e.Type)
	}
	return out
}

// run types a line that must succeed, and fails the test unless it answers with these lines and appends these events.
func (h *house) run(line, lines string, events ...event.Type) *Answer {
	h.t.Helper()
	a, err := h.desk.Run(h.t.Context(), h.ann, once.Key{}, h.conv, line)
	if err != nil {
		h.t.Fatalf("%s: %v", line, err)
	}
	if got := strings.Join(a.Lines, "\n"); !strings.Contains(got, lines) {
		h.t.Errorf("%s answers %q, want %q", line, got, lines)
	}
	if got := h.events(); !slices.Equal(got, events) {
		h.t.Errorf("%s: events %v, want %v", line, got, events)
	}
	if a.Conversation == nil || a.Conversation.ID != h.conv {
		h.t.Errorf("%s answers without the conversation", line)
	}
	return a
}

// refused types a line that must fail and leave nothing.
func (h *house) refused(line string, code fault.Code, part string) {
	h.t.Helper()
	_, err := h.desk.Run(h.t.Context(), h.ann, once.Key{}, h.conv, line)
	f := fault.As(err)
	if err == nil || f.Code != code || !strings.Contains(f.Detail, part) {
		h.t.Errorf("%s: %v, want %s with %q", line, err, code, part)
	}
	if (code == fault.CommandArgument || code == fault.CommandUnknown) && f.Field != "line" {
		h.t.Errorf("%s: the field is %q", line, f.Field)
	}
	if got := h.events(); len(got) > 0 {
		h.t.Errorf("%s was refused and told %v", line, got)
	}
}

func TestS116_S120_APIIsTypedAndTakenBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		before := h.messages()
		a := h.run("$api", "will be sent to the API when its status changes", event.ConversationUpdated)
		if !a.Conversation.Flagged || a.Command != "api" || a.Message != nil {
			t.Errorf("%+v", a)
		}
		h.run("/send-to-api", "will not be sent", event.ConversationUpdated)
		h.run("!API on", "will be sent", event.ConversationUpdated)
		h.run("$api on", "will be sent")
		h.run("$api off", "will not be sent", event.ConversationUpdated)
		h.run("$api off", "will not be sent")
		h.refused("$api maybe", fault.CommandArgument, "$api [on|off]")
		if after := h.messages(); after != before {
			t.Errorf("the thread has %d messages, had %d", after, before)
		}
	})
}

func (h *house) messages() int {
	h.t.Helper()
	v, err := h.desk.Inbox.Get(h.t.Context(), h.conv)
	if err != nil {
		h.t.Fatal(err)
	}
	return v.MessageCount
}

func TestS121_WithoutAnAddonAPIExplainsWhatIsMissing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.noAddon = true
		h.refused("$api", fault.AddonMissing, "Add-ons > API")
		h.run("$api off", "will not be sent")
	})
}

func TestALineRunsOnceForItsKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i, line := range []string{"$api", "$note once", "$tag a", "$name Jane", "$field a b", "$additional02 x", "$topic t", "$group Support", "$transcript boss@shop.example", "$end"} {
			key := once.Key{Scope: "line", Value: fmt.Sprint(i)}
			var first *Answer
			for n := range 3 {
				a, err := h.desk.Run(t.Context(), h.ann, key, h.conv, line)
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				got := h.events()
				if first == nil {
					first = a
				} else if len(got) > 0 || !slices.Equal(a.Lines, first.Lines) || (a.Message == nil) != (first.Message == nil) || a.Message != nil && a.Message.ID != first.Message.ID {
					t.Errorf("%s, time %d: %q and %v, first %q", line, n+1, a.Lines, got, first.Lines)
				}
			}
		}
	})
}

func TestForwardFindsPeopleAsTheyAreCalled(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if err := h.desk.Team.TabOpened(t.Context(), h.people["Bob"], "tab"); err != nil {
			t.Fatal(err)
		}
		h.events()
		owner := func(a *Answer) id.Operator {
			if a.Conversation.Operator == nil {
				return 0
			}
			return a.Conversation.Operator.ID
		}
		assigned, noted := event.ConversationAssigned, event.MessageNoted
		for _, row := range []struct {
			line, says string
			to         string
			events     []event.Type
		}{
			{"$forward bob", "Bob Lee has the conversation now, in the group Support.", "Bob", []event.Type{assigned}},
			{"$forward ANN LEE", "Ann Lee has", "Ann", []event.Type{assigned}},
			{"$forward anna@example.com", "Anna Kay has", "Anna", []event.Type{assigned}},
			{"$forward anna", "Anna Kay has", "Anna", nil},
			{"$forward Ann Lee please have a look", "Ann Lee has", "Ann", []event.Type{assigned, noted}},
			{`$forward "Bob Lee" "it's yours"`, "Bob Lee has", "Bob", []event.Type{assigned, noted}},
			{"$forward sales te", "Nobody of the group Sales Team is free", "", []event.Type{assigned}},
			{"$group support for you", "Bob Lee has the conversation now, in the group Support", "Bob", []event.Type{assigned, noted}},
			{"/forward Sales   Team", "Sales Team", "", []event.Type{assigned}},
		} {
			if a := h.run(row.line, row.says, row.events...); owner(a) != h.people[row.to] {
				t.Errorf("%s: operator %d has it", row.line, owner(a))
			}
		}
		thread, err := h.desk.Inbox.Messages(t.Context(), h.conv, inbox.Range{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		var notes []string
		for _, m := range thread.Messages {
			if m.Note {
				notes = append(notes, m.Body)
			}
		}
		if !slices.Equal(notes, []string{"please have a look", "it's yours", "for you"}) {
			t.Errorf("notes %q", notes)
		}
		h.refused("$forward", fault.CommandArgument, "$forward NAME [NOTE]")
		h.refused(`$forward "Ann`, fault.CommandArgument, "$forward NAME [NOTE]")
		h.refused("$forward lee", fault.CommandArgument, "“lee” can be Ann Lee (ann@example.com), Bob Lee (bob@example.com)")
		h.refused("$forward Nobody here", fault.CommandArgument, "no operator or group “Nobody here”")
		h.refused("$forward gone", fault.CommandArgument, "no operator or group")
		h.refused("$forward a", fault.CommandArgument, "no operator or group")
		h.refused("$group ann", fault.CommandArgument, "no group “ann”")
		h.run("$end", "has ended", event.SessionEnded, event.ConversationEnded)
		h.refused("$forward bob", fault.ConversationEnded, "ended")
	})
}

func TestCommandsOfTheContact(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, row := range []struct{ line, says string }{
			{`$name "Jane Doe"`, "Name: Jane Doe"},
			{"/name  Jane D. ", "Name: Jane D."},
			{"$email JANE@Customer.example", "E-mail: jane@customer.example"},
			{"!phone +49 30 1234567", "Phone: +49 30 1234567"},
			{"$additional01 C-1042", "Additional 01: C-1042"},
			{`$additional03 "two words"`, "Additional 03: two words"},
			{"$field plan gold", "plan: gold"},
			{`$field "shoe size" "42 <b>"`, "shoe size: 42 <b>"},
			{`$phone ""`, "Phone: none"},
			{`$field plan ""`, "plan: none"},
		} {
			h.run(row.line, row.says, event.ContactUpdated)
		}
		c, err := h.desk.Contacts.Get(t.Context(), h.contact)
		if err != nil {
			t.Fatal(err)
		}
		if c.Name != "Jane D." || c.Email != "jane@customer.example" || c.Phone != "" || c.Custom != `{"shoe size":"42 <b>"}` || len(c.Additional) != 3 || c.Additional[2].Value != "two words" {
			t.Errorf("%+v", c)
		}
		h.refused("$email nobody", fault.CommandArgument, "not an e-mail address")
		h.refused("$name", fault.CommandArgument, `$name "" takes it away`)
		h.refused("$name "+strings.Repeat("x", contact.MaxName+1), fault.CommandArgument, "120 characters")
		h.refused("$name a\nb", fault.CommandArgument, "control characters")
		h.refused("$field plan", fault.CommandArgument, "$field KEY VALUE")
		h.refused("$field", fault.CommandArgument, "$field KEY VALUE")
		h.refused("$field "+strings.Repeat("k", 41)+" v", fault.CommandArgument, "1 to 40 characters")
		h.refused("$field k "+strings.Repeat("v", 1001), fault.CommandArgument, "1000 characters")
		h.refused("$additional01 "+strings.Repeat("v", 201), fault.CommandArgument, "200 characters")
	})
}

func TestCommandsOfTheConversation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.run("$topic Return of a lamp", "Topic: Return of a lamp", event.ConversationUpdated)
		h.run(`$topic ""`, "Topic: none", event.ConversationUpdated)
		h.run(`$tag vip, "big order" VIP`, "Tags: big order, vip", event.ConversationUpdated)
		h.run("$untag Vip none", "Tags: big order", event.ConversationUpdated)
		h.run(`$untag "big order"`, "Tags: none", event.ConversationUpdated)
		a := h.run("$note It's $api that they want\nsecond line", "The contact does not see it", event.MessageNoted)
		if a.Message == nil || !a.Message.Note || a.Message.Body != "It's $api that they want\nsecond line" {
			t.Errorf("%+v", a.Message)
		}
		h.refused("$note", fault.CommandArgument, "$note TEXT")
		h.refused("$tag", fault.CommandArgument, "needs quotes")
		h.refused(`$tag "open`, fault.CommandArgument, "needs quotes")
		h.refused("$tag "+strings.Repeat("x", 41), fault.CommandArgument, "40 characters")
		h.refused("$topic "+strings.Repeat("x", 121), fault.CommandArgument, "120 characters")
		h.refused("$end now", fault.CommandArgument, "type it as $end")
		h.refused("$ende", fault.CommandUnknown, "did you mean $end?")
		h.run("$x", "has ended", event.SessionEnded, event.ConversationEnded)
		h.run("$end", "has ended")
		h.run("$note afterwards", "stored", event.MessageNoted)
	})
}

func TestTranscriptGoesToTheContactOrToAnAddress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		mails := func() (out []string) {
			t.Helper()
			list, _, err := h.desk.Mails.List(t.Context(), h.ann, mail.Filter{Conversation: h.conv})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				out = append(out, m.Receiver)
			}
			return out
		}
		before := h.messages()
		h.refused("$transcript", fault.CommandArgument, "")
		for _, line := range []string{"$transcript nobody", "$transcript a@b.example c@d.example", `$transcript "a@b.example`, `$transcript ""`, "$transcript a@b.example\nBcc:c@d.example"} {
			h.refused(line, fault.CommandArgument, "")
		}
		if got := mails(); len(got) > 0 {
			t.Errorf("refused lines sent mails to %q", got)
		}
		h.run("$email Jane@Customer.example", "jane@customer.example", event.ContactUpdated)
		a := h.run("/transcript", "jane@customer.example", event.MailQueued)
		if a.Command != "transcript" || a.Message != nil || h.messages() != before {
			t.Errorf("%+v, and %d messages, before %d", a, h.messages(), before)
		}
		h.refused("!transcript boss@shop.example", fault.MailLimited, "")
		if got := mails(); !slices.Equal(got, []string{"jane@customer.example"}) {
			t.Errorf("mails to %q", got)
		}
		h.conv = h.write(0)
		h.events()
		h.run(`!TRANSCRIPT "boss@shop.example"`, "boss@shop.example", event.MailQueued)
		if got := mails(); !slices.Equal(got, []string{"boss@shop.example"}) {
			t.Errorf("mails to %q", got)
		}
	})
}

func TestInfoAndHistoryAndHelpOnlyRead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.contact
		h.run("$name Jane", "Jane", event.ContactUpdated)
		h.run(`$field basket 7`, "7", event.ContactUpdated)
		h.run("$info", "Contact: Jane, number ")
		for _, line := range []string{"Browser: Chrome 140.0.0.0, Linux (desktop)", "Page: Cart, https://shop.example/cart", "Came from: https://search.example/",
			"Address: 203.0.113.7", "Visits: 2", "Pages: 3", "basket: 7"} {
			h.run("$info", line)
		}
		h.run("$history", "no other conversation")
		first := h.conv
		for range 7 {
			h.run("$end", "ended", h.endEvents()...)
			h.conv = h.write(c)
			h.events()
		}
		a := h.run("$history", "… and more")
		if len(a.Lines) != 6 || !strings.Contains(a.Lines[0], " · ended") {
			t.Errorf("%q", a.Lines)
		}
		a = h.run("$history 20", fmt.Sprint(first, " · "))
		if len(a.Lines) != 7 {
			t.Errorf("%q", a.Lines)
		}
		for _, line := range []string{"$history 0", "$history 21", "$history x"} {
			h.refused(line, fault.CommandArgument, "1 to 20")
		}
		all := h.run("$help", "$end: Ends the conversation.")
		if len(all.Lines) != len(slices.DeleteFunc(registry(), func(c Command) bool { return c.Permission == ForAdmins })) {
			t.Errorf("%d lines", len(all.Lines))
		}
		h.run("$help $x", "The same: $x, $quit, $close")
		h.refused("$help dance", fault.CommandArgument, "no command $dance")
	})
}

// Whatever is typed, right or wrong: the contact gets no message by it, and what they see holds nothing of the line. Only what an admin
// has saved is sent, and here nothing is.
func TestNothingOfALineReachesTheContact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		rapid.Check(t, func(rt *rapid.T) {
			names := []string{"forwrad", "", "x y", family, family + " email", family + " stw"}
			for _, c := range registry() {
				names = append(names, c.Name)
				names = append(names, c.Aliases...)
			}
			mark := fmt.Sprintf("s%de", rapid.IntRange(1e6, 1e9).Draw(rt, "mark"))
			argument := rapid.SampledFrom([]string{"", "on", "bob ", "Support ", "a ", `"`, `"a b" `, "3", "\n", "x@"}).Draw(rt, "argument")
			line := rapid.SampledFrom([]string{"$", "/", "!"}).Draw(rt, "prefix") + rapid.SampledFrom(names).Draw(rt, "name") + " " + argument
			if rapid.Bool().Draw(rt, "with") {
				line += mark
			}
			if _, err := h.desk.Run(t.Context(), h.ann, once.Key{}, h.conv, line); fault.Is(err, fault.InternalError) {
				rt.Fatalf("%q: %v", line, err)
			}
			thread, err := h.desk.Inbox.MessagesOf(t.Context(), h.contact, h.conv, inbox.Range{Limit: 1000})
			if err != nil {
				rt.Fatal(err)
			}
			for _, m := range thread.Messages {
				if m.Type == event.TypeMessage && m.Number != 1 || strings.Contains(fmt.Sprintf("%+v %+v", m, m.Entry), mark) {
					rt.Fatalf("after %q the contact sees %+v", line, m)
				}
			}
		})
	})
}

// endEvents are what ending the present conversation tells.
func (h *house) endEvents() []event.Type {
	return []event.Type{event.SessionUnread, event.SessionEnded, event.ConversationEnded}
}

func TestWhoMayNotIsRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, line := range []string{"$api", "$help", "$info"} {
			if _, err := h.desk.Run(t.Context(), team.Actor{Token: 2, Scope: team.ScopeRead}, once.Key{}, h.conv, line); !fault.Is(err, fault.AuthScope) {
				t.Errorf("%s: %v", line, err)
			}
			if _, err := h.desk.Run(t.Context(), h.ann, once.Key{}, 4711, line); !fault.Is(err, fault.ConversationNotFound) {
				t.Errorf("%s: %v", line, err)
			}
		}
	})
}
