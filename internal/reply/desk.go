package reply

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"

	"parley/internal/db"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/once"
	"parley/internal/team"
)

// Options are what a Desk needs.
type Options struct {
	DB    *db.DB
	Inbox *inbox.Desk
}

// Desk has the use cases of saved replies and question groups. Everybody who reads conversations reads them, admins write them. Safe
// for concurrent use.
type Desk struct{ Options }

// New makes a Desk.
func New(o Options) *Desk { return &Desk{o} }

// List returns the texts of a kind, or of both for "". With words in q it returns those that hold all of them in shortcut, title, text
// or options, whatever the case: what begins like a shortcut first, then what a shortcut or title holds. Else they come by shortcut.
// Fault: field.invalid for another kind.
func (d *Desk) List(ctx context.Context, kind, q string) (out []*Reply, err error) {
	if kind != "" {
		if f := checkKind(kind); f != nil {
			return nil, f
		}
	}
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		out, err = list(tx, kind)
		return err
	})
	if err != nil {
		return nil, err
	}
	return matching(out, q), nil
}

// matching keeps what holds all words of q, and puts the best first.
func matching(all []*Reply, q string) []*Reply {
	words := strings.Fields(strings.ToLower(q))
	if len(words) == 0 {
		return all
	}
	type found struct {
		*Reply
		rank int
	}
	var list []found
	for _, r := range all {
		name := r.Shortcut + "\n" + strings.ToLower(r.Title)
		body := strings.ToLower(r.Body + "\n" + strings.Join(r.Options, "\n"))
		rank := 1
		if r.Shortcut == words[0] {
			rank = -1
		} else if strings.HasPrefix(r.Shortcut, words[0]) {
			rank = 0
		}
		for _, w := range words {
			if strings.Contains(name, w) {
				continue
			}
			rank = 2
			if !strings.Contains(body, w) {
				rank = 3
				break
			}
		}
		if rank < 3 {
			list = append(list, found{r, rank})
		}
	}
	slices.SortStableFunc(list, func(a, b found) int { return cmp.Compare(a.rank, b.rank) })
	out := make([]*Reply, len(list))
	for i, f := range list {
		out[i] = f.Reply
	}
	return out
}

// Get returns one text. Fault: reply.not_found.
func (d *Desk) Get(ctx context.Context, reply id.Reply) (r *Reply, err error) {
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err = get(tx, reply)
		return err
	})
	return r, err
}

// ByShortcut returns the text of a kind that has the shortcut, in whatever case it was typed. Faults: reply.not_found, field.invalid.
func (d *Desk) ByShortcut(ctx context.Context, kind, shortcut string) (r *Reply, err error) {
	if f := checkKind(kind); f != nil {
		return nil, f
	}
	shortcut = normalShortcut(shortcut)
	if isShortcut(shortcut) {
		err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
			r, err = byShortcut(tx, kind, shortcut)
			return err
		})
	}
	if err == nil && r == nil {
		return nil, fault.Newf(fault.ReplyNotFound, "no %s has the shortcut %.40q", kind, shortcut).At("shortcut")
	}
	return r, err
}

// Create saves a text. Faults: those of its fields, reply.shortcut_taken, and field.invalid at kind where there are MaxOfKind.
func (d *Desk) Create(ctx context.Context, by team.Actor, key once.Key, draft Draft) (*Reply, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	draft, err := draft.check()
	if err != nil {
		return nil, err
	}
	var out *Reply
	err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		made, _, err := once.Do(tx, key, func() (id.Reply, error) {
			r := &Reply{Kind: draft.Kind, Shortcut: draft.Shortcut, Title: draft.Title, Body: draft.Body, Options: draft.Options, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
			err := insert(tx, r)
			return r.ID, err
		})
		if err != nil {
			return err
		}
		out, err = get(tx, made)
		return err
	})
	return out, err
}

// Update changes a text. Faults: reply.not_found, reply.shortcut_taken, and those of its fields.
func (d *Desk) Update(ctx context.Context, by team.Actor, key once.Key, reply id.Reply, ch Change) (*Reply, error) {
	if err := by.MayAdmin(); err != nil {
		return nil, err
	}
	var out *Reply
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		_, _, err := once.Do(tx, key, func() (bool, error) {
			r, err := lock(tx, reply)
			if err != nil {
				return false, err
			}
			draft, err := ch.over(r).check()
			if err != nil {
				return false, err
			}
			before := *r
			r.Shortcut, r.Title, r.Body, r.Options = draft.Shortcut, draft.Title, draft.Body, draft.Options
			if reflect.DeepEqual(before, *r) {
				return true, nil
			}
			r.UpdatedAt = tx.Now()
			return true, update(tx, r)
		})
		if err != nil {
			return err
		}
		out, err = get(tx, reply)
		return err
	})
	return out, err
}

// Delete deletes a text; what was sent with it stays. Fault: reply.not_found.
func (d *Desk) Delete(ctx context.Context, by team.Actor, reply id.Reply) error {
	if err := by.MayAdmin(); err != nil {
		return err
	}
	return d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		there, err := remove(tx, reply)
		if err == nil && !there {
			return missing(reply)
		}
		return err
	})
}

// For returns a text as by would send it in a conversation: with its variables filled, and with the options of a question. The text
// can be empty, or longer than a message, where variables stand for that. Faults: reply.not_found, conversation.not_found.
func (d *Desk) For(ctx context.Context, by team.Actor, reply id.Reply, conversation id.Conversation) (body string, options []string, err error) {
	r, err := d.Get(ctx, reply)
	if err != nil {
		return "", nil, err
	}
	v, err := d.Inbox.Get(ctx, conversation)
	if err != nil {
		return "", nil, err
	}
	return Fill(r, Vars{Name: v.Contact.Name, Email: v.Contact.Email, Operator: by.Name, Widget: v.Widget.Name}), r.Options, nil
}
