package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/media/thumb"
	"parley/internal/outhttp"
)

const (
	// DefaultMaxUpload is the greatest size of a file in bytes where nothing else is said.
	DefaultMaxUpload = 25 << 20
	// LooseFor is how long an upload waits for the message that takes it.
	LooseFor = 24 * time.Hour
	// writingFor is how long a file may take into the store; what takes longer was cut off by the end of a process.
	writingFor = time.Hour
	// removedFor is how long the bytes of a removed file stay at least: longer than a fetch that was under way may write.
	removedFor = 10 * time.Minute
	// MaxPeaks is how many peaks a voice note has at most.
	MaxPeaks = 64
)

// Owner is who brought a file in; only the owner may send it in a message.
type Owner struct {
	Kind OwnerKind
	ID   int64
}

// String is how rows name the owner.
func (o Owner) String() string { return string(o.Kind) + ":" + strconv.FormatInt(o.ID, 10) }

// OwnerKind is a kind of owner.
type OwnerKind string

// The owners.
const (
	OwnedByOperator OwnerKind = "operator"
	OwnedByToken    OwnerKind = "token"
	OwnedByContact  OwnerKind = "contact"
	OwnedByWidget   OwnerKind = "widget" // a browser that has no contact yet
	OwnedByChannel  OwnerKind = "channel"
	OwnedByLink     OwnerKind = "link" // the picture of a link card
)

// Options are what a Desk works with. DB, Store and Links are required.
type Options struct {
	DB    *db.DB
	Store Store
	Links *Links
	// Dir is where files wait while they come in; it must exist. "" means the system's folder for temporary files, which is
	// often in memory: a server gives one on its disk.
	Dir string
	// MaxUpload is the greatest size of a file in bytes; zero means DefaultMaxUpload.
	MaxUpload int64
	// Thumbnail makes small pictures; nil makes them in this process.
	Thumbnail Thumbnailer
	// HTTP fetches what others name by an address; nil fetches nothing.
	HTTP *outhttp.Client
	// CardRanges are the private addresses, of those that HTTP may reach, whose pages may have link cards: everybody can write an
	// address into a message. Nil means none.
	CardRanges *outhttp.Ranges
	// Changed hears of files and cards that became known after their message; nil means nobody does.
	Changed Changed
	// Logger gets what went wrong with a file that was taken all the same; nil discards.
	Logger *slog.Logger
}

// Thumbnailer makes a small picture of the image that it reads. An error that is a thumb.ErrImage means that the bytes are no
// picture that anybody should try to show; any other, that it could not be tried.
type Thumbnailer func(ctx context.Context, image *os.File) (*thumb.Picture, error)

// Desk has the use cases of files. It is safe for concurrent use.
type Desk struct {
	Options
	turns *turns
	work  *work
}

// New makes a Desk.
func New(o Options) *Desk {
	if o.DB == nil || o.Store == nil || o.Links == nil {
		panic("media: Options are incomplete")
	}
	if o.MaxUpload == 0 {
		o.MaxUpload = DefaultMaxUpload
	}
	if o.Thumbnail == nil {
		o.Thumbnail = func(_ context.Context, image *os.File) (*thumb.Picture, error) { return thumb.Make(image) }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CardRanges == nil {
		o.CardRanges = &outhttp.Ranges{}
	}
	d := &Desk{Options: o, turns: newTurns()}
	d.work = d.newWork()
	return d
}

// Take returns the upload with this key for a message that one of owners is about to send, as part of tx. The fault is
// media.not_found for what does not exist, is another's, or was sent before.
func (d *Desk) Take(tx *db.Tx, key string, owners ...Owner) (*event.Media, error) {
	m, owner, err := takeable(tx, key)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return nil, fmt.Errorf("take file: %w", err)
	}
	if err != nil || !slices.ContainsFunc(owners, func(o Owner) bool { return o.String() == owner }) {
		return nil, fault.New(fault.MediaNotFound, "there is no such upload of yours, or a message has it already").At("media")
	}
	return m, nil
}

// Bind ties a file to the message that it was taken for, as part of tx. The fault is media.not_found when another message was
// quicker.
func (d *Desk) Bind(tx *db.Tx, m *event.Media, conversation id.Conversation, message id.Message) error {
	ok, err := bind(tx, m.ID, conversation, message)
	if err != nil {
		return fmt.Errorf("bind file %d to message %d: %w", m.ID, message, err)
	}
	if !ok {
		return fault.Newf(fault.MediaNotFound, "another message has the file %d", m.ID).At("media")
	}
	return nil
}

// HandOver makes the uploads of one owner that no message has taken yet another's, as part of tx.
func (d *Desk) HandOver(tx *db.Tx, from, to Owner) error {
	if err := handOver(tx, from, to); err != nil {
		return fmt.Errorf("hand the uploads of %s over to %s: %w", from, to, err)
	}
	return nil
}

// Remove forgets a file of a deleted message as part of tx: its address stops working with the commit. The bytes go with a later
// purge. Removing it twice is no error.
func (d *Desk) Remove(tx *db.Tx, m id.Media) error {
	if err := remove(tx, m, tx.Now().Add(removedFor)); err != nil {
		return fmt.Errorf("remove file %d: %w", m, err)
	}
	return nil
}
