package command

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/event"
)

// receiver is who shall get a conversation: an operator or a group.
type receiver struct {
	operator *event.Operator
	group    *event.Group
}

func (r receiver) String() string {
	if r.operator != nil {
		return fmt.Sprintf("%s (%s)", r.operator.Name(), r.operator.Email)
	}
	return "the group " + r.group.Name
}

// names are all that somebody may call them.
func (r receiver) names() []string {
	if r.group != nil {
		return []string{r.group.Name}
	}
	o := r.operator
	return []string{o.Name(), o.Username, o.Email, o.Alias, o.FirstName, o.LastName}
}

// maxNameWords is of how many words a name without quotes can be.
const maxNameWords = 6

// receiver finds who is named at the beginning of the argument, and returns the rest as a note. Without quotes, the longest
// run of words that is somebody's whole name wins, then the longest that somebody's name begins with.
func (c *call) receiver(operators bool) (receiver, string, error) {
	if c.rest == "" {
		return receiver{}, "", c.usage()
	}
	all, err := c.receivers(operators)
	if err != nil {
		return receiver{}, "", err
	}
	type reading struct{ name, note string }
	var readings []reading
	if first, _ := utf8.DecodeRuneInString(c.rest); isQuote(first) {
		name, note, ok := word(c.rest, unicode.IsSpace)
		if !ok || name == "" {
			return receiver{}, "", c.usage()
		}
		readings = append(readings, reading{name, note})
	} else {
		name, rest := "", c.rest
		for range maxNameWords {
			var first string
			if first, rest, _ = cutWord(rest); first == "" {
				break
			}
			name = strings.TrimSpace(name + " " + first)
			readings = append(readings, reading{name, rest})
		}
		slices.Reverse(readings)
	}
	for _, fits := range []func(name, typed string) bool{strings.EqualFold, begins} {
		for _, r := range readings {
			var found []receiver
			for _, one := range all {
				if slices.ContainsFunc(one.names(), func(name string) bool { return name != "" && fits(name, r.name) }) {
					found = append(found, one)
				}
			}
			if len(found) == 1 {
				return found[0], text(r.note), nil
			}
			if len(found) > 1 {
				return receiver{}, "", ambiguous(r.name, found)
			}
		}
	}
	kind := "operator or group"
	if !operators {
		kind = "group"
	}
	return receiver{}, "", refuse("there is no %s “%.60s”", kind, readings[0].name)
}

func cutWord(s string) (first, rest string, found bool) {
	end := strings.IndexFunc(s, unicode.IsSpace)
	if end < 0 {
		return s, "", s != ""
	}
	return s[:end], strings.TrimSpace(s[end:]), true
}

// begins reports whether a name begins with what was typed, in whatever case; one letter is not enough.
func begins(name, typed string) bool {
	n, t := []rune(name), []rune(typed)
	return len(t) >= 2 && len(n) > len(t) && strings.EqualFold(string(n[:len(t)]), typed)
}

func ambiguous(name string, found []receiver) error {
	const shown = 5
	var list []string
	for _, r := range found[:min(shown, len(found))] {
		list = append(list, r.String())
	}
	if len(found) > shown {
		list = append(list, fmt.Sprintf("%d more", len(found)-shown))
	}
	return refuse("“%s” can be %s; type more of the name, or the e-mail address", name, strings.Join(list, ", "))
}

// receivers are all who can be named: groups, and the active operators where those may be meant.
func (c *call) receivers(operators bool) ([]receiver, error) {
	var out []receiver
	if operators {
		list, err := c.Team.List(c.ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			if o.Active {
				out = append(out, receiver{operator: o})
			}
		}
	}
	groups, err := c.Team.Groups(c.ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		out = append(out, receiver{group: g})
	}
	return out, nil
}
