package rest

import "parley/internal/reply"

// savedReply is a saved reply or a question group. Its name in the API's document is SavedReply.
type savedReply struct {
	ID        int64    `json:"id" example:"7"`
	Kind      string   `json:"kind" enum:"reply,question" doc:"A saved reply, or a question with answers to click."`
	Shortcut  string   `json:"shortcut" doc:"What operators type for it; unique within the kind, in lower case." example:"hello"`
	Title     string   `json:"title" example:"Greeting"`
	Body      string   `json:"body" doc:"The text, with variables." example:"Hi {name}, how can I help?"`
	Options   []string `json:"options" nullable:"false" doc:"What the contact can click, for a question." example:"[]"`
	CreatedAt string   `json:"created_at" format:"date-time"`
	UpdatedAt string   `json:"updated_at" format:"date-time"`
}

func wireReply(r *reply.Reply) savedReply {
	return savedReply{ID: wireID(r.ID), Kind: r.Kind, Shortcut: r.Shortcut, Title: r.Title, Body: r.Body, Options: wireOptions(r.Options),
		CreatedAt: wireTime(r.CreatedAt), UpdatedAt: wireTime(r.UpdatedAt)}
}

func wireOptions(list []string) []string { return wireList(list, func(s string) string { return s }) }

type savedReplyList struct {
	Items []savedReply `json:"items" nullable:"false" doc:"By shortcut; with q the best first."`
}

type savedReplyInput struct {
	Kind     string   `json:"kind" enum:"reply,question"`
	Shortcut string   `json:"shortcut" doc:"1 to 40 letters, digits, dashes, dots or underscores." example:"hello"`
	Title    string   `json:"title,omitempty" doc:"Up to 80 characters." example:"Greeting"`
	Body     string   `json:"body" doc:"1 to 5,000 characters. Variables are {name} and {email} of the contact, {operator} who sends it, and {widget}." example:"Hi {name}, how can I help?"`
	Options  []string `json:"options,omitempty" doc:"For a question: 1 to 10 answers of up to 80 characters."`
}

func (in *savedReplyInput) draft() reply.Draft {
	return reply.Draft{Kind: in.Kind, Shortcut: in.Shortcut, Title: in.Title, Body: in.Body, Options: in.Options}
}

type savedReplyPatch struct {
	Shortcut *string   `json:"shortcut,omitempty"`
	Title    *string   `json:"title,omitempty"`
	Body     *string   `json:"body,omitempty"`
	Options  *[]string `json:"options,omitempty"`
}

func (in *savedReplyPatch) change() reply.Change {
	return reply.Change{Shortcut: in.Shortcut, Title: in.Title, Body: in.Body, Options: in.Options}
}

type filledReply struct {
	Body    string   `json:"body" doc:"The text with its variables filled." example:"Hi Jane, how can I help?"`
	Options []string `json:"options" nullable:"false" example:"[]"`
}
