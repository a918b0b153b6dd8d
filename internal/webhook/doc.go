// Package webhook keeps the endpoints that other people's programs gave us, decides in an event's own transaction which of
// them hear of it, and makes the calls: rendered by the endpoint's dialect, signed, through the guarded door.
//
// Wiring
//
//	hooks := webhook.New(webhook.Options{DB: d, Feed: f, HTTP: door, Sealer: sealer, Dialects: all.Dialects(),
//		UserAgent: "Parley/" + version, PublicURL: url, Kick: func() { engine.Kick() }})
//	f.Plan(hooks.Plan)
//	engine := delivery.New(delivery.Options{…, Executors: map[string]delivery.Executor{webhook.Kind: hooks.Executor()}})
//
// Invariants
//   - Plan only matches and inserts rows; nothing in it can fail for reasons of the event's content. It reads the version of
//     the endpoints in the event's transaction, so a change counts for every event that commits after it, on every node
//     (S-098). The version is a random word per change, so that a change that was rolled back can never be taken for another.
//   - A body is rendered once, from the stored snapshot, and every retry and replay sends the same bytes.
//   - A payload policy changes the snapshot, never a body, so it holds in every dialect; rendering goes through Desk.render alone.
//   - A delivery is pinned to a dialect, its version and the switches that were on when it was queued ("chatlio/1+real_names").
//   - A widget's webhooks are endpoints like all others, at most one for each widget and name; what they are told cannot be changed.
//   - Which private addresses a call may reach is asked at every connection, not only when the endpoint is saved.
//   - What the engine says about an endpoint (Notice) is stored with what caused it, and told to the others as an operational
//     event. No endpoint hears of itself, and a delivery of such an event that dies raises none, so it ends.
//   - Secrets and header values are sealed at rest, appear in no list and no log.
//
// Every use case takes the acting person first and needs an admin. The package imports db, delivery, event, feed, outhttp,
// team and dialect.
package webhook
