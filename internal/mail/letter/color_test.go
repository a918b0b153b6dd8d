package letter

import "testing"

func TestEveryBrandColourIsReadable(t *testing.T) {
	least := func(color, what string, a, b rgb, want float64) {
		t.Helper()
		if got := contrast(a, b); got < want {
			t.Errorf("%s: %s has a contrast of %.2f (%v on %v)", color, what, got, a, b)
		}
	}
	steps := []uint8{0, 40, 80, 128, 170, 215, 255}
	for _, r := range steps {
		for _, g := range steps {
			for _, b := range steps {
				c := rgb{r, g, b}.String()
				p := colors(c)
				if p.Stripe.String() != c {
					t.Fatalf("%s is read as %v", c, p.Stripe)
				}
				least(c, "the button's text", p.OnBrand, p.Brand, enough)
				least(c, "the name", p.Link, white, enough)
				least(c, "the name in the dark", p.DarkLink, darkCard, enough)
				least(c, "the button's border", p.Border, white, 1.5)
				least(c, "the button's border in the dark", p.DarkBorder, darkCard, 1.5)
				least(c, "what the contact said", ink, p.Own, enough)
				least(c, "small text in what the contact said", mute, p.Own, enough)
				least(c, "what the contact said, in the dark", darkInk, p.DarkOwn, enough)
				least(c, "small text in it, in the dark", darkMute, p.DarkOwn, enough)
				least(c, "the contact's ground", p.Own, white, seen)
				least(c, "the contact's ground in the dark", p.DarkOwn, darkCard, seen)
			}
		}
	}
	for _, text := range []rgb{ink, mute} {
		for _, on := range []rgb{white, pale, ground} {
			least("all", "text", text, on, enough)
		}
	}
	for _, text := range []rgb{darkInk, darkMute} {
		for _, on := range []rgb{darkCard, darkPale, darkPage} {
			least("all", "dark text", text, on, enough)
		}
	}
	least("all", "stars", rgb{0xb4, 0x5f, 0x06}, pale, 3)
	for _, odd := range []string{"", "red", "#fff", "#12345g", "#1234567", "url(x)"} {
		if colors(odd) != colors(indigo.String()) {
			t.Errorf("%q is a colour", odd)
		}
	}
}
