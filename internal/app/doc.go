// Package app is the composition root: it turns settings into running parts, starts them in order and stops them in the
// opposite one. There are no rules, no SQL and no JSON here.
//
// Start: storage (migrated), desks, delivery engine, hub, HTTP. Stop, when the context of Serve ends: HTTP takes no new
// requests and finishes the running ones, sockets are closed with 1001, the engine lets its attempts finish and stores
// their results, then the database closes. Nothing that was acknowledged is lost by a stop of any kind.
//
// It may import everything; nobody imports it but cli and tests (apptest).
package app
