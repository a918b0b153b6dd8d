package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/audit"
	channels "parley/internal/channel"
	"parley/internal/command"
	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/httpapi"
	"parley/internal/inbox"
	"parley/internal/mail"
	"parley/internal/media"
	"parley/internal/onsite"
	"parley/internal/reply"
	"parley/internal/team"
	"parley/internal/webhook"
	"parley/internal/widget"
)

// Prefix is the path of the API.
const Prefix = "/api/v1"

// Options are what the API works with. All but Demo, Now and Stopping are required.
type Options struct {
	Team     *team.Desk
	Inbox    *inbox.Desk
	Contacts *contact.Desk
	Widgets  *widget.Desk
	Webhooks *webhook.Desk
	Channels *channels.Desk
	Mails    *mail.Desk
	Replies  *reply.Desk
	Audit    *audit.Log
	Onsite   *onsite.Desk
	Feed     *feed.Feed
	// Media takes files; Links makes their addresses.
	Media *media.Desk
	Links *media.Links
	// EventJSON renders an event for GET /events: the body of the dialect "standard".
	EventJSON func(*event.Event) (json.RawMessage, error)
	// PublicURL is where browsers reach us, without a slash at the end.
	PublicURL string
	// Version is that of the program; GET /me tells it.
	Version string
	Demo    bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Stopping is closed when the server shuts down: waiting long polls then answer at once. Nil means never.
	Stopping <-chan struct{}
}

// handlers are the operations.
type handlers struct {
	Options
	edge     *httpapi.Edge
	commands *command.Desk
	// faults are the codes of each operation that are worth knowing, by its id.
	faults map[string][]fault.Code
	// order are the ids in the order of the reference.
	order []string
}

// add adds one operation and notes its codes for the document.
func add[I, O any](h *handlers, api huma.API, op httpapi.Operation, handler func(context.Context, team.Actor, *I) (*O, error)) {
	h.faults[op.ID] = op.Faults
	h.order = append(h.order, op.ID)
	httpapi.Register(api, op, handler)
}

// Register adds the operations, GET /api/v1/openapi.json and the reference pages under /docs to mux. It panics when the
// Options are incomplete or an operation is declared wrongly.
func Register(edge *httpapi.Edge, mux *http.ServeMux, o Options) {
	doc, order := register(edge, mux, o)
	// Made when somebody first asks: a start must not wait for pages that few will read.
	document := sync.OnceValue(func() []byte { return marshalDocument(doc) })
	mux.HandleFunc("GET "+Prefix+"/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-cache")
		// Tools of other sites may read the document; it is the same for everybody.
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		w.Write(document()) // a failure means that the caller is gone
	})
	registerDocs(mux, doc, order, o)
}

