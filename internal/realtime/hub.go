package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/secret"
)

// Defaults of the options.
const (
	defaultPerAddress = 200
	// followBatch is how many events the follower takes at once.
	followBatch = 256
	// defaultReplay is how many events a connection may be behind; beyond it a fresh snapshot is cheaper.
	defaultReplay = 5000
	// heartbeat is how often a connection is pinged, silence how long one may say nothing.
	heartbeat = 25 * time.Second
	silence   = 60 * time.Second
	// typingTTL is how long a typing sign stays unless repeated, viewingTTL how long "has it open" does.
	typingTTL  = 6 * time.Second
	viewingTTL = 75 * time.Second
	// checkBeats is after how many heartbeats (five minutes) a connection's session or token is checked again.
	checkBeats = 12
	// followAnyway is how often the follower looks at the feed without a wake-up.
	followAnyway = 2 * time.Second
	// availableAgain is how often availability is looked at without a reason: a widget's hours begin and end without an event.
	availableAgain = 15 * time.Second
)

// Subject is who is behind a connection: an operator, an API token, or a contact's browser.
type Subject struct {
	Operator id.Operator
	Token    id.Token
	Name     string
	Contact  id.Contact
	Widget   id.Widget
	// Valid is asked every few minutes whether the session or token still holds; nil means that it always does. A fault of
	// kind unauthenticated, denied or not_found ends the connection, other errors do not.
	Valid func(ctx context.Context) error
}

// Tab is an operator's connection that counts as an open tab.
type Tab struct {
	Operator id.Operator
	ID       string
}

// Options are what a Hub needs. The functions are called from connection goroutines and must be safe for concurrent use.
type Options struct {
	Feed   *feed.Feed
	Logger *slog.Logger
	Now    func() time.Time
	// Node is this process's name among the nodes.
	Node string
	// OperatorAuth checks the session cookie of r or the token of the hello frame. VisitorAuth checks a browser's token and
	// the origin of r.
	OperatorAuth func(r *http.Request, token string) (Subject, error)
	VisitorAuth  func(r *http.Request, token string) (Subject, error)
	// ClientIP names the address that the limit of connections counts.
	ClientIP   func(*http.Request) string
	PerAddress int // connections per address; zero means 200
	Replay     int // events that a connection may be behind when it resumes; zero means 5,000
	// EventJSON renders an event for operators, in the standard dialect.
	EventJSON func(*event.Event) (json.RawMessage, error)
	// Message, Contact and Conversation render what contacts see. Conversation reads it as it is now; a fault of kind not_found
	// means that the contact has no such conversation, any other error that nobody knows.
	Message      func(*event.Message) any
	Contact      func(*event.Contact) any
	Conversation func(ctx context.Context, contact id.Contact, conversation id.Conversation) (view any, err error)
	// ContactOf returns whose conversation it is, 0 for an unknown one, and whether their browsers see what is written there now
	// (event.Conversation.ShownTo).
	ContactOf func(ctx context.Context, conversation id.Conversation) (contact id.Contact, shown bool)
	// Availability tells what a widget's visitors are told about who is there.
	Availability func(ctx context.Context, widget id.Widget) (string, error)
	// TabOpened, TabsTouched and TabClosed keep the operators' presence.
	TabOpened   func(ctx context.Context, t Tab)
	TabsTouched func(ctx context.Context, tabs []Tab)
	TabClosed   func(ctx context.Context, t Tab)
	// Page and Delivered pass on what a contact's browser tells.
	Page      func(ctx context.Context, contact id.Contact, url, title string)
	Delivered func(ctx context.Context, contact id.Contact, conversation id.Conversation, number int)
	// Redis connects the nodes; nil for a single one.
	Redis *Redis
}

