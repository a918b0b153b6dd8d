package rest

import "parley/internal/command"

// commandObject is a command of the composer. Its name in the API's document is Command.
type commandObject struct {
	Name       string   `json:"name" example:"forward"`
	Aliases    []string `json:"aliases" nullable:"false" example:"[]"`
	Args       string   `json:"args" doc:"What stands after the name; brackets mean that it can be left out. Empty for none." example:"NAME [NOTE]"`
	Help       string   `json:"help" example:"Hands the conversation to an operator or a group, with a note for them."`
	Argument   string   `json:"argument" enum:"none,text,operator,group,tag,topic,number,email,reply,question" doc:"What can be offered while it is typed."`
	Permission string   `json:"permission" enum:"operator,admin"`
}

func wireCommand(c command.Command) commandObject {
	return commandObject{
		Name:       c.Name,
		Aliases:    wireList(c.Aliases, func(a string) string { return a }),
		Args:       c.Args,
		Help:       c.Help,
		Argument:   string(c.Argument),
		Permission: c.Permission,
	}
}

type commandList struct {
	Items []commandObject `json:"items" nullable:"false" doc:"In the order of the help."`
}

type commandInput struct {
	Line string `json:"line" doc:"A command with $, / or ! before its name." example:"$forward ann"`
}

type commandAnswer struct {
	Command      string       `json:"command" doc:"The command's name, whatever alias was typed." example:"forward"`
	Lines        []string     `json:"lines" nullable:"false" doc:"What came of it, for who typed it." example:"[\"Ann Lee has the conversation now.\"]"`
	Conversation conversation `json:"conversation"`
	Message      *message     `json:"message" doc:"The note that it left, or the saved text that it sent to the contact; null for none." sample:"null"`
}
