package thumb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// TestMain also plays the child: the tests start this program once more.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "child" {
		os.Exit(m.Run())
	}
	switch os.Args[2] {
	case "works":
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "offers":
		offerProcess()
		b, _ := os.ReadFile("/proc/self/oom_score_adj")
		os.Stdout.Write(b)
	case "eats":
		if err := limitProcess(256<<20, childTime); err != nil {
			os.Exit(3)
		}
		var kept [][]byte
		for range 64 {
			kept = append(kept, bytes.Repeat([]byte{1}, 64<<20))
		}
		fmt.Print("thumb 1 1 ", len(kept)/64, "\nx")
	case "hangs":
		forever := make(chan os.Signal, 1)
		signal.Notify(forever, os.Interrupt) // or the runtime sees that nothing can happen any more
		<-forever
	case "lies":
		fmt.Print(os.Args[3])
	case "tells":
		fmt.Fprintln(os.Stderr, strings.Join(os.Environ(), " "))
		os.Exit(1)
	}
}

func program(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func fileOf(t *testing.T, b []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestAChildMakesSmallPictures(t *testing.T) {
	run := Child(program(t), "child", "works")
	f := fileOf(t, withExifJPEG(asJPEG(t, halves(1200, 800)), exif(binary.BigEndian, 6)))
	f.Seek(100, 0) // whoever looked at it before left it anywhere
	p, err := run(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if p.Width != 800 || p.Height != 1200 {
		t.Errorf("%d × %d", p.Width, p.Height)
	}
	decode(t, p)
	for name, b := range refused(t) {
		if _, err := run(t.Context(), fileOf(t, b)); !errors.Is(err, ErrImage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAChildThatFailsHarmsNobody(t *testing.T) {
	image := asPNG(t, halves(4, 4))
	for name, args := range map[string][]string{
		"eats all memory":     {"child", "eats"},
		"says nothing":        {"child", "lies", ""},
		"says nonsense":       {"child", "lies", "hello"},
		"has too few bytes":   {"child", "lies", "thumb 10 10 100\nabc"},
		"claims a huge size":  {"child", "lies", "thumb 10 10 99999999999\nabc"},
		"claims less than no": {"child", "lies", "thumb -1 10 3\nabc"},
	} {
		if p, err := Child(program(t), args...)(t.Context(), fileOf(t, image)); !errors.Is(err, ErrImage) {
			t.Errorf("a child that %s: %v, %v", name, p, err)
		}
	}
	if _, err := Child(filepath.Join(t.TempDir(), "nothing"))(t.Context(), fileOf(t, image)); err == nil || errors.Is(err, ErrImage) {
		t.Errorf("a program that is not there: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Child(program(t), "child", "hangs")(ctx, fileOf(t, image)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a child that hangs: %v", err)
	}
}

func TestAChildKnowsNoSecrets(t *testing.T) {
	t.Setenv("PARLEY_SECRET_KEY", "a very secret key")
	_, err := Child(program(t), "child", "tells")(t.Context(), fileOf(t, []byte("x")))
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "GOMAXPROCS") {
		t.Errorf("the child's environment: %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("thumb 10 20 3\nabc"))
	f.Add([]byte("thumb 0 0 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := readAnswer(iotest.OneByteReader(bytes.NewReader(b)))
		if err == nil && (p.Width < 1 || p.Height < 1 || len(p.Bytes) == 0) {
			t.Errorf("%q is taken as %d × %d with %d bytes", b, p.Width, p.Height, len(p.Bytes))
		}
	})
}
