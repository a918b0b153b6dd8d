package cli

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/media/thumb"
)

func TestTheServersChildMakesSmallPictures(t *testing.T) {
	var drawing bytes.Buffer
	if err := png.Encode(&drawing, image.NewGray(image.Rect(0, 0, 1300, 200))); err != nil {
		t.Fatal(err)
	}
	open := func(b []byte) *os.File {
		name := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	small := thumbnailer()
	p, err := small(t.Context(), open(drawing.Bytes()))
	if err != nil || p.Width != 1300 || p.Height != 200 {
		t.Fatalf("%+v, %v", p, err)
	}
	if c, _, err := image.DecodeConfig(bytes.NewReader(p.Bytes)); err != nil || c.Width != thumb.Side {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := small(t.Context(), open([]byte("<svg/>"))); !errors.Is(err, thumb.ErrImage) || !strings.Contains(err.Error(), "format") {
		t.Errorf("%v", err)
	}
}

func TestTheHelpDoesNotOfferIt(t *testing.T) {
	var out, errOut bytes.Buffer
	Main([]string{"--help"}, &out, &errOut)
	if !strings.Contains(out.String(), "serve") || strings.Contains(out.String(), "thumbnail") {
		t.Errorf("%s", out.String())
	}
}
