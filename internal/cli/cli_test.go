package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// serverVariable makes the test binary be the program itself, so that tests can start and kill real processes.
const serverVariable = "PARLEY_TEST_PROGRAM"

func TestMain(m *testing.M) {
	// A server of the tests starts this program again for small pictures, without an environment.
	if os.Getenv(serverVariable) != "" || len(os.Args) == 2 && os.Args[1] == "thumbnail" {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestWrongUseSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown verb":   {[]string{"srve"}, 2, "srve"},
		"unknown flag":   {[]string{"serve", "--lisen", ":1"}, 2, "lisen"},
		"bad address":    {[]string{"serve", "--data", t.TempDir(), "--listen", "nowhere"}, 1, "--listen"},
		"bad public URL": {[]string{"serve", "--data", t.TempDir(), "--public-url", "chat.example.com"}, 1, "--public-url"},
		"no geo file":    {[]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--geo-file", "missing.mmdb"}, 1, "--geo-file"},
		"bad e-mail":     {[]string{"operator", "add", "--data", t.TempDir(), "--email", "nobody"}, 1, "email"},
		"bad scope":      {[]string{"token", "create", "--data", t.TempDir(), "--name", "x", "--scope", "all"}, 2, "scope"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if code := Main(c.args, &out, &errOut); code != c.code || !strings.Contains(errOut.String()+out.String(), c.want) {
				t.Errorf("code %d, output %q %q; want code %d and something about %s", code, out.String(), errOut.String(), c.code, c.want)
			}
		})
	}
}

func TestAdministrativeVerbs(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := Main(args, &out, &errOut); code != 0 {
			t.Fatalf("%v: code %d, %s", args, code, errOut.String())
		}
		return strings.TrimSpace(out.String())
	}
	if out := run("migrate", "--data", dir); !strings.Contains(out, "version") {
		t.Errorf("migrate printed %q", out)
	}
	if out := run("operator", "add", "--data", dir, "--email", "a@example.com", "--role", "admin", "--public-url", "https://chat.example.com"); !strings.HasPrefix(out, "https://chat.example.com/app/link#") {
		t.Errorf("operator add printed %q", out)
	}
	if out := run("token", "create", "--data", dir, "--name", "script", "--scope", "admin"); !strings.HasPrefix(out, "pat_") || strings.Contains(out, "\n") {
		t.Errorf("token create printed %q", out)
	}
	if out := run("version"); !strings.HasPrefix(out, "parley ") {
		t.Errorf("version printed %q", out)
	}
	if out := run("config", "doc"); !strings.Contains(out, "--allow-private-targets") {
		t.Errorf("config doc printed %q", out)
	}
}
