// Package httpapi is the edge that speaks HTTP: the middleware around the mux, the way from a request to a team.Actor, limits,
// strict JSON, problem documents, static apps, and the wrapping of the OpenAPI library. It holds no use cases; packages rest
// and visitor do.
//
// Invariants
//   - Every answer that is an error is application/problem+json made by one function from one fault; of an internal fault
//     nothing is shown but the request id.
//   - One log line per request. It never holds bodies, tokens, mail addresses or full URLs.
//   - A request body is read once, within a size and a time, and checked (UTF-8, depth, doubled keys, NUL) before anybody decodes it.
//   - Scopes are declared per operation and checked here, before the handler runs.
//
// New sets three package variables of the OpenAPI library (its error constructors and its case rule), once per process; nobody
// else may touch them. Everything is safe for concurrent use. It may import team, once and limit.
package httpapi
