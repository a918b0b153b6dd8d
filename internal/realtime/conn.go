package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/feed"
	"parley/internal/id"
	"parley/internal/secret"
)

const (
	maxFrame     = 16 << 10 // bytes of a client's frame
	helloWithin  = 10 * time.Second
	writeWithin  = 10 * time.Second
	maxQueue     = 1024    // frames that may wait for a slow browser
	maxQueued    = 4 << 20 // bytes that may wait
	typingEvery  = time.Second
	signalBurst  = 40 // client frames per window, beyond which the line is cut
	signalWindow = 10 * time.Second
)

var errTooMany = fault.New(fault.RequestLimited, "too many connections from this address").After(time.Minute)

// conn is one socket.
type conn struct {
	hub      *Hub
	ws       *websocket.Conn
	ctx      context.Context
	who      Subject
	id       string
	address  string
	turn     int  // its second of the heartbeat
	beats    int  // heartbeats so far; guarded by hub.mu
	presence bool // counts as an operator's open tab
	lastSeen atomic.Int64
	viewed   atomic.Int64 // the conversation that an operator has open

	mu      sync.Mutex
	queue   [][]byte
	queued  int
	held    []heldFrame // pushed while the replay runs
	replay  bool
	skip    id.Seq // the browser has these already
	writing bool
	over    bool    // nothing is queued any more
	ending  *ending // what the writer says last, nil while the line is to go on
}

// ending is a line's last frame and close code.
type ending struct {
	b      []byte
	code   websocket.StatusCode
	reason string
	said   chan struct{} // closed when the line is closed
}

type heldFrame struct {
	seq id.Seq
	b   []byte
}

func (c *conn) seen() time.Time       { return time.Unix(0, c.lastSeen.Load()) }
func (c *conn) open() id.Conversation { return id.Conversation(c.viewed.Load()) }

// Operators serves GET /api/v1/socket.
func (h *Hub) Operators(w http.ResponseWriter, r *http.Request) { h.serve(w, r, h.OperatorAuth, true) }

// Visitors serves GET /visitor/v1/socket. Any origin may open it: the widget's domains are checked with the token.
func (h *Hub) Visitors(w http.ResponseWriter, r *http.Request) { h.serve(w, r, h.VisitorAuth, false) }

func (h *Hub) serve(w http.ResponseWriter, r *http.Request, auth func(*http.Request, string) (Subject, error), sameOrigin bool) {
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		http.Error(w, "server stops", http.StatusServiceUnavailable)
		return
	}
	h.wait.Add(1)
	h.mu.Unlock()
	defer h.wait.Done()
	address := h.ClientIP(r)
	allowed := h.enter(address)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: !sameOrigin, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		if allowed {
			h.exit(address)
		}
		return // Accept has answered
	}
	ws.SetReadLimit(maxFrame)
	c := &conn{hub: h, ws: ws, ctx: h.life, id: secret.UUID(), address: address, turn: rand.IntN(int(heartbeat / time.Second))}
	c.lastSeen.Store(h.Now().UnixNano())
	if !allowed {
		c.refuse(errTooMany)
		ws.CloseNow()
		return
	}
	after, err := c.hello(r, auth)
	if err != nil {
		h.exit(address)
		c.refuse(err)
		ws.CloseNow()
		return
	}
	// The handler returns, so that the request, its goroutine's stack and the HTTP server's buffers are not kept for hours.
	h.wait.Add(1)
	go c.run(after)
}

// run is the connection's goroutine from the hello to the end.
func (c *conn) run(after *id.Seq) {
	defer c.hub.wait.Done()
	defer c.hub.exit(c.address)
	defer c.ws.CloseNow()
	defer c.broken()
	joined, err := c.join(after)
	if err != nil {
		c.refuse(err)
		return
	}
	defer c.leave()
	if c.presence {
		c.hub.TabOpened(c.ctx, Tab{c.who.Operator, c.id})
	}
	if c.resume(after, joined) {
		c.read()
	}
	c.waitForEnd() // somebody may be saying why
}

// broken ends this connection alone when its own goroutine panics.
func (c *conn) broken() {
	if v := recover(); v != nil {
		c.hub.Logger.Error("a connection broke", "panic", v, "stack", string(debug.Stack()))
	}
}

