// Package feed is the numbered event feed: Append stores events inside the domain's transaction and calls the planners
// that queue deliveries; readers follow it by seq.
//
// Invariants
//   - seq is strictly increasing in commit order, without a gap, and a reader at seq n will never see a number ≤ n appear
//     later. On SQLite the one writer numbers inside the commit. On PostgreSQL Number runs right after the commit, under
//     the row lock of feed_counter, in batches; until then an event has no seq and no reader sees it.
//   - Within a conversation the row lock taken by the domain orders event ids, and numbering goes by id, so a
//     conversation's events are numbered in the order in which they happened.
//   - A wake-up may be lost, an event may not: every follower also looks by itself from time to time.
//
// It imports db and event. It knows neither who listens nor what a webhook is.
package feed
