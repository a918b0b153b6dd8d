// Package secret holds what must not leak and what must not be forged: a string type that prints as ***, random tokens and
// their hashes, sealing of settings at rest, constant-time comparison, and the signature of outbound calls.
//
// It imports only the standard library. All functions are safe for concurrent use.
package secret