// register adds the operations and returns the complete document, and the operations' ids in the order of the reference.
func register(edge *httpapi.Edge, mux *http.ServeMux, o Options) (*huma.OpenAPI, []string) {
	if o.Team == nil || o.Inbox == nil || o.Contacts == nil || o.Widgets == nil || o.Webhooks == nil || o.Channels == nil || o.Mails == nil || o.Replies == nil || o.Audit == nil || o.Onsite == nil || o.Media == nil || o.Feed == nil || o.EventJSON == nil || o.PublicURL == "" {
		panic("rest: Options are incomplete")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	api := edge.NewAPI(mux, httpapi.Config{Title: "Parley API", Version: "1", Description: description, Prefix: Prefix})
	h := &handlers{Options: o, edge: edge, faults: map[string][]fault.Code{},
		commands: command.New(command.Options{Inbox: o.Inbox, Contacts: o.Contacts, Team: o.Team, Mails: o.Mails,
			Replies: o.Replies, Widgets: o.Widgets, Webhooks: o.Webhooks})}
	h.account(api)
	h.conversations(api)
	h.replies(api)
	h.files(api)
	h.contacts(api)
	h.visitors(api)
	h.events(api)
	h.settings(api)
	h.hooks(api)
	h.channels(api)
	h.mails(api)
	h.callbacks(api)
	complete(api.OpenAPI(), h.faults, o.Webhooks.DialectInfos())
	return api.OpenAPI(), h.order
}

// The tags, in the order of the reference.
const (
	tagAccount       = "Account"
	tagConversations = "Conversations"
	tagReplies       = "Saved replies"
	tagFiles         = "Files"
	tagContacts      = "Contacts"
	tagVisitors      = "Visitors"
	tagEvents        = "Events"
	tagOperators     = "Operators"
	tagGroups        = "Groups"
	tagWidgets       = "Widgets"
	tagChannels      = "Channels"
	tagMails         = "Mails"
	tagEndpoints     = "Endpoints"
	tagDeliveries    = "Deliveries"
	tagTokens        = "API tokens"
	tagAudit         = "Audit"
)

func codes(list ...fault.Code) []fault.Code { return list }

func (h *handlers) account(api huma.API) {
	tags := []string{tagAccount}
	add(h, api, httpapi.Operation{
		ID: "sign-in", Method: http.MethodPost, Path: "/sign-in", Tags: tags, Public: true,
		Summary:     "Sign in with a password",
		Description: "For browsers: starts a session and sets its cookie. Programs use an API token instead.",
		Faults:      codes(fault.AuthWrongPassword, fault.AuthTooMany, fault.AuthCrossOrigin, fault.DatabaseUnavailable),
	}, h.signIn)
	add(h, api, httpapi.Operation{
		ID: "sign-in-with-link", Method: http.MethodPost, Path: "/sign-in/link", Tags: tags, Public: true,
		Summary:     "Sign in with a one-time link",
		Description: "The page /app/link#TOKEN posts what stands behind the #. A link works once and for 24 hours.",
		Faults:      codes(fault.AuthLinkUsed, fault.AuthTooMany, fault.AuthCrossOrigin, fault.DatabaseUnavailable),
	}, h.signInLink)
	add(h, api, httpapi.Operation{
		ID: "sign-out", Method: http.MethodPost, Path: "/sign-out", Tags: tags, Scope: team.ScopeRead, Status: http.StatusNoContent,
		Summary: "Sign out", Description: "Ends the session of the cookie.",
	}, h.signOut)
	add(h, api, httpapi.Operation{
		ID: "get-me", Method: http.MethodGet, Path: "/me", Tags: tags, Scope: team.ScopeRead,
		Summary:     "Who am I",
		Description: "The signed-in operator, the feed's place, and what a client needs to know of the server. API tokens get `auth.denied`.",
	}, h.me)
	add(h, api, httpapi.Operation{
		ID: "set-availability", Method: http.MethodPut, Path: "/me/availability", Tags: tags, Scope: team.ScopeWrite,
		Summary:     "Set my availability",
		Description: "What the operator wants to be. The status that others see follows it while the Message Center is open somewhere.",
	}, h.setAvailability)
	add(h, api, httpapi.Operation{
		ID: "change-password", Method: http.MethodPost, Path: "/me/password", Tags: tags, Scope: team.ScopeWrite, Status: http.StatusNoContent,
		Summary:     "Change my password",
		Description: "Ends all other sessions of the operator.",
		Faults:      codes(fault.AuthWrongPassword, fault.AuthTooMany, fault.PasswordWeak),
	}, h.changePassword)
}

func (h *handlers) conversations(api huma.API) {
	tags := []string{tagConversations}
	h.lists(api)
	add(h, api, httpapi.Operation{
		ID: "get-conversation", Method: http.MethodGet, Path: "/conversations/{id}", Tags: tags, Scope: team.ScopeRead,
		Summary: "Get a conversation", Faults: codes(fault.ConversationNotFound),
	}, h.getConversation)
	add(h, api, httpapi.Operation{
		ID: "get-conversation-by-uuid", Method: http.MethodGet, Path: "/conversations/by-uuid", Tags: tags, Scope: team.ScopeRead,
		Summary:     "Find a conversation by its UUID",
		Description: "Callbacks of chats name a conversation by its UUID, and so does the address of its transcript.",
		Faults:      codes(fault.ConversationNotFound),
	}, h.getConversationByUUID)
	add(h, api, httpapi.Operation{
		ID: "list-messages", Method: http.MethodGet, Path: "/conversations/{id}/messages", Tags: tags, Scope: team.ScopeRead,
		Summary:     "Read a thread",
		Description: "Messages, notes and thread events in ascending order of their number. Without `before` and `after`: the latest ones.",
		Faults:      codes(fault.ConversationNotFound),
	}, h.listMessages)
	add(h, api, httpapi.Operation{
		ID: "list-sessions", Method: http.MethodGet, Path: "/conversations/{id}/sessions", Tags: tags, Scope: team.ScopeRead,
		Summary: "List a conversation's sessions", Faults: codes(fault.ConversationNotFound),
	}, h.listSessions)
	add(h, api, httpapi.Operation{
		ID: "post-message", Method: http.MethodPost, Path: "/conversations/{id}/messages", Tags: tags, Scope: team.ScopeWrite, Status: http.StatusCreated,
		Summary: "Send a message or leave a note",
		Description: "The first reply opens a new conversation and makes the replying operator responsible if nobody is. API tokens write as a bot. " +
			"A message that was accepted is stored durably. An operator's text that begins with a command of the composer is refused, so that it does not reach the contact by mistake.",
		Faults: codes(fault.ConversationNotFound, fault.ConversationEnded, fault.MessageEmpty, fault.MessageTooLong, fault.TextInvalid, fault.MessageReference, fault.MessageIsCommand, fault.MediaNotFound,
			fault.KeyReused),
	}, h.postMessage)
	add(h, api, httpapi.Operation{
		ID: "edit-message", Method: http.MethodPatch, Path: "/conversations/{id}/messages/{message_id}", Tags: tags, Scope: team.ScopeWrite,
		Summary:     "Change a message's text",
		Description: "Of a message to the contact or a note that you wrote; admins, and tokens with the scope admin, change everybody's on this side. Ended conversations are no obstacle. The contact sees the new text, marked as edited.",
		Faults: codes(fault.ConversationNotFound, fault.MessageNotFound, fault.MessageNotYours, fault.MessageDeleted, fault.MessageEmpty, fault.MessageTooLong, fault.TextInvalid,
			fault.KeyReused),
	}, h.editMessage)
	add(h, api, httpapi.Operation{
		ID: "delete-message", Method: http.MethodDelete, Path: "/conversations/{id}/messages/{message_id}", Tags: tags, Scope: team.ScopeWrite,
		Summary:     "Take a message back",
		Description: "Its text, file and link card are gone, its place in the thread stays. For the same messages as changing them. Deleting a deleted one changes nothing.",
		Faults:      codes(fault.ConversationNotFound, fault.MessageNotFound, fault.MessageNotYours, fault.KeyReused),
	}, h.deleteMessage)
	add(h, api, httpapi.Operation{
		ID: "refetch-media", Method: http.MethodPost, Path: "/conversations/{id}/messages/{message_id}/refetch", Tags: tags, Scope: team.ScopeWrite,
		Summary:     "Fetch a file again",
		Description: "Of a message whose file another server has and that could not be fetched. The file is then fetching, and an event tells how it went.",
		Faults:      codes(fault.ConversationNotFound, fault.MessageNotFound, fault.MessageDeleted, fault.MediaNotFound, fault.MediaNotFailed),
	}, h.refetchMedia)
	add(h, api, httpapi.Operation{
		ID: "read-conversation", Method: http.MethodPost, Path: "/conversations/{id}/read", Tags: tags, Scope: team.ScopeWrite, Status: http.StatusNoContent,
		Summary:     "Mark as read",
		Description: "Moves the operators' read mark forward. Moving it back changes nothing.",
		Faults:      codes(fault.ConversationNotFound, fault.MessageNumber),
	}, h.readConversation)
	add(h, api, httpapi.Operation{
		ID: "assign-conversation", Method: http.MethodPost, Path: "/conversations/{id}/assign", Tags: tags, Scope: team.ScopeWrite,
		Summary:     "Assign a conversation",
		Description: "Makes an operator responsible, or nobody. An operator takes a conversation by assigning it to themself.",
		Faults:      codes(fault.ConversationNotFound, fault.ConversationEnded, fault.OperatorNotFound, fault.OperatorInactive, fault.KeyReused),
	}, h.assignConversation)
	add(h, api, httpapi.Operation{
		ID: "forward-conversation", Method: http.MethodPost, Path: "/conversations/{id}/forward", Tags: tags, Scope: team.ScopeWrite,
		Summary:     "Forward a conversation",
		Description: "To an operator, or to a group: then the group's online operator with the fewest conversations and a free slot gets it, or nobody yet.",
		Faults:      codes(fault.ConversationNotFound, fault.ConversationEnded, fault.OperatorNotFound, fault.OperatorInactive, fault.GroupNotFound, fault.KeyReused),
	}, h.forwardConversation)
	add(h, api, httpapi.Operation{
		ID: "end-conversation", Method: http.MethodPost, Path: "/conversations/{id}/end", Tags: tags, Scope: team.ScopeWrite,
		Summary: "End a conversation", Description: "Ends its open session too. Ending an ended conversation changes nothing.",
		Faults: codes(fault.ConversationNotFound, fault.KeyReused),
	}, h.endConversation)
	add(h, api, httpapi.Operation{
		ID: "discard-conversation", Method: http.MethodPost, Path: "/conversations/{id}/discard", Tags: tags, Scope: team.ScopeWrite,
		Summary:     "End a conversation without a transcript",
		Description: "As ending it, but no transcript goes out, neither by mail nor to a webhook. `conversation.ended` is told as ever.",
		Faults:      codes(fault.ConversationNotFound, fault.KeyReused),
	}, h.discardConversation)
	add(h, api, httpapi.Operation{
		ID: "send-conversation-to-webhook", Method: http.MethodPost, Path: "/conversations/{id}/webhook", Tags: tags, Scope: team.ScopeWrite, Status: http.StatusAccepted,
		Summary:     "Send a transcript to the widget's webhook",
		Description: "At once, whether the conversation has ended or not. The words go along with it.",
		Faults:      codes(fault.ConversationNotFound, fault.ConversationEnded, fault.HookMissing, fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.sendToWebhook)
	add(h, api, httpapi.Operation{
		ID: "reopen-conversation", Method: http.MethodPost, Path: "/conversations/{id}/reopen", Tags: tags, Scope: team.ScopeWrite,
		Summary: "Reopen a conversation", Description: "The next session begins with the contact's next message.",
		Faults: codes(fault.ConversationNotFound, fault.ConversationNotEnded, fault.KeyReused),
	}, h.reopenConversation)
	add(h, api, httpapi.Operation{
		ID: "set-conversation-status", Method: http.MethodPut, Path: "/conversations/{id}/status", Tags: tags, Scope: team.ScopeWrite,
		Summary: "Set a conversation aside, or take it up again", Description: "A pending conversation becomes open when the contact writes.",
		Faults: codes(fault.ConversationNotFound, fault.ConversationStatus, fault.KeyReused),
	}, h.setStatus)
	add(h, api, httpapi.Operation{
		ID: "flag-conversation", Method: http.MethodPost, Path: "/conversations/{id}/flag", Tags: tags, Scope: team.ScopeWrite,
		Summary: "Have a conversation sent to the API add-on",
		Description: "A flagged conversation goes to the endpoints of the API add-on when its status changes next, by whatever way and whatever they subscribe to. " +
			"That uses the flag up.",
		Faults: codes(fault.ConversationNotFound, fault.AddonMissing, fault.KeyReused),
	}, h.flagConversation)
	add(h, api, httpapi.Operation{
		ID: "set-conversation-tags", Method: http.MethodPut, Path: "/conversations/{id}/tags", Tags: tags, Scope: team.ScopeWrite,
		Summary: "Set a conversation's tags",
		Faults:  codes(fault.ConversationNotFound, fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.setTags)
	add(h, api, httpapi.Operation{
		ID: "set-conversation-topic", Method: http.MethodPut, Path: "/conversations/{id}/topic", Tags: tags, Scope: team.ScopeWrite,
		Summary: "Say what a conversation is about",
		Faults:  codes(fault.ConversationNotFound, fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.setTopic)
	add(h, api, httpapi.Operation{
		ID: "bulk-conversations", Method: http.MethodPost, Path: "/conversations/bulk", Tags: tags, Scope: team.ScopeWrite,
		Summary: "Do the same to several conversations",
		Description: "Each conversation by itself: what cannot be done to one leaves the others alone, and its result has the code. " +
			"A repeat with the same idempotency key does what was not done yet, and gives the same results.",
		Faults: codes(fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.bulkConversations)
	add(h, api, httpapi.Operation{
		ID: "list-commands", Method: http.MethodGet, Path: "/commands", Tags: tags, Scope: team.ScopeRead,
		Summary:     "List the composer's commands",
		Description: "What operators can type into the composer, with $, / or ! before the name.",
	}, h.listCommands)
	add(h, api, httpapi.Operation{
		ID: "run-command", Method: http.MethodPost, Path: "/conversations/{id}/commands", Tags: tags, Scope: team.ScopeWrite,
		Summary: "Run a command line",
		Description: "Nothing of the line reaches the contact, though `reply` and `question-group` send what is saved, and `lines` is for the caller only. " +
			"With an idempotency key it runs once. Commands give the codes of the calls that do the same, too.",
		Faults: codes(fault.ConversationNotFound, fault.CommandUnknown, fault.CommandArgument, fault.ConversationEnded, fault.AddonMissing, fault.HookMissing, fault.KeyReused),
	}, h.runCommand)
}

func (h *handlers) contacts(api huma.API) {
	tags := []string{tagContacts}
	add(h, api, httpapi.Operation{
		ID: "list-contacts", Method: http.MethodGet, Path: "/contacts", Tags: tags, Scope: team.ScopeRead,
		Summary: "List and search contacts", Description: "Newest first. The parameters narrow the list together.",
		Faults: codes(fault.CursorInvalid),
	}, h.listContacts)
	add(h, api, httpapi.Operation{
		ID: "get-contact", Method: http.MethodGet, Path: "/contacts/{id}", Tags: tags, Scope: team.ScopeRead,
		Summary: "Get a contact", Faults: codes(fault.ContactNotFound),
	}, h.getContact)
	add(h, api, httpapi.Operation{
		ID: "update-contact", Method: http.MethodPatch, Path: "/contacts/{id}", Tags: tags, Scope: team.ScopeWrite,
		Summary: "Change a contact", Description: "Fields that are left out stay as they are; an empty text removes a value.",
		Faults: codes(fault.ContactNotFound, fault.ContactExternal, fault.CustomInvalid, fault.CustomTooDeep, fault.CustomTooLarge, fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.patchContact)
}

func (h *handlers) events(api huma.API) {
	add(h, api, httpapi.Operation{
		ID: "list-events", Method: http.MethodGet, Path: "/events", Tags: []string{tagEvents}, Scope: team.ScopeRead,
		Summary: "Read the event feed",
		Description: "Everything that happened, in order and without gaps. Send `next_after` as `after` of the next call. With `wait` the call is held until there " +
			"is an event or the time is over, whichever comes first (long poll). The same events come over the socket, see /docs/events.",
		Faults: codes(fault.CursorInvalid),
	}, h.listEvents)
}

func (h *handlers) settings(api huma.API) {
	operators, groups, widgets, tokens := []string{tagOperators}, []string{tagGroups}, []string{tagWidgets}, []string{tagTokens}
	add(h, api, httpapi.Operation{
		ID: "list-operators", Method: http.MethodGet, Path: "/operators", Tags: operators, Scope: team.ScopeRead,
		Summary: "List operators", Description: "All of them, active or not, by id.",
	}, h.listOperators)
	add(h, api, httpapi.Operation{
		ID: "create-operator", Method: http.MethodPost, Path: "/operators", Tags: operators, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary: "Add an operator", Description: "Without a password the answer has a one-time sign-in link to pass on.",
		Faults: codes(fault.OperatorEmail, fault.GroupNotFound, fault.PasswordWeak, fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.createOperator)
	add(h, api, httpapi.Operation{
		ID: "update-operator", Method: http.MethodPatch, Path: "/operators/{id}", Tags: operators, Scope: team.ScopeWrite,
		Summary: "Change an operator",
		Description: "Fields that are left out stay as they are. Operators may change their own names, alias, picture, language and time zone; " +
			"everything else takes an admin.",
		Faults: codes(fault.OperatorNotFound, fault.OperatorEmail, fault.OperatorLast, fault.GroupNotFound, fault.PasswordWeak, fault.TextInvalid, fault.TextTooLong),
	}, h.patchOperator)
	add(h, api, httpapi.Operation{
		ID: "create-operator-link", Method: http.MethodPost, Path: "/operators/{id}/link", Tags: operators, Scope: team.ScopeAdmin,
		Summary: "Make a one-time sign-in link",
		Faults:  codes(fault.OperatorNotFound, fault.OperatorInactive, fault.KeyReused),
	}, h.createLink)

	add(h, api, httpapi.Operation{
		ID: "list-groups", Method: http.MethodGet, Path: "/groups", Tags: groups, Scope: team.ScopeRead,
		Summary: "List groups",
	}, h.listGroups)
	add(h, api, httpapi.Operation{
		ID: "create-group", Method: http.MethodPost, Path: "/groups", Tags: groups, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary: "Add a group", Faults: codes(fault.GroupName, fault.OperatorNotFound, fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.createGroup)
	add(h, api, httpapi.Operation{
		ID: "update-group", Method: http.MethodPatch, Path: "/groups/{id}", Tags: groups, Scope: team.ScopeAdmin,
		Summary: "Change a group", Faults: codes(fault.GroupNotFound, fault.GroupName, fault.OperatorNotFound, fault.TextInvalid, fault.TextTooLong),
	}, h.patchGroup)
	add(h, api, httpapi.Operation{
		ID: "delete-group", Method: http.MethodDelete, Path: "/groups/{id}", Tags: groups, Scope: team.ScopeAdmin, Status: http.StatusNoContent,
		Summary: "Delete a group", Description: "Not while a widget routes to it.", Faults: codes(fault.GroupNotFound, fault.GroupInUse),
	}, h.deleteGroup)

	add(h, api, httpapi.Operation{
		ID: "list-widgets", Method: http.MethodGet, Path: "/widgets", Tags: widgets, Scope: team.ScopeRead,
		Summary: "List widgets",
	}, h.listWidgets)
	add(h, api, httpapi.Operation{
		ID: "create-widget", Method: http.MethodPost, Path: "/widgets", Tags: widgets, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary: "Add a widget", Description: "What is left out gets a default. Put the answer's snippet into the site's pages.",
		Faults: codes(fault.GroupNotFound, fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.createWidget)
	add(h, api, httpapi.Operation{
		ID: "get-widget", Method: http.MethodGet, Path: "/widgets/{id}", Tags: widgets, Scope: team.ScopeRead,
		Summary: "Get a widget", Faults: codes(fault.WidgetNotFound),
	}, h.getWidget)
	add(h, api, httpapi.Operation{
		ID: "update-widget", Method: http.MethodPatch, Path: "/widgets/{id}", Tags: widgets, Scope: team.ScopeAdmin,
		Summary: "Change a widget", Description: "Fields that are left out stay as they are. Pages that show the widget follow within moments.",
		Faults: codes(fault.WidgetNotFound, fault.GroupNotFound, fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.patchWidget)
	add(h, api, httpapi.Operation{
		ID: "set-widget-presence", Method: http.MethodPost, Path: "/widgets/{id}/presence", Tags: widgets, Scope: team.ScopeWrite,
		Summary: "Say whether somebody is there", Description: "What counts as somebody being there for the widget's visitors. Every operator may say so.",
		Faults: codes(fault.WidgetNotFound, fault.KeyReused),
	}, h.setPresence)
	add(h, api, httpapi.Operation{
		ID: "create-identity-secret", Method: http.MethodPost, Path: "/widgets/{id}/identity-secret", Tags: widgets, Scope: team.ScopeAdmin,
		Summary:     "Make an identity secret",
		Description: "The secret with which the site's server signs who a visitor is (JWT, HS256). A secret made before stops working.",
		Faults:      codes(fault.WidgetNotFound),
	}, h.newIdentitySecret)

	add(h, api, httpapi.Operation{
		ID: "list-tokens", Method: http.MethodGet, Path: "/tokens", Tags: tokens, Scope: team.ScopeAdmin,
		Summary: "List API tokens", Description: "Those that were not revoked.",
	}, h.listTokens)
	add(h, api, httpapi.Operation{
		ID: "create-token", Method: http.MethodPost, Path: "/tokens", Tags: tokens, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary: "Make an API token", Description: "The secret is shown only in this answer.",
		Faults: codes(fault.TextInvalid, fault.TextTooLong, fault.KeyReused),
	}, h.createToken)
	add(h, api, httpapi.Operation{
		ID: "delete-token", Method: http.MethodDelete, Path: "/tokens/{id}", Tags: tokens, Scope: team.ScopeAdmin, Status: http.StatusNoContent,
		Summary: "Revoke an API token", Faults: codes(fault.TokenNotFound),
	}, h.deleteToken)
}

func (h *handlers) callbacks(api huma.API) {
	endpoints, deliveries := []string{tagEndpoints}, []string{tagDeliveries}
	settings := codes(fault.EndpointURL, fault.TargetRefused, fault.EndpointDialect, fault.EndpointEvent, fault.EndpointHeader, fault.EndpointRange)
	add(h, api, httpapi.Operation{
		ID: "list-dialects", Method: http.MethodGet, Path: "/dialects", Tags: endpoints, Scope: team.ScopeRead,
		Summary: "List dialects", Description: "The forms in which an endpoint can get events, and what each calls them.",
	}, h.listDialects)
	add(h, api, httpapi.Operation{
		ID: "list-endpoints", Method: http.MethodGet, Path: "/endpoints", Tags: endpoints, Scope: team.ScopeAdmin,
		Summary: "List endpoints",
	}, h.listEndpoints)
	add(h, api, httpapi.Operation{
		ID: "create-endpoint", Method: http.MethodPost, Path: "/endpoints", Tags: endpoints, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary:     "Add an endpoint",
		Description: "It gets every event that commits from now on and that it subscribed to. The signing secret is shown only in this answer.",
		Faults:      settings,
	}, h.createEndpoint)
	add(h, api, httpapi.Operation{
		ID: "get-endpoint", Method: http.MethodGet, Path: "/endpoints/{id}", Tags: endpoints, Scope: team.ScopeAdmin,
		Summary: "Get an endpoint", Faults: codes(fault.EndpointNotFound),
	}, h.getEndpoint)
	add(h, api, httpapi.Operation{
		ID: "update-endpoint", Method: http.MethodPatch, Path: "/endpoints/{id}", Tags: endpoints, Scope: team.ScopeAdmin,
		Summary:     "Change an endpoint",
		Description: "Fields that are left out stay as they are. What is queued already goes to the new address in the form that it was queued in.",
		Faults:      append(codes(fault.EndpointNotFound), settings...),
	}, h.patchEndpoint)
	add(h, api, httpapi.Operation{
		ID: "delete-endpoint", Method: http.MethodDelete, Path: "/endpoints/{id}", Tags: endpoints, Scope: team.ScopeAdmin, Status: http.StatusNoContent,
		Summary: "Delete an endpoint", Description: "What is still queued for it is dropped.", Faults: codes(fault.EndpointNotFound),
	}, h.deleteEndpoint)
	add(h, api, httpapi.Operation{
		ID: "pause-endpoint", Method: http.MethodPost, Path: "/endpoints/{id}/pause", Tags: endpoints, Scope: team.ScopeAdmin,
		Summary: "Pause an endpoint", Description: "Events go on being queued for it.", Faults: codes(fault.EndpointNotFound),
	}, h.pauseEndpoint)
	add(h, api, httpapi.Operation{
		ID: "resume-endpoint", Method: http.MethodPost, Path: "/endpoints/{id}/resume", Tags: endpoints, Scope: team.ScopeAdmin,
		Summary: "Resume an endpoint",
		Description: "After a pause, by whomever, and after the receiver had answered 410. What is queued is sent, oldest first, or dropped with `backlog` false; " +
			"dropped deliveries stay in the log and can be replayed.",
		Faults: codes(fault.EndpointNotFound),
	}, h.resumeEndpoint)
	add(h, api, httpapi.Operation{
		ID: "test-endpoint", Method: http.MethodPost, Path: "/endpoints/{id}/test", Tags: endpoints, Scope: team.ScopeAdmin,
		Summary: "Send a test call", Description: "With sample data of an event of its dialect, or of the first that it subscribed to.",
		Faults: codes(fault.EndpointNotFound, fault.EndpointPaused, fault.EndpointEvent, fault.KeyReused),
	}, h.testEndpoint)
	add(h, api, httpapi.Operation{
		ID: "get-endpoint-chart", Method: http.MethodGet, Path: "/endpoints/{id}/chart", Tags: endpoints, Scope: team.ScopeAdmin,
		Summary:     "How an endpoint did",
		Description: "Attempts, their time and the lag in equal steps over the last hour, day or week. For all endpoints at once, and for alerts, see /metrics.",
		Faults:      codes(fault.EndpointNotFound),
	}, h.chart)
	add(h, api, httpapi.Operation{
		ID: "rotate-endpoint-secret", Method: http.MethodPost, Path: "/endpoints/{id}/rotate-secret", Tags: endpoints, Scope: team.ScopeAdmin,
		Summary: "Replace the signing secret", Description: "For 24 hours calls carry two signatures, by the new and by the old secret.",
		Faults: codes(fault.EndpointNotFound),
	}, h.rotateSecret)

	add(h, api, httpapi.Operation{
		ID: "list-deliveries", Method: http.MethodGet, Path: "/deliveries", Tags: deliveries, Scope: team.ScopeAdmin,
		Summary: "List deliveries", Description: "Newest first. The parameters narrow the list together.", Faults: codes(fault.CursorInvalid),
	}, h.listDeliveries)
	add(h, api, httpapi.Operation{
		ID: "get-delivery", Method: http.MethodGet, Path: "/deliveries/{id}", Tags: deliveries, Scope: team.ScopeAdmin,
		Summary: "Get a delivery", Description: "With what was sent and every attempt.", Faults: codes(fault.DeliveryNotFound),
	}, h.getDelivery)
	add(h, api, httpapi.Operation{
		ID: "replay-delivery", Method: http.MethodPost, Path: "/deliveries/{id}/replay", Tags: deliveries, Scope: team.ScopeAdmin, Status: http.StatusCreated,
		Summary: "Send a delivery again", Description: "The same body with the same webhook id, as a new delivery.",
		Faults: codes(fault.DeliveryNotFound, fault.DeliveryPending, fault.KeyReused),
	}, h.replayDelivery)
	add(h, api, httpapi.Operation{
		ID: "revive-delivery", Method: http.MethodPost, Path: "/deliveries/{id}/revive", Tags: deliveries, Scope: team.ScopeAdmin,
		Summary: "Try a dead delivery again", Description: "The delivery itself, from the beginning of the schedule.",
		Faults: codes(fault.DeliveryNotFound, fault.DeliveryPending, fault.KeyReused),
	}, h.reviveDelivery)
	add(h, api, httpapi.Operation{
		ID: "replay-deliveries", Method: http.MethodPost, Path: "/deliveries/replay", Tags: deliveries, Scope: team.ScopeAdmin,
		Summary: "Send many deliveries again",
		Description: "Every finished delivery of an endpoint that the fields select, oldest first and within a conversation in order, each as a new delivery with the same body " +
			"and webhook id. With `dry_run` they are only counted: do that first. At most 10,000 at once.",
		Faults: codes(fault.EndpointNotFound, fault.DeliveryTooMany, fault.KeyReused),
	}, h.replayDeliveries)
	add(h, api, httpapi.Operation{
		ID: "revive-deliveries", Method: http.MethodPost, Path: "/deliveries/revive", Tags: deliveries, Scope: team.ScopeAdmin,
		Summary:     "Try many dead deliveries again",
		Description: "Every dead delivery of an endpoint that the fields select. With `dry_run` they are only counted. At most 10,000 at once.",
		Faults:      codes(fault.EndpointNotFound, fault.DeliveryTooMany, fault.KeyReused),
	}, h.reviveDeliveries)
}
