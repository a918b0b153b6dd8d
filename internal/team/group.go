package team

import (
	"slices"
	"strings"

	"parley/internal/fault"
	"parley/internal/id"
)

// groupName returns the name as it is stored: trimmed, one line of 1 to 100 characters.
func groupName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", fault.New(fault.FieldRequired, "a group needs a name").At("name")
	}
	if err := checkLine(s, "name", maxName); err != nil {
		return "", err
	}
	return s, nil
}

func sortOperatorIDs(list []id.Operator) { slices.Sort(list) }

// difference returns what is only in want and what is only in have.
func difference[T ~int64](have, want []T) (add, remove []T) {
	for _, v := range want {
		if !slices.Contains(have, v) && !slices.Contains(add, v) {
			add = append(add, v)
		}
	}
	for _, v := range have {
		if !slices.Contains(want, v) {
			remove = append(remove, v)
		}
	}
	return add, remove
}
