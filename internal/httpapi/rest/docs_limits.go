package rest

import (
	"fmt"

	channels "parley/internal/channel"
	"parley/internal/contact"
	"parley/internal/inbox"
	"parley/internal/mail"
	"parley/internal/mail/letter"
	"parley/internal/media"
	"parley/internal/onsite"
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
		{"files", "Files", []docsLimit{
			{"Size", fmt.Sprintf("%d MB, or what the installation sets; `get-media-limits` tells", media.DefaultMaxUpload>>20)},
			{"Name", characters(media.MaxName) + "; longer ones are cut, and what cannot be a name is taken off"},
			{"An upload that no message takes", fmt.Sprintf("%d hours", int(media.LooseFor.Hours()))},
			{"An address", fmt.Sprintf("works for %d days at least", int(media.LinkFor.Hours())/24)},
			{"A voice note's peaks", fmt.Sprintf("%d numbers from 0 to 100", media.MaxPeaks)},
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
		{"visitors", "Visitors on the site", []docsLimit{
			{"Of one widget at a time", fmt.Sprintf("%d; the list shows the %d who came last", onsite.MaxPerWidget, onsite.MaxListed)},
			{"Pages of one visitor", fmt.Sprintf("the latest %d", onsite.MaxTrail)},
			{"Calls of pages", "1,200 a minute for each address, and 60 new visitors; `request.limited` says when to try again"},
			{"An invitation", fmt.Sprintf("one at a time for each visitor, %s, shown for %d minutes", characters(inbox.MaxBody), int(onsite.InviteFor.Minutes()))},
		}},
		{"channels", "Channels", []docsLimit{
			{"Name", characters(channels.MaxName)},
			{"Additional widgets", fmt.Sprint(channels.MaxWidgets)},
			{"A token that is typed", fmt.Sprintf("%d to %d visible ASCII characters", channels.MinSecret, channels.MaxSecret)},
			{"A token's overlap", fmt.Sprintf("%d hours", int(channels.MaxOverlap.Hours()))},
			{"An inbound call", fmt.Sprintf("%d bytes", channels.MaxInbound)},
			{"Inbound calls", "3000 a second for each channel, and a few wrong tokens for each address; `request.limited` says when to try again"},
			{"A sender's id of a message or contact", characters(channels.MaxExternalID)},
		}},
		{"mails", "Mails", []docsLimit{
			{"Inbound URL, logo", fmt.Sprintf("%d bytes, absolute, without user name and password; a logo by https", mail.MaxURL)},
			{"Token of the e-mail callback", fmt.Sprintf("1 to %d visible ASCII characters", mail.MaxToken)},
			{"A missed answer goes by mail after", fmt.Sprintf("%d to %d seconds, or never", mail.MinMissedAfter, mail.MaxMissedAfter)},
			{"Sender's name of a widget", characters(mail.MaxFromName)},
			{"A subject", characters(letter.MaxSubject) + ", one line"},
			{"Introductions, footer", characters(letter.MaxText)},
			{"Mails that visitors cause", "5 in an hour and 20 in a day for each address"},
			{"Transcripts that operators send", "one of a conversation in 10 seconds"},
			{"A link or code to sign in", fmt.Sprintf("once, within %d minutes; the link of another mail within %d days", int(contact.ReauthKeep.Minutes()), int(contact.WayInKeep.Hours())/24)},
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
