package thumb

import (
	"encoding/binary"
	"io"
)

const (
	// maxExif is how much of a block of metadata is read, in bytes; the orientation stands at its start.
	maxExif = 64 << 10
	// maxBlocks is how many blocks of a file are looked at.
	maxBlocks = 1000
	// tagOrientation is the number of the only entry that matters here.
	tagOrientation = 0x0112
)

// turnedJPEG finds the orientation in a JPEG's segment APP1.
func turnedJPEG(r io.Reader) int {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return 1
	}
	for range maxBlocks {
		if _, err := io.ReadFull(r, head[:]); err != nil || head[0] != 0xff || head[1] == 0xda {
			return 1 // the picture itself begins: what follows is none of ours
		}
		n := int64(binary.BigEndian.Uint16(head[2:])) - 2
		if n < 0 {
			return 1
		}
		if head[1] != 0xe1 {
			if _, err := io.CopyN(io.Discard, r, n); err != nil {
				return 1
			}
			continue
		}
		b, err := io.ReadAll(io.LimitReader(r, n))
		if err != nil || int64(len(b)) < n {
			return 1
		}
		if len(b) > 6 && string(b[:6]) == "Exif\x00\x00" {
			return orientation(b[6:])
		}
	}
	return 1
}

// turnedPNG finds it in a PNG's chunk eXIf.
func turnedPNG(r io.Reader) int {
	if _, err := io.CopyN(io.Discard, r, 8); err != nil {
		return 1
	}
	var head [8]byte
	for range maxBlocks {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return 1
		}
		n := int64(binary.BigEndian.Uint32(head[:4]))
		if string(head[4:]) == "eXIf" {
			return orientation(part(r, n))
		}
		if _, err := io.CopyN(io.Discard, r, n+4); err != nil { // with its check sum
			return 1
		}
	}
	return 1
}

// turnedWebP finds it in a WebP's chunk EXIF.
func turnedWebP(r io.Reader) int {
	found := 1
	webpChunks(r, func(name string, n int64, body io.Reader) bool {
		if name != "EXIF" {
			return true
		}
		b := part(body, n)
		if len(b) > 6 && string(b[:6]) == "Exif\x00\x00" { // some writers put JPEG's mark before it
			b = b[6:]
		}
		found = orientation(b)
		return false
	})
	return found
}

// part reads n bytes, at most maxExif.
func part(r io.Reader, n int64) []byte {
	b, err := io.ReadAll(io.LimitReader(r, min(n, maxExif)))
	if err != nil {
		return nil
	}
	return b
}

// orientation reads the tag from the first directory of an EXIF block; 1 where it tells nothing that makes sense.
func orientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			return 1
		}
		// A short, once: its value stands in the first half of the field.
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == 3 && order.Uint32(entries[4:]) == 1 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
