package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
)

const (
	// servePause is how long the other side may take for one part of a file, some kilobytes.
	servePause = time.Minute
	// servePace is how many bytes per second it takes at least, on average. It is less than the slowest phone does, and bounds how long
	// somebody who reads drop by drop can hold a connection and a file.
	servePace = 4 << 10
	// fetchingAgain is when a file that is still being fetched may be asked for again.
	fetchingAgain = 2 * time.Second
)

// policy keeps whatever the bytes are from being a page: no scripts, no requests, an origin of its own.
const policy = "sandbox; default-src 'none'; frame-ancestors *; base-uri 'none'; form-action 'none'"

// pdfPolicy is policy without the sandbox, in which browsers do not start the viewer that shows a PDF. The viewer gives documents no
// access to the page's origin.
const pdfPolicy = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

// Handler serves GET and HEAD /media/{key}/{name} as Links makes them. It needs no login: the signature is the permission. problem
// writes the answer where there is no file to give: media.not_found, media.link_expired, media.fetching.
func (d *Desk) Handler(problem func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Pages of every site that carries the widget show files, and their addresses are secrets.
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if err := d.serve(w, r); err != nil {
			problem(w, r, err)
		}
	})
}

func (d *Desk) serve(w http.ResponseWriter, r *http.Request) error {
	key, q := r.PathValue("key"), r.URL.Query()
	notFound := fault.New(fault.MediaNotFound, "there is no file at this address")
	end, err := strconv.ParseInt(q.Get("e"), 10, 64)
	if err != nil {
		return notFound
	}
	variant := q.Get("v")
	if !d.Links.signed(key, variant, end, q.Get("s")) {
		return notFound
	}
	left := time.Unix(end, 0).Sub(d.DB.Now())
	if left < 0 {
		return fault.New(fault.MediaExpired, "this address of the file has expired; reload the conversation to get a new one")
	}
	var file servable
	err = d.DB.View(r.Context(), func(_ context.Context, tx *db.Tx) error {
		file, err = getServable(tx, key)
		return err
	})
	switch {
	case errors.Is(err, db.ErrNoRows):
		return notFound
	case err != nil:
		return fmt.Errorf("read file %s: %w", key, err)
	case file.State == event.MediaFetching:
		return fault.New(fault.MediaFetching, "the file is still being fetched").After(fetchingAgain)
	case file.State != event.MediaStored, variant == variantThumb && file.thumb == 0:
		return notFound
	}
	stored, size := key, file.Size
	if variant == variantThumb {
		stored, size = thumbOf(key), file.thumb
	}
	// A storage that does not answer is not waited for longer than the other side may take.
	ctx, cancel := context.WithTimeout(r.Context(), slowest(size))
	defer cancel()
	body := &content{size: size, open: func() (io.ReadSeekCloser, error) { return d.Store.Open(ctx, stored, size) }}
	defer body.Close()

	h := w.Header()
	etag := `"` + stored + `"`
	contentType, inline := typeOf(file.Media)
	if variant == variantThumb && r.Header.Get("If-None-Match") != etag {
		first, err := body.peek(3)
		if err != nil {
			return fmt.Errorf("read the small picture of file %d: %w", file.ID, err)
		}
		contentType, inline = "image/png", true
		if string(first) == "\xff\xd8\xff" {
			contentType = "image/jpeg"
		}
	}
	// Nobody who shows a file needs several parts of it at once, and each part would be a call of the storage.
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range")
	}
	said := maps.Clone(h)
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", disposition(file.Name, inline))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy)
	if contentType == "application/pdf" {
		h.Set("Content-Security-Policy", pdfPolicy)
	}
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(left/time.Second))+", immutable")
	h.Set("ETag", etag)
	to := &patient{ResponseWriter: w, c: http.NewResponseController(w), began: time.Now()}
	http.ServeContent(to, r, "", file.created, body)
	if body.err != nil && !to.said {
		clear(h)
		maps.Copy(h, said)
		return fmt.Errorf("read file %d: %w", file.ID, body.err)
	}
	to.say()
	return nil
}

