package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"parley/internal/fault"
)

// StaticOptions says how a folder of files is served.
type StaticOptions struct {
	// Prefix is cut off the request's path, "/app/".
	Prefix string
	// Index is the file that answers for paths that no file has ("index.html"), so that the app can do its own routing; ""
	// for none. Paths whose last part has a dot are files and never fall back.
	Index string
	// CrossOrigin lets pages of other sites load the files, as the widget's must be.
	CrossOrigin bool
	// Immutable reports whether a file's content never changes under its name; nil means HashedName.
	Immutable func(name string) bool
}

var hashed = regexp.MustCompile(`[-.]([A-Za-z0-9_-]{8,})\.[a-z0-9]+(\.map)?$`)

// HashedName reports whether a name looks like one that a bundler made from the content: its last part before the extension is
// at least 8 characters and not a plain lower-case word.
func HashedName(name string) bool {
	m := hashed.FindStringSubmatch(path.Base(name))
	return m != nil && strings.ContainsAny(m[1], "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// asset is one file, ready to send.
type asset struct {
	contentType string
	cache       string
	etag        string
	plain       []byte
	br          []byte        // nil where there is none
	gz          func() []byte // nil where there is none; gives nil when it is not worth it
}

// Static serves the files of root, read into memory once. Names with .gz or .br beside them are sent compressed; text files
// without are compressed with gzip when somebody first asks for them: for all of them it is most of the time that a start takes.
// It panics when root cannot be read: the files are part of the program.
func Static(root fs.FS, o StaticOptions) http.Handler {
	if o.Immutable == nil {
		o.Immutable = HashedName
	}
	assets, err := readAssets(root, o)
	if err != nil {
		panic("httpapi: static files: " + err.Error())
	}
	if o.Index != "" && assets[o.Index] == nil {
		panic("httpapi: static files: there is no " + o.Index)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, o.Prefix)
		a := assets[name]
		if ok && a == nil && o.Index != "" && !strings.Contains(path.Base("/"+name), ".") {
			a = assets[o.Index]
		}
		if !ok || a == nil {
			WriteProblem(w, r, fault.New(fault.RequestNotFound, "there is nothing at this address"))
			return
		}
		if o.CrossOrigin {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
			w.Header().Set("Timing-Allow-Origin", "*")
		}
		a.serve(w, r)
	})
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", a.cache)
	body, etag := a.plain, `"`+a.etag+`"`
	if a.gz != nil || a.br != nil {
		h.Add("Vary", "Accept-Encoding")
		switch accept := r.Header.Get("Accept-Encoding"); {
		case a.br != nil && accepts(accept, "br"):
			body, etag = a.br, `"`+a.etag+`-br"`
			h.Set("Content-Encoding", "br")
		case a.gz != nil && accepts(accept, "gzip"):
			if gz := a.gz(); gz != nil {
				body, etag = gz, `"`+a.etag+`-gz"`
				h.Set("Content-Encoding", "gzip")
			}
		}
	}
	h.Set("ETag", etag)
	if match := r.Header.Get("If-None-Match"); match != "" && matchesETag(match, etag) {
		h.Del("Content-Encoding")
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(body) // a failure means that the caller is gone
	}
}

func matchesETag(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}

func readAssets(root fs.FS, o StaticOptions) (map[string]*asset, error) {
	out := map[string]*asset{}
	encoded := map[string][]byte{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if ext := path.Ext(name); ext == ".gz" || ext == ".br" {
			encoded[name] = b
			return nil
		}
		sum := sha256.Sum256(b)
		a := &asset{contentType: contentType(name), cache: "no-cache", etag: base64.RawURLEncoding.EncodeToString(sum[:12]), plain: b}
		if o.Immutable(name) {
			a.cache = "public, max-age=31536000, immutable"
		}
		out[name] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	for name, a := range out {
		a.br = encoded[name+".br"]
		if gz := encoded[name+".gz"]; gz != nil {
			a.gz = func() []byte { return gz }
		} else if compressible(a.contentType) {
			a.gz = sync.OnceValue(func() []byte { return compress(a.plain) })
		}
	}
	return out, nil
}

// contentType does not ask the operating system's tables: they differ between machines.
func contentType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return jsonType
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".avif":
		return "image/avif"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".wasm":
		return "application/wasm"
	case ".txt", ".md":
		return "text/plain; charset=utf-8"
	case ".mp3":
		return "audio/mpeg"
	case ".ogg":
		return "audio/ogg"
	}
	return "application/octet-stream"
}

func compressible(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "+xml") || kind == "application/wasm")
}

// compress returns nil when it saves less than a tenth.
func compress(b []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil
	}
	w.Write(b) // into memory: cannot fail
	w.Close()
	if out.Len() > len(b)*9/10 {
		return nil
	}
	return out.Bytes()
}
