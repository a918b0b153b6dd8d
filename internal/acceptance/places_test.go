package acceptance

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// place is where some addresses are.
type place struct{ city, region, country, code string }

// places writes a file in the MaxMind DB form, as the owner of a server would download one, and returns its path: a search tree over the
// bits of an address with records of 24 bits, what it leads to, and a description of itself. The form: maxmind.github.io/MaxMind-DB.
func places(t testing.TB, of map[string]place) string {
	t.Helper()
	type node [2]int // where a bit leads: a node, 0 for nowhere, below 0 the place of data
	tree := []node{{}}
	var data []byte
	for network, p := range of {
		prefix := netip.MustParsePrefix(network)
		address, bits := prefix.Addr().As4(), prefix.Bits()
		var path [16]byte // the tree is one of IPv6, which holds IPv4 at ::/96
		copy(path[12:], address[:])
		at := 0
		for i := range 96 + bits {
			bit := path[i/8] >> (7 - i%8) & 1
			if i == 96+bits-1 {
				tree[at][bit] = -1 - len(data)
			} else if tree[at][bit] == 0 {
				tree = append(tree, node{})
				tree[at][bit] = len(tree) - 1
			}
			at = tree[at][bit]
		}
		data = append(data, p.record()...)
	}
	var out bytes.Buffer
	for _, n := range tree {
		for _, to := range n {
			switch {
			case to == 0:
				to = len(tree)
			case to < 0:
				to = len(tree) + 16 - 1 - to
			}
			out.Write([]byte{byte(to >> 16), byte(to >> 8), byte(to)})
		}
	}
	out.Write(make([]byte, 16))
	out.Write(data)
	out.WriteString("\xab\xcd\xefMaxMind.com")
	const two, four, long = 5, 6, 9 // types of numbers by their bytes
	out.Write(fields("node_count", number(four, len(tree)), "record_size", number(two, 24), "ip_version", number(two, 6), "database_type", "Test-City",
		"binary_format_major_version", number(two, 2), "binary_format_minor_version", number(two, 0), "build_epoch", number(long, 1)))
	file := filepath.Join(t.TempDir(), "places.mmdb")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// record leaves out what is not known, as the real files do.
func (p place) record() []byte {
	named := func(name string) []byte { return fields("names", fields("en", name)) }
	of := []any{"country", fields("iso_code", p.code, "names", fields("en", p.country))}
	if p.city != "" {
		of = append(of, "city", named(p.city))
	}
	if p.region != "" {
		of = append(of, "subdivisions", append([]byte{1, 4}, named(p.region)...)) // a list of one
	}
	return fields(of...)
}

// fields is a map of names and values, which are texts or written already. All are shorter than 29.
func fields(pairs ...any) []byte {
	out := []byte{7<<5 | byte(len(pairs)/2)}
	for _, v := range pairs {
		switch v := v.(type) {
		case string:
			out = append(append(out, 2<<5|byte(len(v))), v...)
		case []byte:
			out = append(out, v...)
		}
	}
	return out
}

func number(kind byte, n int) []byte {
	b := bytes.TrimLeft(binary.BigEndian.AppendUint64(nil, uint64(n)), "\x00")
	if kind > 7 {
		return append([]byte{byte(len(b)), kind - 7}, b...)
	}
	return append([]byte{kind<<5 | byte(len(b))}, b...)
}
