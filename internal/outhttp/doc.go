// Package outhttp is the only door to other people's servers.
//
// Invariants
//   - The address is checked when the connection is made, after the name was resolved and for the very address that is
//     dialled, so a name that resolves differently the second time gains nothing. Private, loopback, link-local, carrier-grade,
//     multicast, documentation and NAT64-hidden addresses are refused unless the owner of the instance allowed their prefix.
//     A call may narrow that to fewer prefixes; it never shares a connection with calls that may reach others.
//   - A redirect is an answer to Do. Get follows as many as its caller says, and each leads through the guard like the first
//     address. No cookie is kept, no proxy is used, no referrer is sent, no compression is asked for or undone.
//   - Everything is bounded: connecting, waiting for the answer's head, the whole call, the head's and the body's size.
//   - A call inside a database transaction is a programmer's error and panics.
//   - The wire is HTTP/1.1, written and read by net/http. A connection is used again only when the answer before was read to its
//     end, nothing came after it, and nothing came while it was idle.
//
// A Client keeps connections for reuse and is safe for concurrent use; Close drops idle ones. The package imports db (for
// the mark of a transaction) and fault.
package outhttp
