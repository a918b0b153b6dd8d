package jsontext

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Reader walks through a JSON text. Strings without escapes are parts of the text and keep it in memory. Everything may be
// null, which reads as zero. After an error every method returns zero, and End returns the error.
type Reader struct {
	s   string
	i   int
	buf []byte // where a text with escapes is put together
	err error
}

// NewReader returns a reader of a text, which must be UTF-8 throughout.
func NewReader(text string) Reader {
	r := Reader{s: text}
	if !utf8.ValidString(text) {
		r.stop(errors.New("the text is not UTF-8"))
	}
	return r
}

// End returns the first error, or that there is something behind the value.
func (r *Reader) End() error {
	if r.peek(); r.err == nil && r.i < len(r.s) {
		r.want("the end")
	}
	return r.err
}

// Key reads a key if it stands here letter by letter, with its brace or comma before it and its colon: the short way through
// what a Writer wrote.
func (r *Reader) Key(exactly string) bool {
	if !strings.HasPrefix(r.s[r.i:], exactly) {
		return false
	}
	r.i += len(exactly)
	return true
}

// Object begins an object and returns its first key. It is false for an empty object, for null and after an error.
func (r *Reader) Object() (key string, ok bool) {
	if r.peek() != '{' {
		if !r.Null() {
			r.want("an object")
		}
		return "", false
	}
	r.i++
	if r.peek() == '}' {
		r.i++
		return "", false
	}
	return r.key()
}

// Rest is Object, or inside an object Next.
func (r *Reader) Rest(inside bool) (key string, ok bool) {
	if inside {
		return r.Next()
	}
	return r.Object()
}

// Next returns the next key of the object whose value was read. It is false at the end of the object.
func (r *Reader) Next() (key string, ok bool) {
	switch r.peek() {
	case ',':
		r.i++
		return r.key()
	case '}':
		r.i++
	default:
		r.want("a comma or the end of the object")
	}
	return "", false
}

func (r *Reader) key() (string, bool) {
	if r.peek() != '"' {
		r.want("a key")
		return "", false
	}
	s := r.text()
	if r.peek() != ':' {
		r.want("a colon")
		return "", false
	}
	r.i++
	return s, true
}

// Array begins an array. It is false for an empty one, for null and after an error.
func (r *Reader) Array() bool {
	if r.peek() != '[' {
		if !r.Null() {
			r.want("an array")
		}
		return false
	}
	r.i++
	if r.peek() == ']' {
		r.i++
		return false
	}
	return true
}

// Element goes to the next element of the array after one was read. It is false at the end of the array.
func (r *Reader) Element() bool {
	switch r.peek() {
	case ',':
		r.i++
		return true
	case ']':
		r.i++
	default:
		r.want("a comma or the end of the array")
	}
	return false
}

// Null reads a null if there is one.
func (r *Reader) Null() bool { return r.peek() == 'n' && r.word("null") }

// Bool reads true or false.
func (r *Reader) Bool() bool {
	switch r.peek() {
	case 't':
		return r.word("true")
	case 'f':
		r.word("false")
	default:
		if !r.Null() {
			r.want("true or false")
		}
	}
	return false
}

// String reads a text.
func (r *Reader) String() string {
	if r.i >= len(r.s) || r.s[r.i] != '"' {
		if r.peek() != '"' {
			if !r.Null() {
				r.want("a text")
			}
			return ""
		}
	}
	return r.text()
}

// Int64 reads a whole number without fraction and exponent.
func (r *Reader) Int64() int64 {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		if !r.Null() {
			r.want("a whole number")
		}
		return 0
	}
	s, start := r.s, r.i
	i, n := start, int64(0)
	if s[i] == '-' {
		i++
	}
	first := i
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		n = 10*n + int64(s[i]-'0') // may overflow from the 19th digit on
	}
	switch {
	case i == first:
		r.want("a digit")
		return 0
	case i > first+1 && s[first] == '0':
		r.want("a number without zeros before it")
		return 0
	case i > first+18:
		var err error
		if n, err = strconv.ParseInt(s[start:i], 10, 64); err != nil {
			r.want("a whole number of 64 bits")
			return 0
		}
	case first > start:
		n = -n
	}
	r.i = i
	return n
}

