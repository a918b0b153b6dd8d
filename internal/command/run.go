package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/mail"
	"parley/internal/once"
	"parley/internal/reply"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/widget"
)

// Options are what a Desk translates to.
type Options struct {
	Inbox    *inbox.Desk
	Contacts *contact.Desk
	Team     *team.Desk
	Mails    *mail.Desk
	Replies  *reply.Desk
	Widgets  *widget.Desk
	Webhooks *webhook.Desk
}

// Desk runs command lines. Safe for concurrent use.
type Desk struct{ Options }

// New makes a Desk.
func New(o Options) *Desk { return &Desk{o} }

// Answer is what came of a line, for the one who typed it only.
type Answer struct {
	// Command is the name of the command, whatever alias was typed.
	Command string
	// Lines say what happened, or what was asked for.
	Lines        []string
	Conversation *inbox.View
	// Message is the note that the line left or the saved text that it sent, nil for none.
	Message *event.Message
}

// call is one line under way.
type call struct {
	*Desk
	ctx     context.Context
	by      team.Actor
	key     once.Key
	id      id.Conversation
	command *Command
	rest    string
	// answer is what the command fills in; without a conversation, it is read afterwards.
	answer Answer
}

// Run does what an operator typed into the composer of a conversation: once for each key. Faults: command.unknown with the
// nearest name as a hint, command.argument for what the command cannot take, and those of the command's own rules.
func (d *Desk) Run(ctx context.Context, by team.Actor, key once.Key, conversation id.Conversation, line string) (*Answer, error) {
	if err := by.MayWrite(); err != nil {
		return nil, err
	}
	command, rest, err := parse(line)
	if err != nil {
		return nil, err
	}
	if command.Permission == ForAdmins {
		if err := by.MayAdmin(); err != nil {
			return nil, err
		}
	}
	c := &call{Desk: d, ctx: ctx, by: by, key: key, id: conversation, command: command, rest: rest, answer: Answer{Command: command.Name}}
	if command.Argument == None && rest != "" {
		return nil, c.usage()
	}
	if err := command.run(c); err != nil {
		return nil, atLine(err)
	}
	if c.answer.Conversation == nil {
		if c.answer.Conversation, err = d.Inbox.Get(ctx, conversation); err != nil {
			return nil, err
		}
	}
	return &c.answer, nil
}

// atLine makes a fault of what was typed one of the line.
func atLine(err error) error {
	f := fault.As(err)
	switch {
	case f.Code == fault.CommandArgument || f.Code == fault.KeyReused || f.Field == "" || f.Kind() != fault.Invalid && f.Kind() != fault.NotFound && f.Kind() != fault.Conflict:
		return err
	}
	return fault.New(fault.CommandArgument, f.Detail).At("line").Because(err)
}

// refuse is a fault about the command's argument.
func refuse(format string, args ...any) error {
	return fault.Newf(fault.CommandArgument, format, args...).At("line")
}

func (c *call) usage() error {
	return refuse("type it as %s", c.command.usage())
}

func (c *Command) usage() string { return strings.TrimSpace("$" + c.Name + " " + c.Args) }

func (c *call) say(format string, args ...any) {
	c.answer.Lines = append(c.answer.Lines, fmt.Sprintf(format, args...))
}

// changed takes the conversation that a command left.
func (c *call) changed(v *inbox.View, err error) error {
	c.answer.Conversation = v
	return err
}

func runAPI(c *call) error {
	var err error
	switch strings.ToLower(c.rest) {
	case "":
		err = c.changed(c.Inbox.ToggleFlag(c.ctx, c.by, c.key, c.id))
	case "on":
		err = c.changed(c.Inbox.Flag(c.ctx, c.by, c.key, c.id, true))
	case "off":
		err = c.changed(c.Inbox.Flag(c.ctx, c.by, c.key, c.id, false))
	default:
		return c.usage()
	}
	if err != nil {
		return err
	}
	if c.answer.Conversation.Flagged {
		c.say("The conversation will be sent to the API when its status changes. $api again takes that back.")
	} else {
		c.say("The conversation will not be sent to the API.")
	}
	return nil
}

func runEnd(c *call) error {
	c.say("The conversation has ended.")
	return c.changed(c.Inbox.End(c.ctx, c.by, c.key, c.id))
}

