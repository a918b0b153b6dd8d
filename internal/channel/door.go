package channel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/id"
	"parley/internal/inbox"
	"parley/internal/media"
	"parley/internal/once"
	"parley/internal/team"
)

const (
	// MaxInbound is the greatest body that the door takes, in bytes.
	MaxInbound = 256 << 10
	// MaxExternalID is the length of a sender's own id of a message, in characters.
	MaxExternalID = 200
	// logKept is how many lines of what came in are kept for each channel; logSlack how many more may gather.
	logKept, logSlack = 1000, 100
)

// Caller is who stands at the door.
type Caller struct {
	// Key is from the Inbound URL, Token what the header API-SECURITY-TOKEN says; "" for none.
	Key, Token string
	// IP is shown in the log, From tells callers apart for limits.
	IP, From string
}

// Knock is a line of the log of what came in.
type Knock struct {
	ID int64
	At time.Time
	IP string
	// Status is that of the answer, Code and Detail say why it is not 200.
	Status    int
	Code      fault.Code
	Detail    string
	Message   id.Message // 0 for none
	Duplicate bool
	// Conversation is where the message is; of lines that were read.
	Conversation id.Conversation
}

// Door is an open door: its caller has shown the token of a channel.
type Door struct {
	desk    *Desk
	channel *Channel
	caller  Caller
	status  func(error) int
}

// Open checks who calls, before anything of the body is read. Faults: channel.not_found, channel.token_missing, channel.token_wrong (in
// constant time), request.limited. status is the HTTP status of a fault, for the log.
func (d *Desk) Open(ctx context.Context, who Caller, status func(error) int) (*Door, error) {
	// What is in memory may be older than the last change: nobody is sent away before a look at the database. Where nothing is in memory
	// the look is no caller's fault.
	r, fresh := d.cache.Load(), false
	if r == nil {
		var err error
		if r, err = d.now(ctx); err != nil {
			return nil, err
		}
		fresh = true
	}
	if r.byKey[who.Key] == nil {
		if err := d.patience(who.From); err != nil {
			return nil, err
		}
		if !fresh {
			var err error
			if r, err = d.now(ctx); err != nil {
				return nil, err
			}
			fresh = true
		}
	}
	c := r.byKey[who.Key]
	if c == nil || c.receiver == nil {
		d.wrong.Allow(who.From)
		return nil, fault.New(fault.ChannelNotFound, "no channel has this Inbound URL")
	}
	if err := d.patience(who.From + " " + who.Key); err != nil {
		return nil, err
	}
	door := &Door{d, c, who, status}
	err := door.token(c)
	if err != nil && !fresh {
		if r, err = d.now(ctx); err != nil {
			return nil, err
		}
		if c = r.byKey[who.Key]; c == nil {
			return nil, fault.New(fault.ChannelNotFound, "no channel has this Inbound URL")
		}
		door.channel = c
		err = door.token(c)
	}
	if err != nil {
		d.wrong.Allow(who.From + " " + who.Key)
		door.Refused(ctx, err)
		return nil, err
	}
	if wait, ok := d.good.Allow(who.Key); !ok {
		return nil, fault.New(fault.RequestLimited, "more messages than the channel takes").After(wait)
	}
	return door, nil
}

// patience refuses callers who have shown too many wrong tokens at a door, or asked for too many doors that are none.
func (d *Desk) patience(key string) error {
	if wait, spent := d.wrong.Spent(key); spent {
		return fault.New(fault.RequestLimited, "too many calls with a wrong token from this address").After(wait)
	}
	return nil
}

// token refuses who does not show the channel's token.
func (o *Door) token(c *Channel) error {
	switch {
	case o.caller.Token == "":
		return fault.New(fault.ChannelTokenMissing, "send the Inbound auth token in the header API-SECURITY-TOKEN")
	case !c.sealed.Secrets[InboundToken].holds(o.caller.Token, o.desk.DB.Now()):
		return fault.New(fault.ChannelTokenWrong, "the token in API-SECURITY-TOKEN is not the channel's Inbound auth token")
	}
	return nil
}

