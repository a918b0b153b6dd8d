// Package realtime pushes the feed to browsers: a hub over WebSockets with resume by seq, presence of tabs, typing and
// "who has this open", and the wake-ups between nodes.
//
// Invariants
//   - A connection gets the events after its "after", in order of seq, each once and none left out, or "resync" and the end.
//     Joining registers the connection at the hub's cursor first and holds what is pushed live; then what lies between
//     "after" and that cursor is read from the feed and sent; then the held frames follow.
//   - Only committed, numbered events are sent: the one follower reads them from the feed, never from a command.
//   - A contact's connection gets frames about that contact's conversations only, and never a note.
//   - A slow connection is cut off with "resync" when its queue is full; it never slows the others.
//   - Typing, viewing and wake-ups may be lost, events may not.
//
// One goroutine per connection reads; a writer is started when there is something to write and ends when there is not; one
// heartbeat loop serves all connections. Everything ends with the context of Run. It imports event and feed.
package realtime
