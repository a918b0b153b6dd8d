package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"parley/internal/secret"
)

// Disk is a Store in a folder. Files lie in subfolders by the first characters of their keys, so that no folder gets large; what is
// being written lies in a folder of its own and is renamed when it is whole. Nothing outside of the folder is ever touched, whatever
// links somebody puts into it.
type Disk struct{ root *os.Root }

const (
	// incoming is where files are written before they get their name.
	incoming = "incoming"
	shard    = 2
)

// OpenDisk opens the folder, makes it where it is missing, and removes what a process that ended in the middle left behind. Several
// nodes may share a folder. Close it.
func OpenDisk(dir string) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of files: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of files: %w", err)
	}
	if err := clearIncoming(root); err != nil {
		return nil, errors.Join(fmt.Errorf("clear the folder of files that come in: %w", err), root.Close())
	}
	return &Disk{root}, nil
}

// clearIncoming removes what nobody can be writing any more.
func clearIncoming(root *os.Root) error {
	if err := root.MkdirAll(incoming, 0o700); err != nil {
		return err
	}
	list, err := fs.ReadDir(root.FS(), incoming)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range list {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > writingFor {
			errs = append(errs, ignoreMissing(root.Remove(path.Join(incoming, e.Name()))))
		}
	}
	return errors.Join(errs...)
}

// Close closes the folder.
func (d *Disk) Close() error { return d.root.Close() }

func diskPath(key string) string { return path.Join(key[:shard], key[shard:2*shard], key) }

// Put implements Store.
func (d *Disk) Put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	temporary := path.Join(incoming, secret.UUID())
	f, err := d.root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("store file %s: %w", key, err)
	}
	err = d.fill(ctx, f, r, size)
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.publish(temporary, diskPath(key))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("store file %s: %w", key, err), ignoreMissing(d.root.Remove(temporary)))
	}
	return nil
}

func (d *Disk) fill(ctx context.Context, f *os.File, r io.ReadSeeker, size int64) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, size+1))
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("it has %d bytes or more, not %d", n, size)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.Sync()
}

// publish gives a file its name, and makes sure that the name survives a power cut: each folder on the way is synced.
func (d *Disk) publish(from, to string) error {
	folder := path.Dir(to)
	if err := d.root.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := d.root.Rename(from, to); err != nil {
		return err
	}
	for _, name := range []string{folder, path.Dir(folder), "."} {
		f, err := d.root.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Open implements Store.
func (d *Disk) Open(_ context.Context, key string, _ int64) (io.ReadSeekCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	f, err := d.root.Open(diskPath(key))
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", key, err)
	}
	return f, nil
}

// Delete implements Store. Folders stay: another file may be on its way into them.
func (d *Disk) Delete(_ context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := ignoreMissing(d.root.Remove(diskPath(key))); err != nil {
		return fmt.Errorf("delete file %s: %w", key, err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