// Hub holds the connections of this node. Make it with New, start it with Run, serve sockets with Operators and Visitors.
type Hub struct {
	Options

	mu        sync.Mutex
	cursor    id.Seq // events up to here were pushed
	conns     map[*conn]struct{}
	team      map[*conn]struct{} // operators and tokens
	contacts  map[id.Contact]map[*conn]struct{}
	addresses map[string]int
	viewing   map[id.Conversation]map[id.Operator]*viewer
	available map[id.Widget]string
	owners    map[id.Conversation]owner
	beat      int
	checking  atomic.Bool // a round of checkAll runs
	closing   bool
	wait      sync.WaitGroup
	life      context.Context // ends the read loops
	end       context.CancelFunc
}

// owner is whose conversation it is, and whether their browsers see what is written there now.
type owner struct {
	contact id.Contact
	shown   bool
}

type viewer struct {
	name    string
	typing  time.Time
	present map[string]time.Time // by node
}

// New makes a Hub.
func New(o Options) *Hub {
	if o.PerAddress == 0 {
		o.PerAddress = defaultPerAddress
	}
	if o.Replay == 0 {
		o.Replay = defaultReplay
	}
	if o.Node == "" {
		o.Node = secret.UUID()
	}
	h := &Hub{
		Options: o, conns: map[*conn]struct{}{}, team: map[*conn]struct{}{}, contacts: map[id.Contact]map[*conn]struct{}{}, addresses: map[string]int{},
		viewing: map[id.Conversation]map[id.Operator]*viewer{}, available: map[id.Widget]string{}, owners: map[id.Conversation]owner{},
	}
	h.life, h.end = context.WithCancel(context.Background())
	return h
}

// Run follows the feed and keeps the heartbeat until ctx ends; then it closes every connection with 1001 and waits for
// their goroutines.
func (h *Hub) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { h.follow(ctx) })
	loops.Go(func() { h.heartbeats(ctx) })
	if h.Redis != nil {
		loops.Go(func() { h.Redis.listen(ctx, h.Logger, h.receive) })
	}
	<-ctx.Done()
	loops.Wait()
	h.mu.Lock()
	h.closing = true
	all := make([]*conn, 0, len(h.conns))
	for c := range h.conns {
		all = append(all, c)
	}
	h.mu.Unlock()
	var closing sync.WaitGroup
	for _, c := range all {
		closing.Go(func() { c.closeWith(1001, "server stops") })
	}
	closing.Wait()
	h.end()
	h.wait.Wait()
	return nil
}

// Connections returns how many sockets are open.
func (h *Hub) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// Wake tells the other nodes that the feed has grown.
func (h *Hub) Wake() {
	if h.Redis != nil {
		h.Redis.wake(h.Node)
	}
}

// follow pushes events from the feed to the connections, one batch after the other.
func (h *Hub) follow(ctx context.Context) {
	tick, again := time.NewTicker(followAnyway), time.NewTicker(availableAgain)
	defer tick.Stop()
	defer again.Stop()
	for {
		changed := h.Feed.Changed()
		full, err := h.FollowOnce(ctx)
		if err != nil && ctx.Err() == nil {
			h.Logger.Warn("realtime cannot read the feed; browsers wait", "error", err)
		}
		if full {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		case <-again.C:
			h.pushAvailability(ctx)
		}
	}
}

// FollowOnce pushes the next batch of events and reports whether there may be more.
func (h *Hub) FollowOnce(ctx context.Context) (more bool, err error) {
	h.mu.Lock()
	if len(h.conns) == 0 {
		// Nobody listens: whoever comes resumes from the feed. The lock keeps a newcomer from being registered in between.
		_, latest, err := h.Feed.ReadAfter(ctx, h.cursor, 0, feed.Filter{})
		if err == nil {
			h.skipTo(latest)
		}
		h.mu.Unlock()
		return false, err
	}
	cursor := h.cursor
	h.mu.Unlock()
	events, _, err := h.Feed.ReadAfter(ctx, cursor, followBatch, feed.Filter{})
	if err != nil {
		return false, err
	}
	frames := h.newFrames(ctx)
	availability := false
	for _, e := range events {
		h.push(e, frames)
		switch e.Type {
		case event.OperatorStatusChanged, event.OperatorUpdated, event.GroupUpdated, event.WidgetUpdated:
			availability = true
		}
	}
	if availability {
		h.pushAvailability(ctx)
	}
	return len(events) == followBatch, nil
}

