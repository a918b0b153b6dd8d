package reply

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"parley/internal/contact"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

var (
	admin    = team.Actor{Operator: 1, Name: "Ann", Scope: team.ScopeAdmin}
	operator = team.Actor{Operator: 2, Name: "Bob", Scope: team.ScopeWrite}
)

func shortcuts(list []*Reply) string {
	var out []string
	for _, r := range list {
		out = append(out, r.Kind[:1]+":"+r.Shortcut)
	}
	return strings.Join(out, " ")
}

func TestSavedTextsAreKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		desk, ctx := New(Options{DB: d}), t.Context()
		must := func(r *Reply, err error) *Reply {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		refused := func(code fault.Code, field string, err error) {
			t.Helper()
			if f := fault.As(err); err == nil || f.Code != code || f.Field != field {
				t.Errorf("%v, want %s at %q", err, code, field)
			}
		}
		hi := must(desk.Create(ctx, admin, once.Key{}, Draft{Kind: KindReply, Shortcut: "Hi", Title: "Greeting", Body: "Hi {name},\nhow are you?"}))
		size := must(desk.Create(ctx, admin, once.Key{}, Draft{Kind: KindQuestion, Shortcut: "hi", Title: "Size", Body: "Which size?", Options: []string{"S", "M \"big\" <b>"}}))
		if got := must(desk.Get(ctx, size.ID)); got.Kind != KindQuestion || got.Shortcut != "hi" || got.Title != "Size" || got.Body != "Which size?" || len(got.Options) != 2 ||
			got.Options[1] != "M \"big\" <b>" || got.CreatedAt.IsZero() || !got.UpdatedAt.Equal(got.CreatedAt) {
			t.Errorf("%+v", got)
		}
		if got := must(desk.ByShortcut(ctx, KindReply, " HI ")); got.ID != hi.ID || len(got.Options) != 0 || got.Options == nil {
			t.Errorf("%+v", got)
		}
		_, err := desk.ByShortcut(ctx, KindReply, "ho")
		refused(fault.ReplyNotFound, "shortcut", err)
		_, err = desk.ByShortcut(ctx, KindReply, "\xff")
		refused(fault.ReplyNotFound, "shortcut", err)
		_, err = desk.ByShortcut(ctx, "macro", "hi")
		refused(fault.FieldInvalid, "kind", err)
		_, err = desk.Create(ctx, admin, once.Key{}, Draft{Kind: KindReply, Shortcut: "HI", Body: "x"})
		refused(fault.ReplyShortcut, "shortcut", err)

		// The same key saves once.
		key := once.Key{Scope: "a", Value: "b", Request: "c"}
		first := must(desk.Create(ctx, admin, key, Draft{Kind: KindReply, Shortcut: "bye", Body: "Bye"}))
		if again := must(desk.Create(ctx, admin, key, Draft{Kind: KindReply, Shortcut: "bye", Body: "Bye"})); again.ID != first.ID {
			t.Errorf("%d and %d", first.ID, again.ID)
		}

		for q, want := range map[string]string{"/": "r:bye r:hi q:hi", "reply/": "r:bye r:hi", "question/": "q:hi", "/size": "q:hi", "reply/how ARE": "r:hi"} {
			kind, words, _ := strings.Cut(q, "/")
			list, err := desk.List(ctx, kind, words)
			if err != nil || shortcuts(list) != want {
				t.Errorf("%s: %s, %v", q, shortcuts(list), err)
			}
		}
		_, err = desk.List(ctx, "macro", "")
		refused(fault.FieldInvalid, "kind", err)

		// Changes.
		changed := must(desk.Update(ctx, admin, once.Key{}, hi.ID, Change{Shortcut: new("Hey"), Title: new(" Hello ")}))
		if changed.Shortcut != "hey" || changed.Title != "Hello" || changed.Body != hi.Body || changed.UpdatedAt.Before(hi.UpdatedAt) || !changed.CreatedAt.Equal(hi.CreatedAt) {
			t.Errorf("%+v", changed)
		}
		if same := must(desk.Update(ctx, admin, once.Key{}, hi.ID, Change{Title: new("Hello")})); !same.UpdatedAt.Equal(changed.UpdatedAt) {
			t.Errorf("%+v", same)
		}
		if more := must(desk.Update(ctx, admin, once.Key{}, size.ID, Change{Options: &[]string{"L"}})); len(more.Options) != 1 || more.Options[0] != "L" {
			t.Errorf("%+v", more)
		}
		_, err = desk.Update(ctx, admin, once.Key{}, hi.ID, Change{Options: &[]string{"L"}})
		refused(fault.FieldInvalid, "options", err)
		_, err = desk.Update(ctx, admin, once.Key{}, hi.ID, Change{Shortcut: new("bye")})
		refused(fault.ReplyShortcut, "shortcut", err)
		_, err = desk.Update(ctx, admin, once.Key{}, hi.ID, Change{Body: new("{nobody}")})
		refused(fault.FieldInvalid, "body", err)
		_, err = desk.Update(ctx, admin, once.Key{}, 4711, Change{})
		refused(fault.ReplyNotFound, "", err)

		// Operators read.
		_, err = desk.Create(ctx, operator, once.Key{}, Draft{Kind: KindReply, Shortcut: "mine", Body: "x"})
		refused(fault.AuthDenied, "", err)
		_, err = desk.Update(ctx, operator, once.Key{}, hi.ID, Change{})
		refused(fault.AuthDenied, "", err)
		refused(fault.AuthDenied, "", desk.Delete(ctx, operator, hi.ID))

		if err := desk.Delete(ctx, admin, hi.ID); err != nil {
			t.Fatal(err)
		}
		refused(fault.ReplyNotFound, "", desk.Delete(ctx, admin, hi.ID))
		_, err = desk.Get(ctx, hi.ID)
		refused(fault.ReplyNotFound, "", err)
		must(desk.Create(ctx, admin, once.Key{}, Draft{Kind: KindReply, Shortcut: "hey", Body: "free again"}))
	})
}

