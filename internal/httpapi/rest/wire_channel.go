package rest

import (
	"strconv"
	"time"

	channels "parley/internal/channel"
	"parley/internal/id"
	"parley/internal/secret"
)

type channelOption struct {
	Value string `json:"value" example:"1"`
	Label string `json:"label" example:"1: contacts by e-mail address"`
}

// channelField is one setting of a type of channels; forms are made from it.
type channelField struct {
	Name      string          `json:"name" example:"outbound_url"`
	Label     string          `json:"label" example:"Outbound URL"`
	Help      string          `json:"help" example:"Where your system takes the messages that operators send."`
	Kind      string          `json:"kind" enum:"text,url,secret,choice" doc:"Secrets are in secrets, all others in settings."`
	Required  bool            `json:"required"`
	Generated bool            `json:"generated" doc:"One is made when none is given."`
	Default   string          `json:"default" doc:"What a channel gets that does not say." example:""`
	Options   []channelOption `json:"options" nullable:"false" doc:"Of a choice."`
}

type channelType struct {
	Type        string         `json:"type" example:"custom"`
	Label       string         `json:"label" example:"Custom Channel"`
	Description string         `json:"description" example:"Connects any message system with two JSON endpoints."`
	Creatable   bool           `json:"creatable" doc:"False for the website, which is there from the beginning."`
	Fields      []channelField `json:"fields" nullable:"false" doc:"Beside those that every channel has."`
}

type channelTypeList struct {
	Items []channelType `json:"items" nullable:"false"`
}

type channelSecret struct {
	Set               bool    `json:"set"`
	Hint              *string `json:"hint" doc:"The end of it, for admins; null for short ones." example:"x9Qz"`
	PreviousExpiresAt *string `json:"previous_expires_at" format:"date-time" doc:"Until when the one before it counts; null when none does."`
}

// channelSettings is a channel with all that is set of it.
type channelSettings struct {
	ID          int64                    `json:"id" example:"1"`
	Type        string                   `json:"type" example:"custom"`
	Name        string                   `json:"name" example:"SMS"`
	WidgetID    int64                    `json:"widget_id" doc:"The default widget: it decides group, language and privacy rules of conversations that begin on the channel." example:"1"`
	Widgets     []int64                  `json:"widgets" nullable:"false" doc:"Visitors of these can go on with their conversation on the channel." example:"[]"`
	Settings    stringMap                `json:"settings" doc:"The values of its type's fields. Empty for who is no admin." example:"{\"outbound_url\": \"https://sms.example/out\", \"version\": \"1\"}"`
	Secrets     map[string]channelSecret `json:"secrets" doc:"What may be told of its tokens."`
	InboundURL  *string                  `json:"inbound_url" doc:"Where the other side posts messages; null for who is no admin." example:"https://chat.example/channels/Zk3…"`
	Merge       bool                     `json:"merge" doc:"Who writes from an e-mail address that is known is the contact with that address."`
	AutoReply   bool                     `json:"auto_reply" doc:"Contacts get a receipt when a conversation begins."`
	State       string                   `json:"state" enum:"active,paused,gone" doc:"Of the way out; messages come in in any state. gone: the other side answered that it wants no more calls."`
	StateReason string                   `json:"state_reason" example:""`
	Stats       endpointStats            `json:"stats"`
	CreatedAt   string                   `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	UpdatedAt   string                   `json:"updated_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
}

type channelList struct {
	Items []channelSettings `json:"items" nullable:"false"`
}

type channelInput struct {
	Type      string    `json:"type" doc:"One of GET /channel-types that is creatable." example:"custom"`
	Name      string    `json:"name" example:"SMS"`
	WidgetID  int64     `json:"widget_id" example:"1"`
	Widgets   *[]int64  `json:"widgets,omitempty" nullable:"false" doc:"Default: none." example:"[1]"`
	Settings  stringMap `json:"settings,omitempty" example:"{\"outbound_url\": \"https://sms.example/out\"}"`
	Secrets   stringMap `json:"secrets,omitempty" doc:"Tokens that you typed, 8 to 200 characters; what is left out or empty is made." example:"{\"outbound_token\": \"correct-horse-battery\"}"`
	Merge     *bool     `json:"merge,omitempty" doc:"Default: true."`
	AutoReply *bool     `json:"auto_reply,omitempty" doc:"Default: false."`
}

