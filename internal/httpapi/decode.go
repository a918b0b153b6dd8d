package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/fault"
)

const (
	// MaxBody is the greatest request body, in bytes, unless an operation says otherwise.
	MaxBody = 256 << 10
	// maxDepth is how deep JSON may be nested.
	maxDepth = 32
	// bodyTime is how long a caller may take to send a body.
	bodyTime = 30 * time.Second
)

// readBody reads a JSON request body of at most limit bytes and checks it (see CheckJSON). An absent body is nil.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	tooLarge := fault.Newf(fault.RequestTooLarge, "the body is larger than %d bytes", limit)
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return nil, tooLarge
	}
	c := http.NewResponseController(w)
	// The deadline is lifted again: it would cancel a handler that waits. Writers of tests know no deadlines.
	c.SetReadDeadline(time.Now().Add(bodyTime))
	defer c.SetReadDeadline(time.Time{})
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, tooLarge
		}
		return nil, fault.New(fault.RequestMalformed, "the body could not be read to its end").Because(err)
	}
	if len(b) == 0 {
		return nil, nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != jsonType {
		return nil, fault.New(fault.RequestMediaType, "send the body as application/json")
	}
	return b, CheckJSON(b)
}

// CheckJSON refuses what decoders disagree about: invalid UTF-8, more than one value, keys twice in one object, nesting deeper
// than 32 (all request.malformed), and NUL characters (text.invalid at the field), which databases cannot store.
func CheckJSON(b []byte) error {
	if !utf8.Valid(b) {
		return fault.New(fault.RequestMalformed, "the body is not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var s jsonScan
	for {
		t, err := d.Token()
		if err != nil {
			return malformed(err, len(b))
		}
		if err := s.token(t); err != nil {
			return err
		}
		if len(s.stack) == 0 {
			break
		}
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.New(fault.RequestMalformed, "there is something after the JSON value")
	}
	return nil
}

func malformed(err error, length int) error {
	detail := "the body is not valid JSON"
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		detail = fmt.Sprintf("the body is not valid JSON, at byte %d", se.Offset)
	} else if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		detail = fmt.Sprintf("the JSON ends too early, after %d bytes", length)
	}
	return fault.New(fault.RequestMalformed, detail)
}

// jsonScan follows a stream of tokens and knows where it is.
type jsonScan struct{ stack []jsonLevel }

type jsonLevel struct {
	keys  map[string]bool // nil for an array
	key   string          // the current key
	value bool            // the next token is a value of key
	index int
}

func (s *jsonScan) token(t json.Token) error {
	var top *jsonLevel
	if n := len(s.stack); n > 0 {
		top = &s.stack[n-1]
	}
	switch v := t.(type) {
	case json.Delim:
		switch v {
		case '{', '[':
			if len(s.stack) == maxDepth {
				return fault.Newf(fault.RequestMalformed, "the JSON is nested deeper than %d levels", maxDepth).At(s.path())
			}
			l := jsonLevel{}
			if v == '{' {
				l.keys = map[string]bool{}
			}
			s.stack = append(s.stack, l)
			return nil
		default:
			s.stack = s.stack[:len(s.stack)-1]
			s.done()
			return nil
		}
	case string:
		if top != nil && top.keys != nil && !top.value {
			twice := top.keys[v]
			top.keys[v], top.key, top.value = true, v, true
			if twice {
				return fault.New(fault.RequestMalformed, "a key occurs twice in one object").At(s.path())
			}
			if strings.ContainsRune(v, 0) {
				return fault.New(fault.TextInvalid, "a key holds a NUL character").At(s.path())
			}
			return nil
		}
		if strings.ContainsRune(v, 0) {
			return fault.New(fault.TextInvalid, "the text holds a NUL character").At(s.path())
		}
	}
	s.done()
	return nil
}

// done notes that a value of the innermost level is complete.
func (s *jsonScan) done() {
	if n := len(s.stack); n > 0 {
		s.stack[n-1].value = false
		s.stack[n-1].index++
	}
}

func (s *jsonScan) path() string {
	var b strings.Builder
	for _, l := range s.stack {
		switch {
		case l.keys == nil:
			b.WriteString("[" + strconv.Itoa(l.index) + "]")
		case l.value:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(fieldName(l.key))
		}
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

// DecodeStrict reads the request's JSON body into v, a pointer to a struct with json tags. Besides what CheckJSON refuses it
// refuses fields that v does not have, matching names exactly (request.unknown_field at the field), values of a wrong type
// (field.invalid at the field), an absent body, another content type and more than MaxBody bytes.
func DecodeStrict(w http.ResponseWriter, r *http.Request, v any) error {
	b, err := readBody(w, r, MaxBody)
	if err != nil {
		return err
	}
	if b == nil {
		return fault.New(fault.RequestMalformed, "a JSON body is required")
	}
	return decode(b, v)
}

// decode is DecodeStrict for bytes that passed CheckJSON.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return malformed(err, len(b))
	}
	if _, ok := tree.(map[string]any); !ok {
		return fault.New(fault.RequestMalformed, "the body must be a JSON object")
	}
	var unknown fault.Collect
	findUnknown(&unknown, tree, reflect.TypeOf(v), "")
	if err := unknown.Err(); err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fault.Newf(fault.FieldInvalid, "expected %s, not %s", kindName(te.Type), te.Value).At(te.Field)
		}
		if _, ok := errors.AsType[*fault.Error](err); ok {
			return err
		}
		return fault.New(fault.RequestInvalid, "a value of the body is not acceptable").Because(err)
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// findUnknown collects the keys of tree that type t has no field for.
func findUnknown(out *fault.Collect, tree any, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		if t.Implements(unmarshaler) {
			return
		}
		t = t.Elem()
	}
	if t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		return
	}
	switch v := tree.(type) {
	case map[string]any:
		var fields map[string]reflect.Type
		switch t.Kind() {
		case reflect.Struct:
			fields = jsonFields(t)
		case reflect.Map:
		default:
			return // a wrong type, which the decoder reports
		}
		for _, key := range sortedKeys(v) {
			at := fieldName(key)
			if path != "" {
				at = path + "." + at
			}
			if fields == nil {
				findUnknown(out, v[key], t.Elem(), at)
				continue
			}
			ft, ok := fields[key]
			if !ok {
				out.Add(fault.New(fault.RequestUnknownField, "this call does not know the field").At(at))
				continue
			}
			findUnknown(out, v[key], ft, at)
		}
	case []any:
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return
		}
		for i, item := range v {
			findUnknown(out, item, t.Elem(), path+"["+strconv.Itoa(i)+"]")
		}
	}
}

func jsonFields(t reflect.Type) map[string]reflect.Type {
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
	return out
}

func kindName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "an array"
	}
	return "an object"
}
