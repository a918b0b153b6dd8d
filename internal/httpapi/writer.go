package httpapi

import (
	"bufio"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// gzipFrom is the size in bytes from which JSON is worth compressing: below, it saves a packet or two and costs as much time as
// everything else that the edge does for a request.
const gzipFrom = 4096

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

// answerWriter notes status and size for the log line and compresses JSON whose first write is large. The header is held back
// until the first write, because only then it is known whether to compress.
type answerWriter struct {
	http.ResponseWriter
	gzipOK  bool
	status  int // 0 until WriteHeader
	sent    bool
	size    int64
	gz      *gzip.Writer
	hijackd bool
}

// WriteHeader implements http.ResponseWriter.
func (w *answerWriter) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status == 0 {
		w.status = status
	}
}

func (w *answerWriter) send(first []byte) {
	if w.sent {
		return
	}
	w.sent = true
	if w.status == 0 {
		w.status = http.StatusOK
	}
	h := w.Header()
	if kind := h.Get("Content-Type"); strings.HasPrefix(kind, jsonType) || strings.HasPrefix(kind, problemType) {
		h.Add("Vary", "Accept-Encoding")
		if w.gzipOK && len(first) >= gzipFrom && h.Get("Content-Encoding") == "" {
			h.Set("Content-Encoding", "gzip")
			h.Del("Content-Length")
			w.gz = gzipWriters.Get().(*gzip.Writer)
			w.gz.Reset(w.ResponseWriter)
		}
	}
	w.ResponseWriter.WriteHeader(w.status)
}

// Write implements http.ResponseWriter.
func (w *answerWriter) Write(p []byte) (int, error) {
	w.send(p)
	w.size += int64(len(p))
	if w.gz != nil {
		return w.gz.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// finish sends what is held back. It must be called once after the handler.
func (w *answerWriter) finish() {
	if w.hijackd {
		return
	}
	w.send(nil)
	if w.gz != nil {
		w.gz.Close() // a failure means that the caller is gone
		gzipWriters.Put(w.gz)
		w.gz = nil
	}
}

// Flush implements http.Flusher.
func (w *answerWriter) Flush() {
	w.send(nil)
	if w.gz != nil {
		w.gz.Flush()
	}
	http.NewResponseController(w.ResponseWriter).Flush() // not every writer can, and that is fine
}

// Hijack implements http.Hijacker.
func (w *answerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.hijackd, w.status = true, http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets http.ResponseController reach the deadlines.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// accepts reports whether an Accept-Encoding header allows the coding by name, other than with q=0.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		if !ok {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}