type channelPatch struct {
	Name      *string   `json:"name,omitempty" example:"SMS"`
	WidgetID  *int64    `json:"widget_id,omitempty" doc:"Concerns conversations that begin later." example:"1"`
	Widgets   *[]int64  `json:"widgets,omitempty" nullable:"false" example:"[1]"`
	Settings  stringMap `json:"settings,omitempty" doc:"Fields that are left out stay as they are."`
	Secrets   stringMap `json:"secrets,omitempty" doc:"Replaces a token at once; to let the old one count for a while, rotate it."`
	Merge     *bool     `json:"merge,omitempty"`
	AutoReply *bool     `json:"auto_reply,omitempty"`
}

type channelCreatedAnswer struct {
	Channel channelSettings `json:"channel"`
	Secrets stringMap       `json:"secrets" doc:"The tokens, shown only here." example:"{\"inbound_token\": \"…\", \"outbound_token\": \"…\"}"`
}

type channelRotation struct {
	Secret       string  `json:"secret" doc:"The name of the field." example:"inbound_token"`
	Value        *string `json:"value,omitempty" doc:"The new token; one is made without it." example:"correct-horse-battery"`
	OverlapHours *int    `json:"overlap_hours,omitempty" minimum:"0" maximum:"168" doc:"How long the Inbound token before it goes on counting. Default: 0." example:"24"`
}

type channelRotated struct {
	Value string `json:"value" doc:"Shown only here." example:"Zk3…"`
}

type channelTestInput struct {
	Direction string  `json:"direction" enum:"out,in" doc:"out calls the Outbound URL with sample data. in lets a message come in as if the other side had posted it, which makes a conversation."`
	Email     *string `json:"email,omitempty" doc:"The contact's e-mail address. Default: one of example.com." example:"me@shop.example"`
}

type channelTested struct {
	DeliveryID     *int64 `json:"delivery_id" doc:"Of out." example:"9"`
	ConversationID *int64 `json:"conversation_id" doc:"Of in."`
	MessageID      *int64 `json:"message_id" doc:"Of in."`
}

