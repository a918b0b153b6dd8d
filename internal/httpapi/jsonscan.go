package httpapi

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"parley/internal/fault"
)

// CheckJSON refuses what decoders disagree about: invalid UTF-8, more than one value, keys twice in one object, nesting deeper
// than 32 (all request.malformed), and NUL characters (text.invalid at the field), which databases cannot store.
func CheckJSON(b []byte) error { return checkJSON(b, nil) }

// checkJSON is CheckJSON and, where t is not nil, refuses the fields that t does not have (request.unknown_field at each).
func checkJSON(b []byte, t reflect.Type) error {
	if !utf8.Valid(b) {
		return fault.New(fault.RequestMalformed, "the body is not valid UTF-8")
	}
	if !json.Valid(b) {
		var raw json.RawMessage
		return malformed(json.Unmarshal(b, &raw), len(b))
	}
	s := jsonScan{b: b}
	if err := s.value(t); err != nil {
		return err
	}
	return s.unknown.Err()
}

// jsonScan walks over JSON that is known to be valid, so it needs to look only at what decides.
type jsonScan struct {
	b       []byte
	i       int
	at      []jsonStep
	unknown fault.Collect
}

// jsonStep is one step of the way to the value: a key of an object, or an index of an array.
type jsonStep struct {
	key   string
	index int // -1 for a key
}

func (s *jsonScan) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\t' || s.b[s.i] == '\r') {
		s.i++
	}
}

func (s *jsonScan) value(t reflect.Type) error {
	s.space()
	switch s.b[s.i] {
	case '{':
		return s.object(t)
	case '[':
		return s.array(t)
	case '"':
		if _, nul := s.text(); nul {
			return fault.New(fault.TextInvalid, "the text holds a NUL character").At(s.path())
		}
	default: // a number or a word
		for s.i < len(s.b) && !strings.ContainsRune(",]} \n\t\r", rune(s.b[s.i])) {
			s.i++
		}
	}
	return nil
}

// enter refuses what is nested too deep.
func (s *jsonScan) enter() error {
	if len(s.at) == maxDepth {
		return fault.Newf(fault.RequestMalformed, "the JSON is nested deeper than %d levels", maxDepth).At(s.path())
	}
	s.i++
	s.space()
	return nil
}

func (s *jsonScan) object(t reflect.Type) error {
	if err := s.enter(); err != nil {
		return err
	}
	fields, elem := members(t)
	var few [16]string
	keys := few[:0]
	var many map[string]bool // beyond 16 keys; a linear search would invite objects with thousands
	top := len(s.at)
	s.at = append(s.at, jsonStep{index: -1})
	for s.b[s.i] != '}' {
		raw, nul := s.text()
		key := unquote(raw)
		s.at[top].key = key
		twice := many[key]
		for _, k := range keys {
			twice = twice || k == key
		}
		if twice {
			return fault.New(fault.RequestMalformed, "a key occurs twice in one object").At(s.path())
		}
		if nul {
			return fault.New(fault.TextInvalid, "a key holds a NUL character").At(s.path())
		}
		if len(keys) < len(few) {
			keys = append(keys, key)
		} else {
			if many == nil {
				many = map[string]bool{}
			}
			many[key] = true
		}
		next := elem
		if fields != nil {
			var ok bool
			if next, ok = fields[key]; !ok {
				s.unknown.Add(fault.New(fault.RequestUnknownField, "this call does not know the field").At(s.path()))
			}
		}
		s.space()
		s.i++ // the colon
		if err := s.value(next); err != nil {
			return err
		}
		s.separator()
	}
	s.i++
	s.at = s.at[:top]
	return nil
}

func (s *jsonScan) array(t reflect.Type) error {
	if err := s.enter(); err != nil {
		return err
	}
	elem := element(t)
	top := len(s.at)
	s.at = append(s.at, jsonStep{})
	for s.b[s.i] != ']' {
		if err := s.value(elem); err != nil {
			return err
		}
		s.separator()
		s.at[top].index++
	}
	s.i++
	s.at = s.at[:top]
	return nil
}

// separator skips what stands between two members, if anything does.
func (s *jsonScan) separator() {
	s.space()
	if s.b[s.i] == ',' {
		s.i++
		s.space()
	}
}

// text skips a string and returns it with its quotes, and whether a NUL is in it.
func (s *jsonScan) text() (raw []byte, nul bool) {
	from := s.i
	for s.i++; s.b[s.i] != '"'; s.i++ {
		if s.b[s.i] != '\\' {
			continue
		}
		s.i++
		if s.b[s.i] == 'u' && string(s.b[s.i+1:s.i+5]) == "0000" {
			nul = true
		}
	}
	s.i++
	return s.b[from:s.i], nul
}

func unquote(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	if !strings.ContainsRune(string(inner), '\\') {
		return string(inner)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return string(inner) // not possible in valid JSON
	}
	return text
}

func (s *jsonScan) path() string {
	var b strings.Builder
	for _, step := range s.at {
		if step.index >= 0 {
			b.WriteString("[" + strconv.Itoa(step.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(fieldName(step.key))
	}
	return b.String()
}

// fieldName keeps a foreign key from filling an error document.
func fieldName(key string) string {
	key = strings.ReplaceAll(key, "\x00", "")
	if len(key) > 64 {
		cut := 64
		for !utf8.RuneStart(key[cut]) {
			cut--
		}
		key = key[:cut]
	}
	return key
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// plain follows pointers to the type that a decoder fills field by field; nil when the type decodes itself.
func plain(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		if t.Implements(unmarshaler) {
			return nil
		}
		t = t.Elem()
	}
	if t == nil || t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		return nil
	}
	return t
}

// members returns the fields of a struct, or the type of a map's values. Both are nil where anything is allowed, and for a type
// that is no object at all, which the decoder reports.
func members(t reflect.Type) (fields map[string]reflect.Type, elem reflect.Type) {
	t = plain(t)
	if t == nil {
		return nil, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return jsonFields(t), nil
	case reflect.Map:
		return nil, t.Elem()
	}
	return nil, nil
}

func element(t reflect.Type) reflect.Type {
	t = plain(t)
	if t == nil || t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
		return nil
	}
	return t.Elem()
}

// fieldsOf remembers jsonFields of the request types, of which a program has some dozens.
var fieldsOf sync.Map // reflect.Type → map[string]reflect.Type

func jsonFields(t reflect.Type) map[string]reflect.Type {
	if known, ok := fieldsOf.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	out := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		out[name] = f.Type
	}
	fieldsOf.Store(t, out)
	return out
}
