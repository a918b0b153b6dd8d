//go:build !unix

package app

import (
	"fmt"
	"os"
	"path/filepath"
)

// lockData keeps a second server from using the same data directory. The file is held open without sharing, so the lock
// goes with the process.
func lockData(dir string) (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "server.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("another server may run on the data directory %s; stop it or use another --data: %w", dir, err)
	}
	return f.Close, nil
}
