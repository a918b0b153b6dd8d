package mail

import (
	"net/url"
	"strconv"
	"strings"

	"parley/internal/id"
)

// What the widget's script looks for in the address of the page: a way to sign in, or the conversation to open for who is signed in.
const (
	linkSignIn       = "parley"
	linkConversation = "parley-conversation"
)

// linkTo is the inbound URL with one word for the widget's script, "" without an inbound URL. It stands behind the #, so it reaches no server
// and no log; where the page needs what stands there itself, it goes into the query.
func linkTo(inbound, name, value string) string {
	if inbound == "" {
		return ""
	}
	page, fragment, _ := strings.Cut(inbound, "#")
	if fragment == "" {
		return page + "#" + name + "=" + url.QueryEscape(value)
	}
	sep := "?"
	if strings.Contains(page, "?") {
		if sep = "&"; strings.HasSuffix(page, "?") || strings.HasSuffix(page, "&") {
			sep = ""
		}
	}
	return page + sep + name + "=" + url.QueryEscape(value) + "#" + fragment
}

func signInLink(inbound, token string) string { return linkTo(inbound, linkSignIn, token) }

func conversationLink(inbound string, c id.Conversation) string {
	return linkTo(inbound, linkConversation, strconv.FormatInt(int64(c), 10))
}