// push sends one event to everyone it concerns and moves the cursor.
func (h *Hub) push(e *event.Event, f *frames) {
	h.mu.Lock()
	var operators []*conn
	for c := range h.team {
		operators = append(operators, c)
	}
	contact := contactOf(e)
	var browsers []*conn
	for c := range h.contacts[contact] {
		browsers = append(browsers, c)
	}
	h.cursor = e.Seq
	switch c := e.Conversation; {
	case c != nil:
		// A conversation may have been handed to another contact, or go on on another channel.
		if _, ok := h.owners[c.ID]; ok {
			h.owners[c.ID] = owner{contact, c.ShownTo(&c.Contact, c.MessageCount+1)}
		}
	case e.Contact != nil:
		// The contact may be signed in now, or not any more.
		maps.DeleteFunc(h.owners, func(_ id.Conversation, o owner) bool { return o.contact == contact })
	}
	// Queueing under the hub's lock keeps a connection that joins right now from missing or doubling this event.
	if len(operators) > 0 {
		if b := f.operator(e); b != nil {
			for _, c := range operators {
				c.push(e.Seq, b)
			}
		}
	}
	if e.Type == event.OperatorUpdated && e.Operator != nil && !e.Operator.Active {
		for c := range h.team {
			if c.who.Operator == e.Operator.ID {
				c.dismiss(fault.New(fault.AuthInvalid, "the operator was deactivated"))
			}
		}
	}
	h.mu.Unlock()
	if len(browsers) == 0 {
		return
	}
	b, err := f.visitor(e, contact)
	for _, c := range browsers {
		switch {
		case err != nil:
			c.cutOff() // it must not miss an event without knowing
		case b != nil:
			c.push(e.Seq, b)
		}
	}
}

func contactOf(e *event.Event) id.Contact {
	switch {
	case e.Conversation != nil:
		return e.Conversation.Contact.ID
	case e.Contact != nil:
		return e.Contact.ID
	}
	return 0
}

// frames renders events, each conversation's view once.
type frames struct {
	hub   *Hub
	ctx   context.Context
	views map[id.Conversation]any
}

func (h *Hub) newFrames(ctx context.Context) *frames {
	return &frames{hub: h, ctx: ctx, views: map[id.Conversation]any{}}
}

// unshown keeps an event that cannot be rendered from stopping the feed for everybody.
func (f *frames) unshown(e *event.Event, b *[]byte) {
	if v := recover(); v != nil {
		f.hub.Logger.Error("event cannot be shown", "event", e.ID, "type", e.Type, "panic", v, "stack", string(debug.Stack()))
		*b = nil
	}
}

// operator returns the frame that operators and tokens get of e. Operational events are for callbacks and for those who read
// the feed: they are the admins' business, and a socket does not know who is one.
func (f *frames) operator(e *event.Event) (b []byte) {
	if e.Type.Operational() {
		return nil
	}
	defer f.unshown(e, &b)
	raw, err := f.hub.EventJSON(e)
	if err != nil {
		f.hub.Logger.Error("event cannot be shown to operators", "event", e.ID, "type", e.Type, "error", err)
		return nil
	}
	return frame(wireEvent{"event", raw})
}

