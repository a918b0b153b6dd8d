package media

import (
	"encoding/binary"
	"io"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"parley/internal/event"
)

// opaqueType is the content type that no browser makes anything of.
const opaqueType = "application/octet-stream"

// shown are the types that a browser may show or play where it is told to: what they are, and the extensions that fit, the usual one
// first. Everything else is a file to be saved.
var shown = map[string]struct {
	kind       string
	extensions []string
}{
	"image/png":       {event.MediaImage, []string{".png"}},
	"image/jpeg":      {event.MediaImage, []string{".jpg", ".jpeg", ".jpe", ".jfif"}},
	"image/gif":       {event.MediaImage, []string{".gif"}},
	"image/webp":      {event.MediaImage, []string{".webp"}},
	"audio/mpeg":      {event.MediaAudio, []string{".mp3"}},
	"audio/ogg":       {event.MediaAudio, []string{".ogg", ".oga", ".opus"}},
	"audio/wav":       {event.MediaAudio, []string{".wav"}},
	"audio/mp4":       {event.MediaAudio, []string{".m4a", ".mp4"}},
	"audio/aac":       {event.MediaAudio, []string{".aac"}},
	"audio/flac":      {event.MediaAudio, []string{".flac"}},
	"audio/webm":      {event.MediaAudio, []string{".webm", ".weba"}},
	"video/mp4":       {event.MediaVideo, []string{".mp4", ".m4v"}},
	"video/webm":      {event.MediaVideo, []string{".webm"}},
	"video/ogg":       {event.MediaVideo, []string{".ogv", ".ogg"}},
	"video/quicktime": {event.MediaVideo, []string{".mov", ".qt"}},
	"application/pdf": {event.MediaPDF, []string{".pdf"}},
}

// otherNames are names that the sniffer has for types of shown.
var otherNames = map[string]string{"image/apng": "image/png", "image/vnd.mozilla.apng": "image/png", "audio/x-m4a": "audio/mp4", "video/x-m4v": "video/mp4"}

// sniff tells from the bytes alone what a file is: its content type without parameters, its kind (never voice) and the usual
// extension of its type, "" for none.
func sniff(f io.ReaderAt, size int64) (contentType, kind, extension string, err error) {
	found, err := mimetype.DetectReader(io.NewSectionReader(f, 0, size))
	if err != nil {
		return "", "", "", err
	}
	contentType, _, _ = strings.Cut(found.String(), ";")
	if other, ok := otherNames[contentType]; ok {
		contentType = other
	}
	// A container says what it may hold; whether there is a picture in it is told by its tracks.
	switch contentType {
	case "video/mp4", "video/quicktime":
		if tracksMP4(f, size) == soundOnly {
			contentType = "audio/mp4"
		}
	case "video/webm":
		if tracksWebM(f, size) == soundOnly {
			contentType = "audio/webm"
		}
	}
	if s, ok := shown[contentType]; ok {
		return contentType, s.kind, s.extensions[0], nil
	}
	return contentType, event.MediaFile, found.Extension(), nil
}

// fits reports whether an extension in lower case may stand for a content type, and whether it promises one of shown.
func fits(extension, contentType string) (fits, promises bool) {
	for t, s := range shown {
		if slices.Contains(s.extensions, extension) {
			fits, promises = fits || t == contentType, true
		}
	}
	return fits, promises
}

// What the tracks of a container hold.
const (
	tracksUnknown = iota
	soundOnly
	withPicture
)

const (
	// maxBoxes is how many parts of a container are looked at, maxTracks how many of them may be tracks.
	maxBoxes  = 4096
	maxTracks = 64
)

