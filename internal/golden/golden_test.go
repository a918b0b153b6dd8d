package golden

import (
	"slices"
	"testing"
	"testing/fstest"
)

func TestMain(m *testing.M) { Main(m) }

func TestCheckAcceptsTheStoredBytes(t *testing.T) { Check(t, "sample.txt", []byte("hello\n")) }

func TestUnreadFilesAreReportedAndForeignFoldersAreNot(t *testing.T) {
	root := fstest.MapFS{
		"testdata/a.json":          {},
		"testdata/sub/b.json":      {},
		"testdata/sub/c.json":      {},
		"testdata/fuzz/FuzzX/seed": {},
		"testdata/rapid/y":         {},
	}
	got := unread(root, map[string]bool{"testdata/a.json": true, "testdata/sub/c.json": true})
	if want := []string{"testdata/sub/b.json"}; !slices.Equal(got, want) {
		t.Errorf("unread = %v, want %v", got, want)
	}
	if got := unread(fstest.MapFS{}, nil); len(got) != 0 {
		t.Errorf("a package without testdata has unread files: %v", got)
	}
}