// Refused puts a refusal into the channel's log, unless there are too many of them.
func (o *Door) Refused(ctx context.Context, err error) {
	d := o.desk
	if _, ok := d.noted.Allow(o.caller.Key); !ok || fault.IsKind(err, fault.Unavailable) {
		return
	}
	f := fault.As(err)
	k := &Knock{IP: o.caller.IP, Status: o.status(err), Code: f.Code, Detail: f.Detail}
	if f.Field != "" {
		k.Detail = f.Field + ": " + f.Detail
	}
	err = d.DB.Update(context.WithoutCancel(ctx), func(_ context.Context, tx *db.Tx) error { return d.note(tx, o.channel.ID, k) })
	if err != nil {
		d.Logger.Warn("a refused call is not in the channel's log", "channel", o.channel.ID, "error", err)
	}
}

// note writes a line of the log, and forgets old ones now and then.
func (d *Desk) note(tx *db.Tx, c id.Channel, k *Knock) error {
	if err := note(tx, c, k); err != nil {
		return fmt.Errorf("log of channel %d: %w", c, err)
	}
	if d.logged.Add(1)%logSlack != 0 {
		return nil
	}
	if err := trimLog(tx, c, logKept); err != nil {
		return fmt.Errorf("trim the log of channel %d: %w", c, err)
	}
	return nil
}

