//go:build unix

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockData keeps a second server from using the same data directory: two owners of one embedded database would send
// every callback twice. The lock goes with the process, however it ends.
func lockData(dir string) (release func() error, err error) {
	name := filepath.Join(dir, "server.lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another server runs on the data directory %s; stop it or use another --data", dir)
	}
	return f.Close, nil
}
