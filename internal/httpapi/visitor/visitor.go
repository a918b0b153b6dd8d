package visitor

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"parley/internal/channel"
	"parley/internal/contact"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/httpapi"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/limit"
	"parley/internal/mail"
	"parley/internal/media"
	"parley/internal/onsite"
	"parley/internal/team"
	"parley/internal/widget"
)

// maxPage is the largest part of a thread that one request gets.
const maxPage = 200

// Options are what the visitor's edge needs.
type Options struct {
	Inbox    *inbox.Desk
	Contacts *contact.Desk
	Widgets  *widget.Desk
	Team     *team.Desk
	// PublicURL is the server's own origin, whose pages may always carry the widgets.
	PublicURL string
	// Media takes files; Links makes their addresses, nil makes none.
	Media *media.Desk
	// Channels are where conversations can go on; nil means nowhere.
	Channels *channel.Desk
	Links    *media.Links
	// Mail sends visitors ways to sign in again and transcripts; nil sends nothing.
	Mail *mail.Desk
	// Onsite knows who is on the sites; nil shows nobody.
	Onsite *onsite.Desk
	// Ended hears of contacts whose tokens have ended, or some of them, so that their sockets do, too; nil leaves them until they are looked at.
	Ended func(id.Contact)
	Now   func() time.Time
}

// ended tells that tokens of contacts have ended; 0 is nobody.
func (e *edge) ended(contacts ...id.Contact) {
	for _, c := range contacts {
		if c != 0 && e.Ended != nil {
			e.Ended(c)
		}
	}
}

// What a contact says after a conversation and the goals that their page reports: this many at once, then one in this time.
// People need a few; a script that runs wild must not write into a thread without end.
const (
	sayBurst = 20
	sayEvery = 5 * time.Second
)

type edge struct {
	Options
	said      *limit.Limiter // by contact
	uploads   uploads        // by address
	moves     *limit.Limiter // by address
	asks      *limit.Limiter // by address
	downloads *limit.Limiter // by contact
	attempts  *attempts      // by address and widget
	forms     *limit.Limiter // by address
}

// Register adds the routes of /visitor/v1 except the socket.
func Register(mux *http.ServeMux, o Options) {
	e := &edge{Options: o, said: limit.New(limit.Options{Every: sayEvery, Burst: sayBurst, Keys: 100_000, Now: o.Now}), uploads: newUploads(o.Now, o.Media.MaxUpload), moves: newMoves(o.Now),
		asks: newAsks(o.Now), downloads: newDownloads(o.Now), attempts: newAttempts(o.Now), forms: newForms(o.Now)}
	route := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, cors(func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				httpapi.WriteProblem(w, r, err)
			}
		}))
	}
	route("GET /visitor/v1/widgets/{key}", e.showWidget)
	route("POST /visitor/v1/widgets/{key}/messages", e.postMessage)
	route("POST /visitor/v1/widgets/{key}/offline-messages", e.postOffline)
	route("POST /visitor/v1/widgets/{key}/here", e.here)
	route("POST /visitor/v1/widgets/{key}/media", e.upload)
	route("POST /visitor/v1/widgets/{key}/identify", e.identify)
	route("POST /visitor/v1/conversations/{id}/channel", e.visitor(e.goOn))
	route("GET /visitor/v1/me", e.visitor(e.showMe))
	route("PATCH /visitor/v1/me", e.visitor(e.changeMe))
	route("GET /visitor/v1/conversations/{id}/messages", e.visitor(e.listMessages))
	route("POST /visitor/v1/conversations/{id}/read", e.visitor(e.read))
	route("POST /visitor/v1/conversations/{id}/end", e.visitor(e.end))
	route("POST /visitor/v1/conversations/{id}/rating", e.visitor(e.rate))
	route("POST /visitor/v1/conversations/{id}/feedback", e.visitor(e.feedback))
	route("POST /visitor/v1/conversations/{id}/survey", e.visitor(e.survey))
	route("POST /visitor/v1/goals", e.visitor(e.goal))
	route("POST /visitor/v1/logout", e.visitor(e.logOut))
	route("POST /visitor/v1/widgets/{key}/reauth", e.askReauth)
	route("POST /visitor/v1/widgets/{key}/sign-in", e.signIn)
	route("POST /visitor/v1/conversations/{id}/transcript", e.visitor(e.transcript))
	route("GET /visitor/v1/me/devices", e.visitor(e.devices))
	route("POST /visitor/v1/me/devices/{id}/sign-out", e.visitor(e.signOutDevice))
	route("GET /visitor/v1/me/data", e.visitor(e.data))
	route("POST /visitor/v1/me/erase", e.visitor(e.erase))
	mux.Handle("OPTIONS /visitor/v1/", cors(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
}

func cors(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Access-Control-Allow-Origin", "*")
		head.Set("Access-Control-Allow-Methods", "GET, POST, PATCH")
		head.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		head.Set("Access-Control-Expose-Headers", "Retry-After")
		head.Set("Access-Control-Max-Age", "7200")
		// The widget's answers are for the widget's page; other sites must be able to load them across origins.
		head.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h(w, r)
	})
}

