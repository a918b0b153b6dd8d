//go:build !unix

package app

import (
	"fmt"
	"os"
)

// LockFile keeps a file to one process until release is called or the process ends; inUse is the error where another has it. The
// file is held open without sharing, so the lock goes with the process.
func LockFile(name string, inUse error) (release func() error, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", inUse, err)
	}
	return f.Close, nil
}
