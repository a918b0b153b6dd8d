package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind groups codes by what the caller can do about them. Only the HTTP edge maps kinds to status codes.
type Kind string

// The kinds. A code belongs to exactly one of them; see the catalogue.
const (
	Invalid         Kind = "invalid"         // the input is wrong; sending it again will not help
	Malformed       Kind = "malformed"       // the input could not even be read
	Unauthenticated Kind = "unauthenticated" // we do not know who asks
	Denied          Kind = "denied"          // we know, and they may not
	NotFound        Kind = "not_found"
	Conflict        Kind = "conflict" // the thing is in a state that refuses this
	Gone            Kind = "gone"
	TooLarge        Kind = "too_large"
	Limited         Kind = "limited"     // too often; RetryAfter says when
	Unavailable     Kind = "unavailable" // our side cannot right now; trying again is right
	Internal        Kind = "internal"    // a bug or a broken invariant; details stay in the log
)

// Error is an error with a stable code. Field is the dotted path of the offending input, or "".
// Detail is shown to the caller, so it never holds secrets, SQL or file names.
type Error struct {
	Code       Code
	Detail     string
	Field      string
	RetryAfter time.Duration
	// Others are further faults of the same input, reported together.
	Others []*Error
	cause  error
}

// New makes a fault of the given code. The detail says what failed, for which id, and what to do.
func New(code Code, detail string) *Error { return &Error{Code: code, Detail: detail} }

// Newf is New with formatting.
func Newf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// At returns a copy of e that names the offending field.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// After returns a copy of e that tells the caller when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Because returns a copy of e that wraps cause for the log; cause is never shown to the caller.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error implements error.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Detail
	if e.Field != "" {
		s += " (field " + e.Field + ")"
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the cause given to Because, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Kind returns the kind of the code; unknown codes are internal.
func (e *Error) Kind() Kind { return KindOf(e.Code) }

// As finds the fault inside err. An error without one is reported as internal, wrapping err.
func As(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New(InternalError, "something went wrong on our side").Because(err)
}

// Is reports whether err carries a fault with this code.
func Is(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// IsKind reports whether err carries a fault of this kind.
func IsKind(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind() == kind
}

// Collect gathers several field faults into one error, nil when there is none.
type Collect struct{ list []*Error }

// Add records a fault unless it is nil.
func (c *Collect) Add(e *Error) {
	if e != nil {
		c.list = append(c.list, e)
	}
}

// Err returns nil, the only fault, or the first fault carrying all others.
func (c *Collect) Err() error {
	switch len(c.list) {
	case 0:
		return nil
	case 1:
		return c.list[0]
	}
	first := *c.list[0]
	first.Others = c.list[1:]
	return &first
}
