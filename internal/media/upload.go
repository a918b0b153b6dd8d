package media

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media/thumb"
	"parley/internal/secret"
)

const (
	// maxDuration is the longest voice note that a sender may claim.
	maxDuration = 24 * time.Hour
	// maxUntried is how many bytes a picture may have that no decoder of ours has seen whole.
	maxUntried = 1 << 20
	// putFor is how long the store may take for any file, and putPace how many bytes per second it takes of a large one at least.
	putFor  = 2 * time.Minute
	putPace = 1 << 20
)

// Upload is what a sender says about a file. Only a voice note has more than a name.
type Upload struct {
	Name string
	// Voice says that it was recorded in the browser. It is a voice note when the bytes are sound and nothing else.
	Voice      bool
	DurationMS int
	// Peaks are the loudness over time, 0 to 100 each, at most MaxPeaks.
	Peaks []int
	// From tells strangers apart who are not known yet, by their address for example: of all their pictures one at a time is made
	// smaller. "" means that the owner does.
	From string
}

func (u *Upload) check() error {
	var faults fault.Collect
	if u.DurationMS < 0 || u.DurationMS > int(maxDuration/time.Millisecond) {
		faults.Add(fault.New(fault.FieldInvalid, "duration_ms must be a number of milliseconds, at most a day's").At("duration_ms"))
	}
	if len(u.Peaks) > MaxPeaks {
		faults.Add(fault.Newf(fault.FieldInvalid, "there are at most %d peaks", MaxPeaks).At("peaks"))
	}
	for _, p := range u.Peaks {
		if p < 0 || p > 100 {
			faults.Add(fault.New(fault.FieldInvalid, "each peak is a number from 0 to 100").At("peaks"))
			break
		}
	}
	return faults.Err()
}

// Upload stores a file for owner, who may send it in a message within LooseFor. The bytes pass through a file on the disk, never
// the memory. Faults: media.empty, media.too_large, field.invalid, and those of r.
func (d *Desk) Upload(ctx context.Context, owner Owner, u Upload, r io.Reader) (*event.Media, error) {
	if err := u.check(); err != nil {
		return nil, err
	}
	in, err := d.receive(r, d.MaxUpload)
	if err != nil {
		return nil, err
	}
	defer in.close()
	in.side, in.from = sideOf(owner.Kind), cmp.Or(u.From, owner.String())
	if err := d.examine(ctx, in, u.Name); err != nil {
		return nil, err
	}
	m := in.media(secret.Token(""))
	if u.Voice && m.Kind == event.MediaAudio {
		m.Kind, m.DurationMS, m.Peaks = event.MediaVoice, u.DurationMS, u.Peaks
	}
	// The row comes first, so that a process that dies from here on leaves nothing that the purge does not know.
	err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		return insertMedia(tx, m, stateWriting, int64(len(in.thumb)), owner, "", tx.Now().Add(writingFor))
	})
	if err != nil {
		return nil, fmt.Errorf("store an upload: %w", err)
	}
	if err := d.save(ctx, m.Key, in); err != nil {
		return nil, err
	}
	if err := d.settle(ctx, m.ID); err != nil {
		return nil, err
	}
	m.State = event.MediaStored
	return m, nil
}

// settle makes a written file an upload that a message may take.
func (d *Desk) settle(ctx context.Context, m id.Media) error {
	return d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
		ok, err := settle(tx, m, tx.Now().Add(LooseFor))
		if err != nil {
			return fmt.Errorf("store upload %d: %w", m, err)
		}
		if !ok {
			return fmt.Errorf("store upload %d: it took longer than %s", m, writingFor)
		}
		return nil
	})
}

// arrival is a file that came in, in a temporary file.
type arrival struct {
	file *os.File
	size int64

	side side   // who brought it
	from string // tells those of a side apart

	name, contentType, kind string
	width, height           int
	thumb                   []byte // the small picture, nil for none
}

// media is what is known of the file, under a key.
func (a *arrival) media(key string) *event.Media {
	return &event.Media{Key: key, Kind: a.kind, State: event.MediaStored, Name: a.name, ContentType: a.contentType, Size: a.size,
		Width: a.width, Height: a.height, Thumb: a.thumb != nil}
}

// close gives the temporary file up.
func (a *arrival) close() {
	a.file.Close()
	os.Remove(a.file.Name()) // what cannot be removed goes with the next start
}

