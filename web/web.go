// Package web holds the built web apps: the visitor's messenger, the Message Center and the demo pages.
//
// The builds of web/widget and web/operator write into dist, which is embedded whole. On a clone where they were never
// built only dist/placeholder is there: a page that says how to build them. So the Go code builds and its tests run
// without Node. The package imports only the standard library; all functions are safe for concurrent use.
package web

import (
	"embed"
	"errors"
	"io/fs"
	"path"
)

//go:embed all:dist
var embedded embed.FS

// The folders of dist, and the file that shows that a folder was built.
const (
	placeholder   = "placeholder"
	widgetDir     = "widget"
	widgetEntry   = "messenger.js"
	operatorDir   = "operator"
	operatorEntry = "index.html"
	demoDir       = "demo"
	demoEntry     = "shop.html"
)

// Widget returns the visitor's messenger: loader.js, messenger.js and what messenger.js loads later. When it was not
// built, it is the placeholder, whose loader.js says so in the browser's console.
func Widget() fs.FS { return apps{dist()}.pick(widgetDir, widgetEntry) }

// Operator returns the Message Center: index.html and its hashed assets, made to be served under /app/. When it was not
// built, it is the placeholder page.
func Operator() fs.FS { return apps{dist()}.pick(operatorDir, operatorEntry) }

// Demo returns the demo's pages, made to be served under /demo/. When they were not built, it is the placeholder page.
func Demo() fs.FS { return apps{dist()}.pick(demoDir, demoEntry) }

// Built reports whether every app was built, so that a start can say what is missing.
func Built() bool { return apps{dist()}.built() }

func dist() fs.FS { return sub(embedded, "dist") }

// apps is a folder with the apps in it; a test puts another one than dist.
type apps struct{ files fs.FS }

func (a apps) has(dir, entry string) bool {
	_, err := fs.Stat(a.files, dir+"/"+entry)
	return err == nil
}

func (a apps) pick(dir, entry string) fs.FS {
	if !a.has(dir, entry) {
		return standIn{sub(a.files, placeholder)}
	}
	return sub(a.files, dir)
}

// standIn is the placeholder in the place of an app: whatever page is asked for, it is the one page there is.
type standIn struct{ files fs.FS }

// Open implements fs.FS.
func (s standIn) Open(name string) (fs.File, error) {
	f, err := s.files.Open(name)
	if errors.Is(err, fs.ErrNotExist) && path.Ext(name) == ".html" {
		return s.files.Open("index.html")
	}
	return f, err
}

func (a apps) built() bool {
	return a.has(widgetDir, widgetEntry) && a.has(operatorDir, operatorEntry) && a.has(demoDir, demoEntry)
}

func sub(files fs.FS, dir string) fs.FS {
	s, err := fs.Sub(files, dir)
	if err != nil {
		panic("web: " + dir + " is not a folder name: " + err.Error())
	}
	return s
}
