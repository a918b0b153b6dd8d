// Package all lists the kinds of channels of this program.
package all

import (
	"parley/internal/channel"
	"parley/internal/channel/custom"
	"parley/internal/channel/website"
)

// Kinds returns every kind, by type. A test compares it with the folders.
func Kinds() []channel.Kind {
	return []channel.Kind{
		custom.New(),
		website.New(),
	}
}