// Int is Int64 for an int.
func (r *Reader) Int() int {
	n := r.Int64()
	if int64(int(n)) != n {
		r.want("a smaller number")
		return 0
	}
	return int(n)
}

// Float64 reads a number.
func (r *Reader) Float64() float64 {
	if r.Null() {
		return 0
	}
	n, err := strconv.ParseFloat(r.number(), 64)
	if err != nil {
		r.want("a number of 64 bits")
		return 0
	}
	return n
}

// number reads a number and returns its digits.
func (r *Reader) number() string {
	r.peek()
	start := r.i
	if r.at('-') {
		r.i++
	}
	if r.at('0') {
		r.i++
	} else {
		r.digits()
	}
	if r.at('.') {
		r.i++
		r.digits()
	}
	if r.at('e') || r.at('E') {
		if r.i++; r.at('+') || r.at('-') {
			r.i++
		}
		r.digits()
	}
	if r.err != nil {
		return "0"
	}
	return r.s[start:r.i]
}

func (r *Reader) digits() {
	start := r.i
	for r.i < len(r.s) && '0' <= r.s[r.i] && r.s[r.i] <= '9' {
		r.i++
	}
	if r.i == start {
		r.want("a digit")
	}
}

// Time reads a time as RFC 3339 has it.
func (r *Reader) Time() time.Time {
	if r.peek() != '"' {
		if !r.Null() {
			r.want("a time")
		}
		return time.Time{}
	}
	s := r.text()
	if t, ok := parseUTC(s); ok || r.err != nil {
		return t
	}
	var t time.Time
	err := t.UnmarshalText([]byte(s))
	if err == nil && (s[len("2006-01-02T1")] == ':' || s[len("2006-01-02T15:04:05")] == ',' || s[len(s)-1] != 'Z' && (s[len(s)-5:] >= "24:00" || s[len(s)-2:] >= "60")) {
		err = fmt.Errorf("%q is not RFC 3339", s) // package time takes more than that
	}
	if err != nil {
		r.stop(err)
		return time.Time{}
	}
	return t
}

// parseUTC reads what times in UTC look like. What it does not know may still be a time.
func parseUTC(s string) (time.Time, bool) {
	const form = "2006-01-02T15:04:05"
	n := len(s) - 1
	if n < len(form) || n > len(form)+10 || s[n] != 'Z' || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	wrong := false
	two := func(i int) int {
		a, b := s[i]-'0', s[i+1]-'0'
		wrong = wrong || a > 9 || b > 9
		return 10*int(a) + int(b)
	}
	year, month, day, hour, minute, second := 100*two(0)+two(2), two(5), two(8), two(11), two(14), two(17)
	nano := 0
	if n > len(form) {
		if s[len(form)] != '.' || n == len(form)+1 {
			return time.Time{}, false
		}
		for _, c := range []byte(s[len(form)+1 : n]) {
			wrong = wrong || c < '0' || c > '9'
			nano = 10*nano + int(c-'0')
		}
		for range len(form) + 10 - n {
			nano *= 10
		}
	}
	if wrong || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC)
	return t, day <= 28 || t.Day() == day
}

// maxDepth is how deep a value may be nested that is skipped or kept as it is; encoding/json has the same limit.
const maxDepth = 10000

// Raw reads any value and returns its text as it stands.
func (r *Reader) Raw() string {
	r.peek()
	s, start := r.s, r.i
	if r.Skip(); r.err != nil {
		return ""
	}
	return s[start:r.i]
}

// Skip reads any value and forgets it.
func (r *Reader) Skip() { r.skip(maxDepth) }

func (r *Reader) skip(depth int) {
	if depth == 0 {
		r.want("less depth")
		return
	}
	switch r.peek() {
	case '{':
		r.i++
		if r.peek() == '}' {
			r.i++
			return
		}
		r.skipMembers(depth)
	case '[':
		for more := r.Array(); more; more = r.Element() {
			r.skip(depth - 1)
		}
	case '"':
		r.skipText()
	case 't':
		r.word("true")
	case 'f':
		r.word("false")
	case 'n':
		r.word("null")
	default:
		r.number()
	}
}

