package inbox

import (
	"fmt"
	"sync/atomic"
	"testing"

	"parley/internal/contact"
	"parley/internal/db/dbtest"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/once"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/widget"
)

// What one further message of a contact costs, stored durably, with 64 at a time over 500 conversations.
func BenchmarkPostFromContact(b *testing.B) {
	d := dbtest.New(b)
	f := feed.New(d)
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	widgets := widget.New(widget.Options{DB: d, Feed: f, Sealer: sealer})
	desk := New(Options{DB: d, Feed: f, Contacts: contact.New(d, f), Widgets: widgets})
	w, err := widgets.Create(b.Context(), team.System(), once.Key{}, widget.Change{Name: new("Bench")})
	if err != nil {
		b.Fatal(err)
	}
	type visitor struct {
		contact      id.Contact
		conversation id.Conversation
	}
	visitors := make([]visitor, 500)
	for i := range visitors {
		out, err := desk.PostFromContact(b.Context(), ContactPost{WidgetKey: w.Key, ClientID: secret.UUID(), Body: "hello"})
		if err != nil {
			b.Fatal(err)
		}
		visitors[i] = visitor{out.Contact.ID, out.Conversation.ID}
	}
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i := n.Add(1)
			v := visitors[i%500]
			if _, err := desk.PostFromContact(b.Context(), ContactPost{WidgetKey: w.Key, Contact: v.contact, Conversation: v.conversation, ClientID: fmt.Sprint("m", i), Body: "hello again"}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
