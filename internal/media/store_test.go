package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"parley/internal/secret"
)

// eachStore runs fn on every implementation.
func eachStore(t *testing.T, fn func(t *testing.T, s Store)) {
	t.Run("disk", func(t *testing.T) { fn(t, diskStore(t)) })
	t.Run("s3", func(t *testing.T) {
		s, _ := s3Store(t, nil)
		fn(t, s)
	})
}

func diskStore(t *testing.T) *Disk {
	t.Helper()
	d, err := OpenDisk(filepath.Join(t.TempDir(), "media"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// s3Store is a bucket behind real HTTP. between sees each request first, and answers it itself when it returns true.
func s3Store(t *testing.T, between func(w http.ResponseWriter, r *http.Request) bool) (*S3, *s3mem.Backend) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("files"); err != nil {
		t.Fatal(err)
	}
	server := gofakes3.New(backend).Server()
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if between == nil || !between(w, r) {
			server.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listener.Close)
	return NewS3(S3Options{Endpoint: listener.URL + "/", Region: "eu-central-1", Bucket: "files", Key: "AKID", Secret: secret.Of("SECRET")}), backend
}

func bytesOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func readAll(t *testing.T, s Store, key string, size int) []byte {
	t.Helper()
	f, err := s.Open(t.Context(), key, int64(size))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lost reports whether a store says that it has nothing under a key.
func lost(t *testing.T, s Store, key string, size int) bool {
	t.Helper()
	f, err := s.Open(t.Context(), key, int64(size))
	if err == nil {
		_, err = io.ReadAll(f)
		f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what is not there: %v", err)
	}
	return err != nil
}

func TestStoresKeepBytes(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		key, content := secret.Token(""), bytesOf(300_000)
		put := func(b []byte) error {
			r := bytes.NewReader(b)
			r.Seek(3, io.SeekStart) // wherever it stands
			return s.Put(t.Context(), key, r, int64(len(b)))
		}
		t.Run("a file is read as it was stored", func(t *testing.T) {
			if !lost(t, s, key, len(content)) {
				t.Error("there was a file before there was one")
			}
			if err := put(content); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(readAll(t, s, key, len(content)), content) {
				t.Error("it is another one")
			}
		})
		t.Run("any part of it can be read", func(t *testing.T) {
			f, err := s.Open(t.Context(), key, int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, step := range []struct {
				offset int64
				whence int
				want   int64
			}{{0, io.SeekEnd, 300_000}, {100_000, io.SeekStart, 100_000}, {5, io.SeekCurrent, 100_015}, {-10, io.SeekEnd, 299_990}, {0, io.SeekStart, 0}} {
				if got, err := f.Seek(step.offset, step.whence); got != step.want || err != nil {
					t.Fatalf("seek %v: %d, %v", step, got, err)
				}
				b := make([]byte, 10)
				n, err := io.ReadFull(f, b)
				if step.want == 300_000 && err == io.EOF {
					continue
				}
				if err != nil || !bytes.Equal(b[:n], content[step.want:step.want+10]) {
					t.Errorf("at %d: %v, %v", step.want, b, err)
				}
			}
			if _, err := f.Seek(-1, io.SeekStart); err == nil {
				t.Error("one can stand before the start")
			}
			f.Seek(0, io.SeekStart)
			if err := iotest.TestReader(f, content); err != nil {
				t.Error(err)
			}
		})
		t.Run("a file can be replaced", func(t *testing.T) {
			if err := put(content[:1000]); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(readAll(t, s, key, 1000), content[:1000]) {
				t.Error("it is another one")
			}
		})
		t.Run("a wrong size or a broken reader stores nothing", func(t *testing.T) {
			for _, size := range []int64{999, 1001} {
				if s.Put(t.Context(), key, bytes.NewReader(content[:1000]), size) == nil {
					t.Errorf("1000 bytes are taken for %d", size)
				}
			}
			other := secret.Token("")
			if s.Put(t.Context(), other, &broken{bytes.NewReader(content[:5000]), 2000}, 5000) == nil {
				t.Error("a reader that fails is taken")
			}
			stopped, cancel := context.WithCancel(t.Context())
			cancel()
			if s.Put(stopped, other, bytes.NewReader(content), int64(len(content))) == nil {
				t.Error("a stopped caller's file is taken")
			}
			if !lost(t, s, other, 5000) {
				t.Error("half a file is there")
			}
			if !bytes.Equal(readAll(t, s, key, 1000), content[:1000]) {
				t.Error("the file that was there is gone")
			}
		})
		t.Run("many can be stored at once", func(t *testing.T) {
			var all sync.WaitGroup
			keys := make([]string, 20)
			for i := range keys {
				keys[i] = secret.Token("")
				all.Go(func() {
					if err := s.Put(t.Context(), keys[i], bytes.NewReader(content[i:]), int64(len(content)-i)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			for i, k := range keys {
				if !bytes.Equal(readAll(t, s, k, len(content)-i), content[i:]) {
					t.Errorf("file %d is another one", i)
				}
			}
		})
		t.Run("a file can be deleted, twice", func(t *testing.T) {
			for range 2 {
				if err := s.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
			if !lost(t, s, key, 1000) {
				t.Error("it is still there")
			}
		})
		t.Run("what is no key is refused", func(t *testing.T) {
			for _, bad := range []string{"", "a", "../../../../etc/passwd", strings.Repeat("a", 100), strings.Repeat("a", 20) + "/b", strings.Repeat("a", 20) + ".html", ".." + strings.Repeat("a", 20)} {
				if s.Put(t.Context(), bad, bytes.NewReader(content), 300_000) == nil {
					t.Errorf("%q is stored", bad)
				}
				if f, err := s.Open(t.Context(), bad, 1); err == nil {
					f.Close()
					t.Errorf("%q is opened", bad)
				}
				if s.Delete(t.Context(), bad) == nil {
					t.Errorf("%q is deleted", bad)
				}
			}
		})
	})
}

// broken fails after some bytes.
type broken struct {
	*bytes.Reader
	left int
}

func (b *broken) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the disk is broken")
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func TestTheDisk(t *testing.T) {
	dir := t.TempDir()
	open := func() *Disk {
		d, err := OpenDisk(filepath.Join(dir, "media"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	d := open()
	key := "AAbb" + strings.Repeat("c", 20)
	if err := d.Put(t.Context(), key, strings.NewReader("hello"), 5); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "media", incoming, "left")
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	open()
	if _, err := os.Stat(left); err != nil {
		t.Errorf("what another node may be writing is gone: %v", err)
	}
	old := time.Now().Add(-2 * writingFor)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	d = open()
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was not finished before the last end is still there: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "media", "AA", "bb", key)); err != nil || string(b) != "hello" {
		t.Errorf("the file is not where it belongs: %q, %v", b, err)
	}
	// A link that leads out of the folder is not followed.
	if err := os.Mkdir(filepath.Join(dir, "outside"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "outside"), filepath.Join(dir, "media", "ZZ")); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), "ZZbb"+strings.Repeat("c", 20), strings.NewReader("hello"), 5); err == nil {
		t.Error("a file was written through a link")
	}
	if list, err := os.ReadDir(filepath.Join(dir, "outside")); err != nil || len(list) > 0 {
		t.Errorf("outside of the folder there are %v, %v", list, err)
	}
}

// The bucket gets streams of a known length, is asked for ranges, and what it holds has no type that a browser would show.
func TestTheBucket(t *testing.T) {
	var calls atomic.Int32
	var ranges []string
	var puts []*http.Request
	down := false
	s, _ := s3Store(t, func(w http.ResponseWriter, r *http.Request) bool {
		calls.Add(1)
		switch {
		case down:
			http.Error(w, "no", http.StatusForbidden)
			return true
		case r.Method == http.MethodGet:
			ranges = append(ranges, r.URL.Path+" "+r.Header.Get("Range"))
		case r.Method == http.MethodPut:
			puts = append(puts, r)
		}
		return false
	})
	key, content := "AAbb"+strings.Repeat("c", 20), bytesOf(100_000)
	if err := s.Put(t.Context(), key, bytes.NewReader(content), 100_000); err != nil {
		t.Fatal(err)
	}
	if r := puts[0]; r.ContentLength != 100_000 || r.URL.Path != "/files/media/"+key || r.Header.Get("Content-Type") != opaqueType ||
		!strings.Contains(r.Header.Get("Authorization"), "Credential=AKID/") || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/s3/") {
		t.Errorf("stored by %s with %v", r.URL, r.Header)
	}
	before := calls.Load()
	f, err := s.Open(t.Context(), key, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	f.Seek(0, io.SeekEnd)
	f.Seek(500, io.SeekStart)
	if calls.Load() != before {
		t.Error("somebody was asked before anybody read")
	}
	io.ReadFull(f, make([]byte, 100))
	io.ReadFull(f, make([]byte, 100))
	f.Close()
	if len(ranges) != 1 || ranges[0] != "/files/media/"+key+" bytes=500-99999" {
		t.Errorf("asked for %q", ranges)
	}
	down = true
	if err := s.Put(t.Context(), key, bytes.NewReader(content), 100_000); err == nil {
		t.Error("a refusal is taken for success")
	}
	if err := s.Delete(t.Context(), key); err == nil {
		t.Error("a refusal is taken for success")
	}
	if f, err := s.Open(t.Context(), key, 100_000); err == nil {
		if _, err = io.ReadAll(f); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a refusal is %v", err)
		}
	}
}
