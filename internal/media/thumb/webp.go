package thumb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/draw"
	"io"

	"golang.org/x/image/webp"
)

// maxFrame is how many bytes the first frame of a moving WebP may have.
const maxFrame = 32 << 20

// decodeWebP decodes a WebP; of a moving one, which the library does not know, the first frame.
func decodeWebP(r io.Reader) (image.Image, error) {
	// The head of a moving picture says so: "VP8X" with the bit of animation.
	var head [30]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), r)
	if n < len(head) || string(head[12:16]) != "VP8X" || head[20]&2 == 0 {
		return webp.Decode(whole)
	}
	var frame image.Image
	err = errors.New("it has no frame")
	webpChunks(whole, func(name string, n int64, body io.Reader) bool {
		if name != "ANMF" {
			return true
		}
		frame, err = firstFrame(n, body)
		return false
	})
	return frame, err
}

// firstFrame decodes the body of a chunk ANMF: where it stands on the canvas, and the chunks of a still picture.
func firstFrame(n int64, body io.Reader) (image.Image, error) {
	if n < 24 || n > maxFrame {
		return nil, errors.New("its first frame has no sensible size")
	}
	b, err := io.ReadAll(io.LimitReader(body, n))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) < n {
		return nil, io.ErrUnexpectedEOF
	}
	u24 := func(at int) int { return int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16 }
	x, y, w, h := 2*u24(0), 2*u24(3), u24(6)+1, u24(9)+1
	if w > MaxSide || h > MaxSide || w*h*costRichWebP > maxDecoded || x > MaxSide || y > MaxSide {
		return nil, errors.New("its first frame has too many pixels")
	}
	chunks := b[16:]
	var still bytes.Buffer
	still.WriteString("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00")
	flags := byte(0)
	if string(chunks[:4]) == "ALPH" {
		flags = 1 << 4
	}
	still.Write([]byte{flags, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), byte((w - 1) >> 16), byte(h - 1), byte((h - 1) >> 8), byte((h - 1) >> 16)})
	still.Write(chunks)
	binary.LittleEndian.PutUint32(still.Bytes()[4:], uint32(still.Len()-8))
	m, err := webp.Decode(&still)
	if err != nil {
		return nil, err
	}
	if x == 0 && y == 0 {
		return m, nil
	}
	at := image.NewNRGBA(image.Rect(x, y, x+w, y+h))
	draw.Draw(at, at.Bounds(), m, m.Bounds().Min, draw.Src)
	return at, nil
}

// webpChunks calls fn with each chunk of a WebP until it returns false.
func webpChunks(r io.Reader, fn func(name string, n int64, body io.Reader) bool) {
	if _, err := io.CopyN(io.Discard, r, 12); err != nil {
		return
	}
	var head [8]byte
	for range maxBlocks {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		body := &io.LimitedReader{R: r, N: n + n%2}
		if !fn(string(head[:4]), n, body) {
			return
		}
		if rest := body.N; rest > 0 {
			if skipped, err := io.Copy(io.Discard, body); err != nil || skipped < rest {
				return
			}
		}
	}
}
