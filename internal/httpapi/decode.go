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
	"time"

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

// readBody reads a JSON request body of at most limit bytes. An absent body is nil.
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
	return b, nil
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

// decode is DecodeStrict for bytes.
func decode(b []byte, v any) error {
	if err := checkJSON(b, reflect.TypeOf(v)); err != nil {
		return err
	}
	if b = bytes.TrimLeft(b, " \n\t\r"); b[0] != '{' {
		return fault.New(fault.RequestMalformed, "the body must be a JSON object")
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