// visitor returns the frame that a contact's browser gets of e, nil for none.
func (f *frames) visitor(e *event.Event, contact id.Contact) (b []byte, err error) {
	defer f.unshown(e, &b)
	switch e.Type {
	case event.ContactUpdated:
		return frame(wireContact{"contact", e.Seq, f.hub.Contact(e.Contact)}), nil
	case event.MessageReceived, event.MessageSent, event.MessageUpdated, event.MessageDeleted, event.ConversationUpdated,
		event.ConversationCreated, event.ConversationAssigned, event.ConversationStatusChanged, event.ConversationEnded, event.ConversationReopened,
		event.ConversationRead, event.SessionEnded,
		event.RatingGiven, event.FeedbackGiven, event.SurveyAnswered, event.GoalReached:
	default:
		return nil, nil
	}
	if e.Conversation == nil || e.Message != nil && e.Message.Note || inside(e) {
		return nil, nil
	}
	message := e.Message
	if hidden := e.Conversation.HiddenFrom; hidden != 0 && !e.Conversation.ShownTo(&e.Conversation.Contact, hidden) {
		// Only that the conversation goes on elsewhere, and what becomes of earlier messages, is for who is not signed in.
		switch {
		case message == nil || hidden == 1 || message.Number > hidden:
			return nil, nil
		case message.Number == hidden:
			message = nil
		}
	}
	view, ok := f.views[e.Conversation.ID]
	if !ok {
		if view, err = f.hub.Conversation(f.ctx, contact, e.Conversation.ID); fault.IsKind(err, fault.NotFound) {
			return nil, nil
		}
		if err != nil {
			f.hub.Logger.Warn("a conversation cannot be shown to its contact; the browser starts anew", "conversation", e.Conversation.ID, "error", err)
			return nil, err
		}
		f.views[e.Conversation.ID] = view
	}
	out := wireMessage{Type: "conversation", Seq: e.Seq, Conversation: view}
	switch {
	case message == nil:
		return frame(out), nil
	case e.Type == event.MessageReceived || e.Type == event.MessageSent:
		out.Type = "message"
	case e.Type == event.MessageUpdated || e.Type == event.MessageDeleted:
		out.Type = "message_updated"
	}
	out.Message = f.hub.Message(message)
	return frame(out), nil
}

// inside reports whether an event is the company's own: how a message gets to another channel's other side, and the contact's page and
// data. A change that left a line in the thread is the contact's, too.
func inside(e *event.Event) bool {
	return e.Type == event.MessageUpdated && e.Changed == event.ChangedState || e.Type == event.ConversationUpdated && e.Message == nil
}

func (h *Hub) pushAvailability(ctx context.Context) {
	h.mu.Lock()
	widgets := map[id.Widget][]*conn{}
	for _, set := range h.contacts {
		for c := range set {
			widgets[c.who.Widget] = append(widgets[c.who.Widget], c)
		}
	}
	for w := range h.available {
		if widgets[w] == nil { // nobody is told of what becomes of it
			delete(h.available, w)
		}
	}
	h.mu.Unlock()
	for w, conns := range widgets {
		now, err := h.Availability(ctx, w)
		if err != nil {
			h.Logger.Warn("availability of a widget is unknown", "widget", w, "error", err)
			continue
		}
		h.mu.Lock()
		known := h.available[w] == now
		h.available[w] = now
		h.mu.Unlock()
		if known {
			continue
		}
		b := frame(wireAvailability{"availability", now})
		for _, c := range conns {
			c.push(0, b)
		}
	}
}

// greet tells a contact's browser the availability, which may have changed while it slept.
func (h *Hub) greet(c *conn) {
	h.mu.Lock()
	now, ok := h.available[c.who.Widget]
	h.mu.Unlock()
	if !ok {
		var err error
		if now, err = h.Availability(c.ctx, c.who.Widget); err != nil {
			h.Logger.Warn("availability of a widget is unknown", "widget", c.who.Widget, "error", err)
			return
		}
		h.mu.Lock()
		if _, raced := h.available[c.who.Widget]; !raced {
			h.available[c.who.Widget] = now
		}
		h.mu.Unlock()
	}
	c.now(frame(wireAvailability{"availability", now}))
}

// checkAll asks the connections' sessions and tokens whether they still hold, one after the other.
func (h *Hub) checkAll(ctx context.Context, conns []*conn) {
	for _, c := range conns {
		if ctx.Err() != nil {
			return
		}
		err := c.who.Valid(ctx)
		if fault.IsKind(err, fault.Unauthenticated) || fault.IsKind(err, fault.Denied) || fault.IsKind(err, fault.NotFound) {
			c.dismiss(err)
		}
	}
}