// receive reads r to its end, at most limit bytes, into a temporary file. Close what it returns.
func (d *Desk) receive(r io.Reader, limit int64) (*arrival, error) {
	f, err := os.CreateTemp(d.Dir, "upload-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	a := &arrival{file: f}
	from := &source{r: r}
	a.size, err = io.Copy(f, io.LimitReader(from, limit+1))
	switch _, known := errors.AsType[*fault.Error](from.err); {
	case known:
		err = from.err
	case from.err != nil:
		err = fault.New(fault.RequestMalformed, "the file could not be read to its end").Because(from.err)
	case err != nil:
		err = fmt.Errorf("write a temporary file: %w", err)
	case a.size > limit:
		err = TooLarge(limit)
	case a.size == 0:
		err = fault.New(fault.MediaEmpty, "the file has no bytes")
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// TooLarge is the fault of a file that has more than limit bytes.
func TooLarge(limit int64) error {
	return fault.Newf(fault.MediaTooLarge, "the file is larger than %d MB", limit>>20)
}

// source remembers the error of a reader, so that it is not taken for one of the disk.
type source struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// examine finds out what a file is, and makes its small picture. name is what its sender calls it. A picture that cannot be decoded,
// in a sensible time and space, is no picture: it is kept as a file. One that could only not be tried is one without a small picture
// while it is small itself.
func (d *Desk) examine(ctx context.Context, a *arrival, name string) error {
	contentType, kind, extension, err := sniff(a.file, a.size)
	if err != nil {
		return fmt.Errorf("look at a file: %w", err)
	}
	a.contentType, a.kind = contentType, kind
	if kind == event.MediaImage {
		p, err := d.thumbnail(ctx, a)
		switch {
		case err == nil:
			a.width, a.height, a.thumb = p.Width, p.Height, p.Bytes
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, thumb.ErrImage):
			a.kind = event.MediaFile
			d.Logger.Info("an image cannot be shown", "type", contentType, "bytes", a.size, "error", err)
		default:
			if a.size > maxUntried {
				a.kind = event.MediaFile
			}
			d.Logger.Warn("a small picture could not be made", "error", err)
		}
	}
	a.name = fitName(cleanName(name), contentType, a.kind, extension)
	return nil
}

// thumbnail makes a small picture when it is its turn. What the head says is looked at before: nothing waits in vain.
func (d *Desk) thumbnail(ctx context.Context, a *arrival) (*thumb.Picture, error) {
	size, err := thumb.Check(a.file)
	if err != nil {
		return nil, err
	}
	end, err := d.turns.take(ctx, a.side, a.from, size.Large)
	if err != nil {
		return nil, err
	}
	defer end()
	return d.Thumbnail(ctx, a.file)
}

// save puts the bytes of a file and of its small picture into the store. A row with the key must stand already.
func (d *Desk) save(ctx context.Context, key string, a *arrival) error {
	if a.thumb != nil {
		if err := d.put(ctx, thumbOf(key), bytes.NewReader(a.thumb), int64(len(a.thumb))); err != nil {
			return err
		}
	}
	return d.put(ctx, key, a.file, a.size)
}

func (d *Desk) put(ctx context.Context, key string, r io.ReadSeeker, size int64) error {
	ctx, cancel := context.WithTimeout(ctx, putFor+time.Duration(size)*time.Second/putPace)
	defer cancel()
	return d.Store.Put(ctx, key, r, size)
}

// drop removes the bytes of a file and of its small picture from the store.
func (d *Desk) drop(ctx context.Context, key string) error {
	return errors.Join(d.Store.Delete(ctx, key), d.Store.Delete(ctx, thumbOf(key)))
}

const (
	// purgeBatch is how many files one step of the purge removes at most.
	purgeBatch = 100
	// purgeFor is how long the store may take for one step of the purge.
	purgeFor = 30 * time.Second
	// purgeAgain is when a file whose bytes could not be deleted is tried again. Until then the others have their turn.
	purgeAgain = time.Hour
)

// PurgeOnce removes uploads that no message took in time, uploads that were cut off, and files of deleted messages, with their bytes.
// It returns how many it removed: when it is 0 there are no more. It stops with the first that the store will not remove, so that a store
// that is away is asked once; what is left stays for a later call.
func (d *Desk) PurgeOnce(ctx context.Context) (int, error) {
	var list []condemned
	// Marked first: from then on no message can take them, and a node that dies in the middle leaves them marked.
	err := d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) (err error) {
		list, err = condemn(tx, tx.Now().Add(purgeAgain), purgeBatch)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find files to purge: %w", err)
	}
	// In any order: one that can never be removed must not be the first each time.
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	var gone []condemned
	var errs []error
	limited, cancel := context.WithTimeout(ctx, purgeFor)
	defer cancel()
	for _, c := range list {
		if err := d.drop(limited, c.key); err != nil {
			errs = append(errs, err)
			break
		}
		gone = append(gone, c)
	}
	if len(gone) > 0 {
		errs = append(errs, d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
			for _, c := range gone {
				if err := forget(tx, c.id); err != nil {
					return fmt.Errorf("forget file %d: %w", c.id, err)
				}
			}
			return nil
		}))
	}
	return len(gone), errors.Join(errs...)
}
