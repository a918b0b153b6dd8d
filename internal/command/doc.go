// Package command is the composer's command line: the one list of what operators can type instead of clicking, and the
// translation of such a line to the commands of inbox, contact, mail, widget and webhook, where the rules are.
//
// A line begins with $, / or !, directly followed by the command's name or one of its aliases; a bridge may leave the word of the
// second family, chatlio, before the name. It never reaches the contact and is not stored; only what it does is. Each line does at
// most one write, under the caller's idempotency key, so a repeat does it once. A new command is a new row in registry.go.
//
// It imports event, once, team, contact, widget, inbox, mail, reply and webhook.
package command