// hello reads the first frame and finds out who is there.
func (c *conn) hello(r *http.Request, auth func(*http.Request, string) (Subject, error)) (*id.Seq, error) {
	ctx, cancel := context.WithTimeout(c.ctx, helloWithin)
	defer cancel()
	_, b, err := c.ws.Read(ctx)
	if err != nil {
		return nil, fault.New(fault.RequestMalformed, "no hello came within 10 seconds")
	}
	var in wireIn
	if err := json.Unmarshal(b, &in); err != nil || in.Type != "hello" || in.After != nil && *in.After < 0 {
		return nil, fault.New(fault.RequestMalformed, `the first frame must be {"type":"hello","after":SEQ}`)
	}
	if c.who, err = auth(r, in.Token); err != nil {
		return nil, err
	}
	c.presence = in.Presence && c.who.Operator != 0
	return in.After, nil
}

// join registers the connection; from now on live events are held for it.
func (c *conn) join(after *id.Seq) (id.Seq, error) {
	c.replay = true
	joined, err := c.hub.add(c)
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	c.skip = joined
	if after != nil && *after > joined {
		c.skip = *after // its snapshot is newer than what the hub has pushed
	}
	c.mu.Unlock()
	return joined, nil
}

// leave ends what the connection stood for.
func (c *conn) leave() {
	h := c.hub
	h.remove(c)
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	if v := c.open(); v != 0 {
		c.viewed.Store(0)
		h.stopViewing(c, v)
	}
	if c.presence {
		// The line is gone, the presence must end all the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), writeWithin)
		defer cancel()
		h.TabClosed(ctx, Tab{c.who.Operator, c.id})
	}
}

// resume welcomes the browser and sends what it missed, then what was held meanwhile.
func (c *conn) resume(after *id.Seq, joined id.Seq) bool {
	if after != nil && *after > joined && c.fromElsewhere(*after) {
		c.resync("too_far")
		return false
	}
	c.now(frame(wireWelcome{"welcome", joined, int(heartbeat / time.Second)}))
	if c.who.Contact != 0 {
		c.hub.greet(c)
	}
	if after != nil && *after < joined {
		if joined-*after > id.Seq(c.hub.Replay) {
			c.resync("too_far")
			return false
		}
		if err := c.catchUp(*after, joined); err != nil {
			if c.ctx.Err() == nil {
				c.hub.Logger.Warn("a browser could not resume", "error", err)
			}
			c.resync("too_far")
			return false
		}
	}
	c.mu.Lock()
	c.replay = false
	held := c.held
	c.held = nil
	for _, f := range held {
		c.enqueue(f.b)
	}
	c.mu.Unlock()
	return true
}

// fromElsewhere reports whether a browser's seq lies beyond the feed: the database was restored from a backup. It would
// wait for events that this feed gives to other things.
func (c *conn) fromElsewhere(after id.Seq) bool {
	_, latest, err := c.hub.Feed.ReadAfter(c.ctx, after, 0, feed.Filter{})
	return err == nil && after > latest
}

var errTooFar = errors.New("too many events to replay")

func (c *conn) catchUp(after, until id.Seq) error {
	filter := feed.Filter{Contact: c.who.Contact}
	f := c.hub.newFrames(c.ctx)
	for sent := 0; after < until; {
		events, _, err := c.hub.Feed.ReadAfter(c.ctx, after, followBatch, filter)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Seq > until {
				return nil
			}
			after = e.Seq
			b, err := c.render(f, e)
			if err != nil {
				return err
			}
			if b != nil {
				if sent++; sent > c.hub.Replay {
					return errTooFar
				}
				if !c.waitRoom() {
					return errTooFar
				}
				c.now(b)
			}
		}
		if len(events) < followBatch {
			return nil
		}
	}
	return nil
}

func (c *conn) render(f *frames, e *event.Event) ([]byte, error) {
	if c.who.Contact != 0 {
		return f.visitor(e, c.who.Contact)
	}
	return f.operator(e), nil
}

// waitRoom makes the replay wait for a slow browser instead of filling its queue; false means it takes too long.
func (c *conn) waitRoom() bool {
	c.mu.Lock()
	room := len(c.queue) < maxQueue/2 && c.queued < maxQueued/2
	c.mu.Unlock()
	if room {
		return true
	}
	return c.flush()
}

