package media

import (
	"context"
	"fmt"
	"io"
	"regexp"
)

// Store keeps the bytes of files under their keys. Both implementations are held to the same suite (store_test.go). A Store is safe
// for concurrent use; several nodes may share one.
type Store interface {
	// Put stores the size bytes of r under key, whole or not at all: when it returns nil they are durable, and until then whoever
	// opens the key finds what was there before.
	Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error
	// Open returns the bytes under key, of which there are size, for reading and seeking. The error is an fs.ErrNotExist when there
	// are none; it may come with the first Read. Reading ends when ctx does.
	Open(ctx context.Context, key string, size int64) (io.ReadSeekCloser, error)
	// Delete removes what is under key; nothing there is no error.
	Delete(ctx context.Context, key string) error
}

// thumbOf is the key of the small picture of a file.
func thumbOf(key string) string { return key + ".thumb" }

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}(\.thumb)?$`)

// checkKey keeps what is not a key of ours away from folders and buckets. Keys come from our own rows, so it is an error of ours.
func checkKey(key string) error {
	if !keyForm.MatchString(key) {
		return fmt.Errorf("%.80q is not the key of a file", key)
	}
	return nil
}
