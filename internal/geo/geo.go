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

// maxName is the length of a city's, region's or country's name in bytes.
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

// Place is where an address is, in English: "" and nil for what is unknown.
type Place struct {
	City string
	// Region is the first level below the country: a state, a county or the like.
	Region  string
	Country string
	// CountryCode is ISO 3166-1 alpha-2, in capitals.
	CountryCode string
	// Lat and Lon are degrees; either both are known or none is.
	Lat, Lon *float64
}

type names struct {
	EN string `maxminddb:"en"`
}

type named struct {
	Names names `maxminddb:"names"`
}

// At returns the place of an address. It costs about a microsecond.
func (f *File) At(address string) Place {
	a, err := netip.ParseAddr(address)
	if f == nil || err != nil {
		return Place{}
	}
	var place struct {
		City         named   `maxminddb:"city"`
		Subdivisions []named `maxminddb:"subdivisions"`
		Country      struct {
			ISOCode string `maxminddb:"iso_code"`
			Names   names  `maxminddb:"names"`
		} `maxminddb:"country"`
		Location struct {
			Latitude  *float64 `maxminddb:"latitude"`
			Longitude *float64 `maxminddb:"longitude"`
		} `maxminddb:"location"`
	}
	if !f.decode(a.Unmap().WithZone(""), &place) {
		return Place{}
	}
	out := Place{City: name(place.City.Names.EN), Country: name(place.Country.Names.EN), CountryCode: code(place.Country.ISOCode)}
	if len(place.Subdivisions) > 0 {
		out.Region = name(place.Subdivisions[0].Names.EN)
	}
	if l := place.Location; within(l.Latitude, 90) && within(l.Longitude, 180) {
		out.Lat, out.Lon = l.Latitude, l.Longitude
	}
	return out
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

// code is a country's code in capitals, "" for what cannot be one.
func code(s string) string {
	letter := func(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
	if len(s) != 2 || !letter(s[0]) || !letter(s[1]) {
		return ""
	}
	return strings.ToUpper(s)
}

// name is a name as it may be stored and shown, "" for what cannot be one.
func name(s string) string {
	if s = strings.TrimSpace(s); len(s) > maxName || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}
