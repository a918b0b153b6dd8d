package golden

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

const dir = "testdata"

var read struct {
	sync.Mutex
	files map[string]bool
}

// Check compares got with the file testdata/name and fails the test when they differ. With -update it writes the file.
func Check(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	read.Lock()
	if read.files == nil {
		read.files = map[string]bool{}
	}
	read.files[file] = true
	read.Unlock()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatalf("golden: %v", err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatalf("golden: %v", err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("golden file %s: %v (run with -update to make it)", file, err)
		return
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-golden +got):\n%s", file, d)
	}
}

// Main runs the package's tests and fails when a file under testdata was not read, unless only some tests ran. The
// folders fuzz and rapid belong to other tools and are left alone.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 && everything() {
		if orphans := unread(os.DirFS("."), read.files); len(orphans) > 0 {
			fmt.Fprintf(os.Stderr, "golden: no test reads these files any more; delete them:\n  %s\n", strings.Join(orphans, "\n  "))
			code = 1
		}
	}
	os.Exit(code)
}

// everything reports whether the command line narrows the run in no way.
func everything() bool {
	for _, name := range []string{"test.run", "test.skip", "test.fuzz", "test.list", "test.bench"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

func unread(root fs.FS, seen map[string]bool) []string {
	var out []string
	err := fs.WalkDir(root, dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "fuzz" || d.Name() == "rapid" {
				return fs.SkipDir
			}
			return nil
		}
		if !seen[filepath.FromSlash(path)] {
			out = append(out, path)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		out = append(out, err.Error())
	}
	slices.Sort(out)
	return out
}
