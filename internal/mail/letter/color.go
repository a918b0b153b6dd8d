package letter

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// rgb is a colour.
type rgb [3]uint8

// The colours of the mail's surfaces; the widget's own colour comes on top of them. They are those of the messenger.
var (
	white    = rgb{255, 255, 255} // the card
	ink      = rgb{28, 31, 38}
	mute     = rgb{90, 97, 112}   // small text
	pale     = rgb{241, 242, 245} // the ground of what others than the contact said
	ground   = rgb{243, 244, 247} // of the page
	indigo   = rgb{79, 70, 229}   // for a widget without a colour
	darkCard = rgb{24, 26, 32}
	darkInk  = rgb{236, 238, 243}
	darkMute = rgb{163, 168, 182}
	darkPale = rgb{39, 42, 51}
	darkPage = rgb{16, 18, 23}
)

// enough is the contrast of readable text (WCAG 2, level AA).
const enough = 4.5

var hex6 = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func parseColor(s string) rgb {
	if !hex6.MatchString(s) {
		return indigo
	}
	v, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		return indigo
	}
	return rgb{uint8(v >> 16), uint8(v >> 8), uint8(v)}
}

// String is the colour as style sheets write it.
func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

func (c rgb) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// contrast is from 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := a.luminance()+0.05, b.luminance()+0.05
	return max(la, lb) / min(la, lb)
}

// mix is a share of to in from.
func mix(from, to rgb, share float64) (out rgb) {
	for i := range out {
		out[i] = uint8(math.Round(float64(from[i]) + (float64(to[i])-float64(from[i]))*share))
	}
	return out
}

// readable is the nearest shade of c, moved towards another colour, that can be read on a surface.
func readable(c, on, towards rgb) rgb {
	for step := range 50 {
		if shade := mix(c, towards, float64(step)/50); contrast(shade, on) >= enough {
			return shade
		}
	}
	return towards
}

// palette is what a mail makes of the widget's colour.
type palette struct {
	Stripe             rgb
	Link, DarkLink     rgb
	Brand, OnBrand     rgb // a button and its text
	Border, DarkBorder rgb // around the button, seen where the card has nearly the same colour
	Own, DarkOwn       rgb // the ground of what the contact said
}

// colors makes a palette. As in the messenger, white text on a middling brand colour makes that a little darker, and a really light one
// keeps its colour and gets dark text.
func colors(color string) palette {
	given := parseColor(color)
	text, away := white, ink
	if contrast(given, white) < 3 {
		text, away = ink, white
	}
	brand := readable(given, text, away)
	return palette{
		Stripe: given, Link: readable(given, white, ink), DarkLink: readable(given, darkCard, white),
		Brand: brand, OnBrand: text, Border: border(brand, white, ink), DarkBorder: border(brand, darkCard, white),
		Own: tint(given, white, mute, 0.12, rgb{228, 231, 237}), DarkOwn: tint(given, darkCard, darkMute, 0.28, rgb{54, 58, 69}),
	}
}

// border is the colour around a button of the colour c: its own, or the nearest shade that is seen on the card.
func border(c, card, towards rgb) rgb {
	shade := c
	for step := 1; step <= 20 && contrast(shade, card) < 1.5; step++ {
		shade = mix(c, towards, float64(step)/20)
	}
	return shade
}

const (
	seen     = 1.04 // the least contrast of grounds that differ
	wellSeen = 1.08
)

// tint is the card's colour with a share of c in it: more where it would hardly be seen, less where small text could not be read. A colour
// that gives no ground that is seen, like white on white, is replaced by instead.
func tint(c, card, text rgb, share float64, instead rgb) rgb {
	for share > 0 && contrast(text, mix(card, c, share)) < enough {
		share -= 0.01
	}
	t := mix(card, c, max(share, 0))
	for contrast(t, card) < wellSeen && share < 1 {
		share += 0.02
		more := mix(card, c, min(share, 1))
		if contrast(text, more) < enough {
			break
		}
		t = more
	}
	if contrast(t, card) < seen {
		return instead
	}
	return t
}
