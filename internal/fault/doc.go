// Package fault holds the error kinds of Parley and the catalogue of stable error codes.
//
// Every error that a caller can act upon is a *fault.Error with a code of the catalogue. Packages wrap it with
// fmt.Errorf("…: %w", err) to say what was tried; only package httpapi turns a kind into an HTTP status, and an
// internal fault never shows more than a request id. It imports nothing but the standard library.
package fault
