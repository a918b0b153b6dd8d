package thumb

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"image"
	"io"
)

const (
	// MaxPixels is how many pixels an original may have, if it is written in a way that its decoder needs little for.
	MaxPixels = 40_000_000
	// MaxSide is how many pixels an original may have in one direction.
	MaxSide = 65_535

	// maxDecoded is how much memory the decoder may need for an original, in bytes: a progressive JPEG in colour has it at 16 megapixels.
	maxDecoded = 240_000_000
	// largeDecoded is how much of it makes a picture Large.
	largeDecoded = 64_000_000
)

// Size is what the head of an image says of it.
type Size struct {
	// Width and Height are as they are written, before it is turned upright.
	Width, Height int
	// Large says that making it smaller takes so much memory that only one should be in work at a time.
	Large bool
}

// Check reads the head of a PNG, JPEG, GIF or WebP. It decodes nothing, and needs neither time nor memory to speak of, so a server may
// do it itself. What is not one of them, has too many pixels, or would need too much memory, is an ErrImage.
func Check(r io.ReadSeeker) (s Size, err error) {
	defer refuse(&err)
	f, err := formatOf(r)
	if err != nil {
		return Size{}, err
	}
	c, need, err := f.measure(r)
	return Size{c.Width, c.Height, need > largeDecoded}, err
}

// refuse makes an ErrImage of a decoder's panic.
func refuse(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: its decoder failed: %v", ErrImage, v)
	}
}

// measure reads how large a picture is, and how many bytes its decoder needs for it.
func (f *format) measure(r io.ReadSeeker) (c image.Config, need int64, err error) {
	in, err := start(r)
	if err != nil {
		return c, 0, err
	}
	if c, err = f.config(in); err != nil {
		return c, 0, fmt.Errorf("%w: %w", ErrImage, err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > MaxSide || c.Height > MaxSide || c.Width*c.Height > MaxPixels {
		return c, 0, fmt.Errorf("%w: it has %d × %d pixels", ErrImage, c.Width, c.Height)
	}
	if in, err = start(r); err != nil {
		return c, 0, err
	}
	if need = int64(c.Width) * int64(c.Height) * f.cost(in); need > maxDecoded {
		return c, 0, fmt.Errorf("%w: %d × %d pixels need too much memory in the way it is written", ErrImage, c.Width, c.Height)
	}
	return c, need, nil
}

// start returns a reader that begins at the start of a file.
func start(r io.ReadSeeker) (io.Reader, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the picture from its start: %w", err)
	}
	return bufio.NewReaderSize(r, 32<<10), nil
}

// What a decoder needs for a pixel, in bytes. Where the head cannot be read, the most; the decoder will not go far.
const (
	costGIF = 5 // the frame, and a canvas where it is smaller
	// A WebP's simple form needs little; lossless ones, and those with alpha or several frames, pass through two more pictures.
	costWebP, costRichWebP = 2, 12
	costJPEG, costPNG      = 28, 12
)

// jpegCost finds the frame header. One in passes keeps all its coefficients, four bytes each, until the last; four components, a
// printer's, are copied twice.
func jpegCost(r io.Reader) int64 {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return costJPEG
	}
	// Like the decoder: whatever stands before a marker is skipped, and a frame header is never in what a segment holds.
	in := bufio.NewReader(r)
	for range maxBlocks {
		marker, err := nextMarker(in)
		if err != nil {
			return costJPEG
		}
		if marker >= 0xd0 && marker <= 0xd9 || marker == 0x01 {
			continue // markers without a segment
		}
		if _, err := io.ReadFull(in, head[:2]); err != nil {
			return costJPEG
		}
		n := int64(binary.BigEndian.Uint16(head[:])) - 2
		if n < 0 {
			return costJPEG
		}
		if marker < 0xc0 || marker > 0xc2 {
			if _, err := io.CopyN(io.Discard, in, n); err != nil {
				return costJPEG
			}
			continue
		}
		var frame [6]byte
		if _, err := io.ReadFull(in, frame[:]); err != nil {
			return costJPEG
		}
		components := int64(frame[5])
		cost := components
		if components > 3 {
			cost *= 3
		}
		if marker == 0xc2 {
			cost += 4 * components
		}
		return cost
	}
	return costJPEG
}

func nextMarker(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		for b == 0xff {
			if b, err = in.ReadByte(); err != nil {
				return 0, err
			}
			if b != 0 && b != 0xff {
				return b, nil
			}
		}
	}
}

// pngCost reads the head: how many bits a channel has, which channels there are, and whether it is interlaced, which takes a second
// picture for each pass. Any picture may have a transparent colour, for which the decoder adds a channel.
func pngCost(r io.Reader) int64 {
	var head [29]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return costPNG
	}
	depth, colours, interlaced := head[24], head[25], head[28] != 0
	cost := int64(4)
	switch {
	case colours == 3:
		cost = 1
	case depth == 16:
		cost = 8
	}
	if interlaced {
		cost += (cost + 1) / 2
	}
	return cost
}

func webpCost(r io.Reader) int64 {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[12:]) != "VP8 " {
		return costRichWebP
	}
	return costWebP
}