// add registers a connection. joined is the hub's cursor: later events are pushed (and held until release), earlier ones
// are the connection's to replay.
func (h *Hub) add(c *conn) (joined id.Seq, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return 0, fmt.Errorf("server stops")
	}
	if len(h.conns) == 0 {
		// The cursor rests while nobody listens.
		_, latest, err := h.Feed.ReadAfter(c.ctx, h.cursor, 0, feed.Filter{})
		if err != nil {
			return 0, err
		}
		h.skipTo(latest)
	}
	h.conns[c] = struct{}{}
	if c.who.Contact != 0 {
		set := h.contacts[c.who.Contact]
		if set == nil {
			set = map[*conn]struct{}{}
			h.contacts[c.who.Contact] = set
		}
		set[c] = struct{}{}
	} else {
		h.team[c] = struct{}{}
	}
	return h.cursor, nil
}

func (h *Hub) remove(c *conn) {
	h.mu.Lock()
	delete(h.conns, c)
	delete(h.team, c)
	if set := h.contacts[c.who.Contact]; set != nil {
		delete(set, c)
		if len(set) == 0 {
			delete(h.contacts, c.who.Contact)
		}
	}
	h.mu.Unlock()
}

// skipTo moves the cursor over events that nobody was there to see, and forgets what they may have changed. h.mu is held.
func (h *Hub) skipTo(latest id.Seq) {
	if h.cursor != latest {
		clear(h.available)
		clear(h.owners)
	}
	h.cursor = latest
}

// enter counts a connection of an address from the first moment on, so that lines that never say hello count too.
func (h *Hub) enter(address string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.addresses[address] >= h.PerAddress {
		return false
	}
	h.addresses[address]++
	return true
}

func (h *Hub) exit(address string) {
	h.mu.Lock()
	if h.addresses[address]--; h.addresses[address] <= 0 {
		delete(h.addresses, address)
	}
	h.mu.Unlock()
}

// heartbeats pings every connection each 25 seconds, a twenty-fifth of them each second, and drops silent ones.
func (h *Hub) heartbeats(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.BeatOnce(ctx)
		}
	}
}

// BeatOnce does one second's share of the heartbeat.
func (h *Hub) BeatOnce(ctx context.Context) {
	now := h.Now()
	var ping, dead, check []*conn
	var tabs []Tab
	h.mu.Lock()
	h.beat++
	turn := h.beat % int(heartbeat/time.Second)
	for c := range h.conns {
		if c.turn != turn {
			continue
		}
		if now.Sub(c.seen()) > silence {
			dead = append(dead, c)
			continue
		}
		ping = append(ping, c)
		if c.beats++; c.beats%checkBeats == 0 && c.who.Valid != nil {
			check = append(check, c)
		}
		if c.presence {
			tabs = append(tabs, Tab{c.who.Operator, c.id})
		}
	}
	h.mu.Unlock()
	for _, c := range dead {
		c.drop()
	}
	for _, c := range ping {
		c.push(0, pingFrame)
		if v := c.open(); v != 0 {
			h.tell(signal{Kind: "viewing", Conversation: v, By: wireParty{"operator", int64(c.who.Operator), c.who.Name}, On: true})
		}
	}
	if len(tabs) > 0 {
		h.TabsTouched(ctx, tabs)
	}
	h.forgetViewers(now)
	if len(check) > 0 && !h.checking.Swap(true) {
		h.wait.Add(1)
		go func() {
			defer h.wait.Done()
			defer h.checking.Store(false)
			h.checkAll(ctx, check)
		}()
	}
}

// tell applies a signal here and passes it to the other nodes.
func (h *Hub) tell(s signal) {
	s.Node = h.Node
	h.receive(s)
	if h.Redis != nil {
		h.Redis.publish(s)
	}
}

