// Package geo says where an address is, by a file in the MaxMind DB form that the owner of the installation has put there
// (GeoLite2 City, DB-IP City Lite and others). Without such a file every place is unknown. Nothing is asked of anybody: no
// address leaves the server.
//
// It imports the standard library and the reader of that form, and is imported by app only.
package geo

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxName is the length of a city's or country's name in bytes.
const maxName = 200

// File is a table of places. It is read once and kept in memory, so that a file which is replaced while the server runs disturbs
// nobody; a newer one is used from the next start on. A nil File knows no places. Safe for concurrent use.
type File struct{ reader *maxminddb.Reader }

// Open reads a file; the error says what to do.
func Open(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the geo file: %w", err)
	}
	f, err := Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; take a city file like GeoLite2-City.mmdb", path, err)
	}
	return f, nil
}

// Read takes the content of a file.
func Read(b []byte) (f *File, err error) {
	defer func() { // the reader trusts its files; ours may come from anywhere
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("not a file in the MaxMind DB form: %v", r)
		}
	}()
	reader, err := maxminddb.OpenBytes(b)
	if err != nil {
		return nil, fmt.Errorf("not a file in the MaxMind DB form: %w", err)
	}
	return &File{reader}, nil
}

// Kind is what the file calls itself, such as "GeoLite2-City".
func (f *File) Kind() string { return f.reader.Metadata.DatabaseType }

// At returns the place of an address in English, "" and nil where it is unknown. Latitude and longitude are degrees; either both
// are known or none is. It costs about a microsecond.
func (f *File) At(address string) (city, country string, lat, lon *float64) {
	a, err := netip.ParseAddr(address)
	if f == nil || err != nil {
		return "", "", nil, nil
	}
	var place struct {
		City struct {
			Names struct {
				EN string `maxminddb:"en"`
			} `maxminddb:"names"`
		} `maxminddb:"city"`
		Country struct {
			Names struct {
				EN string `maxminddb:"en"`
			} `maxminddb:"names"`
		} `maxminddb:"country"`
		Location struct {
			Latitude  *float64 `maxminddb:"latitude"`
			Longitude *float64 `maxminddb:"longitude"`
		} `maxminddb:"location"`
	}
	if !f.decode(a.Unmap().WithZone(""), &place) {
		return "", "", nil, nil
	}
	if l := place.Location; within(l.Latitude, 90) && within(l.Longitude, 180) {
		lat, lon = l.Latitude, l.Longitude
	}
	return name(place.City.Names.EN), name(place.Country.Names.EN), lat, lon
}

// decode reports whether the file has something readable about the address.
func (f *File) decode(a netip.Addr, v any) (ok bool) {
	defer func() {
		if recover() != nil { // a broken file means an unknown place, not a lost message
			ok = false
		}
	}()
	return f.reader.Lookup(a).Decode(v) == nil
}

func within(degrees *float64, limit float64) bool {
	return degrees != nil && !math.IsNaN(*degrees) && math.Abs(*degrees) <= limit
}

// name is a name as it may be stored and shown, "" for what cannot be one.
func name(s string) string {
	if s = strings.TrimSpace(s); len(s) > maxName || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}
