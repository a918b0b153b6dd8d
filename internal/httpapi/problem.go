package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"parley/internal/fault"
)

const (
	problemType = "application/problem+json"
	jsonType    = "application/json"
	// statusClientGone is logged when the caller went away before there was an answer.
	statusClientGone = 499
)

// StatusOf is the HTTP status of a fault.
func StatusOf(f *fault.Error) int {
	switch f.Code {
	case fault.RequestMethod:
		return http.StatusMethodNotAllowed
	case fault.RequestMediaType:
		return http.StatusUnsupportedMediaType
	}
	switch f.Kind() {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Malformed:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Denied:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Gone:
		return http.StatusGone
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// problemOf makes the document for err and notes the error for the request's log line.
func problemOf(c *call, err error) *problem {
	if errors.Is(err, context.Canceled) && c.gone() {
		c.err = err
		return &problem{Status: statusClientGone, Code: string(fault.InternalError), RequestID: c.id}
	}
	f := fault.As(err)
	p := &problem{
		Type: c.base + "/docs/errors#" + string(f.Code), Title: fault.TitleOf(f.Code), Status: StatusOf(f), Detail: f.Detail,
		Code: string(f.Code), Field: f.Field, RequestID: c.id, headers: http.Header{},
	}
	c.err = err
	c.code = f.Code
	switch p.Status {
	case http.StatusInternalServerError:
		p.Type, p.Code, p.Title = c.base+"/docs/errors#"+string(fault.InternalError), string(fault.InternalError), fault.TitleOf(fault.InternalError)
		p.Detail, p.Field = "something went wrong on our side; quote the request id "+c.id, ""
		return p
	case http.StatusUnauthorized:
		challenge := `Bearer realm="parley"`
		if f.Code == fault.AuthInvalid {
			challenge += `, error="invalid_token"`
		}
		p.headers.Set("WWW-Authenticate", challenge)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		p.headers.Set("Retry-After", retryAfter(f.RetryAfter))
	}
	if len(f.Others) > 0 {
		p.Errors = append(p.Errors, problemFault{f.Field, string(f.Code), f.Detail})
		for _, o := range f.Others {
			p.Errors = append(p.Errors, problemFault{o.Field, string(o.Code), o.Detail})
		}
	}
	return p
}

// retryAfter is whole seconds, rounded up, at least 1.
func retryAfter(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

// WriteProblem answers with the problem document for err. It is the only way in which plain handlers report an error.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(callOf(r.Context()), err)
	h := w.Header()
	for k, v := range p.headers {
		h[k] = v
	}
	if p.Status == statusClientGone {
		w.WriteHeader(statusClientGone)
		return
	}
	h.Set("Cache-Control", "no-store")
	writeJSON(w, p.Status, problemType, p)
}

// WriteJSON answers with v as JSON.
func WriteJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	w.Header().Set("Cache-Control", "no-store")
	if err := writeJSON(w, status, jsonType, v); err != nil {
		WriteProblem(w, r, err)
	}
}

// writeJSON marshals first, so that an error can still become an answer, and writes in one go.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(b.Bytes()) // a failure means that the caller is gone
	return nil
}
