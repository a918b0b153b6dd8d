package jsontext

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Writer appends JSON to Buf. The first error stays in Err; what is written after it is of no use.
type Writer struct {
	Buf []byte
	// HTML escapes <, > and & in texts, as encoding/json does unless it is told not to.
	HTML bool
	Err  error
}

// Text appends s as it is: keys, commas, brackets.
func (w *Writer) Text(s string) { copy(w.room(len(s)), s) }

// room makes Buf n bytes longer and returns these. Unlike append it writes no pointer while there is room, which costs something
// whenever the garbage collector is at work.
func (w *Writer) room(n int) []byte {
	end := len(w.Buf)
	if cap(w.Buf)-end < n {
		w.Buf = slices.Grow(w.Buf, n)
	}
	w.Buf = w.Buf[:end+n]
	return w.Buf[end:]
}

// Null appends null.
func (w *Writer) Null() { w.Buf = append(w.Buf, "null"...) }

// Bool appends true or false.
func (w *Writer) Bool(v bool) { w.Buf = strconv.AppendBool(w.Buf, v) }

// Int appends a whole number.
func (w *Writer) Int(v int64) { w.Buf = strconv.AppendInt(w.Buf, v, 10) }

// Float appends a number: without exponent where ES6 has none, and the exponent without a leading zero.
func (w *Writer) Float(v float64) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		w.fail(fmt.Errorf("JSON has no number %v", v))
		return
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	w.Buf = strconv.AppendFloat(w.Buf, v, format, -1, 64)
	if n := len(w.Buf); format == 'e' && string(w.Buf[n-4:n-1]) == "e-0" {
		w.Buf = append(w.Buf[:n-2], w.Buf[n-1])
	}
}

// Time appends a time as RFC 3339 has it, with its zone and as many digits as it needs.
func (w *Writer) Time(t time.Time) {
	b, err := t.AppendText(append(w.Buf, '"'))
	if err != nil {
		w.fail(err)
		return
	}
	w.Buf = append(b, '"')
}

// String appends a quoted text. Bytes that are no UTF-8 become U+FFFD.
func (w *Writer) String(s string) {
	first := plain(s, 0, w.HTML)
	if first < len(s) {
		w.escape(s, first)
		return
	}
	b := w.room(len(s) + 2)
	b[0] = '"'
	copy(b[1:], s)
	b[len(b)-1] = '"'
}

// escape is String for a text whose byte i may not stand for itself.
func (w *Writer) escape(s string, i int) {
	b := append(w.Buf, '"')
	start := 0
	for ; i < len(s); i = plain(s, i, w.HTML) {
		c := s[i]
		if c < utf8.RuneSelf {
			b = escaped(append(b, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + 1
		case r == '\u2028' || r == '\u2029': // ends of lines for JavaScript
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hex[r&0xF])
			start = i + size
		}
		i += size
	}
	w.Buf = append(append(b, s[start:]...), '"')
}

const hex = "0123456789abcdef"

// escaped appends the escape of a character of ASCII.
func escaped(b []byte, c byte) []byte {
	switch c {
	case '\\', '"':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
}

// Raw appends a JSON text without its white space; an empty one is an empty object. A text that is no JSON is an error.
func (w *Writer) Raw(s string) {
	if s == "" || s == "{}" {
		w.Text("{}")
		return
	}
	r := Reader{s: s}
	r.Skip()
	if err := r.End(); err != nil {
		w.fail(err)
		return
	}
	b, start, quoted := w.Buf, 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++ // what it escapes is no end
		case c == '"':
			quoted = !quoted
		case !quoted && c <= ' ':
			b = append(b, s[start:i]...)
			start = i + 1
		case w.HTML && (c == '<' || c == '>' || c == '&'):
			b = escaped(append(b, s[start:i]...), c)
			start = i + 1
		case w.HTML && c == 0xE2 && i+2 < len(s) && s[i+1] == 0x80 && s[i+2]&^1 == 0xA8: // U+2028 and U+2029
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hex[s[i+2]&0xF])
			start = i + 3
		}
	}
	w.Buf = append(b, s[start:]...)
}

// EndObject closes an object whose keys, each written with a comma before it, begin at start: for objects that may be empty.
func (w *Writer) EndObject(start int) {
	if len(w.Buf) == start {
		w.Text("{}")
		return
	}
	w.Buf[start] = '{'
	w.Text("}")
}

func (w *Writer) fail(err error) {
	if w.Err == nil {
		w.Err = err
	}
}