// read handles the browser's frames until the line ends.
func (c *conn) read() {
	window, frames := c.hub.Now(), 0
	var lastTyping time.Time
	for {
		_, b, err := c.ws.Read(c.ctx)
		if err != nil {
			return
		}
		now := c.hub.Now()
		c.lastSeen.Store(now.UnixNano())
		if now.Sub(window) > signalWindow {
			window, frames = now, 0
		}
		if frames++; frames > signalBurst {
			c.refuse(fault.New(fault.RequestLimited, "too many frames"))
			return
		}
		var in wireIn
		if err := json.Unmarshal(b, &in); err != nil {
			c.refuse(fault.New(fault.RequestMalformed, "a frame was not valid JSON"))
			return
		}
		switch in.Type {
		case "pong":
		case "typing":
			if in.ConversationID != nil && now.Sub(lastTyping) >= typingEvery {
				lastTyping = now
				c.typing(*in.ConversationID)
			}
		case "viewing":
			if c.who.Operator != 0 {
				c.view(in.ConversationID)
			}
		case "page":
			if c.who.Contact != 0 {
				c.hub.Page(c.ctx, c.who.Contact, in.URL, in.Title)
			}
		case "delivered":
			if c.who.Contact != 0 && in.ConversationID != nil {
				c.hub.Delivered(c.ctx, c.who.Contact, *in.ConversationID, in.Number)
			}
		default:
			// A newer client may say more than this server knows.
		}
	}
}

func (c *conn) typing(conversation id.Conversation) {
	o := c.hub.owner(c.ctx, conversation)
	s := signal{Kind: "typing", Conversation: conversation}
	if o.shown {
		s.Contact = o.contact
	}
	switch {
	case o.contact == 0:
	case c.who.Contact != 0:
		// Nobody types where they cannot write.
		if s.Contact == c.who.Contact {
			s.By = wireParty{"contact", int64(s.Contact), c.who.Name}
			c.hub.tell(s)
		}
	case c.who.Operator != 0:
		s.By = wireParty{"operator", int64(c.who.Operator), c.who.Name}
		c.hub.tell(s)
	}
}

func (c *conn) view(conversation *id.Conversation) {
	var to id.Conversation
	if conversation != nil {
		to = *conversation
	}
	before := id.Conversation(c.viewed.Swap(int64(to)))
	if before == to {
		return
	}
	if before != 0 {
		c.hub.stopViewing(c, before)
	}
	if to != 0 {
		c.hub.tell(signal{Kind: "viewing", Conversation: to, By: wireParty{"operator", int64(c.who.Operator), c.who.Name}, On: true})
		c.hub.mu.Lock()
		c.hub.sendViewers(to)
		c.hub.mu.Unlock()
	}
}

// stopViewing tells that c's operator closed the conversation, unless another of their tabs here still has it open.
func (h *Hub) stopViewing(c *conn, conversation id.Conversation) {
	h.mu.Lock()
	for other := range h.team {
		if other != c && other.who.Operator == c.who.Operator && other.open() == conversation {
			h.mu.Unlock()
			return
		}
	}
	h.mu.Unlock()
	h.tell(signal{Kind: "viewing", Conversation: conversation, By: wireParty{"operator", int64(c.who.Operator), c.who.Name}})
}

// push queues a frame of the event seq; 0 for frames that belong to no event. While the replay runs, frames are held: who has
// been welcomed misses no sign of typing either.
func (c *conn) push(seq id.Seq, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq != 0 && c.skip >= seq {
		return
	}
	if c.replay {
		if len(c.held) >= c.hub.Replay {
			c.tooSlow()
			return
		}
		c.held = append(c.held, heldFrame{seq, b})
		return
	}
	c.enqueue(b)
}

// now queues a frame whatever the replay does.
func (c *conn) now(b []byte) {
	c.mu.Lock()
	c.enqueue(b)
	c.mu.Unlock()
}

