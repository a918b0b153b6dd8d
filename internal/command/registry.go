package command

import (
	"fmt"
	"slices"

	"parley/internal/contact"
)

// Argument is the kind of a command's argument, for whoever completes it.
type Argument string

// The kinds of arguments.
const (
	None     Argument = "none"
	Text     Argument = "text"
	Operator Argument = "operator" // an operator or a group
	Group    Argument = "group"
	Tag      Argument = "tag"
	Topic    Argument = "topic"
	Number   Argument = "number"
	Email    Argument = "email"    // an e-mail address; the contact's is a good guess
	Reply    Argument = "reply"    // the shortcut of a saved reply
	Question Argument = "question" // the shortcut of a question group
)

// Who may use a command.
const (
	ForOperators = "operator"
	ForAdmins    = "admin"
)

// Command is a row of the registry.
type Command struct {
	Name    string
	Aliases []string
	// Args is what is shown after the name, "" for a command without arguments; what stands in brackets can be left out.
	Args string
	// Help says in a sentence what it does.
	Help     string
	Argument Argument
	// Permission is ForOperators or ForAdmins.
	Permission string

	run func(*call) error
}

// registry lists all commands in the order of the help.
func registry() []Command {
	list := []Command{
		{Name: "api", Aliases: []string{"send-to-api"}, Args: "[on|off]", Argument: Text, run: runAPI,
			Help: "Sends the conversation to the API add-on when its status changes; the second time takes that back."},
		{Name: "end", Aliases: []string{"x", "quit", "close"}, Argument: None, run: runEnd,
			Help: "Ends the conversation."},
		{Name: "forward", Args: "NAME [NOTE]", Argument: Operator, run: runForward,
			Help: "Hands the conversation to an operator (name, user name or e-mail address) or a group, with a note for them."},
		{Name: "group", Args: "NAME [NOTE]", Argument: Group, run: runGroup,
			Help: "Hands the conversation to a group: its best free operator gets it, or nobody yet."},
		{Name: "note", Args: "TEXT", Argument: Text, run: runNote,
			Help: "Leaves an internal note, which the contact never sees."},
		{Name: "name", Args: "NAME", Argument: Text, run: runName,
			Help: "Sets the contact's name."},
		{Name: "email", Args: "ADDRESS", Argument: Text, run: runEmail,
			Help: "Sets the contact's e-mail address; typed as /chatlio email it is $transcript."},
		{Name: "phone", Args: "NUMBER", Argument: Text, run: runPhone,
			Help: "Sets the contact's phone number."},
	}
	for i := range len(contact.Change{}.Additional) {
		list = append(list, Command{Name: fmt.Sprintf("additional%02d", i+1), Args: "VALUE", Argument: Text, run: runAdditional(i + 1),
			Help: fmt.Sprintf("Sets the contact's free field %02d.", i+1)})
	}
	list = append(list,
		Command{Name: "field", Args: "KEY VALUE", Argument: Text, run: runField,
			Help: "Sets one key of the contact's custom data to a text."},
		Command{Name: "topic", Args: "TEXT", Argument: Topic, run: runTopic,
			Help: "Says in a line what the conversation is about."},
		Command{Name: "tag", Args: "TAG [TAG …]", Argument: Tag, run: runTag,
			Help: "Adds tags to the conversation."},
		Command{Name: "untag", Args: "TAG [TAG …]", Argument: Tag, run: runUntag,
			Help: "Takes tags off the conversation."},
		Command{Name: "transcript", Aliases: []string{"e"}, Args: "[ADDRESS]", Argument: Email, run: runTranscript,
			Help: "Sends the contact by mail what was said in the conversation, or sends it to another address."},
		Command{Name: "info", Argument: None, run: runInfo,
			Help: "Shows what is known of the contact: data, browser, page, place and visits."},
		Command{Name: "history", Args: "[NUMBER]", Argument: Number, run: runHistory,
			Help: fmt.Sprintf("Shows the contact's other conversations, the newest %d or as many as asked for, up to %d.", defaultHistory, maxHistory)},
		Command{Name: "discard", Argument: None, run: runDiscard,
			Help: "Ends the conversation; no transcript goes out, and the contact is not asked what they think of it."},
		Command{Name: "replies", Args: "[WORDS]", Argument: Text, run: runReplies,
			Help: "Lists the saved replies, or those that hold the words."},
		Command{Name: "reply", Aliases: []string{"r"}, Args: "SHORTCUT", Argument: Reply, run: runReply,
			Help: "Sends the contact a saved reply."},
		Command{Name: "question-groups", Args: "[WORDS]", Argument: Text, run: runQuestions,
			Help: "Lists the question groups, or those that hold the words."},
		Command{Name: "question-group", Aliases: []string{"qg"}, Args: "SHORTCUT", Argument: Question, run: runQuestion,
			Help: "Asks the contact a saved question, with answers to click."},
		Command{Name: "send-to-webhook", Aliases: []string{"stw"}, Args: "[WORD …]", Argument: Text, run: runSendToWebhook,
			Help: "Sends the transcript to the widget's webhook, with the words as extra data."},
		Command{Name: "online", Aliases: []string{"on", "auto"}, Argument: None, run: runOnline,
			Help: "Lets the widget go by its operators again: within its hours somebody is there while one of them is."},
		Command{Name: "offline", Aliases: []string{"off"}, Argument: None, run: runOffline,
			Help: "Lets the widget say that nobody is there, whatever its operators do."},
		Command{Name: "manual-mode", Argument: None, run: runManual,
			Help: "Lets the widget say that somebody is there within its hours, even if no operator shows as online; the second time takes that back."},
		Command{Name: "status", Aliases: []string{"st"}, Argument: None, run: runStatus,
			Help: "Shows whether somebody is there for the widget, its hours, webhooks and alarm, and who is online."},
		Command{Name: "operator-name", Args: "[on|off]", Argument: Text, Permission: ForAdmins, run: runOperatorName,
			Help: "Has the widget's webhooks tell operators' full names instead of first name and initial; the second time takes that back."},
		Command{Name: "help", Args: "[COMMAND]", Argument: Text, run: runHelp,
			Help: "Lists the commands, or explains one."},
	)
	for i := range list {
		if list[i].Permission == "" {
			list[i].Permission = ForOperators
		}
	}
	return list
}

// Commands lists all commands in the order of the help.
func Commands() []Command { return registry() }

// family is the word that a bridge leaves before a command of the second family: "/chatlio send-to-webhook vip".
const family = "chatlio"

// findOfFamily is find for what stands after that word. E-mail means another thing there, and the word alone asks for help.
func findOfFamily(name string) *Command {
	switch name {
	case "":
		name = "help"
	case "email":
		name = "transcript"
	}
	return find(name)
}

// find returns the command of a name or alias, nil when there is none.
func find(name string) *Command {
	for _, c := range registry() {
		if c.Name == name || slices.Contains(c.Aliases, name) {
			return &c
		}
	}
	return nil
}
