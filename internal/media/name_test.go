package media

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
)

func TestNamesAreClean(t *testing.T) {
	for given, want := range map[string]string{
		"photo.jpg":                         "photo.jpg",
		"Grüße aus Köln 🏖.jpg":              "Grüße aus Köln 🏖.jpg",
		"":                                  "file",
		"...":                               "file",
		"..":                                "file",
		"/":                                 "file",
		"../../etc/passwd":                  "passwd",
		`C:\Users\ann\report.pdf`:           "report.pdf",
		"a/b\\c.txt":                        "c.txt",
		".htaccess":                         "htaccess",
		"name. ":                            "name",
		"  two   words .txt":                "two words .txt",
		"line\r\nbreak\x00.txt":             "line break.txt",
		"gpj.\u202eexe.pdf":                 "gpj.exe.pdf",
		"zero\u200bwidth\ufeff.txt":         "zerowidth.txt",
		"a<b>:\"c\"|d?*.txt":                "a_b___c__d__.txt",
		"CON":                               "_CON",
		"con.txt":                           "_con.txt",
		"Lpt1 .tar.gz":                      "_Lpt1 .tar.gz",
		"console.txt":                       "console.txt",
		"bad\xffutf8.txt":                   "bad_utf8.txt",
		strings.Repeat("a", 300) + ".jpg":   strings.Repeat("a", 116) + ".jpg",
		strings.Repeat("ä", 300):            strings.Repeat("ä", 120),
		strings.Repeat("a", 300) + ". .png": strings.Repeat("a", 116) + ".png",
	} {
		if got := cleanName(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

func TestExtensionsTellTheTruth(t *testing.T) {
	for _, c := range []struct{ name, contentType, kind, usual, want string }{
		{"photo.html", "image/jpeg", event.MediaImage, ".jpg", "photo.jpg"},
		{"photo.JPEG", "image/jpeg", event.MediaImage, ".jpg", "photo.JPEG"},
		{"photo.png", "image/jpeg", event.MediaImage, ".jpg", "photo.jpg"},
		{"photo", "image/png", event.MediaImage, ".png", "photo.png"},
		{"version 1.2", "image/png", event.MediaImage, ".png", "version 1.2.png"},
		{"a.jpg.exe", "image/jpeg", event.MediaImage, ".jpg", "a.jpg.jpg"},
		{"voice.opus", "audio/ogg", event.MediaAudio, ".ogg", "voice.opus"},
		{"clip.mp4", "audio/mp4", event.MediaAudio, ".m4a", "clip.mp4"},
		{"report.pdf", "text/html", event.MediaFile, ".html", "report.html"},
		{"photo.png", "image/svg+xml", event.MediaFile, ".svg", "photo.svg"},
		{"photo.png", opaqueType, event.MediaFile, "", "photo.bin"},
		{"photo.jpg", "image/jpeg", event.MediaFile, ".jpg", "photo.jpg"}, // it cannot be decoded, and is one all the same
		{"table.xlsx", "application/zip", event.MediaFile, ".zip", "table.xlsx"},
		{"notes.md", "text/plain", event.MediaFile, ".txt", "notes.md"},
		{"Makefile", "text/plain", event.MediaFile, ".txt", "Makefile"},
	} {
		if got := fitName(c.name, c.contentType, c.kind, c.usual); got != c.want {
			t.Errorf("%s, which is %s (%s), becomes %s, want %s", c.name, c.contentType, c.kind, got, c.want)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add("photo.html")
	f.Add("../\u202e.\x00/con.İİİ")
	f.Add(strings.Repeat("İ", 200) + ".İİ")
	f.Fuzz(func(t *testing.T, given string) {
		for _, name := range []string{cleanName(given), fitName(cleanName(given), "image/jpeg", event.MediaImage, ".jpg"), fitName(cleanName(given), "text/html", event.MediaFile, ".html")} {
			switch {
			case name == "", !utf8.ValidString(name), utf8.RuneCountInString(name) > MaxName, strings.ContainsAny(name, `/\:`), strings.HasPrefix(name, "."), strings.HasSuffix(name, "."):
				t.Errorf("%q becomes %q", given, name)
			case strings.ContainsFunc(name, func(r rune) bool {
				return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r)
			}):
				t.Errorf("%q becomes %q", given, name)
			case strings.ContainsAny(disposition(name, false), "\r\n\x00"):
				t.Errorf("the header of %q is %q", name, disposition(name, false))
			}
		}
		if name := cleanName(given); cleanName(name) != name {
			t.Errorf("%q becomes %q, and that %q", given, name, cleanName(name))
		}
	})
}
