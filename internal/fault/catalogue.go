package fault

import "sync"

// Code is a stable, documented error code. Codes are API: they may be added, never renamed or reused.
type Code string

// The catalogue's codes.
const (
	InternalError Code = "internal"

	RequestMalformed    Code = "request.malformed"
	RequestUnknownField Code = "request.unknown_field"
	RequestInvalid      Code = "request.invalid"
	RequestTooLarge     Code = "request.too_large"
	RequestLimited      Code = "request.limited"
	RequestNotFound     Code = "request.not_found"
	RequestMethod       Code = "request.method_not_allowed"
	RequestMediaType    Code = "request.unsupported_media_type"
	CursorInvalid       Code = "cursor.invalid"
	KeyInvalid          Code = "idempotency_key.invalid"
	KeyReused           Code = "idempotency_key.reused"

	DatabaseUnavailable Code = "database.unavailable"
	DatabaseBusy        Code = "database.busy"
	DatabaseConflict    Code = "database.conflict"
	ShuttingDown        Code = "server.shutting_down"

	AuthRequired      Code = "auth.required"
	AuthInvalid       Code = "auth.invalid"
	AuthDenied        Code = "auth.denied"
	AuthScope         Code = "auth.scope"
	AuthCrossOrigin   Code = "auth.cross_origin"
	AuthWrongPassword Code = "auth.wrong_password"
	AuthTooMany       Code = "auth.too_many"
	AuthLinkUsed      Code = "auth.link_used"
	PasswordWeak      Code = "password.weak"

	TextInvalid   Code = "text.invalid"
	TextTooLong   Code = "text.too_long"
	FieldRequired Code = "field.required"
	FieldInvalid  Code = "field.invalid"

	OperatorNotFound Code = "operator.not_found"
	OperatorEmail    Code = "operator.email_taken"
	OperatorInactive Code = "operator.inactive"
	OperatorLast     Code = "operator.last_admin"
	GroupNotFound    Code = "group.not_found"
	GroupInUse       Code = "group.in_use"
	GroupName        Code = "group.name_taken"
	TokenNotFound    Code = "token.not_found"

	ContactNotFound Code = "contact.not_found"
	ContactExternal Code = "contact.external_id_taken"
	CustomTooDeep   Code = "custom.too_deep"
	CustomTooLarge  Code = "custom.too_large"
	CustomInvalid   Code = "custom.invalid"

	IdentityInvalid  Code = "identity.invalid"
	IdentityExpired  Code = "identity.expired"
	IdentityRequired Code = "identity.required"
	IdentityOff      Code = "identity.not_configured"

	WidgetNotFound Code = "widget.not_found"
	WidgetInactive Code = "widget.inactive"
	WidgetOrigin   Code = "widget.origin_denied"
	WidgetNotAsked Code = "widget.not_asked"
	GoalNotFound   Code = "goal.not_found"
	SurveyAnswered Code = "survey.answered"

	ConversationNotFound Code = "conversation.not_found"
	ConversationEnded    Code = "conversation.ended"
	ConversationNotEnded Code = "conversation.not_ended"
	ConversationStatus   Code = "conversation.status_refused"
	MessageEmpty         Code = "message.empty"
	MessageTooLong       Code = "message.too_long"
	MessageReference     Code = "message.reference_unknown"
	MessageNumber        Code = "message.number_unknown"

	// What the command line and the API add-on say; the Message Center knows these words.
	AddonMissing     Code = "addon.missing"
	CommandUnknown   Code = "command.unknown"
	CommandArgument  Code = "command.argument"
	MessageIsCommand Code = "message.is_command"

	MessageNotFound  Code = "message.not_found"
	MessageDeleted   Code = "message.deleted"
	MessageNotYours  Code = "message.not_yours"
	MessageNotFailed Code = "message.not_failed"

	MediaNotFound  Code = "media.not_found"
	MediaTooLarge  Code = "media.too_large"
	MediaEmpty     Code = "media.empty"
	MediaURL       Code = "media.url_refused"
	MediaNotFailed Code = "media.not_failed"
	MediaExpired   Code = "media.link_expired"
	MediaFetching  Code = "media.fetching"

	ChannelNotFound     Code = "channel.not_found"
	ChannelType         Code = "channel.type_unknown"
	ChannelURL          Code = "channel.url_refused"
	ChannelPaused       Code = "channel.paused"
	ChannelAddress      Code = "channel.address_missing"
	ChannelTokenMissing Code = "channel.token_missing"
	ChannelTokenWrong   Code = "channel.token_wrong"
	ChannelNotOffered   Code = "channel.not_offered"
	ConversationMoved   Code = "conversation.moved"

	MailServerUnset Code = "mail.server_unset"
	MailAddress     Code = "mail.address_missing"
	MailCallbackURL Code = "mail.callback_url_refused"
	MailLimited     Code = "mail.limited"
	MailNotOffered  Code = "mail.not_offered"
	ReauthInvalid   Code = "reauth.invalid"
	ReauthLocked    Code = "reauth.locked"
	ReauthOff       Code = "reauth.off"
	DeviceNotFound  Code = "device.not_found"

	ReplyNotFound   Code = "reply.not_found"
	ReplyShortcut   Code = "reply.shortcut_taken"
	HookMissing     Code = "hook.missing"
	VisitorNotFound Code = "visitor.not_found"
	VisitorInvited  Code = "visitor.invited"
	VisitorsOff     Code = "visitor.list_off"

	EndpointNotFound Code = "endpoint.not_found"
	EndpointURL      Code = "endpoint.url_refused"
	EndpointDialect  Code = "endpoint.dialect_unknown"
	EndpointEvent    Code = "endpoint.event_unknown"
	EndpointHeader   Code = "endpoint.header_refused"
	EndpointPaused   Code = "endpoint.paused"
	EndpointRange    Code = "endpoint.range_refused"
	DeliveryNotFound Code = "delivery.not_found"
	DeliveryPending  Code = "delivery.pending"
	DeliveryTooMany  Code = "delivery.too_many"
	TargetRefused    Code = "target.refused"
)

