// Package eventtest has sample events: at least one of every type and of every variant that a renderer must get right.
// They are the input of golden files, of the published examples, and of an endpoint's test call.
//
// The samples are deterministic and made anew by every call. The package imports event and id only.
package eventtest
