package realtime

import (
	"encoding/json"

	"parley/internal/id"
)

// subprotocol names this version of the frames.
const subprotocol = "parley.v1"

// Close codes of the protocol.
const (
	closeResync   = 4001
	closeAuth     = 4003
	closeProtocol = 4008
)

// wireIn is any frame of a client.
type wireIn struct {
	Type           string           `json:"type"`
	After          *id.Seq          `json:"after"`
	Token          string           `json:"token"`
	Presence       bool             `json:"presence"`
	ConversationID *id.Conversation `json:"conversation_id"`
	URL            string           `json:"url"`
	Title          string           `json:"title"`
	Number         int              `json:"number"`
}

type wireWelcome struct {
	Type             string `json:"type"`
	Seq              id.Seq `json:"seq"`
	HeartbeatSeconds int    `json:"heartbeat_seconds"`
}

type wireEvent struct {
	Type  string          `json:"type"`
	Event json.RawMessage `json:"event"`
}

type wireMessage struct {
	Type         string `json:"type"`
	Seq          id.Seq `json:"seq"`
	Conversation any    `json:"conversation"`
	Message      any    `json:"message"`
}

type wireContact struct {
	Type    string `json:"type"`
	Seq     id.Seq `json:"seq"`
	Contact any    `json:"contact"`
}

type wireAvailability struct {
	Type         string `json:"type"`
	Availability string `json:"availability"`
}

type wireParty struct {
	Type string `json:"type"`
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type wireTyping struct {
	Type           string          `json:"type"`
	ConversationID id.Conversation `json:"conversation_id"`
	By             wireParty       `json:"by"`
	Text           *string         `json:"text"`
	TTLSeconds     int             `json:"ttl_seconds"`
}

type wireViewer struct {
	ID     id.Operator `json:"id"`
	Name   string      `json:"name"`
	Typing bool        `json:"typing"`
}

type wireViewing struct {
	Type           string          `json:"type"`
	ConversationID id.Conversation `json:"conversation_id"`
	Operators      []wireViewer    `json:"operators"`
}

type wireResync struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

type wireError struct {
	Type   string `json:"type"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

type wirePing struct {
	Type string `json:"type"`
}

var pingFrame = frame(wirePing{"ping"})

// signal is what nodes tell each other, and what a node tells itself about typing and viewing.
type signal struct {
	Node         string          `json:"node"`
	Kind         string          `json:"kind"` // wake, typing, viewing or ended
	Conversation id.Conversation `json:"conversation,omitempty"`
	Contact      id.Contact      `json:"contact,omitempty"` // whose browsers see it
	By           wireParty       `json:"by"`
	On           bool            `json:"on,omitempty"`
}

func frame(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("realtime: frame: " + err.Error()) // our own structs always encode
	}
	return b
}