// tracksMP4 looks for the handlers of the tracks: "soun" or "vide".
func tracksMP4(f io.ReaderAt, size int64) int {
	left := maxBoxes
	// boxes calls fn with each box between two places of the file; fn returns false to stop.
	boxes := func(from, to int64, fn func(name string, body, end int64) bool) {
		var head [16]byte
		for at := from; at+8 <= to && left > 0; left-- {
			if _, err := f.ReadAt(head[:8], at); err != nil {
				return
			}
			n, body := int64(binary.BigEndian.Uint32(head[:4])), at+8
			switch n {
			case 0:
				n = to - at
			case 1:
				if _, err := f.ReadAt(head[8:], body); err != nil {
					return
				}
				n, body = int64(binary.BigEndian.Uint64(head[8:])), at+16
			}
			if n < body-at || n > to-at || !fn(string(head[4:8]), body, at+n) {
				return
			}
			at += n
		}
	}
	inside := func(name string, from, to int64, fn func(body, end int64)) {
		boxes(from, to, func(n string, body, end int64) bool {
			if n == name {
				fn(body, end)
			}
			return true
		})
	}
	found := tracksUnknown
	inside("moov", 0, size, func(body, end int64) {
		inside("trak", body, end, func(body, end int64) {
			inside("mdia", body, end, func(body, end int64) {
				inside("hdlr", body, end, func(body, _ int64) {
					var kind [4]byte
					if _, err := f.ReadAt(kind[:], body+8); err != nil {
						return
					}
					switch string(kind[:]) {
					case "vide":
						found = withPicture
					case "soun":
						found = max(found, soundOnly)
					}
				})
			})
		})
	})
	if left <= 0 {
		return tracksUnknown
	}
	return found
}

// The elements of a WebM that matter here.
const (
	idSegment   = 0x18538067
	idTracks    = 0x1654ae6b
	idTrack     = 0xae
	idTrackType = 0x83
	idCluster   = 0x1f43b675
)

// tracksWebM looks for the types of the tracks: 1 is a picture, 2 is sound.
func tracksWebM(f io.ReaderAt, size int64) int {
	found, at, end, tracks := tracksUnknown, int64(0), size, 0
	for range maxBoxes {
		if at >= end {
			break
		}
		element, n, body := ebml(f, at, end)
		if body < 0 {
			return tracksUnknown
		}
		switch element {
		case idSegment, idTracks, idTrack: // into it
			if tracks++; tracks > maxTracks {
				return tracksUnknown
			}
			at = body
			continue
		case idTrackType:
			var b [1]byte
			if _, err := f.ReadAt(b[:], body); err != nil || n != 1 {
				return tracksUnknown
			}
			switch b[0] {
			case 1:
				return withPicture
			case 2:
				found = soundOnly
			}
		case idCluster: // the tracks stand before what they hold
			return found
		}
		if n < 0 || n > end-body {
			return tracksUnknown
		}
		at = body + n
	}
	return found
}

// ebml reads the head of an element: its id, its length (-1 for unknown) and where its body begins, -1 when there is none.
func ebml(f io.ReaderAt, at, end int64) (element, n, body int64) {
	var b [12]byte
	got, err := f.ReadAt(b[:min(12, end-at)], at)
	if err != nil && err != io.EOF {
		return 0, 0, -1
	}
	idBytes := leading(b[0]) + 1
	if idBytes > 4 || got < idBytes+1 {
		return 0, 0, -1
	}
	for _, c := range b[:idBytes] {
		element = element<<8 | int64(c)
	}
	length := b[idBytes:got]
	sizeBytes := leading(length[0]) + 1
	if sizeBytes > 8 || len(length) < sizeBytes {
		return 0, 0, -1
	}
	n = int64(length[0]) & (1<<(8-sizeBytes) - 1)
	unknown := n == 1<<(8-sizeBytes)-1
	for _, c := range length[1:sizeBytes] {
		n = n<<8 | int64(c)
		unknown = unknown && c == 0xff
	}
	if unknown {
		n = -1
	}
	return element, n, at + int64(idBytes) + int64(sizeBytes)
}

// leading counts the zero bits before the first one.
func leading(b byte) int {
	n := 0
	for ; n < 8 && b&(0x80>>n) == 0; n++ {
	}
	return n
}