// channelKnock is a line of the log of what came in at a channel.
type channelKnock struct {
	ID             int64   `json:"id" example:"7"`
	At             string  `json:"at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	IP             string  `json:"ip" example:"203.0.113.7"`
	Status         int     `json:"status" doc:"The HTTP status of the answer." example:"200"`
	Code           *string `json:"code" doc:"Why it is not 200, in a word."`
	Detail         *string `json:"detail" doc:"Why it is not 200, in words."`
	MessageID      *int64  `json:"message_id" example:"77"`
	ConversationID *int64  `json:"conversation_id" doc:"Where the message is." example:"42"`
	Duplicate      bool    `json:"duplicate" doc:"The message had come before."`
}

type channelKnockPage struct {
	Items      []channelKnock `json:"items" nullable:"false" doc:"Newest first; the newest 1,000 are kept. Of a run of wrong tokens not every call is here."`
	NextCursor *string        `json:"next_cursor" doc:"Send it as cursor for the next page; null on the last page."`
}

// startInput begins a conversation with somebody on a channel.
type startInput struct {
	ChannelID int64   `json:"channel_id" minimum:"1" example:"1"`
	ContactID *int64  `json:"contact_id,omitempty" minimum:"1" doc:"Give contact_id, email or address; with contact_id, address says which of the contact's." example:"11"`
	Email     *string `json:"email,omitempty" example:"ann@example.com"`
	Address   *string `json:"address,omitempty" doc:"An address of GET /contacts/{id}/addresses, or the other side's own id of the contact."`
	Name      *string `json:"name,omitempty" doc:"The contact's, where it is not known yet." example:"Ann"`
	Body      string  `json:"body" example:"Your order is on its way."`
	Media     *string `json:"media,omitempty" doc:"The key of an uploaded file; the body is its caption then and may be empty."`
}

type addressChannel struct {
	ID   int64  `json:"id" example:"1"`
	Name string `json:"name" example:"SMS"`
}

// contactAddress is somebody's place on a channel.
type contactAddress struct {
	ID          int64          `json:"id" example:"1"`
	Channel     addressChannel `json:"channel"`
	Address     string         `json:"address" doc:"An e-mail address, or the other side's own id of the contact behind “id:”." example:"ann@example.com"`
	Email       *string        `json:"email" example:"ann@example.com"`
	Merged      bool           `json:"merged" doc:"The contact was known before, by the same e-mail address."`
	CreatedAt   string         `json:"created_at" format:"date-time" example:"2026-11-22T10:00:00.123456Z"`
	SeparatedAt *string        `json:"separated_at" format:"date-time" doc:"When the two were taken apart."`
}

type addressList struct {
	Items []contactAddress `json:"items" nullable:"false" doc:"Oldest first."`
}

type separatedAnswer struct {
	Contact contactObject `json:"contact" doc:"The new one."`
}

func wireChannelType(i channels.Info) channelType {
	return channelType{
		Type: i.Type, Label: i.Label, Description: i.Description, Creatable: i.Creatable,
		Fields: wireList(i.Fields, func(f channels.Field) channelField {
			return channelField{
				Name: f.Name, Label: f.Label, Help: f.Help, Kind: string(f.Kind), Required: f.Required, Generated: f.Generated, Default: f.Default,
				Options: wireList(f.Options, func(o channels.Option) channelOption { return channelOption{o.Value, o.Label} }),
			}
		}),
	}
}

func wireChannelSettings(c *channels.Channel) channelSettings {
	w := channelSettings{
		ID:          wireID(c.ID),
		Type:        c.Type,
		Name:        c.Name,
		WidgetID:    wireID(c.Widget),
		Widgets:     wireIDs(c.Widgets),
		Settings:    stringMap{},
		Secrets:     map[string]channelSecret{},
		InboundURL:  wireStringOrNull(c.InboundURL),
		Merge:       c.Merge,
		AutoReply:   c.AutoReply,
		State:       c.State,
		StateReason: c.StateReason,
		Stats:       wireStats(c.Stats),
		CreatedAt:   wireTime(c.CreatedAt),
		UpdatedAt:   wireTime(c.UpdatedAt),
	}
	for name, v := range c.Settings {
		w.Settings[name] = v
	}
	for name, s := range c.Secrets {
		w.Secrets[name] = channelSecret{Set: s.Set, Hint: wireStringOrNull(s.Hint), PreviousExpiresAt: wireTimeOrNull(s.PreviousExpires)}
	}
	return w
}

func wireSecrets(secrets map[string]secret.String) stringMap {
	out := stringMap{}
	for name, s := range secrets {
		out[name] = s.Reveal()
	}
	return out
}

func (in channelInput) draft() channels.Draft {
	widget := id.Widget(in.WidgetID)
	return channels.Draft{Type: &in.Type, Name: &in.Name, Widget: &widget, Widgets: ids[id.Widget](in.Widgets), Settings: in.Settings, Secrets: in.Secrets,
		Merge: in.Merge, AutoReply: in.AutoReply}
}

func (in channelPatch) draft() channels.Draft {
	d := channels.Draft{Name: in.Name, Widgets: ids[id.Widget](in.Widgets), Settings: in.Settings, Secrets: in.Secrets, Merge: in.Merge, AutoReply: in.AutoReply}
	if in.WidgetID != nil {
		widget := id.Widget(*in.WidgetID)
		d.Widget = &widget
	}
	return d
}

func (in channelRotation) overlap() time.Duration {
	return time.Duration(valueOr(in.OverlapHours)) * time.Hour
}

func wireKnock(k *channels.Knock) channelKnock {
	return channelKnock{
		ID: k.ID, At: wireTime(k.At), IP: k.IP, Status: k.Status, Code: wireStringOrNull(string(k.Code)), Detail: wireStringOrNull(k.Detail),
		MessageID: wireIDOrNull(k.Message), ConversationID: wireIDOrNull(k.Conversation), Duplicate: k.Duplicate,
	}
}

func wireAddress(a *channels.Address) contactAddress {
	name := a.ChannelName
	if name == "" {
		name = strconv.FormatInt(int64(a.Channel), 10)
	}
	return contactAddress{
		ID: a.ID, Channel: addressChannel{wireID(a.Channel), name}, Address: a.Address, Email: wireStringOrNull(a.Email), Merged: a.Merged,
		CreatedAt: wireTime(a.CreatedAt), SeparatedAt: wireTimeOrNull(a.SeparatedAt),
	}
}

// inboundAnswer is what the other side of a channel gets for a message.
type inboundAnswer struct {
	ID             int64 `json:"id"`
	ConversationID int64 `json:"conversation_id"`
	ContactID      int64 `json:"contact_id"`
	Duplicate      bool  `json:"duplicate"`
}

// receiptAnswer is what it gets for a receipt.
type receiptAnswer struct {
	ID int64 `json:"id"`
}
