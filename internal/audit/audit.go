// Package audit keeps what somebody responsible may have to know later: that a sign-in was locked, that a contact's data was deleted.
//
// Entries are only ever added. They name people by their numbers ("contact:11") and hold nothing that a contact could ask to be deleted,
// but for addresses of the network that attacked. A Log is safe for concurrent use. It imports db and team.
package audit

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/team"
)

// What is noted.
const (
	ReauthLocked  = "reauth.locked"  // too many wrong links and codes from one address (S-040)
	ContactErased = "contact.erased" // a contact's data was deleted at their wish
)

// How many entries a list has.
const (
	DefaultList = 50
	MaxList     = 200
)

// Entry is one thing that happened.
type Entry struct {
	ID     int64
	At     time.Time
	Action string
	// By and Subject are words with ids: "operator:3", "contact:11", "widget:7", "address:203.0.113.7", "system".
	By, Subject string
	// Detail says more, in words.
	Detail string
}

// Log is the list of what happened.
type Log struct{ db *db.DB }

// New makes a Log.
func New(d *db.DB) *Log { return &Log{d} }

// Add puts an entry into the log as part of tx. Its ID and At are set here.
func Add(tx *db.Tx, e Entry) error {
	e.At = tx.Now()
	if err := insert(tx, e); err != nil {
		return fmt.Errorf("note %s of %s: %w", e.Action, e.Subject, err)
	}
	return nil
}

// Note is Add in a transaction of its own.
func (l *Log) Note(ctx context.Context, e Entry) error {
	return l.db.Update(ctx, func(_ context.Context, tx *db.Tx) error { return Add(tx, e) })
}

// List returns entries, newest first: those with an id below before (0 means all), at most limit (1 to MaxList, 0 means DefaultList), and
// whether there are more. Only admins may look.
func (l *Log) List(ctx context.Context, by team.Actor, before int64, limit int) (entries []Entry, more bool, err error) {
	if err := by.MayAdmin(); err != nil {
		return nil, false, err
	}
	if limit <= 0 {
		limit = DefaultList
	}
	limit = min(limit, MaxList)
	err = l.db.View(ctx, func(_ context.Context, tx *db.Tx) error {
		entries, err = list(tx, before, limit+1)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list the audit log: %w", err)
	}
	if more = len(entries) > limit; more {
		entries = entries[:limit]
	}
	return entries, more, nil
}
