// Package team holds the people on our side: operators, their groups, roles, sign-in, API tokens, presence, and the Actor
// that every use case is told about.
//
// Invariants
//   - There is always at least one active admin once there was one.
//   - An operator's status is a function of its availability and its tabs (see Status). It is stored so that others can
//     join it; the use cases keep it true when a tab opens or the availability changes, Sweep when tabs run out.
//     Every change of it is one event operator.status_changed, in the same transaction.
//   - Secrets are stored as hashes only: argon2id for passwords, SHA-256 for random tokens. What is shown once and must be
//     repeated for an idempotency key is stored sealed.
//   - Deactivation, sign-out and revocation hold at once on the node that did them and within CacheFor on the others.
//
// A Desk is safe for concurrent use. Run is its only goroutine; it ends with its context. The clocks of several nodes must
// agree within a few seconds, since tabs expire by them.
//
// It imports db, event, feed and once, and knows nothing of HTTP.
package team