// OriginAllowed reports whether a browser on this site may use the widget. Requests without an Origin header come from
// programs, which could send any; they pass.
func (o *Options) OriginAllowed(w *event.Widget, origin string) bool {
	return origin == "" || widget.OriginAllowed(w.Domains, origin, o.PublicURL)
}

func (e *edge) widget(r *http.Request) (*event.Widget, error) {
	w, err := e.Widgets.ByKey(r.Context(), r.PathValue("key"))
	if err != nil {
		return nil, err
	}
	return w, e.originOf(r, w)
}

func (e *edge) originOf(r *http.Request, w *event.Widget) error {
	if origin := r.Header.Get("Origin"); !e.OriginAllowed(w, origin) {
		return fault.Newf(fault.WidgetOrigin, "the widget %s may not be used on %.100s; add the site's domain in the widget's settings", w.Key, origin)
	}
	return nil
}

// visitOf is what a page tells of itself, with what the request shows of the browser.
func visitOf(r *http.Request, v wireVisit) inbox.Visit {
	return inbox.Visit{
		URL: v.URL, Title: v.Title, InitialURL: v.InitialURL, Referrer: v.Referrer, PageImpressions: v.PageImpressions, Visits: v.Visits,
		UserAgent: r.UserAgent(), IP: clientIP(r), Proactive: v.Proactive,
	}
}

func clientIP(r *http.Request) string {
	if a := httpapi.ClientIP(r.Context()); a.IsValid() {
		return a.String()
	}
	return ""
}

// visitor wraps handlers that need a browser's token.
func (e *edge) visitor(h func(http.ResponseWriter, *http.Request, contact.Visitor) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		token := httpapi.BearerToken(r)
		if token == "" {
			return fault.New(fault.AuthRequired, "send the visitor's token: Authorization: Bearer vt_…")
		}
		v, err := e.Contacts.Authenticate(r.Context(), token)
		if err != nil {
			return err
		}
		wi, err := e.Widgets.Get(r.Context(), v.Widget)
		if err != nil {
			return err
		}
		if err := e.originOf(r, wi); err != nil {
			return err
		}
		return h(w, r, v)
	}
}

func respond(w http.ResponseWriter, r *http.Request, status int, v any) error {
	w.Header().Set("Cache-Control", "no-store")
	httpapi.WriteJSON(w, r, status, v)
	return nil
}

func (e *edge) showWidget(w http.ResponseWriter, r *http.Request) error {
	wi, err := e.widget(r)
	if err != nil {
		return err
	}
	group, err := e.Team.Availability(r.Context(), wi.GroupID)
	if err != nil {
		return err
	}
	available, opens := widget.Availability(wi, group, e.Now())
	operators := []wireFace{}
	if available != event.Offline {
		if operators, err = e.online(r, wi); err != nil {
			return err
		}
	}
	offers, err := e.offers(r, wi)
	if err != nil {
		return err
	}
	signIn, transcripts, err := e.byMail(r, wi)
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Origin")
	return respond(w, r, http.StatusOK, wireConfig{
		Widget:           wireWidget{wi.ID, wi.Key, wi.Name, wi.Lang, wi.Color, wi.Position, wi.Title, wi.Subtitle, wi.Greeting, wi.Theme},
		Availability:     available,
		Operators:        operators,
		IdentityRequired: wi.IdentityRequired,
		RatingForm:       wi.RatingForm,
		AskFeedback:      wi.AskFeedback,
		Survey:           surveyOf(wi.Survey),
		MaxUpload:        e.Media.MaxUpload,
		Channels:         offers,
		SignIn:           signIn,
		Transcripts:      transcripts,
		OfflineForm:      wi.OfflineForm && !wi.IdentityRequired, // who is not signed in could not send it
		OpensAt:          timeOrNull(opens),
		ShowVisitors:     e.Onsite != nil && onsite.Shown(wi),
	})
}

// shownOperators is how many faces the widget shows.
const shownOperators = 3

func (e *edge) online(r *http.Request, wi *event.Widget) ([]wireFace, error) {
	all, err := e.Team.List(r.Context())
	if err != nil {
		return nil, err
	}
	faces := []wireFace{}
	for _, o := range all {
		if o.Status != event.Online || !o.Active || len(faces) == shownOperators {
			continue
		}
		member := wi.GroupID == 0
		for _, g := range o.Groups {
			member = member || g.ID == wi.GroupID
		}
		if member {
			faces = append(faces, wireFace{o.DisplayName(), o.ImageURL})
		}
	}
	return faces, nil
}

