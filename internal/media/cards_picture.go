package media

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"parley/internal/media/thumb"
)

const (
	// cardSide is the longest side of a card's picture in pixels, and cardPictureBytes the greatest picture in bytes: it is kept for as
	// long as a message shows the card.
	cardSide         = 320
	cardPictureBytes = 60 << 10
)

// cardQualities are tried one after the other until a picture is small enough.
var cardQualities = []int{82, 65, 45, 25}

// smaller makes the picture of a card out of a small picture that a child made: a JPEG on white.
func smaller(made []byte) ([]byte, image.Point, error) {
	// The child read a stranger's bytes. Its answer is not believed to be as small as it should be.
	config, decode := jpeg.DecodeConfig, jpeg.Decode
	if bytes.HasPrefix(made, []byte("\x89PNG")) {
		config, decode = png.DecodeConfig, png.Decode
	}
	c, err := config(bytes.NewReader(made))
	if err != nil {
		return nil, image.Point{}, fmt.Errorf("read a small picture: %w", err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > thumb.Side || c.Height > thumb.Side {
		return nil, image.Point{}, fmt.Errorf("a small picture has %d × %d pixels", c.Width, c.Height)
	}
	m, err := decode(bytes.NewReader(made))
	if err != nil {
		return nil, image.Point{}, fmt.Errorf("read a small picture: %w", err)
	}
	size := image.Pt(c.Width, c.Height)
	if longest := max(size.X, size.Y); longest > cardSide {
		size = image.Pt(max(1, size.X*cardSide/longest), max(1, size.Y*cardSide/longest))
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.BiLinear.Scale(out, out.Bounds(), m, m.Bounds(), draw.Over, nil)
	for _, q := range cardQualities {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, out, &jpeg.Options{Quality: q}); err != nil {
			return nil, image.Point{}, fmt.Errorf("write the picture: %w", err)
		}
		if b.Len() <= cardPictureBytes {
			return b.Bytes(), size, nil
		}
	}
	return nil, image.Point{}, errors.New("it is too large however it is written")
}
