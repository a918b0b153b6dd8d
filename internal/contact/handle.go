package contact

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// maxSlug is the length of the place in a handle, in letters.
const maxSlug = 40

// GiveHandle gives the contact its generated name as part of tx, before its first conversation: the place of the visit and the contact's
// number, such as "costa-mesa-california-us-133" or "united-states-27", and "visitor-27" where the place is unknown or the visit is private
// (S-137). A contact that has one keeps it for life. c must have been read or made in tx.
func GiveHandle(tx *db.Tx, c *event.Contact, v event.Visit) error {
	if c.Handle != "" {
		return nil
	}
	handle, err := setHandle(tx, c.ID, handleOf(c.ID, v))
	if err != nil {
		return fmt.Errorf("give contact %d a handle: %w", c.ID, err)
	}
	c.Handle = handle
	return nil
}

func handleOf(contact id.Contact, v event.Visit) string {
	place := ""
	if !v.Private {
		place = placeOf(v)
	}
	if place == "" {
		return nowhere(contact)
	}
	return place + "-" + strconv.FormatInt(int64(contact), 10)
}

// nowhere is the handle of a contact whose place nobody knows.
func nowhere(contact id.Contact) string {
	c := event.Contact{ID: contact}
	return c.HandleName()
}

// placeOf is the place of a visit as it stands in a handle, "" for none.
func placeOf(v event.Visit) string {
	city, region, country, code := slug(v.City), slug(v.Region), slug(v.Country), slug(v.CountryCode)
	if city == "" {
		return cut(country, maxSlug)
	}
	place := join(city, region, code)
	if len(place) > maxSlug { // the country says more than the rest of a long name
		place = join(cut(join(city, region), maxSlug-len(code)-1), code)
	}
	return cut(place, maxSlug)
}

func join(parts ...string) string {
	var known []string
	for _, p := range parts {
		if p != "" {
			known = append(known, p)
		}
	}
	return strings.Join(known, "-")
}

// cut shortens a slug, at the end of a word where there is one.
func cut(s string, n int) string {
	if n < 1 {
		return ""
	}
	if len(s) <= n {
		return s
	}
	if i := strings.LastIndexByte(s[:n+1], '-'); i > 0 {
		return s[:i]
	}
	return s[:n]
}

// plainLetters are the ASCII forms of letters that are no letter with an accent.
var plainLetters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ł", "l", "þ", "th", "ı", "i", "ħ", "h", "ŧ", "t", "ə", "a",
	"'", "", "’", "", "‘", "", "ʻ", "", ".", "")

// slug is a name in small ASCII letters and digits with "-" between the words, "" for one without any.
func slug(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(plainLetters.Replace(strings.ToLower(name))) {
		switch {
		case unicode.Is(unicode.Mn, r): // an accent of the letter before
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	return b.String()
}