func (r *Reader) skipMembers(depth int) {
	for {
		if r.skipText(); r.peek() != ':' {
			r.want("a colon")
			return
		}
		r.i++
		r.skip(depth - 1)
		switch r.peek() {
		case ',':
			r.i++
		case '}':
			r.i++
			return
		default:
			r.want("a comma or the end of the object")
			return
		}
	}
}

// skipText reads a quoted text and forgets it. Halves of surrogate pairs may be in it.
func (r *Reader) skipText() {
	if r.peek() != '"' {
		r.want("a quote")
		return
	}
	for r.i++; ; {
		r.i = quoteEnd(r.s, r.i)
		switch {
		case r.at('"'):
			r.i++
			return
		case !r.at('\\'):
			r.want("the end of the text")
			return
		case r.i+1 < len(r.s) && simple(r.s[r.i+1]) != 0:
			r.i += 2
		default:
			if _, ok := r.unit(); !ok {
				return
			}
		}
	}
}

// text reads a quoted text; the reader stands at its first quote.
func (r *Reader) text() string {
	start := r.i + 1
	end := quoteEnd(r.s, start)
	if end < len(r.s) && r.s[end] == '"' {
		r.i = end + 1
		return r.s[start:end]
	}
	r.i = end
	r.buf = append(r.buf[:0], r.s[start:r.i]...)
	for !r.at('"') {
		if !r.at('\\') {
			r.want("the end of the text")
			return ""
		}
		r.unescape()
		start = r.i
		r.i = quoteEnd(r.s, start)
		r.buf = append(r.buf, r.s[start:r.i]...)
	}
	r.i++
	return string(r.buf)
}

// unescape appends to buf what the escape stands for at which the reader stands.
func (r *Reader) unescape() {
	if r.i+1 < len(r.s) {
		if c := simple(r.s[r.i+1]); c != 0 {
			r.i += 2
			r.buf = append(r.buf, c)
			return
		}
	}
	c, ok := r.unit()
	if ok && utf16.IsSurrogate(c) {
		low, _ := r.unit()
		if c = utf16.DecodeRune(c, low); c == utf8.RuneError {
			r.want("two halves of a surrogate pair")
		}
	}
	r.buf = utf8.AppendRune(r.buf, c)
}

// unit reads one \u and its four digits.
func (r *Reader) unit() (rune, bool) {
	if r.i+6 <= len(r.s) && r.s[r.i] == '\\' && r.s[r.i+1] == 'u' {
		n := rune(0)
		for _, c := range []byte(r.s[r.i+2 : r.i+6]) {
			switch {
			case '0' <= c && c <= '9':
				n = n<<4 | rune(c-'0')
			case 'a' <= c|0x20 && c|0x20 <= 'f':
				n = n<<4 | rune(c|0x20-'a'+10)
			default:
				r.want("an escape")
				return 0, false
			}
		}
		r.i += 6
		return n, true
	}
	r.want("an escape")
	return 0, false
}

// simple is what a backslash and c stand for, 0 when they stand for nothing or for more to come.
func simple(c byte) byte {
	switch c {
	case '"', '\\', '/':
		return c
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return 0
}

// peek goes past white space and returns the byte there, 0 at the end.
func (r *Reader) peek() byte {
	for ; r.i < len(r.s); r.i++ {
		if c := r.s[r.i]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

func (r *Reader) at(c byte) bool { return r.i < len(r.s) && r.s[r.i] == c }

// word reads a word that must stand here.
func (r *Reader) word(s string) bool {
	if len(r.s)-r.i < len(s) || r.s[r.i:r.i+len(s)] != s {
		r.want(s)
		return false
	}
	r.i += len(s)
	return true
}

func (r *Reader) want(what string) { r.stop(fmt.Errorf("want %s at byte %d", what, r.i)) }

// stop keeps the first error and leaves nothing to read.
func (r *Reader) stop(err error) {
	if r.err == nil {
		r.err = err
	}
	r.s, r.i = "", 0
}
