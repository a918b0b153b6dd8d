//go:build !linux

package thumb

import "time"

// offerProcess does nothing here.
func offerProcess() {}

// limitProcess does nothing here: the heap's limit and the parent, which kills the child after its time, have to do.
func limitProcess(uint64, time.Duration) error { return nil }
