package geo

import (
	"encoding/binary"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// table writes a file in the MaxMind DB form: a search tree over the bits of an IPv6 address with records of 24 bits, the data
// behind it, and the description at the end. IPv4 lies at ::/96, as in the real files.
func table(places map[string]any) []byte {
	type node [2]int // what a bit leads to: 0 nothing yet, > 0 a node, < 0 data
	nodes := []node{{}}
	var data []byte
	for _, prefix := range sorted(places) {
		p := netip.MustParsePrefix(prefix)
		bits := p.Bits()
		a := p.Addr().As16()
		if p.Addr().Is4() {
			four := p.Addr().As4()
			a, bits = [16]byte{}, bits+96
			copy(a[12:], four[:])
		}
		at := 0
		for i := range bits {
			bit := int(a[i/8]>>(7-i%8)) & 1
			if i == bits-1 {
				nodes[at][bit] = -1 - len(data)
				break
			}
			if nodes[at][bit] == 0 {
				nodes = append(nodes, node{})
				nodes[at][bit] = len(nodes) - 1
			}
			at = nodes[at][bit]
		}
		data = append(data, field(places[prefix])...)
	}
	var out []byte
	for _, n := range nodes {
		for _, to := range n {
			switch {
			case to == 0:
				to = len(nodes) // means: nothing is known
			case to < 0:
				to = len(nodes) + 16 + (-1 - to)
			}
			out = append(out, byte(to>>16), byte(to>>8), byte(to))
		}
	}
	out = append(append(out, make([]byte, 16)...), data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return append(out, field(map[string]any{
		"node_count": uint32(len(nodes)), "record_size": uint16(24), "ip_version": uint16(6), "database_type": "Tiny-City", "languages": []any{"en"},
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1), "description": map[string]any{"en": "tiny"},
	})...)
}

func sorted(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// field writes a value with its control byte: three bits of type, five of size; types beyond 7 have a byte of their own.
func field(v any) []byte {
	head := func(kind, size int) []byte {
		b := []byte{byte(kind << 5)}
		if kind > 7 {
			b = []byte{0, byte(kind - 7)}
		}
		if size < 29 {
			b[0] |= byte(size)
			return b
		}
		b[0] |= 29
		return append(b, byte(size-29))
	}
	number := func(kind int, n uint64) []byte {
		b := binary.BigEndian.AppendUint64(nil, n)
		for len(b) > 0 && b[0] == 0 {
			b = b[1:]
		}
		return append(head(kind, len(b)), b...)
	}
	switch v := v.(type) {
	case string:
		return append(head(2, len(v)), v...)
	case float64:
		return binary.BigEndian.AppendUint64(head(3, 8), math.Float64bits(v))
	case uint16:
		return number(5, uint64(v))
	case uint32:
		return number(6, uint64(v))
	case uint64:
		return number(9, v)
	case []any:
		b := head(11, len(v))
		for _, e := range v {
			b = append(b, field(e)...)
		}
		return b
	case map[string]any:
		b := head(7, len(v))
		for _, k := range sorted(v) {
			b = append(append(b, field(k)...), field(v[k])...)
		}
		return b
	}
	panic("no such field")
}

type object = map[string]any

func place(city, country string, lat, lon float64) object {
	return object{"city": object{"names": object{"de": "?", "en": city}}, "country": object{"iso_code": "Xx", "names": object{"en": country}},
		"subdivisions": []any{object{"iso_code": "R", "names": object{"de": "?", "en": "Region of " + city}}, object{"names": object{"en": "County"}}},
		"location":     object{"latitude": lat, "longitude": lon, "time_zone": "x"}}
}

func sample() []byte {
	return table(map[string]any{
		"81.2.69.0/24":     place("Köln", "Germany", 50.9333, 6.95),
		"2001:db8::/32":    place("Oslo", "Norway", 59.91, 10.75),
		"198.51.100.0/24":  object{"country": object{"names": object{"en": "France"}}},
		"203.0.113.0/25":   place(strings.Repeat("x", 201), "a\nb", math.NaN(), 7),
		"203.0.113.128/25": place("Far", "Away", 91, 7),
		"192.0.2.0/24":     "no map at all",
		"192.0.3.0/24":     object{"city": object{"names": object{"en": "Nowhere"}}, "country": object{"iso_code": "1é"}, "subdivisions": []any{}},
		"192.0.4.0/24":     object{"city": object{"names": object{"en": "Odd"}}, "subdivisions": "none"},
	})
}

func TestThePlaceOfAnAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	if err := os.WriteFile(path, sample(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if f.Kind() != "Tiny-City" {
		t.Errorf("kind %q", f.Kind())
	}
	for _, row := range []struct {
		address, city, country string
		lat, lon               float64
		known                  bool
	}{
		{"81.2.69.142", "Köln", "Germany", 50.9333, 6.95, true},
		{"::ffff:81.2.69.142", "Köln", "Germany", 50.9333, 6.95, true},
		{"2001:db8::1", "Oslo", "Norway", 59.91, 10.75, true},
		{"198.51.100.7", "", "France", 0, 0, false},
		{"203.0.113.1", "", "", 0, 0, false},
		{"203.0.113.200", "Far", "Away", 0, 0, false},
		{"192.0.2.1", "", "", 0, 0, false},
		{"127.0.0.1", "", "", 0, 0, false},
		{"fe80::1%eth0", "", "", 0, 0, false},
		{"", "", "", 0, 0, false},
		{"nonsense", "", "", 0, 0, false},
	} {
		p := f.At(row.address)
		if p.City != row.city || p.Country != row.country || (p.Lat != nil) != row.known || (p.Lon != nil) != row.known || row.known && (*p.Lat != row.lat || *p.Lon != row.lon) {
			t.Errorf("%s: %+v", row.address, p)
		}
		if region := "Region of " + row.city; row.city != "" && (p.Region != region || p.CountryCode != "XX") {
			t.Errorf("%s: region %q, code %q", row.address, p.Region, p.CountryCode)
		}
	}
	if p := (*File)(nil).At("81.2.69.142"); p != (Place{}) {
		t.Error("a file that is not there knows a place")
	}
}

func TestWhatAFileDoesNotKnowOfAPlaceIsEmpty(t *testing.T) {
	f, err := Read(sample())
	if err != nil {
		t.Fatal(err)
	}
	if p, want := f.At("192.0.3.9"), (Place{City: "Nowhere"}); p != want {
		t.Errorf("%+v", p)
	}
	if p := f.At("192.0.4.9"); p != (Place{}) {
		t.Errorf("a record of another form: %+v", p)
	}
}

func TestAFileThatIsNoneIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "missing.mmdb")); err == nil {
		t.Error("a missing file is taken")
	}
	for name, content := range map[string]string{"empty": "", "text": "hello", "cut": string(sample()[:50])} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that somebody broke must not take the server down with it.
func FuzzFile(f *testing.F) {
	f.Add(sample(), "81.2.69.142")
	f.Add(sample()[:100], "::1")
	f.Fuzz(func(t *testing.T, content []byte, address string) {
		file, err := Read(content)
		if err != nil {
			return
		}
		for _, a := range []string{address, "81.2.69.142", "2001:db8::1", "192.0.2.1"} {
			p := file.At(a)
			if len(p.City) > maxName || len(p.Region) > maxName || len(p.Country) > maxName || len(p.CountryCode) != 0 && len(p.CountryCode) != 2 || (p.Lat == nil) != (p.Lon == nil) {
				t.Errorf("%+v", p)
			}
		}
	})
}
