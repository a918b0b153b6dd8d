package visitor

import "parley/internal/id"

// wireOffer is a channel on which visitors can go on with their conversation.
type wireOffer struct {
	ID   id.Channel `json:"id"`
	Name string     `json:"name"`
	Type string     `json:"type"`
}

// wireMove says where a conversation goes on, and at which e-mail address.
type wireMove struct {
	ChannelID id.Channel `json:"channel_id"`
	Email     string     `json:"email"`
}
