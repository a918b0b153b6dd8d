package visitor

import (
	"time"

	"parley/internal/id"
)

// wireOffline is what somebody writes into the form that stands in the place of the chat while nobody is there.
type wireOffline struct {
	ClientID string     `json:"client_id"`
	Name     string     `json:"name"`
	Email    string     `json:"email"`
	Message  string     `json:"message"`
	Claimed  *wireClaim `json:"claimed"`
	Visit    wireVisit  `json:"visit"`
}

type wireLeft struct {
	Token          *string         `json:"token"`
	Contact        wireContact     `json:"contact"`
	ConversationID id.Conversation `json:"conversation_id"`
}

// wireHere tells that somebody is on a page, or leaves it.
type wireHere struct {
	// Key is what the answer to the page's first call gave.
	Key   string    `json:"key"`
	Visit wireVisit `json:"visit"`
	Left  bool      `json:"left"`
}

type wireSeen struct {
	Key        string          `json:"key"`
	Invitation *wireInvitation `json:"invitation"`
}

// wireInvitation is an operator's message to somebody who has not written yet.
type wireInvitation struct {
	ID        id.Invitation `json:"id"`
	Secret    string        `json:"secret"`
	Body      string        `json:"body"`
	Operator  wireFace      `json:"operator"`
	CreatedAt time.Time     `json:"created_at"`
}

// wireAnswering says which invitation a message answers.
type wireAnswering struct {
	ID     id.Invitation `json:"id"`
	Secret string        `json:"secret"`
}
