package website

import (
	"testing"

	"parley/internal/channel/channeltest"
)

func TestTheContractOfChannels(t *testing.T) {
	channeltest.Run(t, channeltest.Suite{Kind: New()})
}
