package thumb

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var (
	red  = color.NRGBA{255, 0, 0, 255}
	blue = color.NRGBA{0, 0, 255, 255}
)

// halves is a picture whose left half is red and whose right half is blue.
func halves(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := red
			if x >= w/2 {
				c = blue
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exif is a block of metadata with an orientation and something that must not come out again.
func exif(order binary.ByteOrder, turn int) []byte {
	b := []byte("II*\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00*")
	}
	put16 := func(v int) { b = append(b, 0, 0); order.PutUint16(b[len(b)-2:], uint16(v)) }
	put32 := func(v int) { b = append(b, 0, 0, 0, 0); order.PutUint32(b[len(b)-4:], uint32(v)) }
	put32(8)
	put16(2)
	put16(0x010f) // the maker: a text that stands behind the directory
	put16(2)
	put32(8)
	put32(38)
	put16(tagOrientation)
	put16(3)
	put32(1)
	put16(turn)
	put16(0)
	put32(0)
	return append(b, "SECRET!\x00"...)
}

func withExifJPEG(b, block []byte) []byte {
	segment := append([]byte("Exif\x00\x00"), block...)
	head := []byte{0xff, 0xd8, 0xff, 0xe1, byte((len(segment) + 2) >> 8), byte(len(segment) + 2)}
	return append(append(head, segment...), b[2:]...)
}

func pngChunk(name string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// withChunkPNG puts a chunk behind the head of a PNG.
func withChunkPNG(b []byte, name string, body []byte) []byte {
	const head = 8 + 25
	out := append([]byte{}, b[:head]...)
	return append(append(out, pngChunk(name, body)...), b[head:]...)
}

func webpChunk(name string, body []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body)))
	out = append(out, body...)
	if len(body)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// pictureChunks are the chunks of a still WebP that hold its picture.
func pictureChunks(b []byte) (out []byte) {
	webpChunks(bytes.NewReader(b), func(name string, n int64, body io.Reader) bool {
		if name == "ALPH" || name == "VP8 " || name == "VP8L" {
			part := make([]byte, n)
			io.ReadFull(body, part)
			out = append(out, webpChunk(name, part)...)
		}
		return true
	})
	return out
}

func u24(v int) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }

// moving is an animated WebP on a canvas, whose first frame stands at a place.
func moving(w, h, x, y int, frames ...[]byte) []byte {
	chunks := [][]byte{webpChunk("VP8X", bytes.Join([][]byte{{2 | 16, 0, 0, 0}, u24(w - 1), u24(h - 1)}, nil)), webpChunk("ANIM", make([]byte, 6))}
	for _, f := range frames {
		chunks = append(chunks, webpChunk("ANMF", bytes.Join([][]byte{u24(x / 2), u24(y / 2), u24(39), u24(19), u24(100), {0}, pictureChunks(f)}, nil)))
	}
	return riff(chunks...)
}

func near(a, b color.Color) bool {
	r, g, bl, al := a.RGBA()
	r2, g2, b2, a2 := b.RGBA()
	off := func(x, y uint32) bool { return max(x, y)-min(x, y) > 0x3000 }
	return !off(r, r2) && !off(g, g2) && !off(bl, b2) && !off(al, a2)
}

func decode(t *testing.T, p *Picture) image.Image {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(p.Bytes))
	if err != nil {
		t.Fatalf("the small picture cannot be read: %v", err)
	}
	if m.Bounds().Dx() > Side || m.Bounds().Dy() > Side {
		t.Errorf("the small picture has %v", m.Bounds())
	}
	return m
}