// slowest is how long somebody may take to read so many bytes.
func slowest(bytes int64) time.Duration {
	return servePause + time.Duration(bytes)*time.Second/servePace
}

// content is a stored file that is opened when somebody reads of it: whoever has it already, or asks for its head, needs nothing of
// the store.
type content struct {
	open func() (io.ReadSeekCloser, error)
	size int64

	at    int64  // where the reader stands
	first []byte // the start, where it was looked at
	body  io.ReadSeekCloser
	on    int64 // where body stands
	err   error // why the file could not be read
}

// peek returns the first n bytes, or all where there are fewer. What is read later is not asked for again.
func (c *content) peek(n int) ([]byte, error) {
	b := make([]byte, min(int64(n), c.size))
	if _, err := io.ReadFull(c, b); err != nil {
		return nil, err
	}
	c.at, c.first = 0, b
	return b, nil
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (n int, err error) {
	switch {
	case c.at >= c.size:
		return 0, io.EOF
	case c.at < int64(len(c.first)):
		n = copy(p, c.first[c.at:])
		c.at += int64(n)
		return n, nil
	}
	if c.body == nil {
		if c.body, err = c.open(); err != nil {
			c.body, c.err = nil, err
			return 0, err
		}
	}
	if c.on != c.at {
		if c.on, err = c.body.Seek(c.at, io.SeekStart); err != nil {
			c.err = err
			return 0, err
		}
	}
	n, err = c.body.Read(p)
	c.at += int64(n)
	c.on = c.at
	if err == io.EOF && c.at < c.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// Seek implements io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start of a file")
	}
	c.at = offset
	return offset, nil
}

// Close implements io.Closer.
func (c *content) Close() error {
	if c.body == nil {
		return nil
	}
	return c.body.Close()
}

// typeOf is the content type that a file is served as, and whether a browser may show it. What a file is comes from its bytes; what
// is not one of the types that browsers show without running anything is to be saved, and has no type.
func typeOf(m *event.Media) (contentType string, inline bool) {
	if _, ok := shown[m.ContentType]; ok && m.Kind != event.MediaFile {
		return m.ContentType, true
	}
	return opaqueType, false
}

// disposition tells a browser what to do with a file and what it is called, twice: in ASCII, and as it is.
func disposition(name string, inline bool) string {
	how := "attachment"
	if inline {
		how = "inline"
	}
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	out := how + `; filename="` + ascii + `"`
	if ascii != name {
		// PathEscape leaves a few characters that the header's grammar does not have.
		out += "; filename*=UTF-8''" + strings.NewReplacer("'", "%27", "(", "%28", ")", "%29", "*", "%2A", "@", "%40", ":", "%3A", "=", "%3D", ",", "%2C", ";", "%3B").
			Replace(url.PathEscape(name))
	}
	return out
}

// patient lets the other side take its time for a large file, as long as it takes enough of it. The status is said with the first
// byte: until then a file that the store has lost can still be an error.
type patient struct {
	http.ResponseWriter
	c      *http.ResponseController
	began  time.Time
	bytes  int64
	status int
	said   bool
}

// WriteHeader implements http.ResponseWriter.
func (p *patient) WriteHeader(status int) { p.status = status }

// say says the status that nothing followed.
func (p *patient) say() {
	if !p.said && p.status != 0 {
		p.said = true
		p.ResponseWriter.WriteHeader(p.status)
	}
}

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (int, error) {
	until := p.began.Add(slowest(p.bytes))
	if pause := time.Now().Add(servePause); pause.Before(until) {
		until = pause
	}
	p.c.SetWriteDeadline(until) // writers of tests know no deadlines
	p.say()
	n, err := p.ResponseWriter.Write(b)
	p.bytes += int64(n)
	return n, err
}
