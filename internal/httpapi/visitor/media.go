package visitor

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/limit"
	"parley/internal/media"
)

// What strangers may upload from one address: this many files at once, then one in this time; and this many megabytes at once (more
// where one file may be that large: see newUploads), then one in this time, which is 200 MB per hour. Nobody has to sign in for it, so this bounds how fast a disk can be filled: what no
// message takes is gone after a day.
const (
	fileBurst     = 20
	fileEvery     = 3 * time.Second
	megabyteBurst = 200
	megabyteEvery = 18 * time.Second
	megabyte      = 1 << 20
	maxNameGiven  = 1000 // bytes
)

// uploads are the limits of the addresses that files come from.
type uploads struct{ files, megabytes *limit.Limiter }

// newUploads makes the limits. Two of the largest files pass at once: a burst below the size of one would refuse it for ever.
func newUploads(now func() time.Time, maxUpload int64) uploads {
	burst := max(megabyteBurst, int(2*(maxUpload+megabyte-1)/megabyte))
	return uploads{
		files:     limit.New(limit.Options{Every: fileEvery, Burst: fileBurst, Keys: 100_000, Now: now}),
		megabytes: limit.New(limit.Options{Every: megabyteEvery, Burst: burst, Keys: 100_000, Now: now}),
	}
}

// metered counts what is read against an address, a megabyte when it begins.
type metered struct {
	r       io.Reader
	key     string
	limiter *limit.Limiter
	left    int
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	if m.left == 0 {
		if wait, ok := m.limiter.Allow(m.key); !ok {
			return 0, fault.New(fault.RequestLimited, "too many files from this address").After(wait)
		}
		m.left = megabyte
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// upload takes a file from a visitor, who need not be known yet: then it belongs to the widget, and whoever has its key can send it.
func (e *edge) upload(w http.ResponseWriter, r *http.Request) error {
	guest, err := e.Inbox.Guest(r.Context(), r.PathValue("key"), httpapi.BearerToken(r))
	if err != nil {
		return err
	}
	if err := e.originOf(r, guest.Widget); err != nil {
		return err
	}
	u, err := uploadOf(r.URL.Query())
	if err != nil {
		return err
	}
	if r.ContentLength > e.Media.MaxUpload {
		w.Header().Set("Connection", "close")
		return media.TooLarge(e.Media.MaxUpload)
	}
	key := httpapi.ClientKey(r.Context())
	if wait, ok := e.uploads.files.Allow(key); !ok {
		w.Header().Set("Connection", "close")
		return fault.New(fault.RequestLimited, "too many files from this address").After(wait)
	}
	owner := media.Owner{Kind: media.OwnedByWidget, ID: int64(guest.Widget.ID)}
	if c := guest.Visitor.Contact; c != 0 {
		owner = media.Owner{Kind: media.OwnedByContact, ID: int64(c)}
	}
	u.From = key
	m, err := e.Media.Upload(r.Context(), owner, u, &metered{r: httpapi.Stream(w, r), key: key, limiter: e.uploads.megabytes})
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusCreated, e.uploadedOf(m))
}

// uploadOf reads what the parameters say about a file.
func uploadOf(q url.Values) (u media.Upload, err error) {
	var faults fault.Collect
	number := func(name, text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			faults.Add(fault.New(fault.FieldInvalid, "expected whole numbers").At(name))
		}
		return n
	}
	for name, values := range q {
		value := values[0]
		switch {
		case name == "name" && len(value) > maxNameGiven:
			faults.Add(fault.Newf(fault.TextTooLong, "at most %d bytes", maxNameGiven).At(name))
		case name == "name":
			u.Name = value
		case name == "voice":
			if u.Voice, err = strconv.ParseBool(value); err != nil {
				faults.Add(fault.New(fault.FieldInvalid, "expected 1 or 0").At(name))
			}
		case name == "duration_ms":
			u.DurationMS = number(name, value)
		case name == "peaks" && strings.Count(value, ",") >= media.MaxPeaks:
			faults.Add(fault.Newf(fault.FieldInvalid, "there are at most %d peaks", media.MaxPeaks).At(name))
		case name == "peaks" && value != "":
			for part := range strings.SplitSeq(value, ",") {
				u.Peaks = append(u.Peaks, number(name, part))
			}
		case name == "peaks":
		default:
			faults.Add(fault.New(fault.RequestUnknownField, "this call does not know the parameter").At(name))
		}
	}
	return u, faults.Err()
}

// uploadedOf is a file that waits for its message.
func (o *Options) uploadedOf(m *event.Media) wireUploaded {
	now := o.Now()
	return wireUploaded{Key: m.Key, Kind: m.Kind, Name: m.Name, ContentType: m.ContentType, Size: m.Size, Width: orNull(m.Width), Height: orNull(m.Height),
		DurationMS: orNull(m.DurationMS), Peaks: append([]int{}, m.Peaks...), URL: o.Links.URL(m, now), ThumbURL: orNull(o.Links.Thumb(m, now))}
}
