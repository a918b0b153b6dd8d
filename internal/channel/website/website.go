// Package website is the channel that every installation has: the messengers on its sites. Nobody makes it, and it has no settings; its
// messages come and go over the visitors' own API and sockets.
package website

import (
	"parley/internal/channel"
	"parley/internal/event"
)

// New returns the kind.
func New() channel.Kind { return website{} }

type website struct{}

// Info implements channel.Kind.
func (website) Info() channel.Info {
	return channel.Info{Type: event.ChannelWebsite, Label: "Website", Description: "The messenger on your sites. It is there from the beginning; its settings are the widgets."}
}
