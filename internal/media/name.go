package media

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
)

const (
	// MaxName is how many characters the name of a file has at most, with its extension.
	MaxName = 120
	// maxExtension is how long an extension may be that is kept when a name is cut, with its dot.
	maxExtension = 12
)

// reserved are names that mean devices on Windows, whatever extension follows.
var reserved = strings.Fields("con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9")

// cleanName makes a name out of what a sender calls a file that is safe to show and to save under: no folders, nothing invisible,
// nothing that turns the direction of the text around, no device, at most MaxName characters, and never empty.
func cleanName(name string) string {
	name = strings.ToValidUTF8(name, "_")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case !unicode.IsGraphic(r): // controls, bidi marks, joiners, private and unassigned characters
			return -1
		}
		return r
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	name = strings.Trim(cut(name), ". ")
	base, _, _ := strings.Cut(name, ".")
	switch {
	case name == "":
		return "file"
	case slices.Contains(reserved, strings.ToLower(strings.TrimSpace(base))):
		return cut("_" + name)
	}
	return name
}

// extensionOf is what stands behind the last dot of a name, with the dot and as it is written; "" where nothing there looks like one.
func extensionOf(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || i == len(name)-1 || len(name)-i > maxExtension || strings.ContainsRune(name[i:], ' ') || !strings.ContainsFunc(name[i:], unicode.IsLetter) {
		return ""
	}
	return name[i:]
}

// cut shortens a name to MaxName characters, before its extension.
func cut(name string) string {
	if utf8.RuneCountInString(name) <= MaxName {
		return name
	}
	extension := extensionOf(name)
	base := []rune(name[:len(name)-len(extension)])
	return strings.TrimRight(string(base[:min(len(base), MaxName-utf8.RuneCountInString(extension))]), ". ") + extension
}

// fitName makes the extension of a clean name tell the truth: a picture, sound, film or PDF gets one of its type, and what only
// pretends to be one gets that of what it is. Other files keep the name that they were given.
func fitName(name, contentType, kind, usual string) string {
	extension := extensionOf(name)
	ok, promises := fits(strings.ToLower(extension), contentType)
	if ok || kind == event.MediaFile && !promises {
		return name
	}
	if usual == "" {
		usual = ".bin"
	}
	return cut(name[:len(name)-len(extension)] + usual)
}
