package command

import (
	"fmt"
	"strings"

	"parley/internal/inbox"
	"parley/internal/reply"
)

// maxListed is how many saved texts a line lists.
const maxListed = 20

func runReplies(c *call) error {
	return c.saved(reply.KindReply, "reply", "saved reply", "saved replies")
}

func runQuestions(c *call) error {
	return c.saved(reply.KindQuestion, "question-group", "question group", "question groups")
}

// saved lists the texts of a kind, each with the line that sends it.
func (c *call) saved(kind, name, one, many string) error {
	list, err := c.Replies.List(c.ctx, kind, c.rest)
	if err != nil {
		return err
	}
	switch {
	case len(list) == 0 && c.rest == "":
		c.say("There is no %s yet. Admins write them in the settings.", one)
	case len(list) == 0:
		c.say("No %s holds “%.60s”.", one, c.rest)
	}
	for _, r := range list[:min(maxListed, len(list))] {
		parts := []string{"$" + name + " " + r.Shortcut}
		if r.Title != "" {
			parts = append(parts, r.Title)
		}
		line := strings.Join(append(parts, "“"+shown(r.Body)+"”"), " · ")
		if len(r.Options) > 0 {
			line += " · " + strings.Join(r.Options, " / ")
		}
		c.answer.Lines = append(c.answer.Lines, line)
	}
	if more := len(list) - maxListed; more > 0 {
		c.say("… and %d more %s; words narrow the list, as in $%s return", more, many, c.command.Name)
	}
	return nil
}

func runReply(c *call) error { return c.send(reply.KindReply, "$replies") }

func runQuestion(c *call) error { return c.send(reply.KindQuestion, "$question-groups") }

// send posts a saved text to the contact.
func (c *call) send(kind, list string) error {
	shortcut := text(c.rest)
	if shortcut == "" {
		return refuse("type it as %s; %s lists them", c.command.usage(), list)
	}
	r, err := c.Replies.ByShortcut(c.ctx, kind, shortcut)
	if err != nil {
		return err
	}
	body, options, err := c.Replies.For(c.ctx, c.by, r.ID, c.id)
	if err != nil {
		return err
	}
	posted, err := c.Inbox.Post(c.ctx, c.by, c.key, inbox.Post{Conversation: c.id, Body: body, Choices: options})
	if err != nil {
		return err
	}
	c.answer.Conversation, c.answer.Message = posted.Conversation, posted.Message
	c.answer.Lines = append(c.answer.Lines, fmt.Sprintf("Sent: “%s”", shown(posted.Message.Body)))
	return nil
}