// Two who save the last one at the same time do not both find room, and a full kind leaves the other one alone.
func TestThereAreAtMost500OfAKind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		desk := New(Options{DB: d})
		draft := func(i int) Draft { return Draft{Kind: KindReply, Shortcut: fmt.Sprint(i), Body: "x"} }
		for i := range MaxOfKind - 1 {
			if _, err := desk.Create(t.Context(), admin, once.Key{}, draft(i)); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				if _, err := desk.Create(t.Context(), admin, once.Key{}, draft(MaxOfKind+i)); err != nil && fault.As(err).Field != "kind" {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if list, err := desk.List(t.Context(), KindReply, ""); err != nil || len(list) != MaxOfKind {
			t.Errorf("%d, %v", len(list), err)
		}
		if _, err := desk.Create(t.Context(), admin, once.Key{}, Draft{Kind: KindQuestion, Shortcut: "0", Body: "?", Options: []string{"yes"}}); err != nil {
			t.Error(err)
		}
	})
}

func TestATextIsFilledForItsConversation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		sealer, err := secret.NewSealer(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		f := feed.New(d)
		contacts, widgets := contact.New(d, f), widget.New(widget.Options{DB: d, Feed: f, Sealer: sealer})
		box := inbox.New(inbox.Options{DB: d, Feed: f, Contacts: contacts, Widgets: widgets})
		w, err := widgets.Create(t.Context(), team.System(), once.Key{}, widget.Change{Name: new("Shop")})
		if err != nil {
			t.Fatal(err)
		}
		posted, err := box.PostFromContact(t.Context(), inbox.ContactPost{WidgetKey: w.Key, ClientID: secret.UUID(), Body: "Hello"})
		if err != nil {
			t.Fatal(err)
		}
		desk := New(Options{DB: d, Inbox: box})
		r, err := desk.Create(t.Context(), admin, once.Key{}, Draft{Kind: KindQuestion, Shortcut: "a", Body: "Hi {name}, {operator} of {widget} here: {email}", Options: []string{"{name}"}})
		if err != nil {
			t.Fatal(err)
		}
		check := func(want string) {
			t.Helper()
			body, options, err := desk.For(t.Context(), operator, r.ID, posted.Conversation.ID)
			if err != nil || body != want || len(options) != 1 || options[0] != "{name}" {
				t.Errorf("%q %q %v", body, options, err)
			}
		}
		check("Hi, Bob of Shop here: ")
		if _, err := contacts.Update(t.Context(), operator, once.Key{}, posted.Contact.ID, contact.Change{Name: new("Jane"), Email: new("jane@x.example")}); err != nil {
			t.Fatal(err)
		}
		check("Hi Jane, Bob of Shop here: jane@x.example")
		if _, _, err := desk.For(t.Context(), operator, 4711, posted.Conversation.ID); !fault.Is(err, fault.ReplyNotFound) {
			t.Error(err)
		}
		if _, _, err := desk.For(t.Context(), operator, r.ID, 4711); !fault.Is(err, fault.ConversationNotFound) {
			t.Error(err)
		}
	})
}