func TestEveryFormatBecomesASmallPicture(t *testing.T) {
	palette := image.NewPaletted(image.Rect(0, 0, 40, 20), color.Palette{red, blue, color.Transparent})
	for i := range palette.Pix {
		palette.Pix[i] = byte(i % 40 / 20)
	}
	part := image.NewPaletted(image.Rect(20, 0, 40, 20), palette.Palette)
	for i := range part.Pix {
		part.Pix[i] = 1
	}
	animated := func(frames ...*image.Paletted) []byte {
		var b bytes.Buffer
		g := &gif.GIF{Config: image.Config{Width: 40, Height: 20}}
		for _, f := range frames {
			g.Image, g.Delay = append(g.Image, f), append(g.Delay, 10)
		}
		if err := gif.EncodeAll(&b, g); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	gray := image.NewGray16(image.Rect(0, 0, 40, 20))
	for _, c := range []struct {
		name        string
		bytes       []byte
		w, h        int
		left, right color.Color
		kind        string
	}{
		{"jpeg", asJPEG(t, halves(40, 20)), 40, 20, red, blue, "jpeg"},
		{"png", asPNG(t, halves(40, 20)), 40, 20, red, blue, "jpeg"},
		{"large png", asPNG(t, halves(2000, 1000)), 2000, 1000, red, blue, "jpeg"},
		{"a line", asPNG(t, halves(4000, 1)), 4000, 1, red, blue, "jpeg"},
		{"16 bit", asPNG(t, gray), 40, 20, color.Black, color.Black, "jpeg"},
		{"gif", animated(palette), 40, 20, red, blue, "jpeg"},
		{"moving gif", animated(palette, part, part), 40, 20, red, blue, "jpeg"},
		{"gif whose frame is a part", animated(part), 40, 20, color.Transparent, blue, "png"},
		{"lossy webp", sample(t, "lossy.webp"), 40, 20, red, blue, "jpeg"},
		{"webp with alpha", sample(t, "alpha.webp"), 40, 20, color.NRGBA{0, 255, 0, 255}, color.Transparent, "png"},
		{"lossless webp", sample(t, "lossless.webp"), 40, 20, color.NRGBA{0, 255, 0, 255}, color.Transparent, "png"},
		{"moving webp", moving(40, 20, 0, 0, sample(t, "lossy.webp"), sample(t, "lossless.webp")), 40, 20, red, blue, "jpeg"},
		{"moving webp with alpha", moving(40, 20, 0, 0, sample(t, "alpha.webp")), 40, 20, color.NRGBA{0, 255, 0, 255}, color.Transparent, "png"},
		{"moving lossless webp", moving(40, 20, 0, 0, sample(t, "lossless.webp")), 40, 20, color.NRGBA{0, 255, 0, 255}, color.Transparent, "png"},
		{"moving webp whose frame is a part", moving(80, 20, 40, 0, sample(t, "lossy.webp")), 80, 20, color.Transparent, blue, "png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Make(bytes.NewReader(c.bytes))
			if err != nil {
				t.Fatal(err)
			}
			if p.Width != c.w || p.Height != c.h {
				t.Errorf("%d × %d, want %d × %d", p.Width, p.Height, c.w, c.h)
			}
			m := decode(t, p)
			if _, kind, _ := image.DecodeConfig(bytes.NewReader(p.Bytes)); kind != c.kind {
				t.Errorf("it is a %s, want a %s", kind, c.kind)
			}
			w := m.Bounds().Dx()
			if l, r := m.At(w/8, 0), m.At(w-1-w/8, 0); !near(l, c.left) || !near(r, c.right) {
				t.Errorf("left %v, right %v, want %v and %v", l, r, c.left, c.right)
			}
		})
	}
}

func TestPicturesStandUpright(t *testing.T) {
	// The corners of the original: red, white above; blue, black below.
	m := image.NewNRGBA(image.Rect(0, 0, 64, 32))
	for y := range 32 {
		for x := range 64 {
			m.Set(x, y, [2][2]color.Color{{red, color.White}, {blue, color.Black}}[y/16][x/32])
		}
	}
	r, w, b, k := color.Color(red), color.Color(color.White), color.Color(blue), color.Color(color.Black)
	want := map[int][4]color.Color{ // upper left, upper right, lower left, lower right
		1: {r, w, b, k}, 2: {w, r, k, b}, 3: {k, b, w, r}, 4: {b, k, r, w},
		5: {r, b, w, k}, 6: {b, r, k, w}, 7: {k, w, b, r}, 8: {w, k, r, b},
	}
	for turn := 0; turn <= 9; turn++ {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			block := exif(order, turn)
			for name, original := range map[string][]byte{
				"jpeg": withExifJPEG(asJPEG(t, m), block),
				"png":  withChunkPNG(asPNG(t, m), "eXIf", block),
			} {
				p, err := Make(bytes.NewReader(original))
				if err != nil {
					t.Fatalf("%s, orientation %d: %v", name, turn, err)
				}
				wide := turn < 5 || turn > 8
				if (p.Width == 64) != wide || (p.Height == 32) != wide {
					t.Errorf("%s, orientation %d: %d × %d", name, turn, p.Width, p.Height)
				}
				corners, ok := want[turn]
				if !ok {
					corners = want[1]
				}
				got := decode(t, p)
				x, y := got.Bounds().Dx(), got.Bounds().Dy()
				for i, at := range []image.Point{{x / 8, y / 8}, {x - 1 - x/8, y / 8}, {x / 8, y - 1 - y/8}, {x - 1 - x/8, y - 1 - y/8}} {
					if !near(got.At(at.X, at.Y), corners[i]) {
						t.Errorf("%s, orientation %d: corner %d is %v, want %v", name, turn, i, got.At(at.X, at.Y), corners[i])
					}
				}
				if bytes.Contains(p.Bytes, []byte("SECRET")) || bytes.Contains(p.Bytes, []byte("Exif")) {
					t.Errorf("%s: metadata came through", name)
				}
			}
		}
	}
	for _, block := range [][]byte{exif(binary.LittleEndian, 6), append([]byte("Exif\x00\x00"), exif(binary.BigEndian, 6)...)} {
		if got := turnedWebP(bytes.NewReader(riff(webpChunk("VP8 ", []byte{1, 2, 3}), webpChunk("EXIF", block)))); got != 6 {
			t.Errorf("a WebP's orientation is read as %d", got)
		}
	}
}

