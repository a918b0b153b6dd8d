//go:build unix

package app

import (
	"fmt"
	"os"
	"syscall"
)

// LockFile keeps a file to one process until release is called or the process ends; inUse is the error where another has it. The
// file is made where there is none.
func LockFile(name string, inUse error) (release func() error, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, inUse
	}
	return f.Close, nil
}
