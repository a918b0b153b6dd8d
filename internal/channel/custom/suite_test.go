package custom

import (
	"encoding/json"
	"testing"

	"parley/internal/channel/channeltest"
)

func TestTheContractOfChannels(t *testing.T) {
	channeltest.Run(t, channeltest.Suite{
		Kind: New(),
		Settings: func(url string) map[string]string {
			return map[string]string{outboundURL: url + "/out", version: version1}
		},
		Message: func(id, email, text string) []byte {
			b, err := json.Marshal(map[string]string{"id": id, "email": email, "body": text})
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
	})
}