// bomb is a small PNG that says it is large and has the pixels, packed.
func bomb(t testing.TB, side int) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	row := make([]byte, side/8+2)
	for range min(side, 2000) {
		if _, err := z.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(side)), uint32(side))
	return bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(head, 1, 0, 0, 0, 0)), pngChunk("IDAT", packed.Bytes()), pngChunk("IEND", nil)}, nil)
}

// refused are bytes that must not become a picture, by what is wrong with them.
func refused(t testing.TB) map[string][]byte {
	photo, drawing := asJPEG(t, halves(300, 200)), asPNG(t, halves(300, 200))
	noise := make([]byte, 4096)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(noise)
	return map[string][]byte{
		"nothing":                      {},
		"one byte":                     {0xff},
		"text":                         []byte("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
		"a bomb of 30000 × 30000":      bomb(t, 30000),
		"a JPEG of 65535 × 65535":      bytes.Replace(photo, []byte{0, 200, 1, 44}, []byte{0xff, 0xff, 0xff, 0xff}, 1),
		"a truncated JPEG":             photo[:len(photo)/2],
		"a truncated PNG":              drawing[:len(drawing)-40],
		"a truncated WebP":             sample(t, "lossy.webp")[:540],
		"only the first bytes of one":  photo[:12],
		"noise behind a JPEG's start":  append([]byte{0xff, 0xd8, 0xff}, noise...),
		"noise behind a GIF's start":   append([]byte("GIF89a"), noise...),
		"a script that begins as GIF":  []byte("GIF89a/*" + strings.Repeat("x", 100) + "*/=1;alert(1)"),
		"a moving WebP without frames": moving(40, 20, 0, 0),
		"a moving WebP with a frame that says it is larger than it may be": riff(webpChunk("VP8X", bytes.Join([][]byte{{2, 0, 0, 0}, u24(39), u24(19)}, nil)),
			webpChunk("ANMF", bytes.Join([][]byte{u24(0), u24(0), u24(1<<24 - 1), u24(1<<24 - 1), u24(1), {0}, pictureChunks(sample(t, "lossy.webp"))}, nil))),
		"a WebP of 16383 × 16383": riff(webpChunk("VP8L", []byte{0x2f, 0xfe, 0xbf, 0xff, 0x0f, 0, 0, 0})),
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	for name, b := range refused(t) {
		if p, err := Make(bytes.NewReader(b)); !errors.Is(err, ErrImage) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

func TestADecodersPanicIsABadImage(t *testing.T) {
	if _, err := Make(panics{bytes.NewReader(asPNG(t, halves(4, 4)))}); !errors.Is(err, ErrImage) || !strings.Contains(err.Error(), "its decoder failed") {
		t.Errorf("%v", err)
	}
}

type panics struct{ *bytes.Reader }

func (p panics) Read(b []byte) (int, error) {
	if len(b) > 100 {
		panic(fmt.Sprint("reading ", len(b)))
	}
	return p.Reader.Read(b)
}

// FuzzMake tries the whole way of a stranger's image: its size, its metadata, its decoder.
func FuzzMake(f *testing.F) {
	small := halves(8, 4)
	f.Add(asPNG(f, small))
	f.Add(withExifJPEG(asJPEG(f, small), exif(binary.BigEndian, 6)))
	f.Add(withChunkPNG(asPNG(f, small), "eXIf", exif(binary.LittleEndian, 8)))
	for _, name := range []string{"lossy.webp", "alpha.webp", "lossless.webp"} {
		f.Add(sample(f, name))
		f.Add(moving(40, 20, 2, 2, sample(f, name)))
	}
	var b bytes.Buffer
	if err := gif.Encode(&b, small, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	for _, bad := range refused(f) {
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 || large(data) {
			return // the limits are tested above; here a try should be quick
		}
		p, err := Make(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, ErrImage) {
				t.Errorf("an error that is not the image's: %v", err)
			}
			return
		}
		if p.Width < 1 || p.Height < 1 || p.Width*p.Height > MaxPixels || len(p.Bytes) == 0 || len(p.Bytes) > MaxBytes {
			t.Errorf("%d × %d, %d bytes", p.Width, p.Height, len(p.Bytes))
		}
		decode(t, p)
	})
}

// large reports whether the head of a picture names more than a million pixels.
func large(data []byte) bool {
	defer func() { _ = recover() }() // Make has to deal with it
	f, err := formatOf(bytes.NewReader(data))
	if err != nil {
		return false
	}
	c, err := f.config(bytes.NewReader(data))
	return err == nil && c.Width*c.Height > 1_000_000
}
