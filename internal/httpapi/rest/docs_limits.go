package rest

import (
	"fmt"

	"parley/internal/contact"
	"parley/internal/inbox"
	"parley/internal/webhook"
	"parley/internal/widget"
)

// docsLimits are limits of one kind of thing, for the page /docs/limits.
type docsLimits struct {
	ID, Title string
	Rows      []docsLimit
}

type docsLimit struct{ What, Limit string }

// limits are those that people meet, from the constants that are held against what comes in.
func limits() []docsLimits {
	characters := func(n int) string { return fmt.Sprintf("%d characters", n) }
	return []docsLimits{
		{"contacts", "Contacts", []docsLimit{
			{"Name", characters(contact.MaxName)},
			{"E-mail address", fmt.Sprintf("%d bytes", contact.MaxEmail)},
			{"Phone number", characters(contact.MaxPhone)},
			{"External id", characters(contact.MaxExternalID)},
			{"Additional fields", fmt.Sprintf("3, name and value of up to %d characters each", contact.MaxAdditional)},
			{"Custom data", fmt.Sprintf("a JSON object of %d bytes, nested %d levels deep", contact.MaxCustomBytes, contact.MaxCustomDepth)},
		}},
		{"conversations", "Conversations", []docsLimit{
			{"A message or note", characters(inbox.MaxBody)},
			{"Tags", fmt.Sprintf("%d of %d characters each, one line", inbox.MaxTags, inbox.MaxTag)},
			{"Topic", characters(inbox.MaxTopic) + ", one line"},
			{"A bulk action", fmt.Sprintf("%d conversations", inbox.MaxBulk)},
			{"Ids of a selection", fmt.Sprint(inbox.MaxIDs)},
			{"A search", characters(inbox.MaxSearch)},
		}},
		{"outcome", "What contacts say about a session", []docsLimit{
			{"Rating", "1 to 5; with thumbs 1 (down) or 5 (up)"},
			{"Feedback", characters(inbox.MaxFeedback)},
			{"Survey", "one of the widget's options, once per session, after the conversation was set to ended"},
			{"Goal", "each once per session, while a session is open"},
			{"All of them together", "a number per contact and minute; `request.limited` says when to try again"},
		}},
		{"widgets", "Widgets", []docsLimit{
			{"Name, title", characters(widget.MaxName)},
			{"Subtitle", characters(widget.MaxSubtitle)},
			{"Greeting", characters(widget.MaxGreeting)},
			{"Domains", fmt.Sprint(widget.MaxDomains)},
			{"A session's time-out", fmt.Sprintf("%d to %d seconds", widget.MinSessionTimeout, widget.MaxSessionTimeout)},
			{"Survey", fmt.Sprintf("a question of %d characters and up to %d options of %d", widget.MaxQuestion, widget.MaxOptions, widget.MaxOption)},
			{"Goals", fmt.Sprintf("%d, names of %d and patterns of %d characters", widget.MaxGoals, widget.MaxGoalName, widget.MaxPattern)},
		}},
		{"endpoints", "Endpoints", []docsLimit{
			{"Address", "http or https, 2000 characters, without user name, password, fragment, blanks and control characters"},
			{"A header", "visible ASCII on one line, the value up to 4000 characters; none that Parley or the connection sets"},
			{"Time for an answer", fmt.Sprintf("%d to %d seconds", int(webhook.MinTimeout.Seconds()), int(webhook.MaxTimeout.Seconds()))},
			{"Calls at once", fmt.Sprintf("1 to %d", webhook.MaxInFlight)},
			{"Calls per second", fmt.Sprintf("1 to %d, or as many as there are", webhook.MaxRate)},
			{"Calls that are sent again at once", fmt.Sprint(webhook.MaxReplay)},
		}},
	}
}
