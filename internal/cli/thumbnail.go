package cli

import (
	"context"
	"os"
	"runtime"

	"parley/internal/media/thumb"
)

type thumbnailCommand struct{}

// Run implements the verb.
func (thumbnailCommand) Run(c *console) error { return thumb.Serve(os.Stdin, c.out) }

// thumbnailer runs this program's verb thumbnail.
func thumbnailer() func(context.Context, *os.File) (*thumb.Picture, error) {
	path, err := os.Executable()
	if err != nil || runtime.GOOS == "linux" {
		path = "/proc/self/exe" // what runs, also after an update has put another file in its place
	}
	return thumb.Child(path, "thumbnail")
}
