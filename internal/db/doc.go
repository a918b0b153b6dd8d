// Package db is the storage engine: it opens embedded SQLite or PostgreSQL, runs the migrations, and offers one way to
// write (Update) and one way to read (View). It knows the name of no concept; the statements live in the concept
// packages' *_sql.go files and are the same text for both engines.
//
// Invariants
//   - Update returns nil only after the change is durable. On SQLite that is a group commit with synchronous=FULL: one
//     writer goroutine runs the waiting functions one after the other and commits them together; when one fails after it
//     has written, the group is rolled back and runs again, each function in a savepoint. On PostgreSQL it is one transaction per call, run again when the engine reports a serialization failure
//     or a deadlock, so a function must not change anything but its transaction before it returns nil.
//   - The context that a function gets is marked (see InTx): the outbound HTTP client refuses to work under it, and a
//     nested Update panics.
//   - Every transaction has one time, Tx.Now, in UTC and whole microseconds.
//
// The statements are written with $1 placeholders. A trailing "FOR UPDATE" is taken off on SQLite, whose only writer
// needs no row locks. All exported functions are safe for concurrent use; a Tx belongs to the function that got it.
package db