func runDiscard(c *call) error {
	c.say("The conversation has ended. No transcript goes out for it, unless it went before.")
	return c.changed(c.Inbox.Discard(c.ctx, c.by, c.key, c.id))
}

func runSendToWebhook(c *call) error {
	extra, ok := words(c.rest, unicode.IsSpace)
	if !ok {
		return refuse(`type it as %s; words with blanks between them need quotes: "two words"`, c.command.usage())
	}
	if err := c.changed(c.Inbox.SendToWebhook(c.ctx, c.by, c.key, c.id, extra)); err != nil {
		return err
	}
	if len(extra) > 0 {
		c.say("The transcript goes to the webhook, with the extra data: %s.", strings.Join(extra, ", "))
	} else {
		c.say("The transcript goes to the webhook.")
	}
	return nil
}

func runForward(c *call) error { return c.forward(true) }

func runGroup(c *call) error { return c.forward(false) }

func (c *call) forward(operators bool) error {
	to, note, err := c.receiver(operators)
	if err != nil {
		return err
	}
	if to.operator != nil {
		err = c.changed(c.Inbox.Forward(c.ctx, c.by, c.key, c.id, to.operator.ID, 0, note))
	} else {
		err = c.changed(c.Inbox.Forward(c.ctx, c.by, c.key, c.id, 0, to.group.ID, note))
	}
	if err != nil {
		return err
	}
	v := c.answer.Conversation
	group := ""
	if v.Group != nil {
		group = v.Group.Name
	}
	switch {
	case v.Operator == nil:
		c.say("Nobody of the group %s is free: the conversation waits there.", group)
	case group == "":
		c.say("%s has the conversation now.", v.Operator.Name())
	default:
		c.say("%s has the conversation now, in the group %s.", v.Operator.Name(), group)
	}
	return nil
}

func runNote(c *call) error {
	if c.rest == "" {
		return c.usage()
	}
	posted, err := c.Inbox.Post(c.ctx, c.by, c.key, inbox.Post{Conversation: c.id, Body: c.rest, Note: true})
	if err != nil {
		return err
	}
	c.answer.Conversation, c.answer.Message = posted.Conversation, posted.Message
	c.say("The note is stored. The contact does not see it.")
	return nil
}

// value is the one argument of a command that sets something.
func (c *call) value() (string, error) {
	if c.rest == "" {
		return "", refuse(`type it as %s; $%s "" takes it away`, c.command.usage(), c.command.Name)
	}
	return text(c.rest), nil
}

// contact returns whose conversation it is.
func (c *call) contact() (id.Contact, error) { return c.Inbox.ContactOf(c.ctx, c.id) }

// setContact does something to the contact with the command's value, and says what it is called and what it is now.
func (c *call) setContact(what string, set func(to id.Contact, value string) (*event.Contact, error), get func(*event.Contact) string) error {
	value, err := c.value()
	if err != nil {
		return err
	}
	to, err := c.contact()
	if err != nil {
		return err
	}
	now, err := set(to, value)
	if err != nil {
		return err
	}
	if is := get(now); is != "" {
		c.say("%s: %s", what, is)
	} else {
		c.say("%s: none", what)
	}
	return nil
}

func (c *call) change(what string, change func(value *string) contact.Change, get func(*event.Contact) string) error {
	return c.setContact(what, func(to id.Contact, value string) (*event.Contact, error) {
		return c.Contacts.Update(c.ctx, c.by, c.key, to, change(&value))
	}, get)
}

func runName(c *call) error {
	return c.change("Name", func(v *string) contact.Change { return contact.Change{Name: v} }, func(p *event.Contact) string { return p.Name })
}

func runEmail(c *call) error {
	return c.change("E-mail", func(v *string) contact.Change { return contact.Change{Email: v} }, func(p *event.Contact) string { return p.Email })
}

func runPhone(c *call) error {
	return c.change("Phone", func(v *string) contact.Change { return contact.Change{Phone: v} }, func(p *event.Contact) string { return p.Phone })
}

