package media

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	// serveStep is how long the other side may take for one part of a file, some kilobytes.
	serveStep = time.Minute
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
	body, err := d.Store.Open(r.Context(), stored, size)
	if err != nil {
		return fmt.Errorf("open file %d: %w", file.ID, err)
	}
	defer body.Close()
	// The first byte is read before anything is said: a store that has lost the file must not end as a broken answer.
	var first [3]byte
	if _, err := io.ReadFull(body, first[:min(int64(len(first)), size)]); err != nil {
		return fmt.Errorf("read file %d: %w", file.ID, err)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read file %d: %w", file.ID, err)
	}

	h := w.Header()
	contentType, inline := typeOf(file.Media)
	if variant == variantThumb {
		contentType, inline = "image/png", true
		if string(first[:]) == "\xff\xd8\xff" {
			contentType = "image/jpeg"
		}
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", disposition(file.Name, inline))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy)
	if contentType == "application/pdf" {
		h.Set("Content-Security-Policy", pdfPolicy)
	}
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(left/time.Second))+", immutable")
	h.Set("ETag", `"`+stored+`"`)
	http.ServeContent(&patient{w, http.NewResponseController(w)}, r, "", file.created, body)
	return nil
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

// patient lets the other side take its time for a large file, as long as it takes some of it.
type patient struct {
	http.ResponseWriter
	c *http.ResponseController
}

// Write implements http.ResponseWriter.
func (p *patient) Write(b []byte) (int, error) {
	p.c.SetWriteDeadline(time.Now().Add(serveStep)) // writers of tests know no deadlines
	return p.ResponseWriter.Write(b)
}