func (e *edge) postMessage(w http.ResponseWriter, r *http.Request) error {
	var in wirePost
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	given := httpapi.BearerToken(r)
	signed := in.Identity != nil && *in.Identity != ""
	if signed {
		given = "" // the identity says who it is; a token that is no good any more must not keep a signed user out
	}
	guest, err := e.Inbox.Guest(r.Context(), r.PathValue("key"), given)
	if err != nil {
		return err
	}
	wi := guest.Widget
	if err := e.originOf(r, wi); err != nil {
		return err
	}
	p := inbox.ContactPost{
		WidgetKey: wi.Key, Widget: wi, ClientID: in.ClientID, Body: in.Body, Media: in.Media, Reopen: in.Reopen,
		Claimed: in.Claimed.claim(), Visit: visitOf(r, in.Visit),
	}
	if in.ConversationID != nil {
		if p.Conversation = *in.ConversationID; p.Conversation < 1 {
			return fault.New(fault.FieldInvalid, "conversation_id must be a positive number or null").At("conversation_id")
		}
	}
	if in.Contact != nil {
		p.Change = contact.Change{Name: in.Contact.Name, Email: in.Contact.Email, Phone: in.Contact.Phone}
		if err := in.Contact.Additional.put(&p.Change, "contact."); err != nil {
			return err
		}
	}
	if len(in.Custom) > 0 && string(in.Custom) != "null" {
		raw := event.RawJSON(in.Custom)
		p.Change.Custom = &raw
	}
	token := ""
	p.Contact = guest.Visitor.Contact
	if signed {
		who, err := e.identified(r, wi, httpapi.BearerToken(r), *in.Identity)
		if err != nil {
			return err
		}
		p.Contact, token = who.Contact.ID, who.Token
	}
	if p.Invitation, err = e.answered(r, wi.ID, in.Invitation); err != nil {
		return err
	}
	out, err := e.Inbox.PostFromContact(r.Context(), p)
	if p.Invitation != nil && fault.Is(err, fault.VisitorInvited) {
		p.Invitation = nil // another of the visitor's pages was quicker; the message is theirs all the same
		out, err = e.Inbox.PostFromContact(r.Context(), p)
	}
	if err != nil {
		return err
	}
	if out.Token != "" {
		token = out.Token
	}
	answer := wirePosted{Contact: contactOf(out.Contact), Conversation: e.conversationOf(out.Conversation), Message: e.messageOf(out.Message), Duplicate: out.Duplicate}
	if token != "" {
		answer.Token = &token
	}
	return respond(w, r, http.StatusCreated, answer)
}

func (e *edge) identified(r *http.Request, wi *event.Widget, token, jwt string) (*inbox.Identified, error) {
	key, err := e.Widgets.IdentitySecret(r.Context(), wi.ID)
	if err != nil {
		return nil, err
	}
	who, err := contact.VerifyIdentity(jwt, key, e.Now())
	if err != nil {
		return nil, err
	}
	var anonymous id.Contact
	if token != "" {
		// A token that is no good any more must not keep a signed user out.
		if v, err := e.Contacts.Authenticate(r.Context(), token); err == nil {
			anonymous = v.Contact
		} else if !fault.Is(err, fault.AuthInvalid) {
			return nil, err
		}
	}
	who.UserAgent = r.UserAgent()
	out, err := e.Inbox.Identify(r.Context(), wi.Key, anonymous, who)
	if err == nil {
		e.ended(anonymous)
	}
	return out, err
}

func (e *edge) identify(w http.ResponseWriter, r *http.Request) error {
	wi, err := e.widget(r)
	if err != nil {
		return err
	}
	var in wireIdentify
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	who, err := e.identified(r, wi, httpapi.BearerToken(r), in.Identity)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, wireIdentified{Token: who.Token, Contact: contactOf(who.Contact)})
}

func (e *edge) showMe(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	home, err := e.Inbox.HomeOf(r.Context(), v.Contact)
	if err != nil {
		return err
	}
	if err := e.Contacts.Seen(r.Context(), v); err != nil {
		httpapi.Note(r.Context(), slog.Bool("seen_noted", false)) // it is noted the next time
	}
	out := wireHome{Contact: contactOf(home.Contact), Conversations: []wireConversation{}, Seq: home.Seq}
	for _, c := range home.Conversations {
		out.Conversations = append(out.Conversations, e.conversationOf(c))
	}
	return respond(w, r, http.StatusOK, out)
}

