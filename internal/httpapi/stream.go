package httpapi

import (
	"io"
	"net/http"
	"time"
)

const (
	// streamPause is how long a caller who sends a file may say nothing, and how long the first bytes may take.
	streamPause = time.Minute
	// streamPace is how many bytes a caller sends per second at least, on average. It is less than the slowest phone has, and
	// bounds how long a caller who drips can hold a connection.
	streamPace = 4 << 10
	// streamAnswer is how long the answer may take once the body has been read.
	streamAnswer = 2 * time.Minute
)

// Stream returns the request's body for a handler that takes bytes of any kind and length. Reading takes as long as the caller
// needs, as long as the bytes keep coming; the reader's limit of bytes is the handler's own business. Whoever stops reading before
// the end closes the connection with its answer.
func Stream(w http.ResponseWriter, r *http.Request) io.Reader {
	if r.Body == nil {
		return http.NoBody
	}
	return &stream{w: w, c: http.NewResponseController(w), body: r.Body, began: time.Now()}
}

type stream struct {
	w     http.ResponseWriter
	c     *http.ResponseController
	body  io.Reader
	began time.Time
	read  int64
	err   error
}

// Read implements io.Reader. Writers of tests know no deadlines.
func (s *stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.read == 0 {
		s.w.Header().Set("Connection", "close") // until the end has been seen
	}
	now := time.Now()
	until := s.began.Add(streamPause + time.Duration(s.read)*time.Second/streamPace)
	if pause := now.Add(streamPause); pause.Before(until) {
		until = pause
	}
	s.c.SetReadDeadline(until)
	n, err := s.body.Read(p)
	s.read += int64(n)
	s.c.SetWriteDeadline(time.Now().Add(streamAnswer)) // the server's own began with the request
	if err != nil {
		s.err = err
		if err == io.EOF {
			s.w.Header().Del("Connection")
			s.c.SetReadDeadline(time.Time{}) // it would cancel a handler that goes on
		}
	}
	return n, err
}
