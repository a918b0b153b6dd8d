// Package demo is what "parley demo" shows beside the product: a shop page that carries the widget, and the callback
// inspector, a real receiver that keeps what it was sent and can be told to fail.
//
// It stores nothing on disk and is wired in demo mode only. It imports secret and the standard library. Safe for
// concurrent use.
package demo

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"
)

// Options are what the demo pages need.
type Options struct {
	// Pages holds shop.html, inspector.html and their assets.
	Pages fs.FS
	// Snippet is the widget's script tag.
	Snippet string
	// Secrets are the signing secrets of the endpoints that call the inspector, by the last part of their path.
	Secrets map[string]string
	// Page wraps a page's handler with the security headers of our own pages.
	Page func(http.Handler) http.Handler
}

// Register adds the demo's pages and the inspector to mux, all under /demo/.
func Register(mux *http.ServeMux, o Options) {
	in := newInspector(o.Secrets)
	shop := o.Page(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := fs.ReadFile(o.Pages, "shop.html")
		if err != nil {
			http.Error(w, "The demo shop is not built yet: run make build.", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		w.Write([]byte(strings.ReplaceAll(string(b), "{{SNIPPET}}", o.Snippet)))
	}))
	mux.Handle("GET /demo/shop", shop)
	mux.Handle("GET /demo/shop/{page...}", shop)
	mux.Handle("GET /demo/inspector", o.Page(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, o.Pages, "inspector.html")
	})))
	mux.Handle("GET /demo/", o.Page(http.StripPrefix("/demo/", http.FileServerFS(o.Pages))))
	mux.HandleFunc("POST /demo/inspector/hooks/{endpoint}", in.hook)
	mux.HandleFunc("GET /demo/inspector/calls", in.list)
	mux.HandleFunc("DELETE /demo/inspector/calls", in.clear)
	mux.HandleFunc("GET /demo/inspector/mode", in.showMode)
	mux.HandleFunc("PUT /demo/inspector/mode", in.setMode)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v)
}
