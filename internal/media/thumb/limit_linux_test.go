package thumb

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// plain is this program without the race detector, which needs many times the memory, and more addresses than a child may have.
func plain(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plain")
	build := exec.Command("go", "test", "-c", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build a child: %v\n%s", err, out)
	}
	return path
}

// The largest pictures that are taken stay within the memory that the documentation promises.
func TestWhatAChildNeeds(t *testing.T) {
	child := plain(t)
	for name, b := range map[string][]byte{
		"a JPEG of 40 megapixels":             flat(8000, 5000, 3, 0),
		"a printer's JPEG of 20 megapixels":   flat(5000, 4000, 4, 0),
		"a progressive JPEG of 16 megapixels": flat(4000, 4000, 3, 1),
	} {
		cmd := exec.Command(child, "child", "works")
		cmd.Env, cmd.Stdin = []string{"GOMAXPROCS=2", "GOGC=50"}, fileOf(t, b)
		var says bytes.Buffer
		cmd.Stderr = &says
		if err := cmd.Run(); err != nil {
			t.Errorf("%s: %v: %s", name, err, says.String())
		}
		use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok || use.Maxrss > 400<<10 {
			t.Errorf("%s takes %d MB", name, use.Maxrss>>10)
		}
		t.Logf("%s: %d bytes, %d MB, %s", name, len(b), use.Maxrss>>10, cmd.ProcessState.UserTime())
	}
}

func TestAChildIsTheFirstToGo(t *testing.T) {
	cmd := exec.Command(program(t), "child", "offers")
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != "1000" {
		t.Errorf("%q, %v", out, err)
	}
}