// Entry describes one code for the reference.
type Entry struct {
	Code Code
	Kind Kind
	// Title is the same for every occurrence of the code.
	Title string
}

// Catalogue returns every code with its kind and title, in the order of the reference.
func Catalogue() []Entry {
	return []Entry{
		{InternalError, Internal, "Something went wrong on our side"},
		{RequestMalformed, Malformed, "The request body is not valid JSON"},
		{RequestUnknownField, Invalid, "The body has a field that this call does not know"},
		{RequestInvalid, Invalid, "A value of the request is not acceptable"},
		{RequestTooLarge, TooLarge, "The request body is too large"},
		{RequestLimited, Limited, "Too many requests"},
		{RequestNotFound, NotFound, "There is nothing at this address"},
		{RequestMethod, Malformed, "The address does not take this method"},
		{RequestMediaType, Malformed, "The body's content type is not JSON"},
		{CursorInvalid, Invalid, "The cursor was not made by this list"},
		{KeyInvalid, Invalid, "The idempotency key is not 1 to 128 visible ASCII characters"},
		{KeyReused, Conflict, "The idempotency key was used for a different request"},
		{DatabaseUnavailable, Unavailable, "The database cannot store anything at the moment"},
		{DatabaseBusy, Unavailable, "Too many writes are waiting"},
		{DatabaseConflict, Conflict, "Another row already has this value"},
		{ShuttingDown, Unavailable, "The server is shutting down"},
		{AuthRequired, Unauthenticated, "Sign in or send a token"},
		{AuthInvalid, Unauthenticated, "The token or session is not valid any more"},
		{AuthDenied, Denied, "You may not do this"},
		{AuthScope, Denied, "The token's scope does not allow this"},
		{AuthCrossOrigin, Denied, "Writes from another origin need a token"},
		{AuthWrongPassword, Unauthenticated, "E-mail address or password is wrong"},
		{AuthTooMany, Limited, "Too many attempts to sign in"},
		{AuthLinkUsed, Unauthenticated, "The sign-in link was used or has expired"},
		{PasswordWeak, Invalid, "The password is too short"},
		{TextInvalid, Invalid, "The text holds characters that cannot be stored"},
		{TextTooLong, Invalid, "The text is too long"},
		{FieldRequired, Invalid, "A required field is missing"},
		{FieldInvalid, Invalid, "A field's value is not acceptable"},
		{OperatorNotFound, NotFound, "There is no such operator"},
		{OperatorEmail, Conflict, "Another operator has this e-mail address"},
		{OperatorInactive, Conflict, "The operator is deactivated"},
		{OperatorLast, Conflict, "The last active admin cannot be removed"},
		{GroupNotFound, NotFound, "There is no such group"},
		{GroupInUse, Conflict, "A widget still routes to this group"},
		{GroupName, Conflict, "Another group has this name"},
		{TokenNotFound, NotFound, "There is no such API token"},
		{ContactNotFound, NotFound, "There is no such contact"},
		{ContactExternal, Conflict, "Another contact has this external id"},
		{CustomTooDeep, Invalid, "Custom data is nested too deeply"},
		{CustomTooLarge, Invalid, "Custom data is too large"},
		{CustomInvalid, Invalid, "Custom data is not a JSON object"},
		{IdentityInvalid, Unauthenticated, "The signed identity is not valid"},
		{IdentityExpired, Unauthenticated, "The signed identity has expired"},
		{IdentityRequired, Unauthenticated, "This widget needs a signed identity"},
		{IdentityOff, Conflict, "The widget has no identity secret"},
		{WidgetNotFound, NotFound, "There is no such widget"},
		{WidgetInactive, NotFound, "The widget is switched off"},
		{WidgetOrigin, Denied, "The widget may not be used on this site"},
		{WidgetNotAsked, Conflict, "The widget does not ask for this"},
		{GoalNotFound, NotFound, "The widget has no such goal"},
		{SurveyAnswered, Conflict, "The survey was answered before"},
		{ConversationNotFound, NotFound, "There is no such conversation"},
		{ConversationEnded, Conflict, "The conversation has ended"},
		{ConversationNotEnded, Conflict, "The conversation has not ended"},
		{ConversationStatus, Conflict, "The conversation cannot take this status now"},
		{MessageEmpty, Invalid, "The message is empty"},
		{MessageTooLong, Invalid, "The message is too long"},
		{MessageReference, Invalid, "The quoted message is not in this conversation"},
		{MessageNumber, Invalid, "The conversation has no message with this number"},
		{AddonMissing, Conflict, "No API add-on is set up"},
		{CommandUnknown, Invalid, "There is no such command"},
		{CommandArgument, Invalid, "The command cannot do that"},
		{MessageIsCommand, Invalid, "The message looks like a command"},
		{MessageNotFound, NotFound, "The conversation has no such message"},
		{MessageDeleted, Conflict, "The message was deleted"},
		{MessageNotYours, Denied, "Somebody else sent the message"},
		{MessageNotFailed, Conflict, "The message has not failed"},
		{MediaNotFound, NotFound, "There is no such file"},
		{MediaTooLarge, TooLarge, "The file is too large"},
		{MediaEmpty, Invalid, "The file is empty"},
		{MediaURL, Invalid, "The file's address is not acceptable"},
		{MediaNotFailed, Conflict, "The file has not failed"},
		{MediaExpired, Gone, "The file's address has expired"},
		{MediaFetching, Unavailable, "The file is still being fetched"},
		{ChannelNotFound, NotFound, "There is no such channel"},
		{ChannelType, Invalid, "There is no such type of channel"},
		{ChannelURL, Invalid, "The channel's outbound URL is not acceptable"},
		{ChannelPaused, Conflict, "The channel is paused"},
		{ChannelAddress, Invalid, "The contact has no address on this channel"},
		{ChannelTokenMissing, Unauthenticated, "The header API-SECURITY-TOKEN is missing"},
		{ChannelTokenWrong, Denied, "The token in API-SECURITY-TOKEN is wrong"},
		{ChannelNotOffered, Conflict, "The channel is not offered on this widget"},
		{ConversationMoved, Conflict, "The conversation goes on elsewhere"},
		{MailServerUnset, Conflict, "No mail server is set up"},
		{MailAddress, Invalid, "The contact has no e-mail address"},
		{MailCallbackURL, Invalid, "The callback URL is not acceptable"},
		{MailLimited, Limited, "The address has got too many mails"},
		{MailNotOffered, Conflict, "The widget does not offer this"},
		{ReauthInvalid, Denied, "The link or code is wrong, used or too old"},
		{ReauthLocked, Limited, "Too many wrong codes"},
		{ReauthOff, Conflict, "The widget offers no sign-in by mail"},
		{DeviceNotFound, NotFound, "There is no such browser of the contact"},
		{ReplyNotFound, NotFound, "There is no such saved reply"},
		{ReplyShortcut, Conflict, "The shortcut is taken"},
		{HookMissing, Conflict, "The widget has no such webhook"},
		{VisitorNotFound, NotFound, "The visitor is not on the site any more"},
		{VisitorInvited, Conflict, "The visitor was invited before"},
		{VisitorsOff, Conflict, "The widget does not show who is on its site"},
		{EndpointNotFound, NotFound, "There is no such endpoint"},
		{EndpointURL, Invalid, "The endpoint's URL is not acceptable"},
		{EndpointDialect, Invalid, "There is no such dialect"},
		{EndpointEvent, Invalid, "The dialect has no such event"},
		{EndpointHeader, Invalid, "A header is not acceptable"},
		{EndpointPaused, Conflict, "The endpoint is paused"},
		{EndpointRange, Invalid, "A private range is not acceptable"},
		{DeliveryNotFound, NotFound, "There is no such delivery"},
		{DeliveryPending, Conflict, "The delivery is still under way"},
		{DeliveryTooMany, Invalid, "Too many deliveries match"},
		{TargetRefused, Denied, "The target's address is not allowed"},
	}
}

// byCode is the catalogue by code, made once: every error that is answered looks here.
var byCode = sync.OnceValue(func() map[Code]Entry {
	out := map[Code]Entry{}
	for _, e := range Catalogue() {
		out[e.Code] = e
	}
	return out
})

// KindOf returns the kind of a code; a code that is not in the catalogue is internal.
func KindOf(code Code) Kind {
	if e, ok := byCode()[code]; ok {
		return e.Kind
	}
	return Internal
}

// TitleOf returns the title of a code, or the title of an internal error.
func TitleOf(code Code) string {
	if e, ok := byCode()[code]; ok {
		return e.Title
	}
	return byCode()[InternalError].Title
}
