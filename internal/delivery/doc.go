// Package delivery is the durable engine that brings events to other people's systems: never lost, never reordered, repeated
// only where an attempt was under way when the process died, and then with the same webhook id. It does not know what a
// webhook is; executors, by the kind of target, render bodies and make calls.
//
// Wiring
//
//	engine := delivery.New(delivery.Options{DB: d, Changed: feed.Changed, Node: node, Logger: log,
//		Executors: map[string]delivery.Executor{webhook.Kind: hooks.Executor()}})
//	go engine.Run(ctx)                 // until Stop
//	feed.Plan(hooks.Plan)              // a planner calls Enqueue in the event's transaction
//	…
//	engine.Stop(deadline)              // before the database is closed
//
// Forget and ForgetChart, run now and then, delete what is old or too much.
//
// A delivery is one row per (event, target), inserted by Enqueue in the event's own transaction, without a body. At the first
// attempt the executor renders the body from the stored snapshot of the event; it is stored with the first result and never
// rendered again, so retries and replays send the same bytes. A crash before the first result renders once more, from the
// same snapshot by a pure function: the same bytes, unless the program was replaced by one that renders differently.
//
// # Order
//
// A lane is (target, lane key). The next row of a lane is attempted only after the result of the one before is committed.
// It would be faster to start it when the answer is in, and let the result follow; but then a crash between the two would send
// the predecessor again after its successor: a receiver that acts on what it gets last would see time run backwards. So a
// lane waits for its commit, and results are committed in groups: whatever gathered while the last group was being written
// is the next one, which is one result at light load (no added wait) and hundreds under load. What a receiver sees of a lane
// is therefore n, n+1, … with n possibly repeated after a crash, but never n again after n+1. Throughput comes from many
// lanes; one lane alone goes as fast as call and commit take in turn.
//
// Rows are put in lanes by delivery id, which is right because the domain holds a lock on a lane's subject from inserting
// an event to its commit. Rows are picked up by the feed's seq, which no reader can skip: a row whose event has no number
// yet (PostgreSQL) is not there. A single replay, a revived row and a test call belong to no lane. What is replayed or
// revived in bulk has lanes of its own, beside the original ones, so that it is in order among itself.
//
// # Memory
//
// Only owned targets with work are in memory; per target at most Window rows that can go now (no bodies), one body per attempt
// under way or about to be, and a small entry for each lane that waits for a retry. What does not fit is left in the
// database and read when there is room: a target that hangs fills its own window and its own share of attempts, nobody
// else's. How many attempts a target has under way grows with success and halves with failure. A target with a limit per second
// takes turns at equal distances; while it waits for one it is in no queue and takes no place.
//
// When others change a target's rows (replay, resume, drop), they nudge it: its owner throws away what is in memory, except what
// is under way, and reads again.
//
// # Ownership
//
// A target belongs to one engine at a time: its row carries owner, fence and expiry. The owner renews every RenewEvery and
// starts no attempt after the lease ran out by its own clock; results are stored only while owner and fence are unchanged,
// in the same transaction, so an owner that wakes up late stores nothing. Reading pending rows costs no write. An idle
// target is given up and noted with the time when it is due, so any node takes the next turn. After a clean Stop others
// take over at once, after a crash when the lease has run out, the same node at once after its restart (its Node name must be its
// alone). Clocks of nodes must agree to a few seconds; if they do not, calls may repeat, results are still fenced.
//
// # Failure
//
// A failed row keeps its lane waiting and is tried again by Schedule, give or take 10 %, or when the receiver asked to
// (Retry-After), until it is GiveUp old; then it is dead and the lane goes on. Ten failures in a row open the target's
// breaker: nothing is tried until a probe succeeds. Without any success for one and for three days the executor is told, after
// five days the target is paused; since when it fails is in its row, so a restart or another owner goes on counting. News
// (Notice) are told in the transaction that stores what they are about. While the database is away results stay in memory
// and are stored when it is back; until then their lanes wait.
//
// Files: engine.go is the state and its transitions (names ending in Locked need mu), read.go, prepare.go and ack.go are the
// three goroutines, pace.go is the limit per second, news.go tells executors, log.go is what people look at. The package
// imports db; its tests also feed and event.
package delivery
