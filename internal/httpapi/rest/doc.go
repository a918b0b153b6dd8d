// Package rest is the HTTP API under /api/v1 for operators and integrations, and the reference pages under /docs that are
// made from its OpenAPI document.
//
// A handler decodes into a command of a desk and encodes the answer; it holds no rules. The wire structs (wire_*.go) are
// written out in full, with their keys in the contract's order, and are the source of the document: what is not in them
// does not exist. The document is committed as api/openapi.json, and a test says when it is stale.
//
// Everything is set up by Register and read-only afterwards, so it is safe for concurrent use. Long polls end when
// Options.Stopping is closed. It may import httpapi, the concepts, feed, delivery and webhook; it knows no SQL, no sockets
// and no other edge.
package rest
