package thumb

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

const (
	// Side is the longest side of a small picture in pixels. Smaller originals are not made larger.
	Side = 640
	// MaxBytes is the greatest small picture in bytes that a child may hand back.
	MaxBytes = 4 << 20

	quality = 82
	// between is the longest side, in pixels, of a picture that is made small in one step.
	between = 4 * Side
)

// ErrImage is what every error is that the bytes themselves are the reason of: they are no picture of a known format, damaged, or
// too much to decode.
var ErrImage = errors.New("not a picture that can be shown")

// Picture is a small picture and what is known of its original.
type Picture struct {
	// Width and Height are of the original as it is looked at: turned as its metadata say.
	Width, Height int
	// Bytes are a JPEG, or a PNG where the original has transparent parts.
	Bytes []byte
}

// format is what an image is written in.
type format struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	// cost is how many bytes the decoder needs for a pixel.
	cost func(io.Reader) int64
	// turned finds the orientation that the metadata tell, 1 to 8; 1 where they tell none.
	turned func(io.Reader) int
}

// Make reads a PNG, JPEG, GIF or WebP and makes the small picture: the first frame of a moving one, turned upright. A panic of a
// decoder is an ErrImage too.
func Make(r io.ReadSeeker) (p *Picture, err error) {
	defer refuse(&err)
	f, err := formatOf(r)
	if err != nil {
		return nil, err
	}
	c, _, err := f.measure(r)
	if err != nil {
		return nil, err
	}
	in, err := start(r)
	if err != nil {
		return nil, err
	}
	turn := f.turned(in)
	if in, err = start(r); err != nil {
		return nil, err
	}
	m, err := f.decode(in)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	small := upright(shrink(m, image.Rect(0, 0, c.Width, c.Height)), turn)
	p = &Picture{Width: c.Width, Height: c.Height}
	if turn >= 5 {
		p.Width, p.Height = c.Height, c.Width
	}
	var out bytes.Buffer
	if small.Opaque() {
		err = jpeg.Encode(&out, small, &jpeg.Options{Quality: quality})
	} else {
		err = png.Encode(&out, small)
	}
	if err != nil {
		return nil, fmt.Errorf("write the small picture: %w", err)
	}
	p.Bytes = out.Bytes()
	return p, nil
}

// formatOf knows the format by the first bytes. Only these four are decoded: each decoder is a way in.
func formatOf(r io.ReadSeeker) (*format, error) {
	var head [12]byte
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the picture from its start: %w", err)
	}
	n, err := io.ReadFull(r, head[:])
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, fmt.Errorf("read the picture: %w", err)
	}
	b := head[:n]
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return &format{jpeg.DecodeConfig, jpeg.Decode, jpegCost, turnedJPEG}, nil
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return &format{png.DecodeConfig, png.Decode, pngCost, turnedPNG}, nil
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return &format{gif.DecodeConfig, gif.Decode, func(io.Reader) int64 { return costGIF }, func(io.Reader) int { return 1 }}, nil
	case len(b) == 12 && string(b[:4]) == "RIFF" && string(b[8:]) == "WEBP":
		return &format{webp.DecodeConfig, decodeWebP, webpCost, turnedWebP}, nil
	}
	return nil, fmt.Errorf("%w: its format is unknown", ErrImage)
}

// shrink draws what m shows of its canvas so that it fits into Side × Side. A frame may be smaller than its canvas: the rest is
// transparent.
func shrink(m image.Image, canvas image.Rectangle) *image.NRGBA {
	w, h := canvas.Dx(), canvas.Dy()
	if longest := max(w, h); longest > Side {
		w, h = max(1, w*Side/longest), max(1, h*Side/longest)
	}
	if m.Bounds() != canvas {
		whole := image.NewNRGBA(canvas)
		draw.Draw(whole, m.Bounds().Intersect(canvas), m, m.Bounds().Intersect(canvas).Min, draw.Src)
		m = whole
	}
	// The good scaler looks at every pixel, and keeps its sums of whole lines: of a very large picture it gets what a quicker one made
	// of it, still with several pixels for each of the small picture.
	if longest := max(canvas.Dx(), canvas.Dy()); longest > between {
		half := image.NewRGBA(image.Rect(0, 0, max(1, canvas.Dx()*between/longest), max(1, canvas.Dy()*between/longest)))
		draw.ApproxBiLinear.Scale(half, half.Bounds(), m, canvas, draw.Src, nil)
		m, canvas = half, half.Bounds()
	}
	// The scaler works with premultiplied colours.
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(small, small.Bounds(), m, canvas, draw.Src, nil)
	out := image.NewNRGBA(small.Bounds())
	draw.Draw(out, out.Bounds(), small, image.Point{}, draw.Src)
	return out
}

// upright turns and mirrors a picture as the orientation tag 1 to 8 of EXIF wants it to be looked at.
func upright(m *image.NRGBA, turn int) *image.NRGBA {
	if turn < 2 || turn > 8 {
		return m
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if turn >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewNRGBA(size)
	for y := range h {
		for x := range w {
			var to image.Point
			switch turn {
			case 2:
				to = image.Pt(w-1-x, y)
			case 3:
				to = image.Pt(w-1-x, h-1-y)
			case 4:
				to = image.Pt(x, h-1-y)
			case 5:
				to = image.Pt(y, x)
			case 6:
				to = image.Pt(h-1-y, x)
			case 7:
				to = image.Pt(h-1-y, w-1-x)
			case 8:
				to = image.Pt(y, w-1-x)
			}
			c, _ := m.At(x, y).(color.NRGBA)
			out.SetNRGBA(to.X, to.Y, c)
		}
	}
	return out
}
