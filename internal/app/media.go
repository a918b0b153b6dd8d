package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/outhttp"
)

// downloadsAtOnce is how many files one address may be reading at a time: a thread full of pictures, in a few windows.
const downloadsAtOnce = 32

// files makes the desk of files. It is made before the inbox, which hears of files that became known after their message.
func (a *App) files() error {
	// Files wait there while they come in. Nobody else writes into the data directory: what lies there is from a process that ended.
	incoming := filepath.Join(a.Config.Data, "uploads")
	if err := os.RemoveAll(incoming); err != nil {
		return fmt.Errorf("clear the folder of uploads: %w", err)
	}
	if err := os.Mkdir(incoming, 0o700); err != nil {
		return fmt.Errorf("make the folder of uploads: %w", err)
	}
	cards, refused := outhttp.ParseRanges(a.Config.AllowPrivateLinks)
	if refused == nil {
		refused = a.out.CheckRanges(cards)
	}
	if refused != nil {
		return fmt.Errorf("--allow-private-links: %s", refused.Detail)
	}
	store, err := a.openStore()
	if err != nil {
		return err
	}
	a.links = media.NewLinks(a.Config.PublicURL, a.linkKey)
	a.media = media.New(media.Options{
		DB: a.db, Store: store, Links: a.links, Dir: incoming, MaxUpload: int64(a.Config.MaxUpload) << 20, Thumbnail: a.Thumbnail, HTTP: a.out, CardRanges: cards, Logger: a.Logger,
		Changed: func(ctx context.Context, tx *db.Tx, c id.Conversation, m id.Message, what string, card id.LinkCard) error {
			return a.inbox.MediaChanged(ctx, tx, c, m, what, card)
		},
	})
	return nil
}

func (a *App) openStore() (media.Store, error) {
	if c := a.Config; c.MediaS3Bucket != "" {
		return media.NewS3(media.S3Options{Endpoint: c.MediaS3Endpoint, Region: c.MediaS3Region, Bucket: c.MediaS3Bucket, Key: c.MediaS3Key, Secret: c.MediaS3Secret}), nil
	}
	return media.OpenDisk(cmp.Or(a.Config.MediaDir, filepath.Join(a.Config.Data, "media")))
}

// closeFiles closes the store where it has something to close.
func (a *App) closeFiles() error {
	if a.media == nil {
		return nil
	}
	if c, ok := a.media.Store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// purgeFiles removes the files that nobody needs any more, until ctx ends. It has a loop of its own: a storage that does not answer
// must not keep what else is tidied waiting.
func (a *App) purgeFiles(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for {
			n, err := a.media.PurgeOnce(ctx)
			a.note("remove files", err)
			if n == 0 || err != nil {
				break
			}
		}
	}
}