// receive applies a signal of this or another node.
func (h *Hub) receive(s signal) {
	switch s.Kind {
	case "wake":
		if s.Node != h.Node {
			h.Feed.Wake()
		}
	case "typing":
		h.showTyping(s)
	case "viewing":
		h.showViewing(s)
	case "ended":
		h.recheck(s.Contact)
	}
}

// Ended tells that some of a contact's tokens may not count any more: their sockets are closed now, on every node, and not when they are
// looked at next.
func (h *Hub) Ended(contact id.Contact) { h.tell(signal{Kind: "ended", Contact: contact}) }

// recheck looks at a contact's connections.
func (h *Hub) recheck(contact id.Contact) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var check []*conn
	for c := range h.contacts[contact] {
		if c.who.Valid != nil {
			check = append(check, c)
		}
	}
	if len(check) == 0 || h.closing {
		return
	}
	h.wait.Go(func() { h.checkAll(h.life, check) })
}

func (h *Hub) showTyping(s signal) {
	b := frame(wireTyping{"typing", s.Conversation, s.By, nil, int(typingTTL / time.Second)})
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.team {
		if s.By.Type != "operator" || int64(c.who.Operator) != s.By.ID {
			c.push(0, b)
		}
	}
	if s.By.Type == "operator" {
		for c := range h.contacts[s.Contact] {
			c.push(0, b)
		}
		if v := h.viewing[s.Conversation][id.Operator(s.By.ID)]; v != nil {
			v.typing = h.Now().Add(typingTTL)
			h.sendViewers(s.Conversation)
		}
	}
}

func (h *Hub) showViewing(s signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	operator := id.Operator(s.By.ID)
	set := h.viewing[s.Conversation]
	v := set[operator]
	if s.On {
		if set == nil {
			set = map[id.Operator]*viewer{}
			h.viewing[s.Conversation] = set
		}
		isNew := v == nil
		if isNew {
			v = &viewer{name: s.By.Name, present: map[string]time.Time{}}
			set[operator] = v
		}
		v.present[s.Node] = h.Now().Add(viewingTTL)
		if isNew {
			h.sendViewers(s.Conversation)
		}
		return
	}
	if v == nil {
		return
	}
	delete(v.present, s.Node)
	if len(v.present) == 0 {
		delete(set, operator)
		h.sendViewers(s.Conversation)
		if len(set) == 0 {
			delete(h.viewing, s.Conversation)
		}
	}
}

// forgetViewers drops those of nodes that went away without a word.
func (h *Hub) forgetViewers(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for conversation, set := range h.viewing {
		changed := false
		for operator, v := range set {
			for node, until := range v.present {
				if now.After(until) {
					delete(v.present, node)
				}
			}
			if len(v.present) == 0 {
				delete(set, operator)
				changed = true
			}
		}
		if changed {
			h.sendViewers(conversation)
		}
		if len(set) == 0 {
			delete(h.viewing, conversation)
		}
	}
}

// sendViewers tells everyone who has the conversation open who else has. h.mu is held.
func (h *Hub) sendViewers(conversation id.Conversation) {
	now := h.Now()
	for c := range h.team {
		if c.who.Operator == 0 || c.open() != conversation {
			continue
		}
		others := []wireViewer{}
		for operator, v := range h.viewing[conversation] {
			if operator != c.who.Operator {
				others = append(others, wireViewer{operator, v.name, now.Before(v.typing)})
			}
		}
		c.push(0, frame(wireViewing{"viewing", conversation, others}))
	}
}

// owner returns whose conversation it is, from a small memory.
func (h *Hub) owner(ctx context.Context, conversation id.Conversation) owner {
	h.mu.Lock()
	o, ok := h.owners[conversation]
	cursor := h.cursor
	h.mu.Unlock()
	if ok {
		return o
	}
	if o.contact, o.shown = h.ContactOf(ctx, conversation); o.contact == 0 {
		return owner{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cursor != cursor {
		return o // an event that was pushed meanwhile may have changed it
	}
	if len(h.owners) > 10000 {
		clear(h.owners)
	}
	h.owners[conversation] = o
	return o
}