// enqueue appends a frame and sees to it that a writer runs. c.mu is held.
func (c *conn) enqueue(b []byte) {
	if c.over {
		return
	}
	if len(c.queue) >= maxQueue || c.queued+len(b) > maxQueued {
		c.tooSlow()
		return
	}
	c.queue = append(c.queue, b)
	c.queued += len(b)
	if !c.writing {
		c.writing = true
		c.hub.wait.Add(1)
		go c.write()
	}
}

// tooSlow cuts the connection off: it gets "resync" instead of what waits. c.mu is held.
func (c *conn) tooSlow() { c.finish(frame(wireResync{"resync", "slow"}), closeResync, "resync") }

// finish makes b the connection's last frame, after which the line is closed. What is queued is dropped, and nothing comes
// after b: only the writer writes. The first ending counts. c.mu is held.
func (c *conn) finish(b []byte, code websocket.StatusCode, reason string) {
	if c.ending != nil {
		return
	}
	c.over, c.queue, c.held, c.queued = true, nil, nil, 0
	c.ending = &ending{b, code, reason, make(chan struct{})}
	if !c.writing {
		c.writing = true
		c.hub.wait.Add(1)
		go c.write()
	}
}

// cutOff makes the browser load a fresh snapshot.
func (c *conn) cutOff() {
	c.mu.Lock()
	c.tooSlow()
	c.mu.Unlock()
}

// dismiss ends a connection whose session or token does not hold any more, without waiting for it.
func (c *conn) dismiss(err error) {
	c.mu.Lock()
	c.finishWith(err)
	c.mu.Unlock()
}

// write sends the queue and ends when it is empty, after the last frame when there is one.
func (c *conn) write() {
	defer c.hub.wait.Done()
	for {
		c.mu.Lock()
		last := c.ending
		if last == nil && len(c.queue) == 0 {
			c.writing, c.queue = false, nil
			c.mu.Unlock()
			return
		}
		batch := c.queue
		c.queue, c.queued = nil, 0
		c.mu.Unlock()
		if last != nil {
			if c.send(last.b) == nil {
				c.ws.Close(last.code, last.reason)
			}
			c.drop()
			close(last.said)
			return
		}
		for _, b := range batch {
			if c.send(b) != nil {
				c.drop()
				c.mu.Lock()
				c.over, c.queue = true, nil
				if c.ending == nil {
					c.ending = &ending{said: make(chan struct{})} // nobody can be told anything any more
				}
				close(c.ending.said)
				c.mu.Unlock()
				return
			}
			if c.ended() {
				break
			}
		}
	}
}

func (c *conn) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending != nil
}

// waitForEnd waits until the line's last frame was said and the line is closed.
func (c *conn) waitForEnd() {
	c.mu.Lock()
	last := c.ending
	c.mu.Unlock()
	if last != nil {
		<-last.said
	}
}

func (c *conn) send(b []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, b)
}

// flush waits until the writer has sent what is queued.
func (c *conn) flush() bool {
	deadline := time.NewTimer(writeWithin)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		c.mu.Lock()
		empty, over := len(c.queue) == 0, c.over
		c.mu.Unlock()
		if over {
			return false
		}
		if empty {
			return true
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		case <-c.ctx.Done():
			return false
		}
	}
}

// resync tells the browser to load a fresh snapshot and ends the line.
func (c *conn) resync(reason string) {
	c.mu.Lock()
	c.finish(frame(wireResync{"resync", reason}), closeResync, "resync")
	c.mu.Unlock()
	c.waitForEnd()
}

// refuse tells what is wrong and ends the line.
func (c *conn) refuse(err error) {
	c.mu.Lock()
	c.finishWith(err)
	c.mu.Unlock()
	c.waitForEnd()
}

// finishWith makes err the connection's last word. c.mu is held.
func (c *conn) finishWith(err error) {
	f := fault.As(err)
	code := websocket.StatusCode(closeProtocol)
	switch f.Kind() {
	case fault.Unauthenticated, fault.Denied:
		code = closeAuth
	case fault.Internal:
		c.hub.Logger.Error("a socket could not be served", "error", err)
	}
	c.finish(frame(wireError{"error", string(f.Code), f.Detail}), code, string(f.Code))
}

func (c *conn) closeWith(code websocket.StatusCode, reason string) { c.ws.Close(code, reason) }

// drop ends the line at once.
func (c *conn) drop() { c.ws.CloseNow() }