func runAdditional(n int) func(*call) error {
	return func(c *call) error {
		return c.setContact(fmt.Sprintf("Additional %02d", n), func(to id.Contact, value string) (*event.Contact, error) {
			return c.Contacts.SetAdditional(c.ctx, c.by, c.key, to, n, value)
		}, func(p *event.Contact) string {
			if n > len(p.Additional) {
				return ""
			}
			return p.Additional[n-1].Value
		})
	}
}

func runField(c *call) error {
	name, rest, ok := word(c.rest, unicode.IsSpace)
	if !ok || name == "" || rest == "" {
		return refuse(`type it as %s; $field KEY "" takes the key away`, c.command.usage())
	}
	to, err := c.contact()
	if err != nil {
		return err
	}
	value := strings.TrimSpace(text(rest))
	if _, err := c.Contacts.SetField(c.ctx, c.by, c.key, to, name, value); err != nil {
		return err
	}
	if value == "" {
		c.say("%s: none", name)
	} else {
		c.say("%s: %s", name, value)
	}
	return nil
}

func runTopic(c *call) error {
	topic, err := c.value()
	if err != nil {
		return err
	}
	if err := c.changed(c.Inbox.SetTopic(c.ctx, c.by, c.key, c.id, topic)); err != nil {
		return err
	}
	if is := c.answer.Conversation.Topic; is != "" {
		c.say("Topic: %s", is)
	} else {
		c.say("Topic: none")
	}
	return nil
}

func runTag(c *call) error { return c.tags(true) }

func runUntag(c *call) error { return c.tags(false) }

func (c *call) tags(add bool) error {
	tags, ok := words(c.rest, blankOrComma)
	if !ok || len(tags) == 0 {
		return refuse(`type it as %s; a tag with blanks needs quotes: "two words"`, c.command.usage())
	}
	var err error
	if add {
		err = c.changed(c.Inbox.ChangeTags(c.ctx, c.by, c.key, c.id, tags, nil))
	} else {
		err = c.changed(c.Inbox.ChangeTags(c.ctx, c.by, c.key, c.id, nil, tags))
	}
	if err != nil {
		return err
	}
	if now := c.answer.Conversation.Tags; len(now) > 0 {
		c.say("Tags: %s", strings.Join(now, ", "))
	} else {
		c.say("Tags: none")
	}
	return nil
}

func runTranscript(c *call) error {
	to, more, ok := word(c.rest, unicode.IsSpace)
	if !ok || more != "" || c.rest != "" && to == "" {
		return c.usage()
	}
	m, err := c.Mails.SendTranscript(c.ctx, c.by, c.key, c.id, to)
	if err != nil {
		return err
	}
	c.say("A mail to %s with the transcript is queued.", m.Receiver)
	return nil
}

const (
	defaultHistory = 5
	maxHistory     = 20
)

func runHistory(c *call) error {
	n := defaultHistory
	if c.rest != "" {
		var err error
		if n, err = strconv.Atoi(c.rest); err != nil || n < 1 || n > maxHistory {
			return refuse("type it as %s, with a number from 1 to %d", c.command.usage(), maxHistory)
		}
	}
	of, err := c.contact()
	if err != nil {
		return err
	}
	page, err := c.Inbox.List(c.ctx, inbox.Filter{Statuses: inbox.Statuses(), Contact: of, Limit: n + 2}, c.by.Operator)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(page.Items, func(v *inbox.View) bool { return v.ID == c.id })
	if len(others) == 0 {
		c.say("The contact has no other conversation.")
	}
	for _, v := range others[:min(n, len(others))] {
		c.answer.Lines = append(c.answer.Lines, historyLine(v))
	}
	if len(others) > n {
		c.say("… and more")
	}
	return nil
}

func runHelp(c *call) error {
	may := func(known *Command) bool { return known.Permission != ForAdmins || c.by.MayAdmin() == nil }
	if c.rest == "" {
		for _, known := range registry() {
			if may(&known) {
				c.say("%s: %s", known.usage(), known.Help)
			}
		}
		return nil
	}
	name := strings.ToLower(strings.TrimLeft(c.rest, Prefixes))
	known := find(name)
	if known == nil || !may(known) {
		return refuse("there is no command $%.40s; $help lists them", name)
	}
	c.say("%s: %s", known.usage(), known.Help)
	if len(known.Aliases) > 0 {
		c.say("The same: $%s", strings.Join(known.Aliases, ", $"))
	}
	return nil
}