func (e *edge) changeMe(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	var in wireChange
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	ch := contact.Change{Name: in.Name, Email: in.Email, Phone: in.Phone}
	if err := in.Additional.put(&ch, ""); err != nil {
		return err
	}
	if len(in.Custom) > 0 && string(in.Custom) != "null" {
		raw := event.RawJSON(in.Custom)
		ch.Custom = &raw
	}
	if claim := in.Claimed.claim(); claim != nil {
		claimed, err := claim.Change()
		if err != nil {
			return err
		}
		ch = ch.Or(claimed)
	}
	c, err := e.Contacts.UpdateSelf(r.Context(), v.Contact, ch)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, wireMe{contactOf(c)})
}

func conversationID(r *http.Request) (id.Conversation, error) {
	n, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return 0, fault.Newf(fault.ConversationNotFound, "there is no conversation %.40q", r.PathValue("id"))
	}
	return id.Conversation(n), nil
}

func number(r *http.Request, name string, def, min, max int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < min || n > max {
		return 0, fault.Newf(fault.FieldInvalid, "%s must be a number from %d to %d", name, min, max).At(name)
	}
	return n, nil
}

func (e *edge) listMessages(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	conversation, err := conversationID(r)
	if err != nil {
		return err
	}
	var faults fault.Collect
	param := func(name string, def, min, max int) int {
		n, err := number(r, name, def, min, max)
		if err != nil {
			faults.Add(fault.As(err))
		}
		return n
	}
	rg := inbox.Range{Before: param("before", 0, 1, id.MaxSafe), After: param("after", 0, 0, id.MaxSafe), Limit: param("limit", 50, 1, maxPage)}
	if err := faults.Err(); err != nil {
		return err
	}
	t, err := e.Inbox.MessagesOf(r.Context(), v.Contact, conversation, rg)
	if err != nil {
		return err
	}
	out := wireThread{Items: []wireMessage{}, HasMore: t.More, Seq: t.Seq}
	for _, m := range t.Messages {
		out.Items = append(out.Items, e.messageOf(m))
	}
	return respond(w, r, http.StatusOK, out)
}

func (e *edge) read(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	conversation, err := conversationID(r)
	if err != nil {
		return err
	}
	var in wireRead
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	if in.Number < 1 {
		return fault.New(fault.FieldInvalid, "number must be the number of a message").At("number")
	}
	if err := e.Inbox.MarkByContact(r.Context(), v.Contact, conversation, 0, in.Number); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (e *edge) end(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	conversation, err := conversationID(r)
	if err != nil {
		return err
	}
	c, err := e.Inbox.EndByContact(r.Context(), v.Contact, conversation)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, wireOwn{e.conversationOf(c)})
}

// say decodes what a contact says about a conversation of theirs, lets fn store it and answers with the conversation.
func say[In any](e *edge, w http.ResponseWriter, r *http.Request, v contact.Visitor, fn func(id.Conversation, In) (*inbox.View, error)) error {
	conversation, err := conversationID(r)
	if err != nil {
		return err
	}
	var in In
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	if err := e.mayTell(v); err != nil {
		return err
	}
	c, err := fn(conversation, in)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, wireOwn{e.conversationOf(c)})
}

// mayTell limits how fast a contact tells what becomes an entry in the thread and a call to others.
func (e *edge) mayTell(v contact.Visitor) error {
	if wait, ok := e.said.Allow(strconv.FormatInt(int64(v.Contact), 10)); !ok {
		return fault.New(fault.RequestLimited, "too many ratings, answers and goals of this visitor").After(wait)
	}
	return nil
}

func (e *edge) rate(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	return say(e, w, r, v, func(c id.Conversation, in wireRate) (*inbox.View, error) {
		return e.Inbox.Rate(r.Context(), v.Contact, c, in.Value)
	})
}

func (e *edge) feedback(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	return say(e, w, r, v, func(c id.Conversation, in wireFeedback) (*inbox.View, error) {
		return e.Inbox.Feedback(r.Context(), v.Contact, c, in.Text)
	})
}

func (e *edge) survey(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	return say(e, w, r, v, func(c id.Conversation, in wireOption) (*inbox.View, error) {
		return e.Inbox.AnswerSurvey(r.Context(), v.Contact, c, in.Option)
	})
}

func (e *edge) goal(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	var in wireGoal
	if err := httpapi.DecodeStrict(w, r, &in); err != nil {
		return err
	}
	if err := e.mayTell(v); err != nil {
		return err
	}
	wi, err := e.Widgets.Get(r.Context(), v.Widget)
	if err != nil {
		return err
	}
	reached, err := e.Inbox.ReachGoal(r.Context(), v.Contact, wi, in.Key)
	if err != nil {
		return err
	}
	return respond(w, r, http.StatusOK, wireReached{reached})
}

func (e *edge) logOut(w http.ResponseWriter, r *http.Request, v contact.Visitor) error {
	if err := e.Contacts.LogOut(r.Context(), httpapi.BearerToken(r)); err != nil {
		return err
	}
	e.ended(v.Contact)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