// Forget trims the logs of all channels.
func (d *Desk) Forget(ctx context.Context) error {
	r, err := d.now(ctx)
	if err == nil {
		err = d.DB.Update(ctx, func(_ context.Context, tx *db.Tx) error {
			for c := range r.byID {
				if err := trimLog(tx, c, logKept); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("trim the logs of channels: %w", err)
	}
	return nil
}

// Received is the answer to a message.
type Received struct {
	Message      id.Message
	Conversation id.Conversation
	Contact      id.Contact
	Duplicate    bool
}

// Receive stores a message of a contact (S-066 to S-071). A repeat with the sender's own id gets the first answer, for good.
func (o *Door) Receive(ctx context.Context, body []byte) (*Received, error) {
	in, err := o.channel.receiver.Decode(body)
	var out *Received
	if err == nil {
		out, err = o.desk.receive(ctx, o.channel, in, o)
	}
	if err != nil {
		o.Refused(ctx, err)
		return nil, fmt.Errorf("message at channel %d: %w", o.channel.ID, err)
	}
	return out, nil
}

// receive stores a message. The door is nil where nobody knocked (a test).
func (d *Desk) receive(ctx context.Context, c *Channel, in *Inbound, door *Door) (*Received, error) {
	var f fault.Collect
	from, err := person(in.Address, in.Email, in.Name)
	if err != nil {
		f.Add(fault.As(err))
	}
	if !plain(in.ID) || len([]rune(in.ID)) > MaxExternalID {
		f.Add(fault.Newf(fault.FieldInvalid, "the id has at most %d characters and no control characters", MaxExternalID).At("id"))
	}
	if strings.TrimSpace(in.Body) == "" && in.URL != "" {
		in.Body = ""
	} else if err := inbox.CheckBody(in.Body); err != nil {
		f.Add(fault.As(err))
	}
	if in.URL != "" {
		if _, err := media.CheckRemoteURL(in.URL); err != nil {
			f.Add(err.At("url"))
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	var out *Received
	err = d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		// As of this transaction: what was let in by memory may have changed.
		now := r.living(c.ID)
		if now == nil || now.receiver == nil {
			return fault.New(fault.ChannelNotFound, "no channel has this Inbound URL")
		}
		if now != c && door != nil {
			if err := door.token(now); err != nil {
				return err
			}
		}
		if out, err = d.store(ctx, tx, now, in, from); err != nil || door == nil {
			return err
		}
		return d.note(tx, c.ID, &Knock{IP: door.caller.IP, Status: 200, Message: out.Message, Duplicate: out.Duplicate})
	})
	return out, err
}

func (d *Desk) store(ctx context.Context, tx *db.Tx, c *Channel, in *Inbound, from who) (*Received, error) {
	if in.ID != "" {
		before, used, err := claimMessage(tx, c.ID, in.ID)
		if err != nil {
			return nil, fmt.Errorf("look for message %.40q of channel %d: %w", in.ID, c.ID, err)
		}
		if used {
			return &Received{before.message, before.conversation, before.contact, true}, nil
		}
	}
	at, err := d.resolve(ctx, tx, c, from)
	if err != nil {
		return nil, err
	}
	p := inbox.ChannelPost{Channel: c.ref(), Widget: c.Widget, Contact: at.Contact, Address: at.ID, Key: once.Key{}, Body: in.Body, MediaURL: in.URL, MediaName: in.FileName}
	if c.AutoReply && c.sender != nil {
		p.AutoReply = receiptText
	}
	posted, err := d.Inbox.PostFromChannel(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	out := &Received{Message: posted.Message, Conversation: posted.Conversation, Contact: posted.Contact}
	if in.ID != "" {
		if err := putMessage(tx, c.ID, in.ID, stored{out.Message, out.Conversation, out.Contact}); err != nil {
			return nil, fmt.Errorf("store the id of message %.40q of channel %d: %w", in.ID, c.ID, err)
		}
	}
	return out, nil
}

// Receipt takes what the other side says of a message of ours: it raises the message's state, or makes it failed.
func (o *Door) Receipt(ctx context.Context, body []byte) (*Receipt, error) {
	in, err := o.channel.receiver.DecodeReceipt(body)
	if err == nil {
		err = o.desk.receipt(ctx, o, in)
	}
	if err != nil {
		o.Refused(ctx, err)
		return nil, fmt.Errorf("receipt at channel %d: %w", o.channel.ID, err)
	}
	return in, nil
}

func (d *Desk) receipt(ctx context.Context, o *Door, in *Receipt) error {
	return d.DB.Update(ctx, func(ctx context.Context, tx *db.Tx) error {
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		now := r.living(o.channel.ID)
		if now == nil {
			return fault.New(fault.ChannelNotFound, "no channel has this Inbound URL")
		}
		if now != o.channel {
			if err := o.token(now); err != nil {
				return err
			}
		}
		conversation, err := sentMessage(tx, now.ID, id.Message(in.Message))
		if errors.Is(err, db.ErrNoRows) {
			return fault.Newf(fault.MessageNotFound, "no message %d went over this channel", in.Message).At("id")
		}
		if err != nil {
			return err
		}
		code := ""
		if in.State == event.StateFailed {
			code = inbox.CodeRefused
		}
		return d.Inbox.StateOfMessage(ctx, tx, conversation, id.Message(in.Message), in.State, code, in.Error)
	})
}

// Log returns a page of what came in at a channel, newest first, and whether there is more. Before is the id of the last line of the page
// before, 0 for the first page.
func (d *Desk) Log(ctx context.Context, by team.Actor, which id.Channel, before int64, limit int) (list []*Knock, more bool, err error) {
	if err := by.MayAdmin(); err != nil {
		return nil, false, err
	}
	if before == 0 {
		before = id.MaxSafe
	}
	err = d.DB.View(ctx, func(_ context.Context, tx *db.Tx) error {
		r, err := d.roster(tx)
		if err != nil {
			return err
		}
		if r.living(which) == nil {
			return unknown(which)
		}
		list, err = readLog(tx, which, before, limit+1)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("log of channel %d: %w", which, err)
	}
	if len(list) > limit {
		return list[:limit], true, nil
	}
	return list, false, nil
}
