package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Problem is a refusal by the server.
type Problem struct {
	Status    int
	Code      string
	Detail    string
	Field     string
	RequestID string
	// Faults are all that is wrong, one text each, when it is more than one thing.
	Faults []string
}

// Error says what failed, then what helps to find it: the code, the field, the request.
func (p *Problem) Error() string {
	text := p.Detail
	if len(p.Faults) > 1 {
		text = strings.Join(p.Faults, "; ")
	}
	notes := []string{p.Code}
	if p.Field != "" && len(p.Faults) < 2 {
		notes = append(notes, p.Field)
	}
	if p.Status >= 500 && p.RequestID != "" {
		notes = append(notes, "request "+p.RequestID)
	}
	return text + " (" + strings.Join(notes, ", ") + ")"
}

// problemOf makes an error of an answer that is no success.
func problemOf(base string, res *http.Response, body []byte) error {
	if to := res.Header.Get("Location"); res.StatusCode >= 300 && res.StatusCode < 400 && to != "" {
		return fmt.Errorf("%s sends its callers elsewhere (%d, to %.200q): name that server", base, res.StatusCode, to)
	}
	var w wireProblem
	if err := json.Unmarshal(body, &w); err != nil || w.Code == "" {
		f := &foreign{base: base, status: res.StatusCode}
		f.begin, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
		return f
	}
	p := &Problem{Status: res.StatusCode, Code: w.Code, Detail: w.Detail, Field: w.Field, RequestID: w.RequestID}
	if p.Detail == "" {
		p.Detail = w.Title
	}
	for _, f := range w.Errors {
		text := f.Detail
		if f.Field != "" {
			text = f.Field + ": " + text
		}
		p.Faults = append(p.Faults, text)
	}
	return p
}

// foreign is an error answer that is not of Parley: a proxy's page, another program's.
type foreign struct {
	base   string
	status int
	begin  string
}

// Error implements error.
func (f *foreign) Error() string {
	return fmt.Sprintf("%s answered %d and not as Parley does: %.100q", f.base, f.status, f.begin)
}

// broken is a call without a whole answer.
type broken struct {
	base string
	err  error
}

// Error implements error.
func (b *broken) Error() string { return fmt.Sprintf("no answer from %s: %v", b.base, b.err) }

// Unwrap gives the cause.
func (b *broken) Unwrap() error { return b.err }

// Transient reports whether the same call may succeed later without anybody changing something: the server is away, busy or
// starting, or a proxy before it says so.
func Transient(err error) bool {
	if p, ok := errors.AsType[*Problem](err); ok {
		return passing(p.Status)
	}
	if f, ok := errors.AsType[*foreign](err); ok {
		return passing(f.status)
	}
	_, ok := errors.AsType[*broken](err)
	return ok
}

func passing(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}
