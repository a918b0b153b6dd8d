package jsontext

import "math/bits"

// Texts are searched eight bytes at a time. A mask has the high bit of each byte set that is looked for. To subtract ones finds
// a zero, to subtract blanks a control character: both borrow from the byte above, which may then be marked by mistake, so only
// the lowest mark counts. They mark bytes beyond ASCII as well, which is either meant or taken back.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

func word(s string, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

// ends marks what quoteEnd looks for.
func ends(x uint64) uint64 {
	return ((x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)) &^ x & highs
}

// special marks what plain looks for. With html, " and & differ in one bit, < and > in another.
func special(x uint64, html bool) uint64 {
	m := x | (x - ones*' ') | ((x ^ ones*'\\') - ones)
	if html {
		m |= (((x | ones*4) ^ ones*'&') - ones) | (((x | ones*2) ^ ones*'>') - ones)
	} else {
		m |= (x ^ ones*'"') - ones
	}
	return m & highs
}

// quoteEnd is where, from i on, a quoted text has its next quote, backslash or control character, or len(s).
func quoteEnd(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if m := ends(word(s, i)); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// plain is where, from i on, a text has its next byte that may have to be escaped or is not ASCII, or len(s).
func plain(s string, i int, html bool) int {
	for ; i+8 <= len(s); i += 8 {
		if m := special(word(s, i), html); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	switch {
	case i == len(s):
	case len(s) >= 8:
		// The last eight without those before i. Zeros move up behind them, and the first of these is marked at len(s).
		last := len(s) - 8
		return i + bits.TrailingZeros64(special(word(s, last)>>(8*(i-last)), html))/8
	default:
		for ; i < len(s); i++ {
			if c := s[i]; !safe[c] || html && (c == '<' || c == '>' || c == '&') {
				return i
			}
		}
	}
	return i
}

// safe are the bytes that stand for themselves in a quoted text.
var safe = func() (is [256]bool) {
	for c := ' '; c < 0x80; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()
