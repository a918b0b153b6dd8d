package thumb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"
)

// flat is a JPEG of one colour, written by hand: of so many components, and, where scans is more than 0, in passes, of which so many
// say the same once more. A few bytes stand for many pixels.
func flat(w, h, components, scans int) []byte {
	var b bytes.Buffer
	segment := func(marker byte, body ...byte) {
		b.Write([]byte{0xff, marker})
		binary.Write(&b, binary.BigEndian, uint16(len(body)+2))
		b.Write(body)
	}
	table := func(class, symbol byte) []byte { // one code of one bit, 0
		return append(append([]byte{class, 1}, make([]byte, 15)...), symbol)
	}
	b.Write([]byte{0xff, 0xd8})
	if components == 4 {
		segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x02")...)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(components)}
	all := []byte{byte(components)}
	for c := range components {
		frame = append(frame, byte(c+1), 0x11, 0)
		all = append(all, byte(c+1), 0)
	}
	blocks := ((w + 7) / 8) * ((h + 7) / 8)
	segment(0xc4, table(0, 0)...)
	if scans == 0 {
		segment(0xc4, table(0x10, 0)...)
		segment(0xc0, frame...)
		segment(0xda, append(all, 0, 63, 0)...)
		b.Write(make([]byte, (blocks*components*2+7)/8))
	} else {
		segment(0xc4, table(0x10, 0xe0)...) // the end of this block and of the 16,383 after it
		segment(0xc2, frame...)
		segment(0xda, append(all, 0, 0, 0)...)
		b.Write(make([]byte, (blocks*components+7)/8))
		for i := range scans {
			segment(0xda, 1, byte(i%components+1), 0, 1, 63, 0)
			b.Write(make([]byte, (blocks/16384+1)*15/8+1))
		}
	}
	b.Write([]byte{0xff, 0xd9})
	return b.Bytes()
}

// headPNG is the start of a PNG, with the length of its head and nothing behind it.
func headPNG(w, h int, depth, colours, interlaced byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(head, depth, colours, 0, 0, interlaced))...)
	if colours == 3 {
		out = append(out, pngChunk("PLTE", make([]byte, 6))...)
	}
	return append(out, pngChunk("IDAT", nil)...)
}

func TestHowManyPixelsDependsOnHowTheyAreWritten(t *testing.T) {
	vp8x := func(flags byte, w, h int) []byte {
		return riff(webpChunk("VP8X", bytes.Join([][]byte{{flags, 0, 0, 0}, u24(w - 1), u24(h - 1)}, nil)))
	}
	for name, c := range map[string]struct {
		bytes     []byte
		ok, large bool
	}{
		"a small JPEG":                        {flat(800, 600, 3, 0), true, false},
		"a small progressive JPEG":            {flat(800, 600, 3, 1), true, false},
		"a photo of 12 megapixels":            {flat(4000, 3000, 3, 0), true, false},
		"a JPEG of 40 megapixels":             {flat(8000, 5000, 3, 0), true, true},
		"a JPEG of 41 megapixels":             {flat(8200, 5000, 3, 0), false, false},
		"a printer's JPEG of 40 megapixels":   {flat(8000, 5000, 4, 0), false, false},
		"a printer's JPEG of 20 megapixels":   {flat(5000, 4000, 4, 0), true, true},
		"a progressive JPEG of 16 megapixels": {flat(4000, 4000, 3, 1), true, true},
		"a progressive JPEG of 17 megapixels": {flat(4250, 4000, 3, 1), false, false},
		"one whose frame hides behind others": {bytes.Replace(flat(4250, 4000, 3, 1), []byte{0xff, 0xc2}, []byte("\xff\xe1\x00\x08\xff\xc0\x00\x02\x00\x00\x00\x00\xff\xff\xff\xc2"), 1), false, false},
		"a grey progressive JPEG of 40":       {flat(8000, 5000, 1, 1), true, true},
		"a PNG of 40 megapixels":              {headPNG(8000, 5000, 8, 6, 0), true, true},
		"a deep PNG of 40 megapixels":         {headPNG(8000, 5000, 16, 6, 0), false, false},
		"an interlaced PNG of 40 megapixels":  {headPNG(8000, 5000, 8, 6, 1), true, true},
		"an interlaced deep PNG of 25":        {headPNG(5000, 5000, 16, 6, 1), false, false},
		"a PNG of 40 megapixels in 2 colours": {headPNG(8000, 5000, 1, 3, 0), true, false},
		"a moving WebP of 20 megapixels":      {vp8x(2, 5000, 4000), true, true},
		"a moving WebP of 25 megapixels":      {vp8x(2, 5000, 5000), false, false},
	} {
		s, err := Check(bytes.NewReader(c.bytes))
		if (err == nil) != c.ok || err == nil && s.Large != c.large || err != nil && !errors.Is(err, ErrImage) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if !c.ok {
			if _, err := Make(bytes.NewReader(c.bytes)); !errors.Is(err, ErrImage) {
				t.Errorf("%s is decoded: %v", name, err)
			}
		}
	}
	if s, err := Check(bytes.NewReader(flat(800, 600, 3, 1))); err != nil || s.Width != 800 || s.Height != 600 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := Check(panics{bytes.NewReader(asPNG(t, halves(4, 4)))}); !errors.Is(err, ErrImage) {
		t.Errorf("a decoder's panic: %v", err)
	}
}

// A few kilobytes that keep a decoder busy for long are a picture that cannot be shown, soon.
func TestAPictureThatTakesTooLongIsRefused(t *testing.T) {
	slow := flat(3000, 3000, 3, 3000)
	if len(slow) > 200_000 {
		t.Errorf("it has %d bytes", len(slow))
	}
	if childTime > 3*time.Second || childWall > 15*time.Second {
		t.Errorf("somebody can keep a processor for %s and a place for %s", childTime, childWall)
	}
	run := child(200*time.Millisecond, program(t), "child", "works")
	if p, err := run(context.WithoutCancel(t.Context()), fileOf(t, slow)); !errors.Is(err, ErrImage) {
		t.Errorf("%v, %v", p, err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(flat(40, 20, 3, 2))
	f.Add(flat(40, 20, 4, 0))
	f.Add(headPNG(40, 20, 16, 6, 1))
	for _, name := range []string{"lossy.webp", "alpha.webp", "lossless.webp"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Check(bytes.NewReader(b))
		if err == nil && (s.Width < 1 || s.Height < 1 || s.Width*s.Height > MaxPixels) || err != nil && !errors.Is(err, ErrImage) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
